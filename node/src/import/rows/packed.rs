//! The guard before a workbook: a packed file is measured whole before anything in it is believed.
//!
//! An XLSX file is a ZIP archive of XML parts (ECMA-376). What reads it later buffers a tag and the text behind it, keeps all shared
//! strings and formats, and believes the sizes that the file states. So here every part is unpacked once, in 64 KiB pieces, and refused
//! for: more than [`UNPACKED`] bytes in all or [`RATIO`] times its packed size; a stated size that is not the true one; a tag, text or
//! cell of more than [`PIECE`] bytes; more than [`STRINGS`] shared strings or [`FORMATS`] formats; `<!…>`, which declares
//! entities or hides text and which no spreadsheet program writes.

use std::io::{self, Read, Seek, SeekFrom};

use ldsp_protocol::ids::Digest;
use sha2::{Digest as _, Sha256};
use zip::ZipArchive;
use zip::result::ZipError;

use super::Fault;
use crate::import::faults;

/// Parts of a workbook at most; a large one has some dozens.
const PARTS: usize = 4_096;
/// All parts, unpacked, in bytes: more than a full sheet (1,048,576 rows) of learners takes.
const UNPACKED: u64 = 1 << 30;
/// Unpacked bytes for each packed one, of a part of more than [`SMALL`]. Rows of records give 10 to 40; deflate can give 1,032.
const RATIO: u64 = 200;
/// A part of up to this many unpacked bytes may have any ratio.
const SMALL: u64 = 16 << 20;
/// A part that is neither a sheet nor the shared strings, in bytes: formats, pictures, what a pivot table keeps.
const OTHER: u64 = 32 << 20;
/// The shared strings, in bytes.
const TEXT: u64 = 96 << 20;
/// Shared strings at most.
const STRINGS: u64 = 2_000_000;
/// Formats, fonts, fills, borders and names together.
const FORMATS: u64 = 200_000;
/// Merged regions of all sheets.
const REGIONS: u64 = 100_000;
/// From one tag to the next, and within one cell, in bytes. A cell holds at most 32,767 characters.
const PIECE: usize = 256 << 10;
/// How much is unpacked at a time.
const BUFFER: usize = 64 << 10;
/// How much of a file tells what it is, in bytes.
pub(super) const SNIFFED: u64 = 4_096;

/// What was found about a workbook that may be read.
#[derive(Debug)]
pub(super) struct Facts {
    /// SHA-256 of the file as it came.
    pub(super) digest: Digest,
    /// Whether any sheet has merged cells.
    pub(super) merges: bool,
    /// Cells with a formula, on all sheets.
    pub(super) formulas: u64,
}

/// Measures `file` and leaves it at its beginning.
///
/// # Errors
/// It cannot be read.
pub(super) fn inspect(file: &mut (impl Read + Seek)) -> io::Result<Result<Facts, Fault>> {
    file.rewind()?;
    let (digest, entries) = digest(file)?;
    file.rewind()?;
    let seen = if entries > PARTS {
        Err(faults::BOMB)
    } else {
        unpack(file)?
    };
    file.rewind()?;
    Ok(seen.map(|seen| Facts {
        digest,
        merges: seen.regions > 0,
        formulas: seen.formulas,
    }))
}

/// What a file is that begins with these bytes and is no text.
pub(super) fn is_packed(start: &[u8]) -> bool {
    begins(start, b"PK\x03\x04")
}

/// Whether it is a compound file: a workbook of before 2007, or a newer one behind a password.
pub(super) fn is_compound(start: &[u8]) -> bool {
    begins(start, &[0xD0, 0xCF, 0x11, 0xE0])
}

/// Whether the first bytes of a file, as far as they are known, are those of a mark.
fn begins(start: &[u8], mark: &[u8; 4]) -> bool {
    let known = start.len().min(mark.len());
    known >= 2 && start[..known] == mark[..known]
}

