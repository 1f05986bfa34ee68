//! Every pair of operations that touch the same Member, Contact or alert, at the same moment (R9.5). None waits for another
//! that waits for it.
//!
//! What two operations lock is looked at first: one is held open when all is done, and the other runs until it has to wait.
//! Then those that met are played, and not by chance: a third session holds what they wait for until both wait, once the one
//! first in the queue, once the other. All is rolled back, so that every pair finds the same world.

mod operations;

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, timeout};
use tokio_postgres::Client;

use self::operations::{ELSEWHERE, OPERATIONS};
use crate::support::database::connect;
use crate::support::{PATIENCE, TestDatabase};

const WORLD: &str = include_str!("pairs/world.sql");
const IDS: &str = include_str!("pairs/ids.sql");
/// How long one call of a request may run (`src/db/mod.rs`).
const TIMEOUT: &str = "5s";
/// How long something runs before somebody looks whether it waits.
const LOOK: Duration = Duration::from_millis(2);
/// Databases that are worked on at once.
const WORKERS: usize = 3;
/// The operations are dealt with in squares of this side: each of one group with each of another.
const GROUP: usize = 10;

/// An operation that is ready to be sent.
#[derive(Clone)]
struct Operation {
    name: String,
    /// Begins a transaction as the server does, and calls.
    sql: String,
}

/// What is waited for.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Lock {
    Advisory(i64),
    Row {
        table: String,
        place: String,
    },
    /// Another transaction's entry in a unique index.
    Entry(String),
}

impl fmt::Display for Lock {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Advisory(key) => write!(to, "the advisory lock {key}"),
            Self::Row { table, place } => write!(to, "row {place} of {table}"),
            Self::Entry(said) => write!(to, "{said:?}"),
        }
    }
}

/// Where an operation waits for another.
#[derive(Clone, Debug)]
struct Wait {
    lock: Lock,
    /// Of a row: as pg_locks calls it. None where it does not say.
    mode: Option<String>,
    /// The statements that wait, the innermost first.
    stack: String,
}

impl fmt::Display for Wait {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stack: Vec<_> = self.stack.lines().take(6).map(|line| format!("\n        {}", line.trim())).collect();
        write!(to, "{} ({}){}", self.lock, self.mode.as_deref().unwrap_or("?"), stack.concat())
    }
}

/// A session as the server has one.
struct Session {
    client: Arc<Client>,
    pid: i32,
}

impl Session {
    async fn new(url: &str) -> Self {
        let client = connect(url).await;
        let pid = client.query_one("select pg_backend_pid()", &[]).await.unwrap().get(0);
        Self { client: Arc::new(client), pid }
    }

    /// Runs an operation in the background, and ends its transaction as `and_then` says.
    fn play(&self, operation: &Operation, and_then: &str) -> JoinHandle<Result<(), tokio_postgres::Error>> {
        let (client, sql) = (Arc::clone(&self.client), format!("{}; {and_then}", operation.sql));
        tokio::spawn(async move { client.batch_execute(&sql).await })
    }

    async fn roll_back(&self) {
        self.client.batch_execute("rollback").await.unwrap();
    }
}

/// The world as it is before anybody has done anything. Nobody is connected to it, since it is copied.
struct Original {
    db: TestDatabase,
    ids: HashMap<String, String>,
    operations: Arc<Vec<Operation>>,
    jobs: Vec<String>,
    to_play: Vec<String>,
}

impl Original {
    async fn new() -> Self {
        let mut db = TestDatabase::create().await;
        db.admin.batch_execute(WORLD).await.unwrap();
        let jobs = jobs_without_arguments(&db.admin).await;
        let ids: HashMap<_, _> =
            db.admin.query(IDS, &[]).await.unwrap().iter().map(|row| (row.get(0), row.get(1))).collect();
        let operations = Arc::new(operations(&ids, &jobs));
        let to_play = to_play(&db.admin).await;
        db.admin = connect(&db.admin_url().replace(&db.name, "postgres")).await;
        Self { db, ids, operations, jobs, to_play }
    }

