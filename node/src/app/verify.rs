//! `verify`: files in, plain words out. What is not given is taken from this machine's node, where there is one.

mod own;

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ed25519_dalek::VerifyingKey;
use indicatif::{ProgressBar, ProgressStyle};
use ldsp_protocol::ids::Digest;
use ldsp_protocol::keys::key_id;
use ldsp_protocol::log::{Checkpoint, Entry};
use ldsp_protocol::note::Verifier;
use ldsp_protocol::statement::Kind;
use serde_json::json;

use super::output::{Answer, Output, Refusal};
use super::{Context, cli};
use crate::home::Node;
use crate::store::StoreError;
use crate::store::enrolment::Enrolment;
use crate::store::{outbox, proofs};
use crate::transport::Https;
use crate::verify::finding::Checked;
use crate::verify::own::{Check, Own};
use crate::verify::payloads::{Payloads, payloads};
use crate::verify::source::{Folder, Place, Reader, Server, Source as _};
use crate::verify::whole::{Expected, Seen, Whole, whole};
use crate::verify::{self, Fault};
use crate::words::{count, some};

impl From<Fault> for Refusal {
    fn from(fault: Fault) -> Self {
        Self {
            code: Some(fault.code),
            ..Self::new(&fault.what, fault.next)
        }
    }
}

pub(super) async fn run(command: cli::Verify, context: &Context) -> Answer {
    match command {
        cli::Verify::Statement { envelope, key } => {
            statement(&envelope, key.as_deref(), context).await
        }
        cli::Verify::Receipt {
            receipt,
            statement,
            log,
        } => proof(&receipt, &statement, log.as_deref(), context).await,
        cli::Verify::Log(args) => log(&args, context).await,
        cli::Verify::Finding(args) => finding(&args, context).await,
        cli::Verify::Own(args) => own::run(&args, context).await,
    }
}

fn read(path: &Path) -> Result<Vec<u8>, Refusal> {
    std::fs::read(path).map_err(|error| {
        Refusal::new(
            format!("{} cannot be read: {error}", path.display()),
            "Check the path and that this program may read the file.",
        )
    })
}

fn read_text(path: &Path) -> Result<String, Refusal> {
    String::from_utf8(read(path)?).map_err(|_| {
        Refusal::new(
            format!("{} is not text", path.display()),
            "Give the file as it was fetched.",
        )
    })
}

/// This machine's node, where there is one: files are checked without it, too.
async fn here(context: &Context) -> Result<Option<(Node, Option<Enrolment>)>, Refusal> {
    match super::open(context).await {
        Ok(node) => {
            let place = node.store.enrolment().await?;
            Ok(Some((node, place)))
        }
        Err(_) if !context.config.data_dir.join(crate::home::DATABASE).exists() => Ok(None),
        Err(refusal) => Err(refusal),
    }
}

/// The log's key: given, or that of the log where this machine's node is enrolled.
fn log_key(given: Option<&str>, place: Option<&Enrolment>) -> Result<Verifier, Refusal> {
    match (given, place) {
        (Some(text), _) => Ok(verify::verifier(text)?),
        (None, Some(place)) => Ok(place.verifier.clone()),
        (None, None) => Err(Refusal::new(
            "no node is enrolled on this machine, so the log's key is not known here",
            "Give it with --log: the line of name+hash+key at /v1/verifier of the aggregator. Compare it with what another LEP was told.",
        )),
    }
}

/// This node's key or its log's, whichever the envelope names.
async fn known_key(envelope: &[u8], context: &Context) -> Result<VerifyingKey, Refusal> {
    let named = verify::named_key(envelope)?;
    let mut known = Vec::new();
    if let Some((node, place)) = here(context).await? {
        known.push(node.signing.verifying_key());
        known.extend(place.map(|place| *place.verifier.key()));
        node.store.close().await;
    }
    known
        .into_iter()
        .find(|key| key_id(key) == named)
        .ok_or_else(|| {
            Refusal::new(
                format!("the statement names the key {named}, which is not known here"),
                "Give the signer's public key with --key: public_key at /v1/nodes/NAME of the aggregator.",
            )
        })
}

