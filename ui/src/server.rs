//! Serving a site over TLS. The caller owns the port and the signal to stop.

use std::future::Future;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use axum::Router;
use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};
use axum_server::{Handle, Server};

use crate::door::{Door, Peer};
use crate::tls::Material;

/// Requests under way when the server is told to stop have this long to end.
const GRACE: Duration = Duration::from_secs(10);
/// Most bytes of a connection that are held while a request is read. Requests with more than this before their body are
/// answered 431 without a word.
const BUFFER: usize = 128 * 1024;

/// What one server grants its clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Connections at once; others wait until one ends.
    pub connections: usize,
    /// Of these at most so many of one address (for IPv6 a /64); those that are too many are closed at once.
    pub per_address: usize,
    /// For the handshake of TLS.
    pub handshake: Duration,
    /// For a request's headers; also how long an idle connection is kept.
    pub headers: Duration,
    /// A client that takes nothing of its answer for this long is let go.
    pub answer: Duration,
    /// Bytes of an answer that have to be taken each second on average, after a first `answer`.
    pub answer_rate: u32,
}

impl Default for Limits {
    /// 512 connections: many times what the people of one site and all nodes need, and half of the 1,024 open files that a
    /// process is usually allowed, so that database and uploads never lack one. A quarter of them for one address: twice the
    /// nodes of a country behind one office's address, and too few to keep the others out. Ten seconds for the handshake, 30
    /// for headers and answers, 8 KiB a second.
    fn default() -> Self {
        Self {
            connections: 512,
            per_address: 128,
            handshake: Duration::from_secs(10),
            headers: Duration::from_secs(30),
            answer: Duration::from_secs(30),
            answer_rate: 8 * 1024,
        }
    }
}

/// Serves `router` on `listener` until `shutdown` resolves and then lets requests under way end, for ten seconds at most.
///
/// HTTP/1.1 over TLS 1.2 or 1.3, within [`Limits::default`]. Handlers may ask for `ConnectInfo<SocketAddr>`.
///
/// # Errors
/// When the listener cannot be used. Faults of single connections are logged and do not end it.
pub async fn serve(
    listener: TcpListener,
    tls: Material,
    router: Router,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    serve_within(Limits::default(), listener, tls, router, shutdown).await
}

/// [`serve`] within other limits.
///
/// # Errors
/// As [`serve`].
pub async fn serve_within(
    limits: Limits,
    listener: TcpListener,
    tls: Material,
    router: Router,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let handle = Handle::<Peer>::new();
    let stopper = tokio::spawn({
        let handle = handle.clone();
        async move {
            shutdown.await;
            handle.graceful_shutdown(Some(GRACE));
        }
    });
    let tls = RustlsAcceptor::new(RustlsConfig::from_config(tls.0));
    let mut server = Server::from_listener(Door::new(listener, limits)?)
        .acceptor(tls.handshake_timeout(limits.handshake))
        .handle(handle)
        .http1_only()
        .accept_error_handler(
            |peer, error| tracing::debug!(?peer, %error, "a connection could not be accepted"),
        );
    server
        .http_builder()
        .http1()
        .header_read_timeout(limits.headers)
        .max_buf_size(BUFFER);
    let served = server
        .serve(router.into_make_service_with_connect_info::<SocketAddr>())
        .await;
    stopper.abort();
    served
}
