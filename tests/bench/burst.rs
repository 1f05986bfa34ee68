//! From `alert_at` to the providers: ten thousand at once, and one at a time.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures_util::future::poll_fn;
use pruuf::dev::fakes::{Channel, Fakes};
use tokio_postgres::{AsyncMessage, NoTls};

use crate::server::Serve;
use crate::tick::{BURST, burst_database, make_due};
use crate::{Bench, Report, median, percentile, seed};

const CHANNELS: [Channel; 3] = [Channel::Push, Channel::Email, Channel::Sms];
const ALL: u64 = (BURST * seed::CONTACTS * 3) as u64;
const ALERTS: i32 = 100;

#[expect(clippy::disallowed_methods, reason = "database, server and fakes of a benchmark share this machine's clock")]
fn wall_clock() -> DateTime<Utc> {
    Utc::now()
}

fn seconds(from: DateTime<Utc>, to: DateTime<Utc>) -> f64 {
    (to - from).as_seconds_f64()
}

/// When each Contact (3n+c) was told: a NOTIFY arrives when its transaction has been committed.
type Told = Arc<Mutex<HashMap<i32, DateTime<Utc>>>>;

async fn listen(bench: &Bench, database: &str) -> Told {
    let told = Told::default();
    let (client, mut connection) = tokio_postgres::connect(&bench.admin_url(database), NoTls).await.unwrap();
    let heard = Arc::clone(&told);
    tokio::spawn(async move {
        while let Some(Ok(message)) = poll_fn(|context| connection.poll_message(context)).await {
            if let AsyncMessage::Notification(notification) = message {
                let now = wall_clock();
                for id in notification.payload().split(',') {
                    let number = id.rsplit('-').next().and_then(|number| number.parse().ok()).unwrap();
                    heard.lock().unwrap().entry(number).or_insert(now);
                }
            }
        }
    });
    client.batch_execute("listen pruuf_told").await.unwrap();
    // The connection lives as long as its client.
    tokio::spawn(async move {
        let _client = client;
        std::future::pending::<()>().await
    });
    told
}

/// 10,000 Members miss at the same instant: when all rows are committed, and when the providers have everything.
pub async fn measure_burst(bench: &Bench, report: &mut Report) {
    let (mut rows, mut half, mut last, mut memory) = (vec![], vec![], vec![], vec![]);
    for round in 0..bench.options.rounds {
        let name = format!("bench_burst_{round}");
        let db = burst_database(bench, &name).await;
        let fakes = Fakes::counting().await.unwrap();
        let server = Serve::start(bench, &name, Some(&fakes)).await;
        let told = listen(bench, &name).await;
        let at = wall_clock() + Duration::from_secs(5);
        make_due(&db, 1, BURST, &format!("timestamptz '{}'", at.to_rfc3339())).await;
        db.batch_execute("notify pruuf_work").await.unwrap();
        let count = || CHANNELS.map(|channel| fakes.count(channel)).iter().sum::<u64>();
        let reached = |share: u64, times: &mut Vec<f64>| {
            let is_there = count() >= ALL * share / 100;
            if is_there {
                times.push(seconds(at, wall_clock()));
            }
            is_there
        };
        for (share, times) in [(50, &mut half), (100, &mut last)] {
            while !reached(share, times) {
                assert!(seconds(at, wall_clock()) < 600.0, "{} of {ALL} messages after ten minutes", count());
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
        let committed = {
            let told = told.lock().unwrap();
            assert_eq!(told.len(), (BURST * seed::CONTACTS) as usize, "not everybody was told");
            told.values().max().copied().unwrap()
        };
        rows.push(seconds(at, committed));
        memory.push(server.memory().1);
        tokio::time::sleep(Duration::from_secs(2)).await;
        assert_eq!(count(), ALL, "messages came twice");
    }
    let name = format!("{BURST} Members miss at one instant");
    report.row(&format!("{name}: all rows committed"), &format!("**{:.1} s**", median(rows)), "5 s");
    report.row(
        &format!("{name}: half of the {ALL} requests at the providers, and the last"),
        &format!("**{:.1} s** and **{:.1} s**", median(half), median(last)),
        "30 s and 60 s",
    );
    report.row(&format!("{name}: peak memory of the server"), &format!("{:.0} MB", median(memory)), "80 MB");
}

/// Alerts one by one on an idle system, by timer.
pub async fn measure_alerts(bench: &Bench, report: &mut Report) {
    let db = burst_database(bench, "bench_alerts").await;
    let fakes = Fakes::start().await.unwrap();
    let _server = Serve::start(bench, "bench_alerts", Some(&fakes)).await;
    let told = listen(bench, "bench_alerts").await;
    let start = wall_clock() + Duration::from_secs(4);
    // Never in step with the poll.
    let due = format!("timestamptz '{}' + make_interval(secs => n * 0.1537)", start.to_rfc3339());
    make_due(&db, 1, ALERTS, &due).await;
    db.batch_execute("notify pruuf_work").await.unwrap();
    let all = (ALERTS * seed::CONTACTS * 3) as usize;
    assert!(fakes.wait_for(|log| log.len() >= all, Duration::from_secs(60)).await, "not all alerts were sent");

    let rows = db
        .query(&format!("select n, o.alert_at from generate_series(1, {ALERTS}) n join data.obligations o on o.member_id = bench.member(n) and o.state = 'missed'"), &[])
        .await
        .unwrap();
    let mut first: HashMap<i32, DateTime<Utc>> = HashMap::new();
    for received in fakes.received() {
        let member = match received.channel {
            Channel::Sms => (received.to.trim_start_matches("+1").parse::<i32>().unwrap() - 1) / 3,
            _ => received.to.split(['-', '@']).nth(1).unwrap().parse().unwrap(),
        };
        let at = first.entry(member).or_insert(received.at);
        *at = received.at.min(*at);
    }
    let (mut committed, mut sent) = (vec![], vec![]);
    for row in rows {
        let (member, alert_at): (i32, DateTime<Utc>) = (row.get(0), row.get(1));
        let told = told.lock().unwrap()[&(3 * member + 1)];
        committed.push(seconds(alert_at, told) * 1000.0);
        sent.push(seconds(told, first[&member]) * 1000.0);
    }
    assert_eq!(committed.len(), ALERTS as usize);
    let shown = |times: &[f64]| {
        format!(
            "p50 **{:.1} ms**, p99 **{:.1} ms**",
            percentile(times.to_vec(), 50.0),
            percentile(times.to_vec(), 99.0)
        )
    };
    report.row("alert_at to the alert committed, idle system", &shown(&committed), "20 ms and 250 ms");
    report.row("alert committed to the first provider's request, idle system", &shown(&sent), "p99 100 ms");
}
