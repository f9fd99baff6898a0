//! Whether a name and a secret belong together: for the sign-in page and for programs that send both with each request.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::SignedDuration;
use sha2::{Digest as _, Sha256};
use tokio::sync::Semaphore;

use crate::Clock;
use crate::accounts::same_person;
use crate::people::{PeopleError, PersonRecord, SharedPeople};
use crate::secret::{self, Secret};
use crate::throttle::{Caller, Closed, Throttle};

/// Two hashes at a time bound what sign-ins can take of memory (19 MiB each) and of the processor.
const HASHES_AT_A_TIME: usize = 2;
const NAME_BYTES: usize = 200;

/// SHA-256 of a person's PHC string and the secret that was right for it.
type Proof = [u8; 32];

/// What came of a name and a secret.
#[derive(Debug)]
pub(crate) enum Verdict {
    Right(PersonRecord),
    /// No such name, or another secret: which of them is not told.
    Wrong,
    /// Not looked at: too many were wrong, and this long nothing of this name is looked at.
    Wait(SignedDuration),
}

/// Looks at secrets, as often as the throttle allows.
pub(crate) struct Checker {
    pub(crate) people: SharedPeople,
    pub(crate) clock: Clock,
    throttle: Throttle,
    /// Of second steps: their codes are short, and who tries one knows the secret already.
    pub(crate) codes: Throttle,
    hashes: Arc<Semaphore>,
    /// Programs repeat themselves: of each person the last secret that was right, so that it is hashed slowly only once. A fast
    /// digest is enough here, because this stays in memory.
    proofs: Mutex<HashMap<String, Proof>>,
    /// One program at a time has its secret hashed: several requests at once with the right secret would otherwise each count
    /// as an attempt and close the name.
    turn: tokio::sync::Mutex<()>,
}

impl Checker {
    pub(crate) fn new(people: SharedPeople, clock: Clock) -> Self {
        Self {
            people,
            clock,
            throttle: Throttle::default(),
            codes: Throttle::default(),
            hashes: Arc::new(Semaphore::new(HASHES_AT_A_TIME)),
            proofs: Mutex::default(),
            turn: tokio::sync::Mutex::default(),
        }
    }

    /// A typed name as the site holds it: neither capitals nor spaces around it or between its words tell people apart. What
    /// nobody is called stays as it was typed.
    pub(crate) async fn spelt(&self, typed: &str) -> Result<String, PeopleError> {
        let typed = typed.split_whitespace().collect::<Vec<_>>().join(" ");
        let names = self.people.names_boxed().await?;
        let held = names.into_iter().find(|name| same_person(name, &typed));
        Ok(held.unwrap_or(typed))
    }

    /// Opens a name again that too many failures have closed.
    pub(crate) fn forgive(&self, name: &str) {
        self.throttle.forgive(name);
        self.codes.forgive(name);
    }

    /// Whether too many failures have closed a name, at its secret or at the codes of its phone.
    pub(crate) fn closed(&self, name: &str) -> Option<Closed> {
        let now = (self.clock)();
        let both = [&self.throttle, &self.codes];
        let closed = both.into_iter().filter_map(|one| one.closed(name, now));
        closed.reduce(Closed::and)
    }

    /// Looks at what a person typed.
    pub(crate) async fn typed(
        &self,
        caller: Caller<'_>,
        secret: Secret,
    ) -> Result<Verdict, PeopleError> {
        if caller.name.len() > NAME_BYTES {
            return Ok(Verdict::Wrong);
        }
        if let Some(wait) = self.throttle.wait(caller, (self.clock)()) {
            return Ok(Verdict::Wait(wait));
        }
        self.throttle.attempt(caller, (self.clock)());
        match self.look(caller.name, secret).await {
            Ok(Some(person)) => {
                self.throttle.succeeded(caller);
                Ok(Verdict::Right(person))
            }
            Ok(None) => Ok(Verdict::Wrong),
            Err(error) => {
                // Nobody tells whether it was right: the store's trouble closes no name.
                self.throttle.take_back(caller);
                Err(error)
            }
        }
    }

    /// The person of this name, if the secret is theirs and they may sign in.
    async fn look(&self, name: &str, secret: Secret) -> Result<Option<PersonRecord>, PeopleError> {
        let person = self.people.find_boxed(name).await?;
        let boxed = |e: &dyn std::fmt::Display| PeopleError(e.to_string().into());
        let _permit = self.hashes.acquire().await.map_err(|e| boxed(&e))?;
        let checked = tokio::task::spawn_blocking(move || {
            let phc = person.as_ref().and_then(|p| p.secret_hash.as_deref());
            let right = match phc {
                Some(phc) => secret::verify(&secret, phc),
                None => secret::verify_nobody(&secret),
            };
            // Looked at last, so that somebody who is locked out hears it no sooner than a wrong secret.
            person.filter(|person| right && !person.locked)
        });
        checked.await.map_err(|e| boxed(&e))
    }

    /// Looks at what a program sent.
    pub(crate) async fn sent(
        &self,
        caller: Caller<'_>,
        secret: &Secret,
    ) -> Result<Verdict, PeopleError> {
        if let Some(verdict) = self.known(caller, secret).await? {
            return Ok(verdict);
        }
        let _turn = self.turn.lock().await;
        // While this request waited for its turn, another one may have proved the same.
        if let Some(verdict) = self.known(caller, secret).await? {
            return Ok(verdict);
        }
        let verdict = self.typed(caller, secret.clone()).await?;
        if let Verdict::Right(person) = &verdict {
            let mut proofs = self.proofs.lock().unwrap_or_else(PoisonError::into_inner);
            proofs.insert(person.name.clone(), proof(person, secret));
        }
        Ok(verdict)
    }

    /// What can be said without the slow hash. The person is asked for each time: one who was removed, or got a new secret, is
    /// not known any more.
    async fn known(
        &self,
        caller: Caller<'_>,
        secret: &Secret,
    ) -> Result<Option<Verdict>, PeopleError> {
        if let Some(wait) = self.throttle.wait_here(caller, (self.clock)()) {
            return Ok(Some(Verdict::Wait(wait)));
        }
        let held = {
            let proofs = self.proofs.lock().unwrap_or_else(PoisonError::into_inner);
            proofs.get(caller.name).copied()
        };
        let Some(held) = held else { return Ok(None) };
        let person = self.people.find_boxed(caller.name).await?;
        Ok(person
            .filter(|person| !person.locked && proof(person, secret) == held)
            .map(Verdict::Right))
    }
}

fn proof(person: &PersonRecord, secret: &Secret) -> Proof {
    let phc = person.secret_hash.as_deref().unwrap_or_default();
    Sha256::new()
        .chain_update(phc.as_bytes())
        .chain_update([0])
        .chain_update(secret.folded().as_bytes())
        .finalize()
        .into()
}
