//! What the learners of a cohort answered at the start, and what they answer now: one form for the whole register, on a phone too.

use std::collections::HashMap;

use axum::Form as Sent;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::IntoResponse as _;
use ldsp_protocol::standard::{Dimension, Standard};
use ldsp_ui::components::{
    Button, Choice, Details, ErrorSummary, Field, Notification, Pagination, PostForm, Select, link,
    list,
};
use ldsp_ui::{Html, OwnOrganisation, Page, ProblemPage};
use serde::Deserialize;

use super::super::{Answer as Answered, Pages, fault, see_other};
use super::{Handled, cohort_at, cohort_page, find, known, learner_at, name, not_now, own};
use crate::delivery::{self, Answer, Answers, Own, Trouble};
use crate::import::report::RowProblem;
use crate::model::{Answer as Choices, Model as _, Question};
use crate::store::cohorts::Cohort;
use crate::store::delivery::{Entry, Number, Sorted, Sought, Within};
use crate::store::kept::Stored;

/// Learners of a page.
const SHOWN: usize = 50;

/// What a tutor asks, word for word, with the five tasks by name and where they are from.
pub(super) fn words_to_ask() -> Html {
    let tasks = delivery::TASKS.map(|(skill, task)| {
        let codes = &Standard::current().dimension(Dimension::Skill).codes;
        let area = codes.iter().find(|code| code.id == skill);
        let area = area.map_or("", |code| code.title.as_str());
        Html::text(&format!("{task} ({})", area.to_lowercase()))
    });
    Html::concat([
        Html::paragraph(delivery::ASK_CONFIDENCE),
        Html::paragraph(delivery::ASK_EVERYDAY),
        list(tasks),
        Html::paragraph(delivery::SOURCE),
    ])
}

/// The same, to be opened and closed.
pub(super) fn what_to_ask() -> Details {
    Details::new(
        "What to ask: confidence and five everyday tasks online",
        words_to_ask(),
    )
}

/// The start, or now.
#[derive(Clone, Copy, PartialEq, Eq)]
enum When {
    Start,
    Now,
}

impl When {
    fn named(word: &str) -> Self {
        match word {
            "now" => Self::Now,
            _ => Self::Start,
        }
    }

    fn id(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Now => "now",
        }
    }

    fn title(self) -> &'static str {
        match self {
            Self::Start => "Answers at the start",
            Self::Now => "Answers now",
        }
    }
}

/// What of a learner can be asked, of confidence and of everyday tasks.
fn open(when: When, entry: &Entry) -> [bool; 2] {
    let is = |both: Option<u8>, begun: Option<u8>| {
        both.is_none() && (when == When::Start || begun.is_some())
    };
    [
        is(entry.confidence, entry.begun.confidence),
        is(entry.everyday, entry.begun.everyday),
    ]
}

/// What is recorded, as the form begins with it.
fn recorded(when: When, entry: &Entry) -> [String; 2] {
    let begun = [entry.begun.confidence, entry.begun.everyday];
    match when {
        When::Start => begun.map(|n| n.map_or_else(String::new, |n| n.to_string())),
        When::Now => Default::default(),
    }
}

/// The name of a field of the form: a column, and the learner's handle.
fn field(column: &str, handle: &str) -> String {
    format!("{column}-{handle}")
}

/// A question under a name of its own for each learner; what it asks stands above all of them.
fn select(question: &Question, name: &str, text: &str, problem: Option<&RowProblem>) -> Html {
    let Choices::One(of) = &question.answer else {
        return Html::default();
    };
    let each = of
        .iter()
        .map(|(id, title)| Choice::new(id.clone(), title.clone()));
    let all = std::iter::once(Choice::new("", question.blank)).chain(each);
    let error = problem.map(|p| format!("{} {}", p.cause, p.remedy));
    let field = Field::new(name, question.label).value(text).error_if(error);
    Select::new(field, all).into()
}

struct Asked<'a> {
    own: &'a Own,
    cohort: &'a Stored<Cohort>,
    title: String,
    when: When,
    entries: &'a [Entry],
    all: u64,
    page: u64,
    /// What was typed, by field.
    typed: &'a HashMap<String, String>,
    /// What is wrong, by learner.
    wrong: &'a [(Number, Vec<RowProblem>)],
}

