//! A lane: claims the deliveries of one channel, sends them, and says what became of each (R7.3, R7.4).

use std::sync::Arc;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinSet;
use uuid::Uuid;

use super::email::Email;
use super::fcm::Fcm;
use super::sms::Twilio;
use super::{Content, Destination, Letter, Message, Outcome, Platform, Push, Text};
use crate::app::App;
use crate::db::Caller;
use crate::db::listen::Heard;
use crate::vault::CodeUse;

/// How often a lane looks without having been woken: a lost NOTIFY and a retry's time cost so much.
const POLL: Duration = Duration::from_secs(1);
/// How many deliveries a lane has in hand at once.
const AT_ONCE: usize = 64;
/// How long a sender may take beyond its own time-outs before its deliveries are another's: longer than any of them.
const LEASE_SECONDS: i32 = 45;
/// How many results are written at once.
const MOST_RESULTS: usize = 500;
/// How long a stopping lane waits for what it has in hand; what is cut off then comes again when its lease is over.
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
    created_at: DateTime<Utc>,
    expires_in_seconds: Option<u64>,
    language: String,
    priority: String,
    facts: Value,
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
            (Self::Sms(twilio), Destination::Phone(number), Content::Sms(text))
                if claimed.may_have_arrived && twilio.was_sent(number, &text.text, claimed.created_at).await =>
            {
                Outcome::Accepted { provider_message_id: None }
            }
            (Self::Sms(twilio), ..) => twilio.send(message).await,
        }
    }
}

/// Works one lane until the server stops, then finishes what is in hand.
pub async fn work(app: Arc<App>, sender: Arc<Sender>) {
    let (report, results) = unbounded_channel();
    let finisher = tokio::spawn(finish(Arc::clone(&app), results));
    let mut heard = app.ear.subscribe();
    let mut in_hand = JoinSet::new();
    loop {
        let claimed = claim(&app, &sender, AT_ONCE - in_hand.len()).await;
        let may_be_more = !claimed.is_empty() && in_hand.len() + claimed.len() == AT_ONCE;
        for delivery in claimed {
            in_hand.spawn(attempt(Arc::clone(&app), Arc::clone(&sender), delivery, report.clone()));
        }
        tokio::select! {
            () = app.stop.cancelled() => break,
            Some(_) = in_hand.join_next(), if may_be_more => { while in_hand.try_join_next().is_some() {} }
            () = woken(&mut heard) => {}
            () = tokio::time::sleep(POLL) => {}
        }
        while in_hand.try_join_next().is_some() {}
        if in_hand.len() == AT_ONCE {
            in_hand.join_next().await;
        }
    }
    let _ = tokio::time::timeout(PATIENCE, async { while in_hand.join_next().await.is_some() {} }).await;
    in_hand.shutdown().await;
    drop(report);
    let _ = tokio::time::timeout(PATIENCE, finisher).await;
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

async fn claim(app: &App, sender: &Sender, most: usize) -> Vec<Claimed> {
    let call = "jobs.claim_deliveries(channel => $1, most => $2, lease_seconds => $3)";
    let most = i32::try_from(most).unwrap_or(0);
    // Trouble with the database is logged where it happens; the next look comes soon.
    app.db.rows(&Caller::worker(), call, &[&sender.channel(), &most, &LEASE_SECONDS]).await.unwrap_or_default()
}

async fn attempt(app: Arc<App>, sender: Arc<Sender>, delivery: Claimed, report: UnboundedSender<AttemptResult>) {
    let started = Instant::now();
    let outcome = match compose(&app, &sender, &delivery) {
        Ok(message) => sender.send(&message, &delivery).await,
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
    if result.result != "accepted" {
        tracing::warn!(
            delivery.id = %delivery.id, delivery.attempt = delivery.attempt, delivery.channel = sender.channel(),
            delivery.result = result.result, delivery.detail = result.detail, "attempt failed"
        );
    }
    let _ = report.send(result);
}

/// Writes results as they come: one at a time while there are few, together while there are many.
async fn finish(app: Arc<App>, mut results: UnboundedReceiver<AttemptResult>) {
    let mut batch = Vec::new();
    while results.recv_many(&mut batch, MOST_RESULTS).await > 0 {
        let json = serde_json::json!(batch);
        let mut wait = Duration::from_millis(100);
        // What was sent must be known as sent: without this the lease ends and it goes out again.
        let call = "jobs.finish_deliveries(results => $1)";
        while app.db.write::<Finished>(&Caller::worker(), call, &[&json]).await.is_err() {
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(Duration::from_secs(2));
        }
        batch.clear();
    }
}

fn compose(app: &App, sender: &Sender, delivery: &Claimed) -> Result<Message, CannotCompose> {
    let (kind, language) = (delivery.kind.as_str(), delivery.language.as_str());
    let facts = with_code(app, delivery)?;
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

/// The facts, with the code that nobody stores.
fn with_code(app: &App, delivery: &Claimed) -> Result<Value, CannotCompose> {
    let mut facts = delivery.facts.clone();
    let (Some(id), Some(hash)) = (facts["code_id"].as_str(), facts["code_hash"].as_str()) else {
        return Ok(facts);
    };
    let usage = if delivery.kind == "invitation" { CodeUse::Invitation } else { CodeUse::OneTime };
    let id = id.parse().map_err(|_| CannotCompose)?;
    let code = app.vault.code(usage, id, &unhex(hash)).map_err(|_| CannotCompose)?;
    facts["code"] = Value::String(code);
    Ok(facts)
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len() / 2).filter_map(|byte| u8::from_str_radix(&text[2 * byte..2 * byte + 2], 16).ok()).collect()
}
