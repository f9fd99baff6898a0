//! Vacancies.

use super::*;
use crate::import::vacancies;
use crate::model::{self, Model as _};
use crate::store::demand::{Counts, Demand, How};
use crate::store::kept::Stored;
use crate::store::terms::Term;

const HEADER: &str = "title,description,employer,district,postcode,date,number";

/// Of nine vacancies one is elsewhere and two ask for nothing digital.
const ROWS: &str = "Software developers,\"We write Java.\nCall Jo on 0121 496 0000.\",Acme,Sandwell,,2022-03-05,2\n\
    Web Developer,JavaScript and some SQL,Bolt,E08000028,,2022-04-01,\n\
    Data analyst,SQL and Excel,Acme,,B70 1AA,2022-04-02,\n\
    Admin assistant,Must know spreadsheets and databases,Copse,Dudley,,2022-02-01,1\n\
    Carer,Kind people wanted,Copse,Dudley,,2022-02-01,\n\
    Office junior,Some internet use,Delta,Dudley,,,\n\
    Network engineer,Azure,Elsewhere Ltd,Hartlepool,,2022-02-01,\n\
    C# coder,.NET,,,,,\n";

impl Bench {
    async fn vacancies(&self, rows: &str, dry_run: bool) -> ImportReport {
        let source = Cursor::new(format!("{HEADER}\n{rows}"));
        let options = Options {
            dry_run,
            ..Options::default()
        };
        vacancies::csv(&self.store, source, &options, now())
            .await
            .unwrap()
    }

    async fn demand_rows(&self) -> Vec<Stored<Demand>> {
        let mut all: Vec<Stored<Demand>> = self.store.kept().await.unwrap();
        all.reverse();
        all
    }
}

#[tokio::test]
async fn every_word_is_shown_with_its_evidence_before_anything_is_kept() {
    let bench = Bench::new().await;
    let report = bench.vacancies(ROWS, true).await;
    assert_eq!(report.outcome, Outcome::Checked, "{}", report.text());
    assert!(bench.demand_rows().await.is_empty());
    let found = report.vacancies.as_ref().unwrap();
    assert_eq!(
        (found.matched, found.left, report.tally.outside),
        (5, 2, 1),
        "{}",
        report.text()
    );
    let unmatched: Vec<_> = found
        .unmatched
        .iter()
        .map(|(line, title)| (*line, title.as_str()))
        .collect();
    // The first has a line of its own in its text.
    assert_eq!(unmatched, [(7, "Carer"), (8, "Office junior")]);
    let first = &found.lines[0];
    assert_eq!(
        (first.line, first.title.as_str()),
        (2, "Software developers")
    );
    let evidence: Vec<_> = first
        .found
        .iter()
        .map(|f| (f.term.as_str(), f.words.as_str(), f.column, f.confidence))
        .collect();
    assert_eq!(
        evidence,
        [
            ("software developer", "Software developers", "title", 95),
            ("Java", "Java", "description", 80)
        ]
    );
    assert!(
        first.found[1].before.is_empty() && first.found[1].after.is_empty(),
        "what stands around it holds a telephone number"
    );
    assert_eq!(first.skills, [("Software".to_owned(), 99, true)]);
    let second = &found.lines[1].found[1];
    assert_eq!(
        (second.words.as_str(), second.after.as_str()),
        ("JavaScript", " and some SQL")
    );
    // Internet alone weighs 40.
    let junior = found
        .lines
        .iter()
        .find(|line| line.title == "Office junior")
        .unwrap();
    assert_eq!(junior.skills, [("Foundation".to_owned(), 40, false)]);
    assert!(!report.text().contains("0121") && !report.json().to_string().contains("0121"));
}

