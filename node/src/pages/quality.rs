//! Quality of the records: a board of providers, one provider with questions and answers, and how the rules are set.

use std::collections::{BTreeMap, BTreeSet};

use axum::Form;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::IntoResponse as _;
use ldsp_ui::components::{
    Button, Details, ErrorSummary, Field, InsetText, Notification, PostForm, StatCard, Stats,
    Table, Tag, TagColour, TextArea, link,
};
use ldsp_ui::listing::{Asked, Column, Listing, Order};
use ldsp_ui::{Html, Page, ProblemPage, SignedIn, percent_encode};
use serde::Deserialize;

use super::release_view::heading;
use super::{Answer, Pages, done, exact_part, exact_tag, fault, see_other, words};
use crate::quality::{
    self, Acts, CATALOGUE, Completeness, Finding, Judged, LONGEST, QuestionError, Rule, Severity,
    Standing, Verdict,
};
use crate::store::people::Role;
use crate::store::quality::{self as stored, Question};
use crate::store::{StoreError, date};

pub(super) fn severity_tag(severity: Severity) -> Tag {
    match severity {
        Severity::Error => Tag::coloured("Error", TagColour::Red),
        Severity::Warning => Tag::coloured("Warning", TagColour::Yellow),
        Severity::Note => Tag::coloured("Note", TagColour::Blue),
        Severity::Off => Tag::coloured("Off", TagColour::Grey),
    }
}

pub(super) fn address(provider: &str) -> String {
    format!("/quality/provider?name={}", percent_encode(provider))
}

/// Whether the address lets a provider through.
fn shows(asked: &Asked, judged: &Judged) -> bool {
    let wanted = asked.text("q").to_lowercase();
    judged.provider.to_lowercase().contains(&wanted)
        && Severity::named(asked.text("severity")).is_none_or(|severity| judged.count(severity) > 0)
        && Rule::of(asked.text("rule"))
            .is_none_or(|rule| judged.findings.iter().any(|finding| finding.rule == rule))
}

pub(super) async fn board(State(pages): State<Pages>, asked: Asked, person: SignedIn) -> Answer {
    let store = &pages.node.store;
    let mut judged = quality::look(store, (pages.clock)()).await.map_err(fault)?;
    let mut reader = store.reader.acquire().await.map_err(|e| fault(e.into()))?;
    let questions = stored::questions(&mut reader, None).await.map_err(fault)?;
    drop(reader);
    let page = Page::new("Quality of the records").lead(
        "What should have followed and did not, what is unlikely, and what is left out, provider by provider. It stops no release: the approver sees it beside the figures.",
    );
    let apart = apart(&judged, &questions);
    if judged.is_empty() {
        let empty = InsetText::new(Html::concat([
            "No learners are here yet. ".into(),
            link("Import a provider\u{2019}s file", "/import"),
            ", and what it is like shows here.".into(),
        ]));
        return Ok(page
            .body(Html::concat([empty.into(), apart]))
            .into_response());
    }
    let verdict = quality::verdict(&judged, (pages.clock)());
    let all = judged.len();
    judged.retain(|j| shows(&asked, j));
    let order = asked.order("errors", true);
    sort(&mut judged, &questions, &order);
    let list = listing(&judged, &questions, &asked, order);
    let parts = [
        exact_part(summary(&verdict, all)),
        exact_part(list),
        apart,
        rules_link(&person),
        onward(&person),
    ];
    Ok(page.body(Html::concat(parts)).into_response())
}

/// The step after this one, for whoever prepares releases.
fn onward(person: &SignedIn) -> Html {
    if person.role.as_str() != Role::Coordinator.as_str() {
        return Html::default();
    }
    super::next_steps([(
        "Preview the next release",
        super::preview::PATH,
        "what would leave this node, and which rules hold",
    )])
}

fn rules_link(person: &SignedIn) -> Html {
    let text = if person.role.as_str() == Role::Coordinator.as_str() {
        "How the rules are set, and set them for this LEP"
    } else {
        "How the rules are set"
    };
    Html::concat([
        Html::literal("<p class=\"govuk-body\">"),
        link(text, "/quality/rules"),
        Html::literal("</p>"),
    ])
}

/// Providers that were asked something and have no records, so the list does not name them.
fn apart(judged: &[Judged], questions: &[Question]) -> Html {
    let is_there = |name: &str| judged.iter().any(|j| j.provider == name);
    let asked = questions.iter().map(|q| q.provider.as_str());
    let asked: BTreeSet<&str> = asked.filter(|name| !is_there(name)).collect();
    if asked.is_empty() {
        return Html::default();
    }
    let links = asked.into_iter().map(|name| {
        Html::concat([
            Html::literal("<li>"),
            link(name, &address(name)),
            Html::literal("</li>"),
        ])
    });
    Html::concat([
        heading("Questions to providers without records"),
        Html::literal("<ul class=\"govuk-list govuk-list--bullet\">"),
        Html::concat(links),
        Html::literal("</ul>"),
    ])
}

