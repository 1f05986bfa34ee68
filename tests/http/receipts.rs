//! What comes back from providers (R7.1, R7.3, R7.6): signatures, receipts in any order, and what follows from them.

use std::time::Duration;

use pruuf::dev::fakes::callbacks::{self, Callback};
use pruuf::dev::fakes::{Answered, Behaviour, Channel, Received};
use pruuf::server::Server;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{PATIENCE, Person, World, world};

const MISSED: &str = "did not check in";
/// As in [`World::config`].
const PUBLIC_URL: &str = "http://127.0.0.1";

/// A Member and a Contact of theirs who has the alarm on every channel.
async fn alarmed(world: &World) -> (Person, Person) {
    let member = world.person("Aroha").await;
    let contact = world.person("Ben").await;
    world.connect(&member, &contact).await;
    world.give_schedules(&[member.id]).await;
    world.miss(&[member.id]).await;
    world.expect_on_all_channels(&contact, MISSED).await;
    world.settle().await;
    // As if one of the providers that tell had taken it, and not the SMTP server.
    let named = "update data.deliveries set provider_message_id = 'mail-' || id where channel = 'email'";
    world.db.admin.batch_execute(named).await.unwrap();
    (member, contact)
}

/// What a person's first delivery over a channel has become.
async fn delivery(world: &World, who: &Person, channel: &str) -> Value {
    let sql = "select d.id, d.state, d.failure, d.provider_message_id, a.off_reason,
                      (select r.state from data.deliveries r where r.resend_of = d.id) as again
                 from data.deliveries d join data.notifications n on n.id = d.notification_id left join data.addresses a on a.id = d.address_id
                where n.user_id = $1 and d.channel = $2 and d.resend_of is null order by d.id limit 1";
    world.row(sql, &[&who.id, &channel]).await
}

fn text<'a>(row: &'a Value, name: &str) -> &'a str {
    row[name].as_str().unwrap_or_else(|| panic!("no {name} in {row:#}"))
}

/// Sends what a provider sends; it must be answered so.
async fn tell(world: &World, callback: &Callback, status: u16) {
    assert_eq!(callback.send(&world.http, &world.url("")).await.unwrap(), status, "{callback:?}");
}

/// What Twilio tells of the message that carried this delivery.
fn twilio(delivery: &Value, status: &str, error: Option<&str>) -> Callback {
    callbacks::twilio_status(PUBLIC_URL, text(delivery, "id"), text(delivery, "provider_message_id"), status, error)
}

fn postmark(delivery: &Value, event: Value) -> Callback {
    callbacks::postmark(text(delivery, "provider_message_id"), text(delivery, "id"), event)
}

fn sendgrid(delivery: &Value, events: &[(&str, Value)]) -> Callback {
    let (message, id) = (text(delivery, "provider_message_id"), text(delivery, "id"));
    let events: Vec<Value> =
        events.iter().map(|(event, rest)| callbacks::sendgrid_event(event, message, id, rest.clone())).collect();
    callbacks::sendgrid(&events).unwrap()
}

async fn receipts(world: &World) -> i64 {
    world.number("select count(*) from data.receipts", &[]).await
}

#[tokio::test]
async fn r7_1_receipts_move_a_delivery_up_once_and_a_late_one_takes_nothing_back() {
    world(|world| async move {
        let (_, contact) = alarmed(&world).await;
        let sms = delivery(&world, &contact, "sms").await;
        assert_eq!(sms["state"], "accepted", "{sms:#}");
        for (status, state) in [("queued", "accepted"), ("delivered", "delivered"), ("delivered", "delivered"), ("sent", "delivered")] {
            tell(&world, &twilio(&sms, status, None), 204).await;
            assert_eq!(delivery(&world, &contact, "sms").await["state"], state, "after {status}");
        }
        assert_eq!(receipts(&world).await, 3, "each is kept once");

        let email = delivery(&world, &contact, "email").await;
        let delivered = json!({"RecordType": "Delivery", "DeliveredAt": "2026-11-21T09:00:00Z", "Details": "250 ok anna@example.org"});
        for _ in 0..2 {
            tell(&world, &postmark(&email, delivered.clone()), 204).await;
        }
        assert_eq!(delivery(&world, &contact, "email").await["state"], "delivered");
        assert_eq!(receipts(&world).await, 4);
        world
    })
    .await;
}

