//! Data keys are turned while servers serve (R9.3): `pruuf keys rotate`, and every step before and after it.

use std::fmt::Write as _;
use std::process::Stdio;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::future::join_all;
use pruuf::config::Key;
use pruuf::dev::fakes::Channel;
use pruuf::keys::{self, Rotated};
use pruuf::server::Server;
use pruuf::vault::Vault;
use reqwest::Method;
use serde_json::json;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;
use tokio_postgres::error::SqlState;

use crate::connections::{accept, invite};
use crate::support::accounts::{PIN, email};
use crate::support::database::connect;
use crate::support::{Person, World};

/// The key of every [`World`], and the one that follows it.
const OLD: Key = [7; 32];
const NEW: Key = [8; 32];

/// Servers with these keys, in the place of those that ran.
async fn servers(world: &mut World, lists: &[&[Key]]) {
    world.stop_all().await;
    for list in lists {
        let mut config = world.config();
        config.secrets.data = list.to_vec();
        world.servers.push(Server::start(config).await.unwrap());
    }
}

async fn rotate(world: &World, list: &[Key]) -> Rotated {
    keys::rotate(&world.db.admin_url().into(), list.to_vec()).await.unwrap()
}

/// How many values of the whole database, in whatever column, are sealed under this key.
async fn sealed_under(world: &World, key: Key) -> i64 {
    let columns = "select format('%I.%I', c.table_schema, c.table_name) as table_name, c.column_name::text
                     from information_schema.columns c join information_schema.tables t using (table_schema, table_name)
                    where t.table_type = 'BASE TABLE' and c.data_type = 'bytea' and c.column_name ~ '(^|_)sealed$'";
    let columns = world.db.admin.query(columns, &[]).await.unwrap();
    assert!(columns.len() >= 5, "{columns:?}");
    let id = Vault::new(vec![key]).first_key_id();
    let mut found = 0;
    for column in columns {
        let (table, column): (String, String) = (column.get(0), column.get(1));
        found += world.number(&format!("select count(*) from {table} where substr({column}, 2, 4) = $1"), &[&id]).await;
    }
    found
}

async fn addresses_of(world: &World, who: &Person) -> Vec<String> {
    let list = world.get(who, "/v1/me/addresses").await.expect(200);
    let mut values: Vec<String> =
        list["items"].as_array().unwrap().iter().map(|item| item["value"].as_str().unwrap().to_owned()).collect();
    values.sort();
    values
}

