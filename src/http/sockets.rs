//! The connections of clients: bounded, and always room for one more (R9.9).
//!
//! When all places are taken, a newcomer takes the place of whoever has been longest without a complete request: who says
//! nothing, sends a line a letter at a time, or keeps a connection open after an answer. Whoever is being served keeps theirs.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Context;
use std::time::{Duration, Instant};

use futures_util::task::AtomicWaker;
use ipnet::IpNet;
use poem::Addr;
use poem::web::LocalAddr;
use tokio::sync::Notify;

use super::gate::network;

/// One network has at most so many quarters of the places; a proxy of ours has all of them.
const QUARTERS_OF_A_NETWORK: usize = 3;
/// Nobody who was answered is asked to leave before: the answer may be on its way still.
const GRACE: Duration = Duration::from_millis(250);
/// How often is looked again at least, where nobody waits long enough yet.
const TICK: Duration = Duration::from_millis(50);
/// How a request names its connection: in its local address, which nobody else reads.
const NAME: &str = "socket";

/// All places.
pub struct Sockets {
    most: usize,
    grace: Duration,
    trusted: Vec<IpNet>,
    places: Mutex<Places>,
    /// A place is free, or somebody may be asked to leave.
    freed: Notify,
}

#[derive(Default)]
struct Places {
    next: u64,
    /// Connections that are open, by their number.
    open: HashMap<u64, Open>,
    /// Those without a complete request, by since when: the first has waited longest.
    waiting: BTreeMap<u64, Waiting>,
    /// How many each network has.
    of_networks: HashMap<IpAddr, usize>,
    /// How many have been asked to leave and are still there.
    leaving: usize,
}

struct Waiting {
    id: u64,
    /// When the last answer was made, if there was one.
    answered_at: Option<Instant>,
}

struct Open {
    /// None of a proxy of ours, which stands for many networks.
    network: Option<IpAddr>,
    /// Requests that are being served.
    in_hand: usize,
    waiting_since: u64,
    end: Arc<End>,
}

/// Tells a connection to end.
#[derive(Default)]
struct End {
    has_come: AtomicBool,
    waker: AtomicWaker,
}

/// What became of a newcomer.
enum Verdict {
    Admitted(Place),
    /// Somebody leaves, or has to.
    Later,
    /// Their network has all the places that it may have, and is being served on each.
    Refused,
}

/// A connection that is open; its place is free when this is dropped.
pub struct Place {
    sockets: Arc<Sockets>,
    id: u64,
    end: Arc<End>,
}

/// A request that is being served: its connection stays.
pub struct InHand {
    sockets: Arc<Sockets>,
    id: u64,
}

impl Sockets {
    /// So many places. `trusted`: proxies of ours.
    #[must_use]
    pub fn new(most: usize, trusted: Vec<IpNet>) -> Arc<Self> {
        Arc::new(Self { most, grace: GRACE, trusted, places: Mutex::default(), freed: Notify::new() })
    }

    /// For tests, which do not wait.
    #[cfg(test)]
    pub fn without_grace(most: usize, trusted: Vec<IpNet>) -> Arc<Self> {
        let places = Mutex::default();
        Arc::new(Self { most, grace: Duration::ZERO, trusted, places, freed: Notify::new() })
    }

    /// How many clients are connected.
    #[must_use]
    pub fn count(&self) -> usize {
        self.places().open.len()
    }

    /// A place for whoever has just connected; somebody else's, if need be. None when their network may have no more.
    pub async fn admit(self: &Arc<Self>, peer: Option<IpAddr>) -> Option<Place> {
        let peer = peer.map(|peer| peer.to_canonical());
        let is_ours = |peer: &IpAddr| self.trusted.iter().any(|trusted| trusted.contains(peer));
        let network = peer.filter(|peer| !is_ours(peer)).map(|peer| network(Some(peer)));
        loop {
            match self.try_to_admit(network) {
                Verdict::Admitted(place) => return Some(place),
                Verdict::Refused => return None,
                // Whoever was too new to be asked is older then.
                Verdict::Later => drop(tokio::time::timeout(TICK, self.freed.notified()).await),
            }
        }
    }

