//! The Member's day: schedule, check-ins, history (rules: section 4).

use std::sync::Arc;

use chrono::{DateTime, NaiveDate, Utc};
use poem::web::Data;
use poem_openapi::param::{Header, Query};
use poem_openapi::payload::Json;
use poem_openapi::{Enum, Object, OpenApi};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::breaks::Break;
use super::positions::Position;
use super::signatures::{NewSignature, SignatureState, judge};
use super::{Answer, Changed, Created, PAGE, Section, Tagged, once};
use crate::app::App;
use crate::auth::caller::SignedIn;
use crate::problem::Problem;

/// The operations.
pub struct Api;

/// What became of an expected check-in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum, Deserialize)]
#[oai(rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum ObligationState {
    /// It is the next one.
    Open,
    /// There was a check-in by the time.
    Met,
    /// There was one after the time.
    MetLate,
    /// There was none.
    Missed,
    /// It was not asked for.
    Excused,
}

/// An expected check-in.
#[derive(Object, Deserialize)]
#[oai(skip_serializing_if_is_none)]
pub struct Obligation {
    id: Uuid,
    /// The local date.
    local_on: NaiveDate,
    /// The local time of the schedule, `HH:MM`: `due_at` is later when it was put off.
    local_time: String,
    /// IANA name.
    time_zone: String,
    /// From when a check-in meets it.
    opens_at: DateTime<Utc>,
    /// Until when it is on time.
    due_at: DateTime<Utc>,
    /// When Contacts are told, if it is not met.
    alert_at: DateTime<Utc>,
    state: ObligationState,
    /// By how many minutes the Member has put it off, if they have.
    postponed_minutes: Option<i32>,
}

/// When a Member is reminded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum, Deserialize, Serialize)]
#[oai(rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
enum Reminder {
    /// Half an hour before the time.
    Before,
    /// At the time.
    AtTime,
    /// At half the grace.
    HalfGrace,
}

impl Reminder {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Before => "before",
            Self::AtTime => "at_time",
            Self::HalfGrace => "half_grace",
        }
    }
}

/// When a Member checks in.
#[derive(Object)]
struct NewSchedule {
    /// One to four local times of day, `HH:MM`.
    #[oai(validator(min_items = 1, max_items = 4, pattern = "^([01][0-9]|2[0-3]):[0-5][0-9]$"))]
    local_times: Vec<String>,
    /// IANA name, like `Pacific/Auckland`.
    time_zone: String,
    /// ISO weekdays that count, 1 is Monday; every day when absent.
    weekdays: Option<Vec<i16>>,
    /// Minutes from the time until Contacts are told: 0 to 240, by default 10.
    grace_minutes: Option<i16>,
    /// When to remind; all of them when absent.
    reminders: Option<Vec<Reminder>>,
}

/// A schedule.
#[derive(Object, Deserialize)]
pub struct Schedule {
    local_times: Vec<String>,
    time_zone: String,
    weekdays: Vec<i16>,
    grace_minutes: i16,
    reminders: Vec<Reminder>,
    created_at: DateTime<Utc>,
}

/// A schedule, and from when it counts.
#[derive(Object, Deserialize)]
#[oai(skip_serializing_if_is_none)]
struct ScheduleSet {
    local_times: Vec<String>,
    time_zone: String,
    weekdays: Vec<i16>,
    grace_minutes: i16,
    reminders: Vec<Reminder>,
    created_at: DateTime<Utc>,
    /// The first local date on which it counts; absent while an open-ended break lies ahead.
    applies_from: Option<NaiveDate>,
    /// The check-in that is expected next: one that was expected before the change stays as it is. Absent with `applies_from`.
    next: Option<Obligation>,
}

/// How a Member's day stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum, Deserialize)]
#[oai(rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum DayStatus {
    /// No time has been chosen yet: nobody is watched.
    WaitingForATime,
    /// Nothing is asked today: a day off, or the first time is yet to come.
    NotYetDue,
    /// The Member has checked in today; nothing is asked before `next.opens_at`.
    CheckedIn,
    /// A Contact has seen or spoken to the Member, who has not checked in since; nothing is asked before `next.opens_at`.
    Attested,
    /// The last time was missed, a Contact has closed the alert, and the Member has not been heard of since.
    Missed,
    /// A break runs: nothing is asked, and nobody is watched.
    OnBreak,
    /// A check-in is awaited.
    Open,
    /// The time has passed; Contacts are told at `next.alert_at`.
    Overdue,
    /// Contacts have been told.
    Alert,
    /// The caller watches this Member and is frozen: alerts are shown, and nothing else.
    NotShown,
}

