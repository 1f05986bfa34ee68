//! Alerts and what is done about them (rules: section 6), and the reminders before them (R4.1).

use pruuf::config::Config;
use pruuf::dev::fakes::{Behaviour, Channel};
use pruuf::server::Server;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Person, World, world};

const EVERY_DAY: &str = "1,2,3,4,5,6,7";

/// Aroha, who checks in at nine in Auckland and whom Ben and Chloe watch, an hour before her time on 1 March 2027.
async fn family(world: &World) -> (Person, Person, Person) {
    world.travel_to("2027-02-28T19:00:00Z").await;
    let (aroha, ben, chloe) = (world.person("Aroha").await, world.person("Ben").await, world.person("Chloe").await);
    world.connect(&aroha, &ben).await;
    world.connect(&aroha, &chloe).await;
    world.schedule(&aroha, "09:00", "Pacific/Auckland").await;
    (aroha, ben, chloe)
}

/// The same, missed, and both told.
async fn alarmed(world: &World) -> (Person, Person, Person, String) {
    let (aroha, ben, chloe) = family(world).await;
    world.travel_to("2027-02-28T20:10:00Z").await;
    for contact in [&ben, &chloe] {
        world.expect_on_all_channels(contact, "Aroha did not check in").await;
    }
    let alert = world.get(&ben, "/v1/alerts").await.expect(200)["items"][0]["id"].as_str().unwrap().to_owned();
    (aroha, ben, chloe, format!("/v1/alerts/{alert}"))
}

// Misses.

#[tokio::test]
async fn r6_1_a_miss_raises_one_alert_at_the_right_instant_and_tells_every_contact_everywhere() {
    for (zone, times, set_at, alert_at) in [
        ("Pacific/Auckland", "09:00", "2027-02-28T12:00:00Z", "2027-02-28T20:10:00Z"),
        ("America/Los_Angeles", "23:58", "2027-03-02T00:00:00Z", "2027-03-02T08:08:00Z"),
        // Clocks go forward.
        ("America/Los_Angeles", "23:58", "2027-03-13T20:00:00Z", "2027-03-14T08:08:00Z"),
        ("America/Los_Angeles", "00:00", "2027-03-13T20:00:00Z", "2027-03-14T08:10:00Z"),
        ("America/Los_Angeles", "02:30", "2027-03-13T20:00:00Z", "2027-03-14T10:40:00Z"),
        ("America/Los_Angeles", "23:58", "2027-03-14T20:00:00Z", "2027-03-15T07:08:00Z"),
        ("Pacific/Auckland", "00:00", "2027-09-25T06:00:00Z", "2027-09-25T12:10:00Z"),
        ("Pacific/Auckland", "02:30", "2027-09-25T06:00:00Z", "2027-09-25T14:40:00Z"),
        ("Africa/Cairo", "00:00", "2027-04-29T12:00:00Z", "2027-04-29T22:10:00Z"),
        // Clocks go back.
        ("America/Los_Angeles", "00:00", "2027-11-06T20:00:00Z", "2027-11-07T07:10:00Z"),
        ("America/Los_Angeles", "01:30", "2027-11-06T20:00:00Z", "2027-11-07T08:40:00Z"),
        ("America/Los_Angeles", "02:30", "2027-11-06T20:00:00Z", "2027-11-07T10:40:00Z"),
        ("Pacific/Auckland", "02:30", "2027-04-03T06:00:00Z", "2027-04-03T13:40:00Z"),
        ("America/Havana", "00:00", "2027-11-06T20:00:00Z", "2027-11-07T04:10:00Z"),
    ] {
        let world = World::without_server().await;
        let (aroha, ben, chloe) = (world.person("Aroha").await, world.person("Ben").await, world.person("Chloe").await);
        world.connect(&aroha, &ben).await;
        world.connect(&aroha, &chloe).await;
        let set = world.set_at(&aroha, set_at, times, zone, EVERY_DAY, 10).await;
        assert_eq!(set["next"]["alert_at"], alert_at.replace('Z', "+00:00"), "{zone} {times}");
        let just_before = format!(
            "{}.999999Z",
            (alert_at.parse::<jiff::Timestamp>().unwrap() - jiff::SignedDuration::from_secs(1))
                .to_string()
                .trim_end_matches('Z')
        );
        assert_eq!(world.tick(&just_before).await["missed"], 0, "{zone} {times}");
        let ticked = world.tick(alert_at).await;
        assert_eq!((&ticked["missed"], &ticked["problems"]), (&json!(1), &json!([])), "{zone} {times}");
        assert_eq!(world.tick(alert_at).await["missed"], 0, "{zone} {times}");
        let told = "select count(distinct (n.user_id, d.channel)) from data.deliveries d join data.notifications n on n.id = d.notification_id
                     where n.kind = 'missed' and d.state = 'pending' and d.next_attempt_at = n.created_at and n.user_id = any ($1)";
        assert_eq!(world.number(told, &[&vec![ben.id, chloe.id]]).await, 6, "{zone} {times}");
        assert_eq!(world.number("select count(*) from data.deliveries", &[]).await, 6, "{zone} {times}");
        assert_eq!(world.number("select count(*) from data.alerts", &[]).await, 1, "{zone} {times}");
        world.stop_servers().await;
    }
}

