//! Contact with one address: a connection, through a proxy or not, or one datagram that is answered.

use std::net::{IpAddr, SocketAddr};

use closedpath_core::failure::{Code, Failure, Step};
use closedpath_core::observation::{Contact, Contacted};
use closedpath_core::target::{EndpointKey, Probe};
use closedpath_net::{
    ForwardProxy, Tunnel, connect, connect_through, dns_ping, icmp_ping, ntp_ping, stun_ping,
};

use super::Edges;

/// What came of trying to make contact.
pub(super) struct Reached {
    /// Which address and port a trace must go to.
    pub to: SocketAddr,
    pub contact: Contact,
    /// The connection, where there is one.
    pub stream: Option<Tunnel>,
    /// Our address as a STUN server saw it.
    pub mapped: Option<IpAddr>,
}

impl Reached {
    fn by(to: SocketAddr, outcome: Result<(Tunnel, Contacted), Failure>) -> Self {
        match outcome {
            Ok((stream, made)) => {
                Self { to, contact: Contact::Made(made), stream: Some(stream), mapped: None }
            }
            Err(failure) => Self::without(to, Contact::Failed(failure)),
        }
    }

    fn without(to: SocketAddr, contact: Contact) -> Self {
        Self { to, contact, stream: None, mapped: None }
    }
}

impl Edges {
    /// Makes contact.
    pub(super) async fn contact(&self, key: &EndpointKey, ip: IpAddr) -> Reached {
        // An ICMP target has no port; the trace to it needs one.
        let to = SocketAddr::new(ip, if key.port == 0 { 443 } else { key.port });
        if let Some(via) = &key.via {
            let Some(proxy) = self.proxies.iter().find(|proxy| proxy.name == *via) else {
                let text = format!("no proxy is named {via}");
                let failure = Failure::new(Step::ProxyConnect, Code::Other, text);
                return Reached::without(to, Contact::Failed(failure));
            };
            let at = SocketAddr::new(ip, proxy.port);
            let forward = ForwardProxy {
                at,
                tls: proxy.tls.then_some((proxy.host.as_str(), &*self.tls)),
                credentials: proxy.credentials.as_ref(),
            };
            return Reached::by(at, connect_through(forward, &key.host, key.port, self.timeout).await);
        }
        let contact = match key.probe {
            Probe::Tls | Probe::Tcp | Probe::Http | Probe::Https => {
                let outcome = connect(to, self.timeout).await;
                return Reached::by(to, outcome.map(|(stream, made)| (Tunnel::Plain(stream), made)));
            }
            Probe::Icmp => icmp_ping(ip, self.timeout).await,
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
