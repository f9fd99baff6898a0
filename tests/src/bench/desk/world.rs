//! A node that has been at work for years: made by the real programs, then filled where a form at a time would take too long.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::http::{Request, StatusCode, header};
use jiff::Timestamp;
use ldsp_deploy::records::practice;
use ldsp_node::enrol::EnrolError;
use ldsp_node::home::Node;
use ldsp_node::pages::{self, Settings};
use ldsp_node::rights::Policy;
use ldsp_node::work::Works;
use ldsp_protocol::ids::Digest;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use sqlx::AssertSqlSafe;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool, SqlitePoolOptions};
use tower::ServiceExt as _;

use crate::bench::node::{import_lists, path};
use crate::bench::records;
use crate::program::Program;
use crate::world::Federation;

/// The present, for ever: a quarter after the last start.
const NOW: &str = "2025-01-15T10:00:00Z";
/// The provider whose people sign in.
pub(super) const PROVIDER: &str = "Sandwell College";
/// Months that were released, the last of them [`records::MONTH`].
const FIRST: &str = "2024-09";
const RELEASES: usize = 4;
/// Who signs in, and as what.
const PEOPLE: [(&str, &str); 3] = [("Ada", "admin"), ("Vic", "viewer"), ("Pia", "provider")];

/// What is written into the database as it is: organisations, ten cohorts of each provider with about 17 learners each, spend of three years, history, questions,
/// imports.
const FILL: &str = "
INSERT OR IGNORE INTO organisations (name, kind, contact_role) SELECT DISTINCT provider, 'provider', 'Quality manager' FROM programmes;
INSERT INTO organisations (name, kind, contact_role)
  WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 40) SELECT 'Works ' || i, 'employer', 'Office' FROM n;
INSERT INTO cohorts (code, programme, organisation, title, start_day, end_day, places, place)
  WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5)
  SELECT p.code || '-' || i, p.id, o.id, 'Run ' || i, 19000 + 30 * i, 19100 + 30 * i, 20, 'Library'
  FROM programmes AS p JOIN organisations AS o ON o.name = p.provider, n;
UPDATE enrolments SET cohort = (SELECT c.id FROM (SELECT c.id, o.name, row_number() OVER (PARTITION BY o.id ORDER BY c.id) - 1 AS n
    FROM cohorts AS c JOIN organisations AS o ON o.id = c.organisation) AS c
  WHERE c.name = enrolments.provider AND c.n = (enrolments.id / EVERY) % 10) WHERE id % EVERY = 0;
UPDATE enrolments SET employer = (SELECT min(id) FROM organisations WHERE kind = 'employer') + (id / EVERY) % 40 WHERE id % (2 * EVERY) = 0;
INSERT INTO spend (programme, month, category, pence, source)
  WITH RECURSIVE n (i) AS (SELECT 264 UNION ALL SELECT i + 1 FROM n WHERE i < 299) SELECT p.id, i, 'staff', 250000 + i, 'Ledger of the council' FROM programmes AS p, n;
INSERT INTO history (at, who, kind, row, field, before, after)
  WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5)
  SELECT 1700000000 + i, 'Ama', 'programme', p.id, 'capacity', i, i + 1 FROM programmes AS p, n;
INSERT INTO history (at, who, kind, row, field, before, after)
  SELECT 1700000000, 'Pia', 'enrolment', id, 'stage', 'in-progress', 'achieved' FROM enrolments WHERE cohort IS NOT NULL;
INSERT INTO quality_questions (provider, rule, question, asked_by, asked_at)
  SELECT DISTINCT provider, 'destination-late', 'When will the destinations of last summer come?', 'Ama', 1700000000 FROM programmes;
INSERT INTO imports (kind, digest, rows, added, changed, unchanged, refused, outside, at)
  WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 40)
  SELECT 'learners', zeroblob(32), 2000, 10, 20, 1970, 0, 3, 1700000000 + i FROM n;
";

/// The node's site in this process, with a session of each role.
pub(super) struct World {
    /// It stays up: the node is enrolled at it.
    _federation: Federation,
    /// The node, for writing between visits.
    pub(super) node: Node,
    router: Router,
    /// Name of a person, and the session.
    sessions: Vec<(String, String)>,
    /// As many connections as the server reads with.
    pub(super) pool: SqlitePool,
}

impl World {
    /// `rows` enrolments, and everything else in the amounts of a few years.
    pub(super) async fn new(rows: u64) -> Self {
        let (federation, data, people) = made(rows);
        let pool = |read_only| {
            let options = SqliteConnectOptions::new().filename(data.join("node.db"));
            let options = options.foreign_keys(true).read_only(read_only);
            let pool = SqlitePoolOptions::new().max_connections(if read_only { 4 } else { 1 });
            pool.connect_with(options)
        };
        let writer = pool(false).await.expect("the database exists");
        // About 2,000 in cohorts, however many there are.
        let fill = FILL.replace("EVERY", &(rows / 2_000).max(1).to_string());
        let filled = sqlx::raw_sql(AssertSqlSafe(fill)).execute(&writer).await;
        filled.expect("the database can be written");
        writer.close().await;
        let node = Node::open(&data).await.expect("a node that was just made");
        let now: Timestamp = NOW.parse().expect("a moment");
        for n in 0..300 {
            let detail = format!("{n} rows");
            let done = node
                .store
                .audit(now, "Ama", "import learners", &detail)
                .await;
            done.expect("the database can be written");
        }
        for draft in practice::entries(now.to_zoned(jiff::tz::TimeZone::UTC).date()) {
            let entry = draft.citing(Digest::ZERO);
            let kept = node.store.add_practice(&entry, "Ama", now).await;
            kept.expect("the database can be written");
        }
        let router = site(&node, now);
        let mut world = Self {
            pool: pool(true).await.expect("the database exists"),
            _federation: federation,
            node,
            router,
            sessions: Vec::new(),
        };
        for (name, secret) in people {
            world.sign_in(&name, &secret).await;
        }
        world
    }

