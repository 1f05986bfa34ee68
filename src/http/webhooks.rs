//! What providers call. They are known by their signatures (src/webhooks), not by a session, and get short answers: a 2xx
//! for what was kept, 401 for what is not theirs, 503 where the fault is ours, so that they come again.

use std::hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher, Hash};
use std::sync::Arc;

use poem::http::{StatusCode, header};
use poem::web::Data;
use poem::{FromRequest, IntoResponse as _, Request, RequestBody, Response, handler};
use poem_openapi::OperationId;
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::gate::Origin;
use super::turns::{Kind, Who};
use crate::app::App;
use crate::config::VOICE_PATH;
use crate::db::Caller;
use crate::problem::{Code, Problem};
use crate::webhooks::twilio::Form;
use crate::webhooks::{Receipt, postmark, sendgrid, twilio};

/// A form that Twilio has signed.
pub struct FromTwilio(pub Form);

impl<'a> FromRequest<'a> for FromTwilio {
    async fn from_request(request: &'a Request, body: &mut RequestBody) -> poem::Result<Self> {
        let app = request.data::<Arc<App>>().ok_or(Problem::new(Code::Internal))?;
        let twilio = app.webhooks.twilio.as_ref().ok_or_else(|| not_configured("twilio"))?;
        let form = Form::read(&body.take()?.into_bytes().await?);
        let path = request.original_uri().path_and_query().map_or("", |path| path.as_str());
        if !twilio.is_right(path, &form, request.header("x-twilio-signature").unwrap_or_default()) {
            return Err(not_the_provider("twilio").into());
        }
        Ok(Self(form))
    }
}

/// The fault is ours: tried again, the request may find the secret in its place.
fn not_configured(provider: &str) -> Problem {
    tracing::error!(webhook.provider = provider, "a provider calls whose secret is not configured");
    Problem::new(Code::Unavailable)
}

fn not_the_provider(provider: &str) -> Problem {
    tracing::warn!(webhook.provider = provider, "a webhook is not signed by its provider");
    Problem::new(Code::NotTheProvider)
}

/// `POST /webhooks/twilio/status?delivery=…`: what became of a message or a call.
#[handler]
pub async fn receive_twilio_status(
    app: Data<&Arc<App>>,
    request: &Request,
    form: FromTwilio,
) -> Result<Response, Problem> {
    let receipt = twilio::read(&form.0, delivery_of(request));
    keep(&app, request, "receive_twilio_status", "twilio", receipt.as_slice()).await
}

/// What somebody's answer by phone came to.
#[derive(Deserialize)]
struct Answered {
    answer: String,
    language: String,
    facts: Value,
}

/// `POST /webhooks/twilio/voice?delivery=…`: a key that was pressed on a call (R6.6). The answer is what is said then.
#[handler]
pub async fn receive_twilio_key(
    app: Data<&Arc<App>>,
    request: &Request,
    form: FromTwilio,
) -> Result<Response, Problem> {
    let delivery: Uuid = delivery_of(request).ok_or(Problem::new(Code::MalformedRequest))?;
    let key = form.0.get("Digits").unwrap_or_default();
    let call = "jobs.receive_twilio_key(delivery => $1, key => $2)";
    let _turn = app.gate.turns.take(Kind::Safety, phone(&delivery)).await?;
    let answered: Answered = app.db.write(&saving_caller(request), call, &[&delivery, &key]).await?;
    let action = format!("{}{VOICE_PATH}?delivery={delivery}", app.public_url);
    Ok(twiml(&app, "receive_twilio_key", "call_answer", answered, &action))
}

/// `POST /webhooks/twilio/messages`: a text that came to our number (R4.8, R6.6). The answer is the reply.
#[handler]
pub async fn receive_twilio_message(
    app: Data<&Arc<App>>,
    request: &Request,
    form: FromTwilio,
) -> Result<Response, Problem> {
    let field = |name: &str| form.0.get(name).unwrap_or_default();
    let sid = form.0.get("MessageSid").ok_or(Problem::new(Code::MalformedRequest))?;
    let (lookups, words) = (app.vault.lookups("phone", field("From")), field("Body"));
    let call = "jobs.receive_twilio_message(message_sid => $1, lookups => $2, words => $3)";
    let _turn = app.gate.turns.take(Kind::Safety, phone(&field("From"))).await?;
    let answered: Answered = app.db.write(&saving_caller(request), call, &[&sid, &lookups, &words]).await?;
    Ok(twiml(&app, "receive_twilio_message", "reply", answered, ""))
}

/// Which delivery our own URL named.
fn delivery_of(request: &Request) -> Option<Uuid> {
    let query = request.original_uri().query().unwrap_or_default();
    url::form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "delivery")?.1.parse().ok()
}

