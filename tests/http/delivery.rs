//! What becomes of messages when providers misbehave (R7.1 to R7.4).

use std::time::Duration;

use pruuf::config::Postmark;
use pruuf::dev::fakes::{Answered, Behaviour, Channel};
use pruuf::server::Server;
use serde_json::{Value, json};
use tokio_postgres::error::SqlState;
use uuid::Uuid;

use crate::support::crowd::Crowd;
use crate::support::{Person, World, world};

const MISSED: &str = "did not check in";

/// A Member and a Contact of theirs.
async fn pair(world: &World) -> (Person, Person) {
    let member = world.person("Aroha").await;
    let contact = world.person("Ben").await;
    world.connect(&member, &contact).await;
    world.give_schedules(&[member.id]).await;
    (member, contact)
}

/// The delivery of a person's only notification of a kind over a channel, with its attempts.
pub async fn delivery(world: &World, who: &Person, kind: &str, channel: &str) -> Value {
    let sql = "select d.*, extract(epoch from d.next_attempt_at - rules.clock()) as due_in,
                      (select coalesce(jsonb_agg(t.result order by t.id), '[]') from data.attempts t where t.delivery_id = d.id) as results,
                      (select t.detail from data.attempts t where t.delivery_id = d.id order by t.id desc limit 1) as detail,
                      (select extract(epoch from d.next_attempt_at - max(t.ended_at)) from data.attempts t where t.delivery_id = d.id) as pause
                 from data.deliveries d join data.notifications n on n.id = d.notification_id
                where n.user_id = $1 and n.kind = $2 and d.channel = $3";
    world.row(sql, &[&who.id, &kind, &channel]).await
}

/// Waits until an attempt with this number has ended.
async fn attempted(world: &World, who: &Person, kind: &str, channel: &str, times: i64) -> Value {
    let sql = "select count(*) = $4 from data.attempts t join data.deliveries d on d.id = t.delivery_id
                 join data.notifications n on n.id = d.notification_id where n.user_id = $1 and n.kind = $2 and d.channel = $3";
    world.eventually("it is tried", sql, &[&who.id, &kind, &channel, &times]).await;
    delivery(world, who, kind, channel).await
}

/// Lets the wait of what is tried again pass.
async fn wait_out(world: &World, delivery: &Value) {
    world.advance(&format!("{} seconds", delivery["due_in"].as_f64().unwrap().max(0.0) + 0.01)).await;
}

pub async fn tell(world: &World, who: &Person, kind: &str, facts: Value, life: Option<&str>) -> Uuid {
    world
        .db
        .admin
        .query_one(
            "insert into data.notifications (user_id, kind, cause, facts, created_at, expires_at)
             values ($1, $2, gen_random_uuid()::text, $3, rules.clock(), rules.clock() + $4::text::interval) returning id",
            &[&who.id, &kind, &facts, &life],
        )
        .await
        .unwrap()
        .get(0)
}

fn connected() -> Value {
    json!({"other": {"name": "Zed"}, "becomes": "contact"})
}

async fn resolve(world: &World, member: &Person) {
    world.post(member, "/v1/me/check-ins", json!({})).await.expect(201);
}

#[tokio::test]
async fn r7_3_a_transient_failure_is_tried_again_after_growing_waits_and_arrives() {
    world(|world| async move {
        let (member, contact) = pair(&world).await;
        world.fakes.set(Channel::Push, None, Behaviour::fail_times(503, "UNAVAILABLE", 3));
        world.miss(&[member.id]).await;
        for number in 1..=3_i32 {
            let tried = attempted(&world, &contact, "missed", "push", number.into()).await;
            assert_eq!((&tried["state"], &tried["attempts"]), (&json!("pending"), &json!(number)));
            let pause = tried["pause"].as_f64().unwrap() / f64::from(2_i32.pow(number.unsigned_abs()));
            assert!((0.5..=1.5).contains(&pause), "{tried:#}");
            wait_out(&world, &tried).await;
        }
        world.expect_on_all_channels(&contact, &format!("{} {MISSED}", member.name)).await;
        world.settle().await;
        let done = delivery(&world, &contact, "missed", "push").await;
        assert_eq!(done["results"], json!(["transient", "transient", "transient", "accepted"]));
        assert_eq!(done["state"], "accepted");
        world
    })
    .await;
}

