//! The HTTP side: shapes, then handlers of three lines.

pub mod alert_pages;
pub mod alerts;
mod aside;
pub mod attestations;
pub mod auth;
pub mod billing;
pub mod breaks;
pub mod connections;
pub mod contract;
pub mod coverage;
pub mod day;
pub mod drills;
pub mod events;
pub mod export;
pub mod gate;
pub mod hooks;
pub mod linked_devices;
pub mod me;
pub mod middleware;
pub mod notifications;
pub mod pace;
pub mod pages;
pub mod patience;
pub mod positions;
pub mod preferences;
pub mod sessions;
mod signatures;
pub mod sockets;
pub mod staff;
pub mod streams;
pub mod system;
pub mod turns;
pub mod webhooks;
pub mod welfare_cards;

use std::sync::Arc;

use poem::endpoint::{BoxEndpoint, make};
use poem::http::header;
use poem::middleware::{AddData, Compression, Cors};
use poem::{Endpoint as _, EndpointExt as _, Request, Response, Route, get, post};
use poem_openapi::payload::Json;
use poem_openapi::types::{ParseFromJSON, ToJSON};
use poem_openapi::{ApiResponse, OpenApiService, Tags};
use serde::de::DeserializeOwned;
use sha2::{Digest as _, Sha256};

use self::contract::Contract;
use crate::app::App;
use crate::config::VOICE_PATH;
use crate::db::{Idempotency, Shape};
use crate::problem::{Problem, from_framework};

/// How many items a list gives when it is not told.
pub const PAGE: i32 = 20;

/// The sections of the API.
#[derive(Tags)]
pub enum Section {
    /// Codes, accounts and sessions.
    Auth,
    /// The signed-in user, their addresses and devices.
    Me,
    /// Schedule, check-ins and history.
    Day,
    /// Invitations, and who watches whom.
    Connections,
    /// Alerts and what is done about them.
    Alerts,
    /// What the user is told.
    Notifications,
    /// What Contacts need to get in and to help.
    WelfareCards,
    /// What a Contact pays for.
    Money,
    /// What staff may see and do.
    Staff,
}

/// Something was made.
#[derive(ApiResponse)]
pub enum Created<T: ParseFromJSON + ToJSON + Send + Sync> {
    /// It is there now; the same answer comes again for the same `Idempotency-Key`.
    #[oai(status = 201)]
    Created(Json<T>),
}

/// Something is gone.
#[derive(ApiResponse)]
pub enum Gone {
    /// It is gone.
    #[oai(status = 204)]
    Gone,
}

