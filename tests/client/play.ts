// Plays what an app does, from the first start to daily use, in the order of docs/api-guide.md.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";

import createClient from "openapi-fetch";

import { assertIs, holdsTheContract, type Schemas } from "./contract.js";
import { Live } from "./events.js";
import type { paths } from "./schema.js";

const [api, fakes] = process.argv.slice(2);
const PATIENCE_MS = 60_000;

type Problem = Schemas["Problem"];

interface Answer<Data> {
  data?: Data;
  error?: Problem;
  response: Response;
}

interface Message {
  channel: "Email" | "Push" | "Sms" | "Voice";
  to: string;
  title: string;
  text: string;
}

/** Says what is looked at now, so that a failure is found below it. */
function rule(numbers: string, sentence: string): void {
  console.log(`${numbers.padEnd(10)} ${sentence}`);
}

function app(token?: string) {
  const client = createClient<paths>({ baseUrl: api, headers: token ? { Authorization: `Bearer ${token}` } : {} });
  client.use(holdsTheContract);
  return client;
}
type App = ReturnType<typeof app>;

async function answered<Data>(status: number, call: Promise<Answer<Data>>): Promise<Data> {
  const { data, error, response } = await call;
  assert.equal(response.status, status, JSON.stringify(error));
  assert(data !== undefined);
  return data;
}

async function refused(status: number, code: Problem["code"], call: Promise<Answer<unknown>>): Promise<Problem> {
  const { error, response } = await call;
  assert.equal(response.status, status, JSON.stringify(error));
  assert(error !== undefined, "nothing was refused");
  assert.equal(error.code, code);
  assert.equal(error.status, status);
  return error;
}

/** What is without a body: 204, or 304. */
async function isEmpty(status: 204 | 304, call: Promise<Answer<unknown>>): Promise<void> {
  assert.equal((await call).response.status, status);
}

/** What has a version to ask for it again. */
async function tagged<Data>(call: Promise<Answer<Data>>): Promise<{ data: Data; etag: string }> {
  const { response } = await call;
  const etag = response.headers.get("etag");
  assert(etag);
  return { data: await answered(200, call), etag };
}

/** Waits for a message that the fake providers have got. */
async function told(channel: Message["channel"], to: string, words: RegExp): Promise<RegExpMatchArray> {
  for (const end = Date.now() + PATIENCE_MS; Date.now() < end; await sleep(100)) {
    const messages = (await (await fetch(`${fakes}/messages`)).json()) as Message[];
    for (const message of messages.filter((message) => message.channel === channel && message.to === to)) {
      const found = `${message.title} ${message.text}`.match(words);
      if (found) return found;
    }
  }
  throw new Error(`No ${channel} to ${to} with ${words}`);
}

async function follow(app: App, after?: string): Promise<Live> {
  const stream = await answered(
    200,
    app.GET("/v1/events", {
      parseAs: "stream",
      params: { header: { "Last-Event-ID": after } },
      signal: AbortSignal.timeout(PATIENCE_MS),
    }),
  );
  assert(stream);
  return new Live(stream);
}

async function notification(live: Live, kind: string): Promise<Schemas["Notification"]> {
  for (;;) {
    const { name, id, data } = await live.next();
    if (name !== "notification") continue;
    assertIs("Notification", data);
    assert.equal(id, data.id);
    if (data.kind === kind) return data;
  }
}

/** Waits until the Contact's home screen shows this of their first Member. */
async function shown(live: Live, status: Schemas["DayStatus"]): Promise<void> {
  for (;;) {
    const { name, data } = await live.next();
    if (name !== "members") continue;
    assertIs("MemberList", data);
    if (data.items[0]?.status === status) return;
  }
}

async function account(name: string) {
  const address = { kind: "email", value: `${name.toLowerCase()}@example.org` } as const;
  const { next_after_seconds } = await answered(200, app().POST("/v1/auth/codes", { body: { address } }));
  assert.equal(next_after_seconds, 60);
  await refused(429, "too-many-codes", app().POST("/v1/auth/codes", { body: { address } }));
  const [code] = await told("Email", address.value, /\d{6}/);

  const wrong = code === "000000" ? "111111" : "000000";
  const { tries_left } = await refused(422, "code-wrong", app().POST("/v1/auth/codes/verify", { body: { address, code: wrong } }));
  assert.equal(tries_left, 4);
  const { ticket, account_exists } = await answered(200, app().POST("/v1/auth/codes/verify", { body: { address, code } }));
  assert.equal(account_exists, false);

  const body = { ticket, name, device_name: `${name}'s phone`, language: "en" } as const;
  const { errors } = await refused(422, "weak-pin", app().POST("/v1/auth/accounts", { body: { ...body, pin: "1111" } }));
  assert.deepEqual(errors?.map((error) => error.pointer), ["/pin"]);
  const session = await answered(201, app().POST("/v1/auth/accounts", { body: { ...body, pin: "4829" } }));
  return { name, address, id: session.user_id, session, app: app(session.access_token) };
}
type Person = Awaited<ReturnType<typeof account>>;

