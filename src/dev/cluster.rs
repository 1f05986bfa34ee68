//! A PostgreSQL cluster of our own, for `pruuf dev` and the tests.
//!
//! It listens on 127.0.0.1 only, knows nobody without a password, and never outlives the process that started it: a
//! watcher, a shell in a process group of its own, starts PostgreSQL and stops it as soon as the pipe from us to it is
//! closed, however we end.
//!
//! In the directory given to [`Cluster::start`]:
//!
//! | name | what |
//! | --- | --- |
//! | `data` | PostgreSQL's data and `postgresql.log`; a link into `/var/tmp` where PostgreSQL's user cannot reach `dir` |
//! | `passwords` | of both roles, 0600 |
//! | `port` | the last one, used again while it is free |
//! | `owner.lock` | locked by the process that has the cluster, with its pid |
//! | `watcher.log` | locked by the watcher until PostgreSQL has stopped; what `initdb` and `pg_ctl` said |

use std::fmt;
use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, BufRead, BufReader, Read, Seek, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use tokio_postgres::NoTls;

use super::binaries::{self, RunAs};

const ADMIN: &str = "pruuf_admin";
const SERVER: &str = "pruuf_server";

/// Seconds that `pg_ctl` waits for a start (with recovery) or a stop.
const PG_CTL_TIMEOUT: &str = "60";

/// How long a directory may look taken that is not: a process that has forked and not yet executed its program holds
/// every lock of the one that it came from, even when that one has let go or was killed.
const OWNER_PATIENCE: Duration = Duration::from_secs(1);

/// How long the previous owner's watcher may take to stop PostgreSQL: a fast stop, then an immediate one.
const HANDOVER_TIMEOUT: Duration = Duration::from_secs(130);

/// How often another port is tried when somebody takes the chosen one first.
const PORT_ATTEMPTS: u32 = 5;

/// The whole access list: both roles by password over the loopback interface, and nothing else.
const PG_HBA: &str = "host all all 127.0.0.1/32 scram-sha-256\n";

/// `$1` is pg_ctl, the rest its options. One answer a line: the exit code of a start or restart.
///
/// SIGPIPE is ignored, since an answer to an owner that was just killed must not kill the watcher before it has
/// stopped PostgreSQL. What pg_ctl prints goes to the log, so that PostgreSQL never holds one of our pipes.
const WATCHER: &str = r#"
trap '' PIPE
pg_ctl=$1
shift
"$pg_ctl" start "$@" </dev/null >&2
echo "$?"
while read -r mode; do
  "$pg_ctl" restart -m "$mode" "$@" </dev/null >&2
  echo "$?"
done
"$pg_ctl" stop -m fast "$@" </dev/null >&2 || "$pg_ctl" stop -m immediate "$@" </dev/null >&2
"#;

/// Why there is no cluster.
#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    /// Neither installed nor to be fetched.
    #[error(
        "{wanted} was not found on this machine, and fetching it failed ({reason}). Install it and try again:\n  \
         Debian, Ubuntu: apt-get install postgresql\n  \
         Fedora, RHEL:   dnf install postgresql-server\n  \
         macOS:          brew install postgresql@17\n\
         or point DATABASE_URL at a server that runs already."
    )]
    NotInstalled {
        /// The release that was looked for.
        wanted: String,
        /// Why it could not be fetched.
        reason: String,
    },
    /// Another process has this directory.
    #[error("the database in {} is already running, pid {pid}", dir.display())]
    AlreadyRunning {
        /// The directory.
        dir: PathBuf,
        /// The process that has it, or `unknown`.
        pid: String,
    },
    /// There is data whose passwords nobody knows.
    #[error("{} has data, but its file `passwords` is gone: put it back, or remove the directory to begin anew", dir.display())]
    PasswordsGone {
        /// The directory.
        dir: PathBuf,
    },
    /// A directory that we would use belongs to somebody else or is open to others.
    #[error("{} has to belong to user {uid} alone", path.display())]
    NotPrivate {
        /// The directory.
        path: PathBuf,
        /// The user as whom PostgreSQL would run.
        uid: u32,
    },
    /// A file or a process that the system refused.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or program.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
    /// One of PostgreSQL's programs failed.
    #[error("{what} failed:\n{output}")]
    Failed {
        /// What was tried.
        what: String,
        /// What the program and the server said.
        output: String,
    },
    /// PostgreSQL runs, but does not do what it was asked.
    #[error("the new database does not answer: {0}")]
    Database(#[from] tokio_postgres::Error),
}