#[tokio::test]
async fn r6_1_whoever_checked_in_a_moment_before_raises_nothing_and_whoever_did_not_raises_an_alert() {
    let world = World::without_server().await;
    let (ben, mut members) = (world.person("Ben").await, Vec::new());
    for number in 0..6 {
        let member = world.person(&format!("Member{number}")).await;
        world.connect(&member, &ben).await;
        world.set_at(&member, "2027-02-28T12:00:00Z", "09:00", "Pacific/Auckland", EVERY_DAY, 10).await;
        members.push(member);
    }
    for (member, at) in members.iter().zip([
        "2027-02-28T11:00:00Z",
        "2027-02-28T20:00:00Z",
        "2027-02-28T20:09:59Z",
        "2027-02-28T20:09:59.999999Z",
    ]) {
        assert_eq!(world.tap(member, at).await["met"].as_array().unwrap().len(), 1, "{at}");
    }
    assert_eq!(world.tick("2027-02-28T20:10:00Z").await["missed"], 2);
    for (number, member) in members.iter().enumerate() {
        let alerts = world.number("select count(*) from data.alerts where member_id = $1", &[&member.id]).await;
        assert_eq!(alerts, i64::from(number > 3), "{number}");
    }
    world.stop_servers().await;
}

#[tokio::test]
async fn r6_1_without_a_contact_there_is_an_alert_and_operations_hear_of_it() {
    let world = World::without_server().await;
    let (aroha, ben) = (world.person("Aroha").await, world.person("Ben").await);
    // A former Contact is none.
    world.connect(&aroha, &ben).await;
    world
        .db
        .admin
        .execute("update data.connections set ended_by = contact_id, ended_at = rules.clock()", &[])
        .await
        .unwrap();
    world.set_at(&aroha, "2027-02-28T12:00:00Z", "09:00", "Pacific/Auckland", EVERY_DAY, 10).await;
    let ticked = world.tick("2027-02-28T20:10:00Z").await;
    let alert: uuid::Uuid = world.db.admin.query_one("select id from data.alerts", &[]).await.unwrap().get(0);
    assert_eq!((&ticked["missed"], &ticked["without_contact"]), (&json!(1), &json!([alert])));
    assert_eq!(world.number("select count(*) from data.notifications where kind = 'missed'", &[]).await, 0);
    assert_eq!(World::brief(&world.tap(&aroha, "2027-02-28T21:00:00Z").await["met"]), json!(["01 09:00 met_late"]));
    world.stop_servers().await;
}

#[tokio::test]
async fn r6_1_several_servers_make_one_alert_and_one_message_for_each_place() {
    const MEMBERS: usize = 8;
    let mut world = World::without_server().await;
    for _ in 0..3 {
        world.start_server().await;
    }
    world.travel_to("2027-02-28T19:00:00Z").await;
    let (ben, chloe) = (world.person("Ben").await, world.person("Chloe").await);
    for number in 0..MEMBERS {
        let member = world.person(&format!("Member{number}")).await;
        world.connect(&member, &ben).await;
        world.connect(&member, &chloe).await;
        world.schedule(&member, "09:00", "Pacific/Auckland").await;
    }
    world.travel_to("2027-02-28T20:10:00Z").await;
    for number in 0..MEMBERS {
        for contact in [&ben, &chloe] {
            world.expect_on_all_channels(contact, &format!("Member{number} did not check in")).await;
        }
    }
    world.settle().await;
    world.advance("5 minutes").await;
    world.settle().await;
    for contact in [&ben, &chloe] {
        for (channel, to) in contact.places() {
            assert_eq!(world.count(channel, &to, ""), MEMBERS, "{channel:?}");
        }
    }
    assert_eq!(world.number("select count(*) from data.alerts", &[]).await, MEMBERS as i64);
    assert_eq!(world.number("select count(*) from data.attempts", &[]).await, 6 * MEMBERS as i64);
    assert!(world.unexpected().is_empty());
    world.stop_servers().await;
}

