//! How much a table may hold. What does not fit is counted, and the table it is missing from answers no more.

/// Bounds of a [`Rib`](super::Rib).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Routers.
    pub routers: usize,
    /// Peers of one router, over all its tables.
    pub peers: usize,
    /// Routes of one router, over all peers and policies.
    pub routes_of_router: usize,
    /// Routes of all routers.
    pub routes: usize,
    /// Bytes of all distinct attribute sets.
    pub attribute_bytes: usize,
}

impl Default for Limits {
    /// Two full Internet tables before and after policy, in some 300 MB.
    fn default() -> Self {
        Self {
            routers: 64,
            peers: 256,
            routes_of_router: 4_000_000,
            routes: 6_000_000,
            attribute_bytes: 128 << 20,
        }
    }
}
