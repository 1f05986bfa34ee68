//! Several providers of one channel (R7.3), and what a provider in trouble does to the others (R7.4).

use std::num::NonZeroU32;
use std::time::Duration;

use pruuf::config::{BreakerConfig, Config, Postmark, SendGrid};
use pruuf::dev::fakes::{Behaviour, Channel, Provider};
use pruuf::server::Server;
use serde_json::{Value, json};

use crate::support::{PATIENCE, Person, World};

const MISSED: &str = "did not check in";

/// A world whose server has all three ways of e-mail.
async fn world_with_three() -> World {
    let mut world = World::without_server().await;
    let server = Server::start(three(&world)).await.unwrap();
    world.servers.push(server);
    world
}

fn three(world: &World) -> Config {
    let from = "Pruuf <hello@pruuf.example>".to_owned();
    Config {
        postmark: Some(Postmark { url: world.fakes.postmark_url(), token: "token".into(), from: from.clone() }),
        sendgrid: Some(SendGrid { url: world.fakes.sendgrid_url(), key: "key".into(), from }),
        ..world.config()
    }
}

/// A Member and a Contact of theirs, who has only an e-mail address.
async fn pair(world: &World) -> (Person, Person) {
    let member = world.person("Aroha").await;
    let contact = world.person("Ben").await;
    world.connect(&member, &contact).await;
    world.give_schedules(&[member.id]).await;
    (member, contact)
}

/// What became of the e-mail of a Contact's alarm.
async fn mailed(world: &World, contact: &Person) -> Value {
    let of_contact = "data.deliveries d join data.notifications n on n.id = d.notification_id
                       where n.user_id = $1 and n.kind = 'missed' and d.channel = 'email'";
    let is_tried = format!("select count(*) = 1 from {of_contact} and d.attempts > 0 and d.state <> 'sending'");
    world.eventually("it is tried", &is_tried, &[&contact.id]).await;
    let row = format!(
        "select d.state, d.provider, d.provider_message_id, d.failure, d.attempts, d.may_have_arrived,
                extract(epoch from d.next_attempt_at - rules.clock()) as due_in,
                (select off_reason from data.addresses a where a.id = d.address_id),
                (select jsonb_agg(concat_ws(' ', t.provider, t.result, t.detail) order by t.id) from data.attempts t where t.delivery_id = d.id) as tries
           from {of_contact}"
    );
    world.row(&row, &[&contact.id]).await
}

/// R7.1, R7.3: the database knows who took it and under which name, and what the others said.
#[tokio::test]
async fn r7_3_a_provider_that_fails_or_stalls_hands_over_to_the_next_at_once() {
    let busy =
        Behaviour::Fail { status: 429, code: "429".to_owned(), times: None, retry_after: Some("600".to_owned()) };
    let cases = [
        (Behaviour::fail(401, "10"), "transient postmark:10", false),
        (busy, "transient postmark:429", false),
        (Behaviour::fail(422, "300"), "permanent postmark:300", false),
        (Behaviour::CloseBeforeAnswer, "unknown connection-broken", false),
        (Behaviour::Stall(Duration::from_secs(60)), "unknown timeout", true),
    ];
    futures_util::future::join_all(cases.map(|(behaviour, said, takes_long)| async move {
        let world = world_with_three().await;
        let (member, contact) = pair(&world).await;
        world.fakes.set_provider(Provider::Postmark, behaviour);
        world.miss(&[member.id]).await;
        let received = world.expect_message(Channel::Email, &contact.email, MISSED).await;
        assert_eq!(received.provider, Provider::SendGrid);
        let delivery = mailed(&world, &contact).await;
        assert_eq!((&delivery["state"], &delivery["provider"]), (&json!("accepted"), &json!("sendgrid")));
        assert_eq!(delivery["provider_message_id"], received.raw["id"]);
        assert_eq!(delivery["tries"], json!([format!("postmark {said}"), "sendgrid accepted"]));
        if takes_long {
            let took = "select max(took_ms)::bigint from data.attempts where result = 'unknown'";
            let took = world.number(took, &[]).await;
            assert!((3900..5000).contains(&took), "{took}");
        }
        world.stop_servers().await;
    }))
    .await;
}

