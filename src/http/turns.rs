//! How many requests of one user, or of one network, are in hand at once (R9.9). The others wait for their turn; what is far
//! above what a person does is refused. Memory is taken only for requests that are in hand, which are bounded themselves.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use uuid::Uuid;

use crate::problem::{Code, Problem};

/// How long a request waits for its turn: as long as a client waits for an answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// Seconds after which whoever was refused may come again.
const AGAIN_AFTER: u32 = 1;

/// What is bounded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// What a request may do without saving anybody.
    Ordinary,
    /// Check-ins, help, acts on alerts, and what keeps somebody signed in.
    Safety,
    /// A download of everything.
    Export,
}

/// Who is bounded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Who {
    /// A signed-in user.
    User(Uuid),
    /// Nobody in particular, from this network.
    Network(IpAddr),
    /// Whoever holds this phone, or was sent this delivery: a hash.
    Phone(u64),
}

impl Who {
    /// How many of a kind are served at once, and how many there may be with those that wait.
    const fn bounds(self, kind: Kind) -> (usize, usize) {
        match (kind, self) {
            (Kind::Export, _) => (1, 1),
            // An app opens with a handful of questions at once.
            (Kind::Ordinary, Self::User(_)) => (4, 32),
            (Kind::Safety, Self::User(_) | Self::Phone(_)) => (3, 100),
            (Kind::Ordinary, _) => (8, 64),
            // A whole carrier may share one address.
            (Kind::Safety, Self::Network(_)) => (8, 512),
        }
    }
}

type Key = (Kind, Who);
type Lines = Arc<Mutex<HashMap<Key, Line>>>;

/// Requests of one kind of one caller.
struct Line {
    /// Those that are served, and those that wait.
    length: usize,
    at_once: Arc<Semaphore>,
}

/// The requests in hand of everybody.
#[derive(Default)]
pub struct Turns(Lines);

/// A turn: the next one comes when it is dropped.
pub struct Turn {
    // Dropped in this order: the place may end the line.
    _permit: OwnedSemaphorePermit,
    _place: PlaceInLine,
}

struct PlaceInLine {
    lines: Lines,
    key: Key,
}

impl Turns {
    /// Waits for the caller's turn.
    ///
    /// # Errors
    /// `too-many-requests` when too many wait already, or it takes too long.
    pub async fn take(&self, kind: Kind, who: Who) -> Result<Turn, Problem> {
        let (at_once, most) = who.bounds(kind);
        let (place, semaphore) = {
            let mut lines = lock(&self.0);
            let new = || Line { length: 0, at_once: Arc::new(Semaphore::new(at_once)) };
            let line = lines.entry((kind, who)).or_insert_with(new);
            if line.length >= most {
                return Err(too_many());
            }
            line.length += 1;
            (PlaceInLine { lines: Arc::clone(&self.0), key: (kind, who) }, Arc::clone(&line.at_once))
        };
        match tokio::time::timeout(PATIENCE, semaphore.acquire_owned()).await {
            Ok(Ok(permit)) => Ok(Turn { _permit: permit, _place: place }),
            Ok(Err(_)) | Err(_) => Err(too_many()),
        }
    }
}

fn too_many() -> Problem {
    let mut problem =
        Problem::new(Code::TooManyRequests).detail("Too many requests at once. Wait for the answers to the others.");
    problem.retry_after = Some(AGAIN_AFTER);
    problem
}

fn lock(lines: &Lines) -> MutexGuard<'_, HashMap<Key, Line>> {
    lines.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Drop for PlaceInLine {
    fn drop(&mut self) {
        let mut lines = lock(&self.lines);
        if let Some(line) = lines.get_mut(&self.key) {
            line.length -= 1;
            if line.length == 0 {
                lines.remove(&self.key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    #[tokio::test]
    async fn r9_9_a_few_are_served_at_once_the_rest_wait_and_what_nobody_does_is_refused() {
        let turns = Turns::default();
        let (ann, ben) = (Who::User(Uuid::from_u128(1)), Who::User(Uuid::from_u128(2)));
        for (kind, who) in
            [(Kind::Safety, ann), (Kind::Ordinary, ann), (Kind::Safety, Who::Network([1, 2, 3, 4].into()))]
        {
            let (at_once, most) = who.bounds(kind);
            let mut served = Vec::new();
            for _ in 0..at_once {
                served.push(turns.take(kind, who).now_or_never().unwrap().unwrap());
            }
            let mut waiting: Vec<_> = (at_once..most).map(|_| Box::pin(turns.take(kind, who))).collect();
            for one in &mut waiting {
                assert!(one.as_mut().now_or_never().is_none());
            }
            let refused = turns.take(kind, who).now_or_never().unwrap().err().unwrap();
            assert_eq!((refused.code, refused.retry_after), (Code::TooManyRequests, Some(AGAIN_AFTER)));
            // Nobody else is held up, and the first in line is served next.
            assert!(turns.take(kind, ben).now_or_never().unwrap().is_ok());
            served.pop();
            assert!(waiting[0].as_mut().now_or_never().unwrap().is_ok());
            // Who hangs up leaves the line.
            drop((served, waiting));
            assert!(lock(&turns.0).is_empty());
        }
    }

    #[tokio::test]
    async fn r9_9_one_export_at_a_time() {
        let turns = Turns::default();
        let who = Who::User(Uuid::nil());
        let first = turns.take(Kind::Export, who).await.unwrap();
        assert!(turns.take(Kind::Export, who).await.is_err());
        drop(first);
        assert!(turns.take(Kind::Export, who).await.is_ok());
    }
}
