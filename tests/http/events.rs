//! The live stream (R7.8).

use std::time::Duration;

use futures_util::future::join_all;
use pruuf::dev::fakes::Channel;
use serde_json::{Value, json};
use tokio::time::{Instant, timeout};
use uuid::Uuid;

use crate::support::{PATIENCE, Person, World, world};

/// A stream that is being read.
struct Stream {
    response: reqwest::Response,
    text: String,
}

#[derive(Debug)]
struct Event {
    kind: String,
    /// That of the notification; screens have none.
    id: String,
    data: Value,
}

impl Stream {
    async fn open(world: &World, who: &Person, after: Option<&str>) -> Self {
        let mut request = world.http.get(world.url("/v1/events")).bearer_auth(&who.token);
        if let Some(id) = after {
            request = request.header("Last-Event-ID", id);
        }
        let mut response = request.try_clone().unwrap().send().await.unwrap();
        // A server without a single connection to its database yet, on a busy machine: come again, as clients do.
        while response.status() == 503 {
            tokio::time::sleep(Duration::from_secs(1)).await;
            response = request.try_clone().unwrap().send().await.unwrap();
        }
        assert_eq!(response.status(), 200);
        assert!(response.headers()["content-type"].to_str().unwrap().starts_with("text/event-stream"));
        Self { response, text: String::new() }
    }

    /// The next notification; `None` when the stream has ended.
    async fn next(&mut self) -> Option<Event> {
        loop {
            let event = self.any().await?;
            if event.kind == "notification" {
                return Some(event);
            }
        }
    }

    /// A screen as soon as it shows this.
    async fn shows(&mut self, kind: &str, pointer: &str, value: Value) -> Value {
        let mut came = Vec::new();
        let end = Instant::now() + PATIENCE;
        while let Ok(Some(event)) = tokio::time::timeout_at(end, self.any()).await {
            if event.kind == kind && event.data.pointer(pointer) == Some(&value) {
                assert_eq!(event.id, "");
                return event.data;
            }
            came.push(event);
        }
        panic!("{kind} did not show {value}: {came:#?}");
    }

    async fn any(&mut self) -> Option<Event> {
        loop {
            if let Some((block, rest)) = self.text.split_once("\n\n") {
                let field = |name: &str| {
                    block.lines().find_map(|line| line.strip_prefix(name)).map(|value| value.trim().to_owned())
                };
                let event = field("data:").map(|data| Event {
                    kind: field("event:").unwrap(),
                    id: field("id:").unwrap_or_default(),
                    data: serde_json::from_str(&data).unwrap(),
                });
                self.text = rest.to_owned();
                if event.is_some() {
                    return event;
                }
                continue;
            }
            let chunk = timeout(PATIENCE, self.response.chunk()).await.unwrap().ok().flatten()?;
            self.text.push_str(&String::from_utf8_lossy(&chunk).replace("\r\n", "\n"));
        }
    }

    /// The ids of what is there by now: all that comes before a pause.
    async fn rest(&mut self) -> Vec<String> {
        let mut ids = Vec::new();
        while let Ok(Some(event)) = timeout(Duration::from_millis(700), self.next()).await {
            ids.push(event.id);
        }
        ids
    }
}

async fn tell(world: &World, who: &Person) -> String {
    let id: Uuid = world
        .db
        .admin
        .query_one(
            "insert into data.notifications (user_id, kind, cause, facts, created_at)
             values ($1, 'connected', gen_random_uuid()::text, $2, rules.clock()) returning id",
            &[&who.id, &json!({"other": {"name": "Zed"}, "becomes": "contact"})],
        )
        .await
        .unwrap()
        .get(0);
    id.to_string()
}

async fn with_server() -> World {
    let mut world = World::without_server().await;
    world.start_server().await;
    world
}

#[tokio::test]
async fn r7_8_a_notification_comes_live_and_nobody_elses() {
    let world = with_server().await;
    let (ben, chloe) = (world.person("Ben").await, world.person("Chloe").await);
    let mut stream = Stream::open(&world, &ben, None).await;
    tell(&world, &chloe).await;
    let begun = Instant::now();
    let id = tell(&world, &ben).await;
    let event = stream.next().await.unwrap();
    assert_eq!((&event.id, &event.data["id"]), (&id, &json!(id)));
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}: NOTIFY did not wake it", begun.elapsed());
    assert_eq!(stream.rest().await, Vec::<String>::new());
    world.stop_servers().await;
}

