//! What two people do at the same moment (R6.1, R6.4, R6.5): one transaction is held open while the other runs.

use pruuf::dev::fakes::Channel;
use serde_json::{Value, json};
use tokio_postgres::Client;
use uuid::Uuid;

use crate::connections::invite;
use crate::support::{Person, World};

/// A session of somebody, with a transaction in which this was called and which is still open.
async fn holding(world: &World, who: &Person, call: &str) -> Client {
    let session = world.db.session_as("pruuf_user", Some(who.id)).await;
    session.batch_execute("begin").await.unwrap();
    session.query_one(&format!("select {call}"), &[]).await.unwrap();
    session
}

/// Calls it in a session of its own, in the background; gives the error's message, if any.
fn meanwhile(
    world: &World,
    role: &'static str,
    who: Option<Uuid>,
    call: String,
) -> tokio::task::JoinHandle<Option<String>> {
    let url = world.db.server_url();
    tokio::spawn(async move {
        let session = crate::support::database::connect(&url).await;
        let become_somebody = "select set_config('role', $1, false), set_config('pruuf.user_id', $2, false)";
        session.query_one(become_somebody, &[&role, &who.map(|id| id.to_string()).unwrap_or_default()]).await.unwrap();
        let done = session.query_one(&format!("select {call}"), &[]).await;
        done.err().map(|error| error.as_db_error().unwrap().message().to_owned())
    })
}

/// Waits until a session waits for a lock.
async fn somebody_waits(world: &World) {
    let waits =
        "select exists (select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock')";
    world.eventually("somebody waits", waits, &[]).await;
}

/// Aroha, whom Ben and Chloe watch, and who calls for help; no server runs.
async fn calling() -> (World, Person, Person, Person, String) {
    let world = World::without_server().await;
    let (aroha, ben, chloe) = (world.person("Aroha").await, world.person("Ben").await, world.person("Chloe").await);
    world.connect(&aroha, &ben).await;
    world.connect(&aroha, &chloe).await;
    let alert = help(&world, &aroha).await;
    (world, aroha, ben, chloe, alert)
}

async fn help(world: &World, who: &Person) -> String {
    let session = world.db.session_as("pruuf_user", Some(who.id)).await;
    let alert: Value = session.query_one("select api.request_help()", &[]).await.unwrap().get(0);
    alert["id"].as_str().unwrap().to_owned()
}

async fn alert(world: &World) -> Value {
    world.row("select state, acknowledged_by from data.alerts order by id desc limit 1", &[]).await
}

#[tokio::test]
async fn r6_4_an_alert_is_never_left_with_somebody_who_is_just_leaving() {
    for removes in [true, false] {
        // Acknowledged first: the end of the connection waits, and releases it.
        let (world, aroha, ben, _, id) = calling().await;
        let end =
            if removes { format!("api.remove_contact('{}')", ben.id) } else { format!("api.block_user('{}')", ben.id) };
        let acknowledge = format!("api.acknowledge_alert('{id}', null)");
        let session = holding(&world, &ben, &acknowledge).await;
        let ended = meanwhile(&world, "pruuf_user", Some(aroha.id), end.clone());
        somebody_waits(&world).await;
        session.batch_execute("commit").await.unwrap();
        assert_eq!(ended.await.unwrap(), None);
        assert_eq!(alert(&world).await, json!({"state": "open", "acknowledged_by": null}), "{removes}");
        world.stop_servers().await;

        // The end first: then nobody is there to have it.
        let (world, aroha, ben, _, id) = calling().await;
        let end =
            if removes { format!("api.remove_contact('{}')", ben.id) } else { format!("api.block_user('{}')", ben.id) };
        let session = holding(&world, &aroha, &end).await;
        let acknowledge = meanwhile(&world, "pruuf_user", Some(ben.id), format!("api.acknowledge_alert('{id}', null)"));
        somebody_waits(&world).await;
        session.batch_execute("commit").await.unwrap();
        assert_eq!(acknowledge.await.unwrap().as_deref(), Some("not-found"));
        assert_eq!(alert(&world).await["state"], "open");
        world.stop_servers().await;
    }
}

/// Dora accepts an invitation to watch Aroha, and has not committed yet.
async fn accepting(world: &mut World, aroha: &Person) -> (Person, Client) {
    world.start_server().await;
    let dora = world.person("Dora").await;
    invite(world, aroha, &dora, "contact").await;
    world.stop_all().await;
    let hash = world.row("select encode(code_hash, 'hex') as hash from data.invitations", &[]).await;
    let call = format!("api.accept_invitation('\\x{}')", hash["hash"].as_str().unwrap());
    let session = holding(world, &dora, &call).await;
    (dora, session)
}

