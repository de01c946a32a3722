//! The ordered procedure A0–A10 for one address (DOMAIN §3.2).

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::SystemTime;

use super::around::Around;
use super::astray;
use super::control::{self, Told};
use super::evidence::{Evidence, Plane, Strength};
use super::hops;
use super::host::{self, Table};
use super::outer;
use super::path::{Confidence, Exit, Path, PathClass, Reason};
use super::protection::{self, Protected};
use super::reflexive;
use super::rules;
use super::ways::{self, Vote, Way, Ways};
use crate::config::{Edge, Terminates, Topology, Tunnel};
use crate::observation::{AddressObservation, Contact, Protection, RouteKind};
use crate::target::is_private;

/// The path of the flow to one address, as far as the evidence goes.
pub fn attribute(seen: &AddressObservation, around: &Around<'_>) -> Path {
    let Around { topology, control, now, .. } = *around;
    let ip = seen.ip.to_canonical();
    let mut evidence = Vec::new();
    let mut votes = Vec::new();
    let protected = protection::ask(seen, topology, &mut evidence);
    // What IPsec carries leaves by the route of its outer packets, not by this one (A3).
    let table = host::ask_forwarding_table(seen, topology, ip, &mut evidence);
    let by_table = matches!(protected, Protected::No);
    let table = table.filter(|_| by_table).unwrap_or_default();
    votes.extend(table.vote.clone());
    votes.extend(host::ask_source_address(seen, topology, &mut evidence));
    votes.extend(hops::ask(seen, topology, ip, now, &mut evidence));
    if by_table {
        votes.extend(astray::ask(seen, topology, ip, now, &mut evidence));
    }
    let local = seen.route.as_ref().is_some_and(|route| route.kind == RouteKind::Local);
    let told = match control.filter(|_| !local) {
        Some(control) => control::ask(control, seen, topology, ip, now, &mut evidence),
        None => Told::default(),
    };

    let answered = Answer::of(&seen.contact);
    if let Some(range) = synthetic(seen, topology, ip) {
        evidence.push(Evidence {
            id: "E12".into(),
            plane: Plane::Name,
            strength: Strength::D,
            says: format!("{ip} is in {range}"),
            at: seen.at,
        });
        return Path::unknown(Reason::SyntheticAnswer, evidence);
    }
    if local {
        // What stays here meets no router.
        if votes.iter().any(|vote| vote.plane == Plane::Data) {
            return Path::unknown(Reason::Conflict, evidence);
        }
        return limit_by_answer(stays(evidence), answered);
    }
    if let Some(vote) = reflexive::ask(seen, around, &told, &mut evidence) {
        // Another flow's translation stands against nothing that is seen of this one.
        let known = votes.iter().chain(&told.vote).any(|vote| vote.decides);
        votes.extend(Some(vote).filter(|vote| vote.decides || !known));
    }
    let stranger = |protection: &Protection| !ways::is_onprem(topology, protection.outer_peer.to_canonical());
    if matches!(protected, Protected::Undeclared) && seen.protection.as_ref().is_some_and(stranger) {
        return Path::unknown(Reason::UndeclaredTunnel, evidence);
    }
    if ways::is_onprem(topology, ip) {
        if matches!(protected, Protected::Through(_)) {
            return Path::unknown(Reason::Conflict, evidence);
        }
        // Prefixes of the site seldom stand in BGP: only a route as specific as the declaration speaks against it.
        let specific = told.length >= ways::onprem_length(topology, ip);
        votes.extend(told.vote.filter(|_| specific));
        if astray::leaves_the_site(seen, topology) {
            return Path::unknown(Reason::Conflict, evidence);
        }
        return internal(&votes, topology, answered, evidence, seen.at);
    }
    if topology.links.is_empty() {
        return Path::unknown(Reason::NoTopology, evidence);
    }
    if by_table && inside_undeclared_tunnel(seen, topology, ip) {
        return Path::unknown(Reason::UndeclaredTunnel, evidence);
    }
    match protected {
        // To a peer on the site: where it goes from there, nobody sees.
        Protected::Undeclared => return Path::unknown(Reason::UndeclaredTunnel, evidence),
        Protected::Through(vote) => votes.push(vote),
        Protected::No => {}
    }
    if told.vote.is_some() {
        into_tunnels(&mut votes, topology, ip);
    }
    votes.extend(told.vote.clone());
    let mut path = decide(&votes, &table, &told, around, ip, evidence);
    if is_nat64(ip) && !ways::is_declared(topology, ip) && path.class != PathClass::Unknown {
        path = Path::unknown(Reason::Nat64, path.evidence);
    }
    if around.spread.concerns(seen) && path.class != PathClass::Unknown {
        path.evidence.push(Evidence {
            id: "E6".into(),
            plane: Plane::Data,
            strength: Strength::B,
            says: "the flows to this address or a neighbour take several classes: which one a flow takes is chance".into(),
            at: now,
        });
        path = Path::unknown(Reason::Ambiguous, path.evidence);
    }
    if table.leads_past(path.class) {
        path = Path::unknown(Reason::EcmpMixedClass, path.evidence);
    }
    if path.class != PathClass::Unknown
        && table.leaves_open(path.class, &hops::followed(seen, topology, ip, now))
    {
        path = Path::unknown(Reason::Ambiguous, path.evidence);
    }
    if by_table && path.class != PathClass::Unknown {
        match rules::certainty(seen, topology, ip, path.class, now, &mut path.evidence) {
            Confidence::Unknown => path = Path::unknown(Reason::Ambiguous, path.evidence),
            sure => path.confidence = path.confidence.min(sure),
        }
    }
    if seen.protection.as_ref().is_some_and(protection::carried) {
        for word in path.encryption.iter_mut().filter(|word| *word == "ipsec(host, declared)") {
            *word = "ipsec(host, observed)".into();
        }
    }
    limit_by_answer(path, answered)
}

