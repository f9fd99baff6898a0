//! What can be done to somebody's account, by whom and when, and what came of it.

use jiff::Timestamp;

use super::{Hash, totp};
use crate::oidc::Subject;

/// A link on which somebody sets how they sign in.
#[derive(Debug, Clone, Copy)]
pub struct NewLink {
    /// Digest of its token.
    pub token: Hash,
    /// Until when it opens something.
    pub expires_at: Timestamp,
}

/// With what somebody who is added gets in first.
#[derive(Clone, Copy)]
pub enum WayIn<'a> {
    /// With a drawn secret: its argon2id PHC string.
    Secret(&'a str),
    /// With a link, kept in the same transaction: nobody is added whom nothing lets in.
    Link(NewLink),
}

/// What whoever opens a link signs in with from then on.
#[derive(Clone, Copy)]
pub enum Chosen<'a> {
    /// A secret: its argon2id PHC string.
    Secret(&'a str),
    /// An account at the sign-in service, which is nobody else's here.
    Account(&'a Subject),
}

/// An act on somebody's account. Each is one transaction, written down as an act of who did it; what only a browser or a phone did, `Code` and
/// `Browser`, is not written down.
#[derive(Clone, Copy)]
pub enum Change<'a> {
    /// Adds somebody, to their organisation where the role has one.
    Add {
        /// The name they are to sign in with.
        name: &'a str,
        /// As the role table writes it.
        role: &'a str,
        /// The organisation's name; empty for roles that are bound to none.
        organisation: &'a str,
        /// With what they get in first.
        way_in: WayIn<'a>,
    },
    /// Gives somebody another role.
    Role {
        /// Whom.
        name: &'a str,
        /// As the role table writes it.
        role: &'a str,
        /// As in [`Self::Add`].
        organisation: &'a str,
    },
    /// Locks somebody out.
    Lock {
        /// Whom.
        name: &'a str,
        /// Not the last of those who look after people.
        careful: bool,
    },
    /// Lets somebody in again.
    Unlock {
        /// Whom.
        name: &'a str,
    },
    /// Removes somebody.
    Remove {
        /// Whom.
        name: &'a str,
    },
    /// Keeps a link on which somebody sets anew how they sign in. Everything that opened the name before ends at once: secret, second step,
    /// accounts at the sign-in service, sessions, tokens, browsers known, and a link that was made before.
    Reset {
        /// Whose.
        name: &'a str,
        /// The link.
        link: NewLink,
    },
    /// Uses a link up: notes what the person signs in with, or adds the first of those who look after people under `name`.
    TakeLink {
        /// Digest of the link's token.
        link: Hash,
        /// Of the first of those who look after people; otherwise the link says whose it is.
        name: &'a str,
        /// What they sign in with from now on.
        chosen: Chosen<'a>,
    },
    /// Sets somebody's secret in the place of the old one.
    Secret {
        /// Whose.
        name: &'a str,
        /// argon2id PHC string.
        secret_hash: &'a str,
    },
    /// Begins a second step.
    BeginSecondStep {
        /// Whose.
        name: &'a str,
        /// Shared with their phone.
        key: totp::Key,
        /// The step whose code was shown.
        step: i64,
        /// Digests of fresh recovery codes.
        codes: &'a [Hash],
    },
    /// Ends a second step with its recovery codes.
    EndSecondStep {
        /// Whose.
        name: &'a str,
    },
    /// Notes that the code of `step` was taken; [`Act::Gone`] when that step or a later one was taken before. Of two at once one succeeds.
    Code {
        /// Whose.
        name: &'a str,
        /// The step of the code.
        step: i64,
    },
    /// Uses a recovery code up; [`Act::Gone`] when it is none of the person's.
    RecoveryCode {
        /// Whose.
        name: &'a str,
        /// Digest of the code.
        code: Hash,
    },
    /// Notes that somebody signed in on this browser.
    Browser {
        /// Who.
        name: &'a str,
        /// Digest of the browser's token.
        browser: Hash,
    },
}

impl Change<'_> {
    /// Whether it would keep out whoever does it. Nobody ends their own account by a slip: stores refuse it ([`Act::Oneself`]).
    #[must_use]
    pub fn ends_oneself(&self, by: By<'_>) -> bool {
        matches!(self, Self::Lock { name, .. } | Self::Remove { name } | Self::Reset { name, .. } if *name == by.who)
    }
}

/// Who does something, and when.
#[derive(Debug, Clone, Copy)]
pub struct By<'a> {
    /// Their name, or the words under which the program acts by itself.
    pub who: &'a str,
    /// When.
    pub now: Timestamp,
}

/// What came of an act on somebody's account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    /// It is done.
    Done,
    /// There is no such person, link or code (any more).
    Gone,
    /// Somebody has to look after people, and this is the last one who can.
    Last,
    /// Nobody does this to themselves.
    Oneself,
    /// What was given does not fit: at which field of the form, and why.
    Unfit {
        /// `name`, `role`, `organisation` or `account`.
        field: &'static str,
        /// In words, with what to do.
        why: String,
    },
}

impl Act {
    /// What was given at `field` does not fit.
    #[must_use]
    pub fn unfit(field: &'static str, why: &str) -> Self {
        Self::Unfit {
            field,
            why: why.to_owned(),
        }
    }

    /// The name is somebody's.
    #[must_use]
    pub fn taken() -> Self {
        Self::unfit(
            "name",
            "Somebody has this name already, whatever the capitals. Choose another one",
        )
    }

    /// The account at the sign-in service is somebody else's here.
    #[must_use]
    pub fn account_taken() -> Self {
        Self::unfit(
            "account",
            "Somebody else signs in with this account. Disconnect it from them first",
        )
    }

    /// Nobody may be called this ([`super::is_free_name`]).
    #[must_use]
    pub fn no_name() -> Self {
        Self::unfit(
            "name",
            "Give 1 to 64 Latin letters and digits with single spaces, hyphens, apostrophes or full stops between them",
        )
    }

    /// There is no such role.
    #[must_use]
    pub fn no_role() -> Self {
        Self::unfit("role", "Choose what they may do")
    }

    /// [`Self::Done`], or [`Self::Gone`] when nothing was found to do it to.
    #[must_use]
    pub fn done_if(done: bool) -> Self {
        if done { Self::Done } else { Self::Gone }
    }
}
