//! Sessions: who has signed in, on the server only. A restart signs everyone out.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use axum::http::{HeaderMap, header};
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

/// Whether the person came by the sign-in service.
const SERVICE: &str = "service";
/// When the person last showed at the sign-in service that it is they who sit here.
const SHOWN: &str = "shown";
/// How long that is believed.
const SHOWN_LIFE: SignedDuration = SignedDuration::from_mins(10);
/// Who has shown the right secret and not yet the code of their phone.
const HALF: &str = "half";
/// How long the code may be waited for.
const HALF_WAIT: SignedDuration = SignedDuration::from_mins(10);

/// What a session remembers: the name, and what it stands on ([`fingerprint`]).
#[derive(Serialize, Deserialize)]
struct Who {
    name: String,
    fingerprint: String,
    /// The browser's family, for the person's own list.
    browser: String,
}

#[derive(Serialize, Deserialize)]
struct Half {
    who: Who,
    since: Timestamp,
}

/// One session of a person's list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Listed {
    /// Names the session on the page; nothing can be done with it but to end the session, and only by its own person.
    pub(crate) handle: String,
    pub(crate) browser: String,
    pub(crate) opened: Timestamp,
    pub(crate) used: Timestamp,
    /// The session that asks.
    pub(crate) this: bool,
}

/// The layer that reads and writes the session cookie. A cookie with the prefix `__Host-` is bound by browsers to this host,
/// to HTTPS and to the path `/`. `SameSite=Lax`, because people follow links to a page from their mail and should then be
/// signed in; forms change state by POST only, and the origin check guards those besides.
pub(crate) fn layer(cookie: String, store: Store) -> SessionManagerLayer<Store> {
    SessionManagerLayer::new(store)
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
    browser: &str,
) -> Result<(), tower_sessions::session::Error> {
    session.cycle_id().await?;
    session.remove_value(HALF).await?;
    session.remove_value(SHOWN).await?;
    session.insert(KEY, Who::of(person, browser)).await
}

/// Notes that the person came by the sign-in service.
pub(crate) async fn note_service(session: &Session) -> Result<(), tower_sessions::session::Error> {
    session.insert(SERVICE, true).await
}

/// Whether the person came by the sign-in service.
pub(crate) async fn is_of_service(
    session: &Session,
) -> Result<bool, tower_sessions::session::Error> {
    Ok(session.get(SERVICE).await?.unwrap_or_default())
}

/// Notes that the person has just shown at the sign-in service that it is they who sit here.
pub(crate) async fn note_shown(
    session: &Session,
    now: Timestamp,
) -> Result<(), tower_sessions::session::Error> {
    session.insert(SHOWN, now).await
}

/// Whether they showed it a short while ago.
pub(crate) async fn is_shown(
    session: &Session,
    now: Timestamp,
) -> Result<bool, tower_sessions::session::Error> {
    let at = session.get::<Timestamp>(SHOWN).await?;
    Ok(at.is_some_and(|at| now.duration_since(at) < SHOWN_LIFE))
}

/// Remembers under a new id that `person` has shown the right secret, until they show the code of their phone too.
pub(crate) async fn sign_in_half(
    session: &Session,
    person: &PersonRecord,
    browser: &str,
    now: Timestamp,
) -> Result<(), tower_sessions::session::Error> {
    session.cycle_id().await?;
    session.remove_value(KEY).await?;
    let half = Half {
        who: Who::of(person, browser),
        since: now,
    };
    session.insert(HALF, half).await
}

/// Who has shown the right secret here, and waits to show the code.
pub(crate) async fn half(
    session: &Session,
    people: &SharedPeople,
    now: Timestamp,
) -> Result<Option<PersonRecord>, PeopleError> {
    let Some(half) = session.get::<Half>(HALF).await.map_err(boxed)? else {
        return Ok(None);
    };
    if now.duration_since(half.since) >= HALF_WAIT {
        return Ok(None);
    }
    let person = people.find_boxed(&half.who.name).await?;
    Ok(person.filter(|p| !p.locked && fingerprint(p) == half.who.fingerprint))
}

