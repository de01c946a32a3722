//! The control plane as evidence (E7, E7a–E7d; A5): what the tables of the edge routers say of a flow, in declared ways.
//!
//! In: the tables as they stand, the routers they are expected from, and what was seen of the flow. Out: evidence, at most
//! one vote, and which links offer a default route. A table that cannot be relied on, and a route that no link declares,
//! never votes; nor does a router that the flow does not meet.

use std::collections::BTreeSet;
use std::fmt;
use std::net::IpAddr;
use std::time::SystemTime;

use super::evidence::{Evidence, Plane, Strength};
use super::hops::fresh_traces;
use super::ways::{self, Vote, Ways};
use crate::config::{Edge, Link, Topology, Tunnel};
use crate::observation::{AddressObservation, Neighbour, RouteKind};
use crate::rib::{self, Choice, Doubt, Family, Lookup, Rib, Route, Rule, Undecided};

/// The AS of ExpressRoute on both peerings (E7a).
pub(super) const EXPRESSROUTE: u32 = 12076;
/// `0.0.0.0/0`, or the halves that VPN gateways announce (E7d).
const DEFAULT_LENGTH: u8 = 1;

/// The tables of the edge routers.
#[derive(Clone)]
pub struct Control<'a> {
    rib: &'a Rib,
    /// All that are expected, connected or not: a flow may meet one that is silent.
    routers: BTreeSet<IpAddr>,
    neighbours: &'a [Neighbour],
}

impl fmt::Debug for Control<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Control").field("routers", &self.routers).finish_non_exhaustive()
    }
}

/// What the tables say of one flow.
#[derive(Default)]
pub(super) struct Told<'a> {
    pub(super) vote: Option<Vote<'a>>,
    /// A router uses links of several classes at once (F20).
    pub(super) mixed: bool,
    /// Links of the private peering that offer a default route (E7d).
    pub(super) default_by: Ways<'a>,
    /// The longest prefix that a router used; none where a tunnel stands in its place.
    pub(super) length: Option<u8>,
}

/// The routers whose tables concern a flow, and whether it is seen to meet them.
pub(super) struct Candidates {
    pub(super) routers: Vec<IpAddr>,
    pub(super) met: bool,
    /// Gateways that are routers of the list by another of their addresses.
    pub(super) known_as: Vec<(IpAddr, IpAddr)>,
}

impl Candidates {
    fn new(routers: impl IntoIterator<Item = IpAddr>, met: bool) -> Self {
        Self { routers: routers.into_iter().collect(), met, known_as: Vec::new() }
    }
}

/// One router's word on one address.
struct Said<'a> {
    ways: Ways<'a>,
    /// The router chose it, or would: not merely what a neighbour sent.
    selected: bool,
    mixed: bool,
    length: u8,
    words: String,
    origin: Vec<Evidence>,
}

impl<'a> Control<'a> {
    /// The tables, and the routers that they are expected from.
    pub fn new(rib: &'a Rib, expected: &[IpAddr], now: SystemTime) -> Self {
        let connected = rib.sessions(now).map(|session| session.router);
        let routers = expected.iter().map(IpAddr::to_canonical).chain(connected).collect();
        Self { rib, routers, neighbours: &[] }
    }

    /// With this host's neighbours, among which a router is known by all its addresses.
    #[must_use]
    pub fn among(self, neighbours: &'a [Neighbour]) -> Self {
        Self { neighbours, ..self }
    }

    /// The router of the list that a gateway is: itself, or the one neighbour with the same link-layer address. A gateway of IPv6 has
    /// a link-local address (RFC 4861 §6.1.2), and BMP comes from another.
    fn router_at(&self, interface: &str, gateway: IpAddr) -> IpAddr {
        if self.routers.contains(&gateway) {
            return gateway;
        }
        let on_link = || self.neighbours.iter().filter(|neighbour| neighbour.interface == interface);
        let own = on_link().find(|neighbour| neighbour.address.to_canonical() == gateway);
        let Some(own) = own.filter(|own| !own.link_layer.is_empty()) else { return gateway };
        let same = on_link().filter(|neighbour| neighbour.link_layer == own.link_layer);
        let same: BTreeSet<IpAddr> = same
            .map(|neighbour| neighbour.address.to_canonical())
            .filter(|ip| self.routers.contains(ip))
            .collect();
        match same.into_iter().collect::<Vec<_>>()[..] {
            [router] => router,
            // Of none, or of several: which of them it is cannot be told.
            _ => gateway,
        }
    }

