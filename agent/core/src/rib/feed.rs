//! What routers tell, in terms that no protocol library is part of.

use std::net::IpAddr;
use std::time::SystemTime;

use ipnet::IpNet;

use super::Attributes;

/// Address family of unicast routes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Family {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

impl Family {
    /// The family of an address.
    pub fn of(ip: IpAddr) -> Self {
        if ip.is_ipv4() { Self::V4 } else { Self::V6 }
    }

    pub(super) fn index(self) -> usize {
        match self {
            Self::V4 => 0,
            Self::V6 => 1,
        }
    }
}

/// Families that a peer and its router agreed on: for these an End-of-RIB is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Families {
    /// IPv4 unicast.
    pub v4: bool,
    /// IPv6 unicast.
    pub v6: bool,
}

impl Families {
    /// Both.
    pub const BOTH: Self = Self { v4: true, v6: true };

    /// Whether this family is among them.
    pub fn has(self, family: Family) -> bool {
        match family {
            Family::V4 => self.v4,
            Family::V6 => self.v6,
        }
    }
}

/// From where in the router routes are reported (RFC 7854 §5, RFC 9069).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Policy {
    /// Adj-RIB-In before policy: what the neighbour sent, also what the router rejects.
    Pre,
    /// Adj-RIB-In after policy: what the router may choose from.
    Post,
    /// Loc-RIB: what the router chose.
    Loc,
}

impl Policy {
    pub(super) fn index(self) -> usize {
        match self {
            Self::Pre => 0,
            Self::Post => 1,
            Self::Loc => 2,
        }
    }
}

/// A peer of a router.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PeerKey {
    /// The router's own address, as the allow-list has it.
    pub router: IpAddr,
    /// The peer distinguisher: 0 for the router's global table, else one of its VRFs.
    pub instance: u64,
    /// The neighbour's address; `None` for the router's Loc-RIB, which is a peer of its own in BMP.
    pub neighbour: Option<IpAddr>,
}

/// A peer and the place its routes were taken from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Feed {
    /// The peer.
    pub peer: PeerKey,
    /// Before or after policy. [`Policy::Loc`] just where the peer has no neighbour.
    pub policy: Policy,
}

/// A prefix as announced or withdrawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Announced {
    /// The prefix; bits right of its length do not matter.
    pub prefix: IpNet,
    /// The path identifier (RFC 7911); 0 without.
    pub path: u32,
}

impl From<IpNet> for Announced {
    fn from(prefix: IpNet) -> Self {
        Self { prefix, path: 0 }
    }
}

/// One thing a router told.
#[derive(Debug, Clone, PartialEq)]
pub enum Update {
    /// A router began to tell everything anew; what it told before is void.
    SessionUp {
        /// The router.
        router: IpAddr,
        /// `None` for a live session. An imported table stands until then.
        until: Option<SystemTime>,
    },
    /// The connection to a router ended.
    SessionLost {
        /// The router.
        router: IpAddr,
    },
    /// A BGP session of the router is up.
    PeerUp {
        /// The peer.
        peer: PeerKey,
        /// The neighbour's AS.
        asn: u32,
        /// The router's AS on this session, where told.
        local_asn: Option<u32>,
        /// What both agreed to exchange.
        families: Families,
    },
    /// A BGP session of the router is down, or has never been up.
    PeerDown {
        /// The peer.
        peer: PeerKey,
    },
    /// Routes with the same attributes.
    Announce {
        /// Where they stand.
        feed: Feed,
        /// Their attributes.
        attributes: Attributes,
        /// Their prefixes.
        prefixes: Vec<Announced>,
    },
    /// Routes that stand no more.
    Withdraw {
        /// Where they stood.
        feed: Feed,
        /// Their prefixes.
        prefixes: Vec<Announced>,
    },
    /// All routes of a family have been sent once (RFC 4724 §2).
    EndOfRib {
        /// Of this feed.
        feed: Feed,
        /// Of this family.
        family: Family,
    },
    /// Something that concerns no route: the router is there.
    Heard {
        /// The router.
        router: IpAddr,
    },
    /// The router, or its reader here, could not tell everything: the rest of this session's table is unreliable.
    Incomplete {
        /// The router.
        router: IpAddr,
    },
}

impl Update {
    /// The router it is from.
    pub fn router(&self) -> IpAddr {
        match self {
            Self::SessionUp { router, .. }
            | Self::SessionLost { router }
            | Self::Heard { router }
            | Self::Incomplete { router } => *router,
            Self::PeerUp { peer, .. } | Self::PeerDown { peer } => peer.router,
            Self::Announce { feed, .. } | Self::Withdraw { feed, .. } | Self::EndOfRib { feed, .. } => {
                feed.peer.router
            }
        }
    }
}