/// An alert that is not over.
#[derive(Object, Deserialize)]
#[oai(skip_serializing_if_is_none)]
pub struct OpenAlert {
    id: Uuid,
    state: super::alerts::AlertState,
    raised_at: DateTime<Utc>,
    /// Who has it.
    acknowledged_by: Option<super::alerts::Person>,
}

/// The word of a Contact who has seen or spoken to the Member.
#[derive(Object, Deserialize)]
#[oai(skip_serializing_if_is_none)]
pub struct Word {
    at: DateTime<Utc>,
    by: super::alerts::Person,
    note: Option<String>,
}

/// The Member's day.
#[derive(Object, Deserialize)]
#[oai(skip_serializing_if_is_none)]
pub struct Today {
    /// The server's clock.
    now: DateTime<Utc>,
    status: DayStatus,
    /// The check-in that is expected next; absent before a time is chosen, and before and in a break without an end.
    next: Option<Obligation>,
    /// The break that runs, or the next one.
    #[oai(rename = "break")]
    #[serde(rename = "break")]
    pause: Option<Break>,
    last_check_in_at: Option<DateTime<Utc>>,
    /// What Contacts said of the check-in that was last closed by their word.
    attestations: Vec<Word>,
    open_alerts: Vec<OpenAlert>,
}

/// How the Member feels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum, Deserialize, Serialize)]
#[oai(rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
enum Mood {
    /// Good.
    Good,
    /// So so.
    Okay,
    /// Bad.
    Bad,
}

impl Mood {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Okay => "okay",
            Self::Bad => "bad",
        }
    }
}

#[derive(Object)]
struct NewCheckIn {
    /// When the tap was, by the device's clock: kept and shown, it decides nothing.
    device_time: Option<DateTime<Utc>>,
    /// Where the Member is, IANA name: moves the schedule there from the next time on.
    time_zone: Option<String>,
    /// A word for the Contacts, up to 500 characters.
    note: Option<String>,
    mood: Option<Mood>,
    /// Where the Member is: kept for 24 hours, for their Contacts only, and only if their preferences say so.
    position: Option<Position>,
    /// A device's signature, by the key that it was registered with; over `device_time`, too.
    signature: Option<NewSignature>,
}

/// A check-in.
#[derive(Object, Deserialize)]
#[oai(skip_serializing_if_is_none)]
struct CheckIn {
    id: Uuid,
    received_at: DateTime<Utc>,
    /// How it came.
    method: String,
    device_time: Option<DateTime<Utc>>,
    note: Option<String>,
    mood: Option<Mood>,
    /// Absent when it was not signed.
    signature: Option<SignatureState>,
    /// What it met; empty when nothing was asked.
    met: Vec<Obligation>,
}

#[derive(Object, Deserialize)]
#[oai(skip_serializing_if_is_none)]
struct CheckInPage {
    items: Vec<CheckIn>,
    next_cursor: Option<Uuid>,
}

/// A check-in, and what it did.
#[derive(Object, Deserialize)]
#[oai(skip_serializing_if_is_none)]
struct CheckInRecorded {
    id: Uuid,
    received_at: DateTime<Utc>,
    /// How it came.
    method: String,
    device_time: Option<DateTime<Utc>>,
    note: Option<String>,
    mood: Option<Mood>,
    /// Absent when it was not signed. It counts in any case.
    signature: Option<SignatureState>,
    /// Whether it came with a position that is kept.
    position_kept: bool,
    /// What it met; empty when nothing was asked.
    met: Vec<Obligation>,
    /// The alerts that it ended.
    resolved_alerts: Vec<Uuid>,
    /// The check-in that is expected next; absent when no time has been chosen, and before and in a break
    /// without an end.
    next: Option<Obligation>,
    /// The first local date in the new time zone, when this check-in came from another one.
    schedule_applies_from: Option<NaiveDate>,
    /// Whether the device's clock is more than an hour off.
    device_clock_differs: bool,
}

