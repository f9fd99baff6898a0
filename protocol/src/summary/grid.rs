//! Reading cells: whole numbers on the grid, else a refusal that names table and cell.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, Error, SeqAccess, Visitor};

use super::ProtectedTable;
use crate::standard::Standard;

/// Reads a list, saying of an element that is none what `named` makes of its number.
struct List<T>(fn(usize) -> String, PhantomData<T>);

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
                    return Err(Error::custom(format!("{}: {error}", (self.0)(list.len()))));
                }
            }
        }
    }
}

pub(super) fn cells<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<i64>, D::Error> {
    let named = |cell| format!("cell {cell} is no whole number of units of 2^-16");
    deserializer.deserialize_seq(List(named, PhantomData))
}

pub(super) fn tables<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<ProtectedTable>, D::Error> {
    let named = |number: usize| match Standard::v1().tables().get(number) {
        Some(table) => format!("table {}", table.id),
        None => format!("table number {}", number + 1),
    };
    deserializer.deserialize_seq(List(named, PhantomData))
}
