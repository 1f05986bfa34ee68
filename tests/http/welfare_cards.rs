//! Welfare cards (rule R1.5): who sees one, when, and who looked.

use std::process::Command;

use pruuf::dev::fakes::Channel;
use serde_json::{Value, json};

use crate::support::{Person, Reply, World, world};

const WORDS: [&str; 7] = [
    "Rata Street 4",
    "Mrs Kowhai next door",
    "4711#",
    "Dr Pohutukawa",
    "Warfarin 3 mg",
    "a cat called Tui",
    "ring the bell twice",
];

fn card() -> Value {
    let [address, key_holder, door_code, doctor, medicines, pets, try_first] = WORDS;
    json!({"address": address, "key_holder": key_holder, "door_code": door_code, "doctor": doctor, "medicines": medicines, "pets": pets, "try_first": try_first})
}

/// The card alone, without what the server adds.
fn said(body: &Value) -> Value {
    let mut said = body.clone();
    for added in ["shown_always", "changed_at", "looks"] {
        said.as_object_mut().unwrap().remove(added);
    }
    said
}

async fn look(world: &World, who: &Person, member: &Person) -> Reply {
    world.get(who, &format!("/v1/members/{}/welfare-card", member.id)).await
}

/// How many cards somebody gets who talks to the database directly.
async fn in_sql(world: &World, who: &Person) -> usize {
    let session = world.db.session_as("pruuf_user", Some(who.id)).await;
    session.query("select sealed from data.welfare_cards", &[]).await.unwrap().len()
}

#[tokio::test]
async fn r1_5_contacts_see_the_card_while_an_alert_is_open_and_every_look_is_kept() {
    world(|world| async move {
        let (aroha, ben) = (world.person("Aroha").await, world.person("Ben").await);
        let (former, stranger) = (world.person("Former").await, world.person("Stranger").await);
        world.connect(&aroha, &ben).await;
        world.connect(&aroha, &former).await;
        world.delete(&former, &format!("/v1/members/{}", aroha.id)).await.expect(204);
        world.expect_message(Channel::Push, &aroha.push_token, "Former").await;
        world.open_app(&aroha).await;

        // Without a card, and with one: the answers are the same.
        world.get(&aroha, "/v1/me/welfare-card").await.refused(404, "no-welfare-card");
        let without = look(&world, &ben, &aroha).await.refused(404, "welfare-card-not-shown");
        let written = world.put(&aroha, "/v1/me/welfare-card", card()).await.expect(200);
        assert_eq!((said(&written), &written["shown_always"], &written["looks"]), (card(), &json!(false), &json!([])));
        assert_eq!(world.get(&aroha, "/v1/me/welfare-card").await.expect(200), written);
        assert_eq!(look(&world, &ben, &aroha).await.refused(404, "welfare-card-not-shown"), without);
        assert_eq!((in_sql(&world, &ben).await, in_sql(&world, &aroha).await), (0, 1));

        let set = world.schedule(&aroha, "09:00", "Pacific/Auckland").await;
        world.travel_to(set["next"]["alert_at"].as_str().unwrap()).await;
        world.expect_on_all_channels(&ben, "Aroha").await;
        assert_eq!(said(&look(&world, &ben, &aroha).await.expect(200)), card());
        let alert = world.get(&ben, "/v1/alerts").await.expect(200)["items"][0]["id"].as_str().unwrap().to_owned();
        world.post(&ben, &format!("/v1/alerts/{alert}/acknowledge"), json!({})).await.expect(200);
        world.expect_message(Channel::Push, &aroha.push_token, "Ben").await;
        world.open_app(&aroha).await;
        assert_eq!(said(&look(&world, &ben, &aroha).await.expect(200)), card());
        assert_eq!(in_sql(&world, &ben).await, 1);
        for other in [&former, &stranger, &aroha] {
            look(&world, other, &aroha).await.refused(404, "not-found");
        }
        assert_eq!((in_sql(&world, &former).await, in_sql(&world, &stranger).await), (0, 0));
        let path = format!("/v1/members/{}/welfare-card", aroha.id);
        world.call(reqwest::Method::GET, &path, None, &[], None).await.refused(401, "not-signed-in");

        world.post(&aroha, "/v1/me/check-ins", json!({})).await.expect(201);
        world.expect_on_all_channels(&ben, "Aroha").await;
        look(&world, &ben, &aroha).await.refused(404, "welfare-card-not-shown");
        assert_eq!(in_sql(&world, &ben).await, 0);

        let mut always = card();
        always["shown_always"] = json!(true);
        let looks = world.put(&aroha, "/v1/me/welfare-card", always).await.expect(200)["looks"].clone();
        assert_eq!(looks.as_array().unwrap().len(), 2);
        assert_eq!(said(&look(&world, &ben, &aroha).await.expect(200)), card());
        look(&world, &stranger, &aroha).await.refused(404, "not-found");

        // Who has left sees it no more; that they looked is still told.
        world.delete(&ben, &format!("/v1/members/{}", aroha.id)).await.expect(204);
        world.expect_message(Channel::Push, &aroha.push_token, "Ben").await;
        world.expect_on_all_channels(&aroha, "might reach nobody").await;
        world.open_app(&aroha).await;
        look(&world, &ben, &aroha).await.refused(404, "not-found");
        let own = world.get(&aroha, "/v1/me/welfare-card").await.expect(200);
        let by: Vec<&Value> = own["looks"].as_array().unwrap().iter().map(|look| &look["by"]["name"]).collect();
        assert_eq!(by, ["Ben", "Ben", "Ben"]);
        let audited =
            "select count(*) from audit.events where action = $1 and subject_user_id = $2 and actor_user_id = $3";
        assert_eq!(world.number(audited, &[&"welfare_card.read", &aroha.id, &ben.id]).await, 3);
        assert_eq!(world.number(audited, &[&"welfare_card.changed", &aroha.id, &aroha.id]).await, 2);
        world.verify_trail().await;
        world.trail_tells_nothing(&WORDS).await;
        world
    })
    .await;
}

