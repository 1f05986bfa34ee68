//! How Rust calls SQL: one call, one transaction, one round trip.

pub mod listen;
pub mod release;
pub mod trouble;
pub mod verify;

use std::net::IpAddr;
use std::time::Duration;

use chrono::{DateTime, Utc};
use deadpool_postgres::{
    Manager, ManagerConfig, Object, Pool, PoolError, RecyclingMethod, Runtime, TimeoutType, Timeouts,
};
use futures_util::join;
use secrecy::ExposeSecret as _;
use secrecy::SecretString;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use sha2::{Digest as _, Sha256};
use tokio_postgres::types::{FromSql, ToSql, Type};
use uuid::Uuid;

use self::release::Fit;
use self::trouble::Trouble;
use crate::problem::{Code, Problem};
use crate::telemetry::seldom;

/// Parameters of a call.
pub type Params<'a> = &'a [&'a (dyn ToSql + Sync)];

/// Sets the role and who asks, for this transaction only. JIT: it would compile for longer than our statements run.
const CONTEXT: &str = "select set_config('role', $1, true), set_config('pruuf.user_id', $2, true), \
     set_config('pruuf.request_id', $3, true), set_config('pruuf.ip', $4, true), set_config('statement_timeout', $5, true), \
     set_config('pruuf.session_id', $6, true), set_config('pruuf.language', $7, true), set_config('jit', 'off', true)";

/// Refuses a session that was revoked, whose access tokens would live on for a quarter of an hour (R2.4, R2.5).
const SESSION_CHECK: &str = "select rules.refuse_ended_session()";

/// How long one call of a request may run, in milliseconds. A check-in takes about one.
const REQUEST_TIMEOUT_MS: u64 = 5_000;
/// How long one call of a job may run, in milliseconds: a batch of 500 misses takes about 200.
const JOB_TIMEOUT_MS: u64 = 60_000;
/// Connections of requests that save nobody. More than this many transactions at once only wait for each other's locks and
/// cores.
const POOL_SIZE: usize = 20;
/// Connections for what saves somebody: check-ins, calls for help, acts on alerts. Nothing else can take them; and where
/// they are all in use, those take the others too (R9.9).
const SAFETY_POOL_SIZE: usize = 12;
/// Connections of the deliverer and the other jobs: their own, so that no flood of requests holds up a message (R9.5).
const JOB_POOL_SIZE: usize = 8;
/// Connections of the timer, the poll and the escalation, one each: no other job holds up an alert (R9.5).
const DEADLINE_POOL_SIZE: usize = 3;
/// How long is waited for an answer that the database itself should have broken off: beyond it the connection is dead.
const SILENCE: Duration = Duration::from_secs(3);
/// How long a request waits for a connection before it is told to come again.
const POOL_WAIT: Duration = Duration::from_secs(5);

/// The database role a call runs in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Nobody is signed in.
    Anon,
    /// A signed-in user.
    User,
    /// Whoever holds the signed link of a message to this user: the functions for pages ask which one (R6.6). It stands
    /// for no session, so no end of one ends it.
    Link,
    /// A signed-in user at `/v1/staff/…`: the functions there ask whether they are staff (R1.4).
    Staff,
    /// The worker where it looks at deadlines: for that it has connections of its own.
    Deadline,
    /// The deliverer and the other jobs.
    Worker,
    /// The worker on behalf of a provider that has called: from the requests' pool, since a flood of receipts must not hold
    /// up an alert (R9.5).
    Provider,
}

/// Who makes a call, for row-level security and the audit trail.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The role whose grants and policies apply.
    pub role: Role,
    /// The signed-in user.
    pub user_id: Option<Uuid>,
    /// The session that the access token belongs to.
    pub session_id: Option<Uuid>,
    /// The `X-Request-Id`.
    pub request_id: String,
    /// The client's address.
    pub ip: Option<IpAddr>,
    /// The language that the client asks for, where it is one of ours (R7.7).
    pub language: Option<&'static str>,
    /// Whether it is for saving somebody, for which connections are kept (R9.9).
    pub saves: bool,
}

impl Caller {
    /// The server's own jobs.
    #[must_use]
    pub fn worker() -> Self {
        Self {
            role: Role::Worker,
            user_id: None,
            session_id: None,
            request_id: String::new(),
            ip: None,
            language: None,
            saves: false,
        }
    }

    /// The server's own look at deadlines.
    #[must_use]
    pub fn deadline() -> Self {
        Self { role: Role::Deadline, ..Self::worker() }
    }

