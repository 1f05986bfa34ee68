//! Alerts and what is done about them (rules: section 6).

use std::sync::Arc;

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, SecondsFormat, Utc};
use poem::web::Data;
use poem_openapi::param::{Header, Path, Query};
use poem_openapi::payload::{Json, PlainText};
use poem_openapi::{ApiResponse, Enum, Object, OpenApi};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::aside::Aside;
use super::day::writable;
use super::positions::Position;
use super::{Answer, Created, PAGE, Section, Tagged, once};
use crate::app::App;
use crate::auth::caller::SignedIn;
use crate::problem::Problem;

/// The operations.
pub struct Api;

/// A user, as far as the caller may see them.
#[derive(Object, Deserialize, Serialize)]
pub struct Person {
    id: Uuid,
    name: String,
}

/// How an alert stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum, Deserialize)]
#[oai(rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum AlertState {
    /// Nobody has it yet.
    Open,
    /// A Contact has it.
    Acknowledged,
    /// It is over.
    Resolved,
}

/// Why there is an alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum, Deserialize)]
#[oai(rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
enum AlertKind {
    /// The Member did not check in.
    Missed,
    /// The Member called for help.
    Help,
}

/// How an alert ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum, Deserialize)]
#[oai(rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
enum Resolution {
    /// The Member checked in.
    CheckedIn,
    /// A Contact has seen or spoken to the Member.
    Attested,
    /// A Contact closed it.
    Closed,
    /// The Member took their call for help back.
    Cancelled,
}

/// What a Contact found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum, Deserialize, Serialize)]
#[oai(rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
enum Outcome {
    /// The Member is safe.
    Safe,
    /// Nothing was wrong.
    FalseAlarm,
    /// The Member got help.
    GotHelp,
    /// Something else; the note says what.
    Other,
}

impl Outcome {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Safe => "safe",
            Self::FalseAlarm => "false_alarm",
            Self::GotHelp => "got_help",
            Self::Other => "other",
        }
    }
}

/// The check-in that did not come.
#[derive(Object, Deserialize)]
struct Due {
    local_on: NaiveDate,
    local_time: NaiveTime,
    time_zone: String,
    at: DateTime<Utc>,
}

/// The Member's last check-in before the alert.
#[derive(Object, Deserialize)]
struct LastHeard {
    at: DateTime<Utc>,
    /// The same in the Member's time zone.
    local: NaiveDateTime,
}

/// When the Member's phone last said that it is alive.
#[derive(Object, Deserialize)]
#[oai(skip_serializing_if_is_none)]
struct LastSeen {
    at: DateTime<Utc>,
    /// The same in the Member's time zone.
    local: NaiveDateTime,
    /// How full its battery was then, 0 to 100.
    battery_percent: Option<i16>,
}

/// An alert.
#[derive(Object, Deserialize)]
#[oai(skip_serializing_if_is_none)]
struct Alert {
    id: Uuid,
    kind: AlertKind,
    state: AlertState,
    raised_at: DateTime<Utc>,
    member: Person,
    /// The check-in that did not come, of a missed one.
    due: Option<Due>,
    last_heard: Option<LastHeard>,
    /// No check-in: only that a phone of theirs was on.
    last_seen: Option<LastSeen>,
    /// Who was told at once.
    contacts: Vec<Person>,
    /// Who is told when it escalates.
    backups: Vec<Person>,
    /// How many rounds were told: each tells its people once more.
    round: i32,
    /// When the next one comes, unless somebody takes the alert.
    next_round_at: Option<DateTime<Utc>>,
    /// Since when everybody was told and nobody has it.
    exhausted_at: Option<DateTime<Utc>>,
    /// The check-in that was missed: send it with a word that somebody has seen the Member. Absent for a call for help.
    obligation_id: Option<Uuid>,
    /// How late the server itself was, when it was.
    late_by_seconds: Option<i64>,
    acknowledged_at: Option<DateTime<Utc>>,
    /// Who has it.
    acknowledged_by: Option<Person>,
    /// When they expect to be there.
    arrives_at: Option<DateTime<Utc>>,
    resolved_at: Option<DateTime<Utc>>,
    resolved_by: Option<Person>,
    resolved_how: Option<Resolution>,
    outcome: Option<Outcome>,
    note: Option<String>,
}

