//! The list of who may sign in here.

use axum::extract::State;
use axum::response::IntoResponse as _;
use ldsp_ui::components::{InsetText, Table, Tag, TagColour};
use ldsp_ui::{Html, Page, SignedIn};

use super::{Answer, Pages, fault, words};
use crate::store::people::Role as Kind;

pub(super) fn role_tag(role: Kind) -> Tag {
    match role {
        Kind::Admin => Tag::coloured("Admin", TagColour::Grey),
        Kind::Provider => Tag::coloured("Provider", TagColour::Green),
        Kind::Viewer => Tag::coloured("Viewer", TagColour::Yellow),
        Kind::Coordinator => Tag::coloured("Coordinator", TagColour::Blue),
        Kind::Approver => Tag::coloured("Approver", TagColour::Purple),
    }
}

pub(super) async fn list(State(pages): State<Pages>, person: SignedIn) -> Answer {
    let people = pages.node.store.people().await.map_err(fault)?;
    let rows = people.iter().map(|p| {
        let name = if p.name == person.name {
            format!("{} (you)", p.name)
        } else {
            p.name.clone()
        };
        [
            Html::from(name),
            role_tag(p.role).into(),
            p.organisation.clone().unwrap_or_default().into(),
            words::moment(p.added_at).into(),
        ]
    });
    let table = Table::new("People who sign in to this node")
        .columns(["Name", "Role", "Organisation", "Added"])
        .rows(rows)
        .caption_hidden();
    let body = Html::concat([
        Html::paragraph("Coordinators import files, prepare releases and write practice entries. Approvers read what will leave and release it. Nobody approves their own work."),
        table.into(),
        InsetText::new("People are added by the IT team on the server: ldsp-node people add NAME --role coordinator, or another role. The secret is shown once; it is not kept in a form that can be read again. ldsp-node people secret NAME gives a new one, ldsp-node people remove NAME removes a person.").into(),
    ]);
    Ok(Page::new("People").body(body).into_response())
}
