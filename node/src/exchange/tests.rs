//! The layout both ways, the reasons for which a file is refused, and what the two sides do twice or not at all.

use ldsp_protocol::context::Symbol;

use super::ees::{Column, Level, Row};
use super::overlap::{Trouble, look};
use super::*;
use crate::release::{self, Approval, Request};
use crate::store::items::Frequency;
use crate::testing::{World, at, node_key, period, seeded, started};

const META: &str = "col_name,col_type,label,indicator_grouping,indicator_unit,indicator_dp,filter_hint,filter_grouping_column\n\
    occupation,Filter,Occupation,,,,,\n\
    vacancies,Indicator,Vacancies,,,0,,\n\
    rate,Indicator,Rate,,%,1,,\n";
const HEADER: &str = "time_period,time_identifier,geographic_level,country_code,country_name,local_enterprise_partnership_code,\
    local_enterprise_partnership_name,occupation,vacancies,rate\n";
const GOOD: &str = "202122,Academic year,Local enterprise partnership,E92000001,England,E37000001,Black Country,Total,1240,12.5\n\
    202122,Academic year,Local enterprise partnership,E92000001,England,E37000001,Black Country,Programmers,low,c\n\
    202122,Academic year,National,E92000001,England,,,Total,84190,-0.5\n";

fn data(rows: &str) -> String {
    format!("{HEADER}{rows}")
}

/// Codes of what is wrong, sorted.
fn wrong(data: &str, meta: &str) -> Vec<&'static str> {
    let defects = read(data.as_bytes(), meta.as_bytes()).unwrap_err();
    assert_eq!(defects.total, defects.detailed.len());
    let mut codes: Vec<_> = defects.detailed.iter().map(|d| d.code).collect();
    codes.sort_unstable();
    codes
}

#[test]
fn a_file_in_the_layout_is_read_whole() {
    let found = read(
        format!("\u{feff}{}", data(GOOD)).as_bytes(),
        META.as_bytes(),
    )
    .unwrap();
    assert_eq!(found.sheet.rows.len(), 3);
    assert_eq!(
        found.periods,
        [("202122".to_owned(), "Academic year".to_owned())]
    );
    let second = &found.sheet.rows[1];
    assert_eq!(
        second.place,
        ("E37000001".to_owned(), "Black Country".to_owned())
    );
    assert_eq!(second.values, [Err(Symbol::Low), Err(Symbol::Suppressed)]);
    assert_eq!(found.sheet.rows[2].level, Level::National);
    // A place of another kind is no defect, and is not kept.
    let other = "202122,Academic year,Ward,E92000001,England,,,Total,1,1\n";
    let found = read(data(&format!("{GOOD}{other}")).as_bytes(), META.as_bytes()).unwrap();
    assert_eq!((found.sheet.rows.len(), found.left_out), (3, 1));
}

#[test]
fn what_is_written_is_read_again_to_the_same() {
    let row = |level, code: &str, name: &str, value| Row {
        time: ("202122".to_owned(), "Academic year".to_owned()),
        level,
        place: (code.to_owned(), name.to_owned()),
        filters: vec!["Basic, and \"more\"".to_owned()],
        values: vec![value],
    };
    let mut rows: Vec<Row> = Symbol::ALL
        .into_iter()
        .zip([
            ("E08000027", "Dudley"),
            ("E08000028", "Sandwell"),
            ("E08000030", "Walsall"),
            ("E08000031", "Wolverhampton"),
            ("E08000025", "Birmingham"),
        ])
        .map(|(symbol, (code, name))| row(Level::District, code, name, Err(symbol)))
        .collect();
    rows.push(row(
        Level::Lep,
        "E37000001",
        "Black Country",
        Ok("12".to_owned()),
    ));
    rows.push(row(
        Level::Regional,
        "E12000005",
        "West Midlands",
        Ok("0".to_owned()),
    ));
    let sheet = Sheet {
        columns: vec![
            Column::filter("tier", "Tier"),
            Column::count("people", "People"),
        ],
        rows,
    };
    let files = sheet.files();
    let found = read(files.data.as_bytes(), files.meta.as_bytes()).unwrap();
    assert_eq!(found.sheet, sheet);
}

