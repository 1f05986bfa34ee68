//! Requests over HTTP beside their floor: pgbench, calling the same function on the same database in turns.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use pruuf::auth::token::Tokens;
use tokio_postgres::Client;
use uuid::Uuid;

use crate::server::{KEY, Serve};
use crate::{Bench, Report, median, percentile, seed};

/// Members whose obligation is open: the first tap of each meets it.
const FRESH: i32 = 20_000;
/// Members who have met today's: their taps are repeats.
const REPEAT: i32 = 10_000;
/// One tap in so many is a fresh Member's.
const ONE_IN: i32 = 5;
/// At the beginning of a floor's run connections are made and plans are cached: it does not count.
const WARM_UP_SECONDS: u64 = 2;

const DATABASE: &str = "bench_load";

/// What a run gave: calls a second, p99 in milliseconds.
#[derive(Clone, Copy)]
struct Run {
    rate: f64,
    p99: f64,
}

/// The statement of `POST /v1/me/check-ins` (src/http/day.rs through `Db::write_once`).
const CHECK_IN: &str = "select coalesce(rules.recall(null, '\\x00'), rules.remember(null, '\\x00', \
    api.record_check_in(device_time => now(), time_zone => 'Pacific/Auckland', note => null, mood => null)))";
const TODAY: &str = "select api.get_today()";
/// As src/db/mod.rs sets it, and what it asks before each call of a user.
const CONTEXT: &str = "select set_config('role', 'pruuf_user', true), set_config('pruuf.user_id', MEMBER, true), \
    set_config('pruuf.request_id', '00000000-0000-4000-8000-000000000000', true), set_config('pruuf.ip', '127.0.0.1', true), \
    set_config('statement_timeout', '5000', true), set_config('pruuf.session_id', SESSION, true);\nselect rules.refuse_ended_session()";
const SESSION: &str = "'00000000-0000-7000-a000-' || lpad(:n::text, 12, '0')";
const MEMBER: &str = "'00000000-0000-7000-8000-' || lpad(:n::text, 12, '0')";

/// Which floor.
#[derive(Clone, Copy, PartialEq)]
enum Floor {
    /// As the server does it: `pruuf_server` takes the role and the claims, in one pipeline.
    Request,
    /// The function alone, as a superuser, for whom row-level security does not exist.
    Plain,
}

fn script(floor: Floor, is_read: bool) -> String {
    let pick = if is_read {
        format!("\\set n random(1, {})\n", FRESH + REPEAT)
    } else {
        format!(
            "\\set i :i + 1\n\\set of_five mod(:i, {ONE_IN})\n\\if :of_five = 0\n\\set n mod(:client_id + :clients * (:i / {ONE_IN}), {FRESH}) + 1\n\
             \\else\n\\set n random({}, {})\n\\endif\n",
            FRESH + 1,
            FRESH + REPEAT
        )
    };
    let call = if is_read { TODAY } else { CHECK_IN };
    match floor {
        Floor::Request => {
            let begin = if is_read { "begin read only" } else { "begin" };
            let context = CONTEXT.replace("MEMBER", MEMBER).replace("SESSION", SESSION);
            format!("{pick}\\startpipeline\n{begin};\n{context};\n{call};\ncommit;\n\\endpipeline\n")
        }
        Floor::Plain => {
            format!("{pick}{call} from (select set_config('pruuf.user_id', {MEMBER}, false) offset 0) as claims;\n")
        }
    }
}

async fn pgbench(bench: &Bench, floor: Floor, is_read: bool, connections: usize) -> Run {
    let script_path = bench.dir.join("floor.sql");
    std::fs::write(&script_path, script(floor, is_read)).unwrap();
    let url = match floor {
        Floor::Request => bench.server_url(DATABASE),
        Floor::Plain => bench.admin_url(DATABASE),
    };
    let seconds = bench.options.seconds + WARM_UP_SECONDS;
    let mut command = Command::new("pgbench");
    command
        .current_dir(&bench.dir)
        .args(["-n", "-M", "prepared", "-j", "1", "-l", "--log-prefix=floor", "-D", "i=0"])
        .args(["-D", &format!("clients={connections}"), "-c", &connections.to_string(), "-T", &seconds.to_string()])
        .arg("-f")
        .arg(&script_path)
        .arg(url);
    let output = output(command).await;
    assert!(output.contains("number of failed transactions: 0 "), "{output}");
    let logs: Vec<PathBuf> = std::fs::read_dir(&bench.dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.file_name().unwrap().to_string_lossy().starts_with("floor."))
        .filter(|path| *path != script_path)
        .collect();
    // client, number, microseconds, script, second and microsecond of its end
    let mut calls: Vec<(f64, f64)> = Vec::new();
    for log in logs {
        for line in std::fs::read_to_string(&log).unwrap().lines() {
            let fields: Vec<f64> = line.split(' ').map(|field| field.parse().unwrap()).collect();
            calls.push((fields[4] + fields[5] / 1e6, fields[2] / 1000.0));
        }
        std::fs::remove_file(log).unwrap();
    }
    let first = calls.iter().map(|call| call.0).fold(f64::MAX, f64::min) + WARM_UP_SECONDS as f64;
    let last = calls.iter().map(|call| call.0).fold(0.0, f64::max);
    let times: Vec<f64> = calls.iter().filter(|call| call.0 >= first).map(|call| call.1).collect();
    Run { rate: times.len() as f64 / (last - first), p99: percentile(times, 99.0) }
}

