//! Looks at what the fake providers got and compares it with what was done: what must have arrived, and what must not.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::atomic::Ordering;

use jiff::{SignedDuration, Timestamp};
use pruuf::dev::fakes::{Answered, Channel, Received};
use serde_json::json;
use uuid::Uuid;

use super::arena::{Arena, Score, Watch, find};
use super::days::{Alarm, How};
use super::plan::Fate;

/// What tells that an alert is there.
const ALARMS: &[&str] = &["missed", "help", "still_open", "needs_more_help"];
/// What of the clock goes by while something happens.
const MOMENT: SignedDuration = SignedDuration::from_secs(5);

/// A message as a provider got it, and what it was about.
struct Seen {
    channel: Channel,
    to: String,
    /// By the game's clock; `or_at` where that was just being moved.
    at: Timestamp,
    or_at: Timestamp,
    answered: Answered,
    delivery: Uuid,
    kind: String,
    reader: Option<Uuid>,
    alert: Option<Uuid>,
    words: String,
}

impl Seen {
    fn arrived(&self) -> bool {
        matches!(self.answered, Answered::Accepted | Answered::Hung | Answered::Repeated)
    }

    /// Arrived, or was taken by somebody who lied: more cannot be asked of us.
    fn was_taken(&self) -> bool {
        self.arrived() || self.answered == Answered::Lied
    }

    fn is_alarm(&self) -> bool {
        ALARMS.contains(&self.kind.as_str())
    }
}

/// The delivery that a message says it is.
fn delivery_of(message: &Received) -> Option<Uuid> {
    let raw = &message.raw;
    let text = match message.channel {
        Channel::Push => raw["data"]["delivery_id"].as_str()?.to_owned(),
        Channel::Email => [
            &raw["mail"]["Metadata"]["delivery_id"],
            &raw["mail"]["personalizations"][0]["custom_args"]["delivery_id"],
            &raw["headers"]["message-id"],
        ]
        .into_iter()
        .find_map(|place| place.as_str())?
        .trim_start_matches('<')
        .split('@')
        .next()?
        .to_owned(),
        Channel::Sms | Channel::Voice => {
            let callback = url::Url::parse(raw["form"]["StatusCallback"].as_str()?).ok()?;
            callback.query_pairs().find(|(name, _)| name == "delivery")?.1.into_owned()
        }
    };
    text.parse().ok()
}

