//! Two of the three callers of `jobs.tick()`: a timer that sleeps until the next deadline, and a plain poll that knows
//! nothing of it. The third is pg_cron. None needs the others (R6.1, R9.5). And, apart from them, what escalates alerts
//! (R6.3) and the sealer of the audit trail (R9.2).

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::Deserialize;
use tokio::sync::broadcast::error::RecvError;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::app::App;
use crate::db::Caller;
use crate::db::listen::Heard;

/// How often the poll looks. With the timer and every NOTIFY lost an alert is late by this much.
const POLL: Duration = Duration::from_millis(1500);
/// The timer asks anew at least so often: the database wakes it only for deadlines nearer than a minute.
const LONGEST_SLEEP: Duration = Duration::from_secs(30);
/// The shortest sleep: a deadline may lie between the tick's look and now.
const SHORTEST_SLEEP: Duration = Duration::from_millis(2);
/// How long a deadline waits that is past and could not be handled, since somebody else holds its row: it must not spin.
const STUCK_SLEEP: Duration = Duration::from_millis(200);
/// The shortest sleep after a job failed: what it could not handle is still due, and would be tried without a pause.
const SLEEP_AFTER_PROBLEMS: Duration = Duration::from_secs(1);

/// How often accounts are looked for whose time has come: it is a matter of days.
const DELETIONS_POLL: Duration = Duration::from_secs(5);
/// How often is looked whom a miss would no longer reach, when no NOTIFY said so.
const COVERAGE_POLL: Duration = Duration::from_secs(1);
/// How often is looked which positions are to be erased.
const POSITIONS_POLL: Duration = Duration::from_secs(60);
/// How often is looked whose trial or paid period ends.
const ENTITLEMENTS_POLL: Duration = Duration::from_secs(1);
/// How often is looked what is due of breaks: a matter of hours.
const BREAKS_POLL: Duration = Duration::from_secs(5);
/// How often is looked whom to remind of a drill.
const DRILLS_POLL: Duration = Duration::from_secs(3600);
/// How often is looked whom to tell how the week was.
const SUMMARIES_POLL: Duration = Duration::from_secs(600);
/// How often is looked whether Contacts are reached; each alert has its own pace (`rules.check_reach`).
const REACH_POLL: Duration = Duration::from_secs(1);
/// How often the audit trail is sealed: what is younger can be removed without a trace.
const SEAL_EVERY: Duration = Duration::from_millis(1500);
/// How often the log says where the trail stands: an anchor outside of the database.
const ANCHOR_EVERY: Duration = Duration::from_secs(3600);

#[derive(Deserialize)]
struct Ticked {
    missed: i64,
    without_contact: Vec<Uuid>,
    more: bool,
    problems: Vec<TickProblem>,
    seconds_to_next: Option<f64>,
}

#[derive(Deserialize)]
struct TickProblem {
    job: String,
    sqlstate: String,
    obligation_id: Option<Uuid>,
    alert_id: Option<Uuid>,
    user_id: Option<Uuid>,
}

impl TickProblem {
    fn report(self) {
        tracing::error!(
            job.name = self.job,
            error.sqlstate = self.sqlstate,
            obligation.id = self.obligation_id.map(tracing::field::display),
            alert.id = self.alert_id.map(tracing::field::display),
            user.id = self.user_id.map(tracing::field::display),
            "a job failed"
        );
    }
}

#[derive(Deserialize)]
struct Finished {
    erased: i64,
    problems: Vec<TickProblem>,
}

/// Does all that is due, in batches. Gives the time to the next deadline, if one is known.
async fn tick(app: &App) -> Option<Duration> {
    let mut least = Duration::ZERO;
    loop {
        let began = Instant::now();
        let ticked: Option<Ticked> = app.db.write(&Caller::deadline(), "jobs.tick()", &[]).await.ok();
        app.watch.ticked(began.elapsed(), ticked.is_none());
        let ticked = ticked?;
        if ticked.missed > 0 {
            tracing::info!(alerts.raised = ticked.missed, "alerts raised");
        }
        reaches_nobody(ticked.without_contact);
        for problem in ticked.problems {
            least = SLEEP_AFTER_PROBLEMS;
            problem.report();
        }
        if !ticked.more {
            let next =
                ticked.seconds_to_next.map(|seconds| Duration::try_from_secs_f64(seconds).unwrap_or(STUCK_SLEEP));
            return next.map(|next| next.max(least));
        }
    }
}

/// Ticks at each deadline, and whenever the database says that there is work.
pub async fn timer(app: Arc<App>) {
    let mut heard = app.ear.subscribe();
    loop {
        let next = tick(&app).await.unwrap_or(LONGEST_SLEEP).clamp(SHORTEST_SLEEP, LONGEST_SLEEP);
        tokio::select! {
            () = app.stop.cancelled() => return,
            () = tokio::time::sleep(next) => {}
            () = woken(&mut heard) => {}
        }
    }
}

