//! Forms, their buttons and the summary of their errors.

use askama::Template;

use crate::html::{Html, component};

/// A button that sends a form, or a link that looks like one.
#[derive(Clone, Template)]
#[template(
    source = r#"{% if let Some(href) = href %}<a href="{{ href }}" role="button" draggable="false" class="govuk-button{{ class }}" data-module="govuk-button">{{ text }}</a>{% else %}<button type="submit" class="govuk-button{{ class }}" data-module="govuk-button" data-prevent-double-click="true"{% if let Some((name, value)) = sends %} name="{{ name }}" value="{{ value }}"{% endif %}>{{ text }}</button>{% endif %}"#,
    ext = "html"
)]
pub struct Button {
    text: String,
    href: Option<String>,
    class: &'static str,
    sends: Option<(String, String)>,
}

impl Button {
    /// A button that sends the form it stands in.
    pub fn new(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            href: None,
            class: "",
            sends: None,
        }
    }

    /// A link to `href` that looks like a button: for the next step, not for changes.
    pub fn link(text: impl Into<String>, href: impl Into<String>) -> Self {
        Self {
            href: Some(href.into()),
            ..Self::new(text)
        }
    }

    /// The quieter of two buttons.
    #[must_use]
    pub fn secondary(mut self) -> Self {
        self.class = " govuk-button--secondary";
        self
    }

    /// For what cannot be undone.
    #[must_use]
    pub fn warning(mut self) -> Self {
        self.class = " govuk-button--warning";
        self
    }

    /// Sends `name=value`, to tell two buttons of a form apart.
    #[must_use]
    pub fn sends(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.sends = Some((name.into(), value.into()));
        self
    }
}

/// A form. Sent by POST, so that it is guarded by the origin check; a search form is the exception ([`PostForm::search`]).
#[derive(Template)]
#[template(
    source = r#"<form method="{{ method }}" action="{{ action }}" novalidate>{% for (name, value) in hidden %}<input type="hidden" name="{{ name }}" value="{{ value }}">{% endfor %}
{% for part in parts %}{{ part }}
{% endfor %}</form>"#,
    ext = "html"
)]
pub struct PostForm {
    method: &'static str,
    action: String,
    hidden: Vec<(String, String)>,
    parts: Vec<Html>,
}

impl PostForm {
    /// A form sent to `action`, a local path.
    pub fn to(action: impl Into<String>) -> Self {
        Self {
            method: "post",
            action: action.into(),
            hidden: Vec::new(),
            parts: Vec::new(),
        }
    }

    /// A form that only looks something up: sent by GET, so that its result has an address.
    pub fn search(action: impl Into<String>) -> Self {
        Self {
            method: "get",
            ..Self::to(action)
        }
    }

    /// A value that is sent without being shown.
    #[must_use]
    pub fn hidden(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.hidden.push((name.into(), value.into()));
        self
    }

    /// Adds a field, a button or text.
    #[must_use]
    pub fn with(mut self, part: impl Into<Html>) -> Self {
        self.parts.push(part.into());
        self
    }

    /// Adds buttons side by side.
    #[must_use]
    pub fn buttons(self, buttons: impl IntoIterator<Item = Button>) -> Self {
        let buttons = Html::concat(buttons.into_iter().map(Html::from));
        self.with(Html::concat([
            Html::literal("<div class=\"govuk-button-group\">"),
            buttons,
            Html::literal("</div>"),
        ]))
    }
}

/// Every error of a page, above its heading, each linked to its field. Empty when there are none.
#[derive(Clone, Default, Template)]
#[template(
    source = r##"{% if !errors.is_empty() %}<div class="govuk-error-summary" data-module="govuk-error-summary"><div role="alert"><h2 class="govuk-error-summary__title">There is a problem</h2><div class="govuk-error-summary__body"><ul class="govuk-list govuk-error-summary__list">{% for (field, error) in errors %}<li><a href="#{{ field }}">{{ error }}</a></li>{% endfor %}</ul></div></div></div>{% endif %}"##,
    ext = "html"
)]
pub struct ErrorSummary {
    errors: Vec<(String, String)>,
}

impl ErrorSummary {
    /// No errors yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an error of the field called `field`, in the words that stand at the field.
    #[must_use]
    pub fn error(mut self, field: impl Into<String>, error: impl Into<String>) -> Self {
        self.errors.push((field.into(), error.into()));
        self
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.errors.is_empty()
    }
}

component!(Button, PostForm, ErrorSummary);
