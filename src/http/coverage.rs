//! Whether a miss right now would reach anybody (rule R6.10).

use std::sync::Arc;

use chrono::{DateTime, Utc};
use poem::web::Data;
use poem_openapi::param::Header;
use poem_openapi::{Enum, Object, OpenApi};
use serde::Deserialize;
use uuid::Uuid;

use super::{Section, Tagged};
use crate::app::App;
use crate::auth::caller::SignedIn;
use crate::problem::Problem;

/// The operations.
pub struct Api;

/// Why a miss would reach nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum, Deserialize)]
#[oai(rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
enum CoverageGap {
    /// Nobody watches.
    NoContact,
    /// No Contact has paid.
    NoEntitledContact,
    /// No Contact can be reached over two channels.
    TooFewChannels,
}

/// What the Member can do about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum, Deserialize)]
#[oai(rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
enum CoverageAdvice {
    /// Invite somebody.
    InviteContact,
    /// Ask a Contact to pay.
    AskContactToPay,
    /// Ask a Contact to add an address, or to open the app on a phone.
    AskContactForChannel,
}

/// A way to reach somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum, Deserialize)]
#[oai(rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
enum WorkingChannel {
    /// The app on at least one phone.
    Push,
    /// A verified e-mail address that takes messages.
    Email,
    /// A verified number that takes messages: SMS, and calls.
    Phone,
}

/// How a Contact can be reached.
#[derive(Object, Deserialize)]
struct ContactCoverage {
    user_id: Uuid,
    name: String,
    is_entitled: bool,
    /// Those that work.
    channels: Vec<WorkingChannel>,
    /// Over two channels at least.
    is_reachable: bool,
}

/// Whether a miss right now would reach anybody.
#[derive(Object, Deserialize)]
#[oai(skip_serializing_if_is_none)]
struct Coverage {
    is_covered: bool,
    /// Since when it is so; unknown for a moment after it has changed.
    since_at: Option<DateTime<Utc>>,
    reason: Option<CoverageGap>,
    to_do: Option<CoverageAdvice>,
    contacts: Vec<ContactCoverage>,
}

/// Whether a miss of a Member right now would reach anybody.
#[derive(Object, Deserialize)]
#[oai(skip_serializing_if_is_none)]
pub struct MemberCoverage {
    is_covered: bool,
    /// Since when it is so.
    since_at: DateTime<Utc>,
    reason: Option<CoverageGap>,
}

#[OpenApi(tag = "Section::Connections")]
impl Api {
    /// Whether a miss right now would reach anybody
    ///
    /// It does while one entitled Contact at least can be reached over two channels. When that ends, the Member and the remaining
    /// Contacts are told at once.
    #[oai(path = "/v1/me/coverage", method = "get", operation_id = "get_coverage")]
    async fn get_coverage(
        &self,
        app: Data<&Arc<App>>,
        caller: SignedIn,
        #[oai(name = "If-None-Match")] known: Header<Option<String>>,
    ) -> Result<Tagged<Coverage>, Problem> {
        Tagged::unless(known.0, &app.db.read_shape(&caller.0, "api.get_coverage()", &[]).await?)
    }
}
