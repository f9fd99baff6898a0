//! Questionnaires: writing them, issuing them, and what comes back.

mod shown;

pub(super) use shown::asked;
