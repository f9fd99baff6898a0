//! One statement: who said what and when, the exact bytes, and how to check them without us.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, State};
use jiff::civil::Date;
use ldsp_protocol::dsse::Unverified;
use ldsp_protocol::ids::Digest;
use ldsp_protocol::own::Own;
use ldsp_protocol::run::MeasureFinding;
use ldsp_protocol::standard::Standard;
use ldsp_protocol::statement::Kind;
use ldsp_ui::components::{CodeBlock, Details, InsetText, SummaryList, Table, link};
use ldsp_ui::{Html, Page, ProblemPage, SignedIn};

use super::proof::{self, Proof};
use super::{
    Answer, Failure, entry, figures, keys, pretty, questionnaires, revisions, statements, words,
};
use crate::Service;
use crate::announce;
use crate::receive::questionnaires::envelope_of;
use crate::store::{Log, LoggedStatement, Registry, StoreError};

/// Why what a statement says is not shown to whoever asks.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Closed {
    /// A practice entry that is for enrolled areas first, until this day.
    Until(Date),
    /// Answers to a questionnaire, for its operators and analysts and the area itself.
    Answers,
}

pub(super) async fn show(
    State(service): State<Arc<Service>>,
    person: Option<SignedIn>,
    Path(index): Path<String>,
) -> Answer {
    let statement = find(&service, &index).await?;
    let withdrawn = statement.withdrawn.is_some();
    let reads = person.is_some_and(|person| person.is_any(super::READERS));
    let opens = match statement.kind {
        Kind::PracticeEntry if !withdrawn => {
            let opens = statements::opens(&service, &statement.node, statement.seq).await?;
            opens.map(Closed::Until)
        }
        Kind::QuestionnaireAnswers if !reads => Some(Closed::Answers),
        _ => None,
    };
    let area = if statement.kind.is_of_log() {
        "The log itself".to_owned()
    } else {
        let node = service.store.node(&statement.node).await?;
        node.as_ref()
            .map_or_else(|| statement.node.to_string(), statements::area_name)
    };
    let receipt = service.receipt(statement.index).await?;
    let receipt = receipt.ok_or_else(ProblemPage::not_found)?;
    let read = if withdrawn {
        None
    } else {
        Some(read(&statement)?)
    };
    let body = Body {
        revision: revisions::of_statement(&service, &statement).await?,
        facts: facts(&statement, &area, read.as_ref(), opens.is_none()),
        bytes: if withdrawn {
            Html::default()
        } else {
            bytes(&statement, opens)
        },
        body: match (&read, opens) {
            (Some(read), None) => said(&service, &statement, &read.body).await?,
            _ => Html::default(),
        },
        receipt: CodeBlock::new(
            "receipt",
            "The log’s receipt: a proof and a signed checkpoint",
            receipt.into_text(),
        )
        .into(),
        verify: verify(&service, &statement, opens),
        around: around(&service, &statement).await?,
    };
    let what = match statement.period {
        Some(month) => format!(
            "{}, {}",
            statements::kind_in_words(statement.kind),
            month.in_words()
        ),
        None => statements::kind_in_words(statement.kind).to_owned(),
    };
    Ok(Page::new(format!("Statement {}", statement.index))
        .caption(format!("{area}: {what}"))
        .breadcrumb("Home", "/")
        .breadcrumb("Who contributes", "/nodes")
        .breadcrumb("Signed statements", "/statements")
        .body(Html::render(&body)))
}

#[derive(Template)]
#[template(path = "statement.html")]
struct Body {
    revision: Html,
    facts: SummaryList,
    bytes: Html,
    body: Html,
    receipt: Html,
    verify: Html,
    around: Html,
}

