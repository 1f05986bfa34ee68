//! The page that a message links to, about an alert (R6.6) or one's own check-in (R4.8): it works without scripts and without signing in, since the link
//! is the proof of who reads it. A GET shows and a POST acts: mail scanners follow links, and press no buttons.

use std::sync::Arc;

use poem::http::StatusCode;
use poem::web::{Data, Form, Path};
use poem::{Response, handler};
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::pages::page;
use super::positions::PositionRow;
use super::welfare_cards::CardRow;
use crate::app::App;
use crate::auth::caller::Visitor;
use crate::db::{Caller, Role};
use crate::problem::{Code, Problem};
use crate::vault::{LinkPurpose, link_id_end};

/// A delivery that a link may be of.
#[derive(Deserialize)]
struct Candidate {
    delivery_id: Uuid,
    user_id: Uuid,
    purpose: Option<LinkPurpose>,
}

/// A button of the page, and what was filled in beside it.
#[derive(Deserialize, Default)]
struct Button {
    #[serde(default)]
    action: String,
    #[serde(default)]
    arrives_in_minutes: String,
    outcome: Option<String>,
    #[serde(default)]
    note: String,
}

/// What a link leads to: who reads it, of which delivery and for what.
struct Link {
    reader: Caller,
    delivery: Uuid,
    purpose: LinkPurpose,
}

/// `GET /a/{token}`: the page, as whoever the message went to may see it.
#[handler]
pub async fn show_alert_page(app: Data<&Arc<App>>, visitor: Visitor, Path(token): Path<String>) -> Response {
    let asked = visitor.0.language;
    let (purpose, shown) = match find(&app, visitor.0, &token).await {
        Ok(Link { reader, delivery, purpose }) => {
            let call = match purpose {
                LinkPurpose::Alert => "api.show_alert_page(delivery_id => $1)",
                LinkPurpose::CheckIn => "api.show_check_in_page(delivery_id => $1)",
            };
            (purpose, app.db.read(&reader, call, &[&delivery]).await)
        }
        Err(problem) => (LinkPurpose::Alert, Err(problem)),
    };
    answer(&app, asked, "show_alert_page", purpose, shown)
}

/// `POST /a/{token}`: a button of that page. The token is all that is asked for: no cookie could be misused by another site.
#[handler]
pub async fn act_on_alert_page(
    app: Data<&Arc<App>>,
    visitor: Visitor,
    Path(token): Path<String>,
    button: poem::Result<Form<Button>>,
) -> Response {
    // What cannot be read is a button that the page does not have.
    let button = button.map(|form| form.0).unwrap_or_default();
    let asked = visitor.0.language;
    let (purpose, done) = match find(&app, visitor.0, &token).await {
        Ok(link) => (link.purpose, press(&app, &link, button).await),
        Err(problem) => (LinkPurpose::Alert, Err(problem)),
    };
    answer(&app, asked, "act_on_alert_page", purpose, done)
}

async fn press(app: &App, link: &Link, button: Button) -> Result<Value, Problem> {
    match link.purpose {
        LinkPurpose::Alert => {
            let minutes: Option<i32> = button.arrives_in_minutes.parse().ok();
            let outcome = button.outcome.filter(|outcome| !outcome.is_empty());
            let note = note(&button.note);
            let call = "api.act_on_alert_page(delivery_id => $1, action => $2, arrives_in_minutes => $3, outcome => $4, note => $5)";
            app.db.write(&link.reader, call, &[&link.delivery, &button.action, &minutes, &outcome, &note]).await
        }
        LinkPurpose::CheckIn => {
            let call = "api.act_on_check_in_page(delivery_id => $1, action => $2)";
            app.db.write(&link.reader, call, &[&link.delivery, &button.action]).await
        }
    }
}

/// Whose link this is, of which delivery and for what.
async fn find(app: &App, visitor: Caller, token: &str) -> Result<Link, Problem> {
    let id_end = link_id_end(token).ok_or(Problem::new(Code::NotFound))?;
    let candidates: Vec<Candidate> = app.db.read(&visitor, "api.find_links(id_end => $1)", &[&id_end]).await?;
    let of = |it: Candidate| {
        let purpose = it.purpose.filter(|purpose| app.vault.is_link_token(token, *purpose, it.delivery_id))?;
        Some((it.user_id, it.delivery_id, purpose))
    };
    let (user_id, delivery, purpose) = candidates.into_iter().find_map(of).ok_or(Problem::new(Code::NotFound))?;
    Ok(Link { reader: Caller { role: Role::Link, user_id: Some(user_id), ..visitor }, delivery, purpose })
}

/// A note as people write it in a form: lines end as everywhere else, and an empty one is none.
fn note(text: &str) -> Option<String> {
    let lines: Vec<String> =
        text.lines().map(|line| line.chars().filter(|letter| !letter.is_control()).collect()).collect();
    Some(lines.join("\n").trim().to_owned()).filter(|note| !note.is_empty())
}

fn answer(
    app: &App,
    asked: Option<&str>,
    operation: &'static str,
    purpose: LinkPurpose,
    facts: Result<Value, Problem>,
) -> Response {
    let [shown, over, later] = match purpose {
        LinkPurpose::Alert => ["alert", "alert_link_over", "alert_later"],
        LinkPurpose::CheckIn => ["check_in", "check_in_link_over", "check_in_later"],
    };
    let (status, name, facts) = match facts.and_then(|facts| opened(app, facts)) {
        Ok(facts) => {
            let refused = facts["problem"]["status"].as_u64().and_then(|status| u16::try_from(status).ok());
            let status = refused.and_then(|status| StatusCode::from_u16(status).ok());
            (status.unwrap_or(StatusCode::OK), shown, facts)
        }
        Err(problem) => match problem.code {
            Code::NotFound => (StatusCode::NOT_FOUND, "alert_unknown", Value::Null),
            Code::LinkIsOver => (StatusCode::GONE, over, Value::Null),
            _ => (StatusCode::SERVICE_UNAVAILABLE, later, Value::Null),
        },
    };
    page(app, asked, operation, status, name, facts)
}

/// The facts of a page, with what the database keeps sealed.
fn opened(app: &App, mut facts: Value) -> Result<Value, Problem> {
    facts["phones"] = app.vault.open_all(&facts["phones"]).into();
    if facts["position"].is_object() {
        let local = facts["position"]["local"].take();
        // One that cannot be opened is left out: the rest of the page must come all the same.
        let row = serde_json::from_value::<PositionRow>(facts["position"].take()).ok();
        if let Some(position) = row.and_then(|row| row.open(app).ok()) {
            facts["position"] = json!(position);
            facts["position"]["local"] = local;
        }
    }
    if facts["card"].is_object() {
        let card: CardRow = serde_json::from_value(facts["card"].take()).map_err(|_| Problem::new(Code::Internal))?;
        facts["card"] = json!(card.open(app)?);
    }
    Ok(facts)
}
