//! Whether a miss right now would reach anybody (R6.10).

use pruuf::dev::fakes::Channel;
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{Person, World, world};

const OWN: &str = "might reach nobody";

/// Turns places of a person off, as a deliverer does that finds them dead.
async fn lose(world: &World, who: &Person, places: &[&str]) {
    for place in places {
        let sql = match *place {
            "push" => "update data.devices set off_at = rules.clock(), off_reason = 'unregistered' where user_id = $1",
            "email" => {
                "update data.addresses set off_at = rules.clock(), off_reason = 'bounced' where user_id = $1 and kind = 'email'"
            }
            _ => {
                "update data.addresses set off_at = rules.clock(), off_reason = 'stopped' where user_id = $1 and kind = 'phone'"
            }
        };
        let worker = world.db.session_as("pruuf_worker", None).await;
        assert_eq!(worker.execute(sql, &[&who.id]).await.unwrap(), 1);
    }
}

async fn coverage(world: &World, who: &Person) -> Value {
    world.coverage_is_known().await;
    world.get(who, "/v1/me/coverage").await.expect(200)
}

/// How many rows of this kind somebody has in the app.
async fn told(world: &World, who: &Person, kind: &str) -> i64 {
    world.number("select count(*) from data.notifications where user_id = $1 and kind = $2", &[&who.id, &kind]).await
}

/// Members of whom the state is not what is true.
async fn drifted(world: &World) -> i64 {
    world.number("select count(*) from jobs.coverage_drifted()", &[]).await
}

#[tokio::test]
async fn r6_10_a_loss_is_told_at_that_moment_and_so_is_its_end() {
    world(|world| async move {
        let (ann, ben) = (world.person("Ann").await, world.person("Ben").await);
        world.connect(&ann, &ben).await;
        world.schedule(&ann, "09:00", "UTC").await;
        let whole = coverage(&world, &ann).await;
        assert_eq!((&whole["is_covered"], whole.get("reason"), whole.get("to_do")), (&json!(true), None, None));
        let expected = json!([{"user_id": ben.id, "name": "Ben", "is_entitled": true, "channels": ["push", "email", "phone"], "is_reachable": true}]);
        assert_eq!(whole["contacts"], expected);
        assert!(whole["since_at"].is_string());
        let seen = world.get(&ben, "/v1/members").await.expect(200)["items"][0]["coverage"].clone();
        assert_eq!(seen, json!({"is_covered": true, "since_at": whole["since_at"]}));

        // Two channels are enough.
        lose(&world, &ben, &["push"]).await;
        assert_eq!(coverage(&world, &ann).await["contacts"][0]["channels"], json!(["email", "phone"]));
        assert_eq!(told(&world, &ann, "coverage_lost").await, 0);
        // One is not: the Member is told over all that she has, and the Contact over what is left to him.
        lose(&world, &ben, &["phone"]).await;
        world.expect_on_all_channels(&ann, OWN).await;
        let mail = world.expect_message(Channel::Email, &ben.email, "Alerts for Ann").await;
        assert!(mail.text.contains("Please add a phone number"), "{}", mail.text);
        let lost = coverage(&world, &ann).await;
        assert_eq!(
            (&lost["is_covered"], &lost["reason"], &lost["to_do"], &lost["contacts"][0]["is_reachable"]),
            (&json!(false), &json!("too_few_channels"), &json!("ask_contact_for_channel"), &json!(false))
        );
        let seen = world.get(&ben, "/v1/members").await.expect(200)["items"][0]["coverage"].clone();
        assert_eq!(seen, json!({"is_covered": false, "since_at": lost["since_at"], "reason": "too_few_channels"}));
        // Less of what is not enough is no second loss.
        lose(&world, &ben, &["email"]).await;
        coverage(&world, &ann).await;
        assert_eq!((told(&world, &ann, "coverage_lost").await, told(&world, &ben, "coverage_lost").await), (1, 1));

        let sql = "update data.addresses set off_at = null, off_reason = null where user_id = $1";
        world.db.admin.execute(sql, &[&ben.id]).await.unwrap();
        world.expect_message(Channel::Push, &ann.push_token, "reach somebody again").await;
        world.expect_message(Channel::Sms, &ben.phone, "alerts for Ann reach somebody again").await;
        assert_eq!(coverage(&world, &ann).await["is_covered"], true);

        // The last Contact leaves: nobody is left to be told but her.
        world.delete(&ben, &format!("/v1/members/{}", ann.id)).await.expect(204);
        world.expect_on_all_channels(&ann, OWN).await;
        world.expect_message(Channel::Push, &ann.push_token, "A connection has ended").await;
        world.open_app(&ann).await;
        let alone = coverage(&world, &ann).await;
        assert_eq!(
            (&alone["reason"], &alone["to_do"], &alone["contacts"]),
            (&json!("no_contact"), &json!("invite_contact"), &json!([]))
        );
        let trail = "select count(*) from audit.events where subject_user_id = $1 and action in ('coverage.lost', 'coverage.back')";
        assert_eq!(world.number(trail, &[&ann.id]).await, 3);
        assert_eq!(drifted(&world).await, 0);
        world.call(Method::GET, "/v1/me/coverage", None, &[], None).await.refused(401, "not-signed-in");
        world
    })
    .await;
}

