//! The watcher is watched (R9.7): what should have happened is compared with what did, and only while nothing is amiss an
//! outside URL is called, so that silence pages a person. And what is measured, for `GET /metrics`.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use metrics::{Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusRecorder};
use serde::{Deserialize, Serialize};
use url::Url;

use crate::app::App;
use crate::db::Caller;
use crate::jobs::pause;

/// The first audit waits for the first ticks, which may have an outage to catch up on.
const FIRST_AUDIT_AFTER: Duration = Duration::from_secs(2);
/// How often the audit runs and the outside is told that all is well.
const AUDIT_EVERY: Duration = Duration::from_secs(60);
/// How soon it runs again when it found something or could not run: what lasted seconds costs one heartbeat at most.
const AUDIT_AGAIN_AFTER: Duration = Duration::from_secs(5);
/// An audit that did not run for so long is a finding itself.
const LONGEST_SILENCE: Duration = Duration::from_secs(180);
/// How long an audit may take before it is called late.
const AUDIT_PATIENCE: Duration = Duration::from_secs(8);
/// How often it is looked whether the jobs of this server fare well.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How long the heartbeat URL may take.
const HEARTBEAT_PATIENCE: Duration = Duration::from_secs(10);
/// How often the database is measured; a scrape asks it nothing.
const MEASURE_EVERY: Duration = Duration::from_secs(15);
/// Buckets of the tick's duration, in seconds: an idle one takes about 5 ms, one with 500 misses about 200.
const TICK_BUCKETS: &[f64] = &[0.005, 0.02, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0];

/// What should have happened and did not: a row of `jobs.audit()`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
pub struct Finding {
    /// What it is; docs/operations.md has them all.
    pub kind: String,
    /// How many.
    pub count: i64,
}

/// What this server knows of how well all is.
pub struct Watch {
    last: Mutex<Audited>,
    jobs: Mutex<BTreeMap<String, Fares>>,
    recorder: PrometheusRecorder,
    heartbeat: Option<(reqwest::Client, Url)>,
}

struct Audited {
    at: Instant,
    findings: Vec<Finding>,
}

/// How a job of this server fares.
#[derive(Debug)]
struct Fares {
    every: Duration,
    patience: Duration,
    begun_at: Option<Instant>,
    succeeded_at: Instant,
    has_failed: bool,
}

impl Fares {
    /// Whether a run lasts too long, or the last success is too long ago: it may wait for a lock, or for the database.
    fn is_late(&self) -> bool {
        self.begun_at.is_some_and(|at| at.elapsed() > self.patience)
            || self.succeeded_at.elapsed() > self.every + self.patience * 4
    }
}

