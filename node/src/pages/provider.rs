//! The first page of somebody who records for one organisation: what the node knows of that organisation and of no other.

use axum::extract::State;
use axum::response::IntoResponse as _;
use ldsp_protocol::standard::{Dimension, Standard};
use ldsp_ui::components::{InsetText, Table};
use ldsp_ui::{Html, OwnOrganisation, Page};

use super::{Answer, Pages, fault};
use crate::store::providers::folded;

pub(super) async fn start(State(pages): State<Pages>, own: OwnOrganisation) -> Answer {
    let name = folded(&own.organisation);
    let programmes = pages.node.store.programmes().await.map_err(fault)?;
    let tiers = &Standard::current().dimension(Dimension::Tier).codes;
    let rows: Vec<[Html; 3]> = programmes
        .into_iter()
        .filter(|(_, programme)| folded(&programme.provider) == name)
        .map(|(_, programme)| {
            let tier = tiers.get(usize::from(programme.tier));
            [
                programme.name.into(),
                programme.code.into(),
                tier.map_or_else(Html::default, |tier| tier.title.clone().into()),
            ]
        })
        .collect();
    let list = if rows.is_empty() {
        InsetText::new("No programme of your organisation is described here yet. Ask the coordinator of the area to add it.").into()
    } else {
        Table::new("Programmes of your organisation")
            .columns(["Programme", "Code", "Tier"])
            .rows(rows)
            .into()
    };
    let about = Html::paragraph(
        "You see your own organisation here and no other one. What is recorded stays on this server; only protected counts of the whole \
         area leave it.",
    );
    Ok(Page::new(own.organisation)
        .caption("Your organisation")
        .body(Html::concat([about, list]))
        .into_response())
}
