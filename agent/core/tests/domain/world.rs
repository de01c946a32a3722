//! The embedded tables, a week after the service tags were published, and the circuits that are asked about.

use std::time::SystemTime;

use closedpath_core::config::{Circuit, Sku, Topology};
use closedpath_core::eligibility::{Eligibility, Outcome, Question, ReceivedRoute, judge};
use closedpath_core::failure::label;
use closedpath_core::tables::{Community, M365, ServiceTags, Tables, Tag};
use ipnet::IpNet;

/// Both Japanese regions, Entra ID and Resource Manager.
pub const FILTER: &[u16] = &[51012, 51013, 5060, 5070];

pub fn tables() -> Tables {
    Tables::builtin().expect("the built-in tables parse")
}

pub fn tags(tables: &Tables) -> &ServiceTags {
    tables.service_tags.as_ref().expect("they are embedded")
}

pub fn m365(tables: &Tables) -> &M365 {
    tables.m365.as_ref().expect("it is embedded")
}

pub fn net(text: &str) -> IpNet {
    text.parse().expect("a prefix")
}

/// The IPv4 prefixes of the tags that are wanted.
pub fn v4(tables: &Tables, wanted: impl Fn(&Tag) -> bool) -> Vec<IpNet> {
    nets(tables, wanted).into_iter().filter(|net| net.addr().is_ipv4()).collect()
}

/// The prefixes of the tags that are wanted.
pub fn nets(tables: &Tables, wanted: impl Fn(&Tag) -> bool) -> Vec<IpNet> {
    let all = tags(tables).prefixes();
    all.filter_map(|(net, mut tags)| tags.any(&wanted).then_some(net)).collect()
}

/// One circuit in Tokyo.
pub fn tokyo(sku: Sku, filter: &[u16], m365_authorised: bool) -> Topology {
    let route_filter = filter.iter().map(|&value| Community(value).to_string()).collect();
    let circuit = Circuit { sku, location: "Tokyo".into(), direct: false, route_filter, m365_authorised };
    Topology { circuits: [("tokyo".to_owned(), circuit)].into(), ..Topology::default() }
}

pub fn standard() -> Topology {
    tokyo(Sku::Standard, FILTER, false)
}

/// What the rules say of an address, without and with received routes.
pub struct World {
    pub topology: Topology,
    pub tables: Tables,
    pub routes: Option<Vec<ReceivedRoute>>,
}

impl World {
    pub fn ask(&self, name: Option<&str>, ip: &str) -> Eligibility {
        let ip = ip.parse().expect("an address");
        let (topology, tables, routes) = (&self.topology, &self.tables, self.routes.as_deref());
        judge(&Question { name, cname: &[], ip, topology, tables, routes, now: now() })
    }
}

fn now() -> SystemTime {
    humantime::parse_rfc3339("2025-11-17T00:00:00Z").expect("a date")
}

/// `result(reason) by rule`, with the community where it is eligible.
pub fn short(answer: &Eligibility) -> String {
    let detail = match (&answer.community, answer.result) {
        (Some(community), Outcome::Eligible) => community.replace("12076:", ""),
        _ => answer.reason.clone(),
    };
    format!("{}({detail}) by {}", label(&answer.result), label(&answer.rule))
}
