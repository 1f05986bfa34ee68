//! Postmark's webhooks (<https://postmarkapp.com/developer/webhooks/webhooks-overview>). They carry no signature: a
//! password of ours over HTTPS.

use aws_lc_rs::constant_time;
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;

use super::{Receipt, Says, kept};
use crate::deliver::OffReason;

/// The password in the URL that Postmark was given.
pub struct Password(Vec<u8>);

impl Password {
    /// Of the configuration.
    #[must_use]
    pub fn new(password: &SecretString) -> Self {
        Self(hash(password.expose_secret().as_bytes()))
    }

    /// Whether the header `Authorization` has it; the user name does not matter. Compared in constant time.
    #[must_use]
    pub fn is_right(&self, authorization: &str) -> bool {
        let Some((scheme, given)) = authorization.split_once(' ') else { return false };
        let Ok(given) = STANDARD.decode(given.trim()) else { return false };
        let Some(colon) = given.iter().position(|byte| *byte == b':') else { return false };
        scheme.eq_ignore_ascii_case("basic")
            && constant_time::verify_slices_are_equal(&self.0, &hash(&given[colon + 1..])).is_ok()
    }
}

/// Two of the same length, whatever was typed.
fn hash(password: &[u8]) -> Vec<u8> {
    digest(&SHA256, password).as_ref().to_vec()
}

/// What is kept of an event.
const KEPT: &[&str] = &[
    "RecordType",
    "ID",
    "Type",
    "TypeCode",
    "MessageID",
    "MessageStream",
    "Inactive",
    "CanActivate",
    "DeliveredAt",
    "BouncedAt",
    "ReceivedAt",
    "ChangedAt",
    "SuppressSending",
    "SuppressionReason",
    "Origin",
];

/// One event. Without a message of ours in it there is nothing to keep.
#[must_use]
pub fn read(event: &Value) -> Option<Receipt> {
    let text = |name: &str| event[name].as_str().filter(|text| !text.is_empty());
    let (kind, message) = (text("RecordType")?, text("MessageID")?);
    let said_at = ["DeliveredAt", "BouncedAt", "ReceivedAt", "ChangedAt"].iter().find_map(|name| text(name));
    // A bounce has an id, everything else happens to a message at a time.
    let event_id = match event["ID"].as_u64() {
        Some(id) => format!("{kind}:{id}"),
        None if kind == "Delivery" => format!("{message}:{kind}"),
        None => format!("{message}:{kind}:{}", said_at.unwrap_or_default()),
    };
    let bounce = event["Type"].as_str().unwrap_or("Unknown");
    let receipt = Receipt {
        delivery_id: event["Metadata"]["delivery_id"].as_str().and_then(|id| id.parse().ok()),
        said_at: said_at.and_then(|at| at.parse().ok()),
        facts: kept(event, KEPT),
        ..Receipt::new(event_id, message, kind)
    };
    Some(match kind {
        // Machines open mails and follow links, too: they show that it arrived, not that somebody read it.
        "Delivery" | "Open" | "Click" => receipt.saying(Says::Delivered),
        "Bounce" => bounced(receipt, bounce, event["Inactive"] == true),
        "SpamComplaint" => receipt.failed_for_good("postmark:SpamComplaint", Some(OffReason::Complained)),
        "SubscriptionChange" if event["SuppressSending"] == true => {
            let (code, reason) = match text("SuppressionReason") {
                Some("HardBounce") => ("postmark:HardBounce", OffReason::Bounced),
                Some("SpamComplaint") => ("postmark:SpamComplaint", OffReason::Complained),
                _ => ("postmark:Unsubscribe", OffReason::Stopped),
            };
            // What it is about may have arrived; the address takes nothing more.
            Receipt { turns_off: Some(reason.as_str()), detail: Some(code.to_owned()), ..receipt }
        }
        _ => receipt,
    })
}

/// What Postmark says of a message when it is asked (<https://postmarkapp.com/developer/api/messages-api>, details of an outbound
/// message): `Err` with the number of a bounce, of which it tells more elsewhere, in the words of a webhook. Nothing when
/// nothing is known yet.
///
/// # Errors
/// The bounce to ask for.
pub fn polled(message: &str, details: &Value) -> Result<Option<Receipt>, String> {
    let events: &[Value] = details["MessageEvents"].as_array().map_or(&[], Vec::as_slice);
    let bounce = events.iter().find(|event| event["Type"] == "Bounced").map(|event| &event["Details"]["BounceID"]);
    if let Some(id) = bounce {
        // A number, written as text.
        return Err(id.as_str().map_or_else(|| id.to_string(), str::to_owned));
    }
    let has_arrived = |event: &&Value| matches!(event["Type"].as_str(), Some("Delivered" | "Opened" | "LinkClicked"));
    if let Some(event) = events.iter().find(has_arrived) {
        let said_at = event["ReceivedAt"].as_str().and_then(|at| at.parse().ok());
        // The name that the webhook's event has: told and asked for, it is kept once.
        let receipt = Receipt::new(format!("{message}:Delivery"), message, "Delivery");
        return Ok(Some(Receipt { said_at, ..receipt.saying(Says::Delivered) }));
    }
    // Postmark still tries.
    let status = details["Status"].as_str();
    Ok(status.map(|status| Receipt::new(format!("{message}:{status}"), message, status).saying(Says::Accepted)))
}

