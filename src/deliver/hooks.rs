//! Outgoing webhooks (<https://www.standardwebhooks.com>): programs of Contacts that want to be told of alerts. They have lanes
//! of their own, one for those that work and one for those that fail, so that a dead one delays neither people nor the others.
//!
//! Where they go is said by users. So nothing goes to an address of our own network, whatever a name means at the moment of
//! the connection: [`Outside`] resolves it for each connection anew, and gives public addresses only.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac as _};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use serde::Deserialize;
use serde_json::Value;
use sha2::Sha256;
use tokio::task::JoinSet;
use url::{Host, Url};
use uuid::Uuid;

use super::http::{retry_after, wall_clock};
use crate::app::App;
use crate::db::Caller;
use crate::vault::{WEBHOOK_CONTEXT, WEBHOOK_SECRET_CONTEXT, WEBHOOK_SECRET_PREFIX};

/// How often a lane looks. It is not woken: a burst of alerts has the database to itself.
const POLL: Duration = Duration::from_secs(1);
/// How many events a lane has in hand at once.
const AT_ONCE: usize = 24;
/// How long a receiver may take to answer; Standard Webhooks asks for 15 to 30 seconds.
const TIMEOUT: Duration = Duration::from_secs(15);
/// How long a connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Longer than any attempt: only of a sender that died is an event taken by another.
const LEASE_SECONDS: i32 = 60;
/// How long a stopping server waits for what is in hand.
const PATIENCE: Duration = Duration::from_secs(3);
/// The longest URL, in bytes.
const LONGEST_URL: usize = 1000;

/// An address that is not of the public internet.
#[derive(Debug, thiserror::Error)]
#[error("not a public address")]
struct NotPublic;

/// Resolves names to public addresses only.
struct Outside;

impl Resolve for Outside {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let public: Vec<SocketAddr> = found.filter(|address| is_public(address.ip())).collect();
            if public.is_empty() {
                return Err(NotPublic.into());
            }
            Ok(Box::new(public.into_iter()) as Addrs)
        })
    }
}

/// Whether an address is of the public internet, by IANA's registries of special-purpose addresses.
#[must_use]
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    !(address.is_private()
        || address.is_loopback()
        // With the metadata services of clouds.
        || address.is_link_local()
        || address.is_documentation()
        // "This network"; multicast, reserved and broadcast.
        || a == 0
        || a >= 224
        // Shared by the customers of a carrier, protocol assignments, the old way to IPv6, benchmarks.
        || (a == 100 && (64..128).contains(&b))
        || (a, b, c) == (192, 0, 0)
        || (a, b, c) == (192, 88, 99)
        || (a == 198 && (18..20).contains(&b)))
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let parts = address.segments();
    let v4 = |high: u16, low: u16| Ipv4Addr::from(u32::from(high) << 16 | u32::from(low));
    match parts {
        // An IPv4 address in the clothes of an IPv6 address: mapped, and as NAT64 translates it.
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => is_public_v4(v4(high, low)),
        // Protocol assignments with Teredo, documentation, 6to4.
        [0x2001, second, ..] if second < 0x200 || second == 0xdb8 => false,
        [0x2002, ..] | [0x3fff, 0..0x1000, ..] => false,
        // All that is given out for the public internet. Not in it: loopback, link-local, unique local, multicast.
        [first, ..] => first & 0xe000 == 0x2000,
    }
}

/// Sends events.
pub struct Hooks {
    client: reqwest::Client,
    is_lenient: bool,
}

/// A row of `jobs.claim_webhook_events`.
#[derive(Deserialize)]
struct Event {
    id: Uuid,
    webhook_id: Uuid,
    attempt: i32,
    sealed: String,
    secrets: Vec<Secret>,
    body: Value,
}

#[derive(Deserialize)]
struct Secret {
    id: Uuid,
    sealed: String,
}

/// Why an attempt was none: a code that is stored and shown.
struct Failure {
    code: String,
    is_gone: bool,
    retry_after: Option<Duration>,
}

impl Failure {
    fn of(code: impl Into<String>) -> Self {
        Self { code: code.into(), is_gone: false, retry_after: None }
    }
}

#[derive(Deserialize)]
struct Finished {}

impl Hooks {
    /// `is_lenient`: for `pruuf dev` and tests, whose receivers are on this machine and speak no TLS.
    ///
    /// # Errors
    /// When there can be no HTTP client.
    pub fn new(is_lenient: bool) -> reqwest::Result<Self> {
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            // A proxy would connect where it likes.
            .no_proxy()
            // Each connection is to an address that was looked at for it.
            .pool_max_idle_per_host(0)
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(TIMEOUT)
            .user_agent("Pruuf-Webhooks")
            .https_only(!is_lenient);
        let client = if is_lenient { client } else { client.dns_resolver(Arc::new(Outside)) };
        Ok(Self { client: client.build()?, is_lenient })
    }

