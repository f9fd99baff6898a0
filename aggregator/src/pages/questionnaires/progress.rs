//! How a questionnaire stands: who answered, what the answers come to, and what each area wrote.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::{Path, Query, State};
use ldsp_protocol::geography::Geography;
use ldsp_protocol::ids::Gss;
use ldsp_protocol::questionnaire::{
    Answer as OneAnswer, Question, Questionnaire, Source, Spread, Tally, Told, Value,
};
use ldsp_ui::charts::{Alternative, Bar, BarChart, Estimate, Unit};
use ldsp_ui::components::{
    Button, Details, Figure, InsetText, Notification, PostForm, SummaryList, Table, Tag, TagColour,
    link,
};
use ldsp_ui::{Html, Page, ProblemPage, SignedIn};

use super::{LIST, address, heading, links, missing, page, parse, shown};
use crate::Service;
use crate::pages::{Answer, Failure, OPERATORS, words};
use crate::questionnaires::{Given, Standing, State as Stage, standing, words as said};
use crate::receive::questionnaires::envelope_of;
use crate::store::Drafts as _;

async fn find(service: &Service, name: &str) -> Result<Standing, Failure> {
    let stands = standing(&service.store, &parse(name)?).await?;
    Ok(stands.ok_or_else(missing)?)
}

fn name_of(lep: &Gss) -> String {
    let found = Geography::embedded().lep(lep);
    found.map_or_else(|| lep.to_string(), |lep| lep.name.clone())
}

pub(super) async fn show(
    State(service): State<Arc<Service>>,
    person: SignedIn,
    Path(name): Path<String>,
    Query(query): Query<HashMap<String, String>>,
) -> Answer {
    let stands = find(&service, &name).await?;
    let questionnaire = stands.questionnaire();
    let next = if person.is_any(OPERATORS) {
        next_version(&service, questionnaire).await?
    } else {
        Html::default()
    };
    let api = format!("/api/v1/questionnaires/{}", questionnaire.name);
    let files = links([
        link(
            "Every answer as a table (CSV)",
            &format!("{api}/answers.csv"),
        ),
        link(
            "The same with what was asked (JSON)",
            &format!("{api}/answers"),
        ),
        link("What they come to (JSON)", &api),
    ]);
    let body = Html::concat([
        facts(&stands),
        files,
        next,
        heading("Who answered"),
        who(&stands),
        heading("What the answers come to"),
        results(&stands)?,
        Details::new(
            "What is asked, question by question",
            shown::asked(questionnaire),
        )
        .into(),
    ]);
    let page = page(questionnaire.title.clone())
        .caption(format!("Questionnaire, version {}", questionnaire.version))
        .body(body);
    Ok(match query.get("issued") {
        Some(_) => page.notice(
            Notification::done(format!("Version {} is issued.", questionnaire.version)).content(
                Html::text("Nodes hear of it within half an hour. Their answers appear here."),
            ),
        ),
        None => page,
    })
}

fn facts(stands: &Standing) -> Html {
    let (newest, questionnaire) = (stands.newest(), stands.questionnaire());
    let (answered, late) = (
        stands.counted().count(),
        stands.counted().filter(|given| given.late).count(),
    );
    let late = match late {
        0 => String::new(),
        n => format!(", {} late", words::thousands(n as u64)),
    };
    let facts = SummaryList::new()
        .fact(
            "Answered",
            format!(
                "{answered} of {}{late}",
                words::plural(stands.asked.len(), "area", "areas")
            ),
        )
        .fact("Last day for answers", words::date(questionnaire.due))
        .fact(
            "Issued",
            Html::concat([
                Html::text(&format!(
                    "{}, by {}: ",
                    words::moment(newest.received),
                    questionnaire.asked_by
                )),
                link(
                    &format!("place {} in the log", words::thousands(newest.index)),
                    &format!("/statements/{}", newest.index),
                ),
            ]),
        );
    let older = stands.versions().len() - 1;
    if older == 0 {
        return facts.into();
    }
    let older = stands.versions()[..older].iter().rev().map(|asked| {
        link(
            &format!("version {}", asked.questionnaire.version),
            &format!("/statements/{}", asked.index),
        )
    });
    facts.fact("Replaced", links(older)).into()
}

/// The way to the next version: its draft where there is one.
async fn next_version(service: &Service, questionnaire: &Questionnaire) -> Result<Html, Failure> {
    let name = &questionnaire.name;
    if service.store.draft(name).await?.is_some() {
        let text = format!(
            "Go on with the draft of version {}",
            questionnaire.version + 1
        );
        return Ok(links([link(&text, &address(name))]));
    }
    let form = PostForm::to(format!("{LIST}/asked/{name}/version"))
        .with(Button::new("Write a new version").secondary());
    Ok(form.into())
}

