//! The cluster of `pruuf dev` and of these tests: it keeps its data, keeps others out, and never outlives its owner.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use pruuf::dev::cluster::{Cluster, ClusterError, RestartMode};
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, NoTls};

const FAST: &[(&str, &str)] = &[("fsync", "off"), ("shared_buffers", "16MB")];

/// Names the directory to [`a_process_that_owns_a_cluster`].
const OWNER_DIR: &str = "PRUUF_TEST_CLUSTER_DIR";

/// A directory of one test, gone with it.
struct Place(PathBuf);

impl Place {
    fn new() -> Place {
        Place(std::env::temp_dir().join(format!("pruuf-test-{}", uuid::Uuid::new_v4())))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Ok(data) = self.0.join("data").canonicalize()
            && !data.starts_with(&self.0)
        {
            let _ = fs::remove_dir_all(data.parent().unwrap());
        }
        let _ = fs::remove_dir_all(&self.0);
    }
}

async fn connect(url: &str) -> Result<Client, tokio_postgres::Error> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

async fn asked(url: &str, question: &str) -> String {
    let client = connect(url).await.unwrap();
    client.query_one(question, &[]).await.unwrap().get(0)
}

/// Waits, for 30 s at most, until `what` gives something.
async fn until<T>(name: &str, mut what: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        if let Some(found) = what() {
            return found;
        }
        assert!(Instant::now() < deadline, "{name}: not within 30 s");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// The pid of the server on `data`, once it accepts connections.
fn ready_pid(data: &Path) -> Option<u32> {
    let text = fs::read_to_string(data.join("postmaster.pid")).ok()?;
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    (lines.get(7) == Some(&"ready")).then(|| lines[0].parse().unwrap())
}

fn is_alive(pid: u32) -> bool {
    // `ps` and /proc are not everywhere; an own or a root's question needs only this.
    Command::new("sh").args(["-c", &format!("kill -0 {pid}")]).stderr(Stdio::null()).status().unwrap().success()
}

#[tokio::test]
async fn both_roles_log_in_by_password_and_the_data_stays() {
    let place = Place::new();
    let cluster = Cluster::start(&place.0, FAST).await.unwrap();
    let admin = cluster.admin_url("postgres");
    assert_eq!(asked(&admin, "select current_user::text").await, "pruuf_admin");
    assert_eq!(asked(&cluster.server_url("postgres"), "select current_user::text").await, "pruuf_server");
    let rights = "select concat_ws(' ', rolsuper, rolinherit, rolcreatedb, rolcreaterole, rolbypassrls, rolreplication)
                  from pg_roles where rolname = 'pruuf_server'";
    assert_eq!(asked(&admin, rights).await, "f f f f f f");
    for (setting, value) in [
        ("listen_addresses", "127.0.0.1"),
        ("unix_socket_directories", ""),
        ("password_encryption", "scram-sha-256"),
        ("server_encoding", "UTF8"),
        ("lc_collate", "C"),
        ("fsync", "off"),
    ] {
        let question = match setting {
            "lc_collate" => "select datcollate::text from pg_database where datname = 'template1'".into(),
            _ => format!("select current_setting('{setting}')"),
        };
        assert_eq!(asked(&admin, &question).await, value, "{setting}");
    }
    let client = connect(&admin).await.unwrap();
    client.batch_execute("create database \"a b/c\"").await.unwrap();
    assert_eq!(asked(&cluster.admin_url("a b/c"), "select current_database()::text").await, "a b/c");
    client.batch_execute("create table kept as select 'still here' as word").await.unwrap();
    let port = cluster.port();
    drop(client);
    cluster.stop().await.unwrap();

    let begun = Instant::now();
    let cluster = Cluster::start(&place.0, FAST).await.unwrap();
    assert!(begun.elapsed() < Duration::from_secs(5), "a warm start took {:?}", begun.elapsed());
    assert_eq!(asked(&cluster.admin_url("postgres"), "select word from kept").await, "still here");
    assert_eq!(asked(&cluster.server_url("postgres"), "select current_user::text").await, "pruuf_server");
    assert_eq!(cluster.port(), port, "a free port is kept");
    cluster.stop().await.unwrap();

    let taken = std::net::TcpListener::bind(("127.0.0.1", port)).unwrap();
    let cluster = Cluster::start(&place.0, FAST).await.unwrap();
    assert_ne!(cluster.port(), port);
    drop(taken);
    cluster.stop().await.unwrap();
}

#[tokio::test]
async fn nobody_gets_in_without_the_password() {
    let place = Place::new();
    let cluster = Cluster::start(&place.0, FAST).await.unwrap();
    for role in ["pruuf_admin", "pruuf_server", "postgres"] {
        let url = format!("postgres://{role}:guess@127.0.0.1:{}/postgres", cluster.port());
        let error = connect(&url).await.unwrap_err();
        assert_eq!(error.code(), Some(&SqlState::INVALID_PASSWORD), "{role}: {error}");
    }
    let hba = fs::read_to_string(cluster.data_dir().join("pg_hba.conf")).unwrap();
    assert_eq!(hba, "host all all 127.0.0.1/32 scram-sha-256\n");
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(cluster.data_dir()), 0o700);
    let passwords = place.0.join("passwords");
    assert_eq!(mode(&passwords), 0o600);
    assert_eq!(passwords.metadata().unwrap().uid(), place.0.metadata().unwrap().uid());
    for password in fs::read_to_string(&passwords).unwrap().split_whitespace().skip(1).step_by(2) {
        assert_eq!(password.len(), 32);
        assert!(!format!("{cluster:?}").contains(password));
    }
    cluster.stop().await.unwrap();

    // Without the file the data cannot be opened by anybody, and is not thrown away either.
    fs::remove_file(&passwords).unwrap();
    let error = Cluster::start(&place.0, FAST).await.unwrap_err();
    assert!(matches!(error, ClusterError::PasswordsGone { .. }), "{error}");
}

