//! How many requests somebody may send in a minute: counted in the process, in a fixed amount of memory.

use std::hash::{BuildHasher as _, Hash, RandomState};
use std::num::NonZeroU32;
use std::sync::{Arc, OnceLock};

use governor::clock::{Clock as _, MonotonicClock};
use governor::middleware::StateInformationMiddleware;
use governor::nanos::Nanos;
use governor::state::{InMemoryState, NotKeyed, StateStore};
use governor::{Quota, RateLimiter};
use poem::http::{HeaderMap, HeaderName, HeaderValue};

use crate::problem::{Code, Problem};

/// How many counters there are, 8 bytes each. Two that share one share their quota, which is generous: no number of
/// callers takes more memory.
const COUNTERS: usize = 1 << 16;
const SECONDS: u32 = 60;
const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// Counters in a fixed table.
struct Counters(Box<[InMemoryState]>);

impl StateStore for Counters {
    type Key = usize;

    fn measure_and_replace<T, F, E>(&self, place: &usize, decide: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        self.0[*place].measure_and_replace(&NotKeyed::NonKey, decide)
    }
}

/// A quota of requests a minute, for each of many.
pub struct Pace {
    name: &'static str,
    quota: NonZeroU32,
    /// With a key of its own: nobody can find out who shares a counter with whom.
    place: RandomState,
    limiter: RateLimiter<usize, Counters, MonotonicClock, StateInformationMiddleware>,
    clock: MonotonicClock,
}

/// How much the caller of a request may still send; empty until it was counted.
#[derive(Clone, Default)]
pub struct Standing(Arc<OnceLock<Counted>>);

struct Counted {
    name: &'static str,
    quota: u32,
    left: u32,
}

impl Pace {
    /// So many requests a minute, all of them at once if need be. `name` is what clients see of it.
    #[must_use]
    pub fn new(name: &'static str, quota: NonZeroU32) -> Self {
        let counters = Counters((0..COUNTERS).map(|_| InMemoryState::default()).collect());
        let clock = MonotonicClock;
        let limiter = RateLimiter::new(Quota::per_minute(quota), counters, clock.clone());
        Self { name, quota, place: RandomState::new(), limiter, clock }
    }

    /// Counts one request of this caller.
    ///
    /// # Errors
    /// `too-many-requests`, with the time to wait.
    pub fn count(&self, caller: &impl Hash, standing: &Standing) -> Result<(), Problem> {
        let place = usize::try_from(self.place.hash_one(caller)).unwrap_or(usize::MAX) % COUNTERS;
        let (left, wait) = match self.limiter.check_key(&place) {
            Ok(snapshot) => (snapshot.remaining_burst_capacity(), None),
            Err(until) => (0, Some(until.wait_time_from(self.clock.now()))),
        };
        let _ = standing.0.set(Counted { name: self.name, quota: self.quota.get(), left });
        let Some(wait) = wait else { return Ok(()) };
        let seconds = u32::try_from(wait.as_secs()).unwrap_or(SECONDS).saturating_add(1);
        let mut problem =
            Problem::new(Code::TooManyRequests).detail(format!("Too many requests. Try again in {seconds} seconds."));
        problem.retry_after = Some(seconds);
        Err(problem)
    }
}

impl Standing {
    /// Says it in the headers of draft-ietf-httpapi-ratelimit-headers-10: q requests in w seconds; r are left now, and in
    /// t seconds there are q again.
    pub fn tell(&self, headers: &mut HeaderMap) {
        let Some(Counted { name, quota, left }) = self.0.get() else { return };
        let whole = u64::from(quota - left.min(quota)) * u64::from(SECONDS);
        let t = whole.div_ceil(u64::from(*quota));
        let policy = HeaderValue::try_from(format!("\"{name}\";q={quota};w={SECONDS}"));
        let now = HeaderValue::try_from(format!("\"{name}\";r={left};t={t}"));
        if let (Ok(policy), Ok(now)) = (policy, now) {
            headers.insert(RATE_LIMIT_POLICY, policy);
            headers.insert(RATE_LIMIT, now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quota_is_each_callers_own_and_is_told() {
        let pace = Pace::new("user", NonZeroU32::new(3).unwrap());
        let count = |caller: &str| {
            let standing = Standing::default();
            let verdict = pace.count(&caller, &standing);
            let mut headers = HeaderMap::new();
            standing.tell(&mut headers);
            assert_eq!(headers["ratelimit-policy"], "\"user\";q=3;w=60");
            (verdict.err().and_then(|problem| problem.retry_after), headers["ratelimit"].to_str().unwrap().to_owned())
        };
        assert_eq!(count("ann"), (None, "\"user\";r=2;t=20".to_owned()));
        assert_eq!(count("ann"), (None, "\"user\";r=1;t=40".to_owned()));
        assert_eq!(count("ann"), (None, "\"user\";r=0;t=60".to_owned()));
        let (wait, left) = count("ann");
        assert!(wait.is_some_and(|seconds| (19..=20).contains(&seconds)), "{wait:?}");
        assert_eq!(left, "\"user\";r=0;t=60");
        assert_eq!(count("ben").0, None);
    }

    #[test]
    fn no_number_of_callers_takes_more_memory() {
        let pace = Pace::new("network", NonZeroU32::MAX);
        for caller in 0..200_000_u32 {
            assert!(pace.count(&caller, &Standing::default()).is_ok());
        }
        assert_eq!(std::mem::size_of::<InMemoryState>() * COUNTERS, 512 * 1024);
    }
}
