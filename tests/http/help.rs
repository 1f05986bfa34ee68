//! "I need help" (R6.2), and needing more of it (R6.4).

use pruuf::dev::fakes::Channel;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Person, World, at_once, world};

/// Aroha, whom Ben and Chloe watch, at eight in the evening of 1 March 2027. She has no schedule.
async fn family(world: &World) -> (Person, Person, Person) {
    world.travel_to("2027-03-01T20:00:00Z").await;
    let (aroha, ben, chloe) = (world.person("Aroha").await, world.person("Ben").await, world.person("Chloe").await);
    world.connect(&aroha, &ben).await;
    world.connect(&aroha, &chloe).await;
    (aroha, ben, chloe)
}

/// She presses; gives the path of the alert.
async fn press(world: &World, who: &Person) -> (Value, String) {
    let alert = world.call(Method::POST, "/v1/me/help-requests", Some(&who.token), &[], None).await.expect(201);
    let path = format!("/v1/alerts/{}", alert["id"].as_str().unwrap());
    (alert, path)
}

async fn act(world: &World, who: &Person, path: &str) -> crate::support::Reply {
    world.call(Method::POST, path, Some(&who.token), &[], None).await
}

#[tokio::test]
async fn r6_2_a_call_for_help_tells_everyone_at_once_without_a_schedule_and_only_the_member_takes_it_back() {
    world(|world| async move {
        let (aroha, ben, chloe) = family(&world).await;
        let (eve, dan) = (world.person("Eve").await, world.person("Dan").await);
        world.connect(&aroha, &dan).await;
        let (alert, path) = press(&world, &aroha).await;
        assert_eq!((&alert["kind"], &alert["state"], &alert["due"]), (&json!("help"), &json!("open"), &Value::Null));
        assert_eq!(alert["contacts"].as_array().unwrap().len(), 3);
        for contact in [&ben, &chloe, &dan] {
            world.expect_on_all_channels(contact, "Aroha needs help").await;
        }
        world.settle().await;
        assert_eq!(world.get(&aroha, "/v1/me/today").await.expect(200)["status"], "alert");
        assert_eq!(world.get(&ben, "/v1/alerts").await.expect(200)["items"][0]["kind"], "help");

        // A tap, by habit or by a link, takes no call for help back.
        let tap = world.post(&aroha, "/v1/me/check-ins", json!({})).await.expect(201);
        assert_eq!(tap["resolved_alerts"], json!([]));
        assert_eq!(world.get(&ben, &path).await.expect(200)["state"], "open");

        let cancel = format!("{path}/cancel");
        act(&world, &ben, &cancel).await.refused(403, "only-the-member-may");
        act(&world, &eve, &cancel).await.refused(404, "not-found");
        world.call(Method::POST, &cancel, None, &[], None).await.refused(401, "not-signed-in");
        act(&world, &aroha, &format!("{path}/needs-more-help")).await.refused(403, "only-a-contact-may");
        world.post(&ben, &format!("{path}/acknowledge"), json!({})).await.expect(200);
        for person in [&aroha, &chloe, &dan] {
            world.expect_message(Channel::Push, &person.push_token, "Ben").await;
            world.open_app(person).await;
        }
        let over = act(&world, &aroha, &cancel).await.expect(200);
        assert_eq!((&over["state"], &over["resolved_how"]), (&json!("resolved"), &json!("cancelled")));
        for contact in [&ben, &chloe, &dan] {
            world.expect_on_all_channels(contact, "took back the call for help").await;
        }
        // Twice is once; and what comes later is a call of its own.
        act(&world, &aroha, &cancel).await.expect(200);
        world.advance("3 hours").await;
        world.settle().await;
        let (again, _) = press(&world, &aroha).await;
        assert_ne!(again["id"], alert["id"]);
        for contact in [&ben, &chloe, &dan] {
            world.expect_on_all_channels(contact, "Aroha needs help").await;
        }
        let closing = json!({"outcome": "got_help"});
        let path = format!("/v1/alerts/{}", again["id"].as_str().unwrap());
        world.post(&ben, &format!("{path}/close"), closing).await.expect(200);
        for contact in [&ben, &chloe, &dan] {
            world.expect_on_all_channels(contact, "Ben closed the alert").await;
        }
        act(&world, &aroha, &format!("{path}/cancel")).await.refused(409, "alert-is-over");
        world
    })
    .await;
}

