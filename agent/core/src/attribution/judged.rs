//! A whole picture with a path, an owner and an eligibility for each of its addresses.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::SystemTime;

use super::asymmetry::{self, Asymmetry};
use super::outer::Outer;
use super::{
    Around, Control, Path, PathClass, Reason, Spread, attribute, class_of_endpoint, echoed, is_default, peers,
};
use crate::closure::{Member, Need, Needs, Past, Picture, Revocations, Seen, needs, revocations};
use crate::config::{Edge, Plan, ProxyExit};
use crate::eligibility::{self, Eligibility, Owner, Question, ReceivedRoute};
use crate::observation::{AddressObservation, Neighbour};
use crate::pki::revocation::{self, Revocation};
use crate::rib::{Lookup, Rib};
use crate::tables::{Community, Tables};
use crate::target::{EndpointKey, Origin, Requirement};

/// What is concluded of one address.
#[derive(Debug, Clone, PartialEq)]
pub struct Judgement {
    /// What carried it.
    pub path: Path,
    /// What could carry it.
    pub eligibility: Eligibility,
    /// Whose it is.
    pub owner: Owner,
    /// Why its answers may come back another way (F21).
    pub asymmetry: Option<Asymmetry>,
}

/// A picture with its conclusions.
#[derive(Debug)]
pub struct Judged<'a> {
    /// What was seen.
    pub picture: &'a Picture,
    /// The plan it was seen under.
    pub plan: &'a Plan,
    /// Which workload needs what.
    pub needs: Needs,
    /// Per endpoint and address.
    pub of: BTreeMap<EndpointKey, BTreeMap<IpAddr, Judgement>>,
    /// Which certificates are revoked, and what was stapled.
    pub revocations: Revocations,
    /// The class of each endpoint.
    pub classes: BTreeMap<EndpointKey, PathClass>,
    /// What came of the direct attempt beside a proxy, by the proxied endpoint.
    pub bypasses: BTreeMap<EndpointKey, Bypass>,
    /// The tables of the edge routers, where they tell.
    pub control: Option<Control<'a>>,
    /// When it was judged.
    pub now: SystemTime,
}

/// A direct attempt beside a proxy (A1, F24).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bypass {
    /// Whether it connected.
    pub reachable: bool,
    /// The class it took.
    pub class: PathClass,
    /// The first open class among those of its addresses: several may be mixed.
    pub open: Option<PathClass>,
    /// What could carry each address that our resolvers give.
    pub eligibility: Vec<Eligibility>,
}

/// Attributes every address of a picture, and says who owns it and what could carry it. `rib` holds the edge routers' tables,
/// and `neighbours` tell which gateways they are.
pub fn judge<'a>(
    plan: &'a Plan,
    tables: &Tables,
    picture: &'a Picture,
    rib: Option<&'a Rib>,
    neighbours: &'a [Neighbour],
    now: SystemTime,
) -> Judged<'a> {
    let control = rib.map(|rib| Control::new(rib, &plan.routers(), now).among(neighbours));
    let echoes = echoed(picture);
    let alone = Outer::default();
    let spread = Spread::seen(picture, &plan.topology, now);
    let around = Around {
        topology: &plan.topology,
        control: control.as_ref(),
        echoes: &echoes,
        outer: &alone,
        spread: &spread,
        now,
    };
    let outer = outer_paths(picture, &around);
    let around = Around { outer: &outer, ..around };
    let mut of = BTreeMap::new();
    let mut classes = BTreeMap::new();
    for (key, member) in &picture.members {
        let judgements = judge_member(plan, tables, &around, key, member);
        let answering = member.addresses.iter().filter(|(_, seen)| answered(seen));
        let paths = answering.filter_map(|(ip, _)| judgements.get(ip)).map(|judgement| &judgement.path);
        classes.insert(key.clone(), class_of_endpoint(paths));
        of.insert(key.clone(), judgements);
    }
    Judged {
        picture,
        plan,
        needs: needs(plan, picture),
        of,
        revocations: revocations(picture, now),
        classes,
        bypasses: bypasses(plan, tables, picture, &around),
        control,
        now,
    }
}

