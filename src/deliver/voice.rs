//! Automated calls by Twilio's Programmable Voice. What is said goes along with the request, so that a call speaks though
//! we cannot be reached when it is answered.

use std::fmt;

use chrono::{DateTime, Utc};
use secrecy::ExposeSecret as _;
use serde_json::Value;
use url::Url;

use super::http::{retry_after, unanswered};
use super::sms::{TwilioConfig, TwilioConfigError, account_url, callback, check_account, is_since, newest, refused};
use super::{Content, Destination, Message, Outcome};

/// How long it rings, in seconds: less than most voicemails wait would be too short to reach a phone.
const RING_SECONDS: &str = "40";
/// Twilio's longest `Twiml` parameter, in characters.
pub const MAX_TWIML: usize = 4000;

/// The caller.
pub struct Calls {
    client: reqwest::Client,
    calls_url: Url,
    config: TwilioConfig,
}

impl fmt::Debug for Calls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Calls")
    }
}

impl Calls {
    /// Takes the configuration and the server's HTTP client; asks nothing of the network. `from` is a number: a messaging
    /// service cannot call.
    pub fn new(config: TwilioConfig, client: reqwest::Client) -> Result<Self, TwilioConfigError> {
        let calls_url = account_url(&config, &[&config.account_sid, "Calls.json"])?;
        Ok(Self { client, calls_url, config })
    }

    /// Whether Twilio knows our account and token.
    ///
    /// # Errors
    /// Why not, in plain words.
    pub async fn check(&self) -> Result<(), String> {
        check_account(&self.client, &self.config).await
    }

    /// The name (SID) under which Twilio took a call to this number at or after `since`, if it did: to be asked before it
    /// rings a second time, as [`super::sms::Twilio::find_sent`] is. What a call says Twilio does not tell: so only where it
    /// cannot be another delivery's (`rules.is_only_call`). One that nobody took is no reason not to call.
    pub async fn find_made(&self, to: &str, since: DateTime<Utc>, others: &[String]) -> Option<String> {
        let list = newest(&self.client, &self.config, &self.calls_url, to).await?;
        let found = list["calls"].as_array()?.iter().find(|call| {
            call["to"] == to
                && call["direction"] == "outbound-api"
                && !others.iter().any(|other| call["sid"] == **other)
                && is_since(call, since)
                && !matches!(call["status"].as_str(), Some("failed" | "canceled" | "busy" | "no-answer"))
        })?;
        found["sid"].as_str().map(str::to_owned)
    }

    /// Has somebody called. That it is accepted says nothing of whether anybody answers: only a pressed key does (R6.6).
    pub async fn send(&self, message: &Message) -> Outcome {
        let (Destination::Phone(to), Content::Call(call)) = (&message.to, &message.content) else {
            return Outcome::wrong_channel();
        };
        let status = self.config.status_callback.as_ref().map(|url| callback(url, message.delivery_id));
        let mut form =
            vec![("To", to.as_str()), ("From", &self.config.from), ("Twiml", &call.twiml), ("Timeout", RING_SECONDS)];
        if let Some(url) = &status {
            form.push(("StatusCallback", url.as_str()));
        }
        let sent = self
            .client
            .post(self.calls_url.clone())
            .timeout(self.config.timeout)
            .basic_auth(&self.config.account_sid, Some(self.config.auth_token.expose_secret()))
            .form(&form)
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
        if !status.is_success() {
            return refused(status, answer["code"].as_u64(), wait);
        }
        match (answer["sid"].as_str(), answer["status"].as_str()) {
            (_, Some("failed" | "canceled" | "busy" | "no-answer")) => {
                Outcome::Transient { code: "twilio:failed".to_owned(), retry_after: wait }
            }
            (Some(sid), _) => Outcome::Accepted { provider_message_id: Some(sid.to_owned()) },
            // A proxy's page can be a 200 too: without Twilio's word it was perhaps taken, no more.
            (None, _) => Outcome::Unknown { code: "twilio:no-sid".to_owned() },
        }
    }
}
