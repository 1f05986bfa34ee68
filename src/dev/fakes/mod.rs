//! Providers that only pretend: FCM, Postmark, SendGrid, an SMTP server and Twilio on ports of this machine. They speak the real
//! protocols, keep what they get in one log, and misbehave on demand. For `pruuf dev`, tests and benchmarks. Stripe is one of its own.

use std::collections::HashMap;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use tokio::sync::watch;
use tokio_util::sync::{CancellationToken, DropGuard};
use url::Url;

pub mod callbacks;
mod fcm;
mod postmark;
mod sendgrid;
mod smtp;
pub mod stripe;
mod twilio;

/// What a message came over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// To the fake FCM.
    Push,
    /// To the fakes of Postmark, SendGrid and an SMTP server.
    Email,
    /// To the fake Twilio.
    Sms,
    /// To the fake Twilio: a call. Its text is the TwiML.
    Voice,
}

/// One of the fakes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Provider {
    /// Push.
    Fcm,
    /// E-mail.
    Postmark,
    /// E-mail.
    SendGrid,
    /// E-mail.
    Smtp,
    /// SMS.
    Twilio,
}

/// One message as a fake got it.
#[derive(Debug, Clone, Serialize)]
pub struct Received {
    /// When, by this machine's clock.
    pub at: DateTime<Utc>,
    /// Over what.
    pub channel: Channel,
    /// By whom.
    pub provider: Provider,
    /// Device token, e-mail address or phone number.
    pub to: String,
    /// Title or subject; an SMS has none.
    pub title: Option<String>,
    /// Body or plain text.
    pub text: String,
    /// All of it: FCM's `message`, the e-mail's headers and HTML, Twilio's message with its form.
    pub raw: Value,
    /// What the fake told its client.
    pub answered: Answered,
}

impl Received {
    /// Would the person have seen it?
    pub fn has_arrived(&self) -> bool {
        matches!(self.answered, Answered::Accepted | Answered::Repeated | Answered::Hung)
    }
}

/// What a fake told its client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Answered {
    /// Taken, and said so.
    Accepted,
    /// Said that it was taken, and dropped it.
    Lied,
    /// Refused.
    Refused {
        /// HTTP or SMTP status.
        status: u16,
        /// The provider's code.
        code: String,
    },
    /// Nothing yet: if it is taken after all, a second entry says so.
    Stalled,
    /// Taken once more: the same message as the one before it, of which nobody but the carrier knows.
    Repeated,
    /// Taken, and never said so.
    Hung,
    /// Not taken; the connection was closed without a word.
    Closed,
}

/// How a fake behaves.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Behaviour {
    /// Takes everything.
    #[default]
    Normal,
    /// Refuses.
    Fail {
        /// HTTP or SMTP status.
        status: u16,
        /// FCM: its error code, or `payload` for a `BadRequest` about the payload. Twilio and Postmark: the number of
        /// the error. SendGrid: the field that is wrong. SMTP: the step (`connect`, `auth`, `mail`, `rcpt` or `data`, which is after the
        /// text), and perhaps an enhanced status: `rcpt 5.7.1`. The first three only for a whole channel.
        code: String,
        /// After so many it is normal again; `None`: for ever.
        times: Option<u32>,
        /// The header `Retry-After`, as it stands; not for SMTP.
        retry_after: Option<String>,
    },
    /// Reads the message and waits this long before it takes it; a client that hangs up takes it away.
    Stall(Duration),
    /// Says that it was taken, and drops it.
    AcceptAndDrop,
    /// Takes it and never answers.
    RecordThenHang,
    /// Reads it, drops it and closes the connection without an answer.
    CloseBeforeAnswer,
    /// Takes it twice, as carriers do.
    Repeat,
}

impl Behaviour {
    /// Refuses for ever; see [`Behaviour::Fail`].
    pub fn fail(status: u16, code: &str) -> Self {
        Self::Fail { status, code: code.to_owned(), times: None, retry_after: None }
    }

    /// Refuses so many times; see [`Behaviour::Fail`].
    pub fn fail_times(status: u16, code: &str, times: u32) -> Self {
        Self::Fail { status, code: code.to_owned(), times: Some(times), retry_after: None }
    }
}

/// The running fakes; they stop when it is dropped.
#[derive(Debug)]
pub struct Fakes {
    state: Arc<State>,
    fcm_url: Url,
    postmark_url: Url,
    sendgrid_url: Url,
    smtp_url: String,
    twilio_url: Url,
    _stop: DropGuard,
}

impl Fakes {
    /// Starts all of them on free ports of 127.0.0.1. Fails when there are none.
    pub async fn start() -> io::Result<Self> {
        Self::start_with(true).await
    }

