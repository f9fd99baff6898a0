//! The pages over real stores: nothing published yet, one area, a whole federation.

#[path = "../examples/synthetic/mod.rs"]
mod synthetic;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode, header};
use ldsp_aggregator::pages;
use ldsp_aggregator::store::{Library, Registry};
use ldsp_protocol::keys::key_id;
use ldsp_protocol::practice::{Area, Resource, Setting, Sharing, SizeBand, Verdict};
use ldsp_ui::secret::{self, Secret};
use ldsp_ui::{Access, People, PeopleError, PersonRecord, Role, Site};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use synthetic::{World, entry, leps, world};
use tower::ServiceExt;

const HERE: &str = "https://site.example";

struct Staff(Vec<PersonRecord>);

impl People for Staff {
    async fn find(&self, name: &str) -> Result<Option<PersonRecord>, PeopleError> {
        Ok(self.0.iter().find(|p| p.name == name).cloned())
    }
}

struct Browser {
    world: World,
    router: Router,
    secret: String,
    _directory: tempfile::TempDir,
}

struct Answer {
    status: StatusCode,
    headers: axum::http::HeaderMap,
    body: String,
}

impl Browser {
    async fn open() -> Self {
        Self::with_banner(None).await
    }

    async fn with_banner(banner: Option<&str>) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let now = "2026-11-22T10:00:00Z".parse().expect("a moment");
        let world = world(&directory.path().join("db"), now).await;
        let mut rng = ChaCha20Rng::seed_from_u64(7);
        let typed = Secret::generate(&mut rng);
        let hash = secret::hash(&typed, &mut rng).expect("a hash");
        let people = ["operator", "analyst"].map(|role| PersonRecord {
            name: role.into(),
            role: Role::new(role),
            secret_hash: hash.clone(),
        });
        let site = Site::new(
            pages::frame(banner),
            HERE,
            Staff(people.to_vec()),
            world.service.clock.clone(),
        );
        let site = site.expect("an origin").roles(pages::roles());
        let router = site.router(pages::router(world.service.clone()), Router::new());
        Self {
            world,
            router,
            secret: typed.reveal(),
            _directory: directory,
        }
    }

    async fn send(&self, request: Request<Body>) -> Answer {
        let response = self
            .router
            .clone()
            .oneshot(request)
            .await
            .expect("infallible");
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, usize::MAX).await.expect("a body");
        Answer {
            status: parts.status,
            headers: parts.headers,
            body: String::from_utf8(bytes.to_vec()).expect("text"),
        }
    }

    async fn get(&self, path: &str) -> Answer {
        let request = Request::get(path).body(Body::empty()).expect("a request");
        self.send(request).await
    }

    async fn shows(&self, path: &str) -> String {
        let answer = self.get(path).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.body);
        for broken in [
            "NaN",
            "inf,",
            "could not be shown",
            "style=\"",
            "spell",
            "pseudonymous",
        ] {
            assert!(!answer.body.contains(broken), "{path} holds {broken}");
        }
        answer.body
    }

    async fn as_person(&self, role: &str, path: &str, form: Option<&str>) -> Answer {
        let body = format!("name={role}&secret={}&next=/", self.secret);
        let signed_in = self.send(post("/sign-in", None, &body)).await;
        let cookie = signed_in.headers[header::SET_COOKIE]
            .to_str()
            .expect("text");
        let cookie = cookie.split(';').next();
        match form {
            Some(form) => self.send(post(path, cookie, form)).await,
            None => {
                let request = Request::get(path).header(header::COOKIE, cookie.unwrap_or_default());
                self.send(request.body(Body::empty()).expect("a request"))
                    .await
            }
        }
    }
}

fn post(path: &str, cookie: Option<&str>, form: &str) -> Request<Body> {
    Request::post(path)
        .header(header::ORIGIN, HERE)
        .header(header::HOST, "site.example")
        .header(header::COOKIE, cookie.unwrap_or_default())
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Body::from(form.to_owned()))
        .expect("a request")
}

