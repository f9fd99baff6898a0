//! Markup that is known to be safe, so that nothing else can reach a page unescaped.

use std::fmt;

use askama::Template;
use askama::filters::HtmlSafe;

/// Markup that may be put on a page as it is.
///
/// Askama embeds it without `|safe`; any other string is escaped. Make it from text ([`Html::text`]), from a template of your
/// own ([`Html::render`]) or from the components of this crate, which all turn into it. [`Html::literal`] takes only text
/// written in the program, so that input can never become markup.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Html(String);

impl Html {
    /// Escapes `text` for use between tags and in quoted attributes.
    #[must_use]
    pub fn text(text: &str) -> Self {
        let mut escaped = String::with_capacity(text.len());
        for c in text.chars() {
            match c {
                '&' => escaped.push_str("&amp;"),
                '<' => escaped.push_str("&lt;"),
                '>' => escaped.push_str("&gt;"),
                '"' => escaped.push_str("&quot;"),
                '\'' => escaped.push_str("&#39;"),
                c => escaped.push(c),
            }
        }
        Self(escaped)
    }

    /// Markup written in the program.
    #[must_use]
    pub fn literal(markup: &'static str) -> Self {
        Self(markup.to_owned())
    }

    /// The same without its tags: escaped text, also fit for quoted attributes, where markup has `<` nowhere but in tags.
    #[must_use]
    pub(crate) fn without_tags(&self) -> Self {
        let mut text = String::with_capacity(self.0.len());
        let mut inside = false;
        for c in self.0.chars() {
            match c {
                '<' => inside = true,
                '>' if inside => inside = false,
                '"' if !inside => text.push_str("&quot;"),
                c if !inside => text.push(c),
                _ => {}
            }
        }
        Self(text.split_whitespace().collect::<Vec<_>>().join(" "))
    }

    /// Renders a template of your own. Templates must have the extension `html`, so that askama escapes their values.
    ///
    /// A template fails only when one of its values fails to format; the page then says so in place of the content.
    #[must_use]
    pub fn render(template: &impl Template) -> Self {
        match template.render() {
            Ok(markup) => Self(markup),
            Err(error) => {
                tracing::error!(%error, "a template failed to render");
                Self::literal(
                    "<p class=\"govuk-body\">This part of the page could not be shown.</p>",
                )
            }
        }
    }

    /// One piece of markup after another.
    #[must_use]
    pub fn concat(pieces: impl IntoIterator<Item = Html>) -> Self {
        Self(pieces.into_iter().map(|piece| piece.0).collect())
    }

    /// A drawing of [`crate::charts`], which escapes its own text.
    pub(crate) fn drawn(svg: String) -> Self {
        Self(svg)
    }

    /// A paragraph of plain text.
    #[must_use]
    pub fn paragraph(text: &str) -> Self {
        Self(format!("<p class=\"govuk-body\">{}</p>", Self::text(text)))
    }

    /// The markup.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether there is nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for Html {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Html {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Html({:?})", self.0)
    }
}

impl HtmlSafe for Html {}

/// Text becomes markup by being escaped.
impl From<&str> for Html {
    fn from(text: &str) -> Self {
        Self::text(text)
    }
}

/// Text becomes markup by being escaped.
impl From<String> for Html {
    fn from(text: String) -> Self {
        Self::text(&text)
    }
}

/// Gives a component, an askama template, its conversion to [`Html`] and the right to stand in a caller's template
/// without `|safe`.
macro_rules! component {
    ($($name:ident),+ $(,)?) => {$(
        impl From<$name> for $crate::Html {
            fn from(component: $name) -> Self {
                $crate::Html::render(&component)
            }
        }
        impl From<&$name> for $crate::Html {
            fn from(component: &$name) -> Self {
                $crate::Html::render(component)
            }
        }
        impl askama::filters::HtmlSafe for $name {}
    )+};
}
pub(crate) use component;

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Template)]
    #[template(source = "<i>{{ safe }}</i><b>{{ text }}</b>", ext = "html")]
    struct Mixed<'a> {
        safe: Html,
        text: &'a str,
    }

    #[test]
    fn text_is_escaped_and_html_is_not_escaped_twice() {
        let mixed = Mixed {
            safe: Html::text("a<b & 'c\""),
            text: "<script>",
        };
        assert_eq!(
            Html::render(&mixed).as_str(),
            "<i>a&lt;b &amp; &#39;c&quot;</i><b>&#60;script&#62;</b>"
        );
    }
}