    /// The tables themselves.
    pub fn rib(&self) -> &'a Rib {
        self.rib
    }

    /// Why the routers' tables do not answer now, for these families.
    pub fn doubts(&self, families: &BTreeSet<Family>, now: SystemTime) -> Vec<(IpAddr, Doubt)> {
        let ask = |router: IpAddr, family: &Family| {
            Some((router, self.rib.default_from(router, router, *family, now, |_| true).err()?))
        };
        let mut doubts: Vec<(IpAddr, Doubt)> = Vec::new();
        for found in self.routers().flat_map(|router| families.iter().filter_map(move |f| ask(router, f))) {
            if !doubts.contains(&found) {
                doubts.push(found);
            }
        }
        doubts
    }

    /// All routers.
    pub fn routers(&self) -> impl Iterator<Item = IpAddr> + '_ {
        self.routers.iter().copied()
    }

    /// Which of the routers a flow meets: those that the forwarding table or a trace names, else any of them.
    pub(super) fn candidates(
        &self,
        seen: &AddressObservation,
        topology: &Topology,
        now: SystemTime,
    ) -> Candidates {
        let unicast = seen.route.as_ref().filter(|route| route.kind == RouteKind::Unicast);
        if let Some(route) = unicast {
            let into_tunnel =
                |name: &String| topology.tunnels.iter().any(|t| t.interface.as_ref() == Some(name));
            let hops = route.next_hops.iter().filter_map(|hop| Some((hop, hop.gateway?.to_canonical())));
            let known: Vec<(IpAddr, IpAddr)> =
                hops.map(|(hop, gateway)| (gateway, self.router_at(&hop.interface, gateway))).collect();
            let gateways: BTreeSet<IpAddr> = known.iter().map(|(_, router)| *router).collect();
            let on_link =
                route.next_hops.iter().any(|hop| hop.gateway.is_none() && !into_tunnel(&hop.interface));
            if on_link {
                // Some packets meet no router at all.
                return Candidates::new([], false);
            }
            // Those among them that tell nothing leave it without a vote.
            if !gateways.is_disjoint(&self.routers) {
                let known_as = known.into_iter().filter(|(gateway, router)| gateway != router).collect();
                return Candidates { known_as, ..Candidates::new(gateways, true) };
            }
        }
        let passed: Vec<BTreeSet<IpAddr>> = fresh_traces(seen, now)
            .map(|trace| trace.hops.iter().filter_map(|hop| Some(hop.from?.to_canonical())).collect())
            .map(|hops: BTreeSet<IpAddr>| hops.intersection(&self.routers).copied().collect())
            .collect();
        if !passed.is_empty() && passed.iter().all(|routers| !routers.is_empty()) {
            let routers: BTreeSet<IpAddr> = passed.into_iter().flatten().collect();
            return Candidates::new(routers, true);
        }
        Candidates::new(self.routers(), false)
    }
}

