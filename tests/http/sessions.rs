//! Where somebody is signed in, their PIN and their name (R2.3, R2.4, R2.5).

use futures_util::future::join_all;
use pruuf::dev::fakes::Channel;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::accounts::{PIN, email};
use crate::support::{Person, Reply, World, world};

const NEW_PIN: &str = "3816";

async fn sign_in_on(world: &World, device: &str) -> Value {
    let body = json!({"address": email("ann@example.org"), "pin": PIN, "device_name": device});
    world.post_as_nobody("/v1/auth/sessions", body).await.expect(201)
}

/// The person of another of their sessions.
fn on(person: &Person, session: &Value) -> Person {
    Person { token: session["access_token"].as_str().unwrap().to_owned(), ..person.clone() }
}

fn path_of(session: &Value) -> String {
    format!("/v1/me/sessions/{}", session["session_id"].as_str().unwrap())
}

async fn devices(world: &World, who: &Person) -> Vec<String> {
    let list = world.get(who, "/v1/me/sessions").await.expect(200);
    list["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|session| session["device_name"].as_str().unwrap().to_owned())
        .collect()
}

async fn change_pin(world: &World, who: &Person, current: &str, new: &str) -> Reply {
    world.put(who, "/v1/me/pin", json!({"current_pin": current, "pin": new})).await
}

#[tokio::test]
async fn r2_5_a_user_sees_their_sessions_and_ends_any_or_all_of_them() {
    world(|world| async move {
        let (ann, phone) = world.account("Ann", "ann@example.org").await;
        world.advance("1 hour").await;
        let tablet = sign_in_on(&world, "tablet").await;
        let watch = sign_in_on(&world, "watch").await;
        let (ben, bens) = world.account("Ben", "ben@example.org").await;
        let list = world.get(&ann, "/v1/me/sessions").await.expect(200);
        assert_eq!(devices(&world, &ann).await, ["watch", "tablet", "phone"]);
        for (place, session) in [&watch, &tablet, &phone].into_iter().enumerate() {
            let item = &list["items"][place];
            assert_eq!((&item["id"], &item["last_ip"]), (&session["session_id"], &json!("127.0.0.1")));
            assert_eq!(item["is_current"], session["session_id"] == phone["session_id"]);
            assert_eq!(item["created_at"], item["last_used_at"]);
            let mut fields: Vec<&String> = item.as_object().unwrap().keys().collect();
            fields.sort_unstable();
            assert_eq!(fields, ["created_at", "device_name", "id", "is_current", "last_ip", "last_used_at"]);
        }
        let page = world.get(&ann, "/v1/me/sessions?limit=2").await.expect(200);
        let next = format!("/v1/me/sessions?cursor={}", page["next_cursor"].as_str().unwrap());
        assert_eq!(world.get(&ann, &next).await.expect(200)["items"], json!([list["items"][2]]));
        // A refresh is a use.
        world.advance("1 hour").await;
        let tablet = world.refresh(&tablet["refresh_token"]).await.expect(200);
        let used = &world.get(&ann, "/v1/me/sessions").await.expect(200)["items"][1];
        assert!(used["last_used_at"].as_str() > used["created_at"].as_str(), "{used}");

        // Nobody else sees or ends it.
        assert_eq!(devices(&world, &ben).await, ["phone"]);
        for who in [&ben, &world.person("Eve").await] {
            world.delete(who, &path_of(&tablet)).await.refused(404, "not-found");
        }
        world.delete(&ann, &path_of(&bens)).await.refused(404, "not-found");
        world.call(Method::DELETE, &path_of(&tablet), None, &[], None).await.refused(401, "not-signed-in");

        // One of them: at once, whatever tokens it has.
        world.delete(&ann, &path_of(&tablet)).await.expect(204);
        world.delete(&ann, &path_of(&tablet)).await.refused(404, "not-found");
        world.get(&on(&ann, &tablet), "/v1/me").await.refused(401, "not-signed-in");
        world.refresh(&tablet["refresh_token"]).await.refused(401, "refresh-token-invalid");
        assert_eq!(devices(&world, &ann).await, ["watch", "phone"]);
        // All others; then one's own.
        sign_in_on(&world, "laptop").await;
        assert_eq!(world.delete(&ann, "/v1/me/sessions").await.expect(200), json!({"count": 2}));
        assert_eq!(world.delete(&ann, "/v1/me/sessions").await.expect(200), json!({"count": 0}));
        world.get(&on(&ann, &watch), "/v1/me").await.refused(401, "not-signed-in");
        assert_eq!(devices(&world, &ann).await, ["phone"]);
        world.delete(&ann, &path_of(&phone)).await.expect(204);
        world.get(&ann, "/v1/me/sessions").await.refused(401, "not-signed-in");
        world.refresh(&phone["refresh_token"]).await.refused(401, "refresh-token-invalid");
        // What was ended by its user is no theft, and each is in the trail.
        let events = "select count(*) from audit.events where action = $1 and subject_user_id = $2";
        assert_eq!(world.number(events, &[&"session.theft", &ann.id]).await, 0);
        assert_eq!(world.number(events, &[&"session.ended", &ann.id]).await, 4);
        world.get(&ben, "/v1/me").await.expect(200);
        // One that nobody has used for so long that it cannot be refreshed is not listed.
        let mouldy = sign_in_on(&world, "mouldy").await;
        world.advance("90 days").await;
        let ann = on(&ann, &sign_in_on(&world, "new").await);
        assert_eq!(devices(&world, &ann).await, ["new"]);
        world.refresh(&mouldy["refresh_token"]).await.refused(401, "refresh-token-invalid");
        world
    })
    .await;
}

#[tokio::test]
async fn r2_5_a_new_pin_ends_every_other_session_and_the_user_is_told() {
    world(|world| async move {
        let (ann, phone) = world.account("Ann", "ann@example.org").await;
        let tablet = sign_in_on(&world, "tablet").await;
        let weak = change_pin(&world, &ann, PIN, "1234").await.refused(422, "weak-pin");
        assert_eq!(weak["errors"][0]["pointer"], "/pin");
        let wrong = change_pin(&world, &ann, "9999", NEW_PIN).await.refused(422, "pin-wrong");
        assert_eq!((&wrong["tries_left"], &wrong["errors"][0]["pointer"]), (&json!(4), &json!("/current_pin")));
        world.get(&on(&ann, &tablet), "/v1/me").await.expect(200);

        change_pin(&world, &ann, PIN, NEW_PIN).await.expect(204);
        world.expect_message(Channel::Email, "ann@example.org", "Your PIN was changed").await;
        world.get(&ann, "/v1/me").await.expect(200);
        world.refresh(&phone["refresh_token"]).await.expect(200);
        world.get(&on(&ann, &tablet), "/v1/me").await.refused(401, "not-signed-in");
        world.refresh(&tablet["refresh_token"]).await.refused(401, "refresh-token-invalid");
        // The count begins anew, and only the new PIN signs in.
        assert_eq!(world.sign_in("ann@example.org", PIN).await.refused(401, "sign-in-failed")["tries_left"], 4);
        world.sign_in("ann@example.org", NEW_PIN).await.expect(201);
        let events = "select count(*) from audit.events where action = 'pin.changed' and subject_user_id = $1 and actor_user_id = $1";
        assert_eq!(world.number(events, &[&ann.id]).await, 1);
        world.call(Method::PUT, "/v1/me/pin", None, &[], Some(&json!({"current_pin": NEW_PIN, "pin": PIN}))).await.refused(401, "not-signed-in");
        // Somebody without a PIN (there is no such account) is not told more than that.
        change_pin(&world, &world.person("Eve").await, PIN, NEW_PIN).await.refused(422, "pin-wrong");
        world
    })
    .await;
}

/// R2.3: a stolen access token tries no more PINs than a stranger may, and its tries are the sign-in's.
#[tokio::test]
async fn r2_3_wrong_current_pins_count_as_wrong_sign_ins_do() {
    world(|world| async move {
        let (ann, phone) = world.account("Ann", "ann@example.org").await;
        let guesses: Vec<String> = (0..12).map(|nth| format!("95{nth:02}")).collect();
        let replies = join_all(guesses.iter().map(|pin| change_pin(&world, &ann, pin, NEW_PIN))).await;
        assert_eq!(replies.iter().filter(|reply| reply.body["code"] == "pin-wrong").count(), 5);
        assert_eq!(replies.iter().filter(|reply| reply.body["code"] == "sign-in-locked").count(), 7);
        let last = replies.iter().find(|reply| reply.body["tries_left"] == 0).unwrap();
        assert!(last.body["locked_until"].is_string());
        let locked = change_pin(&world, &ann, PIN, NEW_PIN).await.refused(423, "sign-in-locked");
        assert_eq!(locked["locked_until"], last.body["locked_until"]);
        world.sign_in("ann@example.org", PIN).await.refused(423, "sign-in-locked");
        // The device itself goes on.
        world.post(&ann, "/v1/me/check-ins", json!({})).await.expect(201);
        let phone = world.refresh(&phone["refresh_token"]).await.expect(200);
        for _ in 0..2 {
            world.advance("30 minutes").await;
            for _ in 0..2 {
                change_pin(&world, &ann, "9876", NEW_PIN).await.refused(422, "pin-wrong");
            }
            for _ in 0..3 {
                world.sign_in("ann@example.org", "9876").await.refused(401, "sign-in-failed");
            }
        }
        world.advance("1 year").await;
        let locked = change_pin(&world, &ann, PIN, NEW_PIN).await.refused(423, "sign-in-locked");
        assert!(locked["locked_until"].is_null(), "{locked}");
        world.refresh(&phone["refresh_token"]).await.refused(401, "refresh-token-invalid");
        world
    })
    .await;
}

/// R2.4: the whole story of a theft, with two servers.
#[tokio::test]
async fn r2_4_a_stolen_refresh_token_puts_both_parties_out_tells_the_user_and_the_trail() {
    world(|mut world| async move {
        let ann = world.person("Ann").await;
        let token = pruuf::vault::new_token();
        let session: uuid::Uuid = world
            .db
            .admin
            .query_one(
                "with s as (insert into data.sessions (user_id, device_name, created_at, last_used_at) values ($1, 'phone', rules.clock(), rules.clock()) returning id),
                      t as (insert into data.refresh_tokens (token_hash, session_id, issued_at, expires_at) select $2, s.id, rules.clock(), rules.clock() + interval '90 days' from s)
                 select id from s",
                &[&ann.id, &pruuf::vault::token_hash(&token)],
            )
            .await
            .unwrap()
            .get(0);
        world.start_server().await;
        let refresh_at = |server: usize, token: Value| {
            let (http, address) = (world.http.clone(), world.servers[server].address);
            async move {
                let body = json!({"refresh_token": token});
                let answer = http.post(format!("http://{address}/v1/auth/sessions/refresh")).json(&body).send().await.unwrap();
                (answer.status().as_u16(), answer.json::<Value>().await.unwrap())
            }
        };
        // The thief copies the token. Within half a minute both servers take it for a lost answer.
        let stolen = json!(token);
        let (_, owners) = refresh_at(0, stolen.clone()).await;
        world.advance("29 seconds").await;
        let (status, again) = refresh_at(1, stolen.clone()).await;
        assert_eq!((status, &again["refresh_token"]), (200, &owners["refresh_token"]));
        // The owner goes on; the thief uses the copy at the other server.
        world.advance("2 seconds").await;
        let (_, owners) = refresh_at(0, owners["refresh_token"].clone()).await;
        let owner = on(&ann, &owners);
        world.get(&owner, "/v1/me").await.expect(200);
        let (status, refused) = refresh_at(1, stolen.clone()).await;
        assert_eq!((status, &refused["code"]), (401, &json!("refresh-token-invalid")));
        // Both are out, also with access tokens that live on for minutes.
        assert_eq!(refresh_at(0, owners["refresh_token"].clone()).await.0, 401);
        world.get(&owner, "/v1/me").await.refused(401, "not-signed-in");
        world.post(&owner, "/v1/me/check-ins", json!({})).await.refused(401, "not-signed-in");
        // The user is told, everywhere and once; their other device goes on.
        world.expect_on_all_channels(&ann, "was signed out").await;
        assert_eq!(refresh_at(1, stolen).await.0, 401);
        world.post(&ann, "/v1/me/check-ins", json!({})).await.expect(201);
        let told = world.get(&ann, "/v1/notifications").await.expect(200);
        assert_eq!(told["items"][0]["kind"], "session_theft");
        assert!(told["items"][0]["body"].as_str().unwrap().contains("Sign in again"));
        let trail = world
            .row("select count(*) as n, min(object_id::text) as session from audit.events where action = 'session.theft' and subject_user_id = $1 and ip is not null and request_id is not null", &[&ann.id])
            .await;
        assert_eq!((&trail["n"], &trail["session"]), (&json!(1), &json!(session)));
        world
    })
    .await;
}

/// R2.4: from half a minute on, to the second, a second use is theft, also when no successor was used.
#[tokio::test]
async fn r2_4_half_a_minute_is_the_whole_retry_window() {
    world(|world| async move {
        let ann = world.person("Ann").await;
        let insert = "with s as (insert into data.sessions (user_id, created_at, last_used_at) values ($1, now(), now()) returning id)
            insert into data.refresh_tokens (token_hash, session_id, issued_at, expires_at) select unnest(array['\\x01'::bytea]), s.id, now(), 'infinity' from s";
        world.db.admin.execute(insert, &[&ann.id]).await.unwrap();
        let refresh = |at: &'static str| {
            let world = &world;
            async move { world.exactly(at, "pruuf_anon", None, "api.refresh_session('\\x01', '\\x02')").await.unwrap() }
        };
        assert!(refresh("2030-01-01T00:00:00Z").await["session_id"].is_string());
        assert!(refresh("2030-01-01T00:00:29.999Z").await["session_id"].is_string());
        assert_eq!(refresh("2030-01-01T00:00:30Z").await["refused"], "refresh-token-invalid");
        world.expect_on_all_channels(&ann, "was signed out").await;
        world
    })
    .await;
}

