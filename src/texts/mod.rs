//! What people read (R7.7): templates by kind, channel and language.
//!
//! A language is a folder, a template is `<kind>.<part>`: `push.txt` (the title, then the body),
//! `email.txt` (the subject, then the text), `email.html` and `sms.txt`. The first line of the first two is
//! the title or subject. To add a kind: four files and a line in [`SOURCES`]. A `<name>.page.html` is a page of ours.

use std::fmt::Write as _;

use chrono::{NaiveDate, NaiveDateTime, NaiveTime};
use minijinja::value::{Value as Fact, ValueKind};
use minijinja::{AutoEscape, Environment};
use serde_json::Value;

/// The language of a person who chose none, or one that is not here yet.
pub const FALLBACK_LANGUAGE: &str = "en";
/// The longest name in an SMS, in characters: most fit, and no name pushes the rest into a second segment.
const SMS_NAME: usize = 20;

/// The longest body that a call reads out, in bytes: all of it is said twice, escaped, and Twilio takes 4000 characters.
const CALL_BODY: usize = 600;

macro_rules! sources {
    ($language:literal: $($kind:literal)*) => {
        &[
            (concat!($language, "/base.html"), include_str!(concat!($language, "/base.html"))),
            $(
                (concat!($language, "/", $kind, ".push.txt"), include_str!(concat!($language, "/", $kind, ".push.txt"))),
                (concat!($language, "/", $kind, ".email.txt"), include_str!(concat!($language, "/", $kind, ".email.txt"))),
                (concat!($language, "/", $kind, ".email.html"), include_str!(concat!($language, "/", $kind, ".email.html"))),
                (concat!($language, "/", $kind, ".sms.txt"), include_str!(concat!($language, "/", $kind, ".sms.txt"))),
            )*
        ]
    };
}

/// Name and text of every template.
const SOURCES: &[(&str, &str)] = sources!("en":
    "missed" "help" "needs_more_help" "still_open" "owner_asked" "all_clear" "acknowledged" "one_time_code" "reminder" "invitation" "connected" "connection_ended"
    "pin_changed" "address_changed" "session_theft" "account_deleted" "account_restored" "goodbye"
    "checked_in" "checked_in_late" "attested" "daily_digest" "coverage_lost" "coverage_back" "drill" "drill_reminder" "weekly_summary" "webhook_off" "unreachable"
);

/// Name and text of every page, and of what Twilio reads out or sends back.
const PAGES: &[(&str, &str)] = &[
    ("en/call.xml", include_str!("en/call.xml")),
    ("en/call_answer.xml", include_str!("en/call_answer.xml")),
    ("en/reply.xml", include_str!("en/reply.xml")),
    ("en/page.html", include_str!("en/page.html")),
    ("en/invitation.page.html", include_str!("en/invitation.page.html")),
    ("en/nothing_here.page.html", include_str!("en/nothing_here.page.html")),
    ("en/home.page.html", include_str!("en/home.page.html")),
    ("en/alert.page.html", include_str!("en/alert.page.html")),
    ("en/alert_unknown.page.html", include_str!("en/alert_unknown.page.html")),
    ("en/alert_link_over.page.html", include_str!("en/alert_link_over.page.html")),
    ("en/alert_later.page.html", include_str!("en/alert_later.page.html")),
    ("en/later.page.html", include_str!("en/later.page.html")),
];

/// A template does not parse: a mistake of ours, found by the first test that makes [`Texts`].
#[derive(Debug, thiserror::Error)]
#[error("the template {name} does not parse")]
pub struct TextsError {
    /// The template's path below `src/texts/`.
    pub name: &'static str,
    /// Where and why.
    #[source]
    pub source: minijinja::Error,
}

/// All texts, parsed. Rendering never fails: facts that are missing leave words out, and a template that is
/// missing gives a text that sends the reader to the app, since a poor alert is better than none.
#[derive(Debug)]
pub struct Texts {
    templates: Environment<'static>,
}

