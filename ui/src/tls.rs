//! Certificates: from files, or from a private authority for a first run without one.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose,
};
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::sign::CertifiedKey;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

/// Why a certificate or key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file could not be read.
    #[error("cannot read {path}: {source}. Check the path and that this program may read it.")]
    File {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Text that should be PEM is not, or holds nothing of the kind.
    #[error(
        "no {what} in the PEM text: {source}. The file must begin with a line such as -----BEGIN CERTIFICATE-----."
    )]
    Pem {
        /// `certificate` or `private key`.
        what: &'static str,
        /// What the reader said.
        source: rustls_pki_types::pem::Error,
    },
    /// The key does not belong to the certificate, or TLS does not take them.
    #[error(
        "the certificate and the key cannot be used together: {0}. Give the key that the certificate was issued for."
    )]
    Unusable(#[from] rustls::Error),
    /// A certificate could not be made.
    #[error(
        "a certificate could not be issued: {0}. Check the names: host names without scheme or port, or IP addresses."
    )]
    Issue(#[from] rcgen::Error),
    /// A date outside what a certificate can say.
    #[error("{0} cannot stand in a certificate")]
    Date(Timestamp),
}

/// A certificate chain with its key, ready to serve TLS 1.2 and 1.3.
///
/// Offers `http/1.1` only: an HTTP/2 refusal before the body is read breaks uploading clients.
#[derive(Clone)]
pub struct Material(pub(crate) Arc<ServerConfig>);

impl Material {
    /// From PEM text: the chain, own certificate first, and its private key.
    ///
    /// # Errors
    /// [`TlsError`] when either cannot be read or they do not belong together.
    pub fn from_pem(chain: &str, key: &str) -> Result<Self, TlsError> {
        let chain = certificates(chain)?;
        let key = private_key(key)?;
        let provider = Arc::new(aws_lc_rs::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(chain, key)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self(Arc::new(config)))
    }

    /// From two PEM files.
    ///
    /// # Errors
    /// As [`Material::from_pem`], or [`TlsError::File`].
    pub fn from_pem_files(chain: &Path, key: &Path) -> Result<Self, TlsError> {
        let read = |path: &Path| {
            std::fs::read_to_string(path).map_err(|source| TlsError::File {
                path: path.to_owned(),
                source,
            })
        };
        Self::from_pem(&read(chain)?, &read(key)?)
    }
}

impl fmt::Debug for Material {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Material")
    }
}

/// A certificate with its key as PEM text, to be written to files. The key is a secret: mode 0600.
#[derive(Clone)]
pub struct Issued {
    /// The certificate.
    pub certificate_pem: String,
    /// Its private key, PKCS#8.
    pub key_pem: String,
}

impl Issued {
    /// Ready to serve.
    ///
    /// # Errors
    /// [`TlsError`] when the text was altered since it was issued.
    pub fn material(&self) -> Result<Material, TlsError> {
        Material::from_pem(&self.certificate_pem, &self.key_pem)
    }
}

impl fmt::Debug for Issued {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Issued")
            .field("certificate_pem", &self.certificate_pem)
            .finish_non_exhaustive()
    }
}

/// Every private authority has the same subject and is told apart by its key: an authority can then be read back from its two
/// PEM texts without parsing its certificate.
const AUTHORITY: &str = "LDSP private authority";

