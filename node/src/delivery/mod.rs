//! Recording delivery: what a provider sees and records of its own learners, and of nobody else's.
//!
//! Every function takes [`Own`], which only the organisation that somebody is bound to makes; what is not its own is not found. Rows go the way that every
//! row goes: a form is one row in the columns of the learner file.

mod correct;
mod due;
mod form;
mod handle;
mod join;
mod scales;
mod services;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use jiff::Timestamp;
use ldsp_protocol::standard::Standard;
use ldsp_ui::Bound;

pub(crate) use correct::{
    Described, Part, Said, correct, described, in_words, may_take_back, take_back,
};
pub(crate) use due::{When, count_due, due, positive};
pub(crate) use form::{
    COHORT, EMPLOYER, OF_COHORT, amendments, blank_row, corrections, endings, outcome_of,
    questions, row_of,
};
pub(crate) use handle::Handled;
pub(crate) use join::{Joined, begun, join, no_employer};
pub(crate) use scales::{ASK_CONFIDENCE, ASK_EVERYDAY, SOURCE, TASKS, questions as scales};
pub(crate) use services::{OF_SERVICE, assure, service, services};

use crate::import::learners::{Amended, amend as keep, answer as answered};
pub(crate) use crate::import::learners::{Answer, Answers};
use crate::import::mapping::{Kind, Reading};
use crate::import::pseudonym::PseudonymKey;
use crate::import::report::{ImportReport, RowProblem};
use crate::import::{self, Brings, Doubtful, ImportError, Options, london_day};
use crate::store::cohorts::Cohort;
use crate::store::delivery::{self, Entry, Number, Sought};
use crate::store::kept::{Known, Stored};
use crate::store::programmes::Programme;
use crate::store::quality::Question;
use crate::store::records::merge::By;
pub(crate) use crate::store::records::own::Stands;
use crate::store::records::persons::ident;
use crate::store::{Store, StoreError};

/// A provider, and by what names its records are found.
#[derive(Debug, Clone)]
pub(crate) struct Own {
    /// Its present name.
    pub(crate) name: String,
    /// Its first name, folded.
    root: Arc<str>,
    /// Every way in which files wrote it.
    names: Vec<String>,
    /// Its number among the organisations.
    pub(crate) organisation: i64,
    /// Makes the names of its rows in addresses.
    key: PseudonymKey,
}

impl Own {
    /// The provider that people are bound to.
    ///
    /// # Errors
    /// The database cannot be read.
    pub(crate) async fn of(
        store: &Store,
        key: &PseudonymKey,
        bound: &Bound,
    ) -> Result<Self, StoreError> {
        let mut reader = store.reader.acquire().await?;
        let roots = crate::store::providers::roots(&mut reader).await?;
        let root = roots.of(&bound.name);
        let all = store.providers().await?;
        let names = all.into_iter().map(|(name, _)| name);
        let mut names: Vec<String> = names.filter(|name| roots.of(name) == root).collect();
        // The first row that it brings is under this name, which no file has written before.
        if !names.contains(&bound.name) {
            names.push(bound.name.clone());
        }
        Ok(Self {
            name: bound.name.clone(),
            names,
            organisation: bound.id,
            root,
            key: key.clone(),
        })
    }
}

impl Own {
    /// Its first name, folded: what is kept for it alone is kept under this.
    pub(crate) fn root(&self) -> &str {
        &self.root
    }
}

/// The programmes that it leads or has a cohort of: what its files may name, besides what its records are of already.
///
/// # Errors
/// The database cannot be read.
pub(crate) async fn programmes(
    store: &Store,
    own: &Own,
) -> Result<Vec<Stored<Programme>>, StoreError> {
    let mut reader = store.reader.acquire().await?;
    let open = delivery::open_to(&mut reader, own.organisation, &own.root, false).await?;
    drop(reader);
    let all = store.programmes().await?.into_iter();
    Ok(all
        .filter(|programme| open.contains(&programme.id))
        .collect())
}

