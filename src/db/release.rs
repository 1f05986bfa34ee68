//! `pruuf migrate`: brings a database to the release in this binary (docs/conventions.md).

use std::sync::LazyLock;
use std::time::Duration;

use refinery::{Migration, Runner};
use secrecy::SecretString;
use sha2::{Digest as _, Sha256};
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, GenericClient};

use super::verify::differences;
use super::{DbError, settings, tls};

include!(concat!(env!("OUT_DIR"), "/embedded.rs"));

/// Files of these folders are applied one by one, each in a transaction of its own: they take locks on tables.
const ONE_BY_ONE: [&str; 2] = ["40_triggers/", "50_policies/"];
/// Statements of this folder run outside of a transaction, one by one: `create index concurrently`.
const INDEXES: &str = "35_indexes/";
/// How long a migration, or such a file, waits for a table before it steps aside: requests for that table wait behind it.
const LOCK_TIMEOUT: &str = "set lock_timeout = '300ms'";
/// How long it steps aside.
const LOCK_PAUSE: Duration = Duration::from_millis(1_000);
/// How often it tries: for about ten minutes. A backup may read a table for longer; then `pruuf migrate` fails.
const LOCK_TRIES: u32 = 450;
/// Whether servers of the release before this one may serve this database: whether this release only adds.
const IS_ADDITIVE: bool = true;
/// Indexes that were not finished.
const BROKEN_INDEXES: &str = "select i.indexrelid::regclass::text from pg_catalog.pg_index i
    join pg_catalog.pg_class c on c.oid = i.indexrelid join pg_catalog.pg_namespace n on n.oid = c.relnamespace
   where not i.indisvalid and n.nspname in ('data', 'billing', 'audit', 'meta')";
/// Puts a release on the list of those that this database has had, as the last one. One that comes back takes functions of its
/// successors away: servers of those may not go on.
pub const NOTE_RELEASE: &str =
    "insert into meta.releases as r (id, is_additive, applied_at) values ($1, $2, clock_timestamp())
    on conflict (id) do update set applied_at = excluded.applied_at,
      is_additive = r.is_additive and r.applied_at = (select max(l.applied_at) from meta.releases l)";
/// The advisory lock that one release holds against another.
const RELEASE_LOCK: &str = "select pg_try_advisory_lock(hashtextextended('pruuf release', 0))";

