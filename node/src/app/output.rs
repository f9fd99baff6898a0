//! What commands answer with, and how it reaches the person: text or JSON on standard output, the
//! reason of a refusal with its next step on standard error.

use std::io::{self, Write};
use std::process::ExitCode;

use serde_json::{Value, json};

use super::config::ConfigError;
use crate::home::HomeError;
use crate::import::faults;
use crate::import::report::RowProblem;
use crate::store::StoreError;
use crate::store::people::PersonError;

/// What a command did.
#[derive(Debug)]
pub struct Output {
    /// For people.
    pub text: String,
    /// The same for programs.
    pub json: Value,
}

/// Why a command did not do it.
#[derive(Debug)]
pub struct Refusal {
    /// What happened.
    pub reason: String,
    /// What to do next.
    pub next: String,
    /// What was found out before, such as a row report.
    pub output: Option<Output>,
    /// Stable name of what happened, for programs; only some refusals have one.
    pub code: Option<&'static str>,
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}. {}", self.reason, self.next)
    }
}

/// What every command's handler returns.
pub type Answer = Result<Output, Refusal>;

impl Refusal {
    /// A refusal with its next step.
    #[must_use]
    pub fn new(reason: impl ToString, next: impl ToString) -> Self {
        Self {
            reason: reason.to_string(),
            next: next.to_string(),
            output: None,
            code: None,
        }
    }

    /// What is said when Ctrl-C ended the work.
    #[must_use]
    pub fn cancelled() -> Self {
        Self {
            code: Some(CANCELLED),
            ..Self::new("it was cancelled", "Nothing was stored.")
        }
    }
}

/// What is said when members of a record are refused: each with its remedy for a terminal.
pub(super) fn fields(problems: &[RowProblem]) -> Refusal {
    let remedy = |p: &RowProblem| faults::at_terminal(&p.remedy).to_owned();
    let lines = problems.iter().map(|p| {
        let field = p.field.unwrap_or("all of it");
        format!("{field}: {} {}", p.cause, remedy(p))
    });
    let list = problems
        .iter()
        .map(|p| json!({"field": p.field, "code": p.code, "cause": p.cause, "remedy": remedy(p)}));
    Refusal {
        output: Some(Output {
            text: lines.collect::<Vec<_>>().join("\n"),
            json: json!({"problems": list.collect::<Vec<_>>()}),
        }),
        code: Some("form"),
        ..Refusal::new(
            "nothing was stored",
            "Correct what is named above and run the command again.",
        )
    }
}

/// The code of [`Refusal::cancelled`].
const CANCELLED: &str = "cancelled";
/// What shells give for a program that Ctrl-C ended: 128 and the number of the signal (POSIX.1-2024, Shell 2.8.2).
const INTERRUPTED: u8 = 130;

impl From<ConfigError> for Refusal {
    fn from(error: ConfigError) -> Self {
        Self::new(&error, error.next)
    }
}

impl From<HomeError> for Refusal {
    fn from(error: HomeError) -> Self {
        Self::new(&error, error.next_by_command())
    }
}

impl From<PersonError> for Refusal {
    fn from(error: PersonError) -> Self {
        Self::new(error, error.next_by_command())
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        Self::new(&error, error.next())
    }
}

/// Prints an answer; 0 for done, 1 for refused, 130 for cancelled. A reader that went away, such as `head`, changes neither.
#[must_use]
pub fn print(answer: Answer, as_json: bool) -> ExitCode {
    let (mut stdout, mut stderr) = (io::stdout().lock(), io::stderr().lock());
    print_to(&mut stdout, &mut stderr, answer, as_json)
}

fn print_to(
    stdout: &mut dyn Write,
    stderr: &mut dyn Write,
    answer: Answer,
    as_json: bool,
) -> ExitCode {
    let (output, refusal) = match answer {
        Ok(output) => (Some(output), None),
        Err(mut refusal) => (refusal.output.take(), Some(refusal)),
    };
    let shown = output.map_or(Ok(()), |output| show(stdout, &output, as_json));
    let unwritten = shown.err().map(|error| {
        Refusal::new(
            format!("the answer could not be written: {error}"),
            "What the command did stands. Free space where its output goes.",
        )
    });
    let Some(refusal) = refusal.or(unwritten) else {
        return ExitCode::SUCCESS;
    };
    let is_cancelled = refusal.code == Some(CANCELLED);
    let told = if as_json {
        let mut refused = json!({"refused": refusal.reason, "next": refusal.next});
        if let Some(code) = refusal.code {
            refused["code"] = code.into();
        }
        writeln!(stderr, "{refused:#}")
    } else if is_cancelled {
        writeln!(stderr, "Cancelled. {}", refusal.next)
    } else {
        let reason = refusal.reason.trim_end_matches('.');
        writeln!(stderr, "Refused: {reason}.\nNext: {}", refusal.next)
    };
    // Nobody reads it: the exit code says it too.
    drop(told);
    if is_cancelled {
        return ExitCode::from(INTERRUPTED);
    }
    ExitCode::FAILURE
}

fn show(stdout: &mut dyn Write, output: &Output, as_json: bool) -> io::Result<()> {
    let written = if as_json {
        writeln!(stdout, "{:#}", output.json)
    } else {
        writeln!(stdout, "{}", output.text.trim_end())
    };
    match written.and_then(|()| stdout.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}
