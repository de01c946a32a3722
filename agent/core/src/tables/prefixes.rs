//! Prefixes with values, both families; all prefixes that cover an address.

use std::net::IpAddr;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use prefix_trie::PrefixMap;

/// Values by prefix; one prefix may have several.
#[derive(Clone)]
pub struct PrefixTable<T> {
    v4: PrefixMap<Ipv4Net, Vec<T>>,
    v6: PrefixMap<Ipv6Net, Vec<T>>,
}

impl<T> std::fmt::Debug for PrefixTable<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PrefixTable").field("v4", &self.v4.len()).field("v6", &self.v6.len()).finish()
    }
}

impl<T> Default for PrefixTable<T> {
    fn default() -> Self {
        Self { v4: PrefixMap::new(), v6: PrefixMap::new() }
    }
}

impl<T> PrefixTable<T> {
    /// Adds a value; bits right of the prefix length do not matter.
    pub fn insert(&mut self, prefix: IpNet, value: T) {
        match prefix.trunc() {
            IpNet::V4(net) => self.v4.entry(net).or_default().push(value),
            IpNet::V6(net) => self.v6.entry(net).or_default().push(value),
        }
    }

    /// Every prefix that covers the address, shortest first, with its values.
    pub fn covering(&self, ip: IpAddr) -> Vec<(IpNet, &[T])> {
        match ip {
            IpAddr::V4(ip) => {
                let found = self.v4.cover(&Ipv4Net::from(ip));
                found.map(|(net, values)| (IpNet::V4(net), values.as_slice())).collect()
            }
            IpAddr::V6(ip) => {
                let found = self.v6.cover(&Ipv6Net::from(ip));
                found.map(|(net, values)| (IpNet::V6(net), values.as_slice())).collect()
            }
        }
    }

    /// Whether nothing is in it.
    pub fn is_empty(&self) -> bool {
        self.v4.is_empty() && self.v6.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::PrefixTable;

    #[test]
    fn all_covering_prefixes_are_found_shortest_first_and_families_do_not_mix() {
        let mut table = PrefixTable::default();
        for (prefix, value) in
            [("10.0.0.0/8", 1), ("10.1.0.0/16", 2), ("10.1.0.0/16", 3), ("::/0", 4), ("10.1.2.3/24", 5)]
        {
            table.insert(prefix.parse().expect("a prefix"), value);
        }
        let at = |ip: &str| {
            let found = table.covering(ip.parse().expect("an address"));
            found.into_iter().map(|(net, values)| (net.to_string(), values.to_vec())).collect::<Vec<_>>()
        };
        assert_eq!(
            at("10.1.2.9"),
            [
                ("10.0.0.0/8".into(), vec![1]),
                ("10.1.0.0/16".into(), vec![2, 3]),
                ("10.1.2.0/24".into(), vec![5])
            ]
        );
        assert_eq!(at("11.0.0.1"), []);
        assert_eq!(at("2001:db8::1"), [("::/0".into(), vec![4])]);
    }
}
