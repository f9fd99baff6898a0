//! Lists that are searched, filtered, sorted and paged from their address: one query type, [`Asked`], and one component, [`Listing`].
//!
//! ```
//! use ldsp_ui::listing::{Asked, Column, Listing};
//! # use ldsp_ui::Html;
//! let asked = Asked::of(&"/cohorts?sort=places&order=down".parse().unwrap());
//! let mut rows = vec![("Monday", 4), ("Tuesday", 12)];
//! let order = asked.order("name", false);
//! match order.by.as_str() {
//!     "places" => order.sort(&mut rows, |row| row.1),
//!     _ => order.sort(&mut rows, |row| row.0),
//! }
//! let html: Html = Listing::new("Cohorts", &asked, order)
//!     .caption("2 cohorts")
//!     .columns([Column::new("Cohort").sorts("name"), Column::new("Places").sorts("places").numeric()])
//!     .rows(rows.iter().map(|(name, places)| [name.to_string(), places.to_string()]))
//!     .into();
//! assert!(html.as_str().contains("aria-sort=\"descending\""));
//! ```

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::ops::Range;

use axum::extract::{FromRequestParts, Query};
use axum::http::Uri;
use axum::http::request::Parts;

use crate::components::{
    Button, Choice, Field, Pagination, PostForm, Select, Table, TextInput, link,
};
use crate::html::Html;
use crate::people::percent_encode;

/// What the address of a list asks for: words to look for, filters, an order, a page. Names that the list does not know are kept and do
/// nothing; nothing in an address is an error.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    path: String,
    pairs: BTreeMap<String, String>,
}

/// The order of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// What it is sorted by, as the address calls it.
    pub by: String,
    /// From the last to the first.
    pub down: bool,
}

impl Order {
    /// Sorts rows by a key. What is equal stays as it was.
    pub fn sort<T, K: Ord>(&self, rows: &mut [T], key: impl Fn(&T) -> K) {
        rows.sort_by(|one, other| {
            let order = key(one).cmp(&key(other));
            if self.down { order.reverse() } else { order }
        });
    }
}

impl Asked {
    /// What this address asks for.
    #[must_use]
    pub fn of(uri: &Uri) -> Self {
        let query = Query::<Vec<(String, String)>>::try_from_uri(uri);
        let pairs = query.map(|Query(pairs)| pairs).unwrap_or_default();
        // `done` is the notice after a redirect: of this answer, not of the list.
        let asked = pairs
            .into_iter()
            .map(|(name, value)| (name, value.trim().to_owned()))
            .filter(|(name, value)| name != "done" && !value.is_empty());
        Self {
            path: uri.path().to_owned(),
            pairs: asked.collect(),
        }
    }

    /// What is asked under this name; empty for nothing.
    #[must_use]
    pub fn text(&self, name: &str) -> &str {
        self.pairs.get(name).map_or("", String::as_str)
    }

    /// The order: `sort` names it, `order=down` or `order=up` says which way. Without either, the list's own.
    #[must_use]
    pub fn order(&self, by: &str, down: bool) -> Order {
        let wanted = match self.text("sort") {
            "" => by,
            wanted => wanted,
        };
        Order {
            by: wanted.to_owned(),
            down: match self.text("order") {
                "down" => true,
                "up" => false,
                _ => down && wanted == by,
            },
        }
    }

    /// Which page, from 1.
    #[must_use]
    pub fn page(&self) -> usize {
        let page = self.text("page").parse().ok();
        page.filter(|page| *page > 0).unwrap_or(1)
    }

    /// Which of `total` rows stand on the page, at `size` a page.
    #[must_use]
    pub fn rows(&self, total: usize, size: usize) -> Range<usize> {
        let from = (self.page() - 1).saturating_mul(size).min(total);
        from..from.saturating_add(size).min(total)
    }

    /// The same list with other choices; an empty one takes a choice back.
    #[must_use]
    pub fn href(&self, others: &[(&str, &str)]) -> String {
        self.href_at(&self.path, others)
    }

