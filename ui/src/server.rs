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

/// A client has this long to send a request's headers; also how long an idle connection is kept.
const HEADERS: Duration = Duration::from_secs(30);
/// Requests under way when the server is told to stop have this long to end.
const GRACE: Duration = Duration::from_secs(10);
/// Connections at once: many times what the people of one site and all nodes need, and half of the 1,024 open files that a
/// process is usually allowed, so that database and uploads never lack one.
const CONNECTIONS: usize = 512;

/// Serves `router` on `listener` until `shutdown` resolves and then lets requests under way end, for ten seconds at most.
///
/// HTTP/1.1 over TLS 1.2 or 1.3; the handshake has ten seconds. Handlers may ask for `ConnectInfo<SocketAddr>`. At most 512
/// connections are held at once; others wait until one ends.
///
/// # Errors
/// When the listener cannot be used. Faults of single connections are logged and do not end it.
pub async fn serve(
    listener: TcpListener,
    tls: Material,
    router: Router,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    serve_at_most(CONNECTIONS, listener, tls, router, shutdown).await
}

/// [`serve`] with another number of connections at once.
///
/// # Errors
/// As [`serve`].
pub async fn serve_at_most(
    connections: usize,
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
    let mut server = Server::from_listener(Door::new(listener, connections)?)
        .acceptor(RustlsAcceptor::new(RustlsConfig::from_config(tls.0)))
        .handle(handle)
        .http1_only()
        .accept_error_handler(
            |peer, error| tracing::debug!(?peer, %error, "a connection could not be accepted"),
        );
    server.http_builder().http1().header_read_timeout(HEADERS);
    let served = server
        .serve(router.into_make_service_with_connect_info::<SocketAddr>())
        .await;
    stopper.abort();
    served
}
