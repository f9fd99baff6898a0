//! Ingest: acknowledged durable statements a second.
//!
//! 64 nodes, one keep-alive TLS connection each, to the real program in a process of its own, with its usual settings. Closed
//! loop: a node sends its next statement when it has the receipt of the one before. The statements are practice entries in
//! envelopes of about 2 KiB, signed before the clock starts. Sender and server share the machine's cores.
//!
//! There are 38 LEPs, so the 64 nodes carry made-up GSS codes: they are put straight into the store, which does not ask
//! whether a code is that of a LEP, and publish entries about "an area like ours". What a statement goes through is the same.
//!
//! Baselines of the same run: bare durable group commits of rows of 2 KiB by the same engine, and bare strict verifications
//! of the same statements' signatures on one core. The rate is judged against the smaller. After the clock the server is
//! killed with -9, and the log must hold every statement that was acknowledged.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use ldsp_aggregator::announce::{Act, Announcer};
use ldsp_aggregator::app::{Config, open_log, open_store, system_clock};
use ldsp_aggregator::store::{InviteRow, Log as _, NewEnrolment, Registry as _};
use ldsp_cluster::{Cluster, Database};
use ldsp_protocol::dsse::{Sealed, pae};
use ldsp_protocol::ids::{Digest, NodeSlug};
use ldsp_protocol::keys::key_id;
use ldsp_protocol::log::{Entry, Proof};
use ldsp_protocol::note::Verifier;
use ldsp_protocol::practice::{
    Again, Area, Attrition, Cause, CostBand, Design, Direction, Factor, FollowUp, Participants,
    PracticeEntry, Setting, Sharing, SizeBand, Strength, Verdict,
};
use ldsp_protocol::standard::Standard;
use ldsp_protocol::statement::{Body, Kind};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions as _, Connection as _, PgConnection, SqliteConnection};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::Barrier;
use tokio::task::JoinSet;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::{Bound, Report, Scale, quantile};
use crate::program::Program;
use crate::world::ORIGIN;

const NODES: usize = 64;
/// Bytes of a bare row.
const ROW: usize = 2048;
/// Rows of a bare commit of SQLite, about what 64 waiting senders give a sequencer.
const SQLITE_BATCH: usize = 16;
/// Rows of a bare commit of PostgreSQL.
const POSTGRES_BATCH: usize = 256;
/// The latency that 99 of 100 receipts must keep.
const P99: Duration = Duration::from_millis(12);

/// Sizes of a run.
struct Work {
    /// Statements of each node.
    statements: u64,
    /// How many of them come before the clock.
    warm: u64,
    /// How long a baseline is measured.
    baseline: Duration,
}

/// The bench.
///
/// # Panics
/// When a statement is not acknowledged or not kept.
#[must_use]
pub(super) fn ingest(scale: Scale) -> Report {
    let work = match scale {
        Scale::Full => Work {
            statements: 1_200,
            warm: 200,
            baseline: Duration::from_secs(3),
        },
        Scale::Small => Work {
            statements: 20,
            warm: 5,
            baseline: Duration::from_millis(200),
        },
    };
    let senders: Vec<Sender> = (0..NODES).map(|n| Sender::new(n, &work)).collect();
    let verify = verifications(&senders[0], work.baseline);
    let mut report = Report::default();
    let size = senders[0].envelopes[0].len();
    report.figure("ingest.envelope", size as f64, "bytes");
    report.figure("ingest.verify", verify, "verifications/s");
    let dir = TempDir::new().expect("a temporary folder can be made");
    let bare = runtime().block_on(bare_sqlite(dir.path(), work.baseline));
    let measured = run(&senders, &work, dir.path(), None);
    measured.report("sqlite", bare, verify, &mut report);
    let dir = TempDir::new().expect("a temporary folder can be made");
    let url = |database: Database| database.url();
    let bare = url(Cluster::shared().database());
    runtime().block_on(settle(&bare));
    let bare = runtime().block_on(bare_postgres(&bare, work.baseline));
    let database = url(Cluster::shared().database());
    let measured = run(&senders, &work, dir.path(), Some(&database));
    measured.report("postgres", bare, verify, &mut report);
    report
}

/// One thread: the senders must leave the cores to the server.
fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime starts")
}

