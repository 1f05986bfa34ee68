//! What goes over HTTP, SMTP and the rest, against a real server, a real database and fake providers: one binary, so
//! that it links once.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod addresses;
mod alert_pages;
mod alerts;
mod answers;
mod audit;
mod auth;
mod blocks;
mod calendar;
mod cluster;
mod connections;
mod coverage;
mod database;
mod day;
mod deletion;
mod delivery;
mod dev;
mod drills;
mod escalation;
mod events;
mod export;
mod failover;
mod faults;
mod help;
mod invitations;
mod journey;
mod keys;
mod openapi;
mod pace;
mod protocol;
mod providers;
mod reach;
mod receipts;
mod release;
mod sessions;
mod staff;
mod support;
mod timeline;
mod tokens;
mod trail;
mod versions;
mod voices;
mod watch;
mod watching;
mod welfare_cards;
