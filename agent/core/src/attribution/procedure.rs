//! The ordered procedure A0–A10 for one address (DOMAIN §3.2).

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::{Duration, SystemTime};

use super::control::{self, Control, Told};
use super::evidence::{Evidence, Plane, Strength};
use super::path::{Confidence, Exit, Path, PathClass, Reason};
use super::ways::{self, Vote, Way, Ways};
use crate::config::{Edge, Topology};
use crate::observation::{AddressObservation, Contact, RouteKind, TraceObservation};
use crate::target::is_private;

/// Hop evidence older than this is dropped (DOMAIN §3.2 d).
const HOP_EVIDENCE_LIMIT: Duration = Duration::from_secs(15 * 60);

/// The path of the flow to one address, as far as the evidence goes. `control` is that of the edge routers, where they tell.
pub fn attribute(
    seen: &AddressObservation,
    topology: &Topology,
    control: Option<&Control<'_>>,
    now: SystemTime,
) -> Path {
    let ip = seen.ip.to_canonical();
    let mut evidence = Vec::new();
    let mut votes = Vec::new();
    let mut mixed_by_ecmp = false;
    if let Some((vote, mixed)) = ask_forwarding_table(seen, topology, ip, &mut evidence) {
        votes.extend(vote);
        mixed_by_ecmp = mixed;
    }
    votes.extend(ask_source_address(seen, topology, &mut evidence));
    votes.extend(ask_hops(seen, topology, ip, now, &mut evidence));
    let local = seen.route.as_ref().is_some_and(|route| route.kind == RouteKind::Local);
    let told = match control.filter(|_| !local) {
        Some(control) => control::ask(control, seen, topology, ip, now, &mut evidence),
        None => Told::default(),
    };

    let answered = Answer::of(&seen.contact);
    if local {
        return limit_by_answer(stays(evidence), answered);
    }
    if ways::is_onprem(topology, ip) {
        // Prefixes of the site seldom stand in BGP: only a route as specific as the declaration speaks against it.
        let specific = told.length >= ways::onprem_length(topology, ip);
        votes.extend(told.vote.filter(|_| specific));
        return internal(&votes, topology, answered, evidence, seen.at);
    }
    if topology.links.is_empty() {
        return Path::unknown(Reason::NoTopology, evidence);
    }
    if told.vote.is_some() {
        into_tunnels(&mut votes, topology, ip);
    }
    votes.extend(told.vote);
    let mixed = mixed_by_ecmp || told.mixed;
    let route = decide(&votes, mixed, &told.default_by, topology, ip, evidence);
    limit_by_answer(route, answered)
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

/// E1: the forwarding table; A where every next hop leads to one link and no other. Also tells whether it mixes classes (F20).
fn ask_forwarding_table<'a>(
    seen: &AddressObservation,
    topology: &'a Topology,
    ip: IpAddr,
    evidence: &mut Vec<Evidence>,
) -> Option<(Option<Vote<'a>>, bool)> {
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
    let mut classes: Vec<BTreeSet<PathClass>> = Vec::new();
    for hop in &route.next_hops {
        let (leads_to, only) = ways::by_next_hop(topology, hop);
        let of_hop = ways::all(topology).into_iter().filter(|way| leads_to.contains(way.name()));
        classes.push(of_hop.map(|way| way.class(ip, topology).0).collect());
        ways.extend(leads_to);
        exclusive &= only;
    }
    let hops: Vec<String> = route
        .next_hops
        .iter()
        .map(|hop| match hop.gateway {
            Some(gateway) => format!("via {gateway} dev {}", hop.interface),
            None => format!("on-link dev {}", hop.interface),
        })
        .collect();
    let prefix = route.prefix.map(|net| format!(" (route {net})")).unwrap_or_default();
    let strength = if exclusive { Strength::A } else { Strength::C };
    let meaning = match (exclusive, ways.len()) {
        (true, _) => format!("which leads to {}", names(&ways)),
        (false, 0) => "which no link declares".to_string(),
        (false, _) => format!("the first hop only, shared by {}", names(&ways)),
    };
    evidence.push(by(format!("to {ip}: {}{prefix}, {meaning}", hops.join(" and ")), strength));
    // Two ways out that cannot be of one class, whichever of their links they lead to (A7).
    let mixed = classes.iter().enumerate().any(|(position, one)| {
        let apart = |other: &BTreeSet<PathClass>| !other.is_empty() && one.is_disjoint(other);
        !one.is_empty() && classes[position + 1..].iter().any(apart)
    });
    let vote = exclusive.then_some(Vote { ways, plane: Plane::Host, decides: true });
    Some((vote, mixed))
}

