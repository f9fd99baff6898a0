//! `delivery`: a provider's daily work at the terminal, for whoever keeps its systems. The functions are those of its pages ([`crate::delivery`]).

use serde_json::{Value, json};

use super::cli::{Delivery, DueWhen, Of};
use super::output::{Answer, Output, Refusal, fields};
use super::{Context, open};
use crate::api::OwnService;
use crate::api::learners::{OwnLearner, in_full};
use crate::delivery::{self, COHORT, Handled, Joined, OF_SERVICE, Own, Said, Trouble, When};
use crate::home::Node;
use crate::import::{Doubtful, london_day};
use crate::model::Model as _;
use crate::store::cohorts::Cohort;
use crate::store::delivery::{AFTER, Entry, Number, Sorted, Sought, Within};
use crate::store::kept::Stored;
use crate::store::records::merge::By;

/// Learners that are read at a time.
const READ: i64 = 1_000;
/// Questions that are due and are listed.
const DUE: u64 = 1_000;

impl From<Trouble> for Refusal {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Store(error) => error.into(),
            Trouble::Missing => no_learner(),
            Trouble::Changed => Self {
                code: Some("changed-meanwhile"),
                ..Self::new(
                    "somebody changed it in the meantime; nothing was stored",
                    "Look at it with `show`, then run the command again with that version.",
                )
            },
            Trouble::Fields(problems) => fields(&problems),
            Trouble::Stands(stands) => {
                let (why, instead) = delivery::in_words(stands);
                Self {
                    code: Some("in-use"),
                    ..Self::new(why, instead)
                }
            }
        }
    }
}

fn no_learner() -> Refusal {
    Refusal::new(
        "the provider has no such learner",
        "`ldsp-node delivery learners --provider NAME` lists its learners.",
    )
}

fn no_cohort() -> Refusal {
    Refusal::new(
        "the provider has no such cohort",
        "`ldsp-node delivery cohorts --provider NAME` lists its cohorts.",
    )
}

/// A provider's work at this node.
struct Desk<'a> {
    node: &'a Node,
    own: Own,
    by: By,
}

pub(super) async fn run(command: Delivery, context: &Context) -> Answer {
    let node = open(context).await?;
    let answer = answer(&node, command, context).await;
    node.store.close().await;
    answer
}

async fn answer(node: &Node, command: Delivery, context: &Context) -> Answer {
    let now = (context.clock)();
    let desk = async |of: &Of| {
        let known = node.store.known().await?;
        let Some((id, name)) = known.provider(&of.provider) else {
            return Err(Refusal::new(
                "no training provider of this name is among the organisations",
                "`ldsp-node organisations list` shows the names; capitals and spaces do not matter.",
            ));
        };
        let bound = ldsp_ui::Bound {
            id,
            name: name.to_owned(),
        };
        let own = Own::of(&node.store, &node.pseudonyms, &bound).await?;
        let by = delivery::by(&context.who, now);
        Ok::<_, Refusal>(Desk { node, own, by })
    };
    match command {
        Delivery::Cohorts { of } => desk(&of).await?.cohorts().await,
        Delivery::Learners { of, cohort } => desk(&of).await?.learners(cohort.as_deref()).await,
        Delivery::Show { of, learner } => {
            let desk = desk(&of).await?;
            let entry = desk.find(&learner).await?;
            desk.shown(&entry, None).await
        }
        Delivery::Add {
            of,
            cohort,
            columns,
        } => desk(&of).await?.add(&cohort, &columns).await,
        Delivery::Record {
            of,
            learner,
            version,
            columns,
        } => desk(&of).await?.record((&learner, version), &columns).await,
        Delivery::Correct {
            of,
            learner,
            version,
            columns,
        } => {
            desk(&of)
                .await?
                .correct((&learner, version), &columns)
                .await
        }
        Delivery::TakeBack {
            of,
            learner,
            version,
        } => desk(&of).await?.take_back((&learner, version)).await,
        Delivery::Services { of } => desk(&of).await?.services().await,
        Delivery::Assure {
            of,
            service,
            version,
            columns,
        } => desk(&of).await?.assure((&service, version), &columns).await,
        Delivery::Due { of, when } => desk(&of).await?.due(when, context).await,
    }
}

/// Columns with their texts.
fn pairs(columns: &[String]) -> Result<Vec<(String, String)>, Refusal> {
    let pair = |word: &String| {
        let pair = word.split_once('=');
        let pair = pair.map(|(column, text)| (column.to_owned(), text.to_owned()));
        pair.ok_or_else(|| {
            Refusal::new(
                "a column is given without a text",
                "Write COLUMN=TEXT, in quotation marks where the text has spaces.",
            )
        })
    };
    columns.iter().map(pair).collect()
}

/// Refuses a column that is none of these.
fn among<'a>(
    said: &[(String, String)],
    columns: impl Iterator<Item = &'a str>,
) -> Result<(), Refusal> {
    let columns: Vec<&str> = columns.collect();
    if said
        .iter()
        .all(|(column, _)| columns.contains(&column.as_str()))
    {
        return Ok(());
    }
    Err(Refusal::new(
        "a column is none of these",
        format!("The columns are {}.", columns.join(", ")),
    ))
}

