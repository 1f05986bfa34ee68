//! The HTTP side: shapes, then handlers of three lines.

pub mod alerts;
pub mod auth;
pub mod connections;
pub mod contract;
pub mod day;
pub mod events;
pub mod export;
pub mod me;
pub mod middleware;
pub mod notifications;
pub mod sessions;
pub mod system;

use std::sync::Arc;

use poem::endpoint::BoxEndpoint;
use poem::middleware::{AddData, Compression};
use poem::{EndpointExt as _, Response, Route, get};
use poem_openapi::payload::Json;
use poem_openapi::types::{ParseFromJSON, ToJSON};
use poem_openapi::{ApiResponse, OpenApiService, Tags};
use sha2::{Digest as _, Sha256};

use self::contract::Contract;
use crate::app::App;
use crate::db::Idempotency;
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
    day::Api,
    connections::Api,
    alerts::Api,
    notifications::Api,
    events::Api,
);

/// The API with its description.
#[must_use]
pub fn service() -> OpenApiService<Apis, ()> {
    OpenApiService::new(
        (auth::Api, me::Api, sessions::Api, export::Api, day::Api, connections::Api, alerts::Api, notifications::Api, events::Api),
        "Pruuf",
        env!("CARGO_PKG_VERSION"),
    )
    .description(
        "The server behind a daily check-in for people who live alone. Instants are RFC 3339 in UTC; `local_time` is read in \
         `time_zone`. Refusals are `application/problem+json`; their codes are listed at /docs/problems.",
    )
}

/// Everything that is served.
pub fn routes(app: Arc<App>) -> BoxEndpoint<'static> {
    let service = service();
    let json = service.spec();
    let contract = Arc::new(Contract::new(&json));
    let yaml = service.spec_yaml();
    Route::new()
        .nest("/", service)
        .at("/openapi.json", get(system::text(json, "application/json")))
        .at("/openapi.yaml", get(system::text(yaml, "application/yaml")))
        .at("/docs", get(system::docs))
        .at("/docs/problems", get(system::text(system::problems_page(), "text/html; charset=utf-8")))
        .at("/.well-known/jwks.json", get(system::jwks))
        .at("/healthz", get(system::health))
        .at("/readyz", get(system::ready))
        .around(move |endpoint, request| middleware::keep_to(Arc::clone(&contract), endpoint, request))
        .with(AddData::new(app))
        .catch_all_error(as_problem)
        .with(Compression::new())
        .around(middleware::trace)
        .boxed()
}

async fn as_problem(error: poem::Error) -> Response {
    // A handler's own problem is a response already.
    if error.is_from_response() {
        return error.into_response();
    }
    poem::IntoResponse::into_response(from_framework(&error))
}