/// A5: the tables of the routers that the flow may meet.
pub(super) fn ask<'a>(
    control: &Control<'_>,
    seen: &AddressObservation,
    topology: &'a Topology,
    ip: IpAddr,
    now: SystemTime,
    evidence: &mut Vec<Evidence>,
) -> Told<'a> {
    let candidates = control.candidates(seen, topology, now);
    for (gateway, router) in &candidates.known_as {
        let says = format!("the gateway {gateway} is {router}: both have one link-layer address");
        evidence.push(Evidence { id: "E1".into(), plane: Plane::Host, strength: Strength::C, says, at: now });
    }
    let tunnels = ways::tunnels_of(topology, ip);
    // What enters a tunnel is routed by its outer address (DESIGN §4.5).
    let outer = tunnels.iter().flat_map(|tunnel| &tunnel.outer_peer).map(IpAddr::to_canonical);
    let asked: BTreeSet<IpAddr> = if tunnels.is_empty() { [ip].into() } else { outer.collect() };
    let mut told = Told::default();
    let mut said: Vec<(IpAddr, IpAddr, Said<'a>)> = Vec::new();
    let mut complete = true;
    for router in &candidates.routers {
        for about in &asked {
            match word(control.rib, *router, *about, ip, topology, now) {
                Ok(word) => said.push((*router, *about, word)),
                Err(why) => {
                    complete = false;
                    evidence.push(item("E7", Strength::C, format!("table of {router}: {why}"), now));
                }
            }
        }
        told.default_by.extend(defaults(control.rib, *router, topology, Family::of(ip), now, evidence));
    }
    let mut vote = Ways::new();
    for (.., word) in &said {
        vote.extend(&word.ways);
        told.mixed |= word.mixed && complete && candidates.met;
        told.length = told.length.max(Some(word.length).filter(|_| tunnels.is_empty()));
    }
    let possible = complete && !vote.is_empty() && (candidates.met || reachable(seen, topology, &vote));
    let decides = possible && candidates.met && said.iter().all(|(.., word)| word.selected);
    let strength = match (decides, possible) {
        (true, _) => Strength::A,
        (false, true) => Strength::B,
        (false, false) => Strength::C,
    };
    for (router, about, word) in &said {
        let says = format!("table of {router}: {about} by {}", word.words);
        evidence.push(item("E7", strength, says, now));
        evidence.extend(word.origin.iter().map(|origin| Evidence { strength, ..origin.clone() }));
    }
    evidence.extend(tunnels.iter().map(|tunnel| declared(tunnel, ip, now)));
    if possible {
        let ways = if tunnels.is_empty() {
            with_boundless_tunnels(topology, vote)
        } else {
            let fits = |tunnel: &&Tunnel| {
                let mut outer = said.iter().filter(|(_, about, _)| tunnel.outer_peer.contains(about));
                outer.all(|(.., word)| rides(tunnel, topology, &word.ways))
            };
            // Where no outer path is the declared one, nothing fits.
            tunnels.into_iter().filter(fits).map(|tunnel| tunnel.name.as_str()).collect()
        };
        told.vote = Some(Vote { ways, plane: Plane::Control, decides });
    }
    told
}

/// Whether this host's forwarding table leaves these links possible. A router that the flow does not meet says nothing of it.
pub(super) fn reachable(seen: &AddressObservation, topology: &Topology, ways: &Ways<'_>) -> bool {
    let Some(route) = &seen.route else { return true };
    let leads: Vec<Ways<'_>> = route.next_hops.iter().map(|hop| ways::by_next_hop(topology, hop).0).collect();
    leads.iter().any(|of_hop| of_hop.iter().any(|way| matches_tunnel(topology, way)))
        || ways.iter().all(|way| leads.iter().any(|of_hop| of_hop.contains(way)))
}

fn matches_tunnel(topology: &Topology, way: &str) -> bool {
    topology.tunnels.iter().any(|tunnel| tunnel.name == way)
}

/// Whether the tunnel's outer path takes the declared edge.
fn rides(tunnel: &Tunnel, topology: &Topology, outer: &Ways<'_>) -> bool {
    let mut links = topology.links.iter().filter(|link| outer.contains(link.name.as_str()));
    links.all(|link| link.edge == tunnel.over)
}

/// A tunnel without prefixes, or for all that is left, may begin behind any route of its outer edge.
fn with_boundless_tunnels<'a>(topology: &'a Topology, mut ways: Ways<'a>) -> Ways<'a> {
    let rides = |edge: Edge| topology.links.iter().any(|l| l.edge == edge && ways.contains(l.name.as_str()));
    let boundless = |tunnel: &Tunnel| tunnel.prefixes.is_empty() || tunnel.prefixes.iter().any(is_default);
    let tunnels: Vec<&str> = topology
        .tunnels
        .iter()
        .filter(|t| boundless(t) && rides(t.over))
        .map(|tunnel| tunnel.name.as_str())
        .collect();
    ways.extend(tunnels);
    ways
}

