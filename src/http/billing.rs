//! What a Contact pays for (rules: section 8). Stripe is the truth: nothing here changes an entitlement by itself.

use std::sync::Arc;

use chrono::{DateTime, NaiveDate, NaiveDateTime, Utc};
use poem::web::Data;
use poem_openapi::param::Header;
use poem_openapi::payload::Json;
use poem_openapi::types::ToJSON as _;
use poem_openapi::{Enum, Object, OpenApi};
use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

use super::{Answer, Section, Tagged};
use crate::app::App;
use crate::auth::caller::SignedIn;
use crate::billing::compare_customer;
use crate::billing::stripe::{Failure, Stripe};
use crate::db::Caller;
use crate::problem::{Code, Problem};

/// The operations.
pub struct Api;

/// What a Contact is entitled to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum, Deserialize)]
#[oai(rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
enum Entitlement {
    /// Everything, without a card, to the end of the trial.
    Trialing,
    /// Everything, paid for.
    Active,
    /// Everything, for ever, for nothing: whoever is or was watched.
    Free,
    /// Everything, for some days: a payment has failed.
    PastDue,
    /// Everything to the end of the paid period.
    Cancelled,
    /// Alerts by push and e-mail.
    Frozen,
}

/// What happens next if nobody does anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum, Deserialize)]
#[oai(rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
enum NextStep {
    /// The entitlement ends.
    Freezes,
    /// The subscription goes on and is charged.
    Renews,
}

/// What happens next, and when.
#[derive(Object, Deserialize)]
struct Next {
    what: NextStep,
    at: DateTime<Utc>,
    /// The same where the user is.
    local: NaiveDateTime,
}

/// What the user pays for.
#[derive(Object, Deserialize)]
#[oai(skip_serializing_if_is_none)]
struct Subscription {
    /// Lookup key of its price.
    plan: Option<String>,
    /// Whether it ends with its period.
    is_ending: bool,
    period_ends_at: Option<DateTime<Utc>>,
    /// The last day of the card.
    card_expires_on: Option<NaiveDate>,
}

/// A plan.
#[derive(Object, Deserialize)]
struct Plan {
    /// Its lookup key.
    plan: String,
    /// ISO 4217, lower case.
    currency: String,
    /// In the smallest unit of the currency.
    unit_amount: i64,
    /// `month` or `year`.
    period: String,
}

/// Where the user stands.
#[derive(Object, Deserialize)]
#[oai(skip_serializing_if_is_none)]
struct Billing {
    /// All of it in plain words, in the user's language.
    #[serde(default)]
    summary: String,
    entitlement: Entitlement,
    /// Since when; absent before the first Member.
    since: Option<DateTime<Utc>>,
    /// What happens next; absent when nothing does.
    next: Option<Next>,
    subscription: Option<Subscription>,
    /// Whether the card will have ended by the next payment.
    needs_card: bool,
    /// Whether a payment has failed and is open; `POST /v1/billing/checkout` says where to pay it.
    needs_payment: bool,
    plans: Vec<Plan>,
    /// How many Members the user watches.
    members: i64,
    /// How many they may watch.
    members_allowed: i64,
}

#[derive(Deserialize)]
struct BillingRow {
    language: String,
    #[serde(flatten)]
    billing: Billing,
}

impl BillingRow {
    fn in_words(mut self, app: &App) -> Billing {
        let facts = self.billing.to_json().unwrap_or_default();
        self.billing.summary = app.texts.app("billing", &self.language, &facts);
        self.billing
    }
}

#[derive(Object)]
struct NewCheckout {
    /// Lookup key of a plan.
    plan: String,
}

/// Where to go on.
#[derive(Object)]
#[oai(skip_serializing_if_is_none)]
struct Page {
    /// A page of Stripe's; absent when there is nothing more to do.
    url: Option<String>,
}

#[derive(Deserialize)]
struct CheckoutRow {
    at: DateTime<Utc>,
    user_id: Uuid,
    price_id: String,
    unpaid_id: Option<String>,
    subscription_id: Option<String>,
    trial_ends_at: Option<DateTime<Utc>>,
    customer_id: Option<String>,
}

#[derive(Deserialize)]
struct OwnRow {
    at: DateTime<Utc>,
    customer_id: String,
    subscription_id: Option<String>,
}

#[derive(Deserialize)]
struct KeptRow {
    customer_id: String,
}

/// Stripe, or that it is not to be had.
fn stripe(app: &App) -> Result<&Stripe, Problem> {
    app.stripe.as_deref().ok_or(Problem::new(Code::BillingUnavailable))
}

fn unavailable(failure: Failure) -> Problem {
    if failure.is_reused_key() {
        return Problem::new(Code::IdempotencyKeyReused);
    }
    tracing::error!(stripe.failure = %failure, "Stripe does not answer a user's request");
    Problem::new(Code::BillingUnavailable)
}

/// The key under which Stripe does it once: of what it is about and the client's own, if there is one.
fn stripe_key(about: &str, what: &str, key: Option<String>) -> String {
    format!("{about}-{what}-{}", key.unwrap_or_else(|| Uuid::now_v7().to_string()))
}

/// Keeps what Stripe answered; the webhook and the daily comparison say it again.
async fn keep(app: &App, subscription: &Value, asked_at: DateTime<Utc>) -> Result<(), Problem> {
    let call = "jobs.apply_subscription(found_one => $1, asked_at => $2)";
    app.db.write::<Value>(&Caller::worker(), call, &[subscription, &asked_at]).await.map(|_| ())
}

