//! A throw-away PostgreSQL server on a Unix socket in a temporary folder: one a process, one
//! database a store. It runs as the user `postgres` when the tests run as root, with what its
//! packager set for durability, and ends with the process that started it, however that ends.

use std::fs;
use std::io::Write as _;
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

/// What has to be installed, on Debian.
const PACKAGE: &str = "postgresql";
/// The role that owns everything.
const OWNER: &str = "ldsp";
/// A role that signs in with a password, [`Cluster::guarded`].
const GUARDED: &str = "guarded";
/// The databases' order of words is not that of bytes, so that a query that leans on the order of bytes is found out.
const LANGUAGE: [&str; 3] = [
    "--locale=C.UTF-8",
    "--locale-provider=icu",
    "--icu-locale=en-GB",
];

/// A running server.
#[derive(Debug)]
pub struct Cluster {
    programs: PathBuf,
    socket: PathBuf,
    options: String,
    /// Where it listens beside its socket.
    port: Option<u16>,
    made: AtomicU32,
    /// Ends the server and removes its folder as soon as this process lets go of its input.
    watch: Child,
}

/// The folder of PostgreSQL's programs: where Debian keeps those that it does not put into `PATH`, newest first.
fn programs() -> PathBuf {
    let mut folders: Vec<PathBuf> = std::env::var_os("PATH")
        .map(|path| std::env::split_paths(&path).collect())
        .unwrap_or_default();
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    let mut versions: Vec<PathBuf> = versions.flatten().map(|v| v.path().join("bin")).collect();
    versions.sort();
    folders.splice(0..0, versions.into_iter().rev());
    let all = ["initdb", "pg_ctl", "postgres", "createdb", "psql"];
    let complete = |folder: &PathBuf| all.iter().all(|name| folder.join(name).exists());
    folders.into_iter().find(complete).unwrap_or_else(|| {
        panic!("PostgreSQL is missing: install it (on Debian `apt-get install {PACKAGE}`)")
    })
}

fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0)
}

/// A command as the user whom PostgreSQL runs as: it refuses to run as root.
fn as_server(program: &Path) -> Command {
    let mut command = if is_root() {
        let mut command = Command::new("setpriv");
        command
            .args(["--reuid=postgres", "--regid=postgres", "--init-groups"])
            .arg(program);
        command
    } else {
        Command::new(program)
    };
    // The settings of whoever runs the tests are not the tests'.
    for (key, _) in std::env::vars_os().filter(|(key, _)| key.as_encoded_bytes().starts_with(b"PG"))
    {
        command.env_remove(key);
    }
    command.current_dir("/").stdin(Stdio::null());
    command
}

fn done(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|e| {
        panic!("{command:?} does not start ({e}): install {PACKAGE} and util-linux")
    });
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?} failed: {said}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Gives a folder to the user whom PostgreSQL runs as.
fn hand_over(folder: &Path) {
    if is_root() {
        let id = |flag: &str| {
            let text = done(Command::new("id").args([flag, "postgres"]));
            text.trim().parse().expect("`id` prints a number")
        };
        chown(folder, Some(id("-u")), Some(id("-g"))).expect("root may give folders away");
    }
}

