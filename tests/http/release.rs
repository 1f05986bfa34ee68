//! `pruuf migrate`: once, twice, two at once, live; and what `serve` refuses.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use pruuf::db::DbError;
use pruuf::db::release::{self, Released};
use pruuf::db::verify::verify;
use pruuf::server::{Server, StartError};
use serde_json::json;
use uuid::Uuid;

use crate::support::database::connect;
use crate::support::{PATIENCE, TestDatabase, World};

/// How many calls the live replacement has to survive at least.
const CALLS: usize = 300;

async fn migrate(url: &str) -> Released {
    release::migrate(&url.to_owned().into()).await.unwrap()
}

/// Makes these files look as if an older release had applied them.
async fn age(db: &TestDatabase, files: &str) -> u64 {
    db.admin
        .execute("update meta.sql_files set sha256 = 'older', applied_at = '2000-01-01' where path like $1", &[&files])
        .await
        .unwrap()
}

/// A database of its own with nothing in it; its URL for the superuser.
async fn empty_database(db: &TestDatabase, owner: Option<&str>) -> String {
    let name = format!("test_{}", Uuid::new_v4().simple());
    db.admin
        .batch_execute(&format!("create database {name} {}", owner.map(|it| format!("owner {it}")).unwrap_or_default()))
        .await
        .unwrap();
    db.admin_url().replace(&db.name, &name)
}

/// A login of its own, with a password.
async fn login(db: &TestDatabase, options: &str) -> (String, impl Fn(&str) -> String) {
    let role = format!("login_{}", Uuid::new_v4().simple());
    db.admin.batch_execute(&format!("create role {role} login password 'secret' {options}")).await.unwrap();
    let to = role.clone();
    let with_login = move |url: &str| {
        let mut url: reqwest::Url = url.parse().unwrap();
        url.set_username(&to).unwrap();
        url.set_password(Some("secret")).unwrap();
        url.to_string()
    };
    (role, with_login)
}

#[tokio::test]
async fn a_second_migrate_changes_nothing() {
    let db = TestDatabase::create().await;
    assert_eq!(migrate(&db.admin_url()).await, Released { migrations: 0, files: 0, differences: 0 });
}

#[tokio::test]
async fn two_at_once_both_succeed() {
    let db = TestDatabase::create().await;
    let url = empty_database(&db, None).await;
    let (one, other) = tokio::join!(migrate(&url), migrate(&url));
    let nothing = Released { migrations: 0, files: 0, differences: 0 };
    assert!((one == nothing) != (other == nothing), "{one:?} {other:?}");
    assert_eq!(migrate(&url).await, nothing);
}

#[tokio::test]
async fn a_changed_file_is_applied_alone() {
    let db = TestDatabase::create().await;
    let policies = "select count(*) from meta.sql_files where path like '_0\\_%/%' and path > '40' and path < '60' and applied_at > '2000-01-02'";
    age(&db, "%").await;
    migrate(&db.admin_url()).await;
    let all: i64 = db.admin.query_one(policies, &[]).await.unwrap().get(0);
    assert!(all > 20, "{all}");

    db.admin.batch_execute("update meta.sql_files set applied_at = '2000-01-01'").await.unwrap();
    db.admin.batch_execute("drop policy member_reads_own_alerts on data.alerts").await.unwrap();
    assert_eq!(age(&db, "50_policies/alerts.sql").await, 1);
    assert_eq!(migrate(&db.admin_url()).await, Released { migrations: 0, files: 1, differences: 0 });
    assert_eq!(db.admin.query_one(policies, &[]).await.unwrap().get::<_, i64>(0), 1);
    let back = "select from pg_policy where polname = 'member_reads_own_alerts'";
    assert_eq!(db.admin.query(back, &[]).await.unwrap().len(), 1);
}

/// Everything is replaced, again and again, while users call.
#[tokio::test]
async fn replacing_live_refuses_nobody() {
    let db = TestDatabase::create().await;
    let user: Uuid = db
        .admin
        .query_one("insert into data.users (name, created_at) values ('Aroha', rules.clock()) returning id", &[])
        .await
        .unwrap()
        .get(0);
    let over = Arc::new(AtomicBool::new(false));
    let mut callers = Vec::new();
    for calls in [
        ["select api.get_today()", "select api.list_alerts(null, 20, false)"],
        ["select api.record_check_in(null, null, null, null)", "select api.list_check_ins(null, 20)"],
        ["select api.set_schedule('{09:00}', 'UTC', null, null, null)", "select api.get_me()"],
    ] {
        let session = db.session_as("pruuf_user", Some(user)).await;
        let over = Arc::clone(&over);
        callers.push(tokio::spawn(async move {
            let mut made = 0;
            while !over.load(Ordering::Relaxed) || made < CALLS / 3 {
                for call in calls {
                    session.query_one(call, &[]).await.unwrap_or_else(|error| panic!("{call}: {error:?}"));
                    made += 1;
                }
            }
            made
        }));
    }
    for _ in 0..3 {
        let files = age(&db, "%").await;
        assert_eq!(migrate(&db.admin_url()).await.files as u64, files);
    }
    over.store(true, Ordering::Relaxed);
    let mut made = 0;
    for caller in callers {
        made += caller.await.unwrap();
    }
    assert!(made >= CALLS, "{made}");
}

