//! What people read (R7.7): templates by kind, channel and language.
//!
//! A language is a folder, a template is `<kind>.<part>`: `push.txt` (the title, then the body),
//! `email.txt` (the subject, then the text), `email.html` and `sms.txt`. The first line of the first two is
//! the title or subject. To add a kind: four files in each language and its name in [`texts_in`]. A `<name>.page.html` is a page
//! of ours, a `<name>.app.txt` what a screen of the app says. `words.txt` holds what the filters below put together, as macros: dates, places, lists.

pub mod gsm;

use chrono::{Datelike as _, NaiveDate, NaiveDateTime, NaiveTime, Timelike as _};
use minijinja::value::{Value as Fact, ValueKind};
use minijinja::{AutoEscape, Environment, State, context};
use serde_json::Value;

/// Every language that there is, as the database spells it.
pub const LANGUAGES: [&str; 2] = ["en", "es"];
/// The language of a person who chose none, or one that is not here yet.
pub const FALLBACK_LANGUAGE: &str = "en";
/// The longest name in an SMS, in characters: most fit, and no name pushes the rest into a second segment.
const SMS_NAME: usize = 20;

/// The longest body that a call reads out, in bytes: all of it is said twice, escaped, and Twilio takes 4000 characters.
const CALL_BODY: usize = 600;

/// How often an SMS that needs more than one message is tried anew with less in it: `brief` of its facts says so.
const BRIEFEST: u8 = 3;

macro_rules! sources {
    ($language:literal: $($kind:literal)*) => {
        &[$(
            (concat!($language, "/", $kind, ".push.txt"), include_str!(concat!($language, "/", $kind, ".push.txt"))),
            (concat!($language, "/", $kind, ".email.txt"), include_str!(concat!($language, "/", $kind, ".email.txt"))),
            (concat!($language, "/", $kind, ".email.html"), include_str!(concat!($language, "/", $kind, ".email.html"))),
            (concat!($language, "/", $kind, ".sms.txt"), include_str!(concat!($language, "/", $kind, ".sms.txt"))),
        )*]
    };
}

/// Every kind of notification.
macro_rules! texts_in {
    ($language:literal) => { sources!($language:
    "missed" "help" "needs_more_help" "still_open" "owner_asked" "all_clear" "acknowledged" "one_time_code" "reminder" "invitation" "connected" "connection_ended"
    "pin_changed" "address_changed" "session_theft" "account_deleted" "account_restored" "goodbye"
    "checked_in" "checked_in_late" "access_ending" "payment_failed" "card_ending" "account_frozen" "account_thawed" "watcher_frozen" "grandfathered" "payment_returned" "attested" "daily_digest" "coverage_lost" "coverage_back" "drill" "drill_reminder" "weekly_summary" "webhook_off" "unreachable"
    "break_planned" "break_began" "break_ending" "break_ended" "pause_goes_on"
    ) };
}

macro_rules! files {
    ($language:literal: $($file:literal)*) => {
        &[$((concat!($language, "/", $file), include_str!(concat!($language, "/", $file))),)*]
    };
}

/// What texts share, every page, and what Twilio reads out or sends back.
macro_rules! files_in {
    ($language:literal) => { files!($language:
        "words.txt" "base.html" "steps.txt" "steps.html" "seen.txt" "seen.html" "to_the_alert.txt" "call.xml" "call_answer.xml" "reply.xml"
        "page.html" "invitation.page.html" "nothing_here.page.html" "home.page.html" "later.page.html"
        "billing.app.txt"
        "alert.page.html" "alert_unknown.page.html" "alert_link_over.page.html" "alert_later.page.html"
        "check_in.page.html" "check_in_link_over.page.html" "check_in_later.page.html"
    ) };
}

