//! What is known of sessions and peers, and from which feeds of a router an answer may be taken.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::{Duration, SystemTime};

use super::view::Routes;
use super::{Doubt, Families, Family, PeerKey, Policy};

/// How long after a router connected peers may still be unannounced.
const SETTLING: Duration = Duration::from_secs(3);

/// FRR ends just what it sends when a station connects: a peer that comes up later never gets an End-of-RIB, but neither is
/// anything of it left to send, as its routes are told as they arrive. Such a peer is relied on when it has been up and quiet
/// for this long.
const LATE: Waiting = Waiting { up: Duration::from_secs(3), quiet: Duration::from_secs(3) };
/// The same for a peer that was up from the beginning, or came so soon after it that this cannot be told.
const EARLY: Waiting = Waiting { up: Duration::from_secs(30), quiet: Duration::from_secs(5) };
/// A peer is relied on after this long though it never becomes quiet: the hold time of ExpressRoute.
const LONG: Duration = Duration::from_secs(180);

#[derive(Clone, Copy)]
struct Waiting {
    up: Duration,
    quiet: Duration,
}

/// A router's session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionState {
    /// The router.
    pub router: IpAddr,
    /// Whether it is connected; an imported table is until its time is over.
    pub up: bool,
    /// Since when.
    pub since: SystemTime,
    /// When it last told something.
    pub heard: SystemTime,
    /// Routes held.
    pub routes: usize,
    /// Routes that did not fit, or could not be read.
    pub refused: u64,
    /// Whether routes are missing, so that its table answers no more.
    pub truncated: bool,
}

/// A peer of a router.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PeerState {
    /// Which.
    pub peer: PeerKey,
    /// Its AS; 0 where it has never been up.
    pub asn: u32,
    /// Whether its BGP session is up, as far as its router told.
    pub up: bool,
    /// Since when.
    pub since: SystemTime,
    /// Since when its router is silent.
    pub stale: Option<SystemTime>,
    /// Routes before policy.
    pub pre: u32,
    /// Routes after policy.
    pub post: u32,
    /// Routes of the Loc-RIB.
    pub loc: u32,
    /// Whether the End-of-RIB of IPv4 was seen, in the feed that counts.
    pub end_of_rib_v4: bool,
    /// The same of IPv6.
    pub end_of_rib_v6: bool,
}

pub(super) struct Peer {
    pub(super) asn: u32,
    pub(super) local_asn: Option<u32>,
    pub(super) up: bool,
    pub(super) since: SystemTime,
    pub(super) families: Families,
    /// Places of its feeds, by policy.
    pub(super) feeds: [Option<u32>; 3],
}

impl Peer {
    /// The feed that tells most: after policy, else before it.
    pub(super) fn best_feed(&self) -> Option<u32> {
        self.feeds[Policy::Loc.index()]
            .or(self.feeds[Policy::Post.index()])
            .or(self.feeds[Policy::Pre.index()])
    }
}

/// A peer's routes of one policy.
pub(super) struct FeedState {
    pub(super) neighbour: Option<IpAddr>,
    pub(super) policy: Policy,
    pub(super) asn: u32,
    pub(super) external: bool,
    pub(super) routes: u32,
    pub(super) ever_announced: bool,
    pub(super) stray_withdrawals: bool,
    pub(super) end_of_rib: [bool; 2],
    /// Whether it told anything of a family: only then is the family monitored.
    pub(super) told: [bool; 2],
    /// When it last told of a route.
    pub(super) changed: SystemTime,
    /// When its peer came up.
    up: SystemTime,
    /// How long it is waited for.
    waiting: Waiting,
    /// It was once quiet for long enough: what it tells since is a change, not the rest of its first table.
    quiet_once: bool,
    /// Its routes are void and wait for the next sweep.
    pub(super) dead: bool,
    /// It answers what the router uses.
    pub(super) selected: bool,
    /// It answers what the router could use.
    pub(super) available: bool,
}

impl FeedState {
    /// It tells of a route.
    pub(super) fn tells(&mut self, now: SystemTime) {
        let since = |then: SystemTime| now.duration_since(then).unwrap_or_default();
        self.quiet_once |= since(self.up) >= self.waiting.up && since(self.changed) >= self.waiting.quiet;
        self.changed = now;
    }
}

