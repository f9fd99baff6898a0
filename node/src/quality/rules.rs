//! The rules, and what a LEP sets about them.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::store::{Store, StoreError, audit, quality as stored};

/// How much it matters.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    utoipa::ToSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// It cannot be right.
    Error,
    /// It is probably not right, or not up to date.
    Warning,
    /// Something is left out.
    Note,
    /// Not looked at.
    Off,
}

impl Severity {
    /// Every severity, the gravest first.
    pub const ALL: [Self; 4] = [Self::Error, Self::Warning, Self::Note, Self::Off];

    /// The word in the database, in addresses and on the command line.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
            Self::Off => "off",
        }
    }

    /// The severity with this word.
    #[must_use]
    pub fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.as_str() == word)
    }
}

/// What a rule's threshold counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Days.
    Days,
    /// Per cent of the records that the rule looks at.
    Percent,
    /// How many times as many.
    Times,
}

impl Unit {
    /// For people, after the number.
    #[must_use]
    pub fn in_words(self) -> &'static str {
        match self {
            Self::Days => "days",
            Self::Percent => "%",
            Self::Times => "times",
        }
    }

    /// Largest threshold that makes sense.
    fn most(self) -> u32 {
        match self {
            Self::Days => 3_660,
            Self::Percent => 100,
            Self::Times => 100,
        }
    }
}

/// Who can mend what a rule finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Acts {
    /// The provider, in its own records.
    Provider,
    /// The provider in its records, or a coordinator in what is said of the programme.
    Either,
}

/// A rule.
#[derive(Debug, PartialEq, Eq)]
pub struct Rule {
    /// Stable code.
    pub code: &'static str,
    /// For people.
    pub title: &'static str,
    /// Why it matters.
    pub why: &'static str,
    /// What to do about it.
    pub next: &'static str,
    /// Who can do it.
    pub acts: Acts,
    /// Unless the LEP sets another.
    pub severity: Severity,
    /// Its threshold, unless the LEP sets another, and what that counts.
    pub threshold: Option<(u32, Unit)>,
}

/// Every rule, in the order in which they are shown.
pub const CATALOGUE: &[Rule] = &[
    Rule {
        code: "outside-programme",
        title: "Began before its programme did, or after it ended",
        why: "Either the enrolment belongs to another programme or one of the dates is wrong.",
        next: "Compare the start with the programme\u{2019}s dates, and correct the one that is wrong.",
        acts: Acts::Either,
        severity: Severity::Error,
        threshold: None,
    },
    Rule {
        code: "over-capacity",
        title: "More in progress than the programme has places",
        why: "Some have left and nobody wrote it down, or the number of places is out of date.",
        next: "Record who left, or correct the programme\u{2019}s capacity.",
        acts: Acts::Either,
        severity: Severity::Warning,
        threshold: None,
    },
    Rule {
        code: "overdue-end",
        title: "In progress long after the planned end",
        why: "Who left is missing among the leavers, so achievement and retention look better than they are.",
        next: "Record how the enrolment ended, or its new planned end.",
        acts: Acts::Provider,
        severity: Severity::Warning,
        threshold: Some((90, Unit::Days)),
    },
    Rule {
        code: "destination-late",
        title: "No destination long after the six months",
        why: "Sustained destinations are a share of those that are recorded: the ones that are easy to find are found first.",
        next: "Ask the learners, and record \u{201c}none\u{201d} where there is no positive destination.",
        acts: Acts::Provider,
        severity: Severity::Warning,
        threshold: Some((60, Unit::Days)),
    },
    Rule {
        code: "silent",
        title: "Learners in progress, and nothing new for long",
        why: "Late files enter later months: the area\u{2019}s trend shows a gap that was none.",
        next: "Ask the provider for a file.",
        acts: Acts::Provider,
        severity: Severity::Warning,
        threshold: Some((60, Unit::Days)),
    },
    Rule {
        code: "jump",
        title: "Starts of the last month are far from those of the six before",
        why: "A file was sent in part or twice under other references, or something happened that the release should explain.",
        next: "Ask the provider whether the file was whole.",
        acts: Acts::Provider,
        severity: Severity::Warning,
        threshold: Some((3, Unit::Times)),
    },
    Rule {
        code: "same-day",
        title: "Achieved on the day of the start",
        why: "A workshop of a day may be; a course of weeks was recorded with a wrong date.",
        next: "Compare the dates with the register.",
        acts: Acts::Provider,
        severity: Severity::Note,
        threshold: Some((10, Unit::Percent)),
    },
    Rule {
        code: "too-long",
        title: "Planned or lasted unusually long",
        why: "A wrong year in a date makes a course of weeks last for years.",
        next: "Compare planned end and end with the start.",
        acts: Acts::Provider,
        severity: Severity::Warning,
        threshold: Some((1_100, Unit::Days)),
    },
    Rule {
        code: "no-area",
        title: "Area not stated",
        why: "Figures by area and the match of provision with need leave these out.",
        next: "Send the district or the postcode.",
        acts: Acts::Provider,
        severity: Severity::Note,
        threshold: Some((10, Unit::Percent)),
    },
    Rule {
        code: "not-stated",
        title: "Age, sex, ethnicity, disability or status before not stated",
        why: "Whether everybody is reached can only be seen where it is recorded. A learner may decline: then it is \u{201c}not stated\u{201d} for good.",
        next: "Ask at enrolment, and say what it is for.",
        acts: Acts::Provider,
        severity: Severity::Note,
        threshold: Some((25, Unit::Percent)),
    },
    Rule {
        code: "not-asked",
        title: "Leavers who were not asked about confidence or everyday tasks",
        why: "The social outcome is a share of those who were asked.",
        next: "Ask at the start and at the end.",
        acts: Acts::Provider,
        severity: Severity::Note,
        threshold: Some((50, Unit::Percent)),
    },
];

