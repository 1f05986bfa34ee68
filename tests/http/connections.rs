//! Who watches whom (rules: section 3).

use futures_util::future::join_all;
use pruuf::dev::fakes::{Behaviour, Channel};
use serde_json::{Value, json};

use crate::support::accounts::email;
use crate::support::{Person, Reply, World, world};

pub async fn invite(world: &World, from: &Person, to: &Person, becomes: &str) -> Value {
    // So that the inviter may write to this address, whenever they did last.
    world.advance("10 minutes").await;
    let body = json!({"invitee_becomes": becomes, "name": to.name, "address": email(&to.email)});
    let invitation = world.post(from, "/v1/invitations", body).await.expect(201);
    world.expect_message(Channel::Email, &to.email, invitation["code"].as_str().unwrap()).await;
    invitation
}

pub async fn accept(world: &World, who: &Person, code: &Value) -> Reply {
    world.post(who, "/v1/invitations/accept", json!({"code": code})).await
}

/// Both are told by push, and have seen it.
pub async fn told(world: &World, people: [(&Person, &Person); 2]) {
    for (reader, other) in people {
        world.expect_message(Channel::Push, &reader.push_token, &other.name).await;
        world.open_app(reader).await;
    }
}

pub async fn connect(world: &World, member: &Person, contact: &Person) {
    let invitation = invite(world, member, contact, "contact").await;
    accept(world, contact, &invitation["code"]).await.expect(200);
    told(world, [(member, contact), (contact, member)]).await;
}

pub async fn connections(world: &World) -> i64 {
    world.number("select count(*) from data.connections where ended_at is null", &[]).await
}

#[tokio::test]
async fn r3_1_either_side_invites_and_both_must_act() {
    world(|world| async move {
        let (ann, ben) = (world.person("Ann").await, world.person("Ben").await);
        for (inviter, invitee, becomes) in [(&ann, &ben, "contact"), (&ann, &ben, "member")] {
            let before = connections(&world).await;
            let invitation = invite(&world, inviter, invitee, becomes).await;
            let code = invitation["code"].as_str().unwrap();
            assert!(
                code.len() == 6 && code.chars().all(|letter| "ABCDEFGHJKMNPQRSTUVWXYZ23456789".contains(letter)),
                "{code}"
            );
            assert_eq!((connections(&world).await, &invitation["state"]), (before, &json!("pending")));
            // The code as people type it, and twice: the same answer, one connection.
            let typed = json!(format!(" {} {} ", code[..3].to_lowercase(), &code[3..]));
            let first = accept(&world, invitee, &typed).await.expect(200);
            assert_eq!((&first["you_are"], &first["other"]["name"]), (&json!(becomes), &json!("Ann")));
            assert_eq!(accept(&world, invitee, &json!(code)).await.expect(200), first);
            assert_eq!(connections(&world).await, before + 1);
            told(&world, [(inviter, invitee), (invitee, inviter)]).await;
            assert_eq!(world.get(inviter, "/v1/invitations").await.expect(200)["items"][0]["state"], "accepted");
        }
        // R1.1 two may watch each other.
        for person in [&ann, &ben] {
            let me = world.get(person, "/v1/me").await.expect(200);
            assert_eq!((&me["contacts"], &me["members"]), (&json!(1), &json!(1)));
        }
        // Already connected: an invitation more changes nothing.
        let again = invite(&world, &ann, &ben, "contact").await;
        accept(&world, &ben, &again["code"]).await.expect(200);
        assert_eq!(connections(&world).await, 2);
        world
    })
    .await;
}

#[tokio::test]
async fn r3_1_an_invitation_is_accepted_by_one_in_time_and_not_by_its_sender() {
    world(|world| async move {
        let (ann, ben, cleo) = (world.person("Ann").await, world.person("Ben").await, world.person("Cleo").await);
        let own = json!({"invitee_becomes": "contact", "name": "Me", "address": email(&ann.email)});
        world.post(&ann, "/v1/invitations", own).await.refused(422, "own-address");
        let invitation = invite(&world, &ann, &ben, "contact").await;
        accept(&world, &ann, &invitation["code"]).await.refused(404, "invitation-unknown");
        // Two at once: one gets it.
        let replies = join_all([&ben, &cleo].map(|who| accept(&world, who, &invitation["code"]))).await;
        assert_eq!(replies.iter().filter(|reply| reply.status == 200).count(), 1, "{replies:#?}");
        assert_eq!(connections(&world).await, 1);
        let winner = if replies[0].status == 200 { &ben } else { &cleo };
        told(&world, [(&ann, winner), (winner, &ann)]).await;

        let revoked = invite(&world, &ann, &ben, "member").await;
        let path = format!("/v1/invitations/{}", revoked["id"].as_str().unwrap());
        world.delete(&ben, &path).await.refused(404, "not-found");
        world.delete(&ann, &path).await.expect(204);
        world.delete(&ann, &path).await.refused(404, "not-found");
        accept(&world, &ben, &revoked["code"]).await.refused(404, "invitation-unknown");

        let old = invite(&world, &ann, &cleo, "member").await;
        world.advance("30 days").await;
        accept(&world, &cleo, &old["code"]).await.refused(404, "invitation-unknown");
        let states = world.get(&ann, "/v1/invitations").await.expect(200);
        assert_eq!(
            (&states["items"][0]["state"], &states["items"][1]["state"]),
            (&json!("expired"), &json!("revoked"))
        );
        // R3.2 nobody reads the invitations, and so the codes, of others.
        assert_eq!(world.get(&ben, "/v1/invitations").await.expect(200)["items"], json!([]));
        assert_eq!(connections(&world).await, 1);
        world
    })
    .await;
}

