//! What is read of an alert (R6.8), and what a DBA sees before it happens (R6.3).

use std::collections::{BTreeMap, BTreeSet};

use pruuf::dev::fakes::{Behaviour, Channel};
use serde_json::{Value, json};

use crate::support::{Person, World, world};

/// Aroha at nine in Auckland, whom Ben watches at once and Chloe as a backup; half an hour before it.
async fn family(world: &World) -> (Person, Person, Person) {
    world.travel_to("2027-02-28T19:30:00Z").await;
    let (aroha, ben, chloe) = (world.person("Aroha").await, world.person("Ben").await, world.person("Chloe").await);
    world.connect(&aroha, &ben).await;
    world.connect(&aroha, &chloe).await;
    let sql = "update data.connections set tier = 'backup' where contact_id = $1";
    world.db.admin.execute(sql, &[&chloe.id]).await.unwrap();
    world.schedule(&aroha, "09:00", "Pacific/Auckland").await;
    (aroha, ben, chloe)
}

/// `what person round/channel result`, of each event in order.
fn brief(timeline: &Value) -> Vec<String> {
    let text = |value: &Value| match value {
        Value::Null => String::new(),
        Value::String(text) => format!(" {text}"),
        other => format!(" {other}"),
    };
    let items = timeline["items"].as_array().unwrap();
    assert!(items.windows(2).all(|two| two[0]["at"].as_str() <= two[1]["at"].as_str()), "{timeline:#}");
    items
        .iter()
        .map(|event| {
            let parts = [
                &event["what"],
                &event["person"]["name"],
                &event["round"],
                &event["channel"],
                &event["result"],
                &event["state"],
                &event["outcome"],
            ];
            parts.into_iter().map(text).collect::<String>().trim().to_owned()
        })
        .collect()
}

fn of(events: &[String], word: &str) -> Vec<String> {
    events.iter().filter(|event| event.starts_with(word)).cloned().collect()
}

