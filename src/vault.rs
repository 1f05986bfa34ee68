//! What must not be readable in a dump of the database: addresses, codes, tokens (R9.3, R2.1).

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use chacha20poly1305::aead::{Aead, KeyInit as _, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use hmac::{Hmac, Mac as _};
use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::config::Key;

/// The letters and digits of an invitation code: without 0, O, 1, I and L, which people confuse (R3.1).
const INVITATION_ALPHABET: &[u8; 31] = b"ABCDEFGHJKMNPQRSTUVWXYZ23456789";
const INVITATION_LENGTH: usize = 6;
/// How many bytes the token of an invitation's link has: 144 bits cannot be guessed, and 24 letters leave an SMS room.
const INVITATION_TOKEN_LENGTH: usize = 18;
/// The letters of a one-tap link's token: only such as every program takes to be part of a link, wherever it stands.
const LINK_ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// A token is the last 40 bits of its delivery's id in 7 letters (62^7 > 2^40), then 128 bits that nobody can guess in 22
/// (62^22 > 2^128): as short as an SMS wants it.
const LINK_ID_LETTERS: usize = 7;
const LINK_PROOF_LETTERS: usize = 22;
const SEAL_VERSION: u8 = 1;
const NONCE_LENGTH: usize = 24;
const KEY_ID_LENGTH: usize = 4;

/// What a code is for; the same id gives another code for another use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CodeUse {
    /// Six digits to an address (R2.1).
    OneTime,
    /// Six characters of [`INVITATION_ALPHABET`] (R3.1).
    Invitation,
}

/// What a one-tap link in a message may be used for, and for nothing else (R6.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkPurpose {
    /// To see an alert and to act on it.
    Alert,
    /// To check in, for what a reminder asked for (R4.8).
    CheckIn,
}

impl LinkPurpose {
    /// The fact by which a text knows its link.
    #[must_use]
    pub const fn fact(self) -> &'static str {
        match self {
            Self::Alert => "alert_link",
            Self::CheckIn => "check_in_link",
        }
    }
}

/// What the row of a kept code key is sealed for, before its id.
pub const CODE_KEY_CONTEXT: &[u8] = b"code key ";

/// What a welfare card is sealed for, before its Member's id (R1.5).
pub const WELFARE_CARD_CONTEXT: &[u8] = b"welfare card ";

/// What a position is sealed for, before its id (R4.8).
pub const POSITION_CONTEXT: &[u8] = b"position ";

/// What the URL of a webhook is sealed for, before its id.
pub const WEBHOOK_CONTEXT: &[u8] = b"webhook ";

/// What a secret of a webhook is sealed for, before its id.
pub const WEBHOOK_SECRET_CONTEXT: &[u8] = b"webhook secret ";

/// What the token of a linked device is sealed for, before its id (R4.8).
pub const LINKED_DEVICE_CONTEXT: &[u8] = b"linked device ";

/// What a secret of a webhook begins with.
pub const WEBHOOK_SECRET_PREFIX: &str = "whsec_";

/// The data keys and all that is made with them.
pub struct Vault {
    keys: Vec<Key>,
    /// What codes are made with: a subkey of each data key, then those kept of data keys that are gone.
    code_keys: Vec<Key>,
}

/// An address as the database keeps it, under the first key and, while keys are rotated, under each of the others: a row
/// that is there already may be under any of them.
pub struct SealedAddress {
    /// Its keyed hash under the first key.
    pub lookup: Vec<u8>,
    /// Its ciphertext under the first key.
    pub sealed: Vec<u8>,
    /// Its keyed hash under each of the other keys.
    pub other_lookups: Vec<Vec<u8>>,
    /// Its ciphertext under each of the other keys.
    pub other_sealeds: Vec<Vec<u8>>,
}

/// What stays of a data key when it is gone: it opens nothing, and derives and recognises the codes of invitations that
/// were sent under it.
pub struct KeptCodeKey {
    /// The row's.
    pub id: Uuid,
    /// Which data key it was made of.
    pub key_id: Vec<u8>,
    /// Sealed under the first key.
    pub sealed: Vec<u8>,
}

