//! A world for a test: a database of its own, a server, fake providers, people, and a clock that moves when it is told.

pub mod accounts;
pub mod crowd;
pub mod database;
pub mod exact;
pub mod people;
pub mod plans;
pub mod process;

use std::collections::HashMap;
use std::future::Future;
use std::num::NonZeroU32;
use std::sync::Mutex;
use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use pruuf::auth::token::Tokens;
use pruuf::config::{BreakerConfig, Config, Fcm, Secrets, Smtp, Twilio, WebhookSecrets};
use pruuf::dev::fakes::{Channel, Fakes, Received, callbacks};
use pruuf::server::Server;
use pruuf::vault::Vault;
use reqwest::Method;
use serde_json::Value;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

pub use database::TestDatabase;
pub use people::Person;

/// How long anything that is awaited may take before the test fails. Generous: these machines are shared.
pub const PATIENCE: Duration = Duration::from_secs(20);
const KEY: [u8; 32] = [7; 32];

/// Everything a test needs. Made by [`world`], which also looks for messages that nobody expected.
pub struct World {
    pub db: TestDatabase,
    pub fakes: Fakes,
    pub vault: Vault,
    pub tokens: Tokens,
    pub servers: Vec<Server>,
    pub http: reqwest::Client,
    pub credentials: std::path::PathBuf,
    /// What the servers started from now on know of Stripe.
    pub stripe: Option<pruuf::config::Stripe>,
    expected: Mutex<Vec<(Channel, String, String)>>,
}

/// An answer of the API.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: reqwest::header::HeaderMap,
    pub body: Value,
}

impl Reply {
    /// The body of an answer with this status; anything else fails the test and shows what came.
    #[track_caller]
    pub fn expect(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{:#}", self.body);
        self.body
    }

    /// Checks a refusal: its status and its code.
    #[track_caller]
    pub fn refused(self, status: u16, code: &str) -> Value {
        assert_eq!((self.status, self.body["code"].as_str()), (status, Some(code)), "{:#}", self.body);
        assert_eq!(self.headers["content-type"], "application/problem+json");
        self.body
    }
}

/// Many calls, a few at a time: enough to race, few enough that a busy machine tells none of them to come again (503).
/// The answers are in the order of the calls.
pub async fn at_once<F: Future<Output = Reply>>(calls: impl Iterator<Item = F>) -> Vec<Reply> {
    stream::iter(calls).buffered(8).collect().await
}

/// Runs a test in a world with one server, then fails it if a message was sent that it did not expect.
pub async fn world<F>(test: impl FnOnce(World) -> F)
where
    F: Future<Output = World>,
{
    let mut world = World::without_server().await;
    world.start_server().await;
    let world = test(world).await;
    world.settle().await;
    let unexpected = world.unexpected();
    world.stop_servers().await;
    assert!(unexpected.is_empty(), "messages that nobody expected: {unexpected:#?}");
}

impl World {
    /// A world in which no server runs yet.
    pub async fn without_server() -> Self {
        Self::on(TestDatabase::create().await).await
    }

    /// A world on a database that exists; no server runs yet.
    pub async fn on(db: TestDatabase) -> Self {
        if std::env::var_os("RUST_LOG").is_some() {
            pruuf::telemetry::start("info");
        }
        let fakes = Fakes::start().await.unwrap();
        let credentials = std::env::temp_dir().join(format!("pruuf-test-fcm-{}.json", Uuid::new_v4()));
        std::fs::write(&credentials, fakes.fcm_credentials_json()).unwrap();
        Self {
            db,
            fakes,
            vault: Vault::new(vec![KEY]),
            tokens: Tokens::new(&[KEY]).unwrap(),
            servers: Vec::new(),
            http: reqwest::Client::new(),
            credentials,
            stripe: None,
            expected: Mutex::default(),
        }
    }

