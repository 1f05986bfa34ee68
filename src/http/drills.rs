//! Drills: whether an alert would arrive (rule R6.11).

use std::sync::Arc;

use chrono::{DateTime, Utc};
use poem::web::Data;
use poem_openapi::param::{Header, Path};
use poem_openapi::payload::Json;
use poem_openapi::{Enum, Object, OpenApi};
use serde::Deserialize;
use uuid::Uuid;

use super::alerts::Person;
use super::{Answer, Created, Section, once};
use crate::app::App;
use crate::auth::caller::SignedIn;
use crate::problem::Problem;

/// The operations.
pub struct Api;

/// To whom a drill goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum, Deserialize)]
#[oai(rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
enum DrillAudience {
    /// All Contacts of the caller.
    Contacts,
    /// The caller alone.
    Myself,
}

impl DrillAudience {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Contacts => "contacts",
            Self::Myself => "myself",
        }
    }
}

#[derive(Object)]
struct NewDrill {
    /// Without it: the Contacts, if there are any.
    goes_to: Option<DrillAudience>,
}

/// What became of it over one channel to one address or device.
#[derive(Object, Deserialize)]
#[oai(skip_serializing_if_is_none)]
struct DrillDelivery {
    /// `push`, `email`, `sms` or `voice`; more may come.
    channel: String,
    /// `pending`, `sending`, `accepted` (the provider took it), `delivered` (a receipt says so), `confirmed` (a person opened it),
    /// `failed`, `cancelled` or `expired`.
    state: String,
    settled_at: Option<DateTime<Utc>>,
    /// The provider's code.
    failure: Option<String>,
}

/// Somebody to whom it went.
#[derive(Object, Deserialize)]
struct DrillReader {
    #[serde(rename = "id")]
    user_id: Uuid,
    name: String,
    /// They opened it.
    is_confirmed: bool,
    /// None where there is no place at all to tell them.
    channels: Vec<DrillDelivery>,
}

/// A try whether an alert would arrive. It is none.
#[derive(Object, Deserialize)]
struct Drill {
    id: Uuid,
    goes_to: DrillAudience,
    asked_at: DateTime<Utc>,
    asked_by: Person,
    /// All of them for whoever asked; for anybody else themselves.
    readers: Vec<DrillReader>,
}

#[OpenApi(tag = "Section::Alerts")]
impl Api {
    /// Try whether an alert would arrive
    ///
    /// Everybody concerned is told over every channel, as by an alert, that this is a drill. Nothing follows it. Once in ten
    /// minutes.
    #[oai(path = "/v1/drills", method = "post", operation_id = "start_drill")]
    async fn start_drill(
        &self,
        app: Data<&Arc<App>>,
        caller: SignedIn,
        #[oai(name = "Idempotency-Key")] key: Header<Option<String>>,
        body: Json<NewDrill>,
    ) -> Result<Created<Drill>, Problem> {
        let once = once(key.0, "start_drill", &body.0);
        let goes_to = body.goes_to.map(DrillAudience::as_str);
        let drill = app.db.write_once(&caller.0, &once, "api.start_drill(goes_to => $1)", &[&goes_to]).await?;
        Ok(Created::Created(Json(drill)))
    }

    /// A drill, and what arrived
    #[oai(path = "/v1/drills/:drill_id", method = "get", operation_id = "get_drill")]
    async fn get_drill(&self, app: Data<&Arc<App>>, caller: SignedIn, drill_id: Path<Uuid>) -> Answer<Drill> {
        Ok(Json(app.db.read(&caller.0, "api.get_drill(drill_id => $1)", &[&drill_id.0]).await?))
    }
}
