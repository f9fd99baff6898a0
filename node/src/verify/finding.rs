//! A finding: figures that the log signed. That it stands in the log, that the state which it names is a beginning of the log,
//! that it leaves out no statement of that state; and, counted again from the statements themselves, that its bytes are the ones they give.

use std::collections::BTreeSet;

use futures::{StreamExt as _, TryStreamExt as _, stream};
use ldsp_protocol::benchmark::{Finding, Measure, Shown};
use ldsp_protocol::dsse::{Unverified, Verified};
use ldsp_protocol::log::{Checkpoint, Entry};
use ldsp_protocol::note::Verifier;
use ldsp_protocol::own::{Own, OwnStatement};
use ldsp_protocol::run::{
    CODE, Gather, MeasureFinding, Recount, RecountCause, RecountError, StandsOn, counts,
};
use ldsp_protocol::statement::{Body, Kind};

use super::source::Source;
use super::whole::{Expected, Seen as Earlier, Whole, whole};
use super::{Fault, TELL, envelope_fault, statement};

/// A finding that holds.
#[derive(Debug, Clone, PartialEq)]
pub struct Checked {
    /// What it says.
    pub finding: MeasureFinding,
    /// Its place in the log.
    pub index: u64,
    /// The log that it was found in.
    pub whole: Whole,
    /// Number of statements that its figures were counted again from; `None` where that was not asked for.
    pub recounted: Option<u64>,
}

/// What the log's entries say of a finding.
#[derive(Default)]
struct Seen {
    index: Option<u64>,
    /// Key events before the state that the finding names ends, and statements that figures stand on, each in order.
    keys: Vec<(u64, Entry)>,
    counted: Vec<(u64, Entry)>,
}

/// Checks the finding in `envelope` against the log at `source`; with `again` its figures are counted anew. `told` hears how much
/// is done, of how much: entries of the log first, statements then.
///
/// # Errors
/// The first fault: those of [`statement`] and [`whole`], `no-finding`, `other-log`, `not-in-log`, `inputs`, `input`, `figures`.
pub async fn finding<S: Source>(
    source: &S,
    log: &Verifier,
    envelope: &[u8],
    mut expected: Expected,
    again: bool,
    told: impl Fn(u64, u64),
) -> Result<Checked, Fault> {
    let entry = statement(envelope, log.key())?.entry();
    let unverified = Unverified::parse(envelope).map_err(|e| envelope_fault(&e))?;
    let verified = unverified
        .verify(log.key())
        .map_err(|e| envelope_fault(&e))?;
    let said = read(&verified, log)?;
    let Own::Finding(stated) = &said.payload else {
        return Err(Fault::new(
            "no-finding",
            format!("the statement is a {}, not a finding", said.kind.as_str()),
            "Give the envelope of one of a run's findings: the page of the run names them.",
        ));
    };
    let stands_on = &stated.stands_on;
    let state = Checkpoint {
        origin: log.name().to_owned(),
        size: stands_on.size,
        root: stands_on.root,
    };
    expected.earlier.push(Earlier {
        place: "the state of the log that the finding names".to_owned(),
        checkpoint: state,
        note: String::from_utf8_lossy(envelope).into_owned(),
    });
    let mut seen = Seen::default();
    let look = |index: u64, found: &Entry| {
        if *found == entry {
            seen.index = Some(index);
        }
        if index < stands_on.size {
            match found.kind {
                Kind::KeyAdd | Kind::KeyRevoke => seen.keys.push((index, found.clone())),
                kind if counts(kind) => seen.counted.push((index, found.clone())),
                _ => {}
            }
        }
    };
    let whole = whole(source, log, expected, look, &told).await?;
    let index = seen.index.filter(|index| said.payload.fits(*index));
    let index = index.ok_or_else(|| {
        Fault::new(
            "not-in-log",
            "the log's key signed the finding, but the log does not hold it",
            TELL,
        )
    })?;
    complete(stands_on, &seen)?;
    let mut recounted = None;
    if again {
        let figures = recount(source, log, stands_on, &seen, &told).await?;
        compare(&said, stated, figures, verified.body())?;
        recounted = Some(stands_on.inputs.count());
    }
    Ok(Checked {
        finding: MeasureFinding::clone(stated),
        index,
        whole,
        recounted,
    })
}

fn read(verified: &Verified, log: &Verifier) -> Result<OwnStatement, Fault> {
    let said = OwnStatement::read(verified).map_err(|error| {
        Fault::new(
            "statement",
            format!("the signature holds, but {error}"),
            "Upgrade this program; if it is the newest already, tell the log's operator.",
        )
    })?;
    if said.origin != log.name() {
        return Err(Fault::new(
            "other-log",
            format!("the finding is of the log {}", said.origin),
            "Give the verifier key of the log that the finding is of.",
        ));
    }
    Ok(said)
}

/// Whether it says of each statement that counts in its state that it stands on it, and of no other.
fn complete(stands_on: &StandsOn, seen: &Seen) -> Result<(), Fault> {
    let fault = |what: String| Err(Fault::new("inputs", what, TELL));
    // The log begins with the state, so they are no more than its entries.
    let inputs: BTreeSet<u64> = stands_on.inputs.leaves().collect();
    if let Some((index, entry)) = seen.counted.iter().find(|(i, _)| !inputs.contains(i)) {
        return fault(format!(
            "the figures leave out entry {index}, statement {} of {}",
            entry.seq, entry.node
        ));
    }
    let known: BTreeSet<u64> = seen
        .counted
        .iter()
        .chain(&seen.keys)
        .map(|(i, _)| *i)
        .collect();
    if let Some(index) = inputs.difference(&known).next() {
        return fault(format!(
            "the figures are said to stand on entry {index}, which is no statement that counts"
        ));
    }
    Ok(())
}