#[tokio::test]
async fn r6_8_contacts_and_the_member_read_every_round_message_and_act_in_order_and_nobody_else_does() {
    world(|world| async move {
        let (aroha, ben, chloe) = family(&world).await;
        let eve = world.person("Eve").await;
        world.fakes.set(Channel::Sms, Some(&ben.phone), Behaviour::fail_times(503, "20503", 1));
        world.fakes.set(Channel::Email, Some(&ben.email), Behaviour::fail(550, "rcpt 5.1.1"));
        world.travel_to("2027-02-28T20:10:00Z").await;
        world.expect_message(Channel::Push, &ben.push_token, "Aroha did not check in").await;
        world
            .eventually(
                "the SMS failed once",
                "select exists (select from data.attempts where result = 'transient')",
                &[],
            )
            .await;
        world.advance("1 minute").await;
        world.expect_message(Channel::Sms, &ben.phone, "Aroha did not check in").await;
        world.travel_to("2027-02-28T20:20:00Z").await;
        world.expect_message(Channel::Push, &ben.push_token, "still not checked in").await;
        world.expect_message(Channel::Sms, &ben.phone, "still not checked in").await;
        world.expect_message(Channel::Voice, &ben.phone, "still not checked in").await;
        world.settle().await;
        let alert = world.get(&ben, "/v1/alerts").await.expect(200)["items"][0]["id"].as_str().unwrap().to_owned();
        let path = format!("/v1/alerts/{alert}");
        let arrival = json!({"arrives_at": "2027-02-28T20:50:00Z"});
        world.post(&chloe, &format!("{path}/acknowledge"), arrival).await.expect(200);
        for person in [&aroha, &ben] {
            world.expect_message(Channel::Push, &person.push_token, "Chloe").await;
            world.open_app(person).await;
        }
        let closing = json!({"outcome": "false_alarm", "note": "=HYPERLINK(\"x\")"});
        world.post(&chloe, &format!("{path}/close"), closing).await.expect(200);
        world.expect_message(Channel::Push, &ben.push_token, "Chloe closed the alert").await;
        world.expect_message(Channel::Sms, &ben.phone, "Chloe closed the alert").await;
        world.expect_message(Channel::Voice, &ben.phone, "Chloe closed the alert").await;
        world.settle().await;

        let timeline = world.get(&ben, &format!("{path}/timeline")).await.expect(200);
        assert_eq!(timeline["time_zone"], "Pacific/Auckland");
        let events = brief(&timeline);
        assert_eq!(events[0], "raised Aroha 1");
        assert!(
            timeline["items"][0]["local"].as_str().unwrap().starts_with("2027-03-01T09:10:0"),
            "to the second, in her time"
        );
        assert_eq!(of(&events, "round"), ["round 2"]);
        assert_eq!(of(&events, "acknowledged"), ["acknowledged Chloe"]);
        assert_eq!(of(&events, "closed"), ["closed Chloe false_alarm"]);
        let mut queued = of(&events, "queued Ben");
        queued.sort();
        let expected: Vec<String> = ["email", "push", "push", "push", "push", "sms", "sms", "sms", "voice", "voice"]
            .iter()
            .map(|channel| format!("queued Ben {channel}"))
            .collect();
        // Missed, the round, who has it (the e-mail to him stood by), the end: the dead e-mail address is off by then.
        assert_eq!(queued, expected, "{events:#?}");
        assert_eq!(
            of(&events, "attempted Ben sms"),
            ["transient", "accepted", "accepted", "accepted"].map(|result| format!("attempted Ben sms {result}"))
        );
        assert_eq!(of(&events, "attempted Ben email"), ["attempted Ben email permanent"]);
        assert_eq!(of(&events, "given_up Ben email"), ["given_up Ben email failed"]);
        assert_eq!(
            of(&events, "attempted Ben voice"),
            ["attempted Ben voice accepted", "attempted Ben voice accepted"]
        );
        let place = |event: &str| events.iter().position(|other| other == event).unwrap();
        let order = [
            "raised Aroha 1",
            "queued Ben sms",
            "attempted Ben sms transient",
            "attempted Ben sms accepted",
            "round 2",
            "queued Ben voice",
            "acknowledged Chloe",
            "closed Chloe false_alarm",
        ];
        assert!(order.windows(2).all(|two| place(two[0]) < place(two[1])), "{events:#?}");
        // The same to all of them; no address in it; to nobody else.
        for reader in [&aroha, &chloe] {
            assert_eq!(world.get(reader, &format!("{path}/timeline")).await.expect(200)["items"], timeline["items"]);
        }
        for hidden in [&ben.email, &ben.phone, &ben.push_token] {
            assert!(!timeline.to_string().contains(hidden.as_str()));
        }
        world.get(&eve, &format!("{path}/timeline")).await.refused(404, "not-found");
        world.get(&eve, &format!("{path}/timeline.csv")).await.refused(404, "not-found");
        let session = world.db.session_as("pruuf_user", Some(eve.id)).await;
        let sql = format!("select rules.timeline('{alert}')");
        assert_eq!(session.query_one(&sql, &[]).await.unwrap().get::<_, Value>(0), json!([]));

        let table = world.get(&ben, &format!("{path}/timeline.csv")).await;
        assert_eq!(table.headers["content-type"], "text/csv; charset=utf-8");
        assert_eq!(
            table.headers["content-disposition"].to_str().unwrap(),
            format!("attachment; filename=\"pruuf-alert-{alert}.csv\"")
        );
        let table = table.expect(200);
        let lines: Vec<&str> = table.as_str().unwrap().trim_end().split("\r\n").collect();
        assert_eq!(lines.len(), 1 + events.len());
        assert!(lines[1].contains("\"raised\",\"Aroha\",\"1\",\"missed\""), "{}", lines[1]);
        assert!(table.as_str().unwrap().contains("\"'=HYPERLINK(\"\"x\"\")\""), "no formula: {table}");
        world
    })
    .await;
}

