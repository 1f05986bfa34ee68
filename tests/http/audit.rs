//! The chain of the audit trail (R9.2): whoever changes it is found, whatever way it was done.

use pruuf::dev::fakes::Channel;
use serde_json::json;
use tokio_postgres::Client;
use uuid::Uuid;

use crate::support::database::connect;
use crate::support::{TestDatabase, World, world};

const SEAL: &str = "begin; set local role pruuf_worker; select jobs.seal_audit(); commit";

/// Twelve events of one user and from one IP address, sealed.
async fn sealed() -> TestDatabase {
    let db = TestDatabase::create().await;
    append(&db.admin, 1, 12).await;
    db.admin.batch_execute(SEAL).await.unwrap();
    assert_eq!(findings(&db.admin, "").await, Vec::<String>::new());
    db
}

/// Appends events as the functions of the engine do, one a transaction.
async fn append(client: &Client, first: i32, last: i32) {
    for number in first..=last {
        client
            .batch_execute(&format!(
                "begin; set local pruuf.ip = '203.0.113.7'; set local pruuf.request_id = 'request-{number}';
                 set local pruuf.user_id = '{}'; set local role pruuf_engine;
                 select audit.append('test.done', '{}', '{}', '{{\"number\": {number}}}'); commit",
                Uuid::from_u128(1),
                Uuid::from_u128(2),
                Uuid::from_u128(3),
            ))
            .await
            .unwrap();
    }
}

/// What `audit.verify` finds: `changed 4` for the event, `removed @4` for a place without one.
async fn findings(client: &Client, arguments: &str) -> Vec<String> {
    let sql = format!(
        "select finding || ' ' || coalesce(event_id::text, '@' || place) from audit.verify({arguments}) order by coalesce(place, event_id), 1"
    );
    client.query(&sql, &[]).await.unwrap().iter().map(|row| row.get(0)).collect()
}

/// Ids of what tampering put in: a sequence is not taken back.
fn as_new(finding: String) -> String {
    match finding.split_once(' ') {
        Some((kind, id)) if id.parse::<u32>().is_ok_and(|id| id > 12) => format!("{kind} new"),
        _ => finding,
    }
}

/// Tampers as a superuser, looks what is found, and takes it back.
async fn found_after(db: &TestDatabase, tampering: &str, arguments: &str) -> Vec<String> {
    db.admin.batch_execute(&format!("begin; {tampering}")).await.unwrap();
    let found = findings(&db.admin, arguments).await;
    db.admin.batch_execute("rollback").await.unwrap();
    found.into_iter().map(as_new).collect()
}

#[tokio::test]
async fn r9_2_a_changed_row_is_found_whatever_column_it_was() {
    let db = sealed().await;
    let columns = db
        .admin
        .query("select attname::text, format_type(atttypid, null) from pg_attribute where attrelid = 'audit.events'::regclass and attnum > 0 and not attisdropped", &[])
        .await
        .unwrap();
    for column in columns {
        let (name, kind): (String, String) = (column.get(0), column.get(1));
        let other = match kind.as_str() {
            "bigint" => "1000",
            "text" => "'other'",
            "uuid" => "gen_random_uuid()",
            "timestamp with time zone" => "at + interval '1 microsecond'",
            "inet" => "'203.0.113.8'",
            "bytea" => "sha256('')",
            "jsonb" => "details || '{\"number\": 0}'",
            other => panic!("{name} is of type {other}"),
        };
        let set = |value| {
            format!(
                "alter table audit.events alter id drop identity; update audit.events set {name} = {value} where id = 4"
            )
        };
        let found = found_after(&db, &set(other), "").await;
        match name.as_str() {
            "id" => assert_eq!(found, ["removed 4", "inserted new"]),
            "at" => assert_eq!(found, ["inserted 4", "removed 4"]),
            // The digest stands for the address, so both are wrong.
            "ip_digest" => assert_eq!(found, ["changed 4", "changed 4"]),
            _ => assert_eq!(found, ["changed 4"], "{name}"),
        }
        if !["id", "at", "actor", "action", "details", "ip", "ip_salt"].contains(&name.as_str()) {
            assert!(found_after(&db, &set("null"), "").await.contains(&"changed 4".to_owned()), "{name}");
        }
    }
}