/// The release could not be applied; what had been applied before the error stays.
#[derive(Debug, thiserror::Error)]
pub enum ReleaseError {
    /// The database cannot be used at all.
    #[error(transparent)]
    Db(#[from] DbError),
    /// A statement outside of the files failed.
    #[error("{}", .0.as_db_error().map_or_else(|| .0.to_string(), |error| error.message().to_owned()))]
    Postgres(#[from] tokio_postgres::Error),
    /// A migration failed, or one that has landed was edited.
    #[error("migration: {0}")]
    Migration(#[from] refinery::Error),
    /// A file under sql/ failed.
    #[error("sql/{path}: {message}")]
    File {
        /// Which one.
        path: &'static str,
        /// What PostgreSQL said.
        message: String,
    },
}

/// What a release changed.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Released {
    /// How many migrations ran.
    pub migrations: usize,
    /// How many files under sql/ were applied.
    pub files: usize,
    /// How many differences from what this release ships were left: somebody's own changes.
    pub differences: usize,
}

/// Migrates the database of this URL, which must belong to a superuser or to a member of `pruuf_owner`.
///
/// # Errors
/// The first thing that failed. Everything may run again.
pub async fn migrate(url: &SecretString) -> Result<Released, ReleaseError> {
    let (mut client, connection) = settings(url)?.connect(tls()?).await?;
    let connection = tokio::spawn(connection);
    let released = migrate_with(&mut client).await;
    drop(client);
    let _ = connection.await;
    released
}

async fn migrate_with(client: &mut Client) -> Result<Released, ReleaseError> {
    client.batch_execute("set client_min_messages = warning").await?;
    // Asked for again and again: a session that waits for it has a snapshot, for which the other's `create index concurrently` waits.
    while !client.query_one(RELEASE_LOCK, &[]).await?.get::<_, bool>(0) {
        tokio::time::sleep(LOCK_PAUSE).await;
    }
    client.batch_execute("create schema if not exists meta").await?;
    if client.query_opt("select from pg_catalog.pg_roles where rolname = 'pruuf_owner' and pg_has_role(oid, 'usage') and to_regclass('meta.schema_history') is not null", &[]).await?.is_some() {
        client.batch_execute("set role pruuf_owner").await?;
    }
    let migrations = MIGRATIONS
        .iter()
        .map(|(path, sql)| Migration::unapplied(path.trim_end_matches(".sql"), sql))
        .collect::<Result<Vec<_>, _>>()?;
    let mut runner = Runner::new(&migrations);
    runner.set_migration_table_name("meta.schema_history");
    client.batch_execute(LOCK_TIMEOUT).await?;
    let migrations = run_migrations(client, &runner).await?;
    client.batch_execute("set role pruuf_owner; reset lock_timeout").await?;
    let files = apply_files(client).await?;
    if migrations + files > 0 || !is_current(client).await? {
        client.execute(NOTE_RELEASE, &[&*RELEASE, &IS_ADDITIVE]).await?;
    }
    let differences = differences(client).await?.len();
    Ok(Released { migrations, files, differences })
}

async fn run_migrations(client: &mut Client, runner: &Runner) -> Result<usize, ReleaseError> {
    let mut applied = 0;
    for tries_left in (0..LOCK_TRIES).rev() {
        match runner.run_async(client).await {
            Ok(report) => return Ok(applied + report.applied_migrations().len()),
            Err(error) if tries_left > 0 && is_locked_out(&error) => {
                applied += error.report().map_or(0, |report| report.applied_migrations().len());
            }
            Err(error) => return Err(error.into()),
        }
        tokio::time::sleep(LOCK_PAUSE).await;
    }
    unreachable!("the last try returns")
}

/// Whether a table was in somebody's hand for too long.
fn is_locked_out(error: &refinery::Error) -> bool {
    let mut cause: Option<&dyn std::error::Error> = Some(error);
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<tokio_postgres::Error>() {
            return error.code() == Some(&SqlState::LOCK_NOT_AVAILABLE);
        }
        cause = error.source();
    }
    false
}

async fn apply_files(client: &mut Client) -> Result<usize, ReleaseError> {
    let changed = changed_files(client).await?;
    if changed.is_empty() {
        return Ok(0);
    }
    let is_one_by_one = |path: &str| ONE_BY_ONE.iter().any(|folder| path.starts_with(folder));
    let (first, last): (Vec<_>, Vec<_>) = SQL_FILES
        .iter()
        .filter(|(path, _)| !is_one_by_one(path) && !path.starts_with(INDEXES))
        .partition(|(path, _)| *path < ONE_BY_ONE[0]);
    // Together: the first of them takes the grants away that the others give.
    let transaction = client.transaction().await?;
    for file in first {
        apply(&transaction, file).await?;
    }
    transaction.commit().await?;
    client.batch_execute(LOCK_TIMEOUT).await?;
    for file in SQL_FILES.iter().filter(|(path, _)| is_one_by_one(path) && changed.contains(path)) {
        apply_when_the_table_is_free(client, file).await?;
    }
    client.batch_execute("reset lock_timeout").await?;
    for file in SQL_FILES.iter().filter(|(path, _)| path.starts_with(INDEXES) && changed.contains(path)) {
        make_indexes(client, file).await?;
    }
    for file in last {
        let transaction = client.transaction().await?;
        apply(&transaction, file).await?;
        transaction.commit().await?;
    }
    Ok(changed.len())
}

async fn apply_when_the_table_is_free(client: &mut Client, file: &'static (&str, &str)) -> Result<(), ReleaseError> {
    for tries_left in (0..LOCK_TRIES).rev() {
        let transaction = client.transaction().await?;
        match transaction.batch_execute(file.1).await {
            Ok(()) => {
                note(&transaction, file).await?;
                transaction.commit().await?;
                return Ok(());
            }
            Err(error) if tries_left > 0 && error.code() == Some(&SqlState::LOCK_NOT_AVAILABLE) => {
                transaction.rollback().await?;
                tokio::time::sleep(LOCK_PAUSE).await;
            }
            Err(error) => return Err(failed(file, &error)),
        }
    }
    unreachable!("the last try returns")
}

/// Makes indexes beside running requests: waits for every transaction that is older, and nobody waits for it.
async fn make_indexes(client: &Client, file: &'static (&str, &str)) -> Result<(), ReleaseError> {
    for statement in file.1.split_inclusive(';').filter(|it| !it.trim().is_empty()) {
        // One that was broken off stays, serves nobody, and its name is taken.
        for broken in client.query(BROKEN_INDEXES, &[]).await? {
            client.batch_execute(&format!("drop index concurrently if exists {}", broken.get::<_, &str>(0))).await?;
        }
        client.batch_execute(statement).await.map_err(|error| failed(file, &error))?;
    }
    note(client, file).await
}

async fn apply(client: &impl GenericClient, file: &'static (&str, &str)) -> Result<(), ReleaseError> {
    client.batch_execute(file.1).await.map_err(|error| failed(file, &error))?;
    note(client, file).await
}

async fn note(client: &impl GenericClient, (path, text): &(&str, &str)) -> Result<(), ReleaseError> {
    client
        .execute(
            "insert into meta.sql_files (path, sha256) values ($1, $2) \
             on conflict (path) do update set sha256 = excluded.sha256, applied_at = now()",
            &[path, &sha256(text)],
        )
        .await?;
    Ok(())
}

fn failed((path, _): &(&'static str, &str), error: &tokio_postgres::Error) -> ReleaseError {
    let message = error.as_db_error().map_or_else(
        || error.to_string(),
        |error| format!("{} {}", error.message(), error.where_().unwrap_or_default()),
    );
    ReleaseError::File { path, message }
}

async fn changed_files(client: &impl GenericClient) -> Result<Vec<&'static str>, tokio_postgres::Error> {
    let known: std::collections::HashMap<String, String> = client
        .query("select path, sha256 from meta.sql_files", &[])
        .await?
        .into_iter()
        .map(|row| (row.get(0), row.get(1)))
        .collect();
    Ok(SQL_FILES.iter().filter(|(path, text)| known.get(*path) != Some(&sha256(text))).map(|(path, _)| *path).collect())
}

/// How a database's release fits this binary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fit {
    /// It is the release of this binary.
    Current,
    /// It is a later one, which adds to this binary's: what this binary calls is still there.
    Later,
    /// Its release is older, or not to be served by this binary.
    Other,
}

