//! E-mail by Postmark.

use std::fmt;
use std::time::Duration;

use reqwest::StatusCode;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use url::Url;

use super::email::{is_address, mailbox, one_line};
use super::http::{ask, retry_after, unanswered};
use super::{Content, Destination, Message, OffReason, Outcome};

/// Postmark answers within a second or two.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);

/// Where Postmark is, and who we are there.
pub struct PostmarkConfig {
    /// Base URL, `https://api.postmarkapp.com` in production.
    pub url: Url,
    /// The server's token.
    pub token: SecretString,
    /// The sender, `Pruuf <alerts@example.org>`; Postmark must know its domain.
    pub from: String,
    /// How long one request may take, [`DEFAULT_TIMEOUT`] by default.
    pub timeout: Duration,
}

/// Why the sender could not be made.
#[derive(Debug, thiserror::Error)]
pub enum PostmarkConfigError {
    /// The base URL cannot have a path.
    #[error("the URL is not a base URL")]
    Url,
    /// The sender is not a mailbox.
    #[error("the sender's e-mail address is not one")]
    From,
}

/// The sender.
pub struct Postmark {
    client: reqwest::Client,
    url: Url,
    domain: String,
    config: PostmarkConfig,
}

impl fmt::Debug for Postmark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Postmark")
    }
}

impl Postmark {
    /// Takes the configuration and the server's HTTP client; asks nothing of the network.
    pub fn new(config: PostmarkConfig, client: reqwest::Client) -> Result<Self, PostmarkConfigError> {
        let mut url = config.url.clone();
        url.path_segments_mut().map_err(|()| PostmarkConfigError::Url)?.pop_if_empty().push("email");
        let domain = mailbox(&config.from).ok_or(PostmarkConfigError::From)?.email.domain().to_owned();
        Ok(Self { client, url, domain, config })
    }

    /// Whether Postmark knows our token.
    ///
    /// # Errors
    /// Why not, in plain words.
    pub async fn check(&self) -> Result<(), String> {
        let mut url = self.config.url.clone();
        url.path_segments_mut().map_err(|()| "its URL is none")?.pop_if_empty().push("server");
        let request = self.client.get(url).header("x-postmark-server-token", self.config.token.expose_secret());
        ask(request, self.config.timeout).await.map(drop)
    }

    /// Sends one e-mail.
    pub async fn send(&self, message: &Message) -> Outcome {
        let (Destination::Email(to), Content::Email(letter)) = (&message.to, &message.content) else {
            return Outcome::wrong_channel();
        };
        if !is_address(to) {
            return Outcome::Permanent {
                code: "postmark:not-an-address".to_owned(),
                turns_off: Some(OffReason::Invalid),
            };
        }
        let body = json!({
            "From": self.config.from,
            "To": to,
            "Subject": one_line(&letter.subject),
            "TextBody": letter.text,
            "HtmlBody": letter.html,
            "MessageStream": "outbound",
            "Tag": message.kind,
            // Comes back in every webhook.
            "Metadata": { "delivery_id": message.delivery_id },
            // A link that is rewritten, and an image that reports, are no business of an alarm.
            "TrackOpens": false,
            "TrackLinks": "None",
            "Headers": [
                // The same at every attempt and provider that lets us: a mailbox that gets it twice can show it once.
                { "Name": "Message-ID", "Value": format!("<{}@{}>", message.delivery_id, self.domain) },
                { "Name": "X-PM-KeepID", "Value": "true" },
                // RFC 3834: out-of-office programs stay quiet.
                { "Name": "Auto-Submitted", "Value": "auto-generated" },
            ],
        });
        let sent = self
            .client
            .post(self.url.clone())
            .timeout(self.config.timeout)
            .header("accept", "application/json")
            .header("x-postmark-server-token", self.config.token.expose_secret())
            .json(&body)
            .send()
            .await;
        let response = match sent {
            Ok(response) => response,
            Err(error) => return unanswered(&error),
        };
        let status = response.status();
        let wait = retry_after(response.headers());
        // A body that breaks off is like one that says nothing.
        let answer: Value = response.json().await.unwrap_or_default();
        match (status.is_success(), answer["ErrorCode"].as_u64(), answer["MessageID"].as_str()) {
            (true, Some(0), Some(id)) => Outcome::Accepted { provider_message_id: Some(id.to_owned()) },
            // A proxy's page can be a 200 too: without Postmark's word it was perhaps taken, no more.
            (true, None | Some(0), _) => Outcome::Unknown { code: "postmark:no-id".to_owned() },
            (_, code, _) => refused(status, code, wait),
        }
    }
}

/// What an error means (<https://postmarkapp.com/developer/api/overview#error-codes>).
fn refused(status: StatusCode, code: Option<u64>, wait: Option<Duration>) -> Outcome {
    let transient = |code: String| Outcome::Transient { code, retry_after: wait };
    let permanent = |code: String, turns_off| Outcome::Permanent { code, turns_off };
    match (status.as_u16(), code) {
        (_, Some(406)) => permanent("postmark:406".to_owned(), Some(OffReason::Bounced)),
        // Our token, our sender, our credits, their maintenance, too many: none of it is the address's fault.
        (_, Some(code @ (10 | 100 | 400 | 401 | 405 | 412 | 413 | 429))) => transient(format!("postmark:{code}")),
        (401 | 403 | 429 | 503, code) => {
            transient(code.map_or(format!("postmark:http-{}", status.as_u16()), |code| format!("postmark:{code}")))
        }
        // It may have been taken before the server fell over.
        (500.., _) => Outcome::Unknown { code: format!("postmark:http-{}", status.as_u16()) },
        (_, Some(code)) => permanent(format!("postmark:{code}"), None),
        (_, None) => permanent(format!("postmark:http-{}", status.as_u16()), None),
    }
}
