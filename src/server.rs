//! A running server: the API, the timers, the lanes, the listener.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use poem::listener::{Acceptor as _, Listener as _, TcpListener};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::task::{JoinError, JoinSet};
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::app::{App, AppError};
use crate::config::Config;
use crate::db::DbError;
use crate::db::release::Fit;
use crate::deliver::email::{self, Email, EmailConfig, EmailConfigError};
use crate::deliver::fcm::{self, Fcm, FcmConfig, FcmConfigError};
use crate::deliver::hooks;
use crate::deliver::lane::{self, Channel, Lane};
use crate::deliver::pace::Pace;
use crate::deliver::postmark::{self, Postmark, PostmarkConfig, PostmarkConfigError};
use crate::deliver::provider::{Providers, Service};
use crate::deliver::sendgrid::{self, SendGrid, SendGridConfig, SendGridConfigError};
use crate::deliver::sms::{self, Twilio, TwilioConfig, TwilioConfigError};
use crate::deliver::voice::Calls;
use crate::http::gate;
use crate::http::patience::Patient;
use crate::jobs::{Job, pause};
use crate::poll::Askers;
use crate::{billing, descriptors, http, jobs, poll, watch};

/// How long requests may take to end after the server was told to stop.
const PATIENCE: Duration = Duration::from_secs(10);
/// A provider that cannot be reached has certainly not taken anything: the sooner the next one is tried.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// How long a part of the server that has crashed stays down.
const RESTART_AFTER: Duration = Duration::from_secs(1);

