//! What does not fit is counted, and the table it is missing from answers no more.

use std::net::Ipv4Addr;

use closedpath_core::rib::{Attributes, Community, Limits, PeerKey, Policy, Rib, Update};
use ipnet::Ipv4Net;

use crate::told::{CE, ISP, MSEE_1, announce, asked, at, ends, feed, ip, now, peer, tell, up, via, withdraw};

const MISSING: &str = "routes are missing from the router's table";

fn bounded(limits: Limits) -> Rib {
    let mut rib = Rib::with_limits(limits);
    tell(&mut rib, [Update::SessionUp { router: ip(CE), until: None }, up(peer(ISP), 64500)]);
    tell(&mut rib, ends(feed(ISP, Policy::Post)));
    rib
}

#[test]
fn too_many_routes_truncate_and_a_new_session_mends_it() {
    let mut rib = bounded(Limits { routes_of_router: 2, ..Limits::default() });
    let isp = via(ISP, &[64500]);
    tell(&mut rib, [announce(feed(ISP, Policy::Post), &isp, &["20.0.0.0/8", "21.0.0.0/8"])]);
    // Known routes may change, and one that goes makes room.
    tell(&mut rib, [announce(feed(ISP, Policy::Post), &via(ISP, &[64500, 8075]), &["20.0.0.0/8"])]);
    tell(&mut rib, [withdraw(feed(ISP, Policy::Post), &["21.0.0.0/8"])]);
    tell(&mut rib, [announce(feed(ISP, Policy::Post), &isp, &["22.0.0.0/8"])]);
    assert_eq!(asked(&rib, "22.0.0.1"), "22.0.0.0/8 by 198.51.100.1");
    tell(&mut rib, [announce(feed(ISP, Policy::Post), &isp, &["23.0.0.0/8", "24.0.0.0/8"])]);
    assert_eq!(asked(&rib, "22.0.0.1"), MISSING);
    let state = rib.sessions(now()).next().unwrap();
    assert_eq!((state.routes, state.refused, state.truncated), (2, 2, true));
    tell(&mut rib, [Update::SessionUp { router: ip(CE), until: None }, up(peer(ISP), 64500)]);
    tell(&mut rib, ends(feed(ISP, Policy::Post)));
    assert_eq!(asked(&rib, "22.0.0.1"), "nothing");
}

#[test]
fn the_total_attributes_peers_and_routers_are_bounded_too() {
    let isp = via(ISP, &[64500]);
    let mut rib = bounded(Limits { routes: 1, ..Limits::default() });
    tell(&mut rib, [announce(feed(ISP, Policy::Post), &isp, &["20.0.0.0/8", "21.0.0.0/8"])]);
    assert_eq!(asked(&rib, "20.0.0.1"), MISSING);

    let mut rib = bounded(Limits { attribute_bytes: 4096, ..Limits::default() });
    let communities: Vec<_> = (0..2000).map(|value| Community(64500, value)).collect();
    let heavy = Attributes { communities: communities.into(), ..isp.clone() };
    tell(&mut rib, [announce(feed(ISP, Policy::Post), &isp, &["20.0.0.0/8"])]);
    assert_eq!(asked(&rib, "20.0.0.1"), "20.0.0.0/8 by 198.51.100.1");
    tell(&mut rib, [announce(feed(ISP, Policy::Post), &heavy, &["21.0.0.0/8"])]);
    assert_eq!(asked(&rib, "20.0.0.1"), MISSING);

    let mut rib = bounded(Limits { peers: 1, ..Limits::default() });
    rib.apply(&Update::PeerDown { peer: peer(ISP) }, at(11));
    tell(&mut rib, [up(peer(ISP), 64500)]);
    tell(&mut rib, ends(feed(ISP, Policy::Post)));
    assert_eq!(asked(&rib, "20.0.0.1"), "nothing");
    tell(&mut rib, [up(peer(MSEE_1), 12076)]);
    assert_eq!(asked(&rib, "20.0.0.1"), MISSING);

    let mut rib = bounded(Limits { routers: 1, ..Limits::default() });
    tell(&mut rib, [Update::SessionUp { router: ip("192.0.2.2"), until: None }]);
    assert_eq!((rib.refused_routers(), rib.sessions(now()).count()), (1, 1));
}

#[test]
fn attributes_that_no_route_has_any_more_make_room() {
    let mut rib = bounded(Limits { attribute_bytes: 1024, ..Limits::default() });
    for round in 0..1000 {
        let path = [64500, round, round / 2];
        tell(&mut rib, [announce(feed(ISP, Policy::Post), &via(ISP, &path), &["20.0.0.0/8"])]);
        assert_eq!(asked(&rib, "20.0.0.1"), "20.0.0.0/8 by 198.51.100.1");
        assert_eq!(rib.attribute_sets(), 1);
    }
    // As many as fit: a set of no AS and no community takes more than 100 bytes and less than 250.
    let several = |rib: &mut Rib, sets: u32| {
        for number in 0..sets {
            let own = Attributes { med: Some(number), ..Attributes::default() };
            let prefix = format!("21.{number}.0.0/16");
            tell(rib, [announce(feed(ISP, Policy::Post), &own, &[prefix.as_str()])]);
        }
        asked(rib, "21.0.0.1")
    };
    assert_eq!(several(&mut rib, 3), "21.0.0.0/16 by 198.51.100.1");
    assert_eq!(several(&mut rib, 10), MISSING);
}

#[test]
fn what_could_not_be_read_is_as_if_it_were_missing() {
    let mut rib = bounded(Limits::default());
    assert_eq!(asked(&rib, "20.0.0.1"), "nothing");
    tell(&mut rib, [Update::Incomplete { router: ip(CE) }]);
    assert_eq!(asked(&rib, "20.0.0.1"), MISSING);
}

#[test]
fn flapping_peers_leave_nothing_behind() {
    let mut rib = bounded(Limits::default());
    let net = |number: u32| Ipv4Net::new(Ipv4Addr::from(0x1400_0000 + (number << 8)), 24).unwrap();
    let steady = Update::Announce {
        feed: feed(ISP, Policy::Post),
        attributes: via(ISP, &[64500]),
        prefixes: (0..3000).map(|number| ipnet::IpNet::from(net(number)).into()).collect(),
    };
    tell(&mut rib, [steady]);
    for round in 0..10_000u32 {
        let own = via(MSEE_1, &[12076, 100_000 + round]);
        tell(&mut rib, [up(peer(MSEE_1), 12076)]);
        tell(&mut rib, [announce(feed(MSEE_1, Policy::Post), &own, &["20.0.0.0/24", "20.0.0.0/8"])]);
        tell(&mut rib, [Update::PeerDown { peer: peer(MSEE_1) }]);
    }
    assert_eq!(asked(&rib, "20.0.0.1"), "20.0.0.0/24 by 198.51.100.1");
    assert_eq!(asked(&rib, "20.255.0.1"), "nothing");
    assert_eq!(rib.sessions(now()).next().unwrap().routes, 3000);
    assert!(rib.attribute_sets() < 2000, "{} sets are held", rib.attribute_sets());
    // Everything that was swept out can be given out again: the same routes under another key.
    let key = PeerKey { neighbour: Some(ip("203.0.113.20")), ..peer(ISP) };
    let third = closedpath_core::rib::Feed { peer: key, policy: Policy::Post };
    tell(&mut rib, [up(key, 64501), announce(third, &via("203.0.113.20", &[64501]), &["20.0.0.0/25"])]);
    tell(&mut rib, ends(third));
    assert_eq!(asked(&rib, "20.0.0.1"), "20.0.0.0/25 by 203.0.113.20");
}