impl Judged<'_> {
    /// The class of an endpoint.
    pub fn class(&self, key: &EndpointKey) -> PathClass {
        self.classes.get(key).copied().unwrap_or(PathClass::Unknown)
    }

    /// The paths of the addresses that answered.
    pub fn answering(&self, key: &EndpointKey) -> Vec<(IpAddr, &Judgement)> {
        let Some(member) = self.picture.members.get(key) else { return Vec::new() };
        let Some(judgements) = self.of.get(key) else { return Vec::new() };
        let answered = member.addresses.iter().filter(|(_, seen)| answered(seen));
        answered.filter_map(|(ip, _)| Some((*ip, judgements.get(ip)?))).collect()
    }

    /// Workloads that need an endpoint, in the configured order.
    pub fn workloads(&self, key: &EndpointKey) -> Vec<String> {
        let needed = self.needs.of.get(key);
        let names = self.plan.workloads.iter().map(|workload| &workload.name);
        names.filter(|name| needed.is_some_and(|needed| needed.contains_key(*name))).cloned().collect()
    }

    /// Whether it serves certificate checking: a certificate points to it, or a URL that one points to redirects to it.
    pub fn is_ca_host(&self, key: &EndpointKey) -> bool {
        let member = self.picture.members.get(key);
        member.is_some_and(|member| member.origins.iter().any(|origin| origin.is_ca()))
            || self.picture.urls.values().any(|url| url.endpoint == *key && url.kind.is_ca())
    }

    /// F39: when the first certificate that a workload depends on loses its last answer on revocation; never for clients
    /// that do not ask.
    pub fn breaks_at(&self, workload: &str, past: &Past) -> Option<SystemTime> {
        let profile = self.plan.workloads.iter().find(|known| known.name == workload)?.client_profile;
        if !profile.follows_pointers() {
            return None;
        }
        let member = |needed: &BTreeMap<String, Need>| needed.get(workload).is_some_and(|need| need.member);
        let needed = self.needs.of.iter().filter(|(_, needed)| member(needed));
        let members = needed.filter_map(|(key, _)| Some((&key.via, self.picture.members.get(key)?)));
        let certificates: BTreeSet<(&Option<String>, &String)> = members
            .flat_map(|(via, member)| member.chains.iter().map(move |chain| (via, chain)))
            .flat_map(|(via, chain)| chain.all().map(move |sha256| (via, sha256)))
            .collect();
        let now = certificates.iter().filter_map(|(via, sha256)| self.revocations.of(via, sha256));
        // What cannot be found out now lasts as long as the answer of an earlier round.
        let open = |(via, sha256): &&(&Option<String>, &String)| {
            matches!(self.revocations.of(via, sha256), Some(Revocation::Undetermined { .. }))
        };
        let before = certificates.iter().filter(open).filter_map(|(_, sha256)| past.answered_until(sha256));
        revocation::breaks_at(now).into_iter().chain(before).min()
    }

    /// The strongest requirement of any workload.
    pub fn requirement(&self, key: &EndpointKey) -> Requirement {
        let needed =
            self.needs.of.get(key).and_then(|needed| needed.values().map(|need| need.requirement).max());
        needed.unwrap_or(Requirement::Optional)
    }
}

fn bypasses(
    plan: &Plan,
    tables: &Tables,
    picture: &Picture,
    around: &Around<'_>,
) -> BTreeMap<EndpointKey, Bypass> {
    let proxied = picture.members.keys().filter(|key| key.via.is_some());
    let of = |key: &EndpointKey| {
        let direct = EndpointKey { via: None, ..key.clone() };
        let member = picture.members.get(&direct).or_else(|| picture.bypasses.get(&direct))?;
        let judgements = judge_member(plan, tables, around, &direct, member);
        let made: Vec<IpAddr> = member.contacted().collect();
        let paths = made.iter().filter_map(|ip| judgements.get(ip)).map(|judgement| &judgement.path);
        let class = class_of_endpoint(paths.clone());
        let open = paths.map(|path| path.class).find(|class| class.is_open());
        let eligibility = judgements.values().map(|judgement| judgement.eligibility.clone()).collect();
        Some((key.clone(), Bypass { reachable: !made.is_empty(), class, open, eligibility }))
    };
    proxied.filter_map(of).collect()
}

/// Whether an address answered, be it by a refusal.
fn answered(seen: &Seen) -> bool {
    match seen {
        Seen::Observed(seen) => seen.contact.answered(),
        Seen::Pending | Seen::Forbidden(_) => false,
    }
}

