//! Check-ins that a device has signed (rule R4.11): ECDSA on P-256 with SHA-256.

use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1, ParsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, NaiveDate, Utc};
use poem_openapi::{Enum, Object};
use serde::Deserialize;
use uuid::Uuid;

/// What stands before the point in the `SubjectPublicKeyInfo` of a P-256 key (RFC 5480): both forms name the same key.
const SPKI_PREFIX: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce,
    0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];

/// What a device signed. A signature that is wrong is marked so, and the check-in counts.
#[derive(Object)]
pub(super) struct NewSignature {
    /// The device's key as it was registered, base64.
    public_key: String,
    /// The local date of the expected check-in that this one is for, `YYYY-MM-DD`: `next.local_on` while that is open.
    local_on: String,
    /// ECDSA on P-256 with SHA-256, ASN.1 DER (RFC 3279), base64, over these UTF-8 bytes: four lines with a line feed
    /// between them and none at the end. `pruuf check-in v1`; the user's id in lower case; `local_on`; `device_time` as whole
    /// milliseconds since 1970-01-01T00:00:00Z, in decimal.
    value: String,
}

/// What became of a signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum, Deserialize)]
#[oai(rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub(super) enum SignatureState {
    /// By a key of the Member's, for the day that the check-in counts for.
    Verified,
    /// Right, but made for another day, or used before.
    Unverified,
    /// Of no key that the Member has registered, or of something else.
    Wrong,
}

/// What the database is told of a signature; nothing of a check-in that has none.
#[derive(Default)]
pub(super) struct Judged {
    pub(super) public_key: Option<Vec<u8>>,
    pub(super) signed_on: Option<NaiveDate>,
    pub(super) is_right: Option<bool>,
}

/// The uncompressed point of a P-256 key (SEC 1, 2.3.3), of that or of a `SubjectPublicKeyInfo` in base64.
pub(super) fn public_key(text: &str) -> Option<Vec<u8>> {
    let bytes = STANDARD.decode(text).ok()?;
    let point = bytes.strip_prefix(&SPKI_PREFIX).unwrap_or(&bytes).to_vec();
    let is_a_point = point.len() == 65 && ParsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, &point).is_ok();
    is_a_point.then_some(point)
}

/// Looks whether a signature is one of its key over this Member, its date and this time. Whose key it is, the database knows.
pub(super) fn judge(signature: Option<&NewSignature>, member: Uuid, device_time: Option<DateTime<Utc>>) -> Judged {
    let Some(signature) = signature else { return Judged::default() };
    let public_key = public_key(&signature.public_key);
    let signed_on = NaiveDate::parse_from_str(&signature.local_on, "%Y-%m-%d").ok();
    let is_right = public_key.as_ref().zip(device_time).is_some_and(|(point, time)| {
        let signed = format!("pruuf check-in v1\n{member}\n{}\n{}", signature.local_on, time.timestamp_millis());
        let value = STANDARD.decode(&signature.value).unwrap_or_default();
        ParsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, point)
            .is_ok_and(|key| key.verify_sig(signed.as_bytes(), &value).is_ok())
    });
    Judged { public_key, signed_on, is_right: Some(is_right) }
}