fn state(stage: Stage) -> Tag {
    let colour = match stage {
        Stage::InTime => TagColour::Green,
        Stage::Late => TagColour::Yellow,
        Stage::EarlierVersion => TagColour::Purple,
        Stage::NotYet => TagColour::Grey,
        Stage::NoNode => TagColour::Red,
    };
    Tag::coloured(stage.in_words(), colour)
}

/// Every area by name; the name leads to its answers.
fn who(stands: &Standing) -> Html {
    let questionnaire = stands.questionnaire();
    let codes = stands.asked.iter().map(|(lep, _)| lep);
    let mut areas: Vec<(String, &Gss)> = codes.map(|lep| (name_of(lep), lep)).collect();
    areas.sort();
    let rows = areas.iter().map(|(area, lep)| {
        let given = stands.given.get(lep);
        let area = match given {
            Some(_) => {
                let to = format!("{LIST}/asked/{}/leps/{lep}", questionnaire.name);
                link(area, &to)
            }
            None => Html::text(area),
        };
        [
            area,
            state(stands.state(lep)).into(),
            Html::text(&given.map_or_else(String::new, |given| words::moment(given.received))),
        ]
    });
    let note = Html::paragraph("The name of an area that answered leads to its answers.");
    let table = Table::new("The areas that are asked")
        .caption_hidden()
        .columns(["Area", "State", "Last answers came"])
        .rows(rows);
    Html::concat([note, table.into()])
}

fn results(stands: &Standing) -> Result<Html, Failure> {
    let results = stands.results()?;
    if results.answered == 0 {
        return Ok(InsetText::new("No area has answered this version yet.").into());
    }
    let note = if results.too_few {
        Html::paragraph(
            "Fewer than three areas have answered, so the areas themselves are not told any of this yet.",
        )
    } else {
        Html::paragraph("Areas that were asked see the same, but for what is written in words.")
    };
    let questions = stands
        .questionnaire()
        .questions
        .iter()
        .zip(&results.tallies);
    let all = questions
        .enumerate()
        .map(|(at, (question, tally))| one(stands, at + 1, question, tally));
    Ok(Html::concat(std::iter::once(note).chain(all)))
}

/// What the answers to one question come to.
fn one(stands: &Standing, number: usize, question: &Question, tally: &Tally) -> Html {
    let title = format!("{number}. {}", question.text);
    let base = base(tally);
    let under = |content: Html| {
        Html::concat([
            Html::literal("<h3 class=\"govuk-heading-s\">"),
            Html::text(&title),
            Html::literal("</h3>"),
            Html::paragraph(&base),
            content,
        ])
    };
    match &tally.told {
        Told::Choices(_) => choices(&title, &base, number, &said::by_choice(question, tally)),
        Told::Numbers(None) => under(Html::default()),
        Told::Numbers(Some(spread)) => under(numbers(stands, question, *spread)),
        Told::Texts(_) => under(texts(stands, question)),
    }
}

/// How many areas stand behind it.
fn base(tally: &Tally) -> String {
    let mut base = format!(
        "{} reached it",
        words::plural(
            usize::try_from(tally.reached).unwrap_or(usize::MAX),
            "area",
            "areas"
        )
    );
    if tally.not_known > 0 {
        base.push_str(&format!(
            "; {} do not know",
            words::thousands(tally.not_known)
        ));
    }
    if tally.left_out > 0 {
        base.push_str(&format!(
            "; {} left it out",
            words::thousands(tally.left_out)
        ));
    }
    base.push('.');
    base
}

#[expect(
    clippy::cast_precision_loss,
    reason = "areas are counted, of which there are dozens"
)]
fn choices(title: &str, base: &str, number: usize, rows: &[(String, u64)]) -> Html {
    let told: Vec<String> = rows
        .iter()
        .map(|(text, n)| format!("{text}: {n}"))
        .collect();
    let alternative = Alternative::new(
        format!("answers-{number}"),
        title,
        format!("Areas by answer. {}.", told.join("; ")),
    );
    let bars = rows
        .iter()
        .map(|(text, n)| Bar::new(text.clone(), Estimate::exact(*n as f64)));
    let chart = BarChart::new(alternative, Unit::Count, bars);
    let table = Table::new(format!("{title} Areas by answer"))
        .columns(["Answer", "Areas"])
        .numeric([1])
        .rows(rows.iter().map(|(text, n)| [text.clone(), n.to_string()]));
    Figure::new(title, format!("Areas by answer. {base}"), chart, table)
        .under_section()
        .into()
}

