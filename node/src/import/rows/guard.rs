//! What a file's bytes pass on their way to the CSV reader: digested, followed, and stopped where no row can come of them.

use std::cell::Cell;
use std::io::{self, Read};

use sha2::{Digest as _, Sha256};

use super::RECORD_BYTES;
use crate::import::faults;
use crate::import::report::Fault;

/// Why the guard stopped a file.
#[derive(Debug, thiserror::Error)]
#[error("{}", .0.cause)]
pub(super) struct Stop(pub(super) Fault);

/// Digests what passes, follows the quotation marks, and stops NUL bytes and endless rows.
pub(super) struct Guard<R> {
    inner: R,
    pub(super) hash: Sha256,
    pub(super) quotes: Quotes,
    /// Bytes that may still be read for the row at hand.
    pub(super) left: Cell<u64>,
}

impl<R> Guard<R> {
    pub(super) fn new(inner: R, separator: u8) -> Self {
        Self {
            inner,
            hash: Sha256::new(),
            quotes: Quotes::new(separator),
            left: Cell::new(RECORD_BYTES),
        }
    }
}

impl<R: Read> Read for Guard<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let stop = |fault| io::Error::new(io::ErrorKind::InvalidData, Stop(fault));
        let left = self.left.get();
        if left == 0 {
            return Err(stop(faults::RECORD_SIZE));
        }
        let most = buffer
            .len()
            .min(usize::try_from(left).unwrap_or(usize::MAX));
        let n = self.inner.read(&mut buffer[..most])?;
        let bytes = &buffer[..n];
        if bytes.contains(&0) {
            return Err(stop(faults::NUL));
        }
        self.hash.update(bytes);
        self.quotes.follow(bytes);
        self.left.set(left - n as u64);
        Ok(n)
    }
}

/// Where a reader of RFC 4180 stands: the CSV reader accepts a quotation mark that is still open at
/// the end of the file, we do not.
pub(super) struct Quotes {
    state: State,
    separator: u8,
    line: u64,
    /// Line of the latest opening mark.
    pub(super) opened: u64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    FieldStart,
    Plain,
    Quoted,
    /// A mark within quotes: the end of the field, or the first of a pair.
    Mark,
}

impl Quotes {
    fn new(separator: u8) -> Self {
        Self {
            state: State::FieldStart,
            separator,
            line: 1,
            opened: 0,
        }
    }

    fn follow(&mut self, bytes: &[u8]) {
        let unquoted = matches!(self.state, State::FieldStart | State::Plain);
        if let (true, true, Some(last)) = (unquoted, self.line > 1, bytes.last())
            && !bytes.contains(&b'"')
        {
            // Most of a file: then only the end matters.
            self.line += bytes.iter().map(|b| u64::from(*b == b'\n')).sum::<u64>();
            self.state = match last {
                b'\n' | b'\r' => State::FieldStart,
                last if *last == self.separator => State::FieldStart,
                _ => State::Plain,
            };
            return;
        }
        for byte in bytes {
            if *byte == b'\n' {
                self.line += 1;
            }
            self.state = match (self.state, *byte) {
                (State::FieldStart, b'"') => {
                    self.opened = self.line;
                    State::Quoted
                }
                (State::Quoted, b'"') => State::Mark,
                (State::Mark, b'"') | (State::Quoted, _) => State::Quoted,
                (_, b'\n' | b'\r') => State::FieldStart,
                (_, byte) if byte == self.separator => State::FieldStart,
                // A byte order mark stands before the first field.
                (State::FieldStart, 0xEF | 0xBB | 0xBF) if self.line == 1 => State::FieldStart,
                _ => State::Plain,
            };
        }
    }

    pub(super) fn open(&self) -> bool {
        self.state == State::Quoted
    }
}
