//! A fake of FCM's HTTP v1 and of Google's token endpoint.

use std::fmt;
use std::io;
use std::sync::atomic::{AtomicU16, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::KeyPair as _;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use poem::{Request, Response};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use url::Url;

use super::{Channel, Parts, Provider, State, Verdict, close_connection, json_answer, serve};

const EMAIL: &str = "pruuf@pruuf-fake.iam.gserviceaccount.com";
const KEY_ID: &str = "fake-key";
const PROJECT: &str = "pruuf-fake";
const PATH: &str = "/v1/projects/pruuf-fake/messages:send";
const SCOPE: &str = "https://www.googleapis.com/auth/firebase.messaging";
/// FCM's limit of a message, in bytes.
const MAX_BYTES: usize = 4096;

/// The token endpoint.
pub(super) struct OAuth {
    key: &'static Key,
    pub(super) requests: AtomicU64,
    /// Tokens are numbered; those below `valid_from` are revoked.
    pub(super) issued: AtomicU64,
    pub(super) valid_from: AtomicU64,
    pub(super) life_seconds: AtomicU64,
    pub(super) status: AtomicU16,
}

impl fmt::Debug for OAuth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OAuth")
    }
}

struct Key {
    private_pem: String,
    public_der: Vec<u8>,
}

/// One key a process: making one takes a noticeable part of a second.
fn key() -> io::Result<&'static Key> {
    static KEY: OnceLock<Key> = OnceLock::new();
    if let Some(key) = KEY.get() {
        return Ok(key);
    }
    let failed = |_| io::Error::other("no RSA key");
    let pair = KeyPair::generate(KeySize::Rsa2048).map_err(failed)?;
    let private: Pkcs8V1Der<'static> = pair.as_der().map_err(failed)?;
    let body = STANDARD.encode(private.as_ref());
    let (begin, end) = ("-----BEGIN PRIVATE KEY-----", "-----END PRIVATE KEY-----");
    let private_pem =
        body.as_bytes().chunks(64).fold(format!("{begin}\n"), |pem, line| pem + &String::from_utf8_lossy(line) + "\n")
            + end
            + "\n";
    Ok(KEY.get_or_init(|| Key { private_pem, public_der: pair.public_key().as_ref().to_vec() }))
}

#[derive(Deserialize)]
struct Claims {
    scope: String,
    iat: i64,
    exp: i64,
}

impl OAuth {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self {
            key: key()?,
            requests: AtomicU64::new(0),
            issued: AtomicU64::new(0),
            valid_from: AtomicU64::new(1),
            life_seconds: AtomicU64::new(3600),
            status: AtomicU16::new(200),
        })
    }

    pub(super) fn credentials_json(&self, base: &Url) -> String {
        json!({
            "type": "service_account",
            "project_id": PROJECT,
            "private_key_id": KEY_ID,
            "private_key": self.key.private_pem,
            "client_email": EMAIL,
            "token_uri": format!("{base}token"),
        })
        .to_string()
    }

    /// Answers `POST /token` as Google does (RFC 7523).
    fn grant(&self, token_uri: &str, form: &[u8]) -> Response {
        self.requests.fetch_add(1, Ordering::Relaxed);
        let status = self.status.load(Ordering::Relaxed);
        if status != 200 {
            return json_answer(status, None, &json!({ "error": "temporarily_unavailable" }));
        }
        let field = |name: &str| url::form_urlencoded::parse(form).find(|(key, _)| key == name).map(|(_, value)| value);
        let is_jwt_bearer =
            field("grant_type").is_some_and(|kind| kind == "urn:ietf:params:oauth:grant-type:jwt-bearer");
        let mut validation = Validation::new(Algorithm::RS256);
        validation.set_audience(&[token_uri]);
        validation.set_issuer(&[EMAIL]);
        validation.set_required_spec_claims(&["exp", "aud", "iss"]);
        let claims = field("assertion").and_then(|assertion| {
            let key = DecodingKey::from_rsa_der(&self.key.public_der);
            jsonwebtoken::decode::<Claims>(assertion.as_bytes(), &key, &validation).ok()
        });
        let is_good = claims.is_some_and(|token| {
            let lives = token.claims.exp - token.claims.iat;
            token.header.kid.as_deref() == Some(KEY_ID) && token.claims.scope == SCOPE && (1..=3600).contains(&lives)
        });
        if !is_jwt_bearer || !is_good {
            return json_answer(
                400,
                None,
                &json!({ "error": "invalid_grant", "error_description": "Invalid JWT Signature." }),
            );
        }
        let number = self.issued.fetch_add(1, Ordering::SeqCst) + 1;
        let life = self.life_seconds.load(Ordering::Relaxed);
        json_answer(
            200,
            None,
            &json!({
                "access_token": format!("fake-{number}"), "expires_in": life, "token_type": "Bearer"
            }),
        )
    }

    fn knows(&self, request: &Request) -> bool {
        let number = request
            .header("authorization")
            .and_then(|value| value.strip_prefix("Bearer fake-"))
            .and_then(|number| number.parse::<u64>().ok());
        let from = self.valid_from.load(Ordering::SeqCst);
        number.is_some_and(|number| number >= from && number <= self.issued.load(Ordering::SeqCst))
    }
}

