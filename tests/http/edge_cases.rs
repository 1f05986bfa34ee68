//! The edges of a Member's day, one by one, each named as a person would call it (sections 4 and 5). A story is told in
//! lines, "day time who does what" in the Member's local time of 2027, and ends with the days that came of it.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use crate::support::{Person, World};

const EVERY_DAY: &str = "1,2,3,4,5,6,7";
const HOME: &str = "Pacific/Auckland";

/// A Member whom two Contacts watch.
struct Life {
    world: World,
    zone: TimeZone,
    aroha: Person,
    ben: Person,
    chloe: Person,
}

impl Life {
    /// Without a schedule.
    async fn new(zone: &str) -> Self {
        let world = World::without_server().await;
        let (aroha, ben, chloe) = (world.person("Aroha").await, world.person("Ben").await, world.person("Chloe").await);
        world.connect(&aroha, &ben).await;
        world.connect(&aroha, &chloe).await;
        Self { world, zone: TimeZone::get(zone).unwrap(), aroha, ben, chloe }
    }

    /// Expected every day at this time, from the first of March on, with ten minutes of grace.
    async fn daily(time: &str, zone: &str) -> Self {
        let life = Self::new(zone).await;
        life.plays(&[&format!("02-28 23:59 set {time}")]).await;
        life
    }

    fn instant(&self, local: &str) -> Timestamp {
        let local: DateTime = format!("2027-{}", local.replace(' ', "T")).parse().unwrap();
        self.zone.to_ambiguous_timestamp(local).compatible().unwrap()
    }

    async fn does(&self, at: &str, act: &[&str]) -> Result<Value, String> {
        let who = match act[0] {
            "ben" => &self.ben,
            "chloe" => &self.chloe,
            _ => &self.aroha,
        };
        let call = match act {
            ["tick"] => {
                while self.world.tick(at).await["missed"] != 0 {}
                return Ok(Value::Null);
            }
            ["tap"] => return Ok(self.world.tap(who, at).await),
            ["tap", zone] => return Ok(self.world.tap_from(who, at, zone).await),
            ["set", time] => {
                let zone = self.zone.iana_name().unwrap();
                return Ok(self.world.set_at(who, at, time, zone, EVERY_DAY, 10).await);
            }
            [_, "saw", "her"] => format!("api.attest_member(member_id => '{}', note => null)", self.aroha.id),
            ["break", first, last] => {
                format!("api.plan_break(first_on => '2027-{first}', last_on => '2027-{last}', is_confirmed => null)")
            }
            ["pause", first] => {
                format!("api.plan_break(first_on => '2027-{first}', last_on => null, is_confirmed => null)")
            }
            ["end", "break"] => {
                let id = self.world.admin_json("select id from data.breaks order by first_on desc limit 1").await;
                format!("api.remove_break(break_id => '{}')", id[0]["id"].as_str().unwrap())
            }
            other => panic!("nobody can {other:?}"),
        };
        self.world.exactly(at, "pruuf_user", Some(who.id), &call).await
    }

    /// Each line is done at its time; one that ends with `=> slug` is refused with that.
    async fn plays(&self, lines: &[&str]) {
        for line in lines {
            let (line, refusal) = line.split_once(" => ").map_or((*line, None), |(line, slug)| (line, Some(slug)));
            let at = self.instant(&line[..11]).to_string();
            let done = self.does(&at, &line[12..].split(' ').collect::<Vec<_>>()).await;
            assert_eq!(done.err().as_deref(), refusal, "{line}");
        }
    }

    /// The days that came of it, and who was told of a miss how often: each Contact of each, once.
    async fn came_to(&self, days: &[&str]) {
        assert_eq!(self.world.days(&self.aroha).await, days);
        let missed = days
            .iter()
            .filter(|day| day.ends_with(" open") && !day[8..].starts_with(" open") || day.ends_with(" resolved"))
            .count();
        for contact in [&self.ben, &self.chloe] {
            let told = "select count(*) from data.notifications where kind = 'missed' and user_id = $1";
            assert_eq!(self.world.number(told, &[&contact.id]).await, i64::try_from(missed).unwrap(), "{days:?}");
        }
    }

