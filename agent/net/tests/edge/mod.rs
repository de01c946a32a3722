//! What the edge router of a site speaks with, whichever program it is: an MSEE (AS 12076) and a provider (AS 64500), both by
//! FRR, and the station that its BMP session ends at. One namespace, everything on its loopback.
#![allow(dead_code, clippy::unwrap_used)]

use std::net::IpAddr;
use std::path::Path;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, SystemTime};

use closedpath_core::rib::{Limits, Lookup, Rib};
use closedpath_net::Station;

use crate::netns::{Namespaces, inside};

pub const ROUTER: &str = "127.0.0.1";
pub const MSEE: &str = "203.0.113.2";
pub const ISP: &str = "198.51.100.1";
pub const ISP_V6: &str = "2001:db8:51::1";

pub fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// Late enough for the session and every peer to be settled: FRR sends no End-of-RIB for peers that come up after it connected.
pub fn later() -> SystemTime {
    SystemTime::now() + Duration::from_secs(40)
}

/// A `bgpd` that ends with the test.
pub struct Bgpd {
    child: Child,
    folder: PathBuf,
}

impl Bgpd {
    pub fn start(folder: &Path, listen: &[&str], config: &str) -> Self {
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
    pub fn vty(&self, commands: &[&str]) -> String {
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

/// The far ends of a site's two ways out.
pub struct Far {
    pub msee: Bgpd,
    pub isp: Bgpd,
}

impl Far {
    pub fn start(folder: &Path) -> Self {
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
        Self {
            msee: Bgpd::start(&folder.join("msee"), &[MSEE, "2001:db8:203::2"], &msee),
            isp: Bgpd::start(&folder.join("isp"), &[ISP, ISP_V6], &isp),
        }
    }
}

/// Waits for the table to become so, at most a minute.
pub async fn until<T>(station: &Station, what: &str, so: impl Fn(&Rib) -> Option<T>) -> T {
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
    match tokio::time::timeout(Duration::from_secs(60), waiting).await {
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
pub fn shown(lookup: &Lookup<'_>) -> String {
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

pub fn asked(rib: &Rib, destination: &str) -> String {
    shown(&rib.lookup(ip(ROUTER), ip(destination), later()))
}

pub fn in_namespace(tag: &str, test: &str, body: impl Future<Output = ()>) {
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

pub async fn station() -> Station {
    Station::listen("127.0.0.1:0".parse().unwrap(), &[ip(ROUTER)], Limits::default()).await.unwrap()
}
