//! What a seed says: who is there, what works, and what happens when. The same seed, the same plan.

use std::time::Duration;

use pruuf::dev::cluster::RestartMode;
use pruuf::dev::fakes::{Behaviour, Channel, Provider};

use crate::support::process::Dice;

/// A day or two before clocks change somewhere; and an ordinary day.
const BEGINNINGS: &[&str] = &[
    "2027-03-12T21:40:00Z",
    "2027-03-27T08:10:00Z",
    "2027-04-02T20:30:00Z",
    "2027-06-15T05:00:00Z",
    "2027-09-24T23:20:00Z",
    "2027-10-29T14:00:00Z",
    "2027-11-05T18:50:00Z",
];

const ZONES: &[&str] = &[
    "Pacific/Auckland",
    "Australia/Lord_Howe",
    "America/New_York",
    "Europe/Dublin",
    "Europe/Berlin",
    "Asia/Kathmandu",
    "America/St_Johns",
    "Pacific/Apia",
    "UTC",
];

const TIMES: &[&[&str]] = &[&["09:00"], &["02:30"], &["00:15"], &["23:50"], &["07:00", "19:00"], &["02:30", "12:00"]];

/// How one place of a Contact takes messages, the whole game through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    Works,
    /// Takes them after a moment.
    Slow(u64),
    /// Refuses so many at first.
    Flaky(u32),
    /// Takes each twice.
    Repeats,
    /// Says that it was taken, and drops it; no receipt ever comes.
    Lies,
    /// Refuses for good.
    Dead,
    /// There is none.
    None,
}

impl Fate {
    /// Whether what goes there arrives in the end.
    pub fn works(self) -> bool {
        !matches!(self, Self::Lies | Self::Dead | Self::None)
    }
}

#[derive(Debug)]
pub struct MemberPlan {
    pub zone: &'static str,
    pub times: &'static [&'static str],
    pub grace: u32,
    pub reminds: bool,
}

/// The places of a Contact.
#[derive(Debug, Clone, Copy)]
pub struct ContactPlan {
    pub push: Fate,
    pub email: Fate,
    pub phone: Fate,
}

/// Who carries e-mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mail {
    Smtp,
    Postmark,
    SendGrid,
    /// Postmark, and SMTP behind it.
    Both,
}

/// How the clock moves.
#[derive(Debug, Clone, Copy)]
pub enum Jump {
    Stay,
    /// To so many milliseconds after the nearest deadline.
    Deadline(i64),
    Ahead(u64),
}

