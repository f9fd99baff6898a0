//! Files that wait between two requests for what their sender has to say: one of each person.
//!
//! They have no name on the disk ([`super::upload`]) and go when they are imported, when their sender sends another one, when nobody looked
//! at them for [`PATIENCE`], when others need the room, and when the program ends.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::ilr::Asked;
use super::import::LARGEST;
use super::import_map::Draft;
use super::upload::Upload;
use crate::Clock;

/// How long a file waits after somebody looked at it.
const PATIENCE: Duration = Duration::from_secs(15 * 60);
/// Files that wait at a time.
const MOST: usize = 32;
/// Bytes that wait at a time: four of the largest files.
const BYTES: u64 = 4 * LARGEST as u64;

/// What a file waits for.
#[derive(Clone)]
pub(super) enum Waits {
    /// That its columns are explained.
    Columns(Draft),
    /// That what an ILR cannot tell is said.
    Answers(Asked),
}

impl Waits {
    fn upload(&self) -> &Upload {
        match self {
            Self::Columns(draft) => &draft.upload,
            Self::Answers(asked) => &asked.file,
        }
    }
}

/// The files that wait. All clones are the same.
#[derive(Clone)]
pub(super) struct Held {
    shelf: Arc<Mutex<Shelf>>,
    clock: Clock,
}

#[derive(Default)]
struct Shelf {
    files: BTreeMap<String, Kept>,
    turns: u64,
}

struct Kept {
    waits: Waits,
    until: Timestamp,
    /// Tells it from the file that comes after it.
    turn: u64,
}

impl Shelf {
    fn sweep(&mut self, now: Timestamp) {
        self.files.retain(|_, kept| kept.until > now);
    }

    /// Lets the files go that waited longest, until there is room for so many bytes more.
    fn make_room(&mut self, bytes: u64) {
        loop {
            let held = self.files.values().map(|kept| kept.waits.upload().bytes);
            if self.files.len() < MOST && held.sum::<u64>() + bytes <= BYTES {
                return;
            }
            let oldest = self.files.iter().min_by_key(|(_, kept)| kept.until);
            let Some(person) = oldest.map(|(person, _)| person.clone()) else {
                return;
            };
            self.files.remove(&person);
        }
    }
}

fn locked(shelf: &Mutex<Shelf>) -> MutexGuard<'_, Shelf> {
    shelf.lock().unwrap_or_else(PoisonError::into_inner)
}

fn later(now: Timestamp) -> Timestamp {
    let patience = SignedDuration::try_from(PATIENCE).unwrap_or(SignedDuration::ZERO);
    now.saturating_add(patience).unwrap_or(now)
}

impl Held {
    pub(super) fn new(clock: Clock) -> Self {
        Self {
            shelf: Arc::default(),
            clock,
        }
    }

    fn of(&self, person: &str) -> Option<Waits> {
        let now = (self.clock)();
        let mut shelf = locked(&self.shelf);
        shelf.sweep(now);
        let kept = shelf.files.get_mut(person)?;
        kept.until = later(now);
        Some(kept.waits.clone())
    }

    /// The person's file, if its columns are being explained.
    pub(super) fn draft(&self, person: &str) -> Option<Draft> {
        match self.of(person)? {
            Waits::Columns(draft) => Some(draft),
            Waits::Answers(_) => None,
        }
    }

    /// The person's file, if it is an ILR that asks.
    pub(super) fn asked(&self, person: &str) -> Option<Asked> {
        match self.of(person)? {
            Waits::Answers(asked) => Some(asked),
            Waits::Columns(_) => None,
        }
    }

    /// Holds a file in the place of the person's last one.
    pub(super) fn hold(&self, person: &str, waits: Waits) {
        let now = (self.clock)();
        let turn = {
            let mut shelf = locked(&self.shelf);
            shelf.sweep(now);
            shelf.files.remove(person);
            shelf.make_room(waits.upload().bytes);
            shelf.turns += 1;
            let kept = Kept {
                waits,
                until: later(now),
                turn: shelf.turns,
            };
            shelf.files.insert(person.to_owned(), kept);
            shelf.turns
        };
        let (shelf, clock) = (Arc::downgrade(&self.shelf), self.clock.clone());
        tokio::spawn(async move {
            while is_held(&shelf, &clock, turn) {
                tokio::time::sleep(PATIENCE).await;
            }
        });
    }

    /// Lets the person's file go.
    pub(super) fn let_go(&self, person: &str) {
        locked(&self.shelf).files.remove(person);
    }
}

/// Whether the file of that turn still waits, so that somebody has to see to it that it goes also when nobody asks.
fn is_held(shelf: &Weak<Mutex<Shelf>>, clock: &Clock, turn: u64) -> bool {
    let Some(shelf) = shelf.upgrade() else {
        return false;
    };
    let mut shelf = locked(&shelf);
    shelf.sweep(clock());
    shelf.files.values().any(|kept| kept.turn == turn)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::import::ilr::Summary;
    use crate::pages::import::Chosen;
    use crate::testing::{at, seeded};

    async fn file(dir: &std::path::Path, bytes: u64) -> Waits {
        let none = futures::stream::iter(Vec::<Result<bytes::Bytes, std::io::Error>>::new());
        let mut file = Upload::receive(dir, &seeded(1), none).await.unwrap();
        file.bytes = bytes;
        Waits::Answers(Asked {
            file,
            chosen: Chosen::default(),
            summary: Summary::default(),
        })
    }

    #[tokio::test]
    async fn files_wait_for_a_while_each_person_has_one_and_old_ones_make_room() {
        let dir = tempfile::tempdir().unwrap();
        let now = Arc::new(Mutex::new(at("2022-03-04T09:00:00Z")));
        let clock: Clock = {
            let now = now.clone();
            Arc::new(move || *now.lock().unwrap())
        };
        let pass = |minutes: i64| {
            let mut now = now.lock().unwrap();
            *now += SignedDuration::from_mins(minutes);
        };
        let held = Held::new(clock);
        held.hold("ann", file(dir.path(), 1).await);
        pass(14);
        assert!(held.asked("ann").is_some() && held.draft("ann").is_none());
        pass(14);
        assert!(held.asked("ann").is_some(), "whoever looks waits anew");
        pass(15);
        assert!(held.asked("ann").is_none());

        held.hold("ann", file(dir.path(), LARGEST as u64).await);
        for n in 0..3 {
            pass(1);
            held.hold(&format!("cat {n}"), file(dir.path(), LARGEST as u64).await);
        }
        assert_eq!(locked(&held.shelf).files.len(), 4);
        pass(1);
        held.hold("dan", file(dir.path(), 1).await);
        assert!(held.asked("ann").is_none(), "hers waited longest");
        assert!(held.asked("cat 0").is_some());
        for n in 0..MOST {
            held.hold(&format!("eve {n}"), file(dir.path(), 1).await);
        }
        assert_eq!(locked(&held.shelf).files.len(), MOST);
        held.let_go("eve 7");
        assert!(held.asked("eve 7").is_none());
    }
}
