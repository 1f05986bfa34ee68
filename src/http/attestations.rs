//! The word of a Contact who has seen or spoken to a Member (rules: R4.9).

use std::sync::Arc;

use chrono::{DateTime, Utc};
use poem::web::Data;
use poem_openapi::param::{Header, Path};
use poem_openapi::payload::Json;
use poem_openapi::{Object, OpenApi};
use serde::Deserialize;
use uuid::Uuid;

use super::day::Obligation;
use super::{Created, Section, once};
use crate::app::App;
use crate::auth::caller::SignedIn;
use crate::problem::Problem;

/// The operations.
pub struct Api;

#[derive(Object)]
struct NewAttestation {
    /// What the others should know, up to 1000 characters.
    note: Option<String>,
    /// Which check-in it is about; refused when that is not the one any more. Without it, it is the one of this moment.
    obligation_id: Option<Uuid>,
}

/// What a Contact said, and what came of it.
#[derive(Object, Deserialize)]
#[oai(skip_serializing_if_is_none)]
struct Attestation {
    id: Uuid,
    attested_at: DateTime<Utc>,
    note: Option<String>,
    /// The check-in that it is about: excused if it was awaited; a missed one stays missed. Absent for a frozen Contact.
    obligation: Option<Obligation>,
    /// The alerts that are over by it.
    resolved_alerts: Vec<Uuid>,
}

#[OpenApi(tag = "Section::Connections")]
impl Api {
    /// I have seen or spoken to this Member
    ///
    /// It ends the alert of a check-in missed today, or else the check-in that is awaited is asked for no more. It is shown as
    /// the Contact's word, never as a check-in, and does not count in the streak. Every Contact may say it.
    #[oai(path = "/v1/members/:user_id/attestations", method = "post", operation_id = "attest_member")]
    async fn attest_member(
        &self,
        app: Data<&Arc<App>>,
        caller: SignedIn,
        #[oai(name = "Idempotency-Key")] key: Header<Option<String>>,
        user_id: Path<Uuid>,
        body: Json<NewAttestation>,
    ) -> Result<Created<Attestation>, Problem> {
        let once = once(key.0, &format!("attest_member {}", user_id.0), &body.0);
        let call = "api.attest_member(member_id => $1, note => $2, obligation_id => $3)";
        let params: crate::db::Params<'_> = &[&user_id.0, &body.note, &body.obligation_id];
        Ok(Created::Created(Json(app.db.write_once(&caller.0, &once, call, params).await?)))
    }
}