/// What must go on whatever step the keys are at, each act at the other one of two servers.
async fn everything_works(world: &mut World, step: &str, ana: &Person, staff: &Person, accounts: &mut Vec<Person>) {
    // Whoever was there before.
    let session = world.sign_in(&ana.email, PIN).await.expect(201);
    let refreshed = world.refresh(&session["refresh_token"]).await.expect(200);
    world.servers.reverse();
    let again = world.refresh(&session["refresh_token"]).await.expect(200);
    assert_eq!(again["refresh_token"], refreshed["refresh_token"], "{step}: an answer that was lost comes again");
    world.sign_in(&ana.email, PIN).await.expect(201);
    assert_eq!(addresses_of(world, ana).await, std::slice::from_ref(&ana.email), "{step}");
    let found = world.post(staff, "/v1/staff/users/find", json!({"address": email(&ana.email)})).await.expect(200);
    assert_eq!(found["id"], ana.id.to_string(), "{step}");
    let card = world.get(ana, "/v1/me/welfare-card").await.expect(200);
    assert_eq!(card["address"], "Rata Street 4", "{step}");
    let webhooks = world.get(ana, "/v1/me/webhooks").await.expect(200);
    assert_eq!(webhooks["items"][0]["url"], "https://hooks.example.org/ana", "{step}");
    // Whoever comes now: the code is asked for here and typed there.
    let address = format!("{}{}@example.org", step.replace(' ', "-"), accounts.len());
    world.ask_for_code(&address).await.expect(200);
    let code = world.code(Channel::Email, &address, 1).await;
    world.servers.reverse();
    let verified = world.type_code(&address, &code).await.expect(200);
    assert_eq!(verified["account_exists"], false);
    world.servers.reverse();
    let body = json!({"ticket": verified["ticket"], "name": "Eve", "pin": PIN});
    let session = world.post_as_nobody("/v1/auth/accounts", body).await.expect(201);
    world.servers.reverse();
    let token = session["access_token"].as_str().unwrap().to_owned();
    let id = session["user_id"].as_str().unwrap().parse().unwrap();
    let eve = Person { id, token, email: address.clone(), ..ana.clone() };
    accounts.push(eve.clone());
    // And everybody from the steps before.
    for account in &*accounts {
        let session = world.sign_in(&account.email, PIN).await.expect(201);
        assert_eq!(session["user_id"], account.id.to_string(), "{step}");
    }
    // An invitation from here is accepted there.
    let body = json!({"invitee_becomes": "contact", "name": "Ana", "address": email(&ana.email)});
    let invitation = world.post(&eve, "/v1/invitations", body.clone()).await.expect(201);
    world.servers.reverse();
    world.post(&eve, "/v1/invitations", body).await.refused(409, "already-invited");
    world
        .post(&eve, "/v1/invitations", json!({"invitee_becomes": "contact", "name": "I", "address": email(&address)}))
        .await
        .refused(422, "own-address");
    assert_eq!(accept(world, ana, &invitation["code"]).await.expect(200)["you_are"], "contact", "{step}");
    // A second address, proved at the other server.
    let second = format!("second-{address}");
    let added = world.post(&eve, "/v1/me/addresses", json!({"address": email(&second)})).await.expect(201);
    let code = world.code(Channel::Email, &second, 1).await;
    world.servers.reverse();
    let path = format!("/v1/me/addresses/{}/verify", added["id"].as_str().unwrap());
    world.post(&eve, &path, json!({"code": code})).await.expect(200);
    world.expect_message(Channel::Email, &address, "An address was added").await;
    assert_eq!(world.sign_in(&second, PIN).await.expect(201)["user_id"], eve.id.to_string(), "{step}");
}

/// Both servers of every step have another list, as while they are restarted one after the other.
#[tokio::test]
async fn r9_3_keys_are_turned_while_servers_serve_and_nobody_notices() {
    let mut world = World::without_server().await;
    servers(&mut world, &[&[OLD], &[OLD]]).await;
    let (ana, _) = world.account("Ana", "ana@example.org").await;
    let staff = world.person("Sam").await;
    let sql = "insert into data.staff_roles (user_id, role, added_at) values ($1, 'support', rules.clock())";
    world.db.admin.execute(sql, &[&staff.id]).await.unwrap();
    let card = world.put(&ana, "/v1/me/welfare-card", json!({"address": "Rata Street 4"})).await.expect(200);
    world.post(&ana, "/v1/me/webhooks", json!({"url": "https://hooks.example.org/ana"})).await.expect(201);
    let mut accounts = Vec::new();

    servers(&mut world, &[&[OLD], &[OLD, NEW]]).await;
    everything_works(&mut world, "new key known", &ana, &staff, &mut accounts).await;
    servers(&mut world, &[&[OLD, NEW], &[NEW, OLD]]).await;
    everything_works(&mut world, "new key first", &ana, &staff, &mut accounts).await;
    assert!(sealed_under(&world, OLD).await > 10 && sealed_under(&world, NEW).await > 0);

    servers(&mut world, &[&[NEW, OLD], &[NEW, OLD]]).await;
    let (url, list) = (world.db.admin_url().into(), vec![NEW, OLD]);
    let turning = tokio::spawn(async move { keys::rotate(&url, list).await.unwrap() });
    everything_works(&mut world, "turning", &ana, &staff, &mut accounts).await;
    let rotated = turning.await.unwrap();
    assert!(rotated.is_all() && rotated.addresses > 2, "{rotated}");
    rotate(&world, &[NEW, OLD]).await;
    assert_eq!(sealed_under(&world, OLD).await, 0);
    everything_works(&mut world, "turned", &ana, &staff, &mut accounts).await;

    servers(&mut world, &[&[NEW, OLD], &[NEW]]).await;
    everything_works(&mut world, "old key going", &ana, &staff, &mut accounts).await;
    servers(&mut world, &[&[NEW], &[NEW]]).await;
    everything_works(&mut world, "old key gone", &ana, &staff, &mut accounts).await;
    assert_eq!(sealed_under(&world, OLD).await, 0);
    assert_eq!(world.get(&ana, "/v1/me/welfare-card").await.expect(200), card, "it is the same card, of the same day");
    let lookups = "select count(*) from (select distinct lookup from data.addresses) l";
    assert_eq!(world.number(lookups, &[]).await, 3 + 2 * accounts.len() as i64, "no address stands there twice");
    world.stop_servers().await;
}

