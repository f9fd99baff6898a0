//! Who somebody is at a sign-in service, and whom a site knows by it.

use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::people::PeopleError;

/// The claim of an ID token that says who somebody is.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Claim {
    /// `sub`: never given to anybody else by the same issuer (OpenID Connect Core 1.0, section 2).
    #[default]
    #[serde(rename = "sub")]
    Subject,
    /// `email`, believed only with `email_verified`. An address may be given to somebody else one day: the service's
    /// administrators decide then who signs in here.
    Email,
}

impl Claim {
    /// The claim's name, as in tokens and databases.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Subject => "sub",
            Self::Email => "email",
        }
    }

    /// The claim of this name.
    #[must_use]
    pub fn named(word: &str) -> Option<Self> {
        [Self::Subject, Self::Email]
            .into_iter()
            .find(|claim| claim.as_str() == word)
    }
}

/// Somebody at a sign-in service.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Subject {
    /// The service.
    pub issuer: String,
    /// Which claim `value` is of.
    pub claim: Claim,
    /// The claim's value: a `sub` exactly as it came, an address in lower case.
    pub value: String,
}

/// Longest `sub` (OpenID Connect Core 1.0, section 2) and longest address (RFC 5321, section 4.5.3.1.3).
const LONGEST: usize = 255;

impl Subject {
    /// `value` as the service, a person or a command gave it; `None` when no service gives such a value.
    #[must_use]
    pub fn new(issuer: &str, claim: Claim, value: &str) -> Option<Self> {
        let plain = !value.is_empty()
            && value.len() <= LONGEST
            && value.bytes().all(|b| b.is_ascii_graphic() || b == b' ')
            && issuer.bytes().all(|b| b.is_ascii_graphic());
        let fits = match claim {
            Claim::Subject => plain,
            // Addresses of other scripts are two ways to write what looks like one.
            Claim::Email => plain && !value.contains(' ') && value.contains('@'),
        };
        let value = match claim {
            Claim::Subject => value.to_owned(),
            Claim::Email => value.to_ascii_lowercase(),
        };
        fits.then(|| Self {
            issuer: issuer.to_owned(),
            claim,
            value,
        })
    }

    /// Whether the service calls somebody so, as a person would write it.
    #[must_use]
    pub fn is_called(&self, value: &str) -> bool {
        match self.claim {
            Claim::Subject => self.value == value,
            Claim::Email => self.value.eq_ignore_ascii_case(value),
        }
    }
}

/// A subject and the person who signs in by it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bound {
    /// At the service.
    pub subject: Subject,
    /// The person's name here.
    pub person: String,
    /// When it was noted.
    pub since: Timestamp,
}

/// Which accounts a command means that names a person and what the service calls them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Meant {
    /// Those of one service; none when it means nothing that is noted.
    Accounts(Vec<Subject>),
    /// The person signs in with an account of this name at each of these services, and the command named none.
    Services(Vec<String>),
}

impl Meant {
    /// Of `all` that is noted, the accounts of `person` whose value is `value`, whatever claim and service are configured now: what was noted
    /// before a change of service can be taken back too.
    #[must_use]
    pub fn of(all: Vec<Bound>, person: &str, value: &str, issuer: Option<&str>) -> Self {
        let own = all.into_iter().filter(|one| one.person == person);
        let own: Vec<Subject> = own
            .map(|one| one.subject)
            .filter(|one| one.is_called(value) && issuer.is_none_or(|issuer| issuer == one.issuer))
            .collect();
        let mut services: Vec<String> = own.iter().map(|one| one.issuer.clone()).collect();
        services.sort_unstable();
        services.dedup();
        if services.len() > 1 {
            return Self::Services(services);
        }
        Self::Accounts(own)
    }
}

/// What came of noting that a subject is a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Binding {
    /// It is noted, now or before.
    Noted,
    /// The subject is somebody else here; nothing was changed.
    Taken,
    /// Nobody has this name; nothing was changed.
    Nobody,
}

/// Where a site keeps which subject is which person.
///
/// What is noted goes with the person: removing somebody removes their subjects, so that whoever gets the name next does not
/// inherit them.
#[async_trait]
pub trait Subjects: Send + Sync + 'static {
    /// The name of the person whom this subject is.
    async fn person(&self, subject: &Subject) -> Result<Option<String>, PeopleError>;

    /// Everything noted, by person and subject.
    async fn all(&self) -> Result<Vec<Bound>, PeopleError>;

    /// Notes that `subject` is the person `name`, and in the audit log that `by` did, where the site keeps one.
    async fn bind(
        &self,
        name: &str,
        subject: &Subject,
        by: &str,
        now: Timestamp,
    ) -> Result<Binding, PeopleError>;

    /// Forgets that `subject` is the person `name`, and ends their sessions ([`crate::PersonRecord::generation`]); `false` when it was not.
    async fn unbind(
        &self,
        name: &str,
        subject: &Subject,
        by: &str,
        now: Timestamp,
    ) -> Result<bool, PeopleError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_means_accounts_of_one_service() {
        let bound = |issuer: &str, claim, value: &str, person: &str| Bound {
            subject: Subject::new(issuer, claim, value).unwrap(),
            person: person.into(),
            since: Timestamp::UNIX_EPOCH,
        };
        let all = vec![
            bound("https://old", Claim::Email, "ada@x.org", "ada"),
            bound("https://old", Claim::Subject, "a-1", "ada"),
            bound("https://new", Claim::Subject, "a-1", "ada"),
            bound("https://new", Claim::Subject, "b-1", "bob"),
        ];
        let meant = |value, issuer| Meant::of(all.clone(), "ada", value, issuer);
        let one = |at: usize| Meant::Accounts(vec![all[at].subject.clone()]);
        assert_eq!(meant("Ada@X.org", None), one(0));
        assert_eq!(
            meant("a-1", None),
            Meant::Services(vec!["https://new".into(), "https://old".into()])
        );
        assert_eq!(meant("a-1", Some("https://new")), one(2));
        for (value, issuer) in [("A-1", None), ("b-1", None), ("a-1", Some("https://x"))] {
            assert_eq!(meant(value, issuer), Meant::Accounts(Vec::new()), "{value}");
        }
    }

    #[test]
    fn only_what_a_service_can_give_is_a_subject() {
        let of = |claim, value: &str| Subject::new("https://i", claim, value).map(|s| s.value);
        assert_eq!(of(Claim::Subject, "a1B2").as_deref(), Some("a1B2"));
        assert_eq!(of(Claim::Email, "Ada@X.org").as_deref(), Some("ada@x.org"));
        assert_eq!(of(Claim::Subject, &"x".repeat(256)), None);
        // An issuer comes back from a form: no database holds this one.
        assert_eq!(Subject::new("https://i\0", Claim::Subject, "a"), None);
        for bad in ["", "a\nb", "\u{430}da"] {
            assert_eq!(of(Claim::Subject, bad), None, "{bad:?}");
        }
        for bad in ["ada", "a da@x.org", "\u{430}da@x.org"] {
            assert_eq!(of(Claim::Email, bad), None, "{bad:?}");
        }
    }
}
