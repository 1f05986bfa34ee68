//! The watcher is watched (R9.7).

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, AtomicUsize, Ordering};
use std::time::Duration;

use pruuf::config::Config;
use pruuf::server::Server;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_postgres::types::ToSql;

use crate::support::{PATIENCE, Person, World};

/// What the audit finds, asked as the worker: what its policies hide it would not find.
async fn findings(world: &World) -> BTreeMap<String, i64> {
    let worker = world.db.session_as("pruuf_worker", None).await;
    let rows = worker.query("select kind, count from jobs.audit()", &[]).await.unwrap();
    rows.into_iter().map(|row| (row.get(0), row.get(1))).collect()
}

#[track_caller]
fn only<const N: usize>(expected: [(&str, i64); N]) -> BTreeMap<String, i64> {
    expected.into_iter().map(|(kind, count)| (kind.to_owned(), count)).collect()
}

async fn run(world: &World, sql: &str, params: &[&(dyn ToSql + Sync)]) {
    world.db.admin.execute(sql, params).await.unwrap();
}

/// As the worker, what servers do all the time; none runs.
async fn work(world: &World, call: &str) {
    let worker = world.db.session_as("pruuf_worker", None).await;
    worker.execute(&format!("select {call}"), &[]).await.unwrap();
}

/// Lets time go by in which nobody does anything but tick.
async fn pass(world: &World, by: &str) {
    world.db.admin.query_one("select meta.advance_clock($1::text::interval)", &[&by]).await.unwrap();
    run(world, "update data.job_runs set ran_at = rules.clock()", &[]).await;
}

/// As [`pass`], until an instant.
async fn pass_until(world: &World, instant: &str) {
    let sql = "select meta.advance_clock($1::text::timestamptz - rules.clock())";
    world.db.admin.query_one(sql, &[&instant]).await.unwrap();
    pass(world, "0").await;
}

/// Ann, who is due at nine and watched by Ben and Cleo. No server runs any more.
async fn family(world: &mut World) -> [Person; 3] {
    world.start_server().await;
    let people = [world.person("Ann").await, world.person("Ben").await, world.person("Cleo").await];
    let [ann, ben, cleo] = &people;
    world.connect(ann, ben).await;
    world.connect(ann, cleo).await;
    world.travel_to("2027-03-01T06:00:00Z").await;
    world.schedule(ann, "09:00", "UTC").await;
    world
        .eventually(
            "a tick has run",
            "select ran_at > rules.clock() - interval '1 minute' from data.job_runs where job = 'tick'",
            &[],
        )
        .await;
    world.stop_all().await;
    work(world, "jobs.seal_audit()").await;
    people
}

