//! A Stripe that only pretends: it keeps customers and subscriptions, says what Stripe's API says of them, keeps what it was
//! asked, and fails or stalls on demand. Webhooks are made from what it has.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};

use hmac::{Hmac, KeyInit, Mac};
use poem::http::{Method, StatusCode};
use poem::listener::{Acceptor, Listener, TcpListener};
use poem::{Request, Response, Server};
use serde_json::{Value, json};
use sha2::Sha256;
use tokio_util::sync::{CancellationToken, DropGuard};

/// What signs its webhooks.
pub const SECRET: &str = "whsec_fake";
/// 2027-01-01T00:00:00Z: its clock stands still.
pub const NOW: i64 = 1_798_761_600;
const DAY: i64 = 86_400;

#[derive(Default)]
struct Kept {
    customers: BTreeMap<String, Value>,
    subscriptions: BTreeMap<String, Value>,
    charges: HashMap<String, String>,
    /// Answers by their Idempotency-Key.
    answers: HashMap<String, Value>,
    asked: Vec<(String, HashMap<String, String>)>,
    fails: Option<u16>,
    stalls: bool,
    events: u32,
}

pub struct FakeStripe {
    pub url: url::Url,
    kept: Arc<Mutex<Kept>>,
    _stop: DropGuard,
}

impl FakeStripe {
    pub async fn start() -> Self {
        let kept = Arc::new(Mutex::new(Kept::default()));
        let acceptor = TcpListener::bind("127.0.0.1:0").into_acceptor().await.unwrap();
        let address = acceptor.local_addr().remove(0).as_socket_addr().unwrap().to_owned();
        let stop = CancellationToken::new();
        let state = kept.clone();
        let endpoint = poem::endpoint::make(move |mut request: Request| {
            let state = state.clone();
            async move {
                let body = request.take_body().into_string().await.unwrap_or_default();
                let stalls = state.lock().unwrap().stalls;
                if stalls {
                    std::future::pending::<()>().await;
                }
                Ok::<_, poem::Error>(answer(&state, &request, &body))
            }
        });
        let until = stop.clone();
        tokio::spawn(Server::new_with_acceptor(acceptor).run_with_graceful_shutdown(
            endpoint,
            async move { until.cancelled().await },
            None,
        ));
        Self { url: format!("http://{address}/").parse().unwrap(), kept, _stop: stop.drop_guard() }
    }

    /// Answers every request with this status; with its answers again for `None`.
    pub fn fail(&self, status: Option<u16>) {
        self.kept.lock().unwrap().fails = status;
    }

    /// Takes requests and answers none, or answers again.
    pub fn stall(&self, stalls: bool) {
        self.kept.lock().unwrap().stalls = stalls;
    }

    /// How often this was asked: method and path.
    pub fn asked(&self, call: &str) -> usize {
        self.kept.lock().unwrap().asked.iter().filter(|(asked, _)| asked == call).count()
    }

    /// The form of the last such request.
    pub fn last(&self, call: &str) -> HashMap<String, String> {
        let kept = self.kept.lock().unwrap();
        kept.asked.iter().rev().find(|(asked, _)| asked == call).unwrap().1.clone()
    }

    /// As if a customer had paid on the page of the checkout.
    pub fn subscribe(&self, customer: &str, plan: &str) -> String {
        let mut kept = self.kept.lock().unwrap();
        let id = format!("sub_{}", kept.subscriptions.len() + 1);
        let object = json!({
            "id": id, "object": "subscription", "customer": customer, "status": "active", "cancel_at_period_end": false, "cancel_at": null,
            "items": { "data": [{ "id": format!("si_{id}"), "current_period_end": NOW + 30 * DAY, "price": { "id": format!("price_{plan}"), "lookup_key": plan } }] },
            "latest_invoice": { "id": "in_1", "created": NOW, "status_transitions": { "finalized_at": NOW } },
            "default_payment_method": { "id": "pm_1", "card": { "exp_month": 12, "exp_year": 2030 } },
        });
        kept.subscriptions.insert(id.clone(), object);
        id
    }

    /// Changes a subscription, as Stripe does by itself.
    pub fn change(&self, id: &str, changes: Value) {
        let mut kept = self.kept.lock().unwrap();
        let object = kept.subscriptions.get_mut(id).unwrap();
        for (name, value) in changes.as_object().unwrap() {
            object[name] = value.clone();
        }
    }

    /// Whose charge something is.
    pub fn charge(&self, id: &str, customer: &str) {
        self.kept.lock().unwrap().charges.insert(id.to_owned(), customer.to_owned());
    }

