//! The Member's day (rules: section 4), mostly at exact instants and straight at the database, so that a second counts.

use std::fmt::Write as _;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use pruuf::dev::fakes::Channel;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Person, World, world};

const EVERY_DAY: &str = "1,2,3,4,5,6,7";

/// A Member in Auckland (UTC+13) who checks in at nine, from 1 March 2027, a Monday, on.
async fn nine_in_auckland() -> (World, Person) {
    let world = World::without_server().await;
    let aroha = world.person("Aroha").await;
    world.set_at(&aroha, "2027-02-28T12:00:00Z", "09:00", "Pacific/Auckland", EVERY_DAY, 10).await;
    (world, aroha)
}

async fn today(world: &World, who: &Person, at: &str) -> Value {
    world.exactly(at, "pruuf_user", Some(who.id), "api.get_today()").await.unwrap()
}

async fn status(world: &World, who: &Person, at: &str) -> String {
    today(world, who, at).await["status"].as_str().unwrap().to_owned()
}

// Schedules.

#[tokio::test]
async fn r4_1_a_schedule_is_what_the_rules_allow_and_nothing_else() {
    world(|world| async move {
        let aroha = world.person("Aroha").await;
        let with = |changes: Value| {
            let mut schedule = json!({"local_times": ["09:00"], "time_zone": "Pacific/Auckland"});
            schedule.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
            schedule
        };
        for bad in [
            json!({"local_times": []}),
            json!({"local_times": ["07:00", "08:00", "09:00", "10:00", "11:00"]}),
            json!({"local_times": ["24:00"]}),
            json!({"local_times": ["25:00"]}),
            json!({"local_times": ["09:60"]}),
            json!({"local_times": ["09:00:30"]}),
            json!({"local_times": ["nine"]}),
            json!({"local_times": ["allballs"]}),
            json!({"local_times": ["9:00 PM"]}),
            json!({"local_times": ["09:00+05"]}),
            json!({"local_times": [""]}),
            json!({"local_times": [null]}),
            json!({"local_times": "09:00"}),
            json!({"weekdays": []}),
            json!({"weekdays": [0]}),
            json!({"weekdays": [8]}),
            json!({"weekdays": [1, null]}),
            json!({"grace_minutes": -1}),
            json!({"grace_minutes": 241}),
            json!({"grace_minutes": 40000}),
            json!({"reminders": ["never"]}),
            json!({"time_zone": ""}),
            json!({"time_zone": null}),
        ] {
            let reply = world.put(&aroha, "/v1/me/schedule", with(bad.clone())).await;
            assert!([400, 422].contains(&reply.status), "{bad}: {} {:#}", reply.status, reply.body);
            assert_eq!(reply.headers["content-type"], "application/problem+json", "{bad}");
        }
        for unknown in ["Mars/Olympus", "pacific/auckland", "Pacific/Auckland ", "UTC+3", "<+03>-3", "posix/Pacific/Auckland", "right/UTC", "localtime", "CEST", "../etc/passwd"] {
            world.put(&aroha, "/v1/me/schedule", with(json!({"time_zone": unknown}))).await.refused(422, "time-zone-unknown");
        }
        world.get(&aroha, "/v1/me/schedule").await.refused(404, "no-schedule");
        assert_eq!(world.get(&aroha, "/v1/me/today").await.expect(200)["status"], "waiting_for_a_time");

        let full = with(json!({"local_times": ["20:30", "07:05", "07:05", "00:00"], "weekdays": [7, 1, 1], "grace_minutes": 240, "reminders": []}));
        let set = world.put(&aroha, "/v1/me/schedule", full).await.expect(200);
        assert_eq!((&set["local_times"], &set["weekdays"], &set["grace_minutes"]), (&json!(["00:00", "07:05", "20:30"]), &json!([1, 7]), &json!(240)));
        let set = world.put(&aroha, "/v1/me/schedule", with(json!({}))).await.expect(200);
        assert_eq!((&set["grace_minutes"], &set["weekdays"], &set["reminders"]), (&json!(10), &json!([1, 2, 3, 4, 5, 6, 7]), &json!(["before", "at_time", "half_grace"])));
        assert_eq!(world.number("select count(*) from data.obligations", &[]).await, 1, "never two open ones");
        world
    })
    .await;
}

#[tokio::test]
async fn r4_3_a_zone_that_postgresql_takes_for_an_abbreviation_has_its_summer_time() {
    let world = World::without_server().await;
    for (zone, due) in
        [("CET", "07:00"), ("MET", "07:00"), ("EET", "06:00"), ("WET", "08:00"), ("Europe/Vienna", "07:00")]
    {
        let anna = world.person("Anna").await;
        let set = world.set_at(&anna, "2027-06-30T20:00:00Z", "09:00", zone, EVERY_DAY, 10).await;
        assert_eq!(set["next"]["due_at"], format!("2027-07-01T{due}:00+00:00"), "{zone}");
    }
    let anna = world.person("Anna").await;
    world.set_at(&anna, "2027-06-30T20:00:00Z", "09:00", "Europe/Vienna", EVERY_DAY, 10).await;
    world.tap_from(&anna, "2027-07-01T06:00:00Z", "EET").await;
    assert_eq!(today(&world, &anna, "2027-07-01T06:00:01Z").await["next"]["due_at"], "2027-07-02T06:00:00+00:00");
    world.stop_servers().await;
}

#[tokio::test]
async fn r4_2_the_first_obligation_is_the_next_time_and_there_is_always_exactly_one() {
    let world = World::without_server().await;
    for (number, (at, due)) in [
        ("2027-02-28T19:59:59Z", "2027-02-28T20:00:00+00:00"),
        ("2027-02-28T20:00:00Z", "2027-03-01T20:00:00+00:00"),
        ("2027-02-28T20:00:01Z", "2027-03-01T20:00:00+00:00"),
    ]
    .into_iter()
    .enumerate()
    {
        let member = world.person(&format!("Member{number}")).await;
        let set = world.set_at(&member, at, "09:00", "Pacific/Auckland", EVERY_DAY, 10).await;
        assert_eq!(set["next"]["due_at"], due, "{at}");
        assert_eq!((&set["applies_from"], &set["next"]["state"]), (&set["next"]["local_on"], &json!("open")));
    }
    // No schedule, no obligation, and a tap is welcome all the same.
    let nobody = world.person("Nobody").await;
    let tapped = world.tap(&nobody, "2027-02-28T20:00:02Z").await;
    assert_eq!((&tapped["met"], &tapped["next"]), (&json!([]), &Value::Null));
    assert_eq!(status(&world, &nobody, "2027-02-28T20:00:03Z").await, "waiting_for_a_time");
    world.stop_servers().await;
}

