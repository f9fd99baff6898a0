//! Requests to the sign-in service: HTTPS only, no redirects, bounded in time and size.

use std::time::Duration;

use reqwest::{Client, RequestBuilder};

use super::config::{Config, ConfigError};
use super::trouble::Trouble;

const CONNECT: Duration = Duration::from_secs(5);
const WHOLE: Duration = Duration::from_secs(10);
/// Most bytes of an answer that are read: documents of large services have some ten thousand.
const LARGEST: usize = 512 * 1024;

pub(super) fn client(config: &Config) -> Result<Client, ConfigError> {
    let mut builder = Client::builder()
        .https_only(true)
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(CONNECT)
        .timeout(WHOLE)
        .user_agent(concat!("ldsp/", env!("CARGO_PKG_VERSION")));
    if let Some(authorities) = config.authorities()? {
        builder = builder.tls_certs_only(authorities);
    }
    builder.build().map_err(|error| {
        ConfigError::new(
            format!("cannot be used: {error}"),
            "Check the certificates in ca_file.",
        )
    })
}

/// Status and body of the answer.
pub(super) async fn answer(request: RequestBuilder) -> Result<(u16, Vec<u8>), Trouble> {
    // Addresses may hold what is secret, and errors name addresses.
    let gone = |error: reqwest::Error| Trouble::Unreachable(chain(&error.without_url()));
    let mut response = request.send().await.map_err(gone)?;
    let status = response.status().as_u16();
    let mut body = Vec::new();
    while let Some(piece) = response.chunk().await.map_err(gone)? {
        if body.len() + piece.len() > LARGEST {
            return Err(Trouble::Unusable("an answer is too long".to_owned()));
        }
        body.extend_from_slice(&piece);
    }
    Ok((status, body))
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

/// `application/x-www-form-urlencoded`, as query and as body (RFC 6749, appendix B).
pub(super) fn form(pairs: &[(&str, &str)]) -> String {
    let mut carrier = reqwest::Url::parse("https://form.invalid/").expect("a constant address");
    carrier.query_pairs_mut().extend_pairs(pairs);
    carrier.query().unwrap_or_default().to_owned()
}
