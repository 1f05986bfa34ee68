//! What users choose about messages that are not critical: channels and quiet hours (R7.2, R7.5).

use pruuf::dev::fakes::Channel;
use reqwest::Method;
use serde_json::{Value, json};

use crate::delivery::{delivery, tell};
use crate::support::{Person, Reply, World, world};

const PATH: &str = "/v1/me/preferences";

async fn choose(world: &World, who: &Person, body: Value) {
    world.put(who, PATH, body).await.expect(200);
}

/// Ten in the evening until seven in the morning, in UTC.
fn at_night() -> Value {
    json!({"quiet_hours": {"from": "22:00", "until": "07:00"}, "time_zone": "UTC"})
}

fn channels(high: &[&str], normal: &[&str]) -> Value {
    json!({"channels": {"high": high, "normal": normal}})
}

fn other() -> Value {
    json!({"other": {"name": "Zed"}, "becomes": "contact", "member": {"name": "Zed"}})
}

/// Over which channels a person's notifications of a kind go: each with its state, and whether it stands by.
async fn ways(world: &World, who: &Person, kind: &str) -> Value {
    let sql = "select coalesce(jsonb_agg(d.channel || case when d.stands_by then ' stands by' else '' end order by d.channel, d.id), '[]') as ways
                 from data.deliveries d join data.notifications n on n.id = d.notification_id where n.user_id = $1 and n.kind = $2";
    world.row(sql, &[&who.id, &kind]).await["ways"].take()
}

/// Whether a delivery waits, until when, and how often it was tried.
async fn waits_until(world: &World, who: &Person, kind: &str, channel: &str, until: &str) {
    let held = delivery(world, who, kind, channel).await;
    assert_eq!((&held["state"], &held["attempts"]), (&json!("pending"), &json!(0)), "{held:#}");
    let sql = "select next_attempt_at = $2::text::timestamptz as is_so from data.deliveries where id = $1::text::uuid";
    let is_so = world.row(sql, &[&held["id"].as_str().unwrap(), &until]).await;
    assert_eq!(is_so["is_so"], true, "{held:#}");
}

async fn remove(world: &World, who: &Person, what: &str) {
    let sql = match what {
        "devices" => "delete from data.devices where user_id = $1",
        kind => &format!("delete from data.addresses where user_id = $1 and kind = '{kind}'"),
    };
    world.db.admin.execute(sql, &[&who.id]).await.unwrap();
    world.coverage_is_known().await;
}