async fn statement(path: &Path, key: Option<&str>, context: &Context) -> Answer {
    let envelope = read(path)?;
    let key = match key {
        Some(text) => verify::public_key(text)?,
        None => known_key(&envelope, context).await?,
    };
    let genuine = verify::statement(&envelope, &key)?;
    let said = &genuine.statement;
    let month = said
        .period
        .map_or_else(String::new, |p| format!(", {}", p.in_words()));
    Ok(Output {
        text: format!(
            "The statement is genuine.\n\
             Signed by   {}, with the key {}\n\
             Number      {} of its own\n\
             Kind        {}{month}\n\
             For the log {}\n\
             Standard    {}\n\
             Digest      {}\n\n\
             This proves that whoever holds that key signed these very bytes.\n\
             It does not prove that a log holds the statement: its receipt does (`ldsp-node verify receipt`).",
            said.node,
            genuine.key_id,
            said.seq,
            in_words(said.kind),
            said.origin,
            said.standard,
            genuine.pae,
        ),
        json: json!({
            "node": said.node,
            "key_id": genuine.key_id,
            "seq": said.seq,
            "prev": said.prev,
            "kind": said.kind,
            "period": said.period,
            "origin": said.origin,
            "standard": said.standard,
            "pae": genuine.pae,
        }),
    })
}

fn in_words(kind: Kind) -> String {
    kind.as_str().replace('-', " ")
}

/// As the checkpoint writes it.
fn root(checkpoint: &Checkpoint) -> String {
    BASE64.encode(checkpoint.root.as_bytes())
}

async fn proof(receipt: &Path, statement: &Path, log: Option<&str>, context: &Context) -> Answer {
    let entry = verify::entry_of(&read(statement)?)?;
    let text = read_text(receipt)?;
    let place = match log {
        Some(_) => None,
        None => match here(context).await? {
            Some((node, place)) => {
                node.store.close().await;
                place
            }
            None => None,
        },
    };
    let log = log_key(log, place.as_ref())?;
    let received = verify::receipt(&text, &log, &entry)?;
    let tree = received.checkpoint.as_ref().map_or_else(
        || "Checkpoint  none: the receipt is of before the log had a tree, and is its bare word. `ldsp-node publish` asks for a newer one".to_owned(),
        |c| format!("Checkpoint  {} entries, root {}", count(c.size), root(c)),
    );
    Ok(Output {
        text: format!(
            "The receipt holds: {} has the statement.\n\
             Statement   {} of {}, {}\n\
             Digest      {}\n\
             Place       entry {}, from 0\n\
             {tree}\n\n\
             This proves that the log's key signed a tree that holds this very statement: it cannot be left out of that tree or\n\
             altered in it.\n\
             It does not prove who signed the statement (`ldsp-node verify statement`), nor that the log still shows this tree to\n\
             everybody (`ldsp-node verify log`).",
            log.name(),
            entry.seq,
            entry.node,
            in_words(entry.kind),
            entry.pae,
            received.index,
        ),
        json: json!({
            "origin": log.name(),
            "node": entry.node,
            "seq": entry.seq,
            "kind": entry.kind,
            "pae": entry.pae,
            "index": received.index,
            "size": received.checkpoint.as_ref().map(|c| c.size),
            "root": received.checkpoint.as_ref().map(root),
        }),
    })
}

async fn log(args: &cli::VerifyLog, context: &Context) -> Answer {
    let here = here(context).await?;
    let place = here.as_ref().and_then(|(_, place)| place.as_ref());
    let log = log_key(args.log.as_deref(), place)?;
    // What this node holds is of its own log only.
    let place = place.filter(|place| place.verifier == log);
    let mut expected = Expected::default();
    if let (Some((node, _)), Some(place)) = (&here, place) {
        expected = held(node, place, &context.config.data_dir).await?.1;
    }
    if let Some(path) = &args.since {
        let note = read_text(path)?;
        let checkpoint = Checkpoint::open(&log, &note);
        expected.earlier.push(Seen {
            place: path.display().to_string(),
            checkpoint: checkpoint.map_err(|e| verify::checkpoint_fault(&e))?,
            note,
        });
    }
    let reader = reader(here.as_ref(), place, context);
    let found = find(args, (place, reader), &log, expected).await;
    if let Some((node, _)) = &here {
        node.store.close().await;
    }
    let data = here.is_some().then_some(context.config.data_dir.as_path());
    let (whole, payloads) = found?.map_err(|fault| with_proof(fault, data))?;
    Ok(told(&whole, payloads.as_ref()))
}