/// R3.1: no insert or update of a row connects anybody, whatever role the server has taken.
#[tokio::test]
async fn r3_1_no_insert_or_update_of_a_row_connects_anybody() {
    world(|world| async move {
        let (ann, ben) = (world.person("Ann").await, world.person("Ben").await);
        world.connect(&ann, &ben).await;
        world.delete(&ann, &format!("/v1/me/contacts/{}", ben.id)).await.expect(204);
        world.expect_message(Channel::Push, &ben.push_token, "Ann").await;
        world.open_app(&ben).await;
        for (role, who) in [("pruuf_user", Some(ben.id)), ("pruuf_user", Some(ann.id)), ("pruuf_anon", None), ("pruuf_worker", None), ("pruuf_staff", None), ("pruuf_billing", None)] {
            let session = world.db.session_as(role, who).await;
            for sql in [
                format!("insert into data.connections (member_id, contact_id, connected_at) values ('{}', '{}', now())", ann.id, ben.id),
                "update data.connections set ended_at = null, ended_by = null".to_owned(),
                "update data.connections set contact_id = member_id".to_owned(),
                "update data.connections set tier = 'backup'".to_owned(),
                "delete from data.connections".to_owned(),
                format!("insert into data.invitations (id, inviter_id, invitee_becomes, name, kind, lookup, sealed, code_hash, created_at, expires_at) values (gen_random_uuid(), '{}', 'contact', 'x', 'email', 'a', 'a', 'a', now(), now())", ann.id),
                "update data.invitations set state = 'accepted', accepted_at = now()".to_owned(),
            ] {
                let changed = session.execute(&sql, &[]).await;
                assert!(changed.as_ref().map_or(true, |rows| *rows == 0), "{role}: {sql}: {changed:?}");
            }
        }
        assert_eq!(connections(&world).await, 0);
        world
    })
    .await;
}

#[tokio::test]
async fn r3_2_ten_wrong_codes_an_hour_and_every_one_audited() {
    world(|world| async move {
        let (ann, ben) = (world.person("Ann").await, world.person("Ben").await);
        let invitation = invite(&world, &ann, &ben, "contact").await;
        let garbage =
            ["AAAAAA", "", "' or true --", "\u{0}", "O0I1L1", "💥", &"X".repeat(50_000), "222222", "333333", "444444"];
        for code in garbage {
            accept(&world, &ben, &json!(code)).await.refused(404, "invitation-unknown");
        }
        let refused = accept(&world, &ben, &invitation["code"]).await;
        let wait: u32 = refused.headers["retry-after"].to_str().unwrap().parse().unwrap();
        assert!((3500..=3600).contains(&wait), "{wait}");
        refused.refused(429, "too-many-tries");
        let audited =
            "select count(*) from audit.events where action = 'invitation.wrong_code' and subject_user_id = $1";
        assert_eq!(world.number(audited, &[&ben.id]).await, 10);
        world.advance("59 minutes").await;
        accept(&world, &ben, &invitation["code"]).await.refused(429, "too-many-tries");
        world.advance("1 minute").await;
        accept(&world, &ben, &invitation["code"]).await.expect(200);
        told(&world, [(&ann, &ben), (&ben, &ann)]).await;
        // At once is no way around it.
        let codes: Vec<Value> = (0..20).map(|nth| json!(format!("CODE{nth:02}"))).collect();
        let replies = join_all(codes.iter().map(|code| accept(&world, &ann, code))).await;
        assert_eq!(replies.iter().filter(|reply| reply.status == 404).count(), 10);
        world
    })
    .await;
}

