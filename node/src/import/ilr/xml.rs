//! XML as a stream of elements, in bounded memory and without anything that could grow: no document type, no entities but
//! XML's own five, no deep nesting, no long texts (XML 1.0, Namespaces in XML 1.0).

use std::io::{self, BufRead, BufReader, Read};

use quick_xml::XmlVersion;
use quick_xml::errors::Error;
use quick_xml::events::{BytesStart, Event};
use quick_xml::name::{Namespace, ResolveResult};
use quick_xml::reader::NsReader;
use sha2::{Digest as _, Sha256};

use crate::import::faults;
use crate::import::report::{Fault, RowProblem};

/// Longest tag, text or comment.
const LONGEST: usize = 64 * 1024;
/// Deepest element; the ILR needs six.
const DEEPEST: usize = 16;
/// Of attributes that say where a schema is.
const INSTANCE: &str = "http://www.w3.org/2001/XMLSchema-instance";

/// Why reading ends before the end.
#[derive(Debug)]
pub(super) enum Broken {
    /// The source cannot be read.
    Io(io::Error),
    /// Nothing that follows can be trusted.
    Fault(RowProblem),
}

impl Broken {
    pub(super) fn at(fault: Fault, line: u64) -> Self {
        Self::Fault(fault.at(line, None))
    }
}

/// What comes next; its name, text and line are the reader's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Token {
    Start,
    /// With the text since the tag before it.
    End,
    Eof,
}

/// The source's bytes: digested, their lines counted as they are consumed, and stopped where one piece of markup grows without end.
struct Lines<R> {
    inner: BufReader<R>,
    hash: Sha256,
    line: u64,
    /// Bytes that may still be read for the piece at hand.
    left: usize,
    at_end: bool,
}

/// Why [`Lines`] stopped.
#[derive(Debug, thiserror::Error)]
#[error("a piece of the file is too long")]
struct TooLong;

impl<R: Read> Read for Lines<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut held = self.fill_buf()?;
        let n = held.read(buffer)?;
        self.consume(n);
        Ok(n)
    }
}

impl<R: Read> BufRead for Lines<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.left == 0 {
            return Err(io::Error::new(io::ErrorKind::InvalidData, TooLong));
        }
        let held = self.inner.fill_buf()?;
        self.at_end = held.is_empty();
        Ok(&held[..held.len().min(self.left)])
    }

    fn consume(&mut self, n: usize) {
        let taken = &self.inner.buffer()[..n];
        self.line += taken.iter().map(|b| u64::from(*b == b'\n')).sum::<u64>();
        self.hash.update(taken);
        self.left -= n;
        self.inner.consume(n);
    }
}

/// The elements of a document.
pub(super) struct Tokens<R: Read> {
    reader: NsReader<Lines<R>>,
    buffer: Vec<u8>,
    /// Local name of the element that starts or ends.
    pub(super) name: String,
    /// Text since the tag before an end tag.
    pub(super) text: String,
    /// Line on which the tag begins.
    pub(super) line: u64,
    /// Whether the element that starts has an attribute that says something.
    pub(super) has_attribute: bool,
    /// Namespace of the root, which all elements share.
    pub(super) namespace: String,
    depth: usize,
    /// An element that starts and ends with one tag.
    is_empty: bool,
    begun: bool,
    ended: bool,
}

impl<R: Read> Tokens<R> {
    pub(super) fn new(source: R) -> Self {
        let lines = Lines {
            inner: BufReader::with_capacity(LONGEST, source),
            hash: Sha256::new(),
            line: 1,
            left: LONGEST,
            at_end: false,
        };
        let mut reader = NsReader::from_reader(lines);
        reader.config_mut().check_comments = true;
        Self {
            reader,
            buffer: Vec::new(),
            name: String::new(),
            text: String::new(),
            line: 1,
            has_attribute: false,
            namespace: String::new(),
            depth: 0,
            is_empty: false,
            begun: false,
            ended: false,
        }
    }

    /// SHA-256 of what was read.
    pub(super) fn digest(&self) -> [u8; 32] {
        self.reader.get_ref().hash.clone().finalize().into()
    }

