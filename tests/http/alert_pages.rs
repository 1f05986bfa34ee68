//! The pages that messages about an alert link to (R6.6): what they show, what their buttons do, and to whom they are closed.

use futures_util::future::join_all;
use pruuf::dev::fakes::Channel;
use pruuf::vault::LinkPurpose;
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{Person, Reply, World, world};

const ACKNOWLEDGE: &[(&str, &str)] = &[("action", "acknowledge")];
const CLOSE: &[(&str, &str)] = &[("action", "close"), ("outcome", "safe")];
const SHOW_CARD: &[(&str, &str)] = &[("action", "show_card")];

/// The token in a message.
pub fn token_in(text: &str) -> String {
    let rest = text.split_once("http://127.0.0.1/a/").unwrap_or_else(|| panic!("no link in {text}")).1;
    rest.split(|letter: char| !letter.is_ascii_alphanumeric()).next().unwrap().to_owned()
}

/// The link in the message that told somebody of a miss.
async fn link(world: &World, who: &Person, channel: Channel) -> String {
    let to = if channel == Channel::Email { &who.email } else { &who.phone };
    let fits = |message: &&pruuf::dev::fakes::Received| {
        message.channel == channel && &message.to == to && message.text.contains("did not check in")
    };
    token_in(&world.fakes.received().iter().find(fits).unwrap().text)
}

pub async fn show(world: &World, token: &str) -> Reply {
    world.call(Method::GET, &format!("/a/{token}"), None, &[], None).await
}

/// Presses a button, as a browser does.
pub async fn press(world: &World, token: &str, form: &[(&str, &str)]) -> Reply {
    let response = world.http.post(world.url(&format!("/a/{token}"))).form(form).send().await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    Reply { status, headers, body: Value::String(response.text().await.unwrap()) }
}

/// Checks a page: its status, what it says and what it does not.
#[track_caller]
pub fn says(page: &Reply, status: u16, words: &[&str], not: &[&str]) {
    let text = page.body.as_str().unwrap();
    assert_eq!(page.status, status, "{text}");
    for word in words {
        assert!(text.contains(word), "{word:?} is missing in {text}");
    }
    for word in not {
        assert!(!text.contains(word), "{word:?} is in {text}");
    }
}

/// Aroha, whom Ben and Chloe watch, has missed her nine o'clock; both are told.
async fn alarmed(world: &World) -> (Person, Person, Person) {
    world.travel_to("2027-02-28T19:00:00Z").await;
    let (aroha, ben, chloe) = (world.person("Aroha").await, world.person("Ben").await, world.person("Chloe").await);
    world.connect(&aroha, &ben).await;
    world.connect(&aroha, &chloe).await;
    world.schedule(&aroha, "09:00", "Pacific/Auckland").await;
    world.travel_to("2027-02-28T20:10:00Z").await;
    for contact in [&ben, &chloe] {
        world.expect_on_all_channels(contact, "Aroha did not check in").await;
    }
    (aroha, ben, chloe)
}

/// What Aroha and Chloe hear when Ben takes the alert; they look at it, so that no e-mail follows.
async fn hear_of(world: &World, ben: &Person, others: &[&Person]) {
    for other in others {
        world.expect_message(Channel::Push, &other.push_token, &format!("{} has got this", ben.name)).await;
        world.open_app(other).await;
    }
}

/// Everything that a page could change; not when a job looks again.
async fn state(world: &World) -> Value {
    world
        .row(
            "select (select jsonb_agg(to_jsonb(a) - 'reach_check_at' order by id) from data.alerts a) as alerts, (select count(*) from data.alert_actions) as actions,
                    (select count(*) from data.welfare_card_looks) as looks, (select count(*) from audit.events) as trail,
                    (select jsonb_agg(to_jsonb(d) order by d.id) from data.deliveries d) as deliveries",
            &[],
        )
        .await
}

