//! Published needs: the list, a draft as everybody would read it, and what two people do with it.

mod show;
mod word;

use axum::Router;
use axum::extract::State;
use axum::response::IntoResponse as _;
use axum::routing::{get, post};
use ldsp_ui::components::{Button, InsetText, PostForm, Table, Tag, TagColour, Task, link};
use ldsp_ui::{Html, Page, ProblemPage, Rule, SignedIn};

use super::{
    APPROVER, Answer, COORDINATOR, Pages, READERS, fault, federation, refused, see_other, words,
};
use crate::needs::shown::State as Stage;
use crate::needs::{self, NeedsError};
use crate::store::needs::StoredNeeds;
use crate::store::people::{Role, same_person};

pub(super) const PATH: &str = "/needs";

/// Who may ask for what.
pub(super) fn rules() -> Vec<Rule> {
    vec![
        Rule::get(PATH, READERS),
        Rule::post(PATH, COORDINATOR),
        Rule::get("/needs/{id}", READERS),
        Rule::post("/needs/{id}/approve", APPROVER),
        Rule::post("/needs/{id}/refuse", APPROVER),
    ]
}

pub(super) fn routes(router: Router<Pages>) -> Router<Pages> {
    router
        .route(PATH, get(list).post(prepare))
        .route("/needs/{id}", get(show::show))
        .route("/needs/{id}/approve", post(word::approve))
        .route("/needs/{id}/refuse", post(word::refuse))
}

fn address(id: i64) -> String {
    format!("{PATH}/{id}")
}

fn is(person: &SignedIn, role: Role) -> bool {
    person.role.as_str() == role.as_str()
}

/// The draft that an address names.
async fn find(pages: &Pages, id: &str) -> Result<StoredNeeds, ProblemPage> {
    let id = id.parse().map_err(|_| ProblemPage::not_found())?;
    let found = pages.node.store.needs_of(id).await.map_err(fault)?;
    found.ok_or_else(ProblemPage::not_found)
}

fn problem(error: NeedsError) -> ProblemPage {
    match error {
        NeedsError::Store(error) => fault(error),
        NeedsError::Unknown(_) => ProblemPage::not_found(),
        NeedsError::NotCoordinator(_) => {
            ProblemPage::forbidden("Only a coordinator may prepare needs.")
        }
        NeedsError::NotApprover(_) => {
            ProblemPage::forbidden("Only an approver may publish or refuse needs.")
        }
        error => refused(
            error.code(),
            "Nothing was changed",
            &error.to_string(),
            error.next(),
        ),
    }
}

fn tag(stage: Stage) -> Tag {
    let colour = match stage {
        Stage::Waiting => TagColour::Yellow,
        Stage::Refused => TagColour::Red,
        Stage::Published => TagColour::Green,
    };
    Tag::coloured(stage.in_words(), colour)
}

async fn list(State(pages): State<Pages>, person: SignedIn) -> Answer {
    let all = pages.node.store.needs().await.map_err(fault)?;
    let then =
        "needs can be prepared and read, but not published: an approver can do that afterwards.";
    let obstacle = federation::obstacle(&pages, then).await?;
    let body = Html::concat([
        obstacle.unwrap_or_default(),
        next_step(&all, &person),
        drafts(&all),
    ]);
    Ok(Page::new("Published needs")
        .lead("What this area asks for and what is offered in it, as every LEP and DCMS may read it. Numbers that would tell what one organisation or person said are kept back or blurred.")
        .body(body)
        .into_response())
}

fn next_step(all: &[StoredNeeds], person: &SignedIn) -> Html {
    if let Some(waits) = all.iter().find(|it| it.waits()) {
        let of = words::day(waits.demand.as_of);
        let text = Html::concat([
            link(&format!("The draft of {of}"), &address(waits.id)),
            " waits for an approver. The next can be prepared after it.".into(),
        ]);
        return InsetText::new(text).into();
    }
    let why = Html::paragraph(
        "A draft adds up demand and the services of the open feed as they are recorded today. You see every number, and what is kept back and why, before an approver decides. Bring demand and services up to date first.",
    );
    if !is(person, Role::Coordinator) {
        return Html::concat([why, Html::paragraph("A coordinator prepares it.")]);
    }
    let form = PostForm::to(PATH).with(Button::new("Prepare a draft"));
    Html::concat([why, form.into()])
}

fn drafts(all: &[StoredNeeds]) -> Html {
    if all.is_empty() {
        return InsetText::new("Nothing was prepared yet.").into();
    }
    let rows = all.iter().map(|it| {
        let statements = it.seqs.iter().flatten();
        let statements =
            statements.map(|seq| link(&seq.to_string(), &format!("/statements/{seq}")));
        let mut cells = Vec::new();
        for statement in statements {
            if !cells.is_empty() {
                cells.push(" and ".into());
            }
            cells.push(statement);
        }
        [
            link(&words::day(it.demand.as_of), &address(it.id)),
            tag(Stage::of(it)).into(),
            it.prepared.0.as_str().into(),
            Html::concat(cells),
        ]
    });
    Table::new("Drafts and what was published")
        .columns(["Of", "State", "Prepared by", "Statements"])
        .rows(rows)
        .into()
}

async fn prepare(State(pages): State<Pages>, person: SignedIn) -> Answer {
    (pages.before_signing)().await;
    let by = (person.name.as_str(), (pages.clock)());
    let id = needs::prepare(&pages.node.store, by, &pages.entropy).await;
    let id = id.map_err(problem)?;
    Ok(see_other(&format!("{}?done=prepared", address(id))))
}

/// What waits for an approver, for the first page.
pub(super) fn task(waits: Option<&StoredNeeds>, person: &SignedIn) -> Option<Task> {
    let waits = waits?;
    let yours = is(person, Role::Approver) && !same_person(&waits.prepared.0, &person.name);
    let title = match yours {
        true => "Read and publish the needs of the area",
        false => "The needs of the area wait for an approver",
    };
    let (who, at) = &waits.prepared;
    let task = Task::new(title, tag(Stage::Waiting))
        .hint(format!("Prepared by {who} on {}", words::moment(*at)))
        .href(address(waits.id));
    Some(task)
}
