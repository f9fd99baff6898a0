//! Whether an ID token is what it should be (OpenID Connect Core 1.0, sections 2 and 3.1.3.7; RFC 8725).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, DecodingKey, Header, Validation};
use serde::{Deserialize, Deserializer, de};
use sha2::{Digest as _, Sha256, Sha512};

use super::keys::{self, ALGORITHMS};

/// How far the service's clock and this server's may be apart.
pub(super) const LEEWAY: SignedDuration = SignedDuration::from_secs(60);
/// Longer than any ID token of a service that people sign in with.
const LONGEST: usize = 64 * 1024;

/// What a token must say.
pub(super) struct Expected<'a> {
    pub(super) issuer: &'a str,
    pub(super) client_id: &'a str,
    pub(super) nonce: &'a str,
    /// What came with it.
    pub(super) access_token: Option<&'a str>,
    /// When the person left for the service.
    pub(super) started: Timestamp,
    /// Whether they had to sign in there once more since.
    pub(super) anew: bool,
    pub(super) now: Timestamp,
}

/// What a good token says of somebody.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Identity {
    pub(super) subject: String,
    /// Only a verified one.
    pub(super) email: Option<String>,
}

/// Why a token is not believed. None of them holds a part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Defect {
    #[error("it is not a signed JWT with the claims of an ID token")]
    Shape,
    #[error("it is signed by an algorithm other than RS256, ES256 and EdDSA, or not at all")]
    Algorithm,
    #[error("its header asks for something that is not understood here")]
    Header,
    #[error("no key that the service publishes fits it")]
    NoKey,
    #[error("its signature is not by the service's key")]
    Signature,
    #[error("`iss` is another service")]
    Issuer,
    #[error("`aud` is not this site alone")]
    Audience,
    #[error("`azp` is another site")]
    AuthorisedParty,
    #[error("`nonce` is not the one that was sent")]
    Nonce,
    #[error("the service's clock is {0} s ahead of this server's")]
    ClockBehind(i64),
    #[error(
        "it was issued {0} s before the sign-in began: the service's clock is behind this server's"
    )]
    ClockAhead(i64),
    #[error("it has ended")]
    Expired,
    #[error("`nbf`: it is not valid yet")]
    NotYet,
    #[error("`at_hash` is of another access token")]
    AccessToken,
    #[error("`sub` is not what a service may say")]
    Subject,
    #[error("`auth_time` is missing or before this: the service did not ask the person again")]
    NotAnew,
}

impl Defect {
    /// Whether other keys may mend it: the service may have changed its own since they were read.
    pub(super) fn is_of_keys(self) -> bool {
        matches!(self, Self::NoKey | Self::Signature)
    }
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: Audience,
    #[serde(deserialize_with = "seconds")]
    exp: i64,
    #[serde(deserialize_with = "seconds")]
    iat: i64,
    #[serde(default, deserialize_with = "some_seconds")]
    nbf: Option<i64>,
    azp: Option<String>,
    nonce: Option<String>,
    #[serde(default, deserialize_with = "some_seconds")]
    auth_time: Option<i64>,
    at_hash: Option<String>,
    email: Option<String>,
    /// Anything but `true` is no.
    email_verified: Option<serde_json::Value>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Several(Vec<String>),
}

/// A NumericDate (RFC 7519, section 2), which may have a fraction.
fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    let number = serde_json::Number::deserialize(deserializer)?;
    let whole = number.as_i64().or_else(|| {
        let number = number.as_f64()?.floor();
        // The years 1970 to 9999, within which a double is exact.
        (0.0..253_402_300_800.0).contains(&number).then(|| {
            #[expect(
                clippy::cast_possible_truncation,
                reason = "within the range just tested"
            )]
            let whole = number as i64;
            whole
        })
    });
    whole.ok_or_else(|| de::Error::custom("not a date"))
}

fn some_seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    seconds(deserializer).map(Some)
}

/// What the token says, when one of `keys` signed it and it says what it must.
pub(super) fn check(
    token: &str,
    keys: &[Jwk],
    expected: &Expected<'_>,
) -> Result<Identity, Defect> {
    if token.len() > LONGEST {
        return Err(Defect::Shape);
    }
    let header = header(token)?;
    let claims = signed(token, &header, keys)?;
    addressed(&claims, expected)?;
    in_time(&claims, expected)?;
    if claims.nonce.as_deref() != Some(expected.nonce) {
        return Err(Defect::Nonce);
    }
    if let (Some(hash), Some(token)) = (&claims.at_hash, expected.access_token)
        && *hash != left_half(header.alg, token)
    {
        return Err(Defect::AccessToken);
    }
    // Section 3.1.3.7, step 13: what `max_age` asks for.
    let earliest = expected.started.as_second() - LEEWAY.as_secs();
    if expected.anew && claims.auth_time.is_none_or(|at| at < earliest) {
        return Err(Defect::NotAnew);
    }
    if claims.sub.is_empty() || claims.sub.len() > 255 || !claims.sub.is_ascii() {
        return Err(Defect::Subject);
    }
    let is_verified = claims.email_verified == Some(serde_json::Value::Bool(true));
    Ok(Identity {
        subject: claims.sub,
        email: claims.email.filter(|_| is_verified),
    })
}

