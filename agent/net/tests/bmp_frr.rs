//! A real FRR tells its table over BMP. Needs root, `ip`, and `bgpd` with its BMP module.
#![allow(clippy::unwrap_used)]

mod edge;
mod netns;

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use closedpath_core::rib::{
    Choice, Community, DefaultRoute, Family, Lookup, Policy, Rib, Rule, Undecided, from_show_bgp,
};
use closedpath_net::bmp::from_mrt;
use edge::{Bgpd, Far, ISP, ISP_V6, MSEE, ROUTER, asked, in_namespace, ip, later, shown, station, until};

/// An edge router by FRR (AS 65010) and its neighbours.
struct Site {
    ce: Bgpd,
    far: Far,
    folder: PathBuf,
}

impl Site {
    /// `ce` are more lines for the edge router, where its BGP section stands.
    fn start(tag: &str, port: u16, monitor: &str, ce: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("closedpath-frr-{}-{tag}", std::process::id()));
        let neighbour = |address: &str, asn: u32, own: &str| {
            format!(
                " neighbor {address} remote-as {asn}\n neighbor {address} port 1790\n \
                 neighbor {address} update-source {own}\n neighbor {address} ebgp-multihop 3\n \
                 neighbor {address} timers connect 1\n"
            )
        };
        let edge = [
            "router bgp 65010\n bgp router-id 192.0.2.1\n no bgp ebgp-requires-policy\n",
            &neighbour(MSEE, 12076, "192.0.2.1"),
            &neighbour(ISP, 64500, "192.0.2.1"),
            &neighbour("2001:db8:203::2", 12076, "2001:db8:2::1"),
            &neighbour(ISP_V6, 64500, "2001:db8:2::1"),
            // Never answers.
            &neighbour("198.51.100.200", 64501, "192.0.2.1"),
            // Without zebra it knows no own IPv6 address to name as a next hop: it tells its neighbours nothing.
            " address-family ipv4 unicast\n  no neighbor 2001:db8:203::2 activate\n  no neighbor 2001:db8:51::1 activate\n \
             exit-address-family\n address-family ipv6 unicast\n  neighbor 2001:db8:203::2 activate\n  neighbor 2001:db8:51::1 activate\n  \
             neighbor 2001:db8:203::2 route-map none out\n  neighbor 2001:db8:51::1 route-map none out\n \
             exit-address-family\n",
            ce,
            &format!(" bmp targets site\n{monitor}  bmp connect {ROUTER} port {port} min-retry 100 max-retry 1000\n!\nroute-map none deny 10\n!\n"),
        ]
        .concat();
        Self {
            far: Far::start(&folder),
            ce: Bgpd::start(&folder.join("ce"), &["192.0.2.1", "2001:db8:2::1"], &edge),
            folder,
        }
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

const BOTH_POLICIES: &str = "  bmp stats interval 1000\n  bmp monitor ipv4 unicast pre-policy\n  \
     bmp monitor ipv4 unicast post-policy\n  bmp monitor ipv6 unicast pre-policy\n  bmp monitor ipv6 unicast post-policy\n";

#[test]
fn frr_tells_routes_of_both_families_and_their_end_and_every_change() {
    in_namespace("all", "frr_tells_routes_of_both_families_and_their_end_and_every_change", async {
        let station = station().await;
        let site = Site::start("all", station.local_addr().port(), BOTH_POLICIES, "");
        let settled = |rib: &Rib| {
            let wanted = asked(rib, "20.38.1.1") == "20.38.0.0/16 by 203.0.113.2"
                && asked(rib, "20.150.1.1") == "20.150.0.0/17 by 203.0.113.2"
                && asked(rib, "20.38.64.1") == "20.38.64.0/24 by 198.51.100.1"
                && asked(rib, "20.40.0.1") == "20.40.0.0/16 by 198.51.100.1"
                && asked(rib, "2001:db8:20::1") == "2001:db8:20::/48 by 2001:db8:203::2"
                && asked(rib, "192.0.2.77") == "0.0.0.0/0 by 198.51.100.1"
                && asked(rib, "2001:db8:99::1") == "::/0 by 2001:db8:51::1";
            wanted.then_some(())
        };
        until(&station, "the first tables", settled).await;
        {
            let table = station.table();
            let table = table.read().await;
            let Lookup::Found(answer) = table.lookup(ip(ROUTER), ip("20.150.1.1"), later()) else {
                panic!("no route")
            };
            assert_eq!(answer.choice, Choice::Decided(Rule::OnlyCandidate));
            let route = answer.routes[0];
            assert_eq!((route.asn, route.policy, route.external), (12076, Policy::Post, true));
            assert_eq!(route.attributes.as_path.to_string(), "12076");
            assert_eq!(route.attributes.next_hop, Some(ip(MSEE)));
            assert_eq!(*route.attributes.communities, [Community(12076, 5060), Community(12076, 51004)]);
            let by_isp = table.default_from(ip(ROUTER), ip(ISP), Family::V4, later(), |_| true);
            assert_eq!(by_isp, Ok(Some(DefaultRoute::Zero)));
            assert_eq!(table.default_from(ip(ROUTER), ip(MSEE), Family::V4, later(), |_| true), Ok(None));
            let never =
                table.peers(later()).into_iter().find(|p| p.peer.neighbour == Some(ip("198.51.100.200")));
            assert!(never.is_none_or(|state| !state.up));
            // Without soft-reconfiguration FRR tells nothing before policy.
            let msee = table.peers(later()).into_iter().find(|p| p.peer.neighbour == Some(ip(MSEE))).unwrap();
            assert_eq!((msee.pre, msee.post), (0, 2));
            let latent = table.latent(ip(ROUTER), ip("20.150.1.1"), later(), |route| route.is_by(ip(MSEE)));
            assert_eq!((shown(&latent.lookup), latent.before), ("0.0.0.0/0 by 198.51.100.1".to_owned(), 1));
        }
        // One prefix goes.
        site.far.isp.vty(&[
            "configure",
            "router bgp 64500",
            "address-family ipv4 unicast",
            "no network 20.38.64.0/24",
        ]);
        until(&station, "the withdrawal", |rib| {
            (asked(rib, "20.38.64.1") == "20.38.0.0/16 by 203.0.113.2").then_some(())
        })
        .await;
        // The same prefix from both: FRR sends no LOCAL_PREF for external peers, so nothing is guessed.
        site.far.isp.vty(&[
            "configure",
            "router bgp 64500",
            "address-family ipv4 unicast",
            "network 20.38.0.0/16",
        ]);
        until(&station, "the second route", |rib| {
            let Lookup::Found(answer) = rib.lookup(ip(ROUTER), ip("20.38.1.1"), later()) else { return None };
            (answer.routes.len() == 2).then(|| {
                assert_eq!(answer.choice, Choice::Undecided(Undecided::LocalPrefUnknown));
            })
        })
        .await;
        // The circuit goes down, and comes back.
        site.ce.vty(&["configure", "router bgp 65010", &format!("neighbor {MSEE} shutdown")]);
        until(&station, "peer down", |rib| {
            (asked(rib, "20.150.1.1") == "0.0.0.0/0 by 198.51.100.1").then_some(())
        })
        .await;
        site.ce.vty(&["configure", "router bgp 65010", &format!("no neighbor {MSEE} shutdown")]);
        until(&station, "peer up again", |rib| {
            (asked(rib, "20.150.1.1") == "20.150.0.0/17 by 203.0.113.2").then_some(())
        })
        .await;
        // The router itself goes.
        drop(site);
        until(&station, "session lost", |rib| {
            (asked(rib, "20.150.1.1") == "the router's table is stale").then_some(())
        })
        .await;
    });
}

#[test]
fn frr_before_policy_needs_soft_reconfiguration_and_without_it_its_silence_is_no_answer() {
    const TEST: &str = "frr_before_policy_needs_soft_reconfiguration_and_without_it_its_silence_is_no_answer";
    in_namespace("pre", TEST, async {
        let station = station().await;
        let monitor = "  bmp monitor ipv4 unicast pre-policy\n";
        // The MSEE's routes are kept as they came, those of the provider are not.
        let soft = format!(
            " address-family ipv4 unicast\n  neighbor {MSEE} soft-reconfiguration inbound\n exit-address-family\n"
        );
        let site = Site::start("pre", station.local_addr().port(), monitor, &soft);
        until(&station, "the MSEE's routes before policy", |rib| {
            rib.peers(later()).iter().any(|p| p.peer.neighbour == Some(ip(MSEE)) && p.pre == 2).then_some(())
        })
        .await;
        let doubt =
            "only withdrawals before policy from peer 198.51.100.1: it needs soft-reconfiguration inbound";
        until(&station, "the provider's storm", |rib| (asked(rib, "20.150.1.1") == doubt).then_some(()))
            .await;
        drop(site);
    });
}

#[test]
fn frr_dumps_and_shows_the_same_table() {
    in_namespace("dump", "frr_dumps_and_shows_the_same_table", async {
        let station = station().await;
        let site = Site::start("dump", station.local_addr().port(), BOTH_POLICIES, "");
        until(&station, "the first tables", |rib| {
            (asked(rib, "20.150.1.1") == "20.150.0.0/17 by 203.0.113.2"
                && asked(rib, "2001:db8:20::1") == "2001:db8:20::/48 by 2001:db8:203::2"
                && asked(rib, "2001:db8:99::1") == "::/0 by 2001:db8:51::1"
                && asked(rib, "192.0.2.77") == "0.0.0.0/0 by 198.51.100.1")
                .then_some(())
        })
        .await;
        // What both hold must be asked for until all of it is there: the monitor hears of a route before the best is chosen, and
        // what is written so far of a dump parses too.
        let whole = |rib: &Rib| {
            let there = [
                ("20.38.64.9", "20.38.64.0/24 "),
                ("20.150.1.1", "20.150.0.0/17 "),
                ("192.0.2.77", "0.0.0.0/0 "),
                ("2001:db8:20::9", "2001:db8:20::/48 "),
                ("2001:db8:99::1", "::/0 "),
            ];
            there.iter().all(|(ip, prefix)| asked(rib, ip).starts_with(prefix))
        };
        let show = |family: &str| site.ce.vty(&[&format!("show bgp {family} unicast json")]);
        let told = async {
            loop {
                let (v4, v6) = (show("ipv4"), show("ipv6"));
                let texts = [(Family::V4, v4.as_bytes()), (Family::V6, v6.as_bytes())];
                let updates = from_show_bgp(&texts, ip(ROUTER), later() + Duration::from_secs(60)).unwrap();
                let mut rib = Rib::default();
                updates.iter().for_each(|update| rib.apply(update, SystemTime::now()));
                if whole(&rib) {
                    return rib;
                }
                tokio::task::yield_now().await;
            }
        };
        let shown_table =
            tokio::time::timeout(Duration::from_secs(30), told).await.expect("it is shown in time");
        let dump = site.folder.join("dump.mrt");
        site.ce.vty(&["configure", &format!("dump bgp routes-mrt {} 1", dump.display())]);
        let dumped = async {
            loop {
                // The file is renamed when it is whole only by its size: read until it parses with both families in it.
                let bytes = std::fs::read(&dump).unwrap_or_default();
                if let Ok(updates) =
                    from_mrt(&bytes, ip(ROUTER), Some(65010), later() + Duration::from_secs(60))
                {
                    let mut rib = Rib::default();
                    updates.iter().for_each(|update| rib.apply(update, SystemTime::now()));
                    if whole(&rib) {
                        return rib;
                    }
                }
                tokio::task::yield_now().await;
            }
        };
        let dumped = tokio::time::timeout(Duration::from_secs(30), dumped).await.expect("a dump in time");
        for rib in [&shown_table, &dumped] {
            let by = |destination: &str| match rib.lookup(ip(ROUTER), ip(destination), later()) {
                Lookup::Found(answer) => format!(
                    "{} {} {:?}",
                    answer.prefix,
                    answer.routes[0].attributes.as_path,
                    answer.routes[0].attributes.next_hop.unwrap()
                ),
                other => shown(&other),
            };
            assert_eq!(by("20.38.64.9"), "20.38.64.0/24 64500 198.51.100.1");
            assert_eq!(by("20.150.1.1"), "20.150.0.0/17 12076 203.0.113.2");
            assert_eq!(by("192.0.2.77"), "0.0.0.0/0 64500 198.51.100.1");
            assert_eq!(by("2001:db8:20::9"), "2001:db8:20::/48 12076 2001:db8:203::2");
        }
        // `show bgp` leaves communities out, a dump keeps them.
        let communities = dumped.communities_from(ip(ROUTER), ip(MSEE), later()).unwrap();
        assert!(communities.contains_key(&Community(12076, 51004)), "{communities:?}");
        assert!(shown_table.communities_from(ip(ROUTER), ip(MSEE), later()).unwrap().is_empty());
        assert!(matches!(
            shown_table.lookup(ip(ROUTER), ip("20.150.1.1"), later()),
            Lookup::Found(answer) if answer.choice == Choice::Decided(Rule::LocRib)
        ));
    });
}
