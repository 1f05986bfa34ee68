//! Whether a request comes from the provider that it claims to come from, and what it says (R7.1). No request is believed
//! before its signature or password was right, and nothing of it is read as JSON before that.

use crate::config::Config;

pub mod twilio;

/// What is needed to know the providers. A provider without its secret is not configured: its requests are answered so
/// that it tries again (503), since the fault is ours.
pub struct Webhooks {
    /// Signs with the account's auth token.
    pub twilio: Option<twilio::Signatures>,
}

impl Webhooks {
    /// As this configuration wants it.
    #[must_use]
    pub fn new(config: &Config) -> Self {
        let signatures =
            |twilio: &crate::config::Twilio| twilio::Signatures::new(&twilio.auth_tokens, &config.public_url);
        Self { twilio: config.twilio.as_ref().map(signatures) }
    }
}
