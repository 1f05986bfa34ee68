//! The download of everything that is held about a user (R2.6).

use std::collections::BTreeSet;

use pruuf::dev::fakes::Channel;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::accounts::{PIN, email};
use crate::support::{Person, world};

const NAME: &str = "Annabelle Oddname";
const ADDRESS: &str = "annabelle@example.org";

/// Every column that points to a user, and where the export has its rows. A new one fails the test until it is here.
const EXPORTED: &[(&str, &str)] = &[
    ("addresses.user_id", "addresses"),
    ("alert_actions.user_id", "alert_actions"),
    ("alerts.acknowledged_by", "alerts_held"),
    ("accounts.user_id", "billing"),
    ("alerts.member_id", "alerts"),
    ("alerts.resolved_by", "alerts_held"),
    ("attestations.contact_id", "attestations"),
    ("attestations.member_id", "attestations"),
    ("blocks.blocker_id", "blocks"),
    ("breaks.member_id", "breaks"),
    ("check_ins.member_id", "check_ins"),
    ("connections.contact_id", "connections"),
    ("connections.ended_by", "connections"),
    ("connections.member_id", "connections"),
    ("coverage.member_id", "coverage"),
    ("customers.user_id", "billing"),
    ("devices.user_id", "devices"),
    ("drills.user_id", "drills"),
    ("escalation_policies.member_id", "escalation"),
    ("help_requests.member_id", "help_requests"),
    ("invitation_tries.user_id", "wrong_invitation_codes"),
    ("invitations.accepted_by", "invitations_accepted"),
    ("invitations.inviter_id", "invitations_sent"),
    ("linked_devices.user_id", "linked_devices"),
    ("notifications.user_id", "notifications"),
    ("obligations.member_id", "obligations"),
    ("pins.user_id", "pin"),
    ("positions.member_id", "positions"),
    ("preferences.user_id", "preferences"),
    ("schedules.member_id", "schedules"),
    ("sessions.user_id", "sessions"),
    ("staff_roles.user_id", "staff_roles"),
    ("watch_settings.contact_id", "watch_settings"),
    ("webhooks.user_id", "webhooks"),
    ("welfare_card_looks.looked_by", "welfare_card_looks"),
    ("welfare_cards.user_id", "welfare_card"),
];

/// What is left out, and why.
const LEFT_OUT: &[(&str, &str)] = &[
    ("alarm_places.user_id", "where alarms arrived: the deliveries of the notifications"),
    ("blocks.blocked_id", "whoever is blocked cannot tell"),
    ("drill_reminders.user_id", "only when they are next reminded of a drill"),
    ("idempotency_keys.user_id", "answers that the client has got already, kept for a day"),
    ("notifications.member_id", "what somebody else was told is theirs"),
    ("staff_roles.added_by", "in the trail"),
    ("staff_roles.removed_by", "in the trail"),
    ("unreached_contacts.contact_id", "a note for the others; the deliveries that failed are in the notifications"),
    ("weekly_summaries.user_id", "only when they are next told how the week was"),
    ("watch_settings.member_id", "what a Contact calls somebody is theirs"),
];

