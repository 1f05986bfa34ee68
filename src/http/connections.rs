//! Invitations, and who watches whom (rules: section 3).

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use poem::web::Data;
use poem_openapi::param::{Header, Path, Query};
use poem_openapi::payload::Json;
use poem_openapi::types::{MaybeUndefined, ToJSON as _};
use poem_openapi::{Enum, Object, OpenApi};
use serde::Deserialize;
use uuid::Uuid;

use super::alerts::Person;
use super::auth::{Address, AddressKind};
use super::breaks::Break;
use super::coverage::MemberCoverage;
use super::day::{DayStatus, History, Obligation, OpenAlert, Word};
use super::me::{Done, open_address};
use super::{Answer, Changed, Created, Gone, PAGE, Section, Tagged, once};
use crate::app::App;
use crate::auth::caller::SignedIn;
use crate::problem::{Code, Problem};
use crate::vault::{CodeUse, SealedAddress, token_hash};

/// The operations.
pub struct Api;

/// One of the two sides of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum, Deserialize)]
#[oai(rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
enum Side {
    /// Is watched.
    Member,
    /// Watches.
    Contact,
}

impl Side {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Member => "member",
            Self::Contact => "contact",
        }
    }
}

#[derive(Object)]
struct NewInvitation {
    /// What the invited person will be to the caller.
    invitee_becomes: Side,
    /// What the caller calls them.
    name: String,
    address: Address,
}

/// How an invitation stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum, Deserialize)]
#[oai(rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
enum InvitationState {
    /// It can be accepted.
    Pending,
    /// It was.
    Accepted,
    /// It was taken back.
    Revoked,
    /// It is too old.
    Expired,
}

#[derive(Deserialize)]
struct InvitationRow {
    id: Uuid,
    invitee_becomes: Side,
    name: String,
    kind: AddressKind,
    sealed: String,
    lookup: String,
    code_hash: String,
    state: InvitationState,
    created_at: DateTime<Utc>,
    sent_at: DateTime<Utc>,
    expires_at: DateTime<Utc>,
}

#[derive(Deserialize)]
struct InvitationRows {
    items: Vec<InvitationRow>,
    next_cursor: Option<Uuid>,
}

/// An invitation that the caller sent.
#[derive(Object)]
struct Invitation {
    id: Uuid,
    /// What the invited person will be to the caller.
    invitee_becomes: Side,
    name: String,
    address: Address,
    /// Six characters to accept it with; may be told by phone.
    code: String,
    state: InvitationState,
    created_at: DateTime<Utc>,
    /// When its message was last written.
    sent_at: DateTime<Utc>,
    expires_at: DateTime<Utc>,
}

#[derive(Object)]
#[oai(skip_serializing_if_is_none)]
struct InvitationPage {
    items: Vec<Invitation>,
    next_cursor: Option<Uuid>,
}

impl InvitationRow {
    fn open(self, app: &App) -> Result<Invitation, Problem> {
        let value = open_address(app, &self.lookup, &self.sealed)?;
        let hash = STANDARD.decode(self.code_hash.replace('\n', "")).unwrap_or_default();
        let code = app.vault.code(CodeUse::Invitation, self.id, &hash).map_err(|error| {
            tracing::error!(error = %error, invitation.id = %self.id, "an invitation's code is lost");
            Problem::new(Code::Internal)
        })?;
        Ok(Invitation {
            address: Address { kind: self.kind, value },
            code,
            id: self.id,
            invitee_becomes: self.invitee_becomes,
            name: self.name,
            state: self.state,
            created_at: self.created_at,
            sent_at: self.sent_at,
            expires_at: self.expires_at,
        })
    }
}

/// What proves the invitation: its code or its link's token, one of the two.
#[derive(Object)]
#[oai(skip_serializing_if_is_none)]
struct Acceptance {
    /// The six characters; case and spaces do not matter.
    code: Option<String>,
    /// What follows `/i/` in the link.
    token: Option<String>,
}

