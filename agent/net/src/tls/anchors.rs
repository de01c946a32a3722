//! Where trust begins: the system's store and PEM files.

use std::collections::HashSet;
use std::fs;
use std::path::Path;

use closedpath_core::config;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, TrustAnchor};

use crate::NetError;

/// The anchors, each once, and their certificates' hashes.
#[derive(Debug, Default)]
pub(super) struct Anchors {
    pub list: Vec<TrustAnchor<'static>>,
    /// The same as certificates, DER.
    pub certificates: Vec<Vec<u8>>,
    hashes: HashSet<[u8; 32]>,
}

impl Anchors {
    /// Loads every source; certificates of the system's store that cannot be read are left out, those of a file are errors.
    pub fn load(sources: &[config::TrustAnchor]) -> Result<Self, NetError> {
        let mut anchors = Self::default();
        for source in sources {
            match source {
                config::TrustAnchor::System => anchors.add_system()?,
                config::TrustAnchor::Pem(file) => anchors.add_file(file)?,
            }
        }
        Ok(anchors)
    }

    /// Whether this very certificate is an anchor.
    pub fn contains(&self, certificate: &[u8]) -> bool {
        self.hashes.contains(&sha256(certificate))
    }

    fn add_system(&mut self) -> Result<(), NetError> {
        let found = rustls_native_certs::load_native_certs();
        let before = self.list.len();
        let known = found.certs.iter().filter(|certificate| self.add(certificate).is_ok()).count();
        if known == 0 && self.list.len() == before {
            let why = found.errors.first().map_or_else(|| "nothing found".to_owned(), ToString::to_string);
            return Err(NetError::NoSystemAnchors { why });
        }
        Ok(())
    }

    fn add_file(&mut self, file: &Path) -> Result<(), NetError> {
        for certificate in certificates_in(file)? {
            self.add(&CertificateDer::from(certificate)).map_err(|error| NetError::AnchorFile {
                file: file.to_owned(),
                why: format!("a certificate in it cannot be used: {error}"),
            })?;
        }
        Ok(())
    }

    fn add(&mut self, certificate: &CertificateDer<'_>) -> Result<(), webpki::Error> {
        let anchor = webpki::anchor_from_trusted_cert(certificate)?.to_owned();
        if self.hashes.insert(sha256(certificate)) {
            self.list.push(anchor);
            self.certificates.push(certificate.to_vec());
        }
        Ok(())
    }
}

/// The certificates of a PEM file, DER; one without any is an error.
pub fn certificates_in(file: &Path) -> Result<Vec<Vec<u8>>, NetError> {
    let unreadable = |why: String| NetError::AnchorFile { file: file.to_owned(), why };
    let bytes = fs::read(file).map_err(|error| unreadable(error.to_string()))?;
    let found = CertificateDer::pem_slice_iter(&bytes).map(|certificate| Ok(certificate?.to_vec()));
    let found: Result<Vec<_>, rustls_pki_types::pem::Error> = found.collect();
    let found = found.map_err(|error| unreadable(format!("not proper PEM: {error}")))?;
    if found.is_empty() { Err(NetError::NoCertificate { file: file.to_owned() }) } else { Ok(found) }
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    let digest = ring::digest::digest(&ring::digest::SHA256, bytes);
    digest.as_ref().try_into().expect("SHA-256 gives 32 bytes")
}
