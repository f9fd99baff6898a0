//! Two people changed the same row: the second sees what the first one did before anything is overwritten.

use ldsp_ui::components::{Button, Notification, Table, Tag, TagColour};
use ldsp_ui::{Html, Page};

use super::form::Form;
use super::{Shown, said, words};
use crate::store::history::Changed;
use crate::store::kept::{Known, Stored};

/// Both states side by side, and the form with what the second typed, which now changes the row as it is.
pub(super) fn page<M: Shown>(
    known: &Known,
    typed: &[String],
    now: &Stored<M>,
    latest: Option<&Changed>,
    form: Form<'_, M>,
) -> Page {
    let (questions, held) = (M::questions(known), now.it.texts(known));
    let rows = questions
        .iter()
        .zip(held.iter().zip(typed))
        .map(|(question, (is, yours))| {
            let differs = if is.trim() == yours.trim() {
                Html::default()
            } else {
                Tag::coloured("Differs", TagColour::Yellow).into()
            };
            [
                question.label.into(),
                said(question, is),
                said(question, yours),
                differs,
            ]
        });
    let table = Table::new("What is stored now and what you sent")
        .columns(["Field", "Stored now", "What you sent", "Difference"])
        .rows(rows);
    let who = match latest {
        Some(change) => format!("{} changed it on {}.", change.who, words::moment(change.at)),
        None => "Somebody else changed it.".to_owned(),
    };
    let notice = Notification::important(
        "Somebody changed it in the meantime. Nothing of yours was stored",
    )
    .content(format!(
        "{who} Look at both below: then keep what is stored, or correct your form and save it."
    ));
    let at = format!("{}/{}", M::PATH, now.id);
    Page::new(format!("Change the {}", M::ONE))
        .caption(now.it.title(known))
        .breadcrumb(M::MANY, M::PATH)
        .notice(notice)
        .body(Html::concat([
            table.into(),
            Button::link("Keep what is stored", at).secondary().into(),
            Html::literal("<h2 class=\"govuk-heading-m\">Your form</h2>"),
            form.html("Save mine over what is stored"),
        ]))
}
