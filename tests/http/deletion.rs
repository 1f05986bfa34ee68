//! Leaving and coming back (R2.6).

use pruuf::dev::fakes::Channel;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::accounts::{PIN, email};
use crate::support::{Person, World, world};

const NAME: &str = "Annabelle Oddname";
const ADDRESS: &str = "annabelle@example.org";

async fn leave(world: &World, who: &Person) -> Value {
    world.delete(who, "/v1/me").await.expect(200)
}

/// Told by push, and seen.
async fn told(world: &World, who: &Person, words: &str) {
    world.expect_message(Channel::Push, &who.push_token, words).await;
    world.open_app(who).await;
}

/// Signs in with the PIN of every account here.
async fn back(world: &World, who: &Person) -> Person {
    let session = world.sign_in(&who.email, PIN).await.expect(201);
    world.expect_message(Channel::Email, &who.email, "account is back").await;
    Person { token: session["access_token"].as_str().unwrap().to_owned(), ..who.clone() }
}

/// Nobody is expected to check in any more: for a test that lets weeks pass.
async fn expect_nobody(world: &World) {
    let sql = "update data.obligations set state = 'excused', closed_at = rules.clock(), remind_at = null where state = 'open';
        update data.schedules set superseded_at = rules.clock() where superseded_at is null";
    world.db.admin.batch_execute(sql).await.unwrap();
}

async fn connected(world: &World, member: &Person, contact: &Person) -> i64 {
    let sql = "select count(*) from data.connections where member_id = $1 and contact_id = $2 and ended_at is null";
    world.number(sql, &[&member.id, &contact.id]).await
}

async fn set_policy(world: &World, name: &str, value: i32) {
    world.db.admin.batch_execute("set role pruuf_owner").await.unwrap();
    world.db.admin.query_one("select api.set_policy($1, $2, 'a test')", &[&name, &value]).await.unwrap();
    world.db.admin.batch_execute("reset role").await.unwrap();
}

/// The job as a server calls it.
async fn finish_deletions(world: &World) -> Value {
    let session = world.db.session_as("pruuf_worker", None).await;
    session.query_one("select jobs.finish_deletions()", &[]).await.unwrap().get(0)
}

/// What a run of it reports: how many accounts were erased, and what went wrong.
fn erased(report: &Value) -> (&Value, &Value) {
    (&report["erased"], &report["problems"])
}

