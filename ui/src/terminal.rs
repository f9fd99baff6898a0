//! Who sits at the terminal, for audit logs, and a last word before what cannot be undone.

use std::io::{self, IsTerminal as _, Write as _};
use std::os::unix::fs::MetadataExt as _;

/// Who acts at the terminal, where the system does not say more.
pub const COMMAND_LINE: &str = "command line";

/// Longest name of an account of the system that is taken over.
const LONGEST: usize = 32;

/// `command line (alice)`: whoever runs this process, by the name of their account on this machine. `sudo_user` is who became somebody else to
/// run it. It says who acted, and proves it no more than the machine's own accounts do; nobody can sign in under such a name.
#[must_use]
pub fn acting(sudo_user: Option<&str>) -> String {
    let uid = std::fs::metadata("/proc/self").ok().map(|own| own.uid());
    let accounts = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    called(sudo_user, uid, &accounts)
}

/// [`acting`], with what it reads.
fn called(sudo_user: Option<&str>, uid: Option<u32>, accounts: &str) -> String {
    let own = uid.map(|uid| {
        let named = accounts.lines().find_map(|line| {
            let mut fields = line.split(':');
            let (name, number) = (fields.next()?, fields.nth(1)?);
            (number.parse() == Ok(uid)).then(|| name.to_owned())
        });
        named.unwrap_or_else(|| uid.to_string())
    });
    let is_fit = |name: &str| {
        let of_names = |c: char| c.is_ascii_alphanumeric() || "._-@".contains(c);
        !name.is_empty() && name.len() <= LONGEST && name.chars().all(of_names)
    };
    let who = sudo_user.map(str::to_owned).filter(|name| is_fit(name));
    match who.or(own).filter(|name| is_fit(name)) {
        Some(name) => format!("{COMMAND_LINE} ({name})"),
        None => COMMAND_LINE.to_owned(),
    }
}

/// What a question at the terminal came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Word {
    /// They typed what was asked for.
    Given,
    /// They typed something else, or nothing.
    Withheld,
    /// Nobody is there to be asked.
    NoTerminal,
}

/// Shows `about` and asks for `word` to be typed, on standard error.
#[must_use]
pub fn asked_for(word: &str, about: &str) -> Word {
    let stdin = io::stdin();
    if !stdin.is_terminal() {
        return Word::NoTerminal;
    }
    let mut stderr = io::stderr();
    let asked = write!(stderr, "{about}\nType {word} to go on: ");
    let mut line = String::new();
    let typed = asked
        .and_then(|()| stderr.flush())
        .and_then(|()| stdin.read_line(&mut line));
    if typed.is_ok() && line.trim() == word {
        Word::Given
    } else {
        Word::Withheld
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ACCOUNTS: &str = "root:x:0:0:root:/root:/bin/sh\nbroken\nldsp:x:998:998::/srv:/bin/false\nodd name:x:7:7::/:/bin/sh\n";

    #[test]
    fn the_account_that_acts_is_named() {
        for (sudo, uid, who) in [
            (None, Some(998), "command line (ldsp)"),
            (Some("alice"), Some(998), "command line (alice)"),
            (Some("a\nlice"), Some(0), "command line (root)"),
            (Some(""), Some(0), "command line (root)"),
            // Of a directory service, which the file does not have.
            (None, Some(60_001), "command line (60001)"),
            (None, Some(7), "command line"),
            (None, None, "command line"),
        ] {
            assert_eq!(called(sudo, uid, ACCOUNTS), who);
        }
        assert!(acting(None).starts_with(COMMAND_LINE));
    }
}
