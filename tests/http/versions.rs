//! `ETag`, `If-None-Match`, `If-Match`: who changes something changes what they read.

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Person, Reply, World, world};

fn etag(reply: &Reply) -> String {
    let tag = reply.headers.get("etag").unwrap_or_else(|| panic!("no ETag: {} {}", reply.status, reply.body));
    tag.to_str().unwrap().to_owned()
}

async fn get(world: &World, who: &Person, path: &str, known: &str) -> Reply {
    world.call(Method::GET, path, Some(&who.token), &[("if-none-match", known)], None).await
}

fn nine(zone: &str) -> Value {
    json!({"local_times": ["09:00"], "time_zone": zone, "reminders": []})
}

async fn put(world: &World, who: &Person, if_match: &str, body: Value) -> Reply {
    world.call(Method::PUT, "/v1/me/schedule", Some(&who.token), &[("if-match", if_match)], Some(&body)).await
}

#[tokio::test]
async fn what_has_not_changed_is_not_sent_again() {
    world(|world| async move {
        let (ann, ben) = (world.person("Ann").await, world.person("Ben").await);
        world.connect(&ann, &ben).await;
        world.travel_to("2027-03-01T08:00:00Z").await;
        world.schedule(&ann, "09:00", "UTC").await;
        let paths = [
            (&ann, "/v1/me".to_owned()),
            (&ann, "/v1/me/schedule".to_owned()),
            (&ann, "/v1/me/today".to_owned()),
            (&ann, "/v1/me/contacts".to_owned()),
            (&ben, "/v1/members".to_owned()),
            (&ben, format!("/v1/members/{}", ann.id)),
            (&ben, "/v1/alerts".to_owned()),
        ];
        for (who, path) in &paths {
            let first = world.get(who, path).await;
            let tag = etag(&first);
            assert_eq!(tag.starts_with("W/"), path.ends_with("/today"), "{path}: {tag}");
            first.expect(200);
            let weak = format!("\"x\", W/{}", tag.trim_start_matches("W/"));
            for known in [tag.as_str(), weak.as_str(), "*"] {
                let again = get(&world, who, path, known).await;
                assert_eq!((again.status, etag(&again)), (304, tag.clone()), "{path} {known}");
                assert_eq!(again.body, "", "{path}");
            }
            get(&world, who, path, "\"x\"").await.expect(200);
        }
        let before: Vec<String> =
            join_all(paths.iter().map(|(who, path)| async { etag(&world.get(who, path).await) })).await;
        world.post(&ann, "/v1/me/check-ins", json!({})).await.expect(201);
        for ((who, path), before) in paths.iter().zip(before) {
            let changes = path.ends_with("/today") || path.starts_with("/v1/members");
            assert_eq!(get(&world, who, path, &before).await.status == 200, changes, "{path}");
        }
        // The status of a day is part of it, the time of day is not.
        let before = etag(&world.get(&ann, "/v1/me/today").await);
        world.advance("1 minute").await;
        assert_eq!(get(&world, &ann, "/v1/me/today", &before).await.status, 304);
        world.travel_to("2027-03-02T05:01:00Z").await;
        get(&world, &ann, "/v1/me/today", &before).await.expect(200);
        world
    })
    .await;
}

#[tokio::test]
async fn a_change_of_what_has_changed_meanwhile_is_refused_and_changes_nothing() {
    world(|world| async move {
        let ann = world.person("Ann").await;
        put(&world, &ann, "*", nine("UTC")).await.refused(412, "precondition-failed");
        let made = put(&world, &ann, "\"x\"", nine("UTC")).await;
        made.refused(412, "precondition-failed");
        world.get(&ann, "/v1/me/schedule").await.refused(404, "no-schedule");
        let made = world.put(&ann, "/v1/me/schedule", nine("UTC")).await;
        let first = etag(&made);
        made.expect(200);
        assert_eq!(etag(&world.get(&ann, "/v1/me/schedule").await), first);
        let second = put(&world, &ann, &first, nine("Europe/Paris")).await;
        let second = (etag(&second), second.expect(200)).0;
        assert_ne!(second, first);
        for stale in [first.as_str(), &format!("W/{second}"), "", "\"\"", "nonsense", &second.replace('"', "")] {
            put(&world, &ann, stale, nine("Asia/Tokyo")).await.refused(412, "precondition-failed");
        }
        assert_eq!(world.get(&ann, "/v1/me/schedule").await.expect(200)["time_zone"], "Europe/Paris");
        put(&world, &ann, &format!("\"x\" , {second}"), nine("Asia/Tokyo")).await.expect(200);
        put(&world, &ann, "*", nine("Asia/Seoul")).await.expect(200);
        // Without If-Match the last one wins.
        world.put(&ann, "/v1/me/schedule", nine("UTC")).await.expect(200);
        // Many at once that all read the same: one of them changes it.
        let read = etag(&world.get(&ann, "/v1/me/schedule").await);
        let replies = join_all((0..8).map(|nth| {
            put(
                &world,
                &ann,
                &read,
                json!({"local_times": [format!("1{nth}:00")], "time_zone": "UTC", "reminders": []}),
            )
        }))
        .await;
        let mut statuses: Vec<u16> = replies.iter().map(|reply| reply.status).collect();
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 412, 412, 412, 412, 412, 412, 412]);
        world
    })
    .await;
}

#[tokio::test]
async fn r9_4_a_name_a_nickname_and_a_card_are_changed_on_the_version_that_was_read() {
    world(|world| async move {
        let (ann, ben) = (world.person("Ann").await, world.person("Ben").await);
        world.connect(&ann, &ben).await;
        let card = "/v1/me/welfare-card";
        let change = async |who: &Person, method: Method, path: &str, if_match: &str, body: Value| {
            world.call(method, path, Some(&who.token), &[("if-match", if_match)], Some(&body)).await
        };
        change(&ann, Method::PUT, card, "*", json!({"pets": "a cat"})).await.refused(412, "precondition-failed");
        world.put(&ann, card, json!({"pets": "a cat"})).await.expect(200);
        let watched = format!("/v1/members/{}", ann.id);
        for (who, method, path, body) in [
            (&ann, Method::PATCH, "/v1/me", json!({"name": "Anne"})),
            (&ben, Method::PATCH, watched.as_str(), json!({"nickname": "Mum"})),
            (&ann, Method::PUT, card, json!({"pets": "a dog"})),
        ] {
            let read = etag(&world.get(who, path).await);
            change(who, method.clone(), path, "\"x\"", body.clone()).await.refused(412, "precondition-failed");
            assert_eq!(etag(&world.get(who, path).await), read, "{path}");
            let changed = change(who, method.clone(), path, &read, body.clone()).await;
            assert_eq!((changed.status, etag(&changed)), (200, etag(&world.get(who, path).await)), "{path}");
            change(who, method, path, &read, body).await.refused(412, "precondition-failed");
        }
        world
    })
    .await;
}

/// What the server makes of an answer and the database of a shape is one thing.
#[tokio::test]
async fn the_database_makes_the_same_tag_of_a_shape() {
    world(|world| async move {
        let ann = world.person("Zoë \u{1f600} \"quoted\" \\ back").await;
        let reply = world.get(&ann, "/v1/me").await;
        let id = ann.id;
        let mut session = world.db.session_as("pruuf_user", Some(id)).await;
        let transaction = session.transaction().await.unwrap();
        let tag: String = transaction.query_one("select rules.etag(api.get_me())", &[]).await.unwrap().get(0);
        assert_eq!(tag, etag(&reply));
        reply.expect(200);
        drop(transaction);
        world
    })
    .await;
}
