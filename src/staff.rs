//! `pruuf staff …`: who is staff (rule R1.4), also before anybody is. As the owner of the database.

use std::env;
use std::io::BufRead as _;

use secrecy::SecretString;
use serde::Deserialize;
use serde_json::Value;
use tokio_postgres::Client;
use uuid::Uuid;

use crate::config;
use crate::db::{settings, tls};
use crate::http::auth::{Address, AddressKind};
use crate::vault::Vault;

type Outcome<T = ()> = Result<T, Box<dyn std::error::Error>>;

/// What a row of `rules.staff()` says.
#[derive(Deserialize)]
struct Held {
    user_id: Uuid,
    name: String,
    role: String,
    added_at: String,
}

impl Held {
    fn line(&self) -> String {
        format!("{} {} {} since {}", self.user_id, self.role, self.name, self.added_at)
    }
}

/// A connection that may do what the functions of the rules may: `DATABASE_URL` must be a superuser's, or a member's of
/// `pruuf_owner`.
async fn connect() -> Outcome<Client> {
    let url = env::var("DATABASE_URL").map_err(|_| "DATABASE_URL is missing: the database, as its owner")?;
    let (client, connection) = settings(&SecretString::from(url))?.connect(tls()?).await?;
    tokio::spawn(connection);
    client.batch_execute("set role pruuf_engine").await?;
    Ok(client)
}

/// The address on standard input: on the command line everybody on this machine could read it.
fn address() -> Outcome<(&'static str, Vec<Vec<u8>>)> {
    let keys = config::data_keys(&|name| env::var(name).ok())?;
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line)?;
    let kind = if line.contains('@') { AddressKind::Email } else { AddressKind::Phone };
    let address = Address { kind, value: line };
    let written = address.written().map_err(|_| "that is neither an e-mail address nor a phone number")?;
    Ok((kind.as_str(), Vault::new(keys).lookups(kind.as_str(), &written)))
}

/// Calls a function and gives its answer; a refusal is its detail.
async fn ask(client: &Client, call: &str, params: crate::db::Params<'_>) -> Outcome<Value> {
    match client.query_one(&format!("select {call}"), params).await {
        Ok(row) => Ok(row.try_get(0)?),
        Err(error) => Err(match error.as_db_error() {
            Some(refused) => refused.detail().unwrap_or(refused.message()).to_owned().into(),
            None => error.into(),
        }),
    }
}

/// Makes whoever has the address on standard input staff. `role`: `support` or `admin`. Gives a line about it.
///
/// # Errors
/// When nobody has it, or the database or the keys are not to be had.
pub async fn add(role: &str) -> Outcome<String> {
    let (kind, lookups) = address()?;
    let call = "rules.give_staff_role(rules.account_of_any($1, $2), $3, null)";
    let held: Held = serde_json::from_value(ask(&connect().await?, call, &[&kind, &lookups, &role]).await?)?;
    Ok(held.line())
}

/// Makes whoever has the address on standard input staff no more.
///
/// # Errors
/// When they are not, or are the last administrator.
pub async fn remove() -> Outcome {
    let (kind, lookups) = address()?;
    let call = "to_jsonb(rules.end_staff_role(rules.account_of_any($1, $2), null)::text)";
    ask(&connect().await?, call, &[&kind, &lookups]).await?;
    Ok(())
}

/// A line for everybody who is staff.
///
/// # Errors
/// When the database is not to be had.
pub async fn list() -> Outcome<Vec<String>> {
    #[derive(Deserialize)]
    struct Everybody {
        items: Vec<Held>,
    }
    let everybody: Everybody = serde_json::from_value(ask(&connect().await?, "rules.staff()", &[]).await?)?;
    Ok(everybody.items.iter().map(Held::line).collect())
}