#[tokio::test]
async fn r7_5_what_a_user_chooses_has_defaults_is_changed_as_it_was_read_and_is_theirs_alone() {
    world(|world| async move {
        let (ann, eve) = (world.person("Ann").await, world.person("Eve").await);
        let all = json!(["push", "email", "sms"]);
        let plain = json!({"channels": {"high": all, "normal": all}, "weekly_summary": true, "position": "never"});
        let first = world.get(&ann, PATH).await;
        let tag = first.headers["etag"].to_str().unwrap().to_owned();
        assert_eq!(first.expect(200), plain);
        let unchanged = world.call(Method::GET, PATH, Some(&ann.token), &[("if-none-match", &tag)], None).await;
        assert_eq!(unchanged.status, 304);
        world.call(Method::GET, PATH, None, &[], None).await.refused(401, "not-signed-in");
        world.call(Method::PUT, PATH, None, &[], Some(&json!({}))).await.refused(401, "not-signed-in");

        // Of two that read the same one changes it, also where there was no row.
        let call = "select api.set_preferences(high => null, normal => null, quiet_from => null, quiet_until => null, time_zone => $1, weekly_summary => null, if_match => $2)";
        let (one, other) = (
            world.db.session_as("pruuf_user", Some(ann.id)).await,
            world.db.session_as("pruuf_user", Some(ann.id)).await,
        );
        one.batch_execute("begin").await.unwrap();
        one.query_one(call, &[&"Asia/Tokyo", &tag]).await.unwrap();
        let params: [&(dyn tokio_postgres::types::ToSql + Sync); 2] = [&"Asia/Seoul", &tag];
        let (late, ()) = tokio::join!(other.query_one(call, &params), async {
            let waits = "select exists (select from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database())";
            world.eventually("the second waits for the first", waits, &[]).await;
            one.batch_execute("commit").await.unwrap();
        });
        assert_eq!(late.unwrap_err().as_db_error().unwrap().message(), "precondition-failed");
        let put = async |if_match: &str, body: Value| -> Reply {
            world.call(Method::PUT, PATH, Some(&ann.token), &[("if-match", if_match)], Some(&body)).await
        };
        put(&tag, json!({})).await.refused(412, "precondition-failed");
        let newer = world.get(&ann, PATH).await.headers["etag"].clone();
        let wish = json!({"channels": {"high": ["email"], "normal": ["sms", "push"]}, "quiet_hours": {"from": "22:30", "until": "06:45"}, "time_zone": "Pacific/Auckland", "weekly_summary": false, "position": "with_help"});
        let changed = put(newer.to_str().unwrap(), wish.clone()).await;
        let newest = changed.headers["etag"].clone();
        assert_eq!(changed.expect(200), wish);
        let read = world.get(&ann, PATH).await;
        assert_eq!((read.headers["etag"].clone(), read.expect(200)), (newest, wish.clone()));

        for (body, code, pointer) in [
            (json!({"quiet_hours": {"from": "22:00", "until": "22:00"}, "time_zone": "UTC"}), "invalid", "/quiet_hours/until"),
            (json!({"quiet_hours": {"from": "24:00", "until": "07:00"}, "time_zone": "UTC"}), "invalid", "/quiet_hours/from"),
            (json!({"quiet_hours": {"from": "22:00"}, "time_zone": "UTC"}), "invalid", "/quiet_hours/until"),
            (json!({"quiet_hours": "always"}), "invalid", "/quiet_hours"),
            (channels(&[], &["push"]), "invalid", "/channels/high"),
            (channels(&["push"], &[]), "invalid", "/channels/normal"),
            (channels(&["push"], &["fax"]), "invalid", "/channels/normal/0"),
            (json!({"weekly_summary": "no"}), "invalid", "/weekly_summary"),
            (json!({"position": "sometimes"}), "invalid", "/position"),
            (json!({"time_zone": "Mars/Olympus"}), "time-zone-unknown", ""),
            // Nobody knows where these are.
            (json!({"quiet_hours": {"from": "22:00", "until": "07:00"}}), "time-zone-unknown", ""),
        ] {
            let refused = world.put(&ann, PATH, body.clone()).await.refused(422, code);
            assert!(pointer.is_empty() || refused["errors"][0]["pointer"] == pointer, "{body}: {refused:#}");
        }
        assert_eq!(world.get(&ann, PATH).await.expect(200), wish);
        // Not by a way around the contract either: these names are problems of their own.
        let session = world.db.session_as("pruuf_user", Some(ann.id)).await;
        for set in ["normal_channels = '{}'", "high_channels = '{fax}'", "quiet_from = quiet_until", "quiet_until = null", "time_zone = 'Nowhere'"] {
            session.execute(&format!("update data.preferences set {set}"), &[]).await.unwrap_err();
        }
        // A Member's quiet hours are where their check-ins are.
        world.schedule(&eve, "09:00", "Europe/Paris").await;
        let night = json!({"quiet_hours": {"from": "22:00", "until": "07:00"}});
        assert!(world.put(&eve, PATH, night).await.expect(200).get("time_zone").is_none());

        // Eve sees and changes her own only.
        let session = world.db.session_as("pruuf_user", Some(eve.id)).await;
        assert_eq!(session.query("select from data.preferences", &[]).await.unwrap().len(), 1);
        assert_eq!(session.execute("update data.preferences set has_weekly_summary = true where user_id = $1", &[&ann.id]).await.unwrap(), 0);
        session.execute("insert into data.preferences (user_id) values ($1)", &[&ann.id]).await.unwrap_err();
        let trail = "select count(*) from audit.events where action = 'preferences.changed' and subject_user_id = $1";
        assert_eq!((world.number(trail, &[&ann.id]).await, world.number(trail, &[&eve.id]).await), (2, 1));
        // Nothing chosen is as at first.
        assert_eq!(world.put(&ann, PATH, json!({})).await.expect(200), plain);
        world
    })
    .await;
}

