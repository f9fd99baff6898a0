//! A tutor corrects what was recorded of a learner who joined: the row as it is held with what was typed over it, read by the checks of the file.
//!
//! Which learner it is (reference, ULN) cannot be changed in place: what was held under the mistaken reference would stay tied to the right one, for
//! ever. So the enrolment is taken out as if it had never come and enters anew, which it may while nothing stands on it.

use std::collections::HashMap;

use jiff::civil::Date;
use ldsp_protocol::ids::Gss;
use ldsp_protocol::standard::{Dimension, NOT_STATED, Standard};
use sqlx::SqliteConnection;

use super::{Column, Own, Parser};
use crate::import::Brings;
use crate::import::faults;
use crate::import::own_words;
use crate::import::pseudonym::PseudonymKey;
use crate::import::report::RowProblem;
use crate::import::rows::{Row, alone};
use crate::store::audit::append;
use crate::store::delivery;
use crate::store::imports::Tally;
use crate::store::kept::Known;
use crate::store::providers::{self, Roots, folded};
use crate::store::records::merge::{self, By, doubts};
use crate::store::records::own::{self, Placed, Stands};
use crate::store::records::{Doubtful, Enrolment, Pseudonym};
use crate::store::{Store, StoreError, day, ledger};

/// What came of it.
pub(crate) enum Corrected {
    /// It is recorded, under this number.
    Done(i64),
    /// Somebody changed it since it was read, or it is gone.
    Changed,
    /// It says who the learner is, and something stands on the enrolment.
    Stands(Stands),
    /// Everything that is wrong with what was said.
    Refused(Vec<RowProblem>),
}

/// What is said of an enrolment.
pub(crate) struct Correction<'a> {
    /// The columns of the learner file; one that is left out stays as it is held.
    pub(crate) texts: HashMap<&'a str, &'a str>,
    /// Whether it says who the learner is: the reference, and the ULN if there is one.
    pub(crate) who: bool,
    /// The provider's own reference as it is held.
    pub(crate) reference: Option<&'a str>,
    /// Where it stands now.
    pub(crate) placed: Placed,
    /// Cohort and employer as they are to be.
    pub(crate) cohort: Option<i64>,
    pub(crate) employer: Option<i64>,
}

/// The code at a place of a list; empty for what is not stated, as in a file.
fn code(dimension: Dimension, at: u8) -> String {
    let codes = &Standard::current().dimension(dimension).codes;
    let code = codes.get(usize::from(at));
    let code = code.filter(|code| code.id != NOT_STATED);
    code.map_or_else(String::new, |code| code.id.clone())
}

fn iso(date: Option<Date>) -> String {
    date.map_or_else(String::new, |date| date.to_string())
}

/// The row of the file that an enrolment as it is held would come as, but for what is not kept of it and for what became of it.
pub(crate) fn row_of(held: &Enrolment, programme: &str, reference: &str) -> Vec<String> {
    let stage = Standard::current().stages().get(usize::from(held.stage));
    let text = |column: &str| match column {
        "learner_ref" => reference.to_owned(),
        "sex" => code(Dimension::Sex, held.sex),
        "ethnicity" => code(Dimension::Ethnicity, held.ethnicity),
        "disability" => code(Dimension::Disability, held.disability),
        "prior_status" => code(Dimension::Prior, held.prior),
        "district" => held.district.as_deref().unwrap_or_default().to_owned(),
        "aim" => held.aim.to_string(),
        "programme" => programme.to_owned(),
        "skill" => code(Dimension::Skill, held.skill),
        "mode" => code(Dimension::Mode, held.mode),
        "start" => held.start.to_string(),
        "planned_end" => iso(held.planned_end),
        "end" => iso(held.end),
        "stage" => stage.map_or_else(String::new, |stage| stage.id.clone()),
        _ => String::new(),
    };
    super::COLUMNS.iter().map(|column| text(column)).collect()
}

/// What a correction is read with.
struct Reader<'a> {
    parser: Parser,
    root: &'a str,
    said: &'a Correction<'a>,
}

