//! Fields with label, hint and error.

use askama::Template;

use crate::html::Html;

/// What every field has: a name, a label, perhaps a hint, a value and an error.
///
/// The field's `id` is its name, so an [`crate::components::ErrorSummary`] links to it by name.
#[derive(Clone)]
pub struct Field {
    pub(super) name: String,
    label: String,
    hint: Option<String>,
    pub(super) value: String,
    pub(super) error: Option<String>,
}

impl Field {
    /// A field called `name` in the form, `label` on the page.
    pub fn new(name: impl Into<String>, label: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            label: label.into(),
            hint: None,
            value: String::new(),
            error: None,
        }
    }

    /// A line of help above the field.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// What stands in it: give back what the person typed.
    #[must_use]
    pub fn value(mut self, value: impl Into<String>) -> Self {
        self.value = value.into();
        self
    }

    /// What is wrong with it: what is missing and how to put it right.
    #[must_use]
    pub fn error(mut self, error: impl Into<String>) -> Self {
        self.error = Some(error.into());
        self
    }

    /// As [`Field::error`], when there is one.
    #[must_use]
    pub fn error_if(mut self, error: Option<impl Into<String>>) -> Self {
        self.error = error.map(Into::into);
        self
    }

    /// The ids that `aria-describedby` names, hint first; empty when there are none.
    pub(super) fn described_by(&self, own: Option<String>) -> String {
        let hint = self.hint.as_ref().map(|_| format!("{}-hint", self.name));
        let error = self.error.as_ref().map(|_| format!("{}-error", self.name));
        [hint, error, own]
            .into_iter()
            .flatten()
            .collect::<Vec<_>>()
            .join(" ")
    }
}

/// Gives a field its conversion to [`Html`] and the right to stand in a caller's template as it is.
macro_rules! fields {
    ($($name:ident),+) => {$(
        impl From<$name> for $crate::Html {
            fn from(field: $name) -> Self {
                field.html()
            }
        }
        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.html().fmt(f)
            }
        }
        impl askama::filters::HtmlSafe for $name {}
    )+};
}
pub(super) use fields;

/// Label or legend, hint and error around a control.
#[derive(Template)]
#[template(
    source = r#"<div class="govuk-form-group{% if field.error.is_some() %} govuk-form-group--error{% endif %}{% if let Some(limit) = limit %} govuk-character-count" data-module="govuk-character-count" data-maxlength="{{ limit }}{% endif %}">
{% if grouped %}<fieldset class="govuk-fieldset"{% if !described.is_empty() %} aria-describedby="{{ described }}"{% endif %}{% if !role.is_empty() %} role="{{ role }}"{% endif %}><legend class="govuk-fieldset__legend govuk-fieldset__legend--s">{{ field.label }}</legend>{% else %}<label class="govuk-label govuk-label--s" for="{{ field.name }}">{{ field.label }}</label>{% endif %}
{% if let Some(hint) = field.hint %}<div id="{{ field.name }}-hint" class="govuk-hint">{{ hint }}</div>{% endif %}
{% if let Some(error) = field.error %}<p id="{{ field.name }}-error" class="govuk-error-message"><span class="govuk-visually-hidden">Error:</span> {{ error }}</p>{% endif %}
{{ control }}{% if grouped %}</fieldset>{% endif %}</div>"#,
    ext = "html"
)]
pub(super) struct Group<'a> {
    field: &'a Field,
    grouped: bool,
    described: String,
    role: &'static str,
    limit: Option<u32>,
    control: Html,
}

impl<'a> Group<'a> {
    pub(super) fn one(field: &'a Field, control: &impl Template) -> Self {
        Self {
            field,
            grouped: false,
            described: String::new(),
            role: "",
            limit: None,
            control: Html::render(control),
        }
    }

    pub(super) fn many(field: &'a Field, control: &impl Template) -> Self {
        Self {
            grouped: true,
            described: field.described_by(None),
            ..Self::one(field, control)
        }
    }

    pub(super) fn html(&self) -> Html {
        Html::render(self)
    }
}

#[derive(Template)]
#[template(
    source = r#"<input class="govuk-input{% if let Some(width) = input.width %} govuk-input--width-{{ width }}{% endif %}{% if field.error.is_some() %} govuk-input--error{% endif %}" id="{{ field.name }}" name="{{ field.name }}" type="{{ input.kind }}" value="{{ field.value }}"{% let described = field.described_by(None) %}{% if !described.is_empty() %} aria-describedby="{{ described }}"{% endif %}{% if let Some(autocomplete) = input.autocomplete %} autocomplete="{{ autocomplete }}"{% endif %}{% if input.numeric %} inputmode="numeric"{% endif %}{% if input.kind == "password" %} spellcheck="false" autocapitalize="none"{% endif %}>"#,
    ext = "html"
)]
struct Line<'a> {
    input: &'a TextInput,
    field: &'a Field,
}

