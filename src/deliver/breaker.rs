//! A circuit breaker for each provider: after some failures in a row it is left alone for a while, then one message tries
//! whether it is back (R7.4). What cannot go by it goes by the next provider, or waits without using up attempts.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use failsafe::failure_policy::{self, ConsecutiveFailures};
use failsafe::{Instrument, StateMachine};
use tokio::sync::Notify;

use crate::config::BreakerConfig;

/// Each twice as long as the one before it, and somewhat more or less, so that servers do not come back in step.
#[derive(Clone)]
struct Pauses {
    next: Duration,
    longest: Duration,
}

impl Iterator for Pauses {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        let pause = self.next.min(self.longest);
        self.next = pause * 2;
        Some(pause.mul_f64(rand::random_range(0.75..1.0)))
    }
}

/// Follows what the state machine does: it tells nobody its state.
#[derive(Clone)]
struct Watch {
    provider: &'static str,
    is_closed: Arc<AtomicBool>,
    closed: Arc<Notify>,
}

impl Instrument for Watch {
    fn on_call_rejected(&self) {}

    fn on_open(&self) {
        if self.is_closed.swap(false, Ordering::SeqCst) {
            tracing::error!(provider.name = self.provider, "a provider is left alone: it fails");
        }
    }

    fn on_half_open(&self) {}

    fn on_closed(&self) {
        if !self.is_closed.swap(true, Ordering::SeqCst) {
            tracing::warn!(provider.name = self.provider, "a provider is back");
            self.closed.notify_one();
        }
    }
}

/// Knows whether a provider is worth a call.
pub struct Breaker {
    machine: StateMachine<ConsecutiveFailures<Pauses>, Watch>,
    watch: Watch,
    is_probed: AtomicBool,
}

/// What a breaker lets through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Room {
    /// Anything.
    Any,
    /// One message, to try whether the provider is back.
    One,
    /// Nothing.
    Nothing,
}

/// A call that the breaker lets through. Dropped without [`Permit::end`], as when the server stops, it says nothing of
/// the provider.
pub struct Permit<'a> {
    breaker: &'a Breaker,
    is_probe: bool,
}

impl Breaker {
    /// A closed one. `closed` is told when the provider is back.
    pub fn new(provider: &'static str, config: BreakerConfig, closed: Arc<Notify>) -> Self {
        let watch = Watch { provider, is_closed: Arc::new(AtomicBool::new(true)), closed };
        let pauses = Pauses { next: config.first_pause, longest: config.longest_pause };
        let policy = failure_policy::consecutive_failures(config.failures, pauses);
        Self { machine: StateMachine::new(policy, watch.clone()), watch, is_probed: AtomicBool::new(false) }
    }

    /// What it lets through now.
    pub fn room(&self) -> Room {
        if self.watch.is_closed.load(Ordering::SeqCst) {
            Room::Any
        } else if !self.is_probed.load(Ordering::SeqCst) && self.machine.is_call_permitted() {
            Room::One
        } else {
            Room::Nothing
        }
    }

    /// Lets a call through, or not.
    pub fn permit(&self) -> Option<Permit<'_>> {
        if self.watch.is_closed.load(Ordering::SeqCst) {
            return Some(Permit { breaker: self, is_probe: false });
        }
        // The state machine lets everything through once its pause is over. One is enough to know.
        if self.is_probed.swap(true, Ordering::SeqCst) {
            return None;
        }
        let permit = Permit { breaker: self, is_probe: true };
        self.machine.is_call_permitted().then_some(permit)
    }
}

impl Permit<'_> {
    /// The call is over. `did_well`: whether the provider did its part; none when that cannot be told.
    pub fn end(self, did_well: Option<bool>) {
        match did_well {
            Some(true) => self.breaker.machine.on_success(),
            Some(false) => self.breaker.machine.on_error(),
            None => {}
        }
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        if self.is_probe {
            self.breaker.is_probed.store(false, Ordering::SeqCst);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn breaker() -> Breaker {
        let config = BreakerConfig {
            failures: 3,
            first_pause: Duration::from_millis(40),
            longest_pause: Duration::from_millis(80),
        };
        Breaker::new("fake", config, Arc::default())
    }

    fn fail(breaker: &Breaker) {
        breaker.permit().unwrap().end(Some(false));
    }

    #[test]
    fn failures_in_a_row_open_it_and_one_success_begins_the_count_anew() {
        let breaker = breaker();
        fail(&breaker);
        fail(&breaker);
        breaker.permit().unwrap().end(None);
        breaker.permit().unwrap().end(Some(true));
        fail(&breaker);
        fail(&breaker);
        assert_eq!(breaker.room(), Room::Any);
        fail(&breaker);
        assert_eq!(breaker.room(), Room::Nothing);
        assert!(breaker.permit().is_none());
        assert!(!breaker.is_probed.load(Ordering::SeqCst), "a refused call is no probe");
    }

    #[test]
    fn one_call_finds_out_whether_it_is_back() {
        let breaker = breaker();
        (0..3).for_each(|_| fail(&breaker));
        std::thread::sleep(Duration::from_millis(90));
        assert_eq!(breaker.room(), Room::One);
        let probe = breaker.permit().unwrap();
        assert_eq!(breaker.room(), Room::Nothing);
        assert!(breaker.permit().is_none());
        // A server that stops, or an attempt that crashes, leaves no probe behind.
        drop(probe);
        assert_eq!(breaker.room(), Room::One);
        fail(&breaker);
        assert_eq!(breaker.room(), Room::Nothing);
        std::thread::sleep(Duration::from_millis(90));
        breaker.permit().unwrap().end(Some(true));
        assert_eq!(breaker.room(), Room::Any);
    }
}
