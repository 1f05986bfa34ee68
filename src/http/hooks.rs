//! Webhooks of the user: programs of theirs that are told of the alerts that they are told of.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use poem::web::Data;
use poem_openapi::param::{Header, Path};
use poem_openapi::payload::Json;
use poem_openapi::{Object, OpenApi};
use serde::Deserialize;
use uuid::Uuid;

use super::me::Done;
use super::{Answer, Created, Gone, Section, once};
use crate::app::App;
use crate::auth::caller::SignedIn;
use crate::problem::{Code, Problem};
use crate::vault::{WEBHOOK_CONTEXT, WEBHOOK_SECRET_CONTEXT, new_webhook_secret};

/// The operations.
pub struct Api;

#[derive(Object)]
struct NewWebhook {
    /// Where events are posted: `https://`, to a public address.
    url: String,
}

/// A program that is told of alerts.
#[derive(Object)]
#[oai(skip_serializing_if_is_none)]
pub(super) struct Webhook {
    id: Uuid,
    url: String,
    created_at: DateTime<Utc>,
    /// When it last took an event.
    delivered_at: Option<DateTime<Utc>>,
    /// Why the last attempt failed: `http-500`, `timeout`, `connect`, `not-public` and the like.
    failure: Option<String>,
    /// Since when it is told nothing any more. A test that it takes turns it on again.
    off_at: Option<DateTime<Utc>>,
    /// Why: `failing` (nothing but failures for five days) or `gone` (it answered 410).
    off_reason: Option<String>,
}

#[derive(Object)]
struct WebhookList {
    items: Vec<Webhook>,
}

/// A webhook that is new.
#[derive(Object)]
struct AddedWebhook {
    #[oai(flatten)]
    webhook: Webhook,
    /// What its events are signed with (Standard Webhooks). It is not shown again.
    secret: String,
}

/// A secret that is new.
#[derive(Object)]
struct NewSecret {
    /// It is not shown again.
    secret: String,
    /// Until when events are signed with the one before as well.
    previous_until: DateTime<Utc>,
}

/// An event that is on its way.
#[derive(Object, Deserialize)]
struct TestEvent {
    /// Its header `webhook-id`.
    event_id: Uuid,
    #[serde(rename = "type")]
    #[oai(rename = "type")]
    kind: String,
    created_at: DateTime<Utc>,
}

/// A webhook as the database gives it: sealed.
#[derive(Deserialize)]
pub(super) struct WebhookRow {
    id: Uuid,
    sealed: String,
    created_at: DateTime<Utc>,
    delivered_at: Option<DateTime<Utc>>,
    failure: Option<String>,
    off_at: Option<DateTime<Utc>>,
    off_reason: Option<String>,
}

#[derive(Deserialize)]
struct WebhookRows {
    items: Vec<WebhookRow>,
}

#[derive(Deserialize)]
struct AddedRow {
    #[serde(flatten)]
    webhook: WebhookRow,
    #[serde(flatten)]
    secret: SecretRow,
}

#[derive(Deserialize)]
struct SecretRow {
    secret_id: Uuid,
    sealed_secret: String,
    previous_until: Option<DateTime<Utc>>,
}

fn open(app: &App, context: &[u8], id: Uuid, sealed: &str) -> Result<String, Problem> {
    app.vault.open_row(context, id, sealed).map_err(|error| {
        tracing::error!(error = %error, "a webhook cannot be opened");
        Problem::new(Code::Internal)
    })
}

fn seal(app: &App, context: &[u8], id: Uuid, plain: &str) -> Result<Vec<u8>, Problem> {
    app.vault.seal(&[context, id.as_bytes()].concat(), plain).map_err(|_| Problem::new(Code::Internal))
}

impl WebhookRow {
    /// Opens it.
    ///
    /// # Errors
    /// `internal` when the key it was sealed with is gone.
    pub(super) fn open(self, app: &App) -> Result<Webhook, Problem> {
        Ok(Webhook {
            url: open(app, WEBHOOK_CONTEXT, self.id, &self.sealed)?,
            id: self.id,
            created_at: self.created_at,
            delivered_at: self.delivered_at,
            failure: self.failure,
            off_at: self.off_at,
            off_reason: self.off_reason,
        })
    }
}

impl SecretRow {
    /// Of the row, not of the request: a retry of it gets the secret that was made first.
    fn open(&self, app: &App) -> Result<String, Problem> {
        open(app, WEBHOOK_SECRET_CONTEXT, self.secret_id, &self.sealed_secret)
    }
}

#[OpenApi(tag = "Section::Me")]
impl Api {
    /// List my webhooks
    #[oai(path = "/v1/me/webhooks", method = "get", operation_id = "list_webhooks")]
    async fn list_webhooks(&self, app: Data<&Arc<App>>, caller: SignedIn) -> Answer<WebhookList> {
        let rows: WebhookRows = app.db.read(&caller.0, "api.list_webhooks()", &[]).await?;
        Ok(Json(WebhookList { items: rows.items.into_iter().map(|row| row.open(&app)).collect::<Result<_, _>>()? }))
    }

