//! Nodes, links and prefixes.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A network namespace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Node {
    /// Short name, used for `Lab::exec` and for the interfaces that lead to it.
    pub name: &'static str,
    /// What it stands for.
    pub is: &'static str,
    /// Whether it forwards packets.
    pub router: bool,
}

/// All nodes.
pub const NODES: [Node; 18] = [
    Node { name: "host", is: "the server the agent runs on", router: false },
    Node { name: "dns", is: "the site's resolver", router: false },
    // Not a bridge on the edge itself: bridged packets would meet the edge's NAT, and a bridge that has an address
    // waits up to a second for its carrier before it answers an IPv6 neighbour.
    Node { name: "switch", is: "the site's LAN: host, dns and ce are plugged in", router: false },
    Node { name: "ce", is: "customer edge: LAN, source NAT, routes", router: true },
    Node { name: "fw", is: "a second edge of the site: LAN, source NAT, Internet only", router: true },
    Node { name: "mse1p", is: "primary MSEE, private peering", router: true },
    Node { name: "mse2p", is: "secondary MSEE, private peering", router: true },
    Node { name: "mse1m", is: "primary MSEE, Microsoft peering", router: true },
    Node { name: "mse2m", is: "secondary MSEE, Microsoft peering", router: true },
    Node {
        name: "vnet",
        is: "the VNet with its private endpoints (and an NVA towards the Internet)",
        router: true,
    },
    Node { name: "msw", is: "Microsoft's WAN", router: true },
    Node { name: "azure", is: "public services of one Azure region", router: true },
    Node { name: "isp", is: "the Internet provider", router: true },
    Node { name: "psp", is: "a provider of Azure Peering Service, idle at the baseline", router: true },
    Node { name: "afd", is: "Front Door: Microsoft, but only on the Internet", router: true },
    Node { name: "cdn", is: "a third party's CDN", router: true },
    Node { name: "ca", is: "a public CA: CRL, OCSP, AIA", router: true },
    Node {
        name: "void",
        is: "the rest of the Internet: silent, but for one address that refuses",
        router: true,
    },
];

/// A point-to-point link: a /30 and a /126, the first usable address on `a`, the second on `b`.
#[derive(Debug, Clone, Copy)]
pub struct Link {
    /// Node with the first usable addresses (on an ExpressRoute link: the customer).
    pub a: &'static str,
    /// Node with the second usable addresses (on an ExpressRoute link: the MSEE).
    pub b: &'static str,
    /// Network address of the /30.
    pub v4: Ipv4Addr,
    /// Network address of the /126.
    pub v6: Ipv6Addr,
}

impl Link {
    /// Both addresses of `a`.
    pub fn a_addresses(&self) -> (Ipv4Addr, Ipv6Addr) {
        (Ipv4Addr::from_bits(self.v4.to_bits() + 1), Ipv6Addr::from_bits(self.v6.to_bits() + 1))
    }

    /// Both addresses of `b`.
    pub fn b_addresses(&self) -> (Ipv4Addr, Ipv6Addr) {
        (Ipv4Addr::from_bits(self.v4.to_bits() + 2), Ipv6Addr::from_bits(self.v6.to_bits() + 2))
    }
}

const fn link(a: &'static str, b: &'static str, v4: [u8; 4], v6: [u16; 2]) -> Link {
    let [w, x, y, z] = v4;
    Link { a, b, v4: Ipv4Addr::new(w, x, y, z), v6: Ipv6Addr::new(0x2001, 0xdb8, v6[0], 0, 0, 0, 0, v6[1]) }
}

/// All links but the LAN. An interface has the name of the node it leads to.
pub const LINKS: [Link; 20] = [
    link("ce", "mse1p", [10, 255, 0, 0], [0x255, 0]),
    link("ce", "mse2p", [10, 255, 0, 4], [0x255, 4]),
    link("ce", "mse1m", [198, 51, 100, 0], [0x251, 0]),
    link("ce", "mse2m", [198, 51, 100, 4], [0x251, 4]),
    link("ce", "isp", [203, 0, 113, 0], [0x203, 0]),
    link("mse1p", "vnet", [10, 255, 1, 0], [0x255, 0x100]),
    link("mse2p", "vnet", [10, 255, 1, 4], [0x255, 0x104]),
    link("mse1m", "msw", [203, 0, 113, 16], [0xf, 0x10]),
    link("mse2m", "msw", [203, 0, 113, 20], [0xf, 0x14]),
    link("isp", "msw", [203, 0, 113, 24], [0xf, 0x18]),
    link("msw", "azure", [203, 0, 113, 28], [0xf, 0x1c]),
    link("msw", "vnet", [203, 0, 113, 32], [0xf, 0x20]),
    link("isp", "void", [203, 0, 113, 36], [0xf, 0x24]),
    link("isp", "afd", [203, 0, 113, 40], [0xf, 0x28]),
    link("isp", "cdn", [203, 0, 113, 44], [0xf, 0x2c]),
    link("isp", "ca", [203, 0, 113, 48], [0xf, 0x30]),
    link("ce", "psp", [203, 0, 113, 52], [0x203, 4]),
    link("fw", "isp", [203, 0, 113, 56], [0x203, 8]),
    link("psp", "msw", [203, 0, 113, 60], [0xf, 0x3c]),
    link("psp", "afd", [203, 0, 113, 64], [0xf, 0x40]),
];

