//! Access tokens: JWTs signed with Ed25519 (R2.4).

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::encoding::Pkcs8V1Der;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use quick_cache::sync::Cache;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::config::Key;

/// How long an access token lives, in seconds (R2.4: [15] minutes).
pub const LIFE_SECONDS: i64 = 15 * 60;
/// How far, in seconds, the clocks of two servers may differ: a token of another server's future is not yet valid.
const CLOCKS_DIFFER: i64 = 60;
const ISSUER: &str = "pruuf";
const AUDIENCE: &str = "pruuf-api";
/// Tokens whose signature is known to be good, so that a client that asks often is not verified each time: some 2 MB.
const REMEMBERED: usize = 10_000;

/// What an access token says.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Claims {
    iss: String,
    aud: String,
    /// The user.
    pub sub: Uuid,
    /// The session.
    pub sid: Uuid,
    iat: i64,
    exp: i64,
}

struct SigningKey {
    id: String,
    public: String,
    encoding: EncodingKey,
    decoding: DecodingKey,
}

/// The keys that sign and verify.
pub struct Tokens {
    keys: Vec<SigningKey>,
    validation: Validation,
    /// By the hash of the token. Whether it is still in force is asked each time.
    verified: Cache<[u8; 32], Claims>,
}

/// A key that Ed25519 refuses, or a token that cannot be signed.
#[derive(Debug, thiserror::Error)]
#[error("a signing key cannot be used")]
pub struct BadKey;

impl SigningKey {
    fn from_seed(seed: &Key) -> Result<Self, BadKey> {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed).map_err(|_| BadKey)?;
        let der: Pkcs8V1Der<'_> = pair.as_der().map_err(|_| BadKey)?;
        let public = URL_SAFE_NO_PAD.encode(pair.public_key());
        // The thumbprint of RFC 7638 with RFC 8037's members.
        let thumbprint = Sha256::digest(format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{public}"}}"#));
        Ok(Self {
            id: URL_SAFE_NO_PAD.encode(thumbprint),
            encoding: EncodingKey::from_ed_der(der.as_ref()),
            decoding: DecodingKey::from_ed_components(&public).map_err(|_| BadKey)?,
            public,
        })
    }
}

impl Tokens {
    /// With the keys of these seeds: the first one signs, all of them verify.
    ///
    /// # Errors
    /// When one cannot be used.
    pub fn new(seeds: &[Key]) -> Result<Self, BadKey> {
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.set_issuer(&[ISSUER]);
        validation.set_audience(&[AUDIENCE]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        validation.validate_nbf = true;
        validation.leeway = 0;
        let keys = seeds.iter().map(SigningKey::from_seed).collect::<Result<_, _>>()?;
        Ok(Self { keys, validation, verified: Cache::new(REMEMBERED) })
    }

    /// An access token of this session. It lives in real time, whatever a rehearsal's clock says.
    ///
    /// # Errors
    /// When the key cannot sign.
    pub fn sign(&self, user_id: Uuid, session_id: Uuid) -> Result<String, BadKey> {
        let now = real_seconds();
        let claims = Claims {
            iss: ISSUER.to_owned(),
            aud: AUDIENCE.to_owned(),
            sub: user_id,
            sid: session_id,
            iat: now,
            exp: now + LIFE_SECONDS,
        };
        let mut header = Header::new(Algorithm::EdDSA);
        header.kid = Some(self.keys[0].id.clone());
        jsonwebtoken::encode(&header, &claims, &self.keys[0].encoding).map_err(|_| BadKey)
    }

    /// What a token says, if one of the keys signed it and it is in force.
    #[must_use]
    pub fn verify(&self, token: &str) -> Option<Claims> {
        let hash: [u8; 32] = Sha256::digest(token).into();
        if let Some(claims) = self.verified.get(&hash) {
            return (claims.exp > real_seconds()).then_some(claims);
        }
        let id = jsonwebtoken::decode_header(token).ok()?.kid?;
        let key = self.keys.iter().find(|key| key.id == id)?;
        let claims: Claims = jsonwebtoken::decode(token, &key.decoding, &self.validation).ok()?.claims;
        if claims.iat > real_seconds() + CLOCKS_DIFFER {
            return None;
        }
        self.verified.insert(hash, claims.clone());
        Some(claims)
    }

    /// The public keys, as a JSON Web Key Set (RFC 7517, RFC 8037).
    #[must_use]
    pub fn jwks(&self) -> serde_json::Value {
        let keys: Vec<_> = self
            .keys
            .iter()
            .map(|key| serde_json::json!({"kty": "OKP", "crv": "Ed25519", "x": key.public, "kid": key.id, "use": "sig", "alg": "EdDSA"}))
            .collect();
        serde_json::json!({ "keys": keys })
    }
}

#[expect(clippy::disallowed_methods, reason = "a token's life is real time: it decides nothing about a Member's day")]
fn real_seconds() -> i64 {
    chrono::Utc::now().timestamp()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r2_4_keys_rotate_without_signing_anybody_out() {
        let old = Tokens::new(&[[1; 32]]).unwrap();
        let token = old.sign(Uuid::nil(), Uuid::max()).unwrap();
        let both = Tokens::new(&[[2; 32], [1; 32]]).unwrap();
        assert_eq!(both.verify(&token).unwrap().sid, Uuid::max());
        assert!(Tokens::new(&[[2; 32]]).unwrap().verify(&token).is_none());
        assert_eq!(both.jwks()["keys"].as_array().unwrap().len(), 2);
    }

    #[test]
    fn r2_4_a_token_that_was_changed_or_has_ended_is_refused() {
        let tokens = Tokens::new(&[[1; 32]]).unwrap();
        let token = tokens.sign(Uuid::nil(), Uuid::nil()).unwrap();
        let parts: Vec<&str> = token.split('.').collect();
        let none = URL_SAFE_NO_PAD.encode(format!(r#"{{"alg":"none","kid":"{}"}}"#, tokens.keys[0].id));
        for forged in [
            format!("{}.{}.", parts[0], parts[1]),
            format!("{none}.{}.", parts[1]),
            format!("{}.{}.{}", parts[0], URL_SAFE_NO_PAD.encode("{}"), parts[2]),
            token[..token.len() - 2].to_owned(),
            String::new(),
        ] {
            assert!(tokens.verify(&forged).is_none(), "{forged}");
        }
        let now = real_seconds();
        let ended = Claims {
            iss: ISSUER.into(),
            aud: AUDIENCE.into(),
            sub: Uuid::nil(),
            sid: Uuid::nil(),
            iat: now - 901,
            exp: now - 1,
        };
        let mut header = Header::new(Algorithm::EdDSA);
        header.kid = Some(tokens.keys[0].id.clone());
        let ended = jsonwebtoken::encode(&header, &ended, &tokens.keys[0].encoding).unwrap();
        assert!(tokens.verify(&ended).is_none());
    }

    #[test]
    fn r2_4_a_token_that_was_good_once_is_refused_when_its_time_is_over() {
        let tokens = Tokens::new(&[[1; 32]]).unwrap();
        let token = tokens.sign(Uuid::nil(), Uuid::nil()).unwrap();
        let claims = tokens.verify(&token).unwrap();
        assert_eq!(tokens.verify(&token).unwrap().exp, claims.exp);
        tokens.verified.insert(Sha256::digest(&token).into(), Claims { exp: real_seconds(), ..claims });
        assert!(tokens.verify(&token).is_none());
    }
}
