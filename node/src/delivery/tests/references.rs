//! Providers' own references in files that others bring.

use super::*;
use crate::import::pseudonym::PseudonymKey;
use crate::import::report::References;
use crate::import::{Options, learners as import};

/// A coordinator's import.
async fn imported(world: &World, rows: &str, dry_run: bool) -> ImportReport {
    let options = Options {
        new_providers: true,
        dry_run,
        ..Options::default()
    };
    let file = std::io::Cursor::new(format!("{HEAD}{rows}"));
    let report = import(&world.store, &key(), file, &options, at(NOW)).await;
    report.unwrap()
}

fn counted(known: u64, not_shown: u64, none: u64) -> References {
    References {
        known,
        not_shown,
        none,
    }
}

async fn seen(world: &World, name: &str) -> Vec<Option<String>> {
    let sought = Sought {
        limit: 100,
        by: crate::store::delivery::Sorted::Reference,
        ..Sought::default()
    };
    let own = own(world, name).await;
    let (entries, _) = learners(&world.store, &own, &sought).await.unwrap();
    entries.into_iter().map(|entry| entry.reference).collect()
}

/// Into an empty store and into one that holds some, which are two ways: both make a reference known to its provider, and to no other.
#[tokio::test]
async fn a_coordinators_file_tells_each_provider_its_own_references() {
    let world = world().await;
    let rows = row("College", "2022-017", "") + &row("Library", "2022-017", "");
    let rows = rows + &row("College", "jane.smith1", "");
    let checked = imported(&world, &rows, true).await;
    assert_eq!(checked.references, counted(2, 1, 0), "{}", checked.text());
    assert!(seen(&world, "College").await.is_empty());
    let report = imported(&world, &rows, false).await;
    assert_eq!(report.references, counted(2, 1, 0), "{}", report.text());
    assert!(!report.text().contains("smith"));
    let report = imported(&world, &row("College", "2022-018", ""), false).await;
    assert_eq!(report.references, counted(1, 0, 0), "{}", report.text());
    let some = |text: &str| Some(text.to_owned());
    let college = [some("2022-017"), some("2022-018"), None];
    assert_eq!(seen(&world, "College").await, college);
    assert_eq!(seen(&world, "Library").await, [some("2022-017")]);
    let stored = "SELECT count(*) FROM enrolments WHERE own_reference LIKE '%smith%'";
    assert_eq!(world.number(stored).await, 0);
}

/// A reference that is not shown finds its learner when it is typed whole, at its own provider alone.
#[tokio::test]
async fn a_reference_that_is_not_shown_is_found_when_it_is_typed_whole() {
    let world = world().await;
    imported(&world, &row("College", "Jane Smith", ""), false).await;
    let found = async |name: &str, typed: &str| {
        let own = own(&world, name).await;
        let sought = Sought {
            reference: typed.to_owned(),
            ident: Some(number_of(&own, &key(), typed)),
            limit: 100,
            ..Sought::default()
        };
        learners(&world.store, &own, &sought).await.unwrap().1
    };
    assert_eq!(found("College", "Jane Smith").await, 1);
    assert_eq!(found("College", "Jane").await, 0);
    assert_eq!(found("Library", "Jane Smith").await, 0);
}

/// Records of before references were kept get theirs with the next file, which changes nothing else; a file without references takes none away.
#[tokio::test]
async fn what_was_held_without_a_reference_gets_it_with_the_next_file() {
    let world = world().await;
    let uln = |reference: &str| {
        let row = row("College", reference, "");
        row.replacen(",,40", ",1000000027,40", 1)
    };
    imported(&world, &uln("2022-017"), false).await;
    world
        .run("UPDATE enrolments SET own_reference = NULL")
        .await;
    assert_eq!(seen(&world, "College").await, [None]);
    let report = imported(&world, &uln("2022-017"), false).await;
    assert_eq!(report.references, counted(1, 0, 0), "{}", report.text());
    let tally = (report.tally.unchanged, report.tally.changed);
    assert_eq!(tally, (1, 0), "{}", report.text());
    let known = [Some("2022-017".to_owned())];
    assert_eq!(seen(&world, "College").await, known);
    let report = imported(&world, &uln(""), false).await;
    assert_eq!(report.references, counted(0, 0, 1), "{}", report.text());
    assert!(report.text().contains("no column with providers"));
    assert_eq!(seen(&world, "College").await, known);
    // The provider adds its own to what came without one.
    world
        .run("UPDATE enrolments SET own_reference = NULL, reference = NULL")
        .await;
    let rows = uln("A-7").replacen("College", "", 1);
    brought(&world, "College", &rows, &Bringing::default()).await;
    assert_eq!(seen(&world, "College").await, [Some("A-7".to_owned())]);
}

/// Repeated rows are taken out again at the end of a first file, and with them what was counted of their references.
#[tokio::test]
async fn a_repeated_row_is_not_counted_twice() {
    let world = world().await;
    let options = Options {
        valid_rows: true,
        new_providers: true,
        ..Options::default()
    };
    let twice = row("College", "2022-017", "").repeat(2);
    let file = std::io::Cursor::new(format!("{HEAD}{twice}"));
    let key = PseudonymKey::from_bytes([7; 32]);
    let report = import(&world.store, &key, file, &options, at(NOW))
        .await
        .unwrap();
    assert_eq!(report.tally.refused, 1, "{}", report.text());
    assert_eq!(report.references, counted(1, 0, 0), "{}", report.text());
}
