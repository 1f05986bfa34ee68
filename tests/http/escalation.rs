//! How alerts escalate (rules: R6.3, R6.4, R3.5): rounds, their policies, and whoever has an alert and says nothing.

use pruuf::dev::fakes::{Behaviour, Channel};
use serde_json::{Value, json};

use crate::support::database::connect;
use crate::support::{Person, World};

const EVERY_DAY: &str = "1,2,3,4,5,6,7";
/// When Aroha's day is missed.
const RAISED: &str = "2027-02-28T20:10:00Z";

/// Aroha, whom Ben watches at once and Chloe as a backup; no server runs.
async fn quiet_family() -> (World, Person, Person, Person) {
    let world = World::without_server().await;
    let (aroha, ben, chloe) = (world.person("Aroha").await, world.person("Ben").await, world.person("Chloe").await);
    world.connect(&aroha, &ben).await;
    world.connect(&aroha, &chloe).await;
    run(&world, &format!("update data.connections set tier = 'backup' where contact_id = '{}'", chloe.id)).await;
    world.set_at(&aroha, "2027-02-28T12:00:00Z", "09:00", "Pacific/Auckland", EVERY_DAY, 10).await;
    (world, aroha, ben, chloe)
}

/// The same, missed.
async fn missed_family() -> (World, Person, Person, Person) {
    let family = quiet_family().await;
    assert_eq!(family.0.tick(RAISED).await["missed"], 1);
    family
}

async fn run(world: &World, sql: &str) {
    world.db.admin.batch_execute(sql).await.unwrap();
}

/// What was told since this instant, as `20:20:00 still_open Ben email,push,sms,voice`.
async fn told_since(world: &World, at: &str) -> Vec<String> {
    let sql = "select to_char(n.created_at at time zone 'UTC', 'HH24:MI:SS') || ' ' || n.kind || ' ' || u.name || ' ' || coalesce(string_agg(d.channel, ',' order by d.channel), 'nowhere')
                 from data.notifications n join data.users u on u.id = n.user_id left join data.deliveries d on d.notification_id = n.id
                where n.created_at >= $1::text::timestamptz group by n.id, u.name, n.created_at, n.kind order by n.created_at, u.name";
    world.db.admin.query(sql, &[&at]).await.unwrap().iter().map(|row| row.get(0)).collect()
}

async fn act(world: &World, who: &Person, at: &str, call: &str) -> Result<Value, String> {
    let alert = world.row("select id from data.alerts order by id desc limit 1", &[]).await["id"].clone();
    let call = call.replace(":alert", &format!("'{}'", alert.as_str().unwrap()));
    world.exactly(at, "pruuf_user", Some(who.id), &call).await
}

const ACKNOWLEDGE: &str = "api.acknowledge_alert(:alert, null)";

