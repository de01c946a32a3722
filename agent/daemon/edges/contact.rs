//! Contact with one address: a connection, through a proxy or not, or one datagram that is answered.

use std::net::{IpAddr, SocketAddr};

use closedpath_core::failure::Failure;
use closedpath_core::observation::{Contact, Contacted, RoundTrips};
use closedpath_core::target::{EndpointKey, Probe};
use closedpath_net::{
    Tunnel, connect, connect_through, dns_ping, http_ping_through, icmp_ping, ntp_ping, stun_ping,
};

use super::Edges;
use crate::fetcher;

/// What came of trying to make contact.
pub(super) struct Reached {
    /// Which address and port a trace must go to.
    pub to: SocketAddr,
    pub contact: Contact,
    /// The connection, where there is one.
    pub stream: Option<Tunnel>,
    /// Our address as a STUN server saw it.
    pub mapped: Option<IpAddr>,
    /// How a series of echoes went.
    pub round_trips: Option<RoundTrips>,
}

impl Reached {
    fn by(to: SocketAddr, outcome: Result<(Tunnel, Contacted), Failure>) -> Self {
        match outcome {
            Ok((stream, made)) => Self { stream: Some(stream), ..Self::without(to, Contact::Made(made)) },
            Err(failure) => Self::without(to, Contact::Failed(failure)),
        }
    }

    fn without(to: SocketAddr, contact: Contact) -> Self {
        Self { to, contact, stream: None, mapped: None, round_trips: None }
    }
}

impl Edges {
    /// Makes contact.
    pub(super) async fn contact(&self, key: &EndpointKey, ip: IpAddr) -> Reached {
        // An ICMP target has no port; the trace to it needs one.
        let to = SocketAddr::new(ip, if key.port == 0 { 443 } else { key.port });
        if let Some(via) = &key.via {
            let forward = match fetcher::forward(&self.proxies, via, ip, &self.tls) {
                Ok(forward) => forward,
                Err(failure) => return Reached::without(to, Contact::Failed(failure)),
            };
            if key.probe == Probe::Http {
                let made = http_ping_through(forward, &key.host, key.port, self.timeout).await;
                return Reached::without(forward.at, made.map_or_else(Contact::Failed, Contact::Made));
            }
            let outcome = connect_through(forward, &key.host, key.port, self.timeout).await;
            return Reached::by(forward.at, outcome);
        }
        let contact = match key.probe {
            Probe::Tls | Probe::Tcp | Probe::Http | Probe::Https => {
                let outcome = connect(to, self.timeout).await;
                return Reached::by(to, outcome.map(|(stream, made)| (Tunnel::Plain(stream), made)));
            }
            Probe::Icmp => {
                let (contact, round_trips) = icmp_ping(ip, self.timeout).await;
                return Reached { round_trips, ..Reached::without(to, contact) };
            }
            Probe::Stun => {
                let (contact, mapped) = stun_ping(to, self.timeout).await;
                let mapped = mapped.map(|mapped| mapped.ip().to_canonical());
                return Reached { mapped, ..Reached::without(to, contact) };
            }
            Probe::UdpDns => dns_ping(to, self.timeout).await,
            Probe::Ntp => ntp_ping(to, self.timeout).await,
        };
        Reached::without(to, contact)
    }
}
