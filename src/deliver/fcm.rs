//! Push by Firebase Cloud Messaging, HTTP v1; iPhones are reached through it too.

use std::fmt;
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use jsonwebtoken::{Algorithm, EncodingKey, Header};
use reqwest::StatusCode;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use tokio::sync::Mutex;
use tokio::time::Instant;
use url::Url;

use super::http::{ask, retry_after, unanswered, wall_clock};
use super::{Content, Destination, Message, OffReason, Outcome, Push};

/// FCM: "time-out of at least 10 seconds" before a retry.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);
/// FCM's limit of a message, in bytes.
const MAX_BYTES: usize = 4096;
/// FCM's longest time to live: four weeks.
const MAX_TTL: Duration = Duration::from_secs(28 * 24 * 3600);
/// APNs' limit of `apns-collapse-id`, in bytes.
const MAX_COLLAPSE_ID: usize = 64;
/// FCM: after a 429 without `retry-after`, wait a minute.
const RETRY_AFTER_429: Duration = Duration::from_secs(60);
/// Google's tokens live an hour; a wild number must not overflow a clock.
const MAX_TOKEN_SECONDS: u64 = 24 * 3600;
const SCOPE: &str = "https://www.googleapis.com/auth/firebase.messaging";

/// Where FCM is, and who we are there.
pub struct FcmConfig {
    /// Base URL, `https://fcm.googleapis.com` in production.
    pub url: Url,
    /// The text of the service-account JSON file.
    pub credentials: SecretString,
    /// How long one request may take, [`DEFAULT_TIMEOUT`] by default.
    pub timeout: Duration,
}

/// Why the sender could not be made. It never shows the credentials.
#[derive(Debug, thiserror::Error)]
pub enum FcmConfigError {
    /// The file is not a service account's JSON.
    #[error("the FCM credentials are not the JSON of a service account")]
    NotAServiceAccount,
    /// `private_key` in it is not a PEM RSA key.
    #[error("the private key in the FCM credentials is not an RSA key in PEM")]
    NotAnRsaKey,
    /// The base URL cannot have a path.
    #[error("the FCM URL is not a base URL")]
    NotABaseUrl,
}

#[derive(Deserialize)]
struct ServiceAccount {
    project_id: String,
    private_key_id: Option<String>,
    private_key: SecretString,
    client_email: String,
    /// Used as it stands, also as the audience.
    token_uri: String,
}

/// The push sender.
pub struct Fcm {
    client: reqwest::Client,
    send_url: Url,
    timeout: Duration,
    account: ServiceAccount,
    key: EncodingKey,
    token: RwLock<Option<Token>>,
    /// One renewal at a time; holds when the last one failed, so that those who waited for it share its end.
    renewal: Mutex<Option<(Instant, Outcome)>>,
}

impl fmt::Debug for Fcm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Fcm")
    }
}

#[derive(Clone)]
struct Token {
    bearer: SecretString,
    renew_at: Instant,
    ends_at: Instant,
}

#[derive(Deserialize)]
struct Granted {
    access_token: SecretString,
    expires_in: u64,
}

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    scope: &'a str,
    aud: &'a str,
    iat: i64,
    exp: i64,
}

impl Fcm {
    /// Takes the configuration and the server's HTTP client. Fails on unusable credentials; asks nothing of
    /// the network.
    pub fn new(config: FcmConfig, client: reqwest::Client) -> Result<Self, FcmConfigError> {
        let account: ServiceAccount =
            serde_json::from_str(config.credentials.expose_secret()).map_err(|_| FcmConfigError::NotAServiceAccount)?;
        let key = EncodingKey::from_rsa_pem(account.private_key.expose_secret().as_bytes())
            .map_err(|_| FcmConfigError::NotAnRsaKey)?;
        let mut send_url = config.url;
        send_url.path_segments_mut().map_err(|()| FcmConfigError::NotABaseUrl)?.pop_if_empty().extend([
            "v1",
            "projects",
            &account.project_id,
            "messages:send",
        ]);
        Ok(Self {
            client,
            send_url,
            timeout: config.timeout,
            account,
            key,
            token: RwLock::new(None),
            renewal: Mutex::new(None),
        })
    }

