//! What staff may see and do (rule R1.4). Every call here writes to the trail of whom it is about.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use poem::web::Data;
use poem_openapi::param::{Path, Query};
use poem_openapi::payload::Json;
use poem_openapi::types::Any;
use poem_openapi::{Enum, Object, OpenApi};
use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

use super::auth::{Address, AddressKind};
use super::day::{DayStatus, Obligation, OpenAlert, Schedule};
use super::me::{Done, open_address};
use super::{Answer, Gone, PAGE, Section};
use crate::app::App;
use crate::auth::caller::SignedIn;
use crate::problem::Problem;

/// The operations.
pub struct Api;

/// How many places of the trail are verified at once, unless told otherwise.
const PLACES: i32 = 10_000;

#[derive(Object)]
struct UserSearch {
    address: Address,
}

/// How an account stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum, Deserialize)]
#[oai(rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
enum AccountState {
    /// Its user can sign in.
    Active,
    /// The sign-in is locked after wrong PINs.
    Locked,
}

/// Whose address it is.
#[derive(Object, Deserialize)]
struct FoundUser {
    id: Uuid,
    name: String,
    state: AccountState,
}

/// How somebody's sign-in stands.
#[derive(Object, Deserialize)]
#[oai(skip_serializing_if_is_none)]
struct SignInState {
    /// Wrong PINs since the last right one.
    failed_tries: i32,
    is_locked: bool,
    /// Until when; locked without it, only a recovery by code opens it.
    locked_until: Option<DateTime<Utc>>,
}

/// An address that is not shown whole.
#[derive(Object)]
#[oai(skip_serializing_if_is_none)]
struct MaskedAddress {
    id: Uuid,
    kind: AddressKind,
    /// `a…@example.com`, `+64…12`.
    masked: String,
    verified_at: Option<DateTime<Utc>>,
    off_at: Option<DateTime<Utc>>,
    off_reason: Option<String>,
}

#[derive(Deserialize)]
struct SealedRow {
    id: Uuid,
    kind: AddressKind,
    sealed: String,
    lookup: String,
    verified_at: Option<DateTime<Utc>>,
    off_at: Option<DateTime<Utc>>,
    off_reason: Option<String>,
}

/// A device that gets pushes, or did.
#[derive(Object, Deserialize)]
#[oai(skip_serializing_if_is_none)]
struct KnownDevice {
    platform: String,
    registered_at: DateTime<Utc>,
    off_at: Option<DateTime<Utc>>,
    off_reason: Option<String>,
}

/// How somebody's day stands.
#[derive(Object, Deserialize)]
#[oai(skip_serializing_if_is_none)]
struct DayState {
    status: DayStatus,
    next: Option<Obligation>,
    last_check_in_at: Option<DateTime<Utc>>,
    open_alerts: Vec<OpenAlert>,
}

/// Somebody with whom the user is connected.
#[derive(Object, Deserialize)]
struct KnownConnection {
    /// What they are to the user: `contact` or `member`.
    is: String,
    user_id: Uuid,
    name: String,
    tier: String,
    connected_at: DateTime<Utc>,
}

/// What became of a message.
#[derive(Object, Deserialize)]
#[oai(skip_serializing_if_is_none)]
struct KnownDelivery {
    id: Uuid,
    /// What it tells of.
    kind: String,
    alert_id: Option<Uuid>,
    channel: String,
    state: String,
    attempts: i32,
    /// The provider's code.
    failure: Option<String>,
    created_at: DateTime<Utc>,
    settled_at: Option<DateTime<Utc>>,
    /// The failed one that staff sent again by this one.
    resend_of: Option<Uuid>,
}

#[derive(Deserialize)]
struct UserRow {
    id: Uuid,
    name: String,
    language: String,
    created_at: DateTime<Utc>,
    sign_in: SignInState,
    sessions: i64,
    addresses: Vec<SealedRow>,
    devices: Vec<KnownDevice>,
    schedule: Option<Schedule>,
    today: DayState,
    connections: Vec<KnownConnection>,
    deliveries: Vec<KnownDelivery>,
}

