//! The real programs as processes.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::JoinHandle;

use serde_json::Value;

/// Where `cargo build --bins` puts a program: beside this one, or above the folder of a running test.
///
/// # Panics
/// When it is not there, saying how to build it.
#[must_use]
pub fn binary(name: &str) -> PathBuf {
    let own = std::env::current_exe().expect("a running program has a path");
    let found = own
        .ancestors()
        .skip(1)
        .take(2)
        .map(|dir| dir.join(name))
        .find(|path| path.exists());
    found.unwrap_or_else(|| {
        panic!("{name} is missing: run `cargo build --workspace --bins` first (tests/run does)")
    })
}

/// A program with its data directory and settings. Everything that its processes say is also kept in `logs`.
#[derive(Debug, Clone)]
pub struct Program {
    binary: PathBuf,
    /// Its data directory.
    pub data: PathBuf,
    logs: PathBuf,
    settings: Vec<(String, String)>,
}

impl Program {
    /// `name` with its data under `dir/data` and all that it says under `dir/logs`.
    #[must_use]
    pub fn new(name: &str, dir: &Path) -> Self {
        let (data, logs) = (dir.join("data"), dir.join("logs"));
        fs::create_dir_all(&logs).expect("a temporary folder can be written");
        Self {
            binary: binary(name),
            data,
            logs,
            settings: Vec::new(),
        }
    }

    /// The same program with one more setting, such as `LDSP_LISTEN`.
    #[must_use]
    pub fn with(mut self, key: &str, value: &str) -> Self {
        self.settings.retain(|(k, _)| k != key);
        self.settings.push((key.to_owned(), value.to_owned()));
        self
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.binary);
        command
            .args(arguments)
            .current_dir(&self.logs)
            .env_clear()
            .env("LDSP_DATA_DIR", &self.data)
            .env("LDSP_LISTEN", "127.0.0.1:0")
            .env("RUST_LOG", "debug")
            .envs(self.settings.iter().map(|(k, v)| (k, v)))
            .stdin(Stdio::null());
        command
    }

    fn log_file(&self, what: &str) -> PathBuf {
        let n = fs::read_dir(&self.logs).map_or(0, Iterator::count);
        let what: String = what
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
            .take(60)
            .collect();
        self.logs.join(format!("{n:04}-{what}.log"))
    }

    /// Runs a command to its end.
    #[must_use]
    pub fn run(&self, arguments: &[&str]) -> Outcome {
        self.start(arguments).wait()
    }

    /// Starts a command that ends by itself.
    #[must_use]
    pub fn start(&self, arguments: &[&str]) -> Running {
        self.start_with(arguments, "")
    }

    /// Starts a command that reads `input`, such as a secret.
    #[must_use]
    pub fn start_with(&self, arguments: &[&str], input: &str) -> Running {
        let mut child = self
            .command(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let mut stdin = child.stdin.take().expect("stdin is piped");
        // A command that is refused before it reads closes its end.
        let _read = stdin.write_all(input.as_bytes());
        Running {
            child,
            log: self.log_file(&arguments.join(" ")),
            command: arguments.join(" "),
        }
    }

    /// Runs `serve` and returns when it says where it listens.
    #[must_use]
    pub fn serve(&self) -> Server {
        self.serve_on("127.0.0.1:0")
    }

    /// Runs `serve` on an address that was in use before.
    #[must_use]
    pub fn serve_on(&self, listen: &str) -> Server {
        let log = self.log_file("serve");
        let errors = File::create(&log).expect("a log can be written");
        let mut child = self
            .command(&["serve"])
            .env("LDSP_LISTEN", listen)
            .stdout(Stdio::piped())
            .stderr(errors)
            .spawn()
            .expect("the program starts");
        let mut lines = BufReader::new(child.stdout.take().expect("stdout is piped")).lines();
        let mut said = Vec::new();
        let address = loop {
            match lines.next() {
                Some(Ok(line)) => {
                    let found = line
                        .strip_prefix("listening on https://")
                        .map(str::to_owned);
                    said.push(line);
                    if let Some(address) = found {
                        break address
                            .trim_end_matches('/')
                            .parse()
                            .expect("an address and a port");
                    }
                }
                _ => panic!(
                    "{} serve ended before it listened\n{}\n{}",
                    self.binary.display(),
                    said.join("\n"),
                    fs::read_to_string(&log).unwrap_or_default()
                ),
            }
        };
        let drain = std::thread::spawn(move || {
            let mut file = File::create(log.with_extension("out")).expect("a log can be written");
            for line in said.into_iter().map(Ok).chain(lines) {
                let Ok(line) = line else { break };
                writeln!(file, "{line}").expect("a log can be written");
            }
        });
        Server {
            child,
            address,
            drain: Some(drain),
        }
    }

    /// Everything that this program's processes said so far, by file name.
    #[must_use]
    pub fn said(&self) -> Vec<(String, Vec<u8>)> {
        fs::read_dir(&self.logs)
            .expect("the logs are there")
            .map(|entry| entry.expect("the logs can be read").path())
            .filter(|path| path.is_file())
            .map(|path| {
                let bytes = fs::read(&path).expect("the logs can be read");
                (path.display().to_string(), bytes)
            })
            .collect()
    }
}

