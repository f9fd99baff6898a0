//! The charts of the gallery.

use ldsp_ui::charts::{
    Alternative, Bar, BarChart, Estimate, HexMap, LineChart, Series, Tile, Unit,
};
use ldsp_ui::components::*;

const MONTHS: [&str; 8] = [
    "Mar 2026", "Apr 2026", "May 2026", "Jun 2026", "Jul 2026", "Aug 2026", "Sep 2026", "Oct 2026",
];

pub(super) fn map() -> Figure {
    // Column, row, short name, full name, enrolments.
    let areas: [(u32, u32, &str, &str, Option<u32>); 24] = [
        (4, 0, "NE", "North East", Some(4210)),
        (5, 0, "Tees", "Tees Valley", Some(1890)),
        (3, 1, "Cumb", "Cumbria", Some(640)),
        (4, 1, "NYork", "York and North Yorkshire", Some(1220)),
        (3, 2, "Lancs", "Lancashire", Some(3350)),
        (4, 2, "Leeds", "Leeds City Region", Some(6120)),
        (5, 2, "Hull", "Hull and East Yorkshire", None),
        (2, 3, "Liv", "Liverpool City Region", Some(4480)),
        (3, 3, "GM", "Greater Manchester", Some(8120)),
        (4, 3, "Sheff", "South Yorkshire", Some(2870)),
        (5, 3, "Linc", "Greater Lincolnshire", Some(980)),
        (
            3,
            4,
            "Stoke",
            "Stoke-on-Trent and Staffordshire",
            Some(1640),
        ),
        (
            4,
            4,
            "D2N2",
            "Derby, Derbyshire, Nottingham and Nottinghamshire",
            Some(2950),
        ),
        (5, 4, "Leic", "Leicester and Leicestershire", Some(1710)),
        (2, 5, "March", "The Marches", Some(720)),
        (3, 5, "GBS", "Greater Birmingham and Solihull", Some(7240)),
        (4, 5, "SEMid", "South East Midlands", Some(2110)),
        (5, 5, "NAng", "New Anglia", Some(1930)),
        (3, 6, "Glos", "Gloucestershire", Some(810)),
        (4, 6, "BTV", "Buckinghamshire Thames Valley", Some(560)),
        (5, 6, "Lond", "London", Some(14_800)),
        (2, 7, "WoE", "West of England", Some(1870)),
        (3, 7, "Solent", "Solent", Some(1480)),
        (1, 8, "Corn", "Cornwall and Isles of Scilly", None),
    ];
    let tiles = areas.map(|(column, row, short, name, enrolments)| {
        let tile = Tile::new(column, row, short, name).href("/components");
        match enrolments {
            Some(n) => tile.value(
                if n < 1500 {
                    0
                } else if n < 4000 {
                    1
                } else {
                    2
                },
                format!("{} enrolments", ldsp_ui::charts::count(n.into())),
            ),
            None => tile,
        }
    });
    let most = Table::new("Most enrolments")
        .columns(["LEP", "Enrolments"])
        .numeric([1])
        .rows([
            ["London", "14,800"],
            ["Greater Manchester", "8,120"],
            ["Greater Birmingham and Solihull", "7,240"],
            ["Leeds City Region", "6,120"],
        ]);
    let alternative = Alternative::new(
        "map",
        "Enrolments by LEP",
        "London, Greater Manchester and Greater Birmingham and Solihull have the most; the table has every area's figure.",
    );
    let chart = HexMap::new(
        alternative,
        tiles,
        "Enrolments in digital courses",
        ["under 1,500", "1,500 to 3,999", "4,000 or more"],
    )
    .no_data("Nothing published yet")
    .aside(most);
    let table = Table::new("Enrolments by LEP, August to October 2026")
        .columns(["LEP", "Enrolments"])
        .numeric([1])
        .rows(areas.map(|(.., name, n)| {
            [
                name.to_owned(),
                n.map_or("[x]".into(), |n| ldsp_ui::charts::count(n.into())),
            ]
        }));
    Figure::new("Half of all enrolments are in six LEPs", "Enrolments in digital courses by LEP, all levels, England, August to October 2026", chart, table)
        .note("Every LEP has one hex, whatever its size. Counts are protected: each carries noise that is known in size and not in value.")
        .download("Download as CSV", "/components")
}

pub(super) fn trend() -> Figure {
    let series = |name: &str, start: f64, steps: [f64; 8], width: f64| {
        Series::new(
            name,
            steps.map(|s| {
                Some(Estimate::between(
                    start + s,
                    start + s - width,
                    start + s + width,
                ))
            }),
        )
    };
    let alternative = Alternative::new(
        "trend",
        "Achievement rate by month",
        "England rises from 71.0% in March to 74.2% in October 2026; Essex rises faster, from 66.4% to 75.1%.",
    );
    let chart = LineChart::new(alternative, Unit::Percent, MONTHS)
        .series(series(
            "England",
            71.0,
            [0.0, 0.4, 0.9, 1.1, 1.9, 2.2, 2.9, 3.2],
            0.4,
        ))
        .series(series(
            "Essex",
            66.4,
            [0.0, 1.8, 1.2, 3.9, 5.1, 6.0, 7.9, 8.7],
            2.1,
        ))
        .series(series(
            "Similar areas",
            69.2,
            [0.0, 0.1, 0.8, 0.3, 1.2, 1.0, 1.9, 2.1],
            1.0,
        ));
    let table = Table::new("Achievement rate by month")
        .columns(["Month", "England", "95% interval"])
        .numeric([1, 2])
        .rows(MONTHS.map(|m| [m, "74.2%", "73.8% to 74.6%"]));
    Figure::new("Essex has caught up with England since March", "Achievement rate, digital courses, all levels, learners aged 16 and over, March to October 2026, with 95% intervals", chart, table)
        .note("Similar areas: the five LEPs closest to Essex in learner numbers, age and prior attainment.")
        .download("Download as CSV", "/components")
}

pub(super) fn comparison() -> Figure {
    let bar = |name: &str, v: f64, w: f64| {
        Bar::new(name, Estimate::between(v, v - w, v + w)).href("/components")
    };
    let bars = [
        bar("Greater Manchester", 78.4, 0.9),
        bar("Essex", 75.1, 2.1).highlighted(),
        bar("South East Midlands", 74.9, 1.8),
        bar("Buckinghamshire Thames Valley", 73.0, 5.2),
        bar(
            "Derby, Derbyshire, Nottingham and Nottinghamshire",
            71.4,
            1.6,
        ),
        Bar::missing("Cornwall and Isles of Scilly", "too few learners to show"),
        bar("Cumbria", 64.2, 4.8),
    ];
    let alternative = Alternative::new(
        "bars",
        "Achievement rate by LEP",
        "Essex, at 75.1%, lies above England's 74.2%, but its interval takes in England's rate.",
    );
    let chart = BarChart::new(alternative, Unit::Percent, bars).reference("England", 74.2);
    let table = Table::new("Achievement rate by LEP")
        .columns(["LEP", "Rate", "95% interval"])
        .numeric([1, 2])
        .row(["Essex", "75.1%", "73.0% to 77.2%"]);
    Figure::new(
        "Essex is in line with England",
        "Achievement rate by LEP with 95% intervals, digital courses, all levels, October 2026",
        chart,
        table,
    )
    .download("Download as CSV", "/components")
}
