//! How a Contact watches, and in which order a Member's Contacts are told (R3.4, R3.5).

use pruuf::dev::fakes::Channel;
use reqwest::Method;
use serde_json::{Value, json};

use crate::connections::{accept, invite, told};
use crate::support::{Person, Reply, World, world};

async fn patch(world: &World, who: &Person, path: &str, body: Value) -> Reply {
    world.call(Method::PATCH, path, Some(&who.token), &[], Some(&body)).await
}

async fn watch(world: &World, contact: &Person, member: &Person, body: Value) -> Value {
    patch(world, contact, &format!("/v1/members/{}", member.id), body).await.expect(200)
}

async fn tap(world: &World, member: &Person) -> Value {
    world.post(member, "/v1/me/check-ins", json!({})).await.expect(201)
}

/// How many rows of this kind a person has in the app.
async fn rows(world: &World, who: &Person, kind: &str) -> i64 {
    world.number("select count(*) from data.notifications where user_id = $1 and kind = $2", &[&who.id, &kind]).await
}

/// Waits until the job has told of every check-in.
async fn all_told(world: &World) {
    world.eventually("every check-in is told", "select not exists (select from data.untold_check_ins)", &[]).await;
    world.settle().await;
}

#[tokio::test]
async fn r3_4_a_contact_has_a_nickname_and_settings_that_only_they_see() {
    world(|world| async move {
        let (ann, ben, cleo) = (world.person("Ann").await, world.person("Ben").await, world.person("Cleo").await);
        world.connect(&ann, &ben).await;
        world.connect(&ann, &cleo).await;
        let path = format!("/v1/members/{}", ann.id);
        let plain = world.get(&ben, &path).await.expect(200);
        assert_eq!((&plain["hears_of"], &plain["mutes_routine"]), (&json!("misses_only"), &json!(false)));
        assert!(plain.get("nickname").is_none());
        // Nothing changes nothing.
        assert_eq!(watch(&world, &ben, &ann, json!({})).await, plain);

        let changed = watch(&world, &ben, &ann, json!({"nickname": "  Mum ", "hears_of": "daily_digest"})).await;
        assert_eq!(
            (&changed["nickname"], &changed["hears_of"], &changed["name"]),
            (&json!("Mum"), &json!("daily_digest"), &json!("Ann"))
        );
        let changed = watch(&world, &ben, &ann, json!({"mutes_routine": true})).await;
        assert_eq!(
            (&changed["nickname"], &changed["hears_of"], &changed["mutes_routine"]),
            (&json!("Mum"), &json!("daily_digest"), &json!(true))
        );
        assert_eq!(world.get(&ben, &path).await.expect(200), changed);
        assert_eq!(world.get(&ben, "/v1/members").await.expect(200)["items"][0], changed);
        for (body, pointer) in [
            (json!({"nickname": ""}), "/nickname"),
            (json!({"nickname": "   "}), "/nickname"),
            (json!({"nickname": "x".repeat(81)}), "/nickname"),
            (json!({"nickname": ["Mum"]}), "/nickname"),
            (json!({"hears_of": "everything"}), "/hears_of"),
            (json!({"mutes_routine": "yes"}), "/mutes_routine"),
        ] {
            let refused = patch(&world, &ben, &path, body.clone()).await.refused(422, "invalid");
            assert_eq!(refused["errors"][0]["pointer"], pointer, "{body}");
        }
        assert_eq!(world.get(&ben, &path).await.expect(200), changed);

        // Nobody else: not the other Contact, not the Member, not in SQL, not in the Member's trail.
        assert_eq!(world.get(&cleo, &path).await.expect(200)["hears_of"], "misses_only");
        for path in ["/v1/me", "/v1/me/contacts", "/v1/notifications", "/v1/me/today"] {
            let shown = world.get(&ann, path).await.expect(200).to_string();
            assert!(!shown.contains("Mum") && !shown.contains("digest"), "{path}: {shown}");
        }
        let session = world.db.session_as("pruuf_user", Some(ann.id)).await;
        let seen =
            session.query("select nickname, hears_of, mutes_routine from data.watch_settings", &[]).await.unwrap();
        assert_eq!(seen.len(), 0);
        let trail = "select count(*) from audit.events where action = 'watching.changed' and subject_user_id = $1";
        assert_eq!((world.number(trail, &[&ben.id]).await, world.number(trail, &[&ann.id]).await), (3, 0));
        assert_eq!(world.number("select count(*) from audit.events where details::text like '%Mum%'", &[]).await, 0);
        let stranger = world.person("Eve").await;
        for (who, whom) in [(&stranger, &ann), (&ann, &ben), (&ann, &ann)] {
            patch(&world, who, &format!("/v1/members/{}", whom.id), json!({"nickname": "X"}))
                .await
                .refused(404, "not-found");
        }

        assert!(watch(&world, &ben, &ann, json!({"nickname": null})).await.get("nickname").is_none());
        // They end with the connection.
        watch(&world, &ben, &ann, json!({"nickname": "Mum"})).await;
        world.delete(&ben, &path).await.expect(204);
        world.expect_message(Channel::Push, &ann.push_token, "Ben").await;
        world.open_app(&ann).await;
        patch(&world, &ben, &path, json!({"nickname": "X"})).await.refused(404, "not-found");
        assert_eq!(world.number("select count(*) from data.watch_settings", &[]).await, 0);
        let invitation = invite(&world, &ann, &ben, "contact").await;
        accept(&world, &ben, &invitation["code"]).await.expect(200);
        told(&world, [(&ann, &ben), (&ben, &ann)]).await;
        let anew = world.get(&ben, &path).await.expect(200);
        assert_eq!(
            (anew.get("nickname"), &anew["hears_of"], &anew["mutes_routine"]),
            (None, &json!("misses_only"), &json!(false))
        );
        world
    })
    .await;
}