    async fn copy(&self) -> Stage {
        let name = format!("{}_{}", self.db.name, COPIES.fetch_add(1, Ordering::Relaxed));
        let begun = Instant::now();
        // Whoever has made it may not be gone yet.
        while let Err(error) =
            self.db.admin.batch_execute(&format!("create database {name} template {}", self.db.name)).await
        {
            assert!(begun.elapsed() < PATIENCE, "{error:?}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let settle = format!(
            "revoke all on database {name} from public; grant connect on database {name} to pruuf_server;
             alter database {name} set deadlock_timeout = '50ms'"
        );
        self.db.admin.batch_execute(&settle).await.unwrap();
        let [admin_url, url] = [self.db.admin_url(), self.db.server_url()].map(|url| url.replace(&self.db.name, &name));
        let (admin, gate) = (connect(&admin_url).await, connect(&admin_url).await);
        let (one, other) = (Session::new(&url).await, Session::new(&url).await);
        Stage { operations: Arc::clone(&self.operations), name, admin, gate, one, other }
    }

    /// Drops a copy, and gives how many deadlocks PostgreSQL has counted in it: its sessions tell when they end.
    async fn end(&self, stage: Stage) -> i64 {
        let name = stage.name.clone();
        drop(stage);
        let begun = Instant::now();
        let left = "select count(*) from pg_stat_activity where datname = $1";
        while self.db.admin.query_one(left, &[&name]).await.unwrap().get::<_, i64>(0) > 0 {
            assert!(begun.elapsed() < PATIENCE, "sessions stay");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let sql = "select deadlocks from pg_stat_database where datname = $1";
        let counted = self.db.admin.query_one(sql, &[&name]).await.unwrap().get(0);
        self.db.admin.batch_execute(&format!("drop database {name}")).await.unwrap();
        counted
    }
}

/// Of one run: each has a name of its own.
static COPIES: AtomicUsize = AtomicUsize::new(0);

/// A copy of the world, and the sessions of those who act in it.
struct Stage {
    name: String,
    operations: Arc<Vec<Operation>>,
    /// A superuser's, which looks.
    admin: Client,
    /// A superuser's, which holds what is waited for.
    gate: Client,
    one: Session,
    other: Session,
}

/// What becomes of two who meet.
const UNDONE: &str = "rollback";
const DONE: &str = "commit";

impl Stage {
    /// Where a session waits for another one's lock.
    async fn wait_of(&self, pid: i32) -> Option<Wait> {
        let sql =
            "select w.locktype, w.classid::bigint, w.objid::bigint, t.relation::regclass::text, t.page, t.tuple, t.mode
                     from pg_locks w left join pg_locks t on t.pid = w.pid and t.locktype = 'tuple'
                    where w.pid = $1 and not w.granted and w.locktype in ('advisory', 'transactionid', 'tuple')";
        let row = self.admin.query_opt(sql, &[&pid]).await.unwrap()?;
        let lock = if row.get::<_, &str>(0) == "advisory" {
            Lock::Advisory((row.get::<_, i64>(1) << 32) | row.get::<_, i64>(2))
        } else if let Some(table) = row.get::<_, Option<String>>(3) {
            Lock::Row { table, place: format!("({},{})", row.get::<_, i32>(4), row.get::<_, i16>(5)) }
        } else {
            Lock::Entry(String::new())
        };
        Some(Wait { lock, mode: row.get(6), stack: String::new() })
    }

    /// Runs an operation while another session holds what it has done: gives where it waits for that, if it does.
    async fn meets(&self, operation: &Operation, holds: &Session, held: &Operation) -> Option<Wait> {
        let session = if holds.pid == self.one.pid { &self.other } else { &self.one };
        let mut running = session.play(operation, "");
        let mut found = None;
        loop {
            if timeout(LOOK, &mut running).await.is_ok() {
                break;
            }
            found = self.wait_of(session.pid).await;
            if found.is_some() {
                break;
            }
        }
        if let Some(wait) = &mut found {
            self.admin.query_one("select pg_cancel_backend($1)", &[&session.pid]).await.unwrap();
            let said = timeout(Duration::from_secs(2), &mut running).await;
            if let Ok(Ok(Err(error))) = &said {
                wait.stack = error.as_db_error().and_then(|error| error.where_()).unwrap_or_default().to_owned();
            } else if said.is_err() {
                // It goes on after a call that was cancelled, and waits for the next thing.
                holds.roll_back().await;
                running.await.unwrap().unwrap();
                let _ = holds.play(held, "").await.unwrap();
            }
            if let Lock::Entry(_) = wait.lock {
                wait.lock = self.named_by(&wait.stack).await;
            }
        }
        session.roll_back().await;
        found
    }

    /// What a stack says is waited for, where pg_locks does not.
    async fn named_by(&self, stack: &str) -> Lock {
        let said = stack.lines().next().unwrap_or_default();
        let place = said.split("tuple ").nth(1).and_then(|rest| rest.split(' ').next()).unwrap_or_default();
        let relation = said.split('"').nth(1).unwrap_or_default();
        let sql = "select c.oid::regclass::text from pg_class c join pg_namespace n on n.oid = c.relnamespace
                    where c.relname = $1 and c.relkind = 'r' and n.nspname in ('data', 'billing', 'audit', 'meta')";
        match self.admin.query_opt(sql, &[&relation]).await.unwrap() {
            Some(table) => Lock::Row { table: table.get(0), place: place.to_owned() },
            None => Lock::Entry(said.replace(place, "")),
        }
    }

    /// Holds one operation, and runs others against it: where they wait. None when it is refused, and so holds nothing.
    async fn survey(&self, held: usize, against: &[usize]) -> Option<HashMap<usize, Wait>> {
        let mut waits = HashMap::new();
        if against.is_empty() {
            return Some(waits);
        }
        let held = &self.operations[held];
        let is_held = self.one.play(held, "").await.unwrap().is_ok();
        for &second in against.iter().filter(|_| is_held) {
            if let Some(wait) = self.meets(&self.operations[second], &self.one, held).await {
                waits.insert(second, wait);
            }
        }
        self.one.roll_back().await;
        is_held.then_some(waits)
    }

    /// Holds a lock until both wait, first the one and then the other, and lets them go. Gives what went wrong.
    async fn play_at(&self, lock: &Lock, first: &Operation, second: &Operation, end: &str) -> Vec<String> {
        let hold = match lock {
            Lock::Advisory(key) => format!("begin; select pg_advisory_xact_lock({key})"),
            Lock::Row { table, place } => format!("begin; select from {table} where ctid = '{place}' for update"),
            Lock::Entry(_) => "begin".to_owned(),
        };
        self.gate.batch_execute(&hold).await.unwrap();
        let mut played = Vec::new();
        for (session, operation) in [(&self.one, first), (&self.other, second)] {
            let running = session.play(operation, end);
            let begun = Instant::now();
            // It may have no need of it this time: it was refused before, or leaves what is held for later.
            while !running.is_finished() && self.wait_of(session.pid).await.is_none() {
                assert!(begun.elapsed() < PATIENCE, "{}", operation.name);
            }
            played.push((session, operation, running));
        }
        self.gate.batch_execute("rollback").await.unwrap();
        let mut wrong = Vec::new();
        for (session, operation, running) in played {
            if let Err(error) = timeout(PATIENCE, running).await.unwrap().unwrap() {
                let error = error.as_db_error().unwrap();
                let is_refusal = error.code().code().starts_with("UF");
                if !is_refusal {
                    let detail = [error.detail(), error.where_()].map(Option::unwrap_or_default).join("\n");
                    wrong.push(format!("{}: {} {}\n{detail}", operation.name, error.code().code(), error.message()));
                }
            }
            session.roll_back().await;
        }
        wrong
    }

    /// Plays a pair that met: at each lock that one of them waits for, in both orders of the queue.
    async fn play(&self, first: usize, second: usize, waits: [Option<&Wait>; 2]) -> Vec<String> {
        let (one, other) = (&self.operations[first], &self.operations[second]);
        let mut locks: Vec<_> = waits.into_iter().flatten().map(|wait| &wait.lock).collect();
        locks.dedup();
        let mut wrong = Vec::new();
        for lock in locks {
            wrong.extend(self.play_at(lock, one, other, UNDONE).await);
            if first != second {
                wrong.extend(self.play_at(lock, other, one, UNDONE).await);
            }
        }
        wrong
    }

    /// Deals with each of one group and each of another: how many met, and what went wrong.
    async fn square(&self, one: &[usize], other: &[usize]) -> (usize, Vec<String>) {
        let (mut there, mut back) = (HashMap::new(), HashMap::new());
        let mut again: HashMap<usize, Vec<usize>> = HashMap::new();
        for &first in one {
            let seconds: Vec<_> =
                other.iter().copied().filter(|&second| one[0] != other[0] || first <= second).collect();
            let waits = self.survey(first, &seconds).await;
            for second in seconds {
                // Who waits for nothing that another has done holds nothing of what that needs.
                if waits.as_ref().is_none_or(|waits| waits.contains_key(&second)) {
                    again.entry(second).or_default().push(first);
                }
            }
            there.extend(waits.unwrap_or_default().into_iter().map(|(second, wait)| ((first, second), wait)));
        }
        for (second, firsts) in again {
            let waits = self.survey(second, &firsts).await.unwrap_or_default();
            back.extend(waits.into_iter().map(|(first, wait)| ((first, second), wait)));
        }
        let met: BTreeSet<_> = there.keys().chain(back.keys()).copied().collect();
        let mut wrong = Vec::new();
        for (first, second) in &met {
            let waits = [there.get(&(*first, *second)), back.get(&(*first, *second))];
            let played = self.play(*first, *second, waits).await;
            if let ([Some(at), Some(back)], false) = (waits, played.is_empty()) {
                let names = [*first, *second].map(|place| &self.operations[place].name);
                wrong.push(format!("{} waits for {at}\n    while {} waits for {back}", names[1], names[0]));
            }
            wrong.extend(played);
        }
        (met.len(), wrong)
    }
}

/// A call with the ids of this world.
fn ready(ids: &HashMap<String, String>, (name, role, who, call): (&str, &str, u8, &str)) -> Operation {
    let call = ids.iter().fold(call.to_owned(), |call, (name, id)| call.replace(&format!("{{{name}}}"), id));
    let person = |kind: u8| if who == 0 { String::new() } else { format!("{kind:08}-0000-4000-8000-{who:012}") };
    let check = if ["pruuf_user", "pruuf_staff"].contains(&role) { "select rules.refuse_ended_session();" } else { "" };
    let sql = format!(
        "begin; select set_config('role', '{role}', true), set_config('pruuf.user_id', '{}', true),
            set_config('pruuf.ip', '10.0.0.1', true), set_config('statement_timeout', '{TIMEOUT}', true),
            set_config('pruuf.session_id', '{}', true); {check} select {call}",
        person(1),
        person(5)
    );
    Operation { name: name.to_owned(), sql }
}

/// The operations of the list, and the jobs that need no argument.
fn operations(ids: &HashMap<String, String>, jobs: &[String]) -> Vec<Operation> {
    let listed = OPERATIONS.iter().map(|&operation| ready(ids, operation));
    let jobs = jobs.iter().map(|name| ready(ids, (name, "pruuf_worker", 0, &format!("jobs.{name}()"))));
    listed.chain(jobs).collect()
}

/// The jobs that the clock calls: what changes something, needs no argument and is no part of another one.
async fn jobs_without_arguments(admin: &Client) -> Vec<String> {
    let sql = "select p.proname::text from pg_proc p
                where p.pronamespace = 'jobs'::regnamespace and p.provolatile = 'v' and p.pronargs = p.pronargdefaults
                  and has_function_privilege('pruuf_worker', p.oid, 'execute')
                  and not exists (select from pg_proc o where o.prosrc like '%jobs.' || p.proname || '(%')
                order by 1";
    admin.query(sql, &[]).await.unwrap().iter().map(|row| row.get(0)).collect()
}

/// All that changes something and may be called from outside: by a request, by a provider, by the clock.
async fn to_play(admin: &Client) -> Vec<String> {
    let sql = "select n.nspname || '.' || p.proname from pg_proc p join pg_namespace n on n.oid = p.pronamespace
                where n.nspname in ('api', 'jobs') and p.provolatile = 'v' and p.prorettype <> 'trigger'::regtype
                  and exists (select from unnest(array['pruuf_anon', 'pruuf_user', 'pruuf_staff', 'pruuf_worker']) as role
                               where has_function_privilege(role, p.oid, 'execute'))
                  and not (n.nspname = 'jobs' and exists (
                    select from pg_proc o where o.oid <> p.oid and o.prosrc like '%jobs.' || p.proname || '(%'))
                  -- What a job does with the rows that it has found, and its probe of them.
                  and not (n.nspname = 'jobs' and p.proargtypes in (
                    array['uuid[]'::regtype, 'timestamptz'::regtype]::oidvector, array['uuid[]'::regtype]::oidvector))
                order by 1";
    admin.query(sql, &[]).await.unwrap().iter().map(|row| row.get(0)).collect()
}

#[tokio::test]
async fn r9_5_whatever_changes_something_is_played_against_all_else() {
    let original = Original::new().await;
    for function in &original.to_play {
        let is_job = original.jobs.iter().any(|job| *function == format!("jobs.{job}"));
        let is_listed = OPERATIONS.iter().any(|(_, _, _, call)| call.starts_with(&format!("{function}(")));
        let is_elsewhere = ELSEWHERE.iter().any(|(name, _)| name == function);
        assert!(is_job || is_listed || is_elsewhere, "{function} is neither in OPERATIONS nor in ELSEWHERE");
        assert!(!(is_elsewhere && (is_job || is_listed)), "{function} is played, and in ELSEWHERE");
    }
    for (name, reason) in ELSEWHERE {
        assert!(original.to_play.iter().any(|function| function == name), "{name} ({reason}) is no more");
    }
    // What is refused, or not understood, locks nothing.
    let stage = original.copy().await;
    for operation in original.operations.iter() {
        let played = stage.one.play(operation, UNDONE).await.unwrap();
        let name = &operation.name;
        assert_eq!(played.is_err(), name.ends_with("_refused"), "{name}: {played:?}");
        stage.one.roll_back().await;
    }
    original.end(stage).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r9_5_whatever_two_do_at_once_neither_waits_for_the_other_for_ever() {
    let original = Arc::new(Original::new().await);
    let all: Vec<usize> = (0..original.operations.len()).collect();
    let groups: Vec<Vec<usize>> = all.chunks(GROUP).map(<[usize]>::to_vec).collect();
    let pairs = (0..groups.len()).flat_map(|one| (one..groups.len()).map(move |other| (one, other)));
    let squares: Arc<Vec<_>> =
        Arc::new(pairs.map(|(one, other)| (groups[one].clone(), groups[other].clone())).collect());
    let (next, mut working) = (Arc::new(AtomicUsize::new(0)), JoinSet::new());
    for _ in 0..WORKERS {
        let (original, squares, next) = (Arc::clone(&original), Arc::clone(&squares), Arc::clone(&next));
        working.spawn(async move {
            let stage = original.copy().await;
            let (mut met, mut wrong) = (0, Vec::new());
            while let Some((one, other)) = squares.get(next.fetch_add(1, Ordering::Relaxed)) {
                let (more, went_wrong) = stage.square(one, other).await;
                met += more;
                wrong.extend(went_wrong);
            }
            (met, wrong, original.end(stage).await)
        });
    }
    let (mut met, mut wrong, mut deadlocks) = (0, Vec::new(), 0);
    for (more, went_wrong, counted) in working.join_all().await {
        met += more;
        wrong.extend(went_wrong);
        deadlocks += counted;
    }
    assert!(wrong.is_empty(), "of {met} pairs that met, with {deadlocks} deadlocks:\n{}", wrong.join("\n"));
    assert_eq!(deadlocks, 0);
    // Or the world has become one in which nobody meets anybody.
    assert!(met > 500, "{met}");
}

/// Who may do something at the moment of a call for help.
const BESIDE_HELP: &[&str] = &[
    "request_help",
    "cancel_help",
    "close_help",
    "acknowledge_help",
    "acknowledge_refused",
    "needs_more_help",
    "check_in",
    "text_asks_for_help",
    "key_is_safe",
    "close_missed",
    "attest_missed",
    "remove_contact",
    "leave_member",
    "block_contact",
    "delete_contact",
    "delete_me",
    "accept_invitation",
    "make_backup",
    "heartbeat",
    "escalate",
    "tell_unreached",
    "claim_sms",
    "finish_failed",
    "receipt_turns_off_phone",
    "plan_break",
];

/// What there is of Anna's newest call for help.
const HELP: &str = "select count(*) over (), a.state <> 'resolved' as is_open,
       a.state <> 'resolved' or a.resolved_at >= h.requested_at and a.resolved_how in ('cancelled', 'closed') as is_right
  from data.help_requests h join data.alerts a on a.id = h.alert_id
 where h.member_id = '00000001-0000-4000-8000-000000000001' order by h.requested_at desc limit 1";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r6_2_a_call_for_help_is_open_or_was_ended_after_it_whatever_others_do_at_once() {
    let original = Original::new().await;
    let place = |name: &str| original.operations.iter().position(|operation| operation.name == name).unwrap();
    let help = place("request_help");
    let mut deadlocks = 0;
    for name in BESIDE_HELP {
        for is_first in [true, false] {
            let stage = original.copy().await;
            let waits = stage.survey(help, &[place(name)]).await.unwrap();
            let lock = waits.into_values().next().map_or(Lock::Entry(String::new()), |wait| wait.lock);
            let [one, other] = if is_first { [help, place(name)] } else { [place(name), help] };
            let before: i64 = stage.admin.query_one(HELP, &[]).await.unwrap().get(0);
            let wrong = stage.play_at(&lock, &original.operations[one], &original.operations[other], DONE).await;
            assert!(wrong.is_empty(), "{name}: {wrong:?}");
            let after = stage.admin.query_one(HELP, &[]).await.unwrap();
            // Of an account that is deleted in the same moment the call may come too late.
            let is_going = *name == "delete_me" && !is_first;
            assert!(is_going || after.get::<_, i64>(0) > before, "{name}, {is_first}");
            assert!(after.get::<_, bool>(2), "{name}, {is_first}");
            assert!(
                after.get::<_, bool>(1) || name.starts_with("c") || name.starts_with("key") || *name == "delete_me",
                "{name}, {is_first}"
            );
            deadlocks += original.end(stage).await;
        }
    }
    assert_eq!(deadlocks, 0);
}

/// What is asked for that can be seen to be impossible. Nobody waits to hear so, and nobody waits for who asks (R9.9).
const IMPOSSIBLE: &[(&str, &str)] = &[
    ("2", "api.acknowledge_alert('{anna_help}', rules.clock() + interval '90 days')"),
    ("2", "api.acknowledge_alert('{anna_help}', rules.clock() - interval '1 day')"),
    ("2", "api.close_alert('{anna_help}', 'nonsense', null)"),
    ("2", "api.close_alert('{anna_help}', null, null)"),
];

#[tokio::test]
async fn r9_5_what_can_be_refused_is_refused_before_a_lock_is_taken() {
    let original = Original::new().await;
    let stage = original.copy().await;
    let place = |name: &str| original.operations.iter().position(|operation| operation.name == name).unwrap();
    // Anna's day, her alerts, her Contacts and their places: all is in somebody's hand.
    let held = [place("request_help"), place("block_member")].map(|place| &original.operations[place]);
    for held in held {
        stage.one.play(held, "").await.unwrap().unwrap();
        for (who, call) in IMPOSSIBLE {
            let operation = ready(&original.ids, (call, "pruuf_user", who.parse().unwrap(), call));
            let wait = stage.meets(&operation, &stage.one, held).await;
            assert!(wait.is_none(), "{call} waits for {}", wait.unwrap());
        }
        stage.one.roll_back().await;
    }
    original.end(stage).await;
}

#[tokio::test]
async fn r9_5_two_who_lock_in_opposite_orders_are_found() {
    let original = Original::new().await;
    let mut stage = original.copy().await;
    let made_up = |one: &str, other: &str| {
        let take = |key: &str| format!("select pg_advisory_xact_lock({key})");
        Operation { name: one.to_owned(), sql: format!("begin; {}; {}", take(one), take(other)) }
    };
    stage.operations = Arc::new(vec![made_up("1", "2"), made_up("2", "1"), made_up("1", "2")]);
    let (met, wrong) = stage.square(&[0], &[2]).await;
    assert_eq!((met, wrong), (1, Vec::new()));
    let (met, wrong) = stage.square(&[0], &[1]).await;
    assert_eq!(met, 1);
    assert!(wrong.iter().any(|wrong| wrong.contains("40P01")), "{wrong:?}");
    assert!(original.end(stage).await > 0);
}