impl Rule {
    /// The rule with this code.
    #[must_use]
    pub fn of(code: &str) -> Option<&'static Self> {
        CATALOGUE.iter().find(|rule| rule.code == code)
    }
}

/// How a rule is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Set {
    /// How much it matters here.
    pub severity: Severity,
    /// In the rule's unit.
    pub threshold: Option<u32>,
    /// 0 while the LEP has set nothing.
    pub version: u32,
}

/// How all rules are set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settings(BTreeMap<&'static str, Set>);

impl Settings {
    /// With what the store holds; codes of no rule are left alone.
    pub(crate) fn new(set: impl IntoIterator<Item = (String, Set)>) -> Self {
        let known = |(code, set): (String, Set)| Some((Rule::of(&code)?.code, set));
        Self(set.into_iter().filter_map(known).collect())
    }

    /// How `rule` is set here.
    #[must_use]
    pub fn of(&self, rule: &'static Rule) -> Set {
        self.0.get(rule.code).copied().unwrap_or(Set {
            severity: rule.severity,
            threshold: rule.threshold.map(|(threshold, _)| threshold),
            version: 0,
        })
    }

    /// The threshold of the rule with this code, 0 where it has none.
    pub(crate) fn threshold(&self, code: &str) -> u32 {
        let set = Rule::of(code).map(|rule| self.of(rule));
        set.and_then(|set| set.threshold).unwrap_or(0)
    }
}

/// Why a rule was not set.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum ChangeError {
    #[error("there is no rule {0}")]
    Unknown(String),
    #[error("a threshold of this rule is a whole number from 1 to {0}")]
    Threshold(u32),
    #[error("this rule has no threshold")]
    NoThreshold,
    #[error("somebody else set this rule meanwhile: {}{}", .0.severity.as_str(), .0.threshold.map_or_else(String::new, |t| format!(" {t}")))]
    Meanwhile(Set),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Sets a rule. `set.version` is the one that the person saw.
///
/// # Errors
/// [`ChangeError`]; nothing was changed.
pub async fn change(
    store: &Store,
    code: &str,
    set: Set,
    who: &str,
    at: Timestamp,
) -> Result<Set, ChangeError> {
    let rule = Rule::of(code).ok_or_else(|| ChangeError::Unknown(code.to_owned()))?;
    match (rule.threshold, set.threshold) {
        (None, None) => {}
        (None, Some(_)) => return Err(ChangeError::NoThreshold),
        (Some((_, unit)), threshold) => {
            let fits = threshold.is_some_and(|t| (1..=unit.most()).contains(&t));
            if !fits {
                return Err(ChangeError::Threshold(unit.most()));
            }
        }
    }
    let mut tx = store.write().await?;
    let settings = stored::settings(&mut tx).await?;
    let now = settings.of(rule);
    if now.version != set.version {
        return Err(ChangeError::Meanwhile(now));
    }
    let set = Set {
        version: now.version + 1,
        ..set
    };
    stored::set(&mut tx, rule.code, set).await?;
    let words = |set: Set| match set.threshold {
        Some(threshold) => format!("{} {threshold}", set.severity.as_str()),
        None => set.severity.as_str().to_owned(),
    };
    let detail = format!("{}: {} instead of {}", rule.code, words(set), words(now));
    audit::append(&mut tx, at, who, "quality rule set", &detail).await?;
    tx.commit().await.map_err(StoreError::from)?;
    Ok(set)
}
