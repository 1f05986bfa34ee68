//! English and Spanish (R7.7), and how to reach a Member in the messages of their alert (R6.7).

use pruuf::dev::fakes::{Channel, Received};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::accounts::{PIN, email};
use crate::support::{Person, Reply, World, world};

const IN_SPANISH: &[(&str, &str)] = &[("accept-language", "es-419,es;q=0.9,en;q=0.5")];

async fn set_language(world: &World, who: &Person, language: &str) {
    let body = json!({"language": language});
    let me = world.call(Method::PATCH, "/v1/me", Some(&who.token), &[], Some(&body)).await.expect(200);
    assert_eq!(me["language"], language);
}

async fn post_as(world: &World, headers: &[(&str, &str)], path: &str, body: Value) -> Reply {
    world.call(Method::POST, path, None, headers, Some(&body)).await
}

/// The newest message that came to a place.
fn newest(world: &World, channel: Channel, to: &str) -> Received {
    world.fakes.received().into_iter().rfind(|it| it.channel == channel && it.to == to && it.has_arrived()).unwrap()
}

/// R7.7: each reader's own language, over every channel, in the app and on the page that a message links to.
#[tokio::test]
async fn r7_7_everybody_is_told_in_their_own_language() {
    world(|world| async move {
        let (member, ana, ben) = (world.person("Aroha").await, world.person("Ana").await, world.person("Ben").await);
        for contact in [&ana, &ben] {
            world.connect(&member, contact).await;
        }
        set_language(&world, &ana, "es").await;
        world.give_schedules(&[member.id]).await;
        world.miss(&[member.id]).await;
        world.expect_on_all_channels(&ben, "did not check in").await;
        world.expect_message(Channel::Push, &ana.push_token, "Aroha no ha avisado que está bien").await;
        let mail = world.expect_message(Channel::Email, &ana.email, "Aroha no ha avisado que está bien").await;
        let html = mail.raw["html"].as_str().unwrap();
        assert!(html.contains("<html lang=\"es\">") && html.contains("También lo saben: Ben"), "{html}");
        // One message of the carriers', without the accents that would make it three.
        let sms = world.expect_message(Channel::Sms, &ana.phone, "Aroha no ha avisado que esta bien. Hora: ").await;
        assert!(sms.text.contains("última señal") || sms.text.contains("ultima señal"), "{}", sms.text);

        let list = world.get(&ana, "/v1/notifications").await.expect(200);
        assert_eq!(list["items"][0]["title"], "Aroha no ha avisado que está bien");
        let page = sms.text.split_once("http://127.0.0.1").unwrap().1.to_owned();
        let page = world.call(Method::GET, &page, None, &[("accept-language", "en")], None).await.expect(200);
        let page = page.as_str().unwrap();
        assert!(page.contains("<html lang=\"es\">") && page.contains("Me encargo yo"), "{page}");

        // It is theirs to change, and counts from the next message on.
        set_language(&world, &ana, "en").await;
        let trail = world.admin_json("select details from audit.events where action = 'account.changed'").await;
        assert_eq!(
            trail,
            json!([{"details": {"name": false, "language": true}}, {"details": {"name": false, "language": true}}])
        );
        world.post(&member, "/v1/me/check-ins", json!({})).await.expect(201);
        for contact in [&ana, &ben] {
            world.expect_on_all_channels(contact, "has checked in").await;
        }
        world
    })
    .await;
}

