//! `pruuf dev`: everything on this machine.

pub mod fakes;