#[tokio::test]
async fn what_is_kept_is_words_and_counts_alone() {
    let bench = Bench::new().await;
    let report = bench.vacancies(ROWS, false).await;
    assert_eq!(report.outcome, Outcome::Stored, "{}", report.text());
    let rows = bench.demand_rows().await;
    let at = |skill: &str, district: &str| {
        let known = crate::store::kept::Known::default();
        rows.iter()
            .map(|row| &row.it)
            .find(|it| {
                it.texts(&known)[4] == skill
                    && it.district.as_ref().map_or("", |d| d.as_str()) == district
            })
            .unwrap_or_else(|| panic!("{skill} {district}"))
    };
    let software = at("software", "E08000028");
    assert_eq!(
        (software.number, software.counts, software.how),
        (Some(3), Counts::Vacancies, How::Vacancies)
    );
    assert_eq!(
        (
            software.from.to_string(),
            software.until.unwrap().to_string()
        ),
        ("2022-03".to_owned(), "2022-04".to_owned())
    );
    assert_eq!(
        software.largest,
        Some((2, 1)),
        "Acme has two of them, Bolt one"
    );
    assert_eq!(
        software.note,
        "Words found: Java (2), JavaScript (1), software developer (2), web developer (1)"
    );
    assert_eq!(at("data-and-ai", "E08000028").number, Some(2));
    assert_eq!(at("workplace", "E08000027").number, Some(1));
    // Of no place, without employer or date.
    let whole = at("software", "");
    assert_eq!((whole.number, whole.largest), (Some(1), Some((1, 0))));
    assert_eq!(whole.from.to_string(), "2022-08");
    assert_eq!(rows.len(), 5, "{rows:?}");
    let again = bench.vacancies(ROWS, false).await;
    assert_eq!(
        (again.tally.added, again.tally.unchanged),
        (0, 5),
        "{}",
        again.text()
    );
    // Nothing of the texts is in the database.
    let bytes = std::fs::read(bench.dir.path().join("node.db")).unwrap();
    let wal = std::fs::read(bench.dir.path().join("node.db-wal")).unwrap_or_default();
    for secret in ["Kind people", "0121 496", "Bolt", "Copse", "some SQL"] {
        let holds = |bytes: &[u8]| {
            bytes
                .windows(secret.len())
                .any(|part| part == secret.as_bytes())
        };
        assert!(!holds(&bytes) && !holds(&wal), "{secret}");
    }
}

#[tokio::test]
async fn the_table_of_words_is_the_coordinators() {
    let bench = Bench::new().await;
    let texts = |words: [&str; 4]| words.map(str::to_owned);
    let bad = model::add::<Term>(
        &bench.store,
        &texts(["++", "", "knitting", "101"]),
        "ann",
        now(),
    )
    .await;
    let Err(model::Trouble::Fields(problems)) = bad else {
        panic!("{bad:?}")
    };
    let found: Vec<_> = problems
        .iter()
        .map(|p| (p.field.unwrap(), p.code))
        .collect();
    assert_eq!(
        found,
        [
            ("term", "term-form"),
            ("tier", "required"),
            ("skill", "code-unknown"),
            ("weight", "weight-form")
        ]
    );
    let twice = model::add::<Term>(
        &bench.store,
        &texts(["EXCEL", "general", "workplace", "50"]),
        "ann",
        now(),
    )
    .await;
    assert!(matches!(twice, Err(model::Trouble::Fields(problems)) if problems[0].code == "taken"));
    model::add::<Term>(
        &bench.store,
        &texts(["kind people", "basic", "communicating", "90"]),
        "ann",
        now(),
    )
    .await
    .unwrap();
    let all: Vec<Stored<Term>> = bench.store.kept().await.unwrap();
    let java = all.iter().find(|term| term.it.term == "Java").unwrap();
    let off = texts(["Java", "advanced", "software", "0"]);
    model::change::<Term>(&bench.store, (java.id, java.version), &off, "ann", now())
        .await
        .unwrap();
    let report = bench.vacancies(ROWS, true).await;
    let found = report.vacancies.unwrap();
    assert!(
        found
            .lines
            .iter()
            .any(|line| line.found.iter().any(|f| f.words == "Kind people"))
    );
    assert!(
        !found
            .lines
            .iter()
            .any(|line| line.found.iter().any(|f| f.words == "Java"))
    );
    // What the node begins with is of the standard, and finds itself.
    for term in all {
        let title = format!("{} {}", term.it.term, term.it.term);
        let report = bench.vacancies(&format!("\"{title}\",,,,,,\n"), true).await;
        let found = report.vacancies.unwrap();
        assert!(term.it.term == "Java" || found.lines.len() == 1, "{title}");
    }
}

#[tokio::test]
async fn faults_of_vacancies_are_found_in_one_pass() {
    let bench = Bench::new().await;
    let rows = ",text,,,,,\n\
        A,,,Nowhere,,,\n\
        A,,,,not a postcode,,\n\
        A,,,,CF99 9ZZ,,\n\
        A,,,,,05/03/2022,\n\
        A,,,,,1999-01-01,\n\
        A,,,,,,0\n";
    let report = bench.vacancies(rows, false).await;
    let codes: Vec<_> = report
        .problems
        .detailed()
        .iter()
        .map(|p| (p.line, p.code))
        .collect();
    assert_eq!(report.outcome, Outcome::Refused);
    let wanted = [
        (2, "required"),
        (3, "area-unknown"),
        (4, "postcode-form"),
        (5, "postcode-unknown"),
        (6, "date-form"),
        (7, "date-impossible"),
        (8, "number-form"),
    ];
    assert_eq!(codes, wanted, "{}", report.text());
    // A text longer than any other field, with lines of its own.
    let long = format!("Coder,\"{}\nSQL\",,,,,\n", "word ".repeat(5_000));
    let report = bench.vacancies(&long, true).await;
    assert_eq!(report.outcome, Outcome::Checked, "{}", report.text());
    assert_eq!(report.vacancies.unwrap().matched, 1);
}
