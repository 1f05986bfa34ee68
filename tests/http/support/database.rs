//! One cluster for the whole run; a database for each test, copied from a migrated template and gone with the test.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use pruuf::db::release;
use pruuf::dev::cluster::Cluster;
use tokio::sync::OnceCell;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::Instant;
use tokio_postgres::{Client, NoTls};
use uuid::Uuid;

use super::PATIENCE;
use super::plans::{self, Catalogue, Offence, Plans};

/// Made once, never stopped by a test: the cluster's own watcher ends it with the process.
static CLUSTER: OnceCell<Urls> = OnceCell::const_new();

/// Speed over safety: these databases live for one test. Two of them are made for pg_cron's own test.
const SETTINGS: &[(&str, &str)] = &[
    ("fsync", "off"),
    ("synchronous_commit", "off"),
    ("full_page_writes", "off"),
    ("max_connections", "600"),
    ("shared_buffers", "256MB"),
    // Before a time-out for locks breaks the circle.
    DEADLOCKS,
];
const DEADLOCKS: (&str, &str) = ("deadlock_timeout", "100ms");
/// Rows for every table.
const ROWS: &str = include_str!("../../db/support/world.sql");
const TEMPLATE: &str = "pruuf_template";

struct Urls {
    admin: String,
    server: String,
    /// Takes databases whose tests are over.
    over: UnboundedSender<Over>,
}

/// A database whose test is over, and whom to tell what its sessions did.
struct Over {
    name: String,
    found: Option<mpsc::Sender<Found>>,
}

/// What the sessions of a database did that none may do.
#[derive(Debug, Default)]
pub struct Found {
    /// How often some of them waited for each other.
    pub deadlocks: i64,
    /// What read a growing table without an index, each with its first plan.
    pub offences: BTreeMap<Offence, String>,
}

impl Found {
    /// What a test has to say of it.
    fn complaint(&self) -> Option<String> {
        let mut lines: Vec<_> = self.offences.iter().map(|(it, plan)| format!("{it}\n{plan}")).collect();
        if self.deadlocks > 0 {
            lines.push(format!("{} deadlocks: see the order of locks in docs/architecture.md", self.deadlocks));
        }
        (!lines.is_empty()).then(|| lines.join("\n"))
    }
}

/// A database of one test.
pub struct TestDatabase {
    pub name: String,
    /// A superuser's connection: for setting up and looking, never for what is tested.
    pub admin: Client,
    admin_url: String,
    server_url: String,
    /// Where to say that the test is over; nowhere in a cluster that goes with its test.
    over: Option<UnboundedSender<Over>>,
}

impl Drop for TestDatabase {
    /// Fails the test for what the sessions of its database did: a deadlock, a growing table read without an index.
    fn drop(&mut self) {
        let Some(over) = self.over.take() else { return };
        let name = std::mem::take(&mut self.name);
        if thread::panicking() {
            let _ = over.send(Over { name, found: None });
        } else if let Some(complaint) = found(&over, name).complaint() {
            panic!("{complaint}");
        }
    }
}

/// Ends the sessions of a database, and gives what they did.
fn found(over: &UnboundedSender<Over>, name: String) -> Found {
    let (tell, told) = mpsc::channel();
    over.send(Over { name, found: Some(tell) }).unwrap();
    told.recv().unwrap()
}

impl TestDatabase {
    /// Copies the template.
    pub async fn create() -> Self {
        let urls = urls().await;
        let name = format!("test_{}", Uuid::new_v4().simple());
        let postgres = connect(&urls.admin.replace("DATABASE", "postgres")).await;
        postgres.batch_execute(&format!("create database {name} template {TEMPLATE}")).await.unwrap();
        // CREATE DATABASE copies everything but the grants on the database itself: V0001 gives these.
        postgres
            .batch_execute(&format!(
                "revoke all on database {name} from public; grant connect on database {name} to pruuf_server;
                 grant create on database {name} to pruuf_owner"
            ))
            .await
            .unwrap();
        let (admin_url, server_url) = (urls.admin.replace("DATABASE", &name), urls.server.replace("DATABASE", &name));
        let mut database = Self::at(admin_url, server_url, name).await;
        database.over = Some(urls.over.clone());
        database
    }

