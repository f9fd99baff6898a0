//! An ILR document as parts: header, provider, learner after learner, and what became of them, each held to the schema of its year.
//!
//! Of a year without a schema of ours the elements are read wherever they stand and others are passed over.

use std::io::Read;

use super::schema::{self, Node, Type, Year};
use super::xml::{Broken, Token, Tokens};
use crate::import::faults;
use crate::import::report::{Fault, RowProblem};

/// Elements and problems that one part may hold: a learner with a hundred deliveries has some thousands.
const STEPS: usize = 100_000;

/// Fields that are kept of a file; every other one is looked at and let go.
const KEPT: &[&str] = &[
    "AimType",
    "CompStatus",
    "DateEmpStatApp",
    "DateOfBirth",
    "DateTime",
    "EmpStat",
    "ESMCode",
    "ESMType",
    "Ethnicity",
    "FilePreparationDate",
    "FundModel",
    "FworkCode",
    "LearnActEndDate",
    "LearnAimRef",
    "LearnDelFAMCode",
    "LearnDelFAMType",
    "LearnPlanEndDate",
    "LearnRefNumber",
    "LearnStartDate",
    "LLDDHealthProb",
    "OrigLearnStartDate",
    "OutCode",
    "OutCollDate",
    "Outcome",
    "OutEndDate",
    "OutStartDate",
    "OutType",
    "Postcode",
    "ProgType",
    "PwayCode",
    "Sex",
    "StdCode",
    "UKPRN",
    "ULN",
    "WithdrawReason",
    "Year",
];

/// Parts whose problems are their own: what is wrong in any other is the business of the one around it.
const OWN: &[&str] = &[
    "Learner",
    "LearningDelivery",
    "LearnerDestinationandProgression",
];

/// An element with the kept fields in it. It has no `Debug`: it holds what must not be kept.
pub(super) struct Part {
    pub(super) name: &'static str,
    pub(super) line: u64,
    pub(super) problems: Vec<RowProblem>,
    values: Vec<(&'static str, String)>,
    parts: Vec<Part>,
}

impl Part {
    /// A field's value: a date as YYYY-MM-DD, a number without leading zeros; empty when the file has none.
    pub(super) fn value(&self, name: &str) -> &str {
        let found = self.values.iter().find(|(field, _)| *field == name);
        found.map_or("", |(_, value)| value)
    }

    /// The parts of a name.
    pub(super) fn parts<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Part> {
        self.parts.iter().filter(move |part| part.name == name)
    }

    /// The same, taken out.
    pub(super) fn take(&mut self, name: &str) -> Vec<Part> {
        let (taken, left) = std::mem::take(&mut self.parts)
            .into_iter()
            .partition(|part| part.name == name);
        self.parts = left;
        taken
    }
}

struct Frame {
    node: &'static Node,
    /// The child at which we stand, and how many of it there were.
    at: usize,
    count: usize,
    part: Part,
}

/// An open document.
pub(super) struct Document<R: Read> {
    tokens: Tokens<R>,
    pub(super) year: Year,
    frames: Vec<Frame>,
    /// Elements within one that is passed over.
    skipped: usize,
    steps: usize,
}

impl<R: Read> Document<R> {
    /// Reads the root, which tells the year.
    pub(super) fn open(source: R) -> Result<Self, Broken> {
        let mut tokens = Tokens::new(source);
        // The first tag is the root's.
        if tokens.next()? != Token::Start {
            return Err(Broken::at(faults::XML_TRUNCATED, tokens.line));
        }
        let year = match Year::of_namespace(&tokens.namespace) {
            None => return Err(Broken::at(faults::ILR_NAMESPACE, tokens.line)),
            Some(Err(())) => return Err(Broken::at(faults::ILR_YEAR, tokens.line)),
            Some(Ok(year)) => year,
        };
        let root = schema::root(year);
        if tokens.name != root.name {
            return Err(Broken::at(faults::ILR_ROOT, tokens.line));
        }
        let mut document = Self {
            year,
            frames: Vec::new(),
            skipped: 0,
            steps: 0,
            tokens,
        };
        let odd = document.tokens.has_attribute;
        document.push(root);
        if odd && year.is_checked() {
            document.problem(faults::ILR_UNKNOWN, root.name)?;
        }
        Ok(document)
    }

    /// SHA-256 of what was read: of the whole file once [`Self::next`] gave `None`.
    pub(super) fn digest(&self) -> [u8; 32] {
        self.tokens.digest()
    }

    /// The next part that the root holds.
    pub(super) fn next(&mut self) -> Result<Option<Part>, Broken> {
        self.steps = 0;
        loop {
            match self.tokens.next()? {
                Token::Eof => return Ok(None),
                Token::Start if self.skipped > 0 => self.skipped += 1,
                Token::End if self.skipped > 0 => self.skipped -= 1,
                Token::Start => self.start()?,
                Token::End => {
                    if let Some(part) = self.end()? {
                        return Ok(Some(part));
                    }
                }
            }
            self.steps += 1;
            if self.steps > STEPS {
                return Err(Broken::at(faults::ILR_PART_SIZE, self.tokens.line));
            }
        }
    }