#[tokio::test]
async fn a_restart_keeps_the_port_and_what_was_committed() {
    let place = Place::new();
    let cluster = Cluster::start(&place.0, &[("shared_buffers", "16MB")]).await.unwrap();
    let (port, url) = (cluster.port(), cluster.admin_url("postgres"));
    for (number, mode) in [RestartMode::Fast, RestartMode::Immediate].into_iter().enumerate() {
        let client = connect(&url).await.unwrap();
        client.batch_execute(&format!("create table kept_{number} ()")).await.unwrap();
        cluster.restart(mode).await.unwrap();
        assert!(client.batch_execute("select 1").await.is_err(), "the old connection ended");
        let count = format!("select count(*)::text from pg_tables where tablename = 'kept_{number}'");
        assert_eq!(asked(&url, &count).await, "1");
        assert_eq!(asked(&url, "select inet_server_port()::text").await, port.to_string());
    }
    cluster.stop().await.unwrap();
}

#[tokio::test]
async fn a_second_owner_is_refused() {
    let place = Place::new();
    let cluster = Cluster::start(&place.0, FAST).await.unwrap();
    let error = Cluster::start(&place.0, FAST).await.unwrap_err();
    let dir = place.0.canonicalize().unwrap();
    let pid = std::process::id();
    assert_eq!(error.to_string(), format!("the database in {} is already running, pid {pid}", dir.display()));
    assert_eq!(asked(&cluster.admin_url("postgres"), "select 'unharmed'").await, "unharmed");
    cluster.stop().await.unwrap();
}

#[tokio::test]
async fn a_server_that_does_not_start_says_why() {
    let place = Place::new();
    let error = Cluster::start(&place.0, &[("shared_buffers", "it's none")]).await.unwrap_err().to_string();
    assert!(error.starts_with("starting PostgreSQL failed:"), "{error}");
    assert!(error.contains("invalid value for parameter \"shared_buffers\": \"it's none\""), "{error}");
    Cluster::start(&place.0, FAST).await.unwrap().stop().await.unwrap();
}

/// Not a test: what [`a_killed_owner_leaves_no_server_behind`] runs as a process of its own, and kills.
#[tokio::test]
#[ignore = "run by another test"]
async fn a_process_that_owns_a_cluster() {
    if let Some(dir) = std::env::var_os(OWNER_DIR) {
        let _cluster = Cluster::start(Path::new(&dir), FAST).await.unwrap();
        std::future::pending::<()>().await;
    }
}

fn spawn_owner(dir: &Path) -> std::process::Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "cluster::a_process_that_owns_a_cluster"])
        .env(OWNER_DIR, dir)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

