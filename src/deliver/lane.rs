//! A lane: claims the deliveries of one channel, sends them, and says what became of each (R7.3, R7.4).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;
use uuid::Uuid;

use super::provider::{Past, Providers, Sent, Try};
use super::{Call, Content, Destination, Letter, Message, Outcome, Platform, Push, Text};
use crate::app::App;
use crate::config::VOICE_PATH;
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
/// How soon a result is written again whose delivery another session has locked.
const LOCKED_AGAIN_AFTER: Duration = Duration::from_millis(200);
/// How long a stopping lane waits for what it has in hand; what is cut off then is given back as unknown.
const PATIENCE: Duration = Duration::from_secs(12);
/// How long a push may wait for a phone that is off.
const PUSH_LIFE: Duration = Duration::from_hours(24);
/// Twilio's longest (docs: Messages resource, ValidityPeriod).
const SMS_LIFE: Duration = Duration::from_hours(10);

/// What a lane carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Channel {
    /// Push.
    Push,
    /// E-mail.
    Email,
    /// SMS.
    Sms,
    /// Automated calls.
    Voice,
}

impl Channel {
    /// As the database spells it.
    const fn as_str(self) -> &'static str {
        match self {
            Self::Push => "push",
            Self::Email => "email",
            Self::Sms => "sms",
            Self::Voice => "voice",
        }
    }
}

