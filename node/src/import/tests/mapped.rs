//! Files with columns of their own.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::import::mapping::look::{Examples, Look, Looked, look};
use crate::import::mapping::propose::propose;
use crate::import::mapping::{DateForm, Mapping, Need, Origin, TextForm, clean_name, fingerprint};
use crate::store::mappings::LEP;

fn names() -> Vec<&'static str> {
    HEADER.split(',').collect()
}

/// A mapping that takes each column of the contract from the column that `name` gives.
fn renamed(name: impl Fn(&str) -> String) -> Mapping {
    Mapping {
        columns: names()
            .into_iter()
            .map(|column| (column.to_owned(), Origin::Column(name(column))))
            .collect(),
        ..Mapping::begun(Kind::Learners)
    }
}

fn with(mapping: Mapping) -> Reading {
    Reading {
        mapping: Some(mapping),
        sheet: None,
    }
}

async fn seen(text: &[u8], reading: &Reading) -> Looked {
    look(Cursor::new(text.to_vec()), Kind::Learners, reading)
        .await
        .unwrap()
}

async fn table(text: &str) -> Look {
    match seen(text.as_bytes(), &Reading::default()).await {
        Looked::Table(look) => *look,
        _ => panic!("no table"),
    }
}

/// A value is an example where several rows share it and the column is not called what tells of a person; of everything else the form alone.
#[tokio::test]
async fn examples_tell_of_nobody() {
    let mut text = "Forename,Student ID,Gender,Site,Postcode,Day\n".to_owned();
    for n in 0..9 {
        let site = if n < 4 { "Hall" } else { "Old Mill 7" };
        let alone = if n == 8 { "Annexe" } else { site };
        text += &format!(
            "Aisha,AB-10{n},F,{alone},B70 1A{},1980-05-17\n",
            char::from(b'A' + n)
        );
    }
    let look = table(&text).await;
    let of = |name: &str| look.column(name).unwrap().examples();
    let forms = |all: &[&str]| Examples::Forms(all.iter().map(|t| (*t).to_owned()).collect());
    let values = |all: &[&str]| Examples::Values(all.iter().map(|t| (*t).to_owned()).collect());
    assert_eq!(of("Forename"), forms(&["Aaaaa"]));
    assert_eq!(of("Student ID"), forms(&["AA-999"]));
    assert_eq!(of("Postcode"), forms(&["A99 9AA"]));
    assert_eq!(of("Day"), forms(&["9999-99-99"]));
    assert_eq!(of("Gender"), values(&["F"]));
    // The one of a single row is not shown.
    assert_eq!(of("Site"), values(&["Hall", "Old Mill 7"]));
}

/// What is not needed and not said is not in the file; what is needed has to be said.
#[test]
fn only_what_is_needed_has_to_be_said() {
    for kind in [
        Kind::Learners,
        Kind::Programmes,
        Kind::Demand,
        Kind::Vacancies,
        Kind::Services,
    ] {
        let mut mapping = Mapping::begun(kind);
        mapping.leave_out_the_rest();
        let asked: Vec<String> = mapping.check().into_iter().map(|p| p.column).collect();
        let needed = kind
            .columns()
            .iter()
            .filter(|c| kind.need(c) == Need::Needed);
        assert!(needed.clone().count() > 0, "{kind:?}");
        assert!(
            needed.eq(kind
                .columns()
                .iter()
                .filter(|c| asked.iter().any(|a| a == **c))),
            "{kind:?}: {asked:?}"
        );
    }
}

