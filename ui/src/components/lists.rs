//! Lists of facts, of tasks and of pages.

use askama::Template;

use crate::components::Tag;
use crate::html::{Html, component};
use crate::page::Link;

struct Fact {
    key: String,
    value: Html,
    action: Option<(Link, String)>,
}

/// Facts about one thing, each with its name and perhaps something to do about it.
#[derive(Template)]
#[template(
    source = r#"<dl class="govuk-summary-list">{% for fact in facts %}<div class="govuk-summary-list__row"><dt class="govuk-summary-list__key">{{ fact.key }}</dt><dd class="govuk-summary-list__value">{{ fact.value }}</dd>{% if let Some((link, hidden)) = fact.action %}<dd class="govuk-summary-list__actions"><a class="govuk-link" href="{{ link.href }}">{{ link.text }}<span class="govuk-visually-hidden"> {{ hidden }}</span></a></dd>{% endif %}</div>{% endfor %}</dl>"#,
    ext = "html"
)]
#[derive(Default)]
pub struct SummaryList {
    facts: Vec<Fact>,
}

impl SummaryList {
    /// An empty list.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a fact.
    #[must_use]
    pub fn fact(mut self, key: impl Into<String>, value: impl Into<Html>) -> Self {
        self.facts.push(Fact {
            key: key.into(),
            value: value.into(),
            action: None,
        });
        self
    }

    /// Adds a fact with a link to change it. A screen reader hears the fact's name after the link's text.
    #[must_use]
    pub fn fact_with(
        mut self,
        key: impl Into<String>,
        value: impl Into<Html>,
        action: Link,
    ) -> Self {
        let key = key.into();
        let hidden = key.to_lowercase();
        self.facts.push(Fact {
            key,
            value: value.into(),
            action: Some((action, hidden)),
        });
        self
    }
}

/// One task of a [`TaskList`].
pub struct Task {
    title: String,
    hint: Option<String>,
    href: Option<String>,
    status: Html,
}

impl Task {
    /// A task that cannot be begun yet, or needs nothing.
    pub fn new(title: impl Into<String>, status: impl Into<Html>) -> Self {
        Self {
            title: title.into(),
            hint: None,
            href: None,
            status: status.into(),
        }
    }

    /// A task that is done; stays readable without colour.
    pub fn done(title: impl Into<String>) -> Self {
        Self::new(title, "Completed")
    }

    /// A task with a tag such as `To do`.
    pub fn tagged(title: impl Into<String>, tag: &Tag) -> Self {
        Self::new(title, tag)
    }

    /// Where it is done.
    #[must_use]
    pub fn href(mut self, href: impl Into<String>) -> Self {
        self.href = Some(href.into());
        self
    }

    /// A line under the title.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// What there is to do, with how far each thing is.
#[derive(Template)]
#[template(
    source = r#"<ul class="govuk-task-list">{% for task in tasks %}{% let n = loop.index %}<li class="govuk-task-list__item{% if task.href.is_some() %} govuk-task-list__item--with-link{% endif %}"><div class="govuk-task-list__name-and-hint">{% if let Some(href) = task.href %}<a class="govuk-link govuk-task-list__link" href="{{ href }}" aria-describedby="{% if task.hint.is_some() %}{{ id }}-{{ n }}-hint {% endif %}{{ id }}-{{ n }}-status">{{ task.title }}</a>{% else %}<div>{{ task.title }}</div>{% endif %}{% if let Some(hint) = task.hint %}<div id="{{ id }}-{{ n }}-hint" class="govuk-task-list__hint">{{ hint }}</div>{% endif %}</div><div class="govuk-task-list__status" id="{{ id }}-{{ n }}-status">{{ task.status }}</div></li>{% endfor %}</ul>"#,
    ext = "html"
)]
pub struct TaskList {
    id: String,
    tasks: Vec<Task>,
}

impl TaskList {
    /// An empty list; `id` is unique on its page.
    pub fn new(id: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            tasks: Vec::new(),
        }
    }

    /// Adds a task.
    #[must_use]
    pub fn task(mut self, task: Task) -> Self {
        self.tasks.push(task);
        self
    }
}

/// Links to the previous and next page of a long list. The lists have opaque cursors, so there are no page numbers.
#[derive(Template)]
#[template(
    source = r#"{% if previous.is_some() || next.is_some() %}<nav class="govuk-pagination" aria-label="{{ of }}, pages">{% if let Some(href) = previous %}<div class="govuk-pagination__prev"><a class="govuk-link govuk-pagination__link" href="{{ href }}" rel="prev"><svg class="govuk-pagination__icon govuk-pagination__icon--prev" xmlns="http://www.w3.org/2000/svg" height="13" width="15" aria-hidden="true" focusable="false" viewBox="0 0 15 13"><path d="M7 0 .5 6.5 7 13l1.4-1.4-4-4.1H15v-2H4.4l4-4.1z"/></svg> <span class="govuk-pagination__link-title">Previous<span class="govuk-visually-hidden"> page</span></span></a></div>{% endif %}{% if let Some(href) = next %}<div class="govuk-pagination__next"><a class="govuk-link govuk-pagination__link" href="{{ href }}" rel="next"><span class="govuk-pagination__link-title">Next<span class="govuk-visually-hidden"> page</span></span> <svg class="govuk-pagination__icon govuk-pagination__icon--next" xmlns="http://www.w3.org/2000/svg" height="13" width="15" aria-hidden="true" focusable="false" viewBox="0 0 15 13"><path d="m8 0 6.5 6.5L8 13l-1.4-1.4 4-4.1H0v-2h10.6l-4-4.1z"/></svg></a></div>{% endif %}</nav>{% endif %}"#,
    ext = "html"
)]
pub struct Pagination {
    of: String,
    previous: Option<String>,
    next: Option<String>,
}

impl Pagination {
    /// For the list called `of`, with the addresses of the pages before and after, where there are any.
    pub fn new(of: impl Into<String>, previous: Option<String>, next: Option<String>) -> Self {
        Self {
            of: of.into(),
            previous,
            next,
        }
    }
}

component!(SummaryList, TaskList, Pagination);
