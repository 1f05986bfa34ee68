//! PINs (R2.2). One never reaches the database, so its shape is judged here and only here.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use argon2::password_hash::generate_salt;
use argon2::password_hash::phc::{Output, ParamsString, PasswordHash, Salt};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use tokio::sync::Semaphore;

use crate::config::Key;
use crate::problem::{Code, Problem};

/// 19 MiB and two passes: the OWASP Password Storage Cheat Sheet's first choice for Argon2id.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;
/// At most so many are hashed at once, and never on more than half of the cores: the others are for who checks in.
const MOST_AT_ONCE: usize = 4;
/// glibc gives what is larger than 32 MiB back to the system as soon as it is freed (mallopt(3), M_MMAP_THRESHOLD); of
/// anything smaller each thread that ever hashed would keep 19 MiB. Only what is used of it takes memory.
const GIVEN_BACK_BYTES: usize = 33 * 1024 * 1024;
/// How long a PIN waits for its turn: whoever comes when hundreds wait is told to come again.
const LONGEST_QUEUE: Duration = Duration::from_secs(10);
/// PINs that lists of stolen ones are full of, beyond those with a pattern (DataGenetics, "PIN analysis", 2012).
const WELL_KNOWN: &[&str] = &[
    "1004", "1010", "1122", "1313", "2000", "2001", "2580", "0852", "1379", "7777777", "159753", "123321", "112233",
    "147258", "159357", "121314", "246810", "13579", "5683", "0007", "1337", "123123", "123654", "789456", "456123",
    "147852", "007007", "111222", "102030", "2468", "1357", "1470", "3690",
];

/// Hashes and compares PINs, a few at a time: each takes 19 MiB.
pub struct Pins {
    peppers: Vec<Key>,
    at_once: Semaphore,
    dummy: String,
    hashed: Arc<AtomicU64>,
}

/// A PIN could not be hashed; the reason is in the library's words and holds no PIN.
#[derive(Debug, thiserror::Error)]
#[error("a PIN could not be hashed: {0}")]
pub struct CannotHash(String);

impl Pins {
    /// With these peppers: the first one hashes, all of them verify.
    ///
    /// # Errors
    /// When Argon2 refuses its parameters, which would be a bug.
    pub fn new(peppers: Vec<Key>) -> Result<Self, CannotHash> {
        let dummy = hash_with(&peppers[0], "this is nobody's PIN")?;
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let at_once = Semaphore::new((cores / 2).clamp(1, MOST_AT_ONCE));
        Ok(Self { peppers, at_once, dummy, hashed: Arc::default() })
    }

    /// How often Argon2 has run: the work that must be the same for an account and for none.
    #[must_use]
    pub fn hashed(&self) -> u64 {
        self.hashed.load(Ordering::Relaxed)
    }

    /// Refuses a PIN that is too easy to guess.
    ///
    /// # Errors
    /// `weak-pin` with the reason.
    pub fn refuse_weak(pin: &str) -> Result<(), Problem> {
        weakness(pin).map_or(Ok(()), |reason| Err(Problem::at("/pin", Code::WeakPin, reason)))
    }

    /// The PHC string of a PIN that is strong enough. Takes some 20 ms of a core.
    ///
    /// # Errors
    /// `weak-pin` with the reason.
    pub async fn hash(&self, pin: &str) -> Result<String, Problem> {
        Self::refuse_weak(pin)?;
        self.hashed.fetch_add(1, Ordering::Relaxed);
        let pepper = self.peppers[0];
        let pin = pin.to_owned();
        self.off_the_runtime(move || hash_with(&pepper, &pin)).await?.map_err(|error| {
            tracing::error!(error = %error, "cannot hash a PIN");
            Problem::new(Code::Internal)
        })
    }

