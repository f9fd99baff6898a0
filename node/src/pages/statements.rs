//! What this node sent: the list, and one statement with what an approver may do about it.

use axum::Form;
use axum::extract::{Path, Query, State};
use axum::response::IntoResponse as _;
use ldsp_protocol::statement::Kind;
use ldsp_ui::components::{
    Button, Details, Field, InsetText, PostForm, SummaryList, TextArea, Warning, link,
};
use ldsp_ui::listing::{Asked, Column, Listing};
use ldsp_ui::{Html, Page, ProblemPage, SignedIn};
use serde::Deserialize;

use super::home::receipt_words;
use super::release_view::{code, heading};
use super::{Answer, Pages, done, fault, revision_problem, see_other, words};
use crate::revision::{self, Decision, RevisionError};
use crate::store::overview::{self, StatementRow};
use crate::store::people::Role;

/// Statements of a page.
const SHOWN: usize = 100;

/// What a list of statements is filtered by.
const KINDS: [(&str, &str); 5] = [
    ("learning-summary", "Monthly figures"),
    ("practice-entry", "Practice entries"),
    ("questionnaire-answers", "Answers to questionnaires"),
    ("needs", "Needs of the area"),
    ("revision", "Withdrawals and others"),
];

fn kind(row: &StatementRow) -> &'static str {
    match row.kind {
        Kind::LearningSummary => KINDS[0].0,
        Kind::PracticeEntry => KINDS[1].0,
        Kind::QuestionnaireAnswers => KINDS[2].0,
        Kind::DemandSummary | Kind::ProvisionSummary => KINDS[3].0,
        _ => KINDS[4].0,
    }
}

pub(super) async fn list(State(pages): State<Pages>, asked: Asked) -> Answer {
    let mut all = pages.node.store.statements().await.map_err(fault)?;
    let content = if all.is_empty() {
        Html::paragraph(
            "Nothing was sent yet. A release, a practice entry or the answers to a questionnaire become a statement when an approver agrees to them.",
        )
    } else {
        let wanted = asked.text("kind");
        all.retain(|row| wanted.is_empty() || kind(row) == wanted);
        let order = asked.order("number", true);
        match order.by.as_str() {
            "what" => order.sort(&mut all, words::statement),
            _ => order.sort(&mut all, |row| row.seq),
        }
        let rows = all[asked.rows(all.len(), SHOWN)].iter().map(|row| {
            [
                link(&words::statement(row), &address(row.seq)),
                words::count(row.seq).into(),
                words::second(row.queued_at).into(),
                receipt_words(row),
                became(row),
            ]
        });
        Listing::new("Statements", &asked, order)
            .filter("kind", "What", "Everything", KINDS)
            .columns([
                Column::new("What").sorts("what"),
                Column::new("Number").sorts("number").numeric(),
                Column::new("Signed"),
                Column::new("Receipt"),
                Column::new("Since then"),
            ])
            .rows(rows)
            .paged(all.len(), SHOWN)
            .nothing("No statement is like this.")
            .into()
    };
    let explained = Html::paragraph(
        "Everything that left this node, signed and numbered. A statement can be withdrawn: its content is then no longer kept or counted nationally. Its number, digest and receipt stay in the public log for ever.",
    );
    let body = Html::concat([explained, content]);
    Ok(Page::new("Statements").body(body).into_response())
}

fn address(seq: u64) -> String {
    format!("/statements/{seq}")
}

fn to(seq: u64) -> Html {
    link(&format!("statement {seq}"), &address(seq))
}

/// What became of a statement, and what a revision is about.
fn became(row: &StatementRow) -> Html {
    let mut pieces: Vec<Html> = Vec::new();
    if let Some(by) = row.withdrawn_by {
        pieces.extend(["Withdrawn by ".into(), to(by), ". ".into()]);
    }
    if let Some(by) = row.published_again_by {
        pieces.extend(["Published again as ".into(), to(by), ". ".into()]);
    }
    if let Some((target, reason)) = &row.names {
        pieces.extend([
            "Of ".into(),
            to(*target),
            ": ".into(),
            reason.clone().into(),
        ]);
    }
    if pieces.is_empty() {
        return "Stands".into();
    }
    Html::concat(pieces)
}

