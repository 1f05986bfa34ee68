//! What the providers that are faked call: receipts with their signatures, or without; late, twice and in any order. A test
//! says what is told when; `pruuf dev` and the fault game let it happen by itself.

use std::io;
use std::sync::OnceLock;
use std::time::Duration;

use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use url::Url;

use super::wall_clock;

/// The token with which the fake Twilio signs.
pub const TWILIO_TOKEN: &str = "token";
/// The password that the fake Postmark was given.
pub const POSTMARK_PASSWORD: &str = "postmark-knows-this";

/// A request that a provider sends: path with query, headers, body.
#[derive(Debug, Clone)]
pub struct Callback {
    /// Where to, after the public URL.
    pub path: String,
    /// Names and values.
    pub headers: Vec<(&'static str, String)>,
    /// As it is sent.
    pub body: Vec<u8>,
}

impl Callback {
    /// Sends it. `base`: where the server listens, which may be another place than the public URL. Gives the status.
    ///
    /// # Errors
    /// When nobody answers.
    pub async fn send(&self, client: &reqwest::Client, base: &str) -> reqwest::Result<u16> {
        let mut request = client.post(format!("{base}{}", self.path)).body(self.body.clone());
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        Ok(request.send().await?.status().as_u16())
    }

    /// The same as somebody else would send it who does not know the secret.
    #[must_use]
    pub fn forged(mut self) -> Self {
        for (name, value) in &mut self.headers {
            if *name == "authorization" {
                *value = format!("Basic {}", STANDARD.encode("pruuf:a guess"));
            } else if name.ends_with("ignature") {
                *value = STANDARD.encode("a guess");
            }
        }
        self
    }
}

/// How the fake Twilio tells by itself what became of each message that it takes.
#[derive(Debug, Clone, Default)]
pub struct Habit {
    /// Where the server listens: `http://127.0.0.1:8080`.
    pub server: String,
    /// How long it waits before each.
    pub delay: Duration,
    /// Tells everything twice.
    pub twice: bool,
    /// Tells that it was delivered before it tells that it was sent.
    pub backwards: bool,
    /// Somebody who does not know the secret says each time that it failed.
    pub is_imitated: bool,
}

/// Tells that a message was sent and delivered, at the URL that came with it.
pub(super) fn tell(habit: Habit, status_callback: &str, sid: String) {
    let Ok(url) = Url::parse(status_callback) else { return };
    let path = format!("{}?{}", url.path(), url.query().unwrap_or_default());
    let public_url = url.origin().ascii_serialization();
    tokio::spawn(async move {
        let client = client();
        let form = |status: &'static str| [("MessageSid", sid.as_str()), ("MessageStatus", status)];
        let told = if habit.backwards { ["delivered", "sent"] } else { ["sent", "delivered"] };
        for status in told {
            tokio::time::sleep(habit.delay).await;
            // Who does not answer is not told again: so weak are Twilio's retries.
            if habit.is_imitated {
                let _ = twilio(&public_url, &path, &form("failed")).forged().send(client, &habit.server).await;
            }
            for _ in 0..if habit.twice { 2 } else { 1 } {
                let _ = twilio(&public_url, &path, &form(status)).send(client, &habit.server).await;
            }
        }
    });
}

/// One for all callbacks: making one takes longer than a callback.
fn client() -> &'static reqwest::Client {
    static CLIENT: OnceLock<reqwest::Client> = OnceLock::new();
    CLIENT.get_or_init(reqwest::Client::new)
}

/// A form as Twilio posts it to `path` below `public_url`, signed.
#[must_use]
pub fn twilio(public_url: &str, path: &str, form: &[(&str, &str)]) -> Callback {
    let mut sorted = form.to_vec();
    sorted.sort_unstable();
    let parameters: String = sorted.iter().flat_map(|(name, value)| [*name, *value]).collect();
    let signed = format!("{}{path}{parameters}", public_url.trim_end_matches('/'));
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, TWILIO_TOKEN.as_bytes());
    let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish().into_bytes();
    let headers = vec![
        ("content-type", "application/x-www-form-urlencoded".to_owned()),
        ("x-twilio-signature", STANDARD.encode(hmac::sign(&key, signed.as_bytes()))),
    ];
    Callback { path: path.to_owned(), headers, body }
}