/// Name and text of every template, in each of [`LANGUAGES`].
const SOURCES: [&[(&str, &str)]; 4] = [texts_in!("en"), files_in!("en"), texts_in!("es"), files_in!("es")];

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
        templates.add_filter("time", |at: Fact| moment_of(&at).and_then(|at| at.get_attr("time").ok()).unwrap_or(at));
        for (name, read) in [
            ("day", moment_of as fn(&Fact) -> Option<Fact>),
            ("short_day", moment_of),
            ("at_time", moment_of),
            ("time_and_day", moment_of),
            ("weekday_and_time", moment_of),
            ("place", city_of),
            ("city", city_of),
            ("closing_word", |outcome| Some(outcome.clone())),
        ] {
            templates.add_filter(name, move |state: &State<'_, '_>, fact: Fact| {
                // What is missing stays missing, and what is of an unexpected shape is shown as it is.
                read(&fact).and_then(|read| word(state, name, &[read])).map_or(fact, Fact::from)
            });
        }
        templates.add_filter("span", |state: &State<'_, '_>, seconds: Fact| span(state, &seconds).unwrap_or_default());
        templates.add_filter("short", |name: Fact| name.as_str().map(short).map_or(name, Fact::from));
        templates.add_filter("others", |state: &State<'_, '_>, contacts: Fact, reader: Fact| {
            others(state, &contacts, &reader)
        });
        for (name, source) in SOURCES.iter().copied().flatten() {
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

    /// The text of an SMS, without line breaks: one that carriers send as one message, if leaving out what matters least can do it.
    pub fn sms(&self, kind: &str, language: &str, facts: &Value) -> String {
        let mut facts = object(facts);
        let mut text = String::new();
        for brief in 0..=BRIEFEST {
            facts["brief"] = brief.into();
            let briefer = gsm::plain(self.render(kind, "sms.txt", language, &facts).trim());
            if brief == 0 || gsm::segments(&briefer) < gsm::segments(&text) {
                text = briefer;
            }
            if gsm::segments(&text) == 1 {
                break;
            }
        }
        text
    }

    /// What a call says, as TwiML: the title and the body of the push, twice, and which keys there are. `action`: the URL
    /// that is told of a key.
    pub fn call(&self, kind: &str, language: &str, facts: &Value, action: &str) -> String {
        let mut facts = object(facts);
        for phone in facts["phones"].as_array_mut().into_iter().flatten() {
            *phone = self.spoken(phone.as_str().unwrap_or_default(), language).into();
        }
        facts["is_call"] = Value::Bool(true);
        let (title, body) = self.push(kind, language, &facts);
        let body = body.replace('\n', " ");
        facts["title"] = Value::String(title);
        facts["body"] = Value::String(body[..body.floor_char_boundary(CALL_BODY)].to_owned());
        facts["kind"] = Value::String(kind.to_owned());
        facts["action"] = Value::String(action.to_owned());
        self.render("call", "xml", language, &facts)
    }

    /// A phone number digit by digit, as nobody understands "sixty-four billion".
    fn spoken(&self, phone: &str, language: &str) -> String {
        let digits: Vec<char> = phone.chars().filter(char::is_ascii_digit).collect();
        let groups: Vec<String> =
            digits.chunks(3).map(|group| group.iter().map(char::to_string).collect::<Vec<_>>().join(" ")).collect();
        self.word(language, "spoken_phone", &[groups.join(", ").into()])
    }

    /// What Twilio is answered, as TwiML; `name`: `call_answer` or `reply`.
    pub fn twiml(&self, name: &str, language: &str, facts: &Value) -> String {
        let twiml = self.render(name, "xml", language, facts);
        // What is read out keeps its accents.
        if name == "reply" { gsm::plain(&twiml) } else { twiml }
    }

    /// A page for a browser; `name`: the part of its file's name before `.page.html`.
    pub fn page(&self, name: &str, language: &str, facts: &Value) -> String {
        self.render(name, "page.html", language, facts)
    }

    /// A few sentences for a screen of the app; `name`: the part of its file's name before `.app.txt`.
    pub fn app(&self, name: &str, language: &str, facts: &Value) -> String {
        self.render(name, "app.txt", language, facts).split_whitespace().collect::<Vec<_>>().join(" ")
    }

    fn render(&self, kind: &str, part: &str, language: &str, facts: &Value) -> String {
        let language = known_language(language).unwrap_or(FALLBACK_LANGUAGE);
        let rendered = self
            .templates
            .get_template(&format!("{language}/{kind}.{part}"))
            .and_then(|template| template.render(facts));
        rendered.unwrap_or_else(|error| {
            // The error's kind only: its text may hold facts.
            tracing::error!(text.kind = kind, text.part = part, error.kind = ?error.kind(), "text not rendered");
            let title = self.word(language, "news_title", &[]);
            let body = self.word(language, "news_body", &[]);
            match part {
                "email.html" | "page.html" => format!("<p>{title}. {body}</p>"),
                "xml" => format!("<Response><Say>{title}. {body}</Say></Response>"),
                "sms.txt" | "app.txt" => format!("{title}. {body}"),
                _ => format!("{title}\n{body}"),
            }
        })
    }

    /// One of the words of a language.
    fn word(&self, language: &str, name: &str, args: &[Fact]) -> String {
        let language = known_language(language).unwrap_or(FALLBACK_LANGUAGE);
        word_of(&self.templates, language, name, args).unwrap_or_else(|| "Pruuf".to_owned())
    }
}