/// What an invitation is looked up by.
#[derive(Default)]
struct Proof {
    code_hash: Option<Vec<u8>>,
    token_hash: Option<Vec<u8>>,
    other_code_hashes: Vec<Vec<u8>>,
}

impl Acceptance {
    /// The hash of the code or of the token, of which one is there.
    fn proof(&self, app: &App) -> Result<Proof, Problem> {
        match (&self.code, &self.token) {
            (Some(code), None) => {
                let code: String = code.split_whitespace().collect::<String>().to_uppercase();
                let mut hashes = app.vault.code_hashes(CodeUse::Invitation, &code);
                let other_code_hashes = hashes.split_off(1);
                Ok(Proof { code_hash: hashes.pop(), other_code_hashes, ..Proof::default() })
            }
            (None, Some(token)) => Ok(Proof { token_hash: Some(token_hash(token.trim())), ..Proof::default() }),
            (None, None) => Err(Problem::at("/code", Code::Invalid, "Send the code, or the token of the link.")),
            (Some(_), Some(_)) => Err(Problem::at("/token", Code::Invalid, "Send the code or the token, not both.")),
        }
    }
}

/// A connection that was made.
#[derive(Object, Deserialize)]
struct Connected {
    /// What the caller is in it.
    you_are: Side,
    /// Who the other one is.
    other: Person,
    connected_at: DateTime<Utc>,
}

/// When a Contact is told of an alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum, Deserialize)]
#[oai(rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
enum Tier {
    /// At once.
    Primary,
    /// When the alert escalates.
    Backup,
}

impl Tier {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Primary => "primary",
            Self::Backup => "backup",
        }
    }
}

#[derive(Object)]
struct ContactChanges {
    /// One Contact at least stays primary.
    tier: Option<Tier>,
}

/// Somebody who watches the caller.
#[derive(Object, Deserialize)]
struct Contact {
    user_id: Uuid,
    name: String,
    /// When they are told.
    tier: Tier,
    connected_at: DateTime<Utc>,
}

#[derive(Object, Deserialize)]
struct ContactList {
    items: Vec<Contact>,
}

/// What a Contact hears of a Member, beside alerts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum, Deserialize)]
#[oai(rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
enum HearsOf {
    /// Each check-in that was expected.
    EveryCheckIn,
    /// How the day was, in the Member's evening.
    DailyDigest,
    /// Nothing but what is missed.
    MissesOnly,
}

/// What is absent stays as it is.
#[derive(Object)]
struct MemberChanges {
    /// 1 to 80 characters that only the caller sees; null for none.
    #[oai(nullable)]
    nickname: MaybeUndefined<String>,
    hears_of: Option<HearsOf>,
    /// Whether messages about this Member that are not critical stay in the app's list and are not sent.
    mutes_routine: Option<bool>,
}

/// Somebody whom the caller watches.
#[derive(Object, Deserialize)]
#[oai(skip_serializing_if_is_none)]
struct Member {
    user_id: Uuid,
    name: String,
    /// What the caller calls them; nobody else sees it.
    nickname: Option<String>,
    /// What the caller hears of, beside alerts.
    hears_of: HearsOf,
    /// Whether what is not critical stays in the app's list and is not sent. Alerts always are.
    mutes_routine: bool,
    connected_at: DateTime<Utc>,
    status: DayStatus,
    /// The check-in that is expected next.
    next: Option<Obligation>,
    /// The break that runs, or the next one.
    #[oai(rename = "break")]
    #[serde(rename = "break")]
    pause: Option<Break>,
    last_check_in_at: Option<DateTime<Utc>>,
    /// What Contacts said of the check-in that was last closed by their word.
    attestations: Vec<Word>,
    open_alerts: Vec<OpenAlert>,
    /// Whether a miss right now would reach anybody; absent for a moment after the first connection.
    coverage: Option<MemberCoverage>,
}

/// Whom the user watches.
#[derive(Object, Deserialize)]
pub struct MemberList {
    items: Vec<Member>,
}

#[derive(Object)]
struct NewBlock {
    user_id: Uuid,
}