#[tokio::test]
async fn r4_4_a_day_opens_at_local_midnight_or_four_hours_before() {
    let world = World::without_server().await;
    for (number, (times, opens)) in
        [("09:00", "11:00"), ("04:00", "11:00"), ("03:59", "10:59"), ("00:00", "07:00"), ("23:58", "11:00")]
            .into_iter()
            .enumerate()
    {
        let member = world.person(&format!("Member{number}")).await;
        // Auckland's Monday 1 March begins on 28 February at 11:00 UTC.
        let set = world.set_at(&member, "2027-02-28T10:58:00Z", times, "Pacific/Auckland", EVERY_DAY, 10).await;
        assert_eq!(
            (&set["next"]["opens_at"], &set["next"]["local_on"]),
            (&json!(format!("2027-02-28T{opens}:00+00:00")), &json!("2027-03-01")),
            "{times}"
        );
    }
    world.stop_servers().await;
}

// Check-ins.

#[tokio::test]
async fn r4_4_one_tap_a_day_meets_the_day_and_more_are_welcome() {
    let (world, aroha) = nine_in_auckland().await;
    assert_eq!(status(&world, &aroha, "2027-02-28T19:00:00Z").await, "open");
    let tapped = world.tap(&aroha, "2027-02-28T19:00:00Z").await;
    assert_eq!(World::brief(&tapped["met"]), json!(["01 09:00 met"]));
    assert_eq!(
        (&tapped["resolved_alerts"], &tapped["next"]["due_at"]),
        (&json!([]), &json!("2027-03-01T20:00:00+00:00"))
    );
    assert_eq!(status(&world, &aroha, "2027-02-28T19:00:01Z").await, "checked_in");
    // Before the next one opens (midnight of the 2nd: 11:00 UTC) a tap meets nothing, and is kept and shown.
    for at in ["2027-02-28T19:00:02Z", "2027-02-28T19:30:00Z", "2027-03-01T10:59:59Z"] {
        let again = world.tap(&aroha, at).await;
        assert_eq!(
            (&again["met"], &again["next"]["due_at"]),
            (&json!([]), &json!("2027-03-01T20:00:00+00:00")),
            "{at}"
        );
    }
    assert_eq!(World::brief(&world.tap(&aroha, "2027-03-01T11:00:00Z").await["met"]), json!(["02 09:00 met"]));
    let all = world
        .exactly("2027-03-01T11:00:01Z", "pruuf_user", Some(aroha.id), "api.list_check_ins(null, 50)")
        .await
        .unwrap();
    let met: Vec<usize> =
        all["items"].as_array().unwrap().iter().map(|tap| tap["met"].as_array().unwrap().len()).collect();
    assert_eq!(met, [1, 0, 0, 0, 1]);
    assert_eq!(all["items"][1]["received_at"], "2027-03-01T10:59:59+00:00");
    assert_eq!(world.days(&aroha).await, ["01 09:00 met", "02 09:00 met", "03 09:00 open"]);
    world.stop_servers().await;
}

#[tokio::test]
async fn r4_5_on_time_until_due_late_until_the_alarm_and_a_miss_from_then_on() {
    for (at, state, alerts) in [
        ("2027-02-28T20:00:00Z", "met", 0),
        ("2027-02-28T20:00:00.000001Z", "met_late", 0),
        ("2027-02-28T20:09:59Z", "met_late", 0),
        ("2027-02-28T20:09:59.999999Z", "met_late", 0),
        // R6.1: nobody has looked yet, and it is a miss all the same; its alert stays on record.
        ("2027-02-28T20:10:00Z", "met_late", 1),
        ("2027-02-28T20:10:01Z", "met_late", 1),
    ] {
        let (world, aroha) = nine_in_auckland().await;
        let ben = world.person("Ben").await;
        world.connect(&aroha, &ben).await;
        let tapped = world.tap(&aroha, at).await;
        assert_eq!(World::brief(&tapped["met"]), json!([format!("01 09:00 {state}")]), "{at}");
        assert_eq!(tapped["resolved_alerts"].as_array().unwrap().len(), alerts, "{at}");
        assert_eq!(world.number("select count(*) from data.alerts", &[]).await, alerts as i64, "{at}");
        assert_eq!(world.number("select count(*) from data.alerts where state <> 'resolved'", &[]).await, 0, "{at}");
        // Nothing had gone out, so nobody hears anything, not even that all is clear.
        assert_eq!(
            world.number("select count(*) from data.deliveries where state <> 'cancelled'", &[]).await,
            0,
            "{at}"
        );
        assert_eq!(world.tick("2027-02-28T20:10:02Z").await["missed"], 0, "{at}");
        assert_eq!(world.days(&aroha).await.last().unwrap(), "02 09:00 open");
        world.stop_servers().await;
    }
}

#[tokio::test]
async fn r4_4_a_check_in_after_a_miss_on_the_same_local_day_makes_up_for_it() {
    let (world, aroha) = nine_in_auckland().await;
    assert_eq!(world.tick("2027-02-28T20:10:00Z").await["missed"], 1);
    assert_eq!(world.days(&aroha).await, ["01 09:00 missed open", "02 09:00 open"]);
    assert_eq!(status(&world, &aroha, "2027-02-28T20:10:01Z").await, "alert");
    // One second before the day ends.
    let tapped = world.tap(&aroha, "2027-03-01T10:59:59Z").await;
    assert_eq!(World::brief(&tapped["met"]), json!(["01 09:00 met_late"]));
    assert_eq!(tapped["resolved_alerts"].as_array().unwrap().len(), 1);
    assert_eq!(world.days(&aroha).await, ["01 09:00 met_late resolved", "02 09:00 open"]);
    assert_eq!(status(&world, &aroha, "2027-03-01T10:59:59Z").await, "checked_in");
    world.stop_servers().await;
}

