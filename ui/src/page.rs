//! Pages and the frame around them.
//!
//! A handler returns a [`Page`]; the layer that [`crate::Site`] installs puts the site's [`Frame`] around it: header,
//! navigation with the current item marked, who is signed in, banners, footer. A handler therefore never passes the frame on.

use std::sync::Arc;

use askama::Template;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::html::Html;
use crate::nav::{NavItem, Navigation};
use crate::people::SignedIn;
use crate::roles::RoleTable;

/// A link with its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// What the reader sees; says where the link leads without its surroundings.
    pub text: String,
    /// An address, local (`/figures`) wherever possible.
    pub href: String,
}

impl Link {
    /// A link to `href` that reads `text`.
    pub fn new(text: impl Into<String>, href: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            href: href.into(),
        }
    }
}

/// A sentence across the page, above everything: `Illustrative` data, `Provisional` figures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Banner {
    /// One or two words in a box, for example `Illustrative`.
    pub label: String,
    /// One sentence that says what that means here.
    pub text: String,
    provisional: bool,
}

impl Banner {
    /// Data that is not real, on every page that shows it.
    pub fn illustrative(text: impl Into<String>) -> Self {
        Self {
            label: "Illustrative".into(),
            text: text.into(),
            provisional: false,
        }
    }

    /// Figures that may still change.
    pub fn provisional(text: impl Into<String>) -> Self {
        Self {
            label: "Provisional".into(),
            text: text.into(),
            provisional: true,
        }
    }

    fn kind(&self) -> &'static str {
        if self.provisional {
            "provisional"
        } else {
            "illustrative"
        }
    }
}

/// What of a frame may change while the site runs: it is asked for each page.
#[derive(Clone, Debug, Default)]
pub struct Live {
    /// The site's name, where it is not [`Frame::site_name`].
    pub site_name: Option<String>,
    /// A banner that holds at present, on every page.
    pub banner: Option<Banner>,
}

/// What surrounds every page of a site.
#[derive(Clone, Debug)]
pub struct Frame {
    /// The site's name, in the header and in every title.
    pub site_name: String,
    /// A few words under the name; may be empty.
    pub tagline: String,
    /// BCP 47 language of the pages, `en-GB` by default.
    pub lang: String,
    /// Main navigation, and what stands below it in each of its sections.
    pub nav: Vec<NavItem>,
    /// Banners on every page.
    pub banners: Vec<Banner>,
    /// Links in the footer: accessibility, privacy, about, contact.
    pub footer_links: Vec<Link>,
    /// Text or markup under them: source and licence of the data.
    pub footer_note: Html,
    /// Whether people sign in here; shows a link to `/sign-in` to those who have not.
    pub people_sign_in: bool,
}

impl Frame {
    /// A frame with a name, in British English, and nothing else.
    pub fn new(site_name: impl Into<String>) -> Self {
        Self {
            site_name: site_name.into(),
            tagline: String::new(),
            lang: "en-GB".into(),
            nav: Vec::new(),
            banners: Vec::new(),
            footer_links: Vec::new(),
            footer_note: Html::default(),
            people_sign_in: false,
        }
    }

    /// The whole document for `page` at `path`, as seen by `person`: with the links of navigation and footer that `roles` lets them
    /// follow.
    #[must_use]
    pub fn render(
        &self,
        page: &Page,
        path: &str,
        person: Option<&SignedIn>,
        roles: &RoleTable,
    ) -> String {
        let footer_links: Vec<&Link> = (self.footer_links.iter())
            .filter(|link| roles.shows(&link.href, person))
            .collect();
        let layout = Layout {
            frame: self,
            page,
            path,
            person,
            assets: crate::assets::prefix(),
            nav: Navigation::of(&self.nav, path, person, roles),
            footer_links,
            account: roles.lists("/account"),
            banners: self.banners.iter().chain(&page.banners).collect(),
        };
        Html::render(&layout).to_string()
    }
}

#[derive(Template)]
#[template(path = "layout.html")]
struct Layout<'a> {
    frame: &'a Frame,
    page: &'a Page,
    path: &'a str,
    person: Option<&'a SignedIn>,
    assets: String,
    nav: Navigation<'a>,
    footer_links: Vec<&'a Link>,
    account: bool,
    banners: Vec<&'a Banner>,
}

/// One page: what stands inside the frame.
///
/// The frame writes the page's only `h1` from the title, so bodies start at `h2`.
///
/// ```
/// use ldsp_ui::{Html, Page};
/// let page = Page::new("Figures you published")
///     .breadcrumb("Home", "/")
///     .body(Html::paragraph("Nothing yet."));
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Page {
    title: String,
    caption: Option<String>,
    lead: Option<String>,
    shows_heading: bool,
    breadcrumbs: Vec<Link>,
    back: Option<String>,
    banners: Vec<Banner>,
    notice: Html,
    errors: Html,
    body: Html,
    status: StatusCode,
    live: bool,
}