#[tokio::test]
async fn r3_4_every_check_in_is_told_once_to_whoever_wants_to_hear_of_it() {
    world(|mut world| async move {
        world.start_server().await;
        let (ann, ben, cleo) = (world.person("Ann").await, world.person("Ben").await, world.person("Cleo").await);
        world.connect(&ann, &ben).await;
        world.connect(&ann, &cleo).await;
        world.travel_to("2027-03-01T06:00:00Z").await;
        world.schedule(&ann, "09:00", "UTC").await;
        watch(&world, &ben, &ann, json!({"hears_of": "every_check_in"})).await;
        tap(&world, &ann).await;
        world.expect_message(Channel::Push, &ben.push_token, "Ann checked in at 06:00 on Monday 1 March").await;
        // More taps a day meet nothing, and nothing is told of them.
        world.advance("1 hour").await;
        assert_eq!(tap(&world, &ann).await["met"], json!([]));
        all_told(&world).await;
        assert_eq!((rows(&world, &ben, "checked_in").await, rows(&world, &cleo, "checked_in").await), (1, 0));
        // Late, within the grace: late is said; and that it waited in a queue (R4.5).
        world.travel_to("2027-03-02T09:05:00Z").await;
        let queued = json!({"device_time": "2027-03-02T07:30:00Z"});
        world.post(&ann, "/v1/me/check-ins", queued).await.expect(201);
        world
            .expect_message(
                Channel::Push,
                &ben.push_token,
                "late, at 09:05 on Tuesday 2 March (UTC). It was due at 09:00. The tap was made Tue 07:30 and reached us late.",
            )
            .await;
        let history = world.get(&ben, &format!("/v1/members/{}/history", ann.id)).await.expect(200);
        assert_eq!(history["items"][0]["device_time"], "2027-03-02T07:30:00+00:00");
        // Whoever has seen it needs no e-mail (R7.2).
        world.settle().await;
        world.open_app(&ben).await;
        // After a miss the all-clear says it: no double.
        world.travel_to("2027-03-03T09:10:00Z").await;
        for contact in [&ben, &cleo] {
            world.expect_on_all_channels(contact, "Ann").await;
        }
        world.settle().await;
        tap(&world, &ann).await;
        for contact in [&ben, &cleo] {
            world.expect_on_all_channels(contact, "Ann").await;
        }
        all_told(&world).await;
        assert_eq!((rows(&world, &ben, "checked_in").await, rows(&world, &ben, "checked_in_late").await), (1, 1));
        // Who chose otherwise hears no more of it.
        watch(&world, &ben, &ann, json!({"hears_of": "misses_only"})).await;
        world.travel_to("2027-03-04T08:00:00Z").await;
        tap(&world, &ann).await;
        all_told(&world).await;
        assert_eq!((rows(&world, &ben, "checked_in").await, rows(&world, &ben, "checked_in_late").await), (1, 1));
        world
    })
    .await;
}

