//! One address of an endpoint in a report: reachability, timings, owner, eligibility, path and TLS.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::SystemTime;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::attribution::Path;
use crate::eligibility::{Eligibility, Owner};
use crate::failure::Failure;
use crate::observation::AddressObservation;
use crate::pki::TlsVerdict;

/// One address.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AddressReport {
    /// The address.
    pub ip: IpAddr,
    /// TCP connected, or the datagram was answered.
    pub reachable: bool,
    /// What failed: contact, or a later step.
    pub failure: Option<Failure>,
    /// Seconds by phase: `connect`, `tls`; `rtt` is the round-trip time (of TCP, or the mean of ICMP echoes) and `jitter` the mean
    /// difference between successive echoes.
    pub timings: BTreeMap<String, f64>,
    /// What the way there does to packets; null where nothing was measured.
    pub transport: Option<Transport>,
    /// Who owns it.
    pub owner: Owner,
    /// What could carry it.
    pub eligibility: Eligibility,
    /// What did carry it.
    pub path: Path,
    /// The handshake; null where the probe makes none or contact failed.
    pub tls: Option<TlsReport>,
}

impl AddressReport {
    /// Whether it was reached or refused.
    pub fn answered(&self) -> bool {
        self.reachable || self.failure.as_ref().is_some_and(Failure::is_refusal)
    }
}

/// What was measured of the way to an address; each null where it was not.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Transport {
    /// The largest IP packet, in bytes, that gets there whole: as searched (E10), else as TCP assumes.
    pub path_mtu: Option<u32>,
    /// TCP's largest segment, bytes.
    pub mss: Option<u32>,
    /// TCP segments that had to be sent again.
    pub retransmits: Option<u32>,
    /// The share of ICMP echoes that was lost, 0 to 1.
    pub loss: Option<f64>,
}

impl Transport {
    /// Of what was seen; `None` where that is nothing.
    pub(super) fn of(seen: &AddressObservation) -> Option<Self> {
        let transport = Self {
            path_mtu: seen.path_mtu.and_then(|mtu| mtu.largest).or(seen.tcp.map(|tcp| tcp.path_mtu)),
            mss: seen.tcp.map(|tcp| tcp.mss),
            retransmits: seen.tcp.map(|tcp| tcp.retransmits),
            loss: seen.round_trips.map(|series| series.loss()),
        };
        (transport != Self::default()).then_some(transport)
    }
}

/// A handshake.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TlsReport {
    /// `TLSv1.3` or `TLSv1.2`.
    pub version: Option<String>,
    /// Cipher suite.
    pub cipher: Option<String>,
    /// Key exchange group.
    pub group: Option<String>,
    /// Protocol chosen by ALPN.
    pub alpn: Option<String>,
    /// The gravest of `verdicts`; null where no certificate was seen.
    pub verdict: Option<TlsVerdict>,
    /// All that hold.
    pub verdicts: Vec<TlsVerdict>,
    /// The missing issuers were found by AIA.
    pub completed_by_aia: bool,
    /// The server demands a client certificate.
    pub client_certificate_required: bool,
    /// The presented certificates.
    pub chain: Vec<CertificateReport>,
    /// The OCSP staple.
    pub stapled: Stapled,
    /// What revocation checking found.
    pub revocation: Revocation,
}

/// One presented certificate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CertificateReport {
    /// SHA-256 of the DER, lower-case hexadecimal.
    pub sha256: String,
    /// Subject (RFC 4514).
    pub subject: String,
    /// Issuer.
    pub issuer: String,
    /// Validity.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub not_before: SystemTime,
    /// Validity.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub not_after: SystemTime,
    /// CRL distribution points.
    pub crl: Vec<String>,
    /// OCSP responders.
    pub ocsp: Vec<String>,
    /// caIssuers.
    pub ca_issuers: Vec<String>,
}

/// The OCSP staple. No staple never reads as good.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Stapled {
    /// One was presented.
    pub present: bool,
    /// What it says; `not_checked` where it was not verified.
    pub status: Option<RevocationStatus>,
    /// Until when.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "Option<String>")]
    pub next_update: Option<SystemTime>,
}

/// Status of revocation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RevocationStatus {
    /// Proven not revoked.
    Good,
    /// Nobody looked.
    NotChecked,
    /// It could not be found out.
    Undetermined,
    /// Revoked.
    Revoked,
}

/// The worst status of the chain's certificates.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Revocation {
    /// The status.
    pub status: RevocationStatus,
    /// `staple`, `ocsp` or `crl`; null where nothing was checked.
    pub source: Option<String>,
    /// One per certificate that was checked.
    pub certificates: Vec<RevocationOfCertificate>,
}

/// Revocation of one certificate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RevocationOfCertificate {
    /// Position in the presented chain, 0 for the leaf.
    pub position: usize,
    /// The certificate.
    pub sha256: String,
    /// Its status.
    pub status: RevocationStatus,
    /// Where it was learnt.
    pub source: Option<String>,
    /// Why.
    pub reason: Option<String>,
    /// When it was revoked.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "Option<String>")]
    pub revoked_at: Option<SystemTime>,
    /// Until when this is known.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "Option<String>")]
    pub next_update: Option<SystemTime>,
}
