//! Nobody can use up what saves others (R9.9).

use std::collections::HashSet;

use futures_util::stream::FuturesUnordered;
use futures_util::{StreamExt as _, stream};
use pruuf::server::Server;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;
use uuid::Uuid;

use crate::support::process::Process;
use crate::support::{PATIENCE, Person, Reply, World, world};

/// What the issue was seen with.
const FEW_OPEN_FILES: u64 = 250;
const IDLE: usize = 330;

/// A world whose server has so many places for connections.
async fn with_places(places: usize) -> World {
    let mut world = World::without_server().await;
    let mut config = world.config();
    config.connections = places.try_into().ok();
    world.servers.push(Server::start(config).await.unwrap());
    world.http = newcomer();
    world
}

/// A client that keeps no connection: one that waits for its next request may be closed for somebody else's sake.
fn newcomer() -> reqwest::Client {
    reqwest::Client::builder().pool_max_idle_per_host(0).build().unwrap()
}

/// The number that a metric shows.
async fn metric(world: &World, name: &str) -> u64 {
    let shown = world.call(Method::GET, "/metrics", None, &[], None).await.expect(200);
    let line = shown.as_str().unwrap().lines().find_map(|line| line.strip_prefix(&format!("{name} "))).unwrap();
    line.parse().unwrap()
}

#[tokio::test]
async fn r9_9_idle_sockets_keep_away_neither_a_check_in_nor_the_messages_of_a_call_for_help() {
    let mut world = World::without_server().await;
    world.http = newcomer();
    let (ann, ben, dora) = (world.person("Ann").await, world.person("Ben").await, world.person("Dora").await);
    world.connect(&ann, &ben).await;
    let server = Process::start_within(&world, FEW_OPEN_FILES).await;
    let mut idle = Vec::new();
    for nth in 0..IDLE {
        let mut socket = TcpStream::connect(&server.address).await.unwrap();
        if nth % 3 == 1 {
            // One that never ends its head, and one that never ends its body.
            socket.write_all(b"POST /v1/me/check-ins HTTP/1.1\r\nhost: a\r\n").await.unwrap();
        } else if nth % 3 == 2 {
            let begun = b"POST /v1/me/check-ins HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\n{";
            socket.write_all(begun).await.unwrap();
        }
        idle.push(socket);
    }
    let act = async |who: &Person, path: &str| {
        let request = world.http.post(format!("http://{}{path}", server.address)).bearer_auth(&who.token);
        request.json(&json!({})).timeout(PATIENCE).send().await.unwrap().status()
    };
    assert_eq!(act(&ann, "/v1/me/help-requests").await, 201);
    world.expect_on_all_channels(&ben, "needs help").await;
    assert_eq!(act(&dora, "/v1/me/check-ins").await, 201);
    // Whoever waited longest made room.
    let mut answer = Vec::new();
    let ended = timeout(PATIENCE, idle[0].read_to_end(&mut answer)).await.unwrap();
    assert!(ended.is_err() || answer.is_empty());
    server.kill().await;
    world.stop_servers().await;
}

#[tokio::test]
async fn r9_9_the_connection_of_whoever_is_served_is_nobody_elses() {
    let world = with_places(12).await;
    let (ann, ben) = (world.person("Ann").await, world.person("Ben").await);
    let held = connect(&world).await;
    held.batch_execute("begin; lock table data.preferences in access exclusive mode").await.unwrap();
    let (asked, acted) = (world.get(&ann, "/v1/me/preferences"), async {
        waiting(&world, "%get_preferences%", 1).await;
        let mut idle = Vec::new();
        for _ in 0..60 {
            idle.push(TcpStream::connect(world.servers[0].address).await.unwrap());
        }
        world.post(&ben, "/v1/me/check-ins", json!({})).await.expect(201);
        assert!(metric(&world, "pruuf_connections").await <= 12);
        held.batch_execute("rollback").await.unwrap();
        idle
    });
    let (asked, _idle) = tokio::join!(asked, acted);
    asked.expect(200);
    world.stop_servers().await;
}

/// A second superuser's connection, to hold something with.
async fn connect(world: &World) -> tokio_postgres::Client {
    crate::support::database::connect(&world.db.admin_url()).await
}