/// Everything that was told after an instant, as the preview says it.
async fn told(world: &World, after: &str) -> Vec<String> {
    let sql = "select to_char(n.created_at at time zone 'UTC', 'DD HH24:MI:SS') || ' ' || n.kind || ' ' || u.name || ' ' || string_agg(d.channel, ',' order by d.channel)
                 from data.notifications n join data.users u on u.id = n.user_id join data.deliveries d on d.notification_id = n.id
                where n.created_at > $1::text::timestamptz and n.kind <> 'acknowledged' group by n.id, n.created_at, n.kind, u.name order by 1";
    world.db.admin.query(sql, &[&after]).await.unwrap().iter().map(|row| row.get(0)).collect()
}

async fn previewed(world: &World, at: &str, horizon: &str) -> Vec<String> {
    let sql = format!(
        "begin read only; set local role pruuf_worker;
         select to_char(told_at at time zone 'UTC', 'DD HH24:MI:SS') || ' ' || kind || ' ' || coalesce(reader_name, 'nobody') || ' ' || array_to_string(channels, ',')
           from jobs.preview('{at}', '{horizon}') order by 1; commit"
    );
    let messages = world.db.admin.simple_query(&sql).await.unwrap();
    messages
        .iter()
        .filter_map(|message| match message {
            tokio_postgres::SimpleQueryMessage::Row(row) => Some(row.get(0).unwrap().to_owned()),
            _ => None,
        })
        .collect()
}

/// R6.3: what the preview says is what comes, to the second; and it changes nothing.
#[tokio::test]
async fn r6_3_a_preview_says_what_will_be_told_and_changes_nothing() {
    let world = World::without_server().await;
    let (aroha, ben, chloe) = (world.person("Aroha").await, world.person("Ben").await, world.person("Chloe").await);
    let (dina, nora) = (world.person("Dina").await, world.person("Nora").await);
    for (member, contact) in [(&aroha, &ben), (&aroha, &chloe), (&dina, &ben)] {
        world.connect(member, contact).await;
    }
    world
        .db
        .admin
        .execute("update data.connections set tier = 'backup' where contact_id = $1", &[&chloe.id])
        .await
        .unwrap();
    for (member, time) in [(&aroha, "09:00"), (&dina, "09:05"), (&nora, "09:30")] {
        world.set_at(member, "2027-02-28T12:00:00Z", time, "Pacific/Auckland", "1,2,3,4,5,6,7", 10).await;
    }
    // Dina's alert is raised, and Ben has it.
    let ahead = previewed(&world, "2027-02-28T20:00:00Z", "20 minutes").await;
    assert_eq!(
        ahead,
        [
            "28 20:10:00 missed Ben email,push,sms",
            "28 20:15:00 missed Ben email,push,sms",
            "28 20:20:00 still_open Ben email,push,sms,voice"
        ]
    );
    world.tick("2027-02-28T20:15:00Z").await;
    let alert = world.row("select id from data.alerts where member_id = $1", &[&dina.id]).await["id"].clone();
    let acknowledge = format!("api.acknowledge_alert('{}', null)", alert.as_str().unwrap());
    world.exactly("2027-02-28T20:16:00Z", "pruuf_user", Some(ben.id), &acknowledge).await.unwrap();

    let ahead = previewed(&world, "2027-02-28T20:16:00Z", "10 hours").await;
    let nobody = ahead.iter().filter(|line| line.contains("nobody")).count();
    assert!(nobody > 3 && ahead.iter().any(|line| line.contains("owner_asked")), "{ahead:#?}");
    let before = world.number("select count(*) from data.notifications", &[]).await;
    assert_eq!(world.number("select count(*) from data.alerts", &[]).await, 2);
    // Now it happens, second by second as it is due.
    let mut at =
        world.row("select '2027-02-28T20:16:00Z'::timestamptz as at", &[]).await["at"].as_str().unwrap().to_owned();
    loop {
        let next = world
            .row("select least((select min(alert_at) from data.obligations where state = 'open'), (select min(next_step_at) from data.alerts where state <> 'resolved')) as at", &[])
            .await["at"].as_str().unwrap().to_owned();
        let is_over =
            world.row("select $1::text::timestamptz > '2027-03-01T06:16:00Z' as is_over", &[&next]).await["is_over"]
                .clone();
        if is_over == true {
            break;
        }
        at = next.clone().max(at);
        world.tick(&next).await;
        world.escalate(&next).await;
    }
    let ahead: Vec<String> = ahead.into_iter().filter(|line| !line.contains("nobody")).collect();
    assert_eq!(told(&world, "2027-02-28T20:16:00Z").await, ahead);
    assert!(world.number("select count(*) from data.notifications", &[]).await > before);
    world.stop_servers().await;
}

