//! One table says who may ask for what. A route that is not in it is refused.

use axum::http::{HeaderValue, Method};

use crate::people::{Role, SignedIn};

/// Who may use a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Everyone.
    Public,
    /// Anyone who has signed in.
    SignedIn,
    /// Signed-in people with one of these roles.
    Roles(&'static [&'static str]),
}

/// One line of the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// The method; `GET` covers `HEAD`.
    pub method: Method,
    /// The path as given to axum's `route`, for example `/releases/{month}`.
    pub path: &'static str,
    /// Who may.
    pub access: Access,
}

impl Rule {
    /// Who may read `path`.
    #[must_use]
    pub const fn get(path: &'static str, access: Access) -> Self {
        Self {
            method: Method::GET,
            path,
            access,
        }
    }

    /// Who may send the form at `path`.
    #[must_use]
    pub const fn post(path: &'static str, access: Access) -> Self {
        Self {
            method: Method::POST,
            path,
            access,
        }
    }

    /// Who may end what is at `path`.
    #[must_use]
    pub const fn delete(path: &'static str, access: Access) -> Self {
        Self {
            method: Method::DELETE,
            path,
            access,
        }
    }

    /// Who may replace what is at `path`.
    #[must_use]
    pub const fn put(path: &'static str, access: Access) -> Self {
        Self {
            method: Method::PUT,
            path,
            access,
        }
    }
}

/// The whole table of a site.
///
/// ```
/// use ldsp_ui::{Access, RoleTable, Rule};
/// let table = RoleTable::new([
///     Rule::get("/", Access::Public),
///     Rule::get("/releases/{month}", Access::SignedIn),
///     Rule::post("/releases/{month}/approve", Access::Roles(&["approver"])),
/// ]);
/// assert!(table.unlisted([("GET", "/"), ("POST", "/")]) == ["POST /"]);
/// ```
#[derive(Clone, Debug, Default)]
pub struct RoleTable(Vec<Rule>);

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    Allowed,
    MustSignIn,
    WrongRole,
    /// The path is listed, this method is not.
    NoSuchMethod,
    Unlisted,
}

impl RoleTable {
    /// The table of these rules. `/sign-in` and `/sign-out` are the kit's own and are added to it.
    pub fn new(rules: impl IntoIterator<Item = Rule>) -> Self {
        let own = [
            Rule::get("/sign-in", Access::Public),
            Rule::post("/sign-in", Access::Public),
            Rule::post("/sign-out", Access::Public),
        ];
        Self(own.into_iter().chain(rules).collect())
    }

    /// This table with more rules.
    #[must_use]
    pub fn and(mut self, rules: impl IntoIterator<Item = Rule>) -> Self {
        self.0.extend(rules);
        self
    }

    /// Those of `routes` (method and path) that no rule covers: for a test that names every route of a site.
    pub fn unlisted<'a>(
        &self,
        routes: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Vec<String> {
        let listed = |method: &str, path: &str| {
            self.0
                .iter()
                .any(|rule| rule.path == path && rule.method == method)
        };
        let routes = routes.into_iter();
        routes
            .filter(|(method, path)| !listed(method, path))
            .map(|(method, path)| format!("{method} {path}"))
            .collect()
    }

    /// Every rule, the kit's own among them.
    #[must_use]
    pub fn rules(&self) -> &[Rule] {
        &self.0
    }

    /// Who may use this route; `None` when the table does not name it.
    pub(crate) fn access(&self, method: &Method, path: &str) -> Option<Access> {
        let method = read_as_get(method);
        let mut rules = self.0.iter();
        rules
            .find(|rule| rule.path == path && rule.method == *method)
            .map(|rule| rule.access)
    }

    /// The methods that the table names for this path, as the header `Allow` lists them.
    pub(crate) fn allow(&self, path: &str) -> HeaderValue {
        let of_path = self.0.iter().filter(|rule| rule.path == path);
        let mut methods: Vec<&str> = of_path.map(|rule| rule.method.as_str()).collect();
        if methods.contains(&"GET") {
            methods.push("HEAD");
        }
        HeaderValue::try_from(methods.join(", ")).expect("names of methods are tokens")
    }

    /// Whether the table names a page at `path`.
    pub(crate) fn lists(&self, path: &str) -> bool {
        self.access(&Method::GET, path).is_some()
    }

    /// Whether `person` is not refused the page at `href`: what a link to it is shown by. An address that is no route word for word
    /// is for its own handler to judge.
    #[must_use]
    pub fn shows(&self, href: &str, person: Option<&SignedIn>) -> bool {
        let path = href.split(['?', '#']).next().unwrap_or(href);
        !matches!(
            self.decide(&Method::GET, path, person),
            Decision::MustSignIn | Decision::WrongRole
        )
    }

    pub(crate) fn decide(
        &self,
        method: &Method,
        path: &str,
        person: Option<&SignedIn>,
    ) -> Decision {
        let method = read_as_get(method);
        let mut of_path = self.0.iter().filter(|rule| rule.path == path).peekable();
        if of_path.peek().is_none() {
            return Decision::Unlisted;
        }
        match (
            of_path
                .find(|rule| rule.method == *method)
                .map(|rule| rule.access),
            person,
        ) {
            (None, _) => Decision::NoSuchMethod,
            (Some(Access::Public), _) | (Some(Access::SignedIn), Some(_)) => Decision::Allowed,
            (Some(Access::Roles(roles)), Some(person)) if holds(&person.role, roles) => {
                Decision::Allowed
            }
            (Some(Access::Roles(_)), Some(_)) => Decision::WrongRole,
            (Some(_), None) => Decision::MustSignIn,
        }
    }
}

fn read_as_get(method: &Method) -> &Method {
    if method == Method::HEAD {
        &Method::GET
    } else {
        method
    }
}

fn holds(role: &Role, roles: &[&str]) -> bool {
    roles.contains(&role.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_decides_and_what_it_does_not_name_is_refused() {
        let table = RoleTable::new([
            Rule::get("/", Access::Public),
            Rule::get("/me", Access::SignedIn),
            Rule::post("/approve/{month}", Access::Roles(&["approver"])),
        ]);
        let coordinator = SignedIn {
            name: "ada".into(),
            role: Role::new("coordinator"),
            organisation: None,
        };
        let approver = SignedIn {
            name: "bob".into(),
            role: Role::new("approver"),
            organisation: None,
        };
        let decide = |method: &Method, path, person| table.decide(method, path, person);
        assert_eq!(decide(&Method::GET, "/", None), Decision::Allowed);
        assert_eq!(decide(&Method::HEAD, "/", None), Decision::Allowed);
        assert_eq!(decide(&Method::POST, "/", None), Decision::NoSuchMethod);
        assert_eq!(decide(&Method::GET, "/me", None), Decision::MustSignIn);
        assert_eq!(
            decide(&Method::GET, "/me", Some(&coordinator)),
            Decision::Allowed
        );
        assert_eq!(
            decide(&Method::POST, "/approve/{month}", Some(&coordinator)),
            Decision::WrongRole
        );
        assert_eq!(
            decide(&Method::POST, "/approve/{month}", Some(&approver)),
            Decision::Allowed
        );
        assert_eq!(
            decide(&Method::POST, "/approve/{month}", None),
            Decision::MustSignIn
        );
        assert_eq!(
            decide(&Method::GET, "/elsewhere", Some(&approver)),
            Decision::Unlisted
        );
        assert!(table.shows("/?all=1", None) && table.shows("/elsewhere/7", None));
        assert!(!table.shows("/me#top", None) && table.shows("/me", Some(&approver)));
    }
}
