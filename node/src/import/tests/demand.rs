//! Demand files.

use super::*;
use crate::import::mapping::{DateForm, Mapping, Origin};
use crate::model::{self, Model as _};
use crate::store::demand::Demand;
use crate::store::kept::Stored;

const HEADER: &str = "reference,asks,organisation,tier,skill,audience,area,number,counts,from,until,how,sure,by,holds_until,note";

const ROWS: &str = "S1,employer,,,software,,E08000028,40,,2022-09,2023-08,survey,counted,Chamber of Commerce,2023-12-31,\n\
    S2,individual,,basic,foundation,older people,Dudley,120,people,2022-09,,workshop,estimated,Library service,,\n\
    ,charity,,,,,whole,not published,employers,2022-01-15,,panel,guessed,Skills Advisory Panel,,Minutes of March\n";

impl Bench {
    async fn demand(&self, rows: &str) -> ImportReport {
        let source = Cursor::new(format!("{HEADER}\n{rows}"));
        crate::import::demands::demand(&self.store, source, &Options::default(), now())
            .await
            .unwrap()
    }

    async fn needs(&self) -> Vec<Vec<String>> {
        let known = self.store.known().await.unwrap();
        let all: Vec<Stored<Demand>> = self.store.kept().await.unwrap();
        all.iter().rev().map(|row| row.it.texts(&known)).collect()
    }
}

#[tokio::test]
async fn a_file_is_brought_in_once_however_often_it_is_sent() {
    let bench = Bench::new().await;
    let report = bench.demand(ROWS).await;
    assert_eq!(
        (report.outcome, report.tally.added),
        (Outcome::Stored, 3),
        "{}",
        report.text()
    );
    let needs = bench.needs().await;
    assert_eq!(needs[0][..2], ["S1", "employer"]);
    assert_eq!(needs[1][6], "E08000027", "a district by its name");
    assert_eq!(needs[2][0], "D3", "made");
    assert_eq!(
        needs[2][6..10],
        ["whole", "not published", "employers", "2022-01"]
    );
    let again = bench.demand(ROWS).await;
    assert_eq!(
        (
            again.tally.added,
            again.tally.changed,
            again.tally.unchanged
        ),
        (0, 0, 3),
        "{}",
        again.text()
    );
    let other = bench
        .demand(&ROWS.replace(",40,", ",45,").replace("S2", "s2"))
        .await;
    assert_eq!(
        (
            other.tally.added,
            other.tally.changed,
            other.tally.unchanged
        ),
        (0, 2, 1),
        "{}",
        other.text()
    );
    assert_eq!(bench.needs().await[0][7], "45");
    let history = bench.store.history(Demand::KIND, 1, 50).await.unwrap();
    assert_eq!(
        (history[0].field.as_str(), history[0].before.as_deref()),
        ("number", Some("40"))
    );
    assert!(history.iter().any(|change| change.field == "reference"));
}

use crate::store::kept::Kept as _;

#[tokio::test]
async fn what_a_file_brought_goes_whole_but_for_what_was_changed_since() {
    let bench = Bench::new().await;
    bench
        .demand("A1,employer,,,,,whole,3,,2022-01,,panel,guessed,Panel,,\n")
        .await;
    bench.demand(ROWS).await;
    let brought = bench.store.demand_imports().await.unwrap();
    assert_eq!(
        (brought.len(), brought[0].rows, brought[0].changed),
        (2, 3, 0)
    );
    let mut texts = bench.needs().await[1].clone();
    texts[7] = "50".to_owned();
    model::change::<Demand>(&bench.store, (2, 1), &texts, "ann", now())
        .await
        .unwrap();
    let removed = model::demand::remove_import(&bench.store, brought[0].import, "ann", now())
        .await
        .unwrap();
    assert_eq!((removed.gone, removed.stay), (2, 1));
    let left: Vec<String> = bench
        .needs()
        .await
        .into_iter()
        .map(|texts| texts[0].clone())
        .collect();
    assert_eq!(left, ["A1", "S1"]);
    let history = bench.store.history(Demand::KIND, 3, 50).await.unwrap();
    assert!(history[0].after.is_none() && history.iter().any(|c| c.after.as_deref() == Some("S2")));
    // A number that went is not given again, so that nobody's history is another one's.
    bench
        .demand(",employer,,,,,whole,3,,2022-02,,panel,guessed,Panel,,\n")
        .await;
    let all: Vec<Stored<Demand>> = bench.store.kept().await.unwrap();
    assert_eq!((all[0].id, all[0].it.code.as_str()), (5, "D5"));
}