fn numbers(stands: &Standing, question: &Question, spread: Spread) -> Html {
    let (unit, median) = (said::unit(&question.form), said::median(spread.median));
    let facts = SummaryList::new()
        .fact(
            "All together",
            format!(
                "{} {unit}, from {}",
                words::thousands(spread.sum),
                words::plural(
                    usize::try_from(spread.count).unwrap_or(usize::MAX),
                    "area",
                    "areas"
                )
            ),
        )
        .fact(
            "Smallest, middle, largest",
            format!(
                "{}, {median}, {}",
                words::thousands(spread.min),
                words::thousands(spread.max)
            ),
        );
    let mut given: Vec<(String, u64)> = stands
        .counted()
        .filter_map(|given| match answer(given, question)?.value {
            Value::Number(number) => Some((name_of(&given.lep), number)),
            _ => None,
        })
        .collect();
    given.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    let table = Table::new(format!("{} By area", question.text))
        .caption_hidden()
        .columns(["Area".to_owned(), unit.to_owned()])
        .numeric([1])
        .rows(
            given
                .into_iter()
                .map(|(area, n)| [area, words::thousands(n)]),
        );
    Html::concat([facts.into(), Details::new("Show each area", table).into()])
}

fn answer<'a>(given: &'a Given, question: &Question) -> Option<&'a OneAnswer> {
    let mut answers = given.answers.answers.iter();
    answers.find(|answer| answer.question == question.id)
}

/// What areas wrote, each under its name.
fn texts(stands: &Standing, question: &Question) -> Html {
    let mut written: Vec<(String, &str)> = stands
        .counted()
        .filter_map(|given| match &answer(given, question)?.value {
            Value::Text(text) => Some((name_of(&given.lep), text.as_str())),
            _ => None,
        })
        .collect();
    written.sort_unstable();
    let facts = written.into_iter();
    facts
        .fold(SummaryList::new(), |all, (area, text)| {
            all.fact(area, shown::lines(text))
        })
        .into()
}

/// The last answers of one area.
pub(super) async fn lep(
    State(service): State<Arc<Service>>,
    Path((name, code)): Path<(String, String)>,
) -> Answer {
    let stands = find(&service, &name).await?;
    let lep: Gss = code.parse().map_err(|_| ProblemPage::not_found())?;
    let given = stands.given.get(&lep).ok_or_else(|| {
        ProblemPage::not_found()
            .happened("This area has not answered the questionnaire.")
            .next("Its page lists who has.")
    })?;
    let asked = stands.version(given.version).ok_or_else(missing)?;
    let questionnaire = &asked.questionnaire;
    let facts = SummaryList::new()
        .fact("State", state(stands.state(&lep)))
        .fact("Version", given.version.to_string())
        .fact(
            "Came",
            format!("{}, London time", words::moment(given.received)),
        )
        .fact(
            "Signed by",
            Html::concat([
                link(given.node.as_str(), &format!("/nodes/{}", given.node)),
                Html::text(": "),
                link(
                    &format!("place {} in the log", words::thousands(given.index)),
                    &format!("/statements/{}", given.index),
                ),
            ]),
        )
        .fact(
            "Exact bytes",
            link("Download the signed envelope", &envelope_of(given.index)),
        );
    let reached = questionnaire.reached(&given.answers.answers);
    let answers = questionnaire.questions.iter().enumerate();
    let answers = answers.fold(SummaryList::new(), |all, (at, question)| {
        let said = match answer(given, question) {
            Some(answer) => said(question, answer),
            None if reached.iter().any(|q| q.id == question.id) => Html::text("Left out"),
            None => Html::text("Not asked, by the answers before it"),
        };
        all.fact(format!("{}. {}", at + 1, question.text), said)
    });
    let title = name_of(&lep);
    Ok(whole(
        &title,
        &stands,
        Html::concat([facts.into(), heading("Answers"), answers.into()]),
    ))
}

fn whole(title: &str, stands: &Standing, body: Html) -> Page {
    let questionnaire = stands.questionnaire();
    page(title)
        .caption(questionnaire.title.clone())
        .breadcrumb(
            questionnaire.title.clone(),
            format!("{LIST}/asked/{}", questionnaire.name),
        )
        .body(body)
}

/// An answer with where it is from.
fn said(question: &Question, answer: &OneAnswer) -> Html {
    let value = match &answer.value {
        Value::NotKnown => Html::text("Not known"),
        Value::YesNo(yes) => Html::text(if *yes { "Yes" } else { "No" }),
        Value::Number(number) => {
            let unit = said::unit(&question.form);
            Html::text(&format!("{} {unit}", words::thousands(*number)))
        }
        Value::One(code) => Html::text(&said::choice(&question.form, code.as_str())),
        Value::Any(codes) if codes.is_empty() => Html::text("None of them"),
        Value::Any(codes) => {
            let texts = codes.iter();
            let texts: Vec<String> = texts
                .map(|code| said::choice(&question.form, code.as_str()))
                .collect();
            Html::text(&texts.join("; "))
        }
        Value::Text(text) => shown::lines(text),
    };
    let from = match answer.source {
        Source::Person => return value,
        Source::Records => " (filled in from what the node holds)",
        Source::Releases => " (the estimate of its releases)",
    };
    Html::concat([value, Html::text(from)])
}
