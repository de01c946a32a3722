//! The declared ways out, and which of them an interface, a router, a hop or a source address belongs to.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::{Evidence, Exit, Path, PathClass, Plane};
use crate::config::{Edge, Link, Terminates, Topology, Tunnel, TunnelKind};
use crate::observation::NextHop;
use crate::target::is_private;

/// A link or a tunnel. The order is that of the configuration, so that sets are stable.
#[derive(Debug, Clone, Copy)]
pub enum Way<'a> {
    /// `[[link]]`
    Link(&'a Link),
    /// `[[tunnel]]`
    Tunnel(&'a Tunnel),
}

/// A set of names of ways.
pub type Ways<'a> = BTreeSet<&'a str>;

/// A statement of one piece of A or B evidence: the flow takes one of these ways.
#[derive(Debug, Clone)]
pub struct Vote<'a> {
    /// What remains possible by it.
    pub ways: Ways<'a>,
    /// Its plane.
    pub plane: Plane,
    /// A, not B.
    pub decides: bool,
}

impl<'a> Way<'a> {
    /// Its name.
    pub fn name(&self) -> &'a str {
        match self {
            Self::Link(link) => &link.name,
            Self::Tunnel(tunnel) => &tunnel.name,
        }
    }

    /// The edge the packet leaves by.
    pub fn edge(&self) -> Edge {
        match self {
            Self::Link(link) => link.edge,
            Self::Tunnel(tunnel) => tunnel.over,
        }
    }

    fn circuit(&self) -> Option<&'a str> {
        match self {
            Self::Link(link) => link.circuit.as_deref(),
            Self::Tunnel(_) => None,
        }
    }

    /// Class and exit of a flow to `ip`, which is not of the site, that takes this way (A9, DESIGN §4.5).
    pub fn class(&self, ip: IpAddr, topology: &Topology) -> (PathClass, Exit) {
        let in_vnet = longest(&topology.vnet, ip).is_some();
        // Of the site itself it is not (A2), so it goes on from there, nobody knows how.
        let deeper = (PathClass::Unknown, Exit::Unknown);
        match self {
            Self::Link(link) => match link.edge {
                Edge::ErPrivate if in_vnet => (PathClass::ErPrivate, Exit::Vnet),
                Edge::ErPrivate if is_private(ip) => (PathClass::Unknown, Exit::Unknown),
                Edge::ErPrivate => (PathClass::InternetViaAzureBgp, Exit::Unknown),
                // It ends at Azure's public addresses (P3).
                Edge::ErMicrosoft if is_private(ip) => (PathClass::Unknown, Exit::Unknown),
                Edge::ErMicrosoft => (PathClass::ErMicrosoft, Exit::AzurePublic),
                Edge::Internet if link.peering_service => {
                    (PathClass::InternetPeeringService, Exit::MicrosoftPublic)
                }
                Edge::Internet => (PathClass::InternetDirect, Exit::Unknown),
                Edge::S2sVpnOverInternet => (PathClass::VpnInternet, Exit::Vnet),
                Edge::Internal => deeper,
            },
            Self::Tunnel(tunnel) => match (tunnel.kind, tunnel.over) {
                (TunnelKind::GsaRemoteNetwork, _) => (PathClass::GsaRemoteNetwork, Exit::Gsa),
                (TunnelKind::Ipsec, Edge::ErPrivate | Edge::ErMicrosoft) => {
                    if in_vnet || leads_to(tunnel, ip) {
                        (PathClass::ErPrivateIpsec, Exit::Vnet)
                    } else if is_private(ip) {
                        (PathClass::Unknown, Exit::Unknown)
                    } else {
                        (PathClass::InternetViaAzureBgp, Exit::Unknown)
                    }
                }
                (TunnelKind::Ipsec, Edge::Internet | Edge::S2sVpnOverInternet) => {
                    (PathClass::VpnInternet, Exit::Vnet)
                }
                (TunnelKind::Ipsec, Edge::Internal) => deeper,
            },
        }
    }
}