/// Which notice to show after a redirect.
#[derive(Deserialize)]
pub(super) struct After {
    #[serde(default)]
    done: String,
}

/// What a person wrote that did not do, and why.
#[derive(Default)]
struct Said {
    reason: String,
    unfit: Option<String>,
}

async fn find(pages: &Pages, seq: &str) -> Result<StatementRow, ProblemPage> {
    let seq: u64 = seq.parse().map_err(|_| ProblemPage::not_found())?;
    let store = &pages.node.store;
    let mut reader = store.reader.acquire().await.map_err(|e| fault(e.into()))?;
    let found = overview::statement(&mut reader, seq).await.map_err(fault)?;
    found.ok_or_else(ProblemPage::not_found)
}

pub(super) async fn show(
    State(pages): State<Pages>,
    Path(seq): Path<String>,
    Query(after): Query<After>,
    person: SignedIn,
) -> Answer {
    let row = find(&pages, &seq).await?;
    let page = page(&row, &person, &Said::default());
    let page = match after.done.as_str() {
        "withdrawn" => page.notice(done(
            "The withdrawal is signed.",
            "It is delivered to the national log by itself; its receipt will show here.",
        )),
        "reissued" => page.notice(done(
            "The month is signed again.",
            "It is delivered to the national log by itself; figures follow when it arrives.",
        )),
        _ => page,
    };
    Ok(page.into_response())
}

fn page(row: &StatementRow, person: &SignedIn, said: &Said) -> Page {
    let mut facts = SummaryList::new()
        .fact("What it is", words::statement(row))
        .fact("Signed", words::second(row.queued_at))
        .fact("Receipt", receipt_words(row))
        .fact("Since then", became(row))
        .fact("Reference", code(&row.pae.to_string()));
    if row.period.is_some() || is_read(row.kind) {
        let exact = format!("/v1/statements/{}", row.seq);
        facts = facts.fact("Exact bytes", link("The signed envelope", &exact));
    }
    Page::new(format!("Statement {}", row.seq))
        .caption(words::statement(row))
        .breadcrumb("Statements", "/statements")
        .body(Html::concat([facts.into(), decision(row, person, said)]))
}

/// Whether people read its content beside its number.
fn is_read(kind: Kind) -> bool {
    use Kind::{DemandSummary, PracticeEntry, ProvisionSummary, QuestionnaireAnswers};
    matches!(
        kind,
        PracticeEntry | QuestionnaireAnswers | DemandSummary | ProvisionSummary
    )
}

fn decision(row: &StatementRow, person: &SignedIn, said: &Said) -> Html {
    let form = match (row.kind, row.withdrawn_by, row.published_again_by) {
        (Kind::Withdrawal, ..) => {
            return InsetText::new("A withdrawal stays. A withdrawn month can be published again from its own statement; a withdrawn practice entry is written anew.").into();
        }
        (Kind::QuestionnaireAnswers, ..) => {
            return InsetText::new("Answers are not withdrawn: newer ones to the same questionnaire stand in their place. A coordinator changes them, an approver releases the change.").into();
        }
        (Kind::DemandSummary | Kind::ProvisionSummary, ..) => {
            return InsetText::new("Needs are not withdrawn: newer ones stand in their place. A coordinator prepares them, an approver publishes them.").into();
        }
        (_, None, _) => withdrawal(row, said),
        (Kind::PracticeEntry, Some(_), _) => {
            return InsetText::new(
                "It is withdrawn. To publish the entry again, write it anew and have it released.",
            )
            .into();
        }
        (_, Some(_), None) => again(row, said),
        (_, Some(_), Some(_)) => return Html::default(),
    };
    if person.role.as_str() != Role::Approver.as_str() {
        let role = words::signed_in_as(person);
        return InsetText::new(format!(
            "{role} An approver decides whether a statement is withdrawn or published again."
        ))
        .into();
    }
    form
}

