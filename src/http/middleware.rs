//! Around every request: its id, its log line, the security headers, and problems instead of plain errors.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use poem::error::ReadBodyError;
use poem::http::{HeaderName, HeaderValue, StatusCode, header};
use poem::{Body, Endpoint, IntoResponse, Request, Response};
use poem_openapi::error::{ParseParamError, ParseRequestPayloadError};
use uuid::Uuid;

use super::contract::Contract;
use super::gate::Origin;
use crate::app::App;
use crate::problem::{Code, Problem};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const LONGEST_REQUEST_ID: usize = 64;

const EVENTS: &str = "/v1/events";
const EXPORT: &str = "/v1/me/export";

/// Headers of every answer (OWASP Secure Headers Project).
const SECURITY_HEADERS: [(HeaderName, &str); 4] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("permissions-policy"), "camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
];
/// Headers of every answer that does not say otherwise: what concerns one person is kept nowhere on its way, and an
/// answer of the API loads nothing, whatever a browser takes it for.
const CAREFUL_HEADERS: [(HeaderName, &str); 2] = [
    (header::CACHE_CONTROL, "no-store"),
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    ),
];
/// Two years, for a server that is reached by HTTPS (RFC 6797).
const STRICT_TRANSPORT: HeaderValue = HeaderValue::from_static("max-age=63072000; includeSubDomains");

/// Bodies larger than this are refused.
const LARGEST_BODY: usize = 256 * 1024;
/// SendGrid sends as many events at once as fit in 768 KiB.
const LARGEST_BATCH: usize = 1024 * 1024;
const BATCHES: &str = "/webhooks/";
/// How long a body may take to arrive: 256 KiB over a bad mobile connection.
const BODY_PATIENCE: Duration = Duration::from_secs(30);

/// Stands for a body that breaks the contract.
const UNREADABLE: &str = "!";

/// Refuses a body that is too large before anything reads it, however it is sent, and one that is not what the contract
/// says; and says of what poem refuses what the contract knows: which values of the body are wrong, which methods a path
/// has.
///
/// # Errors
/// `body-too-large`, and what the endpoint refuses.
pub async fn keep_to<E: Endpoint>(
    contract: Arc<Contract>,
    endpoint: Arc<E>,
    mut request: Request,
) -> poem::Result<E::Output> {
    // Who says that it is too large is believed, before it comes.
    let largest = if request.uri().path().starts_with(BATCHES) { LARGEST_BATCH } else { LARGEST_BODY };
    let announced = request.header(header::CONTENT_LENGTH).and_then(|length| length.parse::<usize>().ok());
    if announced.is_some_and(|length| length > largest) {
        return Err(Problem::new(Code::BodyTooLarge).into());
    }
    let reading = request.take_body().into_bytes_limit(largest);
    let body = match tokio::time::timeout(BODY_PATIENCE, reading).await {
        Ok(Ok(body)) => body,
        Ok(Err(ReadBodyError::PayloadTooLarge)) => return Err(Problem::new(Code::BodyTooLarge).into()),
        Ok(Err(_)) | Err(_) => {
            return Err(Problem::new(Code::MalformedRequest).detail("The body did not come to its end.").into());
        }
    };
    // A complete request: from here on its connection is nobody else's.
    if let (Some(app), Some(origin)) = (request.data::<Arc<App>>(), request.extensions().get::<Origin>()) {
        origin.held.keep_connection(app.gate.sockets.begin(request.local_addr()));
    }
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    // What saves somebody is not refused for its form where poem makes sense of it (and is not held up by a second look).
    let saves = request.extensions().get::<Origin>().is_some_and(|origin| origin.is_safety_act);
    let is_broken = !saves && contract.is_broken(method.as_str(), &path, &body);
    // The endpoint goes first all the same, since who asks, and how often, is looked at before what they say; what it is
    // given then is no JSON, so that it does nothing.
    if is_broken {
        request.set_body(UNREADABLE);
    } else {
        request.set_body(body.clone());
    }
    let error = match endpoint.call(request).await {
        Ok(answer) => return Ok(answer),
        Err(error) => error,
    };
    if error.is::<ParseRequestPayloadError>() {
        return Err(unreadable(&contract, method.as_str(), &path, &body).into());
    }
    if let Some(wrong) = error.downcast_ref::<ParseParamError>() {
        return Err(Problem::parameter(wrong.name, &contract.parameter(method.as_str(), &path, wrong.name)).into());
    }
    if error.status() == StatusCode::METHOD_NOT_ALLOWED && !error.is_from_response() {
        let mut response = Problem::new(Code::MethodNotAllowed).into_response();
        if let Ok(methods) = HeaderValue::from_str(&contract.allow(&path)) {
            response.headers_mut().insert(header::ALLOW, methods);
        }
        return Err(poem::Error::from_response(response));
    }
    Err(error)
}

