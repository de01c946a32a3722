//! Contact with one address of an endpoint: TCP connect or a UDP/ICMP exchange, and all that was learnt beside it.

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use super::{RouteObservation, TlsObservation, TraceObservation};
use crate::failure::Failure;

/// Contact was made: TCP connected, or a datagram was answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contacted {
    /// Our side of the connection (E2).
    pub local: Option<SocketAddr>,
    /// Until the connection stood or the answer came.
    #[serde(with = "humantime_serde")]
    pub took: Duration,
}

/// Contact or the reason why not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Contact {
    /// The transport works.
    Made(Contacted),
    /// It does not.
    Failed(Failure),
}

impl Contact {
    /// Why contact failed.
    pub fn failure(&self) -> Option<&Failure> {
        match self {
            Self::Made(_) => None,
            Self::Failed(failure) => Some(failure),
        }
    }

    /// Whether the transport works.
    pub fn made(&self) -> bool {
        matches!(self, Self::Made(_))
    }

    /// Whether anything answered: a refusal is an answer (DESIGN §4.5).
    pub fn answered(&self) -> bool {
        self.failure().is_none_or(Failure::is_refusal)
    }
}

/// Everything seen of one address of one endpoint in one round.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddressObservation {
    /// The address.
    pub ip: IpAddr,
    /// When the probe began.
    #[serde(with = "humantime_serde")]
    pub at: SystemTime,
    /// Transport.
    pub contact: Contact,
    /// The handshake, where the probe makes one and contact was made.
    pub tls: Option<TlsObservation>,
    /// The forwarding table's answer; `None` where it could not be asked.
    pub route: Option<RouteObservation>,
    /// TTL-limited probes towards the address; empty where none could be sent.
    pub traces: Vec<TraceObservation>,
}
