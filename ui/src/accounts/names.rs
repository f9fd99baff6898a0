//! What people may be called.

/// Whether a person may be called this: 1 to 64 Latin letters, digits, and single spaces, hyphens, apostrophes or full stops
/// between them. Two names that look alike are then alike to the program too.
#[must_use]
pub fn is_name(name: &str) -> bool {
    let letter = |c: char| c.is_ascii_alphanumeric() || ('\u{c0}'..='\u{24f}').contains(&c);
    let between = |c: char| matches!(c, ' ' | '-' | '\'' | '.');
    let mut before = ' ';
    name.chars().count() <= 64
        && !name.is_empty()
        && !name.ends_with(' ')
        && name.chars().all(|c| {
            let fits = letter(c) || (between(c) && (letter(before) || (before == '.' && c == ' ')));
            before = c;
            fits
        })
}

/// Names under which the programs themselves act, and the address below /people that is no person's.
const TAKEN: [&str; 5] = ["schedule", "command line", "sign-in", "sample", "new"];

/// Whether a new person may be called this.
#[must_use]
pub fn is_free_name(name: &str) -> bool {
    is_name(name) && !TAKEN.contains(&name.to_lowercase().as_str())
}

/// Two spellings of a name are one person: "Ann" does not approve what "ann" prepared.
#[must_use]
pub fn same_person(one: &str, other: &str) -> bool {
    one.trim().to_lowercase() == other.trim().to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_only_look_alike_are_refused() {
        for good in ["Ama", "Zoë O'Neill", "J. P. Smith-Jones", "op2"] {
            assert!(is_free_name(good), "{good}");
        }
        // Cyrillic A, a combining accent, a thin space, two spaces, spaces at the ends.
        for bad in [
            "\u{410}ma",
            "Zoe\u{308}",
            "Ann\u{2009}Lee",
            "Ann  Lee",
            " Ann",
            "Ann ",
            "",
            "a\nb",
        ] {
            assert!(!is_name(bad), "{bad:?}");
        }
        assert!(is_name("New") && !is_free_name("New"));
        assert!(same_person("Ann Lee", "ann lee "));
    }
}