#[tokio::test]
async fn r9_1_serve_refuses_a_database_that_is_behind_and_a_login_that_sees_everything() {
    let world = World::without_server().await;
    let mut config = world.config();
    config.database_url = world.db.admin_url().into();
    assert!(matches!(Server::start(config).await.err(), Some(StartError::Db(DbError::TooPowerful))));

    age(&world.db, "50_policies/alerts.sql").await;
    assert!(matches!(Server::start(world.config()).await.err(), Some(StartError::OtherRelease)));
    migrate(&world.db.admin_url()).await;
    Server::start(world.config()).await.unwrap().stop().await;

    let newer = "insert into meta.schema_history (version, name, applied_on, checksum) values (9999, 'newer', '', '')";
    world.db.admin.batch_execute(newer).await.unwrap();
    assert!(matches!(Server::start(world.config()).await.err(), Some(StartError::OtherRelease)));
    world.stop_servers().await;
}

impl World {
    /// The status of `/readyz`, and what it says of the database.
    async fn ready(&self) -> (u16, String) {
        let response = self.http.get(self.url("/readyz")).send().await.unwrap();
        let status = response.status().as_u16();
        (status, response.json::<serde_json::Value>().await.unwrap()["database"].as_str().unwrap().to_owned())
    }
}

/// A server goes on serving, and may start again, beside a later release that only adds; not beside one that does not.
#[tokio::test]
async fn r9_5_a_server_stays_ready_beside_a_later_additive_release() {
    let mut world = World::without_server().await;
    world.start_server().await;
    let later = |is_additive: bool| {
        format!(
            "insert into meta.schema_history (version, name, applied_on, checksum) values (9999, 'later', '', '') on conflict do nothing;
             update meta.sql_files set sha256 = 'later' where path like '%alerts.sql';
             insert into meta.releases (id, is_additive, applied_at) values (repeat('{}', 64), {is_additive}, clock_timestamp())",
            u8::from(is_additive)
        )
    };
    world.db.admin.batch_execute(&later(true)).await.unwrap();
    assert_eq!(world.ready().await, (200, "runs a later release".to_owned()));
    Server::start(world.config()).await.unwrap().stop().await;
    world.db.admin.batch_execute(&later(false)).await.unwrap();
    assert_eq!(world.ready().await, (503, "runs another release".to_owned()));
    assert!(matches!(Server::start(world.config()).await.err(), Some(StartError::OtherRelease)));
    world.stop_servers().await;
}

/// A release that is rolled back to takes away what its successor calls: servers of the successor are not ready.
#[tokio::test]
async fn r9_5_a_server_is_not_ready_after_a_release_is_rolled_back() {
    let mut world = World::without_server().await;
    world.start_server().await;
    // An older release, then this one, then the older one again, as its `pruuf migrate` would put it.
    let older =
        "insert into meta.releases as r (id, is_additive, applied_at) values (repeat('0', 64), true, '2000-01-01')";
    world.db.admin.batch_execute(older).await.unwrap();
    assert_eq!(world.ready().await, (200, "ok".to_owned()));
    let back = release::NOTE_RELEASE;
    world.db.admin.execute(back, &[&"0".repeat(64), &true]).await.unwrap();
    assert_eq!(world.ready().await, (503, "runs another release".to_owned()));
    // Again the same, as after a file that was mended by hand: nothing changes for those beside it.
    let this = "select id from meta.releases where id <> repeat('0', 64)";
    let this: String = world.db.admin.query_one(this, &[]).await.unwrap().get(0);
    world.db.admin.execute("update meta.releases set is_additive = true", &[]).await.unwrap();
    world.db.admin.execute(back, &[&"0".repeat(64), &true]).await.unwrap();
    assert_eq!(world.ready().await, (200, "runs a later release".to_owned()));
    world.db.admin.execute(back, &[&this, &true]).await.unwrap();
    assert_eq!(world.ready().await, (200, "ok".to_owned()));
    world.stop_servers().await;
}

/// A backup reads a table for longer than a file waits for it: nobody who checks in waits behind the file.
#[tokio::test]
async fn r9_5_a_release_that_waits_for_a_table_makes_nobody_wait() {
    let mut world = World::without_server().await;
    world.start_server().await;
    let aroha = world.person("Aroha").await;
    world.schedule(&aroha, "09:00", "Pacific/Auckland").await;
    let backup = connect(&world.db.admin_url()).await;
    backup.batch_execute("begin; lock table data.check_ins in access share mode").await.unwrap();
    age(&world.db, "50_policies/check_ins.sql").await;
    let url = world.db.admin_url();
    let migrating = tokio::spawn(async move { migrate(&url).await });
    let waits = "select exists (select from pg_locks where relation = 'data.check_ins'::regclass and not granted)";
    world.eventually("the file waits for the table", waits, &[]).await;
    for _ in 0..5 {
        world.post(&aroha, "/v1/me/check-ins", json!({})).await.expect(201);
    }
    assert!(!migrating.is_finished());
    backup.batch_execute("commit").await.unwrap();
    assert_eq!(migrating.await.unwrap(), Released { migrations: 0, files: 1, differences: 0 });
    world.stop_servers().await;
}

