//! What a device says of itself (R4.12), and what it signs (R4.11).

use aws_lc_rs::encoding::{AsDer as _, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pruuf::dev::fakes::Channel;
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{Person, World, world};

/// The device that a person was made with.
async fn device(world: &World, who: &Person) -> String {
    world.row("select id from data.devices where user_id = $1 and platform = 'android'", &[&who.id]).await["id"]
        .as_str()
        .unwrap()
        .to_owned()
}

async fn beat(world: &World, who: &Person, body: Value) -> Value {
    world.post(who, &format!("/v1/me/devices/{}/heartbeat", device(world, who).await), body).await.expect(200)
}

#[tokio::test]
async fn r4_12_an_alert_says_when_the_phone_was_last_seen_and_its_battery() {
    world(|world| async move {
        world.travel_to("2027-02-28T18:00:00Z").await;
        let (aroha, ben) = (world.person("Aroha").await, world.person("Ben").await);
        world.connect(&aroha, &ben).await;
        world.schedule(&aroha, "09:00", "Pacific/Auckland").await;
        // A tablet in a drawer does not hide the phone.
        let tablet = format!("/v1/me/devices/{}", Uuid::new_v4());
        world.put(&aroha, &tablet, json!({"platform": "ios", "push_token": "tablet"})).await.expect(200);
        world.post(&aroha, &format!("{tablet}/heartbeat"), json!({"battery_percent": 90})).await.expect(200);
        world.travel_to("2027-02-28T18:12:00Z").await;
        let said = beat(&world, &aroha, json!({"battery_percent": 4, "push_allowed": true})).await;
        assert_eq!((&said["battery_percent"], &said["push_allowed"]), (&json!(4), &json!(true)));
        assert!(said["last_seen_at"].as_str().unwrap().starts_with("2027-02-28T18:12:"), "{said}");

        world.travel_to("2027-02-28T20:10:00Z").await;
        world.expect_message(Channel::Push, &ben.push_token, "Aroha did not check in").await;
        let mail = world.expect_message(Channel::Email, &ben.email, "Aroha did not check in").await;
        let line = "Phone last seen: 07:12 on Monday 1 March, battery 4 %";
        assert!(mail.text.contains(line), "{}", mail.text);
        let sms = world.expect_message(Channel::Sms, &ben.phone, "Aroha did not check in").await;
        let page = sms.text.split_once("http://127.0.0.1").unwrap().1.split_whitespace().next().unwrap().to_owned();
        let alert = world.get(&ben, "/v1/alerts").await.expect(200)["items"][0].clone();
        assert_eq!(
            (&alert["last_seen"]["local"], &alert["last_seen"]["battery_percent"]),
            (&json!("2027-03-01T07:12:00"), &json!(4))
        );
        assert!(alert.get("last_heard").is_none(), "a heartbeat is no check-in: {alert}");

        // It comes on again while they look for her: they see that, and it ends nothing.
        world.settle().await;
        world.travel_to("2027-02-28T20:15:00Z").await;
        beat(&world, &aroha, json!({})).await;
        let id = alert["id"].as_str().unwrap();
        let alert = world.get(&ben, &format!("/v1/alerts/{id}")).await.expect(200);
        assert_eq!((&alert["state"], &alert["last_seen"]["local"]), (&json!("open"), &json!("2027-03-01T09:15:00")));
        assert!(alert["last_seen"].get("battery_percent").is_none(), "what was not said is unknown: {alert}");
        let shown = world.call(Method::GET, &page, None, &[], None).await;
        let text = shown.body.as_str().unwrap();
        assert!(text.contains("<dt>Phone last seen</dt><dd>09:15 on Monday 1 March</dd>"), "{text}");

        world.post(&aroha, "/v1/me/check-ins", json!({})).await.expect(201);
        world.expect_on_all_channels(&ben, "Aroha").await;
        world.settle().await;
        // What an alert said stays when it is over.
        world.travel_to("2027-02-28T21:00:00Z").await;
        beat(&world, &aroha, json!({"battery_percent": 80})).await;
        assert_eq!(world.get(&ben, &format!("/v1/alerts/{id}")).await.expect(200)["last_seen"], alert["last_seen"]);
        world
    })
    .await;
}

#[tokio::test]
async fn r4_12_only_its_owner_speaks_for_a_device_and_only_sense_is_kept() {
    world(|world| async move {
        let (ann, ben) = (world.person("Ann").await, world.person("Ben").await);
        world.connect(&ann, &ben).await;
        let path = format!("/v1/me/devices/{}/heartbeat", device(&world, &ann).await);
        beat(&world, &ann, json!({"battery_percent": 50})).await;
        for (body, pointer) in [
            (json!({"battery_percent": 101}), "/battery_percent"),
            (json!({"battery_percent": -1}), "/battery_percent"),
            (json!({"battery_percent": "full"}), "/battery_percent"),
            (json!({"push_allowed": 1}), "/push_allowed"),
        ] {
            let refused = world.post(&ann, &path, body).await;
            assert!([400, 422].contains(&refused.status), "{:?}", refused.body);
            assert!(refused.body.to_string().contains(pointer), "{}", refused.body);
        }
        world.post(&ben, &path, json!({"battery_percent": 1})).await.refused(404, "not-found");
        world.post_as_nobody(&path, json!({})).await.refused(401, "not-signed-in");
        let unknown = format!("/v1/me/devices/{}/heartbeat", Uuid::new_v4());
        world.post(&ann, &unknown, json!({})).await.refused(404, "not-found");
        let kept = "select count(*) from data.devices where user_id = $1 and battery_percent = 50";
        assert_eq!(world.number(kept, &[&ann.id]).await, 1);
        world
    })
    .await;
}

/// R6.10, R7.2: a phone that may not show a push reaches nobody by itself.
#[tokio::test]
async fn r4_12_a_phone_that_may_not_show_pushes_covers_nobody_and_others_ways_are_used() {
    world(|world| async move {
        let (ann, ben) = (world.person("Ann").await, world.person("Ben").await);
        world.connect(&ann, &ben).await;
        world.schedule(&ann, "09:00", "UTC").await;
        let no_phone = "update data.addresses set off_at = rules.clock(), off_reason = 'stopped' where user_id = $1 and kind = 'phone'";
        world.db.session_as("pruuf_worker", None).await.execute(no_phone, &[&ben.id]).await.unwrap();
        world.coverage_is_known().await;
        let marks = "select count(*) from data.coverage_marks";
        beat(&world, &ben, json!({"push_allowed": true, "battery_percent": 70})).await;
        assert_eq!(world.number(marks, &[]).await, 0, "what was known wakes nobody");
        assert_eq!(world.get(&ann, "/v1/me/coverage").await.expect(200)["is_covered"], true);

        beat(&world, &ben, json!({"push_allowed": false})).await;
        world.coverage_is_known().await;
        world.expect_on_all_channels(&ann, "might reach nobody").await;
        // It still goes to the phone: what it says of itself may be wrong.
        world.expect_message(Channel::Push, &ben.push_token, "Alerts for Ann").await;
        world.expect_message(Channel::Email, &ben.email, "Alerts for Ann").await;
        let coverage = world.get(&ann, "/v1/me/coverage").await.expect(200);
        assert_eq!((&coverage["reason"], &coverage["contacts"][0]["channels"]), (&json!("too_few_channels"), &json!(["email"])));
        // Registered again, or not asked: it is as before.
        beat(&world, &ben, json!({})).await;
        world.coverage_is_known().await;
        assert_eq!(world.get(&ann, "/v1/me/coverage").await.expect(200)["is_covered"], false);
        world.settle().await;

        beat(&world, &ben, json!({"push_allowed": true})).await;
        world.coverage_is_known().await;
        world.expect_message(Channel::Push, &ann.push_token, "reach somebody again").await;
        world.expect_message(Channel::Push, &ben.push_token, "reach somebody again").await;
        assert_eq!(world.get(&ann, "/v1/me/coverage").await.expect(200)["is_covered"], true);
        let trail = "select count(*) from audit.events where subject_user_id = $1 and action in ('device.push_refused', 'device.push_allowed')";
        assert_eq!(world.number(trail, &[&ben.id]).await, 2);
        world.open_app(&ann).await;
        world.open_app(&ben).await;
        world
    })
    .await;
}

/// R7.2 normal: "by push, or SMS or e-mail for a user without one".
#[tokio::test]
async fn r4_12_a_reminder_does_not_hang_on_a_phone_that_may_not_show_it() {
    world(|world| async move {
        let ann = world.person("Ann").await;
        beat(&world, &ann, json!({"push_allowed": false})).await;
        let body = json!({"local_times": ["09:00"], "time_zone": "UTC", "reminders": ["at_time"]});
        world.travel_to("2027-03-01T06:00:00Z").await;
        let set = world.put(&ann, "/v1/me/schedule", body).await.expect(200);
        world.coverage_is_known().await;
        world.travel_to(set["next"]["due_at"].as_str().unwrap()).await;
        world.expect_message(Channel::Push, &ann.push_token, "").await;
        world.expect_message(Channel::Sms, &ann.phone, "09:10").await;
        world.post(&ann, "/v1/me/check-ins", json!({})).await.expect(201);
        world
    })
    .await;
}

// Signed check-ins (R4.11).

/// A device's key, and what it signs.
struct Signer(EcdsaKeyPair);

impl Signer {
    fn new() -> Self {
        Self(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap())
    }

    fn public_key(&self) -> String {
        STANDARD.encode(self.0.public_key())
    }

    fn spki(&self) -> String {
        let der: PublicKeyX509Der<'_> = self.0.public_key().as_der().unwrap();
        STANDARD.encode(der.as_ref())
    }

    /// The body of a check-in at this time, signed for this day.
    fn check_in(&self, member: &Person, local_on: &str, device_time: &str) -> Value {
        let millis = device_time.parse::<jiff::Timestamp>().unwrap().as_millisecond();
        let signed = format!("pruuf check-in v1\n{}\n{local_on}\n{millis}", member.id);
        let value = STANDARD.encode(self.0.sign(&SystemRandom::new(), signed.as_bytes()).unwrap());
        json!({"device_time": device_time, "signature": {"public_key": self.public_key(), "local_on": local_on, "value": value}})
    }
}

async fn check_in(world: &World, who: &Person, body: Value) -> Value {
    world.post(who, "/v1/me/check-ins", body).await.expect(201)
}

/// What became of a signature, and how many expected check-ins it met.
fn outcome(answer: &Value) -> (Value, usize) {
    (answer["signature"].clone(), answer["met"].as_array().unwrap().len())
}

#[tokio::test]
async fn r4_11_a_signed_check_in_is_verified_and_a_replay_for_another_day_is_not() {
    world(|world| async move {
        world.travel_to("2027-02-28T19:00:00Z").await;
        let (aroha, ben) = (world.person("Aroha").await, world.person("Ben").await);
        world.connect(&aroha, &ben).await;
        world.schedule(&aroha, "09:00", "Pacific/Auckland").await;
        let signer = Signer::new();
        let path = format!("/v1/me/devices/{}", Uuid::new_v4());
        let body = |key: String| json!({"platform": "ios", "push_token": "signing", "public_key": key});
        assert_eq!(world.put(&aroha, &path, body(signer.public_key())).await.expect(200)["signs_check_ins"], true);
        // The same key in its other form, and a registration that does not speak of it.
        assert_eq!(world.put(&aroha, &path, body(signer.spki())).await.expect(200)["signs_check_ins"], true);
        let again = json!({"platform": "ios", "push_token": "signing"});
        assert_eq!(world.put(&aroha, &path, again).await.expect(200)["signs_check_ins"], true);

        world.travel_to("2027-02-28T19:30:00Z").await;
        let first = signer.check_in(&aroha, "2027-03-01", "2027-02-28T19:29:58.123Z");
        let key = [("Idempotency-Key", "tap")];
        for _ in 0..2 {
            let said = world.call(Method::POST, "/v1/me/check-ins", Some(&aroha.token), &key, Some(&first)).await;
            assert_eq!(outcome(&said.expect(201)), (json!("verified"), 1));
        }
        let history = format!("/v1/members/{}/history", aroha.id);
        assert_eq!(world.get(&ben, &history).await.expect(200)["items"][0]["signature"], "verified");
        assert_eq!(world.get(&aroha, "/v1/me/check-ins").await.expect(200)["items"][0]["signature"], "verified");
        // The same again, on the same day; and a second tap of its own.
        assert_eq!(outcome(&check_in(&world, &aroha, first.clone()).await), (json!("unverified"), 0));
        world.travel_to("2027-02-28T19:40:00Z").await;
        let second = signer.check_in(&aroha, "2027-03-01", "2027-02-28T19:40:00Z");
        assert_eq!(outcome(&check_in(&world, &aroha, second).await), (json!("verified"), 0));
        let for_another_day = signer.check_in(&aroha, "2027-03-02", "2027-02-28T19:40:01Z");
        assert_eq!(outcome(&check_in(&world, &aroha, for_another_day).await), (json!("unverified"), 0));
        // Signed today for tomorrow: not today's word, nor tomorrow's.
        let early = signer.check_in(&aroha, "2027-03-02", "2027-02-28T19:41:00Z");

        world.travel_to("2027-03-01T19:30:00Z").await;
        assert_eq!(outcome(&check_in(&world, &aroha, first).await), (json!("unverified"), 1));
        assert_eq!(outcome(&check_in(&world, &aroha, early).await), (json!("unverified"), 0));
        assert_eq!(world.get(&ben, &history).await.expect(200)["items"][0]["signature"], "unverified");

        world.travel_to("2027-03-02T19:30:00Z").await;
        let today = signer.check_in(&aroha, "2027-03-03", "2027-03-02T19:30:00Z");
        assert_eq!(outcome(&check_in(&world, &aroha, today).await), (json!("verified"), 1));
        world
    })
    .await;
}

/// "A check-in whose signature fails still counts and is marked so."
#[tokio::test]
async fn r4_11_a_signature_that_fails_is_marked_and_the_check_in_counts() {
    world(|world| async move {
        world.travel_to("2027-02-28T19:00:00Z").await;
        let (aroha, ben) = (world.person("Aroha").await, world.person("Ben").await);
        world.schedule(&aroha, "09:00", "Pacific/Auckland").await;
        let (signer, stranger) = (Signer::new(), Signer::new());
        for (who, signer) in [(&aroha, &signer), (&ben, &stranger)] {
            let body =
                json!({"platform": "ios", "push_token": format!("of {}", who.name), "public_key": signer.spki()});
            world.put(who, &format!("/v1/me/devices/{}", Uuid::new_v4()), body).await.expect(200);
        }
        let (day, time) = ("2027-03-01", "2027-02-28T19:10:00Z");
        let good = signer.check_in(&aroha, day, time);
        let with = |pointer: &str, value: Value| {
            let mut body = good.clone();
            *body.pointer_mut(pointer).unwrap() = value;
            body
        };
        let unsigned = check_in(&world, &aroha, json!({})).await;
        assert_eq!((unsigned.get("signature"), unsigned["met"].as_array().unwrap().len()), (None, 1));
        for (number, body) in [
            // Of the Member's key, but over something else.
            with("/signature/local_on", json!("2027-03-02")),
            with("/device_time", json!("2027-02-28T19:11:00Z")),
            signer.check_in(&ben, day, time),
            with("/device_time", Value::Null),
            // Of another key.
            stranger.check_in(&aroha, day, time),
            with("/signature/public_key", json!(stranger.public_key())),
            // Of nothing.
            with("/signature/public_key", json!("no key")),
            with("/signature/value", json!("no signature")),
            with("/signature/value", json!("")),
            with("/signature/local_on", json!("tomorrow")),
        ]
        .into_iter()
        .enumerate()
        {
            let day = jiff::civil::date(2027, 3, 1).at(19, 30, 0, 0).in_tz("UTC").unwrap();
            let day = day.checked_add(jiff::Span::new().days(i64::try_from(number).unwrap())).unwrap();
            world.travel_to(&day.timestamp().to_string()).await;
            let said = check_in(&world, &aroha, body).await;
            assert_eq!(outcome(&said), (json!("wrong"), 1), "{number}: {said}");
        }
        let trail = "select count(*) from audit.events where subject_user_id = $1 and action = 'check_in.recorded'";
        assert_eq!(world.number(trail, &[&aroha.id]).await, 11);
        world.trail_tells_nothing(&[&signer.public_key(), good["signature"]["value"].as_str().unwrap()]).await;

        let other_curve = EcdsaKeyPair::generate(&ECDSA_P384_SHA384_ASN1_SIGNING).unwrap();
        for key in ["", "AAAA", "?", &STANDARD.encode(other_curve.public_key()), &STANDARD.encode([4; 65])] {
            let body = json!({"platform": "ios", "push_token": "t", "public_key": key});
            let refused = world.put(&aroha, &format!("/v1/me/devices/{}", Uuid::new_v4()), body).await;
            assert_eq!(refused.refused(422, "invalid")["errors"][0]["pointer"], "/public_key", "{key}");
        }
        world
    })
    .await;
}
