//! What people do with needs: prepare, publish, refuse. Each is one transaction with its line in the audit log.

use ed25519_dalek::SigningKey;
use jiff::Timestamp;
use ldsp_protocol::geography::Geography;
use ldsp_protocol::ids::{Digest, Gss};
use ldsp_protocol::needs::{DemandSummary, PeopleAsked};
use ldsp_protocol::standard::Standard;
use ldsp_protocol::statement::Kind;
use sqlx::sqlite::SqliteConnection;

use super::{NeedsError, offers, people, sums};
use crate::Entropy;
use crate::demand::summary::standing;
use crate::import::london_day;
use crate::release::reason_in_order;
use crate::sample;
use crate::seal::{self, check_head, check_restored};
use crate::store::audit::append;
use crate::store::demand::Demand;
use crate::store::kept::{Kept as _, Stored};
use crate::store::needs::{self, Left, New, StoredNeeds};
use crate::store::people::{Role, same_person};
use crate::store::services::Service;
use crate::store::{Store, enrolment};

/// Longest reason, in characters.
const LONGEST: usize = 500;

/// Who does it, and when.
type By<'a> = (&'a str, Timestamp);

/// Prepares a draft of what is asked for and what is offered, and gives its number.
///
/// The noise of people's counts is drawn here, in the transaction that stores the draft: dropped or killed before the commit it leaves nothing, and
/// nobody has seen the draw; after it no record of people is ever drawn again. `entropy` gives a fresh generator.
///
/// # Errors
/// [`NeedsError`]; nothing was changed.
pub async fn prepare(
    store: &Store,
    (who, now): By<'_>,
    entropy: &Entropy,
) -> Result<i64, NeedsError> {
    let mut tx = store.write().await?;
    if role(&mut tx, who).await? != Some(Role::Coordinator) {
        return Err(NeedsError::NotCoordinator(who.to_owned()));
    }
    let lep = enrolment::lep(&mut tx).await?.ok_or(NeedsError::NoLep)?;
    if sample::is_there(&mut tx).await? {
        return Err(NeedsError::Sample);
    }
    // What a lost database published may not be drawn a second time.
    check_restored(&mut tx).await?;
    if let Some(enrolment) = enrolment::read(&mut tx).await? {
        check_head(&mut tx, &enrolment).await?;
    }
    let last = needs::last(&mut tx).await?;
    if let Some(waits) = last.as_ref().filter(|last| last.waits()) {
        return Err(NeedsError::Waits(waits.demand.as_of));
    }
    let id = draft(&mut tx, &lep, last.as_ref(), (who, now), entropy).await?;
    append(&mut tx, now, who, "needs-prepared", &format!("draft {id}")).await?;
    tx.commit().await?;
    Ok(id)
}

async fn draft(
    tx: &mut SqliteConnection,
    lep: &Gss,
    last: Option<&StoredNeeds>,
    (who, now): By<'_>,
    entropy: &Entropy,
) -> Result<i64, NeedsError> {
    let today = london_day(now);
    let published = needs::published(&mut *tx).await?;
    let before = published.as_ref().map(|(needs, _)| needs.demand.as_of);
    if let Some(last) = before.filter(|last| today < *last) {
        return Err(NeedsError::Clock { today, last });
    }
    let owned = Geography::embedded().owned_by(lep);
    let records: Vec<Stored<Demand>> = Demand::rows(&mut *tx, None).await?;
    let stand = standing(records.iter().map(|stored| &stored.it), today);
    let is_here = |row: &&Demand| {
        let district = row.district.as_ref();
        district.is_none_or(|code| owned.contains(code))
    };
    let (here, elsewhere): (Vec<&Demand>, Vec<&Demand>) = stand.into_iter().partition(is_here);
    let known = published.as_ref().map_or(&[][..], |(_, known)| known);
    let told = sums::sums(&here, today, known)?;
    let counted = needs::counted(&mut *tx).await?;
    let is_new = |stored: &&Stored<Demand>| {
        people::is_counted(&stored.it)
            && !counted.has(stored.id, &stored.it.code)
            && here.iter().any(|row| std::ptr::eq(*row, &stored.it))
    };
    let asked: Vec<&Stored<Demand>> = records.iter().filter(is_new).collect();
    let rows: Vec<&Demand> = asked.iter().map(|stored| &stored.it).collect();
    let refused = refused(last);
    let people = people::count(&rows, &owned, refused, &mut *entropy())?;
    let services: Vec<Stored<Service>> = Service::rows(&mut *tx, None).await?;
    let provision = offers::offers(&services, (lep, &owned), today);
    let demand = DemandSummary {
        lep: lep.clone(),
        as_of: today,
        kept_back: told.kept_back(),
        organisations: told.told,
        people,
    };
    let is_empty = demand.organisations.is_empty() && demand.people.is_none();
    if is_empty && provision.all.services == 0 && published.is_none() {
        return Err(NeedsError::Empty);
    }
    demand.check(Standard::current())?;
    provision.check(Standard::current())?;
    let new = New {
        demand: &demand,
        provision: Some(&provision),
        left: &Left {
            sums: told.held,
            elsewhere: elsewhere.len() as u64,
            people: rows.len() as u64,
        },
        known: &told.known,
    };
    let id = needs::insert(&mut *tx, &new, (who, now)).await?;
    let marks: Vec<(i64, String)> = (asked.iter())
        .map(|stored| (stored.id, stored.it.code.clone()))
        .collect();
    needs::count(tx, id, &marks).await?;
    Ok(id)
}