/// A migration tries again where a table was in somebody's hand for longer than it waits.
#[tokio::test]
async fn r9_5_a_migration_steps_aside_and_tries_again() {
    let db = TestDatabase::create().await;
    let holder = connect(&db.admin_url()).await;
    holder.batch_execute("begin; lock table meta.schema_history").await.unwrap();
    let url = db.admin_url();
    let migrating = tokio::spawn(async move { migrate(&url).await });
    let waits = "select count(*) from pg_locks where relation = 'meta.schema_history'::regclass and not granted";
    // Seen to wait, then not to wait, then to wait again.
    let deadline = tokio::time::Instant::now() + PATIENCE;
    for is_waiting in [1, 0, 1] {
        while db.admin.query_one(waits, &[]).await.unwrap().get::<_, i64>(0) != is_waiting {
            assert!(!migrating.is_finished() && tokio::time::Instant::now() < deadline, "not seen: {is_waiting}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
    holder.batch_execute("commit").await.unwrap();
    assert_eq!(migrating.await.unwrap(), Released { migrations: 0, files: 0, differences: 0 });
}

/// What somebody has changed by hand is named, and `migrate` says that there is something.
#[tokio::test]
async fn r9_1_verify_names_each_difference_from_what_is_shipped() {
    let db = TestDatabase::create().await;
    let url = db.admin_url().into();
    assert_eq!(verify(&url).await.unwrap(), Vec::<String>::new());
    let changes = [
        (
            "drop trigger tg_check_ins__count on data.check_ins",
            "missing: trigger tg_check_ins__count on data.check_ins: on, ",
        ),
        (
            "alter table data.pins disable row level security",
            "missing: table data.pins: of pruuf_owner, row-level security forced",
        ),
        (
            "create policy everybody on data.users using (true)",
            "not of this release: policy data.users: everybody all to public using (true) check ()",
        ),
        ("grant select on data.pins to pruuf_user", "not of this release: table data.pins: pruuf_user select"),
        (
            "alter function rules.clock() owner to pruuf_admin",
            "not of this release: function rules.clock(): of pruuf_admin, ",
        ),
        (
            "create or replace function rules.clock() returns timestamptz language sql stable as 'select now()'",
            "missing: function rules.clock(): of pruuf_owner, ",
        ),
        ("drop index data.obligations_alert", "missing: index data.obligations_alert on data.obligations: valid, "),
        (
            "alter table data.alerts drop constraint one_alert_per_obligation",
            "missing: constraint one_alert_per_obligation on data.alerts: valid, ",
        ),
        (
            "alter table data.deliveries disable trigger all",
            "not of this release: trigger of a foreign key on data.deliveries: not on",
        ),
    ];
    for (change, _) in changes {
        db.admin.batch_execute(change).await.unwrap();
    }
    let found = verify(&url).await.unwrap();
    for (change, difference) in changes {
        assert!(found.iter().any(|it| it.starts_with(difference)), "{change}: {found:#?}");
    }
    let released = release::migrate(&url).await.unwrap();
    assert_eq!((released.files, released.differences), (0, found.len()));
}

/// The first release needs somebody who may make roles; the later ones only a member of `pruuf_owner`.
#[tokio::test]
async fn a_plain_member_of_the_owner_migrates() {
    let db = TestDatabase::create().await;
    let (role, with_login) = login(&db, "in role pruuf_owner").await;
    db.admin.batch_execute(&format!("grant connect on database {} to {role}", db.name)).await.unwrap();
    let files = age(&db, "%").await;
    assert_eq!(migrate(&with_login(&db.admin_url())).await.files as u64, files);
}

/// Where a provider gives no superuser: a role that may make roles, and owns the database.
#[tokio::test]
async fn a_role_that_may_make_roles_migrates_an_empty_database() {
    let db = TestDatabase::create().await;
    let (role, with_login) = login(&db, "createrole").await;
    let url = empty_database(&db, Some(&role)).await;
    let released = migrate(&with_login(&url)).await;
    assert!(released.migrations > 0 && released.files > 0, "{released:?}");
    let admin = connect(&url).await;
    let owner = "select pg_get_userbyid(relowner)::text from pg_class where oid = 'data.users'::regclass";
    assert_eq!(admin.query_one(owner, &[]).await.unwrap().get::<_, String>(0), "pruuf_owner");
    assert_eq!(migrate(&with_login(&url)).await, Released { migrations: 0, files: 0, differences: 0 });
}
