//! Staff (rule R1.4): who is, what they see and do, and that all of it is in the trail.

use std::io::Write as _;
use std::process::{Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pruuf::dev::fakes::Channel;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::accounts::email;
use crate::support::{Person, Reply, World, world};

/// `pruuf staff …` as the owner of the database; what it printed, or said was wrong.
fn pruuf_staff(world: &World, arguments: &[&str], address: &str) -> Result<String, String> {
    let mut child = Command::new(env!("CARGO_BIN_EXE_pruuf"))
        .arg("staff")
        .args(arguments)
        .env("DATABASE_URL", world.db.admin_url())
        .env("PRUUF_DATA_KEYS", STANDARD.encode([7; 32]))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(format!("{address}\n").as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = |bytes| String::from_utf8(bytes).unwrap();
    if output.status.success() { Ok(said(output.stdout)) } else { Err(said(output.stderr)) }
}

impl World {
    /// How often an action of somebody on somebody is in the trail, with the request it came by.
    async fn trail(&self, action: &str, actor: &Person, subject: &Person) -> i64 {
        let sql = "select count(*) from audit.events where action = $1 and actor_user_id = $2 and subject_user_id = $3 and actor = 'pruuf_staff' and request_id is not null";
        self.number(sql, &[&action, &actor.id, &subject.id]).await
    }
}

#[tokio::test]
async fn r1_4_the_command_line_makes_the_first_admin_and_keeps_the_last_one() {
    world(|world| async move {
        let (ada, sam) = (world.person("Ada").await, world.person("Sam").await);
        assert_eq!(pruuf_staff(&world, &["list"], "").unwrap(), "");
        assert!(pruuf_staff(&world, &["add", "admin"], "never@example.org").unwrap_err().contains("no such user"));
        assert!(pruuf_staff(&world, &["add", "admin"], "nonsense").unwrap_err().contains("neither"));
        assert!(pruuf_staff(&world, &["add", "owner"], &ada.email).is_err());
        let line = pruuf_staff(&world, &["add", "admin"], &ada.email.to_uppercase()).unwrap();
        assert!(line.starts_with(&format!("{} admin Ada", ada.id)), "{line}");
        pruuf_staff(&world, &["add", "support"], &sam.phone).unwrap();
        assert_eq!(pruuf_staff(&world, &["list"], "").unwrap().lines().count(), 2);
        for arguments in [&["remove"][..], &["add", "support"]] {
            let refused = pruuf_staff(&world, arguments, &ada.email).unwrap_err();
            assert!(refused.contains("last administrator"), "{refused}");
        }
        world.delete(&ada, &format!("/v1/staff/roles/{}", ada.id)).await.refused(409, "last-admin");
        world.put(&ada, &format!("/v1/staff/roles/{}", ada.id), json!({"role": "support"})).await.refused(409, "last-admin");
        // Another one who has deleted their account is none.
        let left = world.staff("Left", "admin").await;
        world.db.admin.execute("update data.users set deleted_at = rules.clock() where id = $1", &[&left.id]).await.unwrap();
        world.delete(&ada, &format!("/v1/staff/roles/{}", ada.id)).await.refused(409, "last-admin");
        pruuf_staff(&world, &["remove"], &sam.email).unwrap();
        assert!(pruuf_staff(&world, &["remove"], &sam.email).unwrap_err().contains("no such"));
        let by_hand = "select count(*) from audit.events where action like 'staff.%ed' and subject_user_id in ($1, $2) and actor_user_id is null and actor = 'pruuf_admin'";
        assert_eq!(world.number(by_hand, &[&ada.id, &sam.id]).await, 3);
        world
    })
    .await;
}

/// Each operation, asked by each kind of caller: what support may, admin may; what staff may, nobody else.
#[tokio::test]
async fn r1_4_only_staff_gets_anything_at_staff_and_support_less_than_admin() {
    world(|world| async move {
        let (admin, support) = (world.staff("Ada", "admin").await, world.staff("Sam", "support").await);
        let (aroha, ben, gone) =
            (world.person("Aroha").await, world.person("Ben").await, world.staff("Gone", "admin").await);
        world.connect(&aroha, &ben).await;
        world.delete(&admin, &format!("/v1/staff/roles/{}", gone.id)).await.expect(204);
        let nobodys = uuid::Uuid::new_v4();
        let operations = [
            (Method::POST, "/v1/staff/users/find".to_owned(), Some(json!({"address": email(&aroha.email)})), 200, 200),
            (Method::GET, format!("/v1/staff/users/{}", aroha.id), None, 200, 200),
            (Method::POST, format!("/v1/staff/users/{}/unlock", aroha.id), None, 200, 200),
            (Method::GET, format!("/v1/staff/users/{}/audit", aroha.id), None, 200, 200),
            (Method::GET, format!("/v1/staff/alerts/{nobodys}/audit"), None, 200, 200),
            (Method::POST, format!("/v1/staff/deliveries/{nobodys}/resend"), None, 404, 404),
            (Method::GET, format!("/v1/staff/users/{nobodys}"), None, 404, 404),
            (Method::POST, format!("/v1/staff/users/{nobodys}/unlock"), None, 404, 404),
            (Method::GET, "/v1/staff/audit/verification".to_owned(), None, 403, 200),
            (Method::GET, "/v1/staff/roles".to_owned(), None, 403, 200),
            (Method::PUT, format!("/v1/staff/roles/{}", ben.id), Some(json!({"role": "support"})), 403, 200),
            (Method::DELETE, format!("/v1/staff/roles/{}", ben.id), None, 403, 204),
        ];
        for (method, path, body, by_support, by_admin) in operations {
            let ask = async |who: Option<&str>| world.call(method.clone(), &path, who, &[], body.as_ref()).await;
            ask(None).await.refused(401, "not-signed-in");
            for user in [&aroha, &ben, &gone] {
                ask(Some(&user.token)).await.refused(403, "not-allowed");
            }
            assert_eq!(ask(Some(&support.token)).await.status, by_support, "support: {method} {path}");
            assert_eq!(ask(Some(&admin.token)).await.status, by_admin, "admin: {method} {path}");
        }
        // Nothing of a user's beyond their own account.
        world.get(&admin, &format!("/v1/members/{}", aroha.id)).await.refused(404, "not-found");
        world.get(&admin, &format!("/v1/members/{}/welfare-card", aroha.id)).await.refused(404, "not-found");
        assert_eq!(world.get(&admin, "/v1/alerts").await.expect(200)["items"], json!([]));
        // A session that has ended is none at /v1/staff either.
        world
            .db
            .admin
            .execute(
                "update data.sessions set revoked_at = rules.clock(), revoked_reason = 'signed_out' where user_id = $1",
                &[&support.id],
            )
            .await
            .unwrap();
        world.get(&support, &format!("/v1/staff/users/{}", aroha.id)).await.refused(401, "not-signed-in");
        world.verify_trail().await;
        world
    })
    .await;
}

#[tokio::test]
async fn r1_4_support_sees_how_an_account_stands_and_nothing_that_is_secret() {
    world(|world| async move {
        let support = world.staff("Sam", "support").await;
        let (aroha, ben) = (world.person("Aroha").await, world.person("Ben").await);
        world.connect(&aroha, &ben).await;
        world.put(&aroha, "/v1/me/welfare-card", json!({"door_code": "4711#"})).await.expect(200);
        world.post(&aroha, "/v1/me/check-ins", json!({"note": "Knee hurts", "mood": "bad"})).await.expect(201);
        let set = world.schedule(&aroha, "09:00", "Pacific/Auckland").await;
        world.travel_to(set["next"]["alert_at"].as_str().unwrap()).await;
        world.expect_on_all_channels(&ben, "Aroha").await;
        world.settle().await;

        let found = world
            .post(&support, "/v1/staff/users/find", json!({"address": {"kind": "phone", "value": aroha.phone}}))
            .await
            .expect(200);
        assert_eq!(found, json!({"id": aroha.id, "name": "Aroha", "state": "active"}));
        world
            .post(&support, "/v1/staff/users/find", json!({"address": email("never@example.org")}))
            .await
            .refused(404, "not-found");
        let state = world.get(&support, &format!("/v1/staff/users/{}", aroha.id)).await.expect(200);
        assert_eq!(
            (&state["today"]["status"], &state["schedule"]["local_times"][0], &state["sessions"]),
            (&json!("alert"), &json!("09:00"), &json!(1))
        );
        assert_eq!(
            (&state["connections"][0]["name"], &state["connections"][0]["is"]),
            (&json!("Ben"), &json!("contact"))
        );
        assert_eq!(state["addresses"][0]["masked"], "a…@example.org");
        assert_eq!(state["devices"][0]["platform"], "android");
        let of_ben = world.get(&support, &format!("/v1/staff/users/{}", ben.id)).await.expect(200);
        assert_eq!(of_ben["deliveries"].as_array().unwrap().len(), 3);
        assert_eq!(
            (&of_ben["deliveries"][0]["kind"], &of_ben["deliveries"][0]["state"]),
            (&json!("missed"), &json!("accepted"))
        );
        let shown = format!("{state}{of_ben}");
        for secret in [
            &aroha.email,
            &aroha.phone,
            &aroha.push_token,
            &ben.email,
            &ben.phone,
            &ben.push_token,
            "Knee",
            "mood",
            "4711#",
            "sealed",
            "lookup",
            "hash",
            "argon2",
            "facts",
        ] {
            assert!(!shown.contains(secret), "{secret}: {shown}");
        }
        assert_eq!(
            (
                world.trail("staff.user_found", &support, &aroha).await,
                world.trail("staff.user_read", &support, &aroha).await
            ),
            (1, 1)
        );
        // Each was named where the other was read.
        assert_eq!(
            (
                world.trail("staff.name_read", &support, &aroha).await,
                world.trail("staff.name_read", &support, &ben).await
            ),
            (1, 1)
        );
        let missed = "select count(*) from audit.events where action = 'staff.user_not_found' and actor_user_id = $1";
        assert_eq!(world.number(missed, &[&support.id]).await, 1);
        world.trail_tells_nothing(&["Aroha", "Ben", "Sam", "Knee", "4711#", "never@"]).await;
        world.verify_trail().await;
        world
    })
    .await;
}

#[tokio::test]
async fn r1_4_support_ends_the_lock_of_half_an_hour_but_not_what_only_a_code_opens() {
    world(|world| async move {
        let support = world.staff("Sam", "support").await;
        let (ann, _) = world.account("Ann", "ann@example.org").await;
        let path = format!("/v1/staff/users/{}/unlock", ann.id);
        let unlock = async || world.call(Method::POST, &path, Some(&support.token), &[], None).await;
        for round in 1..=3 {
            for _ in 0..5 {
                world.sign_in("ann@example.org", "9999").await.refused(401, "sign-in-failed");
            }
            world.sign_in("ann@example.org", "4829").await.refused(423, "sign-in-locked");
            let found = world
                .post(&support, "/v1/staff/users/find", json!({"address": email("ann@example.org")}))
                .await
                .expect(200);
            assert_eq!(found["state"], "locked");
            if round < 3 {
                assert_eq!(unlock().await.expect(200), json!({"failed_tries": 5 * round, "is_locked": false}));
            }
        }
        unlock().await.refused(409, "only-a-code-unlocks");
        world.sign_in("ann@example.org", "4829").await.refused(423, "sign-in-locked");
        assert_eq!(world.trail("staff.unlocked", &support, &ann).await, 2);
        world.advance("61 seconds").await;
        let ticket = world.ticket("ann@example.org", 1).await;
        world.post_as_nobody("/v1/auth/pin", json!({"ticket": ticket, "pin": "3816"})).await.expect(200);
        world.expect_message(Channel::Email, "ann@example.org", "PIN was changed").await;
        for _ in 0..5 {
            world.sign_in("ann@example.org", "9999").await.refused(401, "sign-in-failed");
        }
        unlock().await.expect(200);
        world.sign_in("ann@example.org", "3816").await.expect(201);
        world
    })
    .await;
}

#[tokio::test]
async fn r1_4_what_failed_is_sent_again_once_and_nothing_that_is_over() {
    world(|world| async move {
        let support = world.staff("Sam", "support").await;
        let (aroha, ben) = (world.person("Aroha").await, world.person("Ben").await);
        world.connect(&aroha, &ben).await;
        let set = world.schedule(&aroha, "09:00", "Pacific/Auckland").await;
        world.travel_to(set["next"]["alert_at"].as_str().unwrap()).await;
        world.expect_on_all_channels(&ben, "Aroha").await;
        world.settle().await;
        let id = |channel: &'static str| {
            let world = &world;
            async move { world.row("select id from data.deliveries where channel = $1 and resend_of is null", &[&channel]).await["id"].as_str().unwrap().to_owned() }
        };
        let (sms, mail) = (id("sms").await, id("email").await);
        let resend = async |id: &str| -> Reply {
            world.call(Method::POST, &format!("/v1/staff/deliveries/{id}/resend"), Some(&support.token), &[], None).await
        };
        resend(&sms).await.refused(409, "not-to-be-resent");
        let fail = "update data.deliveries set state = 'failed', failure = 'a-test' where channel in ('sms', 'email') and resend_of is null";
        world.db.admin.batch_execute(fail).await.unwrap();
        let again = resend(&sms).await.expect(200);
        assert_eq!((&again["resend_of"], &again["channel"]), (&json!(sms), &json!("sms")));
        world.expect_message(Channel::Sms, &ben.phone, "Aroha").await;
        assert_eq!(resend(&sms).await.expect(200)["id"], again["id"]);
        world.settle().await;
        assert_eq!(world.count(Channel::Sms, &ben.phone, "Aroha"), 2);
        assert_eq!(world.trail("staff.resent", &support, &ben).await, 2);

        // An address that is off, a reader who is no Contact any more, an alert that is over.
        world.db.admin.batch_execute("update data.addresses set off_at = rules.clock(), off_reason = 'bounced' where kind = 'email'").await.unwrap();
        assert!(resend(&mail).await.refused(409, "not-to-be-resent")["detail"].as_str().unwrap().contains("off"));
        world.db.admin.batch_execute("update data.addresses set off_at = null, off_reason = null").await.unwrap();
        world.coverage_is_known().await;
        world.db.admin.batch_execute("begin; set local session_replication_role = replica; update data.connections set ended_at = rules.clock(); commit").await.unwrap();
        assert!(resend(&mail).await.refused(409, "not-to-be-resent")["detail"].as_str().unwrap().contains("no Contact"));
        world.db.admin.batch_execute("begin; set local session_replication_role = replica; update data.connections set ended_at = null; commit").await.unwrap();
        world.post(&aroha, "/v1/me/check-ins", json!({})).await.expect(201);
        for (channel, to) in [(Channel::Push, &ben.push_token), (Channel::Sms, &ben.phone), (Channel::Email, &ben.email)] {
            world.expect_message(channel, to, "Aroha").await;
        }
        assert!(resend(&mail).await.refused(409, "not-to-be-resent")["detail"].as_str().unwrap().contains("over"));
        // A code is never sent again.
        world.ask_for_code("ann@example.org").await.expect(200);
        world.code(Channel::Email, "ann@example.org", 1).await;
        world.settle().await;
        let code = "select d.id from data.deliveries d join data.notifications n on n.id = d.notification_id where n.kind = 'one_time_code'";
        world.db.admin.batch_execute("update data.deliveries d set state = 'failed', failure = 'a-test' from data.notifications n where n.id = d.notification_id and n.kind = 'one_time_code'").await.unwrap();
        let code = world.row(code, &[]).await["id"].as_str().unwrap().to_owned();
        assert!(resend(&code).await.refused(409, "not-to-be-resent")["detail"].as_str().unwrap().starts_with("Codes"));
        world.verify_trail().await;
        world
    })
    .await;
}

#[tokio::test]
async fn r1_4_r9_2_staff_reads_the_trail_of_a_user_and_of_an_alert_and_admin_verifies_it() {
    world(|world| async move {
        let (admin, support) = (world.staff("Ada", "admin").await, world.staff("Sam", "support").await);
        let (aroha, ben) = (world.person("Aroha").await, world.person("Ben").await);
        world.connect(&aroha, &ben).await;
        let set = world.schedule(&aroha, "09:00", "Pacific/Auckland").await;
        world.travel_to(set["next"]["alert_at"].as_str().unwrap()).await;
        world.expect_on_all_channels(&ben, "Aroha").await;
        world.post(&aroha, "/v1/me/check-ins", json!({})).await.expect(201);
        world.expect_on_all_channels(&ben, "Aroha").await;
        world.verify_trail().await;

        let actions = |page: &Value| -> Vec<String> {
            page["items"].as_array().unwrap().iter().map(|item| item["action"].as_str().unwrap().to_owned()).collect()
        };
        let path = format!("/v1/staff/users/{}/audit", aroha.id);
        let whole = world.get(&support, &path).await.expect(200);
        assert_eq!(
            actions(&whole),
            ["check_in.recorded", "alert.all_clear_told", "alert.resolved", "alert.raised", "schedule.changed"]
        );
        assert_eq!(
            (&whole["items"][0]["ip"], &whole["items"][0]["actor_user_id"]),
            (&json!("127.0.0.1"), &json!(aroha.id))
        );
        // In pages, while each reading adds to the trail that is read.
        let (mut paged, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = world.get(&support, &format!("{path}?limit=2{cursor}")).await.expect(200);
            paged.extend(actions(&page));
            let Some(next) = page["next_cursor"].as_str() else { break };
            cursor = format!("&cursor={next}");
        }
        assert_eq!(paged, [&["staff.trail_read".to_owned()][..], &actions(&whole)].concat());
        world.get(&support, &format!("{path}?cursor=x")).await.refused(400, "malformed-request");
        assert_eq!(world.trail("staff.trail_read", &support, &aroha).await, 4);

        let alert = world.row("select id from data.alerts", &[]).await["id"].as_str().unwrap().to_owned();
        let delivery = world.row("select id from data.deliveries where channel = 'sms' limit 1", &[]).await["id"]
            .as_str()
            .unwrap()
            .to_owned();
        world.post(&ben, &format!("/v1/deliveries/{delivery}/confirm"), json!({})).await.expect(200);
        let of_alert = world.get(&support, &format!("/v1/staff/alerts/{alert}/audit")).await.expect(200);
        assert_eq!(
            actions(&of_alert),
            ["delivery.confirmed", "alert.all_clear_told", "alert.resolved", "alert.raised"]
        );
        assert_eq!(of_alert["items"][3]["details"]["told"], json!([ben.id]));
        assert_eq!(
            (
                world.trail("staff.alert_trail_read", &support, &aroha).await,
                world.trail("staff.alert_trail_read", &support, &ben).await
            ),
            (1, 1)
        );

        world.verify_trail().await;
        let verify = async |query: &str| world.get(&admin, &format!("/v1/staff/audit/verification{query}")).await;
        let well = verify("?places=3").await.expect(200);
        assert_eq!((&well["findings"], &well["next_place"]), (&json!([]), &json!(4)));
        let head =
            format!("?known_place={}&known_hash={}", well["head"]["place"], well["head"]["hash"].as_str().unwrap());
        let at_end = verify(&head).await.expect(200);
        assert_eq!((&at_end["findings"], at_end.get("next_place")), (&json!([]), None));
        for query in ["?from_place=0", "?places=0", "?places=100001", "?known_hash=x", "?from_place=x"] {
            verify(query).await.refused(400, "malformed-request");
        }
        world
            .db
            .admin
            .batch_execute("update audit.events set actor_user_id = null where action = 'check_in.recorded'")
            .await
            .unwrap();
        let changed = verify(&head).await.expect(200)["findings"].clone();
        assert_eq!((&changed[0]["finding"], changed.as_array().unwrap().len()), (&json!("changed"), 1), "{changed}");
        world
            .db
            .admin
            .batch_execute(
                "begin; set local session_replication_role = replica; delete from audit.seals where place > 3; commit",
            )
            .await
            .unwrap();
        assert_eq!(
            verify(&head).await.expect(200)["findings"].as_array().unwrap().last().unwrap()["finding"],
            "removed"
        );
        world
    })
    .await;
}