impl Texts {
    /// Parses all templates.
    pub fn new() -> Result<Self, TextsError> {
        let mut templates = Environment::new();
        templates.set_undefined_behavior(minijinja::UndefinedBehavior::Chainable);
        templates.set_auto_escape_callback(|name| {
            if name.ends_with(".html") || name.ends_with(".xml") { AutoEscape::Html } else { AutoEscape::None }
        });
        // Names come from people: without control characters they cannot begin a line, a header or a segment.
        templates.set_formatter(|out, state, value| match value.as_str() {
            Some(text) if text.chars().any(is_unprintable) => {
                minijinja::escape_formatter(out, state, &Fact::from(printable(text)))
            }
            _ if value.is_none() => Ok(()),
            _ => minijinja::escape_formatter(out, state, value),
        });
        templates.set_path_join_callback(|name, parent| match parent.split_once('/') {
            Some((language, _)) => format!("{language}/{name}").into(),
            None => name.into(),
        });
        templates.add_filter("time", |at: Fact| format_fact(&at, |at| time_of(at).map(hours_and_minutes)));
        templates.add_filter("day", |on: Fact| {
            format_fact(&on, |on| date_of(on).map(|on| on.format("%A %-d %B").to_string()))
        });
        templates.add_filter("short_day", |on: Fact| {
            format_fact(&on, |on| date_of(on).map(|on| on.format("%-d %b").to_string()))
        });
        templates.add_filter("time_and_day", |at: Fact| {
            format_fact(&at, |at| moment_of(at).map(|at| at.format("%H:%M on %A %-d %B").to_string()))
        });
        templates.add_filter("weekday_and_time", |at: Fact| {
            format_fact(&at, |at| moment_of(at).map(|at| at.format("%a %H:%M").to_string()))
        });
        templates.add_filter("place", |zone: Fact| format_fact(&zone, |zone| Some(place(zone))));
        templates.add_filter("city", |zone: Fact| format_fact(&zone, |zone| Some(city(zone))));
        templates.add_filter("short", |name: Fact| format_fact(&name, |name| Some(short(name))));
        templates.add_filter("span", |seconds: Fact| i64::try_from(seconds).map(span).unwrap_or_default());
        templates.add_filter("others", |contacts: Fact, reader: Fact| others(&contacts, &reader));
        templates.add_filter("closing_word", |outcome: Fact| outcome.as_str().map(closing_word).unwrap_or_default());
        for (name, source) in SOURCES.iter().chain(PAGES) {
            templates.add_template(name, source).map_err(|source| TextsError { name, source })?;
        }
        Ok(Self { templates })
    }

    /// Title and body, for push and for the list in the app. `kind`: a row of `data.notification_kinds`;
    /// `language`: a BCP 47 tag like `es-MX`; `facts`: `data.notifications.facts`.
    pub fn push(&self, kind: &str, language: &str, facts: &Value) -> (String, String) {
        headed(&self.render(kind, "push.txt", language, facts))
    }

    /// Subject, plain text and HTML.
    pub fn email(&self, kind: &str, language: &str, facts: &Value) -> (String, String, String) {
        let (subject, text) = headed(&self.render(kind, "email.txt", language, facts));
        (subject, text, self.render(kind, "email.html", language, facts))
    }

    /// The text of an SMS, without line breaks.
    pub fn sms(&self, kind: &str, language: &str, facts: &Value) -> String {
        self.render(kind, "sms.txt", language, facts).trim().to_owned()
    }

    /// What a call says, as TwiML: the title and the body of the push, twice, and which keys there are. `action`: the URL
    /// that is told of a key.
    pub fn call(&self, kind: &str, language: &str, facts: &Value, action: &str) -> String {
        let (title, body) = self.push(kind, language, facts);
        let mut facts = if facts.is_object() { facts.clone() } else { Value::Object(serde_json::Map::new()) };
        let body = body.replace('\n', " ");
        facts["title"] = Value::String(title);
        facts["body"] = Value::String(body[..body.floor_char_boundary(CALL_BODY)].to_owned());
        facts["kind"] = Value::String(kind.to_owned());
        facts["action"] = Value::String(action.to_owned());
        self.render("call", "xml", language, &facts)
    }

    /// What Twilio is answered, as TwiML; `name`: `call_answer` or `reply`.
    pub fn twiml(&self, name: &str, language: &str, facts: &Value) -> String {
        self.render(name, "xml", language, facts)
    }

    /// A page for a browser; `name`: one of [`PAGES`].
    pub fn page(&self, name: &str, language: &str, facts: &Value) -> String {
        self.render(name, "page.html", language, facts)
    }

    fn render(&self, kind: &str, part: &str, language: &str, facts: &Value) -> String {
        let primary = language.split(['-', '_']).next().unwrap_or_default().to_lowercase();
        let rendered = self
            .templates
            .get_template(&format!("{primary}/{kind}.{part}"))
            .or_else(|_| self.templates.get_template(&format!("{FALLBACK_LANGUAGE}/{kind}.{part}")))
            .and_then(|template| template.render(facts));
        rendered.unwrap_or_else(|error| {
            // The error's kind only: its text may hold facts.
            tracing::error!(text.kind = kind, text.part = part, error.kind = ?error.kind(), "text not rendered");
            match part {
                "email.html" | "page.html" => "<p>Pruuf has news for you. Please open the app now.</p>".to_owned(),
                "xml" => "<Response><Say>Pruuf has news for you. Please open the app now.</Say></Response>".to_owned(),
                "sms.txt" => "Pruuf has news for you. Please open the app now.".to_owned(),
                _ => "Pruuf has news for you\nPlease open the app now.".to_owned(),
            }
        })
    }
}

