//! Whom no channel reaches, and what is done about it (R7.3): the next channel at once, and "we could not reach Anna".

use std::time::{Duration, Instant};

use pruuf::dev::fakes::callbacks;
use pruuf::dev::fakes::{Behaviour, Channel};
use serde_json::{Value, json};

use crate::support::{Person, World, world};

const MISSED: &str = "did not check in";
const UNREACHED: &str = "could not reach Anna";
/// R7.3: the next channel or provider starts within so long.
const NEXT_CHANNEL: Duration = Duration::from_secs(5);

/// A Member with two Contacts, of whom the first one is to be unreachable.
async fn three(world: &World) -> (Person, Person, Person) {
    let (member, anna, ben) = (world.person("Aroha").await, world.person("Anna").await, world.person("Ben").await);
    for contact in [&anna, &ben] {
        world.connect(&member, contact).await;
    }
    world.give_schedules(&[member.id]).await;
    (member, anna, ben)
}

/// Every channel of a person refuses for good.
fn kill(world: &World, who: &Person) {
    world.fakes.set(Channel::Push, Some(&who.push_token), Behaviour::fail(404, "UNREGISTERED"));
    world.fakes.set(Channel::Email, Some(&who.email), Behaviour::fail(550, "rcpt"));
    world.fakes.set(Channel::Sms, Some(&who.phone), Behaviour::fail(400, "21610"));
}

async fn unreached(world: &World) -> i64 {
    world.number("select count(*) from data.notifications where kind = 'unreachable'", &[]).await
}

/// Waits until all alerts have been looked at since now.
async fn looked(world: &World) {
    world
        .db
        .admin
        .batch_execute("update data.alerts set reach_check_at = '-infinity' where state <> 'resolved'")
        .await
        .unwrap();
    let all = "select not exists (select from data.alerts where state <> 'resolved' and reach_check_at = '-infinity')";
    world.eventually("it is looked whether Contacts are reached", all, &[]).await;
}

#[tokio::test]
async fn r7_3_when_no_channel_of_a_contact_works_the_others_are_told_once() {
    world(|world| async move {
        let (member, anna, ben) = three(&world).await;
        kill(&world, &anna);
        world.miss(&[member.id]).await;
        world.expect_on_all_channels(&ben, MISSED).await;
        world.expect_on_all_channels(&ben, UNREACHED).await;
        for _ in 0..3 {
            looked(&world).await;
        }
        assert_eq!(unreached(&world).await, 1, "once, and neither to Anna nor to the Member");
        let trail = world.admin_json("select details from audit.events where action = 'alert.contact_unreached'").await;
        assert_eq!(trail, json!([{"details": {"contact": anna.id, "told": [ben.id]}}]));
        let sql = "select facts from data.notifications where kind = 'unreachable'";
        assert_eq!(world.row(sql, &[]).await["facts"]["unreached"]["name"], "Anna");
        // It is over for those who had heard of it.
        world.fakes.behave();
        world.post(&member, "/v1/me/check-ins", json!({})).await.expect(201);
        world.expect_on_all_channels(&ben, "checked in").await;
        world
    })
    .await;
}

/// R7.3: what a provider took and a receipt takes back is no reaching; while one channel may have arrived, nobody is told.
#[tokio::test]
async fn r7_3_a_contact_is_unreached_when_the_last_receipt_has_failed() {
    world(|world| async move {
        let (member, anna, ben) = three(&world).await;
        world.fakes.set(Channel::Push, Some(&anna.push_token), Behaviour::fail(404, "UNREGISTERED"));
        world.fakes.set(Channel::Email, Some(&anna.email), Behaviour::fail(550, "rcpt"));
        world.miss(&[member.id]).await;
        world.expect_on_all_channels(&ben, MISSED).await;
        world.expect_message(Channel::Sms, &anna.phone, MISSED).await;
        world.settle().await;
        looked(&world).await;
        assert_eq!(unreached(&world).await, 0, "the SMS was taken");
        let sms = world
            .row("select d.id, d.provider_message_id as sid from data.deliveries d join data.notifications n on n.id = d.notification_id where n.user_id = $1 and d.channel = 'sms'", &[&anna.id])
            .await;
        let text = |name: &str| sms[name].as_str().unwrap().to_owned();
        let undelivered = callbacks::twilio_status("http://127.0.0.1", &text("id"), &text("sid"), "undelivered", Some("30007"));
        assert_eq!(undelivered.send(&world.http, &world.url("")).await.unwrap(), 204);
        world.expect_on_all_channels(&ben, UNREACHED).await;
        world
    })
    .await;
}