    /// The configuration of a server in this world.
    pub fn config(&self) -> Config {
        Config {
            database_url: self.db.server_url().into(),
            listen: "127.0.0.1:0".parse().unwrap(),
            public_url: "http://127.0.0.1".parse().unwrap(),
            trusted_proxies: Vec::new(),
            cors_origins: Vec::new(),
            // A test sends more in a second than a person in an hour.
            requests_per_minute: NonZeroU32::MAX,
            connections: None,
            secrets: Secrets { jwt: vec![KEY], pin_peppers: vec![KEY], data: vec![KEY] },
            fcm: Some(Fcm { url: self.fakes.fcm_url(), credentials: self.credentials.clone() }),
            postmark: None,
            sendgrid: None,
            smtp: Some(Smtp { url: self.fakes.smtp_url().into(), from: "Pruuf <hello@pruuf.example>".to_owned() }),
            webhooks: WebhookSecrets {
                postmark_password: Some(callbacks::POSTMARK_PASSWORD.into()),
                sendgrid_key: Some(callbacks::sendgrid_public_key().unwrap()),
            },
            webhooks_go_anywhere: true,
            twilio: Some(Twilio {
                url: self.fakes.twilio_url(),
                account_sid: "AC00000000000000000000000000000000".to_owned(),
                auth_tokens: vec!["new-token".into(), callbacks::TWILIO_TOKEN.into()],
                from: "+15005550006".to_owned(),
            }),
            provider_rates: HashMap::new(),
            // A test does not wait: what is left alone is so only just.
            breaker: BreakerConfig {
                first_pause: Duration::from_millis(20),
                longest_pause: Duration::from_millis(50),
                ..BreakerConfig::default()
            },
            stripe: self.stripe.clone(),
            heartbeat_url: None,
        }
    }

    /// Starts one more server.
    pub async fn start_server(&mut self) {
        self.servers.push(Server::start(self.config()).await.unwrap());
    }

    /// Stops all servers, gently.
    pub async fn stop_servers(mut self) {
        self.stop_all().await;
        std::fs::remove_file(&self.credentials).unwrap();
    }

    /// Stops all servers, gently; the world goes on.
    pub async fn stop_all(&mut self) {
        for server in self.servers.drain(..) {
            server.stop().await;
        }
    }

    /// The URL of a path at the first server.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.servers[0].address)
    }

