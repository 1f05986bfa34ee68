//! People who answer by phone: a key on a call, a text (R6.6).

use pruuf::dev::fakes::callbacks::{self, Callback};
use pruuf::dev::fakes::{Behaviour, Channel};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{Person, World, world};

const MISSED: &str = "did not check in";
/// As in [`World::config`].
const PUBLIC_URL: &str = "http://127.0.0.1";

/// A Member and two Contacts of theirs, and an alert of which they have heard.
async fn alarmed(world: &World) -> (Person, [Person; 2]) {
    // In the afternoon: what was missed is today's, and what is awaited next is awaited tomorrow.
    world.travel_to("2027-03-01T15:00:00Z").await;
    let member = world.person("Aroha").await;
    let contacts = [world.person("Ben").await, world.person("Chloe").await];
    for contact in &contacts {
        world.connect(&member, contact).await;
    }
    world.give_schedules(&[member.id]).await;
    world.miss(&[member.id]).await;
    for contact in &contacts {
        world.expect_on_all_channels(contact, MISSED).await;
    }
    world.settle().await;
    (member, contacts)
}

/// Has a Contact called about their alarm in a moment, as a later round does; gives the delivery.
async fn call(world: &World, contact: &Person) -> Uuid {
    let sql =
        "insert into data.deliveries (notification_id, alert_id, channel, address_id, work_rank, next_attempt_at, created_at)
               select n.id, n.alert_id, 'voice', a.id, 20, rules.clock() + interval '1 second', rules.clock()
                 from data.notifications n join data.addresses a on a.user_id = n.user_id and a.kind = 'phone'
                where n.user_id = $1 and n.kind = 'missed' returning id";
    world.db.admin.query_one(sql, &[&contact.id]).await.unwrap().get(0)
}

/// Twilio says that a key was pressed.
pub fn key(delivery: Uuid, digits: &str) -> Callback {
    let form = [("CallSid", "CA1"), ("CallStatus", "in-progress"), ("Digits", digits)];
    callbacks::twilio(PUBLIC_URL, &format!("/webhooks/twilio/voice?delivery={delivery}"), &form)
}

/// Twilio brings a text.
pub fn text(from: &str, sid: &str, words: &str) -> Callback {
    let form = [("MessageSid", sid), ("From", from), ("To", "+15005550006"), ("Body", words)];
    callbacks::twilio(PUBLIC_URL, "/webhooks/twilio/messages", &form)
}

