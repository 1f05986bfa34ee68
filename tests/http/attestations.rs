//! The word of a Contact who has seen or spoken to a Member (R4.9).

use pruuf::dev::fakes::Channel;
use serde_json::{Value, json};

use crate::support::{Person, World, world};

const EVERY_DAY: &str = "1,2,3,4,5,6,7";

/// Aroha is due at nine in Auckland (20:00 UTC of the day before), from 1 March on; Ben and Chloe watch her.
async fn watched() -> (World, Person, Person, Person) {
    let world = World::without_server().await;
    let (aroha, ben, chloe) = (world.person("Aroha").await, world.person("Ben").await, world.person("Chloe").await);
    world.set_at(&aroha, "2027-02-28T12:00:00Z", "09:00", "Pacific/Auckland", EVERY_DAY, 10).await;
    world.connect(&aroha, &ben).await;
    world.connect(&aroha, &chloe).await;
    (world, aroha, ben, chloe)
}

async fn attest(world: &World, contact: &Person, member: &Person, at: &str) -> Result<Value, String> {
    let call = format!("api.attest_member(member_id => '{}', note => 'Had tea')", member.id);
    world.exactly(at, "pruuf_user", Some(contact.id), &call).await
}

async fn today(world: &World, who: &Person, at: &str) -> Value {
    world.exactly(at, "pruuf_user", Some(who.id), "api.get_today()").await.unwrap()
}

async fn totals(world: &World, who: &Person) -> Value {
    let call = "api.get_history(cursor => null, size => 20)";
    world.exactly("2027-03-03T00:00:00Z", "pruuf_user", Some(who.id), call).await.unwrap()["totals"].clone()
}

#[tokio::test]
async fn r4_9_in_person_before_the_deadline_excuses_the_day_and_is_no_check_in() {
    let (world, aroha, ben, chloe) = watched().await;
    world.tap(&aroha, "2027-02-28T19:00:00Z").await;
    // The day after: due at 20:00 UTC of 1 March.
    let said = attest(&world, &ben, &aroha, "2027-03-01T19:00:00Z").await.unwrap();
    assert_eq!(World::brief(&json!([said["obligation"]])), json!(["02 09:00 excused"]));
    assert_eq!((&said["resolved_alerts"], &said["note"]), (&json!([]), &json!("Had tea")));
    assert_eq!(world.days(&aroha).await, ["01 09:00 met", "02 09:00 excused", "03 09:00 open"]);
    for who in [&aroha, &chloe] {
        let call = if who.id == aroha.id {
            "api.get_today()".to_owned()
        } else {
            format!("api.get_member(member_id => '{}')", aroha.id)
        };
        let day = world.exactly("2027-03-01T19:00:01Z", "pruuf_user", Some(who.id), &call).await.unwrap();
        assert_eq!((&day["status"], &day["attestations"][0]["by"]["name"]), (&json!("attested"), &json!("Ben")));
        assert_eq!(day["last_check_in_at"], "2027-02-28T19:00:00+00:00");
    }
    // Nobody is alerted, the Member is told on whose word, and neither streak nor rate know of it.
    assert_eq!(world.tick("2027-03-01T20:10:00Z").await["missed"], 0);
    let told = world
        .admin_json("select user_id, facts -> 'by' ->> 'name' as by from data.notifications where kind = 'attested'")
        .await;
    assert_eq!(told, json!([{ "user_id": aroha.id, "by": "Ben" }]));
    let sums = totals(&world, &aroha).await;
    assert_eq!((&sums["current_streak"], &sums["excused"], &sums["on_time_rate"]), (&json!(1), &json!(1), &json!(1.0)));
    // On the next day it is not said any more.
    assert_eq!(today(&world, &aroha, "2027-03-02T11:00:00Z").await["status"], "open");
    world.stop_servers().await;
}

#[tokio::test]
async fn r4_9_in_person_after_the_miss_ends_the_alert_and_the_day_stays_missed() {
    let (world, aroha, ben, chloe) = watched().await;
    world.tick("2027-02-28T20:10:00Z").await;
    let said = attest(&world, &ben, &aroha, "2027-02-28T21:00:00Z").await.unwrap();
    assert_eq!(World::brief(&json!([said["obligation"]])), json!(["01 09:00 missed"]));
    assert_eq!(said["resolved_alerts"].as_array().unwrap().len(), 1);
    let ended = "select resolved_how, resolved_by, note from data.alerts";
    assert_eq!(
        world.admin_json(ended).await,
        json!([{ "resolved_how": "attested", "resolved_by": ben.id, "note": "Had tea" }])
    );
    // Another one may say it, too: it is kept, and nothing else happens.
    attest(&world, &chloe, &aroha, "2027-02-28T21:30:00Z").await.unwrap();
    assert_eq!(world.admin_json(ended).await[0]["resolved_by"], json!(ben.id));
    let day = today(&world, &aroha, "2027-02-28T22:00:00Z").await;
    assert_eq!(day["status"], "attested");
    assert_eq!(
        (&day["attestations"][0]["by"]["name"], &day["attestations"][1]["by"]["name"]),
        (&json!("Ben"), &json!("Chloe"))
    );
    assert_eq!(world.days(&aroha).await, ["01 09:00 missed resolved", "02 09:00 open"]);
    assert_eq!(totals(&world, &aroha).await["current_streak"], 0);
    // The Member's own tap is still hers.
    let tapped = world.tap(&aroha, "2027-02-28T23:00:00Z").await;
    assert_eq!(World::brief(&tapped["met"]), json!(["01 09:00 met_late"]));
    assert_eq!(today(&world, &aroha, "2027-02-28T23:00:01Z").await["status"], "checked_in");
    world.stop_servers().await;
}

