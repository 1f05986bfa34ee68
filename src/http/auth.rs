//! Codes, accounts and sessions (rules: section 2).

use std::sync::Arc;

use chrono::{DateTime, Utc};
use poem::web::Data;
use poem_openapi::payload::Json;
use poem_openapi::{Enum, Object, OpenApi};
use serde::Deserialize;
use uuid::Uuid;

use super::me::{Done, Language};
use super::{Answer, Created, Section};
use crate::app::App;
use crate::auth::caller::Visitor;
use crate::auth::pin::Pins;
use crate::auth::token::LIFE_SECONDS;
use crate::db::Caller;
use crate::problem::{Code, Problem};
use crate::vault::{CodeUse, SealedAddress, new_token, token_hash};

/// The operations.
pub struct Api;

/// What kind of address it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum, Deserialize)]
#[oai(rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum AddressKind {
    /// An e-mail address.
    Email,
    /// A phone number.
    Phone,
}

impl AddressKind {
    /// As the database spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Phone => "phone",
        }
    }
}

/// An e-mail address or a phone number.
#[derive(Debug, Object, Deserialize)]
pub struct Address {
    /// What kind it is.
    pub kind: AddressKind,
    /// An e-mail address (RFC 5321), or a phone number in E.164: `+` and 7 to 15 digits.
    pub value: String,
}

impl Address {
    /// Checks the address and writes it in its one form.
    ///
    /// # Errors
    /// `invalid`, when it is not an address of its kind.
    pub fn written(&self) -> Result<String, Problem> {
        let value = self.value.trim();
        match self.kind {
            AddressKind::Email if value.len() <= 254 && value.parse::<lettre::Address>().is_ok() => {
                Ok(value.to_lowercase())
            }
            AddressKind::Phone if is_e164(value) => Ok(value.to_owned()),
            AddressKind::Email => Err(Problem::at("/address/value", Code::Invalid, "This is not an e-mail address.")),
            AddressKind::Phone => {
                Err(Problem::at("/address/value", Code::Invalid, "A phone number is + and 7 to 15 digits."))
            }
        }
    }

    /// Checks the address, writes it in its one form, and seals it.
    ///
    /// # Errors
    /// `invalid`, when it is not an address of its kind.
    pub fn seal(&self, app: &App) -> Result<SealedAddress, Problem> {
        let value = self.written()?;
        app.vault.seal_address(self.kind.as_str(), &value).map_err(|_| Problem::new(Code::Internal))
    }
}

/// E.164 (ITU-T): a plus sign, a country code that does not begin with 0, at most 15 digits.
fn is_e164(value: &str) -> bool {
    value.strip_prefix('+').is_some_and(|digits| {
        (7..=15).contains(&digits.len())
            && !digits.starts_with('0')
            && digits.bytes().all(|digit| digit.is_ascii_digit())
    })
}

#[derive(Object)]
struct CodeRequest {
    address: Address,
}

/// A code is on its way, if the address can be reached.
#[derive(Object, Deserialize)]
struct CodeSent {
    /// Until when the code is good.
    expires_at: DateTime<Utc>,
    /// When a new one may be asked for, in seconds.
    next_after_seconds: i32,
}

#[derive(Object)]
struct CodeVerification {
    address: Address,
    /// The six digits.
    #[oai(validator(pattern = "^[0-9]{6}$"))]
    code: String,
}

#[derive(Deserialize)]
struct Verified {
    account_exists: bool,
    expires_at: DateTime<Utc>,
}

/// Proof of an address, good once.
#[derive(Object)]
struct Ticket {
    /// For `POST /v1/auth/accounts` or `POST /v1/auth/pin`.
    ticket: String,
    /// Until when it is good.
    expires_at: DateTime<Utc>,
    /// Whether this address has an account: sign in or recover it, or make one.
    account_exists: bool,
}

#[derive(Object)]
struct NewAccount {
    /// From `POST /v1/auth/codes/verify`.
    ticket: String,
    /// What others call this user.
    name: String,
    /// 4 to 12 digits.
    pin: String,
    /// What the list of sessions calls this device.
    device_name: Option<String>,
    /// In which language messages come. Without it the one that `Accept-Language` likes best, or English.
    language: Option<Language>,
}

#[derive(Object)]
struct Recovery {
    /// From `POST /v1/auth/codes/verify`.
    ticket: String,
    /// The new PIN, 4 to 12 digits.
    pin: String,
    /// What the list of sessions calls this device.
    device_name: Option<String>,
}

