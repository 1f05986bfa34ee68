//! Addresses and devices (R7.6).

use pruuf::dev::fakes::Channel;
use serde_json::{Value, json};

use crate::support::accounts::{PIN, email};
use crate::support::world;

#[tokio::test]
async fn r7_6_an_address_is_used_once_its_code_came_back() {
    world(|world| async move {
        let (ann, _) = world.account("Ann", "ann@example.org").await;
        let body = json!({"address": {"kind": "phone", "value": "+64211234567"}});
        let added = world.post(&ann, "/v1/me/addresses", body.clone()).await.expect(201);
        assert_eq!(added["verified_at"], Value::Null);
        let code = world.code(Channel::Sms, "+64211234567", 1).await;
        let path = format!("/v1/me/addresses/{}", added["id"].as_str().unwrap());
        // Another user can neither prove nor remove it.
        let ben = world.person("Ben").await;
        world.post(&ben, &format!("{path}/verify"), json!({"code": code})).await.refused(404, "not-found");
        world.delete(&ben, &path).await.refused(404, "not-found");
        world.post(&ann, "/v1/me/addresses", body.clone()).await.refused(429, "too-many-codes");
        for left in (0..4).rev().map(|left| left + 1) {
            let wrong = if code == "000000" { "000001" } else { "000000" };
            let refused =
                world.post(&ann, &format!("{path}/verify"), json!({"code": wrong})).await.refused(422, "code-wrong");
            assert_eq!(refused["tries_left"], left);
        }
        let proved = world.post(&ann, &format!("{path}/verify"), json!({"code": code})).await.expect(200);
        assert!(proved["verified_at"].is_string());
        world.expect_message(Channel::Email, "ann@example.org", "An address was added").await;
        // Asked again it is the same; added again as well, and no code goes out.
        assert_eq!(world.post(&ann, &format!("{path}/verify"), json!({"code": "000000"})).await.expect(200), proved);
        assert_eq!(world.post(&ann, "/v1/me/addresses", body).await.expect(201), proved);
        // It signs in.
        let address = json!({"kind": "phone", "value": "+64211234567"});
        world.post_as_nobody("/v1/auth/sessions", json!({"address": address, "pin": PIN})).await.expect(201);
        // A code is used once: it is no ticket for the account afterwards.
        let body = json!({"address": address, "code": code});
        world.post_as_nobody("/v1/auth/codes/verify", body).await.refused(422, "code-expired");
        world
    })
    .await;
}

#[tokio::test]
async fn r7_6_that_an_address_belongs_to_another_account_is_told_only_to_the_holder_of_its_code() {
    world(|world| async move {
        let (ann, _) = world.account("Ann", "ann@example.org").await;
        world.account("Ben", "ben@example.org").await;
        world.advance("2 minutes").await;
        let added =
            world.post(&ann, "/v1/me/addresses", json!({"address": email("ben@example.org")})).await.expect(201);
        let path = format!("/v1/me/addresses/{}", added["id"].as_str().unwrap());
        let code = world.code(Channel::Email, "ben@example.org", 2).await;
        world.post(&ann, &format!("{path}/verify"), json!({"code": code})).await.refused(409, "address-taken");
        // It signs nobody in as Ann, and nothing but the code went to it.
        let session = world.sign_in("ben@example.org", PIN).await.expect(201);
        assert_ne!(session["user_id"], json!(ann.id));
        world.delete(&ann, &path).await.expect(204);
        world
    })
    .await;
}