/** One invites the other; gives the code. */
async function invite(from: Person, to: Person, invitee_becomes: Schemas["Side"]): Promise<string> {
  const params = { header: { "Idempotency-Key": randomUUID() } };
  const body = { invitee_becomes, name: to.name, address: to.address };
  const invitation = await answered(201, from.app.POST("/v1/invitations", { params, body }));
  assert.equal(invitation.state, "pending");
  assert.deepEqual(await answered(201, from.app.POST("/v1/invitations", { params, body })), invitation);
  const other = { ...body, name: "Somebody else" };
  await refused(409, "idempotency-key-reused", from.app.POST("/v1/invitations", { params, body: other }));
  await told("Email", to.address.value, new RegExp(invitation.code));
  return invitation.code;
}

async function accept(by: Person, code: string, from: Person, you_are: Schemas["Side"]): Promise<void> {
  await refused(404, "invitation-unknown", by.app.POST("/v1/invitations/accept", { body: { code: "AAAAAA" } }));
  const connected = await answered(200, by.app.POST("/v1/invitations/accept", { body: { code } }));
  assert.equal(connected.you_are, you_are);
  assert.deepEqual(connected.other, { id: from.id, name: from.name });
  assert.deepEqual(await answered(200, by.app.POST("/v1/invitations/accept", { body: { code } })), connected);
}

/** Where it is noon now or a little later: what is due at six is open, and the day does not end during the test. */
function zoneAtNoon(): string {
  const hours = 12 - new Date().getUTCHours();
  return `Etc/GMT${hours > 0 ? "-" : "+"}${Math.abs(hours)}`;
}

rule("", "Nobody is signed in");
await refused(401, "not-signed-in", app().GET("/v1/me"));

rule("R2.1 R2.2", "An account is an address that somebody can read, a name and a PIN that is not weak");
const hana = await account("Hana");
const tama = await account("Tama");
const mere = await account("Mere");
const me = await answered(200, hana.app.GET("/v1/me"));
assert.equal(me.id, hana.id);
assert.equal(me.name, "Hana");

rule("R2.4", "A refresh gives a new pair, and the same one when the answer got lost");
const refresh = { body: { refresh_token: hana.session.refresh_token } };
const next = await answered(200, app().POST("/v1/auth/sessions/refresh", refresh));
assert.notEqual(next.refresh_token, hana.session.refresh_token);
assert.equal((await answered(200, app().POST("/v1/auth/sessions/refresh", refresh))).refresh_token, next.refresh_token);
hana.app = app(next.access_token);

rule("R7.6", "A device says where pushes go");
for (const { name, app } of [hana, tama]) {
  const params = { path: { device_id: randomUUID() } };
  const body = { platform: "android", push_token: `phone-of-${name}` } as const;
  const device = await answered(200, app.PUT("/v1/me/devices/{device_id}", { params, body }));
  assert.equal(device.platform, "android");
  assert.equal(device.id, params.path.device_id);
}

rule("R4.1 R4.2", "A schedule has exactly one open check-in");
await refused(404, "no-schedule", hana.app.GET("/v1/me/schedule"));
const schedule: Schemas["NewSchedule"] = {
  local_times: ["18:00"],
  time_zone: zoneAtNoon(),
  grace_minutes: 30,
  reminders: ["at_time"],
};
const set = await answered(200, hana.app.PUT("/v1/me/schedule", { body: schedule }));
assert.equal(set.next?.state, "open");
assert.equal(set.next.local_time, "18:00");
assert.equal(Date.parse(set.next.alert_at) - Date.parse(set.next.due_at), 30 * 60_000);
await refused(422, "time-zone-unknown", hana.app.PUT("/v1/me/schedule", { body: { ...schedule, time_zone: "Pacific/Atlantis" } }));

