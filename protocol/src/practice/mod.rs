//! The practice entry (body v1): what was tried, whether it worked, and why.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::geography::Geography;
use crate::ids::{Digest, Gss};
use crate::personal;
use crate::standard::{Dimension, Standard};

mod choices;

pub use choices::{
    Again, Attrition, CostBand, Design, Direction, Factor, FollowUp, Participants, Setting,
    SizeBand, Verdict,
};

/// Where an entry applies.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Area {
    /// A named LEP.
    Lep(Gss),
    /// An area like this, for authors who would rather not be named.
    Like {
        /// Kind of place.
        setting: Setting,
        /// Size of place.
        size: SizeBand,
    },
}

/// A cause with its sentence.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cause {
    /// Which part of the work.
    pub factor: Factor,
    /// Which way it pulled.
    pub direction: Direction,
    /// One sentence that says how.
    pub because: String,
}

/// Reference to a cell of one of the node's own releases; never a typed number.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Evidence {
    /// SHA-256 of the summary's PAE.
    pub statement: Digest,
    /// Table id.
    pub table: String,
    /// Cell number, from 0, first dimension slowest.
    pub cell: u64,
}

/// Strength of evidence by rubric.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the types say it")]
pub struct Strength {
    pub design: Design,
    pub participants: Participants,
    pub attrition: Attrition,
    pub follow_up: FollowUp,
}

/// A tool or resource.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Resource {
    /// Its title.
    pub title: String,
    /// `https:` address.
    pub link: String,
    /// Licence in words, such as `CC BY 4.0`.
    pub licence: String,
}

/// Who may read an entry.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Sharing {
    /// Everybody, at once.
    Public,
    /// Enrolled nodes only before this date, everybody from it on.
    PeersUntil(Date),
}

impl Sharing {
    /// Whether everybody may read on `today`.
    #[must_use]
    pub fn is_public(&self, today: Date) -> bool {
        match self {
            Self::Public => true,
            Self::PeersUntil(date) => today >= *date,
        }
    }
}

/// Payload of a practice entry.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PracticeEntry {
    /// At most 120 characters.
    pub title: String,
    /// What was done, at most 4,000 characters.
    pub what: String,
    /// Code of `tier`.
    pub tier: String,
    /// Codes of `skill`, at least one.
    pub skills: Vec<String>,
    /// Codes of `audience`, at least one.
    pub audience: Vec<String>,
    /// Code of `mode`.
    pub mode: String,
    /// Where it applies.
    pub area: Area,
    /// Whole cost.
    pub cost: CostBand,
    /// Conclusion.
    pub verdict: Verdict,
    /// Why; at least one unless it is too early.
    pub causes: Vec<Cause>,
    /// Whether to do it again.
    pub again: Again,
    /// What would change; required unless `again` is a plain yes.
    pub change: String,
    /// How to repeat it, at most 4,000 characters.
    pub repeat: String,
    /// Cells of own releases.
    pub evidence: Vec<Evidence>,
    /// Strength of evidence.
    pub strength: Strength,
    /// Tools and resources.
    pub tools: Vec<Resource>,
    /// A role, never a person.
    pub contact_role: String,
    /// Who may read it.
    pub sharing: Sharing,
    /// When the authors will look at it again.
    pub review: Date,
    /// PAE of the entry that this one replaces.
    pub supersedes: Option<Digest>,
    /// PAE of the entry that this one repeated elsewhere.
    pub replicates: Option<Digest>,
}

/// A problem with one field.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {cause}. {remedy}")]
pub struct FieldError {
    /// Field, with an index where there are several: `causes[1].because`.
    pub field: String,
    /// What is wrong.
    pub cause: String,
    /// What to do.
    pub remedy: String,
}

impl PracticeEntry {
    /// Checks every field and gives every problem at once. Text that looks like personal data is
    /// refused with the place shown.
    #[must_use]
    pub fn check(&self) -> Vec<FieldError> {
        let mut problems = Vec::new();
        let mut add = |field: &str, cause: String, remedy: &str| {
            problems.push(FieldError {
                field: field.to_owned(),
                cause,
                remedy: remedy.to_owned(),
            });
        };
        for (field, text, limit, required) in self.texts() {
            let length = text.chars().count();
            if required && text.trim().is_empty() {
                add(
                    &field,
                    "nothing is written here".into(),
                    "Write at least a sentence",
                );
            }
            if length > limit {
                add(
                    &field,
                    format!("{length} characters, at most {limit} fit"),
                    "Shorten it",
                );
            }
            if text
                .chars()
                .any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t'))
            {
                add(
                    &field,
                    "a control character stands in the text".into(),
                    "Type the text again",
                );
            }
            for hit in personal::find(text) {
                let place = format!(
                    "characters {} to {} look like {}",
                    hit.start,
                    hit.end,
                    hit.kind.in_words()
                );
                add(
                    &field,
                    place,
                    "Take it out: an entry names roles and places, never a person",
                );
            }
        }
        let standard = Standard::current();
        let many = |list: &[String]| {
            !list.is_empty()
                && list.iter().collect::<std::collections::BTreeSet<_>>().len() == list.len()
        };
        let known =
            |d: Dimension, code: &String| standard.dimension(d).codes.iter().any(|c| &c.id == code);
        for (field, dimension, codes) in [
            ("tier", Dimension::Tier, std::slice::from_ref(&self.tier)),
            ("skills", Dimension::Skill, self.skills.as_slice()),
            ("audience", Dimension::Audience, self.audience.as_slice()),
            ("mode", Dimension::Mode, std::slice::from_ref(&self.mode)),
        ] {
            if !many(codes) || !codes.iter().all(|c| known(dimension, c)) {
                add(
                    field,
                    "a choice is missing, double or not in the standard's list".into(),
                    "Choose from the list",
                );
            }
        }
        self.check_rest(&mut add);
        problems
    }

