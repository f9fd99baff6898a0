//! The command line: arguments in, functions called, one answer out. Exit codes: 0 done, 1 refused
//! (the reason and its next step on standard error), 2 usage.

mod people;
mod questionnaire;

use std::ffi::OsString;
use std::fmt::Display;
use std::fs::File;
use std::io::Write as _;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use ldsp_protocol::ids::{Gss, NodeSlug};
use ldsp_protocol::standard::Standard;
use ldsp_ui::accounts::By;
use ldsp_ui::secret::Secret;
use ldsp_ui::terminal;
use serde::Serialize;
use tracing_subscriber::EnvFilter;

use super::commands::{self, InviteOrder};
use super::keys;
use super::recovery;
use super::{
    Config, Identity, LogFormat, Refused, open, open_log, open_stopped, open_store, set_up,
    system_clock, system_entropy,
};
use crate::announce::Announcer;

/// The national server of the Local Digital Skills Partnerships: verifies, logs and adds up what nodes publish.
#[derive(Debug, Parser)]
#[command(
    name = "ldsp-aggregator",
    version,
    after_help = "Exit codes: 0 done, 1 refused (the reason on standard error), 2 usage.\nSettings: TOML file and LDSP_* environment (data_dir, database, listen, tls_cert, tls_key, tls_ca, benchmark_schedule, banner, about, log)."
)]
pub(crate) struct Cli {
    /// Settings file [default: ldsp-aggregator.toml where it exists]
    #[arg(long, global = true, value_name = "FILE", env = "LDSP_CONFIG")]
    config: Option<PathBuf>,
    /// Answer in JSON
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Set up the log: its name, its key, its certificate authority
    Init {
        /// The log's name, such as log.example.org
        #[arg(long)]
        origin: String,
        /// Address of this server, https://host[:port]
        #[arg(long, value_name = "URL")]
        public_url: String,
    },
    /// People who sign in
    #[command(subcommand)]
    People(people::PeopleCommand),
    /// Invite a LEP's node
    Invite(InviteArgs),
    /// List nodes, or approve one
    Nodes {
        #[command(subcommand)]
        command: Option<NodesCommand>,
    },
    /// Revoke a node's key: nothing that it signs is taken any more
    Revoke(RevokeArgs),
    /// Questionnaires: list them, issue one, see who answered, take the answers along
    #[command(subcommand)]
    Questionnaire(questionnaire::QuestionnaireCommand),
    /// Whether the log lacks leaves that it acknowledged, and what it waits for
    #[command(
        after_help = "After the database was restored from a backup: `recovery begin` before `serve`. docs/recovery.md is the procedure."
    )]
    Recovery {
        #[command(subcommand)]
        command: Option<RecoveryCommand>,
    },
    /// Print national totals and rates with coverage and intervals, or freeze all figures in a signed run
    Benchmark {
        #[command(subcommand)]
        command: Option<BenchmarkCommand>,
    },
    /// Check everything that is stored from the log alone: signatures, order, tree, figures, lists; repairs nothing
    #[command(
        after_help = "It reads one moment of the database, so it may run beside the server. Any finding ends it with 1."
    )]
    Fsck,
    /// Serve pages, API and nodes over TLS
    Serve,
}

#[derive(Debug, Subcommand)]
enum BenchmarkCommand {
    /// Print national totals and rates as they stand
    Show,
    /// Freeze every figure of the log as it stands, signed with the log's key, so that anybody can make it again to the byte
    #[command(
        after_help = "It may run beside the server, which does the same by `benchmark_schedule`. Where nothing was published since the last run nothing new is logged."
    )]
    Run,
}

#[derive(Debug, Args)]
struct InviteArgs {
    /// The node's name: a-z, 0-9 and hyphen
    node: NodeSlug,
    /// Code of the LEP that it serves, such as E37000001
    #[arg(long)]
    lep: Gss,
    /// Where the invite is written; it holds a secret
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Days that it holds, 1 to 7
    #[arg(long, default_value_t = 7)]
    days: u8,
    /// Operator who invites; the secret is asked for, or read as one line of standard input
    #[arg(long = "as", value_name = "NAME")]
    by: String,
}

#[derive(Debug, Args)]
struct RevokeArgs {
    /// The node's name
    node: NodeSlug,
    /// Why, in one or two sentences that everybody may read
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// Do not ask whether it is meant
    #[arg(long)]
    yes: bool,
    /// Operator who revokes; the secret is asked for, or read as one line of standard input
    #[arg(long = "as", value_name = "NAME")]
    by: String,
}

