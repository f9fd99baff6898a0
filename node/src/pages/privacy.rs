//! The privacy budget in plain words: what was spent, what remains, what an attacker could gain at worst.

use axum::extract::State;
use axum::response::IntoResponse as _;
use ldsp_protocol::accountant::Rho;
use ldsp_ui::components::{
    Details, InsetText, StatCard, Stats, SummaryList, Table, Tag, TagColour, Warning,
};
use ldsp_ui::{Html, Page};

use super::release_view::heading;
use super::{Answer, Pages, exact_part, exact_tag, release_problem, words};
use crate::account::{Meaning, Spent, Standing, corrections, standing};
use crate::store::ledger::epochs::Second;

#[derive(askama::Template)]
#[template(path = "privacy.html")]
struct Words<'a> {
    lep: String,
    worst: String,
    right: String,
    more: String,
    tenfold: String,
    stands: &'a Standing,
}

pub(super) async fn page(State(pages): State<Pages>) -> Answer {
    let (stands, second) = standing(&pages.node.store, pages.rho_micro)
        .await
        .map_err(release_problem)?;
    let corrected = corrections(&pages.node.store).await;
    let corrected = corrected.map_err(release_problem)?.for_signed_in_page();
    let mut parts = Vec::new();
    parts.extend(note_of(&stands, second.as_ref()));
    if let Some(turn) = &stands.turn {
        parts.push(InsetText::new(turn.clone()).into());
    }
    parts.extend([
        spent(&stands),
        in_words(&pages, &stands),
        gains(&stands),
        attributes(&stands),
        exact_part(Html::concat([
            exact_tag().into(),
            Html::paragraph(&format!(
                "Corrections that were published so far: {}.",
                words::count(corrected as u64)
            )),
        ])),
        tables(&stands),
    ]);
    for earlier in &stands.earlier {
        parts.push(heading(&format!(
            "Enrolments that are counted under {}",
            earlier.standard
        )));
        parts.push(Html::paragraph(
            "What is said above is of enrolments that are counted under the present standard. These are counted under the earlier one alone and bear what follows, and nothing of the above.",
        ));
        parts.extend(note_of(earlier, second.as_ref()));
        parts.extend([
            spent(earlier),
            gains(earlier),
            attributes(earlier),
            tables(earlier),
        ]);
    }
    parts.push(sources(&stands));
    let lead = "How much the figures that left this node could ever tell about one person, what has been used of it and what remains.";
    Ok(Page::new("Privacy budget")
        .lead(lead)
        .body(Html::concat(parts))
        .into_response())
}

/// The note of a second epoch, where this standard's figures are in it.
fn note_of(stands: &Standing, second: Option<&Second>) -> Option<Html> {
    epoch_note(second.filter(|_| stands.epoch > 1))
}

/// What has to stand beside figures of a second epoch; `None` in the first.
pub(super) fn epoch_note(second: Option<&Second>) -> Option<Html> {
    let second = second?;
    let (by, at) = second.confirmed.as_ref()?;
    let text = format!(
        "Second epoch. This node lost its ledger after {}. Every figure from then on has fresh noise, which costs everybody another privacy budget. {} asked for it, {by} confirmed it on {}. The reason: {} There will be no third epoch.",
        second.after.in_words(),
        second.asked.0,
        words::second(*at),
        words::sentence(&second.reason),
    );
    Some(Warning::new(text).into())
}

fn rho(micro: u64) -> String {
    Rho::from_micro(micro).to_string()
}

fn percent(share: f64, places: usize) -> String {
    format!("{:.places$}%", 100.0 * share)
}

fn share(spent: Spent) -> String {
    let part = spent.so_far_micro as f64 / spent.limit_micro.max(1) as f64;
    percent(part, 0)
}

fn spent(stands: &Standing) -> Html {
    let used = StatCard::new("Used so far", share(stands.enrolment)).line(format!(
        "of the promised budget, for an enrolment in the first month ({} of {})",
        rho(stands.enrolment.so_far_micro),
        rho(stands.enrolment.limit_micro)
    ));
    let most = StatCard::new("Used at most", rho(stands.enrolment.most_micro)).line(format!(
        "when all {} months are published{}; {} is held back for tables added later",
        stands.horizon,
        if stands.allows_corrections {
            format!(
                ", with the dearest correction that may be published ({} without one)",
                rho(stands.enrolment.whole_micro)
            )
        } else {
            String::new()
        },
        rho(stands.reserve_micro)
    ));
    let months = StatCard::new("Months left", words::count(stands.left as u64)).line(format!(
        "{} of {} months of this budget are published",
        stands.months, stands.horizon
    ));
    let epoch = Tag::coloured(
        if stands.epoch == 1 {
            "First epoch"
        } else {
            "Second epoch"
        },
        if stands.epoch == 1 {
            TagColour::Green
        } else {
            TagColour::Red
        },
    );
    Stats::new("What was spent", [used, most, months.tag(epoch)]).into()
}

