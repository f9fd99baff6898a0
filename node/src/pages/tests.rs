//! The node's site, asked as a browser asks.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, header};
use ldsp_ui::secret::{self, Secret};
use tower::ServiceExt as _;

use super::*;
use crate::store::enrolment;
use crate::store::people::{Person, Role};
use crate::testing::{LEP, at, period, place, seeded};
use crate::transport::Unreachable;

const HOSTILE: &str = "\"'><script>alert(1)</script>";
const SECRET: &str = "TEST-TEST-TEST-TEST";

struct World {
    dir: tempfile::TempDir,
    node: Node,
    router: Router,
    queued: Arc<AtomicUsize>,
    cookies: BTreeMap<&'static str, String>,
}

struct Seen {
    status: StatusCode,
    headers: HeaderMap,
    body: String,
}

impl Seen {
    fn location(&self) -> &str {
        self.headers[header::LOCATION].to_str().unwrap()
    }
}

/// A node with enrolments of January and February 2022, an author `ann` and an approver `bob`, both signed in, on 4 March 2022.
async fn world() -> World {
    let dir = tempfile::tempdir().unwrap();
    let now = at("2022-03-04T09:00:00Z");
    let entropy = seeded(11);
    let lep = LEP.parse().unwrap();
    let node = Node::init(&dir.path().join("data"), &lep, &mut entropy(), now)
        .await
        .unwrap();
    let phc = secret::hash(&Secret::typed(SECRET), &mut entropy()).unwrap();
    for (name, role) in [("ann", Role::Author), ("bob", Role::Approver)] {
        let person = Person {
            name: name.into(),
            role,
            secret_hash: phc.clone(),
            added_at: now,
        };
        assert!(node.store.add_person(&person).await.unwrap());
    }
    let mut tx = node.store.write().await.unwrap();
    enrolment::write(&mut tx, &place(true)).await.unwrap();
    tx.commit().await.unwrap();
    let queued = Arc::new(AtomicUsize::new(0));
    let settings = Settings {
        node: node.clone(),
        clock: Arc::new(move || now),
        entropy,
        rho_micro: None,
        peers: Arc::new(|_| {
            Box::pin(async { Some(Err(Unreachable("connection refused".into()).into())) })
        }),
        before_signing: Arc::new(|| Box::pin(async {})),
        queued: Arc::new({
            let queued = queued.clone();
            move || {
                queued.fetch_add(1, Ordering::Relaxed);
            }
        }),
        illustrative: Some("Demonstration: illustrative records.".into()),
    };
    let router = site(settings, "https://node.example", "test", Router::new()).unwrap();
    let mut world = World {
        dir,
        node,
        router,
        queued,
        cookies: BTreeMap::new(),
    };
    for name in ["ann", "bob"] {
        world.sign_in(name).await;
    }
    world
}

const PROGRAMMES: &str = "programme,name,provider,tier,type,audience,funder,cost,capacity,start,end\n\
    P1,Basics,College,basic,short course,older people,,,,,\n";

