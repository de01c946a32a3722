//! Longest match, what is preferred to what, latent routes, default routes.

use closedpath_core::rib::{Choice, Community, DefaultRoute, Family, Feed, Lookup, Policy, Rule};

use crate::told::{
    CE, ISP, MSEE_1, MSEE_2, announce, asked, connected, ends, feed, ip, loc, now, peer, shown, site, tagged,
    tell, up, via, withdraw,
};

#[test]
fn the_longest_prefix_that_stands_wins_in_both_families() {
    let mut rib = site();
    let (er, isp) = (via(MSEE_1, &[12076]), via(ISP, &[64500, 8075]));
    tell(
        &mut rib,
        [
            announce(feed(ISP, Policy::Post), &isp, &["0.0.0.0/0", "::/0"]),
            announce(feed(MSEE_1, Policy::Post), &er, &["20.38.0.0/16", "2001:db8:20::/48"]),
            announce(feed(ISP, Policy::Post), &isp, &["20.38.64.0/24"]),
        ],
    );
    assert_eq!(asked(&rib, "20.38.1.1"), "20.38.0.0/16 by 203.0.113.2");
    assert_eq!(asked(&rib, "20.38.64.9"), "20.38.64.0/24 by 198.51.100.1");
    assert_eq!(asked(&rib, "192.0.2.77"), "0.0.0.0/0 by 198.51.100.1");
    assert_eq!(asked(&rib, "2001:db8:20::7"), "2001:db8:20::/48 by 203.0.113.2");
    assert_eq!(asked(&rib, "2001:db8:21::7"), "::/0 by 198.51.100.1");
    tell(&mut rib, [withdraw(feed(ISP, Policy::Post), &["20.38.64.0/24", "0.0.0.0/0"])]);
    assert_eq!(asked(&rib, "20.38.64.9"), "20.38.0.0/16 by 203.0.113.2");
    assert_eq!(asked(&rib, "192.0.2.77"), "nothing");
}

#[test]
fn the_route_tells_its_next_hop_path_and_communities_without_the_routers_own_as() {
    let mut rib = site();
    // As FRR sends it: the router's own AS in front.
    let sent = tagged(via(MSEE_1, &[65010, 12076]), &[Community(12076, 51004), Community(12076, 5060)]);
    tell(&mut rib, [announce(feed(MSEE_1, Policy::Post), &sent, &["20.38.0.0/16"])]);
    let Lookup::Found(answer) = rib.lookup(ip(CE), ip("20.38.1.1"), now()) else { panic!("no route") };
    assert_eq!(answer.choice, Choice::Decided(Rule::OnlyCandidate));
    let route = answer.routes[0];
    assert_eq!(route.attributes.as_path.to_string(), "12076");
    assert_eq!(route.attributes.as_path.length, 1);
    assert_eq!(route.attributes.as_path.origin(), Some(12076));
    assert_eq!(route.attributes.next_hop, Some(ip(MSEE_1)));
    assert!(route.attributes.has(Community(12076, 51004)));
    assert_eq!(
        (route.peer, route.asn, route.external, route.policy),
        (peer(MSEE_1), 12076, true, Policy::Post)
    );
    let seen = rib.communities_from(ip(CE), ip(MSEE_1), now()).unwrap();
    assert_eq!(
        seen.into_iter().collect::<Vec<_>>(),
        [(Community(12076, 5060), 1), (Community(12076, 51004), 1)]
    );
    assert!(rib.communities_from(ip(CE), ip(ISP), now()).unwrap().is_empty());
}

#[test]
fn after_policy_counts_and_before_policy_does_not_where_both_are_sent() {
    let mut rib = site();
    // The provider's more specific is rejected by the router's policy: only the feed before policy has it.
    tell(
        &mut rib,
        [
            announce(feed(MSEE_1, Policy::Post), &via(MSEE_1, &[12076]), &["20.38.0.0/16"]),
            announce(feed(ISP, Policy::Pre), &via(ISP, &[64500, 8075]), &["20.38.64.0/24", "0.0.0.0/0"]),
            announce(feed(ISP, Policy::Post), &via(ISP, &[64500]), &["0.0.0.0/0"]),
        ],
    );
    assert_eq!(asked(&rib, "20.38.64.9"), "20.38.0.0/16 by 203.0.113.2");
}