    fn try_to_admit(self: &Arc<Self>, network: Option<IpAddr>) -> Verdict {
        let mut places = self.places();
        let share = (self.most * QUARTERS_OF_A_NETWORK / 4).max(1);
        let has_its_share = network.is_some_and(|it| places.of_networks.get(&it).is_some_and(|has| *has >= share));
        if has_its_share && !places.ask_to_leave(network, self.grace) {
            return Verdict::Refused;
        }
        if places.open.len() - places.leaving >= self.most && !places.ask_to_leave(None, self.grace) {
            return Verdict::Later;
        }
        if places.open.len() >= self.most {
            return Verdict::Later;
        }
        let end = Arc::new(End::default());
        let (id, waiting_since) = (places.number(), places.number());
        places.waiting.insert(waiting_since, Waiting { id, answered_at: None });
        if let Some(network) = network {
            *places.of_networks.entry(network).or_default() += 1;
        }
        places.open.insert(id, Open { network, in_hand: 0, waiting_since, end: Arc::clone(&end) });
        Verdict::Admitted(Place { sockets: Arc::clone(self), id, end })
    }

    /// Ends whoever has waited longest: descriptors have run out even so.
    pub fn make_room(&self) {
        self.places().ask_to_leave(None, self.grace);
    }

    /// A complete request came over this connection. None of one that has no place here.
    pub fn begin(self: &Arc<Self>, connection: &LocalAddr) -> Option<InHand> {
        let id: u64 = match &connection.0 {
            Addr::Custom(NAME, id) => id.parse().ok()?,
            _ => return None,
        };
        let mut places = self.places();
        let open = places.open.get_mut(&id)?;
        open.in_hand += 1;
        let waiting_since = open.waiting_since;
        places.waiting.remove(&waiting_since);
        Some(InHand { sockets: Arc::clone(self), id })
    }

    fn places(&self) -> MutexGuard<'_, Places> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Places {
    fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    /// Ends the connection that has waited longest, of this network or of any; false when there is none.
    fn ask_to_leave(&mut self, network: Option<IpAddr>, grace: Duration) -> bool {
        let is_of = |id: &u64| network.is_none() || self.open.get(id).is_some_and(|open| open.network == network);
        let may_go = |it: &Waiting| it.answered_at.is_none_or(|at| at.elapsed() >= grace) && is_of(&it.id);
        let oldest = self.waiting.iter().find(|(_, waiting)| may_go(waiting));
        let Some((since, id)) = oldest.map(|(since, waiting)| (*since, waiting.id)) else { return false };
        self.waiting.remove(&since);
        self.leaving += 1;
        if let Some(open) = self.open.get(&id) {
            open.end.has_come.store(true, Ordering::Release);
            open.end.waker.wake();
            let of = open.network;
            self.forget_network(of);
        }
        true
    }

    fn forget_network(&mut self, network: Option<IpAddr>) {
        let Some(network) = network else { return };
        if let Some(has) = self.of_networks.get_mut(&network) {
            *has -= 1;
            if *has == 0 {
                self.of_networks.remove(&network);
            }
        }
    }
}

impl Place {
    /// How requests name this connection.
    #[must_use]
    pub fn name(&self) -> LocalAddr {
        LocalAddr(Addr::Custom(NAME, Cow::Owned(self.id.to_string())))
    }

    /// Whether somebody else is to have this place; if not, the task is woken when it comes to that.
    pub fn has_to_leave(&self, cx: &Context<'_>) -> bool {
        self.end.waker.register(cx.waker());
        self.end.has_come.load(Ordering::Acquire)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut places = self.sockets.places();
        if let Some(open) = places.open.remove(&self.id) {
            places.waiting.remove(&open.waiting_since);
            if open.end.has_come.load(Ordering::Acquire) {
                places.leaving -= 1;
            } else {
                places.forget_network(open.network);
            }
        }
        drop(places);
        self.sockets.freed.notify_one();
    }
}

