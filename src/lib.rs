//! Pruuf: the server behind a daily check-in for people who live alone.

pub mod app;
pub mod auth;
pub mod billing;
pub mod cli;
pub mod config;
pub mod db;
pub mod deliver;
pub mod descriptors;
pub mod dev;
pub mod http;
pub mod jobs;
pub mod keys;
pub mod poll;
pub mod preflight;
pub mod problem;
pub mod server;
pub mod staff;
pub mod telemetry;
pub mod texts;
pub mod vault;
pub mod watch;
pub mod webhooks;
