//! A list that is searched, filtered and sorted from its address.

use std::cmp::Ordering;
use std::collections::HashMap;

use axum::extract::{Query, State};
use axum::response::IntoResponse as _;
use ldsp_ui::components::{
    Button, Choice, Field, Pagination, PostForm, Select, Table, TextInput, link,
};
use ldsp_ui::{Html, Page, SignedIn};
use reqwest::Url;

use super::super::{Answer, Pages, fault, words};
use super::{Shown, known, said, siblings, writes};
use crate::model::{Answer as Kind, Question};
use crate::store::kept::Stored;

/// Rows of a page.
const PAGE: usize = 100;

/// What the address asks for.
struct Asked<'a> {
    path: &'static str,
    query: &'a HashMap<String, String>,
}

impl Asked<'_> {
    fn text(&self, name: &str) -> &str {
        self.query.get(name).map_or("", String::as_str).trim()
    }

    /// The same list with other choices.
    fn href(&self, others: &[(&str, &str)]) -> String {
        let mut all: Vec<(&str, &str)> = self
            .query
            .iter()
            .map(|(n, v)| (n.as_str(), v.as_str()))
            .collect();
        all.retain(|(name, value)| {
            !value.is_empty() && !others.iter().any(|(other, _)| other == name)
        });
        all.extend(others.iter().filter(|(_, value)| !value.is_empty()));
        all.sort_unstable();
        let url = Url::parse_with_params("https://any", all);
        match url.as_ref().ok().and_then(Url::query) {
            Some(query) if !query.is_empty() => format!("{}?{query}", self.path),
            _ => self.path.to_owned(),
        }
    }
}

/// A row with its texts.
type Row<M> = (Stored<M>, Vec<String>);

fn matches<M>(row: &Row<M>, questions: &[Question], asked: &Asked<'_>) -> bool {
    let wanted = asked.text("q").to_lowercase();
    let mut columns = questions.iter().zip(&row.1);
    let found = wanted.is_empty()
        || columns.any(|(q, text)| q.words(text).to_lowercase().contains(&wanted));
    found
        && questions.iter().zip(&row.1).all(|(q, text)| {
            let filter = asked.text(q.column);
            !is_filter(q) || filter.is_empty() || filter == text
        })
}

fn is_filter(question: &Question) -> bool {
    question.listed && matches!(question.answer, Kind::One(_))
}

/// In the order of numbers, lists and dates; what is not stated comes last.
fn compare(question: &Question, one: &str, other: &str) -> Ordering {
    let number = |text: &str| text.parse::<f64>().unwrap_or(f64::MAX);
    match &question.answer {
        _ if one.is_empty() != other.is_empty() => one.is_empty().cmp(&other.is_empty()),
        Kind::Number | Kind::Pounds => number(one).total_cmp(&number(other)),
        Kind::One(of) => {
            let place = |text: &str| of.iter().position(|(id, _)| id == text);
            place(one).cmp(&place(other))
        }
        _ => one.to_lowercase().cmp(&other.to_lowercase()),
    }
}

fn sort<M>(rows: &mut [Row<M>], questions: &[Question], asked: &Asked<'_>) {
    let by = questions
        .iter()
        .position(|q| q.column == asked.text("sort"));
    let Some(by) = by else { return };
    let down = asked.text("order") == "down";
    rows.sort_by(|(_, one), (_, other)| {
        let order = compare(&questions[by], &one[by], &other[by]);
        let stated = !one[by].is_empty() && !other[by].is_empty();
        if down && stated {
            order.reverse()
        } else {
            order
        }
    });
}

/// A heading that sorts by its column.
fn heading(question: &Question, asked: &Asked<'_>) -> Html {
    let sorted = asked.text("sort") == question.column;
    let down = sorted && asked.text("order") == "down";
    let order = if sorted && !down { "down" } else { "" };
    let to = asked.href(&[("sort", question.column), ("order", order), ("page", "")]);
    let mark = match (sorted, down) {
        (false, _) => "",
        (true, false) => {
            "<span aria-hidden=\"true\"> \u{25b2}</span><span class=\"govuk-visually-hidden\">, sorted from the first</span>"
        }
        (true, true) => {
            "<span aria-hidden=\"true\"> \u{25bc}</span><span class=\"govuk-visually-hidden\">, sorted from the last</span>"
        }
    };
    Html::concat([link(question.label, &to), Html::literal(mark)])
}

