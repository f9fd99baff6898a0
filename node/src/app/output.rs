//! What commands answer with, and how it reaches the person: text or JSON on standard output, the
//! reason of a refusal with its next step on standard error.

use std::process::ExitCode;

use serde_json::{Value, json};

use super::config::ConfigError;
use crate::home::HomeError;
use crate::store::StoreError;

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
        }
    }
}

impl From<ConfigError> for Refusal {
    fn from(error: ConfigError) -> Self {
        Self::new(&error, error.next)
    }
}

impl From<HomeError> for Refusal {
    fn from(error: HomeError) -> Self {
        Self::new(&error, error.next())
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        Self::new(&error, error.next())
    }
}

/// Prints an answer; 0 for done, 1 for refused.
#[expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "the one place where a command's answer reaches the terminal"
)]
pub fn print(answer: Answer, as_json: bool) -> ExitCode {
    let show = |output: Output| {
        if as_json {
            println!("{:#}", output.json);
        } else {
            println!("{}", output.text.trim_end());
        }
    };
    match answer {
        Ok(output) => {
            show(output);
            ExitCode::SUCCESS
        }
        Err(refusal) => {
            if let Some(output) = refusal.output {
                show(output);
            }
            if as_json {
                eprintln!(
                    "{:#}",
                    json!({"refused": refusal.reason, "next": refusal.next})
                );
            } else {
                eprintln!(
                    "Refused: {}.\nNext: {}",
                    refusal.reason.trim_end_matches('.'),
                    refusal.next
                );
            }
            ExitCode::FAILURE
        }
    }
}
