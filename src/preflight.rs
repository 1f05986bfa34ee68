//! `pruuf preflight`: what whoever runs this looks at before a deploy, and in the middle of the night. It sends nothing to
//! anybody, changes nothing, and does not call the heartbeat: that would say that all is well.

use std::fmt;
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future::join_all;
use serde::Deserialize;
use url::Host;

use crate::billing::stripe::Stripe;
use crate::config::Config;
use crate::db::release::Fit;
use crate::db::{self, Caller, Db};
use crate::deliver::{provider, wall_clock};
use crate::descriptors;
use crate::server;
use crate::watch::Finding;

/// How long one provider may take to answer.
const PATIENCE: Duration = Duration::from_secs(15);
/// Providers refuse signatures that are minutes old, and an alert should not be seconds late.
const CLOCKS_MAY_DIFFER_BY: TimeDelta = TimeDelta::seconds(2);
/// The oldest PostgreSQL that the tests run on.
const OLDEST_POSTGRES: i32 = 150_000;

/// How grave a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// As it should be.
    Ok,
    /// To be known.
    Note,
    /// To be mended before anybody relies on it.
    Wrong,
}

/// What one check found. No secret and nobody's name is in it.
#[derive(Debug, Clone)]
pub struct Line {
    /// How grave it is.
    pub verdict: Verdict,
    /// What was looked at.
    pub what: String,
    /// What was found, in plain words.
    pub says: String,
}

impl Line {
    fn new(verdict: Verdict, what: impl Into<String>, says: impl Into<String>) -> Self {
        Self { verdict, what: what.into(), says: says.into() }
    }

    fn ok(what: impl Into<String>, says: impl Into<String>) -> Self {
        Self::new(Verdict::Ok, what, says)
    }

    fn note(what: impl Into<String>, says: impl Into<String>) -> Self {
        Self::new(Verdict::Note, what, says)
    }

    /// Something that is to be mended.
    pub fn wrong(what: impl Into<String>, says: impl Into<String>) -> Self {
        Self::new(Verdict::Wrong, what, says)
    }
}

impl fmt::Display for Line {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = match self.verdict {
            Verdict::Ok => "ok   ",
            Verdict::Note => "note ",
            Verdict::Wrong => "WRONG",
        };
        write!(to, "{verdict}  {}: {}", self.what, self.says)
    }
}

/// How many of these lines are to be mended.
#[must_use]
pub fn to_be_mended(lines: &[Line]) -> usize {
    lines.iter().filter(|line| line.verdict == Verdict::Wrong).count()
}

/// What `jobs.preflight()` answers.
#[derive(Deserialize)]
struct Seen {
    now: DateTime<Utc>,
    version: i32,
    is_standby: bool,
    is_rehearsal: bool,
    unsafe_settings: Vec<String>,
    connections: usize,
    powerful_roles: Vec<String>,
    closed_roles: Vec<String>,
    members: i64,
    members_not_covered: i64,
    findings: Vec<Finding>,
}

/// Looks at everything that a configuration names.
pub async fn look(config: &Config) -> Vec<Line> {
    let mut lines = settings(config);
    lines.push(open_files(descriptors::raise().ok()));
    let (database, providers) = tokio::join!(database(config), providers(config));
    lines.extend(database);
    lines.extend(providers);
    if let Some(stripe) = &config.stripe {
        lines.push(payments(stripe).await);
    }
    lines
}

/// The limit is that of whoever asks: the service's own may be another one.
fn open_files(limit: Option<u64>) -> Line {
    let what = "open files";
    let Some(limit) = limit else { return Line::note(what, "the system does not say how many there may be") };
    let room = format!("{limit}, which leaves room for {} clients", descriptors::clients(limit));
    if limit >= descriptors::ENOUGH {
        Line::ok(what, room)
    } else {
        Line::wrong(
            what,
            format!("{room}: allow the process {} at least (LimitNOFILE, ulimit -n)", descriptors::ENOUGH),
        )
    }
}