#[tokio::test]
async fn every_fault_is_found_in_one_pass_and_nothing_is_stored() {
    let bench = Bench::new().await;
    let bad = [
        (
            "x y,employer,,,,,whole,1,,2022-01,,panel,guessed,Panel,,",
            "code-form",
        ),
        (
            ",everybody,,,,,whole,1,,2022-01,,panel,guessed,Panel,,",
            "asks-unknown",
        ),
        (
            ",employer,Nobody Ltd,,,,whole,1,,2022-01,,panel,guessed,Panel,,",
            "organisation-unknown",
        ),
        (
            ",employer,,,knitting,,whole,1,,2022-01,,panel,guessed,Panel,,",
            "code-unknown",
        ),
        // Hartlepool is another LEP's.
        (
            ",employer,,,,,E06000001,1,,2022-01,,panel,guessed,Panel,,",
            "area-unknown",
        ),
        (
            ",employer,,,,,whole,0,,2022-01,,panel,guessed,Panel,,",
            "number-form",
        ),
        (
            ",employer,,,,,whole,1000001,,2022-01,,panel,guessed,Panel,,",
            "number-form",
        ),
        (
            ",employer,,,,,whole,-3,,2022-01,,panel,guessed,Panel,,",
            "number-form",
        ),
        (
            ",employer,,,,,whole,,,2022-01,,panel,guessed,Panel,,",
            "required",
        ),
        (
            ",employer,,,,,whole,1,cats,2022-01,,panel,guessed,Panel,,",
            "counts-unknown",
        ),
        (
            ",employer,,,,,whole,1,,last year,,panel,guessed,Panel,,",
            "month-form",
        ),
        (
            ",employer,,,,,whole,1,,2022-05,2022-04,panel,guessed,Panel,,",
            "end-before-start",
        ),
        (
            ",employer,,,,,whole,1,,2022-01,,rumour,guessed,Panel,,",
            "how-unknown",
        ),
        (
            ",employer,,,,,whole,1,,2022-01,,panel,certain,Panel,,",
            "sure-unknown",
        ),
        (
            ",employer,,,,,whole,1,,2022-01,,panel,guessed,,,",
            "required",
        ),
        (
            ",employer,,,,,whole,1,,2022-01,,panel,guessed,jo@example.org,,",
            "personal-data",
        ),
        (
            ",employer,,,,,whole,1,,2022-01,,panel,guessed,Panel,,call 0121 496 0000",
            "personal-data",
        ),
        (
            ",employer,,,,,whole,1,,2022-01,,panel,guessed,Panel,2022-02-31,",
            "date-impossible",
        ),
        (
            "B1,employer,,,,,whole,1,,2022-01,,panel,guessed,Panel,,",
            "",
        ),
        (
            "b1,employer,,,,,whole,2,,2022-01,,panel,guessed,Panel,,",
            "duplicate",
        ),
        (",charity,,,,,whole,9,,2022-01,,panel,guessed,Panel,,", ""),
        (
            ",charity,,,,,whole,9,,2022-01,,panel,guessed,Panel,,",
            "duplicate",
        ),
    ];
    let rows: String = bad.iter().map(|(row, _)| format!("{row}\n")).collect();
    let report = bench.demand(&rows).await;
    assert_eq!(report.outcome, Outcome::Refused);
    let found: Vec<(u64, &str)> = report
        .problems
        .detailed()
        .iter()
        .map(|p| (p.line, p.code))
        .collect();
    let wanted: Vec<(u64, &str)> = (2..)
        .zip(bad)
        .filter(|(_, (_, code))| !code.is_empty())
        .map(|(line, (_, code))| (line, code))
        .collect();
    assert_eq!(found, wanted, "{}", report.text());
    assert!(bench.needs().await.is_empty());
    assert!(!report.text().contains("0121"), "a report quotes nothing");
}