/// R3.5: primary ones are told at once, backup ones when it escalates. R6.9: everywhere. R6.3: hourly, daily, for ever.
#[tokio::test]
async fn r6_3_the_default_rounds_come_at_their_minutes_and_never_end() {
    let (world, _, ben, _) = missed_family().await;
    // R6.9: nothing that Ben prefers keeps an alarm from him.
    let mute = "insert into data.watch_settings (contact_id, member_id, mutes_routine) select contact_id, member_id, true from data.connections where contact_id = $1";
    world.db.admin.execute(mute, &[&ben.id]).await.unwrap();
    assert_eq!(told_since(&world, RAISED).await, ["20:10:00 missed Ben email,push,sms"]);
    let both = |at: &str| {
        vec![format!("{at} still_open Ben email,push,sms,voice"), format!("{at} still_open Chloe email,push,sms,voice")]
    };
    let mut expected = Vec::new();
    for (at, just_before, people) in [
        ("20:20:00", "20:19:59.999999", vec!["20:20:00 still_open Ben email,push,sms,voice".to_owned()]),
        ("20:30:00", "20:29:59.999999", both("20:30:00")),
        ("20:40:00", "20:39:59.999999", both("20:40:00")),
        ("21:10:00", "21:09:59.999999", both("21:10:00")),
        ("22:10:00", "22:09:59.999999", both("22:10:00")),
        ("23:10:00", "23:09:59.999999", both("23:10:00")),
    ] {
        let nothing = world.escalate(&format!("2027-02-28T{just_before}Z")).await;
        assert_eq!((&nothing["count"], &nothing["problems"]), (&json!(0), &json!([])), "before {at}");
        let escalated = world.escalate(&format!("2027-02-28T{at}Z")).await;
        assert_eq!((&escalated["count"], &escalated["problems"]), (&json!(1), &json!([])), "{at}");
        // Operations are alarmed once, after the round of 60 minutes.
        assert_eq!(escalated["exhausted"].as_array().unwrap().len(), usize::from(at == "21:10:00"), "{at}");
        expected.extend(people);
    }
    assert_eq!(told_since(&world, "2027-02-28T20:11:00Z").await, expected);
    // Hourly to six hours, then daily.
    let mut rounds = Vec::new();
    let mut minute = 4 * 60;
    while minute <= 360 + 5 * 1440 {
        let at = world.row("select to_char(($1::text::timestamptz + make_interval(mins => $2)) at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') as at", &[&RAISED, &minute]).await["at"].clone();
        if world.escalate(at.as_str().unwrap()).await["count"] == 1 {
            rounds.push(minute);
        }
        minute += 30;
    }
    assert_eq!(rounds, [240, 300, 360, 360 + 1440, 360 + 2 * 1440, 360 + 3 * 1440, 360 + 4 * 1440, 360 + 5 * 1440]);
    let alert = world.row("select state, round, exhausted_at from data.alerts", &[]).await;
    assert_eq!((&alert["state"], &alert["round"]), (&json!("open"), &json!(15)));
    assert_eq!(alert["exhausted_at"], "2027-02-28T21:10:00+00:00");
    assert_eq!(world.number("select count(*) from data.alert_rounds", &[]).await, 14);
    let told = "select count(*) from audit.events where action = 'alert.round_told'";
    assert_eq!(world.number(told, &[]).await, 14, "R9.2 every round is in the trail");
    world.stop_servers().await;
}

#[tokio::test]
async fn r6_3_after_an_outage_the_round_that_is_due_is_told_once_and_none_in_a_burst() {
    for (back_at, round, exhausted, next) in [
        ("2027-02-28T20:55:00Z", "20:55:00", 0, "2027-02-28T21:10:00+00:00"),
        ("2027-03-01T00:15:00Z", "00:15:00", 1, "2027-03-01T01:10:00+00:00"),
        ("2027-03-06T12:00:00Z", "12:00:00", 1, "2027-03-07T02:10:00+00:00"),
    ] {
        let (world, ..) = missed_family().await;
        let escalated = world.escalate(back_at).await;
        assert_eq!(escalated["count"], 1);
        // The backups, too, though their own round was missed; and operations.
        assert_eq!(escalated["exhausted"].as_array().unwrap().len(), exhausted, "{back_at}");
        let told = told_since(&world, "2027-02-28T20:11:00Z").await;
        let people = ["Ben", "Chloe"].map(|name| format!("{round} still_open {name} email,push,sms,voice"));
        assert_eq!(told, people, "{back_at}");
        assert_eq!(world.escalate(back_at).await["count"], 0);
        assert_eq!(world.row("select next_step_at from data.alerts", &[]).await["next_step_at"], next, "{back_at}");
        world.stop_servers().await;
    }
}

#[tokio::test]
async fn r3_5_where_no_primary_is_left_the_first_round_tells_everyone() {
    let (world, ..) = quiet_family().await;
    run(&world, "update data.connections set tier = 'backup'").await;
    world.tick(RAISED).await;
    let both = ["20:10:00 missed Ben email,push,sms", "20:10:00 missed Chloe email,push,sms"];
    assert_eq!(told_since(&world, RAISED).await, both);
    world.escalate("2027-02-28T20:20:00Z").await;
    assert_eq!(told_since(&world, "2027-02-28T20:11:00Z").await.len(), 2, "nor does a later one tell nobody");
    world.stop_servers().await;
}

