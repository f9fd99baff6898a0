//! Every rule that a release has to keep, each in a plain sentence with its outcome: the receiver's, by the receiver's own
//! function, and those that only the node can check because it knows the exact counts.

use std::collections::BTreeMap;

use ldsp_protocol::accountant::{Accountant, Design, Overspent};
use ldsp_protocol::ids::{Digest, Period};
use ldsp_protocol::noise::{HORIZON, MIN_RHO_MICRO, filtered};
use ldsp_protocol::standard::{Family, Standard};
use ldsp_protocol::summary::{LearningSummary, Previous, SummaryError};
use serde::Serialize;
use sqlx::sqlite::SqliteConnection;

use super::figures::{Opened, OpenedStream};
use super::{ReleaseError, check_payload};
use crate::store::releases::{self, StoredRelease};
use crate::store::{StoreError, ledger};

/// Who checks a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
#[schema(as = RuleChecker)]
pub enum Checker {
    /// This node alone, which knows the exact counts.
    Node,
    /// The national log, and this node before it signs.
    Receiver,
}

/// How a check came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
#[schema(as = RuleOutcome)]
pub enum Outcome {
    /// The rule is kept.
    Kept,
    /// It is broken: the release cannot be approved.
    Broken,
    /// Not looked at, because a rule before it is broken.
    NotReached,
}

/// A rule and how its check came out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = RuleVerdict)]
pub struct Verdict {
    /// The rule, a plain sentence.
    pub rule: String,
    /// Who checks it.
    pub by: Checker,
    /// How it came out.
    pub outcome: Outcome,
    /// What is broken, with table and cell.
    pub detail: Option<String>,
}

/// Chance that a sound release fails a check of its noise is about e^-25 for each of 27 comparisons: under one in 10^9.
const DOUBT: f64 = 25.0;
/// Numbers of a release whose noise may be nothing by chance; one in a million is, and a release has a thousand or so.
const UNTOUCHED: usize = 4;

/// All rules, the node's own first. Of a release under two standards each rule holds for both. `previous`: as [`previous`] gives it.
#[must_use]
pub(crate) fn verdicts(opened: &Opened, previous: &[Option<Previous>]) -> Vec<Verdict> {
    let mut all: Vec<Verdict> = Vec::new();
    for ((stream, summary), previous) in opened.published().zip(previous) {
        let mut verdicts = own(&opened.release, stream, summary);
        let check = summary.check(stream.standard, &opened.lep, previous.as_ref());
        verdicts.extend(receivers(stream.standard, check.err()));
        if opened.is_double() {
            for detail in verdicts.iter_mut().filter_map(|v| v.detail.as_mut()) {
                *detail = format!("{}: {detail}", stream.standard.title());
            }
        }
        for verdict in verdicts {
            match all.iter_mut().find(|v| v.rule == verdict.rule) {
                Some(known) => known.also(verdict),
                None => all.push(verdict),
            }
        }
    }
    all
}

impl Verdict {
    /// The same rule under another standard.
    fn also(&mut self, other: Self) {
        let details = [self.detail.take(), other.detail];
        let details: Vec<String> = details.into_iter().flatten().collect();
        self.detail = (!details.is_empty()).then(|| details.join("; "));
        self.outcome = match (self.outcome, other.outcome) {
            (Outcome::Broken, _) | (_, Outcome::Broken) => Outcome::Broken,
            (Outcome::NotReached, _) | (_, Outcome::NotReached) => Outcome::NotReached,
            _ => Outcome::Kept,
        };
    }
}

/// The first broken rule in words, the receiver's before the node's own; `None` when all are kept.
pub(super) fn broken(opened: &Opened, previous: &[Option<Previous>]) -> Option<String> {
    let mut all = verdicts(opened, previous);
    all.sort_by_key(|v| v.by == Checker::Node);
    let first = all.into_iter().find(|v| v.outcome == Outcome::Broken)?;
    Some(first.detail.unwrap_or(first.rule))
}

/// What each summary of the release has to follow: the one of the month before under the same standard.
pub(crate) async fn previous(
    connection: &mut SqliteConnection,
    opened: &Opened,
) -> Result<Vec<Option<Previous>>, ReleaseError> {
    let mut previous = Vec::new();
    for (stream, _) in opened.published() {
        let summary = match stream.months.iter().rev().nth(1) {
            Some(month) => {
                let release = releases::of(&mut *connection, month.period)
                    .await?
                    .ok_or(ReleaseError::LedgerLost)?;
                Some(check_payload(&release, month)?)
            }
            None => last_before(&mut *connection, stream.standard, opened.release.period).await?,
        };
        previous.push(summary.map(|summary| Previous {
            epoch: summary.noise.epoch,
            month: summary.noise.month,
            rho_micro: summary.noise.rho_micro,
            pledges: summary.pledges,
        }));
    }
    Ok(previous)
}

