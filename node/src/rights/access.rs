//! Subject access: everything that is held about a learner, for reading, for paper and for programs.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use ldsp_protocol::ids::Gss;
use serde::Serialize;
use serde_json::{Map, Value as Json};
use sqlx::{Connection as _, SqliteConnection};
use utoipa::ToSchema;

use super::columns::{Names, fact};
use super::{Policy, RightsError, Subject, meant};
use crate::home::Node;
use crate::release::report::{Block, Section, alone, body, paragraph, plain, points, section};
use crate::store::erasure::{self, Held, Value};
use crate::store::{StoreError, audit, date};
use crate::words;

/// Everything that is held about one learner, as of a moment.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Access {
    /// When it was gathered.
    #[schema(value_type = String, format = DateTime)]
    pub made_at: Timestamp,
    /// GSS code of the LEP whose node it is.
    #[schema(value_type = String)]
    pub lep: Gss,
    /// Rows by table, columns by name, codes as they are stored: what `sections` puts into words.
    #[schema(value_type = Object)]
    pub held: BTreeMap<&'static str, Vec<Map<String, Json>>>,
    /// The day on which the learner's records were last erased.
    #[schema(required, value_type = Option<String>, format = Date)]
    pub erased: Option<Date>,
    /// The same in words.
    #[schema(value_type = Vec<Object>)]
    pub sections: Vec<Section>,
}

const TITLE: &str = "What is held about you";

impl Access {
    /// For the body of a page.
    #[must_use]
    pub fn html(&self) -> ldsp_ui::Html {
        body(&self.sections)
    }

    /// A whole document that needs no other file and prints on A4.
    #[must_use]
    pub fn document(&self) -> String {
        alone(TITLE, &self.sections)
    }

    /// Plain text.
    #[must_use]
    pub fn text(&self) -> String {
        plain(TITLE, &self.sections)
    }

    /// Enrolments that are held.
    #[must_use]
    pub fn enrolments(&self) -> usize {
        self.held.get("enrolments").map_or(0, Vec::len)
    }
}

/// Gathers everything that is held under `subject`, or of the parts of it that were chosen ([`super::Whose`]), and writes into the audit log that somebody did.
///
/// # Errors
/// [`RightsError::Unfit`] where parts are to be chosen and are not; the store's.
pub async fn access(
    node: &Node,
    subject: Subject,
    chosen: &[String],
    policy: Option<&Policy>,
    who: &str,
    now: Timestamp,
) -> Result<Access, RightsError> {
    // The entry says what was seen, so both are one transaction.
    let mut tx = node.store.write().await?;
    let mut look = tx.begin().await?;
    let person = meant(&mut look, node, subject, chosen).await?;
    let held = erasure::held(&mut look, &person).await?;
    look.rollback().await?;
    let erased = person.erased.and_then(date);
    let facts = Facts {
        node,
        held: &held,
        erased,
        policy,
        names: names(&mut tx, &held).await?,
        now,
    };
    let sections = facts.sections();
    let count = held.get("enrolments").map_or(0, Vec::len);
    let detail = format!("everything about one learner: {count} enrolment(s)");
    audit::append(&mut tx, now, who, "subject access", &detail).await?;
    tx.commit().await?;
    let rows = |rows: Vec<Held>| rows.into_iter().map(json).collect();
    Ok(Access {
        made_at: now,
        lep: node.lep().map_err(super::JournalError::Home)?,
        held: held.into_iter().map(|(t, r)| (t, rows(r))).collect(),
        erased,
        sections,
    })
}

fn json(row: Held) -> Map<String, Json> {
    let value = |value| match value {
        Value::Null => Json::Null,
        // A keyed number has more digits than a program in JavaScript keeps.
        Value::Number(n) if n.unsigned_abs() > 1 << 53 => {
            format!("{:016x}", n.cast_unsigned()).into()
        }
        Value::Number(n) => n.into(),
        Value::Text(text) => text.into(),
        Value::Bytes(bytes) => hex::encode(bytes).into(),
    };
    row.into_iter().map(|(name, v)| (name, value(v))).collect()
}

