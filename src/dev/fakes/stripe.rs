//! A fake of Stripe: customers, subscriptions, prices, and the pages on which one pays and manages. It keeps what it was asked,
//! and fails or stalls on demand. Told where, it sends its events there, signed; else tests make and bring them.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aws_lc_rs::hmac;
use futures_util::future::BoxFuture;
use poem::http::{Method, StatusCode, header};
use poem::{Request, Response};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio_util::sync::{CancellationToken, DropGuard};
use url::Url;

use super::{json_answer, serve, wall_clock};

mod pages;

/// What signs its webhooks.
pub const SECRET: &str = "whsec_fake";
/// The only secret key that it takes.
pub const SECRET_KEY: &str = "sk_fake";

const DAY: i64 = 86_400;
/// What of an object is its id only, unless it is asked for.
const EXPANDABLE: [&str; 2] = ["latest_invoice", "default_payment_method"];
/// How often an event that is not taken is sent, and how long after the last time.
const TRIES: u32 = 10;
const PAUSE: Duration = Duration::from_secs(1);

/// What time it is for it, in seconds from 1970.
pub type Clock = Arc<dyn Fn() -> BoxFuture<'static, i64> + Send + Sync>;

/// What it knows.
#[derive(Default, Serialize, Deserialize)]
struct Kept {
    customers: BTreeMap<String, Value>,
    subscriptions: BTreeMap<String, Value>,
    charges: HashMap<String, String>,
    /// Of a checkout or a portal: whose it is, and what it is about.
    pages: BTreeMap<String, Value>,
    /// What was asked with an Idempotency-Key, and the answer.
    answers: HashMap<String, (String, Value)>,
    invoices: u32,
    events: u32,
    #[serde(skip)]
    unsent: Vec<Value>,
    #[serde(skip)]
    asked: Vec<(String, HashMap<String, String>)>,
    #[serde(skip)]
    fails: Option<u16>,
    #[serde(skip)]
    stalls: bool,
    #[serde(skip)]
    live: Option<(Url, Clock)>,
}

struct State {
    kept: Mutex<Kept>,
    file: Option<PathBuf>,
    http: reqwest::Client,
}

/// The running fake; it stops when it is dropped.
pub struct FakeStripe {
    /// `PRUUF_STRIPE_URL`
    pub url: Url,
    state: Arc<State>,
    _stop: DropGuard,
}

impl FakeStripe {
    /// Starts it on a free port of 127.0.0.1. With a `file` it still knows at its next start what it knew.
    ///
    /// # Errors
    /// When there is no port, or the file cannot be read.
    pub async fn start(file: Option<PathBuf>) -> io::Result<Self> {
        let kept = match file.as_ref().filter(|file| file.exists()) {
            Some(file) => serde_json::from_slice(&std::fs::read(file)?)?,
            None => Kept::default(),
        };
        let state = Arc::new(State { kept: Mutex::new(kept), file, http: reqwest::Client::new() });
        let stop = CancellationToken::new();
        let shared = Arc::clone(&state);
        let endpoint = poem::endpoint::make(move |request: Request| {
            let state = Arc::clone(&shared);
            async move { answer(&state, request).await }
        });
        let url = serve(endpoint, stop.clone()).await?;
        Ok(Self { url, state, _stop: stop.drop_guard() })
    }

    /// From now on its events are sent there, and its time is this one.
    pub fn go_live(&self, webhook: Url, clock: Clock) {
        self.state.kept().live = Some((webhook, clock));
    }

    /// Answers every request with this status; with its answers again for `None`.
    pub fn fail(&self, status: Option<u16>) {
        self.state.kept().fails = status;
    }

    /// Takes requests and answers none, or answers again.
    pub fn stall(&self, stalls: bool) {
        self.state.kept().stalls = stalls;
    }

    /// How often this was asked: method and path.
    pub fn asked(&self, call: &str) -> usize {
        self.state.kept().asked.iter().filter(|(asked, _)| asked == call).count()
    }

    /// The form of the last such request; empty when there was none.
    pub fn last(&self, call: &str) -> HashMap<String, String> {
        let kept = self.state.kept();
        kept.asked.iter().rev().find(|(asked, _)| asked == call).map(|(_, form)| form.clone()).unwrap_or_default()
    }

    /// As if a customer had paid on the page of the checkout.
    pub fn subscribe(&self, customer: &str, plan: &str) -> String {
        self.state.kept().subscribe(customer, plan, None, wall_clock().timestamp())
    }