fn declared(tunnel: &Tunnel, ip: IpAddr, at: SystemTime) -> Evidence {
    let says =
        format!("{ip} is inside the prefixes of tunnel {}, so its outer_peer was looked up", tunnel.name);
    Evidence { id: "E16".into(), plane: Plane::Declared, strength: Strength::C, says, at }
}

/// One router's longest match, as links; else why it says nothing. `flow` is the destination that the links' classes are for.
fn word<'a>(
    rib: &Rib,
    router: IpAddr,
    about: IpAddr,
    flow: IpAddr,
    topology: &'a Topology,
    now: SystemTime,
) -> Result<Said<'a>, String> {
    let answer = match rib.lookup(router, about, now) {
        Lookup::Found(answer) => answer,
        Lookup::Nothing => {
            return Err(format!("no BGP route to {about}; static routes are not seen, so it has no vote"));
        }
        Lookup::Unknown(doubt) => return Err(format!("not relied on: {doubt}")),
    };
    let mut ways = Ways::new();
    let mut classes = Vec::new();
    for route in &answer.routes {
        let of_route = by_route(topology, route);
        if of_route.is_empty() {
            return Err(format!("{about} by {}, which no link declares", shown(route)));
        }
        classes.push(ways::classes(topology, &of_route, flow));
        ways.extend(of_route);
    }
    let by_router = answer.routes.iter().all(|route| route.policy == rib::Policy::Loc);
    let selected = answer.routes.iter().all(|route| route.policy != rib::Policy::Pre);
    let mut words = words(&answer);
    if !selected {
        words += &rejected(rib, router, about, answer.prefix.prefix_len(), topology, now, &mut ways)?;
    }
    words += &format!(": {}", ways.iter().copied().collect::<Vec<_>>().join(", "));
    let origin = answer.routes.iter().flat_map(|route| origin(topology, route, now)).collect();
    // Several of the Loc-RIB are used at once; of other tables it is only not known which.
    let mixed = by_router && classes.iter().any(|class| class.is_disjoint(&classes[0]));
    Ok(Said { ways, selected, mixed, length: answer.prefix.prefix_len(), words, origin })
}

/// A route before policy may have been rejected: then the next shorter one carries.
fn rejected<'a>(
    rib: &Rib,
    router: IpAddr,
    about: IpAddr,
    mut length: u8,
    topology: &'a Topology,
    now: SystemTime,
    ways: &mut Ways<'a>,
) -> Result<String, String> {
    let mut words = String::from(", unless the router rejects it");
    while let Lookup::Found(shorter) =
        rib.latent(router, about, now, |route| route.prefix.prefix_len() >= length).lookup
    {
        for route in &shorter.routes {
            let of_route = by_route(topology, route);
            if of_route.is_empty() {
                return Err(format!("{about} perhaps by {}, which no link declares", shown(route)));
            }
            ways.extend(of_route);
        }
        length = shorter.prefix.prefix_len();
        words += &format!(", then {}", shorter.prefix);
    }
    Ok(words)
}

/// The links that a route leads to. What ExpressRoute announces has come through its AS (E7a); another route of the same
/// neighbour is the provider's.
pub(super) fn by_route<'a>(topology: &'a Topology, route: &Route<'_>) -> Ways<'a> {
    let by_expressroute = route.attributes.as_path.asns.contains(&EXPRESSROUTE);
    let of = |link: &&Link| {
        let is_by = link.bgp_peer.iter().chain(&link.msee).any(|peer| route.is_by(peer.to_canonical()));
        is_by && (by_expressroute || !matches!(link.edge, Edge::ErPrivate | Edge::ErMicrosoft))
    };
    topology.links.iter().filter(of).map(|link| link.name.as_str()).collect()
}

/// E7d: links of the private peering whose peer offers a default route.
fn defaults<'a>(
    rib: &Rib,
    router: IpAddr,
    topology: &'a Topology,
    family: Family,
    now: SystemTime,
    evidence: &mut Vec<Evidence>,
) -> Ways<'a> {
    let mut ways = Ways::new();
    for link in topology.links.iter().filter(|link| link.edge == Edge::ErPrivate) {
        let offers = peers(link).find(|peer| {
            let of_azure = |route: &Route<'_>| route.attributes.as_path.asns.contains(&EXPRESSROUTE);
            matches!(rib.default_from(router, *peer, family, now, of_azure), Ok(Some(_)))
        });
        if let Some(peer) = offers {
            let says = format!("table of {router}: {peer} of {} offers a default route", link.name);
            evidence.push(item("E7d", Strength::A, says, now));
            ways.insert(link.name.as_str());
        }
    }
    ways
}

