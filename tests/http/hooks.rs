//! Outgoing webhooks: what programs of Contacts are told of alerts, and where no event ever goes.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, TimeDelta, Utc};
use poem::http::HeaderMap;
use poem::listener::TcpAcceptor;
use poem::{Request, Response};
use pruuf::dev::fakes::Channel;
use pruuf::server::Server;
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{PATIENCE, Person, World};

const MISSED: &str = "did not check in";

/// What a receiver answers.
#[derive(Clone)]
enum Answers {
    Status(u16),
    Location(String),
    Stalls,
}

/// One event as it came.
#[derive(Clone)]
struct Event {
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Event {
    fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().unwrap()
    }

    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    fn kind(&self) -> String {
        self.json()["type"].as_str().unwrap().to_owned()
    }

    /// How many of its signatures this secret has made. As the specification says, by another library than the server's.
    #[expect(clippy::disallowed_methods, reason = "receivers know nothing of rules.clock()")]
    fn signed_by(&self, secret: &str) -> usize {
        let key = STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
        assert!((24..=64).contains(&key.len()), "a secret has 192 to 512 bits");
        let key = hmac::Key::new(hmac::HMAC_SHA256, &key);
        let head = format!("{}.{}.", self.header("webhook-id"), self.header("webhook-timestamp"));
        let signed = [head.as_bytes(), &self.body].concat();
        let timestamp: i64 = self.header("webhook-timestamp").parse().unwrap();
        assert!((Utc::now().timestamp() - timestamp).abs() < 300, "receivers refuse what is old");
        self.header("webhook-signature")
            .split(' ')
            .filter_map(|signature| STANDARD.decode(signature.strip_prefix("v1,").unwrap()).ok())
            .filter(|signature| hmac::verify(&key, &signed, signature).is_ok())
            .count()
    }
}

/// A program that takes events.
struct Receiver {
    url: String,
    events: Arc<Mutex<Vec<Event>>>,
    answers: Arc<Mutex<Answers>>,
}

impl Receiver {
    async fn start() -> Self {
        let (events, answers) = (Arc::<Mutex<Vec<Event>>>::default(), Arc::new(Mutex::new(Answers::Status(204))));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let (seen, said) = (Arc::clone(&events), Arc::clone(&answers));
        let endpoint = poem::endpoint::make(move |mut request: Request| {
            let (seen, said) = (Arc::clone(&seen), Arc::clone(&said));
            async move {
                let body = request.take_body().into_vec().await?;
                assert_eq!(request.method(), Method::POST);
                seen.lock().unwrap().push(Event { headers: request.headers().clone(), body });
                let answer = said.lock().unwrap().clone();
                let response = Response::builder();
                Ok::<_, poem::Error>(match answer {
                    Answers::Status(status) => {
                        response.status(poem::http::StatusCode::from_u16(status).unwrap()).finish()
                    }
                    Answers::Location(url) => {
                        response.status(poem::http::StatusCode::FOUND).header("location", url).finish()
                    }
                    Answers::Stalls => std::future::pending().await,
                })
            }
        });
        let acceptor = TcpAcceptor::from_tokio(listener).unwrap();
        tokio::spawn(poem::Server::new_with_acceptor(acceptor).run(endpoint));
        Self { url, events, answers }
    }

    fn answer(&self, answers: Answers) {
        *self.answers.lock().unwrap() = answers;
    }

    fn events(&self) -> Vec<Event> {
        self.events.lock().unwrap().clone()
    }

