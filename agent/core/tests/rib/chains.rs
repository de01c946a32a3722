//! Several routes to one prefix: of several neighbours, and of one that sends several paths (RFC 7911).

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use closedpath_core::rib::{Announced, Lookup, Policy, Rib, Update};
use ipnet::Ipv4Net;

use crate::told::{CE, ISP, MSEE_1, MSEE_2, connected, ends, feed, ip, now, peer, tell, up, via};

const NEIGHBOURS: [(&str, u32); 3] = [(MSEE_1, 12076), (MSEE_2, 12076), (ISP, 64500)];
const PREFIXES: u32 = 512;

/// Neighbours and next hops of the routes to a prefix, in order.
type Known = Vec<(IpAddr, IpAddr)>;

fn prefix(number: u32) -> Ipv4Net {
    Ipv4Net::new(Ipv4Addr::from(0x1400_0000 + (number << 8)), 24).unwrap()
}

fn known(rib: &Rib, number: u32) -> Known {
    match rib.lookup(ip(CE), prefix(number).addr().into(), now()) {
        Lookup::Found(answer) => {
            // Before policy nothing is chosen: all that stands is told.
            let mut all: Known = answer
                .routes
                .iter()
                .map(|route| (route.peer.neighbour.unwrap(), route.attributes.next_hop.unwrap()))
                .collect();
            all.sort_unstable();
            all
        }
        Lookup::Nothing => Vec::new(),
        Lookup::Unknown(doubt) => panic!("{doubt}"),
    }
}

/// A neighbour comes up and sends its first route: only then are its withdrawals believed.
fn begin(rib: &mut Rib, who: usize) {
    let (neighbour, asn) = NEIGHBOURS[who];
    let feed = feed(neighbour, Policy::Pre);
    let prefixes = vec![Announced { prefix: prefix(0).into(), path: 0 }];
    tell(rib, [up(peer(neighbour), asn)]);
    tell(rib, [Update::Announce { feed, attributes: via(neighbour, &[asn]), prefixes }]);
    tell(rib, ends(feed));
}

#[test]
fn a_table_holds_what_a_list_of_its_routes_holds() {
    let mut rib = connected();
    // By prefix, neighbour and path: the next hop.
    let mut list: BTreeMap<(u32, usize, u32), IpAddr> = BTreeMap::new();
    for (who, (neighbour, _)) in NEIGHBOURS.iter().enumerate() {
        begin(&mut rib, who);
        list.insert((0, who, 0), ip(neighbour));
    }
    let mut seed = 20_261_129_u32;
    let mut random = |below: u32| {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (seed >> 16) % below
    };
    for round in 0..1500 {
        let who = random(3) as usize;
        let (neighbour, asn) = NEIGHBOURS[who];
        let feed = feed(neighbour, Policy::Pre);
        let (first, path) = (random(PREFIXES), random(3));
        let numbers: Vec<u32> = (0..60).map(|step| (first + step * 7) % PREFIXES).collect();
        let prefixes =
            numbers.iter().map(|&number| Announced { prefix: prefix(number).into(), path }).collect();
        match random(50) {
            0 => {
                tell(&mut rib, [Update::PeerDown { peer: feed.peer }]);
                begin(&mut rib, who);
                list.retain(|&(_, of, _), _| of != who);
                list.insert((0, who, 0), ip(neighbour));
            }
            1..=20 => {
                tell(&mut rib, [Update::Withdraw { feed, prefixes }]);
                list.retain(|&(number, of, by), _| (of, by) != (who, path) || !numbers.contains(&number));
            }
            _ => {
                let hop = IpAddr::V4(Ipv4Addr::new(203, 0, 113, random(250) as u8));
                let attributes = via(&hop.to_string(), &[asn, 8075]);
                tell(&mut rib, [Update::Announce { feed, attributes, prefixes }]);
                list.extend(numbers.iter().map(|&number| ((number, who, path), hop)));
            }
        }
        if round % 10 > 0 {
            continue;
        }
        for number in 0..PREFIXES {
            let mut expected: Known = list
                .range((number, 0, 0)..(number + 1, 0, 0))
                .map(|(&(_, of, _), &hop)| (ip(NEIGHBOURS[of].0), hop))
                .collect();
            expected.sort_unstable();
            assert_eq!(known(&rib, number), expected, "{} after {round}", prefix(number));
        }
        assert_eq!(rib.sessions(now()).next().unwrap().routes, list.len());
    }
    assert!(list.len() > 1000, "{} routes at the end: the test has become too easy", list.len());
    tell(&mut rib, [Update::SessionUp { router: ip(CE), until: None }]);
    assert_eq!(rib.attribute_sets(), 0);
}
