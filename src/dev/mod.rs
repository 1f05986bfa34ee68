//! `pruuf dev`: everything on this machine.
