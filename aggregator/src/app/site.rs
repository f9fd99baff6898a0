//! Pages and machine routes put together behind the site's headers, sessions and role table.

use std::sync::Arc;

use async_trait::async_trait;
use axum::Router;
use jiff::Timestamp;
use ldsp_ui::oidc::{self, Binding, Bound, OpenId, Subject, Subjects};
use ldsp_ui::{Link, People, PeopleError, PersonRecord, Role, Site};
use rand_core::Rng as _;

use super::{Refused, system_entropy};
use crate::store::{Registry, StoreError};
use crate::{Backend, Service, pages, receive};

/// People of the registry, as the web kit asks for them.
struct Staff(Backend);

impl People for Staff {
    async fn find(&self, name: &str) -> Result<Option<PersonRecord>, PeopleError> {
        let person = self.0.person(name).await.map_err(trouble)?;
        Ok(person.map(|p| PersonRecord::new(p.name, Role::new(p.role.as_str()), p.secret_hash)))
    }
}

fn trouble(error: StoreError) -> PeopleError {
    PeopleError(Box::new(error))
}

#[async_trait]
impl Subjects for Staff {
    async fn person(&self, subject: &Subject) -> Result<Option<String>, PeopleError> {
        self.0.person_of(subject).await.map_err(trouble)
    }

    async fn all(&self) -> Result<Vec<Bound>, PeopleError> {
        self.0.subjects().await.map_err(trouble)
    }

    async fn bind(
        &self,
        name: &str,
        subject: &Subject,
        _by: &str,
        now: Timestamp,
    ) -> Result<Binding, PeopleError> {
        let bound = self.0.bind_subject(name, subject, now).await;
        bound.map_err(trouble)
    }

    async fn unbind(
        &self,
        name: &str,
        subject: &Subject,
        _by: &str,
        _now: Timestamp,
    ) -> Result<bool, PeopleError> {
        let unbound = self.0.unbind_subject(name, subject).await;
        unbound.map_err(trouble)
    }
}

pub(super) fn router(
    service: &Arc<Service>,
    banner: Option<&str>,
    sign_in: Option<&oidc::Config>,
) -> Result<Router, Refused> {
    let url = &service.public_url;
    let mut frame = pages::frame(banner);
    if sign_in.is_some() {
        let own = Link::new("How you sign in", oidc::MINE);
        frame.footer_links.push(own);
    }
    let clock = service.clock.clone();
    let mut site = Site::new(frame, url, Staff(service.store.clone()), clock.clone())
        .and_then(|site| site.cookie_suffix("national"))
        .map_err(|e| Refused::new(e.to_string(), "Run init with another public address."))?
        .roles(pages::roles());
    if let Some(config) = sign_in {
        let mut key = [0; 32];
        system_entropy().fill_bytes(&mut key);
        let staff = Staff(service.store.clone());
        let open = OpenId::new(config.clone(), url, clock, key, staff, pages::OPERATORS)
            .map_err(|error| Refused::new(error.to_string(), error.next))?;
        site = site.sign_in_service(open);
    }
    Ok(site.router(
        pages::router(service.clone()),
        receive::router(service.clone()),
    ))
}