    /// Waits for so many events; gives the last one.
    async fn event(&self, count: usize) -> Event {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        while self.events().len() < count {
            assert!(tokio::time::Instant::now() < deadline, "{} of {count} events came", self.events().len());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        self.events()[count - 1].clone()
    }

    fn kinds(&self) -> Vec<String> {
        self.events().iter().map(Event::kind).collect()
    }
}

async fn started() -> World {
    let mut world = World::without_server().await;
    world.start_server().await;
    world
}

async fn add(world: &World, who: &Person, url: &str) -> Value {
    world.post(who, "/v1/me/webhooks", json!({"url": url})).await.expect(201)
}

/// Waits until there is nothing to be told to webhooks.
async fn all_told(world: &World) {
    let sql = "select not exists (select from data.webhook_events where state = 'pending' and next_attempt_at <= rules.clock() + interval '61 seconds')";
    world.eventually("webhooks are told", sql, &[]).await;
}

/// A Member and two Contacts.
async fn family(world: &World) -> (Person, Person, Person) {
    let (member, ben, chloe) = (world.person("Aroha").await, world.person("Ben").await, world.person("Chloe").await);
    world.connect(&member, &ben).await;
    world.connect(&member, &chloe).await;
    world.give_schedules(&[member.id]).await;
    (member, ben, chloe)
}

/// R3.4, R6.5: the webhooks of a Contact are told what that Contact is told, and nobody else's are.
#[tokio::test]
async fn r3_4_a_webhook_is_told_what_its_contact_is_told_and_signed() {
    let world = started().await;
    let (member, ben, chloe) = family(&world).await;
    let stranger = world.person("Sam").await;
    let receivers =
        [Receiver::start().await, Receiver::start().await, Receiver::start().await, Receiver::start().await];
    let [bens, chloes, members, strangers] = &receivers;
    let mut secret = String::new();
    for (who, receiver) in [(&chloe, chloes), (&member, members), (&stranger, strangers), (&ben, bens)] {
        secret = add(&world, who, &receiver.url).await["secret"].as_str().unwrap().to_owned();
    }
    world.miss(&[member.id]).await;
    let opened = bens.event(1).await;
    assert_eq!(opened.header("content-type"), "application/json");
    assert_eq!(opened.signed_by(&secret), 1, "Ben's secret");
    assert_eq!(chloes.event(1).await.signed_by(&secret), 0, "Chloe has another one");
    let body = opened.json();
    let alert = world.get(&ben, "/v1/alerts").await.expect(200)["items"][0].clone();
    assert_eq!(body["type"], "alert.opened");
    assert!(body["timestamp"].as_str().unwrap().parse::<DateTime<Utc>>().is_ok());
    assert_eq!(
        (&body["data"]["alert_id"], &body["data"]["state"], &body["data"]["kind"], &body["data"]["member"]),
        (&alert["id"], &json!("open"), &json!("missed"), &json!({"id": member.id, "name": "Aroha"}))
    );
    let notification = "select count(*) from data.notifications where user_id = $1 and id = $2::text::uuid";
    assert_eq!(world.number(notification, &[&ben.id, &body["data"]["notification_id"].as_str().unwrap()]).await, 1);
    for hidden in [&member.email, &member.phone, &ben.email, &chloe.phone] {
        assert!(!body.to_string().contains(hidden.as_str()));
    }

    // Who acknowledges is not told that they did; the other one is.
    let acknowledge = format!("/v1/alerts/{}/acknowledge", alert["id"].as_str().unwrap());
    world.post(&chloe, &acknowledge, json!({})).await.expect(200);
    let acknowledged = bens.event(2).await.json();
    assert_eq!(
        (&acknowledged["type"], &acknowledged["data"]["state"], &acknowledged["data"]["acknowledged_by"]),
        (&json!("alert.acknowledged"), &json!("acknowledged"), &json!(chloe.id))
    );
    world.expect_on_all_channels(&ben, MISSED).await;
    world.expect_on_all_channels(&chloe, MISSED).await;
    world.post(&member, "/v1/me/check-ins", json!({})).await.expect(201);
    let resolved = bens.event(3).await.json();
    assert_eq!(
        (&resolved["type"], &resolved["data"]["state"], &resolved["data"]["resolved_how"]),
        (&json!("alert.resolved"), &json!("resolved"), &json!("checked_in"))
    );
    chloes.event(2).await;
    all_told(&world).await;
    assert_eq!(bens.kinds(), ["alert.opened", "alert.acknowledged", "alert.resolved"]);
    assert_eq!(chloes.kinds(), ["alert.opened", "alert.resolved"]);
    assert!(members.events().is_empty() && strangers.events().is_empty());
    // A program is no person: nothing of it stands in the timeline.
    let timeline = world.get(&ben, &format!("/v1/alerts/{}/timeline", alert["id"].as_str().unwrap())).await.expect(200);
    assert!(!timeline.to_string().contains("webhook"));
    let shown = world.get(&ben, "/v1/me/webhooks").await.expect(200)["items"][0].clone();
    assert!(shown["delivered_at"].is_string() && shown.get("failure").is_none(), "{shown:#}");
    world.stop_servers().await;
}

/// R6.5: whoever heard of it by a program alone hears of its end; R3.3: and nothing once the connection has ended.
#[tokio::test]
async fn r6_5_a_webhook_hears_of_the_end_and_nothing_after_the_connection() {
    let world = started().await;
    let (member, ben, chloe) = family(&world).await;
    let (bens, chloes) = (Receiver::start().await, Receiver::start().await);
    add(&world, &ben, &bens.url).await;
    add(&world, &chloe, &chloes.url).await;
    chloes.answer(Answers::Status(500));
    let sql = format!(
        "delete from data.addresses where user_id = '{0}'; delete from data.devices where user_id = '{0}'",
        ben.id
    );
    world.db.admin.batch_execute(&sql).await.unwrap();
    world.coverage_is_known().await;
    world.miss(&[member.id]).await;
    bens.event(1).await;
    chloes.event(1).await;
    // She is told, too, that nobody reaches Ben: a program is no person.
    chloes.event(2).await;
    world.delete(&chloe, &format!("/v1/members/{}", member.id)).await.expect(204);
    chloes.answer(Answers::Status(204));
    let cancelled = "with due as (update data.webhook_events set next_attempt_at = rules.clock() where state = 'pending' and attempts > 0)
                     select count(*) = 2 from data.webhook_events where state = 'cancelled'";
    world.eventually("Chloe's are cancelled", cancelled, &[]).await;
    let told = chloes.events().len();
    world.post(&member, "/v1/me/check-ins", json!({})).await.expect(201);
    bens.event(2).await;
    all_told(&world).await;
    assert_eq!(bens.kinds(), ["alert.opened", "alert.resolved"]);
    assert_eq!(chloes.events().len(), told, "she does not watch them any more");
    assert_eq!(chloes.kinds()[..2], ["alert.opened", "alert.contact_unreached"]);
    world.stop_servers().await;
}

/// Waits until the attempt with this number has failed and the next one is due in so many seconds, a fifth more or less.
async fn waits(world: &World, attempts: i16, seconds: f64) {
    let sql = "select attempts = $1 and failure = 'http-500' and extract(epoch from next_attempt_at - rules.clock())::float8 between $2::float8 * 0.79 - 2 and $2::float8 * 1.21
                 from data.webhook_events";
    world.eventually("the next attempt is due", sql, &[&attempts, &seconds]).await;
}

/// Standard Webhooks: 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, a fifth more or less; always the same event.
#[tokio::test]
async fn r7_3_what_a_webhook_does_not_take_is_sent_again_after_growing_waits() {
    let world = started().await;
    let (member, ben, _) = family(&world).await;
    let receiver = Receiver::start().await;
    let secret = add(&world, &ben, &receiver.url).await["secret"].as_str().unwrap().to_owned();
    receiver.answer(Answers::Status(500));
    world.miss(&[member.id]).await;
    for (place, seconds) in [5.0, 300.0, 1800.0, 7200.0, 18_000.0, 36_000.0].into_iter().enumerate() {
        receiver.event(place + 1).await;
        waits(&world, i16::try_from(place + 1).unwrap(), seconds).await;
        world.db.admin.batch_execute("update data.webhook_events set next_attempt_at = rules.clock()").await.unwrap();
    }
    receiver.event(7).await;
    let given_up = "select state = 'failed' from data.webhook_events";
    world.eventually("it is given up", given_up, &[]).await;
    let events = receiver.events();
    assert!(
        events
            .iter()
            .all(|event| event.header("webhook-id") == events[0].header("webhook-id") && event.signed_by(&secret) == 1)
    );
    let shown = world.get(&ben, "/v1/me/webhooks").await.expect(200)["items"][0].clone();
    assert_eq!((&shown["failure"], shown.get("off_at")), (&json!("http-500"), None), "one event is no five days");
    // It works again: the next event is taken, and that it failed is forgotten.
    receiver.answer(Answers::Status(200));
    world.post(&member, "/v1/me/check-ins", json!({})).await.expect(201);
    assert_eq!(receiver.event(8).await.kind(), "alert.resolved");
    let works = "select first_failed_at is null and delivered_at is not null from data.webhooks";
    world.eventually("it works", works, &[]).await;
    world.stop_servers().await;
}

/// Off after five days of nothing but failures, and at once where there is nobody any more; a test that is taken turns it on.
#[tokio::test]
async fn r7_6_a_webhook_that_does_not_work_is_off_and_its_owner_is_told() {
    let world = started().await;
    let (member, ben, chloe) = family(&world).await;
    let (bens, chloes) = (Receiver::start().await, Receiver::start().await);
    let (bens_id, _) = (add(&world, &ben, &bens.url).await["id"].clone(), add(&world, &chloe, &chloes.url).await);
    bens.answer(Answers::Status(503));
    chloes.answer(Answers::Status(410));
    world.miss(&[member.id]).await;
    bens.event(1).await;
    chloes.event(1).await;
    world.expect_message(Channel::Push, &chloe.push_token, "webhook").await;
    assert_eq!(world.get(&chloe, "/v1/me/webhooks").await.expect(200)["items"][0]["off_reason"], "gone");
    for (days, count, is_off) in [(4, 2, false), (5, 3, true)] {
        let failing =
            "select first_failed_at is not null and failure = 'http-503' from data.webhooks where user_id = $1";
        world.eventually("it fails", failing, &[&ben.id]).await;
        let last = format!(
            "update data.webhooks set first_failed_at = rules.clock() - interval '{days} days' where user_id = '{0}';
             update data.webhook_events e set state = 'pending', settled_at = null, attempts = 6, next_attempt_at = rules.clock()
               from data.webhooks w where w.id = e.webhook_id and w.user_id = '{0}'",
            ben.id
        );
        world.db.admin.batch_execute(&last).await.unwrap();
        bens.event(count).await;
        let given_up = "select bool_and(e.state = 'failed') and bool_and((w.off_at is not null) = $2)
                          from data.webhook_events e join data.webhooks w on w.id = e.webhook_id where w.user_id = $1";
        world.eventually("it is given up", given_up, &[&ben.id, &is_off]).await;
    }
    world.expect_message(Channel::Push, &ben.push_token, "webhook").await;
    let trail = "select count(*) from audit.events where action = 'webhook.turned_off'";
    assert_eq!(world.number(trail, &[]).await, 2);
    // Off: it is told nothing.
    world.post(&member, "/v1/me/check-ins", json!({})).await.expect(201);
    world.expect_on_all_channels(&ben, "checked in").await;
    assert_eq!(world.number("select count(*) from data.webhook_events where type = 'alert.resolved'", &[]).await, 0);
    // A test goes out all the same.
    bens.answer(Answers::Status(200));
    let path = format!("/v1/me/webhooks/{}/test", bens_id.as_str().unwrap());
    let test = world.post(&ben, &path, Value::Null).await.expect(201);
    assert_eq!(world.post(&ben, &path, Value::Null).await.expect(201)["event_id"], test["event_id"], "one at a time");
    let event = bens.event(4).await;
    assert_eq!(
        (event.kind().as_str(), event.header("webhook-id")),
        ("webhook.test", test["event_id"].as_str().unwrap())
    );
    world.eventually("it is on", "select off_at is null from data.webhooks where user_id = $1", &[&ben.id]).await;
    world.post(&chloe, &path, Value::Null).await.refused(404, "not-found");
    world.stop_servers().await;
}

/// No event goes into our own network, whatever a name means; and no redirect is followed.
#[tokio::test]
async fn r9_1_no_webhook_leads_into_our_own_network() {
    let mut world = World::without_server().await;
    let strict = pruuf::config::Config { webhooks_go_anywhere: false, ..world.config() };
    world.servers.push(Server::start(strict).await.unwrap());
    let ben = world.person("Ben").await;
    for url in [
        "http://hooks.example.org/",
        "https://127.0.0.1/",
        "https://2130706433/",
        "https://[::1]/",
        "https://[::ffff:10.0.0.1]/",
        "https://169.254.169.254/latest/meta-data",
        "https://user:secret@hooks.example.org/",
        "file:///etc/passwd",
        "no url",
    ] {
        let problem = world.post(&ben, "/v1/me/webhooks", json!({"url": url})).await.refused(422, "invalid");
        assert_eq!(problem["errors"][0]["pointer"], "/url", "{problem:#}");
    }
    // A name is looked at when it is connected to: this one means this machine, where somebody listens.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://localhost:{}/", listener.local_addr().unwrap().port());
    let id = add(&world, &ben, &url).await["id"].clone();
    world.post(&ben, &format!("/v1/me/webhooks/{}/test", id.as_str().unwrap()), Value::Null).await.expect(201);
    world
        .eventually("it is not told", "select failure is not distinct from 'not-public' from data.webhooks", &[])
        .await;
    let connected = tokio::time::timeout(Duration::from_millis(200), listener.accept()).await;
    assert!(connected.is_err(), "it was connected to");
    // Nor does a URL that got into the database otherwise.
    world.stop_all().await;
    world.start_server().await;
    let receiver = Receiver::start().await;
    let inside = add(&world, &ben, &receiver.url).await["id"].as_str().unwrap().to_owned();
    world.stop_all().await;
    let strict = pruuf::config::Config { webhooks_go_anywhere: false, ..world.config() };
    world.servers.push(Server::start(strict).await.unwrap());
    world.post(&ben, &format!("/v1/me/webhooks/{inside}/test"), Value::Null).await.expect(201);
    let refused = "select count(*) = 2 from data.webhooks where failure = 'not-public'";
    world.eventually("it is not told", refused, &[]).await;
    assert!(receiver.events().is_empty());
    world.stop_all().await;

    // A redirect leads to a place that nobody looked at.
    world.start_server().await;
    let (first, second) = (Receiver::start().await, Receiver::start().await);
    first.answer(Answers::Location(second.url.clone()));
    let id = add(&world, &ben, &first.url).await["id"].as_str().unwrap().to_owned();
    world.post(&ben, &format!("/v1/me/webhooks/{id}/test"), Value::Null).await.expect(201);
    world
        .eventually("it is not followed", "select count(*) = 1 from data.webhooks where failure = 'http-302'", &[])
        .await;
    assert!(second.events().is_empty());
    world.stop_servers().await;
}

/// R9.5: webhooks that stall, many of them, delay neither people nor other webhooks; nor does one that somebody holds.
#[tokio::test]
async fn r9_5_a_dead_webhook_delays_nothing_else() {
    let world = started().await;
    let (member, ben, chloe) = family(&world).await;
    let (dead, well) = (Receiver::start().await, Receiver::start().await);
    dead.answer(Answers::Stalls);
    world.db.admin.batch_execute("update data.policies set value = 30 where key = 'webhooks_per_user'").await.unwrap();
    for _ in 0..30 {
        add(&world, &ben, &dead.url).await;
    }
    // More than a lane has hands, and known not to work.
    world.db.admin.batch_execute("update data.webhooks set first_failed_at = rules.clock()").await.unwrap();
    add(&world, &chloe, &well.url).await;
    let many = format!(
        "insert into data.webhook_events (webhook_id, type, created_at, next_attempt_at)
         select w.id, 'webhook.test', rules.clock(), rules.clock() - interval '1 hour' from data.webhooks w, generate_series(1, 100) where w.user_id = '{}'",
        ben.id
    );
    world.db.admin.batch_execute(&many).await.unwrap();
    dead.event(24).await;
    let started = tokio::time::Instant::now();
    world.miss(&[member.id]).await;
    well.event(1).await;
    assert!(started.elapsed() < Duration::from_secs(8), "{:?}", started.elapsed());
    world.expect_on_all_channels(&ben, MISSED).await;
    world.expect_on_all_channels(&chloe, MISSED).await;

    // Somebody is removing a webhook at the moment of the alert, and takes their time.
    let holder = crate::support::database::connect(&world.db.admin_url()).await;
    holder.batch_execute("begin; select from data.webhooks for update").await.unwrap();
    let (other, friend) = (world.person("Ona").await, world.person("Fin").await);
    world.connect(&other, &friend).await;
    world.connect(&other, &chloe).await;
    world.give_schedules(&[other.id]).await;
    world.miss(&[other.id]).await;
    world.expect_on_all_channels(&friend, MISSED).await;
    holder.batch_execute("rollback").await.unwrap();
    world.stop_servers().await;
}

/// R9.3: the secret is shown once and sealed; while it is turned both sign.
#[tokio::test]
async fn r9_3_a_webhooks_secret_is_shown_once_sealed_and_turned_without_a_gap() {
    let world = started().await;
    let (ben, eve) = (world.person("Ben").await, world.person("Eve").await);
    let receiver = Receiver::start().await;
    let url = format!("{}?token=in-the-url", receiver.url);
    let key = [("idempotency-key", "add-once")];
    let body = json!({"url": url});
    let added = world.call(Method::POST, "/v1/me/webhooks", Some(&ben.token), &key, Some(&body)).await.expect(201);
    let again = world.call(Method::POST, "/v1/me/webhooks", Some(&ben.token), &key, Some(&body)).await.expect(201);
    assert_eq!(added, again, "R9.4: who lost the answer gets it again");
    let (id, first) = (added["id"].as_str().unwrap(), added["secret"].as_str().unwrap());
    let listed = world.get(&ben, "/v1/me/webhooks").await.expect(200);
    assert_eq!((&listed["items"][0]["url"], listed["items"].as_array().unwrap().len()), (&json!(url), 1));
    assert!(!listed.to_string().contains("whsec_"));

    let path = format!("/v1/me/webhooks/{id}/secret");
    world.post(&eve, &path, Value::Null).await.refused(404, "not-found");
    let turned = world.post(&ben, &path, Value::Null).await.expect(201);
    let second = turned["secret"].as_str().unwrap();
    assert_ne!(first, second);
    let until: DateTime<Utc> = turned["previous_until"].as_str().unwrap().parse().unwrap();
    let now: DateTime<Utc> = world.db.admin.query_one("select rules.clock()", &[]).await.unwrap().get(0);
    assert!((until - now - TimeDelta::hours(24)).abs() < TimeDelta::minutes(1));
    let test = format!("/v1/me/webhooks/{id}/test");
    world.post(&ben, &test, Value::Null).await.expect(201);
    let event = receiver.event(1).await;
    assert_eq!((event.signed_by(first), event.signed_by(second)), (1, 1));
    all_told(&world).await;
    world.advance("25 hours").await;
    world.post(&ben, &test, Value::Null).await.expect(201);
    let event = receiver.event(2).await;
    assert_eq!((event.signed_by(first), event.signed_by(second)), (0, 1));

    // Nothing of it is readable in the database, answers that are kept included.
    for table in
        ["data.webhooks", "data.webhook_secrets", "data.webhook_events", "data.idempotency_keys", "audit.events"]
    {
        let dump = world.admin_json(&format!("select t::text from {table} t")).await.to_string();
        assert!(!dump.contains("whsec_") && !dump.contains("in-the-url"), "{table}");
    }
    for _ in 1..5 {
        add(&world, &ben, &receiver.url).await;
    }
    world.post(&ben, "/v1/me/webhooks", json!({"url": url})).await.refused(409, "too-many-webhooks");
    world.delete(&eve, &format!("/v1/me/webhooks/{id}")).await.refused(404, "not-found");
    world.delete(&ben, &format!("/v1/me/webhooks/{id}")).await.expect(204);
    assert_eq!(world.get(&eve, "/v1/me/webhooks").await.expect(200)["items"], json!([]));
    let trail =
        "select count(distinct action) from audit.events where subject_user_id = $1 and action like 'webhook.%'";
    assert_eq!(world.number(trail, &[&ben.id]).await, 3);
    assert!(Uuid::parse_str(event.header("webhook-id")).is_ok());
    world.stop_servers().await;
}
