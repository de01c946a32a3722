//! One flow, and one TTL-limited probe of it: what came back.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use closedpath_core::failure::{Code, Failure, Step};
use closedpath_core::observation::Protocol;
use closedpath_core::target::Probe;

use super::Reading;
use super::datagram::DatagramFlow;
use super::syn::SynFlow;
use crate::classify::{self, Icmp, read_icmp};
use crate::kernel::SocketError;

/// What came back for one probe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Answer {
    /// A router said "time exceeded".
    Hop(Option<IpAddr>, Duration),
    /// The destination answered.
    Destination { refused: bool },
    /// A router said that the destination cannot be reached.
    Unreachable { from: Option<IpAddr>, text: String },
    /// Nothing.
    Silence,
    /// The probe could not be sent.
    Failed(Failure),
}

/// A source port or echo identifier held for the time of a trace, so that every probe belongs to one flow.
#[derive(Debug)]
pub(super) enum Flow {
    Syn(SynFlow),
    Datagram(DatagramFlow),
}

impl Flow {
    /// A flow from `port`, or from one of the kernel's choice.
    pub fn reserve(to: SocketAddr, probe: Probe, port: Option<u16>, reading: &Reading) -> io::Result<Self> {
        Ok(match Protocol::of(probe) {
            Protocol::Tcp => Self::Syn(SynFlow::reserve(to, port, reading.clone())?),
            Protocol::Udp | Protocol::Icmp => Self::Datagram(DatagramFlow::open(to, probe, port)?),
        })
    }

    /// Sends one probe that lives for `ttl` hops and waits; also gives our side of the flow.
    pub async fn probe(&self, ttl: u8, wait: Duration) -> (Answer, Option<SocketAddr>) {
        match self {
            Self::Syn(flow) => flow.probe(ttl, wait).await,
            Self::Datagram(flow) => flow.probe(ttl, wait).await,
        }
    }
}

/// What an ICMP error for a probe to `to` means.
pub(super) fn judge(said: &SocketError, to: SocketAddr, local: Option<SocketAddr>, rtt: Duration) -> Answer {
    if read_icmp(said) == Icmp::TimeExceeded {
        return Answer::Hop(said.from, rtt);
    }
    let failure = classify::icmp_failure(Step::Trace, said, to.ip(), local.map(|local| local.ip()));
    match failure.code {
        Code::Refused => Answer::Destination { refused: true },
        _ => Answer::Unreachable { from: said.from, text: failure.text },
    }
}

/// The system refused the probe.
pub(super) fn failed(to: SocketAddr, error: &io::Error) -> Answer {
    Answer::Failed(classify::os_error(Step::Trace, to, error))
}