#[test]
fn every_defect_is_found_with_its_reason() {
    let good = GOOD.lines().next().unwrap();
    let with = |from: &str, to: &str| data(&format!("{}\n", good.replacen(from, to, 1)));
    for (file, code) in [
        (with("1240", ""), "value-blank"),
        (with("1240", "1 240"), "value"),
        (with("1240", "~"), "value"),
        (with("12.5", "12.5%"), "value"),
        (with("12.5", "NaN"), "value"),
        (with("1240", "=1+1"), "value"),
        (with("Total", ""), "filter-blank"),
        (with("Total", "call 020 7946 0018"), "personal"),
        (with("202122", "202123"), "time-period"),
        (with("202122", "2021"), "time-period"),
        (with("202122", "2021/22"), "time-period"),
        (with("Academic year", "academic year"), "time-identifier"),
        (
            with(
                "Local enterprise partnership",
                "Local Enterprise Partnership",
            ),
            "level",
        ),
        (with("Local enterprise partnership", "LEP"), "level"),
        (with("E92000001", "E9200000"), "country"),
        (with("E37000001", ""), "place-missing"),
        (with("E37000001", "E37000099"), "place"),
        (with("E37000001", "E08000027"), "place"),
        (with("Black Country", "Black Countries"), "place"),
        (with(",12.5", ""), "field-count"),
        (data(&format!("{good}\n{good}\n")), "row-twice"),
        (HEADER.to_owned(), "no-rows"),
        (String::new(), "no-rows"),
        (
            data(GOOD).replacen("time_identifier", "Time Identifier", 1),
            "column-name",
        ),
        (
            data(GOOD).replacen("occupation", "job", 1),
            "column-undescribed",
        ),
    ] {
        assert!(wrong(&file, META).contains(&code), "{code} {file}");
    }
    let mixed = data(&format!(
        "{good}\n{}\n",
        good.replace("202122,Academic year", "2021,January")
    ));
    assert_eq!(wrong(&mixed, META), ["time-mixed"]);
    for (from, to, code) in [
        ("Indicator,Rate", "Number,Rate", "column-kind"),
        ("Rate,,%", "Rate,,percent", "unit"),
        ("%,1", "%,one", "places"),
        ("Occupation,,", "Occupation,,%", "filter-unit"),
        ("Occupation,,,,,", "Occupation,,,,,nothing", "grouping"),
        ("Vacancies,,,0,,", "Vacancies,,,0,hint,", "indicator-filter"),
        ("Vacancies,,", ",,", "label"),
        ("rate,Ind", "vacancies,Ind", "column-twice"),
        ("rate,Ind", "time_period,Ind", "column-where"),
        ("rate,Ind", "ratio,Ind", "column-missing"),
        ("filter_hint", "hint", "column-missing"),
    ] {
        let meta = META.replacen(from, to, 1);
        assert!(wrong(&data(GOOD), &meta).contains(&code), "{code} {meta}");
    }
    let not_utf8 = read(b"\xff\xfe", META.as_bytes()).unwrap_err();
    assert_eq!(not_utf8.detailed[0].code, "encoding");
    let large = vec![b'a'; LARGEST + 1];
    let large = read(&large, META.as_bytes()).unwrap_err();
    assert_eq!(large.detailed[0].code, "file-size");
    // Many defects: all counted, the first in detail.
    let many = data(&format!("{}\n", good.replace("1240", "?")).repeat(300));
    let many = read(many.as_bytes(), META.as_bytes()).unwrap_err();
    assert_eq!((many.detailed.len(), many.total), (DETAILED, 599));
}

/// The combinations that the Department for Education's own checks refuse: a code with another LEP's name, and what is no code.
#[test]
fn codes_and_names_of_leps_that_do_not_belong_together_are_refused_with_the_reason() {
    let row = |code: &str, name: &str| {
        format!(
            "201718,Academic year,Local enterprise partnership,E92000001,England,{code},\"{name}\",Total,1,1\n"
        )
    };
    let all = [
        row("E37000034", "Tees Valley"),
        row("E37000035", "Tees Valley"),
        row("E37000036", "Tees Valley"),
        row("xxx!", "Cities of London and Westminster"),
        row("\"234,456\"", "asdasd"),
        row("E37000043", "Buckinghamshire Thames Valley"),
        row("E37000049", "Humber"),
        row("E37000014", "Greater Lincolnshire"),
    ];
    let defects = read(data(&all.concat()).as_bytes(), META.as_bytes()).unwrap_err();
    let said: Vec<_> = defects
        .detailed
        .iter()
        .map(|d| (d.line, d.cause.as_str()))
        .collect();
    assert_eq!(
        said,
        [
            (
                3,
                "E37000035 is the code of Thames Valley Berkshire, and the row names another place."
            ),
            (
                4,
                "E37000036 is the code of The Marches, and the row names another place."
            ),
            (5, "The code is none of a Local Enterprise Partnership."),
            (6, "The code is none of a Local Enterprise Partnership."),
        ]
    );
}

