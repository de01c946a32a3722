//! Which addresses a host that was named by the network may lead to (DESIGN §5).
//!
//! The decision is made on the very address that is dialled, so a name cannot change its mind in between.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::config::Plan;
use crate::tables::CaHosts;
use crate::target::is_private;

/// Metadata and platform addresses of clouds, reachable from inside them only.
const PLATFORM: [IpAddr; 3] = [
    IpAddr::V4(Ipv4Addr::new(169, 254, 169, 254)),
    IpAddr::V4(Ipv4Addr::new(168, 63, 129, 16)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)),
];

/// Why `ip` must not be contacted for the host of a URL that came from the network; `None` if it may.
pub fn refusal(plan: &Plan, host: &str, ip: IpAddr) -> Option<String> {
    let ip = embedded(ip);
    if PLATFORM.contains(&ip) {
        return Some(format!("{ip} is a cloud platform's own address"));
    }
    if ip.is_loopback() || ip.is_unspecified() || ip.is_multicast() || is_link_local(ip) {
        return Some(format!("{ip} is a loopback, unspecified, link-local or multicast address"));
    }
    if ip == IpAddr::V4(Ipv4Addr::BROADCAST) {
        return Some(format!("{ip} is the broadcast address"));
    }
    if plan.fetch.allow_private.iter().any(|allowed| allowed == host) {
        return None;
    }
    if is_private(ip) {
        return Some(format!("{ip} is a private address"));
    }
    let declared = plan.topology.onprem.iter().chain(&plan.topology.vnet).any(|net| net.contains(&ip));
    declared.then(|| format!("{ip} is inside topology.onprem or topology.vnet"))
}

/// Why a proxy must not be asked for `host`, which our resolvers lead to `addresses`: the proxy would go where we must not. What
/// does not resolve here, as at many sites without a way out, is only asked for where the documents or the operator name it.
pub fn refusal_behind_proxy(
    plan: &Plan,
    documented: &CaHosts,
    host: &str,
    addresses: &[IpAddr],
) -> Option<String> {
    if let Some(why) = addresses.iter().find_map(|ip| refusal(plan, host, *ip)) {
        return Some(format!("{why}, and a proxy must not be asked for it either"));
    }
    let named =
        documented.is_documented(host) || plan.fetch.allow_private.iter().any(|allowed| allowed == host);
    (addresses.is_empty() && !named).then(|| {
        format!("{host} does not resolve here, so where a proxy would go for it is not known (fetch.allow_private names hosts that may be asked for all the same)")
    })
}

/// The IPv4 address inside a mapped, NAT64 (RFC 6052) or 6to4 (RFC 3056) address: it is what would be reached.
fn embedded(ip: IpAddr) -> IpAddr {
    let IpAddr::V6(v6) = ip.to_canonical() else { return ip.to_canonical() };
    let [a, b, c, d, .., g, h] = v6.segments();
    let v4 = |high: u16, low: u16| {
        let [w, x] = high.to_be_bytes();
        let [y, z] = low.to_be_bytes();
        IpAddr::V4(Ipv4Addr::new(w, x, y, z))
    };
    match (a, b) {
        (0x64, 0xff9b) => v4(g, h),
        (0x2002, _) => v4(b, c),
        (0, 0)
            if c == 0 && d == 0 && (g, h) != (0, 0) && (g, h) != (0, 1) && v6.segments()[4..6] == [0, 0] =>
        {
            v4(g, h)
        }
        _ => IpAddr::V6(v6),
    }
}

fn is_link_local(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(v4) => v4.is_link_local(),
        IpAddr::V6(v6) => v6.is_unicast_link_local(),
    }
}

#[cfg(test)]
mod tests {
    use super::refusal;
    use crate::config::Plan;

    fn refuses(plan: &Plan, ip: &str) -> bool {
        refusal(plan, "crl.corp.example", ip.parse().expect("literal")).is_some()
    }

    #[test]
    fn network_supplied_urls_reach_public_addresses_only() {
        let mut plan = Plan::default();
        plan.topology.vnet = vec!["198.51.100.0/24".parse().expect("literal")];
        for ip in [
            "127.0.0.1",
            "0.0.0.0",
            "169.254.169.254",
            "168.63.129.16",
            "10.1.2.3",
            "100.64.0.1",
            "224.0.0.1",
            "::1",
            "::",
            "fe80::1",
            "fd00:ec2::254",
            "fd12::1",
            "ff02::1",
            "::ffff:10.0.0.1",
            "::ffff:127.0.0.1",
            "64:ff9b::a9fe:a9fe",
            "2002:7f00:1::",
            "::7f00:1",
            "198.51.100.7",
            "255.255.255.255",
        ] {
            assert!(refuses(&plan, ip), "{ip} must be refused");
        }
        for ip in ["192.0.2.1", "203.0.113.9", "2001:db8::1", "64:ff9b::cb00:7109"] {
            assert!(!refuses(&plan, ip), "{ip} must be allowed");
        }
    }

    #[test]
    fn an_allowed_host_may_be_private_but_never_loopback_or_metadata() {
        let mut plan = Plan::default();
        plan.fetch.allow_private = vec!["crl.corp.example".into()];
        assert!(!refuses(&plan, "10.1.2.3"));
        assert!(refuses(&plan, "127.0.0.1"));
        assert!(refuses(&plan, "169.254.169.254"));
        assert!(refusal(&plan, "other.example", "10.1.2.3".parse().expect("literal")).is_some());
    }
}