/// A timeline as a story: what happened, and between it what became of each message, in the order of channels. Messages of
/// one moment are on their way at the same time, so their order among themselves says nothing.
fn story(timeline: &Value) -> Vec<String> {
    let text = |event: &Value, name: &str| event[name].as_str().unwrap_or_default().to_owned();
    let (mut lines, mut known) = (Vec::new(), BTreeSet::new());
    let mut messages: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for event in timeline["items"].as_array().unwrap() {
        let (what, person) = (text(event, "what"), event["person"]["name"].as_str().unwrap_or_default());
        // What a provider says of it later comes when it comes.
        if what == "receipt" {
            continue;
        }
        let channel = text(event, "channel");
        if !channel.is_empty() {
            assert_eq!(known.insert(text(event, "delivery_id")), what == "queued", "each is queued first: {event:#}");
            let message = format!("  {} to {person} by {channel}", text(event, "kind"));
            let step = [
                what.as_str(),
                event["result"].as_str().unwrap_or_default(),
                event["state"].as_str().unwrap_or_default(),
            ]
            .into_iter()
            .rfind(|word| !word.is_empty())
            .unwrap()
            .to_owned();
            messages.entry(message).or_default().push(step);
            continue;
        }
        lines.extend(
            std::mem::take(&mut messages)
                .into_iter()
                .map(|(message, steps)| format!("{message}: {}", steps.join(", "))),
        );
        let round = event["round"].as_i64().map(|round| format!("round {round}")).unwrap_or_default();
        let exhausted = if event["is_exhausting"] == true { "exhausted" } else { "" };
        let kind = if person.is_empty() || what == "raised" { text(event, "kind") } else { String::new() };
        let parts = [what, person.to_owned(), round, kind, text(event, "outcome"), exhausted.to_owned()];
        // A round is a round.
        let line = parts.into_iter().filter(|part| !part.is_empty() && part != "round").collect::<Vec<_>>().join(" ");
        lines.push(format!("{} {line}", &text(event, "local")[8..16]));
    }
    lines.extend(messages.into_iter().map(|(message, steps)| format!("{message}: {}", steps.join(", "))));
    lines
}

/// The messages of one cause to one person, as [`story`] writes them.
fn sent(kind: &str, to: &str, channels: &[&str]) -> Vec<String> {
    channels.iter().map(|channel| format!("  {kind} to {to} by {channel}: queued, accepted")).collect()
}

/// An acknowledgement: the push, and the e-mail that stands by.
fn stands_by(to: &str) -> Vec<String> {
    vec![
        format!("  acknowledged to {to} by email: queued"),
        format!("  acknowledged to {to} by push: queued, accepted"),
    ]
}

fn line(text: &str) -> Vec<String> {
    vec![text.to_owned()]
}

const FIRST: &[&str] = &["email", "push", "sms"];
const LATER: &[&str] = &["email", "push", "sms", "voice"];

/// The timeline as this Contact reads it, once nothing is on its way any more.
async fn read(world: &World, who: &Person, kind: &str) -> (String, Vec<String>) {
    world.settle().await;
    let sql = "select id::text from data.alerts where kind = $1 order by raised_at limit 1";
    let id: String = world.db.admin.query_one(sql, &[&kind]).await.unwrap().get(0);
    let timeline = world.get(who, &format!("/v1/alerts/{id}/timeline")).await.expect(200);
    (format!("/v1/alerts/{id}"), story(&timeline))
}

