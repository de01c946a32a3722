//! The routes of one table of one router: both tries, and the routes chained behind each prefix.

use std::net::IpAddr;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use prefix_trie::PrefixMap;

/// No route.
const NONE: u32 = u32::MAX;

/// A route: 16 bytes, no allocation of its own.
#[derive(Clone, Copy)]
pub(super) struct Stored {
    /// Place among the table's feeds.
    pub(super) feed: u32,
    /// Number of its attributes.
    pub(super) attributes: u32,
    pub(super) path: u32,
    next: u32,
}

/// Routes by prefix.
#[derive(Default)]
pub(super) struct Routes {
    v4: PrefixMap<Ipv4Net, u32>,
    v6: PrefixMap<Ipv6Net, u32>,
    stored: Vec<Stored>,
    free: Vec<u32>,
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
        self.stored.len() - self.free.len()
    }

    /// Puts a route in where there is room, or replaces that of the same feed, prefix and path.
    pub(super) fn put(&mut self, prefix: IpNet, feed: u32, path: u32, attributes: u32, room: bool) -> Put {
        let head = match prefix.trunc() {
            IpNet::V4(net) if room => self.v4.entry(net).or_insert(NONE),
            IpNet::V6(net) if room => self.v6.entry(net).or_insert(NONE),
            IpNet::V4(net) => match self.v4.get_mut(&net) {
                Some(head) => head,
                None => return Put::Full,
            },
            IpNet::V6(net) => match self.v6.get_mut(&net) {
                Some(head) => head,
                None => return Put::Full,
            },
        };
        let mut at = *head;
        while let Some(known) = self.stored.get_mut(at as usize) {
            if known.feed == feed && known.path == path {
                return Put::Replaced(std::mem::replace(&mut known.attributes, attributes));
            }
            at = known.next;
        }
        if !room {
            return Put::Full;
        }
        let route = Stored { feed, attributes, path, next: *head };
        *head = match self.free.pop() {
            Some(place) => {
                self.stored[place as usize] = route;
                place
            }
            None => {
                self.stored.push(route);
                (self.stored.len() - 1) as u32
            }
        };
        Put::New
    }

    /// Takes a route out; its attributes, when there was one.
    pub(super) fn take(&mut self, prefix: IpNet, feed: u32, path: u32) -> Option<u32> {
        let prefix = prefix.trunc();
        let head = match &prefix {
            IpNet::V4(net) => self.v4.get_mut(net)?,
            IpNet::V6(net) => self.v6.get_mut(net)?,
        };
        let mut previous = NONE;
        let mut at = *head;
        loop {
            let route = *self.stored.get(at as usize)?;
            if route.feed == feed && route.path == path {
                match self.stored.get_mut(previous as usize) {
                    Some(before) => before.next = route.next,
                    None => *head = route.next,
                }
                let empty = *head == NONE;
                self.free.push(at);
                if empty {
                    match &prefix {
                        IpNet::V4(net) => self.v4.remove(net),
                        IpNet::V6(net) => self.v6.remove(net),
                    };
                }
                return Some(route.attributes);
            }
            (previous, at) = (at, route.next);
        }
    }

    /// Keeps only routes of feeds that stand; tells the attributes of each that goes.
    pub(super) fn sweep(&mut self, stands: impl Fn(u32) -> bool, mut gone: impl FnMut(u32)) {
        let Self { v4, v6, stored, free } = self;
        let mut relink = |head: &mut u32| {
            let mut kept = NONE;
            let mut at = *head;
            while let Some(route) = stored.get(at as usize).copied() {
                if stands(route.feed) {
                    stored[at as usize].next = kept;
                    kept = at;
                } else {
                    gone(route.attributes);
                    free.push(at);
                }
                at = route.next;
            }
            *head = kept;
        };
        v4.iter_mut().for_each(|(_, head)| relink(head));
        v6.iter_mut().for_each(|(_, head)| relink(head));
        v4.retain(|_, head| *head != NONE);
        v6.retain(|_, head| *head != NONE);
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
        self.chain(head.copied().unwrap_or(NONE))
    }

    /// The longest prefix that covers the address.
    pub(super) fn longest(&self, ip: IpAddr) -> Option<(IpNet, u32)> {
        match ip {
            IpAddr::V4(ip) => self.v4.get_lpm(&Ipv4Net::from(ip)).map(|(net, head)| (IpNet::V4(net), *head)),
            IpAddr::V6(ip) => self.v6.get_lpm(&Ipv6Net::from(ip)).map(|(net, head)| (IpNet::V6(net), *head)),
        }
    }

    /// All prefixes that cover the address, longest first.
    pub(super) fn covering(&self, ip: IpAddr) -> Vec<(IpNet, u32)> {
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

    /// The routes chained from here.
    pub(super) fn chain(&self, head: u32) -> impl Iterator<Item = Stored> {
        let first = self.stored.get(head as usize).copied();
        std::iter::successors(first, |route| self.stored.get(route.next as usize).copied())
    }
}