    /// Starts fakes that count and keep nothing else, for benchmarks.
    pub async fn counting() -> io::Result<Self> {
        Self::start_with(false).await
    }

    async fn start_with(keeps: bool) -> io::Result<Self> {
        let state = Arc::new(State {
            keeps,
            log: Mutex::default(),
            counts: Mutex::default(),
            behaviours: RwLock::default(),
            providers: RwLock::default(),
            habit: Mutex::default(),
            fates: Mutex::default(),
            misbehaves: AtomicBool::new(false),
            changed: watch::Sender::new(()),
            last_id: AtomicU64::new(0),
            oauth: fcm::OAuth::new()?,
        });
        let stop = CancellationToken::new();
        let fcm_url = fcm::start(state.clone(), stop.clone()).await?;
        let twilio_url = twilio::start(state.clone(), stop.clone()).await?;
        let smtp_url = smtp::start(state.clone(), stop.clone()).await?;
        let postmark_url = postmark::start(state.clone(), stop.clone()).await?;
        let sendgrid_url = sendgrid::start(state.clone(), stop.clone()).await?;
        Ok(Self { state, fcm_url, postmark_url, sendgrid_url, smtp_url, twilio_url, _stop: stop.drop_guard() })
    }

    /// `PRUUF_FCM_URL`
    pub fn fcm_url(&self) -> Url {
        self.fcm_url.clone()
    }

    /// `PRUUF_TWILIO_URL`
    pub fn twilio_url(&self) -> Url {
        self.twilio_url.clone()
    }

    /// `PRUUF_POSTMARK_URL`
    pub fn postmark_url(&self) -> Url {
        self.postmark_url.clone()
    }

    /// `PRUUF_SENDGRID_URL`
    pub fn sendgrid_url(&self) -> Url {
        self.sendgrid_url.clone()
    }

    /// `PRUUF_SMTP_URL`, with a user and a password.
    pub fn smtp_url(&self) -> String {
        self.smtp_url.clone()
    }

    /// A service account whose key is this process's own and whose `token_uri` is the fake's.
    pub fn fcm_credentials_json(&self) -> String {
        self.state.oauth.credentials_json(&self.fcm_url)
    }

    /// How many access tokens the fake was asked for.
    pub fn token_requests(&self) -> u64 {
        self.state.oauth.requests.load(Ordering::Relaxed)
    }

    /// Ends all access tokens at once: the next use of one gets a 401.
    pub fn revoke_tokens(&self) {
        self.state.oauth.valid_from.store(self.state.oauth.issued.load(Ordering::SeqCst) + 1, Ordering::SeqCst);
    }

    /// How long access tokens from now on say that they live, in seconds; 3600 at first.
    pub fn set_token_life(&self, seconds: u64) {
        self.state.oauth.life_seconds.store(seconds, Ordering::Relaxed);
    }

    /// Makes the token endpoint answer with this HTTP status; 200 ends it.
    pub fn set_token_status(&self, status: u16) {
        self.state.oauth.status.store(status, Ordering::Relaxed);
    }

    /// Everything so far, in the order in which it came.
    pub fn received(&self) -> Vec<Received> {
        self.state.log().clone()
    }

    /// Forgets the log and the counts; behaviours stay.
    pub fn forget(&self) {
        self.state.log().clear();
        self.state.counts().clear();
    }

    /// Messages that arrived for each destination of a channel; also for [`Fakes::counting`].
    pub fn counts(&self, channel: Channel) -> HashMap<String, u64> {
        let counts = self.state.counts();
        counts.get(&channel).cloned().unwrap_or_default()
    }

    /// Messages that arrived over a channel; also for [`Fakes::counting`].
    pub fn count(&self, channel: Channel) -> u64 {
        self.state.counts().get(&channel).map(|counts| counts.values().sum()).unwrap_or_default()
    }

    /// Waits until the log is as wished; `false` when it was not `within` that time.
    pub async fn wait_for(&self, is_so: impl Fn(&[Received]) -> bool, within: Duration) -> bool {
        self.wait(|| is_so(&self.state.log()), within).await
    }

    /// Waits until so many messages have arrived over a channel; also for [`Fakes::counting`].
    pub async fn wait_for_count(&self, channel: Channel, count: u64, within: Duration) -> bool {
        self.wait(|| self.count(channel) >= count, within).await
    }

    async fn wait(&self, is_so: impl Fn() -> bool, within: Duration) -> bool {
        // Subscribed before the first look, so that nothing comes in between.
        let mut changed = self.state.changed.subscribe();
        let wait = async {
            while !is_so() {
                if changed.changed().await.is_err() {
                    return;
                }
            }
        };
        tokio::time::timeout(within, wait).await.is_ok()
    }

