//! Enrolment: an invite becomes a place in the federation, by proof that the node holds its key.

use ed25519_dalek::SigningKey;
use jiff::Timestamp;
use ldsp_protocol::dsse::Sealed;
use ldsp_protocol::enrolment::{ENROLMENT_TYPE, EnrolmentBody, Invite, NodeRecord};
use ldsp_protocol::ids::{Digest, Gss};
use ldsp_protocol::keys::key_id;
use ldsp_protocol::note::Verifier;
use ldsp_protocol::standard::Standard;
use rand_core::CryptoRng;
use sqlx::sqlite::SqliteConnection;

use crate::home::Node;
use crate::store::enrolment::{self, Enrolment};
use crate::store::outbox::Head;
use crate::store::{Store, StoreError, audit};
use crate::submit::in_words;
use crate::transport::{
    Answer, ENVELOPE_TYPE, Https, Method, Request, Transport, Unreachable, check_url,
};

/// Why the node is not enrolled, or its record is not believed.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum EnrolError {
    #[error("this node has no LEP yet")]
    NoIdentity,
    #[error("all records here are made up")]
    Sample,
    #[error("the invite cannot be used: {0}")]
    Invite(String),
    #[error("the invite ended at {0}")]
    Expired(Timestamp),
    #[error("the invite is for the LEP {invited}, this node serves {ours}")]
    Lep { invited: Gss, ours: Gss },
    #[error("this node is enrolled as {node} at {origin} already, and changes neither")]
    Already { node: String, origin: String },
    #[error(
        "the aggregator applies data standard {theirs}…, this program {ours}…: figures of two standards cannot be added up"
    )]
    Standard { theirs: String, ours: String },
    #[error("the aggregator's record is not about this node: {0} differs")]
    Record(&'static str),
    #[error("the aggregator refuses: {0}")]
    Refused(String),
    #[error(transparent)]
    Unreachable(#[from] Unreachable),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl EnrolError {
    /// Stable, for programs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoIdentity => "no-identity",
            Self::Sample => "sample",
            Self::Invite(_) => "invite-form",
            Self::Expired(_) => "invite-expired",
            Self::Lep { .. } => "invite-lep",
            Self::Already { .. } => "already-enrolled",
            Self::Standard { .. } => "standard",
            Self::Record(_) => "record",
            Self::Refused(_) => "refused",
            Self::Unreachable(_) => "unreachable",
            Self::Store(_) => "storage",
        }
    }

    /// What to do next.
    #[must_use]
    pub fn next(&self) -> &'static str {
        match self {
            Self::NoIdentity => "An admin chooses it first, on the page Choose the LEP.",
            Self::Sample => "Have a coordinator remove them first: the button is on the page Home.",
            Self::Invite(_) => {
                "Choose the file that the national operator sent, unchanged. If it is that one, ask for a new invite."
            }
            Self::Expired(_) => "Ask the national operator for a new invite.",
            Self::Lep { .. } => "Use the invite that was made for this LEP.",
            Self::Already { .. } => {
                "A node keeps its place. If another one is wanted, set up a new node."
            }
            Self::Standard { .. } => {
                "Upgrade this node if a newer version is out; if it is the newest, ask the operator to upgrade the aggregator."
            }
            Self::Record(_) => "Nothing was stored. Tell the national operator.",
            Self::Refused(_) => {
                "Do what the national log says, or ask its operator for a new invite."
            }
            Self::Unreachable(error) => error.next(),
            Self::Store(error) => error.next(),
        }
    }
}

/// An invite that is in order and not used yet.
#[derive(Debug, Clone)]
pub struct Checked {
    invite: Invite,
    verifier: Verifier,
}

impl Checked {
    /// Reads an invite file and checks what can be checked without the aggregator.
    ///
    /// # Errors
    /// [`EnrolError::Invite`], [`EnrolError::Expired`].
    pub fn read(file: &[u8], now: Timestamp) -> Result<Self, EnrolError> {
        // The parser's message could quote the file, which holds a secret: only the place is told.
        let invite: Invite = serde_json::from_slice(file).map_err(|e| {
            EnrolError::Invite(format!(
                "it is no invite, or is not whole, at line {}, column {}",
                e.line(),
                e.column()
            ))
        })?;
        Self::of(invite, now)
    }

