//! What those who run it ask: is it alive, is it ready, what does it offer.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use poem::http::{HeaderValue, StatusCode, header};
use poem::web::{Data, Html, Json};
use poem::{Endpoint, EndpointExt as _, IntoResponse, Response, endpoint, handler};
use serde_json::json;

use crate::app::App;
use crate::db::release::Fit;
use crate::db::trouble::Trouble;
use crate::problem::Code;

/// How long a database may take to answer and still be called ready.
const READY_PATIENCE: Duration = Duration::from_secs(3);

/// Serves a text that does not change.
pub fn text(body: String, content_type: &'static str) -> impl Endpoint<Output = Response> {
    endpoint::make_sync(move |_| Response::builder().content_type(content_type).body(body.clone())).map_to_response()
}

/// `GET /docs`: the page that shows the API. Made when it is asked for: it is 3 MB that nobody needs in between.
#[handler]
pub fn docs() -> Response {
    let mut response = Html(super::service().scalar_html()).into_response();
    // All that it runs is in the page itself, and its fonts are at its maker's; it may call this API and no other.
    const POLICY: &str = "default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval'; style-src 'unsafe-inline'; img-src 'self' data:; \
         font-src data: https://fonts.scalar.com; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'";
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    response
}

/// The page that a problem's `type` points to.
#[must_use]
pub fn problems_page() -> String {
    let mut page = String::from("<!doctype html><meta charset=utf-8><title>Problems</title><h1>Problems</h1><dl>");
    for code in Code::ALL {
        let (slug, status, title) = code.parts();
        let _ = write!(page, "<dt id=\"{slug}\"><code>{slug}</code> ({status})<dd>{title}.");
    }
    page + "</dl>"
}

/// `GET /.well-known/jwks.json`: the public keys of access tokens.
#[handler]
pub fn jwks(app: Data<&Arc<App>>) -> Json<serde_json::Value> {
    Json(app.tokens.jwks())
}

/// `GET /healthz`: the process answers. Says nothing of the database, so that its trouble restarts no server.
#[handler]
pub fn health() -> Json<serde_json::Value> {
    Json(json!({ "status": "ok" }))
}

/// `GET /readyz`: 200 when requests can be served: the database answers, takes changes, and runs this release or a later one
/// that adds to it. What the audit finds, and a job of this server that fails or is late, make it `degraded` and it stays 200:
/// all servers share the finding, and a balancer that took them all out would add an outage.
#[handler]
pub async fn ready(app: Data<&Arc<App>>) -> Response {
    let state = tokio::time::timeout(READY_PATIENCE, app.db.state()).await.unwrap_or(Err(Trouble::Silent));
    let (status, database) = match state {
        Ok(Fit::Current) => (StatusCode::OK, "ok"),
        Ok(Fit::Later) => (StatusCode::OK, "runs a later release"),
        Ok(Fit::Other) => (StatusCode::SERVICE_UNAVAILABLE, "runs another release"),
        Err(trouble) => (StatusCode::SERVICE_UNAVAILABLE, trouble.as_str()),
    };
    let status = if app.stop.is_cancelled() { StatusCode::SERVICE_UNAVAILABLE } else { status };
    let findings = app.watch.findings();
    let body = json!({
        "status": if status != StatusCode::OK { "unready" } else if findings.is_empty() { "ok" } else { "degraded" },
        "database": database,
        "channels_off": app.channels_off,
        "stopping": app.stop.is_cancelled(),
        "findings": findings,
    });
    Json(body).with_status(status).into_response()
}

/// `GET /metrics`: for Prometheus. Asks the database nothing.
#[handler]
pub fn metrics(app: Data<&Arc<App>>) -> Response {
    let mut shown = app.watch.render();
    for (name, kind, help, value) in [
        ("connections", "gauge", "Clients that are connected to this server", app.gate.sockets.count() as u64),
        ("streams", "gauge", "Live streams of this server", app.gate.streams.count() as u64),
        ("pins_hashed_total", "counter", "How often this server has run Argon2", app.pins.hashed()),
    ] {
        let _ = write!(shown, "# HELP pruuf_{name} {help}\n# TYPE pruuf_{name} {kind}\npruuf_{name} {value}\n");
    }
    Response::builder().content_type("text/plain; version=0.0.4; charset=utf-8").body(shown)
}