    /// A URL that events may go to, in its one form.
    ///
    /// # Errors
    /// What is wrong with it, for whoever typed it.
    pub fn target(&self, url: &str) -> Result<Url, &'static str> {
        let url = Url::parse(url.trim()).map_err(|_| "This is not a URL.")?;
        if url.as_str().len() > LONGEST_URL {
            return Err("A URL has at most 1000 characters.");
        }
        let schemes: &[&str] = if self.is_lenient { &["https", "http"] } else { &["https"] };
        if !schemes.contains(&url.scheme()) {
            return Err("The URL must begin with https://.");
        }
        if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
            return Err("The URL must have no password and no fragment.");
        }
        // A name is looked at when it is connected to.
        let is_reachable = match url.host() {
            Some(Host::Ipv4(address)) => self.is_lenient || is_public_v4(address),
            Some(Host::Ipv6(address)) => self.is_lenient || is_public_v6(address),
            Some(Host::Domain(_)) => true,
            None => false,
        };
        if is_reachable { Ok(url) } else { Err("The URL must lead to a public address.") }
    }

    async fn send(&self, app: &App, event: &Event) -> Result<(), Failure> {
        let url = app
            .vault
            .open_row(WEBHOOK_CONTEXT, event.webhook_id, &event.sealed)
            .map_err(|_| Failure::of("cannot-open"))?;
        let url = self.target(&url).map_err(|_| Failure::of("not-public"))?;
        let body = event.body.to_string();
        let timestamp = wall_clock().timestamp().to_string();
        let mut signatures = Vec::new();
        for secret in &event.secrets {
            let secret = app.vault.open_row(WEBHOOK_SECRET_CONTEXT, secret.id, &secret.sealed);
            let secret = secret.map_err(|_| Failure::of("cannot-open"))?;
            signatures.push(sign(&secret, event.id, &timestamp, &body));
        }
        let request = self
            .client
            .post(url)
            .header("content-type", "application/json")
            .header("webhook-id", event.id.to_string())
            .header("webhook-timestamp", timestamp)
            .header("webhook-signature", signatures.join(" "))
            .body(body);
        // What it answers beside its status is not read.
        let answer = request.send().await.map_err(|error| Failure::of(why(&error)))?;
        match answer.status().as_u16() {
            200..300 => Ok(()),
            status => Err(Failure {
                code: format!("http-{status}"),
                is_gone: status == 410,
                retry_after: retry_after(answer.headers()),
            }),
        }
    }
}

/// Why no answer came.
fn why(error: &reqwest::Error) -> &'static str {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if error.is::<NotPublic>() {
            return "not-public";
        }
        cause = error.source();
    }
    if error.is_timeout() {
        "timeout"
    } else if error.is_connect() {
        "connect"
    } else {
        "connection-broken"
    }
}

/// What stands in `webhook-signature` for one secret.
fn sign(secret: &str, id: Uuid, timestamp: &str, body: &str) -> String {
    let key = STANDARD.decode(secret.trim_start_matches(WEBHOOK_SECRET_PREFIX)).unwrap_or_default();
    #[expect(clippy::expect_used, reason = "HMAC takes keys of any length (RFC 2104)")]
    let mut mac = <Hmac<Sha256> as hmac::KeyInit>::new_from_slice(&key).expect("a key of any length");
    mac.update(format!("{id}.{timestamp}.{body}").as_bytes());
    format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
}

/// How many events of each webhook are in hand.
#[derive(Clone, Default)]
struct Busy(Arc<Mutex<HashMap<Uuid, usize>>>);

impl Busy {
    fn counts(&self) -> MutexGuard<'_, HashMap<Uuid, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self, webhook: Uuid) -> Held {
        *self.counts().entry(webhook).or_default() += 1;
        Held { busy: self.clone(), webhook }
    }

    fn webhooks(&self) -> Vec<Uuid> {
        self.counts().keys().copied().collect()
    }
}

/// One event in hand, until it is dropped: also when its attempt crashed.
struct Held {
    busy: Busy,
    webhook: Uuid,
}

impl Drop for Held {
    fn drop(&mut self) {
        let mut counts = self.busy.counts();
        if let Some(count) = counts.get_mut(&self.webhook) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.webhook);
            }
        }
    }
}

/// Works one lane until the server stops: `failing`, that of webhooks whose last attempt failed.
pub async fn work(app: Arc<App>, failing: bool) {
    let busy = Busy::default();
    let mut in_hand = JoinSet::new();
    while !app.stop.is_cancelled() {
        let claimed = claim(&app, failing, AT_ONCE - in_hand.len(), &busy).await;
        let may_be_more = !claimed.is_empty();
        for event in claimed {
            let held = busy.take(event.webhook_id);
            in_hand.spawn(attempt(Arc::clone(&app), event, held));
        }
        tokio::select! {
            () = app.stop.cancelled() => {}
            _ = in_hand.join_next(), if may_be_more || in_hand.len() == AT_ONCE => {}
            () = tokio::time::sleep(POLL) => {}
        }
        while in_hand.try_join_next().is_some() {}
    }
    while in_hand.join_next().await.is_some() {}
}

