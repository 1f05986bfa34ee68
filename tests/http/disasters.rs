//! What a machine or a cluster may do to us as a whole: lost and restored, full, or taken by others (docs/operations.md).

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Write as _;
use std::path::Path;

use pruuf::db::release::{self, Released};
use pruuf::dev::cluster::{Cluster, RestartMode};
use serde_json::json;
use tokio::process::Command;
use tokio_postgres::NoTls;
use tokio_postgres::error::SqlState;

use crate::support::database::{connect, own_cluster, throw_away};
use crate::support::{TestDatabase, World, at_once};

async fn run(program: &str, args: &[&str]) -> String {
    let done = Command::new(program).args(args).output().await.unwrap();
    assert!(done.status.success(), "{program}: {}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).unwrap()
}

/// Everything but the data, with owners and grants, which stand in no order; `between` is rewritten with other parentheses.
async fn schema(url: &str) -> BTreeSet<String> {
    let dump = run("pg_dump", &["--schema-only", "--dbname", url]).await;
    // What begins with a backslash is another one in every dump.
    dump.lines().filter(|line| !line.starts_with('\\')).map(|line| line.replace(['(', ')'], "")).collect()
}

/// As docs/operations.md says.
async fn restore(from: &Cluster, to: &Cluster, directory: &Path) {
    let (roles, dump) = (directory.join("roles.sql"), directory.join("pruuf.dump"));
    let (roles, dump) = (roles.to_str().unwrap(), dump.to_str().unwrap());
    let (old, new) = (from.admin_url("pruuf"), to.admin_url("postgres"));
    run("pg_dumpall", &["--roles-only", "--no-role-passwords", "--file", roles, "--dbname", &old]).await;
    run("pg_dump", &["--format", "custom", "--file", dump, "--dbname", &old]).await;
    run("psql", &["--quiet", "--file", roles, &new]).await;
    run("pg_restore", &["--create", "--exit-on-error", "--dbname", &new, dump]).await;
}

/// R9.5; shared/targets.md: a restore from a backup that was made while the server ran.
#[tokio::test]
async fn r9_5_what_was_restored_watches_over_everybody_again_and_says_nothing_twice() {
    let (lost, lost_directory) = own_cluster(&[]).await;
    let mut world = World::on(TestDatabase::create_in(&lost, "pruuf").await).await;
    world.start_server().await;
    let (told, awaited, ben) = (world.crowd(3, 2).await, world.crowd(3, 2).await, world.person("Ben").await);
    world.miss(&told.members).await;
    world.expect_everywhere(&told).await;
    world.settle().await;

    let (cluster, directory) = own_cluster(&[]).await;
    restore(&lost, &cluster, &directory).await;
    let before = schema(&world.db.admin_url()).await;
    world.stop_all().await;
    world.db = TestDatabase::found_in(&cluster, "pruuf").await;
    throw_away(lost, lost_directory).await;

    let after = schema(&world.db.admin_url()).await;
    let other: Vec<_> = before.symmetric_difference(&after).collect();
    assert!(other.is_empty(), "{other:#?}");
    assert_eq!(pruuf::db::verify::verify(&world.db.admin_url().into()).await.unwrap(), Vec::<String>::new());
    assert_eq!(release::migrate(&world.db.admin_url().into()).await.unwrap(), Released::default());
    world.start_server().await;
    world.get(&ben, "/v1/me/today").await.expect(200);
    world.miss(&awaited.members).await;
    world.expect_everywhere(&awaited).await;
    world.settle().await;
    for crowd in [&told, &awaited] {
        world.one_alert_each(&crowd.members).await;
        for place in &crowd.places {
            assert_eq!(world.arrived_at(place), 1, "{place:?}");
        }
    }
    assert_eq!(world.admin_json("select * from jobs.audit()").await, json!([]));
    world.verify_trail().await;
    world.stop_servers().await;
    throw_away(cluster, directory).await;
}

/// R9.5; shared/targets.md: exhausted connections.
#[tokio::test]
async fn r9_5_when_others_have_every_connection_alerts_go_out_and_requests_are_told_to_come_again() {
    let (cluster, directory) = own_cluster(&[("max_connections", "40")]).await;
    let mut world = World::on(TestDatabase::create_in(&cluster, "pruuf").await).await;
    world.start_server().await;
    let (ben, first, second) = (world.person("Ben").await, world.crowd(1, 3).await, world.crowd(20, 3).await);
    world.miss(&first.members).await;
    world.expect_everywhere(&first).await;
    world.settle().await;

    let mut others = Vec::new();
    let refused = loop {
        match tokio_postgres::connect(&world.db.server_url(), NoTls).await {
            Ok((client, connection)) => {
                tokio::spawn(connection);
                others.push(client);
            }
            Err(error) => break error,
        }
    };
    assert_eq!(refused.code(), Some(&SqlState::TOO_MANY_CONNECTIONS), "{refused:?}");
    world.miss(&second.members).await;
    world.expect_everywhere(&second).await;
    let answers = at_once((0..40).map(|_| world.get(&ben, "/v1/me/today"))).await;
    for answer in answers {
        if answer.status != 200 {
            assert_eq!(answer.headers["retry-after"], "1");
            answer.refused(503, "unavailable");
        }
    }

    drop(others);
    world.settle().await;
    world.one_alert_each(&second.members).await;
    for answer in at_once((0..8).map(|_| world.get(&ben, "/v1/me/today"))).await {
        answer.expect(200);
    }
    for place in first.places.iter().chain(&second.places) {
        assert_eq!(world.arrived_at(place), 1, "{place:?}");
    }
    world.stop_servers().await;
    throw_away(cluster, directory).await;
}

/// R9.5; shared/targets.md: a full disk: first for tables, then for the write-ahead log too, which PostgreSQL does not survive.
#[tokio::test]
#[ignore = "wants a small disk: tests/faults/disk"]
async fn r9_5_a_full_disk_loses_nothing() {
    let (cluster, directory) = own_cluster(&[("max_wal_size", "48MB"), ("min_wal_size", "32MB")]).await;
    let mut world = World::on(TestDatabase::create_in(&cluster, "pruuf").await).await;
    world.start_server().await;
    let (ben, crowd) = (world.person("Ben").await, world.crowd(20, 3).await);
    let soon = "update data.obligations
                   set local_on = local_on - 1, opens_at = rules.clock(), due_at = rules.clock() + interval '1 second',
                       alert_at = rules.clock() + interval '2 seconds'
                 where member_id = any ($1) and state = 'open'";
    world.db.admin.execute(soon, &[&crowd.members]).await.unwrap();
    let ballast = directory.join("ballast");
    let mut file = File::create(&ballast).unwrap();
    while file.write_all(&[0; 4096]).is_ok() {}

    let is_late =
        "select max(alert_at) < rules.clock() - interval '2 seconds' from data.obligations where member_id = any ($1)";
    let mut kept = 0;
    while !world.db.admin.query_one(is_late, &[&crowd.members]).await.unwrap().get::<_, bool>(0) {
        let answer = world.post(&ben, "/v1/me/check-ins", json!({})).await;
        if answer.status == 201 {
            kept += 1;
        } else {
            answer.refused(503, "unavailable");
        }
    }
    assert_eq!(world.missing(&crowd).len(), crowd.places.len());
    while !world.db.admin.is_closed() {
        // Fails for want of a new file of the log, some time; what it says by then is PostgreSQL's matter.
        let _ = world
            .db
            .admin
            .batch_execute("select pg_switch_wal(), pg_logical_emit_message(false, '', repeat('x', 4096))")
            .await;
    }
    world.post(&ben, "/v1/me/check-ins", json!({})).await.refused(503, "unavailable");

    drop(file);
    std::fs::remove_file(&ballast).unwrap();
    cluster.restart(RestartMode::Immediate).await.unwrap();
    world.db.admin = connect(&world.db.admin_url()).await;
    world.expect_everywhere(&crowd).await;
    world.settle().await;
    world.one_alert_each(&crowd.members).await;
    for place in &crowd.places {
        assert_eq!(world.arrived_at(place), 1, "{place:?}");
    }
    assert_eq!(world.number("select count(*) from data.check_ins where member_id = $1", &[&ben.id]).await, kept);
    world.post(&ben, "/v1/me/check-ins", json!({})).await.expect(201);
    world.stop_servers().await;
    throw_away(cluster, directory).await;
}
