//! The service: what it says of itself (OpenID Connect Discovery 1.0), its keys, and what it gives for a code.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::jwk::Jwk;
use reqwest::{Client, Url, header};
use serde::Deserialize;
use tokio::sync::Mutex;

use super::attempt::Attempt;
use super::config::{Config, ConfigError};
use super::fetch::{self, answer, form};
use super::keys;
use super::subject::{Claim, Subject};
use super::token::{self, Expected, Identity};
use super::trouble::Trouble;
use crate::Clock;

/// What the service says of itself is asked for again after this long.
const METADATA_LIFE: SignedDuration = SignedDuration::from_hours(1);
/// Its keys, after this long: a key that it takes back is believed no longer than that.
const KEYS_LIFE: SignedDuration = SignedDuration::from_mins(10);
/// Keys that do not fit a token are asked for again at once, and then not before this long: anybody can bring what nothing fits.
const KEYS_AGAIN: SignedDuration = SignedDuration::from_secs(30);
/// Who asks this soon after a failure hears of that one: people do not queue behind a service that does not answer.
const FAILED: SignedDuration = SignedDuration::from_secs(5);

/// Section 3 of Discovery, as far as it is used here.
#[derive(Clone, Deserialize)]
struct Metadata {
    issuer: String,
    authorization_endpoint: Endpoint,
    token_endpoint: Endpoint,
    jwks_uri: Endpoint,
    response_types_supported: Option<Vec<String>>,
    code_challenge_methods_supported: Option<Vec<String>>,
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
    /// RP-Initiated Logout 1.0, section 2.1.
    end_session_endpoint: Option<String>,
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
}

/// An address of the service.
#[derive(Clone, Deserialize)]
#[serde(try_from = "String")]
struct Endpoint(Url);

impl TryFrom<String> for Endpoint {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match Url::parse(&text) {
            Ok(url) if url.scheme() == "https" => Ok(Self(url)),
            _ => Err(format!("{text:?} is not an https address")),
        }
    }
}

#[derive(Clone)]
struct Known {
    metadata: Metadata,
    metadata_at: Timestamp,
    keys: Vec<Jwk>,
    keys_at: Timestamp,
}

#[derive(Default)]
struct Held {
    known: Option<Known>,
    /// When keys were last asked for because a token did not fit those that were held.
    anew: Option<Timestamp>,
    failed: Option<(Timestamp, Trouble)>,
}

/// The service.
pub(super) struct Service {
    pub(super) config: Config,
    client: Client,
    secret: Option<String>,
    /// Where it sends people back to.
    redirect: String,
    /// And where after signing them out.
    signed_out: String,
    clock: Clock,
    held: Mutex<Held>,
}

/// What the token endpoint gives (section 3.1.3.3 of Core).
#[derive(Deserialize)]
struct Tokens {
    id_token: String,
    access_token: Option<String>,
}

/// What it says when it refuses (RFC 6749, section 5.2).
#[derive(Deserialize)]
struct Refused {
    error: String,
}

impl Service {
    pub(super) fn new(
        config: Config,
        public_origin: &str,
        clock: Clock,
    ) -> Result<Self, ConfigError> {
        config.check()?;
        Ok(Self {
            client: fetch::client(&config)?,
            secret: config.secret()?,
            redirect: format!("{public_origin}{}", super::BACK),
            signed_out: format!("{public_origin}{}", super::OUT_THERE),
            config,
            clock,
            held: Mutex::default(),
        })
    }

    /// Where the browser goes (section 3.1.2.1 of Core; RFC 7636, section 4.3).
    pub(super) async fn address(&self, attempt: &Attempt) -> Result<String, Trouble> {
        let mut url = self.known(false).await?.metadata.authorization_endpoint.0;
        let scope = match self.config.claim {
            Claim::Subject => "openid",
            Claim::Email => "openid email",
        };
        url.query_pairs_mut().extend_pairs([
            ("response_type", "code"),
            ("client_id", &self.config.client_id),
            ("redirect_uri", &self.redirect),
            ("scope", scope),
            ("state", &attempt.state),
            ("nonce", &attempt.nonce),
            ("code_challenge", &attempt.challenge()),
            ("code_challenge_method", "S256"),
        ]);
        if attempt.purpose.asks_anew() {
            url.query_pairs_mut()
                .extend_pairs([("prompt", "login"), ("max_age", "0")]);
        }
        Ok(url.into())
    }

