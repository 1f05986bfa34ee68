//! Codes, links, resending and their limits (R3.1, R3.2).

use std::net::IpAddr;

use futures_util::future::join_all;
use pruuf::dev::fakes::{Behaviour, Channel, Received};
use reqwest::Method;
use serde_json::{Value, json};

use crate::connections::{accept, connections, invite, told};
use crate::support::accounts::email;
use crate::support::{Person, Reply, World, at_once, world};

/// The token in a message.
fn token_in(text: &str) -> String {
    let rest = text.split_once("http://127.0.0.1/i/").unwrap_or_else(|| panic!("no link in {text}")).1;
    rest.split(|letter: char| !(letter.is_ascii_alphanumeric() || "-_".contains(letter))).next().unwrap().to_owned()
}

async fn ask(world: &World, from: &Person, to: &str, becomes: &str) -> Reply {
    let body = json!({"invitee_becomes": becomes, "name": "Somebody", "address": email(to)});
    world.post(from, "/v1/invitations", body).await
}

/// A day's wait, counted from when a call began: one that waited for others that raced with it may have begun before them,
/// by no more than a call may take.
const A_DAYS_WAIT: std::ops::RangeInclusive<u32> = 86_300..=86_405;

fn wait_of(reply: &Reply) -> u32 {
    reply.headers["retry-after"].to_str().unwrap().parse().unwrap()
}

async fn page(world: &World, token: &str) -> Reply {
    world.call(Method::GET, &format!("/i/{token}"), None, &[], None).await
}

/// As if the app were somewhere else: another server, another address of this machine.
async fn accept_from(world: &World, server: usize, place: [u8; 4], who: &Person, code: &str) -> Reply {
    let client = reqwest::Client::builder().local_address(IpAddr::from(place)).build().unwrap();
    let url = format!("http://{}/v1/invitations/accept", world.servers[server].address);
    let reply = client.post(url).bearer_auth(&who.token).json(&json!({"code": code})).send().await.unwrap();
    let (status, headers) = (reply.status().as_u16(), reply.headers().clone());
    Reply { status, headers, body: reply.json().await.unwrap() }
}

#[tokio::test]
async fn r3_1_an_invitation_carries_a_link_that_shows_it_and_does_nothing() {
    world(|world| async move {
        let (ann, ben) = (world.person("Ann <i>&").await, world.person("Ben").await);
        let invitation = invite(&world, &ann, &ben, "contact").await;
        let mail = world.fakes.received().into_iter().find(|message| message.to == ben.email).unwrap();
        let token = token_in(&mail.text);
        assert!(token.len() == 24 && mail.raw.to_string().matches(&token).count() > 0, "{mail:#?}");
        // Looked at as often as one likes, by whomever: it shows and changes nothing.
        let before = world.row("select i.* from data.invitations i", &[]).await;
        for method in [Method::GET, Method::GET, Method::HEAD] {
            let shown = world.call(method.clone(), &format!("/i/{token}"), None, &[], None).await;
            assert_eq!(shown.status, 200);
            for (name, value) in [
                ("content-type", "text/html; charset=utf-8"),
                ("cache-control", "no-store"),
                ("referrer-policy", "no-referrer"),
                ("x-robots-tag", "noindex, nofollow"),
                ("x-frame-options", "DENY"),
            ] {
                assert_eq!(shown.headers[name], value, "{name}");
            }
            let policy = shown.headers["content-security-policy"].to_str().unwrap();
            assert!(
                policy.starts_with("default-src 'none'; style-src 'sha256-") && !policy.contains("unsafe"),
                "{policy}"
            );
            let text = shown.body.as_str().unwrap();
            assert_eq!(text.is_empty(), method == Method::HEAD);
            if method == Method::GET {
                assert!(text.contains("Ann &lt;i&gt;&amp; asks you to be a contact"), "{text}");
                assert!(text.contains(invitation["code"].as_str().unwrap()) && !text.contains("<script"), "{text}");
                assert!(!text.contains(&ben.email) && !text.contains(&token), "{text}");
            }
        }
        assert_eq!(world.row("select i.* from data.invitations i", &[]).await, before);
        assert_eq!(connections(&world).await, 0);
        world.call(Method::POST, &format!("/i/{token}"), None, &[], None).await.refused(405, "method-not-allowed");
        // The style is the one that the policy names: a browser would drop any other.
        let shown = page(&world, &token).await;
        let style = shown.body.as_str().unwrap().split("<style>").nth(1).unwrap().split("</style>").next().unwrap();
        let hash = {
            use base64::Engine as _;
            use sha2::Digest as _;
            base64::engine::general_purpose::STANDARD.encode(sha2::Sha256::digest(style))
        };
        assert!(shown.headers["content-security-policy"].to_str().unwrap().contains(&hash));

        let accept_with = |body: Value| world.post(&ben, "/v1/invitations/accept", body);
        for (body, pointer) in [
            (json!({}), "/code"),
            (json!({"code": null, "token": null}), "/code"),
            (json!({"code": invitation["code"], "token": token}), "/token"),
        ] {
            let refused = accept_with(body).await.refused(422, "invalid");
            assert_eq!(refused["errors"][0]["pointer"], pointer);
        }
        accept_with(json!({"token": format!("{token}x")})).await.refused(404, "invitation-unknown");
        accept_with(json!({"code": token})).await.refused(404, "invitation-unknown");
        let first = accept_with(json!({"token": token})).await.expect(200);
        assert_eq!(first["you_are"], "contact");
        assert_eq!(accept_with(json!({"token": token})).await.expect(200), first);
        assert_eq!(accept_with(json!({"code": invitation["code"]})).await.expect(200), first);
        told(&world, [(&ann, &ben), (&ben, &ann)]).await;
        world
    })
    .await;
}