#[derive(Object)]
struct SignIn {
    address: Address,
    /// The PIN.
    pin: String,
    /// What the list of sessions calls this device.
    device_name: Option<String>,
}

#[derive(Object)]
struct Refresh {
    /// The refresh token got last.
    refresh_token: String,
}

/// A try at a PIN, which is counted already (docs/decisions/0005).
#[derive(Deserialize)]
pub struct Attempt {
    /// What to compare with; nothing where there is no such account.
    pub pin_hash: Option<String>,
    user_id: Option<Uuid>,
    tries_left: Option<i32>,
    locked_until: Option<DateTime<Utc>>,
}

impl Attempt {
    /// The answer to a wrong PIN: how many tries are left, and until when there are none (R2.3).
    #[must_use]
    pub fn refused(self, mut problem: Problem) -> Problem {
        problem.tries_left = self.tries_left;
        problem.locked_until = self.locked_until;
        problem
    }
}

/// The hash of a PIN, once the ticket is known to be good: nobody without one has us hash (R9.9).
async fn hash_for_ticket(app: &App, visitor: &Caller, ticket: &str, pin: &str) -> Result<String, Problem> {
    Pins::refuse_weak(pin)?;
    let _: Done = app.db.read(visitor, "api.check_ticket(ticket_hash => $1)", &[&token_hash(ticket)]).await?;
    app.pins.hash(pin).await
}

#[derive(Deserialize)]
struct StartedSession {
    session_id: Uuid,
    user_id: Uuid,
    refresh_token_expires_at: DateTime<Utc>,
}

#[derive(Deserialize)]
struct RefreshedSession {
    #[serde(flatten)]
    session: StartedSession,
    /// Which of the offered successors is the token's, from 0.
    next: usize,
}

/// A session and its tokens.
#[derive(Object)]
struct Session {
    session_id: Uuid,
    user_id: Uuid,
    /// For `Authorization: Bearer`.
    access_token: String,
    /// How long it lives, in seconds.
    access_token_expires_in: i64,
    /// Good once: each refresh gives the next one.
    refresh_token: String,
    /// Until when it is good, if it is not used.
    refresh_token_expires_at: DateTime<Utc>,
}

impl StartedSession {
    fn with_tokens(self, app: &App, refresh_token: String) -> Result<Session, Problem> {
        let access_token = app.tokens.sign(self.user_id, self.session_id).map_err(|_| Problem::new(Code::Internal))?;
        Ok(Session {
            session_id: self.session_id,
            user_id: self.user_id,
            access_token,
            access_token_expires_in: LIFE_SECONDS,
            refresh_token,
            refresh_token_expires_at: self.refresh_token_expires_at,
        })
    }
}

async fn start_session(
    app: &App,
    caller: &Caller,
    call: &str,
    params: &[&(dyn tokio_postgres::types::ToSql + Sync)],
) -> Result<Session, Problem> {
    let refresh_token = new_token();
    let hash = token_hash(&refresh_token);
    let params: Vec<_> = params.iter().copied().chain([&hash as _]).collect();
    let started: StartedSession = app.db.write(caller, call, &params).await?;
    started.with_tokens(app, refresh_token)
}

#[OpenApi(tag = "Section::Auth")]
impl Api {
    /// Send a one-time code
    ///
    /// The answer is the same whether or not the address has an account. The message is in the language of its reader's
    /// account; where there is none, in the one that `Accept-Language` likes best.
    #[oai(path = "/v1/auth/codes", method = "post", operation_id = "request_code")]
    async fn request_code(&self, app: Data<&Arc<App>>, visitor: Visitor, body: Json<CodeRequest>) -> Answer<CodeSent> {
        let address = body.address.seal(&app)?;
        let id = Uuid::new_v4();
        let hash = app.vault.new_code(CodeUse::OneTime, id);
        let call = "api.request_code(code_id => $1, kind => $2, lookup => $3, sealed => $4, code_hash => $5, other_lookups => $6, other_sealeds => $7)";
        let kind = body.address.kind.as_str();
        let SealedAddress { lookup, sealed, other_lookups, other_sealeds } = &address;
        let params: crate::db::Params<'_> = &[&id, &kind, lookup, sealed, &hash, other_lookups, other_sealeds];
        Ok(Json(app.db.write(&visitor.0, call, params).await?))
    }

