//! What the API's description says of a path and of a body: for the answers that poem words poorly.

use std::collections::HashMap;

use chrono::{DateTime, NaiveDate};
use regex::Regex;
use serde_json::Value;
use uuid::Uuid;

use crate::problem::FieldError;

/// The description, to be asked.
pub struct Contract {
    paths: serde_json::Map<String, Value>,
    schemas: Value,
    patterns: HashMap<String, Regex>,
}

impl Contract {
    /// From the description as JSON.
    #[must_use]
    pub fn new(spec: &str) -> Self {
        let mut spec: Value = serde_json::from_str(spec).unwrap_or_default();
        let mut patterns = HashMap::new();
        collect_patterns(&spec, &mut patterns);
        let paths = spec["paths"].as_object().cloned().unwrap_or_default();
        Self { paths, schemas: spec["components"]["schemas"].take(), patterns }
    }

    /// The operations at a path of a request, by method in lower case.
    fn at(&self, path: &str) -> Option<&Value> {
        let fits = |template: &str| {
            template.split('/').count() == path.split('/').count()
                && template.split('/').zip(path.split('/')).all(|(part, given)| part.starts_with('{') || part == given)
        };
        // A path without parameters goes before one with, as poem routes it.
        self.paths.get(path).or_else(|| self.paths.iter().find(|(template, _)| fits(template)).map(|(_, item)| item))
    }

    /// The methods of a path (RFC 9110, 10.2.1: a 405 must say so). What is not in the description is a page.
    #[must_use]
    pub fn allow(&self, path: &str) -> String {
        let Some(methods) = self.at(path).and_then(Value::as_object) else { return "GET, HEAD".to_owned() };
        methods.keys().map(|method| method.to_uppercase()).collect::<Vec<_>>().join(", ")
    }

    /// What is wrong with a body, value by value.
    #[must_use]
    pub fn mistakes(&self, method: &str, path: &str, body: &Value) -> Vec<FieldError> {
        let mut mistakes = Vec::new();
        let content = self.at(path).map(|item| &item[method.to_lowercase()]["requestBody"]["content"]);
        if let Some(media) = content.and_then(Value::as_object).and_then(|content| content.values().next()) {
            self.compare(&media["schema"], body, "", &mut mistakes);
        }
        mistakes
    }

    /// Whether a body is JSON that is not what the contract wants: poem takes a number or a boolean where a text belongs.
    #[must_use]
    pub fn is_broken(&self, method: &str, path: &str, body: &[u8]) -> bool {
        !body.is_empty()
            && serde_json::from_slice(body).is_ok_and(|value| !self.mistakes(method, path, &value).is_empty())
    }

    /// What a parameter must be, to follow its name in a sentence.
    #[must_use]
    pub fn parameter(&self, method: &str, path: &str, name: &str) -> String {
        let operation = self.at(path).map(|item| &item[method.to_lowercase()]["parameters"]);
        let described = operation.and_then(Value::as_array).into_iter().flatten().find(|known| known["name"] == name);
        let schema = described.map_or(&Value::Null, |known| &known["schema"]);
        match (schema["type"].as_str(), schema["format"].as_str()) {
            (Some("integer"), _) => {
                let edge = |name: &str| schema[name].as_f64().map(|edge| edge.to_string());
                match edge("minimum").zip(edge("maximum")) {
                    Some((least, most)) => format!("must be a whole number from {least} to {most}."),
                    None => "must be a whole number.".to_owned(),
                }
            }
            (Some("boolean"), _) => "must be true or false.".to_owned(),
            (Some("string"), Some("uuid")) if name == "cursor" => {
                "must be the next_cursor of the page before, as it came.".to_owned()
            }
            (Some("string"), Some(format)) => format!("must be a {format}."),
            _ => "cannot be read.".to_owned(),
        }
    }

    fn compare(&self, schema: &Value, value: &Value, pointer: &str, mistakes: &mut Vec<FieldError>) {
        if let Some(name) = schema["$ref"].as_str().and_then(|path| path.rsplit('/').next()) {
            return self.compare(&self.schemas[name], value, pointer, mistakes);
        }
        for part in schema["allOf"].as_array().into_iter().flatten() {
            self.compare(part, value, pointer, mistakes);
        }
        let wrong = match (schema["type"].as_str(), value) {
            (Some("object"), Value::Object(given)) => {
                let required: Vec<&str> =
                    schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
                for name in &required {
                    if given.get(*name).is_none_or(Value::is_null) {
                        mistakes.push(mistake(format!("{pointer}/{name}"), "This is required.".to_owned()));
                    }
                }
                for (name, property) in schema["properties"].as_object().into_iter().flatten() {
                    // An explicit null is no way to leave something out: whoever sends one wants to erase what is there.
                    let is_said = |value: &Value| {
                        !value.is_null() || !(required.contains(&name.as_str()) || property["nullable"] == true)
                    };
                    if let Some(value) = given.get(name).filter(|value| is_said(value)) {
                        self.compare(property, value, &format!("{pointer}/{name}"), mistakes);
                    }
                }
                None
            }
            (Some("array"), Value::Array(items)) => {
                for (place, item) in items.iter().enumerate() {
                    self.compare(&schema["items"], item, &format!("{pointer}/{place}"), mistakes);
                }
                let count = items.len() as u64;
                let least = schema["minItems"].as_u64().filter(|least| count < *least);
                let most = schema["maxItems"].as_u64().filter(|most| count > *most);
                least
                    .map(|least| format!("At least {least} are needed."))
                    .or_else(|| most.map(|most| format!("At most {most} are possible.")))
            }
            (Some("string"), Value::String(text)) => self.wrong_text(schema, text),
            (Some("integer"), Value::Number(number)) => wrong_number(schema, number),
            (Some("number"), Value::Number(_)) | (Some("boolean"), Value::Bool(_)) | (None, _) => None,
            (Some(kind), _) => Some(format!("This must be of type {kind}.")),
        };
        mistakes.extend(wrong.map(|wrong| mistake(pointer.to_owned(), wrong)));
    }