/// Addresses that a resolver or a client on this host makes up, so that connecting to them proves nothing about the network:
/// those of the Global Secure Access client, and those that only a tunnel interface of this host answers for.
fn synthetic(seen: &AddressObservation, topology: &Topology, ip: IpAddr) -> Option<&'static str> {
    let IpAddr::V4(v4) = ip else { return None };
    if ways::is_declared(topology, ip) {
        return None;
    }
    let by_tun = seen.route.as_ref().is_some_and(|route| {
        !route.next_hops.is_empty() && route.next_hops.iter().all(|hop| hop.kind.as_deref() == Some("tun"))
    });
    match v4.octets() {
        [6, 6, ..] => Some("6.6.0.0/16, which the Global Secure Access client answers with"),
        [198, 18 | 19, ..] if by_tun => Some("198.18.0.0/15 behind a tun interface: a fake-IP resolver"),
        [100, 64..=127, ..] if by_tun => Some("100.64.0.0/10 behind a tun interface: a fake-IP resolver"),
        _ => None,
    }
}

/// E5: some way out is a tunnel of this host that nobody declares. How its own packets leave the site is not known, and what is seen
/// inside says nothing of it (DOMAIN §1.1).
fn inside_undeclared_tunnel(seen: &AddressObservation, topology: &Topology, ip: IpAddr) -> bool {
    // One that begins here may have any interface, where none is named.
    let anywhere = |tunnel: &&Tunnel| tunnel.terminates == Terminates::Host && tunnel.interface.is_none();
    if ways::tunnels_of(topology, ip).iter().any(anywhere) {
        return false;
    }
    let declared = |name: &str| {
        let of_links = topology.links.iter().map(|link| &link.interface);
        let of_tunnels = topology.tunnels.iter().map(|tunnel| &tunnel.interface);
        of_links.chain(of_tunnels).any(|interface| interface.as_deref() == Some(name))
    };
    let next_hops = seen.route.iter().flat_map(|route| &route.next_hops);
    next_hops.into_iter().any(|hop| hop.is_tunnel() && !declared(&hop.interface))
}

/// The well-known and the local-use prefix of NAT64 (RFC 6052 §2.1, RFC 8215).
fn is_nat64(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(_) => false,
        IpAddr::V6(v6) => matches!(v6.segments(), [0x64, 0xff9b, 0, 0, 0, 0, ..] | [0x64, 0xff9b, 1, ..]),
    }
}