/// What Twilio tells of a message: `status` and perhaps an error. `delivery`: what our URL said.
#[must_use]
pub fn twilio_status(public_url: &str, delivery: &str, sid: &str, status: &str, error: Option<&str>) -> Callback {
    let mut form = vec![
        ("AccountSid", "AC00000000000000000000000000000000"),
        ("ApiVersion", "2010-04-01"),
        ("From", "+15005550006"),
        ("To", "+64211234567"),
        ("MessageSid", sid),
        ("MessageStatus", status),
        ("SmsSid", sid),
        ("SmsStatus", status),
    ];
    form.extend(error.map(|error| ("ErrorCode", error)));
    twilio(public_url, &format!("/webhooks/twilio/status?delivery={delivery}"), &form)
}

/// What Postmark tells: an event, which gets what all events have.
#[must_use]
pub fn postmark(message_id: &str, delivery: &str, mut event: Value) -> Callback {
    event["MessageID"] = json!(message_id);
    event["Metadata"] = json!({ "delivery_id": delivery });
    event["Email"] = json!("anna@example.org");
    event["Recipient"] = json!("anna@example.org");
    let password = format!("Basic {}", STANDARD.encode(format!("pruuf:{POSTMARK_PASSWORD}")));
    let headers = vec![("content-type", "application/json".to_owned()), ("authorization", password)];
    Callback { path: "/webhooks/postmark".to_owned(), headers, body: event.to_string().into_bytes() }
}

/// What SendGrid tells: events in one array, signed.
///
/// # Errors
/// When there is no key.
pub fn sendgrid(events: &[Value]) -> io::Result<Callback> {
    let failed = |_| io::Error::other("no signature");
    // Line ends are part of what is signed.
    let body = (Value::from(events).to_string() + "\r\n").into_bytes();
    let timestamp = wall_clock().timestamp().to_string();
    let signed = [timestamp.as_bytes(), &body].concat();
    let signature = STANDARD.encode(sendgrid_key()?.sign(&SystemRandom::new(), &signed).map_err(failed)?);
    let headers = vec![
        ("content-type", "application/json".to_owned()),
        ("x-twilio-email-event-webhook-timestamp", timestamp),
        ("x-twilio-email-event-webhook-signature", signature),
    ];
    Ok(Callback { path: "/webhooks/sendgrid".to_owned(), headers, body })
}

/// One of SendGrid's events.
#[must_use]
pub fn sendgrid_event(id: &str, message_id: &str, delivery: &str, mut event: Value) -> Value {
    event["sg_event_id"] = json!(id);
    event["sg_message_id"] = json!(format!("{message_id}.recvd-7f44-1-0"));
    event["delivery_id"] = json!(delivery);
    event["email"] = json!("anna@example.org");
    event["timestamp"] = json!(wall_clock().timestamp());
    event
}

/// The key whose public half is SendGrid's verification key, as DER.
///
/// # Errors
/// When there is no key.
pub fn sendgrid_public_key() -> io::Result<Vec<u8>> {
    let der: PublicKeyX509Der<'_> = sendgrid_key()?.public_key().as_der().map_err(|_| io::Error::other("no key"))?;
    Ok(der.as_ref().to_vec())
}

fn sendgrid_key() -> io::Result<&'static EcdsaKeyPair> {
    static KEY: OnceLock<EcdsaKeyPair> = OnceLock::new();
    if let Some(key) = KEY.get() {
        return Ok(key);
    }
    let made = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).map_err(|_| io::Error::other("no key"))?;
    Ok(KEY.get_or_init(|| made))
}
