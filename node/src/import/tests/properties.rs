//! Whatever happens to a file: no panic, no quoted value, all or nothing.

use proptest::prelude::*;

use super::*;

/// A file whose every value is a marker that occurs in no text of ours.
const MARKED: &str = "qzx";

fn marked() -> String {
    let fields: Vec<String> = (0..25).map(|n| format!("{MARKED}{n}w")).collect();
    file(&[
        &row(1, &[]),
        &fields.join(","),
        &row(2, &[("uln", "1000000027")]),
    ])
}

#[derive(Debug, Clone)]
enum Mutation {
    Insert(usize, u8),
    Delete(usize),
    Replace(usize, u8),
    Swap(usize, usize),
    Cut(usize),
}

fn mutation() -> impl Strategy<Value = Mutation> {
    let byte = prop_oneof![
        Just(b'"'),
        Just(b','),
        Just(b'\n'),
        Just(b'\r'),
        Just(0),
        any::<u8>()
    ];
    prop_oneof![
        (any::<usize>(), byte.clone()).prop_map(|(at, b)| Mutation::Insert(at, b)),
        any::<usize>().prop_map(Mutation::Delete),
        (any::<usize>(), byte).prop_map(|(at, b)| Mutation::Replace(at, b)),
        (any::<usize>(), any::<usize>()).prop_map(|(a, b)| Mutation::Swap(a, b)),
        any::<usize>().prop_map(Mutation::Cut),
    ]
}

fn mutate(bytes: &mut Vec<u8>, mutation: &Mutation) {
    if bytes.is_empty() {
        return;
    }
    let length = bytes.len();
    match mutation {
        Mutation::Insert(at, byte) => bytes.insert(at % length, *byte),
        Mutation::Delete(at) => drop(bytes.remove(at % length)),
        Mutation::Replace(at, byte) => bytes[at % length] = *byte,
        Mutation::Swap(a, b) => bytes.swap(a % length, b % length),
        // Mostly the end of the file, so that the header is left whole.
        Mutation::Cut(at) => bytes.truncate(length - at % (length / 4 + 1)),
    }
}

pub(super) fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap()
        .block_on(future)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn a_mutated_file_neither_panics_nor_is_quoted(mutations in prop::collection::vec(mutation(), 0..12), valid_rows: bool) {
        block_on(async {
            let bench = Bench::new().await;
            let mut bytes = marked().into_bytes();
            for one in &mutations {
                mutate(&mut bytes, one);
            }
            let options = Options { valid_rows, ..Options::default() };
            let report = bench.with(&bytes, &options).await.unwrap();
            let mut all = format!("{}{}{report:?}", report.text(), report.json());
            let mut csv = Vec::new();
            report.csv(&mut csv).unwrap();
            all.push_str(&String::from_utf8(csv).unwrap());
            prop_assert!(!all.contains(MARKED), "{all}");
            prop_assert!(!all.contains("1000000027"), "{all}");
            prop_assert!(!all.contains("Acme"), "{all}");
            let held = bench.dump().await.len() as u64;
            match report.outcome {
                Outcome::Stored => prop_assert_eq!(held, report.tally.added),
                _ => prop_assert_eq!(held, 0),
            }
            if report.outcome == Outcome::Stored {
                let t = report.tally;
                prop_assert_eq!(t.rows, t.added + t.changed + t.unchanged + t.refused);
                let again = bench.with(&bytes, &options).await.unwrap();
                prop_assert_eq!(again.tally.unchanged, t.added);
                prop_assert_eq!((again.tally.added, again.tally.changed), (0, 0));
            }
            Ok(())
        })?;
    }

    /// Programmes and postcodes too: a report names line, column and code, whatever the file says there or calls its columns.
    #[test]
    fn no_kind_of_file_is_quoted(of_postcodes: bool, header: bool, mutations in prop::collection::vec(mutation(), 0..12)) {
        block_on(async {
            let bench = Bench::new().await;
            let (text, width) = if of_postcodes { (POSTCODES, 3) } else { (PROGRAMMES, 11) };
            let fields: Vec<String> = (0..width).map(|n| format!("{MARKED}{n}w")).collect();
            let mut bytes = text.to_owned().into_bytes();
            if header {
                // Another column, with a value in each row.
                let lines = text.lines().enumerate();
                let lines: Vec<String> = lines.map(|(n, line)| format!("{line},{MARKED}{n}c")).collect();
                bytes = lines.join("\n").into_bytes();
                bytes.push(b'\n');
            }
            bytes.extend_from_slice(format!("{}\n", fields.join(",")).as_bytes());
            for one in &mutations {
                mutate(&mut bytes, one);
            }
            let source = Cursor::new(bytes);
            let report = if of_postcodes {
                crate::import::postcodes(&bench.store, source, &Options::default(), now()).await
            } else {
                crate::import::programmes(&bench.store, source, &Options::default(), now()).await
            };
            let report = report.unwrap();
            let mut all = format!("{}{}{report:?}", report.text(), report.json());
            let mut csv = Vec::new();
            report.csv(&mut csv).unwrap();
            all.push_str(&String::from_utf8(csv).unwrap());
            prop_assert!(!all.contains(MARKED), "{all}");
            Ok(())
        })?;
    }

    #[test]
    fn good_rows_go_in_wherever_the_bad_ones_stand(good in prop::collection::vec(any::<bool>(), 1..40)) {
        block_on(async {
            let bench = Bench::new().await;
            let rows: Vec<String> = good
                .iter()
                .enumerate()
                .map(|(n, good)| if *good { row(n, &[]) } else { row(n, &[("sex", "?")]) })
                .collect();
            let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
            let options = Options { valid_rows: true, ..Options::default() };
            let report = bench.with(file(&rows).as_bytes(), &options).await.unwrap();
            let goods = good.iter().filter(|g| **g).count();
            prop_assert_eq!(bench.dump().await.len(), goods);
            let lines: Vec<u64> = report.problems.detailed().iter().map(|p| p.line).collect();
            let expected: Vec<u64> = (2..).zip(&good).filter(|(_, g)| !**g).map(|(line, _)| line).collect();
            prop_assert_eq!(lines, expected);
            Ok(())
        })?;
    }
}