/// This machine's node, if the log is its own: it may read what is for enrolled nodes only.
fn reader(
    here: Option<&(Node, Option<Enrolment>)>,
    place: Option<&Enrolment>,
    context: &Context,
) -> Option<Reader> {
    let (node, _) = here?;
    Some(Reader {
        place: place?.clone(),
        key: node.signing.clone(),
        clock: context.clock.clone(),
    })
}

/// The refusal shows what the log signed. Where a node is, it is kept in files, too: tomorrow the log may show another one.
fn with_proof(fault: Fault, data: Option<&Path>) -> Refusal {
    let proof = fault.proof.clone();
    if proof.is_empty() {
        return fault.into();
    }
    let name = Digest::of(proof.concat().as_bytes()).to_string();
    let folder = data.map(|data| {
        data.join("proofs")
            .join(format!("{}-{:.12}", fault.code, name))
    });
    let kept = folder.map(|folder| (keep(&folder, &proof), folder));
    let (where_, folder) = match kept {
        None => ("Keep this".to_owned(), None),
        Some((Ok(()), folder)) => (format!("Kept in {}", folder.display()), Some(folder)),
        Some((Err(error), folder)) => {
            let why = format!("Keep this: {} cannot be written: {error}", folder.display());
            (why, None)
        }
    };
    let shown = proof.join("\n");
    Refusal {
        output: Some(Output {
            text: format!("{where_}. The log's key signed:\n\n{shown}"),
            json: json!({"proof": proof, "kept": folder}),
        }),
        ..fault.into()
    }
}

/// One file a checkpoint, as it was signed.
fn keep(folder: &Path, proof: &[String]) -> std::io::Result<()> {
    std::fs::create_dir_all(folder)?;
    for (number, note) in (1..).zip(proof) {
        std::fs::write(folder.join(format!("checkpoint-{number}")), note)?;
    }
    Ok(())
}

async fn find(
    args: &cli::VerifyLog,
    (place, reader): (Option<&Enrolment>, Option<Reader>),
    log: &Verifier,
    expected: Expected,
) -> Result<Result<(Whole, Option<Payloads>), Fault>, Refusal> {
    let bar = progress();
    let told = |done, of| {
        bar.set_length(of);
        bar.set_position(done);
    };
    let at = args.at.as_deref().or(place.map(|p| p.url.as_str()));
    let at = at.ok_or_else(|| {
        Refusal::new(
            "there is no log to check",
            "Name its directory or its address, https://…",
        )
    })?;
    let source = source(at, args.ca.as_deref(), place, reader)?;
    let mut entries = Vec::new();
    let look = |index, entry: &Entry| {
        if args.payloads {
            entries.push((index, entry.clone()));
        }
    };
    let found = match whole(&source, log, expected, look, told).await {
        Ok(whole) if args.payloads => payloads(&source, log, &entries, told)
            .await
            .map(|payloads| (whole, Some(payloads))),
        found => found.map(|whole| (whole, None)),
    };
    bar.finish_and_clear();
    Ok(found)
}

fn progress() -> ProgressBar {
    let bar = ProgressBar::new(0);
    let style = ProgressStyle::with_template("{bar:40} {human_pos} of {human_len}, {eta} left");
    bar.set_style(style.expect("the template is a constant"));
    bar
}

/// A directory, or an address with its authority: given, or known from the enrolment.
fn source(
    at: &str,
    ca: Option<&Path>,
    place: Option<&Enrolment>,
    reader: Option<Reader>,
) -> Result<Place, Refusal> {
    if !at.starts_with("https://") {
        return Ok(Place::Folder(Folder::new(Path::new(at))));
    }
    let given = ca.map(read_text).transpose()?;
    let own = place.filter(|p| p.url == at.trim_end_matches('/'));
    let ca = given.as_deref().or(own.and_then(|p| p.ca_pem.as_deref()));
    // Who asks is told to no other server.
    let reader = own.and(reader);
    Ok(Place::Server(Server::new(Https::new(at, ca)?, reader)))
}