/// R7.1: what Postmark took and no webhook told of is asked for, and acted on as if it had been told; what another provider
/// took after it is not.
#[tokio::test]
async fn r7_1_postmark_is_asked_what_no_webhook_told() {
    let cases = [
        ("Delivered", "delivered", None, None),
        ("HardBounce", "failed", Some("postmark:HardBounce"), Some("bounced")),
        ("Blocked", "failed", Some("postmark:Blocked"), None),
        ("Transient", "accepted", None, None),
        ("Queued", "accepted", None, None),
    ];
    futures_util::future::join_all(cases.map(|(fate, state, failure, off)| async move {
        let world = world_with_three().await;
        world.db.admin.batch_execute("update data.policies set value = 2 where key = 'poll_after'").await.unwrap();
        let (member, contact) = pair(&world).await;
        world.miss(&[member.id]).await;
        let received = world.expect_message(Channel::Email, &contact.email, MISSED).await;
        assert_eq!(received.provider, Provider::Postmark);
        assert_eq!(mailed(&world, &contact).await["state"], "accepted");
        world.fakes.set_fate(received.raw["id"].as_str().unwrap(), fate, None);
        world.advance("121 seconds").await;
        let asked = "select count(*) = 1 from data.receipts where is_from_poll and provider = 'postmark'";
        world.eventually("it is asked for", asked, &[]).await;
        let delivery = mailed(&world, &contact).await;
        assert_eq!(
            (&delivery["state"], delivery["failure"].as_str(), delivery["off_reason"].as_str()),
            (&json!(state), failure, off),
            "{fate}"
        );
        let kept = world.admin_json("select * from data.receipts").await.to_string();
        assert!(!kept.contains("anna"), "{kept}");
        world.stop_servers().await;
    }))
    .await;

    // Nobody can ask SendGrid, and Postmark does not know its messages. What Postmark itself does not know is not lost.
    let world = world_with_three().await;
    let (member, contact) = pair(&world).await;
    world.fakes.set_provider(Provider::Postmark, Behaviour::fail(503, ""));
    world.miss(&[member.id]).await;
    world.expect_message(Channel::Email, &contact.email, MISSED).await;
    world.settle().await;
    let is_asked = "select count(*) from data.deliveries where channel = 'email' and poll_at is not null";
    assert_eq!(world.number(is_asked, &[]).await, 0);
    let unknown = "update data.deliveries set provider = 'postmark', provider_message_id = 'nobody-knows', poll_at = rules.clock() where channel = 'email'";
    world.db.admin.batch_execute(unknown).await.unwrap();
    let is_tried = "select poll_at > rules.clock() from data.deliveries where channel = 'email'";
    world.eventually("it is asked for", is_tried, &[]).await;
    assert_eq!(mailed(&world, &contact).await["state"], "accepted");
    assert_eq!(world.count(Channel::Email, &contact.email, MISSED), 1);
    world.stop_servers().await;
}

/// R7.3, R7.6: an address that is dead is dead for all of them.
#[tokio::test]
async fn r7_3_a_dead_address_is_not_tried_by_the_next_provider() {
    let world = world_with_three().await;
    let (member, contact) = pair(&world).await;
    world.fakes.set_provider(Provider::Postmark, Behaviour::fail(422, "406"));
    world.miss(&[member.id]).await;
    let delivery = mailed(&world, &contact).await;
    assert_eq!((&delivery["state"], &delivery["failure"]), (&json!("failed"), &json!("postmark:406")));
    assert_eq!(
        (&delivery["off_reason"], &delivery["tries"]),
        (&json!("bounced"), &json!(["postmark permanent postmark:406"]))
    );
    assert_eq!(world.fakes.count(Channel::Email), 0);
    world.stop_servers().await;
}

/// R7.3: as long as one of them may yet take it, it is tried again, when the first one may be asked.
#[tokio::test]
async fn r7_3_all_providers_are_tried_again_until_one_takes_it() {
    let world = world_with_three().await;
    let (member, contact) = pair(&world).await;
    world.fakes.set_provider(Provider::Postmark, Behaviour::RecordThenHang);
    world.fakes.set_provider(Provider::SendGrid, Behaviour::fail_times(413, "", 1));
    let busy = Behaviour::Fail { status: 421, code: "connect".to_owned(), times: Some(1), retry_after: None };
    world.fakes.set_provider(Provider::Smtp, busy);
    world.miss(&[member.id]).await;
    let delivery = mailed(&world, &contact).await;
    assert_eq!((&delivery["state"], &delivery["attempts"]), (&json!("pending"), &json!(1)), "{delivery:#}");
    assert_eq!(delivery["may_have_arrived"], true, "Postmark may have it");
    let tries = ["postmark unknown timeout", "sendgrid permanent sendgrid:413", "smtp transient smtp:421"];
    assert_eq!(delivery["tries"], json!(tries));
    let due_in = delivery["due_in"].as_f64().unwrap();
    assert!(due_in < 4.0, "{due_in}");
    world.fakes.set_provider(Provider::Postmark, Behaviour::fail(503, ""));
    world.advance("4 seconds").await;
    let at_sendgrid = |log: &[pruuf::dev::fakes::Received]| {
        log.iter().any(|message| message.provider == Provider::SendGrid && message.has_arrived())
    };
    assert!(world.fakes.wait_for(at_sendgrid, PATIENCE).await);
    world.settle().await;
    assert_eq!(mailed(&world, &contact).await["provider"], "sendgrid");
    world.stop_servers().await;
}