/// Every public address that needs no data.
const PUBLIC: [&str; 19] = [
    "/",
    "/benchmarks",
    "/benchmarks/starts",
    "/benchmarks/in-progress",
    "/benchmarks/retention",
    "/benchmarks/achievement",
    "/benchmarks/achievement?by=age",
    "/benchmarks/sustained-positive",
    "/benchmarks/everyday-more?by=nonsense",
    "/leps",
    "/leps/E37000001",
    "/leps/E37000051",
    "/practice",
    "/practice?verdict=failed&tier=basic&cause=staff",
    "/nodes",
    "/problems",
    "/about",
    "/accessibility",
    "/privacy",
];
const DOWNLOADS: [&str; 5] = [
    "/contributions.csv",
    "/benchmarks/achievement/trend.csv",
    "/benchmarks/achievement/groups.csv?by=skill",
    "/benchmarks/starts/leps.csv",
    "/leps/E37000001/figures.csv",
];

async fn every_page(browser: &Browser) {
    for path in PUBLIC {
        browser.shows(path).await;
    }
    for kind in ldsp_protocol::problem::CATALOGUE {
        let page = browser.shows(&format!("/problems/{}", kind.code)).await;
        assert!(page.contains("What to do next"));
    }
    for path in DOWNLOADS {
        let answer = browser.get(path).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}");
        assert_eq!(
            answer.headers[header::CONTENT_TYPE],
            "text/csv; charset=utf-8"
        );
        let mut reader = csv::Reader::from_reader(answer.body.as_bytes());
        let columns = reader.headers().expect("a header").len();
        assert!(columns > 5, "{path}");
        for row in reader.records() {
            let row = row.expect("rows as long as the header");
            assert!(row.iter().all(|cell| !cell.is_empty()), "{path}: {row:?}");
        }
    }
}

#[tokio::test]
async fn before_the_first_release_pages_say_what_will_come() {
    let browser = Browser::open().await;
    every_page(&browser).await;
    let home = browser.shows("/").await;
    assert!(home.contains("No area has published yet") && !home.contains("Provisional"));
    assert!(
        browser
            .shows("/practice")
            .await
            .contains("Nothing has been shared")
    );
    assert!(
        browser
            .shows("/leps/E37000001")
            .await
            .contains("has not joined yet")
    );
}

#[tokio::test]
async fn one_area_gives_figures_but_no_comparison() {
    let mut browser = Browser::open().await;
    let lep = leps()[0];
    browser.world.join(lep).await;
    browser
        .world
        .publish(lep, "2026-10".parse().unwrap(), 1, 4000)
        .await;
    every_page(&browser).await;
    let home = browser.shows("/").await;
    assert!(
        home.contains("1 of 38 LEPs up to date, 37 not yet"),
        "{home}"
    );
    assert!(home.contains("Provisional") && home.contains("95\u{a0}% interval: "));
    let measure = browser.shows("/benchmarks/achievement").await;
    assert!(measure.contains("A comparison of areas needs figures of at least 10"));
    assert!(measure.contains("A trend needs at least 5 months"));
    assert!(measure.contains("83.6 %") && measure.contains("another population"));
    let area = browser.shows("/leps/E37000001").await;
    assert!(area.contains("/v1/nodes/black-country/statements/1"));
    let other = browser.shows("/leps/E37000003").await;
    assert!(!other.contains("Rates beside England"));
}

#[tokio::test]
async fn a_federation_is_shown_with_coverage_intervals_and_downloads() {
    let mut browser = Browser::open().await;
    browser.world.federation(6).await;
    every_page(&browser).await;
    let home = browser.shows("/").await;
    assert!(home.contains("32 of 38 areas are up to date"), "{home}");
    assert!(home.contains("32 of 38 LEPs up to date, 3 behind, 3 not yet"));
    assert!(home.contains("href=\"/leps/E37000051\"") && home.contains("May to October 2026"));
    assert!(home.contains(&browser.world.service.signer.verifier().vkey()));
    let measure = browser.shows("/benchmarks/achievement").await;
    assert!(
        measure.contains("not a league table")
            && measure.contains("cannot be told apart from England")
    );
    assert!(measure.contains("nothing yet"));
    let trend = browser.get("/benchmarks/starts/trend.csv").await.body;
    assert_eq!(trend.lines().count(), 7);
    let starts = browser.shows("/benchmarks/starts").await;
    assert!(
        starts.contains("from different numbers of areas") && starts.contains("Coverage differs")
    );
}

