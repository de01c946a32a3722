//! Rules of this host that select packets by what nobody sees of a flow (E3): a mark, a type of service, another user.
//!
//! In: where packets that such rules select would leave. Out: how sure it is that the flow is none of them, which only hops can tell,
//! and words for other users' flows, of which nothing here is evidence.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::SystemTime;

use super::evidence::{Evidence, Plane, Strength};
use super::hops::{self, fresh_traces};
use super::path::{Confidence, PathClass};
use super::ways;
use crate::closure::{Picture, Seen};
use crate::config::Topology;
use crate::observation::{AddressObservation, NextHop, RouteObservation, Selected, Selector};

/// How sure this class can be where a mark or a type of service may send the flow another way: only a declared hop shows that it
/// does not. The gateway's own answer speaks for it, but one router may stand behind both ways.
pub(super) fn certainty(
    seen: &AddressObservation,
    topology: &Topology,
    ip: IpAddr,
    class: PathClass,
    now: SystemTime,
    evidence: &mut Vec<Evidence>,
) -> Confidence {
    let Some(route) = &seen.route else { return Confidence::Confirmed };
    let mut least = Confidence::Confirmed;
    for selected in &route.selected {
        match selected.by {
            Selector::Mark(_) | Selector::Tos(_) => {}
            Selector::User(_) => continue,
        }
        let away: Vec<&NextHop> =
            strays(route, selected).filter(|hop| leads_elsewhere(hop, topology, ip, class)).collect();
        if away.is_empty() {
            continue;
        }
        let (certain, meaning) = if !hops::taken(seen, topology, ip, now).is_empty() {
            (Confidence::Confirmed, "a declared hop shows that this flow's are none of them")
        } else if met_own_gateway(seen, route, &away, now) {
            (
                Confidence::Probable,
                "this flow began at its own gateway, unless that router stands behind both ways",
            )
        } else {
            (
                Confidence::Unknown,
                "something on this host (nftables?) may set that for this flow, and no hop shows that it does not; let the gateway and the MSEE answer probes whose TTL ends there",
            )
        };
        evidence.push(Evidence {
            id: "E3".into(),
            plane: Plane::Host,
            strength: Strength::C,
            says: format!("packets with {} leave {}: {meaning}", selected.by, by(away)),
            at: seen.at,
        });
        least = least.min(certain);
    }
    least
}

/// Other users whose packets leave another way than this process's, in words: what is told here is told of none of theirs.
pub fn other_users(picture: &Picture) -> Vec<String> {
    let seen = picture.members.values().flat_map(|member| member.addresses.values());
    let mut users: BTreeMap<Selector, (usize, String)> = BTreeMap::new();
    for seen in seen {
        let Seen::Observed(seen) = seen else { continue };
        let Some(route) = &seen.route else { continue };
        for selected in route.selected.iter().filter(|selected| matches!(selected.by, Selector::User(_))) {
            let first = || (0, format!("{} {}", seen.ip, by(strays(route, selected).collect())));
            users.entry(selected.by).or_insert_with(first).0 += 1;
        }
    }
    let words = users.into_iter().map(|(user, (count, first))| {
        let which = if count == 1 { first } else { format!("{count} addresses, such as {first}") };
        format!(
            "rules of this host send packets of {user} elsewhere ({which}): what is told here is told of this process's own user only; run closedpath as the workload's user (E3)"
        )
    });
    words.collect()
}

/// The ways out of selected packets that others do not take.
fn strays<'a>(route: &'a RouteObservation, selected: &'a Selected) -> impl Iterator<Item = &'a NextHop> {
    selected.next_hops.iter().filter(|hop| !route.next_hops.contains(hop))
}

/// Whether it may lead to another class; one that no link declares leads nobody knows where.
fn leads_elsewhere(hop: &NextHop, topology: &Topology, ip: IpAddr, class: PathClass) -> bool {
    ways::classes(topology, &ways::by_next_hop(topology, hop).0, ip) != [class].into()
}

/// Whether a trace of the flow begins at the gateway that the forwarding table names, where selected packets do not begin.
fn met_own_gateway(
    seen: &AddressObservation,
    route: &RouteObservation,
    away: &[&NextHop],
    now: SystemTime,
) -> bool {
    let is =
        |hop: &NextHop, first: IpAddr| hop.gateway.is_some_and(|gateway| gateway.to_canonical() == first);
    let mut firsts = fresh_traces(seen, now).filter_map(|trace| {
        trace.hops.first().filter(|hop| hop.ttl == 1).and_then(|hop| hop.from).map(|from| from.to_canonical())
    });
    firsts.any(|first| {
        route.next_hops.iter().any(|hop| is(hop, first)) && !away.iter().any(|hop| is(hop, first))
    })
}

fn by(hops: Vec<&NextHop>) -> String {
    hops.into_iter().map(NextHop::to_string).collect::<Vec<_>>().join(" and ")
}
