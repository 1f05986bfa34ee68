//! Stripe's signature: `Stripe-Signature: t=…,v1=…[,v1=…]`, HMAC-SHA256 over `{t}.{raw body}`
//! (<https://docs.stripe.com/webhooks/signature>).

use aws_lc_rs::hmac;
use secrecy::{ExposeSecret as _, SecretString};

use crate::deliver::wall_clock;

/// How far the time of a signature may lie from now, in seconds, either way.
const TOLERANCE: i64 = 300;

/// The secrets of the endpoint; several while one is rotated.
pub struct Signatures {
    keys: Vec<hmac::Key>,
}

impl Signatures {
    /// From the secrets as Stripe shows them.
    #[must_use]
    pub fn new(secrets: &[SecretString]) -> Self {
        let key = |secret: &SecretString| hmac::Key::new(hmac::HMAC_SHA256, secret.expose_secret().as_bytes());
        Self { keys: secrets.iter().map(key).collect() }
    }

    /// Whether Stripe signed this body not long ago.
    #[must_use]
    pub fn is_right(&self, header: &str, body: &[u8]) -> bool {
        let fields = || header.split(',').filter_map(|field| field.trim().split_once('='));
        let Some(time) = fields().find(|(name, _)| *name == "t").map(|(_, time)| time) else { return false };
        let Ok(signed_at) = time.parse::<i64>() else { return false };
        // Stripe's clock runs with this machine's, not with a rehearsal's.
        if wall_clock().timestamp().abs_diff(signed_at) > TOLERANCE.unsigned_abs() {
            return false;
        }
        let signed = [time.as_bytes(), b".", body].concat();
        fields().filter(|(name, _)| *name == "v1").filter_map(|(_, signature)| unhex(signature)).any(|signature| {
            // In constant time, each of them.
            self.keys.iter().any(|key| hmac::verify(key, &signed, &signature).is_ok())
        })
    }
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> =
        text.chars().map(|digit| digit.to_digit(16).and_then(|it| u8::try_from(it).ok())).collect();
    let digits = digits.filter(|digits| digits.len() % 2 == 0)?;
    Some(digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect())
}