/// R3.5: also when nobody has the alert, and the only one who was told leaves.
#[tokio::test]
async fn r3_5_a_backup_who_becomes_primary_while_an_alert_is_open_is_told_at_once() {
    let (world, aroha, ben, _) = missed_family().await;
    let leave = format!("api.leave_member('{}')", aroha.id);
    world.exactly("2027-02-28T20:12:00Z", "pruuf_user", Some(ben.id), &leave).await.unwrap();
    let told = told_since(&world, "2027-02-28T20:12:00Z").await;
    assert!(told.contains(&"20:12:00 missed Chloe email,push,sms".to_owned()), "{told:?}");
    // Once; the next round comes as it would have.
    run(&world, "update data.connections set tier = 'backup' where ended_at is null; update data.connections set tier = 'primary' where ended_at is null").await;
    assert_eq!(world.escalate("2027-02-28T20:20:00Z").await["count"], 1);
    assert_eq!(told_since(&world, "2027-02-28T20:12:01Z").await, ["20:20:00 still_open Chloe email,push,sms,voice"]);
    world.stop_servers().await;
}

#[tokio::test]
async fn r6_1_operations_hear_at_each_round_of_an_alert_that_reaches_nobody() {
    let (world, _, ben, chloe) = quiet_family().await;
    for contact in [&ben, &chloe] {
        let leave = format!(
            "update data.connections set ended_by = contact_id, ended_at = rules.clock() where contact_id = '{}'",
            contact.id
        );
        run(&world, &leave).await;
    }
    assert_eq!(world.tick(RAISED).await["without_contact"].as_array().unwrap().len(), 1);
    for minute in ["20:20", "20:30"] {
        let escalated = world.escalate(&format!("2027-02-28T{minute}:00Z")).await;
        assert_eq!(escalated["without_contact"].as_array().unwrap().len(), 1, "{escalated:#}");
    }
    world.stop_servers().await;
}

#[tokio::test]
async fn r6_4_whoever_has_an_alert_is_asked_after_an_hour_and_it_goes_on_when_nothing_follows() {
    let (world, aroha, ben, chloe) = missed_family().await;
    act(&world, &ben, "2027-02-28T20:15:00Z", ACKNOWLEDGE).await.unwrap();
    // No round comes while Ben has it.
    for at in ["20:20:00", "20:30:00", "21:10:00", "21:14:59.999999"] {
        assert_eq!(world.escalate(&format!("2027-02-28T{at}Z")).await["count"], 0, "{at}");
    }
    assert_eq!(world.escalate("2027-02-28T21:15:00Z").await["count"], 1);
    assert_eq!(told_since(&world, "2027-02-28T20:16:00Z").await, ["21:15:00 owner_asked Ben email,push,sms"]);
    // He still has it: that is asked again an hour later, and told to nobody.
    assert_eq!(act(&world, &chloe, "2027-02-28T21:20:00Z", ACKNOWLEDGE).await.unwrap_err(), "alert-has-an-owner");
    act(&world, &ben, "2027-02-28T21:25:00Z", ACKNOWLEDGE).await.unwrap();
    assert_eq!(told_since(&world, "2027-02-28T21:16:00Z").await.len(), 0);
    for (at, count) in [("21:40:00", 0), ("22:24:59", 0), ("22:25:00", 1), ("22:39:59.999999", 0), ("22:40:00", 1)] {
        assert_eq!(world.escalate(&format!("2027-02-28T{at}Z")).await["count"], count, "{at}");
    }
    let everyone = ["22:40:00 still_open Ben email,push,sms,voice", "22:40:00 still_open Chloe email,push,sms,voice"];
    assert_eq!(told_since(&world, "2027-02-28T22:26:00Z").await, everyone);
    let alert = world.row("select state, acknowledged_by, exhausted_at from data.alerts", &[]).await;
    assert_eq!((&alert["state"], &alert["acknowledged_by"]), (&json!("open"), &Value::Null));
    // From here the rounds run anew, for everyone; after an hour of them it is exhausted.
    for at in ["22:50:00", "23:00:00", "23:10:00", "23:40:00"] {
        let escalated = world.escalate(&format!("2027-02-28T{at}Z")).await;
        assert_eq!(escalated["count"], 1, "{at}");
        assert_eq!(escalated["exhausted"].as_array().unwrap().len(), usize::from(at == "23:40:00"));
        assert_eq!(told_since(&world, &format!("2027-02-28T{at}Z")).await.len(), 2, "{at}");
    }
    act(&world, &chloe, "2027-02-28T23:45:00Z", ACKNOWLEDGE).await.unwrap();
    // Once it is over nothing comes any more.
    world.tap(&aroha, "2027-03-01T00:00:00Z").await;
    assert_eq!(world.escalate("2027-03-05T00:00:00Z").await["count"], 0);
    world.stop_servers().await;
}

