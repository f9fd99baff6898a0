//! Sets JSON out for reading, without changing a character of any value.

use std::fmt::Write;

/// Values of a flat list that are shown.
const SHOWN: usize = 24;

/// Objects and lists of objects become indented lines; a list of plain values stays on one line and is cut after
/// the first two dozen. `text` must be sound JSON; anything else comes out with its spaces changed.
pub(super) fn json(text: &str) -> String {
    let mut out = String::with_capacity(text.len() * 2);
    let mut depth = 0_usize;
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let mut used = c.len_utf8();
        match c {
            '"' => {
                used = string_end(rest);
                out.push_str(&rest[..used]);
            }
            '[' if flat_end(rest).is_some() => {
                used = flat_end(rest).unwrap_or(used);
                flat(&mut out, &rest[1..used - 1]);
            }
            '{' | '[' => {
                depth += 1;
                out.push(c);
                line(&mut out, depth);
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                line(&mut out, depth);
                out.push(c);
            }
            ',' => {
                out.push(c);
                line(&mut out, depth);
            }
            ':' => out.push_str(": "),
            c if c.is_whitespace() => {}
            c => out.push(c),
        }
        rest = &rest[used..];
    }
    out.replace("{\n\n", "{\n")
}

fn line(out: &mut String, depth: usize) {
    out.push('\n');
    out.extend(std::iter::repeat_n("  ", depth));
}

/// Bytes of the string that `text` begins with, quotes included.
fn string_end(text: &str) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// Bytes of the list that `text` begins with, brackets included, if it holds plain values only.
fn flat_end(text: &str) -> Option<usize> {
    let mut at = 1;
    while let Some(c) = text[at..].chars().next() {
        match c {
            ']' => return Some(at + 1),
            '[' | '{' => return None,
            '"' => at += string_end(&text[at..]),
            c => at += c.len_utf8(),
        }
    }
    None
}

fn flat(out: &mut String, inside: &str) {
    let mut values: Vec<&str> = Vec::new();
    let (mut start, mut at) = (0, 0);
    while let Some(c) = inside[at..].chars().next() {
        match c {
            '"' => at += string_end(&inside[at..]),
            ',' => {
                values.push(inside[start..at].trim());
                at += 1;
                start = at;
            }
            c => at += c.len_utf8(),
        }
    }
    let last = inside[start..].trim();
    if !last.is_empty() {
        values.push(last);
    }
    let shown = values[..values.len().min(SHOWN)].join(", ");
    out.push('[');
    out.push_str(&shown);
    if values.len() > SHOWN {
        write!(out, ", … and {} more", values.len() - SHOWN)
            .expect("writing to a String does not fail");
    }
    out.push(']');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_kept_and_lines_are_made() {
        let text = r#"{"a":{"b":[1,2,-3],"c":"x, {\"y\"]: é"},"d":[{"e":[]},{"e":["p,q"]}]}"#;
        let expected = "{\n  \"a\": {\n    \"b\": [1, 2, -3],\n    \"c\": \"x, {\\\"y\\\"]: é\"\n  },\n  \"d\": [\n    {\n      \"e\": []\n    },\n    {\n      \"e\": [\"p,q\"]\n    }\n  ]\n}";
        assert_eq!(json(text), expected);
        let again: serde_json::Value = serde_json::from_str(&json(text)).unwrap();
        assert_eq!(
            again,
            serde_json::from_str::<serde_json::Value>(text).unwrap()
        );
    }

    #[test]
    fn long_rows_are_cut() {
        let cells: Vec<String> = (0..100).map(|n| n.to_string()).collect();
        let shown = json(&format!("{{\"cells\":[{}]}}", cells.join(",")));
        assert!(shown.contains("22, 23, … and 76 more]"), "{shown}");
    }

    #[test]
    fn what_is_not_json_ends() {
        for odd in ["", "\"", "[", "{", "]}", "[\"", "{\"a\":[1,{", "\\"] {
            json(odd);
        }
    }
}
