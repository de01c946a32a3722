//! The table itself: updates in, states out. The questions are in `ask`.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::SystemTime;

use super::attributes::Interned;
use super::state::{Instance, Peer, Router};
use super::view::Put;
use super::{
    Announced, Attributes, Families, Family, Feed, Limits, PeerKey, PeerState, Policy, SessionState, Update,
};

/// Void routes are swept out when they are this many, and a quarter of all; or when so many feeds are void.
const SWEEP: usize = 1024;

/// The routing tables of all routers.
#[derive(Default)]
pub struct Rib {
    pub(super) routers: BTreeMap<IpAddr, Router>,
    pub(super) attributes: Interned,
    limits: Limits,
    refused_routers: u64,
}

impl std::fmt::Debug for Rib {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rib").field("routers", &self.routers.len()).finish_non_exhaustive()
    }
}

impl Rib {
    /// An empty one with these bounds.
    pub fn with_limits(limits: Limits) -> Self {
        Self { limits, ..Self::default() }
    }

    /// Takes in what a router told. What comes without a live session, or does not fit, is counted.
    pub fn apply(&mut self, update: &Update, now: SystemTime) {
        if let Update::SessionUp { router, until } = update {
            return self.session_up(*router, *until, now);
        }
        let Some(router) = self.routers.get_mut(&update.router()).filter(|router| router.lost.is_none())
        else {
            return;
        };
        router.heard = now;
        match update {
            Update::SessionUp { .. } | Update::Heard { .. } => {}
            Update::SessionLost { .. } => router.lost = Some(now),
            Update::Incomplete { .. } => {
                router.refused += 1;
                router.truncated = true;
            }
            Update::PeerUp { peer, asn, local_asn, families } => {
                let fresh = Peer {
                    asn: *asn,
                    local_asn: *local_asn,
                    up: true,
                    since: now,
                    families: *families,
                    feeds: [None; 3],
                };
                self.peer(*peer, fresh);
            }
            Update::PeerDown { peer } => self.peer_down(*peer, now),
            Update::Announce { feed, attributes, prefixes } => {
                self.announce(*feed, attributes, prefixes, now);
            }
            Update::Withdraw { feed, prefixes } => self.withdraw(*feed, prefixes, now),
            Update::EndOfRib { feed, family } => self.end_of_rib(*feed, *family),
        }
    }

    /// Every router that ever connected.
    pub fn sessions(&self, now: SystemTime) -> impl Iterator<Item = SessionState> {
        self.routers.iter().map(move |(&address, router)| {
            let stale = router.stale(now);
            SessionState {
                router: address,
                up: stale.is_none(),
                since: stale.unwrap_or(router.since),
                heard: router.heard,
                routes: router.instances.iter().map(|i| i.routes.len() - i.dead_routes).sum(),
                refused: router.refused,
                truncated: router.truncated,
            }
        })
    }

    /// Every peer of every router.
    pub fn peers(&self, now: SystemTime) -> Vec<PeerState> {
        let mut all = Vec::new();
        for (&address, router) in &self.routers {
            for instance in &router.instances {
                for (&neighbour, peer) in &instance.peers {
                    let feed =
                        |policy: Policy| peer.feeds[policy.index()].map(|at| &instance.feeds[at as usize]);
                    let routes = |policy| feed(policy).map_or(0, |feed| feed.routes);
                    let end = |family: Family| {
                        peer.best_feed()
                            .is_some_and(|at| instance.feeds[at as usize].end_of_rib[family.index()])
                    };
                    all.push(PeerState {
                        peer: PeerKey { router: address, instance: instance.instance, neighbour },
                        asn: peer.asn,
                        up: peer.up,
                        since: peer.since,
                        stale: router.stale(now),
                        pre: routes(Policy::Pre),
                        post: routes(Policy::Post),
                        loc: routes(Policy::Loc),
                        end_of_rib_v4: end(Family::V4),
                        end_of_rib_v6: end(Family::V6),
                    });
                }
            }
        }
        all.sort_by_key(|state| state.peer);
        all
    }

    /// Routers that were refused because there are too many.
    pub fn refused_routers(&self) -> u64 {
        self.refused_routers
    }

    /// Distinct attribute sets held.
    pub fn attribute_sets(&self) -> usize {
        self.attributes.len()
    }

    fn session_up(&mut self, address: IpAddr, until: Option<SystemTime>, now: SystemTime) {
        if self.routers.len() >= self.limits.routers && !self.routers.contains_key(&address) {
            self.refused_routers += 1;
            return;
        }
        if let Some(old) = self.routers.insert(address, Router::new(now, until)) {
            for instance in &old.instances {
                for (_, route) in instance.routes.all() {
                    self.attributes.release(route.attributes);
                }
            }
        }
    }

    /// Puts a peer in the place of what it was; its former routes are void.
    fn peer(&mut self, key: PeerKey, fresh: Peer) {
        let Some(router) = self.routers.get_mut(&key.router) else { return };
        let known = router.instances.iter().position(|instance| instance.instance == key.instance);
        let peers: usize = router.instances.iter().map(|instance| instance.peers.len()).sum();
        let new = known.is_none_or(|at| !router.instances[at].peers.contains_key(&key.neighbour));
        if new && peers >= self.limits.peers {
            router.refused += 1;
            router.truncated = true;
            return;
        }
        let at = known.unwrap_or_else(|| {
            router.instances.push(Instance::new(key.instance, router.since));
            router.instances.len() - 1
        });
        let instance = &mut router.instances[at];
        if let Some(old) = instance.peers.insert(key.neighbour, fresh) {
            for place in old.feeds.into_iter().flatten() {
                instance.void(place);
            }
        }
        let many = instance.dead_routes >= SWEEP && instance.dead_routes * 4 >= instance.routes.len();
        if many || instance.dead_feeds >= SWEEP || instance.dead_routes == instance.routes.len() {
            sweep(instance, &mut self.attributes);
        }
        instance.settle();
    }

