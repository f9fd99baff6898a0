//! A tutor corrects what is recorded of a learner, part by part, or takes a learner back who was added by mistake.

use axum::Form as Sent;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::IntoResponse as _;
use ldsp_ui::components::{Button, InsetText, Notification, PostForm, Warning};
use ldsp_ui::{Html, OwnOrganisation, Page, ProblemPage};
use serde::Deserialize;

use super::super::model::form::{input, summary, typed};
use super::super::{Answer, Pages, fault, see_other};
use super::learner::{changed, find};
use super::{Handled, cohort_at, known, learner_at, name, not_now, own};
use crate::delivery::{self, COHORT, Described, EMPLOYER, Own, Part, Said, Trouble};
use crate::import::report::RowProblem;
use crate::model::{Model as _, Question};
use crate::store::delivery::Entry;
use crate::store::kept::Known;

/// What stands above the questions of a part.
fn title(part: Part) -> &'static str {
    match part {
        Part::Who => "Who is the learner?",
        Part::Person => "About the learner",
        Part::Course => "The course",
        Part::Cohort => "Cohort and employer",
    }
}

fn about(part: Part, described: &Described) -> Html {
    match part {
        Part::Who => Html::paragraph(
            "For a reference that was mistyped, or of another learner. Everything else that is recorded goes with the right one.",
        ),
        Part::Person => Html::paragraph(&format!(
            "Recorded age band on the first day: {}.",
            described.age
        )),
        Part::Course | Part::Cohort => Html::default(),
    }
}

/// A learner, with what is asked of it and what is recorded.
pub(super) struct Held {
    pub(super) questions: Vec<Question>,
    pub(super) described: Described,
    employers: Vec<(i64, String)>,
}

/// What is recorded of a learner who joined.
pub(super) async fn held(
    pages: &Pages,
    own: &Own,
    known: &Known,
    entry: &Entry,
) -> Result<Held, ProblemPage> {
    let store = &pages.node.store;
    let employers = delivery::employers(store, own, known)
        .await
        .map_err(fault)?;
    let cohorts = delivery::cohorts(store, own).await.map_err(fault)?;
    let cohorts = cohorts
        .iter()
        .map(|cohort| {
            let handle = own.handle(Handled::Cohort, cohort.id);
            (handle, cohort.it.title(known))
        })
        .collect();
    let described = delivery::described(store, own, entry)
        .await
        .map_err(fault)?;
    Ok(Held {
        questions: delivery::corrections(&pages.lep()?, &employers, cohorts),
        described: described.ok_or_else(super::no_learner)?,
        employers,
    })
}

impl Held {
    /// What is recorded under a column.
    pub(super) fn text(&self, own: &Own, known: &Known, entry: &Entry, column: &str) -> String {
        match column {
            COHORT => entry
                .cohort
                .map_or_else(String::new, |id| own.handle(Handled::Cohort, id)),
            EMPLOYER => known.organisation_name(entry.employer).to_owned(),
            column => self.described.text(column).to_owned(),
        }
    }

    /// The questions of a part.
    pub(super) fn of(&self, part: Part) -> impl Iterator<Item = &Question> {
        let columns = part.columns();
        let all = self.questions.iter();
        all.filter(move |question| columns.contains(&question.column))
    }
}

struct Asked<'a> {
    own: &'a Own,
    entry: &'a Entry,
    part: Part,
    held: &'a Held,
}

impl Asked<'_> {
    fn page(&self, texts: &[(String, String)], problems: &[RowProblem]) -> Page {
        let at = learner_at(self.own, self.entry.id);
        let mut form = PostForm::to(format!("{at}/correct"))
            .hidden("part", self.part.id())
            .hidden("version", self.entry.version.to_string());
        let questions: Vec<Question> = self.held.of(self.part).cloned().collect();
        for question in &questions {
            let text = texts.iter().find(|(column, _)| column == question.column);
            let text = text.map_or("", |(_, text)| text.as_str());
            form = form.with(input(question, text, problems));
        }
        let name = name(self.own, self.entry);
        let cancel = Button::link("Cancel", at.clone()).secondary();
        Page::new(title(self.part))
            .caption(format!("Correct {name}"))
            .breadcrumb(self.own.name.clone(), "/provider")
            .breadcrumb(name, at)
            .errors(summary(&questions, problems, "The learner"))
            .body(Html::concat([
                about(self.part, &self.held.described),
                form.buttons([Button::new("Save"), cancel]).into(),
            ]))
    }
}

