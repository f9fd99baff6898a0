//! The documentation of the JSON interface.

use std::future::{Ready, ready};

use ldsp_ui::{Page, api_docs};

use crate::{Service, receive};

/// A handler of the page, which is made once.
pub(super) fn page(service: &Service) -> impl Fn() -> Ready<Page> + Clone + Send + Sync + 'static {
    let document = serde_json::to_value(receive::document(&service.public_url));
    let page = api_docs::page(&document.unwrap_or_default()).breadcrumb("Home", "/");
    move || ready(page.clone())
}