/// Names the file that an error of the system is about.
trait At<T> {
    fn at(self, path: impl AsRef<Path>) -> Result<T, ClusterError>;
}

impl<T> At<T> for io::Result<T> {
    fn at(self, path: impl AsRef<Path>) -> Result<T, ClusterError> {
        self.map_err(|source| ClusterError::Io { path: path.as_ref().to_owned(), source })
    }
}

/// How [`Cluster::restart`] ends the running server.
#[derive(Clone, Copy, Debug)]
pub enum RestartMode {
    /// Rolls transactions back, disconnects everybody and writes everything out.
    Fast,
    /// As in a crash: the server recovers at its next start.
    Immediate,
}

/// A running PostgreSQL server with its data, ours until [`Cluster::stop`] or the end of this process.
///
/// Dropping it stops the server too, but does not wait for it.
pub struct Cluster {
    data: PathBuf,
    port: u16,
    passwords: Passwords,
    watcher: Arc<Mutex<Watcher>>,
    /// Last, so that the directory is given up after everything else.
    _owner: File,
}

impl fmt::Debug for Cluster {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Cluster").field("data", &self.data).field("port", &self.port).finish_non_exhaustive()
    }
}

impl Cluster {
    /// Starts PostgreSQL on a free port of 127.0.0.1, with the data in `dir`, which is made when there is none.
    ///
    /// `settings` are server settings for this start, such as `("fsync", "off")`. The port is the last one while it is
    /// free. Returns when connections are accepted and both roles exist.
    ///
    /// # Errors
    /// [`ClusterError::NotInstalled`] without PostgreSQL, [`ClusterError::AlreadyRunning`] when a process has `dir`,
    /// else what failed and what PostgreSQL said about it.
    pub async fn start(dir: &Path, settings: &[(&str, &str)]) -> Result<Cluster, ClusterError> {
        let begun = Instant::now();
        fs::create_dir_all(dir).at(dir)?;
        let dir = dir.canonicalize().at(dir)?;
        let owner = lock_owner(&dir).await?;
        let home = Home::find(&dir)?;
        let site = Site::new(dir, home).await?;
        let passwords = site.passwords()?;
        if !site.data.exists() {
            site.init(&passwords, settings).await?;
        }
        site.link()?;
        let (port, watcher) = site.start(settings).await?;
        let cluster =
            Cluster { data: site.data, port, passwords, watcher: Arc::new(Mutex::new(watcher)), _owner: owner };
        cluster.make_server_role().await?;
        tracing::info!(
            postgresql.port = port,
            postgresql.data = %cluster.data.display(),
            duration_ms = begun.elapsed().as_millis(),
            "PostgreSQL started"
        );
        Ok(cluster)
    }

    /// The URL of `database` for the superuser `pruuf_admin`, with the password.
    pub fn admin_url(&self, database: &str) -> String {
        self.url(ADMIN, &self.passwords.admin, database)
    }

    /// The URL of `database` for the role `pruuf_server`, as whom the app logs in, with the password.
    pub fn server_url(&self, database: &str) -> String {
        self.url(SERVER, &self.passwords.server, database)
    }

    /// The port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// PostgreSQL's data directory, with its `postgresql.log`.
    pub fn data_dir(&self) -> &Path {
        &self.data
    }

    /// Restarts the server on the same port, with the same settings; returns when it accepts connections again.
    ///
    /// # Errors
    /// [`ClusterError::Failed`] when it does not come back.
    pub async fn restart(&self, mode: RestartMode) -> Result<(), ClusterError> {
        let watcher = Arc::clone(&self.watcher);
        blocking(move || watcher.lock().unwrap_or_else(PoisonError::into_inner).restart(mode)).await
    }

    /// Stops the server: transactions are rolled back, everything is written out. The data stays.
    ///
    /// # Errors
    /// [`ClusterError::Failed`] when it does not stop.
    pub async fn stop(self) -> Result<(), ClusterError> {
        let watcher = Arc::clone(&self.watcher);
        blocking(move || watcher.lock().unwrap_or_else(PoisonError::into_inner).stop()).await
    }