#[derive(Deserialize)]
pub(super) struct Which {
    #[serde(default)]
    part: String,
}

pub(super) async fn form(
    State(pages): State<Pages>,
    of: OwnOrganisation,
    Path(id): Path<String>,
    Query(which): Query<Which>,
) -> Answer {
    let own = own(&pages, &of).await?;
    let entry = find(&pages, &own, &id).await?;
    let part = Part::named(&which.part).ok_or_else(ProblemPage::not_found)?;
    let known = known(&pages).await?;
    let held = held(&pages, &own, &known, &entry).await?;
    if part == Part::Who
        && let Some(page) = stays(&pages, &own, &entry).await?
    {
        return Ok(page.into_response());
    }
    let texts: Vec<(String, String)> = held
        .of(part)
        .map(|q| {
            let text = held.text(&own, &known, &entry, q.column);
            (q.column.to_owned(), text)
        })
        .collect();
    let asked = Asked {
        own: &own,
        entry: &entry,
        part,
        held: &held,
    };
    Ok(asked.page(&texts, &[]).into_response())
}

/// What was typed, as it is said; what is no cohort or employer that may be chosen is a problem.
fn said(
    own: &Own,
    held: &Held,
    part: Part,
    texts: &[(String, String)],
) -> Result<Said, RowProblem> {
    let text = |column: &str| {
        let found = texts.iter().find(|(name, _)| name == column);
        found.map_or("", |(_, text)| text.trim())
    };
    if part != Part::Cohort {
        // A form sends what was left empty too: it becomes empty, where it is kept at all.
        let columns = part.columns().iter();
        let texts = columns.map(|column| ((*column).to_owned(), text(column).to_owned()));
        return Ok(Said {
            texts: texts.collect(),
            ..Said::default()
        });
    }
    let cohort = match text(COHORT) {
        "" => None,
        handle => Some(own.number(Handled::Cohort, handle).unwrap_or(0)),
    };
    let employer = match text(EMPLOYER) {
        "" => None,
        named => {
            let mut all = held.employers.iter();
            let found = all.find(|(_, name)| name == named).map(|(id, _)| *id);
            Some(found.ok_or_else(delivery::no_employer)?)
        }
    };
    Ok(Said {
        cohort: Some(cohort),
        employer: Some(employer),
        ..Said::default()
    })
}

pub(super) async fn correct(
    State(pages): State<Pages>,
    of: OwnOrganisation,
    Path(id): Path<String>,
    Sent(pairs): Sent<Vec<(String, String)>>,
) -> Answer {
    let own = own(&pages, &of).await?;
    let entry = find(&pages, &own, &id).await?;
    let sent = |name: &str| {
        let found = pairs.iter().find(|(known, _)| known == name);
        found.map_or("", |(_, value)| value.as_str())
    };
    let part = Part::named(sent("part")).ok_or_else(ProblemPage::not_found)?;
    let known = known(&pages).await?;
    let held = held(&pages, &own, &known, &entry).await?;
    let asked = Asked {
        own: &own,
        entry: &entry,
        part,
        held: &held,
    };
    let questions: Vec<Question> = held.of(part).cloned().collect();
    let texts = typed(&questions, &pairs);
    let version = crate::api::number(sent("version")).unwrap_or(0);
    let said = match said(&own, &held, part, &texts) {
        Ok(said) => said,
        Err(problem) => return Ok(asked.page(&texts, &[problem]).into_response()),
    };
    let by = delivery::by(&of.person, (pages.clock)());
    let store = &pages.node.store;
    match delivery::correct(store, &own, (entry.id, version), &said, &by).await {
        Ok(id) => Ok(see_other(&format!(
            "{}?done=corrected",
            learner_at(&own, id)
        ))),
        Err(Trouble::Fields(problems)) => Ok(asked.page(&texts, &problems).into_response()),
        Err(Trouble::Store(error)) => {
            let (status, notice) = not_now(&error.into());
            let page = asked.page(&texts, &[]).notice(notice);
            Ok(page.status(status).into_response())
        }
        Err(Trouble::Changed) => {
            let now = |question: &Question| held.text(&own, &known, &entry, question.column);
            let questions = questions.iter().map(|q| (q, now(q)));
            let notice = changed(questions, &texts);
            let page = asked.page(&texts, &[]).notice(notice);
            Ok(page.status(StatusCode::CONFLICT).into_response())
        }
        Err(Trouble::Stands(_)) => match stays(&pages, &own, &entry).await? {
            Some(page) => Ok(page.status(StatusCode::CONFLICT).into_response()),
            None => Err(super::no_learner()),
        },
        Err(Trouble::Missing) => Err(super::no_learner()),
    }
}

