//! What the cache promises where nothing is broken.

use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use bytes::Bytes;
use closedpath::cache::{Bounds, Cache, Meta};

use super::{Folder, meta};

#[tokio::test]
async fn what_was_put_is_there_after_a_restart_and_closed_to_others() {
    let folder = Folder::new();
    let inside = folder.join("deep/cache");
    let (cache, notes) = Cache::open(Some(&inside));
    assert_eq!((notes, cache.held().0), (vec![], 0));
    assert!(cache.put(meta("a"), Bytes::from_static(b"one")).await);
    assert!(cache.put(meta("a"), Bytes::from_static(b"two")).await);
    assert!(cache.put(meta("empty"), Bytes::new()).await);
    let (cache, _) = Cache::open(Some(&inside));
    assert_eq!(cache.held().0, 2);
    assert_eq!(cache.meta("a"), Some(meta("a")));
    let (known, body, _) = cache.get("a").await.expect("it was put");
    assert_eq!((known, &body[..]), (meta("a"), &b"two"[..]));
    assert_eq!(cache.get("empty").await.expect("it was put").1, Bytes::new());
    assert!(cache.get("b").await.is_none());
    let mode = |path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(inside.clone()), 0o700);
    // SHA-256 of "a".
    let file = inside.join("ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb");
    assert_eq!(mode(file), 0o600);
}

#[tokio::test]
async fn a_renewal_keeps_the_body() {
    let folder = Folder::new();
    let (cache, _) = Cache::open(Some(&folder));
    cache.put(meta("a"), Bytes::from_static(b"body")).await;
    let renewed = Meta {
        etag: Some("\"2\"".into()),
        fetched_at: meta("a").fetched_at + Duration::from_secs(60),
        ..meta("a")
    };
    assert!(cache.renew(renewed.clone()).await);
    assert!(!cache.renew(meta("b")).await, "what is not there cannot be renewed");
    let (cache, _) = Cache::open(Some(&folder));
    let (known, body, _) = cache.get("a").await.expect("it was renewed");
    assert_eq!((known, &body[..]), (renewed, &b"body"[..]));
}

#[tokio::test]
async fn a_folder_that_cannot_be_made_costs_the_restart_only() {
    let folder = Folder::new();
    let file = folder.join("file");
    std::fs::write(&file, "not a folder").unwrap();
    let (cache, notes) = Cache::open(Some(&file.join("cache")));
    assert_eq!(notes.len(), 1);
    assert!(notes[0].contains("kept in memory only and fetched anew after a restart"), "{}", notes[0]);
    assert!(cache.put(meta("a"), Bytes::from_static(b"one")).await);
    assert_eq!(&cache.get("a").await.expect("it is in memory").1[..], b"one");
}

#[tokio::test]
async fn what_was_used_longest_ago_leaves_first() {
    let bounds = Bounds { bytes: 1_000_000, entries: 3 };
    let folder = Folder::new();
    for path in [Some(&*folder), None] {
        let (cache, _) = Cache::bounded(path, bounds);
        for key in ["a", "b", "c"] {
            cache.put(meta(key), Bytes::from_static(b"x")).await;
        }
        cache.get("a").await.expect("there is room for three");
        cache.put(meta("d"), Bytes::from_static(b"x")).await;
        let there: Vec<&str> =
            ["a", "b", "c", "d"].into_iter().filter(|key| cache.meta(key).is_some()).collect();
        assert_eq!(there, ["a", "c", "d"], "{path:?}");
        // Each takes 400,000 and a header: two have room.
        for key in ["large 1", "large 2", "large 3"] {
            assert!(cache.put(meta(key), Bytes::from(vec![0; 400_000])).await);
        }
        let there: Vec<&str> = ["a", "c", "d", "large 1", "large 2", "large 3"]
            .into_iter()
            .filter(|key| cache.meta(key).is_some())
            .collect();
        assert_eq!(there, ["large 2", "large 3"], "{path:?}");
        assert!(!cache.put(meta("huge"), Bytes::from(vec![0; 1_000_000])).await);
        assert_eq!(cache.held().0, 2, "what has no room at all drives nothing out");
    }
    assert_eq!(folder.names().len(), 2);
}

#[tokio::test]
async fn a_restart_keeps_to_the_bounds_and_drops_what_was_fetched_first() {
    let folder = Folder::new();
    let (cache, _) = Cache::open(Some(&folder));
    for (key, seconds) in [("new", 20), ("old", 10), ("newest", 30)] {
        let fetched_at = std::time::SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        cache.put(Meta { fetched_at, ..meta(key) }, Bytes::from_static(b"x")).await;
    }
    let (cache, _) = Cache::bounded(Some(&folder), Bounds { bytes: 1_000_000, entries: 2 });
    assert!(cache.meta("old").is_none() && cache.meta("new").is_some() && cache.meta("newest").is_some());
    assert_eq!(folder.names().len(), 2);
}

#[tokio::test]
async fn a_key_that_is_too_long_is_not_kept() {
    let (cache, _) = Cache::open(None);
    assert!(!cache.put(meta(&"k".repeat(9000)), Bytes::new()).await);
}
