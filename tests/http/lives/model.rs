//! What a Member's days must be, from the rules alone (docs/product.md, sections 4 and 5): another language, another library
//! for zones, and nothing of `sql/`.

use std::fmt;
use std::sync::Arc;

use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan as _};

/// A tap so soon after one that met something is the same tap (R4.6, the policy `double_tap`).
const DOUBLE_TAP: SignedDuration = SignedDuration::from_secs(30);
const HALF_A_DAY: SignedDuration = SignedDuration::from_hours(12);
/// R4.7: two due times are never further apart, unless days off or a break lie between.
pub const FURTHEST: SignedDuration = SignedDuration::from_hours(36);
/// R4.4: it opens at midnight, or so long before it is due.
const OPENS_BEFORE: SignedDuration = SignedDuration::from_hours(4);
/// Nothing is looked for further ahead: breaks one after another, and days off.
const HORIZON_DAYS: i32 = 400;

/// R4.1, without the reminders.
#[derive(Debug, Clone)]
pub struct Schedule {
    pub times: Vec<Time>,
    pub zone: String,
    /// ISO: 1 is Monday.
    pub weekdays: Vec<i8>,
    pub grace_minutes: i64,
    tz: TimeZone,
}

/// A time of a schedule on a date. The order is that of the instants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Slot {
    pub due: Timestamp,
    pub on: Date,
    pub time: Time,
}

impl Schedule {
    pub fn new(times: Vec<Time>, zone: &str, weekdays: Vec<i8>, grace_minutes: i64) -> Self {
        Self { times, zone: zone.to_owned(), weekdays, grace_minutes, tz: TimeZone::get(zone).unwrap() }
    }

    /// The same days and times elsewhere.
    fn moved_to(&self, zone: &str) -> Self {
        Self::new(self.times.clone(), zone, self.weekdays.clone(), self.grace_minutes)
    }

    /// R4.3: as RFC 5545 reads it, which is what jiff calls compatible.
    fn instant(&self, on: Date, time: Time) -> Timestamp {
        self.tz.to_ambiguous_timestamp(on.to_datetime(time)).compatible().unwrap()
    }

    pub fn date(&self, at: Timestamp) -> Date {
        at.to_zoned(self.tz.clone()).date()
    }

    pub fn counts(&self, day: Date) -> bool {
        self.weekdays.contains(&day.weekday().to_monday_one_offset())
    }

    fn slots_of(&self, on: Date) -> impl Iterator<Item = Slot> {
        let times = if self.counts(on) { self.times.as_slice() } else { &[] };
        times.iter().map(move |time| Slot { due: self.instant(on, *time), on, time: *time })
    }

    /// The first slot that fits. A time in a gap may fall behind one of the next date: two dates more are looked at.
    fn first(&self, after: Timestamp, fits: impl Fn(&Slot) -> bool) -> Option<Slot> {
        let from = self.date(after) - 2.days();
        let mut found: Option<Slot> = None;
        for day in 0..HORIZON_DAYS {
            let on = from + day.days();
            if found.is_some_and(|found| found.on + 2.days() < on) {
                break;
            }
            found = self.slots_of(on).filter(|slot| slot.due > after && fits(slot)).chain(found).min();
        }
        found
    }

    fn expects(&self, at: Timestamp) -> bool {
        let day = self.date(at);
        (-2..=2).any(|n| self.slots_of(day + n.days()).any(|slot| slot.due == at))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    Open,
    Met,
    MetLate,
    Missed,
    Excused,
}

#[derive(Debug, Clone)]
pub struct Obligation {
    pub slot: Slot,
    pub made_from: Arc<Schedule>,
    pub opens: Timestamp,
    /// Later than the slot's, if it was put off.
    pub due: Timestamp,
    pub alert: Timestamp,
    pub state: State,
    /// The alert that it raised: whether it is open still.
    pub alarm: Option<bool>,
    /// R4.9: a Contact's word, which the Member's own tap is better than.
    pub is_attested: bool,
}

/// As the database's rows are written by the player.
impl fmt::Display for Obligation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.state {
            State::Open => "open",
            State::Met => "met",
            State::MetLate => "met_late",
            State::Missed => "missed",
            State::Excused => "excused",
        };
        let (on, time, zone) = (self.slot.on, self.slot.time.strftime("%H:%M"), &self.made_from.zone);
        write!(f, "{on} {time} {zone} {} {} {} {state}", self.opens, self.due, self.alert)?;
        match self.alarm {
            None => Ok(()),
            Some(is_open) => f.write_str(if is_open { " alert" } else { " resolved" }),
        }
    }
}

/// Dates, both included; without a last one it is open-ended.
#[derive(Debug, Clone, Copy)]
pub struct Break {
    pub first: Date,
    pub last: Option<Date>,
    /// It was over where the Member was when the schedule was changed.
    pub is_over: bool,
}

