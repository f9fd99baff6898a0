//! What the node holds of a span of days, to stand beside what others published of the same.

use jiff::civil::Date;

use super::records::Exact;
use super::{Store, StoreError, day};

impl Store {
    /// Enrolments of people of the area that began from `first` to `last`, and those that were achieved in these days. `achieved` is that
    /// stage's position in the standard.
    ///
    /// # Errors
    /// The database cannot be read.
    pub(crate) async fn exact_between(
        &self,
        first: Date,
        last: Date,
        achieved: usize,
    ) -> Result<Exact<(u64, u64)>, StoreError> {
        let (began, done): (i64, i64) = sqlx::query_as(
            "SELECT coalesce(sum(start_day BETWEEN $1 AND $2), 0), \
             coalesce(sum(stage = $3 AND end_day BETWEEN $1 AND $2), 0) \
             FROM enrolments WHERE in_area = 1 AND removed_day IS NULL",
        )
        .bind(day(first))
        .bind(day(last))
        .bind(i64::try_from(achieved).unwrap_or(-1))
        .fetch_one(&self.reader)
        .await?;
        let count = |n: i64| u64::try_from(n).unwrap_or(0);
        Ok(Exact::new((count(began), count(done))))
    }
}