/// Two servers with other first keys, two tickets for one address, used at the same moment, while the mover runs.
#[tokio::test]
async fn r9_3_while_keys_are_turned_an_address_has_one_account() {
    let mut world = World::without_server().await;
    servers(&mut world, &[&[OLD, NEW], &[NEW, OLD]]).await;
    let places: Vec<String> = (0..6).map(|number| format!("eve{number}@example.org")).collect();
    let mut tickets = Vec::new();
    for round in 0..2 {
        for place in &places {
            tickets.push((place.clone(), round, world.ticket(place, round).await));
        }
        world.servers.reverse();
        world.advance("61 seconds").await;
    }
    let tries = tickets.iter().map(|(place, server, ticket)| {
        let url = format!("http://{}/v1/auth/accounts", world.servers[*server].address);
        let body = json!({"ticket": ticket, "name": place, "pin": PIN});
        let sent = world.http.post(url).json(&body).send();
        async move { sent.await.unwrap().status().as_u16() }
    });
    let (statuses, rotated) = tokio::join!(join_all(tries), rotate(&world, &[NEW, OLD]));
    assert_eq!(statuses.iter().filter(|status| **status == 201).count(), places.len(), "{statuses:?}");
    assert!(statuses.iter().all(|status| [201, 409].contains(status)), "{statuses:?}");
    assert_eq!(world.number("select count(*) from data.addresses", &[]).await, places.len() as i64);
    assert_eq!(rotated.twice, 0);
    assert!(rotate(&world, &[NEW, OLD]).await.is_all());
    servers(&mut world, &[&[NEW]]).await;
    for place in &places {
        world.sign_in(place, PIN).await.expect(201);
    }
    world.stop_servers().await;
}

/// Servers with other first keys, at the same moment: the second waits for the first, and finds what it wrote.
#[tokio::test]
async fn r9_3_whoever_writes_an_address_down_is_waited_for_by_servers_with_another_first_key() {
    let world = World::without_server().await;
    let call = |place: &str, id: u8, first: Key, other: Key| {
        let under = |key: Key| Vault::new(vec![key]).seal_address("email", place).unwrap();
        let hex = |bytes: &[u8]| format!("'\\x{}'", hex(bytes));
        let (first, other) = (under(first), under(other));
        format!(
            "begin; set local role pruuf_anon; set local pruuf.ip = '10.0.0.{id}'; select api.request_code('00000000-0000-0000-0000-00000000000{id}', 'email', {}, {}, '\\x0{id}', array[{}::bytea], array[{}::bytea]) ->> 'refused'",
            hex(&first.lookup),
            hex(&first.sealed),
            hex(&other.lookup),
            hex(&other.sealed)
        )
    };
    let (one, other) = (connect(&world.db.admin_url()).await, connect(&world.db.admin_url()).await);
    one.batch_execute(&call("eve@example.org", 1, OLD, NEW)).await.unwrap();
    let second = call("eve@example.org", 2, NEW, OLD);
    let waiting = tokio::spawn(async move { other.simple_query(&second).await.unwrap() });
    let waits =
        "select exists (select from pg_stat_activity where datname = current_database() and wait_event = 'advisory')";
    world.eventually("the second one waits", waits, &[]).await;
    // Whoever asks for another address waits for nobody.
    let third = connect(&world.db.admin_url()).await;
    third.batch_execute(&call("ann@example.org", 3, NEW, OLD)).await.unwrap();
    one.batch_execute("commit").await.unwrap();
    let answers = waiting.await.unwrap();
    let refused = answers.iter().find_map(|message| match message {
        tokio_postgres::SimpleQueryMessage::Row(row) => Some(row.get(0).map(str::to_owned)),
        _ => None,
    });
    assert_eq!(refused.flatten().as_deref(), Some("too-many-codes"));
    world.stop_servers().await;
}

