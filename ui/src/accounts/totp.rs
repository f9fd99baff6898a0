//! Codes of a phone by the time: RFC 6238 with SHA-1, 6 digits and steps of 30 seconds, which is what every authenticator app reads.

use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::Timestamp;
use rand_core::CryptoRng;
use sha1::Sha1;

/// Bytes of a key: as many as SHA-1 gives (RFC 4226, section 4, R6).
pub const KEY_BYTES: usize = 20;
/// A key that a phone and this site share.
pub type Key = [u8; KEY_BYTES];

/// RFC 6238, section 4.1: X.
const STEP_SECONDS: i64 = 30;
const DIGITS: u32 = 6;
/// A phone's clock may be this many steps off (RFC 6238, section 5.2).
const DRIFT: i64 = 1;

/// A new key.
pub(crate) fn draw(rng: &mut impl CryptoRng) -> Key {
    let mut key = [0; KEY_BYTES];
    rng.fill_bytes(&mut key);
    key
}

/// The step that `now` is in: RFC 6238, section 4.2, with T0 = 0.
fn step_of(now: Timestamp) -> i64 {
    now.as_second().div_euclid(STEP_SECONDS)
}

/// HOTP of RFC 4226, section 5.3, before it is cut to digits: 31 bits.
fn truncated(key: &[u8], counter: i64) -> u32 {
    let mut mac = Hmac::<Sha1>::new_from_slice(key).expect("HMAC takes a key of any length");
    mac.update(&counter.to_be_bytes());
    let digest = mac.finalize().into_bytes();
    let at = usize::from(digest[digest.len() - 1] & 0xf);
    let word = [digest[at], digest[at + 1], digest[at + 2], digest[at + 3]];
    u32::from_be_bytes(word) & 0x7fff_ffff
}

fn code(key: &Key, step: i64) -> String {
    let code = truncated(key, step) % 10_u32.pow(DIGITS);
    format!("{code:0width$}", width = DIGITS as usize)
}

/// The step of which `typed` is the code, if it is one of now or a step beside it and later than `last`, the step of the last code that was
/// accepted: a code that somebody looked at opens nothing a second time (RFC 6238, section 5.2).
pub(crate) fn accepted(key: &Key, typed: &str, now: Timestamp, last: i64) -> Option<i64> {
    let typed: String = typed.chars().filter(|c| !c.is_whitespace()).collect();
    let now = step_of(now);
    (now - DRIFT..=now + DRIFT).find(|step| *step > last && code(key, *step) == typed)
}

/// The code that a phone would show now.
#[must_use]
pub fn current(key: &Key, now: Timestamp) -> String {
    code(key, step_of(now))
}

/// RFC 4648's base 32, upper case without padding: as a person types a key.
#[must_use]
pub fn base32(key: &Key) -> String {
    const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let (mut held, mut bits, mut text) = (0_u32, 0, String::new());
    for byte in key {
        held = (held << 8) | u32::from(*byte);
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            text.push(char::from(ALPHABET[(held >> bits & 31) as usize]));
        }
    }
    text
}

/// The address that a phone's camera reads, for `name` on the site `issuer`.
pub(crate) fn address(key: &Key, name: &str, issuer: &str) -> String {
    let encode = crate::people::percent_encode;
    format!(
        "otpauth://totp/{issuer}:{name}?secret={key}&issuer={issuer}&algorithm=SHA1&digits={DIGITS}&period={STEP_SECONDS}",
        issuer = encode(issuer).replace('/', "%2F"),
        name = encode(name).replace('/', "%2F"),
        key = base32(key),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const RFC: &Key = b"12345678901234567890";

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    /// RFC 6238, appendix B, the lines of SHA-1; 8 digits.
    #[test]
    fn the_vectors_of_rfc_6238() {
        for (second, digits) in [
            (59, "94287082"),
            (1_111_111_109, "07081804"),
            (1_111_111_111, "14050471"),
            (1_234_567_890, "89005924"),
            (2_000_000_000, "69279037"),
            (20_000_000_000, "65353130"),
        ] {
            let eight = truncated(RFC, step_of(at(second))) % 100_000_000;
            assert_eq!(format!("{eight:08}"), digits, "{second}");
        }
    }

    /// RFC 4226, appendix D; 6 digits.
    #[test]
    fn the_vectors_of_rfc_4226() {
        let codes = [
            "755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583",
            "399871", "520489",
        ];
        for (counter, expected) in (0..).zip(codes) {
            assert_eq!(code(RFC, counter), expected);
        }
    }

    #[test]
    fn a_code_holds_for_its_step_and_one_beside_it_and_once() {
        let now = at(30 * 100 + 5);
        for (step, fits) in [
            (98, false),
            (99, true),
            (100, true),
            (101, true),
            (102, false),
        ] {
            let found = accepted(RFC, &code(RFC, step), now, 0);
            assert_eq!(found, fits.then_some(step));
        }
        let this = current(RFC, now);
        assert_eq!(
            accepted(RFC, &format!(" {} {} ", &this[..3], &this[3..]), now, 99),
            Some(100)
        );
        assert_eq!(accepted(RFC, &this, now, 100), None, "taken before");
        assert_eq!(accepted(RFC, "", now, 0), None);
    }

    /// RFC 4648, section 10 has no vector of 20 bytes; this key's base 32 is known from the documentation of authenticator apps.
    #[test]
    fn a_key_is_written_in_base_32() {
        assert_eq!(base32(RFC), "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
        let address = address(RFC, "Zoë O'Neill", "Black Country / node");
        assert_eq!(
            address,
            "otpauth://totp/Black%20Country%20%2F%20node:Zo%C3%AB%20O%27Neill?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\
             &issuer=Black%20Country%20%2F%20node&algorithm=SHA1&digits=6&period=30"
        );
    }
}