async fn finding(args: &cli::VerifyFinding, context: &Context) -> Answer {
    let here = here(context).await?;
    let place = here.as_ref().and_then(|(_, place)| place.as_ref());
    let log = log_key(args.log.as_deref(), place)?;
    let place = place.filter(|place| place.verifier == log);
    let mut expected = Expected::default();
    if let (Some((node, _)), Some(place)) = (&here, place) {
        expected = held(node, place, &context.config.data_dir).await?.1;
    }
    let checked = find_finding(args, place, &log, expected).await;
    if let Some((node, _)) = &here {
        node.store.close().await;
    }
    let data = here.is_some().then_some(context.config.data_dir.as_path());
    let checked = checked?.map_err(|fault| with_proof(fault, data))?;
    Ok(told_of_finding(&checked))
}

async fn find_finding(
    args: &cli::VerifyFinding,
    place: Option<&Enrolment>,
    log: &Verifier,
    expected: Expected,
) -> Result<Result<Checked, Fault>, Refusal> {
    // Of an address the server comes first, then the path.
    let address = args.finding.strip_prefix("https://").and_then(|rest| {
        let (site, path) = rest.split_once('/')?;
        Some((format!("https://{site}"), path))
    });
    let site = address.as_ref().map(|(site, _)| site.as_str());
    let envelope = match &address {
        None => read(Path::new(&args.finding))?,
        Some((site, path)) => {
            let server = source(site, args.ca.as_deref(), place, None)?;
            let found = server.fetch(path).await?;
            found.ok_or_else(|| {
                Refusal::new(
                    format!("there is nothing at {}", args.finding),
                    "Check the address: the page of a benchmark run names those of its findings.",
                )
            })?
        }
    };
    let at = args.at.as_deref().or(site);
    let at = at.or(place.map(|p| p.url.as_str())).ok_or_else(|| {
        Refusal::new(
            "there is no log to check the finding against",
            "Name its directory or its address with --at.",
        )
    })?;
    let source = source(at, args.ca.as_deref(), place, None)?;
    let bar = progress();
    let told = |done, of| {
        bar.set_length(of);
        bar.set_position(done);
    };
    let again = args.recompute;
    let found = verify::finding::finding(&source, log, &envelope, expected, again, told).await;
    bar.finish_and_clear();
    Ok(found)
}

fn told_of_finding(checked: &Checked) -> Output {
    let Checked {
        finding,
        index,
        whole,
        recounted,
    } = checked;
    let stands_on = &finding.stands_on;
    let inputs = count(stands_on.inputs.count());
    let (again, proof) = match recounted {
        Some(_) => (
            format!(
                "Recomputed  from {inputs} statements, each signed by a key that counted: every byte is the same"
            ),
            "This proves that these figures are what the signed statements give, and that none of that state of the log was left out.",
        ),
        None => (
            format!(
                "Recomputed  no: with --recompute the {inputs} statements are fetched and counted again"
            ),
            "This proves that the log signed and holds these figures and names every statement of that state. It does not prove that they are what\n\
             the statements give.",
        ),
    };
    Output {
        text: format!(
            "The finding holds.\n\
             Measure     {}: {} figures of England, groups, regions and areas\n\
             Place       entry {index} of {}, from 0\n\
             State       {} entries, root {}: the log begins with it\n\
             Log now     {} entries, root {}\n\
             Code        {}\n\
             {again}\n\n\
             {proof}\n\
             It does not prove that others are shown the same log: compare size and root with what another LEP sees.",
            finding.measure.id(),
            count(finding.figures.len()),
            whole.checkpoint.origin,
            count(stands_on.size),
            BASE64.encode(stands_on.root.as_bytes()),
            count(whole.checkpoint.size),
            root(&whole.checkpoint),
            stands_on.code,
        ),
        json: json!({
            "measure": finding.measure,
            "index": index,
            "size": stands_on.size,
            "root": BASE64.encode(stands_on.root.as_bytes()),
            "standards": stands_on.standards,
            "code": stands_on.code,
            "inputs": stands_on.inputs,
            "figures": finding.figures.len(),
            "recomputed": recounted.is_some(),
            "log": {"size": whole.checkpoint.size, "root": root(&whole.checkpoint)},
        }),
    }
}

