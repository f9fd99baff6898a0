//! Forms and files, whole: what is said of them is a golden text.

use jiff::civil::date;
use ldsp_protocol::ids::Digest;
use ldsp_protocol::practice::{Area, Sharing};
use proptest::prelude::*;

use super::*;

fn figures() -> OwnFigures {
    let release = OwnRelease {
        period: "2022-03".parse().unwrap(),
        standard: ldsp_protocol::standard::Standard::current(),
        statement: Digest::of(b"a release"),
        pledges: Vec::new(),
    };
    OwnFigures::new("E37000001".parse().unwrap(), vec![release])
}

const TODAY: Date = date(2022, 8, 15);

fn check(text: &str) -> Result<PracticeEntry, Vec<FieldError>> {
    check_file(text, &figures(), TODAY)
}

/// As `practice check` prints them.
fn said(text: &str) -> String {
    let problems = check(text).unwrap_err();
    problems.iter().map(|p| format!("{p}\n")).collect()
}

pub(crate) fn filled() -> String {
    let mut text = TEMPLATE.to_owned();
    for (empty, full) in [
        ("title = \"\"", "title = \"Drop-in\""),
        (
            "what = \"\"\"\n\"\"\"",
            "what = \"\"\"\nWeekly sessions.\n\"\"\"",
        ),
        ("tier = \"\"", "tier = \"basic\""),
        ("skills = []", "skills = [\"foundation\"]"),
        ("audience = []", "audience = [\"older-people\"]"),
        ("mode = \"\"", "mode = \"online\""),
        ("cost = \"\"", "cost = \"1k-10k\""),
        ("verdict = \"\"", "verdict = \"worked\""),
        ("again = \"\"", "again = \"yes\""),
        ("repeat = \"\"\"\n\"\"\"", "repeat = \"Book a room.\""),
        ("contact_role = \"\"", "contact_role = \"Coordinator\""),
        ("# review = 2027-09-30", "review = 2023-06-01"),
        ("design = \"\"", "design = \"none\""),
        ("participants = \"\"", "participants = \"under-30\""),
        ("attrition = \"\"", "attrition = \"not-known\""),
        ("follow_up = \"\"", "follow_up = \"none\""),
        ("factor = \"\"", "factor = \"staff\""),
        ("direction = \"\"", "direction = \"worked-because\""),
        ("because = \"\"", "because = \"They stayed.\""),
    ] {
        assert!(text.contains(empty), "{empty}");
        text = text.replacen(empty, full, 1);
    }
    text
}

#[test]
fn a_form_that_is_filled_in_passes_and_becomes_the_same_form_again() {
    let text = filled()
        + "\n[[evidence]]\nrelease = \"2022-03\"\ntable = \"starts.audience-by-tier\"\ncodes = [\"older-people\", \"basic\"]\n";
    let entry = check(&text).unwrap();
    assert_eq!(entry.area, Area::Lep("E37000001".parse().unwrap()));
    assert_eq!(
        (entry.evidence[0].statement, entry.evidence[0].cell),
        (Digest::of(b"a release"), 12)
    );
    assert_eq!(
        read(&Form::from_entry(&entry), &figures(), TODAY),
        Ok(entry)
    );
}

#[test]
fn an_empty_form_names_every_field() {
    assert_eq!(
        said(TEMPLATE),
        "title: nothing is written here. Write at least a sentence\n\
         what: nothing is written here. Write at least a sentence\n\
         tier: nothing is chosen. Choose one of: basic, general, advanced, not-stated\n\
         skills: nothing is chosen. Choose one of: foundation, communicating, handling-information, transacting, problem-solving, safe-and-legal, workplace, software, data-and-ai, cyber-security, infrastructure-and-cloud, design, digital-marketing, not-stated\n\
         audience: nothing is chosen. Choose one of: people-in-work, out-of-work, young-people, older-people, small-businesses, charities, not-stated\n\
         mode: nothing is chosen. Choose one of: face-to-face, online, blended, not-stated\n\
         cost: nothing is chosen. Choose one of: under-1k, 1k-10k, 10k-50k, 50k-250k, over-250k, not-known\n\
         verdict: nothing is chosen. Choose one of: worked, mixed, failed, too-early\n\
         again: nothing is chosen. Choose one of: yes, yes-changed, no\n\
         repeat: nothing is written here. Write at least a sentence\n\
         design: nothing is chosen. Choose one of: none, before-after, comparison-group, matched, randomised\n\
         participants: nothing is chosen. Choose one of: under-30, 30-100, 101-500, over-500\n\
         attrition: nothing is chosen. Choose one of: low, medium, high, not-known\n\
         follow_up: nothing is chosen. Choose one of: none, 3-months, 6-months, 12-months\n\
         contact_role: nothing is written here. Write at least a sentence\n\
         review: no date is given. Give day, month and year, such as 27 3 2027\n"
    );
}

