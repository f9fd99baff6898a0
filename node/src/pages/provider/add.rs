//! A learner who joins a cohort: one form, on a phone too, which is one row of the learner file.

use axum::Form as Sent;
use axum::extract::{Path, State};
use axum::response::IntoResponse as _;
use ldsp_protocol::standard::{Dimension, Standard};
use ldsp_ui::components::{Button, Choice, Field, PostForm, Radios};
use ldsp_ui::{Html, OwnOrganisation, Page, ProblemPage};

use super::super::model::form::{input, summary, typed};
use super::super::{Answer, Pages, fault, see_other};
use super::{cohort_page, find, known, own};
use crate::delivery::{self, Bringing, Own};
use crate::import::Doubtful;
use crate::import::report::{Outcome, RowProblem};
use crate::model::{Model as _, Question};
use crate::store::cohorts::Cohort;
use crate::store::kept::{Known, Stored};
use crate::store::programmes::Programme;

pub(super) async fn questions(pages: &Pages, known: &Known) -> Result<Vec<Question>, ProblemPage> {
    let postcodes = pages.node.store.has_postcodes().await.map_err(fault)?;
    Ok(delivery::questions(&pages.lep()?, postcodes, known))
}

type Pairs = Vec<(String, String)>;

struct Asked<'a> {
    own: &'a Own,
    cohort: &'a Stored<Cohort>,
    known: &'a Known,
    questions: &'a [Question],
    answers: &'a Pairs,
    problems: &'a [RowProblem],
    /// Whether the learner may be here already, with a corrected course or start.
    doubtful: bool,
}

impl Asked<'_> {
    fn page(&self) -> Page {
        let text = |column: &str| {
            let mut all = self.answers.iter();
            all.find(|(name, _)| name == column)
                .map_or("", |(_, text)| text.as_str())
        };
        let mut form = PostForm::to(format!("/provider/cohorts/{}/add", self.cohort.id));
        for question in self.questions {
            form = form.with(input(question, text(question.column), self.problems));
        }
        if self.doubtful {
            let field = Field::new("doubtful", "Is this a new enrolment of the learner?")
                .value(text("doubtful"));
            form = form.with(Radios::new(
                field,
                [
                    Choice::new("new", "Yes, besides the one that is recorded"),
                    Choice::new(
                        "corrected",
                        "No, it corrects the course or the first day of that one",
                    ),
                ],
            ));
        }
        let title = self.cohort.it.title(self.known);
        cohort_page(self.own, "Add a learner".to_owned())
            .caption(title.clone())
            .breadcrumb(title, format!("/provider/cohorts/{}", self.cohort.id))
            .errors(summary(self.questions, self.problems, "The learner"))
            .body(Html::concat([
                Html::paragraph("No name, and nothing that tells one: what is typed here becomes codes, an age band and a district before it is kept."),
                form.with(Button::new("Add the learner")).into(),
            ]))
    }
}

/// What is known of the programme of a cohort: how it is delivered, and its skill where it teaches one.
async fn begun(pages: &Pages, cohort: &Cohort) -> Result<Pairs, ProblemPage> {
    let programme = pages
        .node
        .store
        .kept_one::<Programme>(cohort.programme)
        .await
        .map_err(fault)?;
    let code = |dimension, at: usize| {
        let code = Standard::current().dimension(dimension).codes.get(at);
        code.map_or_else(String::new, |code| code.id.clone())
    };
    let (mode, skills) = programme.map_or((None, 0), |p| (p.it.mode, p.it.skills));
    let mode = mode.map_or_else(String::new, |at| code(Dimension::Mode, usize::from(at)));
    let skill = if skills.count_ones() == 1 {
        code(Dimension::Skill, skills.trailing_zeros() as usize)
    } else {
        String::new()
    };
    Ok(delivery::blank_row(cohort, &mode, &skill))
}

pub(super) async fn form(
    State(pages): State<Pages>,
    of: OwnOrganisation,
    Path(id): Path<String>,
) -> Answer {
    let own = own(&pages, &of).await?;
    let cohort = find(&pages, &own, &id).await?;
    let known = known(&pages).await?;
    let questions = questions(&pages, &known).await?;
    let asked = Asked {
        own: &own,
        cohort: &cohort,
        known: &known,
        questions: &questions,
        answers: &begun(&pages, &cohort.it).await?,
        problems: &[],
        doubtful: false,
    };
    Ok(asked.page().into_response())
}

pub(super) async fn create(
    State(pages): State<Pages>,
    of: OwnOrganisation,
    Path(id): Path<String>,
    Sent(pairs): Sent<Pairs>,
) -> Answer {
    let own = own(&pages, &of).await?;
    let cohort = find(&pages, &own, &id).await?;
    let known = known(&pages).await?;
    let questions = questions(&pages, &known).await?;
    let mut answers = typed(&questions, &pairs);
    let text = |column: &str| {
        answers
            .iter()
            .find(|(name, _)| name == column)
            .map_or("", |(_, text)| text.as_str())
    };
    let employer = known.organisation(text("employer"));
    let employer = employer
        .filter(|(_, kind)| crate::model::is_trained(*kind))
        .map(|(id, _)| id);
    let said = pairs
        .iter()
        .find(|(name, _)| name == "doubtful")
        .map_or("", |(_, said)| said.as_str());
    let how = Bringing {
        cohort: Some(cohort.id),
        employer,
        doubtful: match said {
            "new" => Doubtful::New,
            "corrected" => Doubtful::Corrected,
            _ => Doubtful::Ask,
        },
        ..Bringing::default()
    };
    let row = delivery::row_of(&answers, known.programme_code(Some(cohort.it.programme)));
    let by = delivery::by(&of.person, (pages.clock)());
    let file = std::io::Cursor::new(row);
    let (store, key) = (&pages.node.store, &pages.node.pseudonyms);
    let report = delivery::bring(store, key, &own, file, &how, &by)
        .await
        .map_err(super::super::import::failed)?;
    if report.outcome == Outcome::Stored {
        let done = if report.tally.erased > 0 {
            "erased"
        } else {
            "added"
        };
        return Ok(see_other(&format!(
            "/provider/cohorts/{}?done={done}",
            cohort.id
        )));
    }
    answers.push(("doubtful".to_owned(), said.to_owned()));
    let found = |code| report.problems.by_code().contains_key(code);
    let asked = Asked {
        own: &own,
        cohort: &cohort,
        known: &known,
        questions: &questions,
        answers: &answers,
        problems: report.problems.detailed(),
        doubtful: !said.is_empty() || found("same-or-new") || found("correction-unclear"),
    };
    Ok(asked.page().into_response())
}
