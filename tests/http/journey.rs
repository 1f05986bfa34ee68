//! The main job, end to end, as people do it: from sign-up to the all-clear.

use pruuf::dev::fakes::Channel;
use serde_json::{Value, json};

use crate::support::{Person, World, world};

/// R2.1, R2.2, R7.6: an account by a code to an e-mail address, then a phone and a device.
async fn sign_up(world: &World, name: &str, email: &str, phone: &str) -> Person {
    let address = json!({"kind": "email", "value": email});
    world.post_as_nobody("/v1/auth/codes", json!({"address": address})).await.expect(200);
    let mail = world.expect_message(Channel::Email, email, "code").await;
    let ticket = world
        .post_as_nobody("/v1/auth/codes/verify", json!({"address": address, "code": six_digits(&mail.text)}))
        .await
        .expect(200);
    assert_eq!(ticket["account_exists"], false);
    let session = world
        .post_as_nobody("/v1/auth/accounts", json!({"ticket": ticket["ticket"], "name": name, "pin": "4829"}))
        .await
        .expect(201);
    let mut person = Person {
        id: session["user_id"].as_str().unwrap().parse().unwrap(),
        name: name.to_owned(),
        token: session["access_token"].as_str().unwrap().to_owned(),
        email: email.to_owned(),
        phone: phone.to_owned(),
        push_token: format!("token of {name}"),
    };
    let added = world
        .post(&person, "/v1/me/addresses", json!({"address": {"kind": "phone", "value": phone}}))
        .await
        .expect(201);
    assert_eq!(added["verified_at"], Value::Null);
    let text = world.expect_message(Channel::Sms, phone, "code").await;
    let path = format!("/v1/me/addresses/{}/verify", added["id"].as_str().unwrap());
    world.post(&person, &path, json!({"code": six_digits(&text.text)})).await.expect(200);
    world.expect_message(Channel::Email, email, "An address was added").await;
    let path = format!("/v1/me/devices/{}", uuid::Uuid::new_v4());
    world.put(&person, &path, json!({"platform": "ios", "push_token": person.push_token})).await.expect(200);
    // The PIN opens the account again.
    let again = world.post_as_nobody("/v1/auth/sessions", json!({"address": address, "pin": "4829"})).await.expect(201);
    person.token = again["access_token"].as_str().unwrap().to_owned();
    person
}

fn six_digits(text: &str) -> String {
    text.split(|letter: char| !letter.is_ascii_digit()).find(|run| run.len() == 6).unwrap().to_owned()
}

