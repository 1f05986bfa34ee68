//! LISTEN with reconnect. What it hears carries no truth: it only wakes those who then look at the tables.

use std::time::Duration;

use futures_util::future::poll_fn;
use secrecy::SecretString;
use tokio::sync::broadcast;
use tokio_postgres::AsyncMessage;
use tokio_util::sync::CancellationToken;

use super::{DbError, settings, tls};

/// There is something to do: a delivery, or a deadline nearer than expected.
pub const WORK: &str = "pruuf_work";
/// Users who were told something: their ids, separated by commas.
pub const TOLD: &str = "pruuf_told";

const LONGEST_WAIT: Duration = Duration::from_secs(5);
/// How many notifications a slow receiver may lag behind before it is told to look at everything.
const BACKLOG: usize = 1024;

/// Something was heard.
#[derive(Debug, Clone)]
pub enum Heard {
    /// On [`WORK`].
    Work,
    /// On [`TOLD`]: the payload.
    Told(String),
    /// The connection is new: whatever was said meanwhile is lost, so look at everything.
    Everything,
}

/// One connection that listens, and all who want to hear.
#[derive(Clone)]
pub struct Ear {
    heard: broadcast::Sender<Heard>,
}

impl Default for Ear {
    fn default() -> Self {
        Self { heard: broadcast::Sender::new(BACKLOG) }
    }
}

impl Ear {
    /// A receiver of all that is heard from now on.
    #[must_use]
    pub fn subscribe(&self) -> broadcast::Receiver<Heard> {
        self.heard.subscribe()
    }

    /// Listens until `stop`, and connects again for as long as it takes. A connection pooler in transaction mode
    /// cannot carry this one.
    pub async fn listen(&self, url: SecretString, stop: CancellationToken) {
        let mut wait = Duration::from_millis(50);
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                end = self.listen_once(&url) => match end {
                    Ok(()) => wait = Duration::from_millis(50),
                    Err(_) => tracing::warn!(retry.wait_ms = wait.as_millis(), "listener lost its connection"),
                }
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(wait) => wait = (wait * 2).min(LONGEST_WAIT),
            }
        }
    }

    /// Listens on one connection until it ends.
    async fn listen_once(&self, url: &SecretString) -> Result<(), DbError> {
        let unreachable = |error: tokio_postgres::Error| DbError::Unreachable(error.to_string());
        let (client, mut connection) = settings(url)?.connect(tls()?).await.map_err(unreachable)?;
        let heard = self.heard.clone();
        let ears = tokio::spawn(async move {
            while let Some(Ok(message)) = poll_fn(|context| connection.poll_message(context)).await {
                if let AsyncMessage::Notification(notification) = message {
                    // Nobody subscribed is no error.
                    let _ = heard.send(match notification.channel() {
                        TOLD => Heard::Told(notification.payload().to_owned()),
                        _ => Heard::Work,
                    });
                }
            }
        });
        let abort = AbortOnDrop(ears.abort_handle());
        client.batch_execute(&format!("listen {WORK}; listen {TOLD}")).await.map_err(unreachable)?;
        let _ = self.heard.send(Heard::Everything);
        let _ = ears.await;
        drop(abort);
        Ok(())
    }
}

struct AbortOnDrop(tokio::task::AbortHandle);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}