    /// The same choices at another path: a file of what the list shows.
    #[must_use]
    pub fn href_at(&self, path: &str, others: &[(&str, &str)]) -> String {
        let mut all: BTreeMap<&str, &str> = self
            .pairs
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        all.extend(others.iter().copied());
        let pairs = all.into_iter().filter(|(_, value)| !value.is_empty());
        let pairs: Vec<String> = pairs
            .map(|(name, value)| format!("{}={}", percent_encode(name), percent_encode(value)))
            .collect();
        if pairs.is_empty() {
            path.to_owned()
        } else {
            format!("{path}?{}", pairs.join("&"))
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Asked {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::of(&parts.uri))
    }
}

/// A column of a list.
#[derive(Clone, Debug)]
pub struct Column {
    title: String,
    sorts: Option<&'static str>,
    numeric: bool,
}

impl Column {
    /// A column under this heading.
    pub fn new(title: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            sorts: None,
            numeric: false,
        }
    }

    /// Its heading sorts the list, which the address then calls this.
    #[must_use]
    pub fn sorts(mut self, by: &'static str) -> Self {
        self.sorts = Some(by);
        self
    }

    /// Holds numbers, which are aligned to the right.
    #[must_use]
    pub fn numeric(mut self) -> Self {
        self.numeric = true;
        self
    }
}

/// A filter of a list: its name in the address, its label, its choices.
struct Filter {
    name: &'static str,
    label: String,
    choices: Vec<Choice>,
}

/// A table with its search, its filters, headings that sort and the pages before and after.
pub struct Listing<'a> {
    of: String,
    asked: &'a Asked,
    order: Order,
    caption: Option<String>,
    search: Option<Field>,
    filters: Vec<Filter>,
    columns: Vec<Column>,
    rows: Vec<Vec<Html>>,
    turns: (Option<String>, Option<String>),
    file: Option<(String, String)>,
    nothing: String,
}

impl<'a> Listing<'a> {
    /// The list called `of` as the address asks for it, in the order that its rows are in.
    pub fn new(of: impl Into<String>, asked: &'a Asked, order: Order) -> Self {
        Self {
            of: of.into(),
            asked,
            order,
            caption: None,
            search: None,
            filters: Vec::new(),
            columns: Vec::new(),
            rows: Vec::new(),
            turns: (None, None),
            file: None,
            nothing: "Nothing is like this.".to_owned(),
        }
    }

    /// A caption above the table, such as how many there are. Without it only screen readers hear the list's name.
    #[must_use]
    pub fn caption(mut self, caption: impl Into<String>) -> Self {
        self.caption = Some(caption.into());
        self
    }

    /// A field to look for words, sent as `q`.
    #[must_use]
    pub fn search(mut self, label: &str) -> Self {
        self.search = Some(Field::new("q", label));
        self
    }

    /// A filter with its choices; `all` reads the choice of no filter.
    #[must_use]
    pub fn filter(
        mut self,
        name: &'static str,
        label: &str,
        all: &str,
        choices: impl IntoIterator<Item = (impl Into<String>, impl Into<String>)>,
    ) -> Self {
        let each = choices
            .into_iter()
            .map(|(value, label)| Choice::new(value, label));
        self.filters.push(Filter {
            name,
            label: label.to_owned(),
            choices: std::iter::once(Choice::new("", all)).chain(each).collect(),
        });
        self
    }

    /// The columns, the row headers' first.
    #[must_use]
    pub fn columns(mut self, columns: impl IntoIterator<Item = Column>) -> Self {
        self.columns = columns.into_iter().collect();
        self
    }

    /// The rows of this page.
    #[must_use]
    pub fn rows<C: Into<Html>>(
        mut self,
        rows: impl IntoIterator<Item = impl IntoIterator<Item = C>>,
    ) -> Self {
        let rows = rows.into_iter();
        self.rows = rows
            .map(|row| row.into_iter().map(Into::into).collect())
            .collect();
        self
    }

    /// Pages of `size` rows out of `total`, numbered in the address.
    #[must_use]
    pub fn paged(self, total: usize, size: usize) -> Self {
        let here = self.asked.rows(total, size);
        let more = here.end < total;
        self.turned(more)
    }

    /// Pages numbered in the address, of which there is `more` or not.
    #[must_use]
    pub fn turned(self, more: bool) -> Self {
        let page = self.asked.page();
        let to = |page: usize| {
            let page = if page > 1 {
                page.to_string()
            } else {
                String::new()
            };
            self.asked.href(&[("page", &page)])
        };
        let turns = ((page > 1).then(|| to(page - 1)), more.then(|| to(page + 1)));
        Self { turns, ..self }
    }

