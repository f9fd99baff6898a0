//! Who contributed: England's areas as equal hexagons, with the table and the download behind them.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use ldsp_ui::charts::{Alternative, HexMap, Tile};
use ldsp_ui::components::{Figure, Table, link};
use ldsp_ui::{Html, csv_text};

use super::home::standing_tag;
use super::{Failure, figures};
use crate::Service;
use crate::benchmark::{Coverage, LepStanding, Measure, Shown, Snapshot, Status};
use crate::etag::Handed;

fn months(standing: &LepStanding) -> String {
    standing
        .range
        .map_or_else(|| "nothing yet".to_owned(), figures::period)
}

/// Class on the map and words for the enrolments that an area published; `None` before its first release.
fn contributed(standing: &LepStanding) -> Option<(u8, String)> {
    let finding = standing.finding(Measure::Starts)?;
    let class = match finding.shown {
        Shown::Count { value: 3_000.., .. } => 2,
        Shown::Count { value: 1_000.., .. } => 1,
        _ => 0,
    };
    Some((
        class,
        format!("enrolments {}", figures::with_interval(finding)),
    ))
}

/// The map of contributions with its table and download.
pub(super) fn figure(snapshot: &Snapshot) -> Html {
    let subtitle = snapshot.range().map_or_else(
        || "Enrolments that each Local Enterprise Partnership has published. Each hexagon leads to its page.".to_owned(),
        |r| format!(
            "Enrolments that each Local Enterprise Partnership has published up to {}. Each hexagon leads to its page.",
            r.to.in_words()
        ),
    );
    Figure::new(headline(snapshot.coverage()), subtitle, chart(snapshot), table(snapshot))
        .id("contributions")
        .note("Every partnership has the same size on this map, whatever its acreage. A darker hexagon has published more enrolments.")
        .download("Download who contributed (CSV)", "/contributions.csv")
        .into()
}

fn chart(snapshot: &Snapshot) -> HexMap {
    let tiles = snapshot.leps().iter().map(|s| {
        let side = |n: i32| u32::try_from(n).unwrap_or(0);
        let tile = Tile::new(
            side(s.hex.0),
            side(s.hex.1),
            short_name(&s.place.code, &s.place.name),
            s.place.name.clone(),
        )
        .href(format!("/leps/{}", s.place.code));
        let state = match s.status {
            Status::Contributed => "up to date",
            Status::Partial => "in part",
            Status::Late | Status::Missing => "behind",
        };
        match contributed(s) {
            Some((class, enrolments)) => {
                tile.value(class, format!("{enrolments}, {}, {state}", months(s)))
            }
            None => tile,
        }
    });
    let coverage = snapshot.coverage();
    let alternative = Alternative::new(
        "map-of-contributions",
        "Map of England’s 38 Local Enterprise Partnerships",
        format!(
            "One hexagon for each partnership, shaded by the enrolments that it published to date. {}.",
            figures::coverage(coverage)
        ),
    );
    HexMap::new(
        alternative,
        tiles,
        "Enrolments published to date",
        ["Under 1,000", "1,000 to 2,999", "3,000 or more"],
    )
    .no_data("Nothing yet")
}

fn table(snapshot: &Snapshot) -> Table {
    Table::new("Contributions by Local Enterprise Partnership")
        .columns([
            "Local Enterprise Partnership",
            "Region",
            "Enrolments (95 % interval)",
            "Months published",
            "Number of months",
            "State",
        ])
        .numeric([2, 4])
        .rows(snapshot.leps().iter().map(|s| {
            [
                link(&s.place.name, &format!("/leps/{}", s.place.code)),
                Html::text(&s.region.name),
                Html::text(
                    &s.finding(Measure::Starts)
                        .map_or_else(String::new, figures::with_interval),
                ),
                Html::text(&months(s)),
                Html::text(&s.months.to_string()),
                standing_tag(s).into(),
            ]
        }))
}

fn headline(c: Coverage) -> String {
    if c.contributed + c.partial + c.late == 0 {
        "No area has published yet".to_owned()
    } else if c.contributed == c.of {
        format!("All {} areas are up to date", c.of)
    } else {
        let (verb, areas) = if c.contributed == 1 {
            ("is", "area")
        } else {
            ("are", "areas")
        };
        format!("{} of {} {areas} {verb} up to date", c.contributed, c.of)
    }
}