fn filters(questions: &[Question], asked: &Asked<'_>) -> Html {
    let mut form = PostForm::search(asked.path).with(TextInput::new(
        Field::new("q", "Search").value(asked.text("q")),
    ));
    for question in questions.iter().filter(|q| is_filter(q)) {
        let Kind::One(of) = &question.answer else {
            continue;
        };
        let any = Choice::new("", "All");
        let each = of
            .iter()
            .map(|(id, title)| Choice::new(id.clone(), title.clone()));
        let field = Field::new(question.column, question.label).value(asked.text(question.column));
        form = form.with(Select::new(field, std::iter::once(any).chain(each)));
    }
    for name in ["sort", "order"] {
        if !asked.text(name).is_empty() {
            form = form.hidden(name, asked.text(name));
        }
    }
    Html::concat([
        Html::literal("<div class=\"ldsp-filters\">"),
        form.with(Button::new("Show").secondary()).into(),
        Html::literal("</div>"),
    ])
}

pub(super) async fn list<M: Shown>(
    State(pages): State<Pages>,
    Query(query): Query<HashMap<String, String>>,
    person: SignedIn,
) -> Answer {
    let asked = Asked {
        path: M::PATH,
        query: &query,
    };
    let known = known(&pages).await?;
    let questions = M::questions(&known);
    let all: Vec<Stored<M>> = pages.node.store.kept().await.map_err(fault)?;
    let held = all.len();
    let mut rows: Vec<Row<M>> = all
        .into_iter()
        .map(|stored| {
            let texts = stored.it.texts(&known);
            (stored, texts)
        })
        .filter(|row| matches(row, &questions, &asked))
        .collect();
    sort(&mut rows, &questions, &asked);
    let mut pieces = vec![siblings(M::PATH, &person), Html::paragraph(M::ABOUT)];
    if writes::<M>(&person) {
        pieces.push(Button::link(format!("Add {}", M::A), format!("{}/new", M::PATH)).into());
    }
    if held == 0 {
        pieces.push(Html::paragraph(M::EMPTY));
    } else {
        pieces.push(filters(&questions, &asked));
        pieces.push(table(&rows, &questions, &asked));
    }
    let found: Vec<Stored<M>> = rows.into_iter().map(|(stored, _)| stored).collect();
    pieces.push(M::below(&pages, &found, &known, &person).await?);
    Ok(Page::new(M::MANY)
        .body(Html::concat(pieces))
        .into_response())
}

fn table<M: Shown>(rows: &[Row<M>], questions: &[Question], asked: &Asked<'_>) -> Html {
    if rows.is_empty() {
        return Html::concat([
            Html::literal("<p class=\"govuk-body\">"),
            Html::text("Nothing is like this. "),
            link("Show all", asked.path),
            Html::literal("</p>"),
        ]);
    }
    let page = asked
        .text("page")
        .parse::<usize>()
        .ok()
        .filter(|n| *n > 0)
        .unwrap_or(1);
    let from = (page - 1).saturating_mul(PAGE);
    let listed: Vec<usize> = (0..questions.len())
        .filter(|at| questions[*at].listed)
        .collect();
    let numeric = listed
        .iter()
        .enumerate()
        .filter(|(_, at)| matches!(questions[**at].answer, Kind::Number | Kind::Pounds));
    let numeric: Vec<usize> = numeric.map(|(place, _)| place).collect();
    let shown = rows.iter().skip(from).take(PAGE).map(|(stored, texts)| {
        listed.iter().enumerate().map(move |(place, at)| {
            let (question, text) = (&questions[*at], &texts[*at]);
            match place {
                0 => link(&question.words(text), &format!("{}/{}", M::PATH, stored.id)),
                _ => said(question, text),
            }
        })
    });
    let caption = words::some(rows.len(), M::ONE, &M::MANY.to_lowercase());
    let table = Table::new(caption)
        .columns(listed.iter().map(|at| heading(&questions[*at], asked)))
        .numeric(numeric)
        .rows(shown);
    let to = |page: usize| asked.href(&[("page", &page.to_string())]);
    let previous = (page > 1).then(|| to(page - 1));
    let next = (from.saturating_add(PAGE) < rows.len()).then(|| to(page + 1));
    Html::concat([
        table.into(),
        Pagination::new(M::MANY, previous, next).into(),
    ])
}