    async fn next_is_due(&self, at: &str) {
        let sql = "select due_at from data.obligations where state = 'open' and member_id = $1";
        let due = self.world.row(sql, &[&self.aroha.id]).await["due_at"].clone();
        assert_eq!(due.as_str().unwrap().parse::<Timestamp>().unwrap(), at.parse().unwrap());
    }

    async fn status(&self, at: &str) -> Value {
        let at = self.instant(at).to_string();
        self.world.exactly(&at, "pruuf_user", Some(self.aroha.id), "api.get_today()").await.unwrap()["status"].clone()
    }

    async fn ends(self) {
        self.world.stop_servers().await;
    }
}

/// A story of somebody at home who is expected at nine.
async fn story(lines: &[&str], days: &[&str]) {
    let life = Life::daily("09:00", HOME).await;
    life.plays(lines).await;
    life.came_to(days).await;
    life.ends().await;
}

#[tokio::test]
async fn r4_7_changed_the_time_after_todays_tap() {
    // The open one is tomorrow's by then, and stays.
    story(
        &["03-01 08:30 tap", "03-01 10:00 set 11:00", "03-02 08:00 tap"],
        &["01 09:00 met", "02 09:00 met", "03 11:00 open"],
    )
    .await;
}

#[tokio::test]
async fn r4_7_changed_the_time_before_todays_tap() {
    story(&["03-01 08:00 set 11:00", "03-01 08:30 tap"], &["01 09:00 met", "02 11:00 open"]).await;
    story(
        &["03-01 08:59 set 11:00", "03-01 09:05 tap", "03-02 11:10 tick"],
        &["01 09:00 met_late", "02 11:00 missed open", "03 11:00 open"],
    )
    .await;
}

#[tokio::test]
async fn r4_7_changed_the_time_to_earlier() {
    // Not an hour that has passed today: no miss comes out of a new time.
    story(
        &["03-01 08:00 set 06:00", "03-01 08:01 tick", "03-01 08:30 tap", "03-02 05:59 tap"],
        &["01 09:00 met", "02 06:00 met", "03 06:00 open"],
    )
    .await;
}

#[tokio::test]
async fn r4_7_changed_the_time_to_later() {
    // Today's miss is not dodged. Later by more than half a day is expected on the same evening, too.
    story(&["03-01 08:59 set 20:00", "03-01 09:10 tick"], &["01 09:00 missed open", "02 20:00 open"]).await;
    story(
        &["03-01 08:59 set 22:00", "03-01 09:00 tap", "03-01 22:10 tick"],
        &["01 09:00 met", "01 22:00 missed open", "02 22:00 open"],
    )
    .await;
}

#[tokio::test]
async fn r4_7_changed_the_time_after_the_miss() {
    story(&["03-01 09:10 tick", "03-01 09:30 set 10:00"], &["01 09:00 missed open", "02 09:00 open"]).await;
    story(
        &["03-01 09:10 tick", "03-01 09:30 set 10:00", "03-01 09:40 tap", "03-02 08:00 tap"],
        &["01 09:00 met_late resolved", "02 09:00 met", "03 10:00 open"],
    )
    .await;
}

#[tokio::test]
async fn r4_7_flew_west() {
    // To Perth, five hours behind: what was open at home stays, the one after it is at nine there.
    let life = Life::daily("09:00", HOME).await;
    life.plays(&["03-01 08:30 tap", "03-01 23:00 tap Australia/Perth"]).await;
    life.next_is_due("2027-03-01T20:00:00Z").await;
    life.plays(&["03-02 08:00 tap Australia/Perth"]).await;
    life.next_is_due("2027-03-03T01:00:00Z").await;
    life.came_to(&["01 09:00 met", "02 09:00 met", "03 09:00 open"]).await;
    life.ends().await;
}