/// What the routers' tables tell of a tunnel's outer path fits the first leg of the flow: what leads to a link of that edge
/// leads also to the tunnel that begins there.
fn into_tunnels<'a>(votes: &mut [Vote<'a>], topology: &'a Topology, ip: IpAddr) {
    for tunnel in ways::tunnels_of(topology, ip) {
        for vote in votes.iter_mut().filter(|vote| vote.plane == Plane::Host) {
            let mut links = topology.links.iter().filter(|link| link.edge == tunnel.over);
            if links.any(|link| vote.ways.contains(link.name.as_str())) {
                vote.ways.insert(&tunnel.name);
            }
        }
    }
}

/// The class of an endpoint: that of its addresses that answered (DESIGN §4.5).
pub fn class_of_endpoint<'a>(answering: impl IntoIterator<Item = &'a Path>) -> PathClass {
    let mut class = None;
    for path in answering {
        match class {
            None => class = Some(path.class),
            Some(seen) if seen == path.class => {}
            Some(_) => return PathClass::Mixed,
        }
    }
    class.unwrap_or(PathClass::Unknown)
}

/// What came back from the destination itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    Connected,
    Refused,
    Silent,
}

impl Answer {
    fn of(contact: &Contact) -> Self {
        match contact {
            Contact::Made(_) => Self::Connected,
            Contact::Failed(failure) if failure.is_refusal() => Self::Refused,
            Contact::Failed(_) => Self::Silent,
        }
    }
}

/// A2: inside a declared on-premises prefix. A hop of a way out contradicts the declaration.
fn internal(
    votes: &[Vote<'_>],
    topology: &Topology,
    answered: Answer,
    mut evidence: Vec<Evidence>,
    at: SystemTime,
) -> Path {
    evidence.push(Evidence {
        id: "E16".into(),
        plane: Plane::Declared,
        strength: Strength::C,
        says: "the address is inside topology.onprem".into(),
        at,
    });
    let leaves = |vote: &Vote<'_>| {
        ways::all(topology).iter().any(|way| vote.ways.contains(way.name()) && way.edge() != Edge::Internal)
    };
    let outside = [Plane::Data, Plane::Control];
    if votes.iter().any(|vote| outside.contains(&vote.plane) && leaves(vote)) {
        return Path::unknown(Reason::Conflict, evidence);
    }
    limit_by_answer(stays(evidence), answered)
}

/// A flow that does not leave the site.
fn stays(evidence: Vec<Evidence>) -> Path {
    Path {
        class: PathClass::Internal,
        edge: Some(Edge::Internal),
        exit: Some(Exit::Onprem),
        confidence: Confidence::Confirmed,
        reason: None,
        ..Path::unknown(Reason::NoEvidence, evidence)
    }
}

