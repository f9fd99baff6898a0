//! Proposals: which of a file's columns may stand for which of the contract's, by their names. A person confirms every one.

use std::collections::BTreeMap;

use super::look::Look;
use super::{Kind, Mapping, Origin};
use crate::import::header::plain;

/// Other names that files give to the columns of the contract, as [`plain`] writes them.
const NAMES: &[(&str, &[&str])] = &[
    (
        "provider",
        &[
            "provider_name",
            "training_provider",
            "college",
            "organisation",
            "organization",
            "centre",
            "center",
        ],
    ),
    (
        "learner_ref",
        &[
            "learner_reference",
            "learnrefnumber",
            "learner_ref_number",
            "learner_id",
            "student_id",
            "student_number",
            "student_ref",
            "reference",
            "learner_number",
        ],
    ),
    ("uln", &["unique_learner_number", "learner_uln"]),
    (
        "birth_date",
        &["date_of_birth", "dateofbirth", "dob", "born"],
    ),
    ("age", &["age_at_start"]),
    ("sex", &["gender", "legal_sex"]),
    (
        "ethnicity",
        &["ethnic_group", "ethnic_origin", "ethnicity_code"],
    ),
    (
        "disability",
        &[
            "disabled",
            "llddhealthprob",
            "learning_difficulty_or_disability",
            "disability_or_health_problem",
        ],
    ),
    (
        "prior_status",
        &[
            "employment_status",
            "prior_employment_status",
            "empstat",
            "status_before",
            "employment_before",
        ],
    ),
    (
        "postcode",
        &["post_code", "home_postcode", "learner_postcode"],
    ),
    (
        "district",
        &[
            "local_authority_code",
            "la_code",
            "lad_code",
            "gss_code",
            "district_code",
        ],
    ),
    (
        "aim",
        &[
            "learnaimref",
            "learning_aim",
            "learning_aim_reference",
            "aim_reference",
            "aim_code",
            "qualification_code",
            "course_code",
            "course",
        ],
    ),
    (
        "programme",
        &["programme_code", "program", "programme_id", "project_code"],
    ),
    ("skill", &["digital_skill", "skill_area", "subject"]),
    (
        "mode",
        &[
            "delivery_mode",
            "mode_of_delivery",
            "mode_of_study",
            "delivery",
        ],
    ),
    (
        "start",
        &[
            "start_date",
            "learnstartdate",
            "date_started",
            "learning_start_date",
            "started",
        ],
    ),
    (
        "planned_end",
        &[
            "planned_end_date",
            "learnplanenddate",
            "expected_end_date",
            "expected_end",
            "planned_finish",
        ],
    ),
    (
        "end",
        &[
            "end_date",
            "learnactenddate",
            "actual_end_date",
            "date_ended",
            "completion_date",
            "finish_date",
            "leaving_date",
        ],
    ),
    (
        "stage",
        &["status", "outcome", "completion_status", "learner_status"],
    ),
    (
        "destination_3m",
        &[
            "destination_3_months",
            "outcome_3_months",
            "3_month_destination",
        ],
    ),
    (
        "destination_6m",
        &[
            "destination_6_months",
            "outcome_6_months",
            "6_month_destination",
        ],
    ),
    (
        "destination_12m",
        &[
            "destination_12_months",
            "outcome_12_months",
            "12_month_destination",
        ],
    ),
    (
        "confidence_before",
        &["confidence_start", "confidence_at_start"],
    ),
    ("confidence_after", &["confidence_end", "confidence_at_end"]),
    (
        "everyday_before",
        &["everyday_tasks_before", "everyday_start"],
    ),
    ("everyday_after", &["everyday_tasks_after", "everyday_end"]),
    (
        "name",
        &["programme_name", "title", "course_name", "programme_title"],
    ),
    ("tier", &["skill_level", "level", "skills_tier"]),
    ("type", &["programme_type", "kind"]),
    ("audience", &["target_group", "for_whom", "target_audience"]),
    (
        "funder",
        &["funded_by", "funding", "funding_source", "funding_stream"],
    ),
    ("cost", &["budget", "total_cost", "cost_gbp", "price"]),
    ("capacity", &["places", "number_of_places", "max_learners"]),
    (
        "asks",
        &["who_asks", "respondent_type", "type_of_respondent", "who"],
    ),
    ("area", &["local_authority", "borough", "place", "where"]),
    (
        "number",
        &[
            "how_many",
            "people",
            "number_of_people",
            "headcount",
            "quantity",
        ],
    ),
    ("counts", &["unit", "what_is_counted"]),
    (
        "from",
        &["needed_from", "period_from", "month", "date_from"],
    ),
    ("until", &["needed_until", "period_to", "date_to", "to"]),
    ("how", &["how_learnt", "method", "collected_by"]),
    ("sure", &["how_sure", "certainty", "confidence"]),
    ("by", &["source", "who_said_so", "recorded_by", "body"]),
    (
        "holds_until",
        &["valid_until", "expires", "review_date", "review_by"],
    ),
    (
        "title",
        &[
            "job_title",
            "vacancy",
            "vacancy_title",
            "role",
            "occupation",
        ],
    ),
    (
        "description",
        &["job_description", "details", "advert", "text", "summary"],
    ),
    ("employer", &["company", "company_name", "employer_name"]),
    (
        "date",
        &["posted", "date_posted", "posted_on", "advertised"],
    ),
    ("note", &["notes", "comment", "comments", "remarks"]),
    (
        "organisation",
        &["organization", "offered_by", "run_by", "provider"],
    ),
    ("place", &["venue", "location", "where"]),
    ("url", &["web", "website", "web_page", "link"]),
    (
        "assured_date",
        &["checked_on", "last_checked", "date_checked", "assured"],
    ),
    ("assured_by", &["checked_by"]),
    ("starts", &["runs_in_a_year", "runs_per_year", "intakes"]),
    ("places", &["places_per_run", "places_in_each_run"]),
];

