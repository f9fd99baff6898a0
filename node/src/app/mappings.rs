//! `import mappings`: list, show, propose, set, remove.

use std::fmt::Write as _;
use std::path::Path;

use serde_json::json;

use super::cli::{MappedKind, Mappings};
use super::import::source;
use super::output::{Answer, Output, Refusal};
use super::watch::Watched;
use super::{Context, open};
use crate::import::mapping::look::{Look, Looked, look};
use crate::import::mapping::propose::propose;
use crate::import::mapping::{self, Kind, Mapping, Reading, TextForm};
use crate::store::Store;
use crate::store::mappings::{LEP, StoredMapping};

pub(super) async fn run(command: &Mappings, context: &Context) -> Answer {
    match command {
        Mappings::List => list(context).await,
        Mappings::Show { name } => {
            let node = open(context).await?;
            let found = named(&node.store, name).await;
            node.store.close().await;
            let found = found?;
            Ok(Output {
                text: toml(&found.mapping),
                json: json!({"name": found.name, "version": found.version, "mapping": found.mapping}),
            })
        }
        Mappings::Propose {
            file,
            kind,
            sheet,
            western,
        } => {
            let kind = match kind {
                MappedKind::Learners => Kind::Learners,
                MappedKind::Programmes => Kind::Programmes,
                MappedKind::Demand => Kind::Demand,
                MappedKind::Vacancies => Kind::Vacancies,
                MappedKind::Services => Kind::Services,
            };
            proposal(file, kind, sheet.clone(), *western, context).await
        }
        Mappings::Set { name, mapping } => set(name, mapping, context).await,
        Mappings::Remove { name } => {
            let node = open(context).await?;
            let done = node
                .store
                .forget_mapping(LEP, name, &context.who, (context.clock)())
                .await?;
            node.store.close().await;
            if !done {
                return Err(unknown(name));
            }
            Ok(Output {
                text: format!("The mapping {name} is forgotten; what was imported with it stays."),
                json: json!({"removed": name}),
            })
        }
    }
}

/// The mapping of this name.
pub(super) async fn named(store: &Store, name: &str) -> Result<StoredMapping, Refusal> {
    store.mapping(LEP, name).await?.ok_or_else(|| unknown(name))
}

fn unknown(name: &str) -> Refusal {
    Refusal::new(
        format!("there is no mapping {name}"),
        "`ldsp-node import mappings list` shows the names.",
    )
}

fn toml(mapping: &Mapping) -> String {
    toml::to_string(mapping).expect("a mapping holds texts and tables of texts")
}

async fn list(context: &Context) -> Answer {
    let node = open(context).await?;
    let all = node.store.mappings(LEP).await?;
    node.store.close().await;
    let mut text = String::new();
    for held in &all {
        let kind = held.mapping.kind.as_str();
        // Writing to a String does not fail.
        let _written = writeln!(
            text,
            "{} ({kind}, version {}, by {})",
            held.name, held.version, held.by
        );
    }
    if all.is_empty() {
        text.push_str("No mapping is remembered. `ldsp-node import mappings propose FILE --kind learners` begins one.");
    }
    let items = all.iter().map(|held| {
        json!({"name": held.name, "kind": held.mapping.kind, "version": held.version, "by": held.by, "at": held.at})
    });
    Ok(Output {
        text: text.trim_end().to_owned(),
        json: json!({"mappings": items.collect::<Vec<_>>()}),
    })
}

async fn set(name: &str, path: &Path, context: &Context) -> Answer {
    let Some(name) = mapping::clean_name(name) else {
        return Err(Refusal::new(
            "this cannot be the name of a mapping",
            "Use up to 100 letters, digits, spaces and . - _ ( ) & ', and no personal data.",
        ));
    };
    let read = std::fs::read_to_string(path);
    let text = read.map_err(|error| {
        Refusal::new(
            format!("{} cannot be read: {error}", path.display()),
            "Check the path and that this program may read the file.",
        )
    })?;
    let mapping: Mapping = toml::from_str(&text).map_err(|error| {
        Refusal::new(
            format!("the mapping is not understood: {}", error.message()),
            "Begin with what `ldsp-node import mappings propose FILE` prints.",
        )
    })?;
    let problems = mapping.check();
    if !problems.is_empty() {
        let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
        let json = problems
            .iter()
            .map(|problem| json!({"column": problem.column, "cause": problem.cause}));
        return Err(Refusal {
            output: Some(Output {
                text: lines.join("\n"),
                json: json!({"problems": json.collect::<Vec<_>>()}),
            }),
            ..Refusal::new(
                format!("the mapping has {} problem(s)", problems.len()),
                "Correct them and set it again; nothing was kept.",
            )
        });
    }
    let node = open(context).await?;
    let now = (context.clock)();
    let done = node
        .store
        .remember_mapping(LEP, (&name, &mapping), None, None, &context.who, now)
        .await?;
    node.store.close().await;
    let version = done.version();
    Ok(Output {
        text: format!(
            "The mapping {name} is remembered, version {version}.\nNext: `ldsp-node import {} FILE --mapping \"{name}\" --dry-run`.",
            mapping.kind.as_str()
        ),
        json: json!({"name": name, "version": version}),
    })
}

