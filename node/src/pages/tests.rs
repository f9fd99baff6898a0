//! The node's site, asked as a browser asks.

mod accounts;
mod approving;
mod context;
mod demand;
mod exchange;
mod federation;
mod gathering;
mod ilr;
mod lep;
mod mappings;
mod model;
mod names;
mod needs;
mod postcodes;
mod practice;
mod preview;
mod privacy;
pub(crate) mod provider;
mod quality;
mod questionnaires;
mod rights;
mod roles;
mod sample;
mod services;
mod standards;
mod statements;
mod uploads;
mod work;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, header};
use ldsp_ui::secret::{self, Secret};
use tower::ServiceExt as _;

use super::*;
use crate::enrol;
use crate::store::audit::COMMAND_LINE;
use crate::store::enrolment;
use crate::store::people::{Changed, Person, Role};
use crate::testing::{Aggregator, LEP, at, node_key, period, place, seeded};
use crate::transport::Unreachable;

const HOSTILE: &str = "\"'><script>alert(1)</script>";
pub(crate) const SECRET: &str = "TEST-TEST-TEST-TEST";

pub(crate) struct World {
    dir: tempfile::TempDir,
    pub(crate) node: Node,
    pub(crate) router: Router,
    settings: Arc<Settings>,
    pub(crate) queued: Arc<AtomicUsize>,
    /// Where invites are used and the node asks how it stands.
    pub(crate) aggregator: Aggregator,
    pub(crate) cookies: BTreeMap<&'static str, String>,
}

pub(crate) struct Seen {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

/// The session's cookie; that of the browser is another one.
fn session_cookie(seen: &Seen) -> String {
    let set = seen.headers.get_all(header::SET_COOKIE).iter();
    let mut set = set.filter_map(|value| value.to_str().ok());
    let cookie = set.find(|value| value.starts_with("__Host-ldsp-test="));
    let cookie = cookie.expect("a session was opened");
    cookie.split(';').next().unwrap().to_owned()
}

impl Seen {
    fn location(&self) -> &str {
        self.headers[header::LOCATION].to_str().unwrap()
    }
}

/// A node with enrolments of January and February 2022, a coordinator `ann` and an approver `bob`, both signed in, on 4 March 2022.
pub(crate) async fn world() -> World {
    world_keeping(None).await
}

/// The same with a retention period.
pub(crate) async fn world_keeping(retention: Option<Policy>) -> World {
    // However slow the machine is, what is sent is answered when it is done.
    world_with(retention, Duration::from_secs(600)).await
}

/// The same with the time that pages wait for work.
pub(crate) async fn world_with(retention: Option<Policy>, soon: Duration) -> World {
    let world = made(Some(LEP), retention, soon).await;
    let mut tx = world.node.store.write().await.unwrap();
    enrolment::write(&mut tx, &place(true)).await.unwrap();
    tx.commit().await.unwrap();
    world
}

/// The same before it is in any federation.
pub(crate) async fn world_alone() -> World {
    made(Some(LEP), None, Duration::from_secs(600)).await
}

/// The same before its LEP is chosen, when it is in no federation.
async fn world_without_lep() -> World {
    made(None, None, Duration::from_secs(600)).await
}

async fn made(lep: Option<&str>, retention: Option<Policy>, soon: Duration) -> World {
    let dir = tempfile::tempdir().unwrap();
    let now = at("2022-03-04T09:00:00Z");
    let entropy = seeded(11);
    let lep = lep.map(|lep| lep.parse().unwrap());
    let node = Node::init(
        &dir.path().join("data"),
        lep.as_ref(),
        &mut entropy(),
        (COMMAND_LINE, now),
    )
    .await
    .unwrap();
    let phc = secret::hash(&Secret::typed(SECRET), &mut entropy()).unwrap();
    for (name, role) in [("ann", Role::Coordinator), ("bob", Role::Approver)] {
        let person = Person::new(name, role, now).with_secret(&phc);
        assert!(node.store.add_person(&person, COMMAND_LINE).await.unwrap());
    }
    let queued = Arc::new(AtomicUsize::new(0));
    let aggregator = Aggregator::new();
    let settings = Settings {
        node: node.clone(),
        clock: Arc::new(move || now),
        phones: Arc::new(move || now),
        entropy,
        rho_micro: None,
        retention,
        feed_hosts: Vec::new(),
        peers: Arc::new(|_| {
            Box::pin(async { Some(Err(Unreachable::new("connection refused").into())) })
        }),
        enrol: Arc::new({
            let (store, aggregator) = (node.store.clone(), aggregator.clone());
            move |checked, who| {
                let (store, aggregator) = (store.clone(), aggregator.clone());
                Box::pin(async move {
                    let (key, mut rng) = (node_key(), seeded(12)());
                    enrol::enrol(&store, &aggregator, &key, &checked, &who, now, &mut *rng).await
                })
            }
        }),
        ask: Arc::new({
            let (store, aggregator) = (node.store.clone(), aggregator.clone());
            move || {
                let (store, aggregator) = (store.clone(), aggregator.clone());
                Box::pin(async move {
                    match store.enrolment().await? {
                        Some(place) => enrol::refresh(&store, &aggregator, &place).await.map(Some),
                        None => Ok(None),
                    }
                })
            }
        }),
        before_signing: Arc::new(|| Box::pin(async {})),
        works: Works::new(soon),
        queued: Arc::new({
            let queued = queued.clone();
            move || {
                queued.fetch_add(1, Ordering::Relaxed);
            }
        }),
        illustrative: Some("Demonstration: illustrative records.".into()),
    };
    let settings = Arc::new(settings);
    let router = shared_site(settings.clone(), HERE, "test", None).unwrap();
    let mut world = World {
        dir,
        node,
        settings,
        router,
        queued,
        aggregator,
        cookies: BTreeMap::new(),
    };
    for name in ["ann", "bob"] {
        world.sign_in(name).await;
    }
    world
}

pub(crate) const PROGRAMMES: &str = "programme,name,provider,tier,type,audience,funder,cost,capacity,start,end\n\
    P1,Basics,College,basic,short course,older people,,,,,\n";

pub(crate) fn learners() -> String {
    let mut csv = "provider,learner_ref,uln,birth_date,sex,ethnicity,disability,prior_status,postcode,district,aim,programme,skill,mode,start,planned_end,end,stage\n".to_owned();
    for n in 0..40 {
        let month = 1 + n % 2;
        csv.push_str(&format!(
            "College,R{n},,1950-05-0{day},female,white,no,retired,,E08000027,A1,P1,foundation,online,2022-0{month}-10,,,in progress\n",
            day = 1 + n % 9
        ));
    }
    csv
}

impl World {
    fn api(&self) -> Api {
        Api {
            settings: self.settings.clone(),
            origin: HERE.into(),
        }
    }

