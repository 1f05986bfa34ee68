//! The fault game: servers are killed and started, the database restarts, notifications get lost, providers fail, stall,
//! lie and repeat, callbacks come late, twice and backwards or never, the clock moves on; and people go on with their lives.
//! Then everything that was done is compared with everything that arrived.
//!
//! `plan` says what a seed means, `arena` plays it, `days` reckons what should follow, `judge` looks at what did. A seed
//! repeats the plan; what is at the same moment still races. docs/conventions.md, Tests.

mod arena;
mod days;
mod judge;
mod plan;

use std::path::PathBuf;
use std::time::Instant;

use futures_util::FutureExt as _;
use pruuf::db::release;
use pruuf::dev::cluster::Cluster;

use self::arena::Arena;
use self::plan::Plan;
use crate::support::TestDatabase;
use crate::support::database::{connect, deadlocks_in, own_cluster, throw_away};
use crate::support::process::random_seed;

/// What every change has to survive; found to be different from each other, and fast.
const SHORT: &[u64] = &[1, 5];
const TEMPLATE: &str = "game_template";
/// Whoever has read the clock is done before it moves, so that no lease is of the time before; gives the messages in somebody's
/// hand.
const MOVING: &str = "
    update meta.clock set rehearsal = true;
    create schema game;
    -- A stable function sees what its caller saw before it waited for the lock: the old time, after the clock was moved.
    alter function rules.clock() volatile;
    create function game.advance_to(target timestamptz) returns setof uuid language plpgsql as $$
    begin
      lock table meta.clock in access exclusive mode;
      return query select id from data.deliveries where state = 'sending';
      perform meta.advance_clock(target - rules.clock());
    end $$;";

#[expect(clippy::print_stdout, reason = "the seed of a game that was lost is what whoever reads this wants")]
fn say(line: &str) {
    println!("{line}");
}

/// A cluster that may be restarted, with a database to copy.
async fn ground() -> (Cluster, PathBuf) {
    let (cluster, directory) = own_cluster(&[("max_connections", "500"), ("shared_buffers", "128MB")]).await;
    let postgres = connect(&cluster.admin_url("postgres")).await;
    postgres.batch_execute(&format!("create database {TEMPLATE}")).await.unwrap();
    let url = cluster.admin_url(TEMPLATE);
    release::migrate(&url.clone().into()).await.unwrap();
    connect(&url).await.batch_execute(MOVING).await.unwrap();
    let gone = format!("select count(*) from pg_stat_activity where datname = '{TEMPLATE}'");
    while postgres.query_one(&gone, &[]).await.unwrap().get::<_, i64>(0) > 0 {
        tokio::task::yield_now().await;
    }
    (cluster, directory)
}

/// Plays one game. Gives what is wrong, and what happened.
async fn play(cluster: &Cluster, seed: u64) -> (Vec<String>, Vec<String>) {
    let plan = Plan::new(seed);
    let name = format!("game_{}", uuid::Uuid::new_v4().simple());
    let arena = Arena::new(&plan, cluster, TestDatabase::copy_in(cluster, TEMPLATE, &name).await).await;
    arena.begin().await;
    for act in &plan.acts {
        for beat in act {
            arena.play(beat).await;
        }
        arena.mend_and_wait().await;
        arena.look_at_what_is_open().await;
    }
    arena.end().await;
    arena.mend_and_wait().await;
    arena.look_at_everything().await;
    arena.note_what_was_sent().await;
    let mut score = std::mem::take(&mut *arena.score.lock().unwrap());
    let name = arena.stop().await;
    let postgres = connect(&cluster.admin_url("postgres")).await;
    // What a crash of PostgreSQL has not made it forget.
    let deadlocks = deadlocks_in(&postgres, &name).await;
    if deadlocks > 0 {
        score.faults.push(format!("{deadlocks} deadlocks: see the order of locks in docs/architecture.md"));
    }
    postgres.batch_execute(&format!("drop database {name} with (force)")).await.unwrap();
    (score.faults, score.log)
}

/// Plays all of these, and fails with the seeds of those that were lost.
async fn play_all(seeds: impl Iterator<Item = u64>) {
    let (cluster, directory) = ground().await;
    let (began, mut played, mut lost) = (Instant::now(), 0, Vec::new());
    for seed in seeds {
        let began = Instant::now();
        let (faults, log) = std::panic::AssertUnwindSafe(play(&cluster, seed))
            .catch_unwind()
            .await
            .unwrap_or_else(|_| (vec!["it broke off".to_owned()], Vec::new()));
        played += 1;
        say(&format!("PRUUF_SEED={seed} {:.1} s, {} faults", began.elapsed().as_secs_f64(), faults.len()));
        if !faults.is_empty() || std::env::var_os("PRUUF_SEED").is_some() {
            say(&format!("{:#?}\n{}\n{}", Plan::new(seed), log.join("\n"), faults.join("\n")));
        }
        if !faults.is_empty() {
            lost.push(seed);
        }
    }
    say(&format!("{played} games in {:.0} s, lost: {lost:?}", began.elapsed().as_secs_f64()));
    throw_away(cluster, directory).await;
    assert!(lost.is_empty(), "games lost; each again by PRUUF_SEED=… tests/faults/run: {lost:?}");
}

/// R6.1, R6.3, R6.5, R7.1, R7.3, R9.2, R9.5, R9.7. A few games; as many as one likes, by `tests/faults/run`.
#[tokio::test]
async fn r9_5_whatever_breaks_everybody_is_told_once_and_nobody_without_a_cause() {
    let number = |name: &str| std::env::var(name).ok().and_then(|value| value.parse::<u64>().ok());
    match (number("PRUUF_SEED"), number("PRUUF_GAMES")) {
        (Some(seed), games) => play_all((0..games.unwrap_or(1)).map(|_| seed)).await,
        (None, Some(games)) => {
            let first = random_seed() >> 32;
            play_all((0..games).map(|game| first + game)).await;
        }
        (None, None) => play_all(SHORT.iter().copied()).await,
    }
}