async fn claim(app: &App, failing: bool, most: usize, busy: &Busy) -> Vec<Event> {
    let call = "jobs.claim_webhook_events(most => $1, failing => $2, busy => $3, lease_seconds => $4)";
    let most = i32::try_from(most).unwrap_or(0);
    if most == 0 {
        return Vec::new();
    }
    let params: crate::db::Params<'_> = &[&most, &failing, &busy.webhooks(), &LEASE_SECONDS];
    app.db.rows(&Caller::worker(), call, params).await.unwrap_or_default()
}

/// Comes when a stopping server has waited long enough.
async fn cut_off(app: &App) {
    app.stop.cancelled().await;
    tokio::time::sleep(PATIENCE).await;
}

async fn attempt(app: Arc<App>, event: Event, _held: Held) {
    let sent = tokio::select! {
        sent = app.hooks.send(&app, &event) => sent,
        // That is no fault of the webhook's: its lease ends, and another server takes it.
        () = cut_off(&app) => return,
    };
    let failure = sent.err();
    if let Some(failure) = &failure {
        tracing::info!(
            webhook.id = %event.webhook_id, webhook.event_id = %event.id, webhook.attempt = event.attempt, webhook.failure = failure.code,
            "a webhook was not told"
        );
    }
    let code = failure.as_ref().map(|failure| failure.code.as_str());
    let is_gone = failure.as_ref().is_some_and(|failure| failure.is_gone);
    let wait = failure.as_ref().and_then(|failure| failure.retry_after).map(|wait| wait.as_secs_f64());
    let call = "jobs.finish_webhook_event(event_id => $1, attempt => $2, failure => $3, is_gone => $4, retry_after_seconds => $5)";
    let params: crate::db::Params<'_> = &[&event.id, &event.attempt, &code, &is_gone, &wait];
    // What cannot be written is tried again when the lease is over.
    let _: Option<Finished> = app.db.write(&Caller::worker(), call, params).await.ok();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_of_the_public_internet_are_public() {
        for public in [
            "1.1.1.1",
            "100.63.255.255",
            "100.128.0.1",
            "172.15.0.1",
            "172.32.0.1",
            "192.0.1.1",
            "198.17.0.1",
            "223.255.255.255",
            "2606:4700::1111",
            "2a00:1450::1",
            "2001:200::1",
            "2001:4860:4860::8888",
            "::ffff:1.1.1.1",
            "64:ff9b::101:101",
        ] {
            assert!(is_public(public.parse().unwrap()), "{public}");
        }
        for private in [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "100.64.0.1",
            "100.127.255.255",
            "127.0.0.1",
            "127.8.8.8",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.8",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.7",
            "203.0.113.7",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::7f00:1",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "::ffff:10.0.0.1",
            "64:ff9b::7f00:1",
            "64:ff9b::a9fe:a9fe",
            "64:ff9b:1::1",
            "100::1",
            "2001::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "3fff::1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "fec0::1",
            "ff02::1",
        ] {
            assert!(!is_public(private.parse().unwrap()), "{private}");
        }
    }

    #[test]
    fn a_target_is_https_and_leads_to_the_public_internet() {
        let (strict, lenient) = (Hooks::new(false).unwrap(), Hooks::new(true).unwrap());
        for good in [
            "https://hooks.example.org/a?b=c",
            "https://hooks.example.org:8443",
            "https://1.1.1.1/",
            "https://[2606:4700::1111]/",
        ] {
            assert!(strict.target(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "hooks.example.org",
            "http://hooks.example.org/",
            "ftp://hooks.example.org/",
            "file:///etc/passwd",
            "https://user:password@hooks.example.org/",
            "https://hooks.example.org/#a",
            "https://127.0.0.1/",
            "https://2130706433/",
            "https://0x7f.1/",
            "https://017700000001/",
            "https://[::1]/",
            "https://[::ffff:127.0.0.1]/",
            "https://169.254.169.254/latest",
            "https://[fd00:ec2::254]/",
            &format!("https://hooks.example.org/{}", "x".repeat(1000)),
        ] {
            assert!(strict.target(bad).is_err(), "{bad}");
        }
        assert!(lenient.target("http://127.0.0.1:8080/").is_ok() && lenient.target("file:///etc/passwd").is_err());
    }

    #[tokio::test]
    async fn a_name_is_resolved_to_public_addresses_only() {
        let resolved = Outside.resolve("localhost".parse().unwrap()).await;
        assert!(resolved.err().unwrap().is::<NotPublic>());
    }

    /// Whether it is right a test asks with another library: `tests/http/hooks.rs`.
    #[test]
    fn events_are_signed_as_standard_webhooks_are() {
        let key = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        let id = Uuid::nil();
        let signature = sign(key, id, "1614265330", r#"{"test": 2432232314}"#);
        assert!(signature.starts_with("v1,") && signature.len() == 47, "{signature}");
        assert_ne!(signature, sign(key, id, "1614265331", r#"{"test": 2432232314}"#));
    }
}