    /// Turn a code into a ticket
    #[oai(path = "/v1/auth/codes/verify", method = "post", operation_id = "verify_code")]
    async fn verify_code(
        &self,
        app: Data<&Arc<App>>,
        visitor: Visitor,
        body: Json<CodeVerification>,
    ) -> Answer<Ticket> {
        let address = body.address.seal(&app)?;
        let hashes = app.vault.code_hashes(CodeUse::OneTime, &body.code);
        let ticket = new_token();
        let call = "api.verify_code(kind => $1, lookup => $2, code_hash => $3, ticket_hash => $4, other_lookups => $5, other_code_hashes => $6)";
        let kind = body.address.kind.as_str();
        let params: crate::db::Params<'_> =
            &[&kind, &address.lookup, &hashes[0], &token_hash(&ticket), &address.other_lookups, &&hashes[1..]];
        let verified: Verified = app.db.write(&visitor.0, call, params).await?;
        Ok(Json(Ticket { ticket, expires_at: verified.expires_at, account_exists: verified.account_exists }))
    }

    /// Make an account and sign in
    #[oai(path = "/v1/auth/accounts", method = "post", operation_id = "create_account")]
    async fn create_account(
        &self,
        app: Data<&Arc<App>>,
        visitor: Visitor,
        body: Json<NewAccount>,
    ) -> Result<Created<Session>, Problem> {
        let pin_hash = hash_for_ticket(&app, &visitor.0, &body.ticket, &body.pin).await?;
        let call = "api.create_account(ticket_hash => $1, name => $2, pin_hash => $3, device_name => $4, language => $5, refresh_hash => $6)";
        let language = body.language.map(Language::as_str);
        let params: crate::db::Params<'_> =
            &[&token_hash(&body.ticket), &body.name, &pin_hash, &body.device_name, &language];
        Ok(Created::Created(Json(start_session(&app, &visitor.0, call, params).await?)))
    }

    /// Recover an account: set a new PIN and sign in
    #[oai(path = "/v1/auth/pin", method = "post", operation_id = "recover_pin")]
    async fn recover_pin(&self, app: Data<&Arc<App>>, visitor: Visitor, body: Json<Recovery>) -> Answer<Session> {
        let pin_hash = hash_for_ticket(&app, &visitor.0, &body.ticket, &body.pin).await?;
        let call = "api.recover_pin(ticket_hash => $1, pin_hash => $2, device_name => $3, refresh_hash => $4)";
        let params: crate::db::Params<'_> = &[&token_hash(&body.ticket), &pin_hash, &body.device_name];
        Ok(Json(start_session(&app, &visitor.0, call, params).await?))
    }

    /// Sign in with a PIN
    #[oai(path = "/v1/auth/sessions", method = "post", operation_id = "create_session")]
    async fn create_session(
        &self,
        app: Data<&Arc<App>>,
        visitor: Visitor,
        body: Json<SignIn>,
    ) -> Result<Created<Session>, Problem> {
        let address = body.address.seal(&app)?;
        let call = "api.begin_session(kind => $1, lookup => $2, other_lookups => $3)";
        let kind = body.address.kind.as_str();
        let attempt: Attempt =
            app.db.write(&visitor.0, call, &[&kind, &address.lookup, &address.other_lookups]).await?;
        if !app.pins.verify(&body.pin, attempt.pin_hash.as_deref()).await? {
            return Err(attempt.refused(Problem::new(Code::SignInFailed)));
        }
        let call = "api.create_session(user_id => $1, proved_hash => $2, device_name => $3, refresh_hash => $4)";
        let params: crate::db::Params<'_> = &[&attempt.user_id, &attempt.pin_hash, &body.device_name];
        Ok(Created::Created(Json(start_session(&app, &visitor.0, call, params).await?)))
    }

    /// Get a new access token
    ///
    /// The refresh token is good once. Asked again within half a minute it gives the same successor, for a client that
    /// lost the answer; later it ends the whole session.
    #[oai(path = "/v1/auth/sessions/refresh", method = "post", operation_id = "refresh_session")]
    async fn refresh_session(&self, app: Data<&Arc<App>>, visitor: Visitor, body: Json<Refresh>) -> Answer<Session> {
        let mut next = app.vault.next_refresh_tokens(&body.refresh_token);
        let hashes: Vec<_> = next.iter().map(|token| token_hash(token)).collect();
        let call = "api.refresh_session(token_hash => $1, next_hash => $2, other_next_hashes => $3)";
        let params: crate::db::Params<'_> = &[&token_hash(&body.refresh_token), &hashes[0], &&hashes[1..]];
        let refreshed: RefreshedSession = app.db.write(&visitor.0, call, params).await?;
        Ok(Json(refreshed.session.with_tokens(&app, next.swap_remove(refreshed.next))?))
    }
}
