//! Which rule chose, and that nothing is guessed.

use closedpath_core::rib::{Attributes, Choice, Lookup, Origin, Policy, Rule, Undecided};

use crate::told::{
    CE, ISP, MSEE_1, MSEE_2, OWN_AS, announce, feed, ip, now, peer, shown, site, tell, up, via,
};

const PREFIX: &str = "20.38.0.0/16";

/// The choice between routes of these neighbours, and who is left.
fn chosen(routes: &[(&str, Policy, Attributes)]) -> (Choice, String) {
    let mut rib = site();
    for (neighbour, policy, attributes) in routes {
        tell(&mut rib, [announce(feed(neighbour, *policy), attributes, &[PREFIX])]);
    }
    let lookup = rib.lookup(ip(CE), ip("20.38.1.1"), now());
    let left = shown(&lookup);
    let Lookup::Found(answer) = lookup else { panic!("{left}") };
    (answer.choice, left)
}

fn preferred(next_hop: &str, asns: &[u32], local_pref: u32) -> Attributes {
    Attributes { local_pref: Some(local_pref), ..via(next_hop, asns) }
}

const ER: &str = "20.38.0.0/16 by 203.0.113.2";
const ER_AND_ISP: &str = "20.38.0.0/16 by 198.51.100.1 203.0.113.2";

#[test]
fn the_steps_decide_in_their_order() {
    let post = Policy::Post;
    let (m, i) = (MSEE_1, ISP);
    let er = |route: Attributes| (m, post, route);
    let isp = |route: Attributes| (i, post, route);
    let by = |rule| (Choice::Decided(rule), ER.to_owned());
    let longer = preferred(m, &[12076, 12076, 12076], 200);
    assert_eq!(chosen(&[er(longer), isp(preferred(i, &[8075], 100))]), by(Rule::LocalPref));
    let (short, long) = (preferred(m, &[12076], 100), preferred(i, &[64500, 8075], 100));
    assert_eq!(chosen(&[er(short), isp(long)]), by(Rule::AsPathLength));
    let igp = Attributes { origin: Origin::Igp, ..preferred(m, &[12076], 100) };
    let other = preferred(i, &[8075], 100);
    assert_eq!(chosen(&[er(igp), isp(other)]), by(Rule::Origin));
}

#[test]
fn meds_are_compared_within_one_neighbouring_as_and_only_when_all_have_one() {
    let with = |next_hop: &str, asn, med| Attributes { med, ..preferred(next_hop, &[asn], 100) };
    let pair = |first, second| chosen(&[(MSEE_1, Policy::Post, first), (MSEE_2, Policy::Post, second)]);
    let both = "20.38.0.0/16 by 203.0.113.2 203.0.113.6".to_owned();
    let equal = (Choice::Undecided(Undecided::Equal), both);
    let low = with(MSEE_1, 12076, Some(10));
    assert_eq!(pair(low.clone(), with(MSEE_2, 12076, Some(20))), (Choice::Decided(Rule::Med), ER.to_owned()));
    assert_eq!(pair(low.clone(), with(MSEE_2, 8075, Some(20))), equal);
    assert_eq!(pair(low.clone(), with(MSEE_2, 12076, None)), equal);
    assert_eq!(pair(low, with(MSEE_2, 12076, Some(10))), equal);
}

#[test]
fn an_external_peer_comes_before_an_internal_one() {
    let mut rib = site();
    tell(&mut rib, [up(peer(ISP), OWN_AS)]);
    tell(&mut rib, crate::told::ends(feed(ISP, Policy::Post)));
    for (neighbour, next_hop) in [(MSEE_1, MSEE_1), (ISP, "192.0.2.9")] {
        tell(
            &mut rib,
            [announce(feed(neighbour, Policy::Post), &preferred(next_hop, &[12076], 100), &[PREFIX])],
        );
    }
    let Lookup::Found(answer) = rib.lookup(ip(CE), ip("20.38.1.1"), now()) else { panic!("no route") };
    assert_eq!((answer.choice, answer.routes.len()), (Choice::Decided(Rule::ExternalPeer), 1));
    assert_eq!(answer.routes[0].peer, peer(MSEE_1));
}

#[test]
fn without_local_pref_or_before_policy_nothing_is_decided() {
    let plain = via(ISP, &[64500, 8075]);
    let er = (MSEE_1, Policy::Post, preferred(MSEE_1, &[12076], 100));
    assert_eq!(
        chosen(&[er.clone(), (ISP, Policy::Post, plain)]),
        (Choice::Undecided(Undecided::LocalPrefUnknown), ER_AND_ISP.to_owned())
    );
    let mut rib = crate::told::connected();
    for (neighbour, asn) in [(MSEE_1, 12076), (ISP, 64500)] {
        tell(&mut rib, [up(peer(neighbour), asn)]);
        let route = preferred(neighbour, &[asn], asn);
        tell(&mut rib, [announce(feed(neighbour, Policy::Pre), &route, &[PREFIX])]);
        tell(&mut rib, crate::told::ends(feed(neighbour, Policy::Pre)));
    }
    let lookup = rib.lookup(ip(CE), ip("20.38.1.1"), now());
    assert_eq!(shown(&lookup), ER_AND_ISP);
    let Lookup::Found(answer) = lookup else { panic!("no route") };
    assert_eq!(answer.choice, Choice::Undecided(Undecided::BeforePolicy));
}
