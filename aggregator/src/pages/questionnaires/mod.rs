//! Questionnaires: writing them, issuing them, and what comes back.
//!
//! A draft is changed on small pages, each with the edition that it was made from. Where somebody else changed the draft meanwhile
//! nothing is overwritten and nothing that was typed is lost: the page comes back with it, to be saved again.

mod drafts;
mod form;
mod list;
mod progress;
mod question;
mod shown;
mod when;

use axum::Router;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use ldsp_protocol::ids::QuestionId;
use ldsp_ui::accounts::By;
use ldsp_ui::components::ErrorSummary;
use ldsp_ui::{Access, Html, Page, ProblemPage, Rule, SignedIn};

use super::{Failure, OPERATORS, READERS};
use crate::Service;
use crate::questionnaires::Draft;
use crate::store::{DraftRow, Drafts as _, Keeping};

pub(super) use shown::asked;

/// The list.
const LIST: &str = "/questionnaires";

/// The pages.
pub(super) fn router() -> Router<std::sync::Arc<Service>> {
    Router::new()
        .route("/questionnaires", get(list::show))
        .route("/questionnaires/new", get(list::ask).post(list::begin))
        .route("/questionnaires/asked/{name}", get(progress::show))
        .route("/questionnaires/asked/{name}/version", post(list::version))
        .route(
            "/questionnaires/asked/{name}/leps/{code}",
            get(progress::lep),
        )
        .route("/questionnaires/drafts/{name}", get(drafts::show))
        .route(
            "/questionnaires/drafts/{name}/about",
            get(drafts::ask_about).post(drafts::about),
        )
        .route(
            "/questionnaires/drafts/{name}/areas",
            get(drafts::ask_areas).post(drafts::areas),
        )
        .route(
            "/questionnaires/drafts/{name}/add",
            get(question::add).post(question::added),
        )
        .route(
            "/questionnaires/drafts/{name}/questions/{id}",
            get(question::edit).post(question::edited),
        )
        .route(
            "/questionnaires/drafts/{name}/questions/{id}/move",
            post(question::moved),
        )
        .route(
            "/questionnaires/drafts/{name}/questions/{id}/remove",
            post(question::removed),
        )
        .route(
            "/questionnaires/drafts/{name}/questions/{id}/when",
            get(when::ask).post(when::set),
        )
        .route(
            "/questionnaires/drafts/{name}/preview",
            get(drafts::preview),
        )
        .route("/questionnaires/drafts/{name}/issue", post(drafts::issue))
        .route("/questionnaires/drafts/{name}/delete", post(drafts::delete))
}

/// Who may use them: analysts read, operators write.
pub(super) fn rules() -> Vec<Rule> {
    const READ: [&str; 5] = [
        LIST,
        "/questionnaires/asked/{name}",
        "/questionnaires/asked/{name}/leps/{code}",
        "/questionnaires/drafts/{name}",
        "/questionnaires/drafts/{name}/preview",
    ];
    /// Pages with a form that is sent to where they are.
    const WRITE: [&str; 6] = [
        "/questionnaires/new",
        "/questionnaires/drafts/{name}/about",
        "/questionnaires/drafts/{name}/areas",
        "/questionnaires/drafts/{name}/add",
        "/questionnaires/drafts/{name}/questions/{id}",
        "/questionnaires/drafts/{name}/questions/{id}/when",
    ];
    const DO: [&str; 5] = [
        "/questionnaires/asked/{name}/version",
        "/questionnaires/drafts/{name}/questions/{id}/move",
        "/questionnaires/drafts/{name}/questions/{id}/remove",
        "/questionnaires/drafts/{name}/issue",
        "/questionnaires/drafts/{name}/delete",
    ];
    let operators = Access::Roles(OPERATORS);
    let read = READ.map(|path| Rule::get(path, Access::Roles(READERS)));
    let ask = WRITE.map(|path| Rule::get(path, operators));
    let sent = WRITE.into_iter().chain(DO);
    let sent = sent.map(|path| Rule::post(path, operators));
    read.into_iter().chain(ask).chain(sent).collect()
}

/// What a form sent; a name may come more than once.
#[derive(Debug, Clone, Default)]
struct Sent(Vec<(String, String)>);

impl Sent {
    fn get(&self, name: &str) -> &str {
        let mut all = self.0.iter();
        all.find(|(n, _)| n == name).map_or("", |(_, v)| v.as_str())
    }

    fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let mine = self.0.iter().filter(move |(n, _)| n == name);
        mine.map(|(_, v)| v.as_str())
    }

    /// The edition of the draft that the form was made from.
    fn edition(&self) -> u64 {
        self.get(EDITION).parse().unwrap_or_default()
    }
}

/// The hidden field of every form that changes a draft.
const EDITION: &str = "edition";

/// What is wrong, field by field.
type Errors = Vec<(String, String)>;

/// What is wrong with this field, for the field itself.
fn of<'a>(errors: &'a Errors, name: &str) -> Option<&'a str> {
    let mut all = errors.iter();
    all.find(|(n, _)| n == name).map(|(_, why)| why.as_str())
}

fn summary(errors: &Errors) -> ErrorSummary {
    let all = errors.iter();
    all.fold(ErrorSummary::new(), |summary, (field, why)| {
        // A date has three fields, the first of which is led to.
        let field = if field == "due" { "due-day" } else { field };
        summary.error(field, why)
    })
}

/// The words at a button of a form whose draft somebody else changed.
fn moved(row: &DraftRow) -> String {
    format!(
        "{} changed the draft meanwhile. What you typed is still here: see whether it fits, then save it again",
        row.changed_by
    )
}

fn parse(name: &str) -> Result<QuestionId, Failure> {
    Ok(name.parse().map_err(|_| missing())?)
}

fn missing() -> ProblemPage {
    ProblemPage::not_found()
        .happened(
            "There is no draft or questionnaire of this name: it may have been issued or deleted.",
        )
        .next("Look for it in the list of questionnaires.")
}

async fn draft(service: &Service, name: &str) -> Result<DraftRow, Failure> {
    let row = service.store.draft(&parse(name)?).await?;
    Ok(row.ok_or_else(missing)?)
}

fn address(name: &QuestionId) -> String {
    format!("{LIST}/drafts/{name}")
}

/// Keeps the draft in the place of `row`, if the form was made from that edition. Gives where to go on, or the draft as somebody
/// else left it.
async fn keep(
    service: &Service,
    person: &SignedIn,
    draft: &Draft,
    (row, sent): (&DraftRow, &Sent),
    then: &str,
) -> Result<Result<Response, DraftRow>, Failure> {
    if sent.edition() == row.edition {
        let by = By {
            who: &person.name,
            now: service.now(),
        };
        let kept = service.store.keep_draft(draft, row.edition, by).await?;
        if let Keeping::Done(_) = kept {
            return Ok(Ok(Redirect::to(then).into_response()));
        }
    }
    let newer = service.store.draft(&draft.name).await?;
    Ok(Err(newer.ok_or_else(missing)?))
}

/// A page below the list.
fn page(title: impl Into<String>) -> Page {
    Page::new(title)
        .breadcrumb("Home", "/")
        .breadcrumb("Questionnaires", LIST)
}

/// A page below a draft.
fn below(title: &str, draft: &Draft) -> Page {
    page(title)
        .caption(draft.title.clone())
        .breadcrumb("Draft", address(&draft.name))
}

fn heading(text: &str) -> Html {
    Html::concat([
        Html::literal("<h2 class=\"govuk-heading-m\">"),
        Html::text(text),
        Html::literal("</h2>"),
    ])
}

/// Links side by side.
fn links(all: impl IntoIterator<Item = Html>) -> Html {
    let mut parts = vec![Html::literal("<p class=\"govuk-body\">")];
    for (at, link) in all.into_iter().enumerate() {
        if at > 0 {
            parts.push(Html::text(" · "));
        }
        parts.push(link);
    }
    parts.push(Html::literal("</p>"));
    Html::concat(parts)
}

/// A name of the words: lower case, hyphens for what is no letter or digit; empty where nothing is left.
fn name_of(words: &str) -> String {
    let mut name = String::new();
    for c in words.chars().flat_map(char::to_lowercase) {
        match c {
            'a'..='z' | '0'..='9' => name.push(c),
            _ if name.is_empty() || name.ends_with('-') => {}
            _ => name.push('-'),
        }
    }
    name.truncate(40);
    name.trim_end_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use super::name_of;

    #[test]
    fn words_give_a_name() {
        assert_eq!(
            name_of("How do people get there?"),
            "how-do-people-get-there"
        );
        assert_eq!(name_of("  É-learning (2022) "), "learning-2022");
        assert_eq!(name_of("?!"), "");
        assert_eq!(name_of(&"a b".repeat(40)).len(), 40);
    }
}
