//! Nodes whose truth is known: what they publish, soundly or with a planted flaw.

mod flaw;
mod population;
mod publish;

use std::path::Path;
use std::{fs, io};

use ldsp_protocol::geography::Geography;
use ldsp_protocol::ids::Period;
use ldsp_protocol::standard::{Codebook, Dimension, Standard, Table, cell_index};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng as _;

pub use flaw::Flaw;
pub use publish::Release;

use crate::attacks;
use crate::releases::{Published, ReadError, Standards};
use crate::truth::{ABSENT, Codes, Enrolment, Event, LAST, Truth};
use crate::verdict::{Outcome, Verdict};
use population::{Place, population};
use publish::{Entries, Signer, Stream, summaries};

/// What to simulate.
#[derive(Debug, Clone)]
pub struct Plan {
    /// For each size the number of learners and of nodes.
    pub sizes: Vec<(usize, usize)>,
    /// Months that each node publishes, 1 to 120.
    pub months: usize,
    /// What every node does wrong.
    pub flaw: Option<Flaw>,
    /// Learners and noise follow from it.
    pub seed: u64,
}

/// What happens to the nodes besides enrolments, corrections and erasures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scenario {
    /// Nothing.
    Life,
    /// From version 1 of the standard to version 2: from half way on new enrolments enter the tables of the second, what becomes known of
    /// earlier ones goes on entering those of the first, and every month has two releases.
    ChangedStandard,
    /// After two thirds the ledger is lost: a new epoch counts everybody who is still known again, at the cost of another rho.
    LostLedger,
}

/// Releases and their truth.
#[derive(Debug, Clone, Default)]
pub struct Simulated {
    /// In the order of signing, node by node.
    pub releases: Vec<Release>,
    /// What they were made of.
    pub truth: Truth,
}

impl Plan {
    /// Enough nodes of each size for a thousand targets.
    #[must_use]
    pub fn new(learners: &[usize], months: usize, flaw: Option<Flaw>, seed: u64) -> Self {
        let nodes = |n: usize| (12_000 / n.max(1)).clamp(1, 20);
        Self {
            sizes: learners.iter().map(|n| (*n, nodes(*n))).collect(),
            months,
            flaw,
            seed,
        }
    }
}

fn first_period() -> Period {
    Period::new(2019, 8).expect("August 2019 is between 2000 and 2199")
}

/// Makes the releases of a scenario.
#[must_use]
pub fn simulate(plan: &Plan, scenario: Scenario) -> Simulated {
    let mut rng = ChaCha20Rng::seed_from_u64(plan.seed ^ (scenario as u64) << 32);
    let leps: Vec<_> = Geography::embedded().leps().collect();
    let mut made = Simulated::default();
    for (learners, nodes) in &plan.sizes {
        for number in 0..*nodes {
            let name = format!("simulated-{learners}-{number}");
            let place = Place {
                node: &name,
                lep: &leps[(number * 7 + learners) % leps.len()].code,
                first: first_period(),
                months: plan.months,
            };
            let mut enrolments = population(&place, *learners, &mut rng);
            happen(scenario, &place, &mut enrolments);
            let streams = streams(plan, scenario, &place, &enrolments);
            let slug = name
                .parse()
                .expect("letters, digits and hyphens, well under 32");
            let mut signer = Signer::new(slug, &mut rng);
            release(plan, &streams, &mut signer, &mut rng, &mut made.releases);
            made.truth.enrolments.extend(enrolments);
        }
    }
    made
}

/// The month in which the scenario's event happens.
fn turning(scenario: Scenario, months: usize) -> usize {
    match scenario {
        Scenario::LostLedger => months * 2 / 3,
        _ => months / 2,
    }
}

fn happen(scenario: Scenario, place: &Place<'_>, enrolments: &mut [Enrolment]) {
    let Some(turn) = place.first.plus(turning(scenario, place.months) as i32) else {
        return;
    };
    for enrolment in enrolments {
        match scenario {
            Scenario::Life => {}
            Scenario::ChangedStandard => {
                if enrolment.events.first().is_some_and(|e| e.period >= turn) {
                    enrolment
                        .events
                        .iter_mut()
                        .for_each(|e| e.standard = Some(Standard::v2().digest()));
                }
            }
            Scenario::LostLedger => {
                let gone = enrolment.erased.is_some_and(|m| m <= turn);
                let before: Vec<Event> = enrolment
                    .events
                    .iter()
                    .filter(|e| e.period < turn && !gone)
                    .cloned()
                    .collect();
                enrolment
                    .events
                    .iter_mut()
                    .filter(|e| e.period >= turn)
                    .for_each(|e| e.epoch = 2);
                // Only what the records say now is counted again: a correction is in them.
                let taken_back = |e: &Event| {
                    before
                        .iter()
                        .any(|m| m.weight < 0 && m.family == e.family && m.codes == e.codes)
                };
                let again = before
                    .iter()
                    .filter(|e| e.weight > 0 && !taken_back(e))
                    .cloned();
                enrolment.events.extend(again.map(|mut e| {
                    (e.epoch, e.period) = (2, turn);
                    e
                }));
            }
        }
    }
}