/// Questions of a provider that wait for an answer.
fn open(judged: &Judged, questions: &[Question]) -> usize {
    let open = questions.iter();
    open.filter(|q| q.provider == judged.provider && q.answer.is_none())
        .count()
}

/// Those that need somebody most come first unless the address says otherwise.
fn sort(judged: &mut [Judged], questions: &[Question], order: &Order) {
    match order.by.as_str() {
        "enrolments" => order.sort(judged, |j| j.enrolments),
        "complete" => order.sort(judged, Judged::complete),
        "newest" => order.sort(judged, |j| j.newest),
        "provider" => order.sort(judged, |j| j.provider.to_lowercase()),
        "warnings" => order.sort(judged, |j| j.count(Severity::Warning)),
        "notes" => order.sort(judged, |j| j.count(Severity::Note)),
        "questions" => order.sort(judged, |j| open(j, questions)),
        _ => order.sort(judged, |j| {
            [Severity::Error, Severity::Warning, Severity::Note].map(|severity| j.count(severity))
        }),
    }
}

pub(super) fn standing_tag(standing: Standing) -> Tag {
    match standing {
        Standing::Good => Tag::coloured("Good", TagColour::Green),
        Standing::Doubtful => Tag::coloured("To be looked at", TagColour::Yellow),
        Standing::Faulty => Tag::coloured("Has errors", TagColour::Red),
    }
}

fn summary(verdict: &Verdict, providers: usize) -> Html {
    let of = |severity| {
        let found = verdict.findings.iter().filter(|f| f.severity == severity);
        found.clone().map(|f| f.records).sum::<u64>()
    };
    let complete = complete(&verdict.completeness);
    Stats::new(
        "How the records stand",
        [
            StatCard::new("Taken together", format!("{complete}% recorded"))
                .line(format!(
                    "{} of {}",
                    words::some(
                        usize::try_from(verdict.enrolments).unwrap_or(usize::MAX),
                        "enrolment",
                        "enrolments"
                    ),
                    words::some(providers, "provider", "providers")
                ))
                .tag(standing_tag(verdict.standing)),
            StatCard::new("Cannot be right", words::count(of(Severity::Error)))
                .line("records in findings of severity error"),
            StatCard::new(
                "Probably not right or late",
                words::count(of(Severity::Warning)),
            )
            .line("records in findings of severity warning; one record can be in several"),
        ],
    )
    .into()
}

fn complete(all: &[Completeness]) -> u64 {
    let sum = |of: fn(&Completeness) -> u64| all.iter().map(of).sum::<u64>();
    (100 * sum(|c| c.recorded))
        .checked_div(sum(|c| c.of))
        .unwrap_or(100)
}

/// Providers of a page of the board.
const SHOWN: usize = 100;

fn listing(judged: &[Judged], questions: &[Question], asked: &Asked, order: Order) -> Html {
    let shown = &judged[asked.rows(judged.len(), SHOWN)];
    let rows = shown.iter().map(|j| {
        [
            link(&j.provider, &address(&j.provider)),
            words::count(j.enrolments).into(),
            words::count(j.count(Severity::Error) as u64).into(),
            words::count(j.count(Severity::Warning) as u64).into(),
            words::count(j.count(Severity::Note) as u64).into(),
            format!("{}%", j.complete()).into(),
            newest(j).into(),
            words::count(open(j, questions) as u64).into(),
        ]
    });
    let severities = [("error", "Error"), ("warning", "Warning"), ("note", "Note")];
    Listing::new("Providers", asked, order)
        .caption("Providers. Exact: do not share")
        .search("Provider")
        .filter(
            "severity",
            "With findings of severity",
            "Any, or none",
            severities,
        )
        .filter(
            "rule",
            "In which a rule found something",
            "Any, or none",
            CATALOGUE.iter().map(|rule| (rule.code, rule.title)),
        )
        .columns([
            Column::new("Provider").sorts("provider"),
            Column::new("Enrolments").sorts("enrolments").numeric(),
            Column::new("Errors").sorts("errors").numeric(),
            Column::new("Warnings").sorts("warnings").numeric(),
            Column::new("Notes").sorts("notes").numeric(),
            Column::new("Recorded").sorts("complete").numeric(),
            Column::new("Newest date").sorts("newest"),
            Column::new("Open questions").sorts("questions").numeric(),
        ])
        .rows(rows)
        .paged(judged.len(), SHOWN)
        .nothing("No provider fits. Look for a shorter part of a name, or for any severity.")
        .into()
}

