//! What a tutor got wrong: another reference, another cohort, a code; and a learner who was added by mistake and is taken back.

use std::collections::HashMap;

use ldsp_protocol::standard::{Dimension, Standard};

use super::{Own, Trouble};
use crate::import::learners::{COLUMNS, Corrected, Correction, correct as keep, row_of};
use crate::import::{Brings, london_day};
use crate::store::audit::append;
use crate::store::delivery::{Entry, Number};
use crate::store::records::merge::{self, By};
use crate::store::records::own::{self as mine, Placed, Stands};
use crate::store::{Store, StoreError};

/// Columns that are corrected together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    Who,
    Person,
    Course,
    Cohort,
}

impl Part {
    pub(crate) const ALL: [Self; 4] = [Self::Who, Self::Person, Self::Course, Self::Cohort];

    /// The word in addresses.
    pub(crate) fn id(self) -> &'static str {
        match self {
            Self::Who => "who",
            Self::Person => "person",
            Self::Course => "course",
            Self::Cohort => "cohort",
        }
    }

    pub(crate) fn named(id: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|part| part.id() == id)
    }

    /// Its columns, of the learner file but for those of the cohort.
    pub(crate) fn columns(self) -> &'static [&'static str] {
        match self {
            Self::Who => &["learner_ref", "uln"],
            Self::Person => &[
                "age",
                "district",
                "sex",
                "ethnicity",
                "disability",
                "prior_status",
            ],
            Self::Course => &["aim", "skill", "mode", "start", "planned_end"],
            Self::Cohort => &["cohort", "employer"],
        }
    }
}

/// What is recorded of an enrolment.
pub(crate) struct Described {
    /// Texts of [`COLUMNS`], empty for what is not kept and for what became of it.
    pub(crate) texts: Vec<String>,
    /// The age band in words.
    pub(crate) age: &'static str,
}

impl Described {
    /// The text of a column; empty where it has none.
    pub(crate) fn text(&self, column: &str) -> &str {
        let at = COLUMNS.iter().position(|name| *name == column);
        at.and_then(|at| self.texts.get(at))
            .map_or("", String::as_str)
    }
}

/// What is recorded of one of the provider's enrolments; another's is none.
///
/// # Errors
/// The database cannot be read.
pub(crate) async fn described(
    store: &Store,
    own: &Own,
    entry: &Entry,
) -> Result<Option<Described>, StoreError> {
    if super::entry(store, own, entry.id).await?.is_none() {
        return Ok(None);
    }
    let known = store.known().await?;
    let mut reader = store.reader.acquire().await?;
    let Some((_, held)) = merge::one(&mut reader, entry.id.0).await? else {
        return Ok(None);
    };
    let programme = known.programme_code(Some(held.programme));
    let ages = &Standard::current().dimension(Dimension::Age).codes;
    let age = ages.get(usize::from(held.age));
    Ok(Some(Described {
        texts: row_of(
            &held,
            programme,
            entry.reference.as_deref().unwrap_or_default(),
        ),
        age: age.map_or("Not stated", |code| code.title.as_str()),
    }))
}

/// What is said of an enrolment; what is left out stays as it is.
#[derive(Debug, Clone, Default)]
pub(crate) struct Said {
    /// Columns of the learner file. A reference says who it is, with the ULN if one is given.
    pub(crate) texts: Vec<(String, String)>,
    /// One of the provider's cohorts, or none. Its programme is the enrolment's then.
    pub(crate) cohort: Option<Option<i64>>,
    /// One of the employers that it may name, or none.
    pub(crate) employer: Option<Option<i64>>,
}

