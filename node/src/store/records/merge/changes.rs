//! What changed of an enrolment, for its history: codes alone, no date, no text, no number of a learner.

use ldsp_protocol::standard::{Dimension, Standard};

use crate::store::history::Change;
use crate::store::records::Enrolment;

type Code = Option<u8>;

/// Codes by the columns of the learner file.
fn codes(e: &Enrolment) -> [(&'static str, Dimension, Code); 12] {
    use Dimension::{
        Age, Confidence, Destination, Disability, Ethnicity, Everyday, Mode, Prior, Sex, Skill,
    };
    let [three, six, twelve] = e.destinations;
    [
        ("skill", Skill, Some(e.skill)),
        ("mode", Mode, Some(e.mode)),
        ("age", Age, Some(e.age)),
        ("sex", Sex, Some(e.sex)),
        ("ethnicity", Ethnicity, Some(e.ethnicity)),
        ("disability", Disability, Some(e.disability)),
        ("prior_status", Prior, Some(e.prior)),
        ("destination_3m", Destination, three),
        ("destination_6m", Destination, six),
        ("destination_12m", Destination, twelve),
        ("confidence", Confidence, e.confidence),
        ("everyday", Everyday, e.everyday),
    ]
}

/// The differences between an enrolment as it was held and as it is, of row `row`.
pub(super) fn between(row: i64, before: &Enrolment, after: &Enrolment) -> Vec<Change> {
    let standard = Standard::current();
    let change = |field, before, after| Change {
        row,
        field,
        before,
        after,
    };
    let mut changes = Vec::new();
    for ((field, dimension, was), (.., is)) in codes(before).into_iter().zip(codes(after)) {
        if was != is {
            let codes = &standard.dimension(dimension).codes;
            let id = |code: Code| Some(codes.get(usize::from(code?))?.id.clone());
            changes.push(change(field, id(was), id(is)));
        }
    }
    // What was answered at the start goes at the follow-up: its history tells that there was an answer, and not which.
    let answers =
        |e: &Enrolment| [e.begun.confidence, e.begun.everyday].map(|answer| answer.is_some());
    let fields = ["confidence_before", "everyday_before"].into_iter();
    for (field, (was, is)) in fields.zip(answers(before).into_iter().zip(answers(after))) {
        let said = |answered: bool| answered.then(|| "answered".to_owned());
        if was != is {
            changes.push(change(field, said(was), said(is)));
        }
    }
    if before.stage != after.stage {
        let id = |at: u8| Some(standard.stages().get(usize::from(at))?.id.clone());
        changes.push(change("stage", id(before.stage), id(after.stage)));
    }
    if before.programme != after.programme {
        let id = |id: i64| Some(id.to_string());
        changes.push(change(
            "programme",
            id(before.programme),
            id(after.programme),
        ));
    }
    if before.district != after.district {
        let code = |code: &Option<std::sync::Arc<str>>| code.as_deref().map(str::to_owned);
        changes.push(change(
            "district",
            code(&before.district),
            code(&after.district),
        ));
    }
    changes
}
