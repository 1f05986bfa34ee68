//! `pruuf preflight`: what it looks at, what it says, and that nobody hears of it.

use std::process::Stdio;

use pruuf::config::{Config, Postmark, SendGrid};
use pruuf::dev::fakes::{Behaviour, Channel, Provider};
use pruuf::preflight::{Line, Verdict, look};
use secrecy::ExposeSecret as _;
use tokio::net::TcpListener;
use tokio::process::Command;

use crate::support::{PATIENCE, World};

/// As in production, with every provider.
fn production(world: &World, heartbeat: &TcpListener) -> Config {
    let from = "Pruuf <hello@pruuf.example>".to_owned();
    Config {
        public_url: "https://pruuf.example".parse().unwrap(),
        heartbeat_url: Some(format!("http://{}/", heartbeat.local_addr().unwrap()).parse().unwrap()),
        postmark: Some(Postmark { url: world.fakes.postmark_url(), token: "token".into(), from: from.clone() }),
        sendgrid: Some(SendGrid { url: world.fakes.sendgrid_url(), key: "key".into(), from }),
        ..world.config()
    }
}

/// A world on a database that was not made for rehearsals, with a server that has ticked.
async fn real_world() -> World {
    let mut world = World::without_server().await;
    let real = "set session_replication_role = replica; update meta.clock set rehearsal = false; set session_replication_role = default";
    world.db.admin.batch_execute(real).await.unwrap();
    world.start_server().await;
    let ticked = "select ran_at > rules.clock() - interval '10 seconds' from data.job_runs where job = 'tick'";
    world.eventually("it has ticked", ticked, &[]).await;
    world
}

/// What the cluster of these tests always gets wrong: it is made to be fast.
const UNSAFE: &str =
    "its settings: what is committed may be lost: fsync is off, full_page_writes is off, synchronous_commit is off";

fn of(verdict: Verdict, lines: &[Line]) -> Vec<String> {
    said(verdict, lines).into_iter().filter(|line| line != UNSAFE).collect()
}

fn said(verdict: Verdict, lines: &[Line]) -> Vec<String> {
    lines.iter().filter(|line| line.verdict == verdict).map(|line| format!("{}: {}", line.what, line.says)).collect()
}

#[tokio::test]
async fn r9_7_a_preflight_of_a_server_that_is_well_finds_nothing_and_tells_nobody() {
    let world = real_world().await;
    let heartbeat = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let config = production(&world, &heartbeat);
    let lines = look(&config).await;
    assert_eq!(of(Verdict::Wrong, &lines), [""; 0], "{lines:#?}");
    assert_eq!(of(Verdict::Note, &lines), [""; 0]);
    assert_eq!(said(Verdict::Wrong, &lines), [UNSAFE]);
    let looked_at: Vec<&str> = lines.iter().map(|line| line.what.as_str()).collect();
    assert_eq!(
        looked_at,
        [
            "configuration",
            "public URL",
            "channels",
            "heartbeat",
            "open files",
            "database",
            "release",
            "schema",
            "PostgreSQL",
            "primary",
            "its time",
            "its settings",
            "its connections",
            "roles",
            "clocks",
            "audit",
            "Members",
            "push by FCM",
            "e-mail by Postmark",
            "e-mail by SendGrid",
            "e-mail by SMTP",
            "SMS by Twilio",
            "calls by Twilio",
        ]
    );
    assert!(world.fakes.received().is_empty(), "nobody hears of it");
    let called = tokio::time::timeout(std::time::Duration::from_millis(50), heartbeat.accept()).await;
    assert!(called.is_err(), "the heartbeat says that all is well");
    world.stop_servers().await;
}

#[tokio::test]
async fn r9_7_a_preflight_says_which_provider_does_not_know_us() {
    let world = real_world().await;
    let heartbeat = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let config = production(&world, &heartbeat);
    let refused = |status, code| Behaviour::fail(status, code);
    for (provider, behaviour, wrong) in [
        (Provider::Fcm, refused(403, ""), vec!["push by FCM: it answers 403; compare PRUUF_FCM_CREDENTIALS"]),
        (
            Provider::Postmark,
            refused(401, "10"),
            vec!["e-mail by Postmark: it answers 401; compare PRUUF_POSTMARK_TOKEN"],
        ),
        (Provider::SendGrid, refused(401, ""), vec!["e-mail by SendGrid: it answers 401; compare PRUUF_SENDGRID_KEY"]),
        (Provider::Smtp, refused(535, "auth"), vec!["e-mail by SMTP: smtp:535; compare PRUUF_SMTP_URL"]),
        (
            Provider::Twilio,
            refused(401, "20003"),
            vec![
                "SMS by Twilio: it answers 401; compare PRUUF_TWILIO_ACCOUNT_SID and PRUUF_TWILIO_AUTH_TOKENS",
                "calls by Twilio: it answers 401; compare PRUUF_TWILIO_ACCOUNT_SID and PRUUF_TWILIO_AUTH_TOKENS",
            ],
        ),
    ] {
        world.fakes.set_provider(provider, behaviour);
        assert_eq!(of(Verdict::Wrong, &look(&config).await), wrong);
        world.fakes.behave();
    }
    world.fakes.set_token_status(400);
    let wrong = of(Verdict::Wrong, &look(&config).await);
    assert_eq!(wrong, ["push by FCM: oauth:400; compare PRUUF_FCM_CREDENTIALS"]);
    assert!(world.fakes.received().is_empty() && world.fakes.count(Channel::Push) == 0);
    world.stop_servers().await;
}

