//! The caller of a request.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use poem::{FromRequest, Request, RequestBody};
use poem_openapi::SecurityScheme;
use poem_openapi::auth::Bearer;
use uuid::Uuid;

use crate::app::App;
use crate::db::{Caller, Role};
use crate::http::middleware::RequestId;

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

async fn verify(request: &Request, bearer: Bearer) -> Option<Caller> {
    let claims = request.data::<Arc<App>>()?.tokens.verify(&bearer.token)?;
    Some(Caller { role: Role::User, user_id: Some(claims.sub), session_id: Some(claims.sid), ..caller(request) })
}

/// Anybody; nothing is known of them but where they call from.
pub struct Visitor(pub Caller);

impl<'a> FromRequest<'a> for Visitor {
    async fn from_request(request: &'a Request, _: &mut RequestBody) -> poem::Result<Self> {
        Ok(Self(caller(request)))
    }
}

fn caller(request: &Request) -> Caller {
    let request_id = request.extensions().get::<RequestId>().map(|id| id.0.clone()).unwrap_or_default();
    Caller { role: Role::Anon, user_id: None, session_id: None, request_id, ip: ip(request) }
}

fn ip(request: &Request) -> Option<IpAddr> {
    request.remote_addr().as_socket_addr().map(SocketAddr::ip)
}
