//! The forms in which something is said of ILRs: whose files, what an aim is, how a code is read.

use axum::Form as Sent;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::IntoResponse as _;
use ldsp_protocol::standard::Dimension;
use ldsp_ui::components::{
    Button, Choice, ErrorSummary, Field, PostForm, Radios, Select, TextInput,
};
use ldsp_ui::{Html, Page, ProblemPage, SignedIn};
use serde::Deserialize;

use super::ilr::HOME;
use super::{Answer, Pages, fault, see_other, words};
use crate::import::ilr::mapping::{self, AimSaid, MappingError};

/// What a form sent, and what its address began it with.
#[derive(Deserialize, Default, Clone)]
#[serde(default)]
pub(super) struct Form {
    ukprn: String,
    provider: String,
    aim: String,
    fund_model: String,
    digital: String,
    programme: String,
    skill: String,
    mode: String,
    field: String,
    code: String,
    value: String,
}

/// A form's page with what is wrong with it.
fn sheet(title: &str, form: impl Into<Html>, error: Option<&MappingError>) -> Page {
    let page = Page::new(title)
        .breadcrumb("Import", "/import")
        .breadcrumb("ILR mappings", HOME);
    let page = match error {
        Some(error) => page
            .errors(ErrorSummary::new().error(error.field(), words::sentence(&error.to_string())))
            .status(StatusCode::UNPROCESSABLE_ENTITY),
        None => page,
    };
    page.body(form)
}

/// A field of a form with its value and, where it is at fault, the error.
fn field(name: &'static str, label: &str, value: &str, error: Option<&MappingError>) -> Field {
    let own = error.filter(|error| error.field() == name);
    Field::new(name, label).value(value).error_if(
        own.map(|error| format!("{} {}", words::sentence(&error.to_string()), error.next())),
    )
}

/// What became of an answer: back to the list, or the form again.
fn answered<T>(said: Result<T, MappingError>, again: impl FnOnce(&MappingError) -> Page) -> Answer {
    match said {
        Ok(_) => Ok(see_other("/import/ilr?said=yes")),
        Err(MappingError::Store(error)) => Err(fault(error)),
        Err(error) => Ok(again(&error).into_response()),
    }
}

fn provider_page(form: &Form, error: Option<&MappingError>) -> Page {
    let hint = "As other files and the list of programmes give it. Another spelling would be another provider.";
    let fields = PostForm::to(format!("{HOME}/provider"))
        .with(
            TextInput::new(field("ukprn", "UKPRN", &form.ukprn, error).hint("Eight digits"))
                .width(10)
                .numeric(),
        )
        .with(TextInput::new(
            field("provider", "Name of the provider", &form.provider, error).hint(hint),
        ))
        .with(Button::new("Save"));
    sheet("Whose files are these?", fields, error)
}

pub(super) async fn provider(State(pages): State<Pages>, Query(mut form): Query<Form>) -> Answer {
    let mappings = pages.node.store.ilr_mappings().await.map_err(fault)?;
    let known = mappings
        .providers
        .iter()
        .find(|(ukprn, _)| ukprn.to_string() == form.ukprn);
    if let Some((_, name)) = known {
        form.provider.clone_from(name);
    }
    Ok(provider_page(&form, None).into_response())
}

pub(super) async fn say_provider(
    State(pages): State<Pages>,
    person: SignedIn,
    Sent(form): Sent<Form>,
) -> Answer {
    let (store, now) = (&pages.node.store, (pages.clock)());
    let said = mapping::say_provider(store, &form.ukprn, &form.provider, &person.name, now).await;
    answered(said, |error| provider_page(&form, Some(error)))
}

impl Form {
    fn aim(&self) -> AimSaid {
        AimSaid {
            aim: self.aim.clone(),
            ukprn: self.ukprn.clone(),
            fund_model: self.fund_model.clone(),
            digital: self.digital != "no",
            programme: self.programme.clone(),
            skill: self.skill.clone(),
            mode: self.mode.clone(),
        }
    }
}

