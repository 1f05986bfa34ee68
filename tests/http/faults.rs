//! Nothing is lost, whatever breaks: our process, the database, a connection, a notification (R6.1, R7.3, R9.5).

use std::collections::BTreeMap;
use std::time::Duration;

use pruuf::db::{Caller, Db};
use pruuf::dev::cluster::RestartMode;
use pruuf::dev::fakes::{Behaviour, Channel};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::support::crowd::Crowd;
use crate::support::database::{connect, own_cluster, throw_away};
use crate::support::process::{Dice, Process, random_seed};
use crate::support::{PATIENCE, TestDatabase, World};

/// Figures, for whoever runs this with `--nocapture`.
#[expect(clippy::print_stdout, reason = "a measurement that only says yes hides how close it was")]
fn report(line: &str) {
    println!("{line}");
}

/// What the process that was killed had in hand is up for grabs: as if its leases had run out.
async fn let_leases_run_out(world: &World) {
    // What it had sent to the database before it died still runs to its end there.
    let gone =
        "select count(*) = 0 from pg_stat_activity where usename = 'pruuf_server' and datname = current_database()";
    world.eventually("its connections are gone", gone, &[]).await;
    let sql = "update data.deliveries set lease_until = rules.clock() where state = 'sending'";
    world.db.admin.batch_execute(sql).await.unwrap();
}

async fn all_settled(world: &World) {
    world.settle().await;
    let left = world.number("select count(*) from data.deliveries where state <> 'accepted'", &[]).await;
    assert_eq!(left, 0, "deliveries that are not accepted");
}

/// How many messages have arrived, anywhere.
fn everything(world: &World) -> u64 {
    [Channel::Push, Channel::Email, Channel::Sms].map(|channel| world.fakes.count(channel)).iter().sum()
}

fn duplicates(world: &World, crowd: &Crowd) -> BTreeMap<&'static str, u64> {
    let mut found = BTreeMap::new();
    for (channel, name) in [(Channel::Push, "push"), (Channel::Email, "email"), (Channel::Sms, "sms")] {
        let counts = world.arrived(channel);
        let more = crowd.places.iter().filter(|(c, _)| *c == channel).map(|(_, to)| counts[to] - 1).sum();
        found.insert(name, more);
    }
    found
}

