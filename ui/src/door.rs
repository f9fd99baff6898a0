//! A listener that holds a bounded number of connections: others wait in the operating system's queue, unaccepted. One address
//! has a share of them; what it opens beyond that is closed at once. A client that does not take its answer is let go.

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
use crate::share::Shares;

/// The listener.
#[derive(Debug)]
pub(crate) struct Door {
    listener: TcpListener,
    room: Arc<Semaphore>,
    shares: Shares,
    limits: Limits,
}

impl Door {
    pub(crate) fn new(listener: std::net::TcpListener, limits: Limits) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        Ok(Self {
            listener: TcpListener::from_std(listener)?,
            room: Arc::new(Semaphore::new(limits.connections)),
            shares: Shares::new(limits.per_address),
            limits,
        })
    }
}

impl Door {
    /// The next connection from an address that has not taken its share yet.
    async fn next(&self) -> io::Result<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
        loop {
            let (stream, peer) = self.listener.accept().await?;
            match self.shares.of(Some(peer.ip())).try_acquire_owned() {
                Ok(share) => return Ok((stream, peer, share)),
                // Left waiting it would keep those behind it from the door.
                Err(_) => {
                    tracing::debug!(%peer, "an address has more connections than its share");
                }
            }
        }
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
        let (stream, peer, share) = self.next().await?;
        // An answer is one write and must not wait for the one before to be acknowledged.
        stream.set_nodelay(true)?;
        let guest = Guest {
            stream,
            reader: Reader::new(&self.limits),
            _place: place,
            _share: share,
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
    _share: OwnedSemaphorePermit,
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
        self.stream().poll_read(cx, into)
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
        let this = self.get_mut();
        // Nothing waits to be written any more. What is read says nothing: half a record of TLS now and then is no request.
        this.reader.late = None;
        Pin::new(&mut this.stream).poll_flush(cx)
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
    /// Runs from the first write that had to wait until all is written; each byte taken puts it off.
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
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    /// A connection to a door, and the other end of it.
    async fn guest(door: &Door) -> (Guest, TcpStream) {
        let address = door.listener.local_addr().unwrap();
        let (inside, outside) = tokio::join!(door.accept_stream(), TcpStream::connect(address));
        (inside.unwrap().0, outside.unwrap())
    }

    fn door(limits: Limits) -> Door {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        Door::new(listener, limits).unwrap()
    }

    #[tokio::test]
    async fn what_a_client_sends_does_not_excuse_that_it_reads_nothing() {
        let (mut guest, mut other) = guest(&door(Limits::default())).await;
        let piece = [0; 65_536];
        let full = std::future::poll_fn(|cx| {
            while let Poll::Ready(written) = Pin::new(&mut guest).poll_write(cx, &piece) {
                written.unwrap();
            }
            Poll::Ready(())
        });
        full.await;
        assert!(guest.reader.late.is_some());
        other.write_all(b"half a record of TLS").await.unwrap();
        assert!(guest.read(&mut [0; 64]).await.unwrap() > 0);
        assert!(guest.reader.late.is_some());
    }

    #[tokio::test]
    async fn who_has_taken_an_answer_has_as_long_for_the_next() {
        let (mut guest, _other) = guest(&door(Limits::default())).await;
        let never = std::future::poll_fn(|cx| Poll::Ready(guest.reader.judge(Poll::Pending, cx)));
        assert!(never.await.is_pending());
        guest.flush().await.unwrap();
        assert!(guest.reader.late.is_none());
    }

    #[tokio::test]
    async fn one_address_cannot_take_all_connections() {
        let door = door(Limits {
            per_address: 2,
            ..Limits::default()
        });
        let (first, _one) = guest(&door).await;
        let (_second, _two) = guest(&door).await;
        let address = door.listener.local_addr().unwrap();
        let mut waiting = Box::pin(door.accept_stream());
        let mut surplus = TcpStream::connect(address).await.unwrap();
        let mut byte = [0];
        let ended = tokio::select! {
            _ = &mut waiting => panic!("the address has its share already"),
            ended = surplus.read(&mut byte) => ended,
        };
        assert!(matches!(ended, Ok(0) | Err(_)), "it was closed: {ended:?}");
        drop(first);
        let (next, _later) = tokio::join!(waiting, TcpStream::connect(address));
        next.unwrap();
    }

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