/// What support sees of a user.
#[derive(Object)]
#[oai(skip_serializing_if_is_none)]
struct UserState {
    id: Uuid,
    name: String,
    language: String,
    created_at: DateTime<Utc>,
    sign_in: SignInState,
    /// How many sessions are open.
    sessions: i64,
    addresses: Vec<MaskedAddress>,
    devices: Vec<KnownDevice>,
    schedule: Option<Schedule>,
    today: DayState,
    connections: Vec<KnownConnection>,
    /// The last twenty.
    deliveries: Vec<KnownDelivery>,
}

/// Enough of an address to compare it with one that is told on the phone.
fn mask(kind: AddressKind, address: &str) -> String {
    let first: String = address.chars().take(if kind == AddressKind::Email { 1 } else { 3 }).collect();
    let last = match kind {
        AddressKind::Email => &address[address.rfind('@').unwrap_or(address.len())..],
        AddressKind::Phone => &address[address.len().saturating_sub(2)..],
    };
    format!("{first}…{last}")
}

impl SealedRow {
    fn masked(self, app: &App) -> Result<MaskedAddress, Problem> {
        Ok(MaskedAddress {
            masked: mask(self.kind, &open_address(app, &self.lookup, &self.sealed)?),
            id: self.id,
            kind: self.kind,
            verified_at: self.verified_at,
            off_at: self.off_at,
            off_reason: self.off_reason,
        })
    }
}

impl UserRow {
    fn masked(self, app: &App) -> Result<UserState, Problem> {
        Ok(UserState {
            addresses: self.addresses.into_iter().map(|row| row.masked(app)).collect::<Result<_, _>>()?,
            id: self.id,
            name: self.name,
            language: self.language,
            created_at: self.created_at,
            sign_in: self.sign_in,
            sessions: self.sessions,
            devices: self.devices,
            schedule: self.schedule,
            today: self.today,
            connections: self.connections,
            deliveries: self.deliveries,
        })
    }
}

/// A row of the audit trail.
#[derive(Object, Deserialize)]
#[oai(skip_serializing_if_is_none)]
struct AuditEvent {
    id: String,
    at: DateTime<Utc>,
    /// The database role that acted, or who was logged in to the database.
    actor: String,
    actor_user_id: Option<Uuid>,
    subject_user_id: Option<Uuid>,
    action: String,
    object_id: Option<Uuid>,
    request_id: Option<String>,
    ip: Option<String>,
    /// Ids, counts and states.
    details: Any<Value>,
}

#[derive(Object, Deserialize)]
#[oai(skip_serializing_if_is_none)]
struct AuditPage {
    items: Vec<AuditEvent>,
    next_cursor: Option<String>,
}

/// Where the chain of the audit trail ends.
#[derive(Object, Deserialize)]
struct AuditHead {
    place: i64,
    /// SHA-256, in hexadecimal digits.
    hash: String,
}

/// What is wrong with a row of the audit trail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum, Deserialize)]
#[oai(rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
enum Finding {
    /// It does not say what it said when it was sealed.
    Changed,
    /// It is gone.
    Removed,
    /// It stands at another place.
    Reordered,
    /// It was put in.
    Inserted,
    /// It has not been sealed for ten minutes.
    Waiting,
    /// The trail up to this place is not the one that was noted.
    Rewritten,
}

/// A row of the audit trail with which something is wrong.
#[derive(Object, Deserialize)]
#[oai(skip_serializing_if_is_none)]
struct AuditFinding {
    finding: Finding,
    place: Option<i64>,
    event_id: Option<i64>,
    detail: String,
}

/// A part of the audit trail, verified.
#[derive(Object, Deserialize)]
#[oai(skip_serializing_if_is_none)]
struct AuditVerification {
    head: Option<AuditHead>,
    /// The first hundred of each sort; none when all is well.
    findings: Vec<AuditFinding>,
    /// Where to go on.
    next_place: Option<i64>,
}