async fn find(service: &Service, index: &str) -> Result<LoggedStatement, Failure> {
    let unknown = || {
        ProblemPage::not_found()
            .happened("The log holds no statement at this place. Places are whole numbers from 0 and are given in the order of arrival.")
            .next("Look for it in the list of signed statements.")
    };
    // SQL's numbers end before Rust's.
    let index = index.parse::<i64>().ok();
    let index = index
        .and_then(|n| u64::try_from(n).ok())
        .ok_or_else(unknown)?;
    let found = service.store.statements(index, 1).await?;
    let mut found = found.into_iter().find(|s| s.index == index);
    if found.is_none() {
        let own = service.store.owns(index, 1).await?;
        found = own.into_iter().find(|s| s.index == index);
    }
    Ok(found.ok_or_else(unknown)?)
}

/// What the envelope says.
struct Read {
    prev: Option<Digest>,
    standard: Digest,
    body: String,
    bytes: usize,
}

fn read(statement: &LoggedStatement) -> Result<Read, Failure> {
    #[derive(serde::Deserialize)]
    struct Head {
        prev: Digest,
        standard: Digest,
    }
    // It was verified before it was logged: bytes that cannot be read have been damaged since.
    let damaged = || crate::store::StoreError::Corrupt {
        table: "statement",
        column: "envelope",
        row: statement.index.to_string(),
    };
    let unverified = Unverified::parse(&statement.envelope).map_err(|_| damaged())?;
    let body = std::str::from_utf8(unverified.unverified_body()).map_err(|_| damaged())?;
    let head: Head = serde_json::from_str(body).map_err(|_| damaged())?;
    Ok(Read {
        prev: Some(head.prev).filter(|prev| *prev != Digest::ZERO),
        standard: head.standard,
        body: body.to_owned(),
        bytes: statement.envelope.len(),
    })
}

fn facts(s: &LoggedStatement, area: &str, read: Option<&Read>, is_open: bool) -> SummaryList {
    let node = format!("/nodes/{}", s.node);
    let what = match s.kind {
        _ if s.withdrawn.is_some() => {
            Html::text(&format!("{}, withdrawn", statements::kind_in_words(s.kind)))
        }
        Kind::LearningSummary | Kind::Correction => Html::text(&format!(
            "Protected tables of {}: counts with noise added, no learner’s record",
            s.period.map_or_else(String::new, |p| p.in_words())
        )),
        Kind::PracticeEntry if is_open => link(
            "A practice entry",
            &format!("/practice/{}/{}", s.node, s.seq),
        ),
        Kind::PracticeEntry => Html::text("A practice entry, for enrolled areas first"),
        Kind::Withdrawal => Html::text("An area’s word that it takes a statement back"),
        Kind::KeyAdd => Html::text("A node’s key counts from here on"),
        Kind::KeyRevoke => Html::text("A node’s key counts no more"),
        Kind::Standard => Html::text("The data standard that statements follow, whole"),
        Kind::BenchmarkRun => link(
            "A benchmark run: every figure at one state of the log",
            &format!("/runs/{}", s.index),
        ),
        Kind::Finding => Html::text("The figures of one measure at one state of the log"),
        Kind::QuestionnaireAnswers => Html::text(
            "An area’s answers to a questionnaire, for the log’s operators and analysts and for the area itself",
        ),
        Kind::DemandSummary => Html::text(
            "What is asked for in an area: sums that may be told, and counts of people with noise added",
        ),
        Kind::ProvisionSummary => {
            Html::text("What is offered in an area, service by service counted")
        }
        Kind::Questionnaire => Html::text("What the log’s operators ask of areas"),
    };
    let own = s.kind.is_of_log();
    let facts = SummaryList::new()
        .fact(
            "Signed by",
            if own {
                Html::text(&format!(
                    "The log itself, with its own key (its statement {})",
                    s.seq
                ))
            } else {
                Html::concat([
                    link(area, &node),
                    Html::text(&format!(" (node {}, its statement {})", s.node, s.seq)),
                ])
            },
        )
        .fact("What it is", what)
        .fact(
            if own { "Made" } else { "Received" },
            format!("{}, London time", words::moment(s.received)),
        )
        .fact("Place in the log", words::thousands(s.index))
        .fact("Digest", entry::code(&s.pae.to_string()))
        .fact("Key", entry::code(&s.key_id.to_string()));
    match read {
        Some(read) => said_facts(facts, own, read),
        None => facts,
    }
}

