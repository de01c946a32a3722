//! What attribution and findings ask of the table (DOMAIN §3.2 A5, E7a–E7d, F19, F23; DESIGN §4.5).

use std::collections::{BTreeMap, HashSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::SystemTime;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use super::chains::{Head, Stored};
use super::choose::choose;
use super::state::{FeedState, Instance};
use super::{Attributes, Choice, Community, Doubt, Family, PeerKey, Policy, Rib};

/// A route as it stands at a router.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Route<'a> {
    /// Its prefix.
    pub prefix: IpNet,
    /// From whom; without a neighbour it is of the Loc-RIB, and its next hop says more.
    pub peer: PeerKey,
    /// The neighbour's AS; of a Loc-RIB the router's.
    pub asn: u32,
    /// Whether the neighbour is of another AS than the router.
    pub external: bool,
    /// From where: a route before policy may have been rejected.
    pub policy: Policy,
    /// What came with it.
    pub attributes: &'a Attributes,
}

impl Route<'_> {
    /// Whether it leads to this address: its neighbour or its next hop has it.
    pub fn is_by(&self, address: IpAddr) -> bool {
        self.peer.neighbour == Some(address) || self.attributes.next_hop == Some(address)
    }
}

/// The longest match of an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer<'a> {
    /// The matched prefix.
    pub prefix: IpNet,
    /// What chose among the routes to it.
    pub choice: Choice,
    /// The route when [`Choice::Decided`], else all that may be used. Never empty.
    pub routes: Vec<Route<'a>>,
}

/// What a router's table says about an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lookup<'a> {
    /// These routes.
    Found(Answer<'a>),
    /// BGP has no route to it; static routes are not seen.
    Nothing,
    /// It cannot be relied on.
    Unknown(Doubt),
}

/// What would carry an address if some routes vanished.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Latent<'a> {
    /// What would match then.
    pub lookup: Lookup<'a>,
    /// How many of the vanished routes stand before it.
    pub before: usize,
    /// How many vanished at all: one behind it may carry now, where the router does not use all that it holds.
    pub vanished: usize,
    /// Whether all alternatives are seen. With a Loc-RIB alone they are not: what is found would be used unless something
    /// else has the same or a longer prefix, and a closed answer proves nothing.
    pub complete: bool,
}

/// A default route as a neighbour offers it (E7d).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DefaultRoute {
    /// `0.0.0.0/0` or `::/0`.
    Zero,
    /// Both halves, as VPN gateways announce it.
    Halves,
}

