//! What goes over HTTP, SMTP and the rest, against a real server and fake providers: one binary.

mod providers;