/// Waits until so many transactions with a statement like this wait for a lock.
async fn waiting(world: &World, like: &str, many: i64) {
    let sql = "select count(*) >= $2 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock' and query like $1";
    world.eventually(&format!("{many} wait in {like}"), sql, &[&like, &many]).await;
}

async fn how_many_wait(world: &World, like: &str) -> i64 {
    let sql = "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock' and query like $1";
    world.number(sql, &[&like]).await
}

/// Opens a live stream.
async fn follow(world: &World, who: &Person) -> reqwest::Response {
    world.http.get(world.url("/v1/events")).bearer_auth(&who.token).send().await.unwrap()
}

/// Whether a stream ends.
async fn ends(mut stream: reqwest::Response) -> bool {
    timeout(PATIENCE, async { while let Ok(Some(_)) = stream.chunk().await {} }).await.is_ok()
}

#[tokio::test]
async fn r9_9_a_user_has_five_streams_and_all_of_them_leave_room_for_others() {
    let world = with_places(24).await;
    let [ann, ben, cid, dora] = ["Ann", "Ben", "Cid", "Dora"].map(|name| world.person(name));
    let (ann, ben, cid, dora) = tokio::join!(ann, ben, cid, dora);
    let mut anns = Vec::new();
    for _ in 0..6 {
        let stream = follow(&world, &ann).await;
        assert_eq!(stream.status(), 200);
        anns.push(stream);
    }
    assert!(ends(anns.remove(0)).await, "the oldest one ends");
    assert_eq!(metric(&world, "pruuf_streams").await, 5);
    let mut others = Vec::new();
    for who in [&ben, &ben, &ben, &ben, &ben, &cid, &cid] {
        others.push(follow(&world, who).await);
        assert_eq!(others.last().unwrap().status(), 200);
    }
    // Half of the connections: one more is told to come again, and what saves somebody goes on.
    let refused = follow(&world, &dora).await;
    assert_eq!((refused.status().as_u16(), refused.headers()["retry-after"].to_str().unwrap()), (503, "30"));
    world.post(&dora, "/v1/me/check-ins", json!({})).await.expect(201);
    drop(others.pop());
    while follow(&world, &dora).await.status() != 200 {
        tokio::task::yield_now().await;
    }
    drop((anns, others));
    world.stop_servers().await;
}

#[tokio::test]
async fn r9_9_garbage_refresh_tokens_leave_no_row_and_hold_up_nobody_of_the_same_network() {
    world(|world| async move {
        let (ann, session) = world.account("Ann", "ann@example.org").await;
        world.settle().await;
        let events = "select count(*) from audit.events where action like 'session.refresh_%'";
        let before = world.number(events, &[]).await;
        let garbage = (0..500).map(async |_| world.refresh(&json!(Uuid::new_v4())).await);
        let flood = stream::iter(garbage).buffer_unordered(32).map(|reply| {
            reply.refused(401, "refresh-token-invalid");
        });
        let meanwhile = async {
            let mut token = session["refresh_token"].clone();
            for _ in 0..5 {
                token = world.refresh(&token).await.expect(200)["refresh_token"].clone();
                world.post(&ann, "/v1/me/check-ins", json!({})).await.expect(201);
            }
        };
        tokio::join!(flood.collect::<Vec<()>>(), meanwhile);
        // Of those that were right there is one each; of the others the trail says once that there are many.
        assert_eq!(world.number(events, &[]).await - before, 5);
        let slowed = world.admin_json("select details from audit.events where action = 'network.slowed'").await;
        assert_eq!(slowed, json!([{"details": {"kind": "wrong_refreshes"}}]));
        let tries = world.row("select count from data.ip_tries where kind = 'wrong_refreshes'", &[]).await;
        // But for those that were being counted at that moment.
        assert!(tries["count"].as_i64().is_some_and(|count| (101..=101 + 32).contains(&count)), "{tries}");
        world
    })
    .await;
}