#[derive(Object)]
struct NewPostponement {
    /// 30, 60 or 120.
    minutes: i32,
    /// Which check-in is put off; refused when that is not the one any more. Without it, it is the one of this moment.
    obligation_id: Option<Uuid>,
}

/// A day of the past.
#[derive(Object, Deserialize)]
#[oai(skip_serializing_if_is_none)]
struct PastObligation {
    id: Uuid,
    local_on: NaiveDate,
    local_time: String,
    time_zone: String,
    due_at: DateTime<Utc>,
    state: ObligationState,
    /// By how many minutes the Member had put it off, if they had.
    postponed_minutes: Option<i32>,
    /// When the check-in that met it came.
    checked_in_at: Option<DateTime<Utc>>,
    /// When the tap was made, by the device's clock; it counts when it comes.
    device_time: Option<DateTime<Utc>>,
    /// How late it was; 0 on time.
    late_by_seconds: Option<i64>,
    /// How it came.
    method: Option<String>,
    /// What became of its signature; absent when it was not signed.
    signature: Option<SignatureState>,
    /// A word of the Member's.
    note: Option<String>,
    mood: Option<Mood>,
    /// What Contacts said who had seen or spoken to the Member: never the Member's own check-in.
    attestations: Vec<Word>,
}

/// Totals over the whole history.
#[derive(Object, Deserialize)]
#[oai(skip_serializing_if_is_none)]
struct Totals {
    met: i64,
    met_late: i64,
    missed: i64,
    excused: i64,
    /// 0 to 1; absent before the first day.
    on_time_rate: Option<f64>,
    /// Check-ins in a row that were not missed, up to now. Late counts, excused neither counts nor breaks.
    current_streak: i64,
    /// The longest such run.
    longest_streak: i64,
}

/// The past, the newest first.
#[derive(Object, Deserialize)]
#[oai(skip_serializing_if_is_none)]
pub struct History {
    items: Vec<PastObligation>,
    next_cursor: Option<Uuid>,
    totals: Totals,
}

/// The instant, or the nearest one that RFC 3339 can write (years 1 to 9999): a device whose clock is out of its mind
/// still checks in, and is told that its clock differs.
pub fn writable(instant: DateTime<Utc>) -> DateTime<Utc> {
    // Seconds of 0001-01-01T00:00:00Z and 9999-12-31T23:59:59Z from 1970.
    let edge = |seconds| DateTime::from_timestamp(seconds, 0).unwrap_or(instant);
    instant.clamp(edge(-62_135_596_800), edge(253_402_300_799))
}

#[OpenApi(tag = "Section::Day")]
impl Api {
    /// How my day stands
    #[oai(path = "/v1/me/today", method = "get", operation_id = "get_today")]
    async fn get_today(
        &self,
        app: Data<&Arc<App>>,
        caller: SignedIn,
        #[oai(name = "If-None-Match")] known: Header<Option<String>>,
    ) -> Result<Tagged<Today>, Problem> {
        Tagged::unless(known.0, &app.db.read_shape(&caller.0, "api.get_today()", &[]).await?)
    }

    /// When I check in
    #[oai(path = "/v1/me/schedule", method = "get", operation_id = "get_schedule")]
    async fn get_schedule(
        &self,
        app: Data<&Arc<App>>,
        caller: SignedIn,
        #[oai(name = "If-None-Match")] known: Header<Option<String>>,
    ) -> Result<Tagged<Schedule>, Problem> {
        Tagged::unless(known.0, &app.db.read_shape(&caller.0, "api.get_schedule()", &[]).await?)
    }

    /// Choose when I check in
    ///
    /// A change starts with the next expected check-in, never with the one that is open.
    #[oai(path = "/v1/me/schedule", method = "put", operation_id = "set_schedule")]
    async fn set_schedule(
        &self,
        app: Data<&Arc<App>>,
        caller: SignedIn,
        #[oai(name = "If-Match")] if_match: Header<Option<String>>,
        body: Json<NewSchedule>,
    ) -> Result<Changed<ScheduleSet>, Problem> {
        let reminders: Option<Vec<&str>> =
            body.reminders.as_ref().map(|reminders| reminders.iter().map(|reminder| reminder.as_str()).collect());
        let call = "api.set_schedule(local_times => $1::text[]::time[], time_zone => $2, weekdays => $3, grace_minutes => $4, reminders => $5, if_match => $6)";
        let params: crate::db::Params<'_> =
            &[&body.local_times, &body.time_zone, &body.weekdays, &body.grace_minutes, &reminders, &if_match.0];
        Changed::to(&app.db.write_shape(&caller.0, call, params).await?)
    }

