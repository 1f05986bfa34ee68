//! Who may pass, and how often: addresses behind proxies, quotas, versions, origins.

use std::num::NonZeroU32;

use pruuf::dev::fakes::Channel;
use pruuf::server::Server;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::accounts::{PIN, email};
use crate::support::{Reply, World, at_once, world};

/// Calls the `nth` server as nobody, from an address behind a proxy.
async fn from(world: &World, nth: usize, ip: &str, path: &str, body: &Value) -> Reply {
    let url = format!("http://{}{path}", world.servers[nth].address);
    let response = world.http.post(url).header("x-forwarded-for", ip).json(body).send().await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    Reply { status, headers, body: response.json().await.unwrap() }
}

/// A world of two servers that believe the proxy on this machine.
async fn two_servers_behind_a_proxy() -> World {
    let mut world = World::without_server().await;
    for _ in 0..2 {
        let mut config = world.config();
        config.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
        world.servers.push(Server::start(config).await.unwrap());
    }
    world
}

/// R2.1, R2.3, R3.2: a run of guesses ends, whichever server, address and PIN it tries.
#[tokio::test]
async fn r2_3_a_run_of_guesses_stops_per_address_and_per_network_across_two_servers() {
    let world = two_servers_behind_a_proxy().await;
    let world = &world;
    let guess = |nth: usize, ip: &str, address: String, pin: String| {
        let (ip, body) = (ip.to_owned(), json!({"address": email(&address), "pin": pin}));
        async move { from(world, nth % 2, &ip, "/v1/auth/sessions", &body).await }
    };
    // One address from many networks: five tries, then it is locked on both servers.
    let tries = at_once(
        (0..20).map(|nth| guess(nth, &format!("198.51.100.{nth}"), "ann@example.org".into(), format!("90{nth:02}"))),
    )
    .await;
    assert_eq!(tries.iter().filter(|reply| reply.body["code"] == "sign-in-failed").count(), 5);
    assert_eq!(tries.iter().filter(|reply| reply.body["code"] == "sign-in-locked").count(), 15);
    // Many addresses from one network: fifty tries, on both servers together.
    let tries =
        at_once((0..80).map(|nth| guess(nth, "203.0.113.7", format!("{nth}@example.org"), "9021".into()))).await;
    assert_eq!(tries.iter().filter(|reply| reply.body["code"] == "sign-in-failed").count(), 50);
    let refused: Vec<&Reply> = tries.iter().filter(|reply| reply.body["code"] == "too-many-requests").collect();
    assert_eq!(refused.len(), 30);
    for reply in refused {
        let wait: u32 = reply.headers["retry-after"].to_str().unwrap().parse().unwrap();
        assert!((3500..=3600).contains(&wait), "{wait}");
    }
    // The neighbour is not held up, and all of one IPv6 customer's addresses are one.
    guess(0, "203.0.113.8", "new@example.org".into(), "9021".into()).await.refused(401, "sign-in-failed");
    let tries = at_once(
        (0..60).map(|nth| guess(nth, &format!("2001:db8::{nth:x}:1"), format!("v6-{nth}@example.org"), "9021".into())),
    )
    .await;
    assert_eq!(tries.iter().filter(|reply| reply.status == 401).count(), 50);
    guess(0, "2001:db8:0:1::1", "new@example.org".into(), "9021".into()).await.refused(401, "sign-in-failed");
    // The trail says so, once for each, with the network it came from and no address of a person.
    let slowed = world
        .admin_json("select host(ip) as ip, details from audit.events where action = 'network.slowed' order by id")
        .await;
    assert_eq!(
        slowed,
        json!([{"ip": "203.0.113.7", "details": {"kind": "sign_ins"}}, {"ip": slowed[1]["ip"], "details": {"kind": "sign_ins"}}])
    );
    world.advance("1 hour").await;
    guess(1, "203.0.113.7", "another@example.org".into(), "9021".into()).await.refused(401, "sign-in-failed");
}