fn boxed(error: tower_sessions::session::Error) -> PeopleError {
    PeopleError(Box::new(error))
}

impl Who {
    fn of(person: &PersonRecord, browser: &str) -> Self {
        Self {
            name: person.name.clone(),
            fingerprint: fingerprint(person),
            browser: browser.to_owned(),
        }
    }
}

/// The family of a browser by what it says of itself: enough to tell one's own sessions apart.
pub(crate) fn family(headers: &HeaderMap) -> &'static str {
    let said = headers.get(header::USER_AGENT);
    let said = said.and_then(|said| said.to_str().ok()).unwrap_or_default();
    // Each of them names those before it, so the order matters.
    let families = [
        ("Edg", "Edge"),
        ("OPR/", "Opera"),
        ("SamsungBrowser", "Samsung Internet"),
        ("Firefox", "Firefox"),
        ("FxiOS", "Firefox"),
        ("CriOS", "Chrome"),
        ("Chrome", "Chrome"),
        ("Safari", "Safari"),
    ];
    let found = families.iter().find(|(word, _)| said.contains(word));
    found.map_or("Another browser", |(_, family)| family)
}

/// Who the session belongs to, as the store of people has it now; ends the session when that no longer fits.
pub(crate) async fn person(
    session: &Session,
    people: &SharedPeople,
) -> Result<Option<SignedIn>, PeopleError> {
    if session.id().is_none() {
        return Ok(None);
    }
    let Some(who) = session.get::<Who>(KEY).await.map_err(boxed)? else {
        return Ok(None);
    };
    match people.find_boxed(&who.name).await? {
        Some(person) if !person.locked && fingerprint(&person) == who.fingerprint => {
            Ok(Some(SignedIn::of(person)))
        }
        _ => {
            session.flush().await.map_err(boxed)?;
            Ok(None)
        }
    }
}

/// What a session stands on: the person's generation, so that a new link ends the sessions also of somebody without a secret and whoever
/// gets a name again does not get its sessions, and the secret, so that a new one ends older sessions.
fn fingerprint(person: &PersonRecord) -> String {
    let phc = person.secret_hash.as_deref().unwrap_or_default();
    let digest = Sha256::new()
        .chain_update(person.generation.to_be_bytes())
        .chain_update(phc.as_bytes());
    hex::encode(digest.finalize())
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
    pub(crate) fn new(clock: Clock) -> Self {
        Self {
            clock,
            sessions: Arc::default(),
        }
    }

    /// The sessions of a person, the latest first; `this` is the one that asks.
    pub(crate) fn of(&self, name: &str, this: Option<Id>) -> Vec<Listed> {
        let now = (self.clock)();
        let sessions = self.sessions();
        let live = sessions.iter().filter(|(_, held)| is_live(held, now));
        let mut listed: Vec<Listed> = live
            .filter_map(|(id, held)| {
                let who = held.who().filter(|who| who.name == name)?;
                Some(Listed {
                    handle: handle(id),
                    browser: who.browser,
                    opened: held.opened,
                    used: held.used,
                    this: this == Some(*id),
                })
            })
            .collect();
        listed.sort_by(|one, other| (other.opened, &other.handle).cmp(&(one.opened, &one.handle)));
        listed
    }

    /// Ends those sessions of a person for which `ends` says so, by handle and whether it is the one that asks.
    pub(crate) fn end(&self, name: &str, this: Option<Id>, ends: impl Fn(&str, bool) -> bool) {
        self.sessions().retain(|id, held| {
            let own = held.who().is_some_and(|who| who.name == name);
            !(own && ends(&handle(id), this == Some(*id)))
        });
    }

    fn sessions(&self) -> MutexGuard<'_, HashMap<Id, Held>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    fn who(&self) -> Option<Who> {
        serde_json::from_value(self.record.data.get(KEY)?.clone()).ok()
    }
}

/// What stands for a session on a page: its id would open it.
fn handle(id: &Id) -> String {
    hex::encode(&Sha256::digest(id.0.to_be_bytes())[..8])
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
