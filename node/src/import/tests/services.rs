//! Files of services.

use super::*;
use crate::store::kept::Stored;
use crate::store::services::Service;

const FILE: &str = "name,organisation,tier,place,places,source,source_id\n\
    Learn My Way,Library,basic,Town Hall,12,,\n\
    Cloud evenings,City College,advanced,Online,20,Council list,5F0D8F7E-0c3a-4a57-9d5b-6a1a8a3c2f10\n";

impl Bench {
    async fn services(&self, text: &str, options: &Options) -> ImportReport {
        let source = Cursor::new(text.to_owned());
        super::super::services(&self.store, source, options, now())
            .await
            .unwrap()
    }

    async fn offered(&self) -> Vec<Stored<Service>> {
        self.store.kept().await.unwrap()
    }
}

#[tokio::test]
async fn services_are_added_updated_and_left_alone() {
    let bench = Bench::new().await;
    let plain = Options::default();
    let report = bench.services(FILE, &plain).await;
    assert_eq!(report.outcome, Outcome::Stored, "{}", report.text());
    assert_eq!(report.tally.added, 2);
    assert_eq!(bench.services(FILE, &plain).await.tally.unchanged, 2);
    // The one is known by its words, the other by its identifier, whatever else its row says.
    let report = bench
        .services(
            &FILE
                .replace(",12,", ",15,")
                .replace("Cloud evenings", "Cloud nights"),
            &plain,
        )
        .await;
    assert_eq!(
        (report.tally.changed, report.tally.added),
        (2, 0),
        "{}",
        report.text()
    );
    let all = bench.offered().await;
    assert_eq!(all.len(), 2);
    assert!(
        all.iter()
            .any(|s| s.it.name == "Cloud nights" && s.it.places == Some(20))
    );
}

/// A list that says less takes nothing away of what somebody else wrote.
#[tokio::test]
async fn columns_that_a_file_does_not_have_stay_as_they_were() {
    let bench = Bench::new().await;
    bench.services(FILE, &Options::default()).await;
    let short = "name,organisation,place,eligibility\nLEARN my way,library,Town hall,Everybody\n";
    let report = bench.services(short, &Options::default()).await;
    assert_eq!(report.tally.changed, 1, "{}", report.text());
    let all = bench.offered().await;
    let it = &all
        .iter()
        .find(|s| s.it.eligibility == "Everybody")
        .unwrap()
        .it;
    assert_eq!((it.places, it.tier), (Some(12), 0));
}

/// Reproduction: of a file that was explained column by column, "not in this file" emptied what was held, and an older check took the place of
/// a newer one.
#[tokio::test]
async fn what_a_mapping_leaves_out_stays_and_so_does_a_newer_check() {
    let bench = Bench::new().await;
    let held = "name,organisation,place,places,starts,public,assured_date,assured_by\n\
        First steps,College,Central library,149,4,yes,2021-07-05,Adult learning team\n";
    bench.services(held, &Options::default()).await;
    let mut mapping = crate::import::mapping::Mapping::begun(Kind::Services);
    for column in Kind::Services.columns() {
        let origin = match *column {
            "name" => crate::import::mapping::Origin::Column("Service".into()),
            "organisation" => crate::import::mapping::Origin::Column("Run by".into()),
            "place" => crate::import::mapping::Origin::Column("Venue".into()),
            "places" => crate::import::mapping::Origin::Column("Places".into()),
            "assured_date" => crate::import::mapping::Origin::Column("Checked".into()),
            _ => crate::import::mapping::Origin::Always(String::new()),
        };
        mapping.columns.insert((*column).to_owned(), origin);
    }
    let file =
        "Service,Run by,Venue,Places,Checked\nFirst Steps,College,Central library,10,2021-07-01\n";
    let reading = Reading {
        mapping: Some(mapping),
        sheet: None,
    };
    let file = (Kind::Services, Cursor::new(file.as_bytes().to_vec()));
    let options = Options::default();
    let report = super::super::file(&bench.store, &bench.key, file, &reading, &options, now());
    let report = report.await.unwrap();
    assert_eq!(report.tally.changed, 1, "{}", report.text());
    let it = bench.offered().await.remove(0).it;
    assert_eq!(
        (it.places, it.starts, it.public, it.assured_by.as_str()),
        (Some(10), Some(4), true, "Adult learning team")
    );
    assert_eq!(it.assured, Some("2021-07-05".parse().unwrap()));
    let change = report.services.unwrap().changes.remove(0);
    assert!(change.older_check);
    let columns = change
        .columns
        .iter()
        .map(|it| (it.column, &*it.was, &*it.is));
    let columns: Vec<_> = columns.collect();
    assert_eq!(
        columns,
        [
            ("name", "First steps", "First Steps"),
            ("places", "149", "10")
        ]
    );
}

