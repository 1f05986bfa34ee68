//! The providers of a lane, in the order in which they are tried. One that fails, stalls, is left alone or is at its rate
//! hands a message on to the next at once (R7.3).

use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::TimeDelta;
use serde::Serialize;
use tokio::sync::Notify;

use super::breaker::{Breaker, Room};
use super::email::Email;
use super::fcm::Fcm;
use super::http::wall_clock;
use super::pace::Pace;
use super::postmark::Postmark;
use super::sendgrid::SendGrid;
use super::sms::Twilio;
use super::voice::Calls;
use super::{Content, Destination, Message, Outcome};
use crate::config::BreakerConfig;
use crate::texts::gsm;

/// R7.3: the next provider starts within 5 seconds. A provider that has another behind it has so long to answer; then
/// nobody knows whether it took the message, and a duplicate is a nuisance where a late alert is not.
const HANDOVER: Duration = Duration::from_secs(4);

/// An outside service that carries messages.
pub enum Service {
    /// Push.
    Fcm(Fcm),
    /// E-mail.
    Postmark(Postmark),
    /// E-mail.
    SendGrid(SendGrid),
    /// E-mail.
    Smtp(Email),
    /// SMS.
    TwilioSms(Arc<Twilio>),
    /// Calls.
    TwilioVoice(Calls),
}

impl Service {
    /// Its name in `data.attempts.provider`, in the log and in `PRUUF_PROVIDER_RATES`.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Fcm(_) => "fcm",
            Self::Postmark(_) => "postmark",
            Self::SendGrid(_) => "sendgrid",
            Self::Smtp(_) => "smtp",
            Self::TwilioSms(_) => "twilio-sms",
            Self::TwilioVoice(_) => "twilio-voice",
        }
    }

    /// Whether it knows us, with nothing sent to anybody.
    ///
    /// # Errors
    /// Why not, in plain words or as a code.
    pub async fn check(&self) -> Result<(), String> {
        match self {
            Self::Fcm(fcm) => fcm.check().await,
            Self::Postmark(postmark) => postmark.check().await,
            Self::SendGrid(sendgrid) => sendgrid.check().await,
            Self::Smtp(email) => email.check().await,
            Self::TwilioSms(twilio) => twilio.check().await,
            Self::TwilioVoice(calls) => calls.check().await,
        }
    }

    async fn send(&self, message: &Message, past: &Past) -> Outcome {
        match (self, &message.to, &message.content) {
            (Self::Fcm(fcm), ..) => fcm.send(message).await,
            (Self::Postmark(postmark), ..) => postmark.send(message).await,
            (Self::SendGrid(sendgrid), ..) => sendgrid.send(message).await,
            (Self::Smtp(email), ..) => email.send(message).await,
            // Twilio has no idempotency: before a message goes out again, ask whether it went out already.
            (Self::TwilioSms(twilio), Destination::Phone(number), Content::Sms(text)) if past.may_have_arrived => {
                match twilio.find_sent(number, &text.text, past.since(), &past.others_message_ids).await {
                    Some(sid) => Outcome::Accepted { provider_message_id: Some(sid) },
                    None => twilio.send(message).await,
                }
            }
            (Self::TwilioSms(twilio), ..) => twilio.send(message).await,
            (Self::TwilioVoice(calls), Destination::Phone(number), Content::Call(_)) if past.may_have_arrived => {
                match calls.find_made(number, past.since(), &past.others_message_ids).await {
                    Some(sid) => Outcome::Accepted { provider_message_id: Some(sid) },
                    None => calls.send(message).await,
                }
            }
            (Self::TwilioVoice(calls), ..) => calls.send(message).await,
        }
    }

    /// How much of its pace a message uses up.
    fn units(&self, message: &Message) -> u32 {
        match (self, &message.content) {
            (Self::TwilioSms(_), Content::Sms(text)) => gsm::segments(&text.text),
            _ => 1,
        }
    }
}

