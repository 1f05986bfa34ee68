//! Signing in (rules: section 2).

use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::signature::Ed25519KeyPair;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures_util::future::join_all;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use pruuf::dev::fakes::Channel;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::accounts::{PIN, email};
use crate::support::{PATIENCE, at_once, world};

/// Everything that a dump of the database would show of codes, tickets, tokens and messages.
const DUMP: &str = "select (select string_agg(t::text, '') from data.one_time_codes t) || (select string_agg(t::text, '') from data.notifications t)
    || (select coalesce(string_agg(t::text, ''), '') from data.deliveries t) || (select coalesce(string_agg(t::text, ''), '') from data.attempts t)
    || (select coalesce(string_agg(t::text, ''), '') from data.addresses t) || (select coalesce(string_agg(t::text, ''), '') from data.refresh_tokens t)
    || (select coalesce(string_agg(t::text, ''), '') from data.pins t) || (select coalesce(string_agg(t::text, ''), '') from audit.events t)
    || (select coalesce(string_agg(t::text, ''), '') from data.idempotency_keys t) as text";

fn wrong(code: &str) -> String {
    format!("{:06}", (code.parse::<u32>().unwrap() + 1) % 1_000_000)
}

#[tokio::test]
async fn r2_1_a_dump_of_the_database_shows_no_code_ticket_token_pin_or_address() {
    world(|world| async move {
        world.ask_for_code("ann@example.org").await.expect(200);
        let code = world.code(Channel::Email, "ann@example.org", 1).await;
        world.settle().await;
        let ticket = world.type_code("ann@example.org", &code).await.expect(200)["ticket"].clone();
        let session = world
            .post_as_nobody("/v1/auth/accounts", json!({"ticket": ticket, "name": "Ann", "pin": PIN}))
            .await
            .expect(201);
        let dump = world.row(DUMP, &[]).await["text"].as_str().unwrap().to_owned();
        for secret in
            [&json!(code), &ticket, &session["refresh_token"], &session["access_token"], &json!("ann@example")]
        {
            assert!(!dump.contains(secret.as_str().unwrap()), "{secret}: {dump}");
        }
        assert!(dump.contains("$argon2id$"));
        assert!(!dump.contains(&format!(",{PIN},")));
        world
    })
    .await;
}

#[tokio::test]
async fn r2_1_a_code_comes_once_a_minute_and_five_times_an_hour() {
    world(|world| async move {
        for nth in 1..=5 {
            let sent = world.ask_for_code("ann@example.org").await.expect(200);
            assert_eq!(sent["next_after_seconds"], 60);
            assert_eq!(world.code(Channel::Email, "ann@example.org", nth).await.len(), 6);
            world.advance("58 seconds").await;
            let early = world.ask_for_code("ann@example.org").await;
            let wait: u32 = early.headers["retry-after"].to_str().unwrap().parse().unwrap();
            assert!(wait == 2 && nth < 5 || wait > 3000 && nth == 5, "{nth}: {wait}");
            early.refused(429, "too-many-codes");
            world.advance("2 seconds").await;
        }
        world.ask_for_code("ann@example.org").await.refused(429, "too-many-codes");
        // Written otherwise it is the same address; another address is not held up.
        world.ask_for_code(" ANN@Example.ORG ").await.refused(429, "too-many-codes");
        world.ask_for_code("ben@example.org").await.expect(200);
        world.code(Channel::Email, "ben@example.org", 1).await;
        world.advance("55 minutes 1 second").await;
        world.ask_for_code("ann@example.org").await.expect(200);
        world.code(Channel::Email, "ann@example.org", 6).await;
        world
    })
    .await;
}

#[tokio::test]
async fn r2_1_two_requests_at_the_same_moment_send_one_code() {
    world(|world| async move {
        let replies = join_all((0..8).map(|_| world.ask_for_code("ann@example.org"))).await;
        assert_eq!(replies.iter().filter(|reply| reply.status == 200).count(), 1);
        world.code(Channel::Email, "ann@example.org", 1).await;
        world
    })
    .await;
}

