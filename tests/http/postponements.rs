//! "Ask me later" (R4.10): what it moves, when it is refused, and who sees it.

use pruuf::dev::fakes::Channel;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Person, World, at_once, world};

const EVERY_DAY: &str = "1,2,3,4,5,6,7";

/// A Member who is reminded, at nine in Auckland (UTC+13) with half an hour of grace.
async fn nine_in_auckland(world: &World, name: &str) -> Person {
    let member = world.person(name).await;
    let set = "api.set_schedule(local_times => '{09:00}', time_zone => 'Pacific/Auckland', weekdays => null, grace_minutes => 30::smallint, reminders => null)";
    world.exactly("2027-02-28T10:00:00Z", "pruuf_user", Some(member.id), set).await.unwrap();
    member
}

async fn later(world: &World, who: &Person, at: &str, minutes: i32) -> Result<Value, String> {
    let call = format!("api.postpone_check_in(minutes => {minutes})");
    world.exactly(at, "pruuf_user", Some(who.id), &call).await
}

async fn reminded(world: &World, at: &str) -> (Value, Value) {
    let ticked = world.tick(at).await;
    let reminded = world.remind(at).await;
    assert_eq!((&ticked["problems"], &reminded["problems"]), (&json!([]), &json!([])), "{at}");
    (reminded["done"].clone(), ticked["missed"].clone())
}

#[tokio::test]
async fn r4_10_the_deadline_its_alert_and_the_reminders_to_come_move() {
    let world = World::without_server().await;
    let (aroha, ben) = (nine_in_auckland(&world, "Aroha").await, nine_in_auckland(&world, "Ben").await);
    assert_eq!(reminded(&world, "2027-02-28T19:30:00Z").await, (json!(2), json!(0)));
    let put_off = later(&world, &aroha, "2027-02-28T19:40:00Z", 120).await.unwrap();
    for (name, value) in [
        ("due_at", json!("2027-02-28T22:00:00+00:00")),
        ("alert_at", json!("2027-02-28T22:30:00+00:00")),
        ("local_on", json!("2027-03-01")),
        ("local_time", json!("09:00")),
        ("postponed_minutes", json!(120)),
        ("state", json!("open")),
    ] {
        assert_eq!(put_off[name], value, "{name}");
    }
    assert_eq!(later(&world, &aroha, "2027-02-28T19:41:00Z", 30).await.unwrap_err(), "already-postponed");
    world.tap(&ben, "2027-02-28T19:59:59Z").await;

    // Nothing at nine; then all three reminders by the new time, also the one that had come before the old one.
    for at in ["20:00:00", "20:15:00", "20:30:00", "21:29:59"] {
        assert_eq!(reminded(&world, &format!("2027-02-28T{at}Z")).await, (json!(0), json!(0)), "{at}");
    }
    for at in ["21:30:00", "22:00:00", "22:15:00"] {
        assert_eq!(reminded(&world, &format!("2027-02-28T{at}Z")).await, (json!(1), json!(0)), "{at}");
    }
    let told = "select facts ->> 'phase' as phase, facts -> 'due' ->> 'local_time' as due, facts ->> 'alert_local_time' as alert
                  from data.notifications where kind = 'reminder' and facts -> 'due' ->> 'local_time' = '11:00:00' order by id";
    let told = world.admin_json(told).await;
    assert_eq!(
        told.as_array().unwrap().iter().map(|it| it["phase"].as_str().unwrap()).collect::<Vec<_>>(),
        ["before", "at_time", "half_grace"]
    );
    assert!(told[0]["alert"].as_str().unwrap().contains("11:30"), "{told:#}");

    // It is not lost: the alert comes, at its new time and with the time that was due.
    assert_eq!(reminded(&world, "2027-02-28T22:29:59Z").await.1, 0);
    assert_eq!(reminded(&world, "2027-02-28T22:30:00Z").await.1, 1);
    let alert =
        world.admin_json("select facts -> 'due' as due, facts -> 'late_by_seconds' as late from data.alerts").await;
    assert_eq!((&alert[0]["due"]["local_time"], &alert[0]["late"]), (&json!("11:00:00"), &Value::Null));
    assert_eq!(world.days(&aroha).await, ["01 09:00 missed open", "02 09:00 open"]);
    let next = world.exactly("2027-02-28T23:00:00Z", "pruuf_user", Some(aroha.id), "api.get_today()").await.unwrap();
    assert_eq!(next["next"]["due_at"], "2027-03-01T20:00:00+00:00", "tomorrow at nine as ever");
    assert_eq!(next["next"].get("postponed_minutes"), Some(&Value::Null));
    world.stop_servers().await;
}

