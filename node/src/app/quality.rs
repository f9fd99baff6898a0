//! `quality show`, `rules`, `set`, `questions`, `ask`, `answer`.

use serde_json::json;

use super::cli::Quality;
use super::output::{Answer, Output, Refusal};
use super::release::sign_in;
use super::{Context, open};
use crate::home::Node;
use crate::quality::{self, CATALOGUE, ChangeError, Judged, QuestionError, Rule, Set, Severity};
use crate::store::people::{Person, Role};
use crate::store::quality as stored;
use crate::store::{StoreError, date};

impl From<QuestionError> for Refusal {
    fn from(error: QuestionError) -> Self {
        let next = match &error {
            QuestionError::Store(error) => error.next(),
            QuestionError::Rule(_) => "`ldsp-node quality rules` lists the rules.",
            QuestionError::Provider => "`ldsp-node quality show` lists the providers.",
            QuestionError::Unknown(_) | QuestionError::Answered => {
                "`ldsp-node quality questions` lists the questions."
            }
            QuestionError::Text(_) => "Write it again without that. Nothing was stored.",
        };
        Self::new(&error, next)
    }
}

impl From<ChangeError> for Refusal {
    fn from(error: ChangeError) -> Self {
        let next = match &error {
            ChangeError::Store(error) => error.next(),
            _ => {
                "`ldsp-node quality rules` shows every rule with its threshold. Nothing was changed."
            }
        };
        Self::new(&error, next)
    }
}

pub(super) async fn run(command: Quality, context: &Context) -> Answer {
    let node = open(context).await?;
    let answer = match command {
        Quality::Show { provider } => show(&node, provider.as_deref(), context).await,
        Quality::Rules => rules(&node).await,
        Quality::Set {
            rule,
            severity,
            threshold,
            name,
        } => set(&node, &rule, (severity.into(), threshold), &name, context).await,
        Quality::Questions => questions(&node).await,
        Quality::Ask {
            provider,
            rule,
            question,
            name,
        } => ask(&node, (&provider, &rule), &question, &name, context).await,
        Quality::Answer { id, answer, name } => answered(&node, id, &answer, &name, context).await,
    };
    node.store.close().await;
    answer
}

/// A signed-in coordinator.
async fn coordinator(node: &Node, name: &str) -> Result<Person, Refusal> {
    let person = sign_in(&node.store, name).await?;
    if person.role == Role::Coordinator {
        return Ok(person);
    }
    Err(Refusal::new(
        format!("{name} is not a coordinator of this node"),
        "`ldsp-node people list` shows who is.",
    ))
}

fn in_words(judged: &Judged) -> String {
    let newest = date(judged.newest).map_or_else(String::new, |date| date.to_string());
    let mut text = format!(
        "{}: {} enrolments, {}% recorded, newest date {newest}\n",
        judged.provider,
        judged.enrolments,
        judged.complete(),
    );
    for found in &judged.findings {
        text.push_str(&format!(
            "  {:<8} {}: {} of {} ({})\n",
            found.severity.as_str(),
            found.rule.title,
            found.records,
            found.of,
            found.rule.code
        ));
    }
    text
}

async fn show(node: &Node, provider: Option<&str>, context: &Context) -> Answer {
    let at = (context.clock)();
    let mut judged = quality::look(&node.store, at).await?;
    let standing = quality::verdict(&judged, at).standing;
    if let Some(provider) = provider {
        judged.retain(|j| j.provider == provider);
        if judged.is_empty() {
            return Err(QuestionError::Provider.into());
        }
    }
    let text = if judged.is_empty() {
        "No learners are here yet. Next: `ldsp-node import learners FILE`.".to_owned()
    } else {
        let all: Vec<String> = judged.iter().map(in_words).collect();
        format!("Exact counts: do not share.\n\n{}", all.join("\n"))
    };
    let providers: Vec<_> = judged
        .iter()
        .map(|j| {
            let findings = j.findings.iter().map(|f| {
                json!({"rule": f.rule.code, "severity": f.severity, "records": f.records, "of": f.of, "programmes": f.programmes})
            });
            json!({
                "provider": j.provider, "enrolments": j.enrolments, "newest": date(j.newest), "completeness": j.completeness,
                "findings": findings.collect::<Vec<_>>(),
            })
        })
        .collect();
    Ok(Output {
        text,
        json: json!({"at": at, "standing": standing, "providers": providers}),
    })
}