#[tokio::test]
async fn r4_4_a_check_in_on_the_next_local_day_ends_the_alert_and_not_the_miss() {
    let (world, aroha) = nine_in_auckland().await;
    world.tick("2027-02-28T20:10:00Z").await;
    let tapped = world.tap(&aroha, "2027-03-01T11:00:00Z").await;
    assert_eq!(World::brief(&tapped["met"]), json!(["02 09:00 met"]));
    assert_eq!(tapped["resolved_alerts"].as_array().unwrap().len(), 1);
    assert_eq!(world.days(&aroha).await, ["01 09:00 missed resolved", "02 09:00 met", "03 09:00 open"]);
    world.stop_servers().await;
}

#[tokio::test]
async fn r4_4_around_midnight_the_local_day_decides() {
    let world = World::without_server().await;
    let luis = world.person("Luis").await;
    world.set_at(&luis, "2027-03-01T20:00:00Z", "23:58", "America/Los_Angeles", EVERY_DAY, 10).await;
    // In the grace, after midnight: late, and no miss.
    assert_eq!(World::brief(&world.tap(&luis, "2027-03-02T08:07:59Z").await["met"]), json!(["01 23:58 met_late"]));
    // The next evening is missed at 00:08 of the day after: a tap then is another day's, which is open by then.
    world.tick("2027-03-03T08:08:00Z").await;
    let tapped = world.tap(&luis, "2027-03-03T08:09:00Z").await;
    assert_eq!(
        (World::brief(&tapped["met"]), tapped["resolved_alerts"].as_array().unwrap().len()),
        (json!(["03 23:58 met"]), 1)
    );
    assert_eq!(
        world.days(&luis).await,
        ["01 23:58 met_late", "02 23:58 missed resolved", "03 23:58 met", "04 23:58 open"]
    );
    world.stop_servers().await;
}

#[tokio::test]
async fn r4_4_after_the_alert_was_closed_a_check_in_still_makes_up_for_the_miss() {
    let (world, aroha) = nine_in_auckland().await;
    let ben = world.person("Ben").await;
    world.connect(&aroha, &ben).await;
    world.tick("2027-02-28T20:10:00Z").await;
    let close = "(select api.close_alert(a.id, 'other', null) from data.alerts a)";
    world.exactly("2027-02-28T21:00:00Z", "pruuf_user", Some(ben.id), close).await.unwrap();
    // R3.4: a Contact's word is not a check-in, and nobody is shown one.
    assert_eq!(status(&world, &aroha, "2027-02-28T21:00:01Z").await, "missed");
    let tapped = world.tap(&aroha, "2027-02-28T22:00:00Z").await;
    assert_eq!((World::brief(&tapped["met"]), &tapped["resolved_alerts"]), (json!(["01 09:00 met_late"]), &json!([])));
    assert_eq!(status(&world, &aroha, "2027-02-28T22:00:01Z").await, "checked_in");
    world.stop_servers().await;
}

#[tokio::test]
async fn r3_4_nobody_is_shown_as_checked_in_who_has_not_checked_in() {
    let world = World::without_server().await;
    let aroha = world.person("Aroha").await;
    world.set_at(&aroha, "2027-02-27T22:00:00Z", "09:00", "Pacific/Auckland", EVERY_DAY, 10).await;
    // Her first day is tomorrow.
    assert_eq!(status(&world, &aroha, "2027-02-27T22:00:01Z").await, "not_yet_due");
    assert_eq!(status(&world, &aroha, "2027-02-28T11:00:00Z").await, "open");
    assert_eq!(status(&world, &aroha, "2027-02-28T20:00:00Z").await, "overdue");
    world.tick("2027-02-28T20:10:00Z").await;
    assert_eq!(status(&world, &aroha, "2027-02-28T20:10:00Z").await, "alert");
    world.stop_servers().await;
}

#[tokio::test]
async fn r4_4_a_day_of_several_times() {
    let world = World::without_server().await;
    let aroha = world.person("Aroha").await;
    world.set_at(&aroha, "2027-02-28T12:00:00Z", "08:00,12:00,20:00", "Pacific/Auckland", EVERY_DAY, 10).await;
    // 07:00 local: the first. Then nothing until the first is due, however long after.
    assert_eq!(World::brief(&world.tap(&aroha, "2027-02-28T18:00:00Z").await["met"]), json!(["01 08:00 met"]));
    assert_eq!(world.tap(&aroha, "2027-02-28T18:59:59Z").await["met"], json!([]));
    assert_eq!(World::brief(&world.tap(&aroha, "2027-02-28T19:00:00Z").await["met"]), json!(["01 12:00 met"]));
    // 20:00 and its grace pass; the next is 08:00 of tomorrow, which opens at midnight.
    assert_eq!(world.tick("2027-03-01T07:10:00Z").await["missed"], 1);
    assert_eq!(World::brief(&world.tap(&aroha, "2027-03-01T10:00:00Z").await["met"]), json!(["01 20:00 met_late"]));
    // On the 2nd one tap makes up for the first and meets the second.
    assert_eq!(world.tick("2027-03-01T19:10:00Z").await["missed"], 1);
    let tapped = world.tap(&aroha, "2027-03-01T21:00:00Z").await;
    assert_eq!(World::brief(&tapped["met"]), json!(["02 08:00 met_late", "02 12:00 met"]));
    assert_eq!(
        (tapped["resolved_alerts"].as_array().unwrap().len(), &tapped["next"]["local_time"]),
        (1, &json!("20:00"))
    );
    // The same tap twice does not meet the third, which is open once the second is due.
    assert_eq!(world.tap(&aroha, "2027-03-01T21:00:05Z").await["met"], json!([]));
    assert_eq!(
        world.days(&aroha).await,
        [
            "01 08:00 met",
            "01 12:00 met",
            "01 20:00 met_late resolved",
            "02 08:00 met_late resolved",
            "02 12:00 met",
            "02 20:00 open"
        ]
    );
    world.stop_servers().await;
}

