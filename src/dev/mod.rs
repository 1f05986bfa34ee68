//! `pruuf dev`: everything on this machine.

mod binaries;
pub mod cluster;
mod demo;
pub mod fakes;
pub mod page;

use std::collections::HashMap;
use std::env;
use std::error::Error;
use std::fs;
use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZeroU32;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::SecretString;
use tokio_postgres::Client;

use self::cluster::Cluster;
use self::fakes::Fakes;
use self::fakes::stripe::{Clock, FakeStripe, SECRET, SECRET_KEY};
use crate::cli::{say, stop_signal};
use crate::config::{BreakerConfig, Config, Fcm, Key, Secrets, Smtp, Stripe, Twilio};
use crate::db::{release, settings, tls};
use crate::server::Server;

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

/// Where `pruuf dev` keeps its database, its keys and the way to them, below the folder it is started in.
const HOME: &str = "target/pruuf-dev";
const DATABASE: &str = "pruuf";
/// How long the moving clock waits for a server to do what has come due; without a server nothing happens then.
const SERVER_PATIENCE: Duration = Duration::from_secs(2);

/// Starts a database, a server, fake providers and the page of their messages, and runs until Ctrl-C.
///
/// # Errors
/// What is missing on this machine, and how to mend it.
pub async fn run() -> Outcome {
    crate::telemetry::start("warn");
    let home = Path::new(HOME);
    fs::create_dir_all(home)?;
    let database = Database::start(home).await?;
    release::migrate(&database.owner_url).await?;
    let is_new = rehearse(&database.owner_url).await?;

    let fakes = Arc::new(Fakes::start().await?);
    let stripe = FakeStripe::start(Some(home.join("stripe.json"))).await?;
    let config = configure(home, &database, &fakes, &stripe)?;
    let server = Server::start(config).await?;
    let webhook = format!("http://{}/webhooks/stripe", server.address).parse()?;
    stripe.go_live(webhook, clock_of(connect(&database.owner_url).await?));
    let page = page::serve(
        SocketAddr::from((Ipv4Addr::LOCALHOST, server.address.port().saturating_add(1))),
        Arc::clone(&fakes),
    )
    .await?;
    if is_new {
        demo::make_people(server.address, &fakes).await?;
    }
    say(&demo::steps(server.address, page.address));
    stop_signal().await;
    say("Stopping.");
    server.stop().await;
    page.stop().await;
    database.stop().await
}

/// A database of our own, or the one of `DATABASE_URL`.
struct Database {
    cluster: Option<Cluster>,
    owner_url: SecretString,
    server_url: SecretString,
}

impl Database {
    async fn start(home: &Path) -> Outcome<Self> {
        let database = match env::var("DATABASE_URL") {
            Ok(url) => {
                // The session takes the server's role from its first statement on.
                let sign = if url.contains('?') { '&' } else { '?' };
                let server_url = format!("{url}{sign}options=-c%20role%3Dpruuf_server");
                Self { cluster: None, owner_url: url.into(), server_url: server_url.into() }
            }
            Err(_) => {
                let cluster = Cluster::start(&home.join("cluster"), &[]).await?;
                create_database(&cluster.admin_url("postgres").into()).await?;
                let (owner_url, server_url) = (cluster.admin_url(DATABASE).into(), cluster.server_url(DATABASE).into());
                Self { cluster: Some(cluster), owner_url, server_url }
            }
        };
        write_private(&home.join("database-url"), secrecy::ExposeSecret::expose_secret(&database.owner_url))?;
        Ok(database)
    }

    async fn stop(self) -> Outcome {
        match self.cluster {
            Some(cluster) => Ok(cluster.stop().await?),
            None => Ok(()),
        }
    }
}

async fn connect(url: &SecretString) -> Outcome<Client> {
    let (client, connection) = settings(url)?.connect(tls()?).await?;
    tokio::spawn(connection);
    Ok(client)
}

/// The clock of the rehearsal, for a Stripe whose days pass with it.
fn clock_of(client: Client) -> Clock {
    let client = Arc::new(client);
    Arc::new(move || {
        let client = Arc::clone(&client);
        Box::pin(async move {
            let now = client.query_one("select extract(epoch from rules.clock())::bigint", &[]).await;
            now.map(|row| row.get(0)).unwrap_or_default()
        })
    })
}

async fn create_database(url: &SecretString) -> Outcome {
    let client = connect(url).await?;
    if client.query_opt("select from pg_catalog.pg_database where datname = $1", &[&DATABASE]).await?.is_none() {
        client.batch_execute(&format!("create database {DATABASE}")).await?;
    }
    Ok(())
}

/// Makes a new database one for rehearsals; says whether it was new.
async fn rehearse(url: &SecretString) -> Outcome<bool> {
    let client = connect(url).await?;
    let row =
        client.query_one("select (select rehearsal from meta.clock), not exists (select from data.users)", &[]).await?;
    match (row.get(0), row.get(1)) {
        (true, is_new) => Ok(is_new),
        (false, true) => {
            client.batch_execute("update meta.clock set rehearsal = true").await?;
            Ok(true)
        }
        (false, false) => {
            Err("DATABASE_URL holds real users: `pruuf dev` only runs on a database made for rehearsals".into())
        }
    }
}

