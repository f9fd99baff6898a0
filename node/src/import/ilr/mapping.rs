//! What people say about ILRs, as they type it: checked here for page, command and API alike.

use jiff::Timestamp;
use ldsp_protocol::standard::{Dimension, Standard};

use crate::import::clean_provider;
use crate::store::ilr::{AimRule, Mappings, Taught};
use crate::store::{Store, StoreError};

/// Why something was not written down.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum MappingError {
    #[error("this is not an aim: letters and digits, and `*` at its end for all that begin so")]
    Aim,
    #[error("this is not a UKPRN: eight digits, the first not 0")]
    Ukprn,
    #[error("this is not a funding model: a number from 1 to 99")]
    FundModel,
    #[error("there is no programme with this code")]
    Programme,
    #[error("this skill is not in the data standard")]
    Skill,
    #[error("this mode is not in the data standard")]
    Mode,
    #[error("this cannot be a provider's name: at most 200 characters, without personal data")]
    Provider,
    #[error("no codes of this field are read")]
    Field,
    #[error("this is not a code: letters and digits, and `/` between those that are read together")]
    Code,
    #[error("this value is not in the data standard's list for the field")]
    Value,
    #[error("nothing was said of this aim")]
    Unsaid,
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl MappingError {
    /// What to do next.
    #[must_use]
    pub fn next(&self) -> &'static str {
        match self {
            Self::Aim => "Write it as the ILR does, such as 60341234 or ZPROG001/S123.",
            Self::Ukprn => "Look it up in the UK Register of Learning Providers.",
            Self::FundModel => "Leave it empty to mean every funding model.",
            Self::Programme => "Import the programme first, or correct its code.",
            Self::Skill | Self::Mode | Self::Value => {
                "The lists stand in the data standard; the page ILR mappings shows what is used."
            }
            Self::Provider => "Give the name by which the partnership knows the provider.",
            Self::Field => {
                "The fields are Ethnicity, Sex, LLDDHealthProb, EmpStat, CompStatus, WithdrawReason and DPOutcome."
            }
            Self::Code => "Write it as the list of codes does.",
            Self::Unsaid => {
                "Look at the list: aim, provider and funding model together name a line."
            }
            Self::Store(error) => error.next(),
        }
    }

    /// The same for somebody at a terminal.
    #[must_use]
    pub fn next_by_command(&self) -> &'static str {
        match self {
            Self::Skill | Self::Mode | Self::Value => {
                "The lists stand in the data standard; `ldsp-node ilr mappings` shows what is used."
            }
            _ => self.next(),
        }
    }

    /// The field of a form that it is about.
    #[must_use]
    pub fn field(&self) -> &'static str {
        match self {
            Self::Aim | Self::Unsaid => "aim",
            Self::Ukprn => "ukprn",
            Self::FundModel => "fund_model",
            Self::Programme => "programme",
            Self::Skill => "skill",
            Self::Mode => "mode",
            Self::Provider => "provider",
            Self::Field => "field",
            Self::Code => "code",
            Self::Value => "value",
            Self::Store(_) => "",
        }
    }
}

/// Fields whose codes are read, each with the list that they are read into; `None`: the stages.
pub const FIELDS: &[(&str, Option<Dimension>)] = &[
    ("Ethnicity", Some(Dimension::Ethnicity)),
    ("Sex", Some(Dimension::Sex)),
    ("LLDDHealthProb", Some(Dimension::Disability)),
    ("EmpStat", Some(Dimension::Prior)),
    ("CompStatus", None),
    ("WithdrawReason", None),
    ("DPOutcome", Some(Dimension::Destination)),
];

/// Ids and titles of what a field's codes are read into.
#[must_use]
pub fn values(field: &str) -> Option<Vec<(&'static str, &'static str)>> {
    let (_, dimension) = FIELDS.iter().find(|(name, _)| *name == field)?;
    let standard = Standard::current();
    let codes = match dimension {
        Some(dimension) => &standard.dimension(*dimension).codes[..],
        None => standard.stages(),
    };
    let pairs = codes
        .iter()
        .map(|code| (code.id.as_str(), code.title.as_str()));
    Some(pairs.collect())
}

/// Ids and titles of a dimension's codes.
#[must_use]
pub fn listed(dimension: Dimension) -> Vec<(&'static str, &'static str)> {
    let codes = Standard::current().dimension(dimension).codes.iter();
    codes
        .map(|code| (code.id.as_str(), code.title.as_str()))
        .collect()
}

/// A UKPRN.
///
/// # Errors
/// [`MappingError::Ukprn`].
pub fn ukprn(text: &str) -> Result<u32, MappingError> {
    let number = text.trim().parse().ok();
    let range = 10_000_000..=99_999_999;
    number
        .filter(|n| range.contains(n))
        .ok_or(MappingError::Ukprn)
}

