//! National questionnaires: the list, one of them, its form page by page, what two people do with the answers, and what all answers come to.

mod part;
mod results;
mod show;
mod word;

use axum::Router;
use axum::extract::State;
use axum::response::IntoResponse as _;
use axum::routing::{get, post};
use jiff::civil::Date;
use ldsp_protocol::ids::QuestionId;
use ldsp_protocol::questionnaire::Question;
use ldsp_ui::components::{InsetText, Table, Tag, TagColour, Task, Warning, link, list as bullets};
use ldsp_ui::{Html, Page, ProblemPage, Rule, SignedIn};

use super::{
    APPROVER, Answer, COORDINATOR, Pages, READERS, fault, refused, release_problem, words,
};
use crate::import::london_day;
use crate::questionnaire::words as said;
use crate::questionnaire::{Case, QuestionnaireError, State as Stage};
use crate::store::people::Role;

pub(super) const PATH: &str = "/questionnaires";

/// Who may ask for what.
pub(super) fn rules() -> Vec<Rule> {
    let read = |path| Rule::get(path, READERS);
    vec![
        read(PATH),
        read("/questionnaires/{name}"),
        Rule::get("/questionnaires/{name}/part/{id}", COORDINATOR),
        Rule::post("/questionnaires/{name}/part/{id}", COORDINATOR),
        Rule::post("/questionnaires/{name}/hand-over", COORDINATOR),
        Rule::post("/questionnaires/{name}/take-back", COORDINATOR),
        Rule::post("/questionnaires/{name}/release", APPROVER),
        Rule::post("/questionnaires/{name}/send-back", APPROVER),
        read("/questionnaires/{name}/results"),
    ]
}

pub(super) fn routes(router: Router<Pages>) -> Router<Pages> {
    router
        .route(PATH, get(list))
        .route("/questionnaires/{name}", get(show::show))
        .route(
            "/questionnaires/{name}/part/{id}",
            get(part::show).post(part::save),
        )
        .route("/questionnaires/{name}/hand-over", post(word::hand_over))
        .route("/questionnaires/{name}/take-back", post(word::take_back))
        .route("/questionnaires/{name}/release", post(word::release))
        .route("/questionnaires/{name}/send-back", post(word::send_back))
        .route("/questionnaires/{name}/results", get(results::show))
}

fn today(pages: &Pages) -> Date {
    london_day((pages.clock)())
}

fn address(name: &QuestionId) -> String {
    format!("{PATH}/{name}")
}

fn is(person: &SignedIn, role: Role) -> bool {
    person.role.as_str() == role.as_str()
}

/// The questionnaire that an address names.
async fn find(pages: &Pages, name: &str) -> Result<Case, ProblemPage> {
    let name = name.parse().map_err(|_| ProblemPage::not_found())?;
    let case = Case::read(&pages.node.store, &name).await.map_err(fault)?;
    case.ok_or_else(ProblemPage::not_found)
}

fn problem(error: QuestionnaireError) -> ProblemPage {
    match error {
        QuestionnaireError::Store(error) => fault(error),
        QuestionnaireError::Facts(error) => release_problem(error),
        QuestionnaireError::Unknown(_) => ProblemPage::not_found(),
        QuestionnaireError::NotCoordinator(_) => {
            ProblemPage::forbidden("Only a coordinator may answer a questionnaire.")
        }
        QuestionnaireError::NotApprover(_) => {
            ProblemPage::forbidden("Only an approver may release answers.")
        }
        error => refused(
            error.code(),
            "The answers were left as they are",
            &error.to_string(),
            error.next(),
        ),
    }
}

fn tag(stage: Stage) -> Tag {
    let colour = match stage {
        Stage::New | Stage::NewerVersion => TagColour::Blue,
        Stage::Begun => TagColour::Yellow,
        Stage::SentBack => TagColour::Red,
        Stage::Waiting => TagColour::Purple,
        Stage::Sent => TagColour::Green,
        Stage::Closed => TagColour::Grey,
    };
    Tag::coloured(stage.in_words(), colour)
}