#[tokio::test]
async fn r2_6_a_deleted_account_is_out_at_once_and_everybody_is_told() {
    world(|world| async move {
        let (ann, session) = world.account(NAME, ADDRESS).await;
        let (ben, cleo, eve) = (world.person("Ben").await, world.person("Cleo").await, world.person("Eve").await);
        // Ben watches her and is watched by her, Cleo is watched by her alone.
        for (member, contact) in [(&ann, &ben), (&ben, &ann), (&ben, &eve), (&cleo, &ann)] {
            world.connect(member, contact).await;
        }
        let device = format!("/v1/me/devices/{}", uuid::Uuid::new_v4());
        world.put(&ann, &device, json!({"platform": "ios", "push_token": "anns"})).await.expect(200);
        let body = json!({"address": {"kind": "phone", "value": "+64211234567"}});
        let phone = world.post(&ann, "/v1/me/addresses", body).await.expect(201);
        let code = world.code(Channel::Sms, "+64211234567", 1).await;
        let path = format!("/v1/me/addresses/{}/verify", phone["id"].as_str().unwrap());
        world.post(&ann, &path, json!({"code": code})).await.expect(200);
        for (channel, place) in [(Channel::Email, ADDRESS), (Channel::Push, "anns")] {
            world.expect_message(channel, place, "An address was added").await;
        }
        world.travel_to("2027-03-01T08:00:00Z").await;
        let set = world.schedule(&ann, "09:00", "UTC").await;
        let body = json!({"invitee_becomes": "contact", "name": "Zoe", "address": email("zoe@example.org")});
        let invitation = world.post(&ann, "/v1/invitations", body).await.expect(201);
        world.expect_message(Channel::Email, "zoe@example.org", NAME).await;
        // Something waits for her: an e-mail that stands by.
        let waiting = "insert into data.notifications (user_id, kind, cause, created_at) values ($1, 'connected', 'x', rules.clock())";
        world.db.admin.execute(waiting, &[&ann.id]).await.unwrap();
        world.expect_message(Channel::Push, "anns", "connected").await;

        let answer = leave(&world, &ann).await;
        let days = "select extract(day from $2::text::timestamptz - $1::text::timestamptz)::bigint";
        let (from, to) = (answer["deleted_at"].as_str().unwrap(), answer["restorable_until"].as_str().unwrap());
        assert_eq!(world.number(days, &[&from, &to]).await, 30);
        // Each is told once, what it means to them.
        world.expect_message(Channel::Push, &ben.push_token, "has deleted their account").await;
        world.expect_message(Channel::Push, &cleo.push_token, "Nobody will be told now if you miss a check-in: invite somebody").await;
        let facts = world
            .row("select facts from data.notifications where user_id = $1 and kind = 'account_deleted'", &[&ben.id])
            .await;
        for (name, value) in [("was_member", true), ("was_contact", true), ("alert_stays", false)] {
            assert_eq!(facts["facts"][name], value);
        }
        assert_eq!(facts["facts"]["contacts_left"], 1);
        for reader in [&ben, &cleo] {
            world.open_app(reader).await;
        }
        // She is told at every address how to come back; the phone that was signed in gets nothing more.
        world.expect_message(Channel::Email, ADDRESS, "Sign in by Wednesday 31 March").await;
        world.expect_message(Channel::Sms, "+64211234567", "by 31 Mar to have it back").await;
        // What comes later for her goes nowhere.
        world.db.admin.execute(&waiting.replace("'x'", "'y'"), &[&ann.id]).await.unwrap();
        world.advance("1 hour").await;

        for path in ["/v1/me", "/v1/me/today", "/v1/me/sessions", "/v1/alerts", "/v1/events", "/v1/me/contacts"] {
            world.get(&ann, path).await.refused(401, "not-signed-in");
        }
        world.post(&ann, "/v1/me/check-ins", json!({})).await.refused(401, "not-signed-in");
        world.delete(&ann, "/v1/me").await.refused(401, "not-signed-in");
        world.refresh(&session["refresh_token"]).await.refused(401, "refresh-token-invalid");
        world.call(Method::DELETE, "/v1/me", None, &[], None).await.refused(401, "not-signed-in");

        // Nobody is watched by her or watches her any more; nothing is expected of her.
        for who in [&ben, &cleo] {
            world.get(who, &format!("/v1/members/{}", ann.id)).await.refused(404, "not-found");
            let contacts = world.get(who, "/v1/me/contacts").await.expect(200);
            assert!(!contacts.to_string().contains(NAME), "{contacts}");
        }
        let body = json!({"code": invitation["code"]});
        world.post(&eve, "/v1/invitations/accept", body).await.refused(404, "invitation-unknown");
        let excused = "select count(*) from data.obligations where member_id = $1 and state = 'excused'";
        assert_eq!(world.number(excused, &[&ann.id]).await, 1);
        world.travel_to(set["next"]["alert_at"].as_str().unwrap()).await;
        world.advance("3 days").await;
        assert_eq!(world.number("select count(*) from data.alerts", &[]).await, 0);
        let trail = "select count(*) from audit.events where action = $1 and subject_user_id = $2 and actor_user_id = $2";
        assert_eq!(world.number(trail, &[&"account.deleted", &ann.id]).await, 1);
        assert_eq!(world.number(trail, &[&"session.ended", &ann.id]).await, 1);
        world
    })
    .await;
}