/// R7.1: "undelivered", "bounced", "dropped" and a complaint are failures, never "sent"; R7.6: and turn the address off where
/// it is dead.
#[tokio::test]
async fn r7_6_what_did_not_arrive_has_failed_and_a_dead_address_is_off() {
    let bounce = |kind: &str| json!({"RecordType": "Bounce", "ID": 42, "Type": kind, "Inactive": kind == "HardBounce"});
    let event = |word: &str| vec![("e1", json!({"event": word, "type": "bounce", "reason": "Bounced Address"}))];
    type Tell = Box<dyn Fn(&Value) -> Callback + Send>;
    let cases: Vec<(&str, Tell, &str, Option<&str>)> = vec![
        ("sms", Box::new(|d| twilio(d, "undelivered", Some("30006"))), "twilio:30006", Some("landline")),
        ("sms", Box::new(|d| twilio(d, "failed", Some("21610"))), "twilio:21610", Some("stopped")),
        ("sms", Box::new(|d| twilio(d, "undelivered", Some("30007"))), "twilio:30007", None),
        ("sms", Box::new(|d| twilio(d, "failed", Some("21211"))), "twilio:21211", Some("invalid")),
        ("email", Box::new(move |d| postmark(d, bounce("HardBounce"))), "postmark:HardBounce", Some("bounced")),
        ("email", Box::new(move |d| postmark(d, bounce("Blocked"))), "postmark:Blocked", None),
        (
            "email",
            Box::new(|d| postmark(d, json!({"RecordType": "SpamComplaint", "ID": 1}))),
            "postmark:SpamComplaint",
            Some("complained"),
        ),
        ("email", Box::new(move |d| sendgrid(d, &event("bounce"))), "sendgrid:bounce", Some("bounced")),
        ("email", Box::new(move |d| sendgrid(d, &event("dropped"))), "sendgrid:dropped-bounced", Some("bounced")),
        ("email", Box::new(move |d| sendgrid(d, &event("spamreport"))), "sendgrid:spamreport", Some("complained")),
    ];
    world(|world| async move {
        for (channel, callback, failure, off) in cases {
            let (_, contact) = alarmed(&world).await;
            let sent = delivery(&world, &contact, channel).await;
            tell(&world, &callback(&sent), 204).await;
            let failed = delivery(&world, &contact, channel).await;
            assert_eq!(
                (&failed["state"], &failed["failure"], failed["off_reason"].as_str()),
                (&json!("failed"), &json!(failure), off)
            );
            assert_eq!(failed["again"], Value::Null, "{failure} is never tried again");
            // That nobody would be reached any more is told elsewhere (R6.10).
            world.coverage_is_known().await;
            let over = "update data.coverage set is_covered = false, reason = 'no_contact'; delete from data.receipts; delete from data.connections";
            world.db.admin.batch_execute(over).await.unwrap();
        }
        world
    })
    .await;
}

#[tokio::test]
async fn r7_1_what_is_not_signed_by_its_provider_is_refused_and_changes_nothing() {
    world(|mut world| async move {
        let (_, contact) = alarmed(&world).await;
        let (sms, email) = (delivery(&world, &contact, "sms").await, delivery(&world, &contact, "email").await);
        let right = [
            twilio(&sms, "delivered", None),
            postmark(&email, json!({"RecordType": "Delivery"})),
            sendgrid(&email, &[("e1", json!({"event": "delivered"}))]),
        ];
        for callback in &right {
            let mut changed = callback.clone();
            changed.body.extend_from_slice(if changed.body.starts_with(b"{") { b" " } else { b"&more=1" });
            let mut bare = callback.clone();
            bare.headers.retain(|(name, _)| *name == "content-type");
            let mut wrong = vec![callback.clone().forged(), bare];
            // A password knows nothing of the body.
            if callback.path != "/webhooks/postmark" {
                wrong.push(changed);
            }
            for callback in wrong {
                tell(&world, &callback, 401).await;
            }
        }
        // Signed, but for another delivery's URL.
        let mut moved = twilio(&sms, "delivered", None);
        moved.path = format!("/webhooks/twilio/status?delivery={}", text(&email, "id"));
        tell(&world, &moved, 401).await;
        assert_eq!(receipts(&world).await, 0);
        for channel in ["sms", "email"] {
            assert_eq!(delivery(&world, &contact, channel).await["state"], "accepted");
        }
        // Without its secret the fault is ours: never a refusal that ends the provider's tries.
        world.stop_all().await;
        let mut config = world.config();
        config.webhooks = pruuf::config::WebhookSecrets::default();
        config.twilio = None;
        world.servers.push(Server::start(config).await.unwrap());
        for callback in &right {
            tell(&world, callback, 503).await;
        }
        world
    })
    .await;
}

