//! Who collects which data item, and the files that the Skills Advisory Panel sent.

use jiff::Timestamp;
use ldsp_protocol::ids::{Digest, Period};
use sqlx::SqliteConnection;

use super::audit::append;
use super::history::Kind;
use super::kept::{Dependent, Kept, Stored, unless_taken};
use super::ledger::period;
use super::{Store, StoreError, moment};

macro_rules! choices {
    ($(#[$doc:meta])* $name:ident { $($choice:ident = $id:literal, $words:literal;)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub(crate) enum $name {
            $($choice),+
        }

        impl $name {
            pub(crate) const ALL: &'static [Self] = &[$(Self::$choice),+];

            /// The word in the database, in forms and for programs.
            pub(crate) fn id(self) -> &'static str {
                match self {
                    $(Self::$choice => $id),+
                }
            }

            /// For people.
            pub(crate) fn in_words(self) -> &'static str {
                match self {
                    $(Self::$choice => $words),+
                }
            }

            pub(crate) fn named(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|one| one.id() == word)
            }
        }
    };
}

choices! {
    /// Who it was agreed with that they collect it.
    Collector {
        Lep = "lep", "This LEP";
        Panel = "panel", "The Skills Advisory Panel";
        Dfe = "dfe", "The Department for Education";
        Other = "other", "Somebody else";
    }
}

choices! {
    /// How often.
    Frequency {
        Once = "once", "Once";
        Monthly = "monthly", "Every month";
        Quarterly = "quarterly", "Every quarter";
        Termly = "termly", "Every term";
        Yearly = "yearly", "Every year";
    }
}

impl Frequency {
    /// Months after which the next figures are due; `None`: there is no next time.
    pub(crate) fn months(self) -> Option<i32> {
        match self {
            Self::Once => None,
            Self::Monthly => Some(1),
            Self::Quarterly => Some(3),
            Self::Termly => Some(4),
            Self::Yearly => Some(12),
        }
    }
}

/// Who collects a data item from when until when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DataItem {
    /// The code that both sides know it by; several rows may have it.
    pub(crate) item: String,
    pub(crate) title: String,
    pub(crate) collector: Collector,
    pub(crate) frequency: Frequency,
    pub(crate) since: Period,
    /// Its last month.
    pub(crate) until: Option<Period>,
    /// The body or role that does it.
    pub(crate) body: String,
    pub(crate) note: String,
}

impl DataItem {
    /// Whether it holds in a month.
    pub(crate) fn holds(&self, month: Period) -> bool {
        self.since <= month && self.until.is_none_or(|until| month <= until)
    }
}

impl Kept for DataItem {
    const KIND: Kind = Kind::DataItem;
    const TABLE: &'static str = "data_items";
    const DEPENDENTS: &'static [Dependent] = &[
        // Of several agreements about an item the last one goes only with its files.
        Dependent::new(
            "file of the panel is kept under its code",
            "files of the panel are kept under its code",
            "SELECT count(*) FROM panel_files AS f JOIN data_items AS d ON d.item = f.item COLLATE NOCASE WHERE d.id = $1 \
             AND NOT EXISTS (SELECT 1 FROM data_items AS o WHERE o.item = d.item AND o.id != d.id)",
        ),
    ];

    async fn rows(
        connection: &mut SqliteConnection,
        id: Option<i64>,
    ) -> Result<Vec<Stored<Self>>, StoreError> {
        type Row = (
            i64,
            i64,
            String,
            String,
            String,
            String,
            i64,
            Option<i64>,
            String,
            String,
        );
        let rows: Vec<Row> = sqlx::query_as(
            "SELECT id, version, item, title, collector, frequency, since_month, until_month, body, note FROM data_items \
             WHERE $1 IS NULL OR id = $1 ORDER BY item COLLATE NOCASE, since_month DESC, id",
        )
        .bind(id)
        .fetch_all(connection)
        .await?;
        rows.into_iter()
            .map(
                |(id, version, item, title, collector, frequency, since, until, body, note)| {
                    let corrupt = |column| StoreError::Corrupt {
                        table: "data_items",
                        column,
                        row: id.to_string(),
                    };
                    let until = until.map(|until| period(until).ok_or("until_month"));
                    let it = Self {
                        item,
                        title,
                        collector: Collector::named(&collector)
                            .ok_or_else(|| corrupt("collector"))?,
                        frequency: Frequency::named(&frequency)
                            .ok_or_else(|| corrupt("frequency"))?,
                        since: period(since).ok_or_else(|| corrupt("since_month"))?,
                        until: until.transpose().map_err(corrupt)?,
                        body,
                        note,
                    };
                    Ok(Stored { id, version, it })
                },
            )
            .collect()
    }

    async fn put(
        &self,
        tx: &mut SqliteConnection,
        id: Option<i64>,
    ) -> Result<Option<i64>, StoreError> {
        let sql = match id {
            None => {
                "INSERT INTO data_items (item, title, collector, frequency, since_month, until_month, body, note) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING id"
            }
            Some(_) => {
                "UPDATE data_items SET item = $1, title = $2, collector = $3, frequency = $4, since_month = $5, until_month = $6, \
                 body = $7, note = $8, version = version + 1 WHERE id = $9 RETURNING id"
            }
        };
        let mut query = sqlx::query_scalar(sql)
            .bind(&self.item)
            .bind(&self.title)
            .bind(self.collector.id())
            .bind(self.frequency.id())
            .bind(i64::from(self.since.index()))
            .bind(self.until.map(|until| i64::from(until.index())))
            .bind(&self.body)
            .bind(&self.note);
        if let Some(id) = id {
            query = query.bind(id);
        }
        unless_taken(query.fetch_one(tx).await)
    }
}

