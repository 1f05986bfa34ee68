//! The whole environment in one struct. Names and meanings: docs/operations.md.

use std::collections::HashMap;
use std::env;
use std::net::{IpAddr, SocketAddr};
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::PathBuf;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ipnet::IpNet;
use secrecy::SecretString;
use url::Url;

/// Where Twilio brings the key that was pressed on a call.
pub const VOICE_PATH: &str = "/webhooks/twilio/voice";
/// The names of providers.
const PROVIDERS: [&str; 6] = ["fcm", "postmark", "sendgrid", "smtp", "twilio-sms", "twilio-voice"];

/// 32 random bytes that nobody else knows.
pub type Key = [u8; 32];

/// How the server is to run. `Debug` is not derived: it holds secrets.
pub struct Config {
    /// Where the database is.
    pub database_url: SecretString,
    /// Address and port of the API.
    pub listen: SocketAddr,
    /// The URL under which clients and providers reach it.
    pub public_url: Url,
    /// Networks of proxies of ours, whose `X-Forwarded-For` is believed; none by default.
    pub trusted_proxies: Vec<IpNet>,
    /// Origins of web pages that browsers let call the API; none by default.
    pub cors_origins: Vec<String>,
    /// How many requests a minute one user may send, and one network without a session.
    pub requests_per_minute: NonZeroU32,
    /// How many clients may be connected at once; without it as many as the limit of open files leaves.
    pub connections: Option<NonZeroUsize>,
    /// What secrets are made from.
    pub secrets: Secrets,
    /// Push; off without.
    pub fcm: Option<Fcm>,
    /// E-mail, by the first of the three that takes it; off without any.
    pub postmark: Option<Postmark>,
    /// E-mail.
    pub sendgrid: Option<SendGrid>,
    /// E-mail.
    pub smtp: Option<Smtp>,
    /// SMS; off without.
    pub twilio: Option<Twilio>,
    /// How much a provider can bear a second, from each server, by its name; as much as comes without.
    pub provider_rates: HashMap<String, NonZeroU32>,
    /// When a provider that fails is left alone.
    pub breaker: BreakerConfig,
    /// By what providers that call are known.
    pub webhooks: WebhookSecrets,
    /// Payments; off without.
    pub stripe: Option<Stripe>,
    /// Whether webhooks of users may lead to this machine and without TLS: for `pruuf dev` and tests. No variable says so.
    pub webhooks_go_anywhere: bool,
    /// Called while the audit finds nothing; whoever has it can call it.
    pub heartbeat_url: Option<Url>,
}

/// When the breaker of a provider opens, and for how long.
#[derive(Debug, Clone, Copy)]
pub struct BreakerConfig {
    /// So many failures in a row open it. One bad moment must not: a lane that has only this provider waits then.
    pub failures: u32,
    /// How long it stays open at first; each further time twice as long.
    pub first_pause: Duration,
    /// How long at most: so late may the first message be after a provider is back.
    pub longest_pause: Duration,
}

impl Default for BreakerConfig {
    fn default() -> Self {
        Self { failures: 5, first_pause: Duration::from_secs(1), longest_pause: Duration::from_secs(30) }
    }
}

/// Keys. Of each list the first signs, hashes or encrypts; all of them verify or decrypt.
pub struct Secrets {
    /// Seeds of the Ed25519 keys that sign access tokens.
    pub jwt: Vec<Key>,
    /// What is mixed into every PIN's hash.
    pub pin_peppers: Vec<Key>,
    /// What addresses are encrypted with, and what codes and keyed hashes are derived from.
    pub data: Vec<Key>,
}

/// Firebase Cloud Messaging.
pub struct Fcm {
    /// Base URL of the HTTP v1 API.
    pub url: Url,
    /// Path of the service account's JSON.
    pub credentials: PathBuf,
}

/// E-mail by Postmark.
pub struct Postmark {
    /// Base URL of the API.
    pub url: Url,
    /// The server's token.
    pub token: SecretString,
    /// The sender, as in a `From` header.
    pub from: String,
}

/// E-mail by SendGrid.
pub struct SendGrid {
    /// Base URL of the API.
    pub url: Url,
    /// The API key.
    pub key: SecretString,
    /// The sender, as in a `From` header.
    pub from: String,
}

/// E-mail by SMTP.
pub struct Smtp {
    /// `smtp://` or `smtps://user:password@host:port`.
    pub url: SecretString,
    /// The sender, as in a `From` header.
    pub from: String,
}

