//! Practice entries of this node: the list, one entry, its release.

use axum::Form;
use axum::extract::{Path, Query, State};
use axum::response::IntoResponse as _;
use ldsp_protocol::ids::Digest;
use ldsp_ui::components::{
    Button, Checkboxes, Choice, ErrorSummary, Field, InsetText, PostForm, SummaryList, Tag,
    TagColour, Warning, link,
};
use ldsp_ui::listing::{Asked, Column, Listing};
use ldsp_ui::{Html, Page, ProblemPage, SignedIn};
use serde::Deserialize;

use super::home::receipt_words;
use super::practice_view::{entry_html, verdict_tag};
use super::{Answer, Pages, done, fault, federation, practice_problem, see_other, words};
use crate::practice::{self, PracticeError};
use crate::store::people::{Role, same_person};
use crate::store::practice::StoredEntry;

fn state_tag(entry: &StoredEntry) -> Tag {
    match entry.seq {
        Some(_) => Tag::coloured("Released", TagColour::Green),
        None => Tag::coloured("Waiting for an approver", TagColour::Yellow),
    }
}

pub(super) async fn list(State(pages): State<Pages>, asked: Asked, person: SignedIn) -> Answer {
    let entries = pages.node.store.practice_entries().await.map_err(fault)?;
    let may_write = person.role.as_str() == Role::Coordinator.as_str();
    let mut pieces = vec![Html::paragraph(
        "What was tried here, whether it worked, and why. Failures help other areas most. A coordinator writes an entry, an approver releases it; it never names a person.",
    )];
    if may_write {
        let buttons = [
            Button::link("Write an entry", "/practice/new"),
            Button::link("Read what other areas learned", "/practice/library").secondary(),
        ];
        pieces.push(Html::literal("<div class=\"govuk-button-group\">"));
        pieces.extend(buttons.into_iter().map(Html::from));
        pieces.push(Html::literal("</div>"));
    } else {
        pieces.push(
            Button::link("Read what other areas learned", "/practice/library")
                .secondary()
                .into(),
        );
    }
    if entries.is_empty() {
        pieces.push(Html::paragraph("No entry has been written yet."));
    } else {
        pieces.push(listing(entries, &asked));
    }
    Ok(Page::new("Practice")
        .body(Html::concat(pieces))
        .into_response())
}

/// Entries of a page.
const SHOWN: usize = 100;

fn listing(mut entries: Vec<StoredEntry>, asked: &Asked) -> Html {
    let wanted = asked.text("q").to_lowercase();
    let state = asked.text("state");
    entries.retain(|e| {
        let is = if e.seq.is_some() {
            "released"
        } else {
            "waiting"
        };
        e.entry.title.to_lowercase().contains(&wanted) && (state.is_empty() || state == is)
    });
    let order = asked.order("on", true);
    match order.by.as_str() {
        "title" => order.sort(&mut entries, |e| e.entry.title.to_lowercase()),
        "state" => order.sort(&mut entries, |e| e.seq.is_some()),
        "author" => order.sort(&mut entries, |e| e.author.to_lowercase()),
        _ => order.sort(&mut entries, |e| (e.written_at, e.id)),
    }
    let rows = entries[asked.rows(entries.len(), SHOWN)].iter().map(|e| {
        [
            link(&e.entry.title, &format!("/practice/{}", e.id)),
            verdict_tag(e.entry.verdict).into(),
            state_tag(e).into(),
            e.author.clone().into(),
            words::moment(e.written_at).into(),
        ]
    });
    let states = [
        ("waiting", "Waiting for an approver"),
        ("released", "Released"),
    ];
    Listing::new("Entries of this node", asked, order)
        .caption("Entries of this node")
        .search("Title")
        .filter("state", "State", "Any", states)
        .columns([
            Column::new("Title").sorts("title"),
            Column::new("Verdict"),
            Column::new("State").sorts("state"),
            Column::new("Written by").sorts("author"),
            Column::new("On").sorts("on"),
        ])
        .rows(rows)
        .paged(entries.len(), SHOWN)
        .nothing("No entry is like this.")
        .into()
}

/// Which notice to show after a redirect.
#[derive(Deserialize)]
pub(super) struct After {
    #[serde(default)]
    done: String,
}

async fn find(pages: &Pages, id: &str) -> Result<StoredEntry, ProblemPage> {
    let id: i64 = id.parse().map_err(|_| ProblemPage::not_found())?;
    let found = pages.node.store.practice_entry(id).await.map_err(fault)?;
    found.ok_or_else(ProblemPage::not_found)
}

/// A draft that may still be changed.
pub(super) async fn draft(pages: &Pages, id: &str) -> Result<StoredEntry, ProblemPage> {
    let entry = find(pages, id).await?;
    match (&entry.approved, entry.seq) {
        (Some((by, _)), Some(seq)) => Err(practice_problem(PracticeError::Already {
            by: by.clone(),
            seq,
        })),
        _ => Ok(entry),
    }
}