    fn push(&mut self, node: &'static Node) {
        self.frames.push(Frame {
            node,
            at: 0,
            count: 0,
            part: Part {
                name: node.name,
                line: self.tokens.line,
                problems: Vec::new(),
                values: Vec::new(),
                parts: Vec::new(),
            },
        });
    }

    /// Notes what is wrong; between the parts it makes the whole file unreadable.
    fn problem(&mut self, fault: Fault, field: &'static str) -> Result<(), Broken> {
        let problem = fault.at(self.tokens.line, Some(field));
        let inner = self.frames.len() > 1;
        match self.frames.last_mut() {
            Some(frame) if inner => frame.part.problems.push(problem),
            _ => return Err(Broken::Fault(problem)),
        }
        Ok(())
    }

    fn start(&mut self) -> Result<(), Broken> {
        let strict = self.year.is_checked();
        let Some(frame) = self.frames.last() else {
            // After the root: the reader of elements refuses it.
            return Err(Broken::at(faults::XML_FORM, self.tokens.line));
        };
        let (parent, at, count) = (frame.node, frame.at, frame.count);
        let named = |node: &Node| node.name == self.tokens.name;
        let mut forward = parent.children[at.min(parent.children.len())..].iter();
        let Some(found) = forward
            .position(named)
            .map(|further| at + further)
            .or_else(|| parent.children.iter().position(named))
        else {
            self.skipped = 1;
            return if strict {
                self.problem(faults::ILR_UNKNOWN, parent.name)
            } else {
                Ok(())
            };
        };
        let node = &parent.children[found];
        if strict {
            if !self.tokens.text.trim_ascii().is_empty() {
                self.problem(faults::ILR_TEXT, parent.name)?;
            }
            if self.tokens.has_attribute {
                self.problem(faults::ILR_UNKNOWN, node.name)?;
            }
            if found < at {
                self.problem(faults::ILR_ORDER, node.name)?;
            } else {
                let count = if found == at { count + 1 } else { 1 };
                self.missing(parent, found)?;
                if count > node.most {
                    self.problem(faults::ILR_TOO_MANY, node.name)?;
                }
                if let Some(frame) = self.frames.last_mut() {
                    (frame.at, frame.count) = (found, count);
                }
            }
        }
        self.push(node);
        Ok(())
    }

    /// Notes what has to stand before the child `until` and does not.
    fn missing(&mut self, parent: &'static Node, until: usize) -> Result<(), Broken> {
        let Some(frame) = self.frames.last() else {
            return Ok(());
        };
        let (at, count) = (frame.at, frame.count);
        for passed in at..until {
            let node = &parent.children[passed];
            let count = if passed == at { count } else { 0 };
            if count < node.least {
                self.problem(faults::ILR_MISSING, node.name)?;
            }
        }
        Ok(())
    }

    /// Ends an element; gives the part that the root holds.
    fn end(&mut self) -> Result<Option<Part>, Broken> {
        let Some(frame) = self.frames.last() else {
            return Err(Broken::at(faults::XML_FORM, self.tokens.line));
        };
        let (node, strict) = (frame.node, self.year.is_checked());
        if let Some(kind) = node.kind {
            self.value(node, kind)?;
        } else if strict {
            self.missing(node, node.children.len())?;
            if !self.tokens.text.trim_ascii().is_empty() {
                self.problem(faults::ILR_TEXT, node.name)?;
            }
        }
        let mut part = match self.frames.pop() {
            Some(frame) => frame.part,
            None => return Ok(None),
        };
        match self.frames.len() {
            // The root: what follows is the end of the file.
            0 => return Ok(None),
            1 => return Ok(Some(part)),
            _ => {}
        }
        if let Some(parent) = self.frames.last_mut() {
            if !OWN.contains(&part.name) {
                parent.part.problems.append(&mut part.problems);
            }
            if node.kind.is_some() {
                parent.part.values.append(&mut part.values);
            } else {
                parent.part.parts.push(part);
            }
        }
        Ok(None)
    }

    /// Takes a field's value.
    fn value(&mut self, node: &'static Node, kind: Type) -> Result<(), Broken> {
        let kept = KEPT.contains(&node.name);
        if !kept && !self.year.is_checked() {
            return Ok(());
        }
        let text = &self.tokens.text;
        if !kind.takes(text, self.year) {
            return self.problem(faults::ILR_VALUE, node.name);
        }
        if kept {
            let value = match kind {
                Type::Date => schema::date(text).map(|date| date.to_string()),
                Type::Time => schema::time(text).map(|time| time.to_string()),
                Type::Int(_) | Type::Range(..) => schema::whole(text).map(|n| n.to_string()),
                _ => Some(text.clone()),
            };
            if let (Some(value), Some(frame)) = (value, self.frames.last_mut()) {
                frame.part.values.push((node.name, value));
            }
        }
        Ok(())
    }
}