#[tokio::test]
async fn r9_7_whatever_did_not_happen_is_a_finding_of_its_own() {
    let mut world = World::without_server().await;
    let [ann, ben, cleo] = family(&mut world).await;
    pass_until(&world, "2027-03-01T08:00:00Z").await;
    assert_eq!(findings(&world).await, only([]));

    // Nobody is there to tick; then something ticks.
    world.db.admin.query_one("select meta.advance_clock('31 seconds')", &[]).await.unwrap();
    assert_eq!(findings(&world).await, only([("tick_silent", 1)]));
    work(&world, "jobs.tick()").await;
    assert_eq!(findings(&world).await, only([]));
    pass_until(&world, "2027-03-01T09:10:02Z").await;
    assert_eq!(findings(&world).await, only([]), "a few seconds are no finding");
    pass_until(&world, "2027-03-01T09:10:31Z").await;
    assert_eq!(findings(&world).await, only([("alerts_missing", 1)]));
    work(&world, "jobs.tick()").await;
    work(&world, "jobs.seal_audit()").await;
    assert_eq!(findings(&world).await, only([]));

    // A Contact without a first message; one whose message goes nowhere; one who has no place to be told at.
    let gone =
        "with gone as (delete from data.notifications where user_id = $1 returning *) select to_jsonb(g) from gone g";
    let told: Value = world.db.admin.query_one(gone, &[&cleo.id]).await.unwrap().get(0);
    assert_eq!(findings(&world).await, only([("contacts_not_told", 1)]));
    run(
        &world,
        "insert into data.notifications select * from jsonb_populate_record(null::data.notifications, $1)",
        &[&told],
    )
    .await;
    assert_eq!(findings(&world).await, only([]));
    let of_cleo = "from data.notifications n where n.user_id = $1 and d.notification_id = n.id";
    run(&world, &format!("delete from data.deliveries d using {}", of_cleo.trim_start_matches("from ")), &[&cleo.id])
        .await;
    assert_eq!(findings(&world).await, only([("contacts_not_told", 1)]));
    run(
        &world,
        "update data.addresses set off_at = rules.clock(), off_reason = 'bounced' where user_id = $1",
        &[&cleo.id],
    )
    .await;
    run(
        &world,
        "update data.devices set off_at = rules.clock(), off_reason = 'unregistered' where user_id = $1",
        &[&cleo.id],
    )
    .await;
    assert_eq!(findings(&world).await, only([]));
    work(&world, "jobs.follow_coverage()").await;
    work(&world, "jobs.seal_audit()").await;

    // Three messages that nobody takes up, one of them in a hand that is gone; what has expired is not to be sent.
    let one = "(select d.id from data.deliveries d where d.channel = 'sms')";
    run(
        &world,
        &format!("update data.deliveries set state = 'sending', lease_until = rules.clock() where id = {one}"),
        &[],
    )
    .await;
    pass(&world, "20 seconds").await;
    assert_eq!(findings(&world).await, only([]));
    pass(&world, "41 seconds").await;
    assert_eq!(findings(&world).await, only([("leases_lost", 1)]));
    run(&world, "update data.deliveries set state = 'pending', lease_until = null where state = 'sending'", &[]).await;
    pass(&world, "60 seconds").await;
    work(&world, "jobs.seal_audit()").await;
    assert_eq!(findings(&world).await, only([("deliveries_waiting", 3)]));
    run(&world, &format!("update data.deliveries set expires_at = rules.clock() where id = {one}"), &[]).await;
    assert_eq!(findings(&world).await, only([("deliveries_waiting", 2)]));
    run(
        &world,
        "update data.deliveries set state = 'cancelled', settled_at = rules.clock() where state = 'pending'",
        &[],
    )
    .await;
    assert_eq!(findings(&world).await, only([]));

    // A Member whom nobody watches, a reminder that did not go out, a trail without its seals.
    run(&world, "delete from data.obligations where state = 'open'", &[]).await;
    assert_eq!(findings(&world).await, only([("members_unwatched", 1)]));
    run(&world, "select rules.open_next($1, rules.clock())", &[&ann.id]).await;
    assert_eq!(findings(&world).await, only([]));
    run(
        &world,
        "update data.obligations set remind_at = rules.clock() - interval '31 seconds' where state = 'open'",
        &[],
    )
    .await;
    assert_eq!(findings(&world).await, only([("reminders_late", 1)]));
    run(&world, "update data.obligations set remind_at = null where state = 'open'", &[]).await;
    run(&world, "select audit.append('test.happened', $1)", &[&ann.id]).await;
    pass(&world, "61 seconds").await;
    assert_eq!(findings(&world).await, only([("events_unsealed", 1)]));
    work(&world, "jobs.seal_audit()").await;
    assert_eq!(findings(&world).await, only([]));

    // A round that nobody told; without another one the alert waits for nothing.
    run(&world, "update data.alerts set next_step_at = rules.clock() - interval '31 seconds'", &[]).await;
    assert_eq!(findings(&world).await, only([("rounds_late", 1)]));
    run(&world, "update data.alerts set next_step_at = 'infinity'", &[]).await;
    assert_eq!(findings(&world).await, only([]));

    // Somebody's contacts have changed and nobody looked; and a state that is not what is true, found within the hour.
    run(
        &world,
        "update data.devices set off_at = rules.clock(), off_reason = 'unregistered' where user_id = $1",
        &[&ben.id],
    )
    .await;
    pass(&world, "31 seconds").await;
    assert_eq!(findings(&world).await, only([("coverage_waiting", 1)]));
    work(&world, "jobs.follow_coverage()").await;
    work(&world, "jobs.seal_audit()").await;
    assert_eq!(findings(&world).await, only([]));
    run(&world, "update data.coverage set is_covered = false, reason = 'no_contact'", &[]).await;
    let mut minutes = 0;
    while findings(&world).await.is_empty() {
        pass(&world, "1 minute").await;
        minutes += 1;
        assert!(minutes <= 60, "nobody sees that the state is wrong");
    }
    assert_eq!(findings(&world).await, only([("coverage_drifted", 1)]));
    run(&world, "insert into data.coverage_marks (user_id, marked_at) values ($1, rules.clock())", &[&ann.id]).await;
    work(&world, "jobs.follow_coverage()").await;
    work(&world, "jobs.seal_audit()").await;
    assert_eq!(findings(&world).await, only([]));
    world.stop_servers().await;
}