/// One line of text.
pub struct TextInput {
    field: Field,
    kind: &'static str,
    width: Option<u8>,
    autocomplete: Option<&'static str>,
    numeric: bool,
}

impl TextInput {
    /// A line of text for this field.
    #[must_use]
    pub fn new(field: Field) -> Self {
        Self {
            field,
            kind: "text",
            width: None,
            autocomplete: None,
            numeric: false,
        }
    }

    /// Shows it as wide as 2, 3, 4, 5, 10, 20 or 30 characters.
    #[must_use]
    pub fn width(mut self, characters: u8) -> Self {
        self.width = Some(characters);
        self
    }

    /// Tells the browser what it may fill in, for example `username`.
    #[must_use]
    pub fn autocomplete(mut self, what: &'static str) -> Self {
        self.autocomplete = Some(what);
        self
    }

    /// Hides what is typed and never gives a value back.
    #[must_use]
    pub fn password(mut self) -> Self {
        (self.kind, self.autocomplete) = ("password", Some("current-password"));
        self.field.value.clear();
        self
    }

    /// Offers a phone's digits.
    #[must_use]
    pub fn numeric(mut self) -> Self {
        self.numeric = true;
        self
    }
}

#[derive(Template)]
#[template(
    source = r#"<textarea class="govuk-textarea{% if area.limit.is_some() %} govuk-js-character-count{% endif %}{% if field.error.is_some() %} govuk-textarea--error{% endif %}" id="{{ field.name }}" name="{{ field.name }}" rows="{{ area.rows }}"{% let described = area.described() %}{% if !described.is_empty() %} aria-describedby="{{ described }}"{% endif %}>
{{ field.value }}</textarea>{% if let Some(limit) = area.limit %}<div id="{{ field.name }}-info" class="govuk-hint govuk-character-count__message">You can enter up to {{ limit }} characters</div>{% endif %}"#,
    ext = "html"
)]
struct Lines<'a> {
    area: &'a TextArea,
    field: &'a Field,
}

/// Several lines of text.
pub struct TextArea {
    field: Field,
    rows: u8,
    limit: Option<u32>,
}

impl TextArea {
    /// Five lines of text for this field.
    #[must_use]
    pub fn new(field: Field) -> Self {
        Self {
            field,
            rows: 5,
            limit: None,
        }
    }

    /// Another height.
    #[must_use]
    pub fn rows(mut self, rows: u8) -> Self {
        self.rows = rows;
        self
    }

    /// Says how many characters it takes and, with a script, counts them. The server must check.
    #[must_use]
    pub fn limit(mut self, characters: u32) -> Self {
        self.limit = Some(characters);
        self
    }

    fn described(&self) -> String {
        self.field
            .described_by(self.limit.map(|_| format!("{}-info", self.field.name)))
    }
}

/// A day, month and year, sent as `NAME-day`, `NAME-month`, `NAME-year`. An error summary links to `NAME-day`.
pub struct DateInput {
    field: Field,
    parts: [String; 3],
}

impl DateInput {
    /// A date for this field. Give the parts back as they were typed.
    #[must_use]
    pub fn new(field: Field, day: &str, month: &str, year: &str) -> Self {
        Self {
            field,
            parts: [day, month, year].map(str::to_owned),
        }
    }
}

#[derive(Template)]
#[template(
    source = r#"<div class="govuk-date-input" id="{{ field.name }}">{% for (part, label, width, value) in parts %}<div class="govuk-date-input__item"><label class="govuk-label govuk-date-input__label" for="{{ field.name }}-{{ part }}">{{ label }}</label><input class="govuk-input govuk-date-input__input govuk-input--width-{{ width }}{% if field.error.is_some() %} govuk-input--error{% endif %}" id="{{ field.name }}-{{ part }}" name="{{ field.name }}-{{ part }}" type="text" inputmode="numeric" value="{{ value }}"></div>{% endfor %}</div>"#,
    ext = "html"
)]
struct DateParts<'a> {
    field: &'a Field,
    parts: [(&'static str, &'static str, u8, &'a str); 3],
}

fields!(TextInput, TextArea, DateInput);

impl TextInput {
    fn html(&self) -> Html {
        Group::one(
            &self.field,
            &Line {
                input: self,
                field: &self.field,
            },
        )
        .html()
    }
}

impl TextArea {
    fn html(&self) -> Html {
        Group {
            limit: self.limit,
            ..Group::one(
                &self.field,
                &Lines {
                    area: self,
                    field: &self.field,
                },
            )
        }
        .html()
    }
}

impl DateInput {
    fn html(&self) -> Html {
        let [day, month, year] = &self.parts;
        let parts = [
            ("day", "Day", 2, day.as_str()),
            ("month", "Month", 2, month),
            ("year", "Year", 4, year),
        ];
        Group {
            role: "group",
            ..Group::many(
                &self.field,
                &DateParts {
                    field: &self.field,
                    parts,
                },
            )
        }
        .html()
    }
}