#[test]
fn personal_data_are_refused_with_the_place_and_never_quoted() {
    let text = filled()
        .replace(
            "Weekly sessions.",
            "Ask Jo on 0121 496 0000 or jo@example.org.",
        )
        .replace("They stayed.", "Learner 9000000017 stayed.");
    assert_eq!(
        said(&text),
        "what: characters 11 to 23 look like a telephone number. Take it out: an entry names roles and places, never a person\n\
         what: characters 28 to 41 look like an e-mail address. Take it out: an entry names roles and places, never a person\n\
         causes[0].because: characters 9 to 18 look like a unique learner number (ten digits). Take it out: an entry names roles and places, never a person\n"
    );
}

#[test]
fn what_a_file_gets_wrong_is_said_without_its_text() {
    assert_eq!(
        said("title = \"jo@example.org\"\nwhat = \"unfinished\ntier = 3\n"),
        "file: line 2 is not TOML. Check quotation marks, brackets and commas there; `ldsp-node practice new` writes a correct form\n"
    );
    let text = filled()
        .replace(
            "tier = \"basic\"",
            "tier = 3\n\"jo@example.org\" = 1\ncolour = \"red\"",
        )
        .replace("mode = \"online\"", "mode = \"by-post\"")
        .replace(
            "sharing = \"public\"",
            "sharing = \"peers\"\nuntil = 2022-08-15",
        )
        + "\n[[evidence]]\nrelease = \"2021-01\"\ntable = \"starts.pledge\"\ncodes = [\"none\"]\n[[evidence]]\nrelease = \"2022-03\"\ntable = \"starts.pledge\"\ncodes = [\"17\"]\n";
    assert_eq!(
        said(&text),
        "tier: text is expected here. Put it in quotation marks\n\
         mode: this is not one of the choices. Choose one of: face-to-face, online, blended, not-stated\n\
         evidence[0]: this node has no approved release of that month. Use one of: 2022-03\n\
         evidence[1]: a code is not in the list of Pledge. Use one of: none\n\
         until: the date is not in the future. Give a later date, or share with everybody\n\
         colour: a key is not one of the form. Take it out, or compare with the form that `ldsp-node practice new` writes\n\
         file: a key is not one of the form. Take it out, or compare with the form that `ldsp-node practice new` writes\n"
    );
}

#[test]
fn rows_keep_their_place_when_blank_ones_stand_between() {
    let pairs = [
        ("causes-0-because", ""),
        ("causes-2-because", "Call 0121 496 0000"),
        ("tools-1-link", "http://x"),
    ];
    let pairs: Vec<_> = pairs.map(|(n, v)| (n.to_owned(), v.to_owned())).to_vec();
    let problems = read(&Form::from_pairs(&pairs), &figures(), TODAY).unwrap_err();
    let fields: Vec<&str> = problems.iter().map(|p| p.field.as_str()).collect();
    for field in [
        "causes[2].factor",
        "causes[2].direction",
        "causes[2].because",
        "tools[1].link",
        "tools[1].title",
    ] {
        assert!(fields.contains(&field), "{field}: {fields:?}");
    }
    assert!(!fields.iter().any(|f| f.contains("[0]")), "{fields:?}");
}

#[test]
fn an_area_may_stay_unnamed_and_peers_may_come_first() {
    let text = filled()
        .replace("area = \"own\"", "area = \"like\"")
        .replace("setting = \"\"", "setting = \"coastal\"")
        .replace("size = \"\"", "size = \"small\"")
        .replace(
            "sharing = \"public\"",
            "sharing = \"peers\"\nuntil = 2022-12-31",
        );
    let entry = check(&text).unwrap();
    assert_eq!(entry.sharing, Sharing::PeersUntil(date(2022, 12, 31)));
    assert!(!serde_json::to_string(&entry).unwrap().contains("E37000001"));
}

proptest! {
    #[test]
    fn whatever_is_sent_is_read_without_a_panic(pairs in prop::collection::vec(("[a-z_]{1,9}(-[0-9]{1,20}-[a-z]{1,9})?", ".{0,30}"), 0..20)) {
        let outcome = read(&Form::from_pairs(&pairs), &figures(), TODAY);
        prop_assert!(outcome.is_err());
    }

    #[test]
    fn whatever_stands_in_a_file_is_never_quoted(text in "canary[a-z =\"\\[\\]\n0-9]{0,60}") {
        for problem in check(&text).unwrap_err() {
            prop_assert!(!problem.cause.contains("canary") && !problem.remedy.contains("canary"), "{problem}");
        }
    }
}