fn settings(config: &Config) -> Vec<Line> {
    let mut lines = vec![Line::ok("configuration", "complete")];
    let url = &config.public_url;
    let is_here = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => true,
    };
    lines.push(if url.scheme() == "https" && !is_here {
        Line::ok("public URL", "https")
    } else {
        Line::wrong(
            "public URL",
            "PRUUF_PUBLIC_URL must be https and lead here from outside: links and callbacks begin with it",
        )
    });
    let off = config.channels_off();
    lines.push(match off.len() {
        0 => Line::ok("channels", "push, e-mail, SMS and calls are configured"),
        4 => Line::wrong("channels", "none is configured: nobody can be told anything"),
        _ => Line::note("channels", format!("off, for want of configuration: {}", off.join(", "))),
    });
    if config.postmark.is_some() && config.webhooks.postmark_password.is_none() {
        let says = "PRUUF_POSTMARK_WEBHOOK_PASSWORD is missing: bounces are heard of minutes late";
        lines.push(Line::wrong("receipts of Postmark", says));
    }
    if config.sendgrid.is_some() && config.webhooks.sendgrid_key.is_none() {
        let says = "PRUUF_SENDGRID_WEBHOOK_KEY is missing: bounces are never heard of";
        lines.push(Line::wrong("receipts of SendGrid", says));
    }
    lines.push(match &config.heartbeat_url {
        Some(_) => Line::ok("heartbeat", "configured; it is not called from here"),
        None => Line::wrong("heartbeat", "PRUUF_HEARTBEAT_URL is missing: nobody is woken when this falls silent"),
    });
    lines
}

async fn database(config: &Config) -> Vec<Line> {
    let db = match Db::new(&config.database_url) {
        Ok(db) => db,
        Err(error) => return vec![Line::wrong("database", error.to_string())],
    };
    match db.refuse_powerful_login().await {
        Ok(()) => {}
        Err(db::DbError::TooPowerful) => return vec![Line::wrong("login", db::DbError::TooPowerful.to_string())],
        // The reason may hold a user or a host.
        Err(_) => return vec![Line::wrong("database", "it does not answer at DATABASE_URL, or refuses the login")],
    }
    let mut lines = vec![Line::ok("database", "it answers")];
    match db.fit().await {
        Ok(Fit::Current) => lines.push(Line::ok("release", "the database has the one of this binary")),
        Ok(Fit::Later) => {
            lines.push(Line::note(
                "release",
                "the database has a later one, which this binary may serve: replace it soon",
            ));
        }
        Ok(Fit::Other) => {
            lines.push(Line::wrong("release", "the database has another one than this binary: run `pruuf migrate`"));
            return lines;
        }
        Err(_) => return vec![Line::wrong("database", "it does not say which release it has")],
    }
    match db.differences().await {
        Ok(found) if found.is_empty() => lines.push(Line::ok("schema", "all of it is as this release ships it")),
        Ok(found) => {
            lines.push(Line::wrong("schema", format!("{} differences: `pruuf verify` names them", found.len())))
        }
        Err(_) => return vec![Line::wrong("database", "its catalogue cannot be read")],
    }
    let (asked_at, since) = (wall_clock(), Instant::now());
    match db.read::<Seen>(&Caller::worker(), "jobs.preflight()", &[]).await {
        Ok(seen) => {
            // Half of the time that the question took is its way there.
            let asked_at = asked_at + TimeDelta::from_std(since.elapsed() / 2).unwrap_or_default();
            lines.extend(seen.lines(asked_at));
        }
        Err(problem) => lines.push(Line::wrong("database", format!("it cannot be looked at: {}", problem.title))),
    }
    lines
}

