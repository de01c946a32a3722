//! Files that are not as they were written: discarded, with the reason in the log, and never served.

use std::fmt::Write as _;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock};

use bytes::Bytes;
use closedpath::cache::Cache;

use super::{Folder, meta};

/// Takes what is logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("the log").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What the whole process has logged since this was called first; bodies are read by other threads.
fn everything() -> String {
    static LOG: OnceLock<Log> = OnceLock::new();
    let log = LOG.get_or_init(|| {
        let log = Log::default();
        let writer = log.clone();
        tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).init();
        log
    });
    String::from_utf8(log.0.lock().expect("the log").clone()).expect("text")
}

/// Opens the cache and gives what was logged meanwhile.
fn open(folder: &Folder) -> (Cache, String) {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).finish();
    let (cache, notes) = tracing::subscriber::with_default(subscriber, || Cache::open(Some(folder)));
    assert_eq!(notes, [""; 0]);
    let text = String::from_utf8(log.0.lock().expect("the log").clone()).expect("text");
    (cache, text)
}

/// One entry and its file.
async fn written(folder: &Folder, body: &'static [u8]) -> (PathBuf, Vec<u8>) {
    let (cache, _) = Cache::open(Some(folder));
    assert!(cache.put(meta("key"), Bytes::from_static(body)).await);
    let names = folder.names();
    assert_eq!(names.len(), 1);
    let file = folder.join(&names[0]);
    let bytes = std::fs::read(&file).expect("the file");
    (file, bytes)
}

#[tokio::test]
async fn no_flipped_bit_is_served() {
    let folder = Folder::new();
    everything();
    let body = b"a body of a few bytes";
    let (file, whole) = written(&folder, body).await;
    let start = whole.len() - body.len();
    for bit in 0..whole.len() * 8 {
        let (byte, mut flipped) = (bit / 8, whole.clone());
        flipped[byte] ^= 1 << (bit % 8);
        std::fs::write(&file, &flipped).unwrap();
        let (cache, log) = open(&folder);
        let reason = match byte {
            0..16 => "reason=it does not begin like a cache file",
            16..20 => "reason=its layout is version ",
            // A wrong length makes the header too long, the file too short, or the header another.
            20..24 => "reason=",
            _ if byte < start => "reason=the digest of its header does not match",
            // The body is read when it is wanted.
            _ => "",
        };
        assert_eq!(log.is_empty(), byte >= start, "bit {bit}: {log}");
        assert!(log.contains(reason), "bit {bit}: {log}");
        assert!(cache.get("key").await.is_none(), "bit {bit} was served");
        if byte >= start {
            let (log, name) = (everything(), file.display());
            let line = format!("file={name} reason=the digest of its body does not match");
            assert_eq!(log.matches(&line).count(), bit + 1 - start * 8, "bit {bit}");
        }
        assert!(cache.meta("key").is_none() && !file.exists(), "bit {bit} was kept");
    }
    std::fs::write(&file, &whole).unwrap();
    assert_eq!(&open(&folder).0.get("key").await.expect("the file is whole again").1[..], body);
}

#[tokio::test]
async fn a_file_cut_anywhere_or_longer_than_written_is_discarded() {
    let folder = Folder::new();
    let (file, whole) = written(&folder, b"a body").await;
    for length in 0..whole.len() {
        std::fs::write(&file, &whole[..length]).unwrap();
        let (cache, log) = open(&folder);
        assert!(log.contains("reason=it is cut short"), "{length} bytes: {log}");
        assert!(cache.meta("key").is_none() && !file.exists(), "{length} bytes");
    }
    std::fs::write(&file, [&whole[..], b"x"].concat()).unwrap();
    assert!(open(&folder).1.contains("reason=it is longer than it says"));
    assert!(!file.exists());
}

#[tokio::test]
async fn damage_after_the_start_is_found_when_the_body_is_wanted() {
    let folder = Folder::new();
    let (file, whole) = written(&folder, b"a body").await;
    for damaged in [whole[..whole.len() - 1].to_vec(), [&whole[..], b"x"].concat(), Vec::new()] {
        std::fs::write(&file, &whole).unwrap();
        let (cache, log) = open(&folder);
        assert_eq!(log, "");
        std::fs::write(&file, damaged).unwrap();
        assert!(cache.get("key").await.is_none());
        assert!(cache.meta("key").is_none() && !file.exists());
    }
}

#[tokio::test]
async fn another_version_and_another_name_are_told_by_their_reasons() {
    let folder = Folder::new();
    let (file, whole) = written(&folder, b"a body").await;
    let mut newer = whole.clone();
    newer[19] = 2;
    std::fs::write(&file, newer).unwrap();
    let log = open(&folder).1;
    assert!(log.contains("reason=its layout is version 2, not 1"), "{log}");
    // The file of another key, whole.
    let mut moved = String::new();
    for _ in 0..32 {
        let _ = write!(moved, "ab");
    }
    std::fs::write(folder.join(&moved), whole).unwrap();
    let (cache, log) = open(&folder);
    assert!(log.contains("reason=its name does not belong to its key") && log.contains(&moved), "{log}");
    assert!(cache.meta("key").is_none());
    assert_eq!(folder.names(), [""; 0]);
}

#[test]
fn what_was_left_unfinished_is_removed_and_what_is_not_ours_stays() {
    let folder = Folder::new();
    let unfinished = format!("{}.1.0.part", "ab".repeat(32));
    std::fs::write(folder.join(unfinished), "half").unwrap();
    std::fs::write(folder.join("README"), "somebody else's").unwrap();
    std::fs::create_dir(folder.join("folder")).unwrap();
    let (cache, log) = open(&folder);
    assert_eq!((cache.held().0, log.as_str()), (0, ""));
    assert_eq!(folder.names(), ["README", "folder"]);
}
