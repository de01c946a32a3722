//! What is no error in a configuration, but seldom meant.

use std::net::IpAddr;

use super::plan::{Edge, Link, Plan, Tunnel};

/// Hints, in words.
pub fn hints(plan: &Plan) -> Vec<String> {
    let links = &plan.topology.links;
    let ends = links.iter().flat_map(|link| link.msee.iter().filter_map(|msee| end_of_circuit(link, *msee)));
    let mut hints: Vec<String> = ends.chain(links.iter().filter_map(shows_nothing)).collect();
    hints.extend(links.iter().filter_map(|link| shares_a_card(link, links)));
    if !links.is_empty() && !links.iter().any(|link| link.edge == Edge::Internet) {
        hints.push("no link has the edge internet: a leak to the Internet will be unknown at best, and a card or a hop that the way out shares with a circuit will pass for the circuit's".into());
    }
    hints.extend(plan.topology.tunnels.iter().filter_map(|tunnel| unwatched(tunnel, plan)));
    hints
}

/// A card is taken for its link's own: what an open link of unknown begin carries behind it would pass for the circuit's.
fn shares_a_card(link: &Link, links: &[Link]) -> Option<String> {
    let circuit = matches!(link.edge, Edge::ErPrivate | Edge::ErMicrosoft);
    let interface = link.interface.as_ref().filter(|_| circuit)?;
    let open = |other: &&Link| matches!(other.edge, Edge::Internet | Edge::S2sVpnOverInternet);
    let mut open = links.iter().filter(open);
    let other = open.find(|other| other.interface.is_none() && other.next_hop.is_empty())?;
    Some(format!(
        "link {:?} has interface {interface:?} for its own, and link {:?} does not say where it begins (interface, next_hop): if that is behind {interface:?} too, its flows pass for those of {:?}",
        link.name, other.name, link.name
    ))
}

/// A3: a tunnel is as sure as the path to its outer peer.
fn unwatched(tunnel: &Tunnel, plan: &Plan) -> Option<String> {
    let watched =
        |peer: &IpAddr| plan.targets.iter().any(|target| target.endpoint.ip() == Some(peer.to_canonical()));
    (!tunnel.outer_peer.iter().any(watched)).then(|| {
        format!(
            "tunnel {:?}: no outer_peer is a [[target]], so the path of its outer packets is not looked at and the tunnel stays probable",
            tunnel.name
        )
    })
}

/// E6a: of the /30 (or /126) of a peering, the first usable address is the customer's or the provider's, the second Microsoft's.
fn end_of_circuit(link: &Link, msee: IpAddr) -> Option<String> {
    let (last, length) = match msee.to_canonical() {
        IpAddr::V4(ip) => (ip.octets()[3], 30),
        IpAddr::V6(ip) => (ip.octets()[15], 126),
    };
    let place = match last % 4 {
        2 => return None,
        1 => "the first usable address, which is your own or the provider's router",
        _ => "no address of a router",
    };
    Some(format!(
        "link {:?}: msee {msee} is {place} of its /{length}: Microsoft's end is the second usable one; where this is another router's, its answer would prove the circuit to flows that never reach it",
        link.name
    ))
}

/// A link that no evidence can point to.
fn shows_nothing(link: &Link) -> Option<String> {
    let declares = link.interface.is_some()
        || [&link.msee, &link.next_hop, &link.bgp_peer].into_iter().any(|addresses| !addresses.is_empty())
        || [&link.hops, &link.nat_pool].into_iter().any(|nets| !nets.is_empty());
    (!declares).then(|| {
        format!(
            "link {:?} declares nothing that a flow could show (interface, next_hop, msee, hops, nat_pool, bgp_peer): no flow will be told to take it",
            link.name
        )
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::parse;
    use super::*;

    fn of(links: &str) -> Vec<String> {
        hints(&parse("c.toml", links, &[]).unwrap())
    }

    const ISP: &str = "[[link]]\nname = \"isp\"\nedge = \"internet\"\n";

    #[test]
    fn an_msee_that_is_not_the_second_usable_address_is_told() {
        let link = |msee: &str| {
            format!(
                "[[link]]\nname = \"er\"\nedge = \"er_private\"\nmsee = [\"{msee}\"]\n{ISP}interface = \"eth1\"\n"
            )
        };
        for good in ["172.16.0.2", "172.16.0.6", "2001:db8::2", "2001:db8::6", "::ffff:172.16.0.2"] {
            assert_eq!(of(&link(good)), [""; 0], "{good}");
        }
        for (wrong, words) in [
            (
                "172.16.0.1",
                "is the first usable address, which is your own or the provider's router of its /30",
            ),
            ("2001:db8::5", "of its /126: Microsoft's end is the second usable one"),
            ("172.16.0.3", "is no address of a router of its /30"),
            ("172.16.0.4", "is no address of a router of its /30"),
        ] {
            let hints = of(&link(wrong));
            assert!(hints.len() == 1 && hints[0].contains(words), "{hints:?}");
        }
    }

    #[test]
    fn a_link_that_nothing_can_show_is_told() {
        let hints = of(ISP);
        assert!(hints.len() == 1 && hints[0].starts_with("link \"isp\" declares nothing"), "{hints:?}");
        assert_eq!(of(&format!("{ISP}interface = \"eth1\"\n")), [""; 0]);
        assert_eq!(of(&format!("{ISP}nat_pool = [\"192.0.2.0/28\"]\n")), [""; 0]);
    }

    #[test]
    fn a_card_that_another_link_may_share_is_told_and_a_site_without_internet() {
        let er = "[[link]]\nname = \"er\"\nedge = \"er_private\"\ninterface = \"eth1\"\n";
        let hints = of(er);
        assert!(hints.len() == 1 && hints[0].starts_with("no link has the edge internet"), "{hints:?}");
        let hints = of(&format!("{er}{ISP}hops = [\"198.51.100.1\"]\n"));
        assert!(hints.len() == 1 && hints[0].contains("\"isp\" does not say where it begins"), "{hints:?}");
        for begins in ["interface = \"eth3\"", "next_hop = [\"192.168.1.1\"]"] {
            assert_eq!(of(&format!("{er}{ISP}{begins}\n")), [""; 0]);
        }
    }

    #[test]
    fn a_tunnel_whose_outer_peer_nobody_looks_at_is_told() {
        let site = format!(
            "{ISP}interface = \"eth1\"\n[[tunnel]]\nname = \"vpn\"\nkind = \"ipsec\"\nover = \"internet\"\n\
             outer_peer = [\"192.0.2.9\"]\nprefixes = [\"10.101.0.0/16\"]\nterminates = \"ce\"\n"
        );
        let hints = of(&site);
        assert!(
            hints.len() == 1 && hints[0].starts_with("tunnel \"vpn\": no outer_peer is a [[target]]"),
            "{hints:?}"
        );
        let watched = "[[workload]]\nname = \"w\"\npolicy = \"closed\"\n[[target]]\nworkload = \"w\"\nhost = \"192.0.2.9\"\nport = 443\nprobe = \"tcp\"\n";
        assert_eq!(of(&format!("{site}{watched}")), [""; 0]);
    }
}
