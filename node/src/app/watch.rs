//! Long work on a terminal: a bar on standard error, where that is one, and Ctrl-C, which cancels cleanly.

use std::io::Write as _;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinHandle;

use super::output::Refusal;
use crate::work::{Cancelled, Phase, Progress};

/// The bar follows the counters this often.
const TICK: Duration = Duration::from_millis(100);

impl From<Cancelled> for Refusal {
    fn from(_: Cancelled) -> Self {
        Self::cancelled()
    }
}

/// Work that is watched while this is held.
pub(super) struct Watched {
    pub(super) progress: Progress,
    bar: ProgressBar,
    tasks: [JoinHandle<()>; 2],
}

impl Watched {
    /// From here on Ctrl-C does not end the program but cancels the work.
    pub(super) fn begin() -> Result<Self, Refusal> {
        let mut interrupted = signal(SignalKind::interrupt()).map_err(|error| {
            Refusal::new(
                format!("the program cannot listen for Ctrl-C: {error}"),
                "Raise the limits on open files for this user.",
            )
        })?;
        let progress = Progress::default();
        let bar = ProgressBar::no_length();
        let (shown, of) = (bar.clone(), progress.clone());
        let show = tokio::spawn(async move {
            let mut style = None;
            loop {
                show(&shown, &of, &mut style);
                tokio::time::sleep(TICK).await;
            }
        });
        let (shown, of) = (bar.clone(), progress.clone());
        let listen = tokio::spawn(async move {
            while interrupted.recv().await.is_some() {
                if !of.cancel() {
                    // Nobody has to read it.
                    shown.suspend(|| {
                        drop(writeln!(
                            std::io::stderr(),
                            "It is being stored already and cannot be cancelled any more."
                        ));
                    });
                }
            }
        });
        Ok(Self {
            progress,
            bar,
            tasks: [show, listen],
        })
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
        self.bar.finish_and_clear();
    }
}

/// How the bar looks for work whose share is known in bytes, in steps, or not at all.
fn show(bar: &ProgressBar, progress: &Progress, style: &mut Option<&'static str>) {
    let phase = progress.phase();
    let share = progress.share();
    let template = match (share, phase) {
        (Some(_), Phase::Reading) => "{msg}: {bar:40} {bytes} of {total_bytes}, {eta} left",
        (Some(_), _) => "{msg}: {bar:40} {pos} of {len} steps done",
        (None, _) => "{spinner} {msg}, {elapsed}",
    };
    if *style != Some(template) {
        let made = ProgressStyle::with_template(template);
        bar.set_style(made.unwrap_or_else(|_| ProgressStyle::default_bar()));
        *style = Some(template);
    }
    if let Some((done, total)) = share {
        bar.set_length(total);
        bar.set_position(done);
    }
    bar.set_message(phase.in_words());
    bar.tick();
}
