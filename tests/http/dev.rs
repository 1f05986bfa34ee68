//! `pruuf dev` as a newcomer meets it: one command, then the steps that it prints.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use pruuf::config::Config;
use pruuf::dev::fakes::Fakes;
use pruuf::server::Server;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;
use uuid::Uuid;

use crate::support::World;

const PRUUF: &str = env!("CARGO_BIN_EXE_pruuf");
const PATIENCE: Duration = Duration::from_secs(60);

struct Dev {
    process: Child,
    printed: String,
}

impl Dev {
    async fn start(folder: &Path) -> Self {
        let mut process = Command::new(PRUUF)
            .arg("dev")
            .current_dir(folder)
            .env_remove("DATABASE_URL")
            .env("PRUUF_LISTEN", "127.0.0.1:0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let mut printed = String::new();
        while !printed.contains("Ctrl-C ends all of it") {
            let line = timeout(PATIENCE, lines.next_line()).await.unwrap().unwrap();
            printed += &line.unwrap_or_else(|| panic!("it ended after: {printed}"));
            printed.push('\n');
        }
        tokio::spawn(async move { while lines.next_line().await.is_ok_and(|line| line.is_some()) {} });
        Self { process, printed }
    }

    fn address(&self, of: &str) -> String {
        let line = self.printed.lines().find(|line| line.trim_start().starts_with(of)).unwrap();
        line.split_whitespace().find(|word| word.starts_with("http://")).unwrap().to_owned()
    }

    async fn messages(&self) -> Vec<Value> {
        reqwest::get(format!("{}/messages", self.address("Messages"))).await.unwrap().json().await.unwrap()
    }

    async fn eventually_told(&self, channel: &str, to: &str, words: &str) {
        let came = async {
            while !self.messages().await.iter().any(|message| {
                message["channel"] == channel
                    && message["to"] == to
                    && format!("{} {}", message["title"], message["text"]).contains(words)
            }) {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let is_there = timeout(PATIENCE, came).await.is_ok();
        assert!(is_there, "no {channel} to {to} with {words}: {:#?}", self.messages().await);
    }

    /// A command that Ben sends, after he has signed in as the steps say.
    fn as_ben(&self, command: &str) -> String {
        let sign_in = self.printed.split_once("  # 1.").unwrap().1.split_once("\n\n").unwrap().0;
        format!(r#"# {sign_in}{}{command} -H "authorization: Bearer $BEN"; echo"#, '\n')
    }

    /// Presses a button of the page whose address the API has answered.
    async fn press(&self, answered: &str, button: &str) {
        let url = serde_json::from_str::<Value>(answered).unwrap()["url"].as_str().unwrap().to_owned();
        let page = reqwest::get(&url).await.unwrap().text().await.unwrap();
        let path = format!("{}/{button}", url::Url::parse(&url).unwrap().path());
        assert!(page.contains(&format!(r#"action="{path}""#)), "{page}");
        let browser = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        assert_eq!(browser.post(format!("{url}/{button}")).send().await.unwrap().status(), 303);
    }

    /// Waits until Ben's entitlement is this one.
    async fn eventually_stands(&self, folder: &Path, entitlement: &str) {
        let stands = format!(r#""entitlement":"{entitlement}""#);
        let came = async {
            while !paste(&self.as_ben("curl -s $API/v1/billing"), folder).await[0].contains(&stands) {
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        };
        assert!(timeout(PATIENCE, came).await.is_ok(), "Ben is not {entitlement}");
    }

    async fn interrupt(mut self) {
        let pid = self.process.id().unwrap().to_string();
        assert!(Command::new("kill").args(["-INT", &pid]).status().await.unwrap().success());
        assert!(timeout(PATIENCE, self.process.wait()).await.unwrap().unwrap().success());
    }
}

/// Pastes the printed steps into a shell.
async fn paste(steps: &str, folder: &Path) -> Vec<String> {
    let script = steps.replace("cargo run -q --", PRUUF);
    let done = Command::new("bash").args(["-euc", &script]).current_dir(folder).output().await.unwrap();
    let said = String::from_utf8(done.stdout).unwrap();
    assert!(done.status.success(), "{said}\n{}", String::from_utf8_lossy(&done.stderr));
    said.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

/// R6.1, R6.4, R6.5: the printed steps work as printed, from sign-in to the all-clear; a second start finds its data.
#[tokio::test]
async fn r6_1_the_first_steps_of_a_newcomer_work_as_printed() {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("dev-{}", Uuid::new_v4()));
    std::fs::create_dir_all(&folder).unwrap();
    let dev = Dev::start(&folder).await;
    let steps = dev.printed.split_once("  # 1.").unwrap().1.split_once("\nCtrl-C").unwrap().0.to_owned();
    let said = paste(&format!("# {steps}"), &folder).await;
    let [checked_in, now, alerts, acknowledged, late, told, checkout, stands, portal] = &said[..] else {
        panic!("{said:#?}")
    };
    assert!(checked_in.contains(r#""next":{"#), "{checked_in}");
    assert!(now.starts_with("It is now "), "{now}");
    assert!(alerts.contains("Aroha") && alerts.contains("Lupe") && alerts.contains("Kiran"), "{alerts}");
    assert!(acknowledged.contains(r#""state":"acknowledged""#) && acknowledged.contains("Aroha"), "{acknowledged}");
    assert!(!late.contains(r#""resolved_alerts":[]"#), "{late}");
    assert!(told.contains("all_clear"), "{told}");

    for (channel, to) in [("Push", "phone of Ben"), ("Email", "ben@example.org"), ("Sms", "+12025550100")] {
        for words in ["Aroha did not check in", "Aroha has checked in"] {
            dev.eventually_told(channel, to, words).await;
        }
    }

    // R8.1: he pays, a payment fails, it is paid, and he wants to end it; each by a button of the fake Stripe.
    assert!(stands.contains(r#""entitlement":"trialing""#), "{stands}");
    dev.press(checkout, "pay").await;
    dev.eventually_stands(&folder, "active").await;
    dev.press(portal, "fail").await;
    dev.eventually_stands(&folder, "past_due").await;
    dev.eventually_told("Email", "ben@example.org", "for 7 days").await;
    dev.press(portal, "pay").await;
    dev.eventually_stands(&folder, "active").await;
    dev.press(portal, "cancel").await;
    dev.eventually_stands(&folder, "cancelled").await;
    dev.interrupt().await;

    let dev = Dev::start(&folder).await;
    let said = paste(&dev.as_ben("curl -s -X POST $API/v1/billing/resume"), &folder).await;
    assert!(said[0].contains(r#""entitlement":"active""#), "{said:#?}");
    let sign_in = dev.printed.split_once("  # 1.").unwrap().1.split_once("\n\n").unwrap().0;
    let look = r#"curl -s "$API/v1/alerts" -H "authorization: Bearer $BEN""#;
    let said = paste(&format!("# {sign_in}\n{look}"), &folder).await;
    assert!(said[0].contains("checked_in") && said[0].contains("Aroha"), "{said:#?}");
    dev.interrupt().await;
    std::fs::remove_dir_all(&folder).unwrap();
}

/// The port beside the API's is often taken on a newcomer's machine: the messages are shown at another one.
#[tokio::test]
async fn a_taken_port_does_not_keep_the_messages_from_being_shown() {
    let somebody = TcpListener::bind("127.0.0.1:0").unwrap();
    let fakes = Arc::new(Fakes::start().await.unwrap());
    let page = pruuf::dev::page::serve(somebody.local_addr().unwrap(), fakes).await.unwrap();
    let shown = reqwest::get(format!("http://{}/messages", page.address)).await.unwrap();
    assert_eq!(shown.text().await.unwrap(), "[]");
    page.stop().await;
}

#[tokio::test]
async fn a_taken_port_of_the_api_is_named_with_what_sets_it() {
    let somebody = TcpListener::bind("127.0.0.1:0").unwrap();
    let listen = somebody.local_addr().unwrap();
    let world = World::without_server().await;
    let refused = Server::start(Config { listen, ..world.config() }).await.err().unwrap().to_string();
    assert!(refused.starts_with(&format!("PRUUF_LISTEN: cannot listen at {listen}: ")), "{refused}");
    world.stop_servers().await;
}
