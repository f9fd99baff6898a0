//! What a coordinator recorded of demand: the published figures of the Employer Skills Survey for the LEP, and a handful of needs that are made of them by
//! rule, so that list and summary of each node have something to show; and what the node publishes of them.

use anyhow::Context as _;
use ldsp_node::app::Context;
use ldsp_node::app::cli::{Command, Demand, Gathering, Keep, Said};
use ldsp_node::home::Node;
use ldsp_node::needs::{Word, approve, prepare};
use ldsp_protocol::geography::Lep;

use super::Plan;
use super::area::{APPROVER, COORDINATOR, ask};

/// Establishments by LEP: basic and advanced; sources in the file.
const FIGURES: &str = include_str!("../../data/digital_needs_2017.csv");

/// Basic and advanced of a LEP; `None` where the figures are of another area than today's.
fn figures(lep: &Lep) -> Option<(i64, i64)> {
    let lines = FIGURES.lines().filter(|line| !line.starts_with('#'));
    let mut cells = lines.map(|line| line.split(','));
    let mut own =
        cells.find_map(|mut cells| (cells.next() == Some(lep.code.as_str())).then_some(cells))?;
    Some((own.next()?.parse().ok()?, own.next()?.parse().ok()?))
}

/// Columns that a need has in common with all others of its kind, and its own.
type Need<'a> = [(&'static str, &'a str); 7];

/// Records the demand of a LEP.
pub(super) async fn record(lep: &Lep, plan: &Plan, context: &Context) -> anyhow::Result<()> {
    let known = figures(lep);
    let said = |of: fn((i64, i64)) -> i64| {
        known.map_or_else(
            || "not published".to_owned(),
            |both| of(both).max(1).to_string(),
        )
    };
    let (basic, advanced) = (said(|both| both.0), said(|both| both.1));
    // A hundredth of the establishments want some of their people trained; a fiftieth as many people as establishments come to a workshop.
    let (panel, workshop, charities) = (
        said(|both| both.1 / 100),
        said(|both| both.0 / 50),
        said(|both| both.0 / 400),
    );
    let month = plan.last().to_string();
    let survey = [
        ("how", "survey"),
        ("sure", "estimated"),
        ("counts", "employers"),
        (
            "by",
            "Employer Skills Survey 2017, Department for Education",
        ),
    ];
    let heard = [
        ("how", "panel"),
        ("sure", "estimated"),
        ("counts", "people"),
        ("by", "Skills Advisory Panel (illustrative)"),
    ];
    let met = [
        ("how", "workshop"),
        ("sure", "counted"),
        ("counts", "people"),
        ("by", "Library service (illustrative)"),
    ];
    let own = |reference, asks, number, tier, skill, audience, from| -> Need<'_> {
        [
            ("reference", reference),
            ("asks", asks),
            ("number", number),
            ("tier", tier),
            ("skill", skill),
            ("audience", audience),
            ("from", from),
        ]
    };
    let all = [
        (
            own(
                "ESS2017-basic",
                "employer",
                &basic,
                "basic",
                "",
                "people-in-work",
                "2017-01",
            ),
            survey,
        ),
        (
            own(
                "ESS2017-advanced",
                "employer",
                &advanced,
                "advanced",
                "",
                "people-in-work",
                "2017-01",
            ),
            survey,
        ),
        (
            own(
                "PANEL-1",
                "employer",
                &panel,
                "advanced",
                "software",
                "people-in-work",
                &month,
            ),
            heard,
        ),
        (
            own(
                "WORKSHOP-1",
                "individual",
                &workshop,
                "basic",
                "foundation",
                "older-people",
                &month,
            ),
            met,
        ),
        (
            own(
                "WORKSHOP-2",
                "charity",
                &charities,
                "advanced",
                "digital-marketing",
                "charities",
                &month,
            ),
            met,
        ),
    ];
    for (own, common) in all {
        let columns = own.into_iter().chain(common).chain([("area", "whole")]);
        let said = Said {
            columns: columns
                .map(|(column, text)| format!("{column}={text}"))
                .collect(),
            from: None,
        };
        let command = Command::Demand(Demand::Keep(Keep::Add(said)));
        ask(command, context)
            .await
            .with_context(|| format!("the demand of {}", lep.name))?;
    }
    // Nobody knows yet who asks for help with a first step on the internet in each district, or who teaches software.
    let due = format!("{}-28", plan.last().plus(2).context("the calendar ends")?);
    let tasks = [
        ("demand", "foundation", "Library service (illustrative)"),
        ("provision", "software", "Growth hub (illustrative)"),
    ];
    for (about, skill, body) in tasks {
        let columns = [
            ("about", about),
            ("skill", skill),
            ("area", "whole"),
            ("body", body),
            ("due", &due),
        ];
        let said = Said {
            columns: columns
                .map(|(column, text)| format!("{column}={text}"))
                .to_vec(),
            from: None,
        };
        ask(
            Command::Gathering(Gathering::Tasks(Keep::Add(said))),
            context,
        )
        .await
        .with_context(|| format!("the gathering tasks of {}", lep.name))?;
    }
    Ok(())
}

/// Publishes what is asked for and what is offered.
pub(super) async fn publish(node: &Node, context: &Context) -> anyhow::Result<()> {
    let (store, now) = (&node.store, (context.clock)());
    let id = prepare(store, (COORDINATOR, now), &context.entropy).await?;
    let draft = store.needs_of(id).await?;
    let word = Word {
        id,
        digest: draft.context("the draft was stored before")?.digest,
        person: APPROVER,
    };
    approve(store, &node.signing, word, now).await?;
    Ok(())
}