#[tokio::test]
async fn a_slug_leads_to_the_code_and_unknown_places_to_a_problem_page() {
    let browser = Browser::open().await;
    let moved = browser.get("/leps/solent").await;
    assert_eq!(moved.status, StatusCode::PERMANENT_REDIRECT);
    assert_eq!(moved.headers[header::LOCATION], "/leps/E37000055");
    for path in [
        "/leps/nowhere",
        "/leps/E92000001",
        "/leps/nowhere/figures.csv",
        "/benchmarks/nothing",
        "/problems/nothing",
        "/practice/solent/1",
        "/practice/SOLENT/1",
        "/practice/%22%3E/1",
    ] {
        assert_eq!(
            browser.get(path).await.status,
            StatusCode::NOT_FOUND,
            "{path}"
        );
    }
}

#[tokio::test]
async fn what_people_write_cannot_become_markup() {
    const XSS: &str = "\"><script>alert('x')</script>";
    let browser = Browser::open().await;
    let lep = leps()[0];
    browser.world.join(lep).await;
    let mut hostile = entry(XSS, lep);
    hostile.what = format!("{XSS}\nsecond line\n\nnew paragraph");
    hostile.causes[0].because = XSS.into();
    hostile.change = XSS.into();
    hostile.repeat = XSS.into();
    hostile.contact_role = XSS.into();
    hostile.tools = [
        "javascript:alert(1)",
        "//evil.example",
        "/sign-out",
        "http://plain.example",
    ]
    .map(|link| Resource {
        title: XSS.into(),
        link: link.into(),
        licence: XSS.into(),
    })
    .to_vec();
    browser.world.share(lep, hostile).await;
    for path in [
        "/",
        "/practice",
        "/practice/black-country/1",
        "/leps/E37000001",
    ] {
        let page = browser.shows(path).await;
        assert!(
            !page.contains("<script>alert") && !page.contains("\"><script"),
            "{path}"
        );
        assert!(page.contains("alert("), "{path} shows it as text");
    }
    let page = browser.shows("/practice/black-country/1").await;
    for link in [
        "javascript:",
        "//evil.example\"",
        "href=\"/sign-out",
        "http://plain",
    ] {
        assert!(!page.contains(link), "{link}");
    }
    assert!(
        page.contains("<br>second line</p>")
            && page.contains("<p class=\"govuk-body\">new paragraph</p>")
    );
}

