//! How the rules of quality are set, and setting one.

use axum::Form;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::IntoResponse as _;
use ldsp_ui::components::{
    Button, Choice, ErrorSummary, Field, InsetText, Notification, PostForm, Radios, Table,
    TextInput, link,
};
use ldsp_ui::{Html, Page, ProblemPage, SignedIn};
use serde::Deserialize;

use super::quality::severity_tag;
use super::{Answer, Pages, done, fault, see_other, words};
use crate::quality::{self, CATALOGUE, ChangeError, Rule, Set, Severity};
use crate::store::people::Role;
use crate::store::quality as stored;

/// Which notice to show after a redirect.
#[derive(Deserialize)]
pub(super) struct After {
    #[serde(default)]
    done: String,
}

fn threshold(rule: &Rule, set: Set) -> String {
    match (rule.threshold, set.threshold) {
        (Some((_, unit)), Some(threshold)) => format!("{threshold} {}", unit.in_words()),
        _ => "none".to_owned(),
    }
}

pub(super) async fn list(
    State(pages): State<Pages>,
    Query(after): Query<After>,
    person: SignedIn,
) -> Answer {
    let store = &pages.node.store;
    let mut reader = store.reader.acquire().await.map_err(|e| fault(e.into()))?;
    let settings = stored::settings(&mut reader).await.map_err(fault)?;
    drop(reader);
    let sets = person.role.as_str() == Role::Coordinator.as_str();
    let rows = CATALOGUE.iter().map(|rule| {
        let set = settings.of(rule);
        let title = if sets {
            link(rule.title, &format!("/quality/rules/{}", rule.code))
        } else {
            rule.title.into()
        };
        let by = if set.version == 0 {
            "The program"
        } else {
            "This LEP"
        };
        [
            title,
            severity_tag(set.severity).into(),
            threshold(rule, set).into(),
            by.into(),
            rule.why.into(),
        ]
    });
    let table = Table::new("Rules of quality")
        .caption_hidden()
        .columns(["Rule", "Severity", "Threshold", "Set by", "Why"])
        .rows(rows);
    let page = Page::new("Rules of quality")
        .breadcrumb("Quality", "/quality")
        .lead("What is looked for in the records, how much it matters here, and from where on. No rule stops a release.")
        .body(table);
    let page = if after.done == "set" {
        page.notice(done(
            "The rule is set.",
            "It holds from now on; releases keep the verdict that they were prepared with.",
        ))
    } else {
        page
    };
    Ok(page.into_response())
}

fn find(code: &str) -> Result<&'static Rule, ProblemPage> {
    Rule::of(code).ok_or_else(ProblemPage::not_found)
}

pub(super) async fn show(State(pages): State<Pages>, Path(code): Path<String>) -> Answer {
    let rule = find(&code)?;
    let store = &pages.node.store;
    let mut reader = store.reader.acquire().await.map_err(|e| fault(e.into()))?;
    let settings = stored::settings(&mut reader).await.map_err(fault)?;
    let set = settings.of(rule);
    let typed = set.threshold.map_or_else(String::new, |t| t.to_string());
    Ok(form(rule, set, &typed, None).into_response())
}

fn form(rule: &'static Rule, set: Set, typed: &str, unfit: Option<&str>) -> Page {
    let choices = Severity::ALL.map(|severity| {
        let hint = match severity {
            Severity::Error => "It cannot be right",
            Severity::Warning => "It is probably not right, or late",
            Severity::Note => "Something is left out",
            Severity::Off => "Not looked for at this LEP",
        };
        let label = match severity {
            Severity::Error => "Error",
            Severity::Warning => "Warning",
            Severity::Note => "Note",
            Severity::Off => "Off",
        };
        Choice::new(severity.as_str(), label)
            .hint(hint)
            .chosen(severity == set.severity)
    });
    let mut form = PostForm::to(format!("/quality/rules/{}", rule.code))
        .hidden("version", set.version.to_string())
        .with(Radios::new(
            Field::new("severity", "How much it matters"),
            choices,
        ));
    if let Some((usual, unit)) = rule.threshold {
        let field = Field::new("threshold", format!("From how many {} on", unit.in_words()))
            .hint(format!("The program\u{2019}s own is {usual}"))
            .value(typed)
            .error_if(unfit);
        form = form.with(TextInput::new(field).width(5).numeric());
    }
    let form = form.with(Button::new("Set the rule"));
    let mut errors = ErrorSummary::new();
    if let Some(unfit) = unfit {
        errors = errors.error("threshold", unfit);
    }
    Page::new(rule.title)
        .caption("Rule of quality")
        .breadcrumb("Quality", "/quality")
        .breadcrumb("Rules", "/quality/rules")
        .errors(errors)
        .body(Html::concat([
            Html::paragraph(rule.why),
            InsetText::new(rule.next).into(),
            form.into(),
        ]))
}

/// What somebody else set the rule to while this form was open.
fn meanwhile(rule: &Rule, now: Set) -> Notification {
    let tag = severity_tag(now.severity);
    let from = match (rule.threshold, now.threshold) {
        (Some((_, unit)), Some(threshold)) => {
            format!(" from {threshold} {} on", unit.in_words())
        }
        _ => String::new(),
    };
    Notification::important("Somebody else set this rule meanwhile. Nothing of yours was stored")
        .content(Html::concat([
            "It is now: ".into(),
            tag.into(),
            format!(
                "{from}. Your choice is still in the form: setting the rule puts it over theirs."
            )
            .into(),
        ]))
}

/// A rule as the form sends it.
#[derive(Deserialize)]
pub(super) struct Setting {
    #[serde(default)]
    severity: String,
    #[serde(default)]
    threshold: String,
    version: u32,
}

pub(super) async fn change(
    State(pages): State<Pages>,
    Path(code): Path<String>,
    person: SignedIn,
    Form(sent): Form<Setting>,
) -> Answer {
    let rule = find(&code)?;
    let severity = Severity::named(&sent.severity).ok_or_else(ProblemPage::not_found)?;
    let typed = sent.threshold.trim();
    let set = Set {
        severity,
        // What is no number is refused as none would be.
        threshold: rule.threshold.map(|_| typed.parse().unwrap_or(0)),
        version: sent.version,
    };
    let store = &pages.node.store;
    match quality::change(store, rule.code, set, &person.name, (pages.clock)()).await {
        Ok(_) => Ok(see_other("/quality/rules?done=set")),
        Err(error @ ChangeError::Threshold(_)) => {
            let unfit = words::sentence(&error.to_string());
            Ok(form(rule, set, typed, Some(&unfit)).into_response())
        }
        Err(ChangeError::Meanwhile(now)) => {
            let set = Set {
                version: now.version,
                ..set
            };
            Ok(form(rule, set, typed, None)
                .notice(meanwhile(rule, now))
                .status(StatusCode::CONFLICT)
                .into_response())
        }
        Err(ChangeError::Store(error)) => Err(fault(error)),
        Err(ChangeError::Unknown(_) | ChangeError::NoThreshold) => Err(ProblemPage::not_found()),
    }
}
