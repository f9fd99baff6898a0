//! Demand: what people, employers, charities and public bodies say that they need. A row counts people who were asked and is of no learner.

use jiff::Timestamp;
use jiff::civil::Date;
use ldsp_protocol::ids::{Gss, Period};
use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, SqliteConnection};

use super::history::Kind;
use super::imports::ImportKind;
use super::kept::{Dependent, Kept, Stored, unless_taken};
use super::ledger::period;
use super::{Store, StoreError, date, day, moment};

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($variant:ident = $id:literal $words:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[expect(missing_docs, reason = "the words say it")]
        pub enum $name { $($variant),+ }

        impl $name {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word in the database, in files and forms and for programs.
            #[must_use]
            pub fn id(self) -> &'static str {
                match self { $(Self::$variant => $id),+ }
            }

            /// For people.
            #[must_use]
            pub fn in_words(self) -> &'static str {
                match self { $(Self::$variant => $words),+ }
            }

            /// What this word, or what people read for it, stands for; capitals, spaces and hyphens do not matter.
            #[must_use]
            pub fn named(word: &str) -> Option<Self> {
                let wanted = plain(word);
                Self::ALL.iter().copied().find(|it| it.id() == wanted || plain(it.in_words()) == wanted)
            }
        }
    };
}

fn plain(word: &str) -> String {
    word.trim().to_lowercase().replace([' ', '_'], "-")
}

words! {
    /// Who asks.
    Asks {
        Individual = "individual" "People themselves",
        Employer = "employer" "Business or other employer",
        Charity = "charity" "Charity or community group",
        PublicBody = "public-body" "Public body",
    }
}

words! {
    /// What a number is a number of.
    Counts {
        People = "people" "People",
        Employers = "employers" "Employers",
        Vacancies = "vacancies" "Vacancies",
    }
}

words! {
    /// How it was learnt.
    How {
        Survey = "survey" "Survey",
        Vacancies = "vacancies" "Vacancies",
        Panel = "panel" "Panel or board",
        Workshop = "workshop" "Workshop",
        Application = "application" "Applications",
    }
}

words! {
    /// How sure it is.
    Sure {
        Counted = "counted" "Counted",
        Estimated = "estimated" "Estimated",
        Guessed = "guessed" "Guessed",
    }
}

/// A need that somebody stated. Codes are positions in the standard's lists.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the schema says it: see `demand`")]
pub struct Demand {
    pub code: String,
    pub asks: Asks,
    pub organisation: Option<i64>,
    pub tier: u8,
    pub skill: u8,
    pub audience: u8,
    pub district: Option<Gss>,
    pub number: Option<i64>,
    pub counts: Counts,
    pub from: Period,
    pub until: Option<Period>,
    pub how: How,
    pub sure: Sure,
    pub said_by: String,
    pub holds_until: Option<Date>,
    pub note: String,
    /// What the largest and the second largest of several organisations have in `number`.
    pub largest: Option<(i64, i64)>,
    pub import: Option<i64>,
}

impl Demand {
    /// Whether it is taken for true on a day.
    #[must_use]
    pub fn holds(&self, today: Date) -> bool {
        self.holds_until.is_none_or(|until| until >= today)
    }
}

fn read(row: &SqliteRow) -> Result<Stored<Demand>, StoreError> {
    let id: i64 = row.try_get("id")?;
    let corrupt = |column| StoreError::Corrupt {
        table: "demand",
        column,
        row: id.to_string(),
    };
    let word = |column: &'static str| row.try_get::<String, _>(column);
    let month = |column: &'static str| -> Result<Option<Period>, StoreError> {
        let index: Option<i64> = row.try_get(column)?;
        index
            .map(|index| period(index).ok_or_else(|| corrupt(column)))
            .transpose()
    };
    let district: Option<String> = row.try_get("district")?;
    let district = district.map(|code| code.parse().map_err(|_| corrupt("district")));
    let (largest, second): (Option<i64>, Option<i64>) =
        (row.try_get("largest")?, row.try_get("second")?);
    let it = Demand {
        code: word("code")?,
        asks: Asks::named(&word("asks")?).ok_or_else(|| corrupt("asks"))?,
        organisation: row.try_get("organisation")?,
        tier: row.try_get("tier")?,
        skill: row.try_get("skill")?,
        audience: row.try_get("audience")?,
        district: district.transpose()?,
        number: row.try_get("number")?,
        counts: Counts::named(&word("counts")?).ok_or_else(|| corrupt("counts"))?,
        from: month("from_month")?.ok_or_else(|| corrupt("from_month"))?,
        until: month("until_month")?,
        how: How::named(&word("how")?).ok_or_else(|| corrupt("how"))?,
        sure: Sure::named(&word("sure")?).ok_or_else(|| corrupt("sure"))?,
        said_by: word("said_by")?,
        holds_until: row.try_get::<Option<i64>, _>("holds_until")?.and_then(date),
        note: word("note")?,
        largest: largest.zip(second),
        import: row.try_get("import")?,
    };
    let version = row.try_get("version")?;
    Ok(Stored { id, version, it })
}