/// R7.1: callbacks may overtake the answer to the request that they are about.
#[tokio::test]
async fn r7_1_a_receipt_that_overtakes_the_providers_answer_counts() {
    for (status, error, state) in
        [("delivered", None, "delivered"), ("undelivered", Some("30007"), "failed"), ("sent", None, "accepted")]
    {
        for knows_delivery in [true, false] {
            world(|world| async move {
                let (member, contact) = (world.person("Aroha").await, world.person("Ben").await);
                world.connect(&member, &contact).await;
                world.give_schedules(&[member.id]).await;
                world.fakes.set(Channel::Sms, None, Behaviour::Stall(Duration::from_millis(800)));
                world.miss(&[member.id]).await;
                let in_hand = "select exists (select from data.deliveries where channel = 'sms' and state = 'sending')";
                world.eventually("it is in a sender's hand", in_hand, &[]).await;
                let sending = delivery(&world, &contact, "sms").await;
                let id = if knows_delivery { text(&sending, "id").to_owned() } else { Uuid::new_v4().to_string() };
                let stalled = |log: &[Received]| log.iter().any(|message| message.answered == Answered::Stalled);
                assert!(world.fakes.wait_for(stalled, PATIENCE).await);
                let sid = world.fakes.received().iter().find_map(|m| Some(m.raw["sid"].as_str()?.to_owned())).unwrap();
                tell(&world, &callbacks::twilio_status(PUBLIC_URL, &id, &sid, status, error), 204).await;
                world.expect_on_all_channels(&contact, MISSED).await;
                world.settle().await;
                let sms = delivery(&world, &contact, "sms").await;
                assert_eq!(
                    (text(&sms, "state"), text(&sms, "provider_message_id")),
                    (state, sid.as_str()),
                    "{status}, {knows_delivery}"
                );
                world
            })
            .await;
        }
    }
}

/// R7.3: what Twilio took and the phone did not is tried again while the alert lives, and the failure stays on record.
#[tokio::test]
async fn r7_3_what_was_undelivered_this_time_is_sent_again_until_it_arrives() {
    world(|world| async move {
        let (member, contact) = alarmed(&world).await;
        let first = delivery(&world, &contact, "sms").await;
        tell(&world, &twilio(&first, "undelivered", Some("30003")), 204).await;
        let failed = delivery(&world, &contact, "sms").await;
        assert_eq!(
            (text(&failed, "state"), text(&failed, "failure"), text(&failed, "again")),
            ("failed", "twilio:30003", "pending")
        );
        tell(&world, &twilio(&first, "undelivered", Some("30003")), 204).await;
        world.advance("5 seconds").await;
        let arrived = "select exists (select from data.deliveries where resend_of is not null and state = 'accepted')";
        world.eventually("it is sent again", arrived, &[]).await;
        world.expect_message(Channel::Sms, &contact.phone, MISSED).await;
        assert_eq!(world.count(Channel::Sms, &contact.phone, MISSED), 2, "once more, not twice");
        let again = world
            .row("select id, attempts, provider_message_id from data.deliveries where resend_of is not null", &[])
            .await;
        assert_eq!(again["attempts"], 2);
        // The alert is over: nothing more goes out for it.
        world.post(&member, "/v1/me/check-ins", json!({})).await.expect(201);
        world.expect_on_all_channels(&contact, "checked in").await;
        tell(&world, &twilio(&again, "undelivered", Some("30003")), 204).await;
        assert_eq!(world.number("select count(*) from data.deliveries where resend_of is not null", &[]).await, 1);
        world
    })
    .await;
}