#[derive(Object, Deserialize)]
#[oai(skip_serializing_if_is_none)]
struct AlertPage {
    items: Vec<Alert>,
    next_cursor: Option<Uuid>,
}

/// What may come with a call for help.
#[derive(Object)]
struct NewHelpRequest {
    /// Where the Member is: kept for 24 hours, for their Contacts only, and only if their preferences say so.
    position: Option<Position>,
}

#[derive(Object)]
struct Acknowledgement {
    /// When the Contact expects to be there.
    arrives_at: Option<DateTime<Utc>>,
}

#[derive(Object)]
struct Closing {
    outcome: Outcome,
    /// What else to know, up to 1000 characters.
    note: Option<String>,
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum, Deserialize, Serialize)]
#[oai(rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
enum Happened {
    /// The alert was raised: the first round.
    Raised,
    /// The Member pressed "I need help".
    HelpRequested,
    /// A later round.
    Round,
    /// A Contact took it.
    Acknowledged,
    /// Whoever has it was asked how it stands.
    OwnerAsked,
    /// It is nobody's again.
    Released,
    /// A Contact asked for more help.
    NeedsMoreHelp,
    /// The Member checked in.
    CheckedIn,
    /// A Contact has seen or spoken to the Member.
    Attested,
    /// A Contact closed it.
    Closed,
    /// The Member took their call for help back.
    Cancelled,
    /// A message was made for somebody.
    Queued,
    /// It was given to its provider; `result` says what the provider answered.
    Attempted,
    /// Its provider says what became of it; `result` says what that means.
    Receipt,
    /// A person opened it, or answered.
    Confirmed,
    /// It is not sent any more; `state` says why.
    GivenUp,
    /// Its reader has seen it in the app.
    Read,
}

/// An event of an alert. What does not apply is absent.
#[derive(Object, Deserialize, Serialize)]
#[oai(skip_serializing_if_is_none)]
struct Event {
    at: DateTime<Utc>,
    /// The same in the Member's time zone.
    local: NaiveDateTime,
    what: Happened,
    /// Who did it, or whom it went to.
    person: Option<Person>,
    round: Option<i32>,
    /// Why somebody was told: the kind of the alert, round or message.
    kind: Option<String>,
    /// Whom a round told: `primary` or `everyone`.
    whom: Option<String>,
    /// Whether a round called, too.
    has_call: Option<bool>,
    /// Whether operations were alarmed with it.
    is_exhausting: Option<bool>,
    /// Which message to whom over which channel; its events have the same.
    delivery_id: Option<Uuid>,
    /// `push`, `email`, `sms` or `voice`.
    channel: Option<String>,
    attempt: Option<i32>,
    /// Of an attempt `accepted`, `transient`, `permanent` or `unknown`; of a receipt `accepted`, `transient`, `permanent`,
    /// `delivered` or `confirmed`.
    result: Option<String>,
    /// `cancelled`, `expired` or `failed`.
    state: Option<String>,
    /// The provider's code.
    detail: Option<String>,
    arrives_at: Option<DateTime<Utc>>,
    outcome: Option<Outcome>,
    note: Option<String>,
}

/// An alert from its beginning to its end.
#[derive(Object, Deserialize)]
struct Timeline {
    alert: Alert,
    /// The Member's: that of every `local`.
    time_zone: String,
    /// In the order of their time.
    items: Vec<Event>,
}

impl Timeline {
    /// A line for each event.
    fn table(&self) -> String {
        let mut table = "at,local,what,person,round,kind,whom,channel,attempt,result,state,detail,arrives_at,outcome,note,delivery_id\r\n".to_owned();
        for event in &self.items {
            let number = |number: Option<i32>| number.map(|number| number.to_string());
            let cells = [
                Some(event.at.to_rfc3339_opts(SecondsFormat::Millis, true)),
                Some(event.local.format("%Y-%m-%d %H:%M:%S").to_string()),
                serde_json::to_value(event.what).ok().and_then(|what| what.as_str().map(str::to_owned)),
                event.person.as_ref().map(|person| person.name.clone()),
                number(event.round),
                event.kind.clone(),
                event.whom.clone(),
                event.channel.clone(),
                number(event.attempt),
                event.result.clone(),
                event.state.clone(),
                event.detail.clone(),
                event.arrives_at.map(|at| at.to_rfc3339_opts(SecondsFormat::Secs, true)),
                event.outcome.map(|outcome| outcome.as_str().to_owned()),
                event.note.clone(),
                event.delivery_id.map(|id| id.to_string()),
            ];
            let cells: Vec<String> = cells.into_iter().map(|cell| quoted(&cell.unwrap_or_default())).collect();
            table.push_str(&cells.join(","));
            table.push_str("\r\n");
        }
        table
    }
}