    fn url(&self, role: &str, password: &str, database: &str) -> String {
        // A password has only letters that mean themselves in a URL; a name may have any.
        let database: String = url::form_urlencoded::byte_serialize(database.as_bytes()).collect();
        format!("postgres://{role}:{password}@127.0.0.1:{}/{}", self.port, database.replace('+', "%20"))
    }

    /// At every start, so that a first start that was cut short is made good by the next.
    async fn make_server_role(&self) -> Result<(), ClusterError> {
        let (client, connection) = tokio_postgres::connect(&self.admin_url("postgres"), NoTls).await?;
        let connection = tokio::spawn(connection);
        if client.query_opt("select from pg_catalog.pg_roles where rolname = $1", &[&SERVER]).await?.is_none() {
            let password = &self.passwords.server;
            client.batch_execute(&format!("create role {SERVER} login noinherit password '{password}'")).await?;
        }
        drop(client);
        // It ends with the client; what it could still report changes nothing.
        let _ = connection.await;
        Ok(())
    }
}

/// Takes `dir` for this process; the lock ends with it, even by SIGKILL.
async fn lock_owner(dir: &Path) -> Result<File, ClusterError> {
    let path = dir.join("owner.lock");
    let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path).at(&path)?;
    if !lock(&file, OWNER_PATIENCE).await.at(&path)? {
        let mut pid = String::new();
        file.read_to_string(&mut pid).at(&path)?;
        let pid = match pid.trim() {
            "" => "unknown".to_owned(),
            pid => pid.to_owned(),
        };
        return Err(ClusterError::AlreadyRunning { dir: dir.to_owned(), pid });
    }
    file.set_len(0).at(&path)?;
    writeln!(file, "{}", std::process::id()).at(&path)?;
    Ok(file)
}

/// Waits until the watcher of a process that was killed has stopped PostgreSQL. The watcher inherits the lock.
async fn lock_watcher(dir: &Path) -> Result<File, ClusterError> {
    let path = dir.join("watcher.log");
    let file = OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(&path).at(&path)?;
    if !lock(&file, HANDOVER_TIMEOUT).await.at(&path)? {
        return Err(ClusterError::Failed { what: "stopping the server of the last start".into(), output: tail(&file) });
    }
    file.set_len(0).at(&path)?;
    Ok(file)
}

/// Whether the lock was had within `patience`.
async fn lock(file: &File, patience: Duration) -> io::Result<bool> {
    let deadline = Instant::now() + patience;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(true),
            Err(TryLockError::Error(error)) => return Err(error),
            Err(TryLockError::WouldBlock) if Instant::now() >= deadline => return Ok(false),
            Err(TryLockError::WouldBlock) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
}

/// Where the data is or will be, and whose it is.
struct Home {
    run_as: RunAs,
    /// The directory that holds `data`: the cluster's own, or one below /var/tmp.
    path: PathBuf,
}

impl Home {
    fn find(dir: &Path) -> Result<Home, ClusterError> {
        if id(&["-u"])? != 0 {
            return Ok(Home { run_as: RunAs(None), path: dir.to_owned() });
        }
        let data = dir.join("data");
        if let Ok(data) = data.canonicalize() {
            // What is there runs as the user to whom it belongs, whoever that is on this machine.
            let owner = data.metadata().at(&data)?;
            let path = data.parent().unwrap_or(dir).to_owned();
            return Ok(Home { run_as: RunAs(Some((owner.uid(), owner.gid()))), path });
        }
        if data.is_symlink() {
            tracing::warn!(postgresql.data = %data.display(), "the data is gone: making a new database");
            fs::remove_file(&data).at(&data)?;
        }
        let user = if id(&["-u", "postgres"]).is_ok() { "postgres" } else { "nobody" };
        let (uid, gid) = (id(&["-u", user])?, id(&["-g", user])?);
        let run_as = RunAs(Some((uid, gid)));
        if run_as.command("test").arg("-x").arg(dir).status().at("test")?.success() {
            return Ok(Home { run_as, path: dir.to_owned() });
        }
        let hash: String = Sha256::digest(dir.as_os_str().as_encoded_bytes())
            .iter()
            .take(8)
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let path = PathBuf::from(format!("/var/tmp/pruuf-{hash}"));
        make_private(&path, uid, gid)?;
        Ok(Home { run_as, path })
    }
}

