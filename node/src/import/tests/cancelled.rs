//! An import that is cancelled: wherever it stands, the store is as it was before.

use std::collections::BTreeSet;

use super::*;
use crate::testing::{cancelled_after, dump, some_stops};
use crate::work::Phase;

type Ended = Result<ImportReport, ImportError>;

/// Cancels the import all over its way, compares the whole store each time, and lets it go through at last.
async fn at_every_stop(bench: &Bench, phases: &[Phase], import: impl AsyncFn(&Options) -> Ended) {
    let before = dump(&bench.store).await;
    let options = || Options {
        new_providers: true,
        ..Options::default()
    };
    let dry = Options {
        dry_run: true,
        ..options()
    };
    let (_, all, checked) = cancelled_after(usize::MAX, &dry.progress, import(&dry)).await;
    assert_eq!(checked.unwrap().outcome, Outcome::Checked);
    assert_eq!(dump(&bench.store).await, before);
    let mut seen = BTreeSet::new();
    for stops in some_stops(all) {
        let options = options();
        let progress = &options.progress;
        let (in_time, _, ended) = cancelled_after(stops, progress, import(&options)).await;
        let after = dump(&bench.store).await;
        match in_time {
            Some(true) => {
                let ended = ended.map(|report| report.text());
                assert!(matches!(ended, Err(ImportError::Cancelled(_))), "{ended:?}");
                assert_eq!(after, before, "after {stops} stops");
                seen.insert(progress.phase());
                let room: i64 = sqlx::query_scalar("PRAGMA cache_size")
                    .fetch_one(&bench.store.writer)
                    .await
                    .unwrap();
                assert_eq!(room, -2000, "the memory is given back");
            }
            // It was being stored, or had ended before.
            _ => {
                assert_eq!(ended.unwrap().outcome, Outcome::Stored);
                assert_ne!(after, before);
                assert_eq!(progress.phase(), Phase::Storing);
                assert!(!progress.cancel(), "too late");
                break;
            }
        }
    }
    for phase in phases {
        assert!(seen.contains(phase), "{phase:?} is not among {seen:?}");
    }
}

fn text(rows: std::ops::Range<usize>, change: &[(&str, &str)]) -> String {
    let rows: Vec<String> = rows.map(|n| row(n, change)).collect();
    file(&rows.iter().map(String::as_str).collect::<Vec<_>>())
}

#[tokio::test]
async fn learners_into_an_empty_store_and_into_one_that_holds_some() {
    let bench = Bench::new().await;
    let first = text(0..1_200, &[]);
    // A third of them anew, a third changed, a third as they were.
    let mut second = text(400..800, &[("stage", "withdrawn")]);
    second.push_str(text(800..1_600, &[]).split_once('\n').unwrap().1);
    // How often the last phase stands still depends on the threads.
    let phases = [Phase::Waiting, Phase::Reading];
    for text in [first, second] {
        let import = async |options: &Options| bench.with(text.as_bytes(), options).await;
        at_every_stop(&bench, &phases, import).await;
    }
}

#[tokio::test]
async fn programmes_and_postcodes() {
    let bench = Bench::new().await;
    let mut programmes = format!("{}\n", PROGRAMMES.lines().next().unwrap());
    let mut postcodes = "pcd,pcds,oslaua\n".to_owned();
    for n in 0..1_200 {
        programmes.push_str(&format!("N{n},Name {n},Acme College,basic,,,,,,,\n"));
        let (far, near) = (n / 100, n % 10);
        let unit = char::from(b'A' + u8::try_from(n / 10 % 10).unwrap());
        postcodes.push_str(&format!(
            "B{far} {near}A{unit},B{far} {near}A{unit},E08000028\n"
        ));
    }
    // Whether so small a file is still being read when the work stands still depends on the threads.
    let phases = [Phase::Waiting];
    let import = async |options: &Options| {
        let file = (
            Kind::Programmes,
            Cursor::new(programmes.clone().into_bytes()),
        );
        let (store, key) = (&bench.store, &bench.key);
        crate::import::file(store, key, file, &Reading::default(), options, now()).await
    };
    at_every_stop(&bench, &phases, import).await;
    let import = async |options: &Options| {
        let source = Cursor::new(postcodes.clone());
        crate::import::postcodes(&bench.store, source, options, now()).await
    };
    at_every_stop(&bench, &phases, import).await;
}

#[tokio::test]
async fn an_ilr_and_a_later_one_of_its_year() {
    let bench = Bench::asked().await;
    for text in [ilr::FILE.to_owned(), ilr::without("LA 3", 20)] {
        let import = async |options: &Options| {
            let source = Cursor::new(text.clone().into_bytes());
            crate::import::ilr(&bench.store, &bench.key, source, options, now()).await
        };
        at_every_stop(&bench, &[Phase::Reading], import).await;
    }
}

/// The bytes of a file are counted as often as they are read.
#[tokio::test]
async fn the_share_of_a_file_is_known_and_reaches_its_end() {
    let bench = Bench::new().await;
    let text = text(0..800, &[]);
    let options = Options::default();
    assert_eq!(options.progress.share(), None);
    let file = (Kind::Learners, Cursor::new(text.clone().into_bytes()));
    let reading = Reading::default();
    let import = crate::import::file(&bench.store, &bench.key, file, &reading, &options, now());
    let mut import = std::pin::pin!(import);
    let mut shares = Vec::new();
    let report = std::future::poll_fn(|cx| {
        let polled = import.as_mut().poll(cx);
        shares.extend(options.progress.share());
        polled
    })
    .await
    .unwrap();
    assert_eq!(report.tally.added, 800);
    assert!(shares.is_sorted());
    let bytes = text.len() as u64;
    assert!(
        shares.iter().all(|(_, total)| *total == bytes),
        "{shares:?}"
    );
    assert_eq!(shares.last(), Some(&(bytes, bytes)));
}