/// R7.2: normal messages go by push; without a device by SMS; without a phone by e-mail.
#[tokio::test]
async fn r7_2_normal_goes_by_push_or_by_sms_or_by_e_mail() {
    world(|world| async move {
        let ben = world.person("Ben").await;
        tell(&world, &ben, "coverage_back", other(), None).await;
        world.expect_message(Channel::Push, &ben.push_token, "Zed").await;
        remove(&world, &ben, "devices").await;
        tell(&world, &ben, "drill_reminder", other(), None).await;
        world.expect_message(Channel::Sms, &ben.phone, "").await;
        remove(&world, &ben, "phone").await;
        tell(&world, &ben, "checked_in", other(), None).await;
        world.expect_message(Channel::Email, &ben.email, "Zed").await;
        world.settle().await;
        for (kind, way) in [("coverage_back", "push"), ("drill_reminder", "sms"), ("checked_in", "email")] {
            assert_eq!(ways(&world, &ben, kind).await, json!([way]), "{kind}");
        }
        world
    })
    .await;
}

#[tokio::test]
async fn r7_5_messages_that_are_not_critical_go_over_the_chosen_channels() {
    world(|world| async move {
        let ben = world.person("Ben").await;
        for (chosen, high, normal) in [
            (&["push", "email", "sms"][..], json!(["email stands by", "push"]), json!(["push"])),
            (&["push"][..], json!(["push"]), json!(["push"])),
            (&["email"][..], json!(["email"]), json!(["email"])),
            (&["sms"][..], json!(["sms"]), json!(["sms"])),
            (&["push", "sms"][..], json!(["push"]), json!(["push"])),
            (&["email", "sms"][..], json!(["email", "sms"]), json!(["sms"])),
        ] {
            choose(&world, &ben, channels(chosen, chosen)).await;
            world.db.admin.execute("delete from data.notifications where user_id = $1", &[&ben.id]).await.unwrap();
            tell(&world, &ben, "connected", other(), None).await;
            tell(&world, &ben, "checked_in", other(), None).await;
            assert_eq!(ways(&world, &ben, "connected").await, high, "{chosen:?}");
            assert_eq!(ways(&world, &ben, "checked_in").await, normal, "{chosen:?}");
            world.settle().await;
            world.open_app(&ben).await;
            for way in [&high, &normal].into_iter().flat_map(|ways| ways.as_array().unwrap()) {
                match way.as_str().unwrap() {
                    "push" => drop(world.expect_message(Channel::Push, &ben.push_token, "Zed").await),
                    "email" => drop(world.expect_message(Channel::Email, &ben.email, "Zed").await),
                    "sms" => drop(world.expect_message(Channel::Sms, &ben.phone, "Zed").await),
                    _ => {}
                }
            }
        }
        // Where nothing of what was chosen is there, the rest is: a choice is no reason to hear nothing.
        choose(&world, &ben, channels(&["email"], &["sms"])).await;
        remove(&world, &ben, "phone").await;
        remove(&world, &ben, "email").await;
        world.db.admin.execute("delete from data.notifications where user_id = $1", &[&ben.id]).await.unwrap();
        for kind in ["connected", "checked_in"] {
            tell(&world, &ben, kind, other(), None).await;
            assert_eq!(ways(&world, &ben, kind).await, json!(["push"]), "{kind}");
            world.expect_message(Channel::Push, &ben.push_token, "Zed").await;
        }
        // A choice is none about addresses (R6.10).
        let cleo = world.person("Cleo").await;
        let before = (
            world.get(&cleo, "/v1/me/coverage").await.expect(200),
            world.get(&cleo, "/v1/me/addresses").await.expect(200),
        );
        choose(&world, &cleo, channels(&["push"], &["push"])).await;
        let after = (
            world.get(&cleo, "/v1/me/coverage").await.expect(200),
            world.get(&cleo, "/v1/me/addresses").await.expect(200),
        );
        assert_eq!(before, after);
        world
    })
    .await;
}

