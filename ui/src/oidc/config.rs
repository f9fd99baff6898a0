//! The table `[oidc]` of a site's configuration.

use std::path::PathBuf;

use serde::Deserialize;

use super::subject::Claim;

/// How a site reaches the sign-in service of its people: the table `[oidc]`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The service's address, exactly as its discovery document writes it (OpenID Connect Discovery 1.0, section 3).
    pub issuer: String,
    /// What the service calls this site.
    pub client_id: String,
    /// A file whose one line is this site's secret at the service; without it the site is a public client, guarded by PKCE alone.
    pub client_secret_file: Option<PathBuf>,
    /// What people call the service, on the button: "Sign in with …".
    pub name: String,
    /// The only authorities that may speak for the service, PEM; otherwise those that the operating system trusts.
    pub ca_file: Option<PathBuf>,
    /// Whether this is the only way to sign in: secrets of people open nothing then, and set-up links lead through the service. Tokens of
    /// programs hold until they end.
    #[serde(default)]
    pub required: bool,
    /// Which claim of the service says who somebody is.
    #[serde(default)]
    pub claim: Claim,
}

/// A table `[oidc]` that cannot be used, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("[oidc] {cause}")]
pub struct ConfigError {
    /// Names the key.
    pub cause: String,
    /// What to do.
    pub next: &'static str,
}

impl ConfigError {
    pub(super) fn new(cause: impl Into<String>, next: &'static str) -> Self {
        Self {
            cause: cause.into(),
            next,
        }
    }
}

impl Config {
    /// Looks at every value that can be judged without files and network.
    ///
    /// # Errors
    /// [`ConfigError`] names the key.
    pub fn check(&self) -> Result<(), ConfigError> {
        let issuer = reqwest::Url::parse(&self.issuer).ok();
        let is_issuer = issuer.is_some_and(|url| {
            url.scheme() == "https" && url.query().is_none() && url.fragment().is_none()
        });
        if !is_issuer || !self.issuer.starts_with("https://") {
            return Err(ConfigError::new(
                "issuer is not an https address without query and fragment",
                "Copy the value of `issuer` from the service's discovery document, letter by letter.",
            ));
        }
        if self.client_id.trim().is_empty() || !self.client_id.bytes().all(|b| b.is_ascii_graphic())
        {
            return Err(ConfigError::new(
                "client_id is empty or has characters that no client has",
                "Copy the client id that the service shows for this site.",
            ));
        }
        let length = self.name.trim().chars().count();
        if !(1..=40).contains(&length) || self.name.chars().any(char::is_control) {
            return Err(ConfigError::new(
                "name does not have 1 to 40 characters",
                "Write what your people call the service, such as \"your council account\".",
            ));
        }
        Ok(())
    }

    /// The secret of `client_secret_file`.
    pub(super) fn secret(&self) -> Result<Option<String>, ConfigError> {
        let Some(path) = &self.client_secret_file else {
            return Ok(None);
        };
        let text = std::fs::read_to_string(path).map_err(|error| {
            ConfigError::new(
                format!("client_secret_file {}: {error}", path.display()),
                "Check the path and that this program may read the file.",
            )
        })?;
        let secret = text.trim();
        if secret.is_empty() || secret.chars().any(char::is_control) {
            return Err(ConfigError::new(
                format!(
                    "client_secret_file {} does not hold one line",
                    path.display()
                ),
                "Write the secret that the service shows for this site into the file, and nothing else.",
            ));
        }
        Ok(Some(secret.to_owned()))
    }

    /// The certificates of `ca_file`.
    pub(super) fn authorities(&self) -> Result<Option<Vec<reqwest::Certificate>>, ConfigError> {
        let Some(path) = &self.ca_file else {
            return Ok(None);
        };
        let wrong = |why: String| {
            ConfigError::new(
                format!("ca_file {}: {why}", path.display()),
                "Give the certificate of the authority that issued the service's own, as PEM.",
            )
        };
        let pem = std::fs::read(path).map_err(|error| wrong(error.to_string()))?;
        let found =
            reqwest::Certificate::from_pem_bundle(&pem).map_err(|e| wrong(e.to_string()))?;
        if found.is_empty() {
            return Err(wrong("it holds no certificate".to_owned()));
        }
        Ok(Some(found))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config() -> Config {
        Config {
            issuer: "https://id.example.org/realm".to_owned(),
            client_id: "ldsp".to_owned(),
            client_secret_file: None,
            name: "Example".to_owned(),
            ca_file: None,
            required: false,
            claim: Claim::Subject,
        }
    }

    #[test]
    fn what_cannot_be_is_refused_by_its_key() {
        assert_eq!(config().check(), Ok(()));
        let change = |change: fn(&mut Config)| {
            let mut config = config();
            change(&mut config);
            config.check().unwrap_err().cause
        };
        for wrong in [
            change(|c| c.issuer = "http://id.example.org".into()),
            change(|c| c.issuer = "https://id.example.org?x=1".into()),
            change(|c| c.issuer = " https://id.example.org".into()),
            change(|c| c.issuer = "id.example.org".into()),
        ] {
            assert!(wrong.starts_with("issuer"), "{wrong}");
        }
        assert!(change(|c| c.client_id = " ".into()).starts_with("client_id"));
        assert!(change(|c| c.name = "x".repeat(41)).starts_with("name"));
    }

    #[test]
    fn files_that_cannot_be_used_are_named() {
        let mut wrong = config();
        wrong.client_secret_file = Some("no/such/file".into());
        assert!(wrong.secret().unwrap_err().cause.contains("no/such/file"));
        wrong.ca_file = Some("no/such/ca".into());
        assert!(
            wrong
                .authorities()
                .unwrap_err()
                .cause
                .contains("no/such/ca")
        );
        assert_eq!(config().secret(), Ok(None));
    }
}