/// R6.5: what is made to be sent again at the moment the alert ends sees it open, and is not seen by what takes back the rest.
#[tokio::test]
async fn r6_5_what_is_made_while_the_alert_ends_is_not_sent() {
    world(|world| async move {
        let (member, contact) = alarmed(&world).await;
        let first = delivery(&world, &contact, "sms").await;
        let receipt = json!([{"event_id": "lost", "delivery_id": first["id"], "provider_message_id": first["provider_message_id"],
                              "event": "undelivered", "meaning": "transient", "detail": "twilio:30003"}]);
        let worker = world.db.session_as("pruuf_worker", None).await;
        worker.batch_execute("begin").await.unwrap();
        worker.query("select jobs.record_receipts('twilio', $1)", &[&receipt]).await.unwrap();
        world.post(&member, "/v1/me/check-ins", json!({})).await.expect(201);
        world.expect_on_all_channels(&contact, "checked in").await;
        worker.batch_execute("commit").await.unwrap();
        assert_eq!(delivery(&world, &contact, "sms").await["again"], "pending", "nobody could know");
        world.advance("5 seconds").await;
        world.settle().await;
        assert_eq!(delivery(&world, &contact, "sms").await["again"], "cancelled");
        assert_eq!(world.count(Channel::Sms, &contact.phone, MISSED), 1);
        world
    })
    .await;
}

/// R7.1: as a provider calls in truth: late, twice, the last thing first, and somebody else imitates it.
#[tokio::test]
async fn r7_1_callbacks_that_come_late_twice_and_backwards_end_well() {
    world(|world| async move {
        let habit = callbacks::Habit {
            server: world.url(""),
            delay: Duration::from_millis(50),
            twice: true,
            backwards: true,
            is_imitated: true,
        };
        world.fakes.call_back(Some(habit));
        let (_, contact) = alarmed(&world).await;
        world.eventually("all is told", "select count(*) = 2 from data.receipts", &[]).await;
        assert_eq!(delivery(&world, &contact, "sms").await["state"], "delivered");
        assert_eq!(receipts(&world).await, 2);
        world
    })
    .await;
}

/// R7.1: what nobody knows is kept, answered well, and holds no address and no text.
#[tokio::test]
async fn r7_1_unknown_events_are_kept_without_addresses_and_do_nothing() {
    world(|world| async move {
        let (_, contact) = alarmed(&world).await;
        let (sms, email) = (delivery(&world, &contact, "sms").await, delivery(&world, &contact, "email").await);
        tell(&world, &twilio(&sms, "a new word", None), 204).await;
        tell(&world, &postmark(&email, json!({"RecordType": "News", "Subject": "Aroha", "Content": "secret"})), 204)
            .await;
        let events =
            [("e1", json!({"event": "news", "reason": "to anna@example.org"})), ("e2", json!({"event": "delivered"}))];
        tell(&world, &sendgrid(&email, &events), 204).await;
        tell(&world, &callbacks::twilio_status(PUBLIC_URL, "nobody", "SM404", "delivered", None), 204).await;
        tell(&world, &callbacks::twilio(PUBLIC_URL, "/webhooks/twilio/status", &[("Hello", "world")]), 204).await;
        tell(&world, &callbacks::sendgrid(&[json!({"event": "delivered"}), json!(7)]).unwrap(), 204).await;
        let kept = world.admin_json("select * from data.receipts").await;
        let words: Vec<&str> = kept.as_array().unwrap().iter().map(|row| text(row, "event")).collect();
        assert_eq!(words, ["a-new-word", "News", "news", "delivered", "delivered"]);
        let kept = kept.to_string();
        for secret in ["anna", "+64211234567", "Aroha", "secret"] {
            assert!(!kept.contains(secret), "{secret} is in {kept}");
        }
        assert_eq!(delivery(&world, &contact, "sms").await["state"], "accepted");
        assert_eq!(delivery(&world, &contact, "email").await["state"], "delivered");
        world
    })
    .await;
}