impl Cluster {
    /// The server of this process, started when it is first asked for.
    ///
    /// # Panics
    /// PostgreSQL is not installed or does not start.
    #[must_use]
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Cluster> = OnceLock::new();
        SHARED.get_or_init(|| Self::start(&[], None))
    }

    /// A server of its own that also listens on 127.0.0.1, with a certificate (PEM chain and key). It ends when it is
    /// dropped.
    ///
    /// # Panics
    /// PostgreSQL is not installed or does not start.
    #[must_use]
    pub fn with_tls(chain: &str, key: &str) -> Self {
        let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
        let port = free.expect("this machine has a free port").port();
        let options = format!("-c listen_addresses=127.0.0.1 -c port={port} -c ssl=on");
        let mut cluster = Self::start(
            &[("server.crt", chain), ("server.key", key)],
            Some(&options),
        );
        cluster.port = Some(port);
        cluster
    }

    fn start(files: &[(&str, &str)], listening: Option<&str>) -> Self {
        let programs = programs();
        let folder = tempfile::Builder::new().prefix("ldsp-pg-").tempdir();
        let folder = folder.expect("a temporary folder can be made").keep();
        hand_over(&folder);
        let data = folder.join("data");
        done(
            as_server(&programs.join("initdb"))
                .arg("--pgdata")
                .arg(&data)
                .args(["--username", OWNER, "--auth=trust", "--encoding=UTF8"])
                .args(LANGUAGE)
                .arg("--no-sync"),
        );
        let rules = data.join("pg_hba.conf");
        let trusting = fs::read_to_string(&rules).expect("initdb wrote who may connect");
        let rule = format!("local all {GUARDED} scram-sha-256\n{trusting}");
        fs::write(&rules, rule).expect("a temporary folder can be written");
        for (name, text) in files {
            let file = data.join(name);
            fs::write(&file, text).expect("a temporary folder can be written");
            let own = fs::set_permissions(&file, fs::Permissions::from_mode(0o600));
            own.expect("a temporary file is this process's own");
            hand_over(&file);
        }
        // It waits behind this process from before the server starts until after this process is gone.
        let watch = as_server(Path::new("/bin/sh"))
            .arg("-c")
            .arg(r#"cat >/dev/null; "$1" stop --silent --mode=immediate --pgdata "$2/data"; rm -rf "$2""#)
            .arg("watch")
            .arg(programs.join("pg_ctl"))
            .arg(&folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("a shell starts");
        let options = format!(
            "-k {} -c max_connections=300 {}",
            folder.display(),
            listening.unwrap_or("-c listen_addresses=")
        );
        let cluster = Self {
            programs,
            socket: folder,
            options,
            port: None,
            made: AtomicU32::new(0),
            watch,
        };
        cluster.start_again();
        cluster
    }

    fn control(&self, action: &str) -> Command {
        let mut command = as_server(&self.programs.join("pg_ctl"));
        command
            .args([action, "--silent", "--pgdata"])
            .arg(self.socket.join("data"));
        command
    }

    /// Stops the server as a power cut would: whatever is on its way is lost. Another takes its place with [`Self::start_again`].
    ///
    /// # Panics
    /// It does not run.
    pub fn cut(&self) {
        done(self.control("stop").arg("--mode=immediate"));
    }

    /// Starts the server on what the one before left.
    ///
    /// # Panics
    /// It does not start.
    pub fn start_again(&self) {
        let log = self.socket.join("log");
        done(
            self.control("start")
                .args(["--wait", "--options", &self.options])
                .arg("--log")
                .arg(log),
        );
    }

    /// A new, empty database. It ends with the server.
    ///
    /// # Panics
    /// The server does not make it.
    #[must_use]
    pub fn database(&'static self) -> Database {
        Database {
            name: self.make(&[]),
            cluster: Home::Shared(self),
        }
    }

    fn make(&self, options: &[&str]) -> String {
        let name = format!("store{}", self.made.fetch_add(1, Ordering::Relaxed));
        done(self.client("createdb").args(options).arg(&name));
        name
    }

    fn client(&self, program: &str) -> Command {
        let mut command = as_server(&self.programs.join(program));
        command
            .arg("--host")
            .arg(&self.socket)
            .args(["--username", OWNER]);
        if let Some(port) = self.port {
            command.arg(format!("--port={port}"));
        }
        command
    }

    /// Begins a transaction with these statements and holds it open, in a process of its own, as long as that process has
    /// its standard input: until it is waited for or dropped.
    ///
    /// # Panics
    /// `psql` does not start.
    #[must_use]
    pub fn hold(&self, database: &str, statements: &str) -> Child {
        let mut command = self.client("psql");
        command
            .args(["--no-psqlrc", "--quiet", "--dbname", database])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let mut child = command.spawn().expect("psql starts");
        let input = child.stdin.as_mut().expect("its input is piped");
        writeln!(input, "BEGIN; {statements};").expect("psql reads");
        child
    }

    /// Runs statements in a database and gives what they print, a row a line.
    ///
    /// # Panics
    /// The server refuses them.
    pub fn sql(&self, database: &str, statements: &str) -> String {
        done(
            self.client("psql")
                .args(["--no-psqlrc", "--quiet", "--tuples-only", "--no-align"])
                .args(["--set=ON_ERROR_STOP=1", "--dbname", database])
                .args(["--command", statements]),
        )
    }

    /// The URL of `database` for a user and a password (or none), over the Unix socket.
    #[must_use]
    pub fn url(&self, user: &str, password: &str, database: &str) -> String {
        let socket = self.socket.display();
        format!("postgres://{user}:{password}@localhost/{database}?host={socket}")
    }

    /// The URL of the database `postgres` at this host name of a server [`Self::with_tls`]. The server must prove itself by a
    /// certificate that `authority` issued for that name.
    ///
    /// # Panics
    /// The server was started without TLS.
    #[must_use]
    pub fn url_by_tls(&self, host: &str, authority: &Path) -> String {
        let port = self.port.expect("the server was started with TLS");
        let authority = authority.display();
        format!(
            "postgres://{OWNER}@{host}:{port}/postgres?sslmode=verify-full&sslrootcert={authority}"
        )
    }

    /// Makes a role that owns `database` and may connect only with this password; gives its name.
    pub fn guarded(&self, database: &Database, password: &str) -> &'static str {
        let statements = format!(
            "CREATE ROLE {GUARDED} LOGIN PASSWORD '{password}'; ALTER DATABASE {} OWNER TO {GUARDED}",
            database.name
        );
        self.sql("postgres", &statements);
        GUARDED
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        drop(self.watch.stdin.take());
        // Its disk may be taken away next.
        let _ended = self.watch.wait();
    }
}

