//! The file as it is written: one module for each section, with its keys and how it becomes a part of the plan.
//!
//! Keys that are absent have the default of the plan. A section reports what is wrong inside it; what concerns several
//! sections is checked in `check`.

mod agent;
mod bmp;
mod canary;
mod circuit;
mod data;
mod echo;
mod fetch;
mod http;
mod link;
mod probe;
mod proxy;
mod resolver;
mod table;
mod target;
mod topology;
mod tunnel;
mod verdict;
mod workload;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::field::At;
pub(super) use {
    agent::RawAgent, bmp::RawBmp, canary::RawCanary, circuit::RawCircuit, data::RawData, echo::RawEcho,
    fetch::RawFetch, http::RawHttp, link::RawLink, probe::RawProbe, proxy::RawProxy, resolver::RawResolver,
    table::RawTable, target::RawTarget, topology::RawTopology, tunnel::RawTunnel, verdict::RawVerdict,
    workload::RawWorkload,
};
pub(super) use {
    link::{called, is_expressroute},
    resolver::system,
    workload::{implicit, unnamed},
};

/// The configuration of closedpath. Every section and every key with a default may be left out.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(title = "closedpath configuration")]
pub(super) struct RawFile {
    /// The agent itself: its site, its state, and where trust begins.
    pub agent: RawAgent,
    /// The status page and the metrics.
    pub http: RawHttp,
    /// How often and how long is probed.
    pub probe: RawProbe,
    /// When a closed network may be called closed.
    pub verdict: RawVerdict,
    /// DNS servers; several are compared (F14). Without any: those of the operating system.
    pub resolver: Vec<At<RawResolver>>,
    /// The site's own networks.
    pub topology: RawTopology,
    /// The ways out of the site, one section each.
    pub link: Vec<At<RawLink>>,
    /// Encrypted tunnels over the links.
    pub tunnel: Vec<At<RawTunnel>>,
    /// ExpressRoute circuits by name.
    pub circuit: BTreeMap<String, At<RawCircuit>>,
    /// Routing tables sent by the edge routers (RFC 7854).
    pub bmp: Option<RawBmp>,
    /// Routing tables of edge routers that cannot send them, as files.
    pub table: Vec<At<RawTable>>,
    /// Servers that tell which source address they saw (E8).
    pub echo: Vec<At<RawEcho>>,
    /// Forward proxies.
    pub proxy: Vec<At<RawProxy>>,
    /// Destinations that must not be reachable when the policy is closed.
    pub canary: Vec<At<RawCanary>>,
    /// What is promised, and for which services.
    pub workload: Vec<At<RawWorkload>>,
    /// Single destinations.
    pub target: Vec<At<RawTarget>>,
    /// Fetching URLs that certificates and redirects name.
    pub fetch: RawFetch,
    /// Files that replace or complete what is embedded.
    pub data: RawData,
}
