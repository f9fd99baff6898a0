//! One practice entry, whole, with what anybody needs to check it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use jiff::civil::Date;
use ldsp_protocol::ids::{Digest, NodeSlug};
use ldsp_protocol::practice::{Again, Cause, Direction, PracticeEntry, Sharing};
use ldsp_protocol::problem;
use ldsp_protocol::standard::Dimension;
use ldsp_protocol::statement::Kind;
use ldsp_ui::components::{
    Details, InsetText, SummaryList, Table, Tag, TagColour, Warning, link, list,
};
use ldsp_ui::{Html, Page, ProblemPage};

use super::evidence::{self, Cited};
use super::{Answer, library, practice, words};
use crate::Service;
use crate::store::{Curation, Library, LibraryEntry, Log, LoggedStatement, Said, Standing};

/// Entries that this one is tied to and that the public may read, each as a link.
struct Ties {
    newer: Option<Html>,
    supersedes: Option<Html>,
    replicates: Option<Html>,
}

pub(super) async fn show(
    State(service): State<Arc<Service>>,
    Path((node, seq)): Path<(String, u64)>,
) -> Answer {
    let node: NodeSlug = node.parse().map_err(|_| ProblemPage::not_found())?;
    let (snapshot, today) = (service.snapshot().await?, service.today());
    let bodies: Bodies = snapshot.kept().unwrap_or_default();
    let key = (today, node, seq);
    let known = bodies.kept().get(&key).cloned();
    let (title, body) = match known {
        Some(known) => known,
        None => {
            let made = read(&service, &key).await?;
            if bodies.kept().len() < KEPT {
                bodies.kept().insert(key, made.clone());
            }
            snapshot.keep(bodies);
            made
        }
    };
    let page = Page::new(title)
        .caption("Practice library")
        .breadcrumb("Home", "/")
        .breadcrumb("Practice library", "/practice");
    Ok(page.body(body))
}

/// Entries that one state of the log keeps at most.
const KEPT: usize = 64;

/// A day, who wrote, and the number in the node's sequence.
pub(super) type Key = (Date, NodeSlug, u64);

/// Titles and texts of entries that were asked for before, as everybody sees them.
#[derive(Clone, Default)]
struct Bodies(Arc<Mutex<BTreeMap<Key, (String, Html)>>>);

