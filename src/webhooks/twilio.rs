//! Twilio's signature (<https://www.twilio.com/docs/usage/security>) and its status callbacks.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use url::Url;
use uuid::Uuid;

use super::{Receipt, Says};
use crate::deliver::sms;

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

/// What a status callback says. `delivery_id`: ours, from the URL that Twilio was given. Without a message or call in it there
/// is nothing to keep.
#[must_use]
pub fn read(form: &Form, delivery_id: Option<Uuid>) -> Option<Receipt> {
    let code = form.get("ErrorCode").and_then(|code| code.parse().ok());
    let receipt = match form.get("CallSid").zip(form.get("CallStatus")) {
        Some((sid, status)) => call(sid, status),
        None => message(
            form.get("MessageSid").or_else(|| form.get("SmsSid"))?,
            form.get("MessageStatus").or_else(|| form.get("SmsStatus"))?,
            code,
        ),
    };
    let facts = KEPT.iter().filter_map(|name| Some(((*name).to_owned(), Value::from(form.get(name)?)))).collect();
    Some(Receipt { delivery_id, facts: Value::Object(facts), ..receipt })
}

/// What is kept of a callback: neither number nor text.
const KEPT: &[&str] = &[
    "MessageSid",
    "MessageStatus",
    "ErrorCode",
    "RawDlrDoneDate",
    "CallSid",
    "CallStatus",
    "CallDuration",
    "SequenceNumber",
    "SipResponseCode",
    "AnsweredBy",
];

/// What a message's status means, in a callback or when asked for
/// (<https://www.twilio.com/docs/messaging/api/message-resource#message-status-values>).
#[must_use]
pub fn message(sid: &str, status: &str, code: Option<u64>) -> Receipt {
    let receipt = Receipt::new(format!("{sid}:{status}"), sid, status);
    match (status, code.filter(|code| *code != 0)) {
        ("accepted" | "scheduled" | "queued" | "sending" | "sent", _) => receipt.saying(Says::Accepted),
        ("delivered", _) => receipt.saying(Says::Delivered),
        ("read", _) => receipt.saying(Says::Confirmed),
        ("undelivered" | "failed", Some(code)) => receipt.failed(sms::failed(code, None)),
        ("undelivered" | "failed" | "canceled", _) => receipt.failed_this_time(&format!("twilio:{status}")),
        _ => receipt,
    }
}

/// What a call's status means. That it was answered is no person (R6.6): only a pressed key is. One that nobody took has
/// failed, and the next round calls again.
#[must_use]
pub fn call(sid: &str, status: &str) -> Receipt {
    let receipt = Receipt::new(format!("{sid}:{status}"), sid, status);
    match status {
        "queued" | "initiated" | "ringing" | "in-progress" | "answered" | "completed" => receipt.saying(Says::Accepted),
        "busy" | "no-answer" | "failed" | "canceled" => receipt.failed_for_good(&format!("twilio:call-{status}"), None),
        _ => receipt,
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

    #[test]
    fn r7_1_what_twilio_says() {
        let said = |pairs: &[(&str, &str)]| {
            let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
            let receipt = read(&Form::read(body.as_bytes()), None)?;
            assert!(!receipt.facts.to_string().contains("+64"), "no number is kept");
            Some((receipt.meaning, receipt.turns_off))
        };
        let message = |status: &str, code: &str| {
            said(&[("MessageSid", "SM1"), ("MessageStatus", status), ("ErrorCode", code), ("To", "+64211234567")])
        };
        for status in ["accepted", "queued", "sending", "sent"] {
            assert_eq!(message(status, ""), Some((Says::Accepted, None)));
        }
        assert_eq!(message("delivered", "0"), Some((Says::Delivered, None)));
        assert_eq!(message("read", ""), Some((Says::Confirmed, None)));
        for status in ["undelivered", "failed"] {
            assert_eq!(message(status, ""), Some((Says::Transient, None)));
            assert_eq!(message(status, "30003"), Some((Says::Transient, None)));
            assert_eq!(message(status, "30006"), Some((Says::Permanent, Some("landline"))));
            assert_eq!(message(status, "21610"), Some((Says::Permanent, Some("stopped"))));
            assert_eq!(message(status, "30007"), Some((Says::Permanent, None)));
        }
        assert_eq!(message("something new", ""), Some((Says::Nothing, None)));
        let call = |status: &str| said(&[("CallSid", "CA1"), ("CallStatus", status)]);
        assert_eq!(call("completed"), Some((Says::Accepted, None)), "voicemail is not a person");
        assert_eq!(call("no-answer"), Some((Says::Permanent, None)));
        assert_eq!(said(&[("Hello", "world")]), None);
    }
}