    /// Whether this PIN has this hash. Without a hash (no such account) the same work is done, and it is wrong.
    ///
    /// # Errors
    /// `unavailable` when the server is stopping.
    pub async fn verify(&self, pin: &str, hash: Option<&str>) -> Result<bool, Problem> {
        let known = hash.is_some();
        let hash = hash.unwrap_or(&self.dummy).to_owned();
        let peppers = self.peppers.clone();
        let pin = pin.to_owned();
        let hashed = Arc::clone(&self.hashed);
        let fits = self
            .off_the_runtime(move || {
                PasswordHash::new(&hash).is_ok_and(|hash| {
                    peppers.iter().any(|pepper| {
                        hashed.fetch_add(1, Ordering::Relaxed);
                        is_of(pepper, &pin, &hash).unwrap_or(false)
                    })
                })
            })
            .await?;
        Ok(known && fits)
    }

    async fn off_the_runtime<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Problem> {
        let stopping = |_| Problem::new(Code::Unavailable);
        let turn = tokio::time::timeout(LONGEST_QUEUE, self.at_once.acquire()).await;
        let _turn = turn.map_err(|_| Problem::new(Code::Unavailable))?.map_err(stopping)?;
        tokio::task::spawn_blocking(work).await.map_err(|_| Problem::new(Code::Unavailable))
    }
}

/// Argon2id with this pepper: the hash of this length.
fn argon2(pepper: &Key, params: Params, pin: &str, salt: &[u8], length: usize) -> Result<Output, CannotHash> {
    let cannot = |error: argon2::Error| CannotHash(error.to_string());
    let mut memory: Vec<Block> = Vec::with_capacity((GIVEN_BACK_BYTES / Block::SIZE).max(params.block_count()));
    memory.resize(params.block_count(), Block::new());
    let argon2 = Argon2::new_with_secret(pepper, Algorithm::Argon2id, Version::V0x13, params).map_err(cannot)?;
    let mut hash = vec![0; length];
    argon2.hash_password_into_with_memory(pin.as_bytes(), salt, &mut hash, &mut memory).map_err(cannot)?;
    Output::new(&hash).map_err(|error| CannotHash(error.to_string()))
}

fn hash_with(pepper: &Key, pin: &str) -> Result<String, CannotHash> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(|error| CannotHash(error.to_string()))?;
    let salt = generate_salt();
    let hash = argon2(pepper, params.clone(), pin, &salt, Params::DEFAULT_OUTPUT_LEN)?;
    let phc = || {
        Ok::<_, argon2::password_hash::Error>(PasswordHash {
            algorithm: Algorithm::Argon2id.ident(),
            version: Some(Version::V0x13.into()),
            params: ParamsString::try_from(&params)?,
            salt: Some(Salt::new(&salt)?),
            hash: Some(hash),
        })
    };
    phc().map(|phc| phc.to_string()).map_err(|error| CannotHash(error.to_string()))
}

/// Whether it is the hash of this PIN under this pepper; `None` of what is no hash of ours. `Output` compares in constant
/// time.
fn is_of(pepper: &Key, pin: &str, hash: &PasswordHash) -> Option<bool> {
    let (salt, expected) = (hash.salt.as_ref()?, hash.hash.as_ref()?);
    if hash.algorithm != Algorithm::Argon2id.ident() || hash.version != Some(Version::V0x13.into()) {
        return None;
    }
    let params = Params::try_from(hash).ok()?;
    Some(argon2(pepper, params, pin, salt, expected.len()).ok()? == *expected)
}

/// Why a PIN is too easy to guess, or not a PIN at all (R2.2).
fn weakness(pin: &str) -> Option<&'static str> {
    let digits: Vec<i32> = pin.chars().filter_map(|digit| digit.to_digit(10)).map(|digit| digit as i32).collect();
    if digits.len() != pin.chars().count() || !(4..=12).contains(&digits.len()) {
        return Some("A PIN has 4 to 12 digits.");
    }
    let steps: Vec<i32> = digits.windows(2).map(|pair| (pair[1] - pair[0]).rem_euclid(10)).collect();
    // Also where it breaks off in the middle: 12121.
    let repeats = |length: usize| digits.iter().zip(&digits[length..]).all(|(digit, later)| digit == later);
    if repeats(1) {
        Some("All digits are the same.")
    } else if steps.iter().all(|step| *step == 1) || steps.iter().all(|step| *step == 9) {
        Some("The digits run up or down.")
    } else if repeats(2) {
        Some("A pair of digits is repeated.")
    } else if is_like_a_date(pin) {
        Some("It looks like a date of birth.")
    } else if WELL_KNOWN.contains(&pin) {
        Some("It is one of the PINs that are tried first.")
    } else {
        None
    }
}

