//! Measures what docs/performance.md shows. Run by `tests/bench/run`, which says how.
#![expect(clippy::unwrap_used, reason = "a benchmark that cannot go on has failed")]

mod aged;
mod burst;
mod history;
mod load;
mod seed;
mod server;
mod siege;
mod tick;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use pruuf::cli::say;
use pruuf::db::release;
use pruuf::dev::cluster::Cluster;
use tokio_postgres::{Client, NoTls};

/// As on a machine with 4 GB for PostgreSQL; durability as by default.
const SETTINGS: &[(&str, &str)] =
    &[("max_connections", "300"), ("shared_buffers", "1GB"), ("max_wal_size", "4GB"), ("checkpoint_timeout", "15min")];

/// What the command line asks for.
pub(crate) struct Options {
    only: Option<Vec<String>>,
    pub(crate) rounds: usize,
    pub(crate) seconds: u64,
    million: bool,
    pub(crate) write: bool,
    aged: bool,
    pub(crate) hold: bool,
    /// Of the aged database.
    pub(crate) members: i32,
    pub(crate) days: i32,
}

impl Options {
    fn from_args() -> Self {
        let mut options = Self {
            only: None,
            rounds: 3,
            seconds: 8,
            million: false,
            write: false,
            aged: false,
            hold: false,
            members: 100_000,
            days: 90,
        };
        let mut args = std::env::args().skip(1);
        while let Some(arg) = args.next() {
            match arg.as_str() {
                "--only" => options.only = Some(args.next().unwrap().split(',').map(str::to_owned).collect()),
                "--rounds" => options.rounds = args.next().unwrap().parse().unwrap(),
                "--seconds" => options.seconds = args.next().unwrap().parse().unwrap(),
                "--million" => options.million = true,
                "--write" => options.write = true,
                "--aged" => options.aged = true,
                "--hold" => options.hold = true,
                "--members" => options.members = args.next().unwrap().parse().unwrap(),
                "--days" => options.days = args.next().unwrap().parse().unwrap(),
                // cargo's own.
                "--bench" => {}
                other => panic!("tests/bench/run does not know {other}"),
            }
        }
        options
    }

    /// Whether a line of the aged table is asked for: `--only` names parts of their names.
    pub(crate) fn is_of(&self, name: &str) -> bool {
        self.only.as_ref().is_none_or(|only| only.iter().any(|wanted| name.contains(wanted.as_str())))
    }

    fn wants(&self, part: &str) -> bool {
        self.only.as_ref().is_none_or(|only| only.iter().any(|wanted| wanted == part))
    }
}

/// The cluster, and where everything of this run is kept.
pub(crate) struct Bench {
    cluster: Cluster,
    pub(crate) dir: PathBuf,
    pub(crate) options: Options,
}

impl Bench {
    pub(crate) async fn connect(&self, database: &str) -> Client {
        let (client, connection) = tokio_postgres::connect(&self.cluster.admin_url(database), NoTls).await.unwrap();
        tokio::spawn(connection);
        client
    }

    pub(crate) fn admin_url(&self, database: &str) -> String {
        self.cluster.admin_url(database)
    }

    pub(crate) fn server_url(&self, database: &str) -> String {
        self.cluster.server_url(database)
    }

    /// A migrated database, or a copy of another one.
    pub(crate) async fn database(&self, name: &str, template: &str) -> Client {
        self.connect("postgres")
            .await
            .batch_execute(&format!("create database {name} template {template}"))
            .await
            .unwrap();
        self.connect(name).await
    }
}

/// Rows of the report: what was measured, the figure, the goal.
#[derive(Default)]
pub(crate) struct Report(String);

impl Report {
    pub(crate) fn row(&mut self, what: &str, figure: &str, goal: &str) {
        say(&format!("{what}: {figure}"));
        writeln!(self.0, "| {what} | {figure} | {goal} |").unwrap();
    }
}

/// The middle one.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// The value that so many of a hundred do not exceed.
pub(crate) fn percentile(mut values: Vec<f64>, percent: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    values[((values.len() as f64 * percent / 100.0).ceil() as usize).clamp(1, values.len()) - 1]
}

pub(crate) fn said(program: &str, args: &[&str]) -> String {
    let output = Command::new(program).args(args).output().unwrap();
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

fn machine() -> String {
    let processors = std::fs::read_to_string("/proc/cpuinfo").unwrap();
    let model = processors.lines().find_map(|line| line.strip_prefix("model name\t: ")).unwrap_or("unknown");
    let memory = std::fs::read_to_string("/proc/meminfo").unwrap();
    let kilobytes: f64 = memory.split_whitespace().nth(1).unwrap().parse().unwrap();
    format!(
        "{}; {} × {model}, {:.0} GB, Linux {}; {}; {}; commit {}{}; load before the run {}",
        said("date", &["+%Y-%m-%d %H:%M"]),
        std::thread::available_parallelism().unwrap(),
        kilobytes / 1024.0 / 1024.0,
        said("uname", &["-r"]),
        said("rustc", &["--version"]),
        said("pgbench", &["--version"]).replace("pgbench ", ""),
        said("git", &["rev-parse", "--short", "HEAD"]),
        if said("git", &["status", "--porcelain"]).is_empty() { "" } else { " and changes" },
        std::fs::read_to_string("/proc/loadavg").unwrap().split(' ').next().unwrap(),
    )
}

/// Puts a text between its marks in docs/performance.md.
pub(crate) fn write(what: &str, text: &str) {
    let path = "docs/performance.md";
    let (begin, end) = (format!("<!-- {what} -->\n"), format!("<!-- end of {what} -->"));
    let page = std::fs::read_to_string(path).unwrap();
    let (head, rest) = page.split_once(&begin).unwrap();
    let (_, tail) = rest.split_once(&end).unwrap();
    std::fs::write(path, format!("{head}{begin}{text}{end}{tail}")).unwrap();
}

#[tokio::main]
async fn main() {
    let options = Options::from_args();
    if options.aged {
        let machine = machine();
        say(&machine);
        return aged::run(&options, &machine).await;
    }
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("bench-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    let machine = machine();
    say(&machine);
    let cluster = Cluster::start(&dir.join("cluster"), SETTINGS).await.unwrap();
    let bench = Bench { cluster, dir, options };
    bench.database("bench_template", "template1").await;
    release::migrate(&bench.admin_url("bench_template").into()).await.unwrap();

    let mut report = Report::default();
    if bench.options.wants("start") {
        server::measure_start(&bench, &mut report).await;
    }
    if bench.options.wants("check-ins") || bench.options.wants("read") {
        load::measure(&bench, &mut report, bench.options.wants("check-ins"), bench.options.wants("read")).await;
    }
    if bench.options.wants("history") {
        history::measure(&bench, &mut report).await;
    }
    if bench.options.wants("tick") {
        tick::measure(&bench, &mut report, bench.options.million).await;
    }
    if bench.options.wants("burst") {
        burst::measure_burst(&bench, &mut report).await;
    }
    if bench.options.wants("alerts") {
        burst::measure_alerts(&bench, &mut report).await;
    }
    if bench.options.wants("siege") {
        siege::measure(&bench, &mut report).await;
    }

    let text = format!("{machine}\n\n| what | measured | goal |\n| --- | --- | --- |\n{}", report.0);
    say(&format!("\n{text}"));
    if bench.options.write {
        write("figures", &text);
    }
    let data = bench.cluster.data_dir().to_owned();
    bench.cluster.stop().await.unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    std::fs::remove_dir_all(&data).unwrap();
    std::fs::remove_dir_all(&bench.dir).unwrap();
}