fn reason<'a>(said: &'a Said, hint: &'a str) -> TextArea {
    let field = Field::new("reason", "Why")
        .hint(hint)
        .value(said.reason.clone())
        .error_if(said.unfit.as_deref());
    TextArea::new(field).rows(2).limit(500)
}

const PUBLIC: &str =
    "One line for everybody to read, for ever. Write nothing that tells of a person";

fn withdrawal(row: &StatementRow, said: &Said) -> Html {
    let what = if row.kind == Kind::PracticeEntry {
        "The entry leaves the national library, its search and its counts. If it replaced an older entry, that one stands again: withdraw that too if it should not."
    } else {
        "The month leaves the national figures, and with it all later months of this area, whose estimates stand on it: the area\u{2019}s figures end with the month before. They come back when the month is published again, and then only with the very same figures: noise is drawn once. If some records were wrong, withdraw nothing: correct them, and the next release mends the figures."
    };
    let form = PostForm::to(format!("/statements/{}/withdraw", row.seq))
        .with(Html::paragraph(what))
        .with(Warning::new(
            "Copies that others made are out of reach. The number, digest and receipt of the statement stay public.",
        ))
        .with(reason(said, PUBLIC))
        .with(Button::new(format!("Withdraw statement {}", row.seq)).warning());
    let details = Details::new("Withdraw this statement", form);
    let details = if said.unfit.is_some() {
        details.open()
    } else {
        details
    };
    Html::concat([heading("Withdraw"), details.into()])
}

fn again(row: &StatementRow, said: &Said) -> Html {
    let form = PostForm::to(format!("/statements/{}/reissue", row.seq))
        .with(Html::paragraph(
            "The same figures are signed and sent once more, as they were drawn and published: nothing is counted, no noise is drawn. The area\u{2019}s later months count again, too.",
        ))
        .with(reason(said, PUBLIC))
        .with(Button::new("Publish it again"));
    Html::concat([heading("Publish it again"), form.into()])
}

#[derive(Deserialize)]
pub(super) struct Word {
    #[serde(default)]
    reason: String,
}

impl Word {
    /// As one line.
    fn line(&self) -> String {
        self.reason.split_whitespace().collect::<Vec<_>>().join(" ")
    }
}

pub(super) async fn withdraw(
    State(pages): State<Pages>,
    Path(seq): Path<String>,
    person: SignedIn,
    Form(word): Form<Word>,
) -> Answer {
    let row = find(&pages, &seq).await?;
    let reason = word.line();
    let decision = Decision {
        person: &person.name,
        seq: row.seq,
        reason: &reason,
    };
    (pages.before_signing)().await;
    let node = &pages.node;
    let outcome = revision::withdraw(&node.store, &node.signing, &decision, (pages.clock)()).await;
    answer(&pages, (&row, &person), word, outcome, "withdrawn")
}

pub(super) async fn reissue(
    State(pages): State<Pages>,
    Path(seq): Path<String>,
    person: SignedIn,
    Form(word): Form<Word>,
) -> Answer {
    let row = find(&pages, &seq).await?;
    let reason = word.line();
    let decision = Decision {
        person: &person.name,
        seq: row.seq,
        reason: &reason,
    };
    (pages.before_signing)().await;
    let node = &pages.node;
    let outcome = revision::reissue(&node.store, &node.signing, &decision, (pages.clock)()).await;
    answer(&pages, (&row, &person), word, outcome, "reissued")
}

fn answer(
    pages: &Pages,
    (row, person): (&StatementRow, &SignedIn),
    word: Word,
    outcome: Result<u64, RevisionError>,
    notice: &str,
) -> Answer {
    match outcome {
        Ok(by) => {
            (pages.queued)();
            Ok(see_other(&format!("/statements/{by}?done={notice}")))
        }
        Err(RevisionError::Reason(unfit)) => {
            let unfit = words::sentence(&format!("this has {unfit}"));
            let errors = ldsp_ui::components::ErrorSummary::new().error("reason", unfit.as_str());
            let said = Said {
                reason: word.reason,
                unfit: Some(unfit),
            };
            Ok(page(row, person, &said).errors(errors).into_response())
        }
        Err(error) => Err(revision_problem(error)),
    }
}
