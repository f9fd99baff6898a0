//! One questionnaire: what is asked, what is answered, and what comes next by whom.

use axum::extract::{Path, Query, State};
use axum::response::IntoResponse as _;
use ldsp_protocol::questionnaire::Question;
use ldsp_ui::components::{
    Button, CodeBlock, Details, ErrorSummary, InsetText, PostForm, SummaryList, Tag, TagColour,
    Task, TaskList, link,
};
use ldsp_ui::{Html, Link, Page, ProblemPage, SignedIn};
use serde::Deserialize;

use super::super::home::receipt_words;
use super::super::release_view::{code, heading};
use super::super::{Answer, Pages, done, fault, release_problem, words};
use super::word::{Said, decision};
use super::{PATH, address, due, find, is, numbered, said, standing, today};
use crate::questionnaire::facts::Facts;
use crate::questionnaire::{
    Carried, Case, Fault, State as Stage, bare, digest, faults, form, parts, reached_parts,
};
use crate::store::people::Role;

/// Which notice to show after a redirect.
#[derive(Deserialize)]
pub(super) struct After {
    #[serde(default)]
    done: String,
}

/// A questionnaire with everything that its page says.
pub(super) struct View {
    pub(super) case: Case,
    pub(super) carried: Carried,
    pub(super) facts: Facts,
    pub(super) faults: Vec<Fault>,
}

impl View {
    pub(super) async fn read(pages: &Pages, name: &str) -> Result<Self, ProblemPage> {
        let case = find(pages, name).await?;
        let facts = Facts::read(&pages.node.store, &case.it.asked, (pages.clock)()).await;
        let facts = facts.map_err(release_problem)?;
        let carried = case.carried();
        Ok(Self {
            faults: faults(&case.it.asked, &carried.answers, &facts),
            carried,
            facts,
            case,
        })
    }

    /// What is wrong with the answer to a question, for its field.
    pub(super) fn fault(&self, question: &Question) -> Option<String> {
        let found = self.faults.iter().find(|(id, _)| *id == question.id);
        found.map(|(_, error)| form::in_words(error, question))
    }
}

pub(super) async fn show(
    State(pages): State<Pages>,
    Path(name): Path<String>,
    Query(after): Query<After>,
    person: SignedIn,
) -> Answer {
    let view = View::read(&pages, &name).await?;
    let page = page(&pages, &view, &person, &Said::default()).await?;
    let page = match after.done.as_str() {
        "saved" => page.notice(done(
            "The answers are kept. Nothing has left yet.",
            "They can be changed until an approver releases them.",
        )),
        "handed-over" => page.notice(done(
            "The answers wait for an approver.",
            "Somebody who did not write them reads and releases them, or sends them back.",
        )),
        "taken-back" => page.notice(done("The answers are yours to change again.", "")),
        "sent-back" => page.notice(done(
            "The answers are sent back.",
            "The coordinator sees your reason on this page.",
        )),
        "released" => page.notice(done(
            "The answers are released and signed.",
            "They are delivered to the national log by themselves; the receipt will show here.",
        )),
        _ => page,
    };
    Ok(page.into_response())
}

pub(super) async fn page(
    pages: &Pages,
    view: &View,
    person: &SignedIn,
    word: &Said,
) -> Result<Page, ProblemPage> {
    let asked = &view.case.it.asked;
    let stage = view.case.state();
    let mut pieces = vec![facts(pages, view).await?];
    pieces.extend(asked.purpose.lines().map(Html::paragraph));
    pieces.extend(remarks(view, person));
    match stage {
        Stage::Waiting => pieces.push(decision(view, person, word)),
        Stage::Closed => {}
        _ if is(person, Role::Coordinator) => pieces.push(to_do(view)),
        Stage::Sent => {}
        _ => pieces.push(InsetText::new(words::sentence(said::next(&view.case))).into()),
    }
    pieces.extend([heading("Questions and answers"), answers(view, person)]);
    let errors = word
        .errors
        .iter()
        .fold(ErrorSummary::new(), |all, (at, error)| {
            all.error(at.clone(), error.clone())
        });
    Ok(Page::new(asked.title.clone())
        .caption("National questionnaire")
        .breadcrumb("Questionnaires", PATH)
        .errors(errors)
        .body(Html::concat(pieces)))
}

