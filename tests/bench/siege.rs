//! A server that somebody floods (R9.9): a stranger's check-in, and the first message of a call for help, meanwhile.

use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::Utc;
use pruuf::auth::token::Tokens;
use pruuf::cli::say;
use pruuf::descriptors;
use pruuf::dev::fakes::Fakes;
use pruuf::vault::Vault;
use reqwest::{Client, RequestBuilder};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::server::{KEY, Serve};
use crate::{Bench, Report, median, percentile, seed};

const MEMBERS: i32 = 3_000;
/// The Member whose account is flooded with: their downloads are large.
const HOSTILE: i32 = 1;
/// Rows of each long part of their account.
const LARGE: i32 = 5_000;
/// Calls for help during one flood.
const CALLS: i32 = 5;
/// The hard limit of the server's open files.
const OPEN_FILES: u64 = 1024;
/// What did not come counts as so many milliseconds.
const NEVER: f64 = 10_000.0;
/// Between two check-ins.
const EVERY: Duration = Duration::from_millis(20);

/// What a flood is made of, and of how many clients at once.
#[derive(Clone, Copy)]
enum Flood {
    Nothing,
    IdleSockets,
    SlowHeads,
    Streams,
    GarbageRefreshes,
    GarbageSignUps,
    RefusedActs,
    Exports,
}

const FLOODS: [(Flood, &str, usize); 8] = [
    (Flood::Nothing, "nothing", 0),
    (Flood::IdleSockets, "1,600 sockets that never send a byte", 1_600),
    (Flood::SlowHeads, "800 sockets that send a letter a second", 800),
    (Flood::Streams, "600 event streams of one account", 600),
    (Flood::GarbageRefreshes, "64 clients with garbage refresh tokens", 64),
    (Flood::GarbageSignUps, "64 clients with garbage tickets", 64),
    (Flood::RefusedActs, "64 clients of one user whose acts are refused", 64),
    (Flood::Exports, "36 clients that download one large account", 36),
];

/// What one flood did.
#[derive(Default)]
struct Figures {
    check_in: Vec<f64>,
    first_message: Vec<f64>,
    before: Vec<f64>,
    during: Vec<f64>,
    after: Vec<f64>,
    answers: Vec<f64>,
}

#[expect(clippy::disallowed_methods, reason = "server and fakes of a benchmark share this machine's clock")]
fn wall_clock() -> chrono::DateTime<Utc> {
    Utc::now()
}

/// Everything that the clients need.
struct Front {
    url: String,
    address: String,
    tokens: Tokens,
    /// Keeps its connections.
    clients: Client,
    /// Connects each time, as somebody does whose phone was asleep.
    newcomer: Client,
}

impl Front {
    fn new(server: &Serve) -> Arc<Self> {
        let newcomer = Client::builder().pool_max_idle_per_host(0).timeout(Duration::from_millis(NEVER as u64));
        Arc::new(Self {
            url: server.url.clone(),
            address: server.url.trim_start_matches("http://").to_owned(),
            tokens: Tokens::new(&[KEY]).unwrap(),
            clients: Client::new(),
            newcomer: newcomer.build().unwrap(),
        })
    }

    fn token(&self, member: i32) -> String {
        let of = |kind: char| format!("00000000-0000-7000-{kind}000-{member:012}").parse::<Uuid>().unwrap();
        self.tokens.sign(of('8'), of('a')).unwrap()
    }

    fn post(&self, client: &Client, path: &str, body: &Value) -> RequestBuilder {
        client.post(format!("{}{path}", self.url)).json(body)
    }
}

