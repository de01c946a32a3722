//! Sets of addresses, for counting: prefixes go in, sorted spans that neither touch nor overlap come out.

use std::net::IpAddr;

use ipnet::IpNet;

/// Addresses of both families, IPv4 ones as IPv4-mapped.
pub struct Space(Vec<(u128, u128)>);

impl Space {
    pub fn new(nets: impl IntoIterator<Item = IpNet>) -> Self {
        let mut spans: Vec<_> =
            nets.into_iter().map(|net| (bits(net.network()), bits(net.broadcast()))).collect();
        spans.sort_unstable();
        let mut joined: Vec<(u128, u128)> = Vec::new();
        for (start, end) in spans {
            match joined.last_mut() {
                Some(last) if start <= last.1.saturating_add(1) => last.1 = last.1.max(end),
                _ => joined.push((start, end)),
            }
        }
        Self(joined)
    }

    /// How many addresses.
    pub fn size(&self) -> u128 {
        self.0.iter().map(|(start, end)| end - start + 1).sum()
    }

    /// How many of the prefix's addresses are in it.
    pub fn share_of(&self, net: IpNet) -> u128 {
        let (start, end) = (bits(net.network()), bits(net.broadcast()));
        let common = self.0.iter().map(|span| (span.0.max(start), span.1.min(end)));
        common.filter(|(start, end)| start <= end).map(|(start, end)| end - start + 1).sum()
    }

    /// Whether the whole prefix is in it.
    pub fn contains(&self, net: IpNet) -> bool {
        self.share_of(net) == size(net)
    }

    /// Whether any of the prefix is in it.
    pub fn touches(&self, net: IpNet) -> bool {
        self.share_of(net) > 0
    }
}

/// How many addresses a prefix has.
pub fn size(net: IpNet) -> u128 {
    bits(net.broadcast()) - bits(net.network()) + 1
}

fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped().into(),
        IpAddr::V6(address) => address.into(),
    }
}

#[test]
fn addresses_are_counted_once_and_families_stay_apart() {
    let net = |text: &str| text.parse::<IpNet>().expect("a prefix");
    let space = Space::new(["192.0.2.0/25", "192.0.2.128/25", "192.0.2.0/28", "2001:db8::/126"].map(net));
    assert_eq!(space.0.len(), 2);
    assert_eq!(space.size(), 256 + 4);
    assert!(space.contains(net("192.0.2.0/24")) && !space.contains(net("192.0.2.0/23")));
    assert_eq!(space.share_of(net("192.0.0.0/16")), 256);
    assert!(space.touches(net("2001:db8::3/128")) && !space.touches(net("2001:db8::4/128")));
    assert!(!space.touches(net("198.51.100.0/24")));
}