#[tokio::test]
async fn r4_10_what_is_put_off_is_on_time_until_the_new_time_and_late_after_it() {
    let world = World::without_server().await;
    for (minutes, tap, state) in
        [(30, "20:29:59", "met"), (30, "20:30:01", "met_late"), (60, "20:59:59", "met"), (120, "22:00:01", "met_late")]
    {
        let member = nine_in_auckland(&world, "Aroha").await;
        // Until the last second.
        later(&world, &member, "2027-02-28T19:59:59Z", minutes).await.unwrap();
        let tapped = world.tap(&member, &format!("2027-02-28T{tap}Z")).await;
        assert_eq!(
            (&tapped["met"][0]["state"], &tapped["met"][0]["postponed_minutes"]),
            (&json!(state), &json!(minutes))
        );
        assert_eq!(tapped["next"]["due_at"], "2027-03-01T20:00:00+00:00");
        let call = "api.get_history(cursor => null, size => 10)";
        let history = world.exactly("2027-02-28T23:00:00Z", "pruuf_user", Some(member.id), call).await.unwrap();
        assert_eq!(history["items"][0]["postponed_minutes"], minutes);
    }
    world.stop_servers().await;
}

#[tokio::test]
async fn r4_10_it_is_refused_when_nothing_is_awaited_when_it_is_late_and_by_any_other_time() {
    let world = World::without_server().await;
    let (aroha, nobody) = (nine_in_auckland(&world, "Aroha").await, world.person("Nobody").await);
    let before = "select jsonb_agg(to_jsonb(o) order by id)::text as all from data.obligations o";
    let before_all = world.row(before, &[]).await;
    for (who, at, minutes, code) in [
        (&nobody, "2027-02-28T19:00:00Z", 30, "nothing-to-postpone"),
        (&aroha, "2027-02-28T10:59:59Z", 30, "nothing-to-postpone"),
        (&aroha, "2027-02-28T20:00:00Z", 30, "too-late-to-postpone"),
        (&aroha, "2027-02-28T20:29:59Z", 30, "too-late-to-postpone"),
        // Missed, though no job has looked.
        (&aroha, "2027-02-28T20:30:00Z", 30, "nothing-to-postpone"),
        (&aroha, "2027-02-28T19:00:00Z", 45, "postponed_by_30_60_or_120_minutes"),
        (&aroha, "2027-02-28T19:00:00Z", 0, "postponed_by_30_60_or_120_minutes"),
        (&aroha, "2027-02-28T19:00:00Z", -30, "postponed_by_30_60_or_120_minutes"),
        (&aroha, "2027-02-28T19:00:00Z", 2_000_000_000, "postponed_by_30_60_or_120_minutes"),
    ] {
        assert_eq!(later(&world, who, at, minutes).await.unwrap_err(), code, "{at} {minutes}");
    }
    // What waited in a phone since yesterday is not about today.
    let call = format!("api.postpone_check_in(minutes => 30, obligation_id => '{}')", nobody.id);
    let other = world.exactly("2027-02-28T19:00:00Z", "pruuf_user", Some(aroha.id), &call).await;
    assert_eq!(other.unwrap_err(), "nothing-to-postpone");
    for role in ["pruuf_worker", "pruuf_staff", "pruuf_anon", "pruuf_billing"] {
        let refused = world.exactly("2027-02-28T19:00:00Z", role, Some(aroha.id), "api.postpone_check_in(30)").await;
        assert_eq!(refused.unwrap_err(), "42501", "{role}");
    }
    assert_eq!(world.row(before, &[]).await, before_all, "nothing was changed");
    // Who has checked in has nothing to put off.
    world.tap(&aroha, "2027-02-28T19:00:00Z").await;
    assert_eq!(later(&world, &aroha, "2027-02-28T19:00:01Z", 30).await.unwrap_err(), "nothing-to-postpone");
    world.stop_servers().await;
}

