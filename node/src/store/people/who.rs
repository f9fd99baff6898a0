//! Who a person is: name, role, organisation, and what they may be called.

use jiff::Timestamp;
use ldsp_ui::accounts::is_free_name;

/// What a person may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Looks after people, the server and its data, and sees no learner's record.
    Admin,
    /// Imports files, prepares releases and writes practice entries.
    Coordinator,
    /// Approves what others prepared.
    Approver,
    /// Records for one organisation, and sees that organisation's records only.
    Provider,
    /// Reads what was released.
    Viewer,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 5] = [
        Self::Admin,
        Self::Coordinator,
        Self::Approver,
        Self::Provider,
        Self::Viewer,
    ];

    /// The word in the database, on pages and on the command line.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Coordinator => "coordinator",
            Self::Approver => "approver",
            Self::Provider => "provider",
            Self::Viewer => "viewer",
        }
    }

    /// The word with its article: `an admin`, `a coordinator`.
    #[must_use]
    pub fn with_article(self) -> String {
        let article = match self {
            Self::Admin | Self::Approver => "an",
            Self::Coordinator | Self::Provider | Self::Viewer => "a",
        };
        format!("{article} {}", self.as_str())
    }

    /// What somebody with this role does, in a sentence.
    #[must_use]
    pub fn does(self) -> &'static str {
        match self {
            Self::Admin => {
                "Looks after people and the server. Sees no learner\u{2019}s record and approves nothing."
            }
            Self::Coordinator => {
                "Imports files, looks after programmes, prepares releases and writes practice entries."
            }
            Self::Approver => {
                "Reads what will leave, approves or refuses it, and withdraws what should not have left. Never their own work."
            }
            Self::Provider => {
                "Records for one organisation and sees that organisation\u{2019}s records only."
            }
            Self::Viewer => {
                "Reads releases, figures, practice entries and statements. Sees no exact count."
            }
        }
    }

    /// The role with this word.
    #[must_use]
    pub fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == word)
    }
}

/// A person of this node.
#[derive(Clone, PartialEq, Eq)]
pub struct Person {
    /// The name they sign in with.
    pub name: String,
    /// Their one role.
    pub role: Role,
    /// Of a [`Role::Provider`], and of nobody else: the organisation whose records they see, by its present name.
    pub organisation: Option<String>,
    /// The organisation's number, to which they are bound; `None` until they are added.
    pub organisation_id: Option<i64>,
    /// argon2id PHC string; `None` until they have set a secret.
    pub secret_hash: Option<String>,
    /// When they were added.
    pub added_at: Timestamp,
    /// Since when an admin keeps them out.
    pub locked_at: Option<Timestamp>,
    /// Whether sign-in asks for a code of their phone.
    pub second_step: bool,
    /// On what their sessions stand ([`ldsp_ui::PersonRecord::generation`]); the store gives it.
    pub generation: i64,
}

impl Person {
    /// Somebody who has no secret yet and is not bound to an organisation.
    #[must_use]
    pub fn new(name: &str, role: Role, added_at: Timestamp) -> Self {
        Self {
            name: name.to_owned(),
            role,
            organisation: None,
            organisation_id: None,
            secret_hash: None,
            added_at,
            locked_at: None,
            second_step: false,
            generation: 0,
        }
    }

    /// Somebody new as a form or a command describes them.
    ///
    /// # Errors
    /// [`PersonError`].
    pub fn described(
        name: &str,
        role: Role,
        organisation: Option<&str>,
        now: Timestamp,
    ) -> Result<Self, PersonError> {
        let name = name.trim();
        if !is_free_name(name) {
            return Err(PersonError::Name);
        }
        Ok(Self {
            organisation: organisation_of(role, organisation)?,
            ..Self::new(name, role, now)
        })
    }

    /// With this argon2id PHC string.
    #[must_use]
    pub fn with_secret(self, phc: impl Into<String>) -> Self {
        Self {
            secret_hash: Some(phc.into()),
            ..self
        }
    }

    /// Bound to this organisation.
    #[must_use]
    pub fn of(self, organisation: impl Into<String>) -> Self {
        Self {
            organisation: Some(organisation.into()),
            ..self
        }
    }
}

impl std::fmt::Debug for Person {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Person")
            .field("name", &self.name)
            .field("role", &self.role)
            .field("organisation", &self.organisation)
            .finish_non_exhaustive()
    }
}

/// Why a person cannot be added or changed so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PersonError {
    /// The name.
    #[error("that name cannot be used")]
    Name,
    /// A provider without an organisation.
    #[error("a provider is bound to an organisation, and none is given")]
    NoOrganisation,
    /// Somebody else with one.
    #[error("only a provider is bound to an organisation")]
    Organisation,
    /// An organisation's name that is none.
    #[error("that name of an organisation cannot be used")]
    OrganisationName,
}

impl PersonError {
    /// What to do next.
    #[must_use]
    pub fn next(self) -> &'static str {
        match self {
            Self::Name => {
                "Give a name of 1 to 64 Latin letters and digits with single spaces, hyphens, apostrophes or full stops between them; `schedule`, `command line`, `sign-in`, `sample` and `new` are taken by the program."
            }
            Self::NoOrganisation => {
                "Give the organisation\u{2019}s name as files give it; the page Organisations shows who is known."
            }
            Self::Organisation => "Leave the organisation out, or choose the role provider.",
            Self::OrganisationName => "Give 1 to 200 characters without line breaks.",
        }
    }

    /// The same for somebody at a terminal.
    #[must_use]
    pub fn next_by_command(self) -> &'static str {
        match self {
            Self::NoOrganisation => {
                "Give the organisation\u{2019}s name as files give it; `ldsp-node providers list` shows the names that files gave."
            }
            _ => self.next(),
        }
    }
}

/// The organisation to which somebody with `role` is bound, from what was given; blanks around and between words do not count.
///
/// # Errors
/// [`PersonError`]: a provider has one, nobody else does.
pub fn organisation_of(role: Role, given: Option<&str>) -> Result<Option<String>, PersonError> {
    let name = given.unwrap_or_default();
    let name = name.split_whitespace().collect::<Vec<_>>().join(" ");
    match (role, name.is_empty()) {
        (Role::Provider, true) => Err(PersonError::NoOrganisation),
        (Role::Provider, false)
            if name.chars().count() > 200 || name.contains(char::is_control) =>
        {
            Err(PersonError::OrganisationName)
        }
        (Role::Provider, false) => Ok(Some(name)),
        (_, true) => Ok(None),
        (_, false) => Err(PersonError::Organisation),
    }
}
