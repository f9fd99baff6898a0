//! From counts to findings: pure.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::rules::{CATALOGUE, Rule, Settings, Severity};

/// What a provider's records of one programme amount to, counted by the store (`store::quality::measure`). Exact.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Measured {
    /// The provider's name.
    pub provider: String,
    /// The programme's code.
    pub programme: String,
    /// Places of the programme.
    pub capacity: Option<u64>,
    /// Enrolments.
    pub enrolments: u64,
    /// In progress.
    pub open: u64,
    /// Achieved, completed without achievement or withdrawn.
    pub left: u64,
    /// Left at least six months ago.
    pub due: u64,
    /// Day of the latest start or end, since 1970-01-01.
    pub newest: i64,
    /// Starts of the last whole month, and of the six before it.
    pub starts: [u64; 2],
    /// Enrolments with the area, age, sex, ethnicity, disability, status before recorded.
    pub stated: [u64; 6],
    /// Of those that are due: with a destination at six months.
    pub destinations: u64,
    /// Of the leavers: asked about confidence, about everyday tasks.
    pub asked: [u64; 2],
    /// In progress after the planned end, by more than the threshold.
    pub overdue: u64,
    /// Without a destination, by more than the threshold after it was due.
    pub late: u64,
    /// Achieved on the day of the start.
    pub same_day: u64,
    /// Longer than the threshold.
    pub long: u64,
    /// Began outside the programme's dates.
    pub outside: u64,
}

/// How much of something is recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Completeness {
    /// What.
    pub field: String,
    /// Records that have it.
    pub recorded: u64,
    /// Records that could.
    pub of: u64,
}

/// Records of a programme in a finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct OfProgramme {
    /// The programme's code.
    pub programme: String,
    /// Records.
    pub records: u64,
}

/// What a rule found at a provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The rule.
    pub rule: &'static Rule,
    /// How much it matters here.
    pub severity: Severity,
    /// Records concerned.
    pub records: u64,
    /// Records that it looked at.
    pub of: u64,
    /// Where, most first; none where it is about the provider as a whole.
    pub programmes: Vec<OfProgramme>,
}

/// A provider, judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judged {
    /// Its name.
    pub provider: String,
    /// Enrolments.
    pub enrolments: u64,
    /// Day of the latest start or end, since 1970-01-01.
    pub newest: i64,
    /// In the order of [`Measured`].
    pub completeness: Vec<Completeness>,
    /// The gravest first, then in the catalogue's order.
    pub findings: Vec<Finding>,
}

impl Judged {
    /// Findings of this severity.
    #[must_use]
    pub fn count(&self, severity: Severity) -> usize {
        let of = self.findings.iter().filter(|f| f.severity == severity);
        of.count()
    }

    /// Share of all that could be recorded and is, in per cent.
    #[must_use]
    pub fn complete(&self) -> u64 {
        let sum = |of: fn(&Completeness) -> u64| self.completeness.iter().map(of).sum::<u64>();
        (100 * sum(|c| c.recorded))
            .checked_div(sum(|c| c.of))
            .unwrap_or(100)
    }
}

/// The fields of [`Measured::stated`], and the last three.
const FIELDS: [&str; 9] = [
    "Area",
    "Age",
    "Sex",
    "Ethnicity",
    "Disability",
    "Status before",
    "Destination at 6 months",
    "Confidence",
    "Everyday tasks",
];

/// Fewer starts a month than this are too few to call a change one.
const STEADY: u64 = 10;

/// Judges what was measured, provider by provider in the order of their names. `today`: days since 1970-01-01.
#[must_use]
pub fn judge(measured: &[Measured], settings: &Settings, today: i64) -> Vec<Judged> {
    let mut providers: BTreeMap<&str, Vec<&Measured>> = BTreeMap::new();
    for part in measured {
        providers.entry(&part.provider).or_default().push(part);
    }
    let judged = providers.into_iter().map(|(provider, parts)| {
        let mut findings: Vec<Finding> = CATALOGUE
            .iter()
            .filter_map(|rule| find(rule, &parts, settings, today))
            .collect();
        findings.sort_by_key(|finding| finding.severity);
        Judged {
            provider: provider.to_owned(),
            enrolments: sum(&parts, |m| m.enrolments),
            newest: newest(&parts),
            completeness: completeness(&parts),
            findings,
        }
    });
    judged.collect()
}

fn sum(parts: &[&Measured], of: impl Fn(&Measured) -> u64) -> u64 {
    parts.iter().map(|part| of(part)).sum()
}

fn newest(parts: &[&Measured]) -> i64 {
    parts.iter().map(|m| m.newest).max().unwrap_or_default()
}

fn completeness(parts: &[&Measured]) -> Vec<Completeness> {
    let mut all: Vec<(u64, u64)> = (0..6)
        .map(|at| (sum(parts, |m| m.stated[at]), sum(parts, |m| m.enrolments)))
        .collect();
    all.push((sum(parts, |m| m.destinations), sum(parts, |m| m.due)));
    all.extend((0..2).map(|at| (sum(parts, |m| m.asked[at]), sum(parts, |m| m.left))));
    let named = FIELDS.iter().zip(all);
    named
        .map(|(field, (recorded, of))| Completeness {
            field: (*field).to_owned(),
            recorded,
            of,
        })
        .collect()
}

