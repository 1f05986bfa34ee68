//! docs/api-guide.md: its requests work, in its order.

use std::collections::HashMap;

use pruuf::dev::fakes::Channel;
use reqwest::Method;
use serde_json::Value;

use crate::support::{World, world};

const GUIDE: &str = include_str!("../../docs/api-guide.md");

/// A request or an answer as it is written there.
struct Block {
    first_line: String,
    headers: Vec<(String, String)>,
    body: Value,
}

fn blocks() -> Vec<Block> {
    GUIDE.split("```http\n").skip(1).map(|rest| block(rest.split_once("```").unwrap().0)).collect()
}

fn block(text: &str) -> Block {
    let (head, body) = text.split_once("\n\n").unwrap_or((text, ""));
    let mut lines = head.lines();
    let first_line = lines.next().unwrap().to_owned();
    let headers =
        lines.map(|line| line.split_once(": ").map(|(name, value)| (name.to_owned(), value.to_owned())).unwrap());
    let body = if body.trim().is_empty() { Value::Null } else { serde_json::from_str(body).unwrap() };
    Block { first_line, headers: headers.collect(), body }
}

fn fill(text: &str, known: &HashMap<String, String>) -> String {
    known.iter().fold(text.to_owned(), |text, (name, value)| text.replace(&format!("{{{name}}}"), value))
}

/// Compares what is written with what came; `{name}` takes the value.
fn compare(at: &str, written: &Value, came: &Value, known: &mut HashMap<String, String>) {
    match (written, came) {
        (Value::String(name), _) if name.starts_with('{') => {
            let value = came.as_str().unwrap_or_else(|| panic!("{at}: no text but {came}"));
            known.insert(name.trim_matches(['{', '}']).to_owned(), value.to_owned());
        }
        (Value::Object(written), _) => {
            for (name, value) in written {
                compare(&format!("{at}/{name}"), value, &came[name], known);
            }
        }
        (Value::Array(written), Value::Array(came)) => {
            assert_eq!(written.len(), came.len(), "{at}");
            for (written, came) in written.iter().zip(came) {
                compare(at, written, came, known);
            }
        }
        _ => assert_eq!(written, came, "{at}"),
    }
}

async fn ask(world: &World, request: &Block, known: &HashMap<String, String>) -> reqwest::Response {
    let (method, path) = request.first_line.split_once(' ').unwrap();
    let method: Method = method.parse().unwrap();
    let mut call = world.http.request(method, world.url(&fill(path, known)));
    for (name, value) in &request.headers {
        call = call.header(name, fill(value, known));
    }
    if !request.body.is_null() {
        call = call.header("content-type", "application/json").body(fill(&request.body.to_string(), known));
    }
    call.send().await.unwrap()
}

#[tokio::test]
async fn r4_1_an_app_that_follows_the_guide_works() {
    world(|world| async move {
        world.travel_to("2027-03-01T10:00:00Z").await;
        let mut known: HashMap<String, String> = HashMap::new();
        let mut blocks = blocks().into_iter().peekable();
        while let Some(request) = blocks.next() {
            if request.first_line == "GET /v1/me/today" {
                world.travel_to(&known["opens_at"]).await;
            }
            let written = request.body.to_string();
            if written.contains("{code}") {
                let address = request.body["address"]["value"].as_str().unwrap();
                known.insert("code".to_owned(), world.code(Channel::Email, address, 1).await);
            }
            let now = world
                .admin_json("select to_char(rules.clock() at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') as now")
                .await;
            known.insert("now".to_owned(), now[0]["now"].as_str().unwrap().to_owned());
            let answer = ask(&world, &request, &known).await;
            let Some(expected) = blocks.next_if(|next| next.first_line.starts_with("HTTP/1.1")) else {
                assert!(answer.status().is_success(), "{}: {}", request.first_line, answer.status());
                continue;
            };
            assert_eq!(format!("HTTP/1.1 {}", answer.status().as_u16()), expected.first_line, "{}", request.first_line);
            for (name, value) in &expected.headers {
                let came = Value::from(answer.headers()[name].to_str().unwrap());
                compare(name, &Value::from(value.as_str()), &came, &mut known);
            }
            if !expected.body.is_null() {
                compare(&request.first_line, &expected.body, &answer.json().await.unwrap(), &mut known);
            }
        }
        let (phone, ben) = ("token-of-arohas-phone", "ben@example.org");
        world.expect_message(Channel::Email, ben, &known["invitation_code"]).await;
        world.expect_message(Channel::Email, ben, "You are now a contact of Aroha").await;
        world.expect_message(Channel::Push, phone, "Ben is now your contact").await;
        world.expect_message(Channel::Email, "aroha@example.org", "Ben is now your contact").await;
        world.expect_message(Channel::Email, ben, "Aroha needs help").await;
        world.expect_message(Channel::Push, phone, "Ben has got this").await;
        world.expect_message(Channel::Email, ben, "the doctor is here").await;
        world
    })
    .await;
}
