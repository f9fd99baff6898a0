//! Demand in columns.

use jiff::Timestamp;
use jiff::civil::Date;
use ldsp_protocol::geography::{District, Geography};
use ldsp_protocol::ids::{Gss, Period};
use ldsp_protocol::personal;
use ldsp_protocol::standard::{Dimension, NOT_STATED};
use sqlx::SqliteConnection;

use super::programme::stated;
use super::{Answer, Model, Question, codes, iso};
use crate::demand::summary::Skill;
use crate::import::programmes::text;
use crate::import::rows::Row;
use crate::import::{faults, values};
use crate::store::audit::append;
use crate::store::demand::{Asks, Counts, Demand, How, Sure, free_code};
use crate::store::kept::{Kept, Known, Stored, delete};
use crate::store::organisations::OrganisationKind;
use crate::store::providers::folded;
use crate::store::{Store, StoreError};

const REFERENCE: usize = 0;
const ASKS: usize = 1;
const ORGANISATION: usize = 2;
const TIER: usize = 3;
const SKILL: usize = 4;
const AUDIENCE: usize = 5;
const AREA: usize = 6;
const NUMBER: usize = 7;
const COUNTS: usize = 8;
const FROM: usize = 9;
const UNTIL: usize = 10;
const HOW: usize = 11;
const SURE: usize = 12;
const BY: usize = 13;
const HOLDS_UNTIL: usize = 14;
const NOTE: usize = 15;

/// Most of anything that one row may count.
const MOST: i64 = 1_000_000;
/// The area's word for all of it.
pub(crate) const WHOLE: &str = "whole";
/// What stands for a number that its source suppressed.
pub(crate) const NOT_PUBLISHED: &str = "not published";

/// The districts that the node's LEP owns.
pub(crate) fn districts(known: &Known) -> Vec<&'static District> {
    let all = Geography::embedded().districts();
    all.filter(|district| known.lep.as_ref() == Some(&district.owner))
        .collect()
}

/// A district of the LEP, by its code, an abolished one that became it, or its name; `Some(None)` for all of them.
pub(crate) fn area(text: &str, known: &Known) -> Option<Option<Gss>> {
    let wanted = folded(text);
    let is_lep = known.lep.as_ref().is_some_and(|lep| {
        let name = Geography::embedded().lep(lep).map(|lep| folded(&lep.name));
        text == lep.as_str() || name.as_deref() == Some(&wanted)
    });
    if is_lep || [WHOLE, "whole area", "all"].contains(&wanted.as_str()) {
        return Some(None);
    }
    let code: Option<Gss> = text.parse().ok();
    let code = code.map(|code| Geography::embedded().current(&code).clone());
    let is = |district: &&District| {
        code.as_ref() == Some(&district.code) || folded(&district.name) == wanted
    };
    let found = districts(known).into_iter().find(|district| is(district));
    found.map(|district| Some(district.code.clone()))
}

fn reference(row: &mut Row<'_>) -> String {
    let code = row.text(REFERENCE).to_owned();
    if !code.is_empty() && !values::is_code(&code) {
        row.problem(REFERENCE, faults::CODE_FORM);
    } else if !personal::find(&code).is_empty() {
        row.problem(REFERENCE, faults::PERSONAL);
    }
    code
}

/// A word of a list, or `blank` where the column is empty.
fn word<T>(
    row: &mut Row<'_>,
    column: usize,
    named: fn(&str) -> Option<T>,
    fault: crate::import::report::Fault,
    blank: Option<T>,
) -> Option<T> {
    let text = row.text(column);
    if text.is_empty() {
        if blank.is_none() {
            row.problem(column, faults::REQUIRED);
        }
        return blank;
    }
    let found = named(text);
    if found.is_none() {
        row.problem(column, fault);
    }
    found
}

/// The kind of organisation that asks so.
fn kind_of(asks: Asks) -> Option<OrganisationKind> {
    match asks {
        Asks::Individual => None,
        Asks::Employer => Some(OrganisationKind::Employer),
        Asks::Charity => Some(OrganisationKind::Charity),
        Asks::PublicBody => Some(OrganisationKind::PublicBody),
    }
}