/// It cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum WatchError {
    /// The metrics.
    #[error("no metrics: {0}")]
    Metrics(#[from] BuildError),
    /// The heartbeat's HTTP client.
    #[error("no HTTP client: {0}")]
    Client(#[from] reqwest::Error),
}

impl Watch {
    /// `heartbeat`: the URL to call while all is well, if there is one.
    ///
    /// # Errors
    /// Which part cannot be made.
    pub fn new(heartbeat: Option<Url>) -> Result<Self, WatchError> {
        let recorder = PrometheusBuilder::new()
            .set_buckets_for_metric(Matcher::Full("pruuf_tick_seconds".to_owned()), TICK_BUCKETS)?
            .build_recorder();
        metrics::with_local_recorder(&recorder, describe);
        let client = reqwest::Client::builder().timeout(HEARTBEAT_PATIENCE).build()?;
        Ok(Self {
            last: Mutex::new(Audited { at: Instant::now(), findings: Vec::new() }),
            jobs: Mutex::new(BTreeMap::new()),
            recorder,
            heartbeat: heartbeat.map(|url| (client, url)),
        })
    }

    /// What the last audit found; also that there was none for too long.
    pub fn findings(&self) -> Vec<Finding> {
        let last = self.last();
        let mut findings = last.findings.clone();
        if last.at.elapsed() > LONGEST_SILENCE {
            findings.push(Finding { kind: "audit_silent".to_owned(), count: 1 });
        }
        findings.extend(self.trouble_of_jobs());
        findings
    }

    /// Which jobs of this server fail, or are late. Asks the database nothing.
    fn trouble_of_jobs(&self) -> Vec<Finding> {
        let jobs = self.jobs();
        let finding = |kind: &str, is_so: fn(&Fares) -> bool| {
            let count = jobs.values().filter(|fares| is_so(fares)).count();
            (count > 0).then(|| Finding { kind: kind.to_owned(), count: i64::try_from(count).unwrap_or(i64::MAX) })
        };
        [finding("job_failing", |fares| fares.has_failed), finding("job_late", Fares::is_late)]
            .into_iter()
            .flatten()
            .collect()
    }

    /// From now on this job is expected every so often. `patience`: how long a run may take.
    pub fn expect_job(&self, name: &str, every: Duration, patience: Duration) {
        let fares = Fares { every, patience, begun_at: None, succeeded_at: Instant::now(), has_failed: false };
        self.jobs().insert(name.to_owned(), fares);
    }

    /// A run of this job begins.
    pub fn job_begins(&self, name: &str) {
        if let Some(fares) = self.jobs().get_mut(name) {
            fares.begun_at.get_or_insert_with(Instant::now);
        }
    }

    /// A run of this job has ended.
    pub fn job_ended(&self, name: &str, has_failed: bool) {
        if let Some(fares) = self.jobs().get_mut(name) {
            fares.begun_at = None;
            fares.has_failed = has_failed;
            if !has_failed {
                fares.succeeded_at = Instant::now();
            }
        }
        let result = if has_failed { "failed" } else { "done" };
        self.record(|| counter!("pruuf_job_runs_total", "job" => name.to_owned(), "result" => result).increment(1));
    }

    fn jobs(&self) -> MutexGuard<'_, BTreeMap<String, Fares>> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The metrics as Prometheus reads them (text format 0.0.4). No label has an id.
    pub fn render(&self) -> String {
        let findings = self.findings();
        self.record(|| {
            gauge!("pruuf_audit_findings_total").set(count(findings.iter().map(|finding| finding.count).sum()));
            for (name, fares) in self.jobs().iter() {
                gauge!("pruuf_job_age_seconds", "job" => name.clone()).set(fares.succeeded_at.elapsed().as_secs_f64());
            }
        });
        self.recorder.handle().render()
    }

    /// An attempt of a lane has ended. `result`: as in `data.attempts`.
    pub fn attempted(&self, channel: &'static str, result: &'static str) {
        self.record(|| counter!("pruuf_attempts_total", "channel" => channel, "result" => result).increment(1));
    }

    /// A tick has run, or failed, and took this long.
    pub fn ticked(&self, took: Duration, has_failed: bool) {
        self.record(|| {
            histogram!("pruuf_tick_seconds").record(took.as_secs_f64());
            counter!("pruuf_tick_failures_total").increment(u64::from(has_failed));
        });
    }

    fn record(&self, record: impl FnOnce()) {
        metrics::with_local_recorder(&self.recorder, record);
    }

    fn last(&self) -> MutexGuard<'_, Audited> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps what an audit found, and logs it where it differs from the one before.
    fn found(&self, findings: &[Finding]) {
        let mut last = self.last();
        self.record(|| {
            // Those that are gone are zero from now on: a series that vanishes looks like one that nobody scraped.
            for finding in &last.findings {
                gauge!("pruuf_audit_findings", "kind" => finding.kind.clone()).set(0.0);
            }
            for finding in findings {
                gauge!("pruuf_audit_findings", "kind" => finding.kind.clone()).set(count(finding.count));
            }
        });
        if last.findings.is_empty() != findings.is_empty() && findings.is_empty() {
            tracing::info!("the audit finds nothing any more");
        }
        for finding in findings {
            if !last.findings.iter().any(|known| known.kind == finding.kind) {
                tracing::error!(audit.finding = finding.kind, audit.count = finding.count, "the audit found something");
            }
        }
        *last = Audited { at: Instant::now(), findings: findings.to_vec() };
    }

    /// Tells the outside that all is well. Whatever comes of it, nothing waits for it but the next one.
    async fn beat(&self) {
        let Some((client, url)) = &self.heartbeat else { return };
        let answer = client.get(url.clone()).send().await.and_then(reqwest::Response::error_for_status);
        if let Err(error) = answer {
            // Without the URL: whoever has it can call it.
            tracing::warn!(error = %error.without_url(), "the heartbeat URL was not reached");
        }
    }
}

fn describe() {
    describe_gauge!("pruuf_alerts", "Alerts that are not over, by state");
    describe_gauge!("pruuf_deliveries", "Deliveries that are not settled, by channel and state");
    describe_gauge!("pruuf_queue_age_seconds", Unit::Seconds, "How long the oldest delivery has been due, by channel");
    describe_counter!("pruuf_attempts_total", "Attempts of this server, by channel and result");
    describe_histogram!("pruuf_tick_seconds", Unit::Seconds, "How long jobs.tick() took on this server");
    describe_counter!("pruuf_tick_failures_total", "Ticks of this server that failed as a whole");
    describe_counter!("pruuf_job_runs_total", "Runs of this server's jobs, by result");
    describe_gauge!("pruuf_job_age_seconds", Unit::Seconds, "How long ago a job of this server last succeeded");
    describe_gauge!("pruuf_audit_findings", "What the last audit found, by kind");
    describe_gauge!(
        "pruuf_audit_findings_total",
        "All that the last audit found; also when there was none for too long"
    );
}

fn count(count: i64) -> f64 {
    i32::try_from(count).map_or(f64::from(i32::MAX), f64::from)
}

/// Audits every minute. Each server does, and each calls the heartbeat: none has to be chosen, and one that is cut off from
/// the outside leaves the others to call.
pub async fn audit(app: Arc<App>) {
    pause(&app.stop, FIRST_AUDIT_AFTER).await;
    app.watch.expect_job("audit", AUDIT_EVERY, AUDIT_PATIENCE);
    while !app.stop.is_cancelled() {
        app.watch.job_begins("audit");
        let found: Option<Vec<Finding>> = app.db.rows(&Caller::worker(), "jobs.audit()", &[]).await.ok();
        app.watch.job_ended("audit", found.is_none());
        if let Some(findings) = &found {
            app.watch.found(findings);
        }
        let is_well = found.is_some_and(|findings| findings.is_empty()) && app.watch.trouble_of_jobs().is_empty();
        if is_well {
            tokio::select! {
                () = app.watch.beat() => {}
                () = app.stop.cancelled() => {}
            }
        }
        pause(&app.stop, if is_well { AUDIT_EVERY } else { AUDIT_AGAIN_AFTER }).await;
    }
}

/// Says in the log when jobs of this server begin to fail or to be late, and when that is over.
pub async fn look_after_jobs(app: Arc<App>) {
    let mut known = Vec::new();
    while !app.stop.is_cancelled() {
        let found = app.watch.trouble_of_jobs();
        if found != known {
            for finding in &found {
                tracing::error!(
                    audit.finding = finding.kind,
                    audit.count = finding.count,
                    "jobs of this server are in trouble"
                );
            }
            if found.is_empty() {
                tracing::info!("all jobs of this server run again");
            }
            known = found;
        }
        pause(&app.stop, LOOK_EVERY).await;
    }
}

#[derive(Deserialize)]
struct Measured {
    alerts: Alerts,
    channels: Vec<Waiting>,
}

#[derive(Deserialize)]
struct Alerts {
    open: i64,
    acknowledged: i64,
}

#[derive(Deserialize)]
struct Waiting {
    channel: String,
    pending: i64,
    sending: i64,
    oldest_seconds: f64,
}

/// Measures the database every so often.
pub async fn measure(app: Arc<App>) {
    while !app.stop.is_cancelled() {
        let measured: Option<Measured> = app.db.read(&Caller::worker(), "jobs.measure()", &[]).await.ok();
        if let Some(measured) = &measured {
            app.watch.record(|| show(measured));
        }
        // Without it what is recorded would pile up until somebody scrapes.
        app.watch.recorder.handle().run_upkeep();
        pause(&app.stop, if measured.is_some() { MEASURE_EVERY } else { AUDIT_AGAIN_AFTER }).await;
    }
}

fn show(measured: &Measured) {
    gauge!("pruuf_alerts", "state" => "open").set(count(measured.alerts.open));
    gauge!("pruuf_alerts", "state" => "acknowledged").set(count(measured.alerts.acknowledged));
    for waiting in &measured.channels {
        let channel = &waiting.channel;
        gauge!("pruuf_deliveries", "channel" => channel.clone(), "state" => "pending").set(count(waiting.pending));
        gauge!("pruuf_deliveries", "channel" => channel.clone(), "state" => "sending").set(count(waiting.sending));
        gauge!("pruuf_queue_age_seconds", "channel" => channel.clone()).set(waiting.oldest_seconds);
    }
}
