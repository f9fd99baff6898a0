//! Invites: with one an area's node enrols. Page, command and program make them here.

use jiff::{Timestamp, ToSpan as _};
use ldsp_protocol::enrolment::Invite;
use ldsp_protocol::geography::Geography;
use ldsp_protocol::ids::{Gss, NodeSlug};
use ldsp_protocol::note::Verifier;
use ldsp_protocol::own::is_reserved;
use rand_core::CryptoRng;

use crate::store::{InviteRow, Registry, StoreError};

/// Days that an invite may hold.
pub const DAYS: std::ops::RangeInclusive<u8> = 1..=7;

/// The server as invites name it.
#[derive(Debug, Clone, Copy)]
pub struct Host<'a> {
    /// `https://…` without a path.
    pub url: &'a str,
    /// The log's key, under its origin.
    pub verifier: &'a Verifier,
    /// Certificate authority that nodes must be given, where it is a private one.
    pub ca_pem: Option<&'a str>,
}

/// What an invite is for.
#[derive(Debug, Clone)]
pub struct Order {
    /// The node's name.
    pub node: NodeSlug,
    /// The LEP that it will serve.
    pub lep: Gss,
    /// Days that it holds: [`DAYS`].
    pub days: u8,
    /// The operator.
    pub by: String,
}

/// Why no invite was made. Nothing changed.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum InviteError {
    #[error("{0} is the name by which the log itself signs")]
    Reserved(NodeSlug),
    #[error("an invite holds for {} to {} days", DAYS.start(), DAYS.end())]
    Days,
    #[error("{0} is not the code of a LEP")]
    NoLep(Gss),
    #[error("the expiry is out of range")]
    Clock,
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl InviteError {
    /// The field of forms and programs that is at fault, if it is one.
    #[must_use]
    pub fn field(&self) -> Option<&'static str> {
        use crate::store::Conflict::{LepServed, NodeActive, NodeRevoked, OtherLep, Reserved};
        match self {
            Self::Reserved(_) => Some("node"),
            Self::Days => Some("days"),
            Self::NoLep(_) => Some("lep"),
            Self::Store(StoreError::Conflict(conflict)) => match conflict {
                LepServed(_) => Some("lep"),
                NodeActive(_) | NodeRevoked(_) | OtherLep(_) | Reserved(_) => Some("node"),
                _ => None,
            },
            Self::Clock | Self::Store(_) => None,
        }
    }

    /// What to do next; empty where the message says it.
    #[must_use]
    pub fn next(&self) -> &'static str {
        match self {
            Self::Reserved(_) => "Choose another name for the node, such as the area's.",
            Self::Days => "Choose 1 to 7 days.",
            Self::NoLep(_) => "Give a code such as E37000001.",
            Self::Clock => "Check the machine's clock.",
            Self::Store(_) => "",
        }
    }
}

/// Draws an invite and what the server remembers of it. Nothing is stored: [`Registry::invite`] does that.
///
/// # Errors
/// [`InviteError`] but for the store's.
pub fn draw(
    host: Host<'_>,
    order: &Order,
    now: Timestamp,
    rng: &mut (impl CryptoRng + ?Sized),
) -> Result<(Invite, InviteRow), InviteError> {
    if is_reserved(&order.node) {
        return Err(InviteError::Reserved(order.node.clone()));
    }
    if !DAYS.contains(&order.days) {
        return Err(InviteError::Days);
    }
    if Geography::embedded().lep(&order.lep).is_none() {
        return Err(InviteError::NoLep(order.lep.clone()));
    }
    let mut bytes = [0; 32];
    rng.fill_bytes(&mut bytes);
    let expires = now
        .checked_add((i64::from(order.days) * 24).hours())
        .map_err(|_| InviteError::Clock)?;
    let invite = Invite {
        schema: 1,
        url: host.url.to_owned(),
        origin: host.verifier.name().to_owned(),
        verifier: host.verifier.vkey(),
        node: order.node.clone(),
        lep: order.lep.clone(),
        secret: hex::encode(bytes),
        expires,
        ca_pem: host.ca_pem.map(str::to_owned),
    };
    let row = InviteRow {
        node: order.node.clone(),
        lep: order.lep.clone(),
        secret_hash: Invite::id_of(&invite.secret),
        expires,
        created: now,
        created_by: order.by.clone(),
        used: None,
    };
    Ok((invite, row))
}

/// Draws an invite and stores what is remembered of it. An earlier one of the node opens nothing from then on, and a key that waited for
/// approval is dropped.
///
/// # Errors
/// [`InviteError`].
pub async fn make<S: Registry>(
    store: &S,
    host: Host<'_>,
    order: &Order,
    now: Timestamp,
    rng: &mut (impl CryptoRng + ?Sized),
) -> Result<Invite, InviteError> {
    let (invite, row) = draw(host, order, now, rng)?;
    store.invite(&row).await?;
    Ok(invite)
}

/// The invite as the file that is sent to the area.
#[must_use]
pub fn file(invite: &Invite) -> String {
    serde_json::to_string_pretty(invite).expect("an invite holds text and numbers only")
}
