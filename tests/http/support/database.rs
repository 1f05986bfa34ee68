//! One cluster for the whole run; a database for each test, copied from a migrated template and gone with the test.

use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread;

use pruuf::db::release;
use pruuf::dev::cluster::Cluster;
use tokio::sync::OnceCell;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio_postgres::{Client, NoTls};
use uuid::Uuid;

/// Made once, never stopped by a test: the cluster's own watcher ends it with the process.
static CLUSTER: OnceCell<Urls> = OnceCell::const_new();

/// Speed over safety: these databases live for one test. Two of them are made for pg_cron's own test.
const SETTINGS: &[(&str, &str)] = &[
    ("fsync", "off"),
    ("synchronous_commit", "off"),
    ("full_page_writes", "off"),
    ("max_connections", "600"),
    ("shared_buffers", "256MB"),
];
const TEMPLATE: &str = "pruuf_template";

struct Urls {
    admin: String,
    server: String,
    /// Takes the names of databases whose tests are over.
    over: UnboundedSender<String>,
}

/// A database of one test.
pub struct TestDatabase {
    pub name: String,
    /// A superuser's connection: for setting up and looking, never for what is tested.
    pub admin: Client,
    admin_url: String,
    server_url: String,
    /// Where to say that the test is over; nowhere in a cluster that goes with its test.
    over: Option<UnboundedSender<String>>,
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        if let Some(over) = &self.over {
            let _ = over.send(std::mem::take(&mut self.name));
        }
    }
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

/// A connection to a URL.
pub async fn connect(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
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
                    let cluster = Cluster::start(&directory(), SETTINGS).await.unwrap();
                    let (over, ended) = unbounded_channel();
                    let urls =
                        Urls { admin: cluster.admin_url("DATABASE"), server: cluster.server_url("DATABASE"), over };
                    make_template(&urls).await;
                    let postgres = connect(&cluster.admin_url("postgres")).await;
                    tell.send(urls).unwrap();
                    drop_databases(&postgres, ended).await;
                    drop(cluster);
                });
            });
            tokio::task::spawn_blocking(move || told.recv().unwrap()).await.unwrap()
        })
        .await
}

/// All the databases of one run would be 14 GB.
async fn drop_databases(postgres: &Client, mut ended: UnboundedReceiver<String>) {
    while let Some(name) = ended.recv().await {
        if let Err(error) = postgres.batch_execute(&format!("drop database {name} with (force)")).await {
            eprintln!("database {name} stays: {error:?}");
        }
    }
}

async fn make_template(urls: &Urls) {
    let postgres = connect(&urls.admin.replace("DATABASE", "postgres")).await;
    postgres.batch_execute(&format!("create database {TEMPLATE}")).await.unwrap();
    let url = urls.admin.replace("DATABASE", TEMPLATE);
    release::migrate(&url.clone().into()).await.unwrap();
    connect(&url).await.batch_execute("update meta.clock set rehearsal = true").await.unwrap();
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
    let usual = [("fsync", "off"), ("shared_buffers", "32MB"), ("max_connections", "200")];
    let settings: Vec<_> = usual.iter().chain(settings).copied().collect();
    (Cluster::start(&directory, &settings).await.unwrap(), directory)
}

pub async fn throw_away(cluster: Cluster, directory: PathBuf) {
    cluster.stop().await.unwrap();
    if let Ok(data) = directory.join("data").canonicalize()
        && !data.starts_with(&directory)
    {
        let _ = std::fs::remove_dir_all(data.parent().unwrap());
    }
    let _ = std::fs::remove_dir_all(directory);
}
