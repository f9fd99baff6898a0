//! What the sample describes beside learners: organisations, cohorts, what was spent, what is asked for, where people learn, a question.

use jiff::civil::Date;
use jiff::{Timestamp, ToSpan as _};

use super::{COLLEGE, LIBRARY, SampleError, TRAINER, WHO};
use crate::model::{self, Model, Trouble};
use crate::quality::{self, QuestionError};
use crate::store::Store;
use crate::store::cohorts::Cohort;
use crate::store::demand::Demand;
use crate::store::history::Kind;
use crate::store::organisations::Organisation;
use crate::store::services::Service;
use crate::store::spend::Spend;

const BAKERY: &str = "Sample Bakery (made up)";
const CHARITY: &str = "Sample Charity (made up)";

/// Adds one from its columns by name; gives its number, or nothing where there is one of this name already.
async fn add<M: Model>(
    store: &Store,
    pairs: &[(&str, &str)],
    now: Timestamp,
) -> Result<Option<i64>, SampleError> {
    let pairs = pairs
        .iter()
        .map(|(column, text)| ((*column).to_owned(), (*text).to_owned()));
    let texts = model::texts::<M>(model::blank::<M>(), pairs).map_err(SampleError::Unfit)?;
    match model::add::<M>(store, &texts, WHO, now).await {
        Ok(added) => Ok(Some(added.id)),
        Err(Trouble::Store(error)) => Err(error.into()),
        Err(Trouble::Fields(problems)) if problems.iter().all(|p| p.code == "taken") => Ok(None),
        Err(Trouble::Fields(problems)) => {
            let said: Vec<String> = problems.iter().map(ToString::to_string).collect();
            Err(SampleError::Unfit(said.join(" ")))
        }
        Err(Trouble::Missing | Trouble::Changed(_)) => {
            Err(SampleError::Unfit("a new row was changed".to_owned()))
        }
    }
}

/// Writes down that a row is the sample's.
async fn note(store: &Store, kind: Kind, row: Option<i64>) -> Result<(), SampleError> {
    let Some(row) = row else { return Ok(()) };
    let mut tx = store.write().await?;
    sqlx::query("INSERT INTO sample_kept (kind, row) VALUES ($1, $2)")
        .bind(kind.as_str())
        .bind(row)
        .execute(&mut *tx)
        .await?;
    Ok(tx.commit().await?)
}

/// Organisations, demand, services, spend and a question.
pub(super) async fn all(store: &Store, today: Date, now: Timestamp) -> Result<(), SampleError> {
    for (name, kind) in [
        (COLLEGE, "provider"),
        (LIBRARY, "provider"),
        (TRAINER, "provider"),
        (BAKERY, "employer"),
        (CHARITY, "charity"),
    ] {
        let added = add::<Organisation>(store, &[("name", name), ("kind", kind)], now).await?;
        note(store, Kind::Organisation, added).await?;
    }
    let month = |ago: i32| (today.first_of_month() - ago.months()).to_string();
    let month = |ago: i32| month(ago)[..7].to_owned();
    for (reference, asks, tier, audience, number, counts) in [
        (
            "SAMPLE-1",
            "employer",
            "general",
            "people-in-work",
            "60",
            "people",
        ),
        (
            "SAMPLE-2",
            "charity",
            "basic",
            "older-people",
            "35",
            "people",
        ),
        (
            "SAMPLE-3",
            "employer",
            "advanced",
            "people-in-work",
            "12",
            "people",
        ),
    ] {
        let (from, until) = (month(6), month(-6));
        let pairs = [
            ("reference", reference),
            ("asks", asks),
            ("tier", tier),
            ("audience", audience),
            ("area", "whole"),
            ("number", number),
            ("counts", counts),
            ("from", &from),
            ("until", &until),
            ("how", "survey"),
            ("sure", "estimated"),
            ("by", "Sample survey (made up)"),
        ];
        let added = add::<Demand>(store, &pairs, now).await?;
        note(store, Kind::Demand, added).await?;
    }
    let checked = today.to_string();
    for (name, organisation, tier, places) in [
        ("Computers for beginners (made up)", LIBRARY, "basic", "12"),
        ("Tablet drop-in (made up)", CHARITY, "basic", "8"),
        (
            "Spreadsheets in the evening (made up)",
            COLLEGE,
            "general",
            "16",
        ),
    ] {
        let pairs = [
            ("name", name),
            ("organisation", organisation),
            ("tier", tier),
            ("places", places),
            ("starts", "3"),
            ("status", "active"),
            // The open feed is for everybody, and nobody learns there.
            ("public", "no"),
            ("assured_date", &checked),
            ("assured_by", "Coordinator"),
        ];
        let added = add::<Service>(store, &pairs, now).await?;
        note(store, Kind::Service, added).await?;
    }
    for (ago, programme, amount) in [
        (3, "S2", "2450.00"),
        (2, "S2", "2300.00"),
        (2, "S3", "4100.00"),
    ] {
        let month = month(ago);
        let pairs = [
            ("month", month.as_str()),
            ("programme", programme),
            ("category", "staff"),
            ("amount", amount),
            ("source", "Sample claim"),
        ];
        add::<Spend>(store, &pairs, now).await?;
    }
    ask(store, now).await
}

async fn ask(store: &Store, now: Timestamp) -> Result<(), SampleError> {
    let about = (COLLEGE, "destination-late");
    let text = "Some learners left more than eight months ago and have no destination. When can they be asked?";
    match quality::ask(store, about, text, WHO, now).await {
        Ok(_) => Ok(()),
        Err(QuestionError::Store(error)) => Err(error.into()),
        Err(error) => Err(SampleError::Unfit(error.to_string())),
    }
}

/// Two cohorts of the college, each with the code of its programme.
pub(super) async fn cohorts(
    store: &Store,
    today: Date,
    now: Timestamp,
) -> Result<Vec<(i64, &'static str)>, SampleError> {
    let start = (today.first_of_month() - super::IN_COHORTS.months()).to_string();
    let mut all = Vec::new();
    for (code, programme, title, employer) in [
        ("SAMPLE-A", "S2", "Tuesdays at the library", ""),
        ("SAMPLE-B", "S3", "Spreadsheets for bakers", BAKERY),
    ] {
        let pairs = [
            ("cohort", code),
            ("programme", programme),
            ("provider", COLLEGE),
            ("title", title),
            ("start", &start),
            ("places", "20"),
            ("employer", employer),
        ];
        let added = add::<Cohort>(store, &pairs, now).await?;
        all.extend(added.map(|id| (id, programme)));
    }
    Ok(all)
}