/// R2.1: codes, and guesses of codes.
#[tokio::test]
async fn r2_1_a_network_asks_for_twenty_codes_and_guesses_thirty_across_two_servers() {
    let world = two_servers_behind_a_proxy().await;
    let world = &world;
    let ask = |nth: usize, ip: &'static str| async move {
        let body = json!({"address": email(&format!("{nth}@example.org"))});
        from(world, nth % 2, ip, "/v1/auth/codes", &body).await
    };
    let asked = at_once((0..30).map(|nth| ask(nth, "203.0.113.7"))).await;
    assert_eq!(asked.iter().filter(|reply| reply.status == 200).count(), 20);
    assert_eq!(asked.iter().filter(|reply| reply.body["code"] == "too-many-requests").count(), 10);
    ask(30, "203.0.113.8").await.expect(200);
    // A signed-in user who adds addresses is no way around it.
    let ann = world.person("Ann").await;
    let many = "select api.set_policy('addresses_per_user', 100, 'a test')";
    world.db.admin.batch_execute(many).await.unwrap();
    let mut statuses = Vec::new();
    for nth in 40..61 {
        let body = json!({"address": email(&format!("{nth}@example.org"))});
        let headers = [("x-forwarded-for", "203.0.113.9")];
        statuses
            .push(world.call(Method::POST, "/v1/me/addresses", Some(&ann.token), &headers, Some(&body)).await.status);
    }
    assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 20, "{statuses:?}");
    assert_eq!(
        world
            .number("select count(*) from data.addresses where user_id = $1 and verified_at is null", &[&ann.id])
            .await,
        20
    );
    // Wrong codes: thirty of one network; right ones are not counted.
    let guess = |nth: usize, ip: &'static str, code: String| async move {
        let body = json!({"address": email(&format!("{nth}@example.org")), "code": code});
        from(world, nth % 2, ip, "/v1/auth/codes/verify", &body).await
    };
    let code = world.code(Channel::Email, "30@example.org", 1).await;
    guess(30, "203.0.113.7", code).await.expect(200);
    let guesses = at_once((0..40).map(|nth| guess(nth % 20, "203.0.113.7", "000000".into()))).await;
    let refused = guesses.iter().filter(|reply| reply.body["code"] == "too-many-requests").count();
    let right = guesses.iter().filter(|reply| reply.status == 200).count();
    assert_eq!(refused + right, 10, "{right} of the guesses were right");
    guess(30, "203.0.113.8", "000000".into()).await.refused(422, "code-expired");
}

/// R2.3: what was right is no guess: a carrier's customers do not use up each other's tries.
#[tokio::test]
async fn r2_3_signing_in_with_the_right_pin_uses_up_nothing() {
    world(|world| async move {
        world.account("Ann", "ann@example.org").await;
        world
            .db
            .admin
            .batch_execute("update data.policies set value = 2 where key = 'sign_ins_per_ip_and_hour'")
            .await
            .unwrap();
        for _ in 0..4 {
            world.sign_in("ann@example.org", PIN).await.expect(201);
        }
        for _ in 0..2 {
            world.sign_in("ann@example.org", "9999").await.refused(401, "sign-in-failed");
        }
        // Over it nobody is looked up: the answer is the same for a right PIN, and for no account.
        world.sign_in("ann@example.org", PIN).await.refused(429, "too-many-requests");
        world.sign_in("nobody@example.org", PIN).await.refused(429, "too-many-requests");
        assert_eq!(world.number("select count(*) from data.unknown_sign_ins", &[]).await, 0);
        world
    })
    .await;
}