fn optional<T>(
    text: &str,
    read: impl FnOnce(&str) -> Result<T, MappingError>,
) -> Result<Option<T>, MappingError> {
    match text.trim() {
        "" => Ok(None),
        text => read(text).map(Some),
    }
}

fn fund_model(text: &str) -> Result<u8, MappingError> {
    let number = text.parse().ok().filter(|n| (1..=99).contains(n));
    number.ok_or(MappingError::FundModel)
}

fn aim(text: &str) -> Result<String, MappingError> {
    let text = text.trim().to_ascii_uppercase();
    let plain = text.strip_suffix('*').unwrap_or(&text);
    let is_good = crate::import::values::is_code(plain) && text.len() <= 40;
    if is_good {
        Ok(text)
    } else {
        Err(MappingError::Aim)
    }
}

/// What is said of an aim, as typed. Empty: of any provider, under any funding model.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "see AimRule")]
pub struct AimSaid {
    pub aim: String,
    pub ukprn: String,
    pub fund_model: String,
    /// Whether it is digital at all; if not, the three below are not looked at.
    pub digital: bool,
    pub programme: String,
    pub skill: String,
    pub mode: String,
}

impl AimSaid {
    fn rule(&self) -> Result<AimRule, MappingError> {
        let id = |dimension, text: &str, error| {
            let standard = Standard::current();
            let at = standard.parse_code(dimension, text.trim());
            let code = at.and_then(|at| standard.dimension(dimension).codes.get(at));
            code.map(|code| code.id.clone()).ok_or(error)
        };
        let taught = || {
            Ok::<_, MappingError>(Taught {
                programme: self.programme.trim().to_owned(),
                skill: id(Dimension::Skill, &self.skill, MappingError::Skill)?,
                mode: id(Dimension::Mode, &self.mode, MappingError::Mode)?,
            })
        };
        Ok(AimRule {
            aim: aim(&self.aim)?,
            ukprn: optional(&self.ukprn, ukprn)?,
            fund_model: optional(&self.fund_model, fund_model)?,
            taught: self.digital.then(taught).transpose()?,
        })
    }
}

/// Writes down what an aim is.
///
/// # Errors
/// [`MappingError`]; nothing was written then.
pub async fn say_aim(
    store: &Store,
    said: &AimSaid,
    who: &str,
    at: Timestamp,
) -> Result<AimRule, MappingError> {
    let rule = said.rule()?;
    if store.set_ilr_aim(&rule, who, at).await? {
        Ok(rule)
    } else {
        Err(MappingError::Programme)
    }
}

/// Takes back what was said of an aim.
///
/// # Errors
/// [`MappingError`]; nothing was changed then.
pub async fn unsay_aim(
    store: &Store,
    said: &AimSaid,
    who: &str,
    at: Timestamp,
) -> Result<(), MappingError> {
    let provider = optional(&said.ukprn, ukprn)?;
    let model = optional(&said.fund_model, fund_model)?;
    let aim = aim(&said.aim)?;
    if store.remove_ilr_aim(&aim, provider, model, who, at).await? {
        Ok(())
    } else {
        Err(MappingError::Unsaid)
    }
}

/// Writes down whose the ILRs of a UKPRN are.
///
/// # Errors
/// [`MappingError`]; nothing was written then.
pub async fn say_provider(
    store: &Store,
    number: &str,
    provider: &str,
    who: &str,
    at: Timestamp,
) -> Result<(u32, String), MappingError> {
    let number = ukprn(number)?;
    let provider = clean_provider(provider).ok_or(MappingError::Provider)?;
    store.set_ilr_provider(number, &provider, who, at).await?;
    Ok((number, provider))
}

/// Writes down how a code is read.
///
/// # Errors
/// [`MappingError`]; nothing was written then.
pub async fn say_code(
    store: &Store,
    field: &str,
    code: &str,
    value: &str,
    who: &str,
    at: Timestamp,
) -> Result<(), MappingError> {
    let (field, list) = FIELDS
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case(field.trim()))
        .ok_or(MappingError::Field)?;
    let code = code.trim().to_ascii_uppercase();
    let is_good = (1..=10).contains(&code.len())
        && code.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'/');
    if !is_good {
        return Err(MappingError::Code);
    }
    let standard = Standard::current();
    let id = match list {
        Some(list) => standard
            .parse_code(*list, value.trim())
            .and_then(|at| standard.dimension(*list).codes.get(at)),
        None => standard
            .parse_stage(value.trim())
            .and_then(|at| standard.stages().get(at)),
    };
    let value = &id.ok_or(MappingError::Value)?.id;
    store.set_ilr_code(field, &code, value, who, at).await?;
    Ok(())
}