#[tokio::test]
async fn r6_7_the_text_says_who_when_what_and_whether_the_server_was_late() {
    world(|world| async move {
        let (aroha, ben, chloe) = family(&world).await;
        // Heard of on Monday at 08:00; missed on Tuesday.
        world.post(&aroha, "/v1/me/check-ins", json!({})).await.expect(201);
        world.travel_to("2027-03-01T20:10:00Z").await;
        world.expect_on_all_channels(&chloe, "Aroha did not check in").await;
        for (channel, to) in ben.places() {
            let came = world.expect_message(channel, &to, "Aroha did not check in").await;
            let said = ["09:00", "Auckland", "08:00", "Call", "call"];
            assert!(
                said[..3].iter().all(|word| came.text.contains(word)) && came.text.contains("all"),
                "{channel:?}: {}",
                came.text
            );
            assert!(channel == Channel::Sms || came.text.contains("Chloe"), "{channel:?}: {}", came.text);
            assert!(!came.text.contains("fault") && !came.text.contains("late"), "it was on time: {}", came.text);
        }
        world
    })
    .await;

    let mut world = World::without_server().await;
    world.start_server().await;
    let (_, ben, _) = family(&world).await;
    world.stop_all().await;
    world
        .db
        .admin
        .query_one("select meta.advance_clock('2027-02-28T23:10:00Z'::timestamptz - rules.clock())", &[])
        .await
        .unwrap();
    world.start_server().await;
    for (channel, to) in ben.places() {
        let came = world.expect_message(channel, &to, "Aroha did not check in").await;
        assert!(came.text.contains("3 hours late"), "{channel:?}: {}", came.text);
        // An SMS has no room for more.
        assert!(channel == Channel::Sms || came.text.contains("fault"), "{channel:?}: {}", came.text);
    }
    let alert = world.get(&ben, "/v1/alerts").await.expect(200)["items"][0].clone();
    assert!((10_800..10_900).contains(&alert["late_by_seconds"].as_i64().unwrap()), "{alert:#}");
    world.stop_servers().await;
}

// What a Contact does.

#[tokio::test]
async fn r6_4_the_first_acknowledgement_wins_and_all_others_are_told() {
    world(|world| async move {
        let (aroha, ben, chloe, alert) = alarmed(&world).await;
        let eve = world.person("Eve").await;
        let acknowledge = format!("{alert}/acknowledge");
        world.post(&aroha, &acknowledge, json!({})).await.refused(403, "only-a-contact-may");
        world.post(&eve, &acknowledge, json!({})).await.refused(404, "not-found");
        world.get(&eve, &alert).await.refused(404, "not-found");
        assert_eq!(world.get(&eve, "/v1/alerts").await.expect(200)["items"], json!([]));
        world.call(Method::POST, &acknowledge, None, &[], Some(&json!({}))).await.refused(401, "not-signed-in");

        let arrival = json!({"arrives_at": "2027-02-28T20:40:00Z"});
        let (first, second) =
            tokio::join!(world.post(&ben, &acknowledge, arrival.clone()), world.post(&chloe, &acknowledge, arrival));
        let (owner, other, taken, refused) =
            if first.status == 200 { (&ben, &chloe, first, second) } else { (&chloe, &ben, second, first) };
        refused.refused(409, "alert-has-an-owner");
        let taken = taken.expect(200);
        assert_eq!((&taken["state"], &taken["acknowledged_by"]["id"]), (&json!("acknowledged"), &json!(owner.id)));
        assert_eq!(taken["arrives_at"], "2027-02-28T20:40:00+00:00");
        for person in [other, &aroha] {
            world.expect_message(Channel::Push, &person.push_token, &owner.name).await;
            world.open_app(person).await;
        }
        let seen = world.get(other, &alert).await.expect(200);
        assert_eq!(seen["acknowledged_by"]["name"], json!(owner.name));
        // Saying it twice is saying it once.
        world.post(owner, &acknowledge, json!({})).await.expect(200);
        assert_eq!(world.number("select count(*) from data.alert_actions", &[]).await, 1);
        world
    })
    .await;
}

#[tokio::test]
async fn r6_4_an_acknowledgement_stops_nobody_s_first_notice() {
    world(|world| async move {
        let (aroha, ben, chloe) = family(&world).await;
        for channel in [Channel::Sms, Channel::Email] {
            let to = if channel == Channel::Sms { &chloe.phone } else { &chloe.email };
            let (status, code) = if channel == Channel::Sms { (503, "20503") } else { (451, "rcpt") };
            world.fakes.set(channel, Some(to), Behaviour::fail(status, code));
        }
        world.travel_to("2027-02-28T20:10:00Z").await;
        world.expect_on_all_channels(&ben, "Aroha did not check in").await;
        world.expect_message(Channel::Push, &chloe.push_token, "Aroha did not check in").await;
        world.settle().await;
        let alert = world.get(&ben, "/v1/alerts").await.expect(200)["items"][0]["id"].as_str().unwrap().to_owned();
        world.post(&ben, &format!("/v1/alerts/{alert}/acknowledge"), json!({})).await.expect(200);
        for person in [&chloe, &aroha] {
            world.expect_message(Channel::Push, &person.push_token, "Ben").await;
            world.open_app(person).await;
        }
        world.fakes.behave();
        world.advance("10 minutes").await;
        world.expect_message(Channel::Sms, &chloe.phone, "Aroha did not check in").await;
        let mail = world.expect_message(Channel::Email, &chloe.email, "Aroha did not check in").await;
        assert!(mail.text.contains("Ben has said"), "it says who has it: {}", mail.text);
        world
    })
    .await;
}