impl Reader<'_> {
    /// The enrolment as it is to be; of what is not said, and of what became of it, what is held.
    fn read(&mut self, row: &mut Row<'_>, held: &Enrolment) -> Option<Enrolment> {
        let is_aged = [Column::Age, Column::BirthDate]
            .iter()
            .any(|column| !row.text(*column).is_empty());
        let (read, _) = self.parser.fields(row);
        let mut new = read?;
        if !is_aged {
            new.age = held.age;
        }
        new.end = held.end;
        new.stage = held.stage;
        new.destinations = held.destinations;
        new.confidence = held.confidence;
        new.everyday = held.everyday;
        new.begun = held.begun;
        new.provider = held.provider.clone();
        if !self.said.who {
            new.learner = held.learner;
            new.reference = held.reference;
            new.own_reference.clone_from(&held.own_reference);
            new.spell = self.key_of(&new, held);
        }
        Some(new)
    }

    /// The key of the enrolment under its aim and start: made of the number of the learner that the one it has is made of.
    fn key_of(&self, new: &Enrolment, held: &Enrolment) -> Pseudonym {
        if folded(&new.aim) == folded(&held.aim) && new.start == held.start {
            return held.spell;
        }
        let key = &self.parser.key;
        let spelled = |learner: &Pseudonym, e: &Enrolment| {
            key.of_enrolment(self.root, learner, &folded(&e.aim), day(e.start))
        };
        let by_reference = self.said.reference;
        let by_reference = by_reference.map(|text| key.of_reference(self.root, text));
        let known = by_reference.filter(|learner| spelled(learner, held) == held.spell);
        spelled(&known.unwrap_or(held.learner), new)
    }
}

/// Corrects enrolment `id` of a provider as it was read in `version`.
pub(crate) async fn correct(
    store: &Store,
    key: &PseudonymKey,
    of: &Brings,
    (id, version): (i64, i64),
    said: &Correction<'_>,
    today: Date,
    by: &By,
) -> Result<Corrected, StoreError> {
    let Some(identity) = store.identity().await? else {
        return Ok(Corrected::Changed);
    };
    let mut tx = store.write().await?;
    let Some((now, held)) = merge::one(&mut tx, id).await? else {
        return Ok(Corrected::Changed);
    };
    if now != version {
        return Ok(Corrected::Changed);
    }
    if said.who
        && let Some(stands) = own::standing(&mut tx, id).await?
    {
        return Ok(Corrected::Stands(stands));
    }
    let roots = providers::roots(&mut tx).await?;
    let parser = parser(&mut tx, (key, &identity.lep), of, &held, &roots, today).await?;
    let root = roots.of(&of.provider);
    let read = texts(&mut tx, said, &held).await?;
    let mut reader = Reader {
        parser,
        root: &root,
        said,
    };
    let new = match alone(super::COLUMNS, &read, |row| reader.read(row, &held)) {
        Ok(new) => new,
        Err(problems) => return Ok(refused(problems)),
    };
    if clashes(&mut tx, id, &new, said.who).await? {
        let there = faults::THERE.at(1, Some(if said.who { "learner_ref" } else { "aim" }));
        return Ok(refused(vec![there]));
    }
    let number = if said.who {
        match anew(&mut tx, id, &new, (&root, roots.clone()), said, by).await? {
            Ok(number) => number,
            Err(problems) => return Ok(refused(problems)),
        }
    } else {
        if new != held {
            merge::revise(&mut tx, id, &new, by).await?;
        }
        let to = (said.cohort, said.employer);
        delivery::place_one(&mut tx, id, (&said.placed, to), by).await?;
        id
    };
    ledger::withheld::hold(&mut tx).await?;
    // Which one stands in its own history, and goes with it.
    append(
        &mut tx,
        by.at,
        &by.who,
        "enrolment corrected",
        "one enrolment",
    )
    .await?;
    tx.commit().await?;
    Ok(Corrected::Done(number))
}