#[derive(Debug)]
enum Home {
    Shared(&'static Cluster),
    Own(Box<Cluster>),
}

/// A database.
#[derive(Debug)]
pub struct Database {
    cluster: Home,
    name: String,
}

impl Database {
    /// A new, empty database whose tables lie in `folder`, which is made. It has a server of its own, because one
    /// full disk holds up the checkpoints of a whole server, and that server ends when this is dropped.
    ///
    /// # Panics
    /// The folder, the server or the database cannot be made.
    #[must_use]
    pub fn in_folder(folder: &Path) -> Self {
        fs::create_dir_all(folder).expect("a temporary folder can be written");
        let temporary = std::env::temp_dir();
        for above in folder.ancestors().skip(1).take_while(|f| *f != temporary) {
            // The server only has to pass through.
            if let Ok(found) = fs::metadata(above) {
                let mode = found.permissions().mode() | 0o011;
                let passable = fs::set_permissions(above, fs::Permissions::from_mode(mode));
                passable.expect("a temporary folder is this process's own");
            }
        }
        hand_over(folder);
        let cluster = Cluster::start(&[], None);
        let folder = folder.display();
        cluster.sql(
            "postgres",
            &format!("CREATE TABLESPACE elsewhere LOCATION '{folder}'"),
        );
        Self {
            name: cluster.make(&["--tablespace=elsewhere"]),
            cluster: Home::Own(Box::new(cluster)),
        }
    }

    /// A new, empty database of a server of its own, which ends when this is dropped.
    ///
    /// # Panics
    /// The server or the database cannot be made.
    #[must_use]
    pub fn alone() -> Self {
        let cluster = Cluster::start(&[], None);
        Self {
            name: cluster.make(&[]),
            cluster: Home::Own(Box::new(cluster)),
        }
    }

    /// Its server.
    #[must_use]
    pub fn cluster(&self) -> &Cluster {
        match &self.cluster {
            Home::Shared(cluster) => cluster,
            Home::Own(cluster) => cluster,
        }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What goes into the setting `database`.
    #[must_use]
    pub fn url(&self) -> String {
        self.cluster().url(OWNER, "", &self.name)
    }

    /// Runs statements and gives what they print, a row a line.
    ///
    /// # Panics
    /// The server refuses them.
    pub fn sql(&self, statements: &str) -> String {
        self.cluster().sql(&self.name, statements)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_not_ordered_as_bytes() {
        let database = Cluster::shared().database();
        assert_eq!(database.sql("SELECT 1 + 1").trim(), "2");
        let as_bytes = database.sql("SELECT 'a-b' < 'a_a' AND 'B' < 'a'");
        assert_eq!(as_bytes.trim(), "f");
    }

    #[test]
    fn a_server_of_its_own_is_gone_when_dropped() {
        let dir = tempfile::tempdir().unwrap();
        let database = Database::in_folder(&dir.path().join("tables"));
        database.sql("CREATE TABLE t (n INTEGER)");
        let folder = database.cluster().socket.clone();
        assert!(folder.join("data").exists());
        drop(database);
        assert!(!folder.exists());
    }
}
