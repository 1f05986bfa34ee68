//! What happens in a life, at random, and most of it where it matters: at the second when something opens, is due or is missed.

use jiff::{SignedDuration, Timestamp, ToSpan as _};

use super::acts::{Act, Event};
use super::model::Life;
use crate::support::process::Dice;

/// Whole hours and not, gaps of half an hour and of two hours, at midnight and in the middle of the day, and both sides of the
/// date line.
const ZONES: [&str; 20] = [
    "Africa/Cairo",
    "Africa/Casablanca",
    "America/Havana",
    "America/Los_Angeles",
    "America/Nuuk",
    "America/Santiago",
    "America/St_Johns",
    "Antarctica/Troll",
    "Asia/Beirut",
    "Asia/Kathmandu",
    "Atlantic/Azores",
    "Australia/Lord_Howe",
    "Europe/Dublin",
    "Europe/London",
    "Europe/Vienna",
    "Pacific/Auckland",
    "Pacific/Chatham",
    "Pacific/Kiritimati",
    "Pacific/Pago_Pago",
    "UTC",
];
const TIMES: [&str; 16] = [
    "09:00",
    "20:30",
    "00:00",
    "00:01",
    "23:58",
    "02:30",
    "00:30",
    "03:59",
    "08:00,20:00",
    "00:10,23:50",
    "01:30,02:15,02:30,03:00",
    "07:00,12:00,13:00,22:00",
    "06:00,18:30",
    "23:00,23:59",
    "02:00,03:00",
    "08:00,11:00,14:00,20:00",
];
const DAYS: [&str; 8] =
    ["1,2,3,4,5,6,7", "1,2,3,4,5,6,7", "1,2,3,4,5,6,7", "1,2,3,4,5", "1,3,5", "7", "2,3,4,5,6,7", "6,7"];
const GRACES: [i64; 6] = [0, 1, 10, 30, 120, 240];

/// The dice of one life.
pub struct Plan {
    dice: Dice,
    born: Timestamp,
    now: Timestamp,
    /// Some travel all the time.
    is_restless: bool,
}

impl Plan {
    pub fn new(seed: u64) -> Self {
        let mut dice = Dice::new(seed);
        // Any hour of ten years; the clock of a rehearsal never runs behind the real one.
        let hours = i64::try_from(dice.up_to(10 * 365 * 24)).unwrap();
        let born = "2028-01-01T00:00:00Z".parse::<Timestamp>().unwrap() + SignedDuration::from_hours(hours);
        let is_restless = dice.percent(40);
        Self { dice, born, now: born, is_restless }
    }

    fn up_to(&mut self, most: i64) -> i64 {
        i64::try_from(self.dice.up_to(u64::try_from(most).unwrap())).unwrap()
    }

    /// The next that happens, or None when the life has lasted so long.
    pub fn next(&mut self, life: &Life, years: i64) -> Option<Event> {
        if life.schedule.is_none() {
            return Some(Event { at: self.now, act: self.set() });
        }
        self.now = self.later(life);
        let is_over = self.now.duration_since(self.born) > SignedDuration::from_hours(years * 365 * 24);
        (!is_over).then(|| Event { at: self.now, act: self.act(life) })
    }

    /// Never back.
    fn later(&mut self, life: &Life) -> Timestamp {
        let now = self.now;
        let soon = SignedDuration::from_secs(self.up_to(120));
        let Some(open) = life.open() else { return now + SignedDuration::from_mins(1 + self.up_to(5 * 24 * 60)) };
        let at = match self.dice.up_to(99) {
            // While it is open: a quiet day.
            0..45 => {
                let span = open.due.duration_since(open.opens.max(now)).as_secs().max(0);
                open.opens.max(now) + SignedDuration::from_secs(self.up_to(span))
            }
            // The edges, and a second before and after them.
            45..55 => open.due + SignedDuration::from_secs(self.up_to(2) - 1),
            55..67 => open.alert + SignedDuration::from_secs(self.up_to(2) - 1),
            67..70 => open.opens + SignedDuration::from_secs(self.up_to(2) - 1),
            70..75 => open.due + SignedDuration::from_secs(self.up_to(open.alert.duration_since(open.due).as_secs())),
            // Again at once: 29, 30 and 31 seconds are another tap, or not.
            75..82 => now + SignedDuration::from_secs(28 + self.up_to(4)),
            82..88 => now + soon,
            88..98 => now + SignedDuration::from_mins(self.up_to(30 * 60)),
            // Nobody looks for days.
            _ => now + SignedDuration::from_mins(self.up_to(5 * 24 * 60)),
        };
        if at >= now { at } else { now + soon }
    }

    fn set(&mut self) -> Act {
        let (times, zone, days) = (self.dice.one(&TIMES), self.dice.one(&ZONES), self.dice.one(&DAYS));
        Act::Set(times.to_owned(), zone.to_owned(), days.to_owned(), self.dice.one(&GRACES))
    }

    fn act(&mut self, life: &Life) -> Act {
        // An open-ended break is soon given up: there is little to see on it.
        if life.open().is_none() && self.dice.percent(40) {
            return self.pause(life);
        }
        if self.is_restless && self.dice.percent(25) {
            let is_travel = self.dice.percent(60);
            return if is_travel { Act::Tap(Some(self.dice.one(&ZONES).to_owned())) } else { self.set() };
        }
        match self.dice.up_to(999) {
            0..560 => Act::Tap(None),
            560..600 => Act::Tap(Some(self.dice.one(&ZONES).to_owned())),
            600..830 => Act::Tick,
            830..880 => Act::Later(self.dice.one(&[30, 60, 120])),
            880..920 => Act::Attest,
            920..950 => self.set(),
            _ => self.pause(life),
        }
    }

    /// Breaks: planned, moved, ended and given up; some of it is refused.
    fn pause(&mut self, life: &Life) -> Act {
        let day = life.today(self.now) + self.up_to(6).days() - 1.day();
        let last = day + self.up_to(8).days();
        let number =
            (!life.breaks.is_empty()).then(|| life.breaks.len() - 1 - self.dice.index(life.breaks.len().min(3)));
        let one = number.and_then(|number| life.breaks[number]);
        match (self.dice.up_to(9), number) {
            (0..2, Some(number)) => Act::Remove(number),
            // Never before it begins, and never so long that it would have to be confirmed.
            (2..5, Some(number)) if one.is_some_and(|one| one.first <= last && last < one.first + 80.days()) => {
                Act::Until(number, Some(last))
            }
            (5, Some(number)) => Act::Until(number, None),
            (6, Some(number)) if one.is_some_and(|one| one.last.is_none_or(|end| day <= end)) => Act::From(number, day),
            _ => Act::Plan(day, (!self.dice.percent(15)).then_some(last)),
        }
    }
}
