//! Everything that is held about the user, to keep (R2.6).

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures_util::stream::unfold;
use poem::http::{HeaderValue, header};
use poem::web::Data;
use poem::{Body, IntoResponse, Response};
use poem_openapi::payload::{Json, Payload};
use poem_openapi::registry::{MetaSchemaRef, Registry};
use poem_openapi::types::{ToJSON as _, Type as _};
use poem_openapi::{ApiResponse, Object, OpenApi};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::Section;
use super::hooks::{Webhook, WebhookRow};
use super::me::{AddressRow, OwnAddress};
use super::positions::{KnownPosition, PositionRow};
use super::turns::{Kind, Turn, Who};
use super::welfare_cards::{CardRow, WelfareCard};
use crate::app::App;
use crate::auth::caller::SignedIn;
use crate::db::Caller;
use crate::problem::{Code, Problem};

/// The operations.
pub struct Api;

/// What may be long, and is read page by page (`rules.export_rows`).
const LONG_PARTS: [&str; 10] = [
    "trail",
    "sessions",
    "obligations",
    "check_ins",
    POSITIONS,
    "welfare_card_looks",
    "alerts",
    "alert_actions",
    "attestations",
    "notifications",
];
/// The long part whose rows are sealed.
const POSITIONS: &str = "positions";
/// Rows of a page: some 200 KB at most.
const PAGE: i32 = 250;
/// How many pages are read at once for all who download: the others wait, and nobody else's requests do.
pub const PAGES_AT_ONCE: usize = 2;
/// How often a page is asked for again that the database was too busy for, and after how long.
const TRIES: usize = 3;
const AGAIN_AFTER: Duration = Duration::from_secs(1);

/// What is short, as the database gives it.
#[derive(Deserialize)]
struct ShortRow {
    addresses: Vec<AddressRow>,
    welfare_card: Option<CardRow>,
    webhooks: Vec<WebhookRow>,
    #[serde(flatten)]
    readable: Map<String, Value>,
}

/// A page of what is long.
#[derive(Deserialize)]
struct Page {
    items: Vec<Box<RawValue>>,
    /// Where the next one begins; nothing after the last.
    after: Option<String>,
}

/// Everything that is held about the user. More may come; what an entry holds is named as in the rest of the API.
#[derive(Object)]
#[oai(skip_serializing_if_is_none)]
struct Export {
    /// All of them, also those that are not proved.
    addresses: Vec<OwnAddress>,
    welfare_card: Option<WelfareCard>,
    /// Without their secrets.
    webhooks: Vec<Webhook>,
    /// Those that are not erased yet.
    positions: Vec<KnownPosition>,
    #[oai(flatten)]
    readable: Readable,
}

/// What the database can read itself.
#[derive(Object)]
struct Readable {
    exported_at: DateTime<Utc>,
    /// Name, language, since when.
    profile: Value,
    /// When it was changed and how it was tried; never the PIN.
    pin: Value,
    /// Where the user is and was signed in.
    sessions: Vec<Value>,
    /// Whether they work for Pruuf.
    staff_roles: Vec<Value>,
    /// Without the push tokens.
    devices: Vec<Value>,
    linked_devices: Vec<Value>,
    /// When a code went to one of the addresses; never the code.
    codes: Vec<Value>,
    /// What the user did, and what was done about them.
    trail: Vec<Value>,
    /// Every version.
    schedules: Vec<Value>,
    /// Those that are over, too.
    breaks: Vec<Value>,
    /// Every expected check-in.
    obligations: Vec<Value>,
    /// Every tap, and what it met.
    check_ins: Vec<Value>,
    /// Those that ended too.
    connections: Vec<Value>,
    /// What the user calls those they watch, and wants to hear of them.
    watch_settings: Vec<Value>,
    /// Those that the user started.
    drills: Vec<Value>,
    /// Whether a miss of theirs would reach anybody, and since when.
    coverage: Value,
    /// Whom the user blocked.
    blocks: Vec<Value>,
    /// Who looked at the user's card, and at whose the user looked.
    welfare_card_looks: Vec<Value>,
    /// Without the addresses of others.
    invitations_sent: Vec<Value>,
    invitations_accepted: Vec<Value>,
    /// When a wrong invitation code was typed.
    wrong_invitation_codes: Vec<Value>,
    /// Those about the user.
    alerts: Vec<Value>,
    /// Every time the user called for help.
    help_requests: Vec<Value>,
    /// How their alerts escalate, where it is not as everybody's.
    escalation: Option<Value>,
    /// What the user did about alerts.
    alert_actions: Vec<Value>,
    attestations: Vec<Value>,
    /// What the user is entitled to and pays for.
    billing: Option<Value>,
    /// Alerts of others that the user has or had.
    alerts_held: Vec<Value>,
    /// What the user chose about messages, where they chose something.
    preferences: Option<Value>,
    /// What the user was told, and how it reached them.
    notifications: Vec<Value>,
}

/// A document to keep.
#[derive(ApiResponse)]
enum Download {
    /// All of it.
    #[oai(status = 200)]
    Whole(Streamed, #[oai(header = "Content-Disposition")] String),
}

/// An [`Export`] that is written while it is read.
struct Streamed(Body);

impl Payload for Streamed {
    const CONTENT_TYPE: &'static str = Json::<Export>::CONTENT_TYPE;

    fn check_content_type(content_type: &str) -> bool {
        Json::<Export>::check_content_type(content_type)
    }

