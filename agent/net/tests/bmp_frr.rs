//! A real FRR tells its table over BMP. Needs root, `ip`, and `bgpd` with its BMP module.
//!
//! One namespace, everything on its loopback: the edge router (AS 65010), an MSEE (AS 12076) and a provider (AS 64500).
#![allow(clippy::unwrap_used)]

mod netns;

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, SystemTime};

use closedpath_core::rib::{
    Choice, Community, DefaultRoute, Family, Limits, Lookup, Policy, Rib, Rule, Undecided, from_show_bgp,
};
use closedpath_net::Station;
use closedpath_net::bmp::from_mrt;
use netns::{Namespaces, inside};

const ROUTER: &str = "127.0.0.1";
const MSEE: &str = "203.0.113.2";
const ISP: &str = "198.51.100.1";
const ISP_V6: &str = "2001:db8:51::1";

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// Late enough for the session and every peer to be settled: FRR sends no End-of-RIB for peers that come up after it connected.
fn later() -> SystemTime {
    SystemTime::now() + Duration::from_secs(40)
}

/// A `bgpd` that ends with the test.
struct Bgpd {
    child: Child,
    folder: PathBuf,
}

impl Bgpd {
    fn start(folder: &Path, listen: &[&str], config: &str) -> Self {
        std::fs::create_dir_all(folder).unwrap();
        std::fs::write(folder.join("bgpd.conf"), config).unwrap();
        let mut bgpd = Command::new("/usr/lib/frr/bgpd");
        bgpd.args(["-M", "bmp", "--no_zebra", "--no_kernel", "-S", "-p", "1790", "-P", "0"]);
        for address in listen {
            bgpd.args(["-l", address]);
        }
        bgpd.arg("-f").arg(folder.join("bgpd.conf"));
        bgpd.arg("-i").arg(folder.join("bgpd.pid"));
        bgpd.arg("--vty_socket").arg(folder);
        bgpd.args(["--log", "stdout"]).stdout(std::fs::File::create(folder.join("log")).unwrap());
        let child = bgpd.stderr(Stdio::null()).spawn().expect("bgpd is installed (tests/install)");
        Self { child, folder: folder.to_owned() }
    }

    /// What `vtysh` answers; the first time it may have to wait for the socket.
    fn vty(&self, commands: &[&str]) -> String {
        let mut vtysh = Command::new("vtysh");
        vtysh.arg("--vty_socket").arg(&self.folder).args(["-d", "bgpd"]);
        for command in commands {
            vtysh.args(["-c", command]);
        }
        let output = vtysh.output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{commands:?}: {said}{}", String::from_utf8_lossy(&output.stderr));
        said
    }
}

