//! Everything that is held about the user, to keep (R2.6).

use std::sync::Arc;

use chrono::{DateTime, Utc};
use poem::web::Data;
use poem_openapi::payload::Json;
use poem_openapi::{ApiResponse, Object, OpenApi};
use serde::Deserialize;
use serde_json::Value;

use super::Section;
use super::hooks::{Webhook, WebhookRow};
use super::me::{AddressRow, OwnAddress};
use super::positions::{KnownPosition, PositionRow};
use super::welfare_cards::{CardRow, WelfareCard};
use crate::app::App;
use crate::auth::caller::SignedIn;
use crate::problem::Problem;

/// The operations.
pub struct Api;

#[derive(Deserialize)]
struct ExportRow {
    addresses: Vec<AddressRow>,
    welfare_card: Option<CardRow>,
    webhooks: Vec<WebhookRow>,
    positions: Vec<PositionRow>,
    #[serde(flatten)]
    readable: Readable,
}

/// Everything that is held about the user. More may come; what an entry holds is named as in the rest of the API.
#[derive(Object)]
#[oai(skip_serializing_if_is_none)]
struct Export {
    /// All of them, also those that are not proved.
    addresses: Vec<OwnAddress>,
    welfare_card: Option<WelfareCard>,
    /// Without their secrets.
    webhooks: Vec<Webhook>,
    /// Those that are not erased yet.
    positions: Vec<KnownPosition>,
    #[oai(flatten)]
    readable: Readable,
}

/// What the database can read itself.
#[derive(Object, Deserialize)]
struct Readable {
    exported_at: DateTime<Utc>,
    /// Name, language, since when.
    profile: Value,
    /// When it was changed and how it was tried; never the PIN.
    pin: Value,
    /// Where the user is and was signed in.
    sessions: Vec<Value>,
    /// Whether they work for Pruuf.
    staff_roles: Vec<Value>,
    /// Without the push tokens.
    devices: Vec<Value>,
    linked_devices: Vec<Value>,
    /// When a code went to one of the addresses; never the code.
    codes: Vec<Value>,
    /// What the user did, and what was done about them.
    trail: Vec<Value>,
    /// Every version.
    schedules: Vec<Value>,
    /// Those that are over, too.
    breaks: Vec<Value>,
    /// Every expected check-in.
    obligations: Vec<Value>,
    /// Every tap, and what it met.
    check_ins: Vec<Value>,
    /// Those that ended too.
    connections: Vec<Value>,
    /// What the user calls those they watch, and wants to hear of them.
    watch_settings: Vec<Value>,
    /// Those that the user started.
    drills: Vec<Value>,
    /// Whether a miss of theirs would reach anybody, and since when.
    coverage: Value,
    /// Whom the user blocked.
    blocks: Vec<Value>,
    /// Who looked at the user's card, and at whose the user looked.
    welfare_card_looks: Vec<Value>,
    /// Without the addresses of others.
    invitations_sent: Vec<Value>,
    invitations_accepted: Vec<Value>,
    /// When a wrong invitation code was typed.
    wrong_invitation_codes: Vec<Value>,
    /// Those about the user.
    alerts: Vec<Value>,
    /// Every time the user called for help.
    help_requests: Vec<Value>,
    /// How their alerts escalate, where it is not as everybody's.
    escalation: Option<Value>,
    /// What the user did about alerts.
    alert_actions: Vec<Value>,
    attestations: Vec<Value>,
    /// What the user is entitled to and pays for.
    billing: Option<Value>,
    /// Alerts of others that the user has or had.
    alerts_held: Vec<Value>,
    /// What the user chose about messages, where they chose something.
    preferences: Option<Value>,
    /// What the user was told, and how it reached them.
    notifications: Vec<Value>,
}

/// A document to keep.
#[derive(ApiResponse)]
enum Download {
    /// All of it.
    #[oai(status = 200)]
    Whole(Json<Export>, #[oai(header = "Content-Disposition")] String),
}

impl ExportRow {
    fn open(self, app: &App) -> Result<Export, Problem> {
        Ok(Export {
            addresses: self.addresses.into_iter().map(|row| row.open(app)).collect::<Result<_, _>>()?,
            welfare_card: self.welfare_card.map(|row| row.own(app)).transpose()?,
            webhooks: self.webhooks.into_iter().map(|row| row.open(app)).collect::<Result<_, _>>()?,
            positions: self.positions.into_iter().map(|row| row.open(app)).collect::<Result<_, _>>()?,
            readable: self.readable,
        })
    }
}

#[OpenApi(tag = "Section::Me")]
impl Api {
    /// Download everything that is held about me
    #[oai(path = "/v1/me/export", method = "get", operation_id = "export_me")]
    async fn export_me(&self, app: Data<&Arc<App>>, caller: SignedIn) -> Result<Download, Problem> {
        let row: ExportRow = app.db.read(&caller.0, "api.export_me()", &[]).await?;
        Ok(Download::Whole(Json(row.open(&app)?), "attachment; filename=\"pruuf-export.json\"".to_owned()))
    }
}
