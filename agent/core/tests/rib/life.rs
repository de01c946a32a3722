//! Sessions and peers: what may be relied on, and when.

use closedpath_core::rib::{Doubt, Families, Family, Lookup, PeerKey, Policy, Rib, Update};

use crate::told::{
    CE, ISP, MSEE_1, MSEE_2, announce, asked, at, connected, ends, feed, ip, now, peer, shown, site, tell,
    up, via, withdraw,
};

const ANY: &str = "20.38.1.1";

fn full() -> Rib {
    let mut rib = site();
    for (neighbour, asn) in [(MSEE_1, 12076), (MSEE_2, 12076)] {
        tell(&mut rib, [announce(feed(neighbour, Policy::Post), &via(neighbour, &[asn]), &["20.38.0.0/16"])]);
    }
    tell(&mut rib, [announce(feed(ISP, Policy::Post), &via(ISP, &[64500]), &["0.0.0.0/0"])]);
    rib
}

fn doubt(rib: &Rib, seconds: u64) -> Option<Doubt> {
    match rib.lookup(ip(CE), ip(ANY), at(seconds)) {
        Lookup::Unknown(doubt) => Some(doubt),
        _ => None,
    }
}

#[test]
fn nothing_is_said_before_every_peer_has_told_everything() {
    let mut rib = Rib::default();
    assert_eq!(doubt(&rib, 30), Some(Doubt::NoSession));
    rib.apply(&Update::SessionUp { router: ip(CE), until: None }, at(0));
    assert_eq!(doubt(&rib, 2), Some(Doubt::Settling));
    assert_eq!(doubt(&rib, 30), Some(Doubt::NoPeer));
    tell(&mut rib, [up(peer(MSEE_1), 12076), up(peer(ISP), 64500)]);
    tell(&mut rib, ends(feed(ISP, Policy::Post)));
    assert_eq!(doubt(&rib, 30), Some(Doubt::NoEndOfRib { neighbour: Some(ip(MSEE_1)) }));
    rib.apply(&Update::EndOfRib { feed: feed(MSEE_1, Policy::Post), family: Family::V4 }, at(20));
    assert_eq!(doubt(&rib, 30), None);
    assert_eq!(asked(&rib, "2001:db8::1"), "no End-of-RIB yet from peer 203.0.113.2");
}

#[test]
fn a_family_that_a_peer_does_not_exchange_is_not_waited_for() {
    let mut rib = connected();
    let families = Families { v4: true, v6: false };
    tell(&mut rib, [Update::PeerUp { peer: peer(ISP), asn: 64500, local_asn: None, families }]);
    rib.apply(&Update::EndOfRib { feed: feed(ISP, Policy::Post), family: Family::V4 }, at(20));
    assert_eq!(asked(&rib, "2001:db8::1"), "nothing");
}

#[test]
fn a_peer_that_goes_down_takes_its_routes_with_it_and_twice_is_once() {
    let mut rib = full();
    rib.apply(&Update::PeerDown { peer: peer(MSEE_1) }, at(10));
    rib.apply(&Update::PeerDown { peer: peer(MSEE_1) }, at(12));
    assert_eq!(asked(&rib, ANY), "20.38.0.0/16 by 203.0.113.6");
    let state = rib.peers(now()).into_iter().find(|state| state.peer == peer(MSEE_1)).unwrap();
    assert_eq!((state.up, state.since, state.post, state.asn), (false, at(10), 0, 12076));
    rib.apply(&Update::PeerDown { peer: peer(MSEE_2) }, at(13));
    assert_eq!(asked(&rib, ANY), "0.0.0.0/0 by 198.51.100.1");
    // What comes late from the router's queue does no harm.
    tell(&mut rib, [withdraw(feed(MSEE_2, Policy::Post), &["20.38.0.0/16"])]);
    assert_eq!(asked(&rib, ANY), "0.0.0.0/0 by 198.51.100.1");
    // And when it is back, all is said again, and waited for.
    tell(&mut rib, [up(peer(MSEE_1), 12076)]);
    assert_eq!(doubt(&rib, 30), Some(Doubt::NoEndOfRib { neighbour: Some(ip(MSEE_1)) }));
    tell(&mut rib, [announce(feed(MSEE_1, Policy::Post), &via(MSEE_1, &[12076]), &["20.38.0.0/16"])]);
    tell(&mut rib, ends(feed(MSEE_1, Policy::Post)));
    assert_eq!(asked(&rib, ANY), "20.38.0.0/16 by 203.0.113.2");
}

#[test]
fn a_peer_that_was_never_up_is_known_as_down_and_holds_nothing_up() {
    let mut rib = site();
    rib.apply(&Update::PeerDown { peer: peer("203.0.113.10") }, at(30));
    let state = rib.peers(now()).into_iter().find(|state| state.peer == peer("203.0.113.10")).unwrap();
    assert_eq!((state.up, state.since, state.asn), (false, at(30), 0));
    assert_eq!(asked(&rib, ANY), "nothing");
}

#[test]
fn a_lost_session_makes_everything_stale_and_a_new_one_begins_anew() {
    let mut rib = full();
    rib.apply(&Update::SessionLost { router: ip(CE) }, at(50));
    rib.apply(&Update::SessionLost { router: ip(CE) }, at(55));
    assert_eq!(doubt(&rib, 60), Some(Doubt::Stale { since: at(50) }));
    assert!(rib.peers(at(60)).iter().all(|state| state.stale == Some(at(50))));
    let session = rib.sessions(at(60)).next().unwrap();
    assert_eq!((session.up, session.since, session.routes), (false, at(50), 3));
    // Nothing is taken from a session that is over.
    tell(&mut rib, [announce(feed(ISP, Policy::Post), &via(ISP, &[64500]), &["198.51.100.0/24"])]);
    assert_eq!(rib.sessions(now()).next().unwrap().routes, 3);
    rib.apply(&Update::SessionUp { router: ip(CE), until: None }, at(60));
    assert_eq!(doubt(&rib, 62), Some(Doubt::Settling));
    assert_eq!((doubt(&rib, 70), rib.peers(now()).len(), rib.attribute_sets()), (Some(Doubt::NoPeer), 0, 0));
}