    /// An event about an object, with an id of its own.
    pub fn event(&self, kind: &str, object: Value) -> Value {
        let mut kept = self.kept.lock().unwrap();
        kept.events += 1;
        json!({ "id": format!("evt_{}", kept.events), "object": "event", "type": kind, "created": NOW, "data": { "object": object } })
    }

    /// An event about a subscription as it is now.
    pub fn subscription_event(&self, kind: &str, id: &str) -> Value {
        let object = self.kept.lock().unwrap().subscriptions[id].clone();
        self.event(kind, object)
    }
}

/// The header with which Stripe signs a body at a time.
pub fn signature(body: &str, secret: &str, at: i64) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(format!("{at}.{body}").as_bytes());
    let hex: String = mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("t={at},v1={hex}")
}

fn json_answer(status: u16, body: &Value) -> Response {
    Response::builder()
        .status(StatusCode::from_u16(status).unwrap())
        .content_type("application/json")
        .body(body.to_string())
}

fn answer(kept: &Mutex<Kept>, request: &Request, body: &str) -> Response {
    let mut kept = kept.lock().unwrap();
    let path = request.uri().path().trim_start_matches("/v1").to_owned();
    let text = if request.method() == Method::POST { body } else { request.uri().query().unwrap_or_default() };
    let form: HashMap<String, String> = url::form_urlencoded::parse(text.as_bytes()).into_owned().collect();
    kept.asked.push((format!("{} {path}", request.method()), form.clone()));
    if let Some(status) = kept.fails {
        return json_answer(status, &json!({ "error": { "type": "api_error", "message": "down" } }));
    }
    if request.header("authorization") != Some("Bearer sk_fake") {
        return json_answer(401, &json!({ "error": { "type": "invalid_request_error", "message": "key" } }));
    }
    let key = request.header("idempotency-key").map(str::to_owned);
    if let Some(known) = key.as_ref().and_then(|key| kept.answers.get(key)) {
        return json_answer(200, known);
    }
    let field = |name: &str| form.get(name).cloned().unwrap_or_default();
    let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
    let found = match (request.method().as_str(), &parts[..]) {
        ("POST", ["customers"]) => {
            let id = format!("cus_{}", kept.customers.len() + 1);
            let object =
                json!({ "id": id, "object": "customer", "metadata": { "user_id": field("metadata[user_id]") } });
            kept.customers.insert(id, object.clone());
            Some(object)
        }
        ("POST", ["checkout", "sessions"]) => {
            Some(json!({ "id": "cs_1", "object": "checkout.session", "url": "https://checkout.stripe.example/cs_1" }))
        }
        ("POST", ["billing_portal", "sessions"]) => {
            Some(json!({ "id": "bps_1", "url": "https://billing.stripe.example/bps_1" }))
        }
        ("GET", ["prices"]) => Some(json!({ "data": [
            { "id": "price_monthly", "lookup_key": "monthly", "currency": "eur", "unit_amount": 499, "active": true, "recurring": { "interval": "month" } },
            { "id": "price_annual", "lookup_key": "annual", "currency": "eur", "unit_amount": 4990, "active": true, "recurring": { "interval": "year" } },
        ] })),
        ("GET", ["charges", id]) => kept.charges.get(*id).map(|customer| json!({ "id": id, "customer": customer })),
        ("GET", ["subscriptions"]) => {
            let of: Vec<&Value> =
                kept.subscriptions.values().filter(|it| it["customer"] == field("customer")).collect();
            Some(json!({ "data": of }))
        }
        ("GET", ["subscriptions", id]) => kept.subscriptions.get(*id).cloned(),
        ("POST", ["subscriptions", id]) => kept.subscriptions.get_mut(*id).map(|object| {
            if let Some(ending) = form.get("cancel_at_period_end") {
                object["cancel_at_period_end"] = (ending == "true").into();
            }
            if let Some(price) = form.get("items[0][price]") {
                object["items"]["data"][0]["price"] =
                    json!({ "id": price, "lookup_key": price.trim_start_matches("price_") });
            }
            object.clone()
        }),
        ("DELETE", ["subscriptions", id]) => kept.subscriptions.get_mut(*id).map(|object| {
            object["status"] = "canceled".into();
            object.clone()
        }),
        _ => None,
    };
    let Some(found) = found else {
        return json_answer(
            404,
            &json!({ "error": { "type": "invalid_request_error", "code": "resource_missing", "message": "missing" } }),
        );
    };
    if let Some(key) = key {
        kept.answers.insert(key, found.clone());
    }
    json_answer(200, &found)
}

/// Stripe's clock, in seconds from 1970.
#[expect(clippy::disallowed_methods, reason = "Stripe knows nothing of rules.clock()")]
pub fn now() -> i64 {
    chrono::Utc::now().timestamp()
}