fn organisation(row: &mut Row<'_>, asks: Option<Asks>, known: &Known) -> Option<i64> {
    let name = row.text(ORGANISATION);
    let fault = match known.organisation(name) {
        Some((id, kind)) if asks.is_none_or(|asks| kind_of(asks) == Some(kind)) => return Some(id),
        Some(_) => faults::OTHER_ASKS,
        None if name.is_empty() => return None,
        None => faults::ORGANISATION,
    };
    row.problem(ORGANISATION, fault);
    None
}

/// A month as it is written here, or as spreadsheets write it: of a day its month; `03/2022`, `Mar-22`, `March 2022`. Two numbers of two digits may
/// be a day, so they are none.
pub(super) fn read_month(text: &str) -> Option<Period> {
    let day: Option<Date> = text.parse().ok();
    if let Some(month) = text.parse().ok().or_else(|| day.and_then(Period::of)) {
        return Some(month);
    }
    let (month, year) = text.split_once(['/', '-', ' ', '.'])?;
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    let number: Option<i16> = year.trim().parse().ok().filter(|_| digits(year.trim()));
    let number = number?;
    const NAMES: [&str; 12] = [
        "january",
        "february",
        "march",
        "april",
        "may",
        "june",
        "july",
        "august",
        "september",
        "october",
        "november",
        "december",
    ];
    let word = month.trim().to_lowercase();
    let named = || {
        let found = NAMES
            .iter()
            .position(|name| word.len() >= 3 && name.starts_with(&word));
        found.and_then(|at| i8::try_from(at + 1).ok())
    };
    match (
        word.parse::<i8>().ok().filter(|_| digits(&word)),
        year.trim().len(),
    ) {
        (Some(month), 4) => Period::new(number, month).ok(),
        (None, 4) => Period::new(number, named()?).ok(),
        (None, 2) => Period::new(2000 + number, named()?).ok(),
        _ => None,
    }
}

/// A month from 2000 on, also where a day of it is given; `None` for an empty column or a problem.
fn month(row: &mut Row<'_>, column: usize, required: bool) -> Option<Period> {
    let text = row.text(column);
    if text.is_empty() {
        if required {
            row.problem(column, faults::REQUIRED);
        }
        return None;
    }
    let month = read_month(text).filter(|month: &Period| month.year() >= 2000);
    if month.is_none() {
        row.problem(column, faults::MONTH);
    }
    month
}

/// How many; `Some(None)`: its source did not publish it.
fn number(row: &mut Row<'_>) -> Option<Option<i64>> {
    let text = row.text(NUMBER);
    if text.is_empty() {
        row.problem(NUMBER, faults::REQUIRED);
        return None;
    }
    if folded(text) == NOT_PUBLISHED || text == "**" {
        return Some(None);
    }
    let number = values::whole(text, 1, MOST);
    if number.is_none() {
        row.problem(NUMBER, faults::NUMBER);
    }
    number.map(Some)
}

fn choices<T: Copy>(
    all: &[T],
    id: fn(T) -> &'static str,
    words: fn(T) -> &'static str,
) -> Vec<(String, String)> {
    let each = all.iter().copied();
    each.map(|it| (id(it).to_owned(), words(it).to_owned()))
        .collect()
}

/// Ids and titles of the columns whose words are the program's own.
pub(crate) fn own_words(column: &str) -> Option<Vec<(String, String)>> {
    Some(match column {
        "asks" => choices(Asks::ALL, Asks::id, Asks::in_words),
        "counts" => choices(Counts::ALL, Counts::id, Counts::in_words),
        "how" => choices(How::ALL, How::id, How::in_words),
        "sure" => choices(Sure::ALL, Sure::id, Sure::in_words),
        _ => return None,
    })
}

fn one_of(column: &str) -> Answer {
    Answer::One(own_words(column).unwrap_or_default())
}

