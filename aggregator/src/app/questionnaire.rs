//! What the commands of `questionnaire` do: the functions of pages and API, with words for a terminal.

use std::fmt;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use jiff::Timestamp;
use ldsp_protocol::dsse::MAX_BODY;
use ldsp_protocol::ids::QuestionId;
use ldsp_protocol::questionnaire::{Question, Spread, Tally, Told};
use ldsp_ui::secret::Secret;
use ldsp_ui::terminal::{self, Word};
use serde::Serialize;

use super::Refused;
use super::commands::authorise;
use crate::announce::{Act, AnnounceError, Announcer};
use crate::pages::words::{date, moment, plural, thousands};
use crate::questionnaires::words::{by_choice, median, unit};
use crate::questionnaires::{
    self, Asker, Draft, InList, IssueError, Progress, Standing, standing, standings, to_csv,
};
use crate::receive::questionnaires::Export;
use crate::store::{Log, Registry, Staff, StoreError};

impl From<IssueError> for Refused {
    fn from(error: IssueError) -> Self {
        match error {
            IssueError::Announce(AnnounceError::Store(StoreError::Conflict(conflict))) => {
                Self::new(
                    conflict.to_string(),
                    "Look at what is asked now (`questionnaire list`), then issue yours.",
                )
            }
            IssueError::Announce(error) => error.into(),
            IssueError::Faults(_) => Self::new(
                error.to_string(),
                "Correct the fields that are named in the file. Nothing was issued.",
            ),
        }
    }
}

/// The questionnaires that were issued.
#[derive(Debug, Clone, Serialize)]
#[serde(transparent)]
pub(super) struct Listed(Vec<InList>);

impl fmt::Display for Listed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return write!(
                f,
                "Nothing has been asked yet. Next: write a questionnaire on the page Questionnaires, or `questionnaire issue FILE`"
            );
        }
        for (at, one) in self.0.iter().enumerate() {
            let end = if at == 0 { "" } else { "\n" };
            let asker = &one.asker;
            write!(
                f,
                "{end}{}  {}\n    version {}, due {}; {} of {} LEPs answered",
                asker.name,
                asker.title,
                asker.version,
                date(asker.due),
                one.answered,
                one.asked
            )?;
        }
        Ok(())
    }
}

/// Lists what was issued.
///
/// # Errors
/// Trouble with the store.
pub(super) async fn list<S: Log + Registry>(store: &S) -> Result<Listed, Refused> {
    let all = standings(store).await?;
    Ok(Listed(all.iter().map(InList::from).collect()))
}

async fn find<S: Log + Registry>(store: &S, name: &QuestionId) -> Result<Standing, Refused> {
    standing(store, name).await?.ok_or_else(|| {
        Refused::new(
            format!("no questionnaire {name} was issued"),
            "See which there are: `ldsp-aggregator questionnaire list`.",
        )
    })
}

/// How a questionnaire stands.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Shown {
    #[serde(flatten)]
    progress: Progress,
    #[serde(skip)]
    questions: Vec<Question>,
}

/// Who answered, and what the answers come to.
///
/// # Errors
/// No such questionnaire, trouble with the store.
pub(super) async fn show<S: Log + Registry>(
    store: &S,
    name: &QuestionId,
) -> Result<Shown, Refused> {
    let standing = find(store, name).await?;
    Ok(Shown {
        progress: standing.progress()?,
        questions: standing.questionnaire().questions.clone(),
    })
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let results = &self.progress.results;
        let asker = &results.questionnaire;
        writeln!(
            f,
            "{} ({}, version {})",
            asker.title, asker.name, asker.version
        )?;
        writeln!(
            f,
            "Due {}; {} of {} LEPs answered; place {} in the log\n",
            date(asker.due),
            results.answered,
            results.asked,
            asker.index
        )?;
        for of in &self.progress.leps {
            let when = of.received.map_or_else(String::new, moment);
            let line = format!("{:<48} {:<16} {when}", of.lep.name, of.state.in_words());
            writeln!(f, "{}", line.trim_end())?;
        }
        if results.answered == 0 {
            return write!(f, "\nNo LEP has answered this version yet.");
        }
        let told = self.questions.iter().zip(&results.tallies).enumerate();
        for (at, (question, tally)) in told {
            write!(f, "\n{}. {}", at + 1, question.text)?;
            for line in lines(question, tally) {
                write!(f, "\n    {line}")?;
            }
        }
        Ok(())
    }
}

