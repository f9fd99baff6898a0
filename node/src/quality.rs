//! How good the records are: rules with a severity, what is recorded and how fresh it is, for each provider; and questions to providers.
//!
//! A row that contradicts itself does not come in: `import` refuses it. What is here judges rows that came in: what should have
//! followed and did not, what is unlikely, what is left out. Every figure is an exact count, for the LEP's own people alone; nothing here
//! names a learner, and nothing here is published or stands in the way of a release. People judge; a release keeps the verdict that it
//! was prepared with.

mod judge;
mod questions;
mod rules;
#[cfg(test)]
mod tests;

use jiff::Timestamp;
use ldsp_protocol::ids::Period;
use sqlx::SqliteConnection;

use crate::schedule::london;
use crate::store::quality as stored;
use crate::store::{Store, StoreError, day};

pub use judge::{
    Completeness, Finding, Judged, Measured, OfProgramme, Standing, Total, Verdict, judge, verdict,
};
pub(crate) use questions::LONGEST;
pub use questions::{QuestionError, answer, ask};
pub use rules::{Acts, CATALOGUE, ChangeError, Rule, Set, Settings, Severity, Unit, change};

/// Months that the last one is compared with.
const BEFORE: i32 = 6;

/// Judges what the store holds, as of `now`: each provider's records, in the order of their names.
///
/// # Errors
/// The database cannot be read.
pub async fn look(store: &Store, now: Timestamp) -> Result<Vec<Judged>, StoreError> {
    let count = async { look_in(&mut *store.reader.begin().await?, now).await };
    let today = day(now.to_zoned(london()).date());
    store.counts.get(|all| &all.judged, today, count).await
}

/// Which of a provider's enrolments a rule is about at `now`, as SQL over a row `e`; `None` for a rule that there is not or that is off.
///
/// # Errors
/// The database cannot be read.
pub(crate) async fn rows_of(
    store: &Store,
    rule: &str,
    now: Timestamp,
) -> Result<Option<String>, StoreError> {
    let (today, months) = days(now);
    let mut reader = store.reader.acquire().await?;
    let settings = stored::settings(&mut reader).await?;
    let set = Rule::of(rule).filter(|rule| settings.of(rule).severity != Severity::Off);
    Ok(set.and_then(|rule| stored::rows_of(rule.code, &settings, today, months)))
}

/// Today and the months that [`stored::measure`] counts by, in days since 1970-01-01.
fn days(now: Timestamp) -> (i64, [i64; 3]) {
    let today = now.to_zoned(london()).date();
    let first = |ago: i32| Period::of(today).and_then(|month| month.plus(-ago));
    // Before the year 2000 there is no month, and no enrolment.
    let months = [1 + BEFORE, 1, 0].map(|ago| first(ago).map_or(0, |month| day(month.first_day())));
    (day(today), months)
}

/// [`look`] within the caller's transaction.
pub(crate) async fn look_in(
    connection: &mut SqliteConnection,
    now: Timestamp,
) -> Result<Vec<Judged>, StoreError> {
    let (today, months) = days(now);
    let settings = stored::settings(&mut *connection).await?;
    let measured = stored::measure(connection, &settings, today, months).await?;
    Ok(judge(&measured, &settings, today))
}