#[tokio::test]
async fn r4_7_flew_east() {
    // Over the date line to Los Angeles, 21 hours behind: 2 March is lived twice, and expected twice.
    let life = Life::daily("09:00", HOME).await;
    life.plays(&["03-01 08:30 tap", "03-02 07:00 tap America/Los_Angeles"]).await;
    life.next_is_due("2027-03-02T17:00:00Z").await;
    life.came_to(&["01 09:00 met", "02 09:00 met", "02 09:00 open"]).await;
    life.ends().await;
}

#[tokio::test]
async fn r4_7_tapped_in_mid_flight() {
    // The phone is still at home when she taps over the sea, and in Los Angeles at the gate.
    let life = Life::daily("09:00", HOME).await;
    life.plays(&["03-01 08:30 tap", "03-02 03:00 tap", "03-02 08:05 tap America/Los_Angeles"]).await;
    life.next_is_due("2027-03-02T20:00:00Z").await;
    life.plays(&["03-03 08:00 tap"]).await;
    life.next_is_due("2027-03-03T17:00:00Z").await;
    life.came_to(&["01 09:00 met", "02 09:00 met", "03 09:00 met", "03 09:00 open"]).await;
    life.ends().await;
}

#[tokio::test]
async fn r4_3_clocks_go_forward_at_half_past_two() {
    // On 14 March there is no 02:30: it is read with the offset before, as 03:30 of the new time.
    let life = Life::daily("02:30", "America/New_York").await;
    life.plays(&["03-13 02:00 tick"]).await;
    life.next_is_due("2027-03-13T07:30:00Z").await;
    life.plays(&["03-13 02:20 tap", "03-14 03:39 tick"]).await;
    life.next_is_due("2027-03-14T07:30:00Z").await;
    life.plays(&["03-14 03:40 tick"]).await;
    life.next_is_due("2027-03-15T06:30:00Z").await;
    assert_eq!(life.world.days(&life.aroha).await[13..], ["14 02:30 missed open", "15 02:30 open"]);
    life.ends().await;
}

#[tokio::test]
async fn r4_3_clocks_go_back_at_half_past_one() {
    // On 7 November 01:30 comes twice: the first counts, and the second asks for nothing.
    let life = Life::new("America/New_York").await;
    life.plays(&["11-06 12:00 set 01:30"]).await;
    life.next_is_due("2027-11-07T05:30:00Z").await;
    assert_eq!(life.world.tick("2027-11-07T05:39:59Z").await["missed"], 0);
    assert_eq!(life.world.tick("2027-11-07T05:40:00Z").await["missed"], 1);
    assert_eq!(life.world.tick("2027-11-07T06:40:00Z").await["missed"], 0);
    life.next_is_due("2027-11-08T06:30:00Z").await;
    life.ends().await;
}

#[tokio::test]
async fn r4_4_a_deadline_at_midnight() {
    let life = Life::daily("00:00", HOME).await;
    // The first is that of 1 March itself, a minute after it was set. Then it opens four hours before, on the evening before.
    life.plays(&["02-28 23:59 tap", "03-01 19:59 tap", "03-01 20:00 tap"]).await;
    life.came_to(&["01 00:00 met", "02 00:00 met", "03 00:00 open"]).await;
    // A tap at half past midnight comes after the miss of the day that has just begun: on time for none, and late for that one.
    life.plays(&["03-03 00:10 tick", "03-03 00:30 tap"]).await;
    life.came_to(&["01 00:00 met", "02 00:00 met", "03 00:00 met_late resolved", "04 00:00 open"]).await;
    life.ends().await;
}