    /// A provider whose signature was right.
    #[must_use]
    pub fn provider(request_id: Option<String>) -> Self {
        Self { role: Role::Provider, request_id: request_id.unwrap_or_default(), ..Self::worker() }
    }
}

/// An `Idempotency-Key` and what it came with (R9.4).
#[derive(Debug, Clone)]
pub struct Idempotency {
    /// The client's key.
    pub key: Option<String>,
    /// A hash of operation and body: another one under the same key is refused.
    pub fingerprint: Vec<u8>,
}

/// How many connections a server may hold: its pools, and the one that listens.
pub const CONNECTIONS: usize = POOL_SIZE + SAFETY_POOL_SIZE + JOB_POOL_SIZE + DEADLINE_POOL_SIZE + 1;

/// The pool, and the only way through it.
#[derive(Clone)]
pub struct Db {
    pool: Pool,
    safety: Pool,
    jobs: Pool,
    deadlines: Pool,
}

/// The database cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DbError {
    /// `DATABASE_URL` cannot be read.
    #[error("DATABASE_URL cannot be read")]
    Url,
    /// The system's certificates cannot be read.
    #[error("the system's certificates cannot be read: {0}")]
    Tls(String),
    /// No pool can be made.
    #[error("no connection pool: {0}")]
    Pool(#[from] deadpool_postgres::BuildError),
    /// The server would run with a role that sees everything.
    #[error(
        "the server must log in as pruuf_server, not as a superuser or a role that bypasses row-level security (R9.1)"
    )]
    TooPowerful,
    /// The database does not answer, or answers with an error.
    #[error("the database does not answer: {0}")]
    Unreachable(String),
}

/// The settings in a database URL.
///
/// # Errors
/// When it cannot be read.
pub fn settings(url: &SecretString) -> Result<tokio_postgres::Config, DbError> {
    let mut settings: tokio_postgres::Config = url.expose_secret().parse().map_err(|_| DbError::Url)?;
    if settings.get_connect_timeout().is_none() {
        settings.connect_timeout(Duration::from_secs(5));
    }
    if settings.get_application_name().is_none() {
        settings.application_name(application_name());
    }
    settings.tcp_user_timeout(Duration::from_secs(15)).keepalives_idle(Duration::from_secs(15));
    Ok(settings)
}

/// What PostgreSQL shows of this process, so that servers can be told apart: `pruuf@host:pid`.
fn application_name() -> String {
    let host = hostname::get().ok().and_then(|name| name.into_string().ok()).unwrap_or_default();
    format!("pruuf@{host}:{}", std::process::id())
}