fn refused(mut problems: Vec<RowProblem>) -> Corrected {
    for problem in &mut problems {
        own_words::say(problem.code, (&mut problem.cause, &mut problem.remedy));
    }
    Corrected::Refused(problems)
}

/// The held row with what was said over it.
async fn texts(
    tx: &mut SqliteConnection,
    said: &Correction<'_>,
    held: &Enrolment,
) -> Result<Vec<String>, StoreError> {
    let known = Known::read(tx).await?;
    let programme = known.programme_code(Some(held.programme));
    // A row without a reference would be nobody's; who it is, is not read where it is not said.
    let mut texts = row_of(held, programme, said.reference.unwrap_or("0"));
    for (column, text) in super::COLUMNS.iter().zip(&mut texts) {
        if let Some(said) = said.texts.get(column) {
            (*said).clone_into(text);
        }
    }
    Ok(texts)
}

async fn parser(
    tx: &mut SqliteConnection,
    (key, lep): (&PseudonymKey, &Gss),
    of: &Brings,
    held: &Enrolment,
    roots: &Roots,
    today: Date,
) -> Result<Parser, StoreError> {
    let known = Known::read(tx).await?;
    let own = Own::new(&of.provider, roots, &known);
    let mut open = delivery::open_to(tx, of.organisation, &own.root, false).await?;
    open.insert(held.programme);
    let programmes = known.programmes.into_iter();
    let programmes = programmes.filter(|(id, ..)| open.contains(id));
    Ok(Parser {
        key: key.clone(),
        lep: lep.clone(),
        programmes: programmes.map(|(id, code, _)| (code, id)).collect(),
        today,
        clean: Default::default(),
        roots: roots.clone(),
        new_providers: false,
        named: Vec::new(),
        own: Some(own),
        programme: None,
        silent: None,
    })
}

/// Whether another enrolment has the key already, or is the same one of the same learner.
async fn clashes(
    tx: &mut SqliteConnection,
    id: i64,
    new: &Enrolment,
    who: bool,
) -> Result<bool, StoreError> {
    let found = sqlx::query_scalar(
        "SELECT EXISTS (SELECT 1 FROM enrolments WHERE spell = $1 AND id != $2) OR NOT $3 AND EXISTS ( \
           SELECT 1 FROM enrolments WHERE learner = $4 AND id != $2 AND provider = $5 AND start_day = $6 AND lower(aim) = lower($7))",
    )
    .bind(&new.spell[..])
    .bind(id)
    .bind(who)
    .bind(&new.learner[..])
    .bind(&*new.provider)
    .bind(day(new.start))
    .bind(&*new.aim)
    .fetch_one(tx)
    .await?;
    Ok(found)
}

/// Takes the enrolment out and lets it enter as that of the learner whom it is of.
async fn anew(
    tx: &mut SqliteConnection,
    id: i64,
    new: &Enrolment,
    (root, roots): (&std::sync::Arc<str>, Roots),
    said: &Correction<'_>,
    by: &By,
) -> Result<Result<i64, Vec<RowProblem>>, StoreError> {
    own::take_out(tx, id).await?;
    let mut merging = merge::begin(tx, roots, by).await?;
    merging.own = Some(root.clone());
    merging.adds = true;
    let mut merged = merge::take(tx, vec![(1, new.clone())], &merging).await?;
    // A tutor who says whose it is says that it is none of that learner's others.
    let settled = doubts::settle(tx, &merging, Doubtful::New, true).await?;
    merge::end(tx).await?;
    merged.refused.extend(settled.refused);
    let mut tally = Tally {
        // Rows outside the area are taken off it.
        outside: merged.refused.len() as u64,
        ..Tally::default()
    };
    let problems: Vec<RowProblem> = (merged.refused.iter())
        .map(|why| tally.refuse(why))
        .collect();
    if !problems.is_empty() {
        return Ok(Err(problems));
    }
    if !merged.erased.is_empty() {
        return Ok(Err(vec![faults::LEARNER_ERASED.at(1, Some("learner_ref"))]));
    }
    let number = own::stand_for(tx, &new.spell, &said.placed).await?;
    Ok(Ok(number))
}
