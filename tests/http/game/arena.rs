//! Where the game is played: servers, a database, providers and people, and what becomes of them.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use futures_util::future::join;
use jiff::{SignedDuration, Timestamp};
use pruuf::dev::cluster::Cluster;
use pruuf::dev::fakes::callbacks::Habit;
use pruuf::dev::fakes::{Behaviour, Channel};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::time::sleep;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Row};
use uuid::Uuid;

use super::days::{Alarm, Days, How};
use super::plan::{Beat, Deed, Fate, Fault, Jump, Mail, Plan};
use crate::support::database::connect;
use crate::support::process::Process;
use crate::support::{PATIENCE, Person, Reply, TestDatabase, World};

/// How long nothing may come to rest before the game is lost: providers are left alone for up to half a minute.
const REST: Duration = Duration::from_secs(60);

/// A Contact and what becomes of messages to them.
pub struct Contact {
    pub person: Person,
    pub places: Vec<(Channel, String, Fate)>,
}

/// Whom a Contact watches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Watch {
    pub is_backup: bool,
    /// Since when they have been a backup without a break, or watched at all.
    pub since: Timestamp,
}

/// What is known of the game so far, beside the database.
#[derive(Default)]
pub struct Score {
    pub days: Vec<Days>,
    pub alarms: Vec<Alarm>,
    /// By Member and Contact.
    pub watches: BTreeMap<(usize, usize), Watch>,
    /// Everybody who ever watched a Member.
    pub ever: BTreeSet<(usize, usize)>,
    /// Invited to an address.
    pub invited: BTreeSet<usize>,
    /// Whether anybody joined or left, by Member: what is told anew then.
    pub comings: HashMap<usize, usize>,
    /// Deliveries that may come once more for each time that they were in the hand of a server that was killed; or that they
    /// were on their way while the clock moved.
    pub excused: HashMap<Uuid, (usize, usize)>,
    pub kills: usize,
    /// When the clock was last moved, and to when: what it passed then is new.
    pub moved: Option<(Timestamp, Timestamp)>,
    /// Deliveries, with the number of their attempt, of which some were in the hand of a server that was killed.
    orphans: BTreeSet<(Uuid, i16)>,
    /// This machine's time before and after the game's clock moved, and how far that is ahead since.
    pub ahead: Vec<(Timestamp, Timestamp, SignedDuration)>,
    /// What is wrong.
    pub faults: Vec<String>,
    pub log: Vec<String>,
}

pub struct Arena<'a> {
    pub plan: &'a Plan,
    pub world: World,
    cluster: &'a Cluster,
    admin: tokio::sync::Mutex<Client>,
    servers: Mutex<Vec<Process>>,
    starting: tokio::sync::Mutex<()>,
    pub members: Vec<Person>,
    pub contacts: Vec<Contact>,
    pub score: Mutex<Score>,
    troubled: Mutex<BTreeSet<&'static str>>,
    /// A channel was troubled in this act: its breaker may still be open.
    pub is_shaken: AtomicBool,
    began: Instant,
}

impl<'a> Arena<'a> {
    pub async fn new(plan: &'a Plan, cluster: &'a Cluster, database: TestDatabase) -> Self {
        let admin = connect(&database.admin_url()).await;
        let world = World::on(database).await;
        world.travel_to(plan.begin).await;
        let mut members = Vec::new();
        for name in ["Aroha", "Bella", "Carlo", "Dieter"].into_iter().take(plan.members.len()) {
            members.push(world.person(name).await);
        }
        let mut contacts = Vec::new();
        for (name, places) in ["Vera", "Wim", "Xenia", "Yuri", "Zoe"].into_iter().zip(&plan.contacts) {
            let person = world.person(name).await;
            let fates = [
                (Channel::Push, person.push_token.clone(), places.push),
                (Channel::Email, person.email.clone(), places.email),
                (Channel::Sms, person.phone.clone(), places.phone),
                (Channel::Voice, person.phone.clone(), places.phone),
            ];
            for (channel, sql) in [
                (Channel::Push, "delete from data.devices where user_id = $1"),
                (Channel::Email, "delete from data.addresses where user_id = $1 and kind = 'email'"),
                (Channel::Sms, "delete from data.addresses where user_id = $1 and kind = 'phone'"),
            ] {
                if fates.iter().any(|(of, _, fate)| *of == channel && *fate == Fate::None) {
                    world.db.admin.execute(sql, &[&person.id]).await.unwrap();
                }
            }
            contacts.push(Contact { person, places: fates.into() });
        }
        let mut score = Score::default();
        let begin: Timestamp = plan.begin.parse().unwrap();
        for &(member, contact, is_backup) in &plan.watches {
            world.connect(&members[member], &contacts[contact].person).await;
            if is_backup {
                let sql = "update data.connections set tier = 'backup' where member_id = $1 and contact_id = $2";
                let (member, contact) = (members[member].id, contacts[contact].person.id);
                world.db.admin.execute(sql, &[&member, &contact]).await.unwrap();
            }
            score.watches.insert((member, contact), Watch { is_backup, since: begin });
            score.ever.insert((member, contact));
        }
        Self {
            plan,
            world,
            cluster,
            admin: admin.into(),
            servers: Mutex::default(),
            starting: tokio::sync::Mutex::default(),
            members,
            contacts,
            score: score.into(),
            troubled: Mutex::default(),
            is_shaken: AtomicBool::default(),
            began: Instant::now(),
        }
    }

