//! The breaks of the model (R5.1, R5.2).

use jiff::Timestamp;
use jiff::civil::Date;

use super::model::{Break, Life, Refused, State};

impl Life {
    /// Whether what is expected next has not opened and lies behind a break that is not over, here or where it is expected.
    pub(super) fn waits_behind_a_break(&self, at: Timestamp) -> bool {
        let Some(open) = self.open().filter(|open| open.opens > at) else { return false };
        let today = self.today(at).min(open.made_from.date(at));
        self.breaks.iter().flatten().any(|one| one.first <= open.slot.on && one.last.is_some_and(|last| last >= today))
    }

    /// After a change of the schedule or of breaks: what is expected next.
    pub(super) fn arrange(&mut self, at: Timestamp, waits: bool) {
        let today = self.today(at);
        let Some(open) = self.open() else { return self.open_next(at, at) };
        let is_within = self.is_break(open.slot.on);
        if is_within && open.opens <= at && open.slot.on <= today {
            // R5.2: what was awaited today is excused.
            self.obligations.last_mut().unwrap().state = State::Excused;
            self.open_next(at, at);
        } else if is_within || waits || self.waits_behind_a_break(at) {
            self.obligations.pop();
            self.open_next(at, at);
        }
    }

    /// The open-ended one has no last date.
    pub fn plan(&mut self, at: Timestamp, planned: Break) -> Result<(), Refused> {
        self.pass(at);
        if self.schedule.is_none() {
            return Err("no-schedule");
        }
        if planned.first < self.today(at) {
            return Err("break-in-the-past");
        }
        self.change_breaks(at, None, Some(planned))
    }

    fn change_breaks(&mut self, at: Timestamp, number: Option<usize>, new: Option<Break>) -> Result<(), Refused> {
        let others = self.breaks.iter().enumerate().filter(|(other, _)| Some(*other) != number);
        if new.is_some_and(|new| others.filter_map(|(_, one)| *one).any(|one| one.overlaps(&new))) {
            return Err("breaks-overlap");
        }
        let waits = self.waits_behind_a_break(at);
        match number {
            Some(number) => self.breaks[number] = new,
            None => self.breaks.push(new),
        }
        self.arrange(at, waits);
        Ok(())
    }

    /// A break that is not over.
    fn one_break(&mut self, at: Timestamp, number: usize) -> Result<Break, Refused> {
        self.pass(at);
        let one = self.breaks[number].ok_or("not-found")?;
        let today = self.today(at);
        if one.last.is_some_and(|last| last < today) { Err("break-is-over") } else { Ok(one) }
    }

    /// Another last date, or none.
    pub fn until(&mut self, at: Timestamp, number: usize, last: Option<Date>) -> Result<(), Refused> {
        let one = self.one_break(at, number)?;
        let today = self.today(at);
        if last.is_some_and(|last| last < today) {
            return Err("break-in-the-past");
        }
        self.change_breaks(at, Some(number), Some(Break { last, is_over: false, ..one }))
    }

    pub fn from(&mut self, at: Timestamp, number: usize, first: Date) -> Result<(), Refused> {
        let one = self.one_break(at, number)?;
        let today = self.today(at);
        if one.first <= today && first != one.first {
            return Err("break-has-begun");
        }
        if first < today && one.first > today {
            return Err("break-in-the-past");
        }
        self.change_breaks(at, Some(number), Some(Break { first, is_over: false, ..one }))
    }

    /// R5.2: one that has begun ends today.
    pub fn remove(&mut self, at: Timestamp, number: usize) -> Result<(), Refused> {
        let one = self.one_break(at, number)?;
        let today = self.today(at);
        let left = (one.first <= today).then_some(Break { last: Some(today), is_over: false, ..one });
        self.change_breaks(at, Some(number), left)
    }
}
