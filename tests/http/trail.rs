//! What a user removes, and who is connected to whom: over HTTP, with its trail.

use pruuf::dev::fakes::Channel;
use serde_json::json;

use crate::support::world;

const EVENTS: &str = "select count(*) from audit.events where action = $1 and subject_user_id = $2 and actor_user_id = $3 and actor = 'pruuf_user' and request_id is not null";

/// R9.2, R7.6: an address and a device go with a trail; the last verified address stays.
#[tokio::test]
async fn r9_2_what_a_user_removes_is_in_the_trail() {
    world(|world| async move {
        let aroha = world.person("Aroha").await;
        let addresses = world.get(&aroha, "/v1/me/addresses").await.expect(200);
        let path = |number: usize| format!("/v1/me/addresses/{}", addresses["items"][number]["id"].as_str().unwrap());
        world.advance("25 hours").await;
        world.delete(&aroha, &path(0)).await.expect(204);
        world.expect_on_all_channels(&aroha, "was removed").await;
        world.delete(&aroha, &path(1)).await.refused(409, "last-address");
        let device = world.row("select id from data.devices where user_id = $1", &[&aroha.id]).await;
        let path = format!("/v1/me/devices/{}", device["id"].as_str().unwrap());
        let stranger = world.person("Stranger").await;
        world.delete(&stranger, &path).await.refused(404, "not-found");
        world.delete(&aroha, &path).await.expect(204);
        for action in ["address.removed", "device.removed"] {
            assert_eq!(world.number(EVENTS, &[&action, &aroha.id, &aroha.id]).await, 1, "{action}");
        }
        world
    })
    .await;
}

/// R3.3, R6.5: a Contact who has left is no longer told, and the worker's alert is in the trail.
#[tokio::test]
async fn r3_3_a_contact_who_left_is_not_alerted() {
    world(|world| async move {
        let (aroha, ben, chloe) = (world.person("Aroha").await, world.person("Ben").await, world.person("Chloe").await);
        world.connect(&aroha, &ben).await;
        world.connect(&aroha, &chloe).await;
        let set = world.schedule(&aroha, "09:00", "Pacific/Auckland").await;
        world.delete(&chloe, &format!("/v1/members/{}", aroha.id)).await.expect(204);
        assert_eq!(world.number(EVENTS, &[&"connection.ended", &aroha.id, &chloe.id]).await, 1);
        world.expect_message(Channel::Push, &aroha.push_token, &chloe.name).await;
        world.open_app(&aroha).await;
        world.travel_to(set["next"]["alert_at"].as_str().unwrap()).await;
        world.advance("1s").await;
        let raised = "select count(*) = 1 from audit.events where action = 'alert.raised' and subject_user_id = $1 and actor = 'pruuf_worker'";
        world.eventually("the miss has its alert, and the trail has it", raised, &[&aroha.id]).await;
        world.expect_on_all_channels(&ben, &aroha.name).await;
        assert_eq!(world.count(Channel::Push, &chloe.push_token, ""), 0);
        world.post(&aroha, "/v1/me/check-ins", json!({})).await.expect(201);
        world.expect_on_all_channels(&ben, &aroha.name).await;
        world
    })
    .await;
}

/// R9.2: every sign-in is in the trail, also one that fails or is refused, with where it came from.
#[tokio::test]
async fn r9_2_every_try_to_sign_in_is_in_the_trail() {
    world(|world| async move {
        let (ann, session) = world.account("Ann", "ann@example.org").await;
        let count = |action: &'static str| {
            let sql = "select count(*) from audit.events where action = $1 and subject_user_id is not distinct from $2 and actor = 'pruuf_anon' and ip = '127.0.0.1' and request_id is not null";
            let (world, id) = (&world, ann.id);
            async move { (world.number(sql, &[&action, &id]).await, world.number(sql, &[&action, &None::<uuid::Uuid>]).await) }
        };
        // The account was made by a code to an address that was nobody's then.
        assert_eq!((count("code.sent").await, count("code.verified").await), ((0, 1), (0, 1)));
        assert_eq!(count("session.started").await, (1, 0));
        world.sign_in("ann@example.org", "9999").await.refused(401, "sign-in-failed");
        world.sign_in("ann@example.org", "4829").await.expect(201);
        world.sign_in("nobody@example.org", "4829").await.refused(401, "sign-in-failed");
        assert_eq!((count("sign_in.tried").await, count("session.started").await), ((2, 1), (2, 0)));
        for _ in 0..5 {
            world.sign_in("ann@example.org", "9999").await.refused(401, "sign-in-failed");
        }
        world.sign_in("ann@example.org", "4829").await.refused(423, "sign-in-locked");
        assert_eq!((count("sign_in.locked").await, count("sign_in.refused").await), ((1, 0), (1, 0)));
        world.advance("61 seconds").await;
        world.ask_for_code("ann@example.org").await.expect(200);
        let code = world.code(Channel::Email, "ann@example.org", 2).await;
        let wrong = if code == "000000" { "000001" } else { "000000" };
        world.type_code("ann@example.org", wrong).await.refused(422, "code-wrong");
        assert_eq!((count("code.sent").await, count("code.wrong").await), ((1, 1), (1, 0)));
        world.refresh(&session["refresh_token"]).await.expect(200);
        world.refresh(&json!("nonsense")).await.refused(401, "refresh-token-invalid");
        // A token that is nobody's leaves no row (R9.9).
        assert_eq!((count("session.refreshed").await, count("session.refresh_refused").await), ((1, 0), (0, 0)));
        world.verify_trail().await;
        world
    })
    .await;
}

