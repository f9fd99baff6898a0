//! The program: arguments, configuration, clock, randomness, terminal. Everything else is a library
//! function that tests and the demonstration call in the same way.

mod audit;
mod backup;
pub mod cli;
pub mod config;
mod delivery;
mod demand;
mod enrol;
mod exchange;
mod figures;
mod gathering;
mod ilr;
mod import;
mod keep;
mod ledger;
mod lep;
mod mappings;
mod needs;
pub mod output;
mod people;
mod practice;
mod providers;
mod provision;
mod publish;
mod quality;
mod questionnaire;
mod release;
mod release_words;
mod rights;
mod sample;
pub mod serve;
mod statements;
mod status;
mod subjects;
mod verify;
mod watch;

use std::ffi::OsString;
use std::io::IsTerminal as _;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser as _;
use ldsp_protocol::ids::Gss;
use ldsp_ui::accounts::{self, Token};
use ldsp_ui::terminal;
use serde_json::json;
use tracing_subscriber::EnvFilter;

use crate::home::{HomeError, Node};
use crate::store::cohorts::Cohort;
use crate::store::organisations::Organisation;
use crate::store::programmes::Programme;
use crate::store::spend::Spend;
use crate::{Clock, Entropy};
use cli::{Cli, Command};
use config::{Config, LogFormat};
use output::{Answer, Output, Refusal};

/// What handlers get besides their arguments.
#[derive(Clone)]
pub struct Context {
    /// Settings.
    pub config: Config,
    /// The present.
    pub clock: Clock,
    /// What people's phones show the time by: the same but in a demonstration.
    pub phones: Clock,
    /// Randomness.
    pub entropy: Entropy,
    /// Who acts at the terminal, for the audit log.
    pub who: String,
}

/// The system's clock.
#[must_use]
#[expect(
    clippy::disallowed_methods,
    reason = "`app` is where the clock is read"
)]
pub fn system_clock() -> Clock {
    Arc::new(jiff::Timestamp::now)
}

/// The operating system's randomness.
#[must_use]
#[expect(clippy::disallowed_types, reason = "`app` is where randomness is read")]
pub fn system_entropy() -> Entropy {
    use getrandom::SysRng;
    Arc::new(|| Box::new(rand_core::UnwrapErr(SysRng)))
}

/// The whole program: reads arguments and environment, answers on the terminal.
/// 0 done, 1 refused, 2 usage, 130 cancelled with Ctrl-C.
pub fn main(
    args: impl IntoIterator<Item = OsString>,
    environment: impl IntoIterator<Item = (String, String)>,
) -> ExitCode {
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) => {
            // Nothing is left to be done when the terminal is gone.
            drop(error.print());
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    let as_json = cli.global.json;
    let environment: Vec<(String, String)> = environment.into_iter().collect();
    let sudo_user = environment.iter().find(|(name, _)| name == "SUDO_USER");
    let who = terminal::acting(sudo_user.map(|(_, user)| user.as_str()));
    let config = match Config::load(cli.global.config.as_deref(), environment) {
        Ok(config) => config,
        Err(error) => return output::print(Err(error.into()), as_json),
    };
    start_logs(config.log);
    let context = Context {
        config,
        clock: system_clock(),
        phones: system_clock(),
        entropy: system_entropy(),
        who,
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    let answer = match runtime {
        Ok(runtime) => {
            let answer = runtime.block_on(run(cli.command, &context));
            // A thread may wait for a pipe from which nothing comes any more.
            runtime.shutdown_background();
            answer
        }
        Err(error) => Err(Refusal::new(
            format!("the program cannot start its threads: {error}"),
            "Raise the limits on threads and memory for this user.",
        )),
    };
    output::print(answer, as_json)
}

fn start_logs(format: LogFormat) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr)
        // A reader of standard error that went away must not end the program.
        .log_internal_errors(false);
    // A second start (in tests) keeps the first.
    let _already = match format {
        LogFormat::Json => builder.json().try_init(),
        LogFormat::Text => builder.try_init(),
    };
}

