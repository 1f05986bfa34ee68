//! What is compared: each job and each hot request, what comes before it, and who calls it.

use std::borrow::Cow;

use tokio_postgres::Client;

/// Who calls, with the claims that `src/db/mod.rs` sets.
#[derive(Clone, Copy)]
pub enum By {
    Worker,
    Anon,
    /// The Member of this round.
    Member,
    /// Their first Contact.
    Contact,
    /// A Member who has not been heard of for three weeks, with an alert for each day.
    LostMember,
    LostContact,
    /// A Contact of a Member whose call for help has been open for a month.
    HelplessContact,
    /// A Contact who watches fifty Members.
    Watcher,
}

/// One line of the table. `before` runs as a superuser and is not measured. In both `{n}` is the
/// number of the round's Member, `{lost}` and `{helpless}` are those of the Members with old
/// alerts, and `{r}` is the round.
#[derive(Clone)]
pub struct Case {
    pub name: Cow<'static, str>,
    pub by: By,
    pub before: &'static str,
    pub call: Cow<'static, str>,
}

const fn case(name: &'static str, by: By, before: &'static str, call: &'static str) -> Case {
    Case { name: Cow::Borrowed(name), by, before, call: Cow::Borrowed(call) }
}

/// Each job of the table of jobs when nothing is due, then [`CASES`].
pub async fn all(db: &Client) -> Vec<Case> {
    let jobs = "select name, call from meta.jobs order by not is_deadline, name";
    let jobs = db.query(jobs, &[]).await.unwrap();
    let idle = jobs.iter().map(|row| {
        let (name, call): (String, String) = (row.get(0), row.get(1));
        Case {
            name: format!("jobs.{name}, nothing due").into(),
            by: By::Worker,
            before: "",
            call: format!("select {call}").into(),
        }
    });
    idle.chain(CASES.iter().cloned()).collect()
}

const YOUNG: &str = "select bench.due_of({n}); select bench.raise(); select bench.taken();
    select set_config('bench.id', bench.alert_of({n})::text, true)";
const OLD: &str = "select set_config('bench.id', bench.alert_of({helpless})::text, true)";