/// R2.1, R2.3: also an address that nobody has is locked after five tries, at whatever servers.
#[tokio::test]
async fn r9_3_tries_at_an_unknown_address_are_counted_on_while_keys_are_turned() {
    let mut world = World::without_server().await;
    servers(&mut world, &[&[OLD, NEW], &[NEW, OLD]]).await;
    for left in (0..5).rev() {
        let refused = world.sign_in("nobody@example.org", PIN).await.refused(401, "sign-in-failed");
        assert_eq!(refused["tries_left"], left);
        world.servers.reverse();
    }
    for _ in 0..2 {
        world.sign_in("nobody@example.org", PIN).await.refused(423, "sign-in-locked");
        world.servers.reverse();
    }
    assert_eq!(world.number("select count(*) from data.unknown_sign_ins", &[]).await, 1);
    world.stop_servers().await;
}

#[tokio::test]
async fn r9_3_r3_1_an_invitation_outlives_the_key_it_was_sent_under() {
    let mut world = World::without_server().await;
    servers(&mut world, &[&[OLD]]).await;
    let (ann, ben, cat) = (world.person("Ann").await, world.person("Ben").await, world.person("Cat").await);
    let to_ben = invite(&world, &ann, &ben, "contact").await;
    let to_cat = invite(&world, &ann, &cat, "contact").await;
    // One to somebody without an account, whose message is forgotten by its age.
    let body =
        json!({"invitee_becomes": "contact", "name": "Zoe", "address": {"kind": "email", "value": "zoe@example.org"}});
    let to_zoe = world.post(&ann, "/v1/invitations", body).await.expect(201);
    world.expect_message(Channel::Email, "zoe@example.org", "Ann").await;
    world.settle().await;
    let forget = "delete from data.notifications where address_sealed is not null and facts ->> 'code_id' = $1";
    world.db.admin.execute(forget, &[&to_zoe["id"].as_str().unwrap()]).await.unwrap();
    let link = |world: &World, to: &str| {
        let text = world.fakes.received().into_iter().rev().find(|message| message.to == to).unwrap().text;
        text.split_once("/i/").unwrap().1.split_whitespace().next().unwrap().to_owned()
    };
    let token = link(&world, &cat.email);
    // Turned twice: what was kept of the first key must be sealed anew with everything else.
    let third: Key = [9; 32];
    assert_eq!(rotate(&world, &[NEW, OLD]).await.values, 0);
    assert_eq!(rotate(&world, &[third, NEW]).await.values, 1);
    servers(&mut world, &[&[third]]).await;
    assert_eq!((sealed_under(&world, OLD).await, sealed_under(&world, NEW).await), (0, 0));

    let listed = world.get(&ann, "/v1/invitations").await.expect(200);
    assert_eq!(listed["items"], json!([to_zoe, to_cat, to_ben]));
    let page = world.call(Method::GET, &format!("/i/{token}"), None, &[], None).await.expect(200);
    assert!(page.as_str().unwrap().contains(to_cat["code"].as_str().unwrap()));
    world.advance("11 minutes").await;
    world.forget();
    let path = format!("/v1/invitations/{}/resend", to_cat["id"].as_str().unwrap());
    assert_eq!(world.post(&ann, &path, json!({})).await.expect(200)["code"], to_cat["code"]);
    world.expect_message(Channel::Email, &cat.email, to_cat["code"].as_str().unwrap()).await;
    assert_eq!(link(&world, &cat.email), token);
    accept(&world, &ben, &to_ben["code"]).await.expect(200);
    world.post(&cat, "/v1/invitations/accept", json!({"token": token})).await.expect(200);
    world.stop_servers().await;
}