    /// Have a program told of alerts
    ///
    /// What the user is told of the alerts of those they watch is posted there as well, as `{type, timestamp, data}`: `alert.opened`,
    /// `alert.escalated`, `alert.acknowledged`, `alert.needs_more_help`, `alert.owner_asked`, `alert.contact_unreached` and
    /// `alert.resolved`; more may come. `data` has ids and states as they are when it is sent. Signed as Standard Webhooks are.
    /// What is not answered with 2xx within 15 seconds is sent again after 5 seconds, 5 and 30 minutes, 2, 5 and 10 hours;
    /// redirects are not followed, and 410 ends it. A program is no person: it counts for nobody's safety.
    #[oai(path = "/v1/me/webhooks", method = "post", operation_id = "add_webhook")]
    async fn add_webhook(
        &self,
        app: Data<&Arc<App>>,
        caller: SignedIn,
        #[oai(name = "Idempotency-Key")] key: Header<Option<String>>,
        body: Json<NewWebhook>,
    ) -> Result<Created<AddedWebhook>, Problem> {
        let url = app.hooks.target(&body.url).map_err(|why| Problem::at("/url", Code::Invalid, why))?;
        let (id, secret_id) = (Uuid::now_v7(), Uuid::now_v7());
        let sealed = seal(&app, WEBHOOK_CONTEXT, id, url.as_str())?;
        let sealed_secret = seal(&app, WEBHOOK_SECRET_CONTEXT, secret_id, &new_webhook_secret())?;
        let call = "api.add_webhook(webhook_id => $1, sealed => $2, secret_id => $3, sealed_secret => $4)";
        let params: crate::db::Params<'_> = &[&id, &sealed, &secret_id, &sealed_secret];
        let row: AddedRow = app.db.write_once(&caller.0, &once(key.0, "add_webhook", &body.0), call, params).await?;
        let secret = row.secret.open(&app)?;
        Ok(Created::Created(Json(AddedWebhook { webhook: row.webhook.open(&app)?, secret })))
    }

    /// Remove a webhook
    #[oai(path = "/v1/me/webhooks/:webhook_id", method = "delete", operation_id = "remove_webhook")]
    async fn remove_webhook(
        &self,
        app: Data<&Arc<App>>,
        caller: SignedIn,
        webhook_id: Path<Uuid>,
    ) -> Result<Gone, Problem> {
        let _: Done = app.db.write(&caller.0, "api.remove_webhook(webhook_id => $1)", &[&webhook_id.0]).await?;
        Ok(Gone::Gone)
    }

    /// Give a webhook a new secret
    ///
    /// For a day events are signed with both.
    #[oai(path = "/v1/me/webhooks/:webhook_id/secret", method = "post", operation_id = "rotate_webhook_secret")]
    async fn rotate_webhook_secret(
        &self,
        app: Data<&Arc<App>>,
        caller: SignedIn,
        webhook_id: Path<Uuid>,
        #[oai(name = "Idempotency-Key")] key: Header<Option<String>>,
    ) -> Result<Created<NewSecret>, Problem> {
        let secret_id = Uuid::now_v7();
        let sealed_secret = seal(&app, WEBHOOK_SECRET_CONTEXT, secret_id, &new_webhook_secret())?;
        let call = "api.rotate_webhook_secret(webhook_id => $1, secret_id => $2, sealed_secret => $3)";
        let params: crate::db::Params<'_> = &[&webhook_id.0, &secret_id, &sealed_secret];
        let once = once(key.0, "rotate_webhook_secret", &webhook_id.0);
        let row: SecretRow = app.db.write_once(&caller.0, &once, call, params).await?;
        let previous_until = row.previous_until.ok_or_else(|| Problem::new(Code::Internal))?;
        Ok(Created::Created(Json(NewSecret { secret: row.open(&app)?, previous_until })))
    }

    /// Send a webhook a test event
    ///
    /// `webhook.test`, once. What became of it the webhook shows. One that is off and takes it is on again.
    #[oai(path = "/v1/me/webhooks/:webhook_id/test", method = "post", operation_id = "test_webhook")]
    async fn test_webhook(
        &self,
        app: Data<&Arc<App>>,
        caller: SignedIn,
        webhook_id: Path<Uuid>,
        #[oai(name = "Idempotency-Key")] key: Header<Option<String>>,
    ) -> Result<Created<TestEvent>, Problem> {
        let once = once(key.0, "test_webhook", &webhook_id.0);
        let call = "api.test_webhook(webhook_id => $1)";
        Ok(Created::Created(Json(app.db.write_once(&caller.0, &once, call, &[&webhook_id.0]).await?)))
    }
}
