//! Who wants nothing to do with whom (R3.3).

use pruuf::dev::fakes::Channel;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::connections::{accept, connections, invite, told};
use crate::support::accounts::email;
use crate::support::{Person, Reply, World, world};

async fn block(world: &World, who: &Person, whom: Uuid) -> Reply {
    world.post(who, "/v1/blocks", json!({"user_id": whom})).await
}

async fn unblock(world: &World, who: &Person, whom: &Person) -> Reply {
    world.delete(who, &format!("/v1/blocks/{}", whom.id)).await
}

/// What an answer says, without what differs from one call to the next.
fn shape(reply: Reply, differs: &[&str]) -> (u16, Value) {
    let mut body = reply.body;
    for field in differs {
        assert!(body.as_object_mut().unwrap().remove(*field).is_some(), "{field}");
    }
    (reply.status, body)
}

#[tokio::test]
async fn r3_3_a_block_ends_both_connections_and_the_other_is_told_of_the_end_only() {
    world(|world| async move {
        let (ann, ben) = (world.person("Ann").await, world.person("Ben").await);
        world.connect(&ann, &ben).await;
        world.connect(&ben, &ann).await;
        let made = block(&world, &ann, ben.id).await.expect(201);
        assert_eq!((&made["user_id"], &made["name"]), (&json!(ben.id), &json!("Ben")));
        assert_eq!(block(&world, &ann, ben.id).await.expect(201), made);
        assert_eq!(world.get(&ann, "/v1/blocks").await.expect(200), json!({"items": [made]}));
        assert_eq!(connections(&world).await, 0);
        // One message for each connection, as if they had been ended one by one.
        for _ in 0..2 {
            world.expect_message(Channel::Push, &ben.push_token, "Ann").await;
        }
        world.fakes.wait_for_count(Channel::Push, 2, crate::support::PATIENCE).await;
        world.open_app(&ben).await;
        // The blocked one sees nothing of it, by whatever way.
        let shown = world.get(&ben, "/v1/notifications").await.expect(200);
        let kinds: Vec<&str> =
            shown["items"].as_array().unwrap().iter().map(|it| it["kind"].as_str().unwrap()).collect();
        assert_eq!(kinds, ["connection_ended", "connection_ended"]);
        assert!(!shown.to_string().to_lowercase().contains("block"), "{shown}");
        assert_eq!(world.get(&ben, "/v1/blocks").await.expect(200)["items"], json!([]));
        unblock(&world, &ben, &ann).await.refused(404, "not-found");
        let session = world.db.session_as("pruuf_user", Some(ben.id)).await;
        assert_eq!(session.query("select id from data.blocks", &[]).await.unwrap().len(), 0);
        let trail = "select count(*) from audit.events where action like 'block.%' and subject_user_id = $1";
        assert_eq!((world.number(trail, &[&ann.id]).await, world.number(trail, &[&ben.id]).await), (1, 0));

        unblock(&world, &ann, &ben).await.expect(204);
        unblock(&world, &ann, &ben).await.refused(404, "not-found");
        assert_eq!(world.get(&ann, "/v1/blocks").await.expect(200)["items"], json!([]));
        // Unblocking connects nobody; a new invitation does.
        assert_eq!(connections(&world).await, 0);
        let invitation = invite(&world, &ben, &ann, "contact").await;
        accept(&world, &ann, &invitation["code"]).await.expect(200);
        told(&world, [(&ann, &ben), (&ben, &ann)]).await;
        assert_eq!(world.number(trail, &[&ann.id]).await, 2);
        world
    })
    .await;
}

