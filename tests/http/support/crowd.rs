//! Many people at once, and misses without waiting for a time of day.

use std::collections::HashMap;

use pruuf::dev::fakes::Channel;
use uuid::Uuid;

use super::World;

/// Members with their Contacts, all with every channel.
pub struct Crowd {
    pub members: Vec<Uuid>,
    /// Every place where a miss of one of these Members has to arrive.
    pub places: Vec<(Channel, String)>,
}

impl World {
    /// So many Members with so many Contacts each, of whom each watches one Member only.
    pub async fn crowd(&self, members: usize, contacts: usize) -> Crowd {
        let mut crowd = Crowd { members: Vec::new(), places: Vec::new() };
        let (mut users, mut watchers, mut watched) = (Vec::new(), Vec::new(), Vec::new());
        let (mut owners, mut kinds, mut lookups, mut sealed) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let mut tokens = Vec::new();
        for _ in 0..members {
            let member = Uuid::new_v4();
            users.push(member);
            crowd.members.push(member);
            for _ in 0..contacts {
                let contact = Uuid::new_v4();
                users.push(contact);
                watchers.push(contact);
                watched.push(member);
                let email = format!("{}@example.org", contact.simple());
                let phone = format!("+1{:013}", contact.as_u128() % 10_u128.pow(13));
                for (kind, address) in [("email", &email), ("phone", &phone)] {
                    let lookup = self.vault.lookup(kind, address);
                    owners.push(contact);
                    kinds.push(kind);
                    sealed.push(self.vault.seal(&lookup, address).unwrap());
                    lookups.push(lookup);
                }
                let token = format!("token-{contact}");
                crowd.places.extend([(Channel::Email, email), (Channel::Sms, phone), (Channel::Push, token.clone())]);
                tokens.push(token);
            }
        }
        let db = &self.db.admin;
        db.execute(
            "insert into data.users (id, name, created_at) select id, 'User', rules.clock() from unnest($1::uuid[]) as id",
            &[&users],
        )
        .await
        .unwrap();
        db.execute(
            "insert into data.addresses (user_id, kind, lookup, sealed, verified_at, created_at)
             select a.*, rules.clock(), rules.clock() from unnest($1::uuid[], $2::text[], $3::bytea[], $4::bytea[]) as a",
            &[&owners, &kinds, &lookups, &sealed],
        )
        .await
        .unwrap();
        db.execute(
            "insert into data.devices (id, user_id, platform, push_token, registered_at)
             select gen_random_uuid(), d.id, 'android', d.token, rules.clock() from unnest($1::uuid[], $2::text[]) as d (id, token)",
            &[&watchers, &tokens],
        )
        .await
        .unwrap();
        db.execute(
            "insert into data.connections (member_id, contact_id, connected_at)
             select c.*, rules.clock() from unnest($1::uuid[], $2::uuid[]) as c",
            &[&watched, &watchers],
        )
        .await
        .unwrap();
        self.give_schedules(&crowd.members).await;
        crowd
    }

    /// A time a day for each, no reminders.
    pub async fn give_schedules(&self, members: &[Uuid]) {
        self.db
            .admin
            .execute(
                "insert into data.schedules (member_id, local_times, time_zone, grace_minutes, reminders)
                 select id, '{12:00}', 'UTC', 10, '{}' from unnest($1::uuid[]) as id",
                &[&members],
            )
            .await
            .unwrap();
    }

    /// Their time was a moment ago: as if the open obligation were yesterday's slot. Wakes nobody.
    pub async fn miss_quietly(&self, members: &[Uuid]) {
        self.db
            .admin
            .execute(
                "update data.obligations
                    set local_on = local_on - 1, opens_at = rules.clock() - interval '2 seconds',
                        due_at = rules.clock() - interval '1 second', alert_at = rules.clock()
                  where member_id = any ($1) and state = 'open'",
                &[&members],
            )
            .await
            .unwrap();
    }

    /// As [`World::miss_quietly`], and wakes the servers as the clock would.
    pub async fn miss(&self, members: &[Uuid]) {
        self.miss_quietly(members).await;
        self.db.admin.batch_execute("select pg_notify('pruuf_work', '')").await.unwrap();
    }

    /// How many messages have arrived at each place of a channel.
    pub fn arrived(&self, channel: Channel) -> HashMap<String, u64> {
        self.fakes.counts(channel)
    }

    /// How many messages have arrived at this place.
    pub fn arrived_at(&self, (channel, to): &(Channel, String)) -> u64 {
        self.fakes.counts(*channel).get(to).copied().unwrap_or_default()
    }

    /// The places of a crowd where nothing has arrived.
    pub fn missing(&self, crowd: &Crowd) -> Vec<(Channel, String)> {
        let counts = [Channel::Push, Channel::Email, Channel::Sms].map(|channel| (channel, self.arrived(channel)));
        crowd
            .places
            .iter()
            .filter(|(channel, to)| !counts.iter().any(|(c, counts)| c == channel && counts.contains_key(to)))
            .cloned()
            .collect()
    }

    /// Waits until something has arrived at every place of a crowd.
    pub async fn expect_everywhere(&self, crowd: &Crowd) {
        let deadline = tokio::time::Instant::now() + 3 * super::PATIENCE;
        while !self.missing(crowd).is_empty() {
            assert!(
                tokio::time::Instant::now() < deadline,
                "nothing has arrived at {} of {} places",
                self.missing(crowd).len(),
                crowd.places.len()
            );
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    }

    /// Checks that there is one alert for each missed obligation of these Members, and one miss each.
    pub async fn one_alert_each(&self, members: &[Uuid]) {
        let alerts = self
            .number(
                "select count(*) from data.alerts a join data.obligations o on o.id = a.obligation_id and o.state = 'missed' where a.member_id = any ($1)",
                &[&members],
            )
            .await;
        assert_eq!(usize::try_from(alerts).unwrap(), members.len(), "alerts");
    }
}
