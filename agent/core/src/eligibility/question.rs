//! What is asked: one address of one name, and all that the answer depends on.

use std::net::IpAddr;
use std::time::SystemTime;

use ipnet::IpNet;

use crate::config::Topology;
use crate::tables::{Community, Tables, TagMatch};

/// One question.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// The name that was asked for, where there is one.
    pub name: Option<&'a str>,
    /// Aliases of the name, in query order.
    pub cname: &'a [String],
    /// The address.
    pub ip: IpAddr,
    /// What the operator declares.
    pub topology: &'a Topology,
    /// What is known.
    pub tables: &'a Tables,
    /// Routes received on Microsoft peering (EL5), where a BMP feed or an export tells; `None` without one.
    pub routes: Option<&'a [ReceivedRoute]>,
    /// The time, for the age of data.
    pub now: SystemTime,
}

/// A route received from a Microsoft-peering peer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceivedRoute {
    /// The prefix.
    pub prefix: IpNet,
    /// Its communities of AS 12076.
    pub communities: Vec<Community>,
}

impl<'a> Question<'a> {
    /// The name, then its aliases.
    pub(super) fn names(&self) -> Vec<&'a str> {
        self.name.into_iter().chain(self.cname.iter().map(String::as_str)).collect()
    }

    pub(super) fn tags(&self) -> Vec<TagMatch<'a>> {
        self.tables.service_tags.as_ref().map(|tags| tags.of(self.ip)).unwrap_or_default()
    }
}
