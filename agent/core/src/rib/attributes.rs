//! Path attributes, and the store that keeps each distinct set once.

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;

use hashbrown::HashTable;

/// A community of RFC 1997, written `12076:51004`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Community(pub u16, pub u16);

impl fmt::Display for Community {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.0, self.1)
    }
}

/// Where the originator had the route from; lower is preferred (RFC 4271 §5.1.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Origin {
    /// An interior protocol.
    Igp,
    /// EGP.
    Egp,
    /// Something else.
    #[default]
    Incomplete,
}

/// The ASes a route came through, nearest first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct AsPath {
    /// All ASes in order; members of sets and confederations too.
    pub asns: Box<[u32]>,
    /// Its length for the choice of a route: a set counts 1, a confederation nothing (RFC 4271 §9.1.2.2, RFC 5065 §5.3).
    pub length: u16,
    /// Whether it ends in a set, so that no one AS is the origin.
    pub aggregated: bool,
}

impl AsPath {
    /// A path of single ASes.
    pub fn sequence(asns: &[u32]) -> Self {
        Self { asns: asns.into(), length: u16::try_from(asns.len()).unwrap_or(u16::MAX), aggregated: false }
    }

    /// The AS that originated the route; `None` where it is not one.
    pub fn origin(&self) -> Option<u32> {
        self.asns.last().copied().filter(|_| !self.aggregated)
    }
}

impl fmt::Display for AsPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, asn) in self.asns.iter().enumerate() {
            write!(f, "{}{asn}", if place == 0 { "" } else { " " })?;
        }
        Ok(())
    }
}

/// What came with a route.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Attributes {
    /// NEXT_HOP, or that of MP_REACH_NLRI.
    pub next_hop: Option<IpAddr>,
    /// AS_PATH, without the router's own AS that FRR puts in front.
    pub as_path: AsPath,
    /// COMMUNITIES, sorted.
    pub communities: Box<[Community]>,
    /// LOCAL_PREF; absent is not 100 but unknown.
    pub local_pref: Option<u32>,
    /// MULTI_EXIT_DISC.
    pub med: Option<u32>,
    /// ORIGIN.
    pub origin: Origin,
}

impl Attributes {
    /// Whether a community is among them.
    pub fn has(&self, community: Community) -> bool {
        self.communities.contains(&community)
    }

    fn bytes(&self) -> usize {
        // Its slot and count, its place in the index (at most half of which is vacant), the headers of two allocations.
        size_of::<Self>() + 4 + 2 * 5 + 2 * 16 + 4 * (self.as_path.asns.len() + self.communities.len())
    }
}

/// Distinct attribute sets, by number, with how many routes use each.
#[derive(Default)]
pub(super) struct Interned {
    /// The sets themselves, so that a look-up refers to one without reading anything. Those that went are blank.
    sets: Vec<Attributes>,
    uses: Vec<u32>,
    /// The number of each set by its hash.
    numbers: HashTable<u32>,
    hasher: RandomState,
    free: Vec<u32>,
    bytes: usize,
}

impl Interned {
    /// The number of a set, new or known; `None` when a new one does not fit. It has no user yet: [`Self::hold`] it.
    pub(super) fn number(&mut self, attributes: &Attributes, limit: usize) -> Option<u32> {
        let Self { sets, numbers, hasher, .. } = self;
        let hash = hasher.hash_one(attributes);
        if let Some(&number) = numbers.find(hash, |&number| sets[number as usize] == *attributes) {
            return Some(number);
        }
        let bytes = attributes.bytes();
        if self.bytes + bytes > limit {
            return None;
        }
        self.bytes += bytes;
        let number = match self.free.pop() {
            Some(number) => {
                sets[number as usize] = attributes.clone();
                number
            }
            None => {
                let number = u32::try_from(sets.len()).ok()?;
                sets.push(attributes.clone());
                self.uses.push(0);
                number
            }
        };
        numbers.insert_unique(hash, number, |&known| hasher.hash_one(&sets[known as usize]));
        Some(number)
    }

    /// One more route uses it.
    pub(super) fn hold(&mut self, number: u32) {
        self.uses[number as usize] += 1;
    }

    /// One route uses it no more; without any it goes.
    pub(super) fn release(&mut self, number: u32) {
        let uses = &mut self.uses[number as usize];
        *uses = uses.saturating_sub(1);
        if *uses > 0 {
            return;
        }
        let gone = std::mem::take(&mut self.sets[number as usize]);
        if let Ok(place) = self.numbers.find_entry(self.hasher.hash_one(&gone), |&known| known == number) {
            place.remove();
            self.bytes -= gone.bytes();
            self.free.push(number);
        }
    }

    pub(super) fn get(&self, number: u32) -> Option<&Attributes> {
        self.sets.get(number as usize)
    }

    pub(super) fn len(&self) -> usize {
        self.numbers.len()
    }
}