#[tokio::test]
async fn r4_4_two_misses_of_a_day_are_made_up_for_by_one_tap() {
    let world = World::without_server().await;
    let aroha = world.person("Aroha").await;
    world.set_at(&aroha, "2027-02-28T12:00:00Z", "08:00,12:00,20:00", "Pacific/Auckland", EVERY_DAY, 10).await;
    world.tick("2027-02-28T19:10:00Z").await;
    // The second is missed as well, and no job has looked yet.
    let tapped = world.tap(&aroha, "2027-02-28T23:30:00Z").await;
    assert_eq!(World::brief(&tapped["met"]), json!(["01 08:00 met_late", "01 12:00 met_late", "01 20:00 met"]));
    assert_eq!(tapped["resolved_alerts"].as_array().unwrap().len(), 2);
    assert_eq!(world.number("select count(*) from data.alerts where state = 'resolved'", &[]).await, 2);
    world.stop_servers().await;
}

#[tokio::test]
async fn r4_2_a_server_that_slept_for_days_raises_every_day_that_was_missed() {
    let (world, aroha) = nine_in_auckland().await;
    let mut missed = 0;
    for _ in 0..6 {
        missed += world.tick("2027-03-03T22:00:00Z").await["missed"].as_i64().unwrap();
    }
    assert_eq!(missed, 4);
    assert_eq!(
        world.days(&aroha).await,
        [
            "01 09:00 missed open",
            "02 09:00 missed open",
            "03 09:00 missed open",
            "04 09:00 missed open",
            "05 09:00 open"
        ]
    );
    let tapped = world.tap(&aroha, "2027-03-03T22:00:01Z").await;
    assert_eq!(
        (World::brief(&tapped["met"]), tapped["resolved_alerts"].as_array().unwrap().len()),
        (json!(["04 09:00 met_late"]), 4)
    );
    world.stop_servers().await;
}

#[tokio::test]
async fn r4_2_a_member_without_an_open_obligation_gets_one_with_the_next_tap() {
    let (world, aroha) = nine_in_auckland().await;
    world.tap(&aroha, "2027-02-28T19:00:00Z").await;
    // A fault took it.
    world.db.admin.execute("delete from data.obligations where state = 'open'", &[]).await.unwrap();
    let tapped = world.tap(&aroha, "2027-02-28T19:30:00Z").await;
    assert_eq!((&tapped["met"], &tapped["next"]["due_at"]), (&json!([]), &json!("2027-03-01T20:00:00+00:00")));
    world.stop_servers().await;
}

/// R4.4, R6.1: the job closes the first time of a day while a tap waits for it; the tap then meets the next one.
#[tokio::test]
async fn r4_4_a_tap_that_waited_for_the_job_meets_what_is_open_by_then() {
    let world = World::without_server().await;
    let aroha = world.person("Aroha").await;
    world.set_at(&aroha, "2027-02-28T12:00:00Z", "08:00,12:00", "Pacific/Auckland", EVERY_DAY, 10).await;
    world.exactly("2027-02-28T19:10:05Z", "pruuf_worker", None, "'{}'").await.unwrap();
    let job = world.db.session_as("pruuf_worker", None).await;
    job.batch_execute("begin; select jobs.tick()").await.unwrap();
    let tap = world.db.session_as("pruuf_user", Some(aroha.id)).await;
    let tapped = tokio::spawn(async move {
        tap.query_one("select api.record_check_in(null, null, null, null)", &[]).await.unwrap().get::<_, Value>(0)
    });
    world.eventually("the tap waits", "select exists (select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock')", &[]).await;
    job.batch_execute("commit").await.unwrap();
    let tapped = tapped.await.unwrap();
    assert_eq!(World::brief(&tapped["met"]), json!(["01 08:00 met_late", "01 12:00 met"]));
    assert_eq!(world.days(&aroha).await, ["01 08:00 met_late resolved", "01 12:00 met", "02 08:00 open"]);
    world.stop_servers().await;
}

#[tokio::test]
async fn r4_6_the_same_key_gets_the_same_answer_and_another_body_is_refused() {
    world(|world| async move {
        world.travel_to("2027-02-28T12:00:00Z").await;
        let aroha = world.person("Aroha").await;
        world.schedule(&aroha, "09:00", "Pacific/Auckland").await;
        let key = [("Idempotency-Key", "tap-1")];
        let tap = |body: Value| {
            let (world, aroha) = (&world, &aroha);
            async move { world.call(Method::POST, "/v1/me/check-ins", Some(&aroha.token), &key, Some(&body)).await }
        };
        let first = tap(json!({"note": "Fine"})).await.expect(201);
        assert_eq!(World::brief(&first["met"]), json!(["01 09:00 met"]));
        world.advance("1 hour").await;
        assert_eq!(tap(json!({"note": "Fine"})).await.expect(201), first);
        tap(json!({"note": "Not so fine"})).await.refused(409, "idempotency-key-reused");
        assert_eq!(world.number("select count(*) from data.check_ins", &[]).await, 1);
        // Another Member's key of that name is another key.
        let ben = world.person("Ben").await;
        let other =
            world.call(Method::POST, "/v1/me/check-ins", Some(&ben.token), &key, Some(&json!({}))).await.expect(201);
        assert_ne!(other["id"], first["id"]);
        world
    })
    .await;
}

