//! `pruuf dev`: everything on this machine.

mod binaries;
pub mod cluster;
pub mod fakes;

/// x
pub async fn run() -> Result<(), Box<dyn std::error::Error>> {
    Ok(())
}
/// x
pub async fn advance_clock(_by: &str) -> Result<(), Box<dyn std::error::Error>> {
    Ok(())
}
