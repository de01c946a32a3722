//! What is to be reached: hosts, ports, kinds of probes, and why each is wanted.

use std::fmt;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

/// How an endpoint is probed.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Probe {
    /// TCP connect and a TLS handshake.
    Tls,
    /// TCP connect.
    Tcp,
    /// TCP connect and an HTTP request.
    Http,
    /// TLS and an HTTP request.
    Https,
    /// ICMP echo.
    Icmp,
    /// STUN binding request (RFC 8489).
    Stun,
    /// A DNS query over UDP.
    UdpDns,
    /// An NTP request.
    Ntp,
}

impl Probe {
    /// Whether the probe makes a TLS handshake.
    pub fn uses_tls(self) -> bool {
        matches!(self, Self::Tls | Self::Https)
    }

    /// Whether the probe goes over TCP.
    pub fn uses_tcp(self) -> bool {
        matches!(self, Self::Tls | Self::Tcp | Self::Http | Self::Https)
    }

    /// The port where the configuration names none; `None` where one must be named.
    pub fn default_port(self) -> Option<u16> {
        match self {
            Self::Tls | Self::Https => Some(443),
            Self::Http => Some(80),
            Self::Icmp => Some(0),
            Self::Stun => Some(3478),
            Self::UdpDns => Some(53),
            Self::Ntp => Some(123),
            Self::Tcp => None,
        }
    }
}

impl fmt::Display for Probe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&crate::failure::label(self))
    }
}

/// One thing to reach. Its text is the endpoint's `id` in reports: `host:port/probe`, or `… via PROXY`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EndpointKey {
    /// Lower-case name without the final dot, or an address.
    pub host: String,
    /// Port; 0 for ICMP.
    pub port: u16,
    /// How it is probed.
    pub probe: Probe,
    /// The name of the forward proxy it is reached through.
    pub via: Option<String>,
}

impl EndpointKey {
    /// A directly reached endpoint; the host is brought into canonical form.
    pub fn new(host: &str, port: u16, probe: Probe) -> Self {
        Self { host: canonical_host(host), port, probe, via: None }
    }

    /// The address, where the host is one.
    pub fn ip(&self) -> Option<IpAddr> {
        self.host.parse().ok()
    }
}

impl fmt::Display for EndpointKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.ip() {
            Some(IpAddr::V6(ip)) => write!(f, "[{ip}]")?,
            _ => f.write_str(&self.host)?,
        }
        write!(f, ":{}/{}", self.port, self.probe)?;
        self.via.as_ref().map_or(Ok(()), |proxy| write!(f, " via {proxy}"))
    }
}

/// A host in canonical form: lower case, no final dot, no brackets around an IPv6 address.
pub fn canonical_host(host: &str) -> String {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    match host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>() {
        Ok(ip) => ip.to_string(),
        Err(_) => host,
    }
}

/// RFC 1918, RFC 6598 and unique or site-local IPv6 addresses (RFC 4193, RFC 3879), also where an IPv6 address stands for an
/// IPv4 one (RFC 4291 §2.5.5.2). Documentation and benchmark ranges count as public (DESIGN §4.5).
pub fn is_private(ip: IpAddr) -> bool {
    match ip.to_canonical() {
        IpAddr::V4(v4) => {
            let [a, b, ..] = v4.octets();
            v4.is_private() || (a == 100 && (64..128).contains(&b))
        }
        IpAddr::V6(v6) => v6.is_unique_local() || v6.segments()[0] & 0xffc0 == 0xfec0,
    }
}

/// Why an endpoint is in the closure.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// A catalogue entry (R1).
    Catalog,
    /// A `[[target]]`.
    Target,
    /// CRL distribution point of a presented certificate (R4).
    Crl,
    /// OCSP responder of a presented certificate (R4).
    Ocsp,
    /// caIssuers of a presented certificate (R5).
    Aia,
    /// Named by an HTTP redirect (R7).
    Redirect,
    /// A forward proxy (R9).
    Proxy,
    /// A resolver (R10).
    Resolver,
    /// Windows root update (R11).
    RootUpdate,
    /// Must not be reachable (DOMAIN §4.2, 8).
    Canary,
    /// A time source (R10).
    Ntp,
    /// Tells which source address the outside saw (E8).
    Echo,
}

impl Origin {
    /// Whether the endpoint serves certificate checking: a CA host.
    pub fn is_ca(self) -> bool {
        matches!(self, Self::Crl | Self::Ocsp | Self::Aia)
    }

    /// Whether the endpoint serves the agent alone, and no workload: a canary or an echo.
    pub fn is_only_watched(self) -> bool {
        matches!(self, Self::Canary | Self::Echo)
    }
}

/// How badly a workload needs an endpoint (DOMAIN §4.3); the greater, the more.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Requirement {
    /// Nothing breaks without it.
    Optional,
    /// Needed at some later time.
    Deferred,
    /// Degrades without it.
    Soft,
    /// Fails without it.
    Hard,
}

#[cfg(test)]
mod tests {
    use super::{EndpointKey, Probe, is_private};

    #[test]
    fn ids_are_written_as_the_contract_says() {
        assert_eq!(EndpointKey::new("Login.Example.", 443, Probe::Tls).to_string(), "login.example:443/tls");
        assert_eq!(
            EndpointKey::new("[2001:DB8::1]", 53, Probe::UdpDns).to_string(),
            "[2001:db8::1]:53/udp-dns"
        );
        let mut key = EndpointKey::new("a.example", 443, Probe::Https);
        key.via = Some("squid".into());
        assert_eq!(key.to_string(), "a.example:443/https via squid");
    }

    #[test]
    fn private_space_is_rfc1918_rfc6598_and_unique_local() {
        for ip in
            ["10.0.0.1", "172.31.0.1", "192.168.1.1", "100.64.0.1", "fd00::1", "::ffff:10.0.0.1", "fec0::1"]
        {
            assert!(is_private(ip.parse().expect("literal")), "{ip}");
        }
        for ip in ["203.0.113.1", "198.18.0.1", "100.128.0.1", "172.32.0.1", "2001:db8::1"] {
            assert!(!is_private(ip.parse().expect("literal")), "{ip}");
        }
    }
}
