//! Who may pass: where a request comes from, at what pace, and whether the app is new enough.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ipnet::IpNet;
use poem::http::{HeaderMap, Method};
use poem::{Endpoint, Request};
use serde::Deserialize;
use tokio::sync::Semaphore;
use uuid::Uuid;

use super::export::PAGES_AT_ONCE;
use super::pace::{Pace, Standing};
use super::sockets::{InHand, Sockets};
use super::streams::Streams;
use super::turns::{Kind, Turn, Turns, Who};
use crate::app::App;
use crate::config::Config;
use crate::db::Caller;
use crate::descriptors;
use crate::problem::{Code, Problem};

/// What saves somebody, or keeps a device able to: never refused for its pace, nor for the age of the app. Each is
/// guarded where it is done: by a session, by a secret of 256 bits, or by having nothing to add the second time.
pub const SAFETY_ACTS: &[&str] = &[
    "/v1/me/check-ins",
    "/v1/me/help-requests",
    "/v1/linked-devices/check-ins",
    "/v1/alerts/{id}/acknowledge",
    "/v1/alerts/{id}/needs-more-help",
    "/v1/alerts/{id}/close",
    "/v1/alerts/{id}/cancel",
    "/v1/members/{id}/attestations",
    "/v1/deliveries/{id}/confirm",
    // Without it the next check-in would find nobody signed in; and a whole carrier may share one address.
    REFRESH,
];
/// It takes none of the connections to the database that are kept for saving somebody: nobody has to be anybody to ask it.
const REFRESH: &str = "/v1/auth/sessions/refresh";
/// What also an app that is too old may do: sign in, look at what is wrong, and act on it.
const OPEN_TO_OLD_APPS: &[&str] = &["/v1/auth/", "/v1/alerts", "/v1/members", "/v1/deliveries/"];
/// Pages that are opened by a signed link from a message, with any method.
const ONE_TAP_PAGES: &str = "/a/";
/// Who asks these asks often, from one address: those who run the server, and providers with signed receipts.
const ASKED_BY_MACHINES: &[&str] = &["/healthz", "/readyz", "/metrics", "/webhooks/"];
/// How often the numbers that the gate needs are read: what a DBA changes counts within this time.
const SETTINGS_EVERY: Duration = Duration::from_secs(3);
/// Which app the caller is: `1.4.2`.
const APP_VERSION: &str = "x-app-version";

/// What is known of a request before it is read.
#[derive(Clone)]
pub struct Origin {
    /// The client's `X-Request-Id`, or one of ours.
    pub request_id: String,
    /// The client's address, as far as proxies of ours tell it.
    pub ip: Option<IpAddr>,
    /// How much the caller may still send; known once somebody has looked.
    pub standing: Standing,
    /// One of [`SAFETY_ACTS`].
    pub is_safety_act: bool,
    /// Whether it may use the connections to the database that are kept for saving somebody.
    pub saves: bool,
    /// What it holds until it is answered.
    pub held: Held,
}

/// What a request holds until it is answered: its connection, and a turn of whoever asks.
#[derive(Clone, Default)]
pub struct Held(Arc<Mutex<(Option<InHand>, Option<Turn>)>>);

impl Held {
    /// The connection, which is not closed for somebody else's sake meanwhile.
    pub fn keep_connection(&self, connection: Option<InHand>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).0 = connection;
    }

    fn keep_turn(&self, turn: Turn) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).1 = Some(turn);
    }

    /// It is answered: the turn is over. The connection is for whoever still writes the answer.
    pub fn release(&self) -> Option<InHand> {
        let (connection, turn) = &mut *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        drop(turn.take());
        connection.take()
    }
}

/// Decides who may pass.
pub struct Gate {
    trusted_proxies: Vec<IpNet>,
    users: Pace,
    networks: Pace,
    least_app_version: AtomicU32,
    /// The connections of clients.
    pub sockets: Arc<Sockets>,
    /// Live streams.
    pub streams: Arc<Streams>,
    /// Requests in hand.
    pub turns: Turns,
    /// Pages of downloads that are being read.
    pub export_pages: Semaphore,
    /// Whether the outside sees HTTPS: only then is there anything to be strict about.
    pub is_https: bool,
}

/// What `jobs.settings` answers.
#[derive(Deserialize)]
struct Settings {
    least_app_version: u32,
}

impl Gate {
    /// As this configuration wants it; every version of the app may pass until the database has been asked.
    #[must_use]
    pub fn new(config: &Config) -> Self {
        let by_open_files = || descriptors::clients(descriptors::limit());
        let places = config.connections.map_or_else(by_open_files, NonZeroUsize::get);
        Self {
            trusted_proxies: config.trusted_proxies.clone(),
            users: Pace::new("user", config.requests_per_minute),
            networks: Pace::new("network", config.requests_per_minute),
            least_app_version: AtomicU32::new(0),
            sockets: Sockets::new(places, config.trusted_proxies.clone()),
            streams: Streams::new(places),
            turns: Turns::default(),
            export_pages: Semaphore::new(PAGES_AT_ONCE),
            is_https: config.public_url.scheme() == "https",
        }
    }

