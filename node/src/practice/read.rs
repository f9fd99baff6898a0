//! From a form to an entry, with every problem at once.

use jiff::civil::Date;
use ldsp_protocol::ids::Digest;
use ldsp_protocol::practice::{
    Again, Area, Attrition, Cause, CostBand, Design, Direction, Evidence, Factor, FieldError,
    FollowUp, Participants, PracticeEntry, Resource, Setting, Sharing, SizeBand, Strength, Verdict,
};
use ldsp_protocol::standard::{Dimension, Standard};

use super::{CauseRow, DateParts, Form, OwnFigures, ToolRow, problem};

/// Fields in the order of the form, in which problems are given.
const ORDER: [&str; 26] = [
    "title",
    "what",
    "tier",
    "skills",
    "audience",
    "mode",
    "area",
    "setting",
    "size",
    "cost",
    "verdict",
    "causes",
    "again",
    "change",
    "repeat",
    "evidence",
    "design",
    "participants",
    "attrition",
    "follow_up",
    "tools",
    "contact_role",
    "sharing",
    "until",
    "review",
    "supersedes",
];

/// Reads the entry that a form holds. `figures` are those that may be cited; `today` is the date at the node.
///
/// # Errors
/// Every problem, in the order of the form. Fields are named as in the entry, rows as in the form: `causes[1].because`.
pub fn read(
    form: &Form,
    figures: &OwnFigures,
    today: Date,
) -> Result<PracticeEntry, Vec<FieldError>> {
    let mut reader = Reader {
        figures,
        today,
        problems: Vec::new(),
    };
    let (entry, rows) = reader.entry(form);
    let mut problems = reader.problems;
    let own = problems.len();
    for mut found in entry.check() {
        found.field = rows.in_form(&found.field);
        if !problems[..own].iter().any(|p| p.field == found.field) {
            problems.push(found);
        }
    }
    if problems.is_empty() {
        return Ok(entry);
    }
    sort(&mut problems);
    Err(problems)
}

/// Puts problems in the order of the form; those of one field stay as they are, unknown fields come last.
pub(super) fn sort(problems: &mut [FieldError]) {
    problems.sort_by_key(|p| {
        let root = p.field.split('[').next().unwrap_or_default();
        ORDER.iter().position(|f| *f == root).unwrap_or(ORDER.len())
    });
}

/// Where the rows of the entry stand in the form, whose blank rows are left out.
struct Rows {
    causes: Vec<usize>,
    tools: Vec<usize>,
}

impl Rows {
    fn in_form(&self, field: &str) -> String {
        for (list, rows) in [("causes", &self.causes), ("tools", &self.tools)] {
            let row = field
                .strip_prefix(list)
                .and_then(|rest| rest.strip_prefix('['));
            if let Some((at, rest)) = row.and_then(|rest| rest.split_once(']')) {
                let at = at
                    .parse()
                    .ok()
                    .and_then(|at: usize| rows.get(at))
                    .copied()
                    .unwrap_or(0);
                return format!("{list}[{at}]{rest}");
            }
        }
        field.to_owned()
    }
}

struct Reader<'a> {
    figures: &'a OwnFigures,
    today: Date,
    problems: Vec<FieldError>,
}

/// A list of choices: parse one, all of them, and their ids.
trait Choices: Copy + 'static {
    const ALL: &'static [Self];
    fn id(self) -> &'static str;
}

macro_rules! choices {
    ($($name:ident),+) => {$(
        impl Choices for $name {
            const ALL: &'static [Self] = $name::ALL;
            fn id(self) -> &'static str {
                $name::id(self)
            }
        }
    )+};
}
choices!(
    Again,
    Attrition,
    CostBand,
    Design,
    Direction,
    Factor,
    FollowUp,
    Participants,
    Setting,
    SizeBand,
    Verdict
);

