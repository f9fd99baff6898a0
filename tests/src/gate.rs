//! A gate between a node and the aggregator: it passes TCP bytes on and can fail at a chosen byte. It sees
//! ciphertext only, so a request is known by its size: nothing but a statement is over [`STATEMENT`] bytes.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, PoisonError};

/// Every summary's envelope is larger than this, and every other request with its TLS handshake is smaller.
pub const STATEMENT: usize = 4 * 1024;

/// Every answer to a statement with its headers is larger than this, and TLS's own records after the handshake are smaller.
const ANSWER: usize = 600;

/// What the gate does with connections that come from now on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Passes everything on.
    Open,
    /// Closes connections at once: the server looks as if it were down.
    Closed,
    /// Lets half of a statement through and no more; says [`Event::Cut`].
    CutRequest,
    /// Lets the statement through and nothing of the answer; says [`Event::Answered`].
    HoldAnswer,
}

/// What happened at the gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// A statement is half-way through; both sides wait.
    Cut,
    /// The server answered a statement; the answer is held back.
    Answered,
}

#[derive(Debug)]
struct Setting {
    mode: Mode,
    target: Option<SocketAddr>,
}

/// The gate. Its address stays the same while servers behind it come and go.
#[derive(Debug)]
pub struct Gate {
    /// Where clients connect.
    pub address: SocketAddr,
    setting: Arc<Mutex<Setting>>,
    events: Receiver<Event>,
}

impl Gate {
    /// A closed gate.
    #[must_use]
    pub fn new() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port is free");
        let address = listener.local_addr().expect("a listener has an address");
        let setting = Arc::new(Mutex::new(Setting {
            mode: Mode::Open,
            target: None,
        }));
        let (sender, events) = mpsc::channel();
        let shared = Arc::clone(&setting);
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let (mode, target) = {
                    let setting = shared.lock().unwrap_or_else(PoisonError::into_inner);
                    (setting.mode, setting.target)
                };
                let Some(server) = target
                    .filter(|_| mode != Mode::Closed)
                    .and_then(|t| TcpStream::connect(t).ok())
                else {
                    continue;
                };
                pass(mode, client, server, &sender);
            }
        });
        Self {
            address,
            setting,
            events,
        }
    }

    /// From now on connections lead to `target`.
    pub fn lead_to(&self, target: SocketAddr) {
        self.setting
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .target = Some(target);
    }

    /// From now on new connections are treated so.
    pub fn set(&self, mode: Mode) {
        self.setting
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .mode = mode;
    }

    /// Waits for the next event.
    ///
    /// # Panics
    /// When the gate is gone.
    #[must_use]
    pub fn event(&self) -> Event {
        self.events
            .recv()
            .expect("the gate lives as long as the test")
    }
}

impl Default for Gate {
    fn default() -> Self {
        Self::new()
    }
}

fn pass(mode: Mode, client: TcpStream, server: TcpStream, events: &Sender<Event>) {
    let sent = Arc::new(Mutex::new(0_usize));
    let streams = (client.try_clone(), server.try_clone());
    let (Ok(client_again), Ok(server_again)) = streams else {
        return;
    };
    let (counter, to_test) = (Arc::clone(&sent), events.clone());
    std::thread::spawn(move || {
        let mut cut = false;
        copy(client, server, |bytes| {
            let mut sent = counter.lock().unwrap_or_else(PoisonError::into_inner);
            *sent += bytes;
            if mode == Mode::CutRequest && *sent > STATEMENT && !cut {
                cut = true;
                // The test may have ended.
                let _heard = to_test.send(Event::Cut);
            }
            !cut
        });
    });
    let to_test = events.clone();
    std::thread::spawn(move || {
        let mut answered = 0;
        copy(server_again, client_again, |bytes| {
            let statement = *sent.lock().unwrap_or_else(PoisonError::into_inner) > STATEMENT;
            if mode != Mode::HoldAnswer || !statement {
                return true;
            }
            let before = answered;
            answered += bytes;
            if before <= ANSWER && answered > ANSWER {
                let _heard = to_test.send(Event::Answered);
            }
            false
        });
    });
}

/// Copies until the end; chunks that `may_pass` forbids are swallowed.
fn copy(mut from: TcpStream, mut to: TcpStream, mut may_pass: impl FnMut(usize) -> bool) {
    let mut buffer = [0; 4096];
    loop {
        match from.read(&mut buffer) {
            Ok(0) | Err(_) => break,
            Ok(n) => {
                if may_pass(n) && to.write_all(&buffer[..n]).is_err() {
                    break;
                }
            }
        }
    }
    // Either side may have closed already.
    let _closed = to.shutdown(Shutdown::Write);
}