/// R9.3: the same six letters under two keys are two hashes; two open invitations must not share them all the same.
#[tokio::test]
async fn r9_3_r3_1_a_new_code_is_not_one_that_was_sent_under_the_key_before() {
    let mut world = World::without_server().await;
    servers(&mut world, &[&[NEW, OLD]]).await;
    let (ann, ben) = (world.person("Ann").await, world.person("Ben").await);
    let call = |n: u8, others: &str| {
        format!(
            "api.create_invitation('00000000-0000-0000-0000-00000000000{n}', 'contact', 'Cat', 'email', '\\x0{n}', '\\x00', '\\x0{n}', null, other_code_hashes => '{{{others}}}')"
        )
    };
    let now = "2030-01-01 00:00Z";
    world.exactly(now, "pruuf_user", Some(ann.id), &call(1, "")).await.unwrap();
    let clash = world.exactly(now, "pruuf_user", Some(ben.id), &call(2, r#""\\x01""#)).await;
    assert_eq!(clash.unwrap_err(), "invitation_code_is_free");
    world.exactly(now, "pruuf_user", Some(ben.id), &call(2, r#""\\x07""#)).await.unwrap();
    world.stop_servers().await;
}

#[tokio::test]
async fn r9_3_turning_may_be_killed_halfway_started_again_and_run_twice_at_once() {
    let mut world = World::without_server().await;
    let mut people = Vec::new();
    for number in 0..20 {
        people.push(world.person(&format!("P{number}")).await);
    }
    let (ana, _) = {
        servers(&mut world, &[&[OLD, NEW]]).await;
        world.account("Ana", "ana@example.org").await
    };
    // Somebody's hand is on one address: everything else is moved meanwhile.
    let holder = connect(&world.db.admin_url()).await;
    holder.batch_execute("begin").await.unwrap();
    holder.execute("select from data.addresses where user_id = $1 for update", &[&people[7].id]).await.unwrap();
    let (url, list) = (world.db.admin_url().into(), vec![NEW, OLD]);
    let killed = tokio::spawn(async move { keys::rotate(&url, list).await });
    let id = Vault::new(vec![OLD]).first_key_id();
    let rest = "select count(*) = 2 from data.addresses where substr(sealed, 2, 4) = $1";
    world.eventually("all but the held ones are moved", rest, &[&id]).await;
    killed.abort();
    assert!(killed.await.unwrap_err().is_cancelled());
    holder.batch_execute("rollback").await.unwrap();

    servers(&mut world, &[&[NEW, OLD]]).await;
    world.sign_in(&ana.email, PIN).await.expect(201);
    for person in &people {
        assert_eq!(addresses_of(&world, person).await, [person.phone.clone(), person.email.clone()]);
    }
    let (one, other) = tokio::join!(rotate(&world, &[NEW, OLD]), rotate(&world, &[NEW, OLD]));
    assert!(one.is_all() && other.is_all(), "{one} {other}");
    assert!(one.addresses + other.addresses <= 2, "{one} {other}");
    assert_eq!(rotate(&world, &[NEW, OLD]).await, Rotated::default());
    assert_eq!(sealed_under(&world, OLD).await, 0);
    servers(&mut world, &[&[NEW]]).await;
    for person in &people {
        assert_eq!(addresses_of(&world, person).await, [person.phone.clone(), person.email.clone()]);
    }
    world.stop_servers().await;
}

/// A command of the binary, with these keys; what it printed, or said was wrong.
async fn pruuf(world: &World, arguments: &[&str], keys: &[Key], input: &str) -> Result<String, String> {
    let mut child = Command::new(env!("CARGO_BIN_EXE_pruuf"))
        .args(arguments)
        .env("DATABASE_URL", world.db.admin_url())
        .env("PRUUF_DATA_KEYS", keys.iter().map(|key| STANDARD.encode(key)).collect::<Vec<_>>().join(","))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).await.unwrap();
    let output = child.wait_with_output().await.unwrap();
    let said = |bytes| String::from_utf8(bytes).unwrap();
    if output.status.success() { Ok(said(output.stdout)) } else { Err(said(output.stdout) + &said(output.stderr)) }
}

#[tokio::test]
async fn r9_3_the_command_line_turns_keys_and_knows_addresses_under_either() {
    let world = World::without_server().await;
    let ann = world.person("Ann").await;
    let (staff, line) = (["staff", "add", "admin"], format!("{}\n", ann.email));
    assert!(pruuf(&world, &staff, &[NEW], &line).await.unwrap_err().contains("no such user"));
    assert!(pruuf(&world, &staff, &[NEW, OLD], &line).await.unwrap().contains("admin Ann"));
    let left = pruuf(&world, &["keys", "rotate"], &[NEW], "").await.unwrap_err();
    assert!(left.contains("left are 2 that no key of the list opens") && !left.contains('@'), "{left}");
    let done = pruuf(&world, &["keys", "rotate"], &[NEW, OLD], "").await.unwrap();
    assert_eq!(done, "2 addresses and 0 other values were sealed anew; nothing is left under another key\n");
    let none = pruuf(&world, &["keys", "rotate"], &[NEW], "").await.unwrap();
    assert_eq!(none, "0 addresses and 0 other values were sealed anew; nothing is left under another key\n");
    assert!(pruuf(&world, &staff, &[NEW], &line).await.unwrap().contains("admin Ann"));
    world.stop_servers().await;
}

/// What cannot be done is counted, in numbers only, and does not hold up the rest.
#[tokio::test]
async fn r9_3_turning_says_what_it_could_not_do_and_names_nobody() {
    let world = World::without_server().await;
    let (ann, ben) = (world.person("Ann").await, world.person("Ben").await);
    let lost = Vault::new(vec![[1; 32]]).seal_address("email", "lost@example.org").unwrap();
    let insert = "insert into data.addresses (user_id, kind, lookup, sealed, verified_at, created_at) values ($1, 'email', $2, $3, rules.clock(), rules.clock())";
    world.db.admin.execute(insert, &[&ann.id, &lost.lookup, &lost.sealed]).await.unwrap();
    // A server that knew the new key alone let Ben's address be written down a second time.
    let twice = Vault::new(vec![NEW]).seal_address("email", &ben.email).unwrap();
    world.db.admin.execute(insert, &[&ann.id, &twice.lookup, &twice.sealed]).await.unwrap();
    let rotated = rotate(&world, &[NEW, OLD]).await;
    assert_eq!(rotated, Rotated { addresses: 3, values: 0, lost: 1, busy: 0, twice: 1 });
    assert_eq!(
        rotated.to_string(),
        "3 addresses and 0 other values were sealed anew; left are 1 that no key of the list opens, 0 that were in use, 1 that are there under two keys"
    );
    world.stop_servers().await;
}

/// R9.1: it may do its job and nothing else, and the servers may not take its role.
#[tokio::test]
async fn r9_1_r9_3_whoever_turns_the_keys_reads_nothing_else() {
    let world = World::without_server().await;
    world.person("Ann").await;
    let keeper = connect(&world.db.admin_url()).await;
    keeper.batch_execute("set role pruuf_keeper").await.unwrap();
    for refused in [
        "select name from data.users",
        "select user_id from data.addresses",
        "select facts from data.notifications",
        "select code_hash from data.one_time_codes",
        "select name from data.invitations",
        "select failed_tries from data.unknown_sign_ins",
        "select hash from data.pins",
        "update data.addresses set verified_at = now()",
        "update data.addresses set user_id = user_id",
        "delete from data.addresses",
        "delete from data.code_keys",
        "select jobs.tick()",
    ] {
        let error = keeper.batch_execute(refused).await.unwrap_err();
        assert_eq!(error.code(), Some(&SqlState::INSUFFICIENT_PRIVILEGE), "{refused}");
    }
    let server = connect(&world.db.server_url()).await;
    let error = server.batch_execute("set role pruuf_keeper").await.unwrap_err();
    assert_eq!(error.code(), Some(&SqlState::INSUFFICIENT_PRIVILEGE));
    world.stop_servers().await;
}

/// Bytes as PostgreSQL writes them.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").unwrap();
        hex
    })
}