    pub fn fault(&self, what: String) {
        let mut score = self.score.lock().unwrap();
        score.log.push(format!("!! {what}"));
        score.faults.push(what);
    }

    fn note(&self, what: String) {
        self.score.lock().unwrap().log.push(format!("{:.2} {what}", self.began.elapsed().as_secs_f64()));
    }

    /// Rows, from a database that may be away for a moment.
    pub async fn rows(&self, sql: &str, params: &[&(dyn ToSql + Sync)]) -> Vec<Row> {
        let began = Instant::now();
        loop {
            let mut admin = self.admin.lock().await;
            match admin.query(sql, params).await {
                Ok(rows) => return rows,
                Err(error) if began.elapsed() > PATIENCE => panic!("{sql}: {error:?}"),
                Err(error) if error.as_db_error().is_some_and(|error| !error.code().code().starts_with("57")) => {
                    panic!("{sql}: {error:?}")
                }
                Err(_) => {
                    sleep(Duration::from_millis(20)).await;
                    if let Ok((client, connection)) =
                        tokio_postgres::connect(&self.world.db.admin_url(), tokio_postgres::NoTls).await
                    {
                        tokio::spawn(connection);
                        *admin = client;
                    }
                }
            }
        }
    }

    pub async fn json(&self, sql: &str) -> Value {
        let sql = format!("select coalesce(jsonb_agg(to_jsonb(r)), '[]') from ({sql}) r");
        self.rows(&sql, &[]).await[0].get(0)
    }

    async fn is_so(&self, sql: &str) -> bool {
        self.rows(sql, &[]).await[0].get(0)
    }

    /// What time it is in the game.
    pub async fn now(&self) -> Timestamp {
        let sql = "select to_char(rules.clock() at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')";
        self.rows(sql, &[]).await[0].get::<_, String>(0).parse().unwrap()
    }

    /// How far the game's clock is ahead of this machine's.
    async fn keep_time(&self, before: Timestamp) {
        let sql = "select extract(epoch from ahead_by)::float8 from meta.clock";
        let ahead: f64 = self.rows(sql, &[]).await[0].get(0);
        let ahead = SignedDuration::from_secs_f64(ahead);
        self.score.lock().unwrap().ahead.push((before, Timestamp::now(), ahead));
    }

    fn addresses(&self) -> Vec<String> {
        self.servers.lock().unwrap().iter().map(|server| server.address.clone()).collect()
    }

    async fn start_server(&self) {
        let _one_at_a_time = self.starting.lock().await;
        let (postmark, sendgrid) = (
            [
                ("PRUUF_POSTMARK_URL", self.world.fakes.postmark_url().to_string()),
                ("PRUUF_POSTMARK_TOKEN", "token".to_owned()),
            ],
            [
                ("PRUUF_SENDGRID_URL", self.world.fakes.sendgrid_url().to_string()),
                ("PRUUF_SENDGRID_KEY", "key".to_owned()),
            ],
        );
        let smtp = ("PRUUF_SMTP_URL", self.world.fakes.smtp_url());
        let mail = match self.plan.mail {
            Mail::Smtp => vec![smtp],
            Mail::Postmark => postmark.to_vec(),
            Mail::SendGrid => sendgrid.to_vec(),
            Mail::Both => [postmark.to_vec(), vec![smtp]].concat(),
        };
        let began = Instant::now();
        // As a supervisor does: it ends when the database is just not there.
        let server = loop {
            match Process::try_to_start(&self.world, &mail).await {
                Some(server) => break server,
                None => assert!(began.elapsed() < PATIENCE, "the server does not start"),
            }
        };
        self.note(format!("a server started in {:.2} s", began.elapsed().as_secs_f64()));
        self.servers.lock().unwrap().push(server);
    }

