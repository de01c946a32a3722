//! Contact with one address of an endpoint: TCP connect or a UDP/ICMP exchange, and all that was learnt beside it.

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, SystemTime};

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::{NextHop, RouteObservation, TlsObservation, TraceObservation};
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
    /// By which interface the routers that traces met first are on-link neighbours of this host (E1 of each).
    #[serde(default)]
    pub first: Vec<NextHop>,
    /// Our address as this server saw it, where it is an echo (E8).
    #[serde(default)]
    pub reflexive: Option<IpAddr>,
    /// The IPsec policy of this host that covers the flow (E4).
    #[serde(default)]
    pub protection: Option<Protection>,
    /// What the TCP connection says of itself.
    #[serde(default)]
    pub tcp: Option<TcpInfo>,
    /// How a series of ICMP echoes went.
    #[serde(default)]
    pub round_trips: Option<RoundTrips>,
    /// How large a packet gets there whole (E10); `None` where that was not searched.
    #[serde(default)]
    pub path_mtu: Option<PathMtu>,
}

impl AddressObservation {
    /// Contact and nothing else.
    pub fn new(ip: IpAddr, at: SystemTime, contact: Contact) -> Self {
        let (tls, route, traces, first) = (None, None, Vec::new(), Vec::new());
        let (reflexive, protection, tcp, round_trips, path_mtu) = (None, None, None, None, None);
        Self { ip, at, contact, tls, route, traces, first, reflexive, protection, tcp, round_trips, path_mtu }
    }
}

/// An outgoing IPsec policy of the kernel that a flow falls under, and the security association behind it (E4, RFC 4301 §4.4).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Protection {
    /// Destinations of the policy's selector.
    pub destination: IpNet,
    /// The far end of the outer packets; in transport mode the destination itself.
    pub outer_peer: IpAddr,
    /// A security association that fits the policy is there.
    pub associated: bool,
    /// Packets that it had carried before the probe and after it.
    pub packets: Option<(u64, u64)>,
}

/// What the kernel knows of a TCP connection (`TCP_INFO`, tcp(7)).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TcpInfo {
    /// Smoothed round-trip time.
    #[serde(with = "humantime_serde")]
    pub rtt: Duration,
    /// Largest segment that may be sent, bytes.
    pub mss: u32,
    /// Path MTU that the kernel assumes, bytes.
    pub path_mtu: u32,
    /// Segments sent again since the connection began.
    pub retransmits: u32,
}

/// A series of ICMP echoes, some of which were answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoundTrips {
    /// Echoes sent.
    pub sent: u32,
    /// Those that were answered.
    pub answered: u32,
    /// The mean round-trip time.
    #[serde(with = "humantime_serde")]
    pub mean: Duration,
    /// The mean difference from one answered echo to the next (RFC 3393 §4.2).
    #[serde(with = "humantime_serde")]
    pub jitter: Duration,
}

impl RoundTrips {
    /// Of what each echo took, in the order they were sent; `None` where none was answered.
    pub fn of(answers: &[Option<Duration>]) -> Option<Self> {
        let took: Vec<Duration> = answers.iter().flatten().copied().collect();
        let count = |of: usize| u32::try_from(of).ok();
        let answered = count(took.len()).filter(|answered| *answered > 0)?;
        let steps: Duration = took.windows(2).map(|pair| pair[0].abs_diff(pair[1])).sum();
        let mean = took.iter().sum::<Duration>() / answered;
        let jitter = steps / answered.saturating_sub(1).max(1);
        Some(Self { sent: count(answers.len())?, answered, mean, jitter })
    }

    /// The share of them that was lost, from 0 to 1.
    pub fn loss(&self) -> f64 {
        f64::from(self.sent - self.answered.min(self.sent)) / f64::from(self.sent.max(1))
    }
}

/// A search for the path MTU by packets that may not be fragmented (RFC 8899), bytes of whole IP packets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PathMtu {
    /// The largest that was answered; `None` where none was.
    pub largest: Option<u32>,
    /// The smallest that was not.
    pub lost: Option<u32>,
    /// The router that said "packet too big"; `None` beside a lost one: a black hole.
    pub told_by: Option<IpAddr>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_series_tells_mean_jitter_and_loss() {
        let ms = |all: &[Option<u64>]| -> Vec<Option<Duration>> {
            all.iter().map(|took| took.map(Duration::from_millis)).collect()
        };
        let series = RoundTrips::of(&ms(&[Some(10), None, Some(14), Some(12), None])).expect("some came");
        assert_eq!((series.sent, series.answered), (5, 3));
        assert_eq!((series.mean, series.jitter), (Duration::from_millis(12), Duration::from_millis(3)));
        assert!((series.loss() - 0.4).abs() < 1e-9);
        let single = RoundTrips::of(&ms(&[None, Some(10)])).expect("one came");
        assert_eq!((single.jitter, single.loss()), (Duration::ZERO, 0.5));
        assert_eq!(RoundTrips::of(&ms(&[None, None])), None);
    }
}
