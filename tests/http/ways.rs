//! Ways to check in without the app: the link in a reminder, a text, a key on a call. Each answers what its message asked.

use futures_util::future::join_all;
use pruuf::dev::fakes::{Channel, Received};
use pruuf::vault::LinkPurpose;
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::alert_pages::{press, says, show, token_in};
use crate::answers::{answered, bring, key, text};
use crate::support::{Person, World, world};

const CHECK_IN: &[(&str, &str)] = &[("action", "check_in")];
const MISSED: &str = "did not check in";

/// A Member in Auckland who is reminded in these ways; due at nine, with ten minutes of grace.
async fn reminded(world: &World, name: &str, reminders: &[&str]) -> Person {
    let member = world.person(name).await;
    let schedule = json!({"local_times": ["09:00"], "time_zone": "Pacific/Auckland", "reminders": reminders});
    world.put(&member, "/v1/me/schedule", schedule).await.expect(200);
    member
}

/// What people have who have no smartphone.
async fn without_a_smartphone(world: &World, who: &Person) {
    world.db.admin.execute("delete from data.devices where user_id = $1", &[&who.id]).await.unwrap();
}

async fn check_ins(world: &World) -> Value {
    world
        .admin_json(
            "select u.name, c.method from data.check_ins c join data.users u on u.id = c.member_id order by c.id",
        )
        .await
}

fn link_of(message: &Received) -> String {
    token_in(message.raw["data"]["check_in_link"].as_str().unwrap_or(&message.text))
}

/// The token of the last reminder by SMS.
fn last_link(world: &World, who: &Person) -> String {
    let log = world.fakes.received();
    token_in(
        &log.iter()
            .rev()
            .find(|it| it.to == who.phone && it.text.contains("/a/") && !it.text.contains(MISSED))
            .unwrap()
            .text,
    )
}

#[tokio::test]
async fn r4_8_a_link_in_a_reminder_shows_on_get_checks_in_on_post_and_twice_is_once() {
    world(|world| async move {
        world.travel_to("2027-02-28T19:00:00Z").await;
        let mut people = Vec::new();
        for name in ["Aroha", "Bea", "Carmen"] {
            people.push(reminded(&world, name, &["before"]).await);
        }
        let [aroha, bea, carmen] = [&people[0], &people[1], &people[2]];
        without_a_smartphone(&world, bea).await;
        without_a_smartphone(&world, carmen).await;
        let only_email = "delete from data.addresses where user_id = $1 and kind = 'phone'";
        world.db.admin.execute(only_email, &[&carmen.id]).await.unwrap();
        world.db.admin.execute("update data.users set language = 'es' where id = $1", &[&carmen.id]).await.unwrap();
        world.travel_to("2027-02-28T19:30:00Z").await;
        let push = world.expect_message(Channel::Push, &aroha.push_token, "Check-in at 09:00").await;
        let sms = world.expect_message(Channel::Sms, &bea.phone, "Reply OK or tap").await;
        let email = world.expect_message(Channel::Email, &carmen.email, "Su aviso").await;
        assert!(!sms.text.to_uppercase().contains("YES"), "the carriers' word: {}", sms.text);
        let tokens = [link_of(&push), link_of(&sms), link_of(&email)];
        world.settle().await;

        for (token, words) in tokens.iter().zip(["I’m OK", "I’m OK", "Estoy bien"]) {
            for headers in [&[][..], &[("Sec-Purpose", "prefetch")]] {
                let page = world.call(Method::GET, &format!("/a/{token}"), None, headers, None).await;
                says(&page, 200, &[words, "09:00", "09:10", "method=\"post\"", "font-size:20px"], &["<script", token]);
                assert!(page.headers["cache-control"] == "no-store" && page.headers.get("set-cookie").is_none());
            }
            says(&press(&world, token, &[("action", "acknowledge")]).await, 422, &[words, "role=\"alert\""], &[]);
        }
        assert_eq!(check_ins(&world).await, json!([]), "a look is no check-in");
        // The same proof is good for nothing else, and no other's.
        let delivery = "select d.id from data.deliveries d join data.notifications n on n.id = d.notification_id where n.user_id = $1";
        let delivery: Uuid = world.db.admin.query_one(delivery, &[&bea.id]).await.unwrap().get(0);
        let other = world.vault.link_token(LinkPurpose::Alert, delivery);
        let changed = format!("{}{}", &tokens[1][..28], if tokens[1].ends_with('x') { 'y' } else { 'x' });
        for wrong in [other.as_str(), changed.as_str(), "x"] {
            says(&press(&world, wrong, CHECK_IN).await, 404, &["leads nowhere"], &["<form"]);
        }
        assert_eq!(check_ins(&world).await, json!([]));

        for (token, thanks) in tokens.iter().zip(["We heard from you", "We heard from you", "Recibimos su aviso"]) {
            for page in join_all([press(&world, token, CHECK_IN), press(&world, token, CHECK_IN)]).await {
                says(&page, 200, &[thanks, "08:30"], &["<form", "role=\"alert\""]);
            }
            says(&show(&world, token).await, 200, &[thanks], &["<form"]);
        }
        let by_link = |name: &str| json!({"name": name, "method": "link"});
        assert_eq!(check_ins(&world).await, json!([by_link("Aroha"), by_link("Bea"), by_link("Carmen")]));
        for member in &people {
            assert_eq!(world.days(member).await, ["01 09:00 met", "02 09:00 open"]);
            assert_eq!(world.get(member, "/v1/me/history").await.expect(200)["items"][0]["method"], "link");
        }
        let confirmed = "select count(*) from data.deliveries where state = 'confirmed'";
        assert_eq!(world.number(confirmed, &[]).await, 3, "only a person presses a button");
        let trail = "select count(*) from audit.events where action = 'check_in.recorded' and actor_user_id = subject_user_id and request_id is not null";
        assert_eq!(world.number(trail, &[]).await, 3);
        // The day after it says nothing of that day.
        world.travel_to("2027-03-01T12:00:00Z").await;
        for token in &tokens {
            assert_eq!(press(&world, token, CHECK_IN).await.status, 410);
            assert_eq!(show(&world, token).await.status, 410);
        }
        assert_eq!(world.number("select count(*) from data.check_ins", &[]).await, 3);
        world
    })
    .await;
}