/// What kind of bounce (<https://postmarkapp.com/developer/api/bounce-api#bounce-types>). `is_inactive`: Postmark sends
/// nothing more to this address.
#[must_use]
pub fn bounced(receipt: Receipt, kind: &str, is_inactive: bool) -> Receipt {
    let code = format!("postmark:{kind}");
    let off = |reason| Some(reason);
    match kind {
        // It arrived, and a program answered.
        "AutoResponder" | "Subscribe" | "AddressChange" => receipt,
        "SpamComplaint" | "SpamNotification" => receipt.failed_for_good(&code, off(OffReason::Complained)),
        "Unsubscribe" => receipt.failed_for_good(&code, off(OffReason::Stopped)),
        "BadEmailAddress" => receipt.failed_for_good(&code, off(OffReason::Invalid)),
        "HardBounce" => receipt.failed_for_good(&code, off(OffReason::Bounced)),
        _ if is_inactive => receipt.failed_for_good(&code, off(OffReason::Bounced)),
        "Transient" | "SoftBounce" | "DnsError" | "SMTPApiError" => receipt.failed_this_time(&code),
        _ => receipt.failed_for_good(&code, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn r7_1_only_the_password_opens_whoever_uses_it() {
        let password = Password::new(&"secret".into());
        let basic = |pair: &str| format!("Basic {}", STANDARD.encode(pair));
        assert!(password.is_right(&basic("pruuf:secret")) && password.is_right(&basic(":secret")));
        for wrong in ["pruuf:Secret", "secret", "secret:", "pruuf:secret2", "pruuf:", ""] {
            assert!(!password.is_right(&basic(wrong)), "{wrong}");
        }
        assert!(!password.is_right("") && !password.is_right("Bearer secret") && !password.is_right("Basic !"));
    }

    #[test]
    fn r7_1_what_postmark_says() {
        let said = |event: Value| {
            let receipt = read(&event).unwrap();
            (receipt.meaning, receipt.turns_off)
        };
        let bounce = |kind: &str| json!({"RecordType": "Bounce", "ID": 7, "Type": kind, "MessageID": "m", "Email": "anna@example.org"});
        assert_eq!(said(json!({"RecordType": "Delivery", "MessageID": "m"})), (Says::Delivered, None));
        assert_eq!(said(bounce("HardBounce")), (Says::Permanent, Some("bounced")));
        assert_eq!(said(bounce("BadEmailAddress")), (Says::Permanent, Some("invalid")));
        assert_eq!(said(bounce("SoftBounce")), (Says::Transient, None));
        assert_eq!(said(bounce("Blocked")), (Says::Permanent, None));
        assert_eq!(said(bounce("AutoResponder")), (Says::Nothing, None));
        assert_eq!(said(bounce("a new kind")), (Says::Permanent, None), "what is not known is no success");
        assert_eq!(
            said(json!({"RecordType": "SpamComplaint", "ID": 1, "MessageID": "m"})),
            (Says::Permanent, Some("complained"))
        );
        assert_eq!(said(json!({"RecordType": "Something", "MessageID": "m"})), (Says::Nothing, None));
        assert_eq!(read(&json!({"RecordType": "Delivery"})), None);
        assert_eq!(read(&json!("text")), None);
        let kept = read(&bounce("HardBounce")).unwrap();
        assert!(!json!(kept).to_string().contains("anna"), "no address is kept");
    }

    #[test]
    fn r7_1_what_postmark_says_when_it_is_asked() {
        let says = |details: Value| polled("m", &details).unwrap().map(|receipt| receipt.meaning);
        let event = |kind: &str| json!({"Type": kind, "ReceivedAt": "2014-02-14T11:12:56.0000000-05:00", "Details": {"BounceID": "374814878"}});
        assert_eq!(says(json!({"Status": "Queued", "MessageEvents": []})), Some(Says::Accepted));
        assert_eq!(says(json!({"Status": "Sent", "MessageEvents": [event("Transient")]})), Some(Says::Accepted));
        assert_eq!(
            says(json!({"Status": "Sent", "MessageEvents": [event("Transient"), event("Delivered")]})),
            Some(Says::Delivered)
        );
        assert_eq!(says(json!({"MessageEvents": [event("Opened")]})), Some(Says::Delivered));
        assert_eq!(
            says(json!({"Status": "Sent", "MessageEvents": [event("SubscriptionChanged")]})),
            Some(Says::Accepted)
        );
        assert_eq!(says(json!("text")), None);
        let bounced = polled("m", &json!({"MessageEvents": [event("Delivered"), event("Bounced")]}));
        assert_eq!(bounced, Err("374814878".to_owned()), "it came back after it was taken");
        assert_eq!(
            polled("m", &json!({"MessageEvents": [{"Type": "Bounced", "Details": {"BounceID": 7}}]})),
            Err("7".to_owned())
        );
        let asked = polled("m", &json!({"MessageEvents": [event("Delivered")]})).unwrap().unwrap();
        let told = read(&json!({"RecordType": "Delivery", "MessageID": "m"})).unwrap();
        assert_eq!(asked.event_id, told.event_id);
        assert!(asked.said_at.is_some());
    }
}