#[test]
fn nothing_that_is_sent_makes_reading_fall_over() {
    proptest::proptest!(|(data in "\\PC{0,200}", meta in "\\PC{0,200}", at in 0..400usize, byte: u8)| {
        drop(read(data.as_bytes(), meta.as_bytes()));
        let mut good = self::data(GOOD).into_bytes();
        let at = at % good.len();
        good[at] = byte;
        drop(read(&good, META.as_bytes()));
    });
}

fn item(code: &str, collector: Collector, since: &str, until: Option<&str>) -> DataItem {
    DataItem {
        item: code.to_owned(),
        title: code.to_owned(),
        collector,
        frequency: Frequency::Yearly,
        since: period(since),
        until: until.map(period),
        body: String::new(),
        note: String::new(),
    }
}

fn file(code: &str, academic_year: &str) -> PanelFile {
    PanelFile {
        id: 1,
        item: code.to_owned(),
        rows: 1,
        periods: vec![(academic_year.to_owned(), "Academic year".to_owned())],
        who: "ann".to_owned(),
        at: at("2022-01-01T00:00:00Z"),
    }
}

#[test]
fn what_is_done_twice_late_or_by_nobody_is_found() {
    let today = period("2022-10");
    let troubles = |items: &[DataItem], files: &[PanelFile], own: Option<&str>| {
        let found = look(items, files, own.map(period), today);
        found.into_iter().map(|f| f.trouble).collect::<Vec<_>>()
    };
    use Collector::{Lep, Panel};
    let since = "2021-08";
    for (items, files, own, expected) in [
        (
            vec![item("a", Panel, since, None)],
            vec![file("A", "202122")],
            None,
            vec![],
        ),
        (
            vec![
                item("a", Panel, since, None),
                item("A", Lep, "2022-01", None),
            ],
            vec![file("a", "202122")],
            None,
            vec![Trouble::Twice],
        ),
        // One ended before the other began.
        (
            vec![
                item("a", Lep, since, Some("2022-08")),
                item("a", Panel, "2022-09", None),
            ],
            vec![],
            None,
            vec![],
        ),
        (
            vec![item("a", Lep, since, None)],
            vec![file("a", "202122")],
            None,
            vec![Trouble::Twice],
        ),
        // The panel's figures are of before the LEP took over.
        (
            vec![item("a", Lep, "2022-09", None)],
            vec![file("a", "202122")],
            None,
            vec![],
        ),
        (
            vec![item("a", Panel, since, Some("2022-09"))],
            vec![],
            None,
            vec![Trouble::Nobody],
        ),
        (
            vec![item("a", Panel, "2022-11", None)],
            vec![],
            None,
            vec![Trouble::Nobody],
        ),
        // Agreed in June 2021, yearly, and nothing came in a year and three months.
        (
            vec![item("a", Panel, "2021-06", None)],
            vec![],
            None,
            vec![Trouble::Overdue],
        ),
        (
            vec![item("a", Panel, "2019-08", None)],
            vec![file("a", "201920")],
            None,
            vec![Trouble::Overdue],
        ),
        (
            vec![],
            vec![file("a", "202122")],
            None,
            vec![Trouble::NotAgreed],
        ),
        (
            vec![item("enrolments", Lep, "2019-08", None)],
            vec![],
            Some("2020-07"),
            vec![Trouble::Overdue],
        ),
        (
            vec![item("enrolments", Lep, "2019-08", None)],
            vec![],
            Some("2022-07"),
            vec![],
        ),
        // What others collect, nobody here can see.
        (
            vec![item("a", Collector::Dfe, "2019-08", None)],
            vec![],
            None,
            vec![],
        ),
    ] {
        assert_eq!(
            troubles(&items, &files, own),
            expected,
            "{items:?} {files:?}"
        );
    }
}