    async fn sign_in(&mut self, name: &'static str) {
        let form = format!("name={name}&secret={SECRET}");
        let seen = self.post("", "/sign-in", &form).await;
        assert_eq!(seen.status, StatusCode::SEE_OTHER, "{}", seen.body);
        self.cookies.insert(name, session_cookie(&seen));
    }

    async fn send(&self, who: &str, request: axum::http::request::Builder, body: Body) -> Seen {
        let mut request = request.header("sec-fetch-site", "same-origin");
        if let Some(cookie) = self.cookies.get(who) {
            request = request.header(header::COOKIE, cookie);
        }
        let response = self
            .router
            .clone()
            .oneshot(request.body(body).unwrap())
            .await
            .unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        let bytes = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        Seen {
            status,
            headers,
            body: String::from_utf8(bytes.to_vec()).unwrap(),
        }
    }

    async fn get(&self, who: &str, path: &str) -> Seen {
        self.send(who, Request::get(path), Body::empty()).await
    }

    async fn post(&self, who: &str, path: &str, form: &str) -> Seen {
        let request =
            Request::post(path).header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        self.send(who, request, form.to_owned().into()).await
    }

    async fn upload(&self, kind: &str, way: &str, file: &str) -> Seen {
        let part = |name: &str, extra: &str, value: &str| {
            format!(
                "--b\r\nContent-Disposition: form-data; name=\"{name}\"{extra}\r\n\r\n{value}\r\n"
            )
        };
        let file = part(
            "file",
            "; filename=\"f.csv\"\r\nContent-Type: text/csv",
            file,
        );
        let body = format!(
            "{}{}{file}--b--\r\n",
            part("kind", "", kind),
            part("way", "", way)
        );
        let request = Request::post("/import")
            .header(header::CONTENT_TYPE, "multipart/form-data; boundary=b");
        self.send("ann", request, body.into()).await
    }

    /// With the other people of [`EVERYBODY`], signed in.
    pub(crate) async fn with_everybody(mut self) -> Self {
        let phc = self.node.store.person("ann").await.unwrap().unwrap();
        let phc = phc.secret_hash.unwrap();
        for (name, role, organisation) in EVERYBODY {
            if self.cookies.contains_key(name) {
                continue;
            }
            let person = Person::described(name, role, organisation, at("2022-03-04T09:00:00Z"));
            let person = person.unwrap().with_secret(&phc);
            let added = self.node.store.add_person(&person, COMMAND_LINE).await;
            assert!(added.unwrap());
            self.sign_in(name).await;
        }
        self
    }

