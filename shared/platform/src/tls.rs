//! What every connection of ours trusts: the bundled roots, and those of `AWS_CA_BUNDLE`. TLS by rustls on ring.

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use std::fmt;
use std::path::Path;
use std::sync::Arc;

/// A client configuration; `roots` is a PEM file of roots to trust beside the bundled ones. The error is for people.
pub(crate) fn client(roots: Option<&Path>) -> Result<ClientConfig, String> {
    let mut trusted = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    if let Some(path) = roots {
        let wrong = |error: &dyn fmt::Display| format!("AWS_CA_BUNDLE {}: {error}", path.display());
        for root in CertificateDer::pem_file_iter(path).map_err(|error| wrong(&error))? {
            let root = root.map_err(|error| wrong(&error))?;
            trusted.add(root).map_err(|error| wrong(&error))?;
        }
    }
    let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(trusted)
        .with_no_client_auth();
    Ok(config)
}