/// What the envelope says beside its payload.
fn said_facts(facts: SummaryList, own: bool, read: &Read) -> SummaryList {
    let before = read.prev.map_or_else(
        || {
            Html::text(if own {
                "None: this is the log’s first"
            } else {
                "None: this is the node’s first"
            })
        },
        |prev| entry::code(&prev.to_string()),
    );
    let standard = Standard::of(read.standard);
    let standard = standard.map_or_else(|| read.standard.to_string(), Standard::title);
    facts
        .fact("Data standard", standard)
        .fact(
            if own {
                "Digest of the log’s own statement before"
            } else {
                "Digest of the node’s statement before"
            },
            before,
        )
        .fact(
            "Size",
            format!("{} bytes", words::thousands(read.bytes as u64)),
        )
}

fn bytes(s: &LoggedStatement, opens: Option<Closed>) -> Html {
    let closed = match opens {
        Some(Closed::Until(date)) => Some(format!(
            "The node shares this entry with enrolled areas first. Its bytes are withheld here until {0} and open to everybody \
             from that day on, at this address. Its digest and its receipt are public already, so nobody can change it until then.",
            words::date(date)
        )),
        Some(Closed::Answers) => Some(
            "What the area answers is for the operators and analysts of this site and for the area itself. Its digest and its receipt are public, so \
             nobody can change it."
                .to_owned(),
        ),
        None => None,
    };
    if let Some(text) = closed {
        return InsetText::new(text).into();
    }
    let address = match s.kind {
        Kind::QuestionnaireAnswers => envelope_of(s.index),
        _ => format!("/v1/nodes/{}/statements/{}", s.node, s.seq),
    };
    Html::concat([
        Html::literal("<p class=\"govuk-body\">"),
        link("Download the signed envelope, its exact bytes", &address),
        Html::literal("</p>"),
    ])
}

async fn said(service: &Service, s: &LoggedStatement, body: &str) -> Result<Html, StoreError> {
    let heading = Html::literal("<h2 class=\"govuk-heading-m\">What it says</h2>");
    if !s.kind.is_of_log() {
        return Ok(Html::concat([heading, said_by_node(s.kind, body)]));
    }
    let told = match announce::read(s)?.payload {
        Own::Standard(version) => Html::concat([
            Html::paragraph(&format!(
                "{}, whose digest is {}. The signed body holds its exact text as one string; here it is set out for reading.",
                version.title, version.digest
            )),
            CodeBlock::new("body", "The data standard", pretty::json(&version.text)).into(),
        ]),
        Own::BenchmarkRun(_) => Html::concat([
            Html::paragraph("What its figures stand on, and which statements hold them."),
            CodeBlock::new("body", "What the log signed", pretty::json(body)).into(),
        ]),
        Own::Finding(finding) => figures_of(&finding, body),
        Own::Questionnaire(asked) => Html::concat([
            questionnaires::asked(&asked),
            Details::new(
                "All of it, as it was signed",
                CodeBlock::new("body", "What the log signed", pretty::json(body)),
            )
            .into(),
        ]),
        Own::KeyAdd(_) | Own::KeyRevoke(_) => Html::concat([
            keys::cards(service, std::slice::from_ref(s)).await?,
            CodeBlock::new("body", "What the log signed", pretty::json(body)).into(),
        ]),
    };
    Ok(Html::concat([heading, told]))
}

/// The figures of a finding, England and its regions as a table; the rest is in the download.
fn figures_of(finding: &MeasureFinding, body: &str) -> Html {
    let title = figures::title(finding.measure);
    let stands_on = &finding.stands_on;
    let places = finding.figures.iter().filter(|f| f.slice.is_none());
    let table = Table::new(format!("{title}, to date, as the log signed it"))
        .columns(["Where", "Figure (95 % interval)", "Base"])
        .numeric([1, 2])
        .rows(places.map(|f| {
            [
                f.place.name.clone(),
                figures::with_interval(f),
                figures::base(f),
            ]
        }));
    Html::concat([
        Html::paragraph(&format!(
            "{title} at the state of the log with {} entries, made from {} of its statements, which it names. Anybody can make the same bytes \
             from those (ldsp-node verify finding --recompute).",
            words::thousands(stands_on.size),
            words::thousands(stands_on.inputs.count())
        )),
        table.into(),
        Details::new(
            "All of it, as it was signed",
            CodeBlock::new("body", "What the log signed", pretty::json(body)),
        )
        .into(),
    ])
}

