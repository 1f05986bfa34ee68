//! What the HTTP providers have in common.

use std::time::Duration;

use chrono::{DateTime, Utc};
use reqwest::header::{HeaderMap, RETRY_AFTER};

use super::Outcome;

/// No answer came: takes the error of `send()`, gives `Transient` when the request cannot have left,
/// else `Unknown`.
pub(super) fn unanswered(error: &reqwest::Error) -> Outcome {
    if error.is_connect() {
        Outcome::Transient { code: "connect".to_owned(), retry_after: None }
    } else if error.is_builder() {
        Outcome::Transient { code: "request".to_owned(), retry_after: None }
    } else if error.is_timeout() {
        Outcome::Unknown { code: "timeout".to_owned() }
    } else {
        Outcome::Unknown { code: "connection-broken".to_owned() }
    }
}

/// `Retry-After` (RFC 9110, 10.2.3): seconds or an HTTP date; a date gone by is zero.
pub(super) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let value = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let at = DateTime::parse_from_rfc2822(value).ok()?;
    // The provider's date is on the provider's clock, so the wall clock is right here, not `rules.clock()`.
    Some((at.with_timezone(&Utc) - Utc::now()).to_std().unwrap_or(Duration::ZERO))
}

#[cfg(test)]
mod tests {
    use super::*;
    use reqwest::header::HeaderValue;

    fn after(value: &str) -> Option<Duration> {
        let mut headers = HeaderMap::new();
        headers.insert(RETRY_AFTER, HeaderValue::from_str(value).unwrap());
        retry_after(&headers)
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        assert_eq!(after("17"), Some(Duration::from_secs(17)));
        assert_eq!(after("soon"), None);
        assert_eq!(after("Sun, 06 Nov 1994 08:49:37 GMT"), Some(Duration::ZERO));
        let later = (Utc::now() + chrono::TimeDelta::seconds(90)).format("%a, %d %b %Y %H:%M:%S GMT");
        let wait = after(&later.to_string()).unwrap().as_secs();
        assert!((85..=90).contains(&wait), "{wait}");
    }
}
