//! One flow, by SYNs or by datagrams.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use closedpath_core::observation::Protocol;
use closedpath_core::target::Probe;

use super::Reading;
use super::answer::Answer;
use super::datagram::DatagramFlow;
use super::syn::SynFlow;

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