/// R3.1: what is not, or no longer, an open invitation is one page, whatever became of it.
#[tokio::test]
async fn r3_1_a_link_that_is_good_no_more_does_not_say_why() {
    world(|world| async move {
        let (ann, ben) = (world.person("Ann").await, world.person("Ben").await);
        let mut tokens = Vec::new();
        for end in ["accepted", "revoked", "expired"] {
            world.forget();
            let invitation = invite(&world, &ann, &ben, "contact").await;
            let mail = world.fakes.received().into_iter().find(|message| message.to == ben.email).unwrap();
            tokens.push(token_in(&mail.text));
            match end {
                "accepted" => {
                    accept(&world, &ben, &invitation["code"]).await.expect(200);
                    told(&world, [(&ann, &ben), (&ben, &ann)]).await;
                }
                "revoked" => {
                    let path = format!("/v1/invitations/{}", invitation["id"].as_str().unwrap());
                    world.delete(&ann, &path).await.expect(204);
                }
                _ => world.advance("30 days").await,
            }
        }
        tokens.extend([
            "x".to_owned(),
            "AAAAAAAAAAAAAAAAAAAAAAAA".to_owned(),
            "%F0%9F%92%A5".to_owned(),
            "x".repeat(5_000),
        ]);
        let mut pages = Vec::new();
        for token in &tokens {
            let shown = page(&world, token).await;
            assert_eq!((shown.status, &shown.headers["cache-control"]), (404, &"no-store".parse().unwrap()), "{token}");
            pages.push(shown.body);
        }
        pages.dedup();
        assert_eq!(pages.len(), 1, "{pages:#?}");
        assert!(pages[0].as_str().unwrap().contains("This invitation cannot be used"));
        world
    })
    .await;
}

