//! Equal-cost ways on the way (DOMAIN §3.4 ECMP): addresses that routers treat alike, as far as can be guessed, and what one of
//! them shows of the others.
//!
//! A flow proves its own way only. Where the flows to an address were seen to take several classes, a few flows to its
//! neighbours that met by chance prove nothing.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::SystemTime;

use ipnet::IpNet;

use super::PathClass;
use super::hops;
use super::ways;
use crate::closure::{Picture, Seen};
use crate::config::Topology;
use crate::observation::{AddressObservation, NextHop, RouteObservation};

/// Addresses that one route is likely to cover: the ways out of this host, and the network of 16 addresses (IPv6: the /64).
/// ExpressRoute announces prefixes as long as that, so wider networks would mix what is routed apart.
pub type Group = (Vec<NextHop>, IpNet);

/// The group of an address.
pub fn group(ip: IpAddr, route: Option<&RouteObservation>) -> Group {
    let ip = ip.to_canonical();
    let network = IpNet::new(ip, if ip.is_ipv4() { 28 } else { 64 }).map_or(ip.into(), |net| net.trunc());
    (route.map(|route| route.next_hops.clone()).unwrap_or_default(), network)
}

/// The classes that the flows to an address were seen to take, each by its own hops.
fn by_hops(seen: &AddressObservation, topology: &Topology, now: SystemTime) -> BTreeSet<PathClass> {
    let ip = seen.ip.to_canonical();
    ways::classes(topology, &hops::taken(seen, topology, ip, now), ip)
}

/// The classes that flows to an address take or can take, where these are several: by their hops, and by the equal-cost ways out of
/// this host that lead to one class alone (F20).
pub fn classes_of_flows(
    seen: &AddressObservation,
    topology: &Topology,
    now: SystemTime,
) -> BTreeSet<PathClass> {
    let ip = seen.ip.to_canonical();
    let hops = seen.route.as_ref().map_or(&[][..], |route| &route.next_hops);
    let by_table = hops.iter().filter(|_| hops.len() > 1).filter_map(|hop| {
        let classes = ways::classes(topology, &ways::by_next_hop(topology, hop).0, ip);
        classes.first().copied().filter(|_| classes.len() == 1)
    });
    let classes: BTreeSet<PathClass> = by_hops(seen, topology, now).into_iter().chain(by_table).collect();
    if classes.len() > 1 { classes } else { BTreeSet::new() }
}

/// Groups with an address whose flows were seen to take several classes.
#[derive(Debug, Default)]
pub struct Spread {
    groups: BTreeSet<Group>,
}

impl Spread {
    /// Those of a picture.
    pub(super) fn seen(picture: &Picture, topology: &Topology, now: SystemTime) -> Self {
        let several = |seen: &AddressObservation| by_hops(seen, topology, now).len() > 1;
        let members = picture.members.iter().filter(|(key, _)| key.via.is_none());
        let observed =
            members.flat_map(|(_, member)| member.addresses.values()).filter_map(|seen| match seen {
                Seen::Observed(seen) => Some(seen),
                Seen::Pending | Seen::Forbidden(_) => None,
            });
        let spread = observed.filter(|seen| several(seen));
        Self { groups: spread.map(|seen| group(seen.ip, seen.route.as_ref())).collect() }
    }

    /// Whether the address has such a neighbour, or is one itself.
    pub(super) fn concerns(&self, seen: &AddressObservation) -> bool {
        !self.groups.is_empty() && self.groups.contains(&group(seen.ip, seen.route.as_ref()))
    }
}
