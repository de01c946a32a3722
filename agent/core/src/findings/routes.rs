//! Findings from the edge routers' tables: what the peers of the Microsoft peering announce (F05, F19), what the router
//! rejects of it (F31), and what would carry a closed destination if ExpressRoute's routes vanished (F23).
//!
//! A table that cannot be relied on raises nothing; [`untold`] says what could not be excluded.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::{Finding, FindingId, Severity, observed};
use crate::attribution::{Control, Failover, Judged, Judgement, Left, is_default, peers};
use crate::config::{Edge, Link, Plan, Terminates, TunnelKind};
use crate::failure::label;
use crate::observation::AddressObservation;
use crate::rib::{DefaultRoute, Doubt, Family, Lookup};
use crate::tables::{Communities, Community};
use crate::target::EndpointKey;

/// The AS of ExpressRoute's communities.
const EXPRESSROUTE: u16 = 12076;

/// Findings about the peers of the Microsoft peering, one per peer and kind.
pub(super) fn of_peers(judged: &Judged<'_>, communities: &Communities) -> Vec<Finding> {
    let Some(control) = &judged.control else { return Vec::new() };
    let mut found: BTreeMap<(FindingId, IpAddr), Finding> = BTreeMap::new();
    for link in judged.plan.topology.links.iter().filter(|link| link.edge == Edge::ErMicrosoft) {
        for (router, peer) in control.routers().flat_map(|r| peers(link).map(move |peer| (r, peer))) {
            for finding in [
                default_route(judged, control, router, peer, link),
                unauthorised(judged, control, communities, router, peer, link),
            ] {
                let Some(finding) = finding else { continue };
                found.entry((finding.id, peer)).or_insert(finding);
            }
        }
    }
    found.into_values().collect()
}

/// F27 where a tunnel begins at the edge router: ExpressRoute announces the same destinations without it, so that answers,
/// and packets beside the tunnel's policy, are not encrypted ("Site-to-Site VPN over private peering", Microsoft, 2023-07-28).
pub(super) fn of_tunnels(judged: &Judged<'_>) -> Vec<Finding> {
    let Some(control) = &judged.control else { return Vec::new() };
    let links = judged.plan.topology.links.iter().filter(|link| link.edge == Edge::ErPrivate);
    let beside: Vec<(IpAddr, IpAddr)> =
        links.flat_map(peers).flat_map(|peer| control.routers().map(move |router| (router, peer))).collect();
    let tunnels = judged.plan.topology.tunnels.iter().filter(|tunnel| {
        tunnel.kind == TunnelKind::Ipsec
            && tunnel.terminates == Terminates::Ce
            && tunnel.over == Edge::ErPrivate
    });
    let mut findings = Vec::new();
    for tunnel in tunnels {
        let plain = tunnel.prefixes.iter().find_map(|prefix| {
            beside.iter().find_map(|(router, peer)| {
                // What the workloads reach there, too: half of the prefix may be announced.
                let seen = judged.of.values().flat_map(|judgements| judgements.keys()).copied();
                let inside = seen.map(|ip| ip.to_canonical()).filter(|ip| prefix.contains(ip));
                std::iter::once(prefix.network()).chain(inside).find_map(|ip| {
                    let offered = control.rib().offered(*router, *peer, ip, judged.now);
                    let Lookup::Found(answer) = offered else { return None };
                    (answer.prefix.prefix_len() >= prefix.prefix_len()).then_some((*peer, answer.prefix))
                })
            })
        });
        let Some((peer, prefix)) = plain else { continue };
        findings.push(Finding::new(
            FindingId::F27,
            Severity::High,
            format!("link:{}", tunnel.name),
            judged.plan.workloads.iter().map(|workload| workload.name.clone()).collect(),
            format!("{prefix} belongs into {}, and {peer} announces it beside the tunnel as well", tunnel.name),
            "announce longer or other prefixes through the tunnel than over the private peering: with the same on both, Azure answers without IPsec",
        ));
    }
    findings
}

fn of_peer(judged: &Judged<'_>, id: FindingId, peer: IpAddr, detail: String, remedy: &str) -> Finding {
    Finding::new(
        id,
        Severity::High,
        format!("peer:{peer}"),
        judged.plan.workloads.iter().map(|workload| workload.name.clone()).collect(),
        detail,
        remedy,
    )
}

