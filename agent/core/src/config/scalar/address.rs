//! Addresses, prefixes, and addresses with a port.
//!
//! IPv4-mapped addresses (RFC 4291 §2.5.5.2) become IPv4: no packet carries them, so as written they would prove nothing.

use std::net::{IpAddr, SocketAddr};

use ipnet::IpNet;
use serde_json::Value;

use crate::config::ResolverServer;
use crate::config::field::{Complaint, Given, Scalar};

impl Scalar for IpAddr {
    fn read(given: Given<'_>) -> Result<Self, Complaint> {
        const EXPECTED: &str = "an IP address";
        let text = given.text(EXPECTED)?;
        let ip: Self = text.parse().map_err(|_| Complaint {
            help: match text.contains('/') {
                true => "write one address, not a prefix".to_owned(),
                false => "write an address such as \"203.0.113.2\" or \"2001:db8::2\"".to_owned(),
            },
            ..given.is_not(EXPECTED)
        })?;
        Ok(ip.to_canonical())
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
            return Ok(Self::from(ip.to_canonical()));
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
        Ok(unmapped(net))
    }

    fn written(&self) -> Value {
        self.to_string().into()
    }
}

impl Scalar for SocketAddr {
    fn read(given: Given<'_>) -> Result<Self, Complaint> {
        const EXPECTED: &str = "an address and a port";
        let text = given.text(EXPECTED)?;
        text.parse().map(unmapped_socket).map_err(|_| {
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
        address.filter(|address| address.port() != 0).map(unmapped_socket).map(Self::Address).ok_or_else(
            || Complaint {
                help:
                    "write an address, with a port if it is not 53: \"192.168.1.53\", \"[2001:db8::53]:5353\""
                        .to_owned(),
                ..given.is_not(EXPECTED)
            },
        )
    }

    fn written(&self) -> Value {
        match self {
            Self::System => "system".into(),
            Self::Address(address) => address.to_string().into(),
        }
    }
}

/// A prefix of IPv4-mapped addresses as the IPv4 prefix that it means; any other as it is.
fn unmapped(net: IpNet) -> IpNet {
    let mapped = match net {
        IpNet::V6(v6) => v6.addr().to_ipv4_mapped().zip(v6.prefix_len().checked_sub(96)),
        IpNet::V4(_) => None,
    };
    mapped.and_then(|(ip, length)| IpNet::new(ip.into(), length).ok()).unwrap_or(net)
}

/// The same place to listen or to send to, IPv4 where it is IPv4-mapped.
fn unmapped_socket(mut address: SocketAddr) -> SocketAddr {
    address.set_ip(address.ip().to_canonical());
    address
}