/// What a refused draft drew: it is published with the next one.
fn refused(last: Option<&StoredNeeds>) -> Option<&PeopleAsked> {
    let last = last.filter(|last| last.refused.is_some())?;
    last.demand.people.as_ref()
}

/// An approver's word on the draft with this digest.
#[derive(Debug, Clone, Copy)]
pub struct Word<'a> {
    /// The draft's number.
    pub id: i64,
    /// The digest that the person was shown.
    pub digest: Digest,
    /// Who; the caller has checked the secret.
    pub person: &'a str,
}

/// Publishes a draft: seals both payloads as the node's next two statements and queues them. Gives their sequence numbers.
///
/// # Errors
/// [`NeedsError`]; nothing was changed.
pub async fn approve(
    store: &Store,
    key: &SigningKey,
    word: Word<'_>,
    now: Timestamp,
) -> Result<[u64; 2], NeedsError> {
    let mut tx = store.write().await?;
    let draft = judged(&mut tx, word).await?;
    let today = london_day(now);
    if today < draft.demand.as_of {
        let last = draft.demand.as_of;
        return Err(NeedsError::Clock { today, last });
    }
    // Only what the log had not is without it, and that is published.
    let provision = draft.provision.as_ref().ok_or(NeedsError::Digest)?;
    let standard = Standard::current();
    draft.demand.check(standard)?;
    provision.check(standard)?;
    let (at, of) = (now.as_second(), (None, standard));
    let demand = &draft.demand;
    let first = seal::queue(&mut tx, key, Kind::DemandSummary, of, demand, at).await?;
    let second = seal::queue(&mut tx, key, Kind::ProvisionSummary, of, provision, at).await?;
    let by = (word.person, now);
    needs::approve(&mut tx, draft.id, by, [Some(first), Some(second)]).await?;
    let detail = format!(
        "draft {}, digest {}, statements {first} and {second}",
        draft.id, draft.digest
    );
    append(&mut tx, now, word.person, "needs-published", &detail).await?;
    tx.commit().await?;
    Ok([first, second])
}

/// Refuses a draft, with the reason. What was drawn for people is kept for the next one.
///
/// # Errors
/// [`NeedsError`]; nothing was changed.
pub async fn refuse(
    store: &Store,
    word: Word<'_>,
    reason: &str,
    now: Timestamp,
) -> Result<(), NeedsError> {
    let reason = reason_in_order(reason, LONGEST).map_err(NeedsError::Reason)?;
    let mut tx = store.write().await?;
    let draft = judged(&mut tx, word).await?;
    needs::refuse(&mut tx, draft.id, (word.person, now), &reason).await?;
    let detail = format!("draft {}, digest {}", draft.id, draft.digest);
    append(&mut tx, now, word.person, "needs-refused", &detail).await?;
    tx.commit().await?;
    Ok(())
}

/// The draft that waits, if it is what the person was shown and the person may judge it.
async fn judged(tx: &mut SqliteConnection, word: Word<'_>) -> Result<StoredNeeds, NeedsError> {
    if role(&mut *tx, word.person).await? != Some(Role::Approver) {
        return Err(NeedsError::NotApprover(word.person.to_owned()));
    }
    let found = needs::of(tx, word.id).await?;
    let draft = found.ok_or(NeedsError::Unknown(word.id))?;
    if let Some((by, _)) = draft.approved {
        return Err(NeedsError::Published { by });
    }
    if let Some(((by, _), _)) = draft.refused {
        return Err(NeedsError::Refused { by });
    }
    if same_person(&draft.prepared.0, word.person) {
        return Err(NeedsError::OwnWork(word.person.to_owned()));
    }
    if draft.digest != word.digest {
        return Err(NeedsError::Digest);
    }
    Ok(draft)
}

async fn role(tx: &mut SqliteConnection, person: &str) -> Result<Option<Role>, NeedsError> {
    let role: Option<String> = sqlx::query_scalar("SELECT role FROM people WHERE name = $1")
        .bind(person)
        .fetch_optional(tx)
        .await?;
    Ok(role.as_deref().and_then(Role::named))
}