fn newest(judged: &Judged) -> String {
    date(judged.newest).map_or_else(String::new, words::day)
}

/// Whose records, and which notice to show after a redirect.
#[derive(Deserialize)]
pub(super) struct Whose {
    #[serde(default)]
    name: String,
    #[serde(default)]
    done: String,
}

/// What a person wrote that did not do.
#[derive(Default)]
struct Said {
    /// `question-RULE` or `answer-NUMBER`.
    field: String,
    text: String,
    unfit: String,
}

pub(super) async fn provider(
    State(pages): State<Pages>,
    Query(whose): Query<Whose>,
    person: SignedIn,
) -> Answer {
    let page = of_provider(&pages, &whose.name, &person, &Said::default()).await?;
    let page = match whose.done.as_str() {
        "asked" => page.notice(done(
            "The question is written down.",
            "It stands below until an answer is written beside it.",
        )),
        "answered" => page.notice(done("The answer is written down.", "")),
        _ => page,
    };
    Ok(page.into_response())
}

async fn of_provider(
    pages: &Pages,
    name: &str,
    person: &SignedIn,
    said: &Said,
) -> Result<Page, ProblemPage> {
    let store = &pages.node.store;
    let judged = quality::look(store, (pages.clock)()).await.map_err(fault)?;
    let shown = store.shown_provider(name).await.map_err(fault)?;
    let judged = judged
        .into_iter()
        .find(|j| Some(&j.provider) == shown.as_ref());
    let mut reader = store.reader.acquire().await.map_err(|e| fault(e.into()))?;
    let questions = stored::questions(&mut reader, Some(name)).await;
    let questions = questions.map_err(fault)?;
    drop(reader);
    // One that has no records any more, or is named otherwise now, can still have been asked something.
    let named = questions.first().map(|question| question.provider.clone());
    let title = judged.as_ref().map(|judged| judged.provider.clone());
    let title = title.or(named).ok_or_else(ProblemPage::not_found)?;
    let writes = person.role.as_str() == Role::Coordinator.as_str();
    let mut parts = vec![match &judged {
        Some(judged) => exact_part(records(judged, writes, said)),
        None => InsetText::new("No records of this provider are here.").into(),
    }];
    if !questions.is_empty() {
        parts.push(heading("Questions"));
        parts.extend(questions.iter().map(|q| question(q, writes, said)));
    }
    let mut errors = ErrorSummary::new();
    if !said.unfit.is_empty() {
        errors = errors.error(said.field.as_str(), said.unfit.as_str());
    }
    let page = Page::new(title)
        .caption("Quality of the records")
        .breadcrumb("Quality", "/quality");
    let page = match &judged {
        Some(judged) => page.lead(format!(
            "The newest date in its records is {}.",
            newest(judged)
        )),
        None => page,
    };
    Ok(page.errors(errors).body(Html::concat(parts)))
}

/// What the records of a provider are like; exact.
fn records(judged: &Judged, writes: bool, said: &Said) -> Html {
    let found = if judged.findings.is_empty() {
        InsetText::new("No rule found anything.").into()
    } else {
        let found = judged.findings.iter();
        Html::concat(found.map(|f| finding(f, &judged.provider, writes, said)))
    };
    let enrolments = usize::try_from(judged.enrolments).unwrap_or(usize::MAX);
    Html::concat([
        exact_tag().into(),
        Html::paragraph(&format!(
            "{}.",
            words::some(enrolments, "enrolment", "enrolments")
        )),
        heading("What rules found"),
        Html::paragraph(
            "The learners behind a finding are seen by the provider\u{2019}s own people alone: under Learners, and from your question.",
        ),
        found,
        recorded(&judged.completeness),
    ])
}

