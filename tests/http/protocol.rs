//! What holds for every path: refusals, headers, sizes, keys, lists, hostile values, logs.

use std::net::SocketAddr;
use std::process::Stdio;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::future::join_all;
use futures_util::{StreamExt as _, stream};
use pruuf::dev::fakes::Channel;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::support::accounts::{PIN, email};
use crate::support::{Person, Reply, World, world};

/// Sends a body as it is.
async fn send(
    world: &World,
    who: &Person,
    method: Method,
    path: &str,
    content_type: Option<&str>,
    body: impl Into<reqwest::Body>,
) -> Reply {
    let mut request = reqwest::Client::new().request(method, world.url(path)).bearer_auth(&who.token).body(body);
    if let Some(content_type) = content_type {
        request = request.header("content-type", content_type);
    }
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let text = response.text().await.unwrap();
    Reply { status, headers, body: serde_json::from_str(&text).unwrap_or(Value::String(text)) }
}

/// Sends bytes and gives what comes back until the server closes or half a minute is over.
async fn raw(world: &World, bytes: &[u8]) -> String {
    let address: SocketAddr = world.url("").strip_prefix("http://").unwrap().parse().unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    let mut answer = Vec::new();
    let _ = tokio::time::timeout(Duration::from_secs(30), stream.read_to_end(&mut answer)).await;
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn a_request_that_cannot_be_read_is_a_problem_that_says_why() {
    world(|world| async move {
        let ann = world.person("Ann").await;
        let json = Some("application/json");
        let check_in = "/v1/me/check-ins";
        for body in
            ["", "{", "{\"note\": }", "nonsense", "{\"note\": \"\\ud800\"}", "\u{feff}{}", &"[".repeat(10_000), "{} {}"]
        {
            let refused = send(&world, &ann, Method::POST, check_in, json, body.to_owned()).await;
            assert!(
                refused.refused(400, "malformed-request")["detail"]
                    .as_str()
                    .unwrap()
                    .starts_with("The body is not JSON")
            );
        }
        send(&world, &ann, Method::POST, check_in, json, vec![b'{', 0xff, b'}'])
            .await
            .refused(400, "malformed-request");
        for content_type in
            [Some("text/plain"), Some("application/xml"), Some("application/x-www-form-urlencoded"), Some("nonsense")]
        {
            send(&world, &ann, Method::POST, check_in, content_type, "{}").await.refused(415, "unsupported-media-type");
        }
        for (path, method) in [
            ("/nothing", Method::GET),
            ("/v1", Method::GET),
            ("/v1/me/", Method::GET),
            ("/v1/alerts/1", Method::GET),
            ("/v1/../etc/passwd", Method::GET),
            ("/%00", Method::GET),
            ("/v1/nothing", Method::POST),
        ] {
            world.call(method, path, Some(&ann.token), &[], None).await.refused(404, "not-found");
        }
        for (path, method, allow) in [
            ("/v1/me", Method::POST, "DELETE, GET, PATCH"),
            (check_in, Method::DELETE, "GET, POST"),
            ("/v1/me/devices/x", Method::GET, "DELETE, PUT"),
            ("/healthz", Method::POST, "GET, HEAD"),
            ("/openapi.json", Method::DELETE, "GET, HEAD"),
        ] {
            let reply = world.call(method, path, Some(&ann.token), &[], None).await;
            assert_eq!(reply.headers.get("allow").map(|allow| allow.to_str().unwrap()), Some(allow), "{path}");
            reply.refused(405, "method-not-allowed");
        }
        for query in
            ["limit=0", "limit=101", "limit=x", "limit=99999999999", "limit=-1", "cursor=x", "cursor=%00", "limit="]
        {
            let refused = world.get(&ann, &format!("{check_in}?{query}")).await.refused(400, "malformed-request");
            let name = query.split('=').next().unwrap();
            assert_eq!(refused["errors"][0]["parameter"], name);
            let must = match name {
                "limit" => "The parameter limit must be a whole number from 1 to 100.",
                _ => "The parameter cursor must be the next_cursor of the page before, as it came.",
            };
            assert_eq!(refused["detail"], must, "{query}");
        }
        world
    })
    .await;
}

#[tokio::test]
async fn wrong_values_are_shown_with_json_pointers() {
    world(|world| async move {
        let ann = world.person("Ann").await;
        let pointers = |reply: Reply| -> Vec<String> {
            let refused = reply.refused(422, "invalid");
            refused["errors"].as_array().unwrap().iter().map(|error| error["pointer"].as_str().unwrap().to_owned()).collect()
        };
        let schedule = json!({"local_times": [9, "10:00"], "weekdays": "all", "grace_minutes": 99999, "reminders": ["at_time", "never"]});
        let found = pointers(world.put(&ann, "/v1/me/schedule", schedule).await);
        for pointer in ["/time_zone", "/local_times/0", "/weekdays", "/grace_minutes", "/reminders/1"] {
            assert!(found.contains(&pointer.to_owned()), "{pointer}: {found:?}");
        }
        assert_eq!(found.len(), 5, "{found:?}");
        assert_eq!(pointers(world.post(&ann, "/v1/me/check-ins", json!({"mood": "angry", "device_time": "yesterday", "note": 5})).await).len(), 3);
        assert_eq!(pointers(world.post(&ann, "/v1/me/check-ins", json!([])).await), [""]);
        assert_eq!(pointers(world.post(&ann, "/v1/me/check-ins", json!({"note": "x".repeat(501)})).await), ["/note"]);
        for (time, pointer) in [("24:00", "/local_times/1"), ("9:00", "/local_times/1"), ("09:00:30", "/local_times/1")] {
            assert_eq!(pointers(world.put(&ann, "/v1/me/schedule", json!({"local_times": ["08:00", time], "time_zone": "UTC"})).await), [pointer]);
        }
        assert_eq!(pointers(world.put(&ann, "/v1/me/schedule", json!({"local_times": [], "time_zone": "UTC"})).await), ["/local_times"]);
        world
            .put(&ann, "/v1/me/schedule", json!({"local_times": ["08:00"], "time_zone": "Factory"}))
            .await
            .refused(422, "time-zone-unknown");
        assert_eq!(pointers(world.post_as_nobody("/v1/auth/codes/verify", json!({"address": email("a@b.example"), "code": "12345x"})).await), ["/code"]);
        assert_eq!(pointers(world.post_as_nobody("/v1/auth/codes", json!({"address": {"kind": "fax"}})).await).len(), 2);
        world
    })
    .await;
}

/// R9.4: what is not of its type is refused where it is, and nothing is changed; who asks is looked at before that.
#[tokio::test]
async fn r9_4_a_body_that_is_not_what_the_contract_says_changes_nothing() {
    world(|world| async move {
        let (ann, ben) = (world.person("Ann").await, world.person("Ben").await);
        world.connect(&ann, &ben).await;
        let device = format!("/v1/me/devices/{}", uuid::Uuid::new_v4());
        let (member, contact) = (format!("/v1/members/{}", ann.id), format!("/v1/me/contacts/{}", ben.id));
        let invitation = json!({"invitee_becomes": "contact", "name": 7, "address": {"kind": "email", "value": true}});
        let counts = "select (select count(*) from data.devices) + (select count(*) from data.invitations) + (select count(*) from data.schedules) + (select count(*) from audit.events)";
        let before = world.number(counts, &[]).await;
        for (who, method, path, body, pointers) in [
            (&ann, Method::PUT, &*device, json!({"platform": "ios", "push_token": false}), &["/push_token"][..]),
            (&ann, Method::PATCH, "/v1/me", json!({"name": 7}), &["/name"]),
            (&ann, Method::PUT, "/v1/me/schedule", json!({"local_times": ["09:00"], "time_zone": 1}), &["/time_zone"]),
            (&ann, Method::POST, "/v1/invitations", invitation, &["/name", "/address/value"]),
            (&ann, Method::POST, "/v1/invitations/accept", json!({"code": 234567}), &["/code"]),
            (&ann, Method::PATCH, &contact, json!({"tier": 1}), &["/tier"]),
            (&ann, Method::PATCH, "/v1/me", json!({"name": null}), &["/name"]),
            (&ben, Method::PATCH, &member, json!({"nickname": 7}), &["/nickname"]),
            (&ben, Method::PATCH, &member, json!({"nickname": null, "mutes_routine": "true"}), &["/mutes_routine"]),
        ] {
            let refused = world.call(method.clone(), path, Some(&who.token), &[], Some(&body)).await.refused(422, "invalid");
            let mut found: Vec<&str> =
                refused["errors"].as_array().unwrap().iter().map(|error| error["pointer"].as_str().unwrap()).collect();
            found.sort_unstable_by_key(|pointer| pointers.iter().position(|known| known == pointer));
            assert_eq!(found, pointers, "{path} {body}");
            world.call(method, path, None, &[], Some(&body)).await.refused(401, "not-signed-in");
        }
        assert_eq!(world.number(counts, &[]).await, before);
        assert_eq!(world.get(&ann, "/v1/me").await.expect(200)["name"], "Ann");
        // Of nobody, and not as JSON.
        world.post_as_nobody("/v1/auth/sessions", json!({"address": email(&ann.email), "pin": 4829})).await.refused(422, "invalid");
        send(&world, &ann, Method::PATCH, "/v1/me", Some("text/plain"), "{\"name\": 7}").await.refused(415, "unsupported-media-type");
        send(&world, &ann, Method::PATCH, "/v1/me", Some("application/json"), "").await.refused(400, "malformed-request");
        // Whoever taps has tapped, in whatever form a note comes.
        world.schedule(&ann, "09:00", "UTC").await;
        assert_eq!(world.post(&ann, "/v1/me/check-ins", json!({"note": 5})).await.expect(201)["note"], "5");
        world
    })
    .await;
}

#[tokio::test]
async fn a_body_over_256_kib_is_refused_however_it_is_sent() {
    world(|world| async move {
        let ann = world.person("Ann").await;
        let json = Some("application/json");
        let note = |bytes: usize| format!("{{\"note\":\"{}\"}}", "x".repeat(bytes - 11));
        send(&world, &ann, Method::POST, "/v1/me/check-ins", json, note(256 * 1024 + 1))
            .await
            .refused(413, "body-too-large");
        // Of the largest size it is read, and refused for what it holds.
        send(&world, &ann, Method::POST, "/v1/me/check-ins", json, note(256 * 1024)).await.refused(422, "invalid");
        let chunks = stream::iter((0..40).map(|_| Ok::<_, std::io::Error>(vec![b' '; 8 * 1024]))).boxed();
        send(&world, &ann, Method::POST, "/v1/me/check-ins", json, reqwest::Body::wrap_stream(chunks))
            .await
            .refused(413, "body-too-large");
        // Who says it is large is answered before it comes; who stops in the middle takes nothing down.
        let head = "POST /v1/auth/codes HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\nconnection: close\r\n";
        assert!(raw(&world, format!("{head}content-length: 99999999999\r\n\r\n").as_bytes()).await.contains(" 413 "));
        assert!(
            raw(&world, format!("{head}content-length: 5\r\ncontent-length: 6\r\n\r\nxxxxx").as_bytes())
                .await
                .contains(" 400 ")
        );
        assert!(raw(&world, b"GET / HTTP/9.9\r\n\r\n").await.len() < 500);
        let half = format!("{head}content-length: 9\r\n\r\n{{");
        let cut = tokio::time::timeout(Duration::from_secs(1), raw(&world, half.as_bytes())).await;
        assert!(cut.is_err(), "an answer to half a body: {cut:?}");
        world.get(&ann, "/v1/me").await.expect(200);
        // A clock out of its mind stops no check-in.
        for instant in ["0000-01-01T00:00:00Z", "-262143-01-01T00:00:00Z", "+262142-12-31T23:59:59Z"] {
            let tapped = world.post(&ann, "/v1/me/check-ins", json!({"device_time": instant})).await.expect(201);
            assert_eq!(tapped["device_clock_differs"], true);
        }
        world
    })
    .await;
}

#[tokio::test]
async fn every_answer_has_a_request_id_and_the_security_headers() {
    world(|world| async move {
        let ann = world.person("Ann").await;
        for path in ["/v1/me", "/nothing", "/healthz", "/docs", "/v1/alerts/x", "/openapi.json"] {
            for given in ["", "mine-1_2.3:4"] {
                let headers: &[(&str, &str)] = if given.is_empty() { &[] } else { &[("x-request-id", given)] };
                let reply = world.call(Method::GET, path, Some(&ann.token), headers, None).await;
                let id = reply.headers["x-request-id"].to_str().unwrap();
                assert!(if given.is_empty() { uuid::Uuid::parse_str(id).is_ok() } else { id == given }, "{path}: {id}");
                for (name, value) in [
                    ("x-content-type-options", "nosniff"),
                    ("x-frame-options", "DENY"),
                    ("referrer-policy", "no-referrer"),
                ] {
                    assert_eq!(reply.headers[name], value, "{path}");
                }
                assert!(reply.headers.contains_key("permissions-policy"));
                assert!(!reply.headers.contains_key("strict-transport-security"), "not where HTTP is spoken");
                assert_eq!(reply.headers["cache-control"], "no-store", "{path}");
                let policy = reply.headers["content-security-policy"].to_str().unwrap();
                assert!(
                    policy.starts_with("default-src 'none'") && policy.contains("frame-ancestors 'none'"),
                    "{path}"
                );
            }
        }
        for hostile in ["a b", "{\"x\":1}", "a\"b", "<script>", &"x".repeat(65), "a\tb", "%0a", "é"] {
            let reply = world.call(Method::GET, "/v1/me", Some(&ann.token), &[("x-request-id", hostile)], None).await;
            assert!(uuid::Uuid::parse_str(reply.headers["x-request-id"].to_str().unwrap()).is_ok(), "{hostile}");
        }
        // R9.2 it is in the audit trail.
        world
            .call(
                Method::PUT,
                &format!("/v1/me/devices/{}", uuid::Uuid::new_v4()),
                Some(&ann.token),
                &[("x-request-id", "trail-1")],
                Some(&json!({"platform": "ios", "push_token": "t"})),
            )
            .await
            .expect(200);
        assert_eq!(world.number("select count(*) from audit.events where request_id = 'trail-1'", &[]).await, 1);
        world
    })
    .await;
}

#[tokio::test]
async fn r9_4_a_key_gives_the_same_answer_for_a_day_and_only_to_its_user() {
    world(|world| async move {
        let (ann, ben) = (world.person("Ann").await, world.person("Ben").await);
        let tap = |who: &Person, key: &str, body: Value| {
            let (token, key, world) = (who.token.clone(), key.to_owned(), &world);
            async move {
                world
                    .call(Method::POST, "/v1/me/check-ins", Some(&token), &[("idempotency-key", &key)], Some(&body))
                    .await
            }
        };
        let count = |person: &Person| {
            let (id, world) = (person.id, &world);
            async move { world.number("select count(*) from data.check_ins where member_id = $1", &[&id]).await }
        };
        let replies = join_all((0..6).map(|_| tap(&ann, "k", json!({"note": "Fine"})))).await;
        let first = replies[0].body.clone();
        for reply in replies {
            assert_eq!(reply.expect(201), first);
        }
        assert_eq!(tap(&ann, "k", json!({"note": "Fine", "mood": null})).await.expect(201), first);
        tap(&ann, "k", json!({"note": "Other"})).await.refused(409, "idempotency-key-reused");
        // The same key for something else, too.
        let body = json!({"address": email("x@example.org")});
        world
            .call(Method::POST, "/v1/me/addresses", Some(&ann.token), &[("idempotency-key", "k")], Some(&body))
            .await
            .refused(409, "idempotency-key-reused");
        assert_ne!(tap(&ben, "k", json!({"note": "Other"})).await.expect(201)["id"], first["id"]);
        assert_eq!((count(&ann).await, count(&ben).await), (1, 1));
        // What was refused is not kept.
        tap(&ann, "r", json!({"note": "x".repeat(501)})).await.refused(422, "invalid");
        tap(&ann, "r", json!({"note": "Now"})).await.expect(201);
        tap(&ann, &"k".repeat(201), json!({})).await.refused(422, "invalid");
        tap(&ann, "", json!({})).await.refused(422, "invalid");
        world.advance("24 hours 1 second").await;
        assert_ne!(tap(&ann, "k", json!({"note": "Other"})).await.expect(201)["id"], first["id"]);
        world
    })
    .await;
}

#[tokio::test]
async fn a_list_comes_in_pages_and_each_item_once() {
    world(|world| async move {
        let (ann, ben) = (world.person("Ann").await, world.person("Ben").await);
        for nth in 0..7 {
            world.post(&ann, "/v1/me/check-ins", json!({"note": format!("{nth}")})).await.expect(201);
        }
        let (mut notes, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = world.get(&ann, &format!("/v1/me/check-ins?limit=3{cursor}")).await.expect(200);
            notes
                .extend(page["items"].as_array().unwrap().iter().map(|item| item["note"].as_str().unwrap().to_owned()));
            let Some(next) = page["next_cursor"].as_str() else { break };
            cursor = format!("&cursor={next}");
        }
        assert_eq!(notes, ["6", "5", "4", "3", "2", "1", "0"]);
        // A cursor of somebody else's list shows nothing of it.
        let page = world.get(&ben, &format!("/v1/me/check-ins?limit=3{cursor}")).await.expect(200);
        assert_eq!(page["items"], json!([]));
        for path in ["/v1/me/history", "/v1/alerts", "/v1/notifications", "/v1/invitations"] {
            for query in [
                "limit=1",
                "limit=100",
                "cursor=00000000-0000-0000-0000-000000000000",
                "cursor=ffffffff-ffff-ffff-ffff-ffffffffffff",
            ] {
                world.get(&ann, &format!("{path}?{query}")).await.expect(200);
            }
        }
        world
    })
    .await;
}

/// NUL characters, markup, directions, very long words, very far dates: refused or taken, never a fault of ours.
#[tokio::test]
async fn no_value_of_any_field_is_a_fault_of_ours() {
    world(|world| async move {
        let (ann, ben) = (world.person("Ann").await, world.person("Ben").await);
        world.connect(&ann, &ben).await;
        world.travel_to("2027-03-01T08:00:00Z").await;
        world.schedule(&ann, "09:00", "UTC").await;
        world.travel_to("2027-03-01T09:10:00Z").await;
        world.expect_on_all_channels(&ben, "Ann").await;
        let alert = world.get(&ben, "/v1/alerts").await.expect(200)["items"][0]["id"].as_str().unwrap().to_owned();
        let long = "x".repeat(100_000);
        let texts = [
            "\u{0}",
            "a\u{0}b",
            "",
            " ",
            "'; drop table data.users; --",
            "<script>alert(1)</script>",
            "\u{202e}txet",
            "{{7*7}}",
            "%s%n",
            "../../x",
            "\u{ffff}",
            "😀",
            "\u{7}\u{1b}[31m",
            "NaN",
            "now",
            "infinity",
            &long,
        ];
        let instants = [
            "0000-01-01T00:00:00Z",
            "9999-12-31T23:59:59Z",
            "0001-01-01T00:00:00Z",
            "0000-01-01T00:00:00Z",
            "-0001-01-01T00:00:00Z",
            "+10000-01-01T00:00:00Z",
            "+262142-12-31T23:59:59Z",
            "-262143-01-01T00:00:00Z",
            "2027-03-01T23:59:60Z",
            "2027-03-01T09:00:00.123456789012Z",
            "2027-03-01T00:00:00+23:59",
            "1970-01-01T00:00:00Z",
        ];
        let numbers = [
            json!(0),
            json!(-1),
            json!(32767),
            json!(32768),
            json!(2147483648_u64),
            json!(9.5),
            json!(1e300),
            json!(u64::MAX),
            json!("1"),
            json!(true),
        ];
        let mut bodies: Vec<(Method, String, Value)> = Vec::new();
        for text in texts {
            bodies.extend([
                (Method::POST, "/v1/me/check-ins".to_owned(), json!({"note": text})),
                (Method::POST, "/v1/me/check-ins".to_owned(), json!({"time_zone": text})),
                (Method::POST, "/v1/me/check-ins".to_owned(), json!({"mood": text})),
                (Method::PUT, "/v1/me/schedule".to_owned(), json!({"local_times": [text], "time_zone": "UTC"})),
                (Method::PUT, "/v1/me/schedule".to_owned(), json!({"local_times": ["09:00"], "time_zone": text})),
                (
                    Method::PUT,
                    format!("/v1/me/devices/{}", uuid::Uuid::new_v4()),
                    json!({"platform": "ios", "push_token": text}),
                ),
                (Method::POST, "/v1/invitations/accept".to_owned(), json!({"code": text})),
                (Method::POST, format!("/v1/alerts/{alert}/acknowledge"), json!({"arrives_at": text})),
                (Method::POST, format!("/v1/alerts/{alert}/close"), json!({"outcome": text, "note": text})),
                (
                    Method::POST,
                    "/v1/auth/sessions".to_owned(),
                    json!({"address": email("x@example.org"), "pin": text, "device_name": text}),
                ),
                (
                    Method::POST,
                    "/v1/auth/codes/verify".to_owned(),
                    json!({"address": email("x@example.org"), "code": text}),
                ),
                (
                    Method::POST,
                    "/v1/auth/accounts".to_owned(),
                    json!({"ticket": text, "name": text, "pin": PIN, "device_name": text}),
                ),
                (Method::POST, "/v1/auth/sessions/refresh".to_owned(), json!({"refresh_token": text})),
            ]);
        }
        for instant in instants {
            bodies.push((Method::POST, "/v1/me/check-ins".to_owned(), json!({"device_time": instant})));
            bodies.push((Method::POST, format!("/v1/alerts/{alert}/acknowledge"), json!({"arrives_at": instant})));
        }
        for number in numbers {
            bodies.push((
                Method::PUT,
                "/v1/me/schedule".to_owned(),
                json!({"local_times": ["09:00"], "time_zone": "UTC", "grace_minutes": number, "weekdays": [number]}),
            ));
            bodies.push((
                Method::PUT,
                "/v1/me/schedule".to_owned(),
                json!({"local_times": ["09:00"], "time_zone": "UTC", "grace_minutes": number}),
            ));
            bodies.push((Method::POST, "/v1/me/check-ins".to_owned(), json!({"note": number, "device_time": number})));
        }
        for time in ["24:00", "25:00", "09:60", "9", "09:00:01", "09:00+05", "allballs", "23:59:59.9999999"] {
            bodies.push((
                Method::PUT,
                "/v1/me/schedule".to_owned(),
                json!({"local_times": [time], "time_zone": "UTC"}),
            ));
        }
        let mut faults = Vec::new();
        for (method, path, body) in bodies {
            let who = if path.contains("alerts") { &ben } else { &ann };
            let reply = world.call(method, &path, Some(&who.token), &[], Some(&body)).await;
            let shown = body.to_string().chars().take(120).collect::<String>();
            if reply.status >= 500 {
                faults.push(format!("{} {path} {shown}: {}", reply.status, reply.body));
            }
            // What was taken can be shown.
            for list in ["/v1/me/check-ins?limit=1", "/v1/me/schedule"] {
                let shows = world.get(&ann, list).await;
                if shows.status >= 500 {
                    faults.push(format!("{} {list} after {path} {shown}", shows.status));
                }
            }
            let shows = world.get(&ben, "/v1/alerts").await;
            if shows.status >= 500 {
                faults.push(format!("{} alerts after {path} {shown}", shows.status));
            }
        }
        assert!(faults.is_empty(), "{faults:#?}");
        world.settle().await;
        world.forget();
        world
    })
    .await;
}

#[tokio::test]
async fn answers_are_compressed_when_asked_and_events_still_come_at_once() {
    world(|world| async move {
        let (ann, ben) = (world.person("Ann").await, world.person("Ben").await);
        for (wish, encoding) in [("gzip", Some("gzip")), ("br", Some("br")), ("identity", None), ("nonsense", None)] {
            let reply = world.call(Method::GET, "/openapi.json", None, &[("accept-encoding", wish)], None).await;
            assert_eq!(reply.headers.get("content-encoding").map(|encoding| encoding.to_str().unwrap()), encoding);
        }
        world.connect(&ann, &ben).await;
        let request = reqwest::Client::new()
            .get(world.url("/v1/events"))
            .bearer_auth(&ben.token)
            .header("accept-encoding", "gzip");
        let response = request.send().await.unwrap();
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        world.delete(&ann, &format!("/v1/me/contacts/{}", ben.id)).await.expect(204);
        let mut body = response.bytes_stream();
        let first = tokio::time::timeout(Duration::from_secs(12), body.next()).await;
        assert!(
            first.is_ok_and(|chunk| chunk.is_some_and(|chunk| chunk.is_ok_and(|bytes| !bytes.is_empty()))),
            "a compressed stream holds events back"
        );
        drop(body);
        world.expect_message(Channel::Push, &ben.push_token, "Ann").await;
        world.open_app(&ben).await;
        world
    })
    .await;
}

#[tokio::test]
async fn the_pages_of_those_who_run_it_are_served() {
    world(|world| async move {
        for (path, content_type, words) in [
            ("/healthz", "application/json", "ok"),
            ("/readyz", "application/json", "\"database\":\"ok\""),
            ("/openapi.json", "application/json", "record_check_in"),
            ("/openapi.yaml", "application/yaml", "record_check_in"),
            ("/docs", "text/html", "<html"),
            ("/docs/problems", "text/html", "idempotency-key-reused"),
            ("/.well-known/jwks.json", "application/json", "Ed25519"),
        ] {
            let reply = world.call(Method::GET, path, None, &[], None).await;
            assert!(reply.headers["content-type"].to_str().unwrap().starts_with(content_type), "{path}");
            let shown = reply.expect(200);
            let shown = shown.as_str().map_or_else(|| shown.to_string(), str::to_owned);
            assert!(shown.contains(words), "{path}: {}", shown.chars().take(300).collect::<String>());
            assert_eq!(world.call(Method::HEAD, path, None, &[], None).await.status, 200, "HEAD {path}");
        }
        world
    })
    .await;
}

/// House rule: logs hold ids only. The real program, a whole sign-up, and what goes wrong in one.
#[tokio::test]
async fn no_line_of_the_log_has_an_address_a_token_a_code_or_a_pin() {
    world(|world| async move {
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let key = STANDARD.encode([7; 32]);
        let credentials = std::env::temp_dir().join(format!("pruuf-test-log-{port}.json"));
        std::fs::write(&credentials, world.fakes.fcm_credentials_json()).unwrap();
        let written = credentials.with_extension("log");
        let mut program = tokio::process::Command::new(env!("CARGO_BIN_EXE_pruuf"))
            .arg("serve")
            .env_clear()
            .env("DATABASE_URL", world.db.server_url())
            .env("PRUUF_LISTEN", format!("127.0.0.1:{port}"))
            .env("PRUUF_PUBLIC_URL", "http://127.0.0.1")
            .env("PRUUF_JWT_KEYS", &key)
            .env("PRUUF_PIN_PEPPER", &key)
            .env("PRUUF_DATA_KEYS", &key)
            .env("PRUUF_FCM_URL", world.fakes.fcm_url().to_string())
            .env("PRUUF_FCM_CREDENTIALS", &credentials)
            .env("PRUUF_SMTP_URL", world.fakes.smtp_url())
            .env("PRUUF_EMAIL_FROM", "Pruuf <hello@pruuf.example>")
            .env("PRUUF_TWILIO_URL", world.fakes.twilio_url().to_string())
            .env("PRUUF_TWILIO_ACCOUNT_SID", "AC00000000000000000000000000000000")
            .env("PRUUF_TWILIO_AUTH_TOKENS", "twilio-secret")
            .env("PRUUF_TWILIO_FROM", "+15005550006")
            .stderr(Stdio::from(std::fs::File::create(&written).unwrap()))
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let url = format!("http://127.0.0.1:{port}");
        let client = reqwest::Client::new();
        for _ in 0..400 {
            if client.get(format!("{url}/readyz")).send().await.is_ok_and(|ready| ready.status() == 200) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let post = |path: &str, token: Option<&Value>, body: Value| {
            let mut request = client.post(format!("{url}{path}")).json(&body);
            if let Some(token) = token {
                request = request.bearer_auth(token.as_str().unwrap());
            }
            async move { request.send().await.unwrap().json::<Value>().await.unwrap() }
        };
        let address = email("secret.person@example.org");
        post("/v1/auth/codes", None, json!({"address": address})).await;
        let code = world.code(Channel::Email, "secret.person@example.org", 1).await;
        let ticket =
            post("/v1/auth/codes/verify", None, json!({"address": address, "code": code})).await["ticket"].clone();
        let body = json!({"ticket": ticket, "name": "Zebedee", "pin": "70415", "device_name": "Zebphone"});
        let session = post("/v1/auth/accounts", None, body).await;
        let token = &session["access_token"];
        post("/v1/auth/sessions", None, json!({"address": address, "pin": "90417"})).await;
        post("/v1/auth/sessions/refresh", None, json!({"refresh_token": session["refresh_token"]})).await;
        post("/v1/me/check-ins", Some(token), json!({"note": "Zebranote \u{0}"})).await;
        post("/v1/me/check-ins", Some(token), json!({"note": "Zebranote"})).await;
        post("/v1/me/check-ins", Some(token), json!({"note": "x".repeat(600)})).await;
        post("/v1/me/check-ins", Some(token), json!({"note": ["Zebranote"]})).await;
        post("/v1/me/addresses", Some(token), json!({"address": {"kind": "phone", "value": "+64211239999"}})).await;
        let sms = world.code(Channel::Sms, "+64211239999", 1).await;
        let invited = post(
            "/v1/invitations",
            Some(token),
            json!({"invitee_becomes": "contact", "name": "Zeno", "address": email("other.person@example.org")}),
        )
        .await;
        let mail = world.expect_message(Channel::Email, "other.person@example.org", "Zebedee").await;
        let link = mail.text.split_once("/i/").unwrap().1.split_whitespace().next().unwrap().to_owned();
        assert_eq!(client.get(format!("{url}/i/{link}")).send().await.unwrap().status(), 200);
        assert_eq!(client.get(format!("{url}/i/{link}x")).send().await.unwrap().status(), 404);
        client.get(format!("{url}/v1/alerts?cursor=secret.person@example.org")).send().await.unwrap();
        client
            .put(format!("{url}/v1/me/devices/{}", uuid::Uuid::new_v4()))
            .bearer_auth(token.as_str().unwrap())
            .json(&json!({"platform": "ios", "push_token": "zebra-push-token"}))
            .send()
            .await
            .unwrap();
        world.settle().await;
        // It stops when it is told, and says so.
        let pid = program.id().unwrap().to_string();
        std::process::Command::new("kill").args(["-TERM", &pid]).status().unwrap();
        let done = tokio::time::timeout(Duration::from_secs(30), program.wait()).await.unwrap().unwrap();
        std::fs::remove_file(credentials).unwrap();
        let log = std::fs::read_to_string(&written).unwrap();
        std::fs::remove_file(written).unwrap();
        assert!(done.success() && log.contains("\"stopped\"") && log.contains("record_check_in"), "{log}");
        assert!(log.contains("show_invitation"), "{log}");
        let known: Vec<String> =
            log.lines().filter(|line| serde_json::from_str::<Value>(line).is_err()).map(str::to_owned).collect();
        assert!(known.is_empty(), "lines that are not JSON: {known:#?}");
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        for secret in [
            "secret.person",
            "other.person",
            "64211239999",
            "Zebedee",
            "Zebphone",
            "Zebranote",
            "Zeno",
            "zebra-push-token",
            "twilio-secret",
            "\"70415\"",
            "70415\"",
            "90417",
            &key,
            &text(&ticket),
            &text(token),
            &text(&session["refresh_token"]),
            &text(&invited["code"]),
            &link,
            &format!(" {code}"),
            &format!(" {sms}"),
        ] {
            let lines: Vec<String> =
                log.lines().filter(|line| line.contains(secret)).map(|line| line.chars().take(400).collect()).collect();
            assert!(lines.is_empty(), "{secret}: {lines:#?}");
        }
        world
    })
    .await;
}