impl Seen {
    fn lines(self, asked_at: DateTime<Utc>) -> Vec<Line> {
        let one = |is_well: bool, what: &str, well: String, wrong: String| {
            if is_well { Line::ok(what, well) } else { Line::wrong(what, wrong) }
        };
        let version = format!("version {}", self.version / 10_000);
        let differs = (self.now - asked_at).abs();
        let clocks = format!("this machine and the database differ by {} ms", differs.num_milliseconds());
        let listed = |what: &[String]| what.join(", ");
        let powerful = format!("these see past row-level security: {}", listed(&self.powerful_roles));
        let closed = format!("the login may not switch to: {}", listed(&self.closed_roles));
        let roles = if self.powerful_roles.is_empty() { closed } else { powerful };
        let findings: Vec<String> = self.findings.iter().map(|f| format!("{} {}", f.kind, f.count)).collect();
        let covered = format!("{} of {} would be noticed", self.members - self.members_not_covered, self.members);
        vec![
            one(
                self.version >= OLDEST_POSTGRES,
                "PostgreSQL",
                version.clone(),
                format!("{version} is too old: 15 at least"),
            ),
            one(
                !self.is_standby,
                "primary",
                "it takes writes".into(),
                "it is a standby: DATABASE_URL must lead to the primary".into(),
            ),
            one(
                !self.is_rehearsal,
                "its time",
                "is the real one".into(),
                "its clock can be moved: it was made for rehearsals".into(),
            ),
            one(
                self.unsafe_settings.is_empty(),
                "its settings",
                "what is committed is not lost".into(),
                format!("what is committed may be lost: {}", listed(&self.unsafe_settings)),
            ),
            one(
                self.connections >= db::CONNECTIONS,
                "its connections",
                format!("room for {} servers", self.connections / db::CONNECTIONS),
                format!("a server takes {}, there are {}: raise max_connections", db::CONNECTIONS, self.connections),
            ),
            one(
                self.powerful_roles.is_empty() && self.closed_roles.is_empty(),
                "roles",
                "as they should be".into(),
                roles,
            ),
            one(differs <= CLOCKS_MAY_DIFFER_BY, "clocks", clocks.clone(), format!("{clocks}: synchronise both")),
            one(
                findings.is_empty(),
                "audit",
                "it finds nothing".into(),
                format!("{} (docs/operations.md has what to do)", findings.join(", ")),
            ),
            if self.members_not_covered == 0 {
                Line::ok("Members", covered)
            } else {
                Line::note("Members", format!("{covered}; a miss of the others reaches nobody, and they know"))
            },
        ]
    }
}

/// Each provider is asked whether it knows us.
async fn providers(config: &Config) -> Vec<Line> {
    let services = match server::services(config) {
        Ok(services) => services,
        Err(error) => return vec![Line::wrong("providers", error.to_string())],
    };
    join_all(services.iter().flat_map(|(_, services)| services).map(|service| async move {
        let (what, settings) = about(service);
        match tokio::time::timeout(PATIENCE, service.check()).await {
            Ok(Ok(())) => Line::ok(what, "it knows us"),
            Ok(Err(code)) => Line::wrong(what, format!("{code}; compare {settings}")),
            Err(_) => Line::wrong(what, "it does not answer"),
        }
    }))
    .await
}

/// Stripe is asked for the prices of the plans.
async fn payments(stripe: &crate::config::Stripe) -> Line {
    let what = "payments by Stripe";
    let prices = match Stripe::new(&stripe.url, &stripe.secret_key) {
        Ok(client) => client.prices().await,
        Err(failure) => Err(failure),
    };
    match prices.map(|prices| prices.as_array().map_or(0, Vec::len)) {
        Ok(0) => Line::wrong(what, "it has no price with the lookup key of a plan (docs/operations.md)"),
        Ok(_) => Line::ok(what, "it knows us"),
        Err(failure) => Line::wrong(what, format!("{failure}; compare PRUUF_STRIPE_SECRET_KEY")),
    }
}

fn about(service: &provider::Service) -> (&'static str, &'static str) {
    match service.name() {
        "fcm" => ("push by FCM", "PRUUF_FCM_CREDENTIALS"),
        "postmark" => ("e-mail by Postmark", "PRUUF_POSTMARK_TOKEN"),
        "sendgrid" => ("e-mail by SendGrid", "PRUUF_SENDGRID_KEY"),
        "smtp" => ("e-mail by SMTP", "PRUUF_SMTP_URL"),
        "twilio-sms" => ("SMS by Twilio", "PRUUF_TWILIO_ACCOUNT_SID and PRUUF_TWILIO_AUTH_TOKENS"),
        _ => ("calls by Twilio", "PRUUF_TWILIO_ACCOUNT_SID and PRUUF_TWILIO_AUTH_TOKENS"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r9_9_too_few_open_files_are_to_be_mended() {
        let verdicts = [Some(250), Some(1023), Some(1024), Some(u64::MAX), None].map(|limit| open_files(limit).verdict);
        assert_eq!(verdicts, [Verdict::Wrong, Verdict::Wrong, Verdict::Ok, Verdict::Ok, Verdict::Note]);
        let shown = open_files(Some(250)).to_string();
        assert!(shown.contains("room for 87 clients") && shown.contains("1024 at least"), "{shown}");
    }

    #[test]
    fn only_what_is_wrong_is_to_be_mended() {
        let mut lines = vec![Line::ok("a", "b"), Line::note("c", "d")];
        assert_eq!(to_be_mended(&lines), 0);
        lines.push(Line::wrong("e", "f"));
        assert_eq!(to_be_mended(&lines), 1);
        assert_eq!(lines[2].to_string(), "WRONG  e: f");
    }
}
