//! Postcodes into districts, most of them without asking the store.

use std::collections::{HashMap, HashSet};
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
    /// The directory's district code; `None` when it does not know the postcode.
    known: HashMap<Postcode, Option<Arc<str>>>,
    /// By the directory's district code.
    places: HashMap<Arc<str>, Result<Place, Fault>>,
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
        let mut wanted: HashSet<Postcode> = postcodes.collect();
        if self.known.len() + wanted.len() > REMEMBERED {
            self.known.clear();
        }
        wanted.retain(|postcode| !self.known.contains_key(postcode));
        if wanted.is_empty() || !self.any {
            return Ok(());
        }
        let texts: Vec<&str> = wanted.iter().map(Postcode::as_str).collect();
        let found = self.handle.block_on(async {
            let mut reader = self.store.reader.acquire().await?;
            districts_of(&mut reader, &texts).await
        })?;
        for postcode in &wanted {
            let code = found.get(postcode.as_str()).map(|code| self.place(code));
            self.known.insert(*postcode, code);
        }
        Ok(())
    }

    /// The one copy of a district's code, whose place is known from now on.
    fn place(&mut self, code: &Gss) -> Arc<str> {
        if let Some((held, _)) = self.places.get_key_value(code.as_str()) {
            return held.clone();
        }
        let place = locate(code, &self.lep)
            .map(|(district, in_area)| (district.as_str().into(), in_area))
            .ok_or(faults::POSTCODE_DISTRICT);
        let code: Arc<str> = code.as_str().into();
        self.places.insert(code.clone(), place);
        code
    }

    /// Where a postcode lies that was learnt since the last batch.
    pub(super) fn find(&self, postcode: Postcode) -> Result<Place, Fault> {
        if !self.any {
            return Err(faults::NO_DIRECTORY);
        }
        let code = self.known.get(&postcode).and_then(Option::as_ref);
        let place = code.and_then(|code| self.places.get(code));
        place.cloned().unwrap_or(Err(faults::POSTCODE))
    }
}
