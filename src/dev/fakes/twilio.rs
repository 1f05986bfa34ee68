//! A fake of Twilio's `Messages.json`, sending, listing and asking for one, and of `Calls.json`.

use std::io;
use std::sync::Arc;

use poem::http::Method;
use poem::{Request, Response};
use serde_json::{Map, Value, json};
use tokio_util::sync::CancellationToken;
use url::Url;

use super::{
    Behaviour, Channel, Parts, Provider, State, Verdict, callbacks, close_connection, json_answer, serve, wall_clock,
};

pub(super) async fn start(state: Arc<State>, stop: CancellationToken) -> io::Result<Url> {
    let endpoint = poem::endpoint::make(move |request: Request| {
        let state = state.clone();
        async move { answer(&state, request).await }
    });
    serve(endpoint, stop).await
}

async fn answer(state: &State, mut request: Request) -> poem::Result<Response> {
    let body = request.take_body().into_bytes().await?;
    let path = request.uri().path().to_owned();
    let account = path.strip_prefix("/2010-04-01/Accounts/").and_then(|rest| rest.strip_suffix(".json"));
    if account.is_some_and(|account| !account.contains('/')) && request.header("authorization").is_some() {
        return Ok(match state.knock(Provider::Twilio, Channel::Sms).await {
            Verdict::Accept => json_answer(200, None, &json!({ "sid": account, "status": "active", "type": "Full" })),
            Verdict::Refuse { status, code, retry_after } => refused(status, &code, retry_after),
            Verdict::Hang => std::future::pending().await,
            Verdict::Close => close_connection(),
        });
    }
    let resource =
        path.strip_prefix("/2010-04-01/Accounts/").and_then(|rest| rest.split_once('/')).map(|(_, rest)| rest);
    let sid = resource
        .and_then(|rest| rest.strip_prefix("Messages/").or_else(|| rest.strip_prefix("Calls/")))
        .and_then(|rest| rest.strip_suffix(".json"));
    let is_call = resource == Some("Calls.json");
    if !is_call && resource != Some("Messages.json") && sid.is_none() {
        return Ok(refused(404, "20404", None));
    }
    if !request.header("authorization").is_some_and(|value| value.starts_with("Basic ")) {
        return Ok(refused(401, "20003", None));
    }
    if let Some(sid) = sid {
        return Ok(one(state, sid));
    }
    Ok(match *request.method() {
        Method::POST if is_call => call(state, &body).await,
        Method::POST => message(state, &body).await,
        Method::GET => list(state, request.uri().query().unwrap_or_default(), is_call),
        _ => refused(405, "20004", None),
    })
}

async fn message(state: &State, body: &[u8]) -> Response {
    let form: Map<String, Value> =
        url::form_urlencoded::parse(body).map(|(name, value)| (name.into_owned(), json!(value))).collect();
    let field = |name: &str| form.get(name).and_then(Value::as_str).unwrap_or_default();
    let (to, text) = (field("To").to_owned(), field("Body").to_owned());
    if !to.starts_with('+') {
        return refused(400, "21211", None);
    }
    if text.is_empty() || text.chars().count() > 1600 {
        return refused(400, if text.is_empty() { "21602" } else { "21617" }, None);
    }
    if field("From").is_empty() && field("MessagingServiceSid").is_empty() {
        return refused(400, "21603", None);
    }
    let valid_for = field("ValidityPeriod");
    if !valid_for.is_empty() && !valid_for.parse().is_ok_and(|seconds| (1..=36_000).contains(&seconds)) {
        return refused(400, "21623", None);
    }
    let sid = format!("SM{:032x}", state.next_id());
    let created = wall_clock().format("%a, %d %b %Y %H:%M:%S +0000").to_string();
    let raw = json!({
        "sid": sid, "to": to, "from": field("From"), "body": text, "status": "queued", "error_code": null,
        "date_created": created, "direction": "outbound-api", "form": form,
    });
    let parts = Parts {
        channel: Channel::Sms,
        provider: Provider::Twilio,
        to,
        title: None,
        text,
        raw: if state.keeps { raw.clone() } else { Value::Null },
    };
    let behaviour = state.behaviour_if(Provider::Twilio, Channel::Sms, Some(&parts.to), |_| true);
    let callback = field("StatusCallback").to_owned();
    let is_told = behaviour != Behaviour::AcceptAndDrop && !callback.is_empty();
    match state.judge(&parts, behaviour).await {
        Verdict::Accept => {
            if let Some(habit) = state.habit().clone().filter(|_| is_told) {
                callbacks::tell(habit, &callback, sid);
            }
            json_answer(201, None, &raw)
        }
        Verdict::Refuse { status, code, retry_after } => refused(status, &code, retry_after),
        Verdict::Hang => std::future::pending().await,
        Verdict::Close => close_connection(),
    }
}

