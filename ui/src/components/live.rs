//! How far something is that goes on by itself.

use askama::Template;

use crate::html::component;

/// A bar with what is being done and how far it is; belongs on a page that is [`crate::Page::live`].
#[derive(Template)]
#[template(
    source = r#"<div class="ldsp-live" data-ldsp-live>
<p class="govuk-body-l" id="live-phase" role="status">{{ phase }}</p>
<progress class="ldsp-live__bar" id="live-bar" max="100" aria-label="{{ label }}"{% if let Some(percent) = percent %} value="{{ percent }}"{% endif %}></progress>
<p class="govuk-body" id="live-share">{{ share }}</p>
<p class="govuk-inset-text" id="live-silent" role="alert" hidden>The server does not answer. If it was stopped, what was going on here ended with it and nothing of it was stored. This page asks again every second: when the server is back it says what came of it, or that it has to be begun again.</p>
</div>"#,
    ext = "html"
)]
pub struct Live {
    label: String,
    phase: String,
    share: String,
    percent: Option<u64>,
}

impl Live {
    /// Of what is called `label` for those who do not see the bar; `phase` is being done, `share` says how far it is.
    pub fn new(
        label: impl Into<String>,
        phase: impl Into<String>,
        share: impl Into<String>,
    ) -> Self {
        Self {
            label: label.into(),
            phase: phase.into(),
            share: share.into(),
            percent: None,
        }
    }

    /// How far the bar is filled; `None` where nobody knows.
    #[must_use]
    pub fn percent(mut self, percent: Option<u64>) -> Self {
        self.percent = percent;
        self
    }
}

component!(Live);