/// What somebody of the staff may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum, Deserialize)]
#[oai(rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
enum StaffRole {
    /// Reads, resends, unlocks.
    Support,
    /// All that, verifies the trail, and says who is staff.
    Admin,
}

impl StaffRole {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Support => "support",
            Self::Admin => "admin",
        }
    }
}

#[derive(Object)]
struct NewStaffRole {
    role: StaffRole,
}

/// Somebody of the staff.
#[derive(Object, Deserialize)]
#[oai(skip_serializing_if_is_none)]
struct StaffMember {
    user_id: Uuid,
    name: String,
    role: StaffRole,
    added_at: DateTime<Utc>,
    /// Absent: on the command line.
    added_by: Option<Uuid>,
}

#[derive(Object, Deserialize)]
struct StaffList {
    items: Vec<StaffMember>,
}

#[OpenApi(tag = "Section::Staff")]
impl Api {
    /// Find a user by an address
    #[oai(path = "/v1/staff/users/find", method = "post", operation_id = "find_user")]
    async fn find_user(&self, app: Data<&Arc<App>>, caller: SignedIn, body: Json<UserSearch>) -> Answer<FoundUser> {
        let address = body.address.seal(&app)?;
        let call = "api.find_user(kind => $1, lookup => $2, other_lookups => $3)";
        let kind = body.address.kind.as_str();
        Ok(Json(app.db.write(&caller.as_staff(), call, &[&kind, &address.lookup, &address.other_lookups]).await?))
    }

    /// How a user's account stands
    #[oai(path = "/v1/staff/users/:user_id", method = "get", operation_id = "get_user")]
    async fn get_user(&self, app: Data<&Arc<App>>, caller: SignedIn, user_id: Path<Uuid>) -> Answer<UserState> {
        let row: UserRow = app.db.write(&caller.as_staff(), "api.get_user(person => $1)", &[&user_id.0]).await?;
        Ok(Json(row.masked(&app)?))
    }

    /// End the lock of a sign-in
    ///
    /// Not one that only a recovery by code opens.
    #[oai(path = "/v1/staff/users/:user_id/unlock", method = "post", operation_id = "unlock_user")]
    async fn unlock_user(&self, app: Data<&Arc<App>>, caller: SignedIn, user_id: Path<Uuid>) -> Answer<SignInState> {
        Ok(Json(app.db.write(&caller.as_staff(), "api.unlock_user(person => $1)", &[&user_id.0]).await?))
    }

    /// Send once more what has failed
    ///
    /// Never a code, never what is over, never to an address that is off. Asked twice it is sent once.
    #[oai(path = "/v1/staff/deliveries/:delivery_id/resend", method = "post", operation_id = "resend_delivery")]
    async fn resend_delivery(
        &self,
        app: Data<&Arc<App>>,
        caller: SignedIn,
        delivery_id: Path<Uuid>,
    ) -> Answer<KnownDelivery> {
        let call = "api.resend_delivery(delivery_id => $1)";
        Ok(Json(app.db.write(&caller.as_staff(), call, &[&delivery_id.0]).await?))
    }

    /// What a user did and what was done to them
    #[oai(path = "/v1/staff/users/:user_id/audit", method = "get", operation_id = "get_user_audit")]
    async fn get_user_audit(
        &self,
        app: Data<&Arc<App>>,
        caller: SignedIn,
        user_id: Path<Uuid>,
        #[oai(validator(pattern = "^[0-9]{1,18}-[0-9]{1,18}$"))] cursor: Query<Option<String>>,
        #[oai(validator(minimum(value = "1"), maximum(value = "100")))] limit: Query<Option<i32>>,
    ) -> Answer<AuditPage> {
        let call = "api.get_user_audit(person => $1, cursor => $2, size => $3)";
        let params: crate::db::Params<'_> = &[&user_id.0, &cursor.0, &limit.0.unwrap_or(PAGE)];
        Ok(Json(app.db.write(&caller.as_staff(), call, params).await?))
    }