#[tokio::test]
async fn r3_1_an_invitation_is_resent_with_the_same_code_and_link() {
    world(|world| async move {
        let (ann, ben) = (world.person("Ann").await, world.person("Ben").await);
        let invitation = invite(&world, &ann, &ben, "contact").await;
        let path = format!("/v1/invitations/{}", invitation["id"].as_str().unwrap());
        let resend = format!("{path}/resend");
        let too_soon = world.post(&ann, &resend, Value::Null).await;
        assert!((595..=600).contains(&wait_of(&too_soon)), "{}", wait_of(&too_soon));
        too_soon.refused(429, "too-many-invitations");
        world.advance("9 minutes 50 seconds").await;
        let too_soon = world.post(&ann, &resend, Value::Null).await;
        assert!((1..=10).contains(&wait_of(&too_soon)), "{}", wait_of(&too_soon));
        world.advance("10 seconds").await;
        world.post(&ben, &resend, Value::Null).await.refused(404, "not-found");
        let first: Vec<Received> = world.fakes.received();
        let key = [("Idempotency-Key", "again")];
        let again = world.call(Method::POST, &resend, Some(&ann.token), &key, None).await.expect(200);
        assert_eq!((&again["id"], &again["code"]), (&invitation["id"], &invitation["code"]));
        assert!(again["sent_at"].as_str() > invitation["sent_at"].as_str());
        assert_eq!(world.call(Method::POST, &resend, Some(&ann.token), &key, None).await.expect(200), again);
        let code = again["code"].as_str().unwrap();
        world.fakes.wait_for_count(Channel::Email, 2, crate::support::PATIENCE).await;
        world.expect_message(Channel::Email, &ben.email, code).await;
        let mails: Vec<String> =
            world.fakes.received().iter().filter(|it| it.to == ben.email).map(|it| it.text.clone()).collect();
        assert_eq!((mails.len(), &mails[0]), (2, &mails[1]), "{first:#?}");
        // Only what can be accepted.
        accept(&world, &ben, &invitation["code"]).await.expect(200);
        told(&world, [(&ann, &ben), (&ben, &ann)]).await;
        world.advance("10 minutes").await;
        world.post(&ann, &resend, Value::Null).await.refused(404, "not-found");
        world.delete(&ann, &path).await.refused(404, "not-found");
        let old = invite(&world, &ann, &ben, "member").await;
        world.advance("30 days").await;
        let resend = format!("/v1/invitations/{}/resend", old["id"].as_str().unwrap());
        world.post(&ann, &resend, Value::Null).await.refused(404, "not-found");
        let events = "select count(*) from audit.events where action = 'invitation.resent' and subject_user_id = $1";
        assert_eq!(world.number(events, &[&ann.id]).await, 1);
        world
    })
    .await;
}

/// R3.1: neither revoking nor turning it round writes to an address faster.
#[tokio::test]
async fn r3_1_one_address_is_not_written_to_faster_by_new_invitations() {
    world(|world| async move {
        let (ann, ben) = (world.person("Ann").await, world.person("Ben").await);
        let invitation = ask(&world, &ann, &ben.email, "contact").await.expect(201);
        world.expect_message(Channel::Email, &ben.email, "Ann").await;
        ask(&world, &ann, &ben.email, "contact").await.refused(409, "already-invited");
        ask(&world, &ann, &ben.email, "member").await.refused(429, "too-many-invitations");
        let path = format!("/v1/invitations/{}", invitation["id"].as_str().unwrap());
        world.delete(&ann, &path).await.expect(204);
        let refused = ask(&world, &ann, &ben.email.to_uppercase(), "contact").await;
        assert!((590..=600).contains(&wait_of(&refused)), "{}", wait_of(&refused));
        refused.refused(429, "too-many-invitations");
        // At once is no way around it.
        world.advance("10 minutes").await;
        let replies = join_all((0..8).map(|nth| ask(&world, &ann, &ben.email, ["contact", "member"][nth % 2]))).await;
        assert_eq!(replies.iter().filter(|reply| reply.status == 201).count(), 1, "{replies:#?}");
        world.expect_message(Channel::Email, &ben.email, "Ann").await;
        // A second one while the first is open is not needed, also when there was time enough.
        world.advance("10 minutes").await;
        let open = &world.get(&ann, "/v1/invitations").await.expect(200)["items"][0];
        let becomes = open["invitee_becomes"].as_str().unwrap();
        ask(&world, &ann, &ben.email, becomes).await.refused(409, "already-invited");
        assert_eq!(world.number("select count(*) from data.invitations", &[]).await, 2);
        world
    })
    .await;
}