#[tokio::test]
async fn r4_6_taps_at_the_same_moment_give_one_met_obligation_and_one_set_of_messages() {
    world(|world| async move {
        world.travel_to("2027-02-28T12:00:00Z").await;
        let (aroha, ben) = (world.person("Aroha").await, world.person("Ben").await);
        world.connect(&aroha, &ben).await;
        world
            .put(
                &aroha,
                "/v1/me/schedule",
                json!({"local_times": ["08:00", "12:00"], "time_zone": "Pacific/Auckland", "reminders": []}),
            )
            .await
            .expect(200);
        world.travel_to("2027-02-28T19:10:00Z").await;
        world.expect_on_all_channels(&ben, "did not check in").await;
        let body = json!({});
        let tap = |key: &'static str| {
            let (world, aroha, body) = (&world, &aroha, &body);
            async move {
                world
                    .call(Method::POST, "/v1/me/check-ins", Some(&aroha.token), &[("Idempotency-Key", key)], Some(body))
                    .await
                    .expect(201)
            }
        };
        let taps = tokio::join!(tap("a"), tap("b"), tap("c"), tap("d"), tap("a"), tap("b"), tap("e"), tap("f"));
        let taps = [taps.0, taps.1, taps.2, taps.3, taps.4, taps.5, taps.6, taps.7];
        assert_eq!((&taps[0], &taps[1]), (&taps[4], &taps[5]));
        assert_eq!(world.days(&aroha).await, ["01 08:00 met_late resolved", "01 12:00 met", "02 08:00 open"]);
        assert_eq!(world.number("select count(*) from data.check_ins", &[]).await, 6);
        let alerts = &taps[..4].iter().chain(&taps[6..]).filter(|tap| tap["resolved_alerts"] != json!([])).count();
        assert_eq!(*alerts, 1, "one of them ended the alert");
        world.expect_on_all_channels(&ben, "checked in").await;
        for (channel, to) in ben.places() {
            assert_eq!(world.count(channel, &to, ""), 2, "{channel:?}");
        }
        world
    })
    .await;
}

// Changes of time, days and zone.

#[tokio::test]
async fn r4_7_a_change_of_time_starts_with_the_next_obligation_never_the_open_one() {
    for (new, next) in [
        // Earlier, later by minutes, later by more than half a day.
        ("08:00", "02 08:00 open"),
        ("09:05", "02 09:05 open"),
        ("20:00", "02 20:00 open"),
        ("23:58", "01 23:58 open"),
        ("00:00", "02 00:00 open"),
    ] {
        // Before today's tap, after a miss, and after today's tap: then tomorrow's is the open one.
        let (world, aroha) = nine_in_auckland().await;
        let set = world.set_at(&aroha, "2027-02-28T19:59:00Z", new, "Pacific/Auckland", EVERY_DAY, 10).await;
        assert_eq!(
            (&set["next"]["due_at"], &set["applies_from"]),
            (&json!("2027-02-28T20:00:00+00:00"), &json!(format!("2027-03-{}", &next[..2]))),
            "{new}"
        );
        assert_eq!(world.tick("2027-02-28T20:09:59.999Z").await["missed"], 0);
        assert_eq!(world.tick("2027-02-28T20:10:00Z").await["missed"], 1, "nobody dodges a miss");
        assert_eq!(world.days(&aroha).await, ["01 09:00 missed open", next], "{new}");
        world.stop_servers().await;

        let (world, aroha) = nine_in_auckland().await;
        world.tap(&aroha, "2027-02-28T19:00:00Z").await;
        let set = world.set_at(&aroha, "2027-02-28T19:30:00Z", new, "Pacific/Auckland", EVERY_DAY, 10).await;
        assert_eq!(World::brief(&json!([set["next"]])), json!(["02 09:00 open"]), "{new}");
        world.tap(&aroha, "2027-03-01T19:00:00Z").await;
        let opened = world.days(&aroha).await.pop().unwrap();
        assert_eq!(opened[2..], next[2..], "{new}");
        assert_eq!(json!(format!("2027-03-{}", &opened[..2])), set["applies_from"], "{new}");
        world.stop_servers().await;
    }
}

/// R4.7, R6.1: what passed while no job ran was of the schedule that it had.
#[tokio::test]
async fn r4_7_a_change_after_an_outage_dodges_no_miss_and_makes_none() {
    let missed = ["01 09:00 missed", "02 09:00 missed", "03 09:00 missed"];
    // Wednesday the 3rd in the evening: only Sundays from now on; or in London.
    let (world, aroha) = nine_in_auckland().await;
    world.set_at(&aroha, "2027-03-03T07:00:00Z", "20:30", "Pacific/Auckland", "7", 10).await;
    let days = world.days(&aroha).await;
    assert_eq!(days[..3], missed.map(|day| format!("{day} open")));
    assert_eq!(days[3..], ["04 09:00 open"]);
    world.stop_servers().await;

    let (world, aroha) = nine_in_auckland().await;
    world.tap_from(&aroha, "2027-03-03T12:00:00Z", "Europe/London").await;
    let zones = "select array_agg(o.time_zone order by o.due_at) from data.obligations o";
    let zones: Vec<String> = world.db.admin.query_one(zones, &[]).await.unwrap().get(0);
    assert_eq!(
        zones,
        ["Pacific/Auckland", "Pacific/Auckland", "Pacific/Auckland", "Pacific/Auckland", "Europe/London"]
    );
    world.stop_servers().await;
}

/// R4.2, R4.7: what the old and the new schedule both expect is expected, also within half a day.
#[tokio::test]
async fn r4_7_a_change_takes_no_time_away_that_was_before_and_stays() {
    for (times, days, grace, next) in [
        ("08:00,14:00,20:00", EVERY_DAY, 30, "01 14:00 open"),
        ("08:00,14:00,20:00", "1,2,3,4,5", 10, "01 14:00 open"),
        ("08:00,14:00", EVERY_DAY, 10, "01 14:00 open"),
        ("08:00,12:00,14:00", EVERY_DAY, 10, "01 14:00 open"),
        ("08:05,20:00", EVERY_DAY, 10, "01 20:00 open"),
        ("08:05,19:00", EVERY_DAY, 10, "02 08:05 open"),
        ("08:00,18:00", EVERY_DAY, 10, "02 08:00 open"),
        ("10:00,20:00", "1", 10, "01 20:00 open"),
        ("08:05,15:00", EVERY_DAY, 10, "02 08:05 open"),
    ] {
        let world = World::without_server().await;
        let aroha = world.person("Aroha").await;
        world
            .set_at(&aroha, "2027-02-28T12:00:00Z", "08:00,11:00,14:00,20:00", "Pacific/Auckland", EVERY_DAY, 10)
            .await;
        let set = world.set_at(&aroha, "2027-02-28T12:01:00Z", times, "Pacific/Auckland", days, grace).await;
        assert_eq!(set["applies_from"], format!("2027-03-{}", &next[..2]), "{times} {days} {grace}");
        world.tap(&aroha, "2027-02-28T18:00:00Z").await;
        assert_eq!(world.days(&aroha).await, ["01 08:00 met", next], "{times} {days} {grace}");
        world.stop_servers().await;
    }
}