impl Arena<'_> {
    /// Everything that came to the providers, with its delivery.
    async fn seen(&self) -> Vec<Seen> {
        let sql = "select d.id, n.kind, n.user_id, n.alert_id from data.deliveries d join data.notifications n on n.id = d.notification_id";
        let known: HashMap<Uuid, (String, Option<Uuid>, Option<Uuid>)> =
            self.rows(sql, &[]).await.iter().map(|row| (row.get(0), (row.get(1), row.get(2), row.get(3)))).collect();
        let ahead = self.score.lock().unwrap().ahead.clone();
        let mut seen = Vec::new();
        // One that SMTP refused before its text came says nothing of what it was.
        for message in self.world.fakes.received().into_iter().filter(|message| !message.raw.is_null()) {
            let wall = Timestamp::from_microsecond(message.at.timestamp_micros()).unwrap();
            let by = |moved: fn(&(Timestamp, Timestamp, SignedDuration)) -> Timestamp| {
                wall + ahead.iter().rev().find(|one| moved(one) <= wall).or(ahead.first()).unwrap().2
            };
            let (at, or_at) = (by(|moved| moved.0), by(|moved| moved.1));
            let Some((delivery, (kind, reader, alert))) =
                delivery_of(&message).and_then(|id| known.get(&id).map(|about| (id, about.clone())))
            else {
                self.fault(format!("a message of no delivery: {message:#?}"));
                continue;
            };
            let words = format!("{} {}", message.title.unwrap_or_default(), message.text);
            let (channel, to, answered) = (message.channel, message.to, message.answered);
            seen.push(Seen { channel, to, at, or_at, answered, delivery, kind, reader, alert, words });
        }
        seen
    }

    /// R6.1: one alert for each miss and each call for help, and no other; R6.4, R6.5: each as it should be now.
    async fn look_at_alerts(&self) {
        let now = self.now().await;
        let rows = self.json("select a.id, a.member_id, a.kind, a.state, a.acknowledged_by, a.resolved_how, jsonb_build_object('local_on', o.local_on, 'local_time', o.local_time) as due from data.alerts a left join data.obligations o on o.id = a.obligation_id").await;
        let mut score = self.score.lock().unwrap();
        let Score { alarms, faults, .. } = &mut *score;
        let mut known = BTreeSet::new();
        for row in rows.as_array().unwrap() {
            let id: Uuid = row["id"].as_str().unwrap().parse().unwrap();
            let member = self.members.iter().position(|person| json!(person.id) == row["member_id"]).unwrap();
            let Some(alarm) = find(alarms, member, row, id) else {
                faults.push(format!("an alert without a miss: {row:#}"));
                continue;
            };
            if alarm.id.replace(id).is_some_and(|other| other != id) || !known.insert(id) {
                faults.push(format!("two alerts for one miss: {row:#}"));
            }
            let how = alarm.over.map(|(how, _)| match how {
                How::CheckedIn => "checked_in",
                How::Closed => "closed",
                How::Attested => "attested",
                How::Cancelled => "cancelled",
            });
            if row["resolved_how"].as_str() != how {
                faults.push(format!("alert {id} should be {how:?}: {row:#}"));
            }
            let owner = alarm.owner.map(|(owner, ..)| self.contacts[owner].person.id);
            // Whoever does not answer does not have it any more.
            let may_be_open = alarm.owner.is_none_or(|(_, since, _)| now >= since + SignedDuration::from_mins(75));
            if alarm.over.is_none() && row["state"] == "acknowledged" && json!(owner) != row["acknowledged_by"]
                || alarm.over.is_none() && row["state"] == "open" && !may_be_open
            {
                faults.push(format!("alert {id} should be had by {owner:?}: {row:#}"));
            }
            if alarm.over.is_none() && row["state"] == "open" && alarm.owner.is_some() {
                alarm.stir(None, now);
            }
        }
        for alarm in alarms.iter().filter(|alarm| !alarm.id.is_some_and(|id| known.contains(&id))) {
            faults.push(format!("a miss without an alert: {alarm:?}"));
        }
    }

    /// At rest, after the clock has passed the time of an alert: its first round, or the one that took its place when the clock
    /// went on too soon, has been tried at every primary Contact's every place, whatever came of that.
    pub async fn look_at_what_is_new(&self) {
        let is_new = |score: &Score, alarm: &Alarm| {
            alarm.known_by.is_none()
                && alarm.over.is_none()
                && alarm.slot.is_some()
                && score.moved.is_some_and(|(from, to)| from < alarm.since && alarm.since <= to)
        };
        {
            let score = self.score.lock().unwrap();
            if !score.alarms.iter().any(|alarm| is_new(&score, alarm)) {
                return;
            }
        }
        self.look_at_alerts().await;
        let seen = self.seen().await;
        let refused = self.world.fakes.received();
        let is_shaken = self.is_shaken.load(Ordering::Relaxed);
        let score = self.score.lock().unwrap();
        let mut missing = Vec::new();
        for alarm in score.alarms.iter().filter(|alarm| is_new(&score, alarm)) {
            for (&(_, contact), _) in
                score.watches.iter().filter(|((of, _), watch)| *of == alarm.member && !watch.is_backup)
            {
                for (channel, to, fate) in
                    self.contacts[contact].places.iter().filter(|(channel, ..)| *channel != Channel::Voice)
                {
                    let tried = seen
                        .iter()
                        .any(|one| one.alert == alarm.id && one.is_alarm() && one.channel == *channel && one.to == *to)
                        || refused.iter().any(|one| one.raw.is_null() && one.channel == *channel && one.to == *to);
                    if !tried && fate.works() && !is_shaken {
                        missing.push(format!(
                            "Contact {contact} has no first message by {channel:?} ({fate:?}) of {alarm:?}"
                        ));
                    }
                }
            }
        }
        drop(score);
        missing.into_iter().for_each(|what| self.fault(what));
    }

    /// Everything is mended and at rest: who had to be reached by now has been.
    pub async fn look_at_what_is_open(&self) {
        self.look_at_alerts().await;
        let (seen, now) = (self.seen().await, self.now().await);
        let mut score = self.score.lock().unwrap();
        let Score { alarms, watches, faults, .. } = &mut *score;
        for alarm in alarms.iter_mut().filter(|alarm| alarm.over.is_none()) {
            let is_late = alarm.known_by.is_some_and(|known| now >= known + SignedDuration::from_mins(20) + MOMENT);
            for (&(_, contact), watch) in watches.iter().filter(|((of, _), _)| *of == alarm.member) {
                let everyone =
                    alarm.owner.is_none() && is_late || alarm.stirred.is_some() && alarm.stirred_by != Some(contact);
                // Who had it already when they became primary knows of it.
                let took_it = alarm.owner.is_some_and(|(owner, ..)| owner == contact) && watch.since > alarm.since;
                if (!watch.is_backup || everyone) && !took_it {
                    self.must_have_reached(alarm, contact, ALARMS, alarm.since, &seen, faults);
                }
            }
            if let Some((owner, _, said)) =
                alarm.owner.filter(|(.., said)| now >= *said + SignedDuration::from_mins(60) + MOMENT)
            {
                self.must_have_reached(alarm, owner, &["owner_asked"], said, &seen, faults);
                match alarm.asked_by {
                    Some(asked) if now >= asked + SignedDuration::from_mins(15) + MOMENT => {
                        faults.push(format!("nobody answered, and it does not go on: {alarm:?}"));
                    }
                    _ => drop(alarm.asked_by.get_or_insert(now)),
                }
            }
        }
    }

    /// R6.3, R6.9: over every channel that works.
    fn must_have_reached(
        &self,
        alarm: &Alarm,
        contact: usize,
        kinds: &[&str],
        since: Timestamp,
        seen: &[Seen],
        faults: &mut Vec<String>,
    ) {
        let places = &self.contacts[contact].places;
        for (channel, to, fate) in places.iter().filter(|(channel, _, fate)| fate.works() && *channel != Channel::Voice)
        {
            let came = seen.iter().any(|one| {
                one.alert == alarm.id
                    && one.channel == *channel
                    && one.to == *to
                    && one.was_taken()
                    && kinds.contains(&one.kind.as_str())
                    && one.at >= since - MOMENT
            });
            if !came {
                faults.push(format!("Contact {contact} was not told {kinds:?} by {channel:?} ({fate:?}) of {alarm:?}"));
            }
        }
    }

    /// Everything is over and at rest.
    pub async fn look_at_everything(&self) {
        self.look_at_alerts().await;
        let seen = self.seen().await;
        {
            let mut score = self.score.lock().unwrap();
            let Score { alarms, watches, faults, excused, kills, comings, .. } = &mut *score;
            for alarm in alarms.iter() {
                if alarm.over.is_none() {
                    faults.push(format!("it is not over: {alarm:?}"));
                }
                self.all_clear(alarm, alarms, (*kills, excused), &seen, faults);
                self.backups_wait(alarm, watches, comings.contains_key(&alarm.member), &seen, faults);
                told_once(alarm, comings.get(&alarm.member).copied().unwrap_or_default(), &seen, faults);
            }
            no_more_than_excused(&seen, excused, faults);
        }
        for one in &seen {
            let why_not = self.why_without_a_cause(one);
            if let Some(why) = why_not {
                self.fault(format!(
                    "a message without a cause ({why}): {} by {:?} to {} at {}: {}",
                    one.kind, one.channel, one.to, one.at, one.words
                ));
            }
        }
        self.look_at_the_books().await;
    }

    /// What the books say of every message, for whoever looks into a game that was lost.
    pub async fn note_what_was_sent(&self) {
        if self.score.lock().unwrap().faults.is_empty() {
            return;
        }
        let sql = "select n.created_at, n.kind, n.alert_id, u.name, d.id, d.channel, d.state, d.may_have_arrived, d.is_withdrawn, d.settled_at, d.provider_message_id,
                          (select jsonb_agg(concat_ws(' ', t.number, t.ended_at, t.result, t.detail) order by t.id) from data.attempts t where t.delivery_id = d.id) as attempts
                     from data.notifications n join data.users u on u.id = n.user_id join data.deliveries d on d.notification_id = n.id
                    order by n.created_at, n.id, d.id";
        let sent = self.json(sql).await;
        let lines = sent.as_array().unwrap().iter().map(ToString::to_string);
        self.score.lock().unwrap().log.extend(lines);
    }

    /// R6.5: whoever was, or may have been, alerted hears that it is over by the channels that carried the alarm, and
    /// nobody else.
    fn all_clear(
        &self,
        alarm: &Alarm,
        alarms: &[Alarm],
        (kills, excused): (usize, &HashMap<Uuid, (usize, usize)>),
        seen: &[Seen],
        faults: &mut Vec<String>,
    ) {
        let Some((how, at)) = alarm.over else { return };
        let together: BTreeSet<Option<Uuid>> = alarms
            .iter()
            .filter(|one| {
                one.member == alarm.member && (one.over == alarm.over || one.is_made_up) && how == How::CheckedIn
            })
            .map(|one| one.id)
            .collect();
        let of_alert: Vec<_> = seen.iter().filter(|one| one.alert == alarm.id).collect();
        for (number, contact) in self.contacts.iter().enumerate() {
            for (channel, to, fate) in &contact.places {
                let here: Vec<_> = of_alert.iter().filter(|one| one.channel == *channel && one.to == *to).collect();
                let alarmed = here.iter().any(|one| one.is_alarm() && one.was_taken());
                let tried = here.iter().any(|one| one.kind != "all_clear");
                let told_end =
                    here.iter().any(|one| one.kind == "all_clear" && one.was_taken() && one.at >= at - MOMENT);
                // Of alerts that one check-in ends, or makes up for, all say so in the same words: when it is not known whether one
                // went out, Twilio is asked for the words, and one SMS stands for several.
                let cleared = told_end
                    || *channel == Channel::Sms
                        && seen.iter().any(|one| {
                            one.kind == "all_clear"
                                && one.channel == Channel::Sms
                                && one.to == *to
                                && one.was_taken()
                                && one.at >= at - MOMENT
                                && together.contains(&one.alert)
                        });
                // No call says that it is over an hour later, or while another alert of the Member is open: the clock jumps here.
                if alarmed && fate.works() && !cleared && *channel != Channel::Voice {
                    faults.push(format!(
                        "Contact {number} was not told by {channel:?} ({fate:?}) that it is over: {alarm:?}"
                    ));
                }
                if told_end && !tried && kills == 0 {
                    faults.push(format!(
                        "Contact {number} was told by {channel:?} that it is over and had heard nothing: {alarm:?}"
                    ));
                }
                let later = |one: &&&&Seen| {
                    one.is_alarm()
                        && one.arrived()
                        && one.or_at > at + SignedDuration::from_mins(2)
                        && !excused.contains_key(&one.delivery)
                };
                if let Some(late) = here.iter().find(later) {
                    faults.push(format!(
                        "Contact {number} was told {} by {channel:?} at {} after it was over ({how:?}): {alarm:?}",
                        late.kind, late.at
                    ));
                }
            }
        }
    }

    /// R3.5: who was a backup all the time hears of it when it escalates, and not before.
    fn backups_wait(
        &self,
        alarm: &Alarm,
        watches: &BTreeMap<(usize, usize), Watch>,
        is_stirred: bool,
        seen: &[Seen],
        faults: &mut Vec<String>,
    ) {
        if is_stirred || alarm.was_stirred {
            return;
        }
        for (&(_, contact), watch) in watches.iter().filter(|((of, _), watch)| *of == alarm.member && watch.is_backup) {
            let id = Some(self.contacts[contact].person.id);
            let early = |one: &&Seen| {
                one.alert == alarm.id
                    && one.reader == id
                    && one.is_alarm()
                    && one.at < alarm.since + SignedDuration::from_mins(20) - MOMENT
            };
            if let Some(one) = seen.iter().find(early).filter(|_| watch.since <= alarm.since) {
                faults.push(format!("Contact {contact}, a backup, was told {} at {}: {alarm:?}", one.kind, one.at));
            }
        }
    }

    /// R7.2: why this should not have been told to whom it was told.
    fn why_without_a_cause(&self, one: &Seen) -> Option<String> {
        let score = self.score.lock().unwrap();
        let member = self.members.iter().position(|person| Some(person.id) == one.reader);
        let contact = self.contacts.iter().position(|contact| Some(contact.person.id) == one.reader);
        let alarm = score.alarms.iter().find(|alarm| alarm.id.is_some() && alarm.id == one.alert);
        let is_at_home = match (member, contact) {
            (Some(member), _) => self.members[member].places().iter().any(|(_, to)| *to == one.to),
            (_, Some(contact)) => {
                self.contacts[contact].places.iter().any(|(_, to, fate)| *to == one.to && *fate != Fate::None)
            }
            _ => one.kind == "invitation" && score.invited.iter().any(|of| self.contacts[*of].person.email == one.to),
        };
        if !is_at_home {
            return Some("it went to somebody else's place".to_owned());
        }
        let watched = |alarm: &Alarm| contact.is_some_and(|contact| score.ever.contains(&(alarm.member, contact)));
        let is_fine = match (one.kind.as_str(), alarm) {
            ("missed", Some(alarm)) => {
                watched(alarm) && alarm.slot.is_some() && one.at >= alarm.since - MOMENT && self.is_named(one, alarm)
            }
            ("help", Some(alarm)) => watched(alarm) && alarm.slot.is_none() && self.is_named(one, alarm),
            ("still_open", Some(alarm)) => {
                watched(alarm) && one.at >= alarm.since + SignedDuration::from_mins(5) && self.is_named(one, alarm)
            }
            ("needs_more_help", Some(alarm)) => watched(alarm) && self.did(&score, alarm, "needs-more-help"),
            ("all_clear", Some(alarm)) => watched(alarm) && alarm.over.is_some_and(|(_, at)| one.at >= at - MOMENT),
            ("acknowledged", Some(alarm)) => {
                (watched(alarm) || member == Some(alarm.member)) && self.did(&score, alarm, "acknowledge")
            }
            ("owner_asked", Some(alarm)) => watched(alarm) && self.did(&score, alarm, "acknowledge"),
            ("unreachable", Some(alarm)) => watched(alarm),
            ("reminder", None) => member.is_some_and(|member| self.plan.members[member].reminds),
            ("connected" | "connection_ended", None) => !score.comings.is_empty(),
            ("coverage_lost" | "coverage_back" | "weekly_summary", None) => true,
            ("attested", None) => member.is_some_and(|member| {
                score.log.iter().any(|line| line.ends_with(&format!("attests of Member {member}: 201")))
            }),
            ("invitation", None) => true,
            _ => false,
        };
        (!is_fine).then(|| format!("{alarm:?}"))
    }

    fn is_named(&self, one: &Seen, alarm: &Alarm) -> bool {
        one.words.contains(&self.members[alarm.member].name)
    }

    fn did(&self, score: &Score, alarm: &Alarm, verb: &str) -> bool {
        let id = alarm.id.unwrap_or_default().to_string();
        score.log.iter().any(|line| line.contains(verb) && line.contains(&id) && line.ends_with("200"))
    }

    /// R9.2, R9.7, R7.1: the trail holds, each alert's steps follow each other, and the product's own audit finds nothing.
    async fn look_at_the_books(&self) {
        while self
            .rows("select (jobs.seal_audit() ->> 'more')::boolean or exists (select from audit.unsealed_events)", &[])
            .await[0]
            .get(0)
        {}
        let empty = json!([]);
        let found = self.json("select * from audit.verify()").await;
        if found != empty {
            self.fault(format!("the trail was changed: {found:#}"));
        }
        let began = std::time::Instant::now();
        let mut found = self.json("select * from jobs.audit()").await;
        while found != empty && began.elapsed() < crate::support::PATIENCE {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            found = self.json("select * from jobs.audit()").await;
        }
        if found != empty {
            self.fault(format!("the audit finds {found:#}"));
        }
        let steps = self.json("select object_id, action from audit.events where action in ('alert.raised', 'alert.acknowledged', 'alert.released', 'alert.resolved') order by id").await;
        let mut states: BTreeMap<&str, &str> = BTreeMap::new();
        for step in steps.as_array().unwrap() {
            let (alert, action) = (step["object_id"].as_str().unwrap(), step["action"].as_str().unwrap());
            let before = states.insert(alert, action);
            let follows = match before {
                None => action == "alert.raised",
                Some("alert.resolved") => false,
                Some("alert.acknowledged") => action != "alert.raised",
                Some(_) => !matches!(action, "alert.raised" | "alert.released"),
            };
            if !follows {
                self.fault(format!("alert {alert}: {action} after {before:?}"));
            }
        }
        let left = self.json("select d.channel, d.state, n.kind from data.deliveries d join data.notifications n on n.id = d.notification_id where d.state = 'sending'").await;
        if left != empty {
            self.fault(format!("in nobody's hand: {left:#}"));
        }
    }
}