    /// Whether an answer that says it comes from `iss` is this service's (RFC 9207, section 2.4).
    pub(super) async fn is_from(&self, iss: Option<&str>) -> Result<(), Trouble> {
        let says_so = self
            .known(false)
            .await?
            .metadata
            .authorization_response_iss_parameter_supported;
        match iss {
            Some(iss) if iss == self.config.issuer => Ok(()),
            None if !says_so => Ok(()),
            _ => Err(Trouble::OtherIssuer),
        }
    }

    /// Who came back with this code.
    pub(super) async fn redeem(&self, code: &str, attempt: &Attempt) -> Result<Subject, Trouble> {
        let known = self.known(false).await?;
        let tokens = self.tokens(&known.metadata, code, attempt).await?;
        let expected = Expected {
            issuer: &self.config.issuer,
            client_id: &self.config.client_id,
            nonce: &attempt.nonce,
            access_token: tokens.access_token.as_deref(),
            started: attempt.started,
            anew: attempt.purpose.asks_anew(),
            now: (self.clock)(),
        };
        let checked = token::check(&tokens.id_token, &known.keys, &expected);
        let identity = match checked {
            Err(defect) if defect.is_of_keys() => {
                let known = self.known(true).await?;
                token::check(&tokens.id_token, &known.keys, &expected)
            }
            other => other,
        };
        self.subject(identity.map_err(Trouble::Token)?)
    }

    /// Where a browser signs out at the service (RP-Initiated Logout 1.0, section 2), if it can there and the service answers. No ID token is
    /// kept that could be shown as a hint, so the service knows this site by its `client_id` and asks the person itself.
    pub(super) async fn sign_out(&self) -> Option<String> {
        let known = self.known(false).await.ok()?;
        let Endpoint(mut address) = known.metadata.end_session_endpoint?.try_into().ok()?;
        address
            .query_pairs_mut()
            .append_pair("client_id", &self.config.client_id)
            .append_pair("post_logout_redirect_uri", &self.signed_out);
        Some(address.into())
    }

    fn subject(&self, identity: Identity) -> Result<Subject, Trouble> {
        let claim = self.config.claim;
        let value = match claim {
            Claim::Subject => identity.subject,
            Claim::Email => identity.email.ok_or(Trouble::NoEmail)?,
        };
        let subject = Subject::new(&self.config.issuer, claim, &value);
        subject.ok_or(match claim {
            Claim::Subject => Trouble::Token(token::Defect::Subject),
            Claim::Email => Trouble::NoEmail,
        })
    }

    /// Gives the code for tokens (sections 3.1.3.1 and 9 of Core; RFC 7636, section 4.5).
    async fn tokens(
        &self,
        metadata: &Metadata,
        code: &str,
        attempt: &Attempt,
    ) -> Result<Tokens, Trouble> {
        let mut body = vec![
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", &self.redirect),
            ("code_verifier", &attempt.verifier),
        ];
        let client_id = self.config.client_id.as_str();
        let mut request = self
            .client
            .post(metadata.token_endpoint.0.clone())
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        let methods = metadata.token_endpoint_auth_methods_supported.as_deref();
        let takes = |name: &str| methods.is_some_and(|all| all.iter().any(|one| one == name));
        match &self.secret {
            None => body.push(("client_id", client_id)),
            // RFC 6749, section 2.3.1: both are form-encoded first.
            Some(secret) if methods.is_none() || takes("client_secret_basic") => {
                let encoded = |text: &str| form(&[("", text)]).trim_start_matches('=').to_owned();
                let pair = format!("{}:{}", encoded(client_id), encoded(secret));
                let value = format!("Basic {}", BASE64.encode(pair));
                request = request.header(header::AUTHORIZATION, value);
            }
            Some(secret) if takes("client_secret_post") => {
                body.extend([("client_id", client_id), ("client_secret", secret)]);
            }
            Some(_) => {
                return Err(Trouble::Unusable(
                    "it takes no client secret by client_secret_basic or client_secret_post"
                        .to_owned(),
                ));
            }
        }
        let (status, answered) = answer(request.body(form(&body))).await?;
        if status == 200 {
            let what = "its token endpoint gave no ID token";
            return serde_json::from_slice(&answered)
                .map_err(|_| Trouble::Unusable(what.to_owned()));
        }
        let refused = serde_json::from_slice::<Refused>(&answered);
        Err(match refused {
            Ok(Refused { error }) if matches!(status, 400 | 401) => Trouble::code_refused(&error),
            _ => Trouble::Unreachable(format!("its token endpoint answered with status {status}")),
        })
    }