/// `id` knows what the standard library does not tell: who we are, and which user has a name.
fn id(args: &[&str]) -> Result<u32, ClusterError> {
    let output = Command::new("id").args(args).output().at("id")?;
    let text = String::from_utf8_lossy(&output.stdout);
    text.trim().parse().map_err(|_| ClusterError::Failed {
        what: format!("id {}", args.join(" ")),
        output: String::from_utf8_lossy(&output.stderr).into_owned(),
    })
}

/// A directory of this user alone. Everybody may write to /var/tmp, so one that is there already is looked at closely.
fn make_private(path: &Path, uid: u32, gid: u32) -> Result<(), ClusterError> {
    match DirBuilder::new().mode(0o700).create(path) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(source) => {
            return Err(ClusterError::Io { path: path.to_owned(), source });
        }
    }
    let found = path.symlink_metadata().at(path)?;
    // Root's is one that we made and did not come to give away.
    if !found.is_dir() || found.mode() & 0o077 != 0 || (found.uid() != uid && found.uid() != 0) {
        return Err(ClusterError::NotPrivate { path: path.to_owned(), uid });
    }
    std::os::unix::fs::chown(path, Some(uid), Some(gid)).at(path)
}

/// The passwords of both roles.
struct Passwords {
    admin: String,
    server: String,
}

/// Everything that is known before PostgreSQL runs.
struct Site {
    dir: PathBuf,
    home: PathBuf,
    data: PathBuf,
    run_as: RunAs,
    bin: PathBuf,
    /// Locked: nobody else starts or stops PostgreSQL on this data.
    log: File,
}

impl Site {
    /// Looks for PostgreSQL, and leaves no server running on the data.
    async fn new(dir: PathBuf, home: Home) -> Result<Site, ClusterError> {
        let log = lock_watcher(&dir).await?;
        let Home { run_as, path: home } = home;
        let data = home.join("data");
        let wanted = fs::read_to_string(data.join("PG_VERSION")).ok().and_then(|it| it.trim().parse().ok());
        // Beside a directory that PostgreSQL's user reaches, as several directories may share it.
        let fetched = if home == dir { dir.parent().unwrap_or(&dir) } else { &home }.join("postgresql-bin");
        let bin = binaries::find(run_as, wanted, &fetched).await?;
        let site = Site { dir, home, data, run_as, bin, log };
        site.stop_leftover().await?;
        if site.home != site.dir && !site.dir.join("data").is_symlink() && site.data.exists() {
            // Whoever removed the directory meant the data too.
            fs::remove_dir_all(&site.data).at(&site.data)?;
        }
        Ok(site)
    }

    /// Stops a server whose watcher was killed as well, and forgets one whose pid is somebody else's by now.
    async fn stop_leftover(&self) -> Result<(), ClusterError> {
        let pid_file = self.data.join("postmaster.pid");
        let Ok(text) = fs::read_to_string(&pid_file) else {
            return Ok(());
        };
        let pid = text.lines().next().unwrap_or_default();
        // Nothing there: no such process (or a system without /proc), and PostgreSQL itself sorts that out.
        let Ok(arguments) = fs::read(format!("/proc/{pid}/cmdline")) else {
            return Ok(());
        };
        let data = self.data.as_os_str().as_encoded_bytes();
        if arguments.split(|byte| *byte == 0).any(|argument| argument == data) {
            tracing::warn!(process.pid = pid, "stopping a PostgreSQL server that was left running");
            let stop = |mode| {
                self.run("pg_ctl", [Path::new("stop"), "-w".as_ref(), "-m".as_ref(), mode, "-D".as_ref(), &self.data])
            };
            if stop("fast".as_ref()).await.is_err() {
                stop("immediate".as_ref()).await?;
            }
            return Ok(());
        }
        // PostgreSQL would take the process that has this number now for its own, and refuse to start.
        fs::remove_file(&pid_file).at(&pid_file)
    }