#[tokio::test]
async fn the_address_of_a_client_is_what_a_trusted_proxy_says_and_nobody_else() {
    let mut world = World::without_server().await;
    world.start_server().await;
    let mut config = world.config();
    config.trusted_proxies = vec!["127.0.0.1/32".parse().unwrap(), "10.0.0.0/8".parse().unwrap()];
    world.servers.push(Server::start(config).await.unwrap());
    world.account("Ann", "ann@example.org").await;
    let body = json!({"address": email("ann@example.org"), "pin": PIN});
    for (nth, forwarded, ip) in [
        (0, "203.0.113.7", "127.0.0.1"),
        (1, "203.0.113.7", "203.0.113.7"),
        (1, "6.6.6.6, 203.0.113.7, 10.1.2.3", "203.0.113.7"),
        (1, "nonsense", "127.0.0.1"),
        (1, "2001:db8::7", "2001:db8::7"),
    ] {
        let session = from(&world, nth, forwarded, "/v1/auth/sessions", &body).await.expect(201)["session_id"].clone();
        let seen = "select host(s.last_ip) as session, host(e.ip) as trail from data.sessions s join audit.events e on e.object_id = s.id where s.id::text = $1";
        assert_eq!(
            world.row(seen, &[&session.as_str().unwrap()]).await,
            json!({"session": ip, "trail": ip}),
            "{forwarded}"
        );
    }
    world.stop_servers().await;
}

/// A quota for each user and for each network, told in every answer; and never for what saves somebody.
#[tokio::test]
async fn too_many_requests_wait_but_never_what_saves_somebody() {
    let mut world = World::without_server().await;
    let mut config = world.config();
    config.requests_per_minute = NonZeroU32::new(5).unwrap();
    world.servers.push(Server::start(config).await.unwrap());
    let (ann, ben) = (world.person("Ann").await, world.person("Ben").await);
    world.connect(&ann, &ben).await;
    for left in (0..5).rev() {
        let reply = world.get(&ann, "/v1/me").await;
        assert_eq!(reply.headers["ratelimit-policy"], "\"user\";q=5;w=60");
        assert!(reply.headers["ratelimit"].to_str().unwrap().starts_with(&format!("\"user\";r={left};t=")));
        reply.expect(200);
    }
    let refused = world.get(&ann, "/v1/me").await;
    let wait: u32 = refused.headers["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=13).contains(&wait), "{wait}");
    assert!(refused.headers["ratelimit"].to_str().unwrap().starts_with("\"user\";r=0;t="));
    refused.refused(429, "too-many-requests");
    world.get(&ben, "/v1/me").await.expect(200);
    // Nobody: by network, whatever is asked, and a token that is none counts there too.
    let nobody = |token: Option<&'static str>| {
        let world = &world;
        async move {
            world
                .call(
                    Method::POST,
                    "/v1/auth/sessions",
                    token,
                    &[],
                    Some(&json!({"address": email("x@example.org"), "pin": PIN})),
                )
                .await
        }
    };
    nobody(None).await.refused(401, "sign-in-failed");
    for _ in 0..2 {
        world.call(Method::GET, "/v1/me", Some("a.b.c"), &[], None).await.refused(401, "not-signed-in");
    }
    world.call(Method::GET, "/openapi.json", None, &[], None).await.expect(200);
    assert_eq!(nobody(Some("made-up")).await.status, 401);
    nobody(Some("made-up")).await.refused(429, "too-many-requests");
    world.call(Method::GET, "/v1/me", Some("a.b.c"), &[], None).await.refused(429, "too-many-requests");
    world.call(Method::GET, "/docs", None, &[], None).await.refused(429, "too-many-requests");
    // What saves somebody is never refused for that, nor are those who look whether it is well.
    for _ in 0..12 {
        world.post(&ann, "/v1/me/check-ins", json!({})).await.expect(201);
        world.refresh(&json!("x")).await.refused(401, "refresh-token-invalid");
        world.post(&ben, &format!("/v1/alerts/{}/acknowledge", ann.id), json!({})).await.refused(404, "not-found");
        world.call(Method::GET, "/healthz", None, &[], None).await.expect(200);
    }
    world.stop_servers().await;
}