#[tokio::test]
async fn r2_1_a_code_lives_ten_minutes_and_five_tries() {
    world(|world| async move {
        world.ask_for_code("ann@example.org").await.expect(200);
        let code = world.code(Channel::Email, "ann@example.org", 1).await;
        for left in (0..5).rev() {
            let answer = world.type_code("ann@example.org", &wrong(&code)).await.refused(422, "code-wrong");
            assert_eq!(answer["tries_left"], left);
        }
        world.type_code("ann@example.org", &code).await.refused(422, "code-expired");
        world.advance("1 minute").await;
        world.ask_for_code("ann@example.org").await.expect(200);
        let code = world.code(Channel::Email, "ann@example.org", 2).await;
        world.advance("10 minutes").await;
        world.type_code("ann@example.org", &code).await.refused(422, "code-expired");
        world.ask_for_code("ann@example.org").await.expect(200);
        let code = world.code(Channel::Email, "ann@example.org", 3).await;
        world.advance("9 minutes 58 seconds").await;
        world.type_code("ben@example.org", &code).await.refused(422, "code-expired");
        world.type_code("ann@example.org", &code).await.expect(200);
        world
    })
    .await;
}

#[tokio::test]
async fn r2_1_many_guesses_at_once_are_five_guesses() {
    world(|world| async move {
        world.ask_for_code("ann@example.org").await.expect(200);
        let code = world.code(Channel::Email, "ann@example.org", 1).await;
        let guess = wrong(&code);
        let replies = join_all((0..20).map(|_| world.type_code("ann@example.org", &guess))).await;
        assert_eq!(replies.iter().filter(|reply| reply.body["code"] == "code-wrong").count(), 5);
        assert_eq!(replies.iter().filter(|reply| reply.body["code"] == "code-expired").count(), 15);
        world
    })
    .await;
}

#[tokio::test]
async fn r2_1_only_the_newest_code_counts_and_only_once() {
    world(|world| async move {
        world.ask_for_code("ann@example.org").await.expect(200);
        let old = world.code(Channel::Email, "ann@example.org", 1).await;
        world.advance("1 minute").await;
        world.ask_for_code("ann@example.org").await.expect(200);
        let new = world.code(Channel::Email, "ann@example.org", 2).await;
        world.type_code("ann@example.org", &old).await.refused(422, "code-wrong");
        world.type_code("ann@example.org", &new).await.expect(200);
        for code in [&old, &new] {
            world.type_code("ann@example.org", code).await.refused(422, "code-expired");
        }
        world
    })
    .await;
}

#[tokio::test]
async fn r2_1_a_ticket_is_good_once_and_for_a_quarter_of_an_hour() {
    world(|world| async move {
        let account = |ticket: &Value| json!({"ticket": ticket, "name": "Ann", "pin": PIN});
        let ticket = world.ticket("ann@example.org", 0).await;
        world.advance("15 minutes").await;
        world.post_as_nobody("/v1/auth/accounts", account(&ticket)).await.refused(401, "ticket-invalid");
        let ticket = world.ticket("ann@example.org", 1).await;
        world.advance("14 minutes 58 seconds").await;
        // What is refused does not use it up.
        let nobody = json!({"ticket": ticket, "name": "  ", "pin": PIN});
        world.post_as_nobody("/v1/auth/accounts", nobody).await.refused(422, "invalid");
        let recovery = json!({"ticket": ticket, "pin": PIN});
        world.post_as_nobody("/v1/auth/pin", recovery.clone()).await.refused(401, "ticket-invalid");
        let bodies: Vec<Value> = (0..4).map(|_| account(&ticket)).collect();
        let replies = join_all(bodies.into_iter().map(|body| world.post_as_nobody("/v1/auth/accounts", body))).await;
        let mut statuses: Vec<u16> = replies.iter().map(|reply| reply.status).collect();
        statuses.sort_unstable();
        assert_eq!(statuses, [201, 401, 401, 401]);
        world.post_as_nobody("/v1/auth/pin", recovery).await.refused(401, "ticket-invalid");
        // A second account for the address is not possible; the ticket then still recovers the first.
        let ticket = world.ticket("ann@example.org", 2).await;
        world.post_as_nobody("/v1/auth/accounts", account(&ticket)).await.refused(409, "address-taken");
        world.post_as_nobody("/v1/auth/pin", json!({"ticket": ticket, "pin": PIN})).await.expect(200);
        world.expect_message(Channel::Email, "ann@example.org", "PIN was changed").await;
        for garbage in ["", "x", "\u{0}", &"x".repeat(10_000)] {
            world.post_as_nobody("/v1/auth/accounts", account(&json!(garbage))).await.refused(401, "ticket-invalid");
        }
        world
    })
    .await;
}