/// A file of the panel without what it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PanelFile {
    pub(crate) id: i64,
    pub(crate) item: String,
    pub(crate) rows: u64,
    /// `time_period` and `time_identifier`, earliest first.
    pub(crate) periods: Vec<(String, String)>,
    pub(crate) who: String,
    pub(crate) at: Timestamp,
}

/// A file of the panel that is brought in.
#[derive(Debug)]
pub(crate) struct NewPanelFile<'a> {
    pub(crate) item: &'a str,
    pub(crate) data: &'a str,
    pub(crate) meta: &'a str,
    pub(crate) rows: usize,
    pub(crate) periods: &'a [(String, String)],
}

impl Store {
    /// Every file of the panel, the latest first.
    pub(crate) async fn panel_files(&self) -> Result<Vec<PanelFile>, StoreError> {
        type Row = (i64, String, i64, String, String, i64);
        let rows: Vec<Row> = sqlx::query_as(
            "SELECT id, item, rows, periods, who, at FROM panel_files ORDER BY id DESC",
        )
        .fetch_all(&self.reader)
        .await?;
        rows.into_iter()
            .map(|(id, item, rows, periods, who, at)| {
                Ok(PanelFile {
                    id,
                    item,
                    rows: u64::try_from(rows).unwrap_or(0),
                    periods: serde_json::from_str(&periods).map_err(|_| StoreError::Corrupt {
                        table: "panel_files",
                        column: "periods",
                        row: id.to_string(),
                    })?,
                    who,
                    at: moment(at, "panel_files", "at", id)?,
                })
            })
            .collect()
    }

    /// What a file of the panel holds: data and the file about its columns.
    pub(crate) async fn panel_file(&self, id: i64) -> Result<Option<(String, String)>, StoreError> {
        let sql = "SELECT data, meta FROM panel_files WHERE id = $1";
        let row = sqlx::query_as(sql).bind(id).fetch_optional(&self.reader);
        Ok(row.await?)
    }

    /// Keeps a file of the panel; `None`: the very same one is kept already.
    pub(crate) async fn keep_panel_file(
        &self,
        file: &NewPanelFile<'_>,
        who: &str,
        now: Timestamp,
    ) -> Result<Option<i64>, StoreError> {
        let mut tx = self.write().await?;
        let whole =
            serde_json::to_vec(&(file.item, file.data, file.meta)).expect("three texts are JSON");
        let periods = serde_json::to_string(file.periods).expect("pairs of texts are JSON");
        let digest = Digest::of(&whole);
        let query = sqlx::query_scalar(
            "INSERT INTO panel_files (item, data, meta, digest, rows, periods, who, at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING id",
        )
        .bind(file.item)
        .bind(file.data)
        .bind(file.meta)
        .bind(digest.as_bytes().as_slice())
        .bind(i64::try_from(file.rows).unwrap_or(i64::MAX))
        .bind(periods)
        .bind(who)
        .bind(now.as_second());
        let Some(id) = unless_taken(query.fetch_one(&mut *tx).await)? else {
            return Ok(None);
        };
        let what = format!("{}, {} rows, file {id}", file.item, file.rows);
        append(&mut tx, now, who, "panel file kept", &what).await?;
        tx.commit().await?;
        Ok(Some(id))
    }

    /// Removes a whole file of the panel; whether there was one.
    pub(crate) async fn remove_panel_file(
        &self,
        id: i64,
        who: &str,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut tx = self.write().await?;
        let gone: Option<String> =
            sqlx::query_scalar("DELETE FROM panel_files WHERE id = $1 RETURNING item")
                .bind(id)
                .fetch_optional(&mut *tx)
                .await?;
        let Some(item) = gone else {
            return Ok(false);
        };
        append(
            &mut tx,
            now,
            who,
            "panel file removed",
            &format!("{item}, file {id}"),
        )
        .await?;
        tx.commit().await?;
        Ok(true)
    }
}
