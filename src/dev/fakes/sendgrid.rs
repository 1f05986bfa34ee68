//! A fake of SendGrid's `/v3/mail/send`.

use std::io;
use std::sync::Arc;

use poem::http::{Method, StatusCode};
use poem::{Request, Response};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use url::Url;

use super::{Channel, Parts, Provider, State, Verdict, close_connection, json_answer, serve};

pub(super) async fn start(state: Arc<State>, stop: CancellationToken) -> io::Result<Url> {
    let endpoint = poem::endpoint::make(move |request: Request| {
        let state = state.clone();
        async move { answer(&state, request).await }
    });
    serve(endpoint, stop).await
}

async fn answer(state: &State, mut request: Request) -> poem::Result<Response> {
    let body = request.take_body().into_bytes().await?;
    if request.uri().path() == "/v3/scopes"
        && request.header("authorization").is_some_and(|value| value.starts_with("Bearer "))
    {
        return Ok(match state.knock(Provider::SendGrid, Channel::Email).await {
            Verdict::Accept => json_answer(200, None, &json!({ "scopes": ["mail.send", "user.scheduled_sends.read"] })),
            Verdict::Refuse { status, code, retry_after } => refused(status, &code, retry_after),
            Verdict::Hang => std::future::pending().await,
            Verdict::Close => close_connection(),
        });
    }
    if request.uri().path() != "/v3/mail/send" || request.method() != Method::POST {
        return Ok(refused(404, "", None));
    }
    if !request.header("authorization").is_some_and(|value| value.starts_with("Bearer ")) {
        return Ok(refused(401, "", None));
    }
    let Ok(mail) = serde_json::from_slice::<Value>(&body) else { return Ok(refused(400, "", None)) };
    let person = &mail["personalizations"][0];
    let to = person["to"][0]["email"].as_str().unwrap_or_default().to_owned();
    if !to.contains('@') {
        return Ok(refused(400, "personalizations.0.to.0.email", None));
    }
    if !mail["from"]["email"].is_string() {
        return Ok(refused(400, "from.email", None));
    }
    if person["custom_args"].as_object().is_some_and(|arguments| !arguments.values().all(Value::is_string)) {
        return Ok(refused(400, "personalizations.0.custom_args", None));
    }
    // Plain text has to be the first.
    let content = |place: usize, kind: &str| {
        let part = &mail["content"][place];
        (part["type"] == kind).then(|| part["value"].as_str().unwrap_or_default().to_owned())
    };
    let Some(text) = content(0, "text/plain") else { return Ok(refused(400, "content.0.type", None)) };
    let id = format!("fake-{}", state.next_id());
    let parts = Parts {
        channel: Channel::Email,
        provider: Provider::SendGrid,
        title: mail["subject"].as_str().map(str::to_owned),
        text,
        raw: if state.keeps { json!({ "id": id, "html": content(1, "text/html"), "mail": mail }) } else { Value::Null },
        to,
    };
    let behaviour = state.behaviour_if(Provider::SendGrid, Channel::Email, Some(&parts.to), |_| true);
    Ok(match state.judge(&parts, behaviour).await {
        Verdict::Accept => Response::builder().status(StatusCode::ACCEPTED).header("x-message-id", id).finish(),
        Verdict::Refuse { status, code, retry_after } => refused(status, &code, retry_after),
        Verdict::Hang => std::future::pending().await,
        Verdict::Close => close_connection(),
    })
}

fn refused(status: u16, field: &str, retry_after: Option<String>) -> Response {
    // The real one repeats the address in its text.
    let error = json!({ "message": "The fake refuses anna@example.org.", "field": field, "help": null });
    json_answer(status, retry_after, &json!({ "errors": [error] }))
}
