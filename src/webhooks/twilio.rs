//! Twilio's signature (<https://www.twilio.com/docs/usage/security>).

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

/// What Twilio posts: names and values. Its `Debug` is not derived: numbers and texts are in it.
pub struct Form(Vec<(String, String)>);

impl Form {
    /// Reads `application/x-www-form-urlencoded`.
    #[must_use]
    pub fn read(body: &[u8]) -> Self {
        Self(url::form_urlencoded::parse(body).into_owned().collect())
    }

    /// The first value of this name that is not empty.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, value)| known == name && !value.is_empty()).map(|(_, value)| value.as_str())
    }

    /// What is signed after the URL: every parameter, by name, name then value; unknown ones included.
    fn signed(&self) -> String {
        let mut pairs: Vec<&(String, String)> = self.0.iter().collect();
        pairs.sort_unstable();
        // Twilio's own libraries count the same value of a name once.
        pairs.dedup();
        pairs.into_iter().flat_map(|(name, value)| [name.as_str(), value.as_str()]).collect()
    }
}

/// Knows Twilio by its signature.
pub struct Signatures {
    keys: Vec<hmac::Key>,
    /// The public URL as Twilio may have spelled it, each without a slash at its end.
    bases: Vec<String>,
}

impl Signatures {
    /// `tokens`: the account's auth tokens, all that may sign while one is exchanged. `public_url`: where Twilio reaches us.
    #[must_use]
    pub fn new(tokens: &[SecretString], public_url: &Url) -> Self {
        let key = |token: &SecretString| {
            hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, token.expose_secret().as_bytes())
        };
        let host = public_url.host_str().unwrap_or_default();
        let (scheme, path) = (public_url.scheme(), public_url.path().trim_end_matches('/'));
        // Twilio signs with or without the port, whatever it was told.
        let bases = [
            Some(format!("{scheme}://{host}{path}")),
            public_url.port_or_known_default().map(|port| format!("{scheme}://{host}:{port}{path}")),
        ];
        Self { keys: tokens.iter().map(key).collect(), bases: bases.into_iter().flatten().collect() }
    }

    /// Whether one of the tokens has signed this. `path`: path and query as they came; `signature`: the header
    /// `X-Twilio-Signature`. Compared in constant time.
    #[must_use]
    pub fn is_right(&self, path: &str, form: &Form, signature: &str) -> bool {
        let Ok(signature) = STANDARD.decode(signature) else { return false };
        let parameters = form.signed();
        self.bases.iter().any(|base| {
            let signed = format!("{base}{path}{parameters}");
            self.keys.iter().any(|key| hmac::verify(key, signed.as_bytes(), &signature).is_ok())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of Twilio's documentation, and what its libraries answer to it.
    const BODY: &[u8] =
        b"CallSid=CA1234567890ABCDE&Caller=%2B14158675309&Digits=1234&From=%2B14158675309&To=%2B18005551212";
    const SIGNATURE: &str = "RSOYDt4T1cUTdK1PDd93/VVr8B8=";

    fn is_right(tokens: &[&str], url: &str, path: &str, body: &[u8], signature: &str) -> bool {
        let tokens: Vec<SecretString> = tokens.iter().map(|token| (*token).into()).collect();
        Signatures::new(&tokens, &Url::parse(url).unwrap()).is_right(path, &Form::read(body), signature)
    }

    #[test]
    fn r7_1_the_example_of_twilios_documentation_is_right_and_a_changed_one_is_not() {
        let (url, path) = ("https://mycompany.com", "/myapp.php?foo=1&bar=2");
        assert!(is_right(&["12345"], url, path, BODY, SIGNATURE));
        for (tokens, path, body, signature) in [
            (&["54321"][..], path, BODY, SIGNATURE),
            (&[], path, BODY, SIGNATURE),
            (&["12345"], "/myapp.php?foo=1&bar=3", BODY, SIGNATURE),
            (&["12345"], path, &BODY[..BODY.len() - 1], SIGNATURE),
            (&["12345"], path, BODY, ""),
            (&["12345"], path, BODY, "no base64"),
            (&["12345"], path, BODY, "AAAA"),
        ] {
            assert!(!is_right(tokens, url, path, body, signature), "{tokens:?} {path}");
        }
    }

    #[test]
    fn r7_1_every_token_may_sign_while_one_is_exchanged_and_a_port_may_be_left_out() {
        let path = "/myapp.php?foo=1&bar=2";
        for url in [
            "https://mycompany.com",
            "https://mycompany.com/",
            "https://mycompany.com:443",
            "https://mycompany.com:8443",
        ] {
            assert!(is_right(&["new", "12345"], url, path, BODY, SIGNATURE), "{url}");
        }
        assert!(!is_right(&["12345"], "https://example.org", path, BODY, SIGNATURE));
        assert!(!is_right(&["12345"], "https://mycompany.com/behind", path, BODY, SIGNATURE));
        assert!(is_right(&["12345"], "https://mycompany.com/myapp.php", "?foo=1&bar=2", BODY, SIGNATURE));
    }

    #[test]
    fn the_order_of_parameters_does_not_matter_and_empty_ones_are_none() {
        let form = Form::read(b"b=2&a=&a=1&b=2&a=0");
        assert_eq!(form.signed(), "aa0a1b2");
        assert_eq!((form.get("a"), form.get("c")), (Some("1"), None));
    }
}