/// What is there, with its version.
#[derive(ApiResponse)]
pub enum Tagged<T: ParseFromJSON + ToJSON + Send + Sync> {
    /// What is there now, and in `ETag` the version of it.
    #[oai(status = 200)]
    Now(Json<T>, #[oai(header = "ETag")] String),
    /// It is the version of `If-None-Match` still.
    #[oai(status = 304)]
    Unchanged(#[oai(header = "ETag")] String),
}

/// What was changed, with its new version.
#[derive(ApiResponse)]
pub enum Changed<T: ParseFromJSON + ToJSON + Send + Sync> {
    /// What is there now, and in `ETag` the version of it: the same that a GET gives.
    #[oai(status = 200)]
    Now(Json<T>, #[oai(header = "ETag")] String),
}

impl<T: ParseFromJSON + ToJSON + Send + Sync> Tagged<T> {
    /// The answer, or that the caller has it: `known` is `If-None-Match` (RFC 9110, 13.1.2: weak comparison).
    ///
    /// # Errors
    /// As [`Shape::decode`].
    pub fn unless(known: Option<String>, shape: &Shape) -> Result<Self, Problem>
    where
        T: DeserializeOwned,
    {
        Self::unless_opened(known, shape, Ok)
    }

    /// The same of what the server opens first.
    ///
    /// # Errors
    /// As [`Shape::decode`], and what opening it refuses.
    pub fn unless_opened<R: DeserializeOwned>(
        known: Option<String>,
        shape: &Shape,
        open: impl FnOnce(R) -> Result<T, Problem>,
    ) -> Result<Self, Problem> {
        let etag = shape.etag();
        let opaque = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
        let is_known =
            known.is_some_and(|known| known.split(',').any(|tag| tag.trim() == "*" || opaque(tag) == opaque(&etag)));
        if is_known { Ok(Self::Unchanged(etag)) } else { Ok(Self::Now(Json(open(shape.decode()?)?), etag)) }
    }
}

impl<T: ParseFromJSON + ToJSON + Send + Sync> Changed<T> {
    /// The answer to a PUT or PATCH.
    ///
    /// # Errors
    /// As [`Shape::decode`].
    pub fn to(shape: &Shape) -> Result<Self, Problem>
    where
        T: DeserializeOwned,
    {
        Self::to_opened(shape, Ok)
    }

    /// The same of what the server opens first.
    ///
    /// # Errors
    /// As [`Shape::decode`], and what opening it refuses.
    pub fn to_opened<R: DeserializeOwned>(
        shape: &Shape,
        open: impl FnOnce(R) -> Result<T, Problem>,
    ) -> Result<Self, Problem> {
        Ok(Self::Now(Json(open(shape.decode()?)?), shape.etag_of_change()))
    }
}

/// What an operation answers, or why it refuses.
pub type Answer<T> = Result<Json<T>, Problem>;

/// The key of a request that makes something, with the fingerprint of its body.
pub fn once(key: Option<String>, operation: &str, body: &impl ToJSON) -> Idempotency {
    Idempotency { key, fingerprint: Sha256::digest(format!("{operation}\n{}", body.to_json_string())).to_vec() }
}

/// All operations of a path are in one of these: poem-openapi writes a path once for each, and readers keep the last.
type Apis = (
    auth::Api,
    me::Api,
    sessions::Api,
    export::Api,
    (day::Api, breaks::Api),
    // poem-openapi takes sixteen in a row.
    (connections::Api, attestations::Api, positions::Api, linked_devices::Api),
    coverage::Api,
    drills::Api,
    hooks::Api,
    preferences::Api,
    alerts::Api,
    notifications::Api,
    welfare_cards::Api,
    billing::Api,
    staff::Api,
    events::Api,
);

/// The API with its description.
#[must_use]
pub fn service() -> OpenApiService<Apis, ()> {
    OpenApiService::new(
        (
            auth::Api,
            me::Api,
            sessions::Api,
            export::Api,
            (day::Api, breaks::Api),
            (connections::Api, attestations::Api, positions::Api, linked_devices::Api),
            coverage::Api,
            drills::Api,
            hooks::Api,
            preferences::Api,
            alerts::Api,
            notifications::Api,
            welfare_cards::Api,
            billing::Api,
            staff::Api,
            events::Api,
        ),
        "Pruuf",
        env!("CARGO_PKG_VERSION"),
    )
    .description(
        "The server behind a daily check-in for people who live alone. Instants are RFC 3339 in UTC; `local_time` is read in \
         `time_zone`. Refusals are `application/problem+json`; their codes are listed at /docs/problems.",
    )
}

/// Everything that is served.
pub fn routes(app: Arc<App>, cors_origins: &[String]) -> BoxEndpoint<'static> {
    let service = service();
    let json = service.spec();
    let contract = Arc::new(Contract::new(&json));
    let yaml = service.spec_yaml();
    let (at_the_gate, at_the_door) = (Arc::clone(&app), Arc::clone(&app));
    let served = Route::new()
        .nest("/", service)
        .at("/openapi.json", get(system::text(json, "application/json")))
        .at("/openapi.yaml", get(system::text(yaml, "application/yaml")))
        .at("/docs", get(system::docs))
        .at("/docs/problems", get(system::text(system::problems_page(), "text/html; charset=utf-8")))
        .at("/.well-known/jwks.json", get(system::jwks))
        .at("/open", get(pages::show_home))
        .at("/a/:token", get(alert_pages::show_alert_page).post(alert_pages::act_on_alert_page))
        .at("/i/:token", get(pages::show_invitation))
        .at("/webhooks/twilio/status", post(webhooks::receive_twilio_status))
        .at(VOICE_PATH, post(webhooks::receive_twilio_key))
        .at("/webhooks/twilio/messages", post(webhooks::receive_twilio_message))
        .at("/webhooks/postmark", post(webhooks::receive_postmark_event))
        .at("/webhooks/sendgrid", post(webhooks::receive_sendgrid_events))
        .at("/webhooks/stripe", post(webhooks::receive_stripe_event))
        .at("/healthz", get(system::health))
        .at("/readyz", get(system::ready))
        .at("/metrics", get(system::metrics))
        .around(move |endpoint, request| middleware::keep_to(Arc::clone(&contract), endpoint, request))
        .around(move |endpoint, request| gate::pass(Arc::clone(&at_the_gate), endpoint, request))
        .with(AddData::new(app))
        .catch_all_error(as_problem)
        .boxed();
    with_cors(served, cors_origins)
        .with(Compression::new())
        .around(move |endpoint, request| middleware::trace(Arc::clone(&at_the_door), endpoint, request))
        .boxed()
}

/// Lets web pages of these origins read the answers. Other pages are not told that they may, which is all that CORS can
/// do; poem's own middleware would refuse their requests, and with them a form of our own that a mail program opened.
fn with_cors(served: BoxEndpoint<'static, Response>, origins: &[String]) -> BoxEndpoint<'static, Response> {
    if origins.is_empty() {
        return served;
    }
    let known = origins.to_vec();
    let cors = Cors::new()
        .allow_origins(origins.iter().map(String::as_str))
        .allow_methods(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"])
        .allow_headers([
            "authorization",
            "content-type",
            "idempotency-key",
            "if-match",
            "if-none-match",
            "last-event-id",
        ])
        .allow_headers(["x-request-id", "x-app-version"])
        .expose_headers(["etag", "ratelimit", "ratelimit-policy", "retry-after", "x-request-id", "allow"])
        .allow_credentials(false)
        .max_age(600);
    let served = Arc::new(served);
    let for_pages = Arc::new(Arc::clone(&served).with(cors));
    make(move |request: Request| {
        let (served, for_pages) = (Arc::clone(&served), Arc::clone(&for_pages));
        let origin = request.header(header::ORIGIN);
        let is_known = origin.is_some_and(|origin| known.iter().any(|known| known == origin));
        async move { if is_known { Ok(for_pages.get_response(request).await) } else { served.call(request).await } }
    })
    .boxed()
}

async fn as_problem(error: poem::Error) -> Response {
    // A handler's own problem is a response already.
    if error.is_from_response() {
        return error.into_response();
    }
    poem::IntoResponse::into_response(from_framework(&error))
}
