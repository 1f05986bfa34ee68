//! What only the database knows: every file under `tests/db` with pg_prove, what each role may do against the list
//! that was reviewed, the schema against its snapshot, and a stranger with a session of their own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;

use pruuf::db::release;
use pruuf::db::verify::SHIPPED;
use serde_json::Value;
use tokio::process::Command;
use tokio::sync::Semaphore;
use tokio_postgres::Client;
use tokio_postgres::error::SqlState;
use uuid::Uuid;

use crate::support::TestDatabase;

/// How many files are run at once: these machines have two cores, and other tests run beside this one.
const AT_ONCE: usize = 2;
const MISSING: &str = "pgTAP, plpgsql_check and pg_prove are needed: apt-get install postgresql-15-pgtap \
     postgresql-15-plpgsql-check libtap-parser-sourcehandler-pgtap-perl (or simply: tests/run)";
/// Rows for everybody in `tests/db/support/world.sql`.
const WORLD: &str = include_str!("../db/support/world.sql");
const STRANGER: Uuid = Uuid::from_u128(0xd);

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every file under `tests/db` that is a test of its own.
fn test_files() -> Vec<PathBuf> {
    let mut folders = vec![root().join("tests/db")];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                if !path.ends_with("support") {
                    folders.push(path);
                }
            } else if path.extension().is_some_and(|kind| kind == "sql") && !path.ends_with("schema.snapshot.sql") {
                files.push(path);
            }
        }
    }
    files.sort();
    files
}

/// A database with pgTAP and plpgsql_check in a schema of their own, so that `public` stays empty.
async fn database_with_tap() -> TestDatabase {
    let db = TestDatabase::create().await;
    let prepare = format!(
        "create schema tap; create extension pgtap schema tap; create extension plpgsql_check schema tap;
         grant usage on schema tap to public; alter database {} set search_path = tap",
        db.name
    );
    if let Err(error) = db.admin.batch_execute(&prepare).await {
        panic!("{MISSING}\n{error:?}");
    }
    db
}

/// Runs one file; the error is what pg_prove said.
async fn prove(file: &Path) -> Result<(), String> {
    let db = database_with_tap().await;
    let output = Command::new("pg_prove")
        .args(["--verbose", "--dbname", &db.admin_url()])
        .arg(file)
        .current_dir(root())
        .env_remove("PGOPTIONS")
        .stdin(Stdio::null())
        .output()
        .await
        .unwrap_or_else(|error| panic!("{MISSING}\npg_prove: {error}"));
    if output.status.success() {
        return Ok(());
    }
    let (said, complained) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let wrong: Vec<_> = said.lines().filter(|line| !line.starts_with("ok ")).collect();
    Err(format!("{}\n{}\n{complained}", file.display(), wrong.join("\n")))
}

