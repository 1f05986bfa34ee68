//! Every operation, tried by everybody: docs/access.md is what this test saw, reviewed (R9.1).

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use pruuf::config::Config;
use pruuf::server::Server;
use pruuf::vault::{CodeUse, token_hash};
use reqwest::Method;
use serde_json::{Value, json};
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use crate::support::accounts::{PIN, email};
use crate::support::{Person, World};

/// Who asks. What one of them is refused changes nothing for the next; whoever is let through gets a new family after.
const VOICES: [&str; 8] = ["nobody", "stranger", "blocked", "Contact", "frozen Contact", "owner", "support", "admin"];

/// The owner, who is a Member, their Contact and the others; and something of the owner's for every path.
struct Family {
    people: BTreeMap<&'static str, Person>,
    ids: BTreeMap<&'static str, String>,
    ticket: String,
    code: String,
}

impl Family {
    async fn new(world: &World) -> Self {
        let mut people = BTreeMap::new();
        for voice in &VOICES[1..] {
            let is_staff = ["support", "admin"].contains(voice);
            people.insert(*voice, if is_staff { world.staff(voice, voice).await } else { world.person(voice).await });
        }
        let (owner, contact, blocked) = (&people["owner"], &people["Contact"], &people["blocked"]);
        world.connect(owner, contact).await;
        let frozen = &people["frozen Contact"];
        world.connect(owner, frozen).await;
        let freeze =
            "update billing.accounts set trial_ends_at = rules.clock(), entitlement = 'frozen' where user_id = $1";
        run(world, freeze, &[&frozen.id]).await;
        let hash = "insert into data.pins (user_id, hash, changed_at) values ($1, $2, rules.clock())";
        run(world, hash, &[&owner.id, &"$argon2id$not a hash"]).await;
        let sql = "insert into data.blocks (blocker_id, blocked_id, blocked_at) values ($1, $2, rules.clock())";
        run(world, sql, &[&owner.id, &blocked.id]).await;
        world.schedule(owner, "09:00", "UTC").await;
        world.put(owner, "/v1/me/welfare-card", json!({"pets": "a cat"})).await.expect(200);

        let new_id = || async { world.row("select data.new_id() as id", &[]).await["id"].as_str().unwrap().to_owned() };
        let [address, session, alert, notification] = [new_id().await, new_id().await, new_id().await, new_id().await];
        let uuid = |id: &str| Uuid::parse_str(id).unwrap();
        let place = format!("{address}@example.org");
        let lookup = world.vault.lookup("email", &place);
        let sealed = world.vault.seal(&lookup, &place).unwrap();
        let sql = "insert into data.addresses (id, user_id, kind, lookup, sealed, created_at) values ($1, $2, 'email', $3, $4, rules.clock())";
        run(world, sql, &[&uuid(&address), &owner.id, &lookup, &sealed]).await;
        let sql = "insert into data.sessions (id, user_id, created_at, last_used_at) values ($1, $2, rules.clock(), rules.clock())";
        run(world, sql, &[&uuid(&session), &owner.id]).await;
        let sql = "insert into data.alerts (id, member_id, kind, obligation_id, raised_at, facts)
                   select $1, $2, 'missed', o.id, rules.clock(),
                          jsonb_build_object('member', rules.person_shape($2), 'due', rules.slot_shape(o), 'last_heard', null, 'late_by_seconds', null,
                                             'contacts', jsonb_build_array(rules.person_shape($3)))
                     from data.obligations o where o.member_id = $2 and o.state = 'open'";
        run(world, sql, &[&uuid(&alert), &owner.id, &contact.id]).await;
        let sql = "insert into data.notifications (id, user_id, kind, cause, facts, created_at) values ($1, $2, 'reminder', $3, $4, rules.clock())";
        run(world, sql, &[&uuid(&notification), &owner.id, &notification, &json!({})]).await;
        let delivery = world
            .row("select id from data.deliveries where notification_id = $1 limit 1", &[&uuid(&notification)])
            .await;
        let device = world.row("select id from data.devices where user_id = $1", &[&owner.id]).await;

        let code_id = Uuid::new_v4();
        let code_hash = world.vault.new_code(CodeUse::Invitation, code_id);
        let sql = "insert into data.invitations (id, inviter_id, invitee_becomes, name, kind, lookup, sealed, code_hash, created_at, sent_at, expires_at)
                   values ($1, $2, 'contact', 'Aunt', 'email', $3, $4, $5, rules.clock() - interval '1 hour', rules.clock() - interval '1 hour', rules.clock() + interval '1 day')";
        run(world, sql, &[&code_id, &owner.id, &lookup, &sealed, &code_hash]).await;
        let ticket = Uuid::new_v4().to_string();
        let sql = "insert into data.one_time_codes (id, kind, lookup, sealed, code_hash, created_at, expires_at, tries_left, ticket_hash, ticket_expires_at)
                   values ($1, 'email', $2, $3, '\\x00', rules.clock() - interval '2 minutes', rules.clock() + interval '5 minutes', 5, $4, rules.clock() + interval '5 minutes')";
        run(world, sql, &[&Uuid::new_v4(), &world.vault.lookup("email", &owner.email), &sealed, &token_hash(&ticket)])
            .await;

        let drill = new_id().await;
        let sql = "insert into data.drills (id, user_id, goes_to, reader_ids, asked_at) values ($1, $2, 'contacts', array[$3]::uuid[], rules.clock() - interval '1 hour')";
        run(world, sql, &[&uuid(&drill), &owner.id, &contact.id]).await;

        let pause = new_id().await;
        let sql =
            "insert into data.breaks (id, member_id, first_on, last_on) values ($1, $2, '2101-01-01', '2101-01-02')";
        run(world, sql, &[&uuid(&pause), &owner.id]).await;

        let webhook = new_id().await;
        let sql = "insert into data.webhooks (id, user_id, sealed, created_at) values ($1, $2, $3, rules.clock())";
        let sealed = [pruuf::vault::WEBHOOK_CONTEXT, uuid(&webhook).as_bytes()].concat();
        let sealed = world.vault.seal(&sealed, "https://hooks.example.org/").unwrap();
        run(world, sql, &[&uuid(&webhook), &owner.id, &sealed]).await;

        let linked = new_id().await;
        let sql = "insert into data.linked_devices (id, user_id, name, token_hash, linked_at) values ($1, $2, 'Button', uuid_send($1), rules.clock())";
        run(world, sql, &[&uuid(&linked), &owner.id]).await;

        let text = |row: &Value| row["id"].as_str().unwrap().to_owned();
        let code = world.vault.code(CodeUse::Invitation, code_id, &code_hash).unwrap();
        let ids = BTreeMap::from([
            ("address_id", address),
            ("session_id", session),
            ("device_id", text(&device)),
            ("invitation_id", code_id.to_string()),
            ("alert_id", alert),
            ("notification_id", notification),
            ("delivery_id", text(&delivery)),
            ("drill_id", drill),
            ("break_id", pause),
            ("webhook_id", webhook),
            ("linked_device_id", linked),
        ]);
        Self { people, ids, ticket, code }
    }