    /// Changes a subscription, as Stripe does by itself.
    pub fn change(&self, id: &str, changes: Value) {
        let mut kept = self.state.kept();
        if let (Some(object), Value::Object(changes)) = (kept.subscriptions.get_mut(id), changes) {
            for (name, value) in changes {
                object[name] = value;
            }
        }
    }

    /// Whose charge something is.
    pub fn charge(&self, id: &str, customer: &str) {
        self.state.kept().charges.insert(id.to_owned(), customer.to_owned());
    }

    /// An event about an object, with an id of its own.
    pub fn event(&self, kind: &str, object: &Value) -> Value {
        self.state.kept().event(kind, object, wall_clock().timestamp())
    }

    /// An event about a subscription as it is now.
    pub fn subscription_event(&self, kind: &str, id: &str) -> Value {
        let object = self.state.kept().subscriptions.get(id).cloned().unwrap_or_default();
        self.event(kind, &shown(&object, &[]))
    }
}

/// The header with which Stripe signs a body at a time.
#[must_use]
pub fn signature(body: &str, secret: &str, at: i64) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let tag = hmac::sign(&key, format!("{at}.{body}").as_bytes());
    let hex: String = tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("t={at},v1={hex}")
}

impl State {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn now(&self) -> i64 {
        let clock = self.kept().live.as_ref().map(|(_, clock)| Arc::clone(clock));
        match clock {
            Some(clock) => clock().await,
            None => wall_clock().timestamp(),
        }
    }

    /// Keeps what there is now, and sends what has happened.
    fn finish(&self, kept: &mut Kept) {
        if let Some(file) = &self.file {
            let written =
                serde_json::to_vec(kept).map_err(io::Error::other).and_then(|text| std::fs::write(file, text));
            if let Err(error) = written {
                tracing::error!(error = %error, "the fake Stripe cannot keep what it knows");
            }
        }
        let events = std::mem::take(&mut kept.unsent);
        if let Some((webhook, _)) = &kept.live {
            tokio::spawn(send(self.http.clone(), webhook.clone(), events));
        }
    }
}