/// R7.7: a code and an account, in the language that the app asks for; an account's own wins over it.
#[tokio::test]
async fn r7_7_whoever_signs_up_is_written_to_in_the_language_of_their_app() {
    world(|world| async move {
        for (number, (headers, chosen, language, words)) in [
            (IN_SPANISH, Value::Null, "es", "Su código es"),
            (&[][..], Value::Null, "en", "Your code is"),
            (&[("accept-language", "fr")][..], Value::Null, "en", "Your code is"),
            (IN_SPANISH, json!("en"), "en", "Su código es"),
            (&[][..], json!("es"), "es", "Your code is"),
        ]
        .into_iter()
        .enumerate()
        {
            let address = format!("ana{number}@example.org");
            post_as(&world, headers, "/v1/auth/codes", json!({"address": email(&address)})).await.expect(200);
            let code = world.code(Channel::Email, &address, 1).await;
            assert!(newest(&world, Channel::Email, &address).text.contains(words));
            let ticket = world.type_code(&address, &code).await.expect(200)["ticket"].clone();
            let mut body = json!({"ticket": ticket, "name": "Ana", "pin": PIN});
            if !chosen.is_null() {
                body["language"] = chosen;
            }
            let session = post_as(&world, headers, "/v1/auth/accounts", body).await.expect(201);
            let token = session["access_token"].as_str().unwrap();
            let me = world.call(Method::GET, "/v1/me", Some(token), &[], None).await.expect(200);
            assert_eq!(me["language"], language, "{number}");
        }
        let unknown = json!({"ticket": "x", "name": "Ana", "pin": PIN, "language": "tlh"});
        let refused = post_as(&world, &[], "/v1/auth/accounts", unknown).await.refused(422, "invalid");
        assert_eq!(refused["errors"][0]["pointer"], "/language");

        // Whoever has an account reads their own language, whatever app asks, and the answer does not tell.
        world.advance("2 minutes").await;
        let ask = |address: &'static str| {
            post_as(&world, &[("accept-language", "en")], "/v1/auth/codes", json!({"address": email(address)}))
        };
        let known = ask("ana0@example.org").await.expect(200);
        let unknown = ask("nobody@example.org").await.expect(200);
        assert_eq!(
            known.as_object().unwrap().keys().collect::<Vec<_>>(),
            unknown.as_object().unwrap().keys().collect::<Vec<_>>()
        );
        world.code(Channel::Email, "ana0@example.org", 2).await;
        world.code(Channel::Email, "nobody@example.org", 1).await;
        assert!(newest(&world, Channel::Email, "ana0@example.org").text.contains("Su código es"));
        assert!(newest(&world, Channel::Email, "nobody@example.org").text.contains("Your code is"));
        world
    })
    .await;
}

/// R7.7: an invitation to an address without account comes in its sender's language, to one with an account in its own; what the
/// link shows tells nobody that there is one.
#[tokio::test]
async fn r7_7_an_invitation_is_in_its_senders_language_unless_its_reader_has_one() {
    world(|world| async move {
        let (ana, ben) = (world.person("Ana").await, world.person("Ben").await);
        set_language(&world, &ana, "es").await;
        let invite = |from: Person, to: String| {
            let world = &world;
            async move {
                let body = json!({"invitee_becomes": "contact", "name": "Somebody", "address": email(&to)});
                world.post(&from, "/v1/invitations", body).await.expect(201);
                let mail = world.expect_message(Channel::Email, &to, &from.name).await;
                let path = mail.text.split_once("http://127.0.0.1").unwrap().1.lines().next().unwrap().trim().to_owned();
                (mail.title.unwrap(), path)
            }
        };
        let show = |path: String, headers: &'static [(&'static str, &'static str)]| {
            let world = &world;
            async move { world.call(Method::GET, &path, None, headers, None).await.expect(200).as_str().unwrap().to_owned() }
        };
        let (title, path) = invite(ana.clone(), "new@example.org".to_owned()).await;
        assert_eq!(title, "Ana le invita a Pruuf");
        assert!(show(path.clone(), &[]).await.contains("Su código es"));
        assert!(show(path, &[("accept-language", "en-NZ")]).await.contains("Your code is"));
        let (title, path) = invite(ben.clone(), ana.email.clone()).await;
        assert_eq!(title, "Ben le invita a Pruuf");
        assert!(show(path, &[]).await.contains("Your code is"), "it must not tell what language an account has");
        let (title, _) = invite(ana.clone(), ben.email.clone()).await;
        assert_eq!(title, "Ana invites you to Pruuf");

        // Nobody's pages, in what the browser asks for.
        for (path, spanish, english) in [
            ("/a/nothing", "Este enlace no lleva a nada", "This link leads nowhere"),
            ("/i/nothing", "Esta invitación no se puede usar", "This invitation cannot be used"),
            ("/open", "Un toque al día", "One tap a day"),
        ] {
            let page = world.call(Method::GET, path, None, IN_SPANISH, None).await;
            assert!(page.body.as_str().unwrap().contains(spanish), "{:#}", page.body);
            let page = world.call(Method::GET, path, None, &[], None).await;
            assert!(page.body.as_str().unwrap().contains(english), "{:#}", page.body);
        }
        world
    })
    .await;
}