/// Brings what Twilio brings; gives the status and the TwiML.
pub async fn bring(world: &World, callback: &Callback) -> (u16, String) {
    let mut request = world.http.post(world.url(&callback.path)).body(callback.body.clone());
    for (name, value) in &callback.headers {
        request = request.header(*name, value);
    }
    let answer = request.send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

pub async fn answered(world: &World, callback: &Callback) -> String {
    let (status, twiml) = bring(world, callback).await;
    assert_eq!(status, 200, "{twiml}");
    assert!(twiml.contains("<Response>"), "{twiml}");
    twiml
}

async fn state(world: &World, delivery: Uuid) -> String {
    world.row("select state from data.deliveries where id = $1", &[&delivery]).await["state"]
        .as_str()
        .unwrap()
        .to_owned()
}

async fn alert(world: &World, who: &Person) -> Value {
    world.get(who, "/v1/alerts").await.expect(200)["items"][0].clone()
}

/// Waits until an attempt of a call has ended otherwise than well.
async fn is_unknown(world: &World, delivery: Uuid) {
    let sql = "select exists (select from data.attempts where delivery_id = $1 and result = 'unknown')";
    world.eventually("its end is unknown", sql, &[&delivery]).await;
}

/// R7.1: a call whose end is not known is looked up before it rings again; unless it could be another one's.
#[tokio::test]
async fn r7_1_a_call_whose_end_is_unknown_does_not_ring_twice() {
    world(|world| async move {
        let (_, contacts) = alarmed(&world).await;
        let [ben, chloe] = [&contacts[0], &contacts[1]];
        // One that Twilio took and never said so, and one that it did not take.
        world.fakes.set(Channel::Voice, Some(&ben.phone), Behaviour::RecordThenHang);
        world.fakes.set(Channel::Voice, Some(&chloe.phone), Behaviour::CloseBeforeAnswer);
        let (taken, lost) = (call(&world, ben).await, call(&world, chloe).await);
        world.advance("2 seconds").await;
        is_unknown(&world, taken).await;
        is_unknown(&world, lost).await;
        world.settle().await;
        world.fakes.behave();
        world.advance("5 seconds").await;
        world.expect_message(Channel::Voice, &ben.phone, MISSED).await;
        world.expect_message(Channel::Voice, &chloe.phone, MISSED).await;
        world.settle().await;
        assert_eq!((state(&world, taken).await.as_str(), state(&world, lost).await.as_str()), ("accepted", "accepted"));
        assert_eq!(world.count(Channel::Voice, &ben.phone, MISSED), 1, "it rang once");

        // Two calls to one number, and nobody knows of either: one that rang must not pass for both.
        world.fakes.set(Channel::Voice, Some(&ben.phone), Behaviour::RecordThenHang);
        let first = call(&world, ben).await;
        world.advance("2 seconds").await;
        is_unknown(&world, first).await;
        world.settle().await;
        world.fakes.set(Channel::Voice, Some(&ben.phone), Behaviour::CloseBeforeAnswer);
        let second = call(&world, ben).await;
        let held = "update data.deliveries set next_attempt_at = rules.clock() + interval '10 seconds' where id = $1";
        world.db.admin.execute(held, &[&first]).await.unwrap();
        world.advance("2 seconds").await;
        is_unknown(&world, second).await;
        world.settle().await;
        world.fakes.behave();
        world.advance("15 seconds").await;
        world.settle().await;
        assert_eq!(state(&world, second).await, "accepted");
        let rang = world.count(Channel::Voice, &ben.phone, MISSED);
        assert!((3..=4).contains(&rang), "the second one rang, {rang} in all");
        for _ in 1..rang {
            world.expect_message(Channel::Voice, &ben.phone, MISSED).await;
        }
        world
    })
    .await;
}

/// R6.6: voicemail is not a person.
#[tokio::test]
async fn r6_6_a_call_says_what_happened_and_only_a_pressed_key_is_a_person() {
    world(|world| async move {
        let (member, [ben, chloe]) = alarmed(&world).await;
        let delivery = call(&world, &ben).await;
        world.advance("1 second").await;
        let rung = world.expect_message(Channel::Voice, &ben.phone, MISSED).await;
        assert_eq!(rung.text.matches("press 1").count(), 2, "it is said twice: {}", rung.text);
        assert!(rung.text.contains(&member.name) && rung.text.contains(&delivery.to_string()), "{}", rung.text);
        world.settle().await;

        // Twilio's word that the call is over: nobody was there.
        let sid = rung.raw["sid"].as_str().unwrap();
        let path = format!("/webhooks/twilio/status?delivery={delivery}");
        let over = callbacks::twilio(PUBLIC_URL, &path, &[("CallSid", sid), ("CallStatus", "completed")]);
        assert_eq!(bring(&world, &over).await.0, 204);
        assert_eq!(state(&world, delivery).await, "accepted");

        // A key that means nothing: a person all the same, who is asked again.
        assert!(answered(&world, &key(delivery, "7")).await.contains("<Gather"));
        assert_eq!(state(&world, delivery).await, "confirmed");
        assert_eq!(alert(&world, &ben).await["state"], "open");

        for _ in 0..2 {
            assert!(answered(&world, &key(delivery, "1")).await.contains("You have Aroha now"));
        }
        let taken = alert(&world, &ben).await;
        assert_eq!((&taken["state"], &taken["acknowledged_by"]["id"]), (&json!("acknowledged"), &json!(ben.id)));
        for person in [&member, &chloe] {
            world.expect_message(Channel::Push, &person.push_token, "Ben").await;
            world.open_app(person).await;
        }
        let by = "select actor_user_id from audit.events where action = 'alert.acknowledged'";
        assert_eq!(world.admin_json(by).await, json!([{ "actor_user_id": ben.id }]));

        // More help is needed: everybody hears of it, and nobody has it any more.
        assert!(answered(&world, &key(delivery, "2")).await.contains("more help is needed"));
        assert_eq!(alert(&world, &ben).await["state"], "open");
        world.expect_on_all_channels(&chloe, "needs more help").await;
        world.expect_message(Channel::Voice, &chloe.phone, "needs more help").await;
        answered(&world, &key(delivery, "1")).await;
        world.settle().await;
        for person in [&member, &chloe] {
            world.expect_message(Channel::Push, &person.push_token, "Ben").await;
            world.open_app(person).await;
        }

        // Who is second hears who has it.
        let second = call(&world, &chloe).await;
        assert!(answered(&world, &key(second, "1")).await.contains("Ben has this already"));
        assert_eq!(alert(&world, &ben).await["acknowledged_by"]["id"], json!(ben.id));
        world.db.admin.execute("delete from data.deliveries where id = $1", &[&second]).await.unwrap();
        world
    })
    .await;
}

/// R7.1: nobody but Twilio can press a key or send a text.
#[tokio::test]
async fn r6_6_answers_without_twilios_signature_change_nothing() {
    world(|world| async move {
        let (member, [ben, _]) = alarmed(&world).await;
        let delivery = call(&world, &ben).await;
        world.advance("1 second").await;
        world.expect_message(Channel::Voice, &ben.phone, MISSED).await;
        let another = key(Uuid::now_v7(), "1");
        let moved = Callback { path: key(delivery, "1").path, ..another };
        for forged in [
            key(delivery, "1").forged(),
            moved,
            text(&ben.phone, "SM1", "1").forged(),
            text(&member.phone, "SM2", "OK").forged(),
        ] {
            assert_eq!(bring(&world, &forged).await.0, 401);
        }
        world.settle().await;
        assert_eq!(state(&world, delivery).await, "accepted");
        assert_eq!(alert(&world, &ben).await["state"], "open");
        assert_eq!(world.number("select count(*) from data.received_texts", &[]).await, 0);
        // A call that is not known any more does no harm.
        assert!(answered(&world, &key(Uuid::now_v7(), "1")).await.contains("over already"));
        world
    })
    .await;
}

/// The word is "OK": see `ways.rs` for what it answers (R4.8).
#[tokio::test]
async fn an_sms_that_says_ok_is_a_check_in_of_its_member_once() {
    world(|world| async move {
        let (member, [ben, chloe]) = alarmed(&world).await;
        let count = "select count(*) from data.check_ins";
        // A Contact's OK is nobody's check-in; nor is a stranger's.
        assert!(answered(&world, &text(&ben.phone, "SM1", "OK")).await.contains("did not understand"));
        assert!(answered(&world, &text("+15550001111", "SM2", "OK")).await.contains("not in use"));
        // A bare YES is the carriers' word.
        assert!(answered(&world, &text(&member.phone, "SM3", "YES")).await.contains("did not understand"));
        assert_eq!(world.number(count, &[]).await, 0);

        let ok = text(&member.phone, "SM4", " Ok! ");
        let answers = futures_util::future::join_all((0..4).map(|_| answered(&world, &ok))).await;
        assert!(answers.iter().all(|answer| answer.contains("thank you")), "{answers:?}");
        assert_eq!(
            world.admin_json("select member_id, method from data.check_ins").await,
            json!([{ "member_id": member.id, "method": "sms" }])
        );
        let taps = world.get(&member, "/v1/me/check-ins").await.expect(200);
        assert_eq!(taps["items"][0]["method"], "sms");
        assert_eq!(alert(&world, &ben).await["resolved_how"], "checked_in");
        for contact in [&ben, &chloe] {
            world.expect_on_all_channels(contact, "checked in").await;
        }
        let kept = world.admin_json("select message_sid, answer from data.received_texts order by 1").await;
        assert_eq!(kept.as_array().unwrap().len(), 4, "{kept:#}");
        world
    })
    .await;
}

/// R4.9: who has seen or spoken to the Member attests it, by key and by text; of a call for help it is a closing.
#[tokio::test]
async fn r6_6_three_ends_an_alert_on_the_contacts_word() {
    world(|world| async move {
        let (member, [ben, chloe]) = alarmed(&world).await;
        let delivery = call(&world, &ben).await;
        world.expect_message(Channel::Voice, &ben.phone, "press 3").await;
        assert!(answered(&world, &key(delivery, "3")).await.contains("The alert is over"));
        assert_eq!(alert(&world, &chloe).await["resolved_how"], "attested");
        assert_eq!(alert(&world, &chloe).await["resolved_by"]["name"], "Ben");
        for contact in [&ben, &chloe] {
            world.expect_on_all_channels(contact, "Ben has seen or spoken to Aroha").await;
        }
        // He was called, too.
        world.expect_message(Channel::Voice, &ben.phone, "Ben has seen or spoken to Aroha").await;
        world.settle().await;
        // Days later it would speak beside the next alarm.
        let life = "select count(*) from data.deliveries d join data.notifications n on n.id = d.notification_id where n.kind = 'all_clear' and d.channel = 'voice' and d.expires_at = n.created_at + interval '1 hour'";
        assert_eq!(world.number(life, &[]).await, 1);
        // Said again it is over, and there is one word.
        assert!(answered(&world, &key(delivery, "3")).await.contains("over already"));
        assert_eq!(world.number("select count(*) from data.attestations", &[]).await, 1);

        world.post(&member, "/v1/me/help-requests", Value::Null).await.expect(201);
        for contact in [&ben, &chloe] {
            world.expect_on_all_channels(contact, "Aroha").await;
        }
        world.settle().await;
        assert!(answered(&world, &text(&ben.phone, "SM9", "3")).await.contains("The alert is over"));
        assert_eq!(alert(&world, &chloe).await["outcome"], "safe");
        for contact in [&ben, &chloe] {
            world.expect_on_all_channels(contact, "Ben closed the alert").await;
        }
        world
    })
    .await;
}

/// R6.6
#[tokio::test]
async fn r6_6_a_contact_with_one_open_alert_acknowledges_it_by_sms() {
    world(|world| async move {
        let (member, [ben, chloe]) = alarmed(&world).await;
        let other = world.person("Dora").await;
        world.connect(&other, &chloe).await;
        world.give_schedules(&[other.id]).await;
        world.miss(&[other.id]).await;
        world.expect_on_all_channels(&chloe, "Dora did not check in").await;

        assert!(answered(&world, &text(&chloe.phone, "SM1", "1")).await.contains("more than one alert"));
        assert!(answered(&world, &text(&member.phone, "SM2", "1")).await.contains("nobody whom you watch"));
        assert_eq!(alert(&world, &ben).await["state"], "open");
        let got_it = text(&ben.phone, "SM3", "Got it.");
        for _ in 0..2 {
            assert!(answered(&world, &got_it).await.contains("You have this now"));
        }
        assert_eq!(alert(&world, &ben).await["acknowledged_by"]["id"], json!(ben.id));
        assert_eq!(world.number("select count(*) from data.alert_actions", &[]).await, 1);
        for person in [&member, &chloe] {
            world.expect_message(Channel::Push, &person.push_token, "Ben").await;
            world.open_app(person).await;
        }

        // Who is no Contact any more acts on nothing.
        let end = "update data.connections set ended_at = rules.clock(), ended_by = member_id where contact_id = $1";
        world.db.admin.execute(end, &[&ben.id]).await.unwrap();
        assert!(answered(&world, &text(&ben.phone, "SM4", "1")).await.contains("nobody whom you watch"));
        world.settle().await;
        world.forget();
        world
    })
    .await;
}

/// R7.7: the words of Spanish, with accents or without, whatever language somebody reads; and what they are answered.
#[tokio::test]
async fn r7_7_texts_are_understood_in_spanish_and_answered_in_their_senders_language() {
    world(|world| async move {
        let (member, [ben, chloe]) = alarmed(&world).await;
        let spanish = "update data.users set language = 'es' where id in ($1, $2)";
        world.db.admin.execute(spanish, &[&ben.id, &member.id]).await.unwrap();
        // Twilio's own word for a question stays ours to answer; so does nonsense.
        let said = answered(&world, &text(&ben.phone, "SM1", "¿Qué?")).await;
        assert!(said.contains("no entendimos su mensaje"), "{said}");
        let said = answered(&world, &text(&ben.phone, "SM2", "¡Me encargo yo!")).await;
        assert!(said.contains("Ahora se encarga usted"), "{said}");
        assert_eq!(alert(&world, &ben).await["acknowledged_by"]["id"], json!(ben.id));
        for (person, words) in [(&member, "Ben se encarga"), (&chloe, "Ben has got this")] {
            world.expect_message(Channel::Push, &person.push_token, words).await;
            world.open_app(person).await;
        }
        // Chloe reads English and writes Spanish.
        let said = answered(&world, &text(&chloe.phone, "SM3", "más ayuda")).await;
        assert!(said.contains("everyone is being told that more help is needed"), "{said}");
        for (channel, to, words) in [
            (Channel::Push, &ben.push_token, "Aroha necesita más ayuda"),
            (Channel::Email, &ben.email, "Aroha necesita más ayuda"),
            (Channel::Sms, &ben.phone, "Aroha necesita mas ayuda"),
            (Channel::Voice, &ben.phone, "Aroha necesita más ayuda"),
        ] {
            world.expect_message(channel, to, words).await;
        }
        world.settle().await;
        for callback in [text(&member.phone, "SM4", "Estoy bien."), text(&member.phone, "SM5", "ok")] {
            let said = answered(&world, &callback).await;
            assert!(said.contains("Pruuf: gracias"), "{said}");
        }
        assert_eq!(alert(&world, &ben).await["resolved_how"], "checked_in");
        world.settle().await;
        world.forget();
        world
    })
    .await;
}

/// R7.6: STOP turns SMS off with the reason, START on again; a phone that is off for another reason stays off.
#[tokio::test]
async fn r7_6_stop_turns_texts_off_and_start_on_again() {
    world(|world| async move {
        let (member, contact) = (world.person("Aroha").await, world.person("Ben").await);
        world.connect(&member, &contact).await;
        world.give_schedules(&[member.id]).await;
        world.fakes.set(Channel::Sms, None, Behaviour::fail(503, ""));
        world.miss(&[member.id]).await;
        world.expect_message(Channel::Push, &contact.push_token, MISSED).await;
        world.expect_message(Channel::Email, &contact.email, MISSED).await;
        world.settle().await;

        let off = "select off_reason from data.addresses where kind = 'phone' and user_id = $1";
        let stop = answered(&world, &text(&contact.phone, "SM1", "stop")).await;
        assert!(!stop.contains("<Message>"), "the carrier answers STOP itself: {stop}");
        assert_eq!(world.row(off, &[&contact.id]).await["off_reason"], "stopped");
        let sms = "select d.state, d.failure from data.deliveries d where d.channel = 'sms'";
        assert_eq!(world.admin_json(sms).await, json!([{ "state": "failed", "failure": "address-off" }]));
        assert_eq!(world.number("select count(*) from audit.events where action = 'address.turned_off'", &[]).await, 1);

        // The same text again is not a second STOP.
        assert!(!answered(&world, &text(&contact.phone, "SM2", "START")).await.contains("<Message>"));
        assert_eq!(world.row(off, &[&contact.id]).await["off_reason"], Value::Null);
        answered(&world, &text(&contact.phone, "SM1", "stop")).await;
        assert_eq!(world.row(off, &[&contact.id]).await["off_reason"], Value::Null);

        let bounce = "update data.addresses set off_at = rules.clock(), off_reason = 'landline' where kind = 'phone' and user_id = $1";
        world.db.admin.execute(bounce, &[&contact.id]).await.unwrap();
        answered(&world, &text(&contact.phone, "SM3", "START")).await;
        assert_eq!(world.row(off, &[&contact.id]).await["off_reason"], "landline");
        world
    })
    .await;
}
