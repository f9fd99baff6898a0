//! `figures`: what others published about the LEP, its districts, its region and England.

use ldsp_protocol::context::{Context as Published, Measure};
use serde_json::json;

use super::output::{Answer, Output, Refusal};
use super::{Context, open};
use crate::api::Figures;
use crate::context::Places;

pub(super) async fn run(measure: Option<&str>, context: &Context) -> Answer {
    let node = open(context).await?;
    let lep = node.chosen();
    node.store.close().await;
    let places = lep.and_then(|lep| Places::of(&lep)).ok_or_else(|| {
        Refusal::new(
            "this node is of no LEP yet, so there is nothing to show",
            "Choose it first: `lep --set CODE`.",
        )
    })?;
    let all = Published::embedded();
    let shown: Vec<&Measure> = match measure {
        None => all.measures().iter().collect(),
        Some(id) => {
            let found = all.measure(id).ok_or_else(|| {
                Refusal::new(
                    "there is no measure of this name",
                    "`figures` without a name lists them.",
                )
            })?;
            vec![found]
        }
    };
    let mut lines = Vec::new();
    for of in shown {
        let years = all.years(of);
        // Of one measure every year, of all the newest.
        let first = measure.map_or(years.len().saturating_sub(1), |_| 0);
        for year in &years[first..] {
            lines.push(format!("{}  {}, {}", of.id, of.title, year.in_words()));
            let beside = places.beside(of, *year).into_iter();
            lines.extend(
                beside.map(|(name, code)| format!("  {name}: {}", all.in_words(of, &code, *year))),
            );
        }
    }
    let figures = Figures::of(&places).only(measure);
    let figures =
        serde_json::to_value(figures).expect("figures hold texts, numbers and nothing else");
    Ok(Output {
        text: lines.join("\n"),
        json: json!({ "items": figures["items"] }),
    })
}