    /// What happened with an alert
    #[oai(path = "/v1/staff/alerts/:alert_id/audit", method = "get", operation_id = "get_alert_audit")]
    async fn get_alert_audit(
        &self,
        app: Data<&Arc<App>>,
        caller: SignedIn,
        alert_id: Path<Uuid>,
        #[oai(validator(pattern = "^[0-9]{1,18}-[0-9]{1,18}$"))] cursor: Query<Option<String>>,
        #[oai(validator(minimum(value = "1"), maximum(value = "100")))] limit: Query<Option<i32>>,
    ) -> Answer<AuditPage> {
        let call = "api.get_alert_audit(alert_id => $1, cursor => $2, size => $3)";
        let params: crate::db::Params<'_> = &[&alert_id.0, &cursor.0, &limit.0.unwrap_or(PAGE)];
        Ok(Json(app.db.write(&caller.as_staff(), call, params).await?))
    }

    /// Verify a part of the audit trail
    ///
    /// With a place and its hash, as the server's log noted them, also whether the trail is still the same up to there.
    #[oai(path = "/v1/staff/audit/verification", method = "get", operation_id = "get_audit_verification")]
    async fn get_audit_verification(
        &self,
        app: Data<&Arc<App>>,
        caller: SignedIn,
        /// The first place; by default 1.
        #[oai(validator(minimum(value = "1"), maximum(value = "1000000000000000")))]
        from_place: Query<Option<i64>>,
        /// How many places, by default 10,000.
        #[oai(validator(minimum(value = "1"), maximum(value = "100000")))]
        places: Query<Option<i32>>,
        #[oai(validator(minimum(value = "1"), maximum(value = "1000000000000000")))] known_place: Query<Option<i64>>,
        #[oai(validator(pattern = "^[0-9a-f]{64}$"))] known_hash: Query<Option<String>>,
    ) -> Answer<AuditVerification> {
        let call = "api.get_audit_verification(from_place => $1, places => $2, known_place => $3, known_hash => $4)";
        let params: crate::db::Params<'_> =
            &[&from_place.0.unwrap_or(1), &places.0.unwrap_or(PLACES), &known_place.0, &known_hash.0];
        Ok(Json(app.db.write(&caller.as_staff(), call, params).await?))
    }

    /// Who is staff
    #[oai(path = "/v1/staff/roles", method = "get", operation_id = "list_staff_roles")]
    async fn list_staff_roles(&self, app: Data<&Arc<App>>, caller: SignedIn) -> Answer<StaffList> {
        Ok(Json(app.db.write(&caller.as_staff(), "api.list_staff_roles()", &[]).await?))
    }

    /// Make somebody staff, or give them the other role
    #[oai(path = "/v1/staff/roles/:user_id", method = "put", operation_id = "set_staff_role")]
    async fn set_staff_role(
        &self,
        app: Data<&Arc<App>>,
        caller: SignedIn,
        user_id: Path<Uuid>,
        body: Json<NewStaffRole>,
    ) -> Answer<StaffMember> {
        let call = "api.set_staff_role(person => $1, role => $2)";
        Ok(Json(app.db.write(&caller.as_staff(), call, &[&user_id.0, &body.role.as_str()]).await?))
    }

    /// Make somebody staff no more
    #[oai(path = "/v1/staff/roles/:user_id", method = "delete", operation_id = "remove_staff_role")]
    async fn remove_staff_role(
        &self,
        app: Data<&Arc<App>>,
        caller: SignedIn,
        user_id: Path<Uuid>,
    ) -> Result<Gone, Problem> {
        let _: Done = app.db.write(&caller.as_staff(), "api.remove_staff_role(person => $1)", &[&user_id.0]).await?;
        Ok(Gone::Gone)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r1_4_an_address_is_shown_only_as_far_as_it_must() {
        assert_eq!(mask(AddressKind::Email, "aroha@example.com"), "a…@example.com");
        assert_eq!(mask(AddressKind::Email, "é@example.com"), "é…@example.com");
        assert_eq!(mask(AddressKind::Phone, "+64211234512"), "+64…12");
    }
}
