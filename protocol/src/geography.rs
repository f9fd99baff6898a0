//! England's geography as the federation counts it: 38 LEPs (April 2021), the 309 districts of
//! 2022 with the one LEP that owns each, regions, and successors of abolished codes.
//!
//! Sources and licences: `protocol/data/README.md`. The files' digests are part of the data
//! standard, so two parties that agree on the standard agree on the map.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use crate::ids::{Gss, NodeSlug};

/// `code,name,slug,region,col,row`, one line per LEP.
pub const LEPS_CSV: &str = include_str!("../data/leps.csv");
/// `code,name,region,owner,also,population_16_64`, one line per district.
pub const DISTRICTS_CSV: &str = include_str!("../data/districts.csv");
/// `old,new,date,kind`, one line per abolished code.
pub const SUCCESSORS_CSV: &str = include_str!("../data/successors.csv");

/// A Local Enterprise Partnership.
#[derive(Debug, Clone)]
pub struct Lep {
    /// GSS code, `E37…`.
    pub code: Gss,
    /// Name as ONS publishes it.
    pub name: String,
    /// Suggested node name.
    pub slug: NodeSlug,
    /// Region that holds most of its districts.
    pub region: Gss,
    /// Place on the hex map: column and row, odd rows half a cell to the right.
    pub hex: (i32, i32),
}

/// A local authority district (2022 codes).
#[derive(Debug, Clone)]
pub struct District {
    /// GSS code, `E06…` to `E09…`.
    pub code: Gss,
    /// Name.
    pub name: String,
    /// Region code, `E12…`.
    pub region: Gss,
    /// The LEP that owns the district's learners: of two LEPs, the one named first by ONS.
    pub owner: Gss,
    /// The second LEP of a district that belonged to two.
    pub also: Option<Gss>,
    /// Residents aged 16 to 64 in 2021 (ONS Annual Population Survey), where published.
    pub population_16_64: Option<u64>,
}

/// The embedded map.
#[derive(Debug)]
pub struct Geography {
    leps: BTreeMap<Gss, Lep>,
    districts: BTreeMap<Gss, District>,
    successors: BTreeMap<Gss, Gss>,
}

/// The nine English regions (ONS, GSS codes E12000001 to E12000009) by code.
pub const REGIONS: [(&str, &str); 9] = [
    ("E12000001", "North East"),
    ("E12000002", "North West"),
    ("E12000003", "Yorkshire and The Humber"),
    ("E12000004", "East Midlands"),
    ("E12000005", "West Midlands"),
    ("E12000006", "East of England"),
    ("E12000007", "London"),
    ("E12000008", "South East"),
    ("E12000009", "South West"),
];

impl Geography {
    /// The map that is embedded in this program.
    #[must_use]
    pub fn embedded() -> &'static Self {
        static MAP: OnceLock<Geography> = OnceLock::new();
        MAP.get_or_init(|| {
            Self::read(LEPS_CSV, DISTRICTS_CSV, SUCCESSORS_CSV)
                .expect("the embedded tables are read by a test of this module")
        })
    }

    fn read(leps: &str, districts: &str, successors: &str) -> Result<Self, String> {
        let mut map = Self {
            leps: BTreeMap::new(),
            districts: BTreeMap::new(),
            successors: BTreeMap::new(),
        };
        for row in rows(leps) {
            let lep = lep(&row).ok_or_else(|| format!("leps.csv: {row:?}"))?;
            map.leps.insert(lep.code.clone(), lep);
        }
        for row in rows(districts) {
            let district = district(&row).ok_or_else(|| format!("districts.csv: {row:?}"))?;
            if !map.leps.contains_key(&district.owner) {
                return Err(format!("districts.csv: unknown owner of {}", district.code));
            }
            map.districts.insert(district.code.clone(), district);
        }
        for row in rows(successors) {
            let pair = (
                row.first().and_then(|c| c.parse().ok()),
                row.get(1).and_then(|c| c.parse().ok()),
            );
            let (Some(old), Some(new)) = pair else {
                return Err(format!("successors.csv: {row:?}"));
            };
            map.successors.insert(old, new);
        }
        Ok(map)
    }

    /// All LEPs in code order.
    pub fn leps(&self) -> impl Iterator<Item = &Lep> {
        self.leps.values()
    }

    /// The LEP with this code.
    #[must_use]
    pub fn lep(&self, code: &Gss) -> Option<&Lep> {
        self.leps.get(code)
    }

    /// All districts in code order.
    pub fn districts(&self) -> impl Iterator<Item = &District> {
        self.districts.values()
    }

    /// The district with this code, or the one that succeeded it.
    #[must_use]
    pub fn district(&self, code: &Gss) -> Option<&District> {
        self.districts.get(self.current(code))
    }

    /// The live code that `code` became; `code` itself when it never changed.
    #[must_use]
    pub fn current<'a>(&'a self, code: &'a Gss) -> &'a Gss {
        let mut at = code;
        // Chains are short and acyclic (checked by a test); the bound makes that independent of the data.
        for _ in 0..8 {
            match self.successors.get(at) {
                Some(next) => at = next,
                None => break,
            }
        }
        at
    }

    /// Codes of the districts that `lep` owns, in code order: the `area` code list of its node.
    #[must_use]
    pub fn owned_by(&self, lep: &Gss) -> Vec<Gss> {
        self.districts
            .values()
            .filter(|d| &d.owner == lep)
            .map(|d| d.code.clone())
            .collect()
    }
}