impl Break {
    pub fn holds(&self, on: Date) -> bool {
        self.first <= on && self.last.is_none_or(|last| on <= last)
    }

    pub(super) fn overlaps(&self, other: &Self) -> bool {
        self.last.is_none_or(|last| other.first <= last) && other.last.is_none_or(|last| self.first <= last)
    }
}

/// One Member.
#[derive(Debug, Clone, Default)]
pub struct Life {
    pub schedule: Option<Arc<Schedule>>,
    /// In the order of their times. The open one is the last.
    pub obligations: Vec<Obligation>,
    /// In the order in which they were planned; None was given up before it began.
    pub breaks: Vec<Option<Break>>,
    met_at: Option<Timestamp>,
}

/// The slug of a refusal.
pub type Refused = &'static str;

impl Life {
    pub fn open(&self) -> Option<&Obligation> {
        self.obligations.last().filter(|last| last.state == State::Open)
    }

    /// The Member's date.
    pub fn today(&self, at: Timestamp) -> Date {
        self.schedule.as_ref().unwrap().date(at)
    }

    pub fn is_break(&self, on: Date) -> bool {
        self.breaks.iter().flatten().any(|one| one.holds(on))
    }

    /// R4.2, R4.7: what follows an obligation, breaks aside.
    fn slot_after(&self, old: &Obligation) -> Option<Slot> {
        let (new, before) = (self.schedule.as_ref().unwrap(), &old.made_from);
        // Never a time that was put off past it.
        let at_once = || new.first(old.due, |_| true);
        if (&new.times, &new.zone, &new.weekdays) == (&before.times, &before.zone, &before.weekdays) {
            return at_once();
        }
        let half_a_day = old.slot.due + HALF_A_DAY;
        let both = new.first(old.slot.due, |slot| slot.due >= half_a_day || before.expects(slot.due));
        if let Some(both) = both.filter(|slot| slot.due < half_a_day) {
            return Some(both);
        }
        let later = new.first(old.slot.due, |slot| slot.due >= half_a_day)?;
        // Between the two dates: each is that of the place where the Member was expected.
        let mut between = (old.slot.on + 1.day()).series(1.day()).take_while(|day| *day < later.on);
        let is_too_far = later.due.duration_since(old.slot.due) > FURTHEST && between.all(|day| new.counts(day));
        if is_too_far { at_once() } else { Some(later) }
    }

    /// Whether a day that does not count lies before this slot, from the day of that instant on: its rest may be off.
    pub fn is_off_between(&self, since: Timestamp, slot: &Slot) -> bool {
        let schedule = self.schedule.as_ref().unwrap();
        let mut days = schedule.date(since).series(1.day()).take_while(|day| *day < slot.on);
        days.any(|day| !schedule.counts(day) || self.is_break(day))
    }

    /// R4.2: the next one, unless it is behind an open-ended break. Where a break, a new schedule and travel meet, the rules leave open
    /// which slot is the next: here it is, as in the database, what R4.7 says, or else the first one from `not_before` on, and if
    /// that is in a break, the first after it.
    pub(super) fn open_next(&mut self, at: Timestamp, not_before: Timestamp) {
        let schedule = self.schedule.as_ref().unwrap();
        let previous = self.obligations.last();
        let slot = match previous {
            // What was excused and has passed is not caught up on: from now on.
            Some(old) if old.state != State::Excused || old.due > at => {
                self.slot_after(old).and_then(|slot| match slot.due < not_before {
                    true => schedule.first(not_before, |_| true),
                    false => Some(slot),
                })
            }
            // And the first one.
            _ => schedule.first(at, |_| true),
        };
        let is_free = |slot: &Slot| !self.is_break(slot.on);
        let slot = slot.and_then(|slot| if is_free(&slot) { Some(slot) } else { schedule.first(slot.due, is_free) });
        let Some(slot) = slot else { return };
        let made_from = Arc::clone(self.schedule.as_ref().unwrap());
        let midnight = made_from.instant(slot.on, Time::midnight());
        let opens = midnight.min(slot.due - OPENS_BEFORE);
        // R4.4: never before the previous one is due.
        let opens = previous.map_or(opens, |previous| opens.max(previous.due));
        let alert = slot.due + SignedDuration::from_mins(made_from.grace_minutes);
        let state = State::Open;
        self.obligations.push(Obligation {
            slot,
            made_from,
            opens,
            due: slot.due,
            alert,
            state,
            alarm: None,
            is_attested: false,
        });
    }

    pub(super) fn close(&mut self, state: State, at: Timestamp) {
        self.obligations.last_mut().unwrap().state = state;
        self.open_next(at, Timestamp::MIN);
    }