    fn schema_ref() -> MetaSchemaRef {
        Export::schema_ref()
    }

    fn register(registry: &mut Registry) {
        Export::register(registry);
    }
}

impl IntoResponse for Streamed {
    fn into_response(self) -> Response {
        let mut response = Response::builder().body(self.0);
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(Self::CONTENT_TYPE));
        response
    }
}

impl ShortRow {
    /// The beginning of the document: all but what is long, and without the brace at its end.
    fn open(self, app: &App) -> Result<Vec<u8>, Problem> {
        let mut document = self.readable;
        let addresses: Vec<OwnAddress> =
            self.addresses.into_iter().map(|row| row.open(app)).collect::<Result<_, _>>()?;
        let webhooks: Vec<Webhook> = self.webhooks.into_iter().map(|row| row.open(app)).collect::<Result<_, _>>()?;
        document.insert("addresses".to_owned(), addresses.to_json().unwrap_or_default());
        document.insert("webhooks".to_owned(), webhooks.to_json().unwrap_or_default());
        if let Some(card) = self.welfare_card.map(|row| row.own(app)).transpose()? {
            document.insert("welfare_card".to_owned(), card.to_json().unwrap_or_default());
        }
        let mut text = serde_json::to_vec(&document).map_err(|_| Problem::new(Code::Internal))?;
        text.pop();
        Ok(text)
    }
}

/// Whoever downloads, and how far they are.
struct Reader {
    app: Arc<App>,
    caller: Caller,
    /// One download at a time.
    _turn: Turn,
    /// The part that is being written is the first.
    parts: VecDeque<&'static str>,
    after: Option<String>,
    is_begun: bool,
}

impl Reader {
    /// The next piece of the document; nothing after its end.
    async fn next(&mut self) -> Result<Option<Vec<u8>>, Problem> {
        let Some(part) = self.parts.front().copied() else { return Ok(None) };
        let page = self.page(part).await?;
        let mut text = Vec::new();
        if !self.is_begun {
            text.extend_from_slice(format!(",\"{part}\":[").as_bytes());
        }
        for (nth, item) in page.items.iter().enumerate() {
            if nth > 0 || self.is_begun {
                text.push(b',');
            }
            if part == POSITIONS {
                text.extend_from_slice(&self.opened(item)?);
            } else {
                text.extend_from_slice(item.get().as_bytes());
            }
        }
        self.is_begun = page.after.is_some();
        self.after = page.after;
        if !self.is_begun {
            text.push(b']');
            self.parts.pop_front();
            if self.parts.is_empty() {
                text.push(b'}');
            }
        }
        Ok(Some(text))
    }

    fn opened(&self, item: &RawValue) -> Result<Vec<u8>, Problem> {
        let row: PositionRow = serde_json::from_str(item.get()).map_err(|_| Problem::new(Code::Internal))?;
        Ok(row.open(&self.app)?.to_json_string().into_bytes())
    }

    /// One page, in a transaction of its own: a reader who is slow holds nothing meanwhile.
    async fn page(&self, part: &str) -> Result<Page, Problem> {
        let call = "api.export_page(part => $1, place => $2, size => $3)";
        let mut tries = 0;
        loop {
            let turn = self.app.gate.export_pages.acquire().await;
            let page = self.app.db.read(&self.caller, call, &[&part, &self.after, &PAGE]).await;
            drop(turn);
            tries += 1;
            match page {
                Err(problem) if problem.code == Code::Unavailable && tries < TRIES => {
                    tokio::time::sleep(AGAIN_AFTER).await;
                }
                page => return page,
            }
        }
    }
}

/// The document: its beginning, and page by page the rest. What fails breaks it off, so that nobody takes half of it for all.
fn write(beginning: Vec<u8>, reader: Reader) -> Body {
    Body::from_bytes_stream(unfold(Some((Some(beginning), reader)), async |state| {
        let (beginning, mut reader) = state?;
        if let Some(beginning) = beginning {
            return Some((Ok(beginning), Some((None, reader))));
        }
        match reader.next().await {
            Ok(piece) => piece.map(|piece| (Ok(piece), Some((None, reader)))),
            Err(problem) => {
                tracing::warn!(problem.code = ?problem.code, "a download was broken off");
                Some((Err(io::Error::other(problem.title)), None))
            }
        }
    }))
}

#[OpenApi(tag = "Section::Me")]
impl Api {
    /// Download everything that is held about me
    ///
    /// It comes in pieces: one that breaks off is no JSON. One download at a time; a second one meanwhile is
    /// `too-many-requests`.
    #[oai(path = "/v1/me/export", method = "get", operation_id = "export_me")]
    async fn export_me(&self, app: Data<&Arc<App>>, caller: SignedIn) -> Result<Download, Problem> {
        let turn = app.gate.turns.take(Kind::Export, Who::User(caller.user_id())).await?;
        let row: ShortRow = app.db.read(&caller.0, "api.export_me()", &[]).await?;
        let beginning = row.open(&app)?;
        let reader = Reader {
            app: Arc::clone(&app),
            caller: caller.0,
            _turn: turn,
            parts: LONG_PARTS.into(),
            after: None,
            is_begun: false,
        };
        let document = Streamed(write(beginning, reader));
        Ok(Download::Whole(document, "attachment; filename=\"pruuf-export.json\"".to_owned()))
    }
}
