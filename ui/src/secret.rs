//! One-time shown secrets with which people sign in, and their argon2id hashes.
//!
//! A secret is drawn at random, or chosen by its person under a rule ([`RULE`]) that keeps weak ones out; it is kept only as a hash.

use std::fmt;
use std::io::{self, BufRead as _, IsTerminal as _, Read as _};

use argon2::password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash};
use argon2::{Algorithm, Argon2, Params, Version};
use rand_core::CryptoRng;

/// Crockford's base 32: no I, L, O or U, so that a secret can be read out and typed.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// 28 characters of 5 bits: 140 bits.
const LENGTH: usize = 28;
const GROUP: usize = 4;
/// What a chosen secret must be, for people.
pub const RULE: &str = "At least 15 letters and digits: four or five words that have nothing to do with each other are easy to remember. Capitals, spaces and dashes do not matter";
/// NIST SP 800-63B-4, section 3.1.1.2: for a secret that is the only thing asked for.
const CHOSEN_LEAST: usize = 15;
/// Nobody's secret is longer; the bound keeps hashing cheap for whatever is sent.
const LONGEST: usize = 128;
/// Different characters in a chosen secret at least.
const DIFFERENT_LEAST: usize = 6;

/// More than a secret with its separators.
const LINE_BYTES: u64 = 256;

/// A secret in clear. Show it once with [`Secret::reveal`]; it is not printed by `Debug` and cannot be serialised.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// A new secret of 140 bits.
    pub fn generate(rng: &mut impl CryptoRng) -> Self {
        let mut bytes = [0; LENGTH];
        rng.fill_bytes(&mut bytes);
        Self(
            bytes
                .iter()
                .map(|byte| char::from(ALPHABET[usize::from(byte & 31)]))
                .collect(),
        )
    }

    /// Reads what a person typed: case, spaces and dashes do not matter, and O, I and L count as 0, 1 and 1.
    /// Whether it is the right secret is for [`verify`] to say.
    #[must_use]
    pub fn typed(text: &str) -> Self {
        let folded = text
            .chars()
            .filter(|c| !c.is_whitespace() && *c != '-')
            .map(|c| match c.to_ascii_uppercase() {
                'O' => '0',
                'I' | 'L' => '1',
                c => c,
            });
        Self(folded.take(LONGEST).collect())
    }

    /// The secret that a person called `name` chose and typed twice.
    ///
    /// # Errors
    /// What is wrong with it, in words, and at which of the fields `secret` and `again`.
    pub fn chosen(
        typed: &str,
        again: &str,
        name: &str,
    ) -> Result<Self, (&'static str, &'static str)> {
        let (secret, again) = (Self::typed(typed), Self::typed(again));
        let characters: Vec<char> = secret.0.chars().collect();
        let mut different = characters.clone();
        different.sort_unstable();
        different.dedup();
        let refused = |why| Err(("secret", why));
        if characters.is_empty() {
            return refused("Choose a secret");
        }
        if characters.len() < CHOSEN_LEAST {
            return refused("Your secret must have at least 15 letters and digits");
        }
        if characters.len() >= LONGEST {
            return refused("Your secret must have fewer than 128 characters");
        }
        let is_run = characters.windows(2).all(|two| {
            let step = i64::from(u32::from(two[1])) - i64::from(u32::from(two[0]));
            step.abs() <= 1
        });
        let repeats = (1..=characters.len().div_ceil(2))
            .any(|unit| (unit..characters.len()).all(|at| characters[at] == characters[at - unit]));
        if different.len() < DIFFERENT_LEAST || is_run || repeats {
            return refused("Your secret must not be a pattern, such as one word again and again");
        }
        let name = Self::typed(name).0;
        let rest = secret.0.replace(&name, "");
        if !name.is_empty() && rest.chars().count() < CHOSEN_LEAST - 5 {
            return refused("Your secret must be more than your name");
        }
        if again != secret {
            return Err(("again", "The two are not the same. Type both again"));
        }
        Ok(secret)
    }

    /// As it is hashed.
    pub(crate) fn folded(&self) -> &str {
        &self.0
    }

    /// Asks for the secret of `name`: without echo on a terminal, else as one line of standard input. Not from
    /// arguments or environment, which other programs can read.
    ///
    /// # Errors
    /// There is neither.
    pub fn ask(name: &str) -> io::Result<Self> {
        ask_unseen(&format!("Secret of {name}: ")).map(|t| Self::typed(&t))
    }

    /// The secret in groups of four, to be shown once.
    #[must_use]
    pub fn reveal(&self) -> String {
        let characters: Vec<char> = self.0.chars().collect();
        characters
            .chunks(GROUP)
            .map(String::from_iter)
            .collect::<Vec<_>>()
            .join("-")
    }
}