    async fn in_hand(&self) -> Vec<(Uuid, i16)> {
        let sql = "select id, attempts from data.deliveries where state = 'sending'";
        self.rows(sql, &[]).await.iter().map(|row| (row.get(0), row.get(1))).collect()
    }

    /// What was in the hand of a server that died may come once more.
    async fn excuse_orphans(&self) {
        let in_hand = self.in_hand().await;
        let mut score = self.score.lock().unwrap();
        for (delivery, attempt) in in_hand {
            score.excused.entry(delivery).or_default().0 += 1;
            score.orphans.insert((delivery, attempt));
        }
    }

    /// What is in the hand of a server that lives, as far as one can know.
    async fn in_living_hands(&self) -> (usize, usize) {
        let in_hand = self.in_hand().await;
        let score = self.score.lock().unwrap();
        let orphans = in_hand.iter().filter(|one| score.orphans.contains(one)).count();
        (in_hand.len() - orphans, orphans)
    }

    async fn kill(&self, which: usize) {
        let victim = {
            let mut servers = self.servers.lock().unwrap();
            if servers.is_empty() {
                None
            } else {
                let place = which % servers.len();
                Some(servers.remove(place))
            }
        };
        if let Some(victim) = victim {
            victim.kill().await;
            self.score.lock().unwrap().kills += 1;
            self.excuse_orphans().await;
        }
    }

    pub async fn stop(self) -> String {
        let servers = std::mem::take(&mut *self.servers.lock().unwrap());
        for server in servers {
            server.kill().await;
        }
        let name = self.world.db.name.clone();
        self.world.stop_servers().await;
        name
    }

    /// Every place as it is meant to be; what troubled a whole channel is over.
    pub fn mend(&self, is_first: bool) {
        self.world.fakes.behave();
        self.troubled.lock().unwrap().clear();
        let is_postmark = matches!(self.plan.mail, Mail::Postmark);
        for (channel, to, fate) in self.contacts.iter().flat_map(|contact| &contact.places) {
            let behaviour = match (fate, channel) {
                (Fate::Works | Fate::None, _) => continue,
                (Fate::Flaky(_), _) if !is_first => continue,
                (Fate::Slow(wait), _) => Behaviour::Stall(Duration::from_millis(*wait)),
                (Fate::Flaky(times), Channel::Push) => Behaviour::fail_times(503, "UNAVAILABLE", *times),
                (Fate::Flaky(times), Channel::Email) if self.plan.mail == Mail::Smtp => {
                    Behaviour::fail_times(451, "rcpt 4.3.0", *times)
                }
                (Fate::Flaky(times), Channel::Email) => Behaviour::fail_times(503, "", *times),
                (Fate::Flaky(times), _) => Behaviour::fail_times(503, "20503", *times),
                (Fate::Repeats, _) => Behaviour::Repeat,
                (Fate::Lies, _) => Behaviour::AcceptAndDrop,
                (Fate::Dead, Channel::Push) => Behaviour::fail(404, "UNREGISTERED"),
                (Fate::Dead, Channel::Email) if is_postmark => Behaviour::fail(422, "406"),
                (Fate::Dead, Channel::Email) => Behaviour::fail(550, "rcpt 5.1.1"),
                (Fate::Dead, _) => Behaviour::fail(400, "21211"),
            };
            self.world.fakes.set(*channel, Some(to), behaviour);
        }
    }

