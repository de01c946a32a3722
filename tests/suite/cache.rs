//! The cache of bodies and the fetcher over it: nothing damaged is served, nothing acknowledged is lost, and hosts are asked
//! once.

mod damage;
mod kill;
mod server;
mod serving;
mod store;

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime};

use closedpath::cache::Meta;

/// A folder of one test, removed with it.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("closedpath-cache-{}-{number}", std::process::id()));
        std::fs::create_dir(&path).expect("a folder for the test");
        Self(path)
    }

    /// The names of all files in it.
    fn names(&self) -> Vec<String> {
        let files = std::fs::read_dir(&self.0).expect("the folder");
        let mut names: Vec<String> =
            files.map(|file| file.expect("a file").file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }
}

impl std::ops::Deref for Folder {
    type Target = Path;

    fn deref(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn meta(key: &str) -> Meta {
    let at = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
    Meta {
        key: key.into(),
        url: "http://crl.example/a.crl".into(),
        ip: Ipv4Addr::LOCALHOST.into(),
        content_type: None,
        etag: Some("\"1\"".into()),
        last_modified: None,
        fetched_at: at(1_800_000_000),
        took: Duration::from_millis(5),
        this_update: Some(at(1_799_000_000)),
        next_update: Some(at(1_801_000_000)),
    }
}
