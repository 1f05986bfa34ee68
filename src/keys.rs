//! `pruuf keys rotate`: everything is sealed anew under the first data key (rule R9.3), while servers go on serving.
//! The order for whoever does it is in docs/operations.md.

use std::fmt;
use std::time::Duration;

use futures_util::future::join_all;
use secrecy::SecretString;
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, Error};
use uuid::Uuid;

use crate::config::Key;
use crate::db::{DbError, settings, tls};
use crate::vault::{
    CODE_KEY_CONTEXT, CannotOpen, POSITION_CONTEXT, Vault, WEBHOOK_CONTEXT, WEBHOOK_SECRET_CONTEXT,
    WELFARE_CARD_CONTEXT,
};

/// As narrow as the job (R9.1); and a wait for a row in use is short, so that whoever comes behind it waits no longer.
const SESSION: &str = "set role pruuf_keeper; set lock_timeout = '300ms'; set statement_timeout = '60s'";
/// How many values are read at once; each is written in a transaction of its own.
const BATCH: i32 = 500;
/// How often is looked again at what is in use, and how long is waited before.
const TRIES: u32 = 20;
const PAUSE: Duration = Duration::from_millis(500);

/// A column of sealed values that are found by their row's id, which they are bound to.
struct Column {
    table: &'static str,
    id: &'static str,
    /// What stands before the id in their context.
    context: &'static [u8],
}

/// All such columns. Addresses are found by their lookups instead: `jobs.move_address`.
const COLUMNS: &[Column] = &[
    Column { table: "data.code_keys", id: "id", context: CODE_KEY_CONTEXT },
    Column { table: "data.welfare_cards", id: "user_id", context: WELFARE_CARD_CONTEXT },
    Column { table: "data.positions", id: "id", context: POSITION_CONTEXT },
    Column { table: "data.webhooks", id: "id", context: WEBHOOK_CONTEXT },
    Column { table: "data.webhook_secrets", id: "id", context: WEBHOOK_SECRET_CONTEXT },
];

