//! What a page says of data standards where enrolments are counted under several.

use ldsp_protocol::ids::{Digest, Gss};
use ldsp_protocol::standard::Standard;
use ldsp_ui::Html;
use ldsp_ui::components::InsetText;

use super::words;
use crate::benchmark::{LepStanding, Snapshot, Status};

/// The names of standards: `ldsp-data-standard v2`.
pub(super) fn titles(standards: &[Digest]) -> String {
    let known = standards.iter().filter_map(|d| Standard::of(*d));
    words::and(&known.map(Standard::title).collect::<Vec<_>>())
}

/// Said while an area's enrolments are counted under two data standards.
pub(super) fn change(snapshot: &Snapshot, code: &Gss, s: &LepStanding) -> Html {
    let [.., before, now] = s.standards.as_slice() else {
        return Html::default();
    };
    let releases = snapshot.releases(code);
    let began = releases
        .iter()
        .find(|(_, standard, _)| standard.digest() == *now);
    let Some((began, ..)) = began else {
        return Html::default();
    };
    let (before, now) = (titles(&[*before]), titles(&[*now]));
    let month = began.in_words();
    let mut text = format!(
        "Two data standards. Enrolments that this area\u{2019}s node began to count before {month} stay under {before}; those since are \
         counted under {now}. Each enrolment is in one of the two, and the figures here add both up, with the noise of both in their \
         intervals."
    );
    if s.status == Status::Partial && !s.owes.is_empty() {
        let last = snapshot
            .range()
            .map_or_else(String::new, |r| r.to.in_words());
        text.push_str(&format!(
            " The summary of {last} under {} is still to come: until then figures of that month hold a part of the enrolments.",
            titles(&s.owes)
        ));
    }
    InsetText::new(text).into()
}
