//! A federation of real processes in a temporary folder: one aggregator behind a gate, and nodes.

use std::fs;
use std::path::{Path, PathBuf};

use ed25519_dalek::SigningKey;
use ldsp_cluster::{Cluster, Database};
use serde_json::Value;
use tempfile::TempDir;

use crate::gate::Gate;
use crate::http::Http;
use crate::input;
use crate::program::{Outcome, Program, Running, Server};

/// The log's name in every test.
pub const ORIGIN: &str = "log.ldsp.test";

/// Whether the aggregators of the tests keep their data in PostgreSQL, by `LDSP_TEST_DATABASE=postgres`, or in SQLite as by
/// default. Every test runs on both. A test that prepares the aggregator's disk gets a database whose tables lie on that
/// disk; what is a backend's own is tested beside it, in `aggregator/src/store/{sqlite,postgres}/tests.rs`.
///
/// # Panics
/// When the variable says something else.
#[must_use]
pub fn on_postgres() -> bool {
    match std::env::var("LDSP_TEST_DATABASE").as_deref() {
        Err(_) | Ok("sqlite") => false,
        Ok("postgres") => true,
        Ok(other) => panic!("LDSP_TEST_DATABASE is sqlite or postgres, not {other}"),
    }
}

/// Somebody with a secret.
#[derive(Debug, Clone)]
pub struct Person {
    /// Name to sign in with.
    pub name: String,
    /// What `people add` printed.
    pub secret: String,
}

impl Person {
    fn add(program: &Program, name: &str, role: &str) -> Self {
        let made = program
            .run(&["people", "add", name, "--role", role, "--json"])
            .json();
        Self {
            name: name.to_owned(),
            secret: made["secret"]
                .as_str()
                .expect("a secret is printed once")
                .to_owned(),
        }
    }
}

/// The aggregator, its gate and its operator.
#[derive(Debug)]
pub struct Federation {
    /// The aggregator's database where it is PostgreSQL's; dropped while its disk is still there.
    database: Option<Database>,
    /// The folder that holds everything.
    pub dir: TempDir,
    /// What nodes connect to.
    pub gate: Gate,
    /// The aggregator.
    pub aggregator: Program,
    /// Its operator.
    pub operator: Person,
    server: Option<Server>,
}

impl Default for Federation {
    fn default() -> Self {
        Self::new()
    }
}

impl Federation {
    /// An aggregator that serves, without nodes.
    #[must_use]
    pub fn new() -> Self {
        Self::named(ORIGIN)
    }

    /// The same for a log of another name.
    #[must_use]
    pub fn named(origin: &str) -> Self {
        let dir = TempDir::new().expect("a temporary folder can be made");
        let database = on_postgres().then(|| Cluster::shared().database());
        Self::with(dir, database, origin)
    }

    /// The same in a folder that the test has prepared.
    #[must_use]
    pub fn in_folder(dir: TempDir) -> Self {
        let tables = dir.path().join("aggregator/data/tables");
        let database = on_postgres().then(|| Database::in_folder(&tables));
        Self::with(dir, database, ORIGIN)
    }

    /// The same on this PostgreSQL, whatever the other tests run on.
    #[must_use]
    pub fn on(database: Database) -> Self {
        let dir = TempDir::new().expect("a temporary folder can be made");
        Self::with(dir, Some(database), ORIGIN)
    }

    /// Its database where it is PostgreSQL's.
    #[must_use]
    pub fn database(&self) -> Option<&Database> {
        self.database.as_ref()
    }

    fn with(dir: TempDir, database: Option<Database>, origin: &str) -> Self {
        let gate = Gate::new();
        let mut aggregator = Program::new("ldsp-aggregator", &dir.path().join("aggregator"));
        if let Some(database) = &database {
            aggregator = aggregator.with("LDSP_DATABASE", &database.url());
        }
        let url = format!("https://{}", gate.address);
        aggregator
            .run(&["init", "--origin", origin, "--public-url", &url])
            .done();
        let operator = Person::add(&aggregator, "Olu", "operator");
        let mut federation = Self {
            database,
            dir,
            gate,
            aggregator,
            operator,
            server: None,
        };
        federation.start();
        federation
    }