#[tokio::test]
async fn r2_6_only_the_pin_or_a_code_brings_it_back_as_it_was() {
    world(|world| async move {
        let (ann, _) = world.account(NAME, ADDRESS).await;
        let (ben, cleo) = (world.person("Ben").await, world.person("Cleo").await);
        for (member, contact) in [(&ann, &ben), (&cleo, &ann)] {
            world.connect(member, contact).await;
        }
        world
            .db
            .admin
            .execute("update data.connections set tier = 'backup' where contact_id = $1", &[&ben.id])
            .await
            .unwrap();
        let before = world.get(&ann, "/v1/me").await.expect(200);
        let ticket = world.ticket("stranger@example.org", 0).await;
        for round in ["pin", "code"] {
            leave(&world, &ann).await;
            world.expect_message(Channel::Email, ADDRESS, "account is deleted").await;
            for reader in [&ben, &cleo] {
                told(&world, reader, "has deleted their account").await;
            }
            let deleted = "select count(*) from data.users where id = $1 and deleted_at is not null";
            world.advance("29 days 23 hours").await;
            // Whoever does not hold the PIN or a code gets the answers they always got, and changes nothing.
            assert_eq!(world.sign_in(ADDRESS, "9999").await.refused(401, "sign-in-failed")["tries_left"], 4);
            let body = json!({"ticket": ticket, "pin": PIN});
            world.post_as_nobody("/v1/auth/pin", body).await.refused(401, "ticket-invalid");
            assert_eq!(world.number(deleted, &[&ann.id]).await, 1);
            let token = if round == "pin" {
                world.sign_in(ADDRESS, PIN).await.expect(201)["access_token"].clone()
            } else {
                let ticket = world.ticket(ADDRESS, 1).await;
                // The address is taken until it is erased.
                let body = json!({"ticket": ticket, "name": "Another", "pin": PIN});
                world.post_as_nobody("/v1/auth/accounts", body).await.refused(409, "address-taken");
                let body = json!({"ticket": ticket, "pin": "3816"});
                let session = world.post_as_nobody("/v1/auth/pin", body).await.expect(200);
                world.expect_message(Channel::Email, ADDRESS, "PIN was changed").await;
                session["access_token"].clone()
            };
            world.expect_message(Channel::Email, ADDRESS, "account is back").await;
            for reader in [&ben, &cleo] {
                told(&world, reader, "is back").await;
            }
            let ann = Person { token: token.as_str().unwrap().to_owned(), ..ann.clone() };
            assert_eq!(world.get(&ann, "/v1/me").await.expect(200), before);
            assert_eq!(world.get(&ann, "/v1/me/contacts").await.expect(200)["items"][0]["tier"], "backup");
            assert_eq!(world.get(&ben, &format!("/v1/members/{}", ann.id)).await.expect(200)["name"], NAME);
            let trail = "select count(*) from audit.events where action = 'account.restored' and subject_user_id = $1";
            assert_eq!(world.number(trail, &[&ann.id]).await, if round == "pin" { 1 } else { 2 });
            if round == "pin" {
                // For the next round: the session that is signed in.
                world
                    .db
                    .admin
                    .execute("update data.sessions set revoked_at = null, revoked_reason = null", &[])
                    .await
                    .unwrap();
            }
        }
        // What came back ends like any other.
        world.delete(&ben, &format!("/v1/members/{}", ann.id)).await.expect(204);
        world.expect_message(Channel::Email, ADDRESS, "A connection has ended").await;
        world
    })
    .await;
}

const DELETE: &str = "api.delete_me()";

/// A Member without a server, who can be deleted and restored to the second.
async fn quiet_member(world: &World) -> Person {
    let ann = world.person("Ann").await;
    let pin = "insert into data.pins (user_id, hash, changed_at) values ($1, '$argon2id$x', rules.clock())";
    world.db.admin.execute(pin, &[&ann.id]).await.unwrap();
    ann
}

async fn restore_at(world: &World, who: &Person, at: &str) {
    let call = format!("api.create_session('{}', '$argon2id$x', null, gen_random_uuid()::text::bytea)", who.id);
    world.exactly(at, "pruuf_anon", None, &call).await.unwrap();
}

