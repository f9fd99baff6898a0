//! What a feed says, as texts of our columns. Pure: bytes in, texts or a refusal out.
//!
//! Open Referral UK 3.0: the page of its API reference (total_items, total_pages, page_number, size, first_page, last_page, empty,
//! contents), `service.json` and what it holds. Members that we do not know are passed over; those that we need have to be of their type.

use ldsp_protocol::personal;
use serde::Deserialize;
use serde_json::Value;

use super::refusal::Refusal;
use crate::model::service::{COLUMNS, DESCRIPTION_LENGTH, is_page, is_uuid};
use crate::provision::feed::{PLACES, TAXONOMY};
use crate::store::services::Status;

/// Most services of a page.
const ITEMS: usize = 1_000;
/// Longest of the other texts, in characters; and of any, in bytes, as a field of a file.
const TEXT: usize = 200;
const BYTES: usize = 1_000;

/// A page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Page {
    /// How many it says that there are.
    pub(crate) pages: u64,
    /// Whether it is the last one.
    pub(crate) last: bool,
    /// Identifier in lower case and last_modified of each service, empty where it has none.
    pub(crate) items: Vec<(String, String)>,
    /// Services without an identifier in the form of a UUID.
    pub(crate) unnamed: u64,
}

#[derive(Deserialize)]
struct Envelope {
    total_pages: u64,
    page_number: u64,
    #[serde(default)]
    last_page: Option<bool>,
    contents: Vec<Item>,
}

#[derive(Deserialize)]
struct Item {
    #[serde(default)]
    id: Value,
    #[serde(default)]
    last_modified: Value,
}

fn trouble(error: &serde_json::Error) -> Refusal {
    match error.classify() {
        serde_json::error::Category::Data => Refusal::Schema,
        _ => Refusal::Json,
    }
}

/// Reads page `number`.
pub(crate) fn page(bytes: &[u8], number: u64) -> Result<Page, Refusal> {
    let envelope: Envelope = serde_json::from_slice(bytes).map_err(|error| trouble(&error))?;
    if envelope.page_number != number {
        return Err(Refusal::Wrong);
    }
    if envelope.contents.len() > ITEMS {
        return Err(Refusal::Large);
    }
    let all = envelope.contents.len();
    let known = envelope.contents.into_iter().filter_map(|item| {
        let id = item.id.as_str().filter(|id| is_uuid(id))?;
        let modified = item.last_modified.as_str().unwrap_or_default();
        Some((id.to_ascii_lowercase(), short(modified, 40)))
    });
    let items: Vec<(String, String)> = known.collect();
    if items.is_empty() && all > 0 {
        return Err(Refusal::Identifiers);
    }
    Ok(Page {
        pages: envelope.total_pages,
        last: envelope.last_page == Some(true) || number >= envelope.total_pages || all == 0,
        unnamed: (all - items.len()) as u64,
        items,
    })
}

/// Why a service is left out: a code for reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Unfit(pub(crate) &'static str);

/// It is not JSON of a service.
pub(crate) const NOT_A_SERVICE: Unfit = Unfit("service-schema");
/// It has another identifier than the one that was asked for.
const OTHER: Unfit = Unfit("service-identifier");
/// Its status is none of Open Referral UK's.
const STATUS: Unfit = Unfit("service-status");

fn short(text: &str, longest: usize) -> String {
    text.chars().take(longest).collect()
}

/// A text as we may keep it: without markup and control characters, with `[…]` where personal data stood, cut at a word where it is too
/// long.
pub(crate) fn fit(text: &str, longest: usize) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut in_tag = false;
    // What is far longer than we keep is not looked at to its end.
    let mut all = text.chars().take(20 * longest).peekable();
    while let Some(c) = all.next() {
        let opens = c == '<'
            && all
                .peek()
                .is_some_and(|c| c.is_alphabetic() || "/!".contains(*c));
        in_tag |= opens;
        match c {
            '>' if in_tag => {
                in_tag = false;
                plain.push(' ');
            }
            _ if in_tag => {}
            c if c.is_control() => plain.push(' '),
            c => plain.push(c),
        }
    }
    let mut clean = crate::import::values::one_spacing(&plain);
    // What stands around a gap may come to look like something itself.
    for _ in 0..8 {
        let found = personal::find(&clean);
        if found.is_empty() {
            return cut(&clean, longest);
        }
        clean = gaps(&clean, &found);
    }
    String::new()
}

fn gaps(text: &str, found: &[personal::Found]) -> String {
    let mut kept = String::with_capacity(text.len());
    for (at, c) in text.chars().enumerate() {
        match found.iter().find(|f| (f.start..=f.end).contains(&(at + 1))) {
            Some(f) if f.start == at + 1 => kept.push_str("[\u{2026}]"),
            Some(_) => {}
            None => kept.push(c),
        }
    }
    kept
}

fn cut(text: &str, longest: usize) -> String {
    let fits = |text: &str| text.chars().count() <= longest && text.len() <= BYTES;
    if fits(text) {
        return text.to_owned();
    }
    let mut kept: String = text.chars().take(longest.saturating_sub(2)).collect();
    while !fits(&kept) || kept.len() + " \u{2026}".len() > BYTES {
        kept.pop();
    }
    if let Some(end) = kept.rfind(' ') {
        kept.truncate(end);
    }
    format!("{kept} \u{2026}")
}

fn said<'a>(of: &'a Value, name: &str) -> &'a str {
    of.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn several<'a>(of: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    of.get(name).and_then(Value::as_array).into_iter().flatten()
}