/// An outside heartbeat URL: how often it was called, and the status it answers (0: none at all).
struct Outside {
    url: String,
    calls: Arc<AtomicUsize>,
    status: Arc<AtomicU16>,
}

impl Outside {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/ping/secret", listener.local_addr().unwrap());
        let (calls, status) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicU16::new(200)));
        let (counted, answer) = (Arc::clone(&calls), Arc::clone(&status));
        tokio::spawn(async move {
            let mut open = Vec::new();
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut request = [0; 1024];
                let length = stream.read(&mut request).await.unwrap();
                assert!(request[..length].starts_with(b"GET /ping/secret HTTP/1.1"));
                counted.fetch_add(1, Ordering::SeqCst);
                match answer.load(Ordering::SeqCst) {
                    // Never answers, and does not hang up.
                    0 => open.push(stream),
                    status => {
                        let text = format!("HTTP/1.1 {status} X\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
                        stream.write_all(text.as_bytes()).await.unwrap();
                    }
                }
            }
        });
        Self { url, calls, status }
    }

    fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }
}

impl World {
    /// Starts a server that calls this heartbeat.
    async fn start_watched(&mut self, outside: &Outside) {
        let config = Config { heartbeat_url: Some(outside.url.parse().unwrap()), ..self.config() };
        self.servers.push(Server::start(config).await.unwrap());
    }

