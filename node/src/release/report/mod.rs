//! The privacy report of a release: what a data protection officer files with an assessment (DPIA).
//!
//! [`Report::read`] gathers the facts and puts them into words once; pages, terminal and file show the same. It holds
//! estimates that any reader of the log can work out, and no exact count.

mod html;
mod law;
mod method;
mod sections;
mod text;

pub(crate) use html::{alone, body};
pub(crate) use sections::{checker, outcome};
pub(crate) use text::plain;

use jiff::Timestamp;
use ldsp_protocol::ids::Period;
use serde::Serialize;

use super::figures::Opened;
use super::rules::{self, Verdict};
use super::show::{ShownFamily, shown_families};
use super::{ReleaseError, approvers};
use crate::account::{self, Standing};
use crate::store::enrolment::{self, Enrolment};
use crate::store::overview::StatementRow;
use crate::store::releases::{self, StoredRefusal};
use crate::store::{Store, StoreError};
use ldsp_protocol::standard::Standard;

/// A report in words, ready to be shown in any form.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// The month.
    pub period: Period,
    /// Heading.
    pub title: String,
    /// Parts in order.
    pub sections: Vec<Section>,
}

/// A part with its heading.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Section {
    /// Heading.
    pub title: String,
    /// What stands under it.
    pub blocks: Vec<Block>,
}

/// A piece of a part.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Block {
    /// A paragraph.
    Text(String),
    /// Points.
    List(Vec<String>),
    /// Names and values.
    Facts(Vec<(String, String)>),
    /// A table; all columns from `numeric` on hold figures.
    Table {
        /// What it shows.
        caption: String,
        /// Headings.
        columns: Vec<String>,
        /// The first column of figures.
        numeric: usize,
        /// Cells of each row.
        rows: Vec<Vec<String>>,
    },
    /// Lines to be filled in by hand.
    Blanks(Vec<String>),
}

/// What a report is made from.
struct Facts {
    opened: Opened,
    families: Vec<ShownFamily>,
    verdicts: Vec<Verdict>,
    refusals: Vec<StoredRefusal>,
    approvers: Vec<String>,
    /// In the order of the release's parts; none before it is approved.
    statements: Vec<StatementRow>,
    place: Option<Enrolment>,
    /// One for each standard that the release publishes under, oldest first.
    budgets: Vec<Stated>,
    now: Timestamp,
}

/// A standard's budget at this node.
struct Stated {
    standard: &'static Standard,
    /// Months published under it in the release's epoch.
    months: usize,
    /// As it stands when the report is made.
    standing: Standing,
}

impl Report {
    /// The report of the release of `period` as of `now`.
    ///
    /// # Errors
    /// [`ReleaseError`].
    pub async fn read(store: &Store, period: Period, now: Timestamp) -> Result<Self, ReleaseError> {
        Ok(Facts::read(store, period, now).await?.report())
    }
}

impl Facts {
    async fn read(store: &Store, period: Period, now: Timestamp) -> Result<Self, ReleaseError> {
        let opened = Opened::read(store, period).await?;
        let statements = store.statements().await?;
        let mut connection = store.reader.acquire().await.map_err(StoreError::from)?;
        let previous = rules::previous(&mut connection, &opened).await?;
        Ok(Self {
            families: shown_families(&opened)?,
            verdicts: rules::verdicts(&opened, &previous),
            refusals: releases::refusals(&mut connection, period).await?,
            approvers: approvers(&mut connection, &opened.release).await?,
            statements: {
                let parts = opened.release.parts.iter();
                let row = |seq| statements.iter().find(|s| Some(s.seq) == seq).cloned();
                parts.filter_map(|p| row(p.seq)).collect()
            },
            place: enrolment::read(&mut connection).await?,
            budgets: stated(account::published(&mut connection).await?, &opened),
            now,
            opened,
        })
    }

    fn report(&self) -> Report {
        let mut sections = vec![
            self.in_short(),
            self.who_and_when(),
            self.figures(),
            self.tables(),
            method::stays(),
            method::protection(self),
            method::erasure(),
        ];
        for stated in &self.budgets {
            let of = (self.budgets.len() > 1).then_some(stated.standard);
            sections.push(method::budget(stated, of));
            sections.push(method::attacker(&stated.standing, of));
        }
        sections.extend([
            self.rules(),
            law::law(self),
            law::check(self),
            law::officer(),
            law::words(),
        ]);
        Report {
            period: self.opened.release.period,
            title: format!(
                "Privacy report: {}, {}",
                crate::words::lep(&self.opened.lep),
                self.opened.release.period.in_words()
            ),
            sections,
        }
    }
}

fn stated(standings: Vec<Standing>, opened: &Opened) -> Vec<Stated> {
    let each = opened.published().filter_map(|(stream, _)| {
        let title = stream.standard.title();
        let standing = standings.iter().find(|s| s.standard == title)?;
        Some(Stated {
            standard: stream.standard,
            months: stream.months.len(),
            standing: standing.clone(),
        })
    });
    each.collect()
}

pub(crate) fn section(title: &str, blocks: impl IntoIterator<Item = Block>) -> Section {
    Section {
        title: title.to_owned(),
        blocks: blocks.into_iter().collect(),
    }
}

pub(crate) fn paragraph(words: impl Into<String>) -> Block {
    Block::Text(words.into())
}

pub(crate) fn points<T: Into<String>>(points: impl IntoIterator<Item = T>) -> Block {
    Block::List(points.into_iter().map(Into::into).collect())
}