fn said_by_node(kind: Kind, body: &str) -> Html {
    let explained = match kind {
        Kind::QuestionnaireAnswers => {
            "The signed body, set out for reading. It names the questionnaire’s statement by its digest."
        }
        Kind::DemandSummary => {
            "The signed body, set out for reading. Sums of organisations are as the area worked them out on their day. Counts of people hold noise \
                     of the variance that stands beside them: one for every skill of the data standard, in it for the whole area and then for every district. The page Needs adds them up."
        }
        Kind::ProvisionSummary => {
            "The signed body, set out for reading. It counts the services of the area\u{2019}s open feed. The page Needs adds them up."
        }
        _ => {
            "The signed body, set out for reading. Long rows of numbers are cut short here; the download has them all. Cells are in units \
                     of 2^-16 and hold noise: the sizes of it are in the same statement, under sigma2."
        }
    };
    let block = CodeBlock::new("body", "What the node signed", pretty::json(body));
    Html::concat([Html::paragraph(explained), block.into()])
}

fn verify(service: &Service, s: &LoggedStatement, opens: Option<Closed>) -> Html {
    let proof = Proof {
        site: &service.public_url,
        entry: &s.entry(),
    };
    let blocks = |steps: Vec<proof::Step>| {
        Html::concat(steps.into_iter().map(|step| {
            Html::concat([
                Html::paragraph(step.why),
                CodeBlock::new(step.id, step.label, step.commands).into(),
            ])
        }))
    };
    // The commands fetch what everybody may have.
    let is_open = opens.is_none() && s.kind != Kind::QuestionnaireAnswers;
    if !is_open || s.withdrawn.is_some() {
        let text = match s.kind {
            Kind::QuestionnaireAnswers => {
                "That this log has bound itself to the digest can be checked by everybody. Whoever may read the envelope can check that against the digest."
            }
            _ if opens.is_some() => {
                "Until the entry is open you can check that this log has bound itself to its digest."
            }
            _ => {
                "The content is gone; that this log once bound itself to its digest can still be checked. Whoever kept the envelope can check that against the digest."
            }
        };
        return Html::concat([
            Html::paragraph(text),
            blocks(vec![proof.fetch_receipt(), proof.receipt_alone()]),
        ]);
    }
    let others = |title: &str, step: proof::Step| {
        let content = blocks(vec![step]);
        Html::from(Details::new(title, content))
    };
    Html::concat([
        blocks(vec![proof.fetch(), proof.signature(), proof.receipt()]),
        Html::literal("<h3 class=\"govuk-heading-s\">The same with other people’s libraries</h3>"),
        others("Python: securesystemslib", proof.python()),
        others("JavaScript: @sigstore/core", proof.node_js()),
        others("Go: golang.org/x/mod/sumdb", proof.go()),
        Html::paragraph(if s.kind.is_of_log() {
            "All of these trust the key that this site gives for the log. Every node was given it with its invite, by another road: compare them."
        } else {
            "All of these trust the key that this site gives for the node. To be sure of that too, ring the partnership and compare its key: \
             there, ldsp-node status shows it, and here the node’s page does."
        }),
    ])
}

/// Links to the statements beside this one.
async fn around(service: &Service, s: &LoggedStatement) -> Result<Html, Failure> {
    let size = service.store.size().await?;
    let at = |index: u64| format!("/statements/{index}");
    let previous = s.index.checked_sub(1).map(at);
    let next = (s.index + 1 < size).then(|| at(s.index + 1));
    Ok(ldsp_ui::components::Pagination::new("Places in the log", previous, next).into())
}
