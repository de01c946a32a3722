//! Why a router's table does not answer.

use std::fmt;
use std::net::IpAddr;
use std::time::SystemTime;

/// A reason not to rely on a table; all lead to `unknown` (DOMAIN §3.2 d, §3.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Doubt {
    /// The router never connected.
    NoSession,
    /// The session ended, or an imported table is too old.
    Stale {
        /// Since then.
        since: SystemTime,
    },
    /// The session is so young that peers may still be missing.
    Settling,
    /// No BGP session of the router is up.
    NoPeer,
    /// A peer's routes have not all been sent; `None` is the Loc-RIB.
    NoEndOfRib {
        /// The neighbour.
        neighbour: Option<IpAddr>,
    },
    /// A peer's feed before policy withdraws only: the router keeps no such table (FRR without soft-reconfiguration).
    WithdrawalsOnly {
        /// The neighbour.
        neighbour: Option<IpAddr>,
    },
    /// Routes are missing: too many, unreadable, or of a peer that was never announced.
    Truncated,
    /// BGP sessions are up in several tables (VRFs) of the router, and nothing says which the traffic uses.
    SeveralInstances,
}

impl fmt::Display for Doubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let who = |neighbour: &Option<IpAddr>| match neighbour {
            Some(neighbour) => format!("peer {neighbour}"),
            None => "the Loc-RIB".to_owned(),
        };
        match self {
            Self::NoSession => f.write_str("the router has not connected"),
            Self::Stale { .. } => f.write_str("the router's table is stale"),
            Self::Settling => f.write_str("the router has just connected"),
            Self::NoPeer => f.write_str("no BGP session of the router is up"),
            Self::NoEndOfRib { neighbour } => write!(f, "no End-of-RIB yet from {}", who(neighbour)),
            Self::WithdrawalsOnly { neighbour } => {
                write!(
                    f,
                    "only withdrawals before policy from {}: it needs soft-reconfiguration inbound",
                    who(neighbour)
                )
            }
            Self::Truncated => f.write_str("routes are missing from the router's table"),
            Self::SeveralInstances => f.write_str("BGP sessions are up in several tables of the router"),
        }
    }
}
