//! Whether a request comes from the provider that it claims to come from, and what it says (R7.1). No request is believed
//! before its signature or password was right, and nothing of it is read as JSON before that.

use chrono::{DateTime, Utc};
use secrecy::SecretString;
use serde::Serialize;
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::config::Config;
use crate::deliver::{OffReason, Outcome};

pub mod postmark;
pub mod sendgrid;
pub mod stripe;
pub mod twilio;

/// What is needed to know the providers. A provider without its secret is not configured: its requests are answered so
/// that it tries again (503), since the fault is ours.
pub struct Webhooks {
    /// Signs with the account's auth token.
    pub twilio: Option<twilio::Signatures>,
    /// Sends a password of ours.
    pub postmark: Option<postmark::Password>,
    /// Signs with a key of its own.
    pub sendgrid: Option<sendgrid::PublicKey>,
    /// Signs with the secrets of the endpoint.
    pub stripe: Option<stripe::Signatures>,
}

impl Webhooks {
    /// As this configuration wants it.
    #[must_use]
    pub fn new(config: &Config) -> Self {
        let signatures =
            |twilio: &crate::config::Twilio| twilio::Signatures::new(&twilio.auth_tokens, &config.public_url);
        let secrets = &config.webhooks;
        Self {
            twilio: config.twilio.as_ref().map(signatures),
            postmark: secrets
                .postmark_password
                .as_ref()
                .map(|password: &SecretString| postmark::Password::new(password)),
            stripe: config.stripe.as_ref().map(|stripe| stripe::Signatures::new(&stripe.webhook_secrets)),
            sendgrid: secrets.sendgrid_key.clone().map(sendgrid::PublicKey::new),
        }
    }
}

/// What one event means for the delivery that its message carried; in the order in which one outdoes the other
/// (`rules.receipt_rank`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Says {
    /// Nothing that changes anything.
    Nothing,
    /// The provider has it.
    Accepted,
    /// It did not arrive, and may do so another time.
    Transient,
    /// It arrived.
    Delivered,
    /// It did not arrive and never will.
    Permanent,
    /// A person has it.
    Confirmed,
}

/// One event of a provider: the columns of `rules.receipt_rows`. No address and no text is in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Receipt {
    /// The same whenever and however it is told.
    pub event_id: String,
    /// Our delivery, where the provider tells it back.
    pub delivery_id: Option<Uuid>,
    /// The provider's name for the message.
    pub provider_message_id: String,
    /// The provider's word.
    pub event: String,
    /// What it means.
    pub meaning: Says,
    /// Why it failed; a code.
    pub detail: Option<String>,
    /// The address itself is dead.
    pub turns_off: Option<&'static str>,
    /// When, by the provider's clock.
    pub said_at: Option<DateTime<Utc>>,
    /// What is kept of the event.
    pub facts: Value,
}

impl Receipt {
    /// An event that changes nothing yet. `word` is the provider's.
    #[must_use]
    pub fn new(event_id: String, provider_message_id: &str, word: &str) -> Self {
        Self {
            event_id: event_id.chars().take(200).collect(),
            delivery_id: None,
            provider_message_id: provider_message_id.chars().take(200).collect(),
            event: as_code(word),
            meaning: Says::Nothing,
            detail: None,
            turns_off: None,
            said_at: None,
            facts: Value::Null,
        }
    }

    /// It failed as an attempt can fail.
    #[must_use]
    pub fn failed(mut self, outcome: Outcome) -> Self {
        (self.meaning, self.detail, self.turns_off) = match outcome {
            Outcome::Permanent { code, turns_off } => (Says::Permanent, Some(code), turns_off.map(OffReason::as_str)),
            Outcome::Transient { code, .. } | Outcome::Unknown { code } => (Says::Transient, Some(code), None),
            Outcome::Accepted { .. } => (Says::Accepted, None, None),
        };
        self
    }

    /// It did not arrive and never will.
    #[must_use]
    pub fn failed_for_good(self, code: &str, turns_off: Option<OffReason>) -> Self {
        self.failed(Outcome::Permanent { code: as_code(code), turns_off })
    }

    /// It did not arrive this time.
    #[must_use]
    pub fn failed_this_time(self, code: &str) -> Self {
        self.failed(Outcome::Transient { code: as_code(code), retry_after: None })
    }

    /// It means this.
    #[must_use]
    pub fn saying(self, says: Says) -> Self {
        Self { meaning: says, ..self }
    }
}

/// A provider's word as a code: `^[A-Za-z0-9_.:-]{1,80}$`.
fn as_code(word: &str) -> String {
    let is_fit = |c: char| c.is_ascii_alphanumeric() || "_.:-".contains(c);
    let code: String = word.chars().take(80).map(|c| if is_fit(c) { c } else { '-' }).collect();
    if code.is_empty() { "none".to_owned() } else { code }
}

/// Of an event only what is known to hold no address and no text.
fn kept(event: &Value, names: &[&str]) -> Value {
    let is_short = |value: &Value| match value {
        Value::String(text) => text.len() <= 200,
        Value::Array(_) | Value::Object(_) => false,
        _ => true,
    };
    let kept: Map<String, Value> = names
        .iter()
        .filter_map(|name| Some(((*name).to_owned(), event.get(name).filter(|value| is_short(value))?.clone())))
        .collect();
    Value::Object(kept)
}
