//! The audit log as a file that leaves the node. Who checks it elsewhere takes the JSON, which has every text as its hash covers it; the CSV is
//! for reading.

use crate::store::audit::{Entry, Filter};
use crate::store::{Store, StoreError};

/// Entries read at a time.
const PAGE: u32 = 10_000;

/// Every entry that the filter lets through, oldest first. Only all of them together can be held to their hashes.
///
/// # Errors
/// The database cannot be read.
pub async fn all(store: &Store, filter: &Filter) -> Result<Vec<Entry>, StoreError> {
    let mut all: Vec<Entry> = Vec::new();
    loop {
        let before = all.last().map(|entry| entry.id);
        let page = store.audit_before(before, PAGE, filter).await?;
        let is_last = page.len() < PAGE as usize;
        all.extend(page);
        if is_last {
            all.reverse();
            return Ok(all);
        }
    }
}

/// As CSV (RFC 4180). A text that a spreadsheet would take for a formula gets an apostrophe in front, which no hash covers.
#[must_use]
pub fn csv(entries: &[Entry]) -> String {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let mut record = |fields: [&str; 6]| {
        writer
            .write_record(fields)
            .expect("memory takes every record of six fields");
    };
    record(["entry", "at", "who", "action", "detail", "hash"]);
    for entry in entries {
        let hash = entry.hash.map_or_else(String::new, |hash| hash.to_string());
        record([
            &entry.id.to_string(),
            &entry.at.to_string(),
            &ldsp_ui::csv_text(&entry.who),
            &ldsp_ui::csv_text(&entry.action),
            &ldsp_ui::csv_text(&entry.detail),
            &hash,
        ]);
    }
    let bytes = writer.into_inner().expect("memory takes what is buffered");
    String::from_utf8_lossy(&bytes).into_owned()
}
