//! Big numbers, and charts with their titles, tables and downloads.

use askama::Template;

use crate::components::{Details, Table, Tag};
use crate::html::{Html, component};
use crate::page::Link;

/// One big number with what makes it honest: its interval, its coverage, its period.
#[derive(Clone, Template)]
#[template(
    source = r#"<p class="ldsp-stat__label">{{ label }}</p><p class="ldsp-stat__value">{{ value }}</p>{% for line in lines %}<p class="ldsp-stat__line">{{ line }}</p>{% endfor %}{% if let Some(tag) = tag %}<p class="ldsp-stat__tag">{{ tag }}</p>{% endif %}"#,
    ext = "html"
)]
pub struct StatCard {
    label: String,
    value: Html,
    lines: Vec<String>,
    tag: Option<Tag>,
}

impl StatCard {
    /// `label` says what is counted, `value` is the number as it is to be read: `84,760`, `74.2%`.
    pub fn new(label: impl Into<String>, value: impl Into<Html>) -> Self {
        Self {
            label: label.into(),
            value: value.into(),
            lines: Vec::new(),
            tag: None,
        }
    }

    /// The interval, in words: `95% interval 73.8% to 74.6%`.
    #[must_use]
    pub fn interval(self, interval: impl Into<String>) -> Self {
        self.line(interval)
    }

    /// What the number rests on: `38 of 38 LEPs, August to October 2026`.
    #[must_use]
    pub fn coverage(self, coverage: impl Into<String>) -> Self {
        self.line(coverage)
    }

    /// Another line under it.
    #[must_use]
    pub fn line(mut self, line: impl Into<String>) -> Self {
        self.lines.push(line.into());
        self
    }

    /// A tag at its foot, such as `Provisional`.
    #[must_use]
    pub fn tag(mut self, tag: Tag) -> Self {
        self.tag = Some(tag);
        self
    }
}

/// A row of [`StatCard`]s.
#[derive(Clone, Template)]
#[template(
    source = r#"<ul class="ldsp-stats" aria-label="{{ label }}">{% for card in cards %}<li class="ldsp-stat">{{ card }}</li>{% endfor %}</ul>"#,
    ext = "html"
)]
pub struct Stats {
    label: String,
    cards: Vec<StatCard>,
}

impl Stats {
    /// A row that screen readers call `label`.
    pub fn new(label: impl Into<String>, cards: impl IntoIterator<Item = StatCard>) -> Self {
        Self {
            label: label.into(),
            cards: cards.into_iter().collect(),
        }
    }
}

/// A chart with everything that a reader is owed: a headline that says what it shows, a subtitle that says what is measured,
/// notes, the table behind it and a download.
#[derive(Clone, Template)]
#[template(
    source = r#"<figure class="ldsp-figure"{% if let Some(id) = id %} id="{{ id }}"{% endif %}>
<figcaption>{% if level == 3 %}<h3 class="govuk-heading-m ldsp-figure__title">{{ headline }}</h3>{% else %}<h2 class="govuk-heading-m ldsp-figure__title">{{ headline }}</h2>{% endif %}<p class="ldsp-figure__subtitle">{{ subtitle }}</p></figcaption>
{{ chart }}
{% for note in notes %}<p class="ldsp-figure__notes">{{ note }}</p>{% endfor %}
<div class="ldsp-figure__foot">{{ table }}{% for download in downloads %}<a class="govuk-link" href="{{ download.href }}">{{ download.text }}</a>{% endfor %}</div>
</figure>"#,
    ext = "html"
)]
pub struct Figure {
    id: Option<String>,
    level: u8,
    headline: String,
    subtitle: String,
    chart: Html,
    notes: Vec<Html>,
    table: Html,
    downloads: Vec<Link>,
}

impl Figure {
    /// A chart under a headline (what it shows: `Achievement has risen for five months`) and a statistical subtitle (what is
    /// measured: `Achievement rate, ICT, learners aged 16 and over, England, June to October 2026`), with the table behind it.
    pub fn new(
        headline: impl Into<String>,
        subtitle: impl Into<String>,
        chart: impl Into<Html>,
        table: Table,
    ) -> Self {
        let table = Details::new("Show the figures as a table", table);
        Self {
            id: None,
            level: 2,
            headline: headline.into(),
            subtitle: subtitle.into(),
            chart: chart.into(),
            notes: Vec::new(),
            table: table.into(),
            downloads: Vec::new(),
        }
    }

    /// A fragment to link to; unique on its page.
    #[must_use]
    pub fn id(mut self, id: impl Into<String>) -> Self {
        self.id = Some(id.into());
        self
    }

    /// Makes the headline an `h3`, under a section's `h2`.
    #[must_use]
    pub fn under_section(mut self) -> Self {
        self.level = 3;
        self
    }

    /// A note under the chart: coverage, base, source, what `low` means.
    #[must_use]
    pub fn note(mut self, note: impl Into<Html>) -> Self {
        self.notes.push(note.into());
        self
    }

    /// A link to the figures as a file.
    #[must_use]
    pub fn download(mut self, text: impl Into<String>, href: impl Into<String>) -> Self {
        self.downloads.push(Link::new(text, href));
        self
    }
}

component!(StatCard, Stats, Figure);
