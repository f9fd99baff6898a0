//! The rules that the records keep, checked through the files that they are read from.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use ldsp_protocol::geography::Geography;
use ldsp_protocol::ids::{Gss, Period};
use ldsp_protocol::standard::{Dimension, Standard};

use super::*;

const KEY: [u8; 32] = [42; 32];

fn periods(from: &str, months: i32) -> Vec<Period> {
    let first: Period = from.parse().unwrap();
    (0..months).map(|n| first.plus(n).unwrap()).collect()
}

fn records(lep: &str, key: [u8; 32], months: i32) -> LepRecords {
    expand(Figures::embedded(), lep, key, &periods("2022-02", months)).unwrap()
}

fn learner_file(records: &LepRecords) -> Vec<u8> {
    let mut file = Vec::new();
    records.write_learners_csv(&mut file).unwrap();
    file
}

fn rows(file: &[u8]) -> Vec<BTreeMap<String, String>> {
    let mut reader = csv::Reader::from_reader(file);
    reader.deserialize().collect::<Result<_, _>>().unwrap()
}

fn day(text: &str) -> Date {
    text.parse().unwrap()
}

#[test]
fn every_lep_and_the_nation_equal_the_figures() {
    let figures = Figures::embedded();
    let (mut enrolments, mut achievements) = (0, 0);
    for lep in figures.leps() {
        let records = records(lep, KEY, 6);
        let area = figures.area(lep).unwrap();
        assert_eq!(
            records.enrolments(),
            area.enrolments.total as usize,
            "{lep}"
        );
        assert_eq!(
            records.achievements(),
            area.achievements.total as usize,
            "{lep}"
        );
        enrolments += records.enrolments();
        achievements += records.achievements();
    }
    assert_eq!((enrolments, achievements), (84_760, 62_870));
}

#[test]
fn tiers_equal_the_scaled_levels() {
    for lep in ["E37000001", "E37000043", "E37000012", "E37000053"] {
        let records = records(lep, KEY, 6);
        let wanted = Figures::embedded().tiers(lep).unwrap();
        for (tier, totals) in Tier::ALL.into_iter().zip(wanted) {
            let of_tier: Vec<Truth<'_>> = records.truth().filter(|t| t.tier == tier).collect();
            assert_eq!(of_tier.len(), totals.enrolments as usize, "{lep} {tier:?}");
            let achieved = of_tier
                .iter()
                .filter(|t| t.stage == Stage::Achieved)
                .count();
            assert_eq!(achieved, totals.achievements as usize, "{lep} {tier:?}");
        }
    }
}

#[test]
fn the_same_key_gives_the_same_bytes_and_another_key_others() {
    let file = learner_file(&records("E37000005", KEY, 6));
    assert_eq!(file, learner_file(&records("E37000005", KEY, 6)));
    assert_ne!(file, learner_file(&records("E37000005", [43; 32], 6)));
}