/// F19: Microsoft sends none there, so it is somebody else's (E7d).
fn default_route(
    judged: &Judged<'_>,
    control: &Control<'_>,
    router: IpAddr,
    peer: IpAddr,
    link: &Link,
) -> Option<Finding> {
    let offered =
        |family| control.rib().default_from(router, peer, family, judged.now, |_| true).ok().flatten();
    let offered: Vec<&str> = [Family::V4, Family::V6]
        .into_iter()
        .filter_map(|family| match (offered(family)?, family) {
            (DefaultRoute::Zero, Family::V4) => Some("0.0.0.0/0"),
            (DefaultRoute::Halves, Family::V4) => Some("0.0.0.0/1 and 128.0.0.0/1"),
            (DefaultRoute::Zero, Family::V6) => Some("::/0"),
            (DefaultRoute::Halves, Family::V6) => Some("::/1 and 8000::/1"),
        })
        .collect();
    if offered.is_empty() {
        return None;
    }
    let detail = format!(
        "{router} receives {} from {peer} of {}, a Microsoft peering, which must not carry a default route",
        offered.join(", "),
        link.name
    );
    let remedy = "filter the default route inbound on this peer, and ask the provider who announces it";
    Some(of_peer(judged, FindingId::F19, peer, detail, remedy))
}

/// F05.
fn unauthorised(
    judged: &Judged<'_>,
    control: &Control<'_>,
    communities: &Communities,
    router: IpAddr,
    peer: IpAddr,
    link: &Link,
) -> Option<Finding> {
    let circuit = link.circuit.as_ref().and_then(|name| judged.plan.topology.circuits.get(name))?;
    if circuit.m365_authorised {
        return None;
    }
    let received = control.rib().communities_from(router, peer, judged.now).ok()?;
    let services = received.keys().filter(|community| community.0 == EXPRESSROUTE);
    let services = services.filter_map(|community| communities.service(Community(community.1)));
    let named: Vec<String> = services
        .filter(|service| service.authorisation)
        .map(|service| format!("{} ({})", service.community(), service.name))
        .collect();
    if named.is_empty() {
        return None;
    }
    let detail = format!(
        "{router} receives routes with {} from {peer} of {}, and m365_authorised is not declared",
        named.join(", "),
        link.name
    );
    let remedy = "confirm Microsoft's approval and declare m365_authorised, or take the communities out of the route filter; circuits from before 2017-08-01 receive everything until a filter is attached";
    Some(of_peer(judged, FindingId::F05, peer, detail, remedy))
}

/// Findings about every address of one endpoint.
pub(super) fn find(judged: &Judged<'_>, key: &EndpointKey) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (ip, seen, judgement) in observed(judged, key) {
        let raised = [latent_leak(judged, key, seen, judgement), rejected(judged, key, ip)];
        findings.extend(raised.into_iter().flatten().map(|(id, severity, detail, remedy)| {
            Finding::new(id, severity, format!("{key} {ip}"), judged.workloads(key), detail, remedy)
        }));
    }
    findings
}

fn failovers(judged: &Judged<'_>, seen: &AddressObservation, judgement: &Judgement) -> Vec<Failover> {
    let Some(control) = &judged.control else { return Vec::new() };
    control.failover(seen, &judged.plan.topology, judgement.path.class, judged.now)
}

/// F23, per destination (DESIGN §4.5).
fn latent_leak(
    judged: &Judged<'_>,
    key: &EndpointKey,
    seen: &AddressObservation,
    judgement: &Judgement,
) -> Option<(FindingId, Severity, String, &'static str)> {
    let leak = failovers(judged, seen, judgement).into_iter().find_map(|failover| match failover.left {
        Left::Open { prefix, link } => Some((failover.router, failover.before, prefix, link)),
        Left::Closed | Left::Nothing | Left::Unknown(_) => None,
    });
    let (router, before, prefix, link) = leak?;
    let stand = match before {
        0 => "no closed route stands",
        1 => "1 closed route stands",
        _ => &format!("{before} closed routes stand"),
    };
    let detail = format!(
        "{} ({}) goes {} now; without those routes {router} would send it by {prefix} of {link}; {stand} before that",
        key.host,
        seen.ip,
        label(&judgement.path.class)
    );
    let remedy =
        "discard routes for these prefixes at the edge router, no default route there, or a second circuit";
    Some((FindingId::F23, Severity::High, detail, remedy))
}