#[tokio::test]
async fn r7_6_the_last_verified_address_stays() {
    world(|world| async move {
        let (ann, _) = world.account("Ann", "ann@example.org").await;
        let list = world.get(&ann, "/v1/me/addresses").await.expect(200);
        let first = format!("/v1/me/addresses/{}", list["items"][0]["id"].as_str().unwrap());
        world.delete(&ann, &first).await.refused(409, "last-address");
        let added =
            world.post(&ann, "/v1/me/addresses", json!({"address": email("two@example.org")})).await.expect(201);
        let second = format!("/v1/me/addresses/{}", added["id"].as_str().unwrap());
        let code = world.code(Channel::Email, "two@example.org", 1).await;
        // One that is not proved is none.
        world.delete(&ann, &first).await.refused(409, "last-address");
        world.post(&ann, &format!("{second}/verify"), json!({"code": code})).await.expect(200);
        world.expect_message(Channel::Email, "ann@example.org", "An address was added").await;
        world.advance("25 hours").await;
        // Both at once: one stays, and both hear of it.
        let (one, other) = futures_util::join!(world.delete(&ann, &first), world.delete(&ann, &second));
        let mut statuses = [one.status, other.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [204, 409]);
        assert_eq!(world.get(&ann, "/v1/me/addresses").await.expect(200)["items"].as_array().unwrap().len(), 1);
        let (removed, stays) = if one.status == 204 { ("ann", "two") } else { ("two", "ann") };
        world.expect_message(Channel::Email, &format!("{removed}@example.org"), "This address was removed").await;
        world.expect_message(Channel::Email, &format!("{stays}@example.org"), "An address was removed").await;
        world
    })
    .await;
}

/// R2.3: whoever holds a signed-in phone for a minute cannot make the account their own.
#[tokio::test]
async fn r2_3_an_added_address_takes_no_account_over_before_its_owner_could_hear_of_it() {
    world(|world| async move {
        let (ann, _) = world.account("Ann", "ann@example.org").await;
        let list = world.get(&ann, "/v1/me/addresses").await.expect(200);
        let first = format!("/v1/me/addresses/{}", list["items"][0]["id"].as_str().unwrap());
        let body = json!({"address": email("thief@example.org")});
        let added = world.post(&ann, "/v1/me/addresses", body).await.expect(201);
        let code = world.code(Channel::Email, "thief@example.org", 1).await;
        let verify = format!("/v1/me/addresses/{}/verify", added["id"].as_str().unwrap());
        world.post(&ann, &verify, json!({"code": code})).await.expect(200);
        world.expect_message(Channel::Email, "ann@example.org", "An address was added").await;
        world.delete(&ann, &first).await.refused(409, "last-address");
        world.advance("61 seconds").await;
        let ticket = world.ticket("thief@example.org", 1).await;
        let recover = json!({"ticket": ticket, "pin": "3816"});
        world.post_as_nobody("/v1/auth/pin", recover.clone()).await.refused(409, "address-too-new");
        world.sign_in("ann@example.org", PIN).await.expect(201);
        // After a day it is an address like any other.
        world.advance("24 hours").await;
        let ticket = world.ticket("thief@example.org", 2).await;
        world.post_as_nobody("/v1/auth/pin", json!({"ticket": ticket, "pin": "3816"})).await.expect(200);
        for place in ["ann@example.org", "thief@example.org"] {
            world.expect_message(Channel::Email, place, "PIN was changed").await;
        }
        world
    })
    .await;
}

#[tokio::test]
async fn r7_6_a_user_has_at_most_ten_addresses() {
    world(|world| async move {
        let ann = world.person("Ann").await;
        let add = |nth: usize| json!({"address": email(&format!("ann{nth}@example.net"))});
        // With the two that she has; at once is no way around it.
        let (world_ref, ann_ref) = (&world, &ann);
        let replies = futures_util::future::join_all(
            (0..12).map(|nth| async move { world_ref.post(ann_ref, "/v1/me/addresses", add(nth)).await }),
        )
        .await;
        assert_eq!(replies.iter().filter(|reply| reply.status == 201).count(), 8);
        for (nth, reply) in replies.into_iter().enumerate() {
            if reply.status == 201 {
                world.code(Channel::Email, &format!("ann{nth}@example.net"), 1).await;
            } else {
                assert_eq!(reply.refused(409, "too-many-addresses")["detail"], "A user has at most 10 addresses.");
            }
        }
        // One that is there already can still get its code anew.
        let list = world.get(&ann, "/v1/me/addresses").await.expect(200);
        let last = list["items"].as_array().unwrap().last().unwrap();
        world.advance("2 minutes").await;
        let again = json!({"address": {"kind": "email", "value": last["value"]}});
        world.post(&ann, "/v1/me/addresses", again).await.expect(201);
        world.code(Channel::Email, last["value"].as_str().unwrap(), 2).await;
        world.delete(&ann, &format!("/v1/me/addresses/{}", last["id"].as_str().unwrap())).await.expect(204);
        world.post(&ann, "/v1/me/addresses", add(99)).await.expect(201);
        world.code(Channel::Email, "ann99@example.net", 1).await;
        world
    })
    .await;
}

