//! A learner who joins a cohort: one row of the learner file, with what the cohort says of those in it.

use ldsp_protocol::standard::{Dimension, Standard};

use super::{Bringing, EMPLOYER, Own, blank_row, bring, row_of};
use crate::import::report::{Outcome, RowProblem};
use crate::import::{Doubtful, ImportError};
use crate::store::cohorts::Cohort;
use crate::store::kept::Stored;
use crate::store::programmes::Programme;
use crate::store::records::merge::By;
use crate::store::{Store, StoreError};

/// What came of it.
#[derive(Debug)]
pub(crate) enum Joined {
    /// The learner is in the register.
    Added,
    /// What was there is corrected, as was said.
    Corrected,
    /// The learner's records were erased here: nothing was stored.
    Erased,
    /// Everything that is wrong; nothing was stored.
    Refused(Vec<RowProblem>),
}

/// What is said of an employer that is none of those that may be chosen; whether another organisation has the name, it does not tell.
pub(crate) fn no_employer() -> RowProblem {
    RowProblem {
        line: 2,
        field: Some(EMPLOYER),
        code: "employer-unknown",
        cause: "This is none of the employers that can be chosen here.".into(),
        remedy: "Choose one of the list, or leave it out and ask the coordinator to name it in the cohort.".into(),
    }
}

/// What is known of everybody in a cohort, by column: its days, how it is delivered, and its skill where the programme teaches one.
///
/// # Errors
/// The database cannot be read.
pub(crate) async fn begun(
    store: &Store,
    cohort: &Cohort,
) -> Result<Vec<(String, String)>, StoreError> {
    let programme = store.kept_one::<Programme>(cohort.programme).await?;
    let known = store.known().await?;
    let code = |dimension, at: usize| {
        let code = Standard::current().dimension(dimension).codes.get(at);
        code.map_or_else(String::new, |code| code.id.clone())
    };
    let (mode, skills) = programme.map_or((None, 0), |p| (p.it.mode, p.it.skills));
    let mode = mode.map_or_else(String::new, |at| code(Dimension::Mode, usize::from(at)));
    let skill = if skills.count_ones() == 1 {
        code(Dimension::Skill, skills.trailing_zeros() as usize)
    } else {
        String::new()
    };
    let employer = known.organisation_name(cohort.employer);
    Ok(blank_row(cohort, employer, &mode, &skill))
}

/// Adds a learner to a cohort. `answers` are texts by column; `doubtful` says what a row is that may correct one that is recorded.
///
/// # Errors
/// [`ImportError`]; nothing was stored then.
pub(crate) async fn join(
    store: &Store,
    own: &Own,
    cohort: &Stored<Cohort>,
    answers: &[(String, String)],
    doubtful: Doubtful,
    by: &By,
) -> Result<Joined, ImportError> {
    let known = store.known().await?;
    let employers = super::employers(store, own, &known).await?;
    let named = answers.iter().find(|(name, _)| name == EMPLOYER);
    let named = named.map_or("", |(_, text)| text.as_str());
    let employer = employers.iter().find(|(_, name)| name == named);
    let unknown = !named.is_empty() && employer.is_none();
    let how = Bringing {
        cohort: Some(cohort.id),
        employer: employer.map(|(id, _)| *id),
        // What is wrong besides is said at once.
        dry_run: unknown,
        doubtful,
        adds: true,
        ..Bringing::default()
    };
    let row = row_of(answers, known.programme_code(Some(cohort.it.programme)));
    let file = std::io::Cursor::new(row);
    let report = bring(store, &own.key, own, file, &how, by).await?;
    if report.outcome == Outcome::Stored {
        return Ok(match report.tally {
            tally if tally.erased > 0 => Joined::Erased,
            tally if tally.added > 0 => Joined::Added,
            _ => Joined::Corrected,
        });
    }
    let wrong = report.problems.detailed().iter().cloned();
    let unknown = unknown.then(no_employer);
    Ok(Joined::Refused(wrong.chain(unknown).collect()))
}