/// The header of a token that may be looked at. What it says about keys other than their name is never followed.
fn header(token: &str) -> Result<Header, Defect> {
    #[derive(Deserialize)]
    struct Named {
        alg: String,
    }
    let encoded = token.split('.').next().unwrap_or_default();
    let decoded = BASE64.decode(encoded).map_err(|_| Defect::Shape)?;
    // Read by itself first: to the library an algorithm that it does not know is a header that it cannot read.
    let named: Named = serde_json::from_slice(&decoded).map_err(|_| Defect::Shape)?;
    let known = named.alg.parse::<Algorithm>();
    if !known.is_ok_and(|algorithm| ALGORITHMS.contains(&algorithm)) {
        return Err(Defect::Algorithm);
    }
    let header = jsonwebtoken::decode_header(token).map_err(|_| Defect::Shape)?;
    // RFC 7515, section 4.1.11: what is critical and not understood. RFC 8725, section 3.11: a token for something else.
    let is_plain = header.crit.is_none()
        && !header.extras.inner().contains_key("b64")
        && header
            .typ
            .as_deref()
            .is_none_or(|typ| typ.eq_ignore_ascii_case("JWT"));
    if is_plain {
        Ok(header)
    } else {
        Err(Defect::Header)
    }
}

fn signed(token: &str, header: &Header, keys: &[Jwk]) -> Result<Claims, Defect> {
    let mut rules = Validation::new(header.alg);
    // The library would read the system's clock, and would let an audience among others pass: both are judged below.
    rules.validate_exp = false;
    rules.validate_aud = false;
    rules.required_spec_claims.clear();
    let mut defect = Defect::NoKey;
    for key in keys::fitting(keys, header) {
        let Ok(key) = DecodingKey::from_jwk(key) else {
            continue;
        };
        match jsonwebtoken::decode::<Claims>(token, &key, &rules) {
            Ok(token) => return Ok(token.claims),
            Err(error) => {
                use jsonwebtoken::errors::ErrorKind;
                defect = match error.kind() {
                    ErrorKind::Json(_)
                    | ErrorKind::Base64(_)
                    | ErrorKind::Utf8(_)
                    | ErrorKind::InvalidToken => Defect::Shape,
                    _ => Defect::Signature,
                };
            }
        }
    }
    Err(defect)
}

/// By whom, and for whom. Another audience beside this site is refused, because this site trusts none
/// (section 3.1.3.7, step 3).
fn addressed(claims: &Claims, expected: &Expected<'_>) -> Result<(), Defect> {
    if claims.iss != expected.issuer {
        return Err(Defect::Issuer);
    }
    let is_for_us = match &claims.aud {
        Audience::One(one) => one == expected.client_id,
        Audience::Several(several) => {
            !several.is_empty() && several.iter().all(|one| one == expected.client_id)
        }
    };
    if !is_for_us {
        return Err(Defect::Audience);
    }
    match &claims.azp {
        Some(party) if party != expected.client_id => Err(Defect::AuthorisedParty),
        _ => Ok(()),
    }
}

fn in_time(claims: &Claims, expected: &Expected<'_>) -> Result<(), Defect> {
    let (now, leeway) = (expected.now.as_second(), LEEWAY.as_secs());
    let ahead = claims.iat.saturating_sub(now);
    if ahead > leeway {
        return Err(Defect::ClockBehind(ahead));
    }
    let before = expected.started.as_second().saturating_sub(claims.iat);
    if before > leeway {
        return Err(Defect::ClockAhead(before));
    }
    if claims.exp.saturating_add(leeway) <= now {
        return Err(Defect::Expired);
    }
    if claims
        .nbf
        .is_some_and(|nbf| nbf.saturating_sub(leeway) > now)
    {
        return Err(Defect::NotYet);
    }
    Ok(())
}

/// The left half of the access token's digest (section 3.1.3.6). The digest is that of the algorithm; Ed25519's is SHA-512.
fn left_half(algorithm: Algorithm, access_token: &str) -> String {
    match algorithm {
        Algorithm::EdDSA => BASE64.encode(&Sha512::digest(access_token.as_bytes())[..32]),
        _ => BASE64.encode(&Sha256::digest(access_token.as_bytes())[..16]),
    }
}

#[cfg(test)]
mod tests;