async fn call(state: &State, body: &[u8]) -> Response {
    let form: Map<String, Value> =
        url::form_urlencoded::parse(body).map(|(name, value)| (name.into_owned(), json!(value))).collect();
    let field = |name: &str| form.get(name).and_then(Value::as_str).unwrap_or_default();
    let (to, twiml) = (field("To").to_owned(), field("Twiml").to_owned());
    if !to.starts_with('+') {
        return refused(400, "21211", None);
    }
    if !field("From").starts_with('+') {
        return refused(400, "21212", None);
    }
    if !twiml.contains("<Response>") || twiml.chars().count() > 4000 {
        return refused(400, "21218", None);
    }
    let raw = json!({
        "sid": format!("CA{:032x}", state.next_id()), "to": to, "from": field("From"), "status": "queued",
        "date_created": wall_clock().format("%a, %d %b %Y %H:%M:%S +0000").to_string(), "direction": "outbound-api", "form": form,
    });
    let parts = Parts {
        channel: Channel::Voice,
        provider: Provider::Twilio,
        to,
        title: None,
        text: twiml,
        raw: if state.keeps { raw.clone() } else { Value::Null },
    };
    let behaviour = state.behaviour_if(Provider::Twilio, Channel::Voice, Some(&parts.to), |_| true);
    match state.judge(&parts, behaviour).await {
        Verdict::Accept => json_answer(201, None, &raw),
        Verdict::Refuse { status, code, retry_after } => refused(status, &code, retry_after),
        Verdict::Hang => std::future::pending().await,
        Verdict::Close => close_connection(),
    }
}

/// What became of one message or call: what a test says, else that it arrived, or that the carrier lost it. Who answered a
/// call Twilio does not know: voicemail does, too.
fn one(state: &State, sid: &str) -> Response {
    if let Some((status, error)) = state.fates().get(sid) {
        return json_answer(200, None, &json!({ "sid": sid, "status": status, "error_code": error }));
    }
    let log = state.log();
    match log.iter().rev().find(|received| received.raw["sid"] == sid) {
        Some(received) if received.channel == Channel::Voice => {
            let status = if received.has_arrived() { "completed" } else { "no-answer" };
            json_answer(200, None, &json!({ "sid": sid, "status": status }))
        }
        Some(received) if received.has_arrived() => {
            json_answer(200, None, &json!({ "sid": sid, "status": "delivered", "error_code": null }))
        }
        Some(_) => json_answer(200, None, &json!({ "sid": sid, "status": "undelivered", "error_code": 30008 })),
        None => refused(404, "20404", None),
    }
}

/// Newest first, as Twilio does.
fn list(state: &State, query: &str, is_call: bool) -> Response {
    let field =
        |name: &str| url::form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == name).map(|(_, value)| value);
    let to = field("To");
    let size = field("PageSize").and_then(|size| size.parse().ok()).unwrap_or(50);
    let log = state.log();
    let (channel, name) = if is_call { (Channel::Voice, "calls") } else { (Channel::Sms, "messages") };
    let items: Vec<Value> = log
        .iter()
        .rev()
        .filter(|received| received.channel == channel && received.has_arrived())
        .filter(|received| to.as_ref().is_none_or(|to| *to == received.to))
        .take(size)
        .map(|received| {
            let mut item = received.raw.clone();
            if is_call {
                // Twilio does not tell what was said.
                item["form"] = Value::Null;
            }
            item
        })
        .collect();
    json_answer(200, None, &json!({ name: items, "page": 0, "page_size": size }))
}

fn refused(status: u16, code: &str, retry_after: Option<String>) -> Response {
    let number = code.parse::<u32>().ok();
    json_answer(
        status,
        retry_after,
        &json!({
            // The real one repeats the address in its text.
            "code": number, "message": "The fake refuses +64211234567.", "status": status,
            "more_info": "https://www.twilio.com/docs/errors",
        }),
    )
}
