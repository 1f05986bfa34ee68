//! Breaks and pauses: days on which nothing is expected of a Member (rules: section 5).

use std::sync::Arc;

use chrono::NaiveDate;
use poem::web::Data;
use poem_openapi::param::{Header, Path, Query};
use poem_openapi::payload::Json;
use poem_openapi::types::{MaybeUndefined, ToJSON as _};
use poem_openapi::{Enum, Object, OpenApi};
use serde::Deserialize;
use uuid::Uuid;

use super::day::Obligation;
use super::me::Done;
use super::{Answer, Created, Gone, PAGE, Section, once};
use crate::app::App;
use crate::auth::caller::SignedIn;
use crate::problem::Problem;

/// The operations.
pub struct Api;

/// How a break stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum, Deserialize)]
#[oai(rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
enum BreakState {
    /// It is yet to begin.
    Planned,
    /// Nobody is watched because of it.
    Running,
    /// It has ended.
    Over,
}

/// Days on which nothing is expected.
#[derive(Object, Deserialize)]
#[oai(skip_serializing_if_is_none)]
pub struct Break {
    id: Uuid,
    /// Its first day, a local date of the Member.
    first_on: NaiveDate,
    /// Its last day; absent while it is open-ended.
    last_on: Option<NaiveDate>,
    state: BreakState,
}

/// A break, and what follows from it.
#[derive(Object, Deserialize)]
#[oai(skip_serializing_if_is_none)]
struct OwnBreak {
    id: Uuid,
    /// Its first day, a local date of the Member.
    first_on: NaiveDate,
    /// Its last day; absent while it is open-ended.
    last_on: Option<NaiveDate>,
    state: BreakState,
    /// The check-in that is expected next, outside of all breaks; absent when an open-ended one comes before it.
    next: Option<Obligation>,
}

#[derive(Object, Deserialize)]
#[oai(skip_serializing_if_is_none)]
struct BreakPage {
    items: Vec<Break>,
    next_cursor: Option<Uuid>,
}

#[derive(Object)]
struct NewBreak {
    /// The first day, a local date of the Member: today or later.
    first_on: NaiveDate,
    /// The last day, included; null for a pause without an end.
    last_on: Option<NaiveDate>,
    /// That the Member was asked, and means it: for one of over 90 days.
    is_confirmed: Option<bool>,
}

/// What is absent stays as it is.
#[derive(Object)]
struct BreakChanges {
    /// Only before it has begun.
    first_on: Option<NaiveDate>,
    /// Today ends it with today; null makes it a pause without an end.
    #[oai(nullable)]
    last_on: MaybeUndefined<NaiveDate>,
    /// As in a new one, where this makes it longer.
    is_confirmed: Option<bool>,
}

#[OpenApi(tag = "Section::Day")]
impl Api {
    /// Plan a break
    ///
    /// From a date to a date, both included, or without an end. Nothing is expected on these days. One that begins today
    /// excuses today's check-in, unless it was missed already.
    #[oai(path = "/v1/me/breaks", method = "post", operation_id = "plan_break")]
    async fn plan_break(
        &self,
        app: Data<&Arc<App>>,
        caller: SignedIn,
        #[oai(name = "Idempotency-Key")] key: Header<Option<String>>,
        body: Json<NewBreak>,
    ) -> Result<Created<OwnBreak>, Problem> {
        let call = "api.plan_break(first_on => $1, last_on => $2, is_confirmed => $3)";
        let params: crate::db::Params<'_> = &[&body.first_on, &body.last_on, &body.is_confirmed];
        let once = once(key.0, "plan_break", &body.0);
        Ok(Created::Created(Json(app.db.write_once(&caller.0, &once, call, params).await?)))
    }

    /// List my breaks
    #[oai(path = "/v1/me/breaks", method = "get", operation_id = "list_breaks")]
    async fn list_breaks(
        &self,
        app: Data<&Arc<App>>,
        caller: SignedIn,
        cursor: Query<Option<Uuid>>,
        #[oai(validator(minimum(value = "1"), maximum(value = "100")))] limit: Query<Option<i32>>,
    ) -> Answer<BreakPage> {
        let call = "api.list_breaks(cursor => $1, size => $2)";
        Ok(Json(app.db.read(&caller.0, call, &[&cursor.0, &limit.0.unwrap_or(PAGE)]).await?))
    }

    /// Change a break, or end it early
    ///
    /// Ended with today, the check-ins of the next day are expected again.
    #[oai(path = "/v1/me/breaks/:break_id", method = "patch", operation_id = "update_break")]
    async fn update_break(
        &self,
        app: Data<&Arc<App>>,
        caller: SignedIn,
        break_id: Path<Uuid>,
        body: Json<BreakChanges>,
    ) -> Answer<OwnBreak> {
        let call = "api.update_break(break_id => $1, changes => $2)";
        Ok(Json(app.db.write(&caller.0, call, &[&break_id.0, &body.0.to_json()]).await?))
    }

    /// Give up a break
    ///
    /// A planned one is gone. One that runs ends with today, and the check-ins of the next day are expected again.
    #[oai(path = "/v1/me/breaks/:break_id", method = "delete", operation_id = "remove_break")]
    async fn remove_break(
        &self,
        app: Data<&Arc<App>>,
        caller: SignedIn,
        break_id: Path<Uuid>,
    ) -> Result<Gone, Problem> {
        let _: Done = app.db.write(&caller.0, "api.remove_break(break_id => $1)", &[&break_id.0]).await?;
        Ok(Gone::Gone)
    }
}
