//! A fake of Postmark's `/email`.

use std::io;
use std::sync::Arc;

use poem::http::Method;
use poem::{Request, Response};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use url::Url;

use super::{Channel, Parts, Provider, State, Verdict, close_connection, json_answer, serve, wall_clock};

pub(super) async fn start(state: Arc<State>, stop: CancellationToken) -> io::Result<Url> {
    let endpoint = poem::endpoint::make(move |request: Request| {
        let state = state.clone();
        async move { answer(&state, request).await }
    });
    serve(endpoint, stop).await
}

async fn answer(state: &State, mut request: Request) -> poem::Result<Response> {
    let body = request.take_body().into_bytes().await?;
    if request.method() == Method::GET {
        return Ok(match state.knock(Provider::Postmark, Channel::Email).await {
            Verdict::Accept => asked(state, &request),
            Verdict::Refuse { status, code, retry_after } => refused(status, &code, retry_after),
            Verdict::Hang => std::future::pending().await,
            Verdict::Close => close_connection(),
        });
    }
    if request.uri().path() != "/email" || request.method() != Method::POST {
        return Ok(json_answer(404, None, &Value::Null));
    }
    if request.header("x-postmark-server-token").is_none_or(str::is_empty) {
        return Ok(refused(401, "10", None));
    }
    // Without these it answers with a page.
    if request.header("accept") != Some("application/json") || request.content_type() != Some("application/json") {
        return Ok(json_answer(415, None, &Value::Null));
    }
    let Ok(mail) = serde_json::from_slice::<Value>(&body) else { return Ok(refused(422, "402", None)) };
    let field = |name: &str| mail[name].as_str().unwrap_or_default().to_owned();
    let to = field("To");
    if !to.contains('@') || field("From").is_empty() || field("Subject").contains(['\r', '\n']) {
        return Ok(refused(422, "300", None));
    }
    if field("TextBody").is_empty() && field("HtmlBody").is_empty()
        || mail["Metadata"].as_object().is_some_and(|metadata| !metadata.values().all(Value::is_string))
    {
        return Ok(refused(422, "300", None));
    }
    let id = format!("00000000-0000-4000-8000-{:012x}", state.next_id());
    let parts = Parts {
        channel: Channel::Email,
        provider: Provider::Postmark,
        title: Some(field("Subject")),
        text: field("TextBody"),
        raw: if state.keeps { json!({ "id": id, "html": mail["HtmlBody"], "mail": mail }) } else { Value::Null },
        to,
    };
    let behaviour = state.behaviour_if(Provider::Postmark, Channel::Email, Some(&parts.to), |_| true);
    Ok(match state.judge(&parts, behaviour).await {
        Verdict::Accept => json_answer(
            200,
            None,
            &json!({ "To": parts.to, "SubmittedAt": wall_clock(), "MessageID": id, "ErrorCode": 0, "Message": "OK" }),
        ),
        Verdict::Refuse { status, code, retry_after } => refused(status, &code, retry_after),
        Verdict::Hang => std::future::pending().await,
        Verdict::Close => close_connection(),
    })
}

/// What became of a message: what a test says (a type of bounce, or `Queued`, `Transient`, `Delivered`), else that it arrived.
fn asked(state: &State, request: &Request) -> Response {
    if request.header("x-postmark-server-token").is_none_or(str::is_empty) {
        return refused(401, "10", None);
    }
    let path: Vec<&str> = request.uri().path().trim_matches('/').split('/').collect();
    let fate = |id: &str| state.fates().get(id).map_or_else(|| "Delivered".to_owned(), |(status, _)| status.clone());
    match path[..] {
        ["server"] => {
            json_answer(200, None, &json!({ "ID": 1, "Name": "A fake", "ApiTokens": ["secret-of-the-fake"] }))
        }
        ["messages", "outbound", id, "details"] if state.log().iter().any(|received| received.raw["id"] == id) => {
            let event = |kind: &str, details: Value| json!([{ "Recipient": "anna@example.org", "Type": kind, "ReceivedAt": wall_clock(), "Details": details }]);
            let fate = fate(id);
            let events = match fate.as_str() {
                "Queued" => json!([]),
                "Delivered" | "Transient" => event(&fate, json!({ "DeliveryMessage": "smtp;250 to anna@example.org" })),
                // The number of its bounce: the end of its own.
                _ => event("Bounced", json!({ "Summary": "anna@example.org", "BounceID": bounce_id(id) })),
            };
            let status = if fate == "Queued" { "Queued" } else { "Sent" };
            let said = json!({ "MessageID": id, "Status": status, "Recipients": ["anna@example.org"], "MessageEvents": events });
            json_answer(200, None, &said)
        }
        ["messages", "outbound", ..] => refused(422, "701", None),
        ["bounces", number] => {
            let fates = state.fates();
            let Some((id, (kind, _))) = fates.iter().find(|(id, _)| bounce_id(id) == number) else {
                return refused(422, "407", None);
            };
            json_answer(
                200,
                None,
                &json!({
                    "RecordType": "Bounce", "ID": number.parse::<u64>().ok(), "Type": kind, "MessageID": id, "Email": "anna@example.org",
                    "BouncedAt": wall_clock(), "Inactive": kind == "HardBounce", "CanActivate": true,
                }),
            )
        }
        _ => json_answer(404, None, &Value::Null),
    }
}

fn bounce_id(message_id: &str) -> String {
    let end = message_id.rsplit('-').next().unwrap_or_default();
    (4_000_000 + u64::from_str_radix(end, 16).unwrap_or_default()).to_string()
}

fn refused(status: u16, code: &str, retry_after: Option<String>) -> Response {
    let number = code.parse::<u32>().ok();
    // The real one repeats the address in its text.
    json_answer(status, retry_after, &json!({ "ErrorCode": number, "Message": "The fake refuses anna@example.org." }))
}
