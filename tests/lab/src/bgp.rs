//! BGP at the site's edge: a real `bgpd` (FRR) on the customer edge, on each MSEE and at the provider, and the edge's table
//! sent over BMP to the agent's host. The kernel's routes stay those of the [`Position`]; the routers announce the same.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::lab::Lab;
use crate::nursery;
use crate::plan::{AGENT_HOST, LINKS, Link, PREFIXES};
use crate::position::{DefaultRoute, Internet, Multipath, Position};
use crate::tools::command;

/// Where the edge sends its table.
pub const BMP_PORT: u16 = 11019;
/// The edge, as it connects there.
pub const BMP_ROUTER: &str = "192.168.1.1";

/// The program; Debian keeps it out of the search path.
const BGPD: &str = "/usr/lib/frr/bgpd";
/// How long a router may take until it answers its terminal.
const PATIENCE: Duration = Duration::from_secs(10);
/// The edge's neighbours and their AS.
const NEIGHBOURS: [(&str, u32); 6] =
    [("mse1p", 12076), ("mse2p", 12076), ("mse1m", 12076), ("mse2m", 12076), ("isp", 64500), ("psp", 64501)];

/// The routers; they end with this.
#[derive(Debug)]
pub(crate) struct Routers {
    running: Vec<Child>,
}