impl Drop for InHand {
    fn drop(&mut self) {
        let mut places = self.sockets.places();
        let since = places.number();
        let Some(open) = places.open.get_mut(&self.id) else { return };
        open.in_hand -= 1;
        if open.in_hand == 0 && !open.end.has_come.load(Ordering::Acquire) {
            open.waiting_since = since;
            let answered_at = Some(Instant::now());
            places.waiting.insert(since, Waiting { id: self.id, answered_at });
        }
        let is_full = places.open.len() >= self.sockets.most;
        drop(places);
        if is_full {
            self.sockets.freed.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;
    use futures_util::task::noop_waker;

    use super::*;

    fn ip(last: u8) -> Option<IpAddr> {
        Some(IpAddr::from([192, 0, 2, last]))
    }

    fn is_asked(place: &Place) -> bool {
        place.has_to_leave(&Context::from_waker(&noop_waker()))
    }

    #[tokio::test]
    async fn r9_9_a_newcomer_takes_the_place_of_whoever_waited_longest_and_never_that_of_one_who_is_served() {
        let sockets = Sockets::without_grace(4, Vec::new());
        let mut places = Vec::new();
        for last in 1..=4 {
            places.push(sockets.admit(ip(last)).await.unwrap());
        }
        // The first is being served, the second was a moment ago.
        let served = sockets.begin(&places[0].name()).unwrap();
        drop(sockets.begin(&places[1].name()));
        assert!(sockets.admit(ip(5)).now_or_never().is_none(), "there is no place before somebody has left");
        assert_eq!(places.iter().map(is_asked).collect::<Vec<_>>(), [false, false, true, false]);
        // To ask again costs nobody else their place.
        assert!(sockets.admit(ip(5)).now_or_never().is_none());
        drop(places.remove(2));
        let fifth = sockets.admit(ip(5)).now_or_never().unwrap().unwrap();
        assert!(sockets.admit(ip(6)).now_or_never().is_none());
        drop(places.remove(2));
        let sixth = sockets.admit(ip(6)).now_or_never().unwrap().unwrap();
        assert_eq!([&places[0], &places[1], &fifth, &sixth].map(is_asked), [false; 4]);
        // All are served: the next one has a place when one of them is ready.
        let hands = [&places[1], &fifth, &sixth].map(|place| sockets.begin(&place.name()).unwrap());
        assert!(sockets.admit(ip(7)).now_or_never().is_none());
        assert!(!is_asked(&places[0]));
        drop(served);
        assert!(sockets.admit(ip(7)).now_or_never().is_none());
        assert!(is_asked(&places[0]));
        drop(hands);
    }

    #[tokio::test]
    async fn r9_9_one_network_takes_three_quarters_and_a_proxy_of_ours_all() {
        let sockets = Sockets::without_grace(4, vec!["192.0.2.9/32".parse().unwrap()]);
        let places = [(); 3].map(|()| sockets.admit(ip(1)).now_or_never().unwrap().unwrap());
        let other = sockets.admit(ip(2)).now_or_never().unwrap().unwrap();
        drop(other);
        // Of its own the first one goes.
        let fourth = sockets.admit(ip(1)).now_or_never().unwrap().unwrap();
        assert_eq!(places.each_ref().map(is_asked), [true, false, false]);
        // All of its places are served: no more for it, and one for somebody else.
        let hands = [&places[1], &places[2], &fourth].map(|place| sockets.begin(&place.name()).unwrap());
        let [first, second, third] = places;
        drop(first);
        assert!(sockets.admit(ip(1)).now_or_never().unwrap().is_none());
        assert!(sockets.admit(ip(2)).now_or_never().unwrap().is_some());
        drop((hands, second, third, fourth));
        let of_the_proxy = [(); 4].map(|()| sockets.admit(ip(9)).now_or_never().unwrap().unwrap());
        assert!(!of_the_proxy.iter().any(is_asked));
    }
}