    /// Sends one push. Takes at most three time-outs: one for an access token, one or two for the message.
    pub async fn send(&self, message: &Message) -> Outcome {
        let (Destination::Device { token, .. }, Content::Push(push)) = (&message.to, &message.content) else {
            return Outcome::wrong_channel();
        };
        let Some(body) = body(message, token, push) else {
            return Outcome::Permanent { code: "fcm:too-large".to_owned(), turns_off: None };
        };
        let bearer = match self.bearer().await {
            Ok(bearer) => bearer,
            Err(outcome) => return outcome,
        };
        match self.post(&body, &bearer).await {
            Answer::Settled(outcome) => outcome,
            // Google may end a token early. Once with a new one; a second 401 is the credentials' fault.
            Answer::Unauthenticated => {
                self.forget(&bearer);
                let bearer = match self.bearer().await {
                    Ok(bearer) => bearer,
                    Err(outcome) => return outcome,
                };
                match self.post(&body, &bearer).await {
                    Answer::Settled(outcome) => outcome,
                    Answer::Unauthenticated => {
                        Outcome::Permanent { code: "UNAUTHENTICATED".to_owned(), turns_off: None }
                    }
                }
            }
        }
    }

    /// Whether FCM takes our credentials: it is asked to look at a message to nobody, and not to send it.
    ///
    /// # Errors
    /// Why not, in plain words.
    pub async fn check(&self) -> Result<(), String> {
        let bearer = self.bearer().await.map_err(|outcome| outcome.parts().1.unwrap_or_default())?;
        let body = json!({ "validate_only": true, "message": { "topic": "pruuf-preflight", "data": { "kind": "preflight" } } });
        let request = self.client.post(self.send_url.clone()).bearer_auth(bearer.expose_secret()).json(&body);
        ask(request, self.timeout).await.map(drop)
    }

    async fn post(&self, body: &str, bearer: &SecretString) -> Answer {
        let sent = self
            .client
            .post(self.send_url.clone())
            .timeout(self.timeout)
            .bearer_auth(bearer.expose_secret())
            .header(reqwest::header::CONTENT_TYPE, "application/json")
            .body(body.to_owned())
            .send()
            .await;
        let response = match sent {
            Ok(response) => response,
            Err(error) => return Answer::Settled(unanswered(&error)),
        };
        let status = response.status();
        let wait = retry_after(response.headers());
        // A body that breaks off is like one that says nothing.
        let answer: Value = response.json().await.unwrap_or_default();
        if status.is_success() {
            // A proxy's page can be a 200 too: without FCM's word it was perhaps taken, no more.
            return Answer::Settled(match answer["name"].as_str() {
                Some(name) => Outcome::Accepted { provider_message_id: Some(name.to_owned()) },
                None => Outcome::Unknown { code: "fcm:no-name".to_owned() },
            });
        }
        refused(status, &answer["error"], wait)
    }