#[tokio::test]
async fn r4_8_an_old_link_never_closes_a_later_check_in() {
    world(|world| async move {
        world.travel_to("2027-02-28T19:00:00Z").await;
        let [late, open, closed] = [
            reminded(&world, "Late", &["before"]).await,
            reminded(&world, "Open", &["before"]).await,
            reminded(&world, "Closed", &["before"]).await,
        ];
        let ben = world.person("Ben").await;
        for member in [&late, &open, &closed] {
            without_a_smartphone(&world, member).await;
            world.connect(member, &ben).await;
        }
        world.travel_to("2027-02-28T19:30:00Z").await;
        for member in [&late, &open, &closed] {
            world.expect_message(Channel::Sms, &member.phone, "Reply OK").await;
        }
        world.settle().await;
        let [lates, opens, closeds] = [&late, &open, &closed].map(|member| last_link(&world, member));
        world.travel_to("2027-02-28T20:10:00Z").await;
        for member in [&late, &open, &closed] {
            world.expect_on_all_channels(&ben, &format!("{} {MISSED}", member.name)).await;
        }
        world.hold_rounds().await;
        world.settle().await;

        // On the same day it is a late check-in, and ends the alert.
        says(&show(&world, &lates).await, 200, &["We did not hear from you", "I’m OK"], &[]);
        says(&press(&world, &lates, CHECK_IN).await, 200, &["We heard from you"], &["<form"]);
        assert_eq!(world.days(&late).await, ["01 09:00 met_late resolved", "02 09:00 open"]);
        let alert: Uuid = world.row("select id from data.alerts where member_id = $1", &[&closed.id]).await["id"]
            .as_str()
            .unwrap()
            .parse()
            .unwrap();
        world.post(&ben, &format!("/v1/alerts/{alert}/close"), json!({"outcome": "safe"})).await.expect(200);
        world.settle().await;

        // The day after, today's being open: the alert that is still open ends, and nothing else.
        world.travel_to("2027-03-01T19:00:00Z").await;
        says(&show(&world, &opens).await, 200, &["We did not hear from you"], &[]);
        for _ in 0..2 {
            says_or_over(&press(&world, &opens, CHECK_IN).await);
        }
        assert_eq!(world.days(&open).await, ["01 09:00 missed resolved", "02 09:00 open"]);
        assert_eq!(press(&world, &closeds, CHECK_IN).await.status, 410);
        assert_eq!(press(&world, &lates, CHECK_IN).await.status, 410);
        assert_eq!(world.days(&closed).await, ["01 09:00 missed resolved", "02 09:00 open"]);
        assert_eq!(world.days(&late).await, ["01 09:00 met_late resolved", "02 09:00 open"]);
        assert_eq!(world.number("select count(*) from data.check_ins where member_id = $1", &[&open.id]).await, 1);
        world.settle().await;
        world.forget();
        world
    })
    .await;
}

