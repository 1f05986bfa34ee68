//! Where a Member was: by their choice, for their Contacts only, for a day (R4.8).

use pruuf::dev::fakes::Channel;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Person, Reply, World, world};

const PREFERENCES: &str = "/v1/me/preferences";

fn here() -> Value {
    json!({"position": {"latitude": -36.84846, "longitude": 174.76335, "accuracy_m": 12.5}})
}

async fn choose(world: &World, who: &Person, choice: &str) {
    let chosen = world.put(who, PREFERENCES, json!({"position": choice})).await.expect(200);
    assert_eq!(chosen["position"], choice);
}

async fn position(world: &World, of: &Person, seen_by: &Person) -> Reply {
    world.get(seen_by, &format!("/v1/members/{}/position", of.id)).await
}

async fn check_in(world: &World, who: &Person) -> Value {
    world.post(who, "/v1/me/check-ins", here()).await.expect(201)
}

const KEPT: &str = "select count(*) from data.positions";

#[tokio::test]
async fn r4_8_a_position_is_kept_only_as_the_member_has_chosen_and_only_contacts_see_it() {
    world(|world| async move {
        let (ann, ben, zed) = (world.person("Ann").await, world.person("Ben").await, world.person("Zed").await);
        world.connect(&ann, &ben).await;
        // Never, unless it was chosen.
        assert_eq!(world.get(&ann, PREFERENCES).await.expect(200)["position"], "never");
        assert_eq!(check_in(&world, &ann).await["position_kept"], false);
        position(&world, &ann, &ben).await.refused(404, "no-position");
        choose(&world, &ann, "with_help").await;
        assert_eq!(check_in(&world, &ann).await["position_kept"], false);
        assert_eq!(world.number(KEPT, &[]).await, 0);
        choose(&world, &ann, "always").await;
        let said = check_in(&world, &ann).await;
        assert_eq!(said["position_kept"], true);
        // A retry keeps nothing twice.
        for _ in 0..2 {
            let key = [("Idempotency-Key", "tap")];
            let said = world.call(Method::POST, "/v1/me/check-ins", Some(&ann.token), &key, Some(&here())).await;
            assert_eq!(said.expect(201)["position_kept"], true);
        }
        assert_eq!(world.number(KEPT, &[]).await, 2);

        let seen = position(&world, &ann, &ben).await.expect(200);
        assert_eq!(
            (&seen["latitude"], &seen["longitude"], &seen["accuracy_m"]),
            (&json!(-36.84846), &json!(174.76335), &json!(12.5))
        );
        assert!(
            seen["at"].is_string() && seen["check_in_id"].is_string() && seen.get("help_request_id").is_none(),
            "{seen}"
        );
        position(&world, &ann, &zed).await.refused(404, "not-found");
        position(&world, &ann, &ann).await.refused(404, "not-found");
        world
            .call(Method::GET, &format!("/v1/members/{}/position", ann.id), None, &[], None)
            .await
            .refused(401, "not-signed-in");
        assert_eq!(world.get(&ann, "/v1/me/export").await.expect(200)["positions"][0]["latitude"], -36.84846);
        // One that cannot be is left out, and the check-in counts.
        for wrong in [
            json!({"latitude": 91, "longitude": 0}),
            json!({"latitude": 0, "longitude": -181}),
            json!({"latitude": 0, "longitude": 0, "accuracy_m": -1}),
        ] {
            let said = world.post(&ann, "/v1/me/check-ins", json!({"position": wrong})).await.expect(201);
            assert_eq!(said["position_kept"], false);
        }
        // Sealed wherever it is.
        let readable = "select (select count(*) from data.positions p where encode(p.sealed, 'escape') like '%84846%')
                             + (select count(*) from data.idempotency_keys k where k.answer::text like '%84846%')
                             + (select count(*) from data.check_ins c where c::text like '%84846%')";
        assert_eq!(world.number(readable, &[]).await, 0);
        world.trail_tells_nothing(&["84846", "76335"]).await;

        // Who chooses less takes back what was said.
        choose(&world, &ann, "never").await;
        position(&world, &ann, &ben).await.refused(404, "no-position");
        assert_eq!(world.number(KEPT, &[]).await, 0);
        world
    })
    .await;
}