    /// Starts the aggregator and leads the gate to it.
    pub fn start(&mut self) {
        let server = self.aggregator.serve();
        self.gate.lead_to(server.address);
        self.server = Some(server);
    }

    /// `kill -9` to the aggregator.
    pub fn kill(&mut self) {
        self.take().kill();
    }

    /// The aggregator's process, which is about to end by itself.
    ///
    /// # Panics
    /// When it was killed.
    #[must_use]
    pub fn take(&mut self) -> Server {
        self.server.take().expect("the aggregator runs")
    }

    /// The aggregator's process.
    ///
    /// # Panics
    /// When it was killed.
    #[must_use]
    pub fn server(&self) -> &Server {
        self.server.as_ref().expect("the aggregator runs")
    }

    /// The certificate of the aggregator's private authority.
    #[must_use]
    pub fn ca_pem(&self) -> String {
        fs::read_to_string(self.aggregator.data.join("ca-cert.pem"))
            .expect("the authority's certificate is in the data directory")
    }

    /// A client of the aggregator that does not go through the gate.
    #[must_use]
    pub fn http(&self) -> Http {
        Http::new(
            &format!("https://{}", self.server().address),
            &self.ca_pem(),
        )
    }

    /// Runs an operator's command.
    #[must_use]
    pub fn operate(&self, arguments: &[&str]) -> Outcome {
        let arguments = [arguments, &["--as", &self.operator.name]].concat();
        let secret = format!("{}\n", self.operator.secret);
        self.aggregator.start_with(&arguments, &secret).wait()
    }

    /// An invite for `slug`, as a file.
    #[must_use]
    pub fn invite(&self, slug: &str, lep: &str) -> PathBuf {
        let file = self.dir.path().join(format!("{slug}.invite"));
        self.operate(&["invite", slug, "--lep", lep, "--out", path(&file)])
            .done();
        file
    }

    /// A node that `init` made, with its people, not enrolled.
    #[must_use]
    pub fn node(&self, slug: &str, lep: &str) -> Node {
        Node::new(&self.dir.path().join(slug), slug, lep)
    }

    /// A node that may publish.
    #[must_use]
    pub fn join(&self, slug: &str, lep: &str) -> Node {
        let node = self.node(slug, lep);
        node.program
            .run(&["enrol", "--invite", path(&self.invite(slug, lep))])
            .done();
        self.approve(&node).done();
        node
    }

    /// The operator approves the node's key, whose fingerprint the node says.
    #[must_use]
    pub fn approve(&self, node: &Node) -> Outcome {
        self.operate(&[
            "nodes",
            "approve",
            &node.slug,
            "--fingerprint",
            &node.fingerprint(),
        ])
    }

    /// What the aggregator tells of a node.
    #[must_use]
    pub fn record(&self, slug: &str) -> Value {
        self.http().get(&format!("/v1/nodes/{slug}")).json()
    }

    /// How many statements of a node are logged.
    ///
    /// # Panics
    /// When the aggregator does not say.
    #[must_use]
    pub fn logged(&self, slug: &str) -> u64 {
        self.record(slug)["seq"]
            .as_u64()
            .expect("a record has a sequence number")
    }

    /// The exact envelope of a statement.
    #[must_use]
    pub fn envelope(&self, slug: &str, seq: u64) -> Vec<u8> {
        let reply = self
            .http()
            .get(&format!("/v1/nodes/{slug}/statements/{seq}"));
        assert_eq!(reply.status, 200, "{}", reply.text());
        reply.body
    }
}

/// A node and its people.
#[derive(Debug)]
pub struct Node {
    /// The program.
    pub program: Program,
    /// Its name in the log.
    pub slug: String,
    /// The LEP that it serves.
    pub lep: String,
    /// Prepares.
    pub coordinator: Person,
    /// Approves.
    pub approver: Person,
    dir: PathBuf,
}