#[tokio::test]
async fn r6_6_the_page_of_an_alert_shows_it_and_a_get_changes_nothing() {
    world(|world| async move {
        let (aroha, ben, chloe) = alarmed(&world).await;
        world.settle().await;
        let card = json!({"address": "Rata Street 4", "door_code": "4711#"});
        world.put(&aroha, "/v1/me/welfare-card", card).await.expect(200);
        let before = state(&world).await;
        let tokens = [
            link(&world, &ben, Channel::Email).await,
            link(&world, &ben, Channel::Sms).await,
            link(&world, &chloe, Channel::Sms).await,
        ];
        assert!(tokens[0] != tokens[1] && tokens[1] != tokens[2]);
        for token in &tokens {
            for headers in
                [&[][..], &[("Sec-Purpose", "prefetch")], &[("Sec-Purpose", "prefetch"), ("X-Moz", "prefetch")]]
            {
                let page = world.call(Method::GET, &format!("/a/{token}"), None, headers, None).await;
                let tel = format!("href=\"tel:{}\"", aroha.phone);
                let words = [
                    "Aroha did not check in",
                    "09:00 on Monday 1 March (Auckland time)",
                    "never",
                    &tel,
                    "I’ve got this",
                    "Show the welfare card",
                    "Close the alert",
                    "emergency number",
                    "method=\"post\"",
                ];
                says(&page, 200, &words, &["<script", "4711#", "Rata Street", token, &ben.email, &aroha.email]);
                for (name, value) in [
                    ("content-type", "text/html; charset=utf-8"),
                    ("cache-control", "no-store"),
                    ("referrer-policy", "no-referrer"),
                    ("x-robots-tag", "noindex, nofollow"),
                    ("x-frame-options", "DENY"),
                ] {
                    assert_eq!(page.headers[name], value, "{name}");
                }
                let policy = page.headers["content-security-policy"].to_str().unwrap();
                assert!(policy.contains("default-src 'none'") && policy.contains("form-action 'self'"), "{policy}");
                assert!(
                    !policy.contains("script")
                        && !policy.contains("unsafe")
                        && page.headers.get("set-cookie").is_none()
                );
            }
            let head = world.call(Method::HEAD, &format!("/a/{token}"), None, &[], None).await;
            assert_eq!((head.status, head.body.as_str()), (200, Some("")));
            for method in [Method::PUT, Method::DELETE, Method::PATCH] {
                assert_eq!(world.call(method, &format!("/a/{token}"), None, &[], None).await.status, 405);
            }
        }
        let bens = show(&world, &tokens[0]).await;
        says(&world.call(Method::GET, "/open", None, &[], None).await, 200, &["Open the Pruuf app"], &["<form"]);
        says(&bens, 200, &["Also told: Chloe", "for Ben alone"], &[]);
        says(&show(&world, &tokens[2]).await, 200, &["Also told: Ben", "for Chloe alone"], &[]);
        assert_eq!(state(&world).await, before);
        // A browser takes the style by its hash.
        let text = bens.body.as_str().unwrap();
        let style = text.split("<style>").nth(1).unwrap().split("</style>").next().unwrap();
        let hash = {
            use base64::Engine as _;
            use sha2::Digest as _;
            base64::engine::general_purpose::STANDARD.encode(sha2::Sha256::digest(style))
        };
        assert!(bens.headers["content-security-policy"].to_str().unwrap().contains(&hash));
        world
    })
    .await;
}

