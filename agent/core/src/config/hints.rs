//! What is no error in a configuration, but seldom meant.

use std::net::IpAddr;

use super::plan::{Link, Plan};

/// Hints, in words.
pub fn hints(plan: &Plan) -> Vec<String> {
    let links = &plan.topology.links;
    let ends = links.iter().flat_map(|link| link.msee.iter().filter_map(|msee| end_of_circuit(link, *msee)));
    ends.chain(links.iter().filter_map(shows_nothing)).collect()
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

    #[test]
    fn an_msee_that_is_not_the_second_usable_address_is_told() {
        let link =
            |msee: &str| format!("[[link]]\nname = \"er\"\nedge = \"er_private\"\nmsee = [\"{msee}\"]\n");
        for good in ["172.16.0.2", "172.16.0.6", "2001:db8::2", "2001:db8::6", "::ffff:172.16.0.2"] {
            assert!(of(&link(good)).is_empty(), "{good}");
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
        let hints = of("[[link]]\nname = \"isp\"\nedge = \"internet\"\n");
        assert!(hints.len() == 1 && hints[0].starts_with("link \"isp\" declares nothing"), "{hints:?}");
        assert!(of("[[link]]\nname = \"isp\"\nedge = \"internet\"\ninterface = \"eth1\"\n").is_empty());
        assert!(
            of("[[link]]\nname = \"isp\"\nedge = \"internet\"\nnat_pool = [\"192.0.2.0/28\"]\n").is_empty()
        );
    }
}
