//! An old, large database and a small one beside it, in a cluster that is kept between runs.
//!
//! They are in `target/tmp/bench-aged`, under a hash of the seeder and of how many and how old. The kept databases are
//! brought to the present release like any other; when the seeder changes they are made anew.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use pruuf::cli::say;
use pruuf::db::release;
use pruuf::dev::cluster::Cluster;
use sha2::{Digest as _, Sha256};
use tokio_postgres::{Client, NoTls};

use crate::{Options, SETTINGS};

pub const AGED: &str = "bench_aged";
pub const SMALL: &str = "bench_small";
/// Members and days of the small one. It has the same Members with a past as the large one.
const SMALL_SIZE: (i32, i32) = (2_000, 3);

/// While the rows are made nothing is worth keeping.
const SEEDING: &[(&str, &str)] = &[
    ("max_connections", "50"),
    ("shared_buffers", "2GB"),
    ("max_wal_size", "4GB"),
    ("checkpoint_timeout", "30min"),
    ("wal_level", "minimal"),
    ("max_wal_senders", "0"),
    ("fsync", "off"),
    ("full_page_writes", "off"),
    ("autovacuum", "off"),
];

const PEOPLE: &str = include_str!("people.sql");
const LIVES: &str = include_str!("lives.sql");
const DAYS: &str = include_str!("days.sql");
const MESSAGES: &str = include_str!("messages.sql");
const TRAIL: &str = include_str!("trail.sql");
const FRESH: &str = include_str!("fresh.sql");
const ACTS: &str = include_str!("acts.sql");

/// Indexes sleep while rows come, and are built when all are there.
const SLEEP: &str = "update pg_index i set indisready = false, indisvalid = false
    from pg_class c where c.oid = i.indexrelid and c.relkind = 'i'
     and c.relnamespace in (select oid from pg_namespace where nspname in ('data', 'billing', 'audit'))
     -- What the migrations have filled.
     and pg_relation_size(i.indrelid) = 0";
const ASLEEP: &str = "select i.indexrelid::regclass::text from pg_index i join pg_class c on c.oid = i.indexrelid
    where not i.indisready and c.relkind = 'i' order by pg_relation_size(i.indrelid) desc";
const AWAKE: &str = "update pg_index set indisready = true, indisvalid = true where not indisvalid";

/// What a session of the seeder is set to.
const SESSION: &str = "set session_replication_role = replica; set synchronous_commit = off; set work_mem = '400MB';
    set maintenance_work_mem = '1GB'";
/// A statement of the seeder that takes longer is told.
const LONG: Duration = Duration::from_secs(10);

pub struct World {
    cluster: Cluster,
    dir: PathBuf,
}

impl World {
    /// The kept cluster, or a new one; its databases are of this release and nothing in them is due.
    pub async fn open(options: &Options) -> Self {
        let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("bench-aged").join(key(options));
        let marker = dir.join("seeded");
        if !marker.exists() {
            remove_others(options, dir.parent().unwrap());
            std::fs::create_dir_all(&dir).unwrap();
            let world = Self { cluster: Cluster::start(&dir, SEEDING).await.unwrap(), dir: dir.clone() };
            let said = world.seed(options).await;
            world.close().await;
            std::fs::write(&marker, said).unwrap();
        }
        let cluster = Cluster::start(&dir, SETTINGS).await.unwrap();
        let world = Self { cluster, dir };
        for name in [AGED, SMALL] {
            release::migrate(&world.url(name).into()).await.unwrap();
            let db = world.connect(name).await;
            db.batch_execute(FRESH).await.unwrap();
            db.batch_execute(ACTS).await.unwrap();
            db.batch_execute("vacuum analyze").await.unwrap();
        }
        world.connect("postgres").await.batch_execute("checkpoint").await.unwrap();
        world
    }

    /// How the databases came to be: a line for the page.
    pub fn story(&self) -> String {
        std::fs::read_to_string(self.dir.join("seeded")).unwrap()
    }

    pub fn dir(&self) -> &Path {
        &self.dir
    }

    pub fn url(&self, database: &str) -> String {
        self.cluster.admin_url(database)
    }

    pub async fn connect(&self, database: &str) -> Client {
        let (client, connection) = tokio_postgres::connect(&self.url(database), NoTls).await.unwrap();
        tokio::spawn(connection);
        client
    }

    pub async fn close(self) {
        self.cluster.stop().await.unwrap();
    }