/// R3.4: nobody is told on the path of a check-in: it leaves a row, and only where somebody wants to hear.
#[tokio::test]
async fn r3_4_a_check_in_itself_tells_nobody() {
    let mut world = World::without_server().await;
    world.start_server().await;
    let (ann, ben) = (world.person("Ann").await, world.person("Ben").await);
    world.connect(&ann, &ben).await;
    world.travel_to("2027-03-01T06:00:00Z").await;
    world.schedule(&ann, "09:00", "UTC").await;
    watch(&world, &ben, &ann, json!({"hears_of": "every_check_in"})).await;
    world.stop_all().await;
    let session = world.db.session_as("pruuf_user", Some(ann.id)).await;
    session.execute("insert into data.check_ins (member_id) values ($1)", &[&ann.id]).await.unwrap();
    let untold = "select count(*) from data.untold_check_ins";
    assert_eq!((world.number(untold, &[]).await, rows(&world, &ben, "checked_in").await), (1, 0));
    // Two jobs at once tell it once.
    let (one, other) =
        (world.db.session_as("pruuf_worker", None).await, world.db.session_as("pruuf_worker", None).await);
    let tick = "select jobs.tell_check_ins()";
    let (first, second) = tokio::join!(one.query_one(tick, &[]), other.query_one(tick, &[]));
    for ticked in [first.unwrap(), second.unwrap()] {
        assert_eq!(ticked.get::<_, Value>(0)["problems"], json!([]));
    }
    assert_eq!((world.number(untold, &[]).await, rows(&world, &ben, "checked_in").await), (0, 1));
}

#[tokio::test]
async fn r3_4_a_daily_digest_says_in_the_members_evening_what_the_day_was() {
    world(|mut world| async move {
        world.start_server().await;
        let (ann, ben) = (world.person("Ann").await, world.person("Ben").await);
        world.connect(&ann, &ben).await;
        // Auckland: 20:00 is 07:00 UTC in summer. No check-in on Sundays.
        world.travel_to("2027-02-25T16:00:00Z").await;
        world
            .put(&ann, "/v1/me/schedule", json!({"local_times": ["09:00"], "time_zone": "Pacific/Auckland", "weekdays": [1, 2, 3, 4, 5, 6], "reminders": []}))
            .await
            .expect(200);
        watch(&world, &ben, &ann, json!({"hears_of": "daily_digest"})).await;
        world.travel_to("2027-02-25T19:55:00Z").await;
        tap(&world, &ann).await;
        world.travel_to("2027-02-26T06:59:58Z").await;
        assert_eq!(rows(&world, &ben, "daily_digest").await, 0);
        world.advance("2 seconds").await;
        world.expect_message(Channel::Push, &ben.push_token, "09:00: checked in at 08:55. (Auckland time)").await;
        // Saturday is missed.
        world.travel_to("2027-02-26T20:10:00Z").await;
        world.expect_on_all_channels(&ben, "Ann").await;
        world.hold_rounds().await;
        world.travel_to("2027-02-27T07:00:00Z").await;
        world.expect_message(Channel::Push, &ben.push_token, "09:00: missed.").await;
        // Sunday is a day off.
        world.travel_to("2027-02-28T07:00:00Z").await;
        world.expect_message(Channel::Push, &ben.push_token, "Day off: no check-in was expected.").await;
        world.settle().await;
        assert_eq!(rows(&world, &ben, "daily_digest").await, 3);
        // The evening is where the Member is: from Los Angeles it is 20:00 there, once.
        world.travel_to("2027-02-28T19:00:00Z").await;
        world.post(&ann, "/v1/me/check-ins", json!({"time_zone": "America/Los_Angeles"})).await.expect(201);
        world.expect_on_all_channels(&ben, "Ann").await;
        world.travel_to("2027-03-01T07:00:00Z").await;
        world.settle().await;
        let sent = "select facts ->> 'local_on' as local_on, facts ->> 'time_zone' as time_zone from data.notifications where kind = 'daily_digest' order by created_at";
        assert_eq!(world.admin_json(sent).await.as_array().unwrap().len(), 3, "28 February has had its digest");
        world.travel_to("2027-03-01T17:10:00Z").await;
        world.expect_on_all_channels(&ben, "Ann").await;
        world.hold_rounds().await;
        world.travel_to("2027-03-02T04:00:00Z").await;
        world.expect_message(Channel::Push, &ben.push_token, "09:00: missed. (Los Angeles time)").await;
        let last = &world.admin_json(sent).await[3];
        assert_eq!(last, &json!({"local_on": "2027-03-01", "time_zone": "America/Los_Angeles"}));
        watch(&world, &ben, &ann, json!({"hears_of": "misses_only"})).await;
        assert_eq!(world.number("select count(*) from data.watch_settings where digest_at is not null", &[]).await, 0);
        world
    })
    .await;
}

