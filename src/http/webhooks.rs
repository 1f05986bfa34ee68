//! What providers call. They are known by their signatures (src/webhooks), not by a session, and get short answers: a 2xx
//! for what was kept, 401 for what is not theirs, 503 where the fault is ours, so that they come again.

use std::sync::Arc;

use poem::{FromRequest, Request, RequestBody};

use crate::app::App;
use crate::problem::{Code, Problem};
use crate::webhooks::twilio::Form;

/// A form that Twilio has signed.
pub struct FromTwilio(pub Form);

impl<'a> FromRequest<'a> for FromTwilio {
    async fn from_request(request: &'a Request, body: &mut RequestBody) -> poem::Result<Self> {
        let app = request.data::<Arc<App>>().ok_or(Problem::new(Code::Internal))?;
        let twilio = app.webhooks.twilio.as_ref().ok_or_else(|| not_configured("twilio"))?;
        let form = Form::read(&body.take()?.into_bytes().await?);
        let path = request.original_uri().path_and_query().map_or("", |path| path.as_str());
        if !twilio.is_right(path, &form, request.header("x-twilio-signature").unwrap_or_default()) {
            return Err(not_the_provider("twilio").into());
        }
        Ok(Self(form))
    }
}

/// The fault is ours: tried again, the request may find the secret in its place.
fn not_configured(provider: &str) -> Problem {
    tracing::error!(webhook.provider = provider, "a provider calls whose secret is not configured");
    Problem::new(Code::Unavailable)
}

fn not_the_provider(provider: &str) -> Problem {
    tracing::warn!(webhook.provider = provider, "a webhook is not signed by its provider");
    Problem::new(Code::NotTheProvider)
}
