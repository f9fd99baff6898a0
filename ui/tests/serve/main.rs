//! A site over real TLS, asked by a client that trusts the private authority and nothing else.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot be set up should fail"
)]

mod hostile;
mod refused_early;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{ConnectInfo, DefaultBodyLimit, Multipart};
use axum::http::StatusCode;
use axum::routing::{get, post, put};
use jiff::Timestamp;
use ldsp_ui::tls::{Material, PrivateCa};
use ldsp_ui::{Access, Frame, Limits, Nobody, Page, Patience, RoleTable, Rule, Site};
use rustls::crypto::aws_lc_rs;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

struct Server {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    ended: JoinHandle<std::io::Result<()>>,
    authority: String,
}

/// Most bytes of a statement here.
const BODY: usize = 1024 * 1024;
/// More than the system keeps for a client that does not read.
const LONG_ANSWER: usize = 64 * 1024 * 1024;
/// What a test has to wait for when a client is to be given up.
const SHORT: Duration = Duration::from_millis(50);

fn start() -> Server {
    start_with(Patience::default(), Limits::default())
}

/// A form with a file; refused with the page's own words when it breaks off.
async fn upload(mut form: Multipart) -> (StatusCode, String) {
    loop {
        match form.next_field().await {
            Ok(Some(field)) => match field.bytes().await {
                Ok(_) => {}
                Err(error) => return (StatusCode::BAD_REQUEST, error.body_text()),
            },
            Ok(None) => return (StatusCode::OK, "whole".to_owned()),
            Err(error) => return (StatusCode::BAD_REQUEST, error.body_text()),
        }
    }
}

async fn statement(body: Result<Bytes, BytesRejection>) -> StatusCode {
    body.map_or_else(|refused| refused.status(), |_| StatusCode::CREATED)
}

fn start_with(patience: Patience, limits: Limits) -> Server {
    // Clients judge certificates by the system's clock, so these hold from 2000 to 2099.
    let (from, to) = (
        Timestamp::from_second(946_684_800).unwrap(),
        Timestamp::from_second(4_070_908_800).unwrap(),
    );
    let ca = PrivateCa::generate(from, to).unwrap();
    let material: Material = ca
        .issue(&["127.0.0.1", "site.example"], from, to)
        .unwrap()
        .material()
        .unwrap();
    let roles = RoleTable::new([
        Rule::get("/", Access::Public),
        Rule::get("/peer", Access::Public),
        Rule::post("/upload", Access::Public),
        Rule::post("/busy", Access::Public),
        Rule::get("/long", Access::Public),
    ]);
    let clock = Arc::new(|| Timestamp::UNIX_EPOCH);
    let site = Site::new(Frame::new("Served"), "https://site.example", Nobody, clock)
        .unwrap()
        .patience(patience)
        .roles(roles);
    let pages = Router::new()
        .route("/", get(|| async { Page::new("Served").body("hello") }))
        .route(
            "/peer",
            get(|ConnectInfo(peer): ConnectInfo<SocketAddr>| async move { peer.ip().to_string() }),
        )
        .route("/upload", post(upload))
        .route(
            "/busy",
            post(|| async { (StatusCode::CONFLICT, Page::new("Busy").body("later")) }),
        )
        .route("/long", get(|| async { "x".repeat(LONG_ANSWER) }));
    let machine = Router::new()
        .route("/v1/statement", put(statement))
        .layer(DefaultBodyLimit::max(BODY));
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let shutdown = async move { drop(stopped.await) };
    let ended = tokio::spawn(ldsp_ui::serve_within(
        limits,
        listener,
        material,
        site.router(pages, machine),
        shutdown,
    ));
    Server {
        address,
        stop,
        ended,
        authority: ca.certificate_pem().to_owned(),
    }
}

