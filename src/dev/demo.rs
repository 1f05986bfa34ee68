//! Demo people, who sign up and connect through the API as anybody would, and what to try with them.

use std::error::Error;
use std::net::SocketAddr;
use std::time::Duration;

use reqwest::{Client, Method};
use serde_json::{Value, json};
use uuid::Uuid;

use super::fakes::{Channel, Fakes, Received};

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

const PIN: &str = "4829";
const PATIENCE: Duration = Duration::from_secs(20);

/// Name, local time and zone of those who are watched. Aroha's time is soon, see [`soon`].
const MEMBERS: [(&str, Option<&str>, &str); 3] = [
    ("Aroha", None, "Pacific/Auckland"),
    ("Lupe", Some("08:30"), "America/Los_Angeles"),
    ("Kiran", Some("07:30"), "Asia/Kolkata"),
];
/// Those who watch all of them, over every channel.
const CONTACTS: [&str; 2] = ["Ben", "Chloe"];

struct Demo<'a> {
    api: String,
    http: Client,
    fakes: &'a Fakes,
}

/// Makes the people, once.
///
/// # Errors
/// What the API refused.
pub async fn make_people(address: SocketAddr, fakes: &Fakes) -> Outcome {
    let demo = Demo { api: format!("http://{address}"), http: Client::new(), fakes };
    let mut contacts = Vec::new();
    for (number, name) in CONTACTS.into_iter().enumerate() {
        contacts.push((name, demo.sign_up(name, number).await?));
    }
    for (number, (name, local_time, time_zone)) in MEMBERS.into_iter().enumerate() {
        let member = demo.sign_up(name, CONTACTS.len() + number).await?;
        let local_time = local_time.map_or_else(|| soon(time_zone), str::to_owned);
        let schedule = json!({ "local_times": [local_time], "time_zone": time_zone });
        demo.call(Method::PUT, "/v1/me/schedule", Some(&member), Some(schedule)).await?;
        for (contact, token) in &contacts {
            let address = json!({ "kind": "email", "value": email(contact) });
            let invitation = json!({ "invitee_becomes": "contact", "name": contact, "address": address });
            let invited = demo.call(Method::POST, "/v1/invitations", Some(&member), Some(invitation)).await?;
            let code = json!({ "code": invited["code"] });
            demo.call(Method::POST, "/v1/invitations/accept", Some(token), Some(code)).await?;
        }
        demo.call(Method::POST, "/v1/notifications/read-all", Some(&member), None).await?;
    }
    for (_, token) in &contacts {
        demo.call(Method::POST, "/v1/notifications/read-all", Some(token), None).await?;
    }
    // The page begins with what happens next, not with all of this.
    let connections = (MEMBERS.len() * CONTACTS.len()) as u64;
    fakes.wait_for_count(Channel::Push, 2 * connections, PATIENCE).await;
    fakes.wait_for_count(Channel::Email, connections + (MEMBERS.len() + CONTACTS.len()) as u64, PATIENCE).await;
    fakes.forget();
    Ok(())
}

/// The full hour that is half an hour to an hour and a half away in this zone: a check-in now meets it, and the next one is
/// missed within 26 hours, whatever the time of day.
#[expect(clippy::disallowed_methods, reason = "a new rehearsal's clock is the real one")]
fn soon(time_zone: &str) -> String {
    let zone: chrono_tz::Tz = time_zone.parse().unwrap_or(chrono_tz::UTC);
    (chrono::Utc::now() + chrono::TimeDelta::minutes(90)).with_timezone(&zone).format("%H:00").to_string()
}

fn email(name: &str) -> String {
    format!("{}@example.org", name.to_lowercase())
}