/// One table (the global one or a VRF) of one router.
pub(super) struct Instance {
    pub(super) instance: u64,
    pub(super) peers: HashMap<Option<IpAddr>, Peer>,
    pub(super) feeds: Vec<FeedState>,
    pub(super) routes: Routes,
    /// Routes of dead feeds, and how many such feeds there are.
    pub(super) dead_routes: usize,
    pub(super) dead_feeds: usize,
    /// Places of feeds that no route names.
    vacant: Vec<u32>,
    standing: [Standing; 2],
    /// When the router connected.
    began: SystemTime,
}

/// What speaks against a family's routes.
#[derive(Default)]
struct Standing {
    doubt: Option<Doubt>,
    /// Peers without End-of-RIB, and their feeds.
    unended: Vec<(Option<IpAddr>, SystemTime, Option<u32>)>,
}

impl Instance {
    pub(super) fn new(instance: u64, began: SystemTime) -> Self {
        Self {
            instance,
            peers: HashMap::new(),
            feeds: Vec::new(),
            routes: Routes::default(),
            dead_routes: 0,
            dead_feeds: 0,
            vacant: Vec::new(),
            standing: Default::default(),
            began,
        }
    }

    /// The feed of a peer that is up, made when it is new.
    pub(super) fn feed(&mut self, neighbour: Option<IpAddr>, policy: Policy) -> Option<u32> {
        let peer = self.peers.get_mut(&neighbour).filter(|peer| peer.up)?;
        if let Some(place) = peer.feeds[policy.index()] {
            return Some(place);
        }
        let place = match self.vacant.pop() {
            Some(place) => place,
            None => u32::try_from(self.feeds.len()).ok()?,
        };
        peer.feeds[policy.index()] = Some(place);
        let late = peer.since.duration_since(self.began).is_ok_and(|after| after > SETTLING);
        let fresh = FeedState {
            neighbour,
            policy,
            asn: peer.asn,
            external: neighbour.is_some() && peer.local_asn != Some(peer.asn),
            routes: 0,
            ever_announced: false,
            stray_withdrawals: false,
            end_of_rib: [false; 2],
            told: [false; 2],
            changed: peer.since,
            up: peer.since,
            waiting: if late { LATE } else { EARLY },
            quiet_once: false,
            dead: false,
            selected: false,
            available: false,
        };
        match self.feeds.get_mut(place as usize) {
            Some(slot) => *slot = fresh,
            None => self.feeds.push(fresh),
        }
        self.settle();
        Some(place)
    }

    /// Makes a feed's routes void. They go with the next sweep, so that a flapping peer does not cost one each time.
    pub(super) fn void(&mut self, place: u32) {
        let feed = &mut self.feeds[place as usize];
        feed.dead = true;
        if feed.routes == 0 {
            self.vacant.push(place);
            return;
        }
        self.dead_routes += feed.routes as usize;
        self.dead_feeds += 1;
    }

    /// After a sweep: no route names a dead feed any more.
    pub(super) fn reuse_void(&mut self) {
        (self.dead_routes, self.dead_feeds) = (0, 0);
        for (place, feed) in self.feeds.iter_mut().enumerate() {
            if feed.dead && feed.routes > 0 {
                feed.routes = 0;
                self.vacant.push(place as u32);
            }
        }
    }

    pub(super) fn has_peer_up(&self) -> bool {
        self.peers.values().any(|peer| peer.up)
    }

    /// Why this table does not answer for a family now.
    pub(super) fn doubt(&self, family: Family, now: SystemTime) -> Option<Doubt> {
        self.doubt_of(&self.standing[family.index()], now)
    }

    fn doubt_of(&self, standing: &Standing, now: SystemTime) -> Option<Doubt> {
        if standing.doubt.is_some() {
            return standing.doubt;
        }
        let since = |then: SystemTime| now.duration_since(then).unwrap_or_default();
        let unended = standing.unended.iter().find(|(_, up, feed)| {
            let late = up.duration_since(self.began).is_ok_and(|after| after > SETTLING);
            let waiting = if late { LATE } else { EARLY };
            let feed = feed.map(|place| &self.feeds[place as usize]);
            if feed.is_some_and(|feed| feed.quiet_once) {
                return false;
            }
            let changed = feed.map_or(*up, |feed| feed.changed);
            since(*up) < LONG && (since(*up) < waiting.up || since(changed) < waiting.quiet)
        });
        unended.map(|&(neighbour, ..)| Doubt::NoEndOfRib { neighbour })
    }