#[tokio::test]
async fn r6_5_a_contact_closes_an_alert_once_and_all_are_told_in_that_contact_s_words() {
    world(|world| async move {
        let (aroha, ben, chloe, alert) = alarmed(&world).await;
        let close = format!("{alert}/close");
        for bad in [
            json!({}),
            json!({"outcome": "fine"}),
            json!({"outcome": "safe", "note": "x".repeat(1001)}),
            json!({"outcome": "safe", "note": ""}),
        ] {
            let reply = world.post(&ben, &close, bad.clone()).await;
            assert!([400, 422].contains(&reply.status), "{bad}: {:#}", reply.body);
        }
        world.post(&aroha, &close, json!({"outcome": "safe"})).await.refused(403, "only-a-contact-may");
        let eve = world.person("Eve").await;
        world.post(&eve, &close, json!({"outcome": "safe"})).await.refused(404, "not-found");
        let closing = json!({"outcome": "got_help", "note": "At the hospital"});
        let (first, second) =
            tokio::join!(world.post(&ben, &close, closing.clone()), world.post(&chloe, &close, closing));
        let (closer, closed, refused) =
            if first.status == 200 { (&ben, first, second) } else { (&chloe, second, first) };
        refused.refused(409, "alert-is-over");
        let closed = closed.expect(200);
        assert_eq!(
            (&closed["state"], &closed["resolved_how"], &closed["outcome"]),
            (&json!("resolved"), &json!("closed"), &json!("got_help"))
        );
        assert_eq!((&closed["resolved_by"]["name"], &closed["note"]), (&json!(closer.name), &json!("At the hospital")));
        for contact in [&ben, &chloe] {
            for (channel, to) in contact.places() {
                let came = world.expect_message(channel, &to, &format!("{} closed the alert", closer.name)).await;
                let text = format!("{} {}", came.title.unwrap_or_default(), came.text);
                // Never an "all is well" of the Member's own.
                assert!(
                    !text.contains("Aroha has checked in") && !text.contains("Aroha checked in"),
                    "{channel:?}: {text}"
                );
            }
        }
        world.post(&chloe, &close, json!({"outcome": "safe"})).await.refused(409, "alert-is-over");
        world.post(&chloe, &format!("{alert}/acknowledge"), json!({})).await.refused(409, "alert-is-over");
        assert_eq!(world.get(&ben, &format!("/v1/members/{}", aroha.id)).await.expect(200)["status"], "missed");
        // Whoever was told that no check-in came hears of the late one (R7.2); nothing comes of the time that passes.
        world.post(&aroha, "/v1/me/check-ins", json!({})).await.expect(201);
        for contact in [&ben, &chloe] {
            world.expect_on_all_channels(contact, "Aroha has checked in").await;
        }
        world.advance("2 hours").await;
        world
    })
    .await;
}

#[tokio::test]
async fn r6_5_the_all_clear_goes_to_exactly_those_who_may_have_been_alerted_where_they_were() {
    world(|world| async move {
        let (aroha, ben, chloe) = family(&world).await;
        let dan = world.person("Dan").await;
        world.connect(&aroha, &dan).await;
        // Chloe cannot be reached at all, Dan not by SMS, and by e-mail never.
        world.fakes.set(Channel::Push, Some(&chloe.push_token), Behaviour::fail(503, "UNAVAILABLE"));
        world.fakes.set(Channel::Email, Some(&chloe.email), Behaviour::fail(451, "rcpt"));
        for to in [&chloe.phone, &dan.phone] {
            world.fakes.set(Channel::Sms, Some(to), Behaviour::fail(503, "20503"));
        }
        world.fakes.set(Channel::Email, Some(&dan.email), Behaviour::fail(550, "rcpt 5.1.1"));
        world.travel_to("2027-02-28T20:10:00Z").await;
        world.expect_on_all_channels(&ben, "Aroha did not check in").await;
        world.expect_message(Channel::Push, &dan.push_token, "Aroha did not check in").await;
        world
            .eventually(
                "every other place was tried",
                "select count(*) = 5 from data.deliveries where attempts > 0 and state in ('pending', 'failed')",
                &[],
            )
            .await;
        world.post(&aroha, "/v1/me/check-ins", json!({})).await.expect(201);
        world.expect_on_all_channels(&ben, "checked in").await;
        world.expect_message(Channel::Push, &dan.push_token, "checked in").await;
        // All work again; nothing that was taken back goes out.
        world.fakes.behave();
        world.advance("1 hour").await;
        world.settle().await;
        assert_eq!(
            world
                .number(
                    "select count(*) from data.notifications where user_id = $1 and kind = 'all_clear'",
                    &[&chloe.id]
                )
                .await,
            0
        );
        for (channel, to) in chloe.places() {
            assert_eq!(world.count(channel, &to, ""), 0, "{channel:?}");
        }
        assert_eq!(
            world
                .number(
                    "select count(*) from data.deliveries where state not in ('accepted', 'cancelled', 'failed')",
                    &[]
                )
                .await,
            0
        );
        world
    })
    .await;
}

