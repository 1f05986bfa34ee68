//! What the user is told (rules: section 7).

use std::sync::Arc;

use chrono::{DateTime, Utc};
use poem::web::Data;
use poem_openapi::param::{Path, Query};
use poem_openapi::payload::Json;
use poem_openapi::{Object, OpenApi};
use serde::Deserialize;
use uuid::Uuid;

use super::me::Done;
use super::{Answer, Gone, PAGE, Section};
use crate::app::App;
use crate::auth::caller::SignedIn;
use crate::problem::Problem;

/// The operations.
pub struct Api;

/// A notification as the database gives it: facts, not yet a text.
#[derive(Deserialize)]
pub struct NotificationRow {
    /// Its id, which is also its event's.
    pub id: Uuid,
    kind: String,
    alert_id: Option<Uuid>,
    /// When it was made: the order of events.
    pub created_at: DateTime<Utc>,
    read_at: Option<DateTime<Utc>>,
    language: String,
    facts: serde_json::Value,
}

/// Something the user is told.
#[derive(Object)]
#[oai(skip_serializing_if_is_none)]
pub struct Notification {
    id: Uuid,
    /// What it is about; more kinds may come.
    kind: String,
    title: String,
    body: String,
    /// The alert it belongs to.
    alert_id: Option<Uuid>,
    created_at: DateTime<Utc>,
    read_at: Option<DateTime<Utc>>,
}

impl Notification {
    /// Its id, which is also its event's.
    #[must_use]
    pub const fn id(&self) -> Uuid {
        self.id
    }
}

impl NotificationRow {
    /// Puts the facts into words.
    #[must_use]
    pub fn in_words(self, app: &App) -> Notification {
        let (title, body) = app.texts.push(&self.kind, &self.language, &self.facts);
        Notification {
            id: self.id,
            kind: self.kind,
            title,
            body,
            alert_id: self.alert_id,
            created_at: self.created_at,
            read_at: self.read_at,
        }
    }
}

#[derive(Deserialize)]
struct NotificationRows {
    items: Vec<NotificationRow>,
    next_cursor: Option<Uuid>,
}

#[derive(Object)]
#[oai(skip_serializing_if_is_none)]
struct NotificationPage {
    items: Vec<Notification>,
    next_cursor: Option<Uuid>,
}

/// How many there were.
#[derive(Object, Deserialize)]
pub struct Count {
    count: i64,
}

/// A delivery that the app confirmed.
#[derive(Object, Deserialize)]
struct Delivery {
    id: Uuid,
    /// `confirmed`.
    state: String,
}

#[OpenApi(tag = "Section::Notifications")]
impl Api {
    /// List what I was told
    #[oai(path = "/v1/notifications", method = "get", operation_id = "list_notifications")]
    async fn list_notifications(
        &self,
        app: Data<&Arc<App>>,
        caller: SignedIn,
        cursor: Query<Option<Uuid>>,
        #[oai(validator(minimum(value = "1"), maximum(value = "100")))] limit: Query<Option<i32>>,
    ) -> Answer<NotificationPage> {
        let call = "api.list_notifications(cursor => $1, size => $2)";
        let rows: NotificationRows = app.db.read(&caller.0, call, &[&cursor.0, &limit.0.unwrap_or(PAGE)]).await?;
        let items = rows.items.into_iter().map(|row| row.in_words(&app)).collect();
        Ok(Json(NotificationPage { items, next_cursor: rows.next_cursor }))
    }

    /// Mark a notification as read
    #[oai(path = "/v1/notifications/:notification_id/read", method = "post", operation_id = "read_notification")]
    async fn read_notification(
        &self,
        app: Data<&Arc<App>>,
        caller: SignedIn,
        notification_id: Path<Uuid>,
    ) -> Answer<Notification> {
        let call = "api.read_notification(notification_id => $1)";
        let row: NotificationRow = app.db.write(&caller.0, call, &[&notification_id.0]).await?;
        Ok(Json(row.in_words(&app)))
    }

    /// Mark all notifications as read
    #[oai(path = "/v1/notifications/read-all", method = "post", operation_id = "read_all_notifications")]
    async fn read_all_notifications(&self, app: Data<&Arc<App>>, caller: SignedIn) -> Answer<Count> {
        Ok(Json(app.db.write(&caller.0, "api.read_all_notifications()", &[]).await?))
    }

    /// Take a notification off the list
    #[oai(path = "/v1/notifications/:notification_id", method = "delete", operation_id = "hide_notification")]
    async fn hide_notification(
        &self,
        app: Data<&Arc<App>>,
        caller: SignedIn,
        notification_id: Path<Uuid>,
    ) -> Result<Gone, Problem> {
        let call = "api.hide_notification(notification_id => $1)";
        let _: Done = app.db.write(&caller.0, call, &[&notification_id.0]).await?;
        Ok(Gone::Gone)
    }

    /// Say that a push was shown
    ///
    /// The id is in the push's data. Firebase gives no receipt, so the app does.
    #[oai(path = "/v1/deliveries/:delivery_id/confirm", method = "post", operation_id = "confirm_delivery")]
    async fn confirm_delivery(
        &self,
        app: Data<&Arc<App>>,
        caller: SignedIn,
        delivery_id: Path<Uuid>,
    ) -> Answer<Delivery> {
        Ok(Json(app.db.write(&caller.0, "api.confirm_delivery(delivery_id => $1)", &[&delivery_id.0]).await?))
    }
}
