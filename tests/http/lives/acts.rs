//! What happens in a life: written and read as a line, done by the model and by the database.

use std::fmt;

use jiff::Timestamp;
use jiff::civil::{Date, Time};
use uuid::Uuid;

use super::model::{Break, Life, Refused, Schedule};

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    /// Times, zone, weekdays and minutes of grace.
    Set(String, String, String, i64),
    /// With the zone where the device is, if it is told.
    Tap(Option<String>),
    /// All that is due is done.
    Tick,
    Later(i64),
    /// The Contact's word.
    Attest,
    Plan(Date, Option<Date>),
    /// Breaks are numbered in the order in which they were planned.
    Until(usize, Option<Date>),
    From(usize, Date),
    Remove(usize),
}

#[derive(Debug, Clone)]
pub struct Event {
    pub at: Timestamp,
    pub act: Act,
}

fn shown(last: Option<Date>) -> String {
    last.map_or_else(|| "-".to_owned(), |last| last.to_string())
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", self.at)?;
        match &self.act {
            Act::Set(times, zone, days, grace) => write!(f, "set {times} {zone} {days} {grace}"),
            Act::Tap(None) => f.write_str("tap"),
            Act::Tap(Some(zone)) => write!(f, "tap {zone}"),
            Act::Tick => f.write_str("tick"),
            Act::Later(minutes) => write!(f, "later {minutes}"),
            Act::Attest => f.write_str("attest"),
            Act::Plan(first, last) => write!(f, "plan {first} {}", shown(*last)),
            Act::Until(number, last) => write!(f, "until {number} {}", shown(*last)),
            Act::From(number, first) => write!(f, "from {number} {first}"),
            Act::Remove(number) => write!(f, "remove {number}"),
        }
    }
}

impl Event {
    /// A line as it is shown.
    pub fn read(line: &str) -> Self {
        let words: Vec<&str> = line.split_whitespace().collect();
        let date = |n: usize| words[n].parse::<Date>().unwrap();
        let last = |n: usize| (words[n] != "-").then(|| date(n));
        let number = |n: usize| words[n].parse().unwrap();
        let act = match words[1] {
            "set" => Act::Set(words[2].to_owned(), words[3].to_owned(), words[4].to_owned(), words[5].parse().unwrap()),
            "tap" => Act::Tap(words.get(2).map(|zone| (*zone).to_owned())),
            "tick" => Act::Tick,
            "later" => Act::Later(words[2].parse().unwrap()),
            "attest" => Act::Attest,
            "plan" => Act::Plan(date(2), last(3)),
            "until" => Act::Until(number(2), last(3)),
            "from" => Act::From(number(2), date(3)),
            "remove" => Act::Remove(number(2)),
            other => panic!("{other} is no act"),
        };
        Self { at: words[0].parse().unwrap(), act }
    }

    /// What the model makes of it: nothing at all, if it is refused.
    pub fn play(&self, life: &mut Life) -> Result<(), Refused> {
        let (at, mut after) = (self.at, life.clone());
        match &self.act {
            Act::Set(times, zone, days, grace) => {
                let times = times.split(',').map(|time| time.parse::<Time>().unwrap()).collect();
                let days = days.split(',').map(|day| day.parse().unwrap()).collect();
                after.set(at, Schedule::new(times, zone, days, *grace));
            }
            Act::Tap(zone) => after.tap(at, zone.as_deref()),
            Act::Tick => drop(after.pass(at)),
            Act::Later(minutes) => after.postpone(at, *minutes)?,
            Act::Attest => after.attest(at)?,
            Act::Plan(first, last) => after.plan(at, Break { first: *first, last: *last, is_over: false })?,
            Act::Until(number, last) => after.until(at, *number, *last)?,
            Act::From(number, first) => after.from(at, *number, *first)?,
            Act::Remove(number) => after.remove(at, *number)?,
        }
        *life = after;
        Ok(())
    }

    /// The call of the database and the role that may. `breaks` are the ids by number.
    pub fn call(&self, member: Uuid, breaks: &[Uuid]) -> (String, &'static str) {
        let call = match &self.act {
            Act::Set(times, zone, days, grace) => format!(
                "api.set_schedule(local_times => '{{{times}}}', time_zone => '{zone}', weekdays => '{{{days}}}', grace_minutes => {grace}::smallint, reminders => '{{}}')"
            ),
            Act::Tap(zone) => format!(
                "api.record_check_in(device_time => null, time_zone => nullif('{}', ''), note => null, mood => null)",
                zone.as_deref().unwrap_or_default()
            ),
            Act::Tick => return ("jobs.tick()".to_owned(), "pruuf_worker"),
            Act::Later(minutes) => format!("api.postpone_check_in(minutes => {minutes})"),
            Act::Attest => format!("api.attest_member(member_id => '{member}', note => null)"),
            Act::Plan(first, last) => format!(
                "api.plan_break(first_on => '{first}', last_on => nullif('{}', '-')::date, is_confirmed => null)",
                shown(*last)
            ),
            Act::Until(number, last) => {
                let last = last.map_or_else(|| "null".to_owned(), |last| format!("\"{last}\""));
                let changes = format!("{{\"last_on\": {last}}}");
                format!("api.update_break(break_id => '{}', changes => '{changes}')", breaks[*number])
            }
            Act::From(number, first) => {
                let changes = format!("{{\"first_on\": \"{first}\"}}");
                format!("api.update_break(break_id => '{}', changes => '{changes}')", breaks[*number])
            }
            Act::Remove(number) => format!("api.remove_break(break_id => '{}')", breaks[*number]),
        };
        (call, "pruuf_user")
    }
}