// R9.5: one that cannot be handled holds up nobody else.

/// Members of whom the second is about to be poisoned, and a Contact of theirs.
async fn three_members(world: &World) -> Vec<Person> {
    let ben = world.person("Ben").await;
    let mut members = Vec::new();
    for number in 0..3 {
        let member = world.person(&format!("Member{number}")).await;
        world.connect(&member, &ben).await;
        world.set_at(&member, "2027-02-28T12:00:00Z", "09:00", "Pacific/Auckland", EVERY_DAY, 10).await;
        members.push(member);
    }
    members
}

async fn poison(world: &World, table: &str, member: &Person) {
    let sql = format!(
        "create function public.poison() returns trigger language plpgsql as $$ begin if new.member_id = '{}' then raise exception 'poison'; end if; return new; end $$;
         create trigger poison before insert on data.{table} for each row execute function public.poison()",
        member.id
    );
    world.db.admin.batch_execute(&sql).await.unwrap();
}

#[tokio::test]
async fn r9_5_an_alert_that_cannot_be_raised_holds_up_no_other() {
    let world = World::without_server().await;
    let members = three_members(&world).await;
    poison(&world, "alerts", &members[1]).await;
    let ticked = world.tick("2027-02-28T20:10:00Z").await;
    assert_eq!(ticked["missed"], 2, "{ticked:#}");
    assert_eq!((&ticked["problems"][0]["job"], &ticked["more"]), (&json!("tick"), &json!(false)));
    for number in [0, 2] {
        assert_eq!(world.days(&members[number]).await, ["01 09:00 missed open", "02 09:00 open"]);
    }
    // Nothing is half done: it is tried again, and done as soon as it can be.
    assert_eq!(world.days(&members[1]).await, ["01 09:00 open"]);
    assert_eq!(world.tick("2027-02-28T20:10:05Z").await["problems"].as_array().unwrap().len(), 1);
    world.db.admin.batch_execute("drop trigger poison on data.alerts").await.unwrap();
    assert_eq!(world.tick("2027-02-28T20:10:10Z").await["missed"], 1);
    assert_eq!(world.days(&members[1]).await, ["01 09:00 missed open", "02 09:00 open"]);
    world.stop_servers().await;
}

#[tokio::test]
async fn r9_5_a_next_obligation_that_cannot_be_made_takes_no_alert_back_and_leaves_nobody_unwatched() {
    let world = World::without_server().await;
    let members = three_members(&world).await;
    // A zone that is gone: nothing can be reckoned in it any more.
    world
        .db
        .admin
        .execute("update data.schedules set time_zone = 'Mars/Olympus' where member_id = $1", &[&members[1].id])
        .await
        .unwrap();
    let ticked = world.tick("2027-02-28T20:10:00Z").await;
    assert_eq!((&ticked["missed"], &ticked["problems"][0]["job"]), (&json!(3), &json!("open_next")), "{ticked:#}");
    for member in &members {
        assert_eq!(world.days(member).await, ["01 09:00 missed open", "02 09:00 open"]);
    }
    assert_eq!(world.tick("2027-03-01T20:10:00Z").await["missed"], 3);
    // Even when nothing at all can be made, the alert stands.
    poison(&world, "obligations", &members[0]).await;
    let ticked = world.tick("2027-03-02T20:10:00Z").await;
    assert_eq!(ticked["missed"], 3, "{ticked:#}");
    assert_eq!(world.number("select count(*) from data.alerts where member_id = $1", &[&members[0].id]).await, 3);
    world.stop_servers().await;
}

