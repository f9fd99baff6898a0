//! A site over real TLS, asked by a client that trusts the private authority and nothing else.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot be set up should fail"
)]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;

use axum::Router;
use axum::extract::ConnectInfo;
use axum::routing::get;
use jiff::Timestamp;
use ldsp_ui::tls::{Material, PrivateCa};
use ldsp_ui::{Access, Frame, Nobody, Page, RoleTable, Rule, Site};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

struct Server {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    ended: JoinHandle<std::io::Result<()>>,
    authority: String,
}

fn start() -> Server {
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
    ]);
    let clock = Arc::new(|| Timestamp::UNIX_EPOCH);
    let site = Site::new(Frame::new("Served"), "https://site.example", Nobody, clock)
        .unwrap()
        .roles(roles);
    let pages = Router::new()
        .route("/", get(|| async { Page::new("Served").body("hello") }))
        .route(
            "/peer",
            get(|ConnectInfo(peer): ConnectInfo<SocketAddr>| async move { peer.ip().to_string() }),
        );
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let shutdown = async move { drop(stopped.await) };
    let ended = tokio::spawn(ldsp_ui::serve(
        listener,
        material,
        site.router(pages, Router::new()),
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
