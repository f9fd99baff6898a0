//! This LEP's answers beside those of all, once they were sent. LEPs are counted, and no LEP's own answers are told.

use axum::extract::{Path, State};
use axum::response::IntoResponse as _;
use ldsp_protocol::questionnaire::{Form, Question, Spread, Tally, Told, Value, YES_NO};
use ldsp_ui::components::{InsetText, StatCard, Stats, Table, Tag, TagColour};
use ldsp_ui::{Html, Page};

use super::super::{Answer, Pages, fault, words};
use super::{PATH, address, find, numbered, said};
use crate::questionnaire::Case;
use crate::questionnaire::results::{Picture, Results, picture};
use crate::store::answers::StoredAnswers;

pub(super) async fn show(State(pages): State<Pages>, Path(name): Path<String>) -> Answer {
    let case = find(&pages, &name).await?;
    let asked = &case.it.asked;
    let page = Page::new(asked.title.clone())
        .caption("Your answers beside all others")
        .breadcrumb("Questionnaires", PATH)
        .breadcrumb(asked.title.clone(), address(&asked.name));
    let Some(sent) = &case.sent else {
        let words =
            "Once this LEP has answered, its answers stand here beside those of all others.";
        return Ok(page.body(InsetText::new(words)).into_response());
    };
    let peers = &pages.peers;
    let ask = async |path: String| peers(path).await;
    let (store, now) = (&pages.node.store, (pages.clock)());
    let picture = picture(store, &asked.name, ask, now).await.map_err(fault)?;
    Ok(page.body(body(&case, sent, &picture)).into_response())
}

fn body(case: &Case, sent: &StoredAnswers, picture: &Picture) -> Html {
    let mut pieces = Vec::new();
    if let Some(problem) = &picture.problem {
        let rest = match picture.results {
            Some(_) => "What it said last is shown.",
            None => "Your own answers are below.",
        };
        let words = format!(
            "The national log could not be asked just now: {} {rest}",
            words::sentence(problem)
        );
        pieces.push(InsetText::new(words).into());
    }
    // What is told of another version is told of other questions.
    let of_this =
        |(results, _): &&(Results, jiff::Timestamp)| results.questionnaire.pae == case.it.pae;
    let told = picture.results.as_ref().filter(of_this);
    if let Some((results, at)) = told {
        let cards = [
            StatCard::new("LEPs that answered", words::count(results.answered)).line(format!(
                "of {} that were asked",
                words::count(results.asked)
            )),
            StatCard::new("As of", words::moment(*at)),
        ];
        pieces.push(Stats::new("How many answered", cards).into());
        if results.too_few {
            pieces.push(
                InsetText::new("So few LEPs have answered that nothing is told of what they said. It is told once three have.").into(),
            );
        }
    } else if let Some((results, _)) = &picture.results {
        let words = format!(
            "The log tells of version {}, this node of version {}: look again in an hour.",
            results.questionnaire.version, case.it.asked.version
        );
        pieces.push(InsetText::new(words).into());
    }
    if sent.questionnaire != case.it.pae {
        pieces.push(
            InsetText::new(
                "This LEP answered an earlier version; all others are told of the newest.",
            )
            .into(),
        );
    }
    let tallies = told.map_or(&[][..], |(results, _)| results.tallies.as_slice());
    for question in &case.it.asked.questions {
        let tally = tallies.iter().find(|tally| tally.question == question.id);
        pieces.push(beside(case, question, sent, tally));
    }
    Html::concat(pieces)
}

/// One question: what this LEP says, and what all say.
fn beside(case: &Case, question: &Question, sent: &StoredAnswers, tally: Option<&Tally>) -> Html {
    let own = sent.of(&question.id).map(|kept| &kept.answer.value);
    let title = numbered(case, question);
    let ours = own.map_or_else(
        || "Not answered".to_owned(),
        |value| said::value(question, value),
    );
    let rows = tally.map_or_else(Vec::new, |tally| told(question, own, tally));
    let mut pieces = vec![
        super::super::release_view::heading(&title),
        Html::paragraph(&format!("Your answer: {ours}")),
    ];
    if !rows.is_empty() {
        let columns = match tally.map(|tally| &tally.told) {
            Some(Told::Numbers(_)) => ["What", "Number"],
            _ => ["Answer", "LEPs"],
        };
        let table = Table::new(format!("{title} All LEPs"))
            .caption_hidden()
            .columns(columns)
            .numeric([1])
            .rows(rows);
        pieces.push(table.into());
    }
    Html::concat(pieces)
}

fn told(question: &Question, own: Option<&Value>, tally: &Tally) -> Vec<[Html; 2]> {
    let row = |words: String, number: String, ours: bool| {
        let mut label = vec![Html::text(&words)];
        if ours {
            label.extend([
                " ".into(),
                Tag::coloured("Your answer", TagColour::Blue).into(),
            ]);
        }
        [Html::concat(label), Html::text(&number)]
    };
    let mut rows = Vec::new();
    match &tally.told {
        Told::Choices(by_code) => {
            for (code, words) in choices(question) {
                let ours = own.is_some_and(|own| own.has(&code));
                let leps = by_code.get(&code).copied().unwrap_or(0);
                rows.push(row(words, words::count(leps), ours));
            }
        }
        Told::Numbers(Some(spread)) => rows.extend(
            numbers(*spread)
                .into_iter()
                .map(|(what, number)| row(what.to_owned(), number, false)),
        ),
        Told::Numbers(None) => {}
        Told::Texts(leps) => rows.push(row(
            "Wrote something".to_owned(),
            words::count(*leps),
            matches!(own, Some(Value::Text(_))),
        )),
    }
    let unknown = own == Some(&Value::NotKnown);
    rows.push(row(
        "Not known".to_owned(),
        words::count(tally.not_known),
        unknown,
    ));
    if tally.left_out > 0 {
        rows.push(row(
            "Left out".to_owned(),
            words::count(tally.left_out),
            false,
        ));
    }
    rows
}

fn choices(question: &Question) -> Vec<(String, String)> {
    match &question.form {
        Form::One(choices) | Form::Any(choices) => choices
            .iter()
            .map(|choice| (choice.code.to_string(), choice.text.clone()))
            .collect(),
        _ => {
            let [yes, no] = YES_NO;
            vec![
                (yes.to_owned(), "Yes".to_owned()),
                (no.to_owned(), "No".to_owned()),
            ]
        }
    }
}

fn numbers(spread: Spread) -> [(&'static str, String); 5] {
    let median = match spread.median.fract() {
        0.0 => format!("{:.0}", spread.median),
        _ => format!("{:.1}", spread.median),
    };
    [
        ("LEPs that gave a number", words::count(spread.count)),
        ("All together", words::count(spread.sum)),
        ("The smallest", words::count(spread.min)),
        ("The middle", median),
        ("The largest", words::count(spread.max)),
    ]
}
