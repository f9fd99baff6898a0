//! How long records are kept: what is due, and deleting it before the server does.

use axum::Form;
use axum::extract::{Query, State};
use axum::response::IntoResponse as _;
use ldsp_ui::components::{
    Button, Checkboxes, Choice, CodeBlock, ErrorSummary, Field, InsetText, PostForm, StatCard,
    Stats, SummaryList, Warning,
};
use ldsp_ui::{Html, Page, ProblemPage, SignedIn};
use serde::Deserialize;

use super::release_view::heading;
use super::rights::problem;
use super::{Answer, MAY_RETAIN, Pages, done, exact_part, exact_tag, words};
use crate::rights::{self, Due, Policy, RightsError};

/// Which notice to show after a redirect.
#[derive(Deserialize)]
pub(super) struct After {
    #[serde(default)]
    done: String,
}

pub(super) async fn show(
    State(pages): State<Pages>,
    Query(after): Query<After>,
    person: SignedIn,
) -> Answer {
    let page = page(&pages, &person, false).await?;
    let page = match after.done.as_str() {
        "deleted" => page.notice(done(
            "The records whose period is over are deleted.",
            "Their bytes are overwritten within the next minute; the audit log has the counts.",
        )),
        _ => page,
    };
    Ok(page.into_response())
}

async fn page(pages: &Pages, person: &SignedIn, unread: bool) -> Result<Page, ProblemPage> {
    let page = Page::new("How long records are kept").breadcrumb("Rights of learners", "/rights");
    let Some(policy) = &pages.retention else {
        return Ok(page.body(off()));
    };
    let now = (pages.clock)();
    let due = rights::due(&pages.node.store, policy, now)
        .await
        .map_err(problem)?;
    let body = Html::concat([
        facts(policy, pages),
        exact_part(counts(&due)),
        decision(&due, person, unread),
    ]);
    let page = page.body(body);
    Ok(if unread {
        page.errors(ErrorSummary::new().error("read", UNREAD))
    } else {
        page
    })
}

/// Nothing is set: what to do.
fn off() -> Html {
    Html::concat([
        InsetText::new("No period is set: nothing is deleted by itself. Personal data may not be kept longer than they are needed (UK GDPR, article 5(1)(e)).").into(),
        Html::paragraph("Agree on a period with your data protection officer: the funding agreements behind the programmes say for how long records have to be kept as evidence. Then have the IT team set it in the node\u{2019}s configuration, in months after the end of a learner\u{2019}s last enrolment, and restart the node:"),
        CodeBlock::new("retention-example", "Example of the configuration", "[retention]\nmonths = 84\nschedule = \"0 4 * * SUN\"").into(),
    ])
}

fn facts(policy: &Policy, pages: &Pages) -> Html {
    let next = policy.schedule.after((pages.clock)());
    let next = next.map_or_else(|| "never".to_owned(), words::moment);
    SummaryList::new()
        .fact(
            "Period",
            format!("{} months after the end of a learner\u{2019}s last enrolment; without an end, after its planned end, else its start", policy.months),
        )
        .fact("Next time by itself", next)
        .fact("What goes", "all records of a learner at once, as in an erasure. Figures that were published stay; a later file brings nothing back")
        .fact("What stays longer", "records for whom a destination may still become known, until 18 months after the end; and those of whom something has not been released yet, a year at most")
        .into()
}

fn counts(due: &Due) -> Html {
    let cards = [
        StatCard::new("Learners whose records are due", words::count(due.learners))
            .tag(exact_tag()),
        StatCard::new("Their enrolments", words::count(due.enrolments))
            .line(format!("ended by {}", words::day(due.ended_by))),
        StatCard::new(
            "Wait for destinations",
            words::count(due.wait_for_destinations),
        )
        .line("learners"),
        StatCard::new("Wait for a release", words::count(due.wait_for_release)).line("learners"),
    ];
    Stats::new("What is due today", cards).into()
}

const UNREAD: &str = "Tick the box when you have read what goes";

fn decision(due: &Due, person: &SignedIn, unread: bool) -> Html {
    if due.learners == 0 {
        return Html::paragraph("Nothing is due today.");
    }
    if !person.is_any(MAY_RETAIN) {
        return InsetText::new(
            "The server deletes what is due at its next time. A coordinator or an admin may do it before.",
        )
        .into();
    }
    let read = Checkboxes::new(
        Field::new("read", "Your word").error_if(unread.then_some(UNREAD)),
        [Choice::new("yes", "I have read what goes")],
    );
    let form = PostForm::to("/retention")
        .with(Warning::new("Deleted records cannot be brought back."))
        .with(read)
        .with(Button::new("Delete what is due now").warning());
    Html::concat([heading("Delete it now"), form.into()])
}

#[derive(Deserialize)]
pub(super) struct Word {
    #[serde(default)]
    read: String,
}

pub(super) async fn run(
    State(pages): State<Pages>,
    person: SignedIn,
    Form(word): Form<Word>,
) -> Answer {
    let Some(policy) = &pages.retention else {
        return Err(problem(RightsError::NoPeriod));
    };
    if word.read != "yes" {
        return Ok(page(&pages, &person, true).await?.into_response());
    }
    rights::retain(&pages.node, policy, &person.name, (pages.clock)())
        .await
        .map_err(problem)?;
    // The worker overwrites the bytes.
    (pages.queued)();
    Ok(super::see_other("/retention?done=deleted"))
}
