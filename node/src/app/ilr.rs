//! `ilr`: what is said of ILRs, read and written.

use serde_json::json;

use super::cli::{AimArgs, Ilr};
use super::output::{Answer, Output, Refusal};
use super::{Context, open};
use crate::import::ilr::mapping::{self, AimSaid, MappingError};
use crate::store::ilr::{AimRule, Mappings};

impl From<MappingError> for Refusal {
    fn from(error: MappingError) -> Self {
        Self::new(&error, error.next_by_command())
    }
}

pub(super) async fn run(command: Ilr, context: &Context) -> Answer {
    let node = open(context).await?;
    let (store, now) = (&node.store, (context.clock)());
    let answer = match &command {
        Ilr::Mappings => Ok(list(&store.ilr_mappings().await?)),
        Ilr::Provider { ukprn, name } => {
            let said = mapping::say_provider(store, ukprn, name, &context.who, now).await;
            said.map(|(ukprn, provider)| Output {
                text: format!("ILRs of UKPRN {ukprn} are {provider}\u{2019}s."),
                json: json!({"ukprn": ukprn, "provider": provider}),
            })
        }
        Ilr::Aim(args) if args.remove => {
            let unsaid = mapping::unsay_aim(store, &said(args), &context.who, now).await;
            unsaid.map(|()| Output {
                text: "It is not said any more. An import asks for the aim again.".to_owned(),
                json: json!({"removed": true}),
            })
        }
        Ilr::Aim(args) => {
            let said = mapping::say_aim(store, &said(args), &context.who, now).await;
            said.map(|rule| Output {
                text: format!("{}.", line(&rule)),
                json: aim(&rule),
            })
        }
        Ilr::Code { field, code, value } => {
            let said = mapping::say_code(store, field, code, value, &context.who, now).await;
            said.map(|()| Output {
                text: "Written down. It holds from the next import on; a file that is stored already is read anew when it is imported again.".to_owned(),
                json: json!({"stored": true}),
            })
        }
    };
    store.close().await;
    Ok(answer?)
}

fn said(args: &AimArgs) -> AimSaid {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    AimSaid {
        aim: args.aim.clone(),
        ukprn: text(&args.ukprn),
        fund_model: text(&args.fund_model),
        digital: !args.not_digital,
        programme: text(&args.programme),
        skill: text(&args.skill),
        mode: text(&args.mode),
    }
}

/// What is said of an aim, in words.
fn line(rule: &AimRule) -> String {
    let mut text = rule.aim.clone();
    if let Some(ukprn) = rule.ukprn {
        text.push_str(&format!(" of {ukprn}"));
    }
    if let Some(model) = rule.fund_model {
        text.push_str(&format!(" under funding model {model}"));
    }
    match &rule.taught {
        Some(t) => text.push_str(&format!(": {}, {}, {}", t.programme, t.skill, t.mode)),
        None => text.push_str(": not digital"),
    }
    text
}

fn aim(rule: &AimRule) -> serde_json::Value {
    json!({
        "aim": rule.aim,
        "ukprn": rule.ukprn,
        "fund_model": rule.fund_model,
        "digital": rule.taught.is_some(),
        "programme": rule.taught.as_ref().map(|t| &t.programme),
        "skill": rule.taught.as_ref().map(|t| &t.skill),
        "mode": rule.taught.as_ref().map(|t| &t.mode),
    })
}

fn list(mappings: &Mappings) -> Output {
    let mut lines = vec!["Providers".to_owned()];
    if mappings.providers.is_empty() {
        lines.push("  none so far: ldsp-node ilr provider UKPRN NAME".to_owned());
    }
    let providers = mappings.providers.iter();
    lines.extend(providers.map(|(ukprn, name)| format!("  {ukprn}  {name}")));
    lines.push("\nAims".to_owned());
    lines.extend(mappings.aims.iter().map(|rule| format!("  {}", line(rule))));
    lines.push("\nCodes".to_owned());
    let codes = mappings.codes.iter();
    lines.extend(codes.map(|c| {
        format!(
            "  {:<14} {:<8} {:<30} {}",
            c.field, c.code, c.value, c.meaning
        )
    }));
    let providers = mappings.providers.iter();
    let codes = mappings.codes.iter();
    Output {
        text: lines.join("\n"),
        json: json!({
            "providers": providers.map(|(ukprn, name)| json!({"ukprn": ukprn, "provider": name})).collect::<Vec<_>>(),
            "aims": mappings.aims.iter().map(aim).collect::<Vec<_>>(),
            "codes": codes.map(|c| json!({"field": c.field, "code": c.code, "value": c.value, "meaning": c.meaning})).collect::<Vec<_>>(),
        }),
    }
}