/// Whether the address is on the site: the longest declared prefix decides, and between equals the one that leads away.
pub fn is_onprem(topology: &Topology, ip: IpAddr) -> bool {
    let tunnels = topology.tunnels.iter().filter_map(|tunnel| longest(&tunnel.prefixes, ip)).max();
    let away = longest(&topology.vnet, ip).max(tunnels);
    longest(&topology.onprem, ip).is_some_and(|onprem| Some(onprem) > away)
}

/// Whether the tunnel's prefixes name the destination. A default route does not, nor its two halves (E7d).
fn leads_to(tunnel: &Tunnel, ip: IpAddr) -> bool {
    longest(&tunnel.prefixes, ip).is_some_and(|length| length > 1)
}

fn longest(nets: &[ipnet::IpNet], ip: IpAddr) -> Option<u8> {
    nets.iter().filter(|net| net.contains(&ip)).map(|net| net.prefix_len()).max()
}

/// The tunnels whose prefixes name the destination by the longest prefix; a default route names none. The way to its own outer
/// peer is in no tunnel (A3).
pub fn tunnels_of(topology: &Topology, ip: IpAddr) -> Vec<&Tunnel> {
    let outer = |tunnel: &Tunnel| tunnel.outer_peer.iter().any(|peer| peer.to_canonical() == ip);
    let length =
        |tunnel: &Tunnel| longest(&tunnel.prefixes, ip).filter(|length| *length > 1 && !outer(tunnel));
    let longest = topology.tunnels.iter().filter_map(length).max();
    topology.tunnels.iter().filter(|tunnel| longest.is_some() && length(tunnel) == longest).collect()
}

/// Whether the operator declares the address as the site's, a VNet's or a tunnel's.
pub fn is_declared(topology: &Topology, ip: IpAddr) -> bool {
    let of_tunnels = topology.tunnels.iter().flat_map(|tunnel| &tunnel.prefixes);
    let specific = of_tunnels.filter(|net| net.prefix_len() > 1);
    topology.onprem.iter().chain(&topology.vnet).chain(specific).any(|net| net.contains(&ip))
}

/// The longest declared prefix of the site that holds the address.
pub fn onprem_length(topology: &Topology, ip: IpAddr) -> Option<u8> {
    longest(&topology.onprem, ip)
}

/// Every declared way, links first.
pub fn all(topology: &Topology) -> Vec<Way<'_>> {
    topology.links.iter().map(Way::Link).chain(topology.tunnels.iter().map(Way::Tunnel)).collect()
}

/// The way that a hop proves (E6): Microsoft's end of a peering, or a declared hop. The configuration refuses hops that would prove two.
pub fn by_hop(topology: &Topology, hop: IpAddr) -> Option<Way<'_>> {
    let link = topology
        .links
        .iter()
        .find(|link| link.msee.contains(&hop) || link.hops.iter().any(|net| net.contains(&hop)))
        .map(Way::Link);
    link.or_else(|| {
        topology
            .tunnels
            .iter()
            .find(|tunnel| tunnel.hops.iter().any(|net| net.contains(&hop)))
            .map(Way::Tunnel)
    })
}

/// The classes that a flow to `ip` has by any of these ways.
pub fn classes(topology: &Topology, ways: &Ways<'_>, ip: IpAddr) -> BTreeSet<PathClass> {
    let among = all(topology).into_iter().filter(|way| ways.contains(way.name()));
    among.map(|way| way.class(ip, topology).0).collect()
}