    /// Reads to the next tag, or to the end of the document.
    pub(super) fn next(&mut self) -> Result<Token, Broken> {
        self.text.clear();
        if std::mem::take(&mut self.is_empty) {
            self.close();
            return Ok(Token::End);
        }
        loop {
            self.buffer.clear();
            let lines = self.reader.get_mut();
            lines.left = LONGEST;
            self.line = lines.line;
            let mut buffer = std::mem::take(&mut self.buffer);
            let step = self.step(&mut buffer);
            self.buffer = buffer;
            if let Some(token) = step? {
                return Ok(token);
            }
        }
    }

    /// Takes one piece of the document.
    fn step(&mut self, buffer: &mut Vec<u8>) -> Result<Option<Token>, Broken> {
        let at = self.line;
        let fault = |fault| Err(Broken::at(fault, at));
        let first = !std::mem::replace(&mut self.begun, true);
        let event = match self.reader.read_event_into(buffer) {
            Ok(event) => event,
            Err(error) => return Err(self.broken(error)),
        };
        match event {
            Event::Start(tag) => self.open(&tag).map(Some),
            Event::Empty(tag) => {
                self.is_empty = true;
                self.open(&tag).map(Some)
            }
            Event::End(tag) => {
                self.name.clear();
                self.name.push_str(tag.local_name().into_inner());
                self.close();
                Ok(Some(Token::End))
            }
            Event::Text(text) => self.add(&text.xml_content(XmlVersion::Implicit1_0)),
            Event::CData(text) if self.depth > 0 => {
                self.add(&text.xml_content(XmlVersion::Implicit1_0))
            }
            Event::GeneralRef(name) if name.is_char_ref() => match name.resolve_char_ref() {
                Ok(Some(c)) => self.add(c.encode_utf8(&mut [0; 4])),
                _ => fault(faults::XML_FORM),
            },
            Event::GeneralRef(name) => match &*name {
                "amp" => self.add("&"),
                "lt" => self.add("<"),
                "gt" => self.add(">"),
                "quot" => self.add("\""),
                "apos" => self.add("'"),
                _ => fault(faults::XML_ENTITY),
            },
            Event::Comment(_) | Event::PI(_) => Ok(None),
            Event::Decl(declaration) => {
                let encoding = declaration.encoding();
                let is_utf8 = |name: &str| {
                    ["utf-8", "utf8", "us-ascii"].contains(&&*name.to_ascii_lowercase())
                };
                match encoding {
                    _ if !first => fault(faults::XML_FORM),
                    None => Ok(None),
                    Some(Ok(name)) if is_utf8(&name) => Ok(None),
                    Some(_) => fault(faults::XML_ENCODING),
                }
            }
            Event::DocType(_) => fault(faults::XML_DOCTYPE),
            Event::Eof if self.ended => Ok(Some(Token::Eof)),
            Event::Eof => fault(faults::XML_TRUNCATED),
            Event::CData(_) => fault(faults::XML_FORM),
        }
    }

    fn open(&mut self, tag: &BytesStart<'_>) -> Result<Token, Broken> {
        let fault = |fault| Err(Broken::at(fault, self.line));
        if self.ended {
            return fault(faults::XML_FORM);
        }
        if self.depth == DEEPEST {
            return fault(faults::XML_DEPTH);
        }
        let resolver = self.reader.resolver();
        let (namespace, local) = resolver.resolve_element(tag.name());
        let namespace = match namespace {
            ResolveResult::Bound(Namespace(name)) => name,
            ResolveResult::Unbound => "",
            ResolveResult::Unknown(_) => return fault(faults::XML_FORM),
        };
        self.has_attribute = false;
        for attribute in tag.attributes() {
            let Ok(attribute) = attribute else {
                return fault(faults::XML_FORM);
            };
            let (of, name) = resolver.resolve_attribute(attribute.key);
            let says_where = of == ResolveResult::Bound(Namespace(INSTANCE))
                && ["schemaLocation", "noNamespaceSchemaLocation"].contains(&name.into_inner());
            self.has_attribute |= !says_where && attribute.key.as_namespace_binding().is_none();
        }
        if self.depth == 0 {
            self.namespace = namespace.to_owned();
        } else if namespace != self.namespace {
            return fault(faults::ILR_MIXED);
        }
        self.name.clear();
        self.name.push_str(local.into_inner());
        self.depth += 1;
        Ok(Token::Start)
    }

    fn close(&mut self) {
        self.depth = self.depth.saturating_sub(1);
        self.ended = self.depth == 0;
    }