/// The first press thanks, and says that today's is still to come; after it the link has no more to do.
#[track_caller]
fn says_or_over(page: &crate::support::Reply) {
    let body = page.body.as_str().unwrap();
    match page.status {
        200 => assert!(body.contains("We have heard from you") && body.contains("09:00 on Tuesday 2 March"), "{body}"),
        status => assert_eq!(status, 410, "{body}"),
    }
}

#[tokio::test]
async fn r4_8_a_text_answers_the_last_question_and_a_late_one_never_closes_today() {
    world(|world| async move {
        world.travel_to("2027-02-28T19:00:00Z").await;
        let (aroha, ben) = (reminded(&world, "Aroha", &["before"]).await, world.person("Ben").await);
        without_a_smartphone(&world, &aroha).await;
        world.connect(&aroha, &ben).await;
        // Before anything is asked it is a tap of this moment.
        let said = answered(&world, &text(&aroha.phone, "SM1", "ok")).await;
        assert!(said.contains("you are checked in") && said.contains("09:00 on Tuesday 2 March"), "{said}");
        let said = answered(&world, &text(&aroha.phone, "SM2", "I'm OK")).await;
        assert!(said.contains("No check-in is due now"), "{said}");
        assert_eq!(world.days(&aroha).await, ["01 09:00 met", "02 09:00 open"]);

        world.travel_to("2027-03-01T19:30:00Z").await;
        world.expect_message(Channel::Sms, &aroha.phone, "Reply OK").await;
        for (number, words) in [("SM3", "YES"), ("SM4", "sí"), ("SM5", "OK, I'll do it later"), ("SM6", "1")] {
            let said = answered(&world, &text(&aroha.phone, number, words)).await;
            assert!(!said.contains("checked in") && said.contains("To check in send OK"), "{words}: {said}");
        }
        assert_eq!(world.days(&aroha).await, ["01 09:00 met", "02 09:00 open"]);
        world.travel_to("2027-03-01T20:10:00Z").await;
        world.expect_on_all_channels(&ben, MISSED).await;
        world.hold_rounds().await;
        world.settle().await;

        // The carrier brings the answer to that after midnight: the alert ends, and today is still asked for.
        world.travel_to("2027-03-02T11:30:00Z").await;
        let said = answered(&world, &text(&aroha.phone, "SM7", "OK")).await;
        assert!(said.contains("Your contacts are told") && said.contains("send OK again"), "{said}");
        assert!(!said.contains("you are checked in"), "{said}");
        assert_eq!(world.days(&aroha).await, ["01 09:00 met", "02 09:00 missed resolved", "03 09:00 open"]);
        world.expect_on_all_channels(&ben, "checked in").await;
        // Said again, it is about today.
        let said = answered(&world, &text(&aroha.phone, "SM8", "OK")).await;
        assert!(said.contains("you are checked in"), "{said}");
        assert_eq!(
            world.days(&aroha).await,
            ["01 09:00 met", "02 09:00 missed resolved", "03 09:00 met", "04 09:00 open"]
        );

        // A number that nobody has verified says nothing.
        world
            .db
            .admin
            .execute("update data.addresses set verified_at = null where kind = 'phone' and user_id = $1", &[&aroha.id])
            .await
            .unwrap();
        let before = check_ins(&world).await;
        assert!(answered(&world, &text(&aroha.phone, "SM9", "OK")).await.contains("not in use"));
        assert_eq!(check_ins(&world).await, before);
        assert_eq!(before.as_array().unwrap().len(), 4);
        assert!(before.as_array().unwrap().iter().all(|it| it["method"] == "sms"));
        world
    })
    .await;
}