/// What is known of a delivery's earlier attempts.
#[derive(Debug, Default)]
pub struct Past {
    /// Whether one of them may have arrived.
    pub may_have_arrived: bool,
    /// How long ago the delivery was made.
    pub age_seconds: f64,
    /// What the provider calls messages that carried other deliveries to the same place.
    pub others_message_ids: Vec<String>,
}

impl Past {
    /// When the delivery was made by this machine's clock: providers know nothing of a rehearsal's.
    fn since(&self) -> chrono::DateTime<chrono::Utc> {
        let age = TimeDelta::try_milliseconds((self.age_seconds * 1000.0) as i64).unwrap_or(TimeDelta::MAX);
        wall_clock().checked_sub_signed(age).unwrap_or_default()
    }
}

/// A service, and what it can bear.
pub struct Provider {
    service: Service,
    breaker: Breaker,
    pace: Option<Pace>,
}

/// One provider's end of an attempt; the columns of `rules.attempt_results`.
#[derive(Debug, Clone, Serialize)]
pub struct Try {
    provider: &'static str,
    result: &'static str,
    detail: Option<String>,
    took_ms: u64,
    #[serde(skip)]
    outcome: Outcome,
}

/// How an attempt ended, over all its providers.
#[derive(Debug)]
pub struct Sent {
    /// The end of it all.
    pub outcome: Outcome,
    /// Who said so.
    pub provider: Option<&'static str>,
    /// Each provider's end, in order.
    pub tries: Vec<Try>,
}

impl Provider {
    async fn send(&self, message: &Message, past: &Past, handover: Option<Duration>) -> Option<Try> {
        let permit = self.breaker.permit()?;
        if self.pace.as_ref().is_some_and(|pace| !pace.take(self.service.units(message))) {
            return None;
        }
        let started = Instant::now();
        let sending = self.service.send(message, past);
        let outcome = match handover {
            Some(longest) => tokio::time::timeout(longest, sending)
                .await
                .unwrap_or_else(|_| Outcome::Unknown { code: "timeout".to_owned() }),
            None => sending.await,
        };
        permit.end(did_well(&outcome));
        let (result, detail) = outcome.parts();
        let took_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        Some(Try { provider: self.service.name(), result, detail, took_ms, outcome })
    }
}

/// What an outcome says of its provider; none when it only says something of the way behind it.
fn did_well(outcome: &Outcome) -> Option<bool> {
    match outcome {
        Outcome::Accepted { .. } | Outcome::Permanent { .. } => Some(true),
        // Greylisted, full, or a phone that is off: the next one may do better.
        Outcome::Transient { code, .. }
            if matches!(code.as_str(), "smtp:450" | "smtp:452" | "twilio:30003" | "twilio:30005" | "twilio:30008") =>
        {
            None
        }
        Outcome::Transient { .. } | Outcome::Unknown { .. } => Some(false),
    }
}

/// The providers of one lane.
pub struct Providers {
    providers: Vec<Provider>,
    /// Told when one is back.
    pub changed: Arc<Notify>,
}

impl Providers {
    /// In the order in which they are tried. `pace`: what each can bear, by name.
    pub fn new(services: Vec<Service>, breaker: BreakerConfig, pace: impl Fn(&str) -> Option<Pace>) -> Self {
        let changed = Arc::<Notify>::default();
        let provider = |service: Service| Provider {
            breaker: Breaker::new(service.name(), breaker, Arc::clone(&changed)),
            pace: pace(service.name()),
            service,
        };
        Self { providers: services.into_iter().map(provider).collect(), changed }
    }

    /// How many messages they can take now, `most` at most. What they cannot take stays in the database, unleased.
    pub fn room(&self, most: usize) -> usize {
        let room = |provider: &Provider| {
            let limit = match provider.breaker.room() {
                Room::Nothing => return 0,
                Room::One => 1,
                Room::Any => most,
            };
            provider.pace.as_ref().map_or(limit, |pace| pace.room().min(limit))
        };
        self.providers.iter().map(room).fold(0, usize::saturating_add).min(most)
    }

