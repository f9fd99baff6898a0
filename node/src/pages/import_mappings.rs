//! What the columns of sources' files stand for: the list, and forgetting one.

use axum::Form as Sent;
use axum::extract::State;
use axum::response::IntoResponse as _;
use ldsp_ui::components::{Button, InsetText, PostForm, Table, link, list as links};
use ldsp_ui::{Html, SignedIn};
use serde::Deserialize;

use super::import_map::{Places, Whose};
use super::{Answer, Pages, fault, see_other, words};
use crate::import::mapping::{Mapping, Origin};
use crate::store::mappings::StoredMapping;
use crate::store::people::Role;

pub(super) async fn list(State(pages): State<Pages>, person: SignedIn) -> Answer {
    let may_forget = person.role.as_str() == Role::Coordinator.as_str();
    list_of(&pages, &Whose::Lep, may_forget).await
}

/// What these people's mappings say.
pub(super) async fn list_of(pages: &Pages, whose: &Whose, may_forget: bool) -> Answer {
    let all = pages.node.store.mappings(whose.scope()).await;
    let all = all.map_err(fault)?;
    let places = whose.places();
    let page = whose.page("Mappings").lead(
        "A source\u{2019}s files may have columns of their own. What they stand for is said once, when the first file is imported, and found again with the next.",
    );
    if all.is_empty() {
        return Ok(page
            .body(Html::concat([
                InsetText::new("No mapping is remembered yet. Import a file with columns of its own: at its end you are asked for a name.").into(),
                links([link("Send a file", places.upload)]),
            ]))
            .into_response());
    }
    let parts = all.iter().map(|held| one(held, places, may_forget));
    Ok(page.body(Html::concat(parts)).into_response())
}

fn one(held: &StoredMapping, places: &Places, may_forget: bool) -> Html {
    let mapping = &held.mapping;
    let rows = mapping.kind.columns().iter().filter_map(|column| {
        let origin = mapping.columns.get(*column)?;
        let from: Html = match origin {
            Origin::Column(name) => name.as_str().into(),
            Origin::Always(text) if text.is_empty() => "nothing: left empty".into(),
            Origin::Always(text) => format!("\u{201c}{text}\u{201d} on every row").into(),
        };
        Some([(*column).into(), from, meanings(mapping, column).into()])
    });
    let caption = format!(
        "{}: {}, changed by {} on {}",
        held.name,
        mapping.kind.as_str(),
        held.by,
        words::moment(held.at)
    );
    let table = Table::new(caption)
        .columns(["Column", "Comes from", "Values"])
        .rows(rows);
    if !may_forget {
        return table.into();
    }
    let form = PostForm::to(places.mappings)
        .hidden("name", &held.name)
        .buttons([Button::new(format!("Forget {}", held.name)).secondary()]);
    Html::concat([table.into(), form.into()])
}

fn meanings(mapping: &Mapping, column: &str) -> String {
    let values = mapping.values.get(column).into_iter().flatten();
    let said: Vec<String> = values
        .map(|(value, code)| {
            let code = if code.is_empty() { "nothing" } else { code };
            format!("{value} = {code}")
        })
        .collect();
    said.join("; ")
}

#[derive(Deserialize)]
pub(super) struct Named {
    name: String,
}

pub(super) async fn forget(
    State(pages): State<Pages>,
    person: SignedIn,
    Sent(named): Sent<Named>,
) -> Answer {
    forget_of(&pages, &person, &Whose::Lep, &named).await
}

/// Forgets one of these people's mappings.
pub(super) async fn forget_of(
    pages: &Pages,
    person: &SignedIn,
    whose: &Whose,
    named: &Named,
) -> Answer {
    let (store, now) = (&pages.node.store, (pages.clock)());
    // One that is gone already is as it should be.
    let _was_there = store
        .forget_mapping(whose.scope(), &named.name, &person.name, now)
        .await
        .map_err(fault)?;
    Ok(see_other(whose.places().mappings))
}