    /// Imports, prepares January and approves it.
    pub(crate) async fn released(&self) {
        assert_eq!(
            self.upload("programmes", "store", PROGRAMMES).await.status,
            StatusCode::OK
        );
        assert_eq!(
            self.upload("learners", "store", &learners()).await.status,
            StatusCode::OK
        );
        let seen = self
            .post("ann", "/releases/prepare", "first=yes&period=2022-01")
            .await;
        assert_eq!(seen.location(), "/releases/2022-01?done=prepared");
        let digest = self.digest("/releases/2022-01").await;
        let seen = self
            .post(
                "bob",
                "/releases/2022-01/approve",
                &format!("digest={digest}&read=yes"),
            )
            .await;
        assert_eq!(seen.location(), "/releases/2022-01?done=approved");
    }

    /// The digest in the form that the approver is shown.
    async fn digest(&self, path: &str) -> String {
        let page = self.get("bob", path).await.body;
        let from = page
            .split("name=\"digest\" value=\"")
            .nth(1)
            .expect("a form with a digest");
        from[..64].to_owned()
    }

    pub(crate) fn uploads_left(&self) -> usize {
        let files = std::fs::read_dir(self.dir.path().join("data")).unwrap();
        files
            .flatten()
            .filter(|f| f.file_name().to_string_lossy().starts_with(upload::PREFIX))
            .count()
    }
}

/// Name, role and organisation of one person of each role, and of two organisations.
/// Where the site of the tests is.
pub(crate) const HERE: &str = "https://node.example";

pub(crate) const EVERYBODY: [(&str, Role, Option<&str>); 6] = [
    ("ada", Role::Admin, None),
    ("ann", Role::Coordinator, None),
    ("bob", Role::Approver, None),
    ("pam", Role::Provider, Some("College")),
    ("pat", Role::Provider, Some("Library")),
    ("vic", Role::Viewer, None),
];

fn concrete(path: &str) -> String {
    path.replace("{period}", "2022-01")
        .replace("{table}", "starts.area-by-tier")
        .replace("{id}", "1")
        .replace("{seq}", "1")
        .replace("{name}", "nobody")
        .replace("{token}", "none")
}

/// Without it a node that has its first learners would say nothing of what comes next.
#[tokio::test]
async fn the_first_month_is_asked_for_once_there_are_learners() {
    let world = world().await;
    let home = async || world.get("ann", "/").await.body;
    let asked = "Choose the month in which the published figures begin";
    assert!(!home().await.contains(asked));
    for (kind, file) in [
        ("programmes", PROGRAMMES.to_owned()),
        ("learners", learners()),
    ] {
        let stored = world.upload(kind, "store", &file).await;
        assert_eq!(stored.status, StatusCode::OK);
    }
    assert!(home().await.contains(asked));
    let form = world.get("ann", "/releases").await.body;
    assert!(form.contains("name=\"first\" value=\"yes\""), "{form}");
    let reader = world.get("bob", "/releases").await.body;
    assert!(
        !reader.contains("name=\"first\""),
        "only a coordinator chooses"
    );
    let seen = world
        .post("ann", "/releases/prepare", "first=yes&period=2022-01")
        .await;
    assert_eq!(seen.location(), "/releases/2022-01?done=prepared");
    assert!(!home().await.contains(asked));
}

#[tokio::test]
async fn every_route_is_in_the_role_table_and_closed_to_strangers() {
    let world = world().await.with_everybody().await;
    world.released().await;
    let closed = rules().into_iter().filter(|r| r.access != Access::Public);
    for rule in closed {
        let path = concrete(rule.path);
        let ask = async |who: &str| {
            if rule.method == axum::http::Method::GET {
                world.get(who, &path).await
            } else {
                world.post(who, &path, "").await
            }
        };
        let stranger = ask("").await;
        assert_eq!(
            stranger.status,
            StatusCode::SEE_OTHER,
            "{} {path}",
            rule.method
        );
        assert!(stranger.location().starts_with("/sign-in"), "{path}");
        for (who, role, _) in EVERYBODY {
            let seen = ask(who).await;
            assert!(!seen.body.contains("route_not_listed"), "{path}");
            let role = role.as_str();
            let may = !matches!(rule.access, Access::Roles(roles) if !roles.contains(&role));
            let refused =
                seen.status == StatusCode::FORBIDDEN && seen.body.contains("role_not_allowed");
            assert_eq!(
                refused, !may,
                "{role} {} {path}: {}",
                rule.method, seen.status
            );
        }
    }
}

#[tokio::test]
async fn the_pages_for_programs_are_open_and_every_problem_has_one() {
    let world = world().await;
    let documentation = world.get("", "/api").await;
    assert_eq!(documentation.status, StatusCode::OK);
    assert!(documentation.body.contains("/api/v1/imports/learners"));
    let list = world.get("", "/problems").await.body;
    for kind in ldsp_protocol::problem::CATALOGUE {
        let path = format!("/problems/{}", kind.code);
        assert!(list.contains(&path), "{path}");
        let page = world.get("", &path).await;
        assert_eq!(page.status, StatusCode::OK, "{path}");
    }
    assert_eq!(
        world.get("", "/problems/none").await.status,
        StatusCode::NOT_FOUND
    );
}

#[tokio::test]
async fn pages_say_what_is_next_held_and_published_and_mark_exact_counts() {
    let world = world().await;
    let home = world.get("ann", "/").await.body;
    assert!(
        home.contains("Import programmes") && home.contains("Demonstration: illustrative records."),
        "{home}"
    );
    world.released().await;
    let home = world.get("ann", "/").await.body;
    for words in [
        "Prepare the release of February 2022",
        "1 statement waiting",
        "Exact: do not share",
        "pseudonymised",
    ] {
        assert!(home.contains(words), "{words}");
    }
    assert!(!home.to_lowercase().contains("anonymous"));
    let release = world.get("bob", "/releases/2022-01").await.body;
    assert!(
        release.contains("Exact: do not share")
            && release.contains("Prepared")
            && release.contains("What never leaves")
    );
    let table = world
        .get("bob", "/releases/2022-01/tables/starts.area-by-tier")
        .await
        .body;
    assert!(
        table.contains("Exact: do not share") && table.contains("Dudley"),
        "{table}"
    );
    for path in ["/releases", "/people", "/help", "/practice"] {
        assert_eq!(
            world.get("bob", path).await.status,
            StatusCode::OK,
            "{path}"
        );
    }
    for missing in [
        "/releases/2021-01",
        "/releases/x",
        "/releases/2022-01/tables/x",
        "/releases/2021-01/report",
        "/releases/x/report",
        "/practice/9",
        "/practice/x",
    ] {
        assert_eq!(
            world.get("bob", missing).await.status,
            StatusCode::NOT_FOUND,
            "{missing}"
        );
    }
}

/// A page as it is without the marked pieces.
fn without_marked(page: &str) -> String {
    const MARK: &str = "<span class=\"ldsp-exact\">";
    let mut pieces = page.split(MARK);
    let mut kept = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        kept.push_str(piece.split_once("</span>").expect("a mark ends").1);
    }
    kept
}