    /// The addresses of the pages before and after, for a list that is read on from a row.
    #[must_use]
    pub fn turns(mut self, previous: Option<String>, next: Option<String>) -> Self {
        self.turns = (previous, next);
        self
    }

    /// A link to a file of everything that the filters let through, at `path`.
    #[must_use]
    pub fn file(mut self, text: impl Into<String>, path: impl Into<String>) -> Self {
        self.file = Some((text.into(), path.into()));
        self
    }

    /// What to say when nothing is like what was asked for.
    #[must_use]
    pub fn nothing(mut self, words: impl Into<String>) -> Self {
        self.nothing = words.into();
        self
    }

    fn is_narrowed(&self) -> bool {
        let mut names = self.filters.iter().map(|filter| filter.name);
        names.any(|name| !self.asked.text(name).is_empty())
            || (self.search.is_some() && !self.asked.text("q").is_empty())
    }

    /// The same list in the same order without filters.
    fn all(&self) -> Html {
        let mut others = vec![("q", ""), ("page", ""), ("before", ""), ("after", "")];
        others.extend(self.filters.iter().map(|filter| (filter.name, "")));
        link("Show all", &self.asked.href(&others))
    }

    fn form(&self) -> Html {
        if self.filters.is_empty() && self.search.is_none() {
            return Html::default();
        }
        let mut form = PostForm::search(self.asked.path.clone());
        for name in ["sort", "order"] {
            if !self.asked.text(name).is_empty() {
                form = form.hidden(name, self.asked.text(name));
            }
        }
        if let Some(field) = &self.search {
            let field = field.clone().value(self.asked.text("q"));
            form = form.with(TextInput::new(field).width(20));
        }
        for filter in &self.filters {
            let field =
                Field::new(filter.name, filter.label.clone()).value(self.asked.text(filter.name));
            form = form.with(Select::new(field, filter.choices.iter().cloned()));
        }
        form = form.with(Button::new("Show").secondary());
        if self.is_narrowed() {
            form = form.with(Html::concat([
                Html::literal("<p class=\"ldsp-filters__all\">"),
                self.all(),
                Html::literal("</p>"),
            ]));
        }
        Html::concat([
            Html::literal("<div class=\"ldsp-filters\">"),
            form.into(),
            Html::literal("</div>"),
        ])
    }

    /// A heading that sorts by its column, or turns the order round.
    fn heading(&self, column: &Column) -> Html {
        let Some(by) = column.sorts else {
            return Html::text(&column.title);
        };
        let sorted = self.order.by == by;
        let order = match (sorted, self.order.down) {
            (false, _) => "",
            (true, true) => "up",
            (true, false) => "down",
        };
        let from_the_start = [("page", ""), ("before", ""), ("after", "")];
        let mut others = vec![("sort", by), ("order", order)];
        others.extend(from_the_start);
        let mark = match (sorted, self.order.down) {
            (false, _) => "<span class=\"ldsp-sort ldsp-sort--none\" aria-hidden=\"true\"></span>",
            (true, false) => "<span class=\"ldsp-sort ldsp-sort--up\" aria-hidden=\"true\"></span>",
            (true, true) => {
                "<span class=\"ldsp-sort ldsp-sort--down\" aria-hidden=\"true\"></span>"
            }
        };
        Html::concat([
            link(&column.title, &self.asked.href(&others)),
            Html::literal(mark),
        ])
    }

    fn table(self) -> Html {
        let numeric: Vec<usize> = (0..self.columns.len())
            .filter(|at| self.columns[*at].numeric)
            .collect();
        let sorted = (self.columns.iter())
            .position(|column| column.sorts.is_some_and(|by| by == self.order.by));
        let headings: Vec<Html> = self.columns.iter().map(|c| self.heading(c)).collect();
        let mut table = match &self.caption {
            Some(caption) => Table::new(caption.clone()),
            None => Table::new(self.of.clone()).caption_hidden(),
        };
        if let Some(column) = sorted {
            table = table.sorted(column, self.order.down);
        }
        let (previous, next) = self.turns;
        let file = match self.file {
            Some((text, path)) => {
                let unpaged = [("page", ""), ("before", ""), ("after", "")];
                Html::concat([
                    Html::literal("<p class=\"govuk-body ldsp-screen\">"),
                    link(&text, &self.asked.href_at(&path, &unpaged)),
                    Html::literal("</p>"),
                ])
            }
            None => Html::default(),
        };
        Html::concat([
            table
                .columns(headings)
                .numeric(numeric)
                .rows(self.rows)
                .into(),
            Pagination::new(self.of, previous, next).into(),
            file,
        ])
    }
}