async fn aim_page(
    pages: &Pages,
    form: &Form,
    error: Option<&MappingError>,
) -> Result<Page, ProblemPage> {
    let programmes = pages.node.store.programmes().await.map_err(fault)?;
    let none = || std::iter::once(Choice::new("", "Choose"));
    let programmes = programmes.iter().map(|held| {
        let p = &held.it;
        Choice::new(
            p.code.as_str(),
            format!("{} ({}, {})", p.name, p.code, p.provider),
        )
    });
    let listed = |codes: Vec<(&str, &str)>| -> Vec<Choice> {
        let codes = codes.into_iter().map(|(id, title)| Choice::new(id, title));
        none().chain(codes).collect()
    };
    let digital = Radios::new(
        field(
            "digital",
            "Does it teach digital skills?",
            &form.digital,
            error,
        ),
        [
            Choice::new("yes", "Yes").hint("Say below where it belongs"),
            Choice::new("no", "No").hint("Its learners are left out of every import"),
        ],
    );
    let fields = PostForm::to(format!("{HOME}/aim"))
        .with(
            TextInput::new(
                field("aim", "Aim", &form.aim, error)
                    .hint("As the ILR gives it. End it with * for all aims that begin so"),
            )
            .width(20),
        )
        .with(
            TextInput::new(
                field(
                    "ukprn",
                    "Only of the provider with this UKPRN",
                    &form.ukprn,
                    error,
                )
                .hint("Leave it empty for every provider"),
            )
            .width(10),
        )
        .with(
            TextInput::new(
                field(
                    "fund_model",
                    "Only under this funding model",
                    &form.fund_model,
                    error,
                )
                .hint("Leave it empty for every one"),
            )
            .width(4),
        )
        .with(digital)
        .with(Select::new(
            field("programme", "Programme", &form.programme, error)
                .hint("It says tier, type and audience"),
            none().chain(programmes),
        ))
        .with(Select::new(
            field("skill", "Skill", &form.skill, error),
            listed(mapping::listed(Dimension::Skill)),
        ))
        .with(Select::new(
            field("mode", "Mode of delivery", &form.mode, error),
            listed(mapping::listed(Dimension::Mode)),
        ))
        .buttons([
            Button::new("Save"),
            Button::new("Take back what was said")
                .secondary()
                .sends("digital", "unsaid"),
        ]);
    Ok(sheet("What is this aim?", fields, error))
}

pub(super) async fn aim(State(pages): State<Pages>, Query(mut form): Query<Form>) -> Answer {
    let mappings = pages.node.store.ilr_mappings().await.map_err(fault)?;
    let same = |own: Option<String>, asked: &str| own.unwrap_or_default() == asked;
    let known = mappings.aims.iter().find(|rule| {
        rule.aim == form.aim
            && same(rule.ukprn.map(|n| n.to_string()), &form.ukprn)
            && same(rule.fund_model.map(|n| n.to_string()), &form.fund_model)
    });
    if let Some(rule) = known {
        form.digital = if rule.taught.is_some() { "yes" } else { "no" }.to_owned();
        if let Some(taught) = rule.taught.clone() {
            (form.programme, form.skill, form.mode) = (taught.programme, taught.skill, taught.mode);
        }
    }
    Ok(aim_page(&pages, &form, None).await?.into_response())
}

pub(super) async fn say_aim(
    State(pages): State<Pages>,
    person: SignedIn,
    Sent(pairs): Sent<Vec<(String, String)>>,
) -> Answer {
    let last = |name: &str| {
        let found = pairs.iter().rev().find(|(key, _)| key == name);
        found.map(|(_, value)| value.clone()).unwrap_or_default()
    };
    let form = Form {
        aim: last("aim"),
        ukprn: last("ukprn"),
        fund_model: last("fund_model"),
        digital: last("digital"),
        programme: last("programme"),
        skill: last("skill"),
        mode: last("mode"),
        ..Form::default()
    };
    let (store, now) = (&pages.node.store, (pages.clock)());
    let said = form.aim();
    let done = if form.digital == "unsaid" {
        mapping::unsay_aim(store, &said, &person.name, now).await
    } else {
        mapping::say_aim(store, &said, &person.name, now)
            .await
            .map(|_| ())
    };
    match done {
        Ok(()) => Ok(see_other("/import/ilr?said=yes")),
        Err(MappingError::Store(error)) => Err(fault(error)),
        Err(error) => Ok(aim_page(&pages, &form, Some(&error)).await?.into_response()),
    }
}

fn code_page(form: &Form, error: Option<&MappingError>) -> Page {
    let names = mapping::FIELDS
        .iter()
        .map(|(name, _)| Choice::new(*name, *name));
    let lists = mapping::values(&form.field).unwrap_or_else(|| {
        let all = mapping::FIELDS
            .iter()
            .filter_map(|(name, _)| mapping::values(name));
        all.flatten().collect()
    });
    let none = || std::iter::once(Choice::new("", "Choose"));
    let values = lists.into_iter().map(|(id, title)| Choice::new(id, title));
    let fields = PostForm::to(format!("{HOME}/code"))
        .with(Select::new(
            field("field", "Field of the ILR", &form.field, error),
            none().chain(names),
        ))
        .with(TextInput::new(field("code", "Code", &form.code, error)).width(10))
        .with(Select::new(
            field("value", "Read as", &form.value, error),
            none().chain(values),
        ))
        .with(Button::new("Save"));
    sheet("How is this code read?", fields, error)
}

pub(super) async fn code(State(pages): State<Pages>, Query(mut form): Query<Form>) -> Answer {
    let mappings = pages.node.store.ilr_mappings().await.map_err(fault)?;
    let mut all = mappings.codes.iter();
    if let Some(known) = all.find(|c| c.field == form.field && c.code == form.code) {
        form.value.clone_from(&known.value);
    }
    Ok(code_page(&form, None).into_response())
}

pub(super) async fn say_code(
    State(pages): State<Pages>,
    person: SignedIn,
    Sent(form): Sent<Form>,
) -> Answer {
    let (store, now) = (&pages.node.store, (pages.clock)());
    let said = mapping::say_code(
        store,
        &form.field,
        &form.code,
        &form.value,
        &person.name,
        now,
    )
    .await;
    answered(said, |error| code_page(&form, Some(error)))
}
