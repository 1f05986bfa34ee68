//! The limit of open files, and who gets how many of them (R9.9).
//!
//! Every connection takes one: to the database, to a provider, from a client. Clients must not take those of the others.

use std::io;

use crate::db;

/// Outgoing connections besides those to the database: 64 attempts at once in each of four lanes, 24 in each of the two
/// lanes of webhooks, and some for receipts, payments and the heartbeat.
const OUTGOING: usize = 320;
/// Everything else: the listener, the runtime's own, the log, files that are read.
const FILES: usize = 32;
/// More clients than this do not fit in memory at some 20 KB each, whatever the limit of open files is.
const MOST_CLIENTS: usize = 10_000;
/// Clients are served even where the limit is far too small.
const FEWEST_CLIENTS: usize = 16;
/// From this limit on there is room for everybody.
pub const ENOUGH: u64 = 1024;

/// Raises the soft limit of open files to the hard one, and gives it.
///
/// # Errors
/// When the system does not say what the limits are.
pub fn raise() -> io::Result<u64> {
    // macOS refuses more than it says elsewhere; the crate knows where.
    rlimit::increase_nofile_limit(u64::MAX)
}

/// Raises it at the start of a server, and says when it is too small for everybody.
pub fn raise_or_warn() {
    let limit = raise().unwrap_or_else(|_| limit());
    if limit < ENOUGH {
        tracing::warn!(
            limit.open_files = limit,
            limit.clients = clients(limit),
            "the limit of open files is small: raise it (docs/operations.md)"
        );
    }
}

/// The limit of open files that is in force; 256 where the system does not say.
#[must_use]
pub fn limit() -> u64 {
    rlimit::getrlimit(rlimit::Resource::NOFILE).map_or(256, |(soft, _)| soft)
}

/// How many clients may be connected at once under this limit of open files.
#[must_use]
pub fn clients(limit: u64) -> usize {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let left = limit.saturating_sub(db::CONNECTIONS + FILES);
    // Where there is too little for all, clients and providers share it.
    let outgoing = OUTGOING.min(left / 2);
    (left - outgoing).clamp(FEWEST_CLIENTS, MOST_CLIENTS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r9_9_clients_leave_descriptors_to_the_database_and_to_the_providers() {
        for limit in [250, 1024, 4096] {
            let others = usize::try_from(limit).unwrap() - clients(limit) - db::CONNECTIONS - FILES;
            assert!(others >= OUTGOING.min(80), "{limit}: {others}");
        }
        assert!(clients(ENOUGH) >= 500);
        assert_eq!(clients(20), FEWEST_CLIENTS);
        assert_eq!(clients(u64::MAX), MOST_CLIENTS);
    }
}