/// What was sealed cannot be opened: another key, another context, or it was changed.
#[derive(Debug, thiserror::Error)]
#[error("a sealed value cannot be opened")]
pub struct CannotOpen;

/// A code that its id and hash give under none of the keys.
#[derive(Debug, thiserror::Error)]
#[error("a code cannot be derived any more")]
pub struct CannotDerive;

impl Vault {
    /// A vault of these keys, of which the first one seals.
    #[must_use]
    pub fn new(keys: Vec<Key>) -> Self {
        let code_keys = keys.iter().map(code_key).collect();
        Self { keys, code_keys }
    }

    /// Takes a kept code key in, so that codes made under its data key are known.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn keep(&mut self, id: Uuid, sealed: &[u8]) -> Result<(), CannotOpen> {
        let kept = self.open(&[CODE_KEY_CONTEXT, id.as_bytes()].concat(), sealed)?;
        let kept = STANDARD.decode(kept).ok().and_then(|bytes| Key::try_from(bytes).ok()).ok_or(CannotOpen)?;
        if !self.code_keys.contains(&kept) {
            self.code_keys.push(kept);
        }
        Ok(())
    }

    /// What must be kept of all keys but the first, for when they are gone.
    ///
    /// # Errors
    /// As [`Vault::seal`].
    pub fn code_keys_to_keep(&self) -> Result<Vec<KeptCodeKey>, CannotOpen> {
        let kept = self.keys.iter().skip(1).map(|key| {
            let id = Uuid::now_v7();
            let sealed = self.seal(&[CODE_KEY_CONTEXT, id.as_bytes()].concat(), &STANDARD.encode(code_key(key)))?;
            Ok(KeptCodeKey { id, key_id: key_id(key).to_vec(), sealed })
        });
        kept.collect()
    }

    /// What marks, from its second byte on, a value as sealed under the first key.
    #[must_use]
    pub fn first_key_id(&self) -> Vec<u8> {
        key_id(self.first()).to_vec()
    }

    fn first(&self) -> &Key {
        &self.keys[0]
    }

    /// The keyed hash by which an address is found without being readable. 32 bytes.
    #[must_use]
    pub fn lookup(&self, kind: &str, address: &str) -> Vec<u8> {
        lookup(self.first(), kind, address)
    }

    /// The keyed hash under each of the keys, the first key's first.
    #[must_use]
    pub fn lookups(&self, kind: &str, address: &str) -> Vec<Vec<u8>> {
        self.keys.iter().map(|key| lookup(key, kind, address)).collect()
    }

    /// An address under each of the keys.
    ///
    /// # Errors
    /// As [`Vault::seal`].
    pub fn seal_address(&self, kind: &str, address: &str) -> Result<SealedAddress, CannotOpen> {
        let under = |key| {
            let lookup = lookup(key, kind, address);
            seal(key, &lookup, address).map(|sealed| (lookup, sealed))
        };
        let (lookup, sealed) = under(self.first())?;
        let others: Vec<_> = self.keys.iter().skip(1).map(under).collect::<Result<_, _>>()?;
        let (other_lookups, other_sealeds) = others.into_iter().unzip();
        Ok(SealedAddress { lookup, sealed, other_lookups, other_sealeds })
    }

    /// Encrypts (XChaCha20-Poly1305). `context` must be given again to open it, so that a value cannot be moved to
    /// another row. Gives version, key id, nonce, ciphertext and tag.
    ///
    /// # Errors
    /// Never for values of a size that is stored here.
    pub fn seal(&self, context: &[u8], plain: &str) -> Result<Vec<u8>, CannotOpen> {
        seal(self.first(), context, plain)
    }

    /// Decrypts what [`Vault::seal`] gave under the same context, with whichever key sealed it.
    ///
    /// # Errors
    /// When no key fits, or the value or its context was changed.
    pub fn open(&self, context: &[u8], sealed: &[u8]) -> Result<String, CannotOpen> {
        let (head, rest) = sealed.split_at_checked(1 + KEY_ID_LENGTH).ok_or(CannotOpen)?;
        let (nonce, ciphertext) = rest.split_at_checked(NONCE_LENGTH).ok_or(CannotOpen)?;
        let key = self.keys.iter().find(|key| head[0] == SEAL_VERSION && head[1..] == key_id(key)).ok_or(CannotOpen)?;
        let plain = cipher(key)
            .decrypt(XNonce::from_slice(nonce), Payload { msg: ciphertext, aad: context })
            .map_err(|_| CannotOpen)?;
        String::from_utf8(plain).map_err(|_| CannotOpen)
    }

    /// Opens an array of what is sealed, each beside its context: `sealed` and `lookup` in base64, as the database encodes it.
    /// One that cannot be opened is left out: what the rest is for must come all the same.
    #[must_use]
    pub fn open_all(&self, sealed: &Value) -> Vec<String> {
        let open = |one: &Value| {
            let bytes = |name: &str| STANDARD.decode(one[name].as_str()?.replace('\n', "")).ok();
            self.open(&bytes("lookup")?, &bytes("sealed")?).ok()
        };
        sealed.as_array().into_iter().flatten().filter_map(open).collect()
    }

    /// Decrypts, in base64 as PostgreSQL writes it, what was sealed for the row of this id.
    ///
    /// # Errors
    /// As [`Vault::open`].
    pub fn open_row(&self, context: &[u8], id: Uuid, sealed: &str) -> Result<String, CannotOpen> {
        // PostgreSQL breaks base64 into lines (RFC 2045).
        let sealed = STANDARD.decode(sealed.replace('\n', "")).map_err(|_| CannotOpen)?;
        self.open(&[context, id.as_bytes()].concat(), &sealed)
    }

    /// The hashes that a code may have, one for each key it may have been made with; the first key's comes first.
    #[must_use]
    pub fn code_hashes(&self, usage: CodeUse, code: &str) -> Vec<Vec<u8>> {
        self.code_keys.iter().map(|key| hash_code(key, usage, code)).collect()
    }

    /// The hash of a new code of this id: all that the database keeps of it.
    #[must_use]
    pub fn new_code(&self, usage: CodeUse, id: Uuid) -> Vec<u8> {
        self.new_code_hashes(usage, id).swap_remove(0)
    }

    /// The same, and behind it the hashes that the same letters have under the other keys.
    #[must_use]
    pub fn new_code_hashes(&self, usage: CodeUse, id: Uuid) -> Vec<Vec<u8>> {
        self.code_hashes(usage, &derive_code(&self.code_keys[0], usage, id))
    }

    /// The code that belongs to an id and a hash: whoever sends or shows it derives it anew, nobody stores it.
    ///
    /// # Errors
    /// When the key it was made with is gone.
    pub fn code(&self, usage: CodeUse, id: Uuid, hash: &[u8]) -> Result<String, CannotDerive> {
        self.code_keys
            .iter()
            .map(|key| (key, derive_code(key, usage, id)))
            .find(|(key, code)| hash_code(key, usage, code) == hash)
            .map(|(_, code)| code)
            .ok_or(CannotDerive)
    }

    /// The hash of the token in a new invitation's link (R3.1): all that the database keeps of it.
    #[must_use]
    pub fn new_invitation_token(&self, id: Uuid) -> Vec<u8> {
        token_hash(&derive_invitation_token(&self.code_keys[0], id))
    }

    /// The token that belongs to an invitation and a hash, as [`Vault::code`] gives its code.
    ///
    /// # Errors
    /// When the key it was made with is gone.
    pub fn invitation_token(&self, id: Uuid, hash: &[u8]) -> Result<String, CannotDerive> {
        self.code_keys
            .iter()
            .map(|key| derive_invitation_token(key, id))
            .find(|token| token_hash(token) == hash)
            .ok_or(CannotDerive)
    }

    /// The refresh token that follows this one (R2.4), under each of the keys: a client that lost the answer gets the same
    /// one again, also of a server with another first key.
    #[must_use]
    pub fn next_refresh_tokens(&self, token: &str) -> Vec<String> {
        self.keys.iter().map(|key| URL_SAFE_NO_PAD.encode(mac(key, "refresh", &[token.as_bytes()]))).collect()
    }
}

