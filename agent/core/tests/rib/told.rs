//! A site as the tests tell it: one edge router with two MSEEs of one circuit and one provider.

use std::net::IpAddr;
use std::time::{Duration, SystemTime};

use closedpath_core::rib::{
    AsPath, Attributes, Community, Families, Family, Feed, Lookup, PeerKey, Policy, Rib, Update,
};

pub const CE: &str = "192.0.2.1";
pub const MSEE_1: &str = "203.0.113.2";
pub const MSEE_2: &str = "203.0.113.6";
pub const ISP: &str = "198.51.100.1";
pub const OWN_AS: u32 = 65010;

pub fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

pub fn at(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000 + seconds)
}

/// When the session is settled, but no peer has been up for so long that its End-of-RIB is not waited for.
pub fn now() -> SystemTime {
    at(30)
}

pub fn peer(neighbour: &str) -> PeerKey {
    PeerKey { router: ip(CE), instance: 0, neighbour: Some(ip(neighbour)) }
}

pub fn loc() -> PeerKey {
    PeerKey { neighbour: None, ..peer(ISP) }
}

pub fn feed(neighbour: &str, policy: Policy) -> Feed {
    Feed { peer: peer(neighbour), policy }
}

pub fn via(next_hop: &str, asns: &[u32]) -> Attributes {
    Attributes { next_hop: Some(ip(next_hop)), as_path: AsPath::sequence(asns), ..Attributes::default() }
}

pub fn tagged(attributes: Attributes, communities: &[Community]) -> Attributes {
    Attributes { communities: communities.into(), ..attributes }
}

pub fn up(key: PeerKey, asn: u32) -> Update {
    Update::PeerUp { peer: key, asn, local_asn: Some(OWN_AS), families: Families::BOTH }
}

pub fn announce(feed: Feed, attributes: &Attributes, prefixes: &[&str]) -> Update {
    let prefixes = prefixes.iter().map(|text| text.parse::<ipnet::IpNet>().unwrap().into()).collect();
    Update::Announce { feed, attributes: attributes.clone(), prefixes }
}

pub fn withdraw(feed: Feed, prefixes: &[&str]) -> Update {
    let prefixes = prefixes.iter().map(|text| text.parse::<ipnet::IpNet>().unwrap().into()).collect();
    Update::Withdraw { feed, prefixes }
}

pub fn ends(feed: Feed) -> [Update; 2] {
    [Family::V4, Family::V6].map(|family| Update::EndOfRib { feed, family })
}

pub fn tell(rib: &mut Rib, updates: impl IntoIterator<Item = Update>) {
    for update in updates {
        rib.apply(&update, at(2));
    }
}

pub fn connected() -> Rib {
    let mut rib = Rib::default();
    rib.apply(&Update::SessionUp { router: ip(CE), until: None }, at(0));
    rib
}

/// All three peers are up and have told everything after policy.
pub fn site() -> Rib {
    let mut rib = connected();
    for (neighbour, asn) in [(MSEE_1, 12076), (MSEE_2, 12076), (ISP, 64500)] {
        tell(&mut rib, [up(peer(neighbour), asn)]);
        tell(&mut rib, ends(feed(neighbour, Policy::Post)));
    }
    rib
}

/// The matched prefix, and the neighbours of the routes that are left (`loc` for a Loc-RIB); else the words of the doubt.
pub fn shown(lookup: &Lookup<'_>) -> String {
    match lookup {
        Lookup::Found(answer) => {
            let who = answer.routes.iter().map(|route| match route.peer.neighbour {
                Some(neighbour) => format!("{neighbour}"),
                None => "loc".into(),
            });
            format!("{} by {}", answer.prefix, who.collect::<Vec<_>>().join(" "))
        }
        Lookup::Nothing => "nothing".into(),
        Lookup::Unknown(doubt) => doubt.to_string(),
    }
}

pub fn asked(rib: &Rib, destination: &str) -> String {
    shown(&rib.lookup(ip(CE), ip(destination), now()))
}
