//! Every attack on simulated nodes of three sizes over three years: statistics as shares of their limits.

use ldsp_attack::simulate::{Plan, attack_all};
use ldsp_attack::verdict::{Outcome, Unit, Verdict};

use super::{Bound, Report, Scale, timed};

pub(super) fn run(scale: Scale) -> Report {
    let plan = match scale {
        Scale::Full => Plan::new(&[500, 5_000, 50_000], 36, None, 1),
        Scale::Small => Plan::new(&[500], 6, None, 1),
    };
    let (verdicts, time) = timed(|| attack_all(&plan).expect("simulated releases can be read"));
    let mut report = Report::default();
    for verdict in &verdicts {
        line(&mut report, verdict);
    }
    report.figure("attack.time", time.as_secs_f64(), "s");
    let count = |outcome| verdicts.iter().filter(|v| v.outcome == outcome).count() as f64;
    report.figure("attack.passed", count(Outcome::Pass), "verdicts");
    report.ratio("attack.failed", count(Outcome::Fail), Bound::AtMost(0.0));
    report
}

fn line(report: &mut Report, verdict: &Verdict) {
    let size = verdict
        .learners
        .map_or_else(String::new, |n| format!(" [{n}]"));
    let (factor, unit) = match verdict.unit {
        Unit::Share => (100.0, "%"),
        Unit::Ratio => (1.0, "ratio"),
        Unit::Count => (1.0, "found"),
        Unit::Surprise => (1.0, "-log10(p)"),
        Unit::Deviations => (1.0, "sd"),
    };
    let name = format!(
        "attack.{}{size} (limit {})",
        verdict.attack,
        factor * verdict.limit
    );
    report.figure(name, factor * verdict.statistic, unit);
}