impl Asked<'_> {
    fn handle(&self, entry: &Entry) -> String {
        self.own.handle(Handled::Enrolment, entry.id.0)
    }

    /// The questions about one learner; nothing where there is none to put.
    fn row(&self, entry: &Entry, errors: &mut ErrorSummary) -> Option<Html> {
        let handle = self.handle(entry);
        let wrong = self.wrong.iter().find(|(id, _)| *id == entry.id);
        let problems: &[RowProblem] = wrong.map_or(&[], |(_, problems)| problems);
        let open = open(self.when, entry);
        let questions = delivery::scales(self.when == When::Start);
        let mut fields = Vec::new();
        for ((question, text), open) in questions
            .into_iter()
            .zip(recorded(self.when, entry))
            .zip(open)
        {
            if !open {
                continue;
            }
            let name = field(question.column, &handle);
            let typed = self.typed.get(&name).cloned().unwrap_or(text);
            let found = problems.iter().find(|p| p.field == Some(question.column));
            if let Some(problem) = found {
                let what = format!("{}: {} {}", self.name(entry), problem.cause, problem.remedy);
                *errors = std::mem::take(errors).error(name.clone(), what);
            }
            fields.push(select(&question, &name, &typed, found));
        }
        if fields.is_empty() {
            return None;
        }
        Some(Html::concat([
            Html::literal(
                "<fieldset class=\"govuk-fieldset ldsp-answers\"><legend class=\"govuk-fieldset__legend govuk-fieldset__legend--s\">",
            ),
            Html::text(&self.name(entry)),
            Html::literal("</legend><div class=\"ldsp-answers__fields\">"),
            Html::concat(fields),
            Html::literal("</div></fieldset>"),
        ]))
    }

    fn name(&self, entry: &Entry) -> String {
        name(self.own, entry)
    }

    /// Those of whom nothing can be asked, and why.
    fn others(&self) -> Html {
        let closed = self
            .entries
            .iter()
            .filter(|entry| open(self.when, entry) == [false; 2]);
        let closed: Vec<Html> = closed
            .map(|entry| {
                let why = match entry.confidence.or(entry.everyday) {
                    Some(_) => "both answers are recorded",
                    None => "not asked at the start",
                };
                Html::concat([
                    link(&self.name(entry), &learner_at(self.own, entry.id)),
                    Html::text(&format!(": {why}")),
                ])
            })
            .collect();
        if closed.is_empty() {
            return Html::default();
        }
        Html::concat([
            Html::literal("<h2 class=\"govuk-heading-m\">Not asked here</h2>"),
            list(closed),
        ])
    }

    fn page(&self) -> Page {
        let at = format!("{}/answers", cohort_at(self.own, self.cohort.id));
        let mut form = PostForm::to(at.clone())
            .hidden("when", self.when.id())
            .hidden("page", self.page.to_string());
        let mut errors = ErrorSummary::new();
        let mut asked = 0;
        for entry in self.entries {
            if let Some(row) = self.row(entry, &mut errors) {
                let version = field("version", &self.handle(entry));
                form = form.hidden(version, entry.version.to_string()).with(row);
                asked += 1;
            }
        }
        let lead = match self.when {
            When::Start => {
                "Ask in the first week. An answer can be corrected here until the learner is asked again; what came of both is kept then, and the answers go."
            }
            When::Now => {
                "Ask at the end of the course or at the follow-up. Only whether confidence rose and whether there are more tasks is kept."
            }
        };
        let mut pieces = vec![Html::paragraph(lead), what_to_ask().open().into()];
        pieces.push(match (asked, self.when) {
            (0, When::Start) if self.all == 0 => Html::paragraph("Nobody is in this cohort yet. Add a learner first."),
            (0, When::Start) => Html::paragraph("Everybody here has been asked at the start and again since."),
            (0, When::Now) => Html::paragraph("Nobody here was asked at the start and not again since. Record the answers at the start first."),
            _ => form.with(Button::new("Save the answers")).into(),
        });
        pieces.push(self.others());
        let to = |page: u64| format!("{at}?when={}&page={page}", self.when.id());
        let previous = (self.page > 1).then(|| to(self.page - 1));
        let next = (self.page * SHOWN as u64) < self.all;
        pieces.push(Pagination::new("Learners", previous, next.then(|| to(self.page + 1))).into());
        cohort_page(self.own, self.when.title().to_owned())
            .caption(self.title.clone())
            .breadcrumb(self.title.clone(), cohort_at(self.own, self.cohort.id))
            .errors(errors)
            .body(Html::concat(pieces))
    }
}

