//! A first look at a file while it still arrives: whether the import will refuse it for what has come already.

use super::rows::{self, RECORD_BYTES};

/// Follows the rows of a file. It says "enough" only of what the reader of rows refuses for certain: a NUL byte, or a row of
/// several times the longest one. Of a workbook it never says so: that is measured when it is whole.
#[derive(Debug)]
pub(crate) struct Scan {
    state: State,
    row: u64,
    /// The first bytes.
    start: [u8; 4],
    seen: usize,
    /// Whether the file is XML, which may have all of it in one line; `None` before its first visible byte.
    is_markup: Option<bool>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    FieldStart,
    Plain,
    Quoted,
    /// A mark within quotes: the end of the field, or the first of a pair.
    Mark,
}

/// The reader counts whole buffers, so its own limit is not exact.
const CERTAIN: u64 = 4 * RECORD_BYTES;

impl Scan {
    /// Before the first byte.
    pub(crate) fn new() -> Self {
        Self {
            state: State::FieldStart,
            row: 0,
            start: [0; 4],
            seen: 0,
            is_markup: None,
        }
    }

    /// Takes the next bytes; true when the rest of the file is not worth reading.
    pub(crate) fn is_enough(&mut self, bytes: &[u8]) -> bool {
        let missing = self.start.len() - self.seen;
        for byte in bytes.iter().take(missing) {
            self.start[self.seen] = *byte;
            self.seen += 1;
        }
        if rows::is_workbook(&self.start[..self.seen]) {
            return false;
        }
        let visible = |b: &&u8| !b.is_ascii_whitespace() && !b"\xef\xbb\xbf".contains(b);
        if self.is_markup.is_none() {
            self.is_markup = bytes.iter().find(visible).map(|b| *b == b'<');
        }
        if self.is_markup == Some(true) {
            return bytes.contains(&0);
        }
        for byte in bytes {
            self.state = match (self.state, *byte) {
                (_, 0) => return true,
                (State::FieldStart, b'"') => State::Quoted,
                (State::Quoted, b'"') => State::Mark,
                (State::Mark, b'"') | (State::Quoted, _) => State::Quoted,
                (_, b'\n' | b'\r') => {
                    self.row = 0;
                    State::FieldStart
                }
                (_, b',') => State::FieldStart,
                _ => State::Plain,
            };
            self.row += 1;
            if self.row > CERTAIN {
                return true;
            }
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_refused_for_certain_is_enough() {
        let row = format!("\"a \"\"b\"\"\n\",5\" disk,{}\r\n", "x".repeat(900));
        let mut scan = Scan::new();
        for _ in 0..2_000 {
            assert!(!scan.is_enough(row.as_bytes()));
        }
        assert!(scan.is_enough(b"a,\0"));
        let mut workbook = Scan::new();
        for piece in [&b"P"[..], b"K", b"\x03\x04\0\0", &[0; 9_000]] {
            assert!(!workbook.is_enough(piece));
        }
        let mut scan = Scan::new();
        assert!(!scan.is_enough(b"provider,aim\n\"open"));
        let pieces = (1..).find(|_| scan.is_enough(row.replace('"', "").as_bytes()));
        assert!(pieces.unwrap() < 400, "{pieces:?}");
        let mut scan = Scan::new();
        for piece in [&b"\xef\xbb\xbf"[..], b"\n <"]
            .into_iter()
            .chain([&[b'x'; 900][..]; 2_000])
        {
            assert!(!scan.is_enough(piece));
        }
        assert!(scan.is_enough(b"\0"));
    }
}
