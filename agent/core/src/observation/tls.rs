//! A TLS handshake as it went, and what the checks of the presented chain said, each on its own.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::failure::Failure;

/// Whether the presented certificates lead to a trust anchor, dates aside: dates are judged from the certificates.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PathCheck {
    /// A path to a trust anchor was built and every signature on it holds.
    Trusted,
    /// No path to a trust anchor.
    UnknownIssuer,
    /// A signature algorithm or key that this build cannot verify.
    UnsupportedAlgorithm,
    /// Anything else, with the verifier's words.
    Invalid(String),
}

/// Whether the leaf certificate is for the name that was asked for (RFC 9525).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NameCheck {
    /// It is.
    Match,
    /// It is for other names.
    Mismatch(Vec<String>),
}

/// One handshake. Where it failed, everything seen until then is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TlsObservation {
    /// Why the handshake did not complete; a certificate that cannot be trusted is not a failure here.
    pub failure: Option<Failure>,
    /// `TLSv1.3` or `TLSv1.2`.
    pub version: Option<String>,
    /// IANA name of the cipher suite.
    pub cipher: Option<String>,
    /// IANA name of the key exchange group.
    pub group: Option<String>,
    /// The protocol chosen by ALPN (RFC 7301).
    pub alpn: Option<String>,
    /// Every presented certificate in order, DER.
    pub chain: Vec<Vec<u8>>,
    /// The stapled OCSP response, DER (RFC 6066 §8).
    pub staple: Option<Vec<u8>>,
    /// Whether the chain leads to a trust anchor; `None` where no certificate was presented.
    pub path: Option<PathCheck>,
    /// Whether the leaf is for the name.
    pub name: Option<NameCheck>,
    /// The server demands a client certificate (RFC 8446 §4.3.2).
    pub client_certificate_required: bool,
    /// From the ClientHello to the end of the handshake.
    #[serde(with = "humantime_serde")]
    pub took: Duration,
}