#[tokio::test]
async fn a_survey_with_columns_of_its_own_is_explained_once() {
    let bench = Bench::new().await;
    let text = "Borough;Staff to train;Topic;Asked on\nSandwell;12;Coding;04/10/2021\nDudley;7;Coding;05/10/2021\n";
    let always = |text: &str| Origin::Always(text.to_owned());
    let column = |name: &str| Origin::Column(name.to_owned());
    let columns = [
        ("asks", always("employer")),
        ("area", column("Borough")),
        ("number", column("Staff to train")),
        ("skill", column("Topic")),
        ("from", column("Asked on")),
        ("how", always("survey")),
        ("sure", always("counted")),
        ("by", always("Chamber of Commerce")),
    ];
    let mut mapping = Mapping {
        dates: DateForm::DayFirst,
        columns: columns
            .into_iter()
            .map(|(name, origin)| (name.to_owned(), origin))
            .collect(),
        ..Mapping::begun(Kind::Demand)
    };
    mapping
        .values
        .entry("skill".to_owned())
        .or_default()
        .insert("Coding".to_owned(), "software".to_owned());
    assert_eq!(mapping.check(), []);
    let reading = Reading {
        mapping: Some(mapping),
        sheet: None,
    };
    let source = Cursor::new(text.as_bytes().to_vec());
    let report = crate::import::file(
        &bench.store,
        &bench.key,
        (Kind::Demand, source),
        &reading,
        &Options::default(),
        now(),
    )
    .await
    .unwrap();
    assert_eq!(report.outcome, Outcome::Stored, "{}", report.text());
    let needs = bench.needs().await;
    assert_eq!(
        (
            needs[0][4].as_str(),
            needs[0][6].as_str(),
            needs[0][9].as_str()
        ),
        ("software", "E08000028", "2021-10")
    );
}

#[tokio::test]
async fn codes_that_changed_are_found_and_organisations_have_to_be_of_the_kind_that_asks() {
    let bench = Bench::new().await;
    let bakery = ["Harbour Bakery", "employer", "", ""].map(str::to_owned);
    model::add::<crate::store::organisations::Organisation>(&bench.store, &bakery, "ann", now())
        .await
        .unwrap();
    let report = bench
        .demand(
            "A,charity,Harbour Bakery,,,,whole,1,,2022-01,,panel,guessed,Panel,,\n\
             B,individual,Harbour Bakery,,,,whole,1,,2022-01,,panel,guessed,Panel,,\n",
        )
        .await;
    assert_eq!(
        report.problems.by_code()["organisation-kind"],
        2,
        "{}",
        report.text()
    );
    let report = bench
        .demand("A,employer,harbour bakery,,,,black country,1,,2022-01,,panel,guessed,Panel,,\n")
        .await;
    assert_eq!(report.outcome, Outcome::Stored, "{}", report.text());
    assert_eq!(bench.needs().await[0][2], "Harbour Bakery");
    assert_eq!(bench.needs().await[0][6], "whole", "the LEP's own name");
    // A node of Dorset: Bournemouth and Poole became one district in 2019.
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(&dir.path().join("node.db")).await.unwrap();
    assert!(
        store
            .set_identity(&"E37000009".parse().unwrap(), now())
            .await
            .unwrap()
    );
    let source = Cursor::new(format!(
        "{HEADER}\n,employer,,,,,E06000028,1,,2018-01,,panel,guessed,Panel,,\n"
    ));
    let report = crate::import::demands::demand(&store, source, &Options::default(), now())
        .await
        .unwrap();
    assert_eq!(report.outcome, Outcome::Stored, "{}", report.text());
    let all: Vec<Stored<Demand>> = store.kept().await.unwrap();
    assert_eq!(all[0].it.district.as_ref().unwrap().as_str(), "E06000058");
}

/// People who were asked are no learners: no column ties a row of demand to one of theirs.
#[tokio::test]
async fn no_demand_is_tied_to_a_learner() {
    let bench = Bench::new().await;
    let held: Vec<(String, String)> = sqlx::query_as(
        "SELECT t.name, f.\"table\" FROM sqlite_schema AS t, pragma_foreign_key_list(t.name) AS f WHERE t.type = 'table'",
    )
    .fetch_all(&bench.store.reader)
    .await
    .unwrap();
    let of = |table: &str| {
        held.iter()
            .filter(|(from, _)| from == table)
            .map(|(_, to)| to.as_str())
            .collect::<Vec<_>>()
    };
    assert_eq!(of("demand"), ["organisations"]);
    assert!(held.iter().all(|(_, to)| to != "demand"), "{held:?}");
    let columns = async |table: &'static str| -> Vec<String> {
        sqlx::query_scalar("SELECT name FROM pragma_table_info($1)")
            .bind(table)
            .fetch_all(&bench.store.reader)
            .await
            .unwrap()
    };
    // Columns of the same name that are no more than words for places, organisations, codes of the standard and versions.
    let common = [
        "id",
        "version",
        "tier",
        "skill",
        "audience",
        "district",
        "organisation",
    ];
    let own = columns("demand").await;
    for holding in crate::store::erasure::HOLDINGS
        .iter()
        .filter(|holding| holding.table != "history")
    {
        let shared: Vec<String> = columns(holding.table)
            .await
            .into_iter()
            .filter(|name| own.contains(name) && !common.contains(&name.as_str()))
            .collect();
        assert!(shared.is_empty(), "{}: {shared:?}", holding.table);
    }
}