fn streams(
    plan: &Plan,
    scenario: Scenario,
    place: &Place<'_>,
    enrolments: &[Enrolment],
) -> Vec<Stream<'static>> {
    let (months, turn) = (place.months, turning(scenario, place.months));
    let present = Standard::current();
    let parts: Vec<(&'static Standard, u32, usize, usize)> = match scenario {
        Scenario::Life => vec![(present, 1, 0, months)],
        Scenario::ChangedStandard => vec![
            (Standard::v1(), 1, 0, months),
            (Standard::v2(), 1, turn, months),
        ],
        Scenario::LostLedger => vec![(present, 1, 0, turn), (present, 2, turn, months)],
    };
    let node_first = parts[0].0.digest();
    let stream = |(standard, epoch, from, to): (&'static Standard, u32, usize, usize)| {
        let first = place.first.plus(from as i32)?;
        let belongs =
            |e: &Event| e.epoch == epoch && e.standard.unwrap_or(node_first) == standard.digest();
        let shapes = shapes(place, standard);
        let mut entries: Entries = shapes
            .iter()
            .map(|s| vec![vec![0; s.iter().product()]; to - from])
            .collect();
        let recounted =
            plan.flaw == Some(Flaw::Recount) && scenario == Scenario::ChangedStandard && from > 0;
        for enrolment in enrolments {
            for event in &enrolment.events {
                let month = usize::try_from(event.period.index() - first.index())
                    .ok()
                    .filter(|m| *m < to - from);
                if belongs(event) {
                    month.inspect(|month| {
                        add(&mut entries, &shapes, standard, event, *month, event.weight)
                    });
                } else if recounted && month.is_none() {
                    add(&mut entries, &shapes, standard, event, 0, event.weight);
                }
                if let (Some(Flaw::Retracted), Some(erased)) = (plan.flaw, enrolment.erased) {
                    let month = usize::try_from(erased.index() - first.index())
                        .ok()
                        .filter(|m| *m < to - from);
                    month.filter(|_| belongs(event)).inspect(|month| {
                        add(
                            &mut entries,
                            &shapes,
                            standard,
                            event,
                            *month,
                            -event.weight,
                        )
                    });
                }
            }
        }
        if plan.flaw == Some(Flaw::Recount) && scenario == Scenario::Life {
            count_again(&mut entries, months / 2);
        }
        Some(Stream {
            standard,
            epoch,
            first,
            entries,
        })
    };
    parts.into_iter().filter_map(stream).collect()
}

fn add(
    entries: &mut Entries,
    shapes: &[Vec<usize>],
    standard: &Standard,
    event: &Event,
    month: usize,
    weight: i64,
) {
    for ((table, shape), cells) in standard
        .tables()
        .iter()
        .zip(shapes)
        .zip(entries)
        .filter(|((t, _), _)| t.family == event.family)
    {
        if let Some(cell) = cell(table, shape, &event.codes) {
            cells[month][cell] += weight;
        }
    }
}

fn shapes(place: &Place<'_>, standard: &Standard) -> Vec<Vec<usize>> {
    let codebook = Codebook::new(place.lep, &[]);
    standard
        .tables()
        .iter()
        .map(|t| codebook.shape(t))
        .collect()
}

fn cell(table: &Table, shape: &[usize], codes: &Codes) -> Option<usize> {
    let code = |(dimension, size): (&Dimension, &usize)| match codes[*dimension as usize] {
        ABSENT => None,
        LAST => Some(size - 1),
        code => Some(usize::from(code)),
    };
    let position: Option<Vec<usize>> = table.dimensions.iter().zip(shape).map(code).collect();
    Some(cell_index(shape, &position?))
}

/// In month `at` everything that entered before enters once more.
fn count_again(entries: &mut Entries, at: usize) {
    for table in entries {
        let (before, from) = table.split_at_mut(at);
        let Some(month) = from.first_mut() else {
            continue;
        };
        for earlier in before {
            month.iter_mut().zip(earlier).for_each(|(to, x)| *to += *x);
        }
    }
}