/// Corrects an enrolment as it was seen in `version`, and gives its number: another one where it turns out to be of another learner.
///
/// # Errors
/// [`Trouble`]; nothing was recorded then.
pub(crate) async fn correct(
    store: &Store,
    own: &Own,
    (id, version): (Number, i64),
    said: &Said,
    by: &By,
) -> Result<Number, Trouble> {
    let held = store.one_of(&own.names, id).await?;
    let held = held.ok_or(Trouble::Missing)?;
    let mut texts: HashMap<&str, &str> = said
        .texts
        .iter()
        .map(|(column, text)| (column.as_str(), text.trim()))
        .collect();
    let is_given = |column: &str| texts.get(column).is_some_and(|text| !text.is_empty());
    let same = texts.get("learner_ref").copied() == held.reference.as_deref();
    let who = texts.contains_key("learner_ref") && (!same || is_given("uln"));
    let programme = match said.cohort.flatten() {
        None => None,
        Some(cohort) => {
            let cohort = super::cohort(store, own, cohort).await?;
            Some(cohort.ok_or(Trouble::Missing)?.it.programme)
        }
    };
    let known = store.known().await?;
    if programme.is_some() {
        texts.insert("programme", known.programme_code(programme));
    }
    let correction = Correction {
        texts,
        who,
        reference: held.reference.as_deref(),
        placed: Placed {
            cohort: held.cohort,
            employer: held.employer,
            version: held.version,
        },
        cohort: said.cohort.unwrap_or(held.cohort),
        employer: said.employer.unwrap_or(held.employer),
    };
    let of = Brings {
        provider: own.name.clone(),
        organisation: own.organisation,
        cohort: None,
        employer: None,
        adds: true,
    };
    let at = (id.0, version);
    let done = keep(store, &own.key, &of, at, &correction, london_day(by.at), by).await?;
    match done {
        Corrected::Done(number) => Ok(Number(number)),
        Corrected::Changed => Err(Trouble::Changed),
        Corrected::Stands(stands) => Err(Trouble::Stands(stands)),
        Corrected::Refused(problems) => Err(Trouble::Fields(problems)),
    }
}

/// Why an enrolment cannot be taken back; `None`: it can.
///
/// # Errors
/// The database cannot be read.
pub(crate) async fn may_take_back(store: &Store, id: Number) -> Result<Option<Stands>, StoreError> {
    let mut reader = store.reader.acquire().await?;
    mine::standing(&mut reader, id.0).await
}

/// Takes back an enrolment that the provider added by mistake, as it was seen in `version`: it is as if it had never come.
///
/// # Errors
/// [`Trouble`]; it stays then.
pub(crate) async fn take_back(
    store: &Store,
    own: &Own,
    (id, version): (Number, i64),
    by: &By,
) -> Result<(), Trouble> {
    super::entry(store, own, id)
        .await?
        .ok_or(Trouble::Missing)?;
    let mut tx = store.write().await?;
    match merge::one(&mut tx, id.0).await? {
        None => return Err(Trouble::Missing),
        Some((now, _)) if now != version => return Err(Trouble::Changed),
        Some(_) => {}
    }
    if let Some(stands) = mine::standing(&mut tx, id.0).await? {
        return Err(Trouble::Stands(stands));
    }
    mine::take_out(&mut tx, id.0).await?;
    let detail = format!("one enrolment of {}, added by mistake", own.name);
    append(&mut tx, by.at, &by.who, "enrolment taken back", &detail).await?;
    tx.commit().await.map_err(StoreError::from)?;
    Ok(())
}

/// Why it stays, and what to do instead.
pub(crate) fn in_words(stands: Stands) -> (&'static str, &'static str) {
    match stands {
        Stands::Counted => (
            "It was counted in a release, and what is published stays.",
            "If the learner left or never came, record the stage Withdrawn with the last day. If the learner asks for it, the coordinator of the area erases what is held.",
        ),
        Stands::Ilr => (
            "Your Individualised Learner Record names it.",
            "Take it out of your record: the next file that the coordinator imports takes it out here.",
        ),
        Stands::Others => (
            "It came with a file of the partnership and not by your own pages, files or programs.",
            "Ask the coordinator of the area to have it left out of that file.",
        ),
    }
}