/// Sends events in their order, each until it is taken.
async fn send(http: reqwest::Client, webhook: Url, events: Vec<Value>) {
    for event in events {
        let body = event.to_string();
        for _ in 0..TRIES {
            let signed = signature(&body, SECRET, wall_clock().timestamp());
            let request = http.post(webhook.clone()).header("stripe-signature", signed).body(body.clone());
            if request.send().await.is_ok_and(|answer| answer.status().is_success()) {
                break;
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
}

impl Kept {
    fn subscribe(&mut self, customer: &str, plan: &str, trial_ends_at: Option<i64>, now: i64) -> String {
        let id = format!("sub_{}", self.subscriptions.len() + 1);
        let ends_at = trial_ends_at.unwrap_or(now + if plan == "annual" { 365 } else { 30 } * DAY);
        let status = if trial_ends_at.is_some() { "trialing" } else { "active" };
        let object = json!({
            "id": id, "object": "subscription", "customer": customer, "status": status, "created": now, "cancel_at_period_end": false, "cancel_at": null,
            "items": { "data": [{ "id": format!("si_{id}"), "current_period_end": ends_at, "price": { "id": format!("price_{plan}"), "lookup_key": plan } }] },
            "latest_invoice": self.invoice(&id, customer, "paid", now),
            "trial_end": trial_ends_at,
            "default_payment_method": { "id": "pm_1", "card": { "exp_month": 12, "exp_year": 2030 } },
        });
        self.subscriptions.insert(id.clone(), object);
        id
    }

    /// An invoice, and the charge that pays it.
    fn invoice(&mut self, subscription: &str, customer: &str, status: &str, now: i64) -> Value {
        self.invoices += 1;
        self.charges.insert(format!("ch_of_in_{}", self.invoices), customer.to_owned());
        json!({
            "id": format!("in_{}", self.invoices), "object": "invoice", "customer": customer, "status": status, "created": now,
            "hosted_invoice_url": format!("https://invoice.stripe.example/in_{}", self.invoices),
            "status_transitions": { "finalized_at": now }, "parent": { "subscription_details": { "subscription": subscription } },
        })
    }

    fn event(&mut self, kind: &str, object: &Value, now: i64) -> Value {
        self.events += 1;
        json!({ "id": format!("evt_{}", self.events), "object": "event", "type": kind, "created": now, "data": { "object": object } })
    }

    /// Something has happened that is to be told.
    fn tell(&mut self, kind: &str, object: &Value, now: i64) {
        let event = self.event(kind, object, now);
        self.unsent.push(event);
    }

    fn tell_of(&mut self, kind: &str, subscription: &str, now: i64) {
        let object = self.subscriptions.get(subscription).cloned().unwrap_or_default();
        self.tell(kind, &shown(&object, &[]), now);
    }

    fn page(&mut self, prefix: &str, mut about: Value) -> String {
        let id = format!("{prefix}_{}", self.pages.len() + 1);
        about["id"] = id.clone().into();
        self.pages.insert(id.clone(), about);
        id
    }
}

/// An object as Stripe shows it: what it is not asked to expand is an id.
fn shown(object: &Value, expand: &[&str]) -> Value {
    let mut object = object.clone();
    for name in EXPANDABLE {
        if !expand.contains(&name) && object[name]["id"].is_string() {
            object[name] = object[name]["id"].clone();
        }
    }
    object
}

fn prices() -> Value {
    json!([
        { "id": "price_monthly", "lookup_key": "monthly", "currency": "eur", "unit_amount": 499, "active": true, "recurring": { "interval": "month" } },
        { "id": "price_annual", "lookup_key": "annual", "currency": "eur", "unit_amount": 4990, "active": true, "recurring": { "interval": "year" } },
    ])
}

fn refused(status: u16, kind: &str, message: &str) -> Response {
    let code = if status == 404 { "resource_missing" } else { kind };
    json_answer(status, None, &json!({ "error": { "type": kind, "code": code, "message": message } }))
}

type Form = HashMap<String, String>;

fn form(text: &str) -> Form {
    url::form_urlencoded::parse(text.as_bytes()).into_owned().collect()
}

async fn answer(state: &State, mut request: Request) -> poem::Result<Response> {
    let body = request.take_body().into_string().await.unwrap_or_default();
    let stalls = state.kept().stalls;
    if stalls {
        std::future::pending::<()>().await;
    }
    let now = state.now().await;
    let mut kept = state.kept();
    let path = request.uri().path();
    let answer = match path.strip_prefix("/v1") {
        Some(path) => api(&mut kept, &request, path, &body, now),
        None => pages::answer(&mut kept, request.method(), path, now),
    };
    state.finish(&mut kept);
    Ok(answer)
}

fn api(kept: &mut Kept, request: &Request, path: &str, body: &str, now: i64) -> Response {
    let is_post = request.method() == Method::POST;
    let text = if is_post { body } else { request.uri().query().unwrap_or_default() };
    let fields = form(text);
    kept.asked.push((format!("{} {path}", request.method()), fields.clone()));
    if let Some(status) = kept.fails {
        return refused(status, "api_error", "down");
    }
    if request.header("authorization") != Some(&format!("Bearer {SECRET_KEY}")) {
        return refused(401, "invalid_request_error", "key");
    }
    let key = request.header("idempotency-key").map(str::to_owned);
    let asked = format!("{} {path} {text}", request.method());
    if let Some((before, known)) = key.as_ref().and_then(|key| kept.answers.get(key)) {
        return if *before == asked {
            json_answer(200, None, known)
        } else {
            refused(400, "idempotency_error", "this key was used for something else")
        };
    }
    if fields.contains_key("cancel_at") && fields.contains_key("cancel_at_period_end") {
        return refused(400, "invalid_request_error", "cancel_at and cancel_at_period_end");
    }
    let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
    let Some(found) = carry_out(kept, request, &parts, &fields, now) else {
        return refused(404, "invalid_request_error", "missing");
    };
    if let Some(key) = key {
        kept.answers.insert(key, (asked, found.clone()));
    }
    json_answer(200, None, &found)
}

fn carry_out(kept: &mut Kept, request: &Request, parts: &[&str], fields: &Form, now: i64) -> Option<Value> {
    let field = |name: &str| fields.get(name).cloned().unwrap_or_default();
    let page_url = |kind: &str, id: &str| format!("http://{}/{kind}/{id}", request.header("host").unwrap_or_default());
    let expand: Vec<&str> = fields
        .iter()
        .filter(|(name, _)| name.starts_with("expand["))
        .map(|(_, value)| value.strip_prefix("data.").unwrap_or(value))
        .collect();
    match (request.method().as_str(), parts) {
        ("POST", ["customers"]) => {
            let id = format!("cus_{}", kept.customers.len() + 1);
            let object =
                json!({ "id": id, "object": "customer", "metadata": { "user_id": field("metadata[user_id]") } });
            kept.customers.insert(id, object.clone());
            Some(object)
        }
        ("POST", ["checkout", "sessions"]) => {
            let plan = field("line_items[0][price]").trim_start_matches("price_").to_owned();
            let about = json!({
                "object": "checkout.session", "status": "open", "customer": field("customer"), "plan": plan, "back": field("success_url"),
                "trial_ends_at": field("subscription_data[trial_end]").parse::<i64>().ok(), "metadata": { "key": field("metadata[key]") },
            });
            let id = kept.page("cs", about);
            Some(json!({ "id": id, "object": "checkout.session", "url": page_url("checkout", &id) }))
        }
        ("GET", ["checkout", "sessions"]) => {
            let is_it = |about: &&Value| about["customer"] == field("customer") && about["status"] == field("status");
            Some(json!({ "data": kept.pages.values().filter(is_it).collect::<Vec<_>>() }))
        }
        ("POST", ["checkout", "sessions", id, "expire"]) => {
            let page = kept.pages.get_mut(*id).filter(|about| about["status"] == "open")?;
            page["status"] = "expired".into();
            Some(page.clone())
        }
        ("GET", ["invoice_payments"]) => {
            let intent = format!("pi_of_{}", field("invoice"));
            let is_paid = kept.subscriptions.values().any(|object| {
                // The first invoice of a trial is over 0.
                object["latest_invoice"]["id"] == field("invoice")
                    && object["latest_invoice"]["status"] == "paid"
                    && object["trial_end"].is_null()
            });
            let payments = is_paid.then(
                || json!({ "status": "paid", "payment": { "type": "payment_intent", "payment_intent": intent } }),
            );
            Some(json!({ "data": payments.into_iter().collect::<Vec<_>>() }))
        }
        ("POST", ["refunds"]) => {
            Some(json!({ "id": "re_1", "object": "refund", "payment_intent": field("payment_intent") }))
        }
        ("POST", ["billing_portal", "sessions"]) => {
            let id = kept.page("bps", json!({ "customer": field("customer"), "back": field("return_url") }));
            Some(json!({ "id": id, "object": "billing_portal.session", "url": page_url("portal", &id) }))
        }
        ("GET", ["prices"]) => Some(json!({ "data": prices() })),
        ("GET", ["charges", id]) => kept.charges.get(*id).map(|customer| json!({ "id": id, "customer": customer })),
        ("GET", ["subscriptions"]) => {
            let is_of = |object: &&Value| object["customer"] == field("customer");
            let of: Vec<Value> =
                kept.subscriptions.values().filter(is_of).map(|object| shown(object, &expand)).collect();
            Some(json!({ "data": of }))
        }
        ("GET", ["subscriptions", id]) => kept.subscriptions.get(*id).map(|object| shown(object, &expand)),
        ("POST" | "DELETE", ["subscriptions", id]) => {
            let is_post = request.method() == Method::POST;
            let object = kept.subscriptions.get_mut(*id).filter(|object| object["status"] != "canceled")?;
            if is_post {
                update(object, fields);
            } else {
                object["status"] = "canceled".into();
            }
            let answer = shown(object, &expand);
            kept.tell_of(&format!("customer.subscription.{}", if is_post { "updated" } else { "deleted" }), id, now);
            Some(answer)
        }
        _ => None,
    }
}

fn update(subscription: &mut Value, fields: &Form) {
    if let Some(ending) = fields.get("cancel_at_period_end") {
        subscription["cancel_at_period_end"] = (ending == "true").into();
    }
    if let Some(at) = fields.get("cancel_at") {
        subscription["cancel_at"] = at.parse::<i64>().ok().into();
    }
    if let Some(price) = fields.get("items[0][price]") {
        subscription["items"]["data"][0]["price"] =
            json!({ "id": price, "lookup_key": price.trim_start_matches("price_") });
    }
}

/// Sends a browser on to another page.
fn go_to(url: &str) -> Response {
    Response::builder().status(StatusCode::SEE_OTHER).header(header::LOCATION, url).finish()
}
