//! Logs: JSON lines on standard error, ids only.

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
