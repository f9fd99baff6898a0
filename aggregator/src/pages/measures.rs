//! All measures at a glance.

use std::sync::Arc;

use axum::extract::State;
use ldsp_ui::components::{InsetText, Stats, Table, link};
use ldsp_ui::{Html, Page};

use super::{Answer, figures, runs};
use crate::Service;
use crate::benchmark::{Measure, Snapshot};

/// A published figure to set a measure beside, about another population.
pub(super) struct Context {
    pub(super) figure: &'static str,
    pub(super) text: &'static str,
}

/// England's published rates for all education and training aims (Department for Education,
/// 2021/22: leavers 2,727,690, completers 2,466,100, achievers 2,279,440).
pub(super) fn context(measure: Measure) -> Option<Context> {
    let context = |figure, text| Some(Context { figure, text });
    match measure {
        Measure::Retention => context("90.4", "2,466,100 completers of 2,727,690 leavers"),
        Measure::Pass => context("92.4", "2,279,440 achievers of 2,466,100 completers"),
        Measure::Achievement => context("83.6", "2,279,440 achievers of 2,727,690 leavers"),
        _ => None,
    }
}

pub(super) async fn show(State(service): State<Arc<Service>>) -> Answer {
    let snapshot = service.snapshot().await?;
    let last = runs::last(&service, &snapshot).await?;
    let page = Page::new("Benchmarks").lead(
        "National figures on digital skills: how many people enrol, stay, achieve and move on. \
         Choose a measure to see it by group, over time and by area.",
    );
    let page = if snapshot.range().is_some() {
        page.banner(figures::provisional(last.as_deref()))
    } else {
        page
    };
    let body = Html::concat([body(&snapshot), runs::note(last.as_deref())]);
    Ok(page.body(body))
}

fn body(snapshot: &Snapshot) -> Html {
    let national = snapshot.national();
    let of = |m: Measure| national.iter().find(|f| f.measure == m);
    let mut pieces: Vec<Html> = Vec::new();
    match snapshot.range() {
        None => pieces.push(
            InsetText::new(
                "No area has published yet. The measures below are defined in the data standard; their figures appear with the first release.",
            )
            .into(),
        ),
        Some(range) => {
            let rates = [Measure::Retention, Measure::Pass, Measure::Achievement];
            let cards = rates.into_iter().filter_map(|m| Some(figures::card(of(m)?, figures::title(m))));
            pieces.push(Stats::new("Retention, pass and achievement, England to date", cards).into());
            pieces.push(Html::paragraph(&format!(
                "All figures: England, {}. {}. Retention times pass gives achievement.",
                figures::period(range),
                figures::coverage(snapshot.coverage())
            )));
        }
    }
    for (caption, rates) in [("Counts", false), ("Rates", true)] {
        let measures = Measure::ALL.into_iter().filter(|m| m.is_rate() == rates);
        let figure_column = if rates {
            "England, % (95 % interval)"
        } else {
            "England (95 % interval)"
        };
        let table = Table::new(caption)
            .columns(["Measure", "What it is", figure_column])
            .numeric([2])
            .rows(measures.map(|m| {
                let value = if snapshot.range().is_some() {
                    figures::maybe(of(m))
                } else {
                    "not yet".to_owned()
                };
                [
                    link(figures::title(m), &format!("/benchmarks/{}", m.id())),
                    Html::text(figures::meaning(m)),
                    Html::text(&value),
                ]
            }));
        pieces.push(table.into());
    }
    pieces.push(Html::concat([
        Html::literal("<p class=\"govuk-body\">"),
        link("How each measure is defined: formula, unit, tables, source, and how its interval is computed", "/measures"),
        Html::literal("</p>"),
    ]));
    pieces.push(Html::paragraph(
        "For context, another population: in England in 2021/22, over all education and training aims, retention was 90.4 %, \
         pass 92.4 % and achievement 83.6 % (Department for Education, further education and skills). These cover every subject \
         and are no target for digital skills programmes.",
    ));
    Html::concat(pieces)
}