/// R4.7: also what is put off is never lost.
#[tokio::test]
async fn r4_10_it_goes_neither_past_the_next_time_nor_36_hours_from_the_last() {
    let world = World::without_server().await;
    let twice = world.person("Twice").await;
    world.set_at(&twice, "2027-02-28T12:00:00Z", "09:00,10:00", "Pacific/Auckland", EVERY_DAY, 10).await;
    for minutes in [60, 120] {
        assert_eq!(later(&world, &twice, "2027-02-28T19:00:00Z", minutes).await.unwrap_err(), "postponed-too-far");
    }
    later(&world, &twice, "2027-02-28T19:00:00Z", 30).await.unwrap();
    assert_eq!(world.tick("2027-02-28T20:40:00Z").await["missed"], 1);
    assert_eq!(world.days(&twice).await, ["01 09:00 missed open", "01 10:00 open"]);

    // From nine to eight in the evening: 35 hours lie between the two.
    let moved = world.person("Moved").await;
    world.set_at(&moved, "2027-02-28T12:00:00Z", "09:00", "Pacific/Auckland", EVERY_DAY, 10).await;
    world.set_at(&moved, "2027-02-28T12:01:00Z", "20:00", "Pacific/Auckland", EVERY_DAY, 10).await;
    world.tap(&moved, "2027-02-28T19:59:00Z").await;
    assert_eq!(world.days(&moved).await, ["01 09:00 met", "02 20:00 open"]);
    assert_eq!(later(&world, &moved, "2027-03-02T06:00:00Z", 120).await.unwrap_err(), "postponed-too-far");
    later(&world, &moved, "2027-03-02T06:00:00Z", 60).await.unwrap();

    // After days off it is no matter; and a time that is changed meanwhile loses none.
    let weekly = world.person("Weekly").await;
    world.set_at(&weekly, "2027-02-28T12:00:00Z", "09:00", "Pacific/Auckland", "1,4", 10).await;
    world.tap(&weekly, "2027-02-28T19:59:00Z").await;
    later(&world, &weekly, "2027-03-03T19:00:00Z", 120).await.unwrap();
    world.set_at(&weekly, "2027-03-03T19:01:00Z", "09:00,10:00", "Pacific/Auckland", EVERY_DAY, 10).await;
    world.tap(&weekly, "2027-03-03T21:59:00Z").await;
    assert_eq!(world.days(&weekly).await, ["01 09:00 met", "04 09:00 met", "05 09:00 open"]);

    // What follows is reckoned from the time that it had: 13 hours after eight in the evening, eleven after ten.
    let evening = world.person("Evening").await;
    world.set_at(&evening, "2027-02-28T12:00:00Z", "20:00", "Pacific/Auckland", EVERY_DAY, 10).await;
    later(&world, &evening, "2027-03-01T06:00:00Z", 120).await.unwrap();
    world.set_at(&evening, "2027-03-01T06:01:00Z", "09:00", "Pacific/Auckland", EVERY_DAY, 10).await;
    world.tap(&evening, "2027-03-01T08:59:00Z").await;
    assert_eq!(world.days(&evening).await, ["01 20:00 met", "02 09:00 open"]);
    world.stop_servers().await;
}

#[tokio::test]
async fn r4_10_contacts_see_it_and_the_same_request_twice_is_one() {
    world(|world| async move {
        world.travel_to("2027-02-28T19:00:00Z").await;
        let (aroha, ben, eve) = (world.person("Aroha").await, world.person("Ben").await, world.person("Eve").await);
        world.connect(&aroha, &ben).await;
        world.schedule(&aroha, "09:00", "Pacific/Auckland").await;
        let seen = world.get(&ben, "/v1/members").await;
        let tag = seen.headers.get("etag").cloned();
        let seen = seen.expect(200);
        assert_eq!(seen["items"][0]["next"].get("postponed_minutes"), None);
        let awaited = seen["items"][0]["next"]["id"].clone();

        let path = "/v1/me/postponements";
        let body = json!({"minutes": 60, "obligation_id": awaited});
        world.post_as_nobody(path, body.clone()).await.refused(401, "not-signed-in");
        for who in [&ben, &eve] {
            world.post(who, path, body.clone()).await.refused(409, "nothing-to-postpone");
        }
        for bad in [
            json!({"minutes": 45}),
            json!({"minutes": 1.5}),
            json!({"minutes": "30"}),
            json!({"minutes": null}),
            json!({}),
        ] {
            let refused = world.post(&aroha, path, bad.clone()).await;
            assert!([400, 422].contains(&refused.status), "{bad} {:#}", refused.body);
            assert_eq!(refused.body["errors"][0]["pointer"], "/minutes", "{bad}");
        }
        let calls = (0..6).map(|_| async {
            world.call(Method::POST, path, Some(&aroha.token), &[("Idempotency-Key", "later")], Some(&body)).await
        });
        let answers = at_once(calls).await;
        assert!(
            answers.iter().all(|it| it.status == 201 && it.body["due_at"] == "2027-02-28T21:00:00+00:00"),
            "{answers:#?}"
        );
        world.post(&aroha, path, body).await.refused(409, "already-postponed");

        let seen = world.get(&ben, "/v1/members").await;
        assert!(tag.is_none() || seen.headers.get("etag") != tag.as_ref());
        let next = &seen.expect(200)["items"][0]["next"];
        assert_eq!((&next["postponed_minutes"], &next["due_at"]), (&json!(60), &json!("2027-02-28T21:00:00+00:00")));
        assert_eq!(world.get(&aroha, "/v1/me/today").await.expect(200)["next"]["postponed_minutes"], 60);
        assert_eq!(world.get(&eve, "/v1/members").await.expect(200)["items"], json!([]));
        let trail = world
            .admin_json("select actor_user_id, details from audit.events where action = 'check_in.postponed'")
            .await;
        assert_eq!(trail, json!([{"actor_user_id": aroha.id, "details": {"minutes": 60}}]));

        // The old time passes in silence, the new one does not.
        world.travel_to("2027-02-28T20:10:00Z").await;
        world.settle().await;
        assert!(world.fakes.received().is_empty());
        world.travel_to("2027-02-28T21:10:00Z").await;
        world.expect_on_all_channels(&ben, "Aroha did not check in").await;
        assert!(world.count(Channel::Sms, &ben.phone, "Due 10:00") == 1, "{:#?}", world.fakes.received());
        world
    })
    .await;
}
