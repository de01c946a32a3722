//! Prefixes with values, both families; all prefixes that cover an address.
//!
//! Built once and then only read: starts sorted in one array, each entry with a link to the narrowest prefix around it. What
//! covers an address is then one binary search and a short walk outwards, and a prefix costs 14 bytes.

use std::collections::HashMap;
use std::net::IpAddr;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

/// No prefix is around this one.
const OUTERMOST: u32 = u32::MAX;

/// Numbers by prefix; one prefix may have several.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct PrefixTable {
    v4: Family<u32>,
    v6: Family<u128>,
    /// The distinct lists of numbers that prefixes have.
    groups: Groups,
}

/// The prefixes of one address family, sorted by start and then by length.
#[derive(Clone, Default, PartialEq, Eq)]
struct Family<A> {
    starts: Vec<A>,
    lengths: Vec<u8>,
    around: Vec<u32>,
    groups: Vec<u32>,
}

/// Lists of numbers, one after another.
#[derive(Clone, Default, PartialEq, Eq)]
struct Groups {
    ends: Vec<u32>,
    numbers: Vec<u32>,
}

impl std::fmt::Debug for PrefixTable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (v4, v6) = (self.v4.starts.len(), self.v6.starts.len());
        f.debug_struct("PrefixTable").field("v4", &v4).field("v6", &v6).finish()
    }
}

impl PrefixTable {
    /// Takes prefixes in any order; bits right of the prefix length do not matter.
    pub fn new(pairs: impl IntoIterator<Item = (IpNet, u32)>) -> Self {
        let (mut v4, mut v6) = (Vec::new(), Vec::new());
        for (prefix, number) in pairs {
            match prefix.trunc() {
                IpNet::V4(net) => v4.push((u32::from(net.network()), net.prefix_len(), number)),
                IpNet::V6(net) => v6.push((u128::from(net.network()), net.prefix_len(), number)),
            }
        }
        let (mut groups, mut known) = (Groups::default(), HashMap::new());
        let v4 = Family::gather(v4, 32, &mut groups, &mut known);
        let v6 = Family::gather(v6, 128, &mut groups, &mut known);
        Self { v4, v6, groups }
    }

    /// Every prefix that covers the address, narrowest first, with its numbers in ascending order.
    pub fn covering(&self, ip: IpAddr) -> impl Iterator<Item = (IpNet, &[u32])> {
        let (v4, v6) = match ip {
            IpAddr::V4(ip) => (Some(self.v4.covering(u32::from(ip), 32)), None),
            IpAddr::V6(ip) => (None, Some(self.v6.covering(u128::from(ip), 128))),
        };
        let v4 = v4.into_iter().flatten().filter_map(|entry| self.v4_entry(entry));
        v4.chain(v6.into_iter().flatten().filter_map(|entry| self.v6_entry(entry)))
    }

    /// Every prefix with its numbers, IPv4 first, in order of their starts.
    pub fn iter(&self) -> impl Iterator<Item = (IpNet, &[u32])> {
        let v4 = (0..self.v4.starts.len()).filter_map(|entry| self.v4_entry(entry));
        v4.chain((0..self.v6.starts.len()).filter_map(|entry| self.v6_entry(entry)))
    }

    /// Whether nothing is in it.
    pub fn is_empty(&self) -> bool {
        self.v4.starts.is_empty() && self.v6.starts.is_empty()
    }

    fn v4_entry(&self, entry: usize) -> Option<(IpNet, &[u32])> {
        let net = Ipv4Net::new((*self.v4.starts.get(entry)?).into(), *self.v4.lengths.get(entry)?).ok()?;
        Some((net.into(), self.groups.of(*self.v4.groups.get(entry)?)))
    }

    fn v6_entry(&self, entry: usize) -> Option<(IpNet, &[u32])> {
        let net = Ipv6Net::new((*self.v6.starts.get(entry)?).into(), *self.v6.lengths.get(entry)?).ok()?;
        Some((net.into(), self.groups.of(*self.v6.groups.get(entry)?)))
    }
}

impl<A: Bits> Family<A> {
    fn gather(
        mut entries: Vec<(A, u8, u32)>,
        width: u8,
        groups: &mut Groups,
        known: &mut HashMap<Vec<u32>, u32>,
    ) -> Self {
        entries.sort_unstable();
        entries.dedup();
        let mut family = Self {
            starts: Vec::with_capacity(entries.len()),
            lengths: Vec::with_capacity(entries.len()),
            around: Vec::new(),
            groups: Vec::new(),
        };
        // The prefixes around the place that has been reached.
        let mut open: Vec<u32> = Vec::new();
        let mut numbers = Vec::new();
        for same in entries.chunk_by(|one, next| (one.0, one.1) == (next.0, next.1)) {
            let Some(&(start, length, _)) = same.first() else { continue };
            while let Some(&last) = open.last() {
                if family.contains(last as usize, start, width) {
                    break;
                }
                open.pop();
            }
            numbers.clear();
            numbers.extend(same.iter().map(|(_, _, number)| *number));
            let group = match known.get(&numbers) {
                Some(group) => *group,
                None => {
                    let group = groups.add(&numbers);
                    known.insert(numbers.clone(), group);
                    group
                }
            };
            family.around.push(open.last().copied().unwrap_or(OUTERMOST));
            open.push(u32::try_from(family.starts.len()).unwrap_or(OUTERMOST));
            family.starts.push(start);
            family.lengths.push(length);
            family.groups.push(group);
        }
        family
    }

