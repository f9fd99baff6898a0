//! What the commands do, with store, clock and randomness as parameters.

use std::fmt;
use std::path::PathBuf;

use jiff::Timestamp;
use ldsp_protocol::enrolment::NodeState;
use ldsp_protocol::geography::Geography;
use ldsp_protocol::ids::{Gss, NodeSlug};
use ldsp_protocol::keys::key_id;
use ldsp_ui::secret::{self, Secret};
use rand_core::CryptoRng;
use serde::Serialize;

use super::identity::{ca_pem, identity, signer, write_private};
use super::{Config, Refused};
use crate::benchmark::{Benchmarks, Coverage, Finding, Range, Shown};
use crate::invite::{self, Host, InviteError, Order};
use crate::store::{Log, Node, Registry, Role, Rollups, Staff};

/// Checks that `name` is an operator with this secret.
pub(super) async fn authorise<S: Staff>(
    store: &S,
    name: &str,
    secret: &Secret,
) -> Result<(), Refused> {
    let person = store.person(name).await?;
    let person = person.filter(|person| person.locked.is_none());
    let phc = person.as_ref().and_then(|p| p.secret_hash.as_deref());
    let right = match phc {
        Some(phc) => secret::verify(secret, phc),
        None => secret::verify_nobody(secret),
    };
    let refused = |cause: &str| {
        Refused::new(
            cause,
            "Give the name and secret of an operator (`people add NAME --role operator`).",
        )
    };
    match person {
        Some(p) if right && p.role == Role::Operator => Ok(()),
        Some(_) if right => Err(refused("this needs the role operator")),
        _ => Err(refused("name and secret do not fit")),
    }
}

/// What an invite is for.
#[derive(Debug, Clone)]
pub struct InviteOrder {
    /// The node's name.
    pub node: NodeSlug,
    /// The LEP that it will serve.
    pub lep: Gss,
    /// Where the file goes.
    pub out: PathBuf,
    /// Days that it holds, 1 to 7.
    pub days: u8,
    /// The operator.
    pub by: String,
    /// The operator's secret.
    pub secret: Secret,
}

/// An invite that was written.
#[derive(Debug, Clone, Serialize)]
pub struct Invited {
    /// The node's name.
    pub node: NodeSlug,
    /// The LEP.
    pub lep: Gss,
    /// The file: a secret.
    pub file: PathBuf,
    /// No use after this moment.
    pub expires: Timestamp,
    /// What the LEP sees of it before it is used, in blocks of four.
    pub fingerprint: String,
}

impl From<InviteError> for Refused {
    fn from(error: InviteError) -> Self {
        match error {
            InviteError::Store(error) => error.into(),
            error => Self::new(error.to_string(), error.next()),
        }
    }
}

impl fmt::Display for Invited {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} is invited for {}.", self.node, self.lep)?;
        writeln!(
            f,
            "Invite: {} (single use, until {})",
            self.file.display(),
            self.expires
        )?;
        writeln!(f, "Fingerprint: {}", self.fingerprint)?;
        write!(
            f,
            "Next: send the file by a channel that only the LEP reads; its admin uses it on the page Place in the federation, which shows this fingerprint. Then `nodes approve {}`.",
            self.node
        )
    }
}

/// Writes an invite file (0600) and stores the digest of its secret.
///
/// # Errors
/// Not an operator, an unknown LEP, a node or LEP that cannot be invited, a file that exists.
pub async fn invite<S: Registry + Staff>(
    store: &S,
    config: &Config,
    order: &InviteOrder,
    now: Timestamp,
    rng: &mut impl CryptoRng,
) -> Result<Invited, Refused> {
    authorise(store, &order.by, &order.secret).await?;
    let identity = identity(config)?;
    let signer = signer(config, &identity)?;
    let ca_pem = ca_pem(config)?;
    let host = Host {
        url: &identity.public_url,
        verifier: signer.verifier(),
        ca_pem: ca_pem.as_deref(),
    };
    let wanted = Order {
        node: order.node.clone(),
        lep: order.lep.clone(),
        days: order.days,
        by: order.by.clone(),
    };
    let (invite, row) = invite::draw(host, &wanted, now, rng)?;
    write_private(&order.out, &invite::file(&invite))?;
    if let Err(error) = store.invite(&row).await {
        // A file that opens nothing must not lie about.
        drop(std::fs::remove_file(&order.out));
        return Err(error.into());
    }
    Ok(Invited {
        node: order.node.clone(),
        lep: order.lep.clone(),
        file: order.out.clone(),
        expires: invite.expires,
        fingerprint: invite.fingerprint().in_blocks(),
    })
}

