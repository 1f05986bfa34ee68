//! `pruuf dev`: everything on this machine.

mod binaries;
pub mod cluster;
