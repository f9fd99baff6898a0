//! The form: what a person wrote, as it was typed.

use jiff::civil::Date;
use ldsp_protocol::practice::{Area, PracticeEntry, Sharing};

/// A day, month and year as typed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub struct DateParts {
    pub day: String,
    pub month: String,
    pub year: String,
}

impl DateParts {
    /// The date; `None` when the parts are no date.
    #[must_use]
    pub fn date(&self) -> Option<Date> {
        let number = |text: &str| text.trim().parse().ok();
        let year: i16 = self
            .year
            .trim()
            .parse()
            .ok()
            .filter(|y| (2000..2200).contains(y))?;
        Date::new(year, number(&self.month)?, number(&self.day)?).ok()
    }

    /// Whether nothing was typed.
    #[must_use]
    pub fn is_blank(&self) -> bool {
        [&self.day, &self.month, &self.year]
            .iter()
            .all(|p| p.trim().is_empty())
    }
}

impl From<Date> for DateParts {
    fn from(date: Date) -> Self {
        Self {
            day: date.day().to_string(),
            month: date.month().to_string(),
            year: date.year().to_string(),
        }
    }
}

/// One cause as typed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are those of the entry")]
pub struct CauseRow {
    pub factor: String,
    pub direction: String,
    pub because: String,
}

/// One tool or resource as typed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are those of the entry")]
pub struct ToolRow {
    pub title: String,
    pub link: String,
    pub licence: String,
}

/// Everything that was typed or chosen. Fields are those of [`PracticeEntry`]; choices hold the ids of the standard or of the
/// protocol's lists, or whatever else was sent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are those of the entry")]
pub struct Form {
    pub title: String,
    pub what: String,
    pub tier: String,
    pub skills: Vec<String>,
    pub audience: Vec<String>,
    pub mode: String,
    /// `own`: the node's LEP is named; `like`: an area like `setting` and `size`.
    pub area: String,
    pub setting: String,
    pub size: String,
    pub cost: String,
    pub verdict: String,
    pub causes: Vec<CauseRow>,
    pub again: String,
    pub change: String,
    pub repeat: String,
    /// References as `statement/table/cell`.
    pub evidence: Vec<String>,
    pub design: String,
    pub participants: String,
    pub attrition: String,
    pub follow_up: String,
    pub tools: Vec<ToolRow>,
    pub contact_role: String,
    /// `public` or `peers`.
    pub sharing: String,
    pub until: DateParts,
    pub review: DateParts,
    pub supersedes: String,
    pub replicates: String,
}

/// More rows than an entry may have are not read.
const ROWS: usize = 40;

impl Form {
    /// What a browser sent. Unknown names are ignored; line breaks become `\n`.
    #[must_use]
    pub fn from_pairs(pairs: &[(String, String)]) -> Self {
        let mut form = Self::default();
        for (name, value) in pairs {
            form.set(name, value.replace("\r\n", "\n"));
        }
        form
    }

    fn set(&mut self, name: &str, value: String) {
        if let Some((list, at, part)) = indexed(name) {
            match list {
                "causes" => {
                    let row = row(&mut self.causes, at);
                    match part {
                        "factor" => row.factor = value,
                        "direction" => row.direction = value,
                        "because" => row.because = value,
                        _ => {}
                    }
                }
                "tools" => {
                    let row = row(&mut self.tools, at);
                    match part {
                        "title" => row.title = value,
                        "link" => row.link = value,
                        "licence" => row.licence = value,
                        _ => {}
                    }
                }
                _ => {}
            }
            return;
        }
        let list = match name {
            "skills" => Some(&mut self.skills),
            "audience" => Some(&mut self.audience),
            "evidence" => Some(&mut self.evidence),
            _ => None,
        };
        if let Some(list) = list {
            list.push(value);
        } else if let Some(field) = self.field(name) {
            *field = value;
        }
    }