    /// [`Self::read`] of an invite that was read already.
    ///
    /// # Errors
    /// [`EnrolError::Invite`], [`EnrolError::Expired`].
    pub fn of(invite: Invite, now: Timestamp) -> Result<Self, EnrolError> {
        let wrong = |why: &str| EnrolError::Invite(why.to_owned());
        if invite.schema != 1 {
            return Err(wrong("it is of another version than 1"));
        }
        if invite.secret.len() != 64 || hex::decode(&invite.secret).is_err() {
            return Err(wrong("its secret is not 64 hex digits"));
        }
        check_url(&invite.url).map_err(wrong)?;
        let verifier =
            Verifier::parse(&invite.verifier).map_err(|e| EnrolError::Invite(e.to_string()))?;
        if verifier.name() != invite.origin {
            return Err(wrong("the log's key is not named after its origin"));
        }
        if now >= invite.expires {
            return Err(EnrolError::Expired(invite.expires));
        }
        Ok(Self { invite, verifier })
    }

    /// The aggregator's address.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.invite.url
    }

    /// Certificate authority of the aggregator, where it is a private one.
    #[must_use]
    pub fn ca_pem(&self) -> Option<&str> {
        self.invite.ca_pem.as_deref()
    }

    /// The invite, with its secret.
    #[must_use]
    pub fn invite(&self) -> &Invite {
        &self.invite
    }

    /// Whether this node could use it as things stand. Nobody is asked.
    ///
    /// # Errors
    /// [`EnrolError`]: no LEP or another one, made-up records, another place already.
    pub async fn fits(&self, store: &Store) -> Result<(), EnrolError> {
        let mut reader = store.reader.acquire().await.map_err(StoreError::from)?;
        check_free(&mut reader, &self.invite).await
    }
}

/// What the person who enrolled has to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Enrolled {
    /// As stored.
    pub enrolment: Enrolment,
    /// SHA-256 of the node's public key: read it to the operator over the telephone, in blocks.
    pub fingerprint: Digest,
}

/// Uses an invite: proves possession of `key` and stores the enrolment. `who` asked for it.
///
/// Safe to repeat: if an earlier answer was lost, the invite is used but the aggregator's record names this key, and that
/// record is taken.
///
/// # Errors
/// [`EnrolError`]; nothing was stored.
pub async fn enrol<T: Transport>(
    store: &Store,
    transport: &T,
    key: &SigningKey,
    checked: &Checked,
    who: &str,
    now: Timestamp,
    rng: &mut (dyn CryptoRng + Send),
) -> Result<Enrolled, EnrolError> {
    let invite = &checked.invite;
    checked.fits(store).await?;
    let mut nonce = [0; 32];
    rng.fill_bytes(&mut nonce);
    let record = request(transport, key, invite, Digest::from_bytes(nonce)).await?;
    let fingerprint = key_id(&key.verifying_key());
    if record.node != invite.node {
        return Err(EnrolError::Record("node"));
    }
    if record.lep != invite.lep {
        return Err(EnrolError::Record("lep"));
    }
    if record.key_id != Some(fingerprint) {
        return Err(EnrolError::Record("key"));
    }
    check_standard(&record)?;
    let enrolment = Enrolment {
        node: invite.node.clone(),
        url: invite.url.trim_end_matches('/').to_owned(),
        origin: invite.origin.clone(),
        verifier: checked.verifier.clone(),
        ca_pem: invite.ca_pem.clone(),
        active: record.state.is_approved(),
        revoked_from: record.revoked_from,
        enrolled_at: now.as_second(),
        head: head(&record),
    };
    let mut transaction = store.write().await?;
    // While the aggregator was asked, another invite may have been used here.
    check_free(&mut transaction, invite).await?;
    enrolment::write(&mut transaction, &enrolment).await?;
    let detail = format!(
        "{} at {}, key {fingerprint}",
        enrolment.node, enrolment.origin
    );
    audit::append(&mut transaction, now, who, "enrolled", &detail).await?;
    transaction.commit().await.map_err(StoreError::from)?;
    Ok(Enrolled {
        enrolment,
        fingerprint,
    })
}

async fn check_free(connection: &mut SqliteConnection, invite: &Invite) -> Result<(), EnrolError> {
    let ours = enrolment::lep(&mut *connection)
        .await?
        .ok_or(EnrolError::NoIdentity)?;
    if ours != invite.lep {
        return Err(EnrolError::Lep {
            invited: invite.lep.clone(),
            ours,
        });
    }
    if crate::sample::is_there(&mut *connection).await? {
        return Err(EnrolError::Sample);
    }
    match enrolment::read(connection).await? {
        Some(e) if e.node != invite.node || e.verifier.vkey() != invite.verifier.trim_end() => {
            Err(EnrolError::Already {
                node: e.node.to_string(),
                origin: e.origin,
            })
        }
        _ => Ok(()),
    }
}