#[tokio::test]
async fn r2_6_the_schedule_that_was_in_force_is_in_force_again() {
    let world = World::without_server().await;
    let ann = quiet_member(&world).await;
    let user = Some(ann.id);
    world.set_at(&ann, "2027-03-01T08:00:00Z", "09:00", "UTC", "1,2,3,4,5,6,7", 10).await;
    // Back before the time: it counts.
    world.exactly("2027-03-01T08:10:00Z", "pruuf_user", user, DELETE).await.unwrap();
    assert_eq!(world.days(&ann).await, ["01 09:00 excused"]);
    restore_at(&world, &ann, "2027-03-01T08:20:00Z").await;
    assert_eq!(world.days(&ann).await, ["01 09:00 open"]);
    world.tick("2027-03-01T09:10:00Z").await;
    assert_eq!(world.days(&ann).await, ["01 09:00 missed open", "02 09:00 open"]);
    // Back after it, and days later: the next one, and none of those between.
    world.exactly("2027-03-02T08:59:59Z", "pruuf_user", user, DELETE).await.unwrap();
    restore_at(&world, &ann, "2027-03-02T09:00:00Z").await;
    assert_eq!(world.days(&ann).await, ["01 09:00 missed open", "02 09:00 excused", "03 09:00 open"]);
    world.tap(&ann, "2027-03-03T06:00:00Z").await;
    world.exactly("2027-03-03T07:00:00Z", "pruuf_user", user, DELETE).await.unwrap();
    world.tick("2027-03-10T00:00:00Z").await;
    restore_at(&world, &ann, "2027-03-10T10:00:00Z").await;
    world.tick("2027-03-10T10:00:01Z").await;
    assert_eq!(
        world.days(&ann).await,
        ["01 09:00 missed resolved", "02 09:00 excused", "03 09:00 met", "04 09:00 excused", "11 09:00 open"]
    );
    // A schedule that was waiting for its turn is the one that goes on.
    world.set_at(&ann, "2027-03-11T08:00:00Z", "18:00", "UTC", "1,2,3,4,5,6,7", 10).await;
    world.exactly("2027-03-11T08:10:00Z", "pruuf_user", user, DELETE).await.unwrap();
    restore_at(&world, &ann, "2027-03-11T12:00:00Z").await;
    assert_eq!(world.days(&ann).await.last().unwrap(), "11 18:00 open");
    // Without one there is none.
    let ben = quiet_member(&world).await;
    world.exactly("2027-03-12T08:00:00Z", "pruuf_user", Some(ben.id), DELETE).await.unwrap();
    restore_at(&world, &ben, "2027-03-12T08:00:01Z").await;
    assert_eq!(world.days(&ben).await, Vec::<String>::new());
    // Once it is deleted nothing starts a schedule, not even what is on its way.
    world.exactly("2027-03-12T09:00:00Z", "pruuf_user", Some(ben.id), DELETE).await.unwrap();
    assert_eq!(
        world.exactly("2027-03-12T09:00:01Z", "pruuf_user", Some(ben.id), DELETE).await,
        Err("not-signed-in".to_owned())
    );
    let set = "api.set_schedule('{09:00}', 'UTC', null, null, null)";
    assert_eq!(
        world.exactly("2027-03-12T09:00:01Z", "pruuf_user", Some(ben.id), set).await,
        Err("not-signed-in".to_owned())
    );
    world.stop_servers().await;
}

/// R2.6, R6.1: nobody dodges a miss by leaving.
#[tokio::test]
async fn r2_6_a_deadline_that_has_passed_is_a_miss_also_when_the_account_goes_first() {
    let world = World::without_server().await;
    let (ann, ben) = (quiet_member(&world).await, world.person("Ben").await);
    world.connect(&ann, &ben).await;
    world.set_at(&ann, "2027-03-01T08:00:00Z", "09:00", "UTC", "1,2,3,4,5,6,7", 10).await;
    world.exactly("2027-03-01T09:10:01Z", "pruuf_user", Some(ann.id), DELETE).await.unwrap();
    assert_eq!(world.days(&ann).await, ["01 09:00 missed open", "02 09:00 excused"]);
    assert_eq!(connected(&world, &ann, &ben).await, 1);
    let alarms = "select count(*) from data.deliveries d join data.notifications n on n.id = d.notification_id where n.user_id = $1 and n.kind = 'missed' and d.state = 'pending'";
    assert_eq!(world.number(alarms, &[&ben.id]).await, 3);
    world.stop_servers().await;
}

