//! R4.3: local times and instants, for every zone, against jiff on the same zone files.
//!
//! Instants and local times are seconds here; a local time is counted as if it were UTC.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;

use jiff::Timestamp;
use jiff::tz::{Offset, TimeZone};
use tokio_postgres::Client;

use crate::support::{TestDatabase, World};

const DAY: i64 = 86_400;

/// A change of a zone's offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Transition {
    at: i64,
    before: i64,
    after: i64,
}

/// A zone as jiff reads it, with its changes in the years that are looked at.
struct Zone {
    name: String,
    tz: TimeZone,
    first_offset: i64,
    transitions: Vec<Transition>,
}

fn seconds(instant: &str) -> i64 {
    instant.parse::<Timestamp>().unwrap().as_second()
}

impl Zone {
    fn read(name: &str, folder: &Path) -> Self {
        let tz = TimeZone::tzif(name, &std::fs::read(folder.join(name)).unwrap()).unwrap();
        let (from, until) = (seconds("2019-12-30T00:00:00Z"), seconds("2041-01-03T00:00:00Z"));
        let offset = |at: i64| i64::from(tz.to_offset(Timestamp::from_second(at).unwrap()).seconds());
        let transitions = tz
            .following(Timestamp::from_second(from).unwrap())
            .map(|change| change.timestamp().as_second())
            .take_while(|at| *at < until)
            .map(|at| Transition { at, before: offset(at - 1), after: offset(at) })
            // A change of name or of the daylight flag only moves no clock.
            .filter(|change| change.before != change.after)
            .collect();
        Self { name: name.to_owned(), first_offset: offset(from), transitions, tz }
    }

    /// RFC 5545, 3.3.5: in a gap with the offset before it, in an overlap the first occurrence.
    fn instant_of(&self, local: i64) -> i64 {
        let local = Offset::UTC.to_datetime(Timestamp::from_second(local).unwrap());
        self.tz.to_ambiguous_timestamp(local).compatible().unwrap().as_second()
    }

    fn local(&self, instant: i64) -> i64 {
        instant + i64::from(self.tz.to_offset(Timestamp::from_second(instant).unwrap()).seconds())
    }
}

/// Every zone that PostgreSQL lists under a proper name, read from the files that PostgreSQL reads.
async fn zones(database: &Client) -> Vec<Zone> {
    let own: String = database
        .query_one("select setting || '/timezone' from pg_config where name = 'SHAREDIR'", &[])
        .await
        .unwrap()
        .get(0);
    let folder = if Path::new(&own).exists() { own } else { "/usr/share/zoneinfo".to_owned() };
    let listed = "select name from pg_timezone_names where name !~ '^(posix|right)/' and name not in ('localtime', 'posixrules', 'Factory') order by name";
    database.query(listed, &[]).await.unwrap().iter().map(|row| Zone::read(row.get(0), Path::new(&folder))).collect()
}

/// One zone for each way in which clocks go in these years.
fn distinct(zones: Vec<Zone>) -> Vec<Zone> {
    let mut seen = BTreeSet::new();
    zones
        .into_iter()
        .filter(|zone| {
            seen.insert((zone.first_offset, zone.transitions.iter().map(|t| (t.at, t.after)).collect::<Vec<_>>()))
        })
        .collect()
}

/// What `rules.instant_of` makes of local times in zones.
async fn instants(database: &Client, zones: &[&str], locals: &[i64]) -> Vec<i64> {
    let sql = "select array(select extract(epoch from rules.instant_of(timestamp 'epoch' + p.local * interval '1 second', rules.zone_name(p.zone)))::bigint
                              from unnest($1::text[], $2::bigint[]) with ordinality as p (zone, local, n) order by n)";
    database.query_one(sql, &[&zones, &locals]).await.unwrap().get(0)
}

fn shown(local: i64) -> String {
    Offset::UTC.to_datetime(Timestamp::from_second(local).unwrap()).to_string()
}

