//! Around every request: its id, its log line, the security headers, and problems instead of plain errors.

use std::sync::Arc;
use std::time::Instant;

use poem::http::{HeaderName, HeaderValue, header};
use poem::{Endpoint, IntoResponse, Request, Response};
use uuid::Uuid;

use crate::problem::{Code, Problem};

/// The id of a request: the client's `X-Request-Id`, or one of ours.
#[derive(Debug, Clone)]
pub struct RequestId(pub String);

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const LONGEST_REQUEST_ID: usize = 64;

const EVENTS: &str = "/v1/events";

/// Headers of every answer (OWASP Secure Headers Project; the API itself loads nothing).
const SECURITY_HEADERS: [(HeaderName, &str); 4] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::STRICT_TRANSPORT_SECURITY, "max-age=63072000; includeSubDomains"),
];

/// Bodies larger than this are refused.
const LARGEST_BODY: usize = 256 * 1024;

/// Refuses a body that is too large before anything reads it, however it is sent.
///
/// # Errors
/// `body-too-large`, and what the endpoint refuses.
pub async fn limit_body<E: Endpoint>(endpoint: Arc<E>, mut request: Request) -> poem::Result<E::Output> {
    let body =
        request.take_body().into_bytes_limit(LARGEST_BODY).await.map_err(|_| Problem::new(Code::BodyTooLarge))?;
    request.set_body(body);
    endpoint.call(request).await
}

/// Gives the request its id, calls the endpoint, and logs what came of it: no path parameters, no query.
///
/// # Errors
/// Never: errors have become answers.
pub async fn trace<E: Endpoint>(endpoint: Arc<E>, mut request: Request) -> poem::Result<Response> {
    let started = Instant::now();
    let id = request
        .header(REQUEST_ID)
        .filter(|id| !id.is_empty() && id.len() <= LONGEST_REQUEST_ID)
        .filter(|id| id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte)))
        .map_or_else(|| Uuid::new_v4().to_string(), str::to_owned);
    request.extensions_mut().insert(RequestId(id.clone()));
    let method = request.method().clone();
    if request.uri().path() == EVENTS {
        // A compressor would hold events back until it has enough of them.
        request.headers_mut().remove(header::ACCEPT_ENCODING);
    }
    let mut response = match endpoint.call(request).await {
        Ok(response) => response.into_response(),
        Err(error) => error.into_response(),
    };
    let operation = response.data::<poem_openapi::OperationId>().map(|operation| operation.0);
    tracing::info!(
        request.id = id,
        http.method = %method,
        http.operation = operation,
        http.status = response.status().as_u16(),
        duration_us = started.elapsed().as_micros() as u64,
        "request"
    );
    if let Ok(id) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    for (name, value) in SECURITY_HEADERS {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    Ok(response)
}