#[tokio::test]
async fn r7_3_retry_after_is_honoured() {
    world(|world| async move {
        let (member, contact) = pair(&world).await;
        let busy = Behaviour::Fail {
            status: 429,
            code: "20429".to_owned(),
            times: Some(1),
            retry_after: Some("120".to_owned()),
        };
        world.fakes.set(Channel::Sms, None, busy);
        world.miss(&[member.id]).await;
        let tried = attempted(&world, &contact, "missed", "sms", 1).await;
        assert!((120.0..121.0).contains(&tried["pause"].as_f64().unwrap()), "{tried:#}");
        world.advance("110 seconds").await;
        world.settle().await;
        assert_eq!(delivery(&world, &contact, "missed", "sms").await["attempts"], 1);
        world.advance("11 seconds").await;
        world.expect_on_all_channels(&contact, MISSED).await;
        world
    })
    .await;
}

#[tokio::test]
async fn r7_6_a_permanent_failure_turns_the_address_off_and_is_never_tried_again() {
    world(|world| async move {
        // In the afternoon: what is awaited next is awaited tomorrow.
        world.travel_to("2027-03-01T15:00:00Z").await;
        let (member, contact) = pair(&world).await;
        world.fakes.set(Channel::Push, None, Behaviour::fail_times(404, "UNREGISTERED", 1));
        tell(&world, &contact, "connected", connected(), None).await;
        world.settle().await;
        let pushed = delivery(&world, &contact, "connected", "push").await;
        assert_eq!((&pushed["state"], &pushed["failure"]), (&json!("failed"), &json!("UNREGISTERED")), "{pushed:#}");
        world.expect_message(Channel::Email, &contact.email, "Zed").await;

        world.fakes.set(Channel::Email, None, Behaviour::fail_times(550, "rcpt", 1));
        world.fakes.set(Channel::Sms, None, Behaviour::fail_times(400, "21610", 1));
        // That nobody would be reached any more is told elsewhere (R6.10).
        world.coverage_is_known().await;
        let sql = "update data.coverage set is_covered = false, reason = 'too_few_channels'";
        world.db.admin.batch_execute(sql).await.unwrap();
        world.miss(&[member.id]).await;
        for (channel, failure, reason) in [("email", "smtp:550", "bounced"), ("sms", "twilio:21610", "stopped")] {
            let failed = attempted(&world, &contact, "missed", channel, 1).await;
            assert_eq!((&failed["state"], &failed["failure"]), (&json!("failed"), &json!(failure)));
            let off = world
                .row(
                    "select off_reason, off_at is not null as is_off from data.addresses where id = $1::text::uuid",
                    &[&failed["address_id"].as_str().unwrap()],
                )
                .await;
            assert_eq!(off, json!({"off_reason": reason, "is_off": true}));
        }
        let device = world.row("select off_reason from data.devices where user_id = $1", &[&contact.id]).await;
        assert_eq!(device["off_reason"], "unregistered");
        world.hold_rounds().await;
        for _ in 0..5 {
            world.advance("3 hours").await;
        }
        world.settle().await;
        for channel in ["email", "sms"] {
            assert_eq!(delivery(&world, &contact, "missed", channel).await["results"], json!(["permanent"]));
        }
        world
    })
    .await;
}

/// R7.6: what else waits for a place that turns out to be dead is not sent to it, and what stood by for it goes.
#[tokio::test]
async fn r7_6_a_dead_place_fails_everything_that_waits_for_it() {
    world(|world| async move {
        let contact = world.person("Ben").await;
        world.fakes.set(Channel::Push, None, Behaviour::fail_times(503, "UNAVAILABLE", 1));
        tell(&world, &contact, "connected", connected(), None).await;
        attempted(&world, &contact, "connected", "push", 1).await;
        world.fakes.set(Channel::Push, None, Behaviour::fail_times(404, "UNREGISTERED", 1));
        tell(&world, &contact, "connection_ended", connected(), None).await;
        attempted(&world, &contact, "connection_ended", "push", 1).await;
        let waiting = delivery(&world, &contact, "connected", "push").await;
        assert_eq!((&waiting["state"], &waiting["failure"]), (&json!("failed"), &json!("address-off")));
        world.expect_message(Channel::Email, &contact.email, "Zed").await;
        world.expect_message(Channel::Email, &contact.email, "ended").await;
        world
    })
    .await;
}

