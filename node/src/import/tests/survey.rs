//! Tables of the Employer Skills Survey, in their layouts with made-up numbers.

use ldsp_protocol::geography::Geography;

use super::*;
use crate::import::survey;
use crate::store::demand::Demand;
use crate::store::kept::Stored;

/// LEPs as the tables of 2017 name them: without commas, some by the names of then.
fn leps() -> Vec<String> {
    let all = Geography::embedded().leps();
    all.map(|lep| match lep.code.as_str() {
        "E37000025" => "North Eastern".to_owned(),
        "E37000043" => "Buckinghamshire Thames Valley".to_owned(),
        "E37000058" => "York North Yorkshire and East Riding".to_owned(),
        _ => lep.name.replace(',', ""),
    })
    .collect()
}

/// `basic` and `advanced` of each LEP, in the layout of 2017.
fn of_2017(basic: impl Fn(&str) -> String, advanced: impl Fn(&str) -> String) -> String {
    let leps = leps();
    let row = |first: &str, total: &str, each: &dyn Fn(&str) -> String| {
        let cells: Vec<String> = leps.iter().map(|lep| each(lep)).collect();
        format!("{first},{total},{}\n", cells.join(","))
    };
    let pad = ",".repeat(leps.len() + 1);
    let mut text = format!(
        "\u{feff}27-September-2018{pad}\nEmployer Skills Survey (ESS) 2017{pad}\nTable 80/ 1{pad}\n"
    );
    text.push_str(&format!(
        "E3 Skills that will need developing among workforce (Module 2){pad}\n"
    ));
    text.push_str(&row("", "", &|lep| {
        if lep == leps[0] {
            "LEP".to_owned()
        } else {
            String::new()
        }
    }));
    text.push_str(&row("", "Total", &str::to_owned));
    text.push_str(&row("Unweighted row", "21314", &|_| "393".to_owned()));
    text.push_str(&row(
        "Computer literacy / basic IT skills",
        "275313",
        &basic,
    ));
    text.push_str(&row("", "31%", &|_| "36%".to_owned()));
    text.push_str(&row(
        "Advanced or specialist IT skills",
        "272432",
        &advanced,
    ));
    text.push_str(&row("", "30%", &|_| "*%".to_owned()));
    text.push_str(&row("DIGITAL SKILLS", "430398", &|_| "7617".to_owned()));
    text
}

async fn node_of(lep: &str) -> (TempDir, Store) {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(&dir.path().join("node.db")).await.unwrap();
    assert!(
        store
            .set_identity(&lep.parse().unwrap(), now())
            .await
            .unwrap()
    );
    (dir, store)
}

async fn took(store: &Store, file: Vec<u8>) -> ImportReport {
    survey::take(store, Cursor::new(file), None, &Options::default(), now())
        .await
        .unwrap()
}

async fn told(store: &Store) -> Vec<(String, Option<i64>, i64)> {
    let mut all: Vec<Stored<Demand>> = store.kept().await.unwrap();
    all.reverse();
    all.into_iter()
        .map(|row| (row.it.code, row.it.number, i64::from(row.it.tier)))
        .collect()
}

#[tokio::test]
async fn the_layout_of_2017_gives_the_leps_own_column_and_suppressed_stays_suppressed() {
    let text = of_2017(
        |lep| {
            if lep == "Black Country" {
                "4954".to_owned()
            } else {
                "1".to_owned()
            }
        },
        |lep| {
            if lep == "Black Country" {
                "**".to_owned()
            } else {
                "2".to_owned()
            }
        },
    );
    let (_dir, store) = node_of("E37000001").await;
    let report = took(&store, text.clone().into_bytes()).await;
    assert_eq!(
        (report.outcome, report.tally.added),
        (Outcome::Stored, 2),
        "{}",
        report.text()
    );
    let wanted = [
        ("ESS2017-basic".to_owned(), Some(4954), 0),
        ("ESS2017-advanced".to_owned(), None, 2),
    ];
    assert_eq!(told(&store).await, wanted);
    let all: Vec<Stored<Demand>> = store.kept().await.unwrap();
    let it = &all[0].it;
    assert_eq!(
        (it.asks.id(), it.how.id(), it.counts.id(), it.sure.id()),
        ("employer", "survey", "employers", "estimated")
    );
    assert!(it.said_by.contains("Employer Skills Survey 2017") && it.district.is_none());
    let again = took(&store, text.clone().into_bytes()).await;
    assert_eq!(again.tally.unchanged, 2, "{}", again.text());
    let corrected = took(&store, text.replace("4954", "4955").into_bytes()).await;
    assert_eq!(
        (corrected.tally.changed, told(&store).await[0].1),
        (1, Some(4955))
    );
    // By the names of then, where the area is the same.
    for lep in ["E37000025", "E37000043", "E37000059", "E37000045"] {
        let (_dir, store) = node_of(lep).await;
        assert_eq!(
            took(&store, text.clone().into_bytes()).await.outcome,
            Outcome::Stored,
            "{lep}"
        );
    }
    // York and North Yorkshire lost the East Riding: the number of then is of another area.
    let (_dir, store) = node_of("E37000058").await;
    let report = took(&store, text.into_bytes()).await;
    assert!(
        report.problems.by_code().contains_key("survey-area"),
        "{}",
        report.text()
    );
}

