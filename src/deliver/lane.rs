//! A lane: claims the deliveries of one channel, sends them, and says what became of each (R7.3, R7.4).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;
use uuid::Uuid;

use super::email::Email;
use super::fcm::Fcm;
use super::http::wall_clock;
use super::sms::Twilio;
use super::{Content, Destination, Letter, Message, Outcome, Platform, Push, Text};
use crate::app::App;
use crate::db::Caller;
use crate::db::listen::Heard;
use crate::problem::Code;
use crate::vault::{CodeUse, LinkPurpose, unhex};

/// How often a lane looks without having been woken: a lost NOTIFY and a retry's time cost so much.
const POLL: Duration = Duration::from_secs(1);
/// How many deliveries a lane has in hand at once.
const AT_ONCE: usize = 64;
/// While there is more to do than a hand holds, a claim is for at least so many: one for each would keep the database busy.
const WORTH_A_CLAIM: usize = 24;
/// How long after its last sign of life a server loses what it has in hand to the others: so much a crash may delay an
/// alert. Every claim renews it, and there is one every [`POLL`].
const LEASE_SECONDS: i32 = 8;
/// How long one attempt may take, whatever its sender's own time-outs: nothing is leased for ever.
const LONGEST_ATTEMPT: Duration = Duration::from_secs(75);
/// How many results are written at once.
const MOST_RESULTS: usize = 500;
/// How long a stopping lane waits for what it has in hand; what is cut off then is given back as unknown.
const PATIENCE: Duration = Duration::from_secs(12);
/// How long a push may wait for a phone that is off.
const PUSH_LIFE: Duration = Duration::from_hours(24);
/// Twilio's longest (docs: Messages resource, ValidityPeriod).
const SMS_LIFE: Duration = Duration::from_hours(10);

/// A channel and its provider.
pub enum Sender {
    /// Push.
    Push(Fcm),
    /// E-mail.
    Email(Email),
    /// SMS.
    Sms(Twilio),
}

#[derive(Deserialize)]
struct Claimed {
    id: Uuid,
    notification_id: Uuid,
    kind: String,
    attempt: i16,
    may_have_arrived: bool,
    age_seconds: f64,
    others_message_ids: Option<Vec<String>>,
    expires_in_seconds: Option<u64>,
    language: String,
    priority: String,
    facts: Value,
    link_purpose: Option<LinkPurpose>,
    sealed: Option<String>,
    lookup: Option<String>,
    push_token: Option<String>,
    platform: Option<String>,
}

/// What became of an attempt; the columns of `rules.attempt_results`.
#[derive(Serialize)]
struct AttemptResult {
    id: Uuid,
    attempt: i16,
    result: &'static str,
    detail: Option<String>,
    took_ms: u64,
    provider_message_id: Option<String>,
    retry_after_seconds: Option<f64>,
    turns_off: Option<&'static str>,
}

/// The deliveries that this lane has claimed and of which it has not yet written what became of them.
#[derive(Clone, Default)]
struct Hand(Arc<Mutex<HashMap<Uuid, Instant>>>);

impl Hand {
    fn since(&self) -> MutexGuard<'_, HashMap<Uuid, Instant>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Those whose lease is no longer new: most are done before.
    fn to_renew(&self) -> Vec<Uuid> {
        self.since().iter().filter(|(_, since)| since.elapsed() > POLL).map(|(id, _)| *id).collect()
    }

    fn take(&self, id: Uuid) -> Held {
        self.since().insert(id, Instant::now());
        Held { hand: self.clone(), id }
    }
}

/// Keeps a delivery's lease alive until it is dropped: after its result is written, or when its attempt crashed.
struct Held {
    hand: Hand,
    id: Uuid,
}

impl Drop for Held {
    fn drop(&mut self) {
        self.hand.since().remove(&self.id);
    }
}

/// The results are written.
#[derive(Deserialize)]
struct Finished {}