#[expect(clippy::disallowed_methods, reason = "a bench measures time")]
fn now() -> Instant {
    Instant::now()
}

/// A node and all that it will send.
struct Sender {
    slug: NodeSlug,
    lep: String,
    key: SigningKey,
    envelopes: Vec<Vec<u8>>,
    paes: Vec<Digest>,
}

impl Sender {
    fn new(number: usize, work: &Work) -> Self {
        let slug: NodeSlug = format!("node-{number}").parse().expect("a node's name");
        let seed = u8::try_from(number).expect("64 nodes") + 1;
        let key = SigningKey::from_bytes(&[seed; 32]);
        let (mut envelopes, mut paes) = (Vec::new(), Vec::new());
        let mut prev = Digest::ZERO;
        for seq in 1..=work.statements {
            let body = body(&slug, seq, prev);
            let sealed = Sealed::sign(&key, &Kind::PracticeEntry.payload_type(), &body);
            prev = sealed.pae();
            paes.push(prev);
            envelopes.push(sealed.envelope().to_vec());
        }
        Self {
            lep: format!("E37{:06}", 900 + number),
            slug,
            key,
            envelopes,
            paes,
        }
    }

    fn request(&self, at: SocketAddr, seq: u64) -> Vec<u8> {
        let envelope = &self.envelopes[seq as usize - 1];
        let head = format!(
            "PUT /v1/nodes/{}/statements/{seq} HTTP/1.1\r\nhost: {at}\r\n\
             content-type: application/vnd.dsse+json\r\ncontent-length: {}\r\n\r\n",
            self.slug,
            envelope.len()
        );
        [head.as_bytes(), envelope].concat()
    }
}

fn body(slug: &NodeSlug, seq: u64, prev: Digest) -> Vec<u8> {
    let entry = PracticeEntry {
        title: format!("Evening drop-in number {seq}"),
        what: "Two volunteers kept the library open on Tuesday evenings. Learners brought their own telephones, and most came back: what helped was that nobody had to book, that the same two faces were there each week, and that tea was ready. In the third month we moved the tables together, after which people began to help one another and the volunteers could turn to those who had come for the first time.".into(),
        tier: "basic".into(),
        skills: vec!["foundation".into()],
        audience: vec!["older-people".into()],
        mode: "face-to-face".into(),
        area: Area::Like {
            setting: Setting::ALL[0],
            size: SizeBand::ALL[0],
        },
        cost: CostBand::To10k,
        verdict: Verdict::Worked,
        causes: vec![Cause {
            factor: Factor::Recruitment,
            direction: Direction::WorkedBecause,
            because: "Posters stood where people wait for the bus.".into(),
        }],
        again: Again::Yes,
        change: String::new(),
        repeat: "Ask for the small hall, bring chargers, and begin with what people came for.".into(),
        evidence: vec![],
        strength: Strength {
            design: Design::BeforeAfter,
            participants: Participants::To100,
            attrition: Attrition::Low,
            follow_up: FollowUp::None,
        },
        tools: vec![],
        contact_role: "Coordinator of the partnership".into(),
        sharing: Sharing::Public,
        review: "2024-06-01".parse().expect("a date"),
        supersedes: None,
        replicates: None,
    };
    let body = Body {
        schema: 1,
        origin: ORIGIN.to_owned(),
        node: slug.clone(),
        seq,
        prev,
        kind: Kind::PracticeEntry,
        period: None,
        standard: Standard::current().digest(),
        payload: entry,
    };
    body.to_bytes()
}

/// Strict verifications a second on one core, each of another statement's signature.
fn verifications(sender: &Sender, for_long: Duration) -> f64 {
    let signed: Vec<(Vec<u8>, Signature)> = (1..=200)
        .map(|seq| {
            let body = body(&sender.slug, seq, Digest::ZERO);
            let signed = pae(&Kind::PracticeEntry.payload_type(), &body);
            let signature = sender.key.sign(&signed);
            (signed, signature)
        })
        .collect();
    let key: VerifyingKey = sender.key.verifying_key();
    let (start, mut done) = (now(), 0u32);
    while start.elapsed() < for_long {
        for (signed, signature) in &signed {
            key.verify_strict(signed, signature)
                .expect("its own signature verifies");
        }
        done += 200;
    }
    f64::from(done) / start.elapsed().as_secs_f64()
}