/// Somebody with whom the caller wants nothing to do.
#[derive(Object, Deserialize)]
struct Block {
    id: Uuid,
    user_id: Uuid,
    name: String,
    blocked_at: DateTime<Utc>,
}

#[derive(Object, Deserialize)]
#[oai(skip_serializing_if_is_none)]
struct BlockPage {
    items: Vec<Block>,
    next_cursor: Option<Uuid>,
}

#[OpenApi(tag = "Section::Connections")]
impl Api {
    /// Invite somebody
    ///
    /// The answer is the same whether or not the address has an account.
    #[oai(path = "/v1/invitations", method = "post", operation_id = "create_invitation")]
    async fn create_invitation(
        &self,
        app: Data<&Arc<App>>,
        caller: SignedIn,
        #[oai(name = "Idempotency-Key")] key: Header<Option<String>>,
        body: Json<NewInvitation>,
    ) -> Result<Created<Invitation>, Problem> {
        let address = body.address.seal(&app)?;
        let id = Uuid::now_v7();
        let hashes = app.vault.new_code_hashes(CodeUse::Invitation, id);
        let token = app.vault.new_invitation_token(id);
        let call = "api.create_invitation(invitation_id => $1, invitee_becomes => $2, name => $3, kind => $4, lookup => $5, sealed => $6, code_hash => $7, token_hash => $8, other_lookups => $9, other_sealeds => $10, other_code_hashes => $11)";
        let (becomes, kind) = (body.invitee_becomes.as_str(), body.address.kind.as_str());
        let SealedAddress { lookup, sealed, other_lookups, other_sealeds } = &address;
        let (hash, other_hashes) = (&hashes[0], &hashes[1..]);
        let params: crate::db::Params<'_> = &[
            &id,
            &becomes,
            &body.name,
            &kind,
            lookup,
            sealed,
            hash,
            &token,
            other_lookups,
            other_sealeds,
            &other_hashes,
        ];
        let row: InvitationRow =
            app.db.write_once(&caller.0, &once(key.0, "create_invitation", &body.0), call, params).await?;
        Ok(Created::Created(Json(row.open(&app)?)))
    }

    /// List the invitations I sent
    #[oai(path = "/v1/invitations", method = "get", operation_id = "list_invitations")]
    async fn list_invitations(
        &self,
        app: Data<&Arc<App>>,
        caller: SignedIn,
        cursor: Query<Option<Uuid>>,
        #[oai(validator(minimum(value = "1"), maximum(value = "100")))] limit: Query<Option<i32>>,
    ) -> Answer<InvitationPage> {
        let call = "api.list_invitations(cursor => $1, size => $2)";
        let rows: InvitationRows = app.db.read(&caller.0, call, &[&cursor.0, &limit.0.unwrap_or(PAGE)]).await?;
        let items = rows.items.into_iter().map(|row| row.open(&app)).collect::<Result<_, _>>()?;
        Ok(Json(InvitationPage { items, next_cursor: rows.next_cursor }))
    }

    /// Send an invitation again
    ///
    /// The same code and link, at most once every ten minutes to one address; only while it can be accepted.
    #[oai(path = "/v1/invitations/:invitation_id/resend", method = "post", operation_id = "resend_invitation")]
    async fn resend_invitation(
        &self,
        app: Data<&Arc<App>>,
        caller: SignedIn,
        invitation_id: Path<Uuid>,
        #[oai(name = "Idempotency-Key")] key: Header<Option<String>>,
    ) -> Answer<Invitation> {
        let once = once(key.0, "resend_invitation", &invitation_id.0);
        let call = "api.resend_invitation(invitation_id => $1)";
        let row: InvitationRow = app.db.write_once(&caller.0, &once, call, &[&invitation_id.0]).await?;
        Ok(Json(row.open(&app)?))
    }

    /// Take an invitation back
    #[oai(path = "/v1/invitations/:invitation_id", method = "delete", operation_id = "revoke_invitation")]
    async fn revoke_invitation(
        &self,
        app: Data<&Arc<App>>,
        caller: SignedIn,
        invitation_id: Path<Uuid>,
    ) -> Result<Gone, Problem> {
        let _: Done =
            app.db.write(&caller.0, "api.revoke_invitation(invitation_id => $1)", &[&invitation_id.0]).await?;
        Ok(Gone::Gone)
    }

    /// Accept an invitation
    #[oai(path = "/v1/invitations/accept", method = "post", operation_id = "accept_invitation")]
    async fn accept_invitation(
        &self,
        app: Data<&Arc<App>>,
        caller: SignedIn,
        #[oai(name = "Idempotency-Key")] key: Header<Option<String>>,
        body: Json<Acceptance>,
    ) -> Answer<Connected> {
        let proof = body.proof(&app)?;
        let once = once(key.0, "accept_invitation", &body.0);
        let call = "api.accept_invitation(code_hash => $1, token_hash => $2, other_code_hashes => $3)";
        let params: crate::db::Params<'_> = &[&proof.code_hash, &proof.token_hash, &proof.other_code_hashes];
        Ok(Json(app.db.write_once(&caller.0, &once, call, params).await?))
    }

    /// Who watches me
    #[oai(path = "/v1/me/contacts", method = "get", operation_id = "list_contacts")]
    async fn list_contacts(
        &self,
        app: Data<&Arc<App>>,
        caller: SignedIn,
        #[oai(name = "If-None-Match")] known: Header<Option<String>>,
    ) -> Result<Tagged<ContactList>, Problem> {
        Tagged::unless(known.0, &app.db.read_shape(&caller.0, "api.list_contacts()", &[]).await?)
    }

    /// Decide when a Contact is told
    #[oai(path = "/v1/me/contacts/:user_id", method = "patch", operation_id = "update_contact")]
    async fn update_contact(
        &self,
        app: Data<&Arc<App>>,
        caller: SignedIn,
        user_id: Path<Uuid>,
        body: Json<ContactChanges>,
    ) -> Answer<Contact> {
        let tier = body.tier.map(Tier::as_str);
        let call = "api.update_contact(contact_id => $1, tier => $2)";
        Ok(Json(app.db.write(&caller.0, call, &[&user_id.0, &tier]).await?))
    }

    /// Be watched by this Contact no more
    #[oai(path = "/v1/me/contacts/:user_id", method = "delete", operation_id = "remove_contact")]
    async fn remove_contact(
        &self,
        app: Data<&Arc<App>>,
        caller: SignedIn,
        user_id: Path<Uuid>,
    ) -> Result<Gone, Problem> {
        let _: Done = app.db.write(&caller.0, "api.remove_contact(contact_id => $1)", &[&user_id.0]).await?;
        Ok(Gone::Gone)
    }

    /// Whom I watch
    #[oai(path = "/v1/members", method = "get", operation_id = "list_members")]
    async fn list_members(
        &self,
        app: Data<&Arc<App>>,
        caller: SignedIn,
        #[oai(name = "If-None-Match")] known: Header<Option<String>>,
    ) -> Result<Tagged<MemberList>, Problem> {
        Tagged::unless(known.0, &app.db.read_shape(&caller.0, "api.list_members()", &[]).await?)
    }

    /// How a Member's day stands
    #[oai(path = "/v1/members/:user_id", method = "get", operation_id = "get_member")]
    async fn get_member(
        &self,
        app: Data<&Arc<App>>,
        caller: SignedIn,
        #[oai(name = "If-None-Match")] known: Header<Option<String>>,
        user_id: Path<Uuid>,
    ) -> Result<Tagged<Member>, Problem> {
        Tagged::unless(known.0, &app.db.read_shape(&caller.0, "api.get_member(member_id => $1)", &[&user_id.0]).await?)
    }

    /// Decide how to watch a Member
    ///
    /// The Member sees nothing of it. It ends with the connection.
    #[oai(path = "/v1/members/:user_id", method = "patch", operation_id = "update_member")]
    async fn update_member(
        &self,
        app: Data<&Arc<App>>,
        caller: SignedIn,
        #[oai(name = "If-Match")] if_match: Header<Option<String>>,
        user_id: Path<Uuid>,
        body: Json<MemberChanges>,
    ) -> Result<Changed<Member>, Problem> {
        let call = "api.update_member(member_id => $1, changes => $2, if_match => $3)";
        let params: crate::db::Params<'_> = &[&user_id.0, &body.0.to_json(), &if_match.0];
        Changed::to(&app.db.write_shape(&caller.0, call, params).await?)
    }

    /// A Member's past days and their totals
    ///
    /// In pages, or a calendar month at once.
    #[oai(path = "/v1/members/:user_id/history", method = "get", operation_id = "get_member_history")]
    async fn get_member_history(
        &self,
        app: Data<&Arc<App>>,
        caller: SignedIn,
        user_id: Path<Uuid>,
        cursor: Query<Option<Uuid>>,
        #[oai(validator(minimum(value = "1"), maximum(value = "100")))] limit: Query<Option<i32>>,
        /// `2027-03`
        #[oai(validator(pattern = "^(19|20)[0-9]{2}-(0[1-9]|1[0-2])$"))]
        month: Query<Option<String>>,
    ) -> Answer<History> {
        let call = "api.get_member_history(member_id => $1, cursor => $2, size => $3, month => $4)";
        let params: crate::db::Params<'_> = &[&user_id.0, &cursor.0, &limit.0.unwrap_or(PAGE), &month.0];
        Ok(Json(app.db.read(&caller.0, call, params).await?))
    }

    /// Watch this Member no more
    #[oai(path = "/v1/members/:user_id", method = "delete", operation_id = "leave_member")]
    async fn leave_member(&self, app: Data<&Arc<App>>, caller: SignedIn, user_id: Path<Uuid>) -> Result<Gone, Problem> {
        let _: Done = app.db.write(&caller.0, "api.leave_member(member_id => $1)", &[&user_id.0]).await?;
        Ok(Gone::Gone)
    }

    /// Block somebody
    ///
    /// Only whom one is or was connected with. The connection ends, of which the other side is told; and invitations
    /// between the two fail without saying why.
    #[oai(path = "/v1/blocks", method = "post", operation_id = "block_user")]
    async fn block_user(
        &self,
        app: Data<&Arc<App>>,
        caller: SignedIn,
        #[oai(name = "Idempotency-Key")] key: Header<Option<String>>,
        body: Json<NewBlock>,
    ) -> Result<Created<Block>, Problem> {
        let once = once(key.0, "block_user", &body.0);
        let call = "api.block_user(user_id => $1)";
        Ok(Created::Created(Json(app.db.write_once(&caller.0, &once, call, &[&body.user_id]).await?)))
    }

    /// Whom I blocked
    #[oai(path = "/v1/blocks", method = "get", operation_id = "list_blocks")]
    async fn list_blocks(
        &self,
        app: Data<&Arc<App>>,
        caller: SignedIn,
        cursor: Query<Option<Uuid>>,
        #[oai(validator(minimum(value = "1"), maximum(value = "100")))] limit: Query<Option<i32>>,
    ) -> Answer<BlockPage> {
        let call = "api.list_blocks(cursor => $1, size => $2)";
        Ok(Json(app.db.read(&caller.0, call, &[&cursor.0, &limit.0.unwrap_or(PAGE)]).await?))
    }

    /// Block somebody no more
    ///
    /// This connects nobody: that takes a new invitation.
    #[oai(path = "/v1/blocks/:user_id", method = "delete", operation_id = "unblock_user")]
    async fn unblock_user(&self, app: Data<&Arc<App>>, caller: SignedIn, user_id: Path<Uuid>) -> Result<Gone, Problem> {
        let _: Done = app.db.write(&caller.0, "api.unblock_user(user_id => $1)", &[&user_id.0]).await?;
        Ok(Gone::Gone)
    }
}
