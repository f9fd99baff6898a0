//! `ldsp-demo`: aggregator and nodes in one process, talking over real TLS, with records expanded from
//! published figures. Every step is the servers' own library call; only the learners are made up.

mod area;
mod centre;
mod delivery;
mod needs;
mod provision;
mod questionnaire;
mod report;
mod score;

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, bail};
use clap::Parser;
use futures::{StreamExt as _, TryStreamExt as _};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use jiff::Timestamp;
use ldsp_aggregator::store::DatabaseUrl;
use ldsp_protocol::geography::{Geography, Lep};
use ldsp_protocol::ids::Period;

use crate::records::Figures;
use area::Area;
use centre::Centre;
pub use report::Report;

/// A whole federation on this machine over real TLS: the aggregator and the nodes of up to 38 LEPs,
/// with records expanded from the ICT figures that the Department for Education published for 2021/22.
#[derive(Debug, Clone, Parser)]
#[command(name = "ldsp-demo", version)]
pub struct Options {
    /// How many LEPs take part, 1 to 38
    #[arg(long, default_value_t = 38, value_parser = clap::value_parser!(u8).range(1..=38))]
    pub nodes: u8,
    /// How many monthly releases, ending with July 2022; trends need five
    #[arg(long, default_value_t = 6, value_parser = clap::value_parser!(u8).range(1..=120))]
    pub months: u8,
    /// End after the report instead of serving the pages
    #[arg(long)]
    pub once: bool,
    /// Keep the data in this directory, which must not exist or be empty [default: a fresh temporary one, removed at the end]
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
    /// Keep the aggregator's part in this empty database instead, such as postgres://user:password@host/name
    #[arg(long, value_name = "URL")]
    pub database: Option<DatabaseUrl>,
    /// Port of the aggregator on 127.0.0.1; 0 takes a free one. Nodes always take free ones
    #[arg(long, default_value_t = 0)]
    pub port: u16,
    /// Print the report, and before serving the addresses and sign-ins, as one JSON object on one line
    #[arg(long)]
    pub json: bool,
}

/// The demonstration's key: the same records every time. Noise, keys and secrets come from the operating system.
const RECORDS_KEY: [u8; 32] = *b"ldsp demonstration records, v1\0\0";
/// Sentence on every page.
const BANNER: &str = "A demonstration. Enrolments and achievements by LEP and tier are those that the Department for Education published \
    for ICT in 2021/22; everything else about the learners, the months, the practice entries, the answers to the questionnaire, and what panels, workshops and services are said to need or offer is made up.";

/// Builds the federation, reports, and serves unless `--once`.
///
/// # Errors
/// A directory that is in use, a port that is taken, or a step that failed, with its reason.
pub fn main(options: Options) -> anyhow::Result<()> {
    start_logs();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(run(&options))
}

fn start_logs() {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("warn"));
    // A subscriber that is there already (in tests) stays.
    let _present = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .try_init();
}

async fn run(options: &Options) -> anyhow::Result<()> {
    let began = stopwatch();
    let place = Place::of(options.dir.as_deref())?;
    let plan = Plan::of(options)?;
    let centre = Centre::open(
        &place.path.join("aggregator"),
        listener(options.port)?,
        options.database.clone(),
        &plan,
    )
    .await?;
    centre.ask().await?;
    let bar = progress(plan.leps.len());
    let nodes = futures::stream::iter(plan.leps.iter().copied())
        .map(|lep| async {
            let area = Area::open(&place.path, lep, &plan, &centre).await;
            bar.inc(1);
            area.with_context(|| lep.name.clone())
        })
        // Two cores: while one node waits for the disk, another counts.
        .buffer_unordered(4)
        .try_collect::<Vec<_>>();
    let mut areas = nodes.await?;
    areas.sort_by(|a, b| a.slug().cmp(b.slug()));
    bar.finish_and_clear();
    centre.freeze().await?;
    let report = Report::of(&centre, &areas, &plan, began()).await?;
    let addresses = report::Addresses::of(&centre, &areas);
    report::print(options, &report, &addresses)?;
    if !options.once {
        tokio::signal::ctrl_c().await?;
    }
    for area in areas {
        area.close().await?;
    }
    centre.close().await
}