/// Records that a rule is about, in one programme: concerned, and looked at.
fn counted(rule: &Rule, m: &Measured) -> Option<(u64, u64)> {
    Some(match rule.code {
        "outside-programme" => (m.outside, m.enrolments),
        "over-capacity" => (m.open.saturating_sub(m.capacity?), m.open),
        "overdue-end" => (m.overdue, m.open),
        "destination-late" => (m.late, m.due),
        "same-day" => (m.same_day, m.left),
        "too-long" => (m.long, m.enrolments),
        "no-area" => (m.enrolments - m.stated[0], m.enrolments),
        "not-stated" => {
            let least = m.stated[1..].iter().min().copied().unwrap_or_default();
            (m.enrolments - least, m.enrolments)
        }
        "not-asked" => (m.left - m.asked[0].min(m.asked[1]), m.left),
        _ => return None,
    })
}

fn find(
    rule: &'static Rule,
    parts: &[&Measured],
    settings: &Settings,
    today: i64,
) -> Option<Finding> {
    let set = settings.of(rule);
    if set.severity == Severity::Off {
        return None;
    }
    let threshold = u64::from(set.threshold.unwrap_or_default());
    let finding = |records, of, programmes| Finding {
        rule,
        severity: set.severity,
        records,
        of,
        programmes,
    };
    let all = sum(parts, |m| m.enrolments);
    match rule.code {
        "silent" => {
            let open = sum(parts, |m| m.open);
            let quiet = today - newest(parts) > i64::try_from(threshold).unwrap_or(i64::MAX);
            return (open > 0 && quiet).then(|| finding(open, all, Vec::new()));
        }
        "jump" => {
            let [last, before] = [0, 1].map(|at| sum(parts, |m| m.starts[at]));
            // Six months before: compared without a division.
            let far = 6 * last > threshold * before || before > threshold * 6 * last;
            let steady = before >= 6 * STEADY || last >= STEADY;
            return (far && steady && before > 0).then(|| finding(last, last + before, Vec::new()));
        }
        _ => {}
    }
    let counts = parts.iter().filter_map(|m| {
        let (records, of) = counted(rule, m)?;
        Some((&m.programme, records, of))
    });
    let counts: Vec<_> = counts.collect();
    let records: u64 = counts.iter().map(|(_, records, _)| records).sum();
    let of: u64 = counts.iter().map(|(.., of)| of).sum();
    let is_share = matches!(rule.threshold, Some((_, super::Unit::Percent)));
    let least = if is_share { threshold * of } else { 0 };
    if records == 0 || 100 * records <= least {
        return None;
    }
    let mut programmes: Vec<OfProgramme> = counts
        .into_iter()
        .filter(|(_, records, _)| *records > 0)
        .map(|(programme, records, _)| OfProgramme {
            programme: programme.clone(),
            records,
        })
        .collect();
    programmes.sort_by(|a, b| {
        b.records
            .cmp(&a.records)
            .then(a.programme.cmp(&b.programme))
    });
    Some(finding(records, of, programmes))
}

/// How all of it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
#[schema(as = QualityStanding)]
pub enum Standing {
    /// No error and no warning.
    Good,
    /// Warnings.
    Doubtful,
    /// Something cannot be right.
    Faulty,
}

/// A finding over all providers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Total {
    /// The rule's code.
    pub rule: String,
    /// How much it mattered.
    pub severity: Severity,
    /// Providers at which it was found.
    pub providers: u64,
    /// Records concerned.
    pub records: u64,
}

/// How the records of the node stood at a moment. Exact counts: never published.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = QualityVerdict)]
pub struct Verdict {
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// In a word.
    pub standing: Standing,
    /// Enrolments that were looked at.
    pub enrolments: u64,
    /// What rules found, in the catalogue's order.
    pub findings: Vec<Total>,
    /// What is recorded.
    pub completeness: Vec<Completeness>,
}

/// Sums up what was judged.
#[must_use]
pub fn verdict(judged: &[Judged], at: Timestamp) -> Verdict {
    let mut findings: Vec<Total> = Vec::new();
    for rule in CATALOGUE {
        let found = judged.iter().flat_map(|j| &j.findings);
        let found: Vec<_> = found.filter(|f| f.rule.code == rule.code).collect();
        findings.extend(found.first().map(|first| Total {
            rule: rule.code.to_owned(),
            severity: first.severity,
            providers: found.len() as u64,
            records: found.iter().map(|f| f.records).sum(),
        }));
    }
    let mut completeness: Vec<Completeness> = Vec::new();
    for part in judged.iter().flat_map(|j| &j.completeness) {
        match completeness.iter_mut().find(|c| c.field == part.field) {
            Some(sum) => {
                sum.recorded += part.recorded;
                sum.of += part.of;
            }
            None => completeness.push(part.clone()),
        }
    }
    let has = |severity| findings.iter().any(|f| f.severity == severity);
    let standing = if has(Severity::Error) {
        Standing::Faulty
    } else if has(Severity::Warning) {
        Standing::Doubtful
    } else {
        Standing::Good
    };
    Verdict {
        at,
        standing,
        enrolments: judged.iter().map(|j| j.enrolments).sum(),
        findings,
        completeness,
    }
}