/// Signs the node's releases month by month, in a month with several streams the earlier standard's first.
fn release(
    plan: &Plan,
    streams: &[Stream<'_>],
    signer: &mut Signer,
    rng: &mut ChaCha20Rng,
    out: &mut Vec<Release>,
) {
    let draws = match plan.flaw {
        Some(Flaw::Redrawn) => 2,
        _ => 1,
    };
    let mut due = Vec::new();
    for (order, stream) in streams.iter().enumerate() {
        let rho = stream.standard.noise().rho_micro;
        for _ in 0..draws {
            let months = (0..).zip(summaries(stream, rho, plan.flaw, rng));
            let months = months.filter_map(|(at, s)| Some((stream.first.plus(at)?, s)));
            due.extend(months.map(|(period, summary)| (period, order, summary)));
        }
    }
    // Stable: what was drawn again follows what was drawn first.
    due.sort_by_key(|(period, order, _)| (*period, *order));
    for (period, order, summary) in due {
        out.push(signer.sign(&streams[order], period, summary));
    }
}

/// Writes releases in the layout that [`Published::read`] takes, and the truth beside them.
///
/// # Errors
/// The file system's.
pub fn write(simulated: &Simulated, dir: &Path) -> io::Result<()> {
    for (folder, envelope, key) in &simulated.releases {
        let folder = dir.join(folder);
        fs::create_dir_all(&folder)?;
        fs::write(folder.join("envelope.json"), envelope)?;
        fs::write(folder.join("public_key"), key)?;
    }
    let file = fs::File::create(dir.join("truth.csv"))?;
    simulated.truth.write(file).map_err(io::Error::other)
}

/// Simulates a scenario and attacks the published bytes.
///
/// # Errors
/// Releases that cannot be read back: a mistake of the simulation.
pub fn attack(plan: &Plan, scenario: Scenario) -> Result<Vec<Verdict>, ReadError> {
    let made = simulate(plan, scenario);
    let releases = made
        .releases
        .into_iter()
        .map(|(name, bytes, key)| (name, bytes, Some(key)));
    let published = Published::of(releases, &Standards::default())?;
    Ok(attacks::run(&published, Some(&made.truth)))
}

/// Every scenario. Of the second and third, what fails and what the first cannot try.
///
/// # Errors
/// As [`attack`].
pub fn attack_all(plan: &Plan) -> Result<Vec<Verdict>, ReadError> {
    let of = |names: &[&str], v: &Verdict| names.iter().any(|n| v.attack.starts_with(n));
    let own = ["changed standard", "lost ledger"];
    let mut verdicts = attack(plan, Scenario::Life)?;
    verdicts.retain(|v| v.outcome != Outcome::NotRun || !of(&own, v));
    for (scenario, names) in [
        (
            Scenario::ChangedStandard,
            ["changed standard", "counted again"],
        ),
        (Scenario::LostLedger, ["lost ledger", "counted again"]),
    ] {
        let more = attack(plan, scenario)?;
        verdicts.extend(
            more.into_iter().filter(|v| {
                v.outcome == Outcome::Fail || of(&names, v) && v.outcome == Outcome::Pass
            }),
        );
    }
    Ok(verdicts)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn small() -> Plan {
        Plan {
            sizes: vec![(120, 2)],
            months: 6,
            flaw: None,
            seed: 1,
        }
    }

    /// From the turn on a month has two releases, in one sequence of the node: the first standard's, then the second's.
    #[test]
    fn a_changed_standard_is_two_streams_in_one_sequence() {
        let made = simulate(&small(), Scenario::ChangedStandard);
        let release =
            |(name, bytes, key): &Release| (name.clone(), bytes.clone(), Some(key.clone()));
        let published = Published::of(made.releases.iter().map(release), &Standards::default());
        let series = published.unwrap().series;
        let of = |s: &crate::releases::Series| (s.digest, s.epoch, s.months.len());
        let (old, new) = (Standard::v1().digest(), Standard::v2().digest());
        let one_node = [(old, 1, 6), (new, 1, 3)];
        assert_eq!(
            series.iter().map(of).collect::<Vec<_>>(),
            [one_node, one_node].concat()
        );
        let order = made.releases.iter().take(9).map(|(_, bytes, _)| {
            let text = ldsp_protocol::dsse::Unverified::parse(bytes).unwrap();
            let body: serde_json::Value = serde_json::from_slice(text.unverified_body()).unwrap();
            (
                body["seq"].as_u64().unwrap(),
                body["standard"] == new.to_string(),
            )
        });
        let second = [false, false, false, false, true, false, true, false, true];
        assert_eq!(
            order.collect::<Vec<_>>(),
            (1..).zip(second).collect::<Vec<_>>()
        );
    }

    #[test]
    fn a_truth_file_is_read_as_it_was_written() {
        let made = simulate(&small(), Scenario::LostLedger);
        let mut file = Vec::new();
        made.truth.write(&mut file).unwrap();
        // What entered nothing has no row.
        let mut expected = made.truth;
        expected.enrolments.retain(|e| !e.events.is_empty());
        assert_eq!(Truth::read(&file[..]).unwrap(), expected);
    }

    #[test]
    fn a_seed_gives_the_same_releases() {
        let bytes = |seed| simulate(&Plan { seed, ..small() }, Scenario::Life).releases;
        assert_eq!(bytes(1), bytes(1));
        assert_ne!(bytes(1)[0].1, bytes(2)[0].1);
    }
}