/// A year of birth, a day and month, or a date with a year, in the orders that people write.
///
/// Day and month alone (`1204`) are refused too, which costs six of a hundred PINs of four digits: a birthday is what whoever
/// lives near a Member knows, and what many choose (Bonneau, Preibusch, Anderson, "A birthday present every eleven wallets?",
/// 2012). Five tries would find it.
fn is_like_a_date(pin: &str) -> bool {
    let number = |range: std::ops::Range<usize>| pin[range].parse::<u32>().unwrap_or(0);
    let year = |range| (1900..=2029).contains(&number(range));
    let month = |range| (1..=12).contains(&number(range));
    let day = |range| (1..=31).contains(&number(range));
    match pin.len() {
        4 => year(0..4) || (day(0..2) && month(2..4)) || (month(0..2) && day(2..4)),
        6 => {
            (day(0..2) && month(2..4))
                || (month(0..2) && day(2..4))
                || (month(2..4) && day(4..6))
                || (year(0..4) && month(4..6))
                || (month(0..2) && year(2..6))
        }
        8 => {
            (year(0..4) && ((month(4..6) && day(6..8)) || (day(4..6) && month(6..8))))
                || (year(4..8) && ((day(0..2) && month(2..4)) || (month(0..2) && day(2..4))))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r2_2_weak_pins_are_refused_with_the_reason() {
        for (pin, reason) in [
            ("0000", "same"),
            ("777777", "same"),
            ("1234", "run"),
            ("9876", "run"),
            ("7890", "run"),
            ("456789012", "run"),
            ("1212", "pair"),
            ("474747", "pair"),
            ("47474", "pair"),
            ("1987", "birth"),
            ("2004", "birth"),
            ("3112", "birth"),
            ("1231", "birth"),
            ("0704", "birth"),
            ("198711", "birth"),
            ("121987", "birth"),
            ("311299", "birth"),
            ("123199", "birth"),
            ("19870412", "birth"),
            ("12041987", "birth"),
            ("2580", "first"),
            ("123", "4 to 12"),
            ("1234567890123", "4 to 12"),
            ("12a4", "4 to 12"),
            ("", "4 to 12"),
            ("١٢٣٤", "4 to 12"),
        ] {
            assert!(weakness(pin).is_some_and(|why| why.contains(reason)), "{pin}: {:?}", weakness(pin));
        }
        for pin in ["4829", "80351", "927461", "3816", "90217748", "582914703362"] {
            assert_eq!(weakness(pin), None, "{pin}");
        }
    }

    #[tokio::test]
    async fn r2_2_a_pin_needs_its_pepper_and_an_unknown_account_costs_the_same_work() {
        let pins = Pins::new(vec![[1; 32]]).unwrap();
        let hash = pins.hash("4829").await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert!(pins.verify("4829", Some(&hash)).await.unwrap());
        assert!(!pins.verify("4828", Some(&hash)).await.unwrap());
        assert!(!pins.verify("this is nobody's PIN", None).await.unwrap());
        // A wrong PIN and no account at all cost the same, under one pepper or two.
        for pins in [Pins::new(vec![[1; 32]]).unwrap(), Pins::new(vec![[2; 32], [1; 32]]).unwrap()] {
            let before = pins.hashed();
            assert!(!pins.verify("4828", Some(&hash)).await.unwrap());
            let wrong = pins.hashed() - before;
            assert!(!pins.verify("4828", None).await.unwrap());
            assert_eq!(pins.hashed() - before, 2 * wrong);
            assert_eq!(wrong, pins.peppers.len() as u64);
        }
        assert!(!Pins::new(vec![[2; 32]]).unwrap().verify("4829", Some(&hash)).await.unwrap());
        assert!(Pins::new(vec![[2; 32], [1; 32]]).unwrap().verify("4829", Some(&hash)).await.unwrap());
    }
}