#[tokio::test]
async fn r9_9_refused_acts_of_one_user_wait_in_line_and_take_a_few_connections() {
    world(|world| async move {
        let (ann, ben) = (world.person("Ann").await, world.person("Ben").await);
        let held = connect(&world).await;
        held.batch_execute("begin; lock table data.alerts in access exclusive mode").await.unwrap();
        let acts: FuturesUnordered<_> = (0..150)
            .map(|_| async {
                let path = format!("/v1/alerts/{}/acknowledge", Uuid::new_v4());
                world.post(&ann, &path, json!({})).await
            })
            .collect();
        let mut acts = acts.fuse();
        // A hundred are in line, which is more than anybody does.
        for _ in 0..50 {
            let reply = acts.next().await.unwrap();
            assert_eq!(reply.headers["retry-after"], "1");
            reply.refused(429, "too-many-requests");
        }
        waiting(&world, "%acknowledge_alert%", 3).await;
        assert_eq!(how_many_wait(&world, "%acknowledge_alert%").await, 3);
        // What waits is hers: others, and she herself where it is something else, are served.
        world.get(&ann, "/v1/me/preferences").await.expect(200);
        world.get(&ben, "/v1/me/preferences").await.expect(200);
        held.batch_execute("rollback").await.unwrap();
        let served: Vec<Reply> = acts.collect().await;
        assert_eq!(served.len(), 100);
        for reply in served {
            assert_eq!(reply.status, 404, "{:#}", reply.body);
        }
        world
    })
    .await;
}

#[tokio::test]
async fn r9_9_what_saves_somebody_has_connections_that_nothing_else_takes() {
    world(|world| async move {
        let mut crowd = Vec::new();
        for nth in 0..9 {
            crowd.push(world.person(&format!("Person {nth}")).await);
        }
        let ben = world.person("Ben").await;
        let held = connect(&world).await;
        held.batch_execute("begin; lock table data.preferences in access exclusive mode").await.unwrap();
        let ask = |who| world.get(who, "/v1/me/preferences");
        let asks: FuturesUnordered<_> = crowd.iter().flat_map(|who| (0..8).map(move |_| ask(who))).collect();
        let saves = async {
            waiting(&world, "%get_preferences%", 20).await;
            let reply = world.post(&ben, "/v1/me/check-ins", json!({})).await;
            let stuck = how_many_wait(&world, "%get_preferences%").await;
            held.batch_execute("rollback").await.unwrap();
            (reply, stuck)
        };
        let (asked, (saved, stuck)) = tokio::join!(asks.collect::<Vec<Reply>>(), saves);
        saved.expect(201);
        assert_eq!(stuck, 20, "all connections of that kind are taken still");
        assert!(asked.iter().all(|reply| reply.status == 200));
        world
    })
    .await;
}

#[tokio::test]
async fn r9_9_an_export_comes_in_pieces_and_one_at_a_time() {
    const TOLD: usize = 3_000;
    world(|world| async move {
        let (ann, ben) = (world.person("Ann").await, world.person("Ben").await);
        // Some 12 MB, in rows of which many have the same instant.
        world
            .db
            .admin
            .batch_execute(&format!(
                "set session_replication_role = replica;
                 insert into data.notifications (user_id, kind, cause, facts, created_at)
                 select '{0}', 'pin_changed', n::text, jsonb_build_object('n', n, 'fill', repeat('x', 4000)), rules.clock()
                   from generate_series(1, {TOLD}) n;
                 insert into data.check_ins (member_id, received_at)
                 select '{0}', rules.clock() - make_interval(hours => n / 100) from generate_series(1, 1000) n;
                 insert into audit.events (at, actor, action, subject_user_id)
                 select rules.clock() - make_interval(hours => n / 100), 'worker', 'test', '{0}' from generate_series(1, 1000) n;
                 reset session_replication_role",
                ann.id
            ))
            .await
            .unwrap();
        let mut first = world.http.get(world.url("/v1/me/export")).bearer_auth(&ann.token).send().await.unwrap();
        assert_eq!((first.status().as_u16(), first.content_length()), (200, None));
        let mut text = first.chunk().await.unwrap().unwrap().to_vec();
        world.get(&ann, "/v1/me/export").await.refused(429, "too-many-requests");
        world.get(&ben, "/v1/me/export").await.expect(200);
        while let Some(piece) = first.chunk().await.unwrap() {
            text.extend_from_slice(&piece);
        }
        let export: Value = serde_json::from_slice(&text).unwrap();
        let numbers: Vec<usize> = export["notifications"]
            .as_array()
            .unwrap()
            .iter()
            .map(|told| told["facts"]["n"].as_u64().unwrap() as usize)
            .collect();
        assert_eq!(numbers.iter().collect::<HashSet<_>>().len(), TOLD);
        assert_eq!(numbers.len(), TOLD);
        let taps: HashSet<&str> =
            export["check_ins"].as_array().unwrap().iter().map(|tap| tap["id"].as_str().unwrap()).collect();
        assert_eq!((taps.len(), export["check_ins"].as_array().unwrap().len()), (1000, 1000));
        let times: Vec<&str> = export["trail"].as_array().unwrap().iter().map(|event| event["at"].as_str().unwrap()).collect();
        assert!(times.len() >= 1000 && times.is_sorted(), "{}", times.len());
        // It is over: the next one may come.
        drop(first);
        let mut again = world.get(&ann, "/v1/me/export").await;
        while again.status == 429 {
            tokio::task::yield_now().await;
            again = world.get(&ann, "/v1/me/export").await;
        }
        again.expect(200);
        world.db.admin.execute("delete from audit.events where action = 'test'", &[]).await.unwrap();
        world
    })
    .await;
}