#[derive(Debug, Subcommand)]
enum RecoveryCommand {
    /// Tell where the log stands
    Status,
    /// Say that the database was restored: nothing new is signed until the log is whole and every node was heard
    Begin {
        /// Operator who says it; the secret is asked for, or read as one line of standard input
        #[arg(long = "as", value_name = "NAME")]
        by: String,
    },
    /// Go on without nodes that were not heard, or after the log signed two histories; never past what is missing
    GoOn {
        /// Why, in one or two sentences
        #[arg(long, value_name = "TEXT")]
        reason: String,
        /// Operator who decides; the secret is asked for, or read as one line of standard input
        #[arg(long = "as", value_name = "NAME")]
        by: String,
    },
}

#[derive(Debug, Subcommand)]
enum NodesCommand {
    /// List the nodes
    List,
    /// Approve a node after its key's fingerprint was compared over the telephone
    Approve {
        /// The node's name
        node: NodeSlug,
        /// The fingerprint as the LEP reads it out: 64 hex digits or 16 blocks
        #[arg(long, value_name = "HEX")]
        fingerprint: String,
        /// Operator who approves; the secret is asked for, or read as one line of standard input
        #[arg(long = "as", value_name = "NAME")]
        by: String,
    },
}

/// Runs the program.
pub fn main(
    arguments: impl IntoIterator<Item = OsString>,
    environment: impl IntoIterator<Item = (String, String)>,
) -> ExitCode {
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version come this way too; a closed pipe is nobody's fault.
            drop(error.print());
            return if error.use_stderr() {
                ExitCode::from(2)
            } else {
                ExitCode::SUCCESS
            };
        }
    };
    let runtime = match runtime() {
        Ok(runtime) => runtime,
        Err(error) => {
            return refuse(
                &Refused::new(
                    format!("the runtime cannot start: {error}"),
                    "Free some memory.",
                ),
                cli.json,
            );
        }
    };
    let json = cli.json;
    match runtime.block_on(run(cli, environment)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(refused) => refuse(&refused, json),
    }
}

/// Looks for news from sockets and other threads after every eighth task, not every 61st: a task here may be a signature's
/// verification, and 61 of those would keep a receipt waiting for milliseconds.
fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .event_interval(8)
        .global_queue_interval(8)
        .build()
}

fn refuse(refused: &Refused, json: bool) -> ExitCode {
    let text = if json {
        serde_json::json!({"refused": refused.cause, "next": refused.next}).to_string()
    } else {
        format!("Refused: {}.\nNext: {}", refused.cause, refused.next)
    };
    drop(writeln!(std::io::stderr(), "{text}"));
    ExitCode::from(1)
}

fn answer<T: Serialize + Display>(value: &T, json: bool) -> Result<(), Refused> {
    let text = if json {
        serde_json::to_string(value)
            .map_err(|e| Refused::new(e.to_string(), "Ask without --json."))?
    } else {
        value.to_string()
    };
    // A reader that went away wants no answer.
    drop(writeln!(std::io::stdout(), "{text}"));
    Ok(())
}

async fn run(
    cli: Cli,
    environment: impl IntoIterator<Item = (String, String)>,
) -> Result<(), Refused> {
    let environment: Vec<(String, String)> = environment.into_iter().collect();
    let sudo_user = environment.iter().find(|(name, _)| name == "SUDO_USER");
    let who = terminal::acting(sudo_user.map(|(_, user)| user.as_str()));
    let config = Config::load(cli.config.as_deref(), environment)?;
    let (json, clock, mut entropy) = (cli.json, system_clock(), system_entropy());
    let by = By {
        who: &who,
        now: clock(),
    };
    match cli.command {
        Command::Init { origin, public_url } => {
            let identity = Identity { origin, public_url };
            let made = set_up(&config, &identity, by, &mut entropy).await?;
            answer(&made, json)
        }
        Command::People(command) => people::manage(command, &config, (by, json)).await,
        Command::Invite(args) => {
            let store = open_store(&config).await?;
            let order = InviteOrder {
                secret: secret_of(&args.by)?,
                node: args.node,
                lep: args.lep,
                out: args.out,
                days: args.days,
                by: args.by,
            };
            answer(
                &commands::invite(&store, &config, &order, clock(), &mut entropy).await?,
                json,
            )
        }
        Command::Nodes {
            command: None | Some(NodesCommand::List),
        } => answer(&commands::nodes(&open_store(&config).await?).await?, json),
        Command::Nodes {
            command:
                Some(NodesCommand::Approve {
                    node,
                    fingerprint,
                    by,
                }),
        } => {
            let (store, signer) = open_log(&config, clock()).await?;
            let announcer = Announcer::new(&store, &signer, Standard::current());
            let secret = secret_of(&by)?;
            let who = (by.as_str(), &secret);
            answer(
                &keys::approve(&announcer, &node, &fingerprint, who, clock()).await?,
                json,
            )
        }
        Command::Revoke(args) => {
            if !args.yes {
                keys::confirm_revocation(&args.node)?;
            }
            let (store, signer) = open_log(&config, clock()).await?;
            let announcer = Announcer::new(&store, &signer, Standard::current());
            let secret = secret_of(&args.by)?;
            let who = (args.by.as_str(), &secret);
            answer(
                &keys::revoke(&announcer, &args.node, &args.reason, who, clock()).await?,
                json,
            )
        }
        Command::Questionnaire(command) => questionnaire::run(command, &config, json).await,
        Command::Recovery { command } => recover(command, &config, json).await,
        Command::Benchmark {
            command: Some(BenchmarkCommand::Run),
        } => {
            let (store, signer) = open_log(&config, clock()).await?;
            let announcer = Announcer::new(&store, &signer, Standard::current());
            answer(&super::freeze(&announcer, clock()).await?, json)
        }
        Command::Benchmark {
            command: None | Some(BenchmarkCommand::Show),
        } => answer(
            &commands::benchmark(&open_store(&config).await?).await?,
            json,
        ),
        Command::Fsck => {
            let checked = super::fsck::check(&config).await?;
            answer(&checked, json)?;
            checked.refused().map_or(Ok(()), Err)
        }
        Command::Serve => serve(&config).await,
    }
}