/// The district's name, or that it is all of them.
pub(crate) fn area_title(district: Option<&Gss>) -> String {
    let Some(code) = district else {
        return "Whole area".to_owned();
    };
    let found = Geography::embedded().district(code);
    found.map_or_else(|| code.to_string(), |district| district.name.clone())
}

impl Model for Demand {
    const STAYS: &'static str = "Give it a last month instead.";
    const COLUMNS: &'static [&'static str] = &[
        "reference",
        "asks",
        "organisation",
        "tier",
        "skill",
        "audience",
        "area",
        "number",
        "counts",
        "from",
        "until",
        "how",
        "sure",
        "by",
        "holds_until",
        "note",
    ];

    fn read(row: &mut Row<'_>, known: &Known) -> Option<Self> {
        let code = reference(row);
        let asks = word(row, ASKS, Asks::named, faults::ASKS, None);
        let organisation = organisation(row, asks, known);
        let tier = values::code(row, TIER, Dimension::Tier, NOT_STATED);
        let skill = values::code(row, SKILL, Dimension::Skill, NOT_STATED);
        let audience = values::code(row, AUDIENCE, Dimension::Audience, NOT_STATED);
        let district = area(row.text(AREA), known);
        if district.is_none() {
            let missing = row.text(AREA).is_empty();
            row.problem(
                AREA,
                if missing {
                    faults::REQUIRED
                } else {
                    faults::AREA
                },
            );
        }
        let number = number(row);
        let people = Some(Counts::People);
        let counts = word(row, COUNTS, Counts::named, faults::COUNTS, people);
        let from = month(row, FROM, true);
        let until = month(row, UNTIL, false);
        if from.zip(until).is_some_and(|(from, until)| until < from) {
            row.problem(UNTIL, faults::END_BEFORE);
        }
        let how = word(row, HOW, How::named, faults::HOW, None);
        let sure = word(row, SURE, Sure::named, faults::SURE, None);
        let said_by = text(row, BY, true);
        let holds_until = values::date(row, HOLDS_UNTIL);
        let note = text(row, NOTE, false);
        Some(Self {
            code,
            asks: asks?,
            organisation,
            tier: tier?,
            skill: skill?,
            audience: audience?,
            district: district?,
            number: number?,
            counts: counts?,
            from: from?,
            until,
            how: how?,
            sure: sure?,
            said_by,
            holds_until,
            note,
            largest: None,
            import: None,
        })
    }

    fn texts(&self, known: &Known) -> Vec<String> {
        let month = |month: Option<Period>| month.map_or_else(String::new, |m| m.to_string());
        let district = self.district.as_ref();
        vec![
            self.code.clone(),
            self.asks.id().to_owned(),
            known.organisation_name(self.organisation).to_owned(),
            stated(Dimension::Tier, self.tier),
            stated(Dimension::Skill, self.skill),
            stated(Dimension::Audience, self.audience),
            district.map_or_else(|| WHOLE.to_owned(), ToString::to_string),
            (self.number).map_or_else(|| NOT_PUBLISHED.to_owned(), |number| number.to_string()),
            self.counts.id().to_owned(),
            month(Some(self.from)),
            month(self.until),
            self.how.id().to_owned(),
            self.sure.id().to_owned(),
            self.said_by.clone(),
            iso(self.holds_until),
            self.note.clone(),
        ]
    }

    fn questions(known: &Known) -> Vec<Question> {
        let asking = |kind| {
            use OrganisationKind::{Charity, Employer, PublicBody};
            matches!(kind, Employer | Charity | PublicBody)
        };
        let organisations = known.organisations.iter();
        let organisations = organisations
            .filter(|(_, _, kind)| asking(*kind))
            .map(|(_, name, _)| (name.clone(), name.clone()))
            .collect();
        let whole = (WHOLE.to_owned(), "The whole area".to_owned());
        let areas = districts(known).into_iter();
        let areas = areas.map(|d| (d.code.to_string(), d.name.clone()));
        let areas = std::iter::once(whole).chain(areas).collect();
        vec![
            Question::new("reference", "Reference", Answer::Line)
                .hint("Your own name for it, such as SURVEY-3: letters, digits, dot, hyphen, underscore and slash. Leave it empty and it gets a number")
                .listed(),
            Question::new("asks", "Who asks", one_of("asks"))
                .required()
                .listed(),
            Question::new("organisation", "Which organisation", Answer::One(organisations))
                .hint("One of the page Organisations, where one asks for itself"),
            Question::new("tier", "Tier", Answer::One(codes(Dimension::Tier))),
            Question::new("skill", "Skill", Answer::One(codes(Dimension::Skill))).listed(),
            Question::new("audience", "Who is to learn it", Answer::One(codes(Dimension::Audience))),
            Question::new("area", "Where", Answer::One(areas))
                .required()
                .listed(),
            Question::new("number", "How many", Answer::Number)
                .hint("From 1 to 1,000,000; or the words not published, where the source suppressed its number")
                .required()
                .exact()
                .listed(),
            Question::new("counts", "What the number counts", one_of("counts"))
                .hint("People to be trained, unless you say otherwise")
                .listed(),
            Question::new("from", "From which month", Answer::Month)
                .hint("When it is needed, such as 2022-09")
                .required()
                .listed(),
            Question::new("until", "Until which month", Answer::Month),
            Question::new("how", "How it was learnt", one_of("how"))
                .required()
                .listed(),
            Question::new("sure", "How sure it is", one_of("sure"))
                .required()
                .listed(),
            Question::new("by", "Who said so", Answer::Line)
                .hint("A role or a body, such as Skills Advisory Panel; never a person\u{2019}s name")
                .required(),
            Question::new("holds_until", "Last day on which it is taken for true", Answer::Date)
                .hint("After it, the figure is left out of the summary until somebody looks at it again")
                .listed(),
            Question::new("note", "Note", Answer::Line)
                .hint("A sentence on what is behind it. No names, addresses or numbers of people"),
        ]
    }

    fn title(&self, _: &Known) -> String {
        let (skill, area) = (Skill::of(self).title(), area_title(self.district.as_ref()));
        format!("{}: {skill}, {area}", self.code)
    }

    async fn complete(
        &mut self,
        tx: &mut SqliteConnection,
        before: Option<&Stored<Self>>,
    ) -> Result<(), StoreError> {
        if let Some(Stored { it: before, .. }) = before {
            self.import = before.import;
            let same = (self.number, self.counts, self.asks, self.organisation)
                == (
                    before.number,
                    before.counts,
                    before.asks,
                    before.organisation,
                );
            self.largest = self.largest.or(before.largest.filter(|_| same));
            if self.code.is_empty() {
                self.code.clone_from(&before.code);
            }
        }
        if self.code.is_empty() {
            self.code = free_code(tx).await?;
        }
        Ok(())
    }
}

/// What became of the rows of a file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Removed {
    /// Rows that went.
    pub(crate) gone: usize,
    /// Rows that somebody changed since, which stay.
    pub(crate) stay: usize,
}

/// Takes out what a file brought, but for what somebody changed since. What went stays in the history.
///
/// # Errors
/// The database; nothing went then.
pub(crate) async fn remove_import(
    store: &Store,
    import: i64,
    who: &str,
    now: Timestamp,
) -> Result<Removed, StoreError> {
    let mut tx = store.write().await?;
    let known = Known::read(&mut tx).await?;
    let all = Demand::rows(&mut tx, None).await?;
    let mut removed = Removed::default();
    for row in all.iter().filter(|row| row.it.import == Some(import)) {
        if row.version > 1 {
            removed.stay += 1;
            continue;
        }
        super::went(&mut tx, &known, row, who, now).await?;
        delete::<Demand>(&mut tx, row.id).await?;
        removed.gone += 1;
    }
    if removed.gone > 0 {
        let detail = format!(
            "import {import}: {} rows, {} changed since and kept",
            removed.gone, removed.stay
        );
        append(&mut tx, now, who, "demand import removed", &detail).await?;
    }
    tx.commit().await?;
    Ok(removed)
}
