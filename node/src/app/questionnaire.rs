//! `questionnaire list`, `show`, `answer`, `hand-over`, `take-back`, `approve`, `send-back`, `results`.

use std::fs;
use std::path::Path;

use ldsp_protocol::ids::QuestionId;
use serde_json::{Value, json};

use super::cli::Questionnaire;
use super::output::{Answer, Output, Refusal};
use super::release::{refresh, sign_in};
use super::{Context, open};
use crate::home::Node;
use crate::import::london_day;
use crate::pages::peers_over_https;
use crate::questionnaire::results::picture;
use crate::questionnaire::shown::{GivenAnswers, Head, Shown, Told};
use crate::questionnaire::words::{next, source, until, value};
use crate::questionnaire::{self, Case, How, QuestionnaireError, Word, bare};
use crate::words::{day, sentence};

/// Longest file of answers that is read, in bytes: far more than the longest answers.
const LARGEST: u64 = 1 << 20;

impl From<QuestionnaireError> for Refusal {
    fn from(error: QuestionnaireError) -> Self {
        let faults = match &error {
            QuestionnaireError::Unfit(faults) => faults.as_slice(),
            _ => &[],
        };
        let lines: Vec<String> = faults
            .iter()
            .map(|(_, e)| sentence(&e.to_string()))
            .collect();
        let list: Vec<Value> = faults
            .iter()
            .map(|(question, e)| json!({"question": question, "cause": e.to_string()}))
            .collect();
        if faults.is_empty() {
            return Self::new(&error, error.next_by_command());
        }
        Self {
            output: Some(Output {
                text: lines.join("\n"),
                json: json!({"problems": list}),
            }),
            ..Self::new(
                "the answers are not complete or do not hold",
                error.next_by_command(),
            )
        }
    }
}

pub(super) async fn run(command: Questionnaire, context: &Context) -> Answer {
    let node = open(context).await?;
    let answer = act(&node, command, context).await;
    node.store.close().await;
    answer
}

async fn act(node: &Node, command: Questionnaire, context: &Context) -> Answer {
    let (store, now) = (&node.store, (context.clock)());
    match command {
        Questionnaire::List => list(node, context).await,
        Questionnaire::Show { questionnaire } => show(node, &questionnaire, context).await,
        Questionnaire::Answer {
            questionnaire,
            file,
            name,
        } => {
            let given = read(&file)?;
            let person = sign_in(store, &name).await?;
            let answers = given.answers.into_iter().map(Into::into).collect();
            let by = (person.name.as_str(), now);
            let how = How::Whole(given.digest);
            questionnaire::save(store, &questionnaire, answers, how, by).await?;
            let shown = show(node, &questionnaire, context).await?;
            Ok(Output {
                text: format!("Kept as a draft. Nothing has left yet.\n{}", shown.text),
                json: shown.json,
            })
        }
        Questionnaire::HandOver {
            questionnaire,
            name,
        } => {
            let person = sign_in(store, &name).await?;
            let by = (person.name.as_str(), now);
            let digest = questionnaire::hand_over(store, &questionnaire, by).await?;
            Ok(Output {
                text: format!(
                    "The answers wait for an approver.\nDigest: {digest}\nNext: somebody who did not write them reads `ldsp-node questionnaire show {questionnaire}` and runs `ldsp-node questionnaire approve {questionnaire} --as NAME --digest {digest}`."
                ),
                json: json!({"questionnaire": questionnaire, "digest": digest}),
            })
        }
        Questionnaire::TakeBack {
            questionnaire,
            name,
        } => {
            let person = sign_in(store, &name).await?;
            questionnaire::take_back(store, &questionnaire, (&person.name, now)).await?;
            Ok(Output {
                text: "The answers are a draft again.".to_owned(),
                json: json!({"questionnaire": questionnaire}),
            })
        }
        Questionnaire::Approve {
            questionnaire,
            name,
            digest,
        } => {
            let person = sign_in(store, &name).await?;
            let word = Word {
                name: &questionnaire,
                digest,
                person: &person.name,
            };
            refresh(store, now).await?;
            let seq = questionnaire::release(store, &node.signing, word, now).await?;
            Ok(Output {
                text: format!(
                    "Released. It is statement {seq} of this node, signed and queued.\nNext: `ldsp-node publish`, or leave it to `ldsp-node serve`."
                ),
                json: json!({"questionnaire": questionnaire, "seq": seq, "digest": digest}),
            })
        }
        Questionnaire::SendBack {
            questionnaire,
            name,
            digest,
            reason,
        } => {
            let person = sign_in(store, &name).await?;
            let word = Word {
                name: &questionnaire,
                digest,
                person: &person.name,
            };
            questionnaire::send_back(store, word, &reason, now).await?;
            Ok(Output {
                text: "The answers are sent back to the coordinator.".to_owned(),
                json: json!({"questionnaire": questionnaire, "digest": digest}),
            })
        }
        Questionnaire::Results { questionnaire } => results(node, &questionnaire, context).await,
    }
}