#[tokio::test]
async fn r6_4_an_alert_whose_owner_left_escalates_from_there() {
    let (world, aroha, ben, _) = missed_family().await;
    act(&world, &ben, "2027-02-28T20:15:00Z", ACKNOWLEDGE).await.unwrap();
    let leave = format!("api.leave_member('{}')", aroha.id);
    world.exactly("2027-02-28T20:50:00Z", "pruuf_user", Some(ben.id), &leave).await.unwrap();
    assert_eq!(
        told_since(&world, "2027-02-28T20:49:00Z").await.iter().filter(|told| told.contains("missed Chloe")).count(),
        1
    );
    assert_eq!(world.escalate("2027-02-28T20:59:59Z").await["count"], 0);
    assert_eq!(world.escalate("2027-02-28T21:00:00Z").await["count"], 1);
    assert_eq!(told_since(&world, "2027-02-28T21:00:00Z").await, ["21:00:00 still_open Chloe email,push,sms,voice"]);
    world.stop_servers().await;
}

#[tokio::test]
async fn r6_3_a_dba_changes_the_default_and_a_members_own_and_every_change_is_kept() {
    let (world, aroha, ..) = quiet_family().await;
    let dba = "begin; set local role pruuf_owner;
      update data.escalation_rounds set whom = 'everyone' where after_minutes = 10 and policy_id = (select id from data.escalation_policies where member_id is null); commit";
    run(&world, dba).await;
    let own = format!(
        "begin; set local role pruuf_owner;
         with own as (insert into data.escalation_policies (member_id, repeat_minutes) values ('{}', 30) returning id)
         insert into data.escalation_rounds (policy_id, after_minutes, whom, has_call, is_exhausting)
         select id, 0, 'everyone', false, false from own union all select id, 3, 'primary', true, false from own union all select id, 7, 'everyone', false, true from own;
         commit",
        aroha.id
    );
    run(&world, &own).await;
    // Another Member goes by the default.
    let dina = world.person("Dina").await;
    run(&world, &format!("insert into data.connections (member_id, contact_id, tier, connected_at) select '{}', contact_id, tier, connected_at from data.connections", dina.id)).await;
    world.set_at(&dina, "2027-02-28T12:00:01Z", "09:00", "Pacific/Auckland", EVERY_DAY, 10).await;
    assert_eq!(world.tick(RAISED).await["missed"], 2);
    let count = |told: Vec<String>| told.len();
    assert_eq!(count(told_since(&world, RAISED).await), 3, "both of Aroha's, Ben of Dina's");
    for (at, told, exhausted) in [
        ("20:13:00", vec!["still_open Ben email,push,sms,voice"], 0),
        ("20:17:00", vec!["still_open Ben email,push,sms", "still_open Chloe email,push,sms"], 1),
        ("20:20:00", vec!["still_open Ben email,push,sms,voice", "still_open Chloe email,push,sms,voice"], 0),
        ("20:30:00", vec!["still_open Ben email,push,sms,voice", "still_open Chloe email,push,sms,voice"], 0),
        // The last of Aroha's rounds comes again every half an hour.
        ("20:47:00", vec!["still_open Ben email,push,sms", "still_open Chloe email,push,sms"], 0),
    ] {
        let at = format!("2027-02-28T{at}Z");
        if at == "2027-02-28T20:47:00Z" {
            world.escalate("2027-02-28T20:40:00Z").await;
        }
        let escalated = world.escalate(&at).await;
        assert_eq!(escalated["exhausted"].as_array().unwrap().len(), exhausted, "{at} {escalated:#}");
        let now: Vec<String> = told_since(&world, &at).await.into_iter().map(|told| told[9..].to_owned()).collect();
        assert_eq!(now, told, "{at}");
    }
    let changes = world.admin_json("select before ->> 'whom' as before, after ->> 'whom' as after, changed_by from data.escalation_changes order by id").await;
    let changes = changes.as_array().unwrap();
    assert_eq!(
        (changes.len(), &changes[0]["before"], &changes[0]["after"]),
        (5, &json!("primary"), &json!("everyone"))
    );
    // What would leave an alert in silence is refused; and where a fault left no rounds at all, it goes on all the same.
    for silent in [
        "update data.escalation_policies set repeat_minutes = 0",
        "update data.escalation_policies set repeat_minutes = 1441",
        "update data.escalation_policies set repeat_minutes = null",
    ] {
        assert!(world.db.admin.batch_execute(silent).await.is_err(), "{silent}");
    }
    run(&world, "delete from data.escalation_policies").await;
    for at in ["2027-02-28T21:17:00Z", "2027-02-28T22:30:00Z", "2027-03-01T00:00:00Z"] {
        let escalated = world.escalate(at).await;
        assert!(escalated["count"].as_i64().unwrap() > 0 && escalated["problems"] == json!([]), "{at} {escalated:#}");
    }
    world.stop_servers().await;
}

