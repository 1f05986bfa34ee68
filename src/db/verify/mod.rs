//! `pruuf verify`: what of a database is not as this release ships it.

use std::collections::BTreeSet;

use secrecy::SecretString;
use tokio_postgres::GenericClient;

use super::release::ReleaseError;
use super::{settings, tls};

/// Each question to a database's catalogue, and the answer of this release: lines.
pub const SHIPPED: [(&str, &str); 2] = [
    (include_str!("access.sql"), include_str!("access.txt")),
    (include_str!("objects.sql"), include_str!("objects.txt")),
];

/// Connects to the database of this URL, and gives each difference from what this release ships, in words.
///
/// # Errors
/// When the database does not answer.
pub async fn verify(url: &SecretString) -> Result<Vec<String>, ReleaseError> {
    let (client, connection) = settings(url)?.connect(tls()?).await?;
    let connection = tokio::spawn(connection);
    let found = differences(&client).await;
    drop(client);
    let _ = connection.await;
    Ok(found?)
}

/// Each difference between this database and what this release ships, in words.
///
/// # Errors
/// When the database does not answer.
pub async fn differences(client: &impl GenericClient) -> Result<Vec<String>, tokio_postgres::Error> {
    let mut found = Vec::new();
    for (question, shipped) in SHIPPED {
        let answer: String = client.query_one(question, &[]).await?.get(0);
        let (shipped, is): (BTreeSet<&str>, BTreeSet<&str>) = (shipped.lines().collect(), answer.lines().collect());
        found.extend(shipped.difference(&is).map(|line| format!("missing: {line}")));
        found.extend(is.difference(&shipped).map(|line| format!("not of this release: {line}")));
    }
    Ok(found)
}