/// R2.6: no alert ends in silence: the Contacts of a Member who leaves keep it until a person resolves it.
#[tokio::test]
async fn r2_6_an_open_alert_stays_with_those_told_until_a_person_resolves_it() {
    world(|world| async move {
        let (ann, _) = world.account(NAME, ADDRESS).await;
        let (ben, cleo) = (world.person("Ben").await, world.person("Cleo").await);
        for (member, contact) in [(&ann, &ben), (&ann, &cleo), (&cleo, &ann)] {
            world.connect(member, contact).await;
        }
        world.travel_to("2027-03-01T08:00:00Z").await;
        world.schedule(&ann, "09:00", "UTC").await;
        world.travel_to("2027-03-01T09:10:00Z").await;
        for who in [&ben, &cleo] {
            world.expect_on_all_channels(who, "not check").await;
        }
        leave(&world, &ann).await;
        world.expect_message(Channel::Email, ADDRESS, "account is deleted").await;
        for who in [&ben, &cleo] {
            told(&world, who, "The alert stays open until somebody closes it").await;
        }
        assert_eq!(connected(&world, &cleo, &ann).await, 0);
        assert_eq!(erased(&finish_deletions(&world).await), (&json!(0), &json!([])));
        // They see it and act on it as ever.
        let alert = world.get(&ben, "/v1/alerts").await.expect(200)["items"][0]["id"].clone();
        let path = format!("/v1/alerts/{}", alert.as_str().unwrap());
        assert_eq!(world.get(&cleo, &path).await.expect(200)["state"], "open");
        assert_eq!(world.get(&cleo, &format!("/v1/members/{}", ann.id)).await.expect(200)["status"], "alert");
        world.post(&ben, &format!("{path}/acknowledge"), json!({})).await.expect(200);
        told(&world, &cleo, "Ben has got this").await;
        // Not even the end of the thirty days takes it from them.
        world.hold_rounds().await;
        world.advance("31 days").await;
        assert_eq!(erased(&finish_deletions(&world).await), (&json!(0), &json!([])));
        assert_eq!(world.get(&cleo, &path).await.expect(200)["state"], "acknowledged");
        // Who has it leaves too: it is everybody's again.
        let pin = "insert into data.pins (user_id, hash, changed_at) values ($1, '$argon2id$x', rules.clock())";
        world.db.admin.execute(pin, &[&ben.id]).await.unwrap();
        leave(&world, &ben).await;
        for (channel, to) in &ben.places()[1..] {
            world.expect_message(*channel, to, "account is deleted").await;
        }
        world.expect_on_all_channels(&cleo, "not check").await;
        assert_eq!(world.get(&cleo, &path).await.expect(200)["state"], "open");
        let closed = world.post(&cleo, &format!("{path}/close"), json!({"outcome": "safe"})).await.expect(200);
        assert_eq!(closed["state"], "resolved");
        // Whoever heard the alarm hears of its end, also Ben, who has left: he may be on his way.
        for (channel, to) in &ben.places()[1..] {
            world.expect_message(*channel, to, "Cleo").await;
        }
        world.expect_on_all_channels(&cleo, "Cleo").await;
        // Now there is nothing left to wait for.
        world
            .eventually("the account is erased", "select not exists (select from data.users where id = $1)", &[&ann.id])
            .await;
        assert_eq!(connected(&world, &ann, &cleo).await, 0);
        world
    })
    .await;
}

/// R2.6: who comes back while the alert is open is expected by those who look for them.
#[tokio::test]
async fn r2_6_who_comes_back_during_the_alert_can_end_it() {
    world(|world| async move {
        let (ann, _) = world.account(NAME, ADDRESS).await;
        let ben = world.person("Ben").await;
        world.connect(&ann, &ben).await;
        world.travel_to("2027-03-01T08:00:00Z").await;
        world.schedule(&ann, "09:00", "UTC").await;
        world.travel_to("2027-03-01T09:10:00Z").await;
        world.expect_on_all_channels(&ben, "not check").await;
        leave(&world, &ann).await;
        world.expect_message(Channel::Email, ADDRESS, "account is deleted").await;
        told(&world, &ben, "stays open").await;
        let session = world.sign_in(ADDRESS, PIN).await.expect(201);
        world.expect_message(Channel::Email, ADDRESS, "account is back").await;
        told(&world, &ben, "is back").await;
        // To sign in is not to check in.
        let path = format!("/v1/members/{}", ann.id);
        assert_eq!(world.get(&ben, &path).await.expect(200)["status"], "alert");
        let ann = Person { token: session["access_token"].as_str().unwrap().to_owned(), ..ann };
        world.post(&ann, "/v1/me/check-ins", json!({})).await.expect(201);
        world.expect_on_all_channels(&ben, "has checked in").await;
        assert_eq!(world.get(&ben, &path).await.expect(200)["next"]["local_on"], "2027-03-02");
        assert_eq!(connected(&world, &ann, &ben).await, 1);
        world
    })
    .await;
}