/// R2.1, R2.3: whoever asks for codes, or tries PINs, gets the same answers for an address with an account and without.
#[tokio::test]
async fn r2_1_nobody_learns_whether_an_account_exists() {
    world(|world| async move {
        let (ann, _) = world.account("Ann", "known@example.org").await;
        let (caller, _) = world.account("Ben", "ben@example.org").await;
        world.advance("2 minutes").await;
        let shape = |reply: &crate::support::Reply| {
            let mut body = reply.body.clone();
            for (key, value) in body.as_object_mut().unwrap() {
                if key.ends_with("_at") || key == "locked_until" || key == "id" || key == "code" && reply.status == 201
                {
                    *value = json!("…");
                }
            }
            if reply.body["code"] == "sign-in-locked" {
                body["detail"] = json!("…");
            }
            let headers: Vec<String> = reply.headers.keys().map(ToString::to_string).collect();
            (reply.status, body, headers)
        };
        for _ in 0..2 {
            let (known, unknown) =
                (world.ask_for_code("known@example.org").await, world.ask_for_code("never@example.org").await);
            assert_eq!(shape(&known), shape(&unknown));
        }
        world.code(Channel::Email, "known@example.org", 2).await;
        world.code(Channel::Email, "never@example.org", 1).await;
        for round in 0..4 {
            for nth in 0..7 {
                let known = world.sign_in("known@example.org", "9999").await;
                let unknown = world.sign_in("never@example.org", "9999").await;
                assert_eq!(shape(&known), shape(&unknown), "round {round}, try {nth}");
            }
            world.advance("31 minutes").await;
        }
        let invitation = |address: &str| json!({"invitee_becomes": "contact", "name": "X", "address": email(address)});
        let known = world.post(&caller, "/v1/invitations", invitation("known@example.org")).await;
        let unknown = world.post(&caller, "/v1/invitations", invitation("never@example.org")).await;
        let hide = |reply| {
            let mut shown = shape(reply);
            shown.1["address"]["value"] = json!("…");
            shown
        };
        assert_eq!(hide(&known), hide(&unknown));
        let add = |address: &str| json!({"address": email(address)});
        world.advance("1 hour").await;
        let known = world.post(&caller, "/v1/me/addresses", add("known@example.org")).await;
        let unknown = world.post(&caller, "/v1/me/addresses", add("never@example.org")).await;
        assert_eq!(hide_value(&known.body), hide_value(&unknown.body));
        for to in ["known@example.org", "never@example.org"] {
            world.expect_message(Channel::Email, to, "Ben").await;
        }
        world.code(Channel::Email, "known@example.org", 3).await;
        world.code(Channel::Email, "never@example.org", 2).await;
        // A locked sign-in stops no check-in from a device that is signed in.
        world.post(&ann, "/v1/me/check-ins", json!({})).await.expect(201);
        world
    })
    .await;
}

fn hide_value(body: &Value) -> Value {
    let mut body = body.clone();
    for name in ["id", "value"] {
        body[name] = json!("…");
    }
    body
}

