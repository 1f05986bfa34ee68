//! Carries deliveries out: claim, send, finish. One outside service a file.