fn learners() -> String {
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
    async fn sign_in(&mut self, name: &'static str) {
        let form = format!("name={name}&secret={SECRET}");
        let seen = self.post("", "/sign-in", &form).await;
        assert_eq!(seen.status, StatusCode::SEE_OTHER, "{}", seen.body);
        let cookie = seen.headers[header::SET_COOKIE].to_str().unwrap();
        self.cookies
            .insert(name, cookie.split(';').next().unwrap().to_owned());
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

    /// Imports, prepares January and approves it.
    async fn released(&self) {
        assert_eq!(
            self.upload("programmes", "store", PROGRAMMES).await.status,
            StatusCode::OK
        );
        assert_eq!(
            self.upload("learners", "store", &learners()).await.status,
            StatusCode::OK
        );
        let seen = self
            .post("ann", "/releases/prepare", "period=2022-01")
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

    fn uploads_left(&self) -> usize {
        let files = std::fs::read_dir(self.dir.path().join("data")).unwrap();
        files
            .flatten()
            .filter(|f| f.file_name().to_string_lossy().starts_with(upload::PREFIX))
            .count()
    }
}

fn concrete(path: &str) -> String {
    path.replace("{period}", "2022-01")
        .replace("{table}", "starts.area-by-tier")
        .replace("{id}", "1")
}

#[tokio::test]
async fn every_route_is_in_the_role_table_and_closed_to_strangers() {
    let world = world().await;
    world.released().await;
    for rule in rules() {
        let path = concrete(rule.path);
        let (stranger, ann, bob) = if rule.method == axum::http::Method::GET {
            (
                world.get("", &path).await,
                world.get("ann", &path).await,
                world.get("bob", &path).await,
            )
        } else {
            (
                world.post("", &path, "").await,
                world.post("ann", &path, "").await,
                world.post("bob", &path, "").await,
            )
        };
        assert_eq!(
            stranger.status,
            StatusCode::SEE_OTHER,
            "{} {path}",
            rule.method
        );
        assert!(stranger.location().starts_with("/sign-in"), "{path}");
        for (seen, role) in [(&ann, "author"), (&bob, "approver")] {
            assert!(!seen.body.contains("route_not_listed"), "{path}");
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
    assert_eq!(payload.as_bytes(), stored.payload);
    let csv = world.get("bob", "/releases/2022-01/figures.csv").await.body;
    assert!(
        csv.starts_with(
            "period,table,dimensions,codes,estimate,standard_error,low_95,high_95\n2022-01,"
        ),
        "{}",
        &csv[..200]
    );
}

#[tokio::test]
async fn nobody_approves_unread_or_something_else_or_twice() {
    let world = world().await;
    world.released().await;
    let seen = world
        .post("ann", "/releases/prepare", "period=2022-02")
        .await;
    assert_eq!(seen.status, StatusCode::SEE_OTHER);
    let page = world.get("ann", "/releases/2022-02").await.body;
    assert!(page.contains("You prepared this release") && !page.contains("name=\"digest\""));
    let digest = world.digest("/releases/2022-02").await;
    let path = "/releases/2022-02/approve";
    let unread = world.post("bob", path, &format!("digest={digest}")).await;
    assert_eq!(unread.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(unread.body.contains("href=\"#read\""));
    let other = world
        .post("bob", path, &format!("digest={}&read=yes", "0".repeat(64)))
        .await;
    assert_eq!(other.status, StatusCode::CONFLICT);
    assert_eq!(world.queued.load(Ordering::Relaxed), 1, "January only");
    let form = format!("digest={digest}&read=yes");
    assert_eq!(
        world.post("bob", path, &form).await.status,
        StatusCode::SEE_OTHER
    );
    let twice = world.post("bob", path, &form).await;
    assert_eq!(twice.status, StatusCode::CONFLICT);
    assert!(twice.body.contains("already-approved"), "{}", twice.body);
    assert_eq!(world.queued.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn an_upload_is_explained_and_nothing_of_it_stays() {
    let world = world().await;
    let wrong = world
        .upload(
            "learners",
            "store",
            "provider,aim,programme,name\nCollege,A1,P1,Canary Person\n",
        )
        .await;
    assert_eq!(wrong.status, StatusCode::OK);
    for words in ["The file was refused", "column-missing", "learner_ref"] {
        assert!(wrong.body.contains(words), "{words}");
    }
    assert!(!wrong.body.contains("Canary"));
    let csv = world.get("ann", "/import/report.csv").await.body;
    assert!(
        csv.starts_with("line,field,code,cause,remedy\n") && !csv.contains("Canary"),
        "{csv}"
    );
    let none = world.upload("learners", "", "").await;
    assert_eq!(none.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(none.body.contains("href=\"#file\"") && none.body.contains("href=\"#way\""));
    let broken =
        Request::post("/import").header(header::CONTENT_TYPE, "multipart/form-data; boundary=b");
    let cut =
        "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"f\"\r\n\r\nprovider,";
    let broken = world.send("ann", broken, cut.into()).await;
    assert_eq!(broken.status, StatusCode::BAD_REQUEST, "{}", broken.body);
    assert!(broken.body.contains("upload_broken"));
    assert_eq!(
        world.upload("programmes", "check", PROGRAMMES).await.status,
        StatusCode::OK
    );
    assert_eq!(
        world.node.store.programmes().await.unwrap().len(),
        0,
        "checked only"
    );
    assert_eq!(
        world.upload("programmes", "store", PROGRAMMES).await.status,
        StatusCode::OK
    );
    let checked = world.upload("learners", "check", &learners()).await.body;
    assert!(
        checked.contains("The file is sound. Nothing was stored yet"),
        "{checked}"
    );
    assert_eq!(world.uploads_left(), 0);
    assert_eq!(world.node.store.imports(9).await.unwrap().len(), 1);
    let acts = world.node.store.audit_entries(99).await.unwrap();
    let imports: Vec<_> = acts
        .iter()
        .filter(|act| act.action.starts_with("import"))
        .map(|act| (act.who.as_str(), act.action.as_str()))
        .collect();
    assert_eq!(imports, [("ann", "import programmes")]);
}

/// Removed as an author and added as an approver, one stays the author of what one prepared.
#[tokio::test]
async fn a_new_role_under_an_old_name_does_not_approve_own_work() {
    let mut world = world().await;
    world.upload("programmes", "store", PROGRAMMES).await;
    world.upload("learners", "store", &learners()).await;
    let seen = world
        .post("ann", "/releases/prepare", "period=2022-01")
        .await;
    assert_eq!(seen.status, StatusCode::SEE_OTHER);
    let digest = world.digest("/releases/2022-01").await;
    let now = at("2022-03-04T09:00:00Z");
    let store = world.node.store.clone();
    let phc = store.person("ann").await.unwrap().unwrap().secret_hash;
    assert_eq!(
        store.remove_person("ann", now).await.unwrap(),
        Some(Role::Author)
    );
    assert_eq!(
        world.get("ann", "/releases").await.status,
        StatusCode::SEE_OTHER,
        "the session ended with the person"
    );
    for name in ["ann", "Ann"] {
        let person = Person {
            name: name.into(),
            role: Role::Approver,
            secret_hash: phc.clone(),
            added_at: now,
        };
        assert!(store.add_person(&person).await.unwrap());
        world.sign_in(name).await;
        let form = format!("digest={digest}&read=yes");
        let own = world.post(name, "/releases/2022-01/approve", &form).await;
        assert_eq!(own.status, StatusCode::CONFLICT, "{}", own.body);
        assert!(own.body.contains("own-work"), "{}", own.body);
        assert_eq!(
            store.remove_person(name, now).await.unwrap(),
            Some(Role::Approver)
        );
    }
    let page = world.get("bob", "/releases/2022-01").await.body;
    assert!(page.contains("ann"), "the author's name stays");
    assert_eq!(world.queued.load(Ordering::Relaxed), 0);
}

const ENTRY: &str = "title=Drop-in&what=Weekly+sessions.&tier=basic&skills=foundation&audience=older-people&mode=online&area=own\
    &cost=1k-10k&verdict=worked&causes-0-factor=staff&causes-0-direction=worked-because&causes-0-because=They+stayed.&again=yes&change=\
    &repeat=Book+a+room.&design=none&participants=under-30&attrition=not-known&follow_up=none&contact_role=Coordinator&sharing=public\
    &review-day=1&review-month=6&review-year=2023&action=save";

#[tokio::test]
async fn an_entry_is_written_by_one_and_released_by_another() {
    let world = world().await;
    let seen = world.post("ann", "/practice/new", ENTRY).await;
    assert_eq!(seen.location(), "/practice/1?done=saved", "{}", seen.body);
    let author = world.get("ann", "/practice/1").await.body;
    assert!(author.contains("Only an approver") && !author.contains("/practice/1/release"));
    let digest = world.digest("/practice/1").await;
    let changed = world
        .post(
            "ann",
            "/practice/1/edit",
            &ENTRY.replace("Drop-in", "Drop-ins"),
        )
        .await;
    assert_eq!(changed.status, StatusCode::SEE_OTHER);
    let form = format!("digest={digest}&read=yes");
    let stale = world.post("bob", "/practice/1/release", &form).await;
    assert_eq!(
        stale.status,
        StatusCode::CONFLICT,
        "the entry was changed after it was read"
    );
    let digest = world.digest("/practice/1").await;
    let unread = world
        .post("bob", "/practice/1/release", &format!("digest={digest}"))
        .await;
    assert_eq!(unread.status, StatusCode::UNPROCESSABLE_ENTITY);
    let seen = world
        .post(
            "bob",
            "/practice/1/release",
            &format!("digest={digest}&read=yes"),
        )
        .await;
    assert_eq!(seen.location(), "/practice/1?done=released");
    let late = world.post("ann", "/practice/1/edit", ENTRY).await;
    assert_eq!(late.status, StatusCode::CONFLICT);
    let rows = world.node.store.statements().await.unwrap();
    assert_eq!((rows.len(), rows[0].seq, rows[0].period), (1, 1, None));
    assert_eq!(world.queued.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn a_form_with_errors_keeps_the_text_and_shows_the_place() {
    let world = world().await;
    let hostile = "title=%22%27%3E%3Cscript%3Ealert%281%29%3C%2Fscript%3E&what=Ring+0121+496+0000+%3Cb%3E&causes-0-because=Half&action=save";
    let seen = world.post("ann", "/practice/new", hostile).await;
    assert_eq!(seen.status, StatusCode::UNPROCESSABLE_ENTITY);
    let page = &seen.body;
    assert!(
        !page.contains(HOSTILE) && page.contains("alert(1)"),
        "kept and escaped"
    );
    assert!(
        page.contains("Ring 0121 496 0000"),
        "the author sees the own text again"
    );
    assert!(
        page.contains("Characters 6 to 18 look like a telephone number"),
        "{page}"
    );
    for link in [
        "#what",
        "#tier",
        "#skills",
        "#causes-0-factor",
        "#review-day",
        "#contact_role",
    ] {
        assert!(page.contains(&format!("href=\"{link}\"")), "{link}");
    }
    assert!(
        world
            .node
            .store
            .practice_entries()
            .await
            .unwrap()
            .is_empty(),
        "nothing is stored"
    );
    let more = world
        .post("ann", "/practice/new", "title=Kept&action=add-cause")
        .await;
    assert_eq!(more.status, StatusCode::OK);
    assert!(more.body.contains("value=\"Kept\"") && more.body.contains("causes-0-because"));
}

#[tokio::test]
async fn figures_are_chosen_from_own_releases_only() {
    let world = world().await;
    world.released().await;
    let figures = world.node.store.own_figures(&world.node.lep).await.unwrap();
    let statement = figures.releases()[0].statement;
    let picked = format!(
        "title=Kept&figure-release={statement}&figure-table=starts.audience-by-tier&action=show-figures"
    );
    let seen = world.post("ann", "/practice/new", &picked).await.body;
    assert!(
        seen.contains("name=\"figure-cell\"") && seen.contains("Older people, Basic: "),
        "{seen}"
    );
    let cited = format!("{ENTRY}&evidence={statement}/starts.audience-by-tier/12");
    let seen = world.post("ann", "/practice/new", &cited).await;
    assert_eq!(seen.status, StatusCode::SEE_OTHER, "{}", seen.body);
    let entry = world.get("bob", "/practice/1").await.body;
    assert!(
        entry.contains(
            "Older people, Basic: Starts by audience of the programme and tier, January 2022"
        ),
        "{entry}"
    );
    for foreign in [
        format!("{}/starts.pledge/0", "a".repeat(64)),
        format!("{statement}/starts.pledge/99"),
        "17".to_owned(),
    ] {
        let seen = world
            .post(
                "ann",
                "/practice/new",
                &format!("{ENTRY}&evidence={foreign}"),
            )
            .await;
        assert_eq!(seen.status, StatusCode::UNPROCESSABLE_ENTITY, "{foreign}");
    }
}

#[tokio::test]
async fn an_aggregator_that_is_away_is_said_in_words() {
    let world = world().await;
    let seen = world.get("ann", "/practice/library").await;
    assert_eq!(seen.status, StatusCode::BAD_GATEWAY);
    assert!(
        seen.body.contains("could not be reached")
            && seen.body.contains("Your own entries are not affected")
    );
}