/// R3.3: only whom one knows can be named; anybody else, nobody and oneself get one answer.
#[tokio::test]
async fn r3_3_nobody_finds_out_who_exists_by_blocking() {
    world(|world| async move {
        let (ann, ben, eve) = (world.person("Ann").await, world.person("Ben").await, world.person("Eve").await);
        world.connect(&ann, &ben).await;
        world.connect(&ben, &eve).await;
        let unknown = block(&world, &ann, Uuid::now_v7()).await.refused(404, "not-found");
        for whom in [eve.id, ann.id] {
            assert_eq!(block(&world, &ann, whom).await.refused(404, "not-found"), unknown);
        }
        // An invitation that was not accepted makes nobody known.
        let invitation = invite(&world, &ann, &eve, "contact").await;
        assert_eq!(block(&world, &ann, eve.id).await.refused(404, "not-found"), unknown);
        accept(&world, &eve, &invitation["code"]).await.expect(200);
        told(&world, [(&ann, &eve), (&eve, &ann)]).await;
        world.delete(&ann, &format!("/v1/me/contacts/{}", eve.id)).await.expect(204);
        world.expect_message(Channel::Push, &eve.push_token, "Ann").await;
        world.open_app(&eve).await;
        // Whom one was connected with, from either side.
        block(&world, &eve, ann.id).await.expect(201);
        block(&world, &ann, eve.id).await.expect(201);
        let refused = world.post(&ann, "/v1/blocks", json!({"user_id": "x"})).await.refused(422, "invalid");
        assert_eq!(refused["errors"][0]["pointer"], "/user_id");
        world
    })
    .await;
}

/// R3.3: to the one who was blocked everything looks as if it went well, and nothing arrives.
#[tokio::test]
async fn r3_3_invitations_between_the_two_fail_without_saying_why() {
    world(|world| async move {
        let (ann, ben, cleo) = (world.person("Ann").await, world.person("Ben").await, world.person("Cleo").await);
        world.connect(&ann, &ben).await;
        // Open at the moment of the block: one each way.
        let of_ben = invite(&world, &ben, &ann, "contact").await;
        let of_ann = invite(&world, &ann, &ben, "member").await;
        block(&world, &ann, ben.id).await.expect(201);
        world.expect_message(Channel::Push, &ben.push_token, "Ann").await;
        world.open_app(&ben).await;
        let unknown = accept(&world, &cleo, &json!("AAAAAA")).await;
        let unknown = (unknown.status, unknown.body);
        for (who, invitation) in [(&ann, &of_ben), (&ben, &of_ann)] {
            let refused = accept(&world, who, &invitation["code"]).await;
            assert_eq!((refused.status, refused.body), unknown);
            // It counts as any wrong code does: otherwise the eleventh would tell.
            let tries = "select count(*) from data.invitation_tries where user_id = $1";
            assert_eq!(world.number(tries, &[&who.id]).await, 1);
            let trail = "select count(*) from audit.events where action = 'invitation.wrong_code' and subject_user_id = $1";
            assert_eq!(world.number(trail, &[&who.id]).await, 1);
        }
        // To its sender an invitation looks as it did, and so do new ones.
        assert_eq!(world.get(&ben, "/v1/invitations").await.expect(200)["items"][0], of_ben);
        world.advance("10 minutes").await;
        let differs = ["id", "code", "created_at", "sent_at", "expires_at", "address"];
        let body = |to: &Person| json!({"invitee_becomes": "member", "name": "X", "address": email(&to.email)});
        let silent = world.post(&ben, "/v1/invitations", body(&ann)).await;
        let (silent_id, silent_code) = (silent.body["id"].clone(), silent.body["code"].clone());
        let real = world.post(&ben, "/v1/invitations", body(&cleo)).await;
        assert_eq!(shape(silent, &differs), shape(real, &differs));
        world.expect_message(Channel::Email, &cleo.email, "Ben").await;
        let refused = accept(&world, &ann, &silent_code).await;
        assert_eq!((refused.status, refused.body), unknown);
        // It is paced as any other, and resending it works as silently.
        world.post(&ben, "/v1/invitations", body(&ann)).await.refused(409, "already-invited");
        let resend = format!("/v1/invitations/{}/resend", silent_id.as_str().unwrap());
        world.post(&ben, &resend, Value::Null).await.refused(429, "too-many-invitations");
        world.advance("10 minutes").await;
        world.post(&ben, &resend, Value::Null).await.expect(200);
        // The other way as well.
        let silent = json!({"invitee_becomes": "contact", "name": "X", "address": email(&ben.email)});
        world.post(&ann, "/v1/invitations", silent).await.expect(201);
        world.settle().await;
        let to = |who: &Person| world.count(Channel::Email, &who.email, "");
        assert_eq!((to(&ann), to(&ben)), (1, 1), "only what was sent before the block");
        let same = "select count(distinct d.n) from (select count(*) as n from data.notifications n join data.deliveries d on d.notification_id = n.id where n.kind = 'invitation' group by n.id) d";
        assert_eq!(world.number(same, &[]).await, 1, "the database does the same work");

        // What was open at the moment of the block stays dead after it; what came later can be sent now.
        unblock(&world, &ann, &ben).await.expect(204);
        for (who, invitation) in [(&ann, &of_ben), (&ben, &of_ann)] {
            let refused = accept(&world, who, &invitation["code"]).await;
            assert_eq!((refused.status, refused.body), unknown);
        }
        assert_eq!(connections(&world).await, 0);
        world.advance("10 minutes").await;
        world.post(&ben, &resend, Value::Null).await.expect(200);
        world.expect_message(Channel::Email, &ann.email, silent_code.as_str().unwrap()).await;
        accept(&world, &ann, &silent_code).await.expect(200);
        told(&world, [(&ann, &ben), (&ben, &ann)]).await;
        world
    })
    .await;
}

