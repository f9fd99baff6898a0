//! The navigation of a site: a few items, some of them sections, whose own items stand below on each of the section's pages.

use crate::people::SignedIn;
use crate::roles::RoleTable;

/// An item of the main navigation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NavItem {
    /// What the reader sees.
    pub label: String,
    /// A local path. The item is marked as current on this path and as active below it. Empty of a section.
    pub href: String,
    /// Shown to signed-in people only.
    pub signed_in_only: bool,
    /// Other paths that belong to this item, and everything below them.
    covers: Vec<&'static str>,
    /// Roles for which the page leads elsewhere.
    not_for: &'static [&'static str],
    /// What is in the section.
    items: Vec<NavItem>,
}

impl NavItem {
    /// An item that everyone sees.
    pub fn public(label: impl Into<String>, href: impl Into<String>) -> Self {
        Self {
            label: label.into(),
            href: href.into(),
            signed_in_only: false,
            covers: Vec::new(),
            not_for: &[],
            items: Vec::new(),
        }
    }

    /// An item that only signed-in people see.
    pub fn signed_in(label: impl Into<String>, href: impl Into<String>) -> Self {
        Self {
            signed_in_only: true,
            ..Self::public(label, href)
        }
    }

    /// A section: it leads to the first of its items that the reader may open, and those of them that the role table names stand below
    /// the main navigation on each of its pages. Who may open one of them sees that one in the section's place.
    pub fn section(label: impl Into<String>, items: impl IntoIterator<Item = Self>) -> Self {
        Self {
            items: items.into_iter().collect(),
            ..Self::public(label, "")
        }
    }

    /// Marks the item as active at `path` and below it too: a page that readers reach through this item.
    #[must_use]
    pub fn covering(mut self, path: &'static str) -> Self {
        self.covers.push(path);
        self
    }

    /// Leaves the item out for people of these roles: the page sends them to another item's.
    #[must_use]
    pub fn not_for(mut self, roles: &'static [&'static str]) -> Self {
        self.not_for = roles;
        self
    }

    /// How well the item fits a page: its path, or how long a part of it leads there.
    fn fits(&self, path: &str) -> Option<usize> {
        let own = std::iter::once(self.href.as_str());
        let all = own.chain(self.covers.iter().copied());
        let fitting = all.filter(|above| {
            let rest = path.strip_prefix(above);
            rest.is_some_and(|rest| rest.is_empty() || (*above != "/" && rest.starts_with('/')))
        });
        fitting.map(str::len).max()
    }
}

/// A link of the navigation as a page shows it.
#[derive(Clone, Copy)]
pub(crate) struct Shown<'a> {
    pub(crate) label: &'a str,
    pub(crate) href: &'a str,
    /// The value of `aria-current`.
    pub(crate) current: Option<&'static str>,
}

/// What one reader sees on one page.
#[derive(Default)]
pub(crate) struct Navigation<'a> {
    pub(crate) main: Vec<Shown<'a>>,
    /// The section that the page is in: its name and its items.
    pub(crate) section: Option<(&'a str, Vec<Shown<'a>>)>,
}

impl<'a> Navigation<'a> {
    pub(crate) fn of(
        items: &'a [NavItem],
        path: &str,
        person: Option<&SignedIn>,
        roles: &RoleTable,
    ) -> Self {
        let may = |item: &NavItem| {
            (!item.signed_in_only || person.is_some())
                && !person.is_some_and(|person| person.is_any(item.not_for))
                && roles.shows(&item.href, person)
        };
        let opens = |section: &'a NavItem| -> Vec<&'a NavItem> {
            let items = section.items.iter();
            items
                .filter(|item| may(item) && roles.lists(&item.href))
                .collect()
        };
        let groups: Vec<(&NavItem, Vec<&NavItem>)> = items
            .iter()
            .map(|item| match item.items.is_empty() {
                true if may(item) => (item, vec![item]),
                true => (item, Vec::new()),
                false => (item, opens(item)),
            })
            .filter(|(_, open)| !open.is_empty())
            .collect();
        // Of two that fit, the one that says more about the page; of two alike, the first.
        let all = groups.iter().flat_map(|(_, open)| open).rev();
        let best = all
            .filter_map(|item| Some((item.fits(path)?, *item)))
            .max_by_key(|(length, _)| *length)
            .map(|(_, item)| item);
        let shown = |item: &'a NavItem| Shown {
            label: &item.label,
            href: &item.href,
            current: best
                .filter(|best| std::ptr::eq(*best, item))
                .map(|_| if item.href == path { "page" } else { "true" }),
        };
        let mut navigation = Self::default();
        for (item, open) in groups {
            let below: Vec<Shown<'_>> = open.into_iter().map(shown).collect();
            let first = below[0];
            if below.len() == 1 {
                navigation.main.push(first);
                continue;
            }
            let is_here = below.iter().any(|item| item.current.is_some());
            navigation.main.push(Shown {
                label: &item.label,
                href: first.href,
                current: is_here.then_some("true"),
            });
            if is_here {
                navigation.section = Some((&item.label, below));
            }
        }
        navigation
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::people::Role;
    use crate::roles::{Access, Rule};
    use crate::{Frame, Page};

