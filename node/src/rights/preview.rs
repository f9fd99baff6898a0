//! What an erasure would do, before it is done: to the records, to what was published, to the next release.

use jiff::civil::Date;
use serde::Serialize;
use sqlx::{AssertSqlSafe, Row as _, SqliteConnection};
use utoipa::ToSchema;

use super::{RightsError, Subject, meant};
use crate::home::Node;
use crate::store::ledger::KNOWN;
use crate::store::records::parts::{By, Part, parts};
use crate::store::records::persons::{Known, ident, known};
use crate::store::{StoreError, date};
use crate::words;

/// An enrolment as far as it helps to tell whether the right person was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Found {
    /// The training provider.
    pub provider: String,
    /// When it began.
    #[schema(value_type = String, format = Date)]
    pub start: Date,
}

/// Enrolments that came under one number, where those of several ULNs are tied together, or from one provider, by whose reference the learner is
/// asked for, where others gave the same ULN: perhaps of another learner.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Whose {
    /// What they are chosen by.
    #[schema(example = "0123456789abcdef")]
    pub part: String,
    /// Under which number they came, in words.
    pub by: String,
    /// The enrolments, oldest first.
    pub enrolments: Vec<Found>,
}

impl Whose {
    /// `split`: the provider whose reference was given has a part of its own.
    fn of(part: &Part, asked: Subject, split: bool) -> Result<Self, StoreError> {
        let by = match &part.uln {
            Some(uln) if ident(uln) == ident(&asked.0) => "The ULN that was given",
            _ if part.own => "The provider whose reference was given",
            Some(_) if split => "Other providers, under the ULN that it gave",
            Some(_) => "Another ULN",
            None => "A provider\u{2019}s reference alone",
        };
        let found = |(provider, start): (&String, i64)| {
            Ok(Found {
                provider: provider.clone(),
                start: day_of(start)?,
            })
        };
        let rows = part.rows.iter().map(|row| (&row.provider, row.start));
        Ok(Self {
            part: part.name(),
            by: by.to_owned(),
            enrolments: rows.map(found).collect::<Result<_, StoreError>>()?,
        })
    }
}

fn day_of(start: i64) -> Result<Date, StoreError> {
    date(start).ok_or_else(|| StoreError::Corrupt {
        table: "enrolments",
        column: "start_day",
        row: "(not shown)".to_owned(),
    })
}

/// What the node holds of a learner, and what erasing it does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = ErasurePreview)]
pub struct Preview {
    /// Enrolments, oldest first.
    pub enrolments: Vec<Found>,
    /// The day on which the learner's records were last erased.
    #[schema(required, value_type = Option<String>, format = Date)]
    pub erased: Option<Date>,
    /// Facts (a start, a leaving, a destination, an answer) that are in published figures, each as an anonymous one. They stay there.
    pub published: u64,
    /// Facts that are known, not published yet, and will not be.
    pub unpublished: u64,
    /// Enrolments whose start was published and whose leaving was not: "in progress" keeps them.
    pub left_open: u64,
    /// Published corrections that will not be made.
    pub corrections: u64,
    /// Whose records may be meant, where those of several ULNs, or of several providers, are tied together; else empty. A copy and an erasure ask which of them.
    pub parts: Vec<Whose>,
    /// All of it in words.
    pub effect: Vec<String>,
}

impl Preview {
    /// Why it has to be said first whose records are meant; `None` where it need not.
    #[must_use]
    pub fn tied(&self) -> Option<&'static str> {
        match self.parts.as_slice() {
            [] => None,
            [first, ..] if first.part == "provider" => Some(
                "Other providers hold records under the ULN that this one gave. Say first which of them are the learner\u{2019}s: one wrong digit of a ULN makes somebody else\u{2019}s records look like theirs.",
            ),
            _ => Some(
                "Records of more than one unique learner number (ULN) are tied together here. Say first which of them are the learner\u{2019}s: when a provider corrects a wrong ULN, a stranger may be tied to its learner.",
            ),
        }
    }
}

