//! The command line: a match, nothing else.

use std::env;
use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};
use secrecy::SecretString;

use crate::config::{self, Config};
use crate::db::{self, release};
use crate::preflight::Line;
use crate::server::Server;
use crate::{dev, http, keys, preflight, staff, telemetry};

/// The server behind a daily check-in for people who live alone.
#[derive(Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run everything on this machine, with a database of its own and demo people
    Dev,
    /// Serve the API, watch the deadlines, send the messages
    Serve,
    /// Bring the database of DATABASE_URL to this release
    Migrate,
    /// Print the API's description as YAML
    Openapi,
    /// Ask the server at PRUUF_LISTEN whether it is alive
    Health,
    /// Look whether all is well: configuration, database, providers, audit; sends nothing to anybody
    Preflight,
    /// Name each difference between the database of DATABASE_URL and what this release ships
    Verify,
    /// Say who is staff, in the database of DATABASE_URL
    Staff {
        #[command(subcommand)]
        command: StaffCommand,
    },
    /// Turn over to a new key in PRUUF_DATA_KEYS
    Keys {
        #[command(subcommand)]
        command: KeysCommand,
    },
    /// Move the clock of a database made for rehearsals
    Clock {
        #[command(subcommand)]
        command: ClockCommand,
    },
}

#[derive(Subcommand)]
enum ClockCommand {
    /// Move it forward: 26h, 90m, 2d
    Advance {
        /// How far
        by: String,
    },
}

#[derive(Subcommand)]
enum KeysCommand {
    /// Seal everything in the database of DATABASE_URL anew under the first key, while servers serve
    Rotate,
}

#[derive(Subcommand)]
enum StaffCommand {
    /// Make somebody staff who has an account; their e-mail address or phone number is read from standard input
    Add {
        /// What they may do
        role: StaffRole,
    },
    /// Make them staff no more; the address is read from standard input
    Remove,
    /// Who is staff
    List,
}

#[derive(Clone, Copy, ValueEnum)]
enum StaffRole {
    /// Reads, resends, unlocks
    Support,
    /// All that, and says who is staff
    Admin,
}

type Outcome = Result<(), Box<dyn std::error::Error>>;

/// Runs the command that the process was called with.
pub async fn run() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Dev => dev::run().await,
        Command::Serve => serve().await,
        Command::Migrate => migrate().await,
        Command::Openapi => openapi(),
        Command::Health => health().await,
        Command::Preflight => preflight().await,
        Command::Verify => verify().await,
        Command::Staff { command } => say_who_is_staff(command).await,
        Command::Keys { command: KeysCommand::Rotate } => rotate_keys().await,
        Command::Clock { command: ClockCommand::Advance { by } } => dev::advance_clock(&by).await,
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say_error(&*error);
            ExitCode::FAILURE
        }
    }
}

#[expect(clippy::print_stderr, reason = "a command talks to the person who typed it")]
fn say_error(error: &dyn std::error::Error) {
    eprintln!("pruuf: {error}");
}

/// Prints a line for the person who typed the command.
#[expect(clippy::print_stdout, reason = "a command talks to the person who typed it")]
pub fn say(line: &str) {
    println!("{line}");
}

async fn serve() -> Outcome {
    telemetry::start("info");
    Server::start(Config::from_env()?).await?.run_until(stop_signal()).await;
    Ok(())
}

/// Waits for Ctrl-C or SIGTERM.
pub async fn stop_signal() {
    let interrupted = tokio::signal::ctrl_c();
    match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
        Ok(mut terminated) => {
            tokio::select! {
                _ = interrupted => {}
                _ = terminated.recv() => {}
            }
        }
        Err(_) => {
            let _ = interrupted.await;
        }
    }
}

async fn migrate() -> Outcome {
    let url = env::var("DATABASE_URL").map_err(|_| "DATABASE_URL is missing: the database, as its owner")?;
    let released = release::migrate(&SecretString::from(url)).await?;
    say(&format!("{} migrations and {} files of sql/ applied", released.migrations, released.files));
    if released.differences > 0 {
        say(&format!("{} differences from what this release ships: `pruuf verify` names them", released.differences));
    }
    Ok(())
}

async fn verify() -> Outcome {
    let url = env::var("DATABASE_URL").map_err(|_| "DATABASE_URL is missing: the database to look at")?;
    let found = db::verify::verify(&SecretString::from(url)).await?;
    found.iter().for_each(|line| say(line));
    match found.len() {
        0 => Ok(()),
        count => Err(format!("{count} differences from what this release ships").into()),
    }
}

async fn rotate_keys() -> Outcome {
    let url = env::var("DATABASE_URL").map_err(|_| "DATABASE_URL is missing: the database, as its owner")?;
    let rotated = keys::rotate(&SecretString::from(url), config::data_keys(&|name| env::var(name).ok())?).await?;
    say(&rotated.to_string());
    if rotated.is_all() { Ok(()) } else { Err("not everything is sealed under the first key".into()) }
}

async fn say_who_is_staff(command: StaffCommand) -> Outcome {
    match command {
        StaffCommand::Add { role: StaffRole::Support } => say(&staff::add("support").await?),
        StaffCommand::Add { role: StaffRole::Admin } => say(&staff::add("admin").await?),
        StaffCommand::Remove => staff::remove().await?,
        StaffCommand::List => staff::list().await?.iter().for_each(|line| say(line)),
    }
    Ok(())
}

async fn preflight() -> Outcome {
    let lines = match Config::from_env() {
        Ok(config) => preflight::look(&config).await,
        Err(error) => vec![Line::wrong("configuration", error.to_string())],
    };
    lines.iter().for_each(|line| say(&line.to_string()));
    match preflight::to_be_mended(&lines) {
        0 => Ok(()),
        wrong => Err(format!("{wrong} to be mended").into()),
    }
}

fn openapi() -> Outcome {
    say(http::service().spec_yaml().trim_end());
    Ok(())
}

async fn health() -> Outcome {
    let listen = env::var("PRUUF_LISTEN").unwrap_or_else(|_| "127.0.0.1:8080".to_owned());
    let listen = listen.replace("0.0.0.0", "127.0.0.1");
    reqwest::get(format!("http://{listen}/healthz")).await?.error_for_status()?;
    Ok(())
}