/// The cohorts that it delivers.
///
/// # Errors
/// The database cannot be read.
pub(crate) async fn cohorts(store: &Store, own: &Own) -> Result<Vec<Stored<Cohort>>, StoreError> {
    store.cohorts_of(own.organisation).await
}

/// The employers that its own cohorts and learners name, by name. The others of the area are none of its business: whose people a
/// competitor trains would tell who that one's customers are.
///
/// # Errors
/// The database cannot be read.
pub(crate) async fn employers(
    store: &Store,
    own: &Own,
    known: &Known,
) -> Result<Vec<(i64, String)>, StoreError> {
    let ids = store.employers_of(own.organisation, &own.names).await?;
    let all = known.organisations.iter();
    let named = all.filter(|(id, _, kind)| ids.contains(id) && crate::model::is_trained(*kind));
    Ok(named.map(|(id, name, _)| (*id, name.clone())).collect())
}

/// One of its cohorts; another's is none.
///
/// # Errors
/// The database cannot be read.
pub(crate) async fn cohort(
    store: &Store,
    own: &Own,
    id: i64,
) -> Result<Option<Stored<Cohort>>, StoreError> {
    let found: Option<Stored<Cohort>> = store.kept_one(id).await?;
    Ok(found.filter(|cohort| own.organisation == cohort.it.organisation))
}

/// Its enrolments as a list shows them, and how many there are on all pages together.
///
/// # Errors
/// The database cannot be read.
pub(crate) async fn learners(
    store: &Store,
    own: &Own,
    sought: &Sought,
) -> Result<(Vec<Entry>, u64), StoreError> {
    let (mut entries, all) = store.sought(&own.names, sought).await?;
    in_own_cohorts(store, own, entries.iter_mut()).await?;
    Ok((entries, all))
}

/// One of its enrolments; another's is none.
///
/// # Errors
/// The database cannot be read.
pub(crate) async fn entry(
    store: &Store,
    own: &Own,
    id: Number,
) -> Result<Option<Entry>, StoreError> {
    let mut found = store.one_of(&own.names, id).await?;
    in_own_cohorts(store, own, found.iter_mut()).await?;
    Ok(found)
}

/// Its enrolments under a reference of its own, by start.
///
/// # Errors
/// The database cannot be read.
pub(crate) async fn under(
    store: &Store,
    own: &Own,
    key: &PseudonymKey,
    reference: &str,
) -> Result<Vec<Entry>, StoreError> {
    let ident = number_of(own, key, reference);
    store.under(&own.names, ident).await
}

/// The number under which the node knows a reference of the provider's.
pub(crate) fn number_of(own: &Own, key: &PseudonymKey, reference: &str) -> i64 {
    ident(&key.of_reference(&own.root, reference.trim()))
}

/// Leaves the enrolments in own cohorts alone: a cohort that was given to another provider is that one's.
async fn in_own_cohorts(
    store: &Store,
    own: &Own,
    entries: impl Iterator<Item = &mut Entry>,
) -> Result<(), StoreError> {
    let cohorts = cohorts(store, own).await?;
    for entry in entries {
        let id = entry.cohort;
        entry.cohort = id.filter(|id| cohorts.iter().any(|cohort| cohort.id == *id));
    }
    Ok(())
}

/// What the LEP's people asked it about its records: open questions first, then the newest.
///
/// # Errors
/// The database cannot be read.
pub(crate) async fn asked(store: &Store, own: &Own) -> Result<Vec<Question>, StoreError> {
    let mut reader = store.reader.acquire().await?;
    let roots = crate::store::providers::roots(&mut reader).await?;
    let mut all = crate::store::quality::questions(&mut reader, None).await?;
    all.retain(|question| roots.of(&question.provider) == own.root);
    Ok(all)
}