#[tokio::test]
async fn r7_3_providers_that_fail_for_two_minutes_do_not_reach_either() {
    world(|world| async move {
        let (member, anna, ben) = three(&world).await;
        world.fakes.set(Channel::Push, Some(&anna.push_token), Behaviour::fail(503, "UNAVAILABLE"));
        world.fakes.set(Channel::Email, Some(&anna.email), Behaviour::fail(451, "data"));
        world.fakes.set(Channel::Sms, Some(&anna.phone), Behaviour::fail(503, "20503"));
        world.miss(&[member.id]).await;
        world.expect_on_all_channels(&ben, MISSED).await;
        looked(&world).await;
        world.advance("100 seconds").await;
        looked(&world).await;
        assert_eq!(unreached(&world).await, 0, "they may come back");
        world.advance("25 seconds").await;
        world.expect_on_all_channels(&ben, UNREACHED).await;
        // They come back: the alarm arrives still.
        world.fakes.behave();
        world.advance("100 seconds").await;
        world.expect_on_all_channels(&anna, MISSED).await;
        looked(&world).await;
        assert_eq!(unreached(&world).await, 1);
        world
    })
    .await;
}

/// R7.3, R3.5: where nobody who has the alert is reached, those are told who do not have it yet; without anybody, the trail says so.
#[tokio::test]
async fn r7_3_when_no_primary_contact_is_reached_the_backups_are_told() {
    world(|world| async move {
        let (member, anna, ben) = three(&world).await;
        let lonely = world.person("Lee").await;
        let other = world.person("Anna").await;
        world.connect(&lonely, &other).await;
        world.give_schedules(&[lonely.id]).await;
        world.db.admin.execute("update data.connections set tier = 'backup' where contact_id = $1", &[&ben.id]).await.unwrap();
        // Nothing to send to at all.
        for table in ["addresses", "devices"] {
            world.db.admin.execute(&format!("delete from data.{table} where user_id = any ($1)"), &[&vec![anna.id, other.id]]).await.unwrap();
        }
        world.expect_on_all_channels(&lonely, "might reach nobody").await;
        world.miss(&[member.id, lonely.id]).await;
        world.eventually("the alerts are there", "select count(*) = 2 from data.alerts", &[]).await;
        let early = "select count(*) from data.notifications where kind = 'missed' and user_id = $1";
        assert_eq!(world.number(early, &[&ben.id]).await, 0, "a backup is told when the alert escalates");
        world.expect_on_all_channels(&ben, UNREACHED).await;
        let nobody = "select exists (select from audit.events where action = 'alert.contact_unreached' and subject_user_id = $1 and details -> 'told' = '[]')";
        world.eventually("the trail says that an alert reaches nobody", nobody, &[&lonely.id]).await;
        world
    })
    .await;
}

async fn tell(world: &World, who: &Person, kind: &str) {
    let facts = json!({"other": {"name": "Zed"}, "becomes": "contact"});
    world
        .db
        .admin
        .execute(
            "insert into data.notifications (user_id, kind, cause, facts, created_at) values ($1, $2, gen_random_uuid()::text, $3, rules.clock())",
            &[&who.id, &kind, &facts],
        )
        .await
        .unwrap();
}

#[tokio::test]
async fn r7_3_after_a_failure_for_good_the_next_channel_starts_within_five_seconds() {
    world(|world| async move {
        let ben = world.person("Ben").await;
        // High: push, then what stood by, then what is left.
        world.fakes.set(Channel::Push, Some(&ben.push_token), Behaviour::fail(400, "INVALID_ARGUMENT"));
        tell(&world, &ben, "connected").await;
        world.expect_message(Channel::Email, &ben.email, "Zed").await;
        world.settle().await;
        assert_eq!(world.count(Channel::Sms, &ben.phone, "Zed"), 0, "the e-mail may arrive");
        let row: Value = world.row("select id, 'mail-1' as named from data.deliveries where channel = 'email'", &[]).await;
        world.db.admin.batch_execute("update data.deliveries set provider_message_id = 'mail-1' where channel = 'email'").await.unwrap();
        let bounce = callbacks::postmark("mail-1", row["id"].as_str().unwrap(), json!({"RecordType": "Bounce", "ID": 1, "Type": "Blocked"}));
        let began = Instant::now();
        assert_eq!(bounce.send(&world.http, &world.url("")).await.unwrap(), 204);
        world.expect_message(Channel::Sms, &ben.phone, "Zed").await;
        assert!(began.elapsed() < NEXT_CHANNEL, "{:?}", began.elapsed());

        // Normal: push, or SMS for a user whose push is dead.
        let eve = world.person("Eve").await;
        world.fakes.set(Channel::Push, Some(&eve.push_token), Behaviour::fail(404, "UNREGISTERED"));
        world.fakes.set(Channel::Sms, Some(&eve.phone), Behaviour::fail(400, "21211"));
        let began = Instant::now();
        tell(&world, &eve, "reminder").await;
        world.expect_message(Channel::Email, &eve.email, "").await;
        assert!(began.elapsed() < NEXT_CHANNEL, "{:?}", began.elapsed());
        // There is no further place, and none twice.
        world.settle().await;
        let tried = "select count(*) from data.deliveries d join data.notifications n on n.id = d.notification_id where n.user_id = $1";
        assert_eq!(world.number(tried, &[&eve.id]).await, 3);
        world
    })
    .await;
}
