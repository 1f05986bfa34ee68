//! What should happen to a Member's days and alerts, reckoned beside the database: by another library for zones, and by
//! another way of counting.

use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::plan::MemberPlan;

/// A tap so soon after one that met something is the same tap (R4.6).
const DOUBLE_TAP: SignedDuration = SignedDuration::from_secs(30);

/// A time at which a check-in is expected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slot {
    pub on: Date,
    pub time: Time,
    pub opens: Timestamp,
    pub due: Timestamp,
    pub alert: Timestamp,
}

impl Slot {
    /// As the API and the database write it.
    pub fn name(&self) -> String {
        format!("{} {}", self.on, self.time.strftime("%H:%M"))
    }
}

/// The days of one Member.
#[derive(Debug)]
pub struct Days {
    zone: TimeZone,
    times: Vec<Time>,
    grace: SignedDuration,
    pub open: Slot,
    met_at: Option<Timestamp>,
    /// The days for which there is a Contact's word.
    attested: Vec<Date>,
}

impl Days {
    pub fn new(plan: &MemberPlan, at: Timestamp) -> Self {
        let zone = TimeZone::get(plan.zone).unwrap();
        let times = plan.times.iter().map(|time| time.parse().unwrap()).collect();
        let nothing = Slot { on: Date::MIN, time: Time::MIN, opens: at, due: at, alert: at };
        let grace = SignedDuration::from_mins(plan.grace.into());
        let mut days = Self { zone, times, grace, open: nothing, met_at: None, attested: Vec::new() };
        days.open = days.after(at, Timestamp::MIN);
        days
    }

    /// R4.3: as RFC 5545 reads it, which is what jiff calls compatible.
    fn instant(&self, on: Date, time: Time) -> Timestamp {
        self.zone.to_ambiguous_timestamp(on.to_datetime(time)).compatible().unwrap()
    }

    fn after(&self, after: Timestamp, not_open_before: Timestamp) -> Slot {
        let today = after.to_zoned(self.zone.clone()).date();
        let (due, on, time) = (-1..=3)
            .map(|day| today.checked_add(jiff::Span::new().days(day)).unwrap())
            .flat_map(|on| self.times.iter().map(move |time| (on, *time)))
            .map(|(on, time)| (self.instant(on, time), on, time))
            .filter(|(due, ..)| *due > after)
            .min()
            .unwrap();
        let opens = self.instant(on, Time::MIN).min(due - SignedDuration::from_hours(4)).max(not_open_before);
        Slot { on, time, opens, due, alert: due + self.grace }
    }

    fn close(&mut self) -> Slot {
        let next = self.after(self.open.due, self.open.due);
        std::mem::replace(&mut self.open, next)
    }

    /// What was missed by this time and had not been before.
    pub fn pass(&mut self, at: Timestamp) -> Vec<Slot> {
        let mut missed = Vec::new();
        while self.open.alert <= at {
            missed.push(self.close());
        }
        missed
    }

    /// A check-in, after [`Days::pass`]. Gives whether it met something.
    pub fn tap(&mut self, at: Timestamp) -> bool {
        let meets = self.open.opens <= at && self.met_at.is_none_or(|met| at - DOUBLE_TAP > met);
        if meets {
            self.close();
            self.met_at = Some(at);
        }
        meets
    }

    /// A Contact's word, which nothing missed today waits for, after [`Days::pass`] (R4.9). Gives whether it excuses the
    /// check-in that is awaited.
    pub fn excuse(&mut self, at: Timestamp) -> bool {
        let excuses = self.is_awaiting(at);
        if excuses {
            // What is past is not caught up on.
            let next = self.after(self.open.due.max(at), self.open.due);
            self.attested.push(std::mem::replace(&mut self.open, next).on);
        }
        excuses
    }

    /// A Contact's word about what was missed today.
    pub fn attest(&mut self, today: Date) {
        self.attested.push(today);
    }

    /// Whether a check-in is asked for now.
    pub fn is_awaiting(&self, at: Timestamp) -> bool {
        self.open.opens <= at
    }

    pub fn today(&self, at: Timestamp) -> Date {
        at.to_zoned(self.zone.clone()).date()
    }

    /// Whether a Contact's word has been given about today: then it may be given again, whatever came of the day.
    pub fn is_attested_on(&self, today: Date) -> bool {
        self.attested.contains(&today)
    }

    /// Whether it may soon, or might just now, be another time for a tap than it looks: nobody taps then.
    pub fn is_on_edge(&self, at: Timestamp) -> bool {
        let soon = |edge: Timestamp| at < edge && edge <= at + SignedDuration::from_secs(30);
        let just_met = self
            .met_at
            .is_some_and(|met| at > met + SignedDuration::from_secs(8) && at < met + SignedDuration::from_secs(60));
        let midnight = self.today(at) != self.today(at + SignedDuration::from_secs(30));
        soon(self.open.opens) || soon(self.open.alert) || just_met || midnight
    }
}

/// How an alarm ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    CheckedIn,
    Closed,
    Attested,
    Cancelled,
}

/// An alert as it should be.
#[derive(Debug)]
pub struct Alarm {
    pub member: usize,
    /// None: a call for help.
    pub slot: Option<Slot>,
    pub id: Option<Uuid>,
    /// It cannot have been raised before.
    pub since: Timestamp,
    /// It must have been raised by then.
    pub known_by: Option<Timestamp>,
    /// Who has it; since when at the earliest, and when they said so last.
    pub owner: Option<(usize, Timestamp, Timestamp)>,
    /// When its owner had been asked for certain.
    pub asked_by: Option<Timestamp>,
    /// Everyone was told, and since when: more help was called for, or nobody had it any more.
    pub stirred: Option<Timestamp>,
    pub was_stirred: bool,
    /// Who set that off needs not be told.
    pub stirred_by: Option<usize>,
    pub over: Option<(How, Timestamp)>,
    /// The Member checked in later that day.
    pub is_made_up: bool,
    /// How many all-clears each may get: one for a closing, and one when the Member checks in after that.
    pub ends: usize,
}

impl Alarm {
    pub fn new(member: usize, slot: Option<Slot>, id: Option<Uuid>, since: Timestamp) -> Self {
        Self {
            member,
            slot,
            id,
            since,
            known_by: None,
            owner: None,
            asked_by: None,
            stirred: None,
            was_stirred: false,
            stirred_by: None,
            over: None,
            is_made_up: false,
            ends: 1,
        }
    }

    /// Everyone is told at once, and nobody has it.
    pub fn stir(&mut self, by: Option<usize>, at: Timestamp) {
        self.was_stirred = true;
        (self.stirred, self.stirred_by, self.owner, self.asked_by) = (Some(at), by, None, None);
    }
}