#[test]
fn routes_of_a_peer_that_is_not_up_mean_that_something_was_missed() {
    let mut rib = full();
    rib.apply(&Update::PeerDown { peer: peer(MSEE_1) }, at(30));
    tell(&mut rib, [announce(feed(MSEE_1, Policy::Post), &via(MSEE_1, &[12076]), &["20.40.0.0/16"])]);
    assert_eq!(doubt(&rib, 30), Some(Doubt::Truncated));
}

#[test]
fn routers_answer_each_for_itself_and_tables_of_one_router_are_not_mixed() {
    let mut rib = full();
    let other = "192.0.2.2";
    rib.apply(&Update::SessionUp { router: ip(other), until: None }, at(0));
    let key = PeerKey { router: ip(other), ..peer(ISP) };
    let far = closedpath_core::rib::Feed { peer: key, policy: Policy::Post };
    tell(&mut rib, [up(key, 64500), announce(far, &via(ISP, &[64500]), &["20.38.1.0/24"])]);
    tell(&mut rib, ends(far));
    let all: Vec<_> = rib.lookup_all(ip(ANY), now()).map(|(router, found)| (router, shown(&found))).collect();
    assert_eq!(
        all,
        [
            (ip(CE), "20.38.0.0/16 by 203.0.113.2 203.0.113.6".to_owned()),
            (ip(other), "20.38.1.0/24 by 198.51.100.1".to_owned())
        ]
    );
    // The same neighbour in a VRF.
    tell(&mut rib, [up(PeerKey { instance: 7, ..key }, 64500)]);
    assert_eq!(
        shown(&rib.lookup(ip(other), ip(ANY), now())),
        "BGP sessions are up in several tables of the router"
    );
    assert_eq!(asked(&rib, ANY), "20.38.0.0/16 by 203.0.113.2 203.0.113.6");
}

#[test]
fn a_peer_without_end_of_rib_is_relied_on_when_it_has_been_up_and_quiet() {
    let mut rib = site();
    // Up at the beginning, as the router connected: its table may still be on the way.
    let early = peer("203.0.113.10");
    rib.apply(&up(early, 12076), at(1));
    let waits = Some(Doubt::NoEndOfRib { neighbour: early.neighbour });
    assert_eq!((doubt(&rib, 30), doubt(&rib, 31)), (waits, None));
    rib.apply(
        &announce(feed("203.0.113.10", Policy::Post), &via(MSEE_1, &[12076]), &["20.38.0.0/16"]),
        at(28),
    );
    assert_eq!((doubt(&rib, 32), doubt(&rib, 33)), (waits, None));
    // Up later: all it has is told as it comes.
    rib.apply(&Update::PeerDown { peer: early }, at(40));
    assert_eq!(doubt(&rib, 40), None);
    rib.apply(&up(early, 12076), at(50));
    assert_eq!((doubt(&rib, 52), doubt(&rib, 53)), (waits, None));
    for second in 52..300 {
        let again = announce(feed("203.0.113.10", Policy::Post), &via(MSEE_1, &[12076]), &["20.38.0.0/16"]);
        rib.apply(&again, at(second));
        let expected = if second < 230 { waits } else { None };
        assert_eq!(doubt(&rib, second), expected, "second {second}");
    }
}

#[test]
fn a_family_that_is_not_monitored_is_never_taken_for_empty() {
    let mut rib = connected();
    tell(&mut rib, [up(peer(ISP), 64500)]);
    assert_eq!(doubt(&rib, 300), Some(Doubt::NoEndOfRib { neighbour: Some(ip(ISP)) }));
    tell(&mut rib, [announce(feed(ISP, Policy::Post), &via("2001:db8::1", &[64500]), &["::/0"])]);
    assert_eq!(doubt(&rib, 300), Some(Doubt::NoEndOfRib { neighbour: Some(ip(ISP)) }));
    assert_eq!(shown(&rib.lookup(ip(CE), ip("2001:db8:1::1"), at(300))), "::/0 by 198.51.100.1");
}

#[test]
fn a_peer_without_end_of_rib_that_was_quiet_once_stays_relied_on_when_it_changes() {
    let mut rib = connected();
    let key = peer(MSEE_1);
    let post = feed(MSEE_1, Policy::Post);
    rib.apply(&up(key, 12076), at(1));
    rib.apply(&announce(post, &via(MSEE_1, &[12076]), &["20.38.0.0/16", "20.39.0.0/16"]), at(2));
    let asked = |rib: &Rib, seconds| shown(&rib.lookup(ip(CE), ip("20.38.0.1"), at(seconds)));
    let doubt = "no End-of-RIB yet from peer 203.0.113.2";
    assert_eq!(asked(&rib, 30), doubt);
    // Within its first table: still counted as that.
    rib.apply(&withdraw(post, &["20.39.0.0/16"]), at(30));
    assert_eq!(asked(&rib, 34), doubt);
    assert_eq!(asked(&rib, 40), "20.38.0.0/16 by 203.0.113.2");
    rib.apply(&withdraw(post, &["20.38.0.0/16"]), at(40));
    assert_eq!(asked(&rib, 40), "nothing", "a change after the first table counts at once");
}
