//! Where a Member was when they checked in or called for help (rule R4.8).

use std::sync::Arc;

use chrono::{DateTime, Utc};
use poem::web::Data;
use poem_openapi::param::Path;
use poem_openapi::payload::Json;
use poem_openapi::{Object, OpenApi};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Answer, Section};
use crate::app::App;
use crate::auth::caller::SignedIn;
use crate::problem::{Code, Problem};
use crate::vault::POSITION_CONTEXT;

/// The operations.
pub struct Api;

/// A position (WGS 84). One that is nowhere on earth is left out: what it comes with counts all the same.
#[derive(Object, Serialize, Deserialize)]
#[oai(skip_serializing_if_is_none)]
pub(super) struct Position {
    /// Degrees north, -90 to 90.
    latitude: f64,
    /// Degrees east, -180 to 180.
    longitude: f64,
    /// Within how many metres it is right, as the device says.
    accuracy_m: Option<f64>,
}

/// A position on its way to the database: under an id of its own, which it opens for.
#[derive(Default)]
pub(super) struct SealedPosition {
    pub(super) id: Option<Uuid>,
    pub(super) sealed: Option<Vec<u8>>,
}

impl Position {
    fn is_on_earth(&self) -> bool {
        (-90.0..=90.0).contains(&self.latitude)
            && (-180.0..=180.0).contains(&self.longitude)
            && self.accuracy_m.is_none_or(|metres| (0.0..=1e7).contains(&metres))
    }

    /// Seals one, if there is one that can be.
    pub(super) fn seal(position: Option<Self>, app: &App) -> SealedPosition {
        let id = Uuid::now_v7();
        let sealed = position.filter(Self::is_on_earth).and_then(|position| {
            let json = serde_json::to_string(&position).ok()?;
            app.vault.seal(&[POSITION_CONTEXT, id.as_bytes()].concat(), &json).ok()
        });
        SealedPosition { id: sealed.is_some().then_some(id), sealed }
    }
}

/// Where somebody was.
#[derive(Object, Serialize)]
#[oai(skip_serializing_if_is_none)]
pub(super) struct KnownPosition {
    #[oai(flatten)]
    #[serde(flatten)]
    position: Position,
    /// When it came.
    at: DateTime<Utc>,
    /// The check-in that it came with.
    check_in_id: Option<Uuid>,
    /// The call for help that it came with.
    help_request_id: Option<Uuid>,
}

/// A position as the database gives it: sealed.
#[derive(Deserialize)]
pub(super) struct PositionRow {
    id: Uuid,
    sealed: String,
    at: DateTime<Utc>,
    check_in_id: Option<Uuid>,
    help_request_id: Option<Uuid>,
}

impl PositionRow {
    /// Opens it.
    ///
    /// # Errors
    /// `internal` when it cannot be opened.
    pub(super) fn open(self, app: &App) -> Result<KnownPosition, Problem> {
        let json = app.vault.open_row(POSITION_CONTEXT, self.id, &self.sealed).map_err(|error| {
            tracing::error!(error = %error, "a position cannot be opened");
            Problem::new(Code::Internal)
        })?;
        // Not the error: it may quote the position.
        let position = serde_json::from_str(&json).map_err(|_| Problem::new(Code::Internal))?;
        let Self { at, check_in_id, help_request_id, .. } = self;
        Ok(KnownPosition { position, at, check_in_id, help_request_id })
    }
}

#[OpenApi(tag = "Section::Day")]
impl Api {
    /// Where a Member was last
    ///
    /// As they said with a check-in or a call for help, if they have chosen to; it is erased after 24 hours.
    #[oai(path = "/v1/members/:user_id/position", method = "get", operation_id = "get_member_position")]
    async fn get_member_position(
        &self,
        app: Data<&Arc<App>>,
        caller: SignedIn,
        user_id: Path<Uuid>,
    ) -> Answer<KnownPosition> {
        let row: PositionRow =
            app.db.read(&caller.0, "api.get_member_position(member_id => $1)", &[&user_id.0]).await?;
        Ok(Json(row.open(&app)?))
    }
}
