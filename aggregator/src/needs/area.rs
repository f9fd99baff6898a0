//! A part of England, as addresses name it.

use std::str::FromStr;

use ldsp_protocol::context::ENGLAND;
use ldsp_protocol::geography::{Geography, Lep, region_name};
use ldsp_protocol::ids::Gss;

use crate::benchmark::Place;

/// England, a region or a LEP.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Area {
    /// All of it.
    #[default]
    England,
    /// One of nine.
    Region(Gss),
    /// One of 38.
    Lep(Gss),
}

impl FromStr for Area {
    type Err = ();

    /// Reads a code: England's, a region's, a LEP's or one that a LEP had before.
    fn from_str(text: &str) -> Result<Self, ()> {
        let code: Gss = text.parse().map_err(|_| ())?;
        let map = Geography::embedded();
        if text == ENGLAND {
            Ok(Self::England)
        } else if region_name(&code).is_some() {
            Ok(Self::Region(code))
        } else {
            let lep = map.lep(map.current(&code)).ok_or(())?;
            Ok(Self::Lep(lep.code.clone()))
        }
    }
}

impl Area {
    /// Its LEPs, by code.
    pub fn leps(&self) -> impl Iterator<Item = &'static Lep> {
        Geography::embedded().leps().filter(|lep| match self {
            Self::England => true,
            Self::Region(code) => lep.region == *code,
            Self::Lep(code) => lep.code == *code,
        })
    }

    /// Whether it holds this LEP.
    #[must_use]
    pub fn holds(&self, lep: &Gss) -> bool {
        match self {
            Self::England => true,
            Self::Region(region) => {
                let lep = Geography::embedded().lep(lep);
                lep.is_some_and(|lep| lep.region == *region)
            }
            Self::Lep(code) => code == lep,
        }
    }

    /// Its code and name.
    #[must_use]
    pub fn place(&self) -> Place {
        let (code, name) = match self {
            Self::England => (ENGLAND.to_owned(), "England"),
            Self::Region(code) => (code.to_string(), region_name(code).unwrap_or_default()),
            Self::Lep(code) => {
                let lep = Geography::embedded().lep(code);
                (code.to_string(), lep.map_or("", |lep| lep.name.as_str()))
            }
        };
        Place {
            code,
            name: name.to_owned(),
        }
    }
}