async fn told(world: &World, who: &Person, kind: &str) -> i64 {
    world.number("select count(*) from data.notifications where user_id = $1 and kind = $2", &[&who.id, &kind]).await
}

#[tokio::test]
async fn r3_5_whoever_becomes_primary_in_the_moment_of_an_alert_is_told_of_it() {
    let world = World::without_server().await;
    let (aroha, ben, chloe) = (world.person("Aroha").await, world.person("Ben").await, world.person("Chloe").await);
    world.connect(&aroha, &ben).await;
    world.connect(&aroha, &chloe).await;
    world.set_at(&aroha, "2027-02-28T12:00:00Z", "09:00", "Pacific/Auckland", "1,2,3,4,5,6,7", 10).await;
    let change = |who: &Person, tier: &str| format!("api.update_contact('{}', '{tier}')", who.id);
    world.exactly("2027-02-28T12:01:00Z", "pruuf_user", Some(aroha.id), &change(&chloe, "backup")).await.unwrap();
    world.travel_to("2027-02-28T20:10:00Z").await;
    // The alert tells whom it finds, Ben; meanwhile Chloe becomes primary, and cannot see the alert yet.
    let raising = world.db.session_as("pruuf_worker", None).await;
    raising.batch_execute("begin; select jobs.tick()").await.unwrap();
    let changing = holding(&world, &aroha, &change(&chloe, "primary")).await;
    changing.batch_execute("commit").await.unwrap();
    // The job does not wait for what the other has locked: it comes back to it.
    let look = world.db.session_as("pruuf_worker", None).await;
    look.batch_execute("select jobs.follow_coverage()").await.unwrap();
    assert_eq!(told(&world, &chloe, "missed").await, 0);
    raising.batch_execute("commit").await.unwrap();
    world.db.admin.batch_execute("select meta.advance_clock('1 second')").await.unwrap();
    look.batch_execute("select jobs.follow_coverage()").await.unwrap();
    assert_eq!((told(&world, &ben, "missed").await, told(&world, &chloe, "missed").await), (1, 1));

    // The other way round: she becomes primary before anything is due, and the alert is raised before that is committed.
    world.tap(&aroha, "2027-02-28T21:00:00Z").await;
    world.exactly("2027-02-28T21:01:00Z", "pruuf_user", Some(aroha.id), &change(&chloe, "backup")).await.unwrap();
    let changing = holding(&world, &aroha, &change(&chloe, "primary")).await;
    assert_eq!(world.tick("2027-03-01T20:10:00Z").await["missed"], 1);
    changing.batch_execute("commit").await.unwrap();
    assert_eq!((told(&world, &ben, "missed").await, told(&world, &chloe, "missed").await), (2, 1));
    let look = world.db.session_as("pruuf_worker", None).await;
    for _ in 0..2 {
        look.batch_execute("select jobs.follow_coverage()").await.unwrap();
        assert_eq!((told(&world, &ben, "missed").await, told(&world, &chloe, "missed").await), (2, 2));
    }
    world.stop_servers().await;
}

#[tokio::test]
async fn r6_1_whoever_becomes_a_contact_in_the_moment_of_an_alert_is_told_of_it() {
    // A call for help waits for the acceptance, and tells the new one with the others.
    let mut world = World::without_server().await;
    let aroha = world.person("Aroha").await;
    let (dora, session) = accepting(&mut world, &aroha).await;
    let called = meanwhile(&world, "pruuf_user", Some(aroha.id), "api.request_help()".to_owned());
    somebody_waits(&world).await;
    session.batch_execute("commit").await.unwrap();
    assert_eq!(called.await.unwrap(), None);
    assert_eq!(told(&world, &dora, "help").await, 1);
    world.stop_servers().await;

    // A deadline does not wait: it is looked at again in a moment.
    let mut world = World::without_server().await;
    let aroha = world.person("Aroha").await;
    world.give_schedules(&[aroha.id]).await;
    let (dora, session) = accepting(&mut world, &aroha).await;
    let worker = world.db.session_as("pruuf_worker", None).await;
    world.db.admin.batch_execute("select meta.advance_clock('2 days')").await.unwrap();
    let tick: Value = worker.query_one("select jobs.tick()", &[]).await.unwrap().get(0);
    assert_eq!(tick["missed"], 0);
    session.batch_execute("commit").await.unwrap();
    let tick: Value = worker.query_one("select jobs.tick()", &[]).await.unwrap().get(0);
    assert_eq!(tick["missed"], 1);
    assert_eq!(told(&world, &dora, "missed").await, 1);
    world.stop_servers().await;
}