    /// Says anew which feeds count and what speaks against them. To be called whenever a peer or a feed changes, not for
    /// every route.
    pub(super) fn settle(&mut self) {
        let loc = self.peers.get(&None).filter(|peer| peer.up).is_some_and(|peer| peer.best_feed().is_some());
        for feed in &mut self.feeds {
            (feed.selected, feed.available) = (false, false);
        }
        for (neighbour, peer) in &self.peers {
            if let Some(place) = peer.best_feed() {
                let feed = &mut self.feeds[place as usize];
                feed.available = true;
                feed.selected = !loc || neighbour.is_none();
            }
        }
        for family in [Family::V4, Family::V6] {
            let counting =
                self.peers.iter().filter(|(neighbour, peer)| peer.up && (!loc || neighbour.is_none()));
            self.standing[family.index()] = self.standing(counting, family);
        }
    }

    /// Whether the neighbours' feeds are complete too, beside a Loc-RIB.
    pub(super) fn knows_alternatives(&self, family: Family, now: SystemTime) -> bool {
        let neighbours = self.peers.iter().filter(|(neighbour, peer)| peer.up && neighbour.is_some());
        self.doubt_of(&self.standing(neighbours, family), now).is_none()
    }

    fn standing<'a>(
        &self,
        peers: impl Iterator<Item = (&'a Option<IpAddr>, &'a Peer)>,
        family: Family,
    ) -> Standing {
        let mut standing = Standing { doubt: Some(Doubt::NoPeer), ..Standing::default() };
        let mut monitored = false;
        for (&neighbour, peer) in peers {
            standing.doubt = standing.doubt.filter(|doubt| *doubt != Doubt::NoPeer);
            if !peer.families.has(family) {
                continue;
            }
            let place = peer.best_feed();
            let feed = place.map(|place| &self.feeds[place as usize]);
            monitored |= feed.is_some_and(|feed| feed.told[family.index()]);
            if feed.is_some_and(|f| f.policy == Policy::Pre && f.stray_withdrawals && !f.ever_announced) {
                standing.doubt = Some(Doubt::WithdrawalsOnly { neighbour });
            } else if !feed.is_some_and(|feed| feed.end_of_rib[family.index()]) {
                standing.unended.push((neighbour, peer.since, place));
            }
        }
        // Always the same one is named first.
        standing.unended.sort_unstable();
        // Waiting helps only where the router tells this family at all.
        if let Some(&(neighbour, ..)) = standing.unended.first().filter(|_| !monitored) {
            standing.doubt = standing.doubt.or(Some(Doubt::NoEndOfRib { neighbour }));
        }
        standing
    }
}

/// A router: its session and its tables.
pub(super) struct Router {
    pub(super) since: SystemTime,
    pub(super) until: Option<SystemTime>,
    pub(super) lost: Option<SystemTime>,
    pub(super) heard: SystemTime,
    pub(super) refused: u64,
    pub(super) truncated: bool,
    pub(super) instances: Vec<Instance>,
}

impl Router {
    pub(super) fn new(now: SystemTime, until: Option<SystemTime>) -> Self {
        Self {
            since: now,
            until,
            lost: None,
            heard: now,
            refused: 0,
            truncated: false,
            instances: Vec::new(),
        }
    }

    /// Since when it is silent.
    pub(super) fn stale(&self, now: SystemTime) -> Option<SystemTime> {
        self.lost.or(self.until.filter(|until| *until < now))
    }

    pub(super) fn routes(&self) -> usize {
        self.instances.iter().map(|instance| instance.routes.len()).sum()
    }

    /// The table that answers for a family now.
    pub(super) fn answering(&self, family: Family, now: SystemTime) -> Result<&Instance, Doubt> {
        if let Some(since) = self.stale(now) {
            return Err(Doubt::Stale { since });
        }
        if self.truncated {
            return Err(Doubt::Truncated);
        }
        // A clock that was set back does not make a session young for ever: only a known age below the bound does.
        if self.until.is_none() && now.duration_since(self.since).is_ok_and(|age| age < SETTLING) {
            return Err(Doubt::Settling);
        }
        let mut with_peers = self.instances.iter().filter(|instance| instance.has_peer_up());
        let instance = with_peers.next().ok_or(Doubt::NoPeer)?;
        if with_peers.next().is_some() {
            return Err(Doubt::SeveralInstances);
        }
        match instance.doubt(family, now) {
            Some(doubt) => Err(doubt),
            None => Ok(instance),
        }
    }
}