/// Compares `rules.instant_of` with RFC 5545 for pairs of zone and local time.
async fn compare(database: &Client, points: &[(&Zone, i64)]) {
    let mut wrong = Vec::new();
    for some in points.chunks(100_000) {
        let names: Vec<&str> = some.iter().map(|(zone, _)| zone.name.as_str()).collect();
        let locals: Vec<i64> = some.iter().map(|(_, local)| *local).collect();
        let found = instants(database, &names, &locals).await;
        assert_eq!(found.len(), some.len());
        for ((zone, local), found) in some.iter().zip(found) {
            let right = zone.instant_of(*local);
            if found != right {
                wrong.push(format!("{} {}: {} s off", zone.name, shown(*local), found - right));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {} are wrong: {:#?}", wrong.len(), points.len(), &wrong[..wrong.len().min(40)]);
}

/// The local times around a change where something can go wrong.
fn around(change: &Transition) -> BTreeSet<i64> {
    let (low, high) = (change.at + change.before.min(change.after), change.at + change.before.max(change.after));
    let mut locals = BTreeSet::new();
    for edge in [low, (low + high) / 2 / 60 * 60, high] {
        for minutes in [-1440, -120, -60, -31, -30, -1, 0, 1, 30, 31, 60, 120, 1440] {
            locals.insert(edge + 60 * minutes);
        }
    }
    for day in low.div_euclid(DAY) - 1..=high.div_euclid(DAY) + 1 {
        for minute in [0, 2 * 60 + 30, 23 * 60 + 58] {
            locals.insert(day * DAY + minute * 60);
        }
    }
    locals
}

#[tokio::test]
async fn r4_3_every_clock_change_of_every_zone_is_read_as_rfc_5545_reads_it() {
    let database = TestDatabase::create().await;
    let zones = zones(&database.admin).await;
    assert!(zones.len() > 400, "{} zones", zones.len());
    let points: Vec<(&Zone, i64)> = zones
        .iter()
        .flat_map(|zone| zone.transitions.iter().flat_map(around).map(move |local| (zone, local)))
        .collect();
    assert!(points.len() > 200_000, "{} points", points.len());
    // What makes this hard is there: gaps and overlaps of other lengths than an hour, and over midnight.
    let lengths: BTreeSet<i64> =
        zones.iter().flat_map(|zone| &zone.transitions).map(|change| (change.after - change.before) / 60).collect();
    assert!([-120, -60, -30, 30, 60, 120].iter().all(|length| lengths.contains(length)), "{lengths:?}");
    for over_midnight in
        ["Africa/Cairo", "Asia/Beirut", "America/Havana", "America/Santiago", "America/Asuncion", "America/Nuuk"]
    {
        let zone = zones.iter().find(|zone| zone.name == over_midnight).unwrap();
        assert!(
            zone.transitions.iter().any(|change| {
                let (low, high) =
                    (change.at + change.before.min(change.after), change.at + change.before.max(change.after));
                low.rem_euclid(DAY) == 0 || high.rem_euclid(DAY) == 0
            }),
            "{over_midnight}"
        );
    }
    compare(&database.admin, &points).await;
}

#[tokio::test]
async fn r4_3_a_day_that_was_left_out_and_other_changes_of_the_past_are_read_as_rfc_5545_reads_them() {
    let database = TestDatabase::create().await;
    let zones: HashMap<String, Zone> =
        zones(&database.admin).await.into_iter().map(|zone| (zone.name.clone(), zone)).collect();
    let mut points = Vec::new();
    // Samoa and Tokelau had no 30 December 2011; Newfoundland changed at a minute past midnight; Pyongyang by 30
    // minutes; Caracas by 30; Lord Howe by 30; Casablanca and Troll by what they please.
    for (name, from, until) in [
        ("Pacific/Apia", "2011-12-27", "2012-01-03"),
        ("Pacific/Fakaofo", "2011-12-27", "2012-01-03"),
        ("America/St_Johns", "2011-03-10", "2011-03-16"),
        ("America/St_Johns", "2010-11-04", "2010-11-10"),
        ("Asia/Pyongyang", "2018-05-02", "2018-05-08"),
        ("America/Caracas", "2016-04-28", "2016-05-04"),
        ("Australia/Lord_Howe", "2027-04-01", "2027-04-08"),
        ("Africa/Casablanca", "2027-02-05", "2027-03-17"),
        ("Africa/El_Aaiun", "2027-02-05", "2027-03-17"),
        ("Antarctica/Troll", "2027-03-25", "2027-04-01"),
        ("Antarctica/Troll", "2027-10-28", "2027-11-03"),
        ("Europe/Dublin", "2027-03-25", "2027-04-01"),
        ("Europe/Dublin", "2027-10-28", "2027-11-03"),
    ] {
        let midnight = |day: &str| seconds(&format!("{day}T00:00:00Z"));
        points.extend((midnight(from)..midnight(until)).step_by(300).map(|local| (&zones[name], local)));
    }
    compare(&database.admin, &points).await;
    let apia = instants(&database.admin, &["Pacific/Apia"], &[seconds("2011-12-30T09:00:00Z")]).await;
    assert_eq!(
        apia,
        [seconds("2011-12-30T19:00:00Z")],
        "a time of the day that was not is read with the offset before"
    );
}

/// The days of two decades, at these times, for every way in which clocks go.
#[tokio::test]
async fn r4_3_every_date_of_two_decades_in_every_kind_of_zone() {
    const TIMES: [&str; 2] = ["00:00", "02:30"];
    let database = TestDatabase::create().await;
    let zones = distinct(zones(&database.admin).await);
    let names: Vec<&str> = zones.iter().map(|zone| zone.name.as_str()).collect();
    let sql = "select array(select extract(epoch from rules.instant_of(date '2020-01-01' + d + t::time, rules.zone_name(z)))::bigint from generate_series(0, 7670) as d)
                 from unnest($1::text[]) with ordinality as zones (z, n), unnest($2::text[]) with ordinality as times (t, m) order by n, m";
    let rows = database.admin.query(sql, &[&names, &TIMES.as_slice()]).await.unwrap();
    let mut rows = rows.iter().map(|row| row.get::<_, Vec<i64>>(0));
    let first = seconds("2020-01-01T00:00:00Z");
    assert_eq!(first + 7670 * DAY, seconds("2040-12-31T00:00:00Z"));
    for zone in &zones {
        for minutes in [0, 150] {
            let found = rows.next().unwrap();
            assert_eq!(found.len(), 7671);
            for (day, found) in (0..).zip(found) {
                let local = first + day * DAY + minutes * 60;
                assert_eq!(found, zone.instant_of(local), "{} {}", zone.name, shown(local));
            }
        }
    }
}

/// A slot: date (in days), minute of the day, instant.
type Slot = (i64, i64, i64);

/// The first slot after an instant: looks at every slot near it.
fn slot_after(zone: &Zone, minutes: &[i64], weekdays: &[i64], after: i64, not_before: i64) -> Option<Slot> {
    let today = zone.local(after).div_euclid(DAY);
    (today - 3..today + 12)
        // 1970-01-01 was a Thursday.
        .filter(|day| weekdays.contains(&((day + 3).rem_euclid(7) + 1)))
        .flat_map(|day| minutes.iter().map(move |minute| (day, *minute, zone.instant_of(day * DAY + minute * 60))))
        .filter(|slot| slot.2 > after && slot.2 >= not_before)
        .min_by_key(|slot| (slot.2, slot.0, slot.1))
}

#[tokio::test]
async fn r4_3_the_next_slot_is_the_first_one_after_in_every_kind_of_zone() {
    let database = TestDatabase::create().await;
    let zones = distinct(zones(&database.admin).await);
    let every_day = [1, 2, 3, 4, 5, 6, 7].as_slice();
    let schedules: [(&[i64], &[i64]); 7] = [
        (&[0], every_day),
        (&[150], every_day),
        (&[1438], every_day),
        (&[1390, 1430], every_day),
        (&[15, 150, 210, 1410], every_day),
        (&[540], &[1, 3, 5]),
        (&[60, 1380], &[7]),
    ];
    let (from, until) = (seconds("2026-01-01T00:00:00Z"), seconds("2028-01-01T00:00:00Z"));
    let mut asked = Vec::new();
    for zone in &zones {
        for change in zone.transitions.iter().filter(|change| (from..until).contains(&change.at)) {
            for (number, (minutes, weekdays)) in schedules.iter().enumerate() {
                for after in
                    [-26 * 3600, -1800, -60, 0, 600, 1800, 3600, 26 * 3600].map(|distance| change.at + distance)
                {
                    for not_before in [i64::MIN, after + 12 * 3600] {
                        asked.push((
                            zone,
                            number,
                            after,
                            not_before,
                            slot_after(zone, minutes, weekdays, after, not_before),
                        ));
                    }
                }
            }
        }
    }
    assert!(asked.len() > 10_000, "{}", asked.len());
    let sql = "select array(
        select jsonb_build_array(s.local_on - date '1970-01-01', extract(epoch from s.local_time)::int / 60, extract(epoch from s.due_at)::bigint)
          from unnest($1::text[], $2::bigint[], $3::bigint[], $4::bigint[]) with ordinality as p (zone, schedule, after, not_before, n)
          join (values (0, '{00:00}'::time[], '{1,2,3,4,5,6,7}'::smallint[]), (1, '{02:30}', '{1,2,3,4,5,6,7}'), (2, '{23:58}', '{1,2,3,4,5,6,7}'),
                       (3, '{23:10,23:50}', '{1,2,3,4,5,6,7}'), (4, '{00:15,02:30,03:30,23:30}', '{1,2,3,4,5,6,7}'),
                       (5, '{09:00}', '{1,3,5}'), (6, '{01:00,23:00}', '{7}')) as k (number, times, days) on k.number = p.schedule
         cross join lateral rules.slot_after(
           row (data.new_id(), data.new_id(), k.times, rules.zone_name(p.zone), k.days, 10, '{}', now(), null)::data.schedules,
           to_timestamp(p.after), case when p.not_before > 0 then to_timestamp(p.not_before) else '-infinity' end) as s
         order by p.n)";
    let zone_names: Vec<&str> = asked.iter().map(|question| question.0.name.as_str()).collect();
    let numbers: Vec<i64> = asked.iter().map(|question| i64::try_from(question.1).unwrap()).collect();
    let afters: Vec<i64> = asked.iter().map(|question| question.2).collect();
    let not_befores: Vec<i64> = asked.iter().map(|question| question.3.max(-1)).collect();
    let found: Vec<serde_json::Value> =
        database.admin.query_one(sql, &[&zone_names, &numbers, &afters, &not_befores]).await.unwrap().get(0);
    let mut wrong = BTreeMap::new();
    for ((zone, number, after, not_before, right), found) in asked.iter().zip(&found) {
        let right = right.unwrap();
        if *found != serde_json::json!([right.0, right.1, right.2]) {
            let note =
                format!("{number} after {} ({}): {found} for {right:?}", shown(zone.local(*after)), *not_before > 0);
            wrong.entry(zone.name.clone()).or_insert_with(Vec::new).push(note);
        }
    }
    assert_eq!(found.len(), asked.len());
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// R4.4: local midnight of its day, or four hours before, if that is earlier, and never before the previous one is due;
/// R4.3: grace is added in absolute time.
#[tokio::test]
async fn r4_4_when_each_of_two_years_opens_is_due_and_raises_the_alarm() {
    let mut world = World::without_server().await;
    let zones: HashMap<String, Zone> =
        zones(&world.db.admin).await.into_iter().map(|zone| (zone.name.clone(), zone)).collect();
    world
        .db
        .admin
        .batch_execute(
            "create function pg_temp.chain(zone text, times time[], grace smallint, at timestamptz, most integer) returns bigint[] language plpgsql as $$
             declare
               member uuid;
               o data.obligations;
               found bigint[] := '{}';
             begin
               insert into data.users (name, created_at) values ('Chain', at) returning id into member;
               set local session_replication_role = replica;
               insert into data.schedules (member_id, local_times, time_zone, grace_minutes, created_at) values (member, times, zone, grace, at);
               set local session_replication_role = origin;
               for step in 1 .. most loop
                 o := rules.open_next(member, at);
                 found := found || array[extract(epoch from o.opens_at), extract(epoch from o.due_at), extract(epoch from o.alert_at), o.local_on - date '1970-01-01', extract(epoch from o.local_time) / 60]::bigint[];
                 update data.obligations set state = 'met', closed_at = due_at, remind_at = null where id = o.id;
               end loop;
               return found;
             end $$",
        )
        .await
        .unwrap();
    let start = seconds("2026-02-01T12:00:00Z");
    let mut steps = 0;
    for name in [
        "Africa/Cairo",
        "Africa/Casablanca",
        "America/Havana",
        "America/Los_Angeles",
        "America/Nuuk",
        "America/Santiago",
        "America/Sao_Paulo",
        "Antarctica/Troll",
        "Asia/Beirut",
        "Asia/Kathmandu",
        "Australia/Lord_Howe",
        "Europe/Dublin",
        "Pacific/Auckland",
        "Pacific/Chatham",
    ] {
        let zone = &zones[name];
        for (times, minutes, grace) in [
            ("{00:00}", [0].as_slice(), 0_i16),
            ("{02:30}", &[150], 10),
            ("{23:58}", &[1438], 240),
            ("{01:15,09:00,23:40}", &[75, 540, 1420], 30),
        ] {
            let most = 280 * i32::try_from(minutes.len()).unwrap();
            let sql = "select pg_temp.chain($1, $2::text::time[], $3, to_timestamp($4::bigint), $5)";
            let found: Vec<i64> =
                world.db.admin.query_one(sql, &[&name, &times, &grace, &start, &most]).await.unwrap().get(0);
            let (mut after, mut previous) = (start, i64::MIN);
            for found in found.chunks_exact(5) {
                let (day, minute, due) = slot_after(zone, minutes, &[1, 2, 3, 4, 5, 6, 7], after, i64::MIN).unwrap();
                let opens = previous.max(zone.instant_of(day * DAY).min(due - 4 * 3600));
                assert_eq!(
                    found,
                    [opens, due, due + 60 * i64::from(grace), day, minute],
                    "{name} {times} {}",
                    shown(day * DAY)
                );
                (after, previous, steps) = (due, due, steps + 1);
            }
        }
    }
    assert_eq!(steps, 14 * (3 + 3) * 280);
    world.stop_all().await;
}