#[test]
fn every_row_keeps_the_contract() {
    let standard = Standard::current();
    for (lep, months) in [("E37000001", 6), ("E37000052", 1), ("E37000060", 24)] {
        let records = records(lep, KEY, months);
        let map = Geography::embedded();
        let span = periods("2022-02", months);
        let (first, last) = (
            span[0].first_day(),
            span[span.len() - 1].first_day().last_of_month(),
        );
        let programmes: BTreeSet<&str> = records
            .programmes()
            .iter()
            .map(|p| p.programme.as_str())
            .collect();
        let rows = rows(&learner_file(&records));
        assert_eq!(rows.len(), records.enrolments());
        for row in &rows {
            for (column, dimension) in [
                ("sex", Dimension::Sex),
                ("ethnicity", Dimension::Ethnicity),
                ("disability", Dimension::Disability),
                ("prior_status", Dimension::Prior),
                ("skill", Dimension::Skill),
                ("mode", Dimension::Mode),
                ("destination_3m", Dimension::Destination),
                ("destination_6m", Dimension::Destination),
                ("destination_12m", Dimension::Destination),
            ] {
                let code = row[column].as_str();
                let listed = standard
                    .dimension(dimension)
                    .codes
                    .iter()
                    .any(|c| c.id == code);
                assert!(
                    listed || (code.is_empty() && column.starts_with("dest")),
                    "{column}: {code}"
                );
            }
            assert!(
                standard.stages().iter().any(|c| c.id == row["stage"]),
                "{}",
                row["stage"]
            );
            assert!(programmes.contains(row["programme"].as_str()));
            assert!(row["postcode"].is_empty());
            if !row["district"].is_empty() {
                let code: Gss = row["district"].parse().unwrap();
                assert_eq!(map.district(&code).unwrap().owner.as_str(), lep);
            }
            let start = day(&row["start"]);
            assert!(day(&row["birth_date"]) < start && day(&row["planned_end"]) >= start);
            assert!((first..=last).contains(&start));
            assert_eq!(row["end"].is_empty(), row["stage"] == "in-progress");
            if row["end"].is_empty() {
                assert!(day(&row["planned_end"]) > last);
                assert!(row["destination_3m"].is_empty() && row["confidence_after"].is_empty());
            } else {
                assert!((start..=last).contains(&day(&row["end"])));
            }
            for (column, range) in [
                ("confidence_before", 1..=5),
                ("confidence_after", 1..=5),
                ("everyday_before", 0..=5),
                ("everyday_after", 0..=5),
            ] {
                let value = &row[column];
                assert!(
                    value.is_empty() || range.contains(&value.parse::<i32>().unwrap()),
                    "{column}: {value}"
                );
            }
        }
    }
}

#[test]
fn programmes_keep_the_contract() {
    let standard = Standard::current();
    for lep in Figures::embedded().leps() {
        let records = records(lep, KEY, 6);
        let mut file = Vec::new();
        records.write_programmes_csv(&mut file).unwrap();
        let rows = rows(&file);
        assert!((6..=12).contains(&rows.len()), "{lep}: {}", rows.len());
        let providers: BTreeSet<&String> = rows.iter().map(|row| &row["provider"]).collect();
        assert!((3..=6).contains(&providers.len()), "{lep}: {providers:?}");
        for row in &rows {
            for (column, dimension) in [
                ("tier", Dimension::Tier),
                ("type", Dimension::ProgrammeType),
                ("audience", Dimension::Audience),
            ] {
                let code = &row[column];
                assert!(
                    standard
                        .dimension(dimension)
                        .codes
                        .iter()
                        .any(|c| c.id == *code),
                    "{column}: {code}"
                );
            }
            assert!(row["provider"].contains("illustrative"));
            assert!(
                row["cost"].parse::<u32>().unwrap() > 0
                    && row["capacity"].parse::<u32>().unwrap() > 0
            );
            assert!(day(&row["start"]) < day(&row["end"]));
        }
    }
}

#[test]
fn skills_agree_with_the_tier() {
    let basic = [
        "foundation",
        "communicating",
        "handling-information",
        "transacting",
        "problem-solving",
        "safe-and-legal",
    ];
    for truth in records("E37000051", KEY, 6).truth() {
        match truth.tier {
            Tier::Basic => assert!(basic.contains(&truth.skill), "{}", truth.skill),
            Tier::General => assert_eq!(truth.skill, "workplace"),
            Tier::Advanced => assert!(!basic.contains(&truth.skill) && truth.skill != "workplace"),
        }
    }
}

