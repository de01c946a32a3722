//! Keeps what the server sends during one handshake.
//!
//! The certificates are taken as they are, without any judgement, so that a chain that cannot be trusted is still seen
//! whole; the handshake signature (RFC 8446 §4.4.3, RFC 5246 §7.4.3) is really checked, because it proves that the server
//! holds the key of the certificate it shows.

use std::sync::{Arc, Mutex, PoisonError};

use rustls::client::ResolvesClientCert;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::sign::CertifiedKey;
use rustls::{DigitallySignedStruct, Error, SignatureScheme};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};

/// What was seen.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// As presented, the leaf first.
    pub chain: Vec<CertificateDer<'static>>,
    /// The stapled OCSP response.
    pub staple: Option<Vec<u8>>,
    /// The version, from the kind of signature that was made.
    pub version: Option<&'static str>,
    /// The server asked for a client certificate.
    pub asked: bool,
}

/// One per handshake.
#[derive(Debug)]
pub(super) struct Recorder {
    provider: Arc<CryptoProvider>,
    seen: Mutex<Seen>,
}

impl Recorder {
    pub fn new(provider: Arc<CryptoProvider>) -> Self {
        Self { provider, seen: Mutex::default() }
    }

    /// Takes what was seen so far.
    pub fn take(&self) -> Seen {
        std::mem::take(&mut *self.seen.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether the server has asked for a client certificate.
    pub fn asked(&self) -> bool {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).asked
    }

    /// Whether the server has shown a certificate, and so speaks TLS.
    pub fn hello_seen(&self) -> bool {
        !self.seen.lock().unwrap_or_else(PoisonError::into_inner).chain.is_empty()
    }

    fn note(&self, note: impl FnOnce(&mut Seen)) {
        note(&mut self.seen.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

impl ServerCertVerifier for Recorder {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        staple: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.note(|seen| {
            seen.chain = std::iter::once(end_entity)
                .chain(intermediates)
                .map(|certificate| certificate.clone().into_owned())
                .collect();
            seen.staple = (!staple.is_empty()).then(|| staple.to_vec());
        });
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.note(|seen| seen.version = Some("TLSv1.2"));
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.note(|seen| seen.version = Some("TLSv1.3"));
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

impl ResolvesClientCert for Recorder {
    fn resolve(&self, _issuers: &[&[u8]], _schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.note(|seen| seen.asked = true);
        None
    }

    fn has_certs(&self) -> bool {
        false
    }
}