/// The ways that a next hop of the forwarding table can lead to (E1), and whether it leads to that one and no other.
///
/// A declared `interface` is a claim of one-to-one. A `next_hop` is one-to-one only if every other link declares
/// where it begins, since an undeclared link may begin at the same router.
pub fn by_next_hop<'a>(topology: &'a Topology, hop: &NextHop) -> (Ways<'a>, bool) {
    let tunnel = topology.tunnels.iter().find(|tunnel| {
        tunnel.terminates == Terminates::Host && tunnel.interface.as_deref() == Some(&hop.interface)
    });
    if let Some(tunnel) = tunnel {
        return ([tunnel.name.as_str()].into(), true);
    }
    let by_interface: Ways<'_> = topology
        .links
        .iter()
        .filter(|link| link.interface.as_deref() == Some(hop.interface.as_str()))
        .map(|link| link.name.as_str())
        .collect();
    let begins_here = |link: &&Link| hop.gateway.is_some_and(|gateway| link.next_hop.contains(&gateway));
    let declared: Ways = topology.links.iter().filter(begins_here).map(|link| link.name.as_str()).collect();
    if !by_interface.is_empty() {
        // A router of another link behind the interface belies the claim.
        let candidates = &by_interface | &declared;
        // Behind a card, what is on-link is in this network, and no circuit leads there.
        let on_link = hop.gateway.is_none() && !hop.is_tunnel();
        let circuit = |link: &&Link| matches!(link.edge, Edge::ErPrivate | Edge::ErMicrosoft);
        let mut of_circuits = topology.links.iter().filter(circuit);
        let beside = on_link && of_circuits.any(|link| candidates.contains(link.name.as_str()));
        let exclusive = candidates.len() == 1 && !beside;
        return (candidates, exclusive);
    }
    let undeclared: Ways = topology
        .links
        .iter()
        .filter(|link| link.interface.is_none() && link.next_hop.is_empty())
        .map(|link| link.name.as_str())
        .collect();
    // A link-local address is another router behind each interface (RFC 4007 §6).
    let anywhere = |ip: IpAddr| matches!(ip, IpAddr::V6(v6) if v6.is_unicast_link_local());
    let exclusive = declared.len() == 1 && undeclared.is_empty() && !hop.gateway.is_some_and(anywhere);
    (declared.into_iter().chain(undeclared).collect(), exclusive)
}

/// The links whose dedicated source addresses hold `ip` (E2, E8).
pub fn by_source(topology: &Topology, ip: IpAddr) -> Ways<'_> {
    topology
        .links
        .iter()
        .filter(|link| link.nat_pool.iter().any(|net| net.contains(&ip)))
        .map(|link| link.name.as_str())
        .collect()
}

/// The path of a flow to `ip` for which `remaining` ways are possible; `None` if they are of several classes or circuits (A7).
pub fn path(
    topology: &Topology,
    remaining: &Ways<'_>,
    ip: IpAddr,
    confidence: super::Confidence,
    evidence: Vec<Evidence>,
) -> Option<Path> {
    let ways: Vec<Way<'_>> = all(topology).into_iter().filter(|way| remaining.contains(way.name())).collect();
    let first = ways.first()?;
    let (class, exit) = first.class(ip, topology);
    let alike = |way: &Way<'_>| {
        way.class(ip, topology).0 == class && way.edge() == first.edge() && way.circuit() == first.circuit()
    };
    if !ways.iter().all(alike) {
        return None;
    }
    let single = (ways.len() == 1).then(|| first.name().to_string());
    Some(Path {
        class,
        edge: Some(first.edge()),
        exit: Some(exit),
        link: single,
        links: outer_links(topology, &ways),
        circuit: first.circuit().map(str::to_string),
        confidence,
        encryption: encryption(&ways),
        reason: None,
        route_only: None,
        evidence,
    })
}

/// The links themselves; under a tunnel, the links its outer path can take.
fn outer_links(topology: &Topology, ways: &[Way<'_>]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for way in ways {
        match way {
            Way::Link(link) => names.push(link.name.clone()),
            Way::Tunnel(tunnel) => names.extend(
                topology.links.iter().filter(|link| link.edge == tunnel.over).map(|link| link.name.clone()),
            ),
        }
    }
    names
}

fn encryption(ways: &[Way<'_>]) -> Vec<String> {
    let mut words = Vec::new();
    for way in ways {
        match way {
            Way::Link(link) => {
                if link.encryption.ipsec_declared {
                    words.push("ipsec(declared)".to_string());
                }
                if link.encryption.macsec_declared {
                    words.push("macsec(declared)".to_string());
                }
            }
            Way::Tunnel(tunnel) => match tunnel.terminates {
                Terminates::Host => words.push("ipsec(host, declared)".to_string()),
                Terminates::Ce => words.push("ipsec(ce, declared)".to_string()),
            },
        }
    }
    words.dedup();
    words
}