#[tokio::test]
async fn r9_2_removed_reordered_and_inserted_rows_are_found_and_named() {
    let db = sealed().await;
    let event = "insert into audit.events (at, actor, action, details)";
    for (tampering, expected) in [
        ("delete from audit.events where id = 1", &["removed 1"][..]),
        ("delete from audit.events where id = 6", &["removed 6"]),
        ("delete from audit.events where id = 12", &["removed 12"]),
        ("delete from audit.events where id in (5, 6, 7)", &["removed 5", "removed 6", "removed 7"]),
        ("delete from audit.seals where place = 6", &["inserted 6", "removed @6"]),
        ("delete from audit.seals where place = 1", &["inserted 1", "removed @1"]),
        ("delete from audit.seals where place = 12", &["inserted 12"]),
        ("delete from audit.events where id = 6; delete from audit.seals where place = 6", &["removed @6"]),
        // The hole is closed: the one after it does not follow.
        (
            "delete from audit.events where id = 6; delete from audit.seals where place = 6;
             update audit.seals set place = place + 100 where place > 6; update audit.seals set place = place - 101 where place > 100",
            &["inserted 7"],
        ),
        // Two seals exchange their places; the ones behind them follow no more.
        (
            "update audit.seals set place = 100 where place = 4; update audit.seals set place = 4 where place = 9; update audit.seals set place = 9 where place = 100",
            &["reordered 9", "reordered 5", "reordered 4", "reordered 10"],
        ),
        (
            "update audit.seals set place = 100 where place = 4; update audit.seals set place = 4 where place = 5; update audit.seals set place = 5 where place = 100",
            &["reordered 5", "reordered 4", "reordered 6"],
        ),
        // Two places exchange their events.
        (
            "alter table audit.seals drop constraint one_seal_per_event;
             update audit.seals s set event_id = o.event_id, event_at = o.event_at, digest = o.digest from audit.seals o where s.place in (4, 9) and o.place = 13 - s.place",
            &["reordered 9", "reordered 4"],
        ),
        (
            "alter table audit.seals drop constraint one_seal_per_event;
             update audit.seals s set event_id = o.event_id, event_at = o.event_at from audit.seals o where s.place in (4, 9) and o.place = 13 - s.place",
            &["reordered 9", "reordered 4"],
        ),
        // Two events exchange what they say.
        (
            "update audit.events e set details = o.details, request_id = o.request_id from audit.events o where e.id in (4, 9) and o.id = 13 - e.id",
            &["changed 4", "changed 9"],
        ),
        (&format!("{event} values (rules.clock(), 'x', 'x.y', '{{}}')"), &["inserted new"]),
        (&format!("{event} values (rules.clock() - interval '1 year', 'x', 'x.y', '{{}}')"), &["inserted new"]),
        (
            "insert into audit.events overriding system value select (e).* from (select e from audit.events e where id = 4) e",
            &["inserted 4", "inserted 4"],
        ),
        (
            "insert into audit.events (id, at, actor, action) overriding system value select id, at - interval '1 hour', 'x', 'x.y' from audit.events where id = 4",
            &["inserted 4"],
        ),
        // Through the front door, but of another time.
        (
            "insert into audit.events (at, actor, action) values (rules.clock() - interval '1 day', 'x', 'x.y');
             insert into audit.unsealed_events select e.at, e.id, audit.digest(e) from audit.events e where e.id > 12; select jobs.seal_audit()",
            &["inserted new"],
        ),
        // Before the one in the middle, with its hash reckoned, up to where the chain goes on.
        (
            "update audit.events set details = '{}' where id = 4; update audit.seals s set digest = audit.digest(e) from audit.events e where s.place = 4 and e.id = 4",
            &["inserted 4"],
        ),
    ] {
        let found = found_after(&db, tampering, "").await;
        assert_eq!(found, expected, "{tampering}");
        // By range, each of two.
        let mut halves = found_after(&db, tampering, "1, 6").await;
        halves.extend(found_after(&db, tampering, "7").await);
        let (mut halves, mut whole): (Vec<_>, Vec<_>) = (halves, found);
        halves.sort();
        halves.dedup();
        whole.sort();
        whole.dedup();
        if !tampering.contains("o.place = 13") && !tampering.contains("= 100 where place = 4; update audit.seals set place = 4 where place = 9") {
            assert_eq!(halves, whole, "by range: {tampering}");
        }
        assert!(!halves.is_empty());
    }
}