/// Which of [`LANGUAGES`] a BCP 47 tag like `es-MX` is of.
#[must_use]
pub fn known_language(tag: &str) -> Option<&'static str> {
    let primary = tag.split(['-', '_']).next()?.trim();
    LANGUAGES.into_iter().find(|language| language.eq_ignore_ascii_case(primary))
}

/// Which of [`LANGUAGES`] an `Accept-Language` header likes best (RFC 9110, 12.5.4); `None` where it names none of them.
#[must_use]
pub fn preferred_language(header: &str) -> Option<&'static str> {
    let mut best: Option<(f32, &'static str)> = None;
    for range in header.split(',') {
        let mut parts = range.split(';');
        let language = parts.next().and_then(known_language);
        let weight = parts
            .find_map(|part| part.trim().strip_prefix("q="))
            .map_or(1.0, |weight| weight.trim().parse().unwrap_or(0.0));
        // The first of equals, as it is written.
        if let Some(language) = language.filter(|_| weight > best.map_or(0.0, |(weight, _)| weight)) {
            best = Some((weight, language));
        }
    }
    best.map(|(_, language)| language)
}

/// A macro of `words.txt` in a language. Nothing where there is none: the test of all words finds it.
fn word_of(templates: &Environment<'_>, language: &str, name: &str, args: &[Fact]) -> Option<String> {
    let words = templates.get_template(&format!("{language}/words.txt")).ok()?.render_captured(()).ok()?;
    words.state().call_macro(name, args).ok()
}

/// The same in the language of the template that is being rendered.
fn word(state: &State<'_, '_>, name: &str, args: &[Fact]) -> Option<String> {
    let language = state.name().split_once('/').and_then(|(language, _)| known_language(language))?;
    word_of(state.env(), language, name, args)
}

fn object(facts: &Value) -> Value {
    if facts.is_object() { facts.clone() } else { Value::Object(serde_json::Map::new()) }
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

/// `2026-11-20T08:55:00`, with or without an offset, which is local already; a date alone or a time alone: in the parts that
/// `words.txt` speaks of.
fn moment_of(fact: &Fact) -> Option<Fact> {
    let text = fact.as_str()?;
    let time = |text: &str| NaiveTime::parse_from_str(text.get(..5)?, "%H:%M").ok();
    let moment = text.get(..16).and_then(|text| NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M").ok());
    let date = text.get(..10).and_then(|text| NaiveDate::parse_from_str(text, "%Y-%m-%d").ok());
    let moment = moment
        .or_else(|| Some(date?.and_time(NaiveTime::MIN)))
        .or_else(|| Some(NaiveDate::default().and_time(time(text)?)))?;
    Some(context! {
        weekday => moment.weekday().num_days_from_monday(), day => moment.day(), month => moment.month0(),
        hour => moment.hour(), time => moment.format("%H:%M").to_string(),
    })
}

/// `America/Argentina/Buenos_Aires` is `Buenos Aires`: readers elsewhere must know whose nine o'clock.
fn city_of(zone: &Fact) -> Option<Fact> {
    let zone = zone.as_str()?;
    Some(zone.rsplit('/').next().unwrap_or(zone).replace('_', " ").into())
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

fn span(state: &State<'_, '_>, seconds: &Fact) -> Option<String> {
    let (count, unit) = match i64::try_from(seconds.clone()).ok()?.max(1) {
        s @ ..=119 => (s, "second"),
        s @ ..=7199 => (s / 60, "minute"),
        s => (s / 3600, "hour"),
    };
    word(state, "span", &[count.into(), unit.into()])
}

/// Who else was told: all names but the reader's, which is left out once.
fn others(state: &State<'_, '_>, contacts: &Fact, reader: &Fact) -> String {
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
    let somebody = || Fact::from(word(state, "somebody", &[]));
    let names: Vec<Fact> = people
        .iter()
        .map(|person| attr(person, "name"))
        .map(|name| if name.as_str().is_some() { name } else { somebody() })
        .collect();
    if names.is_empty() { String::new() } else { word(state, "joined", &[names.into()]).unwrap_or_default() }
}

#[cfg(test)]
mod tests;