async fn rules(node: &Node) -> Answer {
    let mut reader = node
        .store
        .reader
        .acquire()
        .await
        .map_err(StoreError::from)?;
    let settings = stored::settings(&mut reader).await?;
    let mut text = String::new();
    let mut all = Vec::new();
    for rule in CATALOGUE {
        let set = settings.of(rule);
        let unit = rule.threshold.map(|(_, unit)| unit.in_words());
        let from = match (set.threshold, unit) {
            (Some(threshold), Some(unit)) => format!(", from {threshold} {unit} on"),
            _ => String::new(),
        };
        text.push_str(&format!(
            "{:<18} {:<8} {}{from}\n",
            rule.code,
            set.severity.as_str(),
            rule.title
        ));
        all.push(json!({
            "rule": rule.code, "title": rule.title, "severity": set.severity, "threshold": set.threshold, "unit": unit, "version": set.version,
        }));
    }
    Ok(Output {
        text,
        json: json!({"rules": all}),
    })
}

async fn set(
    node: &Node,
    code: &str,
    (severity, threshold): (Severity, Option<u32>),
    name: &str,
    context: &Context,
) -> Answer {
    let person = coordinator(node, name).await?;
    let rule = Rule::of(code).ok_or_else(|| ChangeError::Unknown(code.to_owned()))?;
    let mut reader = node
        .store
        .reader
        .acquire()
        .await
        .map_err(StoreError::from)?;
    let now = stored::settings(&mut reader).await?.of(rule);
    drop(reader);
    let wanted = Set {
        severity,
        threshold: threshold.or(now.threshold),
        version: now.version,
    };
    let at = (context.clock)();
    let set = quality::change(&node.store, rule.code, wanted, &person.name, at).await?;
    Ok(Output {
        text: format!("{} is {} from now on.", rule.code, set.severity.as_str()),
        json: json!({"rule": rule.code, "severity": set.severity, "threshold": set.threshold, "version": set.version}),
    })
}

async fn questions(node: &Node) -> Answer {
    let mut reader = node
        .store
        .reader
        .acquire()
        .await
        .map_err(StoreError::from)?;
    let all = stored::questions(&mut reader, None).await?;
    let lines = all.iter().map(|q| {
        let answer = match &q.answer {
            Some((answer, by, _)) => format!("{by}: {answer}"),
            None => "no answer yet".to_owned(),
        };
        let by = &q.asked.0;
        format!(
            "{:>4}  {} ({}), {by}: {}\n      {answer}\n",
            q.id, q.provider, q.rule, q.question
        )
    });
    let text: String = lines.collect();
    let json: Vec<_> = all
        .iter()
        .map(|q| {
            let answer = q.answer.as_ref().map(|(text, by, at)| json!({"text": text, "by": by, "at": at}));
            json!({"id": q.id, "provider": q.provider, "rule": q.rule, "question": q.question, "by": q.asked.0, "at": q.asked.1, "answer": answer})
        })
        .collect();
    let text = if text.is_empty() {
        "Nobody was asked yet.".to_owned()
    } else {
        text
    };
    Ok(Output {
        text,
        json: json!({"questions": json}),
    })
}

async fn ask(
    node: &Node,
    about: (&str, &str),
    question: &str,
    name: &str,
    context: &Context,
) -> Answer {
    let person = coordinator(node, name).await?;
    let at = (context.clock)();
    let id = quality::ask(&node.store, about, question, &person.name, at).await?;
    Ok(Output {
        text: format!(
            "Question {id} is written down.\nNext: `ldsp-node quality answer {id} --text …` when the provider answered."
        ),
        json: json!({"id": id}),
    })
}

async fn answered(node: &Node, id: i64, text: &str, name: &str, context: &Context) -> Answer {
    let person = coordinator(node, name).await?;
    let at = (context.clock)();
    quality::answer(&node.store, (id, None), text, &person.name, at).await?;
    Ok(Output {
        text: format!("The answer to question {id} is written down."),
        json: json!({"id": id}),
    })
}