async fn woken(heard: &mut tokio::sync::broadcast::Receiver<Heard>) {
    loop {
        match heard.recv().await {
            Ok(Heard::Work | Heard::Everything) | Err(RecvError::Lagged(_)) => return,
            Ok(Heard::Told(_)) => {}
            Err(RecvError::Closed) => std::future::pending().await,
        }
    }
}

/// Ticks every so often, whatever happens.
pub async fn poll(app: Arc<App>) {
    while !app.stop.is_cancelled() {
        tick(&app).await;
        pause(&app.stop, POLL).await;
    }
}

/// Erases accounts whose time has come (R2.6), every so often. On its own: no deadline waits for it (R9.5).
pub async fn deletions(app: Arc<App>) {
    while !app.stop.is_cancelled() {
        if let Ok(finished) = app.db.write::<Finished>(&Caller::worker(), "jobs.finish_deletions()", &[]).await {
            if finished.erased > 0 {
                tracing::info!(accounts.erased = finished.erased, "accounts erased");
            }
            finished.problems.into_iter().for_each(TickProblem::report);
        }
        pause(&app.stop, DELETIONS_POLL).await;
    }
}

fn reaches_nobody(alerts: Vec<Uuid>) {
    for alert in alerts {
        tracing::error!(alert.id = %alert, "an alert reaches nobody: its Member has no Contact");
    }
}

#[derive(Deserialize)]
struct Escalated {
    count: i64,
    exhausted: Vec<Uuid>,
    without_contact: Vec<Uuid>,
    problems: Vec<TickProblem>,
    more: bool,
}

/// Later rounds of alerts, and the asking of their owners (R6.3, R6.4), in transactions of their own. Any number of
/// servers may: each alert is taken by one.
pub async fn escalate(app: Arc<App>) {
    let mut heard = app.ear.subscribe();
    while !app.stop.is_cancelled() {
        let escalated: Option<Escalated> = app.db.write(&Caller::deadline(), "jobs.escalate()", &[]).await.ok();
        let is_behind = escalated.as_ref().is_some_and(|escalated| escalated.more);
        if let Some(escalated) = escalated {
            if escalated.count > 0 {
                tracing::info!(alerts.stepped = escalated.count, "alerts escalated");
            }
            for alert in escalated.exhausted {
                tracing::error!(alert.id = %alert, "an alert is exhausted: everybody was told, and nobody has it");
            }
            reaches_nobody(escalated.without_contact);
            escalated.problems.into_iter().for_each(TickProblem::report);
        }
        if !is_behind {
            tokio::select! {
                () = pause(&app.stop, POLL) => {}
                () = woken(&mut heard) => {}
            }
        }
    }
}

#[derive(Deserialize)]
struct Reminded {
    more: bool,
}

/// Reminds of drills (R6.11), every so often: it is a matter of months.
pub async fn drill_reminders(app: Arc<App>) {
    while !app.stop.is_cancelled() {
        let reminded: Option<Reminded> = app.db.write(&Caller::worker(), "jobs.send_drill_reminders()", &[]).await.ok();
        if !reminded.is_some_and(|reminded| reminded.more) {
            pause(&app.stop, DRILLS_POLL).await;
        }
    }
}

#[derive(Deserialize)]
struct Summed {
    more: bool,
    problems: Vec<TickProblem>,
}

/// Tells how the week was (R7.2), every so often. On its own: no deadline waits for it (R9.5).
pub async fn weekly_summaries(app: Arc<App>) {
    while !app.stop.is_cancelled() {
        let summed: Option<Summed> = app.db.write(&Caller::worker(), "jobs.send_weekly_summaries()", &[]).await.ok();
        let more = summed.as_ref().is_some_and(|summed| summed.more);
        if let Some(summed) = summed {
            summed.problems.into_iter().for_each(TickProblem::report);
        }
        if !more {
            pause(&app.stop, SUMMARIES_POLL).await;
        }
    }
}

#[derive(Deserialize)]
struct Followed {
    changed: i64,
    more: bool,
    problems: Vec<TickProblem>,
}

/// Looks whom a miss would no longer reach (R6.10) when the database says that something has changed, and every so often.
pub async fn coverage(app: Arc<App>) {
    let mut heard = app.ear.subscribe();
    while !app.stop.is_cancelled() {
        let followed: Option<Followed> = app.db.write(&Caller::worker(), "jobs.follow_coverage()", &[]).await.ok();
        let is_behind = followed.as_ref().is_some_and(|followed| followed.more && followed.problems.is_empty());
        if let Some(followed) = followed {
            if followed.changed > 0 {
                tracing::info!(coverage.changed = followed.changed, "whom a miss would reach has changed");
            }
            followed.problems.into_iter().for_each(TickProblem::report);
        }
        if !is_behind {
            tokio::select! {
                () = pause(&app.stop, COVERAGE_POLL) => {}
                () = woken(&mut heard) => {}
            }
        }
    }
}