#[tokio::test]
async fn r2_2_a_weak_pin_is_refused_with_the_reason_and_nothing_is_changed() {
    world(|world| async move {
        let ticket = world.ticket("ann@example.org", 0).await;
        for (pin, reason) in [
            ("1111", "same"),
            ("1234", "up or down"),
            ("2121", "pair"),
            ("1987", "birth"),
            ("2580", "first"),
            ("48", "4 to 12"),
            ("४८२९", "4 to 12"),
            ("4829\u{0}", "4 to 12"),
        ] {
            let body = json!({"ticket": ticket, "name": "Ann", "pin": pin});
            let refused = world.post_as_nobody("/v1/auth/accounts", body).await.refused(422, "weak-pin");
            assert_eq!(refused["errors"][0]["pointer"], "/pin");
            assert!(refused["detail"].as_str().unwrap().contains(reason), "{pin}: {refused}");
        }
        assert_eq!(world.number("select count(*) from data.users", &[]).await, 0);
        world
            .post_as_nobody("/v1/auth/accounts", json!({"ticket": ticket, "name": "Ann", "pin": PIN}))
            .await
            .expect(201);
        world.advance("2 minutes").await;
        let ticket = world.ticket("ann@example.org", 1).await;
        world.post_as_nobody("/v1/auth/pin", json!({"ticket": ticket, "pin": "1234"})).await.refused(422, "weak-pin");
        world.sign_in("ann@example.org", PIN).await.expect(201);
        world.post_as_nobody("/v1/auth/pin", json!({"ticket": ticket, "pin": "3816"})).await.expect(200);
        world.expect_message(Channel::Email, "ann@example.org", "PIN was changed").await;
        world
    })
    .await;
}

#[tokio::test]
async fn r2_3_five_wrong_pins_lock_the_sign_in_for_half_an_hour_but_no_device_that_is_signed_in() {
    world(|world| async move {
        let (ann, session) = world.account("Ann", "ann@example.org").await;
        for left in (0..5).rev() {
            let refused = world.sign_in("ann@example.org", "9999").await.refused(401, "sign-in-failed");
            assert_eq!(refused["tries_left"], left);
            assert_eq!(refused["locked_until"].is_string(), left == 0, "{refused}");
        }
        let locked = world.sign_in("ann@example.org", PIN).await.refused(423, "sign-in-locked");
        let until: chrono::DateTime<chrono::Utc> = locked["locked_until"].as_str().unwrap().parse().unwrap();
        let minutes =
            world.row("select extract(epoch from $1::timestamptz - rules.clock())::int / 60 as left", &[&until]).await;
        assert!([29, 30].contains(&minutes["left"].as_i64().unwrap()), "{minutes}");
        world.post(&ann, "/v1/me/check-ins", json!({})).await.expect(201);
        world.refresh(&session["refresh_token"]).await.expect(200);
        world.advance("29 minutes 55 seconds").await;
        world.sign_in("ann@example.org", PIN).await.refused(423, "sign-in-locked");
        world.advance("5 seconds").await;
        // A right PIN starts the count anew.
        for _ in 0..4 {
            world.sign_in("ann@example.org", "9999").await.refused(401, "sign-in-failed");
        }
        world.sign_in("ann@example.org", PIN).await.expect(201);
        assert_eq!(world.sign_in("ann@example.org", "9999").await.refused(401, "sign-in-failed")["tries_left"], 4);
        world
    })
    .await;
}

#[tokio::test]
async fn r2_3_fifteen_wrong_pins_leave_only_the_recovery_by_code() {
    world(|world| async move {
        let (ann, session) = world.account("Ann", "ann@example.org").await;
        for round in 1..=3 {
            for _ in 0..5 {
                world.sign_in("ann@example.org", "9999").await.refused(401, "sign-in-failed");
            }
            let locked = world.sign_in("ann@example.org", PIN).await.refused(423, "sign-in-locked");
            assert_eq!(locked["locked_until"].is_string(), round < 3);
            world.advance("30 minutes").await;
        }
        // No stranger stops a device that is signed in, neither its check-ins nor its refresh.
        world.post(&ann, "/v1/me/check-ins", json!({})).await.expect(201);
        let session = world.refresh(&session["refresh_token"]).await.expect(200);
        world.advance("100 days").await;
        let locked = world.sign_in("ann@example.org", PIN).await.refused(423, "sign-in-locked");
        assert!(locked["detail"].as_str().unwrap().contains("Recover"));
        world.refresh(&session["refresh_token"]).await.refused(401, "refresh-token-invalid");
        let ticket = world.ticket("ann@example.org", 1).await;
        world.post_as_nobody("/v1/auth/pin", json!({"ticket": ticket, "pin": "3816"})).await.expect(200);
        world.expect_message(Channel::Email, "ann@example.org", "new PIN was set, with a code").await;
        assert_eq!(world.sign_in("ann@example.org", PIN).await.refused(401, "sign-in-failed")["tries_left"], 4);
        world.sign_in("ann@example.org", "3816").await.expect(201);
        world
    })
    .await;
}