#[test]
fn identities_are_unique_and_nobody_has_three_enrolments() {
    let rows = rows(&learner_file(&records("E37000051", KEY, 6)));
    let identities: BTreeSet<[&String; 4]> = rows
        .iter()
        .map(|r| [&r["provider"], &r["learner_ref"], &r["aim"], &r["start"]])
        .collect();
    assert_eq!(identities.len(), rows.len());
    let mut by_learner: BTreeMap<&String, BTreeSet<&String>> = BTreeMap::new();
    let mut enrolments: BTreeMap<&String, usize> = BTreeMap::new();
    for row in &rows {
        by_learner
            .entry(&row["learner_ref"])
            .or_default()
            .insert(&row["uln"]);
        *enrolments.entry(&row["learner_ref"]).or_default() += 1;
    }
    assert!(by_learner.values().all(|ulns| ulns.len() == 1));
    assert!(enrolments.values().all(|n| *n <= 2));
    let twice = enrolments.values().filter(|n| **n == 2).count() as f64 / enrolments.len() as f64;
    assert!((0.07..0.09).contains(&twice), "{twice}");
}

#[test]
fn ulns_are_valid_unique_and_mostly_there() {
    let records = records("E37000015", KEY, 6);
    let mut seen = BTreeSet::new();
    let mut absent = 0;
    for learner in records.learners() {
        match learner.uln.as_deref() {
            None | Some("9999999999") => absent += 1,
            Some(number) => {
                assert_eq!(uln(number[..9].parse().unwrap()).as_deref(), Some(number));
                assert!(seen.insert(number), "{number} twice");
            }
        }
    }
    let share = f64::from(absent) / records.learners().len() as f64;
    assert!((0.03..0.07).contains(&share), "{share}");
}

#[test]
fn destinations_fall_due_within_the_periods() {
    let span = periods("2022-02", 18);
    let records = expand(Figures::embedded(), "E37000036", KEY, &span).unwrap();
    let mut known = [0; 3];
    for truth in records.truth() {
        for (at, destination) in truth.destinations.iter().enumerate() {
            if let Some((_, due)) = destination {
                assert!(span.contains(due) && truth.stage.left());
                known[at] += 1;
            }
        }
    }
    assert!(
        known[0] > known[1] && known[1] > known[2] && known[2] > 0,
        "{known:?}"
    );
}

#[test]
fn rates_come_near_to_the_published_ones() {
    let mut stages: BTreeMap<Stage, u32> = BTreeMap::new();
    for lep in Figures::embedded().leps() {
        for truth in records(lep, KEY, 6).truth() {
            *stages.entry(truth.stage).or_default() += 1;
        }
    }
    let count = |stage| f64::from(stages[&stage]);
    let completed = count(Stage::Achieved) + count(Stage::CompletedWithoutAchievement);
    let leavers = completed + count(Stage::Withdrawn);
    let (retention, pass) = (completed / leavers, count(Stage::Achieved) / completed);
    // England, all education and training: 0.904 and 0.924. ICT's own totals allow no more than this.
    assert!((0.86..0.92).contains(&retention), "retention {retention}");
    assert!((0.88..0.94).contains(&pass), "pass {pass}");
    let open = (count(Stage::InProgress) + count(Stage::Transferred)) / 84_760.0;
    assert!((0.02..0.08).contains(&open), "in progress {open}");
}

#[test]
fn postcodes_take_the_place_of_districts_only_when_given() {
    let records = records("E37000001", KEY, 6);
    let mut file = Vec::new();
    records
        .write_learners_csv_with(&[("ZZ99 3WZ", "E08000027")], &mut file)
        .unwrap();
    let rows = rows(&file);
    assert!(rows.iter().any(|row| row["postcode"] == "ZZ99 3WZ"));
    assert!(
        rows.iter()
            .all(|row| row["postcode"].is_empty() || row["district"].is_empty())
    );
}

#[test]
fn what_cannot_be_expanded_is_refused() {
    let figures = Figures::embedded();
    let span = periods("2022-02", 2);
    assert_eq!(
        expand(figures, "E92000001", KEY, &span).unwrap_err(),
        ExpandError::UnknownLep("E92000001".to_owned())
    );
    assert_eq!(
        expand(figures, "E37000001", KEY, &[]).unwrap_err(),
        ExpandError::NoPeriods
    );
    assert_eq!(
        expand(figures, "E37000001", KEY, &[span[1], span[0]]).unwrap_err(),
        ExpandError::Gap
    );
}