#[tokio::test]
async fn r9_5_a_server_does_not_spin_over_what_cannot_be_handled() {
    let mut world = World::without_server().await;
    let members = three_members(&world).await;
    poison(&world, "alerts", &members[1]).await;
    world.db.admin.execute("create sequence public.ticks", &[]).await.unwrap();
    world.db.admin.batch_execute(
        "create or replace function public.poison() returns trigger language plpgsql as $$ begin if new.member_id = (select id from data.users where name = 'Member1') then perform nextval('public.ticks'); raise exception 'poison'; end if; return new; end $$;
         alter function public.poison() security definer",
    ).await.unwrap();
    world
        .db
        .admin
        .query_one("select meta.advance_clock('2027-02-28T20:10:00Z'::timestamptz - rules.clock())", &[])
        .await
        .unwrap();
    world.start_server().await;
    world.eventually("the others have their alerts", "select count(*) = 2 from data.alerts", &[]).await;
    tokio::time::sleep(std::time::Duration::from_secs(3)).await;
    // Each tick tries it at most twice: all together, then alone.
    let tries = world.number("select last_value from public.ticks", &[]).await;
    assert!((1..40).contains(&tries), "{tries} tries in three seconds");
    world.stop_servers().await;
}

// Reminders.

/// A Member with all reminders, at nine in Auckland with half an hour of grace.
async fn reminded(world: &World, name: &str) -> Person {
    let member = world.person(name).await;
    let schedule = json!({"local_times": ["09:00"], "time_zone": "Pacific/Auckland", "grace_minutes": 30});
    world.put(&member, "/v1/me/schedule", schedule).await.expect(200);
    member
}

#[tokio::test]
async fn r4_1_reminders_come_before_at_the_time_and_at_half_the_grace() {
    world(|world| async move {
        world.travel_to("2027-02-28T18:00:00Z").await;
        let aroha = reminded(&world, "Aroha").await;
        let (ben, chloe) = (reminded(&world, "Ben").await, reminded(&world, "Chloe").await);
        // Without push by SMS, without a phone by e-mail.
        world
            .db
            .admin
            .execute("delete from data.devices where user_id = any ($1)", &[&vec![ben.id, chloe.id]])
            .await
            .unwrap();
        world
            .db
            .admin
            .execute("delete from data.addresses where user_id = $1 and kind = 'phone'", &[&chloe.id])
            .await
            .unwrap();
        let places = [(Channel::Push, &aroha.push_token), (Channel::Sms, &ben.phone), (Channel::Email, &chloe.email)];
        for (before, at, words) in [
            ("19:29:59", "19:30:00", ["Check-in at 09:00", "your check-in is due at 09:00", "Check-in at 09:00"]),
            ("19:59:58", "20:00:00", ["Time to check in", "it is time to check in", "Time to check in"]),
            ("20:14:58", "20:15:00", ["We have not heard from you yet"; 3].map(|words| words)),
        ] {
            let so_far = world.fakes.received().len();
            world.travel_to(&format!("2027-02-28T{}Z", &before.replace("19:29:59", "19:29:58"))).await;
            world.settle().await;
            assert_eq!(world.fakes.received().len(), so_far, "nothing before {at}");
            world.travel_to(&format!("2027-02-28T{at}Z")).await;
            for ((channel, to), words) in places.iter().zip(words) {
                let words =
                    if at == "20:15:00" && *channel == Channel::Sms { "we have not heard from you yet" } else { words };
                let came = world.expect_message(*channel, to, words).await;
                assert!(came.text.contains("09:30"), "it says when Contacts are told: {}", came.text);
            }
            if at == "20:00:00" {
                world.expect_message(Channel::Voice, &ben.phone, "Time to check in").await;
            }
        }
        for member in [&aroha, &ben, &chloe] {
            world.post(member, "/v1/me/check-ins", json!({})).await.expect(201);
        }
        world
    })
    .await;
}

#[tokio::test]
async fn r4_1_whoever_has_checked_in_is_not_reminded() {
    world(|world| async move {
        world.travel_to("2027-02-28T18:00:00Z").await;
        let (aroha, ben) = (reminded(&world, "Aroha").await, reminded(&world, "Ben").await);
        world.post(&aroha, "/v1/me/check-ins", json!({})).await.expect(201);
        world.travel_to("2027-02-28T19:30:00Z").await;
        world.expect_message(Channel::Push, &ben.push_token, "Check-in at").await;
        world.post(&ben, "/v1/me/check-ins", json!({})).await.expect(201);
        world.travel_to("2027-02-28T20:20:00Z").await;
        // Nor is a reminder sent that was waiting when the check-in came.
        world.fakes.set(Channel::Push, None, Behaviour::fail(503, "UNAVAILABLE"));
        world.travel_to("2027-03-01T19:30:00Z").await;
        world
            .eventually(
                "both were tried",
                "select count(*) = 2 from data.deliveries where state = 'pending' and attempts > 0",
                &[],
            )
            .await;
        for member in [&aroha, &ben] {
            world.post(member, "/v1/me/check-ins", json!({})).await.expect(201);
        }
        world.fakes.behave();
        world.advance("20 minutes").await;
        world.settle().await;
        world
    })
    .await;
}