impl Desk<'_> {
    async fn services(&self) -> Answer {
        let known = self.node.store.known().await?;
        let all = delivery::services(&self.node.store, &self.own).await?;
        let all = all.iter().map(|one| OwnService::of(&self.own, &known, one));
        let all: Vec<OwnService> = all.collect();
        let line = |one: &OwnService| match one.assured_date.as_str() {
            "" => format!("{}  {}, never checked", one.id, one.name),
            day => format!("{}  {}, checked {day}", one.id, one.name),
        };
        let lines: Vec<String> = all.iter().map(line).collect();
        Ok(Output {
            text: match lines.is_empty() {
                true => "None so far. Next: `ldsp-node provision add`.".to_owned(),
                false => lines.join("\n"),
            },
            json: json!({"items": all}),
        })
    }

    async fn assure(&self, (service, version): (&str, Option<i64>), columns: &[String]) -> Answer {
        let said = pairs(columns)?;
        among(&said, OF_SERVICE.iter().copied())?;
        let none = || {
            Refusal::new(
                "the provider has no such service",
                "`ldsp-node delivery services --provider NAME` lists its services.",
            )
        };
        let store = &self.node.store;
        let id = self
            .own
            .number(Handled::Service, service)
            .ok_or_else(none)?;
        let held = delivery::service(store, &self.own, id).await?;
        let held = held.ok_or_else(none)?;
        let seen = (id, version.unwrap_or(held.version));
        let by = (self.by.who.as_str(), self.by.at);
        let stored = delivery::assure(store, &self.own, seen, &said, by).await?;
        let known = store.known().await?;
        let shown = OwnService::of(&self.own, &known, &stored);
        Ok(Output {
            text: format!(
                "Still right: {}, checked {}.",
                shown.name, shown.assured_date
            ),
            json: serde_json::to_value(shown).expect("a service holds texts and a number"),
        })
    }

    async fn find(&self, handle: &str) -> Result<Entry, Refusal> {
        let id = self.own.number(Handled::Enrolment, handle);
        let id = Number(id.ok_or_else(no_learner)?);
        let found = delivery::entry(&self.node.store, &self.own, id).await?;
        found.ok_or_else(no_learner)
    }

    /// The provider's cohort of this code.
    async fn cohort(&self, code: &str) -> Result<Stored<Cohort>, Refusal> {
        let all = delivery::cohorts(&self.node.store, &self.own).await?;
        let found = all.into_iter().find(|cohort| cohort.it.code == code);
        found.ok_or_else(no_cohort)
    }

    async fn cohorts(&self) -> Answer {
        let known = self.node.store.known().await?;
        let all = delivery::cohorts(&self.node.store, &self.own).await?;
        let lines: Vec<String> = all.iter().map(|cohort| cohort.it.title(&known)).collect();
        let items: Vec<Value> = all
            .iter()
            .map(|cohort| {
                let id = self.own.handle(Handled::Cohort, cohort.id);
                let programme = known.programme_code(Some(cohort.it.programme));
                json!({"id": id, "cohort": cohort.it.code, "programme": programme, "title": cohort.it.title})
            })
            .collect();
        Ok(Output {
            text: match lines.is_empty() {
                true => "None so far. Next: `ldsp-node cohorts add`.".to_owned(),
                false => lines.join("\n"),
            },
            json: json!({"items": items}),
        })
    }

    async fn learners(&self, cohort: Option<&str>) -> Answer {
        let within = match cohort {
            None => Within::Anywhere,
            Some(code) => Within::Cohort(self.cohort(code).await?.id),
        };
        let known = self.node.store.known().await?;
        let (mut all, mut after) = (Vec::new(), 0);
        loop {
            let sought = Sought {
                within,
                by: Sorted::Number { after },
                limit: READ,
                ..Sought::default()
            };
            let (entries, _) = delivery::learners(&self.node.store, &self.own, &sought).await?;
            let Some(last) = entries.last() else { break };
            after = last.id.0;
            all.extend(entries.iter().map(|e| OwnLearner::of(&self.own, &known, e)));
        }
        let lines = all.iter().map(|learner: &OwnLearner| learner.line());
        let lines: Vec<String> = lines.collect();
        Ok(Output {
            text: match lines.is_empty() {
                true => {
                    "Nobody so far. Next: `ldsp-node delivery add --provider NAME --cohort CODE`."
                        .to_owned()
                }
                false => lines.join("\n"),
            },
            json: json!({"items": all}),
        })
    }

    async fn shown(&self, entry: &Entry, done: Option<&str>) -> Answer {
        let full = in_full(&self.node.store, &self.own, entry).await?;
        let value = serde_json::to_value(full.ok_or_else(no_learner)?);
        let value = value.unwrap_or_default();
        let columns = value.as_object().into_iter().flatten();
        let line = |(name, value): (&String, &Value)| {
            let text = match value {
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            format!("{name:17}  {text}")
        };
        let lines = done.map(str::to_owned).into_iter().chain(columns.map(line));
        Ok(Output {
            text: lines.collect::<Vec<_>>().join("\n"),
            json: value,
        })
    }

    async fn add(&self, code: &str, columns: &[String]) -> Answer {
        let cohort = self.cohort(code).await?;
        let said = pairs(columns)?;
        let store = &self.node.store;
        let begun = delivery::begun(store, &cohort.it).await?;
        let parts = delivery::Part::ALL.iter().flat_map(|part| part.columns());
        let asked = parts.copied().filter(|column| *column != COHORT);
        let start = [
            "birth_date",
            "postcode",
            "confidence_before",
            "everyday_before",
        ];
        among(&said, asked.chain(start))?;
        let is_said = |column: &String| said.iter().any(|(name, _)| name == column);
        let begun = begun.into_iter().filter(|(column, _)| !is_said(column));
        let answers: Vec<(String, String)> = said.iter().cloned().chain(begun).collect();
        let done = delivery::join(store, &self.own, &cohort, &answers, Doubtful::Ask, &self.by);
        match done.await? {
            Joined::Refused(problems) => Err(fields(&problems)),
            Joined::Erased => Err(Refusal::new(
                "the records of this learner were erased here; nothing was stored",
                "Remove them from the provider\u{2019}s own files too.",
            )),
            Joined::Added | Joined::Corrected => {
                let reference = said.iter().find(|(column, _)| column == "learner_ref");
                let reference = reference.map_or("", |(_, text)| text.trim());
                let key = &self.node.pseudonyms;
                let under = delivery::under(store, &self.own, key, reference).await?;
                let newest = under.iter().max_by_key(|entry| entry.id);
                let newest = newest.ok_or_else(no_learner)?;
                let entry = delivery::entry(store, &self.own, newest.id).await?;
                self.shown(&entry.ok_or_else(no_learner)?, Some("Added."))
                    .await
            }
        }
    }

    async fn record(&self, (learner, version): (&str, Option<i64>), columns: &[String]) -> Answer {
        let entry = self.find(learner).await?;
        let said = pairs(columns)?;
        let asked = delivery::endings();
        among(&said, asked.iter().map(|question| question.column))?;
        let texts = delivery::outcome_of(&entry, &said);
        let at = (entry.id, version.unwrap_or(entry.version));
        delivery::amend(&self.node.store, &self.own, at, &texts, &self.by).await?;
        let entry = self.find(learner).await?;
        self.shown(&entry, Some("Recorded.")).await
    }

    async fn correct(&self, (learner, version): (&str, Option<i64>), columns: &[String]) -> Answer {
        let entry = self.find(learner).await?;
        let mut texts = pairs(columns)?;
        let parts = delivery::Part::ALL.iter().flat_map(|part| part.columns());
        among(
            &texts,
            parts
                .copied()
                .filter(|column| *column != delivery::EMPLOYER),
        )?;
        let place = texts.iter().position(|(column, _)| column == COHORT);
        let cohort = match place.map(|place| texts.remove(place).1) {
            None => None,
            Some(none) if none.is_empty() => Some(None),
            Some(code) => Some(Some(self.cohort(&code).await?.id)),
        };
        let said = Said {
            texts,
            cohort,
            employer: None,
        };
        let at = (entry.id, version.unwrap_or(entry.version));
        let id = delivery::correct(&self.node.store, &self.own, at, &said, &self.by).await?;
        let entry = delivery::entry(&self.node.store, &self.own, id).await?;
        self.shown(&entry.ok_or_else(no_learner)?, Some("Corrected."))
            .await
    }

    async fn take_back(&self, (learner, version): (&str, Option<i64>)) -> Answer {
        let entry = self.find(learner).await?;
        let at = (entry.id, version.unwrap_or(entry.version));
        delivery::take_back(&self.node.store, &self.own, at, &self.by).await?;
        Ok(Output {
            text: "Taken back: it is as if it had never come.".to_owned(),
            json: json!({"taken_back": learner}),
        })
    }

    async fn due(&self, when: DueWhen, context: &Context) -> Answer {
        let when = match when {
            DueWhen::Week => When::ThisWeek,
            DueWhen::Late => When::Late,
            DueWhen::Later => When::Later,
        };
        let days = [when.days(london_day((context.clock)()))];
        let store = &self.node.store;
        let part = delivery::due(store, &self.own, &days, 0..DUE).await?;
        let part = part.into_iter().next().unwrap_or_default();
        let known = store.known().await?;
        let mut items = Vec::new();
        let mut lines = vec![format!("{} to be asked.", part.all)];
        for due in &part.rows {
            let learner = OwnLearner::of(&self.own, &known, &due.entry);
            let months = AFTER[due.question];
            lines.push(format!(
                "{}  {months:>2} months  {}",
                due.on,
                learner.line()
            ));
            items.push(json!({"months": months, "on": due.on.to_string(), "learner": learner}));
        }
        Ok(Output {
            text: lines.join("\n"),
            json: json!({"all": part.all, "items": items}),
        })
    }
}