/// R6.9: whatever somebody chose, every kind that is critical goes at once to every address and device.
#[tokio::test]
async fn r6_9_what_is_critical_heeds_neither_channels_nor_mutes_nor_quiet_hours() {
    world(|world| async move {
        let (ann, ben) = (world.person("Ann").await, world.person("Ben").await);
        world.connect(&ann, &ben).await;
        world.travel_to("2027-03-01T06:00:00Z").await;
        world.schedule(&ann, "23:00", "UTC").await;
        for person in [&ann, &ben] {
            let mut wish = at_night();
            wish["channels"] = json!({"high": ["sms"], "normal": ["sms"]});
            wish["weekly_summary"] = json!(false);
            choose(&world, person, wish).await;
        }
        let mute = json!({"mutes_routine": true});
        world.call(Method::PATCH, &format!("/v1/members/{}", ann.id), Some(&ben.token), &[], Some(&mute)).await.expect(200);
        world.travel_to("2027-03-01T23:10:00Z").await;
        world.expect_on_all_channels(&ben, "did not check in").await;
        world.settle().await;
        world.post(&ann, "/v1/me/check-ins", json!({})).await.expect(201);
        world.expect_on_all_channels(&ben, "has checked in").await;
        world.settle().await;

        let kinds = world.admin_json("select kind from data.notification_kinds where priority = 'critical' and kind not in ('missed', 'all_clear') order by kind").await;
        let kinds: Vec<&str> = kinds.as_array().unwrap().iter().map(|row| row["kind"].as_str().unwrap()).collect();
        assert!(kinds.len() >= 12, "{kinds:?}");
        for kind in &kinds {
            let sql = "insert into data.notifications (user_id, kind, cause, member_id, facts, created_at) values ($1, $2, 'a test', $3, '{}', rules.clock())";
            world.db.admin.execute(sql, &[&ben.id, kind, &ann.id]).await.unwrap();
            for (channel, to) in ben.places() {
                world.expect_message(channel, &to, "").await;
            }
        }
        // The clock has not moved since.
        world.settle().await;
        for kind in kinds.iter().chain(&["missed", "all_clear"]) {
            assert_eq!(ways(&world, &ben, kind).await, json!(["email", "push", "sms"]), "{kind}");
            for channel in ["push", "email", "sms"] {
                let sent = delivery(&world, &ben, kind, channel).await;
                assert_eq!((&sent["state"], &sent["results"]), (&json!("accepted"), &json!(["accepted"])), "{sent:#}");
            }
        }
        world
    })
    .await;
}

#[tokio::test]
async fn r7_5_quiet_hours_hold_messages_back_until_they_end_and_lose_none() {
    world(|world| async move {
        let ben = world.person("Ben").await;
        choose(&world, &ben, at_night()).await;
        world.travel_to("2027-03-01T21:59:59Z").await;
        tell(&world, &ben, "coverage_back", json!({"member": {"name": "Yann"}}), None).await;
        world.expect_message(Channel::Push, &ben.push_token, "Yann").await;
        world.travel_to("2027-03-01T22:00:00Z").await;
        for kind in ["connected", "checked_in", "connection_ended"] {
            tell(&world, &ben, kind, other(), Some("1 day")).await;
        }
        for kind in ["connected", "checked_in", "connection_ended"] {
            waits_until(&world, &ben, kind, "push", "2027-03-02T07:00:00Z").await;
        }
        // What stands by does so two minutes after that.
        waits_until(&world, &ben, "connected", "email", "2027-03-02T07:02:00Z").await;
        // It is in the app at once; what is read there is not sent any more.
        let shown = world.get(&ben, "/v1/notifications").await.expect(200);
        assert_eq!(shown["items"][0]["kind"], "connection_ended");
        world
            .post(&ben, &format!("/v1/notifications/{}/read", shown["items"][0]["id"].as_str().unwrap()), json!({}))
            .await
            .expect(200);
        for channel in ["push", "email"] {
            assert_eq!(delivery(&world, &ben, "connection_ended", channel).await["state"], "cancelled");
        }
        world.travel_to("2027-03-02T06:59:59Z").await;
        world.settle().await;
        assert_eq!(world.count(Channel::Push, &ben.push_token, "Zed"), 0);
        world.advance("1 second").await;
        world.expect_message(Channel::Push, &ben.push_token, "Zed has checked in").await;
        world.expect_message(Channel::Push, &ben.push_token, "connected").await;
        world.settle().await;
        assert_eq!(world.count(Channel::Email, &ben.email, "Zed"), 0);
        world.advance("2 minutes").await;
        world.expect_message(Channel::Email, &ben.email, "Zed").await;
        // What has become pointless meanwhile is not sent.
        world.travel_to("2027-03-02T23:00:00Z").await;
        tell(&world, &ben, "checked_in", json!({"member": {"name": "Xena"}}), Some("2 hours")).await;
        world.travel_to("2027-03-03T07:00:00Z").await;
        world
            .eventually("it has expired", "select exists (select from data.deliveries where state = 'expired')", &[])
            .await;
        assert_eq!(world.count(Channel::Push, &ben.push_token, "Xena"), 0);
        world
    })
    .await;
}