/// R9.2: what changes of a person by another's act, or by nobody's, is in their trail too.
#[tokio::test]
async fn r9_2_what_others_and_jobs_change_of_a_person_is_in_the_trail() {
    world(|world| async move {
        let (aroha, ben) = (world.person("Aroha").await, world.person("Ben").await);
        world.connect(&aroha, &ben).await;
        let count = |action: &'static str, subject: uuid::Uuid| {
            let world = &world;
            async move { world.number("select count(*) from audit.events where action = $1 and subject_user_id = $2", &[&action, &subject]).await }
        };
        // A phone that changed hands.
        let path = format!("/v1/me/devices/{}", uuid::Uuid::new_v4());
        world.put(&ben, &path, json!({"platform": "ios", "push_token": aroha.push_token})).await.expect(200);
        assert_eq!((count("device.removed", aroha.id).await, count("device.registered", ben.id).await), (1, 1));
        let turn_off = "begin; set local role pruuf_worker; update data.addresses set off_at = rules.clock(), off_reason = 'bounced' where kind = 'email';
                        update data.devices set off_at = rules.clock(), off_reason = 'unregistered'; commit";
        world.db.admin.batch_execute(turn_off).await.unwrap();
        assert_eq!((count("address.turned_off", aroha.id).await, count("address.turned_off", ben.id).await), (1, 1));
        assert_eq!(count("device.turned_off", ben.id).await, 2);
        let set = world.schedule(&aroha, "09:00", "Pacific/Auckland").await;
        world.travel_to(set["next"]["alert_at"].as_str().unwrap()).await;
        world.expect_message(Channel::Sms, &ben.phone, "Aroha").await;
        let told = "select count(*) from audit.events where action = $1 and subject_user_id = $2 and details -> 'told' = to_jsonb(array[$3::uuid]) and object_id = (select id from data.alerts)";
        assert_eq!(world.number(told, &[&"alert.raised", &aroha.id, &ben.id]).await, 1);
        let notification = world.get(&ben, "/v1/notifications").await.expect(200)["items"][0]["id"].as_str().unwrap().to_owned();
        world.post(&ben, &format!("/v1/notifications/{notification}/read"), json!({})).await.expect(200);
        world.delete(&ben, &format!("/v1/notifications/{notification}")).await.expect(204);
        assert_eq!((count("notification.read", ben.id).await, count("notification.hidden", ben.id).await), (1, 1));
        let delivery = world.row("select id from data.deliveries where channel = 'sms'", &[]).await["id"].as_str().unwrap().to_owned();
        for _ in 0..2 {
            world.post(&ben, &format!("/v1/deliveries/{delivery}/confirm"), json!({})).await.expect(200);
        }
        assert_eq!(count("delivery.confirmed", ben.id).await, 1);
        world.post(&aroha, "/v1/me/check-ins", json!({})).await.expect(201);
        world.expect_message(Channel::Sms, &ben.phone, "Aroha").await;
        assert_eq!(world.number(told, &[&"alert.all_clear_told", &aroha.id, &ben.id]).await, 1);
        world.verify_trail().await;
        world.trail_tells_nothing(&["Aroha", "Ben", &aroha.push_token]).await;
        world
    })
    .await;
}