#[tokio::test]
async fn separators_dates_values_and_fixed_texts_become_the_contracts() {
    let mapping = Mapping {
        dates: DateForm::DayFirst,
        text: TextForm::Windows1252,
        columns: [
            ("provider", Origin::Always("Acme College".into())),
            ("learner_ref", Origin::Column("Learner No".into())),
            ("uln", Origin::Always(String::new())),
            ("age", Origin::Column("Age".into())),
            ("sex", Origin::Column("M/F".into())),
            ("ethnicity", Origin::Always(String::new())),
            ("disability", Origin::Always(String::new())),
            ("prior_status", Origin::Always(String::new())),
            ("district", Origin::Always("E08000028".into())),
            ("aim", Origin::Column("Café aim".into())),
            ("programme", Origin::Always("P1".into())),
            ("skill", Origin::Always("transacting".into())),
            ("mode", Origin::Always("online".into())),
            ("start", Origin::Column("Began".into())),
            ("planned_end", Origin::Always(String::new())),
            ("end", Origin::Column("Left".into())),
            ("stage", Origin::Column("Result".into())),
        ]
        .map(|(column, origin)| (column.to_owned(), origin))
        .into(),
        values: BTreeMap::from([
            (
                "sex".to_owned(),
                BTreeMap::from([("F".to_owned(), "female".to_owned())]),
            ),
            (
                "stage".to_owned(),
                BTreeMap::from([("Passed  the course".to_owned(), "achieved".to_owned())]),
            ),
        ]),
        ..Mapping::begun(Kind::Learners)
    };
    assert_eq!(mapping.check(), []);
    let text = "Learner No;Age;M/F;Caf\u{e9} aim;Began;Left;Result\n007;34;f;A1;4/10/2021;01.02.2022;PASSED the course\n\n;;;;;;\n008;34;F;A1;2021-10-04;31/02/2022;passed the course\n";
    let bytes = encoding_rs::WINDOWS_1252.encode(text).0.into_owned();
    let bench = Bench::new().await;
    let report = bench.file(&bytes, &with(mapping.clone())).await;
    assert_eq!(codes(&report), ["date-impossible"], "{}", report.text());
    assert_eq!(report.problems.detailed()[0].line, 5);
    assert!(
        report.problems.detailed()[0]
            .cause
            .ends_with("(Column F of the file.)")
    );
    let bytes = String::from_utf8_lossy(&bytes).replace("31/02", "28/02");
    let report = bench
        .file(
            bytes.replace('\u{fffd}', "é").as_bytes(),
            &with(Mapping {
                text: TextForm::Utf8,
                ..mapping
            }),
        )
        .await;
    assert_eq!(
        (report.outcome, report.tally.added),
        (Outcome::Stored, 2),
        "{}",
        report.text()
    );
}

fn codes(report: &ImportReport) -> Vec<&'static str> {
    report.problems.by_code().keys().copied().collect()
}

#[tokio::test]
async fn a_mapping_that_does_not_fit_the_file_says_where() {
    let bench = Bench::new().await;
    let mapping = renamed(|column| format!("their {column}"));
    let text = file(&[&row(1, &[])]).replacen(
        "provider,learner_ref",
        "Their-Provider,their learner ref",
        1,
    );
    let report = bench.file(text.as_bytes(), &with(mapping)).await;
    assert_eq!(codes(&report), ["column-missing"]);
    assert_eq!(report.problems.total(), names().len() as u64 - 2);
    let twice = renamed(|_| "A".to_owned());
    let report = bench.file(b"a,A\n1,2\n", &with(twice)).await;
    assert_eq!(codes(&report), ["column-duplicate"]);
}

