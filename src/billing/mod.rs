//! Carries between Stripe and the database (R8.4): what events are about is fetched again, what was ordered is told to Stripe,
//! and once a day every customer is compared. The database decides what follows. No alert waits for any of it (R9.5).

use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::app::App;
use crate::db::Caller;
use crate::jobs::pause;
use crate::problem::Problem;
use stripe::{Failure, Stripe};

pub mod stripe;

/// How often is looked for work.
const POLL: Duration = Duration::from_secs(1);
/// How much is taken at once.
const MOST: i32 = 20;
/// How often the prices are fetched.
const PRICES_EVERY: Duration = Duration::from_secs(3600);

/// An event to be applied, or an order to be carried out.
#[derive(Serialize, Deserialize)]
struct Work {
    event_id: Option<String>,
    order_id: Option<Uuid>,
    subscription_id: Option<String>,
    charge_id: Option<String>,
    action: Option<String>,
    at: DateTime<Utc>,
}

#[derive(Deserialize)]
struct Comparisons {
    at: DateTime<Utc>,
    customers: Vec<String>,
}

#[derive(Deserialize)]
struct Compared {
    mended: Vec<String>,
    unknown_to_stripe: Vec<String>,
}

/// Works as long as the server runs.
pub async fn work(app: Arc<App>, stripe: Arc<Stripe>) {
    let mut priced: Option<Instant> = None;
    while !app.stop.is_cancelled() {
        if priced.is_none_or(|at| at.elapsed() >= PRICES_EVERY) && fetch_prices(&app, &stripe).await {
            priced = Some(Instant::now());
        }
        let work: Vec<Work> =
            app.db.write(&Caller::worker(), "jobs.claim_stripe_work(most => $1)", &[&MOST]).await.unwrap_or_default();
        for one in &work {
            carry(&app, &stripe, one).await;
        }
        compare(&app, &stripe).await;
        if work.is_empty() {
            pause(&app.stop, POLL).await;
        }
    }
}

async fn fetch_prices(app: &App, stripe: &Stripe) -> bool {
    match stripe.prices().await {
        Ok(prices) => {
            app.db.write::<Value>(&Caller::worker(), "jobs.keep_prices(found_ones => $1)", &[&prices]).await.is_ok()
        }
        Err(failure) => {
            tracing::warn!(stripe.failure = %failure, "Stripe does not tell its prices");
            true
        }
    }
}

async fn carry(app: &App, stripe: &Stripe, work: &Work) {
    let outcome = match ask(stripe, work).await {
        Ok(outcome) => outcome,
        Err(failure) => {
            tracing::error!(stripe.failure = %failure, stripe.event = work.event_id, order.id = work.order_id.map(tracing::field::display), "Stripe's work failed; it is tried again");
            json!({ "failure": failure.0 })
        }
    };
    if let Err(problem) = finish(app, work, &outcome).await {
        tracing::error!(
            problem = problem.title,
            stripe.event = work.event_id,
            "what Stripe says cannot be applied; it is tried again"
        );
        // So that it is listed; should even that fail, its next try is set already.
        let _: Result<Value, Problem> = finish(app, work, &json!({ "failure": "not-applied" })).await;
    }
}

async fn finish(app: &App, work: &Work, outcome: &Value) -> Result<Value, Problem> {
    let call = "jobs.finish_stripe_work(work => $1, outcome => $2)";
    app.db.write(&Caller::worker(), call, &[&json!(work), outcome]).await
}

async fn ask(stripe: &Stripe, work: &Work) -> Result<Value, Failure> {
    if let Some(charge) = &work.charge_id {
        return Ok(json!({ "disputed_by": stripe.customer_of_charge(charge).await? }));
    }
    let id = work.subscription_id.as_deref().unwrap_or_default();
    let key = work.order_id.map(|id| id.to_string()).unwrap_or_default();
    let told = match work.action.as_deref() {
        Some("cancel_and_refund") => {
            let (subscription, is_refunded) = stripe.cancel_and_refund(id, &key).await?;
            return Ok(json!({ "subscription": subscription, "refunded": is_refunded }));
        }
        Some("cancel_now") => stripe.cancel(id, &key).await,
        Some("cancel_at_period_end") => stripe.end_with_period(id, &key).await,
        _ => stripe.subscription(id).await,
    };
    match told {
        Ok(subscription) => Ok(json!({ "subscription": subscription })),
        // What is not there any more is cancelled.
        Err(failure) if failure.is_missing() && work.order_id.is_some() => Ok(json!({})),
        Err(failure) => Err(failure),
    }
}

async fn compare(app: &App, stripe: &Stripe) {
    let call = "jobs.claim_comparisons(most => $1)";
    let Ok(due) = app.db.write::<Comparisons>(&Caller::worker(), call, &[&MOST]).await else { return };
    for customer in due.customers {
        if let Err(failure) = compare_customer(app, stripe, &customer, due.at).await {
            tracing::warn!(stripe.failure = %failure, "Stripe cannot be compared with; it is tried again");
            return;
        }
    }
}

/// Mends what differs from Stripe's subscriptions of a customer, and reports it. `at`: a moment before now.
///
/// # Errors
/// When Stripe does not say.
pub async fn compare_customer(app: &App, stripe: &Stripe, customer: &str, at: DateTime<Utc>) -> Result<(), Failure> {
    let found = stripe.subscriptions_of(customer).await?;
    let call = "jobs.compare_customer(customer => $1, found_ones => $2, asked_at => $3)";
    if let Ok(compared) = app.db.write::<Compared>(&Caller::worker(), call, &[&customer, &found, &at]).await {
        for id in compared.mended {
            tracing::warn!(stripe.subscription = id, "a subscription differed from Stripe's, and is mended");
        }
        for id in compared.unknown_to_stripe {
            tracing::error!(stripe.subscription = id, "Stripe does not know a subscription of ours");
        }
    }
    Ok(())
}