#[tokio::test]
async fn r4_7_a_zone_sent_with_a_check_in_moves_the_schedule() {
    for (zone, next) in [
        ("America/Los_Angeles", "2027-03-01T17:00:00+00:00"),
        ("Europe/London", "2027-03-01T09:00:00+00:00"),
        ("Pacific/Kiritimati", "2027-03-01T19:00:00+00:00"),
        ("Pacific/Pago_Pago", "2027-03-01T20:00:00+00:00"),
        ("Australia/Lord_Howe", "2027-03-01T22:00:00+00:00"),
    ] {
        let (world, aroha) = nine_in_auckland().await;
        // The open one stays as it is; the tap meets it; the next is at nine where she is.
        let tapped = world.tap_from(&aroha, "2027-02-28T19:00:00Z", zone).await;
        assert_eq!(World::brief(&tapped["met"]), json!(["01 09:00 met"]), "{zone}");
        assert_eq!((&tapped["next"]["time_zone"], &tapped["next"]["local_time"]), (&json!(zone), &json!("09:00")));
        assert_eq!(tapped["next"]["due_at"], next, "{zone}");
        world.stop_servers().await;

        // After today's tap, in mid-flight: tomorrow's is open and stays where it was made.
        let (world, aroha) = nine_in_auckland().await;
        world.tap(&aroha, "2027-02-28T19:00:00Z").await;
        let tapped = world.tap_from(&aroha, "2027-02-28T19:30:00Z", zone).await;
        assert_eq!(
            (&tapped["next"]["time_zone"], &tapped["next"]["due_at"]),
            (&json!("Pacific/Auckland"), &json!("2027-03-01T20:00:00+00:00"))
        );
        assert_eq!(world.tick("2027-03-01T20:10:00Z").await["missed"], 1);
        assert_eq!(today(&world, &aroha, "2027-03-01T20:10:01Z").await["next"]["time_zone"], zone);
        world.stop_servers().await;
    }
}

#[tokio::test]
async fn r4_7_an_unknown_zone_moves_nothing_and_the_tap_counts() {
    world(|world| async move {
        world.travel_to("2027-02-28T12:00:00Z").await;
        let aroha = world.person("Aroha").await;
        world.schedule(&aroha, "09:00", "Pacific/Auckland").await;
        for (number, zone) in
            ["Mars/Olympus", "", "UTC+3", "posix/Europe/London", "europe/london", "'; drop table data.users", "CEST"]
                .into_iter()
                .enumerate()
        {
            let tapped = world.post(&aroha, "/v1/me/check-ins", json!({"time_zone": zone})).await.expect(201);
            assert_eq!(tapped["met"].as_array().unwrap().len(), usize::from(number == 0), "{zone}");
            assert_eq!(tapped["next"]["time_zone"], "Pacific/Auckland", "{zone}");
            assert_eq!(tapped["schedule_applies_from"], Value::Null, "{zone}");
        }
        assert_eq!(world.get(&aroha, "/v1/me/schedule").await.expect(200)["time_zone"], "Pacific/Auckland");
        assert_eq!(world.number("select count(*) from data.schedules", &[]).await, 1);
        world
    })
    .await;
}

#[tokio::test]
async fn r4_7_a_tap_from_another_zone_says_from_which_date_it_counts() {
    world(|world| async move {
        world.travel_to("2027-02-28T12:00:00Z").await;
        let aroha = world.person("Aroha").await;
        world.schedule(&aroha, "09:00", "Pacific/Auckland").await;
        let tapped = world.post(&aroha, "/v1/me/check-ins", json!({"time_zone": "Australia/Sydney"})).await.expect(201);
        assert_eq!(tapped["next"]["time_zone"], "Australia/Sydney");
        assert_eq!(
            (&tapped["schedule_applies_from"], &tapped["next"]["local_on"]),
            (&json!("2027-03-02"), &json!("2027-03-02"))
        );
        let again = world.post(&aroha, "/v1/me/check-ins", json!({"time_zone": "Australia/Sydney"})).await.expect(201);
        assert_eq!(again["schedule_applies_from"], Value::Null);
        world
    })
    .await;
}

#[tokio::test]
async fn r4_1_days_off_raise_nothing() {
    let world = World::without_server().await;
    let aroha = world.person("Aroha").await;
    world.set_at(&aroha, "2027-02-28T12:00:00Z", "09:00", "Pacific/Auckland", "1,5", 10).await;
    // Monday the 1st, Friday the 5th, Monday the 8th.
    world.tap(&aroha, "2027-02-28T19:00:00Z").await;
    for day in ["01", "02", "03"] {
        assert_eq!(world.tick(&format!("2027-03-{day}T20:30:00Z")).await["missed"], 0, "{day}");
    }
    assert_eq!(status(&world, &aroha, "2027-03-02T20:00:00Z").await, "not_yet_due");
    assert_eq!(world.tap(&aroha, "2027-03-02T20:00:00Z").await["met"], json!([]));
    assert_eq!(world.tick("2027-03-04T20:10:00Z").await["missed"], 1);
    assert_eq!(world.days(&aroha).await, ["01 09:00 met", "05 09:00 missed open", "08 09:00 open"]);
    world.stop_servers().await;
}

/// A small generator: the same numbers in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from((self.0 >> 33) % sides).unwrap()
    }
}

