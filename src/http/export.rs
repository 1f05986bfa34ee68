//! Everything that is held about the user, to keep (R2.6).

use std::sync::Arc;

use chrono::{DateTime, Utc};
use poem::web::Data;
use poem_openapi::payload::Json;
use poem_openapi::{ApiResponse, Object, OpenApi};
use serde::Deserialize;
use serde_json::Value;

use super::Section;
use super::me::{AddressRow, OwnAddress};
use crate::app::App;
use crate::auth::caller::SignedIn;
use crate::problem::Problem;

/// The operations.
pub struct Api;

#[derive(Deserialize)]
struct ExportRow {
    exported_at: DateTime<Utc>,
    profile: Value,
    addresses: Vec<AddressRow>,
    pin: Value,
    sessions: Vec<Value>,
    devices: Vec<Value>,
    codes: Vec<Value>,
    trail: Vec<Value>,
    schedules: Vec<Value>,
    obligations: Vec<Value>,
    check_ins: Vec<Value>,
    connections: Vec<Value>,
    invitations_sent: Vec<Value>,
    invitations_accepted: Vec<Value>,
    wrong_invitation_codes: Vec<Value>,
    alerts: Vec<Value>,
    alert_actions: Vec<Value>,
    alerts_held: Vec<Value>,
    notifications: Vec<Value>,
}

/// Everything that is held about the user. More may come; what an entry holds is named as in the rest of the API.
#[derive(Object)]
struct Export {
    exported_at: DateTime<Utc>,
    /// Name, language, since when.
    profile: Value,
    /// All of them, also those that are not proved.
    addresses: Vec<OwnAddress>,
    /// When it was changed and how it was tried; never the PIN.
    pin: Value,
    /// Where the user is and was signed in.
    sessions: Vec<Value>,
    /// Without the push tokens.
    devices: Vec<Value>,
    /// When a code went to one of the addresses; never the code.
    codes: Vec<Value>,
    /// What the user did, and what was done about them.
    trail: Vec<Value>,
    /// Every version.
    schedules: Vec<Value>,
    /// Every expected check-in.
    obligations: Vec<Value>,
    /// Every tap, and what it met.
    check_ins: Vec<Value>,
    /// Those that ended too.
    connections: Vec<Value>,
    /// Without the addresses of others.
    invitations_sent: Vec<Value>,
    invitations_accepted: Vec<Value>,
    /// When a wrong invitation code was typed.
    wrong_invitation_codes: Vec<Value>,
    /// Those about the user.
    alerts: Vec<Value>,
    /// What the user did about alerts.
    alert_actions: Vec<Value>,
    /// Alerts of others that the user has or had.
    alerts_held: Vec<Value>,
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
            exported_at: self.exported_at,
            profile: self.profile,
            addresses: self.addresses.into_iter().map(|row| row.open(app)).collect::<Result<_, _>>()?,
            pin: self.pin,
            sessions: self.sessions,
            devices: self.devices,
            codes: self.codes,
            trail: self.trail,
            schedules: self.schedules,
            obligations: self.obligations,
            check_ins: self.check_ins,
            connections: self.connections,
            invitations_sent: self.invitations_sent,
            invitations_accepted: self.invitations_accepted,
            wrong_invitation_codes: self.wrong_invitation_codes,
            alerts: self.alerts,
            alert_actions: self.alert_actions,
            alerts_held: self.alerts_held,
            notifications: self.notifications,
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
