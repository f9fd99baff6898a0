//! `import`.

use super::Context;
use super::cli::Import;
use super::output::{Answer, Refusal};

pub(super) async fn run(_command: Import, _context: &Context) -> Answer {
    Err(Refusal::new(
        "import is being built",
        "Merge branch node-import again.",
    ))
}
