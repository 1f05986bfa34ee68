//! Trouble with the database is seen at once, under its own name (R9.5, R9.7).

use std::time::Duration;

use pruuf::db::Db;
use pruuf::db::trouble::Trouble;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use crate::support::database::connect;
use crate::support::{PATIENCE, World};

/// Within how long trouble is to be seen.
const SEEN_WITHIN: Duration = Duration::from_secs(10);

impl World {
    /// `/readyz`, once it says this of the database.
    async fn ready_once(&self, database: &str) -> (u16, Value) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let response = self.http.get(self.url("/readyz")).send().await.unwrap();
            let status = response.status().as_u16();
            let ready: Value = response.json().await.unwrap();
            if ready["database"] == database {
                return (status, ready);
            }
            assert!(Instant::now() < deadline, "{ready}");
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// How long it takes until `/readyz` names this finding, or none.
    async fn seen_after(&self, kind: Option<&str>) -> Duration {
        let began = Instant::now();
        loop {
            let ready: Value = self.http.get(self.url("/readyz")).send().await.unwrap().json().await.unwrap();
            let findings = ready["findings"].as_array().unwrap();
            let is_seen = match kind {
                Some(kind) => findings.iter().any(|it| it["kind"] == kind) && ready["status"] == "degraded",
                None => findings.is_empty() && ready["status"] == "ok",
            };
            if is_seen {
                return began.elapsed();
            }
            assert!(began.elapsed() < PATIENCE, "{ready}");
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// Ends all sessions of the server.
    async fn cut_off(&self) {
        let end = "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and usename = 'pruuf_server'";
        self.db.admin.query(end, &[]).await.unwrap();
    }
}

#[tokio::test]
async fn r9_5_a_database_that_takes_no_changes_is_named_and_asks_to_come_again() {
    let mut world = World::without_server().await;
    world.start_server().await;
    let aroha = world.person("Aroha").await;
    world.schedule(&aroha, "09:00", "Pacific/Auckland").await;
    let read_only = format!("alter database {} set default_transaction_read_only = on", world.db.name);
    world.db.admin.batch_execute(&read_only).await.unwrap();
    world.cut_off().await;
    let (status, ready) = world.ready_once("is read-only").await;
    assert_eq!((status, &ready["status"]), (503, &json!("unready")));
    let response =
        world.http.post(world.url("/v1/me/check-ins")).bearer_auth(&aroha.token).json(&json!({})).send().await.unwrap();
    assert_eq!((response.status().as_u16(), response.headers()["retry-after"].to_str().unwrap()), (503, "1"));
    assert_eq!(response.json::<Value>().await.unwrap()["code"], "unavailable");
    let writable = format!(
        "set default_transaction_read_only = off; alter database {} reset default_transaction_read_only",
        world.db.name
    );
    world.db.admin.batch_execute(&writable).await.unwrap();
    world.cut_off().await;
    assert_eq!(world.ready_once("ok").await.0, 200);
    world.post(&aroha, "/v1/me/check-ins", json!({})).await.expect(201);
    world.stop_servers().await;
}

#[tokio::test]
async fn r9_7_a_job_that_waits_for_a_table_or_fails_is_seen_within_ten_seconds() {
    let mut world = World::without_server().await;
    world.start_server().await;
    world.seen_after(None).await;
    let holder = connect(&world.db.admin_url()).await;
    holder.batch_execute("begin; lock table data.obligations in access exclusive mode").await.unwrap();
    let seen = world.seen_after(Some("job_late")).await;
    assert!(seen < SEEN_WITHIN, "{seen:?}");
    let metrics = world.http.get(world.url("/metrics")).send().await.unwrap().text().await.unwrap();
    assert!(metrics.contains("pruuf_job_age_seconds{job=\"tick\"}"), "{metrics}");
    holder.batch_execute("rollback").await.unwrap();
    world.seen_after(None).await;

    let broken = "create or replace function jobs.escalate(most integer default 20) returns jsonb language plpgsql as $$ begin raise 'broken'; end $$";
    world.db.admin.batch_execute(broken).await.unwrap();
    let seen = world.seen_after(Some("job_failing")).await;
    assert!(seen < SEEN_WITHIN, "{seen:?}");
    let metrics = world.http.get(world.url("/metrics")).send().await.unwrap().text().await.unwrap();
    assert!(metrics.contains("pruuf_job_runs_total{job=\"escalate\",result=\"failed\"}"), "{metrics}");
    world.stop_servers().await;
}

#[tokio::test]
async fn r9_7_each_reason_why_the_database_serves_nobody_has_its_own_name() {
    let world = World::without_server().await;
    let login = format!("login_{}", Uuid::new_v4().simple());
    let make = format!(
        "create role {login} login password 'secret' in role pruuf_server; grant connect on database {} to {login}",
        world.db.name
    );
    world.db.admin.batch_execute(&make).await.unwrap();
    let with = |password: &str, port: Option<u16>| {
        let mut url: reqwest::Url = world.db.admin_url().parse().unwrap();
        url.set_username(&login).unwrap();
        url.set_password(Some(password)).unwrap();
        if port.is_some() {
            url.set_port(port).unwrap();
        }
        url.to_string()
    };
    let state = |url: String| async move { Db::new(&url.into()).unwrap().state().await };
    assert_eq!(state(with("wrong", None)).await, Err(Trouble::Login));
    assert_eq!(state(with("secret", Some(1))).await, Err(Trouble::Away));
    world.db.admin.batch_execute(&format!("alter role {login} connection limit 0")).await.unwrap();
    assert_eq!(state(with("secret", None)).await, Err(Trouble::Full));
    world.db.admin.batch_execute(&format!("drop owned by {login}; drop role {login}")).await.unwrap();
    world.stop_servers().await;
}

#[tokio::test]
async fn r9_7_servers_are_told_apart_in_the_database() {
    let mut world = World::without_server().await;
    world.start_server().await;
    let named = format!(
        "select count(*) > 0 and bool_and(application_name like 'pruuf@%:{}') from pg_stat_activity where datname = current_database() and usename = 'pruuf_server'",
        std::process::id()
    );
    world.eventually("each session has the name of its server", &named, &[]).await;
    world.stop_servers().await;
}
