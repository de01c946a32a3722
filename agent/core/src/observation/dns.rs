//! Name resolution as each resolver answered it.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The outcome of a resolution, told apart as an engineer would with `dig`.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum DnsStatus {
    /// At least one address.
    Ok,
    /// RCODE 3.
    Nxdomain,
    /// RCODE 0 without an address in either family.
    Nodata,
    /// RCODE 2, or another error code.
    Servfail,
    /// RCODE 5.
    Refused,
    /// No server answered.
    Timeout,
    /// The CNAME chain loops or is longer than the bound.
    Loop,
}

impl DnsStatus {
    /// Whether nothing is known of the name: NXDOMAIN and an empty answer are answers.
    pub fn is_failure(self) -> bool {
        match self {
            Self::Ok | Self::Nxdomain | Self::Nodata => false,
            Self::Servfail | Self::Refused | Self::Timeout | Self::Loop => true,
        }
    }
}

/// One CNAME record of the chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cname {
    /// Owner.
    pub name: String,
    /// What it points to.
    pub target: String,
    /// As the server sent it, seconds.
    pub ttl: u32,
}

/// One address record.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema,
)]
pub struct Answer {
    /// The address.
    pub ip: IpAddr,
    /// As the server sent it, seconds; 0 for `/etc/hosts`.
    pub ttl: u32,
}

/// What one configured resolver says about one name, both families together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DnsView {
    /// The `[[resolver]]` name; `hosts` where `/etc/hosts` answered.
    pub resolver: String,
    /// The server that answered, where one did.
    pub server: Option<SocketAddr>,
    /// The outcome.
    pub status: DnsStatus,
    /// The chain, in query order, names without final dots.
    pub cname: Vec<Cname>,
    /// IPv4 before IPv6, in the server's order.
    pub answers: Vec<Answer>,
    /// One family gave addresses, and what the other has is not known: its answer failed.
    #[serde(default)]
    pub incomplete: bool,
    /// What else there is to say about a failure (an unusual code, which server was silent).
    pub text: String,
    /// Until the last answer was in.
    #[serde(with = "humantime_serde")]
    pub took: Duration,
}

/// One name through every configured resolver, in their configured order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DnsObservation {
    /// The name asked for, canonical.
    pub name: String,
    /// One per resolver.
    pub views: Vec<DnsView>,
}

impl DnsObservation {
    /// The view the report shows: the first that gave an address, else the first.
    pub fn chosen(&self) -> Option<&DnsView> {
        self.views.iter().find(|view| view.status == DnsStatus::Ok).or_else(|| self.views.first())
    }

    /// Every address that any resolver gave, in order, each once.
    pub fn addresses(&self) -> Vec<IpAddr> {
        let mut seen = Vec::new();
        for answer in self.views.iter().flat_map(|view| &view.answers) {
            if !seen.contains(&answer.ip) {
                seen.push(answer.ip);
            }
        }
        seen
    }
}