#[tokio::test]
async fn r6_2_a_second_press_adds_to_the_first_and_tells_again_what_is_new() {
    world(|world| async move {
        let (aroha, ben, chloe) = family(&world).await;
        // Ten presses at one moment, over a line that repeats: one alert, one message for each place.
        let presses =
            at_once((0..10).map(|_| world.call(Method::POST, "/v1/me/help-requests", Some(&aroha.token), &[], None)))
                .await;
        let ids: std::collections::BTreeSet<String> =
            presses.into_iter().map(|reply| reply.expect(201)["id"].as_str().unwrap().to_owned()).collect();
        assert_eq!(ids.len(), 1);
        let path = format!("/v1/alerts/{}", ids.first().unwrap());
        for contact in [&ben, &chloe] {
            world.expect_on_all_channels(contact, "Aroha needs help").await;
        }
        assert_eq!(world.number("select count(*) from data.help_requests", &[]).await, 10);
        world.post(&ben, &format!("{path}/acknowledge"), json!({})).await.expect(200);
        for person in [&aroha, &chloe] {
            world.expect_message(Channel::Push, &person.push_token, "Ben").await;
            world.open_app(person).await;
        }
        world.advance("1 minute").await;
        // Ben may not have come: all hear that she calls again, and anybody may take it.
        let (again, _) = press(&world, &aroha).await;
        assert_eq!((&again["state"], &again["round"]), (&json!("open"), &json!(2)));
        for contact in [&ben, &chloe] {
            world.expect_on_all_channels(contact, "calls for help again").await;
            world.expect_message(Channel::Voice, &contact.phone, "calls for help again").await;
        }
        world.post(&chloe, &format!("{path}/acknowledge"), json!({})).await.expect(200);
        for person in [&aroha, &ben] {
            world.expect_message(Channel::Push, &person.push_token, "Chloe").await;
            world.open_app(person).await;
        }
        world
    })
    .await;
}

#[tokio::test]
async fn r6_2_a_call_for_help_escalates_and_beside_a_missed_day_is_an_alert_of_its_own() {
    let world = World::without_server().await;
    let (aroha, ben) = (world.person("Aroha").await, world.person("Ben").await);
    world.connect(&aroha, &ben).await;
    world.set_at(&aroha, "2027-02-28T12:00:00Z", "09:00", "Pacific/Auckland", "1,2,3,4,5,6,7", 10).await;
    world.tick("2027-02-28T20:10:00Z").await;
    let help = world.exactly("2027-02-28T20:12:00Z", "pruuf_user", Some(aroha.id), "api.request_help()").await.unwrap();
    assert_eq!(help["next_round_at"], "2027-02-28T20:22:00+00:00");
    assert_eq!(world.number("select count(*) from data.alerts where state = 'open'", &[]).await, 2);
    world.hold_rounds().await;
    world
        .db
        .admin
        .batch_execute("update data.alerts set next_step_at = raised_at + interval '10 minutes' where kind = 'help'")
        .await
        .unwrap();
    assert_eq!(world.escalate("2027-02-28T20:22:00Z").await["count"], 1);
    // The check-in ends the missed one, and that alone.
    let tap = world.tap(&aroha, "2027-02-28T20:30:00Z").await;
    assert_eq!(tap["resolved_alerts"].as_array().unwrap().len(), 1);
    assert_eq!(world.number("select count(*) from data.alerts where kind = 'help' and state = 'open'", &[]).await, 1);

    // Whom nobody watches: an alert all the same, and operations hear of it at once.
    let nora = world.person("Nora").await;
    let help = world.exactly("2027-02-28T20:31:00Z", "pruuf_user", Some(nora.id), "api.request_help()").await.unwrap();
    assert_eq!(help["contacts"], json!([]));
    assert_eq!(world.escalate("2027-02-28T20:31:00Z").await["without_contact"], json!([help["id"]]));
    assert_eq!(world.escalate("2027-02-28T20:31:01Z").await["without_contact"], json!([]));
    world.stop_servers().await;
}

#[tokio::test]
async fn r6_4_needs_more_help_tells_everyone_at_once_and_escalates_anew() {
    world(|world| async move {
        let (aroha, ben, chloe) = family(&world).await;
        let eve = world.person("Eve").await;
        let sql = "update data.connections set tier = 'backup' where contact_id = $1";
        world.db.admin.execute(sql, &[&chloe.id]).await.unwrap();
        let (_, path) = press(&world, &aroha).await;
        world.expect_on_all_channels(&ben, "Aroha needs help").await;
        world.post(&ben, &format!("{path}/acknowledge"), json!({})).await.expect(200);
        for person in [&aroha, &chloe] {
            world.expect_message(Channel::Push, &person.push_token, "Ben").await;
            world.open_app(person).await;
        }
        world.advance("5 minutes").await;
        let more = format!("{path}/needs-more-help");
        act(&world, &eve, &more).await.refused(404, "not-found");
        world.call(Method::POST, &more, None, &[], None).await.refused(401, "not-signed-in");
        let open = act(&world, &ben, &more).await.expect(200);
        assert_eq!((&open["state"], &open["acknowledged_by"]), (&json!("open"), &Value::Null));
        // The backup, too; not Ben, who said it. A nervous second tap is the same.
        world.expect_on_all_channels(&chloe, "Aroha needs more help").await;
        world.expect_message(Channel::Voice, &chloe.phone, "Aroha needs more help").await;
        act(&world, &ben, &more).await.expect(200);
        world.settle().await;
        assert_eq!(world.number("select count(*) from data.alert_rounds", &[]).await, 1);
        world.advance("10 minutes").await;
        for contact in [&ben, &chloe] {
            world.expect_on_all_channels(contact, "Aroha still needs help").await;
            world.expect_message(Channel::Voice, &contact.phone, "Aroha still needs help").await;
        }
        world.post(&chloe, &format!("{path}/close"), json!({"outcome": "got_help"})).await.expect(200);
        for contact in [&ben, &chloe] {
            world.expect_on_all_channels(contact, "Chloe closed the alert").await;
            world.expect_message(Channel::Voice, &contact.phone, "Chloe closed the alert").await;
        }
        act(&world, &ben, &more).await.refused(409, "alert-is-over");
        world
    })
    .await;
}