#[tokio::test]
async fn r4_6_tapped_twice() {
    story(&["03-01 08:30 tap", "03-01 08:30 tap", "03-01 08:31 tap"], &["01 09:00 met", "02 09:00 open"]).await;
    // Also where two times are open at once by then: one tap meets one time.
    let life = Life::daily("08:00,09:00", HOME).await;
    life.plays(&["03-01 07:50 tap", "03-01 07:50 tap"]).await;
    life.came_to(&["01 08:00 met", "01 09:00 open"]).await;
    life.ends().await;
}

#[tokio::test]
async fn r5_2_a_break_that_starts_today() {
    story(
        &["03-01 08:30 tap", "03-02 08:00 break 03-02 03-03", "03-03 10:00 tick"],
        &["01 09:00 met", "02 09:00 excused", "04 09:00 open"],
    )
    .await;
    // What was missed already is not excused.
    story(&["03-01 09:10 tick", "03-01 09:15 break 03-01 03-03"], &["01 09:00 missed open", "04 09:00 open"]).await;
}

#[tokio::test]
async fn r5_1_a_break_that_ends_today() {
    story(
        &["03-01 08:30 tap", "03-01 10:00 break 03-02 03-03", "03-03 23:59 tick", "03-04 09:10 tick"],
        &["01 09:00 met", "04 09:00 missed open", "05 09:00 open"],
    )
    .await;
}

#[tokio::test]
async fn r5_2_a_break_that_was_deleted_midway() {
    // It goes on with the next day; today stays free.
    story(
        &["03-01 08:30 tap", "03-01 10:00 break 03-02 03-09", "03-04 08:00 end break", "03-05 09:10 tick"],
        &["01 09:00 met", "05 09:00 missed open", "06 09:00 open"],
    )
    .await;
}

#[tokio::test]
async fn r5_2_two_breaks_that_overlap() {
    story(
        &[
            "03-01 08:30 tap",
            "03-01 10:00 break 03-03 03-04",
            "03-01 10:00 break 03-04 03-06 => breaks-overlap",
            "03-01 10:00 pause 03-02 => breaks-overlap",
            "03-01 10:00 break 03-05 03-06",
            "03-02 08:30 tap",
        ],
        &["01 09:00 met", "02 09:00 met", "07 09:00 open"],
    )
    .await;
}

#[tokio::test]
async fn r5_1_a_tap_during_a_break() {
    story(
        &["03-01 08:30 tap", "03-01 10:00 break 03-02 03-04", "03-03 08:00 tap", "03-05 08:00 tap"],
        &["01 09:00 met", "05 09:00 met", "06 09:00 open"],
    )
    .await;
}

#[tokio::test]
async fn r4_9_seen_in_person_before_the_deadline() {
    story(&["03-01 08:30 ben saw her", "03-01 09:10 tick"], &["01 09:00 excused", "02 09:00 open"]).await;
}

#[tokio::test]
async fn r4_9_seen_in_person_after_the_miss() {
    story(&["03-01 09:10 tick", "03-01 10:00 ben saw her"], &["01 09:00 missed resolved", "02 09:00 open"]).await;
}

#[tokio::test]
async fn r4_9_seen_in_person_by_two_contacts() {
    let life = Life::daily("09:00", HOME).await;
    life.plays(&["03-01 08:30 ben saw her", "03-01 08:40 chloe saw her", "03-01 09:10 tick"]).await;
    life.came_to(&["01 09:00 excused", "02 09:00 open"]).await;
    assert_eq!(life.world.number("select count(*) from data.attestations", &[]).await, 2);
    life.ends().await;
}

#[tokio::test]
async fn r4_9_seen_in_person_on_a_break() {
    story(
        &["03-01 08:30 tap", "03-01 10:00 break 03-02 03-04", "03-03 08:00 ben saw her => nothing-to-attest"],
        &["01 09:00 met", "05 09:00 open"],
    )
    .await;
}