/// Every form in which an address might stand in a dump: as it is, and as bytes are written.
fn forms(address: &str) -> Vec<String> {
    vec![address.to_lowercase(), hex(address.as_bytes()), STANDARD.encode(address).to_lowercase()]
}

#[tokio::test]
async fn r9_3_a_dump_of_the_database_holds_no_readable_address_and_no_welfare_card() {
    let mut world = World::without_server().await;
    servers(&mut world, &[&[NEW, OLD]]).await;
    let (ann, ben) = (world.person("Ann").await, world.person("Ben").await);
    let mut secrets = vec![ann.email.clone(), ann.phone.clone(), ben.email.clone(), ben.phone.clone()];
    let places: Vec<String> =
        ["ana", "second", "invited", "unknown", "half"].map(|name| format!("{name}.secret@example.org")).into();
    let [signed_up, second, invited, unknown, half] = &places[..] else { unreachable!() };
    // An account, a further address, a code that nobody types, a try at an address that nobody has.
    let (ana, _) = world.account("Ana", signed_up).await;
    let once = [("idempotency-key", "one")];
    let body = json!({"address": email(second)});
    world.call(Method::POST, "/v1/me/addresses", Some(&ana.token), &once, Some(&body)).await.expect(201);
    world.ask_for_code(half).await.expect(200);
    world
        .post_as_nobody("/v1/auth/codes", json!({"address": {"kind": "phone", "value": "+4915112345678"}}))
        .await
        .expect(200);
    world.sign_in(unknown, PIN).await.refused(401, "sign-in-failed");
    world.sign_in(signed_up, "7294").await.refused(401, "sign-in-failed");
    let card = json!({"address": "Rata Street 4", "door_code": "4711#"});
    world.put(&ann, "/v1/me/welfare-card", card).await.expect(200);
    // Invitations to somebody and to nobody, an alert over every channel, an address that bounces.
    let body = json!({"invitee_becomes": "contact", "name": "Somebody", "address": email(invited)});
    let once = [("idempotency-key", "two")];
    world.call(Method::POST, "/v1/invitations", Some(&ana.token), &once, Some(&body)).await.expect(201);
    let invitation = invite(&world, &ann, &ben, "contact").await;
    accept(&world, &ben, &invitation["code"]).await.expect(200);
    world.schedule(&ann, "09:00", "UTC").await;
    world.advance("25 hours").await;
    world.eventually("an alert is out", "select exists (select from data.deliveries d join data.notifications n on n.id = d.notification_id where n.kind = 'missed' and d.state = 'accepted')", &[]).await;
    world.delete(&ana, "/v1/me").await.expect(200);
    world.settle().await;
    world.stop_all().await;
    rotate(&world, &[NEW, OLD]).await;

    let dump = Command::new("pg_dump").args(["--inserts", "--dbname", &world.db.admin_url()]).output().await.unwrap();
    assert!(dump.status.success(), "{}", String::from_utf8_lossy(&dump.stderr));
    let dump = String::from_utf8(dump.stdout).unwrap().to_lowercase();
    assert!(dump.contains(&ann.id.to_string()) && dump.contains("insert into data.notifications"), "it holds the rows");
    secrets.extend(places.clone());
    // The local part of an address alone would be one, too.
    secrets.extend(places.iter().map(|place| place.split('@').next().unwrap().to_owned()));
    secrets.extend([
        "Rata Street 4".to_owned(),
        "4711#".to_owned(),
        "+4915112345678".to_owned(),
        "4915112345678".to_owned(),
    ]);
    for secret in &secrets {
        for form in forms(secret) {
            let found = dump.find(&form).map(|place| dump[..place].lines().last().unwrap_or_default().to_owned());
            assert_eq!(found, None, "{secret} stands in the dump as {form}");
        }
    }
    // And yet they are there, for whoever has the key.
    let vault = Vault::new(vec![NEW]);
    let all = "select lookup, sealed from data.addresses union all select lookup, sealed from data.one_time_codes
               union all select lookup, sealed from data.invitations
               union all select address_lookup, address_sealed from data.notifications where address_sealed is not null";
    let rows = world.db.admin.query(all, &[]).await.unwrap();
    let opened: Vec<String> = rows.iter().map(|row| vault.open(row.get(0), row.get(1)).unwrap()).collect();
    for address in [&ann.phone, &ben.email, signed_up, second, invited, half] {
        assert!(opened.contains(address), "{address}");
    }
    world.stop_servers().await;
}