/// The region's name; `None` for a code that is no English region.
#[must_use]
pub fn region_name(code: &Gss) -> Option<&'static str> {
    REGIONS
        .iter()
        .find(|(c, _)| *c == code.as_str())
        .map(|(_, name)| *name)
}

/// Rows after the header. A field may be quoted to hold a comma; a quote in a field is not used.
pub(crate) fn rows(csv: &str) -> impl Iterator<Item = Vec<String>> + '_ {
    csv.lines().skip(1).filter(|l| !l.is_empty()).map(|line| {
        let mut fields = vec![String::new()];
        let mut quoted = false;
        for c in line.chars() {
            match c {
                '"' => quoted = !quoted,
                ',' if !quoted => fields.push(String::new()),
                _ => {
                    if let Some(field) = fields.last_mut() {
                        field.push(c);
                    }
                }
            }
        }
        fields
    })
}

fn lep(row: &[String]) -> Option<Lep> {
    let [code, name, slug, region, col, line] = row else {
        return None;
    };
    Some(Lep {
        code: code.parse().ok()?,
        name: name.clone(),
        slug: slug.parse().ok()?,
        region: region.parse().ok()?,
        hex: (col.parse().ok()?, line.parse().ok()?),
    })
}

fn district(row: &[String]) -> Option<District> {
    let [code, name, region, owner, also, population] = row else {
        return None;
    };
    Some(District {
        code: code.parse().ok()?,
        name: name.clone(),
        region: region.parse().ok()?,
        owner: owner.parse().ok()?,
        also: if also.is_empty() {
            None
        } else {
            Some(also.parse().ok()?)
        },
        population_16_64: if population.is_empty() {
            None
        } else {
            Some(population.parse().ok()?)
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_map_is_whole() {
        let map = Geography::read(LEPS_CSV, DISTRICTS_CSV, SUCCESSORS_CSV).unwrap();
        assert_eq!(map.leps.len(), 38);
        assert_eq!(map.districts.len(), 309);
        for lep in map.leps() {
            assert!(
                !map.owned_by(&lep.code).is_empty(),
                "{} owns no district",
                lep.name
            );
            assert!(region_name(&lep.region).is_some(), "{}", lep.name);
        }
        let hexes: std::collections::BTreeSet<_> = map.leps().map(|l| l.hex).collect();
        assert_eq!(hexes.len(), 38, "two LEPs share a hex");
    }

    #[test]
    fn every_succession_ends_at_a_live_code() {
        let map = Geography::embedded();
        for old in map.successors.keys() {
            let now = map.current(old);
            assert!(
                map.districts.contains_key(now) || map.leps.contains_key(now),
                "{old} ends at {now}, which is not live"
            );
            assert!(
                !map.districts.contains_key(old),
                "{old} is live and succeeded"
            );
        }
    }
}