#[tokio::test]
async fn r2_6_two_who_left_are_connected_again_once_both_are_back() {
    world(|world| async move {
        let (ann, _) = world.account(NAME, ADDRESS).await;
        let (ben, _) = world.account("Ben", "ben@example.org").await;
        for (member, contact) in [(&ann, &ben), (&ben, &ann)] {
            world.connect(member, contact).await;
        }
        leave(&world, &ann).await;
        world.expect_message(Channel::Email, ADDRESS, "account is deleted").await;
        world.expect_message(Channel::Email, "ben@example.org", "has deleted their account").await;
        leave(&world, &ben).await;
        world.expect_message(Channel::Email, "ben@example.org", "account is deleted").await;
        world.sign_in(ADDRESS, PIN).await.expect(201);
        world.expect_message(Channel::Email, ADDRESS, "Not connected any more: Ben").await;
        assert_eq!(connected(&world, &ann, &ben).await, 0);
        back(&world, &ben).await;
        world.expect_message(Channel::Email, ADDRESS, "Ben is back").await;
        assert_eq!((connected(&world, &ann, &ben).await, connected(&world, &ben, &ann).await), (1, 1));
        world
    })
    .await;
}

#[tokio::test]
async fn r2_6_what_the_limits_have_no_room_for_stays_ended_and_its_user_is_told() {
    world(|world| async move {
        let (ann, _) = world.account(NAME, ADDRESS).await;
        let (ben, cleo) = (world.person("Ben").await, world.person("Cleo").await);
        world.connect(&ben, &ann).await;
        leave(&world, &ann).await;
        world.expect_message(Channel::Email, ADDRESS, "account is deleted").await;
        told(&world, &ben, "Nobody will be told now").await;
        world.connect(&ben, &cleo).await;
        set_policy(&world, "contacts_per_member", 1).await;
        world.sign_in(ADDRESS, PIN).await.expect(201);
        world.expect_message(Channel::Email, ADDRESS, "Not connected any more: Ben. Invite them again.").await;
        assert_eq!((connected(&world, &ben, &ann).await, connected(&world, &ben, &cleo).await), (0, 1));
        world
    })
    .await;
}

#[tokio::test]
async fn r1_3_r2_6_a_contact_on_a_trial_gets_back_no_more_members_than_a_trial_has() {
    world(|world| async move {
        let (ann, _) = world.account(NAME, ADDRESS).await;
        let (ben, cleo) = (world.person("Ben").await, world.person("Cleo").await);
        world.connect(&ann, &ben).await;
        leave(&world, &ann).await;
        world.expect_message(Channel::Email, ADDRESS, "account is deleted").await;
        told(&world, &ben, "has deleted their account").await;
        world.connect(&cleo, &ben).await;
        set_policy(&world, "members_on_trial", 1).await;
        world.sign_in(ADDRESS, PIN).await.expect(201);
        world.expect_message(Channel::Email, ADDRESS, "Not connected any more: Ben. Invite them again.").await;
        assert_eq!((connected(&world, &ann, &ben).await, connected(&world, &cleo, &ben).await), (0, 1));
        world
    })
    .await;
}

/// Every row of every table, as a dump would show it.
async fn dump(world: &World) -> String {
    let tables = world
        .admin_json("select format('%I.%I', n.nspname, c.relname) as name from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname in ('data', 'billing', 'audit', 'meta') and c.relkind = 'r'")
        .await;
    let mut dump = String::new();
    for table in tables.as_array().unwrap() {
        let name = table["name"].as_str().unwrap();
        let sql = format!("select string_agg(to_jsonb(t)::text, e'\\n') as text from {name} t");
        dump += world.row(&sql, &[]).await["text"].as_str().unwrap_or_default();
    }
    assert!(dump.len() > 5000);
    dump
}

