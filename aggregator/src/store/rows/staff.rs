//! People, with what they sign in, and what was done to their accounts.

use ldsp_ui::accounts::{SecondStep, SetUp, totp};
use ldsp_ui::oidc::{Bound, Claim, Subject};

use super::{Columns, Fields};
use crate::store::{Done, Person, Role, StoreError};

/// `name, role, secret_hash, added, locked, totp_step, generation` of `person`.
pub(in crate::store) fn person<R: Fields>(row: &R) -> Result<Person, StoreError> {
    let columns = Columns::keyed(row, "person", &["name"]);
    Ok(Person {
        name: columns.string("name")?,
        role: columns.choice("role", Role::named)?,
        secret_hash: columns.optional_string("secret_hash")?,
        added: columns.time("added")?,
        locked: columns.optional_time("locked")?,
        second_step: columns.optional_number::<i64>("totp_step")?.is_some(),
        generation: columns.number("generation")?,
    })
}

/// `name, totp_key, totp_step` of a `person` who has a second step, with the number of their `codes`.
pub(in crate::store) fn second_step<R: Fields>(row: &R) -> Result<SecondStep, StoreError> {
    let columns = Columns::keyed(row, "person", &["name"]);
    let key = totp::Key::try_from(columns.bytes("totp_key")?);
    Ok(SecondStep {
        key: key.map_err(|_| columns.corrupt("totp_key"))?,
        step: columns.number("totp_step")?,
        codes: columns.number("codes")?,
    })
}

/// `person, expires` of `set_up_link`; it is nobody's yet that is for the first operator.
pub(in crate::store) fn set_up<R: Fields>(row: &R) -> Result<SetUp, StoreError> {
    let columns = Columns::keyed(row, "set_up_link", &["person"]);
    Ok(SetUp {
        person: columns.optional_string("person")?,
        expires_at: columns.time("expires")?,
    })
}

/// Every column of `act`.
pub(in crate::store) fn done<R: Fields>(row: &R) -> Result<Done, StoreError> {
    let columns = Columns::keyed(row, "act", &["number"]);
    Ok(Done {
        number: columns.number("number")?,
        at: columns.time("at")?,
        who: columns.string("who")?,
        action: columns.string("action")?,
        detail: columns.string("detail")?,
    })
}

/// `issuer, claim, value, person, since` of `subject`.
pub(in crate::store) fn subject<R: Fields>(row: &R) -> Result<Bound, StoreError> {
    let columns = Columns::keyed(row, "subject", &["issuer", "value"]);
    Ok(Bound {
        subject: Subject {
            issuer: columns.string("issuer")?,
            claim: columns.choice("claim", Claim::named)?,
            value: columns.string("value")?,
        },
        person: columns.string("person")?,
        since: columns.time("since")?,
    })
}
