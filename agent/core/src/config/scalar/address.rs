//! Addresses, prefixes, and addresses with a port.

use std::net::{IpAddr, SocketAddr};

use ipnet::IpNet;
use serde_json::Value;

use crate::config::ResolverServer;
use crate::config::field::{Complaint, Given, Scalar};

impl Scalar for IpAddr {
    fn read(given: Given<'_>) -> Result<Self, Complaint> {
        const EXPECTED: &str = "an IP address";
        let text = given.text(EXPECTED)?;
        let ip = text.parse().map_err(|_| Complaint {
            help: match text.contains('/') {
                true => "write one address, not a prefix".to_owned(),
                false => "write an address such as \"203.0.113.2\" or \"2001:db8::2\"".to_owned(),
            },
            ..given.is_not(EXPECTED)
        })?;
        unmapped(ip, given)
    }

    fn written(&self) -> Value {
        self.to_string().into()
    }
}

impl Scalar for IpNet {
    fn read(given: Given<'_>) -> Result<Self, Complaint> {
        const EXPECTED: &str = "a prefix or an address";
        let text = given.text(EXPECTED)?;
        if let Ok(ip) = text.parse::<IpAddr>() {
            return unmapped(ip, given).map(Self::from);
        }
        let net = text.parse::<Self>().map_err(|_| Complaint {
            help: "write a prefix such as \"192.168.0.0/16\" or \"2001:db8::/32\", or one address".to_owned(),
            ..given.is_not(EXPECTED)
        })?;
        if net != net.trunc() {
            return Err(Complaint::new(
                format!("the prefix {given} has bits set after its first {}", net.prefix_len()),
                format!(
                    "write \"{}\" for the network, or \"{}\" for the one address",
                    net.trunc(),
                    net.addr()
                ),
            ));
        }
        unmapped(net.addr(), given).map(|_| net)
    }

    fn written(&self) -> Value {
        self.to_string().into()
    }
}

impl Scalar for SocketAddr {
    fn read(given: Given<'_>) -> Result<Self, Complaint> {
        const EXPECTED: &str = "an address and a port";
        let text = given.text(EXPECTED)?;
        text.parse().map_err(|_| {
            let port = text.rsplit(':').next().and_then(|port| port.parse::<u16>().ok());
            let help = match (text.parse::<IpAddr>(), text.strip_prefix(':'), port) {
                (Ok(IpAddr::V6(ip)), _, _) => format!("write \"[{ip}]:PORT\""),
                (Ok(IpAddr::V4(ip)), _, _) => format!("write \"{ip}:PORT\""),
                (_, Some(_), Some(port)) => {
                    format!("write \"0.0.0.0:{port}\" or \"[::]:{port}\" for every address")
                }
                _ => "write \"127.0.0.1:9806\" or \"[::1]:9806\"; names are not looked up".to_owned(),
            };
            Complaint { help, ..given.is_not(EXPECTED) }
        })
    }

    fn written(&self) -> Value {
        self.to_string().into()
    }
}

impl Scalar for ResolverServer {
    fn read(given: Given<'_>) -> Result<Self, Complaint> {
        const EXPECTED: &str = "\"system\" or the address of a DNS server";
        let text = given.text(EXPECTED)?;
        if text == "system" {
            return Ok(Self::System);
        }
        let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
        let address = match bare.parse::<IpAddr>() {
            Ok(ip) => Some(SocketAddr::new(ip, 53)),
            Err(_) => text.parse::<SocketAddr>().ok(),
        };
        address.filter(|address| address.port() != 0).map(Self::Address).ok_or_else(|| Complaint {
            help: "write an address, with a port if it is not 53: \"192.168.1.53\", \"[2001:db8::53]:5353\""
                .to_owned(),
            ..given.is_not(EXPECTED)
        })
    }

    fn written(&self) -> Value {
        match self {
            Self::System => "system".into(),
            Self::Address(address) => address.to_string().into(),
        }
    }
}

/// An IPv4 address in IPv6 notation never equals one of a packet, so it would silently prove nothing.
fn unmapped(ip: IpAddr, given: Given<'_>) -> Result<IpAddr, Complaint> {
    match ip {
        IpAddr::V6(v6) if v6.to_ipv4_mapped().is_some() => Err(Complaint::new(
            format!("{given} is an IPv4 address in IPv6 notation"),
            "write it as IPv4: it would match no packet in this form",
        )),
        IpAddr::V4(_) | IpAddr::V6(_) => Ok(ip),
    }
}