impl Rib {
    /// The route that a router uses for an address: longest match over what stands, Loc-RIB before post-policy before
    /// pre-policy.
    pub fn lookup(&self, router: IpAddr, ip: IpAddr, now: SystemTime) -> Lookup<'_> {
        match self.answering(router, ip, now) {
            Ok(instance) => self.longest(router, instance, ip, |feed| feed.selected, |_| true),
            Err(doubt) => Lookup::Unknown(doubt),
        }
    }

    /// The same at every router. Their tables are not compared: a packet meets one router's only.
    pub fn lookup_all(&self, ip: IpAddr, now: SystemTime) -> impl Iterator<Item = (IpAddr, Lookup<'_>)> {
        self.routers.keys().map(move |&router| (router, self.lookup(router, ip, now)))
    }

    /// What would carry an address at a router if all routes for which `vanished` holds were away (F23).
    pub fn latent(
        &self,
        router: IpAddr,
        ip: IpAddr,
        now: SystemTime,
        vanished: impl Fn(&Route<'_>) -> bool,
    ) -> Latent<'_> {
        let instance = match self.answering(router, ip, now) {
            Ok(instance) => instance,
            Err(doubt) => {
                return Latent { lookup: Lookup::Unknown(doubt), before: 0, vanished: 0, complete: false };
            }
        };
        let (mut before, mut gone) = (0, 0);
        let mut lookup = Lookup::Nothing;
        for (prefix, head) in instance.routes.covering(ip) {
            let standing = instance.routes.chain(head);
            let mut routes = self.routes(router, instance, prefix, standing, |feed| feed.available);
            // The chosen route stands once more in its neighbour's feed.
            if routes.iter().any(|route| route.policy != Policy::Loc) {
                let seen = routes.clone();
                let twice = |route: &Route<'_>| {
                    seen.iter().any(|other| {
                        other.policy != Policy::Loc && other.attributes.next_hop == route.attributes.next_hop
                    })
                };
                routes.retain(|route| route.policy != Policy::Loc || !twice(route));
            }
            let all = routes.len();
            routes.retain(|route| !vanished(route));
            gone += all - routes.len();
            if !routes.is_empty() && lookup == Lookup::Nothing {
                before = gone;
                let choice = choose(&mut routes);
                lookup = Lookup::Found(Answer { prefix, choice, routes });
            }
        }
        if lookup == Lookup::Nothing {
            before = gone;
        }
        Latent { lookup, before, vanished: gone, complete: instance.knows_alternatives(Family::of(ip), now) }
    }

    /// The longest match among the routes of one neighbour (or next hop), whether the router uses it or not: what EL5 asks
    /// of the Microsoft-peering peer.
    pub fn offered(&self, router: IpAddr, by: IpAddr, ip: IpAddr, now: SystemTime) -> Lookup<'_> {
        match self.answering(router, ip, now) {
            Ok(instance) => {
                self.longest(router, instance, ip, |feed| feed.available, |route| route.is_by(by))
            }
            Err(doubt) => Lookup::Unknown(doubt),
        }
    }

    /// Whether a neighbour (or next hop) offers a default route that counts, used or not (E7d, F19).
    ///
    /// # Errors
    ///
    /// Why the router's table cannot be relied on.
    pub fn default_from(
        &self,
        router: IpAddr,
        by: IpAddr,
        family: Family,
        now: SystemTime,
        counts: impl Fn(&Route<'_>) -> bool,
    ) -> Result<Option<DefaultRoute>, Doubt> {
        let (zero, upper) = match family {
            Family::V4 => (IpAddr::V4(Ipv4Addr::UNSPECIFIED), IpAddr::V4(Ipv4Addr::new(128, 0, 0, 0))),
            Family::V6 => {
                (IpAddr::V6(Ipv6Addr::UNSPECIFIED), IpAddr::V6(Ipv6Addr::new(0x8000, 0, 0, 0, 0, 0, 0, 0)))
            }
        };
        let instance = self.answering(router, zero, now)?;
        let has = |ip: IpAddr, length: u8| {
            let prefix = match ip {
                IpAddr::V4(ip) => Ipv4Net::new_assert(ip, length).into(),
                IpAddr::V6(ip) => Ipv6Net::new_assert(ip, length).into(),
            };
            let standing = instance.routes.exact(prefix);
            let routes = self.routes(router, instance, prefix, standing, |feed| feed.available);
            routes.iter().any(|route| route.is_by(by) && counts(route))
        };
        if has(zero, 0) {
            return Ok(Some(DefaultRoute::Zero));
        }
        Ok((has(zero, 1) && has(upper, 1)).then_some(DefaultRoute::Halves))
    }

    /// Which communities a neighbour's routes carry, with how many attribute sets (E7b, F05). Reads the whole table.
    ///
    /// # Errors
    ///
    /// Why the router's table cannot be relied on.
    pub fn communities_from(
        &self,
        router: IpAddr,
        by: IpAddr,
        now: SystemTime,
    ) -> Result<BTreeMap<Community, usize>, Doubt> {
        // Both families are walked; either one's table says whether the neighbour's routes are there.
        let instance = self.answering(router, by, now)?;
        let mut sets = HashSet::new();
        for (prefix, stored) in instance.routes.all() {
            if sets.contains(&stored.attributes) {
                continue;
            }
            let found = self.routes(router, instance, prefix, [stored].into_iter(), |feed| feed.available);
            if found.iter().any(|route| route.is_by(by)) {
                sets.insert(stored.attributes);
            }
        }
        let mut counted = BTreeMap::new();
        for attributes in sets.into_iter().filter_map(|number| self.attributes.get(number)) {
            for community in &attributes.communities {
                *counted.entry(*community).or_default() += 1;
            }
        }
        Ok(counted)
    }

    fn answering(&self, router: IpAddr, ip: IpAddr, now: SystemTime) -> Result<&Instance, Doubt> {
        self.routers.get(&router).ok_or(Doubt::NoSession)?.answering(Family::of(ip), now)
    }

    fn longest(
        &self,
        router: IpAddr,
        instance: &Instance,
        ip: IpAddr,
        counts: impl Fn(&FeedState) -> bool,
        holds: impl Fn(&Route<'_>) -> bool,
    ) -> Lookup<'_> {
        let at = |(prefix, head): (IpNet, Head)| {
            let mut routes = self.routes(router, instance, prefix, instance.routes.chain(head), &counts);
            routes.retain(&holds);
            (!routes.is_empty()).then(|| {
                let choice = choose(&mut routes);
                Lookup::Found(Answer { prefix, choice, routes })
            })
        };
        // Mostly the longest has a route that counts; only then is one descent enough.
        let Some(longest) = instance.routes.longest(ip) else { return Lookup::Nothing };
        at(longest)
            .or_else(|| instance.routes.covering(ip).into_iter().skip(1).find_map(at))
            .unwrap_or(Lookup::Nothing)
    }

    fn routes(
        &self,
        router: IpAddr,
        instance: &Instance,
        prefix: IpNet,
        standing: impl Iterator<Item = Stored>,
        counts: impl Fn(&FeedState) -> bool,
    ) -> Vec<Route<'_>> {
        // Mostly there is one: room for more would only cost cache lines.
        let mut routes = Vec::with_capacity(1);
        for stored in standing {
            let feed = &instance.feeds[stored.feed as usize];
            if !counts(feed) {
                continue;
            }
            if let Some(attributes) = self.attributes.get(stored.attributes) {
                routes.push(Route {
                    prefix,
                    peer: PeerKey { router, instance: instance.instance, neighbour: feed.neighbour },
                    asn: feed.asn,
                    external: feed.external,
                    policy: feed.policy,
                    attributes,
                });
            }
        }
        if routes.len() > 1 {
            routes.sort_unstable_by_key(|route| route.peer);
        }
        routes
    }
}
