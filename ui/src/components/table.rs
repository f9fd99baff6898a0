//! Tables.

use askama::Template;

use crate::html::{Html, component};

/// A table of figures or facts. The first cell of each row is its header. On a phone each row of three or more columns
/// stands by itself, a line for each cell with its column's name; a narrower table scrolls where it has to.
#[derive(Clone, Template)]
#[template(
    source = r#"<div class="ldsp-table{% if self.is_stacked() %} ldsp-table--rows{% endif %}" role="group" aria-label="{{ caption }}" tabindex="0"><table class="govuk-table">
<caption class="govuk-table__caption {% if caption_hidden %}govuk-visually-hidden{% else %}govuk-table__caption--m{% endif %}">{{ caption }}</caption>
{% if !columns.is_empty() %}<thead class="govuk-table__head"><tr class="govuk-table__row">{% for column in columns %}<th scope="col" class="govuk-table__header{% if self.is_numeric(loop.index0) %} govuk-table__header--numeric{% endif %}"{% if let Some(way) = self.way(loop.index0) %} aria-sort="{{ way }}"{% endif %}>{{ column }}</th>{% endfor %}</tr></thead>
{% endif %}<tbody class="govuk-table__body">
{% for row in rows %}<tr class="govuk-table__row">{% for cell in row %}{% if loop.first %}<th scope="row" class="govuk-table__header">{{ cell }}</th>{% else %}<td class="govuk-table__cell{% if self.is_numeric(loop.index0) %} govuk-table__cell--numeric{% endif %}"{% if let Some(label) = self.label(loop.index0) %} data-label="{{ label }}"{% endif %}>{{ cell }}</td>{% endif %}{% endfor %}</tr>
{% endfor %}</tbody></table></div>"#,
    ext = "html"
)]
pub struct Table {
    caption: String,
    caption_hidden: bool,
    columns: Vec<Html>,
    numeric: Vec<usize>,
    sorted: Option<(usize, bool)>,
    rows: Vec<Vec<Html>>,
}

impl Table {
    /// A table with a caption, which every table has.
    pub fn new(caption: impl Into<String>) -> Self {
        Self {
            caption: caption.into(),
            caption_hidden: false,
            columns: Vec::new(),
            numeric: Vec::new(),
            sorted: None,
            rows: Vec::new(),
        }
    }

    /// Column headings, the row headers' first.
    #[must_use]
    pub fn columns(mut self, columns: impl IntoIterator<Item = impl Into<Html>>) -> Self {
        self.columns = columns.into_iter().map(Into::into).collect();
        self
    }

    /// Which columns hold numbers, counted from 0: they are aligned to the right.
    #[must_use]
    pub fn numeric(mut self, columns: impl IntoIterator<Item = usize>) -> Self {
        self.numeric = columns.into_iter().collect();
        self
    }

    /// Which column, counted from 0, the rows are sorted by, and whether from the last to the first.
    #[must_use]
    pub fn sorted(mut self, column: usize, down: bool) -> Self {
        self.sorted = Some((column, down));
        self
    }

    /// Adds a row. Cells that are strings are text; mix them with markup as `[Html::from("x"), link]`.
    #[must_use]
    pub fn row(mut self, cells: impl IntoIterator<Item = impl Into<Html>>) -> Self {
        self.rows.push(cells.into_iter().map(Into::into).collect());
        self
    }

    /// Adds many rows.
    #[must_use]
    pub fn rows<C: Into<Html>>(
        self,
        rows: impl IntoIterator<Item = impl IntoIterator<Item = C>>,
    ) -> Self {
        rows.into_iter().fold(self, Self::row)
    }

    /// Reads the caption to screen readers only, where a heading above says the same.
    #[must_use]
    pub fn caption_hidden(mut self) -> Self {
        self.caption_hidden = true;
        self
    }

    fn is_stacked(&self) -> bool {
        self.columns.len() > 2
    }

    /// What a cell of this column is called where the headings are away.
    fn label(&self, column: &usize) -> Option<Html> {
        let column = self.columns.get(*column).filter(|_| self.is_stacked());
        column.map(Html::without_tags)
    }

    /// The value of `aria-sort`.
    fn way(&self, column: &usize) -> Option<&'static str> {
        let (sorted, down) = self.sorted?;
        let way = if down { "descending" } else { "ascending" };
        (sorted == *column).then_some(way)
    }

    fn is_numeric(&self, column: &usize) -> bool {
        self.numeric.contains(column)
    }
}

component!(Table);