rule("R9.4", "Nobody overwrites what they have not seen");
const { etag: seen } = await tagged(hana.app.GET("/v1/me/schedule"));
const reminded = { ...schedule, reminders: [] };
const inTime = { params: { header: { "If-Match": seen } }, body: reminded };
assert.deepEqual((await answered(200, hana.app.PUT("/v1/me/schedule", inTime))).reminders, []);
await refused(412, "precondition-failed", hana.app.PUT("/v1/me/schedule", { ...inTime, body: schedule }));

rule("R6.10", "Whom nobody watches is not covered");
assert.equal((await answered(200, hana.app.GET("/v1/me/coverage"))).is_covered, false);

rule("R3.1", "A Member invites a Contact, a Contact invites a Member; accepting twice is accepting once");
await accept(tama, await invite(hana, tama, "contact"), hana, "contact");
await accept(mere, await invite(tama, mere, "member"), tama, "member");
const contacts = await answered(200, hana.app.GET("/v1/me/contacts"));
assert.deepEqual(contacts.items.map((contact) => contact.name), ["Tama"]);

rule("R6.10", "A Contact with two working channels covers");
assert.equal((await answered(200, hana.app.GET("/v1/me/coverage"))).is_covered, true);

rule("R4.4", "The home screen of a Member; unchanged costs nothing");
const today = await tagged(hana.app.GET("/v1/me/today"));
assert.equal(today.data.status, "open");
assert.equal(today.data.next?.due_at, set.next.due_at);
const known = { params: { header: { "If-None-Match": today.etag } } };
await isEmpty(304, hana.app.GET("/v1/me/today", known));

rule("R7.8", "A Contact's home screen comes live, at the start and when it changes");
const live = await follow(tama.app);
await shown(live, "open");

rule("R4.6", "The same key twice is one check-in with one answer");
const tap = {
  params: { header: { "Idempotency-Key": randomUUID() } },
  body: { device_time: new Date().toISOString(), time_zone: schedule.time_zone, mood: "good" },
} as const;
const checkIn = await answered(201, hana.app.POST("/v1/me/check-ins", tap));
assert.equal(checkIn.method, "app");
assert.deepEqual(checkIn.met.map((met) => met.state), ["met"]);
assert.equal(checkIn.next?.state, "open");
assert.deepEqual(await answered(201, hana.app.POST("/v1/me/check-ins", tap)), checkIn);
const checkIns = await answered(200, hana.app.GET("/v1/me/check-ins"));
assert.deepEqual(checkIns.items.map((item) => item.id), [checkIn.id]);

rule("R4.4", "The home screens say so");
assert.equal((await answered(200, hana.app.GET("/v1/me/today", known))).status, "checked_in");
await shown(live, "checked_in");
const members = await tagged(tama.app.GET("/v1/members"));
assert.deepEqual(
  members.data.items.map(({ user_id, name, status }) => ({ user_id, name, status })),
  [
    { user_id: hana.id, name: "Hana", status: "checked_in" },
    { user_id: mere.id, name: "Mere", status: "waiting_for_a_time" },
  ],
);
await isEmpty(304, tama.app.GET("/v1/members", { params: { header: { "If-None-Match": members.etag } } }));

rule("R4.13", "The history, of all days and of a month");
const past = await answered(200, hana.app.GET("/v1/me/history"));
assert.deepEqual(past.items.map((day) => [day.id, day.state, day.method]), [[set.next.id, "met", "app"]]);
assert.equal(past.totals.current_streak, 1);
const month = past.items[0]?.local_on.slice(0, 7);
const ofMonth = await answered(200, hana.app.GET("/v1/me/history", { params: { query: { month } } }));
assert.deepEqual(ofMonth.items, past.items);
const before = await answered(200, hana.app.GET("/v1/me/history", { params: { query: { month: "2020-02" } } }));
assert.deepEqual(before.items, []);
const { errors } = await refused(400, "malformed-request", hana.app.GET("/v1/me/history", { params: { query: { month: "2027-13" } } }));
assert.deepEqual(errors?.map((error) => error.parameter), ["month"]);

rule("R3.4", "A Contact sees it, a stranger nothing");
const ofHana = { path: { user_id: hana.id } };
const seenByTama = await answered(200, tama.app.GET("/v1/members/{user_id}/history", { params: ofHana }));
assert.deepEqual(seenByTama.items.map((day) => day.state), ["met"]);
await refused(404, "not-found", mere.app.GET("/v1/members/{user_id}", { params: ofHana }));