/// A node on the LAN with its addresses there; `ce` is the router, `fw` another one.
#[derive(Debug, Clone, Copy)]
pub struct Anchor {
    /// The node.
    pub node: &'static str,
    /// IPv4 address with prefix length.
    pub v4: &'static str,
    /// IPv6 address with prefix length.
    pub v6: &'static str,
}

/// The LAN: each node's interface on it is called `lan`.
pub const LAN: [Anchor; 4] = [
    Anchor { node: "ce", v4: "192.168.1.1/24", v6: "2001:db8:1:1::1/64" },
    Anchor { node: "fw", v4: "192.168.1.2/24", v6: "2001:db8:1:1::2/64" },
    Anchor { node: "host", v4: "192.168.1.10/24", v6: "2001:db8:1:1::10/64" },
    Anchor { node: "dns", v4: "192.168.1.53/24", v6: "2001:db8:1:1::53/64" },
];

/// Where the agent runs.
pub const AGENT_HOST: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 10);
/// The site's resolver.
pub const RESOLVER: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 53);
/// An address of the same machine on which nothing ever answers.
pub const SILENT_RESOLVER: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 54);
/// Where an IPsec tunnel of the agent's host may end.
#[derive(Debug, PartialEq, Eq)]
pub struct Gateway {
    /// The node it is on.
    pub node: &'static str,
    /// Its outer address.
    pub address: Ipv4Addr,
    /// What is reached through the tunnel while it is up.
    pub behind: &'static str,
    /// Its own address in there.
    pub inside: Ipv4Addr,
    /// The addresses that it gives to hosts.
    pub pool: &'static str,
}

/// The VPN gateway in the VNet. Without a tunnel, nothing leads behind it.
pub static VNET_GATEWAY: Gateway = Gateway {
    node: "vnet",
    address: Ipv4Addr::new(10, 100, 255, 4),
    behind: "10.101.0.0/16",
    inside: Ipv4Addr::new(10, 101, 0, 1),
    pool: "10.102.0.0/24",
};

/// An edge of Global Secure Access, and what its Microsoft traffic profile carries: without a tunnel, that is reached directly.
pub static SECURE_ACCESS_EDGE: Gateway = Gateway {
    node: "afd",
    address: Ipv4Addr::new(203, 0, 113, 141),
    behind: "203.0.113.144/28",
    inside: Ipv4Addr::new(203, 0, 113, 145),
    pool: "10.103.0.0/24",
};
/// The forward proxy in the VNet: address and port.
pub const VNET_PROXY: (Ipv4Addr, u16) = (Ipv4Addr::new(10, 100, 1, 6), 3128);
/// The addresses with which it leaves Azure.
pub const VNET_EXIT: [&str; 2] = ["198.51.100.194", "2001:db8:a1::2"];
/// The forward proxy on the site's LAN, on the node of the resolver: address and port.
pub const SITE_PROXY: (Ipv4Addr, u16) = (Ipv4Addr::new(192, 168, 1, 55), 3128);
/// The site's prefixes.
pub const ONPREM: [&str; 2] = ["192.168.0.0/16", "2001:db8:1::/48"];
/// The VNet's prefixes.
pub const VNET: [&str; 2] = ["10.100.0.0/16", "2001:db8:100::/48"];

/// Prefixes whose every address is local to `node`: servers listen on the ones they like, the others refuse.
#[derive(Debug, Clone, Copy)]
pub struct Prefix {
    /// The node they are local to.
    pub node: &'static str,
    /// IPv4 prefix.
    pub v4: &'static str,
    /// IPv6 prefix.
    pub v6: &'static str,
}