fn told(found: &Whole, payloads: Option<&Payloads>) -> Output {
    let Whole {
        checkpoint,
        kinds,
        signers,
        files,
        earlier,
        received,
    } = found;
    let by_kind: Vec<String> = kinds
        .iter()
        .map(|(kind, n)| format!("{} {}", in_words(*kind), count(*n)))
        .collect();
    let past = match earlier {
        0 => "none is held here, so nothing is said of the log's past".to_owned(),
        n => format!(
            "{}, and the log begins with each",
            some(*n, "checkpoint", "checkpoints")
        ),
    };
    let receipts = match received {
        0 => String::new(),
        n => format!(
            "Receipts    {} of this node, each for the entry that stands there\n",
            count(*n as u64)
        ),
    };
    let content = match payloads {
        None => {
            "Content     not asked for: with --payloads what every entry is of is fetched, too\n"
                .to_owned()
        }
        Some(p) => {
            let closed = match p.closed {
                0 => String::new(),
                n => format!("; {} not for everybody, not looked at", count(n)),
            };
            format!(
                "Content     {} as signed; {} taken back by withdrawals of their own nodes{closed}\n",
                some(
                    usize::try_from(p.given).unwrap_or(usize::MAX),
                    "statement",
                    "statements"
                ),
                count(p.withdrawn)
            )
        }
    };
    let proves = match payloads {
        None => "",
        Some(_) => {
            " What the entries are of is there, as its nodes signed it, where they did not\ntake it back themselves."
        }
    };
    Output {
        text: format!(
            "The log {} is whole.\n\
             Checkpoint  {} entries, root {}\n\
             Entries     {}; {}, each one's numbered from 1 without a gap\n\
             Files       {} tiles and bundles, each as the entries say\n\
             Earlier     {past}\n\
             {receipts}{content}\n\
             This proves that the log's key signed these entries in this order, and that nothing of what the earlier checkpoints\n\
             and receipts showed was taken out or altered.{proves}\n\
             It does not prove that others are shown the same entries: compare size and root with what another LEP sees.",
            checkpoint.origin,
            count(checkpoint.size),
            root(checkpoint),
            if by_kind.is_empty() {
                "none".to_owned()
            } else {
                by_kind.join(", ")
            },
            some(*signers, "signer", "signers"),
            count(*files),
        ),
        json: json!({
            "origin": checkpoint.origin,
            "size": checkpoint.size,
            "root": root(checkpoint),
            "kinds": kinds,
            "signers": signers,
            "files": files,
            "earlier": earlier,
            "receipts": received,
            "payloads": payloads.map(|p| json!({
                "given": p.given,
                "withdrawn": p.withdrawn,
                "closed": p.closed,
            })),
        }),
    }
}

/// Everything that the node holds, checked on the way.
async fn held(node: &Node, place: &Enrolment, data: &Path) -> Result<(Own, Expected), Refusal> {
    let mut connection = node
        .store
        .reader
        .acquire()
        .await
        .map_err(StoreError::from)?;
    let last = outbox::head(&mut connection).await?.seq;
    let kept = proofs::checkpoint(&mut connection).await?;
    let mut check = Check::new(place, node.signing.verifying_key());
    for seq in 1..=last {
        if let Some(row) = outbox::of(&mut connection, seq).await? {
            check
                .take(&row)
                .map_err(|fault| with_proof(fault, Some(data)))?;
        }
    }
    let (own, mut expected) = check.end()?;
    if let Some(note) = kept {
        let checkpoint = Checkpoint::open(&place.verifier, &note);
        let checkpoint = checkpoint.map_err(|e| verify::checkpoint_fault(&e))?;
        expected.earlier.push(Seen {
            place: "the largest checkpoint that this node keeps".to_owned(),
            checkpoint,
            note,
        });
    }
    Ok((own, expected))
}