#[tokio::test]
async fn peers_first_entries_are_counted_and_nothing_else() {
    let browser = Browser::open().await;
    let lep = leps()[0];
    browser.world.join(lep).await;
    let mut early = entry("Canary title", lep);
    early.sharing = Sharing::PeersUntil("2026-11-23".parse().unwrap());
    let early = browser.world.share(lep, early).await;
    let mut later = entry("Open again", lep);
    later.sharing = Sharing::PeersUntil("2026-11-22".parse().unwrap());
    later.replicates = Some(early);
    browser.world.share(lep, later).await;
    for path in [
        "/",
        "/practice",
        "/leps/E37000001",
        "/nodes",
        "/practice/black-country/2",
    ] {
        assert!(!browser.shows(path).await.contains("Canary"), "{path}");
    }
    assert_eq!(
        browser.get("/practice/black-country/1").await.status,
        StatusCode::NOT_FOUND
    );
    let list = browser.shows("/practice").await;
    assert!(
        list.contains("1 entry is shared with enrolled areas first") && list.contains("Open again")
    );
    // Neither do people of the department see it before its date.
    let signed_in = browser.as_person("operator", "/practice", None).await;
    assert!(!signed_in.body.contains("Canary"));
    let signed_in = browser
        .as_person("operator", "/practice/black-country/1", None)
        .await;
    assert_eq!(signed_in.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn authors_who_do_not_name_their_area_are_not_named() {
    let browser = Browser::open().await;
    let lep = leps()[0];
    browser.world.join(lep).await;
    let mut shy = entry("A quiet failure", lep);
    shy.area = Area::Like {
        setting: Setting::Rural,
        size: SizeBand::Small,
    };
    browser.world.share(lep, shy).await;
    let page = browser.shows("/practice/black-country/1").await;
    assert!(page.contains("An area like: rural") && !page.contains("Black Country"));
    assert!(!browser.shows("/practice").await.contains("Black Country"));
    assert!(
        !browser
            .shows("/leps/E37000001")
            .await
            .contains("A quiet failure")
    );
}

#[tokio::test]
async fn the_library_filters_counts_pages_and_follows_replacements() {
    let browser = Browser::open().await;
    let lep = leps()[0];
    browser.world.join(lep).await;
    for n in 0..45 {
        let mut one = entry(&format!("Entry {n:02}"), lep);
        one.tier = if n % 2 == 0 { "basic" } else { "advanced" }.into();
        one.verdict = if n % 3 == 0 {
            Verdict::Failed
        } else {
            Verdict::Worked
        };
        browser.world.share(lep, one).await;
    }
    let first = browser.shows("/practice").await;
    assert!(
        first.contains("45 entries") && first.contains("Failed 15") && first.contains("Basic (23)")
    );
    assert!(
        first.contains("Entry 44") && first.contains("Entry 25") && !first.contains("Entry 24")
    );
    assert!(
        first.contains("href=\"/practice?before=25\" rel=\"next\"")
            && !first.contains("rel=\"prev\"")
    );
    let second = browser.shows("/practice?before=25").await;
    assert!(
        second.contains("Entry 24") && second.contains("Entry 05") && !second.contains("Entry 04")
    );
    assert!(second.contains("href=\"/practice\" rel=\"prev\""));
    let last = browser.shows("/practice?before=5").await;
    assert!(
        last.contains("Entry 00")
            && last.contains("href=\"/practice?before=25\" rel=\"prev\"")
            && !last.contains("rel=\"next\"")
    );
    let narrow = browser.shows("/practice?verdict=failed&tier=basic").await;
    assert!(narrow.contains("8 entries") && narrow.contains("Clear all filters"));

    let old = browser
        .world
        .service
        .store
        .entry(&lep.slug, 1)
        .await
        .unwrap()
        .unwrap();
    let mut newer = entry("Better", lep);
    newer.supersedes = Some(old.pae);
    browser.world.share(lep, newer).await;
    let page = browser.shows("/practice/black-country/1").await;
    assert!(
        page.contains("The authors have replaced this entry")
            && page.contains("/practice/black-country/46")
    );
    assert!(
        browser
            .shows("/practice/black-country/46")
            .await
            .contains("/practice/black-country/1\"")
    );
}

#[tokio::test]
async fn evidence_is_shown_as_an_estimate_with_its_release() {
    let mut browser = Browser::open().await;
    browser.world.federation(2).await;
    let page = browser.shows("/practice/leeds-city-region/3").await;
    assert!(page.contains("Starts: Older people, Basic"), "{page}");
    assert!(
        page.contains("/v1/nodes/leeds-city-region/statements/2")
            && page.contains("May to June 2026")
    );
    assert!(page.contains("/v1/nodes/leeds-city-region/statements/3") && page.contains("receipt"));
}

#[tokio::test]
async fn operators_approve_after_comparing_and_analysts_only_read() {
    let browser = Browser::open().await;
    let (waiting, invited) = (leps()[0], leps()[1]);
    browser.world.enrol(waiting).await;
    browser.world.invite(invited).await;
    let store = &browser.world.service.store;
    let node = store.node(&waiting.slug).await.unwrap().unwrap();
    let id = key_id(&node.key.unwrap());
    let path = "/operator/nodes/black-country/approve";

    assert_eq!(
        browser.get("/operator/nodes").await.status,
        StatusCode::SEE_OTHER
    );
    let read = browser.as_person("analyst", "/operator/nodes", None).await;
    assert_eq!(read.status, StatusCode::OK);
    assert!(
        read.body.contains(&id.in_blocks()[..19])
            && !read
                .body
                .contains("<form method=\"post\" action=\"/operator")
    );
    let good = format!("key={id}&compared-black-country=yes");
    let refused = browser.as_person("analyst", path, Some(&good)).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    assert!(
        store
            .node(&waiting.slug)
            .await
            .unwrap()
            .unwrap()
            .approved_by
            .is_none()
    );

    let shown = browser
        .as_person("operator", "/operator/nodes", None)
        .await
        .body;
    assert!(shown.contains("Cheshire and Warrington") && shown.contains("29 November 2026"));
    let hasty = browser
        .as_person("operator", path, Some(&format!("key={id}")))
        .await;
    assert_eq!(hasty.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        hasty.body.contains("There is a problem")
            && hasty.body.contains("href=\"#compared-black-country\"")
    );
    let other = format!("key={}&compared-black-country=yes", "0".repeat(64));
    let wrong = browser.as_person("operator", path, Some(&other)).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(wrong.body.contains("Do not approve"), "{}", wrong.body);
    assert!(
        store
            .node(&waiting.slug)
            .await
            .unwrap()
            .unwrap()
            .approved_by
            .is_none()
    );

    let done = browser.as_person("operator", path, Some(&good)).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER);
    assert_eq!(
        done.headers[header::LOCATION],
        "/operator/nodes?approved=black-country"
    );
    assert_eq!(
        store
            .node(&waiting.slug)
            .await
            .unwrap()
            .unwrap()
            .approved_by
            .as_deref(),
        Some("operator")
    );
    let told = browser
        .as_person("operator", "/operator/nodes?approved=black-country", None)
        .await;
    assert!(told.body.contains("may publish now"));
    let untrue = browser
        .as_person(
            "operator",
            "/operator/nodes?approved=cheshire-warrington",
            None,
        )
        .await;
    assert!(!untrue.body.contains("may publish now"));
}

#[tokio::test]
async fn a_demonstration_says_so_on_every_page() {
    let banner = "Demonstration: records are illustrative.";
    let browser = Browser::with_banner(Some(banner)).await;
    for path in PUBLIC {
        assert!(browser.shows(path).await.contains(banner), "{path}");
    }
}

/// A route that is missing from the table would answer 403; a rule without a route 404.
#[tokio::test]
async fn the_role_table_and_the_routes_agree() {
    let browser = Browser::open().await;
    for rule in pages::roles().rules() {
        let path = rule
            .path
            .replace("{measure}", "starts")
            .replace(
                "{code}",
                if rule.path.starts_with("/leps") {
                    "E37000001"
                } else {
                    "gap"
                },
            )
            .replace("/{node}/{seq}", "/solent/1")
            .replace("{node}", "solent");
        let answer = match rule.method.as_str() {
            "GET" => browser.get(&path).await,
            _ => browser.send(post(&path, None, "")).await,
        };
        let expected: &[u16] = match (rule.access, rule.path) {
            (_, "/practice/{node}/{seq}") => &[404],
            (_, "/sign-in") => &[200, 400, 422],
            (Access::Public, "/sign-out") => &[303],
            (Access::Public, _) => &[200],
            _ => &[303],
        };
        assert!(
            expected.contains(&answer.status.as_u16()),
            "{} {path}: {}",
            rule.method,
            answer.status
        );
        assert!(!answer.body.contains("route_not_listed"), "{path}");
    }
}