#[tokio::test]
async fn r2_6_the_export_holds_everything_about_a_user_and_no_secret_and_nobody_elses_address() {
    world(|world| async move {
        let (ann, session) = world.account(NAME, ADDRESS).await;
        let (ben, dora) = (world.person("Ben").await, world.person("Dora").await);
        let empty = world.get(&ben, "/v1/me/export").await.expect(200);
        assert_eq!((&empty["profile"]["name"], &empty["alerts"], &empty["pin"]), (&json!("Ben"), &json!([]), &Value::Null));

        // A life: a device, an address, invitations both ways and a wrong code, a day met, one missed, one of another's.
        let device = format!("/v1/me/devices/{}", uuid::Uuid::new_v4());
        world.put(&ann, &device, json!({"platform": "ios", "push_token": "annabelles-phone"})).await.expect(200);
        let button = world.post(&ann, "/v1/me/linked-devices", json!({"name": "Bedside"})).await.expect(201);
        world.post(&ann, "/v1/me/webhooks", json!({"url": "https://hooks.example.org/ann"})).await.expect(201);
        let body = json!({"invitee_becomes": "member", "name": NAME, "address": email(ADDRESS)});
        let bens = world.post(&ben, "/v1/invitations", body).await.expect(201);
        world.expect_message(Channel::Email, ADDRESS, "Ben").await;
        world.post(&ann, "/v1/invitations/accept", json!({"code": bens["code"]})).await.expect(200);
        for (reader, words) in [("annabelles-phone", "Ben"), (ben.push_token.as_str(), NAME)] {
            world.expect_message(Channel::Push, reader, words).await;
        }
        world.never_freezes(&ben).await;
        world.open_app(&ann).await;
        world.open_app(&ben).await;
        let body = json!({"invitee_becomes": "contact", "name": "Zoe", "address": email("zoe@example.org")});
        let zoes = world.post(&ann, "/v1/invitations", body).await.expect(201);
        world.expect_message(Channel::Email, "zoe@example.org", NAME).await;
        world.connect(&dora, &ann).await;
        world.travel_to("2027-03-01T08:00:00Z").await;
        for member in [&ann, &dora] {
            world.schedule(member, "09:00", "UTC").await;
        }
        world.post(&ann, "/v1/me/check-ins", json!({"note": "Annabelle is fine"})).await.expect(201);
        world.travel_to("2027-03-01T09:10:00Z").await;
        for (channel, to) in [(Channel::Email, ADDRESS), (Channel::Push, "annabelles-phone")] {
            world.expect_message(channel, to, "Dora").await;
        }
        let alert = world.get(&ann, "/v1/alerts").await.expect(200)["items"][0]["id"].clone();
        let path = format!("/v1/alerts/{}", alert.as_str().unwrap());
        world.post(&ann, &format!("{path}/acknowledge"), json!({})).await.expect(200);
        world.expect_message(Channel::Push, &dora.push_token, NAME).await;
        world.open_app(&dora).await;
        world.post(&ann, &format!("{path}/close"), json!({"outcome": "safe"})).await.expect(200);
        for (channel, to) in [(Channel::Email, ADDRESS), (Channel::Push, "annabelles-phone")] {
            world.expect_message(channel, to, "alert").await;
        }
        world.post(&ann, &format!("/v1/members/{}/attestations", dora.id), json!({})).await.expect(201);
        world.post(&dora, "/v1/me/check-ins", json!({})).await.expect(201);
        for (channel, to) in [(Channel::Email, ADDRESS), (Channel::Push, "annabelles-phone")] {
            world.expect_message(channel, to, "has checked in").await;
        }
        world.travel_to("2027-03-02T09:05:00Z").await;
        world.post(&dora, "/v1/me/check-ins", json!({})).await.expect(201);
        world.travel_to("2027-03-02T09:10:00Z").await;
        world.expect_on_all_channels(&ben, NAME).await;

        world.post(&ann, "/v1/invitations/accept", json!({"code": "AAAAAA"})).await.refused(404, "invitation-unknown");
        // Now, since codes are forgotten after a day.
        let phone = json!({"address": {"kind": "phone", "value": "+64211234567"}});
        world.post(&ann, "/v1/me/addresses", phone).await.expect(201);
        world.code(Channel::Sms, "+64211234567", 1).await;
        world.ticket(ADDRESS, 1).await;
        // What they keep: a name for Dora, a card, somebody blocked, a role.
        let nickname = json!({"nickname": "Dodo"});
        world.call(Method::PATCH, &format!("/v1/members/{}", dora.id), Some(&ann.token), &[], Some(&nickname)).await.expect(200);
        let chosen = json!({"channels": {"high": ["push", "email"]}, "weekly_summary": false, "position": "with_help"});
        world.put(&ann, "/v1/me/preferences", chosen).await.expect(200);
        world.put(&ann, "/v1/me/welfare-card", json!({"door_code": "ring twice"})).await.expect(200);
        world.put(&dora, "/v1/me/welfare-card", json!({"door_code": "4711#", "shown_always": true})).await.expect(200);
        world.get(&ann, &format!("/v1/members/{}/welfare-card", dora.id)).await.expect(200);
        let add = "insert into data.staff_roles (user_id, role, added_at) values ($1, 'support', rules.clock())";
        world.db.admin.execute(add, &[&ann.id]).await.unwrap();
        let drill = "insert into data.drills (user_id, goes_to, reader_ids, asked_at) select u.id, 'myself', array[u.id], rules.clock() from data.users u where u.id = $1";
        world.db.admin.execute(drill, &[&ann.id]).await.unwrap();
        let here = json!({"position": {"latitude": -36.8485, "longitude": 174.7633}});
        let help = world.post(&ann, "/v1/me/help-requests", here).await.expect(201);
        world.expect_on_all_channels(&ben, "needs help").await;
        let cancel = format!("/v1/alerts/{}/cancel", help["id"].as_str().unwrap());
        world.post(&ann, &cancel, json!(null)).await.expect(200);
        world.expect_on_all_channels(&ben, "took back the call for help").await;
        let own = "insert into data.escalation_policies (member_id) values ($1)";
        world.db.admin.execute(own, &[&ann.id]).await.unwrap();
        world.post(&ann, "/v1/blocks", json!({"user_id": ben.id})).await.expect(201);
        world.expect_message(Channel::Push, &ben.push_token, "ended your connection").await;
        world.post(&ann, "/v1/me/breaks", json!({"first_on": "2027-06-01", "last_on": "2027-06-02"})).await.expect(201);
        for (channel, to) in [(Channel::Push, "annabelles-phone"), (Channel::Email, ADDRESS)] {
            world.expect_message(channel, to, "might reach nobody").await;
        }
        world.open_app(&ben).await;

        let reply = world.get(&ann, "/v1/me/export").await;
        assert_eq!(reply.headers["content-disposition"], "attachment; filename=\"pruuf-export.json\"");
        let export = reply.expect(200);
        let text = export.to_string();
        // Every column that points to a user is exported or left out for a reason, and this life has a row of each.
        let columns = world
            .admin_json("select c.conrelid::regclass::text as name, a.attname as col from pg_constraint c join pg_attribute a on a.attrelid = c.conrelid and a.attnum = any (c.conkey) where c.contype = 'f' and c.confrelid = 'data.users'::regclass")
            .await;
        let known: BTreeSet<&str> = EXPORTED.iter().chain(LEFT_OUT).map(|(column, _)| *column).collect();
        let mut found: BTreeSet<String> = columns
            .as_array()
            .unwrap()
            .iter()
            .map(|row| {
                let table = row["name"].as_str().unwrap().trim_start_matches("data.").trim_start_matches("billing.").to_owned();
                format!("{table}.{}", row["col"].as_str().unwrap())
            })
            .collect();
        // Without a foreign key (R9.5).
        found.extend(["notifications.user_id", "alarm_places.user_id"].map(str::to_owned));
        assert_eq!(found.iter().map(String::as_str).collect::<BTreeSet<_>>(), known, "left: what points to a user");
        for (column, key) in EXPORTED {
            let part = &export[key];
            assert!(part.is_object() || part.as_array().is_some_and(|rows| !rows.is_empty()), "{column}: {key} is empty");
        }
        for (key, words) in [
            ("profile", NAME), ("addresses", ADDRESS), ("addresses", "+64211234567"), ("check_ins", "Annabelle is fine"),
            ("connections", "Dora"), ("invitations_sent", "Zoe"), ("alerts", "missed"), ("alerts_held", "safe"),
            ("alert_actions", "acknowledge"), ("watch_settings", "Dodo"), ("blocks", "Ben"), ("welfare_card", "ring twice"), ("welfare_card_looks", "Dora"), ("staff_roles", "support"), ("webhooks", "https://hooks.example.org/ann"), ("linked_devices", "Bedside"), ("notifications", "connected"), ("trail", "session.started"), ("codes", "address_id"),
        ] {
            assert!(export[key].to_string().contains(words), "{words:?} is not in {key}: {:#}", export[key]);
        }
        assert_eq!(export["check_ins"][0]["met"].as_array().unwrap().len(), 1);
        // No secret of theirs, and of others no address; nor where others acted from.
        for hidden in [
            "zoe@example.org", &ben.email, &ben.phone, &ben.push_token, &dora.email, &dora.phone, "annabelles-phone", "4711#", "argon2", PIN,
            "\\\\x", "sealed", "lookup", "hash", "whsec_", bens["code"].as_str().unwrap(), zoes["code"].as_str().unwrap(),
            session["refresh_token"].as_str().unwrap(), button["token"].as_str().unwrap(),
        ] {
            assert!(!text.contains(&format!("\"{hidden}\"")) && (hidden.len() < 6 || !text.contains(hidden)), "{hidden} is in the export");
        }
        let theirs = |event: &&Value| event["by_you"] == false;
        for event in export["trail"].as_array().unwrap().iter().filter(theirs) {
            assert!(event.get("ip").is_none_or(Value::is_null), "{event}");
        }
        // Nobody else gets it.
        world.call(Method::GET, "/v1/me/export", None, &[], None).await.refused(401, "not-signed-in");
        let dump = world.get(&Person { name: String::new(), ..ben.clone() }, "/v1/me/export").await.expect(200);
        assert!(!dump.to_string().contains("Annabelle is fine"));
        world
    })
    .await;
}
