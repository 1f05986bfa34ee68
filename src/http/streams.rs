//! The live streams that are open: a few of each user, and not all connections of the server (R9.9).

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::problem::{Code, Problem};

/// Streams of one user: a phone, a tablet, some browsers. One more ends the oldest, which is that of a device that is gone
/// or of an app that has opened another.
pub const OF_A_USER: usize = 5;
/// Streams take at most one of so many connections.
const ONE_IN: usize = 2;
/// Seconds after which whoever was refused may come again.
const AGAIN_AFTER: u32 = 30;

/// All streams.
pub struct Streams {
    most: usize,
    open: Mutex<Open>,
}

#[derive(Default)]
struct Open {
    next: u64,
    count: usize,
    of: HashMap<Uuid, VecDeque<(u64, CancellationToken)>>,
}

/// A stream that is open; dropped, it is closed.
pub struct Place {
    streams: Arc<Streams>,
    user: Uuid,
    id: u64,
    /// Cancelled when a newer one takes its place.
    pub end: CancellationToken,
}

impl Streams {
    /// For a server with so many places for connections.
    #[must_use]
    pub fn new(connections: usize) -> Arc<Self> {
        Arc::new(Self { most: (connections / ONE_IN).max(1), open: Mutex::default() })
    }

    /// Opens one of this user, and ends their oldest if they have too many.
    ///
    /// # Errors
    /// `unavailable` when the server has as many as it can.
    pub fn open(self: &Arc<Self>, user: Uuid) -> Result<Place, Problem> {
        let mut open = self.lock();
        let has = open.of.get(&user).map_or(0, VecDeque::len);
        if has >= OF_A_USER {
            let oldest = open.of.get_mut(&user).and_then(VecDeque::pop_front);
            if let Some((_, end)) = oldest {
                open.count -= 1;
                end.cancel();
            }
        } else if open.count >= self.most {
            let mut problem = Problem::new(Code::Unavailable);
            problem.retry_after = Some(AGAIN_AFTER);
            return Err(problem);
        }
        open.next += 1;
        open.count += 1;
        let (id, end) = (open.next, CancellationToken::new());
        open.of.entry(user).or_default().push_back((id, end.clone()));
        Ok(Place { streams: Arc::clone(self), user, id, end })
    }

    /// How many are open.
    #[must_use]
    pub fn count(&self) -> usize {
        self.lock().count
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.streams.lock();
        let Some(of_user) = open.of.get_mut(&self.user) else { return };
        let before = of_user.len();
        of_user.retain(|(id, _)| *id != self.id);
        let (closed, is_empty) = (before - of_user.len(), of_user.is_empty());
        if is_empty {
            open.of.remove(&self.user);
        }
        open.count -= closed;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r9_9_the_oldest_of_a_users_streams_ends_and_the_server_has_no_more_than_its_share() {
        let streams = Streams::new(14);
        let user = Uuid::from_u128;
        let mut anns: Vec<Place> = (0..OF_A_USER).map(|_| streams.open(user(1)).unwrap()).collect();
        anns.push(streams.open(user(1)).unwrap());
        let ended: Vec<bool> = anns.iter().map(|place| place.end.is_cancelled()).collect();
        assert_eq!(ended, [true, false, false, false, false, false]);
        let bens = [streams.open(user(2)).unwrap(), streams.open(user(2)).unwrap()];
        let refused = streams.open(user(3)).err().unwrap();
        assert_eq!((refused.code, refused.retry_after), (Code::Unavailable, Some(AGAIN_AFTER)));
        // Ann's next one takes no place of anybody else.
        anns.push(streams.open(user(1)).unwrap());
        drop(bens);
        assert!(streams.open(user(3)).is_ok());
        drop(anns);
        assert_eq!(streams.count(), 0);
        assert!(streams.lock().of.is_empty());
    }
}
