//! The routes of one table of one router, by prefix.

use std::net::IpAddr;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use prefix_trie::PrefixMap;

use super::chains::{Chains, Head, Stored};

/// Routes by prefix.
#[derive(Default)]
pub(super) struct Routes {
    v4: PrefixMap<Ipv4Net, Head>,
    v6: PrefixMap<Ipv6Net, Head>,
    chains: Chains,
    count: usize,
}

/// What became of a route that was put in.
pub(super) enum Put {
    New,
    /// It replaced one with these attributes.
    Replaced(u32),
    /// It is new, and there is no room.
    Full,
}

impl Routes {
    /// How many are stored.
    pub(super) fn len(&self) -> usize {
        self.count
    }

    /// Puts a route in where there is room, or replaces that of the same feed, prefix and path.
    pub(super) fn put(&mut self, prefix: IpNet, feed: u32, path: u32, attributes: u32, room: bool) -> Put {
        let head = match prefix.trunc() {
            IpNet::V4(net) if room => self.v4.entry(net).or_insert(Head::VACANT),
            IpNet::V6(net) if room => self.v6.entry(net).or_insert(Head::VACANT),
            IpNet::V4(net) => match self.v4.get_mut(&net) {
                Some(head) => head,
                None => return Put::Full,
            },
            IpNet::V6(net) => match self.v6.get_mut(&net) {
                Some(head) => head,
                None => return Put::Full,
            },
        };
        if let Some(known) = self.chains.find(head, feed, path) {
            return Put::Replaced(std::mem::replace(known, attributes));
        }
        if !room {
            return Put::Full;
        }
        self.chains.push(head, Stored::new(feed, path, attributes));
        self.count += 1;
        Put::New
    }

    /// Takes a route out; its attributes, when there was one.
    pub(super) fn take(&mut self, prefix: IpNet, feed: u32, path: u32) -> Option<u32> {
        let prefix = prefix.trunc();
        let head = match &prefix {
            IpNet::V4(net) => self.v4.get_mut(net)?,
            IpNet::V6(net) => self.v6.get_mut(net)?,
        };
        let attributes = *self.chains.find(head, feed, path)?;
        self.chains.retain(head, |route| (route.feed, route.path) != (feed, path));
        if head.is_vacant() {
            match &prefix {
                IpNet::V4(net) => drop(self.v4.remove(net)),
                IpNet::V6(net) => drop(self.v6.remove(net)),
            }
        }
        self.count -= 1;
        Some(attributes)
    }

    /// Keeps only routes of feeds that stand; tells the attributes of each that goes.
    pub(super) fn sweep(&mut self, stands: impl Fn(u32) -> bool, mut gone: impl FnMut(u32)) {
        let Self { v4, v6, chains, count } = self;
        let mut sift = |head: &mut Head| {
            chains.retain(head, |route| {
                let stays = stands(route.feed);
                if !stays {
                    gone(route.attributes);
                    *count -= 1;
                }
                stays
            });
        };
        v4.iter_mut().for_each(|(_, head)| sift(head));
        v6.iter_mut().for_each(|(_, head)| sift(head));
        v4.retain(|_, head| !head.is_vacant());
        v6.retain(|_, head| !head.is_vacant());
    }

    /// Every route with its prefix.
    pub(super) fn all(&self) -> impl Iterator<Item = (IpNet, Stored)> {
        let v4 = self.v4.iter().map(|(net, head)| (IpNet::V4(net), *head));
        let v6 = self.v6.iter().map(|(net, head)| (IpNet::V6(net), *head));
        v4.chain(v6).flat_map(|(net, head)| self.chain(head).map(move |route| (net, route)))
    }

    /// The routes of exactly this prefix.
    pub(super) fn exact(&self, prefix: IpNet) -> impl Iterator<Item = Stored> {
        let head = match prefix {
            IpNet::V4(net) => self.v4.get(&net),
            IpNet::V6(net) => self.v6.get(&net),
        };
        head.into_iter().flat_map(|head| self.chain(*head))
    }

    /// The longest prefix that covers the address.
    pub(super) fn longest(&self, ip: IpAddr) -> Option<(IpNet, Head)> {
        match ip {
            IpAddr::V4(ip) => self.v4.get_lpm(&Ipv4Net::from(ip)).map(|(net, head)| (IpNet::V4(net), *head)),
            IpAddr::V6(ip) => self.v6.get_lpm(&Ipv6Net::from(ip)).map(|(net, head)| (IpNet::V6(net), *head)),
        }
    }

    /// All prefixes that cover the address, longest first.
    pub(super) fn covering(&self, ip: IpAddr) -> Vec<(IpNet, Head)> {
        let mut found: Vec<_> = match ip {
            IpAddr::V4(ip) => {
                self.v4.cover(&Ipv4Net::from(ip)).map(|(net, head)| (IpNet::V4(net), *head)).collect()
            }
            IpAddr::V6(ip) => {
                self.v6.cover(&Ipv6Net::from(ip)).map(|(net, head)| (IpNet::V6(net), *head)).collect()
            }
        };
        found.reverse();
        found
    }

    /// The routes that stand at a prefix.
    pub(super) fn chain(&self, head: Head) -> impl Iterator<Item = Stored> {
        self.chains.routes(head)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn net(number: u8) -> IpNet {
        IpNet::V4(Ipv4Net::new_assert([192, 0, 2, number].into(), 32))
    }

    /// Prefixes, slots of chains, and how many of those are free.
    fn held(routes: &Routes) -> (usize, usize, usize) {
        let (slots, free) = routes.chains.slots();
        (routes.v4.len(), slots, free)
    }

    #[test]
    fn only_prefixes_with_several_routes_or_paths_take_slots_and_what_goes_leaves_none() {
        let mut routes = Routes::default();
        for round in 0..3 {
            routes.put(net(1), 7, 0, 70, true);
            routes.put(net(2), 7, 0, 70, true);
            // The slots of the first round are used again.
            assert_eq!(held(&routes), if round == 0 { (2, 0, 0) } else { (2, 4, 4) });
            routes.put(net(2), 8, 0, 80, true);
            routes.put(net(2), 8, 1, 81, true);
            routes.put(net(3), 8, 1, 81, true);
            assert_eq!(held(&routes), (3, 4, 0));
            assert_eq!(routes.take(net(2), 8, 1), Some(81));
            assert_eq!(held(&routes), (3, 4, 1));
            assert_eq!(routes.take(net(2), 7, 0), Some(70));
            assert_eq!(held(&routes), (3, 4, 3), "one route without a path stands in the trie");
            routes.sweep(|feed| feed == 7, |_| {});
            assert_eq!(held(&routes), (1, 4, 4));
            assert_eq!(routes.take(net(1), 7, 0), Some(70));
            assert_eq!((held(&routes), routes.len()), ((0, 4, 4), 0));
        }
    }
}