#[test]
fn a_mapping_is_checked() {
    let good = renamed(str::to_owned);
    assert_eq!(good.check(), []);
    let wrong = |change: fn(&mut Mapping)| {
        let mut mapping = renamed(str::to_owned);
        change(&mut mapping);
        let problems = mapping.check();
        assert_eq!(problems.len(), 1, "{problems:?}");
    };
    wrong(|m| drop(m.columns.remove("aim")));
    wrong(|m| drop((m.columns.remove("district"), m.columns.remove("postcode"))));
    wrong(|m| {
        drop(
            m.columns
                .insert("surname".into(), Origin::Column("x".into())),
        )
    });
    wrong(|m| {
        drop(
            m.columns
                .insert("uln".into(), Origin::Always("1000000000".into())),
        )
    });
    wrong(|m| {
        drop(
            m.columns
                .insert("provider".into(), Origin::Always("ann@example.org".into())),
        )
    });
    wrong(|m| {
        drop(
            m.columns
                .insert("aim".into(), Origin::Column("AB123456C".into())),
        )
    });
    wrong(|m| drop(m.values.insert("uln".into(), BTreeMap::new())));
    wrong(|m| {
        drop(
            m.values
                .insert("sex".into(), BTreeMap::from([("w".into(), "woman".into())])),
        )
    });
    assert_eq!(
        clean_name(" Acme   College (2021) ").unwrap(),
        "Acme College (2021)"
    );
    for bad in ["", " ", "a\u{7}b", "x@y.org", "<b>"] {
        assert!(clean_name(bad).is_none(), "{bad}");
    }
    let toml = toml::to_string(&good).unwrap();
    assert_eq!(toml::from_str::<Mapping>(&toml).unwrap(), good);
}

#[tokio::test]
async fn a_look_finds_what_a_mapping_needs_and_no_more() {
    let text = "College,Student ID,DOB,Gender,Start Date,Result,Post Code\n\
        Acme,L1,17/05/1980,F,13/10/2021,Pass,B70 1AA\nAcme,L2,18/05/1980,M,2021-10-05,in-progress,B70 1AA\n";
    let found = table(text).await;
    assert_eq!((found.rows, found.line, found.is_contract), (2, 1, false));
    let proposed = propose(Kind::Learners, &found, None);
    let taken = |column: &str| match proposed.columns.get(column) {
        Some(Origin::Column(name)) => name.as_str(),
        _ => "",
    };
    for (column, name) in [
        ("provider", "College"),
        ("learner_ref", "Student ID"),
        ("birth_date", "DOB"),
        ("sex", "Gender"),
        ("start", "Start Date"),
        ("postcode", "Post Code"),
        ("aim", ""),
        ("end", ""),
    ] {
        assert_eq!(taken(column), name, "{column}");
    }
    assert_eq!(found.dates(&proposed), (1, 3));
    let unknown = found.unknown(&Mapping {
        columns: [
            ("sex", "Gender"),
            ("stage", "Result"),
            ("mode", "Post Code"),
        ]
        .map(|(column, name)| (column.to_owned(), Origin::Column(name.to_owned())))
        .into(),
        ..Mapping::begun(Kind::Learners)
    });
    assert_eq!(
        unknown[0],
        ("sex", Some(vec![("F".to_owned(), 1), ("M".to_owned(), 1)]))
    );
    let empty = table("Student ID,Result\nL1,Pass\nL2,\nL3,\n").await;
    let unknown_there = empty.unknown(&Mapping {
        columns: [("stage".to_owned(), Origin::Column("Result".to_owned()))].into(),
        ..Mapping::begun(Kind::Learners)
    });
    let both = vec![("Pass".to_owned(), 1), (String::new(), 2)];
    assert_eq!(unknown_there, [("stage", Some(both))]);
    // Postcodes are never shown, whatever column they are taken for.
    assert_eq!(unknown[1], ("mode", None));
    assert_eq!(unknown[2], ("stage", Some(vec![("Pass".to_owned(), 1)])));
    assert!(table(&file(&[&row(1, &[])])).await.is_contract);
    // Data in the place of the header are not taken for names.
    for bad in [
        "Acme,L1,17/05/1980\nAcme,L2,18/05/1980\n",
        "Acme,B70 1AA\n1,2\n",
        "a,1000000000\n1,2\n",
    ] {
        assert!(
            matches!(
                seen(bad.as_bytes(), &Reading::default()).await,
                Looked::Refused(_)
            ),
            "{bad}"
        );
    }
    assert!(matches!(
        seen(b"a,b\n\xe9,2\n", &Reading::default()).await,
        Looked::Western
    ));
}