    fn peer_down(&mut self, key: PeerKey, now: SystemTime) {
        let instance = self.instance(key);
        let known = instance.and_then(|instance| instance.peers.get(&key.neighbour));
        let (asn, since) = match known {
            // Told again (FRR does): it is down since the first time.
            Some(peer) if !peer.up => (peer.asn, peer.since),
            Some(peer) => (peer.asn, now),
            None => (0, now),
        };
        let families = Families::BOTH;
        self.peer(key, Peer { asn, local_asn: None, up: false, since, families, feeds: [None; 3] });
    }

    fn instance(&mut self, key: PeerKey) -> Option<&mut Instance> {
        let router = self.routers.get_mut(&key.router)?;
        router.instances.iter_mut().find(|instance| instance.instance == key.instance)
    }

    fn announce(&mut self, feed: Feed, attributes: &Attributes, prefixes: &[Announced], now: SystemTime) {
        let limits = self.limits;
        let total: usize = self.routers.values().map(Router::routes).sum();
        let Some(router) = self.routers.get_mut(&feed.peer.router) else { return };
        let of_router = router.routes();
        let mut room =
            limits.routes.saturating_sub(total).min(limits.routes_of_router.saturating_sub(of_router));
        let found = router.instances.iter_mut().find(|instance| instance.instance == feed.peer.instance);
        let place =
            found.and_then(|instance| Some((instance.feed(feed.peer.neighbour, feed.policy)?, instance)));
        let Some((place, instance)) = place else {
            // Of a peer that is not up: its Peer Up was missed, and what else was is not known.
            router.refused += prefixes.len() as u64;
            router.truncated = true;
            return;
        };
        let own = instance.peers.get(&feed.peer.neighbour).and_then(|peer| peer.local_asn);
        let stripped =
            own.filter(|_| instance.feeds[place as usize].external).and_then(|own| without(own, attributes));
        let path = &stripped.as_ref().unwrap_or(attributes).as_path;
        let state = &mut instance.feeds[place as usize];
        if feed.policy == Policy::Pre && state.external && own.is_some_and(|own| path.asns.contains(&own)) {
            // A loop: every router leaves it out (RFC 4271 §9.1.2), but before policy it is still told.
            state.ever_announced = true;
            return self.withdraw(feed, prefixes, now);
        }
        let Some(number) =
            self.attributes.number(stripped.as_ref().unwrap_or(attributes), limits.attribute_bytes)
        else {
            router.refused += prefixes.len() as u64;
            router.truncated = true;
            return;
        };
        let state = &mut instance.feeds[place as usize];
        let mut first = !state.ever_announced;
        state.tells(now);
        // Held for as long as this takes, so that it cannot go between two of its routes.
        self.attributes.hold(number);
        for announced in prefixes {
            state.ever_announced = true;
            let family = Family::of(announced.prefix.addr()).index();
            first |= !std::mem::replace(&mut state.told[family], true);
            self.attributes.hold(number);
            match instance.routes.put(announced.prefix, place, announced.path, number, room > 0) {
                Put::New => {
                    state.routes += 1;
                    room -= 1;
                }
                Put::Replaced(old) => self.attributes.release(old),
                Put::Full => {
                    self.attributes.release(number);
                    router.refused += 1;
                    router.truncated = true;
                }
            }
        }
        self.attributes.release(number);
        if first {
            instance.settle();
        }
    }

    fn withdraw(&mut self, feed: Feed, prefixes: &[Announced], now: SystemTime) {
        let Some(router) = self.routers.get_mut(&feed.peer.router) else { return };
        let found = router.instances.iter_mut().find(|instance| instance.instance == feed.peer.instance);
        let Some(instance) = found else { return };
        // After a Peer Down a router may still empty its queue: nothing is left to withdraw.
        let Some(place) = instance.feed(feed.peer.neighbour, feed.policy) else { return };
        let mut stray = false;
        for withdrawn in prefixes {
            match instance.routes.take(withdrawn.prefix, place, withdrawn.path) {
                Some(attributes) => {
                    self.attributes.release(attributes);
                    instance.feeds[place as usize].routes -= 1;
                }
                None => stray = true,
            }
        }
        let state = &mut instance.feeds[place as usize];
        state.tells(now);
        if stray && !state.stray_withdrawals {
            state.stray_withdrawals = true;
            instance.settle();
        }
    }

    fn end_of_rib(&mut self, feed: Feed, family: Family) {
        let Some(instance) = self.instance(feed.peer) else { return };
        let Some(place) = instance.feed(feed.peer.neighbour, feed.policy) else { return };
        let state = &mut instance.feeds[place as usize];
        state.end_of_rib[family.index()] = true;
        state.told[family.index()] = true;
        instance.settle();
    }
}

/// Takes void routes out, and gives the places of their feeds back.
fn sweep(instance: &mut Instance, attributes: &mut Interned) {
    let Instance { feeds, routes, .. } = instance;
    if instance.dead_routes > 0 {
        routes.sweep(|feed| !feeds[feed as usize].dead, |gone| attributes.release(gone));
    }
    instance.reuse_void();
}

/// The attributes without the router's own AS in front, which FRR adds though the neighbour did not send it.
fn without(own: u32, attributes: &Attributes) -> Option<Attributes> {
    let asns = &attributes.as_path.asns;
    if asns.len() < 2 || asns[0] != own {
        return None;
    }
    let mut stripped = attributes.clone();
    stripped.as_path.asns = asns[1..].into();
    stripped.as_path.length = attributes.as_path.length.saturating_sub(1);
    Some(stripped)
}