    async fn strike(&self, fault: &Fault) {
        match fault {
            Fault::Kill(which) => self.kill(*which).await,
            Fault::KillAll => {
                while !self.servers.lock().unwrap().is_empty() {
                    self.kill(0).await;
                }
            }
            Fault::Start => {
                if self.addresses().len() < 4 {
                    self.start_server().await;
                }
            }
            Fault::Restart(mode) => self.cluster.restart(*mode).await.unwrap(),
            Fault::Notify(is_lost) => {
                let body = if *is_lost { "language sql as ''" } else { "language internal strict as 'pg_notify'" };
                let sql = format!("create or replace function pg_catalog.pg_notify(text, text) returns void {body}");
                self.rows(&sql, &[]).await;
            }
            Fault::Trouble(channel, behaviour) => {
                self.world.fakes.set(*channel, None, behaviour.clone());
                self.is_shaken.store(true, Ordering::Relaxed);
                self.troubled.lock().unwrap().extend(match channel {
                    Channel::Push => vec!["push"],
                    Channel::Email => vec!["email"],
                    Channel::Sms | Channel::Voice => vec!["sms", "voice"],
                });
            }
            Fault::OneProvider(provider, behaviour) => self.world.fakes.set_provider(*provider, behaviour.clone()),
            Fault::Callbacks(delay, twice, backwards, is_imitated) => {
                let server = self.addresses().first().map(|address| format!("http://{address}")).unwrap_or_default();
                self.world.fakes.call_back(Some(Habit {
                    server,
                    delay: Duration::from_millis(*delay),
                    twice: *twice,
                    backwards: *backwards,
                    is_imitated: *is_imitated,
                }));
            }
        }
    }

    /// Asks one server after the other until one answers, as an app does: always with the same key.
    pub async fn call(&self, method: Method, path: &str, who: &Person, body: &Value) -> Reply {
        let (key, began) = (Uuid::new_v4().to_string(), Instant::now());
        for turn in 0.. {
            assert!(began.elapsed() < REST, "{method} {path}: nobody answers");
            let addresses = self.addresses();
            if addresses.is_empty() {
                sleep(Duration::from_millis(20)).await;
                if turn > 15 {
                    self.start_server().await;
                }
                continue;
            }
            let url = format!("http://{}{path}", addresses[turn % addresses.len()]);
            let mut request = self.world.http.request(method.clone(), url).bearer_auth(&who.token);
            request = request.header("idempotency-key", &key).timeout(Duration::from_secs(8));
            if method != Method::GET && method != Method::DELETE {
                request = request.json(body);
            }
            let Ok(answer) = request.send().await else { continue };
            let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
            let Ok(text) = answer.text().await else { continue };
            if status == 503 {
                sleep(Duration::from_millis(50)).await;
                continue;
            }
            return Reply { status, headers, body: serde_json::from_str(&text).unwrap_or(Value::String(text)) };
        }
        unreachable!()
    }

