//! The three senders against the fakes: every error rule of the providers, over real sockets.
#![expect(clippy::unwrap_used, reason = "a test may panic")]
#![expect(clippy::disallowed_methods, reason = "the fakes keep this machine's time")]

use std::time::Duration;

use chrono::Utc;
use pruuf::deliver::email::{Email, EmailConfig};
use pruuf::deliver::fcm::{Fcm, FcmConfig};
use pruuf::deliver::sms::{Twilio, TwilioConfig};
use pruuf::deliver::{Content, Destination, Letter, Message, OffReason, Outcome, Platform, Push, Text};
use pruuf::dev::fakes::{Answered, Behaviour, Channel, Fakes};
use uuid::Uuid;

/// Short, so that a test of a time-out takes no longer.
const TIMEOUT: Duration = Duration::from_millis(400);
const TOKEN: &str = "device-token-1";
const EMAIL: &str = "anna@example.org";
const PHONE: &str = "+64211234567";

fn message(to: Destination, content: Content) -> Message {
    Message { delivery_id: Uuid::now_v7(), notification_id: Uuid::now_v7(), kind: "missed".to_owned(), to, content }
}

fn push() -> Message {
    message(
        Destination::Device { token: TOKEN.to_owned(), platform: Platform::Android },
        Content::Push(Push {
            title: "Mary did not check in".to_owned(),
            body: "Call Mary.".to_owned(),
            data: [("alert_id".to_owned(), "a1".to_owned())].into(),
            tag: None,
            is_critical: true,
            ttl: Duration::from_secs(3600),
        }),
    )
}

fn letter() -> Message {
    message(
        Destination::Email(EMAIL.to_owned()),
        Content::Email(Letter {
            subject: "Zoë did not check in – call her".to_owned(),
            text: "Due: 09:00\n.a line with a dot\nCafé".to_owned(),
            html: "<p>Due: 09:00 Café</p>".to_owned(),
        }),
    )
}

fn sms() -> Message {
    message(
        Destination::Phone(PHONE.to_owned()),
        Content::Sms(Text { text: "Pruuf: call Mary & go there".to_owned(), ttl: Duration::from_secs(3600) }),
    )
}

fn fcm(fakes: &Fakes) -> Fcm {
    let config = FcmConfig { url: fakes.fcm_url(), credentials: fakes.fcm_credentials_json().into(), timeout: TIMEOUT };
    Fcm::new(config, reqwest::Client::new()).unwrap()
}

fn email(fakes: &Fakes) -> Email {
    let config =
        EmailConfig { url: fakes.smtp_url().into(), from: "Pruuf <alerts@pruuf.example>".to_owned(), timeout: TIMEOUT };
    Email::new(config).unwrap()
}

fn twilio(fakes: &Fakes) -> Twilio {
    let config = TwilioConfig {
        url: fakes.twilio_url(),
        account_sid: "AC0".to_owned(),
        auth_token: "secret".into(),
        from: "+15005550006".to_owned(),
        status_callback: Some("https://pruuf.example/webhooks/twilio/status".parse().unwrap()),
        timeout: TIMEOUT,
    };
    Twilio::new(config, reqwest::Client::new()).unwrap()
}

fn transient(code: &str, seconds: Option<u64>) -> Outcome {
    Outcome::Transient { code: code.to_owned(), retry_after: seconds.map(Duration::from_secs) }
}

fn permanent(code: &str, turns_off: Option<OffReason>) -> Outcome {
    Outcome::Permanent { code: code.to_owned(), turns_off }
}

fn unknown(code: &str) -> Outcome {
    Outcome::Unknown { code: code.to_owned() }
}

fn fail_with_wait(status: u16, code: &str, wait: &str) -> Behaviour {
    Behaviour::Fail { status, code: code.to_owned(), times: None, retry_after: Some(wait.to_owned()) }
}

/// `data.attempts.detail`: a provider's code, never its text (R9.2).
fn assert_is_a_code(outcome: &Outcome) {
    let (Outcome::Transient { code, .. } | Outcome::Permanent { code, .. } | Outcome::Unknown { code }) = outcome
    else {
        return;
    };
    let is_code = |c: char| c.is_ascii_alphanumeric() || "_.:-".contains(c);
    assert!((1..=80).contains(&code.len()) && code.chars().all(is_code), "{code}");
}

// ---- push