#[tokio::test]
async fn r6_5_whoever_becomes_a_contact_in_the_moment_of_the_end_hears_both_or_nothing() {
    let mut world = World::without_server().await;
    let aroha = world.person("Aroha").await;
    let id = help(&world, &aroha).await;
    let (dora, session) = accepting(&mut world, &aroha).await;
    let cancelled = meanwhile(&world, "pruuf_user", Some(aroha.id), format!("api.cancel_alert('{id}')"));
    somebody_waits(&world).await;
    session.batch_execute("commit").await.unwrap();
    assert_eq!(cancelled.await.unwrap(), None);
    // Told in the same moment, and nothing had gone out: what waited was taken back.
    let waits = "select count(*) from data.deliveries d join data.notifications n on n.id = d.notification_id where n.user_id = $1 and n.kind = 'help' and d.state <> 'cancelled'";
    assert_eq!((told(&world, &dora, "help").await, world.number(waits, &[&dora.id]).await), (1, 0));
    world.stop_servers().await;
}

#[tokio::test]
async fn r6_4_more_help_in_the_first_minute_reaches_the_backups() {
    crate::support::world(|world| async move {
        let (aroha, ben, kim) = (world.person("Aroha").await, world.person("Ben").await, world.person("Kim").await);
        world.connect(&aroha, &ben).await;
        world.connect(&aroha, &kim).await;
        world
            .db
            .admin
            .execute("update data.connections set tier = 'backup' where contact_id = $1", &[&kim.id])
            .await
            .unwrap();
        let alert = world.post(&aroha, "/v1/me/help-requests", Value::Null).await.expect(201);
        world.expect_on_all_channels(&ben, "Aroha needs help").await;
        world.settle().await;
        let path = format!("/v1/alerts/{}/needs-more-help", alert["id"].as_str().unwrap());
        world.post(&ben, &path, Value::Null).await.expect(200);
        world.expect_on_all_channels(&kim, "Aroha").await;
        world.expect_message(Channel::Voice, &kim.phone, "Aroha").await;
        // Again within the minute is the same.
        world.post(&ben, &path, Value::Null).await.expect(200);
        world.settle().await;
        world
    })
    .await;
}

#[tokio::test]
async fn r6_5_the_end_of_one_alert_says_that_another_is_open() {
    crate::support::world(|world| async move {
        let (aroha, ben) = (world.person("Aroha").await, world.person("Ben").await);
        world.connect(&aroha, &ben).await;
        world.give_schedules(&[aroha.id]).await;
        world.miss(&[aroha.id]).await;
        world.expect_on_all_channels(&ben, "did not check in").await;
        world.post(&aroha, "/v1/me/help-requests", Value::Null).await.expect(201);
        world.expect_on_all_channels(&ben, "needs help").await;
        world.settle().await;
        world.forget();
        let earlier = world.row("select rules.clock() - interval '5 hours' as at", &[]).await["at"].clone();
        world.post(&aroha, "/v1/me/check-ins", json!({"device_time": earlier})).await.expect(201);
        world.expect_message(Channel::Push, &ben.push_token, "Another alert for Aroha is still open").await;
        world.expect_message(Channel::Email, &ben.email, "Another alert for Aroha is still open").await;
        world.expect_message(Channel::Sms, &ben.phone, "Another alert is STILL OPEN").await;
        // R4.5: the device's time is shown where it differs.
        let text =
            |channel| world.fakes.received().into_iter().find(|message| message.channel == channel).unwrap().text;
        assert!(text(Channel::Push).contains("reached us late"), "{}", text(Channel::Push));
        world
    })
    .await;
}

#[tokio::test]
async fn r3_4_whoever_has_left_hears_that_it_is_over_and_no_word_of_it() {
    crate::support::world(|world| async move {
        let (aroha, ben) = (world.person("Aroha").await, world.person("Ben").await);
        world.connect(&aroha, &ben).await;
        world.give_schedules(&[aroha.id]).await;
        world.miss(&[aroha.id]).await;
        world.expect_on_all_channels(&ben, "did not check in").await;
        world.settle().await;
        world.delete(&aroha, &format!("/v1/me/contacts/{}", ben.id)).await.expect(204);
        world.expect_message(Channel::Push, &ben.push_token, "ended your connection").await;
        world.open_app(&ben).await;
        world.expect_on_all_channels(&aroha, "might reach nobody").await;
        world.post(&aroha, "/v1/me/check-ins", json!({"note": "Moved to 5 Oak Street"})).await.expect(201);
        world.expect_on_all_channels(&ben, "checked in").await;
        world.settle().await;
        assert!(!world.fakes.received().iter().any(|message| message.text.contains("Oak Street")));
        assert!(!world.get(&ben, "/v1/notifications").await.expect(200).to_string().contains("Oak Street"));
        world
    })
    .await;
}