/// R4.2, R4.7: whatever a Member changes, and whenever, there is one open obligation, the next one comes after the one
/// before, and never more than 36 hours after it unless days off lie between.
#[tokio::test]
async fn r4_7_two_due_times_are_never_more_than_36_hours_apart_without_days_off() {
    const ZONES: [&str; 9] = [
        "Pacific/Auckland",
        "Pacific/Pago_Pago",
        "America/Los_Angeles",
        "Europe/London",
        "Asia/Kathmandu",
        "Pacific/Kiritimati",
        "Australia/Lord_Howe",
        "Antarctica/Troll",
        "America/Nuuk",
    ];
    const TIMES: [&str; 8] =
        ["09:00", "00:00", "23:58", "02:30", "20:30", "08:00,20:00", "07:00,12:00,13:00,22:00", "06:00,18:30"];
    const DAYS: [&str; 6] = [EVERY_DAY, EVERY_DAY, EVERY_DAY, "1,2,3,4,5", "1,3,5", "7"];
    let world = World::without_server().await;
    let (mut pairs, mut off) = (0, 0);
    for seed in 1..=8 {
        let mut dice = Dice(seed);
        let member = world.person(&format!("Member{seed}")).await;
        let mut now = "2027-03-12T00:00:00Z".parse::<Timestamp>().unwrap();
        let mut log = String::new();
        for step in 0..40 {
            if step == 0 || dice.roll(3) == 0 {
                let (times, zone, days) = (TIMES[dice.roll(8)], ZONES[dice.roll(9)], DAYS[dice.roll(6)]);
                world.set_at(&member, &now.to_string(), times, zone, days, [0, 10, 240][dice.roll(3)]).await;
                writeln!(log, "{now} {times} {zone} {days}").unwrap();
            }
            let open = world
                .row(
                    "select opens_at, due_at, alert_at from data.obligations where member_id = $1 and state = 'open'",
                    &[&member.id],
                )
                .await;
            let instant = |name: &str| open[name].as_str().unwrap().parse::<Timestamp>().unwrap();
            let (opens, due, alert) = (instant("opens_at"), instant("due_at"), instant("alert_at"));
            // Time goes on: a tap while it is open, a miss, or nothing but a few hours.
            let until = |instant: Timestamp| (instant.as_second() - now.as_second()).max(1);
            match dice.roll(4) {
                0 => now = now.checked_add(jiff::SignedDuration::from_secs(until(opens).min(3 * 3600))).unwrap(),
                1 => {
                    now = now.checked_add(jiff::SignedDuration::from_secs(until(alert))).unwrap();
                    world.tick(&now.to_string()).await;
                }
                _ => {
                    now = now.checked_add(jiff::SignedDuration::from_secs(until(due))).unwrap();
                    let zone = if dice.roll(4) == 0 { ZONES[dice.roll(9)] } else { "" };
                    writeln!(log, "{now} tap {zone}").unwrap();
                    world.tap_from(&member, &now.to_string(), zone).await;
                }
            }
        }
        let days = "select o.due_at, o.opens_at, o.local_on, o.time_zone, o.state, s.weekdays from data.obligations o
                      join data.schedules s on s.id = o.schedule_id where o.member_id = $1 order by o.due_at";
        let days = world.db.admin.query(&format!("select to_jsonb(d) from ({days}) d"), &[&member.id]).await.unwrap();
        let days: Vec<Value> = days.iter().map(|row| row.get(0)).collect();
        assert!(
            days.iter().filter(|day| day["state"] == "open").count() == 1 && days.last().unwrap()["state"] == "open",
            "seed {seed}"
        );
        for pair in days.windows(2) {
            let instant = |day: &Value, name: &str| day[name].as_str().unwrap().parse::<Timestamp>().unwrap();
            let date = |day: &Value| day["local_on"].as_str().unwrap().parse::<Date>().unwrap();
            let (before, due) = (instant(&pair[0], "due_at"), instant(&pair[1], "due_at"));
            let hours = (due.as_second() - before.as_second()) as f64 / 3600.0;
            assert!(hours > 0.0 && instant(&pair[1], "opens_at") >= before, "seed {seed}: {pair:?}");
            let weekdays: Vec<i64> = serde_json::from_value(pair[1]["weekdays"].clone()).unwrap();
            // From the day of the one before, where the Member is now: the rest of it may be off.
            let there = before.to_zoned(TimeZone::get(pair[1]["time_zone"].as_str().unwrap()).unwrap()).date();
            let day_off = there
                .min(date(&pair[0]))
                .series(jiff::Span::new().days(1))
                .take_while(|day| *day < date(&pair[1]))
                .any(|day| !weekdays.contains(&i64::from(day.weekday().to_monday_one_offset())));
            assert!(hours <= 36.0 || day_off, "seed {seed}: {hours} hours: {pair:#?}\n{log}");
            pairs += 1;
            off += usize::from(hours > 36.0);
        }
    }
    assert!(pairs > 150 && off > 5, "{pairs} pairs, {off} with days off");
    world.stop_servers().await;
}

#[tokio::test]
async fn r4_5_the_device_s_clock_is_kept_and_told_and_decides_nothing() {
    let (world, aroha) = nine_in_auckland().await;
    let tap = |device_time: &str| {
        format!("api.record_check_in(device_time => '{device_time}', time_zone => null, note => null, mood => null)")
    };
    // A tap of 08:59 that comes out of a queue at 09:01 is late.
    let late = world
        .exactly("2027-02-28T20:01:00Z", "pruuf_user", Some(aroha.id), &tap("2027-02-28T19:59:00Z"))
        .await
        .unwrap();
    assert_eq!(World::brief(&late["met"]), json!(["01 09:00 met_late"]));
    assert_eq!(
        (&late["device_time"], &late["device_clock_differs"]),
        (&json!("2027-02-28T19:59:00+00:00"), &json!(false))
    );
    for (device_time, differs) in [
        ("2027-02-28T21:01:40Z", false),
        ("2027-02-28T21:01:40.5Z", true),
        ("2027-02-28T19:01:40Z", false),
        ("2027-02-28T19:01:39Z", true),
        ("1970-01-01T00:00:00Z", true),
    ] {
        let told =
            world.exactly("2027-02-28T20:01:40Z", "pruuf_user", Some(aroha.id), &tap(device_time)).await.unwrap();
        assert_eq!(told["device_clock_differs"], differs, "{device_time}");
    }
    // Nor does a queue that comes after the alarm undo the miss: it is late, and on record as an alert.
    assert_eq!(world.tick("2027-03-01T20:10:00Z").await["missed"], 1);
    let late = world
        .exactly("2027-03-01T20:11:00Z", "pruuf_user", Some(aroha.id), &tap("2027-03-01T19:00:00Z"))
        .await
        .unwrap();
    assert_eq!(
        (World::brief(&late["met"]), &late["device_clock_differs"]),
        (json!(["02 09:00 met_late"]), &json!(true))
    );
    world.stop_servers().await;
}

