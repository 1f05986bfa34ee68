//! The page that lists live every message that would have been sent.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use poem::listener::{Acceptor as _, Listener as _, TcpListener};
use poem::web::{Data, Html, Json};
use poem::{EndpointExt as _, Route, get, handler};
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::fakes::Fakes;

const PAGE: &str = r#"<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Pruuf: messages</title>
<style>
  body { font: 1rem/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem; padding: 0 1rem }
  li { border-top: 1px solid #ccc; list-style: none; padding: .7rem 0 }
  ul { padding: 0 }
  b { display: inline-block; min-width: 4rem }
  p { margin: .2rem 0 0 4.3rem; white-space: pre-wrap }
  small { color: #666 }
</style>
<h1>Messages that would have been sent</h1>
<p id="none" style="margin:0">None yet.</p>
<ul id="messages"></ul>
<script>
  let shown = 0
  async function look() {
    const messages = await (await fetch('/messages')).json()
    if (messages.length < shown) { document.getElementById('messages').replaceChildren(); shown = 0 }
    for (const message of messages.slice(shown)) {
      const item = document.createElement('li')
      const add = (tag, text) => { const part = document.createElement(tag); part.textContent = text; item.append(part, ' ') }
      add('b', message.channel); add('span', 'to ' + message.to); add('small', message.at + ', ' + message.answered)
      add('p', (message.title ? message.title + '\n' : '') + message.text)
      document.getElementById('messages').prepend(item)
    }
    shown = messages.length
    document.getElementById('none').hidden = shown > 0
  }
  setInterval(() => look().catch(() => {}), 500)
</script>
"#;

/// The page, served until [`Page::stop`].
pub struct Page {
    /// Where.
    pub address: SocketAddr,
    stop: CancellationToken,
    served: JoinHandle<io::Result<()>>,
}

impl Page {
    /// Closes it.
    pub async fn stop(self) {
        self.stop.cancel();
        let _ = self.served.await;
    }
}

/// Serves what the fakes have got, at this address or, when somebody has it, on a free port.
///
/// # Errors
/// When no port is free.
pub async fn serve(mut address: SocketAddr, fakes: Arc<Fakes>) -> io::Result<Page> {
    let acceptor = match TcpListener::bind(address).into_acceptor().await {
        Err(taken) if taken.kind() == io::ErrorKind::AddrInUse => {
            address.set_port(0);
            TcpListener::bind(address).into_acceptor().await?
        }
        bound => bound?,
    };
    let address =
        acceptor.local_addr().first().and_then(|address| address.as_socket_addr().copied()).unwrap_or(address);
    let stop = CancellationToken::new();
    let stopped = stop.clone().cancelled_owned();
    let routes = Route::new().at("/", get(page)).at("/messages", get(messages)).data(fakes);
    let server = poem::Server::new_with_acceptor(acceptor);
    let served =
        tokio::spawn(server.run_with_graceful_shutdown(routes, stopped, Some(std::time::Duration::from_secs(1))));
    Ok(Page { address, stop, served })
}

#[handler]
fn page() -> Html<&'static str> {
    Html(PAGE)
}

#[handler]
fn messages(fakes: Data<&Arc<Fakes>>) -> Json<Vec<Value>> {
    let shown = fakes.received().into_iter().map(|message| {
        json!({
            "at": message.at.format("%H:%M:%S").to_string(), "channel": format!("{:?}", message.channel), "to": message.to,
            "title": message.title, "text": message.text, "data": message.raw["data"], "answered": format!("{:?}", message.answered),
        })
    });
    Json(shown.collect())
}
