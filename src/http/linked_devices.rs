//! Things that check in for their Member: a button, a watch, a speaker (R4.8). Each has a token of its own, which is good for
//! that alone.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use poem::web::Data;
use poem_openapi::param::{Header, Path};
use poem_openapi::payload::Json;
use poem_openapi::{Enum, Object, OpenApi};
use serde::Deserialize;
use uuid::Uuid;

use super::day::Obligation;
use super::me::Done;
use super::{Answer, Created, Gone, Section, once};
use crate::app::App;
use crate::auth::caller::{SignedIn, Visitor};
use crate::db::{Caller, Role};
use crate::problem::{Code, Problem};
use crate::vault::{LINKED_DEVICE_CONTEXT, new_token, token_hash};

/// The operations.
pub struct Api;

/// Something that checks in.
#[derive(Object, Deserialize)]
struct LinkedDevice {
    id: Uuid,
    name: String,
    linked_at: DateTime<Utc>,
}

#[derive(Object, Deserialize)]
struct LinkedDeviceList {
    items: Vec<LinkedDevice>,
}

#[derive(Object)]
struct NewLinkedDevice {
    /// What its owner calls it, 1 to 100 characters.
    name: String,
}

/// A new one.
#[derive(Object)]
struct LinkedDeviceAdded {
    id: Uuid,
    name: String,
    linked_at: DateTime<Utc>,
    /// What the device sends with each press. It is not shown again.
    token: String,
}

#[derive(Object)]
struct DevicePress {
    /// The device's token.
    token: String,
}

/// What a press came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum, Deserialize)]
#[oai(rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
enum PressAnswer {
    /// It met what was awaited, or ended an alert.
    CheckedIn,
    /// It is kept; nothing was awaited.
    NotAwaited,
}

/// What a press came to, and what is expected next.
#[derive(Object, Deserialize)]
#[oai(skip_serializing_if_is_none)]
struct DeviceCheckIn {
    answer: PressAnswer,
    next: Option<Obligation>,
}

/// A new one as the database gives it: sealed. Of the row, not of the request: a retry of it gets the token that was made first.
#[derive(Deserialize)]
struct LinkedDeviceRow {
    id: Uuid,
    name: String,
    linked_at: DateTime<Utc>,
    sealed_token: String,
}

/// The device that a token is of.
#[derive(Deserialize)]
struct Found {
    linked_device_id: Uuid,
    user_id: Uuid,
}

#[OpenApi(tag = "Section::Day")]
impl Api {
    /// List what checks in for me
    #[oai(path = "/v1/me/linked-devices", method = "get", operation_id = "list_linked_devices")]
    async fn list_linked_devices(&self, app: Data<&Arc<App>>, caller: SignedIn) -> Answer<LinkedDeviceList> {
        Ok(Json(app.db.read(&caller.0, "api.list_linked_devices()", &[]).await?))
    }

    /// Link a device
    ///
    /// A button, a watch, a speaker. Its token can say "I'm OK" and nothing else.
    #[oai(path = "/v1/me/linked-devices", method = "post", operation_id = "link_device")]
    async fn link_device(
        &self,
        app: Data<&Arc<App>>,
        caller: SignedIn,
        #[oai(name = "Idempotency-Key")] key: Header<Option<String>>,
        body: Json<NewLinkedDevice>,
    ) -> Result<Created<LinkedDeviceAdded>, Problem> {
        let once = once(key.0, "link_device", &body.0);
        let (id, token) = (Uuid::now_v7(), new_token());
        let sealed = app
            .vault
            .seal(&[LINKED_DEVICE_CONTEXT, id.as_bytes()].concat(), &token)
            .map_err(|_| Problem::new(Code::Internal))?;
        let call = "api.link_device(linked_device_id => $1, name => $2, token_hash => $3, sealed_token => $4)";
        let params: crate::db::Params<'_> = &[&id, &body.name, &token_hash(&token), &sealed];
        let LinkedDeviceRow { id, name, linked_at, sealed_token } =
            app.db.write_once(&caller.0, &once, call, params).await?;
        let token =
            app.vault.open_row(LINKED_DEVICE_CONTEXT, id, &sealed_token).map_err(|_| Problem::new(Code::Internal))?;
        Ok(Created::Created(Json(LinkedDeviceAdded { id, name, linked_at, token })))
    }

    /// Unlink a device
    #[oai(path = "/v1/me/linked-devices/:linked_device_id", method = "delete", operation_id = "unlink_device")]
    async fn unlink_device(
        &self,
        app: Data<&Arc<App>>,
        caller: SignedIn,
        linked_device_id: Path<Uuid>,
    ) -> Result<Gone, Problem> {
        let call = "api.unlink_device(linked_device_id => $1)";
        let _: Done = app.db.write(&caller.0, call, &[&linked_device_id.0]).await?;
        Ok(Gone::Gone)
    }

    /// I'm OK, from a linked device
    ///
    /// Nobody is signed in: the token says for whom it speaks. A press of this moment, as one in the app.
    #[oai(path = "/v1/linked-devices/check-ins", method = "post", operation_id = "check_in_by_device")]
    async fn check_in_by_device(
        &self,
        app: Data<&Arc<App>>,
        visitor: Visitor,
        #[oai(name = "Idempotency-Key")] key: Header<Option<String>>,
        body: Json<DevicePress>,
    ) -> Result<Created<DeviceCheckIn>, Problem> {
        let call = "api.find_linked_device(token_hash => $1)";
        let found: Found = app.db.read(&visitor.0, call, &[&token_hash(&body.token)]).await?;
        let caller = Caller { role: Role::Link, user_id: Some(found.user_id), ..visitor.0 };
        let once = once(key.0, "check_in_by_device", &found.linked_device_id);
        let call = "api.check_in_by_device(linked_device_id => $1)";
        Ok(Created::Created(Json(app.db.write_once(&caller, &once, call, &[&found.linked_device_id]).await?)))
    }
}
