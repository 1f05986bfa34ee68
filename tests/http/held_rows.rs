//! A row that another session holds, or that nobody can handle, delays nothing of strangers (R9.5).

use std::time::Duration;

use pruuf::dev::fakes::Channel;
use serde_json::json;
use tokio::time::{Instant, sleep};
use tokio_postgres::Client;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use crate::support::World;
use crate::support::crowd::Crowd;
use crate::support::database::connect;

/// Worlds at once, each with a part of the tables.
const WORLDS: usize = 2;
/// When the waiting is given up. What is waited for takes about a second, a few where a batch was cancelled first; machines are shared.
const LONGEST: Duration = Duration::from_secs(40);

/// How long it takes until a query gives true. `LONGEST` when it does not come.
async fn time_until(world: &World, begun: Instant, query: &str, params: &[&(dyn ToSql + Sync)]) -> Duration {
    while !world.db.admin.query_one(query, params).await.unwrap().get::<_, bool>(0) {
        if begun.elapsed() > LONGEST {
            return LONGEST;
        }
        sleep(Duration::from_millis(5)).await;
    }
    begun.elapsed()
}

/// How long it takes until something has arrived everywhere where a crowd is told.
async fn time_until_told(world: &World, begun: Instant, crowd: &Crowd) -> Duration {
    while !world.missing(crowd).is_empty() {
        if begun.elapsed() > LONGEST {
            return LONGEST;
        }
        sleep(Duration::from_millis(5)).await;
    }
    begun.elapsed()
}

/// Every table that a server may look at, those of all audit partitions as one.
async fn tables(world: &World) -> Vec<String> {
    let sql = "select c.oid::regclass::text from pg_class c join pg_namespace n on n.oid = c.relnamespace
                where n.nspname in ('data', 'billing', 'audit', 'meta') and c.relkind in ('r', 'p') and not c.relispartition
                order by 1";
    world.db.admin.query(sql, &[]).await.unwrap().iter().map(|row| row.get(0)).collect()
}

/// Everything that a job may look for is due in a moment, for everybody who is there: what is held is what jobs want.
const DUE: &str = "
  update data.obligations set remind_at = soon.at from (select rules.clock() + interval '300 milliseconds' as at) as soon
   where state = 'open' and alert_at > soon.at;
  update data.alerts set next_step_at = soon.at, reach_check_at = soon.at
    from (select rules.clock() + interval '300 milliseconds' as at) as soon where state <> 'resolved';
  update data.watch_settings set digest_at = rules.clock() + interval '300 milliseconds' where hears_of = 'daily_digest';
  update data.weekly_summaries set due_at = rules.clock() + interval '300 milliseconds';
  update data.drill_reminders set remind_at = rules.clock() + interval '300 milliseconds';
  update data.breaks set next_step_at = rules.clock() + interval '300 milliseconds';
  update billing.accounts set next_step_at = rules.clock() + interval '300 milliseconds';
  insert into data.coverage_marks (user_id, marked_at) select u.id, rules.clock() from data.users u;";

/// What must happen to strangers, and how long it took.
async fn strangers(world: &World) -> Vec<(&'static str, Duration)> {
    let strangers = world.crowd(2, 2).await;
    let mut took = Vec::new();
    let begun = Instant::now();
    world.miss(&strangers.members).await;
    took.push(("first messages", time_until_told(world, begun, &strangers).await));
    let of_them = "data.notifications n join data.deliveries d on d.notification_id = n.id join data.alerts a on a.id = n.alert_id
                    where a.member_id = any ($1)";
    let finished = format!("select not exists (select from {of_them} and d.state in ('pending', 'sending'))");
    took.push(("deliveries finished", time_until(world, begun, &finished, &[&strangers.members]).await));

    let begun = Instant::now();
    let admin = &world.db.admin;
    admin
        .execute(
            "update data.alerts set next_step_at = rules.clock() where member_id = any ($1)",
            &[&strangers.members],
        )
        .await
        .unwrap();
    let remind = "update data.obligations set remind_at = rules.clock() where member_id = any ($1) and state = 'open'";
    admin.execute(remind, &[&strangers.members]).await.unwrap();
    admin.batch_execute("select pg_notify('pruuf_work', '')").await.unwrap();
    let round = format!(
        "select count(*) filter (where n.kind = 'still_open' and d.state in ('accepted', 'delivered')) >= 12 from {of_them}"
    );
    took.push(("next round", time_until(world, begun, &round, &[&strangers.members]).await));
    let reminded = "select count(*) = 2 from data.notifications n where n.user_id = any ($1) and n.kind = 'reminder'";
    took.push(("reminders", time_until(world, begun, reminded, &[&strangers.members]).await));
    took
}