/// Why a learner stays who they are, and what to do instead; `None`: nothing stands on the enrolment.
async fn stays(pages: &Pages, own: &Own, entry: &Entry) -> Result<Option<Page>, ProblemPage> {
    let stands = delivery::may_take_back(&pages.node.store, entry.id)
        .await
        .map_err(fault)?;
    let Some(stands) = stands else {
        return Ok(None);
    };
    let (why, instead) = delivery::in_words(stands);
    let at = learner_at(own, entry.id);
    let name = name(own, entry);
    let page = Page::new(format!("{name} stays in your records"))
        .breadcrumb(own.name.clone(), "/provider")
        .breadcrumb(name, at.clone())
        .body(Html::concat([
            Html::paragraph(why),
            InsetText::new(instead).into(),
            Html::paragraph("Everything but the reference can be corrected all the same."),
            Button::link("Back to the learner", at).secondary().into(),
        ]));
    Ok(Some(page))
}

fn ask(own: &Own, entry: &Entry) -> Page {
    let at = learner_at(own, entry.id);
    let name = name(own, entry);
    let form = PostForm::to(format!("{at}/take-back"))
        .hidden("version", entry.version.to_string())
        .buttons([
            Button::new("Take the learner back").warning(),
            Button::link("Keep the learner", at.clone()).secondary(),
        ]);
    let warning = Warning::new(
        "For a learner who was added by mistake or twice: everything that is recorded of this enrolment goes at once, and nothing of it is counted.",
    );
    Page::new(format!("Take back {name}?"))
        .caption("Your learner")
        .breadcrumb(own.name.clone(), "/provider")
        .breadcrumb(name, at)
        .body(Html::concat([
            warning.into(),
            Html::paragraph("Somebody who began and left stays: record the stage Withdrawn with the last day instead."),
            form.into(),
        ]))
}

pub(super) async fn ask_back(
    State(pages): State<Pages>,
    of: OwnOrganisation,
    Path(id): Path<String>,
) -> Answer {
    let own = own(&pages, &of).await?;
    let entry = find(&pages, &own, &id).await?;
    let page = stays(&pages, &own, &entry).await?;
    Ok(page.unwrap_or_else(|| ask(&own, &entry)).into_response())
}

pub(super) async fn take_back(
    State(pages): State<Pages>,
    of: OwnOrganisation,
    Path(id): Path<String>,
    Sent(pairs): Sent<Vec<(String, String)>>,
) -> Answer {
    let own = own(&pages, &of).await?;
    let entry = find(&pages, &own, &id).await?;
    let version = pairs.iter().find(|(name, _)| name == "version");
    let version = version
        .and_then(|(_, v)| crate::api::number(v))
        .unwrap_or(0);
    let by = delivery::by(&of.person, (pages.clock)());
    match delivery::take_back(&pages.node.store, &own, (entry.id, version), &by).await {
        Ok(()) => {
            let to = match entry.cohort {
                Some(cohort) => cohort_at(&own, cohort),
                None => "/provider/learners".to_owned(),
            };
            Ok(see_other(&format!("{to}?done=taken-back")))
        }
        Err(Trouble::Changed) => {
            let notice = Notification::important(
                "Somebody changed it in the meantime. The learner was not taken back",
            )
            .content("Look at what is recorded now, and take it back if it is still a mistake.");
            let page = ask(&own, &entry).notice(notice);
            Ok(page.status(StatusCode::CONFLICT).into_response())
        }
        Err(Trouble::Stands(_)) => match stays(&pages, &own, &entry).await? {
            Some(page) => Ok(page.status(StatusCode::CONFLICT).into_response()),
            None => Err(super::no_learner()),
        },
        Err(Trouble::Store(error)) => {
            let (status, notice) = not_now(&error.into());
            let page = ask(&own, &entry).notice(notice);
            Ok(page.status(status).into_response())
        }
        Err(Trouble::Missing | Trouble::Fields(_)) => Err(super::no_learner()),
    }
}