impl Page {
    /// A page with a title, which is also its heading.
    pub fn new(title: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            caption: None,
            lead: None,
            shows_heading: true,
            breadcrumbs: Vec::new(),
            back: None,
            banners: Vec::new(),
            notice: Html::default(),
            errors: Html::default(),
            body: Html::default(),
            status: StatusCode::OK,
            live: false,
        }
    }

    /// Shows something that goes on by itself ([`crate::components::Live`]): the script asks for the page every second and changes what
    /// differs; without the script the browser loads it anew every three.
    pub fn live(mut self) -> Self {
        self.live = true;
        self
    }

    /// What stands under the heading.
    pub fn body(mut self, body: impl Into<Html>) -> Self {
        self.body = body.into();
        self
    }

    /// A small line above the heading.
    pub fn caption(mut self, caption: impl Into<String>) -> Self {
        self.caption = Some(caption.into());
        self
    }

    /// Shows the heading large in a dark band with this sentence under it; for a site's front pages.
    pub fn lead(mut self, lead: impl Into<String>) -> Self {
        self.lead = Some(lead.into());
        self
    }

    /// Leaves the `h1` to the body, for example a form whose only question is the heading.
    pub fn own_heading(mut self) -> Self {
        self.shows_heading = false;
        self
    }

    /// Adds a step to the way back. The page itself is not one of them.
    pub fn breadcrumb(mut self, text: impl Into<String>, href: impl Into<String>) -> Self {
        self.breadcrumbs.push(Link::new(text, href));
        self
    }

    /// A link to the page before, above the heading: for a form of several pages, in the place of breadcrumbs.
    pub fn back(mut self, href: impl Into<String>) -> Self {
        self.back = Some(href.into());
        self
    }

    /// Adds a banner after the site's own.
    pub fn banner(mut self, banner: Banner) -> Self {
        self.banners.push(banner);
        self
    }

    /// A notification above the heading: what was just done.
    pub fn notice(mut self, notice: impl Into<Html>) -> Self {
        self.notice = notice.into();
        self
    }

    /// The error summary above the heading, with status 422; the title then begins with `Error:`. An empty summary changes nothing.
    pub fn errors(mut self, errors: impl Into<Html>) -> Self {
        self.errors = errors.into();
        if self.has_errors() && self.status == StatusCode::OK {
            self.status = StatusCode::UNPROCESSABLE_ENTITY;
        }
        self
    }

    /// The HTTP status, 200 by default.
    pub fn status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }

    fn has_errors(&self) -> bool {
        !self.errors.is_empty()
    }
}

/// A page on its way to the layer that frames it.
#[derive(Clone)]
pub(crate) struct Unframed(pub(crate) Arc<Page>);

impl IntoResponse for Page {
    fn into_response(self) -> Response {
        // Without the site's layer the reader still sees what the page is about.
        let mut response = (self.status, self.title.clone()).into_response();
        response.headers_mut().insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("text/plain; charset=utf-8"),
        );
        if self.live {
            response.headers_mut().insert(
                header::CONTENT_SECURITY_POLICY,
                HeaderValue::from_static(crate::headers::LIVE_CONTENT_SECURITY_POLICY),
            );
        }
        response.extensions_mut().insert(Unframed(Arc::new(self)));
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::people::Role;
    use crate::roles::{Access, Rule};

    const XSS: &str = "\"><script>alert('x')</script>";

    fn anything() -> RoleTable {
        RoleTable::default()
    }

    #[test]
    fn links_lead_where_the_role_may_go() {
        let roles = RoleTable::new([
            Rule::get("/", Access::Public),
            Rule::get("/people", Access::Roles(&["admin"])),
            Rule::get("/help", Access::Roles(&["admin", "viewer"])),
        ]);
        let mut frame = Frame::new("Site");
        frame.nav = vec![
            NavItem::public("Start", "/"),
            NavItem::signed_in("People", "/people"),
        ];
        frame.footer_links = vec![Link::new("Assistance", "/help")];
        let seen = |role: Option<&str>| {
            let person = role.map(|role| SignedIn {
                name: "ada".into(),
                role: Role::new(role),
                organisation: None,
            });
            let html = frame.render(&Page::new("Start"), "/", person.as_ref(), &roles);
            assert!(html.contains(">Start<"));
            (html.contains(">People<"), html.contains(">Assistance<"))
        };
        assert_eq!(seen(None), (false, false));
        assert_eq!(seen(Some("provider")), (false, false));
        assert_eq!(seen(Some("viewer")), (false, true));
        assert_eq!(seen(Some("admin")), (true, true));
    }

    #[test]
    fn nothing_in_the_frame_can_inject_markup() {
        let mut frame = Frame::new(XSS);
        frame.tagline = XSS.into();
        frame.lang = XSS.into();
        frame.nav = vec![NavItem::public(XSS, XSS), NavItem::signed_in(XSS, "/x")];
        frame.banners = vec![Banner::illustrative(XSS)];
        frame.footer_links = vec![Link::new(XSS, XSS)];
        frame.people_sign_in = true;
        let page = Page::new(XSS)
            .caption(XSS)
            .breadcrumb(XSS, XSS)
            .back(XSS)
            .banner(Banner::provisional(XSS))
            .body(Html::text(XSS));
        let person = SignedIn {
            name: XSS.into(),
            role: Role::new(XSS),
            organisation: None,
        };
        for page in [page.clone(), page.lead(XSS)] {
            let html = frame.render(&page, "/x/y", Some(&person), &anything());
            assert!(!html.contains("<script>"), "{html}");
            assert_eq!(html.matches("<script").count(), 1, "our own and no other");
            assert_eq!(html.matches("<h1").count(), 1);
        }
    }
}
