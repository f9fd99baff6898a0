//! What is on offer on a day, counted in one way for pages and for answers to questionnaires.

use std::collections::BTreeSet;

use jiff::civil::Date;
use ldsp_protocol::geography::Geography;
use ldsp_protocol::ids::Gss;

use super::Freshness;
use crate::store::kept::Stored;
use crate::store::providers::folded;
use crate::store::services::{Service, Status};

/// Whether a service is on offer on this day: it runs, has begun and has not ended.
pub(crate) fn is_on_offer(service: &Service, day: Date) -> bool {
    service.status == Status::Active
        && service.start.is_none_or(|start| start <= day)
        && service.end.is_none_or(|end| day <= end)
}

/// What is on offer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Offer {
    /// Services.
    pub(crate) services: u64,
    /// Those that somebody checked in the last six months.
    pub(crate) assured: u64,
    /// Those who offer them.
    pub(crate) organisations: u64,
    /// Places in those that state them; `None`: none does.
    pub(crate) places: Option<u64>,
    /// Districts of the LEP that one of them names; `None`: no service names a district at all.
    pub(crate) districts: Option<u64>,
}

impl Offer {
    /// Of these services, on this day, in the LEP with this code.
    pub(crate) fn on(day: Date, all: &[Stored<Service>], lep: Option<&Gss>) -> Self {
        let offered: Vec<&Service> = all
            .iter()
            .map(|stored| &stored.it)
            .filter(|service| is_on_offer(service, day))
            .collect();
        let assured = |service: &&&Service| {
            matches!(
                Freshness::of(service.assured, None, day),
                Freshness::Fresh(_)
            )
        };
        let organisations: BTreeSet<String> =
            offered.iter().map(|s| folded(&s.organisation)).collect();
        let stated: Vec<u64> = offered
            .iter()
            .filter_map(|s| u64::try_from(s.places?).ok())
            .collect();
        let named: Vec<&str> = offered.iter().filter_map(|s| s.area.as_deref()).collect();
        let of_lep = |code: &&&str| {
            let code = code.parse().ok();
            let district = code.and_then(|code: Gss| Geography::embedded().district(&code));
            // A district of two LEPs is one of each.
            let leps = district.map(|d| [Some(&d.owner), d.also.as_ref()]);
            leps.is_some_and(|leps| lep.is_some() && leps.contains(&lep))
        };
        let districts: BTreeSet<&&str> = named.iter().filter(of_lep).collect();
        Self {
            services: offered.len() as u64,
            assured: offered.iter().filter(assured).count() as u64,
            organisations: organisations.len() as u64,
            places: (!stated.is_empty()).then(|| stated.iter().sum()),
            districts: (!named.is_empty()).then_some(districts.len() as u64),
        }
    }
}