#[tokio::test]
async fn r9_5_an_alert_that_cannot_escalate_holds_up_no_other() {
    let (world, aroha, ben, _) = quiet_family().await;
    let dina = world.person("Dina").await;
    world.connect(&dina, &ben).await;
    world.set_at(&dina, "2027-02-28T12:00:01Z", "09:00", "Pacific/Auckland", EVERY_DAY, 10).await;
    world.tick(RAISED).await;
    let poison = format!(
        "create function public.poison() returns trigger language plpgsql as $$ begin if exists (select from data.alerts a where a.id = new.alert_id and a.member_id = '{}') then raise exception 'poison'; end if; return new; end $$;
         create trigger poison before insert on data.alert_rounds for each row execute function public.poison()",
        aroha.id
    );
    run(&world, &poison).await;
    let escalated = world.escalate("2027-02-28T20:20:00Z").await;
    assert_eq!(
        (&escalated["count"], &escalated["problems"][0]["job"]),
        (&json!(1), &json!("escalate")),
        "{escalated:#}"
    );
    assert_eq!(told_since(&world, "2027-02-28T20:20:00Z").await.len(), 1);
    // Not half done, and tried again soon; not at once.
    assert_eq!(world.escalate("2027-02-28T20:20:01Z").await["problems"], json!([]));
    assert_eq!(world.escalate("2027-02-28T20:20:10Z").await["problems"].as_array().unwrap().len(), 1);
    run(&world, "drop trigger poison on data.alert_rounds").await;
    assert_eq!(world.escalate("2027-02-28T20:20:20Z").await["count"], 1);
    assert_eq!(told_since(&world, "2027-02-28T20:20:20Z").await, ["20:20:20 still_open Ben email,push,sms,voice"]);
    world.stop_servers().await;
}

