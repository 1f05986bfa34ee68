//! The caller of a request.

use std::sync::Arc;

use poem::http::header;
use poem::{FromRequest, Request, RequestBody};
use poem_openapi::SecurityScheme;
use poem_openapi::auth::Bearer;
use uuid::Uuid;

use crate::app::App;
use crate::db::{Caller, Role};
use crate::http::gate::Origin;
use crate::problem::{Code, Problem};
use crate::texts::preferred_language;

/// Somebody with a valid access token.
#[derive(SecurityScheme)]
#[oai(rename = "access_token", ty = "bearer", bearer_format = "JWT", checker = "verify")]
pub struct SignedIn(pub Caller);

impl SignedIn {
    /// Who it is. A checked token names a user; without one the database refuses.
    #[must_use]
    pub fn user_id(&self) -> Uuid {
        self.0.user_id.unwrap_or_default()
    }

    /// The same person at `/v1/staff/…`, where the database asks whether they are staff (R1.4).
    #[must_use]
    pub fn as_staff(&self) -> Caller {
        Caller { role: Role::Staff, ..self.0.clone() }
    }
}

async fn verify(request: &Request, bearer: Bearer) -> poem::Result<Caller> {
    let (app, origin) = known(request)?;
    let Some(claims) = app.tokens.verify(&bearer.token) else {
        app.gate.count_network(origin)?;
        return Err(Problem::new(Code::NotSignedIn).into());
    };
    app.gate.let_user_in(claims.sub, origin).await?;
    Ok(Caller { role: Role::User, user_id: Some(claims.sub), session_id: Some(claims.sid), ..caller(request, origin) })
}

/// Anybody; nothing is known of them but where they call from.
pub struct Visitor(pub Caller);

impl<'a> FromRequest<'a> for Visitor {
    async fn from_request(request: &'a Request, _: &mut RequestBody) -> poem::Result<Self> {
        let (app, origin) = known(request)?;
        app.gate.let_network_in(origin).await?;
        Ok(Self(caller(request, origin)))
    }
}

fn known(request: &Request) -> Result<(&Arc<App>, &Origin), Problem> {
    // Both are put there for every request: src/http/mod.rs, src/http/middleware.rs.
    request.data::<Arc<App>>().zip(request.extensions().get::<Origin>()).ok_or(Problem::new(Code::Internal))
}

/// Which of our languages the client asks for (R7.7).
pub fn asked_language(request: &Request) -> Option<&'static str> {
    request.header(header::ACCEPT_LANGUAGE).and_then(preferred_language)
}

fn caller(request: &Request, origin: &Origin) -> Caller {
    Caller {
        role: Role::Anon,
        user_id: None,
        session_id: None,
        request_id: origin.request_id.clone(),
        ip: origin.ip,
        language: asked_language(request),
        saves: origin.saves,
    }
}
