//! What the kernel's forwarding table says about a destination (E1).

use std::fmt;
use std::net::IpAddr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

/// The kind of the matched route.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RouteKind {
    /// Leaves by an interface.
    Unicast,
    /// An address of this host.
    Local,
    /// Silently dropped, refused or prohibited by the table, or no route at all.
    Unreachable,
}

/// One way out of the host.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct NextHop {
    /// Interface name.
    pub interface: String,
    /// The router; `None` for an on-link destination.
    pub gateway: Option<IpAddr>,
    /// What the kernel calls the interface's kind (E5): `vlan`, `tun`, `wireguard` …; `None` for a plain one.
    #[serde(default)]
    pub kind: Option<String>,
}

impl NextHop {
    /// Whether the interface is a tunnel (E5): its packets leave this host inside others, by another interface.
    pub fn is_tunnel(&self) -> bool {
        const KINDS: [&str; 17] = [
            "tun",
            "wireguard",
            "gre",
            "gretap",
            "ip6gre",
            "ip6gretap",
            "erspan",
            "ip6erspan",
            "ipip",
            "ip6tnl",
            "sit",
            "vti",
            "vti6",
            "xfrm",
            "geneve",
            "vxlan",
            "l2tp",
        ];
        self.kind.as_deref().is_some_and(|kind| KINDS.contains(&kind))
    }
}

impl fmt::Display for NextHop {
    /// As `ip route` has it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.gateway {
            Some(gateway) => write!(f, "via {gateway} dev {}", self.interface)?,
            None => write!(f, "on-link dev {}", self.interface)?,
        }
        self.kind.as_ref().map_or(Ok(()), |kind| write!(f, " (a {kind})"))
    }
}

/// By what a rule of this host selects packets that nobody sees of a flow (E3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Selector {
    /// A mark (fwmark): nftables and others may set it on any packet, and no process is told.
    Mark(u32),
    /// The type of service (RFC 1349; the DSCP is its upper six bits), which applications and nftables may set.
    Tos(u8),
    /// Another user than this process's, by the first number of a range.
    User(u32),
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mark(mark) => write!(f, "mark {mark:#x}"),
            Self::Tos(tos) => write!(f, "tos {tos:#x}"),
            Self::User(user) => write!(f, "user {user}"),
        }
    }
}

/// Where packets to the same destination leave, if a rule selects them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Selected {
    /// Which packets.
    pub by: Selector,
    /// Their ways out; one at least is not of those that the others take.
    pub next_hops: Vec<NextHop>,
}

/// The answer of the forwarding table for one destination.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouteObservation {
    /// The destination asked for.
    pub destination: IpAddr,
    /// What kind of route matched.
    pub kind: RouteKind,
    /// All equal-cost ways out; empty for `Unreachable`.
    pub next_hops: Vec<NextHop>,
    /// The source address the kernel would choose.
    pub source: Option<IpAddr>,
    /// The matched prefix, where the kernel tells.
    pub prefix: Option<IpNet>,
    /// The routing table, where the kernel tells.
    pub table: Option<u32>,
    /// What rules do with other packets than those it was asked for (E3).
    #[serde(default)]
    pub selected: Vec<Selected>,
}

/// An entry of this host's neighbour table (ARP, RFC 826; Neighbour Discovery, RFC 4861 §5.1) with a known link-layer address.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Neighbour {
    /// Interface name.
    pub interface: String,
    /// An address of the neighbour.
    pub address: IpAddr,
    /// Its link-layer address.
    pub link_layer: Vec<u8>,
}