/// A chain that was reckoned anew from a point on is whole in itself: only what was noted elsewhere knows better.
#[tokio::test]
async fn r9_2_a_rewritten_chain_is_found_by_what_the_log_noted() {
    let db = sealed().await;
    let anchor: String = db
        .admin
        .query_one("select format('1, null, 12, %L', hash) from audit.seals where place = 12", &[])
        .await
        .unwrap()
        .get(0);
    assert_eq!(findings(&db.admin, &anchor).await, Vec::<String>::new());
    let rewrite = "update audit.events set details = '{}' where id = 4;
        insert into audit.unsealed_events select e.at, e.id, audit.digest(e) from audit.events e where e.id >= 4;
        delete from audit.seals where place >= 4; select jobs.seal_audit()";
    assert_eq!(found_after(&db, rewrite, "").await, Vec::<String>::new());
    assert_eq!(found_after(&db, rewrite, &anchor).await, ["rewritten 12"]);
    let cut = "delete from audit.seals where place > 8; delete from audit.events where id > 8";
    assert_eq!(found_after(&db, cut, "").await, Vec::<String>::new());
    assert_eq!(found_after(&db, cut, &anchor).await, ["removed @12"]);
    // What came later does not disturb the anchor.
    append(&db.admin, 13, 15).await;
    db.admin.batch_execute(SEAL).await.unwrap();
    assert_eq!(findings(&db.admin, &anchor).await, Vec::<String>::new());
}

/// Its transaction decides, also when it commits late; what is undone leaves nothing.
#[tokio::test]
async fn r9_2_appends_and_two_sealers_at_once_leave_no_row_out_and_seal_none_twice() {
    let db = TestDatabase::create().await;
    let late = connect(&db.admin_url()).await;
    let undone = connect(&db.admin_url()).await;
    for session in [&late, &undone] {
        session
            .batch_execute(
                "begin; set local role pruuf_engine; select audit.append('test.late', null, null, '{\"number\": 0}')",
            )
            .await
            .unwrap();
    }
    let clients = [connect(&db.admin_url()).await, connect(&db.admin_url()).await, connect(&db.admin_url()).await];
    let sealers = [connect(&db.admin_url()).await, connect(&db.admin_url()).await];
    let appending = futures_util::future::join_all(clients.iter().map(|client| append(client, 1, 60)));
    let sealing = futures_util::future::join_all(sealers.iter().map(|sealer| async move {
        for _ in 0..60 {
            sealer
                .batch_execute("begin; set local role pruuf_worker; select jobs.seal_audit(7); commit")
                .await
                .unwrap();
        }
    }));
    tokio::join!(appending, sealing);
    undone.batch_execute("rollback").await.unwrap();
    db.admin.batch_execute(SEAL).await.unwrap();
    late.batch_execute("commit").await.unwrap();
    db.admin.batch_execute(SEAL).await.unwrap();
    let counts = "select (select count(*) from audit.events) || ' ' || (select count(*) from audit.seals) || ' ' || (select max(place) from audit.seals) || ' ' || (select count(*) from audit.unsealed_events)";
    assert_eq!(db.admin.query_one(counts, &[]).await.unwrap().get::<_, String>(0), "181 181 181 0");
    assert_eq!(findings(&db.admin, "").await, Vec::<String>::new());
    let last =
        "select e.action from audit.seals s join audit.events e on e.id = s.event_id order by s.place desc limit 1";
    assert_eq!(db.admin.query_one(last, &[]).await.unwrap().get::<_, String>(0), "test.late");
}

/// From where somebody acted can be forgotten; what others did to them stays, and so does the chain.
#[tokio::test]
async fn r9_2_an_ip_address_can_be_forgotten_and_the_chain_holds() {
    let db = sealed().await;
    db.admin
        .batch_execute(&format!(
            "begin; set local pruuf.ip = '203.0.113.9'; set local role pruuf_engine; select audit.append('sign_in.tried', '{}'); commit",
            Uuid::from_u128(1)
        ))
        .await
        .unwrap();
    let forget =
        format!("begin; set local role pruuf_engine; select audit.forget_ips('{}'); commit", Uuid::from_u128(2));
    db.admin.batch_execute(&forget).await.unwrap();
    let known = "select count(*) from audit.events where ip is not null and ip_salt is not null";
    assert_eq!(db.admin.query_one(known, &[]).await.unwrap().get::<_, i64>(0), 13);
    db.admin
        .batch_execute(&forget.replace(&Uuid::from_u128(2).to_string(), &Uuid::from_u128(1).to_string()))
        .await
        .unwrap();
    assert_eq!(db.admin.query_one(known, &[]).await.unwrap().get::<_, i64>(0), 0);
    db.admin.batch_execute(SEAL).await.unwrap();
    assert_eq!(findings(&db.admin, "").await, Vec::<String>::new());
    // Another address is not taken for the one that was forgotten, nor put where none was.
    for (id, named) in [("3", "changed 3"), ("(select max(id) from audit.events)", "changed new")] {
        let tampering = format!("update audit.events set ip = '203.0.113.8', ip_salt = sha256('') where id = {id}");
        assert_eq!(found_after(&db, &tampering, "").await, [named]);
    }
    // The engine itself can do nothing else to a row.
    for statement in [
        "update audit.events set ip = '203.0.113.8'",
        "update audit.events set details = '{}'",
        "update audit.events set ip = null, ip_salt = '\\x00'",
        "delete from audit.events",
    ] {
        let refused = db.admin.batch_execute(&format!("begin; set local role pruuf_engine; {statement}")).await;
        assert!(refused.is_err(), "{statement}");
        db.admin.batch_execute("rollback").await.unwrap();
    }
}

