//! A listener that holds a bounded number of connections: others wait in the operating system's queue, unaccepted. A client
//! that does not take its answer is let go.

use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::extract::connect_info::Connected;
use axum_server::{AddrListener, Address};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Sleep, sleep};

use crate::patience::worth;
use crate::server::Limits;

/// The listener.
#[derive(Debug)]
pub(crate) struct Door {
    listener: TcpListener,
    room: Arc<Semaphore>,
    limits: Limits,
}

impl Door {
    pub(crate) fn new(listener: std::net::TcpListener, limits: Limits) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        Ok(Self {
            listener: TcpListener::from_std(listener)?,
            room: Arc::new(Semaphore::new(limits.connections)),
            limits,
        })
    }
}

/// Where a connection comes from.
#[derive(Clone, Debug)]
pub(crate) struct Peer(SocketAddr);

impl Connected<Peer> for SocketAddr {
    fn connect_info(peer: Peer) -> Self {
        peer.0
    }
}

impl Address for Peer {
    type Stream = Guest;
    type Listener = Door;
}

impl AddrListener<Guest, Peer> for Door {
    async fn bind_to(at: Peer) -> io::Result<Self> {
        Self::new(std::net::TcpListener::bind(at.0)?, Limits::default())
    }

    async fn accept_stream(&self) -> io::Result<(Guest, Peer)> {
        let place = self.room.clone().acquire_owned().await;
        let place = place.map_err(io::Error::other)?;
        let (stream, peer) = self.listener.accept().await?;
        // An answer is one write and must not wait for the one before to be acknowledged.
        stream.set_nodelay(true)?;
        let guest = Guest {
            stream,
            reader: Reader::new(&self.limits),
            _place: place,
        };
        Ok((guest, Peer(peer)))
    }

    fn get_local_addr(&self) -> io::Result<Peer> {
        self.listener.local_addr().map(Peer)
    }
}

/// A connection with its place, which is free again when the connection ends, however it does.
#[derive(Debug)]
pub(crate) struct Guest {
    stream: TcpStream,
    reader: Reader,
    _place: OwnedSemaphorePermit,
}

impl Guest {
    fn stream(self: Pin<&mut Self>) -> Pin<&mut TcpStream> {
        Pin::new(&mut self.get_mut().stream)
    }
}

impl AsyncRead for Guest {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = into.filled().len();
        let read = Pin::new(&mut this.stream).poll_read(cx, into);
        if into.filled().len() > before {
            // Who asks again has taken what it was answered before.
            this.reader.late = None;
        }
        read
    }
}

impl AsyncWrite for Guest {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        from: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_write(cx, from);
        this.reader.judge(written, cx)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream().poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream().poll_shutdown(cx)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        from: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_write_vectored(cx, from);
        this.reader.judge(written, cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

/// How fast the other side has to take its answer: nothing for a while, or a byte now and then, holds a connection that others
/// wait for.
#[derive(Debug)]
struct Reader {
    wait: Duration,
    rate: u32,
    /// Runs from the first write that had to wait; each byte taken puts it off.
    late: Option<Pin<Box<Sleep>>>,
}

impl Reader {
    fn new(limits: &Limits) -> Self {
        Self {
            wait: limits.answer,
            rate: limits.answer_rate,
            late: None,
        }
    }

    fn judge(
        &mut self,
        written: Poll<io::Result<usize>>,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        match (&written, &mut self.late) {
            (Poll::Ready(Ok(bytes)), Some(late)) => {
                let later = late.deadline() + worth(*bytes, self.rate);
                late.as_mut().reset(later);
            }
            (Poll::Pending, late) => {
                let late = late.get_or_insert_with(|| Box::pin(sleep(self.wait)));
                if late.as_mut().poll(cx).is_ready() {
                    return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
                }
            }
            _ => {}
        }
        written
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_byte_taken_now_and_then_is_too_slow() {
        let mut reader = Reader::new(&Limits::default());
        let mut waits = 0;
        let outcome = std::future::poll_fn(|cx| match reader.judge(Poll::Pending, cx) {
            Poll::Pending if waits < 1_000 => {
                waits += 1;
                // The other side takes a byte, and the next write has to wait again.
                assert!(reader.judge(Poll::Ready(Ok(1)), cx).is_ready());
                reader.judge(Poll::Pending, cx)
            }
            outcome => outcome,
        })
        .await;
        assert_eq!(outcome.unwrap_err().kind(), io::ErrorKind::TimedOut);
        assert!(waits < 10, "{waits}");
    }
}