/// R7.1: a poll finds what no callback told: a provider that took it and did nothing, a callback that was lost.
#[tokio::test]
async fn r7_1_what_no_callback_told_is_asked_for() {
    world(|world| async move {
        // Before the alert's next round.
        world.db.admin.batch_execute("update data.policies set value = 2 where key = 'poll_after'").await.unwrap();
        let (member, contact) = alarmed(&world).await;
        let sms = delivery(&world, &contact, "sms").await;
        let sid = text(&sms, "provider_message_id").to_owned();
        world.fakes.set_fate(&sid, "sent", None);
        let asked = "select count(*) = $1 from data.receipts where is_from_poll";
        let due = "select count(*) from data.deliveries where state = 'accepted' and poll_at <= rules.clock()";
        world.advance("100 seconds").await;
        assert_eq!(world.number(due, &[]).await, 0, "its callback may come");
        world.advance("21 seconds").await;
        world.eventually("it is asked for", asked, &[&1_i64]).await;
        assert_eq!(delivery(&world, &contact, "sms").await["state"], "accepted");
        // Still on its way: asked again later. Then it has arrived; a callback says the same, late.
        world.fakes.set_fate(&sid, "delivered", None);
        world.advance("125 seconds").await;
        world.eventually("it is asked for again", asked, &[&2_i64]).await;
        assert_eq!(delivery(&world, &contact, "sms").await["state"], "delivered");
        tell(&world, &twilio(&sms, "delivered", None), 204).await;
        assert_eq!(receipts(&world).await, 2);
        world.post(&member, "/v1/me/check-ins", json!({})).await.expect(201);
        world.expect_on_all_channels(&contact, "checked in").await;
        world
    })
    .await;
}

/// R7.1: a provider that answers 200 and does nothing.
#[tokio::test]
async fn r7_1_what_a_provider_took_and_lost_is_sent_again() {
    world(|world| async move {
        let (member, contact) = (world.person("Aroha").await, world.person("Ben").await);
        world.connect(&member, &contact).await;
        world.give_schedules(&[member.id]).await;
        world.fakes.set(Channel::Sms, None, Behaviour::AcceptAndDrop);
        world.miss(&[member.id]).await;
        world.expect_message(Channel::Push, &contact.push_token, MISSED).await;
        world.expect_message(Channel::Email, &contact.email, MISSED).await;
        world.settle().await;
        assert_eq!(delivery(&world, &contact, "sms").await["state"], "accepted");
        world.fakes.behave();
        world.advance("301 seconds").await;
        world.expect_message(Channel::Sms, &contact.phone, MISSED).await;
        let lost = delivery(&world, &contact, "sms").await;
        assert_eq!((text(&lost, "state"), text(&lost, "failure")), ("failed", "twilio:30008"));
        world
    })
    .await;
}