/// Closed by a Contact meanwhile, it is an unanswered question all the same.
#[tokio::test]
async fn r4_8_a_late_text_after_a_contact_has_closed_the_alert_closes_nothing() {
    world(|world| async move {
        world.travel_to("2027-02-28T19:00:00Z").await;
        let (aroha, ben) = (reminded(&world, "Aroha", &[]).await, world.person("Ben").await);
        world.connect(&aroha, &ben).await;
        world.travel_to("2027-02-28T20:10:00Z").await;
        world.expect_on_all_channels(&ben, MISSED).await;
        world.settle().await;
        let alert = world.get(&ben, "/v1/alerts").await.expect(200)["items"][0]["id"].as_str().unwrap().to_owned();
        world.post(&ben, &format!("/v1/alerts/{alert}/close"), json!({"outcome": "safe"})).await.expect(200);
        world.expect_on_all_channels(&ben, "closed the alert").await;
        world.travel_to("2027-03-01T12:00:00Z").await;
        let said = answered(&world, &text(&aroha.phone, "SM1", "OK")).await;
        assert!(said.contains("send OK again") && !said.contains("contacts are told"), "{said}");
        assert_eq!(world.days(&aroha).await, ["01 09:00 missed resolved", "02 09:00 open"]);
        world
    })
    .await;
}

#[tokio::test]
async fn r4_8_at_the_time_whoever_has_no_smartphone_is_called_and_a_key_checks_in() {
    world(|world| async move {
        world.travel_to("2027-02-28T19:00:00Z").await;
        let times = ["at_time"];
        let [called, app, early, silent] = [
            reminded(&world, "Called", &times).await,
            reminded(&world, "App", &times).await,
            reminded(&world, "Early", &times).await,
            reminded(&world, "Silent", &times).await,
        ];
        for member in [&called, &early, &silent] {
            without_a_smartphone(&world, member).await;
        }
        let by_email = json!({"channels": {"high": ["email"], "normal": ["email"]}});
        world.put(&silent, "/v1/me/preferences", by_email).await.expect(200);
        world.post(&early, "/v1/me/check-ins", json!({})).await.expect(201);
        world.travel_to("2027-02-28T20:00:00Z").await;
        world.expect_message(Channel::Push, &app.push_token, "Time to check in").await;
        world.expect_message(Channel::Sms, &called.phone, "time to check in").await;
        world.expect_message(Channel::Email, &silent.email, "Time to check in").await;
        let rung = world.expect_message(Channel::Voice, &called.phone, "If you are OK, press 1").await;
        assert!(rung.text.contains("09:10") && !rung.text.contains("press 2"), "{}", rung.text);
        world.settle().await;
        let delivery = "select d.id from data.deliveries d where d.channel = 'voice'";
        let delivery: Uuid = world.db.admin.query_one(delivery, &[]).await.unwrap().get(0);

        assert_eq!(bring(&world, &key(delivery, "1").forged()).await.0, 401);
        for other in ["7", "2", "3", "*"] {
            let said = answered(&world, &key(delivery, other)).await;
            assert!(said.contains("<Gather") && said.contains("If you are OK, press 1"), "{other}: {said}");
        }
        assert_eq!(world.days(&called).await, ["01 09:00 open"]);
        let said = answered(&world, &key(delivery, "1")).await;
        assert!(said.contains("You are checked in") && said.contains("09:00 on Tuesday 2 March"), "{said}");
        assert_eq!(world.days(&called).await, ["01 09:00 met_late", "02 09:00 open"]);
        // Brought again, also the day after, it does nothing.
        assert!(answered(&world, &key(delivery, "1")).await.contains("No check-in is asked for now"));
        for member in [&app, &silent] {
            world.post(member, "/v1/me/check-ins", json!({})).await.expect(201);
        }
        world.travel_to("2027-03-01T12:00:00Z").await;
        assert!(answered(&world, &key(delivery, "1")).await.contains("No check-in is asked for now"));
        assert_eq!(world.days(&called).await, ["01 09:00 met_late", "02 09:00 open"]);
        let by_key = world.admin_json("select member_id, method from data.check_ins where method <> 'app'").await;
        assert_eq!(by_key, json!([{"member_id": called.id, "method": "call"}]));
        let by = "select actor_user_id from audit.events where action = 'check_in.recorded' and subject_user_id = $1";
        assert_eq!(world.row(by, &[&called.id]).await["actor_user_id"], json!(called.id));
        world
    })
    .await;
}

