//! Accounts as people make them: by a code that comes to an address.

use pruuf::dev::fakes::{Channel, Received};
use serde_json::{Value, json};

use super::{PATIENCE, Person, Reply, World};

/// The PIN of every account that is made here.
pub const PIN: &str = "4829";

/// An e-mail address as the API wants it.
pub fn email(value: &str) -> Value {
    json!({"kind": "email", "value": value})
}

fn six_digits(text: &str) -> Option<String> {
    text.split(|letter: char| !letter.is_ascii_digit()).find(|run| run.len() == 6).map(str::to_owned)
}

impl World {
    /// Somebody who is staff.
    pub async fn staff(&self, name: &str, role: &str) -> Person {
        let person = self.person(name).await;
        let sql = "insert into data.staff_roles (user_id, role, added_at) values ($1, $2, rules.clock())";
        self.db.admin.execute(sql, &[&person.id, &role]).await.unwrap();
        person
    }

    /// The digits of the `nth` code that comes to a place, counted from 1.
    pub async fn code(&self, channel: Channel, to: &str, nth: usize) -> String {
        let fits = |message: &Received| {
            message.channel == channel
                && message.to == to
                && message.has_arrived()
                && six_digits(&message.text).is_some()
        };
        let came = self.fakes.wait_for(|log| log.iter().filter(|message| fits(message)).count() >= nth, PATIENCE).await;
        assert!(came, "no {nth}th code to {to} came, but: {:#?}", self.fakes.received());
        let text = self.fakes.received().into_iter().filter(|message| fits(message)).nth(nth - 1).unwrap().text;
        let code = six_digits(&text).unwrap();
        self.expected.lock().unwrap().push((channel, to.to_owned(), code.clone()));
        code
    }

    /// Asks for a code.
    pub async fn ask_for_code(&self, address: &str) -> Reply {
        self.post_as_nobody("/v1/auth/codes", json!({"address": email(address)})).await
    }

    /// Types a code.
    pub async fn type_code(&self, address: &str, code: &str) -> Reply {
        self.post_as_nobody("/v1/auth/codes/verify", json!({"address": email(address), "code": code})).await
    }

    /// A ticket for an address to which `before` codes have gone already.
    pub async fn ticket(&self, address: &str, before: usize) -> Value {
        self.ask_for_code(address).await.expect(200);
        let code = self.code(Channel::Email, address, before + 1).await;
        self.type_code(address, &code).await.expect(200)["ticket"].clone()
    }

    /// An account with one e-mail address, and its first session.
    pub async fn account(&self, name: &str, address: &str) -> (Person, Value) {
        let ticket = self.ticket(address, 0).await;
        let body = json!({"ticket": ticket, "name": name, "pin": PIN, "device_name": "phone"});
        let session = self.post_as_nobody("/v1/auth/accounts", body).await.expect(201);
        let person = Person {
            id: session["user_id"].as_str().unwrap().parse().unwrap(),
            name: name.to_owned(),
            token: session["access_token"].as_str().unwrap().to_owned(),
            email: address.to_owned(),
            phone: String::new(),
            push_token: String::new(),
        };
        (person, session)
    }

    /// Tries to sign in.
    pub async fn sign_in(&self, address: &str, pin: &str) -> Reply {
        self.post_as_nobody("/v1/auth/sessions", json!({"address": email(address), "pin": pin})).await
    }

    /// Uses a refresh token.
    pub async fn refresh(&self, token: &Value) -> Reply {
        self.post_as_nobody("/v1/auth/sessions/refresh", json!({"refresh_token": token})).await
    }
}
