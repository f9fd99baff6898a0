//! The services that a provider offers, as the LEP lists them: it reads its own, says that they are still right, or corrects them.

use jiff::Timestamp;

use super::{Own, Trouble};
use crate::import::london_day;
use crate::model::{self, Model as _, service::COLUMNS};
use crate::store::kept::Stored;
use crate::store::services::Service;
use crate::store::{Store, StoreError};

/// What a provider may correct. Who offers a service, how it is classified, whether it is published and where the row comes from is for the
/// coordinator to say.
pub(crate) const OF_SERVICE: &[&str] = &[
    "name",
    "description",
    "url",
    "status",
    "mode",
    "area",
    "place",
    "places",
    "starts",
    "start",
    "end",
    "cost",
    "cost_notes",
    "minimum_age",
    "maximum_age",
    "eligibility",
    "accessibility",
];

impl From<model::Trouble<Service>> for Trouble {
    fn from(trouble: model::Trouble<Service>) -> Self {
        match trouble {
            model::Trouble::Store(error) => Self::Store(error),
            model::Trouble::Fields(problems) => Self::Fields(problems),
            model::Trouble::Missing => Self::Missing,
            model::Trouble::Changed(_) => Self::Changed,
        }
    }
}

/// The services that it offers, by name.
///
/// # Errors
/// The database cannot be read.
pub(crate) async fn services(store: &Store, own: &Own) -> Result<Vec<Stored<Service>>, StoreError> {
    let mut all: Vec<Stored<Service>> = store.kept().await?;
    all.retain(|service| service.it.organisation_id == Some(own.organisation));
    Ok(all)
}

/// One of them; `None`: it is none of its.
///
/// # Errors
/// The database cannot be read.
pub(crate) async fn service(
    store: &Store,
    own: &Own,
    id: i64,
) -> Result<Option<Stored<Service>>, StoreError> {
    let all = services(store, own).await?;
    Ok(all.into_iter().find(|service| service.id == id))
}

/// Says that a service is as it is listed, but for these texts of [`OF_SERVICE`], as somebody saw it in a version. The provider has checked it
/// today then.
///
/// # Errors
/// [`Trouble`]; nothing was changed then.
pub(crate) async fn assure(
    store: &Store,
    own: &Own,
    (id, version): (i64, i64),
    texts: &[(String, String)],
    (who, now): (&str, Timestamp),
) -> Result<Stored<Service>, Trouble> {
    let held = service(store, own, id).await?.ok_or(Trouble::Missing)?;
    let known = store.known().await?;
    let mut said = held.it.texts(&known);
    let mut say = |column: &str, text: &str| {
        let at = COLUMNS.iter().position(|name| *name == column);
        if let Some(place) = at.and_then(|at| said.get_mut(at)) {
            text.clone_into(place);
        }
    };
    let may_be_said = |(column, _): &&(String, String)| OF_SERVICE.contains(&column.as_str());
    for (column, text) in texts.iter().filter(may_be_said) {
        say(column, text);
    }
    say("assured_date", &london_day(now).to_string());
    say("assured_by", &own.name);
    Ok(model::change::<Service>(store, (id, version), &said, who, now).await?)
}