#[test]
fn periods_end_when_they_end() {
    for (identifier, period, end) in [
        ("Academic year", "202122", "2022-07-31"),
        ("Financial year", "202122", "2022-03-31"),
        ("Calendar year", "2021", "2021-12-31"),
        ("Autumn term", "202122", "2021-12-31"),
        ("Academic year Q1", "199900", "1999-10-31"),
        ("Calendar year Q1", "2021", "2021-03-31"),
        ("February", "2020", "2020-02-29"),
    ] {
        let identified = time::Identified::named(identifier).unwrap();
        assert_eq!(identified.end(period).unwrap().to_string(), end);
    }
}

/// Twelve months are released of 400 people who enrolled: the panel gets what readers of the releases get.
#[tokio::test]
async fn learners_leave_as_estimates_of_whole_academic_years() {
    let world = World::enrolled().await;
    world.add_all(&vec![started("2022-09-05"); 400]).await;
    let request = || Request {
        first: Some(period("2022-08")),
        ..Request::default()
    };
    let (now, entropy) = (at("2024-06-01T12:00:00Z"), seeded(5));
    let [enrolments, achievements] = &export::ITEMS;
    for month in 0..12 {
        assert!(
            export::sheet(&world.store, enrolments)
                .await
                .unwrap()
                .is_none(),
            "{month}"
        );
        let prepared = release::prepare(&world.store, request(), "ann", now, &entropy).await;
        let approval = Approval {
            person: "bob",
            period: None,
            digest: prepared.unwrap().release.digest,
        };
        release::approve(&world.store, &node_key(), &approval, now)
            .await
            .unwrap();
    }
    let sheet = export::sheet(&world.store, enrolments)
        .await
        .unwrap()
        .unwrap();
    let files = sheet.files();
    let found = read(files.data.as_bytes(), files.meta.as_bytes()).unwrap();
    assert_eq!(found.sheet, sheet);
    assert_eq!(
        found.periods,
        [("202223".to_owned(), "Academic year".to_owned())]
    );
    let total = &sheet.rows[0];
    assert_eq!(
        (total.level, total.filters[0].as_str()),
        (Level::Lep, "Total")
    );
    let number = |at: usize| total.values[at].as_ref().unwrap().parse::<u64>().unwrap();
    assert!(number(1) <= 400 && 400 <= number(2), "{total:?}");
    assert!(number(1) < number(0) && number(0) < number(2), "{total:?}");
    // The LEP and its four districts, each in all and by four tiers.
    assert_eq!(sheet.rows.len(), 25);
    // What tests/third-party/ees.py, which knows nothing of this program, holds to the published rules.
    for (name, text) in [
        ("enrolments.csv", &files.data),
        ("enrolments.meta.csv", &files.meta),
    ] {
        let path = format!("{}/tests/exchange/{name}", env!("CARGO_MANIFEST_DIR"));
        if std::env::var_os("LDSP_UPDATE_HELP").is_some() {
            std::fs::write(&path, text).unwrap();
        }
        assert_eq!(&std::fs::read_to_string(&path).unwrap(), text, "{path}");
    }
    let nothing = export::sheet(&world.store, achievements)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(nothing.rows[0].values[0], Err(Symbol::Unreliable));

    // It leaves only where it is agreed, and a month that was withdrawn has no figure.
    assert!(matches!(
        give(&world.store, "enrolments", now).await,
        Err(Ungiven::NotOurs)
    ));
    assert!(matches!(
        give(&world.store, "vacancies", now).await,
        Err(Ungiven::Unknown)
    ));
    let texts = [
        "enrolments",
        "Enrolments",
        "lep",
        "yearly",
        "2022-04",
        "",
        "",
        "",
    ];
    let texts = texts.map(str::to_owned);
    crate::model::add::<DataItem>(&world.store, &texts, "ann", now)
        .await
        .unwrap();
    assert_eq!(give(&world.store, "Enrolments", now).await.unwrap(), sheet);
    let mut statement = world.store.statements().await.unwrap();
    statement[0].withdrawn_by = Some(99);
    let year = (period("2022-08"), period("2023-07"));
    assert!(export::is_withdrawn(&statement, year));
    statement[0].published_again_by = Some(100);
    assert!(!export::is_withdrawn(&statement, year));
}