async fn facts(pages: &Pages, view: &View) -> Result<Html, ProblemPage> {
    let (case, today) = (&view.case, today(pages));
    let asked = &case.it.asked;
    let to = match asked.to.len() {
        0 => "Every LEP".to_owned(),
        n => words::some(n, "LEP", "LEPs"),
    };
    let mut list = SummaryList::new()
        .fact("State", standing(case, today))
        .fact("Due", due(case, today))
        .fact("Asked by", asked.asked_by.clone())
        .fact("Who is asked", to)
        .fact("Version", words::count(asked.version))
        .fact("Who reads the answers", said::WHO_READS);
    let of_handed = case.draft.as_ref().and_then(|draft| draft.handed.as_ref());
    if let Some((who, at)) = of_handed {
        let words = format!("by {who} on {}", words::moment(*at));
        list = list.fact("Handed over", words);
    }
    let sent = case.sent.as_ref();
    if let Some((sent, (who, at))) = sent.and_then(|s| Some((s, s.approved.as_ref()?))) {
        list = list.fact(
            "Sent last",
            format!("released by {who} on {}", words::moment(*at)),
        );
        let statements = pages.node.store.statements().await.map_err(fault)?;
        if let Some(row) = statements.iter().find(|row| Some(row.seq) == sent.seq) {
            let href = format!("/statements/{}", row.seq);
            list = list
                .fact("Statement", link(&format!("Statement {}", row.seq), &href))
                .fact("Receipt", receipt_words(row));
        }
        let href = format!("{}/results", address(&asked.name));
        list = list.fact("All LEPs", link("Your answers beside all others", &href));
    }
    list = list.fact(
        "Signed by the national log",
        Html::concat([
            format!("log entry {}, ", words::count(case.it.log_index)).into(),
            code(&case.it.pae.to_string()),
        ]),
    );
    Ok(list.into())
}

/// What somebody has to know before going on.
fn remarks(view: &View, person: &SignedIn) -> Vec<Html> {
    let case = &view.case;
    let mut pieces = Vec::new();
    if case.it.closed {
        pieces.push(
            InsetText::new("A newer version asks other areas only. Nothing is to be answered here any more; what was sent stays.").into(),
        );
    }
    if case.state() == Stage::NewerVersion {
        let lost = &view.carried.lost;
        let mut words = format!(
            "Version {} came on {}. Answers to the version before are carried over where they still fit.",
            case.it.asked.version,
            words::moment(case.it.heard_at)
        );
        if !lost.is_empty() {
            let texts = lost.iter().map(|id| match case.it.asked.question(id) {
                Some(question) => format!("\u{201c}{}\u{201d}", numbered(case, question)),
                None => format!("\u{201c}{id}\u{201d}, which is not asked any more"),
            });
            let texts: Vec<String> = texts.collect();
            words.push_str(&format!(
                " {} of them no longer fit: {}.",
                lost.len(),
                texts.join(", ")
            ));
        }
        pieces.push(InsetText::new(words).into());
    }
    let back = case.draft.as_ref().and_then(|draft| draft.back.as_ref());
    if let Some(((who, at), reason)) = back
        && !is(person, Role::Viewer)
    {
        let words = format!(
            "{who} sent the answers back on {}: {reason}",
            words::moment(*at)
        );
        pieces.push(InsetText::new(words).into());
    }
    pieces
}