/// Rows of 2 KiB a second that SQLite commits in WAL with `synchronous=FULL`, 16 in a transaction of one statement.
async fn bare_sqlite(dir: &Path, for_long: Duration) -> f64 {
    let mut connection: SqliteConnection = SqliteConnectOptions::new()
        .filename(dir.join("bare.sqlite"))
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .connect()
        .await
        .expect("a database can be made");
    let make = "CREATE TABLE bare (id INTEGER PRIMARY KEY, body BLOB NOT NULL)";
    sqlx::query(make)
        .execute(&mut connection)
        .await
        .expect("a table can be made");
    let mut insert = sqlx::QueryBuilder::<sqlx::Sqlite>::new("INSERT INTO bare (body) ");
    insert.push_values(0..SQLITE_BATCH, |mut row, _| {
        row.push_bind(Vec::<u8>::new());
    });
    let insert = insert.into_sql();
    let row = vec![7u8; ROW];
    let (start, mut rows) = (now(), 0u32);
    while start.elapsed() < for_long {
        let mut query = sqlx::query(insert.clone());
        for _ in 0..SQLITE_BATCH {
            query = query.bind(row.as_slice());
        }
        query
            .execute(&mut connection)
            .await
            .expect("rows can be written");
        rows += SQLITE_BATCH as u32;
    }
    let rate = f64::from(rows) / start.elapsed().as_secs_f64();
    connection.close().await.expect("a database can be closed");
    rate
}

/// Brings a new server to where one in use stands: with log files that a checkpoint left to be written again. A server that has none
/// fills a new one of 16 MiB with zeros, some hundred times in a run, while everybody waits.
async fn settle(url: &str) {
    let mut connection = PgConnection::connect(url)
        .await
        .expect("the server answers");
    let mut commands = vec![
        "ALTER SYSTEM SET min_wal_size = '1GB'",
        "SELECT pg_reload_conf()",
    ];
    for _ in 0..40 {
        commands.push("SELECT pg_logical_emit_message(false, 'bench', 'one more file')");
        commands.push("SELECT pg_switch_wal()");
    }
    commands.extend(["CHECKPOINT"; 2]);
    for command in commands {
        let done = sqlx::query(command).execute(&mut connection).await;
        done.unwrap_or_else(|e| panic!("{command}: {e}"));
    }
    connection.close().await.expect("the server is left");
}

/// Rows of 2 KiB a second that PostgreSQL commits, 256 in a transaction of one statement.
async fn bare_postgres(url: &str, for_long: Duration) -> f64 {
    let mut connection = PgConnection::connect(url)
        .await
        .expect("the server answers");
    let make = "CREATE TABLE bare (id BIGSERIAL PRIMARY KEY, body BYTEA NOT NULL)";
    sqlx::query(make)
        .execute(&mut connection)
        .await
        .expect("a table can be made");
    let row = vec![7u8; ROW];
    let (start, mut rows) = (now(), 0u32);
    while start.elapsed() < for_long {
        sqlx::query("INSERT INTO bare (body) SELECT unnest($1::bytea[])")
            .bind(vec![row.as_slice(); POSTGRES_BATCH])
            .execute(&mut connection)
            .await
            .expect("rows can be written");
        rows += POSTGRES_BATCH as u32;
    }
    let rate = f64::from(rows) / start.elapsed().as_secs_f64();
    connection.close().await.expect("the server is left");
    rate
}

/// What the clock saw.
struct Measured {
    rate: f64,
    latencies: Vec<Duration>,
}

impl Measured {
    fn report(mut self, engine: &str, bare: f64, verify: f64, report: &mut Report) {
        let name = format!("ingest.{engine}");
        let ms = |d: Duration| d.as_secs_f64() * 1e3;
        let p99 = quantile(&mut self.latencies, 0.99);
        report.figure(format!("{name}.bare"), bare, "rows/s");
        report.figure(format!("{name}.rate"), self.rate, "statements/s");
        let p50 = quantile(&mut self.latencies, 0.5);
        report.figure(format!("{name}.p50"), ms(p50), "ms");
        report.figure(format!("{name}.p99"), ms(p99), "ms");
        let quotient = self.rate / bare.min(verify);
        report.ratio(&name, quotient, Bound::AtLeast(0.25));
        let share = p99.as_secs_f64() / P99.as_secs_f64();
        report.ratio(format!("{name}.p99 (p99/12ms)"), share, Bound::AtMost(1.0));
    }
}

