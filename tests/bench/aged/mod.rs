//! `--aged`: each job and each hot request on an old, large database, beside the same on a small one.

mod cases;
mod plans;
mod world;

use std::fmt::Write as _;
use std::time::Instant;

use pruuf::cli::say;
use tokio_postgres::Client;

use crate::{Options, median};
use cases::{By, Case};
use plans::Statement;
use world::{AGED, SMALL, World};

/// Rounds that plan and warm up before those that count.
const WARM_UP: usize = 2;
/// How many rows a statement may read for each that it gives or changes.
const MOST_READ: f64 = 10.0;
/// What is over so soon is measured more often: the machine's other work weighs more in it.
const SHORT_MS: f64 = 20.0;
const OF_SHORT: usize = 3;
/// What is not done by then is far beyond any goal.
const TIMEOUT_MS: u32 = 60_000;

/// What came of a case.
struct Line {
    name: String,
    aged: Result<f64, String>,
    small: Result<f64, String>,
    /// The median of aged / small of each round.
    ratio: Option<f64>,
    greediest: Vec<Statement>,
}

/// Measures all of it and prints the table and what reads too much; `--write` puts the table into
/// docs/performance.md. `--hold` only says where the databases are, and keeps them running until the
/// input ends.
pub async fn run(options: &Options, machine: &str) {
    let world = World::open(options).await;
    say(&world.story());
    if options.hold {
        say(&format!("{}\n{}\nrunning until the end of the input", world.url(AGED), world.url(SMALL)));
        tokio::task::spawn_blocking(|| std::io::copy(&mut std::io::stdin(), &mut std::io::sink()))
            .await
            .unwrap()
            .unwrap();
        world.close().await;
        return;
    }
    let (aged, small) = (world.connect(AGED).await, world.connect(SMALL).await);
    let mut lines = Vec::new();
    for case in cases::all(&aged).await.iter().filter(|case| options.is_of(&case.name)) {
        let mut line = measure(case, &aged, &small, options.rounds.max(5)).await;
        line.greediest = greediest(case, &world).await;
        say(&shown(&line));
        lines.push(line);
    }
    let offenders = offenders(&lines);
    say(&format!("\n{offenders}"));
    std::fs::write(world.dir().join("offenders.md"), offenders).unwrap();
    if options.write {
        let table = lines.iter().map(shown).collect::<Vec<_>>().join("\n");
        let text = format!(
            "{machine}\n\n{}\n\n| what | aged | small | aged / small (goal 1.3) | \
             most rows read for one given (goal 10) |\n| --- | --- | --- | --- | --- |\n{table}\n",
            world.story()
        );
        crate::write("aged figures", &text);
    }
    world.close().await;
}

/// In turns, on both.
async fn measure(case: &Case, aged: &Client, small: &Client, rounds: usize) -> Line {
    let mut times: [Vec<f64>; 2] = [vec![], vec![]];
    let mut failures: [Option<String>; 2] = [None, None];
    let mut most = WARM_UP + rounds;
    let mut round = 0;
    while round < most && failures.iter().all(Option::is_none) {
        for (place, db) in [aged, small].into_iter().enumerate() {
            match once(case, db, round, "").await {
                Ok(time) if round >= WARM_UP => times[place].push(time),
                Ok(_) => {}
                Err(failure) => failures[place] = Some(failure),
            }
        }
        if round == WARM_UP && times.iter().flatten().all(|time| *time < SHORT_MS) {
            most = WARM_UP + rounds * OF_SHORT;
        }
        round += 1;
    }
    let ratio = (!times[1].is_empty() && times[0].len() == times[1].len())
        .then(|| median(times[0].iter().zip(&times[1]).map(|(aged, small)| aged / small).collect()));
    let [aged, small] = times;
    let [aged_failure, small_failure] = failures;
    let figure = |times: Vec<f64>, failure: Option<String>| match failure {
        Some(failure) => Err(failure),
        None if times.is_empty() => Err("not measured".to_owned()),
        None => Ok(median(times)),
    };
    Line {
        name: case.name.to_string(),
        aged: figure(aged, aged_failure),
        small: figure(small, small_failure),
        ratio,
        greediest: vec![],
    }
}

/// Milliseconds of one call; nothing of it stays.
async fn once(case: &Case, db: &Client, round: usize, prelude: &str) -> Result<f64, String> {
    db.batch_execute("begin").await.unwrap();
    let answer = tried(case, db, round, prelude).await;
    db.batch_execute("rollback").await.unwrap();
    answer.map_err(|error| match error.as_db_error() {
        Some(error) => format!("{} {}", error.code().code(), error.message()),
        None => error.to_string(),
    })
}

async fn tried(case: &Case, db: &Client, round: usize, prelude: &str) -> Result<f64, tokio_postgres::Error> {
    let numbers = Numbers::of(round);
    db.batch_execute(&numbers.fill(case.before)).await?;
    // Only a superuser may set it.
    db.batch_execute(prelude).await?;
    db.batch_execute(&numbers.context(case.by)).await?;
    let call = numbers.fill(&case.call);
    let began = Instant::now();
    db.simple_query(&call).await?;
    Ok(began.elapsed().as_secs_f64() * 1000.0)
}