/// Makes the caller's subscription end with its period, or go on; gives where they stand then.
async fn set_ending(app: &App, caller: &Caller, own: OwnRow, is_ending: bool, key: Option<String>) -> Answer<Billing> {
    let id = own.subscription_id.unwrap_or_default();
    let key = stripe_key(&id, if is_ending { "cancel" } else { "resume" }, key);
    let stripe = stripe(app)?;
    let told = if is_ending { stripe.end_with_period(&id, &key).await } else { stripe.go_on(&id, &key).await };
    let subscription = told.map_err(unavailable)?;
    keep(app, &subscription, own.at).await?;
    let row: BillingRow = app.db.read(caller, "api.get_billing()", &[]).await?;
    Ok(Json(row.in_words(app)))
}

#[OpenApi(tag = "Section::Money")]
impl Api {
    /// Where I stand, and what happens next
    #[oai(path = "/v1/billing", method = "get", operation_id = "get_billing")]
    async fn get_billing(
        &self,
        app: Data<&Arc<App>>,
        caller: SignedIn,
        #[oai(name = "If-None-Match")] known: Header<Option<String>>,
    ) -> Result<Tagged<Billing>, Problem> {
        let shape = app.db.read_shape(&caller.0, "api.get_billing()", &[]).await?;
        Tagged::unless_opened(known.0, &shape, |row: BillingRow| Ok(row.in_words(&app)))
    }

    /// Choose a plan
    ///
    /// The answer has a page of Stripe's to pay on; the page that was asked for before is closed. What is left of the trial stays
    /// free. Whoever has another plan already is switched at once, and there is no page; whoever has a payment open pays that
    /// first. Nothing changes before Stripe says that it was paid.
    #[oai(path = "/v1/billing/checkout", method = "post", operation_id = "begin_checkout")]
    async fn begin_checkout(
        &self,
        app: Data<&Arc<App>>,
        caller: SignedIn,
        #[oai(name = "Idempotency-Key")] key: Header<Option<String>>,
        body: Json<NewCheckout>,
    ) -> Answer<Page> {
        let call = "api.begin_checkout(plan => $1)";
        let mut asked: CheckoutRow = app.db.read(&caller.0, call, &[&body.plan]).await?;
        let stripe = stripe(&app)?;
        if let Some(customer) = &asked.customer_id {
            // A webhook may be late or lost: nobody is to pay for what they have.
            compare_customer(&app, stripe, customer, asked.at).await.map_err(unavailable)?;
            asked = app.db.read(&caller.0, call, &[&body.plan]).await?;
        }
        let back = format!("{}/open", app.public_url);
        if let Some(id) = &asked.unpaid_id {
            let key = stripe_key(id, "pay", key.0);
            return Ok(Json(Page { url: Some(stripe.payment_page(id, &back, &key).await.map_err(unavailable)?) }));
        }
        if let Some(id) = &asked.subscription_id {
            let key = stripe_key(id, "switch", key.0);
            let subscription = stripe.switch_price(id, &asked.price_id, &key).await.map_err(unavailable)?;
            keep(&app, &subscription, asked.at).await?;
            return Ok(Json(Page { url: None }));
        }
        let customer = match asked.customer_id {
            Some(id) => id,
            None => {
                let made = stripe.create_customer(asked.user_id).await.map_err(unavailable)?;
                let call = "jobs.keep_customer(person => $1, customer => $2)";
                let kept: KeptRow = app.db.write(&Caller::worker(), call, &[&asked.user_id, &made]).await?;
                kept.customer_id
            }
        };
        let key = stripe_key(&customer, "checkout", key.0);
        let url = stripe
            .create_checkout(&customer, &asked.price_id, asked.trial_ends_at, &back, &key)
            .await
            .map_err(unavailable)?;
        Ok(Json(Page { url: Some(url) }))
    }

    /// Manage card, invoices and plan, on a page of Stripe's
    #[oai(path = "/v1/billing/portal", method = "post", operation_id = "open_portal")]
    async fn open_portal(
        &self,
        app: Data<&Arc<App>>,
        caller: SignedIn,
        #[oai(name = "Idempotency-Key")] key: Header<Option<String>>,
    ) -> Answer<Page> {
        let own: OwnRow = app.db.read(&caller.0, "api.open_portal()", &[]).await?;
        let back = format!("{}/open", app.public_url);
        let url = stripe(&app)?
            .create_portal(&own.customer_id, &back, &stripe_key(&own.customer_id, "portal", key.0))
            .await
            .map_err(unavailable)?;
        Ok(Json(Page { url: Some(url) }))
    }

    /// End my subscription with the paid period
    #[oai(path = "/v1/billing/cancel", method = "post", operation_id = "cancel_subscription")]
    async fn cancel_subscription(
        &self,
        app: Data<&Arc<App>>,
        caller: SignedIn,
        #[oai(name = "Idempotency-Key")] key: Header<Option<String>>,
    ) -> Answer<Billing> {
        let own: OwnRow = app.db.read(&caller.0, "api.cancel_subscription()", &[]).await?;
        set_ending(&app, &caller.0, own, true, key.0).await
    }

    /// Go on with my subscription
    #[oai(path = "/v1/billing/resume", method = "post", operation_id = "resume_subscription")]
    async fn resume_subscription(
        &self,
        app: Data<&Arc<App>>,
        caller: SignedIn,
        #[oai(name = "Idempotency-Key")] key: Header<Option<String>>,
    ) -> Answer<Billing> {
        let own: OwnRow = app.db.read(&caller.0, "api.resume_subscription()", &[]).await?;
        set_ending(&app, &caller.0, own, false, key.0).await
    }
}
