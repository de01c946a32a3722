//! This host's own tables as evidence: the forwarding table (E1) with its interfaces (E5), and the source address (E2).
//!
//! In: what was seen of a flow. Out: evidence, at most one vote each, and whether the table spreads over several classes.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::PathClass;
use super::evidence::{Evidence, Plane, Strength};
use super::ways::{self, Vote, Ways};
use crate::config::Topology;
use crate::observation::{AddressObservation, Contact, NextHop, RouteKind};

/// What the forwarding table says of a flow.
#[derive(Default)]
pub(super) struct Table<'a> {
    pub(super) vote: Option<Vote<'a>>,
    /// Of each next hop, its router and the classes that it can lead to.
    leads: Vec<(Option<IpAddr>, BTreeSet<PathClass>)>,
}

impl Table<'_> {
    /// F20: two ways out cannot be of one class, whichever of their links they lead to (A7).
    pub(super) fn mixes(&self) -> bool {
        let apart = |one: &BTreeSet<PathClass>, other: &BTreeSet<PathClass>| {
            !one.is_empty() && !other.is_empty() && one.is_disjoint(other)
        };
        let mut rest = self.leads.as_slice();
        while let [(_, one), others @ ..] = rest {
            if others.iter().any(|(_, other)| apart(one, other)) {
                return true;
            }
            rest = others;
        }
        false
    }

    /// There are several ways out.
    pub(super) fn spreads(&self) -> bool {
        self.leads.len() > 1
    }

    /// F20: of several ways out, one cannot lead to this class, so that other flows than the one seen take another.
    pub(super) fn leads_past(&self, class: PathClass) -> bool {
        let past = |classes: &BTreeSet<PathClass>| !classes.is_empty() && !classes.contains(&class);
        self.spreads() && class != PathClass::Unknown && self.leads.iter().any(|(_, classes)| past(classes))
    }

    /// Of several ways out, one may lead to another class, and no flow by it was followed to a declared hop.
    pub(super) fn leaves_open(&self, class: PathClass, followed: &BTreeSet<IpAddr>) -> bool {
        let open = |(router, classes): &(Option<IpAddr>, BTreeSet<PathClass>)| {
            let one = classes.len() == 1 && classes.contains(&class);
            !one && router.is_none_or(|router| !followed.contains(&router))
        };
        self.spreads() && self.leads.iter().any(open)
    }
}

/// E1: the forwarding table; A where every next hop leads to one link and no other.
pub(super) fn ask_forwarding_table<'a>(
    seen: &AddressObservation,
    topology: &'a Topology,
    ip: IpAddr,
    evidence: &mut Vec<Evidence>,
) -> Option<Table<'a>> {
    let route = seen.route.as_ref()?;
    let by = |says: String, strength| Evidence {
        id: "E1".into(),
        plane: Plane::Host,
        strength,
        says,
        at: seen.at,
    };
    match route.kind {
        RouteKind::Unreachable => {
            evidence.push(by(format!("the routing table has no way to {ip}"), Strength::C));
            return None;
        }
        RouteKind::Local => {
            evidence.push(by(format!("{ip} is an address of this host: nothing leaves it"), Strength::A));
            return None;
        }
        RouteKind::Unicast => {}
    }
    let mut ways = Ways::new();
    let mut exclusive = !route.next_hops.is_empty();
    let mut leads = Vec::new();
    for hop in &route.next_hops {
        let (leads_to, only) = ways::by_next_hop(topology, hop);
        let classes = ways::classes(topology, &leads_to, ip);
        leads.push((hop.gateway.map(|gateway| gateway.to_canonical()), classes));
        ways.extend(leads_to);
        exclusive &= only;
    }
    let hops: Vec<String> = route.next_hops.iter().map(NextHop::to_string).collect();
    let prefix = route.prefix.map(|net| format!(" (route {net})")).unwrap_or_default();
    let strength = if exclusive { Strength::A } else { Strength::C };
    let on_link = route.next_hops.iter().any(|hop| hop.gateway.is_none() && !hop.is_tunnel());
    let meaning = match (exclusive, ways.len()) {
        (false, 1..) if on_link => "on the link itself, so no router leads there".to_string(),
        (true, _) => format!("which leads to {}", names(&ways)),
        (false, 0) => "which no link declares".to_string(),
        (false, _) => format!("the first hop only, shared by {}", names(&ways)),
    };
    evidence.push(by(format!("to {ip}: {}{prefix}, {meaning}", hops.join(" and ")), strength));
    let vote = exclusive.then_some(Vote { ways, plane: Plane::Host, decides: true });
    Some(Table { vote, leads })
}

/// E2: the source address of the connection, where its pool belongs to one link.
pub(super) fn ask_source_address<'a>(
    seen: &AddressObservation,
    topology: &'a Topology,
    evidence: &mut Vec<Evidence>,
) -> Option<Vote<'a>> {
    let Contact::Made(made) = &seen.contact else { return None };
    let source = made.local?.ip().to_canonical();
    let ways = ways::by_source(topology, source);
    if ways.len() != 1 {
        return None;
    }
    evidence.push(Evidence {
        id: "E2".into(),
        plane: Plane::Host,
        strength: Strength::B,
        says: format!("the connection's source {source} belongs to the addresses of {}", names(&ways)),
        at: seen.at,
    });
    Some(Vote { ways, plane: Plane::Host, decides: false })
}

fn names(ways: &Ways<'_>) -> String {
    ways.iter().copied().collect::<Vec<_>>().join(", ")
}
