//! Stripe, by its own library. Its answers are read as plain JSON: a field that the library's schema does not know must not
//! hide what somebody pays for.

use std::time::Duration;

use ::stripe::{ApiErrorsCode, ApiErrorsType, Client, ClientBuilder, IdempotencyKey, RequestStrategy, StripeError};
use chrono::{DateTime, Utc};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize;
use serde_json::{Value, json};
use stripe_client_core::{RequestBuilder, StripeMethod};
use url::Url;
use uuid::Uuid;

/// How long an answer may take.
const TIMEOUT: Duration = Duration::from_secs(10);
/// What a subscription is fetched with: since when it is unpaid, and when the card ends.
const EXPANDED: [&str; 2] = ["latest_invoice", "default_payment_method"];
/// The lookup keys of the plans (R8.1).
const PLANS: [&str; 2] = ["monthly", "annual"];

/// The client.
pub struct Stripe {
    client: Client,
}

/// Why Stripe did not do it; a code, without anything that could be a secret.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Failure(pub String);

impl Failure {
    /// Whether what was asked for is not there.
    #[must_use]
    pub fn is_missing(&self) -> bool {
        self.0 == "404"
    }

    /// Whether the Idempotency-Key came with something else before.
    #[must_use]
    pub fn is_reused_key(&self) -> bool {
        self.0 == "idempotency_error"
    }
}

impl From<StripeError> for Failure {
    fn from(error: StripeError) -> Self {
        Self(match error {
            StripeError::Stripe(error, _) if error.type_ == ApiErrorsType::IdempotencyError => error.type_.to_string(),
            StripeError::Stripe(error, _) if error.code == Some(ApiErrorsCode::ChargeAlreadyRefunded) => {
                ApiErrorsCode::ChargeAlreadyRefunded.to_string()
            }
            StripeError::Stripe(_, status) => status.to_string(),
            StripeError::Timeout => "timeout".to_owned(),
            StripeError::ClientError(_) => "unreachable".to_owned(),
            StripeError::JSONDeserialize(_) => "unreadable".to_owned(),
            StripeError::ConfigError(_) => "configuration".to_owned(),
        })
    }
}

impl Stripe {
    /// Takes the base URL and the secret key; asks nothing of the network.
    ///
    /// # Errors
    /// When they cannot be used.
    pub fn new(url: &Url, secret_key: &SecretString) -> Result<Self, Failure> {
        let client = ClientBuilder::new(secret_key.expose_secret())
            .url(url.as_str())
            .timeout(TIMEOUT)
            .request_strategy(RequestStrategy::Once)
            .build()?;
        Ok(Self { client })
    }

    /// The customer of a user; asked for twice it is the same.
    ///
    /// # Errors
    /// When Stripe does not make one.
    pub async fn create_customer(&self, user_id: Uuid) -> Result<String, Failure> {
        let form = json!({ "metadata": { "user_id": user_id } });
        id_of(&self.post("/customers", &form, Some(&format!("customer-{user_id}"))).await?)
    }

    /// A page on which a customer subscribes, free until the end of a trial. Pages of theirs that are still open are closed, so
    /// that nobody pays twice.
    ///
    /// # Errors
    /// When Stripe does not make one.
    pub async fn create_checkout(
        &self,
        customer: &str,
        price: &str,
        trial_ends_at: Option<DateTime<Utc>>,
        return_url: &str,
        key: &str,
    ) -> Result<String, Failure> {
        let query = json!({ "customer": customer, "status": "open", "limit": 100 });
        let open = self.get("/checkout/sessions", &query).await?;
        // Asked for twice it is the same page.
        for other in array(&open).iter().filter(|session| session["metadata"]["key"] != key) {
            let path = format!("/checkout/sessions/{}/expire", other["id"].as_str().unwrap_or_default());
            // It may just have been paid; the database ends what is paid twice.
            let _: Result<Value, Failure> = self.post(&path, &json!({}), None).await;
        }
        let mut form = json!({
            "mode": "subscription", "customer": customer, "line_items": [{ "price": price, "quantity": 1 }],
            "success_url": return_url, "cancel_url": return_url, "metadata": { "key": key },
        });
        if let Some(at) = trial_ends_at {
            form["subscription_data"] = json!({ "trial_end": at.timestamp() });
        }
        url_of(&self.post("/checkout/sessions", &form, Some(key)).await?)
    }