pub(super) async fn start(state: Arc<State>, stop: CancellationToken) -> io::Result<Url> {
    let base = Arc::new(OnceLock::<String>::new());
    let token_uri = base.clone();
    let endpoint = poem::endpoint::make(move |request: Request| {
        let (state, token_uri) = (state.clone(), token_uri.clone());
        async move { answer(&state, token_uri.get().map(String::as_str).unwrap_or_default(), request).await }
    });
    let url = serve(endpoint, stop).await?;
    base.get_or_init(|| format!("{url}token"));
    Ok(url)
}

async fn answer(state: &State, token_uri: &str, mut request: Request) -> poem::Result<Response> {
    let body = request.take_body().into_bytes().await?;
    match (request.method().as_str(), request.uri().path()) {
        ("POST", "/token") => Ok(state.oauth.grant(token_uri, &body)),
        ("POST", PATH) => Ok(message(state, &request, &body).await),
        _ => Ok(error(404, "NOT_FOUND", None, &json!([]))),
    }
}

async fn message(state: &State, request: &Request, body: &[u8]) -> Response {
    if !state.oauth.knows(request) {
        return error(401, "UNAUTHENTICATED", None, &json!([]));
    }
    let payload: Value = serde_json::from_slice(body).unwrap_or_default();
    let message = &payload["message"];
    let is_reserved =
        |name: &str| name == "from" || name == "message_type" || name.starts_with("google") || name.starts_with("gcm");
    let data_is_good = message["data"]
        .as_object()
        .is_none_or(|data| data.iter().all(|(name, value)| value.is_string() && !is_reserved(name)));
    if payload["validate_only"] == true && message["topic"].is_string() && data_is_good {
        return match state.knock(Provider::Fcm, Channel::Push).await {
            Verdict::Accept => {
                json_answer(200, None, &json!({ "name": format!("projects/{PROJECT}/messages/fake_message_id") }))
            }
            Verdict::Refuse { status, code, retry_after } => refused(status, &code, retry_after),
            Verdict::Hang => std::future::pending().await,
            Verdict::Close => close_connection(),
        };
    }
    let Some(to) = message["token"].as_str().filter(|_| data_is_good && body.len() <= MAX_BYTES) else {
        return refused(400, "payload", None);
    };
    let text = |name: &str| message["notification"][name].as_str().unwrap_or_default().to_owned();
    let parts = Parts {
        channel: Channel::Push,
        provider: Provider::Fcm,
        to: to.to_owned(),
        title: state.keeps.then(|| text("title")),
        text: if state.keeps { text("body") } else { String::new() },
        raw: if state.keeps { message.clone() } else { Value::Null },
    };
    let behaviour = state.behaviour_if(Provider::Fcm, Channel::Push, Some(to), |_| true);
    match state.judge(&parts, behaviour).await {
        Verdict::Accept => {
            let name = format!("projects/{PROJECT}/messages/{}", state.next_id());
            json_answer(200, None, &json!({ "name": name }))
        }
        Verdict::Refuse { status, code, retry_after } => refused(status, &code, retry_after),
        Verdict::Hang => std::future::pending().await,
        Verdict::Close => close_connection(),
    }
}

fn refused(status: u16, code: &str, retry_after: Option<String>) -> Response {
    let name = match status {
        400 => "INVALID_ARGUMENT",
        401 => "UNAUTHENTICATED",
        403 => "PERMISSION_DENIED",
        404 => "NOT_FOUND",
        429 => "RESOURCE_EXHAUSTED",
        503 => "UNAVAILABLE",
        _ => "INTERNAL",
    };
    let details = match code {
        "" | "UNAUTHENTICATED" => json!([]),
        "payload" => json!([{
            "@type": "type.googleapis.com/google.rpc.BadRequest",
            "fieldViolations": [{ "field": "message.data[0].value", "description": "Invalid value" }],
        }]),
        code => json!([{
            "@type": "type.googleapis.com/google.firebase.fcm.v1.FcmError", "errorCode": code,
        }]),
    };
    error(status, name, retry_after, &details)
}

fn error(status: u16, name: &str, retry_after: Option<String>, details: &Value) -> Response {
    json_answer(
        status,
        retry_after,
        &json!({
            "error": { "code": status, "message": "The fake refuses.", "status": name, "details": details }
        }),
    )
}