/// What is in no table, then what is due; jobs, then requests.
const CASES: &[Case] = &[
    case("jobs.audit", By::Worker, "", "select coalesce(jsonb_agg(r), '[]') from jobs.audit() as r"),
    case("jobs.measure", By::Worker, "", "select jobs.measure()"),
    case("jobs.preflight", By::Worker, "", "select jobs.preflight()"),
    case("jobs.claim_deliveries, nothing due", By::Worker, "", CLAIM),
    case("jobs.claim_polls, nothing due", By::Worker, "", "select count(*) from jobs.claim_polls(most => 100)"),
    case("jobs.claim_webhook_events, nothing due", By::Worker, "", CLAIM_EVENTS),
    case("jobs.claim_stripe_work, nothing due", By::Worker, "", "select jobs.claim_stripe_work(most => 20)"),
    case(
        "jobs.tick, 1000 misses",
        By::Worker,
        "select bench.due(1000, {r})",
        "select jobs.tick(); select jobs.tick(); select jobs.tick()",
    ),
    case(
        "jobs.escalate, 20 young alerts",
        By::Worker,
        "select bench.due(20, {r}); select bench.raise(); select bench.taken();
         update data.alerts set next_step_at = now() where raised_at = now()",
        "select jobs.escalate()",
    ),
    case(
        "jobs.escalate, 20 alerts of weeks",
        By::Worker,
        "update data.alerts set next_step_at = now() where id in (
           select id from data.alerts where state <> 'resolved'
           and raised_at < now() - interval '5 days'
            order by hashtext(id || '{r}') limit 20)",
        "select jobs.escalate()",
    ),
    case(
        "jobs.tell_unreached, 50 young alerts",
        By::Worker,
        "select bench.due(50, {r}); select bench.raise(); select bench.taken()",
        "select jobs.tell_unreached()",
    ),
    case(
        "jobs.tell_unreached, 50 alerts of weeks",
        By::Worker,
        "update data.alerts set reach_check_at = now() where id in (
           select id from data.alerts where state <> 'resolved'
           order by hashtext(id || '{r}') limit 50)",
        "select jobs.tell_unreached()",
    ),
    case("jobs.claim_deliveries, 50 e-mails", By::Worker, "select bench.due(40, {r}); select bench.raise()", CLAIM),
    case(
        "jobs.finish_deliveries, 50 e-mails",
        By::Worker,
        "select bench.due(40, {r}); select bench.raise();
         select jobs.claim_deliveries('email', 50, 30);
         select bench.remember((
           select jsonb_agg(jsonb_build_object(
                    'id', id, 'attempt', attempts, 'result', 'accepted', 'took_ms', 120,
                    'provider', 'postmark', 'provider_message_id', 'PM' || md5(id::text)))
             from data.deliveries where state = 'sending'))",
        "select jobs.finish_deliveries(current_setting('bench.results')::jsonb)",
    ),
    case(
        "jobs.finish_deliveries, 20 failures for good",
        By::Worker,
        "select bench.due(40, {r}); select bench.raise();
         select jobs.claim_deliveries('email', 20, 30);
         select bench.remember((
           select jsonb_agg(jsonb_build_object(
                    'id', id, 'attempt', attempts, 'result', 'permanent', 'detail', 'bounced',
                    'took_ms', 120, 'provider', 'postmark', 'turns_off', 'bounced'))
             from data.deliveries where state = 'sending'))",
        "select jobs.finish_deliveries(current_setting('bench.results')::jsonb)",
    ),
    case(
        "jobs.record_receipts, 50",
        By::Worker,
        "select bench.due(40, {r}); select bench.raise(); select bench.taken();
         select bench.remember((
           select jsonb_agg(jsonb_build_object(
                    'event_id', id || ':x', 'delivery_id', id, 'event', 'delivered',
                    'meaning', 'delivered', 'provider_message_id', provider_message_id))
             from (select * from data.deliveries
                    where created_at = now() and state = 'accepted' and channel = 'email'
                    limit 50) _))",
        "select jobs.record_receipts(provider => 'postmark',
                                     receipts => current_setting('bench.results')::jsonb)",
    ),
    case(
        "jobs.claim_polls, 50",
        By::Worker,
        "select bench.due(40, {r}); select bench.raise(); select bench.taken();
         update data.deliveries set poll_at = now()
          where created_at = now() and state = 'accepted' and channel = 'email'",
        "select count(*) from jobs.claim_polls(most => 50)",
    ),
    case(
        "jobs.claim_webhook_events, 10",
        By::Worker,
        "select bench.due_of(600 + 200 * i + 5) from generate_series(0, 6) i;
         select bench.raise()",
        CLAIM_EVENTS,
    ),
    case(
        "jobs.follow_coverage, 200 marks",
        By::Worker,
        "insert into data.coverage_marks (user_id, marked_at)
         select bench.contact(601 + (i * 7 + {r}) % 1300, 1), now() from generate_series(1, 200) i",
        "select jobs.follow_coverage()",
    ),
    case(
        "jobs.finish_deletions, 2 due",
        By::Worker,
        "select bench.deleted_of(1002 + 10 * (({r} * 2 + i) % 40)) from generate_series(0, 1) i",
        "select jobs.finish_deletions()",
    ),
    case(
        "jobs.follow_breaks, 20 due",
        By::Worker,
        "update data.breaks set next_step_at = now() where id in (
           select id from data.breaks where next_step_at < 'infinity'
           order by hashtext(id || '{r}') limit 20)",
        "select jobs.follow_breaks()",
    ),
    case(
        "jobs.settle_entitlements, 50 due",
        By::Worker,
        "update billing.accounts set next_step_at = now() where user_id in (
           select user_id from billing.accounts where next_step_at is not null
           order by hashtext(user_id || '{r}') limit 50)",
        "select jobs.settle_entitlements()",
    ),
    case(
        "jobs.send_weekly_summaries, 80 due",
        By::Worker,
        "update data.weekly_summaries set due_at = now() where user_id in (
           select bench.contact(1002 + 10 * i, c)
             from generate_series(0, 39) i, generate_series(1, 2) c)",
        "select jobs.send_weekly_summaries()",
    ),
    case(
        "jobs.send_drill_reminders, 200 due",
        By::Worker,
        "update data.drill_reminders set remind_at = now() where user_id in (
           select user_id from data.drill_reminders order by hashtext(user_id || '{r}') limit 200)",
        "select jobs.send_drill_reminders()",
    ),
    case(
        "jobs.erase_positions, 40 due",
        By::Worker,
        "update data.positions set received_at = now() - interval '25 hours' where id in (
           select id from data.positions order by hashtext(id || '{r}') limit 40)",
        "select jobs.erase_positions()",
    ),
    case(
        "jobs.seal_audit, 500 waiting",
        By::Worker,
        "select audit.append('check_in.recorded', bench.member(600 + n)) from generate_series(1,
         500) n",
        "select jobs.seal_audit()",
    ),
    case(
        "jobs.send_reminders, 200 due",
        By::Worker,
        "update data.obligations set remind_at = now(), opens_at = now() - interval '1 hour',
         due_at = now() + interval '30 minutes',
                                     alert_at = now() + interval '40 minutes' where id in (
           select id from data.obligations where state = 'open' and member_id > bench.member(600)
           order by hashtext(id || '{r}') limit 200)",
        "select jobs.send_reminders()",
    ),
    case(
        "jobs.tell_check_ins, 50 due",
        By::Worker,
        "insert into data.untold_check_ins (check_in_id)
         select (select c.id from data.check_ins c where c.member_id = bench.member(605 + 30 * i)
         order by c.received_at desc limit 1)
           from generate_series(0, 30) i where bench.member(605 + 30 * i) in (select member_id
           from data.check_ins where member_id = bench.member(605 + 30 * i))",
        "select jobs.tell_check_ins()",
    ),
    case(
        "jobs.send_digests, 50 due",
        By::Worker,
        "update data.watch_settings set digest_at = now() where (contact_id, member_id) in (
           select contact_id, member_id from data.watch_settings where digest_at is not null
           order by hashtext(contact_id || '{r}') limit 50)",
        "select jobs.send_digests()",
    ),
    case(
        "jobs.expire_deliveries, 200 due",
        By::Worker,
        "select bench.due(40, {r}); select bench.raise();
         update data.deliveries set expires_at = now()
          where id in (select id from data.deliveries where created_at = now()
          and state = 'pending' limit 200)",
        "select jobs.expire_deliveries()",
    ),
    case(
        "jobs.forget_idempotency_keys, 400 due",
        By::Worker,
        "update data.idempotency_keys set created_at = now() - interval '25 hours' where (user_id,
         key) in (
           select user_id, key from data.idempotency_keys
           order by hashtext(key || '{r}') limit 400)",
        "select jobs.forget_idempotency_keys()",
    ),
    case(
        "jobs.forget_codes, 20 due",
        By::Worker,
        "update data.one_time_codes set created_at = now() - interval '25 hours' where id in (
           select id from data.one_time_codes order by hashtext(id || '{r}') limit 20)",
        "select jobs.forget_codes()",
    ),
    case(
        "jobs.forget_refresh_tokens, 200 due",
        By::Worker,
        "update data.refresh_tokens set expires_at = now() - interval '31 days'
         where used_at is not null and session_id in (
           select bench.fixed('a000', 1002 + 10 * i) from generate_series(0, 19) i)",
        "select jobs.forget_refresh_tokens()",
    ),
    case(
        "jobs.forget_stranger_messages, 200 due",
        By::Worker,
        "update data.notifications set created_at = now() - interval '31 days' where id in (
           select id from data.notifications where user_id is null
           order by hashtext(id || '{r}') limit 200)",
        "select jobs.forget_stranger_messages()",
    ),
    case(
        "jobs.forget_webhook_events, 100 due",
        By::Worker,
        "update data.webhook_events set settled_at = now() - interval '31 days' where id in (
           select id from data.webhook_events where settled_at is not null
           order by hashtext(id || '{r}') limit 100)",
        "select jobs.forget_webhook_events()",
    ),
    case(
        "jobs.claim_comparisons, 20",
        By::Worker,
        "update billing.customers set compared_at = now() - interval '3 days' where id in (
           select id from billing.customers order by hashtext(id || '{r}') limit 20)",
        "select jobs.claim_comparisons(most => 20)",
    ),
    case(
        "jobs.receive_twilio_message, 1 to a young alert",
        By::Worker,
        YOUNG,
        "select jobs.receive_twilio_message('SMx{r}',
         array[bench.bytes('phonef200' || bench.contact_number({n}, 1), 32)], '1')",
    ),
    case("POST me/check-ins", By::Member, "select bench.open_of({n})", CHECK_IN),
    case("POST me/check-ins, ends a young alert", By::Member, YOUNG, CHECK_IN),
    case("POST me/check-ins, ends 21 alerts of three weeks", By::LostMember, "", CHECK_IN),
    case("GET me/today", By::Member, "", "select api.get_today()"),
    case("GET me/today, 21 open alerts", By::LostMember, "", "select api.get_today()"),
    case("GET me", By::Member, "", "select api.get_me()"),
    case("GET members", By::Contact, "", "select api.list_members()"),
    case("GET members, 50 of them", By::Watcher, "", "select api.list_members()"),
    case("GET events", By::Contact, "", "select api.list_events(since => now() - interval '1 minute', after => null)"),
    case(
        "GET alerts, unresolved",
        By::Contact,
        "",
        "select api.list_alerts(cursor => null, size => 50, only_unresolved => true)",
    ),
    case("GET alerts", By::Contact, "", "select api.list_alerts(cursor => null, size => 50, only_unresolved => false)"),
    case(
        "GET alerts, 21 open",
        By::LostContact,
        "",
        "select api.list_alerts(cursor => null, size => 50, only_unresolved => true)",
    ),
    case(
        "GET alerts/{id}, young",
        By::Contact,
        YOUNG,
        "select api.get_alert(alert_id => current_setting('bench.id')::uuid)",
    ),
    case(
        "GET alerts/{id}, of a month",
        By::HelplessContact,
        OLD,
        "select api.get_alert(alert_id => current_setting('bench.id')::uuid)",
    ),
    case(
        "GET alerts/{id}/timeline, young",
        By::Contact,
        YOUNG,
        "select api.get_alert_timeline(alert_id => current_setting('bench.id')::uuid)",
    ),
    case(
        "GET alerts/{id}/timeline, of a month",
        By::HelplessContact,
        OLD,
        "select api.get_alert_timeline(alert_id => current_setting('bench.id')::uuid)",
    ),
    case("GET notifications, a Member's", By::Member, "", "select api.list_notifications(cursor => null, size => 50)"),
    case(
        "GET notifications, a Contact's of a lost Member",
        By::LostContact,
        "",
        "select api.list_notifications(cursor => null, size => 50)",
    ),
    case("GET me/history", By::Member, "", "select api.get_history(cursor => null, size => 50)"),
    case(
        "GET me/history?month=",
        By::Member,
        "",
        "select api.get_history(cursor => null, size => 50,
         month => to_char(now() - interval '1 month', 'YYYY-MM'))",
    ),
    case("GET me/export, a Member's", By::Member, "", "select api.export_me()"),
    case("GET me/export, a Contact's", By::Contact, "", "select api.export_me()"),
    case("GET me/sessions", By::Member, "", "select api.list_sessions(cursor => null, size => 50)"),
    case("GET me/coverage", By::Member, "", "select api.get_coverage()"),
    case(
        "POST alerts/{id}/acknowledge, young",
        By::Contact,
        YOUNG,
        "select api.acknowledge_alert(alert_id => current_setting('bench.id')::uuid,
         arrives_at => null)",
    ),
    case(
        "POST alerts/{id}/acknowledge, of a month",
        By::HelplessContact,
        OLD,
        "select api.acknowledge_alert(alert_id => current_setting('bench.id')::uuid,
         arrives_at => null)",
    ),
    case(
        "POST alerts/{id}/needs-more-help, of a month",
        By::HelplessContact,
        OLD,
        "select api.needs_more_help(alert_id => current_setting('bench.id')::uuid)",
    ),
    case(
        "POST alerts/{id}/close, young",
        By::Contact,
        YOUNG,
        "select api.close_alert(alert_id => current_setting('bench.id')::uuid, outcome => 'safe',
         note => null)",
    ),
    case(
        "POST alerts/{id}/close, of a month",
        By::HelplessContact,
        OLD,
        "select api.close_alert(alert_id => current_setting('bench.id')::uuid, outcome => 'safe',
         note => null)",
    ),
    case("POST me/help-requests", By::Member, "", "select api.request_help()"),
    case(
        "POST alerts/{id}/cancel",
        By::Member,
        "select set_config('pruuf.user_id', bench.member({n})::text, true), set_config('role',
         'pruuf_user', true);
         select api.request_help(); select set_config('role', 'none', true); select bench.taken();
         select set_config('bench.id', bench.alert_of({n})::text, true)",
        "select api.cancel_alert(alert_id => current_setting('bench.id')::uuid)",
    ),
    case(
        "POST members/{id}/attestations",
        By::Contact,
        YOUNG,
        "select api.attest_member(member_id => bench.member({n}), note => null)",
    ),
    case(
        "POST me/postponements",
        By::Member,
        "select bench.open_of({n})",
        "select api.postpone_check_in(minutes => 30)",
    ),
    case("POST notifications/read-all", By::Contact, "", "select api.read_all_notifications()"),
    case(
        "POST me/devices/{id}/heartbeat",
        By::Member,
        "",
        "select api.record_heartbeat(device_id => bench.fixed('d000', {n}),
         battery_percent => 50::smallint, push_allowed => true)",
    ),
    case(
        "POST auth/tokens",
        By::Anon,
        "",
        "select api.refresh_session(token_hash => bench.bytes('refresh m{n}', 32),
         next_hash => bench.bytes('next {n}', 32))",
    ),
    case(
        "POST auth/sessions, its counting",
        By::Anon,
        "",
        "select api.begin_session(kind => 'email', lookup => bench.bytes('emaile100{n}', 32))",
    ),
    case(
        "GET /a/{token}, its finding",
        By::Anon,
        "select set_config('bench.id', (select right(id::text, 10) from data.deliveries limit 1),
         true)",
        "select api.find_links(id_end => current_setting('bench.id'))",
    ),
    case("DELETE me", By::Member, "", "select api.delete_me()"),
    case("DELETE me/contacts/{id}", By::Member, "", "select api.remove_contact(contact_id => bench.contact({n}, 1))"),
];

const CLAIM: &str = "select coalesce(jsonb_agg(r), '[]')
         from jobs.claim_deliveries(channel => 'email', most => 50, lease_seconds => 30,
         in_hand => '{}') as r";
const CLAIM_EVENTS: &str = "select coalesce(jsonb_agg(r), '[]')
         from jobs.claim_webhook_events(most => 20, failing => false, busy => '{}',
         lease_seconds => 60) as r";
const CHECK_IN: &str = "select coalesce(rules.recall('k{r}', '\\x00'), rules.remember('k{r}',
         '\\x00', \
    api.record_check_in(device_time => now(), time_zone => null, note => null, mood => null)))";
