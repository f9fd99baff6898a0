//! The site of a configuration.

use std::sync::Arc;

use axum::Router;
use ldsp_ui::oidc::{self, OpenId};
use rand_core::Rng as _;

use super::{Refused, system_entropy};
use crate::{Service, pages};

pub(super) fn router(
    service: &Arc<Service>,
    banner: Option<&str>,
    sign_in: Option<&oidc::Config>,
) -> Result<Router, Refused> {
    let sign_in = sign_in.map(|config| open(service, config)).transpose()?;
    let entropy = service.entropy.clone();
    pages::site(service, &service.public_url, banner, sign_in, entropy)
        .map_err(|e| Refused::new(e.to_string(), "Run init with another public address."))
}

/// The service of the table `[oidc]`.
fn open(service: &Arc<Service>, config: &oidc::Config) -> Result<OpenId, Refused> {
    let mut key = [0; 32];
    system_entropy().fill_bytes(&mut key);
    let (clock, people) = (service.clock.clone(), service.store.clone());
    let url = &service.public_url;
    OpenId::new(config.clone(), url, clock, key, people, pages::OPERATORS)
        .map_err(|error| Refused::new(error.to_string(), error.next))
}