/// R7.1, R7.2
#[tokio::test]
async fn push_is_accepted_with_fcms_name_for_it() {
    let fakes = Fakes::start().await.unwrap();
    let message = push();
    let Outcome::Accepted { provider_message_id } = fcm(&fakes).send(&message).await else { panic!() };
    assert!(provider_message_id.unwrap().starts_with("projects/pruuf-fake/messages/"));
    let received = fakes.received();
    assert_eq!((received[0].to.as_str(), received[0].text.as_str()), (TOKEN, "Call Mary."));
    assert_eq!(received[0].raw["android"]["priority"], "HIGH");
    assert_eq!(received[0].raw["data"]["delivery_id"], message.delivery_id.to_string());
}

/// R7.1, R7.6: "unregistered" is a failure, and the token is gone. Nothing else turns a token off but a bad one.
#[tokio::test]
async fn push_errors_that_are_never_retried() {
    let fakes = Fakes::start().await.unwrap();
    let fcm = fcm(&fakes);
    for (status, code, expected) in [
        (404, "UNREGISTERED", permanent("UNREGISTERED", Some(OffReason::Unregistered))),
        (404, "", permanent("fcm:404", None)),
        (400, "INVALID_ARGUMENT", permanent("INVALID_ARGUMENT", Some(OffReason::Invalid))),
        (400, "payload", permanent("INVALID_ARGUMENT", None)),
        (401, "THIRD_PARTY_AUTH_ERROR", permanent("THIRD_PARTY_AUTH_ERROR", None)),
        (403, "SENDER_ID_MISMATCH", permanent("SENDER_ID_MISMATCH", None)),
    ] {
        fakes.set(Channel::Push, Some(TOKEN), Behaviour::fail(status, code));
        assert_eq!(fcm.send(&push()).await, expected, "{status} {code}");
    }
    assert_eq!(fakes.count(Channel::Push), 0);
}

/// R7.3: transient errors, `Retry-After` honoured.
#[tokio::test]
async fn push_errors_that_are_retried() {
    let fakes = Fakes::start().await.unwrap();
    let fcm = fcm(&fakes);
    for (behaviour, expected) in [
        (fail_with_wait(429, "QUOTA_EXCEEDED", "17"), transient("QUOTA_EXCEEDED", Some(17))),
        (Behaviour::fail(429, "QUOTA_EXCEEDED"), transient("QUOTA_EXCEEDED", Some(60))),
        (Behaviour::fail(500, "INTERNAL"), transient("INTERNAL", None)),
        (fail_with_wait(503, "UNAVAILABLE", "5"), transient("UNAVAILABLE", Some(5))),
        (Behaviour::fail(502, ""), unknown("INTERNAL")),
        (Behaviour::fail(200, ""), unknown("fcm:no-name")),
    ] {
        fakes.set(Channel::Push, None, behaviour.clone());
        assert_eq!(fcm.send(&push()).await, expected, "{behaviour:?}");
    }
    fakes.set(Channel::Push, None, Behaviour::fail_times(503, "UNAVAILABLE", 1));
    assert_eq!(fcm.send(&push()).await, transient("UNAVAILABLE", None));
    assert!(matches!(fcm.send(&push()).await, Outcome::Accepted { .. }));
}

/// R7.1: what may have been taken is never called a failure.
#[tokio::test]
async fn push_without_an_answer_is_unknown() {
    let fakes = Fakes::start().await.unwrap();
    let fcm = fcm(&fakes);
    for (behaviour, expected) in [
        (Behaviour::Stall(Duration::from_secs(60)), "timeout"),
        (Behaviour::RecordThenHang, "timeout"),
        (Behaviour::CloseBeforeAnswer, "connection-broken"),
    ] {
        fakes.set(Channel::Push, None, behaviour.clone());
        assert_eq!(fcm.send(&push()).await, unknown(expected), "{behaviour:?}");
    }
    assert_eq!(fakes.count(Channel::Push), 1, "the one that was recorded before the silence");
}

/// R7.3: a provider that is not there has taken nothing.
#[tokio::test]
async fn a_provider_that_is_not_there_is_transient() {
    let gone = Fakes::start().await.unwrap();
    let (fcm, email, twilio) = (fcm(&gone), email(&gone), twilio(&gone));
    drop(gone);
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(fcm.send(&push()).await, transient("oauth:connect", None));
    assert_eq!(email.send(&letter()).await, transient("connect", None));
    assert_eq!(twilio.send(&sms()).await, transient("connect", None));
}