/// What the answers to a question come to, line by line.
fn lines(question: &Question, tally: &Tally) -> Vec<String> {
    let mut lines = match &tally.told {
        Told::Choices(_) => by_choice(question, tally)
            .into_iter()
            .map(|(choice, leps)| format!("{leps:>6}  {choice}"))
            .collect(),
        Told::Numbers(None) => Vec::new(),
        Told::Numbers(Some(spread)) => vec![numbers(unit(&question.form), spread)],
        Told::Texts(leps) => vec![format!(
            "{leps:>6}  wrote something: `questionnaire export` has the words"
        )],
    };
    for (leps, what) in [(tally.not_known, "not known"), (tally.left_out, "left out")] {
        if leps > 0 {
            lines.push(format!("{leps:>6}  {what}"));
        }
    }
    lines
}

fn numbers(unit: &str, spread: &Spread) -> String {
    format!(
        "{} {unit} together, from {}; smallest {}, middle {}, largest {}",
        thousands(spread.sum),
        match spread.count {
            1 => "1 LEP".to_owned(),
            leps => format!("{leps} LEPs"),
        },
        thousands(spread.min),
        median(spread.median),
        thousands(spread.max)
    )
}

/// Reads what an operator wrote.
///
/// # Errors
/// A file that cannot be read, or is not in the form.
pub(super) fn read(path: &Path) -> Result<Draft, Refused> {
    let refused = |why: String| {
        Refused::new(
            format!("{} cannot be read: {why}", path.display()),
            "Give a JSON file with name, title, purpose, due, to and questions, as docs/questionnaires.md describes it.",
        )
    };
    let mut text = Vec::new();
    let limit = MAX_BODY as u64;
    let read = File::open(path).and_then(|file| file.take(limit + 1).read_to_end(&mut text));
    read.map_err(|e| refused(e.to_string()))?;
    if text.len() > MAX_BODY {
        return Err(refused(format!("it is over {MAX_BODY} bytes")));
    }
    serde_json::from_slice(&text).map_err(|e| refused(e.to_string()))
}

/// Asks whether it is meant.
///
/// # Errors
/// It is not, or nobody can be asked.
pub(super) fn confirm(draft: &Draft) -> Result<(), Refused> {
    let whom = match draft.to.len() {
        0 => "every LEP".to_owned(),
        leps => plural(leps, "LEP", "LEPs"),
    };
    let about = format!(
        "\u{201c}{}\u{201d} asks {whom} {}. It is signed by the log, with your name, and stays public for ever.",
        draft.title,
        plural(draft.questions.len(), "question", "questions")
    );
    match terminal::asked_for(draft.name.as_str(), &about) {
        Word::Given => Ok(()),
        Word::Withheld => Err(Refused::new(
            "another name was typed, so nothing was issued",
            "Run the command again if it is meant.",
        )),
        Word::NoTerminal => Err(Refused::new(
            "what is issued stays public for ever, and there is no terminal to confirm it at",
            "Say --yes if it is meant.",
        )),
    }
}

/// A version that stands in the log.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Issued {
    #[serde(flatten)]
    asker: Asker,
    /// Whether it was issued now.
    new: bool,
}

impl fmt::Display for Issued {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Asker {
            name,
            version,
            index,
            ..
        } = &self.asker;
        if !self.new {
            return write!(
                f,
                "Version {version} of {name} says the same, so nothing new is issued. It stands at place {index} in the log."
            );
        }
        write!(
            f,
            "Version {version} of {name} is issued: place {index} in the log. Nodes hear of it within half an hour.\nNext: `ldsp-aggregator questionnaire show {name}` tells who answered."
        )
    }
}

/// Issues the next version of a questionnaire.
///
/// # Errors
/// Not an operator, what cannot be asked, trouble with the store.
pub(super) async fn issue<S: Registry + Log + Staff>(
    announcer: &Announcer<'_, S>,
    draft: &Draft,
    (by, secret): (&str, &Secret),
    now: Timestamp,
) -> Result<Issued, Refused> {
    authorise(announcer.store(), by, secret).await?;
    let issued = questionnaires::issue(announcer, draft, None, Act { by, at: now }).await?;
    Ok(Issued {
        asker: (&issued.asked).into(),
        new: issued.new,
    })
}

/// The answers of all, word for word.
#[derive(Debug, Serialize)]
pub(super) struct Exported {
    #[serde(flatten)]
    export: Export,
    #[serde(skip)]
    table: String,
}

impl fmt::Display for Exported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.table.trim_end())
    }
}

/// The last answers of each LEP.
///
/// # Errors
/// No such questionnaire, trouble with the store.
pub(super) async fn export<S: Log + Registry>(
    store: &S,
    name: &QuestionId,
) -> Result<Exported, Refused> {
    let standing = find(store, name).await?;
    let unwritten = |why: String| {
        Refused::new(
            format!("the table cannot be written: {why}"),
            "Ask for it with --json.",
        )
    };
    let table = to_csv(&standing).map_err(|e| unwritten(e.to_string()))?;
    Ok(Exported {
        export: (&standing).into(),
        table: String::from_utf8(table).map_err(|e| unwritten(e.to_string()))?,
    })
}