impl Drop for Routers {
    fn drop(&mut self) {
        for child in &mut self.running {
            // Both fail only when it has ended already.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Lab {
    /// Starts BGP on the edge and around it. From now on the switches move what is announced, too, and the configuration
    /// `Full` has `[bmp]`.
    ///
    /// # Errors
    /// FRR is missing, or a router does not start.
    pub fn start_bgp(&mut self) -> Result<()> {
        if !Path::new(BGPD).exists() {
            bail!("{BGPD} is missing: the package frr has it; install it with `sudo tests/install`");
        }
        let mut running = Vec::new();
        for (node, asn) in NEIGHBOURS {
            let link = to_edge(node)?;
            running.push(self.router(
                node,
                &[link.b_addresses().0.to_string()],
                &far(node, asn, link, self.position),
            )?);
        }
        let own: Vec<String> = NEIGHBOURS
            .iter()
            .map(|(node, _)| Ok(to_edge(node)?.a_addresses().0.to_string()))
            .collect::<Result<_>>()?;
        running.push(self.router("ce", &own, &edge()?)?);
        let routers = Routers { running };
        for node in NEIGHBOURS.iter().map(|(node, _)| *node).chain(["ce"]) {
            let began = Instant::now();
            while self.tell(node, &["show version"]).is_err() {
                if began.elapsed() > PATIENCE {
                    bail!(
                        "the bgpd of `{node}` did not answer; see {}",
                        self.bgp_dir(node).join("log").display()
                    );
                }
                std::thread::sleep(Duration::from_millis(5));
            }
        }
        // What is up when the edge connects gets an End-of-RIB; what comes up later is waited for.
        let began = Instant::now();
        let peers = |said: String| said.matches("\"bgpState\":\"Established\"").count();
        while peers(self.tell("ce", &["show bgp neighbors json"])?) < NEIGHBOURS.len() {
            if began.elapsed() > PATIENCE {
                bail!(
                    "the routers around the edge do not all come up; see {}",
                    self.bgp_dir("ce").join("log").display()
                );
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        let connect = format!("bmp connect {AGENT_HOST} port {BMP_PORT} min-retry 100 max-retry 1000");
        self.tell("ce", &["configure", "router bgp 65010", "bmp targets site", &connect])?;
        self.bgp = Some(routers);
        Ok(())
    }

    /// Whether BGP was started.
    pub fn speaks_bgp(&self) -> bool {
        self.bgp.is_some()
    }

    /// Announces and withdraws what differs between two positions.
    pub(crate) fn announce(&self, old: Position, new: Position) -> Result<()> {
        if self.bgp.is_none() {
            return Ok(());
        }
        for (node, asn) in NEIGHBOURS {
            let (before, after) = (announced(node, old), announced(node, new));
            let mut lines = Vec::new();
            for (v6, prefix) in before.iter().filter(|entry| !after.contains(entry)) {
                lines.push((*v6, format!("no network {prefix}")));
            }
            for (v6, prefix) in after.iter().filter(|entry| !before.contains(entry)) {
                lines.push((*v6, format!("network {prefix}")));
            }
            if lines.is_empty() {
                continue;
            }
            let mut commands = vec!["configure".to_owned(), format!("router bgp {asn}")];
            for (v6, line) in lines {
                let family = if v6 { "ipv6" } else { "ipv4" };
                commands.extend([
                    format!("address-family {family} unicast"),
                    line,
                    "exit-address-family".into(),
                ]);
            }
            let commands: Vec<&str> = commands.iter().map(String::as_str).collect();
            self.tell(node, &commands)?;
        }
        Ok(())
    }

    fn bgp_dir(&self, node: &str) -> PathBuf {
        self.dir().join(format!("bgp-{node}"))
    }

    fn router(&self, node: &str, listen: &[String], config: &str) -> Result<Child> {
        let dir = self.bgp_dir(node);
        fs::create_dir_all(&dir)?;
        let file = dir.join("bgpd.conf");
        fs::write(&file, config)?;
        let (dir, file) = (dir.display().to_string(), file.display().to_string());
        let pid = format!("{dir}/bgpd.pid");
        let mut argv =
            vec![BGPD, "-M", "bmp", "--no_zebra", "--no_kernel", "-S", "-P", "0", "-f", &file, "-i", &pid];
        argv.extend(["--vty_socket", &dir, "--log", "stdout"]);
        for address in listen {
            argv.extend(["-l", address]);
        }
        let log = fs::File::create(format!("{dir}/log"))?;
        let mut command = self.node(node)?.command(&argv);
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        nursery::spawn(command).with_context(|| format!("cannot start {argv:?}"))
    }

    /// Commands on the terminal of a router.
    pub(crate) fn tell(&self, node: &str, commands: &[&str]) -> Result<String> {
        let mut vtysh = command("vtysh");
        vtysh.arg("--vty_socket").arg(self.bgp_dir(node)).args(["-d", "bgpd"]);
        for line in commands {
            vtysh.args(["-c", line]);
        }
        let output = vtysh.output().context("cannot start `vtysh`")?;
        if !output.status.success() {
            bail!("{commands:?} on `{node}`: {}", String::from_utf8_lossy(&output.stdout));
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }
}

fn to_edge(node: &str) -> Result<&'static Link> {
    LINKS
        .iter()
        .find(|link| link.a == "ce" && link.b == node)
        .with_context(|| format!("no link from ce to {node}"))
}

/// What a neighbour of the edge announces, each with whether it is IPv6.
fn announced(node: &str, position: Position) -> Vec<(bool, String)> {
    let up = match node {
        "mse1p" | "mse1m" => position.msees && position.primary,
        "isp" => position.internet == Internet::Open,
        "psp" => position.peering_service,
        _ => position.msees,
    };
    let mut all = Vec::new();
    let mut add = |v4: &str, v6: Option<&str>| {
        all.push((false, v4.to_owned()));
        all.extend(v6.map(|v6| (true, v6.to_owned())));
    };
    match node {
        _ if !up => {}
        "isp" => {
            add("0.0.0.0/0", Some("::/0"));
            for prefix in PREFIXES.iter().filter(|prefix| prefix.node == "azure") {
                if position.multipath == Multipath::Edge {
                    add(prefix.v4, Some(prefix.v6));
                }
            }
        }
        "psp" => {
            for prefix in PREFIXES.iter().filter(|prefix| ["azure", "afd"].contains(&prefix.node)) {
                add(prefix.v4, Some(prefix.v6));
            }
        }
        "mse1m" | "mse2m" => {
            for prefix in PREFIXES.iter().filter(|prefix| prefix.node == "azure") {
                add(prefix.v4, Some(prefix.v6).filter(|_| !position.ipv6_leak));
            }
        }
        _ => {
            add("10.100.0.0/16", Some("2001:db8:100::/48"));
            if position.default_route == DefaultRoute::ViaAzure {
                add("0.0.0.0/0", Some("::/0"));
            }
        }
    }
    all
}

/// The configuration of a neighbour. Without zebra it knows no own IPv6 address: a route-map names the next hop. Route-maps
/// come first: until FRR reads one that it has been told to use, and five seconds longer, it announces nothing.
fn far(node: &str, asn: u32, link: &Link, position: Position) -> String {
    let (edge, (own, own_v6)) = (link.a_addresses().0, link.b_addresses());
    let networks = |v6: bool| -> String {
        let of = announced(node, position).into_iter().filter(|(is_v6, _)| *is_v6 == v6);
        of.map(|(_, prefix)| format!("  network {prefix}\n")).collect()
    };
    // Behind a peering service is Microsoft's own network: the path is longer than that of ExpressRoute.
    let longer = if node == "psp" { " set as-path prepend 8075\n" } else { "" };
    format!(
        "route-map own4 permit 10\n{longer}!\nroute-map own permit 10\n{longer} set ipv6 next-hop global {own_v6}\n!\n\
         router bgp {asn}\n bgp router-id {own}\n no bgp ebgp-requires-policy\n no bgp network import-check\n \
         neighbor {edge} remote-as 65010\n neighbor {edge} update-source {own}\n neighbor {edge} ebgp-multihop 3\n \
         neighbor {edge} timers connect 1\n neighbor {edge} advertisement-interval 0\n neighbor {edge} passive\n \
         address-family ipv4 unicast\n  neighbor {edge} route-map own4 out\n{} exit-address-family\n \
         address-family ipv6 unicast\n  neighbor {edge} activate\n  neighbor {edge} route-map own out\n{} exit-address-family\n!\n",
        networks(false),
        networks(true)
    )
}

/// The configuration of the edge: it tells its neighbours nothing, and the agent's host everything after policy.
fn edge() -> Result<String> {
    let mut text = "router bgp 65010\n bgp router-id 192.168.1.1\n no bgp ebgp-requires-policy\n".to_owned();
    let mut active = (String::new(), String::new());
    for (node, asn) in NEIGHBOURS {
        let link = to_edge(node)?;
        let (own, far) = (link.a_addresses().0, link.b_addresses().0);
        text += &format!(
            " neighbor {far} remote-as {asn}\n neighbor {far} update-source {own}\n neighbor {far} ebgp-multihop 3\n \
             neighbor {far} timers connect 1\n"
        );
        active.0 += &format!("  neighbor {far} route-map none out\n");
        active.1 += &format!("  neighbor {far} activate\n  neighbor {far} route-map none out\n");
    }
    Ok(text
        + &format!(
            " address-family ipv4 unicast\n{} exit-address-family\n address-family ipv6 unicast\n{} exit-address-family\n \
             bmp targets site\n  bmp monitor ipv4 unicast post-policy\n  bmp monitor ipv6 unicast post-policy\n!\nroute-map none deny 10\n!\n",
            active.0, active.1
        ))
}
