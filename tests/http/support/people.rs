//! People of a test: made straight in the database, with every channel. How people really sign up is `journey.rs`.

use pruuf::dev::fakes::Channel;
use serde_json::json;
use uuid::Uuid;

use super::World;

/// A user with a token.
#[derive(Clone, Debug)]
pub struct Person {
    pub id: Uuid,
    pub name: String,
    pub token: String,
    pub email: String,
    pub phone: String,
    pub push_token: String,
}

impl Person {
    /// Every place where messages reach this person.
    pub fn places(&self) -> [(Channel, String); 3] {
        [
            (Channel::Push, self.push_token.clone()),
            (Channel::Email, self.email.clone()),
            (Channel::Sms, self.phone.clone()),
        ]
    }
}

impl World {
    /// A user with a verified e-mail address, a verified phone and a device.
    pub async fn person(&self, name: &str) -> Person {
        let number = u32::from_be_bytes(*Uuid::new_v4().as_bytes().first_chunk().unwrap());
        let email = format!("{}{number}@example.org", name.to_lowercase());
        let phone = format!("+1{:010}", number);
        let push_token = format!("token-{}-{number}", name.to_lowercase());
        let id: Uuid = self
            .db
            .admin
            .query_one("insert into data.users (name, created_at) values ($1, rules.clock()) returning id", &[&name])
            .await
            .unwrap()
            .get(0);
        for (kind, address) in [("email", &email), ("phone", &phone)] {
            let lookup = self.vault.lookup(kind, address);
            let sealed = self.vault.seal(&lookup, address).unwrap();
            self.db
                .admin
                .execute(
                    "insert into data.addresses (user_id, kind, lookup, sealed, verified_at, created_at) values ($1, $2, $3, $4, rules.clock(), rules.clock())",
                    &[&id, &kind, &lookup, &sealed],
                )
                .await
                .unwrap();
        }
        self.db
            .admin
            .execute(
                "insert into data.devices (id, user_id, platform, push_token, registered_at) values ($1, $2, 'android', $3, rules.clock())",
                &[&Uuid::new_v4(), &id, &push_token],
            )
            .await
            .unwrap();
        let session: Uuid = self
            .db
            .admin
            .query_one("insert into data.sessions (user_id, created_at, last_used_at) values ($1, rules.clock(), rules.clock()) returning id", &[&id])
            .await
            .unwrap()
            .get(0);
        let token = self.tokens.sign(id, session).unwrap();
        Person { id, name: name.to_owned(), token, email, phone, push_token }
    }

    /// Connects two people without telling them.
    pub async fn connect(&self, member: &Person, contact: &Person) {
        self.db
            .admin
            .execute(
                "insert into data.connections (member_id, contact_id, connected_at) values ($1, $2, rules.clock())",
                &[&member.id, &contact.id],
            )
            .await
            .unwrap();
        self.never_freezes(contact).await;
        // What a Contact sees of a Member does not change by itself after this.
        if !self.servers.is_empty() {
            self.coverage_is_known().await;
        }
    }

    /// For tests of something else: the trial of somebody who watches would end in the middle of it.
    pub async fn never_freezes(&self, contact: &Person) {
        let forever = "update billing.accounts set trial_ends_at = 'infinity', next_step_at = null where user_id = $1 and trial_ends_at is not null";
        self.db.admin.execute(forever, &[&contact.id]).await.unwrap();
    }

    /// A Member with a schedule and no reminders: one local time a day, ten minutes of grace.
    pub async fn schedule(&self, member: &Person, local_time: &str, time_zone: &str) -> serde_json::Value {
        self.put(
            member,
            "/v1/me/schedule",
            json!({"local_times": [local_time], "time_zone": time_zone, "reminders": []}),
        )
        .await
        .expect(200)
    }
}