/// A7 and A8 for destinations outside the site.
fn decide(
    votes: &[Vote<'_>],
    table: &Table<'_>,
    told: &Told<'_>,
    around: &Around<'_>,
    ip: IpAddr,
    mut evidence: Vec<Evidence>,
) -> Path {
    let topology = around.topology;
    if table.mixes() || told.mixed {
        return Path::unknown(Reason::EcmpMixedClass, evidence);
    }
    if votes.is_empty() {
        return Path::unknown(Reason::NoEvidence, evidence);
    }
    let mut remaining: Ways<'_> = ways::all(topology).iter().map(Way::name).collect();
    let (taken, allowed): (Vec<_>, Vec<_>) = votes.iter().partition(|vote| vote.plane == Plane::Data);
    for vote in allowed {
        remaining = &remaining & &vote.ways;
    }
    // A way that some flow took and that other evidence excludes is a contradiction, not one choice less.
    let excluded = |vote: &&Vote<'_>| vote.ways.is_empty() || !vote.ways.is_subset(&remaining);
    if remaining.is_empty() || taken.iter().any(excluded) {
        return Path::unknown(Reason::Conflict, evidence);
    }
    if let Some(first) = taken.first() {
        // Each is about some flow to the destination: together they tell all ways that are taken.
        let agree = taken.iter().fold(first.ways.clone(), |common, vote| &common & &vote.ways);
        remaining = taken.iter().flat_map(|vote| &vote.ways).copied().collect();
        if agree.is_empty() && ways::path(topology, &remaining, ip, Confidence::Unknown, Vec::new()).is_none()
        {
            return Path::unknown(Reason::Conflict, evidence);
        }
    }
    let beneath = outer::beneath(around.outer, &remaining, topology, around.now);
    if beneath.contradicted {
        return Path::unknown(Reason::Conflict, evidence);
    }
    evidence.extend(beneath.says);
    let Some(mut path) = ways::path(topology, &remaining, ip, Confidence::Unknown, evidence.clone()) else {
        // Flows that this host's own table spreads were seen to take several classes (F20).
        let spread = table.spreads() && !taken.is_empty();
        let reason = if spread { Reason::EcmpMixedClass } else { Reason::Ambiguous };
        return Path::unknown(reason, evidence);
    };
    // What leaves several classes possible excludes, but does not speak for one of them.
    let speaks = |vote: &&Vote<'_>| {
        let mut ways = ways::all(topology).into_iter().filter(|way| vote.ways.contains(way.name()));
        ways.all(|way| way.class(ip, topology).0 == path.class)
    };
    path.confidence = confidence(votes.iter().filter(speaks));
    if path.confidence == Confidence::Unknown {
        return Path::unknown(Reason::Insufficient, evidence);
    }
    match path.class {
        // The private peering carries a private address that nobody declared, or what is not of the site goes deeper into
        // it: nothing says where it ends.
        PathClass::Unknown => {
            let stranger = is_private(ip) && !ways::is_declared(topology, ip);
            let reason = if stranger { Reason::UndeclaredPrivate } else { Reason::Insufficient };
            Path { reason: Some(reason), confidence: Confidence::Unknown, exit: None, ..path }
        }
        // With its hop the default route that the class is about is shown (E7d, DESIGN §4.5).
        PathClass::InternetViaAzureBgp
            if path.links.iter().all(|link| told.default_by.contains(link.as_str()))
                && path.edge == Some(Edge::ErPrivate)
                && remaining.is_subset(&links_of(topology)) =>
        {
            path
        }
        // Its outer packets are seen to go where they are declared to.
        PathClass::ErPrivateIpsec | PathClass::GsaRemoteNetwork if beneath.confirmed => path,
        PathClass::VpnInternet if beneath.confirmed || !remaining.is_disjoint(&links_of(topology)) => path,
        // The hop alone cannot show it; nor the path that carries a tunnel's outer packets.
        PathClass::InternetViaAzureBgp
        | PathClass::ErPrivateIpsec
        | PathClass::GsaRemoteNetwork
        | PathClass::VpnInternet => {
            path.confidence = Confidence::Probable;
            path
        }
        _ => path,
    }
}

fn links_of(topology: &Topology) -> Ways<'_> {
    topology.links.iter().map(|link| link.name.as_str()).collect()
}

/// A8, before the answer of the destination is considered. The control plane alone counts where the flow is seen to meet a
/// router that chose this route.
fn confidence<'v, 'a: 'v>(votes: impl Iterator<Item = &'v Vote<'a>>) -> Confidence {
    let votes: Vec<&Vote<'_>> = votes.collect();
    if votes.iter().any(|vote| vote.decides && matches!(vote.plane, Plane::Data | Plane::Host)) {
        return Confidence::Confirmed;
    }
    let planes: BTreeSet<Plane> = votes.iter().map(|vote| vote.plane).collect();
    if votes.iter().any(|vote| vote.decides && vote.plane == Plane::Control) || planes.len() >= 2 {
        return Confidence::Probable;
    }
    Confidence::Unknown
}

/// No answer: no class, only the route's (DOMAIN §3.3). A refusal: at most probable (DESIGN §4.5).
fn limit_by_answer(mut path: Path, answered: Answer) -> Path {
    match answered {
        Answer::Connected => path,
        Answer::Refused => {
            path.confidence = path.confidence.min(Confidence::Probable);
            path
        }
        Answer::Silent => {
            let route_only = (path.class != PathClass::Unknown).then_some(path.class);
            let reason = if route_only.is_some() { Some(Reason::Unreachable) } else { path.reason };
            Path { class: PathClass::Unknown, confidence: Confidence::Unknown, route_only, reason, ..path }
        }
    }
}