#[tokio::test]
async fn a_killed_owner_leaves_no_server_behind() {
    let place = Place::new();
    let data = place.0.join("data");
    let mut owner = spawn_owner(&place.0);
    let server = until("the server runs", || ready_pid(&data)).await;
    let refused = Cluster::start(&place.0, FAST).await.unwrap_err().to_string();
    assert!(refused.ends_with(&format!("is already running, pid {}", owner.id())), "{refused}");
    owner.kill().unwrap();
    owner.wait().unwrap();
    until("the server ends", || (!is_alive(server) && !data.join("postmaster.pid").exists()).then_some(())).await;

    // At any other moment too, and the next owner waits for what the last one left to end.
    for moment in [5, 60, 120, 180, 300] {
        let mut owner = spawn_owner(&place.0);
        tokio::time::sleep(Duration::from_millis(moment)).await;
        owner.kill().unwrap();
        owner.wait().unwrap();
        let cluster = Cluster::start(&place.0, FAST).await.unwrap();
        assert_eq!(asked(&cluster.admin_url("postgres"), "select 'whole'").await, "whole");
        cluster.stop().await.unwrap();
        assert!(!data.join("postmaster.pid").exists());
    }
}

#[tokio::test]
async fn a_server_left_behind_by_a_killed_watcher_is_stopped() {
    let place = Place::new();
    let data = place.0.join("data");
    let mut owner = spawn_owner(&place.0);
    let server = until("the server runs", || ready_pid(&data)).await;
    // The watcher is the only child of the owner; without /proc its number is not to be had.
    let tasks = fs::read_dir(format!("/proc/{}/task", owner.id()));
    let watcher: String = tasks
        .into_iter()
        .flatten()
        .map(|task| fs::read_to_string(task.unwrap().path().join("children")).unwrap())
        .collect();
    if !watcher.is_empty() {
        let killed = Command::new("kill").args(["-KILL", watcher.trim()]).status().unwrap();
        assert!(killed.success(), "{watcher:?}");
    }
    owner.kill().unwrap();
    owner.wait().unwrap();
    assert!(watcher.is_empty() || is_alive(server));
    let cluster = Cluster::start(&place.0, FAST).await.unwrap();
    // pg_ctl waits for the pid file to go; the process itself ends right after.
    until("the old server ends", || (!is_alive(server)).then_some(())).await;
    assert_ne!(ready_pid(&data), Some(server));
    assert_eq!(asked(&cluster.admin_url("postgres"), "select 'whole'").await, "whole");
    cluster.stop().await.unwrap();

    // A pid file that names a process which has nothing to do with it: ourselves.
    let stale = data.join("postmaster.pid");
    fs::write(&stale, format!("{}\n{}\n", std::process::id(), data.display())).unwrap();
    Cluster::start(&place.0, FAST).await.unwrap().stop().await.unwrap();
}

/// Root starts PostgreSQL as another user, who cannot reach a directory below a closed one.
#[tokio::test]
async fn a_directory_that_postgresql_cannot_reach_is_only_a_link() {
    let place = Place::new();
    fs::create_dir(&place.0).unwrap();
    fs::set_permissions(&place.0, fs::Permissions::from_mode(0o700)).unwrap();
    let dir = place.0.join("dev");
    let cluster = Cluster::start(&dir, FAST).await.unwrap();
    let data = cluster.data_dir().to_owned();
    if place.0.metadata().unwrap().uid() == 0 {
        assert!(data.starts_with("/var/tmp"), "{data:?}");
        assert_eq!(dir.join("data").read_link().unwrap(), data);
        let home = data.parent().unwrap().metadata().unwrap();
        assert_eq!(home.permissions().mode() & 0o777, 0o700);
        assert_eq!(home.uid(), data.metadata().unwrap().uid());
        assert_ne!(home.uid(), 0);
    } else {
        assert_eq!(data, dir.join("data").canonicalize().unwrap());
    }
    connect(&cluster.admin_url("postgres")).await.unwrap().batch_execute("create table kept ()").await.unwrap();
    cluster.stop().await.unwrap();

    let kept = "select count(*)::text from pg_tables where tablename = 'kept'";
    let cluster = Cluster::start(&dir, FAST).await.unwrap();
    assert_eq!(asked(&cluster.admin_url("postgres"), kept).await, "1");
    cluster.stop().await.unwrap();

    // Who removes the directory begins anew.
    fs::remove_dir_all(&dir).unwrap();
    let cluster = Cluster::start(&dir, FAST).await.unwrap();
    assert_eq!(asked(&cluster.admin_url("postgres"), kept).await, "0");
    assert_eq!(cluster.data_dir(), data);
    cluster.stop().await.unwrap();
    let _ = fs::remove_dir_all(data.parent().unwrap());
}