#[tokio::test]
async fn r2_3_many_guesses_at_once_cannot_outrun_the_lock() {
    world(|world| async move {
        world.account("Ann", "ann@example.org").await;
        let guesses: Vec<String> = (0..24).map(|nth| format!("90{nth:02}")).collect();
        let replies = at_once(guesses.iter().map(|pin| world.sign_in("ann@example.org", pin))).await;
        assert_eq!(replies.iter().filter(|reply| reply.body["code"] == "sign-in-failed").count(), 5);
        assert_eq!(replies.iter().filter(|reply| reply.body["code"] == "sign-in-locked").count(), 19);
        world
    })
    .await;
}

#[tokio::test]
async fn r2_4_a_refresh_token_rotates_and_a_retry_gets_the_same_successor() {
    world(|world| async move {
        let (_, first) = world.account("Ann", "ann@example.org").await;
        let replies = join_all((0..6).map(|_| world.refresh(&first["refresh_token"]))).await;
        let second = replies[0].body["refresh_token"].clone();
        assert_ne!(second, first["refresh_token"]);
        for reply in replies {
            let body = reply.expect(200);
            assert_eq!((&body["refresh_token"], &body["session_id"]), (&second, &first["session_id"]));
            let who = world.call(Method::GET, "/v1/me", body["access_token"].as_str(), &[], None).await.expect(200);
            assert_eq!(who["id"], first["user_id"]);
        }
        world.advance("20 seconds").await;
        assert_eq!(world.refresh(&first["refresh_token"]).await.expect(200)["refresh_token"], second);
        let third = world.refresh(&second).await.expect(200)["refresh_token"].clone();
        assert!(![&first["refresh_token"], &second].contains(&&third));
        world
    })
    .await;
}

/// R2.4, R2.5: what was stolen ends the family, for the thief and the owner, and the access tokens with it.
#[tokio::test]
async fn r2_4_a_refresh_token_used_twice_ends_its_family() {
    world(|world| async move {
        let (ann, first) = world.account("Ann", "ann@example.org").await;
        let other = world.sign_in("ann@example.org", PIN).await.expect(201);
        // After its successor was used, also within half a minute.
        let second = world.refresh(&first["refresh_token"]).await.expect(200);
        let third = world.refresh(&second["refresh_token"]).await.expect(200);
        world.refresh(&first["refresh_token"]).await.refused(401, "refresh-token-invalid");
        for token in [&first, &second, &third] {
            world.refresh(&token["refresh_token"]).await.refused(401, "refresh-token-invalid");
        }
        world.post(&ann, "/v1/me/check-ins", json!({})).await.refused(401, "not-signed-in");
        // Later than half a minute.
        let next = world.refresh(&other["refresh_token"]).await.expect(200);
        world.advance("31 seconds").await;
        world.refresh(&other["refresh_token"]).await.refused(401, "refresh-token-invalid");
        world.refresh(&next["refresh_token"]).await.refused(401, "refresh-token-invalid");
        let thefts = "select count(*) from audit.events where action = 'session.theft' and subject_user_id = $1";
        assert_eq!(world.number(thefts, &[&ann.id]).await, 2);
        for _ in 0..2 {
            world.expect_message(Channel::Email, "ann@example.org", "devices was signed out").await;
        }
        world
    })
    .await;
}

#[tokio::test]
async fn r2_4_a_refresh_token_lives_ninety_days_and_garbage_is_refused() {
    world(|world| async move {
        let (_, session) = world.account("Ann", "ann@example.org").await;
        world.advance("89 days 23 hours").await;
        let next = world.refresh(&session["refresh_token"]).await.expect(200);
        world.advance("90 days").await;
        world.refresh(&next["refresh_token"]).await.refused(401, "refresh-token-invalid");
        for garbage in
            ["", "x", "\u{0}", "' or true --", session["access_token"].as_str().unwrap(), &"x".repeat(100_000)]
        {
            world.refresh(&json!(garbage)).await.refused(401, "refresh-token-invalid");
        }
        world
    })
    .await;
}