    async fn sign_in(&mut self, name: &str, secret: &str) {
        let request = Request::post("/sign-in")
            .header("host", "node.example")
            .header("sec-fetch-site", "same-origin")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Body::from(format!("name={name}&secret={secret}")));
        let response = self
            .router
            .clone()
            .oneshot(request.expect("an address"))
            .await;
        let response = response.expect("a router always answers");
        let set = response.headers().get_all(header::SET_COOKIE).iter();
        let mut set = set.filter_map(|value| value.to_str().ok());
        let cookie = set.find(|value| value.starts_with("__Host-ldsp-bench="));
        let cookie = cookie.expect("a session was opened");
        let cookie = cookie
            .split(';')
            .next()
            .expect("a part before the first")
            .to_owned();
        self.sessions.push((name.to_owned(), cookie));
    }

    /// The length of the whole answer that `who` gets; its status where it is no page.
    pub(super) async fn get(&self, who: &str, path: &str) -> Result<usize, StatusCode> {
        self.page(who, path).await.map(|page| page.len())
    }

    /// The first link below `prefix` on a page of `who`.
    pub(super) async fn link(&self, who: &str, path: &str, prefix: &str) -> String {
        let page = self.page(who, path).await.expect("a page");
        let page = String::from_utf8_lossy(&page);
        let mut links = page.split("href=\"").skip(1);
        let link = links.find(|rest| rest.starts_with(prefix));
        let link = link.and_then(|rest| rest.split('"').next());
        link.expect("a link").to_owned()
    }

    async fn page(&self, who: &str, path: &str) -> Result<Bytes, StatusCode> {
        let cookie = self.sessions.iter().find(|(name, _)| name == who);
        let (_, cookie) = cookie.expect("everybody has signed in");
        let request = Request::get(path)
            .header("host", "node.example")
            .header(header::COOKIE, cookie)
            .body(Body::empty());
        let response = self
            .router
            .clone()
            .oneshot(request.expect("an address"))
            .await;
        let response = response.expect("a router always answers");
        let status = response.status();
        let body = to_bytes(response.into_body(), usize::MAX).await;
        let body = body.expect("the body is in memory");
        if status == StatusCode::OK {
            Ok(body)
        } else {
            Err(status)
        }
    }

    /// Somebody does something small.
    pub(super) async fn write(&self) {
        let now = NOW.parse().expect("a moment");
        let done = self
            .node
            .store
            .audit(now, "Ama", "quality question", "asked")
            .await;
        done.expect("the database can be written");
    }
}

/// What the programs make: a federation, the node's data directory, and people with their secrets.
fn made(rows: u64) -> (Federation, std::path::PathBuf, Vec<(String, String)>) {
    let federation = Federation::new();
    let node = federation.join("large", records::LEP);
    let dir: &Path = federation.dir.path();
    let quiet = node.program.clone().with("RUST_LOG", "warn");
    import_lists(&quiet, dir);
    let file = dir.join("learners.csv");
    records::write(&file, rows);
    quiet.run(&["import", "learners", path(&file)]).done();
    std::fs::remove_file(&file).expect("a temporary file can be removed");
    for _ in 0..RELEASES {
        let first = ["release", "prepare", "--json", "--first", FIRST];
        let prepared = node.run_as(&node.coordinator, &first).json();
        let digest = prepared["digest"]
            .as_str()
            .expect("a prepared month has a digest");
        let approve = ["release", "approve", "--digest", digest];
        node.run_as(&node.approver, &approve).done();
    }
    node.publish().done();
    let mut people: Vec<(String, String)> = [&node.coordinator, &node.approver]
        .map(|person| (person.name.clone(), person.secret.clone()))
        .into();
    for (name, role) in PEOPLE {
        people.push((name.to_owned(), added(&quiet, name, role)));
    }
    (federation, node.program.data.clone(), people)
}

/// Adds a person; gives the secret.
fn added(program: &Program, name: &str, role: &str) -> String {
    let mut arguments = vec!["people", "add", name, "--role", role, "--json"];
    if role == "provider" {
        arguments.extend(["--organisation", PROVIDER]);
    }
    let made = program.run(&arguments).json();
    made["secret"]
        .as_str()
        .expect("a secret is printed once")
        .to_owned()
}

fn site(node: &Node, now: Timestamp) -> Router {
    let settings = Settings {
        node: node.clone(),
        clock: Arc::new(move || now),
        phones: Arc::new(move || now),
        entropy: Arc::new(|| Box::new(ChaCha20Rng::seed_from_u64(1))),
        rho_micro: None,
        retention: Some(Policy {
            months: 24,
            schedule: "0 4 * * SUN".parse().expect("a schedule"),
        }),
        feed_hosts: Vec::new(),
        // What other areas publish comes from the aggregator, over a network.
        peers: Arc::new(|_| Box::pin(async { None })),
        enrol: Arc::new(|_, _| Box::pin(async { Err(EnrolError::NoIdentity) })),
        ask: Arc::new(|| Box::pin(async { Err(EnrolError::NoIdentity) })),
        before_signing: Arc::new(|| Box::pin(async {})),
        queued: Arc::new(|| ()),
        illustrative: None,
        works: Works::new(Duration::from_secs(1)),
    };
    pages::site(settings, "https://node.example", "bench", None).expect("an https origin")
}
