//! Random lives, for simulated years, in the database and in a small model that knows only the rules (section 4, R5.1, R5.2):
//! the same obligations at the same times in the same states, one alert a miss and no other, and somebody is always awaited.
//!
//! `PRUUF_LIVES=200` plays so many lives, `PRUUF_SEED=7` begins with that of seed 7, `PRUUF_LIFE=file` plays the lines of a file, as
//! a failure shows them.

mod acts;
mod model;
mod pauses;
mod plan;

use jiff::{Timestamp, ToSpan as _};
use tokio_postgres::SimpleQueryMessage;
use uuid::Uuid;

use crate::support::{Person, World};
use acts::{Act, Event};
use model::Life;

/// How many of the newest obligations are looked at after each step; at the end of a life all are.
const NEWEST: usize = 8;
const ALL: usize = 1_000_000;
/// Lives in each run of the suite, the seed of the first, and how long each is.
const LIVES: u64 = 2;
const FIRST: u64 = 5000;
const YEARS: i64 = 2;
/// So many steps are spent on making a history that fails shorter.
const PATIENCE: usize = 2_500;

/// A Member in the database and in the model, and the Contact whose word counts.
struct Played<'a> {
    world: &'a World,
    member: Person,
    contact: Person,
    breaks: Vec<Uuid>,
    life: Life,
}

impl<'a> Played<'a> {
    async fn new(world: &'a World) -> Self {
        let (member, contact) = (world.person("Mia").await, world.person("Cora").await);
        world.connect(&member, &contact).await;
        Self { world, member, contact, breaks: Vec::new(), life: Life::default() }
    }

    /// Whoever has lived leaves nothing that a later life could meet.
    async fn end(self) {
        let ids = [self.member.id, self.contact.id];
        self.world.db.admin.execute("delete from data.users where id = any ($1)", &[&ids.as_slice()]).await.unwrap();
    }

    /// The newest obligations as the database has them, and their number and that of all alerts.
    fn look(&self, most: usize) -> String {
        let utc = |column: &str| format!("to_char(o.{column} at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')");
        let (opens, due, alert) = (utc("opens_at"), utc("due_at"), utc("alert_at"));
        format!(
            "select (select count(*) || ' ' || (select count(*) from data.alerts a where a.member_id = '{id}') from data.obligations o where o.member_id = '{id}')
                    || coalesce(string_agg(e'\\n' || d.line, '' order by d.due_at desc), '')
               from (select o.due_at, concat_ws(' ', o.local_on, to_char(o.local_time, 'HH24:MI'), o.time_zone, {opens}, {due}, {alert}, o.state,
                                case when a.state = 'resolved' then 'resolved' when a.state is not null then 'alert' end) as line
                       from data.obligations o left join data.alerts a on a.obligation_id = o.id where o.member_id = '{id}' order by o.due_at desc limit {most}) as d",
            id = self.member.id
        )
    }

    /// The same of the model.
    fn reckon(&self, most: usize) -> String {
        let all = &self.life.obligations;
        let alerts = all.iter().filter(|one| one.alarm.is_some()).count();
        let newest = all.iter().rev().take(most).map(|one| format!("\n{one}"));
        format!("{} {alerts}{}", all.len(), newest.collect::<String>())
    }

