//! A real process, `pruuf serve`, which a test may kill.

use std::process::Stdio;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pruuf::dev::fakes::callbacks;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use super::{KEY, PATIENCE, World};

/// A running server of its own process. Dropped, it is killed.
pub struct Process {
    pub child: Child,
    pub address: String,
}

impl Process {
    /// With an SMTP server for e-mail, and everything else of the world.
    pub async fn start(world: &World) -> Self {
        Self::start_with(world, &[("PRUUF_SMTP_URL", world.fakes.smtp_url())]).await
    }

    /// With these settings beside those of the world, which has no e-mail.
    pub async fn start_with(world: &World, more: &[(&str, String)]) -> Self {
        Self::try_to_start(world, more).await.unwrap()
    }

    /// One that the system lets have so many files open, and not one more.
    pub async fn start_within(world: &World, open_files: u64) -> Self {
        let mut command = Command::new("prlimit");
        command.arg(format!("--nofile={open_files}:{open_files}")).arg(env!("CARGO_BIN_EXE_pruuf"));
        Self::run(world, command, &[("PRUUF_SMTP_URL", world.fakes.smtp_url())]).await.unwrap()
    }

    /// None when it ends instead.
    pub async fn try_to_start(world: &World, more: &[(&str, String)]) -> Option<Self> {
        Self::run(world, Command::new(env!("CARGO_BIN_EXE_pruuf")), more).await
    }

    async fn run(world: &World, mut command: Command, more: &[(&str, String)]) -> Option<Self> {
        let key = STANDARD.encode(KEY);
        let path = std::env::var("PATH").unwrap_or_default();
        let mut child = command
            .arg("serve")
            .env_clear()
            .envs([
                ("PATH", path.as_str()),
                ("DATABASE_URL", world.db.server_url().as_str()),
                ("PRUUF_LISTEN", "127.0.0.1:0"),
                ("PRUUF_PUBLIC_URL", "http://127.0.0.1"),
                ("PRUUF_REQUESTS_PER_MINUTE", "1000000"),
                ("PRUUF_JWT_KEYS", &key),
                ("PRUUF_PIN_PEPPER", &key),
                ("PRUUF_DATA_KEYS", &key),
                ("PRUUF_FCM_URL", world.fakes.fcm_url().as_str()),
                ("PRUUF_FCM_CREDENTIALS", world.credentials.to_str().unwrap()),
                ("PRUUF_EMAIL_FROM", "Pruuf <hello@pruuf.example>"),
                ("PRUUF_POSTMARK_WEBHOOK_PASSWORD", callbacks::POSTMARK_PASSWORD),
                ("PRUUF_TWILIO_URL", world.fakes.twilio_url().as_str()),
                ("PRUUF_TWILIO_ACCOUNT_SID", "AC00000000000000000000000000000000"),
                ("PRUUF_TWILIO_AUTH_TOKENS", callbacks::TWILIO_TOKEN),
                ("PRUUF_TWILIO_FROM", "+15005550006"),
            ])
            .envs(more.iter().map(|(name, value)| (*name, value)))
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut address = None;
        while address.is_none() {
            let line = timeout(PATIENCE, lines.next_line()).await.unwrap().unwrap()?;
            let line: Value = serde_json::from_str(&line).unwrap_or(Value::String(line));
            if line["message"] == "ready" {
                address = line["http.address"].as_str().map(str::to_owned);
            }
        }
        // A full pipe would stop it.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Some(Self { child, address: address? })
    }

    /// SIGKILL.
    pub async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }

    /// SIGTERM; gives whether it ended well.
    pub async fn terminate(mut self) -> bool {
        let pid = self.child.id().unwrap().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().await.unwrap().success());
        timeout(2 * PATIENCE, self.child.wait()).await.unwrap().unwrap().success()
    }
}

/// Numbers that a seed repeats (Vigna, xorshift64*).
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        // Spread, so that neighbouring seeds have nothing in common, and never 0 (Steele, splitmix64).
        let mut mixed = seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        Self((mixed ^ (mixed >> 31)) | 1)
    }

    /// 0 to `most`, both included.
    pub fn up_to(&mut self, most: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 11) % (most + 1)
    }

    /// `true` in so many of a hundred cases.
    pub fn percent(&mut self, chance: u64) -> bool {
        self.up_to(99) < chance
    }

    /// One of them.
    pub fn one<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.index(of.len())]
    }

    /// A place in a list of this length.
    pub fn index(&mut self, length: usize) -> usize {
        usize::try_from(self.up_to(u64::try_from(length - 1).unwrap())).unwrap()
    }
}

/// A number that nobody chose.
pub fn random_seed() -> u64 {
    u64::from_be_bytes(*uuid::Uuid::new_v4().as_bytes().first_chunk().unwrap())
}