#[test]
fn withdrawals_before_policy_take_nothing_after_it_away() {
    let mut rib = site();
    let er = via(MSEE_1, &[12076]);
    tell(&mut rib, [announce(feed(MSEE_1, Policy::Post), &er, &["20.38.0.0/16", "20.39.0.0/16"])]);
    tell(&mut rib, [withdraw(feed(MSEE_1, Policy::Pre), &["20.38.0.0/16", "20.39.0.0/16"])]);
    tell(&mut rib, ends(feed(MSEE_1, Policy::Pre)));
    assert_eq!(asked(&rib, "20.38.1.1"), "20.38.0.0/16 by 203.0.113.2");
    let state = rib.peers(now()).into_iter().find(|state| state.peer == peer(MSEE_1)).unwrap();
    assert_eq!((state.pre, state.post, state.loc), (0, 2, 0));
}

#[test]
fn a_feed_of_withdrawals_only_is_no_empty_table() {
    let mut rib = connected();
    tell(&mut rib, [up(peer(MSEE_1), 12076), up(peer(ISP), 64500)]);
    tell(&mut rib, [withdraw(feed(MSEE_1, Policy::Pre), &["20.38.0.0/16"])]);
    tell(&mut rib, ends(feed(MSEE_1, Policy::Pre)));
    tell(&mut rib, [announce(feed(ISP, Policy::Pre), &via(ISP, &[64500]), &["0.0.0.0/0"])]);
    tell(&mut rib, ends(feed(ISP, Policy::Pre)));
    assert_eq!(
        asked(&rib, "20.38.1.1"),
        "only withdrawals before policy from peer 203.0.113.2: it needs soft-reconfiguration inbound"
    );
}

#[test]
fn the_loc_rib_is_the_routers_own_word() {
    let mut rib = site();
    let chosen = Feed { peer: loc(), policy: Policy::Loc };
    tell(
        &mut rib,
        [
            announce(feed(MSEE_1, Policy::Post), &via(MSEE_1, &[12076]), &["20.38.0.0/16"]),
            announce(feed(ISP, Policy::Post), &via(ISP, &[64500, 8075]), &["20.38.0.0/16", "20.38.64.0/24"]),
            up(loc(), 65010),
            announce(chosen, &via(ISP, &[64500, 8075]), &["20.38.0.0/16"]),
        ],
    );
    assert_eq!(asked(&rib, "20.38.64.9"), "no End-of-RIB yet from the Loc-RIB");
    tell(&mut rib, ends(chosen));
    let found = rib.lookup(ip(CE), ip("20.38.64.9"), now());
    assert_eq!(shown(&found), "20.38.0.0/16 by loc");
    let Lookup::Found(answer) = found else { panic!("no route") };
    assert_eq!(answer.choice, Choice::Decided(Rule::LocRib));
    assert!(answer.routes[0].is_by(ip(ISP)) && !answer.routes[0].is_by(ip(MSEE_1)));
}

#[test]
fn the_latent_route_is_what_stands_behind_all_that_vanish() {
    let mut rib = site();
    tell(
        &mut rib,
        [
            announce(feed(MSEE_1, Policy::Post), &via(MSEE_1, &[12076]), &["20.38.0.0/16", "20.0.0.0/8"]),
            announce(feed(MSEE_2, Policy::Post), &via(MSEE_2, &[12076]), &["20.38.0.0/16"]),
            announce(feed(ISP, Policy::Post), &via(ISP, &[64500]), &["0.0.0.0/0"]),
        ],
    );
    let closed = [ip(MSEE_1), ip(MSEE_2)];
    let latent =
        rib.latent(ip(CE), ip("20.38.1.1"), now(), |route| closed.iter().any(|peer| route.is_by(*peer)));
    assert_eq!(shown(&latent.lookup), "0.0.0.0/0 by 198.51.100.1");
    assert_eq!((latent.before, latent.complete), (3, true));
    let latent = rib.latent(ip(CE), ip("20.38.1.1"), now(), |route| route.is_by(ip(MSEE_1)));
    assert_eq!(shown(&latent.lookup), "20.38.0.0/16 by 203.0.113.6");
    assert_eq!((latent.before, latent.complete), (1, true));
    tell(&mut rib, [withdraw(feed(ISP, Policy::Post), &["0.0.0.0/0"])]);
    let latent =
        rib.latent(ip(CE), ip("20.38.1.1"), now(), |route| closed.iter().any(|peer| route.is_by(*peer)));
    assert_eq!((latent.lookup, latent.before, latent.complete), (Lookup::Nothing, 3, true));
}

