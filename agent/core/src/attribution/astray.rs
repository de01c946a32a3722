//! What shows that a flow does not go where the forwarding table sends it: marks set behind its back (E3), or somebody who answers in
//! the destination's place. Such a flow's table proves nothing, so the two contradict each other (A7).

use std::net::IpAddr;
use std::time::SystemTime;

use super::evidence::{Evidence, Plane, Strength};
use super::hops::fresh_traces;
use super::ways::{self, Vote, Ways};
use crate::config::{Edge, Topology};
use crate::observation::{AddressObservation, RouteKind, RouteObservation, TraceEnd, TraceObservation};

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
        Some((another_router(trace, route, topology).or_else(|| too_near(trace, route, ip))?, trace.at))
    };
    let (says, at) = fresh_traces(seen, now).find_map(contradiction)?;
    evidence.push(Evidence { id: "E6".into(), plane: Plane::Data, strength: Strength::B, says, at });
    Some(Vote { ways: Ways::new(), plane: Plane::Data, decides: false })
}

/// The first router is one that a link declares, and none of those that the forwarding table leads to.
fn another_router(trace: &TraceObservation, route: &RouteObservation, topology: &Topology) -> Option<String> {
    let first = trace.hops.first().filter(|hop| hop.ttl == 1)?.from?.to_canonical();
    let begins = |next_hop: &[IpAddr]| next_hop.iter().any(|router| router.to_canonical() == first);
    let declared: Ways<'_> =
        topology.links.iter().filter(|link| begins(&link.next_hop)).map(|link| link.name.as_str()).collect();
    let led: Ways<'_> = route.next_hops.iter().flat_map(|hop| ways::by_next_hop(topology, hop).0).collect();
    let gateways: Vec<IpAddr> = route.next_hops.iter().filter_map(|hop| hop.gateway).collect();
    let known = gateways.iter().any(|gateway| gateway.to_canonical() == first);
    // Routers of one link may answer for each other; of what no gateway is known, nothing is.
    if declared.is_empty() || led.is_empty() || gateways.is_empty() || known || !declared.is_disjoint(&led) {
        return None;
    }
    let names: Vec<&str> = declared.into_iter().collect();
    Some(format!(
        "the first router is {first}, where {} begins, and not the gateway that the forwarding table names: something on this host (a packet mark?) or before it sends the flow elsewhere",
        names.join(", ")
    ))
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
        let leaves = |hop: &crate::observation::NextHop| {
            let (ways, exclusive) = ways::by_next_hop(topology, hop);
            let mut claiming = topology.links.iter().filter(|link| ways.contains(link.name.as_str()));
            let claimed = claiming
                .any(|link| outside(link.edge) && link.interface.as_deref() == Some(hop.interface.as_str()));
            exclusive && claimed && hop.gateway.is_some()
        };
        !route.next_hops.is_empty() && route.next_hops.iter().all(leaves)
    })
}
