//! Pruuf: the server behind a daily check-in for people who live alone.

pub mod deliver;
pub mod dev;
pub mod texts;
