//! The jobs that run by themselves: a task for each row of `meta.jobs`, and a plain poll of the deadline check beside its
//! timer. None needs another, nor this server: pg_cron runs the same table (R6.1, R9.5).

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::Deserialize;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::app::App;
use crate::db::Caller;
use crate::db::listen::Heard;
use crate::problem::Problem;

/// The deadline check: the one job that runs twice in each server.
const DEADLINES: &str = "tick";
/// How often the poll looks. With the timer and every NOTIFY lost an alert is late by this much.
const POLL: Duration = Duration::from_millis(1500);
/// The shortest sleep: a deadline may lie between the job's look and now.
const SHORTEST_SLEEP: Duration = Duration::from_millis(2);
/// The sleep while a row that is due could not be handled, since another session holds it.
const STUCK_SLEEP: Duration = Duration::from_millis(200);
/// The shortest sleep after a problem: what could not be handled is still due.
const SLEEP_AFTER_PROBLEMS: Duration = Duration::from_secs(1);
/// How long a run may take before it is called late.
const PATIENCE: Duration = Duration::from_secs(8);
/// The same of a job that finds deadlines. A burst is taken in batches of less than a second.
const DEADLINE_PATIENCE: Duration = Duration::from_secs(4);
/// How often the log says where the audit trail stands: an anchor outside of the database.
const ANCHOR_EVERY: Duration = Duration::from_secs(3600);

/// A row of `jobs.list_jobs()`.
#[derive(Debug, Clone, Deserialize)]
pub struct Job {
    /// What `jobs.run` calls it.
    pub name: String,
    /// Milliseconds.
    every_ms: f64,
    /// Whether a NOTIFY wakes it.
    is_woken: bool,
    /// Whether it has database connections that no other job can take.
    pub is_deadline: bool,
    /// Its statement time-out in milliseconds.
    pub time_limit_ms: f64,
}

/// What a run reports.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Report {
    done: i64,
    more: bool,
    problems: Vec<JobProblem>,
    without_contact: Vec<Uuid>,
    reaches_nobody: Vec<Uuid>,
    exhausted: Vec<Uuid>,
    unreached: i64,
    seconds_to_next: Option<f64>,
    place: Option<i64>,
    hash: Option<String>,
}

#[derive(Debug, Deserialize)]
struct JobProblem {
    job: String,
    sqlstate: String,
    row_id: Option<Uuid>,
}

impl Job {
    /// The jobs of this database.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn list(app: &App) -> Result<Vec<Self>, Problem> {
        app.db.read(&Caller::worker(), "jobs.list_jobs()", &[]).await
    }

    /// Whether it is the deadline check.
    #[must_use]
    pub fn is_deadline_check(&self) -> bool {
        self.name == DEADLINES
    }

    /// Runs it, again and again, until the server stops.
    async fn follow(&self, app: &App) {
        let every = Duration::try_from_secs_f64(self.every_ms / 1000.0).unwrap_or(POLL);
        app.watch.expect_job(&self.name, every, if self.is_deadline { DEADLINE_PATIENCE } else { PATIENCE });
        let mut heard = app.ear.subscribe();
        let mut anchored: Option<Instant> = None;
        while !app.stop.is_cancelled() {
            let report = self.run(app).await;
            let sleep = self.sleep(report.as_ref());
            if let Some(report) = report {
                self.log(report, &mut anchored);
            }
            tokio::select! {
                () = pause(&app.stop, sleep) => {}
                () = woken(&mut heard), if self.is_woken && !sleep.is_zero() => {}
            }
        }
    }

    /// Runs it every so often, whatever happens.
    async fn poll(&self, app: &App) {
        while !app.stop.is_cancelled() {
            while let Some(report) = self.run(app).await {
                let more = report.more && report.done > 0;
                self.log(report, &mut None);
                if !more {
                    break;
                }
            }
            pause(&app.stop, POLL).await;
        }
    }

    /// One run. Trouble with the database is logged where it happens.
    async fn run(&self, app: &App) -> Option<Report> {
        let _turn = if self.is_deadline { None } else { app.jobs_at_once.acquire().await.ok() };
        let began = Instant::now();
        let limit = Duration::try_from_secs_f64(self.time_limit_ms / 1000.0).unwrap_or(POLL);
        app.watch.job_begins(&self.name);
        let report: Option<Report> = app.db.run_job(&self.name, self.is_deadline, limit).await.ok();
        app.watch.job_ended(&self.name, report.is_none());
        if self.name == DEADLINES {
            app.watch.ticked(began.elapsed(), report.is_none());
        }
        report
    }

    /// How long until the next run: none where there is more to do now.
    fn sleep(&self, report: Option<&Report>) -> Duration {
        let every = Duration::try_from_secs_f64(self.every_ms / 1000.0).unwrap_or(POLL);
        let Some(report) = report else { return every.min(SLEEP_AFTER_PROBLEMS) };
        if report.more && report.done > 0 {
            return Duration::ZERO;
        }
        let next = report.seconds_to_next.map_or(every, |seconds| {
            Duration::try_from_secs_f64(seconds).unwrap_or(STUCK_SLEEP).clamp(SHORTEST_SLEEP, every)
        });
        if report.problems.is_empty() { next } else { next.max(SLEEP_AFTER_PROBLEMS) }
    }

    fn log(&self, report: Report, anchored: &mut Option<Instant>) {
        if report.done > 0 && self.is_deadline {
            tracing::info!(job.name = self.name, job.rows = report.done, "a job did its work");
        } else if report.done > 0 {
            tracing::debug!(job.name = self.name, job.rows = report.done, "a job did its work");
        }
        for alert in report.without_contact {
            tracing::error!(alert.id = %alert, "an alert reaches nobody: its Member has no Contact");
        }
        for alert in report.reaches_nobody {
            tracing::error!(alert.id = %alert, "an alert reaches nobody: no channel of its Contacts works");
        }
        for alert in report.exhausted {
            tracing::error!(alert.id = %alert, "an alert is exhausted: everybody was told, and nobody has it");
        }
        if report.unreached > 0 {
            tracing::warn!(contacts.unreached = report.unreached, "Contacts are not reached; the others are told");
        }
        for problem in report.problems {
            tracing::error!(
                job.name = problem.job,
                error.sqlstate = problem.sqlstate,
                row.id = problem.row_id.map(tracing::field::display),
                "a job failed"
            );
        }
        if let Some((place, hash)) = report.place.zip(report.hash)
            && anchored.is_none_or(|at| at.elapsed() >= ANCHOR_EVERY)
        {
            tracing::info!(audit.place = place, audit.hash = hash, "the audit trail stands here");
            *anchored = Some(Instant::now());
        }
    }
}

/// Comes when the database says that there is work.
async fn woken(heard: &mut Receiver<Heard>) {
    loop {
        match heard.recv().await {
            Ok(Heard::Work | Heard::Everything) | Err(RecvError::Lagged(_)) => return,
            Ok(Heard::Told(_)) => {}
            Err(RecvError::Closed) => std::future::pending().await,
        }
    }
}

/// Runs a job until the server stops.
pub async fn follow(app: Arc<App>, job: Job) {
    job.follow(&app).await;
}

/// Runs the deadline check every so often, beside its timer and without any NOTIFY.
pub async fn poll_deadlines(app: Arc<App>, job: Job) {
    job.poll(&app).await;
}

/// Waits, but not when the server is to stop.
pub async fn pause(stop: &CancellationToken, time: Duration) {
    tokio::select! {
        () = stop.cancelled() => {}
        () = tokio::time::sleep(time) => {}
    }
}
