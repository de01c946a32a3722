//! What the cache holds, and what leaves when there is no more room: what was used longest ago.
//!
//! In: entries put and used. Out: what is there, and the keys that must go. No file and no clock.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;

use super::format::Header;

/// How much is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Bytes of all entries together.
    pub bytes: u64,
    /// Entries.
    pub entries: usize,
}

impl Bounds {
    /// What a folder may hold: 512 MiB and 4,096 files, less the one that is being written. The largest CRLs have some 25 MB.
    pub const FOLDER: Self = Self { bytes: (512 - 33) * 1024 * 1024, entries: 4095 };
    /// What is held without a folder.
    pub const MEMORY: Self = Self { bytes: 64 * 1024 * 1024, entries: 4096 };
}

/// One entry that is there.
#[derive(Debug, Clone)]
pub struct Entry {
    /// What is known of it.
    pub header: Arc<Header>,
    /// What it takes of the room.
    pub size: u64,
    /// Its body, where there is no folder.
    pub body: Option<Bytes>,
}

/// All entries, by key.
#[derive(Debug)]
pub struct Index {
    bounds: Bounds,
    entries: HashMap<String, (Entry, u64)>,
    bytes: u64,
    uses: u64,
}

impl Index {
    /// An empty one.
    pub fn new(bounds: Bounds) -> Self {
        Self { bounds, entries: HashMap::new(), bytes: 0, uses: 0 }
    }

    /// An entry, which is used by that.
    pub fn get(&mut self, key: &str) -> Option<Entry> {
        self.uses += 1;
        let (entry, used) = self.entries.get_mut(key)?;
        *used = self.uses;
        Some(entry.clone())
    }

    /// What is known of an entry; it is not used by that.
    pub fn header(&self, key: &str) -> Option<&Arc<Header>> {
        self.entries.get(key).map(|(entry, _)| &entry.header)
    }

    /// Whether an entry of `size` could be held at all.
    pub fn takes(&self, size: u64) -> bool {
        size <= self.bounds.bytes && self.bounds.entries > 0
    }

    /// Puts an entry in the place of the one with its key; gives the keys that had to leave.
    pub fn put(&mut self, entry: Entry) -> Vec<String> {
        self.uses += 1;
        self.remove(&entry.header.meta.key);
        self.bytes += entry.size;
        self.entries.insert(entry.header.meta.key.clone(), (entry, self.uses));
        let mut gone = Vec::new();
        while self.bytes > self.bounds.bytes || self.entries.len() > self.bounds.entries {
            let Some(oldest) = self.entries.iter().min_by_key(|(_, (_, used))| *used) else { break };
            let key = oldest.0.clone();
            self.remove(&key);
            gone.push(key);
        }
        gone
    }

    /// Takes an entry out.
    pub fn remove(&mut self, key: &str) {
        if let Some((entry, _)) = self.entries.remove(key) {
            self.bytes -= entry.size;
        }
    }

    /// How many entries there are, and their bytes.
    pub fn held(&self) -> (usize, u64) {
        (self.entries.len(), self.bytes)
    }
}
