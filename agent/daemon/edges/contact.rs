//! Contact with one address: a connection, through a proxy or not, or one datagram that is answered.

use std::net::{IpAddr, SocketAddr};

use closedpath_core::failure::{Code, Failure, Step};
use closedpath_core::observation::Contact;
use closedpath_core::target::{EndpointKey, Probe};
use closedpath_net::{connect, connect_through, dns_ping, icmp_ping, ntp_ping, stun_ping};
use tokio::net::TcpStream;

use super::Edges;

impl Edges {
    /// Makes contact; tells also which address and port a trace must go to.
    pub(super) async fn contact(
        &self,
        key: &EndpointKey,
        ip: IpAddr,
    ) -> (SocketAddr, Contact, Option<TcpStream>) {
        // An ICMP target has no port; the trace to it needs one.
        let to = SocketAddr::new(ip, if key.port == 0 { 443 } else { key.port });
        if let Some(via) = &key.via {
            let Some(proxy) = self.proxies.iter().find(|proxy| proxy.name == *via) else {
                let text = format!("no proxy is named {via}");
                return (to, Contact::Failed(Failure::new(Step::ProxyConnect, Code::Other, text)), None);
            };
            let at = SocketAddr::new(ip, proxy.port);
            if proxy.tls {
                let text = "this version cannot speak TLS to a proxy: give the proxy's http port".to_string();
                return (at, Contact::Failed(Failure::new(Step::ProxyConnect, Code::Other, text)), None);
            }
            let credentials = proxy.credentials.as_ref();
            return match connect_through(at, credentials, &key.host, key.port, self.timeout).await {
                Ok((stream, made)) => (at, Contact::Made(made), Some(stream)),
                Err(failure) => (at, Contact::Failed(failure), None),
            };
        }
        let contact = match key.probe {
            Probe::Tls | Probe::Tcp | Probe::Http | Probe::Https => {
                return match connect(to, self.timeout).await {
                    Ok((stream, made)) => (to, Contact::Made(made), Some(stream)),
                    Err(failure) => (to, Contact::Failed(failure), None),
                };
            }
            Probe::Icmp => icmp_ping(ip, self.timeout).await,
            Probe::Stun => stun_ping(to, self.timeout).await.0,
            Probe::UdpDns => dns_ping(to, self.timeout).await,
            Probe::Ntp => ntp_ping(to, self.timeout).await,
        };
        (to, contact, None)
    }
}
