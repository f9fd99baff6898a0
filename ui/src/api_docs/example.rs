//! Operations as lines for a terminal.

use serde_json::Value;

use super::{Operation, follow, text};

/// A `curl` command: parameters by their examples, credentials by their places.
pub(super) fn curl(document: &Value, operation: &Operation<'_>) -> String {
    let base = text(&document["servers"][0]["url"]).trim_end_matches('/');
    let mut path = operation.path.to_owned();
    let mut query = Vec::new();
    for parameter in &operation.parameters {
        let name = text(&parameter["name"]);
        let Some(value) = example_of(document, parameter) else {
            continue;
        };
        match text(&parameter["in"]) {
            "path" => path = path.replace(&format!("{{{name}}}"), &value),
            "query" => query.push(format!("{name}={value}")),
            _ => {}
        }
    }
    if !query.is_empty() {
        path = format!("{path}?{}", query.join("&"));
    }
    let mut words = vec!["curl".to_owned()];
    if operation.method != "get" {
        words.push(format!("--request {}", operation.verb()));
    }
    words.extend(credential(document, operation.said));
    let body = follow(document, &operation.said["requestBody"]);
    if let Some((kind, _)) = body["content"].as_object().and_then(|c| c.iter().next()) {
        words.push(format!(
            "--header {}",
            quoted(&format!("content-type: {kind}"))
        ));
        words.push("--data-binary @FILE".to_owned());
    }
    words.push(quoted(&format!("{base}{path}")));
    words.join(" ")
}

/// The example of a parameter, or of its schema.
fn example_of(document: &Value, parameter: &Value) -> Option<String> {
    let schema = follow(document, &parameter["schema"]);
    let value = [
        &parameter["example"],
        &schema["example"],
        &schema["examples"][0],
    ]
    .into_iter()
    .find(|value| !value.is_null())?;
    Some(match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    })
}

/// How the operation's first way of proving who asks is written; nothing where it is optional.
fn credential(document: &Value, said: &Value) -> Option<String> {
    let ways = said["security"].as_array()?;
    if ways
        .iter()
        .any(|way| way.as_object().is_some_and(serde_json::Map::is_empty))
    {
        return None;
    }
    let name = ways.first()?.as_object()?.keys().next()?;
    let scheme = &document["components"]["securitySchemes"][name.as_str()];
    Some(match (text(&scheme["type"]), text(&scheme["scheme"])) {
        ("http", "basic") => "--user NAME:SECRET".to_owned(),
        ("http", "bearer") => "--header 'authorization: Bearer SECRET'".to_owned(),
        ("apiKey", _) => {
            let header = format!("{}: CREDENTIAL", text(&scheme["name"]));
            format!("--header {}", quoted(&header))
        }
        _ => return None,
    })
}

/// A word for a POSIX shell.
fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', "'\\''"))
}