/// The addresses whose routes mean a link.
pub(crate) fn peers(link: &Link) -> impl Iterator<Item = IpAddr> + '_ {
    let declared: BTreeSet<IpAddr> =
        link.bgp_peer.iter().chain(&link.msee).map(IpAddr::to_canonical).collect();
    declared.into_iter()
}

/// Whether a prefix is a default route or half of one.
pub(crate) fn is_default(prefix: &ipnet::IpNet) -> bool {
    prefix.prefix_len() <= DEFAULT_LENGTH
}

/// E7a to E7c: which circuit and peering the route names, and its communities of ExpressRoute.
fn origin(topology: &Topology, route: &Route<'_>, at: SystemTime) -> Vec<Evidence> {
    let mut items = Vec::new();
    for link in &topology.links {
        let peering = match link.edge {
            Edge::ErPrivate => "private peering",
            Edge::ErMicrosoft => "Microsoft peering",
            Edge::Internet | Edge::S2sVpnOverInternet | Edge::Internal => continue,
        };
        if by_route(topology, route).contains(link.name.as_str()) {
            let circuit =
                link.circuit.as_deref().map(|name| format!(" of circuit {name}")).unwrap_or_default();
            let says = format!("{} has come through AS {EXPRESSROUTE}: {peering}{circuit}", route.prefix);
            items.push(item("E7a", Strength::C, says, at));
        }
    }
    let communities = route.attributes.communities.iter().filter(|c| u32::from(c.0) == EXPRESSROUTE);
    let (private, microsoft): (Vec<&rib::Community>, Vec<&rib::Community>) =
        communities.partition(|community| (50_000..51_000).contains(&community.1));
    for (id, found) in [("E7b", microsoft), ("E7c", private)] {
        if !found.is_empty() {
            let found: Vec<String> = found.iter().map(ToString::to_string).collect();
            items.push(item(id, Strength::C, format!("{} carries {}", route.prefix, found.join(" ")), at));
        }
    }
    items
}

fn words(answer: &rib::Answer<'_>) -> String {
    let routes: Vec<String> = answer.routes.iter().map(shown).collect();
    let why = match answer.choice {
        Choice::Decided(Rule::OnlyCandidate) => "the only route",
        Choice::Decided(Rule::LocRib) => "which the router chose",
        Choice::Decided(Rule::LocalPref) => "by local preference",
        Choice::Decided(Rule::AsPathLength) => "by the shortest AS path",
        Choice::Decided(Rule::Origin) => "by origin",
        Choice::Decided(Rule::Med) => "by the lowest MED",
        Choice::Decided(Rule::ExternalPeer) => "by the external peer",
        Choice::Undecided(Undecided::BeforePolicy) => {
            "any of them: they stand before policy (let the router send what stands after it, or its Loc-RIB)"
        }
        Choice::Undecided(Undecided::LocalPrefUnknown) => {
            "any of them: the local preference is not told (the router's Loc-RIB would tell its choice)"
        }
        Choice::Undecided(Undecided::Equal) => "any of them: all that is told is equal",
    };
    format!("{}, {why}", routes.join(" or "))
}

/// A route as `show bgp` has it.
pub(super) fn shown(route: &Route<'_>) -> String {
    let from = match (route.peer.neighbour, route.attributes.next_hop) {
        (Some(neighbour), _) => format!("from {neighbour}"),
        (None, Some(next_hop)) => format!("via {next_hop}"),
        (None, None) => "without next hop".to_string(),
    };
    format!("{} {from} (AS path {})", route.prefix, route.attributes.as_path)
}

fn item(id: &str, strength: Strength, says: String, at: SystemTime) -> Evidence {
    Evidence { id: id.into(), plane: Plane::Control, strength, says, at }
}