    /// The single field called `name`.
    pub(super) fn field(&mut self, name: &str) -> Option<&mut String> {
        Some(match name {
            "title" => &mut self.title,
            "what" => &mut self.what,
            "tier" => &mut self.tier,
            "mode" => &mut self.mode,
            "area" => &mut self.area,
            "setting" => &mut self.setting,
            "size" => &mut self.size,
            "cost" => &mut self.cost,
            "verdict" => &mut self.verdict,
            "again" => &mut self.again,
            "change" => &mut self.change,
            "repeat" => &mut self.repeat,
            "design" => &mut self.design,
            "participants" => &mut self.participants,
            "attrition" => &mut self.attrition,
            "follow_up" => &mut self.follow_up,
            "contact_role" => &mut self.contact_role,
            "sharing" => &mut self.sharing,
            "until-day" => &mut self.until.day,
            "until-month" => &mut self.until.month,
            "until-year" => &mut self.until.year,
            "review-day" => &mut self.review.day,
            "review-month" => &mut self.review.month,
            "review-year" => &mut self.review.year,
            "supersedes" => &mut self.supersedes,
            "replicates" => &mut self.replicates,
            _ => return None,
        })
    }

    /// An entry as a form, to be changed.
    #[must_use]
    pub fn from_entry(entry: &PracticeEntry) -> Self {
        let (area, setting, size) = match &entry.area {
            Area::Lep(_) => ("own", "", ""),
            Area::Like { setting, size } => ("like", setting.id(), size.id()),
        };
        let (sharing, until) = match entry.sharing {
            Sharing::Public => ("public", DateParts::default()),
            Sharing::PeersUntil(date) => ("peers", date.into()),
        };
        let causes = entry.causes.iter().map(|c| CauseRow {
            factor: c.factor.id().to_owned(),
            direction: c.direction.id().to_owned(),
            because: c.because.clone(),
        });
        let tools = entry.tools.iter().map(|t| ToolRow {
            title: t.title.clone(),
            link: t.link.clone(),
            licence: t.licence.clone(),
        });
        let digest =
            |d: &Option<ldsp_protocol::ids::Digest>| d.map(|d| d.to_string()).unwrap_or_default();
        Self {
            title: entry.title.clone(),
            what: entry.what.clone(),
            tier: entry.tier.clone(),
            skills: entry.skills.clone(),
            audience: entry.audience.clone(),
            mode: entry.mode.clone(),
            area: area.to_owned(),
            setting: setting.to_owned(),
            size: size.to_owned(),
            cost: entry.cost.id().to_owned(),
            verdict: entry.verdict.id().to_owned(),
            causes: causes.collect(),
            again: entry.again.id().to_owned(),
            change: entry.change.clone(),
            repeat: entry.repeat.clone(),
            evidence: entry
                .evidence
                .iter()
                .map(super::figures::reference)
                .collect(),
            design: entry.strength.design.id().to_owned(),
            participants: entry.strength.participants.id().to_owned(),
            attrition: entry.strength.attrition.id().to_owned(),
            follow_up: entry.strength.follow_up.id().to_owned(),
            tools: tools.collect(),
            contact_role: entry.contact_role.clone(),
            sharing: sharing.to_owned(),
            until,
            review: entry.review.into(),
            supersedes: digest(&entry.supersedes),
            replicates: digest(&entry.replicates),
        }
    }
}

fn row<T: Default>(rows: &mut Vec<T>, at: usize) -> &mut T {
    if rows.len() <= at {
        rows.resize_with(at + 1, T::default);
    }
    &mut rows[at]
}

/// `causes-2-because` as `("causes", 2, "because")`.
fn indexed(name: &str) -> Option<(&str, usize, &str)> {
    let mut parts = name.splitn(3, '-');
    let (list, at, part) = (parts.next()?, parts.next()?, parts.next()?);
    let at = at.parse().ok().filter(|at| *at < ROWS)?;
    Some((list, at, part))
}