impl Node {
    /// A node in `dir` that `init` made, with its people.
    #[must_use]
    pub fn new(dir: &Path, slug: &str, lep: &str) -> Self {
        let program = Program::new("ldsp-node", dir);
        program.run(&["init", "--lep", lep]).done();
        Self::adopt(dir, slug, lep)
    }

    /// The same where `init` has run.
    #[must_use]
    pub fn adopt(dir: &Path, slug: &str, lep: &str) -> Self {
        let program = Program::new("ldsp-node", dir);
        Self {
            coordinator: Person::add(&program, "Ama", "coordinator"),
            approver: Person::add(&program, "Ben", "approver"),
            program,
            slug: slug.to_owned(),
            lep: lep.to_owned(),
            dir: dir.to_owned(),
        }
    }

    /// The key's fingerprint, as `status` says it.
    ///
    /// # Panics
    /// When it does not.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let status = self.program.run(&["status", "--json"]).json();
        status["key"]
            .as_str()
            .expect("status names the key")
            .to_owned()
    }

    /// The node's own signing key.
    #[must_use]
    pub fn key(&self) -> SigningKey {
        let pem =
            fs::read_to_string(self.program.data.join("node.key")).expect("the key is a file");
        ldsp_protocol::keys::from_pem(&pem).expect("the key is PEM")
    }

    /// Serves the node's pages.
    #[must_use]
    pub fn serve(&self) -> Server {
        self.program.serve()
    }

    /// The certificate of the authority that the node's pages are signed by.
    #[must_use]
    pub fn ca_pem(&self) -> String {
        fs::read_to_string(self.program.data.join("ca.pem"))
            .expect("the authority's certificate is in the data directory")
    }

    /// Writes a file into the node's folder, outside its data.
    #[must_use]
    pub fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let file = self.dir.join(name);
        fs::write(&file, bytes).expect("a temporary folder can be written");
        file
    }

    /// Imports programmes, then learners.
    pub fn import(&self, programmes: &[u8], learners: &[u8]) {
        let file = self.file("programmes.csv", programmes);
        self.program
            .run(&["import", "programmes", path(&file)])
            .done();
        let file = self.file("learners.csv", learners);
        self.program
            .run(&["import", "learners", path(&file)])
            .done();
    }

    /// Starts a command as `person`.
    #[must_use]
    pub fn start_as(&self, person: &Person, arguments: &[&str]) -> Running {
        let arguments = [arguments, &["--as", &person.name]].concat();
        self.program
            .start_with(&arguments, &format!("{}\n", person.secret))
    }

    /// Runs a command as `person`.
    #[must_use]
    pub fn run_as(&self, person: &Person, arguments: &[&str]) -> Outcome {
        self.start_as(person, arguments).wait()
    }

    /// The coordinator prepares the next month; gives its digest.
    ///
    /// # Panics
    /// When preparing does not name its digest.
    #[must_use]
    pub fn prepare(&self) -> String {
        let prepared = self
            .run_as(
                &self.coordinator,
                &["release", "prepare", "--json", "--first", input::FIRST],
            )
            .json();
        prepared["digest"]
            .as_str()
            .expect("a prepared month has a digest")
            .to_owned()
    }

    /// The coordinator prepares the next month and the approver approves it.
    pub fn release(&self) {
        let digest = self.prepare();
        self.approve(&digest).done();
    }

    /// Approves what was prepared.
    #[must_use]
    pub fn approve(&self, digest: &str) -> Outcome {
        self.run_as(&self.approver, &["release", "approve", "--digest", digest])
    }

    /// Sends what waits.
    #[must_use]
    pub fn publish(&self) -> Outcome {
        self.program.run(&["publish"])
    }
}

/// A path as an argument.
///
/// # Panics
/// When it is not text.
#[must_use]
pub fn path(path: &Path) -> &str {
    path.to_str().expect("temporary paths are text")
}
