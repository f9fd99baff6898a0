//! Lists that are read newest first, a page at a time: each page is found by the place in the log of an item beside
//! it, so that new items shift nothing and far pages cost no more than near ones.

use std::collections::HashMap;

use crate::store::{Span, StoreError};

/// One page of a list, and where the pages beside it begin.
#[derive(Debug)]
pub(super) struct Paged<T> {
    pub(super) items: Vec<T>,
    pub(super) previous: Option<Span>,
    pub(super) next: Option<Span>,
}

/// The span that an address names: `before=12` or `after=12`; anything else is the newest.
pub(super) fn span(query: &HashMap<String, String>) -> Span {
    let number = |name| query.get(name).and_then(|n| n.parse::<i64>().ok());
    let number = |name| number(name).and_then(|n| u64::try_from(n).ok());
    match (number("before"), number("after")) {
        (Some(index), _) => Span::Before(index),
        (None, Some(index)) => Span::After(index),
        (None, None) => Span::Newest,
    }
}

/// An address with these parts and this span: `/statements?node=solent&before=12`.
pub(super) fn href(path: &str, parts: &[(&str, Option<String>)], span: Span) -> String {
    let span = match span {
        Span::Newest => None,
        Span::Before(index) => Some(format!("before={index}")),
        Span::After(index) => Some(format!("after={index}")),
    };
    let parts = parts
        .iter()
        .filter_map(|(name, value)| Some(format!("{name}={}", value.as_ref()?)));
    let query: Vec<String> = parts.chain(span).collect();
    if query.is_empty() {
        path.to_owned()
    } else {
        format!("{path}?{}", query.join("&"))
    }
}

/// Reads a page of `size` items. `fetch` gives at most so many items of a span, newest first; `index` is an
/// item's place in the log.
pub(super) async fn page<T, F: Future<Output = Result<Vec<T>, StoreError>>>(
    span: Span,
    size: usize,
    index: impl Fn(&T) -> u64,
    fetch: impl Fn(Span, u32) -> F,
) -> Result<Paged<T>, StoreError> {
    // One more than is shown says whether there is another page.
    let limit = u32::try_from(size).unwrap_or(u32::MAX).saturating_add(1);
    let mut items = fetch(span, limit).await?;
    if let Span::After(_) = span {
        if items.len() > size {
            items.remove(0);
            let (first, last) = (items.first().map(&index), items.last().map(&index));
            return Ok(Paged {
                items,
                previous: first.map(Span::After),
                next: last.map(Span::Before),
            });
        }
        // At the top: the first page, whole.
        items = fetch(Span::Newest, limit).await?;
    }
    let next = if items.len() > size {
        items.truncate(size);
        items.last().map(|last| Span::Before(index(last)))
    } else {
        None
    };
    let previous = match (span, items.first().map(&index)) {
        (Span::Before(_), Some(first)) => {
            let newer = fetch(Span::After(first), 1).await?;
            (!newer.is_empty()).then_some(Span::After(first))
        }
        (Span::Before(_), None) => Some(Span::Newest),
        _ => None,
    };
    Ok(Paged {
        items,
        previous,
        next,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn pages_of(length: u64, span: Span) -> Paged<u64> {
        let all: Vec<u64> = (0..length).rev().map(|n| n * 2).collect();
        let fetch = |span, limit: u32| {
            let limit = limit as usize;
            std::future::ready(Ok(match span {
                Span::Newest => all.iter().copied().take(limit).collect(),
                Span::Before(i) => all.iter().copied().filter(|n| *n < i).take(limit).collect(),
                Span::After(i) => {
                    let above: Vec<u64> = all.iter().copied().filter(|n| *n > i).collect();
                    above[above.len().saturating_sub(limit)..].to_vec()
                }
            }))
        };
        page(span, 3, |n| *n, fetch).await.unwrap()
    }

    #[tokio::test]
    async fn every_page_leads_to_those_beside_it() {
        let first = pages_of(7, Span::Newest).await;
        assert_eq!(first.items, [12, 10, 8]);
        assert_eq!((first.previous, first.next), (None, Some(Span::Before(8))));
        let second = pages_of(7, Span::Before(8)).await;
        assert_eq!(second.items, [6, 4, 2]);
        assert_eq!(
            (second.previous, second.next),
            (Some(Span::After(6)), Some(Span::Before(2)))
        );
        let last = pages_of(7, Span::Before(2)).await;
        assert_eq!((last.items, last.next), (vec![0], None));
        let back = pages_of(7, last.previous.unwrap()).await;
        assert_eq!(back.items, [6, 4, 2]);
        let top = pages_of(7, Span::After(6)).await;
        assert_eq!((top.items, top.previous), (vec![12, 10, 8], None));
        // A page that new items have filled up is still the first one, whole.
        let short = pages_of(7, Span::After(10)).await;
        assert_eq!((short.items, short.previous), (vec![12, 10, 8], None));
    }

    #[tokio::test]
    async fn an_empty_page_leads_back() {
        let none = pages_of(0, Span::Newest).await;
        assert!(none.items.is_empty() && none.previous.is_none() && none.next.is_none());
        let beyond = pages_of(3, Span::Before(0)).await;
        assert_eq!(
            (beyond.items, beyond.previous),
            (vec![], Some(Span::Newest))
        );
    }

    #[test]
    fn addresses_name_spans() {
        let query = |name: &str, value: &str| HashMap::from([(name.to_owned(), value.to_owned())]);
        assert_eq!(span(&query("before", "12")), Span::Before(12));
        assert_eq!(span(&query("after", "0")), Span::After(0));
        for odd in ["-1", "x", "99999999999999999999", "9223372036854775808"] {
            assert_eq!(span(&query("before", odd)), Span::Newest);
        }
        assert_eq!(href("/a", &[("b", None)], Span::Newest), "/a");
        assert_eq!(
            href("/a", &[("b", Some("c".into()))], Span::After(1)),
            "/a?b=c&after=1"
        );
    }
}