    /// Whether nothing is due or in hand; where everything is well, also that everybody has looked.
    fn at_rest(&self) -> String {
        let troubled: Vec<&str> = self.troubled.lock().unwrap().iter().copied().collect();
        format!(
            "select not exists (select from data.deliveries where state = 'sending' or state = 'pending' and next_attempt_at <= rules.clock()
                                   and (expires_at is null or expires_at > rules.clock()) and channel <> all ('{{{}}}'))
                and not exists (select from data.obligations where state = 'open' and alert_at <= rules.clock() or remind_at <= rules.clock())
                and not exists (select from data.alerts where state <> 'resolved' and next_step_at <= rules.clock())
                and not exists (select from data.coverage_marks)",
            troubled.join(",")
        )
    }

    /// Waits until nothing is due or in hand.
    pub async fn settle(&self) {
        if self.addresses().is_empty() {
            self.start_server().await;
        }
        let (began, at_rest) = (Instant::now(), self.at_rest());
        let mut since = began;
        while !self.is_so(&at_rest).await {
            if began.elapsed() > REST {
                let left = self.json("select d.channel, d.state, d.attempts, n.kind, d.next_attempt_at, rules.clock() as now from data.deliveries d join data.notifications n on n.id = d.notification_id where d.state in ('pending', 'sending')").await;
                self.fault(format!("it does not come to rest: {left:#}"));
                break;
            }
            sleep(Duration::from_millis(10)).await;
            // Nobody waits for the leases of the dead; those who live are done soon.
            match self.in_living_hands().await {
                (0, 1..) if since.elapsed() > Duration::from_millis(500) => {
                    let now = self.now().await;
                    self.advance_to(now + SignedDuration::from_secs(9)).await;
                    since = Instant::now();
                }
                (0, 1..) => {}
                _ => since = Instant::now(),
            }
        }
        self.note(format!("at rest after {:.2} s", began.elapsed().as_secs_f64()));
        let now = self.now().await;
        self.pass(now);
        self.look_at_what_is_new().await;
        for alarm in &mut self.score.lock().unwrap().alarms {
            alarm.known_by.get_or_insert(now);
        }
    }

    /// Whoever has not checked in by now has missed it.
    fn pass(&self, now: Timestamp) {
        let mut score = self.score.lock().unwrap();
        let Score { days, alarms, .. } = &mut *score;
        for (member, days) in days.iter_mut().enumerate() {
            let missed = days.pass(now).into_iter();
            alarms.extend(missed.map(|slot| Alarm::new(member, Some(slot.clone()), None, slot.alert)));
        }
    }

    /// Moves the clock, when as little as possible is in anybody's hand: a lease that runs out is a message more.
    pub async fn jump(&self, jump: Jump) {
        let now = self.now().await;
        let target = {
            let score = self.score.lock().unwrap();
            let nearest = score.days.iter().map(|days| days.open.alert).min().unwrap();
            match jump {
                Jump::Stay => return,
                Jump::Deadline(after) => nearest + SignedDuration::from_millis(after),
                Jump::Ahead(seconds) => now + SignedDuration::from_secs(i64::try_from(seconds).unwrap()),
            }
        };
        if target <= now {
            return;
        }
        let began = Instant::now();
        while !self.addresses().is_empty()
            && self.in_living_hands().await.0 > 0
            && began.elapsed() < Duration::from_secs(4)
        {
            sleep(Duration::from_millis(5)).await;
        }
        self.advance_to(target).await;
        self.score.lock().unwrap().moved = Some((now, target));
        self.note(format!("the clock goes to {target}"));
    }

    /// Moves the clock.
    async fn advance_to(&self, target: Timestamp) {
        let before = Timestamp::now();
        let moved = self.rows("select game.advance_to($1::text::timestamptz)", &[&target.to_string()]).await;
        {
            // What was in anybody's hand may come once more: its lease has run out.
            let mut score = self.score.lock().unwrap();
            for row in moved {
                score.excused.entry(row.get(0)).or_default().1 += 1;
            }
        }
        self.keep_time(before).await;
    }

    /// One beat of the plan.
    pub async fn play(&self, beat: &Beat) {
        self.jump(beat.jump).await;
        let faults = async {
            let mut at = 0;
            let mut faults: Vec<_> = beat.faults.iter().collect();
            faults.sort_by_key(|(after, _)| *after);
            for (after, fault) in faults {
                sleep(Duration::from_millis(after - at)).await;
                at = *after;
                self.strike(fault).await;
                self.note(format!("{fault:?}"));
            }
        };
        let deeds = beat.deeds.iter().map(|(after, member, deed)| async move {
            sleep(Duration::from_millis(*after)).await;
            self.act(*member, deed).await;
        });
        join(faults, futures_util::future::join_all(deeds)).await;
        if beat.settles {
            self.settle().await;
        }
    }

    /// Mends everything, and lets enough time pass for every wait to be over.
    pub async fn mend_and_wait(&self) {
        self.mend(false);
        for seconds in [0, 630, 130] {
            if seconds > 0 {
                self.jump(Jump::Ahead(seconds)).await;
            }
            self.settle().await;
        }
        // Whoever looks now must not look at what is just changing.
        loop {
            let now = self.now().await;
            if !self
                .score
                .lock()
                .unwrap()
                .days
                .iter()
                .any(|days| days.open.alert <= now + SignedDuration::from_secs(30))
            {
                self.is_shaken.store(false, Ordering::Relaxed);
                return;
            }
            self.jump(Jump::Ahead(60)).await;
            self.settle().await;
        }
    }

    /// Begins: servers run, and everybody has a schedule.
    pub async fn begin(&self) {
        self.keep_time(Timestamp::now()).await;
        self.mend(true);
        for _ in 0..self.plan.servers {
            self.start_server().await;
        }
        for (member, plan) in self.members.iter().zip(&self.plan.members) {
            let reminders = if plan.reminds { json!(["at_time"]) } else { json!([]) };
            let body = json!({"local_times": plan.times, "time_zone": plan.zone, "grace_minutes": plan.grace, "reminders": reminders});
            let at = self.now().await;
            self.call(Method::PUT, "/v1/me/schedule", member, &body).await.expect(200);
            self.score.lock().unwrap().days.push(Days::new(plan, at));
        }
    }

    /// Ends whatever is still open.
    pub async fn end(&self) {
        for member in 0..self.members.len() {
            loop {
                let now = self.now().await;
                if !self.score.lock().unwrap().days[member].is_on_edge(now) {
                    break;
                }
                self.jump(Jump::Ahead(61)).await;
                self.settle().await;
            }
            self.act(member, &Deed::CheckIn).await;
            self.act(member, &Deed::Cancel).await;
        }
        self.settle().await;
    }

    fn watchers(&self, member: usize) -> Vec<usize> {
        self.score.lock().unwrap().watches.keys().filter(|(of, _)| *of == member).map(|(_, contact)| *contact).collect()
    }

    /// Somebody does something, if they can; and what follows from it is reckoned.
    pub async fn act(&self, member: usize, deed: &Deed) {
        let now = self.now().await;
        let watchers = self.watchers(member);
        let one = |who: usize| watchers.get(who % watchers.len().max(1)).copied();
        match *deed {
            Deed::CheckIn => self.check_in(member, now).await,
            Deed::Help => self.ask_for_help(member).await,
            Deed::Cancel => self.cancel(member).await,
            Deed::Acknowledge { who } | Deed::Close { who, .. } | Deed::MoreHelp { who } => {
                if let Some(contact) = one(who) {
                    self.act_on_alert(member, contact, deed).await;
                }
            }
            Deed::Attest { who } => {
                if let Some(contact) = one(who) {
                    self.attest(member, contact, now).await;
                }
            }
            Deed::Leave { who, is_removed } => {
                if let Some(contact) = one(who).filter(|_| watchers.len() > 1) {
                    self.leave(member, contact, is_removed).await;
                }
            }
            Deed::Join { who } => {
                let others: Vec<_> = (0..self.contacts.len()).filter(|contact| !watchers.contains(contact)).collect();
                if !others.is_empty() {
                    self.join(member, others[who % others.len()]).await;
                }
            }
            Deed::Tier { who, tier } => {
                if let Some(contact) = one(who) {
                    self.change_tier(member, contact, tier).await;
                }
            }
        }
    }

    async fn check_in(&self, member: usize, now: Timestamp) {
        if self.score.lock().unwrap().days[member].is_on_edge(now) {
            return;
        }
        let answer = self.call(Method::POST, "/v1/me/check-ins", &self.members[member], &json!({})).await.expect(201);
        let at: Timestamp = answer["received_at"].as_str().unwrap().parse().unwrap();
        self.pass(at);
        let mut score = self.score.lock().unwrap();
        let Score { days, alarms, log, faults, .. } = &mut *score;
        let today = |slot: &super::days::Slot| slot.on == days[member].today(at);
        let mut ended = 0;
        for alarm in alarms.iter_mut().filter(|alarm| alarm.member == member) {
            let Some(slot) = &alarm.slot else { continue };
            if alarm.over.is_none() {
                alarm.over = Some((How::CheckedIn, at));
                ended += 1;
            } else if today(slot) && matches!(alarm.over, Some((How::Closed | How::Attested, _))) {
                alarm.ends = 2;
            }
            alarm.is_made_up |= today(slot);
        }
        let met = days[member].tap(at);
        log.push(format!("{at} Member {member} checks in: {met}, ends {ended}"));
        let said = answer["resolved_alerts"].as_array().unwrap().len();
        if said != ended {
            faults.push(format!("a check-in of Member {member} at {at} ended {said} alerts instead of {ended}"));
        }
        let next = format!(
            "{} {}",
            answer["next"]["local_on"].as_str().unwrap(),
            &answer["next"]["local_time"].as_str().unwrap()[..5]
        );
        if next != days[member].open.name() {
            faults.push(format!(
                "after a check-in at {at} Member {member} is expected at {next}, not at {}",
                days[member].open.name()
            ));
        }
    }

    /// R4.9: ends the alerts of what was missed today, or else excuses what is awaited.
    async fn attest(&self, member: usize, contact: usize, now: Timestamp) {
        if self.score.lock().unwrap().days[member].is_on_edge(now) {
            return;
        }
        let path = format!("/v1/members/{}/attestations", self.members[member].id);
        let reply = self.call(Method::POST, &path, &self.contacts[contact].person, &json!({})).await;
        let at = self.now().await;
        self.pass(at);
        let mut score = self.score.lock().unwrap();
        score.log.push(format!("{at} Contact {contact} attests of Member {member}: {}", reply.status));
        let Score { days, alarms, faults, .. } = &mut *score;
        let today = days[member].today(at);
        let has_older = alarms.iter().any(|alarm| {
            alarm.member == member && alarm.over.is_none() && alarm.slot.as_ref().is_some_and(|slot| slot.on != today)
        });
        let mut of_today: Vec<_> = alarms
            .iter_mut()
            .filter(|alarm| alarm.member == member && alarm.slot.as_ref().is_some_and(|slot| slot.on == today))
            .collect();
        let is_heard = if of_today.iter().any(|alarm| alarm.over.is_none()) {
            for alarm in &mut of_today {
                alarm.over.get_or_insert((How::Attested, at));
            }
            days[member].attest(today);
            true
        } else if has_older && days[member].is_awaiting(at) {
            // Whoever speaks may mean the alert of the day before.
            false
        } else if days[member].excuse(at) || days[member].is_attested_on(today) {
            true
        } else {
            let is_missed = of_today.iter().any(|alarm| !alarm.is_made_up);
            if is_missed {
                days[member].attest(today);
            }
            is_missed
        };
        if is_heard != (reply.status == 201) {
            faults.push(format!("attesting of Member {member} at {at} was answered {} {:#}", reply.status, reply.body));
        }
    }

    async fn ask_for_help(&self, member: usize) {
        let before = self.now().await;
        let answer = self.call(Method::POST, "/v1/me/help-requests", &self.members[member], &json!({})).await;
        let id = answer.expect(201)["id"].as_str().unwrap().parse().unwrap();
        let after = self.now().await;
        let mut score = self.score.lock().unwrap();
        score.log.push(format!("{after} Member {member} asks for help: {id}"));
        let Score { alarms, faults, .. } = &mut *score;
        match alarms.iter_mut().find(|alarm| alarm.member == member && alarm.slot.is_none() && alarm.over.is_none()) {
            Some(alarm) => {
                if alarm.id != Some(id) {
                    faults.push(format!("a second call for help of Member {member} made another alert"));
                }
                // R6.2: within a minute it is the same call.
                if before > alarm.stirred.unwrap_or(alarm.since) + SignedDuration::from_secs(65) {
                    alarm.stir(None, before);
                }
            }
            None => alarms.push(Alarm { known_by: Some(after), ..Alarm::new(member, None, Some(id), before) }),
        }
    }

    async fn cancel(&self, member: usize) {
        let id = {
            let score = self.score.lock().unwrap();
            score
                .alarms
                .iter()
                .find(|alarm| alarm.member == member && alarm.slot.is_none() && alarm.over.is_none())
                .and_then(|alarm| alarm.id)
        };
        let Some(id) = id else { return };
        let path = format!("/v1/alerts/{id}/cancel");
        self.call(Method::POST, &path, &self.members[member], &json!({})).await.expect(200);
        let now = self.now().await;
        let mut score = self.score.lock().unwrap();
        score.log.push(format!("{now} Member {member} takes back {id}"));
        score.alarms.iter_mut().find(|alarm| alarm.id == Some(id)).unwrap().over = Some((How::Cancelled, now));
    }

    async fn act_on_alert(&self, member: usize, contact: usize, deed: &Deed) {
        let person = &self.contacts[contact].person;
        let list = self.call(Method::GET, "/v1/alerts?unresolved=true&limit=100", person, &json!({})).await.expect(200);
        let of_member = self.members[member].id.to_string();
        let items = list["items"].as_array().unwrap();
        let Some(alert) = items.iter().find(|alert| alert["member"]["id"] == of_member) else { return };
        let id: Uuid = alert["id"].as_str().unwrap().parse().unwrap();
        let (verb, body) = match deed {
            Deed::Acknowledge { .. } => ("acknowledge", json!({})),
            Deed::Close { outcome, .. } => ("close", json!({"outcome": outcome})),
            _ => ("needs-more-help", json!({})),
        };
        let before = self.now().await;
        let reply = self.call(Method::POST, &format!("/v1/alerts/{id}/{verb}"), person, &body).await;
        let after = self.now().await;
        self.pass(before);
        let mut score = self.score.lock().unwrap();
        score.log.push(format!("{after} Contact {contact} {verb} of Member {member}'s {id}: {}", reply.status));
        let Score { alarms, faults, .. } = &mut *score;
        let Some(alarm) = find(alarms, member, alert, id) else {
            faults.push(format!("Contact {contact} sees an alert that should not be: {alert:#}"));
            return;
        };
        alarm.id = Some(id);
        alarm.known_by.get_or_insert(after);
        match (deed, reply.status, reply.body["code"].as_str()) {
            (Deed::Acknowledge { .. }, 200, _) => {
                // Whoever has it already and was not asked says nothing new by saying it again.
                let since = alarm.owner.filter(|(owner, ..)| *owner == contact).map_or(before, |(_, since, _)| since);
                (alarm.owner, alarm.asked_by) = (Some((contact, since, after)), None);
            }
            (Deed::Acknowledge { .. }, 409, Some("alert-has-an-owner"))
                if alarm.owner.is_some_and(|(owner, ..)| owner != contact) => {}
            (Deed::Close { .. }, 200, _) => alarm.over = Some((How::Closed, after)),
            (Deed::MoreHelp { .. }, 200, _) => {
                // Once more within a minute is the same call.
                let is_same = alarm.stirred.is_some_and(|at| before <= at + SignedDuration::from_secs(65));
                if alarm.owner.is_some() || !is_same {
                    alarm.stir(Some(contact), before);
                }
            }
            (_, status, _) => faults
                .push(format!("{verb} by Contact {contact} was answered {status} {:#}, alarm {alarm:?}", reply.body)),
        }
    }

    async fn leave(&self, member: usize, contact: usize, is_removed: bool) {
        let (of, person) = (&self.members[member], &self.contacts[contact].person);
        let (who, path) = if is_removed {
            (of, format!("/v1/me/contacts/{}", person.id))
        } else {
            (person, format!("/v1/members/{}", of.id))
        };
        let status = self.call(Method::DELETE, &path, who, &json!({})).await.status;
        let now = self.now().await;
        let mut score = self.score.lock().unwrap();
        score.log.push(format!("{now} Contact {contact} leaves Member {member}: {status}"));
        // 404: the first try was done and its answer lost.
        if !matches!(status, 204 | 404) {
            score.faults.push(format!("leaving was answered {status}"));
        }
        score.watches.remove(&(member, contact));
        *score.comings.entry(member).or_default() += 1;
        if score.watches.iter().all(|((of, _), watch)| *of != member || watch.is_backup) {
            score
                .watches
                .iter_mut()
                .filter(|((of, _), _)| *of == member)
                .for_each(|(_, watch)| watch.is_backup = false);
        }
        for alarm in score.alarms.iter_mut().filter(|alarm| alarm.member == member && alarm.over.is_none()) {
            if alarm.owner.is_some_and(|(owner, ..)| owner == contact) {
                alarm.stir(None, now);
            }
        }
    }

    async fn join(&self, member: usize, contact: usize) {
        let (of, person) = (&self.members[member], &self.contacts[contact].person);
        let body = json!({"invitee_becomes": "contact", "name": person.name, "address": {"kind": "email", "value": person.email}});
        self.score.lock().unwrap().invited.insert(contact);
        let invitation = self.call(Method::POST, "/v1/invitations", of, &body).await;
        if invitation.status != 201 {
            self.note(format!("Contact {contact} cannot be invited: {}", invitation.body["code"]));
            return;
        }
        let code = json!({"code": invitation.body["code"]});
        let reply = self.call(Method::POST, "/v1/invitations/accept", person, &code).await;
        let now = self.now().await;
        let mut score = self.score.lock().unwrap();
        score.log.push(format!("{now} Contact {contact} joins Member {member}: {}", reply.status));
        if reply.status == 200 {
            score.watches.insert((member, contact), Watch { is_backup: false, since: now });
            score.ever.insert((member, contact));
            *score.comings.entry(member).or_default() += 1;
        } else {
            score.faults.push(format!("accepting was answered {} {:#}", reply.status, reply.body));
        }
    }

    async fn change_tier(&self, member: usize, contact: usize, tier: &str) {
        let path = format!("/v1/me/contacts/{}", self.contacts[contact].person.id);
        let reply = self.call(Method::PATCH, &path, &self.members[member], &json!({"tier": tier})).await;
        let now = self.now().await;
        let mut score = self.score.lock().unwrap();
        score.log.push(format!("{now} Contact {contact} of Member {member} becomes {tier}: {}", reply.status));
        if reply.status == 200 {
            let is_backup = tier == "backup";
            let watch = score.watches.get_mut(&(member, contact)).unwrap();
            if watch.is_backup != is_backup {
                *watch = Watch { is_backup, since: now };
            }
        }
    }
}

/// The alarm that an alert of the API is.
pub fn find<'a>(alarms: &'a mut [Alarm], member: usize, alert: &Value, id: Uuid) -> Option<&'a mut Alarm> {
    let due = alert["due"]["local_on"].as_str().zip(alert["due"]["local_time"].as_str());
    let name = due.map(|(on, time)| format!("{on} {}", &time[..5]));
    alarms.iter_mut().find(|alarm| {
        alarm.member == member
            && if let Some(name) = &name {
                alarm.slot.as_ref().is_some_and(|slot| slot.name() == *name)
            } else {
                alarm.id == Some(id)
            }
    })
}