rule("R6.2", "A call for help is an alert at once; the second press is the same one");
const alert = await answered(201, hana.app.POST("/v1/me/help-requests"));
assert.equal(alert.kind, "help");
assert.equal(alert.state, "open");
assert.deepEqual(alert.contacts, [{ id: tama.id, name: "Tama" }]);
assert.equal((await answered(201, hana.app.POST("/v1/me/help-requests"))).id, alert.id);
const params = { path: { alert_id: alert.id } };
await refused(403, "only-the-member-may", tama.app.POST("/v1/alerts/{alert_id}/cancel", { params }));

rule("R6.3", "Every Contact hears of it over every channel");
await told("Push", "phone-of-Tama", /Hana needs help/);
await told("Email", tama.address.value, /Hana needs help/);
const help = await notification(live, "help");
assert.equal(help.alert_id, alert.id);
await live.close();

rule("R6.4", "A Contact has got this, and the Member is told");
const { items } = await answered(200, tama.app.GET("/v1/alerts", { params: { query: { unresolved: true } } }));
assert.deepEqual(items.map((item) => [item.id, item.state, item.member.name]), [[alert.id, "open", "Hana"]]);
const arrives_at = new Date(Date.now() + 20 * 60_000).toISOString();
const acknowledged = await answered(200, tama.app.POST("/v1/alerts/{alert_id}/acknowledge", { params, body: { arrives_at } }));
assert.equal(acknowledged.state, "acknowledged");
assert.equal(acknowledged.acknowledged_by?.name, "Tama");
assert.equal(Date.parse(acknowledged.arrives_at ?? ""), Date.parse(arrives_at));
await told("Push", "phone-of-Hana", /Tama has got this/);

rule("R6.5", "It is over because somebody says so, once");
const closing = { outcome: "got_help", note: "She fell, the doctor is here." } as const;
const closed = await answered(200, tama.app.POST("/v1/alerts/{alert_id}/close", { params, body: closing }));
assert.deepEqual([closed.state, closed.resolved_how, closed.outcome], ["resolved", "closed", "got_help"]);
await told("Email", tama.address.value, /the doctor is here/);
await refused(409, "alert-is-over", tama.app.POST("/v1/alerts/{alert_id}/acknowledge", { params, body: {} }));

rule("R7.8", "After a break the stream goes on behind the last event");
const again = await follow(tama.app, help.id);
assert.equal((await notification(again, "all_clear")).alert_id, alert.id);
await again.close();

rule("R6.8", "What happened is in its timeline, for Contacts and nobody else");
const timeline = await answered(200, tama.app.GET("/v1/alerts/{alert_id}/timeline", { params }));
assert.equal(timeline.alert.id, alert.id);
assert(timeline.items.length >= 3);
const csv = await answered(200, tama.app.GET("/v1/alerts/{alert_id}/timeline.csv", { params, parseAs: "text" }));
assert.equal(csv.trimEnd().split("\n").length, timeline.items.length + 1);
await refused(404, "not-found", mere.app.GET("/v1/alerts/{alert_id}", { params }));

rule("R1.2", "A Member never pays, a Contact has a trial");
assert.equal((await answered(200, hana.app.GET("/v1/billing"))).entitlement, "free");
const billing = await tagged(tama.app.GET("/v1/billing"));
assert.equal(billing.data.entitlement, "trialing");
assert.equal(billing.data.members, 2);
assert(billing.data.plans.length > 0);
await isEmpty(304, tama.app.GET("/v1/billing", { params: { header: { "If-None-Match": billing.etag } } }));

rule("R2.5", "Who signs out is signed out, and the others are not");
const body = { address: tama.address, pin: "4829", device_name: "Tama's tablet" };
const tablet = app((await answered(201, app().POST("/v1/auth/sessions", { body }))).access_token);
const sessions = await answered(200, tablet.GET("/v1/me/sessions"));
assert.deepEqual(sessions.items.map((session) => session.device_name).sort(), ["Tama's phone", "Tama's tablet"]);
const session_id = sessions.items.find((session) => session.is_current)?.id ?? "";
await isEmpty(204, tablet.DELETE("/v1/me/sessions/{session_id}", { params: { path: { session_id } } }));
await refused(401, "not-signed-in", tablet.GET("/v1/me"));
await answered(200, tama.app.GET("/v1/me"));
