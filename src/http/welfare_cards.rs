//! Welfare cards: what Contacts need to get in and to help (rule R1.5).

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use poem::web::Data;
use poem_openapi::param::{Header, Path};
use poem_openapi::payload::Json;
use poem_openapi::{Object, OpenApi};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::alerts::Person;
use super::{Answer, Changed, Section, Tagged};
use crate::app::App;
use crate::auth::caller::SignedIn;
use crate::problem::{Code, Problem};
use crate::vault::WELFARE_CARD_CONTEXT;

/// The operations.
pub struct Api;

/// What a welfare card says. The database keeps it as one ciphertext.
#[derive(Object, Serialize, Deserialize)]
#[oai(skip_serializing_if_is_none)]
pub(super) struct Card {
    /// Where the Member lives.
    #[oai(validator(max_length = 1000))]
    address: Option<String>,
    /// Who has a key, and how to reach them.
    #[oai(validator(max_length = 1000))]
    key_holder: Option<String>,
    /// How to get through the door.
    #[oai(validator(max_length = 1000))]
    door_code: Option<String>,
    /// Whom to call.
    #[oai(validator(max_length = 1000))]
    doctor: Option<String>,
    /// What the Member takes.
    #[oai(validator(max_length = 1000))]
    medicines: Option<String>,
    /// Who else lives there.
    #[oai(validator(max_length = 1000))]
    pets: Option<String>,
    /// What to do before anything else.
    #[oai(validator(max_length = 1000))]
    try_first: Option<String>,
}

#[derive(Object)]
struct NewWelfareCard {
    #[oai(flatten)]
    card: Card,
    /// Whether Contacts see it also while no alert is open.
    #[oai(default)]
    shown_always: bool,
}

/// A look of a Contact at the card.
#[derive(Object, Deserialize)]
struct Look {
    at: DateTime<Utc>,
    by: Person,
}

/// The user's own card.
#[derive(Object)]
pub(super) struct WelfareCard {
    #[oai(flatten)]
    card: Card,
    /// Whether Contacts see it also while no alert is open.
    shown_always: bool,
    changed_at: DateTime<Utc>,
    /// The last twenty looks at it, the newest first.
    looks: Vec<Look>,
}

/// The card of a Member whom the caller watches.
#[derive(Object)]
struct MemberWelfareCard {
    #[oai(flatten)]
    card: Card,
    changed_at: DateTime<Utc>,
}

#[derive(Deserialize)]
pub(super) struct CardRow {
    user_id: Uuid,
    sealed: String,
    shown_always: bool,
    changed_at: DateTime<Utc>,
    #[serde(default)]
    looks: Vec<Look>,
}

/// What a card is sealed with: it opens for no other user.
fn context(user_id: Uuid) -> Vec<u8> {
    [WELFARE_CARD_CONTEXT, user_id.as_bytes()].concat()
}

impl Card {
    fn seal(&self, app: &App, user_id: Uuid) -> Result<Vec<u8>, Problem> {
        let json = serde_json::to_string(self).map_err(|_| Problem::new(Code::Internal))?;
        app.vault.seal(&context(user_id), &json).map_err(|_| Problem::new(Code::Internal))
    }
}

impl CardRow {
    /// What the card says.
    ///
    /// # Errors
    /// `internal` when it cannot be opened.
    pub(super) fn open(&self, app: &App) -> Result<Card, Problem> {
        // PostgreSQL breaks base64 into lines (RFC 2045).
        let sealed = STANDARD.decode(self.sealed.replace('\n', "")).unwrap_or_default();
        let json = app.vault.open(&context(self.user_id), &sealed).map_err(|error| {
            tracing::error!(error = %error, "a welfare card cannot be opened");
            Problem::new(Code::Internal)
        })?;
        // Not the error: it may quote the card.
        serde_json::from_str(&json).map_err(|_| Problem::new(Code::Internal))
    }

    pub(super) fn own(self, app: &App) -> Result<WelfareCard, Problem> {
        let card = self.open(app)?;
        Ok(WelfareCard { card, shown_always: self.shown_always, changed_at: self.changed_at, looks: self.looks })
    }
}

#[OpenApi(tag = "Section::WelfareCards")]
impl Api {
    /// My welfare card, and who has looked at it
    #[oai(path = "/v1/me/welfare-card", method = "get", operation_id = "get_welfare_card")]
    async fn get_welfare_card(
        &self,
        app: Data<&Arc<App>>,
        caller: SignedIn,
        #[oai(name = "If-None-Match")] known: Header<Option<String>>,
    ) -> Result<Tagged<WelfareCard>, Problem> {
        let shape = app.db.read_shape(&caller.0, "api.get_welfare_card()", &[]).await?;
        Tagged::unless_opened(known.0, &shape, |row: CardRow| row.own(&app))
    }

    /// Write my welfare card
    ///
    /// My Contacts see it while an alert is open, or always if I say so. Every look is kept.
    #[oai(path = "/v1/me/welfare-card", method = "put", operation_id = "set_welfare_card")]
    async fn set_welfare_card(
        &self,
        app: Data<&Arc<App>>,
        caller: SignedIn,
        #[oai(name = "If-Match")] if_match: Header<Option<String>>,
        body: Json<NewWelfareCard>,
    ) -> Result<Changed<WelfareCard>, Problem> {
        let sealed = body.card.seal(&app, caller.user_id())?;
        let call = "api.set_welfare_card(sealed => $1, shown_always => $2, if_match => $3)";
        let shape = app.db.write_shape(&caller.0, call, &[&sealed, &body.shown_always, &if_match.0]).await?;
        Changed::to_opened(&shape, |row: CardRow| row.own(&app))
    }

    /// A Member's welfare card
    ///
    /// Shown while an alert of theirs is not over, or always if they say so. They see who looked and when.
    #[oai(path = "/v1/members/:user_id/welfare-card", method = "get", operation_id = "get_member_welfare_card")]
    async fn get_member_welfare_card(
        &self,
        app: Data<&Arc<App>>,
        caller: SignedIn,
        user_id: Path<Uuid>,
    ) -> Answer<MemberWelfareCard> {
        let call = "api.get_member_welfare_card(member_id => $1)";
        let row: CardRow = app.db.write(&caller.0, call, &[&user_id.0]).await?;
        Ok(Json(MemberWelfareCard { card: row.open(&app)?, changed_at: row.changed_at }))
    }
}
