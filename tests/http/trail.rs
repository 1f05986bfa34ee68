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
        world.delete(&aroha, &path(0)).await.expect(204);
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