async fn wrk(bench: &Bench, server: &Serve, is_read: bool, connections: usize, seconds: u64) -> Run {
    let tokens = bench.dir.join("tokens");
    let signer = Tokens::new(&[KEY]).unwrap();
    let lines: Vec<String> = (1..=FRESH + REPEAT)
        .map(|n| {
            let id = |kind: &str| -> Uuid { format!("00000000-0000-7000-{kind}-{n:012}").parse().unwrap() };
            signer.sign(id("8000"), id("a000")).unwrap()
        })
        .collect();
    std::fs::write(&tokens, lines.join("\n")).unwrap();
    let mut command = Command::new("wrk");
    command
        .args([
            "-t",
            "1",
            "-c",
            &connections.to_string(),
            "-d",
            &format!("{seconds}s"),
            "-s",
            "tests/bench/request.lua",
        ])
        .args([server.url.as_str(), "--", if is_read { "read" } else { "check-ins" }])
        .arg(tokens)
        .args([FRESH.to_string(), ONE_IN.to_string()]);
    let output = output(command).await;
    let line = output.lines().find_map(|line| line.strip_prefix("RESULT ")).unwrap_or_else(|| panic!("{output}"));
    let fields: Vec<f64> = line.split(' ').map(|field| field.parse().unwrap()).collect();
    assert!(fields[3] == 0.0, "{output}");
    Run { rate: fields[0] / (fields[1] / 1e6), p99: fields[2] / 1000.0 }
}

async fn output(mut command: Command) -> String {
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Check-ins with 32 and 64 connections, reads with 64, and what the server holds afterwards.
pub async fn measure(bench: &Bench, report: &mut Report, check_ins: bool, reads: bool) {
    let db = bench.database(DATABASE, "bench_template").await;
    seed::members(&db, FRESH + REPEAT).await;
    seed::day(&db, FRESH).await;
    let server = Serve::start(bench, DATABASE, None).await;
    let idle = server.memory().0;
    wrk(bench, &server, false, 64, 3).await;

    let mut runs: BTreeMap<(bool, usize, &str), Vec<Run>> = BTreeMap::new();
    let kinds: Vec<(bool, usize)> = [(false, 32), (false, 64), (true, 64)]
        .into_iter()
        .filter(|kind| if kind.0 { reads } else { check_ins })
        .collect();
    for _ in 0..bench.options.rounds {
        for &(is_read, connections) in &kinds {
            again(&db, is_read).await;
            let http = wrk(bench, &server, is_read, connections, bench.options.seconds).await;
            runs.entry((is_read, connections, "http")).or_default().push(http);
            again(&db, is_read).await;
            let floor = pgbench(bench, Floor::Request, is_read, connections).await;
            runs.entry((is_read, connections, "floor")).or_default().push(floor);
            again(&db, is_read).await;
            let plain = pgbench(bench, Floor::Plain, is_read, connections).await;
            runs.entry((is_read, connections, "plain")).or_default().push(plain);
        }
    }
    for &(is_read, connections) in &kinds {
        let of = |kind| &runs[&(is_read, connections, kind)];
        let ratio =
            |a, b, field: fn(&Run) -> f64| median(of(a).iter().zip(of(b)).map(|(a, b)| field(a) / field(b)).collect());
        let middle = |kind, field: fn(&Run) -> f64| median(of(kind).iter().map(field).collect());
        let name = if is_read { "GET /v1/me/today" } else { "POST /v1/me/check-ins" };
        let name = format!("`{name}`, {connections} connections");
        report.row(
            &name,
            &format!(
                "{:.0}/s, p99 {:.1} ms; floor {:.0}/s, p99 {:.1} ms: **{:.2}** of the floor",
                middle("http", |run| run.rate),
                middle("http", |run| run.p99),
                middle("floor", |run| run.rate),
                middle("floor", |run| run.p99),
                ratio("http", "floor", |run| run.rate)
            ),
            if is_read { "0.75" } else { "0.80" },
        );
        report.row(
            &format!("{name}: p99 against the floor's"),
            &format!("**{:.2}** ×, {:.1} ms", ratio("http", "floor", |run| run.p99), middle("http", |run| run.p99)),
            if is_read { "20 ms" } else { "2 ×" },
        );
        report.row(
            &format!("{name}: what role, claims, transaction and row-level security cost"),
            &format!(
                "plain function {:.0}/s: **{:.0} %**",
                middle("plain", |run| run.rate),
                100.0 * (1.0 - ratio("floor", "plain", |run| run.rate))
            ),
            "15 %",
        );
    }
    let (now, most) = server.memory();
    report.row(
        "memory of the server before and after this load, and its peak",
        &format!("{idle:.0} MB, {now:.0} MB, {most:.0} MB"),
        "25 and 80 MB",
    );
}

async fn again(db: &Client, is_read: bool) {
    if !is_read {
        seed::day(db, FRESH).await;
    }
    // What the run before left to be written should not be this one's burden.
    tokio::time::sleep(Duration::from_millis(500)).await;
}
