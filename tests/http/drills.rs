//! Drills: whether alerts would arrive (R6.11).

use pruuf::dev::fakes::{Behaviour, Channel};
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{Person, World, world};

const WORDS: &str = "This is a drill";

async fn start(world: &World, who: &Person) -> Value {
    world.post(who, "/v1/drills", json!({})).await.expect(201)
}

/// As servers do every hour.
async fn remind(world: &World) {
    let worker = world.db.session_as("pruuf_worker", None).await;
    worker.execute("select jobs.send_drill_reminders()", &[]).await.unwrap();
}

/// Channel and state of one of those it went to.
fn states(drill: &Value, who: &Person) -> Vec<(String, String)> {
    let readers = drill["readers"].as_array().unwrap();
    let reader = readers.iter().find(|reader| reader["user_id"] == json!(who.id)).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    reader["channels"].as_array().unwrap().iter().map(|one| (text(&one["channel"]), text(&one["state"]))).collect()
}

fn of(pairs: [(&str, &str); 3]) -> Vec<(String, String)> {
    pairs.into_iter().map(|(channel, state)| (channel.to_owned(), state.to_owned())).collect()
}

#[tokio::test]
async fn r6_11_a_drill_goes_over_every_channel_of_each_contact_and_shows_what_arrived() {
    world(|world| async move {
        let (ann, ben, cleo) = (world.person("Ann").await, world.person("Ben").await, world.person("Cleo").await);
        world.connect(&ann, &ben).await;
        world.connect(&ann, &cleo).await;
        world.travel_to("2027-03-01T10:00:00Z").await;
        world.schedule(&ann, "09:00", "UTC").await;
        // Cleo hears nothing of the routine; a drill is tried as an alert would be. Her number is wrong.
        let muted = json!({"mutes_routine": true});
        world
            .call(Method::PATCH, &format!("/v1/members/{}", ann.id), Some(&cleo.token), &[], Some(&muted))
            .await
            .expect(200);
        world.fakes.set(Channel::Sms, Some(&cleo.phone), Behaviour::fail(400, "30003"));
        let begun = start(&world, &ann).await;
        assert_eq!((&begun["goes_to"], &begun["asked_by"]["id"]), (&json!("contacts"), &json!(ann.id)));
        world.expect_on_all_channels(&ben, WORDS).await;
        for (channel, to) in [(Channel::Push, &cleo.push_token), (Channel::Email, &cleo.email)] {
            let message = world.expect_message(channel, to, WORDS).await;
            let title = message.title.unwrap();
            assert!(
                title.starts_with(WORDS) && message.text.contains("Nobody has missed a check-in"),
                "{title}: {}",
                message.text
            );
        }
        world.settle().await;
        let path = format!("/v1/drills/{}", begun["id"].as_str().unwrap());
        let seen = world.get(&ann, &path).await.expect(200);
        assert_eq!(states(&seen, &ben), of([("sms", "accepted"), ("push", "accepted"), ("email", "accepted")]));
        assert_eq!(states(&seen, &cleo)[1..], of([("sms", ""), ("push", "accepted"), ("email", "accepted")])[1..]);
        assert_ne!(states(&seen, &cleo)[0].1, "accepted", "never said to be sent when it was not");
        assert_eq!(
            (&seen["readers"][0]["is_confirmed"], &seen["readers"][1]["is_confirmed"]),
            (&json!(false), &json!(false))
        );

        // Opening it confirms it, and is all that can be done; a Contact sees what is theirs, a stranger nothing.
        world.open_app(&ben).await;
        assert_eq!(world.get(&ann, &path).await.expect(200)["readers"][0]["is_confirmed"], true);
        let bens = world.get(&ben, &path).await.expect(200);
        assert_eq!((bens["readers"].as_array().unwrap().len(), &bens["readers"][0]["user_id"]), (1, &json!(ben.id)));
        let eve = world.person("Eve").await;
        world.get(&eve, &path).await.refused(404, "not-found");
        world.get(&ann, &format!("/v1/drills/{}", Uuid::new_v4())).await.refused(404, "not-found");

        // It is no alert: there is none to list, to take or to close, and time makes nothing of it.
        for who in [&ann, &ben] {
            assert_eq!(world.get(who, "/v1/alerts").await.expect(200)["items"], json!([]));
        }
        let id = begun["id"].as_str().unwrap();
        world.post(&ben, &format!("/v1/alerts/{id}/acknowledge"), json!({})).await.refused(404, "not-found");
        assert_eq!(world.get(&ben, "/v1/members").await.expect(200)["items"][0]["open_alerts"], json!([]));
        world.advance("2 hours").await;
        world.fakes.behave();
        world.settle().await;
        assert_eq!(world.number("select count(*) from data.alerts", &[]).await, 0);
        assert_eq!(world.number("select count(*) from data.notifications where kind <> 'drill'", &[]).await, 0);
        world
    })
    .await;
}