/// R9.3: nothing of it is in a dump; it opens for nobody else's row.
#[tokio::test]
async fn r1_5_a_dump_of_the_database_has_no_word_of_a_card() {
    world(|world| async move {
        let (aroha, ben) = (world.person("Aroha").await, world.person("Ben").await);
        for person in [&aroha, &ben] {
            world.put(person, "/v1/me/welfare-card", card()).await.expect(200);
        }
        let dump = Command::new("pg_dump").args(["--dbname", &world.db.admin_url()]).output().unwrap();
        let dump = String::from_utf8(dump.stdout).unwrap();
        assert!(dump.contains("COPY data.welfare_cards") && dump.contains(&aroha.id.to_string()));
        for word in WORDS.into_iter().chain(["Rata", "Kowhai", "Pohutukawa", "Warfarin", "Tui"]) {
            assert!(!dump.contains(word), "{word}");
        }
        let moved = "update data.welfare_cards set sealed = (select sealed from data.welfare_cards where user_id = $1) where user_id = $2";
        world.db.admin.execute(moved, &[&aroha.id, &ben.id]).await.unwrap();
        world.get(&ben, "/v1/me/welfare-card").await.refused(500, "internal");
        world
    })
    .await;
}

#[tokio::test]
async fn r1_5_what_is_too_long_is_shown_where_it_is_and_changes_nothing() {
    world(|world| async move {
        let aroha = world.person("Aroha").await;
        let longest = "ā".repeat(1000);
        let written = world.put(&aroha, "/v1/me/welfare-card", json!({"door_code": longest})).await.expect(200);
        assert_eq!(said(&written), json!({"door_code": longest}));
        for wrong in [json!("ā".repeat(1001)), json!(["x"])] {
            let refused = world
                .put(&aroha, "/v1/me/welfare-card", json!({"pets": "none", "door_code": wrong}))
                .await
                .refused(422, "invalid");
            assert_eq!(refused["errors"][0]["pointer"], "/door_code", "{refused}");
        }
        let all: Value =
            card().as_object().unwrap().keys().map(|name| (name.clone(), json!("\u{1}\u{0}\"".repeat(333)))).collect();
        let written_all = world.put(&aroha, "/v1/me/welfare-card", all.clone()).await.expect(200);
        assert_eq!(said(&written_all), all);
        assert_eq!(said(&world.put(&aroha, "/v1/me/welfare-card", json!({})).await.expect(200)), json!({}));
        world
    })
    .await;
}