    /// What is known of the service; `anew` asks for its keys although they are held, because a token does not fit them.
    async fn known(&self, anew: bool) -> Result<Known, Trouble> {
        // Held while asking, so that people who come together ask once.
        let mut held = self.held.lock().await;
        let now = (self.clock)();
        let younger = |since: Timestamp, life| {
            let age = now.duration_since(since);
            !age.is_negative() && age < life
        };
        let anew = anew && !held.anew.is_some_and(|at| younger(at, KEYS_AGAIN));
        if let Some(known) = &held.known
            && younger(known.metadata_at, METADATA_LIFE)
            && younger(known.keys_at, KEYS_LIFE)
            && !anew
        {
            return Ok(known.clone());
        }
        if anew {
            held.anew = Some(now);
        }
        if let Some((at, trouble)) = &held.failed
            && younger(*at, FAILED)
        {
            return Err(trouble.clone());
        }
        let current = held
            .known
            .as_ref()
            .filter(|known| younger(known.metadata_at, METADATA_LIFE))
            .map(|known| (known.metadata.clone(), known.metadata_at));
        match self.ask(current, now).await {
            Ok(known) => {
                held.known = Some(known.clone());
                held.failed = None;
                Ok(known)
            }
            Err(trouble) => {
                held.failed = Some(((self.clock)(), trouble.clone()));
                Err(trouble)
            }
        }
    }

    async fn ask(
        &self,
        current: Option<(Metadata, Timestamp)>,
        now: Timestamp,
    ) -> Result<Known, Trouble> {
        let (metadata, metadata_at) = match current {
            Some(current) => current,
            None => (self.metadata().await?, now),
        };
        let asked = answer(self.client.get(metadata.jwks_uri.0.clone())).await?;
        let keys = keys::read(&document(asked, "its key set")?)
            .map_err(|_| Trouble::Unusable("its key set is not what RFC 7517 says".to_owned()))?;
        Ok(Known {
            metadata,
            metadata_at,
            keys,
            keys_at: now,
        })
    }

    /// Section 4 of Discovery.
    async fn metadata(&self) -> Result<Metadata, Trouble> {
        let issuer = self.config.issuer.trim_end_matches('/');
        let address = format!("{issuer}/.well-known/openid-configuration");
        let asked = answer(self.client.get(address)).await?;
        let metadata: Metadata =
            serde_json::from_slice(&document(asked, "its discovery document")?).map_err(
                |error| {
                    Trouble::Unusable(format!("its discovery document cannot be used: {error}"))
                },
            )?;
        let wrong = |why: &str| Err(Trouble::Unusable(why.to_owned()));
        if metadata.issuer != self.config.issuer {
            return Err(Trouble::Unusable(format!(
                "its discovery document is of the issuer {:?}, and the configuration says {:?}",
                metadata.issuer, self.config.issuer
            )));
        }
        let lacks = |list: &Option<Vec<String>>, what: &str| {
            list.as_ref()
                .is_some_and(|list| !list.iter().any(|one| one == what))
        };
        if lacks(&metadata.response_types_supported, "code") {
            return wrong("it does not offer the authorization code flow");
        }
        if lacks(&metadata.code_challenge_methods_supported, "S256") {
            return wrong("it does not offer PKCE with S256");
        }
        Ok(metadata)
    }
}

fn document((status, body): (u16, Vec<u8>), what: &str) -> Result<Vec<u8>, Trouble> {
    match status {
        200 => Ok(body),
        500.. => Err(Trouble::Unreachable(format!(
            "{what} was answered with status {status}"
        ))),
        _ => Err(Trouble::Unusable(format!(
            "{what} was answered with status {status}"
        ))),
    }
}