/// R7.1: whatever the order in which a set of receipts comes, and however often, it ends in the same state.
#[tokio::test]
async fn r7_1_all_orders_of_a_set_of_receipts_end_in_the_same_state() {
    world(|world| async move {
        let (_, contact) = alarmed(&world).await;
        let sms = delivery(&world, &contact, "sms").await;
        let sid = text(&sms, "provider_message_id").to_owned();
        let said = |nth: usize, message: &str, says: &str| {
            let detail = if ["transient", "permanent"].contains(&says) { Some("twilio:30003") } else { None };
            let off = if says == "permanent" { Some("landline") } else { None };
            json!({"event_id": format!("{message}:{nth}:{says}"), "delivery_id": sms["id"], "provider_message_id": message, "event": says,
                   "meaning": says, "detail": detail, "turns_off": off})
        };
        let of = |words: &[&str]| words.iter().enumerate().map(|(nth, says)| said(nth, &sid, says)).collect::<Vec<_>>();
        let mut of_two = of(&["accepted", "permanent"]);
        of_two.extend([said(8, "SM-other", "accepted"), said(9, "SM-other", "delivered")]);
        let worker = world.db.session_as("pruuf_worker", None).await;
        for (receipts, state, off, is_again) in [
            (of(&["nothing", "accepted", "accepted", "delivered"]), "delivered", None, Some(false)),
            (of(&["accepted", "transient", "nothing", "accepted"]), "failed", None, Some(true)),
            (of(&["accepted", "permanent", "delivered", "transient"]), "failed", Some("landline"), Some(false)),
            (of(&["accepted", "transient", "delivered", "accepted"]), "delivered", None, Some(false)),
            (of(&["accepted", "permanent", "delivered", "confirmed"]), "confirmed", Some("landline"), None),
            (of_two, "delivered", Some("landline"), Some(false)),
        ] {
            for order in orders(receipts.len()) {
                worker.batch_execute("begin").await.unwrap();
                // Every second one comes twice.
                for place in order.iter().flat_map(|place| std::iter::repeat_n(*place, 1 + place % 2)) {
                    let call = "select jobs.record_receipts('twilio', $1)";
                    let kept: Value = worker.query_one(call, &[&json!([receipts[place]])]).await.unwrap().get(0);
                    assert_eq!(kept["problems"], json!([]));
                }
                let sql = "select d.state, a.off_reason,
                                  exists (select from data.deliveries r where r.resend_of = d.id and r.state not in ('cancelled', 'failed'))
                             from data.deliveries d join data.addresses a on a.id = d.address_id where d.id = $1::text::uuid";
                let row = worker.query_one(sql, &[&text(&sms, "id")]).await.unwrap();
                worker.batch_execute("rollback").await.unwrap();
                let ended: (String, Option<String>, bool) = (row.get(0), row.get(1), row.get(2));
                assert_eq!((ended.0.as_str(), ended.1.as_deref()), (state, off), "{order:?} of {receipts:?}");
                assert!(is_again.is_none_or(|is_again| is_again == ended.2), "{order:?} of {receipts:?}");
            }
        }
        world
    })
    .await;
}

/// All orders of so many.
fn orders(count: usize) -> Vec<Vec<usize>> {
    if count == 0 {
        return vec![Vec::new()];
    }
    let shorter = orders(count - 1);
    let with = |place: usize| {
        shorter.iter().map(move |order| {
            let mut order = order.clone();
            order.insert(place, count - 1);
            order
        })
    };
    (0..count).flat_map(with).collect()
}

/// R9.8: attempts and receipts go after their days, and none of an alert that is open.
#[tokio::test]
async fn r9_8_attempts_and_receipts_are_forgotten_by_their_age() {
    world(|world| async move {
        let (member, _) = alarmed(&world).await;
        world.hold_rounds().await;
        let receipt = "insert into data.receipts (provider, event_id, delivery_id, provider_message_id, event, meaning, received_at)
                       select 'twilio', 'event-' || d.id, d.id, 'message-' || d.id, 'sent', 'nothing', rules.clock() from data.deliveries d";
        world.db.admin.batch_execute(receipt).await.unwrap();
        let left = async || {
            world.db.admin.batch_execute("select jobs.forget_attempts(), jobs.forget_receipts()").await.unwrap();
            world.row("select (select count(*) from data.attempts) as attempts, (select count(*) from data.receipts) as receipts", &[]).await
        };
        let all = left().await;
        assert!(all["attempts"].as_i64() > Some(2) && all["receipts"].as_i64() > Some(2), "{all}");
        let older = |days: i32| {
            format!("update data.attempts set ended_at = ended_at - interval '{days} days'; update data.receipts set received_at = received_at - interval '{days} days'")
        };
        world.db.admin.batch_execute(&older(91)).await.unwrap();
        assert_eq!(left().await, all, "the alert is open");
        world.db.admin.batch_execute(&older(-2)).await.unwrap();
        let close = "update data.alerts set state = 'resolved', resolved_at = rules.clock(), resolved_how = 'checked_in' where member_id = $1";
        world.db.admin.execute(close, &[&member.id]).await.unwrap();
        assert_eq!(left().await, all, "89 days are not over");
        world.db.admin.batch_execute(&older(2)).await.unwrap();
        world.eventually("all are gone", "select not exists (select from data.attempts) and not exists (select from data.receipts)", &[]).await;
        world
    })
    .await;
}