impl Bodies {
    fn kept(&self) -> MutexGuard<'_, BTreeMap<Key, (String, Html)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// That an entry was withdrawn by the statement at this leaf.
fn withdrawn(leaf: u64) -> ProblemPage {
    ProblemPage::new(
        StatusCode::GONE,
        problem::WITHDRAWN.code,
        "This practice entry was withdrawn",
    )
    .happened(format!(
        "The area that published it took it back with statement {leaf} of the log, which says why."
    ))
    .next("Read other entries in the practice library, or look the statement up in the list of what was withdrawn.")
}

/// That a curator took an entry out of the library.
fn hidden(said: &Said) -> ProblemPage {
    let kind = problem::HIDDEN;
    ProblemPage::new(StatusCode::GONE, kind.code, "This entry was taken out of the practice library")
        .happened(format!(
            "A curator took it out on {}: {}",
            words::moment(said.at),
            said.words
        ))
        .next("Read other entries in the practice library. The area that published it may publish another version.")
}

/// An entry's title and text as everybody sees them. A peers-first entry answers exactly like one that does not exist.
async fn read(service: &Service, key: &Key) -> Result<(String, Html), super::Failure> {
    let (entry, body) = whole(service, key).await?;
    let said = service.store.said(entry.index).await?;
    let why = match said {
        Some(said) if said.standing == Standing::Hidden => return Err(hidden(&said).into()),
        Some(said) if said.standing == Standing::Featured => {
            InsetText::new(format!("Chosen by the curator: {}", said.words)).into()
        }
        _ => Html::default(),
    };
    Ok((entry.entry.title, Html::concat([why, body])))
}

/// An entry that everybody may read by its authors' word, and its text.
pub(super) async fn whole(
    service: &Service,
    (today, node, seq): &Key,
) -> Result<(LibraryEntry, Html), super::Failure> {
    let store = &service.store;
    let (found, statement) =
        tokio::try_join!(store.entry(node, *seq), store.statement(node, *seq))?;
    let found = found.filter(|e| e.entry.sharing.is_public(*today));
    let is_entry = |s: &&LoggedStatement| s.kind == Kind::PracticeEntry;
    let gone = statement.as_ref().filter(is_entry);
    if let Some(leaf) = gone.and_then(|s| s.withdrawn) {
        return Err(withdrawn(leaf).into());
    }
    let (entry, statement) = found.zip(statement).ok_or_else(ProblemPage::not_found)?;
    let cited = async {
        let cited = evidence::resolve(store, node, &entry.entry.evidence).await?;
        Ok::<_, super::Failure>(cited)
    };
    let (newer, supersedes, replicates, cited) = tokio::try_join!(
        newer(service, &entry),
        tie(service, entry.entry.supersedes),
        tie(service, entry.entry.replicates),
        cited
    )?;
    let ties = Ties {
        newer,
        supersedes,
        replicates,
    };
    let body = Html::render(&body(&entry, &statement, ties, &cited));
    Ok((entry, body))
}

/// A link to the cited entry; nothing of it when the public may not read it.
async fn tie(service: &Service, pae: Option<Digest>) -> Result<Option<Html>, super::Failure> {
    let Some(pae) = pae else { return Ok(None) };
    let cited = service.store.cited(pae).await?;
    if cited.is_none() {
        let gone = service.store.by_identity(pae).await?;
        let by = gone.and_then(|s| s.withdrawn);
        return Ok(Some(by.map_or_else(
            || Html::text("An entry that is not open to everybody"),
            |by| link("An entry that was withdrawn", &format!("/statements/{by}")),
        )));
    }
    Ok(Some(match cited {
        Some(e) if e.entry.sharing.is_public(service.today()) => {
            link(&e.entry.title, &practice::href(&e))
        }
        _ => Html::text("An entry that is not open to everybody"),
    }))
}

/// A link to the newest version that the public may read: versions between may be for peers only.
async fn newer(service: &Service, entry: &LibraryEntry) -> Result<Option<Html>, super::Failure> {
    if entry.superseded_by.is_none() {
        return Ok(None);
    }
    let newest = service.store.newest(entry.index, service.today()).await?;
    Ok(newest.map(|version| link(&version.entry.title, &practice::href(&version))))
}

#[derive(Template)]
#[template(path = "practice_entry.html")]
struct Body {
    newer: Html,
    verdict: Tag,
    glance: Vec<(&'static str, String)>,
    what: Html,
    causes: Vec<(&'static str, Vec<Cause>)>,
    again: Tag,
    change: Html,
    repeat: Html,
    evidence: Html,
    strength: Vec<(&'static str, &'static str)>,
    tools: Html,
    about: SummaryList,
    verify: Details,
}

/// A writer's text: escaped, with its paragraphs and line breaks.
#[derive(Template)]
#[template(
    source = r#"{% for lines in paragraphs %}<p class="govuk-body">{% for line in lines %}{{ line }}{% if !loop.last %}<br>{% endif %}{% endfor %}</p>{% endfor %}"#,
    ext = "html"
)]
pub(super) struct Text {
    paragraphs: Vec<Vec<String>>,
}

impl Text {
    pub(super) fn html(text: &str) -> Html {
        let clean = text.replace("\r\n", "\n").replace('\r', "\n");
        let paragraphs = clean.split("\n\n").map(|p| {
            let lines = p.trim_matches('\n').lines();
            lines.map(str::to_owned).collect::<Vec<_>>()
        });
        Html::render(&Self {
            paragraphs: paragraphs.filter(|p| !p.is_empty()).collect(),
        })
    }
}

fn body(e: &LibraryEntry, s: &LoggedStatement, ties: Ties, cited: &[Cited]) -> Body {
    let p = &e.entry;
    let causes = |way| {
        let one_way = p.causes.iter().filter(move |c| c.direction == way);
        one_way.cloned().collect::<Vec<_>>()
    };
    let newer = ties.newer.as_ref().map_or_else(Html::default, |newer| {
        Warning::new(Html::concat([
            Html::text("The authors have replaced this entry: "),
            newer.clone(),
        ]))
        .into()
    });
    Body {
        newer,
        verdict: practice::verdict(p.verdict),
        glance: glance(p),
        what: Text::html(&p.what),
        causes: [
            ("It worked because of", causes(Direction::WorkedBecause)),
            ("It failed because of", causes(Direction::FailedBecause)),
        ]
        .into_iter()
        .filter(|(_, all)| !all.is_empty())
        .collect(),
        again: Tag::coloured(
            p.again.in_words(),
            match p.again {
                Again::Yes => TagColour::Green,
                Again::YesChanged => TagColour::Yellow,
                Again::No => TagColour::Red,
            },
        ),
        change: Text::html(&p.change),
        repeat: Text::html(&p.repeat),
        evidence: evidence_html(cited),
        strength: vec![
            ("Comparison", p.strength.design.in_words()),
            ("People who took part", p.strength.participants.in_words()),
            ("Lost to measurement", p.strength.attrition.in_words()),
            ("Follow-up", p.strength.follow_up.in_words()),
        ],
        tools: tools(p),
        about: about(p, s, ties),
        verify: Details::new("Verify this entry yourself", verify(s)),
    }
}

fn titles(dimension: Dimension, codes: &[String]) -> String {
    let named: Vec<String> = codes.iter().map(|c| library::title(dimension, c)).collect();
    named.join(", ")
}

fn glance(p: &PracticeEntry) -> Vec<(&'static str, String)> {
    vec![
        ("Where it applies", library::area(&p.area)),
        ("Tier", library::title(Dimension::Tier, &p.tier)),
        ("Skills", titles(Dimension::Skill, &p.skills)),
        ("For whom", titles(Dimension::Audience, &p.audience)),
        ("Delivery", library::title(Dimension::Mode, &p.mode)),
        ("Cost", p.cost.in_words().to_owned()),
    ]
}

fn about(p: &PracticeEntry, s: &LoggedStatement, ties: Ties) -> SummaryList {
    let sharing = match p.sharing {
        Sharing::Public => "Everybody".to_owned(),
        Sharing::PeersUntil(date) => {
            format!(
                "Enrolled areas first, everybody since {}",
                words::date(date)
            )
        }
    };
    let mut facts = SummaryList::new()
        .fact(
            "Published",
            words::date(crate::time::london_day(s.received)),
        )
        .fact("Shared with", sharing)
        .fact("The authors review it on", words::date(p.review))
        .fact("Whom to ask", p.contact_role.clone());
    if let Some(older) = ties.supersedes {
        facts = facts.fact("Replaces", older);
    }
    if let Some(original) = ties.replicates {
        facts = facts.fact("Repeats elsewhere", original);
    }
    facts
}

fn tools(p: &PracticeEntry) -> Html {
    if p.tools.is_empty() {
        return Html::paragraph("None named.");
    }
    list(p.tools.iter().map(|t| {
        // Only https: the kit's `link` would also make one of a local address.
        let title = if t.link.starts_with("https://") {
            link(&t.title, &t.link)
        } else {
            Html::text(&t.title)
        };
        Html::concat([title, Html::text(&format!(" (licence: {})", t.licence))])
    }))
}

fn evidence_html(cited: &[Cited]) -> Html {
    if cited.is_empty() {
        return InsetText::new(
            "The authors cite no published figures. Read their conclusion as experience, not as measurement.",
        )
        .into();
    }
    let table = Table::new("Figures that the authors cite")
        .caption_hidden()
        .columns([
            "Figure",
            "Estimate (95 % interval)",
            "Period",
            "Signed release",
        ])
        .numeric([1])
        .rows(cited.iter().map(|c| match &c.figure {
            Some(f) => [
                Html::text(&f.label),
                Html::text(&words::count_with_interval(&f.estimate)),
                Html::text(&words::period_range(f.first, f.last)),
                link(
                    &format!("Statement {}", f.seq),
                    &format!("/v1/nodes/{}/statements/{}", f.node, f.seq),
                ),
            ],
            None => [
                Html::text(&format!("Cell {} of table {}", c.cell, c.table)),
                Html::text("not found in this node's releases"),
                Html::default(),
                Html::default(),
            ],
        }));
    let note = "Estimates with noise added for privacy, never exact counts: number of enrolments over the whole \
                period, in the table that the authors cite. “Too few to say” means that the noise could explain the figure.";
    Html::concat([table.into(), Html::paragraph(note)])
}

fn verify(s: &LoggedStatement) -> Html {
    let raw = format!("/v1/nodes/{}/statements/{}", s.node, s.seq);
    let facts = SummaryList::new()
        .fact(
            "Commands that check it",
            link(
                &format!("Statement {}", s.index),
                &format!("/statements/{}", s.index),
            ),
        )
        .fact("Signed envelope", link("Exact bytes as received", &raw))
        .fact("Publishing node", s.node.to_string())
        .fact("Statement of that node", s.seq.to_string())
        .fact("Place in the national log", s.index.to_string())
        .fact("Received", words::moment(s.received))
        .fact("Key", code(&s.key_id.to_string()))
        .fact("Digest (SHA-256)", code(&s.pae.to_string()))
        .fact(
            "Receipt",
            link("Proof of its place in the log", &format!("{raw}/receipt")),
        );
    Html::concat([
        Html::paragraph(
            "This page shows what the node signed. Download the envelope, check its signature with any DSSE \
             verifier and the node’s public key, and check the receipt with the log’s key on the About page.",
        ),
        facts.into(),
    ])
}

#[derive(Template)]
#[template(
    source = r#"<span class="ldsp-code">{% for line in lines %}{{ line }}{% if !loop.last %}<br>{% endif %}{% endfor %}</span>"#,
    ext = "html"
)]
struct Code<'a> {
    lines: Vec<&'a str>,
}

/// Text for machines, line by line.
pub(super) fn code(text: &str) -> Html {
    Html::render(&Code {
        lines: text.lines().collect(),
    })
}