#[tokio::test]
async fn r4_1_a_reminder_that_could_not_be_sent_is_not_sent_after_the_alarm() {
    world(|world| async move {
        world.travel_to("2027-02-28T18:00:00Z").await;
        let aroha = reminded(&world, "Aroha").await;
        world.fakes.set(Channel::Push, None, Behaviour::fail(503, "UNAVAILABLE"));
        for at in ["19:30:00", "20:00:00", "20:15:00"] {
            world.travel_to(&format!("2027-02-28T{at}Z")).await;
        }
        world
            .eventually("all three were tried", "select count(*) = 3 from data.deliveries where attempts > 0", &[])
            .await;
        world.travel_to("2027-02-28T20:30:00Z").await;
        world.fakes.behave();
        world.settle().await;
        world
            .eventually("they have expired", "select count(*) = 3 from data.deliveries where state = 'expired'", &[])
            .await;
        world.advance("30 minutes").await;
        assert_eq!(world.days(&aroha).await, ["01 09:00 missed open", "02 09:00 open"]);
        world
    })
    .await;
}

/// R4.1, R4.4: a reminder says "you can check in now", so it does not come before a check-in would count.
#[tokio::test]
async fn r4_1_no_reminder_comes_before_a_check_in_would_count() {
    let world = World::without_server().await;
    let aroha = world.person("Aroha").await;
    let set = "api.set_schedule(local_times => '{09:00,09:10}', time_zone => 'Pacific/Auckland', weekdays => null, grace_minutes => 5::smallint, reminders => null)";
    world.exactly("2027-02-28T12:00:00Z", "pruuf_user", Some(aroha.id), set).await.unwrap();
    world.tap(&aroha, "2027-02-28T19:00:00Z").await;
    assert_eq!(world.remind("2027-02-28T19:59:59Z").await["done"], 0, "a tap would meet nothing");
    assert_eq!(world.remind("2027-02-28T20:00:00Z").await["done"], 1);
    assert_eq!(World::brief(&world.tap(&aroha, "2027-02-28T20:00:00Z").await["met"]), json!(["01 09:10 met"]));
    let phases: Value = world.admin_json("select facts ->> 'phase' as phase from data.notifications order by id").await;
    assert_eq!(phases, json!([{"phase": "before"}]));
    world.stop_servers().await;
}

#[tokio::test]
async fn r4_1_after_an_outage_the_newest_reminder_is_enough() {
    let world = World::without_server().await;
    let aroha = world.person("Aroha").await;
    let set = "api.set_schedule(local_times => '{09:00}', time_zone => 'Pacific/Auckland', weekdays => null, grace_minutes => 30::smallint, reminders => null)";
    world.exactly("2027-02-28T12:00:00Z", "pruuf_user", Some(aroha.id), set).await.unwrap();
    assert_eq!(world.remind("2027-02-28T20:16:00Z").await["done"], 1);
    assert_eq!(world.remind("2027-02-28T20:17:00Z").await["done"], 0);
    let phases: Value = world.admin_json("select facts ->> 'phase' as phase from data.notifications").await;
    assert_eq!(phases, json!([{"phase": "half_grace"}]));
    world.stop_servers().await;
}

/// R6.5, R7.1: what reached a device stays on record when the device goes, so that its owner still hears that it is over.
#[tokio::test]
async fn r6_5_a_contact_who_removed_the_phone_that_rang_still_hears_that_it_is_over() {
    world(|world| async move {
        let (ana, ben) = (world.person("Ana").await, world.person("Ben").await);
        world.connect(&ana, &ben).await;
        world.travel_to("2027-05-03T06:00:00Z").await;
        world.schedule(&ana, "09:00", "Europe/Lisbon").await;
        world.travel_to("2027-05-03T08:10:00Z").await;
        world.expect_on_all_channels(&ben, "Ana did not check in").await;
        world.settle().await;
        let device = world.row("select id from data.devices where user_id = $1", &[&ben.id]).await["id"].clone();
        world.delete(&ben, &format!("/v1/me/devices/{}", device.as_str().unwrap())).await.expect(204);
        let kept = "select count(*) from data.deliveries d join data.notifications n on n.id = d.notification_id where n.user_id = $1 and n.kind = 'missed' and d.state = 'accepted'";
        assert_eq!(world.number(kept, &[&ben.id]).await, 3);

        world.post(&ana, "/v1/me/check-ins", json!({})).await.expect(201);
        for (channel, to) in [(Channel::Email, &ben.email), (Channel::Sms, &ben.phone)] {
            world.expect_message(channel, to, "Ana has checked in").await;
        }
        world
    })
    .await;
}