/// F31: the neighbour sends a longer prefix than any that the router uses.
fn rejected(
    judged: &Judged<'_>,
    key: &EndpointKey,
    ip: IpAddr,
) -> Option<(FindingId, Severity, String, &'static str)> {
    let control = judged.control.as_ref()?;
    let about = ip.to_canonical();
    let links = judged.plan.topology.links.iter().filter(|link| link.edge == Edge::ErMicrosoft);
    let pairs = links.flat_map(peers).flat_map(|peer| control.routers().map(move |router| (router, peer)));
    for (router, peer) in pairs {
        // Only beside a Loc-RIB can a neighbour offer more than the router uses.
        let used = match control.rib().lookup(router, about, judged.now) {
            Lookup::Found(answer) => Some(answer.prefix.prefix_len()),
            Lookup::Nothing => None,
            Lookup::Unknown(_) => continue,
        };
        let Lookup::Found(offered) = control.rib().offered(router, peer, about, judged.now) else { continue };
        let longer = used.is_none_or(|used| offered.prefix.prefix_len() > used);
        if longer && !is_default(&offered.prefix) {
            let detail = format!(
                "{} ({ip}): {peer} sends {} to {router}, which does not have it in its Loc-RIB",
                key.host, offered.prefix
            );
            let remedy = "look for a prefix filter at the edge router or the provider that Microsoft's monthly prefix changes have passed by";
            return Some((FindingId::F31, Severity::Medium, detail, remedy));
        }
    }
    None
}

/// Why a table is no evidence; of an imported one, who read its file says why it is stale.
fn without_evidence(plan: &Plan, router: IpAddr, doubt: &Doubt) -> Option<String> {
    if !plan.imported.iter().any(|table| table.router == router) {
        return Some(format!("BMP: the table of {router} is no evidence in this round: {doubt}"));
    }
    let why = match doubt {
        Doubt::Stale { .. } => return None,
        Doubt::NoSession => "it was not read".to_owned(),
        Doubt::NoEndOfRib { .. } => {
            "its files hold no routes of one family, IPv4 or IPv6, that was seen; add the file of the other"
                .into()
        }
        Doubt::Settling
        | Doubt::NoPeer
        | Doubt::WithdrawalsOnly { .. }
        | Doubt::Truncated
        | Doubt::SeveralInstances => doubt.to_string(),
    };
    Some(format!("[[table]]: the table of {router} is no evidence in this round: {why}"))
}

/// What the tables could not say, for the report's `not_tested`.
pub fn untold(judged: &Judged<'_>) -> Vec<String> {
    let Some(control) = &judged.control else { return Vec::new() };
    let members = judged.picture.members.values();
    let families = members.flat_map(|member| member.addresses.keys());
    let families = families.map(|ip| Family::of(ip.to_canonical())).collect();
    let doubts = control.doubts(&families, judged.now).into_iter();
    let mut words: Vec<String> =
        doubts.filter_map(|(router, doubt)| without_evidence(judged.plan, router, &doubt)).collect();
    let keys = judged.picture.members.keys();
    let why: Vec<String> = keys
        .flat_map(|key| observed(judged, key))
        .filter_map(|(_, seen, judgement)| {
            let left = failovers(judged, seen, judgement).into_iter().map(|failover| failover.left);
            let why = left.filter_map(|left| match left {
                Left::Unknown(why) => Some(why),
                Left::Open { .. } | Left::Closed | Left::Nothing => None,
            });
            why.into_iter().next()
        })
        .collect();
    if let Some(first) = why.first() {
        words.push(format!(
            "what would carry {} closed address{} if ExpressRoute's routes vanished is not known (F23): {first}",
            why.len(),
            if why.len() == 1 { "" } else { "es" }
        ));
    }
    words
}
