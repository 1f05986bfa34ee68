//! The app from outside: one binary, so that it links once.

mod cluster;