#[expect(
    clippy::disallowed_methods,
    reason = "the program's own report of how long it took"
)]
fn stopwatch() -> impl Fn() -> f64 {
    let began = std::time::Instant::now();
    move || began.elapsed().as_secs_f64()
}

fn listener(port: u16) -> anyhow::Result<TcpListener> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let listener = TcpListener::bind(address).with_context(|| {
        format!("{address} is taken. Choose another --port, or 0 for a free one")
    })?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

fn progress(nodes: usize) -> ProgressBar {
    // Standard error, and only when it is a terminal.
    let bar = ProgressBar::with_draw_target(Some(nodes as u64), ProgressDrawTarget::stderr());
    let style = ProgressStyle::with_template(
        "{bar:38} {pos}/{len} LEPs have imported and published {elapsed}",
    );
    bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

/// Where the data lie.
struct Place {
    path: PathBuf,
    /// Removed when dropped.
    _temporary: Option<tempfile::TempDir>,
}

impl Place {
    fn of(dir: Option<&Path>) -> anyhow::Result<Self> {
        let Some(dir) = dir else {
            let fresh = tempfile::Builder::new().prefix("ldsp-demo-").tempdir()?;
            return Ok(Self {
                path: fresh.path().to_owned(),
                _temporary: Some(fresh),
            });
        };
        std::fs::create_dir_all(dir)
            .with_context(|| format!("{} cannot be made", dir.display()))?;
        if std::fs::read_dir(dir)?.next().is_some() {
            bail!(
                "{} is not empty. Give --dir an empty or new directory: each demonstration starts afresh",
                dir.display()
            );
        }
        Ok(Self {
            path: dir.to_owned(),
            _temporary: None,
        })
    }
}

/// What takes part and when it is.
pub(crate) struct Plan {
    leps: Vec<&'static Lep>,
    figures: &'static Figures,
    periods: Vec<Period>,
    /// August 2022, going on from there.
    clock: ldsp_node::Clock,
    /// The machine's: a visitor's phone shows its codes by today.
    phones: ldsp_node::Clock,
}

impl Plan {
    fn of(options: &Options) -> anyhow::Result<Self> {
        let last = Period::new(2022, 7)?;
        let months = i32::from(options.months);
        let periods: Option<Vec<Period>> = (1 - months..=0).map(|back| last.plus(back)).collect();
        // Spread over the country rather than the first few by code.
        let all: Vec<&Lep> = Geography::embedded().leps().collect();
        let count = usize::from(options.nodes);
        let leps = (0..count).map(|k| all[k * all.len() / count]).collect();
        Ok(Self {
            leps,
            figures: Figures::embedded(),
            periods: periods.context("that many months reach back before 2000")?,
            clock: clock()?,
            phones: ldsp_node::app::system_clock(),
        })
    }

    /// Whether this is the LEP whose provider's pages are filled.
    fn is_first(&self, lep: &Lep) -> bool {
        self.leps
            .first()
            .is_some_and(|first| first.code == lep.code)
    }

    fn last(&self) -> Period {
        *self
            .periods
            .last()
            .expect("clap asks for at least one month")
    }
}

/// The federation lives in August 2022, the month after the last release, and time goes on from there.
#[expect(
    clippy::disallowed_methods,
    reason = "the demonstration's clock runs from a fixed moment"
)]
fn clock() -> anyhow::Result<ldsp_node::Clock> {
    let began = std::time::Instant::now();
    let start: Timestamp = "2022-08-05T08:00:00Z".parse()?;
    Ok(Arc::new(move || {
        // The process would have to run for millennia.
        start.checked_add(began.elapsed()).unwrap_or(Timestamp::MAX)
    }))
}