    /// Where the open invoice of a subscription is paid: its page, or the one on which the customer manages everything.
    ///
    /// # Errors
    /// When Stripe does not say.
    pub async fn payment_page(&self, id: &str, return_url: &str, key: &str) -> Result<String, Failure> {
        let now = self.subscription(id).await?;
        let invoice = &now["latest_invoice"];
        match invoice["hosted_invoice_url"].as_str() {
            Some(url) if invoice["status"] == "open" => Ok(url.to_owned()),
            _ => self.create_portal(now["customer"].as_str().unwrap_or_default(), return_url, key).await,
        }
    }

    /// A page on which a customer manages what they pay for.
    ///
    /// # Errors
    /// When Stripe does not make one.
    pub async fn create_portal(&self, customer: &str, return_url: &str, key: &str) -> Result<String, Failure> {
        let form = json!({ "customer": customer, "return_url": return_url });
        url_of(&self.post("/billing_portal/sessions", &form, Some(key)).await?)
    }

    /// A subscription as it is now.
    ///
    /// # Errors
    /// When Stripe does not say.
    pub async fn subscription(&self, id: &str) -> Result<Value, Failure> {
        self.get(&format!("/subscriptions/{id}"), &json!({ "expand": EXPANDED })).await
    }

    /// Makes a subscription end with its period.
    ///
    /// # Errors
    /// When Stripe does not do it.
    pub async fn end_with_period(&self, id: &str, key: &str) -> Result<Value, Failure> {
        let form = json!({ "cancel_at_period_end": true, "expand": EXPANDED });
        self.post(&format!("/subscriptions/{id}"), &form, Some(key)).await
    }

    /// Makes a subscription that was to end go on.
    ///
    /// # Errors
    /// When Stripe does not do it.
    pub async fn go_on(&self, id: &str, key: &str) -> Result<Value, Failure> {
        let now = self.subscription(id).await?;
        self.post_going_on(&now, json!({}), key).await
    }

    /// Gives a subscription another price, which also takes an end back.
    ///
    /// # Errors
    /// When Stripe does not do it.
    pub async fn switch_price(&self, id: &str, price: &str, key: &str) -> Result<Value, Failure> {
        let now = self.subscription(id).await?;
        let item = now["items"]["data"][0]["id"].as_str().ok_or_else(|| Failure("no-item".to_owned()))?;
        self.post_going_on(&now, json!({ "items": [{ "id": item, "price": price }] }), key).await
    }

    /// Changes a subscription and takes its end back. Stripe's own page sets `cancel_at` and not `cancel_at_period_end`, and only
    /// one of them may be sent (<https://docs.stripe.com/billing/subscriptions/billing-mode/compare>).
    async fn post_going_on(&self, now: &Value, mut form: Value, key: &str) -> Result<Value, Failure> {
        let has_date = now["cancel_at_period_end"] != true && !now["cancel_at"].is_null();
        let (field, none) = if has_date { ("cancel_at", json!("")) } else { ("cancel_at_period_end", json!(false)) };
        form[field] = none;
        form["expand"] = json!(EXPANDED);
        let id = now["id"].as_str().unwrap_or_default();
        // Asked again when the end is gone, it is another form, which Stripe takes under another key only.
        self.post(&format!("/subscriptions/{id}"), &form, Some(&format!("{key}-{field}"))).await
    }

