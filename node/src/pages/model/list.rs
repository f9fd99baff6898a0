//! A list that is searched, filtered and sorted from its address.

use std::cmp::Ordering;

use axum::extract::State;
use axum::response::IntoResponse as _;
use ldsp_ui::components::{Button, link};
use ldsp_ui::listing::{Asked, Column, Listing, Order};
use ldsp_ui::{Html, Page, SignedIn};

use super::super::{Answer, Pages, fault, sees_exact, words};
use super::{Beside, Shown, known, said, writes};
use crate::model::{Answer as Kind, Question};
use crate::store::kept::Stored;

/// Rows of a page.
const PAGE: usize = 100;

/// A row with its texts.
type Row<M> = (Stored<M>, Vec<String>);

fn matches<M>(row: &Row<M>, questions: &[Question], asked: &Asked) -> bool {
    let wanted = asked.text("q").to_lowercase();
    let mut columns = questions.iter().zip(&row.1);
    let found = wanted.is_empty()
        || columns.any(|(q, text)| q.words(text).to_lowercase().contains(&wanted));
    found
        && questions.iter().zip(&row.1).all(|(q, text)| {
            let filter = asked.text(q.column);
            choices(q).is_none() || filter.is_empty() || filter == text
        })
}

/// What a column is filtered by.
fn choices(question: &Question) -> Option<&[(String, String)]> {
    match &question.answer {
        Kind::One(of) if question.listed => Some(of),
        _ => None,
    }
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

fn sort<M>(rows: &mut [Row<M>], questions: &[Question], order: &Order) {
    let by = questions.iter().position(|q| q.column == order.by);
    let Some(by) = by else { return };
    rows.sort_by(|(_, one), (_, other)| {
        let compared = compare(&questions[by], &one[by], &other[by]);
        let stated = !one[by].is_empty() && !other[by].is_empty();
        if order.down && stated {
            compared.reverse()
        } else {
            compared
        }
    });
}

/// Without what only those see who may see exact counts: else what is found, and in which order, would tell it.
fn seen(mut texts: Vec<String>, questions: &[Question]) -> Vec<String> {
    if !sees_exact() {
        let all = texts.iter_mut().zip(questions);
        all.filter(|(_, question)| question.exact)
            .for_each(|(text, _)| text.clear());
    }
    texts
}

pub(super) async fn list<M: Shown>(
    State(pages): State<Pages>,
    asked: Asked,
    person: SignedIn,
) -> Answer {
    let known = known(&pages).await?;
    let questions = M::questions(&known);
    let all: Vec<Stored<M>> = pages.node.store.kept().await.map_err(fault)?;
    let held = all.len();
    let mut rows: Vec<Row<M>> = all
        .into_iter()
        .map(|stored| {
            let texts = seen(stored.it.texts(&known), &questions);
            (stored, texts)
        })
        .filter(|row| matches(row, &questions, &asked))
        .collect();
    let found: Vec<Stored<M>> = rows.iter().map(|(stored, _)| stored.clone()).collect();
    let beside = M::beside(&pages, &found).await?;
    if let Some(beside) = &beside {
        let wanted = asked.text(beside.column);
        rows.retain(|(stored, _)| {
            let said = beside.of.get(&stored.id).map(|(id, _)| *id);
            wanted.is_empty() || said == Some(wanted)
        });
    }
    let order = asked.order("", false);
    sort(&mut rows, &questions, &order);
    let mut pieces = vec![Html::paragraph(M::ABOUT)];
    if writes::<M>(&person) {
        pieces.push(Button::link(format!("Add {}", M::A), format!("{}/new", M::PATH)).into());
    }
    if held == 0 {
        pieces.push(Html::paragraph(M::EMPTY));
    } else {
        pieces.push(listing(&rows, held, &questions, beside, &asked, order));
    }
    let found: Vec<Stored<M>> = rows.into_iter().map(|(stored, _)| stored).collect();
    pieces.push(M::below(&pages, &found, &known, &person).await?);
    let mut page = Page::new(M::MANY).body(Html::concat(pieces));
    if let Some(gone) = crate::api::number(asked.text("deleted")) {
        page = page.notice(super::remove::gone::<M>(gone));
    }
    Ok(page.into_response())
}

fn listing<M: Shown>(
    rows: &[Row<M>],
    held: usize,
    questions: &[Question],
    beside: Option<Beside>,
    asked: &Asked,
    order: Order,
) -> Html {
    let listed: Vec<usize> = (0..questions.len())
        .filter(|at| questions[*at].listed)
        .collect();
    let columns = listed.iter().map(|at| {
        let question = &questions[*at];
        let column = Column::new(question.label).sorts(question.column);
        match question.answer {
            Kind::Number | Kind::Pounds => column.numeric(),
            _ => column,
        }
    });
    let columns = columns.chain(beside.iter().map(|beside| Column::new(beside.label)));
    let shown = rows[asked.rows(rows.len(), PAGE)]
        .iter()
        .map(|(stored, texts)| {
            let beside = beside.iter().map(|beside| {
                let said = beside.of.get(&stored.id);
                said.map_or_else(Html::default, |(_, shown)| shown.clone())
            });
            let texts = listed.iter().enumerate().map(move |(place, at)| {
                let (question, text) = (&questions[*at], &texts[*at]);
                match place {
                    0 => link(&question.words(text), &format!("{}/{}", M::PATH, stored.id)),
                    _ => said(question, text),
                }
            });
            texts.chain(beside)
        });
    let many = words::some(held, M::ONE, &M::MANY.to_lowercase());
    let caption = if rows.len() == held {
        many
    } else {
        format!("{} of {many}", words::count(rows.len() as u64))
    };
    let list = Listing::new(M::MANY, asked, order)
        .caption(caption)
        .search("Search")
        .columns(columns)
        .rows(shown)
        .paged(rows.len(), PAGE);
    let list = match &beside {
        Some(beside) => list.filter(beside.column, beside.label, "All", beside.choices.clone()),
        None => list,
    };
    let filters = questions.iter().filter_map(|q| Some((q, choices(q)?)));
    filters
        .fold(list, |list, (question, of)| {
            list.filter(question.column, question.label, "All", of.iter().cloned())
        })
        .into()
}
