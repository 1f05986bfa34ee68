//! Pages for people who follow a link: plain HTML that works without scripts, and acts on nothing when it is only
//! looked at, since mail scanners follow links too.

use std::sync::{Arc, LazyLock};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use poem::http::{StatusCode, header};
use poem::web::{Data, Path};
use poem::{Request, Response, handler};
use poem_openapi::OperationId;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::app::App;
use crate::auth::caller::{Visitor, asked_language};
use crate::problem::Code;
use crate::texts::FALLBACK_LANGUAGE;
use crate::vault::{CodeUse, token_hash, unhex};

/// The style of every page, in one line, as texts put what they are given. The browser takes it by its hash, and nothing
/// else. It has no letter that HTML would escape.
static STYLE: LazyLock<String> = LazyLock::new(|| include_str!("../texts/page.css").lines().collect());

/// What a browser may do with a page: read it, and send its form back to us.
static CONTENT_SECURITY_POLICY: LazyLock<String> = LazyLock::new(|| {
    let style = STANDARD.encode(Sha256::digest(STYLE.as_bytes()));
    format!(
        "default-src 'none'; style-src 'sha256-{style}'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    )
});

/// `GET /i/{token}`: who invites to what, the code, and how to go on (R3.1). What is not, or no longer, an open
/// invitation is one page with 404, whatever became of it.
#[handler]
pub async fn show_invitation(app: Data<&Arc<App>>, visitor: Visitor, Path(token): Path<String>) -> Response {
    let call = "api.show_invitation(token_hash => $1)";
    let caller = visitor.0;
    let facts: Result<Value, _> = app.db.read(&caller, call, &[&token_hash(&token)]).await;
    let (status, name, facts) = match facts.map_err(|problem| problem.code).and_then(|facts| with_code(&app, facts)) {
        Ok(facts) => (StatusCode::OK, "invitation", facts),
        Err(Code::InvitationUnknown) => (StatusCode::NOT_FOUND, "nothing_here", Value::Null),
        Err(_) => (StatusCode::SERVICE_UNAVAILABLE, "later", Value::Null),
    };
    page(&app, caller.language, "show_invitation", status, name, facts)
}

/// `GET /open`: where the "Open Pruuf" of a message leads to.
#[handler]
pub async fn show_home(app: Data<&Arc<App>>, request: &Request) -> Response {
    page(&app, asked_language(request), "show_home", StatusCode::OK, "home", Value::Null)
}

/// The facts of an invitation, with the code that nobody stores.
fn with_code(app: &App, mut facts: Value) -> Result<Value, Code> {
    let id = facts["code_id"].as_str().and_then(|id| id.parse().ok()).ok_or(Code::Internal)?;
    let hash = facts["code_hash"].as_str().map(unhex).ok_or(Code::Internal)?;
    let code = app.vault.code(CodeUse::Invitation, id, &hash).map_err(|error| {
        tracing::error!(error = %error, invitation.id = %id, "an invitation's code is lost");
        Code::Internal
    })?;
    facts["code"] = Value::String(code);
    Ok(facts)
}

/// A page in the language of its reader: `language` of the facts, where that is known, else what their browser asks for.
/// `operation`: for the log, which must not hold the path: a token is in it.
pub(super) fn page(
    app: &App,
    asked: Option<&str>,
    operation: &'static str,
    status: StatusCode,
    name: &str,
    facts: Value,
) -> Response {
    let mut facts = if facts.is_object() { facts } else { Value::Object(serde_json::Map::new()) };
    facts["style"] = Value::String(STYLE.clone());
    let language = facts["language"].as_str().or(asked).unwrap_or(FALLBACK_LANGUAGE);
    let mut response = Response::builder()
        .status(status)
        .content_type("text/html; charset=utf-8")
        .header(header::CACHE_CONTROL, "no-store")
        .header(header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY.as_str())
        .header("x-robots-tag", "noindex, nofollow")
        .body(app.texts.page(name, language, &facts));
    response.set_data(OperationId(operation));
    response
}
