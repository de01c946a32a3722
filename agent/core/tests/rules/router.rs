//! An edge router's table as a test tells it: who announces what, before or after policy, or in its Loc-RIB.

use std::net::IpAddr;
use std::time::{Duration, SystemTime};

use closedpath_core::rib::{
    Announced, AsPath, Attributes, Community, Families, Family, Feed, PeerKey, Policy, Rib, Update,
};

use crate::world::now;

/// The only router of most tests, and the server's gateway.
pub const CE: &str = "192.168.1.1";

/// A table that fills.
pub struct Router {
    pub rib: Rib,
    address: IpAddr,
    /// When it tells what follows.
    at: SystemTime,
    /// Whether an End-of-RIB ends it.
    ended: bool,
    /// The path identifier of what follows (RFC 7911).
    path: u32,
}

/// A router that connected long ago.
pub fn router(address: &str) -> Router {
    Router { rib: Rib::default(), address: ip(address), at: long_ago(), ended: true, path: 0 }.joined(address)
}

pub fn ip(text: &str) -> IpAddr {
    text.parse().expect("it is an address")
}

fn long_ago() -> SystemTime {
    now() - Duration::from_secs(3600)
}

impl Router {
    /// The same tables with one more router; what follows is of that one.
    pub fn joined(mut self, address: &str) -> Self {
        self.address = ip(address);
        self.rib.apply(&Update::SessionUp { router: self.address, until: None }, self.at);
        self
    }

    /// What follows is told now.
    pub fn now(self) -> Self {
        Self { at: now(), ..self }
    }

    /// What follows is of these path identifiers, and with or without an End-of-RIB.
    pub fn path(self, path: u32, ended: bool) -> Self {
        Self { path, ended, ..self }
    }

    /// Routes after policy from a neighbour of this AS.
    pub fn post(self, neighbour: &str, asn: u32, prefixes: &[&str]) -> Self {
        self.routes(Some(neighbour), Policy::Post, asn, via(neighbour, &[asn]), prefixes)
    }

    /// The same with a local preference.
    pub fn preferred(self, neighbour: &str, asn: u32, local_pref: u32, prefixes: &[&str]) -> Self {
        let attributes = Attributes { local_pref: Some(local_pref), ..via(neighbour, &[asn]) };
        self.routes(Some(neighbour), Policy::Post, asn, attributes, prefixes)
    }

    /// Routes before policy.
    pub fn pre(self, neighbour: &str, asn: u32, prefixes: &[&str]) -> Self {
        self.routes(Some(neighbour), Policy::Pre, asn, via(neighbour, &[asn]), prefixes)
    }

    /// What the router chose: the next hop says from whom.
    pub fn chose(self, next_hop: &str, asn: u32, prefixes: &[&str]) -> Self {
        self.routes(None, Policy::Loc, 65010, via(next_hop, &[asn]), prefixes)
    }

    /// Routes after policy with communities of ExpressRoute.
    pub fn tagged(self, neighbour: &str, communities: &[u16], prefixes: &[&str]) -> Self {
        let communities = communities.iter().map(|value| Community(12076, *value)).collect();
        let attributes = Attributes { communities, ..via(neighbour, &[12076]) };
        self.routes(Some(neighbour), Policy::Post, 12076, attributes, prefixes)
    }

    pub fn routes(
        mut self,
        neighbour: Option<&str>,
        policy: Policy,
        asn: u32,
        attributes: Attributes,
        prefixes: &[&str],
    ) -> Self {
        let peer = PeerKey { router: self.address, instance: 0, neighbour: neighbour.map(ip) };
        let known = self.rib.peers(now()).iter().any(|state| state.peer == peer);
        if !known {
            let local_asn = Some(65010);
            let up = Update::PeerUp { peer, asn, local_asn, families: Families::BOTH };
            self.rib.apply(&up, self.at);
        }
        let feed = Feed { peer, policy };
        let prefixes = prefixes.iter().map(|text| text.parse::<ipnet::IpNet>().expect("a prefix"));
        let prefixes = prefixes.map(|prefix| Announced { prefix, path: self.path }).collect();
        self.rib.apply(&Update::Announce { feed, attributes, prefixes }, self.at);
        for family in [Family::V4, Family::V6].into_iter().filter(|_| self.ended) {
            self.rib.apply(&Update::EndOfRib { feed, family }, self.at);
        }
        self
    }

    /// The router's BGP session with this neighbour is down now.
    pub fn down(mut self, neighbour: &str) -> Self {
        let peer = PeerKey { router: self.address, instance: 0, neighbour: Some(ip(neighbour)) };
        self.rib.apply(&Update::PeerDown { peer }, now());
        self
    }

    /// It could not tell everything.
    pub fn incomplete(mut self) -> Self {
        self.rib.apply(&Update::Incomplete { router: self.address }, now());
        self
    }

    /// The session ends now.
    pub fn lost(mut self) -> Self {
        self.rib.apply(&Update::SessionLost { router: self.address }, now());
        self
    }
}

pub fn via(next_hop: &str, asns: &[u32]) -> Attributes {
    Attributes { next_hop: Some(ip(next_hop)), as_path: AsPath::sequence(asns), ..Attributes::default() }
}