/// R6.7: how to reach the Member, in every message of an open alert to their Contacts, and in no other.
#[tokio::test]
async fn r6_7_the_messages_of_an_alert_say_how_to_reach_the_member() {
    world(|world| async move {
        let (member, ben, dora) = (world.person("Aroha").await, world.person("Ben").await, world.person("Dora").await);
        world.connect(&member, &ben).await;
        world.connect(&member, &dora).await;
        world.connect(&dora, &member).await;
        world.give_schedules(&[member.id]).await;
        // One that takes no SMS still rings; one that nobody proved may be anybody's.
        let off = "update data.addresses set off_at = rules.clock(), off_reason = 'landline' where kind = 'phone' and user_id = $1";
        world.db.admin.execute(off, &[&member.id]).await.unwrap();
        world.post(&member, "/v1/me/addresses", json!({"address": {"kind": "phone", "value": "+64215550199"}})).await.expect(201);
        world.code(Channel::Sms, "+64215550199", 1).await;
        // A number that cannot be opened holds up nothing.
        let broken = "insert into data.addresses (user_id, kind, lookup, sealed, verified_at, created_at)
                      values ($1, 'phone', '\\x01', '\\x02', rules.clock(), rules.clock() - interval '1 day')";
        world.db.admin.execute(broken, &[&member.id]).await.unwrap();
        world.miss(&[member.id]).await;
        for contact in [&ben, &dora] {
            for (channel, to) in contact.places() {
                let came = world.expect_message(channel, &to, "did not check in").await;
                assert!(came.text.contains(&member.phone), "{channel:?}: {}", came.text);
                assert!(!came.text.contains("+64215550199"), "{}", came.text);
            }
        }
        let html = newest(&world, Channel::Email, &ben.email).raw["html"].as_str().unwrap().to_owned();
        assert!(html.contains(&format!("<a href=\"tel:{}\">", member.phone)), "{html}");
        world.settle().await;

        // The next round calls, too, and says it digit by digit.
        world.advance("10 minutes").await;
        for contact in [&ben, &dora] {
            for (channel, to) in contact.places() {
                let came = world.expect_message(channel, &to, "has still not checked in").await;
                assert!(came.text.contains(&member.phone), "{channel:?}: {}", came.text);
            }
            let called = world.expect_message(Channel::Voice, &contact.phone, "has still not checked in").await;
            let digits: Vec<String> = member.phone[1..].chars().map(String::from).collect();
            let said = digits.chunks(3).map(|group| group.join(" ")).collect::<Vec<_>>().join(", ");
            assert!(called.text.contains(&said) && !called.text.contains(&member.phone), "{}", called.text);
        }
        world.settle().await;

        // Not what is told to the Member, and nothing once it is over.
        let alert = world.get(&ben, "/v1/alerts").await.expect(200)["items"][0]["id"].as_str().unwrap().to_owned();
        world.post(&ben, &format!("/v1/alerts/{alert}/acknowledge"), json!({})).await.expect(200);
        for person in [&member, &dora] {
            let came = world.expect_message(Channel::Push, &person.push_token, "Ben has got this").await;
            assert!(!came.text.contains(&member.phone), "{}", came.text);
            world.open_app(person).await;
        }
        world.post(&member, "/v1/me/check-ins", json!({})).await.expect(201);
        for contact in [&ben, &dora] {
            for (channel, to) in contact.places() {
                let came = world.expect_message(channel, &to, "has checked in").await;
                assert!(!came.text.contains(&member.phone), "{}", came.text);
            }
            world.expect_message(Channel::Voice, &contact.phone, "has checked in").await;
        }
        let kept = world.admin_json("select n.facts, a.facts as alert from data.notifications n left join data.alerts a on a.id = n.alert_id").await;
        assert!(!kept.to_string().contains(&member.phone), "nothing of it is stored");
        world
    })
    .await;
}