    /// What there is to know of a request.
    pub fn origin(&self, request: &Request, request_id: String) -> Origin {
        let peer = request.remote_addr().as_socket_addr().map(SocketAddr::ip);
        let path = request.uri().path();
        let is_safety_act = is_safety_act(request.method(), path);
        Origin {
            request_id,
            ip: peer.map(|peer| client(peer, request.headers(), &self.trusted_proxies)),
            standing: Standing::default(),
            is_safety_act,
            saves: is_safety_act && path != REFRESH,
            held: Held::default(),
        }
    }

    /// Counts a request of a signed-in user, and waits for their turn.
    ///
    /// # Errors
    /// `too-many-requests`.
    pub async fn let_user_in(&self, user: Uuid, origin: &Origin) -> Result<(), Problem> {
        if !origin.is_safety_act {
            self.users.count(&user, &origin.standing)?;
        }
        self.take_turn(Who::User(user), origin).await
    }

    /// Counts a request of nobody, by the network it comes from, and waits for its turn.
    ///
    /// # Errors
    /// `too-many-requests`.
    pub async fn let_network_in(&self, origin: &Origin) -> Result<(), Problem> {
        self.count_network(origin)?;
        self.take_turn(Who::Network(network(origin.ip)), origin).await
    }

    /// Counts a request of nobody, by the network it comes from.
    ///
    /// # Errors
    /// `too-many-requests`.
    pub fn count_network(&self, origin: &Origin) -> Result<(), Problem> {
        if origin.is_safety_act { Ok(()) } else { self.networks.count(&network(origin.ip), &origin.standing) }
    }

    async fn take_turn(&self, who: Who, origin: &Origin) -> Result<(), Problem> {
        let kind = if origin.is_safety_act { Kind::Safety } else { Kind::Ordinary };
        origin.held.keep_turn(self.turns.take(kind, who).await?);
        Ok(())
    }

    fn refuse_old_app(&self, request: &Request) -> Result<(), Problem> {
        let least = self.least_app_version.load(Ordering::Relaxed);
        match request.header(APP_VERSION).and_then(version) {
            Some(version) if version < least => Err(Problem::new(Code::AppTooOld).detail(format!(
                "This app is too old. Install version {}.{}.{} or a newer one.",
                least / 10_000,
                least / 100 % 100,
                least % 100
            ))),
            _ => Ok(()),
        }
    }
}

/// Lets a request pass, or refuses it before anything of it is read.
///
/// # Errors
/// `app-too-old`, `too-many-requests`, and what the endpoint refuses.
pub async fn pass<E: Endpoint>(app: Arc<App>, endpoint: Arc<E>, request: Request) -> poem::Result<E::Output> {
    if let Some(origin) = request.extensions().get::<Origin>().filter(|origin| !origin.is_safety_act) {
        let path = request.uri().path();
        if !OPEN_TO_OLD_APPS.iter().any(|open| path.starts_with(open)) {
            app.gate.refuse_old_app(&request)?;
        }
        // Whoever calls the API is counted once it is known who that is.
        if !path.starts_with("/v1/") && !ASKED_BY_MACHINES.iter().any(|asked| path.starts_with(asked)) {
            app.gate.count_network(origin)?;
        }
    }
    endpoint.call(request).await
}

/// Reads the numbers that the gate needs, again and again: no request waits for it.
pub async fn follow_settings(app: Arc<App>) {
    while !app.stop.is_cancelled() {
        let read: Result<Settings, Problem> = app.db.read(&Caller::worker(), "jobs.settings()", &[]).await;
        if let Ok(settings) = read {
            app.gate.least_app_version.store(settings.least_app_version, Ordering::Relaxed);
        }
        tokio::select! {
            () = app.stop.cancelled() => {}
            () = tokio::time::sleep(SETTINGS_EVERY) => {}
        }
    }
}

/// `1.4.2` as 10402, the way the policy is written; what stands behind the numbers does not matter. None when it is no
/// version: then nobody is turned away.
fn version(text: &str) -> Option<u32> {
    let numbers = text.trim().split(['-', '+', ' ']).next()?;
    let mut parts = numbers.split('.').map(|part| part.parse::<u32>().ok().map(|part| part.min(99)));
    let (major, minor, patch) = (parts.next()??, parts.next().unwrap_or(Some(0))?, parts.next().unwrap_or(Some(0))?);
    Some(major * 10_000 + minor * 100 + patch)
}

fn is_safety_act(method: &Method, path: &str) -> bool {
    let fits = |act: &&str| {
        act.split('/').count() == path.split('/').count()
            && act.split('/').zip(path.split('/')).all(|(part, given)| part == "{id}" || part == given)
    };
    path.starts_with(ONE_TAP_PAGES) || (method == Method::POST && SAFETY_ACTS.iter().any(fits))
}

