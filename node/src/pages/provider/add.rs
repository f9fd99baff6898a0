//! A learner who joins a cohort: one form, on a phone too, which is one row of the learner file.

use axum::Form as Sent;
use axum::extract::{Path, State};
use axum::response::IntoResponse as _;
use ldsp_protocol::standard::{Dimension, Standard};
use ldsp_ui::components::{Button, Choice, ErrorSummary, Field, PostForm, Radios};
use ldsp_ui::{Html, OwnOrganisation, Page, ProblemPage};

use super::super::model::form::{input, summary, typed};
use super::super::{Answer as Answered, Pages, fault, see_other};
use super::{cohort_at, cohort_page, find, known, not_now, own};
use crate::delivery::{self, Bringing, EMPLOYER, Own};
use crate::import::Doubtful;
use crate::import::report::{Outcome, RowProblem};
use crate::model::{Answer, Model as _, Question};
use crate::store::cohorts::Cohort;
use crate::store::kept::{Known, Stored};
use crate::store::programmes::Programme;

/// The questions of the form, and the employers that may be answered.
pub(super) async fn questions(
    pages: &Pages,
    own: &Own,
    known: &Known,
) -> Result<(Vec<Question>, Vec<(i64, String)>), ProblemPage> {
    let store = &pages.node.store;
    let postcodes = store.has_postcodes().await.map_err(fault)?;
    let employers = delivery::employers(store, own, known)
        .await
        .map_err(fault)?;
    let questions = delivery::questions(&pages.lep()?, postcodes, &employers);
    Ok((questions, employers))
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
        let mut form = PostForm::to(format!("{}/add", cohort_at(self.own, self.cohort.id)));
        for question in self.questions {
            form = form.with(input(question, text(question.column), self.problems));
        }
        if self.doubtful {
            form = form.with(self.which(text(DOUBTFUL)));
        }
        let title = self.cohort.it.title(self.known);
        cohort_page(self.own, "Add a learner".to_owned())
            .caption(title.clone())
            .breadcrumb(title, cohort_at(self.own, self.cohort.id))
            .errors(self.summary())
            .body(Html::concat([
                Html::paragraph("No name, and nothing that tells one: what is typed here becomes codes, an age band and a district before it is kept."),
                form.with(Button::new("Add the learner")).into(),
            ]))
    }
}

/// The question that the form puts where the learner may be here already.
const DOUBTFUL: &str = "doubtful";
const WHICH: &str = "Is this a new enrolment of the learner?";

impl Asked<'_> {
    fn which(&self, said: &str) -> Radios {
        let asks = self.problems.iter().find(|problem| is_doubt(problem));
        let error = asks.map(|problem| format!("{} {}", problem.cause, problem.remedy));
        let field = Field::new(DOUBTFUL, WHICH).value(said).error_if(error);
        Radios::new(
            field,
            [
                Choice::new("new", "Yes, besides the one that is recorded"),
                Choice::new(
                    "corrected",
                    "No, it corrects the course or the first day of that one",
                ),
            ],
        )
    }

    /// Every problem at what answers it: that which asks whether the enrolment is new, at that question.
    fn summary(&self) -> ErrorSummary {
        let mut questions = self.questions.to_vec();
        questions.push(Question::new(DOUBTFUL, WHICH, Answer::One(Vec::new())));
        let problems: Vec<RowProblem> = (self.problems.iter().cloned())
            .map(|problem| RowProblem {
                field: if is_doubt(&problem) {
                    Some(DOUBTFUL)
                } else {
                    problem.field
                },
                ..problem
            })
            .collect();
        summary(&questions, &problems, "The learner")
    }
}

fn is_doubt(problem: &RowProblem) -> bool {
    ["same-or-new", "correction-unclear"].contains(&problem.code)
}

/// What is said of an employer that is none of those that may be chosen; whether another organisation has the name, it does not tell.
fn no_employer() -> RowProblem {
    RowProblem {
        line: 2,
        field: Some(EMPLOYER),
        code: "employer-unknown",
        cause: "This is none of the employers that can be chosen here.".into(),
        remedy: "Choose one of the list, or leave it out and ask the coordinator to name it in the cohort.".into(),
    }
}

/// What is known of the programme of a cohort: how it is delivered, and its skill where it teaches one.
async fn begun(pages: &Pages, cohort: &Cohort, known: &Known) -> Result<Pairs, ProblemPage> {
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
    let employer = known.organisation_name(cohort.employer);
    Ok(delivery::blank_row(cohort, employer, &mode, &skill))
}

pub(super) async fn form(
    State(pages): State<Pages>,
    of: OwnOrganisation,
    Path(id): Path<String>,
) -> Answered {
    let own = own(&pages, &of).await?;
    let cohort = find(&pages, &own, &id).await?;
    let known = known(&pages).await?;
    let (questions, _) = questions(&pages, &own, &known).await?;
    let asked = Asked {
        own: &own,
        cohort: &cohort,
        known: &known,
        questions: &questions,
        answers: &begun(&pages, &cohort.it, &known).await?,
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
) -> Answered {
    let own = own(&pages, &of).await?;
    let cohort = find(&pages, &own, &id).await?;
    let known = known(&pages).await?;
    let (questions, employers) = questions(&pages, &own, &known).await?;
    let mut answers = typed(&questions, &pairs);
    let named = answers.iter().find(|(name, _)| name == EMPLOYER);
    let named = named.map_or("", |(_, text)| text.as_str());
    let employer = employers.iter().find(|(_, name)| name == named);
    let unknown = !named.is_empty() && employer.is_none();
    let said = pairs
        .iter()
        .find(|(name, _)| name == DOUBTFUL)
        .map_or("", |(_, said)| said.as_str());
    let how = Bringing {
        cohort: Some(cohort.id),
        employer: employer.map(|(id, _)| *id),
        // What is wrong besides is said at once.
        dry_run: unknown,
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
    let done = delivery::bring(store, key, &own, file, &how, &by).await;
    let (problems, notice) = match &done {
        Ok(report) => {
            let wrong = report.problems.detailed().iter().cloned();
            let unknown = unknown.then(no_employer);
            (wrong.chain(unknown).collect::<Vec<_>>(), None)
        }
        Err(error) => (Vec::new(), Some(not_now(error))),
    };
    if let Ok(report) = &done
        && report.outcome == Outcome::Stored
    {
        let done = if report.tally.erased > 0 {
            "erased"
        } else {
            "added"
        };
        let at = cohort_at(&own, cohort.id);
        return Ok(see_other(&format!("{at}?done={done}")));
    }
    answers.push((DOUBTFUL.to_owned(), said.to_owned()));
    let asked = Asked {
        own: &own,
        cohort: &cohort,
        known: &known,
        questions: &questions,
        answers: &answers,
        problems: &problems,
        doubtful: !said.is_empty() || problems.iter().any(is_doubt),
    };
    let mut page = asked.page();
    if let Some((status, notice)) = notice {
        page = page.notice(notice).status(status);
    }
    Ok(page.into_response())
}