#[tokio::test]
async fn r4_8_a_call_for_help_says_where_and_nothing_about_it_can_stop_the_call() {
    world(|world| async move {
        let (ann, ben) = (world.person("Ann").await, world.person("Ben").await);
        world.connect(&ann, &ben).await;
        choose(&world, &ann, "with_help").await;
        let help = "/v1/me/help-requests";
        let alert = world.post(&ann, help, here()).await.expect(201)["id"].clone();
        let sms = world.expect_message(Channel::Sms, &ben.phone, "Ann needs help").await;
        world.expect_message(Channel::Push, &ben.push_token, "Ann needs help").await;
        world.expect_message(Channel::Email, &ben.email, "Ann needs help").await;
        let seen = position(&world, &ann, &ben).await.expect(200);
        assert!(seen["latitude"] == -36.84846 && seen["help_request_id"].is_string(), "{seen}");
        let link = sms.text.split_once("http://127.0.0.1").unwrap().1.split_whitespace().next().unwrap().to_owned();
        let page = world.call(Method::GET, &link, None, &[], None).await;
        let text = page.body.as_str().unwrap();
        assert!(text.contains("href=\"geo:-36.84846,174.76335\"") && text.contains("within 13 m"), "{text}");

        // Pressed again with what nobody can read, or with nothing: it is a call for help all the same.
        for body in
            ["", "{", "null", "5", "{\"position\": 5}", "{\"position\": {\"latitude\": \"here\", \"longitude\": 1}}"]
        {
            for kind in [None, Some("application/json"), Some("text/plain")] {
                let mut request = world.http.post(world.url(help)).bearer_auth(&ann.token).body(body);
                if let Some(kind) = kind {
                    request = request.header("content-type", kind);
                }
                let answer = request.send().await.unwrap();
                assert_eq!(answer.status().as_u16(), 201, "{kind:?} {body}");
                assert_eq!(answer.json::<Value>().await.unwrap()["id"], alert);
            }
        }
        assert_eq!(world.number("select count(*) from data.help_requests", &[]).await, 19);
        assert_eq!(world.number(KEPT, &[]).await, 1);

        // A frozen Contact sees what an alert says, and nothing else (R8.3).
        choose(&world, &ann, "always").await;
        world.settle().await;
        world.advance("1 minute").await;
        check_in(&world, &ann).await;
        assert!(position(&world, &ann, &ben).await.expect(200)["check_in_id"].is_string());
        let freeze =
            "update billing.accounts set trial_ends_at = rules.clock(), entitlement = 'frozen' where user_id = $1";
        world.db.admin.execute(freeze, &[&ben.id]).await.unwrap();
        assert!(position(&world, &ann, &ben).await.expect(200)["help_request_id"].is_string());
        let thaw =
            "update billing.accounts set trial_ends_at = 'infinity', entitlement = 'trialing' where user_id = $1";
        world.db.admin.execute(thaw, &[&ben.id]).await.unwrap();
        world.post(&ann, &format!("/v1/alerts/{}/cancel", alert.as_str().unwrap()), json!({})).await.expect(200);
        world.expect_on_all_channels(&ben, "Ann").await;
        world
    })
    .await;
}

#[tokio::test]
async fn r4_8_a_position_is_erased_after_a_day() {
    let mut world = World::without_server().await;
    world.start_server().await;
    let (ann, ben) = (world.person("Ann").await, world.person("Ben").await);
    world.connect(&ann, &ben).await;
    choose(&world, &ann, "always").await;
    check_in(&world, &ann).await;
    world.advance("23 hours 59 minutes").await;
    let erase = "select jobs.erase_positions()";
    let worker = world.db.session_as("pruuf_worker", None).await;
    worker.execute(erase, &[]).await.unwrap();
    position(&world, &ann, &ben).await.expect(200);
    // A minute later nobody sees it, whether or not a job has run; and a server that starts erases it at once.
    world.advance("1 minute").await;
    position(&world, &ann, &ben).await.refused(404, "no-position");
    world.start_server().await;
    world.eventually("it is erased", "select not exists (select from data.positions)", &[]).await;
    world.stop_servers().await;
}