/// A delivery that cannot be made into a message: a key is gone, or a row is not what its channel needs.
struct CannotCompose;

impl Sender {
    const fn channel(&self) -> &'static str {
        match self {
            Self::Push(_) => "push",
            Self::Email(_) => "email",
            Self::Sms(_) => "sms",
        }
    }

    async fn send(&self, message: &Message, claimed: &Claimed) -> Outcome {
        match (self, &message.to, &message.content) {
            (Self::Push(fcm), ..) => fcm.send(message).await,
            (Self::Email(email), ..) => email.send(message).await,
            // Twilio has no idempotency: before a message goes out again, ask whether it went out already.
            (Self::Sms(twilio), Destination::Phone(number), Content::Sms(text)) if claimed.may_have_arrived => {
                match find_sent(twilio, number, &text.text, claimed).await {
                    Some(sid) => Outcome::Accepted { provider_message_id: Some(sid) },
                    None => twilio.send(message).await,
                }
            }
            (Self::Sms(twilio), ..) => twilio.send(message).await,
        }
    }
}

async fn find_sent(twilio: &Twilio, number: &str, text: &str, claimed: &Claimed) -> Option<String> {
    // By this machine's clock: Twilio knows nothing of a rehearsal's.
    let age = TimeDelta::try_milliseconds((claimed.age_seconds * 1000.0) as i64).unwrap_or(TimeDelta::MAX);
    let since = wall_clock().checked_sub_signed(age).unwrap_or_default();
    twilio.find_sent(number, text, since, claimed.others_message_ids.as_deref().unwrap_or_default()).await
}

/// Works one lane until the server stops, then finishes what is in hand.
pub async fn work(app: Arc<App>, sender: Arc<Sender>) {
    let (report, results) = unbounded_channel();
    let finisher = tokio::spawn(finish(Arc::clone(&app), results));
    let mut heard = app.ear.subscribe();
    let hand = Hand::default();
    let mut in_hand = JoinSet::new();
    let mut poll = tokio::time::interval(POLL);
    poll.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while !app.stop.is_cancelled() {
        let claimed = claim(&app, &sender, &hand, AT_ONCE - in_hand.len()).await;
        let may_be_more = !claimed.is_empty() && in_hand.len() + claimed.len() == AT_ONCE;
        for delivery in claimed {
            let held = hand.take(delivery.id);
            in_hand.spawn(attempt(Arc::clone(&app), Arc::clone(&sender), delivery, held, report.clone()));
        }
        // A full hand is no reason to sleep: what is in it is leased anew by the next claim.
        tokio::select! {
            () = app.stop.cancelled() => {}
            () = room(&mut in_hand), if may_be_more || in_hand.len() == AT_ONCE => {}
            () = woken(&mut heard), if in_hand.len() < AT_ONCE => {}
            _ = poll.tick() => {}
        }
        while in_hand.try_join_next().is_some() {}
    }
    // Every attempt ends by itself soon: see `cut_off`. Their leases are renewed meanwhile.
    while !in_hand.is_empty() {
        tokio::select! {
            _ = in_hand.join_next() => {}
            _ = poll.tick() => drop(claim(&app, &sender, &hand, 0).await),
        }
    }
    drop(report);
    let _ = tokio::time::timeout(PATIENCE, finisher).await;
}

/// Comes when so much of a full hand is free that it is worth a claim. Should senders be slow, the poll claims for less.
async fn room(in_hand: &mut JoinSet<()>) {
    while in_hand.len() > AT_ONCE - WORTH_A_CLAIM && in_hand.join_next().await.is_some() {}
}