#[tokio::test]
async fn r4_9_seen_in_person_yesterday() {
    // While yesterday's alert is open a word would be taken for that one, and excuse today: it is asked to be closed.
    story(
        &["03-01 09:10 tick", "03-02 08:00 ben saw her => nothing-to-attest"],
        &["01 09:00 missed open", "02 09:00 open"],
    )
    .await;
    // When the Member has ended it, a word is about today, and yesterday is not touched.
    story(
        &[
            "03-01 09:10 tick",
            "03-01 09:20 tap",
            "03-01 12:00 ben saw her => nothing-to-attest",
            "03-02 08:00 ben saw her",
        ],
        &["01 09:00 met_late resolved", "02 09:00 excused", "03 09:00 open"],
    )
    .await;
}

#[tokio::test]
async fn r4_2_no_time_set_yet() {
    let life = Life::new(HOME).await;
    life.plays(&["03-01 08:30 tap", "06-01 08:30 tick"]).await;
    life.came_to(&[]).await;
    assert_eq!(life.status("06-01 08:31").await, "waiting_for_a_time");
    assert_eq!(life.world.number("select count(*) from data.check_ins", &[]).await, 1);
    life.ends().await;
}

#[tokio::test]
async fn r6_1_no_contact() {
    // The alert is there for whoever comes, and the tap ends it.
    let world = World::without_server().await;
    let aroha = world.person("Aroha").await;
    world.set_at(&aroha, "2027-02-28T12:00:00Z", "09:00", HOME, EVERY_DAY, 10).await;
    assert_eq!(world.tick("2027-02-28T20:10:00Z").await["without_contact"].as_array().unwrap().len(), 1);
    assert_eq!(world.days(&aroha).await, ["01 09:00 missed open", "02 09:00 open"]);
    world.tap(&aroha, "2027-02-28T20:30:00Z").await;
    assert_eq!(world.days(&aroha).await, ["01 09:00 met_late resolved", "02 09:00 open"]);
    world.stop_servers().await;
}

#[tokio::test]
async fn r1_1_both_watch_each_other() {
    // Each is alerted of the other's miss, and a tap is one's own alone.
    let world = World::without_server().await;
    let (aroha, ben) = (world.person("Aroha").await, world.person("Ben").await);
    world.connect(&aroha, &ben).await;
    world.connect(&ben, &aroha).await;
    for who in [&aroha, &ben] {
        world.set_at(who, "2027-02-28T12:00:00Z", "09:00", HOME, EVERY_DAY, 10).await;
    }
    assert_eq!(world.tick("2027-02-28T20:10:00Z").await["missed"], 2);
    world.tap(&aroha, "2027-02-28T20:30:00Z").await;
    assert_eq!(world.days(&aroha).await, ["01 09:00 met_late resolved", "02 09:00 open"]);
    assert_eq!(world.days(&ben).await, ["01 09:00 missed open", "02 09:00 open"]);
    let told = "select u.name || ' of ' || m.name as told from data.notifications n join data.users u on u.id = n.user_id
                  join data.alerts a on a.id = n.alert_id join data.users m on m.id = a.member_id where n.kind = 'missed' order by 1";
    assert_eq!(world.admin_json(told).await, json!([{"told": "Aroha of Ben"}, {"told": "Ben of Aroha"}]));
    world.stop_servers().await;
}

#[tokio::test]
async fn r5_1_a_year_paused() {
    let life = Life::daily("09:00", HOME).await;
    life.plays(&["03-01 08:30 tap", "03-01 10:00 pause 03-02"]).await;
    let later = "2028-03-01T20:00:00Z";
    assert_eq!(life.world.tick(later).await["missed"], 0);
    life.came_to(&["01 09:00 met"]).await;
    life.does(later, &["end", "break"]).await.unwrap();
    // 2 March 2028, 09:00, is now: today stays free, and tomorrow is expected.
    life.next_is_due("2028-03-02T20:00:00Z").await;
    life.came_to(&["01 09:00 met", "03 09:00 open"]).await;
    life.ends().await;
}