/// A server with the 64 nodes, all statements sent to it, killed, and its log counted.
fn run(senders: &[Sender], work: &Work, dir: &Path, database: Option<&str>) -> Measured {
    let mut program = Program::new("ldsp-aggregator", dir).with("RUST_LOG", "info");
    if let Some(url) = database {
        program = program.with("LDSP_DATABASE", url);
    }
    let init = [
        "init",
        "--origin",
        ORIGIN,
        "--public-url",
        "https://127.0.0.1",
    ];
    program.run(&init).done();
    let config = Config {
        data_dir: program.data.clone(),
        database: database.map(|url| url.to_owned().into()),
        ..Config::default()
    };
    let runtime = runtime();
    runtime.block_on(enrol(senders, &config));
    let server = program.serve();
    let tls = tls(&program.data.join("ca-cert.pem"));
    let runs = runtime.block_on(drive(senders, server.address, &tls));
    server.kill();
    let acknowledged: usize = runs.iter().map(|run| run.acknowledged.len()).sum();
    let kept = runtime.block_on(async {
        let store = open_store(&config).await.expect("the database opens again");
        let tally = store.tally().await.expect("the log can be counted");
        store.close().await;
        tally.iter().map(|of| of.count).sum::<u64>()
    });
    assert_eq!(kept, acknowledged as u64, "the log after kill -9");
    let vkey = runs[0].vkey.as_str();
    for (run, sender) in runs.iter().zip(senders) {
        run.check_last_receipt(sender, vkey);
    }
    window(&runs, work)
}

/// Sums up from the moment when the last node was warm until the first had nothing left to send.
fn window(runs: &[Run], work: &Work) -> Measured {
    let warm = work.warm as usize;
    let start = runs.iter().map(|run| run.acknowledged[warm - 1].0).max();
    let end = runs
        .iter()
        .filter_map(|run| run.acknowledged.last())
        .map(|a| a.0)
        .min();
    let (start, end) = start.zip(end).expect("64 nodes");
    let inside: Vec<Duration> = runs
        .iter()
        .flat_map(|run| &run.acknowledged)
        .filter(|(at, _)| *at > start && *at <= end)
        .map(|(_, latency)| *latency)
        .collect();
    Measured {
        rate: inside.len() as f64 / (end - start).as_secs_f64(),
        latencies: inside,
    }
}

async fn enrol(senders: &[Sender], config: &Config) {
    let at = system_clock()();
    let (store, signer) = open_log(config, at).await.expect("the database opens");
    let announcer = Announcer::new(&store, &signer, Standard::current());
    for sender in senders {
        let key = sender.key.verifying_key();
        let secret_hash = Digest::of(sender.lep.as_bytes());
        let invite = InviteRow {
            node: sender.slug.clone(),
            lep: sender.lep.parse().expect("a GSS code"),
            secret_hash,
            expires: at,
            created: at,
            created_by: "bench".into(),
            used: None,
        };
        store.invite(&invite).await.expect("an invite is kept");
        let enrolment = NewEnrolment {
            node: sender.slug.clone(),
            secret_hash,
            key,
            pae: Digest::of(key.as_bytes()),
            envelope: vec![],
            at,
        };
        store.enrol(&enrolment).await.expect("the node enrols");
        let act = Act { by: "bench", at };
        let approved = announcer.approve(&sender.slug, key_id(&key), act).await;
        approved.expect("the node is approved");
    }
    store.close().await;
}

fn tls(ca: &Path) -> TlsConnector {
    let mut roots = RootCertStore::empty();
    let ca = CertificateDer::from_pem_file(ca).expect("the authority's certificate is there");
    roots.add(ca).expect("it is a certificate");
    let config = ClientConfig::builder()
        .with_root_certificates(roots)
        .with_no_client_auth();
    TlsConnector::from(Arc::new(config))
}

/// What a node saw.
struct Run {
    /// When each receipt came, and how long after its statement was sent.
    acknowledged: Vec<(Instant, Duration)>,
    last_receipt: String,
    vkey: String,
}

