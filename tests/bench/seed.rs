//! People, straight in the database: set-based, with triggers and foreign keys asleep.

use pruuf::vault::Vault;
use tokio_postgres::Client;

/// Contacts of a Member.
pub const CONTACTS: i32 = 3;

/// Member n is `00000000-0000-7000-8000-n`, their session `00000000-0000-7000-a000-n`, their Contact c
/// `00000000-0000-7000-9000-3n+c`.
const FUNCTIONS: &str = "
    create schema bench;
    create function bench.member(n integer) returns uuid language sql immutable parallel safe
      return ('00000000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid;
    create function bench.contact(n integer, c integer) returns uuid language sql immutable parallel safe
      return ('00000000-0000-7000-9000-' || lpad((3 * n + c)::text, 12, '0'))::uuid;";

/// Members with a time a day, three Contacts each, and no obligation yet.
pub async fn members(db: &Client, count: i32) {
    db.batch_execute(FUNCTIONS).await.unwrap();
    db.batch_execute(&format!(
        "set session_replication_role = replica;
         insert into data.users (id, name, created_at)
         select bench.member(n), 'Member ' || n, now() - interval '90 days' from generate_series(1, {count}) n;
         insert into data.sessions (id, user_id, created_at, last_used_at)
         select ('00000000-0000-7000-a000-' || lpad(n::text, 12, '0'))::uuid, bench.member(n), now(), now() from generate_series(1, {count}) n;
         insert into data.users (id, name, created_at)
         select bench.contact(n, c), 'Contact ' || n || '-' || c, now() - interval '90 days'
           from generate_series(1, {count}) n, generate_series(1, {CONTACTS}) c;
         insert into data.connections (member_id, contact_id, connected_at)
         select bench.member(n), bench.contact(n, c), now() - interval '89 days'
           from generate_series(1, {count}) n, generate_series(1, {CONTACTS}) c;
         insert into billing.accounts (user_id, trial_ends_at, entitlement, since_at)
         select bench.contact(n, c), 'infinity', 'trialing', now() from generate_series(1, {count}) n, generate_series(1, {CONTACTS}) c;
         insert into data.schedules (member_id, local_times, time_zone, weekdays, grace_minutes, reminders, created_at)
         select bench.member(n), array[date_trunc('minute', now() + interval '8 hours') at time zone 'Pacific/Auckland']::time[],
                'Pacific/Auckland', '{{1,2,3,4,5,6,7}}', 10, '{{before,at_time,half_grace}}', now() - interval '89 days'
           from generate_series(1, {count}) n;
         reset session_replication_role;"
    ))
    .await
    .unwrap();
}

/// What a day begins with, for everybody: three days that were met, and the next obligation, open to the first `fresh`
/// Members; the others have met today's and the next one opens later. `due_in`: when it is due for the fresh.
pub async fn day(db: &Client, fresh: i32) {
    db.batch_execute(&format!(
        "set session_replication_role = replica;
         truncate data.check_ins, data.obligations, data.alerts, data.notifications, data.idempotency_keys, audit.events cascade;
         with day as (
           select s.member_id, s.id as schedule_id, s.time_zone, d,
                  s.member_id > bench.member({fresh}) as has_met_today,
                  date_trunc('minute', now() + interval '8 hours') + make_interval(days => d) as due_at
             from data.schedules s, generate_series(-3, 1) d)
         insert into data.obligations (member_id, schedule_id, local_on, local_time, time_zone, opens_at, due_at, alert_at, state, closed_at, remind_at)
         select member_id, schedule_id, (due_at at time zone time_zone)::date, (due_at at time zone time_zone)::time, time_zone,
                due_at - interval '9 hours', due_at, due_at + interval '10 minutes',
                case when d < has_met_today::integer then 'met' else 'open' end,
                case when d < has_met_today::integer then due_at - interval '9 hours' end,
                case when d < has_met_today::integer then null else due_at - interval '30 minutes' end
           from day where d <= has_met_today::integer;
         with met as (
           insert into data.check_ins (member_id, received_at) select member_id, closed_at from data.obligations where state = 'met'
           returning id, member_id, received_at)
         insert into data.obligations_met (obligation_id, check_in_id)
         select o.id, m.id from met m join data.obligations o on o.member_id = m.member_id and o.closed_at = m.received_at;
         reset session_replication_role;"
    ))
    .await
    .unwrap();
    settle(db).await;
}

/// An e-mail address, a phone and a device for every Contact of the first `members`; the names say whose they are.
pub async fn places(db: &Client, vault: &Vault, members: i32) {
    for first in (1..=members).step_by(1000) {
        let (mut users, mut kinds, mut lookups, mut seals, mut tokens) = (vec![], vec![], vec![], vec![], vec![]);
        for n in first..(first + 1000).min(members + 1) {
            for c in 1..=CONTACTS {
                tokens.push(format!("token-{n}-{c}"));
                for (kind, address) in
                    [("email", format!("contact-{n}-{c}@example.org")), ("phone", format!("+1{:010}", 3 * n + c))]
                {
                    let lookup = vault.lookup(kind, &address);
                    seals.push(vault.seal(&lookup, &address).unwrap());
                    lookups.push(lookup);
                    kinds.push(kind);
                    users.push(format!("00000000-0000-7000-9000-{:012}", 3 * n + c));
                }
            }
        }
        db.execute(
            "insert into data.addresses (user_id, kind, lookup, sealed, verified_at, created_at)
             select u::uuid, k, l, s, now(), now() from unnest($1::text[], $2::text[], $3::bytea[], $4::bytea[]) as a (u, k, l, s)",
            &[&users, &kinds, &lookups, &seals],
        )
        .await
        .unwrap();
        db.execute(
            "insert into data.devices (id, user_id, platform, push_token, registered_at)
             select gen_random_uuid(), bench.contact(split_part(t, '-', 2)::integer, split_part(t, '-', 3)::integer), 'android', t, now()
               from unnest($1::text[]) as t",
            &[&tokens],
        )
        .await
        .unwrap();
    }
}

/// What a database that has been running for a while has: statistics, nothing dead, nothing unwritten.
pub async fn settle(db: &Client) {
    db.batch_execute("vacuum analyze").await.unwrap();
    db.batch_execute("checkpoint").await.unwrap();
}