/// Its figures: starts, leavers, and what became of them.
///
/// # Errors
/// The database cannot be read.
pub(crate) async fn figures(store: &Store, own: &Own) -> Result<delivery::Own, StoreError> {
    let stage = |id| {
        Standard::current()
            .parse_stage(id)
            .and_then(|at| u8::try_from(at).ok())
    };
    let stages = ["achieved", "completed-without-achievement", "withdrawn"]
        .map(|id| stage(id).unwrap_or(u8::MAX));
    store.own_figures_of(&own.names, stages, positive()).await
}

/// What a provider brings rows with.
#[derive(Debug, Clone, Default)]
pub(crate) struct Bringing {
    /// One of its cohorts.
    pub(crate) cohort: Option<i64>,
    /// The learners' employer.
    pub(crate) employer: Option<i64>,
    pub(crate) dry_run: bool,
    pub(crate) valid_rows: bool,
    pub(crate) doubtful: Doubtful,
    /// Somebody joins: an enrolment that is there is refused, not changed.
    pub(crate) adds: bool,
}

impl Bringing {
    /// How they are imported.
    pub(crate) fn options(&self, own: &Own, by: &By) -> Options {
        Options {
            who: by.who.clone(),
            dry_run: self.dry_run,
            valid_rows: self.valid_rows,
            doubtful: self.doubtful,
            brings: Some(Brings {
                provider: own.name.clone(),
                organisation: own.organisation,
                cohort: self.cohort,
                employer: self.employer,
                adds: self.adds,
            }),
            ..Options::default()
        }
    }
}

/// Imports rows of a provider: they go the way of every file, and a row of another provider is refused.
///
/// # Errors
/// [`ImportError`]; nothing was stored then.
pub(crate) async fn bring(
    store: &Store,
    key: &PseudonymKey,
    own: &Own,
    file: impl std::io::Read + std::io::Seek + Send + 'static,
    how: &Bringing,
    by: &By,
) -> Result<ImportReport, ImportError> {
    let (options, file) = (how.options(own, by), (Kind::Learners, file));
    import::file(store, key, file, &Reading::default(), &options, by.at).await
}

/// Why nothing was recorded.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// The database.
    Store(StoreError),
    /// What is wrong with the answers.
    Fields(Vec<RowProblem>),
    /// It is none of the provider's enrolments.
    Missing,
    /// Somebody changed it meanwhile.
    Changed,
    /// Something stands on it.
    Stands(Stands),
}

impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// Records what became of an enrolment, as it was seen in `version`: stage, end, destinations, answers. `texts` stand for the columns of
/// the learner file. The checks are those of the file, and it enters the store by the same way.
///
/// # Errors
/// [`Trouble`]; nothing was recorded then.
pub(crate) async fn amend(
    store: &Store,
    own: &Own,
    (id, version): (Number, i64),
    texts: &[String],
    by: &By,
) -> Result<(), Trouble> {
    entry(store, own, id).await?.ok_or(Trouble::Missing)?;
    match keep(store, (id.0, version), texts, london_day(by.at), by).await? {
        Amended::Done | Amended::Same => Ok(()),
        Amended::Changed => Err(Trouble::Changed),
        Amended::Refused(problems) => Err(Trouble::Fields(problems)),
    }
}

/// What learners of a provider answered at the start, or now, each as it was seen: all of it is recorded or, where anything is wrong, nothing.
///
/// # Errors
/// [`Trouble::Missing`] where one is none of the provider's; the store's.
pub(crate) async fn answer(
    store: &Store,
    own: &Own,
    at_start: bool,
    all: &[Answer],
    by: &By,
) -> Result<Answers, Trouble> {
    for answer in all {
        let id = Number(answer.at.0);
        entry(store, own, id).await?.ok_or(Trouble::Missing)?;
    }
    Ok(answered(store, at_start, all, by).await?)
}

/// The moment and person of an act.
pub(crate) fn by(who: &str, at: Timestamp) -> By {
    By {
        who: who.to_owned(),
        at,
    }
}