async fn alert_state(world: &World) -> String {
    world.db.admin.query_one("select state from data.alerts", &[]).await.unwrap().get(0)
}

/// Whoever is a Member and a Contact: each answer means what it was asked by.
#[tokio::test]
async fn r4_8_who_is_both_checks_in_for_themselves_and_acts_on_the_alert_of_another() {
    world(|world| async move {
        world.travel_to("2027-02-28T19:00:00Z").await;
        let aroha = reminded(&world, "Aroha", &[]).await;
        let (ben, chloe) = (world.person("Ben").await, world.person("Chloe").await);
        let schedule = json!({"local_times": ["09:20"], "time_zone": "Pacific/Auckland", "reminders": ["at_time"]});
        world.put(&ben, "/v1/me/schedule", schedule).await.expect(200);
        without_a_smartphone(&world, &ben).await;
        world.connect(&aroha, &ben).await;
        world.connect(&ben, &chloe).await;
        world.travel_to("2027-02-28T20:10:00Z").await;
        for (channel, to) in [(Channel::Email, &ben.email), (Channel::Sms, &ben.phone)] {
            world.expect_message(channel, to, "Aroha did not check in").await;
        }
        world.hold_rounds().await;
        world.travel_to("2027-02-28T20:20:00Z").await;
        world.expect_message(Channel::Sms, &ben.phone, "time to check in").await;
        world.expect_message(Channel::Voice, &ben.phone, "If you are OK, press 1").await;
        world.settle().await;
        // OK is about himself: the alert goes on, and the answer says so.
        let said = answered(&world, &text(&ben.phone, "SM1", "OK")).await;
        assert!(
            said.contains("you are checked in") && said.contains("To answer the alert for Aroha send 1, 2 or 3"),
            "{said}"
        );
        assert_eq!((alert_state(&world).await.as_str(), world.days(&ben).await.len()), ("open", 2));
        // Nor does his key, on the call about himself, take the alert.
        let delivery: Uuid = world
            .db
            .admin
            .query_one("select id from data.deliveries where channel = 'voice'", &[])
            .await
            .unwrap()
            .get(0);
        assert!(answered(&world, &key(delivery, "1")).await.contains("No check-in is asked for now"));
        assert_eq!(alert_state(&world).await, "open");
        // 1 by text is about Aroha, and no check-in of anybody.
        let before = check_ins(&world).await;
        assert!(answered(&world, &text(&ben.phone, "SM2", "1")).await.contains("You have this now"));
        assert_eq!((alert_state(&world).await.as_str(), check_ins(&world).await), ("acknowledged", before));
        assert_eq!(world.days(&aroha).await, ["01 09:00 missed acknowledged", "02 09:00 open"]);
        world.settle().await;
        world.forget();
        world
    })
    .await;
}