#[tokio::test]
async fn r7_2_e_mail_goes_at_once_when_the_push_failed_and_after_two_minutes_when_nobody_confirmed_it() {
    world(|world| async move {
        let ben = world.person("Ben").await;
        world.fakes.set(Channel::Push, Some(&ben.push_token), Behaviour::fail_times(400, "INVALID_ARGUMENT", 1));
        tell(&world, &ben, "connected", connected(), None).await;
        // The clock does not move: at once.
        world.expect_message(Channel::Email, &ben.email, "Zed").await;

        let [chloe, dan, eve] = [world.person("Chloe").await, world.person("Dan").await, world.person("Eve").await];
        for person in [&chloe, &dan, &eve] {
            tell(&world, person, "connected", connected(), None).await;
            world.expect_message(Channel::Push, &person.push_token, "Zed").await;
        }
        world.settle().await;
        world.advance("115 seconds").await;
        world.settle().await;
        assert_eq!(world.count(Channel::Email, &chloe.email, "Zed"), 0);
        world.open_app(&dan).await;
        let pushed = delivery(&world, &eve, "connected", "push").await;
        let path = format!("/v1/deliveries/{}/confirm", pushed["id"].as_str().unwrap());
        world.post(&chloe, &path, json!({})).await.refused(404, "not-found");
        for _ in 0..2 {
            assert_eq!(world.post(&eve, &path, json!({})).await.expect(200)["state"], "confirmed");
        }
        world.advance("6 seconds").await;
        world.expect_message(Channel::Email, &chloe.email, "Zed").await;
        for person in [&dan, &eve] {
            assert_eq!(delivery(&world, person, "connected", "email").await["state"], "cancelled");
        }
        world
    })
    .await;
}

