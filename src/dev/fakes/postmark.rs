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

fn refused(status: u16, code: &str, retry_after: Option<String>) -> Response {
    let number = code.parse::<u32>().ok();
    // The real one repeats the address in its text.
    json_answer(status, retry_after, &json!({ "ErrorCode": number, "Message": "The fake refuses anna@example.org." }))
}