async fn request<T: Transport>(
    transport: &T,
    key: &SigningKey,
    invite: &Invite,
    nonce: Digest,
) -> Result<NodeRecord, EnrolError> {
    let body = EnrolmentBody {
        schema: 1,
        origin: invite.origin.clone(),
        node: invite.node.clone(),
        invite: Invite::id_of(&invite.secret),
        nonce,
        public_key: hex::encode(key.verifying_key().as_bytes()),
        standard: Standard::current().digest(),
        software: crate::SOFTWARE.to_owned(),
    };
    let bytes = serde_json::to_vec(&body).expect("strings and a number always serialise");
    let answer = transport
        .call(Request {
            method: Method::Post,
            path: "/v1/enrolments".to_owned(),
            headers: vec![
                ("content-type", ENVELOPE_TYPE.to_owned()),
                ("authorization", format!("Bearer {}", invite.secret)),
            ],
            body: Sealed::sign(key, ENROLMENT_TYPE, &bytes)
                .envelope()
                .to_vec(),
        })
        .await?;
    if matches!(answer.status, 200..=202) {
        return record(&answer);
    }
    let refusal = in_words(&answer);
    let known = transport
        .call(Request::get(record_path(&invite.node)))
        .await;
    match known.map(|a| (a.status, record(&a))) {
        Ok((200, Ok(found))) if found.key_id == Some(key_id(&key.verifying_key())) => Ok(found),
        _ => Err(EnrolError::Refused(refusal)),
    }
}

fn record_path(node: &ldsp_protocol::ids::NodeSlug) -> String {
    format!("/v1/nodes/{node}")
}

fn record(answer: &Answer) -> Result<NodeRecord, EnrolError> {
    serde_json::from_slice(&answer.body).map_err(|_| EnrolError::Record("form"))
}

fn head(record: &NodeRecord) -> Head {
    Head {
        seq: record.seq,
        pae: record.prev,
    }
}

fn check_standard(record: &NodeRecord) -> Result<(), EnrolError> {
    let ours = Standard::current().digest();
    if record.standard == ours {
        return Ok(());
    }
    let short = |digest: Digest| digest.to_string().chars().take(16).collect();
    Err(EnrolError::Standard {
        theirs: short(record.standard),
        ours: short(ours),
    })
}

/// [`enrol`] over HTTPS.
///
/// # Errors
/// As [`enrol`].
pub async fn over_https(
    node: &Node,
    checked: &Checked,
    who: &str,
    now: Timestamp,
    rng: &mut (dyn CryptoRng + Send),
) -> Result<Enrolled, EnrolError> {
    // What needs no network is told without one.
    checked.fits(&node.store).await?;
    let transport = Https::new(checked.url(), checked.ca_pem())?;
    let (store, key) = (&node.store, &node.signing);
    enrol(store, &transport, key, checked, who, now, rng).await
}

/// [`refresh`] over HTTPS; `None` before there is a place to ask about.
///
/// # Errors
/// As [`refresh`].
pub async fn ask_over_https(store: &Store) -> Result<Option<bool>, EnrolError> {
    let Some(place) = store.enrolment().await? else {
        return Ok(None);
    };
    let transport = Https::new(&place.url, place.ca_pem.as_deref())?;
    refresh(store, &transport, &place).await.map(Some)
}

/// Asks the aggregator how the node stands and stores state and head. Gives whether it is active.
///
/// # Errors
/// [`EnrolError`].
pub async fn refresh<T: Transport>(
    store: &Store,
    transport: &T,
    enrolment: &Enrolment,
) -> Result<bool, EnrolError> {
    let answer = transport.call(ask(&enrolment.node)).await?;
    if answer.status != 200 {
        return Err(EnrolError::Refused(in_words(&answer)));
    }
    Ok(heard(store, enrolment, &answer).await?.state.is_approved())
}

/// Asks for the node's record.
pub(crate) fn ask(node: &ldsp_protocol::ids::NodeSlug) -> Request {
    Request::get(record_path(node))
}

/// Stores state and head from an answer to [`ask`] with status 200, and gives what it says.
pub(crate) async fn heard(
    store: &Store,
    enrolment: &Enrolment,
    answer: &Answer,
) -> Result<NodeRecord, EnrolError> {
    let record = record(answer)?;
    if record.node != enrolment.node {
        return Err(EnrolError::Record("node"));
    }
    // A key that was revoked is not waiting for anybody.
    let active = record.state.is_approved();
    let mut transaction = store.write().await?;
    enrolment::refresh(&mut transaction, active, record.revoked_from, head(&record)).await?;
    transaction.commit().await.map_err(StoreError::from)?;
    // How far the log is holds whatever its standard: a server that is upgraded after its nodes still stops a restored one.
    check_standard(&record)?;
    Ok(record)
}

#[cfg(test)]
mod tests;