/// A new secret to sign a webhook's events with: 192 random bits, as Standard Webhooks write them.
#[must_use]
pub fn new_webhook_secret() -> String {
    let bytes: [u8; 24] = rand::random();
    format!("{WEBHOOK_SECRET_PREFIX}{}", STANDARD.encode(bytes))
}

/// A new opaque token: 256 random bits in URL-safe base64.
#[must_use]
pub fn new_token() -> String {
    let bytes: [u8; 32] = rand::random();
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The hash under which an opaque token is stored. Plain SHA-256 will do: the token has 256 random bits.
#[must_use]
pub fn token_hash(token: &str) -> Vec<u8> {
    Sha256::digest(token.as_bytes()).to_vec()
}

/// The bytes of a hash as SQL's `encode(…, 'hex')` writes it.
#[must_use]
pub fn unhex(text: &str) -> Vec<u8> {
    (0..text.len() / 2).filter_map(|byte| u8::from_str_radix(text.get(2 * byte..2 * byte + 2)?, 16).ok()).collect()
}

fn derive_code(key: &Key, usage: CodeUse, id: Uuid) -> String {
    let bytes = mac(key, "derive", &[label(usage), id.as_bytes()]);
    let mut number =
        u64::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3], bytes[4], bytes[5], bytes[6], bytes[7]]);
    match usage {
        // 2^64 is so much larger than the range that the remainder's bias is under 1e-10.
        CodeUse::OneTime => format!("{:06}", number % 1_000_000),
        CodeUse::Invitation => (0..INVITATION_LENGTH)
            .map(|_| {
                let letter = INVITATION_ALPHABET[(number % 31) as usize];
                number /= 31;
                char::from(letter)
            })
            .collect(),
    }
}

