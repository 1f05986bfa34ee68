//! E-mail by SendGrid.

use std::fmt;
use std::time::Duration;

use lettre::message::Mailbox;
use reqwest::StatusCode;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use url::Url;

use super::email::{is_address, mailbox, one_line};
use super::http::{ask, retry_after, unanswered, until};
use super::{Content, Destination, Message, OffReason, Outcome};

/// SendGrid answers within a second or two.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);

/// Where SendGrid is, and who we are there.
pub struct SendGridConfig {
    /// Base URL, `https://api.sendgrid.com` in production.
    pub url: Url,
    /// An API key that may send.
    pub key: SecretString,
    /// The sender, `Pruuf <alerts@example.org>`; SendGrid must know its domain.
    pub from: String,
    /// How long one request may take, [`DEFAULT_TIMEOUT`] by default.
    pub timeout: Duration,
}

/// Why the sender could not be made.
#[derive(Debug, thiserror::Error)]
pub enum SendGridConfigError {
    /// The base URL cannot have a path.
    #[error("the URL is not a base URL")]
    Url,
    /// The sender is not a mailbox.
    #[error("the sender's e-mail address is not one")]
    From,
}

/// The sender.
pub struct SendGrid {
    client: reqwest::Client,
    url: Url,
    from: Mailbox,
    key: SecretString,
    timeout: Duration,
}

impl fmt::Debug for SendGrid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SendGrid")
    }
}

impl SendGrid {
    /// Takes the configuration and the server's HTTP client; asks nothing of the network.
    pub fn new(config: SendGridConfig, client: reqwest::Client) -> Result<Self, SendGridConfigError> {
        let mut url = config.url;
        url.path_segments_mut().map_err(|()| SendGridConfigError::Url)?.pop_if_empty().extend(["v3", "mail", "send"]);
        let from = mailbox(&config.from).ok_or(SendGridConfigError::From)?;
        Ok(Self { client, url, from, key: config.key, timeout: config.timeout })
    }

    /// Whether SendGrid knows our key, and lets it send.
    ///
    /// # Errors
    /// Why not, in plain words.
    pub async fn check(&self) -> Result<(), String> {
        let url = self.url.join("../scopes").map_err(|_| "its URL is none")?;
        let request = self.client.get(url).bearer_auth(self.key.expose_secret());
        let known = ask(request, self.timeout).await?;
        let may_send = known["scopes"].as_array().is_some_and(|scopes| scopes.iter().any(|scope| scope == "mail.send"));
        if may_send { Ok(()) } else { Err("the key may not send".to_owned()) }
    }

    /// Sends one e-mail.
    pub async fn send(&self, message: &Message) -> Outcome {
        let (Destination::Email(to), Content::Email(letter)) = (&message.to, &message.content) else {
            return Outcome::wrong_channel();
        };
        if !is_address(to) {
            return Outcome::Permanent {
                code: "sendgrid:not-an-address".to_owned(),
                turns_off: Some(OffReason::Invalid),
            };
        }
        let mut from = json!({ "email": AsRef::<str>::as_ref(&self.from.email) });
        if let Some(name) = &self.from.name {
            from["name"] = json!(name);
        }
        let body = json!({
            // Comes back in every event.
            "personalizations": [{ "to": [{ "email": to }], "custom_args": { "delivery_id": message.delivery_id } }],
            "from": from,
            "subject": one_line(&letter.subject),
            "content": [
                { "type": "text/plain", "value": letter.text },
                { "type": "text/html", "value": letter.html },
            ],
            // RFC 3834: out-of-office programs stay quiet.
            "headers": { "Auto-Submitted": "auto-generated" },
            "categories": [message.kind],
            // A link that is rewritten, and an image that reports, are no business of an alarm.
            "tracking_settings": {
                "click_tracking": { "enable": false, "enable_text": false }, "open_tracking": { "enable": false },
            },
        });
        let sent = self
            .client
            .post(self.url.clone())
            .timeout(self.timeout)
            .bearer_auth(self.key.expose_secret())
            .json(&body)
            .send()
            .await;
        let response = match sent {
            Ok(response) => response,
            Err(error) => return unanswered(&error),
        };
        let status = response.status();
        let header = |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        if status == StatusCode::ACCEPTED {
            // A proxy's page can be a success too: without SendGrid's word it was perhaps taken, no more.
            return match header("x-message-id") {
                Some(id) => Outcome::Accepted { provider_message_id: Some(id) },
                None => Outcome::Unknown { code: "sendgrid:no-id".to_owned() },
            };
        }
        // Its own way to say Retry-After: the second in which the limit begins anew.
        let reset = header("x-ratelimit-reset").and_then(|second| second.parse().ok()).map(until);
        let wait = retry_after(response.headers()).or(reset.filter(|_| status == StatusCode::TOO_MANY_REQUESTS));
        let answer: Value = response.json().await.unwrap_or_default();
        refused(status, &answer, wait)
    }
}

/// What an error means (<https://www.twilio.com/docs/sendgrid/api-reference/how-to-use-the-sendgrid-v3-api/responses>).
fn refused(status: StatusCode, answer: &Value, wait: Option<Duration>) -> Outcome {
    let code = format!("sendgrid:{}", status.as_u16());
    match status.as_u16() {
        // Our key, our sender, too many, or it is down: none of it is the address's fault.
        401 | 403 | 429 | 503 => Outcome::Transient { code, retry_after: wait },
        // It may have been taken before the server fell over; and a 200 is not its word.
        200..300 | 500.. => Outcome::Unknown { code },
        _ => {
            let is_about_address = answer["errors"].as_array().is_some_and(|errors| {
                errors.iter().any(|error| error["field"].as_str().is_some_and(|field| field.ends_with(".to.0.email")))
            });
            Outcome::Permanent { code, turns_off: is_about_address.then_some(OffReason::Invalid) }
        }
    }
}