/// R3.4: a muted Member's routine stays in the app; what is critical goes everywhere.
#[tokio::test]
async fn r3_4_muting_keeps_the_routine_in_the_app_and_never_an_alert() {
    world(|world| async move {
        let (ann, ben, cleo) = (world.person("Ann").await, world.person("Ben").await, world.person("Cleo").await);
        world.connect(&ann, &ben).await;
        world.connect(&ann, &cleo).await;
        world.travel_to("2027-03-01T06:00:00Z").await;
        world.schedule(&ann, "09:00", "UTC").await;
        watch(&world, &ben, &ann, json!({"hears_of": "every_check_in", "mutes_routine": true})).await;
        tap(&world, &ann).await;
        all_told(&world).await;
        let shown = world.get(&ben, "/v1/notifications").await.expect(200);
        assert_eq!((&shown["items"][0]["kind"], &shown["items"][0]["title"]), (&json!("checked_in"), &json!("Ann has checked in")));
        let sent = "select count(*) from data.deliveries d join data.notifications n on n.id = d.notification_id where n.user_id = $1";
        assert_eq!(world.number(sent, &[&ben.id]).await, 0);
        // The alarm, who has it, and its end.
        world.travel_to("2027-03-02T09:10:00Z").await;
        for contact in [&ben, &cleo] {
            world.expect_on_all_channels(contact, "Ann").await;
        }
        world.settle().await;
        let alert = world.get(&cleo, "/v1/alerts").await.expect(200)["items"][0]["id"].clone();
        world.post(&cleo, &format!("/v1/alerts/{}/acknowledge", alert.as_str().unwrap()), json!({})).await.expect(200);
        for told in [&ann, &ben] {
            world.expect_message(Channel::Push, &told.push_token, "Cleo has got this").await;
            world.open_app(told).await;
        }
        tap(&world, &ann).await;
        for contact in [&ben, &cleo] {
            world.expect_on_all_channels(contact, "Ann").await;
        }
        // Of another Member he hears as ever.
        let dan = world.person("Dan").await;
        world.connect(&dan, &ben).await;
        world.schedule(&dan, "12:00", "UTC").await;
        watch(&world, &ben, &dan, json!({"hears_of": "every_check_in"})).await;
        tap(&world, &dan).await;
        world.expect_message(Channel::Push, &ben.push_token, "Dan checked in").await;
        world
    })
    .await;
}