/// The finding's own part of the figures, from the statements.
async fn recount<S: Source>(
    source: &S,
    log: &Verifier,
    stands_on: &StandsOn,
    seen: &Seen,
    told: &impl Fn(u64, u64),
) -> Result<impl Fn(Measure) -> MeasureFinding, Fault> {
    let mut recount = Recount::new(log);
    let mut gather = Gather::default();
    let mut counted: Vec<&(u64, Entry)> = seen.counted.iter().collect();
    counted.sort_by_key(|(index, entry)| (&entry.node, *index));
    let of = (seen.keys.len() + counted.len()) as u64;
    let mut parts = stream::iter(seen.keys.iter().chain(counted))
        .map(|(index, entry)| async move {
            let path = format!("v1/nodes/{}/statements/{}", entry.node, entry.seq);
            Ok::<_, Fault>((*index, entry, source.fetch(&path).await?))
        })
        .buffered(S::AT_ONCE);
    let refused = |error: RecountError| {
        let next = if error.cause == RecountCause::Gone {
            "Fetch it from its node or from whoever kept it. A statement that was withdrawn since is gone from the log's server; the figures of a later run do without it."
        } else {
            TELL
        };
        Fault::new("input", error.to_string(), next)
    };
    let mut done = 0;
    while let Some((index, entry, envelope)) = parts.try_next().await? {
        gather.entry(index, entry);
        if counts(entry.kind) {
            recount
                .statement(index, entry, envelope.as_deref())
                .map_err(refused)?;
        } else if let Own::KeyAdd(add) = recount
            .key(index, entry, envelope.as_deref())
            .map_err(refused)?
        {
            gather.key(index, &add);
        }
        done += 1;
        told(done, of);
    }
    let inputs = gather
        .inputs()
        .map_err(|error| Fault::new("inputs", error.to_string(), TELL))?;
    let figures = recount.end().map_err(refused)?;
    let made = StandsOn::new(stands_on.size, stands_on.root, &figures, inputs);
    let made = StandsOn {
        code: stands_on.code.clone(),
        ..made
    };
    Ok(move |measure| MeasureFinding::of(&figures, measure, made.clone()))
}

/// Compares byte for byte, and says which figure differs first.
fn compare(
    said: &OwnStatement,
    stated: &MeasureFinding,
    again: impl Fn(Measure) -> MeasureFinding,
    body: &[u8],
) -> Result<(), Fault> {
    let made = Body {
        schema: said.schema,
        origin: said.origin.clone(),
        node: said.node.clone(),
        seq: said.seq,
        prev: said.prev,
        kind: said.kind,
        period: said.period,
        standard: said.standard,
        payload: again(stated.measure),
    };
    let bytes = made.to_bytes();
    if bytes == body {
        return Ok(());
    }
    let next = if stated.stands_on.code == CODE {
        TELL
    } else {
        "The finding was made by another version of the code: check it with that version before you judge it."
    };
    // Read back from the bytes, so that both sides were read alike.
    let made: Option<Body<MeasureFinding>> = serde_json::from_slice(&bytes).ok();
    let what = made.map_or_else(String::new, |made| differs(stated, &made.payload));
    let what = format!(
        "the figures are not those that the statements give (made by {}, counted again by {CODE}): {what}",
        stated.stands_on.code
    );
    Err(Fault::new("figures", what, next))
}

/// The first difference, in words.
fn differs(stated: &MeasureFinding, made: &MeasureFinding) -> String {
    if stated.stands_on != made.stands_on {
        return "they are said to stand on other statements or standards".to_owned();
    }
    let pairs = stated.figures.iter().zip(&made.figures);
    if let Some((stated, made)) = pairs.into_iter().find(|(stated, made)| stated != made) {
        return format!(
            "{} says {}, the statements give {}",
            name(stated),
            words(stated),
            words(made)
        );
    }
    if stated.figures.len() != made.figures.len() {
        return format!(
            "it has {} figures, the statements give {}",
            stated.figures.len(),
            made.figures.len()
        );
    }
    "the figures are equal, but written in other bytes".to_owned()
}

fn name(figure: &Finding) -> String {
    let slice = figure.slice.as_ref();
    let slice = slice.map_or_else(String::new, |slice| format!(", {}", slice.title));
    format!("{} of {}{slice}", figure.measure.id(), figure.place.name)
}

fn words(figure: &Finding) -> String {
    let shown = match figure.shown {
        Shown::Count { value, low, high } => format!("{value} ({low} to {high})"),
        Shown::Rate {
            value, low, high, ..
        } => format!("{value} ({low} to {high})"),
        Shown::TooFew => "too few to say".to_owned(),
        Shown::NotDue => "not due yet".to_owned(),
    };
    let raw = figure
        .raw
        .map(|raw| format!(", estimate {} with standard error {}", raw.estimate, raw.se));
    format!("{shown}{}", raw.unwrap_or_default())
}