/// What rows call by its number: the column, and SQL that names it.
const NAMED: [(&str, &str); 3] = [
    (
        "programme",
        "SELECT name || ' (' || code || ')' FROM programmes WHERE id = $1",
    ),
    (
        "cohort",
        "SELECT title || ' (' || code || ')' FROM cohorts WHERE id = $1",
    ),
    ("employer", "SELECT name FROM organisations WHERE id = $1"),
];

/// The names of what rows refer to, now or in what was changed of them.
async fn names(
    connection: &mut SqliteConnection,
    held: &BTreeMap<&'static str, Vec<Held>>,
) -> Result<Names, StoreError> {
    let mut names = Names::default();
    for row in held.values().flatten() {
        let field = row.iter().find_map(|(column, value)| match value {
            Value::Text(field) if column == "field" => Some(field.as_str()),
            _ => None,
        });
        for (column, value) in row {
            let (column, id) = match (column.as_str(), value, field) {
                (_, Value::Number(id), None) => (column.as_str(), *id),
                ("before" | "after", Value::Text(id), Some(field)) => match id.parse() {
                    Ok(id) => (field, id),
                    Err(_) => continue,
                },
                _ => continue,
            };
            let Some((_, sql)) = NAMED.iter().find(|(named, _)| *named == column) else {
                continue;
            };
            let name: Option<String> = sqlx::query_scalar(*sql)
                .bind(id)
                .fetch_optional(&mut *connection)
                .await?;
            if let Some(name) = name {
                names.add(column, id, name);
            }
        }
    }
    Ok(names)
}

struct Facts<'a> {
    node: &'a Node,
    held: &'a BTreeMap<&'static str, Vec<Held>>,
    erased: Option<Date>,
    policy: Option<&'a Policy>,
    names: Names,
    now: Timestamp,
}

