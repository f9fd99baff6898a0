//! The contract of a kind of file, as a mapping sees it.

use std::collections::HashMap;

use ldsp_protocol::standard::{Dimension, Standard};

use super::{DateForm, Kind, Mapping, Origin, folded};
use crate::import::header::{self, Columns, plain};
use crate::import::report::RowProblem;
use crate::import::rows::{Field, Plan};
use crate::import::{demands, learners, programmes, services, vacancies};
use crate::model::demand::own_words;
use crate::store::services::Status;

/// What a kind of file is made of.
#[derive(Clone, Copy)]
pub(in crate::import) struct Contract {
    pub(super) columns: &'static Columns,
    /// Which of them hold dates.
    pub(super) dates: &'static [&'static str],
    /// Which of them hold amounts of money.
    amounts: &'static [&'static str],
}

impl Contract {
    pub(in crate::import) fn of(kind: Kind) -> Self {
        match kind {
            Kind::Learners => Self {
                columns: &learners::HEADER,
                dates: &["birth_date", "start", "planned_end", "end"],
                amounts: &[],
            },
            Kind::Programmes => Self {
                columns: &programmes::HEADER,
                dates: &["start", "end"],
                amounts: &["cost"],
            },
            Kind::Vacancies => Self {
                columns: &vacancies::HEADER,
                dates: &["date"],
                amounts: &[],
            },
            Kind::Demand => Self {
                columns: &demands::HEADER,
                dates: &["from", "until", "holds_until"],
                amounts: &[],
            },
            Kind::Services => Self {
                columns: &services::HEADER,
                dates: &["start", "end", "assured_date"],
                amounts: &["cost"],
            },
        }
    }

    /// How rows below a header of these names become rows of the contract.
    pub(in crate::import) fn plan(
        self,
        names: &[String],
        mapping: Option<&Mapping>,
    ) -> Result<Plan, Vec<RowProblem>> {
        let fields = match mapping {
            None => {
                let record = names.iter().collect();
                let column = |at| Field::Column {
                    at,
                    values: HashMap::new(),
                };
                let places = header::find(&record, self.columns)?;
                places.into_iter().map(|at| at.map(column)).collect()
            }
            Some(mapping) => self.mapped(names, mapping)?,
        };
        Ok(Plan {
            names: self.columns.names,
            fields,
            dates: self.dates,
            amounts: self.amounts,
            form: mapping.map_or(DateForm::Iso, |mapping| mapping.dates),
            width: names.len(),
        })
    }

    fn mapped(
        self,
        names: &[String],
        mapping: &Mapping,
    ) -> Result<Vec<Option<Field>>, Vec<RowProblem>> {
        let names: Vec<String> = names.iter().map(|name| plain(name)).collect();
        let mut problems = Vec::new();
        let mut field = |column: &'static str| match mapping.columns.get(column)? {
            // The file has no such column: what is held of it stays.
            Origin::Always(text) if text.is_empty() => None,
            Origin::Always(text) => Some(Field::Always(text.clone())),
            Origin::Column(name) => {
                let wanted = plain(name);
                let mut places = names
                    .iter()
                    .enumerate()
                    .filter(|(_, name)| **name == wanted);
                let (first, second) = (places.next(), places.next());
                let problem = match (first, second) {
                    (Some((at, _)), None) => {
                        let values = mapping.values.get(column).into_iter().flatten();
                        let values = values
                            .map(|(value, code)| (folded(value), code.clone()))
                            .collect();
                        return Some(Field::Column { at, values });
                    }
                    (None, _) => (
                        "column-missing",
                        "The file has no column of the name that the mapping takes this one from.",
                        "Choose the mapping of this file, or map its columns anew.",
                    ),
                    _ => (
                        "column-duplicate",
                        "The file has two columns of the name that the mapping takes this one from.",
                        "Give one of them another name.",
                    ),
                };
                let (code, cause, remedy) = problem;
                problems.push(RowProblem {
                    line: 1,
                    field: Some(column),
                    code,
                    cause: cause.into(),
                    remedy: remedy.into(),
                });
                None
            }
        };
        let fields = self.columns.names.iter().map(|name| field(name)).collect();
        if problems.is_empty() {
            Ok(fields)
        } else {
            Err(problems)
        }
    }
}

/// Id and title of a column's codes.
pub(super) fn codes(kind: Kind, column: &str) -> Option<Vec<(String, String)>> {
    let standard = Standard::current();
    let dimension = match (kind, column) {
        (Kind::Learners, "stage") => {
            let codes = standard.stages().iter();
            return Some(codes.map(|c| (c.id.clone(), c.title.clone())).collect());
        }
        (Kind::Learners, "sex") => Dimension::Sex,
        (Kind::Learners, "ethnicity") => Dimension::Ethnicity,
        (Kind::Learners, "disability") => Dimension::Disability,
        (Kind::Learners, "prior_status") => Dimension::Prior,
        (Kind::Learners, "skill") => Dimension::Skill,
        (Kind::Learners, "mode") => Dimension::Mode,
        (Kind::Learners, "destination_3m" | "destination_6m" | "destination_12m") => {
            Dimension::Destination
        }
        (Kind::Demand, "asks" | "counts" | "how" | "sure") => return own_words(column),
        (Kind::Demand, "skill") => Dimension::Skill,
        (Kind::Demand | Kind::Programmes | Kind::Services, "tier") => Dimension::Tier,
        (Kind::Services, "status") => {
            let codes = Status::ALL.iter();
            let codes = codes.map(|s| (s.id().to_owned(), s.in_words().to_owned()));
            return Some(codes.collect());
        }
        (Kind::Services, "mode") => Dimension::Mode,
        (Kind::Services, "audience") => Dimension::Audience,
        (Kind::Programmes, "type") => Dimension::ProgrammeType,
        (Kind::Demand | Kind::Programmes, "audience") => Dimension::Audience,
        _ => return None,
    };
    let codes = standard.dimension(dimension).codes.iter();
    Some(codes.map(|c| (c.id.clone(), c.title.clone())).collect())
}

/// Whether a row is refused for an empty field of codes: in a file of its own an empty one may well say something, such as that
/// an enrolment goes on.
pub(super) fn means_something_empty(kind: Kind, column: &str) -> bool {
    matches!((kind, column), (Kind::Learners, "stage"))
}

/// Whether an import knows a text as it is: a code, or nothing.
pub(super) fn is_known(kind: Kind, column: &str, text: &str) -> bool {
    let text = text.trim();
    let codes = codes(kind, column).unwrap_or_default();
    let wanted = plain(text).replace('_', "-");
    text.is_empty()
        || codes.iter().any(|(id, title)| {
            plain(id).replace('_', "-") == wanted || plain(title).replace('_', "-") == wanted
        })
}
