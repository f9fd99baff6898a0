//! A server whose machine vanishes: what was sent to it is answered by nothing.

use std::time::Duration;

use ldsp_cluster::Cluster;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, UnixStream};
use tokio::sync::watch;
use tokio::time::timeout;

use super::tests::{open, unusable};
use crate::store::conformance::{SIGN, month};
use crate::store::{Backend, Log, Placed, Registry};
use crate::testing::{Sim, admit};

/// A test that waits for the network fails instead of hanging.
const NEVER: Duration = Duration::from_secs(60);

/// Passes bytes on to the server's socket. Once the server has vanished connections stay open and nothing comes from them.
async fn road(listener: TcpListener, socket: String, vanished: watch::Receiver<bool>) {
    loop {
        let (mut outside, _) = listener.accept().await.unwrap();
        let mut inside = UnixStream::connect(&socket).await.unwrap();
        let mut vanished = vanished.clone();
        tokio::spawn(async move {
            tokio::select! {
                _ = copy_bidirectional(&mut outside, &mut inside) => return,
                word = vanished.wait_for(|vanished| *vanished) => drop(word),
            }
            drop(inside);
            std::future::pending::<()>().await;
            drop(outside);
        });
    }
}

#[tokio::test]
async fn a_server_that_vanished_is_not_waited_for_and_is_found_again() {
    let database = Cluster::shared().database();
    let url = database.url();
    let (_, folder) = url.split_once("?host=").unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (vanish, vanished) = watch::channel(false);
    let socket = format!("{folder}/.s.PGSQL.5432");
    let road = tokio::spawn(road(listener, socket, vanished));
    let url = format!(
        "postgres://ldsp@{address}/{}?sslmode=disable",
        database.name()
    );
    let mut store = open(&url).await.unwrap();
    store.silence = Duration::from_millis(200);
    let mut sim = Sim::new(0);
    admit(&store, &sim).await;
    let mut history = vec![];
    let sent = [month(&mut sim, &mut history), month(&mut sim, &mut history)];
    store.append(&sent[..1], SIGN).await.unwrap();

    vanish.send(true).unwrap();
    let backend = Backend::from(store.clone());
    let lost = timeout(NEVER, backend.append(&sent[1..], SIGN)).await;
    let reason = unusable(lost.expect("it is not waited for"));
    assert!(reason.contains("does not answer"), "{reason}");
    let lost = timeout(NEVER, backend.node(&sim.slug)).await;
    unusable(lost.expect("it is not waited for"));

    vanish.send(false).unwrap();
    let found = timeout(NEVER, store.append(&sent[1..], SIGN)).await;
    let appended = found.expect("the old connection is not waited for");
    assert_eq!(appended.unwrap().placed, [Placed::Logged(1)]);
    let node = timeout(NEVER, store.node(&sim.slug)).await.unwrap();
    assert_eq!(node.unwrap().unwrap().head.seq, 2);
    road.abort();
}
