//! What a provider's addresses call its rows. The database numbers rows through, over all providers: a number in an address would tell each of them
//! how many enrolments the area has and how many more others brought since yesterday.

use super::Own;
use crate::store::records::Pseudonym;

/// What a handle stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Handled {
    Enrolment,
    Cohort,
    /// A question of the LEP to the provider.
    Question,
    Service,
}

impl Handled {
    fn as_str(self) -> &'static str {
        match self {
            Self::Enrolment => "enrolment",
            Self::Cohort => "cohort",
            Self::Question => "question",
            Self::Service => "service",
        }
    }
}

impl Own {
    /// The name of one of its rows in addresses: 32 hexadecimal digits that do not count.
    pub(crate) fn handle(&self, of: Handled, id: i64) -> String {
        hex::encode(self.key.cover(of.as_str(), &self.root, id))
    }

    /// The number of the row that a handle stands for; `None` for what no address of this provider holds.
    pub(crate) fn number(&self, of: Handled, handle: &str) -> Option<i64> {
        let mut cover: Pseudonym = [0; 16];
        hex::decode_to_slice(handle, &mut cover).ok()?;
        let id = self.key.uncover(of.as_str(), &self.root, &cover)?;
        // One row has one address.
        (hex::encode(cover) == handle).then_some(id)
    }
}
