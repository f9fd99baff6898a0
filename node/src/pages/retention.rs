//! How long records are kept: what is due, and deleting it before the server does.

use axum::Form;
use axum::extract::{Query, State};
use axum::response::IntoResponse as _;
use ldsp_ui::components::{
    Button, Checkboxes, Choice, ErrorSummary, Field, InsetText, PostForm, StatCard, Stats,
    SummaryList, TextArea, TextInput, Warning,
};
use ldsp_ui::{Html, Page, ProblemPage, SignedIn};
use serde::Deserialize;

use super::release_view::heading;
use super::rights::problem;
use super::{Answer, MAY_RETAIN, Pages, done, exact_part, exact_tag, fault, see_other, words};
use crate::rights::{self, Due, Held, NewPeriod, Policy, RightsError};

pub(super) const PERIOD: &str = "/retention/period";

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
        "set" => page.notice(done(
            "The period is set.",
            "It holds from now on. What is over by it goes at the next time below, not before.",
        )),
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
    let store = &pages.node.store;
    let held = rights::held(store, pages.retention.as_ref()).await;
    let held = held.map_err(fault)?;
    let Some(policy) = held.policy() else {
        return Ok(page.body(Html::concat([off(), said(&held, person)])));
    };
    let now = (pages.clock)();
    let due = rights::due(store, &policy, now).await.map_err(problem)?;
    let body = Html::concat([
        facts(&policy, pages),
        said(&held, person),
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

/// Nothing is deleted by itself.
fn off() -> Html {
    Html::concat([
        InsetText::new("No period is set: nothing is deleted by itself. Personal data may not be kept longer than they are needed (UK GDPR, article 5(1)(e)).").into(),
        Html::paragraph("Agree on a period with your data protection officer: the funding agreements behind the programmes say for how long records have to be kept as evidence. An admin or a coordinator sets it here, with the reason."),
    ])
}

/// Who says so, and the way to say otherwise.
fn said(held: &Held, person: &SignedIn) -> Html {
    let who = match held {
        Held::Configured(_) => {
            return InsetText::new("The period is set in the configuration of the node, by the IT team. Once the table [retention] is removed there, it is set here.").into();
        }
        Held::Set(set) => SummaryList::new()
            .fact("Set by", set.who.clone())
            .fact("On", words::moment(set.at))
            .fact("Because", set.reason.clone())
            .into(),
        Held::Nobody => Html::default(),
    };
    let act: Html = match (person.is_any(MAY_RETAIN), held) {
        (false, _) => Html::default(),
        (true, Held::Nobody) => Button::link("Set a period", PERIOD).into(),
        (true, _) => Button::link("Change the period", PERIOD).secondary().into(),
    };
    Html::concat([who, act])
}

/// What was filled in, and what is wrong with it.
#[derive(Deserialize, Default)]
pub(super) struct Filled {
    #[serde(default)]
    months: String,
    #[serde(default)]
    reason: String,
    /// The number of the period that they saw.
    #[serde(default)]
    instead_of: i64,
    /// `yes` once they saw what it does.
    #[serde(default)]
    confirmed: String,
}

pub(super) async fn ask_period(State(pages): State<Pages>) -> Answer {
    let held = rights::held(&pages.node.store, pages.retention.as_ref()).await;
    let filled = match held.map_err(fault)? {
        Held::Configured(_) => return Err(problem(RightsError::Configured)),
        Held::Set(set) => Filled {
            months: set
                .months
                .map_or_else(String::new, |months| months.to_string()),
            instead_of: set.id,
            ..Filled::default()
        },
        Held::Nobody => Filled::default(),
    };
    Ok(period_page(&filled, None).into_response())
}

fn period_page(filled: &Filled, error: Option<(&'static str, String)>) -> Page {
    let wrong = |field| {
        let of = error.as_ref().filter(|(of, _)| *of == field);
        of.map(|(_, error)| error.clone())
    };
    let months = Field::new("months", "For how many months are records kept?")
        .hint("After the end of a learner\u{2019}s last enrolment. Seven years are 84 months. Leave it empty if nothing is to be deleted by itself.")
        .value(filled.months.clone())
        .error_if(wrong("months"));
    let reason = Field::new("reason", "Why?")
        .hint("In a sentence, such as which funding agreement asks for it. It stands on the page and in the audit log; name nobody.")
        .value(filled.reason.clone())
        .error_if(wrong("reason"));
    let form = PostForm::to(PERIOD)
        .hidden("instead_of", filled.instead_of.to_string())
        .with(TextInput::new(months).numeric().width(4))
        .with(TextArea::new(reason).rows(3).limit(500))
        .with(Button::new("See what it does"));
    let mut errors = ErrorSummary::new();
    if let Some((field, error)) = error {
        errors = errors.error(field, error);
    }
    Page::new("How long records shall be kept")
        .breadcrumb("Rights of learners", "/rights")
        .breadcrumb("How long records are kept", "/retention")
        .errors(errors)
        .body(form)
}

pub(super) async fn set_period(
    State(pages): State<Pages>,
    person: SignedIn,
    Form(filled): Form<Filled>,
) -> Answer {
    let configured = pages.retention.as_ref();
    let months = match filled.months.trim() {
        "" => None,
        // What is no number is no period either.
        months => Some(months.parse().unwrap_or(0)),
    };
    let new = NewPeriod {
        months,
        reason: &filled.reason,
        instead_of: Some(filled.instead_of),
    };
    let said = |error: &RightsError| {
        let said = words::sentence(&error.to_string());
        format!("{said} {}", error.next())
    };
    match new.check() {
        Ok(_) => {}
        Err(error @ RightsError::Months) => {
            return Ok(period_page(&filled, Some(("months", said(&error)))).into_response());
        }
        Err(error) => {
            return Ok(period_page(&filled, Some(("reason", said(&error)))).into_response());
        }
    }
    if configured.is_some() {
        return Err(problem(RightsError::Configured));
    }
    if filled.confirmed != "yes" {
        return confirm(&pages, &filled, months).await;
    }
    let store = &pages.node.store;
    rights::set_period(store, configured, new, &person.name, (pages.clock)())
        .await
        .map_err(problem)?;
    // The worker looks at what holds now.
    (pages.queued)();
    Ok(see_other("/retention?done=set"))
}

/// What the period would do, before it holds.
async fn confirm(pages: &Pages, filled: &Filled, months: Option<u16>) -> Answer {
    let (title, effect) = match months {
        None => (
            "Delete nothing by itself?".to_owned(),
            Html::paragraph(
                "No record is deleted any more because its period is over, until somebody sets a period again.",
            ),
        ),
        Some(months) => {
            let policy = Policy::of(months);
            let now = (pages.clock)();
            let due = rights::due(&pages.node.store, &policy, now)
                .await
                .map_err(problem)?;
            let next = policy.schedule.after(now);
            let next = next.map_or_else(|| "never".to_owned(), words::moment);
            let warning = format!(
                "What is over by it is deleted by itself, for the first time at {next}. Deleted records cannot be brought back. Until then the period can be changed."
            );
            (
                format!("Keep records for {months} months?"),
                Html::concat([exact_part(counts(&due)), Warning::new(warning).into()]),
            )
        }
    };
    let form = PostForm::to(PERIOD)
        .hidden("months", filled.months.clone())
        .hidden("reason", filled.reason.clone())
        .hidden("instead_of", filled.instead_of.to_string())
        .hidden("confirmed", "yes")
        .buttons([
            Button::new("Set it"),
            Button::link("Leave it as it is", "/retention").secondary(),
        ]);
    let reason = SummaryList::new().fact("Because", filled.reason.clone());
    Ok(Page::new(title)
        .breadcrumb("Rights of learners", "/rights")
        .breadcrumb("How long records are kept", "/retention")
        .body(Html::concat([effect, reason.into(), form.into()]))
        .into_response())
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
    let Some(policy) = pages.policy().await.map_err(fault)? else {
        return Err(problem(RightsError::NoPeriod));
    };
    if word.read != "yes" {
        return Ok(page(&pages, &person, true).await?.into_response());
    }
    rights::retain(&pages.node, &policy, &person.name, (pages.clock)())
        .await
        .map_err(problem)?;
    // The worker overwrites the bytes.
    (pages.queued)();
    Ok(see_other("/retention?done=deleted"))
}