fn finding(finding: &Finding, provider: &str, writes: bool, said: &Said) -> Html {
    let rule = finding.rule;
    let share = (100 * finding.records).checked_div(finding.of).unwrap_or(0);
    let many = Html::paragraph(&format!(
        "{} of {} ({share}%). {} {}",
        words::count(finding.records),
        words::count(finding.of),
        rule.why,
        rule.next
    ));
    let who = Html::paragraph(match rule.acts {
        Acts::Provider => "Who acts: the provider.",
        Acts::Either => {
            "Who acts: the provider, in its records; or a coordinator, by correcting what is said of the programme."
        }
    });
    let places = if finding.programmes.is_empty() {
        Html::default()
    } else {
        let rows = finding.programmes.iter().map(|p| {
            [
                link(
                    &p.programme,
                    &format!("/programmes?q={}", percent_encode(&p.programme)),
                ),
                words::count(p.records).into(),
            ]
        });
        let table = Table::new(rule.title)
            .caption_hidden()
            .columns(["Programme", "Records"])
            .numeric([1])
            .rows(rows);
        let summary = words::some(finding.programmes.len(), "programme", "programmes");
        Details::new(format!("In {summary}"), table).into()
    };
    let title = Html::concat([
        Html::literal("<h3 class=\"govuk-heading-s\">"),
        Html::text(rule.title),
        " ".into(),
        severity_tag(finding.severity).into(),
        Html::literal("</h3>"),
    ]);
    let ask = if writes {
        asking(finding, provider, said)
    } else {
        Html::default()
    };
    Html::concat([title, many, who, places, ask])
}

fn text_area(name: String, label: &str, hint: &str, said: &Said) -> TextArea {
    let was = said.field == name;
    let field = Field::new(name, label).hint(hint);
    let field = if was {
        let unfit = (!said.unfit.is_empty()).then(|| said.unfit.clone());
        field.value(said.text.clone()).error_if(unfit)
    } else {
        field
    };
    TextArea::new(field).rows(3).limit(LONGEST)
}

const NOBODY: &str = "About numbers and dates, not about a person";

/// A question that begins with what was found.
fn asking(finding: &Finding, provider: &str, said: &Said) -> Html {
    let rule = finding.rule;
    let field = format!("question-{}", rule.code);
    let is_open = said.field == field;
    let begun = Said {
        field: field.clone(),
        text: format!(
            "{} of {}: {}. {}",
            words::count(finding.records),
            words::count(finding.of),
            words::begun_small(rule.title),
            rule.next
        ),
        unfit: String::new(),
    };
    let said = if is_open { said } else { &begun };
    let form = PostForm::to("/quality/questions")
        .hidden("provider", provider)
        .hidden("rule", rule.code)
        .with(text_area(field, "Question", NOBODY, said))
        .with(Button::new("Write it down").secondary());
    let details = Details::new("Ask the provider about this", form);
    if is_open { details.open() } else { details }.into()
}

fn recorded(all: &[Completeness]) -> Html {
    let rows = all.iter().map(|c| {
        let share = (100 * c.recorded).checked_div(c.of);
        [
            Html::from(c.field.clone()),
            words::count(c.recorded).into(),
            words::count(c.of).into(),
            share.map_or_else(|| "none due".into(), |share| format!("{share}%").into()),
        ]
    });
    Table::new("What is recorded")
        .columns(["Field", "Recorded", "Of", "Share"])
        .numeric(1..4)
        .rows(rows)
        .into()
}

fn answer_field(id: i64) -> String {
    format!("answer-{id}")
}

/// What somebody typed that was too late, so that it is not lost.
pub(super) fn not_stored(text: &str) -> Html {
    InsetText::new(format!("You wrote, and it was not stored: {text}")).into()
}

/// That a question was answered while somebody wrote an answer to it.
pub(super) fn answered_meanwhile(page: Page) -> Page {
    let notice = Notification::important("Somebody answered this question meanwhile")
        .content("Their answer stands below, and under it what you wrote, which was not stored.");
    page.notice(notice).status(StatusCode::CONFLICT)
}

fn question(question: &Question, writes: bool, said: &Said) -> Html {
    let about = Rule::of(&question.rule).map_or(question.rule.as_str(), |rule| rule.title);
    let (by, at) = &question.asked;
    let asked = Html::paragraph(&format!(
        "{by} asked on {} about \u{201c}{about}\u{201d}: {}",
        words::moment(*at),
        question.question
    ));
    let answer = match &question.answer {
        Some((answer, by, at)) => InsetText::new(format!(
            "Answer, written down by {by} on {}: {answer}",
            words::moment(*at)
        ))
        .into(),
        None if writes => PostForm::to(format!("/quality/questions/{}/answer", question.id))
            .with(text_area(
                answer_field(question.id),
                "What the provider answered",
                NOBODY,
                said,
            ))
            .with(Button::new("Write the answer down").secondary())
            .into(),
        None => InsetText::new("No answer yet.").into(),
    };
    let lost = question.answer.is_some() && said.field == answer_field(question.id);
    let lost = if lost {
        not_stored(&said.text)
    } else {
        Html::default()
    };
    Html::concat([asked, answer, lost])
}

