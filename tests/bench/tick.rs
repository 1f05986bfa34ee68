//! `jobs.tick()` alone: how many Members a second, and whether it costs more with more Members.

use std::time::Instant;

use pruuf::vault::Vault;
use tokio_postgres::{Client, NoTls};

use crate::server::KEY;
use crate::{Bench, Report, median, seed};

/// Members of the burst.
pub const BURST: i32 = 10_000;
const BURST_TEMPLATE: &str = "bench_burst_template";
const DUE: i32 = 100;
const TIMES: i32 = 20;

/// A copy of a database with [`BURST`] Members whose Contacts have three channels each.
pub async fn burst_database(bench: &Bench, name: &str) -> Client {
    let postgres = bench.connect("postgres").await;
    if postgres.query_opt("select from pg_database where datname = $1", &[&BURST_TEMPLATE]).await.unwrap().is_none() {
        let db = bench.database(BURST_TEMPLATE, "bench_template").await;
        seed::members(&db, BURST).await;
        seed::places(&db, &Vault::new(vec![KEY]), BURST).await;
        seed::day(&db, BURST).await;
    }
    let db = bench.database(name, BURST_TEMPLATE).await;
    db.batch_execute("checkpoint").await.unwrap();
    db
}

/// Moves the open obligations of the Members from `first` to `last` so that their alerts are due at `alert_at` (SQL, of n).
pub async fn make_due(db: &Client, first: i32, last: i32, alert_at: &str) {
    db.batch_execute(&format!(
        "update data.obligations o
            set opens_at = a - interval '9 hours', due_at = a - interval '10 minutes', alert_at = a, remind_at = null,
                local_on = ((a - interval '10 minutes') at time zone o.time_zone)::date,
                local_time = ((a - interval '10 minutes') at time zone o.time_zone)::time
           from (select n, bench.member(n) as member_id, {alert_at} as a from generate_series({first}, {last}) n) due
          where o.member_id = due.member_id and o.state = 'open'"
    ))
    .await
    .unwrap();
}

/// A connection as the server's jobs have it.
async fn worker(bench: &Bench, database: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(&bench.server_url(database), NoTls).await.unwrap();
    tokio::spawn(connection);
    client.batch_execute("set role pruuf_worker; prepare tick as select jobs.tick() ->> 'more'").await.unwrap();
    client
}

/// One call; seconds, and whether there is more.
async fn tick(worker: &Client) -> (f64, bool) {
    let started = Instant::now();
    let answer = worker.simple_query("execute tick").await.unwrap();
    let more = answer
        .iter()
        .any(|line| matches!(line, tokio_postgres::SimpleQueryMessage::Row(row) if row.get(0) == Some("true")));
    (started.elapsed().as_secs_f64(), more)
}

/// Members a second; milliseconds of a tick beside 10,000, 100,000 and perhaps 1,000,000 Members.
pub async fn measure(bench: &Bench, report: &mut Report, million: bool) {
    let mut rates = Vec::new();
    for round in 0..bench.options.rounds {
        let name = format!("bench_tick_{round}");
        let db = burst_database(bench, &name).await;
        make_due(&db, 1, BURST, "now()").await;
        seed::settle(&db).await;
        let worker = worker(bench, &name).await;
        let started = Instant::now();
        while tick(&worker).await.1 {}
        rates.push(f64::from(BURST) / started.elapsed().as_secs_f64());
        let row = db.query_one("select count(*) from data.deliveries", &[]).await.unwrap();
        assert_eq!(row.get::<_, i64>(0), i64::from(BURST * seed::CONTACTS * 3), "not every delivery was made");
    }
    report.row(
        &format!("`jobs.tick()` alone, {BURST} Members, 9 deliveries each"),
        &format!("**{:.0}** Members/s", median(rates)),
        "3,000/s",
    );

    let mut sizes = vec![10_000, 100_000];
    if million {
        sizes.push(1_000_000);
    }
    let mut workers = Vec::new();
    for &size in &sizes {
        let name = format!("bench_of_{size}");
        let db = bench.database(&name, "bench_template").await;
        seed::members(&db, size).await;
        seed::places(&db, &Vault::new(vec![KEY]), DUE * TIMES).await;
        seed::day(&db, size).await;
        workers.push((worker(bench, &name).await, db));
    }
    let (mut idle, mut due) = (vec![Vec::new(); sizes.len()], vec![Vec::new(); sizes.len()]);
    for time in 0..TIMES {
        for (place, (worker, db)) in workers.iter().enumerate() {
            for _ in 0..5 {
                idle[place].push(tick(worker).await.0 * 1000.0);
            }
            make_due(db, time * DUE + 1, (time + 1) * DUE, "now()").await;
            due[place].push(tick(worker).await.0 * 1000.0);
        }
    }
    let list = |times: Vec<Vec<f64>>| times.into_iter().map(median).collect::<Vec<_>>();
    let (idle, due) = (list(idle), list(due));
    let names = sizes.iter().map(ToString::to_string).collect::<Vec<_>>().join(" / ");
    for (what, times) in [("nothing is due", idle), ("100 are due", due)] {
        let shown = times.iter().map(|time| format!("{time:.2} ms")).collect::<Vec<_>>().join(" / ");
        let grows = times[times.len() - 1] / times[0];
        report.row(
            &format!("a tick when {what}, beside {names} Members"),
            &format!("{shown}: **{grows:.2}** ×"),
            "1.2 ×",
        );
    }
}