/// R3.3, R6.4: an alert that the blocked one had is nobody's, and the others hear of it.
#[tokio::test]
async fn r3_3_an_alert_of_a_blocked_contact_is_released() {
    world(|world| async move {
        let (ann, ben, cleo) = (world.person("Ann").await, world.person("Ben").await, world.person("Cleo").await);
        world.connect(&ann, &ben).await;
        world.connect(&ann, &cleo).await;
        world.travel_to("2027-03-01T08:00:00Z").await;
        world.schedule(&ann, "09:00", "UTC").await;
        world.travel_to("2027-03-01T09:10:00Z").await;
        for contact in [&ben, &cleo] {
            world.expect_on_all_channels(contact, "Ann").await;
        }
        let alert = world.get(&ben, "/v1/alerts").await.expect(200)["items"][0]["id"].clone();
        let path = format!("/v1/alerts/{}", alert.as_str().unwrap());
        world.post(&ben, &format!("{path}/acknowledge"), json!({})).await.expect(200);
        for person in [&ann, &cleo] {
            world.expect_message(Channel::Push, &person.push_token, "Ben").await;
            world.open_app(person).await;
        }
        block(&world, &ann, ben.id).await.expect(201);
        world.expect_message(Channel::Push, &ben.push_token, "Ann").await;
        world.open_app(&ben).await;
        assert_eq!(world.get(&ann, &path).await.expect(200)["state"], "open");
        world.get(&ben, &path).await.refused(404, "not-found");
        world.expect_on_all_channels(&cleo, "Ann").await;
        world
    })
    .await;
}

/// R3.3: a block and an acceptance at one moment: whichever is last, the two are not connected.
#[tokio::test]
async fn r3_3_a_block_wins_over_an_acceptance_at_the_same_moment() {
    world(|world| async move {
        let (ann, ben) = (world.person("Ann").await, world.person("Ben").await);
        world.connect(&ann, &ben).await;
        let invitation = invite(&world, &ben, &ann, "contact").await;
        let (blocked, accepted) = tokio::join!(block(&world, &ann, ben.id), accept(&world, &ann, &invitation["code"]));
        blocked.expect(201);
        assert!([200, 404].contains(&accepted.status), "{accepted:#?}");
        assert_eq!(connections(&world).await, 0);
        if accepted.status == 200 {
            world.expect_message(Channel::Push, &ann.push_token, "Ben").await;
            world.expect_message(Channel::Push, &ben.push_token, "Ann").await;
            world.expect_message(Channel::Push, &ben.push_token, "Ann").await;
            world.expect_message(Channel::Push, &ben.push_token, "Ann").await;
        } else {
            world.expect_message(Channel::Push, &ben.push_token, "Ann").await;
        }
        world.open_app(&ann).await;
        world.open_app(&ben).await;
        world
    })
    .await;
}

