//! The picture of an area on a day, with the statements that it stands on.

use std::collections::BTreeMap;

use jiff::civil::Date;
use ldsp_protocol::geography::Geography;
use ldsp_protocol::ids::{Digest, Gss, NodeSlug};
use ldsp_protocol::needs::{
    DemandSummary, HOLDS_MONTHS, PEOPLE_MONTHS, Picture, SkillPicture, holds, picture,
};
use ldsp_protocol::standard::Standard;
use ldsp_protocol::statement::Kind;
use serde::Serialize;
use utoipa::ToSchema;

use super::{Area, Needs, Stated};
use crate::benchmark::{Place, Snapshot};

/// What is asked for and what is offered in an area.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = NeedsReport)]
pub struct Report {
    /// Size of the log that it stands on: its leaves.
    pub size: u64,
    /// Digest of the data standard whose skills it has.
    pub standard: Digest,
    /// England, a region or a LEP.
    pub place: Place,
    /// LEPs there.
    pub leps: u64,
    /// The day of its oldest sum; null where nothing was told.
    #[schema(required, value_type = Option<String>, format = Date)]
    pub oldest: Option<Date>,
    /// What is asked for and what is offered, by skill.
    #[serde(flatten)]
    pub picture: Picture,
    /// The statements that it stands on, in the order of the log.
    pub statements: Vec<Source>,
}

/// A statement that a picture stands on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = NeedsSource)]
pub struct Source {
    /// `demand-summary` or `provision-summary`.
    #[schema(value_type = String)]
    pub kind: Kind,
    /// Whose needs they are.
    pub lep: Place,
    /// Who signed.
    pub node: NodeSlug,
    /// Place in the node's sequence, from 1: its envelope and receipt stand at `/v1/nodes/{node}/statements/{seq}`.
    pub seq: u64,
    /// Place in the log, from 0.
    pub index: u64,
    /// Identity: SHA-256 of the bytes that were signed.
    pub pae: Digest,
    /// The day on which it was made.
    #[schema(value_type = String, format = Date)]
    pub as_of: Date,
    /// Whether its sums are in the picture: those of a LEP's last one are.
    pub sums: bool,
    /// Whether its counts of people are in the picture: those of every one are, for 24 months.
    pub people: bool,
}

/// The picture of an area on a day.
#[must_use]
pub fn report(snapshot: &Snapshot, area: &Area, day: Date) -> Report {
    let (needs, standard) = (snapshot.needs(), Standard::current());
    let demand = needs.demand().iter().map(|it| &it.said);
    let provision = needs.provision().iter().map(|it| &it.said);
    let picture = picture(
        standard,
        day,
        demand.filter(|it| area.holds(&it.lep)),
        provision.filter(|it| area.holds(&it.lep)),
    );
    let (statements, oldest) = sources(needs, area, day);
    Report {
        size: snapshot.size(),
        standard: standard.digest(),
        place: area.place(),
        leps: area.leps().count() as u64,
        oldest,
        picture,
        statements,
    }
}

/// What the LEPs of an area told of a skill, those that told nothing of it left out, with the statements that it is from.
#[must_use]
pub fn by_lep(
    snapshot: &Snapshot,
    area: &Area,
    skill: &str,
    day: Date,
) -> Vec<(Place, SkillPicture, Vec<Source>)> {
    let of_lep = |lep: &Gss| {
        let report = report(snapshot, &Area::Lep(lep.clone()), day);
        let mut skills = report.picture.skills.into_iter();
        let skill = skills.find(|it| it.skill == skill)?;
        let told = !skill.wanted.is_empty() || skill.people.is_some() || skill.offered.services > 0;
        told.then_some((report.place, skill, report.statements))
    };
    area.leps().filter_map(|lep| of_lep(&lep.code)).collect()
}

/// The statements that the picture stands on, and the day of its oldest sum.
fn sources(needs: &Needs, area: &Area, day: Date) -> (Vec<Source>, Option<Date>) {
    let here = |lep: &Gss, as_of| area.holds(lep) && holds(as_of, day, HOLDS_MONTHS);
    let mut newest: BTreeMap<(Kind, &Gss), (u64, Date)> = BTreeMap::new();
    for it in needs.demand() {
        if here(&it.said.lep, it.said.as_of) {
            let made = (it.index, oldest_sum(&it.said));
            newest.insert((Kind::DemandSummary, &it.said.lep), made);
        }
    }
    for it in needs.provision() {
        if here(&it.said.lep, it.said.as_of) {
            let made = (it.index, it.said.as_of);
            newest.insert((Kind::ProvisionSummary, &it.said.lep), made);
        }
    }
    let is_newest = |kind, lep, index| {
        let last = newest.get(&(kind, lep));
        last.is_some_and(|(last, _)| *last == index)
    };
    let demand = needs.demand().iter().map(|it| {
        let (lep, as_of) = (&it.said.lep, it.said.as_of);
        let sums = is_newest(Kind::DemandSummary, lep, it.index);
        let counted = it.said.people.is_some() && holds(as_of, day, PEOPLE_MONTHS);
        let people = area.holds(lep) && counted;
        source(it, Kind::DemandSummary, (lep, as_of), (sums, people))
    });
    let provision = needs.provision().iter().map(|it| {
        let (lep, as_of) = (&it.said.lep, it.said.as_of);
        let sums = is_newest(Kind::ProvisionSummary, lep, it.index);
        source(it, Kind::ProvisionSummary, (lep, as_of), (sums, false))
    });
    let mut all: Vec<Source> = demand.chain(provision).collect();
    all.retain(|it| it.sums || it.people);
    all.sort_by_key(|it| it.index);
    let oldest = newest.values().map(|(_, made)| *made).min();
    (all, oldest)
}

/// A sum that may not change for what its change would tell keeps its earlier day.
fn oldest_sum(demand: &DemandSummary) -> Date {
    let sums = demand.organisations.iter().map(|sum| sum.as_of);
    sums.min().unwrap_or(demand.as_of)
}

fn source<T>(
    it: &Stated<T>,
    kind: Kind,
    (lep, as_of): (&Gss, Date),
    (sums, people): (bool, bool),
) -> Source {
    let name = Geography::embedded().lep(lep).map(|lep| lep.name.clone());
    Source {
        kind,
        lep: Place {
            code: lep.to_string(),
            name: name.unwrap_or_default(),
        },
        node: it.node.clone(),
        seq: it.seq,
        index: it.index,
        pae: it.pae,
        as_of,
        sums,
        people,
    }
}