#[tokio::test]
async fn r2_6_after_thirty_days_nothing_of_a_person_is_left_but_ids() {
    world(|world| async move {
        let (ann, _) = world.account(NAME, ADDRESS).await;
        let (ben, dora, eve) = (world.person("Ben").await, world.person("Dora").await, world.person("Eve").await);
        let device = format!("/v1/me/devices/{}", uuid::Uuid::new_v4());
        world.put(&ann, &device, json!({"platform": "ios", "push_token": "annabelles-phone"})).await.expect(200);
        // Ben invites her and she accepts; she invites Zoe. Eve and she watch Dora, and do not know each other.
        let body = json!({"invitee_becomes": "member", "name": NAME, "address": email(ADDRESS)});
        let keyed = [("idempotency-key", "k")];
        let invitation = world.call(Method::POST, "/v1/invitations", Some(&ben.token), &keyed, Some(&body)).await.expect(201);
        world.expect_message(Channel::Email, ADDRESS, "Ben").await;
        world.post(&ann, "/v1/invitations/accept", json!({"code": invitation["code"]})).await.expect(200);
        told(&world, &ben, NAME).await;
        world.never_freezes(&ben).await;
        world.expect_message(Channel::Push, "annabelles-phone", "Ben").await;
        world.open_app(&ann).await;
        let body = json!({"invitee_becomes": "contact", "name": "Zoe", "address": email("zoe@example.org")});
        world.post(&ann, "/v1/invitations", body).await.expect(201);
        world.expect_message(Channel::Email, "zoe@example.org", NAME).await;
        for contact in [&ann, &eve] {
            world.connect(&dora, contact).await;
        }
        let night = json!({"quiet_hours": {"from": "22:00", "until": "07:00"}, "time_zone": "Pacific/Chatham"});
        world.put(&ann, "/v1/me/preferences", night).await.expect(200);
        // Somebody wrote her address down as theirs, and never proved it.
        world.advance("1 hour").await;
        world.post(&eve, "/v1/me/addresses", json!({"address": email(ADDRESS)})).await.expect(201);
        world.code(Channel::Email, ADDRESS, 2).await;
        world.sign_in(ADDRESS, "9999").await.refused(401, "sign-in-failed");

        // She misses a day and Ben closes it; Dora misses one and she closes it.
        world.travel_to("2027-03-01T08:00:00Z").await;
        for member in [&ann, &dora] {
            world.schedule(member, "09:00", "UTC").await;
        }
        let token = world.tokens.sign(ann.id, session_of(&world, &ann).await).unwrap();
        let ann = Person { token, ..ann };
        world.post(&ann, "/v1/me/check-ins", json!({"note": "Annabelle is fine"})).await.expect(201);
        world.travel_to("2027-03-01T09:10:00Z").await;
        world.expect_on_all_channels(&eve, "Dora").await;
        world.expect_message(Channel::Email, ADDRESS, "Dora").await;
        world.expect_message(Channel::Push, "annabelles-phone", "Dora").await;
        let alerts = world.get(&ann, "/v1/alerts").await.expect(200);
        let doras = format!("/v1/alerts/{}", alerts["items"][0]["id"].as_str().unwrap());
        world.post(&ann, &format!("{doras}/acknowledge"), json!({})).await.expect(200);
        for reader in [&eve, &dora] {
            told(&world, reader, NAME).await;
        }
        let note = json!({"outcome": "safe", "note": "Annabelle saw her"});
        world.post(&ann, &format!("{doras}/close"), note).await.expect(200);
        world.expect_on_all_channels(&eve, "Annabelle saw her").await;
        world.expect_message(Channel::Email, ADDRESS, "Annabelle saw her").await;
        world.expect_message(Channel::Push, "annabelles-phone", "Annabelle saw her").await;
        expect_nobody(&world).await;

        let deleted = leave(&world, &ann).await;
        world.expect_message(Channel::Email, ADDRESS, "account is deleted").await;
        for reader in [&ben, &dora] {
            told(&world, reader, "has deleted their account").await;
        }
        let all_of_her = "select coalesce(array_agg(encode(x.secret, 'hex')), '{}') as secrets from (select lookup from data.addresses where user_id = $1 union select sealed from data.addresses where user_id = $1) x (secret)";
        let secrets = world.row(all_of_her, &[&ann.id]).await["secrets"].as_array().unwrap().clone();
        assert_eq!(secrets.len(), 2);
        let before = dump(&world).await;
        for trace in [NAME, "Annabelle", "Chatham", "annabelles-phone", "$argon2id", secrets[0].as_str().unwrap(), secrets[1].as_str().unwrap()] {
            assert_eq!(before.contains(trace), trace != "annabelles-phone", "before: {trace}");
        }
        // Not a second before.
        let until: String = deleted["restorable_until"].as_str().unwrap().to_owned();
        let second_before = world.row("select $1::text::timestamptz - interval '1 minute' as at", &[&until]).await;
        world.travel_to(second_before["at"].as_str().unwrap()).await;
        assert_eq!(finish_deletions(&world).await["erased"], 0);
        world.travel_to(&until).await;
        world.eventually("the account is erased", "select not exists (select from data.users where id = $1)", &[&ann.id]).await;
        let after = dump(&world).await;
        for trace in [NAME, "Annabelle", "Chatham", "annabelle", "$argon2id", "zoe", "Zoe", secrets[0].as_str().unwrap(), secrets[1].as_str().unwrap()] {
            let line = after.lines().find(|line| line.contains(trace));
            assert_eq!(line, None, "{trace} is left");
        }
        // What stays is the trail, by id; and what others were told, without the name.
        assert!(after.contains(&ann.id.to_string()));
        let erased = "select count(*) from audit.events where action = 'account.erased' and subject_user_id = $1 and actor = 'pruuf_worker'";
        assert_eq!(world.number(erased, &[&ann.id]).await, 1);
        for reader in [&ben, &dora, &eve] {
            for path in ["/v1/alerts", "/v1/notifications?limit=100", "/v1/me/contacts", "/v1/members", "/v1/invitations"] {
                let token = world.tokens.sign(reader.id, session_of(&world, reader).await).unwrap();
                world.call(Method::GET, path, Some(&token), &[], None).await.expect(200);
            }
        }
        let token = world.tokens.sign(eve.id, session_of(&world, &eve).await).unwrap();
        let alerts = world.call(Method::GET, "/v1/alerts", Some(&token), &[], None).await.expect(200);
        assert!(alerts.to_string().contains("Deleted account"), "{alerts}");
        // The address is free: it knows nobody, and makes a new account.
        world.sign_in(ADDRESS, PIN).await.refused(401, "sign-in-failed");
        let ticket = world.ticket(ADDRESS, 2).await;
        let body = json!({"ticket": ticket, "name": "New", "pin": PIN});
        let new = world.post_as_nobody("/v1/auth/accounts", body).await.expect(201);
        assert_ne!(new["user_id"], json!(ann.id));
        world
    })
    .await;
}