#[tokio::test]
async fn r2_5_a_name_is_changed_by_its_owner_and_contacts_see_the_new_one() {
    world(|world| async move {
        let (ann, ben) = (world.person("Ann").await, world.person("Ben").await);
        world.connect(&ann, &ben).await;
        let patch = |body: Value| {
            let (world, ann) = (&world, &ann);
            async move { world.call(Method::PATCH, "/v1/me", Some(&ann.token), &[], Some(&body)).await }
        };
        let before = world.get(&ann, "/v1/me").await.expect(200);
        assert_eq!(patch(json!({})).await.expect(200), before);
        let after = patch(json!({"name": "  Ana María ", "language": "en"})).await.expect(200);
        assert_eq!(after, world.get(&ann, "/v1/me").await.expect(200));
        assert_eq!(after["name"], "Ana María");
        assert_eq!(world.get(&ben, &format!("/v1/members/{}", ann.id)).await.expect(200)["name"], "Ana María");
        for (body, pointer) in [
            (json!({"name": ""}), "/name"),
            (json!({"name": "   "}), "/name"),
            (json!({"name": "x".repeat(81)}), "/name"),
            (json!({"name": ["Ann"]}), "/name"),
            (json!({"name": "Ann\nof Pruuf"}), "/name"),
            (json!({"name": "\u{202e}nnA"}), "/name"),
            (json!({"name": "\u{200b}"}), "/name"),
            (json!({"name": "Win at HTTPS://evil.example"}), "/name"),
            (json!({"name": "www.evil.example"}), "/name"),
            (json!({"language": "tlh"}), "/language"),
        ] {
            let refused = patch(body).await.refused(422, "invalid");
            assert_eq!(refused["errors"][0]["pointer"], pointer, "{refused}");
        }
        assert_eq!(world.get(&ann, "/v1/me").await.expect(200), after);
        // What is written besides is nobody's to set.
        patch(json!({"id": ben.id, "created_at": "2020-01-01T00:00:00Z"})).await.expect(200);
        assert_eq!(world.get(&ann, "/v1/me").await.expect(200), after);
        let trail = world.row("select count(*) as n, jsonb_agg(details) as details from audit.events where action = 'account.changed' and subject_user_id = $1", &[&ann.id]).await;
        assert_eq!(trail, json!({"n": 1, "details": [{"name": true, "language": false}]}));
        world.call(Method::PATCH, "/v1/me", None, &[], Some(&json!({"name": "Eve"}))).await.refused(401, "not-signed-in");
        world
    })
    .await;
}