    /// One transaction at this instant: the call, and what it has made of the Member's days. An error is the slug of the refusal.
    async fn call(&self, event: &Event) -> Result<(String, String), String> {
        let (call, role) = event.call(self.member.id, &self.breaks);
        let caller = if event.act == Act::Attest { &self.contact } else { &self.member };
        let call = if event.act == Act::Tick {
            // A job does one miss of a Member at a time.
            "do $$ begin while jobs.tick() ->> 'missed' <> '0' loop end loop; end $$; select ''".to_owned()
        } else {
            format!("select ({call})::jsonb ->> 'id'")
        };
        let sql = format!(
            "begin; update meta.clock set ahead_by = '{}'::timestamptz - now(); set local role {role};
             select set_config('pruuf.user_id', '{}', true); {call}; reset role; {}; commit",
            event.at,
            caller.id,
            self.look(NEWEST)
        );
        match self.world.db.admin.simple_query(&sql).await {
            Ok(messages) => {
                let rows = messages.iter().filter_map(|message| match message {
                    SimpleQueryMessage::Row(row) => Some(row.get(0).unwrap_or_default().to_owned()),
                    _ => None,
                });
                let mut rows: Vec<String> = rows.collect();
                let days = rows.pop().unwrap();
                Ok((rows.pop().unwrap(), days))
            }
            Err(error) => {
                self.world.db.admin.simple_query("rollback").await.unwrap();
                Err(error.as_db_error().map_or_else(|| error.to_string(), |error| error.message().to_owned()))
            }
        }
    }

    /// One step in both. An error says what differs.
    async fn step(&mut self, event: &Event) -> Result<(), String> {
        // A history that was made shorter may speak of a break that nobody planned.
        if matches!(event.act, Act::Until(n, _) | Act::From(n, _) | Act::Remove(n) if n >= self.breaks.len()) {
            return Ok(());
        }
        let before = self.reckon(NEWEST);
        let expected = event.play(&mut self.life);
        match (self.call(event).await, expected) {
            (Ok((id, days)), Ok(())) => {
                if matches!(event.act, Act::Plan(..)) {
                    self.breaks.push(id.parse().unwrap());
                }
                let reckoned = self.reckon(NEWEST);
                if days == reckoned {
                    return self.is_watched(event.at);
                }
                Err(format!("{event}\nbefore    {before}\ndatabase  {days}\nthe rules {reckoned}"))
            }
            (Err(refused), Err(expected)) if refused == expected => Ok(()),
            (found, expected) => {
                Err(format!("{event}\nbefore    {before}\ndatabase  {found:?}\nthe rules {expected:?}"))
            }
        }
    }

    /// R4.2, R4.7: what holds whatever happens; of the model, which is the same as the database.
    fn is_watched(&self, at: Timestamp) -> Result<(), String> {
        let Some(schedule) = &self.life.schedule else { return Ok(()) };
        let Some(open) = self.life.open() else {
            let is_paused = self.life.breaks.iter().flatten().any(|one| one.last.is_none());
            return if is_paused { Ok(()) } else { Err(format!("{at}: nobody is awaited")) };
        };
        let previous = self.life.obligations.iter().rev().nth(1);
        let Some(previous) = previous else { return Ok(()) };
        let apart = open.due.duration_since(previous.due);
        if open.due <= previous.due || open.opens < previous.due {
            return Err(format!("{at}: not in order\n{previous}\n{open}"));
        }
        let is_off = |day| !previous.made_from.counts(day);
        let mut days = previous.slot.on.series(1.day()).take_while(|day| *day < open.slot.on);
        let is_far =
            apart > model::FURTHEST && !self.life.is_off_between(previous.due, &open.slot) && !days.any(is_off);
        // The open one stays as it was made (R4.7), whatever the schedule or breaks are since.
        if is_far && std::sync::Arc::ptr_eq(&open.made_from, schedule) {
            return Err(format!("{at}: {apart:#} apart\n{previous}\n{open}"));
        }
        Ok(())
    }

    /// All days of a life.
    async fn compare_all(&self) -> Result<(), String> {
        let found = self.world.db.admin.query_one(&self.look(ALL), &[]).await.unwrap().get::<_, String>(0);
        let reckoned = self.reckon(ALL);
        let differ = found.lines().zip(reckoned.lines()).find(|(one, other)| one != other);
        if found == reckoned { Ok(()) } else { Err(format!("at the end: {differ:#?}")) }
    }
}