impl Demo<'_> {
    async fn call(&self, method: Method, path: &str, token: Option<&str>, body: Option<Value>) -> Outcome<Value> {
        let mut request = self.http.request(method, format!("{}{path}", self.api));
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        if let Some(body) = body {
            request = request.json(&body);
        }
        let response = request.send().await?;
        let (status, answer) = (response.status(), response.json::<Value>().await?);
        if status.is_success() { Ok(answer) } else { Err(format!("{path}: {answer}").into()) }
    }

    /// An account with an e-mail address, a phone and a device. Gives its access token.
    async fn sign_up(&self, name: &str, number: usize) -> Outcome<String> {
        let address = json!({ "kind": "email", "value": email(name) });
        self.call(Method::POST, "/v1/auth/codes", None, Some(json!({ "address": address }))).await?;
        let code = self.code(Channel::Email, &email(name)).await?;
        let proof = json!({ "address": address, "code": code });
        let ticket = self.call(Method::POST, "/v1/auth/codes/verify", None, Some(proof)).await?;
        let account = json!({ "ticket": ticket["ticket"], "name": name, "pin": PIN });
        let session = self.call(Method::POST, "/v1/auth/accounts", None, Some(account)).await?;
        let token = session["access_token"].as_str().unwrap_or_default().to_owned();

        // 202-555-0100 to 0199 are kept for fiction (North American Numbering Plan, 555-01XX).
        let phone = format!("+120255501{number:02}");
        let address = json!({ "address": { "kind": "phone", "value": phone } });
        let added = self.call(Method::POST, "/v1/me/addresses", Some(&token), Some(address)).await?;
        let code = json!({ "code": self.code(Channel::Sms, &phone).await? });
        let path = format!("/v1/me/addresses/{}/verify", added["id"].as_str().unwrap_or_default());
        self.call(Method::POST, &path, Some(&token), Some(code)).await?;

        let device = json!({ "platform": "android", "push_token": format!("phone of {name}") });
        self.call(Method::PUT, &format!("/v1/me/devices/{}", Uuid::new_v4()), Some(&token), Some(device)).await?;
        Ok(token)
    }

    /// The six digits that were sent to an address.
    async fn code(&self, channel: Channel, to: &str) -> Outcome<String> {
        let is_it = |message: &&Received| message.channel == channel && message.to == to;
        self.fakes.wait_for(|log| log.iter().any(|message| is_it(&message)), PATIENCE).await;
        let log = self.fakes.received();
        let text = log.iter().find(is_it).map(|message| message.text.clone()).unwrap_or_default();
        text.split(|letter: char| !letter.is_ascii_digit())
            .find(|digits| digits.len() == 6)
            .map(str::to_owned)
            .ok_or_else(|| format!("no code came to {to}").into())
    }
}

/// What to try, as commands that can be pasted.
pub fn steps(api: SocketAddr, page: SocketAddr) -> String {
    format!(
        r#"
Pruuf runs.
  API           http://{api}        its description: http://{api}/docs
  Messages      http://{page}        everything that would have been sent, live
  People        aroha@, lupe@, kiran@example.org are Members; ben@ and chloe@example.org watch all of them. PIN {PIN}.

Try it in another terminal, in this folder:

  # 1. Sign in as Aroha, and as Ben who watches her
  API=http://{api}
  sign_in() {{ curl -s $API/v1/auth/sessions -H 'content-type: application/json' -d '{{"address":{{"kind":"email","value":"'$1'"}},"pin":"{PIN}"}}' | sed 's/.*"access_token":"\([^"]*\)".*/\1/'; }}
  AROHA=$(sign_in aroha@example.org); BEN=$(sign_in ben@example.org)

  # 2. Aroha is OK
  curl -s $API/v1/me/check-ins -H "authorization: Bearer $AROHA" -H 'content-type: application/json' -d '{{}}'; echo

  # 3. A day later she has not checked in: the alert goes out on each channel (look at http://{page})
  cargo run -q -- clock advance 26h
  curl -s "$API/v1/alerts?unresolved=true" -H "authorization: Bearer $BEN"; echo

  # 4. Ben has got this
  ALERT=$(curl -s $API/v1/members -H "authorization: Bearer $BEN" | grep -o '"name":"Aroha","next":{{[^}}]*}},"open_alerts":\[{{[^}}]*"id":"[0-9a-f-]*' | grep -o '[0-9a-f-]*$')
  curl -s $API/v1/alerts/$ALERT/acknowledge -H "authorization: Bearer $BEN" -H 'content-type: application/json' -d '{{}}'; echo

  # 5. Aroha checks in late: everybody who was alerted gets the all-clear
  curl -s $API/v1/me/check-ins -H "authorization: Bearer $AROHA" -H 'content-type: application/json' -d '{{"note":"Phone was flat, sorry"}}'; echo
  curl -s $API/v1/notifications -H "authorization: Bearer $BEN"; echo

  # 6. Ben is on a trial. He chooses a plan: open the address that comes, and press Pay
  curl -s $API/v1/billing/checkout -H "authorization: Bearer $BEN" -H 'content-type: application/json' -d '{{"plan":"monthly"}}'; echo

  # 7. Where he stands; and a page on which a payment fails, or the subscription ends. Press, and look again
  curl -s $API/v1/billing -H "authorization: Bearer $BEN"; echo
  curl -s -X POST $API/v1/billing/portal -H "authorization: Bearer $BEN"; echo

Ctrl-C ends all of it; the next start finds its data again. To begin anew: rm -rf target/pruuf-dev
"#
    )
}