/// R4.1, R7.5: a reminder that came when the quiet hours end would come too late.
#[tokio::test]
async fn r7_5_reminders_and_who_has_an_alert_come_in_quiet_hours() {
    world(|world| async move {
        let (ann, ben) = (world.person("Ann").await, world.person("Ben").await);
        world.connect(&ann, &ben).await;
        world.travel_to("2027-03-01T12:00:00Z").await;
        let times = json!({"local_times": ["06:30"], "time_zone": "UTC", "reminders": ["before"]});
        world.put(&ann, "/v1/me/schedule", times).await.expect(200);
        choose(&world, &ann, at_night()).await;
        world.travel_to("2027-03-02T06:00:00Z").await;
        world.expect_message(Channel::Push, &ann.push_token, "06:30").await;
        world.travel_to("2027-03-02T06:40:00Z").await;
        world.expect_on_all_channels(&ben, "did not check in").await;
        world.settle().await;
        let alert = world.get(&ben, "/v1/alerts").await.expect(200)["items"][0]["id"].clone();
        world.post(&ben, &format!("/v1/alerts/{}/acknowledge", alert.as_str().unwrap()), json!({})).await.expect(200);
        world.expect_message(Channel::Push, &ann.push_token, "Ben").await;
        world.settle().await;
        world.open_app(&ann).await;
        world.post(&ann, "/v1/me/check-ins", json!({})).await.expect(201);
        world.expect_on_all_channels(&ben, "has checked in").await;
        world
    })
    .await;
}

/// R7.5: what no quiet hours hold, though it is not critical, is a list that somebody has thought about.
#[tokio::test]
async fn r7_5_only_these_kinds_come_in_quiet_hours() {
    let world = World::without_server().await;
    let sql =
        "select coalesce(jsonb_agg(kind order by kind), '[]') as kinds from data.notification_kinds where is_urgent";
    let urgent = world.row(sql, &[]).await["kinds"].take();
    assert_eq!(urgent, json!(["acknowledged", "attested", "pin_changed", "reminder"]));
    let ben = world.person("Ben").await;
    let night = "insert into data.preferences (user_id, quiet_from, quiet_until, time_zone) values ($1, '22:00', '07:00', 'UTC')";
    world.db.admin.execute(night, &[&ben.id]).await.unwrap();
    world.db.admin.batch_execute("select meta.advance_clock('2027-03-01T23:00:00Z' - rules.clock())").await.unwrap();
    let all = "insert into data.notifications (user_id, kind, cause, facts, created_at)
               select $1, k.kind, 'a test', '{}', rules.clock() from data.notification_kinds k where k.kind <> 'all_clear'";
    world.db.admin.execute(all, &[&ben.id]).await.unwrap();
    let waits = "select count(*) from data.notifications n join data.notification_kinds k on k.kind = n.kind join data.deliveries d on d.notification_id = n.id
                  where not d.stands_by and (d.next_attempt_at > rules.clock()) <> (k.priority <> 'critical' and not k.is_urgent)";
    assert_eq!(world.number(waits, &[]).await, 0);
    let waiting = "select count(*) from data.deliveries where next_attempt_at = '2027-03-02T07:00:00Z'";
    assert!(world.number(waiting, &[]).await > 8);
    world.stop_servers().await;
}

