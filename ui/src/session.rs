//! Sessions: who has signed in, on the server only. A restart signs everyone out.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tower_sessions::cookie::SameSite;
use tower_sessions::session::{Id, Record};
use tower_sessions::{Expiry, Session, SessionManagerLayer, SessionStore, session_store};

use crate::Clock;
use crate::people::{PeopleError, PersonRecord, SharedPeople, SignedIn};

/// A session that nobody used for this long is over.
pub(crate) const IDLE: SignedDuration = SignedDuration::from_mins(30);
/// A session is over this long after sign-in, however busy.
pub(crate) const ABSOLUTE: SignedDuration = SignedDuration::from_hours(12);

const KEY: &str = "who";

/// What a session remembers: the name, and which secret opened it, so that a new secret ends older sessions.
#[derive(Serialize, Deserialize)]
struct Who {
    name: String,
    secret: String,
}

/// The layer that reads and writes the session cookie. A cookie with the prefix `__Host-` is bound by browsers to this host,
/// to HTTPS and to the path `/`. `SameSite=Lax`, because people follow links to a page from their mail and should then be
/// signed in; forms change state by POST only, and the origin check guards those besides.
pub(crate) fn layer(cookie: String, clock: Clock) -> SessionManagerLayer<Store> {
    SessionManagerLayer::new(Store {
        clock,
        sessions: Arc::default(),
    })
    .with_name(cookie)
    .with_http_only(true)
    .with_secure(true)
    .with_path("/")
    .with_same_site(SameSite::Lax)
    // No Max-Age: closing the browser ends the session; the store below decides about the rest.
    .with_expiry(Expiry::OnSessionEnd)
}

/// Opens a session for `person` under a new id, so that an id planted before sign-in is worthless after it.
pub(crate) async fn sign_in(
    session: &Session,
    person: &PersonRecord,
) -> Result<(), tower_sessions::session::Error> {
    session.cycle_id().await?;
    session
        .insert(
            KEY,
            Who {
                name: person.name.clone(),
                secret: fingerprint(person),
            },
        )
        .await
}

/// Who the session belongs to, as the store of people has it now; ends the session when that no longer fits.
pub(crate) async fn person(
    session: &Session,
    people: &SharedPeople,
) -> Result<Option<SignedIn>, PeopleError> {
    if session.id().is_none() {
        return Ok(None);
    }
    let boxed = |e: tower_sessions::session::Error| PeopleError(Box::new(e));
    let Some(who) = session.get::<Who>(KEY).await.map_err(boxed)? else {
        return Ok(None);
    };
    match people.find_boxed(&who.name).await? {
        Some(person) if !person.locked && fingerprint(&person) == who.secret => {
            Ok(Some(SignedIn::of(person)))
        }
        _ => {
            session.flush().await.map_err(boxed)?;
            Ok(None)
        }
    }
}

fn fingerprint(person: &PersonRecord) -> String {
    let phc = person.secret_hash.as_deref().unwrap_or_default();
    hex::encode(Sha256::digest(phc.as_bytes()))
}

#[derive(Debug)]
struct Held {
    record: Record,
    opened: Timestamp,
    used: Timestamp,
}

/// Sessions in memory. Unlike the library's own store it takes its clock as a parameter, forgets what is over, and does not
/// revive a session that was ended while a request was under way.
#[derive(Clone)]
pub(crate) struct Store {
    clock: Clock,
    sessions: Arc<Mutex<HashMap<Id, Held>>>,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Store")
    }
}

impl Store {
    fn sessions(&self) -> MutexGuard<'_, HashMap<Id, Held>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_live(held: &Held, now: Timestamp) -> bool {
    now.duration_since(held.used) < IDLE && now.duration_since(held.opened) < ABSOLUTE
}

#[async_trait]
impl SessionStore for Store {
    async fn create(&self, record: &mut Record) -> session_store::Result<()> {
        let now = (self.clock)();
        let mut sessions = self.sessions();
        sessions.retain(|_, held| is_live(held, now));
        while sessions.contains_key(&record.id) {
            record.id = Id::default();
        }
        sessions.insert(
            record.id,
            Held {
                record: record.clone(),
                opened: now,
                used: now,
            },
        );
        Ok(())
    }

    async fn save(&self, record: &Record) -> session_store::Result<()> {
        if let Some(held) = self.sessions().get_mut(&record.id) {
            held.record = record.clone();
        }
        Ok(())
    }

    async fn load(&self, id: &Id) -> session_store::Result<Option<Record>> {
        let now = (self.clock)();
        let mut sessions = self.sessions();
        match sessions.get_mut(id) {
            Some(held) if is_live(held, now) => {
                held.used = now;
                Ok(Some(held.record.clone()))
            }
            Some(_) => {
                sessions.remove(id);
                Ok(None)
            }
            None => Ok(None),
        }
    }

    async fn delete(&self, id: &Id) -> session_store::Result<()> {
        self.sessions().remove(id);
        Ok(())
    }
}