#[tokio::test]
async fn r6_11_a_drill_comes_at_most_every_ten_minutes_and_a_contact_tries_their_own() {
    world(|world| async move {
        let (ann, ben, eve) = (world.person("Ann").await, world.person("Ben").await, world.person("Eve").await);
        world.connect(&ann, &ben).await;
        world.post(&eve, "/v1/drills", json!({})).await.refused(409, "nobody-to-drill");
        world.post(&ben, "/v1/drills", json!({"goes_to": "contacts"})).await.refused(409, "nobody-to-drill");
        world.post(&ben, "/v1/drills", json!({"goes_to": "everybody"})).await.refused(422, "invalid");
        world.call(Method::POST, "/v1/drills", None, &[], Some(&json!({}))).await.refused(401, "not-signed-in");
        let own = start(&world, &ben).await;
        assert_eq!((&own["goes_to"], &own["readers"][0]["user_id"]), (&json!("myself"), &json!(ben.id)));
        world.expect_on_all_channels(&ben, WORDS).await;
        let refused = world.post(&ben, "/v1/drills", json!({})).await;
        assert!(refused.headers["retry-after"].to_str().unwrap().parse::<u64>().unwrap() <= 600);
        refused.refused(429, "too-many-drills");
        // Another's limit is another's. The same key is the same drill.
        let key = [("idempotency-key", "one drill")];
        let first = world.call(Method::POST, "/v1/drills", Some(&ann.token), &key, Some(&json!({}))).await.expect(201);
        let again = world.call(Method::POST, "/v1/drills", Some(&ann.token), &key, Some(&json!({}))).await.expect(201);
        assert_eq!(first["id"], again["id"]);
        world.expect_on_all_channels(&ben, WORDS).await;
        world.advance("10 minutes").await;
        start(&world, &ben).await;
        world.expect_on_all_channels(&ben, WORDS).await;
        world
    })
    .await;
}

#[tokio::test]
async fn r6_11_both_sides_are_reminded_of_a_drill_every_ninety_days() {
    world(|mut world| async move {
        let (ann, ben, cleo) = (world.person("Ann").await, world.person("Ben").await, world.person("Cleo").await);
        world.connect(&ann, &ben).await;
        world.schedule(&ann, "09:00", "UTC").await;
        // Of Cleo's Member nothing is expected.
        let dora = world.person("Dora").await;
        world.connect(&dora, &cleo).await;
        // No day in between is looked at here.
        let sql = "update data.obligations set state = 'excused', closed_at = rules.clock() where member_id = $1";
        world.db.admin.execute(sql, &[&ann.id]).await.unwrap();
        let told = "select count(*) from data.notifications where kind = 'drill_reminder'";
        world.advance("89 days").await;
        remind(&world).await;
        assert_eq!(world.number(told, &[]).await, 0);
        // A server looks when it starts.
        world.advance("25 hours").await;
        world.start_server().await;
        for who in [&ann, &ben] {
            world.expect_message(Channel::Push, &who.push_token, "Do alerts still arrive?").await;
        }
        remind(&world).await;
        assert_eq!(world.number(told, &[]).await, 2);
        // A drill puts the next one off, for whoever started it and for whoever got it.
        world.advance("1 day").await;
        start(&world, &ann).await;
        world.expect_on_all_channels(&ben, WORDS).await;
        world.advance("89 days 1 hour").await;
        remind(&world).await;
        assert_eq!(world.number(told, &[]).await, 2);
        world.advance("1 day").await;
        remind(&world).await;
        assert_eq!(world.number(told, &[]).await, 4);
        for who in [&ann, &ben] {
            world.expect_message(Channel::Push, &who.push_token, "Do alerts still arrive?").await;
        }
        world
    })
    .await;
}