/// providers.md: "the token is cached and renewed before it ends".
#[tokio::test]
async fn access_token_is_asked_for_once_however_many_want_it() {
    let fakes = Fakes::start().await.unwrap();
    let fcm = fcm(&fakes);
    fakes.set_token_life(1);
    let burst = || async {
        let messages: Vec<Message> = (0..30).map(|_| push()).collect();
        for outcome in futures_util::future::join_all(messages.iter().map(|message| fcm.send(message))).await {
            assert!(matches!(outcome, Outcome::Accepted { .. }), "{outcome:?}");
        }
    };
    burst().await;
    assert_eq!(fakes.token_requests(), 1);
    // 0.85 s into a life of 1 s: renewed early, by one, while the others go on with the old one.
    tokio::time::sleep(Duration::from_millis(850)).await;
    fakes.set_token_life(3600);
    burst().await;
    assert_eq!(fakes.token_requests(), 2);
    burst().await;
    assert_eq!(fakes.token_requests(), 2);
}

/// A token that Google ended early is dropped once; what goes on being 401 is the credentials' fault.
#[tokio::test]
async fn access_token_that_was_revoked_is_replaced_once() {
    let fakes = Fakes::start().await.unwrap();
    let fcm = fcm(&fakes);
    fcm.send(&push()).await;
    fakes.revoke_tokens();
    assert!(matches!(fcm.send(&push()).await, Outcome::Accepted { .. }));
    assert_eq!(fakes.token_requests(), 2);
    fakes.set(Channel::Push, None, Behaviour::fail(401, "UNAUTHENTICATED"));
    assert_eq!(fcm.send(&push()).await, permanent("UNAUTHENTICATED", None));
    assert_eq!(fakes.token_requests(), 3);
}

/// Without an access token nothing was sent; many who wait share one failure.
#[tokio::test]
async fn access_token_that_is_refused_is_transient() {
    let fakes = Fakes::start().await.unwrap();
    let fcm = fcm(&fakes);
    fakes.set_token_status(503);
    let messages: Vec<Message> = (0..20).map(|_| push()).collect();
    for outcome in futures_util::future::join_all(messages.iter().map(|message| fcm.send(message))).await {
        assert_eq!(outcome, transient("oauth:503", None));
    }
    assert_eq!(fakes.token_requests(), 1);
    fakes.set_token_status(200);
    assert!(matches!(fcm.send(&push()).await, Outcome::Accepted { .. }));
}

// ---- e-mail

/// R7.7: plain text always, and HTML.
#[tokio::test]
async fn email_arrives_as_it_was_written() {
    let fakes = Fakes::start().await.unwrap();
    let (email, message) = (email(&fakes), letter());
    for _ in 0..2 {
        assert!(matches!(email.send(&message).await, Outcome::Accepted { .. }));
    }
    let received = fakes.received();
    assert_eq!(received[0].to, EMAIL);
    assert_eq!(received[0].title.as_deref(), Some("Zoë did not check in – call her"));
    assert_eq!(received[0].text, "Due: 09:00\n.a line with a dot\nCafé");
    assert_eq!(received[0].raw["html"], "<p>Due: 09:00 Café</p>");
    let id = format!("<{}@pruuf.example>", message.delivery_id);
    assert_eq!(received[0].raw["headers"]["message-id"], id);
    assert_eq!(received[1].raw["headers"]["message-id"], id, "a duplicate can be recognised");
}

/// R7.6: only a mailbox that does not exist turns its address off.
#[tokio::test]
async fn email_errors_are_told_apart() {
    let fakes = Fakes::start().await.unwrap();
    let bounced = Some(OffReason::Bounced);
    for (status, code, expected) in [
        (550, "rcpt 5.1.1", permanent("smtp:550", bounced)),
        (551, "rcpt", permanent("smtp:551", bounced)),
        (553, "rcpt 5.1.3", permanent("smtp:553", bounced)),
        (550, "rcpt 5.7.1", permanent("smtp:550", None)),
        (552, "rcpt 5.2.2", permanent("smtp:552", None)),
        (554, "rcpt", permanent("smtp:554", None)),
        (550, "data 5.7.1", permanent("smtp:550", None)),
        (554, "data", permanent("smtp:554", None)),
        (550, "mail", permanent("smtp:550", None)),
        (450, "rcpt", transient("smtp:450", None)),
        (452, "data", transient("smtp:452", None)),
        (451, "mail", transient("smtp:451", None)),
        (421, "connect", transient("smtp:421", None)),
        (554, "connect", transient("smtp:554", None)),
        (535, "auth 5.7.8", transient("smtp:535", None)),
        (530, "mail", transient("smtp:530", None)),
    ] {
        fakes.behave();
        fakes.set(Channel::Email, None, Behaviour::fail(status, code));
        // A new connection each time, since some steps come only at its beginning.
        let outcome = email(&fakes).send(&letter()).await;
        assert_eq!(outcome, expected, "{status} {code}");
        assert_is_a_code(&outcome);
    }
    assert_eq!(fakes.count(Channel::Email), 0);
}

