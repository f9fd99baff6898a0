//! Files that hold no rows at all, told by their first bytes, so that whoever sent one hears what it is and not what a reader of rows makes of it.

use crate::import::faults;
use crate::import::report::Fault;

/// First bytes of pictures: PNG, JPEG, GIF, TIFF in both orders of bytes.
const PICTURES: [&[u8]; 5] = [b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"II*\0", b"MM\0*"];
/// First bytes of archives that are not ZIP: gzip, 7-Zip, RAR.
const ARCHIVES: [&[u8]; 3] = [b"\x1f\x8b\x08", b"7z\xbc\xaf\x27\x1c", b"Rar!\x1a\x07"];

/// What a file is whose first bytes these are, when it is neither text nor a workbook. Of a file of up to `start.len()` bytes it is all of it.
fn foreign(start: &[u8]) -> Option<Fault> {
    let begins = |mark: &&[u8]| start.starts_with(mark);
    // A container of pictures names what it holds behind its size.
    let holds = |at: usize, mark: &[u8]| start.get(at..).is_some_and(|rest| rest.starts_with(mark));
    let visible = |b: &u8| !b.is_ascii_whitespace() && !b"\xef\xbb\xbf".contains(b);
    if !start.iter().any(visible) {
        return Some(faults::EMPTY);
    }
    if start.starts_with(b"%PDF-") {
        return Some(faults::PDF);
    }
    if start.starts_with(b"{\\rtf") {
        return Some(faults::DOCUMENT);
    }
    let is_picture = PICTURES.iter().any(begins)
        || start.starts_with(b"RIFF") && holds(8, b"WEBP")
        || holds(4, b"ftyphei")
        || holds(4, b"ftypmif");
    if is_picture {
        return Some(faults::PICTURE);
    }
    ARCHIVES.iter().any(begins).then_some(faults::ARCHIVE)
}

/// The first visible bytes, in small letters, if they open markup.
fn markup(start: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(start).to_lowercase();
    let text = text.trim_start_matches(['\u{feff}', ' ', '\t', '\r', '\n']);
    text.starts_with('<').then(|| text.to_owned())
}

fn is_page(markup: &str) -> bool {
    ["<!doctype html", "<html", "<table"]
        .iter()
        .any(|tag| markup.contains(tag))
}

/// What is wrong with a file that begins like this and should be a table.
pub(super) fn table(start: &[u8]) -> Option<Fault> {
    foreign(start).or_else(|| {
        let markup = markup(start)?;
        Some(if is_page(&markup) {
            faults::WEB_PAGE
        } else if markup.contains("sfa/ilr/") {
            faults::ILR_AS_TABLE
        } else {
            faults::XML_AS_TABLE
        })
    })
}

/// What is wrong with a file that begins like this and should be an ILR.
pub(in crate::import) fn ilr(start: &[u8]) -> Option<Fault> {
    foreign(start).or_else(|| match markup(start) {
        Some(markup) => is_page(&markup).then_some(faults::WEB_PAGE),
        // Text in another coding is told by who reads it.
        None if start.contains(&0) && !super::is_workbook(start) => None,
        None => Some(faults::NO_ILR),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What people send by mistake, each with what a table and what an ILR says of it.
    #[test]
    fn what_holds_no_rows_is_named() {
        let ilr_file = b"<?xml version=\"1.0\"?>\n<Message xmlns=\"ESFA/ILR/2020-21\">";
        let cases: [(&[u8], Option<Fault>, Option<Fault>); 14] = [
            (b"", Some(faults::EMPTY), Some(faults::EMPTY)),
            (
                b"\xef\xbb\xbf\r\n \n",
                Some(faults::EMPTY),
                Some(faults::EMPTY),
            ),
            (b"%PDF-1.7\n", Some(faults::PDF), Some(faults::PDF)),
            (
                b"\x89PNG\r\n\x1a\n\0\0",
                Some(faults::PICTURE),
                Some(faults::PICTURE),
            ),
            (
                b"\xff\xd8\xff\xe0\0\x10JFIF",
                Some(faults::PICTURE),
                Some(faults::PICTURE),
            ),
            (
                b"RIFF\x10\0\0\0WEBPVP8 ",
                Some(faults::PICTURE),
                Some(faults::PICTURE),
            ),
            (
                b"\0\0\0\x18ftypheic",
                Some(faults::PICTURE),
                Some(faults::PICTURE),
            ),
            (
                b"{\\rtf1\\ansi",
                Some(faults::DOCUMENT),
                Some(faults::DOCUMENT),
            ),
            (
                b"\x1f\x8b\x08\0",
                Some(faults::ARCHIVE),
                Some(faults::ARCHIVE),
            ),
            (
                b"\n<HTML><body><table>",
                Some(faults::WEB_PAGE),
                Some(faults::WEB_PAGE),
            ),
            (ilr_file, Some(faults::ILR_AS_TABLE), None),
            (
                b"<?xml version=\"1.0\"?><rows>",
                Some(faults::XML_AS_TABLE),
                None,
            ),
            (b"provider,aim\n", None, Some(faults::NO_ILR)),
            (b"PK\x03\x04\x14\0", None, Some(faults::NO_ILR)),
        ];
        for (start, of_table, of_ilr) in cases {
            let code = |fault: Option<Fault>| fault.map(|fault| fault.code);
            assert_eq!(code(table(start)), code(of_table), "{start:?}");
            assert_eq!(code(ilr(start)), code(of_ilr), "{start:?}");
        }
    }
}