/// How much a rule says of an aim of a provider under a funding model; `None`: nothing.
fn fits(
    rule: &AimRule,
    aim: &str,
    ukprn: u32,
    fund_model: u8,
) -> Option<(bool, usize, bool, bool)> {
    let fits = match rule.aim.strip_suffix('*') {
        Some(beginning) => aim.starts_with(beginning),
        None => aim == rule.aim,
    } && rule.ukprn.is_none_or(|own| own == ukprn)
        && rule.fund_model.is_none_or(|own| own == fund_model);
    fits.then_some((
        !rule.aim.ends_with('*'),
        rule.aim.len(),
        rule.ukprn.is_some(),
        rule.fund_model.is_some(),
    ))
}

impl Mappings {
    /// What is said of an aim (in capitals): the most exact rule.
    #[must_use]
    pub fn aim(&self, aim: &str, ukprn: u32, fund_model: u8) -> Option<&AimRule> {
        let fitting = self
            .aims
            .iter()
            .filter_map(|rule| Some((fits(rule, aim, ukprn, fund_model)?, rule)));
        fitting
            .max_by_key(|(exact, _)| *exact)
            .map(|(_, rule)| rule)
    }

    /// How the first of `codes` is read that is said anything of.
    pub(super) fn code(&self, field: &str, codes: &[&str]) -> Option<&str> {
        codes.iter().find_map(|code| {
            let rule = self
                .codes
                .iter()
                .find(|rule| rule.field == field && rule.code == *code);
            rule.map(|rule| rule.value.as_str())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(aim: &str, ukprn: Option<u32>, fund_model: Option<u8>, programme: &str) -> AimRule {
        AimRule {
            aim: aim.to_owned(),
            ukprn,
            fund_model,
            taught: (!programme.is_empty()).then(|| Taught {
                programme: programme.to_owned(),
                skill: "software".to_owned(),
                mode: "online".to_owned(),
            }),
        }
    }

    #[test]
    fn the_most_exact_rule_counts() {
        let mappings = Mappings {
            aims: vec![
                rule("Z*", None, None, ""),
                rule("ZPROG001/*", None, None, "A"),
                rule("ZPROG001/S1", None, None, "B"),
                rule("ZPROG001/S1", Some(10_000_001), None, "C"),
                rule("ZPROG001/S1", Some(10_000_001), Some(36), "D"),
                rule("ZPROG001/S1", None, Some(36), "E"),
            ],
            ..Mappings::default()
        };
        let found = |aim: &str, ukprn, model| {
            let rule = mappings.aim(aim, ukprn, model);
            rule.map(|r| r.taught.as_ref().map_or("-", |t| t.programme.as_str()))
        };
        assert_eq!(found("60000001", 10_000_001, 35), None);
        assert_eq!(found("ZX", 10_000_001, 35), Some("-"));
        assert_eq!(found("ZPROG001/S2", 10_000_001, 35), Some("A"));
        assert_eq!(found("ZPROG001/S1", 10_000_002, 35), Some("B"));
        assert_eq!(found("ZPROG001/S1", 10_000_002, 36), Some("E"));
        assert_eq!(found("ZPROG001/S1", 10_000_001, 35), Some("C"));
        assert_eq!(found("ZPROG001/S1", 10_000_001, 36), Some("D"));
    }

    #[test]
    fn what_is_typed_is_checked() {
        let said = |aim: &str, ukprn: &str, fund_model: &str| AimSaid {
            aim: aim.to_owned(),
            ukprn: ukprn.to_owned(),
            fund_model: fund_model.to_owned(),
            digital: true,
            programme: "P1".to_owned(),
            skill: "Data and AI".to_owned(),
            mode: "face to face".to_owned(),
        };
        let rule = said(" zprog001/s1 ", "10000001", "36").rule().unwrap();
        assert_eq!(
            (rule.aim.as_str(), rule.ukprn, rule.fund_model),
            ("ZPROG001/S1", Some(10_000_001), Some(36))
        );
        let taught = rule.taught.unwrap();
        assert_eq!(
            (taught.skill.as_str(), taught.mode.as_str()),
            ("data-and-ai", "face-to-face")
        );
        for (aim, ukprn, model, field) in [
            ("", "", "", "aim"),
            ("a b", "", "", "aim"),
            ("*", "", "", "aim"),
            ("a*b", "", "", "aim"),
            ("A", "1000000", "", "ukprn"),
            ("A", "", "0", "fund_model"),
        ] {
            assert_eq!(
                said(aim, ukprn, model).rule().unwrap_err().field(),
                field,
                "{aim}"
            );
        }
        let bad = AimSaid {
            skill: "knitting".to_owned(),
            ..said("A", "", "")
        };
        assert_eq!(bad.rule().unwrap_err().field(), "skill");
    }

    #[test]
    fn every_field_has_a_list() {
        for (field, _) in FIELDS {
            assert!(!values(field).unwrap().is_empty(), "{field}");
        }
    }
}