impl Drop for Bgpd {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The three routers of a site.
struct Site {
    ce: Bgpd,
    _msee: Bgpd,
    isp: Bgpd,
    folder: PathBuf,
}

impl Site {
    /// `ce` are more lines for the edge router, where its BGP section stands.
    fn start(tag: &str, port: u16, monitor: &str, ce: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("closedpath-frr-{}-{tag}", std::process::id()));
        let far = |asn: u32, own: &str, own_v6: &str, routes: &str| {
            format!(
                "router bgp {asn}\n bgp router-id {own}\n no bgp ebgp-requires-policy\n no bgp network import-check\n \
                 neighbor 192.0.2.1 remote-as 65010\n neighbor 192.0.2.1 port 1790\n \
                 neighbor 192.0.2.1 update-source {own}\n neighbor 192.0.2.1 ebgp-multihop 3\n \
                 neighbor 192.0.2.1 timers connect 1\n neighbor 192.0.2.1 passive\n \
                 neighbor 2001:db8:2::1 remote-as 65010\n neighbor 2001:db8:2::1 update-source {own_v6}\n \
                 neighbor 2001:db8:2::1 ebgp-multihop 3\n neighbor 2001:db8:2::1 passive\n{routes}\
                 route-map own permit 10\n set ipv6 next-hop global {own_v6}\n!\n"
            )
        };
        let msee = far(
            12076,
            MSEE,
            "2001:db8:203::2",
            " address-family ipv4 unicast\n  no neighbor 2001:db8:2::1 activate\n  network 20.38.0.0/16 route-map azure\n  network 20.150.0.0/17 route-map azure\n \
             exit-address-family\n address-family ipv6 unicast\n  neighbor 2001:db8:2::1 activate\n  neighbor 2001:db8:2::1 route-map own out\n  \
             network 2001:db8:20::/48 route-map azure\n exit-address-family\n!\n\
             route-map azure permit 10\n set community 12076:51004 12076:5060\n!\n",
        );
        // The default route and others with the same attributes, so that they share a message.
        let isp = far(
            64500,
            ISP,
            ISP_V6,
            " address-family ipv4 unicast\n  no neighbor 2001:db8:2::1 activate\n  network 0.0.0.0/0\n  network 20.38.64.0/24\n  network 20.39.0.0/16\n  \
             network 20.40.0.0/16\n exit-address-family\n address-family ipv6 unicast\n  \
             neighbor 2001:db8:2::1 activate\n  neighbor 2001:db8:2::1 route-map own out\n  network ::/0\n  network 2001:db8:30::/48\n exit-address-family\n!\n",
        );
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
            _msee: Bgpd::start(&folder.join("msee"), &[MSEE, "2001:db8:203::2"], &msee),
            isp: Bgpd::start(&folder.join("isp"), &[ISP, ISP_V6], &isp),
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

/// Waits for the table to become so, at most a minute.
async fn until<T>(station: &Station, what: &str, so: impl Fn(&Rib) -> Option<T>) -> T {
    let mut changes = station.changes();
    let table = station.table();
    let waiting = async {
        loop {
            if let Some(found) = so(&*table.read().await) {
                return found;
            }
            changes.changed().await.unwrap();
        }
    };
    match tokio::time::timeout(Duration::from_secs(20), waiting).await {
        Ok(found) => found,
        Err(_) => {
            let table = table.read().await;
            let peers = table.peers(later()).into_iter().map(|p| {
                let (pre, post) = (p.pre, p.post);
                format!("{:?} up={} pre={pre} post={post}\n", p.peer.neighbour, p.up)
            });
            let probes = ["20.38.1.1", "20.150.1.1", "192.0.2.77", "2001:db8:20::1", "2001:db8:99::1"];
            let answers: Vec<_> = probes.iter().map(|probe| asked(&table, probe)).collect();
            panic!("{what} did not come: {answers:#?}\n{}", peers.collect::<String>());
        }
    }
}

/// The matched prefix and the neighbours.
fn shown(lookup: &Lookup<'_>) -> String {
    match lookup {
        Lookup::Found(answer) => {
            let who = answer
                .routes
                .iter()
                .map(|route| route.peer.neighbour.map_or("loc".into(), |ip| ip.to_string()));
            format!("{} by {}", answer.prefix, who.collect::<Vec<_>>().join(" "))
        }
        Lookup::Nothing => "nothing".into(),
        Lookup::Unknown(doubt) => doubt.to_string(),
    }
}

fn asked(rib: &Rib, destination: &str) -> String {
    shown(&rib.lookup(ip(ROUTER), ip(destination), later()))
}

fn in_namespace(tag: &str, test: &str, body: impl Future<Output = ()>) {
    if inside() {
        return tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(body);
    }
    let spaces = Namespaces::new(tag, &["site"]);
    for address in ["192.0.2.1/32", "203.0.113.2/32", "198.51.100.1/32"] {
        spaces.ip("site", &format!("addr add {address} dev lo\n"));
    }
    for address in ["2001:db8:2::1/128", "2001:db8:203::2/128", "2001:db8:51::1/128"] {
        spaces.ip("site", &format!("addr add {address} dev lo\n"));
    }
    spaces.run_test_with("site", test, "+all");
}

const BOTH_POLICIES: &str = "  bmp stats interval 1000\n  bmp monitor ipv4 unicast pre-policy\n  \
     bmp monitor ipv4 unicast post-policy\n  bmp monitor ipv6 unicast pre-policy\n  bmp monitor ipv6 unicast post-policy\n";

async fn station() -> Station {
    Station::listen("127.0.0.1:0".parse().unwrap(), &[ip(ROUTER)], Limits::default()).await.unwrap()
}

#[test]
fn frr_tells_routes_of_both_families_and_their_end_and_every_change() {
    in_namespace("all", "frr_tells_routes_of_both_families_and_their_end_and_every_change", async {
        let station = station().await;
        let site = Site::start("all", station.local_addr().port(), BOTH_POLICIES, "");
        let settled = |rib: &Rib| {
            let wanted = asked(rib, "20.38.1.1") == "20.38.0.0/16 by 203.0.113.2"
                && asked(rib, "2001:db8:20::1") == "2001:db8:20::/48 by 2001:db8:203::2"
                && asked(rib, "192.0.2.77") == "0.0.0.0/0 by 198.51.100.1"
                && asked(rib, "2001:db8:99::1") == "::/0 by 2001:db8:51::1";
            wanted.then_some(())
        };
        until(&station, "the first tables", settled).await;
        {
            let table = station.table();
            let table = table.read().await;
            assert_eq!(asked(&table, "20.38.64.1"), "20.38.64.0/24 by 198.51.100.1");
            assert_eq!(asked(&table, "20.40.0.1"), "20.40.0.0/16 by 198.51.100.1");
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
        site.isp.vty(&[
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
        site.isp.vty(&[
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