#[test]
fn behind_a_loc_rib_stands_what_the_neighbours_offer_and_without_their_feeds_nothing_is_proved() {
    let mut rib = connected();
    let chosen = Feed { peer: loc(), policy: Policy::Loc };
    tell(&mut rib, [up(peer(MSEE_1), 12076), up(peer(ISP), 64500), up(loc(), 65010)]);
    tell(&mut rib, [announce(chosen, &via(MSEE_1, &[12076]), &["20.38.0.0/16"])]);
    tell(&mut rib, ends(chosen));
    let latent = rib.latent(ip(CE), ip("20.38.1.1"), now(), |route| route.is_by(ip(MSEE_1)));
    assert_eq!((latent.lookup, latent.before, latent.complete), (Lookup::Nothing, 1, false));
    // The same prefix from the provider, not chosen today.
    tell(&mut rib, [announce(feed(MSEE_1, Policy::Post), &via(MSEE_1, &[12076]), &["20.38.0.0/16"])]);
    tell(&mut rib, [announce(feed(ISP, Policy::Post), &via(ISP, &[64500, 8075]), &["20.38.0.0/16"])]);
    tell(&mut rib, ends(feed(MSEE_1, Policy::Post)));
    tell(&mut rib, ends(feed(ISP, Policy::Post)));
    let latent = rib.latent(ip(CE), ip("20.38.1.1"), now(), |route| route.is_by(ip(MSEE_1)));
    assert_eq!(shown(&latent.lookup), "20.38.0.0/16 by 198.51.100.1");
    assert_eq!((latent.before, latent.complete), (1, true));
}

#[test]
fn a_default_route_is_told_by_who_offers_it_whole_or_in_halves() {
    let mut rib = site();
    let of = |rib: &closedpath_core::rib::Rib, by: &str, family| {
        rib.default_from(ip(CE), ip(by), family, now(), |_| true)
    };
    tell(&mut rib, [announce(feed(ISP, Policy::Post), &via(ISP, &[64500]), &["0.0.0.0/0"])]);
    assert_eq!(of(&rib, ISP, Family::V4), Ok(Some(DefaultRoute::Zero)));
    assert_eq!(of(&rib, MSEE_1, Family::V4), Ok(None));
    tell(&mut rib, [announce(feed(MSEE_1, Policy::Post), &via(MSEE_1, &[12076]), &["0.0.0.0/1", "::/0"])]);
    assert_eq!(of(&rib, MSEE_1, Family::V4), Ok(None), "half of it is no default route");
    tell(&mut rib, [announce(feed(MSEE_1, Policy::Post), &via(MSEE_1, &[12076]), &["128.0.0.0/1"])]);
    assert_eq!(of(&rib, MSEE_1, Family::V4), Ok(Some(DefaultRoute::Halves)));
    assert_eq!(of(&rib, MSEE_1, Family::V6), Ok(Some(DefaultRoute::Zero)));
    assert_eq!(of(&rib, ISP, Family::V6), Ok(None));
    // The halves are longer than the provider's whole one: Internet through Azure.
    assert_eq!(asked(&rib, "192.0.2.77"), "128.0.0.0/1 by 203.0.113.2");
}

#[test]
fn what_one_neighbour_offers_is_found_though_another_has_the_longer_prefix() {
    let mut rib = site();
    tell(&mut rib, [announce(feed(MSEE_1, Policy::Post), &via(MSEE_1, &[12076]), &["20.38.0.0/16"])]);
    tell(&mut rib, [announce(feed(ISP, Policy::Post), &via(ISP, &[64500]), &["20.38.1.0/24"])]);
    let offered = |by: &str| shown(&rib.offered(ip(CE), ip(by), ip("20.38.1.1"), now()));
    assert_eq!(offered(MSEE_1), "20.38.0.0/16 by 203.0.113.2");
    assert_eq!(offered(ISP), "20.38.1.0/24 by 198.51.100.1");
    assert_eq!(offered(MSEE_2), "nothing");
}

#[test]
fn a_loop_is_told_before_policy_but_is_no_route() {
    let mut rib = connected();
    tell(&mut rib, [up(peer(MSEE_1), 12076)]);
    let own = feed(MSEE_1, Policy::Pre);
    tell(&mut rib, [announce(own, &via(MSEE_1, &[65010, 12076]), &["20.38.0.0/16", "20.39.0.0/16"])]);
    tell(&mut rib, ends(own));
    assert_eq!(asked(&rib, "20.39.0.1"), "20.39.0.0/16 by 203.0.113.2");
    tell(&mut rib, [announce(own, &via(MSEE_1, &[65010, 12076, 65010, 64500]), &["20.39.0.0/16"])]);
    assert_eq!(asked(&rib, "20.39.0.1"), "nothing");
    assert_eq!(asked(&rib, "20.38.0.1"), "20.38.0.0/16 by 203.0.113.2");
}