impl World {
    /// Seals what is not sealed yet and checks that nothing is wrong with the trail.
    pub async fn verify_trail(&self) {
        while self.number("select count(*) from audit.unsealed_events", &[]).await > 0 {
            self.db.admin.batch_execute(SEAL).await.unwrap();
        }
        assert_eq!(self.admin_json("select * from audit.verify()").await, json!([]));
    }

    /// Checks that none of these words is in the trail, nor any address or code of a message that was sent (R9.2).
    pub async fn trail_tells_nothing(&self, words: &[&str]) {
        // Without ids, whose digits may happen to be those of a PIN.
        let trail = r"select regexp_replace(string_agg(concat_ws(' ', actor, action, details), e'\n'), '[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}', '…', 'g') as text from audit.events";
        let trail = self.row(trail, &[]).await["text"].as_str().unwrap().to_owned();
        let mut secrets: Vec<String> = words.iter().map(|&word| word.to_owned()).collect();
        for message in self.fakes.received() {
            secrets.extend(
                message
                    .text
                    .split(|letter: char| !letter.is_ascii_digit())
                    .filter(|run| run.len() == 6)
                    .map(str::to_owned),
            );
            secrets.push(message.to);
        }
        for secret in secrets {
            assert!(!trail.contains(&secret), "{secret}: {trail}");
        }
    }
}

/// Any role may take any advisory lock: none of them stops the sealing.
#[tokio::test]
async fn r9_2_a_user_s_session_cannot_hold_up_the_sealing() {
    let db = TestDatabase::create().await;
    append(&db.admin, 1, 2).await;
    let user = db.session_as("pruuf_user", Some(Uuid::from_u128(1))).await;
    user.query_one("select pg_advisory_lock(hashtextextended('audit chain', 0))", &[]).await.unwrap();
    db.admin.batch_execute(SEAL).await.unwrap();
    let waiting: i64 = db.admin.query_one("select count(*) from audit.unsealed_events", &[]).await.unwrap().get(0);
    assert_eq!(waiting, 0);
}

/// R9.2: whoever changes a setting, and however, it is recorded.
#[tokio::test]
async fn r9_2_every_change_of_a_setting_is_recorded_whoever_makes_it() {
    let db = TestDatabase::create().await;
    let by_hand = "update data.policies set value = 11 where key = 'code_life';
        update meta.jobs set every = every where name = 'tick'; update meta.jobs set every = '2 seconds' where name = 'tick';
        update data.notification_kinds set priority = priority; update data.notification_kinds set is_urgent = not is_urgent where kind = 'reminder'";
    db.admin.batch_execute(by_hand).await.unwrap();
    let kept = "select old_value || ' ' || new_value || ' ' || changed_by || ' ' || reason from data.policy_changes where key = 'code_life'";
    let kept: String = db.admin.query_one(kept, &[]).await.unwrap().get(0);
    assert_eq!(kept, "10 11 pruuf_admin changed without a reason");
    let trail = "select details ->> 'table' || ' ' || coalesce(details -> 'after' ->> 'name', details -> 'after' ->> 'kind') from audit.events where action = 'setting.changed' order by id";
    let trail: Vec<String> = db.admin.query(trail, &[]).await.unwrap().iter().map(|row| row.get(0)).collect();
    assert_eq!(trail, ["meta.jobs tick", "data.notification_kinds reminder"]);
}

/// The server seals by itself, soon.
#[tokio::test]
async fn r9_2_a_server_seals_what_its_users_do() {
    world(|world| async move {
        let aroha = world.person("Aroha").await;
        world.post(&aroha, "/v1/me/check-ins", json!({"note": "Fine"})).await.expect(201);
        world
            .eventually(
                "it is sealed",
                "select exists (select from audit.seals) and not exists (select from audit.unsealed_events)",
                &[],
            )
            .await;
        world.verify_trail().await;
        assert_eq!(world.count(Channel::Push, &aroha.push_token, ""), 0);
        world
    })
    .await;
}
