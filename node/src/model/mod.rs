//! What a coordinator describes: organisations, programmes, cohorts, spend, demand and services.
//!
//! A page's form, a command and a program's JSON say the same thing in the same columns, each a text, as a row of the programme file
//! does; [`add`] and [`change`] read and keep it, with its history, for all three. Who changes a row names the version that they saw: of
//! two people the second is told what the first one did ([`Trouble::Changed`]), and nothing is overwritten silently.

mod cohort;
pub(crate) mod demand;
pub(crate) mod gathering;
mod item;
mod organisation;
pub(crate) mod programme;
pub(crate) mod question;
pub(crate) mod service;
mod spend;
mod term;
#[cfg(test)]
mod tests;

use jiff::Timestamp;
use sqlx::SqliteConnection;

pub(crate) use cohort::is_trained;
pub(crate) use question::{Answer, Question, codes};

use crate::import::faults;
use crate::import::report::RowProblem;
use crate::import::rows::{Row, alone};
use crate::store::audit::append;
use crate::store::history::{self, Change};
use crate::store::kept::{self, Kept, Known, Stands, Stored};
use crate::store::{Store, StoreError};
use crate::words;

/// A kind of row with its columns.
pub(crate) trait Model: Kept {
    /// Stable names; the first is what a row is known by.
    const COLUMNS: &'static [&'static str];

    /// Reads a row of these columns; what is wrong is reported to `row`.
    fn read(row: &mut Row<'_>, known: &Known) -> Option<Self>;

    /// The texts that [`Self::read`] makes it of again.
    fn texts(&self, known: &Known) -> Vec<String>;

    /// The columns as people are asked for them.
    fn questions(known: &Known) -> Vec<Question>;

    /// What to do with a row that was added by mistake and that something stands on.
    const STAYS: &'static str;

    /// What a row is called where one name has to do; it may name another row.
    fn title(&self, known: &Known) -> String;

    /// Adds what the node says of a row by itself, before it is kept.
    fn complete(
        &mut self,
        _tx: &mut SqliteConnection,
        _before: Option<&Stored<Self>>,
    ) -> impl Future<Output = Result<(), StoreError>> + Send {
        std::future::ready(Ok(()))
    }

    /// What `it` would change of a row and what hangs on the row forbids.
    fn fixed(
        _before: &Stored<Self>,
        _it: &Self,
        _tx: &mut SqliteConnection,
    ) -> impl Future<Output = Result<Vec<RowProblem>, StoreError>> + Send {
        std::future::ready(Ok(Vec::new()))
    }
}

/// Why nothing was kept.
#[derive(Debug)]
pub(crate) enum Trouble<M> {
    /// The database.
    Store(StoreError),
    /// Everything that is wrong with the texts.
    Fields(Vec<RowProblem>),
    /// There is no row of this number.
    Missing,
    /// Somebody changed the row meanwhile: as it is now.
    Changed(Box<Stored<M>>),
}

