//! The weekly summary: one digest for what is low (R7.2).

use pruuf::dev::fakes::Channel;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Person, World, world};

/// As servers do every few minutes.
async fn send(world: &World) -> Value {
    let worker = world.db.session_as("pruuf_worker", None).await;
    worker.query_one("select jobs.send_weekly_summaries()", &[]).await.unwrap().get(0)
}

/// Past days at nine, from this one on, a letter each: met, late, x for missed, excused.
async fn days(world: &World, member: &Person, from_on: &str, days: &str) {
    let sql = "insert into data.obligations (member_id, schedule_id, local_on, local_time, time_zone, opens_at, due_at, alert_at, state, closed_at)
               select s.member_id, s.id, d.local_on, '09:00', s.time_zone, d.at, d.at, d.at, d.state, d.at
                 from data.schedules s cross join lateral (
                   select $2::text::date + n.place::integer - 1 as local_on, ($2::text::date + n.place::integer - 1 + time '09:00') at time zone s.time_zone as at,
                          case n.letter when 'm' then 'met' when 'l' then 'met_late' when 'x' then 'missed' else 'excused' end as state
                     from regexp_split_to_table($3, '') with ordinality as n (letter, place)) d
                where s.member_id = $1 and s.superseded_at is null";
    world.db.admin.execute(sql, &[&member.id, &from_on, &days]).await.unwrap();
}

/// What somebody was told of their weeks: the first day of each, and all of it.
async fn told(world: &World, who: &Person) -> Vec<Value> {
    let sql = format!(
        "select facts from data.notifications where kind = 'weekly_summary' and user_id = '{}' order by created_at",
        who.id
    );
    world.admin_json(&sql).await.as_array().unwrap().iter().map(|row| row["facts"].clone()).collect()
}

async fn due_at(world: &World, who: &Person) -> Value {
    let sql = "select to_char(due_at at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') as due_at from data.weekly_summaries where user_id = $1";
    world.row(sql, &[&who.id]).await["due_at"].take()
}

/// Where no server runs nobody waits for what is due.
async fn jump(world: &World, instant: &str) {
    let sql = "select meta.advance_clock($1::text::timestamptz - rules.clock())";
    world.db.admin.query_one(sql, &[&instant]).await.unwrap();
}

async fn schedule(world: &World, member: &Person, zone: &str) {
    let sql =
        "insert into data.schedules (member_id, local_times, time_zone, grace_minutes) values ($1, '{12:00}', $2, 10)";
    world.db.admin.execute(sql, &[&member.id, &zone]).await.unwrap();
}

async fn choose(world: &World, who: &Person, columns: &str, values: &str) {
    let sql = format!("insert into data.preferences (user_id, {columns}) values ('{}', {values})", who.id);
    world.db.admin.batch_execute(&sql).await.unwrap();
}

