//! What every request and every job needs.

use std::sync::Arc;

use serde::Deserialize;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::auth::pin::{CannotHash, Pins};
use crate::auth::token::{BadKey, Tokens};
use crate::billing::stripe::Stripe;
use crate::config::Config;
use crate::db::listen::Ear;
use crate::db::{Caller, Db, DbError};
use crate::deliver::hooks::Hooks;
use crate::http::gate::Gate;
use crate::texts::Texts;
use crate::vault::{Vault, unhex};
use crate::watch::{Watch, WatchError};
use crate::webhooks::Webhooks;

/// How many jobs other than deadlines run at once, so that slow ones leave connections to those who send messages.
const JOBS_AT_ONCE: usize = 4;

/// The parts of a running server.
pub struct App {
    /// The database.
    pub db: Db,
    /// Access tokens.
    pub tokens: Tokens,
    /// PINs.
    pub pins: Pins,
    /// Addresses and codes.
    pub vault: Vault,
    /// The URL under which clients reach this, without a slash at its end.
    pub public_url: String,
    /// What people read.
    pub texts: Texts,
    /// What the database says.
    pub ear: Ear,
    /// Who may pass: proxies, pace, versions.
    pub gate: Gate,
    /// What the audit found, and what is measured.
    pub watch: Watch,
    /// How providers that call are known.
    pub webhooks: Webhooks,
    /// Payments, if there are any.
    pub stripe: Option<Arc<Stripe>>,
    /// Programs of users that are told of alerts.
    pub hooks: Hooks,
    /// Turns of the jobs that are no deadlines.
    pub jobs_at_once: Semaphore,
    /// Channels without configuration.
    pub channels_off: Vec<&'static str>,
    /// Cancelled when the server is to stop.
    pub stop: CancellationToken,
}

/// A part cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
    /// A key of `PRUUF_JWT_KEYS`.
    #[error("PRUUF_JWT_KEYS: {0}")]
    Key(#[from] BadKey),
    /// The PIN hasher.
    #[error(transparent)]
    Pin(#[from] CannotHash),
    /// A template, which is a bug.
    #[error("a template is broken: {0}")]
    Texts(#[from] crate::texts::TextsError),
    /// Payments.
    #[error("Stripe cannot be used: {0}")]
    Stripe(#[from] crate::billing::stripe::Failure),
    /// The HTTP client of webhooks.
    #[error("no HTTP client: {0}")]
    Client(#[from] reqwest::Error),
    /// The audit.
    #[error(transparent)]
    Watch(#[from] WatchError),
}

impl App {
    /// Makes the parts; nothing is connected yet.
    ///
    /// # Errors
    /// Which part cannot be made.
    pub fn new(config: &Config, stop: CancellationToken) -> Result<Self, AppError> {
        Ok(Self {
            db: Db::new(&config.database_url)?,
            tokens: Tokens::new(&config.secrets.jwt)?,
            pins: Pins::new(config.secrets.pin_peppers.clone())?,
            vault: Vault::new(config.secrets.data.clone()),
            public_url: config.public_url.as_str().trim_end_matches('/').to_owned(),
            texts: Texts::new()?,
            ear: Ear::default(),
            gate: Gate::new(config),
            watch: Watch::new(config.heartbeat_url.clone())?,
            webhooks: Webhooks::new(config),
            stripe: config
                .stripe
                .as_ref()
                .map(|stripe| Stripe::new(&stripe.url, &stripe.secret_key))
                .transpose()?
                .map(Arc::new),
            hooks: Hooks::new(config.webhooks_go_anywhere)?,
            jobs_at_once: Semaphore::new(JOBS_AT_ONCE),
            channels_off: config.channels_off(),
            stop,
        })
    }

    /// Takes in what is kept of data keys that were rotated away, for the codes of invitations from before (R3.1).
    ///
    /// # Errors
    /// When the database does not answer. A row that cannot be opened is reported, and no reason not to serve.
    pub async fn take_code_keys(&mut self) -> Result<(), DbError> {
        let kept: Vec<KeptRow> = self
            .db
            .rows(&Caller::worker(), "jobs.code_keys()", &[])
            .await
            .map_err(|problem| DbError::Unreachable(problem.title))?;
        for row in kept {
            if let Err(error) = self.vault.keep(row.id, &unhex(&row.sealed)) {
                tracing::error!(error = %error, code_key.id = %row.id, "a kept code key cannot be opened");
            }
        }
        Ok(())
    }
}

/// A row of `jobs.code_keys()`.
#[derive(Deserialize)]
struct KeptRow {
    id: Uuid,
    sealed: String,
}
