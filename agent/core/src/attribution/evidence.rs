//! Evidence: what was seen, how strong it is, and which plane it belongs to (DOMAIN §1.2).

use std::time::SystemTime;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Planes; two items of one plane are not independent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Plane {
    /// This host's own tables.
    Host,
    /// Routing protocols.
    Control,
    /// Packets.
    Data,
    /// Names.
    Name,
    /// Applications.
    App,
    /// What the operator says (E16).
    Declared,
}

/// A decides the leg it speaks about; B needs another plane; C supports; D hints. Only A and B may exclude a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub enum Strength {
    /// Decides.
    A,
    /// Strong.
    B,
    /// Supports.
    C,
    /// Hint.
    D,
}

/// One item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Evidence {
    /// Identifier in DOMAIN §1.2, `E1` to `E16`.
    pub id: String,
    /// Its plane.
    pub plane: Plane,
    /// Its strength here.
    pub strength: Strength,
    /// What it says, in words that `traceroute`, `ip route` or `show bgp` can check.
    pub says: String,
    /// When it was seen.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub at: SystemTime,
}