#[tokio::test]
async fn r6_10_whoever_never_was_covered_or_is_not_expected_is_not_told_of_a_loss() {
    world(|world| async move {
        // A new Member: nobody, then a Contact with one channel, then with two.
        let (ann, ben) = (world.person("Ann").await, world.person("Ben").await);
        lose(&world, &ben, &["push", "phone"]).await;
        world.schedule(&ann, "09:00", "UTC").await;
        assert_eq!(coverage(&world, &ann).await["reason"], "no_contact");
        world.connect(&ann, &ben).await;
        assert_eq!(coverage(&world, &ann).await["reason"], "too_few_channels");
        let device = json!({"platform": "ios", "push_token": ben.push_token});
        world.put(&ben, &format!("/v1/me/devices/{}", Uuid::new_v4()), device).await.expect(200);
        assert_eq!(coverage(&world, &ann).await["is_covered"], true);
        assert_eq!(drifted(&world).await, 0);
        // Somebody of whom nothing is expected loses who watched them.
        let cleo = world.person("Cleo").await;
        world.connect(&cleo, &ben).await;
        assert_eq!(coverage(&world, &cleo).await["is_covered"], true);
        let sql = "update data.connections set ended_at = rules.clock(), may_return = true where member_id = $1";
        world.db.admin.execute(sql, &[&cleo.id]).await.unwrap();
        assert_eq!(coverage(&world, &cleo).await["is_covered"], false);
        assert_eq!(world.number("select count(*) from data.notifications where kind like 'coverage%'", &[]).await, 0);
        world
    })
    .await;
}

#[tokio::test]
async fn r6_10_two_contacts_who_lose_a_phone_at_one_moment_are_one_loss() {
    world(|mut world| async move {
        world.start_server().await;
        let (ann, ben, cleo) = (world.person("Ann").await, world.person("Ben").await, world.person("Cleo").await);
        for contact in [&ben, &cleo] {
            lose(&world, contact, &["push"]).await;
            world.connect(&ann, contact).await;
        }
        world.schedule(&ann, "09:00", "UTC").await;
        assert_eq!(coverage(&world, &ann).await["is_covered"], true);
        // Neither sees what the other does until both are done.
        let (mut one, mut other) = (world.db.session_as("pruuf_worker", None).await, world.db.session_as("pruuf_worker", None).await);
        let sql = "update data.addresses set off_at = rules.clock(), off_reason = 'stopped' where user_id = $1 and kind = 'phone'";
        let (first, second) = (one.transaction().await.unwrap(), other.transaction().await.unwrap());
        first.execute(sql, &[&ben.id]).await.unwrap();
        second.execute(sql, &[&cleo.id]).await.unwrap();
        first.commit().await.unwrap();
        world.coverage_is_known().await;
        second.commit().await.unwrap();
        world.expect_on_all_channels(&ann, OWN).await;
        world.expect_message(Channel::Email, &ben.email, "Alerts for Ann").await;
        world.expect_message(Channel::Email, &cleo.email, "Alerts for Ann").await;
        assert_eq!(coverage(&world, &ann).await["is_covered"], false);
        assert_eq!(told(&world, &ann, "coverage_lost").await, 1);
        assert_eq!(drifted(&world).await, 0);
        world
    })
    .await;
}