async fn list(node: &Node, context: &Context) -> Answer {
    let now = (context.clock)();
    refresh(&node.store, now).await?;
    let cases = Case::all(&node.store).await?;
    let lines = cases.iter().map(|case| {
        let asked = &case.it.asked;
        format!(
            "{}  {}\n    due {}, {}; {}. {}",
            asked.name,
            asked.title,
            day(asked.due),
            until(asked.due, london_day(now)),
            case.state().in_words().to_lowercase(),
            sentence(next(case))
        )
    });
    let mut lines: Vec<String> = lines.collect();
    if lines.is_empty() {
        lines.push("Nobody asks this LEP anything just now.".to_owned());
    }
    let left = node.store.questionnaires_left().await?;
    let refused: Vec<Value> = left
        .iter()
        .filter_map(|left| {
            let why = left.refused.as_ref()?;
            let claims = left.claims.as_ref();
            let name = claims.map(|(name, version)| format!("{name}, version {version}"));
            lines.push(format!(
                "Refused: {}: {}",
                name.as_deref().unwrap_or("a line of the log\u{2019}s list"),
                sentence(why)
            ));
            Some(json!({"questionnaire": name, "why": why}))
        })
        .collect();
    let heads: Vec<Head> = cases.iter().map(|case| Head::of(case, now)).collect();
    Ok(Output {
        text: lines.join("\n"),
        json: json!({"questionnaires": heads, "refused": refused}),
    })
}

async fn show(node: &Node, name: &QuestionId, context: &Context) -> Answer {
    let now = (context.clock)();
    let shown = Shown::read(&node.store, name, now).await?;
    let case = Case::read(&node.store, name).await?;
    let case = case.ok_or_else(|| QuestionnaireError::Unknown(name.to_string()))?;
    let asked = &case.it.asked;
    let kept = case.carried().answers;
    let all = bare(&kept);
    let reached = asked.reached(&all);
    let mut lines = vec![
        format!("{} (version {})", asked.title, asked.version),
        asked.purpose.clone(),
        format!(
            "Due {}, {}. {}. {}",
            day(asked.due),
            until(asked.due, london_day(now)),
            case.state().in_words(),
            sentence(next(&case))
        ),
        String::new(),
    ];
    for question in &asked.questions {
        lines.push(format!("{}: {}", question.id, question.text));
        let answer = kept.iter().find(|k| k.answer.question == question.id);
        let says = match answer {
            _ if !reached.iter().any(|q| q.id == question.id) => {
                "not asked after the answers before it".to_owned()
            }
            None => "not answered yet".to_owned(),
            Some(kept) => match source(kept) {
                from if from.is_empty() => value(question, &kept.answer.value),
                from => format!("{} ({from})", value(question, &kept.answer.value)),
            },
        };
        lines.push(format!("    {says}"));
    }
    lines.extend([String::new(), format!("Digest: {}", shown.digest())]);
    Ok(Output {
        text: lines.join("\n"),
        json: json!(shown),
    })
}

async fn results(node: &Node, name: &QuestionId, context: &Context) -> Answer {
    if Case::read(&node.store, name).await?.is_none() {
        return Err(QuestionnaireError::Unknown(name.to_string()).into());
    }
    let peers = peers_over_https(node.clone(), context.clock.clone());
    let ask = async |path: String| peers(path).await;
    let told: Told = picture(&node.store, name, ask, (context.clock)())
        .await?
        .into();
    let json = json!(told);
    Ok(Output {
        text: serde_json::to_string_pretty(&json).unwrap_or_default(),
        json,
    })
}

fn read(path: &Path) -> Result<GivenAnswers, Refusal> {
    let cannot = |why: String| {
        Refusal::new(
            format!("{} cannot be read: {why}", path.display()),
            "Give a JSON file such as {\"answers\": [{\"question\": \"NAME\", \"value\": {\"number\": 12}}]}; `ldsp-node questionnaire show NAME --json` has questions and answers in that form.",
        )
    };
    let size = fs::metadata(path).map_err(|e| cannot(e.to_string()))?.len();
    if size > LARGEST {
        return Err(cannot(format!("it is over {LARGEST} bytes")));
    }
    let bytes = fs::read(path).map_err(|e| cannot(e.to_string()))?;
    serde_json::from_slice(&bytes).map_err(|e| {
        // The parser's message could quote an answer.
        cannot(format!(
            "line {}, column {} is not in the form of answers",
            e.line(),
            e.column()
        ))
    })
}