/// TLS for connections to the database, with the system's certificates.
///
/// # Errors
/// When those cannot be read.
pub fn tls() -> Result<tokio_postgres_rustls::MakeRustlsConnect, DbError> {
    tokio_postgres_rustls::MakeRustlsConnect::with_native_certs()
        .map(|(connector, _)| connector)
        .map_err(|errors| DbError::Tls(errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")))
}

impl Db {
    /// A pool on the database of this URL. Nothing is connected yet.
    ///
    /// # Errors
    /// When the URL or the certificates cannot be read.
    pub fn new(url: &SecretString) -> Result<Self, DbError> {
        let (settings, tls) = (settings(url)?, tls()?);
        let pool = |size| {
            let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
            Pool::builder(Manager::from_config(settings.clone(), tls.clone(), recycling))
                .max_size(size)
                .runtime(Runtime::Tokio1)
                .timeouts(Timeouts { wait: Some(POOL_WAIT), create: Some(POOL_WAIT), recycle: Some(POOL_WAIT) })
                .build()
        };
        Ok(Self {
            pool: pool(POOL_SIZE)?,
            safety: pool(SAFETY_POOL_SIZE)?,
            jobs: pool(JOB_POOL_SIZE)?,
            deadlines: pool(DEADLINE_POOL_SIZE)?,
        })
    }

    /// Refuses a login that row-level security does not bind (R9.1).
    ///
    /// # Errors
    /// When it is one, or the database does not answer.
    pub async fn refuse_powerful_login(&self) -> Result<(), DbError> {
        let client = self.pool.get().await.map_err(|error| DbError::Unreachable(error.to_string()))?;
        let row = client
            .query_one("select rolsuper or rolbypassrls from pg_catalog.pg_roles where rolname = current_user", &[])
            .await
            .map_err(|error| DbError::Unreachable(error.to_string()))?;
        if row.get(0) { Err(DbError::TooPowerful) } else { Ok(()) }
    }

    /// How the release of this database fits this binary.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn fit(&self) -> Result<Fit, DbError> {
        // Not from the requests' pool: a busy server is ready.
        let client = self.jobs.get().await.map_err(|error| DbError::Unreachable(error.to_string()))?;
        release::fit(&**client).await.map_err(|error| DbError::Unreachable(error.to_string()))
    }

    /// As [`Db::fit`], and whether the database takes changes: for whoever decides whether this server is to get requests.
    ///
    /// # Errors
    /// Why the database serves nobody.
    pub async fn state(&self) -> Result<Fit, Trouble> {
        let client = self.jobs.get().await.map_err(|error| Trouble::of_pool(&error))?;
        let read_only = "select pg_is_in_recovery() or current_setting('default_transaction_read_only')::boolean";
        if client.query_one(read_only, &[]).await.map_err(|error| Trouble::of(&error))?.get(0) {
            return Err(Trouble::ReadOnly);
        }
        release::fit(&**client).await.map_err(|error| Trouble::of(&error))
    }

    /// What of the database is not as this release ships it.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn differences(&self) -> Result<Vec<String>, DbError> {
        let client = self.jobs.get().await.map_err(|error| DbError::Unreachable(error.to_string()))?;
        verify::differences(&**client).await.map_err(|error| DbError::Unreachable(error.to_string()))
    }

    /// Asks something that changes nothing: a read-only transaction. `call` is one call of an `api` function.
    ///
    /// # Errors
    /// What the function refuses, and what [`Problem`] makes of trouble with the database.
    pub async fn read<T: DeserializeOwned>(
        &self,
        caller: &Caller,
        call: &str,
        params: Params<'_>,
    ) -> Result<T, Problem> {
        self.call(caller, "begin read only", &format!("select {call}"), params).await
    }

    /// Does something, in one transaction. The answer comes after the commit (R4.5).
    ///
    /// # Errors
    /// What the function refuses, and what [`Problem`] makes of trouble with the database.
    pub async fn write<T: DeserializeOwned>(
        &self,
        caller: &Caller,
        call: &str,
        params: Params<'_>,
    ) -> Result<T, Problem> {
        self.call(caller, "begin", &format!("select {call}"), params).await
    }

    /// Does something once for each key: the same key again gets the first answer and does nothing (R9.4).
    ///
    /// # Errors
    /// As [`Db::write`]; and `idempotency-key-reused`.
    pub async fn write_once<T: DeserializeOwned>(
        &self,
        caller: &Caller,
        once: &Idempotency,
        call: &str,
        params: Params<'_>,
    ) -> Result<T, Problem> {
        let (key, hash) = (params.len() + 1, params.len() + 2);
        let statement =
            format!("select coalesce(rules.recall(${key}, ${hash}), rules.remember(${key}, ${hash}, {call}))");
        let params: Vec<_> = params.iter().copied().chain([&once.key as _, &once.fingerprint as _]).collect();
        self.call(caller, "begin", &statement, &params).await
    }

    /// Runs a job of `meta.jobs` in one transaction. `is_deadline`: on a connection that no other job can take. `limit`: its
    /// statement time-out.
    ///
    /// # Errors
    /// As [`Db::write`].
    pub async fn run_job<T: DeserializeOwned>(
        &self,
        name: &str,
        is_deadline: bool,
        limit: Duration,
    ) -> Result<T, Problem> {
        let caller = if is_deadline { Caller::deadline() } else { Caller::worker() };
        let limit = u64::try_from(limit.as_millis()).unwrap_or(JOB_TIMEOUT_MS);
        decode(&self.text_within(&caller, "begin", "select jobs.run($1)", &[&name], limit).await?)
    }

    /// Calls a set-returning function of `jobs` and gives its rows.
    ///
    /// # Errors
    /// As [`Db::write`].
    pub async fn rows<T: DeserializeOwned>(
        &self,
        caller: &Caller,
        call: &str,
        params: Params<'_>,
    ) -> Result<Vec<T>, Problem> {
        let statement = format!("select coalesce(jsonb_agg(r), '[]') from {call} as r");
        self.call(caller, "begin", &statement, params).await
    }

    /// As [`Db::read`], for an answer whose version matters (`ETag`).
    ///
    /// # Errors
    /// As [`Db::read`].
    pub async fn read_shape(&self, caller: &Caller, call: &str, params: Params<'_>) -> Result<Shape, Problem> {
        Ok(Shape(self.text(caller, "begin read only", &format!("select {call}"), params).await?))
    }

    /// As [`Db::write`], for an answer whose version matters (`ETag`).
    ///
    /// # Errors
    /// As [`Db::write`].
    pub async fn write_shape(&self, caller: &Caller, call: &str, params: Params<'_>) -> Result<Shape, Problem> {
        Ok(Shape(self.text(caller, "begin", &format!("select {call}"), params).await?))
    }

    async fn call<T: DeserializeOwned>(
        &self,
        caller: &Caller,
        begin: &str,
        statement: &str,
        params: Params<'_>,
    ) -> Result<T, Problem> {
        decode(&self.text(caller, begin, statement, params).await?)
    }

    async fn text(
        &self,
        caller: &Caller,
        begin: &str,
        statement: &str,
        params: Params<'_>,
    ) -> Result<Vec<u8>, Problem> {
        let limit = match caller.role {
            Role::Worker | Role::Deadline => JOB_TIMEOUT_MS,
            Role::Provider | Role::Anon | Role::User | Role::Link | Role::Staff => REQUEST_TIMEOUT_MS,
        };
        self.text_within(caller, begin, statement, params, limit).await
    }

    async fn text_within(
        &self,
        caller: &Caller,
        begin: &str,
        statement: &str,
        params: Params<'_>,
        limit: u64,
    ) -> Result<Vec<u8>, Problem> {
        let pool = match caller.role {
            Role::Worker => &self.jobs,
            Role::Deadline => &self.deadlines,
            Role::Provider | Role::Anon | Role::User | Role::Link | Role::Staff => &self.pool,
        };
        let client = if caller.saves { self.saving_connection().await? } else { Self::connection(pool).await? };
        let tried = async {
            match transaction(&client, caller, begin, statement, params, limit).await {
                Err(error) if Problem::is_conflict_of_transactions(&error) => {
                    transaction(&client, caller, begin, statement, params, limit).await
                }
                other => other,
            }
        };
        let Ok(answer) = tokio::time::timeout(Duration::from_millis(limit) + SILENCE, tried).await else {
            // Neither an answer nor the statement's own time-out: whatever it is, nobody else should wait on it.
            drop(Object::take(client));
            tracing::warn!(error.kind = "silence", "the database does not answer");
            return Err(Problem::new(Code::Unavailable));
        };
        Ok(answer?)
    }

    /// One of those that are kept for it; else one that nobody else wants; else the next of those that are kept.
    async fn saving_connection(&self) -> Result<Object, Problem> {
        for pool in [&self.safety, &self.pool] {
            let at_once = Timeouts { wait: Some(Duration::ZERO), ..pool.timeouts() };
            match pool.timeout_get(&at_once).await {
                Ok(client) => return Ok(client),
                Err(PoolError::Timeout(TimeoutType::Wait)) => {}
                // The database itself: the others fare no better.
                Err(error) => return Err(no_connection(&error)),
            }
        }
        Self::connection(&self.safety).await
    }

    async fn connection(pool: &Pool) -> Result<Object, Problem> {
        pool.get().await.map_err(|error| no_connection(&error))
    }
}