impl Kept for Demand {
    const KIND: Kind = Kind::Demand;
    const TABLE: &'static str = "demand";
    const DEPENDENTS: &'static [Dependent] = &[];

    async fn rows(
        connection: &mut SqliteConnection,
        id: Option<i64>,
    ) -> Result<Vec<Stored<Self>>, StoreError> {
        let rows = sqlx::query("SELECT * FROM demand WHERE $1 IS NULL OR id = $1 ORDER BY id DESC")
            .bind(id)
            .fetch_all(connection)
            .await?;
        rows.iter().map(read).collect()
    }

    async fn put(
        &self,
        tx: &mut SqliteConnection,
        id: Option<i64>,
    ) -> Result<Option<i64>, StoreError> {
        let sql = match id {
            None => {
                "INSERT INTO demand (code, asks, organisation, tier, skill, audience, district, number, counts, from_month, until_month, how, \
                 sure, said_by, holds_until, note, largest, second, import) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19) RETURNING id"
            }
            Some(_) => {
                "UPDATE demand SET code = $1, asks = $2, organisation = $3, tier = $4, skill = $5, audience = $6, district = $7, number = $8, \
                 counts = $9, from_month = $10, until_month = $11, how = $12, sure = $13, said_by = $14, holds_until = $15, note = $16, \
                 largest = $17, second = $18, import = $19, version = version + 1 WHERE id = $20 RETURNING id"
            }
        };
        let mut query = sqlx::query_scalar(sql)
            .bind(&self.code)
            .bind(self.asks.id())
            .bind(self.organisation)
            .bind(self.tier)
            .bind(self.skill)
            .bind(self.audience)
            .bind(self.district.as_ref().map(Gss::as_str))
            .bind(self.number)
            .bind(self.counts.id())
            .bind(i64::from(self.from.index()))
            .bind(self.until.map(|until| i64::from(until.index())))
            .bind(self.how.id())
            .bind(self.sure.id())
            .bind(&self.said_by)
            .bind(self.holds_until.map(day))
            .bind(&self.note)
            .bind(self.largest.map(|(largest, _)| largest))
            .bind(self.largest.map(|(_, second)| second))
            .bind(self.import);
        if let Some(id) = id {
            query = query.bind(id);
        }
        unless_taken(query.fetch_one(tx).await)
    }
}

/// A reference that no row has: `D` and the number that the next row gets, unless somebody gave it to another one.
pub(crate) async fn free_code(tx: &mut SqliteConnection) -> Result<String, StoreError> {
    let last: Option<i64> =
        sqlx::query_scalar("SELECT seq FROM sqlite_sequence WHERE name = 'demand'")
            .fetch_optional(&mut *tx)
            .await?;
    let next = last.unwrap_or(0) + 1;
    let mut code = format!("D{next}");
    for other in 1.. {
        let taken: Option<i64> = sqlx::query_scalar("SELECT 1 FROM demand WHERE code = $1")
            .bind(&code)
            .fetch_optional(&mut *tx)
            .await?;
        if taken.is_none() {
            break;
        }
        code = format!("D{next}-{other}");
    }
    Ok(code)
}

/// A file of which rows are held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Brought {
    /// Number of the import.
    pub import: i64,
    /// What the file held.
    pub kind: ImportKind,
    /// When it was imported.
    pub at: Timestamp,
    /// Rows of it that are held.
    pub rows: i64,
    /// Those among them that somebody changed since.
    pub changed: i64,
}

impl Store {
    /// The files of which demand is held, newest first.
    ///
    /// # Errors
    /// The database cannot be read, or a row is damaged.
    pub async fn demand_imports(&self) -> Result<Vec<Brought>, StoreError> {
        let rows: Vec<(i64, String, i64, i64, i64)> = sqlx::query_as(
            "SELECT i.id, i.kind, i.at, count(*), sum(d.version > 1) FROM demand AS d JOIN imports AS i ON i.id = d.import \
             GROUP BY i.id ORDER BY i.id DESC",
        )
        .fetch_all(&self.reader)
        .await?;
        rows.into_iter()
            .map(|(import, kind, at, rows, changed)| {
                let corrupt = || StoreError::Corrupt {
                    table: "imports",
                    column: "kind",
                    row: import.to_string(),
                };
                Ok(Brought {
                    import,
                    kind: ImportKind::named(&kind).ok_or_else(corrupt)?,
                    at: moment(at, "imports", "at", import)?,
                    rows,
                    changed,
                })
            })
            .collect()
    }
}
