//! Asks providers what became of messages of which no callback has told (R7.1): callbacks get lost, and "accepted" is not
//! "delivered".

use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use reqwest::StatusCode;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;
use uuid::Uuid;

use crate::app::App;
use crate::config::Config;
use crate::db::Caller;
use crate::jobs::pause;
use crate::webhooks::{Receipt, postmark, twilio};

/// How often is looked for something to ask.
const POLL: Duration = Duration::from_secs(5);
/// How many are asked in one go.
const MOST: i32 = 40;
/// How many of them at once.
const AT_ONCE: usize = 4;
/// How long an answer may take.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Who can be asked.
pub struct Askers {
    client: reqwest::Client,
    twilio: Option<Twilio>,
    postmark: Option<Postmark>,
}

struct Postmark {
    url: Url,
    token: SecretString,
}

struct Twilio {
    url: Url,
    account_sid: String,
    auth_token: SecretString,
}

#[derive(Deserialize)]
struct Poll {
    id: Uuid,
    channel: String,
    provider: Option<String>,
    provider_message_id: String,
}

/// What `jobs.record_receipts` answers.
#[derive(Deserialize)]
struct Kept {
    problems: Vec<String>,
}

impl Askers {
    /// As this configuration wants it.
    ///
    /// # Errors
    /// When there can be no HTTP client.
    pub fn new(config: &Config) -> reqwest::Result<Self> {
        // Nobody's messages wait for these connections.
        let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build()?;
        let twilio = config.twilio.as_ref().map(|twilio| Twilio {
            url: twilio.url.clone(),
            account_sid: twilio.account_sid.clone(),
            auth_token: twilio.auth_tokens[0].clone(),
        });
        let postmark = config
            .postmark
            .as_ref()
            .map(|postmark| Postmark { url: postmark.url.clone(), token: postmark.token.clone() });
        Ok(Self { client, twilio, postmark })
    }

    /// What the provider says of a message; nothing when it cannot be asked now.
    async fn ask(&self, poll: &Poll) -> Option<(&'static str, Receipt)> {
        let message = &poll.provider_message_id;
        let (provider, receipt) = match (poll.channel.as_str(), poll.provider.as_deref()) {
            ("sms" | "voice", _) => ("twilio", self.ask_twilio(message).await?),
            (_, Some("postmark")) => ("postmark", self.ask_postmark(message).await?),
            _ => return None,
        };
        Some((provider, Receipt { delivery_id: Some(poll.id), ..receipt }))
    }

    /// One that Postmark does not know says nothing: how long it keeps messages is a setting of the account, and taking one
    /// for lost would send every e-mail again.
    async fn ask_postmark(&self, message: &str) -> Option<Receipt> {
        let details = self.ask_postmark_for(&["messages", "outbound", message, "details"]).await?;
        match postmark::polled(message, &details) {
            Ok(receipt) => receipt,
            Err(bounce) => {
                let mut bounce = self.ask_postmark_for(&["bounces", &bounce]).await?;
                bounce["RecordType"] = json!("Bounce");
                bounce["MessageID"] = json!(message);
                postmark::read(&bounce)
            }
        }
    }

    async fn ask_postmark_for(&self, path: &[&str]) -> Option<Value> {
        let postmark = self.postmark.as_ref()?;
        let asked = self
            .client
            .get(below(&postmark.url, path)?)
            .header("accept", "application/json")
            .header("x-postmark-server-token", postmark.token.expose_secret())
            .timeout(TIMEOUT);
        asked.send().await.ok()?.error_for_status().ok()?.json().await.ok()
    }

    async fn ask_twilio(&self, sid: &str) -> Option<Receipt> {
        let twilio = self.twilio.as_ref()?;
        let kind = if sid.starts_with("CA") { "Calls" } else { "Messages" };
        let url = below(&twilio.url, &["2010-04-01", "Accounts", &twilio.account_sid, kind, &format!("{sid}.json")])?;
        let token = twilio.auth_token.expose_secret();
        let answer =
            self.client.get(url).basic_auth(&twilio.account_sid, Some(token)).timeout(TIMEOUT).send().await.ok()?;
        if answer.status() == StatusCode::NOT_FOUND {
            // It said that it took it, and knows nothing of it.
            return Some(
                Receipt::new(format!("{sid}:not-found"), sid, "not-found").failed_this_time("twilio:not-found"),
            );
        }
        let answer: Value = answer.error_for_status().ok()?.json().await.ok()?;
        let status = answer["status"].as_str()?;
        Some(if kind == "Calls" {
            twilio::call(sid, status)
        } else {
            twilio::message(sid, status, answer["error_code"].as_u64())
        })
    }
}

fn below(base: &Url, path: &[&str]) -> Option<Url> {
    let mut url = base.clone();
    url.path_segments_mut().ok()?.pop_if_empty().extend(path);
    Some(url)
}

/// Asks, every so often. On its own: no delivery waits for it (R9.5).
pub async fn work(app: Arc<App>, askers: Arc<Askers>) {
    while !app.stop.is_cancelled() {
        let polls: Vec<Poll> =
            app.db.rows(&Caller::worker(), "jobs.claim_polls(most => $1)", &[&MOST]).await.unwrap_or_default();
        let is_all = polls.len() < usize::try_from(MOST).unwrap_or(usize::MAX);
        let ask = |poll: Poll| {
            let askers = Arc::clone(&askers);
            async move { askers.ask(&poll).await }
        };
        let mut answers = stream::iter(polls).map(ask).buffer_unordered(AT_ONCE);
        while let Some(answer) = answers.next().await {
            let Some((provider, receipt)) = answer else { continue };
            let call = "jobs.record_receipts(provider => $1, receipts => $2, is_from_poll => true)";
            // What cannot be kept is asked for again.
            let kept: Option<Kept> = app.db.write(&Caller::worker(), call, &[&provider, &json!([receipt])]).await.ok();
            for sqlstate in kept.into_iter().flat_map(|kept| kept.problems) {
                tracing::error!(webhook.provider = provider, error.sqlstate = sqlstate, "a receipt cannot be kept");
            }
        }
        if is_all {
            pause(&app.stop, POLL).await;
        }
    }
}
