//! The commands of [`Curation`](super::Curation) for either database.

/// The trait for a backend that has `begin` (a transaction that alone may write) and `reader` (a pool).
macro_rules! curation {
    ($store:ty) => {
        impl $crate::store::Curation for $store {
            async fn say(
                &self,
                leaf: u64,
                standing: Standing,
                words: &str,
                seen: u64,
                by: By<'_>,
            ) -> Outcome<Saying> {
                let mut tx = self.begin().await?;
                let there = query("SELECT 1 FROM practice WHERE leaf = $1")
                    .bind(signed(leaf))
                    .fetch_optional(&mut *tx)
                    .await?;
                if there.is_none() {
                    return Ok(Saying::Gone);
                }
                let (last, of_entry): (i64, i64) = query_as(
                    "SELECT coalesce(max(number), 0), coalesce(max(CASE WHEN leaf = $1 THEN number END), 0) FROM curation",
                )
                .bind(signed(leaf))
                .fetch_one(&mut *tx)
                .await?;
                if of_entry != signed(seen) {
                    return Ok(Saying::Moved);
                }
                let number = last + 1;
                query("INSERT INTO curation (number, leaf, at, who, standing, words) VALUES ($1, $2, $3, $4, $5, $6)")
                    .bind(number)
                    .bind(signed(leaf))
                    .bind(by.now.as_millisecond())
                    .bind(by.who)
                    .bind(standing.as_str())
                    .bind(words)
                    .execute(&mut *tx)
                    .await?;
                tx.commit().await?;
                Ok(Saying::Done(number.unsigned_abs()))
            }

            async fn said(&self, leaf: u64) -> Outcome<Option<Said>> {
                let row = query(concat!(said!(), " WHERE c.leaf = $1 ORDER BY c.number DESC LIMIT 1"))
                    .bind(signed(leaf))
                    .fetch_optional(&self.reader)
                    .await?;
                row.as_ref().map(rows::said).transpose()
            }

            async fn sayings(&self, span: Span, limit: u32) -> Outcome<Vec<Said>> {
                const NEWEST: &str = concat!(said!(), " WHERE c.number < $1 ORDER BY c.number DESC LIMIT $2");
                const NEXT: &str = concat!(said!(), " WHERE c.number > $1 ORDER BY c.number LIMIT $2");
                let (sql, from) = match span {
                    Span::Newest => (NEWEST, i64::MAX),
                    Span::Before(number) => (NEWEST, signed(number)),
                    Span::After(number) => (NEXT, signed(number)),
                };
                let found = query(sql)
                    .bind(from)
                    .bind(i64::from(limit))
                    .fetch_all(&self.reader)
                    .await?;
                let all = found.iter().map(rows::said).collect::<Result<Vec<_>, _>>()?;
                Ok(selects::newest_first(all, matches!(span, Span::After(_))))
            }

            async fn read_to(&self, name: &str) -> Outcome<Option<(u64, Timestamp)>> {
                let row = query("SELECT person, size, at FROM read_to WHERE person = $1")
                    .bind(name)
                    .fetch_optional(&self.reader)
                    .await?;
                row.as_ref().map(rows::read_to).transpose()
            }

            async fn note_read(&self, name: &str, size: u64, at: Timestamp) -> Outcome<()> {
                let mut tx = self.begin().await?;
                query(
                    "INSERT INTO read_to (person, size, at)
                     SELECT name, CAST($2 AS BIGINT), CAST($3 AS BIGINT) FROM person WHERE name = $1
                     ON CONFLICT (person) DO UPDATE SET size = excluded.size, at = excluded.at",
                )
                .bind(name)
                .bind(signed(size))
                .bind(at.as_millisecond())
                .execute(&mut *tx)
                .await?;
                Ok(tx.commit().await?)
            }
        }
    };
}
pub(in crate::store) use curation;
