//! Logs: JSON lines on standard error, ids only.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

/// Starts logging for the whole process. `RUST_LOG` chooses what; without it, what is of this level or worse.
pub fn start(level: &str) {
    let filter = EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| EnvFilter::new(format!("{level},poem=warn,refinery_core=warn")));
    let json = tracing_subscriber::fmt::layer().json().flatten_event(true).with_writer(std::io::stderr);
    // A second call in one process (a test) keeps the first subscriber.
    let _ = tracing_subscriber::registry().with(filter).with(json).try_init();
}

/// How often a line that repeats is logged.
const REPEATED_EVERY: Duration = Duration::from_secs(10);

/// Whether a line about this is to be logged now: once in ten seconds. Gives how many were left out since the last one.
pub fn seldom(about: &str) -> Option<u64> {
    static LOGGED: Mutex<BTreeMap<String, (Instant, u64)>> = Mutex::new(BTreeMap::new());
    let mut logged = LOGGED.lock().unwrap_or_else(PoisonError::into_inner);
    match logged.get_mut(about) {
        Some((at, left_out)) if at.elapsed() < REPEATED_EVERY => {
            *left_out += 1;
            None
        }
        Some((at, left_out)) => {
            *at = Instant::now();
            Some(std::mem::take(left_out))
        }
        None => {
            logged.insert(about.to_owned(), (Instant::now(), 0));
            Some(0)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::seldom;

    #[test]
    fn what_repeats_is_logged_once_in_a_while() {
        assert_eq!(seldom("one"), Some(0));
        assert_eq!((seldom("one"), seldom("one")), (None, None));
        assert_eq!(seldom("another"), Some(0));
    }
}
