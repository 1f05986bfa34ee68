//! SMS by Twilio's Programmable Messaging.

use std::fmt;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use reqwest::StatusCode;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use url::Url;
use uuid::Uuid;

use super::http::{ask, retry_after, unanswered};
use super::{Content, Destination, Message, OffReason, Outcome};

/// Twilio answers within 10 s, or its gateway gives up.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);
/// Twilio's limits of `ValidityPeriod`, in seconds.
const VALIDITY_SECONDS: (u64, u64) = (1, 36_000);
/// How far Twilio's clock may differ from ours, and its whole seconds from our parts of one.
const CLOCK_SLACK: TimeDelta = TimeDelta::seconds(30);

/// Where Twilio is, and who we are there.
#[derive(Clone)]
pub struct TwilioConfig {
    /// Base URL, `https://api.twilio.com` in production.
    pub url: Url,
    /// The account, `AC…`.
    pub account_sid: String,
    /// The first of the configured auth tokens.
    pub auth_token: SecretString,
    /// A number as E.164, or a messaging service (`MG…`).
    pub from: String,
    /// Where Twilio reports what became of a message; `?delivery=…` is added to it.
    pub status_callback: Option<Url>,
    /// How long one request may take, [`DEFAULT_TIMEOUT`] by default.
    pub timeout: Duration,
}

/// The base URL cannot have a path.
#[derive(Debug, thiserror::Error)]
#[error("the Twilio URL is not a base URL")]
pub struct TwilioConfigError;

/// The SMS sender.
pub struct Twilio {
    client: reqwest::Client,
    messages_url: Url,
    config: TwilioConfig,
}

impl fmt::Debug for Twilio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Twilio")
    }
}

impl Twilio {
    /// Takes the configuration and the server's HTTP client; asks nothing of the network.
    pub fn new(config: TwilioConfig, client: reqwest::Client) -> Result<Self, TwilioConfigError> {
        let messages_url = account_url(&config, &[&config.account_sid, "Messages.json"])?;
        Ok(Self { client, messages_url, config })
    }

    /// Whether Twilio knows our account and token.
    ///
    /// # Errors
    /// Why not, in plain words.
    pub async fn check(&self) -> Result<(), String> {
        check_account(&self.client, &self.config).await
    }

    /// Sends one SMS. Twilio knows no idempotency: after [`Outcome::Unknown`] ask [`Twilio::find_sent`] first.
    pub async fn send(&self, message: &Message) -> Outcome {
        let (Destination::Phone(to), Content::Sms(sms)) = (&message.to, &message.content) else {
            return Outcome::wrong_channel();
        };
        let from_name = if self.config.from.starts_with("MG") { "MessagingServiceSid" } else { "From" };
        let validity = sms.ttl.as_secs().clamp(VALIDITY_SECONDS.0, VALIDITY_SECONDS.1).to_string();
        let mut form = vec![
            ("To", to.as_str()),
            (from_name, &self.config.from),
            ("Body", &sms.text),
            ("ValidityPeriod", &validity),
        ];
        let callback = self.config.status_callback.as_ref().map(|url| callback(url, message.delivery_id));
        if let Some(url) = &callback {
            form.push(("StatusCallback", url.as_str()));
        }
        let sent = self
            .client
            .post(self.messages_url.clone())
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
        // Taken and failed in one breath: never "sent" (R7.1).
        match (answer["error_code"].as_u64(), answer["status"].as_str()) {
            (Some(code), _) => failed(code, wait),
            (None, Some("failed" | "undelivered" | "canceled")) => {
                Outcome::Transient { code: "twilio:failed".to_owned(), retry_after: wait }
            }
            _ => match answer["sid"].as_str() {
                Some(sid) => Outcome::Accepted { provider_message_id: Some(sid.to_owned()) },
                // A proxy's page can be a 200 too: without Twilio's word it was perhaps taken, no more.
                None => Outcome::Unknown { code: "twilio:no-sid".to_owned() },
            },
        }
    }

    /// The name (SID) under which Twilio took this text to this number at or after `since`, if it did. To be
    /// asked before a resend after [`Outcome::Unknown`] or a lease that ran out. When Twilio cannot be asked
    /// the answer is no: a duplicate is a nuisance, a lost alert is not. `others`: the names (SID) of messages that carried
    /// other deliveries; the same words about another Member, or of another round, are not this message.
    pub async fn find_sent(&self, to: &str, body: &str, since: DateTime<Utc>, others: &[String]) -> Option<String> {
        let list = newest(&self.client, &self.config, &self.messages_url, to).await?;
        let found = list["messages"].as_array()?.iter().find(|message| {
            message["to"] == to
                && message["body"] == body
                && !others.iter().any(|other| message["sid"] == **other)
                && is_since(message, since)
                && !matches!(message["status"].as_str(), Some("failed" | "undelivered" | "canceled"))
        })?;
        found["sid"].as_str().map(str::to_owned)
    }
}