#[tokio::test]
async fn r3_3_either_side_ends_it_the_other_is_told_and_they_can_connect_again() {
    world(|world| async move {
        let (ann, ben) = (world.person("Ann").await, world.person("Ben").await);
        for side in ["member", "contact"] {
            connect(&world, &ann, &ben).await;
            let (path, ender, other) = if side == "member" {
                (format!("/v1/me/contacts/{}", ben.id), &ann, &ben)
            } else {
                (format!("/v1/members/{}", ann.id), &ben, &ann)
            };
            world.delete(ender, &path).await.expect(204);
            // A Member whose last Contact leaves must hear what that means.
            let words = if side == "contact" { "Nobody will be told now" } else { "Ann has ended your connection" };
            world.expect_message(Channel::Push, &other.push_token, words).await;
            world.open_app(other).await;
            world.delete(ender, &path).await.refused(404, "not-found");
            world.get(&ben, &format!("/v1/members/{}", ann.id)).await.refused(404, "not-found");
            assert_eq!(world.get(&ann, "/v1/me/contacts").await.expect(200)["items"], json!([]));
        }
        // The code of a connection that ended does not bring it back.
        let invitation = invite(&world, &ann, &ben, "contact").await;
        accept(&world, &ben, &invitation["code"]).await.expect(200);
        told(&world, [(&ann, &ben), (&ben, &ann)]).await;
        world.delete(&ann, &format!("/v1/me/contacts/{}", ben.id)).await.expect(204);
        world.expect_message(Channel::Push, &ben.push_token, "Ann").await;
        world.open_app(&ben).await;
        accept(&world, &ben, &invitation["code"]).await.refused(404, "invitation-unknown");
        world
    })
    .await;
}

/// R3.3, R6.5: what a former Contact has not heard of an alert they hear no more; and they see it no more.
#[tokio::test]
async fn r3_3_a_former_contact_hears_and_sees_nothing_of_the_alert() {
    world(|world| async move {
        let (ann, ben) = (world.person("Ann").await, world.person("Ben").await);
        world.connect(&ann, &ben).await;
        world.travel_to("2027-03-01T08:00:00Z").await;
        world.schedule(&ann, "09:00", "UTC").await;
        for (channel, to) in ben.places() {
            let status = if channel == Channel::Email { 451 } else { 503 };
            world.fakes.set(channel, Some(&to), Behaviour::fail(status, "unavailable"));
        }
        world.travel_to("2027-03-01T09:10:00Z").await;
        world.eventually("the alert is raised and tried", "select count(*) = 3 from data.deliveries where attempts > 0 and state = 'pending'", &[]).await;
        let alert = world.get(&ben, "/v1/alerts").await.expect(200)["items"][0]["id"].clone();
        world.delete(&ben, &format!("/v1/members/{}", ann.id)).await.expect(204);
        world.expect_message(Channel::Push, &ann.push_token, "Ben").await;
        world.expect_on_all_channels(&ann, "might reach nobody").await;
        world.open_app(&ann).await;
        world.fakes.behave();
        world.advance("2 hours").await;
        let left = "select count(*) from data.deliveries d join data.notifications n on n.id = d.notification_id where n.user_id = $1 and d.state <> 'cancelled'";
        assert_eq!(world.number(left, &[&ben.id]).await, 0);
        let path = format!("/v1/alerts/{}", alert.as_str().unwrap());
        world.get(&ben, &path).await.refused(404, "not-found");
        world.post(&ben, &format!("{path}/acknowledge"), json!({})).await.refused(404, "not-found");
        world.post(&ben, &format!("{path}/close"), json!({"outcome": "safe"})).await.refused(404, "not-found");
        assert_eq!(world.get(&ben, "/v1/alerts").await.expect(200)["items"], json!([]));
        assert_eq!(world.get(&ann, &path).await.expect(200)["state"], "open");
        world
    })
    .await;
}