/// Runs one command.
///
/// # Errors
/// [`Refusal`] with its next step.
pub async fn run(command: Command, context: &Context) -> Answer {
    match command {
        Command::Init(args) => init(&args, context).await,
        Command::Lep { set } => lep::run(set.as_deref(), context).await,
        Command::People(command) => people::run(command, context).await,
        Command::Import(command) => import::run(command, context).await,
        Command::Providers(command) => providers::run(command, context).await,
        Command::Organisations(command) => keep::run::<Organisation>(command, context).await,
        Command::Programmes(command) => keep::run::<Programme>(command, context).await,
        Command::Cohorts(command) => keep::run::<Cohort>(command, context).await,
        Command::Delivery(command) => delivery::run(command, context).await,
        Command::Spend(command) => keep::run::<Spend>(command, context).await,
        Command::Demand(command) => demand::run(command, context).await,
        Command::Provision(command) => provision::run(command, context).await,
        Command::Sample(command) => sample::run(command, context).await,
        Command::Ilr(command) => ilr::run(command, context).await,
        Command::Status => status::run(context).await,
        Command::Enrol(args) => enrol::run(&args, context).await,
        Command::Release(command) => release::run(command, context).await,
        Command::Privacy => ledger::privacy(context).await,
        Command::Ledger(command) => ledger::run(command, context).await,
        Command::Backup(to) => backup::make(&to.to, to.keys_to.as_deref(), context).await,
        Command::Restore(from) => backup::restore(&from, context).await,
        Command::Access { whom, html } => rights::access(&whom, html, context).await,
        Command::Erase { whom, dry_run, yes } => {
            rights::erase(&whom, (dry_run, yes), context).await
        }
        Command::Retain(args) => rights::retain(&args, context).await,
        Command::Audit(command) => audit::run(command, context).await,
        Command::Practice(command) => practice::run(command, context).await,
        Command::Needs(command) => needs::run(command, context).await,
        Command::Questionnaire(command) => questionnaire::run(command, context).await,
        Command::Quality(command) => quality::run(command, context).await,
        Command::Gathering(command) => gathering::run(command, context).await,
        Command::Figures { measure } => figures::run(measure.as_deref(), context).await,
        Command::Exchange(command) => exchange::run(command, context).await,
        Command::Statements(command) => statements::run(command, context).await,
        Command::Publish => publish::run(context).await,
        Command::Verify(command) => verify::run(command, context).await,
        Command::Serve => serve::command(context).await,
    }
}

/// Opens the node of the configured data directory.
pub(crate) async fn open(context: &Context) -> Result<Node, Refusal> {
    Ok(Node::open(&context.config.data_dir).await?)
}

/// What to say where an address leads to nobody's browser but this machine's own.
fn local_only(address: &str) -> &'static str {
    if accounts::is_local(address) {
        "The address works on this machine only. To let others in, set `listen` and `public_url` in ldsp-node.toml (`ldsp-node --help` names the file) and start `serve` again.\n"
    } else {
        ""
    }
}

async fn init(args: &cli::Init, context: &Context) -> Answer {
    let lep: Option<Gss> = match &args.lep {
        Some(code) => Some(code.parse().map_err(|_| HomeError::Lep)?),
        None => None,
    };
    let dir = &context.config.data_dir;
    let now = (context.clock)();
    let again = Node::is_begun(dir);
    let by = (context.who.as_str(), now);
    let node = Node::init(dir, lep.as_ref(), &mut (context.entropy)(), by).await?;
    let token = Token::draw(&mut (context.entropy)());
    let kept = accounts::new_link(&token, now);
    node.store.keep_first_link(kept, by).await?;
    let link = accounts::link(&context.config.address(), &token);
    let fingerprint = ldsp_protocol::keys::key_id(&node.signing.verifying_key());
    let name = lep.as_ref().map(status::lep_name);
    let whose = match (&name, &lep) {
        (Some(name), Some(lep)) => format!("This machine is now the node of {name} ({lep})."),
        _ => "This machine is now a node. Which LEP it is of is chosen on its pages, or by `ldsp-node lep --set CODE`.".to_owned(),
    };
    node.store.close().await;
    let again = if again {
        "An earlier `init` was not finished: this one goes on with what it made, and a link that it printed ends.\n"
    } else {
        ""
    };
    let here = local_only(&context.config.address());
    Ok(Output {
        text: format!(
            "{again}{whose}\nData directory: {}\nKey: {}\n\n\
             Next: run `ldsp-node serve`, open this link in a browser and become the first admin. It works once, for {} days, and is shown only now:\n\
             {link}\n{here}The browser warns once: the certificate is of this node's own authority, {}, unless the configuration names another.\n\n\
             The pages say what comes after. Without a browser: `ldsp-node people add NAME --role coordinator`, the same for an approver, then `ldsp-node import programmes FILE`.\n\
             Back it up with `ldsp-node backup --to DIR` after every release: keys and ledger cannot be made again.",
            dir.display(),
            fingerprint.in_blocks(),
            accounts::LINK_DAYS,
            dir.join(serve::CA_CERTIFICATE).display(),
        ),
        json: json!({"lep": lep, "name": name, "data_dir": dir, "key": fingerprint, "link": link}),
    })
}