    /// A migrated one in a cluster that is the test's own, which may restart it.
    pub async fn create_in(cluster: &Cluster, name: &str) -> Self {
        let postgres = connect(&cluster.admin_url("postgres")).await;
        postgres.batch_execute(&format!("create database {name}")).await.unwrap();
        let url = cluster.admin_url(name);
        release::migrate(&url.clone().into()).await.unwrap();
        let database = Self::at(url, cluster.server_url(name), name.to_owned()).await;
        database.admin.batch_execute("update meta.clock set rehearsal = true").await.unwrap();
        database
    }

    /// One that is there.
    pub async fn found_in(cluster: &Cluster, name: &str) -> Self {
        Self::at(cluster.admin_url(name), cluster.server_url(name), name.to_owned()).await
    }

    /// A copy of one that `create_in` made and to which nobody is connected any more.
    pub async fn copy_in(cluster: &Cluster, template: &str, name: &str) -> Self {
        let postgres = connect(&cluster.admin_url("postgres")).await;
        postgres.batch_execute(&format!("create database {name} template {template}")).await.unwrap();
        let sql =
            format!("revoke all on database {name} from public; grant connect on database {name} to pruuf_server");
        postgres.batch_execute(&sql).await.unwrap();
        Self::found_in(cluster, name).await
    }

    async fn at(admin_url: String, server_url: String, name: String) -> Self {
        Self { name, admin: connect(&admin_url).await, admin_url, server_url, over: None }
    }

    /// Ends it, and gives what its sessions did instead of failing for it.
    pub fn end(mut self) -> Found {
        found(&self.over.take().unwrap(), std::mem::take(&mut self.name))
    }

    /// As a superuser.
    pub fn admin_url(&self) -> String {
        self.admin_url.clone()
    }

    /// As `pruuf_server`.
    pub fn server_url(&self) -> String {
        self.server_url.clone()
    }

    /// A connection as `pruuf_server`, which has switched to a role and claims a user, as the server does.
    pub async fn session_as(&self, role: &str, user_id: Option<Uuid>) -> Client {
        let client = connect(&self.server_url()).await;
        client
            .query_one(
                "select set_config('role', $1, false), set_config('pruuf.user_id', $2, false)",
                &[&role, &user_id.map(|id| id.to_string()).unwrap_or_default()],
            )
            .await
            .unwrap();
        client
    }
}