/// SMS by Twilio.
pub struct Twilio {
    /// Base URL of the REST API.
    pub url: Url,
    /// The account.
    pub account_sid: String,
    /// Its tokens; the first one signs in.
    pub auth_tokens: Vec<SecretString>,
    /// The number that messages come from, or a messaging service's SID.
    pub from: String,
}

/// Payments by Stripe.
#[derive(Clone)]
pub struct Stripe {
    /// Base URL of the REST API.
    pub url: Url,
    /// Signs in.
    pub secret_key: SecretString,
    /// By any of these its webhooks are known.
    pub webhook_secrets: Vec<SecretString>,
}

/// By what providers are known when they call; Twilio signs with its token.
#[derive(Default)]
pub struct WebhookSecrets {
    /// The password in the URL that Postmark calls.
    pub postmark_password: Option<SecretString>,
    /// The key with which SendGrid's signatures are verified, as DER.
    pub sendgrid_key: Option<Vec<u8>>,
}

/// Everything that is wrong with the environment, all at once. Holds names, never values.
#[derive(Debug, thiserror::Error)]
#[error("the configuration is not complete:\n  {}", .0.join("\n  "))]
pub struct ConfigError(Vec<String>);

struct Reader<'a> {
    lookup: &'a dyn Fn(&str) -> Option<String>,
    wrong: Vec<String>,
}

impl Reader<'_> {
    fn optional(&self, name: &str) -> Option<String> {
        (self.lookup)(name).filter(|value| !value.is_empty())
    }

    fn required(&mut self, name: &str) -> String {
        self.optional(name).unwrap_or_else(|| {
            self.wrong.push(format!("{name} is missing"));
            String::new()
        })
    }

    fn parsed<T: std::str::FromStr>(&mut self, name: &str, value: &str, what: &str) -> Option<T> {
        let parsed = value.parse().ok();
        if parsed.is_none() && !value.is_empty() {
            self.wrong.push(format!("{name} is not {what}"));
        }
        parsed
    }

    fn keys(&mut self, name: &str) -> Vec<Key> {
        let list = self.required(name);
        let keys: Vec<Key> = list
            .split(',')
            .filter_map(|item| STANDARD.decode(item.trim()).ok().and_then(|bytes| Key::try_from(bytes).ok()))
            .collect();
        if !list.is_empty() && keys.len() != list.split(',').count() {
            self.wrong
                .push(format!("{name} must be a list of keys, each 32 bytes in base64 (openssl rand -base64 32)"));
        }
        keys
    }

    fn base64(&mut self, name: &str) -> Option<Vec<u8>> {
        let value = self.optional(name)?;
        let bytes = STANDARD.decode(value.trim()).ok();
        if bytes.is_none() {
            self.wrong.push(format!("{name} is not base64"));
        }
        bytes
    }

    /// A list of which each item is read by `read`; `what` says what it must be.
    fn list<T>(&mut self, name: &str, what: &str, read: impl Fn(&str) -> Option<T>) -> Vec<T> {
        let list = self.optional(name).unwrap_or_default();
        let items: Vec<&str> = list.split(',').map(str::trim).filter(|item| !item.is_empty()).collect();
        let known: Vec<T> = items.iter().filter_map(|item| read(item)).collect();
        if known.len() != items.len() {
            self.wrong.push(format!("{name} must be a list of {what}"));
        }
        known
    }

    /// The three ways of e-mail, which share a sender.
    fn email(&mut self) -> (Option<Postmark>, Option<SendGrid>, Option<Smtp>) {
        let secrets = ["PRUUF_POSTMARK_TOKEN", "PRUUF_SENDGRID_KEY", "PRUUF_SMTP_URL"];
        let [postmark, sendgrid, smtp] = secrets.map(|name| self.optional(name).map(SecretString::from));
        let from = self.optional("PRUUF_EMAIL_FROM");
        let is_on = postmark.is_some() || sendgrid.is_some() || smtp.is_some();
        if is_on != from.is_some() {
            self.wrong.push(format!("PRUUF_EMAIL_FROM goes together with one or more of {}", secrets.join(", ")));
        }
        let mut url = |name: &str, default: &str| {
            let url = self.optional(name).unwrap_or_else(|| default.to_owned());
            self.parsed(name, &url, "a URL")
        };
        let postmark_url = url("PRUUF_POSTMARK_URL", "https://api.postmarkapp.com");
        let sendgrid_url = url("PRUUF_SENDGRID_URL", "https://api.sendgrid.com");
        let from = from.unwrap_or_default();
        (
            postmark.zip(postmark_url).map(|(token, url)| Postmark { url, token, from: from.clone() }),
            sendgrid.zip(sendgrid_url).map(|(key, url)| SendGrid { url, key, from: from.clone() }),
            smtp.map(|url| Smtp { url, from }),
        )
    }

    /// A group of variables of which all or none are set.
    fn group(&mut self, names: &[&str]) -> Option<Vec<String>> {
        let values: Vec<String> = names.iter().filter_map(|name| self.optional(name)).collect();
        if !values.is_empty() && values.len() < names.len() {
            self.wrong.push(format!("{} go together: set all of them or none", names.join(", ")));
        }
        (values.len() == names.len()).then_some(values)
    }
}