async fn proposal(
    path: &Path,
    kind: Kind,
    sheet: Option<String>,
    western: bool,
    context: &Context,
) -> Answer {
    let watched = Watched::begin()?;
    let file = watched
        .progress
        .counting_all(source(path)?, 1)
        .map_err(crate::import::ImportError::from)?;
    let mut begun = Mapping::begun(kind);
    if western {
        begun.text = TextForm::Windows1252;
    }
    let reading = Reading {
        mapping: Some(begun.clone()),
        sheet,
    };
    let looked = look(file, kind, &reading).await;
    let cancelled = watched.progress.is_cancelled();
    drop(watched);
    if cancelled {
        return Err(Refusal::cancelled());
    }
    let found = match looked.map_err(crate::import::ImportError::from)? {
        Looked::Table(found) => found,
        Looked::Sheets(sheets) => {
            let names: Vec<&str> = sheets.iter().map(|sheet| sheet.name.as_str()).collect();
            return Err(Refusal::new(
                format!("more than one sheet may be meant: {}", names.join(", ")),
                "Say which one with --sheet NAME.",
            ));
        }
        Looked::Western => {
            return Err(Refusal::new(
                "the file is not UTF-8; it looks like Windows-1252 (Western European)",
                "Save it as UTF-8, or say that it is Windows-1252 with --western and look at the names of places and people in it after the import.",
            ));
        }
        Looked::Refused(problems) => {
            let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
            return Err(Refusal::new(
                format!("the file cannot be mapped: {}", lines.join(" ")),
                "Correct it and look again.",
            ));
        }
    };
    let node = open(context).await?;
    let print = mapping::fingerprint(&found.header());
    let before = node.store.mapping_for(LEP, kind.as_str(), print).await?;
    node.store.close().await;
    let before = before.map_or(begun, |held| held.mapping);
    let proposed = propose(kind, &found, Some(&before));
    Ok(Output {
        text: format!("{}{}", toml(&proposed), left(&found, &proposed)),
        json: json!({
            "mapping": proposed,
            "columns": found.names(),
            "rows": found.rows,
            "sheet": found.sheet,
            "formulas": found.formulas,
            "problems": proposed.check().iter().map(ToString::to_string).collect::<Vec<_>>(),
        }),
    })
}

/// What a person still has to say, as comments.
fn left(found: &Look, proposed: &Mapping) -> String {
    let mut text = String::from("\n");
    let mut line = |words: &str| {
        for part in words.lines() {
            let _written = writeln!(text, "# {part}");
        }
    };
    line(&format!(
        "Columns of the file: {}",
        found.names().join(", ")
    ));
    line(
        "Each column of the contract is { column = \"NAME IN THE FILE\" } or { always = \"TEXT\" }; always = \"\" where the file has none.",
    );
    for problem in proposed.check() {
        line(&format!("TO SAY: {problem}"));
    }
    let (iso, slashed) = found.dates(proposed);
    if slashed > 0 {
        line(&format!(
            "Dates: {slashed} have the form 01/09/2022 and {iso} the form 2022-09-01. If the day comes first, write dates = \"day-first\"."
        ));
    }
    for (column, values) in found.unknown(proposed) {
        let Some(values) = values else {
            line(&format!(
                "{column}: its values are too many or too long for codes; is it the right column?"
            ));
            continue;
        };
        let values: Vec<&str> = values.iter().map(|(value, _)| value.as_str()).collect();
        line(&format!(
            "[values.{column}] has no code yet for: {}",
            values.join(" | ")
        ));
    }
    for column in found.numbers(proposed) {
        line(&format!(
            "{column}: the workbook keeps numbers here; zeros at their beginning are lost."
        ));
    }
    if found.formulas > 0 {
        line("The workbook has formulas: the values that were saved with them are read.");
    }
    text
}
