//! Carries deliveries out: claim, send, finish. One outside service a file.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use uuid::Uuid;

pub(crate) use self::http::wall_clock;

pub mod breaker;
pub mod email;
pub mod fcm;
pub mod hooks;
mod http;
pub mod lane;
pub mod pace;
pub mod postmark;
pub mod provider;
pub mod sendgrid;
pub mod sms;
pub mod voice;

/// One delivery, rendered and addressed: what a sender carries to its provider.
#[derive(Debug, Clone)]
pub struct Message {
    /// The delivery (R7.1): stable over all its attempts, so that a duplicate can be recognised.
    pub delivery_id: Uuid,
    /// The notification that the delivery carries; several deliveries share it.
    pub notification_id: Uuid,
    /// A row of `data.notification_kinds`, like `missed`.
    pub kind: String,
    /// Where it goes.
    pub to: Destination,
    /// What it says.
    pub content: Content,
}

/// Where a message goes. Its `Debug` shows the channel only: addresses and tokens never reach a log.
#[derive(Clone, PartialEq, Eq)]
pub enum Destination {
    /// A phone that registered for push.
    Device {
        /// Its FCM registration token.
        token: String,
        /// What it runs.
        platform: Platform,
    },
    /// An e-mail address.
    Email(String),
    /// A phone number as E.164.
    Phone(String),
}

impl fmt::Debug for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Device { .. } => "Device",
            Self::Email(_) => "Email",
            Self::Phone(_) => "Phone",
        })
    }
}

/// What a device runs: the values of `data.devices.platform`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Platform {
    /// `android`
    Android,
    /// `ios`, reached through FCM as well.
    Ios,
}

/// What a message says, by channel. Its `Debug` shows the channel only: bodies never reach a log.
#[derive(Clone, PartialEq, Eq)]
pub enum Content {
    /// For [`fcm::Fcm`].
    Push(Push),
    /// For [`postmark::Postmark`], [`sendgrid::SendGrid`] and [`email::Email`].
    Email(Letter),
    /// For [`sms::Twilio`].
    Sms(Text),
    /// For [`voice::Calls`].
    Call(Call),
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Push(_) => "Push",
            Self::Email(_) => "Email",
            Self::Sms(_) => "Sms",
            Self::Call(_) => "Call",
        })
    }
}

/// A push notification.
#[derive(Clone, PartialEq, Eq)]
pub struct Push {
    /// One line.
    pub title: String,
    /// Some lines; shortened when the whole would not fit FCM's 4096 bytes.
    pub body: String,
    /// What the app reads, like `alert_id`. Names that FCM reserves are left out.
    pub data: BTreeMap<String, String>,
    /// What is shown under the same tag is replaced; without one, the notification's id, so that a
    /// duplicate replaces itself.
    pub tag: Option<String>,
    /// Breaks through quiet modes where the phone allows it, and carries the buttons of its kind.
    pub is_critical: bool,
    /// How long the provider keeps trying to reach a phone that is off; at most 28 days.
    pub ttl: Duration,
}

/// An e-mail.
#[derive(Clone, PartialEq, Eq)]
pub struct Letter {
    /// One line.
    pub subject: String,
    /// The plain text; always there.
    pub text: String,
    /// The same as HTML.
    pub html: String,
}

/// A text message.
#[derive(Clone, PartialEq, Eq)]
pub struct Text {
    /// All of it.
    pub text: String,
    /// After this long a carrier that has not delivered it must not any more; Twilio takes 1 to 36000 s.
    pub ttl: Duration,
}

/// An automated call.
#[derive(Clone, PartialEq, Eq)]
pub struct Call {
    /// What Twilio does when somebody answers, as TwiML; at most [`voice::MAX_TWIML`] characters.
    pub twiml: String,
}

/// How an attempt ended. A `code` matches `^[A-Za-z0-9_.:-]{1,80}$` and never holds an address, a token
/// or a provider's free text: it is stored (`data.attempts.detail`) and logged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The provider took it. That is not yet delivered (R7.1).
    Accepted {
        /// The provider's name for it, for receipts.
        provider_message_id: Option<String>,
    },
    /// It was definitely not taken: try again.
    Transient {
        /// Why.
        code: String,
        /// How long the provider asked us to wait.
        retry_after: Option<Duration>,
    },
    /// Never try this again.
    Permanent {
        /// Why.
        code: String,
        /// Set when the address itself is dead, and not only this message (R7.6).
        turns_off: Option<OffReason>,
    },
    /// Timed out, or the connection broke after the request was sent: perhaps taken. Try again.
    Unknown {
        /// Why.
        code: String,
    },
}

impl Outcome {
    /// A message reached the sender of another channel: a mistake of ours, and never the address's.
    fn wrong_channel() -> Self {
        Self::Permanent { code: "wrong-channel".to_owned(), turns_off: None }
    }

    /// No other provider need be asked: it was taken, or there is nobody at this address.
    const fn is_over(&self) -> bool {
        matches!(self, Self::Accepted { .. } | Self::Permanent { turns_off: Some(_), .. })
    }

    /// As `data.attempts` has it: result and detail.
    fn parts(&self) -> (&'static str, Option<String>) {
        match self {
            Self::Accepted { .. } => ("accepted", None),
            Self::Transient { code, .. } => ("transient", Some(code.clone())),
            Self::Permanent { code, .. } => ("permanent", Some(code.clone())),
            Self::Unknown { code } => ("unknown", Some(code.clone())),
        }
    }
}

/// Why an address is turned off (R7.6, R6.10).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OffReason {
    /// The app was removed or the token replaced.
    Unregistered,
    /// The mailbox does not exist.
    Bounced,
    /// The person called it spam.
    Complained,
    /// It was never an address.
    Invalid,
    /// A landline: no SMS, a call may work.
    Landline,
    /// The person replied STOP.
    Stopped,
}

impl OffReason {
    /// As the database spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unregistered => "unregistered",
            Self::Bounced => "bounced",
            Self::Complained => "complained",
            Self::Invalid => "invalid",
            Self::Landline => "landline",
            Self::Stopped => "stopped",
        }
    }
}