#[derive(Deserialize)]
struct Erased {
    more: bool,
}

/// Erases positions (R4.8), every so often. On its own: no deadline waits for it (R9.5).
pub async fn positions(app: Arc<App>) {
    while !app.stop.is_cancelled() {
        let erased: Option<Erased> = app.db.write(&Caller::worker(), "jobs.erase_positions()", &[]).await.ok();
        if !erased.is_some_and(|erased| erased.more) {
            pause(&app.stop, POSITIONS_POLL).await;
        }
    }
}

/// Draws the consequences of trials and paid periods that end (R8.2), every so often. On its own: no alert hangs on money.
pub async fn entitlements(app: Arc<App>) {
    while !app.stop.is_cancelled() {
        let settled: Option<Followed> = app.db.write(&Caller::worker(), "jobs.settle_entitlements()", &[]).await.ok();
        let is_behind = settled.as_ref().is_some_and(|settled| settled.more && settled.problems.is_empty());
        if let Some(settled) = settled {
            if settled.changed > 0 {
                tracing::info!(entitlements.changed = settled.changed, "entitlements have changed");
            }
            settled.problems.into_iter().for_each(TickProblem::report);
        }
        if !is_behind {
            pause(&app.stop, ENTITLEMENTS_POLL).await;
        }
    }
}

/// Enters what breaks have excused and tells of them (R5.1, R5.3), every so often. On its own: whoever is expected again after
/// one does not hang on it.
pub async fn breaks(app: Arc<App>) {
    while !app.stop.is_cancelled() {
        let followed: Option<Followed> = app.db.write(&Caller::worker(), "jobs.follow_breaks()", &[]).await.ok();
        let is_behind = followed.as_ref().is_some_and(|followed| followed.more && followed.problems.is_empty());
        if let Some(followed) = followed {
            if followed.changed > 0 {
                tracing::info!(breaks.followed = followed.changed, "breaks followed");
            }
            followed.problems.into_iter().for_each(TickProblem::report);
        }
        if !is_behind {
            pause(&app.stop, BREAKS_POLL).await;
        }
    }
}

#[derive(Deserialize)]
struct Looked {
    unreached: i64,
    reaches_nobody: Vec<Uuid>,
    problems: Vec<TickProblem>,
    more: bool,
}

/// Finds Contacts whom no channel reaches with an alert and has the others told (R7.3), every so often. On its own: no alert
/// waits for it (R9.5).
pub async fn reach(app: Arc<App>) {
    while !app.stop.is_cancelled() {
        let looked: Option<Looked> = app.db.write(&Caller::worker(), "jobs.tell_unreached()", &[]).await.ok();
        let more = looked.as_ref().is_some_and(|looked| looked.more);
        if let Some(looked) = looked {
            if looked.unreached > 0 {
                tracing::warn!(contacts.unreached = looked.unreached, "Contacts are not reached; the others are told");
            }
            for alert in looked.reaches_nobody {
                tracing::error!(alert.id = %alert, "an alert reaches nobody: no channel of its Contacts works");
            }
            looked.problems.into_iter().for_each(TickProblem::report);
        }
        if !more {
            pause(&app.stop, REACH_POLL).await;
        }
    }
}

#[derive(Deserialize)]
struct Sealed {
    more: bool,
    place: Option<i64>,
    hash: Option<String>,
}

/// Seals the audit trail every so often (R9.2), in transactions of its own. Any number of servers may: one does.
pub async fn seal(app: Arc<App>) {
    let mut anchored: Option<Instant> = None;
    while !app.stop.is_cancelled() {
        let sealed: Option<Sealed> = app.db.write(&Caller::worker(), "jobs.seal_audit()", &[]).await.ok();
        let is_behind = sealed.as_ref().is_some_and(|sealed| sealed.more);
        if let Some((place, hash)) = sealed.and_then(|sealed| sealed.place.zip(sealed.hash))
            && anchored.is_none_or(|at| at.elapsed() >= ANCHOR_EVERY)
        {
            tracing::info!(audit.place = place, audit.hash = hash, "the audit trail stands here");
            anchored = Some(Instant::now());
        }
        if !is_behind {
            pause(&app.stop, SEAL_EVERY).await;
        }
    }
}

/// Waits, but not when the server is to stop.
pub async fn pause(stop: &CancellationToken, time: Duration) {
    tokio::select! {
        () = stop.cancelled() => {}
        () = tokio::time::sleep(time) => {}
    }
}