impl Reader<'_> {
    fn entry(&mut self, form: &Form) -> (PracticeEntry, Rows) {
        let (causes, cause_rows) = self.causes(&form.causes);
        let (tools, tool_rows) = tools(&form.tools);
        let entry = PracticeEntry {
            title: form.title.trim().to_owned(),
            what: form.what.trim().to_owned(),
            tier: self.code("tier", Dimension::Tier, &form.tier),
            skills: self.codes("skills", Dimension::Skill, &form.skills),
            audience: self.codes("audience", Dimension::Audience, &form.audience),
            mode: self.code("mode", Dimension::Mode, &form.mode),
            area: self.area(form),
            cost: self.choice("cost", &form.cost, CostBand::NotKnown),
            verdict: self.choice("verdict", &form.verdict, Verdict::TooEarly),
            causes,
            again: self.choice("again", &form.again, Again::Yes),
            change: form.change.trim().to_owned(),
            repeat: form.repeat.trim().to_owned(),
            evidence: self.evidence(&form.evidence),
            strength: Strength {
                design: self.choice("design", &form.design, Design::None),
                participants: self.choice(
                    "participants",
                    &form.participants,
                    Participants::Under30,
                ),
                attrition: self.choice("attrition", &form.attrition, Attrition::NotKnown),
                follow_up: self.choice("follow_up", &form.follow_up, FollowUp::None),
            },
            tools,
            contact_role: form.contact_role.trim().to_owned(),
            sharing: self.sharing(form),
            review: self.date("review", &form.review),
            supersedes: self.digest("supersedes", &form.supersedes),
            replicates: self.digest("replicates", &form.replicates),
        };
        (
            entry,
            Rows {
                causes: cause_rows,
                tools: tool_rows,
            },
        )
    }

    fn add(&mut self, field: impl Into<String>, cause: &str, remedy: impl Into<String>) {
        self.problems.push(problem(field, cause, remedy));
    }

    /// The choice with the id `text`; `otherwise` stands in when there is none, only so that the rest can be checked.
    fn choice<T: Choices>(&mut self, field: &str, text: &str, otherwise: T) -> T {
        if let Some(found) = T::ALL.iter().copied().find(|c| c.id() == text.trim()) {
            return found;
        }
        let ids: Vec<&str> = T::ALL.iter().map(|c| c.id()).collect();
        self.not_chosen(field, text, &ids);
        otherwise
    }

    fn not_chosen(&mut self, field: &str, text: &str, ids: &[&str]) {
        if text.trim().is_empty() {
            self.add(
                field,
                "nothing is chosen",
                format!("Choose one of: {}", ids.join(", ")),
            );
        } else {
            self.add(
                field,
                "this is not one of the choices",
                format!("Choose one of: {}", ids.join(", ")),
            );
        }
    }

    fn code(&mut self, field: &str, dimension: Dimension, text: &str) -> String {
        let text = text.trim();
        let codes = &Standard::current().dimension(dimension).codes;
        if !codes.iter().any(|c| c.id == text) {
            let ids: Vec<&str> = codes.iter().map(|c| c.id.as_str()).collect();
            self.not_chosen(field, text, &ids);
        }
        text.to_owned()
    }

    fn codes(&mut self, field: &str, dimension: Dimension, texts: &[String]) -> Vec<String> {
        let codes = &Standard::current().dimension(dimension).codes;
        let known = |text: &String| codes.iter().any(|c| c.id == *text);
        if texts.is_empty() || !texts.iter().all(known) {
            let ids: Vec<&str> = codes.iter().map(|c| c.id.as_str()).collect();
            let text = texts
                .iter()
                .find(|t| !known(t))
                .cloned()
                .unwrap_or_default();
            self.not_chosen(field, &text, &ids);
        }
        texts.to_vec()
    }

    fn area(&mut self, form: &Form) -> Area {
        match form.area.trim() {
            "own" => Area::Lep(self.figures.lep().clone()),
            "like" => Area::Like {
                setting: self.choice("setting", &form.setting, Setting::Mixed),
                size: self.choice("size", &form.size, SizeBand::Medium),
            },
            other => {
                self.not_chosen("area", other, &["own", "like"]);
                Area::Lep(self.figures.lep().clone())
            }
        }
    }

    fn causes(&mut self, rows: &[CauseRow]) -> (Vec<Cause>, Vec<usize>) {
        let blank = |row: &CauseRow| {
            [&row.factor, &row.direction, &row.because]
                .iter()
                .all(|t| t.trim().is_empty())
        };
        let filled: Vec<usize> = (0..rows.len()).filter(|at| !blank(&rows[*at])).collect();
        let causes = filled.iter().map(|at| Cause {
            factor: self.choice(
                &format!("causes[{at}].factor"),
                &rows[*at].factor,
                Factor::Context,
            ),
            direction: self.choice(
                &format!("causes[{at}].direction"),
                &rows[*at].direction,
                Direction::WorkedBecause,
            ),
            because: rows[*at].because.trim().to_owned(),
        });
        (causes.collect(), filled)
    }

    fn evidence(&mut self, references: &[String]) -> Vec<Evidence> {
        let mut all = Vec::new();
        for (at, text) in references.iter().enumerate().filter(|(_, t)| !t.is_empty()) {
            let mut parts = text.splitn(3, '/');
            let mut part = || parts.next().unwrap_or_default();
            let (statement, table, cell) = (part().parse(), part().to_owned(), part().parse());
            let evidence = match (statement, cell) {
                (Ok(statement), Ok(cell)) => Some(Evidence {
                    statement,
                    table,
                    cell,
                }),
                _ => None,
            };
            match evidence.filter(|e| self.figures.release_of(e).is_some()) {
                Some(evidence) if all.contains(&evidence) => {}
                Some(evidence) => all.push(evidence),
                None => self.add(
                    format!("evidence[{at}]"),
                    "this is not a figure of an approved release of this node",
                    "Choose a figure from the list",
                ),
            }
        }
        all
    }

    fn sharing(&mut self, form: &Form) -> Sharing {
        match form.sharing.trim() {
            "public" => Sharing::Public,
            "peers" => {
                let before = self.problems.len();
                let date = self.date("until", &form.until);
                if self.problems.len() == before && date <= self.today {
                    self.add(
                        "until",
                        "the date is not in the future",
                        "Give a later date, or share with everybody",
                    );
                }
                Sharing::PeersUntil(date)
            }
            other => {
                self.not_chosen("sharing", other, &["public", "peers"]);
                Sharing::Public
            }
        }
    }

    fn date(&mut self, field: &str, parts: &DateParts) -> Date {
        if let Some(date) = parts.date() {
            return date;
        }
        if parts.is_blank() {
            self.add(
                field,
                "no date is given",
                "Give day, month and year, such as 27 3 2027",
            );
        } else {
            self.add(
                field,
                "this is not a date",
                "Give day, month and year in numbers, such as 27 3 2027",
            );
        }
        self.today
    }

    fn digest(&mut self, field: &str, text: &str) -> Option<Digest> {
        let text = text.trim();
        if text.is_empty() {
            return None;
        }
        let digest = text.parse().ok();
        if digest.is_none() {
            self.add(
                field,
                "this is not the reference of an entry",
                "Copy the 64 digits from the entry's page, or leave it empty",
            );
        }
        digest
    }
}

fn tools(rows: &[ToolRow]) -> (Vec<Resource>, Vec<usize>) {
    let blank = |row: &ToolRow| {
        [&row.title, &row.link, &row.licence]
            .iter()
            .all(|t| t.trim().is_empty())
    };
    let filled: Vec<usize> = (0..rows.len()).filter(|at| !blank(&rows[*at])).collect();
    let tools = filled.iter().map(|at| Resource {
        title: rows[*at].title.trim().to_owned(),
        link: rows[*at].link.trim().to_owned(),
        licence: rows[*at].licence.trim().to_owned(),
    });
    (tools.collect(), filled)
}
