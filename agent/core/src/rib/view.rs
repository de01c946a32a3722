//! The routes of one table of one router: both tries, and the routes chained behind each prefix.

use std::net::IpAddr;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use prefix_trie::PrefixMap;

/// No route.
const NONE: u32 = u32::MAX;

/// A route: 16 bytes, no allocation of its own.
#[derive(Clone, Copy)]
pub(super) struct Stored {
    /// Place among the table's feeds; [`NONE`] while the prefix waits to be taken out.
    pub(super) feed: u32,
    /// Number of its attributes.
    pub(super) attributes: u32,
    pub(super) path: u32,
    next: u32,
}

/// Routes by prefix: the first stands in the trie itself, where the longest match ends, the others are chained behind it.
#[derive(Default)]
pub(super) struct Routes {
    v4: PrefixMap<Ipv4Net, Stored>,
    v6: PrefixMap<Ipv6Net, Stored>,
    chained: Vec<Stored>,
    free: Vec<u32>,
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
        let route = Stored { feed, attributes, path, next: NONE };
        let vacant = Stored { feed: NONE, ..route };
        let head = match prefix.trunc() {
            IpNet::V4(net) if room => self.v4.entry(net).or_insert(vacant),
            IpNet::V6(net) if room => self.v6.entry(net).or_insert(vacant),
            IpNet::V4(net) => match self.v4.get_mut(&net) {
                Some(head) => head,
                None => return Put::Full,
            },
            IpNet::V6(net) => match self.v6.get_mut(&net) {
                Some(head) => head,
                None => return Put::Full,
            },
        };
        if head.feed == NONE {
            *head = route;
            self.count += 1;
            return Put::New;
        }
        let same = |known: &Stored| known.feed == feed && known.path == path;
        if same(head) {
            return Put::Replaced(std::mem::replace(&mut head.attributes, attributes));
        }
        let mut at = head.next;
        while let Some(known) = self.chained.get_mut(at as usize) {
            if same(known) {
                return Put::Replaced(std::mem::replace(&mut known.attributes, attributes));
            }
            at = known.next;
        }
        if !room {
            return Put::Full;
        }
        let route = Stored { next: head.next, ..route };
        head.next = match self.free.pop() {
            Some(place) => {
                self.chained[place as usize] = route;
                place
            }
            None => {
                self.chained.push(route);
                (self.chained.len() - 1) as u32
            }
        };
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
        let same = |known: &Stored| known.feed == feed && known.path == path;
        let attributes = if same(head) {
            let gone = *head;
            match self.chained.get(gone.next as usize) {
                Some(second) => {
                    *head = *second;
                    self.free.push(gone.next);
                }
                None => match &prefix {
                    IpNet::V4(net) => drop(self.v4.remove(net)),
                    IpNet::V6(net) => drop(self.v6.remove(net)),
                },
            }
            gone.attributes
        } else {
            let mut previous = NONE;
            let mut at = head.next;
            loop {
                let route = *self.chained.get(at as usize)?;
                if same(&route) {
                    match self.chained.get_mut(previous as usize) {
                        Some(before) => before.next = route.next,
                        None => head.next = route.next,
                    }
                    self.free.push(at);
                    break route.attributes;
                }
                (previous, at) = (at, route.next);
            }
        };
        self.count -= 1;
        Some(attributes)
    }

    /// Keeps only routes of feeds that stand; tells the attributes of each that goes.
    pub(super) fn sweep(&mut self, stands: impl Fn(u32) -> bool, mut gone: impl FnMut(u32)) {
        let Self { v4, v6, chained, free, count } = self;
        let mut relink = |head: &mut Stored| {
            let mut kept = NONE;
            let mut at = head.next;
            while let Some(route) = chained.get(at as usize).copied() {
                if stands(route.feed) {
                    chained[at as usize].next = kept;
                    kept = at;
                } else {
                    gone(route.attributes);
                    free.push(at);
                    *count -= 1;
                }
                at = route.next;
            }
            head.next = kept;
            if stands(head.feed) {
                return;
            }
            gone(head.attributes);
            *count -= 1;
            match chained.get(kept as usize).copied() {
                Some(second) => {
                    *head = second;
                    free.push(kept);
                }
                None => head.feed = NONE,
            }
        };
        v4.iter_mut().for_each(|(_, head)| relink(head));
        v6.iter_mut().for_each(|(_, head)| relink(head));
        v4.retain(|_, head| head.feed != NONE);
        v6.retain(|_, head| head.feed != NONE);
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
    pub(super) fn longest(&self, ip: IpAddr) -> Option<(IpNet, Stored)> {
        match ip {
            IpAddr::V4(ip) => self.v4.get_lpm(&Ipv4Net::from(ip)).map(|(net, head)| (IpNet::V4(net), *head)),
            IpAddr::V6(ip) => self.v6.get_lpm(&Ipv6Net::from(ip)).map(|(net, head)| (IpNet::V6(net), *head)),
        }
    }

    /// All prefixes that cover the address, longest first.
    pub(super) fn covering(&self, ip: IpAddr) -> Vec<(IpNet, Stored)> {
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

    /// A prefix's first route and those behind it.
    pub(super) fn chain(&self, head: Stored) -> impl Iterator<Item = Stored> {
        std::iter::successors(Some(head), |route| self.chained.get(route.next as usize).copied())
    }
}
