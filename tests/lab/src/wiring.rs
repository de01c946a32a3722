//! Turns the plan into input for `ip -batch` and `nft -f`: links, addresses, local prefixes, NAT. Pure text.

use std::fmt::Write;

use crate::plan::{
    Gateway, LAN, LINKS, NAT, PREFIXES, SECURE_ACCESS_EDGE, SILENT_RESOLVER, SITE_PROXY, VNET_EXIT,
    VNET_GATEWAY,
};
use crate::position::Route;

/// `ip -batch` input that makes the links whose first end is `node`; `pid` finds the namespace of the other end.
pub(crate) fn links(node: &str, pid: impl Fn(&str) -> u32) -> String {
    let mut batch = String::new();
    for link in LINKS.iter().filter(|link| link.a == node) {
        let (far, other) = (link.b, pid(link.b));
        let _ = writeln!(batch, "link add name {far} type veth peer name {node} netns {other}");
    }
    if node == "switch" {
        let _ = writeln!(batch, "link add name segment type bridge");
        let _ = writeln!(batch, "link set segment up");
        for anchor in &LAN {
            let (port, other) = (anchor.node, pid(anchor.node));
            let _ = writeln!(batch, "link add name {port} type veth peer name lan netns {other}");
            let _ = writeln!(batch, "link set {port} master segment up");
        }
    }
    batch
}

/// `ip -batch` input that gives `node` its addresses and local prefixes and brings its interfaces up.
pub(crate) fn addresses(node: &str) -> String {
    let mut batch = String::new();
    for link in &LINKS {
        let ((v4, v6), interface) = match (link.a == node, link.b == node) {
            (true, _) => (link.a_addresses(), link.b),
            (_, true) => (link.b_addresses(), link.a),
            _ => continue,
        };
        let _ = writeln!(batch, "addr add {v4}/30 dev {interface}");
        let _ = writeln!(batch, "addr add {v6}/126 dev {interface} nodad");
        let _ = writeln!(batch, "link set {interface} up");
    }
    for anchor in LAN.iter().filter(|anchor| anchor.node == node) {
        let _ = writeln!(batch, "addr add {} dev lan", anchor.v4);
        let _ = writeln!(batch, "addr add {} dev lan nodad", anchor.v6);
        let _ = writeln!(batch, "link set lan up");
    }
    if node == "dns" {
        let _ = writeln!(batch, "addr add {SILENT_RESOLVER}/24 dev lan");
        let _ = writeln!(batch, "addr add {}/24 dev lan", SITE_PROXY.0);
    }
    if node == "vnet" {
        for exit in VNET_EXIT {
            let _ = writeln!(batch, "addr add {exit} dev lo");
        }
    }
    for Gateway { address, inside, .. } in
        [&VNET_GATEWAY, &SECURE_ACCESS_EDGE].into_iter().filter(|end| end.node == node)
    {
        let _ = writeln!(batch, "link add name gateway type bridge\nlink set gateway up");
        // strongSwan wants an address of its own in what it protects.
        let _ = writeln!(batch, "addr add {address} dev gateway\naddr add {inside} dev gateway");
    }
    for prefix in PREFIXES.iter().filter(|prefix| prefix.node == node) {
        let _ = writeln!(batch, "route add local {} dev lo", prefix.v4);
        let _ = writeln!(batch, "route add local {} dev lo", prefix.v6);
    }
    batch
}

/// `ip -batch` input that adds (`verb` = `add`) or takes away (`del`) those `routes` that belong to `node`.
pub(crate) fn routes<'a>(node: &str, verb: &str, routes: impl Iterator<Item = &'a Route>) -> String {
    let mut batch = String::new();
    for Route { route, .. } in routes.filter(|route| route.node == node) {
        let _ = writeln!(batch, "route {verb} {route}");
    }
    batch
}

/// The `nft` rule set of `node`, if it has one.
pub(crate) fn rules(node: &str) -> Option<String> {
    match node {
        "void" => Some(VOID.to_owned()),
        "dns" => Some(format!(
            "table ip silent {{ chain input {{ type filter hook input priority 0;\n  ip daddr {SILENT_RESOLVER} drop\n}}\n}}\n"
        )),
        _ => {
            let lines: String = NAT.iter().filter(|nat| nat.node == node).map(translation).collect();
            (!lines.is_empty()).then(|| {
                format!("table inet translate {{ chain out {{ type nat hook postrouting priority srcnat;\n{lines}}}\n}}\n")
            })
        }
    }
}

/// `nft` input that puts `chains` in the place of what the switches had put there.
pub(crate) fn switched(chains: &str) -> String {
    let empty = "table inet switched\ndelete table inet switched\n";
    if chains.is_empty() { empty.to_owned() } else { format!("{empty}table inet switched {{\n{chains}}}\n") }
}

/// Everything but the refusing addresses is dropped without a word; neighbour discovery goes on.
const VOID: &str = "table inet void { chain arrive { type filter hook prerouting priority raw;
  ip daddr 192.0.2.210 accept
  ip6 daddr 2001:db8:dd::210 accept
  meta l4proto { tcp, udp, icmp } drop
  icmpv6 type echo-request drop
}
}
";

fn translation(nat: &crate::plan::Nat) -> String {
    let mut lines = format!("  oifname \"{}\" ip saddr 192.168.0.0/16 snat ip to {}\n", nat.out, nat.v4);
    if let Some((v6, _)) = nat.v6 {
        let _ = writeln!(lines, "  oifname \"{}\" ip6 saddr 2001:db8:1::/48 snat ip6 to {v6}", nat.out);
    }
    lines
}
