//! The practice library as files: every entry that everybody may read, newest first.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use ldsp_protocol::practice::Direction;
use ldsp_protocol::standard::Dimension;
use ldsp_ui::{ProblemPage, csv_text};
use serde::Serialize;

use super::{Failure, figures, library};
use crate::Service;
use crate::receive::practice::LibraryItem;
use crate::store::{Library, LibraryEntry, PracticeFilter, Reader, StoreError};

/// Entries that are read at once.
const CHUNK: u32 = 200;
const COLUMNS: [&str; 19] = [
    "index",
    "node",
    "seq",
    "title",
    "verdict",
    "area",
    "tier",
    "skills",
    "audience",
    "mode",
    "cost",
    "worked_because",
    "failed_because",
    "again",
    "what",
    "change",
    "repeat",
    "review",
    "page",
];

/// Every entry that everybody may read today.
async fn all(service: &Service) -> Result<Vec<LibraryEntry>, StoreError> {
    let mut all: Vec<LibraryEntry> = Vec::new();
    loop {
        let filter = PracticeFilter {
            before: all.last().map(|entry| entry.index),
            limit: CHUNK,
            ..PracticeFilter::all(Reader::Public(service.today()))
        };
        let found = service.store.entries(&filter).await?;
        let is_last = found.len() < CHUNK as usize;
        all.extend(found);
        if is_last {
            return Ok(all);
        }
    }
}

/// The library with codes in words, a row per entry; several of one column are separated by semicolons.
pub(super) async fn csv(State(service): State<Arc<Service>>) -> Result<Response, Failure> {
    let entries = all(&service).await?;
    Ok(match to_csv(&service.public_url, &entries) {
        Ok(bytes) => figures::csv_file("practice", bytes),
        Err(error) => {
            tracing::error!(%error, "a download could not be written");
            ProblemPage::fault().into_response()
        }
    })
}

fn to_csv(url: &str, entries: &[LibraryEntry]) -> Result<Vec<u8>, csv::Error> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(COLUMNS)?;
    for e in entries {
        let p = &e.entry;
        let titles = |dimension, codes: &[String]| {
            let titles: Vec<String> = codes
                .iter()
                .map(|code| library::title(dimension, code))
                .collect();
            titles.join("; ")
        };
        let causes = |direction: Direction| {
            let causes = p.causes.iter().filter(|cause| cause.direction == direction);
            let causes: Vec<String> = causes
                .map(|cause| format!("{}: {}", cause.factor.in_words(), cause.because))
                .collect();
            causes.join("; ")
        };
        let row = [
            e.index.to_string(),
            e.node.to_string(),
            e.seq.to_string(),
            p.title.clone(),
            p.verdict.in_words().to_owned(),
            library::area(&p.area),
            library::title(Dimension::Tier, &p.tier),
            titles(Dimension::Skill, &p.skills),
            titles(Dimension::Audience, &p.audience),
            library::title(Dimension::Mode, &p.mode),
            p.cost.in_words().to_owned(),
            causes(Direction::WorkedBecause),
            causes(Direction::FailedBecause),
            p.again.in_words().to_owned(),
            p.what.clone(),
            p.change.clone(),
            p.repeat.clone(),
            p.review.to_string(),
            format!("{url}{}", super::practice::href(e)),
        ];
        writer.write_record(row.iter().map(|cell| csv_text(cell).into_owned()))?;
    }
    writer
        .into_inner()
        .map_err(|error| error.into_error().into())
}

#[derive(Serialize)]
struct Whole {
    items: Vec<LibraryItem>,
}

/// The library as the interface for programs gives it, whole.
pub(super) async fn json(State(service): State<Arc<Service>>) -> Result<Response, Failure> {
    let items = all(&service).await?.into_iter().map(LibraryItem::from);
    let whole = Whole {
        items: items.collect(),
    };
    let disposition = "attachment; filename=\"practice.json\"";
    Ok(([(header::CONTENT_DISPOSITION, disposition)], Json(whole)).into_response())
}
