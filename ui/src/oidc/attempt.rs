//! What a browser holds between leaving for the sign-in service and coming back.
//!
//! The server keeps nothing: a cookie holds when and for what the attempt began, and everything that must be secret and bound to
//! it (state, nonce, PKCE verifier) is a keyed hash of that text. The key lives as long as the process. A changed cookie is
//! another text, and its state is not the one that comes back.

use std::sync::atomic::{AtomicU64, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use sha2::{Digest as _, Sha256};

/// Coming back later than this is too late.
pub(super) const LIFE: SignedDuration = SignedDuration::from_mins(10);

/// What an attempt is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Purpose {
    /// To sign in, and then go to this path.
    SignIn(String),
    /// To note who this signed-in person is at the service.
    Connect(String),
    /// To let whoever opened a link choose the account in the place of a secret.
    Welcome {
        /// The digest of the link's token, in hex.
        link: String,
        /// Their name, where they are the first of those who look after people.
        name: String,
    },
    /// To show that whoever sits here is still this signed-in person, and then go to this path.
    Again { person: String, next: String },
}

impl Purpose {
    /// Whether the service has to ask for its own secret once more.
    pub(super) fn asks_anew(&self) -> bool {
        matches!(self, Self::Again { .. })
    }
}

#[derive(Serialize, Deserialize)]
struct Text {
    id: String,
    started: i64,
    purpose: Purpose,
}

/// An attempt on its way.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Attempt {
    /// For the cookie.
    pub(super) cookie: String,
    /// Goes to the service and comes back in the address (RFC 6749, section 10.12).
    pub(super) state: String,
    /// Comes back in the ID token (OpenID Connect Core 1.0, section 3.1.2.1).
    pub(super) nonce: String,
    /// Goes to the token endpoint (RFC 7636, section 4.1); 43 characters, of 32 bytes.
    pub(super) verifier: String,
    pub(super) started: Timestamp,
    pub(super) purpose: Purpose,
}

impl Attempt {
    /// What the verifier is shown to be known by (RFC 7636, section 4.2, method `S256`).
    pub(super) fn challenge(&self) -> String {
        BASE64.encode(Sha256::digest(self.verifier.as_bytes()))
    }
}

/// The key of one process.
pub(super) struct Seal {
    key: [u8; 32],
    next: AtomicU64,
}

impl Seal {
    pub(super) fn new(key: [u8; 32]) -> Self {
        Self {
            key,
            next: AtomicU64::new(0),
        }
    }

    fn mac(&self, label: &str, text: &[u8]) -> Hmac<Sha256> {
        let mut mac =
            Hmac::<Sha256>::new_from_slice(&self.key).expect("HMAC takes keys of any length");
        mac.update(label.as_bytes());
        mac.update(&[0]);
        mac.update(text);
        mac
    }

    fn derived(&self, label: &str, text: &[u8]) -> String {
        BASE64.encode(self.mac(label, text).finalize().into_bytes())
    }

    pub(super) fn begin(&self, purpose: Purpose, now: Timestamp) -> Attempt {
        let count = self.next.fetch_add(1, Ordering::Relaxed);
        let text = Text {
            id: self.derived("id", &count.to_be_bytes()),
            started: now.as_second(),
            purpose,
        };
        let text = serde_json::to_vec(&text).expect("strings and numbers are JSON");
        self.read(&BASE64.encode(text))
            .expect("it is base64 of the JSON of a text, with a moment that was one")
    }

    /// The attempt of this cookie; `None` when no attempt has such a cookie. Whether it began here is known by its state alone.
    pub(super) fn read(&self, cookie: &str) -> Option<Attempt> {
        let text: Text = serde_json::from_slice(&BASE64.decode(cookie).ok()?).ok()?;
        let of = |label: &str| self.derived(label, cookie.as_bytes());
        Some(Attempt {
            cookie: cookie.to_owned(),
            state: of("state"),
            nonce: of("nonce"),
            verifier: of("verifier"),
            started: Timestamp::from_second(text.started).ok()?,
            purpose: text.purpose,
        })
    }

    /// Whether `state` came back from the attempt of `cookie`; in constant time.
    pub(super) fn is_state(&self, cookie: &str, state: &str) -> bool {
        let state = BASE64.decode(state).unwrap_or_default();
        self.mac("state", cookie.as_bytes())
            .verify_slice(&state)
            .is_ok()
    }

    /// `value` for a hidden field of a form, so that only what this process wrote comes back.
    pub(super) fn close(&self, value: &impl Serialize) -> String {
        let text = BASE64.encode(serde_json::to_vec(value).expect("strings and numbers are JSON"));
        let mac = self.derived("field", text.as_bytes());
        format!("{text}.{mac}")
    }

    /// What [`Self::close`] was given.
    pub(super) fn open<T: DeserializeOwned>(&self, field: &str) -> Option<T> {
        let (text, mac) = field.split_once('.')?;
        let mac = BASE64.decode(mac).ok()?;
        self.mac("field", text.as_bytes()).verify_slice(&mac).ok()?;
        serde_json::from_slice(&BASE64.decode(text).ok()?).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn begun(seal: &Seal) -> Attempt {
        seal.begin(Purpose::SignIn("/".into()), Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn the_challenge_is_that_of_rfc_7636_appendix_b() {
        let mut attempt = begun(&Seal::new([1; 32]));
        attempt.verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk".into();
        assert_eq!(
            attempt.challenge(),
            "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
        );
    }

    #[test]
    fn no_two_attempts_share_anything_and_none_survives_its_process() {
        let seal = Seal::new([1; 32]);
        let (one, two) = (begun(&seal), begun(&seal));
        assert!(one.state != two.state && one.nonce != two.nonce && one.verifier != two.verifier);
        assert!(one.state != one.nonce && one.nonce != one.verifier);
        assert_eq!(one.verifier.len(), 43);
        assert!(seal.is_state(&one.cookie, &one.state));
        assert!(!seal.is_state(&one.cookie, &two.state));
        assert!(!seal.is_state(&one.cookie, ""));
        assert!(!Seal::new([2; 32]).is_state(&one.cookie, &one.state));
        assert!(seal.read("not a cookie of ours").is_none());
        let again = seal.read(&one.cookie).unwrap();
        assert!(again == one);
    }

    #[test]
    fn a_changed_cookie_has_another_state() {
        let seal = Seal::new([1; 32]);
        let attempt = begun(&seal);
        let text = String::from_utf8(BASE64.decode(&attempt.cookie).unwrap()).unwrap();
        let changed = BASE64.encode(text.replace("SignIn", "Connect"));
        assert!(seal.read(&changed).is_some());
        assert!(!seal.is_state(&changed, &attempt.state));
    }

    #[test]
    fn a_field_opens_only_as_it_was_closed() {
        let seal = Seal::new([1; 32]);
        let field = seal.close(&("ada", 7));
        assert_eq!(seal.open(&field), Some(("ada".to_owned(), 7)));
        let (text, mac) = field.split_once('.').unwrap();
        let forged = BASE64.encode(br#"["bob",7]"#);
        for bad in [
            format!("{forged}.{mac}"),
            text.to_owned(),
            format!("{text}."),
        ] {
            assert_eq!(seal.open::<(String, u8)>(&bad), None, "{bad}");
        }
        assert_eq!(Seal::new([2; 32]).open::<(String, u8)>(&field), None);
    }
}