pub(super) async fn show(
    State(pages): State<Pages>,
    Path(id): Path<String>,
    Query(after): Query<After>,
    person: SignedIn,
) -> Answer {
    let entry = find(&pages, &id).await?;
    let mut page = page(&pages, &entry, &person, None).await?;
    match after.done.as_str() {
        "saved" => {
            page = page.notice(done(
                "The entry is saved. Nothing has left yet.",
                "An approver has to read and release it. You can still change it.",
            ))
        }
        "released" => {
            page = page.notice(done(
                "The entry is released and signed.",
                "It is delivered to the national log by itself; its receipt will show here.",
            ))
        }
        _ => {}
    }
    Ok(page.into_response())
}

async fn page(
    pages: &Pages,
    stored: &StoredEntry,
    person: &SignedIn,
    error: Option<&str>,
) -> Result<Page, ProblemPage> {
    let store = &pages.node.store;
    let figures = store.own_figures(&pages.lep()?).await.map_err(fault)?;
    let statements = store.statements().await.map_err(fault)?;
    let mut facts = SummaryList::new().fact("State", state_tag(stored)).fact(
        "Written",
        format!(
            "by {} on {}",
            stored.author,
            words::moment(stored.written_at)
        ),
    );
    if let Some((by, at)) = &stored.approved {
        facts = facts.fact("Released", format!("by {by} on {}", words::moment(*at)));
    }
    if let Some(row) = statements.iter().find(|s| Some(s.seq) == stored.seq) {
        facts = facts
            .fact("Receipt", receipt_words(row))
            .fact("Reference", super::release_view::code(&row.pae.to_string()));
    }
    let mut pieces = vec![facts.into()];
    if stored.seq.is_none() {
        pieces.push(InsetText::new("This is how readers will see the entry.").into());
    }
    pieces.push(entry_html(&stored.entry, &figures));
    if stored.seq.is_none() {
        let then = "an entry can be written and read, but not released.";
        let obstacle = federation::obstacle(pages, then).await?;
        let may = obstacle.is_none();
        pieces.extend(obstacle);
        pieces.push(decision(stored, person, error, may));
    }
    Ok(Page::new(stored.entry.title.clone())
        .caption("Practice entry")
        .breadcrumb("Practice", "/practice")
        .body(Html::concat(pieces)))
}

/// `may`: something can be released at present.
fn decision(stored: &StoredEntry, person: &SignedIn, error: Option<&str>, may: bool) -> Html {
    if person.role.as_str() == Role::Viewer.as_str() {
        return InsetText::new("An approver reads and releases it.").into();
    }
    if person.role.as_str() == Role::Coordinator.as_str() {
        return Html::concat([
            InsetText::new("Only an approver may release an entry, and never one of their own.")
                .into(),
            Button::link("Change the entry", format!("/practice/{}/edit", stored.id))
                .secondary()
                .into(),
        ]);
    }
    let heading = Html::literal("<h2 class=\"govuk-heading-m\">Release</h2>");
    if same_person(&person.name, &stored.author) {
        return Html::concat([
            heading,
            InsetText::new("You wrote this entry, so somebody else has to release it.").into(),
        ]);
    }
    if !may {
        return Html::default();
    }
    let choice = Choice::new("yes", "I have read the entry")
        .hint("It names no person, and the LEP stands by what it says");
    let form = PostForm::to(format!("/practice/{}/release", stored.id))
        .hidden("digest", stored.digest.to_string())
        .with(Warning::new("What has left cannot be taken back."))
        .with(Checkboxes::new(
            Field::new("read", "Your word").error_if(error),
            [choice],
        ))
        .with(Button::new("Release and send the entry"));
    Html::concat([heading, form.into()])
}

#[derive(Deserialize)]
pub(super) struct Word {
    digest: String,
    #[serde(default)]
    read: String,
}

const MUST_READ: &str = "Tick the box when you have read the entry";

pub(super) async fn release(
    State(pages): State<Pages>,
    Path(id): Path<String>,
    person: SignedIn,
    Form(word): Form<Word>,
) -> Answer {
    let stored = find(&pages, &id).await?;
    if word.read != "yes" {
        let page = page(&pages, &stored, &person, Some(MUST_READ)).await?;
        return Ok(page
            .errors(ErrorSummary::new().error("read", MUST_READ))
            .into_response());
    }
    let digest: Digest = word
        .digest
        .parse()
        .map_err(|_| practice_problem(PracticeError::Digest))?;
    let node = &pages.node;
    (pages.before_signing)().await;
    practice::release(
        &node.store,
        &node.signing,
        stored.id,
        &person.name,
        digest,
        (pages.clock)(),
    )
    .await
    .map_err(practice_problem)?;
    (pages.queued)();
    Ok(see_other(&format!("/practice/{}?done=released", stored.id)))
}