/// What Twilio has of the newest messages or calls to a number; `None` when it cannot be asked.
pub(super) async fn newest(client: &reqwest::Client, config: &TwilioConfig, list: &Url, to: &str) -> Option<Value> {
    let mut url = list.clone();
    // Newest first. Not filtered by a date: what is queued has none yet.
    url.query_pairs_mut().append_pair("To", to).append_pair("PageSize", "50");
    let asked = client
        .get(url)
        .timeout(config.timeout)
        .basic_auth(&config.account_sid, Some(config.auth_token.expose_secret()))
        .send()
        .await;
    let response = asked.ok()?;
    response.status().is_success().then_some(())?;
    Some(response.json().await.unwrap_or_default())
}

/// Where the REST API has something of our account.
pub(super) fn account_url(config: &TwilioConfig, path: &[&str]) -> Result<Url, TwilioConfigError> {
    let mut url = config.url.clone();
    url.path_segments_mut()
        .map_err(|()| TwilioConfigError)?
        .pop_if_empty()
        .extend(["2010-04-01", "Accounts"])
        .extend(path);
    Ok(url)
}

/// Whether Twilio knows an account and its token.
pub(super) async fn check_account(client: &reqwest::Client, config: &TwilioConfig) -> Result<(), String> {
    let url = account_url(config, &[&format!("{}.json", config.account_sid)]).map_err(|error| error.to_string())?;
    let request = client.get(url).basic_auth(&config.account_sid, Some(config.auth_token.expose_secret()));
    let account = ask(request, config.timeout).await?;
    if account["status"] == "active" { Ok(()) } else { Err("the account is not active".to_owned()) }
}

/// Whether Twilio made it at or after this time, by its clock.
pub(super) fn is_since(made: &Value, since: DateTime<Utc>) -> bool {
    let created_at = made["date_created"].as_str().and_then(|date| DateTime::parse_from_rfc2822(date).ok());
    created_at.is_some_and(|at| at >= since - CLOCK_SLACK)
}

/// Where Twilio reports on this delivery: it may do so before its answer has told us the message's name. `#rc=5&rp=all`
/// makes it try five times, whatever went wrong (<https://www.twilio.com/docs/usage/webhooks/webhooks-connection-overrides>).
pub(super) fn callback(url: &Url, delivery: Uuid) -> Url {
    let mut url = url.clone();
    url.query_pairs_mut().append_pair("delivery", &delivery.to_string());
    url.set_fragment(Some("rc=5&rp=all"));
    url
}

/// What an HTTP error means.
pub(super) fn refused(status: StatusCode, code: Option<u64>, wait: Option<Duration>) -> Outcome {
    let http = format!("twilio:http-{}", status.as_u16());
    match (status.as_u16(), code) {
        (429, code) => Outcome::Transient { code: format!("twilio:{}", code.unwrap_or(20429)), retry_after: wait },
        // Our credentials, not the address.
        (401 | 403, code) => {
            Outcome::Transient { code: code.map_or(http, |code| format!("twilio:{code}")), retry_after: wait }
        }
        (503, _) => Outcome::Transient { code: http, retry_after: wait },
        // It may have been taken before the server fell over.
        (500.., _) => Outcome::Unknown { code: http },
        (_, Some(code)) => failed(code, wait),
        (_, None) => Outcome::Permanent { code: http, turns_off: None },
    }
}

/// What one of Twilio's error codes means, in an answer, a status callback or a poll
/// (<https://www.twilio.com/docs/api/errors>). `wait`: what `Retry-After` said.
pub fn failed(code: u64, wait: Option<Duration>) -> Outcome {
    let permanent = |turns_off| Outcome::Permanent { code: format!("twilio:{code}"), turns_off };
    match code {
        // Queue overflow, unreachable handset, unknown destination, unknown error, too many requests.
        30001 | 30003 | 30005 | 30008 | 20429 => {
            Outcome::Transient { code: format!("twilio:{code}"), retry_after: wait }
        }
        21610 => permanent(Some(OffReason::Stopped)),
        21614 | 30006 => permanent(Some(OffReason::Landline)),
        21211 => permanent(Some(OffReason::Invalid)),
        // 30007 filtered by the carrier, and whatever else is about this message or our account.
        _ => permanent(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_of_the_rules_has_its_meaning() {
        let off = |code| match failed(code, None) {
            Outcome::Permanent { turns_off, .. } => turns_off,
            other => panic!("{code}: {other:?}"),
        };
        assert_eq!(off(21610), Some(OffReason::Stopped));
        assert_eq!(off(21614), Some(OffReason::Landline));
        assert_eq!(off(30006), Some(OffReason::Landline));
        assert_eq!(off(21211), Some(OffReason::Invalid));
        assert_eq!(off(30007), None);
        for code in [30001, 30003, 30005, 30008, 20429] {
            assert!(matches!(failed(code, None), Outcome::Transient { .. }), "{code}");
        }
    }
}