#[tokio::test]
async fn r4_8_a_linked_device_checks_in_by_its_token_and_does_nothing_else() {
    world(|world| async move {
        world.travel_to("2027-02-28T19:00:00Z").await;
        let (aroha, eve) = (reminded(&world, "Aroha", &[]).await, reminded(&world, "Eve", &[]).await);
        let (mine, path) = ("/v1/me/linked-devices", "/v1/linked-devices/check-ins");
        for bad in [json!({"name": ""}), json!({"name": "  "}), json!({"name": "x".repeat(101)})] {
            let refused = world.post(&aroha, mine, bad).await.refused(422, "invalid");
            assert_eq!(refused["errors"][0]["pointer"], "/name");
        }
        // The same request twice is one device, with the same token.
        let link = || async {
            let body = json!({"name": "Button"});
            world.call(Method::POST, mine, Some(&aroha.token), &[("Idempotency-Key", "one")], Some(&body)).await.expect(201)
        };
        let (button, again) = (link().await, link().await);
        assert_eq!(button, again);
        let token = button["token"].as_str().unwrap();
        let listed = world.get(&aroha, mine).await.expect(200);
        assert_eq!((listed["items"].as_array().unwrap().len(), listed["items"][0].get("token")), (1, None), "not shown again");
        assert_eq!(world.get(&eve, mine).await.expect(200)["items"], json!([]));

        // Not a token of ours, of another kind, or of a session.
        let id: Uuid = button["id"].as_str().unwrap().parse().unwrap();
        let changed = format!("{}{}", &token[..42], if token.ends_with('A') { 'B' } else { 'A' });
        for wrong in ["", "x", changed.as_str(), &world.vault.link_token(LinkPurpose::CheckIn, id), &aroha.token] {
            world.post_as_nobody(path, json!({"token": wrong})).await.refused(404, "not-found");
        }
        world.call(Method::GET, "/v1/me/today", Some(token), &[], None).await.refused(401, "not-signed-in");
        says(&show(&world, token).await, 404, &[], &["<form"]);
        assert_eq!(check_ins(&world).await, json!([]));

        let press = |key: &'static str| {
            let (body, world) = (json!({"token": token}), &world);
            async move { world.call(Method::POST, path, None, &[("Idempotency-Key", key)], Some(&body)).await.expect(201) }
        };
        let pressed = press("a").await;
        assert_eq!((&pressed["answer"], &pressed["next"]["local_on"]), (&json!("checked_in"), &json!("2027-03-02")));
        assert_eq!(press("a").await, pressed, "the same press");
        assert_eq!(press("b").await["answer"], "not_awaited");
        let by_device = json!({"name": "Aroha", "method": "device"});
        assert_eq!(check_ins(&world).await, json!([by_device, by_device]));
        assert_eq!((world.days(&aroha).await, world.days(&eve).await), (vec!["01 09:00 met".to_owned(), "02 09:00 open".to_owned()], vec!["01 09:00 open".to_owned()]));
        world.post(&eve, "/v1/me/check-ins", json!({})).await.expect(201);
        // Of an account that is deleted nothing speaks.
        let watch = world.post(&eve, mine, json!({"name": "Watch"})).await.expect(201);
        let as_eve = world.db.session_as("pruuf_user", Some(eve.id)).await;
        as_eve.batch_execute("select api.delete_me()").await.unwrap();
        for (channel, to) in [(Channel::Email, &eve.email), (Channel::Sms, &eve.phone)] {
            world.expect_message(channel, to, "account is deleted").await;
        }
        world.post_as_nobody(path, json!({"token": watch["token"]})).await.refused(404, "not-found");

        // Nobody else unlinks it; its owner does, and it says nothing any more.
        let one = format!("{mine}/{id}");
        let dora = world.person("Dora").await;
        world.delete(&dora, &one).await.refused(404, "not-found");
        assert_eq!(world.delete(&aroha, &one).await.status, 204);
        world.post_as_nobody(path, json!({"token": token})).await.refused(404, "not-found");
        world.db.admin.execute("update data.policies set value = 1 where key = 'linked_devices_per_user'", &[]).await.unwrap();
        world.post(&aroha, mine, json!({"name": "One"})).await.expect(201);
        world.post(&aroha, mine, json!({"name": "Two"})).await.refused(409, "too-many-linked-devices");
        let trail = "select action from audit.events where action like 'linked_device.%' order by at";
        assert_eq!(world.admin_json(trail).await, json!(["linked", "linked", "unlinked", "linked"].map(|did| json!({"action": format!("linked_device.{did}")}))));
        world
    })
    .await;
}