/// What the app's home screen shows comes at the start and when it changes: the same as is answered to who asks.
#[tokio::test]
async fn r7_8_the_home_screen_comes_live() {
    world(|world| async move {
        world.travel_to("2027-03-01T12:00:00Z").await;
        let (aroha, ben) = (world.person("Aroha").await, world.person("Ben").await);
        world.connect(&aroha, &ben).await;
        world.schedule(&aroha, "15:00", "UTC").await;
        let (mut hers, mut his) = (Stream::open(&world, &aroha, None).await, Stream::open(&world, &ben, None).await);
        hers.shows("today", "/status", json!("open")).await;
        hers.shows("members", "/items", json!([])).await;
        his.shows("members", "/items/0/status", json!("open")).await;
        world.post(&aroha, "/v1/me/check-ins", json!({})).await.expect(201);
        let (mut today, mut members) = (
            hers.shows("today", "/status", json!("checked_in")).await,
            his.shows("members", "/items/0/status", json!("checked_in")).await,
        );
        for (live, who, path) in [(&mut today, &aroha, "/v1/me/today"), (&mut members, &ben, "/v1/members")] {
            let mut asked = world.get(who, path).await.expect(200);
            for answer in [&mut *live, &mut asked] {
                answer.as_object_mut().unwrap().remove("now");
            }
            assert_eq!(*live, asked);
        }
        // What has not changed does not come again.
        let id = tell(&world, &ben).await;
        loop {
            let event = his.any().await.unwrap();
            assert_eq!(event.kind, "notification", "{event:?}");
            if event.id == id {
                break;
            }
        }
        world.expect_message(Channel::Push, &ben.push_token, "You are now a contact of Zed").await;
        world.open_app(&ben).await;
        world
    })
    .await;
}

#[tokio::test]
async fn r7_8_a_stream_goes_on_where_it_broke_off() {
    let mut world = with_server().await;
    let (ben, chloe) = (world.person("Ben").await, world.person("Chloe").await);
    let mut stream = Stream::open(&world, &ben, None).await;
    let first = tell(&world, &ben).await;
    assert_eq!(stream.next().await.unwrap().id, first);
    drop(stream);
    // Also over a restart, and long after the half minute that is always looked back.
    world.stop_all().await;
    world.db.admin.batch_execute("select meta.advance_clock('1 hour')").await.unwrap();
    let hidden = tell(&world, &ben).await;
    let mut missed = Vec::new();
    for _ in 0..3 {
        missed.push(tell(&world, &ben).await);
        tell(&world, &chloe).await;
    }
    world.start_server().await;
    world.delete(&ben, &format!("/v1/notifications/{hidden}")).await.expect(204);
    let mut stream = Stream::open(&world, &ben, Some(&first)).await;
    assert_eq!(stream.rest().await, missed);
    // From somebody else's event on: nothing of theirs.
    let mut other = Stream::open(&world, &chloe, Some(&first)).await;
    assert!(other.rest().await.iter().all(|id| *id != first && !missed.contains(id)));
    world.stop_servers().await;
}

#[tokio::test]
async fn r7_8_more_than_a_page_was_missed() {
    let world = with_server().await;
    let ben = world.person("Ben").await;
    let first = tell(&world, &ben).await;
    world
        .db
        .admin
        .execute(
            "insert into data.notifications (user_id, kind, cause, facts, created_at)
             select $1, 'connected', 'n' || n, '{}', rules.clock() + make_interval(secs => n) from generate_series(1, 700) as n",
            &[&ben.id],
        )
        .await
        .unwrap();
    world
        .db
        .admin
        .batch_execute("update data.deliveries set state = 'cancelled' where state = 'pending'")
        .await
        .unwrap();
    let mut stream = Stream::open(&world, &ben, Some(&first)).await;
    let mut ids = std::collections::HashSet::new();
    while ids.len() < 700 {
        ids.insert(stream.next().await.unwrap().id);
    }
    world.stop_servers().await;
}

#[tokio::test]
async fn r7_8_nobody_has_no_stream() {
    let world = with_server().await;
    for token in [None, Some("nonsense")] {
        world.call(reqwest::Method::GET, "/v1/events", token, &[], None).await.refused(401, "not-signed-in");
    }
    world.stop_servers().await;
}

/// Open streams end when the server stops, and do not hold it up.
#[tokio::test]
async fn r7_8_fifty_streams_get_their_event_and_end_with_the_server() {
    let mut world = with_server().await;
    let people = join_all((0..10).map(|nth| world.person(["Ann", "Ben"][nth % 2]))).await;
    let five_each = people.iter().flat_map(|person| (0..5).map(|_| Stream::open(&world, person, None)));
    let mut streams = join_all(five_each).await;
    let ids = join_all(people.iter().map(|person| tell(&world, person))).await;
    for (nth, event) in join_all(streams.iter_mut().map(Stream::next)).await.into_iter().enumerate() {
        assert_eq!(event.unwrap().id, ids[nth / 5]);
    }
    world.settle().await;
    let begun = Instant::now();
    let reading = join_all(streams.iter_mut().map(Stream::next));
    let (ended, ()) = tokio::join!(reading, world.stop_all());
    assert!(ended.iter().all(Option::is_none), "{ended:?}");
    assert!(begun.elapsed() < Duration::from_secs(5), "open streams held the server up for {:?}", begun.elapsed());
    world.stop_servers().await;
}