/// Holds every row that a table has now, while strangers' deadlines pass: what was late.
async fn late_beside(world: &World, table: &str) -> Vec<String> {
    // A family that comes due at the same moment.
    let family = world.crowd(2, 2).await;
    let soon = "update data.obligations set local_on = local_on - 1, opens_at = rules.clock() - interval '2 seconds',
                       due_at = rules.clock() - interval '1 second', alert_at = rules.clock() + interval '300 milliseconds'
                 where member_id = any ($1) and state = 'open'";
    world.db.admin.execute(soon, &[&family.members]).await.unwrap();
    world.db.admin.batch_execute(DUE).await.unwrap();
    let holder = connect(&world.db.admin_url()).await;
    holder.batch_execute(&format!("begin; select from {table} for update")).await.unwrap();
    let took = strangers(world).await;
    holder.batch_execute("commit").await.unwrap();
    world.one_alert_each_soon(&family.members).await;
    took.into_iter().filter(|(_, took)| *took >= LONGEST).map(|(what, took)| format!("{what} after {took:?}")).collect()
}

impl World {
    /// What waited for a row comes when it is free.
    async fn one_alert_each_soon(&self, members: &[Uuid]) {
        let count = i64::try_from(members.len()).unwrap();
        let sql = "select count(*) = $2 from data.alerts a where a.member_id = any ($1) and a.kind = 'missed'";
        self.eventually("what was held is raised", sql, &[&members, &count]).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r9_5_rows_that_somebody_holds_delay_nothing_of_strangers() {
    let parts = (0..WORLDS).map(|part| {
        tokio::spawn(async move {
            let mut world = World::without_server().await;
            world.start_server().await;
            // Alerts that are open, with messages, and what comes of them.
            let family = world.crowd(5, 2).await;
            world.miss(&family.members).await;
            world.expect_everywhere(&family).await;
            let mut late = Vec::new();
            for table in tables(&world).await.iter().skip(part).step_by(WORLDS) {
                let found = late_beside(&world, table).await;
                if !found.is_empty() {
                    late.push(format!("{table} is held: {}", found.join(", ")));
                }
            }
            world.stop_servers().await;
            late
        })
    });
    let late: Vec<String> = futures_util::future::join_all(parts).await.into_iter().flat_map(Result::unwrap).collect();
    assert!(late.is_empty(), "strangers waited:\n{}", late.join("\n"));
}

/// What holds 150 of 300 up: a row of the Member, or one that a message to a Contact refers to.
const HALVES: &[&str] = &[
    "select from data.users u where u.id = any ($1)",
    "select from data.obligations o where o.member_id = any ($1) and o.state = 'open'",
    "select from data.schedules s where s.member_id = any ($1)",
    "select from data.connections c where c.member_id = any ($1)",
    "select from data.users u where u.id in (select c.contact_id from data.connections c where c.member_id = any ($1))",
    "select from data.addresses a where a.user_id in (select c.contact_id from data.connections c where c.member_id = any ($1))",
    "select from data.devices v where v.user_id in (select c.contact_id from data.connections c where c.member_id = any ($1))",
    "select from billing.accounts b where b.user_id in (select c.contact_id from data.connections c where c.member_id = any ($1))",
];

const RAISED: &str = "select count(*) = 150 * $2::bigint from data.alerts a where a.member_id = any ($1)";

/// A session that holds rows of these Members.
async fn holding(world: &World, rows: &str, members: &[Uuid]) -> Client {
    let holder = connect(&world.db.admin_url()).await;
    holder.batch_execute("begin").await.unwrap();
    holder.query(&format!("{rows} for update"), &[&members]).await.unwrap();
    holder
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r9_5_of_300_at_one_instant_the_150_that_nobody_holds_are_raised_at_once() {
    let mut world = World::without_server().await;
    world.start_server().await;
    let crowd = world.crowd(300, 1).await;
    let (held, free) = crowd.members.split_at(150);
    let mut late = Vec::new();
    for (rows, alerts) in HALVES.iter().zip(1_i64..) {
        // Due in a moment: the row that says so may be one of those that are held.
        let soon = "update data.obligations set local_on = local_on - 10 * $2::int, opens_at = rules.clock() - interval '2 seconds',
                           due_at = rules.clock() - interval '1 second', alert_at = rules.clock() + interval '500 milliseconds'
                     where member_id = any ($1) and state = 'open'";
        world.db.admin.execute(soon, &[&crowd.members, &i32::try_from(alerts).unwrap()]).await.unwrap();
        let begun = Instant::now() + Duration::from_millis(500);
        let holder = holding(&world, rows, held).await;
        world.db.admin.batch_execute("select pg_notify('pruuf_work', '')").await.unwrap();
        let took = time_until(&world, begun, RAISED, &[&free, &alerts]).await;
        holder.batch_execute("commit").await.unwrap();
        let freed = Instant::now();
        let then = time_until(&world, freed, RAISED, &[&held, &alerts]).await;
        if took == LONGEST || then == LONGEST {
            late.push(format!("{rows}: the others after {took:?}, those held {then:?} after they were free"));
        }
    }
    assert!(late.is_empty(), "{}", late.join("\n"));
    let alerts =
        "select count(*) = 300 * $1::bigint and count(distinct obligation_id) = 300 * $1::bigint from data.alerts";
    world.eventually("each miss has one alert", alerts, &[&i64::try_from(HALVES.len()).unwrap()]).await;
    world.stop_servers().await;
}

/// The rows that nobody holds are handled together, and not one by one behind those that are held.
#[tokio::test]
async fn r9_5_beside_held_rows_the_others_are_raised_by_one_statement() {
    let world = World::without_server().await;
    let count = "create schema counted; grant usage on schema counted to public;
        create table counted.statements (made integer); grant insert on counted.statements to public;
        create function counted.tg_count() returns trigger language plpgsql as $$ begin insert into counted.statements values (1); return null; end $$;
        create trigger count after insert on data.alerts for each statement execute function counted.tg_count()";
    world.db.admin.batch_execute(count).await.unwrap();
    let crowd = world.crowd(40, 1).await;
    let (held, free) = crowd.members.split_at(20);
    world.miss_quietly(&crowd.members).await;
    let holder = holding(&world, "select from data.users u where u.id = any ($1)", held).await;
    let worker = world.db.session_as("pruuf_worker", None).await;
    let report: serde_json::Value = worker.query_one("select jobs.tick()", &[]).await.unwrap().get(0);
    assert_eq!(
        (&report["done"], &report["held"], &report["problems"]),
        (&json!(20), &json!(20), &json!([])),
        "{report}"
    );
    world.one_alert_each(free).await;
    assert_eq!(world.number("select count(*) from counted.statements", &[]).await, 1);
    holder.batch_execute("commit").await.unwrap();
    world.db.admin.batch_execute("update data.set_asides set again_at = rules.clock()").await.unwrap();
    worker.query_one("select jobs.tick()", &[]).await.unwrap();
    world.one_alert_each(held).await;
    assert_eq!(world.number("select count(*) from counted.statements", &[]).await, 2);
    world.stop_servers().await;
}

/// The row of one of two Contacts is in somebody's hand: both are told all the same, and nobody's act waits.
#[tokio::test]
async fn r9_5_a_contact_whose_row_is_held_delays_neither_alert_nor_act() {
    let mut world = World::without_server().await;
    world.start_server().await;
    let (lupe, ben, chloe) = (world.person("Lupe").await, world.person("Ben").await, world.person("Chloe").await);
    world.connect(&lupe, &ben).await;
    world.connect(&lupe, &chloe).await;
    world.schedule(&lupe, "09:00", "Pacific/Auckland").await;
    let holder = connect(&world.db.admin_url()).await;
    holder.batch_execute(&format!("begin; select from data.users where id = '{}' for update", ben.id)).await.unwrap();
    world.miss(&[lupe.id]).await;
    for contact in [&ben, &chloe] {
        for (channel, to) in contact.places() {
            world.expect_message(channel, &to, "Lupe did not check in").await;
        }
    }
    let alert = world.row("select id from data.alerts", &[]).await["id"].as_str().unwrap().to_owned();
    world.post(&chloe, &format!("/v1/alerts/{alert}/acknowledge"), json!({})).await.expect(200);
    world.post(&lupe, "/v1/me/help-requests", json!({})).await.expect(201);
    let met = world.post(&lupe, "/v1/me/check-ins", json!({})).await.expect(201);
    assert_eq!(met["resolved_alerts"], json!([alert]));
    holder.batch_execute("commit").await.unwrap();
    world.stop_servers().await;
}

/// Fails, or sleeps, for one Member's alert.
const POISON: &str = "
  create schema poison;
  create table poison.poisoned (member_id uuid primary key, how text not null);
  grant usage on schema poison to public;
  grant select on poison.poisoned to public;
  create function poison.tg_alerts() returns trigger language plpgsql as $$
  declare
    how text := (select p.how from poison.poisoned p where p.member_id = new.member_id);
  begin
    if how = 'fails' then
      raise exception 'poisoned' using errcode = 'PRUUF';
    elsif how = 'sleeps' then
      perform pg_sleep(600);
    end if;
    return new;
  end
  $$;
  create trigger poison before insert on data.alerts for each row execute function poison.tg_alerts()";

/// What each job reports of the rows that it could not handle.
const SET_ASIDE: &str = "
  select coalesce(jsonb_agg(s.reason order by s.reason), '[]') = $2::text::jsonb
    from data.set_asides s join data.obligations o on o.id = s.row_id where s.job = 'tick' and o.member_id = any ($1)";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r9_5_a_row_that_cannot_be_handled_is_set_aside_and_keeps_no_other() {
    let mut world = World::without_server().await;
    world.db.admin.batch_execute(POISON).await.unwrap();
    world.db.admin.batch_execute("update meta.jobs set time_limit = '1 second' where name = 'tick'").await.unwrap();
    world.start_server().await;
    let (poisoned, others) = (world.crowd(2, 1).await, world.crowd(30, 1).await);
    for (member, how) in poisoned.members.iter().zip(["fails", "sleeps"]) {
        world.db.admin.execute("insert into poison.poisoned values ($1, $2)", &[member, &how]).await.unwrap();
    }
    world.miss_quietly(&poisoned.members).await;
    world.miss(&others.members).await;
    // Some are tried one by one after the cancelled batch.
    world.expect_everywhere(&others).await;
    world.one_alert_each(&others.members).await;
    // 57014: the statement was cancelled by its time-out.
    let reasons = "[\"57014\", \"PRUUF\"]";
    world.eventually("both are set aside with their reason", SET_ASIDE, &[&poisoned.members, &reasons]).await;
    let shown = "select count = 2 from jobs.audit() where kind = 'rows_set_aside'";
    world.eventually("both are counted and shown", &format!("select coalesce(({shown}), false)"), &[]).await;

    // From then on nobody waits for them.
    for _ in 0..3 {
        let crowd = world.crowd(5, 1).await;
        let begun = Instant::now();
        world.miss(&crowd.members).await;
        let took = time_until_told(&world, begun, &crowd).await;
        assert!(took < LONGEST, "{took:?}");
    }
    let tries = "select min(tries) > 1 from data.set_asides where job = 'tick'";
    world.eventually("both are tried again", tries, &[]).await;
    world.db.admin.batch_execute("drop trigger poison on data.alerts").await.unwrap();
    world
        .db
        .admin
        .batch_execute("update data.set_asides set again_at = rules.clock(); select pg_notify('pruuf_work', '')")
        .await
        .unwrap();
    world.expect_everywhere(&poisoned).await;
    world.one_alert_each(&poisoned.members).await;
    let forgotten = "select not exists (select from data.set_asides where job = 'tick')";
    world.eventually("nothing is set aside any more", forgotten, &[]).await;
    assert!(world.arrived(Channel::Push).values().all(|count| *count == 1));
    world.stop_servers().await;
}
