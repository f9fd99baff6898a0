//! Reading cells: whole numbers on the grid, else a refusal that names table and cell.

use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::ProtectedTable;

/// Reads a list, saying of an element that is none what `named` makes of its number and the reason.
struct List<T>(fn(usize, &str) -> String, PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for List<T> {
    type Value = Vec<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Self::Value, A::Error> {
        let mut list = Vec::new();
        loop {
            match sequence.next_element() {
                Ok(Some(element)) => list.push(element),
                Ok(None) => return Ok(list),
                Err(error) => {
                    return Err(Error::custom((self.0)(list.len(), &error.to_string())));
                }
            }
        }
    }
}

/// A table that could not name itself is named by its number.
pub(super) fn tables<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<ProtectedTable>, D::Error> {
    let named = |number, error: &str| match error.starts_with(NAMED) {
        true => error.to_owned(),
        false => format!("table number {}: {error}", number + 1),
    };
    deserializer.deserialize_seq(List(named, PhantomData))
}

/// How the refusal of a table begins whose id stands before its cells, as programs write it.
const NAMED: &str = "table ";

struct Cells(Vec<i64>);

impl<'de> Deserialize<'de> for Cells {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let named = |cell, error: &str| {
            format!("cell {cell} is no whole number of units of 2^-16: {error}")
        };
        let list = deserializer.deserialize_seq(List(named, PhantomData))?;
        Ok(Self(list))
    }
}

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "lowercase")]
enum Field {
    Id,
    Cells,
}

struct TableVisitor;

impl<'de> Visitor<'de> for TableVisitor {
    type Value = ProtectedTable;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a table")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let (mut id, mut cells) = (None::<String>, None::<Cells>);
        while let Some(field) = map.next_key()? {
            match field {
                Field::Id if id.is_some() => return Err(Error::duplicate_field("id")),
                Field::Id => id = Some(map.next_value()?),
                Field::Cells if cells.is_some() => return Err(Error::duplicate_field("cells")),
                Field::Cells => {
                    let named = |error| match &id {
                        Some(id) => Error::custom(format!("{NAMED}{id}: {error}")),
                        None => error,
                    };
                    cells = Some(map.next_value().map_err(named)?);
                }
            }
        }
        Ok(ProtectedTable {
            id: id.ok_or_else(|| Error::missing_field("id"))?,
            cells: cells.ok_or_else(|| Error::missing_field("cells"))?.0,
        })
    }
}

impl<'de> Deserialize<'de> for ProtectedTable {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_struct("ProtectedTable", &["id", "cells"], TableVisitor)
    }
}