    /// Calls the API. `who`: an access token, or nobody.
    pub async fn call(
        &self,
        method: Method,
        path: &str,
        who: Option<&str>,
        headers: &[(&str, &str)],
        body: Option<&Value>,
    ) -> Reply {
        let mut request = self.http.request(method, self.url(path));
        if let Some(token) = who {
            request = request.bearer_auth(token);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let text = response.text().await.unwrap();
        Reply { status, headers, body: serde_json::from_str(&text).unwrap_or(Value::String(text)) }
    }

    pub async fn get(&self, who: &Person, path: &str) -> Reply {
        self.call(Method::GET, path, Some(&who.token), &[], None).await
    }

    pub async fn post(&self, who: &Person, path: &str, body: Value) -> Reply {
        self.call(Method::POST, path, Some(&who.token), &[], Some(&body)).await
    }

    pub async fn put(&self, who: &Person, path: &str, body: Value) -> Reply {
        self.call(Method::PUT, path, Some(&who.token), &[], Some(&body)).await
    }

    pub async fn delete(&self, who: &Person, path: &str) -> Reply {
        self.call(Method::DELETE, path, Some(&who.token), &[], None).await
    }

    /// As the app does when it is opened: what was pushed has been seen, so no e-mail needs to follow it.
    pub async fn open_app(&self, who: &Person) {
        self.call(Method::POST, "/v1/notifications/read-all", Some(&who.token), &[], None).await.expect(200);
    }

    /// Calls the API as nobody.
    pub async fn post_as_nobody(&self, path: &str, body: Value) -> Reply {
        self.call(Method::POST, path, None, &[], Some(&body)).await
    }

    /// Waits for a message to this address whose title or text holds `words`, one more than were expected with the same words
    /// before, and counts it as expected.
    pub async fn expect_message(&self, channel: Channel, to: &str, words: &str) -> Received {
        let fits = |message: &Received| {
            message.channel == channel
                && message.to == to
                && message.has_arrived()
                && format!("{} {}", message.title.as_deref().unwrap_or_default(), message.text).contains(words)
        };
        let expectation = (channel, to.to_owned(), words.to_owned());
        let before = self.expected.lock().unwrap().iter().filter(|earlier| **earlier == expectation).count();
        let came =
            self.fakes.wait_for(|log| log.iter().filter(|message| fits(message)).count() > before, PATIENCE).await;
        assert!(came, "no {channel:?} to {to} with {words:?} came, but: {:#?}", self.fakes.received());
        self.expected.lock().unwrap().push(expectation);
        self.fakes.received().into_iter().filter(fits).nth(before).unwrap()
    }

    /// As if nothing had come, nor been expected, until now.
    pub fn forget(&self) {
        self.fakes.forget();
        self.expected.lock().unwrap().clear();
    }

    /// Waits for a message with these words on every channel that the person has.
    pub async fn expect_on_all_channels(&self, who: &Person, words: &str) {
        for (channel, to) in who.places() {
            self.expect_message(channel, &to, words).await;
        }
    }

    /// How many messages with these words have come to this place.
    pub fn count(&self, channel: Channel, to: &str, words: &str) -> usize {
        self.fakes
            .received()
            .iter()
            .filter(|message| message.channel == channel && message.to == to && message.has_arrived())
            .filter(|message| {
                format!("{} {}", message.title.as_deref().unwrap_or_default(), message.text).contains(words)
            })
            .count()
    }

    /// Each expectation stands for one message: a second one of the same kind is not expected.
    pub fn unexpected(&self) -> Vec<Received> {
        let mut left = self.expected.lock().unwrap().clone();
        let mut unexpected = Vec::new();
        for message in self.fakes.received().into_iter().filter(Received::has_arrived) {
            let shown = format!("{} {}", message.title.as_deref().unwrap_or_default(), message.text);
            match left.iter().position(|(channel, to, words)| {
                *channel == message.channel && *to == message.to && shown.contains(words)
            }) {
                Some(place) => drop(left.remove(place)),
                None => unexpected.push(message),
            }
        }
        unexpected
    }

    /// Waits until nothing is due and nothing is in a sender's hand.
    pub async fn settle(&self) {
        self.eventually(
            "everything that is due is done",
            "select not exists (select from data.deliveries where state = 'sending' or state = 'pending' and next_attempt_at <= rules.clock() and (expires_at is null or expires_at > rules.clock()))
                and not exists (select from data.obligations where state = 'open' and alert_at <= rules.clock() or remind_at <= rules.clock())
                and not exists (select from data.alerts where state <> 'resolved' and next_step_at <= rules.clock())",
            &[],
        )
        .await;
        // Without a server nobody looks.
        if !self.servers.is_empty() {
            self.coverage_is_known().await;
        }
    }

    /// Waits until somebody has looked whom every change concerns.
    pub async fn coverage_is_known(&self) {
        self.eventually("coverage is known", "select not exists (select from data.coverage_marks)", &[]).await;
    }

    /// Waits until a query gives true.
    pub async fn eventually(&self, what: &str, query: &str, params: &[&(dyn ToSql + Sync)]) {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        while !self.db.admin.query_one(query, params).await.unwrap().get::<_, bool>(0) {
            if tokio::time::Instant::now() > deadline {
                let left = self.admin_json("select d.channel, d.state, d.attempts, d.next_attempt_at, n.kind, rules.clock() as now, (select array_agg(result || ' ' || detail) from data.attempts t where t.delivery_id = d.id) as attempts from data.deliveries d join data.notifications n on n.id = d.notification_id where d.state in ('pending', 'sending')").await;
                panic!("it never came true that {what}; unsettled deliveries: {left:#}");
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Moves the clock to an instant (RFC 3339) once nothing is in hand, and wakes the servers.
    pub async fn travel_to(&self, instant: &str) {
        self.settle().await;
        let sql = "select meta.advance_clock($1::text::timestamptz - rules.clock())";
        self.db.admin.query_one(sql, &[&instant]).await.unwrap();
    }

    /// Moves the clock forward: `26h`.
    pub async fn advance(&self, by: &str) {
        self.settle().await;
        self.db.admin.query_one("select meta.advance_clock($1::text::interval)", &[&by]).await.unwrap();
    }

    /// All rows, as a JSON array.
    pub async fn admin_json(&self, query: &str) -> Value {
        self.db
            .admin
            .query_one(&format!("select coalesce(jsonb_agg(to_jsonb(r)), '[]') from ({query}) r"), &[])
            .await
            .unwrap()
            .get(0)
    }

    /// One row, as JSON.
    pub async fn row(&self, query: &str, params: &[&(dyn ToSql + Sync)]) -> Value {
        self.db.admin.query_one(&format!("select to_jsonb(r) from ({query}) r"), params).await.unwrap().get(0)
    }

    /// A number.
    pub async fn number(&self, query: &str, params: &[&(dyn ToSql + Sync)]) -> i64 {
        self.db.admin.query_one(query, params).await.unwrap().get(0)
    }
}