/// A question as the form sends it.
#[derive(Deserialize)]
pub(super) struct Asking {
    provider: String,
    rule: String,
    #[serde(flatten)]
    text: BTreeMap<String, String>,
}

pub(super) async fn ask(
    State(pages): State<Pages>,
    person: SignedIn,
    Form(mut form): Form<Asking>,
) -> Answer {
    let field = format!("question-{}", form.rule);
    let text = form.text.remove(&field).unwrap_or_default();
    let about = (form.provider.as_str(), form.rule.as_str());
    let now = (pages.clock)();
    let outcome = quality::ask(&pages.node.store, about, &text, &person.name, now).await;
    let outcome = outcome.map(drop);
    let back = (form.provider.as_str(), "asked");
    answered(&pages, back, &person, (field, text), outcome).await
}

pub(super) async fn answer(
    State(pages): State<Pages>,
    Path(id): Path<String>,
    person: SignedIn,
    Form(mut form): Form<BTreeMap<String, String>>,
) -> Answer {
    let id: i64 = id.parse().map_err(|_| ProblemPage::not_found())?;
    let store = &pages.node.store;
    let mut reader = store.reader.acquire().await.map_err(|e| fault(e.into()))?;
    let question = stored::question(&mut reader, id).await.map_err(fault)?;
    drop(reader);
    let question = question.ok_or_else(ProblemPage::not_found)?;
    let field = answer_field(id);
    let text = form.remove(&field).unwrap_or_default();
    let outcome = quality::answer(store, (id, None), &text, &person.name, (pages.clock)()).await;
    let back = (question.provider.as_str(), "answered");
    answered(&pages, back, &person, (field, text), outcome).await
}

async fn answered(
    pages: &Pages,
    (provider, notice): (&str, &str),
    person: &SignedIn,
    (field, text): (String, String),
    outcome: Result<(), QuestionError>,
) -> Answer {
    match outcome {
        Ok(()) => Ok(see_other(&format!("{}&done={notice}", address(provider)))),
        Err(error @ QuestionError::Text(_)) => {
            let said = Said {
                field,
                text,
                unfit: words::sentence(&error.to_string()),
            };
            let page = of_provider(pages, provider, person, &said).await?;
            Ok(page.into_response())
        }
        Err(QuestionError::Answered) => {
            let said = Said {
                field,
                text,
                unfit: String::new(),
            };
            let page = of_provider(pages, provider, person, &said).await?;
            Ok(answered_meanwhile(page).into_response())
        }
        Err(QuestionError::Store(error)) => Err(fault(error)),
        Err(QuestionError::Rule(_) | QuestionError::Provider | QuestionError::Unknown(_)) => {
            Err(ProblemPage::not_found())
        }
    }
}

/// What a release was prepared with, beside its figures.
pub(super) async fn of_release(
    pages: &Pages,
    period: ldsp_protocol::ids::Period,
) -> Result<Html, ProblemPage> {
    let store = &pages.node.store;
    let mut reader = store.reader.acquire().await.map_err(|e| fault(e.into()))?;
    let verdict: Result<Option<Verdict>, StoreError> =
        stored::of_release(&mut reader, period).await;
    let Some(verdict) = verdict.map_err(fault)? else {
        return Ok(Html::default());
    };
    let rows = verdict.findings.iter().map(|found| {
        let title = Rule::of(&found.rule).map_or(found.rule.as_str(), |rule| rule.title);
        [
            link(
                title,
                &format!("/quality?rule={}", percent_encode(&found.rule)),
            ),
            severity_tag(found.severity).into(),
            words::count(found.providers).into(),
            words::count(found.records).into(),
        ]
    });
    let found = if verdict.findings.is_empty() {
        Html::paragraph("No rule found anything.")
    } else {
        Table::new("What rules found in the records")
            .caption_hidden()
            .columns(["Rule", "Severity", "Providers", "Records"])
            .numeric([2, 3])
            .rows(rows)
            .into()
    };
    let said = format!(
        "How the records stood when the month was prepared, {}: {}% of what could be recorded was. It stays in this node.",
        words::moment(verdict.at),
        complete(&verdict.completeness)
    );
    let title = Html::concat([
        Html::literal("<h2 class=\"govuk-heading-m\">Quality of the records "),
        standing_tag(verdict.standing).into(),
        Html::literal("</h2>"),
    ]);
    Ok(exact_part(Html::concat([
        title,
        exact_tag().into(),
        Html::paragraph(&said),
        found,
        Html::concat([
            Html::literal("<p class=\"govuk-body\">"),
            link("How they stand now", "/quality"),
            Html::literal("</p>"),
        ]),
    ])))
}