#[tokio::test]
async fn the_layout_of_2019_gives_the_leps_own_row() {
    let text = "\u{feff}Area level,Area,Computer literacy / basic IT skills,,Advanced or specialist IT skills,,None of the above,,Total\n\
        National,England,292273.00,0.30,285556.00,0.29,111681.00,0.11,974026.00\n\
        Local Enterprise Partnership (2019),Black Country,3447.00,0.29,**,**,1170.00,0.10,11842.00\n\
        Local Enterprise Partnership (2019),Greater Cambridge Greater Peterborou,9.00,0.1,8.00,0.1,1.00,0.1,99.00\n\
        Local Education Authority,Dudley,700.00,0.2,600.00,0.2,1.00,0.1,99.00\n";
    let (_dir, store) = node_of("E37000001").await;
    let report = took(&store, text.into()).await;
    assert_eq!(report.outcome, Outcome::Stored, "{}", report.text());
    let wanted = [
        ("ESS2019-basic".to_owned(), Some(3447), 0),
        ("ESS2019-advanced".to_owned(), None, 2),
    ];
    assert_eq!(told(&store).await, wanted);
    let (_dir, store) = node_of("E37000059").await;
    took(&store, text.into()).await;
    assert_eq!(told(&store).await[1].1, Some(8), "a name that was cut");
}

#[tokio::test]
async fn other_tables_and_numbers_that_are_none_are_refused() {
    let (_dir, store) = node_of("E37000001").await;
    let good = of_2017(|_| "12".to_owned(), |_| "13".to_owned());
    for (text, code) in [
        ("a,b,c\n1,2,3\n".to_owned(), "survey-table"),
        (
            good.replace("Skills that will need developing", "Vacancies"),
            "survey-table",
        ),
        (good.replace("Black Country", "Black Forest"), "survey-area"),
        (
            good.replace("Computer literacy", "Knitting")
                .replace("Advanced or", "Simple"),
            "survey-table",
        ),
        (good.replace("(ESS) 2017", "(ESS)"), "survey-year"),
        // A true 0 is no need, and not the same as a suppressed number.
        (good.replace("12", "0"), "number-form"),
        (String::new(), "file-empty"),
    ] {
        let report = took(&store, text.into_bytes()).await;
        assert_eq!(report.outcome, Outcome::Refused);
        assert!(
            report.problems.by_code().contains_key(code),
            "{code}: {}",
            report.text()
        );
    }
    assert!(told(&store).await.is_empty());
}