/// What the node holds under `subject`, or of the parts of it that were chosen ([`Whose`]), and what erasing it would do. Nothing is changed.
///
/// # Errors
/// [`RightsError::Unfit`] for parts that are none; the store's.
pub async fn preview(
    node: &Node,
    subject: Subject,
    chosen: &[String],
) -> Result<Preview, RightsError> {
    if !chosen.is_empty() {
        // They are told apart for as long as it takes to look.
        let mut tx = node.store.write().await?;
        let person = meant(&mut tx, node, subject, chosen).await?;
        let found = of(&mut tx, &person).await?;
        tx.rollback().await?;
        return Ok(found);
    }
    let mut reader = node.store.reader.begin().await?;
    let person = known(&mut reader, &[subject.0], &[]).await?;
    let mut found = of(&mut reader, &person).await?;
    let parts = parts(&mut reader, &node.pseudonyms, &person, By::Asked(subject.0)).await?;
    let split = parts.iter().any(|part| part.own);
    let parts = parts.iter().map(|part| Whose::of(part, subject, split));
    found.parts = parts.collect::<Result<_, StoreError>>()?;
    if let Some(said) = found.tied() {
        found.effect.insert(0, said.to_owned());
    }
    Ok(found)
}

/// As [`preview`], for a person who was found.
pub(super) async fn of(
    connection: &mut SqliteConnection,
    person: &Known,
) -> Result<Preview, StoreError> {
    let mut found = Preview {
        enrolments: Vec::new(),
        erased: person.erased.and_then(date),
        published: 0,
        unpublished: 0,
        left_open: 0,
        corrections: 0,
        parts: Vec::new(),
        effect: Vec::new(),
    };
    let sql = format!(
        "SELECT provider, start_day, counted, CASE WHEN enters = 1 AND in_area = 1 THEN {KNOWN} & ~(counted | withheld) ELSE 0 END,
           EXISTS (SELECT 1 FROM corrections WHERE enrolment = enrolments.id AND settled = 0)
         FROM enrolments WHERE learner = $1 ORDER BY start_day, id"
    );
    for learner in &person.learners {
        let rows = sqlx::query(AssertSqlSafe(sql.as_str()))
            .bind(&learner[..])
            .fetch_all(&mut *connection)
            .await?;
        for row in rows {
            let (counted, fresh): (i64, i64) = (row.try_get(2)?, row.try_get(3)?);
            let start = day_of(row.try_get(1)?)?;
            found.enrolments.push(Found {
                provider: row.try_get(0)?,
                start,
            });
            found.published += u64::from(counted.count_ones());
            found.unpublished += u64::from(fresh.count_ones());
            found.left_open += u64::from(counted & 3 == 1);
            found.corrections += u64::from(row.try_get::<i64, _>(4)? == 1);
        }
    }
    found.effect = found.in_words();
    Ok(found)
}

impl Preview {
    fn in_words(&self) -> Vec<String> {
        let mut said = Vec::new();
        if let Some(on) = self.erased {
            said.push(format!(
                "Records of this learner were erased before, last on {}. What began by then is left out of every later file.",
                words::day(on)
            ));
        }
        if self.enrolments.is_empty() {
            said.push("The node holds nothing about this learner.".to_owned());
            return said;
        }
        said.push(format!(
            "Enrolments that go: {}, with everything that is tied to them: descriptions kept for a correction, history, references.",
            words::count(self.enrolments.len() as u64)
        ));
        said.push(if self.published == 0 {
            "Nothing of them was published: no released figure changes.".to_owned()
        } else {
            format!(
                "Facts of them in figures that were published: {}. They stay there, as anonymous ones under the noise: released figures are never counted or drawn again, and nothing in them leads back to the learner.",
                words::count(self.published)
            )
        });
        said.push(if self.unpublished == 0 {
            "The next release is the same with and without them, as far as is known today."
                .to_owned()
        } else {
            format!(
                "Facts that would have entered the next releases, and will not: {}.",
                words::count(self.unpublished)
            )
        });
        if self.left_open > 0 {
            said.push(format!(
                "Enrolments that started in published figures and will never leave in them: {}. \u{201c}In progress\u{201d} stays that much higher.",
                words::count(self.left_open)
            ));
        }
        if self.corrections > 0 {
            said.push(format!(
                "Corrections of a published description that will not be made: {}.",
                words::count(self.corrections)
            ));
        }
        said.push("Keyed numbers and the day stay, so that a later file does not bring the records back. The learner is not counted again, also not for what begins later.".to_owned());
        said
    }
}