#[tokio::test]
async fn r3_4_a_contact_sees_the_members_day_and_nothing_else_and_a_stranger_nothing() {
    world(|world| async move {
        let (ann, ben, eve) = (world.person("Ann").await, world.person("Ben").await, world.person("Eve").await);
        world.connect(&ann, &ben).await;
        world.schedule(&ann, "09:00", "Pacific/Auckland").await;
        let path = format!("/v1/members/{}", ann.id);
        let seen = world.get(&ben, &path).await.expect(200);
        let mut fields: Vec<&str> = seen.as_object().unwrap().keys().map(String::as_str).collect();
        fields.sort_unstable();
        assert!(
            fields.iter().all(|field| [
                "attestations",
                "connected_at",
                "coverage",
                "hears_of",
                "last_check_in_at",
                "mutes_routine",
                "name",
                "next",
                "open_alerts",
                "status",
                "user_id"
            ]
            .contains(field)),
            "{fields:?}"
        );
        for hidden in [&ann.email, &ann.phone, &ann.push_token] {
            assert!(!seen.to_string().contains(hidden.as_str()));
        }
        assert_eq!(world.get(&ben, "/v1/members").await.expect(200)["items"][0], seen);
        world.get(&ben, &format!("{path}/history")).await.expect(200);
        // The Member does not watch the Contact, and a stranger is told the same as of somebody who is not there.
        let nobody = world.get(&eve, &format!("/v1/members/{}", uuid::Uuid::now_v7())).await.refused(404, "not-found");
        for (who, other) in [(&ann, &ben), (&eve, &ann), (&eve, &eve), (&ben, &eve)] {
            assert_eq!(world.get(who, &format!("/v1/members/{}", other.id)).await.refused(404, "not-found"), nobody);
            world.get(who, &format!("/v1/members/{}/history", other.id)).await.refused(404, "not-found");
            world.delete(who, &format!("/v1/members/{}", other.id)).await.refused(404, "not-found");
        }
        assert_eq!(world.get(&eve, "/v1/members").await.expect(200)["items"], json!([]));
        assert_eq!(world.get(&eve, "/v1/me/contacts").await.expect(200)["items"], json!([]));
        // Beneath the API it is the same: a user's role reads its own rows and those it is linked to.
        let session = world.db.session_as("pruuf_user", Some(eve.id)).await;
        for table in [
            "users",
            "addresses",
            "schedules",
            "check_ins",
            "obligations",
            "connections",
            "invitations",
            "alerts",
            "notifications",
        ] {
            let columns = if table == "users" { "id" } else { "1" };
            let mut seen =
                session.query(&format!("select {columns} from data.{table}"), &[]).await.unwrap_or_default().len();
            if ["users", "addresses"].contains(&table) {
                seen = seen.saturating_sub(2);
            }
            assert_eq!(seen, 0, "{table}");
        }
        world
    })
    .await;
}

#[tokio::test]
async fn r1_1_nobody_watches_themselves_by_a_second_address_either() {
    world(|world| async move {
        let ann = world.person("Ann").await;
        // An address that becomes theirs after they invited it.
        let body = json!({"invitee_becomes": "contact", "name": "Me", "address": email("second@example.org")});
        let invitation = world.post(&ann, "/v1/invitations", body).await.expect(201);
        world.expect_message(Channel::Email, "second@example.org", "Ann").await;
        accept(&world, &ann, &invitation["code"]).await.refused(404, "invitation-unknown");
        assert_eq!(connections(&world).await, 0);
        world
    })
    .await;
}

#[tokio::test]
async fn r1_3_a_limit_is_named_and_changed_without_a_deploy() {
    world(|world| async move {
        let (ann, ben, cleo) = (world.person("Ann").await, world.person("Ben").await, world.person("Cleo").await);
        let set = |name: &'static str, value: i32| {
            let admin = &world.db.admin;
            async move {
                admin.batch_execute("set role pruuf_owner").await.unwrap();
                admin.query_one("select api.set_policy($1, $2, 'a test')", &[&name, &value]).await.unwrap();
                admin.batch_execute("reset role").await.unwrap();
            }
        };
        set("contacts_per_member", 1).await;
        connect(&world, &ann, &ben).await;
        let second = invite(&world, &ann, &cleo, "contact").await;
        let refused = accept(&world, &cleo, &second["code"]).await.refused(409, "too-many-contacts");
        assert_eq!(refused["detail"], "A Member has at most 1 Contacts.");
        set("contacts_per_member", 2).await;
        // What was refused can still be accepted.
        accept(&world, &cleo, &second["code"]).await.expect(200);
        told(&world, [(&ann, &cleo), (&cleo, &ann)]).await;
        set("members_per_contact", 1).await;
        let third = invite(&world, &ben, &cleo, "contact").await;
        let refused = accept(&world, &cleo, &third["code"]).await.refused(409, "too-many-members");
        assert_eq!(refused["detail"], "A Contact watches at most 1 Members.");
        // Many at once do not get past it.
        set("members_per_contact", 2).await;
        let dan = world.person("Dan").await;
        let fourth = invite(&world, &dan, &cleo, "contact").await;
        let replies = join_all([&third, &fourth].map(|invitation| accept(&world, &cleo, &invitation["code"]))).await;
        assert_eq!(replies.iter().filter(|reply| reply.status == 409).count(), 1);
        let other = if replies[0].status == 200 { &ben } else { &dan };
        told(&world, [(other, &cleo), (&cleo, other)]).await;
        let kept = world.number("select count(*) from data.policy_changes where changed_by <> ''", &[]).await;
        assert_eq!(kept, 4);
        world
    })
    .await;
}