/// `PRUUF_DATA_KEYS` alone, for a command that needs nothing else.
///
/// # Errors
/// When it is missing or cannot be read.
pub fn data_keys(lookup: &dyn Fn(&str) -> Option<String>) -> Result<Vec<Key>, ConfigError> {
    let mut read = Reader { lookup, wrong: Vec::new() };
    let keys = read.keys("PRUUF_DATA_KEYS");
    if read.wrong.is_empty() { Ok(keys) } else { Err(ConfigError(read.wrong)) }
}

impl Config {
    /// Reads the process's environment.
    ///
    /// # Errors
    /// Lists every variable that is missing or cannot be read.
    pub fn from_env() -> Result<Self, ConfigError> {
        Self::from_lookup(&|name| env::var(name).ok())
    }

    /// Reads an environment that `lookup` knows.
    ///
    /// # Errors
    /// Lists every variable that is missing or cannot be read.
    pub fn from_lookup(lookup: &dyn Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let mut read = Reader { lookup, wrong: Vec::new() };
        let database_url = SecretString::from(read.required("DATABASE_URL"));
        let listen = read.optional("PRUUF_LISTEN").unwrap_or_else(|| "127.0.0.1:8080".to_owned());
        let listen = read.parsed("PRUUF_LISTEN", &listen, "an address and port");
        let public_url = read.required("PRUUF_PUBLIC_URL");
        let public_url = read.parsed("PRUUF_PUBLIC_URL", &public_url, "a URL");
        let trusted_proxies = read.list("PRUUF_TRUSTED_PROXIES", "networks, like 10.0.0.0/8", network);
        let cors_origins = read.list("PRUUF_CORS_ORIGINS", "origins, like https://app.example.org", origin);
        let pace = read.optional("PRUUF_REQUESTS_PER_MINUTE").unwrap_or_else(|| "600".to_owned());
        let pace = read.parsed("PRUUF_REQUESTS_PER_MINUTE", &pace, "a number above 0");
        let connections = read.optional("PRUUF_CONNECTIONS").unwrap_or_default();
        let connections = read.parsed("PRUUF_CONNECTIONS", &connections, "a number above 0");
        let secrets = Secrets {
            jwt: read.keys("PRUUF_JWT_KEYS"),
            pin_peppers: read.keys("PRUUF_PIN_PEPPER"),
            data: read.keys("PRUUF_DATA_KEYS"),
        };
        let fcm_url = read.optional("PRUUF_FCM_URL").unwrap_or_else(|| "https://fcm.googleapis.com".to_owned());
        let fcm_url = read.parsed("PRUUF_FCM_URL", &fcm_url, "a URL");
        let fcm = read.optional("PRUUF_FCM_CREDENTIALS").zip(fcm_url);
        let (postmark, sendgrid, smtp) = read.email();
        let provider_rates =
            read.list("PRUUF_PROVIDER_RATES", "providers with a number, like twilio-sms=1", rate).into_iter().collect();
        let twilio_url = read.optional("PRUUF_TWILIO_URL").unwrap_or_else(|| "https://api.twilio.com".to_owned());
        let twilio_url = read.parsed("PRUUF_TWILIO_URL", &twilio_url, "a URL");
        let twilio =
            read.group(&["PRUUF_TWILIO_ACCOUNT_SID", "PRUUF_TWILIO_AUTH_TOKENS", "PRUUF_TWILIO_FROM"]).zip(twilio_url);
        let webhooks = WebhookSecrets {
            postmark_password: read.optional("PRUUF_POSTMARK_WEBHOOK_PASSWORD").map(SecretString::from),
            sendgrid_key: read.base64("PRUUF_SENDGRID_WEBHOOK_KEY"),
        };
        let stripe_url = read.optional("PRUUF_STRIPE_URL").unwrap_or_else(|| "https://api.stripe.com".to_owned());
        let stripe_url = read.parsed("PRUUF_STRIPE_URL", &stripe_url, "a URL");
        let stripe = read.group(&["PRUUF_STRIPE_SECRET_KEY", "PRUUF_STRIPE_WEBHOOK_SECRETS"]).zip(stripe_url);
        let heartbeat_url = read.optional("PRUUF_HEARTBEAT_URL").unwrap_or_default();
        let heartbeat_url = read.parsed("PRUUF_HEARTBEAT_URL", &heartbeat_url, "a URL");
        let (Some(listen), Some(public_url), Some(requests_per_minute), true) =
            (listen, public_url, pace, read.wrong.is_empty())
        else {
            return Err(ConfigError(read.wrong));
        };
        Ok(Self {
            database_url,
            listen,
            public_url,
            trusted_proxies,
            cors_origins,
            requests_per_minute,
            connections,
            secrets,
            fcm: fcm.map(|(credentials, url)| Fcm { url, credentials: credentials.into() }),
            postmark,
            sendgrid,
            smtp,
            provider_rates,
            breaker: BreakerConfig::default(),
            webhooks,
            webhooks_go_anywhere: false,
            twilio: twilio.map(|(values, url)| Twilio {
                url,
                account_sid: values[0].clone(),
                auth_tokens: values[1].split(',').map(|token| token.trim().to_owned().into()).collect(),
                from: values[2].clone(),
            }),
            stripe: stripe.map(|(values, url)| Stripe {
                url,
                secret_key: values[0].clone().into(),
                webhook_secrets: values[1].split(',').map(|secret| secret.trim().to_owned().into()).collect(),
            }),
            heartbeat_url,
        })
    }