/// What the first month of a second epoch has to follow: the last summary of the first, whose ledger is lost. `None` where the
/// standard is new.
async fn last_before(
    connection: &mut SqliteConnection,
    standard: &Standard,
    period: Period,
) -> Result<Option<LearningSummary>, ReleaseError> {
    // The month before it, unless the content of that one is gone (`recover::gone`).
    let before: Option<i64> = sqlx::query_scalar(
        "SELECT max(period) FROM release_statements WHERE period < $1 AND standard = $2",
    )
    .bind(period.index())
    .bind(standard.version())
    .fetch_one(&mut *connection)
    .await?;
    let Some(before) = before.and_then(ledger::period) else {
        return Ok(None);
    };
    let release = releases::of(connection, before).await?;
    let Some(part) = release.as_ref().and_then(|r| r.under(standard)) else {
        return Ok(None);
    };
    let summary = serde_json::from_slice(&part.payload).map_err(|_| StoreError::Corrupt {
        table: "release_statements",
        column: "payload",
        row: before.to_string(),
    })?;
    Ok(Some(summary))
}

/// The receiver's rules in the order of its check: how its refusal begins, and the rule for people.
fn of_receiver(standard: &Standard) -> Vec<(&'static str, String)> {
    let most = standard.noise().rho_micro as f64 / 1e6;
    let least = MIN_RHO_MICRO as f64 / 1e6;
    [
        ("software names", "The release names the program and version that made it.".to_owned()),
        ("rho is at least", format!("The privacy budget \u{3c1} is at least {least} and at most the standard\u{2019}s {most}.")),
        ("a node has at most", "The node began its history at most twice.".to_owned()),
        ("an epoch has months", format!("The month is one of the {HORIZON} that the budget is spread over.")),
        ("the method is", "The noise is made by the method that the data standard names.".to_owned()),
        ("sigma squared is the one", "The size of the noise is stated for every table and is what the budget asks for.".to_owned()),
        ("sigma squared is stated", "No noise is stated for any other table.".to_owned()),
        ("months of an epoch", "The month follows the one before, without a gap.".to_owned()),
        ("rho stays", "The budget is the same as in the months before.".to_owned()),
        ("a second epoch has", "A second epoch, after a lost ledger, has no larger budget than the first.".to_owned()),
        ("the list of accepted", "The list of accepted pledges only grows.".to_owned()),
        ("a pledge is listed", "Each pledge is listed once.".to_owned()),
        ("every declared table", "Every table of the data standard is there, and no other.".to_owned()),
        ("tables stand", "The tables stand in the standard\u{2019}s order.".to_owned()),
        ("a table is dense", "Every table is complete: no number is left out, zeros included, so that a gap tells nothing.".to_owned()),
        ("a cell is within", "Every number is small enough to be read exactly by any program.".to_owned()),
        ("shared margins", "Tables that count the same enrolments agree as closely as their noise allows.".to_owned()),
    ]
    .into()
}

/// A rule of the receiver that has no sentence of its own here is shown in the receiver's words once it is broken.
fn receivers(standard: &Standard, error: Option<SummaryError>) -> Vec<Verdict> {
    let rules = of_receiver(standard);
    let at = error.as_ref().map(|e| {
        let known = rules
            .iter()
            .position(|(start, _)| e.rule.starts_with(start));
        known.unwrap_or(rules.len())
    });
    let detail = error.as_ref().map(ToString::to_string);
    let mut verdicts: Vec<Verdict> = rules
        .into_iter()
        .enumerate()
        .map(|(number, (_, rule))| Verdict {
            rule,
            by: Checker::Receiver,
            outcome: match at {
                Some(at) if number == at => Outcome::Broken,
                Some(at) if number > at => Outcome::NotReached,
                _ => Outcome::Kept,
            },
            detail: detail.clone().filter(|_| at == Some(number)),
        })
        .collect();
    if let (Some(at), Some(error)) = (at, error)
        && at == verdicts.len()
    {
        verdicts.push(Verdict {
            rule: crate::words::sentence(&error.rule),
            by: Checker::Receiver,
            outcome: Outcome::Broken,
            detail,
        });
    }
    verdicts
}