/// The date of a date or a moment.
fn day(text: &str) -> String {
    let day: String = text.chars().take(10).collect();
    let is_day = day
        .parse::<jiff::civil::Date>()
        .is_ok_and(|day| day.year() >= 1850);
    if is_day { day } else { String::new() }
}

fn age(of: &Value, name: &str) -> String {
    let age = of.get(name).and_then(Value::as_f64);
    let age = age.filter(|age| (1.0..=120.0).contains(age));
    age.map_or_else(String::new, |age| format!("{:.0}", age.floor()))
}

/// Pounds, where every cost that is told is the same amount.
fn cost(service: &Value) -> String {
    let mut amounts = several(service, "cost_options").filter_map(|c| c.get("amount")?.as_f64());
    let Some(first) = amounts.next() else {
        return String::new();
    };
    let is_sum = (0.0..=1e9).contains(&first) && amounts.all(|other| other == first);
    if is_sum {
        format!("{first:.2}")
    } else {
        String::new()
    }
}

fn joined<'a>(parts: impl Iterator<Item = &'a str>) -> String {
    let mut all: Vec<&str> = Vec::new();
    for part in parts.map(str::trim).filter(|part| !part.is_empty()) {
        if !all.contains(&part) {
            all.push(part);
        }
    }
    all.join("; ")
}

fn locations(service: &Value) -> impl Iterator<Item = &Value> {
    several(service, "service_at_locations").filter_map(|at| at.get("location"))
}

/// The codes of our own data standard that another node's feed gives.
fn codes(service: &Value, dimension: &str) -> String {
    let wanted = format!("{TAXONOMY}{dimension}");
    let terms = several(service, "attributes").filter_map(|a| a.get("taxonomy_term"));
    let own = terms.filter(|term| said(term, "taxonomy") == wanted);
    joined(own.map(|term| said(term, "term")))
}

/// The district, where another node's feed names one.
fn area(service: &Value) -> String {
    let mut codes = several(service, "service_areas").filter_map(|a| {
        let code = said(a, "uri").strip_prefix(PLACES)?;
        (!code.starts_with("E37")).then_some(code)
    });
    match (codes.next(), codes.next()) {
        (Some(one), None) => one.to_owned(),
        _ => String::new(),
    }
}

/// Names of the columns that a feed fills.
pub(crate) const FILLED: &[&str] = &[
    "name",
    "organisation",
    "description",
    "tier",
    "skills",
    "audience",
    "mode",
    "area",
    "place",
    "start",
    "end",
    "cost",
    "cost_notes",
    "minimum_age",
    "maximum_age",
    "accessibility",
    "url",
    "status",
    "assured_date",
];

/// What a feed says of a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Given {
    /// One for each of our columns.
    pub(crate) texts: Vec<String>,
    /// Names of what it is of a kind of, in any taxonomy; not kept.
    pub(crate) kinds: String,
}

/// Reads a service.
pub(crate) fn service(bytes: &[u8], id: &str, source: &str) -> Result<Given, Unfit> {
    let it: Value = serde_json::from_slice(bytes).map_err(|_| NOT_A_SERVICE)?;
    if !it.is_object() || !it.get("name").is_some_and(Value::is_string) {
        return Err(NOT_A_SERVICE);
    }
    if !said(&it, "id").eq_ignore_ascii_case(id) {
        return Err(OTHER);
    }
    let status = match it.get("status") {
        None | Some(Value::Null) => Status::Active,
        Some(word) => word.as_str().and_then(Status::named).ok_or(STATUS)?,
    };
    let organisation = it.get("organization").unwrap_or(&Value::Null);
    let schedules = || several(&it, "schedules");
    let first = |name: &str| {
        schedules()
            .map(|s| day(said(s, name)))
            .find(|d| !d.is_empty())
    };
    let notes = several(&it, "cost_options").map(|c| said(c, "amount_description"));
    let notes = notes.chain([said(&it, "fees")]);
    let places = locations(&it).map(|l| said(l, "name"));
    let accessibility = locations(&it).flat_map(|l| several(l, "accessibility"));
    let url = said(&it, "url").trim();
    let mut texts = vec![String::new(); COLUMNS.len()];
    let mut set = |column: &str, text: String| {
        if let Some(at) = COLUMNS.iter().position(|name| *name == column) {
            texts[at] = text;
        }
    };
    set("name", fit(said(&it, "name"), TEXT));
    set("organisation", fit(said(organisation, "name"), TEXT));
    set(
        "description",
        fit(said(&it, "description"), DESCRIPTION_LENGTH),
    );
    set("place", fit(&joined(places), TEXT));
    set("start", first("valid_from").unwrap_or_default());
    set("end", first("valid_to").unwrap_or_default());
    set("cost", cost(&it));
    set("cost_notes", fit(&joined(notes), TEXT));
    set("minimum_age", age(&it, "minimum_age"));
    set("maximum_age", age(&it, "maximum_age"));
    set(
        "accessibility",
        fit(&joined(accessibility.map(|a| said(a, "description"))), TEXT),
    );
    set(
        "url",
        if is_page(url) {
            url.to_owned()
        } else {
            String::new()
        },
    );
    set("status", status.id().to_owned());
    set("assured_date", day(said(&it, "assured_date")));
    for (column, dimension) in [
        ("tier", "tier"),
        ("skills", "skill"),
        ("audience", "audience"),
        ("mode", "mode"),
    ] {
        set(column, codes(&it, dimension));
    }
    set("area", area(&it));
    set("source", source.to_owned());
    set("source_id", id.to_owned());
    let kinds = several(&it, "attributes").filter_map(|a| a.get("taxonomy_term"));
    let kinds = joined(kinds.map(|term| said(term, "name")));
    Ok(Given { texts, kinds })
}