    /// Those in the file, or new ones while there is no data.
    fn passwords(&self) -> Result<Passwords, ClusterError> {
        let path = self.dir.join("passwords");
        let text = fs::read_to_string(&path).unwrap_or_default();
        let of = |role: &str| {
            text.lines().find_map(|line| line.split_once(' ').filter(|it| it.0 == role)).map(|it| it.1.to_owned())
        };
        if let (Some(admin), Some(server)) = (of(ADMIN), of(SERVER)) {
            return Ok(Passwords { admin, server });
        }
        if self.data.exists() {
            return Err(ClusterError::PasswordsGone { dir: self.dir.clone() });
        }
        let random = || URL_SAFE_NO_PAD.encode(rand::random::<[u8; 24]>());
        let made = Passwords { admin: random(), server: random() };
        let text = format!("{ADMIN} {}\n{SERVER} {}\n", made.admin, made.server);
        write_private(&path, text.as_bytes())?;
        Ok(made)
    }

    /// Makes the cluster beside its place and moves it there when it is whole.
    async fn init(&self, passwords: &Passwords, settings: &[(&str, &str)]) -> Result<(), ClusterError> {
        let fresh = self.home.join("data.init");
        if fresh.exists() {
            fs::remove_dir_all(&fresh).at(&fresh)?;
        }
        DirBuilder::new().mode(0o700).create(&fresh).at(&fresh)?;
        let password_file = self.home.join("password.init");
        write_private(&password_file, passwords.admin.as_bytes())?;
        if let RunAs(Some((uid, gid))) = self.run_as {
            for path in [&fresh, &password_file] {
                std::os::unix::fs::chown(path, Some(uid), Some(gid)).at(path)?;
            }
        }
        let mut arguments: Vec<PathBuf> =
            ["--encoding=UTF8", "--locale=C", "--auth=scram-sha-256", "--no-instructions"].map(PathBuf::from).into();
        arguments.push(format!("--username={ADMIN}").into());
        arguments.extend(["--pwfile".into(), password_file.clone(), "-D".into(), fresh.clone()]);
        if settings.contains(&("fsync", "off")) {
            // Who does not want the data on disk later does not want to wait for it now.
            arguments.push("--no-sync".into());
        }
        let made = self.run("initdb", &arguments).await;
        fs::remove_file(&password_file).at(&password_file)?;
        made?;
        let hba = fresh.join("pg_hba.conf");
        fs::write(&hba, PG_HBA).at(&hba)?;
        fs::rename(&fresh, &self.data).at(&self.data)
    }

    /// Remembers a place outside of the directory.
    fn link(&self) -> Result<(), ClusterError> {
        let link = self.dir.join("data");
        if self.home == self.dir || link.is_symlink() {
            return Ok(());
        }
        std::os::unix::fs::symlink(&self.data, &link).at(&link)
    }

    async fn start(&self, settings: &[(&str, &str)]) -> Result<(u16, Watcher), ClusterError> {
        let port_file = self.dir.join("port");
        let last = fs::read_to_string(&port_file).ok().and_then(|it| it.trim().parse().ok());
        let mut port = free_port(last)?;
        let mut attempt = 1;
        loop {
            match Watcher::start(self, port, settings).await {
                Ok(watcher) => {
                    fs::write(&port_file, format!("{port}\n")).at(&port_file)?;
                    return Ok((port, watcher));
                }
                // Between our look and PostgreSQL's start somebody else may have come.
                Err(_) if attempt < PORT_ATTEMPTS && !is_free(port) => port = free_port(None)?,
                Err(error) => return Err(error),
            }
            attempt += 1;
        }
    }

    /// One of PostgreSQL's programs, to its end. A terminal's Ctrl-C does not reach it, and it holds the lock.
    async fn run(
        &self,
        program: &str,
        arguments: impl IntoIterator<Item = impl AsRef<Path>>,
    ) -> Result<(), ClusterError> {
        let mut command = self.run_as.command(self.bin.join(program));
        command
            .args(arguments.into_iter().map(|it| it.as_ref().as_os_str().to_owned()))
            .process_group(0)
            .stdin(Stdio::null());
        command.stdout(self.log.try_clone().at("watcher.log")?).stderr(self.log.try_clone().at("watcher.log")?);
        let status = tokio::process::Command::from(command).status().await.at(program)?;
        if status.success() {
            return Ok(());
        }
        Err(ClusterError::Failed { what: program.into(), output: tail(&self.log) })
    }
}

/// A file of 0600 in one step, so that none is ever found half written.
fn write_private(path: &Path, content: &[u8]) -> Result<(), ClusterError> {
    let draft = path.with_extension("draft");
    match fs::remove_file(&draft) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error).at(&draft),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft).at(&draft)?;
    file.write_all(content).at(&draft)?;
    fs::rename(&draft, path).at(path)
}

fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}

/// `last` while it is free, else one that the system picks.
fn free_port(last: Option<u16>) -> Result<u16, ClusterError> {
    if let Some(port) = last.filter(|port| is_free(*port)) {
        return Ok(port);
    }
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).at("127.0.0.1:0")?;
    Ok(listener.local_addr().at("127.0.0.1:0")?.port())
}

/// The last lines of a log.
fn tail(mut log: &File) -> String {
    let mut text = Vec::new();
    // A log that cannot be read leaves the error with fewer words, not without its name.
    let _ = log.rewind().and_then(|()| log.read_to_end(&mut text));
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(20)..].join("\n")
}

/// Runs what waits for a child on a thread where it may wait.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ClusterError> + Send + 'static,
) -> Result<T, ClusterError> {
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other).at("watcher")?
}

/// The shell that starts PostgreSQL, and stops it when `orders` is closed: by [`Watcher::stop`], or by our end.
///
/// It uses the standard library's child and not tokio's, since a cluster may be shared by runtimes that come and go.
struct Watcher {
    child: Child,
    orders: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    logs: [PathBuf; 2],
}

impl Watcher {
    async fn start(site: &Site, port: u16, settings: &[(&str, &str)]) -> Result<Watcher, ClusterError> {
        let server_log = site.data.join("postgresql.log");
        // The last run's log is kept, this run's begins empty.
        let _ = fs::rename(&server_log, site.data.join("postgresql.log.1"));
        let port = port.to_string();
        let mut options = String::new();
        for (name, value) in
            [("listen_addresses", "127.0.0.1"), ("port", &port), ("unix_socket_directories", "")].iter().chain(settings)
        {
            // pg_ctl hands them to a shell.
            options.push_str(&format!(" -c '{}'", format!("{name}={value}").replace('\'', r"'\''")));
        }
        let mut command = site.run_as.command("sh");
        command.args(["-c", WATCHER, "pruuf-watcher"]).arg(site.bin.join("pg_ctl"));
        command.args(["-w", "-t", PG_CTL_TIMEOUT, "-o", &options, "-D"]).arg(&site.data).arg("-l").arg(&server_log);
        // A terminal's Ctrl-C is for us: PostgreSQL is stopped after our own clean end.
        command.process_group(0).stdin(Stdio::piped()).stdout(Stdio::piped());
        command.stderr(site.log.try_clone().at("watcher.log")?);
        let logs = [site.dir.join("watcher.log"), server_log];
        blocking(move || {
            let mut child = command.spawn().at("sh")?;
            let pipes = child.stdin.take().zip(child.stdout.take());
            let (orders, answers) = pipes.ok_or_else(|| io::Error::other("no pipes")).at("sh")?;
            let mut watcher = Watcher { child, orders: Some(orders), answers: BufReader::new(answers), logs };
            if let Err(error) = watcher.answer("starting PostgreSQL") {
                // Whatever became of it: before another try, nothing runs.
                let _ = watcher.stop();
                return Err(error);
            }
            Ok(watcher)
        })
        .await
    }

    fn restart(&mut self, mode: RestartMode) -> Result<(), ClusterError> {
        let mode = match mode {
            RestartMode::Fast => "fast",
            RestartMode::Immediate => "immediate",
        };
        let orders = self.orders.as_mut().ok_or_else(|| io::Error::other("stopped")).at("watcher")?;
        writeln!(orders, "{mode}").at("watcher")?;
        self.answer("restarting PostgreSQL")
    }

    fn stop(&mut self) -> Result<(), ClusterError> {
        drop(self.orders.take());
        let status = self.child.wait().at("watcher")?;
        if status.success() { Ok(()) } else { Err(self.failed("stopping PostgreSQL")) }
    }

    fn answer(&mut self, what: &str) -> Result<(), ClusterError> {
        let mut line = String::new();
        self.answers.read_line(&mut line).at("watcher")?;
        if line.trim() == "0" { Ok(()) } else { Err(self.failed(what)) }
    }

    fn failed(&self, what: &str) -> ClusterError {
        let said = self.logs.iter().filter_map(|path| File::open(path).ok());
        let output: Vec<String> = said.map(|log| tail(&log)).collect();
        ClusterError::Failed { what: what.into(), output: output.join("\n") }
    }
}
