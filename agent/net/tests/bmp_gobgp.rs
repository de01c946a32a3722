//! A real GoBGP tells its table over BMP. Needs root, `ip`, `gobgpd`, and FRR for its neighbours.
#![allow(clippy::unwrap_used)]

mod edge;
mod netns;

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use closedpath_core::rib::{Choice, Community, Lookup, Policy, Rule};
use edge::{Far, ISP, ISP_V6, MSEE, ROUTER, asked, in_namespace, ip, later, station, until};

/// An edge router by GoBGP (AS 65010) and its neighbours; both end with the test.
struct Site {
    gobgpd: Child,
    far: Far,
    folder: PathBuf,
}

impl Site {
    /// `policy` is its `route-monitoring-policy`.
    fn start(tag: &str, port: u16, policy: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("closedpath-gobgp-{}-{tag}", std::process::id()));
        let far = Far::start(&folder);
        let neighbour = |address: &str, asn: u32, own: &str, family: &str| {
            format!(
                "[[neighbors]]\n[neighbors.config]\nneighbor-address = \"{address}\"\npeer-as = {asn}\n\
                 [neighbors.transport.config]\nlocal-address = \"{own}\"\nremote-port = 1790\n\
                 [neighbors.ebgp-multihop.config]\nenabled = true\nmultihop-ttl = 3\n\
                 [neighbors.timers.config]\nconnect-retry = 1\n\
                 [[neighbors.afi-safis]]\n[neighbors.afi-safis.config]\nafi-safi-name = \"{family}-unicast\"\n"
            )
        };
        let config = [
            "[global.config]\nas = 65010\nrouter-id = \"192.0.2.1\"\nport = 1790\n\
             local-address-list = [\"192.0.2.1\", \"2001:db8:2::1\"]\n",
            &format!(
                "[[bmp-servers]]\n[bmp-servers.config]\naddress = \"{ROUTER}\"\nport = {port}\n\
                 route-monitoring-policy = \"{policy}\"\n"
            ),
            &neighbour(MSEE, 12076, "192.0.2.1", "ipv4"),
            &neighbour(ISP, 64500, "192.0.2.1", "ipv4"),
            &neighbour("2001:db8:203::2", 12076, "2001:db8:2::1", "ipv6"),
            &neighbour(ISP_V6, 64500, "2001:db8:2::1", "ipv6"),
        ]
        .concat();
        let file = folder.join("gobgpd.toml");
        std::fs::write(&file, config).unwrap();
        let log = std::fs::File::create(folder.join("gobgpd.log")).unwrap();
        let mut gobgpd = Command::new("gobgpd");
        gobgpd.arg("-f").arg(&file).args(["--api-hosts", "127.0.0.1:50051", "--pprof-disable"]);
        let gobgpd = gobgpd.stdout(log).stderr(Stdio::null()).spawn();
        Self { gobgpd: gobgpd.expect("gobgpd is installed (tests/install)"), far, folder }
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        let _ = self.gobgpd.kill();
        let _ = self.gobgpd.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// Both families, the default routes of both and the longer ones of the MSEE, in the words of [`asked`].
const TOLD: [(&str, &str); 5] = [
    ("20.38.1.1", "20.38.0.0/16 by 203.0.113.2"),
    ("20.150.1.1", "20.150.0.0/17 by 203.0.113.2"),
    ("192.0.2.77", "0.0.0.0/0 by 198.51.100.1"),
    ("2001:db8:20::1", "2001:db8:20::/48 by 2001:db8:203::2"),
    ("2001:db8:99::1", "::/0 by 2001:db8:51::1"),
];

#[test]
fn gobgp_tells_routes_of_both_families_and_every_change() {
    in_namespace("gobgp", "gobgp_tells_routes_of_both_families_and_every_change", async {
        let station = station().await;
        let site = Site::start("all", station.local_addr().port(), "post-policy");
        until(&station, "the first tables", |rib| {
            TOLD.iter().all(|(to, told)| asked(rib, to) == *told).then_some(())
        })
        .await;
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
        }
        // One prefix goes.
        let family = ["configure", "router bgp 64500", "address-family ipv4 unicast"];
        site.far.isp.vty(&[&family[..], &["no network 20.38.64.0/24"]].concat());
        until(&station, "the withdrawal", |rib| {
            (asked(rib, "20.38.64.1") == "20.38.0.0/16 by 203.0.113.2").then_some(())
        })
        .await;
        // The circuit goes down.
        site.far.msee.vty(&["configure", "router bgp 12076", "neighbor 192.0.2.1 shutdown"]);
        until(&station, "peer down", |rib| {
            (asked(rib, "20.150.1.1") == "0.0.0.0/0 by 198.51.100.1").then_some(())
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
fn gobgp_tells_what_it_chose_and_what_came_before_policy() {
    in_namespace("gobgp-loc", "gobgp_tells_what_it_chose_and_what_came_before_policy", async {
        let station = station().await;
        let _site = Site::start("loc", station.local_addr().port(), "all");
        until(&station, "the first tables", |rib| {
            let Lookup::Found(answer) = rib.lookup(ip(ROUTER), ip("20.150.1.1"), later()) else {
                return None;
            };
            // The default route of the ISP may come first.
            let chosen = answer.choice == Choice::Decided(Rule::LocRib);
            (chosen && answer.routes[0].attributes.next_hop == Some(ip(MSEE))).then_some(())
        })
        .await;
        until(&station, "the routes before policy", |rib| {
            let peers = rib.peers(later());
            peers
                .iter()
                .any(|p| p.peer.neighbour == Some(ip(MSEE)) && (p.pre, p.post) == (2, 2))
                .then_some(())
        })
        .await;
    });
}