/// R7.4, R7.3: a provider that fails is left alone, so that it delays neither the failover nor, when it is back, anybody.
#[tokio::test]
async fn r7_4_a_provider_in_trouble_is_left_alone_and_the_next_one_carries_everything() {
    let busy =
        Behaviour::Fail { status: 429, code: "429".to_owned(), times: None, retry_after: Some("600".to_owned()) };
    let cases = [Behaviour::fail(503, ""), busy, Behaviour::Stall(Duration::from_secs(600))];
    futures_util::future::join_all(cases.map(|behaviour| async move {
        let mut world = World::without_server().await;
        // As long as in production: while it lasts the provider must hear nearly nothing.
        let server = Server::start(Config { breaker: BreakerConfig::default(), ..three(&world) }).await.unwrap();
        world.servers.push(server);
        let crowd = world.crowd(60, 3).await;
        world.fakes.set_provider(Provider::Postmark, behaviour.clone());
        world.miss(&crowd.members).await;
        for channel in [Channel::Push, Channel::Email, Channel::Sms] {
            assert!(world.fakes.wait_for_count(channel, 180, PATIENCE).await, "{behaviour:?} {channel:?}");
        }
        let log = world.fakes.received();
        let asked = log.iter().filter(|message| message.provider == Provider::Postmark).count();
        // What was in hand when it began to fail, and a try now and then.
        assert!(asked < 80, "{behaviour:?}: asked {asked} times");
        assert!(log.iter().filter(|message| message.provider == Provider::SendGrid).count() >= 180);
        world.stop_servers().await;
    }))
    .await;
}

/// R7.3: the only provider of a channel is tried again soon after it is back, and nothing is lost meanwhile.
#[tokio::test]
async fn r7_3_what_waits_for_the_only_provider_goes_out_when_it_is_back() {
    let mut world = World::without_server().await;
    world.start_server().await;
    let crowd = world.crowd(60, 3).await;
    world.fakes.set(Channel::Sms, None, Behaviour::fail(503, "20503"));
    world.miss(&crowd.members).await;
    for channel in [Channel::Push, Channel::Email] {
        assert!(world.fakes.wait_for_count(channel, 180, PATIENCE).await, "{channel:?}");
    }
    // What the breaker kept back was not tried, and so need not wait for another try.
    let untried =
        "select exists (select from data.deliveries where channel = 'sms' and state = 'pending' and attempts = 0)";
    world.eventually("most are kept back", untried, &[]).await;
    world.fakes.behave();
    world.advance("2 minutes").await;
    assert!(world.fakes.wait_for_count(Channel::Sms, 180, PATIENCE).await);
    world.stop_servers().await;
}

/// R7.4: what is over a provider's pace waits in the database, where what is more urgent overtakes it.
#[tokio::test]
async fn r7_4_a_slow_number_sends_the_urgent_first_and_slows_no_other_channel() {
    let mut world = World::without_server().await;
    let slow = [("twilio-sms".to_owned(), NonZeroU32::new(4).unwrap())].into();
    let server = Server::start(Config { provider_rates: slow, ..world.config() }).await.unwrap();
    world.servers.push(server);
    let crowd = world.crowd(20, 3).await;
    let tell = "insert into data.notifications (user_id, kind, cause, facts, created_at)
                select u.id, $1, u.id::text, '{\"phase\": \"at_time\"}', rules.clock() from data.users u join data.connections c on c.contact_id = u.id";
    let by_sms = "delete from data.devices";
    world.db.admin.batch_execute(by_sms).await.unwrap();
    world.db.admin.execute(tell, &[&"reminder"]).await.unwrap();
    assert!(world.fakes.wait_for_count(Channel::Sms, 4, PATIENCE).await);
    world.miss(&crowd.members).await;
    assert!(world.fakes.wait_for_count(Channel::Email, 60, PATIENCE).await, "e-mail has a lane of its own");
    let sms = |log: &[pruuf::dev::fakes::Received], words: &str| {
        log.iter().filter(|message| message.channel == Channel::Sms && message.text.contains(words)).count()
    };
    assert!(world.fakes.wait_for(|log| sms(log, MISSED) >= 8, PATIENCE).await);
    let log = world.fakes.received();
    let reminders = sms(&log, "not heard from you");
    assert!(reminders < 40, "{reminders} reminders before 8 alarms");
    assert!(sms(&log, MISSED) < 30, "it is slow");
    world.stop_servers().await;
}
