//! Connections that ask and never finish asking: they are closed; and what the system refuses to accept is waited for.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use poem::http::uri::Scheme;
use poem::listener::Acceptor;
use poem::web::{LocalAddr, RemoteAddr};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep, sleep_until};

use super::sockets::{Place, Sockets};

/// How long a connection may go without our writing anything: whoever sends a request line a letter at a time, a body
/// that never ends, or nothing at all. Longer than proxies keep an idle connection (60 s at most of them), so that they
/// close it and not we; an event stream is written to every 15 seconds.
const SILENCE: Duration = Duration::from_secs(75);
/// How long is waited when the system has no descriptor or no memory for a connection: without it the loop would use up a
/// core.
const OUT_OF_DESCRIPTORS: Duration = Duration::from_millis(50);
/// How often that is logged.
const LOG_EVERY: Duration = Duration::from_secs(10);

/// Accepts connections whose patience ends, each in a place of [`Sockets`].
pub struct Patient<A> {
    acceptor: A,
    sockets: Arc<Sockets>,
    logged_at: Option<Instant>,
    failures: u64,
}

impl<A> Patient<A> {
    /// With these places.
    #[must_use]
    pub const fn new(acceptor: A, sockets: Arc<Sockets>) -> Self {
        Self { acceptor, sockets, logged_at: None, failures: 0 }
    }

    /// Waits until it makes sense to try again.
    async fn failed(&mut self, error: io::Error) {
        self.failures += 1;
        if self.logged_at.is_none_or(|at| at.elapsed() >= LOG_EVERY) {
            tracing::error!(error = %error, http.failures = self.failures, "connections cannot be accepted");
            self.logged_at = Some(Instant::now());
        }
        // Of one that was broken off before it was accepted nothing is left: the next one can be accepted at once.
        let is_over = matches!(
            error.kind(),
            io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset | io::ErrorKind::Interrupted
        );
        if !is_over {
            self.sockets.make_room();
            sleep(OUT_OF_DESCRIPTORS).await;
        }
    }
}

impl<A: Acceptor> Acceptor for Patient<A> {
    type Io = Limited<A::Io>;

    fn local_addr(&self) -> Vec<LocalAddr> {
        self.acceptor.local_addr()
    }

    async fn accept(&mut self) -> io::Result<(Self::Io, LocalAddr, RemoteAddr, Scheme)> {
        loop {
            let (io, _, remote, scheme) = match self.acceptor.accept().await {
                Ok(accepted) => accepted,
                Err(error) => {
                    self.failed(error).await;
                    continue;
                }
            };
            let peer = remote.as_socket_addr().map(SocketAddr::ip);
            if let Some(place) = self.sockets.admit(peer).await {
                let name = place.name();
                return Ok((Limited::new(io, SILENCE, place), name, remote, scheme));
            }
        }
    }
}

/// A connection that ends when nothing was written to it for too long, or when its place is somebody else's.
pub struct Limited<T> {
    io: T,
    place: Place,
    silence: Duration,
    ends_at: Instant,
    end: Pin<Box<Sleep>>,
}

impl<T> Limited<T> {
    fn new(io: T, silence: Duration, place: Place) -> Self {
        let ends_at = Instant::now() + silence;
        Self { io, place, silence, ends_at, end: Box::pin(sleep_until(ends_at)) }
    }

    /// An error when it has been silent for too long. The timer is moved only when it rings: an answer costs a look at the
    /// clock and no more.
    fn poll_end<R>(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<R>> {
        while self.end.as_mut().poll(cx).is_ready() {
            if self.end.deadline() >= self.ends_at {
                return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
            }
            self.end.as_mut().reset(self.ends_at);
        }
        Poll::Pending
    }

    /// What became of writing: whoever takes nothing is silent, too.
    fn written(&mut self, cx: &mut Context<'_>, result: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if result.is_pending() {
            return self.poll_end(cx);
        }
        self.ends_at = Instant::now() + self.silence;
        result
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Limited<T> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.place.has_to_leave(cx) {
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        if let ready @ Poll::Ready(_) = Pin::new(&mut this.io).poll_read(cx, buf) {
            return ready;
        }
        this.poll_end(cx)
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Limited<T> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.place.has_to_leave(cx) {
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        let result = Pin::new(&mut self.io).poll_write(cx, bytes);
        self.written(cx, result)
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
        if self.place.has_to_leave(cx) {
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        let result = Pin::new(&mut self.io).poll_write_vectored(cx, slices);
        self.written(cx, result)
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
        let place = Sockets::new(1, Vec::new()).admit(None).await.unwrap();
        let mut server = Limited::new(server, silence, place);
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

    #[tokio::test]
    async fn r9_9_whoever_waits_while_somebody_needs_the_place_is_cut_off_at_once() {
        let sockets = Sockets::without_grace(1, Vec::new());
        for is_writing in [false, true] {
            let place = sockets.admit(None).await.unwrap();
            let (_client, io) = duplex(8);
            let mut server = Limited::new(io, Duration::from_hours(1), place);
            let waits = tokio::spawn(async move {
                if is_writing { server.write_all(&[0; 64]).await } else { server.read_u8().await.map(drop) }
            });
            let next = sockets.admit(None).await.unwrap();
            assert_eq!(waits.await.unwrap().unwrap_err().kind(), io::ErrorKind::ConnectionAborted);
            drop(next);
        }
    }

    /// Fails so many times, then gives one connection.
    struct Failing {
        kinds: Vec<io::Error>,
    }

    impl Acceptor for Failing {
        type Io = tokio::io::DuplexStream;

        fn local_addr(&self) -> Vec<LocalAddr> {
            Vec::new()
        }

        async fn accept(&mut self) -> io::Result<(Self::Io, LocalAddr, RemoteAddr, Scheme)> {
            match self.kinds.pop() {
                Some(error) => Err(error),
                None => Ok((duplex(8).0, LocalAddr::default(), RemoteAddr::default(), Scheme::HTTP)),
            }
        }
    }

    #[tokio::test]
    async fn r9_9_what_cannot_be_accepted_is_waited_for_and_makes_room() {
        let sockets = Sockets::without_grace(9, Vec::new());
        let idle = sockets.admit(None).await.unwrap();
        let (_client, io) = duplex(8);
        let mut idle = Limited::new(io, Duration::from_hours(1), idle);
        let idle = tokio::spawn(async move { idle.read_u8().await });
        // EMFILE twice, and one connection that was broken off.
        let kinds = vec![
            io::Error::from_raw_os_error(24),
            io::ErrorKind::ConnectionAborted.into(),
            io::Error::from_raw_os_error(24),
        ];
        let mut acceptor = Patient::new(Failing { kinds }, Arc::clone(&sockets));
        let started = Instant::now();
        assert!(acceptor.accept().await.is_ok());
        assert!(started.elapsed() >= 2 * OUT_OF_DESCRIPTORS);
        assert_eq!(acceptor.failures, 3);
        assert_eq!(idle.await.unwrap().unwrap_err().kind(), io::ErrorKind::ConnectionAborted);
    }
}