#[tokio::test]
async fn r6_3_what_a_round_could_not_withdraw_is_not_sent_beside_it() {
    let (world, ..) = missed_family().await;
    // Tried once, and locked by its sender's session while the next round is told.
    run(&world, "update data.deliveries set attempts = 1 where channel = 'sms'").await;
    let sender = connect(&world.db.admin_url()).await;
    sender.batch_execute("begin; select from data.deliveries where channel = 'sms' for update").await.unwrap();
    assert_eq!(world.escalate("2027-02-28T20:20:00Z").await["count"], 1);
    sender.batch_execute("commit").await.unwrap();
    let waiting = "select count(*) from data.deliveries where channel = 'sms' and state = 'pending'";
    assert_eq!(world.number(waiting, &[]).await, 2);
    let claimed = "(select jsonb_agg(c -> 'kind') from jobs.claim_deliveries('sms', 10, 60) c)";
    let claimed = world.exactly("2027-02-28T20:20:01Z", "pruuf_worker", None, claimed).await.unwrap();
    assert_eq!(claimed, json!(["still_open"]));
    world.stop_servers().await;
}

#[tokio::test]
async fn r6_3_several_servers_tell_a_round_once_and_its_text_says_how_long_nobody_answered() {
    let mut world = World::without_server().await;
    for _ in 0..3 {
        world.start_server().await;
    }
    world.travel_to("2027-02-28T19:00:00Z").await;
    let (aroha, ben, chloe) = (world.person("Aroha").await, world.person("Ben").await, world.person("Chloe").await);
    world.connect(&aroha, &ben).await;
    world.connect(&aroha, &chloe).await;
    run(&world, &format!("update data.connections set tier = 'backup' where contact_id = '{}'", chloe.id)).await;
    world.schedule(&aroha, "09:00", "Pacific/Auckland").await;
    world.travel_to(RAISED).await;
    for (channel, to) in ben.places() {
        let came = world.expect_message(channel, &to, "Aroha did not check in").await;
        assert!(!came.text.contains("Chloe"), "a backup was not told: {}", came.text);
    }
    // Chloe's phone company is down: what waits there does not pile up.
    world.fakes.set(Channel::Sms, Some(&chloe.phone), Behaviour::fail(503, "20503"));
    for (at, minutes) in [("20:20:00", "10 minutes"), ("20:30:00", "20 minutes"), ("20:40:00", "30 minutes")] {
        world.travel_to(&format!("2027-02-28T{at}Z")).await;
        for (channel, to) in ben.places() {
            // An SMS has no room for how long.
            let words = if channel == Channel::Sms { "Nobody has answered" } else { minutes };
            let came = world.expect_message(channel, &to, words).await;
            let shown = format!("{} {}", came.title.unwrap_or_default(), came.text);
            assert!(shown.contains("still not checked in") && !shown.contains("late"), "{channel:?}: {shown}");
        }
        world.expect_message(Channel::Voice, &ben.phone, "still not checked in").await;
        if minutes != "10 minutes" {
            world.expect_message(Channel::Voice, &chloe.phone, "still not checked in").await;
            world.expect_message(Channel::Push, &chloe.push_token, minutes).await;
            world.expect_message(Channel::Email, &chloe.email, minutes).await;
        }
    }
    world
        .eventually(
            "the last was tried",
            "select count(*) = 1 from data.deliveries where channel = 'sms' and state = 'pending' and attempts > 0",
            &[],
        )
        .await;
    world.fakes.behave();
    world.advance("2 minutes").await;
    world.expect_message(Channel::Sms, &chloe.phone, "Nobody has answered").await;
    world.settle().await;
    let alert = world.get(&ben, "/v1/alerts").await.expect(200)["items"][0].clone();
    assert_eq!((&alert["round"], &alert["backups"][0]["name"]), (&json!(4), &json!("Chloe")));
    assert!(alert["next_round_at"].as_str().unwrap().starts_with("2027-02-28T21:1"), "{alert:#}");
    assert_eq!(world.number("select count(*) from data.alert_rounds", &[]).await, 3);
    let unexpected = world.unexpected();
    assert!(unexpected.is_empty(), "{unexpected:#?}");
    world.stop_servers().await;
}
