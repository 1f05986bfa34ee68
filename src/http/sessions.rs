//! Where the user is signed in, and their PIN (R2.5).

use std::sync::Arc;

use chrono::{DateTime, Utc};
use poem::web::Data;
use poem_openapi::param::{Path, Query};
use poem_openapi::payload::Json;
use poem_openapi::{Object, OpenApi};
use serde::Deserialize;
use uuid::Uuid;

use super::auth::Attempt;
use super::me::Done;
use super::notifications::Count;
use super::{Answer, Gone, PAGE, Section};
use crate::app::App;
use crate::auth::caller::SignedIn;
use crate::problem::{Code, Problem};

/// The operations.
pub struct Api;

/// A device on which the user is signed in.
#[derive(Object, Deserialize)]
#[oai(skip_serializing_if_is_none)]
struct OwnSession {
    id: Uuid,
    /// As the device called itself when it signed in.
    device_name: Option<String>,
    created_at: DateTime<Utc>,
    /// When it last got an access token, which lives for a quarter of an hour.
    last_used_at: DateTime<Utc>,
    /// From which IP address that was.
    last_ip: Option<String>,
    /// Whether it is the one that asks.
    is_current: bool,
}

#[derive(Object, Deserialize)]
#[oai(skip_serializing_if_is_none)]
struct OwnSessionPage {
    items: Vec<OwnSession>,
    next_cursor: Option<Uuid>,
}

#[derive(Object)]
struct PinChange {
    /// The PIN until now.
    current_pin: String,
    /// The new PIN, 4 to 12 digits.
    pin: String,
}

#[OpenApi(tag = "Section::Me")]
impl Api {
    /// List where I am signed in
    #[oai(path = "/v1/me/sessions", method = "get", operation_id = "list_sessions")]
    async fn list_sessions(
        &self,
        app: Data<&Arc<App>>,
        caller: SignedIn,
        cursor: Query<Option<Uuid>>,
        #[oai(validator(minimum(value = "1"), maximum(value = "100")))] limit: Query<Option<i32>>,
    ) -> Answer<OwnSessionPage> {
        let call = "api.list_sessions(cursor => $1, size => $2)";
        Ok(Json(app.db.read(&caller.0, call, &[&cursor.0, &limit.0.unwrap_or(PAGE)]).await?))
    }

    /// Sign out everywhere else
    #[oai(path = "/v1/me/sessions", method = "delete", operation_id = "end_other_sessions")]
    async fn end_other_sessions(&self, app: Data<&Arc<App>>, caller: SignedIn) -> Answer<Count> {
        Ok(Json(app.db.write(&caller.0, "api.end_other_sessions()", &[]).await?))
    }

    /// Sign out a device: this one, or another
    ///
    /// Its tokens are refused from then on.
    #[oai(path = "/v1/me/sessions/:session_id", method = "delete", operation_id = "end_session")]
    async fn end_session(
        &self,
        app: Data<&Arc<App>>,
        caller: SignedIn,
        session_id: Path<Uuid>,
    ) -> Result<Gone, Problem> {
        let _: Done = app.db.write(&caller.0, "api.end_session(session_id => $1)", &[&session_id.0]).await?;
        Ok(Gone::Gone)
    }

    /// Change my PIN
    ///
    /// Every other device is signed out. A wrong current PIN counts as a wrong sign-in does.
    #[oai(path = "/v1/me/pin", method = "put", operation_id = "change_pin")]
    async fn change_pin(&self, app: Data<&Arc<App>>, caller: SignedIn, body: Json<PinChange>) -> Result<Gone, Problem> {
        // A weak one costs no try.
        let pin_hash = app.pins.hash(&body.pin).await?;
        let attempt: Attempt = app.db.write(&caller.0, "api.begin_pin_change()", &[]).await?;
        if !app.pins.verify(&body.current_pin, attempt.pin_hash.as_deref()).await? {
            let problem = Problem::at("/current_pin", Code::PinWrong, "This is not your PIN.");
            return Err(attempt.refused(problem));
        }
        let call = "api.change_pin(proved_hash => $1, pin_hash => $2)";
        let _: Done = app.db.write(&caller.0, call, &[&attempt.pin_hash, &pin_hash]).await?;
        Ok(Gone::Gone)
    }
}