/// All such prefixes.
pub const PREFIXES: [Prefix; 7] = [
    Prefix { node: "vnet", v4: "10.100.1.0/24", v6: "2001:db8:100:1::/64" },
    Prefix { node: "vnet", v4: "10.101.1.0/24", v6: "2001:db8:101:1::/64" },
    Prefix { node: "azure", v4: "198.51.100.128/26", v6: "2001:db8:a::/48" },
    Prefix { node: "afd", v4: "203.0.113.128/26", v6: "2001:db8:fd::/48" },
    Prefix { node: "cdn", v4: "192.0.2.64/27", v6: "2001:db8:cd::/48" },
    Prefix { node: "ca", v4: "192.0.2.128/27", v6: "2001:db8:ca::/48" },
    Prefix { node: "void", v4: "192.0.2.192/27", v6: "2001:db8:dd::/48" },
];

/// Source NAT: what leaves `node` by the interface `out` gets these addresses. IPv6 is translated only where
/// `v6` says so. Each pool is used on one link only and routed back over it.
#[derive(Debug, Clone, Copy)]
pub struct Nat {
    /// The node that translates.
    pub node: &'static str,
    /// The interface it leaves by.
    pub out: &'static str,
    /// IPv4 source outside.
    pub v4: &'static str,
    /// The pool it belongs to.
    pub pool: &'static str,
    /// IPv6 source outside, and its prefix.
    pub v6: Option<(&'static str, &'static str)>,
}

/// All translations.
pub const NAT: [Nat; 6] = [
    Nat { node: "ce", out: "isp", v4: "203.0.113.1", pool: "203.0.113.0/30", v6: None },
    Nat { node: "fw", out: "isp", v4: "203.0.113.57", pool: "203.0.113.56/30", v6: None },
    Nat { node: "ce", out: "psp", v4: "203.0.113.73", pool: "203.0.113.72/29", v6: None },
    Nat { node: "ce", out: "mse1m", v4: "198.51.100.17", pool: "198.51.100.16/29", v6: None },
    Nat { node: "ce", out: "mse2m", v4: "198.51.100.25", pool: "198.51.100.24/29", v6: None },
    Nat {
        node: "vnet",
        out: "msw",
        v4: "198.51.100.193",
        pool: "198.51.100.192/28",
        v6: Some(("2001:db8:a1::1", "2001:db8:a1::/48")),
    },
];

/// The node to which `address` is local by one of the [`PREFIXES`].
pub fn node_of(address: IpAddr) -> Option<&'static str> {
    let number = |address| match address {
        IpAddr::V4(v4) => u128::from(v4.to_bits()),
        IpAddr::V6(v6) => v6.to_bits(),
    };
    let within = |text: &str| {
        range(text).is_some_and(|(v6, first, last)| {
            v6 == address.is_ipv6() && (first..=last).contains(&number(address))
        })
    };
    PREFIXES.iter().find(|prefix| within(prefix.v4) || within(prefix.v6)).map(|prefix| prefix.node)
}

/// Whether it is IPv6, the first and the last address of a prefix as numbers.
fn range(prefix: &str) -> Option<(bool, u128, u128)> {
    let (address, length) = prefix.split_once('/')?;
    let length: u32 = length.parse().ok()?;
    let (v6, first, bits) = match address.parse().ok()? {
        IpAddr::V4(v4) => (false, u128::from(v4.to_bits()), 32u32),
        IpAddr::V6(v6) => (true, v6.to_bits(), 128),
    };
    let last = first + (1u128 << bits.checked_sub(length)?) - 1;
    Some((v6, first, last))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_prefixes_overlap() {
        let mut all: Vec<String> =
            LINKS.iter().flat_map(|l| [format!("{}/30", l.v4), format!("{}/126", l.v6)]).collect();
        all.extend(PREFIXES.iter().flat_map(|p| [p.v4.to_owned(), p.v6.to_owned()]));
        all.extend(NAT.iter().filter(|n| n.out != "isp").map(|n| n.pool.to_owned()));
        all.extend(NAT.iter().filter_map(|n| n.v6).map(|(_, prefix)| prefix.to_owned()));
        all.extend(ONPREM.map(str::to_owned));
        for (index, one) in all.iter().enumerate() {
            for other in &all[index + 1..] {
                let (v6, first, last) = range(one).expect("a prefix");
                let (other_v6, other_first, other_last) = range(other).expect("a prefix");
                assert!(v6 != other_v6 || last < other_first || other_last < first, "{one} overlaps {other}");
            }
        }
    }

    #[test]
    fn every_link_and_prefix_names_a_node() {
        let known = |name| NODES.iter().any(|node| node.name == name);
        assert!(LINKS.iter().all(|link| known(link.a) && known(link.b)));
        assert!(PREFIXES.iter().all(|prefix| known(prefix.node)));
    }
}