/// R6.1, R7.3; shared/targets.md: SIGKILL at any moment. 100 kills.
#[tokio::test]
async fn r7_3_a_killed_server_loses_nothing_and_repeats_at_most_one_message_a_delivery() {
    let seed = std::env::var("PRUUF_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or_else(random_seed);
    report(&format!("PRUUF_SEED={seed}"));
    let mut dice = Dice::new(seed);
    let world = World::without_server().await;
    let (mut kills, mut per_kill, mut by_channel) = (0, Vec::new(), BTreeMap::new());
    let mut running = vec![Process::start(&world).await];
    while kills < 100 {
        let crowd = world.crowd(8, 3).await;
        if kills % 10 == 8 {
            running.push(Process::start(&world).await);
        }
        let servers = u64::try_from(running.len()).unwrap();
        world.miss(&crowd.members).await;
        let begun = Instant::now();
        // At any time from before the alert to after the last message; as often while messages are on their way.
        let (moment, arrivals) = if kills % 3 == 0 { (dice.up_to(600), 0) } else { (0, dice.up_to(71)) };
        while begun.elapsed() < Duration::from_millis(moment) || everything(&world) < arrivals {
            sleep(Duration::from_millis(1)).await;
        }
        for process in running.drain(..) {
            process.kill().await;
            kills += 1;
            sleep(Duration::from_millis(dice.up_to(30))).await;
        }
        let_leases_run_out(&world).await;
        running.push(Process::start(&world).await);
        world.expect_everywhere(&crowd).await;
        all_settled(&world).await;

        world.one_alert_each(&crowd.members).await;
        for place in &crowd.places {
            assert!(
                world.arrived_at(place) <= 1 + servers,
                "{place:?} got {}; PRUUF_SEED={seed}",
                world.arrived_at(place)
            );
        }
        let found = duplicates(&world, &crowd);
        per_kill.push(found.values().sum::<u64>() / servers);
        for (channel, count) in found {
            *by_channel.entry(channel).or_insert(0) += count;
        }
        world.forget();
    }
    per_kill.sort_unstable();
    let at = |share: usize| per_kill[(per_kill.len() - 1) * share / 100];
    report(&format!(
        "{kills} kills, duplicates a kill: median {}, 90 % {}, most {}, none in {} of {} rounds; by channel {by_channel:?}",
        at(50),
        at(90),
        at(100),
        per_kill.iter().filter(|count| **count == 0).count(),
        per_kill.len()
    ));
    assert_eq!(by_channel["sms"], 0, "Twilio is asked before anything goes out again; PRUUF_SEED={seed}");
    world.stop_servers().await;
}

/// The other server takes over when the leases of the dead one have run out, in real time.
#[tokio::test]
async fn r7_3_another_server_takes_over_soon() {
    let mut world = World::without_server().await;
    let process = Process::start(&world).await;
    let crowd = world.crowd(10, 3).await;
    world.fakes.set(Channel::Sms, None, Behaviour::Stall(Duration::from_secs(60)));
    world.miss(&crowd.members).await;
    world
        .eventually(
            "all are in hand",
            "select count(*) = 30 from data.deliveries where state = 'sending' and channel = 'sms'",
            &[],
        )
        .await;
    world.start_server().await;
    sleep(Duration::from_secs(3)).await;
    // Leases are renewed for as long as it lives.
    assert_eq!(world.number("select count(*) from data.attempts where detail = 'lease-lost'", &[]).await, 0);
    process.kill().await;
    let begun = Instant::now();
    world.fakes.behave();
    world.expect_everywhere(&crowd).await;
    report(&format!("taken over after {:?}", begun.elapsed()));
    assert!(begun.elapsed() < Duration::from_secs(15), "{:?}", begun.elapsed());
    all_settled(&world).await;
    world.stop_servers().await;
}

/// A slow provider is no dead server: what is in hand for longer than a lease is not taken away, neither by another
/// server nor by the same one.
#[tokio::test]
async fn r7_3_a_slow_provider_makes_no_duplicates() {
    let mut world = World::without_server().await;
    world.start_server().await;
    world.start_server().await;
    let crowd = world.crowd(4, 3).await;
    world.fakes.set(Channel::Email, None, Behaviour::Stall(Duration::from_secs(13)));
    world.miss(&crowd.members).await;
    world.expect_everywhere(&crowd).await;
    all_settled(&world).await;
    assert_eq!(duplicates(&world, &crowd).values().sum::<u64>(), 0);
    assert_eq!(world.number("select count(*) from data.attempts where result <> 'accepted'", &[]).await, 0);
    world.stop_servers().await;
}

/// R6.1: whatever number of servers.
#[tokio::test]
async fn r6_1_several_servers_raise_one_alert_and_send_one_message_to_each_place() {
    let mut world = World::without_server().await;
    let mut everybody = Vec::new();
    for _ in 0..4 {
        world.start_server().await;
        let crowd = world.crowd(40, 3).await;
        world.miss(&crowd.members).await;
        world.expect_everywhere(&crowd).await;
        all_settled(&world).await;
        world.one_alert_each(&crowd.members).await;
        assert_eq!(duplicates(&world, &crowd).values().sum::<u64>(), 0, "{} servers", world.servers.len());
        everybody.extend(crowd.members);
    }
    world.one_alert_each(&everybody).await;
    world.stop_servers().await;
}

/// The database goes away, in both ways, and comes back.
#[tokio::test]
async fn r9_5_a_restart_of_the_database_loses_nothing() {
    let (cluster, directory) = own_cluster(&[]).await;
    let mut world = World::on(TestDatabase::create_in(&cluster, "pruuf").await).await;
    world.start_server().await;
    let ben = world.person("Ben").await;
    let mut refused = 0;
    for (round, mode) in
        [RestartMode::Fast, RestartMode::Immediate, RestartMode::Fast, RestartMode::Immediate].into_iter().enumerate()
    {
        let crowd = world.crowd(30, 3).await;
        let (mut asking, over) = (JoinSet::new(), CancellationToken::new());
        for (method, path, token) in [
            (Method::GET, "/readyz", None),
            (Method::GET, "/v1/me/today", Some(ben.token.clone())),
            (Method::POST, "/v1/me/check-ins", Some(ben.token.clone())),
        ] {
            let (http, url, over) = (world.http.clone(), world.url(path), over.clone());
            asking.spawn(async move {
                let (mut unavailable, mut back_for) = (0, None::<Instant>);
                loop {
                    let mut request = http.request(method.clone(), &url).json(&json!({}));
                    if let Some(token) = &token {
                        request = request.bearer_auth(token);
                    }
                    let answer = timeout(Duration::from_secs(10), request.send()).await.unwrap().unwrap();
                    match answer.status().as_u16() {
                        // Well again.
                        200 | 201 if back_for.is_some() => return unavailable,
                        200 | 201 => {}
                        503 => {
                            unavailable += 1;
                            if token.is_some() {
                                assert_eq!(answer.headers()["content-type"], "application/problem+json");
                                assert_eq!(answer.headers()["retry-after"], "1");
                            }
                        }
                        other => panic!("{url}: {other} {}", answer.text().await.unwrap()),
                    }
                    if over.is_cancelled() {
                        let since = back_for.get_or_insert_with(Instant::now);
                        assert!(since.elapsed() < PATIENCE, "{url} stays unavailable");
                    }
                    sleep(Duration::from_millis(10)).await;
                }
            });
        }
        world.miss(&crowd.members).await;
        sleep(Duration::from_millis(100 * u64::try_from(round).unwrap())).await;
        cluster.restart(mode).await.unwrap();
        world.db.admin = connect(&world.db.admin_url()).await;
        world.expect_everywhere(&crowd).await;
        over.cancel();
        while let Some(saw) = asking.join_next().await {
            refused += saw.unwrap();
        }
        all_settled(&world).await;
        world.one_alert_each(&crowd.members).await;
        report(&format!("{mode:?}: duplicates {:?}", duplicates(&world, &crowd)));
        assert_eq!(duplicates(&world, &crowd).values().sum::<u64>(), 0, "one server knows what it has in hand");
        world.forget();
    }
    assert!(refused > 0, "nobody noticed that the database was gone");
    world.stop_servers().await;
    throw_away(cluster, directory).await;
}

/// The house: "losing every notification costs seconds, never an alert".
#[tokio::test]
async fn r6_1_without_any_notify_an_alert_is_out_within_seconds() {
    let mut world = World::without_server().await;
    // In this database it says nothing any more, whoever calls it.
    world
        .db
        .admin
        .batch_execute("create or replace function pg_catalog.pg_notify(text, text) returns void language sql as ''")
        .await
        .unwrap();
    world.start_server().await;
    for _ in 0..3 {
        let crowd = world.crowd(2, 3).await;
        sleep(Duration::from_millis(2100)).await;
        world.miss_quietly(&crowd.members).await;
        let begun = Instant::now();
        world.expect_everywhere(&crowd).await;
        report(&format!("without NOTIFY after {:?}", begun.elapsed()));
        assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    }
    world.stop_servers().await;
}

/// R9.5: a row that somebody holds delays its own alert only.
#[tokio::test]
async fn r9_5_a_lock_that_somebody_holds_delays_no_other_alert() {
    for lock in [
        "select from data.obligations where member_id = $1 and state = 'open' for update",
        // What an alert refers to: no row that `skip locked` passes over.
        "select from data.users where id = $1 for update",
    ] {
        let mut world = World::without_server().await;
        world.start_server().await;
        let (held, others) = (world.crowd(1, 3).await, world.crowd(20, 3).await);
        let mut other = connect(&world.db.admin_url()).await;
        let transaction = other.transaction().await.unwrap();
        transaction.query(lock, &[&held.members[0]]).await.unwrap();
        let members = others.members.clone();
        if lock.contains("users") {
            world.miss_quietly(&held.members).await;
        }
        world.miss(&members).await;
        let begun = Instant::now();
        world.expect_everywhere(&others).await;
        report(&format!("others after {:?}", begun.elapsed()));
        assert!(begun.elapsed() < Duration::from_secs(8), "{:?}", begun.elapsed());
        assert_eq!(world.missing(&held).len(), 9);
        if lock.contains("obligations") {
            let sql = "update data.obligations set local_on = local_on - 1, opens_at = rules.clock() - interval '2 seconds', due_at = rules.clock() - interval '1 second', alert_at = rules.clock() where member_id = $1 and state = 'open'";
            transaction.execute(sql, &[&held.members[0]]).await.unwrap();
        }
        transaction.commit().await.unwrap();
        world.expect_everywhere(&held).await;
        all_settled(&world).await;
        world.one_alert_each(&held.members).await;
        world.one_alert_each(&others.members).await;
        world.stop_servers().await;
    }
}

/// R9.5: jobs that take every connection of theirs do not hold up the deadline check.
#[tokio::test]
async fn r9_5_no_other_job_takes_the_connections_of_the_deadline_check() {
    let world = World::without_server().await;
    let db = Db::new(&world.config().database_url).unwrap();
    world.db.admin.batch_execute("select pg_advisory_lock(42)").await.unwrap();
    let mut stuck = JoinSet::new();
    for _ in 0..8 {
        let db = db.clone();
        stuck.spawn(async move {
            db.read::<Value>(&Caller::worker(), "to_jsonb(pg_advisory_xact_lock(42)::text)", &[]).await
        });
    }
    let waiting =
        "select count(*) >= 8 from pg_stat_activity where datname = current_database() and wait_event = 'advisory'";
    world.eventually("every connection of the jobs waits", waiting, &[]).await;
    let ticked: Value = db.write(&Caller::deadline(), "jobs.tick()", &[]).await.unwrap();
    assert_eq!(ticked["problems"], json!([]));
    assert!(stuck.try_join_next().is_none(), "the jobs were done before the deadline check");
    world.db.admin.batch_execute("select pg_advisory_unlock(42)").await.unwrap();
    while let Some(end) = stuck.join_next().await {
        end.unwrap().unwrap();
    }
    world.stop_servers().await;
}

/// R9.5: requests that take every connection do not hold up the deadline check.
#[tokio::test]
async fn r9_5_a_flood_of_requests_that_wait_delays_no_alert() {
    let mut world = World::without_server().await;
    world.start_server().await;
    let (ben, crowd) = (world.person("Ben").await, world.crowd(10, 3).await);
    let lock = hold_member(&world, &ben.id.to_string()).await;
    let mut waiting = JoinSet::new();
    for _ in 0..100 {
        let request = world.http.post(world.url("/v1/me/check-ins")).bearer_auth(&ben.token).json(&json!({}));
        waiting.spawn(async move { request.send().await.unwrap() });
    }
    let all_wait =
        "select count(*) = 3 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'";
    world.eventually("as many wait as one user may have in hand", all_wait, &[]).await;
    let begun = Instant::now();
    world.miss(&crowd.members).await;
    world.expect_everywhere(&crowd).await;
    report(&format!("under the flood after {:?}", begun.elapsed()));
    let still = "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'";
    assert!(world.number(still, &[]).await > 0, "the flood was over before the alert was out");
    lock.batch_execute("rollback").await.unwrap();
    while let Some(answer) = waiting.join_next().await {
        let answer = answer.unwrap();
        assert!(matches!(answer.status().as_u16(), 201 | 503), "{answer:?}");
    }
    world.stop_servers().await;
}

/// Makes check-ins of this Member wait.
async fn hold_member(world: &World, member: &str) -> tokio_postgres::Client {
    let lock = connect(&world.db.admin_url()).await;
    lock.batch_execute(&format!("begin; select rules.lock_member('{member}')")).await.unwrap();
    lock
}

/// Whoever hangs up has done it or not, and leaves nothing behind in the connection that they used.
#[tokio::test]
async fn r4_5_a_client_that_hangs_up_leaves_a_clean_connection() {
    let mut world = World::without_server().await;
    world.start_server().await;
    let (ben, chloe) = (world.person("Ben").await, world.person("Chloe").await);
    for round in 0..3 {
        let lock = hold_member(&world, &ben.id.to_string()).await;
        let address = world.url("").trim_start_matches("http://").to_owned();
        let mut clients = Vec::new();
        for number in 0..20 {
            let mut client = tokio::net::TcpStream::connect(&address).await.unwrap();
            let head = format!(
                "POST /v1/me/check-ins HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\nidempotency-key: hang-{round}-{number}\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{{}}",
                ben.token
            );
            client.write_all(head.as_bytes()).await.unwrap();
            clients.push(client);
        }
        // Three of one user at once; the others wait for their turn (R9.9).
        let wait =
            "select count(*) = 3 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'";
        world.eventually("they wait for the lock", wait, &[]).await;
        drop(clients);
        lock.batch_execute("rollback").await.unwrap();
        let clean = "select count(*) = 0 from pg_stat_activity where datname = current_database() and usename = 'pruuf_server' and (state like 'idle in%' or state = 'active' and wait_event_type = 'Lock')";
        world.eventually("no transaction stays open", clean, &[]).await;
    }
    // Every connection serves the next one as who they are, and as nobody more.
    let mut asked = JoinSet::new();
    for who in [&ben, &chloe].into_iter().cycle().take(60) {
        let (request, id) = (world.http.get(world.url("/v1/me")).bearer_auth(&who.token), who.id.to_string());
        asked.spawn(async move { (request.send().await.unwrap().json::<Value>().await.unwrap(), id) });
    }
    while let Some(answer) = asked.join_next().await {
        let (me, id) = answer.unwrap();
        assert_eq!(me["id"], json!(id));
    }
    // Those who come again with their key get the answer of what was done, and nothing is done twice.
    for number in 0..60 {
        let key = format!("hang-{}-{}", number / 20, number % 20);
        world
            .call(Method::POST, "/v1/me/check-ins", Some(&ben.token), &[("idempotency-key", &key)], Some(&json!({})))
            .await
            .expect(201);
    }
    let taps = world.number("select count(*) from data.check_ins where member_id = $1", &[&ben.id]).await;
    assert_eq!(taps, 60);
    world.stop_servers().await;
}

/// SIGTERM: what is in hand is finished, and no lease stays behind.
#[tokio::test]
async fn r7_3_a_server_that_is_told_to_stop_finishes_what_it_has_in_hand() {
    let world = World::without_server().await;
    let process = Process::start(&world).await;
    let (ben, crowd) = (world.person("Ben").await, world.crowd(4, 3).await);
    world.fakes.set(Channel::Sms, None, Behaviour::Stall(Duration::from_secs(3)));
    let hanging = crowd.places.iter().find(|(channel, _)| *channel == Channel::Email).unwrap().1.clone();
    world.fakes.set(Channel::Email, Some(&hanging), Behaviour::Stall(Duration::from_secs(60)));
    world.miss(&crowd.members).await;
    world
        .eventually(
            "SMS are in hand",
            "select count(*) = 12 from data.deliveries where state = 'sending' and channel = 'sms'",
            &[],
        )
        .await;
    let lock = hold_member(&world, &ben.id.to_string()).await;
    let request =
        world.http.post(format!("http://{}/v1/me/check-ins", process.address)).bearer_auth(&ben.token).json(&json!({}));
    let answer = tokio::spawn(async move { request.send().await.unwrap().status().as_u16() });
    let waits =
        "select count(*) = 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'";
    world.eventually("a request is in work", waits, &[]).await;
    let stopping = tokio::spawn(process.terminate());
    sleep(Duration::from_millis(300)).await;
    lock.batch_execute("rollback").await.unwrap();
    assert_eq!(answer.await.unwrap(), 201);
    assert!(stopping.await.unwrap());
    let states = world.admin_json("select channel, state, count(*) as count, bool_and(may_have_arrived) as perhaps from data.deliveries group by 1, 2 order by 1, 2").await;
    assert_eq!(
        states,
        json!([
            {"channel": "email", "state": "accepted", "count": 11, "perhaps": true},
            {"channel": "email", "state": "pending", "count": 1, "perhaps": true},
            {"channel": "push", "state": "accepted", "count": 12, "perhaps": true},
            {"channel": "sms", "state": "accepted", "count": 12, "perhaps": true},
        ])
    );
    world.stop_servers().await;
}

/// R6.1: the third caller of the tick. No server runs; the database alone raises the alert.
#[tokio::test]
async fn r6_1_pg_cron_alone_raises_an_alert() {
    let (cluster, directory) = own_cluster(&[
        ("shared_preload_libraries", "pg_cron"),
        ("cron.database_name", "pruuf"),
        ("cron.use_background_workers", "on"),
    ])
    .await;
    let world = World::on(TestDatabase::create_in(&cluster, "pruuf").await).await;
    let crowd = world.crowd(2, 3).await;
    world.miss_quietly(&crowd.members).await;
    let deadline = Instant::now() + Duration::from_secs(90);
    while world.number("select count(*) from data.deliveries where state = 'pending'", &[]).await < 18 {
        if Instant::now() > deadline {
            panic!("no alert: {:#}", world.admin_json("select * from cron.job_run_details").await);
        }
        sleep(Duration::from_millis(200)).await;
    }
    world.one_alert_each(&crowd.members).await;
    // And a database without it is none the worse.
    let plain = TestDatabase::create_in(&cluster, "plain").await;
    assert!(plain.admin.query_opt("select from pg_extension where extname = 'pg_cron'", &[]).await.unwrap().is_none());
    world.stop_servers().await;
    throw_away(cluster, directory).await;
}

/// R9.5: a session keeps the plan of a foreign key's check for as long as it lives. Made on a quiet day, when a table was
/// small, it read the whole table for every row of the burst that made it large.
#[tokio::test]
async fn r9_5_no_job_reads_a_whole_table_in_the_burst_after_a_quiet_day() {
    let world = World::without_server().await;
    let first = world.crowd(1, 1).await;
    let burst = world.crowd(300, 3).await;
    let worker = world.db.session_as("pruuf_worker", None).await;
    world.miss_quietly(&first.members).await;
    worker.batch_execute("select jobs.tick()").await.unwrap();
    world.miss_quietly(&burst.members).await;
    let lane = "select jobs.finish_deliveries((select jsonb_agg(jsonb_build_object('id', d ->> 'id', 'attempt', d -> 'attempt', 'result', 'accepted'))
                                                 from jobs.claim_deliveries('email', 10, 8) as d))";
    worker.batch_execute(&format!("{lane}; begin; select jobs.tick(); {lane}")).await.unwrap();
    let read: Vec<String> = worker
        .query(
            "select relname::text from pg_stat_xact_user_tables
              where schemaname = 'data' and seq_scan > 0 and relname not in ('policies', 'notification_kinds', 'untold_check_ins')",
            &[],
        )
        .await
        .unwrap()
        .iter()
        .map(|row| row.get(0))
        .collect();
    assert!(read.is_empty(), "read from end to end: {read:?}");
    worker.batch_execute("commit").await.unwrap();
    world.one_alert_each(&burst.members).await;
    world.stop_servers().await;
}

/// R7.3: a server that may send nothing just now, because the provider is left alone, still takes back what a dead one had.
#[tokio::test]
async fn r7_3_what_a_dead_server_had_in_hand_is_taken_back_also_while_nothing_is_sent() {
    let world = World::without_server().await;
    let crowd = world.crowd(3, 1).await;
    let worker = world.db.session_as("pruuf_worker", None).await;
    world.miss_quietly(&crowd.members).await;
    worker.batch_execute("select jobs.tick()").await.unwrap();
    worker.batch_execute("select jobs.claim_deliveries('email', 10, 8)").await.unwrap();
    let in_hand = "select count(*) from data.deliveries where channel = 'email' and state = 'sending'";
    assert_eq!(world.number(in_hand, &[]).await, 3);
    world.db.admin.batch_execute("select meta.advance_clock('9 seconds')").await.unwrap();
    worker.batch_execute("select jobs.claim_deliveries('email', 0, 8)").await.unwrap();
    assert_eq!(world.number(in_hand, &[]).await, 0);
    world.stop_servers().await;
}