/// R7.3: one message a delivery, and one more for each server that died with it in its hand; of SMS never.
fn no_more_than_excused(seen: &[Seen], excused: &HashMap<Uuid, (usize, usize)>, faults: &mut Vec<String>) {
    let mut counts: BTreeMap<Uuid, (usize, &Seen)> = BTreeMap::new();
    for one in seen.iter().filter(|one| matches!(one.answered, Answered::Accepted | Answered::Hung)) {
        counts.entry(one.delivery).or_insert((0, one)).0 += 1;
    }
    for (delivery, (count, one)) in counts {
        let (by_kill, by_clock) = excused.get(&delivery).copied().unwrap_or_default();
        let more = by_clock + if one.channel == Channel::Sms { 0 } else { by_kill };
        if count > 1 + more {
            faults.push(format!(
                "{} by {:?} to {} came {count} times, {more} more are excused: {}",
                one.kind, one.channel, one.to, one.words
            ));
        }
    }
}

/// R7.5: one first message and one all-clear a place, however often it was tried.
fn told_once(alarm: &Alarm, comings: usize, seen: &[Seen], faults: &mut Vec<String>) {
    let mut places: BTreeMap<(&str, &str, String), BTreeSet<Uuid>> = BTreeMap::new();
    for one in seen.iter().filter(|one| one.alert == alarm.id && one.arrived()) {
        if matches!(one.kind.as_str(), "missed" | "all_clear") {
            places.entry((&one.kind, &one.to, format!("{:?}", one.channel))).or_default().insert(one.delivery);
        }
    }
    for ((kind, to, channel), deliveries) in places {
        let most = if kind == "missed" { 1 + comings } else { alarm.ends };
        if deliveries.len() > most {
            faults.push(format!("{kind} by {channel} to {to} was told {} times: {alarm:?}", deliveries.len()));
        }
    }
}