/// The learners of a page of the register.
async fn entries(
    pages: &Pages,
    own: &Own,
    cohort: i64,
    page: u64,
) -> Result<(Vec<Entry>, u64), ProblemPage> {
    let sought = Sought {
        within: Within::Cohort(cohort),
        by: Sorted::Reference,
        from: i64::try_from((page - 1).saturating_mul(SHOWN as u64)).unwrap_or(i64::MAX),
        limit: SHOWN as i64,
        ..Sought::default()
    };
    delivery::learners(&pages.node.store, own, &sought)
        .await
        .map_err(fault)
}

#[derive(Deserialize)]
pub(super) struct Which {
    #[serde(default)]
    when: String,
    #[serde(default)]
    page: String,
}

fn place(page: &str) -> u64 {
    page.parse().ok().filter(|page| *page > 0).unwrap_or(1)
}

pub(super) async fn form(
    State(pages): State<Pages>,
    of: OwnOrganisation,
    Path(id): Path<String>,
    Query(which): Query<Which>,
) -> Answered {
    let own = own(&pages, &of).await?;
    let cohort = find(&pages, &own, &id).await?;
    let known = known(&pages).await?;
    let page = place(&which.page);
    let (entries, all) = entries(&pages, &own, cohort.id, page).await?;
    let asked = Asked {
        own: &own,
        title: cohort.it.title(&known),
        cohort: &cohort,
        when: When::named(&which.when),
        entries: &entries,
        all,
        page,
        typed: &HashMap::new(),
        wrong: &[],
    };
    Ok(asked.page().into_response())
}

pub(super) async fn record(
    State(pages): State<Pages>,
    of: OwnOrganisation,
    Path(id): Path<String>,
    Sent(pairs): Sent<Vec<(String, String)>>,
) -> Answered {
    let own = own(&pages, &of).await?;
    let cohort = find(&pages, &own, &id).await?;
    let known = known(&pages).await?;
    let typed: HashMap<String, String> = pairs.into_iter().collect();
    let sent = |name: &str| typed.get(name).map_or("", |text| text.trim());
    let (when, page) = (When::named(sent("when")), place(sent("page")));
    let (entries, all) = entries(&pages, &own, cohort.id, page).await?;
    let mut answers = Vec::new();
    for entry in &entries {
        let handle = own.handle(Handled::Enrolment, entry.id.0);
        let Some(version) = crate::api::number(sent(&field("version", &handle))) else {
            continue;
        };
        let questions = delivery::scales(when == When::Start);
        let texts = questions.map(|q| sent(&field(q.column, &handle)).to_owned());
        // What the form does not show of somebody stays.
        let held = recorded(when, entry).into_iter().zip(open(when, entry));
        let texts = texts
            .into_iter()
            .zip(held)
            .map(|(text, (held, open))| if open { text } else { held });
        let mut texts = texts.collect::<Vec<_>>().into_iter();
        let mut next = || texts.next().unwrap_or_default();
        answers.push(Answer {
            at: (entry.id.0, version),
            texts: [next(), next()],
        });
    }
    let by = delivery::by(&of.person, (pages.clock)());
    let done = delivery::answer(&pages.node.store, &own, when == When::Start, &answers, &by).await;
    let (wrong, notice) = match done {
        Ok(Answers::Done(_)) => {
            let at = cohort_at(&own, cohort.id);
            return Ok(see_other(&format!("{at}?done=answers")));
        }
        Ok(Answers::Refused(wrong)) => {
            let of = |place: usize| Number(answers[place].at.0);
            let wrong = wrong
                .into_iter()
                .map(|(place, problems)| (of(place), problems));
            (wrong.collect::<Vec<_>>(), None)
        }
        Err(Trouble::Store(error)) => (Vec::new(), Some(not_now(&error.into()))),
        Err(_) => return Err(super::no_learner()),
    };
    let asked = Asked {
        own: &own,
        title: cohort.it.title(&known),
        cohort: &cohort,
        when,
        entries: &entries,
        all,
        page,
        typed: &typed,
        wrong: &wrong,
    };
    let mut shown = asked.page();
    let changed = wrong.iter().filter(|(_, problems)| problems.is_empty());
    let changed = changed.filter_map(|(id, _)| entries.iter().find(|entry| entry.id == *id));
    let changed: Vec<String> = changed.map(|entry| asked.name(entry)).collect();
    if let Some((status, notice)) = notice {
        shown = shown.notice(notice).status(status);
    } else if !changed.is_empty() {
        let notice = Notification::important(
            "Somebody changed it in the meantime. Nothing of yours was stored",
        )
        .content(format!(
            "It is about {}. Save again if yours is right.",
            changed.join(", ")
        ));
        shown = shown.notice(notice).status(StatusCode::CONFLICT);
    }
    Ok(shown.into_response())
}