/// 426 by a number that a DBA changes, without a restart; what saves somebody works with every version.
#[tokio::test]
async fn an_app_that_is_too_old_is_told_so_within_seconds_of_the_change() {
    world(|world| async move {
        let ann = world.person("Ann").await;
        let me = |version: &'static str| {
            let (world, token) = (&world, ann.token.clone());
            async move { world.call(Method::GET, "/v1/me", Some(&token), &[("x-app-version", version)], None).await }
        };
        me("0.0.1").await.expect(200);
        let policy = "set role pruuf_owner; select api.set_policy('least_app_version', 20305, 'a test'); reset role";
        world.db.admin.batch_execute(policy).await.unwrap();
        let deadline = tokio::time::Instant::now() + crate::support::PATIENCE;
        while me("2.3.4").await.status == 200 {
            assert!(tokio::time::Instant::now() < deadline, "the number was never read");
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        let refused = me("2.3.4").await.refused(426, "app-too-old");
        assert!(refused["detail"].as_str().unwrap().contains("2.3.5"), "{refused}");
        for version in ["2.3.5", "2.4", "3", "2.3.5-beta", "nonsense", ""] {
            me(version).await.expect(200);
        }
        world.get(&ann, "/v1/me").await.expect(200);
        let old = [("x-app-version", "1.0.0")];
        world.call(Method::POST, "/v1/me/check-ins", Some(&ann.token), &old, Some(&json!({}))).await.expect(201);
        // Whoever hears of an alert may look, and sign in for it.
        for path in ["/v1/alerts", "/v1/members"] {
            world.call(Method::GET, path, Some(&ann.token), &old, None).await.expect(200);
        }
        let nobody = json!({"address": email("nobody@example.org"), "pin": "4829"});
        world.call(Method::POST, "/v1/auth/sessions", None, &old, Some(&nobody)).await.refused(401, "sign-in-failed");
        world
            .call(Method::POST, "/v1/me/schedule", Some(&ann.token), &old, Some(&json!({})))
            .await
            .refused(426, "app-too-old");
        world
    })
    .await;
}

/// Web pages of known origins may read the answers; others are served, and their browsers told nothing.
#[tokio::test]
async fn only_pages_of_configured_origins_may_read_answers() {
    let mut world = World::without_server().await;
    let mut config = world.config();
    config.cors_origins = vec!["https://app.example.org".to_owned()];
    config.public_url = "https://api.example.org".parse().unwrap();
    world.servers.push(Server::start(config).await.unwrap());
    let ann = world.person("Ann").await;
    for (origin, is_known) in [("https://app.example.org", true), ("https://evil.example", false), ("null", false)] {
        for (path, status) in [("/v1/me", 200), ("/v1/nothing", 404)] {
            let reply = world.call(Method::GET, path, Some(&ann.token), &[("origin", origin)], None).await;
            assert_eq!(reply.status, status);
            let allowed = reply.headers.get("access-control-allow-origin").map(|allowed| allowed.to_str().unwrap());
            assert_eq!(allowed, is_known.then_some(origin), "{path}");
            assert!(!reply.headers.contains_key("access-control-allow-credentials"));
        }
        let asks = [
            ("origin", origin),
            ("access-control-request-method", "PUT"),
            ("access-control-request-headers", "authorization,if-match"),
        ];
        let preflight = world.call(Method::OPTIONS, "/v1/me/schedule", None, &asks, None).await;
        assert_eq!(preflight.status, if is_known { 200 } else { 405 });
        assert_eq!(preflight.headers.contains_key("access-control-allow-methods"), is_known);
    }
    // Reached by HTTPS, it says that it always will be.
    let reply = world.get(&ann, "/v1/me").await;
    assert_eq!(reply.headers["strict-transport-security"], "max-age=63072000; includeSubDomains");
    world.stop_servers().await;
    let mut world = World::without_server().await;
    world.start_server().await;
    let ann = world.person("Ann").await;
    let reply =
        world.call(Method::GET, "/v1/me", Some(&ann.token), &[("origin", "https://app.example.org")], None).await;
    assert!(!reply.headers.contains_key("access-control-allow-origin"));
    world.stop_servers().await;
}