fn derive_invitation_token(key: &Key, id: Uuid) -> String {
    URL_SAFE_NO_PAD.encode(&mac(key, "derive", &[b"invitation link", id.as_bytes()])[..INVITATION_TOKEN_LENGTH])
}

fn hash_code(key: &Key, usage: CodeUse, code: &str) -> Vec<u8> {
    mac(key, "code", &[label(usage), code.as_bytes()]).to_vec()
}

fn label(usage: CodeUse) -> &'static [u8] {
    match usage {
        CodeUse::OneTime => b"one-time",
        CodeUse::Invitation => b"invitation",
    }
}

fn lookup(key: &Key, kind: &str, address: &str) -> Vec<u8> {
    mac(key, "lookup", &[kind.as_bytes(), address.as_bytes()]).to_vec()
}

fn seal(key: &Key, context: &[u8], plain: &str) -> Result<Vec<u8>, CannotOpen> {
    let nonce: [u8; NONCE_LENGTH] = rand::random();
    let sealed = cipher(key)
        .encrypt(XNonce::from_slice(&nonce), Payload { msg: plain.as_bytes(), aad: context })
        .map_err(|_| CannotOpen)?;
    Ok([&[SEAL_VERSION][..], &key_id(key), &nonce, &sealed].concat())
}

/// The subkey that codes are made with: it says nothing of the key itself, so it may outlive it.
fn code_key(key: &Key) -> Key {
    mac(key, "codes", &[])
}

fn cipher(key: &Key) -> XChaCha20Poly1305 {
    XChaCha20Poly1305::new(mac(key, "seal", &[])[..].into())
}

fn key_id(key: &Key) -> [u8; KEY_ID_LENGTH] {
    let id = mac(key, "key id", &[]);
    [id[0], id[1], id[2], id[3]]
}