/// R6.4: an alert whose owner is no Contact any more is nobody's, and the others hear of it.
#[tokio::test]
async fn r6_4_an_alert_whose_owner_left_is_open_again_and_the_others_are_told() {
    world(|world| async move {
        let (ana, ben, cy) = (world.person("Ana").await, world.person("Ben").await, world.person("Cy").await);
        world.connect(&ana, &ben).await;
        world.connect(&ana, &cy).await;
        world.travel_to("2027-05-03T06:00:00Z").await;
        world.schedule(&ana, "09:00", "Europe/Lisbon").await;
        world.travel_to("2027-05-03T08:10:00Z").await;
        for contact in [&ben, &cy] {
            world.expect_on_all_channels(contact, "Ana did not check in").await;
        }
        let alert = world.get(&cy, "/v1/alerts").await.expect(200)["items"][0]["id"].clone();
        let path = format!("/v1/alerts/{}", alert.as_str().unwrap());
        let past = json!({"arrives_at": "2020-01-01T00:00:00Z"});
        world.post(&ben, &format!("{path}/acknowledge"), past).await.refused(422, "invalid");
        world.post(&ben, &format!("{path}/acknowledge"), json!({})).await.expect(200);
        for person in [&ana, &cy] {
            world.expect_message(Channel::Push, &person.push_token, "Ben").await;
            world.open_app(person).await;
        }
        world.delete(&ben, &format!("/v1/members/{}", ana.id)).await.expect(204);
        world.expect_message(Channel::Push, &ana.push_token, "Ben").await;
        world.expect_on_all_channels(&cy, "Ana did not check in").await;
        assert_eq!(world.get(&cy, &path).await.expect(200)["state"], "open");
        world.post(&cy, &format!("{path}/acknowledge"), json!({})).await.expect(200);
        world.expect_message(Channel::Push, &ana.push_token, "Cy").await;
        world.open_app(&ana).await;

        // R6.5: what was found is said to the others, and so is a check-in that comes after all.
        let found = json!({"outcome": "other", "note": "cannot find her"});
        world.post(&cy, &format!("{path}/close"), found).await.expect(200);
        // Who has left hears of the end, and no word of it (R3.4).
        world.expect_on_all_channels(&cy, "cannot find her").await;
        world.expect_on_all_channels(&ben, "Cy closed the alert").await;
        world.post(&ana, "/v1/me/check-ins", json!({"note": "at the neighbour's"})).await.expect(201);
        world.expect_on_all_channels(&cy, "at the neighbour's").await;
        world.expect_on_all_channels(&ben, "checked in").await;
        world
    })
    .await;
}

/// R6.4: under a row lock, which nobody waits for in a ring.
#[tokio::test]
async fn r6_4_taking_closing_and_checking_in_at_the_same_moment_never_fails() {
    let mut world = World::without_server().await;
    // No channels: what is told is not what is tried here.
    let silent = Config { fcm: None, smtp: None, twilio: None, ..world.config() };
    world.servers.push(Server::start(silent).await.unwrap());
    let (ben, chloe) = (&world.person("Ben").await, &world.person("Chloe").await);
    let mut members = Vec::new();
    for nth in 0..8 {
        let member = world.person(&format!("Member {nth}")).await;
        world.connect(&member, ben).await;
        world.connect(&member, chloe).await;
        world.schedule(&member, "09:00", "UTC").await;
        members.push(member.id);
    }
    world.miss(&members).await;
    world.eventually("all are missed", "select count(*) = 8 from data.alerts", &[]).await;
    let alerts = world.get(ben, "/v1/alerts?limit=100").await.expect(200);
    for alert in alerts["items"].as_array().unwrap() {
        let path = format!("/v1/alerts/{}", alert["id"].as_str().unwrap());
        let (acknowledge, close) = (format!("{path}/acknowledge"), format!("{path}/close"));
        let outcome = || json!({"outcome": "safe"});
        let (one, two, three, four) = futures_util::join!(
            world.post(ben, &acknowledge, json!({})),
            world.post(chloe, &acknowledge, json!({})),
            world.post(ben, &close, outcome()),
            world.post(chloe, &close, outcome()),
        );
        let statuses = [one.status, two.status, three.status, four.status];
        assert!(statuses.iter().all(|status| [200, 409].contains(status)), "{statuses:?}");
        assert!(statuses[2..].contains(&200), "{statuses:?}");
    }
    world.stop_servers().await;
}
