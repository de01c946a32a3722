//! TTL-limited probes of one flow (E6).

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use crate::failure::Failure;
use crate::target::Probe;

/// What answered at one TTL.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hop {
    /// IPv4 TTL or IPv6 hop limit.
    pub ttl: u8,
    /// The router that said "time exceeded"; `None`: silence, which says nothing.
    pub from: Option<IpAddr>,
    /// Round-trip time of the answer.
    #[serde(with = "humantime_serde", default)]
    pub rtt: Option<Duration>,
}

/// How a trace ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TraceEnd {
    /// The destination answered: connected, or refused.
    Destination {
        /// The TTL at which it did.
        ttl: u8,
        /// A reset instead of a connection.
        refused: bool,
    },
    /// A router said that the destination cannot be reached.
    Unreachable {
        /// The router.
        from: Option<IpAddr>,
        /// The kernel's words.
        text: String,
    },
    /// Nothing more came back.
    Silent,
    /// The trace could not be made.
    Failed(Failure),
}

/// What the probes of a trace are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Protocol {
    /// SYNs to the port.
    #[default]
    Tcp,
    /// Datagrams to the port.
    Udp,
    /// Echo requests.
    Icmp,
}

impl Protocol {
    /// Whose packets go the way that a probe's go.
    pub fn of(probe: Probe) -> Self {
        match probe {
            Probe::Tls | Probe::Tcp | Probe::Http | Probe::Https => Self::Tcp,
            Probe::Stun | Probe::UdpDns | Probe::Ntp => Self::Udp,
            Probe::Icmp => Self::Icmp,
        }
    }
}

/// One trace: constant source and destination address and port for every TTL, so that one ECMP member is followed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TraceObservation {
    /// By what.
    #[serde(default)]
    pub protocol: Protocol,
    /// Where to.
    pub destination: SocketAddr,
    /// From where: the constant half of the flow.
    pub source: Option<SocketAddr>,
    /// One per TTL probed, in order.
    pub hops: Vec<Hop>,
    /// How it ended.
    pub end: TraceEnd,
    /// When its last probe was answered or given up.
    #[serde(with = "humantime_serde")]
    pub at: SystemTime,
}