async fn recover(
    command: Option<RecoveryCommand>,
    config: &Config,
    json: bool,
) -> Result<(), Refused> {
    let (store, signer) = open_stopped(config).await?;
    let now = system_clock()();
    let report = match command {
        None | Some(RecoveryCommand::Status) => recovery::recovery(&store, &signer).await,
        Some(RecoveryCommand::Begin { by }) => {
            let secret = secret_of(&by)?;
            recovery::begin_recovery(&store, &signer, (&by, &secret), now).await
        }
        Some(RecoveryCommand::GoOn { reason, by }) => {
            let secret = secret_of(&by)?;
            recovery::go_on(&store, &signer, &reason, (&by, &secret), now).await
        }
    };
    answer(&report?, json)
}

fn secret_of(name: &str) -> Result<Secret, Refused> {
    Secret::ask(name).map_err(|e| {
        Refused::new(
            format!("the secret cannot be read: {e}"),
            "Type it at the prompt, or give it as one line on standard input.",
        )
    })
}

async fn serve(config: &Config) -> Result<(), Refused> {
    let filter = EnvFilter::try_from_env("RUST_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    let logs = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    // A second subscriber in one process is not an error worth ending for.
    drop(match config.log {
        LogFormat::Json => logs.json().try_init(),
        LogFormat::Text => logs.try_init(),
    });
    // Names the missing set-up before a lock is made in the wrong place.
    super::identity::identity(config)?;
    // An upgrade is for the one that serves.
    let _serving = serve_alone(&config.data_dir)?;
    let app = open(config, system_clock(), system_clock()).await?;
    let listener =
        TcpListener::bind(config.listen).and_then(|l| l.set_nonblocking(true).map(|()| l));
    let listener = listener.map_err(|e| {
        Refused::new(
            format!("{} cannot be listened on: {e}", config.listen),
            "Choose another address with `listen`, or end what holds it.",
        )
    })?;
    // The address alone on a line: with port 0 only this tells where the server is.
    if let Ok(address) = listener.local_addr() {
        drop(writeln!(
            std::io::stdout(),
            "listening on https://{address}"
        ));
    }
    let database = super::identity::database(config)?;
    tracing::info!(listen = %config.listen, %database, url = app.service().public_url, origin = app.service().origin(), "serving");
    app.serve(listener, shutdown_signal()).await
}

/// One log has one writer. The lock goes with the process, however it ends.
fn serve_alone(dir: &Path) -> Result<File, Refused> {
    let path = dir.join("serve.lock");
    let locked = File::create(&path).map_err(std::fs::TryLockError::Error);
    let locked = locked.and_then(|file| file.try_lock().map(|()| file));
    locked.map_err(|error| match error {
        std::fs::TryLockError::WouldBlock => Refused::new(
            format!("{} is already served by another process", dir.display()),
            "Use that one, or end it first.",
        ),
        std::fs::TryLockError::Error(error) => Refused::new(
            format!("{} cannot be locked: {error}", path.display()),
            "Check data_dir, the rights on it and the space on its disk.",
        ),
    })
}

/// Ends on Ctrl-C or the service manager's TERM.
async fn shutdown_signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let mut term = match signal(SignalKind::terminate()) {
        Ok(term) => term,
        Err(error) => {
            tracing::warn!(%error, "TERM is not heard; end this program with Ctrl-C");
            return drop(tokio::signal::ctrl_c().await);
        }
    };
    tokio::select! {
        _ = term.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
    tracing::info!("ending");
}