/// The server cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A part of it.
    #[error(transparent)]
    App(#[from] AppError),
    /// Its database.
    #[error(transparent)]
    Db(#[from] DbError),
    /// `serve` never migrates.
    #[error("the database runs another release: run `pruuf migrate` first")]
    OtherRelease,
    /// The address is taken, or not ours.
    #[error("PRUUF_LISTEN: cannot listen at {address}: {source}")]
    Listen {
        /// As configured.
        address: SocketAddr,
        /// What the system says.
        source: std::io::Error,
    },
    /// Push.
    #[error("PRUUF_FCM_CREDENTIALS: {0}")]
    Fcm(#[from] FcmConfigError),
    /// Push: the file.
    #[error("PRUUF_FCM_CREDENTIALS cannot be read: {0}")]
    FcmFile(#[source] std::io::Error),
    /// E-mail.
    #[error("PRUUF_POSTMARK_URL or PRUUF_EMAIL_FROM: {0}")]
    Postmark(#[from] PostmarkConfigError),
    /// E-mail.
    #[error("PRUUF_SENDGRID_URL or PRUUF_EMAIL_FROM: {0}")]
    SendGrid(#[from] SendGridConfigError),
    /// E-mail.
    #[error("PRUUF_SMTP_URL or PRUUF_EMAIL_FROM: {0}")]
    Email(#[from] EmailConfigError),
    /// SMS.
    #[error("PRUUF_TWILIO_…: {0}")]
    Twilio(#[from] TwilioConfigError),
    /// Where providers call.
    #[error("PRUUF_PUBLIC_URL is not a base URL")]
    PublicUrl,
    /// The HTTP client.
    #[error("no HTTP client: {0}")]
    Client(#[from] reqwest::Error),
}

/// A server that runs.
pub struct Server {
    /// Where it listens.
    pub address: SocketAddr,
    stop: CancellationToken,
    tasks: JoinSet<()>,
}

impl Server {
    /// Starts everything and returns when requests are taken.
    ///
    /// # Errors
    /// What is missing or wrong; nothing runs then.
    pub async fn start(config: Config) -> Result<Self, StartError> {
        let stop = CancellationToken::new();
        descriptors::raise_or_warn();
        let mut app = App::new(&config, stop.clone())?;
        app.db.refuse_powerful_login().await?;
        if app.db.fit().await? == Fit::Other {
            return Err(StartError::OtherRelease);
        }
        app.take_code_keys().await?;
        let app = Arc::new(app);
        let jobs = Job::list(&app).await.map_err(|problem| DbError::Unreachable(problem.title))?;
        let lanes = lanes(&config)?;
        let acceptor = TcpListener::bind(config.listen)
            .into_acceptor()
            .await
            .map_err(|source| StartError::Listen { address: config.listen, source })?;
        let address = acceptor
            .local_addr()
            .first()
            .and_then(|address| address.as_socket_addr().copied())
            .unwrap_or(config.listen);

        let mut tasks = JoinSet::new();
        let api = http::routes(Arc::clone(&app), &config.cors_origins);
        let stopped = stop.clone();
        let acceptor = Patient::new(acceptor, Arc::clone(&app.gate.sockets));
        tasks.spawn(async move {
            let served = poem::Server::new_with_acceptor(acceptor)
                .run_with_graceful_shutdown(api, stopped.cancelled(), Some(PATIENCE))
                .await;
            if let Err(error) = served {
                tracing::error!(error = %error, "the API stopped");
            }
        });
        supervise(&mut tasks, "listener", &app, {
            let url = config.database_url.clone();
            move |app| {
                let url = SecretString::from(url.expose_secret());
                async move { app.ear.clone().listen(url, app.stop.clone()).await }
            }
        });
        supervise(&mut tasks, "settings", &app, gate::follow_settings);
        for job in jobs {
            if job.is_deadline_check() {
                let job = job.clone();
                supervise(&mut tasks, "deadline poll", &app, move |app| jobs::poll_deadlines(app, job.clone()));
            }
            supervise(&mut tasks, "job", &app, move |app| jobs::follow(app, job.clone()));
        }
        if let Some(stripe) = &app.stripe {
            let stripe = Arc::clone(stripe);
            supervise(&mut tasks, "billing", &app, move |app| billing::work(app, Arc::clone(&stripe)));
        }
        let askers = Arc::new(Askers::new(&config)?);
        supervise(&mut tasks, "receipt polls", &app, move |app| poll::work(app, Arc::clone(&askers)));
        for failing in [false, true] {
            supervise(&mut tasks, "webhooks", &app, move |app| hooks::work(app, failing));
        }
        supervise(&mut tasks, "audit", &app, watch::audit);
        supervise(&mut tasks, "metrics", &app, watch::measure);
        supervise(&mut tasks, "look after jobs", &app, watch::look_after_jobs);
        for lane in lanes {
            supervise(&mut tasks, "lane", &app, move |app| lane::work(app, Arc::clone(&lane)));
        }
        if !app.channels_off.is_empty() {
            tracing::warn!(channels.off = app.channels_off.join(","), "channels without configuration are off");
        }
        tracing::info!(http.address = %address, "ready");
        Ok(Self { address, stop, tasks })
    }

    /// Serves until `signal`, then stops.
    pub async fn run_until(self, signal: impl Future<Output = ()>) {
        signal.await;
        self.stop().await;
    }

    /// Stops taking work, ends what is in hand, and returns when all is still.
    pub async fn stop(mut self) {
        self.stop.cancel();
        while self.tasks.join_next().await.is_some() {}
        tracing::info!("stopped");
    }
}

/// Runs a part of the server, and again when it ends: no fault in one takes the others along (R9.5).
fn supervise<F, W>(tasks: &mut JoinSet<()>, name: &'static str, app: &Arc<App>, work: F)
where
    F: Fn(Arc<App>) -> W + Send + 'static,
    W: Future<Output = ()> + Send + 'static,
{
    let app = Arc::clone(app);
    tasks.spawn(async move {
        while !app.stop.is_cancelled() {
            let end: Result<(), JoinError> = tokio::spawn(work(Arc::clone(&app))).await;
            if !app.stop.is_cancelled() {
                tracing::error!(part.name = name, part.crashed = end.is_err(), "a part of the server ended");
                pause(&app.stop, RESTART_AFTER).await;
            }
        }
    });
}

/// The lanes that have a provider.
fn lanes(config: &Config) -> Result<Vec<Arc<Lane>>, StartError> {
    let pace = |name: &str| config.provider_rates.get(name).copied().map(Pace::new);
    let lane = |(channel, services): (Channel, Vec<Service>)| {
        Arc::new(Lane { channel, providers: Providers::new(services, config.breaker, pace) })
    };
    Ok(services(config)?.into_iter().filter(|(_, services)| !services.is_empty()).map(lane).collect())
}

/// The services of each channel, in the order in which they are tried.
///
/// # Errors
/// Which of them cannot be made.
pub fn services(config: &Config) -> Result<Vec<(Channel, Vec<Service>)>, StartError> {
    // Connections are kept for each provider's host; one that died without a word is found out by a ping.
    let client = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(CONNECT_TIMEOUT)
        .http2_keep_alive_interval(Duration::from_secs(20))
        .http2_keep_alive_timeout(Duration::from_secs(5))
        .build()?;
    let mut push = Vec::new();
    if let Some(fcm) = &config.fcm {
        let credentials = std::fs::read_to_string(&fcm.credentials).map_err(StartError::FcmFile)?;
        let settings =
            FcmConfig { url: fcm.url.clone(), credentials: credentials.into(), timeout: fcm::DEFAULT_TIMEOUT };
        push.push(Service::Fcm(Fcm::new(settings, client.clone())?));
    }
    let (mut sms, mut voice) = (Vec::new(), Vec::new());
    if let Some(twilio) = &config.twilio {
        let settings = TwilioConfig {
            url: twilio.url.clone(),
            account_sid: twilio.account_sid.clone(),
            auth_token: twilio.auth_tokens[0].clone(),
            from: twilio.from.clone(),
            status_callback: Some(callback(&config.public_url, "webhooks/twilio/status")?),
            timeout: sms::DEFAULT_TIMEOUT,
        };
        if config.can_call() {
            voice.push(Service::TwilioVoice(Calls::new(settings.clone(), client.clone())?));
        }
        sms.push(Service::TwilioSms(Arc::new(Twilio::new(settings, client.clone())?)));
    }
    let email = email_services(config, &client)?;
    Ok(vec![(Channel::Push, push), (Channel::Email, email), (Channel::Sms, sms), (Channel::Voice, voice)])
}

/// In the order in which they are tried.
fn email_services(config: &Config, client: &reqwest::Client) -> Result<Vec<Service>, StartError> {
    let mut services = Vec::new();
    if let Some(postmark) = &config.postmark {
        let settings = PostmarkConfig {
            url: postmark.url.clone(),
            token: postmark.token.clone(),
            from: postmark.from.clone(),
            timeout: postmark::DEFAULT_TIMEOUT,
        };
        services.push(Service::Postmark(Postmark::new(settings, client.clone())?));
    }
    if let Some(sendgrid) = &config.sendgrid {
        let settings = SendGridConfig {
            url: sendgrid.url.clone(),
            key: sendgrid.key.clone(),
            from: sendgrid.from.clone(),
            timeout: sendgrid::DEFAULT_TIMEOUT,
        };
        services.push(Service::SendGrid(SendGrid::new(settings, client.clone())?));
    }
    if let Some(smtp) = &config.smtp {
        let settings = EmailConfig { url: smtp.url.clone(), from: smtp.from.clone(), timeout: email::DEFAULT_TIMEOUT };
        services.push(Service::Smtp(Email::new(settings)?));
    }
    Ok(services)
}

/// Where providers call us.
fn callback(public_url: &Url, path: &str) -> Result<Url, StartError> {
    let mut url = public_url.clone();
    url.path_segments_mut().map_err(|()| StartError::PublicUrl)?.pop_if_empty().extend(path.split('/'));
    Ok(url)
}