/// The workbook as it was published: titles above, the cells over the LEPs merged, more sheets than are searched. Its table is found by the
/// title, whatever the sheet is called, and the one after it, of another base, is not taken for it.
#[tokio::test]
async fn the_workbook_of_2017_is_read_from_its_sheet_over_merged_cells() {
    use rust_xlsxwriter::{Format, Workbook};
    let leps = leps();
    let mut book = Workbook::new();
    for at in 0..45 {
        book.add_worksheet()
            .set_name(format!("T{at}"))
            .unwrap()
            .write(0, 0, "Contents")
            .unwrap();
    }
    let other = book.add_worksheet().set_name("81").unwrap();
    let title = "E3SUM Skills that will need developing by occupation (SUMMARY) (Module 2)";
    for (row, text) in [
        (0, "Employer Skills Survey (ESS) 2017"),
        (1, title),
        (3, "Computer literacy / basic IT skills"),
    ] {
        other.write(row, 0, text).unwrap();
    }
    for (column, lep) in (2..).zip(&leps) {
        other.write(2, column, lep.as_str()).unwrap();
        other.write(3, column, 7.0).unwrap();
    }
    let sheet = book.add_worksheet().set_name("Skills").unwrap();
    let titles = [
        "27-September-2018",
        "Employer Skills Survey (ESS) 2017",
        "Back to contents",
        "Table 80/ 1",
        "",
        "E3 Skills that will need developing among workforce (Module 2)",
    ];
    for (row, title) in (0..).zip(titles) {
        sheet.write(row, 0, title).unwrap();
    }
    let last = u16::try_from(leps.len()).unwrap() + 1;
    sheet
        .merge_range(7, 2, 7, last, "LEP", &Format::new())
        .unwrap();
    sheet.write(8, 1, "Total").unwrap();
    let rows = [
        ("Unweighted row", 393.0),
        ("Computer literacy / basic IT skills", 4954.0),
        ("", 0.36),
        ("Advanced or specialist IT skills", 4323.0),
    ];
    for (column, lep) in (2..).zip(&leps) {
        sheet.write(8, column, lep.as_str()).unwrap();
        for (row, (_, number)) in (9..).zip(rows) {
            match lep.as_str() {
                "Dorset" => sheet.write(row, column, "**").unwrap(),
                _ => sheet.write(row, column, number).unwrap(),
            };
        }
    }
    for (row, (label, _)) in (9..).zip(rows) {
        sheet.write(row, 0, label).unwrap();
    }
    let file = book.save_to_buffer().unwrap();
    for (lep, basic) in [("E37000001", Some(4954)), ("E37000009", None)] {
        let (_dir, store) = node_of(lep).await;
        let report = took(&store, file.clone()).await;
        assert_eq!(report.outcome, Outcome::Stored, "{}", report.text());
        let told = told(&store).await;
        assert_eq!(
            (told[0].0.as_str(), told[0].1, told.len()),
            ("ESS2017-basic", basic, 2)
        );
    }
    let (_dir, store) = node_of("E37000001").await;
    let other = survey::take(
        &store,
        Cursor::new(file),
        Some("T1"),
        &Options::default(),
        now(),
    )
    .await
    .unwrap();
    assert!(
        other.problems.by_code().contains_key("survey-table"),
        "{}",
        other.text()
    );
}

/// Trial of issue 7, finding 13.
#[tokio::test]
async fn what_was_read_of_the_table_is_shown_with_what_it_changes_before_it_is_stored() {
    let of_the_lep = |number: &'static str| {
        move |lep: &str| {
            let own = if lep == "Black Country" { number } else { "1" };
            own.to_owned()
        }
    };
    let (_dir, store) = node_of("E37000001").await;
    let text = of_2017(of_the_lep("4954"), of_the_lep("**"));
    took(&store, text.clone().into_bytes()).await;
    let corrected = text.replace("4954", "4955");
    let check = Options {
        dry_run: true,
        ..Options::default()
    };
    let file = Cursor::new(corrected.into_bytes());
    let report = survey::take(&store, file, None, &check, now())
        .await
        .unwrap();
    let read = report.survey.as_ref().unwrap();
    assert!(read.title.contains("Skills that will need developing"));
    assert_eq!(
        (read.area.as_str(), read.year, read.asked),
        ("Black Country", 2017, Some(393))
    );
    let figures: Vec<_> = read
        .figures
        .iter()
        .map(|f| (f.name.as_str(), f.line, f.number, f.became, f.before))
        .collect();
    use crate::import::survey::Became;
    assert_eq!(
        figures,
        [
            (
                "Computer literacy / basic IT skills",
                8,
                Some(4955),
                Some(Became::Changed),
                Some(Some(4954))
            ),
            (
                "Advanced or specialist IT skills",
                10,
                None,
                Some(Became::Unchanged),
                None
            ),
        ]
    );
    assert!(report.text().contains("4,954 is held"), "{}", report.text());
    assert_eq!(report.json()["survey"]["figures"][0]["before"], 4954);
    assert_eq!(told(&store).await[0].1, Some(4954), "nothing was stored");
}

/// Of the layout of 2019 the base is the column of all establishments.
#[tokio::test]
async fn the_base_of_2019_is_shown() {
    let text = "Area level,Area,Computer literacy / basic IT skills,,Advanced or specialist IT skills,,Total\n\
        Local Enterprise Partnership (2019),Black Country,3447.00,0.29,**,**,11842.00\n";
    let (_dir, store) = node_of("E37000001").await;
    let read = took(&store, text.into()).await.survey.unwrap();
    assert_eq!((read.year, read.stand_for), (2019, Some(11_842)));
    assert_eq!(read.figures[0].name, "Computer literacy / basic IT skills");
}