#[tokio::test]
async fn r2_5_a_recovery_ends_every_other_session_at_once() {
    world(|world| async move {
        let (ann, first) = world.account("Ann", "ann@example.org").await;
        let second = world.sign_in("ann@example.org", PIN).await.expect(201);
        world.advance("2 minutes").await;
        let ticket = world.ticket("ann@example.org", 1).await;
        let new = world.post_as_nobody("/v1/auth/pin", json!({"ticket": ticket, "pin": "3816"})).await.expect(200);
        world.expect_message(Channel::Email, "ann@example.org", "new PIN was set, with a code").await;
        for session in [&first, &second] {
            world.refresh(&session["refresh_token"]).await.refused(401, "refresh-token-invalid");
            let token = session["access_token"].as_str();
            for path in ["/v1/me", "/v1/me/today", "/v1/alerts", "/v1/events"] {
                world.call(Method::GET, path, token, &[], None).await.refused(401, "not-signed-in");
            }
        }
        world.call(Method::GET, "/v1/me", new["access_token"].as_str(), &[], None).await.expect(200);
        world.refresh(&new["refresh_token"]).await.expect(200);
        // A session of somebody else does not help either.
        let (_, bens) = world.account("Ben", "ben@example.org").await;
        let mixed = world.tokens.sign(ann.id, bens["session_id"].as_str().unwrap().parse().unwrap()).unwrap();
        world.call(Method::GET, "/v1/me", Some(&mixed), &[], None).await.refused(401, "not-signed-in");
        world
    })
    .await;
}

#[tokio::test]
async fn r2_4_only_a_token_of_our_keys_in_force_is_taken() {
    world(|world| async move {
        let ann = world.person("Ann").await;
        let jwks = world.call(Method::GET, "/.well-known/jwks.json", None, &[], None).await.expect(200);
        let key = &jwks["keys"][0];
        assert_eq!(
            (&key["kty"], &key["crv"], &key["alg"], &key["use"]),
            (&json!("OKP"), &json!("Ed25519"), &json!("EdDSA"), &json!("sig"))
        );
        assert!(key.get("d").is_none(), "a private key is published");
        let kid = key["kid"].as_str().unwrap();
        let claims = URL_SAFE_NO_PAD.decode(ann.token.split('.').nth(1).unwrap()).unwrap();
        let claims: Value = serde_json::from_slice(&claims).unwrap();
        let with = |name: &str, value: Value| {
            let mut claims = claims.clone();
            claims[name] = value;
            claims
        };
        let header = |algorithm, kid: Option<&str>| {
            let mut header = Header::new(algorithm);
            header.kid = kid.map(str::to_owned);
            header
        };
        let seed = |seed: u8| {
            let pair = Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap();
            let der: Pkcs8V1Der<'_> = pair.as_der().unwrap();
            EncodingKey::from_ed_der(der.as_ref())
        };
        let (ours, other) = (seed(7), seed(8));
        let eddsa = header(Algorithm::EdDSA, Some(kid));
        let sign =
            |header: &Header, claims: &Value, key: &EncodingKey| jsonwebtoken::encode(header, claims, key).unwrap();
        let call = |token: String| {
            let world = &world;
            async move { world.call(Method::GET, "/v1/me", Some(&token), &[], None).await }
        };
        call(sign(&eddsa, &claims, &ours)).await.expect(200);
        let raw = |header: Value, signature: &str| {
            let claims = URL_SAFE_NO_PAD.encode(claims.to_string());
            format!("{}.{claims}.{signature}", URL_SAFE_NO_PAD.encode(header.to_string()))
        };
        let x = URL_SAFE_NO_PAD.decode(key["x"].as_str().unwrap()).unwrap();
        let signature = ann.token.rsplit('.').next().unwrap();
        let forged = [
            raw(json!({"alg": "none", "kid": kid}), ""),
            raw(json!({"alg": "None", "kid": kid}), signature),
            raw(json!({"alg": "EdDSA", "kid": kid}), ""),
            sign(&header(Algorithm::HS256, Some(kid)), &claims, &EncodingKey::from_secret(&x)),
            sign(
                &header(Algorithm::HS256, Some(kid)),
                &claims,
                &EncodingKey::from_secret(key["x"].as_str().unwrap().as_bytes()),
            ),
            sign(&eddsa, &claims, &other),
            sign(&header(Algorithm::EdDSA, Some("another")), &claims, &ours),
            sign(&header(Algorithm::EdDSA, None), &claims, &ours),
            sign(&eddsa, &with("exp", json!(claims["iat"].as_i64().unwrap() - 1)), &ours),
            sign(&eddsa, &with("aud", json!("another")), &ours),
            sign(&eddsa, &with("iss", json!("another")), &ours),
            sign(&eddsa, &with("sub", json!("' or true --")), &ours),
            sign(&eddsa, &with("sid", json!(uuid::Uuid::nil())), &ours),
            sign(&eddsa, &with("sub", json!(uuid::Uuid::now_v7())), &ours),
            String::new(),
            "a.b.c".to_owned(),
            "x".repeat(5000),
        ];
        for token in forged {
            let reply = call(token.clone()).await;
            assert_eq!(reply.headers["www-authenticate"], "Bearer");
            assert_eq!(reply.status, 401, "{token}");
            reply.refused(401, "not-signed-in");
        }
        world.call(Method::GET, "/v1/me", None, &[], None).await.refused(401, "not-signed-in");
        world
            .call(Method::GET, "/v1/me", None, &[("authorization", "Basic YTpi")], None)
            .await
            .refused(401, "not-signed-in");
        // Without a token nothing that needs one is even read.
        world.call(Method::POST, "/v1/me/check-ins", None, &[], Some(&json!([]))).await.refused(401, "not-signed-in");
        world
    })
    .await;
}

