//! The `pruuf` command.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    pruuf::cli::run().await
}