/// What somebody does to a Member's day. `who` picks one of those who can.
#[derive(Debug, Clone, Copy)]
pub enum Deed {
    CheckIn,
    Help,
    Cancel,
    Acknowledge { who: usize },
    Close { who: usize, outcome: &'static str },
    MoreHelp { who: usize },
    Attest { who: usize },
    Leave { who: usize, is_removed: bool },
    Join { who: usize },
    Tier { who: usize, tier: &'static str },
}

/// What breaks.
#[derive(Debug, Clone)]
pub enum Fault {
    Kill(usize),
    KillAll,
    Start,
    Restart(RestartMode),
    Notify(bool),
    Trouble(Channel, Behaviour),
    OneProvider(Provider, Behaviour),
    /// How Twilio calls back from now on: delay, twice, backwards, imitated.
    Callbacks(u64, bool, bool, bool),
}

/// A moment: the clock moves, then all of this happens at once.
#[derive(Debug)]
pub struct Beat {
    pub jump: Jump,
    /// After so many milliseconds each.
    pub faults: Vec<(u64, Fault)>,
    /// At most one a Member.
    pub deeds: Vec<(u64, usize, Deed)>,
    pub settles: bool,
}

#[derive(Debug)]
pub struct Plan {
    pub begin: &'static str,
    pub mail: Mail,
    pub servers: usize,
    pub members: Vec<MemberPlan>,
    pub contacts: Vec<ContactPlan>,
    /// Who watches whom at first, and whether as a backup.
    pub watches: Vec<(usize, usize, bool)>,
    /// Between them everything is mended, and what must have arrived by then is looked at.
    pub acts: Vec<Vec<Beat>>,
}

impl Plan {
    pub fn new(seed: u64) -> Self {
        let mut dice = Dice::new(seed);
        let mail = dice.one(&[Mail::Smtp, Mail::Smtp, Mail::Postmark, Mail::SendGrid, Mail::Both]);
        let members: Vec<_> = (0..=1 + dice.up_to(2)).map(|_| MemberPlan::new(&mut dice)).collect();
        let contacts: Vec<_> = (0..=2 + dice.up_to(2)).map(|_| ContactPlan::new(&mut dice, mail)).collect();
        let mut watches = Vec::new();
        for member in 0..members.len() {
            let first = dice.index(contacts.len());
            let count = 1 + dice.index(contacts.len().min(3));
            watches.extend((0..count).map(|n| (member, (first + n) % contacts.len(), n > 0 && dice.percent(35))));
        }
        let restarts = dice.percent(25);
        let acts = (0..=1 + dice.up_to(1))
            .map(|_| (0..=1 + dice.up_to(3)).map(|_| Beat::new(&mut dice, members.len(), mail, restarts)).collect())
            .collect();
        let servers = 2 + dice.index(3);
        Self { begin: dice.one(BEGINNINGS), mail, servers, members, contacts, watches, acts }
    }
}

impl MemberPlan {
    fn new(dice: &mut Dice) -> Self {
        Self {
            zone: dice.one(ZONES),
            times: dice.one(TIMES),
            grace: dice.one(&[0, 10, 10, 30, 240]),
            reminds: dice.percent(30),
        }
    }
}

impl ContactPlan {
    fn new(dice: &mut Dice, mail: Mail) -> Self {
        let mut place = |is_mail: bool| match dice.up_to(99) {
            0..45 => Fate::Works,
            45..60 => Fate::Slow(50 + dice.up_to(500)),
            60..70 if !is_mail || mail != Mail::Both => Fate::Flaky(1 + u32::try_from(dice.up_to(2)).unwrap()),
            70..76 if !is_mail => Fate::Repeats,
            76..84 => Fate::Lies,
            84..92 if !is_mail || mail == Mail::Smtp || mail == Mail::Postmark => Fate::Dead,
            92..100 => Fate::None,
            _ => Fate::Works,
        };
        let mut plan = Self { push: place(false), email: place(true), phone: place(false) };
        // Somebody who can be reached nowhere is not whom this is about: most can.
        if ![plan.push, plan.email, plan.phone].iter().any(|fate| fate.works()) && dice.percent(80) {
            plan.email = Fate::Works;
        }
        plan
    }
}

impl Beat {
    fn new(dice: &mut Dice, members: usize, mail: Mail, restarts: bool) -> Self {
        let jump = match dice.up_to(99) {
            0..8 => Jump::Stay,
            8..42 => Jump::Deadline(i64::try_from(dice.up_to(3000)).unwrap()),
            42..50 => Jump::Deadline(-300),
            50..78 => Jump::Ahead(60 * dice.one(&[3, 10, 11, 20, 30, 61, 76])),
            78..92 => Jump::Ahead(3600 * (1 + dice.up_to(8))),
            _ => Jump::Ahead(3600 * (20 + dice.up_to(40))),
        };
        let mut faults = Vec::new();
        if dice.percent(75) {
            for _ in 0..=dice.up_to(2) {
                faults.push((dice.up_to(250), Fault::new(dice, mail, restarts)));
            }
        }
        let mut deeds = Vec::new();
        for member in 0..members {
            if dice.percent(45) {
                deeds.push((dice.up_to(400), member, Deed::new(dice)));
            }
        }
        Self { jump, faults, deeds, settles: dice.percent(50) }
    }
}

impl Deed {
    fn new(dice: &mut Dice) -> Self {
        let who = dice.index(60);
        match dice.up_to(99) {
            0..28 => Self::CheckIn,
            28..40 => Self::Help,
            40..46 => Self::Cancel,
            46..64 => Self::Acknowledge { who },
            64..69 => Self::Attest { who },
            69..76 => Self::Close { who, outcome: dice.one(&["safe", "false_alarm", "got_help", "other"]) },
            76..84 => Self::MoreHelp { who },
            84..90 => Self::Leave { who, is_removed: dice.percent(50) },
            90..95 => Self::Join { who },
            _ => Self::Tier { who, tier: dice.one(&["primary", "backup"]) },
        }
    }
}

impl Fault {
    fn new(dice: &mut Dice, mail: Mail, restarts: bool) -> Self {
        match dice.up_to(99) {
            0..30 => Self::Kill(dice.index(4)),
            30..38 => Self::KillAll,
            38..55 => Self::Start,
            55..62 => Self::Notify(dice.percent(60)),
            62..70 if restarts => Self::Restart(dice.one(&[RestartMode::Fast, RestartMode::Immediate])),
            62..82 => Self::trouble(dice, mail),
            _ => Self::Callbacks(dice.up_to(900), dice.percent(40), dice.percent(40), dice.percent(40)),
        }
    }

    fn trouble(dice: &mut Dice, mail: Mail) -> Self {
        let channel = dice.one(&[Channel::Push, Channel::Email, Channel::Sms]);
        let times = (!dice.percent(30)).then(|| 1 + u32::try_from(dice.up_to(9)).unwrap());
        let (busy, down) = match (channel, mail) {
            (Channel::Push, _) => ((429, "QUOTA_EXCEEDED"), (503, "UNAVAILABLE")),
            (Channel::Email, Mail::Smtp) => ((421, "connect 4.7.0"), (451, "data 4.3.0")),
            (Channel::Email, _) => ((429, ""), (503, "")),
            (Channel::Sms | Channel::Voice, _) => ((429, "20429"), (503, "20503")),
        };
        let fail = |(status, code): (u16, &str), wait: Option<&str>| Behaviour::Fail {
            status,
            code: code.to_owned(),
            times,
            retry_after: wait.map(str::to_owned),
        };
        let behaviour = match dice.up_to(4) {
            0 => fail(busy, Some("600")),
            1 => fail(down, None),
            2 => Behaviour::Stall(Duration::from_millis(200 + dice.up_to(2000))),
            3 => Behaviour::AcceptAndDrop,
            _ => Behaviour::CloseBeforeAnswer,
        };
        if channel == Channel::Email && mail == Mail::Both {
            Self::OneProvider(Provider::Postmark, behaviour)
        } else {
            Self::Trouble(channel, behaviour)
        }
    }
}