#[tokio::test]
async fn r4_13_history_and_totals() {
    let (world, aroha) = nine_in_auckland().await;
    // Met, late, late after the alarm, missed, met, met; the next is open.
    world.tap(&aroha, "2027-02-28T20:00:00Z").await;
    world.tap(&aroha, "2027-03-01T20:05:00Z").await;
    world.tick("2027-03-02T20:10:00Z").await;
    world.tap(&aroha, "2027-03-02T21:00:00Z").await;
    world.tick("2027-03-03T20:10:00Z").await;
    world.tap(&aroha, "2027-03-04T12:00:00Z").await;
    world.tap(&aroha, "2027-03-05T12:00:00Z").await;
    let history = |cursor: &str, size: &str| {
        let (world, aroha) = (&world, &aroha);
        let call = format!("api.get_history({cursor}, {size})");
        async move { world.exactly("2027-03-05T12:00:01Z", "pruuf_user", Some(aroha.id), &call).await.unwrap() }
    };
    let all = history("null", "50").await;
    assert_eq!(
        World::brief(&all["items"]),
        json!([
            "06 09:00 met",
            "05 09:00 met",
            "04 09:00 missed",
            "03 09:00 met_late",
            "02 09:00 met_late",
            "01 09:00 met"
        ])
    );
    let late: Vec<&Value> = all["items"].as_array().unwrap().iter().map(|day| &day["late_by_seconds"]).collect();
    assert_eq!(late, [&json!(0), &json!(0), &Value::Null, &json!(3600), &json!(300), &json!(0)]);
    assert_eq!((&all["items"][2]["checked_in_at"], &all["items"][2]["method"]), (&Value::Null, &Value::Null));
    assert_eq!(
        (&all["items"][3]["checked_in_at"], &all["items"][3]["method"]),
        (&json!("2027-03-02T21:00:00+00:00"), &json!("app"))
    );
    let totals = json!({"met": 3, "met_late": 2, "missed": 1, "excused": 0, "on_time_rate": 0.5, "current_streak": 2, "longest_streak": 3});
    assert_eq!(all["totals"], totals);
    // Excused neither counts nor breaks.
    world
        .db
        .admin
        .execute("update data.obligations set state = 'excused' where local_on = '2027-03-05'", &[])
        .await
        .unwrap();
    let excused = history("null", "50").await["totals"].clone();
    assert_eq!(
        (&excused["excused"], &excused["current_streak"], &excused["longest_streak"], &excused["on_time_rate"]),
        (&json!(1), &json!(1), &json!(3), &json!(0.4))
    );
    // Pages; the totals are of the whole.
    let first = history("null", "4").await;
    let second = history(&format!("'{}'", first["next_cursor"].as_str().unwrap()), "4").await;
    assert_eq!(World::brief(&second["items"]), json!(["02 09:00 met_late", "01 09:00 met"]));
    assert_eq!((&second["next_cursor"], &second["totals"]["met_late"]), (&Value::Null, &json!(2)));
    // A calendar month comes whole, by the Member's own dates.
    for (month, days, last) in [("2027-03", 6, json!("2027-03-01")), ("2027-02", 0, Value::Null)] {
        let one = history("null", &format!("1, '{month}'")).await;
        let items = one["items"].as_array().unwrap();
        assert_eq!((items.len(), items.last().map_or(&Value::Null, |day| &day["local_on"])), (days, &last));
        assert_eq!((&one["next_cursor"], &one["totals"]), (&Value::Null, &excused));
    }
    // Missed again today: no streak.
    world.tick("2027-03-06T20:10:00Z").await;
    assert_eq!(history("null", "1").await["totals"]["current_streak"], 0);
    world.stop_servers().await;
}

#[tokio::test]
async fn r3_4_a_contact_sees_the_day_and_the_history_and_a_stranger_nothing() {
    world(|world| async move {
        world.travel_to("2027-02-28T12:00:00Z").await;
        let (aroha, ben, eve) = (world.person("Aroha").await, world.person("Ben").await, world.person("Eve").await);
        world.connect(&aroha, &ben).await;
        world.schedule(&aroha, "09:00", "Pacific/Auckland").await;
        world.post(&aroha, "/v1/me/check-ins", json!({"note": "For me"})).await.expect(201);
        let member = world.get(&ben, "/v1/members").await.expect(200)["items"][0].clone();
        assert_eq!(
            (&member["name"], &member["status"], &member["next"]["due_at"]),
            (&json!("Aroha"), &json!("checked_in"), &json!("2027-03-01T20:00:00+00:00"))
        );
        assert_eq!(world.get(&ben, &format!("/v1/members/{}", aroha.id)).await.expect(200), member);
        let mut shown: Vec<&String> = member.as_object().unwrap().keys().collect();
        shown.sort_unstable();
        assert_eq!(
            shown,
            [
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
        );
        let history = world.get(&ben, &format!("/v1/members/{}/history", aroha.id)).await.expect(200);
        assert_eq!(
            (World::brief(&history["items"]), &history["totals"]["current_streak"]),
            (json!(["01 09:00 met"]), &json!(1))
        );

        assert_eq!(world.get(&eve, "/v1/members").await.expect(200)["items"], json!([]));
        let nobody = uuid::Uuid::new_v4();
        for who in [aroha.id, nobody] {
            world.get(&eve, &format!("/v1/members/{who}")).await.refused(404, "not-found");
            world.get(&eve, &format!("/v1/members/{who}/history")).await.refused(404, "not-found");
        }
        // The Member does not see the Contact's day, nor does a former Contact see the Member's.
        world.get(&aroha, &format!("/v1/members/{}", ben.id)).await.refused(404, "not-found");
        world.delete(&ben, &format!("/v1/members/{}", aroha.id)).await.expect(204);
        world.expect_message(Channel::Push, &aroha.push_token, "Ben").await;
        world.expect_on_all_channels(&aroha, "might reach nobody").await;
        world.open_app(&aroha).await;
        world.get(&ben, &format!("/v1/members/{}", aroha.id)).await.refused(404, "not-found");
        world.get(&ben, &format!("/v1/members/{}/history", aroha.id)).await.refused(404, "not-found");
        world.call(Method::GET, "/v1/me/today", None, &[], None).await.refused(401, "not-signed-in");
        world
    })
    .await;
}
