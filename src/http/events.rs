//! The live stream of what the user is told, and of what their home screen shows (R7.8).

use std::collections::VecDeque;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures_util::Stream;
use futures_util::stream::unfold;
use poem::web::Data;
use poem::web::sse::Event;
use poem_openapi::param::Header;
use poem_openapi::payload::EventStream;
use poem_openapi::types::ToJSON as _;
use poem_openapi::{OpenApi, Union};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::Instant;
use uuid::Uuid;

use super::Section;
use super::connections::MemberList;
use super::day::Today;
use super::notifications::{Notification, NotificationRow};
use super::streams::Place;
use crate::app::App;
use crate::auth::caller::SignedIn;
use crate::auth::token::LIFE_SECONDS;
use crate::db::Caller;
use crate::db::listen::Heard;
use crate::problem::Problem;

/// The operations.
pub struct Api;

/// A comment line at least so often, so that proxies keep the connection.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// How often a stream looks without having been woken: a lost NOTIFY costs so much.
const POLL: Duration = Duration::from_secs(10);
/// How many events `list_events` gives at most.
const LONGEST_PAGE: usize = 500;
/// How many ids a stream remembers, so as not to send twice what `list_events` looks back for.
const REMEMBERED: usize = 1000;

/// What comes live.
#[derive(Union)]
enum Live {
    Notification(Notification),
    Today(Today),
    Members(MemberList),
}

impl Live {
    fn event(self) -> Event {
        let event = Event::message(self.to_json_string());
        match self {
            Self::Notification(notification) => event.id(notification.id().to_string()).event_type("notification"),
            Self::Today(_) => event.event_type("today"),
            Self::Members(_) => event.event_type("members"),
        }
    }
}

#[derive(Deserialize)]
struct Page {
    now: DateTime<Utc>,
    items: Vec<NotificationRow>,
    today: Value,
    members: Value,
}

/// What a screen last showed, as a hash: a stream is to take little room.
#[derive(Default)]
struct Screen(Option<u64>);

impl Screen {
    /// The screen, when it shows something else now.
    fn changed<T: DeserializeOwned>(&mut self, now: Value) -> Option<T> {
        let mut shown = now.clone();
        // The time of day is no change.
        shown.as_object_mut().map(|screen| screen.remove("now"));
        let mut hasher = DefaultHasher::new();
        shown.to_string().hash(&mut hasher);
        let hash = hasher.finish();
        if self.0.replace(hash) == Some(hash) { None } else { serde_json::from_value(now).ok() }
    }
}

struct Follower {
    app: Arc<App>,
    caller: Caller,
    wake: Receiver<Heard>,
    after: Option<Uuid>,
    since: Option<DateTime<Utc>>,
    ends_at: Instant,
    place: Place,
    sent: VecDeque<Uuid>,
    waiting: VecDeque<Live>,
    today: Screen,
    members: Screen,
    is_behind: bool,
}

impl Follower {
    /// The next event; the stream ends with the server or with a token's life, and the client comes back with `Last-Event-ID`.
    async fn next(mut self) -> Option<(Live, Self)> {
        loop {
            if let Some(live) = self.waiting.pop_front() {
                return Some((live, self));
            }
            let (stop, newer) = (self.app.stop.clone(), self.place.end.clone());
            let end = self.ends_at;
            tokio::select! {
                () = stop.cancelled() => return None,
                () = newer.cancelled() => return None,
                () = tokio::time::sleep_until(end) => return None,
                () = self.woken(), if !self.is_behind => {}
                () = std::future::ready(()), if self.is_behind => {}
            }
            if self.look().await.is_err() {
                return None;
            }
        }
    }

    async fn woken(&mut self) {
        let me = self.caller.user_id.map(|id| id.to_string()).unwrap_or_default();
        loop {
            tokio::select! {
                () = tokio::time::sleep(POLL) => return,
                heard = self.wake.recv() => match heard {
                    Ok(Heard::Told(ids)) if ids.contains(&me) => return,
                    Ok(Heard::Everything) | Err(RecvError::Lagged(_)) => return,
                    Ok(_) => {}
                    Err(RecvError::Closed) => return,
                }
            }
        }
    }

    async fn look(&mut self) -> Result<(), Problem> {
        let call = "api.list_events(since => $1, after => $2)";
        let page: Page = self.app.db.read(&self.caller, call, &[&self.since, &self.after]).await?;
        let page_ends = page.items.last().filter(|_| page.items.len() >= LONGEST_PAGE).map(|row| row.created_at);
        for row in page.items {
            if Some(row.id) != self.after && !self.sent.contains(&row.id) {
                self.sent.push_back(row.id);
                self.waiting.push_back(Live::Notification(row.in_words(&self.app)));
            }
        }
        let forget = self.sent.len().saturating_sub(REMEMBERED);
        self.sent.drain(..forget);
        self.after = None;
        // A page of which all was sent before would come again for ever.
        self.is_behind = page_ends.is_some() && !self.waiting.is_empty();
        self.waiting.extend(self.today.changed(page.today).map(Live::Today));
        self.waiting.extend(self.members.changed(page.members).map(Live::Members));
        self.since = page_ends.filter(|_| self.is_behind).or(Some(page.now - chrono::Duration::seconds(30)));
        Ok(())
    }
}

fn follow(follower: Follower) -> impl Stream<Item = Live> + Send + 'static {
    unfold(follower, Follower::next)
}

#[OpenApi(tag = "Section::Notifications")]
impl Api {
    /// Follow what I am told, and my home screen
    ///
    /// Server-sent events. `notification`: what the user is told; its id is the event's. `today` and `members`: the answers of
    /// `GET /v1/me/today` and `GET /v1/members`, at the start and, within 10 seconds, whenever they change. A stream ends when an access token as old as itself would:
    /// open it again with a new one. After a break send the last one as `Last-Event-ID`: what
    /// came since is sent again, and possibly some events of the half minute before it. A user has five streams at most: one
    /// more ends the oldest.
    #[oai(path = "/v1/events", method = "get", operation_id = "list_events")]
    async fn list_events(
        &self,
        app: Data<&Arc<App>>,
        caller: SignedIn,
        #[oai(name = "Last-Event-ID")] last_event_id: Header<Option<Uuid>>,
    ) -> Result<EventStream<futures_util::stream::BoxStream<'static, Live>>, Problem> {
        let place = app.gate.streams.open(caller.user_id())?;
        let mut follower = Follower {
            place,
            wake: app.ear.subscribe(),
            app: Arc::clone(&app),
            caller: caller.0,
            after: last_event_id.0,
            since: None,
            ends_at: Instant::now() + Duration::from_secs(LIFE_SECONDS.unsigned_abs()),
            sent: VecDeque::new(),
            waiting: VecDeque::new(),
            today: Screen::default(),
            members: Screen::default(),
            is_behind: false,
        };
        // Before the answer: from here on nothing is missed.
        follower.look().await?;
        Ok(EventStream::new(Box::pin(follow(follower)) as _).keep_alive(KEEP_ALIVE).to_event(Live::event))
    }
}