/// Nothing more can be done; what was done stays.
#[derive(Debug, thiserror::Error)]
pub enum RotateError {
    /// The database cannot be used.
    #[error(transparent)]
    Db(#[from] DbError),
    /// It refused something. Its message alone: the detail may hold a row.
    #[error("{}", .0.as_db_error().map_or_else(|| .0.to_string(), |error| error.message().to_owned()))]
    Postgres(#[from] Error),
    /// What is to be kept of a key cannot be sealed.
    #[error(transparent)]
    Seal(#[from] CannotOpen),
}

/// What was done, and what was not.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Rotated {
    /// Addresses that were moved to the first key, each with all its rows.
    pub addresses: u64,
    /// Other values sealed anew.
    pub values: u64,
    /// What no key of the list opens.
    pub lost: u64,
    /// What was in use all the time.
    pub busy: u64,
    /// Addresses that are there under both keys: a server wrote while it had another list than the others.
    pub twice: u64,
}

impl Rotated {
    /// Whether nothing is left under another key than the first.
    #[must_use]
    pub fn is_all(&self) -> bool {
        (self.lost, self.busy, self.twice) == (0, 0, 0)
    }

    fn has_moved(&self) -> bool {
        (self.addresses, self.values) != (0, 0)
    }

    /// Counts what became of one value.
    fn count(&mut self, outcome: Result<bool, Error>, is_address: bool) -> Result<(), Error> {
        match outcome {
            Ok(true) if is_address => self.addresses += 1,
            Ok(true) => self.values += 1,
            // Somebody else was quicker.
            Ok(false) => {}
            Err(error) => match error.code() {
                Some(&(SqlState::LOCK_NOT_AVAILABLE | SqlState::T_R_DEADLOCK_DETECTED)) => self.busy += 1,
                Some(&SqlState::UNIQUE_VIOLATION) => self.twice += 1,
                _ => return Err(error),
            },
        }
        Ok(())
    }
}

impl fmt::Display for Rotated {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(to, "{} addresses and {} other values were sealed anew", self.addresses, self.values)?;
        if self.is_all() {
            return write!(to, "; nothing is left under another key");
        }
        write!(to, "; left are {} that no key of the list opens, ", self.lost)?;
        write!(to, "{} that were in use, {} that are there under two keys", self.busy, self.twice)
    }
}

/// Seals everything anew under the first key. May be stopped and started again at any time, and run twice at once.
///
/// # Errors
/// When the database does not answer, or refuses: the URL must be a superuser's, or a member's of `pruuf_owner`.
pub async fn rotate(url: &SecretString, keys: Vec<Key>) -> Result<Rotated, RotateError> {
    let vault = Vault::new(keys);
    let (client, connection) = settings(url)?.connect(tls()?).await?;
    tokio::spawn(connection);
    client.batch_execute(SESSION).await?;
    // First: from here on the old keys may go as soon as nothing is sealed under them.
    for kept in vault.code_keys_to_keep()? {
        let insert =
            "insert into data.code_keys (id, key_id, sealed) values ($1, $2, $3) on conflict (key_id) do nothing";
        client.execute(insert, &[&kept.id, &kept.key_id, &kept.sealed]).await?;
    }
    let mut rotated = Rotated::default();
    let mut tries = 0;
    loop {
        let pass = pass(&client, &vault).await?;
        rotated.addresses += pass.addresses;
        rotated.values += pass.values;
        (rotated.lost, rotated.busy, rotated.twice) = (pass.lost, pass.busy, pass.twice);
        if !pass.has_moved() {
            tries += 1;
            if pass.busy == 0 || tries == TRIES {
                return Ok(rotated);
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
}

/// Once through everything.
async fn pass(client: &Client, vault: &Vault) -> Result<Rotated, Error> {
    let mut pass = Rotated::default();
    move_addresses(client, vault, &mut pass).await?;
    for column in COLUMNS {
        reseal(client, vault, column, &mut pass).await?;
    }
    Ok(pass)
}

async fn move_addresses(client: &Client, vault: &Vault, pass: &mut Rotated) -> Result<(), Error> {
    let find = client.prepare("select * from jobs.addresses_to_move($1, $2, $3)").await?;
    let put = client.prepare("select jobs.move_address($1, $2, $3, $4)").await?;
    let mut after: Vec<u8> = Vec::new();
    loop {
        let rows = client.query(&find, &[&vault.first_key_id(), &after, &BATCH]).await?;
        let Some(last) = rows.last() else { return Ok(()) };
        after = last.get("lookup");
        let mut moves = Vec::new();
        for row in &rows {
            let (kind, lookup, sealed): (String, Vec<u8>, Vec<u8>) = (row.get(0), row.get(1), row.get(2));
            let opened = vault.open(&lookup, &sealed);
            let Ok(anew) = opened.and_then(|address| vault.seal_address(&kind, &address)) else {
                pass.lost += 1;
                continue;
            };
            moves.push(async {
                let (kind, lookup, anew, put) = (kind, lookup, anew, &put);
                client.query_one(put, &[&kind, &lookup, &anew.lookup, &anew.sealed]).await.map(|row| row.get(0))
            });
        }
        for outcome in join_all(moves).await {
            pass.count(outcome, true)?;
        }
    }
}

async fn reseal(client: &Client, vault: &Vault, column: &Column, pass: &mut Rotated) -> Result<(), Error> {
    let Column { table, id, context } = column;
    let find = format!(
        "select {id}, sealed from {table} where {id} > $1 and substr(sealed, 2, 4) <> $2 order by {id} limit {BATCH}"
    );
    // Only if it is still what was read: who wrote meanwhile wrote the truth, and under a new key.
    let put = format!("update {table} set sealed = $3 where {id} = $1 and sealed = $2");
    let mut after = Uuid::nil();
    loop {
        let rows = client.query(&find, &[&after, &vault.first_key_id()]).await?;
        let Some(last) = rows.last() else { return Ok(()) };
        after = last.get(0);
        for row in &rows {
            let (id, sealed): (Uuid, Vec<u8>) = (row.get(0), row.get(1));
            let context = [*context, id.as_bytes()].concat();
            let Ok(anew) = vault.open(&context, &sealed).and_then(|plain| vault.seal(&context, &plain)) else {
                pass.lost += 1;
                continue;
            };
            pass.count(client.execute(&put, &[&id, &sealed, &anew]).await.map(|rows| rows > 0), false)?;
        }
    }
}