/// R9.1, R3.4 and the rest: what the files say.
#[tokio::test]
async fn every_file_under_tests_db_passes() {
    let lanes = Arc::new(Semaphore::new(AT_ONCE));
    let running: Vec<_> = test_files()
        .into_iter()
        .map(|file| {
            let lanes = Arc::clone(&lanes);
            tokio::spawn(async move {
                let _lane = lanes.acquire_owned().await.unwrap();
                prove(&file).await
            })
        })
        .collect();
    let mut failed = Vec::new();
    for run in running {
        if let Err(output) = run.await.unwrap() {
            failed.push(output);
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

/// A table without a file that says who may touch it would slip through.
#[tokio::test]
async fn every_table_has_a_file_of_its_policies_and_its_tests() {
    let db = TestDatabase::create().await;
    let tables = db
        .admin
        .query("select c.relname::text, n.nspname::text from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname in ('data', 'billing', 'audit') and c.relkind in ('r', 'p') and not c.relispartition", &[])
        .await
        .unwrap();
    let file = |table: &tokio_postgres::Row| match table.get::<_, &str>(1) {
        "billing" => format!("billing_{}.sql", table.get::<_, &str>(0)),
        _ => format!("{}.sql", table.get::<_, &str>(0)),
    };
    let mut named: Vec<String> = tables.iter().map(file).collect();
    named.sort();
    let in_folder = |folder: &str| {
        let mut names: Vec<String> = fs::read_dir(root().join(folder))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            // Those of `meta`: bookkeeping, which holds nobody's data.
            .filter(|name| {
                name.ends_with(".sql") && !["clock.sql", "jobs.sql", "releases.sql"].contains(&name.as_str())
            })
            .collect();
        names.sort();
        names
    };
    assert_eq!(in_folder("sql/50_policies"), named);
    assert_eq!(in_folder("tests/db/policies"), named);
}

/// Compares a text with a reviewed file of the repository, or writes that file.
fn reviewed(path: &str, now: &str) {
    let path = root().join(path);
    if std::env::var_os("UPDATE_SNAPSHOT").is_some_and(|it| it == "1") {
        fs::write(&path, now).unwrap();
        return;
    }
    let reviewed = fs::read_to_string(&path).unwrap_or_default();
    let (was, is): (Vec<_>, Vec<_>) = (reviewed.lines().collect(), now.lines().collect());
    let gone = was.iter().filter(|line| !is.contains(line)).map(|line| format!("- {line}"));
    let new = is.iter().filter(|line| !was.contains(line)).map(|line| format!("+ {line}"));
    let changed: Vec<_> = gone.chain(new).collect();
    assert!(
        reviewed == now,
        "{} is not what the database is now:\n{}\nIf this is meant, write it anew and read the change:\n  \
         UPDATE_SNAPSHOT=1 cargo test --test http database::",
        path.display(),
        if changed.is_empty() { "(the order)".to_owned() } else { changed.join("\n") }
    );
}

/// What each role may do with each table, each function and each schema, and which rows: a reviewed list, in which a
/// new table or function shows at once.
const MATRIX: &str = SHIPPED[0].0;

/// R9.1: every grant and every policy is on a list that somebody read; a release over a release leaves the same.
#[tokio::test]
async fn r9_1_every_grant_and_every_policy_is_on_the_reviewed_list() {
    let db = TestDatabase::create().await;
    let now: String = db.admin.query_one(MATRIX, &[]).await.unwrap().get(0);
    reviewed("src/db/verify/access.txt", &now);
    db.admin.batch_execute("update meta.sql_files set sha256 = 'older'").await.unwrap();
    release::migrate(&db.admin_url().into()).await.unwrap();
    assert_eq!(db.admin.query_one(MATRIX, &[]).await.unwrap().get::<_, String>(0), now);
}

/// What `pruuf verify` compares a database with is what a fresh one has.
#[tokio::test]
async fn r9_1_what_verify_expects_is_a_fresh_database() {
    let db = TestDatabase::create().await;
    let now: String = db.admin.query_one(SHIPPED[1].0, &[]).await.unwrap().get(0);
    reviewed("src/db/verify/objects.txt", &now);
}

/// What pg_dump says of a fresh database: reviewed in every change. Bodies of functions are in `sql/`; the months of the
/// audit trail are all alike.
#[tokio::test]
async fn the_schema_is_the_snapshot() {
    let db = TestDatabase::create().await;
    let output = Command::new("pg_dump")
        .args([
            "--schema-only",
            "--no-owner",
            "--no-privileges",
            "--exclude-table",
            "audit.events_20*",
            "--dbname",
            &db.admin_url(),
        ])
        .output()
        .await
        .unwrap_or_else(|error| panic!("pg_dump is needed: apt-get install postgresql-client\n{error}"));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    reviewed("tests/db/schema.snapshot.sql", &without_noise(&String::from_utf8(output.stdout).unwrap()));
}

fn without_noise(dump: &str) -> String {
    let mut kept = vec![
        "-- pg_dump of a fresh database; bodies of functions left out. UPDATE_SNAPSHOT=1 cargo test --test http database:: writes it.",
    ];
    let mut in_body = false;
    for line in dump.lines() {
        if in_body {
            in_body = !line.contains("$$");
        } else if line.trim_start().starts_with("AS $$") {
            in_body = line.matches("$$").count() == 1;
            kept.push("    AS $$…$$;");
        } else if !(line.starts_with("--")
            || line.starts_with("SET ")
            || line.starts_with("SELECT pg_catalog.set_config")
            || line.starts_with('\\')
            || line.is_empty())
        {
            kept.push(line);
        }
    }
    kept.join("\n") + "\n"
}

/// A session that really logged in as `pruuf_server`, took the role of a user, and claims the stranger's id.
async fn stranger(db: &TestDatabase) -> Client {
    db.admin.batch_execute(WORLD).await.unwrap();
    db.session_as("pruuf_user", Some(STRANGER)).await
}

async fn tables(db: &TestDatabase) -> Vec<String> {
    db.admin
        .query("select format('%I.%I', n.nspname, c.relname) from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname in ('data', 'billing', 'audit', 'meta') and c.relkind in ('r', 'p') order by 1", &[])
        .await
        .unwrap()
        .iter()
        .map(|row| row.get(0))
        .collect()
}

/// Rows that are nobody's: numbers, kinds, the clock.
const OPEN_TO_USERS: [&str; 4] = ["billing.prices", "data.policies", "data.notification_kinds", "meta.clock"];

/// 0 rows, or refused for want of a grant or by a policy: nothing else is nothing.
#[track_caller]
fn nothing_came_of(what: &str, outcome: Result<u64, tokio_postgres::Error>) {
    match outcome {
        Ok(0) => {}
        Ok(rows) => panic!("{what}: {rows} rows"),
        // An identity column is refused to everybody, before the grants are looked at.
        Err(error) if error.code().is_some_and(|code| code.code() == "428C9") => {}
        Err(error) => assert_eq!(error.code(), Some(&SqlState::INSUFFICIENT_PRIVILEGE), "{what}: {error:?}"),
    }
}

/// R9.1, R3.4: whatever table and column there is, now or later.
#[tokio::test]
async fn r9_1_a_stranger_reads_and_writes_nothing_of_anybody() {
    let db = TestDatabase::create().await;
    let stranger = stranger(&db).await;
    for table in tables(&db).await {
        let is_month = table.contains("events_");
        let row: Value = db
            .admin
            .query_one(
                &format!(
                    "select (select to_jsonb(t) from {table} t {} limit 1)",
                    if table == "data.users" { "where name = 'Owner'" } else { "" }
                ),
                &[],
            )
            .await
            .unwrap()
            .get::<_, Option<Value>>(0)
            .unwrap_or(Value::Null);
        assert!(
            row.is_object() || is_month || table.starts_with("meta."),
            "tests/db/support/world.sql has no row in {table}"
        );
        let before = contents(&db, &table).await;
        let other = if table == "data.users" { format!("where id <> '{STRANGER}'") } else { String::new() };
        if !OPEN_TO_USERS.contains(&table.as_str()) {
            nothing_came_of(&table, stranger.execute(&format!("select from {table} {other}"), &[]).await);
        }
        let columns: Vec<String> = db
            .admin
            .query("select quote_ident(attname) from pg_attribute where attrelid = $1::text::regclass and attnum > 0 and not attisdropped", &[&table])
            .await
            .unwrap()
            .iter()
            .map(|row| row.get(0))
            .collect();
        for column in &columns {
            if !OPEN_TO_USERS.contains(&table.as_str()) {
                nothing_came_of(
                    &format!("{table}.{column}"),
                    stranger.execute(&format!("select {column} from {table} {other}"), &[]).await,
                );
            }
            nothing_came_of(
                &format!("update {table}.{column}"),
                stranger.execute(&format!("update {table} set {column} = {column}"), &[]).await,
            );
            nothing_came_of(
                &format!("null {table}.{column}"),
                stranger.execute(&format!("update {table} set {column} = default"), &[]).await,
            );
        }
        nothing_came_of(&format!("delete {table}"), stranger.execute(&format!("delete from {table}"), &[]).await);
        nothing_came_of(
            &format!("truncate {table}"),
            stranger.execute(&format!("truncate {table} cascade"), &[]).await,
        );
        nothing_came_of(
            &format!("lock {table}"),
            stranger
                .execute(&format!("lock table {table} in access share mode nowait"), &[])
                .await
                .or_else(lock_needs_a_transaction),
        );
        // Somebody else's row again: all of it, and as much of it as a user may write at all.
        let granted: Vec<String> = db
            .admin
            .query("select quote_ident(attname) from pg_attribute where attrelid = $1::text::regclass and attnum > 0 and not attisdropped and has_column_privilege('pruuf_user', attrelid, attnum, 'insert')", &[&table])
            .await
            .unwrap()
            .iter()
            .map(|row| row.get(0))
            .collect();
        for columns in [&columns, &granted] {
            if columns.is_empty() || row.is_null() {
                continue;
            }
            let list = columns.join(", ");
            let insert = format!(
                "insert into {table} ({list}) overriding system value select {list} from jsonb_populate_record(null::{table}, $1::jsonb)"
            );
            nothing_came_of(&insert, stranger.execute(&insert, &[&row]).await);
        }
        assert_eq!(contents(&db, &table).await, before, "{table} has changed");
    }
}

/// `lock table` outside of a transaction is an error of its own, which comes before the check of the grant.
fn lock_needs_a_transaction(error: tokio_postgres::Error) -> Result<u64, tokio_postgres::Error> {
    if error.code() == Some(&SqlState::NO_ACTIVE_SQL_TRANSACTION) { Ok(0) } else { Err(error) }
}

async fn contents(db: &TestDatabase, table: &str) -> Option<String> {
    db.admin
        .query_one(&format!("select md5(string_agg(t::text, '' order by t::text)) from {table} t"), &[])
        .await
        .unwrap()
        .get(0)
}

/// R9.1: the ways around the tables.
#[tokio::test]
async fn r9_1_a_stranger_gets_no_further_by_other_ways() {
    let db = TestDatabase::create().await;
    let stranger = stranger(&db).await;
    for attempt in [
        "set role pruuf_engine",
        "set role pruuf_owner",
        "set role pruuf_admin",
        "set session authorization pruuf_owner",
        "alter role pruuf_server bypassrls",
        "grant pruuf_engine to pruuf_server",
        "select meta.advance_clock('1 day')",
        "update meta.clock set ahead_by = '1 day'",
        "update meta.clock set rehearsal = true",
        "select audit.append('alert.resolved', '00000000-0000-0000-0000-00000000000a')",
        "select rules.lock_member('00000000-0000-0000-0000-00000000000a')",
        "select jobs.tick()",
        "select jobs.claim_deliveries('push', 100, 60)",
        "select rules.raise_missed('{}', now())",
        "select rules.open_next('00000000-0000-0000-0000-00000000000a', now())",
        "select rules.resolve_alert(null, 'closed', null, now())",
        "select rules.meet(null::data.obligations, null::data.check_ins)",
        "select rules.make_up_for_misses(null)",
        "select rules.overtake_misses(null, now())",
        "select rules.connect(null::data.invitations, null, now())",
        "select rules.start_session('00000000-0000-0000-0000-00000000000a', null, 'x', now())",
        "select rules.send_code(null, null, null, null, null, now())",
        "select rules.use_ticket('x', now())",
        "select api.set_policy('pin_tries', 20, 'because')",
        "select api.begin_session('email', 'Owner')",
        "select api.recover_pin('x', 'x', 'x', 'x')",
        "create temporary table mine (x integer)",
        "create schema mine",
        "create table public.mine (x integer)",
        "create function data.mine() returns void language sql as ''",
        "alter table data.alerts disable row level security",
        "drop policy member_reads_own_alerts on data.alerts",
        "create trigger mine before insert on data.check_ins execute function rules.tg_check_ins__stamp()",
        "copy data.users to '/tmp/users'",
        "copy data.users to program 'cat'",
        "select pg_read_file('/etc/passwd')",
        "create extension citext schema data",
        "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'pruuf_admin'",
        "select rolpassword from pg_authid",
    ] {
        let outcome = stranger.batch_execute(attempt).await;
        let error = outcome.expect_err(attempt);
        assert_eq!(error.code(), Some(&SqlState::INSUFFICIENT_PRIVILEGE), "{attempt}: {error:?}");
    }
    stranger.batch_execute("set row_security = off").await.unwrap();
    let refused = stranger.execute("select id from data.alerts", &[]).await.unwrap_err();
    assert_eq!(refused.code(), Some(&SqlState::INSUFFICIENT_PRIVILEGE));
}

/// R9.1: the server sees nothing before it takes a role, and nothing of anybody without an id.
#[tokio::test]
async fn r9_1_without_a_role_or_an_id_the_server_sees_nothing() {
    let db = TestDatabase::create().await;
    drop(stranger(&db).await);
    let server = db.session_as("none", Some(Uuid::from_u128(0xa))).await;
    let nobody = db.session_as("pruuf_user", None).await;
    let visitor = db.session_as("pruuf_anon", Some(Uuid::from_u128(0xa))).await;
    for table in tables(&db)
        .await
        .into_iter()
        .filter(|table| !table.starts_with("meta.") && !OPEN_TO_USERS.contains(&table.as_str()))
    {
        for (who, session) in [("server", &server), ("nobody", &nobody), ("visitor", &visitor)] {
            nothing_came_of(&format!("{who}: {table}"), session.execute(&format!("select from {table}"), &[]).await);
        }
    }
}