    /// The path with this family's ids. A user in it is the Contact where a Member or a blocker names one, else the owner.
    fn path(&self, path: &str) -> String {
        let user =
            if path.starts_with("/v1/me/contacts/") || path.starts_with("/v1/blocks/") { "Contact" } else { "owner" };
        let path = path.replace("{user_id}", &self.people[user].id.to_string());
        self.ids.iter().fold(path, |path, (name, id)| path.replace(&format!("{{{name}}}"), id))
    }

    /// A body that is right for the operation.
    fn body(&self, operation: &str) -> Value {
        let new = format!("new-{}@example.org", Uuid::new_v4());
        match operation {
            "request_code" => json!({"address": email(&new)}),
            "verify_code" => json!({"address": email(&new), "code": "000000"}),
            "create_account" => json!({"ticket": "unknown", "name": "New", "pin": PIN}),
            "recover_pin" => json!({"ticket": self.ticket, "pin": PIN}),
            "create_session" => json!({"address": email(&new), "pin": PIN}),
            "refresh_session" => json!({"refresh_token": "unknown"}),
            "add_address" => json!({"address": email(&new)}),
            "verify_address" => json!({"code": "000000"}),
            "put_device" => json!({"platform": "ios", "push_token": Uuid::new_v4().to_string()}),
            "set_schedule" => json!({"local_times": ["10:00"], "time_zone": "UTC"}),
            "set_preferences" => json!({"weekly_summary": false}),
            "create_invitation" => json!({"invitee_becomes": "contact", "name": "Aunt", "address": email(&new)}),
            "accept_invitation" => json!({"code": self.code}),
            "start_drill" | "acknowledge_alert" | "attest_member" | "record_check_in" | "record_heartbeat" => json!({}),
            "postpone_check_in" => json!({"minutes": 30, "obligation_id": Uuid::new_v4()}),
            "link_device" => json!({"name": "Button"}),
            "check_in_by_device" => json!({"token": "unknown"}),
            "close_alert" => json!({"outcome": "safe"}),
            "update_me" => json!({"name": "New"}),
            "change_pin" => json!({"current_pin": "0000", "pin": PIN}),
            "block_user" => json!({"user_id": self.people["Contact"].id}),
            "update_contact" => json!({"tier": "primary"}),
            "update_member" => json!({"nickname": "Mum"}),
            "set_welfare_card" => json!({"pets": "a dog"}),
            "find_user" => json!({"address": email(&self.people["owner"].email)}),
            "plan_break" => json!({"first_on": "2102-01-01", "last_on": "2102-01-02"}),
            "update_break" => json!({"last_on": "2101-01-03"}),
            "add_webhook" => json!({"url": "https://hooks.example.org/"}),
            "set_staff_role" => json!({"role": "support"}),
            _ => Value::Null,
        }
    }
}