#[tokio::test]
async fn r7_6_what_is_no_address_is_refused_at_its_place() {
    world(|world| async move {
        let ann = world.person("Ann").await;
        let long = format!("{}@example.org", "x".repeat(250));
        for (kind, value) in [
            ("email", ""),
            ("email", "ann"),
            ("email", "ann@"),
            ("email", "@example.org"),
            ("email", "a b@example.org"),
            ("email", "ann@example.org\r\nBcc: eve@example.org"),
            ("email", "ann@example.org,eve@example.org"),
            ("email", "ann\u{0}@example.org"),
            ("email", &long),
            ("phone", ""),
            ("phone", "211234567"),
            ("phone", "+0211234567"),
            ("phone", "+64 21 123"),
            ("phone", "+641234567890123456"),
            ("phone", "+6421\u{0}1234"),
            ("phone", "+٦٤٢١١٢٣٤٥٦"),
        ] {
            let address = json!({"address": {"kind": kind, "value": value}});
            for refused in [
                world.post(&ann, "/v1/me/addresses", address.clone()).await,
                world.post_as_nobody("/v1/auth/codes", address).await,
            ] {
                assert_eq!(refused.refused(422, "invalid")["errors"][0]["pointer"], "/address/value", "{value:?}");
            }
        }
        world
    })
    .await;
}

#[tokio::test]
async fn r7_6_ten_devices_a_user_the_oldest_goes_and_a_token_moves() {
    world(|world| async move {
        let (ann, _) = world.account("Ann", "ann@example.org").await;
        let (ben, _) = world.account("Ben", "ben@example.org").await;
        let ids: Vec<uuid::Uuid> = (0..11).map(|_| uuid::Uuid::new_v4()).collect();
        for (nth, id) in ids.iter().enumerate() {
            let body = json!({"platform": "android", "push_token": format!("t{nth}")});
            world.put(&ann, &format!("/v1/me/devices/{id}"), body).await.expect(200);
            // One that is registered anew is not the oldest any more.
            if nth == 5 {
                world
                    .put(&ann, &format!("/v1/me/devices/{}", ids[0]), json!({"platform": "ios", "push_token": "t0"}))
                    .await
                    .expect(200);
            }
        }
        let left = "select count(*) from data.devices where user_id = $1";
        assert_eq!(world.number(left, &[&ann.id]).await, 10);
        let gone = world
            .row(
                "select array_agg(t) as gone from unnest($1::uuid[]) t where t not in (select id from data.devices)",
                &[&ids],
            )
            .await;
        assert_eq!(gone["gone"], json!([ids[1]]));
        // Another user cannot take a device by its id, nor remove it.
        let path = format!("/v1/me/devices/{}", ids[3]);
        world.put(&ben, &path, json!({"platform": "ios", "push_token": "bens"})).await.refused(404, "not-found");
        world.delete(&ben, &path).await.refused(404, "not-found");
        // The phone changes hands: its token is one device.
        let path = format!("/v1/me/devices/{}", uuid::Uuid::new_v4());
        world.put(&ben, &path, json!({"platform": "android", "push_token": "t3"})).await.expect(200);
        assert_eq!(world.number(left, &[&ann.id]).await, 9);
        assert_eq!(
            world
                .number("select count(*) from data.devices where push_token = 't3' and user_id = $1", &[&ben.id])
                .await,
            1
        );
        world.delete(&ben, &path).await.expect(204);
        world.delete(&ben, &path).await.refused(404, "not-found");
        for token in ["", &"x".repeat(4097)] {
            let refused = world
                .put(&ben, &path, json!({"platform": "android", "push_token": token}))
                .await
                .refused(422, "invalid");
            assert_eq!(refused["errors"][0]["pointer"], "/push_token");
        }
        world
    })
    .await;
}
