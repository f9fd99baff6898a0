//! What a provider's people are told to do where the words for everybody lead to what only the LEP's people can do: commands, other pages.

use std::borrow::Cow;

/// The remedy of a problem in words for a provider; `None` where that for everybody does.
fn remedy(code: &str) -> Option<&'static str> {
    Some(match code {
        "same-or-new" => {
            "Say which it is: the page asks; a program sends doubtful=new or doubtful=corrected. Rows that name all enrolments of the learner with you need neither."
        }
        "correction-unclear" => {
            "Name all enrolments of the learner with you in one file; or send the rows that are new by themselves and say that they are new."
        }
        "programme-unknown" => {
            "Look up the code under Your organisation, or ask the coordinator of the area to add the programme."
        }
        "provider-unknown" => {
            "Leave the field empty, or write the name of your organisation as its page shows it."
        }
        "postcode-directory" => {
            "Leave the postcode out and give the district\u{2019}s code. The coordinator can have a postcode directory imported."
        }
        "postcode-unknown" => {
            "Correct it, or leave it out and give the district\u{2019}s code instead."
        }
        "postcode-district" => "Leave the postcode out and give the 2022 code in `district`.",
        "format-ilr" => {
            "Send it to the coordinator of the area, who imports ILRs; or upload a table with one row for each enrolment."
        }
        "kind-learners" => "Upload it as a file of learners.",
        "kind-programmes" | "kind-demand" => {
            "Upload a file of learners here, with one row for each enrolment. Send this one to the coordinator of the area."
        }
        "sheet-unclear" | "sheets-too-many" => {
            "Say which one holds the rows: the page asks; a program sends sheet=NAME."
        }
        _ => return None,
    })
}

/// Its cause; `None` where that for everybody does.
fn cause(code: &str) -> Option<&'static str> {
    // Whether another provider has one of this code is none of its business.
    (code == "programme-unknown")
        .then_some("No programme of this code is open to your organisation.")
}

/// Says a problem of this code in a provider's words.
pub(super) fn say(code: &str, (said, next): (&mut Cow<'static, str>, &mut Cow<'static, str>)) {
    if let Some(cause) = cause(code) {
        *said = cause.into();
    }
    if let Some(remedy) = remedy(code) {
        *next = remedy.into();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::import::faults::ALL;

    /// What a provider can hear of names no command and no page that is closed to it.
    #[test]
    fn a_provider_is_sent_to_no_command_and_no_closed_page() {
        for fault in ALL.iter().filter(|fault| !fault.code.starts_with("ilr-")) {
            let said = remedy(fault.code).unwrap_or(fault.remedy);
            for word in [
                "ldsp-node",
                "--",
                "`import",
                "page Import",
                "mappings",
                "IT team",
            ] {
                assert!(!said.contains(word), "{}: {said}", fault.code);
            }
        }
        for code in ["same-or-new", "programme-unknown", "sheet-unclear"] {
            assert!(ALL.iter().any(|fault| fault.code == code), "{code}");
        }
    }
}