#[tokio::test]
async fn r3_5_a_member_orders_their_contacts_and_one_stays_primary() {
    world(|world| async move {
        let (ann, ben, cleo) = (world.person("Ann").await, world.person("Ben").await, world.person("Cleo").await);
        world.connect(&ann, &ben).await;
        world.connect(&ann, &cleo).await;
        let path = |contact: &Person| format!("/v1/me/contacts/{}", contact.id);
        let tiers = async || {
            let shown = world.get(&ann, "/v1/me/contacts").await.expect(200);
            let items = shown["items"].as_array().unwrap().clone();
            items.iter().map(|item| item["tier"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(tiers().await, ["primary", "primary"]);
        let changed = patch(&world, &ann, &path(&ben), json!({"tier": "backup"})).await.expect(200);
        assert_eq!(changed, world.get(&ann, "/v1/me/contacts").await.expect(200)["items"][0]);
        assert_eq!(changed["tier"], "backup");
        patch(&world, &ann, &path(&ben), json!({"tier": "backup"})).await.expect(200);
        assert_eq!(patch(&world, &ann, &path(&ben), json!({})).await.expect(200), changed);
        patch(&world, &ann, &path(&cleo), json!({"tier": "backup"})).await.refused(409, "last-primary-contact");
        let refused = patch(&world, &ann, &path(&cleo), json!({"tier": "first"})).await.refused(422, "invalid");
        assert_eq!(refused["errors"][0]["pointer"], "/tier");
        assert_eq!(tiers().await, ["backup", "primary"]);
        // The order is the Member's: nobody else changes or sees it.
        let stranger = world.person("Eve").await;
        for (who, whom) in [(&ben, &ann), (&stranger, &ann), (&stranger, &ben), (&ann, &stranger), (&ann, &ann)] {
            patch(&world, who, &path(whom), json!({"tier": "primary"})).await.refused(404, "not-found");
        }
        let session = world.db.session_as("pruuf_user", Some(ben.id)).await;
        assert!(session.query("select tier from data.connections", &[]).await.is_err());
        assert!(!world.get(&ben, "/v1/members").await.expect(200).to_string().contains("tier"));

        // A backup is not told at once, and of the end only who was told of the beginning.
        world.travel_to("2027-03-01T08:00:00Z").await;
        world.schedule(&ann, "09:00", "UTC").await;
        world.travel_to("2027-03-01T09:10:00Z").await;
        world.expect_on_all_channels(&cleo, "Ann").await;
        tap(&world, &ann).await;
        world.expect_on_all_channels(&cleo, "Ann").await;
        // When the last primary goes, whoever is left is primary, and the trail says so.
        world.delete(&cleo, &format!("/v1/members/{}", ann.id)).await.expect(204);
        world.expect_message(Channel::Push, &ann.push_token, "Cleo").await;
        world.open_app(&ann).await;
        assert_eq!(tiers().await, ["primary"]);
        let trail = "select count(*) from audit.events where action = 'contact.tier_changed' and subject_user_id = $1";
        assert_eq!(world.number(trail, &[&ann.id]).await, 2);
        world
    })
    .await;
}

/// R3.5: two primary Contacts who leave at one moment leave no Member with nobody to be told at once.
#[tokio::test]
async fn r3_5_somebody_stays_primary_whoever_leaves_at_once() {
    world(|world| async move {
        let ann = world.person("Ann").await;
        let contacts = [world.person("Ben").await, world.person("Cleo").await, world.person("Dan").await];
        for contact in &contacts {
            world.connect(&ann, contact).await;
        }
        let path = |contact: &Person| format!("/v1/me/contacts/{}", contact.id);
        patch(&world, &ann, &path(&contacts[2]), json!({"tier": "backup"})).await.expect(200);
        let away = format!("/v1/members/{}", ann.id);
        let (one, other) = tokio::join!(world.delete(&contacts[0], &away), world.delete(&contacts[1], &away));
        one.expect(204);
        other.expect(204);
        for contact in &contacts[..2] {
            world.expect_message(Channel::Push, &ann.push_token, &contact.name).await;
        }
        world.open_app(&ann).await;
        let left = world.get(&ann, "/v1/me/contacts").await.expect(200);
        assert_eq!((&left["items"][0]["name"], &left["items"][0]["tier"]), (&json!("Dan"), &json!("primary")));
        world
    })
    .await;
}