/// Whose signature was right.
fn caller(request: &Request) -> Caller {
    Caller::provider(request.extensions().get::<Origin>().map(|origin| origin.request_id.clone()))
}

/// The same for what somebody answers, which may be that they are well or that they help: receipts cannot hold it up (R9.9).
fn saving_caller(request: &Request) -> Caller {
    Caller { saves: true, ..caller(request) }
}

/// Whoever answers, so that one phone's many texts hold nobody else's up.
fn phone(of: &impl Hash) -> Who {
    Who::Phone(BuildHasherDefault::<DefaultHasher>::default().hash_one(of))
}

fn twiml(app: &App, operation: &'static str, name: &str, answered: Answered, action: &str) -> Response {
    let mut facts = if answered.facts.is_object() { answered.facts } else { json!({}) };
    facts["answer"] = answered.answer.into();
    facts["action"] = action.into();
    let text = app.texts.twiml(name, &answered.language, &facts);
    let mut response = Response::builder().content_type("text/xml; charset=utf-8").body(text);
    response.set_data(OperationId(operation));
    response
}

/// `POST /webhooks/postmark`: one event.
#[handler]
pub async fn receive_postmark_event(
    app: Data<&Arc<App>>,
    request: &Request,
    body: Vec<u8>,
) -> Result<Response, Problem> {
    let password = app.webhooks.postmark.as_ref().ok_or_else(|| not_configured("postmark"))?;
    if !password.is_right(request.header(header::AUTHORIZATION).unwrap_or_default()) {
        return Err(not_the_provider("postmark"));
    }
    let event: Value = serde_json::from_slice(&body).map_err(|_| Problem::new(Code::MalformedRequest))?;
    keep(&app, request, "receive_postmark_event", "postmark", postmark::read(&event).as_slice()).await
}

/// `POST /webhooks/sendgrid`: an array of events.
#[handler]
pub async fn receive_sendgrid_events(
    app: Data<&Arc<App>>,
    request: &Request,
    body: Vec<u8>,
) -> Result<Response, Problem> {
    let key = app.webhooks.sendgrid.as_ref().ok_or_else(|| not_configured("sendgrid"))?;
    let header = |name: &str| request.header(name).unwrap_or_default();
    let signature = header("x-twilio-email-event-webhook-signature");
    if !key.is_right(header("x-twilio-email-event-webhook-timestamp"), &body, signature) {
        return Err(not_the_provider("sendgrid"));
    }
    let events: Vec<Value> = serde_json::from_slice(&body).map_err(|_| Problem::new(Code::MalformedRequest))?;
    let receipts: Vec<Receipt> = events.iter().filter_map(sendgrid::read).collect();
    keep(&app, request, "receive_sendgrid_events", "sendgrid", &receipts).await
}

/// `POST /webhooks/stripe`: one event, kept before it is answered (R8.4).
#[handler]
pub async fn receive_stripe_event(app: Data<&Arc<App>>, request: &Request, body: Vec<u8>) -> Result<Response, Problem> {
    let signatures = app.webhooks.stripe.as_ref().ok_or_else(|| not_configured("stripe"))?;
    if !signatures.is_right(request.header("stripe-signature").unwrap_or_default(), &body) {
        return Err(not_the_provider("stripe"));
    }
    let event: Value = serde_json::from_slice(&body).unwrap_or_default();
    if !event["id"].is_string() || !event["type"].is_string() {
        return Err(Problem::new(Code::MalformedRequest));
    }
    let _: Value = app.db.write(&caller(request), "jobs.receive_stripe_event(event => $1)", &[&event]).await?;
    let mut response = StatusCode::NO_CONTENT.into_response();
    response.set_data(OperationId("receive_stripe_event"));
    Ok(response)
}

/// What `jobs.record_receipts` answers.
#[derive(Deserialize)]
struct Kept {
    problems: Vec<String>,
}

/// Keeps what was said. What could not be kept has to come again.
async fn keep(
    app: &App,
    request: &Request,
    operation: &'static str,
    provider: &'static str,
    receipts: &[Receipt],
) -> Result<Response, Problem> {
    let call = "jobs.record_receipts(provider => $1, receipts => $2)";
    let kept: Kept = app.db.write(&caller(request), call, &[&provider, &json!(receipts)]).await?;
    for sqlstate in &kept.problems {
        tracing::error!(webhook.provider = provider, error.sqlstate = sqlstate, "a receipt cannot be kept");
    }
    if !kept.problems.is_empty() {
        return Err(Problem::new(Code::Unavailable));
    }
    let mut response = StatusCode::NO_CONTENT.into_response();
    response.set_data(OperationId(operation));
    Ok(response)
}