    /// I'm OK
    ///
    /// Answers after the commit: what it met, which alerts it ended, and when the next is due. Any number a day are welcome.
    #[oai(path = "/v1/me/check-ins", method = "post", operation_id = "record_check_in")]
    async fn record_check_in(
        &self,
        app: Data<&Arc<App>>,
        caller: SignedIn,
        #[oai(name = "Idempotency-Key")] key: Header<Option<String>>,
        body: Json<NewCheckIn>,
    ) -> Result<Created<CheckInRecorded>, Problem> {
        let call = "api.record_check_in(device_time => $1, time_zone => $2, note => $3, mood => $4, position_id => $5, sealed_position => $6, public_key => $7, signed_on => $8, is_signature_right => $9)";
        let Json(mut said) = body;
        let device_time = said.device_time.map(writable);
        // Not in the fingerprint of the body: from a hash of a few digits they can be found again.
        let position = Position::seal(said.position.take(), &app);
        let signature = judge(said.signature.as_ref(), caller.user_id(), device_time);
        let mood = said.mood.map(Mood::as_str);
        let params: crate::db::Params<'_> = &[
            &device_time,
            &said.time_zone,
            &said.note,
            &mood,
            &position.id,
            &position.sealed,
            &signature.public_key,
            &signature.signed_on,
            &signature.is_right,
        ];
        let once = once(key.0, "record_check_in", &said);
        Ok(Created::Created(Json(app.db.write_once(&caller.0, &once, call, params).await?)))
    }

    /// Ask me later
    ///
    /// Moves the check-in that is awaited now, its alert and its reminders, once and before it is due. Contacts see it.
    #[oai(path = "/v1/me/postponements", method = "post", operation_id = "postpone_check_in")]
    async fn postpone_check_in(
        &self,
        app: Data<&Arc<App>>,
        caller: SignedIn,
        #[oai(name = "Idempotency-Key")] key: Header<Option<String>>,
        body: Json<NewPostponement>,
    ) -> Result<Created<Obligation>, Problem> {
        let call = "api.postpone_check_in(minutes => $1, obligation_id => $2)";
        let once = once(key.0, "postpone_check_in", &body.0);
        let params: crate::db::Params<'_> = &[&body.minutes, &body.obligation_id];
        Ok(Created::Created(Json(app.db.write_once(&caller.0, &once, call, params).await?)))
    }

    /// List my check-ins
    #[oai(path = "/v1/me/check-ins", method = "get", operation_id = "list_check_ins")]
    async fn list_check_ins(
        &self,
        app: Data<&Arc<App>>,
        caller: SignedIn,
        cursor: Query<Option<Uuid>>,
        #[oai(validator(minimum(value = "1"), maximum(value = "100")))] limit: Query<Option<i32>>,
    ) -> Answer<CheckInPage> {
        let call = "api.list_check_ins(cursor => $1, size => $2)";
        Ok(Json(app.db.read(&caller.0, call, &[&cursor.0, &limit.0.unwrap_or(PAGE)]).await?))
    }

    /// My past days and their totals
    ///
    /// In pages, or a calendar month at once.
    #[oai(path = "/v1/me/history", method = "get", operation_id = "get_history")]
    async fn get_history(
        &self,
        app: Data<&Arc<App>>,
        caller: SignedIn,
        cursor: Query<Option<Uuid>>,
        #[oai(validator(minimum(value = "1"), maximum(value = "100")))] limit: Query<Option<i32>>,
        /// `2027-03`
        #[oai(validator(pattern = "^(19|20)[0-9]{2}-(0[1-9]|1[0-2])$"))]
        month: Query<Option<String>>,
    ) -> Answer<History> {
        let call = "api.get_history(cursor => $1, size => $2, month => $3)";
        Ok(Json(app.db.read(&caller.0, call, &[&cursor.0, &limit.0.unwrap_or(PAGE), &month.0]).await?))
    }
}