#[tokio::test]
async fn mappings_are_remembered_by_name_and_by_header() {
    use crate::store::mappings::Remembered;
    let bench = Bench::new().await;
    let store = &bench.store;
    let mapping = renamed(|column| format!("Their {column}"));
    let print = fingerprint(&["B", "a"]);
    assert_eq!(print, fingerprint(&["A ", "b", ""]));
    let remember = async |seen| {
        store
            .remember_mapping(LEP, ("Acme", &mapping), Some(print), seen, "ann", now())
            .await
            .unwrap()
    };
    assert_eq!(remember(Some(0)).await, Remembered::Done(1));
    assert_eq!(remember(Some(0)).await, Remembered::Changed(1));
    assert_eq!(remember(Some(1)).await, Remembered::Done(2));
    let held = store.mapping(LEP, "ACME").await.unwrap().unwrap();
    assert_eq!(
        (&held.mapping, held.version, held.by.as_str()),
        (&mapping, 2, "ann")
    );
    let found = store
        .mapping_for(LEP, "learners", print)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(found.name, "Acme");
    assert!(
        store
            .mapping_for(LEP, "programmes", print)
            .await
            .unwrap()
            .is_none()
    );
    assert!(
        store
            .forget_mapping(LEP, "acme", "ann", now())
            .await
            .unwrap()
    );
    assert!(
        !store
            .forget_mapping(LEP, "acme", "ann", now())
            .await
            .unwrap()
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// A file whose columns have other names and another order is the same file.
    #[test]
    fn a_mapped_file_is_the_contracts_file(
        order in Just((0..names().len()).collect::<Vec<_>>()).prop_shuffle(),
        separator in prop::sample::select(vec![',', ';', '\t']),
        rows in prop::collection::vec((1_usize..6, 0_usize..5), 1..12),
        extra in any::<bool>(),
    ) {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let bad = [("stage", "nonsense"), ("start", "2021-13-01"), ("sex", "x"), ("aim", "A 2"), ("skill", "transacting")];
        let plain: Vec<String> = rows.iter().map(|(n, change)| row(*n, &[bad[*change]])).collect();
        let plain: Vec<&str> = plain.iter().map(String::as_str).collect();
        let other = |name: &str| format!("Their {}", name.to_uppercase());
        let line = |fields: Vec<String>| {
            let mut fields: Vec<&str> = order.iter().map(|at| fields[*at].as_str()).collect();
            if extra {
                fields.push("ignored");
            }
            fields.join(&separator.to_string())
        };
        let mut lines = vec![line(names().into_iter().map(other).collect())];
        lines.extend(plain.iter().map(|row| line(row.split(',').map(str::to_owned).collect())));
        let text = lines.join("\n");
        runtime.block_on(async {
            let (one, two) = (Bench::new().await, Bench::new().await);
            let mapped = one.file(text.as_bytes(), &with(renamed(other))).await;
            let direct = two.file(file(&plain).as_bytes(), &Reading::default()).await;
            let tell = |report: &ImportReport| -> Vec<_> {
                report.problems.detailed().iter().map(|p| (p.line, p.field, p.code)).collect()
            };
            assert_eq!((mapped.outcome, mapped.tally, tell(&mapped)), (direct.outcome, direct.tally, tell(&direct)));
            assert_eq!(one.dump().await, two.dump().await);
        });
    }
}

/// Reproduction: usual headings of services, vacancies and demand were not recognised.
#[test]
fn usual_headings_are_known_by_the_kind_of_file() {
    use crate::import::mapping::propose::is_known_in;
    for (kind, column, name) in [
        (Kind::Services, "name", "Service name"),
        (Kind::Services, "area", "District"),
        (Kind::Services, "place", "Venue"),
        (Kind::Services, "assured_date", "Checked on"),
        (Kind::Vacancies, "district", "Location"),
        (Kind::Demand, "area", "District"),
        (Kind::Demand, "asks", "Who is asking"),
    ] {
        assert!(is_known_in(kind, column, name), "{name}");
    }
    assert!(!is_known_in(Kind::Learners, "district", "Location"));
}
