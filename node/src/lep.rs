//! Which LEP a node is of. `init` says it, or leaves it to the admin, who chooses it on a page, by a command or by a program. It may be
//! changed until something depends on it: where learners live is judged by it, and it is in everything that is published.

use jiff::Timestamp;
use ldsp_protocol::geography::{Geography, Lep};

use crate::home::Node;
use crate::store::StoreError;
use crate::store::identity::{Chosen, Fixed};

/// Why the LEP was not chosen.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum LepError {
    #[error("that is not the code of a Local Enterprise Partnership")]
    Unknown,
    #[error("the LEP stays as it is: {}", .0.in_words())]
    Fixed(Fixed),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl LepError {
    /// What to do next.
    #[must_use]
    pub fn next(&self) -> &'static str {
        match self {
            Self::Unknown => {
                "Choose one of the 38 LEPs of 2021, such as E37000001 (Black Country)."
            }
            Self::Fixed(Fixed::Sample) => {
                "Remove the made-up records first: they live in the districts of the LEP that was chosen."
            }
            Self::Fixed(_) => "Ask the IT team to make a node of its own for the other LEP.",
            Self::Store(error) => error.next(),
        }
    }

    /// The same for somebody at a terminal.
    #[must_use]
    pub fn next_by_command(&self) -> &'static str {
        match self {
            Self::Fixed(fixed) if *fixed != Fixed::Sample => {
                "Make a node of its own for the other LEP: `ldsp-node init` in another data directory."
            }
            _ => self.next(),
        }
    }
}

/// Chooses the LEP with this GSS code, as an act of `who`. The same one again changes nothing.
///
/// # Errors
/// [`LepError`]; the LEP stays as it was.
pub async fn choose(
    node: &Node,
    code: &str,
    who: &str,
    now: Timestamp,
) -> Result<&'static Lep, LepError> {
    let code = code.trim().parse().map_err(|_| LepError::Unknown)?;
    let lep = Geography::embedded().lep(&code).ok_or(LepError::Unknown)?;
    match node.store.choose_lep(lep, who, now).await? {
        Chosen::Fixed(why) => Err(LepError::Fixed(why)),
        Chosen::Done | Chosen::Same => {
            node.take_lep(lep.code.clone());
            Ok(lep)
        }
    }
}
