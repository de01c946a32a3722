//! How the switches stand, and which routes follow from that. Pure: no commands are run here.

use crate::plan::{LINKS, Link, PREFIXES};

/// Where the customer edge sends what no other route covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DefaultRoute {
    /// To the Internet provider.
    Internet,
    /// To Azure over private peering, as if Azure advertised a default route (an NVA there goes on to the Internet).
    ViaAzure,
}

/// The state of the way to the Internet provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Internet {
    /// It works.
    Open,
    /// There is no route: the customer edge answers "network unreachable" at once.
    NoRoute,
    /// A firewall drops silently: everything times out.
    Dropped,
}

/// Where a route to the Azure region has two next hops of different classes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Multipath {
    /// Nowhere.
    None,
    /// On the customer edge: Microsoft peering and the Internet provider, flow by flow.
    Edge,
    /// On the agent's host: the customer edge and the second edge, which leads to the Internet only.
    Host,
}

/// The position of all switches that move routes or packet filters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// The MSEEs advertise their routes, and the site's are accepted.
    pub msees: bool,
    /// The primary MSEEs do (the secondary ones take over when not).
    pub primary: bool,
    /// The way to the provider.
    pub internet: Internet,
    /// The default route.
    pub default_route: DefaultRoute,
    /// Microsoft peering carries IPv4 only, so IPv6 to the Azure region leaks to the Internet.
    pub ipv6_leak: bool,
    /// Two next hops of different classes.
    pub multipath: Multipath,
    /// A link to a provider of Azure Peering Service is up: it carries what is Microsoft's unless ExpressRoute does.
    pub peering_service: bool,
    /// The MSEEs drop packets whose time is over without a word.
    pub silent_msees: bool,
    /// The edge lets nothing of the agent's host out to the Internet: proxies only.
    pub proxy_only: bool,
    /// The edge takes every connection to port 443 for itself and inspects it.
    pub inspection: bool,
}

/// Everything as promised: both circuits up, the Internet open.
pub const BASELINE: Position = Position {
    msees: true,
    primary: true,
    internet: Internet::Open,
    default_route: DefaultRoute::Internet,
    ipv6_leak: false,
    multipath: Multipath::None,
    peering_service: false,
    silent_msees: false,
    proxy_only: false,
    inspection: false,
};

/// One route of one node in the words of `ip route`, e.g. `10.100.0.0/16 via 10.255.0.2 metric 10`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Route {
    /// The node that has it.
    pub(crate) node: &'static str,
    /// Arguments of `ip route add`.
    pub(crate) route: String,
}

impl Position {
    /// The routes that this position puts in place, besides those that never change.
    pub(crate) fn routes(&self) -> Vec<Route> {
        let mut routes = Routes(Vec::new());
        for (up, metric, private, microsoft) in
            [(self.msees && self.primary, 10, "mse1p", "mse1m"), (self.msees, 20, "mse2p", "mse2m")]
        {
            if !up {
                continue;
            }
            let azure = PREFIXES.iter().find(|prefix| prefix.node == "azure");
            routes.v4("ce", "10.100.0.0/16", private, metric);
            routes.v6("ce", "2001:db8:100::/48", private, metric);
            routes.v4("vnet", "192.168.0.0/16", private, metric);
            routes.v6("vnet", "2001:db8:1::/48", private, metric);
            if let Some(azure) = azure {
                routes.v4("ce", azure.v4, microsoft, metric);
                if !self.ipv6_leak {
                    routes.v6("ce", azure.v6, microsoft, metric);
                    routes.v6("msw", "2001:db8:1::/48", microsoft, metric);
                }
            }
            if self.default_route == DefaultRoute::ViaAzure {
                routes.v4("ce", "0.0.0.0/0", private, metric);
                routes.v6("ce", "::/0", private, metric);
            }
        }
        if self.peering_service {
            for prefix in PREFIXES.iter().filter(|prefix| ["azure", "afd"].contains(&prefix.node)) {
                routes.v4("ce", prefix.v4, "psp", 50);
                routes.v6("ce", prefix.v6, "psp", 50);
            }
        }
        self.multipath(&mut routes);
        match self.internet {
            Internet::Open => {
                routes.v4("ce", "0.0.0.0/0", "isp", 100);
                routes.v6("ce", "::/0", "isp", 100);
            }
            Internet::NoRoute => {}
            Internet::Dropped => {
                routes.add("ce", "blackhole 0.0.0.0/0 metric 100".to_owned());
                routes.add("ce", "blackhole ::/0 metric 100".to_owned());
            }
        }
        routes.0
    }

