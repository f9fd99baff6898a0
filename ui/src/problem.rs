//! Pages that tell a person what went wrong, why, and what to do next.

use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::api::Unconfirmed;
use crate::html::Html;
use crate::page::Page;

/// Code of [`ProblemPage::unconfirmed`].
const UNCONFIRMED: &str = "unconfirmed";

/// A refusal or failure, shown to a person as a page.
///
/// ```
/// use ldsp_ui::ProblemPage;
/// let problem = ProblemPage::new(axum::http::StatusCode::CONFLICT, "already_approved", "This release is already approved")
///     .happened("Another person approved the release for October 2026 before you.")
///     .next("Open the release to see who approved it and when.");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct ProblemPage {
    /// HTTP status.
    pub status: StatusCode,
    /// Short stable name for support and logs, `snake_case`.
    pub code: &'static str,
    /// The page's heading.
    pub title: String,
    /// What happened and why, one or two sentences.
    pub happened: String,
    /// What to do now.
    pub next: String,
}

impl ProblemPage {
    /// A problem; say what happened and what to do next with the two methods below.
    pub fn new(status: StatusCode, code: &'static str, title: impl Into<String>) -> Self {
        Self {
            status,
            code,
            title: title.into(),
            happened: String::new(),
            next: "Go back and try again.".into(),
        }
    }

    /// Says what happened and why.
    pub fn happened(mut self, happened: impl Into<String>) -> Self {
        self.happened = happened.into();
        self
    }

    /// Says what to do now.
    pub fn next(mut self, next: impl Into<String>) -> Self {
        self.next = next.into();
        self
    }

    /// 404: no page has this address.
    pub fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "page_not_found", "Page not found")
            .happened("No page has this address. It may have been typed wrongly, or the page may have moved.")
            .next("Check the address, or start from the front page.")
    }

    /// 403: the person's role does not allow this.
    pub fn forbidden(happened: impl Into<String>) -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "role_not_allowed",
            "You cannot do this with your role",
        )
        .happened(happened)
        .next("Ask the person who runs this site to do it, or to give you the role that may.")
    }

    /// 500: a fault of the site. Says nothing of its cause; log that.
    pub fn fault() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal_fault", "Sorry, this page has a fault")
            .happened("Something went wrong on our side. What was already saved is safe.")
            .next("Try again in a few minutes. If it happens again, tell the person who runs this site what you were doing.")
    }

    /// 503: something that the page needs is not available just now.
    pub fn unavailable(happened: impl Into<String>) -> Self {
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "unavailable",
            "This page is not available just now",
        )
        .happened(happened)
        .next("Try again in a few minutes.")
    }

    /// 503: whether a write reached the disk is unknown. Its answer carries [`Unconfirmed`].
    pub fn unconfirmed() -> Self {
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            UNCONFIRMED,
            "It is not known whether this was stored",
        )
        .happened("The disk did not confirm the write. The server ends now and reads back what is there when it is started again.")
        .next("Tell the person who runs this site. When it is back, look whether what you did is there.")
    }

    /// The problem that stands for a bare status from a library: an unreadable form, a method that a page does not have.
    pub(crate) fn of_status(status: StatusCode) -> Self {
        match status {
            StatusCode::NOT_FOUND => Self::not_found(),
            StatusCode::METHOD_NOT_ALLOWED => {
                Self::new(status, "method_not_allowed", "This page cannot do that")
                    .happened("The address exists, but not for this kind of request.")
                    .next("Open the page from its menu and use the buttons on it.")
            }
            StatusCode::PAYLOAD_TOO_LARGE => {
                Self::new(status, "too_large", "What you sent is too large")
                    .happened("The form or file is larger than this page takes.")
                    .next("Send less at once, or split the file.")
            }
            status if status.is_client_error() => Self::new(
                status,
                "form_not_understood",
                "What you sent could not be read",
            )
            .happened("The form was incomplete or in a format that this page does not read.")
            .next("Go back, reload the page and fill in the form again."),
            status => Self {
                status,
                ..Self::fault()
            },
        }
    }

    /// The page that shows it.
    pub fn page(&self) -> Page {
        let code = Html::render(&ProblemBody { problem: self });
        Page::new(self.title.clone()).status(self.status).body(code)
    }
}

#[derive(askama::Template)]
#[template(
    source = r#"{% if !problem.happened.is_empty() %}<p class="govuk-body">{{ problem.happened }}</p>
{% endif %}<h2 class="govuk-heading-m">What to do next</h2>
<p class="govuk-body">{{ problem.next }}</p>
<p class="govuk-body"><a class="govuk-link" href="/">Go to the front page</a></p>
<p class="govuk-body-s">Reference: <span class="ldsp-code">{{ problem.status.as_u16() }} {{ problem.code }}</span></p>"#,
    ext = "html"
)]
struct ProblemBody<'a> {
    problem: &'a ProblemPage,
}

impl IntoResponse for ProblemPage {
    fn into_response(self) -> Response {
        let mut response = self.page().into_response();
        if self.code == UNCONFIRMED {
            response.extensions_mut().insert(Unconfirmed);
        }
        response
    }
}

/// Whether the client asks for a page (a browser) rather than JSON or anything (a program).
#[must_use]
pub fn wants_html(headers: &HeaderMap) -> bool {
    let accept = headers
        .get_all(header::ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok());
    accept.flat_map(|value| value.split(',')).any(|range| {
        let mut parts = range.split(';').map(str::trim);
        let media = parts.next().unwrap_or_default();
        let refused = parts.any(|p| {
            p.strip_prefix("q=")
                .is_some_and(|q| q.parse::<f32>().is_ok_and(|q| q <= 0.0))
        });
        !refused
            && (media.eq_ignore_ascii_case("text/html")
                || media.eq_ignore_ascii_case("application/xhtml+xml"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    #[test]
    fn browsers_get_pages_and_programs_do_not() {
        let asks = |accept: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT, HeaderValue::from_static(accept));
            wants_html(&headers)
        };
        assert!(asks("text/html,application/xhtml+xml,*/*;q=0.8"));
        assert!(!asks("application/json"));
        assert!(!asks("*/*"));
        assert!(!asks("text/html;q=0, application/json"));
        assert!(!wants_html(&HeaderMap::new()));
    }

    #[test]
    fn only_an_unconfirmed_write_ends_the_server() {
        let ends = |page: ProblemPage| {
            page.into_response()
                .extensions()
                .get::<Unconfirmed>()
                .is_some()
        };
        assert!(ends(ProblemPage::unconfirmed()));
        assert!(!ends(ProblemPage::unavailable("")) && !ends(ProblemPage::fault()));
    }

    #[test]
    fn a_problem_escapes_what_it_is_told() {
        let page = ProblemPage::new(StatusCode::CONFLICT, "clash", "<b>")
            .happened("<script>")
            .next("<img>")
            .page();
        let html = crate::Frame::new("Site").render(&page, "/", None, &crate::RoleTable::default());
        assert!(!html.contains("<script>") && !html.contains("<img>") && !html.contains("<b>"));
        assert!(html.contains("409 clash"));
    }
}