    fn contains(&self, entry: usize, address: A, width: u8) -> bool {
        match (self.starts.get(entry), self.lengths.get(entry)) {
            (Some(start), Some(length)) => start.shares(address, width - length),
            _ => false,
        }
    }

    /// All prefixes around the address nest, so they are the last one that starts before it, or around that one.
    fn covering(&self, address: A, width: u8) -> impl Iterator<Item = usize> {
        let before = self.starts.partition_point(|start| *start <= address);
        let walk = std::iter::successors(before.checked_sub(1), |entry| {
            let around = *self.around.get(*entry)?;
            (around != OUTERMOST).then_some(around as usize)
        });
        walk.filter(move |entry| self.contains(*entry, address, width))
    }
}

impl Groups {
    fn add(&mut self, numbers: &[u32]) -> u32 {
        self.numbers.extend_from_slice(numbers);
        self.ends.push(u32::try_from(self.numbers.len()).unwrap_or(u32::MAX));
        u32::try_from(self.ends.len() - 1).unwrap_or(u32::MAX)
    }

    fn of(&self, group: u32) -> &[u32] {
        let group = group as usize;
        let start = group.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or(0);
        let end = self.ends.get(group).copied().unwrap_or(start);
        self.numbers.get(start as usize..end as usize).unwrap_or_default()
    }
}

/// An address as a number.
trait Bits: Copy + Ord {
    /// Whether both agree left of the `host` bits on the right.
    fn shares(self, other: Self, host: u8) -> bool;
}

impl Bits for u32 {
    fn shares(self, other: Self, host: u8) -> bool {
        (self ^ other).checked_shr(host.into()).unwrap_or(0) == 0
    }
}

impl Bits for u128 {
    fn shares(self, other: Self, host: u8) -> bool {
        (self ^ other).checked_shr(host.into()).unwrap_or(0) == 0
    }
}

#[cfg(test)]
mod tests {
    use super::PrefixTable;
    use ipnet::IpNet;

    fn table(pairs: &[(&str, u32)]) -> PrefixTable {
        PrefixTable::new(pairs.iter().map(|(prefix, number)| (prefix.parse().expect("a prefix"), *number)))
    }

    fn at(table: &PrefixTable, ip: &str) -> Vec<(String, Vec<u32>)> {
        let found = table.covering(ip.parse().expect("an address"));
        found.map(|(net, numbers)| (net.to_string(), numbers.to_vec())).collect()
    }

    #[test]
    fn all_covering_prefixes_are_found_narrowest_first_and_families_do_not_mix() {
        let table = table(&[
            ("10.0.0.0/8", 1),
            ("10.1.0.0/16", 3),
            ("10.1.0.0/16", 2),
            ("::/0", 4),
            ("10.1.2.3/24", 5),
            ("10.0.0.0/16", 6),
            ("10.1.0.0/16", 2),
        ]);
        let eight = ("10.0.0.0/8".to_owned(), vec![1]);
        let expected = [("10.1.2.0/24".into(), vec![5]), ("10.1.0.0/16".into(), vec![2, 3]), eight.clone()];
        assert_eq!(at(&table, "10.1.2.9"), expected);
        for inside in ["10.200.0.0", "10.255.255.255"] {
            assert_eq!(at(&table, inside), std::slice::from_ref(&eight));
        }
        assert_eq!(at(&table, "11.0.0.1"), []);
        assert_eq!(at(&table, "9.255.255.255"), []);
        assert_eq!(at(&table, "2001:db8::1"), [("::/0".into(), vec![4])]);
    }

    #[test]
    fn a_search_finds_what_looking_at_every_prefix_finds() {
        // Prefixes of few bits, so that they nest and touch; xorshift with a fixed seed.
        let mut state = 0x2545_F491_4F6C_DD1D_u64;
        let mut random = move || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state
        };
        let mut pairs: Vec<(IpNet, u32)> = Vec::new();
        for number in 0..400 {
            let bits = random();
            let (v4, v6) = (((bits & 0xff) as u32) << 24, u128::from(bits & 0xfff) << 116);
            let net = match bits >> 63 {
                0 => IpNet::new(std::net::Ipv4Addr::from(v4).into(), (bits >> 32 & 15) as u8),
                _ => IpNet::new(std::net::Ipv6Addr::from(v6).into(), (bits >> 32 & 15) as u8),
            };
            pairs.push((net.expect("short enough").trunc(), number));
        }
        let table = PrefixTable::new(pairs.iter().copied());
        for _ in 0..4_000 {
            let bits = random();
            let ip = match bits >> 63 {
                0 => std::net::IpAddr::V4((bits as u32).into()),
                _ => std::net::IpAddr::V6((u128::from(bits) << 64).into()),
            };
            let mut found: Vec<(IpNet, u32)> = table
                .covering(ip)
                .flat_map(|(net, numbers)| numbers.iter().map(move |n| (net, *n)))
                .collect();
            let mut expected: Vec<(IpNet, u32)> =
                pairs.iter().filter(|(net, _)| net.contains(&ip)).copied().collect();
            found.sort_unstable_by_key(|(_, number)| *number);
            expected.sort_unstable_by_key(|(_, number)| *number);
            assert_eq!(found, expected, "{ip}");
        }
    }
}
