//! Lists page by page: the cursor of a page is the key of the last item before it, so that pages stay right while items
//! are added.

use std::fmt::Display;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use utoipa::ToSchema;

use super::{Problem, Refusal, problem};

/// Bytes of a cursor that tie it to its list.
const SEAL: usize = 9;

/// Items of a page at most, 1 to 100; 50 where nothing is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Limit(u32);

impl Limit {
    /// The number.
    #[must_use]
    pub fn get(self) -> u32 {
        self.0
    }
}

impl Default for Limit {
    fn default() -> Self {
        Self(50)
    }
}

impl TryFrom<String> for Limit {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let is_plain = text.bytes().all(|b| b.is_ascii_digit()) && !text.starts_with('0');
        let number = text
            .parse()
            .ok()
            .filter(|n| is_plain && (1..=100).contains(n));
        number
            .map(Self)
            .ok_or("limit is not a number from 1 to 100")
    }
}

/// A page of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Items<T> {
    /// The items, in the list's order.
    pub items: Vec<T>,
    /// Address of the next page with the same filters; null on the last.
    #[schema(required)]
    pub next: Option<String>,
}

/// The address of a list with its filters, which its cursors belong to.
///
/// ```
/// use ldsp_ui::api::{Limit, List};
/// let list = List::new("/api/v1/practice").filter("tier", Some("basic"));
/// let next = list.next(7, Limit::default());
/// let cursor = next.split("cursor=").nth(1).and_then(|rest| rest.split('&').next());
/// assert_eq!(list.after::<u64>(cursor).unwrap(), Some(7));
/// assert!(List::new("/api/v1/practice").after::<u64>(cursor).is_err(), "not with other filters");
/// ```
#[derive(Debug, Clone)]
pub struct List {
    address: String,
}

impl List {
    /// The list at `path`, which has no characters that need escaping in an address.
    #[must_use]
    pub fn new(path: &str) -> Self {
        Self {
            address: path.to_owned(),
        }
    }

    /// A filter in force. Its value has been checked: it is a code, a name or a month, which need no escaping.
    #[must_use]
    pub fn filter(mut self, name: &str, value: Option<impl Display>) -> Self {
        if let Some(value) = value {
            let sign = self.sign();
            self.address = format!("{}{sign}{name}={value}", self.address);
        }
        self
    }

    /// The key of the last item before the page that `cursor` begins; `None` without a cursor.
    ///
    /// # Errors
    /// The problem `cursor` when no page of this list with these filters begins there.
    #[expect(
        clippy::result_large_err,
        reason = "a refusal carries its whole problem; it is built once per refused request"
    )]
    pub fn after<K: FromStr>(&self, cursor: Option<&str>) -> Result<Option<K>, Refusal> {
        let Some(cursor) = cursor else {
            return Ok(None);
        };
        let key = BASE64.decode(cursor).ok().and_then(|bytes| {
            let (seal, key) = bytes.split_at_checked(SEAL)?;
            let key = std::str::from_utf8(key).ok()?;
            let key = (seal == self.seal(key)).then_some(key)?;
            key.parse().ok()
        });
        match key {
            Some(key) => Ok(Some(key)),
            None => {
                let detail = "The cursor is not one that this list gave with these filters.";
                Err(Problem::new(problem::CURSOR, detail).into())
            }
        }
    }

    /// Path and query of the page after the item with `key`.
    #[must_use]
    pub fn next(&self, key: impl Display, limit: Limit) -> String {
        let key = key.to_string();
        let mut bytes = self.seal(&key).to_vec();
        bytes.extend_from_slice(key.as_bytes());
        let (sign, cursor) = (self.sign(), BASE64.encode(bytes));
        format!("{}{sign}cursor={cursor}&limit={}", self.address, limit.0)
    }

    /// The page of `found`, which was asked for one item more than `limit`: that one only shows that there is a next page.
    #[must_use]
    pub fn page<T, K: Display>(
        &self,
        mut found: Vec<T>,
        limit: Limit,
        key: impl Fn(&T) -> K,
    ) -> Items<T> {
        let size = limit.0 as usize;
        let is_last = found.len() <= size;
        found.truncate(size);
        let last = found.last().filter(|_| !is_last);
        let next = last.map(|item| self.next(key(item), limit));
        Items { items: found, next }
    }

    fn sign(&self) -> char {
        if self.address.contains('?') { '&' } else { '?' }
    }

    fn seal(&self, key: &str) -> [u8; SEAL] {
        let digest = Sha256::new()
            .chain_update(b"ldsp cursor 1\n")
            .chain_update(&self.address)
            .chain_update(b"\n")
            .chain_update(key)
            .finalize();
        std::array::from_fn(|at| digest[at])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn cursor_of(address: &str) -> &str {
        let rest = address.split("cursor=").nth(1).unwrap();
        rest.split('&').next().unwrap()
    }

    #[test]
    fn a_page_says_where_the_next_begins_and_the_last_says_nothing() {
        let list = List::new("/api/v1/nodes").filter("state", Some("active"));
        let limit = Limit::try_from("2".to_owned()).unwrap();
        let page = list.page(vec![10u64, 20, 30], limit, |item| *item);
        assert_eq!(page.items, [10, 20]);
        let next = page.next.unwrap();
        assert!(
            next.starts_with("/api/v1/nodes?state=active&cursor="),
            "{next}"
        );
        assert!(next.ends_with("&limit=2"));
        assert_eq!(list.after(Some(cursor_of(&next))).unwrap(), Some(20u64));
        assert_eq!(list.page(vec![30u64], limit, |item| *item).next, None);
    }

    #[test]
    fn limits_are_plain_numbers_from_1_to_100() {
        for bad in [
            "",
            "0",
            "101",
            "+5",
            "05",
            "-1",
            "1e1",
            " 5",
            "99999999999",
            "\0",
        ] {
            assert!(Limit::try_from(bad.to_owned()).is_err(), "{bad:?}");
        }
        assert_eq!(Limit::try_from("100".to_owned()).unwrap().get(), 100);
    }

    proptest! {
        #[test]
        fn no_other_text_is_a_cursor(text in ".{0,60}") {
            let refusal = List::new("/api/v1/nodes").after::<String>(Some(&text)).unwrap_err();
            prop_assert_eq!(refusal.0.code, "cursor");
        }
    }
}