fn own(release: &StoredRelease, stream: &OpenedStream, summary: &LearningSummary) -> Vec<Verdict> {
    let noise = Noise::of(stream);
    let [over_budget, over_limit] = budgets(stream);
    [
        (
            "The bytes that would be signed are the ones whose digest is shown.".to_owned(),
            (Digest::of(&release.bytes()) != release.digest)
                .then(|| "the digest is another one".to_owned()),
        ),
        (
            "Those bytes publish what the ledger keeps for the month, so its noise was drawn once and never again.".to_owned(),
            unlike_ledger(stream, summary),
        ),
        (
            "Every number carries noise, zeros included.".to_owned(),
            (noise.untouched > UNTOUCHED).then(|| {
                format!("{} numbers equal the exact ones", noise.untouched)
            }),
        ),
        (
            "The noise is as large as stated, in every table.".to_owned(),
            noise.wrong_size,
        ),
        (
            "In every table of a group each enrolment counts exactly once.".to_owned(),
            uneven(stream),
        ),
        (
            "No table crosses more than three attributes.".to_owned(),
            stream
                .standard
                .tables()
                .iter()
                .find(|t| t.dimensions.len() > 3)
                .map(|t| format!("table {} does", t.id)),
        ),
        over_budget,
        over_limit,
    ]
    .into_iter()
    .map(|(rule, detail)| Verdict {
        rule,
        by: Checker::Node,
        outcome: if detail.is_some() {
            Outcome::Broken
        } else {
            Outcome::Kept
        },
        detail,
    })
    .collect()
}

fn unlike_ledger(stream: &OpenedStream, summary: &LearningSummary) -> Option<String> {
    let month = stream.months.last()?;
    let mut tables = summary.tables.iter().zip(&month.tables);
    let differs = tables.find(|(published, kept)| published.cells != kept.published)?;
    Some(format!("table {} differs from the ledger", differs.0.id))
}

/// Tables of a family count the same enrolments.
fn uneven(stream: &OpenedStream) -> Option<String> {
    let month = stream.months.last()?;
    let mut totals: BTreeMap<Family, i64> = BTreeMap::new();
    stream
        .standard
        .tables()
        .iter()
        .zip(&month.tables)
        .find_map(|(declared, table)| {
            let sum: i64 = table.entries.iter().sum();
            let first = *totals.entry(declared.family).or_insert(sum);
            (first != sum).then(|| format!("table {} counts another number", declared.id))
        })
}

/// What the accountant says of the tables: the rule of all together, and that of those with one sensitive attribute.
fn budgets(stream: &OpenedStream) -> [(String, Option<String>); 2] {
    let design = Design::of(stream.standard, stream.rho_micro);
    let limits = design.limits;
    let refused = Accountant::planned(design).err();
    let of_attribute = matches!(refused, Some(Overspent::Attribute { .. }));
    let detail = |is_it: bool| refused.as_ref().filter(|_| is_it).map(ToString::to_string);
    [
        (
            format!(
                "All tables together, with what is held back for later ones, stay within \u{3c1} = {} for one enrolment, {}.",
                limits.enrolment,
                if stream.stream.epoch == 1 {
                    "for ever"
                } else {
                    "in this epoch, beside what the one before has cost"
                }
            ),
            detail(!of_attribute),
        ),
        (
            format!(
                "The tables that hold one sensitive attribute stay within its own limit, \u{3c1} = {}.",
                limits.attribute
            ),
            detail(of_attribute),
        ),
    ]
}

/// What the month's noise looks like from where the exact counts are known. Nothing of it is kept or shown.
struct Noise {
    untouched: usize,
    wrong_size: Option<String>,
}

impl Noise {
    /// Sums of squares in units of sigma^2 follow chi-squared distributions; Laurent and Massart (2000), lemma 1: with n degrees of freedom
    /// they are above n + 2 sqrt(n t) + 2 t, or below n - 2 sqrt(n t), with probability e^-t at most each.
    fn of(stream: &OpenedStream) -> Self {
        let standard = stream.standard;
        let (mut untouched, mut wrong_size) = (0, None);
        let (mut all, mut cells) = (0.0, 0);
        for (at, declared) in standard.tables().iter().enumerate() {
            let sigma2 = stream.sigma2(declared) as f64;
            let mut sum = 0.0;
            let table = &stream.months[stream.months.len() - 1].tables[at];
            for (cell, published) in table.published.iter().enumerate() {
                let entries: Vec<i64> = stream
                    .months
                    .iter()
                    .map(|m| m.tables[at].entries[cell])
                    .collect();
                let noise = published - filtered(&entries);
                untouched += usize::from(noise == 0);
                sum += (noise as f64).powi(2) / sigma2;
            }
            if !plausible(sum, table.published.len()) {
                wrong_size.get_or_insert_with(|| format!("table {} has other noise", declared.id));
            }
            all += sum;
            cells += table.published.len();
        }
        if !plausible(all, cells) {
            wrong_size.get_or_insert_with(|| "the tables together have other noise".to_owned());
        }
        Self {
            untouched,
            wrong_size,
        }
    }
}

fn plausible(sum: f64, cells: usize) -> bool {
    let n = cells as f64;
    let width = 2.0 * (n * DOUBT).sqrt();
    (n - width..=n + width + 2.0 * DOUBT).contains(&sum)
}