    /// Ends a subscription at once, without a refund.
    ///
    /// # Errors
    /// When Stripe does not do it.
    pub async fn cancel(&self, id: &str, key: &str) -> Result<Value, Failure> {
        let request = RequestBuilder::new(StripeMethod::Delete, format!("/subscriptions/{id}"))
            .query(&json!({ "expand": EXPANDED }));
        self.send(request, Some(key)).await
    }

    /// Ends a subscription at once and gives back what was paid for its last invoice; also whether there was anything.
    ///
    /// # Errors
    /// When Stripe does not do it.
    pub async fn cancel_and_refund(&self, id: &str, key: &str) -> Result<(Value, bool), Failure> {
        let mut subscription = self.subscription(id).await?;
        if subscription["status"] != "canceled" {
            subscription = self.cancel(id, key).await?;
        }
        let Some(invoice) = subscription["latest_invoice"]["id"].as_str() else { return Ok((subscription, false)) };
        let payments = self.get("/invoice_payments", &json!({ "invoice": invoice, "status": "paid" })).await?;
        let mut is_refunded = false;
        for intent in array(&payments).iter().filter_map(|one| one["payment"]["payment_intent"].as_str()) {
            let refund =
                self.post("/refunds", &json!({ "payment_intent": intent }), Some(&format!("{key}-{intent}"))).await;
            match refund {
                Ok(_) => is_refunded = true,
                Err(failure) if failure.0 == ApiErrorsCode::ChargeAlreadyRefunded.as_str() => {}
                Err(failure) => return Err(failure),
            }
        }
        Ok((subscription, is_refunded))
    }

    /// All subscriptions of a customer, ended ones, too.
    ///
    /// # Errors
    /// When Stripe does not say.
    pub async fn subscriptions_of(&self, customer: &str) -> Result<Value, Failure> {
        let expand = EXPANDED.map(|field| format!("data.{field}"));
        let query = json!({ "customer": customer, "status": "all", "limit": 100, "expand": expand });
        Ok(self.get("/subscriptions", &query).await?["data"].take())
    }

    /// The customer whose charge this is.
    ///
    /// # Errors
    /// When Stripe does not say.
    pub async fn customer_of_charge(&self, charge: &str) -> Result<Value, Failure> {
        Ok(self.get(&format!("/charges/{charge}"), &json!({})).await?["customer"].take())
    }

    /// The prices of the plans.
    ///
    /// # Errors
    /// When Stripe does not say.
    pub async fn prices(&self) -> Result<Value, Failure> {
        Ok(self.get("/prices", &json!({ "lookup_keys": PLANS, "active": true, "limit": 100 })).await?["data"].take())
    }

    async fn get(&self, path: &str, query: &impl Serialize) -> Result<Value, Failure> {
        self.send(RequestBuilder::new(StripeMethod::Get, path).query(query), None).await
    }

    async fn post(&self, path: &str, form: &impl Serialize, key: Option<&str>) -> Result<Value, Failure> {
        self.send(RequestBuilder::new(StripeMethod::Post, path).form(form), key).await
    }

    async fn send(&self, request: RequestBuilder, key: Option<&str>) -> Result<Value, Failure> {
        let mut request = request.customize::<miniserde::json::Value>();
        if let Some(key) = key.and_then(|key| IdempotencyKey::new(key).ok()) {
            request = request.request_strategy(RequestStrategy::Idempotent(key));
        }
        let answer = request.send(&self.client).await?;
        serde_json::from_str(&miniserde::json::to_string(&answer)).map_err(|_| Failure("unreadable".to_owned()))
    }
}

/// The objects of a list.
fn array(list: &Value) -> &[Value] {
    list["data"].as_array().map_or(&[], Vec::as_slice)
}

fn id_of(object: &Value) -> Result<String, Failure> {
    object["id"].as_str().map(str::to_owned).ok_or_else(|| Failure("unreadable".to_owned()))
}

fn url_of(object: &Value) -> Result<String, Failure> {
    object["url"].as_str().map(str::to_owned).ok_or_else(|| Failure("unreadable".to_owned()))
}