    /// Sets the behaviour of a whole channel (`to: None`) or towards one destination, which goes first.
    pub fn set(&self, channel: Channel, to: Option<&str>, behaviour: Behaviour) {
        self.state.behaviours().insert((channel, to.map(str::to_owned)), behaviour);
        self.state.misbehaves.store(true, Ordering::SeqCst);
    }

    /// Sets the behaviour of one provider; what is set towards a destination goes first.
    pub fn set_provider(&self, provider: Provider, behaviour: Behaviour) {
        self.state.provider_behaviours().insert(provider, behaviour);
        self.state.misbehaves.store(true, Ordering::SeqCst);
    }

    /// Lets the fake Twilio tell by itself what became of messages; `None` ends it.
    pub fn call_back(&self, habit: Option<callbacks::Habit>) {
        *self.state.habit() = habit;
    }

    /// What the fake Twilio answers when it is asked for one message, by its name: a status and perhaps an error. Of the fake
    /// Postmark: `Queued`, `Transient`, `Delivered`, or the type of a bounce.
    pub fn set_fate(&self, sid: &str, status: &str, error: Option<u32>) {
        self.state.fates().insert(sid.to_owned(), (status.to_owned(), error));
    }

    /// Takes back one [`Fakes::set`].
    pub fn unset(&self, channel: Channel, to: Option<&str>) {
        self.state.behaviours().remove(&(channel, to.map(str::to_owned)));
    }

    /// Takes back every [`Fakes::set`] and [`Fakes::set_provider`].
    pub fn behave(&self) {
        self.state.behaviours().clear();
        self.state.provider_behaviours().clear();
        self.state.misbehaves.store(false, Ordering::SeqCst);
    }
}

type Behaviours = HashMap<(Channel, Option<String>), Behaviour>;

/// What they share.
#[derive(Debug)]
struct State {
    keeps: bool,
    log: Mutex<Vec<Received>>,
    counts: Mutex<HashMap<Channel, HashMap<String, u64>>>,
    behaviours: RwLock<Behaviours>,
    providers: RwLock<HashMap<Provider, Behaviour>>,
    habit: Mutex<Option<callbacks::Habit>>,
    fates: Mutex<HashMap<String, (String, Option<u32>)>>,
    /// Spares the look-up, which allocates, while nothing is set.
    misbehaves: AtomicBool,
    changed: watch::Sender<()>,
    last_id: AtomicU64,
    oauth: fcm::OAuth,
}

/// What a fake read out of a request.
struct Parts {
    channel: Channel,
    provider: Provider,
    to: String,
    title: Option<String>,
    text: String,
    raw: Value,
}

/// What a fake is to do with its client.
enum Verdict {
    Accept,
    Refuse { status: u16, code: String, retry_after: Option<String> },
    Hang,
    Close,
}