impl Run {
    fn check_last_receipt(&self, sender: &Sender, vkey: &str) {
        let log = Verifier::parse(vkey).expect("the log's verifier key");
        let seq = self.acknowledged.len();
        let entry = Entry {
            kind: Kind::PracticeEntry,
            node: sender.slug.clone(),
            seq: seq as u64,
            key_id: key_id(&sender.key.verifying_key()),
            pae: sender.paes[seq - 1],
        };
        let proof = Proof::parse(&self.last_receipt).expect("the receipt is a proof");
        proof.verify(&log, &entry).expect("the receipt holds");
    }
}

async fn drive(senders: &[Sender], server: SocketAddr, tls: &TlsConnector) -> Vec<Run> {
    let barrier = Arc::new(Barrier::new(senders.len()));
    let stop = Arc::new(AtomicBool::new(false));
    let mut tasks = JoinSet::new();
    for (number, sender) in senders.iter().enumerate() {
        let requests: Vec<Vec<u8>> = (1..=sender.envelopes.len() as u64)
            .map(|seq| sender.request(server, seq))
            .collect();
        let (barrier, stop, tls) = (barrier.clone(), stop.clone(), tls.clone());
        tasks.spawn(async move {
            let mut line = Line::open(server, &tls).await;
            barrier.wait().await;
            (number, send_all(&mut line, &requests, &stop).await)
        });
    }
    let mut runs = tasks.join_all().await;
    runs.sort_by_key(|(number, _)| *number);
    runs.into_iter().map(|(_, run)| run).collect()
}

/// Sends in turn until another node has sent everything.
async fn send_all(line: &mut Line, requests: &[Vec<u8>], stop: &AtomicBool) -> Run {
    let vkey = line
        .ask(b"GET /v1/verifier HTTP/1.1\r\nhost: bench\r\n\r\n", 200)
        .await;
    let vkey = String::from_utf8_lossy(vkey).into_owned();
    let mut acknowledged = Vec::with_capacity(requests.len());
    for request in requests {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let sent = now();
        line.ask(request, 201).await;
        let at = now();
        acknowledged.push((at, at - sent));
    }
    stop.store(true, Ordering::Relaxed);
    Run {
        acknowledged,
        last_receipt: String::from_utf8_lossy(&line.body).into_owned(),
        vkey,
    }
}

/// A keep-alive connection: HTTP/1.1 as it stands on the line, because a client library costs more than the server's own part.
struct Line {
    stream: TlsStream<TcpStream>,
    buffer: Vec<u8>,
    body: Vec<u8>,
}

impl Line {
    async fn open(server: SocketAddr, tls: &TlsConnector) -> Self {
        let stream = TcpStream::connect(server)
            .await
            .expect("the server listens");
        stream.set_nodelay(true).expect("a socket has options");
        let name = ServerName::from(server.ip());
        let stream = tls
            .connect(name, stream)
            .await
            .expect("the server has its certificate");
        Self {
            stream,
            buffer: Vec::with_capacity(4096),
            body: Vec::new(),
        }
    }

    /// Sends a request and reads the answer, which must have this status and a length.
    async fn ask(&mut self, request: &[u8], status: u16) -> &[u8] {
        self.stream
            .write_all(request)
            .await
            .expect("the request goes out");
        self.stream.flush().await.expect("the request goes out");
        self.buffer.clear();
        let (head, length) = loop {
            let read = self.stream.read_buf(&mut self.buffer).await;
            assert!(read.expect("an answer comes") > 0, "the server hung up");
            if let Some(end) = self.buffer.windows(4).position(|w| w == b"\r\n\r\n") {
                let head = std::str::from_utf8(&self.buffer[..end]).expect("headers are text");
                assert_eq!(
                    head.get(9..12),
                    Some(status.to_string().as_str()),
                    "{}",
                    String::from_utf8_lossy(&self.buffer)
                );
                let length = head
                    .lines()
                    .find_map(|l| l.strip_prefix("content-length: "))
                    .expect("an answer has a length");
                break (
                    end + 4,
                    length.parse::<usize>().expect("a length is a number"),
                );
            }
        };
        while self.buffer.len() < head + length {
            let read = self.stream.read_buf(&mut self.buffer).await;
            assert!(read.expect("an answer comes") > 0, "the server hung up");
        }
        self.body.clear();
        self.body.extend_from_slice(&self.buffer[head..]);
        &self.body
    }
}