/// A node, for the operator.
#[derive(Debug, Clone, Serialize)]
pub struct NodeLine {
    /// Its name.
    pub node: NodeSlug,
    /// The LEP.
    pub lep: Gss,
    /// The LEP's name.
    pub lep_name: String,
    /// Where it stands.
    pub state: NodeState,
    /// Fingerprint of its key, in blocks of four.
    pub fingerprint: Option<String>,
    /// Who approved it.
    pub approved_by: Option<String>,
    /// Statements logged.
    pub statements: u64,
    /// Places for which it signed more than one statement; the first other one of each is kept as proof.
    pub conflicts: u64,
}

impl NodeLine {
    pub(super) fn new(node: Node, conflicts: u64) -> Self {
        let lep = Geography::embedded().lep(&node.lep);
        Self {
            lep_name: lep.map_or_else(String::new, |l| l.name.clone()),
            fingerprint: node.key.as_ref().map(|k| key_id(k).in_blocks()),
            node: node.node,
            lep: node.lep,
            state: node.state,
            approved_by: node.approved_by,
            statements: node.head.seq,
            conflicts,
        }
    }
}

/// All nodes.
#[derive(Debug, Clone, Serialize)]
#[serde(transparent)]
pub struct NodeList(pub Vec<NodeLine>);

impl fmt::Display for NodeList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return write!(f, "No node is invited yet. Next: ldsp-aggregator invite");
        }
        for (at, line) in self.0.iter().enumerate() {
            let end = if at == 0 { "" } else { "\n" };
            write!(f, "{end}{line}")?;
        }
        Ok(())
    }
}

impl fmt::Display for NodeLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:32} {:8} {} {} statements, {}",
            self.node.as_str(),
            self.state.as_str(),
            self.lep,
            self.statements,
            self.lep_name
        )?;
        if let Some(blocks) = self
            .fingerprint
            .as_ref()
            .filter(|_| self.state == NodeState::Pending)
        {
            write!(f, "\n    fingerprint {blocks}")?;
        }
        if self.conflicts > 0 {
            write!(
                f,
                "\n    conflicts {}: it signed two statements for one place; its key may be in other hands",
                self.conflicts
            )?;
        }
        Ok(())
    }
}

/// Lists the nodes.
///
/// # Errors
/// Trouble with the store.
pub async fn nodes<S: Registry + Log>(store: &S) -> Result<NodeList, Refused> {
    let conflicts = store.conflicts().await?;
    let line = |node: Node| {
        let count = conflicts.get(&node.node).copied().unwrap_or_default();
        NodeLine::new(node, count)
    };
    Ok(NodeList(
        store.nodes().await?.into_iter().map(line).collect(),
    ))
}

/// National figures for a terminal.
#[derive(Debug, Clone, Serialize)]
pub struct BenchmarkReport {
    /// Number of logged statements.
    pub statements: u64,
    /// Months.
    pub range: Option<Range>,
    /// Coverage of England.
    pub coverage: Coverage,
    /// One figure per measure.
    pub national: Vec<Finding>,
}

impl fmt::Display for BenchmarkReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(range) = self.range else {
            return write!(
                f,
                "Nothing is published yet. Next: invite and approve nodes."
            );
        };
        writeln!(f, "England, {}", range.in_words())?;
        writeln!(f, "{}", self.coverage.in_words())?;
        write!(f, "{:34} {:>12}   95 % interval", "", "estimate")?;
        for finding in &self.national {
            let title = finding.measure.title();
            match finding.shown {
                Shown::Count { value, low, high } => {
                    write!(f, "\n{title:34} {value:>12}   {low} to {high}")?;
                }
                Shown::Rate {
                    value,
                    low,
                    high,
                    base,
                } => {
                    let [value, low, high] = [value, low, high].map(|x| 100.0 * x);
                    write!(
                        f,
                        "\n{title:34} {value:>10.1} %   {low:.1} % to {high:.1} % of about {base}"
                    )?;
                }
                Shown::TooFew => write!(f, "\n{title:34} too few to say")?,
                Shown::NotDue => write!(f, "\n{title:34} not due yet")?,
            }
        }
        Ok(())
    }
}

/// National totals and rates with coverage and intervals.
///
/// # Errors
/// Trouble with the store.
pub async fn benchmark<S: Registry + Log + Rollups>(store: &S) -> Result<BenchmarkReport, Refused> {
    let snapshot = Benchmarks::default().load(store).await?;
    let sent = store.tally().await?;
    Ok(BenchmarkReport {
        statements: sent.iter().map(|tally| tally.count).sum(),
        range: snapshot.range(),
        coverage: snapshot.coverage(),
        national: snapshot.national().to_vec(),
    })
}