/// The parts of the form, and what a coordinator does once they are complete.
fn to_do(view: &View) -> Html {
    let case = &view.case;
    let asked = &case.it.asked;
    let kept = &view.carried.answers;
    let all = bare(kept);
    let reached = asked.reached(&all);
    let reached_parts = reached_parts(asked, kept);
    let mut tasks = TaskList::new("parts");
    let mut first = None;
    for (at, part) in parts(asked).into_iter().enumerate() {
        let number = at + 1;
        if !reached_parts.contains(&number) {
            continue;
        }
        let here: Vec<&&Question> = reached
            .iter()
            .filter(|q| part.iter().any(|p| p.id == q.id))
            .collect();
        let wrong = here.iter().filter(|q| view.fault(q).is_some()).count();
        let title = match here.as_slice() {
            [only] => numbered(case, only),
            [one, .., last] => {
                let number = |q: &Question| {
                    let text = numbered(case, q);
                    text.split('.').next().unwrap_or_default().to_owned()
                };
                format!("Questions {} to {}", number(one), number(last))
            }
            [] => continue,
        };
        let begun = here.iter().any(|q| all.iter().any(|a| a.question == q.id));
        let href = format!("{}/part/{number}", address(&asked.name));
        if wrong > 0 {
            first.get_or_insert_with(|| href.clone());
        }
        let task = match (wrong, begun) {
            (0, true) => Task::done(title),
            (0, false) => Task::tagged(title, &Tag::coloured("Optional", TagColour::Grey)),
            (_, false) => Task::tagged(title, &Tag::coloured("To do", TagColour::Blue)),
            (n, true) => Task::tagged(
                title,
                &Tag::coloured(format!("{n} open"), TagColour::Yellow),
            ),
        };
        tasks = tasks.task(task.href(href));
    }
    let sent = case.state() == Stage::Sent;
    let mut pieces = vec![
        heading(if sent { "Change the answers" } else { "Answer" }),
        tasks.into(),
    ];
    match first {
        Some(href) => pieces.push(Button::link("Go on", href).into()),
        None if sent => pieces.push(Html::paragraph(
            "Answers that you change are kept as a draft. Once they are released they stand in the place of what was sent.",
        )),
        None => {
            let form = PostForm::to(format!("{}/hand-over", address(&asked.name)))
                .with(Html::paragraph(
                    "Everything is answered. Somebody who did not write the answers reads them and releases them, or sends them back to you.",
                ))
                .with(Button::new("Hand over to an approver"));
            pieces.push(form.into());
        }
    }
    Html::concat(pieces)
}

/// Every question with its answer; where it is not reached, that it is not asked.
fn answers(view: &View, person: &SignedIn) -> Html {
    let case = &view.case;
    let asked = &case.it.asked;
    let kept = &view.carried.answers;
    let all = bare(kept);
    let reached = asked.reached(&all);
    let changes =
        is(person, Role::Coordinator) && !matches!(case.state(), Stage::Waiting | Stage::Closed);
    let mut list = SummaryList::new();
    let mut held_back = 0;
    for (at, part) in parts(asked).into_iter().enumerate() {
        for question in part {
            let answer = kept.iter().find(|k| k.answer.question == question.id);
            let is_reached = reached.iter().any(|q| q.id == question.id);
            held_back += usize::from(answer.is_some() && !is_reached);
            let says = match answer {
                _ if !is_reached => Html::text("Not asked after the answers before it"),
                None => Html::text("Not answered yet"),
                Some(kept) => {
                    let mut lines: Vec<Html> = said::value(question, &kept.answer.value)
                        .lines()
                        .map(Html::paragraph)
                        .collect();
                    let source = said::source(kept);
                    if !source.is_empty() {
                        lines.push(hint(&source));
                    }
                    Html::concat(lines)
                }
            };
            let key = numbered(case, question);
            list = match changes && is_reached {
                true => {
                    let href = format!("{}/part/{}", address(&asked.name), at + 1);
                    let href = format!("{href}#{}", form::field(question));
                    list.fact_with(key, says, Link::new("Change", href))
                }
                false => list.fact(key, says),
            };
        }
    }
    let mut pieces = vec![list.into()];
    if held_back > 0 {
        pieces.push(Html::paragraph(&format!(
            "{} kept here and not sent, because the answers before do not lead there.",
            match held_back {
                1 => "1 answer is".to_owned(),
                n => format!("{n} answers are"),
            }
        )));
    }
    if !all.is_empty() {
        pieces.push(exact(view));
    }
    Html::concat(pieces)
}

fn hint(text: &str) -> Html {
    #[derive(askama::Template)]
    #[template(source = r#"<p class="govuk-hint">{{ text }}</p>"#, ext = "html")]
    struct Hint<'a> {
        text: &'a str,
    }
    Html::render(&Hint { text })
}

/// What would be signed, byte for byte in what it says.
fn exact(view: &View) -> Html {
    let sends = view.case.payload(&view.carried.answers);
    let text = serde_json::to_string_pretty(&sends).unwrap_or_default();
    let content = Html::concat([
        Html::paragraph(
            "The questionnaire is named by the digest of what the log signed. Digest of these answers:",
        ),
        code(&digest(&sends).to_string()),
        CodeBlock::new("exact", "The answers as they are signed", text).into(),
    ]);
    Details::new("Exactly what is signed and sent", content).into()
}