/// HMAC-SHA256 over the parts, each with its length, so that no two lists of parts read the same.
fn mac(key: &Key, purpose: &str, parts: &[&[u8]]) -> [u8; 32] {
    #[expect(clippy::expect_used, reason = "HMAC takes keys of any length (RFC 2104)")]
    let mut mac = <Hmac<Sha256> as hmac::KeyInit>::new_from_slice(key).expect("a key of any length");
    for part in [purpose.as_bytes()].iter().chain(parts) {
        mac.update(&(part.len() as u64).to_be_bytes());
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

/// One-tap links (R6.6): nothing of a token is stored, since who sends it derives it and who is sent it proves that we made
/// it. Made like codes, so a token lives on when the keys are rotated.
impl Vault {
    /// The token of a link in this delivery's message. The same each time, as long as the first key is the same.
    #[must_use]
    pub fn link_token(&self, purpose: LinkPurpose, delivery: Uuid) -> String {
        derive_link_token(&self.code_keys[0], purpose, delivery)
    }

    /// Whether this is the token of that delivery's link, under any of the keys.
    #[must_use]
    pub fn is_link_token(&self, token: &str, purpose: LinkPurpose, delivery: Uuid) -> bool {
        // Their hashes are compared: how long that takes says nothing of the token.
        let hash = token_hash(token);
        self.code_keys.iter().any(|key| token_hash(&derive_link_token(key, purpose, delivery)) == hash)
    }
}

/// The end of the id, 10 digits of hex, of the delivery that a link's token speaks of; `None` when it is no such token.
#[must_use]
pub fn link_id_end(token: &str) -> Option<String> {
    if token.len() != LINK_ID_LETTERS + LINK_PROOF_LETTERS {
        return None;
    }
    let number = token.bytes().take(LINK_ID_LETTERS).try_fold(0, |number: u64, letter| {
        let digit = LINK_ALPHABET.iter().position(|known| *known == letter)?;
        Some(number * 62 + digit as u64)
    })?;
    (number < 1 << 40).then(|| format!("{number:010x}"))
}

fn derive_link_token(key: &Key, purpose: LinkPurpose, delivery: Uuid) -> String {
    let purpose: &[u8] = match purpose {
        LinkPurpose::Alert => b"alert",
        LinkPurpose::CheckIn => b"check in",
    };
    let proof = mac(key, "derive", &[b"one-tap link", purpose, delivery.as_bytes()]);
    let proof = proof.iter().take(16).fold(0, |number: u128, byte| number << 8 | u128::from(*byte));
    let id_end = delivery.as_u128() & ((1 << 40) - 1);
    [letters(id_end, LINK_ID_LETTERS), letters(proof, LINK_PROOF_LETTERS)].concat()
}

/// A number in so many letters of [`LINK_ALPHABET`], the first of which counts most.
fn letters(mut number: u128, count: usize) -> String {
    let mut letters = vec!['0'; count];
    for letter in letters.iter_mut().rev() {
        *letter = char::from(LINK_ALPHABET[(number % 62) as usize]);
        number /= 62;
    }
    letters.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r9_3_a_sealed_value_opens_only_in_its_context_and_under_any_key_of_the_list() {
        let old = Vault::new(vec![[1; 32]]);
        let sealed = old.seal(b"row 1", "ana@example.org").unwrap();
        let rotated = Vault::new(vec![[2; 32], [1; 32]]);
        assert_eq!(rotated.open(b"row 1", &sealed).unwrap(), "ana@example.org");
        assert!(rotated.open(b"row 2", &sealed).is_err());
        assert!(Vault::new(vec![[2; 32]]).open(b"row 1", &sealed).is_err());
        for byte in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[byte] ^= 1;
            assert!(rotated.open(b"row 1", &changed).is_err(), "byte {byte} may be changed");
        }
        assert!(rotated.open(b"row 1", &sealed[..20]).is_err());
    }

    #[test]
    fn r9_3_what_is_kept_of_a_key_knows_its_codes_and_opens_nothing() {
        let (old, id) = (Vault::new(vec![[1; 32]]), Uuid::new_v4());
        let (code, token) = (old.new_code(CodeUse::Invitation, id), old.new_invitation_token(id));
        let kept = Vault::new(vec![[2; 32], [1; 32]]).code_keys_to_keep().unwrap();
        let mut new = Vault::new(vec![[2; 32]]);
        assert!(new.code(CodeUse::Invitation, id, &code).is_err());
        new.keep(kept[0].id, &kept[0].sealed).unwrap();
        assert!(new.keep(id, &kept[0].sealed).is_err(), "of another row");
        let letters = new.code(CodeUse::Invitation, id, &code).unwrap();
        assert_eq!(letters, old.code(CodeUse::Invitation, id, &code).unwrap());
        assert!(new.code_hashes(CodeUse::Invitation, &letters).contains(&code));
        assert!(new.is_link_token(&old.link_token(LinkPurpose::Alert, id), LinkPurpose::Alert, id), "R6.6");
        assert_eq!(new.invitation_token(id, &token).unwrap(), old.invitation_token(id, &token).unwrap());
        assert!(new.open(b"row 1", &old.seal(b"row 1", "ana@example.org").unwrap()).is_err());
    }

    #[test]
    fn r3_1_r2_1_codes_have_their_shape_and_survive_a_new_key() {
        let old = Vault::new(vec![[1; 32]]);
        let rotated = Vault::new(vec![[2; 32], [1; 32]]);
        let mut tokens = std::collections::HashSet::new();
        for _ in 0..1000 {
            let id = Uuid::new_v4();
            let code = old.code(CodeUse::Invitation, id, &old.new_code(CodeUse::Invitation, id)).unwrap();
            assert!(code.len() == 6 && code.bytes().all(|letter| INVITATION_ALPHABET.contains(&letter)), "{code}");
            let token = rotated.invitation_token(id, &old.new_invitation_token(id)).unwrap();
            assert!(token.len() == 24 && tokens.insert(token), "the same token twice");
            let digits = rotated.code(CodeUse::OneTime, id, &old.new_code(CodeUse::OneTime, id)).unwrap();
            assert!(digits.len() == 6 && digits.bytes().all(|digit| digit.is_ascii_digit()), "{digits}");
        }
    }

    #[test]
    fn r6_6_a_links_token_is_of_one_delivery_and_purpose_and_survives_a_new_key() {
        let (old, rotated) = (Vault::new(vec![[1; 32]]), Vault::new(vec![[2; 32], [1; 32]]));
        for id in (0..1000).map(|_| Uuid::now_v7()).chain([Uuid::nil(), Uuid::max()]) {
            let token = old.link_token(LinkPurpose::Alert, id);
            assert!(token.len() == 29 && token.bytes().all(|letter| letter.is_ascii_alphanumeric()), "{token}");
            assert_eq!(link_id_end(&token).unwrap(), id.to_string()[26..]);
            assert!(rotated.is_link_token(&token, LinkPurpose::Alert, id));
            assert!(!Vault::new(vec![[2; 32]]).is_link_token(&token, LinkPurpose::Alert, id));
            let other = Uuid::from_u128(id.as_u128() ^ 1 << 80);
            assert!(!old.is_link_token(&token, LinkPurpose::Alert, other), "of another with the same end");
            let wrong = format!("{}{}", &token[..28], if token.ends_with('x') { 'y' } else { 'x' });
            assert!(!old.is_link_token(&wrong, LinkPurpose::Alert, id));
            assert!(!old.is_link_token(&token, LinkPurpose::CheckIn, id), "for another purpose");
        }
        for token in ["", "x", "ZZZZZZZ", &"z".repeat(29), &"-".repeat(29), &"é".repeat(29), &"0".repeat(30)] {
            assert_eq!(link_id_end(token), None, "{token}");
        }
    }
}
