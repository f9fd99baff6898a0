//! The demonstration's practice entries. Their words are in `deploy/data/practice.toml`.

use jiff::{ToSpan, civil::Date};
use ldsp_protocol::ids::{Digest, Gss};
use ldsp_protocol::practice::{
    Again, Area, Cause, CostBand, Evidence, PracticeEntry, Resource, Sharing, Strength, Verdict,
};
use ldsp_protocol::standard::{Codebook, Standard, cell_index};
use serde::Deserialize;

const ENTRIES_TOML: &str = include_str!("../../data/practice.toml");

/// An entry and the figures that it cites, waiting for the release that holds them.
#[derive(Debug, Clone)]
pub struct Practice {
    /// The LEP whose node publishes it.
    pub publisher: Gss,
    /// The entry, without evidence.
    pub entry: PracticeEntry,
    /// Cited cells: table id and cell number.
    pub cites: Vec<(String, u64)>,
}

impl Practice {
    /// The entry with its evidence: the cited cells of the publisher's own release `statement` (SHA-256 of
    /// its PAE).
    #[must_use]
    pub fn citing(&self, statement: Digest) -> PracticeEntry {
        let evidence = self
            .cites
            .iter()
            .map(|(table, cell)| Evidence {
                statement,
                table: table.clone(),
                cell: *cell,
            })
            .collect();
        PracticeEntry {
            evidence,
            ..self.entry.clone()
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    entry: Vec<Draft>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Draft {
    publisher: Gss,
    title: String,
    what: String,
    tier: String,
    skills: Vec<String>,
    audience: Vec<String>,
    mode: String,
    area: Area,
    cost: CostBand,
    verdict: Verdict,
    again: Again,
    change: String,
    repeat: String,
    contact_role: String,
    review_after: i32,
    #[serde(default)]
    peers_for: Option<i32>,
    strength: Strength,
    causes: Vec<Cause>,
    #[serde(default)]
    tools: Vec<Resource>,
    cites: Vec<Cite>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Cite {
    table: String,
    codes: Vec<String>,
}

/// The twelve entries, dated from `today`, the day of publication.
#[must_use]
pub fn entries(today: Date) -> Vec<Practice> {
    read(ENTRIES_TOML, today).expect("the embedded entries are read by a test of this module")
}

fn read(text: &str, today: Date) -> Result<Vec<Practice>, String> {
    let file: File = toml::from_str(text).map_err(|e| e.to_string())?;
    file.entry
        .into_iter()
        .map(|draft| draft.dated(today))
        .collect()
}

impl Draft {
    fn dated(self, today: Date) -> Result<Practice, String> {
        let cites = self
            .cites
            .iter()
            .map(|cite| {
                cite.cell(&self.publisher)
                    .map(|cell| (cite.table.clone(), cell))
            })
            .collect::<Option<Vec<_>>>()
            .ok_or_else(|| format!("{}: a cited cell does not exist", self.title))?;
        let after = |days: i32| today.saturating_add(days.days());
        Ok(Practice {
            publisher: self.publisher,
            cites,
            entry: PracticeEntry {
                title: self.title,
                what: self.what.trim().to_owned(),
                tier: self.tier,
                skills: self.skills,
                audience: self.audience,
                mode: self.mode,
                area: self.area,
                cost: self.cost,
                verdict: self.verdict,
                causes: self.causes,
                again: self.again,
                change: self.change,
                repeat: self.repeat.trim().to_owned(),
                evidence: Vec::new(),
                strength: self.strength,
                tools: self.tools,
                contact_role: self.contact_role,
                sharing: self
                    .peers_for
                    .map_or(Sharing::Public, |days| Sharing::PeersUntil(after(days))),
                review: after(self.review_after),
                supersedes: None,
                replicates: None,
            },
        })
    }
}

impl Cite {
    /// Number of the cell in `publisher`'s table; `None` for an unknown table or code.
    fn cell(&self, publisher: &Gss) -> Option<u64> {
        let codebook = Codebook::new(publisher, &[]);
        let table = Standard::current().table(&self.table)?;
        if table.dimensions.len() != self.codes.len() {
            return None;
        }
        let position: Option<Vec<usize>> = table
            .dimensions
            .iter()
            .zip(&self.codes)
            .map(|(dimension, code)| codebook.codes(*dimension).iter().position(|c| c == code))
            .collect();
        u64::try_from(cell_index(&codebook.shape(table), &position?)).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    const TODAY: Date = jiff::civil::date(2022, 8, 15);

    fn count(entries: &[Practice], verdict: Verdict) -> usize {
        entries
            .iter()
            .filter(|p| p.entry.verdict == verdict)
            .count()
    }

    #[test]
    fn every_entry_passes_the_check_of_the_protocol() {
        for practice in read(ENTRIES_TOML, TODAY).unwrap() {
            let entry = practice.citing(Digest::of(b"a release"));
            assert_eq!(entry.check(), vec![], "{}", entry.title);
            assert_eq!(entry.evidence.len(), practice.cites.len());
            assert!(!entry.evidence.is_empty() && !entry.causes.is_empty());
        }
    }

    #[test]
    fn failures_are_among_them() {
        let entries = entries(TODAY);
        assert_eq!(entries.len(), 12);
        assert_eq!(count(&entries, Verdict::Failed), 4);
        assert_eq!(count(&entries, Verdict::Mixed), 2);
        assert_eq!(count(&entries, Verdict::TooEarly), 1);
        let publishers: BTreeSet<&Gss> = entries.iter().map(|p| &p.publisher).collect();
        assert_eq!(publishers.len(), 12);
        let peers = entries
            .iter()
            .filter(|p| !p.entry.sharing.is_public(TODAY))
            .count();
        assert_eq!(peers, 2);
        let tiers: BTreeSet<&String> = entries.iter().map(|p| &p.entry.tier).collect();
        assert_eq!(tiers.len(), 3);
    }

    #[test]
    fn a_cell_that_does_not_exist_is_refused() {
        let wrong =
            ENTRIES_TOML.replacen("\"E08000028\", \"basic\"", "\"E09000001\", \"basic\"", 1);
        assert!(
            read(&wrong, TODAY)
                .unwrap_err()
                .contains("a cited cell does not exist")
        );
    }
}