/// R7.5: also what was due before them and could not be sent, or failed and is tried again.
#[tokio::test]
async fn r7_5_what_an_outage_delayed_into_quiet_hours_waits_for_their_end_and_comes_once() {
    world(|mut world| async move {
        let (ben, cleo) = (world.person("Ben").await, world.person("Cleo").await);
        choose(&world, &ben, at_night()).await;
        world.travel_to("2027-03-01T21:00:00Z").await;
        world.settle().await;
        world.stop_all().await;
        for person in [&ben, &cleo] {
            tell(&world, person, "connected", other(), None).await;
        }
        world.db.admin.query_one("select meta.advance_clock('2 hours')", &[]).await.unwrap();
        world.start_server().await;
        world.start_server().await;
        // Who is not quiet hears it at once, over both: nobody confirmed the push in two minutes.
        world.expect_message(Channel::Push, &cleo.push_token, "Zed").await;
        world.expect_message(Channel::Email, &cleo.email, "Zed").await;
        world.settle().await;
        waits_until(&world, &ben, "connected", "push", "2027-03-02T07:00:00Z").await;
        waits_until(&world, &ben, "connected", "email", "2027-03-02T07:02:00Z").await;
        world.travel_to("2027-03-02T07:00:00Z").await;
        world.expect_message(Channel::Push, &ben.push_token, "Zed").await;
        world.settle().await;
        world.open_app(&ben).await;
        world.advance("1 day").await;
        world
    })
    .await;
}

/// R3.4: what waits and tells of a Member's day is not a former Contact's to hear.
#[tokio::test]
async fn r7_5_what_waits_is_withdrawn_when_the_connection_ends() {
    world(|world| async move {
        let (ann, ben) = (world.person("Ann").await, world.person("Ben").await);
        world.connect(&ann, &ben).await;
        world.travel_to("2027-03-01T22:30:00Z").await;
        choose(&world, &ben, at_night()).await;
        let sql = "insert into data.notifications (user_id, kind, cause, member_id, facts, created_at) values ($1, 'checked_in', 'a test', $2, '{}', rules.clock())";
        world.db.admin.execute(sql, &[&ben.id, &ann.id]).await.unwrap();
        waits_until(&world, &ben, "checked_in", "push", "2027-03-02T07:00:00Z").await;
        world.delete(&ben, &format!("/v1/members/{}", ann.id)).await.expect(204);
        assert_eq!(delivery(&world, &ben, "checked_in", "push").await["state"], "cancelled");
        world.expect_message(Channel::Push, &ann.push_token, "Ben").await;
        world.open_app(&ann).await;
        world
    })
    .await;
}