async fn session_of(world: &World, who: &Person) -> uuid::Uuid {
    let sql = "select id from data.sessions where user_id = $1 and revoked_at is null limit 1";
    world.db.admin.query_one(sql, &[&who.id]).await.unwrap().get(0)
}

/// R9.5: one account that cannot be erased holds up neither the others nor an alert, and nobody can be erased early.
#[tokio::test]
async fn r2_6_one_that_cannot_be_erased_holds_up_nobody() {
    let world = World::without_server().await;
    let (ann, ben, cleo) = (quiet_member(&world).await, quiet_member(&world).await, quiet_member(&world).await);
    world.exactly("2027-03-01T08:00:00Z", "pruuf_user", Some(ann.id), DELETE).await.unwrap();
    world.exactly("2027-03-01T08:00:01Z", "pruuf_user", Some(ben.id), DELETE).await.unwrap();
    world.set_at(&cleo, "2027-03-30T08:00:00Z", "08:00", "UTC", "1,2,3,4,5,6,7", 1).await;
    let stuck = format!(
        "create function data.stuck() returns trigger language plpgsql as $$ begin if old.id = '{}' then raise 'stuck'; end if; return old; end $$;
         create trigger stuck before delete on data.users for each row execute function data.stuck()",
        ann.id
    );
    world.db.admin.batch_execute(&stuck).await.unwrap();
    let erase = |at: &'static str| {
        let world = &world;
        async move { world.exactly(at, "pruuf_worker", None, "jobs.finish_deletions()").await.unwrap() }
    };
    assert_eq!(erased(&erase("2027-03-31T07:59:59Z").await), (&json!(0), &json!([])));
    let done = erase("2027-03-31T08:00:01Z").await;
    assert_eq!((&done["erased"], &done["problems"][0]["row_id"]), (&json!(1), &json!(ann.id)), "{done}");
    assert_eq!(world.tick("2027-03-31T08:01:00Z").await["missed"], 1);
    // The worker cannot erase anybody who is not due, nor anybody who is there.
    for person in [&cleo, &ann] {
        let call = format!("to_jsonb(rules.finish_deletion('{}', '2027-03-02'))", person.id);
        assert_eq!(world.exactly("2027-04-02T08:00:00Z", "pruuf_worker", None, &call).await.unwrap(), json!(false));
    }
    world.stop_servers().await;
}