impl State {
    fn log(&self) -> MutexGuard<'_, Vec<Received>> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn habit(&self) -> MutexGuard<'_, Option<callbacks::Habit>> {
        self.habit.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn fates(&self) -> MutexGuard<'_, HashMap<String, (String, Option<u32>)>> {
        self.fates.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn counts(&self) -> MutexGuard<'_, HashMap<Channel, HashMap<String, u64>>> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn behaviours(&self) -> std::sync::RwLockWriteGuard<'_, Behaviours> {
        self.behaviours.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn provider_behaviours(&self) -> std::sync::RwLockWriteGuard<'_, HashMap<Provider, Behaviour>> {
        self.providers.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn next_id(&self) -> u64 {
        self.last_id.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// A provider's behaviour towards a destination, if it is wanted; one with `times` is used up by it.
    fn behaviour_if(
        &self,
        provider: Provider,
        channel: Channel,
        to: Option<&str>,
        is_wanted: impl Fn(&Behaviour) -> bool,
    ) -> Behaviour {
        if !self.misbehaves.load(Ordering::Relaxed) {
            return Behaviour::Normal;
        }
        let mut behaviours = self.behaviours();
        let mut key = (channel, to.map(str::to_owned));
        if !behaviours.contains_key(&key) {
            let mut providers = self.provider_behaviours();
            if providers.contains_key(&provider) {
                return use_up(&mut providers, &provider, is_wanted);
            }
            key.1 = None;
        }
        use_up(&mut behaviours, &key, is_wanted)
    }

    fn record(&self, parts: &Parts, answered: Answered) {
        if matches!(answered, Answered::Accepted | Answered::Repeated | Answered::Hung) {
            let mut counts = self.counts();
            let counts = counts.entry(parts.channel).or_default();
            match counts.get_mut(&parts.to) {
                Some(count) => *count += 1,
                None => {
                    counts.insert(parts.to.clone(), 1);
                }
            }
        }
        if self.keeps {
            let mut log = self.log();
            log.push(Received {
                at: wall_clock(),
                channel: parts.channel,
                provider: parts.provider,
                to: parts.to.clone(),
                title: parts.title.clone(),
                text: parts.text.clone(),
                raw: parts.raw.clone(),
                answered,
            });
        }
        self.changed.send_replace(());
    }

    /// What to answer to who asks for something and sends nothing. Waits, if it is to stall.
    async fn knock(&self, provider: Provider, channel: Channel) -> Verdict {
        match self.behaviour_if(provider, channel, None, |_| true) {
            Behaviour::Fail { status, code, retry_after, .. } => return Verdict::Refuse { status, code, retry_after },
            Behaviour::Stall(wait) => tokio::time::sleep(wait).await,
            Behaviour::RecordThenHang => return Verdict::Hang,
            Behaviour::CloseBeforeAnswer => return Verdict::Close,
            Behaviour::Normal | Behaviour::AcceptAndDrop | Behaviour::Repeat => {}
        }
        Verdict::Accept
    }

    /// Records a message and says what to answer. Waits, if it is to stall.
    async fn judge(&self, parts: &Parts, behaviour: Behaviour) -> Verdict {
        match behaviour {
            Behaviour::Normal => self.record(parts, Answered::Accepted),
            Behaviour::Repeat => {
                self.record(parts, Answered::Accepted);
                self.record(parts, Answered::Repeated);
            }
            Behaviour::AcceptAndDrop => self.record(parts, Answered::Lied),
            Behaviour::Stall(wait) => {
                self.record(parts, Answered::Stalled);
                tokio::time::sleep(wait).await;
                self.record(parts, Answered::Accepted);
            }
            Behaviour::Fail { status, code, retry_after, .. } => {
                self.record(parts, Answered::Refused { status, code: code.clone() });
                return Verdict::Refuse { status, code, retry_after };
            }
            Behaviour::RecordThenHang => {
                self.record(parts, Answered::Hung);
                return Verdict::Hang;
            }
            Behaviour::CloseBeforeAnswer => {
                self.record(parts, Answered::Closed);
                return Verdict::Close;
            }
        }
        Verdict::Accept
    }
}

/// What is set under a key, if it is wanted; one with `times` is used up by it.
fn use_up<K: Eq + std::hash::Hash>(
    behaviours: &mut HashMap<K, Behaviour>,
    key: &K,
    is_wanted: impl Fn(&Behaviour) -> bool,
) -> Behaviour {
    let Some(behaviour) = behaviours.get_mut(key).filter(|behaviour| is_wanted(behaviour)) else {
        return Behaviour::Normal;
    };
    let used = behaviour.clone();
    if let Behaviour::Fail { times: Some(times), .. } = behaviour {
        *times = times.saturating_sub(1);
        if *times == 0 {
            behaviours.remove(key);
        }
    }
    used
}

/// This machine's time: the providers that are faked know nothing of `rules.clock()`.
#[expect(clippy::disallowed_methods, reason = "providers know nothing of rules.clock()")]
fn wall_clock() -> DateTime<Utc> {
    Utc::now()
}

/// Serves HTTP on a free port until stopped; gives the base URL.
async fn serve<E>(endpoint: E, stop: CancellationToken) -> io::Result<Url>
where
    E: poem::Endpoint<Output = poem::Response> + 'static,
{
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let url = Url::parse(&format!("http://{}", listener.local_addr()?)).map_err(io::Error::other)?;
    let server = poem::Server::new_with_acceptor(poem::listener::TcpAcceptor::from_tokio(listener)?);
    tokio::spawn(async move {
        let stopped = stop.cancelled();
        let _ = server.run_with_graceful_shutdown(endpoint, stopped, Some(Duration::ZERO)).await;
    });
    Ok(url)
}

/// Ends the connection that is being served, without an answer and without a panic's message: an HTTP server
/// offers no other way out of a handler.
fn close_connection() -> ! {
    std::panic::resume_unwind(Box::new("the fake closes the connection"))
}

/// A JSON answer.
fn json_answer(status: u16, retry_after: Option<String>, body: &Value) -> poem::Response {
    let mut answer = poem::Response::builder()
        .status(poem::http::StatusCode::from_u16(status).unwrap_or(poem::http::StatusCode::INTERNAL_SERVER_ERROR))
        .content_type("application/json");
    if let Some(wait) = retry_after {
        answer = answer.header("retry-after", wait);
    }
    answer.body(body.to_string())
}