/// R3.1: what waits for a provider is not sent when it is taken back, and not twice when it is resent.
#[tokio::test]
async fn r3_1_what_was_not_sent_yet_is_taken_back() {
    world(|world| async move {
        let (ann, ben, cleo) = (world.person("Ann").await, world.person("Ben").await, world.person("Cleo").await);
        world.fakes.set(Channel::Email, None, Behaviour::fail(451, "unavailable"));
        let mut paths = Vec::new();
        for to in [&ben, &cleo] {
            let invitation = ask(&world, &ann, &to.email, "contact").await.expect(201);
            paths.push(format!("/v1/invitations/{}", invitation["id"].as_str().unwrap()));
        }
        let tried = "select count(*) = 2 from data.deliveries where attempts > 0 and state = 'pending'";
        world.eventually("both are tried", tried, &[]).await;
        world.delete(&ann, &paths[0]).await.expect(204);
        // Not by `advance`, which waits until all is sent.
        world.db.admin.batch_execute("select meta.advance_clock('10 minutes')").await.unwrap();
        world.post(&ann, &format!("{}/resend", paths[1]), Value::Null).await.expect(200);
        // What a sender had in hand at that moment is given back first.
        let withdrawn = "select count(*) = 2 from data.deliveries where state = 'cancelled'";
        world.eventually("the first ones are withdrawn", withdrawn, &[]).await;
        // In hand while the clock moves it would outlive its lease, and be sent twice.
        let tried = "select count(*) = 1 from data.deliveries where attempts > 0 and state = 'pending'";
        world.eventually("the resent one is tried", tried, &[]).await;
        world.fakes.behave();
        world.db.admin.batch_execute("select meta.advance_clock('2 minutes')").await.unwrap();
        world.expect_message(Channel::Email, &cleo.email, "Ann").await;
        world.settle().await;
        assert_eq!(world.count(Channel::Email, &cleo.email, ""), 1);
        assert_eq!(world.count(Channel::Email, &ben.email, ""), 0);
        world
    })
    .await;
}

/// R3.1: limits a day, counted in the database: two servers are no way around them.
#[tokio::test]
async fn r3_1_invitations_of_one_user_and_to_one_address_are_limited_a_day() {
    world(|mut world| async move {
        world.start_server().await;
        let ann = world.person("Ann").await;
        let to = |server: usize, who: &Person, address: String| {
            let url = format!("http://{}/v1/invitations", world.servers[server].address);
            let body = json!({"invitee_becomes": "contact", "name": "X", "address": email(&address)});
            let request = world.http.post(url).bearer_auth(&who.token).json(&body);
            async move {
                let reply = request.send().await.unwrap();
                let (status, headers) = (reply.status().as_u16(), reply.headers().clone());
                Reply { status, headers, body: reply.json().await.unwrap() }
            }
        };
        let replies = at_once((0..24).map(|nth| to(nth % 2, &ann, format!("guest{nth}@example.org")))).await;
        for (nth, reply) in replies.into_iter().enumerate() {
            if reply.status == 201 {
                world.expect_message(Channel::Email, &format!("guest{nth}@example.org"), "Ann").await;
            } else {
                assert!(A_DAYS_WAIT.contains(&wait_of(&reply)), "{reply:#?}");
                assert_eq!(reply.refused(429, "too-many-invitations")["detail"], "At most 20 invitations a day.");
            }
        }
        assert_eq!(world.number("select count(*) from data.invitations", &[]).await, 20);

        let many = join_all((0..12).map(|nth| world.person(["Dan", "Eve"][nth % 2]))).await;
        let replies =
            at_once(many.iter().enumerate().map(|(nth, who)| to(nth % 2, who, "quiet@example.org".to_owned()))).await;
        assert_eq!(replies.iter().filter(|reply| reply.status == 201).count(), 10);
        for (reply, who) in replies.into_iter().zip(&many) {
            if reply.status == 201 {
                world.expect_message(Channel::Email, "quiet@example.org", &who.name).await;
            } else {
                assert!(A_DAYS_WAIT.contains(&wait_of(&reply)), "{reply:#?}");
                reply.refused(429, "too-many-invitations");
            }
        }
        world.advance("24 hours").await;
        ask(&world, &ann, "quiet@example.org", "contact").await.expect(201);
        world.expect_message(Channel::Email, "quiet@example.org", "Ann").await;
        world
    })
    .await;
}