/// One client of a flood, for as long as it is let.
async fn flood(front: Arc<Front>, kind: Flood, answers: Arc<std::sync::atomic::AtomicU64>) {
    let token = front.token(HOSTILE);
    loop {
        match kind {
            Flood::Nothing => return,
            Flood::IdleSockets => idle(&front, false).await,
            Flood::SlowHeads => idle(&front, true).await,
            Flood::Streams => {
                let stream = front.clients.get(format!("{}/v1/events", front.url)).bearer_auth(&token).send().await;
                if let Ok(mut stream) = stream {
                    while let Ok(Some(_)) = stream.chunk().await {}
                }
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
            Flood::GarbageRefreshes => {
                let body = json!({"refresh_token": Uuid::new_v4()});
                drop(front.post(&front.clients, "/v1/auth/sessions/refresh", &body).send().await);
            }
            Flood::GarbageSignUps => {
                let body = json!({"ticket": Uuid::new_v4(), "name": "Nobody", "pin": "4829"});
                drop(front.post(&front.clients, "/v1/auth/accounts", &body).send().await);
            }
            Flood::RefusedActs => {
                let path = format!("/v1/alerts/{}/acknowledge", Uuid::new_v4());
                drop(front.post(&front.clients, &path, &json!({})).bearer_auth(&token).send().await);
            }
            Flood::Exports => {
                let url = format!("{}/v1/me/export", front.url);
                if let Ok(answer) = front.clients.get(url).bearer_auth(&token).send().await {
                    drop(answer.bytes().await);
                }
            }
        }
        answers.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    }
}

/// A socket that says nothing, or a letter a second, until it is closed; then another one.
async fn idle(front: &Front, is_slow: bool) {
    if let Ok(mut socket) = TcpStream::connect(&front.address).await {
        let mut answer = [0; 64];
        let is_open = |read: std::io::Result<usize>| read.is_ok_and(|bytes| bytes > 0);
        loop {
            tokio::select! {
                read = socket.read(&mut answer) => if !is_open(read) { break },
                () = tokio::time::sleep(Duration::from_secs(1)), if is_slow => {
                    if socket.write_all(b"x").await.is_err() { break }
                }
            }
        }
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
}

/// How long a stranger's check-in takes, in ms.
async fn check_in(front: Arc<Front>, member: i32) -> f64 {
    let started = Instant::now();
    let answer =
        front.post(&front.newcomer, "/v1/me/check-ins", &json!({})).bearer_auth(front.token(member)).send().await;
    let is_kept = answer.is_ok_and(|answer| answer.status() == 201);
    if is_kept { started.elapsed().as_secs_f64() * 1000.0 } else { NEVER }
}

/// How long it takes from a call for help to the first message at a provider, in ms.
async fn call_for_help(front: &Front, fakes: &Fakes, member: i32) -> f64 {
    let called_at = wall_clock();
    let answer =
        front.post(&front.newcomer, "/v1/me/help-requests", &json!({})).bearer_auth(front.token(member)).send().await;
    if answer.is_err() {
        return NEVER;
    }
    let phones: Vec<String> = (1..=seed::CONTACTS).map(|c| format!("+1{:010}", 3 * member + c)).collect();
    let is_to = |to: &str| {
        to.starts_with(&format!("token-{member}-"))
            || to.starts_with(&format!("contact-{member}-"))
            || phones.iter().any(|phone| phone == to)
    };
    let within = Duration::from_millis(NEVER as u64);
    if !fakes.wait_for(|log| log.iter().any(|message| is_to(&message.to)), within).await {
        return NEVER;
    }
    let first =
        fakes.received().into_iter().filter(|message| is_to(&message.to)).map(|message| message.at).min().unwrap();
    (first - called_at).as_seconds_f64() * 1000.0
}

/// Check-ins one after the other, whether or not the ones before were answered.
async fn check_ins(front: Arc<Front>, seconds: u64, first: i32) -> Vec<f64> {
    let (mut running, started) = (JoinSet::new(), Instant::now());
    let mut member = first;
    while started.elapsed() < Duration::from_secs(seconds) {
        running.spawn(check_in(Arc::clone(&front), member % (MEMBERS - 500) + 500));
        member += 1;
        tokio::time::sleep(EVERY).await;
    }
    running.join_all().await
}

/// One flood on one server.
async fn one(bench: &Bench, database: &str, kind: (Flood, &str, usize), nth: i32, figures: &mut Figures) {
    let fakes = Fakes::start().await.unwrap();
    let server = Serve::start_within(bench, database, Some(&fakes), Some(OPEN_FILES)).await;
    let front = Front::new(&server);
    // The pools are connected, the code is in memory.
    drop(check_ins(Arc::clone(&front), 1, 0).await);
    figures.before.push(server.memory().0);
    let answers = Arc::default();
    let mut flooding = JoinSet::new();
    for _ in 0..kind.2 {
        flooding.spawn(flood(Arc::clone(&front), kind.0, Arc::clone(&answers)));
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    let taps = tokio::spawn(check_ins(Arc::clone(&front), bench.options.seconds, nth * 401));
    for call in 0..CALLS {
        // Nobody calls twice while their alert is open.
        let member = 10 + nth * CALLS + call;
        figures.first_message.push(call_for_help(&front, &fakes, member).await);
    }
    figures.check_in.push(percentile(taps.await.unwrap(), 99.0));
    figures.during.push(server.memory().1);
    let answered = answers.load(std::sync::atomic::Ordering::Relaxed) as f64;
    figures.answers.push(answered / (bench.options.seconds as f64 + 1.0));
    flooding.shutdown().await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    figures.after.push(server.memory().0);
}

/// People, and one account that is large.
async fn template(bench: &Bench) {
    let db = bench.database("bench_siege_template", "bench_template").await;
    seed::members(&db, MEMBERS).await;
    seed::places(&db, &Vault::new(vec![KEY]), MEMBERS).await;
    seed::day(&db, MEMBERS).await;
    db.batch_execute(&format!(
        "set session_replication_role = replica;
         insert into data.notifications (user_id, kind, cause, facts, created_at)
         select bench.member({HOSTILE}), 'pin_changed', n::text, jsonb_build_object('fill', repeat('x', 200)), now()
           from generate_series(1, {LARGE}) n;
         insert into data.check_ins (member_id, received_at)
         select bench.member({HOSTILE}), now() - make_interval(hours => n) from generate_series(1, {LARGE}) n;
         insert into audit.events (at, actor, action, subject_user_id)
         select now() - make_interval(hours => n), 'worker', 'check_in.made', bench.member({HOSTILE})
           from generate_series(1, {LARGE}) n;
         reset session_replication_role"
    ))
    .await
    .unwrap();
    seed::settle(&db).await;
}

/// Each flood in turn, several times.
pub async fn measure(bench: &Bench, report: &mut Report) {
    let _ = descriptors::raise();
    template(bench).await;
    let mut all: Vec<Figures> = FLOODS.iter().map(|_| Figures::default()).collect();
    for round in 0..bench.options.rounds {
        let name = format!("bench_siege_{round}");
        drop(bench.database(&name, "bench_siege_template").await);
        for (nth, (kind, figures)) in FLOODS.into_iter().zip(&mut all).enumerate() {
            one(bench, &name, kind, i32::try_from(nth).unwrap(), figures).await;
            say(&format!(
                "round {round}, {}: check-in p99 {:.0} ms, first messages {:.0?} ms",
                kind.1,
                figures.check_in[round],
                &figures.first_message[round * CALLS as usize..]
            ));
        }
    }
    for ((_, name, _), figures) in FLOODS.iter().zip(all) {
        let memory = [figures.before, figures.during, figures.after].map(|values| format!("{:.0}", median(values)));
        report.row(
            &format!("under a flood of {name} ({:.0} answers/s): a stranger's check-in", median(figures.answers)),
            &format!("p99 **{:.0} ms**", median(figures.check_in)),
            "500 ms",
        );
        report.row(
            &format!("under a flood of {name}: a call for help to its first message, the middle one and the slowest"),
            &format!(
                "**{:.0} ms**, {:.0} ms",
                median(figures.first_message.clone()),
                percentile(figures.first_message, 100.0)
            ),
            "1 s",
        );
        let figure = format!("{} MB", memory.join(" MB, "));
        report.row(&format!("under a flood of {name}: memory before, at most, and after"), &figure, "80 MB");
    }
}