#[tokio::test]
async fn r7_2_one_summary_a_week_says_how_everybody_was_whom_one_watches() {
    world(|world| async move {
        let [ann, dan, cleo, eve, ben] = [
            world.person("Ann").await, world.person("Dan").await, world.person("Cleo").await, world.person("Eve").await, world.person("Ben").await,
        ];
        // A Monday.
        world.travel_to("2027-03-08T06:00:00Z").await;
        for (member, week) in [(&ann, "mmmmmmm"), (&dan, "mmlxeem"), (&cleo, "mmmmmmm"), (&eve, "xxxxxxx")] {
            world.connect(member, &ben).await;
            world.schedule(member, "12:00", "UTC").await;
            days(&world, member, "2027-03-01", week).await;
            // The week before is told of, and today's is not over.
            days(&world, member, "2027-02-22", "xxxxxxx").await;
        }
        for member in [&dan, &cleo, &eve] {
            world.put(member, "/v1/me/preferences", json!({"weekly_summary": false})).await.expect(200);
        }
        let mute = json!({"mutes_routine": true});
        world.call(Method::PATCH, &format!("/v1/members/{}", eve.id), Some(&ben.token), &[], Some(&mute)).await.expect(200);
        world.delete(&ben, &format!("/v1/members/{}", cleo.id)).await.expect(204);
        world.expect_message(Channel::Push, &cleo.push_token, "Ben").await;
        world.expect_on_all_channels(&cleo, "might reach nobody").await;
        world.open_app(&cleo).await;
        assert_eq!(due_at(&world, &ben).await, "2027-03-08T09:00:00Z");
        world.travel_to("2027-03-08T08:59:59Z").await;
        assert_eq!(send(&world).await["sent"], 0);
        world.advance("1 second").await;
        // Two servers at once.
        let (one, other) = tokio::join!(send(&world), send(&world));
        assert_eq!(one["sent"].as_i64().unwrap() + other["sent"].as_i64().unwrap(), 2, "{one} {other}");
        let letter = world.expect_message(Channel::Email, &ben.email, "Ann: 7 of 7 check-ins").await;
        assert!(letter.text.contains("Dan: 4 of 5 check-ins, 1 late, 1 missed"), "{}", letter.text);
        assert!(letter.text.contains("from Monday 1 March to Sunday 7 March"), "{}", letter.text);
        for nobody in ["Cleo", "Eve", "You:"] {
            assert!(!letter.text.contains(nobody), "{}", letter.text);
        }
        world.expect_message(Channel::Email, &ann.email, "You: 7 of 7 check-ins").await;
        world.settle().await;
        let shown = world.get(&ben, "/v1/notifications").await.expect(200);
        assert_eq!((&shown["items"][0]["kind"], &shown["items"][0]["title"]), (&json!("weekly_summary"), &json!("How last week was")));
        let ways = "select count(*) from data.deliveries d join data.notifications n on n.id = d.notification_id where n.kind = 'weekly_summary'";
        assert_eq!(world.number(ways, &[]).await, 2);
        // Once a week, whatever happened to the note of when it is due.
        assert_eq!(due_at(&world, &ben).await, "2027-03-15T09:00:00Z");
        world.db.admin.batch_execute("update data.weekly_summaries set due_at = rules.clock()").await.unwrap();
        assert_eq!(send(&world).await["sent"], 0);
        assert_eq!((told(&world, &ben).await.len(), told(&world, &ann).await.len(), told(&world, &dan).await.len()), (1, 1, 0));
        world
    })
    .await;
}

/// R7.2, R7.5: by e-mail; by push or SMS where there is none.
#[tokio::test]
async fn r7_2_a_summary_goes_by_e_mail_or_push_or_sms() {
    world(|world| async move {
        // A Wednesday: told then, it is about the week before the last Monday all the same.
        world.travel_to("2027-03-10T13:00:00Z").await;
        for (without, channel) in [("", "email"), ("email", "push"), ("both", "sms")] {
            let (ann, ben) = (world.person("Ann").await, world.person("Ben").await);
            world.connect(&ann, &ben).await;
            world
                .db
                .admin
                .execute(
                    "delete from data.addresses where kind = 'email' and user_id = $1 and $2::text <> ''",
                    &[&ben.id, &without],
                )
                .await
                .unwrap();
            world
                .db
                .admin
                .execute("delete from data.devices where user_id = $1 and $2::text = 'both'", &[&ben.id, &without])
                .await
                .unwrap();
            schedule(&world, &ann, "UTC").await;
            days(&world, &ann, "2027-03-01", "mm").await;
            let sql = "update data.weekly_summaries set due_at = rules.clock() where user_id = $1";
            world.db.admin.execute(sql, &[&ben.id]).await.unwrap();
            assert_eq!(send(&world).await["sent"], 1, "{without}");
            let (channel, to) = match channel {
                "email" => (Channel::Email, &ben.email),
                "push" => (Channel::Push, &ben.push_token),
                _ => (Channel::Sms, &ben.phone),
            };
            world.expect_message(channel, to, "2 of 2 check-ins").await;
        }
        world
    })
    .await;
}