    /// An access token that is good for now. Fails with the outcome of the delivery: nothing was sent yet,
    /// so it is always transient.
    async fn bearer(&self) -> Result<SecretString, Outcome> {
        let asked_at = Instant::now();
        let current = self.current();
        let usable = current.as_ref().filter(|token| asked_at < token.ends_at);
        if let Some(token) = usable.filter(|token| asked_at < token.renew_at) {
            return Ok(token.bearer.clone());
        }
        let mut last_failure = match usable {
            // Somebody renews it already; until that is done the old one is good enough.
            Some(token) => match self.renewal.try_lock() {
                Ok(guard) => guard,
                Err(_) => return Ok(token.bearer.clone()),
            },
            None => self.renewal.lock().await,
        };
        if let Some(token) = self.current().filter(|token| Instant::now() < token.renew_at) {
            return Ok(token.bearer);
        }
        // Hundreds may have waited for an exchange that failed: they must not repeat it one after the other.
        if let Some((failed_at, outcome)) = last_failure.as_ref()
            && *failed_at >= asked_at
        {
            return Err(outcome.clone());
        }
        match self.exchange().await {
            Ok(token) => {
                let bearer = token.bearer.clone();
                *self.token.write().unwrap_or_else(PoisonError::into_inner) = Some(token);
                *last_failure = None;
                Ok(bearer)
            }
            Err(outcome) => {
                *last_failure = Some((Instant::now(), outcome.clone()));
                usable.map(|token| token.bearer.clone()).ok_or(outcome)
            }
        }
    }

