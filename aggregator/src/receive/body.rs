//! Bodies of requests. Large ones are read in turns, so that those who send them cannot fill the memory together.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{ConnectInfo, FromRequest as _, Request};
use axum::http::header;
use ldsp_ui::{Turn, Turns};

use super::Refusal;

/// Bytes of a body that is read at once, whoever else sends one: of all connections together 32 MiB.
pub(super) const SMALL: usize = 64 * 1024;
/// Larger bodies at once, each held until its request is answered.
const LARGE: usize = 16;
/// Of these, from one address (for IPv6 a /64).
const LARGE_OF_ONE: usize = 4;

/// The turns of large bodies.
#[derive(Debug, Clone)]
pub(super) struct Large(Arc<Turns>);

impl Default for Large {
    fn default() -> Self {
        Self(Arc::new(Turns::new(LARGE, LARGE_OF_ONE)))
    }
}

impl Large {
    /// Reads the body, with its turn where it is large or does not say how large it is. Until the turn has come the bytes stay
    /// with the sender.
    pub(super) async fn read(&self, request: Request) -> Result<(Bytes, Option<Turn>), Refusal> {
        let length = request.headers().get(header::CONTENT_LENGTH);
        let length: Option<usize> = length.and_then(|l| l.to_str().ok()?.parse().ok());
        let turn = if length.is_some_and(|length| length <= SMALL) {
            None
        } else {
            let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
            Some(self.0.wait(peer.map(|peer| peer.0.ip())).await)
        };
        Ok((Bytes::from_request(request, &()).await?, turn))
    }
}