    /// Whether there is a number to call from: a messaging service has none.
    #[must_use]
    pub fn can_call(&self) -> bool {
        self.twilio.as_ref().is_some_and(|twilio| !twilio.from.starts_with("MG"))
    }

    /// The channels that have no configuration and are therefore off.
    #[must_use]
    pub fn channels_off(&self) -> Vec<&'static str> {
        let has_email = self.postmark.is_some() || self.sendgrid.is_some() || self.smtp.is_some();
        [
            ("push", self.fcm.is_none()),
            ("email", !has_email),
            ("sms", self.twilio.is_none()),
            ("voice", !self.can_call()),
        ]
        .into_iter()
        .filter_map(|(channel, off)| off.then_some(channel))
        .collect()
    }
}

/// A network as CIDR, or one address.
fn network(item: &str) -> Option<IpNet> {
    item.parse().ok().or_else(|| item.parse::<IpAddr>().ok().map(IpNet::from))
}

/// What a provider can bear a second.
fn rate(item: &str) -> Option<(String, NonZeroU32)> {
    let (name, number) = item.split_once('=')?;
    PROVIDERS.contains(&name).then(|| number.parse().ok()).flatten().map(|number| (name.to_owned(), number))
}

/// An origin as browsers write it (RFC 6454, 6.1): without a path, without a slash at its end.
fn origin(item: &str) -> Option<String> {
    let written = Url::parse(item).ok()?.origin().ascii_serialization();
    (written == item).then_some(written)
}

#[cfg(test)]
mod tests {
    use super::Config;

    #[test]
    fn everything_that_is_missing_is_reported_at_once_and_no_value() {
        let error = Config::from_lookup(&|name| match name {
            "PRUUF_JWT_KEYS" => Some("c2VjcmV0".to_owned()),
            "PRUUF_SMTP_URL" => Some("smtp://user:hunter2@mail.example".to_owned()),
            _ => None,
        })
        .err()
        .map(|error| error.to_string())
        .unwrap_or_default();
        for name in [
            "DATABASE_URL",
            "PRUUF_PUBLIC_URL",
            "PRUUF_JWT_KEYS",
            "PRUUF_PIN_PEPPER",
            "PRUUF_DATA_KEYS",
            "PRUUF_EMAIL_FROM",
        ] {
            assert!(error.contains(name), "{name} is not in: {error}");
        }
        assert!(!error.contains("c2VjcmV0") && !error.contains("hunter2"), "{error}");
    }
}