/// R3.1, R4.4, R6.1, R6.4, R6.5: invited, connected, missed, acknowledged, checked in late, all clear.
#[tokio::test]
async fn r6_1_a_missed_check_in_reaches_every_contact_until_the_member_is_back() {
    world(|world| async move {
        let aroha = sign_up(&world, "Aroha", "aroha@example.org", "+64211234567").await;
        let ben = sign_up(&world, "Ben", "ben@example.org", "+64211234568").await;
        let chloe = sign_up(&world, "Chloe", "chloe@example.org", "+64211234569").await;

        // The Member invites one, the other invites the Member.
        let invitation = json!({"invitee_becomes": "contact", "name": "Ben", "address": {"kind": "email", "value": "ben@example.org"}});
        let invited = world.post(&aroha, "/v1/invitations", invitation).await.expect(201);
        let mail = world.expect_message(Channel::Email, "ben@example.org", "Aroha").await;
        assert!(mail.text.contains(invited["code"].as_str().unwrap()), "{}", mail.text);
        let accepted = world.post(&ben, "/v1/invitations/accept", json!({"code": invited["code"]})).await.expect(200);
        assert_eq!((&accepted["you_are"], &accepted["other"]["name"]), (&json!("contact"), &json!("Aroha")));
        let invitation = json!({"invitee_becomes": "member", "name": "Aroha", "address": {"kind": "phone", "value": "+64211234567"}});
        let invited = world.post(&chloe, "/v1/invitations", invitation).await.expect(201);
        world.expect_message(Channel::Sms, "+64211234567", "Chloe").await;
        world.post(&aroha, "/v1/invitations/accept", json!({"code": invited["code"]})).await.expect(200);
        for (person, other) in [(&aroha, "Ben"), (&ben, "Aroha"), (&aroha, "Chloe"), (&chloe, "Aroha")] {
            world.expect_message(Channel::Push, &person.push_token, other).await;
        }

        for person in [&aroha, &ben, &chloe] {
            world.open_app(person).await;
        }

        for contact in [&ben, &chloe] {
            world.never_freezes(contact).await;
        }
        world.travel_to("2027-03-01T18:00:00Z").await;
        let token = world.post_as_nobody("/v1/auth/sessions", json!({"address": {"kind": "email", "value": "aroha@example.org"}, "pin": "4829"})).await.expect(201);
        let aroha = Person { token: token["access_token"].as_str().unwrap().to_owned(), ..aroha };
        let set = world.schedule(&aroha, "09:00", "Pacific/Auckland").await;
        assert_eq!(set["next"]["due_at"], "2027-03-01T20:00:00+00:00");
        let tapped = world.post(&aroha, "/v1/me/check-ins", json!({"note": "Fine"})).await.expect(201);
        assert_eq!((&tapped["met"][0]["state"], &tapped["next"]["alert_at"]), (&json!("met"), &json!("2027-03-02T20:10:00+00:00")));

        world.travel_to("2027-03-02T20:09:58Z").await;
        assert_eq!(world.get(&ben, "/v1/alerts").await.expect(200)["items"], json!([]));
        world.travel_to("2027-03-02T20:10:00Z").await;
        for contact in [&ben, &chloe] {
            world.expect_on_all_channels(contact, "Aroha").await;
        }
        let alert = world.get(&ben, "/v1/alerts?unresolved=true").await.expect(200)["items"][0].clone();
        assert_eq!((&alert["state"], &alert["member"]["name"], &alert["due"]["local_time"]), (&json!("open"), &json!("Aroha"), &json!("09:00:00")));
        assert_eq!(world.get(&chloe, "/v1/members").await.expect(200)["items"][0]["status"], "alert");

        let path = format!("/v1/alerts/{}", alert["id"].as_str().unwrap());
        let taken = world.post(&ben, &format!("{path}/acknowledge"), json!({"arrives_at": "2027-03-02T20:40:00Z"})).await.expect(200);
        assert_eq!((&taken["state"], &taken["acknowledged_by"]["name"]), (&json!("acknowledged"), &json!("Ben")));
        world.post(&chloe, &format!("{path}/acknowledge"), json!({})).await.refused(409, "alert-has-an-owner");
        for person in [&chloe, &aroha] {
            world.expect_message(Channel::Push, &person.push_token, "Ben").await;
            world.open_app(person).await;
        }

        let back = world.post(&aroha, "/v1/me/check-ins", json!({})).await.expect(201);
        assert_eq!((&back["resolved_alerts"][0], &back["met"][0]["state"]), (&alert["id"], &json!("met_late")));
        for contact in [&ben, &chloe] {
            world.expect_on_all_channels(contact, "Aroha").await;
        }
        let over = world.get(&chloe, &path).await.expect(200);
        assert_eq!((&over["state"], &over["resolved_how"]), (&json!("resolved"), &json!("checked_in")));
        let history = world.get(&ben, &format!("/v1/members/{}/history", aroha.id)).await.expect(200);
        assert_eq!((&history["totals"]["met"], &history["totals"]["met_late"], &history["totals"]["current_streak"]), (&json!(1), &json!(1), &json!(2)));

        world.verify_trail().await;
        world.trail_tells_nothing(&["Aroha", "Ben", "Chloe", "4829", "Fine", "token of", invited["code"].as_str().unwrap()]).await;
        world
    })
    .await;
}