    /// Sends a message by the first one that takes it.
    pub async fn send(&self, message: &Message, past: &Past) -> Sent {
        let mut tries = Vec::new();
        let last = self.providers.len().saturating_sub(1);
        for (place, provider) in self.providers.iter().enumerate() {
            let handover = (place < last).then_some(HANDOVER);
            if let Some(tried) = provider.send(message, past, handover).await {
                let is_over = tried.outcome.is_over();
                tries.push(tried);
                if is_over {
                    break;
                }
            }
        }
        settle(tries)
    }
}

/// What several ends come to: one that is over is the last; else it goes on as long as anybody may yet take it.
fn settle(tries: Vec<Try>) -> Sent {
    let goes_on = |tried: &&Try| !matches!(tried.outcome, Outcome::Permanent { .. });
    let deciding = match tries.last() {
        // All are left alone or have had enough, since this one was claimed: soon again.
        None => {
            let outcome = Outcome::Transient { code: "no-provider".to_owned(), retry_after: None };
            return Sent { outcome, provider: None, tries };
        }
        Some(last) if last.outcome.is_over() => last,
        Some(last) => tries.iter().rev().find(goes_on).unwrap_or(last),
    };
    let mut outcome = deciding.outcome.clone();
    if let Outcome::Transient { retry_after, .. } = &mut outcome {
        // The first one that may be asked again.
        let waits = tries.iter().filter(goes_on).map(|tried| match &tried.outcome {
            Outcome::Transient { retry_after, .. } => retry_after.unwrap_or_default(),
            _ => Duration::ZERO,
        });
        *retry_after = waits.min().filter(|wait| !wait.is_zero());
    }
    Sent { outcome, provider: Some(deciding.provider), tries }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deliver::OffReason;

    fn ended(outcome: Outcome) -> Try {
        let (result, detail) = outcome.parts();
        Try { provider: "fake", result, detail, took_ms: 1, outcome }
    }

    fn transient(code: &str, seconds: Option<u64>) -> Outcome {
        Outcome::Transient { code: code.to_owned(), retry_after: seconds.map(Duration::from_secs) }
    }

    fn permanent(code: &str) -> Outcome {
        Outcome::Permanent { code: code.to_owned(), turns_off: None }
    }

    fn end(outcomes: Vec<Outcome>) -> Outcome {
        settle(outcomes.into_iter().map(ended).collect()).outcome
    }

    /// R7.3: what one provider will not take and another may yet take is not given up.
    #[test]
    fn a_message_is_given_up_when_every_provider_has_refused_it() {
        assert_eq!(end(vec![permanent("a"), permanent("b")]), permanent("b"));
        assert_eq!(end(vec![transient("a", None), permanent("b")]), transient("a", None));
        let off = Outcome::Permanent { code: "a".to_owned(), turns_off: Some(OffReason::Bounced) };
        assert_eq!(end(vec![transient("b", None), off.clone()]), off);
        assert_eq!(end(vec![]), transient("no-provider", None));
    }

    /// R7.3: `Retry-After` is honoured, and nobody waits for the slower of two.
    #[test]
    fn the_first_provider_that_may_be_asked_again_says_when() {
        assert_eq!(end(vec![transient("a", Some(600)), transient("b", Some(30))]), transient("b", Some(30)));
        assert_eq!(end(vec![transient("a", Some(600)), transient("b", None)]), transient("b", None));
        assert_eq!(end(vec![transient("a", Some(600)), permanent("b")]), transient("a", Some(600)));
    }

    #[test]
    fn a_mailbox_that_is_busy_says_nothing_of_its_provider() {
        assert_eq!(did_well(&transient("smtp:450", None)), None);
        assert_eq!(did_well(&transient("smtp:421", None)), Some(false));
        assert_eq!(did_well(&permanent("smtp:550")), Some(true));
    }
}