/// R4.3, R7.5: both ends of quiet hours are local times, read as every other; and a zone that is gone holds nothing back.
#[tokio::test]
async fn r7_5_quiet_hours_follow_the_clocks_of_every_zone() {
    let world = World::without_server().await;
    let ben = world.person("Ben").await;
    let set = "insert into data.preferences (user_id, quiet_from, quiet_until, time_zone) values ($1, $2::text::time, $3::text::time, $4)
               on conflict (user_id) do update set quiet_from = excluded.quiet_from, quiet_until = excluded.quiet_until, time_zone = excluded.time_zone";
    for (from, until, zone, at, ends_at) in [
        // Within a day, and over midnight.
        ("13:00", "15:00", "UTC", "2027-03-01T12:59:59Z", ""),
        ("13:00", "15:00", "UTC", "2027-03-01T13:00:00Z", "2027-03-01T15:00:00Z"),
        ("13:00", "15:00", "UTC", "2027-03-01T15:00:00Z", ""),
        ("22:00", "07:00", "Pacific/Auckland", "2027-03-01T08:59:59Z", ""),
        ("22:00", "07:00", "Pacific/Auckland", "2027-03-01T09:00:00Z", "2027-03-01T18:00:00Z"),
        ("22:00", "07:00", "Pacific/Auckland", "2027-03-01T17:59:59Z", "2027-03-01T18:00:00Z"),
        ("22:00", "07:00", "Pacific/Auckland", "2027-03-01T18:00:00Z", ""),
        ("00:00", "06:00", "Asia/Kathmandu", "2027-03-01T18:15:00Z", "2027-03-02T00:15:00Z"),
        ("18:00", "00:00", "UTC", "2027-03-01T23:59:00Z", "2027-03-02T00:00:00Z"),
        ("22:00", "21:59", "UTC", "2027-03-01T21:58:00Z", "2027-03-01T21:59:00Z"),
        ("22:00", "21:59", "UTC", "2027-03-01T21:59:30Z", ""),
        // New York goes forward at 02:00: 02:30 is read with the offset before, which is 03:30 there.
        ("22:00", "02:30", "America/New_York", "2027-03-14T07:29:59Z", "2027-03-14T07:30:00Z"),
        ("22:00", "02:30", "America/New_York", "2027-03-14T07:30:00Z", ""),
        ("02:30", "07:00", "America/New_York", "2027-03-14T07:29:59Z", ""),
        ("02:30", "07:00", "America/New_York", "2027-03-14T07:30:00Z", "2027-03-14T11:00:00Z"),
        // And back: 01:30 is there twice, and its first is meant.
        ("22:00", "01:30", "America/New_York", "2027-11-07T05:29:59Z", "2027-11-07T05:30:00Z"),
        ("22:00", "01:30", "America/New_York", "2027-11-07T06:10:00Z", ""),
        ("01:30", "07:00", "America/New_York", "2027-11-07T05:30:00Z", "2027-11-07T12:00:00Z"),
        // Samoa left out 30 December 2011.
        ("22:00", "07:00", "Pacific/Apia", "2011-12-30T12:00:00Z", "2011-12-30T17:00:00Z"),
    ] {
        world.db.admin.execute(set, &[&ben.id, &from, &until, &zone]).await.unwrap();
        let sql = "select rules.quiet_until($1, $2::text::timestamptz) is not distinct from nullif($3, '')::text::timestamptz as is_so, rules.quiet_until($1, $2::text::timestamptz) as ends_at";
        let row = world.row(sql, &[&ben.id, &at, &ends_at]).await;
        assert_eq!(row["is_so"], true, "{from} to {until} in {zone} at {at}: {row}");
    }
    let gone = "alter table data.preferences disable trigger user; update data.preferences set time_zone = 'Mars/Olympus', quiet_from = '00:00', quiet_until = '23:59'";
    world.db.admin.batch_execute(gone).await.unwrap();
    let row = world.row("select rules.quiet_until($1, '2027-03-01T12:00:00Z') as ends_at", &[&ben.id]).await;
    assert_eq!(row["ends_at"], Value::Null);
    world.stop_servers().await;
}

/// R7.2: a late check-in is high: e-mail follows a push that nobody opens, and only whoever wants to hear of check-ins hears it.
#[tokio::test]
async fn r7_2_a_late_check_in_is_told_by_push_and_then_by_e_mail() {
    world(|world| async move {
        let (ann, ben, cleo) = (world.person("Ann").await, world.person("Ben").await, world.person("Cleo").await);
        world.connect(&ann, &ben).await;
        world.connect(&ann, &cleo).await;
        world.travel_to("2027-03-02T08:00:00Z").await;
        world.schedule(&ann, "09:00", "UTC").await;
        let every = json!({"hears_of": "every_check_in"});
        let path = format!("/v1/members/{}", ann.id);
        world.call(Method::PATCH, &path, Some(&ben.token), &[], Some(&every)).await.expect(200);
        world.travel_to("2027-03-02T09:04:00Z").await;
        world.post(&ann, "/v1/me/check-ins", json!({})).await.expect(201);
        world.expect_message(Channel::Push, &ben.push_token, "late, at 09:04").await;
        world.settle().await;
        assert_eq!(ways(&world, &ben, "checked_in_late").await, json!(["email stands by", "push"]));
        world.advance("2 minutes").await;
        world.expect_message(Channel::Email, &ben.email, "late, at 09:04").await;
        assert_eq!(ways(&world, &cleo, "checked_in_late").await, json!([]));
        world
    })
    .await;
}