    fn current(&self) -> Option<Token> {
        self.token.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Drops the cached token, unless somebody has put a newer one in its place.
    fn forget(&self, bearer: &SecretString) {
        let mut token = self.token.write().unwrap_or_else(PoisonError::into_inner);
        if token.as_ref().is_some_and(|held| held.bearer.expose_secret() == bearer.expose_secret()) {
            *token = None;
        }
    }

    /// RFC 7523: a signed assertion for an access token.
    async fn exchange(&self) -> Result<Token, Outcome> {
        let failed = |code: String| Outcome::Transient { code, retry_after: None };
        // Google compares `iat` with its own clock.
        let iat = wall_clock().timestamp();
        let claims = Claims {
            iss: &self.account.client_email,
            scope: SCOPE,
            aud: &self.account.token_uri,
            iat,
            exp: iat + 3600,
        };
        let mut header = Header::new(Algorithm::RS256);
        header.kid.clone_from(&self.account.private_key_id);
        let assertion =
            jsonwebtoken::encode(&header, &claims, &self.key).map_err(|_| failed("oauth:signing".to_owned()))?;
        let started_at = Instant::now();
        let response = self
            .client
            .post(&self.account.token_uri)
            .timeout(self.timeout)
            .form(&[("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"), ("assertion", &assertion)])
            .send()
            .await
            .map_err(|error| failed(if error.is_timeout() { "oauth:timeout" } else { "oauth:connect" }.to_owned()))?;
        let status = response.status();
        let wait = retry_after(response.headers());
        if !status.is_success() {
            return Err(Outcome::Transient { code: format!("oauth:{}", status.as_u16()), retry_after: wait });
        }
        let granted: Granted = response.json().await.map_err(|_| failed("oauth:answer".to_owned()))?;
        let life = Duration::from_secs(granted.expires_in.min(MAX_TOKEN_SECONDS));
        // Five minutes early, so that a token never ends between its check and its use.
        let early = (life / 5).min(Duration::from_secs(300));
        Ok(Token { bearer: granted.access_token, renew_at: started_at + life - early, ends_at: started_at + life })
    }
}

enum Answer {
    Settled(Outcome),
    Unauthenticated,
}

/// The error rules of HTTP v1 (`google.firebase.fcm.v1.FcmError`, `google.rpc.BadRequest`).
fn refused(status: StatusCode, error: &Value, wait: Option<Duration>) -> Answer {
    let details = error["details"].as_array().map(Vec::as_slice).unwrap_or_default();
    let detail =
        |name: &str| details.iter().find(|detail| detail["@type"].as_str().is_some_and(|kind| kind.ends_with(name)));
    let fcm_error = detail(".FcmError").and_then(|detail| detail["errorCode"].as_str());
    // Only codes that are known are kept: anything else might be free text.
    let code = [
        "INVALID_ARGUMENT",
        "THIRD_PARTY_AUTH_ERROR",
        "SENDER_ID_MISMATCH",
        "UNREGISTERED",
        "QUOTA_EXCEEDED",
        "UNAVAILABLE",
        "INTERNAL",
    ]
    .into_iter()
    .find(|known| fcm_error == Some(known) || error["status"].as_str() == Some(known))
    .map_or_else(|| format!("fcm:{}", status.as_u16()), str::to_owned);
    let permanent = |turns_off| Outcome::Permanent { code: code.clone(), turns_off };

    Answer::Settled(match status.as_u16() {
        400 => {
            let about_token = match detail(".BadRequest") {
                Some(bad) => bad["fieldViolations"]
                    .as_array()
                    .is_some_and(|fields| fields.iter().any(|field| field["field"] == "message.token")),
                None => fcm_error == Some("INVALID_ARGUMENT"),
            };
            permanent(about_token.then_some(OffReason::Invalid))
        }
        401 if fcm_error != Some("THIRD_PARTY_AUTH_ERROR") => return Answer::Unauthenticated,
        // A wrong project or base URL gives a 404 too: only FCM's own word turns a token off.
        404 => permanent((fcm_error == Some("UNREGISTERED")).then_some(OffReason::Unregistered)),
        429 => Outcome::Transient { code, retry_after: Some(wait.unwrap_or(RETRY_AFTER_429)) },
        500 | 503 => Outcome::Transient { code, retry_after: wait },
        // A gateway gave up on what is behind it, which may have taken the message.
        501.. => Outcome::Unknown { code },
        _ => permanent(None),
    })
}

/// The request's body, or `None` if it does not fit even without a text.
fn body(message: &Message, token: &str, push: &Push) -> Option<String> {
    let tag = push.tag.clone().unwrap_or_else(|| message.notification_id.to_string());
    let ttl = push.ttl.min(MAX_TTL).as_secs();
    let mut data: Map<String, Value> = push
        .data
        .iter()
        .filter(|(name, _)| !is_reserved(name))
        .map(|(name, value)| (name.clone(), json!(value)))
        .collect();
    data.insert("kind".to_owned(), json!(message.kind));
    data.insert("notification_id".to_owned(), json!(message.notification_id));
    // The app confirms with it: FCM gives no receipts.
    data.insert("delivery_id".to_owned(), json!(message.delivery_id));

    let mut aps = json!({ "sound": "default", "thread-id": cut(&tag, MAX_COLLAPSE_ID) });
    if push.is_critical {
        aps["interruption-level"] = json!("time-sensitive");
        // The app registers a category for each kind; its buttons are "I've got this" and "She is OK".
        aps["category"] = json!(message.kind);
    }
    let mut request = json!({ "message": {
        "token": token,
        "notification": { "title": push.title, "body": push.body },
        "data": data,
        "android": {
            "priority": "HIGH",
            "ttl": format!("{ttl}s"),
            "notification": { "tag": tag, "sound": "default" },
        },
        "apns": {
            "headers": {
                "apns-priority": "10",
                // APNs reads it by its own clock.
                "apns-expiration": (wall_clock() + Duration::from_secs(ttl)).timestamp().to_string(),
                "apns-collapse-id": cut(&tag, MAX_COLLAPSE_ID),
            },
            "payload": { "aps": aps },
        },
    }});
    let size = request.to_string().len();
    if size > MAX_BYTES {
        let keep = push.body.len().saturating_sub(size - MAX_BYTES + '…'.len_utf8());
        request["message"]["notification"]["body"] = json!(format!("{}…", cut(&push.body, keep)));
    }
    Some(request.to_string()).filter(|text| text.len() <= MAX_BYTES)
}

/// Names in `data` that FCM refuses.
fn is_reserved(name: &str) -> bool {
    name == "from" || name == "message_type" || name.starts_with("google") || name.starts_with("gcm")
}

/// The longest beginning of at most `max` bytes.
fn cut(text: &str, max: usize) -> &str {
    &text[..text.floor_char_boundary(max)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deliver::Platform;
    use uuid::Uuid;

    fn push(body: &str) -> Push {
        Push {
            title: "No check-in".to_owned(),
            body: body.to_owned(),
            data: [("alert_id", "a1"), ("from", "x"), ("google.x", "y")]
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into(),
            tag: None,
            is_critical: true,
            ttl: Duration::from_secs(3600),
        }
    }

    fn request(push: &Push) -> Value {
        let message = Message {
            delivery_id: Uuid::nil(),
            notification_id: Uuid::nil(),
            kind: "missed".to_owned(),
            to: Destination::Device { token: "t".to_owned(), platform: Platform::Android },
            content: Content::Push(push.clone()),
        };
        let text = body(&message, "t", push).unwrap();
        assert!(text.len() <= MAX_BYTES);
        serde_json::from_str(&text).unwrap()
    }

    #[test]
    fn a_critical_push_wakes_phones_of_both_kinds() {
        let message = &request(&push("Call her."))["message"];
        assert_eq!(message["android"]["priority"], "HIGH");
        assert_eq!(message["android"]["ttl"], "3600s");
        assert_eq!(message["android"]["notification"]["tag"], Uuid::nil().to_string());
        assert_eq!(message["apns"]["headers"]["apns-priority"], "10");
        assert_eq!(message["apns"]["headers"]["apns-collapse-id"], Uuid::nil().to_string());
        assert!(message["apns"]["headers"]["apns-expiration"].is_string());
        assert_eq!(message["apns"]["payload"]["aps"]["interruption-level"], "time-sensitive");
        assert_eq!(message["apns"]["payload"]["aps"]["category"], "missed");
        assert_eq!(message["data"]["alert_id"], "a1");
        assert!(message["data"].as_object().unwrap().values().all(Value::is_string));
        assert!(message["data"].get("from").is_none() && message["data"].get("google.x").is_none());
    }

    #[test]
    fn a_long_text_is_shortened_to_fit() {
        for body in ["é".repeat(5000), "\"\n".repeat(3000), "x".repeat(3600)] {
            let shown = request(&push(&body))["message"]["notification"]["body"].clone();
            let shown = shown.as_str().unwrap();
            assert!(shown == body || (shown.ends_with('…') && body.starts_with(shown.trim_end_matches('…'))));
        }
    }

    #[test]
    fn what_can_never_fit_is_refused() {
        let mut push = push("x");
        push.data.insert("big".to_owned(), "x".repeat(5000));
        let message = Message {
            delivery_id: Uuid::nil(),
            notification_id: Uuid::nil(),
            kind: "missed".to_owned(),
            to: Destination::Device { token: "t".to_owned(), platform: Platform::Ios },
            content: Content::Push(push.clone()),
        };
        assert_eq!(body(&message, "t", &push), None);
    }

    /// providers.md: `details[].@type` tells a bad token from a bad payload.
    #[test]
    fn a_400_about_the_payload_leaves_the_token_alone() {
        let off = |details: Value| match refused(
            StatusCode::BAD_REQUEST,
            &json!({ "status": "INVALID_ARGUMENT", "details": details }),
            None,
        ) {
            Answer::Settled(Outcome::Permanent { code, turns_off }) => {
                assert_eq!(code, "INVALID_ARGUMENT");
                turns_off
            }
            _ => panic!("a 400 is permanent"),
        };
        let fcm = json!({
            "@type": "type.googleapis.com/google.firebase.fcm.v1.FcmError", "errorCode": "INVALID_ARGUMENT"
        });
        let bad = |field: &str| {
            json!({
                "@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": [{ "field": field }]
            })
        };
        assert_eq!(off(json!([fcm])), Some(OffReason::Invalid));
        assert_eq!(off(json!([fcm, bad("message.token")])), Some(OffReason::Invalid));
        assert_eq!(off(json!([fcm, bad("message.data[0].value")])), None);
        assert_eq!(off(json!([])), None);
    }
}