/// Comes when a stopping server has waited long enough.
async fn cut_off(app: &App) {
    app.stop.cancelled().await;
    tokio::time::sleep(PATIENCE).await;
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

async fn claim(app: &App, sender: &Sender, hand: &Hand, most: usize) -> Vec<Claimed> {
    let call = "jobs.claim_deliveries(channel => $1, most => $2, lease_seconds => $3, in_hand => $4)";
    let in_hand = hand.to_renew();
    let most = i32::try_from(most).unwrap_or(0);
    // Trouble with the database is logged where it happens; the next look comes soon.
    let rows: Vec<Value> = app
        .db
        .rows(&Caller::worker(), call, &[&sender.channel(), &most, &LEASE_SECONDS, &in_hand])
        .await
        .unwrap_or_default();
    // Each for itself: one that cannot be read must not take the others along (R9.5).
    rows.into_iter()
        .filter_map(|row| {
            let id = row["id"].as_str().unwrap_or_default().to_owned();
            serde_json::from_value(row)
                .inspect_err(|error| {
                    tracing::error!(delivery.id = id, error.column = error.column(), "a delivery cannot be read");
                })
                .ok()
        })
        .collect()
}

async fn attempt(
    app: Arc<App>,
    sender: Arc<Sender>,
    delivery: Claimed,
    held: Held,
    report: UnboundedSender<(AttemptResult, Held)>,
) {
    let started = Instant::now();
    let outcome = match compose(&app, &sender, &delivery) {
        Ok(message) => tokio::select! {
            outcome = sender.send(&message, &delivery) => outcome,
            () = cut_off(&app) => Outcome::Unknown { code: "server-stopped".to_owned() },
            () = tokio::time::sleep(LONGEST_ATTEMPT) => Outcome::Unknown { code: "timeout".to_owned() },
        },
        Err(CannotCompose) => {
            tracing::error!(delivery.id = %delivery.id, "a delivery cannot be composed");
            Outcome::Transient { code: "cannot-compose".to_owned(), retry_after: None }
        }
    };
    let mut result = AttemptResult {
        id: delivery.id,
        attempt: delivery.attempt,
        result: "accepted",
        detail: None,
        took_ms: u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
        provider_message_id: None,
        retry_after_seconds: None,
        turns_off: None,
    };
    match outcome {
        Outcome::Accepted { provider_message_id } => result.provider_message_id = provider_message_id,
        Outcome::Transient { code, retry_after } => {
            (result.result, result.detail) = ("transient", Some(code));
            result.retry_after_seconds = retry_after.map(|wait| wait.as_secs_f64());
        }
        Outcome::Permanent { code, turns_off } => {
            (result.result, result.detail) = ("permanent", Some(code));
            result.turns_off = turns_off.map(super::OffReason::as_str);
        }
        Outcome::Unknown { code } => (result.result, result.detail) = ("unknown", Some(code)),
    }
    app.watch.attempted(sender.channel(), result.result);
    if result.result != "accepted" {
        tracing::warn!(
            delivery.id = %delivery.id, delivery.attempt = delivery.attempt, delivery.channel = sender.channel(),
            delivery.result = result.result, delivery.detail = result.detail, "attempt failed"
        );
    }
    let _ = report.send((result, held));
}

/// Writes results as they come: one at a time while there are few, together while there are many.
async fn finish(app: Arc<App>, mut results: UnboundedReceiver<(AttemptResult, Held)>) {
    let mut batch = Vec::new();
    while results.recv_many(&mut batch, MOST_RESULTS).await > 0 {
        let (written, held): (Vec<_>, Vec<_>) = batch.drain(..).unzip();
        if write(&app, &written).await.is_err() {
            // One that cannot be written must not hold up the others (R9.5).
            for result in &written {
                if let Err(code) = write(&app, std::slice::from_ref(result)).await {
                    tracing::error!(delivery.id = %result.id, problem.code = code.parts().0, "what became of an attempt cannot be written");
                }
            }
        }
        drop(held);
    }
}

/// What was sent must be known as sent: without this the lease ends and it goes out again. So it is tried until the
/// database has answered; an error is its refusal.
async fn write(app: &App, results: &[AttemptResult]) -> Result<(), Code> {
    let json = serde_json::json!(results);
    let mut wait = Duration::from_millis(100);
    let call = "jobs.finish_deliveries(results => $1)";
    loop {
        match app.db.write::<Finished>(&Caller::worker(), call, &[&json]).await {
            Ok(_) => return Ok(()),
            Err(problem) if problem.code == Code::Unavailable => {
                tokio::time::sleep(wait).await;
                wait = (wait * 2).min(Duration::from_secs(2));
            }
            Err(problem) => return Err(problem.code),
        }
    }
}

fn compose(app: &App, sender: &Sender, delivery: &Claimed) -> Result<Message, CannotCompose> {
    let (kind, language) = (delivery.kind.as_str(), delivery.language.as_str());
    let facts = with_secrets(app, delivery)?;
    let life =
        |longest: Duration| delivery.expires_in_seconds.map_or(longest, |left| longest.min(Duration::from_secs(left)));
    let (to, content) = match sender {
        Sender::Push(_) => {
            let token = delivery.push_token.clone().ok_or(CannotCompose)?;
            let platform = if delivery.platform.as_deref() == Some("ios") { Platform::Ios } else { Platform::Android };
            let (title, body) = app.texts.push(kind, language, &facts);
            let data = [("delivery_id", delivery.id), ("notification_id", delivery.notification_id)]
                .into_iter()
                .map(|(name, id)| (name.to_owned(), id.to_string()))
                .chain([("kind".to_owned(), kind.to_owned())])
                .collect();
            let is_critical = delivery.priority == "critical";
            (
                Destination::Device { token, platform },
                Content::Push(Push { title, body, data, tag: None, is_critical, ttl: life(PUSH_LIFE) }),
            )
        }
        Sender::Email(_) => {
            let (subject, text, html) = app.texts.email(kind, language, &facts);
            (Destination::Email(address(app, delivery)?), Content::Email(Letter { subject, text, html }))
        }
        Sender::Sms(_) => {
            let text = app.texts.sms(kind, language, &facts);
            (Destination::Phone(address(app, delivery)?), Content::Sms(Text { text, ttl: life(SMS_LIFE) }))
        }
    };
    Ok(Message {
        delivery_id: delivery.id,
        notification_id: delivery.notification_id,
        kind: delivery.kind.clone(),
        to,
        content,
    })
}

fn address(app: &App, delivery: &Claimed) -> Result<String, CannotCompose> {
    let bytes = |text: &Option<String>| {
        STANDARD.decode(text.as_deref().unwrap_or_default().replace('\n', "")).map_err(|_| CannotCompose)
    };
    app.vault.open(&bytes(&delivery.lookup)?, &bytes(&delivery.sealed)?).map_err(|_| CannotCompose)
}

/// The facts, with what the database does not know: where we are, and the code and the links that nobody stores.
fn with_secrets(app: &App, delivery: &Claimed) -> Result<Value, CannotCompose> {
    let mut facts = delivery.facts.clone();
    facts["public_url"] = Value::String(format!("{}/open", app.public_url));
    if let Some(purpose) = delivery.link_purpose {
        let token = app.vault.link_token(purpose, delivery.id);
        facts["alert_link"] = Value::String(format!("{}/a/{token}", app.public_url));
    }
    let (Some(id), Some(hash)) = (facts["code_id"].as_str(), facts["code_hash"].as_str()) else {
        return Ok(facts);
    };
    let usage = if delivery.kind == "invitation" { CodeUse::Invitation } else { CodeUse::OneTime };
    let id = id.parse().map_err(|_| CannotCompose)?;
    let code = app.vault.code(usage, id, &unhex(hash)).map_err(|_| CannotCompose)?;
    facts["code"] = Value::String(code);
    if let Some(hash) = facts["token_hash"].as_str() {
        let token = app.vault.invitation_token(id, &unhex(hash)).map_err(|_| CannotCompose)?;
        facts["link"] = Value::String(format!("{}/i/{token}", app.public_url));
    }
    Ok(facts)
}
