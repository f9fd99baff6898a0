//! Words of an editable table, found in texts of vacancies. What is found is a stretch of the text itself; nothing is inferred from anything else.
//!
//! A word of the table is found where the same words stand one after the other, whatever their capitals and what stands between them but letters and digits,
//! and where the last of them is a plural or a singular of the table's. Of two that share a word the one that begins first is taken, of those the longer one.

/// A word, or several, of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    /// As people wrote it.
    pub(crate) term: String,
    /// Position in the standard's tiers.
    pub(crate) tier: u8,
    /// Position in its skills.
    pub(crate) skill: u8,
    /// How sure one may be, by this word alone, that the skill is meant: 1 to 100 %.
    pub(crate) weight: u8,
}

/// A word of the table in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Match {
    /// Position in the table.
    pub(crate) entry: usize,
    /// Where it stands: from this byte of the text up to that one.
    pub(crate) span: (usize, usize),
    /// The word's tier.
    pub(crate) tier: u8,
    /// The word's skill.
    pub(crate) skill: u8,
    /// Its weight, in percent.
    pub(crate) confidence: u8,
}

/// A word of a text with its place.
struct Word {
    from: usize,
    to: usize,
    folded: String,
}

/// Letters and digits, also with + and # behind them (C++, C#), also with a full stop before them where a space stands before that (.NET).
fn words(text: &str) -> Vec<Word> {
    let mut words: Vec<Word> = Vec::new();
    let mut open: Option<usize> = None;
    let mut before = ' ';
    let mut letters = text.char_indices().peekable();
    while let Some((at, c)) = letters.next() {
        let next = letters.peek().map(|(_, c)| *c);
        let begins = c == '.' && before.is_whitespace() && next.is_some_and(char::is_alphabetic);
        let goes_on = c.is_alphanumeric() || open.is_some() && (c == '+' || c == '#');
        match open {
            None if c.is_alphanumeric() || begins => open = Some(at),
            Some(from) if !goes_on => {
                words.push(word(text, from, at));
                open = None;
            }
            _ => {}
        }
        before = c;
    }
    if let Some(from) = open {
        words.push(word(text, from, text.len()));
    }
    words
}

fn word(text: &str, from: usize, to: usize) -> Word {
    Word {
        from,
        to,
        folded: text[from..to].to_lowercase(),
    }
}

/// Shortest word that has a plural: IT is not its, nor R rs.
const PLURAL: usize = 3;

/// Whether one is the plural of the other in one of the three regular ways, or the same.
fn same(one: &str, other: &str) -> bool {
    let is_plural = |of: &str, word: &str| {
        let ies = of
            .strip_suffix('y')
            .is_some_and(|stem| word.strip_suffix("ies") == Some(stem));
        let rest = word.strip_prefix(of);
        of.chars().count() >= PLURAL && (ies || rest == Some("s") || rest == Some("es"))
    };
    one == other || is_plural(one, other) || is_plural(other, one)
}

/// Finds the words of `table` in `text`, in the order of the text. Matches share no letter.
pub(crate) fn extract(text: &str, table: &[Entry]) -> Vec<Match> {
    let words = words(text);
    let sought: Vec<Vec<String>> = table
        .iter()
        .map(|entry| {
            self::words(&entry.term)
                .into_iter()
                .map(|word| word.folded)
                .collect()
        })
        .collect();
    let stands = |at: usize, term: &[String]| {
        let Some((last, first)) = term.split_last() else {
            return false;
        };
        let Some(here) = words.get(at..at + term.len()) else {
            return false;
        };
        let as_they_are = first
            .iter()
            .zip(here)
            .all(|(one, other)| *one == other.folded);
        as_they_are && same(last, &here[term.len() - 1].folded)
    };
    let mut found = Vec::new();
    let mut at = 0;
    while at < words.len() {
        let here = sought
            .iter()
            .enumerate()
            .filter(|(_, term)| stands(at, term));
        // Of the longest the first of the table.
        let best = here.max_by_key(|(place, term)| (term.len(), std::cmp::Reverse(*place)));
        let Some((place, term)) = best else {
            at += 1;
            continue;
        };
        let entry = &table[place];
        found.push(Match {
            entry: place,
            span: (words[at].from, words[at + term.len() - 1].to),
            tier: entry.tier,
            skill: entry.skill,
            confidence: entry.weight,
        });
        at += term.len();
    }
    found
}