    fn wrong_text(&self, schema: &Value, text: &str) -> Option<String> {
        if let Some(known) = schema["enum"].as_array() {
            let known: Vec<&str> = known.iter().filter_map(Value::as_str).collect();
            return (!known.contains(&text)).then(|| format!("This must be one of: {}.", known.join(", ")));
        }
        let is_read = match schema["format"].as_str() {
            Some("uuid") => Uuid::parse_str(text).is_ok(),
            Some("date-time") => DateTime::parse_from_rfc3339(text).is_ok(),
            Some("date" | "naive-date") => NaiveDate::parse_from_str(text, "%F").is_ok(),
            _ => true,
        };
        if !is_read {
            return Some(format!(
                "This is not a {}.",
                schema["format"].as_str().unwrap_or_default().trim_start_matches("naive-")
            ));
        }
        if let Some(most) = schema["maxLength"].as_u64().filter(|most| text.chars().count() as u64 > *most) {
            return Some(format!("At most {most} characters are possible."));
        }
        let pattern = schema["pattern"].as_str()?;
        let fits = self.patterns.get(pattern).is_some_and(|pattern| pattern.is_match(text));
        (!fits).then(|| format!("This must fit {pattern}."))
    }
}

/// Compiles every pattern once: a request only looks them up.
fn collect_patterns(part: &Value, patterns: &mut HashMap<String, Regex>) {
    match part {
        Value::Object(members) => {
            if let Some((text, Ok(pattern))) = part["pattern"].as_str().map(|text| (text, Regex::new(text))) {
                patterns.insert(text.to_owned(), pattern);
            }
            members.values().for_each(|member| collect_patterns(member, patterns));
        }
        Value::Array(items) => items.iter().for_each(|item| collect_patterns(item, patterns)),
        _ => {}
    }
}

fn mistake(pointer: String, detail: String) -> FieldError {
    FieldError { pointer: Some(pointer), parameter: None, detail }
}

fn wrong_number(schema: &Value, number: &serde_json::Number) -> Option<String> {
    let (least, most) = match schema["format"].as_str() {
        Some("int16") => (i64::from(i16::MIN), i64::from(i16::MAX)),
        Some("int32") => (i64::from(i32::MIN), i64::from(i32::MAX)),
        _ => (i64::MIN, i64::MAX),
    };
    let fits = number.as_i64().is_some_and(|number| (least..=most).contains(&number));
    (!fits).then(|| "This is not a whole number, or too large.".to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pointers(method: &str, path: &str, body: &Value) -> Vec<String> {
        let contract = Contract::new(&crate::http::service().spec());
        contract.mistakes(method, path, body).into_iter().filter_map(|mistake| mistake.pointer).collect()
    }

    #[test]
    fn a_mistake_is_shown_where_it_is() {
        let schedule = |body| pointers("PUT", "/v1/me/schedule", &body);
        assert_eq!(schedule(json!({"local_times": ["09:00"], "time_zone": "UTC"})), Vec::<String>::new());
        assert_eq!(schedule(json!({"local_times": []})), ["/time_zone", "/local_times"]);
        assert_eq!(
            schedule(json!({"local_times": [9], "time_zone": 1, "weekdays": [1, 99999], "reminders": ["never"]})),
            ["/local_times/0", "/reminders/0", "/time_zone", "/weekdays/1"]
        );
        assert_eq!(schedule(json!({"local_times": ["09:00", "9 am"], "time_zone": "UTC"})), ["/local_times/1"]);
        assert_eq!(schedule(json!([])), [""]);
        assert_eq!(pointers("PATCH", "/v1/me", &json!({"name": ["Ann"], "language": "tlh"})), ["/language", "/name"]);
        assert_eq!(
            pointers("POST", "/v1/auth/codes", &json!({"address": {"kind": "fax", "value": null}})),
            ["/address/value", "/address/kind"]
        );
    }

    #[test]
    fn a_path_knows_its_methods() {
        let contract = Contract::new(&crate::http::service().spec());
        assert_eq!(contract.allow("/v1/me/devices/1"), "DELETE, PUT");
        assert_eq!(contract.allow("/v1/invitations/accept"), "POST");
        assert_eq!(contract.allow("/healthz"), "GET, HEAD");
    }
}
