//! The fixed plan of the lab: every node, link, prefix and host name, as data. No logic, no I/O.
//!
//! Public parts use the documentation ranges (RFC 5737, RFC 3849); the site and the VNet use private ranges
//! because that difference matters to the rules under test.

mod hosts;
mod network;

pub use hosts::{Certificate, HOSTS, Host, LOAD_NAMES, LoadName, load_name};
pub use network::{
    AGENT_HOST, Anchor, Gateway, LAN, LINKS, Link, NAT, NODES, Nat, Node, ONPREM, PREFIXES, Prefix, RESOLVER,
    SECURE_ACCESS_EDGE, SILENT_RESOLVER, SITE_PROXY, VNET, VNET_EXIT, VNET_GATEWAY, VNET_PROXY, node_of,
};