impl Facts<'_> {
    fn rows(&self, table: &str) -> &[Held] {
        self.held.get(table).map_or(&[], Vec::as_slice)
    }

    fn sections(&self) -> Vec<Section> {
        let mut sections = vec![self.in_short()];
        for (table, title) in [
            ("enrolments", "Your enrolments"),
            (
                "corrections",
                "How enrolments were described when they were published",
            ),
        ] {
            let rows = self.rows(table);
            if !rows.is_empty() {
                sections.push(section(title, self.facts(rows)));
            }
        }
        for (table, rows) in self.held {
            if !rows.is_empty() && !["enrolments", "corrections"].contains(table) {
                let title = match *table {
                    "identities" => "Other numbers by which you are known",
                    "history" => "What was changed",
                    "ilr_rows" => "Which Individualised Learner Record named your enrolments last",
                    other => other,
                };
                sections.push(section(title, self.facts(rows)));
            }
        }
        sections.extend([self.published(), self.origin(), self.kept(), rights()]);
        sections
    }

    fn in_short(&self) -> Section {
        let lep = self.node.place();
        let count = self.rows("enrolments").len();
        let mut said = vec![paragraph(format!(
            "This is everything that the node of {lep} held about you on {}. The node keeps no name, birth date, address, postcode, unique learner number, National Insurance number, telephone number or e-mail address: you were found because the number that you gave leads, by a key that only this node has, to the keyed numbers below.",
            words::moment(self.now)
        ))];
        said.push(paragraph(if count == 0 {
            "Nothing is held about you.".to_owned()
        } else {
            format!(
                "{} held.",
                words::some(count, "enrolment is", "enrolments are")
            )
        }));
        if let Some(on) = self.erased {
            said.push(paragraph(format!(
                "Records about you were erased, last on {}. Of them the keyed numbers by which you were known and that day are kept, so that a later file does not bring the records back.",
                words::day(on)
            )));
        }
        section("In short", said)
    }

    fn facts(&self, rows: &[Held]) -> Vec<Block> {
        let facts = rows.iter().map(|row| {
            // What says something to the reader comes first.
            let is_number =
                |column: &str| ["id", "spell", "learner", "reference"].contains(&column);
            let (last, first): (Vec<_>, Vec<_>) =
                row.iter().partition(|(column, _)| is_number(column));
            let shown = first
                .into_iter()
                .chain(last)
                .filter_map(|(column, value)| self.fact(row, column, value));
            Block::Facts(shown.collect())
        });
        facts.collect()
    }

    /// A field of a row; where the row says how another field changed, by that field's names.
    fn fact(&self, row: &Held, column: &str, value: &Value) -> Option<(String, String)> {
        let (title, words) = fact(column, value, &self.names)?;
        let field = row.iter().find(|(name, _)| name == "field");
        let (Some((_, Value::Text(field))), "before" | "after") = (field, column) else {
            return Some((title, words));
        };
        let named = words.parse().ok().and_then(|id| self.names.of(field, id));
        Some((title, named.unwrap_or(words)))
    }

    fn published(&self) -> Section {
        let counted: u32 = self
            .rows("enrolments")
            .iter()
            .flatten()
            .map(|(column, value)| match (column.as_str(), value) {
                ("counted", Value::Number(bits)) => bits.count_ones(),
                _ => 0,
            })
            .sum();
        let said = if counted == 0 && self.erased.is_some() {
            "Nothing that names or identifies you was published or passed on. What was counted as an anonymous one in monthly tables before your records were erased stays in them; how many facts that were went with the records.".to_owned()
        } else if counted == 0 {
            "Nothing about you was published or passed on.".to_owned()
        } else {
            format!(
                "Nothing that names or identifies you was published or passed on. {} about you (above: \u{201c}Counted in published figures so far\u{201d}) were counted as anonymous ones in monthly tables of the partnership.",
                words::some(counted as usize, "fact", "facts")
            )
        };
        section(
            "What was published",
            [
                paragraph(said),
                points([
                    "What the partnership publishes about learners is tables of counts. Random noise is added to every number of them before anybody sees it, so that nobody can tell from a table, or from all of them together, whether you are in it.",
                    "Published tables are public, signed and stay as they are. Nothing in them leads back to you, so nothing can be taken out of them for you.",
                    "Practice entries of the partnership name no person.",
                ]),
            ],
        )
    }

    fn origin(&self) -> Section {
        section(
            "Where it comes from, and who sees it",
            [points([
                "It comes from your training provider: from files about its learners, or typed in by its staff on their own pages of this node. What they also say, such as your postcode or birth date, was turned into a district or an age band when it was read, and not kept.",
                "People of your training provider who sign in to this node see your enrolments with it, and with nobody else: its own reference of you, programme, cohort, dates, stage, what became of you afterwards and what came of the questions that you were asked. They see it on pages, on a phone too, and may print it.",
                "People of the partnership who sign in see counts. A coordinator who answers a request of yours, as with this copy, sees what it shows. Records leave the node in no other form; its IT team keeps its database and encrypted backups of it.",
                "No decision about you is made from them.",
            ])],
        )
    }

    fn kept(&self) -> Section {
        let said = match self.policy {
            Some(policy) => format!(
                "Records are deleted {} months after the end of your last enrolment. While a destination may still become known, or a month that counts them is being released, they stay somewhat longer.",
                policy.months
            ),
            None => "The partnership has set no period in this program after which records are deleted by themselves; ask it how long it keeps them.".to_owned(),
        };
        section("How long it is kept", [paragraph(said)])
    }
}

fn rights() -> Section {
    section(
        "Your rights",
        [points([
            "Wrong records are corrected where they come from: ask your training provider, whose next file corrects them here.",
            "You may ask the partnership to erase what it holds about you (UK GDPR, article 17), or to restrict it or object to it (articles 18 and 21).",
            "You may complain to the Information Commissioner\u{2019}s Office, ico.org.uk.",
        ])],
    )
}