    /// Routes with two next hops go before all others to the region.
    fn multipath(&self, routes: &mut Routes) {
        let (node, hops) = match self.multipath {
            Multipath::None => return,
            Multipath::Edge => (
                "ce",
                [
                    ["198.51.100.2 dev mse1m", "203.0.113.2 dev isp"],
                    ["2001:db8:251::2 dev mse1m", "2001:db8:203::2 dev isp"],
                ],
            ),
            Multipath::Host => (
                "host",
                [
                    ["192.168.1.1 dev lan", "192.168.1.2 dev lan"],
                    ["2001:db8:1:1::1 dev lan", "2001:db8:1:1::2 dev lan"],
                ],
            ),
        };
        for azure in PREFIXES.iter().filter(|prefix| prefix.node == "azure") {
            for (prefix, [one, other]) in [azure.v4, azure.v6].into_iter().zip(hops) {
                routes.add(node, format!("{prefix} metric 5 nexthop via {one} nexthop via {other}"));
            }
        }
    }

    /// The packet filter that this position puts on `node`, besides the one that never changes: the inside of an `nft` table.
    pub(crate) fn filter(&self, node: &str) -> String {
        let mut chains = String::new();
        if self.silent_msees && node.starts_with("mse") {
            chains += "chain silent { type filter hook output priority 0;
  icmp type time-exceeded drop
  icmpv6 type time-exceeded drop
}
";
        }
        if self.proxy_only && node == "ce" {
            chains += "chain proxies { type filter hook forward priority 0;
  oifname { isp, psp } ip saddr 192.168.1.10 reject with icmpx admin-prohibited
  oifname { isp, psp } ip6 saddr 2001:db8:1:1::10 reject with icmpx admin-prohibited
}
";
        }
        if self.inspection && node == "ce" {
            chains += "chain inspect { type nat hook prerouting priority dstnat;
  iifname lan tcp dport 443 redirect to :8443
}
";
        }
        chains
    }
}

/// The routes that no switch moves.
pub(crate) fn fixed_routes() -> Vec<Route> {
    let mut routes = Routes(Vec::new());
    routes.add("host", "default via 192.168.1.1".to_owned());
    routes.add("host", "default via 2001:db8:1:1::1".to_owned());
    routes.add("dns", "default via 192.168.1.1".to_owned());
    routes.add("dns", "default via 2001:db8:1:1::1".to_owned());
    for (node, pool_route, via) in [
        ("msw", "198.51.100.16/29", "mse1m"),
        ("msw", "198.51.100.24/29", "mse2m"),
        ("msw", "198.51.100.192/28", "vnet"),
        ("msw", "203.0.113.72/29", "psp"),
        ("afd", "203.0.113.72/29", "psp"),
        ("psp", "203.0.113.72/29", "ce"),
    ] {
        routes.v4(node, pool_route, via, 10);
    }
    routes.v6("msw", "2001:db8:a1::/48", "vnet", 10);
    routes.v4("isp", "198.51.100.192/28", "msw", 10);
    routes.v6("isp", "2001:db8:a1::/48", "msw", 10);
    routes.v6("isp", "2001:db8:1::/48", "ce", 10);
    for msee in ["mse1p", "mse2p", "mse1m", "mse2m"] {
        routes.v4(msee, "192.168.0.0/16", "ce", 10);
        routes.v6(msee, "2001:db8:1::/48", "ce", 10);
        routes.both(msee, "198.51.100.16/28", None, "ce");
        let inward = if msee.ends_with('p') { "vnet" } else { "msw" };
        routes.both(msee, "0.0.0.0/0", Some("::/0"), inward);
    }
    for prefix in &PREFIXES {
        let path: &[(&'static str, &'static str)] = match prefix.node {
            "vnet" => &[],
            "azure" => &[("msw", "azure"), ("isp", "msw"), ("psp", "msw")],
            "afd" => &[("isp", "afd"), ("psp", "afd")],
            node => &[("isp", node)],
        };
        for &(from, to) in path {
            routes.both(from, prefix.v4, Some(prefix.v6), to);
        }
    }
    for (node, to) in [
        ("vnet", "msw"),
        ("msw", "isp"),
        ("azure", "msw"),
        ("isp", "void"),
        ("fw", "isp"),
        ("psp", "msw"),
        ("afd", "isp"),
        ("cdn", "isp"),
        ("ca", "isp"),
        ("void", "isp"),
    ] {
        routes.both(node, "0.0.0.0/0", Some("::/0"), to);
    }
    routes.add("vnet", "blackhole 10.100.0.0/16".to_owned());
    routes.add("vnet", "blackhole 2001:db8:100::/48".to_owned());
    routes.0
}