/// Plays a history; gives what differs, and how much of it was played until then.
async fn play(world: &World, events: &[Event]) -> Result<(), (String, usize)> {
    let mut played = Played::new(world).await;
    let mut done = Ok(());
    for (number, event) in events.iter().enumerate() {
        if let Err(wrong) = played.step(event).await {
            done = Err((wrong, number + 1));
            break;
        }
    }
    if done.is_ok() {
        done = played.compare_all().await.map_err(|wrong| (wrong, events.len()));
    }
    played.end().await;
    done
}

/// The smallest history that is found in which something still differs.
async fn shorten(world: &World, mut events: Vec<Event>) -> (Vec<Event>, String) {
    let mut wrong = String::new();
    // Mostly the last of it and the first schedule are enough.
    for last in [4, 8, 16, 32, 64, 128] {
        if last + 1 < events.len() {
            let mut fewer = events.split_off(events.len() - last);
            fewer.insert(0, events[0].clone());
            if let Err((found, length)) = play(world, &fewer).await {
                fewer.truncate(length);
                (events, wrong) = (fewer, found);
                break;
            }
            events.extend(fewer.drain(1..));
        }
    }
    let (mut size, mut spent) = (events.len().div_ceil(2), 0);
    loop {
        let mut begin = 0;
        while begin < events.len() && spent < PATIENCE {
            let mut fewer = events.clone();
            fewer.drain(begin..(begin + size).min(events.len()));
            spent += 10 + fewer.len();
            match play(world, &fewer).await {
                Err((found, length)) => {
                    fewer.truncate(length);
                    (events, wrong) = (fewer, found);
                }
                Ok(()) => begin += size,
            }
        }
        if size == 1 || spent >= PATIENCE {
            return (events, wrong);
        }
        size = size.div_ceil(2);
    }
}

/// Fails with the seed and the smallest history.
async fn fail(world: &World, seed: u64, events: Vec<Event>, wrong: String) {
    let (events, again) = shorten(world, events).await;
    let wrong = if again.is_empty() { wrong } else { again };
    let history: Vec<String> = events.iter().map(ToString::to_string).collect();
    panic!("PRUUF_SEED={seed}\n{wrong}\n\nPRUUF_LIFE of these lines:\n{}", history.join("\n"));
}

#[tokio::test]
#[expect(clippy::print_stderr, reason = "how far a long game has come; captured in the suite")]
async fn r4_2_random_lives_are_as_the_rules_say() {
    let world = World::without_server().await;
    if let Ok(file) = std::env::var("PRUUF_LIFE") {
        let events: Vec<Event> = std::fs::read_to_string(file).unwrap().lines().map(Event::read).collect();
        if let Err((wrong, length)) = play(&world, &events).await {
            fail(&world, 0, events[..length].to_vec(), wrong).await;
        }
        return world.stop_servers().await;
    }
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().unwrap());
    let (lives, first) = (number("PRUUF_LIVES").unwrap_or(LIVES), number("PRUUF_SEED").unwrap_or(FIRST));
    let mut days = 0;
    for seed in (0..lives).map(|n| first.wrapping_add(n)) {
        let mut plan = plan::Plan::new(seed);
        let mut played = Played::new(&world).await;
        let mut history = Vec::new();
        let mut done = Ok(());
        while let Some(event) = plan.next(&played.life, YEARS) {
            history.push(event);
            done = played.step(history.last().unwrap()).await;
            if done.is_err() {
                break;
            }
        }
        if done.is_ok() {
            done = played.compare_all().await;
        }
        days += played.life.obligations.len();
        played.end().await;
        eprintln!("PRUUF_SEED={seed}: {YEARS} years, {} steps; {days} obligations in all", history.len());
        if let Err(wrong) = done {
            fail(&world, seed, history, wrong).await;
        }
    }
    // Nobody has spent their life on a break.
    assert!(days > 20 * usize::try_from(lives).unwrap(), "PRUUF_SEED={first}: {days} obligations");
    world.stop_servers().await;
}
