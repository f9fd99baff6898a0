//! Postcodes into districts, most of them without asking the store.

use std::collections::HashMap;
use std::sync::Arc;

use ldsp_protocol::ids::Gss;
use tokio::runtime::Handle;

use super::locate;
use crate::import::faults;
use crate::import::report::Fault;
use crate::import::values::Postcode;
use crate::store::imports::districts_of;
use crate::store::{Store, StoreError};

/// Postcodes that are remembered: a megabyte or two, and more than one LEP's learners live in.
const REMEMBERED: usize = 65_536;

/// A live district and whether the LEP owns it.
pub(super) type Place = (Arc<str>, bool);

/// The postcode directory of the store, with what was asked before. It asks through a reading connection: while an import holds
/// the write lock nobody replaces the directory.
pub(in crate::import) struct Directory {
    store: Store,
    handle: Handle,
    lep: Gss,
    /// Whether the directory holds anything.
    any: bool,
    /// Where a postcode lies, or what is wrong with it.
    known: HashMap<Postcode, Result<Place, Fault>>,
    /// By the directory's district code.
    places: HashMap<Gss, Result<Place, Fault>>,
}

impl Directory {
    /// The directory of `store`; `any`: whether it holds any postcode. To be made within the runtime and used on a thread of its
    /// own.
    pub(in crate::import) fn new(store: &Store, lep: &Gss, any: bool) -> Self {
        Self {
            store: store.clone(),
            handle: Handle::current(),
            lep: lep.clone(),
            any,
            known: HashMap::new(),
            places: HashMap::new(),
        }
    }

    /// Learns those of `postcodes` that are not known yet.
    pub(super) fn learn(
        &mut self,
        postcodes: impl Iterator<Item = Postcode>,
    ) -> Result<(), StoreError> {
        if !self.any {
            return Ok(());
        }
        // Those of one batch at most above the bound: what is known by now is still to be found.
        if self.known.len() > REMEMBERED {
            self.known.clear();
        }
        let mut wanted: Vec<Postcode> = postcodes
            .filter(|postcode| !self.known.contains_key(postcode))
            .collect();
        if wanted.is_empty() {
            return Ok(());
        }
        wanted.sort_unstable();
        wanted.dedup();
        let texts: Vec<&str> = wanted.iter().map(Postcode::as_str).collect();
        let found = self.handle.block_on(async {
            let mut reader = self.store.reader.acquire().await?;
            districts_of(&mut reader, &texts).await
        })?;
        for postcode in &wanted {
            let place = match found.get(postcode.as_str()) {
                Some(code) => self.place(code),
                None => Err(faults::POSTCODE),
            };
            self.known.insert(*postcode, place);
        }
        Ok(())
    }

    /// Where a district lies. All its postcodes share one copy of its code.
    fn place(&mut self, code: &Gss) -> Result<Place, Fault> {
        if let Some(place) = self.places.get(code) {
            return place.clone();
        }
        let place = locate(code, &self.lep)
            .map(|(district, in_area)| (district.as_str().into(), in_area))
            .ok_or(faults::POSTCODE_DISTRICT);
        self.places.insert(code.clone(), place.clone());
        place
    }

    /// Where a postcode lies that was learnt since the last batch.
    pub(super) fn find(&self, postcode: Postcode) -> Result<Place, Fault> {
        if !self.any {
            return Err(faults::NO_DIRECTORY);
        }
        let place = self.known.get(&postcode).cloned();
        place.unwrap_or(Err(faults::POSTCODE))
    }
}
