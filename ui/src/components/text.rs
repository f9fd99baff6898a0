//! Small pieces of text.

use askama::Template;

use crate::html::{Html, component};

/// A link in running text.
///
/// `href` may come from data: only local addresses, `https:` and `mailto:` become a link, anything else stays text.
#[must_use]
pub fn link(text: &str, href: &str) -> Html {
    let is_local =
        href.starts_with(['/', '#', '?']) && !href.starts_with("//") && !href.contains('\\');
    if is_local || href.starts_with("https://") || href.starts_with("mailto:") {
        Html::render(&Anchor { text, href })
    } else {
        Html::text(text)
    }
}

#[derive(Template)]
#[template(
    source = r#"<a class="govuk-link" href="{{ href }}">{{ text }}</a>"#,
    ext = "html"
)]
struct Anchor<'a> {
    text: &'a str,
    href: &'a str,
}

/// A bulleted list.
#[must_use]
pub fn list(items: impl IntoIterator<Item = impl Into<Html>>) -> Html {
    Html::render(&Bullets {
        items: items.into_iter().map(Into::into).collect(),
    })
}

#[derive(Template)]
#[template(
    source = r#"<ul class="govuk-list govuk-list--bullet">{% for item in items %}<li>{{ item }}</li>{% endfor %}</ul>"#,
    ext = "html"
)]
struct Bullets {
    items: Vec<Html>,
}

/// A paragraph set off from the text around it.
#[derive(Template)]
#[template(
    source = r#"<div class="govuk-inset-text">{{ content }}</div>"#,
    ext = "html"
)]
pub struct InsetText {
    content: Html,
}

impl InsetText {
    /// Sets `content` off.
    pub fn new(content: impl Into<Html>) -> Self {
        Self {
            content: content.into(),
        }
    }
}

/// A consequence that people must know before they go on.
#[derive(Template)]
#[template(
    source = r#"<div class="govuk-warning-text"><span class="govuk-warning-text__icon" aria-hidden="true">!</span><strong class="govuk-warning-text__text"><span class="govuk-visually-hidden">Warning</span> {{ content }}</strong></div>"#,
    ext = "html"
)]
pub struct Warning {
    content: Html,
}

impl Warning {
    /// Warns of `content`, one sentence.
    pub fn new(content: impl Into<Html>) -> Self {
        Self {
            content: content.into(),
        }
    }
}

/// Something that opens at a click and works without a script.
#[derive(Template)]
#[template(
    source = r#"<details class="govuk-details"{% if open %} open{% endif %}><summary class="govuk-details__summary"><span class="govuk-details__summary-text">{{ summary }}</span></summary><div class="govuk-details__text">{{ content }}</div></details>"#,
    ext = "html"
)]
pub struct Details {
    summary: String,
    content: Html,
    open: bool,
}

impl Details {
    /// Hides `content` behind `summary`.
    pub fn new(summary: impl Into<String>, content: impl Into<Html>) -> Self {
        Self {
            summary: summary.into(),
            content: content.into(),
            open: false,
        }
    }

    /// Shows it open at first.
    #[must_use]
    pub fn open(mut self) -> Self {
        self.open = true;
        self
    }
}

/// Text for machines, line by line as it is: commands, a key, a receipt. It scrolls by itself where a line is longer
/// than the screen.
#[derive(Template)]
#[template(
    source = r#"<div class="ldsp-block"><p class="ldsp-block__label" id="{{ id }}-label">{{ label }}</p><pre class="ldsp-block__text" id="{{ id }}" tabindex="0" role="group" aria-labelledby="{{ id }}-label">{{ text }}</pre></div>"#,
    ext = "html"
)]
pub struct CodeBlock {
    id: String,
    label: String,
    text: String,
}

impl CodeBlock {
    /// A block that is called `label`; `id` is unique on its page.
    pub fn new(id: impl Into<String>, label: impl Into<String>, text: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            label: label.into(),
            text: text.into(),
        }
    }
}

/// A tag's colour; its words say the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TagColour {
    /// Neither good nor bad.
    #[default]
    Blue,
    /// Done, checked, in force.
    Green,
    /// Waiting for somebody.
    Yellow,
    /// Refused or failed.
    Red,
    /// Not yet begun, or of no consequence.
    Grey,
    /// Something special, such as restricted to peers.
    Purple,
}

/// A state in one or two words.
#[derive(Clone, Template)]
#[template(
    source = r#"<strong class="govuk-tag govuk-tag--{{ self.class() }}">{{ text }}</strong>"#,
    ext = "html"
)]
pub struct Tag {
    text: String,
    colour: TagColour,
}

impl Tag {
    /// A blue tag that reads `text`.
    pub fn new(text: impl Into<String>) -> Self {
        Self::coloured(text, TagColour::default())
    }

    /// A tag of another colour.
    pub fn coloured(text: impl Into<String>, colour: TagColour) -> Self {
        Self {
            text: text.into(),
            colour,
        }
    }

    fn class(&self) -> &'static str {
        match self.colour {
            TagColour::Blue => "blue",
            TagColour::Green => "green",
            TagColour::Yellow => "yellow",
            TagColour::Red => "red",
            TagColour::Grey => "grey",
            TagColour::Purple => "purple",
        }
    }
}

/// Says above the heading what was just done, or something that matters on this page.
#[derive(Template)]
#[template(
    source = r#"<div class="govuk-notification-banner{% if success %} govuk-notification-banner--success{% endif %}" role="{% if success %}alert{% else %}region{% endif %}" aria-labelledby="notification-title" data-module="govuk-notification-banner">
<div class="govuk-notification-banner__header"><h2 class="govuk-notification-banner__title" id="notification-title">{% if success %}Done{% else %}Important{% endif %}</h2></div>
<div class="govuk-notification-banner__content"><p class="govuk-notification-banner__heading">{{ heading }}</p>{% if !content.is_empty() %}<div class="govuk-body">{{ content }}</div>{% endif %}</div></div>"#,
    ext = "html"
)]
pub struct Notification {
    heading: String,
    content: Html,
    success: bool,
}

impl Notification {
    /// What was just done.
    pub fn done(heading: impl Into<String>) -> Self {
        Self {
            heading: heading.into(),
            content: Html::default(),
            success: true,
        }
    }

    /// What matters here.
    pub fn important(heading: impl Into<String>) -> Self {
        Self {
            success: false,
            ..Self::done(heading)
        }
    }

    /// More of it.
    #[must_use]
    pub fn content(mut self, content: impl Into<Html>) -> Self {
        self.content = content.into();
        self
    }
}

component!(InsetText, Warning, Details, CodeBlock, Tag, Notification);
