//! What shows that a flow does not go where the forwarding table sends it: marks set behind its back (E3), or somebody who answers in
//! the destination's place. Such a flow's table proves nothing, so the two contradict each other (A7).

use std::net::IpAddr;
use std::time::SystemTime;

use super::evidence::{Evidence, Plane, Strength};
use super::hops::fresh_traces;
use super::ways::{self, Vote, Ways};
use crate::config::{Edge, Topology};
use crate::observation::{
    AddressObservation, Hop, NextHop, RouteKind, RouteObservation, TraceEnd, TraceObservation,
};

/// A vote for no way at all, if a trace contradicts the forwarding table.
pub(super) fn ask<'a>(
    seen: &AddressObservation,
    topology: &Topology,
    ip: IpAddr,
    now: SystemTime,
    evidence: &mut Vec<Evidence>,
) -> Option<Vote<'a>> {
    let route = seen.route.as_ref().filter(|route| route.kind == RouteKind::Unicast)?;
    let contradiction = |trace: &TraceObservation| {
        let says = another_router(trace, route, topology)
            .or_else(|| behind_another_card(trace, seen, route, topology))
            .or_else(|| too_near(trace, route, ip))
            .or_else(|| translated(trace, topology, ip))?;
        Some((says, trace.at))
    };
    let (says, at) = fresh_traces(seen, now).find_map(contradiction)?;
    evidence.push(Evidence { id: "E6".into(), plane: Plane::Data, strength: Strength::B, says, at });
    Some(Vote { ways: Ways::new(), plane: Plane::Data, decides: false })
}

/// A router on the way is one that a link declares, and none of those that the forwarding table leads to.
fn another_router(trace: &TraceObservation, route: &RouteObservation, topology: &Topology) -> Option<String> {
    let led = led(route, topology);
    let gateways: Vec<IpAddr> =
        route.next_hops.iter().filter_map(|hop| hop.gateway).map(|ip| ip.to_canonical()).collect();
    // Of what no gateway is known, nothing is.
    if led.is_empty() || gateways.is_empty() {
        return None;
    }
    trace.hops.iter().find_map(|hop| {
        let router = hop.from?.to_canonical();
        let begins = |next_hop: &[IpAddr]| next_hop.iter().any(|begin| begin.to_canonical() == router);
        let links = topology.links.iter().filter(|link| begins(&link.next_hop));
        let declared: Ways<'_> = links.map(|link| link.name.as_str()).collect();
        // Routers of one link may answer for each other.
        if declared.is_empty() || gateways.contains(&router) || !declared.is_disjoint(&led) {
            return None;
        }
        let names: Vec<&str> = declared.into_iter().collect();
        Some(format!(
            "hop {} is {router}, where {} begins, and not the gateway that the forwarding table names: something on this host (a packet mark?) or a router sends the flow elsewhere",
            hop.ttl,
            names.join(", ")
        ))
    })
}

/// The first router is a neighbour behind another card than those that the forwarding table names.
fn behind_another_card(
    trace: &TraceObservation,
    seen: &AddressObservation,
    route: &RouteObservation,
    topology: &Topology,
) -> Option<String> {
    let first = trace.hops.first().filter(|hop| hop.ttl == 1)?.from?.to_canonical();
    let is_first = |hop: &&NextHop| hop.gateway.is_some_and(|gateway| gateway.to_canonical() == first);
    let behind = seen.first.iter().find(is_first)?;
    let named = route.next_hops.iter().any(|hop| hop.interface == behind.interface || is_first(&hop));
    (!named && !led(route, topology).is_empty()).then(|| {
        format!(
            "the first router is {first}, a neighbour behind {}, and the forwarding table names another interface: something on this host sends the flow elsewhere",
            behind.interface
        )
    })
}

/// The ways that the forwarding table leads to.
fn led<'a>(route: &RouteObservation, topology: &'a Topology) -> Ways<'a> {
    route.next_hops.iter().flat_map(|hop| ways::by_next_hop(topology, hop).0).collect()
}

/// Routers answer by the destination's own address: the flow is translated, and its answers back. A last packet that the destination
/// itself lets expire is none of these; and behind a declared hop it is the far side that translates.
fn translated(trace: &TraceObservation, topology: &Topology, ip: IpAddr) -> Option<String> {
    let proves = |hop: &&Hop| {
        let from = hop.from.map(|from| from.to_canonical()).filter(|from| *from != ip);
        from.is_some_and(|from| ways::by_hop(topology, from).is_some())
    };
    let before = trace.hops.iter().take_while(|hop| !proves(hop));
    let mut answered = before.filter(|hop| hop.from.is_some());
    let first = answered.find(|hop| hop.from.is_some_and(|from| from.to_canonical() == ip))?;
    (first.ttl == 1 || answered.next().is_some()).then(|| {
        format!(
            "hop {} answers by {ip}'s own address, though it passes packets on: the destination is translated (DNAT), so the flow goes elsewhere",
            first.ttl
        )
    })
}

/// The destination answers a packet that no router may pass on, although it lies behind one.
fn too_near(trace: &TraceObservation, route: &RouteObservation, ip: IpAddr) -> Option<String> {
    let TraceEnd::Destination { ttl: 1, .. } = trace.end else { return None };
    let gateways: Vec<IpAddr> = route.next_hops.iter().filter_map(|hop| hop.gateway).collect();
    let behind = gateways.len() == route.next_hops.len() && !gateways.is_empty() && !gateways.contains(&ip);
    behind
        .then(|| format!("{ip} answers at the distance of the gateway: something there answers in its place"))
}

/// Whether every way out is a card that one Internet link alone claims, by a router: what is declared to be of the site leaves it.
pub(super) fn leaves_the_site(seen: &AddressObservation, topology: &Topology) -> bool {
    let outside = |edge: Edge| matches!(edge, Edge::Internet | Edge::S2sVpnOverInternet);
    let route = seen.route.as_ref().filter(|route| route.kind == RouteKind::Unicast);
    route.is_some_and(|route| {
        let leaves = |hop: &NextHop| {
            let (ways, exclusive) = ways::by_next_hop(topology, hop);
            let mut claiming = topology.links.iter().filter(|link| ways.contains(link.name.as_str()));
            let claimed = claiming
                .any(|link| outside(link.edge) && link.interface.as_deref() == Some(hop.interface.as_str()));
            exclusive && claimed && hop.gateway.is_some()
        };
        !route.next_hops.is_empty() && route.next_hops.iter().all(leaves)
    })
}
