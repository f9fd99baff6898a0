//! A learner who joins a cohort: one form, on a phone too, which is one row of the learner file.

use axum::Form as Sent;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::IntoResponse as _;
use ldsp_ui::components::{
    Button, Choice, Details, ErrorSummary, Field, Notification, PostForm, Radios, link, list,
};
use ldsp_ui::{Html, OwnOrganisation, Page, ProblemPage};

use super::super::model::form::{input, summary, typed};
use super::super::{Answer as Answered, Pages, fault, see_other, words};
use super::{cohort_at, cohort_page, find, known, learner_at, name, not_now, own};
use crate::delivery::{self, Joined, Own};
use crate::import::Doubtful;
use crate::import::report::RowProblem;
use crate::model::{Answer, Model as _, Question};
use crate::store::cohorts::Cohort;
use crate::store::kept::{Known, Stored};

/// The questions of the form.
pub(super) async fn questions(
    pages: &Pages,
    own: &Own,
    known: &Known,
) -> Result<Vec<Question>, ProblemPage> {
    let store = &pages.node.store;
    let postcodes = store.has_postcodes().await.map_err(fault)?;
    let employers = delivery::employers(store, own, known)
        .await
        .map_err(fault)?;
    Ok(delivery::questions(&pages.lep()?, postcodes, &employers))
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
        let of_cohort = |question: &&Question| delivery::OF_COHORT.contains(&question.column);
        for question in self
            .questions
            .iter()
            .filter(|question| !of_cohort(question))
        {
            if question.column == "confidence_before" {
                form = form.with(super::answers::what_to_ask());
            }
            form = form.with(input(question, text(question.column), self.problems));
        }
        form = form.with(self.course(text));
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
    /// What the cohort says of its course, for those who began later or otherwise: open where something of it is missing or wrong.
    fn course<'t>(&self, text: impl Fn(&str) -> &'t str) -> Details {
        let asked: Vec<&Question> = (self.questions.iter())
            .filter(|question| delivery::OF_COHORT.contains(&question.column))
            .collect();
        let asks = |question: &&Question| {
            let is_missing = question.required && text(question.column).is_empty();
            let mut problems = self.problems.iter();
            is_missing || problems.any(|p| p.field == Some(question.column))
        };
        let is_open = asked.iter().any(asks);
        let fields = asked
            .iter()
            .map(|q| input(q, text(q.column), self.problems));
        let details = Details::new(
            "First day and course, as the cohort has them",
            Html::concat(fields),
        );
        if is_open { details.open() } else { details }
    }

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

pub(super) async fn form(
    State(pages): State<Pages>,
    of: OwnOrganisation,
    Path(id): Path<String>,
) -> Answered {
    let own = own(&pages, &of).await?;
    let cohort = find(&pages, &own, &id).await?;
    let known = known(&pages).await?;
    let questions = questions(&pages, &own, &known).await?;
    let asked = Asked {
        own: &own,
        cohort: &cohort,
        known: &known,
        questions: &questions,
        answers: &delivery::begun(&pages.node.store, &cohort.it)
            .await
            .map_err(fault)?,
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
    let questions = questions(&pages, &own, &known).await?;
    let mut answers = typed(&questions, &pairs);
    let said = pairs
        .iter()
        .find(|(name, _)| name == DOUBTFUL)
        .map_or("", |(_, said)| said.as_str());
    let doubtful = match said {
        "new" => Doubtful::New,
        "corrected" => Doubtful::Corrected,
        _ => Doubtful::Ask,
    };
    let by = delivery::by(&of.person, (pages.clock)());
    let store = &pages.node.store;
    let done = delivery::join(store, &own, &cohort, &answers, doubtful, &by).await;
    let done = match done {
        Ok(Joined::Refused(problems)) => Err((problems, None)),
        Ok(Joined::Added) => Ok("added"),
        Ok(Joined::Corrected) => Ok("corrected"),
        Ok(Joined::Erased) => Ok("erased"),
        Err(error) => Err((Vec::new(), Some(not_now(&error)))),
    };
    let (problems, notice) = match done {
        Ok(done) => {
            let at = cohort_at(&own, cohort.id);
            return Ok(see_other(&format!("{at}?done={done}")));
        }
        Err(wrong) => wrong,
    };
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
    let is_there = problems.iter().any(|p| p.code == "enrolment-held");
    let notice = match notice {
        None if is_there => Some(there(&pages, &own, &answers).await?),
        notice => notice,
    };
    let mut page = asked.page();
    if let Some((status, notice)) = notice {
        page = page.notice(notice).status(status);
    }
    Ok(page.into_response())
}

/// The enrolments that are there under the reference which was typed.
async fn there(
    pages: &Pages,
    own: &Own,
    answers: &Pairs,
) -> Result<(StatusCode, Notification), ProblemPage> {
    let reference = answers.iter().find(|(name, _)| name == "learner_ref");
    let reference = reference.map_or("", |(_, text)| text.as_str());
    let (store, key) = (&pages.node.store, &pages.node.pseudonyms);
    let found = delivery::under(store, own, key, reference)
        .await
        .map_err(fault)?;
    let links = found.iter().map(|entry| {
        let began = entry.start.map_or_else(String::new, words::day);
        let text = format!("Open {}, {} from {began}", name(own, entry), entry.aim);
        link(&text, &learner_at(own, entry.id))
    });
    let notice =
        Notification::important("This learner is in your register already. Nothing was stored")
            .content(list(links));
    Ok((StatusCode::CONFLICT, notice))
}