    fn frame(nav: Vec<NavItem>) -> Frame {
        let mut frame = Frame::new("Site");
        frame.nav = nav;
        frame
    }

    #[test]
    fn the_current_item_is_marked_and_private_ones_are_hidden() {
        let frame = frame(vec![
            NavItem::public("Home", "/"),
            NavItem::public("Areas", "/areas").covering("/places"),
            NavItem::signed_in("Releases", "/releases"),
        ]);
        let roles = RoleTable::default();
        for path in ["/places", "/places/essex"] {
            let html = frame.render(&Page::new("Places"), path, None, &roles);
            assert!(
                html.contains(r#"href="/areas" aria-current="true""#),
                "{path}"
            );
        }
        let html = frame.render(&Page::new("Essex"), "/areas/essex", None, &roles);
        assert!(
            html.contains(r#"href="/areas" aria-current="true""#),
            "{html}"
        );
        assert!(!html.contains(r#"href="/" aria-current"#));
        assert!(!html.contains("Releases"));
        assert!(!html.contains("ldsp-section"));
        assert!(html.contains("<title>Essex – Site</title>"));
        let own = frame.render(&Page::new("Site"), "/", None, &roles);
        assert!(own.contains("<title>Site</title>"));
    }

    #[test]
    fn a_section_shows_what_its_reader_may_open_on_its_own_pages_alone() {
        let roles = RoleTable::new([
            Rule::get("/", Access::SignedIn),
            Rule::get("/cohorts", Access::Roles(&["coordinator", "viewer"])),
            Rule::get("/places", Access::Roles(&["coordinator", "admin"])),
            Rule::get("/places/new", Access::Roles(&["coordinator"])),
        ]);
        let items = [
            NavItem::signed_in("Cohorts", "/cohorts").covering("/spend"),
            NavItem::signed_in("Places", "/places"),
            NavItem::signed_in("A new place", "/places/new"),
            NavItem::signed_in("Not built", "/nowhere"),
        ];
        let nav = [
            NavItem::signed_in("Home", "/").not_for(&["provider"]),
            NavItem::section("Delivery", items),
        ];
        let seen = |role: Option<&str>, path: &str| {
            let person = role.map(|role| SignedIn {
                name: "ada".into(),
                role: Role::new(role),
                organisation: None,
            });
            let seen = Navigation::of(&nav, path, person.as_ref(), &roles);
            let words = |all: &[Shown<'_>]| -> String {
                let each = all.iter().map(|item| match item.current {
                    Some(current) => format!("{}={} ({current})", item.label, item.href),
                    None => format!("{}={}", item.label, item.href),
                });
                each.collect::<Vec<_>>().join(", ")
            };
            let section = seen
                .section
                .map(|(label, all)| format!("{label}: {}", words(&all)));
            (words(&seen.main), section.unwrap_or_default())
        };
        assert_eq!(seen(None, "/"), (String::new(), String::new()));
        assert_eq!(seen(Some("provider"), "/").0, "");
        let coordinator = |path| seen(Some("coordinator"), path);
        assert_eq!(
            coordinator("/"),
            ("Home=/ (page), Delivery=/cohorts".into(), String::new())
        );
        assert_eq!(
            coordinator("/spend/7"),
            (
                "Home=/, Delivery=/cohorts (true)".into(),
                "Delivery: Cohorts=/cohorts (true), Places=/places, A new place=/places/new".into()
            )
        );
        assert_eq!(
            coordinator("/places/new").1,
            "Delivery: Cohorts=/cohorts, Places=/places, A new place=/places/new (page)"
        );
        assert_eq!(
            coordinator("/places/news").1,
            "Delivery: Cohorts=/cohorts, Places=/places (true), A new place=/places/new"
        );
        assert_eq!(
            seen(Some("admin"), "/places/4"),
            ("Home=/, Places=/places (true)".into(), String::new())
        );
        assert_eq!(
            seen(Some("viewer"), "/cohorts").0,
            "Home=/, Cohorts=/cohorts (page)"
        );
    }
}
