//! No statement reads a growing table without an index, and no database of a test has seen a deadlock (R9.5): here is
//! shown that what holds this in every other test (support/plans.rs, support/database.rs) sees what it is there for.

use std::collections::BTreeSet;

use crate::support::database::connect;
use crate::support::plans::{Catalogue, GROWS, MAY_READ_ALL, STAYS_SMALL, UNSETTLED};
use crate::support::{PATIENCE, TestDatabase};

/// What is found in a database in which a server asks this.
async fn found(statement: &str) -> Vec<String> {
    let db = TestDatabase::create().await;
    // As a server connects: `support::connect` says that it is a test.
    let (client, connection) = tokio_postgres::connect(&db.server_url(), tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    client.batch_execute(&format!("set role pruuf_worker; {statement}")).await.unwrap();
    db.end().offences.into_keys().map(|it| format!("{} {}: {}", it.function, it.table, it.how)).collect()
}

#[tokio::test]
async fn r9_5_a_statement_that_reads_a_growing_table_whole_is_found() {
    let whole = "select count(*) from data.deliveries d where d.attempts = 3";
    let by_second_key = "set enable_seqscan = on; set enable_bitmapscan = off; set seq_page_cost = 1e6;
        select o.due_at from data.obligations o where o.due_at > now() and o.local_on > '2020-01-01'";
    // A partial index serves whoever looks for its first key, and is read whole by others.
    let partial = "select from data.connections c where c.ended_at is null and c.tier = 'primary'";
    for (statement, table) in
        [(whole, "data.deliveries"), (by_second_key, "data.obligations"), (partial, "data.connections")]
    {
        let found = found(statement).await;
        let begins = format!("the server {table}: the whole ");
        assert!(found.len() == 1 && found[0].starts_with(&begins), "{statement}: {found:?}");
    }
}

#[tokio::test]
async fn r9_5_a_statement_inside_of_a_function_is_found_and_named() {
    let db = TestDatabase::create().await;
    let careless = "create function jobs.careless() returns bigint language plpgsql volatile set search_path = '' as $$
        begin return (select count(*) from data.notifications n where n.facts ->> 'x' = 'y'); end $$;
        grant execute on function jobs.careless() to pruuf_worker";
    db.admin.batch_execute(careless).await.unwrap();
    // Also when a test calls it as the worker; what the test itself reads does not count.
    let worker = db.session_as("pruuf_worker", None).await;
    worker.query_one("select jobs.careless(), (select count(*) from data.deliveries)", &[]).await.unwrap();
    let found: Vec<_> = db.end().offences.into_keys().collect();
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!((found[0].function.as_str(), found[0].table.as_str()), ("jobs.careless", "data.notifications"));
}

#[tokio::test]
async fn r9_5_what_an_index_serves_is_left_alone() {
    for statement in [
        "select from data.deliveries d where d.id = '00000000-0000-0000-0000-000000000001'",
        "select d.id from data.deliveries d where d.state = 'pending' and d.expires_at <= now() order by d.expires_at",
        "select from data.check_ins c where c.member_id in (select u.id from data.users u order by u.id limit 10)",
        "select s.place from audit.seals s order by s.place desc limit 1",
        "select from data.notifications n where n.facts = '{}' and false",
        "select count(*) from data.policies",
    ] {
        assert_eq!(found(statement).await, [""; 0], "{statement}");
    }
}

#[tokio::test]
async fn r9_5_every_table_is_known_to_grow_or_to_stay_small() {
    let db = TestDatabase::create().await;
    let sql = "select c.oid::regclass::text from pg_class c join pg_namespace n on n.oid = c.relnamespace
                where n.nspname in ('data', 'billing', 'audit') and c.relkind in ('r', 'p') and not c.relispartition";
    let tables: BTreeSet<String> = db.admin.query(sql, &[]).await.unwrap().iter().map(|row| row.get(0)).collect();
    let listed: BTreeSet<String> = GROWS.iter().chain(STAYS_SMALL).map(|&table| table.to_owned()).collect();
    assert_eq!(listed, tables, "left: the lists in tests/http/support/plans.rs, right: the tables");
    assert_eq!(listed.len(), GROWS.len() + STAYS_SMALL.len(), "a table is on one of the lists");
    let catalogue = Catalogue::of(&db.admin).await;
    for index in UNSETTLED {
        assert!(catalogue.has_index(index), "{index} is gone");
    }
    for (function, table, _) in MAY_READ_ALL {
        let is_there = "select exists (select from pg_proc p where p.oid = to_regproc($1) or p.proname = $1)";
        assert!(db.admin.query_one(is_there, &[function]).await.unwrap().get::<_, bool>(0), "{function} is gone");
        assert!(GROWS.contains(table), "{table} does not grow");
    }
}

#[tokio::test]
async fn r9_5_a_deadlock_is_seen_when_its_database_ends() {
    let db = TestDatabase::create().await;
    let rows = "create table public.rows (id integer primary key); insert into public.rows values (1), (2)";
    db.admin.batch_execute(rows).await.unwrap();
    let (one, other) = (connect(&db.admin_url()).await, connect(&db.admin_url()).await);
    let lock = ["select from public.rows where id = 1 for update", "select from public.rows where id = 2 for update"];
    one.batch_execute(&format!("begin; {}", lock[0])).await.unwrap();
    other.batch_execute(&format!("begin; {}", lock[1])).await.unwrap();
    let both = async { tokio::join!(one.batch_execute(lock[1]), other.batch_execute(lock[0])) };
    let (first, second) = tokio::time::timeout(PATIENCE, both).await.unwrap();
    assert!(first.is_err() != second.is_err(), "one of the two is told to come again");
    assert_eq!(db.end().deadlocks, 1);
}