fn client(authority: Option<&str>) -> reqwest::Client {
    let roots = authority.map(|pem| reqwest::Certificate::from_pem(pem.as_bytes()).unwrap());
    reqwest::Client::builder()
        .tls_certs_only(roots)
        .build()
        .unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_are_served_over_tls_until_told_to_stop() {
    let server = start();
    let base = format!("https://{}", server.address);
    let client = client(Some(&server.authority));
    let page = client.get(&base).send().await.unwrap();
    assert_eq!(page.version(), reqwest::Version::HTTP_11);
    assert_eq!(page.status(), 200);
    assert!(page.text().await.unwrap().contains("hello"));
    assert_eq!(
        client
            .get(format!("{base}/peer"))
            .send()
            .await
            .unwrap()
            .text()
            .await
            .unwrap(),
        "127.0.0.1"
    );

    server.stop.send(()).unwrap();
    server.ended.await.unwrap().unwrap();
    assert!(client.get(&base).send().await.is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn strangers_to_the_authority_and_plain_http_get_nothing() {
    let server = start();
    let other = start();
    let stranger = client(Some(&other.authority))
        .get(format!("https://{}", server.address))
        .send()
        .await;
    assert!(
        stranger.is_err(),
        "another authority of the same name is not trusted"
    );

    let address = server.address;
    let plain = tokio::task::spawn_blocking(move || {
        let mut socket = TcpStream::connect(address).unwrap();
        socket
            .write_all(b"GET / HTTP/1.1\r\nHost: site.example\r\n\r\n")
            .unwrap();
        let mut answer = Vec::new();
        // A reset is as good as an end.
        drop(socket.read_to_end(&mut answer));
        answer
    });
    assert!(!plain.await.unwrap().starts_with(b"HTTP"));
    for server in [server, other] {
        server.stop.send(()).unwrap();
        server.ended.await.unwrap().unwrap();
    }
}

type Line = StreamOwned<ClientConnection, TcpStream>;

/// A bare TLS connection, to send what no decent client sends.
fn dial(server: &Server) -> Line {
    let mut roots = RootCertStore::empty();
    let authority = CertificateDer::from_pem_slice(server.authority.as_bytes()).unwrap();
    roots.add(authority).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = "site.example".try_into().unwrap();
    let connection = ClientConnection::new(Arc::new(config), name).unwrap();
    StreamOwned::new(connection, TcpStream::connect(server.address).unwrap())
}

/// Everything until the server closes the connection.
fn all(line: &mut Line) -> String {
    let mut answer = Vec::new();
    // Closed without the goodbye of TLS is closed all the same.
    drop(line.read_to_end(&mut answer));
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_that_stalls_is_answered_408_and_the_connection_ends() {
    let server = start_with(
        Patience {
            stall: SHORT,
            ..Patience::default()
        },
        Limits::default(),
    );
    let multipart = "POST /upload HTTP/1.1\r\nHost: site.example\r\nSec-Fetch-Site: same-origin\r\n\
        Content-Type: multipart/form-data; boundary=b\r\nContent-Length: 9000\r\n\r\n\
        --b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"f\"\r\n\r\nhalf a";
    let envelope =
        "PUT /v1/statement HTTP/1.1\r\nHost: site.example\r\nContent-Length: 9000\r\n\r\n{\"half";
    let sign_in = "POST /sign-in HTTP/1.1\r\nHost: site.example\r\nSec-Fetch-Site: same-origin\r\n\
        Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 9000\r\n\r\nname=a";
    let mut lines = [dial(&server), dial(&server), dial(&server)];
    let answers = tokio::task::spawn_blocking(move || {
        let mut answers = Vec::new();
        for (line, request) in lines.iter_mut().zip([multipart, envelope, sign_in]) {
            line.write_all(request.as_bytes()).unwrap();
            answers.push(all(line));
        }
        answers
    });
    let answers = answers.await.unwrap();
    for answer in &answers {
        assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
        assert!(answer.contains("\r\nconnection: close\r\n"), "{answer}");
    }
    for page in [&answers[0], &answers[2]] {
        assert!(page.contains("request_stalled") && page.contains("<title>"));
    }
    assert!(!answers[1].contains('<'), "a program gets no page");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_too_many_waits_until_another_ends() {
    let server = start_with(
        Patience::default(),
        Limits {
            connections: 1,
            ..Limits::default()
        },
    );
    let (mut first, mut second) = (dial(&server), dial(&server));
    let answer = tokio::task::spawn_blocking(move || {
        let mut begun = [0; 12];
        first
            .write_all(b"GET / HTTP/1.1\r\nHost: site.example\r\n\r\n")
            .unwrap();
        first.read_exact(&mut begun).unwrap();
        assert_eq!(&begun, b"HTTP/1.1 200");
        let wait = Some(Duration::from_millis(50));
        second.sock.set_read_timeout(wait).unwrap();
        let request = b"GET /peer HTTP/1.1\r\nHost: site.example\r\nConnection: close\r\n\r\n";
        let early = second.write_all(request).and_then(|()| {
            // Nothing comes, not even the server's half of the handshake.
            second.read_exact(&mut begun)
        });
        assert!(
            matches!(early, Err(error) if error.kind() == std::io::ErrorKind::WouldBlock),
            "the first connection is still open"
        );
        drop(first);
        second.sock.set_read_timeout(None).unwrap();
        second.write_all(request).unwrap();
        all(&mut second)
    });
    let answer = answer.await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
}