fn no_connection(error: &PoolError) -> Problem {
    let trouble = Trouble::of_pool(error).as_str();
    if let Some(repeats) = seldom(trouble) {
        tracing::warn!(error.kind = trouble, log.repeats = repeats, "no connection to the database");
    }
    Problem::new(Code::Unavailable)
}

/// An answer as the database wrote it, which is what its version is made of.
pub struct Shape(Vec<u8>);

/// Of an answer that is more than what a GET gives: the version of that (`rules.etag`).
#[derive(Deserialize)]
struct Named {
    etag: Option<String>,
}

impl Shape {
    /// Reads it.
    ///
    /// # Errors
    /// A refusal, and `internal` when it is not of this type.
    pub fn decode<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        decode(&self.0)
    }

    /// Its entity tag (RFC 9110, 8.8.3), equal to what `rules.etag` makes of it. The time of day in an answer (`now`) is
    /// no change of what it tells: it is left out, and the tag is a weak one.
    #[must_use]
    pub fn etag(&self) -> String {
        match self.behind_the_clock() {
            Some(content) => format!("W/{}", etag(content)),
            None => etag(&self.0),
        }
    }

    /// The entity tag of what a PUT or PATCH leaves behind: the one that the answer names, or its own.
    #[must_use]
    pub fn etag_of_change(&self) -> String {
        let named = serde_json::from_slice::<Named>(&self.0).ok().and_then(|named| named.etag);
        named.unwrap_or_else(|| self.etag())
    }

    /// What follows `now`, which `jsonb` writes first: it orders names by their length.
    fn behind_the_clock(&self) -> Option<&[u8]> {
        let rest = self.0.strip_prefix(b"{\"now\": \"")?;
        rest.iter().position(|byte| *byte == b'"').map(|end| &rest[end..])
    }
}

