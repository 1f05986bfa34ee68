//! Connections that ask and never finish asking: they are closed.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use poem::http::uri::Scheme;
use poem::listener::Acceptor;
use poem::web::{LocalAddr, RemoteAddr};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

/// How long a connection may go without our writing anything: whoever sends a request line a letter at a time, a body
/// that never ends, or nothing at all. Longer than proxies keep an idle connection (60 s at most of them), so that they
/// close it and not we; an event stream is written to every 15 seconds.
const SILENCE: Duration = Duration::from_secs(75);

/// Accepts connections whose patience ends.
pub struct Patient<A>(pub A);

impl<A: Acceptor> Acceptor for Patient<A> {
    type Io = Limited<A::Io>;

    fn local_addr(&self) -> Vec<LocalAddr> {
        self.0.local_addr()
    }

    async fn accept(&mut self) -> io::Result<(Self::Io, LocalAddr, RemoteAddr, Scheme)> {
        let (io, local, remote, scheme) = self.0.accept().await?;
        Ok((Limited::new(io, SILENCE), local, remote, scheme))
    }
}

/// A connection that ends when nothing was written to it for too long.
pub struct Limited<T> {
    io: T,
    silence: Duration,
    ends_at: Instant,
    end: Pin<Box<Sleep>>,
}

impl<T> Limited<T> {
    fn new(io: T, silence: Duration) -> Self {
        let ends_at = Instant::now() + silence;
        Self { io, silence, ends_at, end: Box::pin(sleep_until(ends_at)) }
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Limited<T> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if let ready @ Poll::Ready(_) = Pin::new(&mut this.io).poll_read(cx, buf) {
            return ready;
        }
        // The timer is moved only when it rings: an answer costs a look at the clock and no more.
        while this.end.as_mut().poll(cx).is_ready() {
            if this.end.deadline() >= this.ends_at {
                return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
            }
            this.end.as_mut().reset(this.ends_at);
        }
        Poll::Pending
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Limited<T> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.ends_at = Instant::now() + self.silence;
        Pin::new(&mut self.io).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.ends_at = Instant::now() + self.silence;
        Pin::new(&mut self.io).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};

    use super::*;

    #[tokio::test]
    async fn who_sends_a_letter_at_a_time_is_cut_off_and_who_is_answered_is_not() {
        let silence = Duration::from_millis(300);
        let (mut client, server) = duplex(64);
        let mut server = Limited::new(server, silence);
        let started = Instant::now();
        let talk = tokio::spawn(async move {
            while client.write_all(b"x").await.is_ok() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        });
        let mut byte = [0];
        while started.elapsed() < silence / 2 {
            server.read_exact(&mut byte).await.unwrap();
        }
        // An answer: it all begins anew.
        server.write_all(b"y").await.unwrap();
        let answered = Instant::now();
        let cut = loop {
            if let Err(error) = server.read_exact(&mut byte).await {
                break error;
            }
        };
        assert_eq!(cut.kind(), io::ErrorKind::TimedOut);
        assert!(answered.elapsed() >= silence, "{:?}", answered.elapsed());
        drop(server);
        talk.await.unwrap();
    }
}