impl From<Listing<'_>> for Html {
    fn from(listing: Listing<'_>) -> Self {
        let form = listing.form();
        if !listing.rows.is_empty() {
            return Html::concat([form, listing.table()]);
        }
        Html::concat([
            form,
            Html::literal("<p class=\"govuk-body\">"),
            Html::text(&listing.nothing),
            " ".into(),
            listing.all(),
            Html::literal("</p>"),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(address: &str) -> Asked {
        Asked::of(&address.parse().unwrap())
    }

    fn list(asked: &Asked, rows: usize) -> String {
        let listing = Listing::new("Cohorts", asked, asked.order("start", true))
            .search("Search")
            .filter("stage", "Stage", "Any", [("on", "On it"), ("left", "Left")])
            .columns([
                Column::new("Name").sorts("name"),
                Column::new("Start").sorts("start").numeric(),
                Column::new("State"),
            ])
            .rows((0..rows).map(|at| [at.to_string(), "x".into(), "y".into()]))
            .file("CSV", "/cohorts.csv")
            .paged(rows, 2);
        Html::from(listing).to_string()
    }

    #[test]
    fn the_address_says_what_is_shown_and_every_link_keeps_the_rest() {
        let wanted = asked("/cohorts?q=%20a%26b%20&stage=on&page=2&done=added&empty=");
        assert_eq!(wanted.text("q"), "a&b");
        assert_eq!((wanted.page(), wanted.rows(7, 3)), (2, 3..6));
        let html = list(&wanted, 5);
        for part in [
            "name=\"q\" type=\"text\" value=\"a&amp;b\"",
            "<option value=\"on\" selected>",
            "href=\"/cohorts?q=a%26b&amp;sort=name&amp;stage=on\"",
            "aria-sort=\"descending\"",
            "href=\"/cohorts?order=up&amp;q=a%26b&amp;sort=start&amp;stage=on\"",
            "href=\"/cohorts?q=a%26b&amp;stage=on\" rel=\"prev\"",
            "href=\"/cohorts?page=3&amp;q=a%26b&amp;stage=on\" rel=\"next\"",
            "href=\"/cohorts.csv?q=a%26b&amp;stage=on\"",
            "<a class=\"govuk-link\" href=\"/cohorts\">Show all</a>",
        ] {
            let plain = html.replace("&#38;", "&amp;");
            assert!(plain.contains(part), "{part}: {plain}");
        }
        assert!(!html.contains("done="), "a notice is not part of the list");
        assert_eq!(html.matches("aria-sort").count(), 1);
    }

    #[test]
    fn the_order_is_the_lists_own_until_the_address_says_another() {
        let order = |address| asked(address).order("start", true);
        let is = |by: &str, down| Order {
            by: by.to_owned(),
            down,
        };
        assert_eq!(order("/c"), is("start", true));
        assert_eq!(order("/c?order=up"), is("start", false));
        assert_eq!(order("/c?sort=name"), is("name", false));
        assert_eq!(order("/c?sort=name&order=down"), is("name", true));
        let mut rows = [(2, 'a'), (1, 'b'), (2, 'c')];
        is("n", true).sort(&mut rows, |row| row.0);
        assert_eq!(rows, [(2, 'a'), (2, 'c'), (1, 'b')]);
    }

    #[test]
    fn an_address_of_nonsense_shows_the_first_page_and_nothing_says_so() {
        let odd = asked("/cohorts?page=-1&order=%00&sort=%3Cscript%3E&q=%FF%3Cb%3E");
        assert_eq!(odd.rows(1, 2), 0..1);
        let html = list(&odd, 0);
        assert!(html.contains("Nothing is like this.") && html.contains("Show all"));
        assert!(
            !html.contains("<script>") && !html.contains("<b>"),
            "{html}"
        );
        assert_eq!(asked("/cohorts?page=99").rows(5, 2), 5..5);
    }
}
