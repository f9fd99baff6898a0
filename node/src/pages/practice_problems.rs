//! Problems of an entry in the words and places of its form.

use ldsp_protocol::practice::FieldError;

use super::words;

/// The input that an error of `field` belongs to: `causes[1].because` stands at `causes-1-because`.
pub(super) fn input(field: &str) -> String {
    match field {
        "causes" => "causes-0-factor".to_owned(),
        "until" | "review" => format!("{field}-day"),
        other if other.starts_with("evidence") => "evidence".to_owned(),
        other => other.replace("].", "-").replace('[', "-"),
    }
}

/// What the field is called on the page.
pub(super) fn label(field: &str) -> String {
    if let Some((list, rest)) = field.split_once('[') {
        let number = rest
            .split(']')
            .next()
            .and_then(|n| n.parse::<usize>().ok())
            .map_or(1, |n| n + 1);
        return match list {
            "causes" => format!("Cause {number}"),
            "tools" => format!("Tool {number}"),
            _ => "Figures".to_owned(),
        };
    }
    match field {
        "title" => "Title",
        "what" => "What was done",
        "tier" => "Tier",
        "skills" => "Skills",
        "audience" => "For whom",
        "mode" => "Mode of delivery",
        "area" | "setting" | "size" => "Area",
        "cost" => "Cost",
        "verdict" => "Verdict",
        "causes" => "Causes",
        "again" => "Do it again",
        "change" => "What would change",
        "repeat" => "How to repeat it",
        "design" | "participants" | "attrition" | "follow_up" => "Strength of evidence",
        "contact_role" => "Contact",
        "sharing" | "until" => "Who may read it",
        "review" => "Review",
        _ => "Other entries",
    }
    .to_owned()
}

pub(super) fn words_of(problem: &FieldError) -> String {
    // The ids of a list help in a file; on the page the list itself is there.
    let remedy = if problem.remedy.starts_with("Choose one of:") {
        "Choose from the list"
    } else {
        &problem.remedy
    };
    format!(
        "{} {}",
        words::sentence(&problem.cause),
        words::sentence(remedy)
    )
}