/// A family in a world whose providers are not asked what became of messages: that has tests of its own.
async fn family_of_a_story() -> (World, Person, Person, Person) {
    let mut world = World::without_server().await;
    let unasked = "update data.policies set value = most where key = 'poll_after'";
    world.db.admin.batch_execute(unasked).await.unwrap();
    world.start_server().await;
    let (aroha, ben, chloe) = family(&world).await;
    (world, aroha, ben, chloe)
}

#[tokio::test]
async fn r6_8_the_story_of_an_alert_that_is_answered_at_once() {
    let (world, aroha, ben, _) = family_of_a_story().await;
    world.travel_to("2027-02-28T20:10:00Z").await;
    let (path, _) = read(&world, &ben, "missed").await;
    world.post(&ben, &format!("{path}/acknowledge"), json!({})).await.expect(200);
    world.travel_to("2027-02-28T20:11:00Z").await;
    world.settle().await;
    world.post(&aroha, "/v1/me/check-ins", json!({})).await.expect(201);
    let given_up = |to: &str| format!("  acknowledged to {to} by email: cancelled");
    let expected = [
        line("01T09:10 raised Aroha round 1 missed"),
        sent("missed", "Ben", FIRST),
        line("01T09:10 acknowledged Ben"),
        stands_by("Aroha"),
        stands_by("Chloe"),
        line("01T09:11 checked_in Aroha"),
        vec![given_up("Aroha"), given_up("Chloe")],
        sent("all_clear", "Ben", FIRST),
        sent("all_clear", "Chloe", &["push"]),
    ];
    assert_eq!(read(&world, &ben, "missed").await.1, expected.concat());
    world.stop_servers().await;
}

#[tokio::test]
async fn r6_8_the_story_of_an_alert_that_nobody_answers_for_a_day() {
    let (world, aroha, _, chloe) = family_of_a_story().await;
    // Today only: what is missed tomorrow has a story of its own.
    world
        .put(
            &aroha,
            "/v1/me/schedule",
            json!({"local_times": ["09:00"], "time_zone": "Pacific/Auckland", "weekdays": [1], "reminders": []}),
        )
        .await
        .expect(200);
    world.travel_to("2027-02-28T20:10:00Z").await;
    world.settle().await;
    let mut expected = [line("01T09:10 raised Aroha round 1 missed"), sent("missed", "Ben", FIRST)].concat();
    let rounds = [
        (20, 10),
        (30, 20),
        (40, 30),
        (70, 60),
        (130, 120),
        (190, 180),
        (250, 240),
        (310, 300),
        (370, 360),
        (1810, 1800),
    ];
    for (number, (minutes, after)) in (2..).zip(rounds) {
        let at = jiff::Timestamp::from_second(1_803_844_800).unwrap() + jiff::SignedDuration::from_mins(minutes);
        // The rounds are counted from when it was raised, which was a moment after its time.
        world.travel_to(&(at + jiff::SignedDuration::from_secs(20)).to_string()).await;
        world.settle().await;
        let local = at.in_tz("Pacific/Auckland").unwrap().strftime("%dT%H:%M").to_string();
        let exhausted = if after == 60 { " exhausted" } else { "" };
        expected.push(format!("{local} round {number} still_open{exhausted}"));
        expected.extend(sent("still_open", "Ben", LATER));
        if after >= 20 {
            expected.extend(sent("still_open", "Chloe", LATER));
        }
    }
    let told = read(&world, &chloe, "missed").await.1;
    for (number, (told, expected)) in told.iter().zip(&expected).enumerate() {
        assert_eq!(told, expected, "line {number}");
    }
    assert_eq!(told.len(), expected.len());
    world.stop_servers().await;
}

