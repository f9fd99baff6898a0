//! `import programmes`, `import learners`, `import demand`, `import services`, `import ilr`, `import postcodes`; `import mappings` is in [`super::mappings`].

use std::fs::File;
use std::path::Path;

use super::cli::{DoubtfulRows, Import, ImportFile, LearnerFile};
use super::output::{Answer, Output, Refusal};
use super::watch::Watched;
use super::{Context, mappings, open};
use crate::import::mapping::{Kind, Reading};
use crate::import::report::{ImportReport, Outcome};
use crate::import::{self, Doubtful, ImportError, Options};
use crate::store::Store;
use crate::store::imports::ImportKind;

impl From<ImportError> for Refusal {
    fn from(error: ImportError) -> Self {
        if let ImportError::Cancelled(cancelled) = error {
            return cancelled.into();
        }
        Self::new(&error, error.next_by_command())
    }
}

pub(super) async fn run(command: Import, context: &Context) -> Answer {
    let (file, report) = match &command {
        Import::Programmes(args)
        | Import::Demand(args)
        | Import::Vacancies(args)
        | Import::Services(args)
        | Import::Learners(LearnerFile { file: args, .. }) => {
            (args.file.clone(), args.report.clone())
        }
        Import::Ilr(args) => (args.file.clone(), args.report.clone()),
        Import::Survey(args) => (args.file.clone(), None),
        Import::Postcodes { file } => (file.clone(), None),
        Import::Mappings(command) => return mappings::run(command, context).await,
    };
    let node = open(context).await?;
    let whole = is_file(&file);
    // Before a pipe is opened, which waits for its writer.
    let watched = Watched::begin()?;
    let source = source(&file)?;
    if let Ok(about) = source.metadata() {
        watched.progress.expect(about.len());
    }
    let options = |args: &ImportFile| Options {
        who: context.who.clone(),
        dry_run: args.dry_run,
        valid_rows: args.valid_rows,
        progress: watched.progress.clone(),
        ..Options::default()
    };
    let (store, now) = (&node.store, (context.clock)());
    let result = match &command {
        Import::Mappings(command) => return mappings::run(command, context).await,
        Import::Programmes(args) => {
            let reading = reading(store, args, whole).await?;
            if whole {
                let file = (Kind::Programmes, source);
                import::file(store, &node.pseudonyms, file, &reading, &options(args), now).await
            } else {
                import::programmes(store, source, &options(args), now).await
            }
        }
        Import::Survey(args) => {
            if !whole {
                return Err(Refusal::new(
                    "a table of the survey has to be a file that can be read more than once",
                    "Write what comes through the pipe to a file and import that.",
                ));
            }
            let options = Options {
                who: context.who.clone(),
                dry_run: args.dry_run,
                progress: watched.progress.clone(),
                ..Options::default()
            };
            import::survey::take(store, source, args.sheet.as_deref(), &options, now).await
        }
        Import::Vacancies(args) => {
            let reading = reading(store, args, whole).await?;
            if whole {
                let file = (Kind::Vacancies, source);
                import::file(store, &node.pseudonyms, file, &reading, &options(args), now).await
            } else {
                import::vacancies::csv(store, source, &options(args), now).await
            }
        }
        Import::Demand(args) => {
            let reading = reading(store, args, whole).await?;
            if whole {
                let file = (Kind::Demand, source);
                import::file(store, &node.pseudonyms, file, &reading, &options(args), now).await
            } else {
                import::demands::demand(store, source, &options(args), now).await
            }
        }
        Import::Services(args) => {
            let reading = reading(store, args, whole).await?;
            if whole {
                let file = (Kind::Services, source);
                import::file(store, &node.pseudonyms, file, &reading, &options(args), now).await
            } else {
                import::services(store, source, &options(args), now).await
            }
        }
        Import::Learners(args) => {
            let reading = reading(store, &args.file, whole).await?;
            let options = Options {
                new_providers: args.new_providers,
                doubtful: doubtful(args.doubtful),
                ..options(&args.file)
            };
            if whole {
                let file = (Kind::Learners, source);
                import::file(store, &node.pseudonyms, file, &reading, &options, now).await
            } else {
                import::learners(store, &node.pseudonyms, source, &options, now).await
            }
        }
        Import::Ilr(args) => {
            let options = Options {
                who: context.who.clone(),
                dry_run: args.dry_run,
                valid_rows: args.valid_rows,
                doubtful: doubtful(args.doubtful),
                progress: watched.progress.clone(),
                ..Options::default()
            };
            import::ilr(store, &node.pseudonyms, source, &options, now).await
        }
        Import::Postcodes { .. } => {
            let options = Options {
                who: context.who.clone(),
                progress: watched.progress.clone(),
                ..Options::default()
            };
            import::postcodes(store, source, &options, now).await
        }
    };
    drop(watched);
    store.close().await;
    answer(result?.for_terminal(), report.as_deref())
}

/// Whether it can be read more than once: a pipe cannot, and is CSV in the contract's columns.
fn is_file(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|about| about.is_file())
}

/// How the file is read: with the mapping that is named.
async fn reading(store: &Store, args: &ImportFile, whole: bool) -> Result<Reading, Refusal> {
    if !whole && (args.mapping.is_some() || args.sheet.is_some()) {
        return Err(Refusal::new(
            "a mapping or a sheet needs a file that can be read more than once",
            "Write what comes through the pipe to a file and import that.",
        ));
    }
    let mapping = match &args.mapping {
        None => None,
        Some(name) => Some(mappings::named(store, name).await?.mapping),
    };
    Ok(Reading {
        mapping,
        sheet: args.sheet.clone(),
    })
}

fn doubtful(said: Option<DoubtfulRows>) -> Doubtful {
    match said {
        None => Doubtful::Ask,
        Some(DoubtfulRows::New) => Doubtful::New,
        Some(DoubtfulRows::Corrected) => Doubtful::Corrected,
    }
}

/// Opens the file.
pub(super) fn source(path: &Path) -> Result<File, Refusal> {
    File::open(path).map_err(|error| {
        Refusal::new(
            format!("{} cannot be read: {error}", path.display()),
            "Check the path and that this program may read the file.",
        )
    })
}

fn answer(report: ImportReport, file: Option<&Path>) -> Answer {
    if let Some(path) = file {
        let written = File::create(path).and_then(|out| report.csv(out));
        written.map_err(|error| {
            let what = match report.outcome {
                Outcome::Stored => "The import itself is stored.",
                Outcome::Checked | Outcome::Refused => "Nothing was stored.",
            };
            Refusal::new(
                format!(
                    "the report cannot be written to {}: {error}",
                    path.display()
                ),
                format!("{what} Check the path, then run the command again."),
            )
        })?;
    }
    let output = Output {
        text: report.text(),
        json: report.json(),
    };
    match report.outcome {
        Outcome::Stored | Outcome::Checked => Ok(output),
        Outcome::Refused => {
            let t = report.tally;
            let some = t.refused > 0 && t.refused < t.rows && report.digest.is_some();
            let next = if some && report.kind != ImportKind::Postcodes {
                "Correct the rows that the report names and import the file again, or use --valid-rows to store the others."
            } else {
                "Correct what the report names and import the file again."
            };
            let reason = format!("the file has {} problem(s)", report.problems.total());
            Err(Refusal {
                output: Some(output),
                ..Refusal::new(reason, next)
            })
        }
    }
}
