use std::sync::Arc;

use crate::ids::Gss;
use crate::measures::Z95;
use crate::noise;
use crate::standard::{Dimension, Standard};

mod follow;
mod mixed;

pub(super) use mixed::mixed;

use super::*;
use crate::rollup;
use crate::testing::Learners;

/// A snapshot of nodes that published `spells` in each of so many months.
pub(super) fn snapshot(sims: &mut [(Learners, usize)], spells: usize) -> Figures {
    let mut published = Vec::new();
    for (sim, months) in sims.iter_mut() {
        for seq in 1..=*months {
            let summary = sim.summary(spells);
            let period = sim.next;
            sim.next = period.next().unwrap();
            published.push((
                sim.slug.clone(),
                sim.lep.clone(),
                period,
                seq as u64,
                summary,
            ));
        }
    }
    let of = Standard::current();
    let items = published
        .iter()
        .map(|(n, l, p, s, x)| (of, (n, l, *p, *s), x));
    let state = rollup::rebuild(items).unwrap();
    Figures::default().after(Arc::default(), state.months.into_values().flatten())
}

pub(super) fn three() -> Vec<(Learners, usize)> {
    vec![
        (Learners::new(0), 3),
        (Learners::new(1), 3),
        (Learners::new(2), 2),
    ]
}

fn raw(finding: &Finding) -> Standing {
    finding.raw.unwrap()
}

#[test]
fn recipes_count_the_codes_that_their_names_say() {
    let code = |d, at: usize| Standard::current().dimension(d).codes[at].id.as_str();
    assert_eq!(code(Dimension::Outcome, 0), "achieved");
    assert_eq!(code(Dimension::Outcome, 1), "completed-without-achievement");
    assert_eq!(code(Dimension::Outcome, 2), "withdrawn");
    assert_eq!(code(Dimension::Destination, 2), "other-positive");
    assert_eq!(code(Dimension::Destination, 3), "none");
    assert_eq!(
        Standard::current()
            .dimension(Dimension::Destination)
            .codes
            .len(),
        5
    );
    assert_eq!(code(Dimension::Confidence, 2), "rose");
    assert_eq!(code(Dimension::Everyday, 2), "more");
    for measure in Measure::ALL {
        assert_eq!(Measure::parse(measure.id()), Some(measure));
        assert!(
            measure == Measure::Starts || measure.title() != "Starts",
            "{measure:?}"
        );
    }
}

#[test]
fn estimating_per_node_and_adding_up_equals_estimating_on_national_sums() {
    let snapshot = snapshot(&mut three(), 400);
    let leps: Vec<&LepFindings> = snapshot
        .leps()
        .iter()
        .filter(|l| l.releases > 0)
        .map(|l| {
            let code: Gss = l.place.code.parse().unwrap();
            snapshot.lep(&code).unwrap()
        })
        .collect();
    assert_eq!(leps.len(), 3);
    let sum = |parts: Vec<Standing>| Standing {
        estimate: parts.iter().map(|p| p.estimate).sum(),
        se: parts.iter().map(|p| p.se.powi(2)).sum::<f64>().sqrt(),
    };
    let close = |a: Standing, b: Standing, what: &str| {
        assert!(
            (a.estimate - b.estimate).abs() < 1e-6,
            "{what}: {a:?} {b:?}"
        );
        assert!((a.se - b.se).abs() < 1e-6, "{what}: {a:?} {b:?}");
    };
    for finding in snapshot.national().iter().filter(|f| !f.measure.is_rate()) {
        let of = |l: &&LepFindings| raw(l.standing.finding(finding.measure).unwrap());
        close(
            raw(finding),
            sum(leps.iter().map(of).collect()),
            finding.measure.id(),
        );
    }
    for (at, group) in snapshot.by(Dimension::Tier).iter().enumerate() {
        for finding in group.findings.iter().filter(|f| !f.measure.is_rate()) {
            let of = |l: &&LepFindings| raw(l.by_tier[at].finding(finding.measure).unwrap());
            close(
                raw(finding),
                sum(leps.iter().map(of).collect()),
                &group.code,
            );
        }
    }
    for lep in &leps {
        let districts = lep.by_district.iter();
        let parts = districts.map(|g| raw(g.finding(Measure::Starts).unwrap()).estimate);
        let total = raw(lep.standing.finding(Measure::Starts).unwrap()).estimate;
        assert!((parts.sum::<f64>() - total).abs() < 1e-6);
    }
}

