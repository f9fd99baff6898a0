//! The report as markup: the body of a page, or a document that stands alone.

use ldsp_ui::Html;
use ldsp_ui::components::{SummaryList, Table, list};

use super::{Block, Report, Section};

#[derive(askama::Template)]
#[template(
    source = r#"{% for section in sections %}<section class="ldsp-report"><h2 class="govuk-heading-m">{{ loop.index }}. {{ section.0 }}</h2>
{{ section.1 }}</section>
{% endfor %}"#,
    ext = "html"
)]
struct Sections<'a> {
    sections: Vec<(&'a str, Html)>,
}

#[derive(askama::Template)]
#[template(
    source = r#"<dl class="ldsp-blanks">{% for line in lines %}<div><dt>{{ line }}</dt><dd>&nbsp;</dd></div>{% endfor %}</dl>"#,
    ext = "html"
)]
struct Blanks<'a> {
    lines: &'a [String],
}

#[derive(askama::Template)]
#[template(path = "report_alone.html")]
struct Alone<'a> {
    title: &'a str,
    body: Html,
}

impl Report {
    /// The sections, for the body of a page.
    #[must_use]
    pub fn html(&self) -> Html {
        body(&self.sections)
    }

    /// A whole document that needs no other file and prints on A4.
    #[must_use]
    pub fn document(&self) -> String {
        alone(&self.title, &self.sections)
    }
}

/// Sections for the body of a page.
pub(crate) fn body(sections: &[Section]) -> Html {
    let sections = sections.iter().map(|section| {
        let blocks = section.blocks.iter().map(block);
        (section.title.as_str(), Html::concat(blocks))
    });
    Html::render(&Sections {
        sections: sections.collect(),
    })
}

/// Sections as a whole document that needs no other file and prints on A4.
pub(crate) fn alone(title: &str, sections: &[Section]) -> String {
    let body = body(sections);
    Html::render(&Alone { title, body }).to_string()
}

fn block(block: &Block) -> Html {
    match block {
        Block::Text(words) => Html::paragraph(words),
        Block::List(points) => list(points.iter().map(String::as_str)),
        Block::Facts(facts) => {
            let list = facts.iter().fold(SummaryList::new(), |list, (key, value)| {
                list.fact(key.clone(), value.as_str())
            });
            list.into()
        }
        Block::Table {
            caption,
            columns,
            numeric,
            rows,
        } => Table::new(caption.clone())
            .caption_hidden()
            .columns(columns.iter().map(String::as_str))
            .numeric(*numeric..columns.len())
            .rows(rows.iter().map(|row| row.iter().map(String::as_str)))
            .into(),
        Block::Blanks(lines) => Html::render(&Blanks { lines }),
    }
}