#[tokio::test]
async fn r6_6_acknowledging_and_closing_by_a_link_is_what_the_app_does_and_twice_is_once() {
    world(|world| async move {
        let (aroha, ben, chloe) = alarmed(&world).await;
        let (bens, chloes) = (link(&world, &ben, Channel::Sms).await, link(&world, &chloe, Channel::Email).await);
        let form = &[("action", "acknowledge"), ("arrives_in_minutes", "30")];
        for page in join_all([press(&world, &bens, form), press(&world, &bens, form)]).await {
            says(&page, 200, &["You have this", "at about 09:40"], &["role=\"alert\"", "button class=\"main\""]);
        }
        says(&press(&world, &bens, ACKNOWLEDGE).await, 200, &["at about 09:40"], &["role=\"alert\""]);
        hear_of(&world, &ben, &[&aroha, &chloe]).await;
        let alert = world.get(&chloe, "/v1/alerts").await.expect(200)["items"][0].clone();
        assert_eq!((&alert["state"], &alert["acknowledged_by"]["name"]), (&json!("acknowledged"), &json!("Ben")));
        // The delivery whose link a person pressed a button of has reached a person; the others nobody knows of.
        let confirmed = "select count(*) filter (where d.state = 'confirmed' and d.channel = 'sms') as his_sms, count(*) filter (where d.state = 'confirmed') as all
                           from data.deliveries d join data.notifications n on n.id = d.notification_id where n.kind = 'missed' and n.user_id in ($1, $2)";
        assert_eq!(world.row(confirmed, &[&ben.id, &chloe.id]).await, json!({"his_sms": 1, "all": 1}));

        // Somebody else has it: told so, and nothing changes.
        says(&show(&world, &chloes).await, 200, &["<b>Ben has this</b>, and will be there at about 09:40"], &["button class=\"main\""]);
        says(&press(&world, &chloes, ACKNOWLEDGE).await, 409, &["Ben was first", "Ben has this"], &["You have this"]);
        assert_eq!(world.row(confirmed, &[&ben.id, &chloe.id]).await, json!({"his_sms": 1, "all": 2}));

        let close = &[("action", "close"), ("outcome", "got_help"), ("note", " At the hospital.\r\nAll is <well>. ")];
        for page in join_all([press(&world, &chloes, close), press(&world, &chloes, close)]).await {
            says(&page, 200, &["You closed it", "got help", "At the hospital.<br>All is &lt;well&gt;.”"], &["role=\"alert\"", "<form", "tel:"]);
        }
        world.expect_on_all_channels(&ben, "closed the alert").await;
        world.expect_on_all_channels(&chloe, "closed the alert").await;
        says(&show(&world, &bens).await, 200, &["Chloe closed it", "has not checked in"], &["<form"]);
        for form in [CLOSE, ACKNOWLEDGE] {
            says(&press(&world, &bens, form).await, 409, &["It was over already", "Chloe closed it"], &["<form"]);
        }
        let actions = "select jsonb_agg(jsonb_build_array(u.name, x.action, x.outcome, x.note) order by x.id) as did from data.alert_actions x join data.users u on u.id = x.user_id";
        let did = json!({"did": [["Ben", "acknowledge", null, null], ["Chloe", "close", "got_help", "At the hospital.\nAll is <well>."]]});
        assert_eq!(world.row(actions, &[]).await, did);
        // In the trail as theirs, with the request, and no token anywhere.
        let trail = "select count(*) from audit.events where action in ('alert.acknowledged', 'alert.resolved') and actor_user_id in ($1, $2) and request_id is not null and ip is not null";
        assert_eq!(world.number(trail, &[&ben.id, &chloe.id]).await, 2);
        let leaked = "select count(*) from (select to_jsonb(e)::text as row from audit.events e union all select to_jsonb(d)::text from data.deliveries d
                        union all select to_jsonb(n)::text from data.notifications n) as all_rows where row like '%' || $1 || '%' or row like '%' || $2 || '%'";
        assert_eq!(world.number(leaked, &[&bens, &chloes]).await, 0);
        world
    })
    .await;
}

#[tokio::test]
async fn r6_6_r4_9_attesting_by_a_link_ends_todays_alert_on_the_contacts_word() {
    world(|world| async move {
        let (_, ben, chloe) = alarmed(&world).await;
        let (bens, chloes) = (link(&world, &ben, Channel::Sms).await, link(&world, &chloe, Channel::Email).await);
        says(&show(&world, &bens).await, 200, &["I have seen or spoken to Aroha"], &[]);
        for _ in 0..2 {
            let page = press(&world, &bens, &[("action", "attest")]).await;
            says(&page, 200, &["You have seen or spoken to Aroha", "has not checked in"], &["role=\"alert\"", "<form"]);
        }
        for contact in [&ben, &chloe] {
            world.expect_on_all_channels(contact, "Ben has seen or spoken to Aroha").await;
        }
        says(&show(&world, &chloes).await, 200, &["Ben has seen or spoken to Aroha"], &["<form"]);
        // Loaded again the day after, it says nothing of that day.
        world.travel_to("2027-03-01T12:00:00Z").await;
        says(&press(&world, &bens, &[("action", "attest")]).await, 409, &["not about today"], &[]);
        assert_eq!(world.number("select count(*) from data.obligations where state = 'excused'", &[]).await, 0);
        world
    })
    .await;
}