#[tokio::test]
async fn r9_9_what_is_no_ticket_is_refused_before_a_pin_is_hashed() {
    world(|world| async move {
        let ticket = world.ticket("ann@example.org", 0).await;
        let before = metric(&world, "pruuf_pins_hashed_total").await;
        let events = world.number("select count(*) from audit.events", &[]).await;
        let new = |ticket: &Value| json!({"ticket": ticket, "name": "Ann", "pin": "4829"});
        for _ in 0..20 {
            let garbage = json!(Uuid::new_v4());
            world.post_as_nobody("/v1/auth/accounts", new(&garbage)).await.refused(401, "ticket-invalid");
            let recovery = json!({"ticket": garbage, "pin": "4829"});
            world.post_as_nobody("/v1/auth/pin", recovery).await.refused(401, "ticket-invalid");
        }
        assert_eq!(metric(&world, "pruuf_pins_hashed_total").await, before);
        assert_eq!(world.number("select count(*) from audit.events", &[]).await, events);
        // A PIN that is too weak uses no ticket up.
        let weak = json!({"ticket": ticket, "name": "Ann", "pin": "1234"});
        world.post_as_nobody("/v1/auth/accounts", weak).await.refused(422, "weak-pin");
        world.post_as_nobody("/v1/auth/accounts", new(&ticket)).await.expect(201);
        assert_eq!(metric(&world, "pruuf_pins_hashed_total").await, before + 1);
        world.post_as_nobody("/v1/auth/accounts", new(&ticket)).await.refused(401, "ticket-invalid");
        world
    })
    .await;
}

/// 40 of them took 420 MB, which stayed.
#[tokio::test]
async fn r9_9_hashing_gives_its_memory_back() {
    let world = World::without_server().await;
    let server = Process::start(&world).await;
    let url = format!("http://{}/v1/auth/sessions", server.address);
    let resident = || {
        let status = std::fs::read_to_string(format!("/proc/{}/status", server.child.id().unwrap())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.split_whitespace().next().unwrap().parse::<u64>().unwrap() / 1024
    };
    let try_all = async |from: usize| {
        let tries = (from..from + 40).map(|nth| {
            let body = json!({"address": {"kind": "email", "value": format!("{nth}@example.org")}, "pin": "9021"});
            world.http.post(&url).json(&body).timeout(2 * PATIENCE).send()
        });
        let tried = stream::iter(tries).buffer_unordered(40).map(|reply| reply.unwrap().status().as_u16());
        // On a busy machine some have waited for too long.
        tried.filter(|status| std::future::ready(*status == 401)).count().await
    };
    let before = resident();
    assert!(try_all(0).await >= 8);
    let after = resident();
    assert!(after < before + 40, "from {before} to {after} MB");
    server.kill().await;
    world.stop_servers().await;
}