/// R7.2: made when it can be sent: whom somebody has stopped to watch until then is not in it.
#[tokio::test]
async fn r7_2_a_summary_waits_for_the_end_of_quiet_hours_and_an_outage_makes_one() {
    let world = World::without_server().await;
    let [ann, dan, ben] = [world.person("Ann").await, world.person("Dan").await, world.person("Ben").await];
    choose(&world, &ben, "quiet_from, quiet_until, time_zone", "'21:00', '10:00', 'Pacific/Auckland'").await;
    jump(&world, "2027-03-07T19:00:00Z").await;
    for member in [&ann, &dan] {
        world.connect(member, &ben).await;
        schedule(&world, member, "UTC").await;
        days(&world, member, "2027-03-01", "mmmmmmx").await;
    }
    // Nine in Auckland, on Monday.
    assert_eq!(due_at(&world, &ben).await, "2027-03-07T20:00:00Z");
    jump(&world, "2027-03-07T20:00:00Z").await;
    send(&world).await;
    assert_eq!((told(&world, &ben).await.len(), due_at(&world, &ben).await), (0, json!("2027-03-07T21:00:00Z")));
    let sql = "update data.connections set ended_by = contact_id, ended_at = rules.clock() where member_id = $1";
    world.db.admin.execute(sql, &[&dan.id]).await.unwrap();
    jump(&world, "2027-03-07T21:00:00Z").await;
    send(&world).await;
    let first = told(&world, &ben).await;
    assert_eq!((&first[0]["from_on"], &first[0]["until_on"]), (&json!("2027-03-01"), &json!("2027-03-07")));
    let members = first[0]["members"].as_array().unwrap();
    assert_eq!((members.len(), &members[0]["member"]["name"], &members[0]["missed"]), (1, &json!("Ann"), &json!(1)));
    // Nobody ran for three weeks: the last one is told, once.
    jump(&world, "2027-03-31T02:00:00Z").await;
    days(&world, &ann, "2027-03-08", "xxxxxxxlllllllmmmmmmm").await;
    send(&world).await;
    send(&world).await;
    let all = told(&world, &ben).await;
    assert_eq!(
        (all.len(), &all[1]["from_on"], &all[1]["members"][0]["checked_in"]),
        (2, &json!("2027-03-22"), &json!(7))
    );
    assert_eq!(due_at(&world, &ben).await, "2027-04-04T21:00:00Z", "summer time ends in Auckland on 4 April");
    world.stop_servers().await;
}

#[tokio::test]
async fn r8_3_a_frozen_reader_gets_no_summary_until_they_pay() {
    let world = World::without_server().await;
    let [ann, ben] = [world.person("Ann").await, world.person("Ben").await];
    jump(&world, "2027-03-07T19:00:00Z").await;
    world.connect(&ann, &ben).await;
    schedule(&world, &ann, "UTC").await;
    days(&world, &ann, "2027-03-01", "mmmmmmm").await;
    days(&world, &ann, "2027-03-08", "mmmmmmm").await;
    for (monday, entitlement, summaries) in [("2027-03-08", "frozen", 0), ("2027-03-15", "active", 1)] {
        let sql = "update billing.accounts set entitlement = $2 where user_id = $1";
        world.db.admin.execute(sql, &[&ben.id, &entitlement]).await.unwrap();
        jump(&world, &format!("{monday}T09:00:00Z")).await;
        send(&world).await;
        assert_eq!(told(&world, &ben).await.len(), summaries, "{entitlement}");
    }
    world.stop_servers().await;
}

/// R9.5: one that cannot be made holds up no other, and nobody is told of nothing.
#[tokio::test]
async fn r7_2_a_summary_that_fails_is_tried_again_and_holds_up_nobody() {
    let world = World::without_server().await;
    let [ann, ben, cleo, gone] =
        [world.person("Ann").await, world.person("Ben").await, world.person("Cleo").await, world.person("Gone").await];
    jump(&world, "2027-03-08T06:00:00Z").await;
    for contact in [&ben, &cleo, &gone] {
        world.connect(&ann, contact).await;
    }
    // Ann has no schedule: there is nothing to tell anybody.
    jump(&world, "2027-03-08T09:00:00Z").await;
    assert_eq!(send(&world).await["sent"], 0);
    schedule(&world, &ann, "UTC").await;
    days(&world, &ann, "2027-03-08", "mmmmmmm").await;
    choose(&world, &ben, "time_zone", "'UTC'").await;
    let sql =
        "alter table data.preferences disable trigger user; update data.preferences set time_zone = 'Mars/Olympus'";
    world.db.admin.batch_execute(sql).await.unwrap();
    world
        .db
        .admin
        .execute("update data.users set deleted_at = rules.clock() where id = $1", &[&gone.id])
        .await
        .unwrap();
    jump(&world, "2027-03-15T09:00:00Z").await;
    let sent = send(&world).await;
    assert_eq!(
        (&sent["sent"], &sent["problems"][0]["row_id"], sent["problems"].as_array().unwrap().len()),
        (&json!(2), &json!(ben.id), 1),
        "{sent}"
    );
    assert_eq!(
        (told(&world, &cleo).await.len(), told(&world, &ann).await.len(), told(&world, &gone).await.len()),
        (1, 1, 0)
    );
    world.db.admin.batch_execute("update data.preferences set time_zone = 'UTC'").await.unwrap();
    jump(&world, "2027-03-15T10:01:00Z").await;
    assert_eq!(send(&world).await["sent"], 1);
    assert_eq!(told(&world, &ben).await[0]["members"][0]["checked_in"], 7);
    world.stop_servers().await;
}