/// 128 bits of SHA-256, quoted.
fn etag(content: &[u8]) -> String {
    let hash = Sha256::digest(content);
    let mut tag = String::with_capacity(34);
    tag.push('"');
    for byte in &hash[..16] {
        tag.push(char::from(HEX[usize::from(byte >> 4)]));
        tag.push(char::from(HEX[usize::from(byte & 15)]));
    }
    tag.push('"');
    tag
}

const HEX: &[u8; 16] = b"0123456789abcdef";

/// The text of a `jsonb` value, not yet read.
struct JsonText(Vec<u8>);

impl<'a> FromSql<'a> for JsonText {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        // The binary form of jsonb is a version byte, 1, and the text (src/backend/utils/adt/jsonb.c, jsonb_send).
        match raw.split_first() {
            Some((1, text)) => Ok(Self(text.to_vec())),
            _ => Err("not a jsonb of version 1".into()),
        }
    }

    fn accepts(kind: &Type) -> bool {
        *kind == Type::JSONB
    }
}

/// Sends begin, context, call and commit at once. Once sent they run to their end, whatever becomes of the request:
/// a client that hangs up leaves no open transaction behind.
async fn transaction(
    client: &Object,
    caller: &Caller,
    begin: &str,
    statement: &str,
    params: Params<'_>,
    limit_ms: u64,
) -> Result<Vec<u8>, tokio_postgres::Error> {
    let context = client.prepare_typed_cached(CONTEXT, &[const { Type::TEXT }; 7]).await?;
    let session_check = client.prepare_cached(SESSION_CHECK).await?;
    let call = client.prepare_cached(statement).await?;
    let role = match caller.role {
        Role::Anon => "pruuf_anon",
        Role::User | Role::Link => "pruuf_user",
        Role::Staff => "pruuf_staff",
        Role::Deadline | Role::Worker | Role::Provider => "pruuf_worker",
    };
    let timeout = limit_ms.to_string();
    let user_id = caller.user_id.map(|id| id.to_string()).unwrap_or_default();
    let ip = caller.ip.map(|ip| ip.to_string()).unwrap_or_default();
    let language = caller.language.unwrap_or_default();
    let session_id = caller.session_id.map(|id| id.to_string()).unwrap_or_default();
    let context_params: Params<'_> = &[&role, &user_id, &caller.request_id, &ip, &timeout, &session_id, &language];
    let (begun, set, checked, answer, committed) = join!(
        client.batch_execute(begin),
        client.query_one(&context, context_params),
        async {
            match caller.role {
                Role::User | Role::Staff => client.query_one(&session_check, &[]).await.map(drop),
                Role::Anon | Role::Link | Role::Deadline | Role::Worker | Role::Provider => Ok(()),
            }
        },
        client.query_one(&call, params),
        client.batch_execute("commit"),
    );
    begun?;
    set?;
    checked?;
    // A call that failed has made the commit a rollback; its error comes first.
    let row = answer?;
    committed?;
    Ok(row.try_get::<_, JsonText>(0)?.0)
}

#[derive(Deserialize)]
struct Refusal {
    refused: Code,
    detail: String,
    facts: RefusalFacts,
}

#[derive(Deserialize)]
struct RefusalFacts {
    tries_left: Option<i32>,
    locked_until: Option<DateTime<Utc>>,
    /// Seconds.
    retry_after: Option<u32>,
}

/// Reads an answer, which is what was asked for or a refusal that keeps what it wrote (`rules.refusal`).
fn decode<T: DeserializeOwned>(answer: &[u8]) -> Result<T, Problem> {
    if let Ok(refusal) = serde_json::from_slice::<Refusal>(answer) {
        let mut problem = Problem::new(refusal.refused).detail(refusal.detail);
        problem.tries_left = refusal.facts.tries_left;
        problem.locked_until = refusal.facts.locked_until;
        problem.retry_after = refusal.facts.retry_after;
        return Err(problem);
    }
    serde_json::from_slice(answer).map_err(|error| {
        tracing::error!(
            error.kind = "shape",
            error.line = error.line(),
            error.column = error.column(),
            "unexpected answer"
        );
        Problem::new(Code::Internal)
    })
}