/// A command on its way.
#[derive(Debug)]
pub struct Running {
    child: Child,
    log: PathBuf,
    command: String,
}

impl Running {
    /// Waits for its end.
    #[must_use]
    pub fn wait(self) -> Outcome {
        let output = self
            .child
            .wait_with_output()
            .expect("a process can be waited for");
        let outcome = Outcome {
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
            command: self.command,
        };
        fs::write(&self.log, format!("{}\n{}", outcome.stdout, outcome.stderr))
            .expect("a log can be written");
        outcome
    }

    /// Its process number.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// True once it has ended.
    #[must_use]
    pub fn ended(&mut self) -> bool {
        self.child
            .try_wait()
            .expect("a process can be asked")
            .is_some()
    }

    /// `kill -9`, at once.
    #[expect(
        clippy::must_use_candidate,
        reason = "a killed command has seldom much to say"
    )]
    pub fn kill(mut self) -> Outcome {
        self.child.kill().expect("a process can be killed");
        self.wait()
    }
}

/// How a command ended.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// Exit code; `None` after a signal.
    pub code: Option<i32>,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
    command: String,
}

impl Outcome {
    /// The standard output of a command that was done.
    ///
    /// # Panics
    /// When it was not.
    #[track_caller]
    pub fn done(self) -> String {
        assert_eq!(
            self.code,
            Some(0),
            "`{}` was not done:\n{}\n{}",
            self.command,
            self.stdout,
            self.stderr
        );
        self.stdout
    }

    /// The JSON that a command printed which was done.
    ///
    /// # Panics
    /// When it was not done or printed something else.
    #[track_caller]
    pub fn json(self) -> Value {
        let command = self.command.clone();
        let text = self.done();
        serde_json::from_str(&text)
            .unwrap_or_else(|e| panic!("`{command}` printed no JSON ({e}): {text}"))
    }

    /// The standard error of a command that was refused with a next step.
    ///
    /// # Panics
    /// When it was done, or ended in another way, or says no next step.
    #[track_caller]
    pub fn refused(self) -> String {
        assert_eq!(
            self.code,
            Some(1),
            "`{}` was not refused:\n{}\n{}",
            self.command,
            self.stdout,
            self.stderr
        );
        let next = self.stderr.contains("Next: ") || self.stderr.contains("\"next\"");
        assert!(
            next,
            "`{}` says no next step:\n{}",
            self.command, self.stderr
        );
        self.stderr
    }
}

/// A server that listens. Dropped, it is killed.
#[derive(Debug)]
pub struct Server {
    child: Child,
    /// Where it listens.
    pub address: SocketAddr,
    drain: Option<JoinHandle<()>>,
}

impl Server {
    /// Its process number.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Memory that it holds itself in KiB, as Linux counts it: not the pages of the program file, which a debug build has many of.
    #[must_use]
    pub fn memory_kib(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.id()))
            .expect("Linux tells of processes");
        let line = status.lines().find_map(|l| l.strip_prefix("RssAnon:"));
        let line = line.expect("a running process has memory");
        line.trim()
            .trim_end_matches(" kB")
            .parse()
            .expect("a number of KiB")
    }

    /// Waits until it ends by itself; its exit code.
    ///
    /// # Panics
    /// When it cannot be waited for.
    #[must_use]
    pub fn ends(mut self) -> Option<i32> {
        let ended = self.child.wait().expect("a process can be waited for");
        ended.code()
    }

    /// `kill -9`, and waits until it is gone.
    pub fn kill(mut self) {
        self.end();
    }

    fn end(&mut self) {
        // Both fail only when it is gone already.
        let _gone = self.child.kill();
        let _reaped = self.child.wait();
        if let Some(drain) = self.drain.take() {
            drain.join().expect("the log could be written");
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.end();
    }
}