#[tokio::test]
async fn r6_6_of_two_contacts_at_once_the_first_has_it_and_the_other_is_told_who() {
    world(|world| async move {
        let (aroha, ben, chloe) = alarmed(&world).await;
        let tokens = [link(&world, &ben, Channel::Email).await, link(&world, &chloe, Channel::Email).await];
        let pages = join_all(tokens.iter().map(|token| press(&world, token, ACKNOWLEDGE))).await;
        let (first, second) = if pages[0].status == 200 { (0, 1) } else { (1, 0) };
        let people = [&ben, &chloe];
        says(&pages[first], 200, &["You have this"], &[]);
        says(&pages[second], 409, &[&format!("{} was first", people[first].name)], &["You have this"]);
        hear_of(&world, people[first], &[&aroha, people[second]]).await;
        world
    })
    .await;
}

#[tokio::test]
async fn r1_5_r6_6_the_welfare_card_opens_by_a_button_and_each_look_is_kept() {
    world(|world| async move {
        let (aroha, ben, chloe) = alarmed(&world).await;
        let token = link(&world, &ben, Channel::Email).await;
        let looks = "select count(*) from data.welfare_card_looks where member_id = $1 and looked_by = $2";
        says(&show(&world, &token).await, 200, &[], &["welfare card"]);
        says(&press(&world, &token, SHOW_CARD).await, 404, &["The welfare card is not shown now"], &[]);
        let card = json!({"address": "Rata Street 4\nback door", "door_code": "<4711#>", "try_first": "ring twice"});
        world.put(&aroha, "/v1/me/welfare-card", card).await.expect(200);
        says(&show(&world, &token).await, 200, &["Show the welfare card"], &["4711#"]);
        assert_eq!(world.number(looks, &[&aroha.id, &ben.id]).await, 0);
        for look in 1..=2 {
            let page = press(&world, &token, SHOW_CARD).await;
            says(
                &page,
                200,
                &["Rata Street 4<br>back door", "&lt;4711#&gt;", "ring twice", "I’ve got this"],
                &["Doctor"],
            );
            assert_eq!(page.headers["cache-control"], "no-store");
            assert_eq!(world.number(looks, &[&aroha.id, &ben.id]).await, look);
        }
        let seen = world.get(&aroha, "/v1/me/welfare-card").await.expect(200);
        assert_eq!(seen["looks"][0]["by"]["name"], "Ben");
        // Over: nothing more to see, for nobody.
        world.post(&aroha, "/v1/me/check-ins", json!({})).await.expect(201);
        world.expect_on_all_channels(&ben, "checked in").await;
        world.expect_on_all_channels(&chloe, "checked in").await;
        says(
            &press(&world, &token, SHOW_CARD).await,
            404,
            &["Aroha checked in", "The welfare card is not shown now"],
            &["4711#"],
        );
        assert_eq!(world.number(looks, &[&aroha.id, &ben.id]).await, 2);
        world
    })
    .await;
}