impl<M> From<StoreError> for Trouble<M> {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl<M> From<sqlx::Error> for Trouble<M> {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

/// Reads texts, one for each column.
///
/// # Errors
/// Everything that is wrong with them.
pub(crate) fn read<M: Model>(texts: &[String], known: &Known) -> Result<M, Vec<RowProblem>> {
    alone(M::COLUMNS, texts, |row| M::read(row, known))
}

/// Keeps a new row.
///
/// # Errors
/// [`Trouble`]; nothing was kept then.
pub(crate) async fn add<M: Model>(
    store: &Store,
    texts: &[String],
    who: &str,
    now: Timestamp,
) -> Result<Stored<M>, Trouble<M>> {
    keep(store, None, texts, who, now).await
}

/// Changes row `id` as somebody saw it in version `version`. What says nothing new changes nothing.
///
/// # Errors
/// [`Trouble`]; nothing was changed then.
pub(crate) async fn change<M: Model>(
    store: &Store,
    (id, version): (i64, i64),
    texts: &[String],
    who: &str,
    now: Timestamp,
) -> Result<Stored<M>, Trouble<M>> {
    keep(store, Some((id, version)), texts, who, now).await
}

async fn keep<M: Model>(
    store: &Store,
    at: Option<(i64, i64)>,
    texts: &[String],
    who: &str,
    now: Timestamp,
) -> Result<Stored<M>, Trouble<M>> {
    let mut tx = store.write().await?;
    let known = Known::read(&mut tx).await?;
    let before = match at {
        None => None,
        Some((id, _)) => Some(
            M::rows(&mut tx, Some(id))
                .await?
                .pop()
                .ok_or(Trouble::Missing)?,
        ),
    };
    let it: M = read(texts, &known).map_err(Trouble::Fields)?;
    if let (Some(before), Some((_, version))) = (&before, at) {
        // Sent twice, or the same thing by two people: there is nothing to lose.
        if before.it.texts(&known) == it.texts(&known) {
            return Ok(before.clone());
        }
        if before.version != version {
            return Err(Trouble::Changed(Box::new(before.clone())));
        }
        let fixed = M::fixed(before, &it, &mut tx).await?;
        if !fixed.is_empty() {
            return Err(Trouble::Fields(fixed));
        }
    }
    if let Some(before) = &before
        && !it.carry(&mut tx, &before.it).await?
    {
        let other = faults::OTHERS_RECORDS.at(1, M::COLUMNS.first().copied());
        return Err(Trouble::Fields(vec![other]));
    }
    let Some(id) = write(&mut tx, &known, before.as_ref(), &it, who, now).await? else {
        let taken = faults::TAKEN.at(1, M::COLUMNS.first().copied());
        return Err(Trouble::Fields(vec![taken]));
    };
    let stored = M::rows(&mut tx, Some(id))
        .await?
        .pop()
        .ok_or(Trouble::Missing)?;
    let done = if before.is_some() { "changed" } else { "added" };
    let action = format!("{} {done}", M::KIND.as_str());
    append(&mut tx, now, who, &action, &stored.it.title(&known)).await?;
    tx.commit().await?;
    Ok(stored)
}

/// Writes a row with its history; `None` when its code or name is another row's.
pub(crate) async fn write<M: Model>(
    tx: &mut SqliteConnection,
    known: &Known,
    before: Option<&Stored<M>>,
    it: &M,
    who: &str,
    now: Timestamp,
) -> Result<Option<i64>, StoreError> {
    let mut it = it.clone();
    it.complete(tx, before).await?;
    let Some(id) = it.put(tx, before.map(|before| before.id)).await? else {
        return Ok(None);
    };
    let id = match before {
        Some(_) => id,
        None => kept::renumber::<M>(tx, id).await?,
    };
    let blank = vec![String::new(); M::COLUMNS.len()];
    let was = before.map_or(blank, |before| before.it.texts(known));
    let said = |text: String| (!text.is_empty()).then_some(text);
    let changes = M::COLUMNS.iter().zip(was.into_iter().zip(it.texts(known)));
    let changes: Vec<Change> = changes
        .filter(|(_, (was, is))| was != is)
        .map(|(field, (was, is))| Change {
            row: id,
            field,
            before: said(was),
            after: said(is),
        })
        .collect();
    history::record(tx, now, who, M::KIND, &changes).await?;
    Ok(Some(id))
}

/// What stands on a row in words: what has to go before it can.
pub(crate) fn standing<M: Model>(stands: &[Stands]) -> Vec<RowProblem> {
    let problem = |stands: &Stands| RowProblem {
        cause: match stands.number {
            Some(n) => {
                let n = usize::try_from(n).unwrap_or(usize::MAX);
                words::sentence(&words::some(n, stands.one, stands.many))
            }
            None => words::sentence(stands.many),
        }
        .into(),
        remedy: M::STAYS.into(),
        ..faults::IN_USE.at(1, None)
    };
    stands.iter().map(problem).collect()
}

/// Takes row `id` out, as somebody saw it in version `version`, while nothing stands on it. What it said stays in its history.
///
/// # Errors
/// [`Trouble`]; nothing was taken out then. Its fields say what stands on the row.
pub(crate) async fn remove<M: Model>(
    store: &Store,
    (id, version): (i64, i64),
    who: &str,
    now: Timestamp,
) -> Result<Stored<M>, Trouble<M>> {
    let mut tx = store.write().await?;
    let known = Known::read(&mut tx).await?;
    let row = M::rows(&mut tx, Some(id)).await?.pop();
    let row = row.ok_or(Trouble::Missing)?;
    if row.version != version {
        return Err(Trouble::Changed(Box::new(row)));
    }
    let stands = kept::standing(&mut tx, &row).await?;
    if !stands.is_empty() {
        return Err(Trouble::Fields(standing::<M>(&stands)));
    }
    went(&mut tx, &known, &row, who, now).await?;
    kept::delete::<M>(&mut tx, id).await?;
    let action = format!("{} deleted", M::KIND.as_str());
    append(&mut tx, now, who, &action, &row.it.title(&known)).await?;
    tx.commit().await?;
    Ok(row)
}

/// Writes into the history of a row that goes what it said.
async fn went<M: Model>(
    tx: &mut SqliteConnection,
    known: &Known,
    row: &Stored<M>,
    who: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    let texts = M::COLUMNS.iter().zip(row.it.texts(known));
    let changes: Vec<Change> = texts
        .filter(|(_, text)| !text.is_empty())
        .map(|(field, text)| Change {
            row: row.id,
            field,
            before: Some(text),
            after: None,
        })
        .collect();
    history::record(tx, now, who, M::KIND, &changes).await
}

/// The texts of `pairs`, which name columns; what comes more than once under a name, as ticked boxes do, is one text.
///
/// # Errors
/// The first name that is no column.
pub(crate) fn texts<M: Model>(
    mut texts: Vec<String>,
    pairs: impl IntoIterator<Item = (String, String)>,
) -> Result<Vec<String>, String> {
    let mut named = vec![false; M::COLUMNS.len()];
    for (name, value) in pairs {
        let Some(at) = M::COLUMNS.iter().position(|column| *column == name) else {
            return Err(name);
        };
        if std::mem::replace(&mut named[at], true) {
            texts[at] = format!("{}; {value}", texts[at]);
        } else {
            texts[at] = value;
        }
    }
    Ok(texts)
}

/// A row without any text.
pub(crate) fn blank<M: Model>() -> Vec<String> {
    vec![String::new(); M::COLUMNS.len()]
}

/// Pounds and pence as they are typed.
fn pounds(pence: Option<i64>) -> String {
    pence.map_or_else(String::new, |pence| {
        format!("{}.{:02}", pence / 100, pence % 100)
    })
}

fn iso(date: Option<jiff::civil::Date>) -> String {
    date.map_or_else(String::new, |date| date.to_string())
}

fn number(number: Option<i64>) -> String {
    number.map_or_else(String::new, |number| number.to_string())
}
