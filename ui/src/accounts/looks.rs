//! Pieces that several pages of the kit show.

use askama::Template;
use jiff::Timestamp;

use crate::components::{Field, TextInput};
use crate::html::Html;
use crate::schedule::london;

/// A heading within a page.
pub(super) fn heading(text: &str) -> Html {
    #[derive(Template)]
    #[template(
        source = r#"<h2 class="govuk-heading-m">{{ text }}</h2>"#,
        ext = "html"
    )]
    struct Heading<'a> {
        text: &'a str,
    }
    Html::render(&Heading { text })
}

/// Something that is shown once and has to be copied from here.
pub(super) fn shown_once(text: &str) -> Html {
    #[derive(Template)]
    #[template(source = r#"<p class="ldsp-secret">{{ text }}</p>"#, ext = "html")]
    struct Shown<'a> {
        text: &'a str,
    }
    Html::render(&Shown { text })
}

/// `until 09:24`, on another day with its date.
pub(super) fn until(at: Timestamp, now: Timestamp) -> String {
    let (at, now) = (at.to_zoned(london()), now.to_zoned(london()));
    match at.date() == now.date() {
        true => at.strftime("until %H:%M").to_string(),
        false => at.strftime("until %-d %B, %H:%M").to_string(),
    }
}

/// `23 November 2026, 09:24`, by the clocks of London.
pub(crate) fn moment(at: Timestamp) -> String {
    at.to_zoned(london())
        .strftime("%-d %B %Y, %H:%M")
        .to_string()
}

/// The field that asks for the present secret again.
pub(super) fn present_secret(why: &str, error: Option<String>) -> Html {
    let field = Field::new("secret", "Your secret")
        .hint(why)
        .error_if(error);
    TextInput::new(field).password().into()
}