#[tokio::test]
async fn email_to_what_is_no_address_turns_it_off() {
    let fakes = Fakes::start().await.unwrap();
    let mut message = letter();
    message.to = Destination::Email("not an address".to_owned());
    let expected = permanent("smtp:not-an-address", Some(OffReason::Invalid));
    assert_eq!(email(&fakes).send(&message).await, expected);
}

/// R7.1: after the text was sent nobody knows.
#[tokio::test]
async fn email_without_an_answer_is_unknown() {
    let fakes = Fakes::start().await.unwrap();
    let email = email(&fakes);
    for (behaviour, expected) in [
        (Behaviour::Stall(Duration::from_secs(60)), "timeout"),
        (Behaviour::RecordThenHang, "timeout"),
        (Behaviour::CloseBeforeAnswer, "connection-broken"),
    ] {
        fakes.set(Channel::Email, None, behaviour.clone());
        assert_eq!(email.send(&letter()).await, unknown(expected), "{behaviour:?}");
    }
    assert_eq!(fakes.count(Channel::Email), 1);
    fakes.behave();
    assert!(matches!(email.send(&letter()).await, Outcome::Accepted { .. }));
}

// ---- SMS

#[tokio::test]
async fn sms_carries_what_twilio_needs() {
    let fakes = Fakes::start().await.unwrap();
    let message = sms();
    let Outcome::Accepted { provider_message_id } = twilio(&fakes).send(&message).await else { panic!() };
    let received = &fakes.received()[0];
    assert_eq!(received.raw["sid"], provider_message_id.unwrap());
    assert_eq!((received.to.as_str(), received.text.as_str()), (PHONE, "Pruuf: call Mary & go there"));
    assert_eq!(received.raw["form"]["ValidityPeriod"], "3600");
    assert_eq!(
        received.raw["form"]["StatusCallback"],
        format!("https://pruuf.example/webhooks/twilio/status?delivery={}#rc=5&rp=all", message.delivery_id)
    );
}

/// R7.6, R6.10, R7.3
#[tokio::test]
async fn sms_errors_have_their_meaning() {
    let fakes = Fakes::start().await.unwrap();
    let twilio = twilio(&fakes);
    let wait = |status, code, wait| fail_with_wait(status, code, wait);
    for (behaviour, expected) in [
        (Behaviour::fail(400, "21610"), permanent("twilio:21610", Some(OffReason::Stopped))),
        (Behaviour::fail(400, "21614"), permanent("twilio:21614", Some(OffReason::Landline))),
        (Behaviour::fail(400, "30006"), permanent("twilio:30006", Some(OffReason::Landline))),
        (Behaviour::fail(400, "21211"), permanent("twilio:21211", Some(OffReason::Invalid))),
        (Behaviour::fail(400, "30007"), permanent("twilio:30007", None)),
        (Behaviour::fail(400, "21608"), permanent("twilio:21608", None)),
        (Behaviour::fail(400, "30001"), transient("twilio:30001", None)),
        (Behaviour::fail(400, "30003"), transient("twilio:30003", None)),
        (wait(429, "20429", "9"), transient("twilio:20429", Some(9))),
        (wait(429, "", "9"), transient("twilio:20429", Some(9))),
        (wait(429, "20429", "Sun, 06 Nov 1994 08:49:37 GMT"), transient("twilio:20429", Some(0))),
        (Behaviour::fail(401, "20003"), transient("twilio:20003", None)),
        (Behaviour::fail(503, ""), transient("twilio:http-503", None)),
        (Behaviour::fail(500, ""), unknown("twilio:http-500")),
        (Behaviour::fail(200, ""), unknown("twilio:no-sid")),
    ] {
        fakes.set(Channel::Sms, None, behaviour.clone());
        let outcome = twilio.send(&sms()).await;
        assert_eq!(outcome, expected, "{behaviour:?}");
        assert_is_a_code(&outcome);
    }
}

