//! The commands of [`Drafts`](super::Drafts) for either database.

/// The trait for a backend that has `begin` (a transaction that alone may write) and `reader` (a pool).
macro_rules! drafts {
    ($store:ty) => {
        impl $crate::store::Drafts for $store {
            async fn drafts(&self) -> Outcome<Vec<DraftRow>> {
                let found = query("SELECT name, edition, draft, changed, changed_by FROM questionnaire_draft ORDER BY name")
                    .fetch_all(&self.reader)
                    .await?;
                found.iter().map(rows::draft).collect()
            }

            async fn draft(&self, name: &QuestionId) -> Outcome<Option<DraftRow>> {
                let row = query("SELECT name, edition, draft, changed, changed_by FROM questionnaire_draft WHERE name = $1")
                    .bind(name.as_str())
                    .fetch_optional(&self.reader)
                    .await?;
                row.as_ref().map(rows::draft).transpose()
            }

            async fn keep_draft(&self, draft: &Draft, seen: u64, by: By<'_>) -> Outcome<Keeping> {
                // An edition begins at the moment, so that no edition of an earlier draft of the name comes again.
                const BEGIN: &str = "INSERT INTO questionnaire_draft (name, edition, draft, changed, changed_by)
                     VALUES ($1, $3, $2, $3, $4) ON CONFLICT (name) DO NOTHING";
                const CHANGE: &str = "UPDATE questionnaire_draft SET edition = edition + 1, draft = $2, changed = $3, changed_by = $4
                     WHERE name = $1 AND edition = $5";
                let now = by.now.as_millisecond();
                let mut tx = self.begin().await?;
                let begins = seen == 0;
                let mut command = query(if begins { BEGIN } else { CHANGE })
                    .bind(draft.name.as_str())
                    .bind(serde_json::to_string(draft).expect("a draft has no keys but texts"))
                    .bind(now)
                    .bind(by.who);
                if !begins {
                    command = command.bind(signed(seen));
                }
                let kept = command.execute(&mut *tx).await?.rows_affected();
                tx.commit().await?;
                Ok(match kept {
                    1 if begins => Keeping::Done(now.unsigned_abs()),
                    1 => Keeping::Done(seen + 1),
                    _ => Keeping::Moved,
                })
            }

            async fn drop_draft(&self, name: &QuestionId, seen: u64) -> Outcome<Keeping> {
                let mut tx = self.begin().await?;
                let dropped = query("DELETE FROM questionnaire_draft WHERE name = $1 AND edition = $2")
                    .bind(name.as_str())
                    .bind(signed(seen))
                    .execute(&mut *tx)
                    .await?;
                tx.commit().await?;
                Ok(match dropped.rows_affected() {
                    1 => Keeping::Done(0),
                    _ => Keeping::Moved,
                })
            }
        }
    };
}
pub(in crate::store) use drafts;
