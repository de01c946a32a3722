//! Whether the edge routers' word on the destinations of a picture has changed, so that it must be judged anew.
//!
//! In: a picture and the tables at two times. Out: which addresses are concerned. It compares no tables of two routers.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::IpAddr;
use std::time::SystemTime;

use super::control::{EXPRESSROUTE, peers};
use super::{Control, ways};
use crate::closure::{Picture, Seen};
use crate::config::{Edge, Plan, Topology};
use crate::rib::{Family, Lookup, Rib};

/// What the routers said of every address at one time, per address and router.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Words {
    of: BTreeMap<(IpAddr, IpAddr), Word>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Word {
    /// None where the table does not answer.
    now: Option<u64>,
    /// What it said when it answered last.
    last: Option<u64>,
}

impl Words {
    /// What they say of the addresses of a picture. A lookup or a few per address, no more.
    pub fn now(plan: &Plan, picture: &Picture, rib: &Rib, now: SystemTime) -> Self {
        let control = Control::new(rib, &plan.routers(), now);
        let mut of = BTreeMap::new();
        for ip in picture.members.values().flat_map(|member| member.addresses.keys()) {
            for router in control.routers() {
                of.entry((*ip, router)).or_insert_with(|| {
                    let said = word(rib, router, *ip, &plan.topology, now);
                    Word { now: said, last: said }
                });
            }
        }
        Self { of }
    }

    /// Remembers of `before` what the tables said that do not answer now.
    pub fn after(mut self, before: &Self) -> Self {
        for (about, word) in &mut self.of {
            word.last = word.now.or(before.of.get(about).and_then(|known| known.last));
        }
        self
    }

    /// Whether anything differs for addresses that both know.
    pub fn differ(&self, before: &Self) -> bool {
        self.of.iter().any(|(about, word)| before.of.get(about).is_some_and(|known| known.now != word.now))
    }

    /// Addresses whose route is another one than the last known: a trace from before tells of the former. A table that
    /// begins or ceases to answer is no change of a route.
    pub fn rerouted(&self, before: &Self) -> BTreeSet<IpAddr> {
        let other = self.of.iter().filter(|(about, word)| {
            let known = before.of.get(about).and_then(|known| known.last);
            known.is_some() && word.now.is_some() && known != word.now
        });
        other.map(|((ip, _), _)| *ip).collect()
    }
}

/// Takes the traces away that were made before these addresses got another route (DOMAIN §3.2 d).
pub fn forget_traces(picture: &mut Picture, rerouted: &BTreeSet<IpAddr>) {
    for (ip, seen) in picture.members.values_mut().flat_map(|member| &mut member.addresses) {
        if let Seen::Observed(seen) = seen
            && rerouted.contains(ip)
        {
            seen.traces.clear();
        }
    }
}

/// Everything that attribution reads of one router's table for one address, as a number.
fn word(rib: &Rib, router: IpAddr, ip: IpAddr, topology: &Topology, now: SystemTime) -> Option<u64> {
    let mut hasher = DefaultHasher::new();
    let ip = ip.to_canonical();
    let outer = ways::tunnels_of(topology, ip).into_iter().flat_map(|tunnel| &tunnel.outer_peer);
    for about in outer.map(IpAddr::to_canonical).chain([ip]) {
        match rib.lookup(router, about, now) {
            Lookup::Unknown(_) => return None,
            Lookup::Nothing => about.hash(&mut hasher),
            Lookup::Found(answer) => {
                answer.prefix.hash(&mut hasher);
                for route in &answer.routes {
                    let by_expressroute = route.attributes.as_path.asns.contains(&EXPRESSROUTE);
                    let leads = (route.peer.neighbour, route.attributes.next_hop);
                    (leads, route.policy, by_expressroute).hash(&mut hasher);
                }
            }
        }
    }
    for link in topology.links.iter().filter(|link| link.edge == Edge::ErPrivate) {
        for peer in peers(link) {
            let offers = rib.default_from(router, peer, Family::of(ip), now, |_| true);
            matches!(offers, Ok(Some(_))).hash(&mut hasher);
        }
    }
    Some(hasher.finish())
}