/// How the release of this database fits this binary.
///
/// # Errors
/// When it does not answer.
pub async fn fit(client: &impl GenericClient) -> Result<Fit, tokio_postgres::Error> {
    if is_current(client).await? {
        return Ok(Fit::Current);
    }
    if client.query_one("select to_regclass('meta.releases')::text", &[]).await?.get::<_, Option<&str>>(0).is_none() {
        return Ok(Fit::Other);
    }
    let sql = "select exists (select from meta.releases r where r.id = $1 and exists (
                   select from meta.releases l where l.applied_at > r.applied_at)
                 and not exists (select from meta.releases l where l.applied_at > r.applied_at and not l.is_additive))";
    let is_served: bool = client.query_one(sql, &[&*RELEASE]).await?.get(0);
    Ok(if is_served { Fit::Later } else { Fit::Other })
}

/// Whether this database has every migration and every file of this binary, and no newer migration.
async fn is_current(client: &impl GenericClient) -> Result<bool, tokio_postgres::Error> {
    let known = client
        .query_one("select to_regclass('meta.releases') is not null and to_regclass('meta.sql_files') is not null", &[])
        .await?;
    if !known.get::<_, bool>(0) {
        return Ok(false);
    }
    let last = "select count(*), (select r.id from meta.releases r order by r.applied_at desc limit 1) = $1 from meta.schema_history";
    let row = client.query_one(last, &[&*RELEASE]).await?;
    let is_last = row.get::<_, Option<bool>>(1) == Some(true);
    Ok(is_last && row.get::<_, i64>(0) == MIGRATIONS.len() as i64 && changed_files(client).await?.is_empty())
}

/// What this binary's release is called: a hash of all its SQL.
static RELEASE: LazyLock<String> = LazyLock::new(|| {
    let all: String = MIGRATIONS.iter().chain(SQL_FILES).flat_map(|(path, text)| [*path, *text]).collect();
    sha256(&all)
});

fn sha256(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}