    /// What the newest server says of itself, once it says this of its findings.
    async fn ready_with(&self, findings: Value) -> Value {
        let url = format!("http://{}/readyz", self.servers.last().unwrap().address);
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            let response = self.http.get(&url).send().await.unwrap();
            let status = response.status();
            let ready: Value = response.json().await.unwrap();
            // A busy machine's database may not answer in time: then it is not ready, whatever was found.
            if ready["findings"] == findings && ready["database"] == "ok" {
                assert_eq!(status, 200, "a balancer takes no server out for what all of them share");
                return ready;
            }
            assert!(tokio::time::Instant::now() < deadline, "{ready}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// The metrics of the newest server.
    async fn metrics(&self) -> String {
        let url = format!("http://{}/metrics", self.servers.last().unwrap().address);
        self.http.get(&url).send().await.unwrap().text().await.unwrap()
    }
}

#[tokio::test]
async fn r9_7_the_heartbeat_is_called_only_while_the_audit_finds_nothing() {
    let mut world = World::without_server().await;
    let outside = Outside::start().await;
    let [ann, ..] = family(&mut world).await;
    run(&world, "delete from data.obligations where state = 'open'", &[]).await;

    world.start_watched(&outside).await;
    let ready = world.ready_with(json!([{"kind": "members_unwatched", "count": 1}])).await;
    assert_eq!((&ready["status"], &ready["database"]), (&json!("degraded"), &json!("ok")));
    let shown = world.metrics().await;
    assert!(shown.contains("\npruuf_audit_findings{kind=\"members_unwatched\"} 1\n"), "{shown}");
    assert!(shown.contains("\npruuf_audit_findings_total 1\n"), "{shown}");
    assert_eq!(outside.calls(), 0, "silence pages a person");

    run(&world, "select rules.open_next($1, rules.clock())", &[&ann.id]).await;
    assert_eq!(world.ready_with(json!([])).await["status"], "ok");
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while outside.calls() == 0 {
        assert!(tokio::time::Instant::now() < deadline, "all is well, and nobody is told");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let shown = world.metrics().await;
    assert!(shown.contains("\npruuf_audit_findings{kind=\"members_unwatched\"} 0\n"), "{shown}");
    world.stop_servers().await;
}

#[tokio::test]
async fn r9_5_a_heartbeat_that_fails_and_an_audit_that_cannot_run_stop_nothing() {
    let mut world = World::without_server().await;
    let outside = Outside::start().await;
    outside.status.store(0, Ordering::SeqCst);
    let [ann, ben, cleo] = family(&mut world).await;
    world.start_watched(&outside).await;
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while outside.calls() == 0 {
        assert!(tokio::time::Instant::now() < deadline);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    // It hangs now. And another server may not even audit: it calls nobody.
    world.db.admin.batch_execute("revoke execute on function jobs.audit() from pruuf_worker").await.unwrap();
    world.start_watched(&outside).await;
    world.travel_to("2027-03-01T09:10:01Z").await;
    world.expect_on_all_channels(&ben, "Ann").await;
    world.expect_on_all_channels(&cleo, "Ann").await;
    world.post(&ann, "/v1/me/check-ins", json!({})).await.expect(201);
    world.expect_on_all_channels(&ben, "Ann").await;
    world.expect_on_all_channels(&cleo, "Ann").await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(outside.calls(), 1);
    let began = tokio::time::Instant::now();
    world.settle().await;
    world.stop_servers().await;
    assert!(began.elapsed() < Duration::from_secs(5), "a hanging heartbeat holds up the end");
}

#[tokio::test]
async fn metrics_show_alerts_queues_attempts_and_ticks_and_no_id() {
    let mut world = World::without_server().await;
    let [ann, ben, cleo] = family(&mut world).await;
    world.start_server().await;
    world.travel_to("2027-03-01T09:10:01Z").await;
    world.expect_on_all_channels(&ben, "Ann").await;
    world.expect_on_all_channels(&cleo, "Ann").await;
    world.settle().await;
    let attempts = world.metrics().await;
    for channel in ["push", "email", "sms"] {
        let line = format!("\npruuf_attempts_total{{channel=\"{channel}\",result=\"accepted\"}} ");
        let (_, rest) = attempts.split_once(&line).unwrap_or_else(|| panic!("{attempts}"));
        assert!(rest.lines().next().unwrap().parse::<u32>().unwrap() >= 2, "{attempts}");
    }
    assert!(attempts.contains("\npruuf_tick_seconds_bucket{le=\"60\"} "), "{attempts}");

    // Only the first look of a server is awaited here: the next is a quarter of a minute later.
    let queued = "insert into data.notifications (user_id, kind, cause, facts, created_at) values ($1, 'reminder', 'x', '{}', rules.clock() + interval '1 hour')";
    run(&world, queued, &[&ann.id]).await;
    world.start_server().await;
    let deadline = tokio::time::Instant::now() + PATIENCE;
    let shown = loop {
        let shown = world.metrics().await;
        if shown.contains("pruuf_alerts{") {
            break shown;
        }
        assert!(tokio::time::Instant::now() < deadline, "{shown}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    for line in [
        "pruuf_alerts{state=\"open\"} 1",
        "pruuf_alerts{state=\"acknowledged\"} 0",
        "pruuf_deliveries{channel=\"push\",state=\"pending\"} 1",
        "pruuf_deliveries{channel=\"sms\",state=\"sending\"} 0",
        "pruuf_queue_age_seconds{channel=\"push\"} 0",
        "pruuf_audit_findings_total 0",
    ] {
        assert!(shown.contains(&format!("\n{line}\n")), "{line} is not in {shown}");
    }
    for person in [&ann, &ben, &cleo] {
        for secret in [person.id.to_string(), person.name.clone(), person.email.clone(), person.phone.clone()] {
            assert!(!shown.contains(&secret), "{shown}");
        }
    }
    let reply = world.call(Method::GET, "/metrics", None, &[], None).await;
    assert!(reply.headers["content-type"].to_str().unwrap().starts_with("text/plain; version=0.0.4"));
    world.stop_servers().await;
}