struct Routes(Vec<Route>);

impl Routes {
    fn add(&mut self, node: &'static str, route: String) {
        self.0.push(Route { node, route });
    }

    fn both(&mut self, node: &'static str, v4: &str, v6: Option<&str>, to: &str) {
        self.v4(node, v4, to, 10);
        if let Some(v6) = v6 {
            self.v6(node, v6, to, 10);
        }
    }

    fn v4(&mut self, node: &'static str, prefix: &str, to: &str, metric: u32) {
        if let Some((link, forward)) = between(node, to) {
            let via = if forward { link.b_addresses().0 } else { link.a_addresses().0 };
            self.add(node, format!("{prefix} via {via} dev {to} metric {metric}"));
        }
    }

    fn v6(&mut self, node: &'static str, prefix: &str, to: &str, metric: u32) {
        if let Some((link, forward)) = between(node, to) {
            let via = if forward { link.b_addresses().1 } else { link.a_addresses().1 };
            self.add(node, format!("{prefix} via {via} dev {to} metric {metric}"));
        }
    }
}

/// The link between two nodes, and whether `from` is its `a` end.
fn between(from: &str, to: &str) -> Option<(&'static Link, bool)> {
    LINKS.iter().find_map(|link| match (link.a == from && link.b == to, link.b == from && link.a == to) {
        (true, _) => Some((link, true)),
        (_, true) => Some((link, false)),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_ce(position: Position) -> Vec<String> {
        position.routes().into_iter().filter(|route| route.node == "ce").map(|route| route.route).collect()
    }

    #[test]
    fn withdrawing_leaves_only_the_default_route() {
        let routes = of_ce(Position { msees: false, ..BASELINE });
        assert_eq!(
            routes,
            ["0.0.0.0/0 via 203.0.113.2 dev isp metric 100", "::/0 via 2001:db8:203::2 dev isp metric 100"]
        );
    }

    #[test]
    fn the_secondary_takes_over_when_the_primary_is_down() {
        let routes = of_ce(Position { primary: false, ..BASELINE });
        assert!(routes.contains(&"198.51.100.128/26 via 198.51.100.6 dev mse2m metric 20".to_owned()));
        assert!(!routes.iter().any(|route| route.contains("mse1")));
    }

    #[test]
    fn a_leak_of_ipv6_leaves_ipv4_on_microsoft_peering() {
        let routes = of_ce(Position { ipv6_leak: true, ..BASELINE });
        assert!(routes.iter().any(|route| route.starts_with("198.51.100.128/26 via 198.51.100.2 ")));
        assert!(!routes.iter().any(|route| route.starts_with("2001:db8:a::/48")));
    }
}