fn judge_member(
    plan: &Plan,
    tables: &Tables,
    around: &Around<'_>,
    key: &EndpointKey,
    member: &Member,
) -> BTreeMap<IpAddr, Judgement> {
    let name = key.ip().is_none().then_some(key.host.as_str());
    let cname: Vec<String> = match (&key.via, member.dns.as_ref().and_then(|dns| dns.chosen())) {
        (None, Some(view)) => view.cname.iter().map(|cname| cname.target.clone()).collect(),
        _ => Vec::new(),
    };
    let mut judgements = BTreeMap::new();
    for (ip, seen) in &member.addresses {
        let path = match seen {
            Seen::Pending => Path::unknown(Reason::NotProbed, Vec::new()),
            Seen::Forbidden(_) => Path::unknown(Reason::ForbiddenAddress, Vec::new()),
            Seen::Observed(seen) => match &key.via {
                None => at_home(*ip, member, attribute(seen, around)),
                Some(via) => through_proxy(plan, via, seen, around),
            },
        };
        let now = around.now;
        let received = around.control.map(|control| received(control, plan, *ip, now));
        let routes = received.as_deref();
        let question =
            Question { name, cname: &cname, ip: *ip, topology: &plan.topology, tables, routes, now };
        let eligibility = eligibility::judge(&question);
        let owner = eligibility::owner(*ip, name, tables);
        let asymmetry = match seen {
            Seen::Observed(seen) if key.via.is_none() => asymmetry::suspect(seen, around, &path),
            Seen::Observed(_) | Seen::Pending | Seen::Forbidden(_) => None,
        };
        judgements.insert(*ip, Judgement { path, eligibility, owner, asymmetry });
    }
    judgements
}

/// The paths to the outer peers of the tunnels, where an endpoint is at one (A3); `around` knows none yet.
fn outer_paths(picture: &Picture, around: &Around<'_>) -> Outer {
    let mut outer = Outer::peers(around.topology);
    let members = picture.members.iter().filter(|(key, _)| key.via.is_none());
    for (ip, seen) in members.flat_map(|(_, member)| &member.addresses) {
        if let Seen::Observed(seen) = seen {
            outer.add(*ip, || attribute(seen, around));
        }
    }
    outer
}

/// What listens on a loopback address may carry a flow anywhere. A resolver or a time source there is asked for itself.
fn at_home(ip: IpAddr, member: &Member, path: Path) -> Path {
    let itself = |origin: &Origin| matches!(origin, Origin::Resolver | Origin::Ntp);
    let loopback = path.class == PathClass::Internal
        && ip.to_canonical().is_loopback()
        && !member.origins.iter().all(itself);
    if loopback { Path::unknown(Reason::LocalRelay, path.evidence) } else { path }
}

/// EL5: what the peers of the Microsoft peering announce for an address. A default route there is a mistake (F19), not a route.
fn received(control: &Control<'_>, plan: &Plan, ip: IpAddr, now: SystemTime) -> Vec<ReceivedRoute> {
    let links = plan.topology.links.iter().filter(|link| link.edge == Edge::ErMicrosoft);
    let peers: Vec<IpAddr> = links.flat_map(peers).collect();
    let mut found = Vec::new();
    for (router, peer) in control.routers().flat_map(|router| peers.iter().map(move |peer| (router, *peer))) {
        let Lookup::Found(answer) = control.rib().offered(router, peer, ip.to_canonical(), now) else {
            continue;
        };
        if is_default(&answer.prefix) {
            continue;
        }
        let communities = answer.routes.iter().flat_map(|route| route.attributes.communities.iter());
        let communities = communities.filter(|community| community.0 == 12076);
        found.push(ReceivedRoute {
            prefix: answer.prefix,
            communities: communities.map(|community| Community(community.1)).collect(),
        });
    }
    found
}

/// A1: through a proxy. The edge is that of the way to the proxy; beyond it only its declared exit is known (E9).
fn through_proxy(plan: &Plan, via: &str, seen: &AddressObservation, around: &Around<'_>) -> Path {
    use super::Exit;
    let to_proxy = attribute(seen, around);
    if plan.topology.links.is_empty() {
        return Path::unknown(Reason::NoTopology, to_proxy.evidence);
    }
    let beyond = |class| match class {
        PathClass::ErPrivate | PathClass::ErPrivateIpsec => PathClass::InternetViaAzureProxy,
        _ => PathClass::InternetViaProxy,
    };
    let declared = plan.proxies.iter().find(|proxy| proxy.name == via).map(|proxy| proxy.exit);
    if to_proxy.class == PathClass::Unknown {
        return Path { route_only: to_proxy.route_only.map(beyond), ..to_proxy };
    }
    let class = beyond(to_proxy.class);
    let exit = match declared {
        None | Some(ProxyExit::Unknown) => {
            return Path { exit: Some(Exit::Unknown), ..Path::unknown(Reason::ProxyExit, to_proxy.evidence) };
        }
        Some(ProxyExit::Internet) => Exit::Proxy,
        Some(ProxyExit::AzurePublic) => Exit::AzurePublic,
    };
    Path { class, exit: Some(exit), ..to_proxy }
}
