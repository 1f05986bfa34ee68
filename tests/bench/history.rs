//! A Member's screens after ten years of four check-ins a day, beside those after a month (R4.13).

use std::time::Instant;

use pruuf::auth::token::Tokens;
use uuid::Uuid;

use crate::server::{KEY, Serve};
use crate::{Bench, Report, median, percentile, seed};

const DAYS: [i32; 2] = [3652, 30];
const REQUESTS: usize = 200;

/// One request after the other, the old Member's and the new one's in turns.
pub async fn measure(bench: &Bench, report: &mut Report) {
    let db = bench.database("bench_history", "bench_template").await;
    seed::members(&db, 2).await;
    for (n, days) in (1..).zip(DAYS) {
        db.batch_execute(&format!(
            "set session_replication_role = replica;
             with slots as (
               select s.member_id, s.id as schedule_id, s.time_zone, d, t, date_trunc('day', now()) - make_interval(days => d) + make_interval(hours => t * 4) as due_at
                 from data.schedules s, generate_series(1, {days}) d, generate_series(1, 4) t where s.member_id = bench.member({n}))
             insert into data.obligations (member_id, schedule_id, local_on, local_time, time_zone, opens_at, due_at, alert_at, state, closed_at)
             select member_id, schedule_id, (due_at at time zone time_zone)::date, (due_at at time zone time_zone)::time, time_zone,
                    due_at - interval '4 hours', due_at, due_at + interval '10 minutes', (array['met', 'met', 'met', 'met_late', 'missed'])[(d * 4 + t) % 5 + 1], due_at
               from slots order by due_at;
             with met as (
               insert into data.check_ins (member_id, received_at)
               select member_id, closed_at from data.obligations where member_id = bench.member({n}) and state like 'met%' returning id, member_id, received_at)
             insert into data.obligations_met (obligation_id, check_in_id)
             select o.id, m.id from met m join data.obligations o on o.member_id = m.member_id and o.closed_at = m.received_at;
             reset session_replication_role;"
        ))
        .await
        .unwrap();
    }
    db.batch_execute("vacuum analyze").await.unwrap();
    let server = Serve::start(bench, "bench_history", None).await;
    let http = reqwest::Client::new();
    let signer = Tokens::new(&[KEY]).unwrap();
    let tokens = [1, 2].map(|n| {
        let id = |kind: &str| -> Uuid { format!("00000000-0000-7000-{kind}-{n:012}").parse().unwrap() };
        signer.sign(id("8000"), id("a000")).unwrap()
    });
    let last_month: String =
        db.query_one("select to_char(now() - interval '1 month', 'YYYY-MM')", &[]).await.unwrap().get(0);
    for path in [&format!("/v1/me/history?month={last_month}"), "/v1/me/history", "/v1/me/today"] {
        let mut times = [vec![], vec![]];
        for _ in 0..REQUESTS {
            for (token, times) in tokens.iter().zip(&mut times) {
                let began = Instant::now();
                let answer = http.get(format!("{}{path}", server.url)).bearer_auth(token).send().await.unwrap();
                assert!(answer.status().is_success(), "{path}: {}", answer.status());
                answer.bytes().await.unwrap();
                times.push(began.elapsed().as_secs_f64() * 1000.0);
            }
        }
        let [old, new] = times;
        let path = path.replace(&last_month, "…");
        report.row(
            &format!("`GET {path}` after ten years of four check-ins a day, beside one month of them"),
            &format!(
                "p50 {:.1} ms, p99 {:.1} ms, beside {:.1} ms and {:.1} ms",
                median(old.clone()),
                percentile(old, 99.0),
                median(new.clone()),
                percentile(new, 99.0)
            ),
            "",
        );
    }
}