/// R2.1, R2.4, R9.3: each is kept as long as a limit or a theft is seen by it, and no longer.
#[tokio::test]
async fn r2_4_codes_used_tokens_and_messages_to_strangers_are_forgotten_by_their_age() {
    world(|world| async move {
        let (ann, session) = world.account("Ann", "ann@example.org").await;
        let first = session["refresh_token"].clone();
        let second = world.refresh(&first).await.expect(200)["refresh_token"].clone();
        let invitation = json!({"invitee_becomes": "contact", "name": "Ben", "address": email("ben@example.org")});
        world.post(&ann, "/v1/invitations", invitation).await.expect(201);
        world.expect_message(Channel::Email, "ben@example.org", "Ann").await;
        let left = || async {
            let sql = "select array[(select count(*) from data.one_time_codes), (select count(*) from data.refresh_tokens where used_at is not null),
                       (select count(*) from data.notifications where user_id is null)]";
            world.db.admin.query_one(sql, &[]).await.unwrap().get::<_, Vec<i64>>(0)
        };
        // What is kept is kept by the job, not by its being late; a row that a server is just forgetting is not waited for.
        let come_to = async |expected: [i64; 3]| {
            world
                .db
                .admin
                .batch_execute("select jobs.forget_codes(), jobs.forget_refresh_tokens(), jobs.forget_stranger_messages()")
                .await
                .unwrap();
            let deadline = tokio::time::Instant::now() + PATIENCE;
            while left().await != expected {
                assert!(tokio::time::Instant::now() < deadline, "{expected:?}, not {:?}", left().await);
                tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            }
        };
        come_to([1, 1, 2]).await;
        world.advance("23 hours").await;
        come_to([1, 1, 2]).await;
        world.advance("2 hours").await;
        come_to([0, 1, 2]).await;
        world.advance("28 days").await;
        come_to([0, 1, 2]).await;
        world.advance("1 day").await;
        come_to([0, 1, 0]).await;
        // A token that was used is a sign of theft to its last day, and says in the trail whose it was for thirty more.
        world.advance("59 days").await;
        world.refresh(&second).await.expect(200);
        come_to([0, 2, 0]).await;
        world.refresh(&first).await.refused(401, "refresh-token-invalid");
        assert_eq!(world.number("select count(*) from data.sessions where revoked_reason = 'theft'", &[]).await, 1);
        world.expect_message(Channel::Email, "ann@example.org", "").await;
        world.advance("30 days").await;
        come_to([0, 2, 0]).await;
        world.advance("2 days").await;
        come_to([0, 0, 0]).await;
        world
    })
    .await;
}