/// How alike two names must be, from 0 to 1, to be proposed.
const ALIKE: f64 = 0.7;
/// How alike a column and another name that is known for it are.
const KNOWN: f64 = 0.95;

/// A mapping to begin with: what `before` says, for the columns that the file has, and for the others the column with the most similar
/// name. What is not proposed is left out, for a person to say.
#[must_use]
pub fn propose(kind: Kind, look: &Look, before: Option<&Mapping>) -> Mapping {
    let names = look.names();
    let mut columns = BTreeMap::new();
    if let Some(before) = before {
        for (column, origin) in &before.columns {
            let is_there = match origin {
                Origin::Column(name) => names.iter().any(|other| plain(other) == plain(name)),
                Origin::Always(_) => true,
            };
            if is_there {
                columns.insert(column.clone(), origin.clone());
            }
        }
    }
    let mut pairs: Vec<(f64, &str, &str)> = Vec::new();
    for column in kind.columns() {
        for name in &names {
            let score = likeness_in(kind, column, &plain(name));
            if score >= ALIKE {
                pairs.push((score, column, name));
            }
        }
    }
    // The most alike first, then in the contract's and the file's order.
    pairs.sort_by(|a, b| b.0.total_cmp(&a.0));
    for (_, column, name) in pairs {
        let taken = columns
            .values()
            .any(|origin| matches!(origin, Origin::Column(other) if plain(other) == plain(name)));
        if !taken && !columns.contains_key(column) {
            columns.insert(column.to_owned(), Origin::Column(name.to_owned()));
        }
    }
    let mapping = Mapping {
        kind,
        dates: before.map(|before| before.dates).unwrap_or_default(),
        text: before.map(|before| before.text).unwrap_or_default(),
        columns,
        values: before
            .map(|before| before.values.clone())
            .unwrap_or_default(),
    };
    Mapping {
        values: mapping
            .values
            .iter()
            .filter(|(column, _)| mapping.columns.contains_key(*column))
            .map(|(column, values)| (column.clone(), values.clone()))
            .collect(),
        ..mapping
    }
}

/// Whether a name of a file is a column's own name, or one that is known for it.
#[must_use]
pub fn is_known(column: &str, name: &str) -> bool {
    likeness(column, &plain(name)) >= KNOWN
}

/// The same in a file of this kind, of which some names are known that mean something else in others.
#[must_use]
pub fn is_known_in(kind: Kind, column: &str, name: &str) -> bool {
    likeness_in(kind, column, &plain(name)) >= KNOWN
}

/// Names that stand for a column in files of one kind alone.
const OF_KIND: &[(Kind, &str, &[&str])] = &[
    (Kind::Demand, "area", &["district"]),
    (
        Kind::Demand,
        "asks",
        &["who_is_asking", "who_asks", "asked_by"],
    ),
    (Kind::Demand, "reference", &["ref", "id"]),
    (
        Kind::Demand,
        "from",
        &["start", "needed_from", "first_month"],
    ),
    (Kind::Vacancies, "district", &["location", "town", "where"]),
    (
        Kind::Services,
        "name",
        &["service_name", "service", "course"],
    ),
    (Kind::Services, "area", &["district"]),
    (Kind::Services, "place", &["venue", "location", "address"]),
    (
        Kind::Services,
        "url",
        &["web", "website", "web_page", "web_address", "link"],
    ),
    (
        Kind::Services,
        "assured_date",
        &["checked_on", "checked", "last_checked", "date_checked"],
    ),
    (
        Kind::Services,
        "start",
        &["next_start", "next_start_date", "begins"],
    ),
];

fn likeness_in(kind: Kind, column: &str, name: &str) -> f64 {
    let mut of_kind = OF_KIND
        .iter()
        .filter(|(of, known, _)| *of == kind && *known == column);
    if of_kind.any(|(.., names)| names.contains(&name)) {
        return KNOWN;
    }
    likeness(column, name)
}

/// How alike a column of the contract and a name of a file are, from 0 to 1.
fn likeness(column: &str, name: &str) -> f64 {
    if name == column {
        return 1.0;
    }
    let others = NAMES.iter().find(|(known, _)| *known == column);
    let others = others.map_or(&[][..], |(_, others)| others);
    if others.contains(&name) {
        return KNOWN;
    }
    let best = others
        .iter()
        .chain([&column])
        .map(|other| pairs_in_common(other, name))
        .fold(0.0, f64::max);
    // Never as good as a name that is known.
    best * 0.9
}

/// Dice's coefficient of the pairs of neighbouring letters of two names.
fn pairs_in_common(one: &str, other: &str) -> f64 {
    let pairs = |text: &str| -> Vec<(char, char)> {
        let letters: Vec<char> = text.chars().filter(|c| c.is_alphanumeric()).collect();
        letters.windows(2).map(|pair| (pair[0], pair[1])).collect()
    };
    let (one, mut left) = (pairs(one), pairs(other));
    let all = one.len() + left.len();
    if all == 0 {
        return 0.0;
    }
    let mut same: u32 = 0;
    for pair in &one {
        if let Some(at) = left.iter().position(|other| other == pair) {
            left.swap_remove(at);
            same += 1;
        }
    }
    2.0 * f64::from(same) / f64::from(u32::try_from(all).unwrap_or(u32::MAX))
}