/// What is wrong with a compound file.
pub(super) fn compound(file: &mut (impl Read + Seek)) -> io::Result<Fault> {
    // Names of streams in the directory of such a file, as UTF-16: what an encrypted workbook is kept in ([MS-OFFCRYPTO] 2.3.4.4), and what
    // documents and slides are.
    let streams = [
        ("EncryptedPackage", faults::PASSWORD),
        ("WordDocument", faults::DOCUMENT),
        ("PowerPoint Document", faults::DOCUMENT),
    ]
    .map(|(name, fault)| {
        let name: Vec<u8> = name.bytes().flat_map(|byte| [byte, 0]).collect();
        (name, fault)
    });
    file.rewind()?;
    let mut found = [false; 3];
    let longest = streams.iter().map(|(name, _)| name.len()).max();
    windows(file, longest.unwrap_or(0), |bytes| {
        for (found, (name, _)) in found.iter_mut().zip(&streams) {
            *found = *found || bytes.windows(name.len()).any(|part| part == name);
        }
    })?;
    let known = found.into_iter().zip(streams).find(|(found, _)| *found);
    Ok(known.map_or(faults::OLD_FORMAT, |(_, (_, fault))| fault))
}

/// Gives `take` the file piece by piece, each with the last bytes of the one before it, fewer than `overlap`.
fn windows(file: &mut impl Read, overlap: usize, mut take: impl FnMut(&[u8])) -> io::Result<()> {
    let mut buffer = vec![0; BUFFER];
    let mut kept = 0;
    loop {
        let n = match file.read(&mut buffer[kept..]) {
            Ok(0) => return Ok(()),
            Ok(n) => n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        let filled = kept + n;
        take(&buffer[..filled]);
        let keep = filled.min(overlap.saturating_sub(1));
        buffer.copy_within(filled - keep..filled, 0);
        kept = keep;
    }
}

/// The digest, and how many entries the archive's directory can have at most: the reader of archives keeps them all, and which of several
/// directories it believes is not known here.
fn digest(file: &mut (impl Read + Seek)) -> io::Result<(Digest, usize)> {
    const MARK: &[u8] = b"PK\x01\x02";
    let mut hash = Sha256::new();
    let (mut entries, mut before) = (0, 0);
    windows(file, MARK.len(), |bytes| {
        // What was kept of the last piece was digested with it.
        hash.update(&bytes[before..]);
        entries += bytes.windows(MARK.len()).filter(|w| *w == MARK).count();
        before = bytes.len().min(MARK.len() - 1);
    })?;
    Ok((Digest::from_bytes(hash.finalize().into()), entries))
}

/// Unpacks every part into nothing.
fn unpack(file: &mut (impl Read + Seek)) -> io::Result<Result<Seen, Fault>> {
    let mut archive = match ZipArchive::new(file) {
        Ok(archive) => archive,
        Err(error) => return trouble(error).map(Err),
    };
    if archive.len() > PARTS {
        return Ok(Err(faults::BOMB));
    }
    if let Some(fault) = kind(&mut archive) {
        return Ok(Err(fault));
    }
    let (mut seen, mut left) = (Seen::default(), UNPACKED);
    for at in 0..archive.len() {
        let mut part = match archive.by_index(at) {
            Ok(part) => part,
            Err(error) => return trouble(error).map(Err),
        };
        let (packed, stated) = (part.compressed_size(), part.size());
        if stated > left {
            return Ok(Err(faults::BOMB));
        }
        let markup = part.name().is_ok_and(|name| is_markup(&name));
        match measure(&mut part, packed, stated, markup, &mut seen) {
            Ok(bytes) => left -= bytes,
            Err(Trouble::Fault(fault)) => return Ok(Err(fault)),
            Err(Trouble::Io(error)) => return damaged(error).map(Err),
        }
    }
    Ok(Ok(seen))
}

/// What the archive is, when it is no workbook that is read here.
fn kind<R: Read + Seek>(archive: &mut ZipArchive<R>) -> Option<Fault> {
    let has = |name: &str| archive.index_for_name(name).is_some();
    if has("xl/workbook.bin") {
        return Some(faults::BINARY_WORKBOOK);
    }
    if has("word/document.xml") || has("ppt/presentation.xml") {
        return Some(faults::DOCUMENT);
    }
    if has("[Content_Types].xml") && has("_rels/.rels") {
        return None;
    }
    if !has("mimetype") || !has("content.xml") {
        return Some(faults::ARCHIVE);
    }
    // The type of an OpenDocument file stands in a part of its own, unpacked (OpenDocument 1.3, part 2, 3.3).
    let mut kind = String::new();
    let part = archive.by_name("mimetype").ok();
    let is_read = part.is_some_and(|part| part.take(100).read_to_string(&mut kind).is_ok());
    let is_document = is_read && (kind.contains(".text") || kind.contains(".presentation"));
    Some(if is_document {
        faults::DOCUMENT
    } else {
        faults::OPEN_DOCUMENT
    })
}

/// Whether a part is markup by its name. The shared strings have such a name wherever they stand; a part with another name is at most
/// [`OTHER`] bytes, unless it begins as markup does.
fn is_markup(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    [".xml", ".rels", ".vml"]
        .iter()
        .any(|end| name.ends_with(end))
}

enum Trouble {
    Fault(Fault),
    Io(io::Error),
}

impl From<Fault> for Trouble {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

/// Unpacks a part; gives its length in bytes.
fn measure(
    part: &mut impl Read,
    packed: u64,
    stated: u64,
    mut markup: bool,
    seen: &mut Seen,
) -> Result<u64, Trouble> {
    let mut buffer = vec![0; BUFFER];
    let mut scan = Scan::new(seen);
    let mut bytes: u64 = 0;
    loop {
        let n = match part.read(&mut buffer) {
            Ok(0) => break,
            Ok(n) => n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(Trouble::Io(error)),
        };
        bytes += n as u64;
        if bytes > stated || bytes > SMALL && bytes / RATIO > packed {
            return Err(faults::BOMB.into());
        }
        let piece = &buffer[..n];
        markup = markup || bytes == n as u64 && piece.trim_ascii_start().first() == Some(&b'<');
        if markup {
            scan.follow(piece)?;
        }
        if bytes > scan.most() {
            return Err(faults::BOMB.into());
        }
    }
    Ok(bytes)
}

/// An archive that cannot be read is damaged, unless it is the file that cannot.
fn trouble(error: ZipError) -> io::Result<Fault> {
    match error {
        ZipError::Io(error) => damaged(error),
        ZipError::InvalidPassword | ZipError::UnsupportedArchive(_) => Ok(faults::MARKUP),
        _ => Ok(faults::DAMAGED),
    }
}

fn damaged(error: io::Error) -> io::Result<Fault> {
    use io::ErrorKind::{InvalidData, InvalidInput, Other, UnexpectedEof, Unsupported};
    match error.kind() {
        InvalidData | InvalidInput | Other | UnexpectedEof | Unsupported => Ok(faults::DAMAGED),
        _ => Err(error),
    }
}

/// What the parts hold, all together.
#[derive(Debug, Default)]
struct Seen {
    strings: u64,
    formats: u64,
    regions: u64,
    formulas: u64,
}

/// Longest name of a tag that is told apart.
const NAME: usize = 24;
/// How much of the tag of the shared strings is looked at.
const TAG: usize = 1_024;

/// Follows the tags of a part.
struct Scan<'a> {
    seen: &'a mut Seen,
    /// Bytes since the last `<`, and since the cell began.
    run: usize,
    cell: usize,
    /// The name of the tag at hand, without its prefix.
    name: [u8; NAME],
    length: usize,
    naming: bool,
    closing: bool,
    is_sheet: bool,
    is_strings: bool,
    in_rows: bool,
    /// The tag that states how many strings there are.
    tag: Option<Vec<u8>>,
}

impl<'a> Scan<'a> {
    fn new(seen: &'a mut Seen) -> Self {
        Self {
            seen,
            run: 0,
            cell: 0,
            name: [0; NAME],
            length: 0,
            naming: false,
            closing: false,
            is_sheet: false,
            is_strings: false,
            in_rows: false,
            tag: None,
        }
    }

    fn most(&self) -> u64 {
        match (self.is_sheet, self.is_strings) {
            (true, false) => UNPACKED,
            (false, true) => TEXT,
            _ => OTHER,
        }
    }

    fn follow(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        for &byte in bytes {
            self.cell += 1;
            if byte == b'<' {
                (self.run, self.length) = (0, 0);
                (self.naming, self.closing) = (true, false);
                continue;
            }
            self.run += 1;
            // What is no ASCII at all, such as UTF-16, would hide its tags.
            if byte == 0 {
                return Err(faults::MARKUP);
            }
            if self.run > PIECE || self.in_rows && self.cell > PIECE {
                return Err(faults::BOMB);
            }
            if self.naming {
                self.letter(byte)?;
            }
            if let Some(tag) = &mut self.tag {
                tag.push(byte);
                if byte == b'>' || tag.len() == TAG {
                    self.stated()?;
                }
            }
        }
        Ok(())
    }

    fn letter(&mut self, byte: u8) -> Result<(), Fault> {
        match byte {
            b'!' if self.run == 1 => return Err(faults::MARKUP),
            b'/' if self.run == 1 => self.closing = true,
            b':' => self.length = 0,
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' if self.length < NAME => {
                self.name[self.length] = byte;
                self.length += 1;
            }
            _ => {
                self.naming = false;
                return self.named(byte == b'/');
            }
        }
        Ok(())
    }

    /// The name of a tag is there; `is_empty` says that it closes itself.
    fn named(&mut self, is_empty: bool) -> Result<(), Fault> {
        let seen = &mut *self.seen;
        match (self.closing, &self.name[..self.length]) {
            (true, b"sheetData") => self.in_rows = false,
            (true, _) => {}
            (_, b"row" | b"c") => self.cell = 0,
            (_, b"f") => seen.formulas += 1,
            (_, b"si") => seen.strings += 1,
            (
                _,
                b"xf" | b"font" | b"fill" | b"border" | b"numFmt" | b"definedName" | b"sheet"
                | b"Relationship",
            ) => seen.formats += 1,
            (_, b"mergeCell") => seen.regions += 1,
            (_, b"sheetData") => {
                self.is_sheet = true;
                self.in_rows = !is_empty;
                self.cell = 0;
            }
            (_, b"sst") => {
                self.is_strings = true;
                self.tag = Some(Vec::new());
            }
            _ => {}
        }
        let many = seen.strings > STRINGS || seen.formats > FORMATS || seen.regions > REGIONS;
        if many || self.is_sheet && self.is_strings {
            return Err(faults::BOMB);
        }
        Ok(())
    }

    /// The number of strings that is stated: room for that many is made before the first is read.
    fn stated(&mut self) -> Result<(), Fault> {
        const NUMBER: &[u8] = b"uniqueCount";
        let tag = self.tag.take().unwrap_or_default();
        let ended = tag.last() == Some(&b'>');
        let at = tag.windows(NUMBER.len()).position(|w| w == NUMBER);
        let number = at.map_or(&[][..], |at| &tag[at + NUMBER.len()..]);
        let digits = number
            .iter()
            .skip_while(|byte| !byte.is_ascii_digit())
            .take_while(|byte| byte.is_ascii_digit());
        let stated = digits.fold(0_u64, |sum, digit| {
            sum.saturating_mul(10)
                .saturating_add(u64::from(digit - b'0'))
        });
        if !ended || stated > STRINGS {
            return Err(faults::BOMB);
        }
        Ok(())
    }
}

/// Reads the beginning of a file and goes back to it.
pub(in crate::import) fn start(file: &mut (impl Read + Seek)) -> io::Result<Vec<u8>> {
    file.seek(SeekFrom::Start(0))?;
    let mut start = Vec::new();
    file.by_ref().take(SNIFFED).read_to_end(&mut start)?;
    file.rewind()?;
    Ok(start)
}
