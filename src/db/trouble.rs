//! Why a database serves nobody just now, each reason under its own name.

use deadpool_postgres::{PoolError, TimeoutType};

/// Why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Trouble {
    /// It cannot be reached, or is starting or stopping.
    Away,
    /// It refuses the login of `DATABASE_URL`.
    Login,
    /// It has no connection left.
    Full,
    /// It does not answer in time.
    Silent,
    /// It takes no changes: a standby, or a database that was made read-only.
    ReadOnly,
    /// All connections of this server are in use.
    Busy,
}

impl Trouble {
    /// What `/readyz` says of the database, and its name in the log.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Away => "cannot be reached",
            Self::Login => "refuses the login",
            Self::Full => "has no connection left",
            Self::Silent => "does not answer",
            Self::ReadOnly => "is read-only",
            Self::Busy => "all connections of this server are in use",
        }
    }

    /// Why a pool gave no connection.
    #[must_use]
    pub fn of_pool(error: &PoolError) -> Self {
        match error {
            PoolError::Timeout(TimeoutType::Wait) => Self::Busy,
            PoolError::Backend(error) => Self::of(error),
            _ => Self::Silent,
        }
    }

    /// Why a connection failed (SQL states: <https://www.postgresql.org/docs/current/errcodes-appendix.html>).
    #[must_use]
    pub fn of(error: &tokio_postgres::Error) -> Self {
        match error.code().map_or("", |code| code.code()) {
            "25006" => Self::ReadOnly,
            "53300" => Self::Full,
            "57014" | "55P03" => Self::Silent,
            state if state.starts_with("28") || state.starts_with("3D") => Self::Login,
            _ => Self::Away,
        }
    }
}