    async fn seed(&self, options: &Options) -> String {
        let aged = (options.members, options.days);
        let mut sentences = Vec::new();
        for (name, (members, days)) in [(SMALL, SMALL_SIZE), (AGED, aged)] {
            let began = Instant::now();
            self.fill(name, members, days).await;
            let db = self.connect(name).await;
            let size: f64 =
                db.query_one("select pg_database_size(current_database()) / 1e9::float8", &[]).await.unwrap().get(0);
            let minutes = began.elapsed().as_secs_f64() / 60.0;
            sentences.push(format!("{members} Members × {days} days: {size:.1} GB, made in {minutes:.1} minutes."));
        }
        sentences.join(" ")
    }

    async fn fill(&self, name: &str, members: i32, days: i32) {
        self.connect("postgres").await.batch_execute(&format!("create database {name}")).await.unwrap();
        release::migrate(&self.url(name).into()).await.unwrap();
        let db = self.connect(name).await;
        db.batch_execute(SLEEP).await.unwrap();
        db.batch_execute(&format!(
            "create schema bench;
             create table bench.world as select {members} as members, {days} as days, now() as seeded_at"
        ))
        .await
        .unwrap();
        self.run(name, "people", PEOPLE).await;
        self.run(name, "lives", LIVES).await;
        tokio::join!(self.run(name, "days", DAYS), async {
            self.run(name, "messages", MESSAGES).await;
            self.run(name, "trail", TRAIL).await;
        });
        for table in ["days", "news", "told", "sent", "strangers"] {
            db.batch_execute(&format!("drop table bench.{table}")).await.unwrap();
        }
        self.wake(name).await;
        let wrong: i64 = db
            .query_one(
                "select (select count(*) from audit.verify(1, 1000))
                      + (select count(*) from audit.verify((select max(place) - 1000 from audit.seals)))",
                &[],
            )
            .await
            .unwrap()
            .get(0);
        assert_eq!(wrong, 0, "the seals of the seeded trail are wrong");
        let began = Instant::now();
        db.batch_execute("set maintenance_work_mem = '1GB'").await.unwrap();
        db.batch_execute("vacuum (freeze, analyze)").await.unwrap();
        took(name, "vacuum", began.elapsed());
    }

    async fn run(&self, name: &str, what: &str, sql: &str) {
        let began = Instant::now();
        let db = self.connect(name).await;
        db.batch_execute(SESSION).await.unwrap();
        // Each its own transaction: what one has written the next ones read as committed.
        for statement in sql.split(";\n") {
            let began = Instant::now();
            db.batch_execute(statement).await.unwrap_or_else(|error| panic!("{what}: {error:?} in {statement}"));
            if began.elapsed() > LONG {
                let first = statement.lines().find(|line| !line.is_empty() && !line.starts_with("--"));
                took(name, first.unwrap_or_default(), began.elapsed());
            }
        }
        took(name, what, began.elapsed());
    }

    /// Builds the indexes, two at a time, the largest first.
    async fn wake(&self, name: &str) {
        let began = Instant::now();
        let db = self.connect(name).await;
        let asleep = db.query(ASLEEP, &[]).await.unwrap();
        let queue = std::sync::Mutex::new(asleep.iter().rev().map(|row| row.get::<_, String>(0)).collect::<Vec<_>>());
        join_all([(), ()].map(|()| async {
            let db = self.connect(name).await;
            db.batch_execute(SESSION).await.unwrap();
            loop {
                let Some(index) = queue.lock().unwrap().pop() else { break };
                db.batch_execute(&format!("reindex index {index}")).await.unwrap();
            }
        }))
        .await;
        db.batch_execute(AWAKE).await.unwrap();
        took(name, "indexes", began.elapsed());
    }
}

fn took(database: &str, what: &str, time: Duration) {
    say(&format!("{database}: {what} {:.0} s", time.as_secs_f64()));
}

/// What the databases are made of.
fn key(options: &Options) -> String {
    let mut hash = Sha256::new();
    for part in [PEOPLE, LIVES, DAYS, MESSAGES, TRAIL] {
        // How its lines are broken makes no other database.
        hash.update(part.split_whitespace().collect::<Vec<_>>().join(" "));
    }
    let hex: String = hash.finalize().iter().take(6).map(|byte| format!("{byte:02x}")).collect();
    format!("{}x{}-{hex}", options.members, options.days)
}

/// Clusters of this size by another seeder, or half made, with their data, which may be elsewhere.
fn remove_others(options: &Options, parent: &Path) {
    let of_this_size = format!("{}x{}-", options.members, options.days);
    for entry in std::fs::read_dir(parent).into_iter().flatten() {
        let entry = entry.unwrap();
        if !entry.file_name().to_string_lossy().starts_with(&of_this_size) {
            continue;
        }
        if let Ok(data) = entry.path().join("data").canonicalize() {
            std::fs::remove_dir_all(data).unwrap();
        }
        std::fs::remove_dir_all(entry.path()).unwrap();
    }
}