    /// What is missed by now, whether or not a job has looked (R6.1). Gives how many are.
    pub fn pass(&mut self, at: Timestamp) -> usize {
        let mut missed = 0;
        while self.open().is_some_and(|open| open.alert <= at) {
            self.obligations.last_mut().unwrap().alarm = Some(true);
            self.close(State::Missed, at);
            missed += 1;
        }
        missed
    }

    pub fn set(&mut self, at: Timestamp, schedule: Schedule) {
        self.pass(at);
        self.change_schedule(at, schedule);
    }

    /// R4.7: never the open one; but what waits behind a break and has not opened is made anew (R5.1).
    fn change_schedule(&mut self, at: Timestamp, schedule: Schedule) {
        let today = self.schedule.as_ref().map(|old| old.date(at));
        self.schedule = Some(Arc::new(schedule));
        if self.open().is_none() {
            self.open_next(at, at);
        }
        // A break that is over stays over, whatever the date is where the Member has come to.
        let is_over = |one: &Break| one.is_over || one.last.zip(today).is_some_and(|(last, today)| last < today);
        self.breaks.iter_mut().flatten().for_each(|one| one.is_over = is_over(one));
        if self.breaks.iter().flatten().any(|one| !one.is_over) {
            self.arrange(at, false);
        }
    }

    /// R4.4, R4.6, R4.7.
    pub fn tap(&mut self, at: Timestamp, zone: Option<&str>) {
        self.pass(at);
        let Some(schedule) = &self.schedule else { return };
        if let Some(zone) = zone.filter(|zone| *zone != schedule.zone) {
            let moved = schedule.moved_to(zone);
            self.change_schedule(at, moved);
        }
        let mut has_met = false;
        for one in &mut self.obligations {
            one.alarm = one.alarm.map(|_| false);
            let is_today = one.made_from.date(at) == one.slot.on;
            if is_today && (one.state == State::Missed || one.state == State::Excused && one.is_attested) {
                one.state = if at <= one.due { State::Met } else { State::MetLate };
                has_met = true;
            }
        }
        let is_the_same = self.met_at.is_some_and(|met| at.duration_since(met) < DOUBLE_TAP);
        if let Some(open) = self.open().filter(|open| open.opens <= at && !is_the_same) {
            let state = if at <= open.due { State::Met } else { State::MetLate };
            self.close(state, at);
            has_met = true;
        }
        if has_met {
            self.met_at = Some(at);
        }
    }

    /// R4.10.
    pub fn postpone(&mut self, at: Timestamp, minutes: i64) -> Result<(), Refused> {
        self.pass(at);
        let open = self.open().filter(|open| open.opens <= at).ok_or("nothing-to-postpone")?.clone();
        if open.due > open.slot.due {
            return Err("already-postponed");
        }
        if at >= open.due {
            return Err("too-late-to-postpone");
        }
        let by = SignedDuration::from_mins(minutes);
        let due = open.due + by;
        // Of the schedule that it is of, which expects it whatever the Member has changed since.
        let is_past_the_next = open.made_from.first(open.due, |_| true).is_some_and(|next| next.due <= due);
        // R4.7 holds for what is put off, too; what is further away already has days off or a break before it.
        let is_too_far = self.obligations.iter().rev().nth(1).is_some_and(|previous| {
            due.duration_since(previous.due) > FURTHEST && open.due.duration_since(previous.due) <= FURTHEST
        });
        if is_past_the_next || is_too_far {
            return Err("postponed-too-far");
        }
        let open = self.obligations.last_mut().unwrap();
        open.due = due;
        open.alert += by;
        Ok(())
    }

    /// R4.9: of a miss of today whose alert is open; else of what is awaited; else of what was closed today.
    pub fn attest(&mut self, at: Timestamp) -> Result<(), Refused> {
        self.pass(at);
        let is_today = |one: &Obligation| one.made_from.date(at) == one.slot.on;
        let is_alarming = |one: &Obligation| one.alarm == Some(true);
        if let Some(newest) = self.obligations.iter_mut().rfind(|one| is_today(one) && is_alarming(one)) {
            newest.is_attested = true;
            // With the others of that date, wherever the Member was.
            let on = newest.slot.on;
            for one in self.obligations.iter_mut().filter(|one| one.slot.on == on && is_alarming(one)) {
                one.alarm = Some(false);
            }
            return Ok(());
        }
        if self.open().is_some_and(|open| open.opens <= at) {
            // Whoever speaks while an alert of another day is open may mean that one.
            if self.obligations.iter().any(is_alarming) {
                return Err("nothing-to-attest");
            }
            self.obligations.last_mut().unwrap().is_attested = true;
            self.close(State::Excused, at);
            return Ok(());
        }
        let is_closed = |one: &Obligation| is_today(one) && (one.state == State::Missed || one.is_attested);
        if self.obligations.iter().any(is_closed) { Ok(()) } else { Err("nothing-to-attest") }
    }
}