/// What somebody types at the prompt without its being shown, or one line of standard input where that is no terminal.
///
/// # Errors
/// There is neither.
pub fn ask_unseen(prompt: &str) -> io::Result<String> {
    let stdin = io::stdin();
    if stdin.is_terminal() {
        return rpassword::prompt_password(prompt);
    }
    let mut line = String::new();
    stdin.lock().take(LINE_BYTES).read_line(&mut line)?;
    Ok(line)
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(not shown)")
    }
}

/// A secret could not be hashed, for want of memory.
#[derive(Debug, thiserror::Error)]
#[error("the secret could not be hashed: {0}. Free some memory (20 MiB are needed) and try again.")]
pub struct HashError(argon2::password_hash::Error);

/// argon2id with OWASP's first recommendation: 19 MiB, 2 passes, 1 lane.
fn argon2id() -> Argon2<'static> {
    Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::DEFAULT)
}

/// The PHC string under which a store keeps `secret`.
///
/// # Errors
/// [`HashError`] when 19 MiB of memory are not to be had.
pub fn hash(secret: &Secret, rng: &mut impl CryptoRng) -> Result<String, HashError> {
    let mut salt = [0; 16];
    rng.fill_bytes(&mut salt);
    let phc: PasswordHash = argon2id()
        .hash_password_with_salt(secret.0.as_bytes(), &salt)
        .map_err(HashError)?;
    Ok(phc.to_string())
}

/// Whether `secret` is the one behind `phc`, compared in constant time. Takes tens of milliseconds of CPU by design: from
/// async code call it with `spawn_blocking`.
#[must_use]
pub fn verify(secret: &Secret, phc: &str) -> bool {
    argon2id().verify_password(secret.0.as_bytes(), phc).is_ok()
}

/// Takes as long as [`verify`] and never agrees: what an unknown name is answered with.
#[must_use]
pub fn verify_nobody(secret: &Secret) -> bool {
    let mut out = [0; Params::DEFAULT_OUTPUT_LEN];
    // The result is of no interest, its duration is.
    std::hint::black_box(
        argon2id()
            .hash_password_into(secret.0.as_bytes(), b"nobody-has-this-salt", &mut out)
            .is_ok(),
    );
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_chacha::ChaCha20Rng;
    use rand_chacha::rand_core::SeedableRng;

    #[test]
    fn a_secret_verifies_however_it_is_typed_and_no_other_does() {
        let mut rng = ChaCha20Rng::seed_from_u64(7);
        let secret = Secret::generate(&mut rng);
        let phc = hash(&secret, &mut rng).unwrap();
        assert!(phc.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{phc}");
        assert!(verify(&Secret::typed(&secret.reveal()), &phc));
        assert!(verify(
            &Secret::typed(&format!(
                " {} ",
                secret.reveal().to_lowercase().replace('-', " ")
            )),
            &phc
        ));
        assert!(!verify(&Secret::generate(&mut rng), &phc));
        assert!(!verify(&Secret::typed(""), &phc));
        assert!(!verify(&secret, "not a hash"));
        assert!(!verify_nobody(&secret));
    }

    #[test]
    fn a_chosen_secret_is_long_and_no_pattern() {
        let chosen = |secret: &str| Secret::chosen(secret, secret, "Ada Lovelace");
        let good = "copper lantern seven violins";
        assert_eq!(chosen(good), Ok(Secret::typed(good)));
        assert!(chosen(&"x1y2z3w4".repeat(2)[..15]).is_err());
        for bad in [
            "",
            "short",
            "fourteen-chars",
            "aaaaaaaaaaaaaaaaaaaa",
            "abcdefabcdefabcdef",
            "23456789ABCDEFGH23456789ABCDEFGH",
            "ada lovelace 1815",
            &"k1v2w3".repeat(40),
        ] {
            assert!(chosen(bad).is_err(), "{bad}");
        }
        let other = Secret::chosen(good, "copper lantern seven violin", "x");
        assert_eq!(other.unwrap_err().0, "again");
    }

    #[test]
    fn secrets_are_groups_of_four_and_do_not_print() {
        let mut rng = ChaCha20Rng::seed_from_u64(8);
        let (one, two) = (Secret::generate(&mut rng), Secret::generate(&mut rng));
        assert_ne!(one, two);
        assert_eq!(
            one.reveal().split('-').map(str::len).collect::<Vec<_>>(),
            [4; 7]
        );
        assert!(!format!("{one:?}").contains(&one.reveal()[..4]));
        assert_eq!(Secret::typed("oil0-abcd"), Secret::typed("0110ABCD"));
    }
}
