//! Feeds that services are pulled from.

use axum::Form as Sent;
use axum::Router;
use axum::extract::State;
use axum::response::IntoResponse as _;
use axum::routing::get;
use ldsp_ui::components::{Button, ErrorSummary, Field, PostForm, Table, TextInput, link};
use ldsp_ui::{Html, Page, Rule, SignedIn};
use serde::Deserialize;

use super::super::{Answer, COORDINATOR, Pages, READERS, fault, see_other, words};
use super::Shown as _;
use crate::provision::pull::refusal::Refusal;
use crate::provision::pull::{self, Unbegun};
use crate::store::feeds::Feed;
use crate::store::services::Service;

const FEEDS: &str = "/provision/feeds";

pub(super) fn rules() -> Vec<Rule> {
    vec![Rule::get(FEEDS, READERS), Rule::post(FEEDS, COORDINATOR)]
}

pub(super) fn routes(router: Router<Pages>) -> Router<Pages> {
    router.route(FEEDS, get(list).post(begin))
}

fn state(feed: &Feed) -> String {
    if let Some(why) = Refusal::named(&feed.problem) {
        return format!("{} {}", why.cause(), why.next());
    }
    match (feed.begun_at, feed.ended_at) {
        (Some(_), _) => {
            let of = feed
                .pages
                .map_or_else(String::new, |pages| format!(" of {}", words::count(pages)));
            format!(
                "Under way: page {}{of}. One request is sent each second, so that the server is not burdened",
                words::count(feed.page)
            )
        }
        (None, Some(at)) => format!("Read whole on {}", words::moment(at)),
        (None, None) => "Not read yet".to_owned(),
    }
}

fn again(feed: &Feed, may_write: bool) -> Html {
    let under_way = feed.begun_at.is_some() && feed.problem.is_empty();
    if under_way || !may_write {
        return Html::default();
    }
    PostForm::to(FEEDS)
        .hidden("url", feed.url.clone())
        .hidden("term", feed.term.clone())
        .buttons([Button::new("Pull again").secondary()])
        .into()
}

fn page(feeds: &[Feed], may_write: bool, typed: &Typed, error: Option<Refusal>) -> Page {
    let mut pieces = vec![Html::paragraph(
        "A feed is a directory of services that somebody else keeps, in the form of Open Referral UK 3.0. Pulling it brings its services into the list, to be classified here. What you change of them stays as you wrote it; personal data in their texts are left out.",
    )];
    if feeds.is_empty() {
        pieces.push(Html::paragraph("No feed was pulled yet."));
    } else {
        let rows = feeds.iter().map(|feed| {
            let t = feed.tally;
            [
                Html::text(&feed.url),
                Html::text(&state(feed)),
                words::count(t.found).into(),
                words::count(t.added).into(),
                words::count(t.changed).into(),
                words::count(t.refused).into(),
                again(feed, may_write),
            ]
        });
        let table = Table::new("Feeds, with the services of the last pull")
            .columns([
                "Address",
                "How it stands",
                "Listed",
                "New",
                "Changed",
                "Left out",
                "Again",
            ])
            .numeric([2, 3, 4, 5])
            .rows(rows);
        pieces.push(table.into());
    }
    let mut summary = ErrorSummary::new();
    if may_write {
        let said = error.map(|why| format!("{} {}", why.cause(), why.next()));
        if let Some(said) = &said {
            summary = summary.error("url", said.clone());
        }
        let url = Field::new("url", "Address of a feed")
            .hint("What comes before /services, such as https://directory.example/api")
            .value(typed.url.clone())
            .error_if(said);
        let term = Field::new("term", "Taxonomy term (optional)")
            .hint("The identifier, in the feed, of the kind of services that you want alone")
            .value(typed.term.clone());
        let form = PostForm::to(FEEDS)
            .with(TextInput::new(url))
            .with(TextInput::new(term))
            .buttons([Button::new("Pull its services")]);
        pieces.push(form.into());
    }
    pieces.push(Html::paragraph("Services that you mark public stand in this node\u{2019}s own feed, which everybody can read:"));
    pieces.push(link("This node\u{2019}s feed", "/services"));
    Page::new("Feeds")
        .breadcrumb(Service::MANY, Service::PATH)
        .errors(summary)
        .body(Html::concat(pieces))
}

async fn list(State(pages): State<Pages>, person: SignedIn) -> Answer {
    let feeds = pages.node.store.feeds().await.map_err(fault)?;
    let may_write = super::writes::<Service>(&person);
    Ok(page(&feeds, may_write, &Typed::default(), None).into_response())
}

#[derive(Default, Deserialize)]
struct Typed {
    #[serde(default)]
    url: String,
    #[serde(default)]
    term: String,
}

async fn begin(State(pages): State<Pages>, person: SignedIn, Sent(typed): Sent<Typed>) -> Answer {
    let store = &pages.node.store;
    let of = (typed.url.as_str(), typed.term.as_str());
    let by = (person.name.as_str(), (pages.clock)());
    match pull::begin(store, &pages.feed_hosts, of, by).await {
        Ok(_) => Ok(see_other(FEEDS)),
        Err(Unbegun::Store(error)) => Err(fault(error)),
        Err(Unbegun::Refused(why)) => {
            let feeds = store.feeds().await.map_err(fault)?;
            Ok(page(&feeds, true, &typed, Some(why)).into_response())
        }
    }
}
