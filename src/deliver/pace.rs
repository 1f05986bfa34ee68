//! How fast a provider may be fed. What is over it waits in the database and not here, so that what is urgent and comes
//! later goes first all the same (R7.4).

use std::num::NonZeroU32;
use std::sync::atomic::{AtomicI64, Ordering};

use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};

/// A provider's rate, in its own unit: messages, segments, calls.
pub struct Pace {
    limiter: DefaultDirectRateLimiter,
    per_second: i64,
    /// Taken from the limiter and not yet used; below zero when a message took more than one.
    saved: AtomicI64,
}

impl Pace {
    /// So many a second, in each server.
    pub fn new(per_second: NonZeroU32) -> Self {
        Self {
            limiter: RateLimiter::direct(Quota::per_second(per_second)),
            per_second: per_second.get().into(),
            saved: AtomicI64::new(0),
        }
    }

    /// How many may go now.
    pub fn room(&self) -> usize {
        // Never more than a second's worth is saved.
        while self.saved.load(Ordering::SeqCst) < self.per_second && self.limiter.check().is_ok() {
            self.saved.fetch_add(1, Ordering::SeqCst);
        }
        usize::try_from(self.saved.load(Ordering::SeqCst)).unwrap_or(0)
    }

    /// Uses up what a message needs; `false` when there is no room, and nothing is used.
    pub fn take(&self, units: u32) -> bool {
        let taken = |saved: i64| (saved > 0).then(|| saved - i64::from(units));
        self.saved.fetch_update(Ordering::SeqCst, Ordering::SeqCst, taken).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_message_uses_up_the_time_of_several() {
        let pace = Pace::new(NonZeroU32::new(2).unwrap());
        assert!(!pace.take(1), "nothing was asked for");
        assert_eq!(pace.room(), 2);
        assert!(pace.take(3));
        assert!(!pace.take(1));
        assert_eq!(pace.room(), 0, "one more was used than there was");
    }
}