/// A channel and its providers.
pub struct Lane {
    /// What it carries.
    pub channel: Channel,
    /// Who carries it.
    pub providers: Providers,
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
    /// Sealed: how to reach the Member of an open alert (R6.7).
    phones: Value,
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
    provider: Option<&'static str>,
    provider_message_id: Option<String>,
    retry_after_seconds: Option<f64>,
    turns_off: Option<&'static str>,
    /// Only where there was more than one.
    tries: Option<Vec<Try>>,
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

/// The results are written, but for those of deliveries that another session has locked.
#[derive(Deserialize)]
struct Finished {
    held: Vec<Uuid>,
}

/// A delivery that cannot be made into a message: a key is gone, or a row is not what its channel needs.
struct CannotCompose;

/// Works one lane until the server stops, then finishes what is in hand.
pub async fn work(app: Arc<App>, lane: Arc<Lane>) {
    let (report, results) = unbounded_channel();
    let finisher = tokio::spawn(finish(Arc::clone(&app), results));
    let mut heard = app.ear.subscribe();
    let hand = Hand::default();
    let mut in_hand = JoinSet::new();
    let mut poll = tokio::time::interval(POLL);
    poll.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while !app.stop.is_cancelled() {
        let claimed = claim(&app, &lane, &hand, lane.providers.room(AT_ONCE - in_hand.len())).await;
        let may_be_more = !claimed.is_empty() && in_hand.len() + claimed.len() == AT_ONCE;
        for delivery in claimed {
            let held = hand.take(delivery.id);
            in_hand.spawn(attempt(Arc::clone(&app), Arc::clone(&lane), delivery, held, report.clone()));
        }
        // A full hand is no reason to sleep: what is in it is leased anew by the next claim.
        tokio::select! {
            () = app.stop.cancelled() => {}
            () = room(&mut in_hand), if may_be_more || in_hand.len() == AT_ONCE => {}
            () = woken(&mut heard), if in_hand.len() < AT_ONCE => {}
            () = lane.providers.changed.notified() => {}
            _ = poll.tick() => {}
        }
        while in_hand.try_join_next().is_some() {}
    }
    // Every attempt ends by itself soon: see `cut_off`. Their leases are renewed meanwhile.
    while !in_hand.is_empty() {
        tokio::select! {
            _ = in_hand.join_next() => {}
            _ = poll.tick() => drop(claim(&app, &lane, &hand, 0).await),
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

async fn claim(app: &App, lane: &Lane, hand: &Hand, most: usize) -> Vec<Claimed> {
    let call = "jobs.claim_deliveries(channel => $1, most => $2, lease_seconds => $3, in_hand => $4)";
    let in_hand = hand.to_renew();
    let most = i32::try_from(most).unwrap_or(0);
    // Trouble with the database is logged where it happens; the next look comes soon.
    let rows: Vec<Value> = app
        .db
        .rows(&Caller::worker(), call, &[&lane.channel.as_str(), &most, &LEASE_SECONDS, &in_hand])
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
    lane: Arc<Lane>,
    delivery: Claimed,
    held: Held,
    report: UnboundedSender<(AttemptResult, Held)>,
) {
    let started = Instant::now();
    let given_up =
        |code: &str| Sent { outcome: Outcome::Unknown { code: code.to_owned() }, provider: None, tries: Vec::new() };
    let sent = match compose(&app, lane.channel, &delivery) {
        Ok(message) => {
            let past = Past {
                may_have_arrived: delivery.may_have_arrived,
                age_seconds: delivery.age_seconds,
                others_message_ids: delivery.others_message_ids.unwrap_or_default(),
            };
            tokio::select! {
                sent = lane.providers.send(&message, &past) => sent,
                () = cut_off(&app) => given_up("server-stopped"),
                () = tokio::time::sleep(LONGEST_ATTEMPT) => given_up("timeout"),
            }
        }
        Err(CannotCompose) => {
            tracing::error!(delivery.id = %delivery.id, "a delivery cannot be composed");
            let outcome = Outcome::Transient { code: "cannot-compose".to_owned(), retry_after: None };
            Sent { outcome, provider: None, tries: Vec::new() }
        }
    };
    let (result, detail) = sent.outcome.parts();
    let mut result = AttemptResult {
        id: delivery.id,
        attempt: delivery.attempt,
        result,
        detail,
        took_ms: u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
        provider: sent.provider,
        provider_message_id: None,
        retry_after_seconds: None,
        turns_off: None,
        tries: (sent.tries.len() > 1).then_some(sent.tries),
    };
    match sent.outcome {
        Outcome::Accepted { provider_message_id } => result.provider_message_id = provider_message_id,
        Outcome::Transient { retry_after, .. } => {
            result.retry_after_seconds = retry_after.map(|wait| wait.as_secs_f64());
        }
        Outcome::Permanent { turns_off, .. } => result.turns_off = turns_off.map(super::OffReason::as_str),
        Outcome::Unknown { .. } => {}
    }
    app.watch.attempted(lane.channel.as_str(), result.result);
    if result.result != "accepted" {
        tracing::warn!(
            delivery.id = %delivery.id, delivery.attempt = delivery.attempt, delivery.channel = lane.channel.as_str(), delivery.provider = result.provider,
            delivery.result = result.result, delivery.detail = result.detail, "attempt failed"
        );
    }
    let _ = report.send((result, held));
}

/// Writes results as they come: one at a time while there are few, together while there are many. What another session has
/// locked is written later, beside what comes then.
async fn finish(app: Arc<App>, mut results: UnboundedReceiver<(AttemptResult, Held)>) {
    let mut waiting = Vec::new();
    let mut is_open = true;
    while is_open || !waiting.is_empty() {
        let mut batch = Vec::new();
        let held_back = !waiting.is_empty();
        tokio::select! {
            count = results.recv_many(&mut batch, MOST_RESULTS), if is_open => is_open = count > 0,
            () = tokio::time::sleep(LOCKED_AGAIN_AFTER), if held_back => batch.append(&mut waiting),
        }
        if !batch.is_empty() {
            waiting.append(&mut write_each(&app, batch).await);
        }
    }
}

/// Writes them, together where that succeeds; gives back those that another session has locked.
async fn write_each(app: &App, batch: Vec<(AttemptResult, Held)>) -> Vec<(AttemptResult, Held)> {
    let (results, held): (Vec<_>, Vec<_>) = batch.into_iter().unzip();
    let locked = match write(app, &results).await {
        Ok(locked) => locked,
        Err(_) => {
            // One that cannot be written must not hold up the others (R9.5).
            let mut locked = Vec::new();
            for result in &results {
                match write(app, std::slice::from_ref(result)).await {
                    Ok(mut one) => locked.append(&mut one),
                    Err(code) => {
                        tracing::error!(delivery.id = %result.id, problem.code = code.parts().0, "what became of an attempt cannot be written");
                    }
                }
            }
            locked
        }
    };
    results.into_iter().zip(held).filter(|(result, _)| locked.contains(&result.id)).collect()
}

/// What was sent must be known as sent: without this the lease ends and it goes out again. So it is tried until the
/// database has answered; an error is its refusal. Gives those that another session has locked.
async fn write(app: &App, results: &[AttemptResult]) -> Result<Vec<Uuid>, Code> {
    let json = serde_json::json!(results);
    let mut wait = Duration::from_millis(100);
    let call = "jobs.finish_deliveries(results => $1)";
    loop {
        match app.db.write::<Finished>(&Caller::worker(), call, &[&json]).await {
            Ok(finished) => return Ok(finished.held),
            Err(problem) if problem.code == Code::Unavailable => {
                tokio::time::sleep(wait).await;
                wait = (wait * 2).min(Duration::from_secs(2));
            }
            Err(problem) => return Err(problem.code),
        }
    }
}

fn compose(app: &App, channel: Channel, delivery: &Claimed) -> Result<Message, CannotCompose> {
    let (kind, language) = (delivery.kind.as_str(), delivery.language.as_str());
    let facts = with_secrets(app, delivery)?;
    let life =
        |longest: Duration| delivery.expires_in_seconds.map_or(longest, |left| longest.min(Duration::from_secs(left)));
    let (to, content) = match channel {
        Channel::Push => {
            let token = delivery.push_token.clone().ok_or(CannotCompose)?;
            let platform = if delivery.platform.as_deref() == Some("ios") { Platform::Ios } else { Platform::Android };
            let (title, body) = app.texts.push(kind, language, &facts);
            let link = facts["check_in_link"].as_str().map(|link| ("check_in_link".to_owned(), link.to_owned()));
            let data = [("delivery_id", delivery.id), ("notification_id", delivery.notification_id)]
                .into_iter()
                .map(|(name, id)| (name.to_owned(), id.to_string()))
                .chain([("kind".to_owned(), kind.to_owned())])
                .chain(link)
                .collect();
            let is_critical = delivery.priority == "critical";
            (
                Destination::Device { token, platform },
                Content::Push(Push { title, body, data, tag: None, is_critical, ttl: life(PUSH_LIFE) }),
            )
        }
        Channel::Email => {
            let (subject, text, html) = app.texts.email(kind, language, &facts);
            (Destination::Email(address(app, delivery)?), Content::Email(Letter { subject, text, html }))
        }
        Channel::Sms => {
            let text = app.texts.sms(kind, language, &facts);
            (Destination::Phone(address(app, delivery)?), Content::Sms(Text { text, ttl: life(SMS_LIFE) }))
        }
        Channel::Voice => {
            let action = format!("{}{VOICE_PATH}?delivery={}", app.public_url, delivery.id);
            let twiml = app.texts.call(kind, language, &facts, &action);
            (Destination::Phone(address(app, delivery)?), Content::Call(Call { twiml }))
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

/// The facts, with what the database does not know: where we are, what it keeps sealed, and the code and the links that
/// nobody stores.
fn with_secrets(app: &App, delivery: &Claimed) -> Result<Value, CannotCompose> {
    let mut facts = delivery.facts.clone();
    facts["public_url"] = Value::String(format!("{}/open", app.public_url));
    facts["phones"] = app.vault.open_all(&delivery.phones).into();
    if let Some(purpose) = delivery.link_purpose {
        let token = app.vault.link_token(purpose, delivery.id);
        facts[purpose.fact()] = Value::String(format!("{}/a/{token}", app.public_url));
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