#[tokio::test]
async fn r9_7_a_preflight_says_what_is_wrong_with_the_database_and_the_configuration() {
    let world = real_world().await;
    let heartbeat = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let good = || production(&world, &heartbeat);
    let wrong = async |config: Config| of(Verdict::Wrong, &look(&config).await);
    let starting_with = |wrong: Vec<String>, what: &str| {
        assert!(wrong.len() == 1 && wrong[0].starts_with(what), "{what}: {wrong:#?}");
    };
    starting_with(wrong(Config { heartbeat_url: None, ..good() }).await, "heartbeat: PRUUF_HEARTBEAT_URL is missing");
    let public_url = "http://pruuf.example".parse().unwrap();
    starting_with(wrong(Config { public_url, ..good() }).await, "public URL: ");
    let webhooks = pruuf::config::WebhookSecrets { sendgrid_key: good().webhooks.sendgrid_key, ..Default::default() };
    starting_with(wrong(Config { webhooks, ..good() }).await, "receipts of Postmark: ");
    let lines = look(&Config { twilio: None, ..good() }).await;
    assert_eq!(of(Verdict::Note, &lines), ["channels: off, for want of configuration: sms, voice"]);

    let powerful = world.db.admin_url();
    starting_with(wrong(Config { database_url: powerful.into(), ..good() }).await, "login: the server must log in as");
    let nowhere = "postgresql://pruuf_server:hunter2@127.0.0.1:1/pruuf";
    let unreachable = wrong(Config { database_url: nowhere.into(), ..good() }).await;
    assert!(!unreachable[0].contains("hunter2") && !unreachable[0].contains("127.0.0.1"), "{unreachable:?}");
    starting_with(unreachable, "database: it does not answer");

    // Somebody whom nobody would miss, and something that the audit finds.
    world.db.admin.batch_execute("set session_replication_role = replica").await.unwrap();
    let member = world.person("Aroha").await;
    let uncovered = "insert into data.coverage (member_id, is_covered, since_at, reason, told_at) values ($1, false, rules.clock(), 'no_contact', rules.clock())";
    world.db.admin.execute(uncovered, &[&member.id]).await.unwrap();
    let lines = look(&good()).await;
    assert!(of(Verdict::Note, &lines)[0].starts_with("Members: 0 of 1 would be noticed"), "{lines:#?}");
    assert!(!format!("{lines:?}").contains("Aroha"));
    let mut world = world;
    world.stop_all().await;
    world
        .db
        .admin
        .batch_execute("update data.job_runs set ran_at = rules.clock() - interval '1 hour' where job = 'tick'")
        .await
        .unwrap();
    let config = production(&world, &heartbeat);
    starting_with(of(Verdict::Wrong, &look(&config).await), "audit: tick_silent 1");
    // A database of another release.
    world
        .db
        .admin
        .batch_execute("delete from meta.sql_files where path = (select min(path) from meta.sql_files)")
        .await
        .unwrap();
    starting_with(of(Verdict::Wrong, &look(&config).await), "release: ");
    world.stop_servers().await;
}

/// The command itself: one line a check, an exit code, no secret.
#[tokio::test]
async fn r9_7_the_command_says_it_line_by_line_and_ends_with_1_when_something_is_wrong() {
    let world = real_world().await;
    let heartbeat = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let config = production(&world, &heartbeat);
    let key = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=";
    let run = async |changes: &[(&str, &str)]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pruuf"));
        command
            .arg("preflight")
            .env_clear()
            .env("DATABASE_URL", config.database_url.expose_secret())
            .env("PRUUF_PUBLIC_URL", "https://pruuf.example")
            .env("PRUUF_JWT_KEYS", key)
            .env("PRUUF_PIN_PEPPER", key)
            .env("PRUUF_DATA_KEYS", key)
            .env("PRUUF_HEARTBEAT_URL", "http://127.0.0.1:1/ping-secret")
            .env("PRUUF_EMAIL_FROM", "Pruuf <hello@pruuf.example>")
            .env("PRUUF_POSTMARK_URL", world.fakes.postmark_url().as_str())
            .env("PRUUF_POSTMARK_TOKEN", "token-secret")
            .env("PRUUF_POSTMARK_WEBHOOK_PASSWORD", "password-secret")
            .envs(changes.iter().copied())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let output = tokio::time::timeout(PATIENCE, command.output()).await.unwrap().unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        let all = format!("{said}{}", String::from_utf8(output.stderr).unwrap());
        assert!(!all.contains("secret") && !all.contains(key), "{all}");
        (output.status.code(), said)
    };
    let (code, said) = run(&[]).await;
    let wrong: Vec<&str> = said.lines().filter(|line| line.starts_with("WRONG")).collect();
    assert_eq!((code, wrong), (Some(1), vec![format!("WRONG  {UNSAFE}").as_str()]), "{said}");
    assert!(
        said.lines().all(|line| ["ok     ", "note   ", "WRONG  "].iter().any(|word| line.starts_with(word))),
        "{said}"
    );
    assert!(said.contains("ok     e-mail by Postmark: it knows us"), "{said}");
    world.fakes.set_provider(Provider::Postmark, Behaviour::fail(401, "10"));
    let (code, said) = run(&[]).await;
    assert!(code == Some(1) && said.contains("WRONG  e-mail by Postmark: it answers 401"), "{said}");
    let (code, said) = run(&[("PRUUF_JWT_KEYS", "")]).await;
    assert!(
        code == Some(1) && said.contains("WRONG  configuration: ") && said.contains("PRUUF_JWT_KEYS is missing"),
        "{said}"
    );
    world.stop_servers().await;
}