#[tokio::test]
async fn r4_9_a_tap_after_a_contacts_word_is_the_members_own() {
    for (at, state) in [("2027-02-28T20:00:00Z", "met"), ("2027-02-28T20:00:01Z", "met_late")] {
        let (world, aroha, ben, _) = watched().await;
        attest(&world, &ben, &aroha, "2027-02-28T19:00:00Z").await.unwrap();
        let tapped = world.tap(&aroha, at).await;
        assert_eq!(World::brief(&tapped["met"]), json!([format!("01 09:00 {state}")]));
        assert_eq!(today(&world, &aroha, at).await["status"], "checked_in");
        assert_eq!(totals(&world, &aroha).await["current_streak"], 1);
        world.stop_servers().await;
    }
}

#[tokio::test]
async fn r4_9_a_deadline_that_passed_a_moment_ago_is_a_miss_and_then_attested() {
    let (world, aroha, ben, _) = watched().await;
    // No job has run.
    let said = attest(&world, &ben, &aroha, "2027-02-28T20:10:00Z").await.unwrap();
    assert_eq!(said["resolved_alerts"].as_array().unwrap().len(), 1);
    assert_eq!(world.days(&aroha).await, ["01 09:00 missed resolved", "02 09:00 open"]);
    world.stop_servers().await;
}

#[tokio::test]
async fn r4_9_yesterdays_miss_is_closed_and_not_attested() {
    let world = World::without_server().await;
    let (aroha, ben) = (world.person("Aroha").await, world.person("Ben").await);
    // Monday 1 March counts, Tuesday does not.
    world.set_at(&aroha, "2027-02-28T12:00:00Z", "09:00", "Pacific/Auckland", "1,3,4,5,6,7", 10).await;
    world.connect(&aroha, &ben).await;
    world.tick("2027-02-28T20:10:00Z").await;
    let refused = attest(&world, &ben, &aroha, "2027-03-01T11:00:00Z").await.unwrap_err();
    assert!(refused.contains("nothing-to-attest"), "{refused}");
    assert_eq!(world.days(&aroha).await, ["01 09:00 missed open", "03 09:00 open"]);
    assert_eq!(world.number("select count(*) from data.attestations", &[]).await, 0);
    // To the last second of its day it could be.
    attest(&world, &ben, &aroha, "2027-03-01T10:59:59Z").await.unwrap();
    assert_eq!(world.days(&aroha).await, ["01 09:00 missed resolved", "03 09:00 open"]);
    world.stop_servers().await;
}

/// A page that is loaded again the day after, or a tap on an old message.
#[tokio::test]
async fn r4_9_a_word_about_yesterday_excuses_no_other_day() {
    let (world, aroha, ben, _) = watched().await;
    world.tick("2027-02-28T20:10:00Z").await;
    let old = world.row("select obligation_id as id from data.alerts", &[]).await["id"].as_str().unwrap().to_owned();
    let of =
        |id: &str| format!("api.attest_member(member_id => '{}', note => null, obligation_id => '{id}')", aroha.id);
    // Yesterday's alert is open still: whoever speaks now means that one.
    let refused = attest(&world, &ben, &aroha, "2027-03-01T11:00:00Z").await.unwrap_err();
    assert!(refused.contains("nothing-to-attest"), "{refused}");
    world.exactly("2027-02-28T21:00:00Z", "pruuf_user", Some(ben.id), &of(&old)).await.unwrap();
    assert_eq!(world.days(&aroha).await, ["01 09:00 missed resolved", "02 09:00 open"]);
    for _ in 0..2 {
        let again = world.exactly("2027-03-01T11:00:00Z", "pruuf_user", Some(ben.id), &of(&old)).await.unwrap_err();
        assert!(again.contains("nothing-to-attest"), "{again}");
    }
    assert_eq!(world.days(&aroha).await, ["01 09:00 missed resolved", "02 09:00 open"]);
    world.stop_servers().await;
}