#[tokio::test]
async fn r6_6_a_link_that_is_not_whole_or_not_ours_opens_nothing() {
    world(|world| async move {
        let (aroha, ben, _) = alarmed(&world).await;
        let token = link(&world, &ben, Channel::Email).await;
        world.settle().await;
        let before = state(&world).await;
        let of = |kind: &str, channel: &str, who: &Person| {
            let sql = format!(
                "select d.id from data.deliveries d join data.notifications n on n.id = d.notification_id where n.kind = '{kind}' and d.channel = '{channel}' and n.user_id = '{}'",
                who.id
            );
            let world = &world;
            async move { world.row(&sql, &[]).await["id"].as_str().unwrap().parse::<Uuid>().unwrap() }
        };
        let (mail, push) = (of("missed", "email", &ben).await, of("missed", "push", &ben).await);
        assert_eq!(world.vault.link_token(LinkPurpose::Alert, mail), token);
        let other_key = pruuf::vault::Vault::new(vec![[9; 32]]).link_token(LinkPurpose::Alert, mail);
        let changed = |place: usize| {
            let letter = if &token[place..=place] == "x" { "y" } else { "x" };
            format!("{}{letter}{}", &token[..place], &token[place + 1..])
        };
        let mut wrong = vec![
            token[..28].to_owned(), format!("{token}x"), format!("{token}."), token.to_lowercase() + "A", "x".to_owned(),
            "0".repeat(29), "z".repeat(29), "%F0%9F%92%A5".to_owned(), "x".repeat(5_000), mail.to_string(), other_key,
            // A push has no link, so its token is none, however right.
            world.vault.link_token(LinkPurpose::Alert, push),
            world.vault.link_token(LinkPurpose::Alert, Uuid::now_v7()),
        ];
        wrong.extend((0..29).map(changed));
        for token in &wrong {
            for page in [show(&world, token).await, press(&world, token, CLOSE).await] {
                says(&page, 404, &["This link leads nowhere", "call them"], &["Aroha", "<form"]);
                assert_eq!((&page.headers["cache-control"], &page.headers["x-robots-tag"]), (&"no-store".parse().unwrap(), &"noindex, nofollow".parse().unwrap()));
            }
        }
        // Buttons that the page does not have: the page comes, and nothing is done.
        for form in [&[("action", "cancel")][..], &[], &[("action", "close")], &[("action", "close"), ("outcome", "dead")], &[("outcome", "safe")],
            &[("action", "acknowledge"), ("arrives_in_minutes", "99999")], &[("action", "close"), ("outcome", "safe"), ("note", &"x".repeat(1001))]]
        {
            says(&press(&world, &token, form).await, 422, &["That did not work", "Aroha did not check in"], &["You have this"]);
        }
        let page = world.call(Method::POST, &format!("/a/{token}"), None, &[], Some(&json!({"action": "close", "outcome": "safe"}))).await;
        says(&page, 422, &["That did not work"], &[]);
        let now = state(&world).await;
        assert_eq!((&now["alerts"], &now["actions"]), (&before["alerts"], &before["actions"]));
        // Not for the Member, who has none, and not for one-time codes or whatever else is sent.
        says(&show(&world, &token).await, 200, &["Aroha did not check in"], &[]);
        assert!(!world.fakes.received().iter().any(|message| message.to == aroha.email && message.text.contains("/a/")));
        world
    })
    .await;
}

#[tokio::test]
async fn r6_6_a_link_ends_with_its_time_a_day_after_its_alert_and_with_the_connection() {
    world(|world| async move {
        let (aroha, ben, chloe) = alarmed(&world).await;
        let (bens, chloes) = (link(&world, &ben, Channel::Email).await, link(&world, &chloe, Channel::Sms).await);
        // A Contact who is removed sees nothing more, at once.
        world.delete(&aroha, &format!("/v1/me/contacts/{}", chloe.id)).await.expect(204);
        world.expect_message(Channel::Push, &chloe.push_token, "Aroha").await;
        world.open_app(&chloe).await;
        for page in
            [show(&world, &chloes).await, press(&world, &chloes, CLOSE).await, press(&world, &chloes, SHOW_CARD).await]
        {
            says(&page, 404, &["no longer a contact"], &["Aroha", "tel:"]);
        }
        // A session that ends does not end the link.
        world
            .db
            .admin
            .execute(
                "update data.sessions set revoked_at = rules.clock(), revoked_reason = 'signed_out' where user_id = $1",
                &[&ben.id],
            )
            .await
            .unwrap();
        says(&press(&world, &bens, CLOSE).await, 200, &["You closed it"], &[]);
        world.expect_on_all_channels(&ben, "closed the alert").await;
        world.expect_on_all_channels(&chloe, "closed the alert").await;
        // She checks in the next morning, else there is another alert.
        world.advance("23 hours").await;
        world.post(&aroha, "/v1/me/check-ins", json!({})).await.expect(201);
        world.advance("59 minutes").await;
        says(&show(&world, &bens).await, 200, &["You closed it"], &[]);
        world.advance("2 minutes").await;
        for page in [show(&world, &bens).await, press(&world, &bens, ACKNOWLEDGE).await] {
            says(&page, 410, &["This link no longer works"], &["Aroha", "<form"]);
        }
        world
    })
    .await;
}