/// An authority of one's own, for servers without a certificate from a public one. Its clients must be given
/// [`PrivateCa::certificate_pem`].
pub struct PrivateCa {
    certificate_pem: String,
    key_pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl PrivateCa {
    /// A new authority, valid between the two instants.
    ///
    /// # Errors
    /// [`TlsError`] when the dates cannot stand in a certificate.
    pub fn generate(not_before: Timestamp, not_after: Timestamp) -> Result<Self, TlsError> {
        let key = KeyPair::generate()?;
        let mut params = authority();
        (params.not_before, params.not_after) = (date(not_before)?, date(not_after)?);
        let certificate_pem = params.self_signed(&key)?.pem();
        Ok(Self {
            certificate_pem,
            key_pem: key.serialize_pem(),
            issuer: Issuer::new(params, key),
        })
    }

    /// An authority kept as PEM text.
    ///
    /// # Errors
    /// [`TlsError`] when the text cannot be read or the key does not belong to the certificate.
    pub fn from_pem(certificate: &str, key: &str) -> Result<Self, TlsError> {
        let der = certificates(certificate)?;
        CertifiedKey::from_der(der, private_key(key)?, &aws_lc_rs::default_provider())?
            .keys_match()?;
        Ok(Self {
            certificate_pem: certificate.to_owned(),
            key_pem: key.to_owned(),
            issuer: Issuer::new(authority(), KeyPair::from_pem(key)?),
        })
    }

    /// The authority's certificate, to be handed to clients.
    #[must_use]
    pub fn certificate_pem(&self) -> &str {
        &self.certificate_pem
    }

    /// The authority's private key: a secret, mode 0600.
    #[must_use]
    pub fn key_pem(&self) -> &str {
        &self.key_pem
    }

    /// A server's certificate for these host names and IP addresses, valid between the two instants.
    ///
    /// # Errors
    /// [`TlsError::Issue`] when a name is neither, [`TlsError::Date`] for impossible dates.
    pub fn issue(
        &self,
        names: &[&str],
        not_before: Timestamp,
        not_after: Timestamp,
    ) -> Result<Issued, TlsError> {
        let mut params = CertificateParams::new(
            names
                .iter()
                .map(|&name| name.to_owned())
                .collect::<Vec<_>>(),
        )?;
        (params.not_before, params.not_after) = (date(not_before)?, date(not_after)?);
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(
            DnType::CommonName,
            names.first().copied().unwrap_or("server"),
        );
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate()?;
        let certificate_pem = params.signed_by(&key, &self.issuer)?.pem();
        Ok(Issued {
            certificate_pem,
            key_pem: key.serialize_pem(),
        })
    }
}

impl fmt::Debug for PrivateCa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PrivateCa")
            .field("certificate_pem", &self.certificate_pem)
            .finish_non_exhaustive()
    }
}

fn authority() -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params
        .distinguished_name
        .push(DnType::CommonName, AUTHORITY);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

fn date(at: Timestamp) -> Result<time::OffsetDateTime, TlsError> {
    time::OffsetDateTime::from_unix_timestamp(at.as_second()).map_err(|_| TlsError::Date(at))
}

fn certificates(pem: &str) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let what = "certificate";
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
    match found {
        Ok(chain) if chain.is_empty() => Err(TlsError::Pem {
            what,
            source: rustls_pki_types::pem::Error::NoItemsFound,
        }),
        Ok(chain) => Ok(chain),
        Err(source) => Err(TlsError::Pem { what, source }),
    }
}

fn private_key(pem: &str) -> Result<PrivateKeyDer<'static>, TlsError> {
    PrivateKeyDer::from_pem_slice(pem.as_bytes()).map_err(|source| TlsError::Pem {
        what: "private key",
        source,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn year(n: i64) -> Timestamp {
        Timestamp::from_second(n * 31_557_600).unwrap()
    }

    #[test]
    fn an_authority_read_back_issues_for_names_and_addresses() {
        let made = PrivateCa::generate(year(50), year(60)).unwrap();
        let ca = PrivateCa::from_pem(made.certificate_pem(), made.key_pem()).unwrap();
        let issued = ca
            .issue(&["node.example", "127.0.0.1", "::1"], year(50), year(51))
            .unwrap();
        assert_eq!(
            issued.material().unwrap().0.alpn_protocols,
            [b"http/1.1".to_vec()]
        );
        assert!(!format!("{ca:?}{issued:?}").contains("PRIVATE KEY"));
    }

    #[test]
    fn mismatched_and_malformed_text_is_refused() {
        let (one, two) = (
            PrivateCa::generate(year(50), year(60)).unwrap(),
            PrivateCa::generate(year(50), year(60)).unwrap(),
        );
        assert!(matches!(
            PrivateCa::from_pem(one.certificate_pem(), two.key_pem()),
            Err(TlsError::Unusable(_))
        ));
        assert!(matches!(
            Material::from_pem("", one.key_pem()),
            Err(TlsError::Pem {
                what: "certificate",
                ..
            })
        ));
        assert!(matches!(
            Material::from_pem(one.certificate_pem(), "x"),
            Err(TlsError::Pem {
                what: "private key",
                ..
            })
        ));
        let missing =
            Material::from_pem_files(Path::new("does/not/exist.pem"), Path::new("key.pem"));
        assert!(matches!(missing, Err(TlsError::File { .. })));
        assert!(matches!(
            one.issue(&["näme"], year(50), year(51)),
            Err(TlsError::Issue(_))
        ));
    }
}