/// Up to six letters that stand on a hexagon; the whole name is beside them for those who listen or point.
fn short_name(code: &str, name: &str) -> String {
    const SHORT: [(&str, &str); 38] = [
        ("E37000001", "BlkC"),
        ("E37000003", "Chesh"),
        ("E37000005", "Corn"),
        ("E37000006", "CovWa"),
        ("E37000007", "Cumbr"),
        ("E37000009", "Dorset"),
        ("E37000011", "Glos"),
        ("E37000012", "Birm"),
        ("E37000015", "GtMan"),
        ("E37000016", "HotSW"),
        ("E37000019", "Lancs"),
        ("E37000021", "Leics"),
        ("E37000022", "Liver"),
        ("E37000025", "N East"),
        ("E37000032", "Staffs"),
        ("E37000033", "Swind"),
        ("E37000034", "TeesV"),
        ("E37000035", "Berks"),
        ("E37000036", "Mrchs"),
        ("E37000037", "WoE"),
        ("E37000038", "Worcs"),
        ("E37000043", "Bucks"),
        ("E37000044", "C2C"),
        ("E37000045", "D2N2"),
        ("E37000046", "EntM3"),
        ("E37000048", "Herts"),
        ("E37000051", "London"),
        ("E37000052", "N Ang"),
        ("E37000053", "Oxon"),
        ("E37000054", "Sheff"),
        ("E37000055", "Solent"),
        ("E37000056", "S East"),
        ("E37000057", "SE Mid"),
        ("E37000058", "York"),
        ("E37000059", "CamP"),
        ("E37000060", "Lincs"),
        ("E37000061", "Hull"),
        ("E37000062", "Leeds"),
    ];
    SHORT
        .iter()
        .find(|(c, _)| *c == code)
        .map_or_else(|| name.chars().take(6).collect(), |(_, s)| (*s).to_owned())
}

/// What the map shows.
pub(super) async fn csv(
    State(service): State<Arc<Service>>,
    handed: Handed,
) -> Result<Response, Failure> {
    let snapshot = handed.or_present(&service).await?;
    let mut writer = csv::Writer::from_writer(Vec::new());
    let write = |writer: &mut csv::Writer<Vec<u8>>| -> Result<(), csv::Error> {
        writer.write_record([
            "lep_code",
            "lep",
            "region_code",
            "region",
            "node",
            "first_month",
            "latest_month",
            "months",
            "state",
            "enrolments",
            "low_95",
            "high_95",
        ])?;
        for s in snapshot.leps() {
            // "z": not applicable, as in the government's open data.
            let z = || "z".to_owned();
            let text = |cell: &str| csv_text(cell).into_owned();
            let [enrolments, low, high] = match s.finding(Measure::Starts).map(|f| f.shown) {
                Some(Shown::Count { value, low, high }) => {
                    [value, low, high].map(|n| n.to_string())
                }
                Some(_) => ["low", "low", "low"].map(str::to_owned),
                None => [z(), z(), z()],
            };
            writer.write_record([
                text(&s.place.code),
                text(&s.place.name),
                text(&s.region.code),
                text(&s.region.name),
                s.node.as_ref().map_or_else(z, ToString::to_string),
                s.range.map_or_else(z, |r| r.from.to_string()),
                s.range.map_or_else(z, |r| r.to.to_string()),
                s.months.to_string(),
                s.status.in_words().to_lowercase(),
                enrolments,
                low,
                high,
            ])?;
        }
        Ok(())
    };
    write(&mut writer).expect("every row has twelve cells and memory takes them");
    let bytes = writer
        .into_inner()
        .expect("flushing into memory cannot fail");
    Ok(figures::csv_file("contributions", bytes))
}

#[cfg(test)]
mod tests {
    use ldsp_protocol::geography::Geography;

    #[test]
    fn every_area_has_its_own_short_name() {
        let names: std::collections::BTreeSet<String> = Geography::embedded()
            .leps()
            .map(|l| super::short_name(l.code.as_str(), &l.name))
            .collect();
        assert_eq!(names.len(), 38);
        assert!(names.iter().all(|n| n.chars().count() <= 6));
    }
}
