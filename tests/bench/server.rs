//! The release binary, in a process of its own; `PRUUF_BIN` names another one, to compare with.

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pruuf::config::Key;
use pruuf::dev::fakes::Fakes;

use crate::{Bench, Report, median};

/// Of every secret.
pub const KEY: Key = [7; 32];

/// `pruuf serve`; its log goes to a file. Killed when dropped.
pub struct Serve {
    child: Child,
    pub url: String,
    /// From the start of the process until it answered that it is ready.
    pub ready_after: Duration,
}

impl Serve {
    /// Starts it on a database, with the fakes as its providers.
    pub async fn start(bench: &Bench, database: &str, fakes: Option<&Fakes>) -> Self {
        Self::start_within(bench, database, fakes, None).await
    }

    /// The same, where the system lets it have so many files open and not one more.
    pub async fn start_within(bench: &Bench, database: &str, fakes: Option<&Fakes>, open_files: Option<u64>) -> Self {
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let url = format!("http://{address}");
        let log = std::fs::File::create(bench.dir.join("server.log")).unwrap();
        let key = STANDARD.encode(KEY);
        let program = std::env::var_os("PRUUF_BIN").unwrap_or(env!("CARGO_BIN_EXE_pruuf").into());
        let mut command = Command::new(if open_files.is_some() { "prlimit".into() } else { program.clone() });
        if let Some(limit) = open_files {
            command.arg(format!("--nofile={limit}:{limit}")).arg(program);
        }
        let path = std::env::var_os("PATH").unwrap_or_default();
        command
            .arg("serve")
            .env_clear()
            .env("PATH", path)
            .env("DATABASE_URL", bench.server_url(database))
            .env("PRUUF_LISTEN", address.to_string())
            .env("PRUUF_PUBLIC_URL", &url)
            // Many requests of few users.
            .env("PRUUF_REQUESTS_PER_MINUTE", u32::MAX.to_string())
            .env("PRUUF_JWT_KEYS", &key)
            .env("PRUUF_PIN_PEPPER", &key)
            .env("PRUUF_DATA_KEYS", &key)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log);
        if let Some(fakes) = fakes {
            let credentials = bench.dir.join("fcm.json");
            std::fs::write(&credentials, fakes.fcm_credentials_json()).unwrap();
            command
                .env("PRUUF_FCM_URL", fakes.fcm_url().as_str())
                .env("PRUUF_FCM_CREDENTIALS", credentials)
                .env("PRUUF_SMTP_URL", fakes.smtp_url())
                .env("PRUUF_EMAIL_FROM", "Pruuf <hello@pruuf.example>")
                .env("PRUUF_TWILIO_URL", fakes.twilio_url().as_str())
                .env("PRUUF_TWILIO_ACCOUNT_SID", "AC00000000000000000000000000000000")
                .env("PRUUF_TWILIO_AUTH_TOKENS", "token")
                .env("PRUUF_TWILIO_FROM", "+15005550006");
        }
        let started = Instant::now();
        let child = command.spawn().unwrap();
        let http = reqwest::Client::new();
        while !http.get(format!("{url}/readyz")).send().await.is_ok_and(|answer| answer.status().is_success()) {
            assert!(started.elapsed() < Duration::from_secs(20), "the server is not ready");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        Self { child, url, ready_after: started.elapsed() }
    }

    /// Resident memory in MB: now, and the most there ever was.
    pub fn memory(&self) -> (f64, f64) {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let of = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
            line.split_whitespace().next().unwrap().parse::<f64>().unwrap() / 1024.0
        };
        (of("VmRSS:"), of("VmHWM:"))
    }

    /// The time that it computed until now, in ms (`man 5 proc`: utime and stime, in hundredths of a second).
    fn computed(&self) -> u64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap();
        let (_, after_name) = stat.rsplit_once(')').unwrap();
        after_name.split_whitespace().skip(11).take(2).map(|ticks| 10 * ticks.parse::<u64>().unwrap()).sum()
    }
}

impl Drop for Serve {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Start to ready, and what an idle server takes.
pub async fn measure_start(bench: &Bench, report: &mut Report) {
    bench.database("bench_start", "bench_template").await;
    let fakes = Fakes::counting().await.unwrap();
    let mut times = Vec::new();
    let mut idle = (0.0, 0);
    for _ in 0..7 {
        let server = Serve::start(bench, "bench_start", Some(&fakes)).await;
        times.push(server.ready_after.as_secs_f64() * 1000.0);
        if times.len() == 7 {
            let before = server.computed();
            tokio::time::sleep(Duration::from_secs(5)).await;
            idle = (server.memory().0, server.computed() - before);
        }
    }
    report.row("start to ready (median of 7)", &format!("{:.0} ms", median(times)), "300 ms");
    report.row("memory of the server, idle for 5 s", &format!("{:.0} MB", idle.0), "25 MB");
    report.row("what the server computes while idle for 5 s", &format!("{} ms", idle.1), "");
}