    fn check_rest(&self, add: &mut impl FnMut(&str, String, &str)) {
        if let Area::Lep(code) = &self.area
            && Geography::embedded().lep(code).is_none()
        {
            add(
                "area",
                "the code is not that of a LEP".into(),
                "Use a LEP's code such as E37000001",
            );
        }
        if self.causes.is_empty() && self.verdict != Verdict::TooEarly {
            add(
                "causes",
                "no cause is given".into(),
                "Say at least one reason why it worked or failed",
            );
        }
        if self.again != Again::Yes && self.change.trim().is_empty() {
            add(
                "change",
                "it does not say what would change".into(),
                "Say what you would do differently",
            );
        }
        if self.causes.len() > 11 || self.tools.len() > 20 || self.evidence.len() > 50 {
            add(
                "causes",
                "a list is too long".into(),
                "Keep at most 11 causes, 20 tools and 50 references",
            );
        }
        for (at, tool) in self.tools.iter().enumerate() {
            if !tool.link.starts_with("https://")
                || tool.link.len() > 500
                || tool.link.contains(char::is_whitespace)
            {
                add(
                    &format!("tools[{at}].link"),
                    "not an https address".into(),
                    "Start it with https://",
                );
            }
        }
        for (at, evidence) in self.evidence.iter().enumerate() {
            if Standard::all()
                .iter()
                .all(|s| s.table(&evidence.table).is_none())
            {
                add(
                    &format!("evidence[{at}].table"),
                    "not a declared table".into(),
                    "Use a table id of the data standard that the release names",
                );
            }
        }
    }

    /// Free text: field, text, limit in characters, whether it must be there.
    fn texts(&self) -> Vec<(String, &str, usize, bool)> {
        let mut texts = vec![
            ("title".to_owned(), self.title.as_str(), 120, true),
            ("what".to_owned(), &self.what, 4000, true),
            ("change".to_owned(), &self.change, 2000, false),
            ("repeat".to_owned(), &self.repeat, 4000, true),
            ("contact_role".to_owned(), &self.contact_role, 120, true),
        ];
        for (at, cause) in self.causes.iter().enumerate() {
            texts.push((format!("causes[{at}].because"), &cause.because, 500, true));
        }
        for (at, tool) in self.tools.iter().enumerate() {
            texts.push((format!("tools[{at}].title"), &tool.title, 200, true));
            texts.push((format!("tools[{at}].licence"), &tool.licence, 100, true));
            texts.push((format!("tools[{at}].link"), &tool.link, 500, true));
        }
        texts
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn sound() -> PracticeEntry {
        PracticeEntry {
            title: "Drop-in sessions at the library".into(),
            what: "Weekly drop-in sessions with volunteers.".into(),
            tier: "basic".into(),
            skills: vec!["foundation".into()],
            audience: vec!["older-people".into()],
            mode: "face-to-face".into(),
            area: Area::Lep("E37000001".parse().unwrap()),
            cost: CostBand::To10k,
            verdict: Verdict::Worked,
            causes: vec![Cause {
                factor: Factor::Recruitment,
                direction: Direction::WorkedBecause,
                because: "Library staff knew whom to ask.".into(),
            }],
            again: Again::Yes,
            change: String::new(),
            repeat: "Book the room for a whole term.".into(),
            evidence: vec![],
            strength: Strength {
                design: Design::BeforeAfter,
                participants: Participants::To100,
                attrition: Attrition::Low,
                follow_up: FollowUp::None,
            },
            tools: vec![],
            contact_role: "Digital skills coordinator".into(),
            sharing: Sharing::PeersUntil(jiff::civil::date(2023, 1, 1)),
            review: jiff::civil::date(2023, 6, 1),
            supersedes: None,
            replicates: None,
        }
    }

    #[test]
    fn a_sound_entry_passes_and_survives_the_wire() {
        let entry = sound();
        assert_eq!(entry.check(), vec![]);
        let text = serde_json::to_string(&entry).unwrap();
        assert_eq!(serde_json::from_str::<PracticeEntry>(&text).unwrap(), entry);
    }

    #[test]
    fn every_problem_is_named_at_once() {
        let mut entry = sound();
        entry.title = String::new();
        entry.what = "Ask Jo on 0121 496 0000".into();
        entry.tier = "elite".into();
        entry.again = Again::No;
        let problems = entry.check();
        let fields: Vec<&str> = problems.iter().map(|p| p.field.as_str()).collect();
        assert_eq!(fields, ["title", "what", "tier", "change"]);
        assert!(
            problems[1].cause.starts_with("characters 11 to 23"),
            "{}",
            problems[1]
        );
        assert!(!problems[1].to_string().contains("0121"));
    }

    #[test]
    fn peers_only_ends_on_its_date() {
        let sharing = Sharing::PeersUntil(jiff::civil::date(2023, 1, 1));
        assert!(!sharing.is_public(jiff::civil::date(2022, 12, 31)));
        assert!(sharing.is_public(jiff::civil::date(2023, 1, 1)));
    }
}
