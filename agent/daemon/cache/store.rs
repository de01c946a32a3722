//! The cache: an index in memory over a folder, or over memory alone where there is none.
//!
//! In: keys and bodies. Out: bodies whose every byte was checked, now. Files are handled off the reactor.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use super::folder::Folder;
use super::format::{Header, Meta, encode, name, sha256};
use super::index::{Bounds, Entry, Index};

/// Bodies by key.
#[derive(Debug, Clone)]
pub struct Cache {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    folder: Option<Folder>,
    index: Mutex<Index>,
    /// Held while files change, so that the index and the folder say the same.
    writing: Mutex<()>,
}

impl Cache {
    /// Opens the folder, or does with memory; the words tell what is lost by that. Blocks.
    pub fn open(folder: Option<&Path>) -> (Self, Vec<String>) {
        Self::bounded(folder, if folder.is_some() { Bounds::FOLDER } else { Bounds::MEMORY })
    }

    /// The same with other bounds.
    pub fn bounded(path: Option<&Path>, bounds: Bounds) -> (Self, Vec<String>) {
        let Some(path) = path else { return (Self::over(None, bounds), Vec::new()) };
        let loaded = Folder::open(path).and_then(|folder| Ok((folder.load()?, folder)));
        let (mut entries, folder) = match loaded {
            Ok(loaded) => loaded,
            Err(error) => {
                let note = format!(
                    "the cache folder {} cannot be used ({error}): CRLs and OCSP responses are kept in memory only and \
                     fetched anew after a restart; make the folder writable for closedpath or set [agent] state_dir",
                    path.display()
                );
                let bytes = bounds.bytes.min(Bounds::MEMORY.bytes);
                return (Self::over(None, Bounds { bytes, ..bounds }), vec![note]);
            }
        };
        let cache = Self::over(Some(folder), bounds);
        // What was fetched last counts as used last.
        entries.sort_by_key(|(header, _)| header.meta.fetched_at);
        for (header, size) in entries {
            cache.inner.admit(Entry { header: Arc::new(header), size, body: None });
        }
        (cache, Vec::new())
    }

    fn over(folder: Option<Folder>, bounds: Bounds) -> Self {
        let index = Mutex::new(Index::new(bounds));
        Self { inner: Arc::new(Inner { folder, index, writing: Mutex::new(()) }) }
    }

    /// An entry whose every byte has been checked; a damaged one is discarded, and as if it were absent.
    pub async fn get(&self, key: &str) -> Option<(Meta, Bytes, [u8; 32])> {
        let entry = self.inner.index().get(key)?;
        if let Some(body) = entry.body {
            return Some((entry.header.meta.clone(), body, entry.header.digest));
        }
        let (inner, key) = (Arc::clone(&self.inner), key.to_owned());
        self.apart(move || inner.read(&key, &entry.header)).await.flatten()
    }

    /// What is known of an entry.
    pub fn meta(&self, key: &str) -> Option<Meta> {
        self.header(key).map(|header| header.meta.clone())
    }

    /// The same with length and digest of the body.
    pub fn header(&self, key: &str) -> Option<Arc<Header>> {
        self.inner.index().header(key).cloned()
    }

    /// Puts an entry in the place of the one with its key. When this returns true it is there, also after a power cut.
    pub async fn put(&self, meta: Meta, body: Bytes) -> bool {
        let inner = Arc::clone(&self.inner);
        self.apart(move || inner.put(meta, body)).await.unwrap_or(false)
    }

    /// Replaces what is known of an entry and keeps its body, as after a 304 (RFC 9110 §15.4.5).
    pub async fn renew(&self, meta: Meta) -> bool {
        let Some((_, body, _)) = self.get(&meta.key).await else { return false };
        self.put(meta, body).await
    }

    /// Takes an entry out.
    pub async fn remove(&self, key: &str) {
        let (inner, key) = (Arc::clone(&self.inner), key.to_owned());
        let _ = self.apart(move || inner.remove(&key)).await;
    }

    /// How many entries there are, and their bytes.
    pub fn held(&self) -> (usize, u64) {
        self.inner.index().held()
    }

    /// Work with files or large digests, which must not hold up the reactor.
    async fn apart<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
        tokio::task::spawn_blocking(work).await.ok()
    }
}

impl Inner {
    fn index(&self) -> MutexGuard<'_, Index> {
        self.index.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn writing(&self) -> MutexGuard<'_, ()> {
        self.writing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read(&self, key: &str, known: &Arc<Header>) -> Option<(Meta, Bytes, [u8; 32])> {
        let folder = self.folder.as_ref()?;
        let damage = match folder.read(key) {
            Ok((header, body)) => return Some((header.meta, body, header.digest)),
            Err(damage) => damage,
        };
        let _writing = self.writing();
        // Another may have replaced it since.
        let unchanged = self.index().header(key).is_some_and(|header| Arc::ptr_eq(header, known));
        if unchanged {
            folder.discard(&name(key), &damage);
            self.index().remove(key);
        }
        None
    }

    fn put(&self, meta: Meta, body: Bytes) -> bool {
        let header = Header { meta, length: body.len() as u64, digest: sha256(&body) };
        let Some(head) = encode(&header) else { return false };
        let size = (head.len() + body.len()) as u64;
        let _writing = self.writing();
        if !self.index().takes(size) {
            return false;
        }
        let body = match &self.folder {
            None => Some(body),
            Some(folder) => match folder.write(&header.meta.key, &head, &body) {
                Ok(()) => None,
                Err(error) => {
                    tracing::warn!(url = header.meta.url, %error, "a body cannot be written to the cache");
                    return false;
                }
            },
        };
        self.admit(Entry { header: Arc::new(header), size, body });
        true
    }

    fn remove(&self, key: &str) {
        let _writing = self.writing();
        self.index().remove(key);
        if let Some(folder) = &self.folder {
            folder.remove(key);
        }
    }

    fn admit(&self, entry: Entry) {
        let gone = self.index().put(entry);
        if let Some(folder) = &self.folder {
            gone.iter().for_each(|key| folder.remove(key));
        }
    }
}
