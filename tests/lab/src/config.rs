//! The agent's configuration for this network (contract: TOML, unknown keys are errors). Text from the plan.

use std::fmt::Write;
use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::bgp::{BMP_PORT, BMP_ROUTER};
use crate::lab::Lab;
use crate::plan::{AGENT_HOST, LAN, LINKS, LOAD_NAMES, ONPREM, RESOLVER, SILENT_RESOLVER, VNET};
use crate::position::{Multipath, Position};
use crate::truth::{Kind, TRUTH, Truth};

/// Which configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConfigVariant {
    /// Everything declared: topology, links, circuit, three workloads, and `[bmp]` once [`Lab::start_bgp`] was called.
    /// File `agent.toml`.
    Full,
    /// The same without topology, links and circuit: no path can be told.
    NoTopology,
    /// The resolver is an address that never answers.
    ResolverDown,
    /// As `Full`, with two workloads that stand for all networks and hold no dead ends: quick in every position.
    Patterns,
    /// One workload with the 400 names of `load.example`, timeout 3 s.
    Load,
}

impl Lab {
    /// Writes the configuration below the lab's directory and gives its path.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn config(&self, variant: ConfigVariant) -> Result<PathBuf> {
        let name = match variant {
            ConfigVariant::Full => "agent.toml",
            ConfigVariant::NoTopology => "agent-no-topology.toml",
            ConfigVariant::ResolverDown => "agent-resolver-down.toml",
            ConfigVariant::Patterns => "agent-patterns.toml",
            ConfigVariant::Load => "agent-load.toml",
        };
        let path = self.dir().join(name);
        fs::write(&path, self.text(variant)?).with_context(|| format!("cannot write {}", path.display()))?;
        Ok(path)
    }

    fn text(&self, variant: ConfigVariant) -> Result<String> {
        let (state, root) = (self.state_dir()?, self.root_certificate());
        let (timeout, resolver) = match variant {
            ConfigVariant::Load => ("3s", RESOLVER),
            ConfigVariant::Patterns => ("1s", RESOLVER),
            ConfigVariant::ResolverDown => ("2s", SILENT_RESOLVER),
            ConfigVariant::Full | ConfigVariant::NoTopology => ("2s", RESOLVER),
        };
        let mut text = format!(
            "[agent]\nsite = \"lab\"\nstate_dir = \"{}\"\ntrust_anchors = [\"{}\"]\n
[http]\nlisten = [\"127.0.0.1:9806\"]\n
[probe]\ntimeout = \"{timeout}\"\ninterval = \"10s\"\ntrace_interval = \"30s\"\n
[[resolver]]\nname = \"onprem\"\nservers = [\"{resolver}\"]\n",
            state.display(),
            root.display()
        );
        if variant != ConfigVariant::NoTopology {
            text += &topology(self.position());
            if self.speaks_bgp() {
                let _ = write!(
                    text,
                    "\n[bmp]\nlisten = \"{AGENT_HOST}:{BMP_PORT}\"\nallow = [\"{BMP_ROUTER}\"]\n"
                );
            }
        }
        text += &match variant {
            ConfigVariant::Load => load(),
            ConfigVariant::Patterns => patterns(),
            ConfigVariant::Full | ConfigVariant::NoTopology | ConfigVariant::ResolverDown => workloads(),
        };
        Ok(text)
    }
}

