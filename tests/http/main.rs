//! The app from outside: one binary, so that it links once.
#![expect(
    clippy::unwrap_used,
    reason = "clippy.toml lets tests unwrap; their helpers are tests too"
)]

mod cluster;