fn configure(home: &Path, database: &Database, fakes: &Fakes, stripe: &FakeStripe) -> Outcome<Config> {
    let listen = env::var("PRUUF_LISTEN").unwrap_or_else(|_| "127.0.0.1:8080".to_owned()).parse()?;
    let credentials = home.join("fcm.json");
    write_private(&credentials, &fakes.fcm_credentials_json())?;
    Ok(Config {
        database_url: database.server_url.clone(),
        listen,
        public_url: format!("http://{listen}").parse()?,
        trusted_proxies: Vec::new(),
        cors_origins: Vec::new(),
        requests_per_minute: NonZeroU32::MAX,
        connections: None,
        secrets: secrets(&home.join("keys"))?,
        fcm: Some(Fcm { url: fakes.fcm_url(), credentials }),
        postmark: None,
        sendgrid: None,
        smtp: Some(Smtp { url: fakes.smtp_url().into(), from: "Pruuf <pruuf@example.org>".to_owned() }),
        webhooks: crate::config::WebhookSecrets {
            postmark_password: Some(fakes::callbacks::POSTMARK_PASSWORD.into()),
            sendgrid_key: fakes::callbacks::sendgrid_public_key().ok(),
        },
        webhooks_go_anywhere: true,
        twilio: Some(Twilio {
            url: fakes.twilio_url(),
            account_sid: format!("AC{}", "0".repeat(32)),
            auth_tokens: vec![fakes::callbacks::TWILIO_TOKEN.into()],
            from: "+15005550006".to_owned(),
        }),
        provider_rates: HashMap::new(),
        breaker: BreakerConfig::default(),
        stripe: Some(Stripe {
            url: stripe.url.clone(),
            secret_key: SECRET_KEY.into(),
            webhook_secrets: vec![SECRET.into()],
        }),
        heartbeat_url: None,
    })
}

/// The keys of this database: made at the first start, since without them its addresses cannot be read any more.
fn secrets(path: &Path) -> Outcome<Secrets> {
    if !path.exists() {
        let keys: [Key; 3] = rand::random();
        write_private(path, &keys.map(|key| STANDARD.encode(key)).join("\n"))?;
    }
    let keys = fs::read_to_string(path)?
        .lines()
        .map(|line| Ok(Key::try_from(STANDARD.decode(line)?).map_err(|_| "a key is not 32 bytes")?))
        .collect::<Outcome<Vec<Key>>>()?;
    let [jwt, pepper, data] = keys[..] else { return Err(format!("{} is damaged", path.display()).into()) };
    Ok(Secrets { jwt: vec![jwt], pin_peppers: vec![pepper], data: vec![data] })
}

fn write_private(path: &Path, text: &str) -> std::io::Result<()> {
    fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?.write_all(text.as_bytes())
}

/// Moves the clock of `DATABASE_URL`, or of the database that `pruuf dev` runs here: from deadline to deadline, so that
/// a running server does each thing at its time and not all of it too late.
///
/// # Errors
/// When there is no database, when it is not one for rehearsals, and for a span that PostgreSQL cannot read.
pub async fn advance_clock(by: &str) -> Outcome {
    let url = match env::var("DATABASE_URL") {
        Ok(url) => url,
        Err(_) => fs::read_to_string(Path::new(HOME).join("database-url"))
            .map_err(|_| "start `pruuf dev` first, or set DATABASE_URL")?,
    };
    let client = connect(&url.into()).await?;
    match advance(&client, by).await {
        Ok(now) => say(&format!("It is now {now} UTC.")),
        Err(error) => {
            return Err(match error.as_db_error().and_then(|error| error.constraint()) {
                Some("time_is_real_in_production") => {
                    "this is not a database for rehearsals: its time is the real one".into()
                }
                Some("time_never_runs_behind") => "time only moves forward".into(),
                _ => error.as_db_error().map_or_else(|| error.to_string(), |error| error.message().to_owned()).into(),
            });
        }
    }
    Ok(())
}

async fn advance(client: &Client, by: &str) -> Result<String, tokio_postgres::Error> {
    let target = "select (rules.clock() + $1::text::interval)::text";
    let target: String = client.query_one(target, &[&by]).await?.get(0);
    // Deadlines on the way, and the target last.
    let step = "select meta.advance_clock(greatest(least($1::text::timestamptz,
                  rules.clock() + make_interval(secs => jobs.seconds_to_next(rules.clock()))) - rules.clock(), '0'))
                  >= $1::text::timestamptz";
    loop {
        let arrived = client.query_one(step, &[&target]).await?.get(0);
        let is_done = "select coalesce(jobs.seconds_to_next(rules.clock()) > 0, true) and not exists (
                         select from data.deliveries where state = 'sending' or state = 'pending' and next_attempt_at <= rules.clock())";
        let deadline = Instant::now() + SERVER_PATIENCE;
        while !client.query_one(is_done, &[]).await?.get::<_, bool>(0) && Instant::now() < deadline {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        if arrived {
            let now = "select to_char(rules.clock() at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS')";
            return Ok(client.query_one(now, &[]).await?.get(0));
        }
    }
}