/// R3.1, R3.3: a login of the server that has taken a user's role connects, blocks and unblocks nobody for somebody else.
#[tokio::test]
async fn r3_3_no_insert_or_update_of_a_row_blocks_for_somebody_else() {
    world(|world| async move {
        let (ann, ben, eve) = (world.person("Ann").await, world.person("Ben").await, world.person("Eve").await);
        world.connect(&ann, &ben).await;
        world.connect(&ann, &eve).await;
        block(&world, &ann, eve.id).await.expect(201);
        world.expect_message(Channel::Push, &eve.push_token, "Ann").await;
        world.open_app(&eve).await;
        world
            .call(reqwest::Method::PATCH, &format!("/v1/members/{}", ann.id), Some(&ben.token), &[], Some(&json!({"nickname": "Annie"})))
            .await
            .expect(200);
        let invitation = invite(&world, &ann, &ben, "member").await;
        let tables = ["connections", "blocks", "watch_settings", "invitations"];
        let contents = async || {
            let mut all = Vec::new();
            for table in tables {
                all.push(world.admin_json(&format!("select t.* from data.{table} t order by t::text")).await);
            }
            all
        };
        let before = contents().await;
        for (who, role) in [(ann.id, "pruuf_user"), (ben.id, "pruuf_user"), (eve.id, "pruuf_user"), (eve.id, "pruuf_anon"), (eve.id, "pruuf_staff"), (eve.id, "pruuf_billing")] {
            let session = world.db.session_as(role, Some(who)).await;
            let other = if who == ann.id { ben.id } else { ann.id };
            for sql in [
                // A connection that was never accepted.
                format!("insert into data.connections (member_id, contact_id, connected_at) values ('{who}', '{other}', now())"),
                format!("insert into data.connections (member_id, contact_id, connected_at) values ('{other}', '{who}', now())"),
                format!("insert into data.connections (id, member_id, contact_id, invitation_id, tier, connected_at) values (gen_random_uuid(), '{other}', '{who}', '{}', 'primary', now())", invitation["id"].as_str().unwrap()),
                "update data.connections set ended_at = null, ended_by = null".to_owned(),
                "update data.connections set ended_at = null where ended_at is not null".to_owned(),
                format!("update data.connections set ended_by = '{who}' where ended_at is not null"),
                format!("update data.connections set ended_by = '{other}', ended_at = now()"),
                format!("update data.connections set contact_id = '{who}'"),
                format!("update data.connections set member_id = '{who}'"),
                "update data.connections set tier = 'backup'".to_owned(),
                format!("update data.connections set invitation_id = '{}'", invitation["id"].as_str().unwrap()),
                // An invitation that somebody else was to accept.
                format!("update data.invitations set accepted_by = '{who}'"),
                format!("update data.invitations set state = 'accepted', accepted_by = '{who}', accepted_at = now()"),
                format!("update data.invitations set inviter_id = '{who}'"),
                "update data.invitations set sent_at = '2000-01-01'".to_owned(),
                "update data.invitations set expires_at = 'infinity'".to_owned(),
                // Blocks of others.
                format!("insert into data.blocks (blocker_id, blocked_id) values ('{other}', '{who}')"),
                format!("update data.blocks set unblocked_at = now() where blocker_id <> '{who}'"),
                format!("update data.blocks set blocker_id = '{who}'"),
                format!("update data.blocks set blocked_id = '{who}'"),
                "update data.blocks set blocked_at = 'infinity'".to_owned(),
                "delete from data.blocks".to_owned(),
                // How others watch.
                format!("insert into data.watch_settings (contact_id, member_id, mutes_routine) values ('{other}', '{who}', true)"),
                format!("update data.watch_settings set mutes_routine = true where contact_id <> '{who}'"),
                format!("update data.watch_settings set contact_id = '{who}'"),
                format!("update data.watch_settings set member_id = '{who}'"),
                "update data.watch_settings set digest_at = now()".to_owned(),
                "delete from data.watch_settings".to_owned(),
            ] {
                let changed = session.execute(&sql, &[]).await;
                assert!(changed.as_ref().map_or(true, |rows| *rows == 0), "{role} {who}: {sql}: {changed:?}");
            }
        }
        assert_eq!(contents().await, before);
        world
    })
    .await;
}