/// What a provider in trouble does: dead, stalled, or busy for ten minutes.
fn troubles(channel: Channel) -> [(&'static str, Behaviour); 3] {
    let code = match channel {
        Channel::Push => "QUOTA_EXCEEDED",
        Channel::Email => "",
        Channel::Sms | Channel::Voice => "20429",
    };
    let busy = Behaviour::Fail { status: 429, code: code.to_owned(), times: None, retry_after: Some("600".to_owned()) };
    [("dead", Behaviour::CloseBeforeAnswer), ("stalled", Behaviour::Stall(Duration::from_secs(60))), ("busy", busy)]
}

/// More Members than a lane has in hand at once, each with a Contact, in a world where one channel is in trouble.
async fn troubled(channel: Channel, behaviour: &Behaviour) -> (World, Crowd) {
    let mut world = World::without_server().await;
    let mut config = world.config();
    // A mail server knows no 429.
    config.postmark =
        Some(Postmark { url: world.fakes.postmark_url(), token: "token".into(), from: "a@pruuf.example".to_owned() });
    config.smtp = None;
    world.servers.push(Server::start(config).await.unwrap());
    let crowd = world.crowd(70, 1).await;
    world.fakes.set(channel, None, behaviour.clone());
    (world, crowd)
}

/// All first messages of the other channels have come while this one is in trouble, and none has waited for anything: each
/// came by its first attempt, and nothing of the troubled channel had arrived by then.
async fn others_came_at_once(world: &World, kind: &str, channel: Channel, others: &[&str], what: &str) {
    for other in others {
        let all = "select count(*) = 70 from data.deliveries d join data.notifications n on n.id = d.notification_id
                    where n.kind = $1 and d.channel = $2 and d.state = 'accepted' and d.attempts = 1
                      and (select count(*) from data.attempts t where t.delivery_id = d.id and t.result = 'accepted') = 1
                      and (select count(*) from data.attempts t where t.delivery_id = d.id) = 1";
        world.eventually(&format!("{other} comes while {channel:?} is {what}"), all, &[&kind, other]).await;
    }
    assert_eq!(world.fakes.count(channel), 0, "{channel:?} is {what}");
}

/// R7.4, R9.5: each provider has its own lane.
#[tokio::test]
async fn r7_4_a_dead_a_stalled_and_a_busy_provider_delay_no_first_message_of_another_channel() {
    for channel in [Channel::Push, Channel::Email, Channel::Sms] {
        futures_util::future::join_all(troubles(channel).map(|(what, behaviour)| async move {
            let (world, crowd) = troubled(channel, &behaviour).await;
            world.miss(&crowd.members).await;
            let others: Vec<_> = [(Channel::Push, "push"), (Channel::Email, "email"), (Channel::Sms, "sms")]
                .into_iter()
                .filter_map(|(other, name)| (other != channel).then_some(name))
                .collect();
            others_came_at_once(&world, "missed", channel, &others, what).await;
            if what == "busy" {
                // What had to wait was not given up.
                world.fakes.behave();
                world.advance("601 seconds").await;
                world.expect_everywhere(&crowd).await;
            }
            world.stop_servers().await;
        }))
        .await;
    }
}

/// R7.4, R6.3: calls, which come with the second round, are a lane of their own beside the SMS of the same provider.
#[tokio::test]
async fn r7_4_calls_that_are_in_trouble_delay_no_message_and_messages_no_call() {
    for (channel, others) in [(Channel::Voice, ["push", "email", "sms"]), (Channel::Sms, ["push", "email", "voice"])] {
        futures_util::future::join_all(troubles(channel).map(|(what, behaviour)| async move {
            let (world, crowd) = troubled(Channel::Voice, &Behaviour::Normal).await;
            world.miss(&crowd.members).await;
            world.expect_everywhere(&crowd).await;
            world.settle().await;
            world.forget();
            world.fakes.set(channel, None, behaviour);
            world.advance("10 minutes").await;
            others_came_at_once(&world, "still_open", channel, &others, what).await;
            world.stop_servers().await;
        }))
        .await;
    }
}

/// R7.3: Twilio knows no idempotency, so it is asked what it has before a message goes out again; and a message of the
/// same words about another Member is not taken for this one. The clock of a rehearsal is days ahead of Twilio's.
#[tokio::test]
async fn r7_3_an_sms_whose_end_is_unknown_is_looked_up_before_it_goes_out_again() {
    world(|world| async move {
        world.advance("3 days").await;
        let (member, contact) = pair(&world).await;
        let (other, friend) = pair(&world).await;
        world.connect(&other, &contact).await;
        world.fakes.set(Channel::Sms, Some(&contact.phone), Behaviour::RecordThenHang);
        world.fakes.set(Channel::Sms, Some(&friend.phone), Behaviour::CloseBeforeAnswer);
        world.miss(&[member.id]).await;
        let unknown = attempted(&world, &contact, "missed", "sms", 1).await;
        assert_eq!(
            (&unknown["state"], &unknown["may_have_arrived"], &unknown["results"]),
            (&json!("pending"), &json!(true), &json!(["unknown"]))
        );
        world.fakes.unset(Channel::Sms, Some(&contact.phone));
        wait_out(&world, &unknown).await;
        world.expect_on_all_channels(&contact, MISSED).await;
        world.settle().await;
        assert_eq!(delivery(&world, &contact, "missed", "sms").await["results"], json!(["unknown", "accepted"]));
        assert_eq!(world.count(Channel::Sms, &contact.phone, MISSED), 1);

        // The same words about another Member: not taken by Twilio, so they must go out.
        world.fakes.set(Channel::Sms, Some(&contact.phone), Behaviour::CloseBeforeAnswer);
        world.miss(&[other.id]).await;
        let unknown = attempted(&world, &friend, "missed", "sms", 1).await;
        let closed = |log: &[pruuf::dev::fakes::Received]| {
            log.iter().filter(|m| m.to == contact.phone && m.answered == Answered::Closed).count() == 1
        };
        assert!(world.fakes.wait_for(closed, crate::support::PATIENCE).await);
        world.settle().await;
        world.fakes.behave();
        wait_out(&world, &unknown).await;
        world.advance("5 seconds").await;
        world.expect_on_all_channels(&contact, MISSED).await;
        world.expect_on_all_channels(&friend, MISSED).await;
        world.settle().await;
        assert_eq!(world.count(Channel::Sms, &contact.phone, MISSED), 2);
        world
    })
    .await;
}

#[tokio::test]
async fn r7_1_attempts_are_only_added_and_a_state_only_moves_up() {
    world(|world| async move {
        let (member, contact) = pair(&world).await;
        world.fakes.set(Channel::Email, None, Behaviour::fail(451, "data"));
        world.miss(&[member.id]).await;
        world.expect_message(Channel::Push, &contact.push_token, MISSED).await;
        world.expect_message(Channel::Sms, &contact.phone, MISSED).await;
        attempted(&world, &contact, "missed", "email", 1).await;
        world.settle().await;

        let worker = world.db.session_as("pruuf_worker", None).await;
        for sql in ["update data.attempts set result = 'accepted'", "delete from data.attempts", "truncate data.attempts"] {
            let refused = worker.batch_execute(sql).await.unwrap_err();
            assert_eq!(refused.code(), Some(&SqlState::INSUFFICIENT_PRIVILEGE), "{sql}");
        }
        let pushed = delivery(&world, &contact, "missed", "push").await;
        let id: Uuid = pushed["id"].as_str().unwrap().parse().unwrap();
        for state in ["pending", "cancelled", "expired"] {
            let refused = worker.execute("update data.deliveries set state = $2 where id = $1", &[&id, &state]).await.unwrap_err();
            assert_eq!(refused.as_db_error().unwrap().message(), "delivery-only-moves-up", "{state}");
        }

        // The Member is back: what was not sent is cancelled; then the provider says that it was taken after all.
        resolve(&world, &member).await;
        world.expect_message(Channel::Push, &contact.push_token, "checked in").await;
        world.expect_message(Channel::Sms, &contact.phone, "checked in").await;
        world.settle().await;
        let mailed = delivery(&world, &contact, "missed", "email").await;
        assert_eq!((&mailed["state"], &mailed["results"]), (&json!("cancelled"), &json!(["transient"])));
        let finish = |id: &Value, attempt: i32, result: &str| json!([{"id": id, "attempt": attempt, "result": result, "took_ms": 1, "detail": if result == "accepted" { None } else { Some("late") }}]);
        let call = "select jobs.finish_deliveries($1)";
        worker.query_one(call, &[&finish(&mailed["id"], 1, "transient")]).await.unwrap();
        assert_eq!(delivery(&world, &contact, "missed", "email").await["state"], "cancelled");
        worker.query_one(call, &[&finish(&mailed["id"], 1, "accepted")]).await.unwrap();
        assert_eq!(delivery(&world, &contact, "missed", "email").await["state"], "accepted");
        // Never down again, whatever comes late and twice.
        worker.execute("update data.deliveries set state = 'delivered' where id = $1", &[&id]).await.unwrap();
        for result in ["accepted", "transient", "unknown", "permanent"] {
            worker.query_one(call, &[&finish(&pushed["id"], 1, result)]).await.unwrap();
            assert_eq!(delivery(&world, &contact, "missed", "push").await["state"], "delivered", "{result}");
        }
        world
    })
    .await;
}

#[tokio::test]
async fn r7_3_what_has_expired_is_not_sent() {
    world(|world| async move {
        let ben = world.person("Ben").await;
        for channel in [Channel::Push, Channel::Email, Channel::Sms] {
            world.fakes.set(channel, None, Behaviour::fail(503, "UNAVAILABLE"));
        }
        world.fakes.set(Channel::Email, None, Behaviour::fail(451, "data"));
        tell(&world, &ben, "reminder", json!({"phase": "at_time"}), Some("10 minutes")).await;
        attempted(&world, &ben, "reminder", "push", 1).await;
        let address = json!({"kind": "email", "value": "nobody@example.org"});
        world.post_as_nobody("/v1/auth/codes", json!({"address": address})).await.expect(200);
        let code = "select exists (select from data.attempts t join data.deliveries d on d.id = t.delivery_id join data.notifications n on n.id = d.notification_id where n.kind = 'one_time_code')";
        world.eventually("the code is tried", code, &[]).await;
        world.settle().await;
        world.fakes.behave();
        // From here on they would arrive. Quietly, so that nothing is tried before the time is over.
        world.advance("11 minutes").await;
        world.eventually("both have expired", "select count(*) = 2 from data.deliveries where state = 'expired'", &[]).await;
        world.settle().await;
        assert!(world.unexpected().is_empty());
        world
    })
    .await;
}

/// R7.1: a provider's yes is "accepted" and never more.
#[tokio::test]
async fn r7_1_what_a_provider_took_and_dropped_is_not_called_delivered() {
    world(|world| async move {
        let (member, contact) = pair(&world).await;
        for channel in [Channel::Push, Channel::Email, Channel::Sms] {
            world.fakes.set(channel, None, Behaviour::AcceptAndDrop);
        }
        world.miss(&[member.id]).await;
        for channel in ["push", "email", "sms"] {
            let taken = attempted(&world, &contact, "missed", channel, 1).await;
            assert_eq!((&taken["state"], &taken["results"]), (&json!("accepted"), &json!(["accepted"])));
        }
        world
    })
    .await;
}

/// R7.3: over the alert's whole life, however long a provider is dead; then it ends with the alert.
#[tokio::test]
async fn r7_3_a_first_notice_is_tried_for_as_long_as_the_alert_lives() {
    world(|world| async move {
        let (member, contact) = pair(&world).await;
        world.fakes.set(Channel::Sms, None, Behaviour::fail(503, ""));
        world.fakes.set(Channel::Push, None, Behaviour::fail(503, "UNAVAILABLE"));
        world
            .db
            .admin
            .execute("update data.schedules set superseded_at = rules.clock() where member_id = $1", &[&member.id])
            .await
            .unwrap();
        world.miss(&[member.id]).await;
        world.hold_rounds().await;
        for number in 1..=30 {
            let tried = attempted(&world, &contact, "missed", "sms", number).await;
            assert_eq!(tried["state"], "pending");
            assert!(tried["pause"].as_f64().unwrap() <= 450.0, "{tried:#}");
            world.advance("12 hours").await;
        }
        attempted(&world, &contact, "missed", "sms", 31).await;
        // Years of it.
        world
            .db
            .admin
            .batch_execute("update data.deliveries set attempts = 32767 where state = 'pending'")
            .await
            .unwrap();
        world.advance("1 hour").await;
        let tried = attempted(&world, &contact, "missed", "sms", 32).await;
        assert_eq!((&tried["state"], &tried["attempts"]), (&json!("pending"), &json!(32767)));
        world.fakes.unset(Channel::Sms, None);
        world.advance("1 hour").await;
        world.expect_message(Channel::Email, &contact.email, MISSED).await;
        world.expect_message(Channel::Sms, &contact.phone, MISSED).await;

        let token = world.tokens.sign(member.id, session_of(&world, &member).await).unwrap();
        resolve(&world, &Person { token, ..member.clone() }).await;
        for (channel, to) in [(Channel::Email, &contact.email), (Channel::Sms, &contact.phone)] {
            world.expect_message(channel, to, "checked in").await;
        }
        world.fakes.behave();
        world.advance("1 hour").await;
        assert_eq!(delivery(&world, &contact, "missed", "push").await["state"], "cancelled");
        world
    })
    .await;
}

async fn session_of(world: &World, who: &Person) -> Uuid {
    world.db.admin.query_one("select id from data.sessions where user_id = $1", &[&who.id]).await.unwrap().get(0)
}

/// R9.5: an account that is erased while a message to it is in hand, and a provider's code that cannot be stored, hold
/// up no other's result.
#[tokio::test]
async fn r9_5_a_result_that_cannot_be_written_holds_up_no_other() {
    world(|world| async move {
        let (member, contact) = pair(&world).await;
        let erased = world.person("Gone").await;
        world.connect(&member, &erased).await;
        world.fakes.set(Channel::Sms, None, Behaviour::Stall(Duration::from_millis(1500)));
        world.miss(&[member.id]).await;
        let in_hand = "select count(*) filter (where channel = 'sms' and state = 'sending') = 2 and count(*) filter (where state = 'accepted') = 4 from data.deliveries";
        world.eventually("both are in hand, and the rest is out", in_hand, &[]).await;
        // A lane that writes at the same moment may make it a deadlock, of which one side is told to come again.
        let erase = "with messages as (delete from data.notifications where user_id = $1) delete from data.users where id = $1";
        while world.db.admin.execute(erase, &[&erased.id]).await.is_err() {}
        world.fakes.unset(Channel::Sms, None);
        attempted(&world, &contact, "missed", "sms", 1).await;
        world.expect_on_all_channels(&contact, MISSED).await;
        for (channel, to) in erased.places() {
            world.expect_message(channel, &to, MISSED).await;
        }

        let worker = world.db.session_as("pruuf_worker", None).await;
        let pushed = delivery(&world, &contact, "missed", "push").await;
        let odd = json!([{"id": pushed["id"], "attempt": 1, "result": "permanent", "detail": "no such address: ben@example.org"}]);
        worker.query_one("select jobs.finish_deliveries($1)", &[&odd]).await.unwrap();
        assert_eq!(delivery(&world, &contact, "missed", "push").await["detail"], "not-a-code");
        world
    })
    .await;
}