/// A cell as RFC 4180 has it. What a program for tables would take for a formula is text: names come from people.
fn quoted(cell: &str) -> String {
    let is_formula = cell.starts_with(['=', '+', '-', '@', '\t', '\r']);
    format!("\"{}{}\"", if is_formula { "'" } else { "" }, cell.replace('"', "\"\""))
}

/// A table to keep.
#[derive(ApiResponse)]
enum Table {
    /// A line for each event, with the names of the columns above (RFC 4180).
    #[oai(status = 200, content_type = "text/csv; charset=utf-8")]
    Whole(PlainText<String>, #[oai(header = "Content-Disposition")] String),
}

#[OpenApi(tag = "Section::Alerts")]
impl Api {
    /// List alerts: my own, and those of the Members I watch
    #[oai(path = "/v1/alerts", method = "get", operation_id = "list_alerts")]
    async fn list_alerts(
        &self,
        app: Data<&Arc<App>>,
        caller: SignedIn,
        #[oai(name = "If-None-Match")] known: Header<Option<String>>,
        cursor: Query<Option<Uuid>>,
        #[oai(validator(minimum(value = "1"), maximum(value = "100")))] limit: Query<Option<i32>>,
        /// Only those that are not over.
        unresolved: Query<Option<bool>>,
    ) -> Result<Tagged<AlertPage>, Problem> {
        let call = "api.list_alerts(cursor => $1, size => $2, only_unresolved => $3)";
        let params: crate::db::Params<'_> = &[&cursor.0, &limit.0.unwrap_or(PAGE), &unresolved.0.unwrap_or(false)];
        Tagged::unless(known.0, &app.db.read_shape(&caller.0, call, params).await?)
    }

    /// An alert
    #[oai(path = "/v1/alerts/:alert_id", method = "get", operation_id = "get_alert")]
    async fn get_alert(
        &self,
        app: Data<&Arc<App>>,
        caller: SignedIn,
        #[oai(name = "If-None-Match")] known: Header<Option<String>>,
        alert_id: Path<Uuid>,
    ) -> Result<Tagged<Alert>, Problem> {
        Tagged::unless(known.0, &app.db.read_shape(&caller.0, "api.get_alert(alert_id => $1)", &[&alert_id.0]).await?)
    }

    /// I've got this
    ///
    /// The first one wins; the other Contacts and the Member are told who it is.
    #[oai(path = "/v1/alerts/:alert_id/acknowledge", method = "post", operation_id = "acknowledge_alert")]
    async fn acknowledge_alert(
        &self,
        app: Data<&Arc<App>>,
        caller: SignedIn,
        alert_id: Path<Uuid>,
        #[oai(name = "Idempotency-Key")] key: Header<Option<String>>,
        body: Json<Acknowledgement>,
    ) -> Answer<Alert> {
        let once = once(key.0, &format!("acknowledge_alert {}", alert_id.0), &body.0);
        let call = "api.acknowledge_alert(alert_id => $1, arrives_at => $2)";
        Ok(Json(app.db.write_once(&caller.0, &once, call, &[&alert_id.0, &body.arrives_at.map(writable)]).await?))
    }

    /// It is over
    ///
    /// Everybody who may have been alerted is told, over every channel that carried the alarm.
    #[oai(path = "/v1/alerts/:alert_id/close", method = "post", operation_id = "close_alert")]
    async fn close_alert(
        &self,
        app: Data<&Arc<App>>,
        caller: SignedIn,
        alert_id: Path<Uuid>,
        #[oai(name = "Idempotency-Key")] key: Header<Option<String>>,
        body: Json<Closing>,
    ) -> Answer<Alert> {
        let once = once(key.0, &format!("close_alert {}", alert_id.0), &body.0);
        let call = "api.close_alert(alert_id => $1, outcome => $2, note => $3)";
        Ok(Json(app.db.write_once(&caller.0, &once, call, &[&alert_id.0, &body.outcome.as_str(), &body.note]).await?))
    }