/// How far it is, and that it is late.
fn standing(case: &Case, today: Date) -> Html {
    let mut pieces = vec![tag(case.state()).into()];
    if case.is_late(today) {
        pieces.extend([" ".into(), Tag::coloured("Late", TagColour::Red).into()]);
    }
    Html::concat(pieces)
}

/// When it is due, in words; of what is still to be sent also how long that is.
fn due(case: &Case, today: Date) -> String {
    let on = case.it.asked.due;
    if case.state().is_open() {
        return format!("{}, {}", words::day(on), said::until(on, today));
    }
    words::day(on)
}

/// A question with its number, as pages and errors name it.
fn numbered(case: &Case, question: &Question) -> String {
    let all = case.it.asked.questions.iter();
    let at = all.take_while(|q| q.id != question.id).count();
    format!("{}. {}", at + 1, question.text)
}

async fn list(State(pages): State<Pages>) -> Answer {
    let store = &pages.node.store;
    let cases = Case::all(store).await.map_err(fault)?;
    let left = store.questionnaires_left().await.map_err(fault)?;
    let heard = store.questionnaires_heard().await.map_err(fault)?;
    let enrolled = store.enrolment().await.map_err(fault)?.is_some();
    let today = today(&pages);
    let mut pieces = Vec::new();
    if cases.is_empty() {
        pieces.push(InsetText::new(if enrolled {
            "Nobody asks this LEP anything just now. What the national operators ask comes here by itself, and the first page says so."
        } else {
            "This node is not enrolled with the national log, so nobody can ask it anything yet. The first page says what is next."
        }).into());
    } else {
        let rows = cases.iter().map(|case| {
            [
                link(&case.it.asked.title, &address(&case.it.asked.name)),
                due(case, today).into(),
                standing(case, today),
                said::next(case).into(),
            ]
        });
        let table = Table::new("What is asked, what is due first in front")
            .caption_hidden()
            .columns(["Questionnaire", "Due", "State", "Next"])
            .rows(rows);
        pieces.push(table.into());
    }
    let refused = left.iter().filter_map(|left| {
        let why = words::sentence(left.refused.as_ref()?);
        Some(match &left.claims {
            Some((name, version)) => format!("{name}, version {version}: {why}"),
            None => why,
        })
    });
    let refused: Vec<String> = refused.collect();
    if !refused.is_empty() {
        pieces.extend([
            Warning::new(
                "The national log lists questionnaires that this node does not believe. They are not shown. Tell the national operator.",
            )
            .into(),
            bullets(refused),
        ]);
    }
    if let Some((at, trouble)) = heard {
        let at = words::moment(at);
        pieces.push(Html::paragraph(&match trouble {
            None => format!("The national log was last asked on {at}. It is asked every half hour."),
            Some(why) => format!(
                "The national log was asked on {at} and not everything was heard: {} It is asked again every half hour; what is here stays.",
                words::sentence(&why)
            ),
        }));
    }
    Ok(Page::new("Questionnaires")
        .lead("What the national operators ask this LEP. The node fills in what it knows, a coordinator completes the answers, and another person releases them.")
        .body(Html::concat(pieces))
        .into_response())
}

/// What waits for somebody, for the first page.
pub(super) fn tasks(cases: &[Case], person: &SignedIn, today: Date) -> Vec<Task> {
    let open = cases.iter().filter(|case| case.state().is_open());
    open.map(|case| {
        let on = case.it.asked.due;
        let title = match case.is_late(today) {
            true => format!(
                "Questionnaire \u{201c}{}\u{201d} is late",
                case.it.asked.title
            ),
            false => format!(
                "Questionnaire \u{201c}{}\u{201d} is due {}",
                case.it.asked.title,
                said::until(on, today)
            ),
        };
        let yours = case.state() == Stage::Waiting && is(person, Role::Approver);
        let next = match yours {
            true => "You may release what you did not write",
            false => said::next(case),
        };
        Task::new(title, standing(case, today))
            .hint(format!("Due on {}. {next}", words::day(on)))
            .href(address(&case.it.asked.name))
    })
    .collect()
}
