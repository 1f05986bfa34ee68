//! What the HTTP providers have in common.

use std::time::Duration;

use chrono::{DateTime, Utc};
use reqwest::header::{HeaderMap, RETRY_AFTER};
use serde_json::Value;

use super::Outcome;

/// The longest wait that is believed: a wild number must neither overflow a clock nor bury an alert.
const MAX_WAIT: Duration = Duration::from_secs(3600);

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

/// Asks something that sends nothing. Gives the answer, or in plain words why there is none; nothing that it says.
pub(super) async fn ask(request: reqwest::RequestBuilder, timeout: Duration) -> Result<Value, String> {
    match request.header("accept", "application/json").timeout(timeout).send().await {
        Ok(response) if response.status().is_success() => Ok(response.json().await.unwrap_or_default()),
        Ok(response) => Err(format!("it answers {}", response.status().as_u16())),
        Err(error) if error.is_connect() => Err("it cannot be connected to".to_owned()),
        Err(_) => Err("it does not answer".to_owned()),
    }
}

/// `Retry-After` (RFC 9110, 10.2.3): seconds or an HTTP date; a date gone by is zero, and an hour is the
/// longest.
pub(super) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let value = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds).min(MAX_WAIT));
    }
    let at = DateTime::parse_from_rfc2822(value).ok()?;
    let wait = (at.with_timezone(&Utc) - wall_clock()).to_std();
    Some(wait.unwrap_or(Duration::ZERO).min(MAX_WAIT))
}

/// How long it is until a second of this machine's clock, since 1970; an hour is the longest.
pub(super) fn until(second: i64) -> Duration {
    let seconds = u64::try_from(second.saturating_sub(wall_clock().timestamp())).unwrap_or(0);
    Duration::from_secs(seconds).min(MAX_WAIT)
}

/// This machine's time, for what a provider compares with its own clock; `rules.clock()` may be moved.
#[expect(clippy::disallowed_methods, reason = "providers know nothing of rules.clock()")]
pub(crate) fn wall_clock() -> DateTime<Utc> {
    Utc::now()
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
        assert_eq!(after("18446744073709551615"), Some(MAX_WAIT));
        assert_eq!(after("Sun, 06 Nov 1994 08:49:37 GMT"), Some(Duration::ZERO));
        let later = (wall_clock() + chrono::TimeDelta::seconds(90)).format("%a, %d %b %Y %H:%M:%S GMT");
        let wait = after(&later.to_string()).unwrap().as_secs();
        assert!((85..=90).contains(&wait), "{wait}");
    }
}
