//! What an address is before any table is asked: EL0 to EL4.

use std::net::{IpAddr, Ipv4Addr};

use ipnet::IpNet;

use super::{Eligibility, Outcome, Peering, Question, Rule};
use crate::config::{Edge, Topology, TunnelKind};
use crate::target::is_private;

/// Azure's DNS, DHCP and health probes; only from inside (EL4).
const PLATFORM: IpAddr = IpAddr::V4(Ipv4Addr::new(168, 63, 129, 16));

/// The address that decides: IPv4 inside an IPv4-mapped (RFC 4291 §2.5.5.2) or NAT64 address (RFC 6052 §2.1), and whether it
/// was NAT64.
pub(super) fn effective(ip: IpAddr) -> (IpAddr, bool) {
    let IpAddr::V6(v6) = ip else { return (ip, false) };
    match v6.segments() {
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
            (IpAddr::V4(Ipv4Addr::new(a, b, c, d)), true)
        }
        _ => (ip.to_canonical(), false),
    }
}

/// EL0 to EL4; `None` where a public address goes on to the tables.
pub(super) fn judge(q: &Question<'_>) -> Option<Eligibility> {
    if !is_destination(q.ip) {
        return Some(
            Eligibility::not_eligible(Rule::El0, "address_not_routable").told(Some(false), Some(false)),
        );
    }
    if let Some(answer) = declared(q.topology, q.ip) {
        return Some(answer);
    }
    if is_private(q.ip) {
        return Some(Eligibility::unknown(Rule::El3, "undeclared_private"));
    }
    (q.ip == PLATFORM)
        .then(|| Eligibility::not_eligible(Rule::El4, "azure_platform_vip").told(Some(false), Some(false)))
}

/// EL1 and EL2: the longest declared prefix decides; a virtual network between equals.
fn declared(topology: &Topology, ip: IpAddr) -> Option<Eligibility> {
    let vnet = longest(topology.vnet.iter(), ip);
    let onprem = longest(topology.onprem.iter(), ip);
    let tunnel = topology
        .tunnels
        .iter()
        .filter(|tunnel| tunnel.kind == TunnelKind::Ipsec && tunnel.over == Edge::ErPrivate)
        .filter_map(|tunnel| Some((longest(tunnel.prefixes.iter(), ip)?, tunnel)))
        .max_by_key(|(net, _)| net.prefix_len());
    let private = |net: IpNet, reason: &str| {
        let mut answer = Eligibility::new(Outcome::Eligible, Rule::El1, reason).told(Some(true), Some(true));
        answer.peering = Some(Peering::Private);
        answer.with_fact(format!("declared prefix {net}"))
    };
    let answers = [
        onprem.map(|net| {
            let answer = Eligibility::new(Outcome::Internal, Rule::El2, "onprem");
            (net.prefix_len(), answer.with_fact(format!("declared prefix {net}")))
        }),
        tunnel.map(|(net, tunnel)| {
            let answer = private(net, "tunnel").with_fact(format!("inside tunnel {}", tunnel.name));
            (net.prefix_len(), answer)
        }),
        vnet.map(|net| (net.prefix_len(), private(net, "vnet"))),
    ];
    // Of equal lengths `max_by_key` takes the last.
    answers.into_iter().flatten().max_by_key(|(length, _)| *length).map(|(_, answer)| answer)
}

fn longest<'a>(nets: impl Iterator<Item = &'a IpNet>, ip: IpAddr) -> Option<IpNet> {
    nets.filter(|net| net.contains(&ip)).max_by_key(|net| net.prefix_len()).copied()
}

/// Whether a packet can be sent there at all. Documentation and benchmark ranges can: labs use them (DESIGN §4.5).
fn is_destination(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => {
            let [first, ..] = ip.octets();
            // 0.0.0.0/8 (RFC 791), 127.0.0.0/8, 169.254.0.0/16, and all from 224.0.0.0: multicast, reserved, broadcast.
            !(first == 0 || ip.is_loopback() || ip.is_link_local() || first >= 224)
        }
        IpAddr::V6(ip) => {
            let discard = ip.segments()[..4] == [0x100, 0, 0, 0];
            !(ip.is_unspecified()
                || ip.is_loopback()
                || ip.is_multicast()
                || ip.is_unicast_link_local()
                || discard)
        }
    }
}
