//! Pages and machine routes put together behind the site's headers, sessions and role table.

use std::sync::Arc;

use axum::Router;
use ldsp_ui::{People, PeopleError, PersonRecord, Role, Site};

use super::Refused;
use crate::store::Registry;
use crate::{Backend, Service, pages, receive};

/// People of the registry, as the web kit asks for them.
struct Staff(Backend);

impl People for Staff {
    async fn find(&self, name: &str) -> Result<Option<PersonRecord>, PeopleError> {
        let person = self.0.person(name).await;
        let person = person.map_err(|e| PeopleError(Box::new(e)))?;
        Ok(person.map(|p| PersonRecord::new(p.name, Role::new(p.role.as_str()), p.secret_hash)))
    }
}

pub(super) fn router(service: &Arc<Service>, banner: Option<&str>) -> Result<Router, Refused> {
    let staff = Staff(service.store.clone());
    let site = Site::new(
        pages::frame(banner),
        &service.public_url,
        staff,
        service.clock.clone(),
    )
    .and_then(|site| site.cookie_suffix("national"))
    .map_err(|e| Refused::new(e.to_string(), "Run init with another public address."))?
    .roles(pages::roles());
    Ok(site.router(
        pages::router(service.clone()),
        receive::router(service.clone()),
    ))
}