/// How sure one may be when several different words point at a skill: as sure as that not all of them mislead, were they independent. Percent.
pub(crate) fn together(confidences: impl IntoIterator<Item = u8>) -> u8 {
    let mislead = confidences.into_iter().fold(1.0, |left, percent| {
        left * (1.0 - f64::from(percent.min(100)) / 100.0)
    });
    let sure = (100.0 * (1.0 - mislead)).round();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it lies between 0 and 100"
    )]
    let sure = sure as u8;
    sure
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn entry(term: &str, skill: u8) -> Entry {
        Entry {
            term: term.to_owned(),
            tier: 2,
            skill,
            weight: 60,
        }
    }

    fn table() -> Vec<Entry> {
        let terms = [
            "data",
            "data analyst",
            "C++",
            "C#",
            ".NET",
            "R",
            "IT support",
            "cyber security",
            "spreadsheet",
            "library",
            "caf\u{e9} till",
        ];
        (0..).zip(terms).map(|(at, term)| entry(term, at)).collect()
    }

    fn found(text: &str) -> Vec<(String, String)> {
        let table = table();
        let all = extract(text, &table).into_iter();
        all.map(|m| {
            (
                table[m.entry].term.clone(),
                text[m.span.0..m.span.1].to_owned(),
            )
        })
        .collect()
    }

    #[test]
    fn words_are_found_whole_whatever_their_capitals_and_plurals() {
        let pair = |term: &str, words: &str| (term.to_owned(), words.to_owned());
        assert_eq!(
            found("Data Analysts wanted; some DATA."),
            [pair("data analyst", "Data Analysts"), pair("data", "DATA")]
        );
        assert_eq!(
            found("c++, C# and .net (not net)"),
            [pair("C++", "c++"), pair("C#", "C#"), pair(".NET", ".net")]
        );
        assert_eq!(
            found("spreadsheets, libraries"),
            [
                pair("spreadsheet", "spreadsheets"),
                pair("library", "libraries")
            ]
        );
        assert_eq!(
            found("Cyber-security / cyber\nsecurity"),
            [
                pair("cyber security", "Cyber-security"),
                pair("cyber security", "cyber\nsecurity")
            ]
        );
        assert_eq!(
            found("CAF\u{c9} TILLS"),
            [pair("caf\u{e9} till", "CAF\u{c9} TILLS")]
        );
        for none in [
            "database",
            "predata",
            "its support",
            "Rs 100",
            "cybersecurity",
            "spreadsheeting",
            "",
            "data_analyst2",
            "C",
            "++",
        ] {
            assert!(
                found(none).iter().all(|(term, _)| term == "data"),
                "{none}: {:?}",
                found(none)
            );
        }
        assert_eq!(found("database"), []);
        assert_eq!(found("data_analyst2"), [pair("data", "data")]);
    }

    #[test]
    fn several_words_make_surer_than_one_and_never_certain() {
        assert_eq!(together([]), 0);
        assert_eq!(together([60]), 60);
        assert_eq!(together([60, 50]), 80);
        assert_eq!(together([100, 1]), 100);
    }

    /// Texts of words of the table and others, with what may stand between words.
    fn text() -> impl Strategy<Value = String> {
        let word = prop_oneof![
            Just("data".to_owned()),
            Just("Analyst".to_owned()),
            Just("analysts".to_owned()),
            Just("C++".to_owned()),
            Just(".NET".to_owned()),
            Just("IT".to_owned()),
            Just("support".to_owned()),
            Just("\u{df}".to_owned()),
            Just("\u{130}".to_owned()),
            "[a-zA-Z0-9#+.]{1,6}",
            "\\PC{0,3}",
        ];
        let between = prop_oneof![
            Just(" "),
            Just(", "),
            Just("\n"),
            Just("-"),
            Just("/"),
            Just(". ")
        ];
        proptest::collection::vec((word, between), 0..20).prop_map(|parts| {
            parts
                .into_iter()
                .map(|(word, between)| word + between)
                .collect()
        })
    }

    proptest! {
        /// What is found stands there: the words of the span are the term's, but for a plural of the last.
        #[test]
        fn nothing_is_invented(text in text()) {
            let table = table();
            let mut last = 0;
            for m in extract(&text, &table) {
                prop_assert!(m.span.0 >= last && m.span.1 > m.span.0 && m.span.1 <= text.len());
                last = m.span.1;
                let stands: Vec<String> = words(&text[m.span.0..m.span.1]).into_iter().map(|w| w.folded).collect();
                // A full stop before a word counts only after a space, which the span has not.
                let term: Vec<String> = words(&table[m.entry].term).into_iter().map(|w| w.folded).collect();
                prop_assert_eq!(stands.len(), term.len());
                let (word, sought) = (stands.last().unwrap(), term.last().unwrap());
                prop_assert!(same(word, sought), "{} {}", word, sought);
                prop_assert_eq!(&stands[..stands.len() - 1], &term[..term.len() - 1]);
                let before = text[..m.span.0].chars().next_back();
                let after = text[m.span.1..].chars().next();
                prop_assert!(!before.is_some_and(char::is_alphanumeric) && !after.is_some_and(char::is_alphanumeric));
                let entry = &table[m.entry];
                prop_assert_eq!((m.tier, m.skill, m.confidence), (entry.tier, entry.skill, entry.weight));
            }
        }

        #[test]
        fn the_same_is_found_every_time_and_what_follows_changes_nothing_before_it(text in text(), more in text()) {
            let table = table();
            let found = extract(&text, &table);
            prop_assert_eq!(&found, &extract(&text, &table));
            let both = format!("{text} | {more}");
            let again = extract(&both, &table);
            // A term may go on over what stands between: only the last match may grow.
            let sure = found.len().saturating_sub(1);
            prop_assert_eq!(&found[..sure], &again[..sure]);
        }

        #[test]
        fn an_empty_table_finds_nothing_and_a_larger_one_covers_no_less(text in text()) {
            prop_assert!(extract(&text, &[]).is_empty());
            let table = table();
            let one = extract(&text, &table[..1]).len();
            let covered = extract(&text, &table[..2]).len();
            // "data analyst" takes the place of "data", never more.
            prop_assert_eq!(one, covered);
        }
    }
}