#[tokio::test]
async fn r6_8_the_story_of_a_false_alarm() {
    let (world, aroha, ben, _) = family_of_a_story().await;
    world.travel_to("2027-02-28T20:10:00Z").await;
    let (path, _) = read(&world, &ben, "missed").await;
    world.travel_to("2027-02-28T20:14:00Z").await;
    world.settle().await;
    world.post(&ben, &format!("{path}/close"), json!({"outcome": "false_alarm"})).await.expect(200);
    world.settle().await;
    // She wakes, and says so herself: the alert is over, and whoever heard of it hears this.
    world.travel_to("2027-02-28T21:00:00Z").await;
    world.post(&aroha, "/v1/me/check-ins", json!({})).await.expect(201);
    let again = |channel: &&str| format!("  all_clear to Ben by {channel}: queued, accepted, queued, accepted");
    let expected = [
        line("01T09:10 raised Aroha round 1 missed"),
        sent("missed", "Ben", FIRST),
        line("01T09:14 closed Ben false_alarm"),
        FIRST.iter().map(again).collect(),
    ];
    assert_eq!(read(&world, &ben, "missed").await.1, expected.concat());
    world.stop_servers().await;
}

#[tokio::test]
async fn r6_8_the_story_of_a_call_for_help() {
    let (world, aroha, ben, chloe) = family_of_a_story().await;
    world.post(&aroha, "/v1/me/help-requests", json!({})).await.expect(201);
    let (path, _) = read(&world, &ben, "help").await;
    world.travel_to("2027-02-28T19:32:00Z").await;
    // Nobody has it yet: that is no release.
    world.post(&ben, &format!("{path}/needs-more-help"), json!({})).await.expect(200);
    world.travel_to("2027-02-28T19:33:00Z").await;
    world.post(&chloe, &format!("{path}/acknowledge"), json!({})).await.expect(200);
    world.travel_to("2027-02-28T19:34:00Z").await;
    world.post(&aroha, &format!("{path}/cancel"), json!({})).await.expect(200);
    let given_up = |to: &str| format!("  acknowledged to {to} by email: cancelled");
    let expected = [
        line("01T08:30 help_requested Aroha"),
        line("01T08:30 raised Aroha round 1 help"),
        sent("help", "Ben", FIRST),
        line("01T08:32 needs_more_help Ben"),
        line("01T08:32 round 2 needs_more_help"),
        sent("needs_more_help", "Chloe", LATER),
        line("01T08:33 acknowledged Chloe"),
        stands_by("Aroha"),
        stands_by("Ben"),
        line("01T08:34 cancelled Aroha"),
        vec![given_up("Aroha"), given_up("Ben")],
        sent("all_clear", "Ben", FIRST),
        sent("all_clear", "Chloe", LATER),
    ];
    assert_eq!(read(&world, &ben, "help").await.1, expected.concat());
    world.stop_servers().await;
}

#[tokio::test]
async fn r6_8_the_story_of_an_alert_that_one_contact_cannot_be_told() {
    let (world, aroha, ben, chloe) = family_of_a_story().await;
    world.db.admin.batch_execute("update data.connections set tier = 'primary'").await.unwrap();
    world.fakes.set(Channel::Push, Some(&ben.push_token), Behaviour::fail(404, "UNREGISTERED"));
    world.fakes.set(Channel::Email, Some(&ben.email), Behaviour::fail(550, "rcpt 5.1.1"));
    world.fakes.set(Channel::Sms, Some(&ben.phone), Behaviour::fail(400, "21211"));
    world.travel_to("2027-02-28T20:10:00Z").await;
    world.settle().await;
    let looked = "select exists (select from data.unreached_contacts)";
    world.eventually("it is known that he cannot be reached", looked, &[]).await;
    world.settle().await;
    world.travel_to("2027-02-28T20:11:00Z").await;
    world.post(&aroha, "/v1/me/check-ins", json!({})).await.expect(201);
    let dead = |channel: &&str| format!("  missed to Ben by {channel}: queued, permanent, failed");
    let expected = [
        line("01T09:10 raised Aroha round 1 missed"),
        FIRST.iter().map(dead).collect(),
        sent("missed", "Chloe", FIRST),
        sent("unreachable", "Chloe", FIRST),
        line("01T09:11 checked_in Aroha"),
        sent("all_clear", "Chloe", FIRST),
    ];
    assert_eq!(read(&world, &chloe, "missed").await.1, expected.concat());
    world.stop_servers().await;
}