#[tokio::test]
async fn r4_9_only_a_contact_speaks_for_a_member_and_only_of_an_awaited_check_in() {
    let (world, aroha, ben, _) = watched().await;
    let (stranger, eve) = (world.person("Dora").await, world.person("Eve").await);
    for who in [&stranger, &aroha] {
        let refused = attest(&world, who, &aroha, "2027-02-28T19:00:00Z").await.unwrap_err();
        assert!(refused.contains("not-found"), "{refused}");
    }
    // A Member without a time has nothing to speak for.
    world.connect(&eve, &ben).await;
    let refused = attest(&world, &ben, &eve, "2027-02-28T19:00:00Z").await.unwrap_err();
    assert!(refused.contains("nothing-to-attest"), "{refused}");
    assert_eq!(world.days(&aroha).await, ["01 09:00 open"]);
    world.stop_servers().await;
}

#[tokio::test]
async fn r4_9_of_several_times_a_day_a_word_ends_the_miss_and_leaves_the_next_one() {
    let world = World::without_server().await;
    let (aroha, ben) = (world.person("Aroha").await, world.person("Ben").await);
    world.set_at(&aroha, "2027-02-28T12:00:00Z", "09:00,19:00", "Pacific/Auckland", EVERY_DAY, 10).await;
    world.connect(&aroha, &ben).await;
    world.tick("2027-02-28T20:10:00Z").await;
    attest(&world, &ben, &aroha, "2027-02-28T21:00:00Z").await.unwrap();
    assert_eq!(world.days(&aroha).await, ["01 09:00 missed resolved", "01 19:00 open"]);
    world.stop_servers().await;
}

/// R9.4, R6.5: over HTTP, with what everybody hears.
#[tokio::test]
async fn r4_9_r6_5_everybody_who_was_alerted_hears_on_whose_word_it_is_over() {
    world(|world| async move {
        let (aroha, ben, chloe) = (world.person("Aroha").await, world.person("Ben").await, world.person("Chloe").await);
        for contact in [&ben, &chloe] {
            world.connect(&aroha, contact).await;
        }
        world.travel_to("2027-02-28T19:00:00Z").await;
        world.schedule(&aroha, "09:00", "Pacific/Auckland").await;
        world.travel_to("2027-02-28T20:10:00Z").await;
        for contact in [&ben, &chloe] {
            world.expect_on_all_channels(contact, "did not check in").await;
        }
        world.settle().await;
        let path = format!("/v1/members/{}/attestations", aroha.id);
        world.post(&aroha, &path, json!({})).await.refused(404, "not-found");
        world.post_as_nobody(&path, json!({})).await.refused(401, "not-signed-in");
        world.post(&ben, &path, json!({"note": "x".repeat(1001)})).await.refused(422, "invalid");
        let key = [("Idempotency-Key", "once")];
        // Of which check-in, the alert says.
        let missed = world.get(&ben, "/v1/alerts").await.expect(200)["items"][0]["obligation_id"].clone();
        let body = json!({"note": "Had tea", "obligation_id": missed});
        let say = || world.call(reqwest::Method::POST, &path, Some(&ben.token), &key, Some(&body));
        let (first, again) = (say().await.expect(201), say().await.expect(201));
        assert_eq!((&first, &first["obligation"]["id"]), (&again, &missed));
        assert_eq!(world.number("select count(*) from data.attestations", &[]).await, 1);
        for contact in [&ben, &chloe] {
            world.expect_on_all_channels(contact, "Ben has seen or spoken to Aroha").await;
        }
        let alert = &world.get(&chloe, "/v1/alerts").await.expect(200)["items"][0];
        assert_eq!((&alert["resolved_how"], &alert["resolved_by"]["name"]), (&json!("attested"), &json!("Ben")));
        let timeline =
            world.get(&chloe, &format!("/v1/alerts/{}/timeline", alert["id"].as_str().unwrap())).await.expect(200);
        let words: Vec<_> =
            timeline["items"].as_array().unwrap().iter().filter(|event| event["what"] == "attested").collect();
        assert_eq!(
            (words.len(), &words[0]["person"]["name"], &words[0]["note"]),
            (1, &json!("Ben"), &json!("Had tea"))
        );
        let history = world.get(&chloe, &format!("/v1/members/{}/history", aroha.id)).await.expect(200);
        assert_eq!(history["items"][0]["attestations"][0]["note"], "Had tea");
        world
    })
    .await;
}

/// R4.9: the Member is told, and no reminder follows.
#[tokio::test]
async fn r4_9_the_member_is_told_that_no_check_in_is_awaited_any_more() {
    world(|world| async move {
        let (aroha, ben) = (world.person("Aroha").await, world.person("Ben").await);
        world.connect(&aroha, &ben).await;
        world.travel_to("2027-02-28T19:00:00Z").await;
        world.schedule(&aroha, "09:00", "Pacific/Auckland").await;
        world.post(&ben, &format!("/v1/members/{}/attestations", aroha.id), json!({})).await.expect(201);
        world.expect_message(Channel::Push, &aroha.push_token, "Ben says that you are OK").await;
        // Past every reminder, and past the deadline: nothing follows.
        world.travel_to("2027-02-28T20:11:00Z").await;
        world.settle().await;
        assert_eq!(world.number("select count(*) from data.alerts", &[]).await, 0);
        world
    })
    .await;
}