/// A connection of a test to a URL.
pub async fn connect(url: &str) -> Client {
    let mut settings: tokio_postgres::Config = url.parse().unwrap();
    settings.application_name(plans::TEST);
    let (client, connection) = settings.connect(NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

async fn urls() -> &'static Urls {
    CLUSTER
        .get_or_init(|| async {
            let (tell, told) = mpsc::channel();
            // A runtime of its own: the cluster outlives that of the test which happens to be first.
            thread::spawn(move || {
                tokio::runtime::Runtime::new().unwrap().block_on(async {
                    let settings: Vec<_> = SETTINGS.iter().chain(plans::SETTINGS).copied().collect();
                    let cluster = Cluster::start(&directory(), &settings).await.unwrap();
                    let (over, ended) = unbounded_channel();
                    let urls =
                        Urls { admin: cluster.admin_url("DATABASE"), server: cluster.server_url("DATABASE"), over };
                    let catalogue = make_template(&urls).await;
                    let plans = Plans::of(&cluster.data_dir().join("postgresql.log"), catalogue);
                    let postgres = cluster.admin_url("postgres");
                    tell.send(urls).unwrap();
                    end_databases(&postgres, ended, plans).await;
                    drop(cluster);
                });
            });
            tokio::task::spawn_blocking(move || told.recv().unwrap()).await.unwrap()
        })
        .await
}

/// Says of each database what its sessions did, then drops it: all the databases of one run would be 14 GB.
async fn end_databases(url: &str, mut over: UnboundedReceiver<Over>, mut plans: Plans) {
    let (drop_it, ended) = unbounded_channel();
    let (looking, dropping) = (connect(url).await, connect(url).await);
    tokio::spawn(async move { drop_databases(&dropping, ended).await });
    while let Some(Over { name, found }) = over.recv().await {
        if let Some(found) = found {
            let deadlocks = deadlocks_in(&looking, &name).await;
            let offences = plans.offences_in(&name);
            let _ = found.send(Found { deadlocks, offences });
        }
        drop_it.send(name).unwrap();
    }
}

async fn drop_databases(postgres: &Client, mut ended: UnboundedReceiver<String>) {
    while let Some(name) = ended.recv().await {
        if let Err(error) = postgres.batch_execute(&format!("drop database {name} with (force)")).await {
            eprintln!("database {name} stays: {error:?}");
        }
    }
}

/// Ends the sessions of a database, which report what they counted when they end, and gives how many deadlocks there were.
pub async fn deadlocks_in(postgres: &Client, database: &str) -> i64 {
    let end = "select pg_terminate_backend(pid) from pg_stat_activity where datname = $1";
    let deadline = Instant::now() + PATIENCE;
    while !postgres.query(end, &[&database]).await.unwrap().is_empty() {
        assert!(Instant::now() < deadline, "the sessions of {database} do not end");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let counted = "select deadlocks from pg_stat_database where datname = $1";
    postgres.query_opt(counted, &[&database]).await.unwrap().map_or(0, |row| row.get(0))
}

async fn make_template(urls: &Urls) -> Catalogue {
    let postgres = connect(&urls.admin.replace("DATABASE", "postgres")).await;
    postgres.batch_execute(&format!("create database {TEMPLATE}")).await.unwrap();
    let url = urls.admin.replace("DATABASE", TEMPLATE);
    release::migrate(&url.clone().into()).await.unwrap();
    let template = connect(&url).await;
    template.batch_execute("update meta.clock set rehearsal = true").await.unwrap();
    plans::believe(&template, ROWS).await;
    plans::watch_sessions(&postgres).await;
    let catalogue = Catalogue::of(&template).await;
    drop(template);
    deadlocks_in(&postgres, TEMPLATE).await;
    catalogue
}

/// A fresh directory; those of runs that are over are removed.
fn directory() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("clusters");
    std::fs::create_dir_all(&folder).unwrap();
    for old in std::fs::read_dir(&folder).unwrap() {
        let old = old.unwrap().path();
        let pid = old.file_name().unwrap().to_string_lossy().into_owned();
        if !Path::new("/proc").join(pid).exists() {
            // What cannot be removed now (it is still stopping) is removed by the next run.
            let _ = std::fs::remove_dir_all(old.join("data").canonicalize().unwrap_or_else(|_| old.clone()));
            let _ = std::fs::remove_dir_all(old);
        }
    }
    folder.join(std::process::id().to_string())
}

/// A cluster of the test's own, and its directory.
pub async fn own_cluster(settings: &[(&str, &str)]) -> (Cluster, PathBuf) {
    let directory = std::env::temp_dir().join(format!("pruuf-test-{}", uuid::Uuid::new_v4()));
    let usual = [("fsync", "off"), ("shared_buffers", "32MB"), ("max_connections", "200"), DEADLOCKS];
    let settings: Vec<_> = usual.iter().chain(settings).copied().collect();
    (Cluster::start(&directory, &settings).await.unwrap(), directory)
}

/// Fails the test for deadlocks, as far as PostgreSQL knows of them: a crash makes it forget.
pub async fn throw_away(cluster: Cluster, directory: PathBuf) {
    let deadlocks = deadlocks_in_all(&cluster.admin_url("postgres")).await;
    cluster.stop().await.unwrap();
    if let Ok(data) = directory.join("data").canonicalize()
        && !data.starts_with(&directory)
    {
        let _ = std::fs::remove_dir_all(data.parent().unwrap());
    }
    let _ = std::fs::remove_dir_all(directory);
    assert_eq!(deadlocks, 0, "deadlocks: see the order of locks in docs/architecture.md");
}

async fn deadlocks_in_all(url: &str) -> i64 {
    let postgres = connect(url).await;
    let sql = "select datname::text from pg_database where not datistemplate and datname <> current_database()";
    let mut deadlocks = 0;
    for row in postgres.query(sql, &[]).await.unwrap() {
        deadlocks += deadlocks_in(&postgres, row.get(0)).await;
    }
    deadlocks
}
