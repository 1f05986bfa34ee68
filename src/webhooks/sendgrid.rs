//! SendGrid's event webhook (<https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/event>).

use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::DateTime;
use serde_json::Value;

use super::{Receipt, Says, kept};
use crate::deliver::OffReason;

/// The key that SendGrid shows as "verification key".
pub struct PublicKey(UnparsedPublicKey<Vec<u8>>);

impl PublicKey {
    /// `der`: the key as SubjectPublicKeyInfo.
    #[must_use]
    pub fn new(der: Vec<u8>) -> Self {
        Self(UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, der))
    }

    /// Whether SendGrid has signed this: the two headers `X-Twilio-Email-Event-Webhook-…` and the body as it came.
    #[must_use]
    pub fn is_right(&self, timestamp: &str, body: &[u8], signature: &str) -> bool {
        let Ok(signature) = STANDARD.decode(signature) else { return false };
        self.0.verify(&[timestamp.as_bytes(), body].concat(), &signature).is_ok()
    }
}

/// What is kept of an event. `reason` and `response` hold addresses.
const KEPT: &[&str] =
    &["event", "sg_event_id", "sg_message_id", "timestamp", "type", "status", "attempt", "bounce_classification"];

/// One event of the array. Without a message of ours in it there is nothing to keep.
#[must_use]
pub fn read(event: &Value) -> Option<Receipt> {
    let text = |name: &str| event[name].as_str().filter(|text| !text.is_empty());
    let (word, id) = (text("event")?, text("sg_event_id")?);
    // The name that the answer to our request gave, and behind the dot which of its machines had it.
    let message = text("sg_message_id")?.split('.').next().unwrap_or_default();
    let receipt = Receipt {
        delivery_id: text("delivery_id").and_then(|id| id.parse().ok()),
        said_at: event["timestamp"].as_i64().and_then(|at| DateTime::from_timestamp(at, 0)),
        facts: kept(event, KEPT),
        ..Receipt::new(id.to_owned(), message, word)
    };
    let code = format!("sendgrid:{word}");
    Some(match word {
        "processed" | "deferred" => receipt.saying(Says::Accepted),
        // Machines open mails and follow links, too: they show that it arrived, not that somebody read it.
        "delivered" | "open" | "click" => receipt.saying(Says::Delivered),
        // A server that did not want it now, or not from us: the mailbox may be fine.
        "bounce" if event["type"] == "blocked" => receipt.failed_this_time("sendgrid:blocked"),
        "bounce" => receipt.failed_for_good(&code, Some(OffReason::Bounced)),
        "dropped" => dropped(receipt, text("reason").unwrap_or_default()),
        "spamreport" => receipt.failed_for_good(&code, Some(OffReason::Complained)),
        // What it is about has arrived; the address takes nothing more.
        "unsubscribe" | "group_unsubscribe" => {
            Receipt { turns_off: Some(OffReason::Stopped.as_str()), detail: Some(code), ..receipt }
        }
        _ => receipt,
    })
}

/// Never sent: SendGrid keeps a list of whom it sends nothing.
fn dropped(receipt: Receipt, reason: &str) -> Receipt {
    let reason = reason.to_ascii_lowercase();
    let because = |words: &str| reason.contains(words);
    if because("bounced address") {
        receipt.failed_for_good("sendgrid:dropped-bounced", Some(OffReason::Bounced))
    } else if because("spam reporting address") {
        receipt.failed_for_good("sendgrid:dropped-complained", Some(OffReason::Complained))
    } else if because("unsubscribed address") {
        receipt.failed_for_good("sendgrid:dropped-unsubscribed", Some(OffReason::Stopped))
    } else if reason == "invalid" || because("invalid address") {
        receipt.failed_for_good("sendgrid:dropped-invalid", Some(OffReason::Invalid))
    } else {
        receipt.failed_for_good("sendgrid:dropped", None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
    use aws_lc_rs::rand::SystemRandom;
    use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};
    use serde_json::json;

    #[test]
    fn r7_1_the_signature_is_over_the_timestamp_and_the_body_as_it_came() {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap();
        let der: PublicKeyX509Der<'_> = pair.public_key().as_der().unwrap();
        let key = PublicKey::new(der.as_ref().to_vec());
        let signature = STANDARD.encode(pair.sign(&SystemRandom::new(), b"1600112492[{}]\r\n").unwrap());
        assert!(key.is_right("1600112492", b"[{}]\r\n", &signature));
        for (timestamp, body, signature) in [
            ("1600112493", &b"[{}]\r\n"[..], signature.as_str()),
            ("1600112492", b"[{}]\n", &signature),
            ("1600112492", b"[{}]\r\n", ""),
            ("1600112492", b"[{}]\r\n", "MEUCIQ=="),
        ] {
            assert!(!key.is_right(timestamp, body, signature));
        }
        assert!(!PublicKey::new(b"no key".to_vec()).is_right("1600112492", b"[{}]\r\n", &signature));
    }

    #[test]
    fn r7_1_what_sendgrid_says() {
        let said = |mut event: Value| {
            event["sg_event_id"] = json!("e");
            event["sg_message_id"] = json!("m.recvd-123");
            event["email"] = json!("anna@example.org");
            let receipt = read(&event).unwrap();
            assert_eq!(receipt.provider_message_id, "m");
            assert!(!json!(receipt).to_string().contains("anna"), "no address is kept");
            (receipt.meaning, receipt.turns_off)
        };
        let dropped = |reason: &str| json!({"event": "dropped", "reason": reason});
        assert_eq!(said(json!({"event": "processed"})), (Says::Accepted, None));
        assert_eq!(
            said(json!({"event": "deferred", "response": "try later, anna@example.org"})),
            (Says::Accepted, None)
        );
        assert_eq!(said(json!({"event": "delivered"})), (Says::Delivered, None));
        assert_eq!(said(json!({"event": "bounce", "type": "bounce"})), (Says::Permanent, Some("bounced")));
        assert_eq!(said(json!({"event": "bounce", "type": "blocked"})), (Says::Transient, None));
        assert_eq!(said(dropped("Bounced Address")), (Says::Permanent, Some("bounced")));
        assert_eq!(said(dropped("Spam Reporting Address")), (Says::Permanent, Some("complained")));
        assert_eq!(said(dropped("Spam Content")), (Says::Permanent, None), "dropped is a failure");
        assert_eq!(said(json!({"event": "spamreport"})), (Says::Permanent, Some("complained")));
        assert_eq!(said(json!({"event": "unsubscribe"})), (Says::Nothing, Some("stopped")));
        assert_eq!(said(json!({"event": "something new"})), (Says::Nothing, None));
        assert_eq!(read(&json!({"event": "delivered"})), None);
        assert_eq!(read(&json!(7)), None);
    }
}