/// providers.md: "No idempotency: after a time-out list the messages to that number".
#[tokio::test]
async fn sms_without_an_answer_can_be_looked_up() {
    let fakes = Fakes::start().await.unwrap();
    let twilio = twilio(&fakes);
    let body = "Pruuf: call Mary & go there";
    let since = Utc::now();
    for (behaviour, expected, was_sent) in [
        (Behaviour::Stall(Duration::from_secs(60)), "timeout", false),
        (Behaviour::CloseBeforeAnswer, "connection-broken", false),
        (Behaviour::RecordThenHang, "timeout", true),
    ] {
        fakes.set(Channel::Sms, Some(PHONE), behaviour.clone());
        assert_eq!(twilio.send(&sms()).await, unknown(expected), "{behaviour:?}");
        assert_eq!(twilio.find_sent(PHONE, body, since, &[]).await.is_some(), was_sent, "{behaviour:?}");
    }
    assert_eq!(twilio.find_sent(PHONE, "another text", since, &[]).await, None);
    assert_eq!(twilio.find_sent("+64219999999", body, since, &[]).await, None);
    let later = since + chrono::TimeDelta::hours(1);
    let found = twilio.find_sent(PHONE, body, since, &[]).await.unwrap();
    assert_eq!(twilio.find_sent(PHONE, body, since, &[found]).await, None, "the same words of another delivery");
    assert_eq!(twilio.find_sent(PHONE, body, later, &[]).await, None, "the same text of an earlier round");
}

// ---- all of them

/// A message at the wrong sender must not turn an address off.
#[tokio::test]
async fn a_message_at_the_wrong_sender_is_our_mistake() {
    let fakes = Fakes::start().await.unwrap();
    let expected = permanent("wrong-channel", None);
    assert_eq!(fcm(&fakes).send(&sms()).await, expected);
    assert_eq!(email(&fakes).send(&push()).await, expected);
    assert_eq!(twilio(&fakes).send(&letter()).await, expected);
}

/// R9.2: logs and errors show neither addresses nor tokens nor bodies.
#[tokio::test]
async fn debug_shows_nothing_personal() {
    let fakes = Fakes::start().await.unwrap();
    let shown = format!("{:?} {:?} {:?} {:?}", push(), letter(), sms(), (fcm(&fakes), email(&fakes), twilio(&fakes)));
    for secret in [TOKEN, EMAIL, PHONE, "Mary", "Due", "secret"] {
        assert!(!shown.contains(secret), "{shown}");
    }
}

// ---- the fakes themselves

#[tokio::test]
async fn fakes_lie_repeat_and_can_be_waited_for() {
    let fakes = Fakes::start().await.unwrap();
    let twilio = twilio(&fakes);
    fakes.set(Channel::Sms, None, Behaviour::AcceptAndDrop);
    assert!(matches!(twilio.send(&sms()).await, Outcome::Accepted { .. }));
    assert_eq!(fakes.received()[0].answered, Answered::Lied);
    assert_eq!(fakes.count(Channel::Sms), 0);
    fakes.set(Channel::Sms, None, Behaviour::Repeat);
    let message = sms();
    let (_, waited) = tokio::join!(
        twilio.send(&message),
        fakes.wait_for(|log| log.iter().filter(|one| one.has_arrived()).count() == 2, Duration::from_secs(5)),
    );
    assert!(waited);
    assert_eq!(fakes.counts(Channel::Sms)[PHONE], 2);
    assert!(!fakes.wait_for(|log| log.len() > 3, Duration::from_millis(20)).await);
}

#[tokio::test]
async fn counting_fakes_keep_no_bodies() {
    let fakes = Fakes::counting().await.unwrap();
    let (fcm, email, twilio) = (fcm(&fakes), email(&fakes), twilio(&fakes));
    for _ in 0..3 {
        fcm.send(&push()).await;
        email.send(&letter()).await;
        twilio.send(&sms()).await;
    }
    for channel in [Channel::Push, Channel::Email, Channel::Sms] {
        assert!(fakes.wait_for_count(channel, 3, Duration::from_secs(5)).await);
    }
    assert!(fakes.received().is_empty());
}