#[test]
fn breakdowns_add_up_to_the_total() {
    let snapshot = snapshot(&mut three(), 300);
    let total = |m| raw(snapshot.national_measure(m).unwrap()).estimate;
    for dimension in Figures::BREAKDOWNS {
        let groups = snapshot.by(dimension);
        let held = |m: &Measure| holds(Standard::current(), *m, Some(dimension));
        let codes = if Measure::ALL.iter().any(held) {
            Standard::current().dimension(dimension).codes.len()
        } else {
            0
        };
        assert_eq!(groups.len(), codes, "{dimension:?}");
        for measure in [Measure::Starts, Measure::Achievers, Measure::InProgress] {
            if !holds(Standard::current(), measure, Some(dimension)) {
                assert!(groups.iter().all(|g| g.finding(measure).is_none()));
                continue;
            }
            let sum: f64 = groups
                .iter()
                .map(|g| raw(g.finding(measure).unwrap()).estimate)
                .sum();
            assert!(
                (sum - total(measure)).abs() < 1e-6,
                "{dimension:?} {measure:?}"
            );
        }
    }
    assert!(snapshot.by(Dimension::Pledge).is_empty());
    assert!(snapshot.by(Dimension::Outcome).is_empty());
}

#[test]
fn a_trend_adds_up_to_the_total_and_says_who_is_in_it() {
    let snapshot = snapshot(&mut three(), 300);
    let trend = snapshot.trend(Measure::Leavers);
    let sum: f64 = trend.iter().map(|f| raw(f).estimate).sum();
    let total = raw(snapshot.national_measure(Measure::Leavers).unwrap()).estimate;
    assert!((sum - total).abs() < 1e-6);
    let contributed: Vec<usize> = trend.iter().map(|f| f.coverage.contributed).collect();
    assert_eq!(contributed, [3, 3, 2]);
    let code: Gss = "E37000005".parse().unwrap();
    let own = snapshot.lep_trend(&code, Measure::Leavers);
    let own_sum: f64 = own.iter().map(|f| raw(f).estimate).sum();
    let lep = snapshot.lep(&code).unwrap();
    let own_total = raw(lep.standing.finding(Measure::Leavers).unwrap()).estimate;
    assert!((own_sum - own_total).abs() < 1e-6);
}

#[test]
fn coverage_counts_every_lep_once() {
    let snapshot = snapshot(&mut three(), 50);
    let coverage = snapshot.coverage();
    let Coverage {
        contributed,
        late,
        missing,
        of,
        ..
    } = coverage;
    assert_eq!((contributed, late, missing, of), (2, 1, 35, 38));
    let range = snapshot.range().unwrap();
    assert_eq!(range.in_words(), "January 2022 to March 2022");
    let regions = snapshot.regions();
    let of: usize = regions
        .iter()
        .map(|r| r.findings.first().map_or(0, |f| f.coverage.of))
        .sum();
    assert!(of <= 38 && of > 0);
    assert!(snapshot.national().iter().all(|f| f.coverage == coverage));
}

/// Each LEP is in one region: a region is the sum of its LEPs, independent noise and all, and the regions together are England.
#[test]
fn regions_add_up_from_their_leps_and_to_england() {
    // Three of the West Midlands, one of the North West, two of the South West.
    let leps = [
        ("black-country", "E37000001"),
        ("cheshire-warrington", "E37000003"),
        ("cornwall-scilly", "E37000005"),
        ("coventry-warwickshire", "E37000006"),
        ("dorset", "E37000009"),
        ("stoke-staffordshire", "E37000032"),
    ];
    let sims = (1..).zip(leps);
    let sims = sims.map(|(seed, (slug, lep))| (Learners::named(slug, lep, seed), 2));
    let mut sims: Vec<(Learners, usize)> = sims.collect();
    let snapshot = snapshot(&mut sims, 200);
    let sum = |parts: &[Standing]| Standing {
        estimate: parts.iter().map(|p| p.estimate).sum(),
        se: parts.iter().map(|p| p.se.powi(2)).sum::<f64>().sqrt(),
    };
    let close = |a: Standing, b: Standing, what: &str| {
        assert!(
            (a.estimate - b.estimate).abs() < 1e-6,
            "{what}: {a:?} {b:?}"
        );
        assert!((a.se - b.se).abs() < 1e-6, "{what}: {a:?} {b:?}");
    };
    let standings = snapshot.leps();
    let mut several = 0;
    for region in snapshot.regions() {
        let own = standings.iter().filter(|l| l.region.code == region.code);
        let own: Vec<Gss> = own
            .filter(|l| l.releases > 0)
            .map(|l| l.place.code.parse().unwrap())
            .collect();
        several += usize::from(own.len() > 1);
        for found in region.findings.iter().filter(|f| !f.measure.is_rate()) {
            assert_eq!(found.place.code, region.code);
            assert_eq!(found.coverage.contributed, own.len(), "{}", region.title);
            let of = |lep: &Gss| {
                let lep = snapshot.lep(lep).unwrap();
                raw(lep.standing.finding(found.measure).unwrap())
            };
            let parts: Vec<Standing> = own.iter().map(of).collect();
            if !parts.is_empty() {
                close(raw(found), sum(&parts), &region.title);
            }
        }
    }
    assert_eq!(several, 2);
    for england in snapshot.national().iter().filter(|f| !f.measure.is_rate()) {
        let each = snapshot.regions().iter();
        let each = each.filter_map(|r| r.finding(england.measure)?.raw);
        close(
            raw(england),
            sum(&each.collect::<Vec<_>>()),
            england.measure.id(),
        );
    }
}

