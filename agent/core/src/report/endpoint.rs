//! One endpoint in a report, and the list of what is needed from outside.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::AddressReport;
use crate::attribution::PathClass;
use crate::observation::{Answer, DnsStatus};
use crate::target::{Origin, Probe, Requirement};

/// One member of the closure.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EndpointReport {
    /// `host:port/probe`, or `host:port/probe via PROXY`.
    pub id: String,
    /// Lower-case name without the final dot, or an address.
    pub host: String,
    /// Port; 0 for ICMP.
    pub port: u16,
    /// How it was probed.
    pub probe: Probe,
    /// The forward proxy it was reached through.
    pub via: Option<String>,
    /// Why it is in the closure.
    pub origins: Vec<Origin>,
    /// The strongest requirement of any workload.
    pub requirement: Requirement,
    /// The endpoints whose certificates or redirects led here; empty for what the configuration names.
    pub required_by: Vec<String>,
    /// Workloads that need it.
    pub workloads: Vec<String>,
    /// The class of the addresses that answered.
    pub class: PathClass,
    /// How the name resolved.
    pub dns: DnsReport,
    /// Every address.
    pub addresses: Vec<AddressReport>,
    /// The direct attempt beside a proxy (F24); null where none was made.
    pub bypass: Option<Bypass>,
}

/// The direct attempt beside a proxy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Bypass {
    /// Whether it succeeded.
    pub reachable: bool,
    /// The class it took.
    pub class: PathClass,
}

/// How a name resolved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DnsReport {
    /// The outcome.
    pub status: DnsStatus,
    /// The `[[resolver]]` that answered; `hosts` for `/etc/hosts`, `literal` for an address.
    pub resolver: String,
    /// The CNAME chain in query order.
    pub cname: Vec<String>,
    /// The addresses of all resolvers.
    pub answers: Vec<Answer>,
}

/// A destination of the closure that is not on a closed path, whether it answers or not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Outside {
    /// Host.
    pub host: String,
    /// Port.
    pub port: u16,
    /// What it is needed for, in words.
    pub why: Vec<String>,
    /// Its class.
    pub class: PathClass,
    /// Whether any address was reached.
    pub reachable: bool,
    /// How badly it is needed.
    pub requirement: Requirement,
    /// By which workloads.
    pub workloads: Vec<String>,
}

impl EndpointReport {
    /// Whether any address was reached.
    pub fn reachable(&self) -> bool {
        self.addresses.iter().any(|address| address.reachable)
    }

    /// Whether any address answered, be it by a refusal.
    pub fn answered(&self) -> bool {
        self.addresses.iter().any(AddressReport::answered)
    }

    /// Whether it serves certificate checking.
    pub fn is_ca(&self) -> bool {
        self.origins.iter().any(|origin| origin.is_ca())
    }
}