fn in_words(pages: &Pages, stands: &Standing) -> Html {
    let worst = stands.worst_attribute();
    let meaning = stands.meaning("attribute");
    let of = |value: fn(&Meaning) -> f64, places| {
        meaning.map_or_else(String::new, |m| percent(value(m), places))
    };
    Html::render(&Words {
        lep: pages.node.place(),
        worst: worst.map_or_else(String::new, |a| a.title.to_lowercase()),
        right: of(|m| m.right_guess, 1),
        more: meaning.map_or_else(String::new, |m| {
            format!("{:.0}", (100.0 * (m.right_guess - 0.5)).ceil())
        }),
        tenfold: of(|m| m.tenfold, 1),
        stands,
    })
}

fn gains(stands: &Standing) -> Html {
    let worst = stands
        .worst_attribute()
        .map_or_else(String::new, |a| a.title.to_lowercase());
    let rows = stands.meanings.iter().map(|m| {
        let of = match m.of {
            "attribute" => format!("A sensitive fact of one enrolment (worst: {worst})"),
            "enrolment" => "Whether one enrolment is counted at all".to_owned(),
            _ => format!(
                "Whether one person is counted at all, with all {} enrolments",
                stands.per_learner
            ),
        };
        [
            Html::from(of),
            percent(m.right_guess, 1).into(),
            percent(m.tenfold, 2).into(),
            rho(m.rho_micro).into(),
            format!("{:.2}", m.epsilon).into(),
        ]
    });
    Table::new("What the best attacker gains at worst, when all months are published")
        .columns([
            "What the attacker wants to know",
            "Right guesses (chance: 50%)",
            "Truth ten times likelier",
            "\u{3c1}",
            "\u{3b5} at \u{3b4} = 10\u{207b}\u{2076}",
        ])
        .numeric(1..5)
        .rows(rows)
        .into()
}

fn attributes(stands: &Standing) -> Html {
    let rows = stands.attributes.iter().map(|a| {
        [
            Html::from(a.title.clone()),
            rho(a.spent.so_far_micro).into(),
            rho(a.spent.whole_micro).into(),
            rho(a.spent.most_micro).into(),
            rho(a.spent.limit_micro).into(),
        ]
    });
    let table = Table::new("Budget of each sensitive fact, between two values of it (\u{3c1})")
        .columns([
            "Fact",
            "Used so far",
            "In all",
            "At most, if corrected",
            "Promised",
        ])
        .numeric(1..5)
        .rows(rows);
    let corrected = Html::paragraph(if stands.allows_corrections {
        "An enrolment that was published wrongly may be corrected once, if its budget has room for it. \u{201c}At most\u{201d} is what the dearest such correction would cost, whether or not anybody was ever corrected: that alone could tell of somebody."
    } else {
        "This budget leaves no room to publish a correction of an enrolment: corrections change the figures inside this node only."
    });
    let note = InsetText::new(
        "A release that would take any of these over what is promised is refused before any noise is drawn, and the refusal says which.",
    );
    Html::concat([table.into(), corrected, note.into()])
}

fn tables(stands: &Standing) -> Html {
    let rows = stands.tables.iter().map(|t| {
        let sd = (t.sigma2 as f64).sqrt() / f64::from(1u32 << 16);
        [
            Html::from(t.title.clone()),
            rho(t.so_far_micro).into(),
            rho(t.rho_micro).into(),
            format!("{sd:.2}").into(),
        ]
    });
    let table = Table::new("Budget of each table (\u{3c1}) and the noise that it buys")
        .columns([
            "Table",
            "Used so far",
            "Used at most",
            "Standard deviation of the noise in a month",
        ])
        .numeric(1..4)
        .rows(rows)
        .caption_hidden();
    let summary = format!("Show the budget of all {} tables", stands.tables.len());
    Details::new(summary, table).into()
}

fn sources(stands: &Standing) -> Html {
    let list = SummaryList::new()
        .fact("Measure", "\u{3c1} of zero-concentrated differential privacy: Bun and Steinke 2016")
        .fact("Noise", "discrete Gaussian, drawn exactly with whole numbers: Canonne, Kamath and Steinke 2020")
        .fact("Over time", "square-root factorisation of the running sum: Fichtenberger, Henzinger and Upadhyay 2022")
        .fact("\u{3b5} and \u{3b4}", "Canonne, Kamath and Steinke 2020, corollary 13")
        .fact("Right guesses, ten times likelier", "Gaussian trade-off: Dong, Roth and Su 2022, with \u{3bc} = \u{221a}(2\u{3c1})")
        .fact("Rules", format!("{}: the budget, its shares and its bounds are part of it and the same for everybody", stands.standard));
    Details::new("Where the formulas come from", list).into()
}