/// Topology, links and circuit. No interface, and no next hop unless there are several: the host has one for all links.
/// The links that are idle at the baseline are declared where the switches use them.
fn topology(position: Position) -> String {
    let mut text = format!("\n[topology]\nonprem = {ONPREM:?}\nvnet = {VNET:?}\n");
    let two_edges = position.multipath == Multipath::Host;
    for (name, (near, far), edge, pool) in [
        ("er-primary-private", ("ce", "mse1p"), "er_private", None),
        ("er-secondary-private", ("ce", "mse2p"), "er_private", None),
        ("er-primary-ms", ("ce", "mse1m"), "er_microsoft", Some("198.51.100.16/29")),
        ("er-secondary-ms", ("ce", "mse2m"), "er_microsoft", Some("198.51.100.24/29")),
        ("internet", ("ce", "isp"), "internet", Some("203.0.113.1/32")),
        ("internet-2", ("fw", "isp"), "internet", Some("203.0.113.57/32")),
        ("peering-service", ("ce", "psp"), "internet", Some("203.0.113.72/29")),
    ] {
        if (name == "internet-2" && !two_edges) || (name == "peering-service" && !position.peering_service) {
            continue;
        }
        let _ = write!(text, "\n[[link]]\nname = \"{name}\"\nedge = \"{edge}\"\n");
        if let Some(link) = LINKS.iter().find(|link| link.a == near && link.b == far) {
            let (v4, v6) = link.b_addresses();
            let key = if edge == "internet" { "hops" } else { "msee" };
            let _ = writeln!(text, "{key} = [\"{v4}\", \"{v6}\"]");
            if near == "ce" {
                let _ = writeln!(text, "bgp_peer = [\"{v4}\"]");
            }
        }
        if name == "peering-service" {
            text += "peering_service = true\n";
        }
        for anchor in LAN.iter().filter(|anchor| two_edges && anchor.node == near) {
            let _ = writeln!(text, "next_hop = [\"{}\", \"{}\"]", alone(anchor.v4), alone(anchor.v6));
        }
        if edge != "internet" {
            text += "circuit = \"tokyo-1\"\n";
        }
        if let Some(pool) = pool {
            let _ = writeln!(text, "nat_pool = [\"{pool}\"]");
        }
    }
    text + "\n[circuit.tokyo-1]\nsku = \"standard\"\nlocation = \"Tokyo\"\n"
}

/// `closed`: what must be on ExpressRoute. `closed-except`: the same kind, by a client that checks revocation and
/// may reach the CA. `observe`: everything else, odd servers and dead ends included.
fn workloads() -> String {
    let mut text = workload("backup", "closed", "client_profile = \"openssl\"\n");
    for host in ["acct.blob.azure.example", "app.vnet.example", "blob.azure.example", "v6only.azure.example"]
    {
        text += &target("backup", host, 443, "tls");
    }
    text += &workload(
        "portal",
        "closed-except",
        "allow = [\"*.pki.example:80\"]\nclient_profile = \"curl-schannel\"\n",
    );
    for host in ["arm.azure.example", "staple.azure.example", "pe.vnet.example"] {
        text += &target("portal", host, 443, "tls");
    }
    text += &workload("rest", "observe", "client_profile = \"openssl\"\n");
    let told = ["acct.", "app.", "blob.", "v6only.", "arm.", "staple.", "pe."];
    let rest = TRUTH.iter().filter(|truth| truth.kind == Kind::Tls);
    for Truth { host, .. } in rest.filter(|truth| !told.iter().any(|name| truth.host.starts_with(name))) {
        text += &target("rest", host, 443, "tls");
    }
    text
}

/// An address without its prefix length.
fn alone(address: &str) -> &str {
    address.split_once('/').map_or(address, |(address, _)| address)
}

/// What is promised to be on ExpressRoute, and some of everything else.
fn patterns() -> String {
    let mut text = workload("promised", "closed", "client_profile = \"openssl\"\n");
    for host in [
        "acct.blob.azure.example",
        "app.vnet.example",
        "blob.azure.example",
        "arm.azure.example",
        "v6only.azure.example",
    ] {
        text += &target("promised", host, 443, "tls");
    }
    text += &workload("rest", "observe", "client_profile = \"curl-schannel\"\n");
    for host in ["split.azure.example", "portal.afd.example", "assets.cdn.example", "refuse.cdn.example"] {
        text += &target("rest", host, 443, "tls");
    }
    text
}

fn load() -> String {
    let mut text = workload("load", "observe", "client_profile = \"openssl\"\n");
    for index in 0..LOAD_NAMES {
        text += &target("load", &format!("n{index:03}.load.example"), 443, "tls");
    }
    text
}

fn workload(name: &str, policy: &str, more: &str) -> String {
    format!("\n[[workload]]\nname = \"{name}\"\npolicy = \"{policy}\"\n{more}")
}

fn target(workload: &str, host: &str, port: u16, probe: &str) -> String {
    format!(
        "\n[[target]]\nworkload = \"{workload}\"\nhost = \"{host}\"\nport = {port}\nprobe = \"{probe}\"\n"
    )
}
