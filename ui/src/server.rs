//! Serving a site over TLS. The caller owns the port and the signal to stop.

use std::future::Future;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use axum::Router;
use axum_server::Handle;
use axum_server::tls_rustls::{RustlsConfig, from_tcp_rustls};

use crate::tls::Material;

/// A client has this long to send a request's headers; also how long an idle connection is kept.
const HEADERS: Duration = Duration::from_secs(30);
/// Requests under way when the server is told to stop have this long to end.
const GRACE: Duration = Duration::from_secs(10);

/// Serves `router` on `listener` until `shutdown` resolves and then lets requests under way end, for ten seconds at most.
///
/// HTTP/1.1 over TLS 1.2 or 1.3; the handshake has ten seconds. Handlers may ask for `ConnectInfo<SocketAddr>`.
///
/// # Errors
/// When the listener cannot be used. Faults of single connections are logged and do not end it.
pub async fn serve(
    listener: TcpListener,
    tls: Material,
    router: Router,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let handle = Handle::new();
    let stopper = tokio::spawn({
        let handle = handle.clone();
        async move {
            shutdown.await;
            handle.graceful_shutdown(Some(GRACE));
        }
    });
    let mut server = from_tcp_rustls(listener, RustlsConfig::from_config(tls.0))?
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
