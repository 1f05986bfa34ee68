//! What users choose about messages that are not critical (rule R7.5).

use std::sync::Arc;

use poem::web::Data;
use poem_openapi::param::Header;
use poem_openapi::payload::Json;
use poem_openapi::{Enum, Object, OpenApi};
use serde::Deserialize;

use super::{Changed, Section, Tagged};
use crate::app::App;
use crate::auth::caller::SignedIn;
use crate::problem::Problem;

/// The operations.
pub struct Api;

/// A way to be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum, Deserialize)]
#[oai(rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
enum MessageChannel {
    /// The app.
    Push,
    /// E-mail.
    Email,
    /// A text message.
    Sms,
}

impl MessageChannel {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Push => "push",
            Self::Email => "email",
            Self::Sms => "sms",
        }
    }
}

/// Which channels may be used. Where none of them reaches the user, the others are. Critical messages go over all.
#[derive(Object)]
struct NewMessageChannels {
    /// A late check-in, who has an alert, a connection that was made or ended, a changed PIN: by push, then by e-mail when the push was not
    /// confirmed. All of them when absent.
    #[oai(validator(min_items = 1, max_items = 3))]
    high: Option<Vec<MessageChannel>>,
    /// Reminders, check-ins, digests: by push; without it by SMS, without that by e-mail. The weekly summary by e-mail first.
    /// All of them when absent.
    #[oai(validator(min_items = 1, max_items = 3))]
    normal: Option<Vec<MessageChannel>>,
}

/// Which channels may be used.
#[derive(Object, Deserialize)]
struct MessageChannels {
    high: Vec<MessageChannel>,
    normal: Vec<MessageChannel>,
}

/// When messages wait, but for critical ones, reminders of the user's own check-in, and who has an alert. Hours that end
/// before they begin span midnight.
#[derive(Object, Deserialize)]
struct QuietHours {
    /// A local time of day, `HH:MM`.
    #[oai(validator(pattern = "^([01][0-9]|2[0-3]):[0-5][0-9]$"))]
    from: String,
    /// A local time of day, `HH:MM`.
    #[oai(validator(pattern = "^([01][0-9]|2[0-3]):[0-5][0-9]$"))]
    until: String,
}

/// With which acts a Member says where they are. Their Contacts see it, nobody else, for 24 hours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum, Deserialize)]
#[oai(rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
enum PositionChoice {
    /// With none.
    Never,
    /// With a call for help.
    WithHelp,
    /// With check-ins as well.
    Always,
}

impl PositionChoice {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Never => "never",
            Self::WithHelp => "with_help",
            Self::Always => "always",
        }
    }
}

/// What the user wishes; what is absent is as if nothing had been chosen.
#[derive(Object)]
struct NewPreferences {
    channels: Option<NewMessageChannels>,
    /// None when absent.
    quiet_hours: Option<QuietHours>,
    /// Where these hours are read: an IANA name, like `Pacific/Auckland`. When absent, the zone of the user's schedule.
    time_zone: Option<String>,
    /// Whether to send how the week was of all whom the user watches, and the user's own; by default yes.
    weekly_summary: Option<bool>,
    /// Never when absent. Less than before erases what was said.
    position: Option<PositionChoice>,
}

/// What the user has chosen.
#[derive(Object, Deserialize)]
#[oai(skip_serializing_if_is_none)]
struct Preferences {
    channels: MessageChannels,
    quiet_hours: Option<QuietHours>,
    time_zone: Option<String>,
    weekly_summary: bool,
    position: PositionChoice,
}

#[OpenApi(tag = "Section::Me")]
impl Api {
    /// What I have chosen about messages and my position
    #[oai(path = "/v1/me/preferences", method = "get", operation_id = "get_preferences")]
    async fn get_preferences(
        &self,
        app: Data<&Arc<App>>,
        caller: SignedIn,
        #[oai(name = "If-None-Match")] known: Header<Option<String>>,
    ) -> Result<Tagged<Preferences>, Problem> {
        Tagged::unless(known.0, &app.db.read_shape(&caller.0, "api.get_preferences()", &[]).await?)
    }

    /// Choose channels, quiet hours, the weekly summary, and whether to say where I am
    ///
    /// All of it at once. Critical messages heed none of it: they go at once to every address and device.
    #[oai(path = "/v1/me/preferences", method = "put", operation_id = "set_preferences")]
    async fn set_preferences(
        &self,
        app: Data<&Arc<App>>,
        caller: SignedIn,
        #[oai(name = "If-Match")] if_match: Header<Option<String>>,
        body: Json<NewPreferences>,
    ) -> Result<Changed<Preferences>, Problem> {
        let names = |channels: &Vec<MessageChannel>| -> Vec<&'static str> {
            channels.iter().map(|channel| channel.as_str()).collect()
        };
        let high = body.channels.as_ref().and_then(|channels| channels.high.as_ref().map(names));
        let normal = body.channels.as_ref().and_then(|channels| channels.normal.as_ref().map(names));
        let (from, until) = body.quiet_hours.as_ref().map(|quiet| (&quiet.from, &quiet.until)).unzip();
        let call = "api.set_preferences(high => $1, normal => $2, quiet_from => $3::text::time, quiet_until => $4::text::time, time_zone => $5, weekly_summary => $6, if_match => $7, shares_position => $8)";
        let position = body.position.map(PositionChoice::as_str);
        let params: crate::db::Params<'_> =
            &[&high, &normal, &from, &until, &body.time_zone, &body.weekly_summary, &if_match.0, &position];
        Changed::to(&app.db.write_shape(&caller.0, call, params).await?)
    }
}