/// The client behind proxies: `X-Forwarded-For` is read from the right, each entry as long as the one who wrote it is
/// trusted. What a client wrote itself is never reached.
fn client(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    let mut client = peer.to_canonical();
    if trusted.is_empty() {
        return client;
    }
    let lines: Vec<&str> = headers.get_all("x-forwarded-for").iter().filter_map(|line| line.to_str().ok()).collect();
    for hop in lines.iter().flat_map(|line| line.split(',')).rev() {
        let is_trusted = trusted.iter().any(|network| network.contains(&client));
        let (true, Some(before)) = (is_trusted, address(hop.trim())) else { break };
        client = before.to_canonical();
    }
    client
}

/// An address as proxies write it: alone, or with a port.
fn address(hop: &str) -> Option<IpAddr> {
    let with_port = || hop.parse::<SocketAddr>().ok().map(|address| address.ip());
    hop.parse().ok().or_else(with_port).or_else(|| hop.strip_prefix('[')?.strip_suffix(']')?.parse().ok())
}

/// What one customer of a provider has: an IPv4 address, or the /64 of an IPv6 address. Unknown ones count as one. The
/// same as `rules.caller_network`.
pub fn network(ip: Option<IpAddr>) -> IpAddr {
    match ip {
        Some(IpAddr::V6(ip)) => IpAddr::V6(Ipv6Addr::from_bits(ip.to_bits() & (u128::MAX << 64))),
        Some(ip) => ip,
        None => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn behind(peer: &str, lines: &[&str], trusted: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append("x-forwarded-for", line.parse().unwrap());
        }
        let trusted: Vec<IpNet> = trusted.iter().map(|network| network.parse().unwrap()).collect();
        client(peer.parse().unwrap(), &headers, &trusted).to_string()
    }

    #[test]
    fn the_client_is_who_the_last_proxy_that_is_not_ours_says() {
        let ours = &["10.0.0.0/8", "fd00::/8"][..];
        for (peer, lines, trusted, client) in [
            // Nobody is trusted unless it is said.
            ("10.0.0.1", &["1.1.1.1"][..], &[][..], "10.0.0.1"),
            ("9.9.9.9", &["1.1.1.1"], ours, "9.9.9.9"),
            ("10.0.0.1", &[], ours, "10.0.0.1"),
            ("10.0.0.1", &["1.1.1.1"], ours, "1.1.1.1"),
            // What the client wrote stands further left, and is not believed.
            ("10.0.0.1", &["6.6.6.6, 1.1.1.1"], ours, "1.1.1.1"),
            ("10.0.0.1", &["6.6.6.6", "1.1.1.1, 10.9.9.9"], ours, "1.1.1.1"),
            ("10.0.0.1", &["10.0.0.2, 10.0.0.3"], ours, "10.0.0.2"),
            // What cannot be read ends the walk at the last that is known.
            ("10.0.0.1", &["1.1.1.1, unknown"], ours, "10.0.0.1"),
            ("10.0.0.1", &["1.1.1.1:1234"], ours, "1.1.1.1"),
            ("fd00::1", &["[2001:db8::1]:443"], ours, "2001:db8::1"),
            ("fd00::1", &["[2001:db8::1]"], ours, "2001:db8::1"),
            ("::ffff:10.0.0.1", &["::ffff:1.1.1.1"], ours, "1.1.1.1"),
        ] {
            assert_eq!(behind(peer, lines, trusted), client, "{peer} {lines:?}");
        }
    }

    #[test]
    fn an_ipv6_address_counts_as_its_64() {
        let of = |ip: &str| network(Some(ip.parse().unwrap())).to_string();
        assert_eq!(of("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
        assert_eq!(of("192.0.2.7"), "192.0.2.7");
        assert_eq!(network(None).to_string(), "0.0.0.0");
    }

    #[test]
    fn a_version_is_read_as_the_policy_writes_it() {
        for (text, number) in [
            ("1.4.2", Some(10_402)),
            ("1.4", Some(10_400)),
            ("2", Some(20_000)),
            (" 1.4.2-beta+77", Some(10_402)),
            ("1.4.123", Some(10_499)),
            ("1.4.2.9", Some(10_402)),
            ("", None),
            ("v1", None),
            ("1.x", None),
            ("99999999999", None),
        ] {
            assert_eq!(version(text), number, "{text}");
        }
    }

    #[test]
    fn what_saves_somebody_is_known_by_its_path() {
        for path in
            ["/v1/me/check-ins", "/v1/alerts/1/acknowledge", "/v1/auth/sessions/refresh", "/v1/members/1/attestations"]
        {
            assert!(is_safety_act(&Method::POST, path), "{path}");
        }
        assert!(is_safety_act(&Method::GET, "/a/token") && is_safety_act(&Method::POST, "/a/token"));
        for path in ["/v1/auth/sessions", "/v1/alerts/1", "/v1/alerts/1/acknowledge/", "/v1/me/check-ins/1", "/"] {
            assert!(!is_safety_act(&Method::POST, path), "{path}");
        }
        assert!(!is_safety_act(&Method::GET, "/v1/me/check-ins"));
    }
}