/// Why a body could not be read: it is no JSON, or its values are not those of the contract.
fn unreadable(contract: &Contract, method: &str, path: &str, body: &[u8]) -> Problem {
    let value = match serde_json::from_slice(body) {
        Ok(value) => value,
        Err(error) => {
            return Problem::new(Code::MalformedRequest).detail(format!("The body is not JSON: {error}."));
        }
    };
    let mut problem = Problem::new(Code::Invalid);
    problem.errors = Some(contract.mistakes(method, path, &value)).filter(|mistakes| !mistakes.is_empty());
    problem
}

/// A random id (UUIDv4). `Uuid::new_v4` would ask the kernel each time.
fn new_id() -> Uuid {
    uuid::Builder::from_random_bytes(rand::random()).into_uuid()
}

/// Gives the request its id, calls the endpoint, and logs what came of it: no path parameters, no query.
///
/// # Errors
/// Never: errors have become answers.
pub async fn trace<E: Endpoint>(app: Arc<App>, endpoint: Arc<E>, mut request: Request) -> poem::Result<Response> {
    let started = Instant::now();
    let id = request
        .header(REQUEST_ID)
        .filter(|id| !id.is_empty() && id.len() <= LONGEST_REQUEST_ID)
        .filter(|id| id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte)))
        .map_or_else(|| new_id().to_string(), str::to_owned);
    let origin = app.gate.origin(&request, id.clone());
    let (standing, held) = (origin.standing.clone(), origin.held.clone());
    request.extensions_mut().insert(origin);
    let method = request.method().clone();
    let is_stream = [EVENTS, EXPORT].contains(&request.uri().path());
    if request.uri().path() == EVENTS {
        // A compressor would hold events back until it has enough of them.
        request.headers_mut().remove(header::ACCEPT_ENCODING);
    }
    let mut response = match endpoint.call(request).await {
        Ok(response) => response.into_response(),
        Err(error) => error.into_response(),
    };
    let connection = held.release();
    if is_stream && response.status().is_success() {
        // Its connection is held until the last of it is written.
        let chunks = response.take_body().into_bytes_stream();
        response.set_body(Body::from_bytes_stream(chunks.inspect(move |_| {
            let _ = &connection;
        })));
    }
    let operation = response.data::<poem_openapi::OperationId>().map(|operation| operation.0);
    tracing::info!(
        request.id = id,
        http.method = %method,
        http.operation = operation,
        http.status = response.status().as_u16(),
        duration_us = started.elapsed().as_micros() as u64,
        "request"
    );
    let headers = response.headers_mut();
    if let Ok(id) = HeaderValue::from_str(&id) {
        headers.insert(REQUEST_ID, id);
    }
    standing.tell(headers);
    for (name, value) in SECURITY_HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    for (name, value) in CAREFUL_HEADERS {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    if app.gate.is_https {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, STRICT_TRANSPORT);
    }
    if headers.contains_key(header::CONTENT_ENCODING) {
        headers.append(header::VARY, HeaderValue::from_static("accept-encoding"));
    }
    Ok(response)
}