#[tokio::test]
async fn every_problem_of_every_row_is_told_and_nothing_is_stored() {
    let bench = Bench::new().await;
    let bad = "name,organisation,cost,description\n\
        A,X,1,ask jo@example.org\n\
        ,X,much,\n\
        B,X,2,\n\
        b,x,3,\n";
    let report = bench.services(bad, &Options::default()).await;
    assert_eq!(report.outcome, Outcome::Refused);
    let codes: Vec<_> = report
        .problems
        .detailed()
        .iter()
        .map(|p| (p.line, p.field, p.code))
        .collect();
    assert_eq!(
        codes,
        [
            (2, Some("description"), "personal-data"),
            (3, Some("name"), "required"),
            (3, Some("cost"), "cost-form"),
            (5, Some("name"), "duplicate"),
        ]
    );
    assert!(
        !report.text().contains("jo@example.org"),
        "no report quotes a value"
    );
    assert!(bench.offered().await.is_empty());
    let valid = Options {
        valid_rows: true,
        ..Options::default()
    };
    let report = bench.services(bad, &valid).await;
    assert_eq!((report.tally.added, report.tally.refused), (1, 3));
    assert_eq!(
        bench
            .services("title\nA\n", &Options::default())
            .await
            .outcome,
        Outcome::Refused
    );
}

#[tokio::test]
async fn a_directory_with_columns_of_its_own_comes_in_through_a_mapping() {
    let bench = Bench::new().await;
    let mut mapping = crate::import::mapping::Mapping::begun(Kind::Services);
    let column = |name: &str| crate::import::mapping::Origin::Column(name.to_owned());
    for (ours, theirs) in [
        ("name", "Service"),
        ("organisation", "Run by"),
        ("status", "State"),
    ] {
        mapping.columns.insert(ours.to_owned(), column(theirs));
    }
    mapping.columns.insert(
        "source".to_owned(),
        crate::import::mapping::Origin::Always("County directory".to_owned()),
    );
    mapping.values.insert(
        "status".to_owned(),
        [
            ("open".to_owned(), "active".to_owned()),
            ("shut".to_owned(), "temporarily closed".to_owned()),
        ]
        .into(),
    );
    assert_eq!(mapping.check(), []);
    let reading = Reading {
        mapping: Some(mapping),
        sheet: None,
    };
    let file = (
        Kind::Services,
        Cursor::new(b"Service,Run by,State,Telephone\nLearn,Library,shut,0121 496 0000\n".to_vec()),
    );
    let report = super::super::file(
        &bench.store,
        &bench.key,
        file,
        &reading,
        &Options::default(),
        now(),
    )
    .await
    .unwrap();
    assert_eq!(report.outcome, Outcome::Stored, "{}", report.text());
    let all = bench.offered().await;
    assert_eq!(
        (all[0].it.status.id(), all[0].it.source.as_str()),
        ("temporarily closed", "County directory")
    );
}

/// Reproduction: a list with districts by name and costs such as Free was refused row by row.
#[tokio::test]
async fn districts_by_name_and_costs_as_lists_write_them_are_read() {
    let bench = Bench::new().await;
    let file = "name,organisation,area,cost\nA,Library,Dudley,Free\nB,Library,birmingham,£120\nC,Library,whole,\"1,200.50\"\nD,Library,E08000027,0\nE,Library,Nowhere,cheap\nF,Library,,\"1,50\"\n";
    let options = Options {
        valid_rows: true,
        ..Options::default()
    };
    let report = bench.services(file, &options).await;
    let codes: Vec<_> = report.problems.by_code().keys().copied().collect();
    assert_eq!(codes, ["cost-form", "service-area"], "{}", report.text());
    let held = bench.offered().await;
    let told = held.iter().map(|s| (s.it.area.as_deref(), s.it.cost_pence));
    assert_eq!(
        told.collect::<Vec<_>>(),
        [
            (Some("E08000027"), Some(0)),
            (Some("E08000025"), Some(12_000)),
            (None, Some(120_050)),
            (Some("E08000027"), Some(0)),
        ]
    );
}