#[test]
fn an_area_that_joined_late_does_not_count_as_whole() {
    let mut late = Learners::new(2);
    late.next = "2022-03".parse().unwrap();
    let all = snapshot(
        &mut [(Learners::new(0), 3), (Learners::new(1), 3), (late, 1)],
        50,
    );
    let coverage = all.coverage();
    assert_eq!((coverage.contributed, coverage.late), (3, 0));
    assert_eq!((coverage.months, coverage.of_months), (7, 9));
    let words = "3 of 38 LEPs contributed, 0 late, 35 not yet, 7 of 9 months";
    assert_eq!(coverage.in_words(), words);
    let json = serde_json::to_value(coverage).unwrap();
    assert_eq!(
        (&json["months"], &json["of_months"]),
        (&7.into(), &9.into())
    );
    // A single month says it in LEPs, a complete federation not at all.
    let january = all.trend(Measure::Starts)[0].coverage;
    assert_eq!((january.months, january.of_months), (2, 3));
    assert_eq!(january.months_in_words(), None);
    let whole = snapshot(&mut [(Learners::new(0), 3), (Learners::new(1), 3)], 50);
    assert_eq!(whole.coverage().months_in_words(), None);
}

#[test]
fn before_the_first_release_there_are_no_figures() {
    let snapshot = Figures::default();
    assert_eq!(snapshot.range(), None);
    assert!(snapshot.national().is_empty() && snapshot.by(Dimension::Tier).is_empty());
    assert!(snapshot.trend(Measure::Starts).is_empty() && snapshot.regions().is_empty());
    assert_eq!(snapshot.coverage().missing, 38);
    assert_eq!(snapshot.leps().len(), 38);
}

#[test]
fn too_few_is_said_and_not_shown() {
    let snapshot = snapshot(&mut [(Learners::new(0), 1)], 0);
    for finding in snapshot.national() {
        if finding.measure.is_rate() && finding.measure != Measure::SustainedPositive {
            assert_eq!((finding.shown, finding.raw), (Shown::TooFew, None));
        }
    }
}

#[test]
fn what_comes_six_months_later_is_not_due_before_the_seventh_month() {
    for (months, expected) in [(1, Shown::NotDue), (6, Shown::NotDue), (7, Shown::TooFew)] {
        let snapshot = snapshot(&mut [(Learners::new(0), months)], 0);
        let figure = snapshot.national_measure(Measure::SustainedPositive);
        assert_eq!(figure.unwrap().shown, expected, "{months}");
        let lep = snapshot.leps().iter().find(|l| l.releases > 0).unwrap();
        let own = lep.finding(Measure::SustainedPositive).unwrap();
        assert_eq!(own.shown, expected, "{months}");
        let trend = snapshot.trend(Measure::SustainedPositive);
        assert_eq!(trend.last().unwrap().shown, expected, "{months}");
        assert_eq!(trend[0].shown, Shown::NotDue);
        let retention = snapshot.national_measure(Measure::Retention).unwrap();
        assert_eq!(retention.shown, Shown::TooFew);
    }
}

#[test]
fn a_cited_cell_has_the_error_that_the_benchmark_gives_it() {
    let mut sim = Learners::new(0);
    let mut history = vec![];
    for seq in 1..=3 {
        let summary = sim.summary(200);
        let place = (&sim.slug, &sim.lep, sim.next, seq);
        let fold = rollup::fold(Standard::current(), &history, place, &summary).unwrap();
        history.push(fold.month);
        sim.next = sim.next.next().unwrap();
    }
    let month = &history[2];
    let table = &Standard::current().tables()[0];
    let rho = noise::table_rho(Standard::current(), table.rho_micro, month.span.rho_micro);
    let variance = noise::variance(noise::sigma2(rho), 0, 3);
    let cells = month.codebook().cells(table);
    let last = cell_to_date(month, 0, cells - 1).unwrap();
    assert!((last.se - variance.sqrt()).abs() < 1e-9);
    let value = noise::in_counts(month.cumulative[cells - 1]);
    assert!((last.value - value).abs() < 1e-9);
    assert_eq!(cell_to_date(month, 0, cells), None);
}

#[test]
fn intervals_cover_the_truth_as_often_as_they_claim() {
    let mut sims: Vec<(Learners, usize)> = (0..60)
        .map(|seed| (Learners::named("a-node", "E37000001", seed + 100), 1))
        .collect();
    let mut inside = 0;
    for pair in &mut sims {
        let figures = snapshot(std::slice::from_mut(pair), 300);
        let truth = pair.0.truth;
        for (measure, truth) in [Measure::Starts, Measure::Leavers, Measure::Achievers]
            .into_iter()
            .zip(truth)
        {
            let standing = raw(figures.national_measure(measure).unwrap());
            let distance = (standing.estimate - truth as f64).abs();
            inside += usize::from(distance <= Z95 * standing.se);
        }
    }
    // 180 figures, binomial with p = 0.95: 171 expected, sd 2.9 (a little more: they are correlated).
    assert!((158..=180).contains(&inside), "{inside} of 180");
}