/// E2: the source address of the connection, where its pool belongs to one link.
fn ask_source_address<'a>(
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

/// E6: hops of TTL-limited probes. Within one trace every declared hop decides; several flows may take several links, and
/// the first vote names all that were taken.
fn ask_hops<'a>(
    seen: &AddressObservation,
    topology: &'a Topology,
    ip: IpAddr,
    now: SystemTime,
    evidence: &mut Vec<Evidence>,
) -> Vec<Vote<'a>> {
    let mut taken = Ways::new();
    let mut contradictory = false;
    for trace in fresh_traces(seen, now) {
        let mut proven: Vec<(u8, IpAddr, Way<'_>)> = Vec::new();
        for hop in &trace.hops {
            let Some(from) = hop.from.map(|from| from.to_canonical()).filter(|from| *from != ip) else {
                continue;
            };
            let Some(way) = ways::by_hop(topology, from) else { continue };
            if proven.iter().all(|(_, _, known)| known.name() != way.name()) {
                proven.push((hop.ttl, from, way));
            }
        }
        evidence.push(describe(trace, &proven));
        contradictory |= proven.len() > 1;
        taken.extend(proven.iter().map(|(_, _, way)| way.name()));
    }
    let vote = |ways| Vote { ways, plane: Plane::Data, decides: true };
    let mut votes = Vec::new();
    if !taken.is_empty() {
        votes.push(vote(taken));
    }
    if contradictory {
        // No link fits a flow that passes hops of two.
        votes.push(vote(Ways::new()));
    }
    votes
}

/// Traces that still count (DOMAIN §3.2 d).
pub(super) fn fresh_traces(
    seen: &AddressObservation,
    now: SystemTime,
) -> impl Iterator<Item = &TraceObservation> {
    let fresh = move |at: SystemTime| now.duration_since(at).unwrap_or_default() <= HOP_EVIDENCE_LIMIT;
    seen.traces.iter().filter(move |trace| fresh(trace.at))
}

fn describe(trace: &TraceObservation, proven: &[(u8, IpAddr, Way<'_>)]) -> Evidence {
    let hops: Vec<String> =
        trace.hops.iter().map(|hop| hop.from.map_or("*".to_string(), |from| from.to_string())).collect();
    let path = if hops.is_empty() { "no hop answered".to_string() } else { hops.join(" → ") };
    let (strength, meaning) = if proven.is_empty() {
        (Strength::C, "no declared hop among them, which says nothing".to_string())
    } else {
        let words: Vec<String> =
            proven.iter().map(|(ttl, from, way)| format!("hop {ttl} is {from} of {}", way.name())).collect();
        (Strength::A, words.join(", then "))
    };
    Evidence {
        id: "E6".into(),
        plane: Plane::Data,
        strength,
        says: format!("TCP probes to {}: {path}; {meaning}", trace.destination),
        at: trace.at,
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
    mixed: bool,
    default_by: &Ways<'_>,
    topology: &Topology,
    ip: IpAddr,
    evidence: Vec<Evidence>,
) -> Path {
    if mixed {
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
    for vote in taken {
        // A way that some flow took and that other evidence excludes is a contradiction, not one choice less.
        if !vote.ways.is_subset(&remaining) {
            return Path::unknown(Reason::Conflict, evidence);
        }
        remaining = &remaining & &vote.ways;
    }
    if remaining.is_empty() {
        return Path::unknown(Reason::Conflict, evidence);
    }
    let Some(mut path) = ways::path(topology, &remaining, ip, Confidence::Unknown, evidence.clone()) else {
        return Path::unknown(Reason::Ambiguous, evidence);
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
            let reason = if is_private(ip) { Reason::UndeclaredPrivate } else { Reason::Insufficient };
            Path { reason: Some(reason), confidence: Confidence::Unknown, exit: None, ..path }
        }
        // With its hop the default route that the class is about is shown (E7d, DESIGN §4.5).
        PathClass::InternetViaAzureBgp
            if path.links.iter().all(|link| default_by.contains(link.as_str()))
                && path.edge == Some(Edge::ErPrivate)
                && remaining.is_subset(&links_of(topology)) =>
        {
            path
        }
        // The hop alone cannot show it; nor the path that carries a tunnel's outer packets.
        PathClass::InternetViaAzureBgp | PathClass::ErPrivateIpsec | PathClass::GsaRemoteNetwork => {
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

fn names(ways: &Ways<'_>) -> String {
    ways.iter().copied().collect::<Vec<_>>().join(", ")
}