    /// More help is needed
    ///
    /// Whoever has the alert, or any other Contact, may say it: everyone is told at once, and the alert escalates again.
    #[oai(path = "/v1/alerts/:alert_id/needs-more-help", method = "post", operation_id = "needs_more_help")]
    async fn needs_more_help(
        &self,
        app: Data<&Arc<App>>,
        caller: SignedIn,
        alert_id: Path<Uuid>,
        #[oai(name = "Idempotency-Key")] key: Header<Option<String>>,
    ) -> Answer<Alert> {
        let once = once(key.0, "needs_more_help", &alert_id.0);
        let call = "api.needs_more_help(alert_id => $1)";
        Ok(Json(app.db.write_once(&caller.0, &once, call, &[&alert_id.0]).await?))
    }

    /// I need help
    ///
    /// Contacts are told at once: no confirmation, no grace, on a break as well. A second call adds to the first. The body may
    /// be left out; nothing in it can refuse the call.
    #[oai(path = "/v1/me/help-requests", method = "post", operation_id = "request_help")]
    async fn request_help(
        &self,
        app: Data<&Arc<App>>,
        caller: SignedIn,
        #[oai(name = "Idempotency-Key")] key: Header<Option<String>>,
        body: Aside<NewHelpRequest>,
    ) -> Result<Created<Alert>, Problem> {
        let once = once(key.0, "request_help", &String::new());
        let position = Position::seal(body.0.and_then(|said| said.position), &app);
        let call = "api.request_help(position_id => $1, sealed_position => $2)";
        let params: crate::db::Params<'_> = &[&position.id, &position.sealed];
        Ok(Created::Created(Json(app.db.write_once(&caller.0, &once, call, params).await?)))
    }

    /// Take my call for help back
    ///
    /// Only the Member can; everybody who may have been alerted is told.
    #[oai(path = "/v1/alerts/:alert_id/cancel", method = "post", operation_id = "cancel_alert")]
    async fn cancel_alert(
        &self,
        app: Data<&Arc<App>>,
        caller: SignedIn,
        alert_id: Path<Uuid>,
        #[oai(name = "Idempotency-Key")] key: Header<Option<String>>,
    ) -> Answer<Alert> {
        let once = once(key.0, "cancel_alert", &alert_id.0);
        Ok(Json(app.db.write_once(&caller.0, &once, "api.cancel_alert(alert_id => $1)", &[&alert_id.0]).await?))
    }

    /// What happened about an alert
    ///
    /// Each round, each message with its attempts, and what people did, in order; for the Member and their Contacts.
    #[oai(path = "/v1/alerts/:alert_id/timeline", method = "get", operation_id = "get_alert_timeline")]
    async fn get_alert_timeline(
        &self,
        app: Data<&Arc<App>>,
        caller: SignedIn,
        #[oai(name = "If-None-Match")] known: Header<Option<String>>,
        alert_id: Path<Uuid>,
    ) -> Result<Tagged<Timeline>, Problem> {
        let call = "api.get_alert_timeline(alert_id => $1)";
        Tagged::unless(known.0, &app.db.read_shape(&caller.0, call, &[&alert_id.0]).await?)
    }

    /// What happened about an alert, as a table
    #[oai(path = "/v1/alerts/:alert_id/timeline.csv", method = "get", operation_id = "export_alert_timeline")]
    async fn export_alert_timeline(
        &self,
        app: Data<&Arc<App>>,
        caller: SignedIn,
        alert_id: Path<Uuid>,
    ) -> Result<Table, Problem> {
        let call = "api.export_alert_timeline(alert_id => $1)";
        let timeline: Timeline = app.db.read(&caller.0, call, &[&alert_id.0]).await?;
        let name = format!("attachment; filename=\"pruuf-alert-{}.csv\"", alert_id.0);
        Ok(Table::Whole(PlainText(timeline.table()), name))
    }
}