/// Splits the first line off; of several empty lines one is kept.
fn headed(text: &str) -> (String, String) {
    let (title, rest) = text.split_once('\n').unwrap_or((text, ""));
    let mut body = String::with_capacity(rest.len());
    for line in rest.trim().lines().map(str::trim_end) {
        if !(line.is_empty() && body.ends_with("\n\n")) {
            body.push_str(line);
            body.push('\n');
        }
    }
    (title.trim().to_owned(), body.trim_end().to_owned())
}

/// Control characters, line and paragraph separators, and the marks that turn the direction of the rest.
fn is_unprintable(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn printable(text: &str) -> String {
    text.chars().map(|c| if is_unprintable(c) { ' ' } else { c }).collect()
}

/// A fact that is missing stays missing; one of an unexpected shape is shown as it is.
fn format_fact(fact: &Fact, format: impl Fn(&str) -> Option<String>) -> Fact {
    match fact.as_str() {
        Some(text) => format(text).map_or_else(|| fact.clone(), Fact::from),
        None => fact.clone(),
    }
}

fn hours_and_minutes(time: NaiveTime) -> String {
    time.format("%H:%M").to_string()
}

/// `2026-11-20T08:55:00`, with or without an offset, which is local already.
fn moment_of(text: &str) -> Option<NaiveDateTime> {
    NaiveDateTime::parse_from_str(text.get(..16)?, "%Y-%m-%dT%H:%M").ok()
}

fn date_of(text: &str) -> Option<NaiveDate> {
    NaiveDate::parse_from_str(text.get(..10)?, "%Y-%m-%d").ok()
}

/// `09:00:00`, or the time of a moment.
fn time_of(text: &str) -> Option<NaiveTime> {
    moment_of(text).map(|at| at.time()).or_else(|| NaiveTime::parse_from_str(text.get(..5)?, "%H:%M").ok())
}

/// `America/Argentina/Buenos_Aires` is `Buenos Aires time`: readers elsewhere must know whose nine o'clock.
fn place(zone: &str) -> String {
    let city = city(zone);
    if city == "UTC" { city } else { format!("{city} time") }
}

/// The same where every letter counts.
fn city(zone: &str) -> String {
    zone.rsplit('/').next().unwrap_or(zone).replace('_', " ")
}

fn short(name: &str) -> String {
    let name = printable(name);
    if name.chars().count() <= SMS_NAME {
        return name;
    }
    // Not `…`: it is not in GSM-7 and would more than double the length of the whole text.
    let cut: String = name.chars().take(SMS_NAME - 1).collect();
    format!("{}.", cut.trim_end())
}

fn span(seconds: i64) -> String {
    let (count, unit) = match seconds.max(1) {
        s @ ..=119 => (s, "second"),
        s @ ..=7199 => (s / 60, "minute"),
        s => (s / 3600, "hour"),
    };
    if count == 1 { format!("1 {unit}") } else { format!("{count} {unit}s") }
}

/// Who else was told: all names but the reader's, which is left out once.
fn others(contacts: &Fact, reader: &Fact) -> String {
    let attr = |of: &Fact, name: &str| of.get_attr(name).unwrap_or_default();
    let mut people: Vec<Fact> = match contacts.kind() {
        ValueKind::Seq | ValueKind::Iterable => contacts.try_iter().map(Iterator::collect).unwrap_or_default(),
        _ => Vec::new(),
    };
    let is_reader = |key: &str| {
        let own = attr(reader, key);
        people.iter().position(|person| own.is_true() && attr(person, key) == own)
    };
    if let Some(index) = is_reader("id").or_else(|| is_reader("name")) {
        people.remove(index);
    }
    let mut text = String::new();
    for (index, person) in people.iter().enumerate() {
        let before = match index {
            0 => "",
            _ if index + 1 == people.len() => " and ",
            _ => ", ",
        };
        let name = attr(person, "name");
        let _ = write!(text, "{before}{}", name.as_str().unwrap_or("somebody"));
    }
    text
}

/// What somebody who closed an alert said, to be quoted as their word; nothing where they said nothing.
fn closing_word(outcome: &str) -> &'static str {
    match outcome {
        "safe" => "safe",
        "false_alarm" => "a false alarm",
        "got_help" => "got help",
        _ => "",
    }
}

#[cfg(test)]
mod tests;