/// January's 1,237 starts stand in marked pieces of the release's pages, which paper hides, and in no file, report or answer to
/// programs.
#[tokio::test]
async fn exact_counts_of_a_release_are_marked_and_in_no_file() {
    const PLANTED: [&str; 2] = ["1,237", "1237"];
    let world = world().await;
    world.upload("programmes", "store", PROGRAMMES).await;
    let row = learners().lines().nth(1).unwrap().to_owned();
    let mut csv = learners().lines().next().unwrap().to_owned();
    for n in 0..1_237 {
        csv.push('\n');
        csv.push_str(&row.replace("R0", &format!("R{n}")));
    }
    csv.push('\n');
    let seen = world.upload("learners", "store", &csv).await;
    assert_eq!(seen.status, StatusCode::OK, "{}", seen.body);
    world
        .post("ann", "/releases/prepare", "first=yes&period=2022-01")
        .await;
    let holds = |text: &str| {
        let mut words = text.split(|c: char| !c.is_ascii_digit() && c != ',');
        words.any(|word| PLANTED.contains(&word))
    };
    for path in [
        "/releases/2022-01",
        "/releases/2022-01/tables/starts.area-by-tier",
    ] {
        let page = world.get("bob", path).await.body;
        assert!(holds(&page), "{path} shows it beside the estimate");
        assert!(!holds(&without_marked(&page)), "{path} marks it");
    }
    let mut files: Vec<&str> = vec![
        "/releases/2022-01/report",
        "/releases/2022-01/figures.csv",
        "/releases/2022-01/payload.json",
        "/releases",
    ];
    files.extend([
        "/api/v1/releases",
        "/api/v1/releases/2022-01",
        "/api/v1/releases/2022-01/payload",
    ]);
    for path in files {
        let seen = world.get("bob", path).await;
        assert_eq!(seen.status, StatusCode::OK, "{path}");
        assert!(!holds(&seen.body), "{path}");
    }
}

#[tokio::test]
async fn the_download_is_what_was_signed_and_the_csv_holds_no_exact_count() {
    let world = world().await;
    world.released().await;
    let payload = world
        .get("bob", "/releases/2022-01/payload.json")
        .await
        .body;
    let mut reader = world.node.store.reader.acquire().await.unwrap();
    let stored = crate::store::releases::of(&mut reader, period("2022-01"))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(payload.as_bytes(), stored.bytes());
    let csv = world.get("bob", "/releases/2022-01/figures.csv").await.body;
    assert!(
        csv.starts_with(
            "period,table,dimensions,codes,estimate,standard_error,low_95,high_95,epoch,standard\n2022-01,"
        ),
        "{}",
        &csv[..200]
    );
}
