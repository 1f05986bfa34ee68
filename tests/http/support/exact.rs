//! Calls of the database at an exact instant, without a server: no second is lost between the clock and the call.

use serde_json::{Value, json};
use tokio_postgres::SimpleQueryMessage;
use uuid::Uuid;

use super::{Person, World};

impl World {
    /// Calls an `api` or `jobs` function as the server would, in a transaction that begins at this instant. An error is
    /// the slug that SQL raised, or its SQLSTATE.
    pub async fn exactly(&self, at: &str, role: &str, user_id: Option<Uuid>, call: &str) -> Result<Value, String> {
        let user_id = user_id.map(|id| id.to_string()).unwrap_or_default();
        let sql = format!(
            "begin; update meta.clock set ahead_by = '{at}'::timestamptz - now(); set local role {role};
             select set_config('pruuf.user_id', '{user_id}', true); select ({call})::jsonb; commit"
        );
        match self.db.admin.simple_query(&sql).await {
            Ok(messages) => {
                let rows = messages.iter().filter_map(|message| match message {
                    SimpleQueryMessage::Row(row) => row.get(0),
                    _ => None,
                });
                Ok(serde_json::from_str(rows.last().unwrap()).unwrap())
            }
            Err(error) => {
                self.db.admin.simple_query("rollback").await.unwrap();
                let error = error.as_db_error().unwrap();
                let is_ours = error.code().code().starts_with("UF");
                Err(if is_ours { error.message() } else { error.constraint().unwrap_or(error.code().code()) }
                    .to_owned())
            }
        }
    }

    /// A check-in that reaches the server at exactly this instant.
    pub async fn tap(&self, who: &Person, at: &str) -> Value {
        self.tap_from(who, at, "").await
    }

    /// The same with a time zone.
    pub async fn tap_from(&self, who: &Person, at: &str, time_zone: &str) -> Value {
        let call = format!(
            "api.record_check_in(device_time => null, time_zone => nullif('{time_zone}', ''), note => null, mood => null)"
        );
        self.exactly(at, "pruuf_user", Some(who.id), &call).await.unwrap()
    }

    /// A schedule that is set at exactly this instant: times, zone, weekdays and grace; no reminders.
    pub async fn set_at(&self, who: &Person, at: &str, times: &str, zone: &str, days: &str, grace: i16) -> Value {
        let call = format!(
            "api.set_schedule(local_times => '{{{times}}}', time_zone => '{zone}', weekdays => '{{{days}}}', grace_minutes => {grace}::smallint, reminders => '{{}}')"
        );
        self.exactly(at, "pruuf_user", Some(who.id), &call).await.unwrap()
    }

    /// The job that looks for misses, at exactly this instant.
    pub async fn tick(&self, at: &str) -> Value {
        self.exactly(at, "pruuf_worker", None, "jobs.tick()").await.unwrap()
    }

    /// The job that reminds, at exactly this instant.
    pub async fn remind(&self, at: &str) -> Value {
        self.exactly(at, "pruuf_worker", None, "jobs.send_reminders()").await.unwrap()
    }

    /// For tests of something else over hours: no alert that is open now tells another round.
    pub async fn hold_rounds(&self) {
        self.eventually("there is an alert", "select exists (select from data.alerts where state <> 'resolved')", &[])
            .await;
        self.db.admin.execute("update data.alerts set next_step_at = 'infinity'", &[]).await.unwrap();
    }

    /// The job that escalates alerts, at exactly this instant.
    pub async fn escalate(&self, at: &str) -> Value {
        self.exactly(at, "pruuf_worker", None, "jobs.escalate()").await.unwrap()
    }

    /// The Member's obligations in the order of their times: local date and time, state, and what alerts they raised.
    pub async fn days(&self, who: &Person) -> Vec<String> {
        let sql = "select to_char(o.local_on, 'DD') || ' ' || to_char(o.local_time, 'HH24:MI') || ' ' || o.state || coalesce(' ' || a.state, '')
                     from data.obligations o left join data.alerts a on a.obligation_id = o.id where o.member_id = $1 order by o.due_at";
        self.db.admin.query(sql, &[&who.id]).await.unwrap().iter().map(|row| row.get(0)).collect()
    }

    /// How an API answer's list of obligations reads: local date, time and state of each.
    pub fn brief(obligations: &Value) -> Value {
        let text = |o: &Value, name: &str| o[name].as_str().unwrap().to_owned();
        obligations
            .as_array()
            .unwrap()
            .iter()
            .map(|o| json!(format!("{} {} {}", &text(o, "local_on")[8..], text(o, "local_time"), text(o, "state"))))
            .collect()
    }
}
