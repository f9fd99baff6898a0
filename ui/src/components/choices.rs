//! Fields whose answers are given.

use askama::Template;

use super::fields::{Field, Group, fields};
use crate::html::Html;

/// One of several answers.
#[derive(Clone)]
pub struct Choice {
    value: String,
    label: String,
    hint: Option<String>,
    chosen: bool,
}

impl Choice {
    /// Sends `value`, reads `label`.
    pub fn new(value: impl Into<String>, label: impl Into<String>) -> Self {
        Self {
            value: value.into(),
            label: label.into(),
            hint: None,
            chosen: false,
        }
    }

    /// A line under it; not shown in a [`Select`].
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Marks it as chosen. Radios and selects also mark the choice whose value is the field's.
    #[must_use]
    pub fn chosen(mut self, chosen: bool) -> Self {
        self.chosen = chosen;
        self
    }

    fn is_chosen(&self, field: &Field) -> bool {
        self.chosen || (!field.value.is_empty() && field.value == self.value)
    }
}

#[derive(Template)]
#[template(
    source = r#"<select class="govuk-select{% if field.error.is_some() %} govuk-select--error{% endif %}" id="{{ field.name }}" name="{{ field.name }}"{% let described = field.described_by(None) %}{% if !described.is_empty() %} aria-describedby="{{ described }}"{% endif %}>{% for choice in choices %}<option value="{{ choice.value }}"{% if choice.is_chosen(field) %} selected{% endif %}>{{ choice.label }}</option>{% endfor %}</select>"#,
    ext = "html"
)]
struct Options<'a> {
    field: &'a Field,
    choices: &'a [Choice],
}

/// One answer from a closed list; for more than about six, else use [`Radios`].
pub struct Select {
    field: Field,
    choices: Vec<Choice>,
}

impl Select {
    /// A list of these choices for this field.
    pub fn new(field: Field, choices: impl IntoIterator<Item = Choice>) -> Self {
        Self {
            field,
            choices: choices.into_iter().collect(),
        }
    }
}

/// One answer of a few.
pub struct Radios {
    field: Field,
    choices: Vec<Choice>,
}

/// Any number of a few answers.
pub struct Checkboxes {
    field: Field,
    choices: Vec<Choice>,
}

impl Radios {
    /// These choices for this field.
    pub fn new(field: Field, choices: impl IntoIterator<Item = Choice>) -> Self {
        Self {
            field,
            choices: choices.into_iter().collect(),
        }
    }
}

impl Checkboxes {
    /// These choices for this field; every one that is ticked is sent under the field's name.
    pub fn new(field: Field, choices: impl IntoIterator<Item = Choice>) -> Self {
        Self {
            field,
            choices: choices.into_iter().collect(),
        }
    }
}

#[derive(Template)]
#[template(
    source = r#"<div class="govuk-{{ kind }}" data-module="govuk-{{ kind }}">{% for choice in choices %}{% let id = self.id(loop.index) %}<div class="govuk-{{ kind }}__item"><input class="govuk-{{ kind }}__input" id="{{ id }}" name="{{ field.name }}" type="{{ input }}" value="{{ choice.value }}"{% if choice.is_chosen(field) %} checked{% endif %}{% if choice.hint.is_some() %} aria-describedby="{{ id }}-item-hint"{% endif %}><label class="govuk-label govuk-{{ kind }}__label" for="{{ id }}">{{ choice.label }}</label>{% if let Some(hint) = choice.hint %}<div id="{{ id }}-item-hint" class="govuk-hint govuk-{{ kind }}__hint">{{ hint }}</div>{% endif %}</div>{% endfor %}</div>"#,
    ext = "html"
)]
struct Boxes<'a> {
    kind: &'static str,
    input: &'static str,
    field: &'a Field,
    choices: &'a [Choice],
}

impl Boxes<'_> {
    /// The first has the field's own id, which the error summary links to.
    fn id(&self, n: &usize) -> String {
        if *n == 1 {
            self.field.name.clone()
        } else {
            format!("{}-{n}", self.field.name)
        }
    }
}

fields!(Select, Radios, Checkboxes);

impl Select {
    fn html(&self) -> Html {
        let Self { field, choices } = self;
        Group::one(field, &Options { field, choices }).html()
    }
}

impl Radios {
    fn html(&self) -> Html {
        let Self { field, choices } = self;
        Group::many(
            field,
            &Boxes {
                kind: "radios",
                input: "radio",
                field,
                choices,
            },
        )
        .html()
    }
}

impl Checkboxes {
    fn html(&self) -> Html {
        let Self { field, choices } = self;
        Group::many(
            field,
            &Boxes {
                kind: "checkboxes",
                input: "checkbox",
                field,
                choices,
            },
        )
        .html()
    }
}
