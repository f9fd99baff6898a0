//! A row that was added by mistake: it goes while nothing stands on it; else the page says what does, and what to do instead.

use axum::Form as Sent;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::IntoResponse as _;
use ldsp_ui::components::{
    Button, InsetText, Notification, PostForm, SummaryList, Warning, link, list,
};
use ldsp_ui::{Html, Page, SignedIn};

use super::super::{Answer, Pages, fault, see_other};
use super::{Pairs, Shown, find, form, known, said, sent, unkept};
use crate::import::report::RowProblem;
use crate::model::{self, Trouble};
use crate::store::kept::{self, Known, Stored};

/// What the row says.
fn facts<M: Shown>(known: &Known, stored: &Stored<M>) -> Html {
    let (questions, texts) = (M::questions(known), stored.it.texts(known));
    let facts = questions.iter().zip(&texts);
    let facts = facts.filter(|(_, text)| !text.is_empty());
    let list = facts.fold(SummaryList::new(), |list, (question, text)| {
        list.fact(question.label, said(question, text))
    });
    list.into()
}

/// What says that a row has ended, where its kind has such a column.
fn end<M: Shown>(known: &Known) -> Option<String> {
    let ends = |column: &str| ["end", "until"].contains(&column);
    let question = M::questions(known).into_iter().find(|q| ends(q.column))?;
    let part = form::part_of::<M>(question.column);
    let part = part.map_or_else(String::new, |part| format!("?part={}", part + 1));
    Some(format!("edit{part}#{}", form::anchor(&question)))
}

fn page<M: Shown>(known: &Known, stored: &Stored<M>, stands: &[RowProblem]) -> Page {
    let at = format!("{}/{}", M::PATH, stored.id);
    let name = stored.it.title(known);
    let leave = Button::link(format!("Keep the {}", M::ONE), at.clone()).secondary();
    let (title, body) = if stands.is_empty() {
        let form = PostForm::to(format!("{at}/delete"))
            .hidden("version", stored.version.to_string())
            .buttons([
                Button::new(format!("Delete the {}", M::ONE)).warning(),
                leave,
            ]);
        let warning = Warning::new(
            "For what was added by mistake. It is gone at once; who deleted it, and what it said, stays in its history.",
        );
        let title = format!("Delete the {}?", M::ONE);
        (title, [facts(known, stored), warning.into(), form.into()])
    } else {
        let why = Html::concat([
            Html::paragraph("This stands on it:"),
            list(stands.iter().map(|stands| Html::text(&stands.cause))),
        ]);
        let next = end::<M>(known).map(|to| Button::link("End it instead", format!("{at}/{to}")));
        let mut buttons = vec![Html::literal(
            "<div class=\"govuk-button-group ldsp-screen\">",
        )];
        buttons.extend(next.into_iter().chain([leave]).map(Html::from));
        buttons.push(Html::literal("</div>"));
        let title = format!("The {} cannot be deleted", M::ONE);
        let instead = InsetText::new(M::STAYS);
        (title, [why, instead.into(), Html::concat(buttons)])
    };
    Page::new(title)
        .caption(name.clone())
        .breadcrumb(M::MANY, M::PATH)
        .breadcrumb(name, at)
        .body(Html::concat(body))
}

pub(super) async fn ask<M: Shown>(State(pages): State<Pages>, Path(id): Path<String>) -> Answer {
    let stored: Stored<M> = find(&pages, &id).await?;
    let known = known(&pages).await?;
    let store = &pages.node.store;
    let mut reader = store.reader.acquire().await;
    let stands = match &mut reader {
        Ok(reader) => kept::standing(reader, &stored).await.map_err(fault)?,
        Err(_) => return Err(ldsp_ui::ProblemPage::fault()),
    };
    Ok(page(&known, &stored, &model::standing::<M>(&stands)).into_response())
}

pub(super) async fn remove<M: Shown>(
    State(pages): State<Pages>,
    Path(id): Path<String>,
    person: SignedIn,
    Sent(pairs): Sent<Pairs>,
) -> Answer {
    let stored: Stored<M> = find(&pages, &id).await?;
    let version = crate::api::number(sent(&pairs, "version")).unwrap_or(0);
    let (store, now) = (&pages.node.store, (pages.clock)());
    let gone = model::remove::<M>(store, (stored.id, version), &person.name, now).await;
    let known = known(&pages).await?;
    match gone {
        Ok(gone) => Ok(see_other(&format!("{}?deleted={}", M::PATH, gone.id))),
        Err(Trouble::Fields(stands)) => {
            let page = page(&known, &stored, &stands);
            Ok(page.status(StatusCode::CONFLICT).into_response())
        }
        Err(Trouble::Changed(now)) => {
            let notice =
                Notification::important("Somebody changed it in the meantime. It was not deleted")
                    .content("Look at what it says now, and delete it if it is still a mistake.");
            let page = page(&known, &now, &[]).notice(notice);
            Ok(page.status(StatusCode::CONFLICT).into_response())
        }
        Err(trouble) => Err(unkept(trouble)),
    }
}

/// What the list says of a row that has just gone.
pub(super) fn gone<M: Shown>(id: i64) -> Notification {
    let history = format!("{}/{id}/history", M::PATH);
    Notification::done(format!("The {} is deleted", M::ONE))
        .content(link("What it said, and who deleted it", &history))
}