    fn add(&mut self, text: &str) -> Result<Option<Token>, Broken> {
        let at = |fault| Err(Broken::at(fault, self.line));
        // XML 1.0, section 2.2.
        let is_char =
            |c: char| (c >= ' ' || "\t\n\r".contains(c)) && !('\u{fffe}'..='\u{ffff}').contains(&c);
        if !text.chars().all(is_char) {
            return at(faults::XML_FORM);
        }
        if self.depth == 0 && !text.trim_ascii().is_empty() {
            return at(faults::XML_FORM);
        }
        if self.text.len() + text.len() > LONGEST {
            return at(faults::XML_SIZE);
        }
        self.text.push_str(text);
        Ok(None)
    }

    fn broken(&self, error: Error) -> Broken {
        let fault = match error {
            Error::Io(error) => {
                let too_long = error.get_ref().is_some_and(|inner| inner.is::<TooLong>());
                if !too_long {
                    return Broken::Io(io::Error::new(error.kind(), error));
                }
                faults::XML_SIZE
            }
            Error::Encoding(_) => faults::XML_ENCODING,
            _ if self.reader.get_ref().at_end => faults::XML_TRUNCATED,
            _ => faults::XML_FORM,
        };
        // An end tag that is missing is noticed at the next one; what is cut off, at the end.
        Broken::at(fault, self.line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Names and texts, or the code that ends the reading.
    fn read(text: &[u8]) -> Result<String, String> {
        let mut tokens = Tokens::new(text);
        let mut said = String::new();
        loop {
            match tokens.next() {
                Ok(Token::Start) => said.push_str(&format!("<{}", tokens.name)),
                Ok(Token::End) => said.push_str(&format!("{}>", tokens.text)),
                Ok(Token::Eof) => return Ok(said),
                Err(Broken::Fault(problem)) => {
                    return Err(format!("{} {}", problem.code, problem.line));
                }
                Err(Broken::Io(error)) => panic!("{error}"),
            }
        }
    }

    #[test]
    fn elements_and_their_texts_come_through() {
        let text = "\u{feff}<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!-- a -->\n<m:a xmlns:m=\"x\"><m:b>1 &lt; &#65;<![CDATA[&c;]]></m:b><m:c/>\n</m:a>\n";
        assert_eq!(read(text.as_bytes()).unwrap(), "<a<b1 < A&c;><c>\n>");
    }

    #[test]
    fn what_could_grow_or_mislead_is_refused() {
        let long = format!("<a>\n<b>{}</b></a>", "x".repeat(70_000));
        let parts = format!(
            "<a>{}</a>",
            "<![CDATA[xxxxxxxxxxxxxxxxxxxx]]>".repeat(4_000)
        );
        let deep = "<a>".repeat(40);
        let name = format!("<a><{}/></a>", "x".repeat(70_000));
        for (text, expected) in [
            (
                "<!DOCTYPE a [<!ENTITY b \"c\">]>\n<a>&b;</a>",
                "xml-doctype 1",
            ),
            ("<a>\n&b;</a>", "xml-entity 2"),
            ("<a>&#0;</a>", "xml-form 1"),
            ("<a>\u{1}</a>", "xml-form 1"),
            ("<a>\n<b>", "xml-truncated 2"),
            ("<a>\n<b", "xml-truncated 2"),
            ("", "xml-truncated 1"),
            ("\n<a></b>", "xml-form 2"),
            ("<a/><a/>", "xml-form 1"),
            ("<a/>x", "xml-form 1"),
            ("x<a/>", "xml-form 1"),
            ("<a b=\"1\" b=\"2\"/>", "xml-form 1"),
            ("<x:a/>", "xml-form 1"),
            (
                "<a xmlns=\"x\">\n<b xmlns=\"y\"/></a>",
                "ilr-namespaces-mixed 2",
            ),
            (
                "<?xml version=\"1.0\" encoding=\"UTF-16\"?><a/>",
                "encoding 1",
            ),
            ("<a/><?xml version=\"1.0\"?>", "xml-form 1"),
            (&long, "xml-size 2"),
            (&parts, "xml-size 1"),
            (&name, "xml-size 1"),
            (&deep, "xml-depth 1"),
        ] {
            let shown = &text[..text.len().min(60)];
            assert_eq!(read(text.as_bytes()).unwrap_err(), expected, "{shown}");
        }
        assert_eq!(read(b"<a>\xe9</a>").unwrap_err(), "encoding 1");
    }
}