/// The people of a round.
struct Numbers {
    round: usize,
    member: usize,
    lost: usize,
    helpless: usize,
}

impl Numbers {
    /// Members 1002, 1012, … have a past in the small database too (lives.sql).
    fn of(round: usize) -> Self {
        Self { round, member: 1002 + 10 * (round * 7 % 40), lost: 1 + round % 4, helpless: 9 + round % 20 }
    }

    fn fill(&self, sql: &str) -> String {
        sql.replace("{n}", &self.member.to_string())
            .replace("{lost}", &self.lost.to_string())
            .replace("{helpless}", &self.helpless.to_string())
            .replace("{r}", &self.round.to_string())
    }

    /// As `src/db/mod.rs` sets it.
    fn context(&self, by: By) -> String {
        let member = |n: usize| (format!("bench.member({n})"), format!("bench.fixed('a000', {n})"));
        let contact =
            |n: usize| (format!("bench.contact({n}, 1)"), format!("bench.fixed('b000', bench.contact_number({n}, 1))"));
        let nobody = ("''".to_owned(), "''".to_owned());
        let (role, (user, session)) = match by {
            By::Worker => ("pruuf_worker", nobody),
            By::Anon => ("pruuf_anon", nobody),
            By::Member => ("pruuf_user", member(self.member)),
            By::LostMember => ("pruuf_user", member(self.lost)),
            By::Contact => ("pruuf_user", contact(self.member)),
            By::LostContact => ("pruuf_user", contact(self.lost)),
            By::HelplessContact => ("pruuf_user", contact(self.helpless)),
            By::Watcher => ("pruuf_user", ("bench.fixed('9000', 1)".to_owned(), "bench.fixed('b000', 1)".to_owned())),
        };
        format!(
            "select set_config('pruuf.user_id', {user}::text, true),
                    set_config('pruuf.session_id', {session}::text, true),
                    set_config('pruuf.request_id', '00000000-0000-4000-8000-000000000000', true),
                    set_config('pruuf.ip', '127.0.0.1', true), set_config('statement_timeout', '{TIMEOUT_MS}', true),
                    set_config('role', '{role}', true)"
        )
    }
}

/// What the statements of a call read on the aged database, with plans for these values and with plans for any.
async fn greediest(case: &Case, world: &World) -> Vec<Statement> {
    let (db, mut told) = plans::connect(&world.url(AGED)).await;
    let mut all = Vec::new();
    for mode in ["auto", "force_generic_plan"] {
        let prelude = "set local auto_explain.log_min_duration = 0";
        db.batch_execute(&format!("set plan_cache_mode = {mode}")).await.unwrap();
        let _ = once(case, &db, 3, prelude).await;
        all.extend(plans::statements(&mut told).into_iter().map(|one| Statement { mode, ..one }));
    }
    all.sort_by(|one, other| other.ratio().total_cmp(&one.ratio()));
    all.dedup_by(|one, other| one.function == other.function && one.text == other.text);
    all
}

fn shown(line: &Line) -> String {
    let figure = |time: &Result<f64, String>| match time {
        Ok(time) => format!("{time:.2} ms"),
        Err(failure) => failure.clone(),
    };
    let ratio = line.ratio.map_or_else(|| "none".to_owned(), |ratio| format!("**{ratio:.2}**"));
    let greediest = line.greediest.first().map_or_else(
        || "none".to_owned(),
        |statement| match statement.ratio() {
            ratio if ratio > MOST_READ => format!("**{ratio:.0}** (`{}`)", statement.function),
            ratio => format!("{ratio:.0}"),
        },
    );
    format!("| {} | {} | {} | {ratio} | {greediest} |", line.name, figure(&line.aged), figure(&line.small))
}

/// Each statement that reads too much, in the case where it reads most.
fn offenders(lines: &[Line]) -> String {
    let mut worst: Vec<(&str, &Statement)> = Vec::new();
    for line in lines {
        for statement in line.greediest.iter().filter(|statement| statement.ratio() > MOST_READ) {
            match worst.iter_mut().find(|(_, one)| one.function == statement.function && one.text == statement.text) {
                Some(known) if known.1.read < statement.read => *known = (&line.name, statement),
                Some(_) => {}
                None => worst.push((&line.name, statement)),
            }
        }
    }
    worst.sort_by(|one, other| other.1.read.total_cmp(&one.1.read));
    let mut text =
        format!("{} statements read more than {MOST_READ} rows for each that they give or change\n", worst.len());
    for (name, statement) in worst {
        let scans = statement.scans.iter().map(|(scan, rows)| format!("{scan}: {rows:.0}")).collect::<Vec<_>>();
        writeln!(
            text,
            "\n## {:.0} read for {:.0} ({} times, {:.0} pages, plan mode {}): `{}` in {name}\n\n```sql\n{}\n```\n\n{}",
            statement.read,
            statement.given,
            statement.times,
            statement.pages,
            statement.mode,
            statement.function,
            statement.text,
            scans.join("; ")
        )
        .unwrap();
    }
    text
}