async fn run(world: &World, sql: &str, params: &[&(dyn ToSql + Sync)]) {
    world.db.admin.execute(sql, params).await.unwrap();
}

/// The status, and the code of a refusal.
async fn answer(world: &World, family: &Family, voice: &str, method: &str, path: &str, operation: &str) -> String {
    let method = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
    let mut request = world.http.request(method, world.url(&family.path(path)));
    if let Some(person) = family.people.get(voice) {
        request = request.bearer_auth(&person.token);
    }
    let body = family.body(operation);
    if !body.is_null() {
        request = request.json(&body);
    }
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    // An event stream has no end: only a refusal is read.
    if status < 400 {
        return status.to_string();
    }
    let problem: Value = response.json().await.unwrap();
    format!("{status} {}", problem["code"].as_str().unwrap())
}

#[tokio::test]
async fn r9_1_every_operation_answers_each_voice_as_reviewed() {
    let mut world = World::without_server().await;
    // No channels: what is told is not what is tried here.
    let silent = Config { fcm: None, smtp: None, twilio: None, ..world.config() };
    world.servers.push(Server::start(silent).await.unwrap());

    let mut table = format!(
        "# Who may do what\n\nWhat each operation answers to each voice: generated by `tests/http/voices.rs`, reviewed by people. The owner is a\n\
         Member; the Contact watches them and an alert is open; `blocked` was blocked by the owner. Ids in a path are the owner's;\n\
         where a path has none, each voice asks for its own. Support and admin are staff who are connected with nobody.\n\n| operation | {} |\n|{}\n",
        VOICES.join(" | "),
        " --- |".repeat(VOICES.len() + 1)
    );
    let spec: Value = serde_json::from_str(&pruuf::http::service().spec()).unwrap();
    world.travel_to("2027-03-01T08:00:00Z").await;
    let mut family = Family::new(&world).await;
    for (path, methods) in spec["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let id = operation["operationId"].as_str().unwrap();
            write!(table, "| `{} {path}`", method.to_uppercase()).unwrap();
            for voice in VOICES {
                let answer = answer(&world, &family, voice, method, path, id).await;
                assert!(!answer.starts_with('5') && !answer.contains("malformed"), "{voice} {id}: {answer}");
                write!(table, " | {answer}").unwrap();
                if method != "get" && answer.starts_with('2') {
                    family = Family::new(&world).await;
                }
            }
            table.push_str(" |\n");
        }
    }
    world.stop_servers().await;

    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/access.md");
    if std::env::var_os("UPDATE_SNAPSHOT").is_some() {
        std::fs::write(&page, &table).unwrap();
    }
    let reviewed = std::fs::read_to_string(&page).unwrap_or_default();
    let changed: Vec<_> = table.lines().filter(|line| !reviewed.contains(line)).collect();
    assert!(reviewed == table, "not as in docs/access.md (UPDATE_SNAPSHOT=1 writes it; review the diff): {changed:#?}");
}