/// R3.2: several accounts at one place share ten tries an hour, over two servers; one account at several places too.
#[tokio::test]
async fn r3_2_guessing_stops_for_a_place_and_for_a_user_whatever_server_is_asked() {
    world(|mut world| async move {
        world.start_server().await;
        let (ann, ben) = (world.person("Ann").await, world.person("Ben").await);
        let invitation = invite(&world, &ann, &ben, "contact").await;
        let code = invitation["code"].as_str().unwrap();
        let guessers = join_all((0..5).map(|_| world.person("Guesser"))).await;
        let guesses: Vec<String> = (0..40).map(|nth| format!("GUES{nth:02}")).collect();
        let replies = at_once(
            guesses
                .iter()
                .enumerate()
                .map(|(nth, guess)| accept_from(&world, nth % 2, [127, 0, 0, 2], &guessers[nth % 5], guess)),
        )
        .await;
        assert_eq!(replies.iter().filter(|reply| reply.status == 404).count(), 10, "{replies:#?}");
        let refused = replies.into_iter().find(|reply| reply.status != 404).unwrap();
        assert!((3_500..=3_600).contains(&wait_of(&refused)));
        refused.refused(429, "too-many-tries");
        // Nobody guesses there any more, nor accepts, however new the account; elsewhere it is as ever.
        accept_from(&world, 0, [127, 0, 0, 2], &ben, code).await.refused(429, "too-many-tries");
        for nth in 0..10_u8 {
            let reply = accept_from(&world, usize::from(nth % 2), [127, 0, 0, 10 + nth], &guessers[0], "GUESS9").await;
            let left = 10 - replies_of(&world, &guessers[0]).await;
            assert!(reply.status == 404 || left == 0, "{reply:#?}");
        }
        assert_eq!(replies_of(&world, &guessers[0]).await, 10);
        accept_from(&world, 1, [127, 0, 0, 30], &guessers[0], code).await.refused(429, "too-many-tries");
        let audited = "select count(*) from audit.events where action = 'invitation.wrong_code'";
        let tries = world.number("select count(*) from data.invitation_tries", &[]).await;
        assert_eq!(world.number(audited, &[]).await, tries);
        accept_from(&world, 1, [127, 0, 0, 30], &ben, code).await.expect(200);
        told(&world, [(&ann, &ben), (&ben, &ann)]).await;
        // What is a day old is forgotten.
        world.advance("25 hours").await;
        let gone = "select not exists (select from data.invitation_tries)";
        world.eventually("old tries are forgotten", gone, &[]).await;
        world
    })
    .await;
}

async fn replies_of(world: &World, who: &Person) -> i64 {
    world.number("select count(*) from data.invitation_tries where user_id = $1", &[&who.id]).await
}

/// R3.2: a network of IPv6 is one place; an IPv4 address in IPv6's clothes is itself.
#[tokio::test]
async fn r3_2_a_place_is_an_address_or_a_network_of_ipv6() {
    world(|world| async move {
        for (ip, place) in [("198.51.100.7", "198.51.100.7/32"), ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64")] {
            let sql = "select text(rules.caller_network()) from set_config('pruuf.ip', $1, false)";
            let got: String = world.db.admin.query_one(sql, &[&ip]).await.unwrap().get(0);
            assert_eq!(got, place);
        }
        world
    })
    .await;
}

/// R3.2: codes and links are never readable by anybody but the two sides, nor by a dump of the database.
#[tokio::test]
async fn r3_2_nobody_but_the_two_sides_reads_a_code() {
    world(|world| async move {
        let (ann, ben, eve) = (world.person("Ann").await, world.person("Ben").await, world.person("Eve").await);
        // Eve is a Contact of the inviter, and a Member of the invited.
        world.connect(&ann, &eve).await;
        world.connect(&eve, &ben).await;
        let invitation = invite(&world, &ann, &ben, "contact").await;
        let mail = world.fakes.received().into_iter().find(|message| message.to == ben.email).unwrap();
        let (code, token) = (invitation["code"].as_str().unwrap(), token_in(&mail.text));
        for path in ["/v1/invitations", "/v1/notifications", "/v1/members", "/v1/me/contacts", "/v1/alerts", "/v1/me"] {
            let shown = world.get(&eve, path).await.expect(200).to_string();
            assert!(!shown.contains(code) && !shown.contains(&token), "{path}");
        }
        let id = invitation["id"].as_str().unwrap();
        world.delete(&eve, &format!("/v1/invitations/{id}")).await.refused(404, "not-found");
        world.post(&eve, &format!("/v1/invitations/{id}/resend"), Value::Null).await.refused(404, "not-found");
        for who in [eve.id, ben.id] {
            let session = world.db.session_as("pruuf_user", Some(who)).await;
            for sql in [
                "select code_hash, token_hash from data.invitations",
                "select facts from data.notifications where kind = 'invitation'",
            ] {
                assert_eq!(session.query(sql, &[]).await.unwrap().len(), 0, "{sql}");
            }
        }
        for table in
            ["data.invitations", "data.notifications", "data.deliveries", "data.idempotency_keys", "audit.events"]
        {
            let rows = world.admin_json(&format!("select t.* from {table} t")).await.to_string();
            assert!(!rows.contains(code) && !rows.contains(&token), "{table}");
        }
        world
    })
    .await;
}
