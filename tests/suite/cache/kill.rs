//! SIGKILL at any moment: what was acknowledged is there, everything is whole, and nothing unfinished remains.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use bytes::Bytes;
use closedpath::cache::{Cache, Meta};

use super::{Folder, meta};

const TEST: &str = "cache::kill::a_hundred_kills_lose_and_break_nothing";
const CHILD: &str = "CLOSEDPATH_TEST_CACHE_WRITER";
const KEYS: u64 = 8;
const KILLS: u32 = 100;

/// The test starts itself; with [`CHILD`] set it is the writer that is killed.
#[test]
fn a_hundred_kills_lose_and_break_nothing() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    if let Some(told) = std::env::var_os(CHILD) {
        runtime.block_on(write_forever(Path::new(&told)));
        return;
    }
    let folder = Folder::new();
    let (mut acknowledged, mut left_unfinished) = (HashMap::new(), 0);
    for round in 0..KILLS {
        run_and_kill(&folder, round, &mut acknowledged);
        left_unfinished += u32::from(folder.names().iter().any(|name| name.ends_with(".part")));
        let (cache, notes) = Cache::open(Some(&folder));
        assert_eq!(notes, [""; 0]);
        assert!(folder.names().iter().all(|name| name.len() == 64), "{:?}", folder.names());
        assert_eq!(cache.held().0, folder.names().len());
        for key in (0..KEYS).map(|key| key.to_string()) {
            let before = acknowledged.get(&key).copied();
            let Some(known) = cache.meta(&key) else {
                assert_eq!(before, None, "kill {round}: key {key} is gone");
                continue;
            };
            let (_, found, _) = runtime.block_on(cache.get(&key)).expect("a whole entry");
            let number = numbers(&known);
            assert!(
                Some(number) >= before,
                "kill {round}: key {key} went back from {before:?} to {number:?}"
            );
            assert!(found == body(number.0), "kill {round}: key {key} has the body of another");
        }
    }
    assert_eq!(acknowledged.len() as u64, KEYS, "every key was written");
    // Else no kill came in the middle of a write, and the test has shown nothing.
    assert!(left_unfinished > 0, "{left_unfinished} of {KILLS} kills left something unfinished");
}

/// Which put made the body, and which write the header.
fn numbers(meta: &Meta) -> (u64, u64) {
    let part = |text: &Option<String>| text.as_deref().unwrap_or_default().parse().expect("a number");
    (part(&meta.etag), part(&meta.last_modified))
}

/// Starts the writer, waits for some acknowledgements and a moment more, kills it, and notes what it had acknowledged.
fn run_and_kill(folder: &Path, round: u32, acknowledged: &mut HashMap<String, (u64, u64)>) {
    let mut told = folder.as_os_str().to_owned();
    told.push(format!("?{}", u64::from(round + 1) << 32));
    let mut child = Command::new(std::env::current_exe().expect("this test"))
        .args(["--exact", TEST, "--nocapture"])
        .env(CHILD, told)
        .stdout(Stdio::piped())
        .spawn()
        .expect("this test again");
    let mut lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
    let mut note = |line: &str| {
        let Some((_, rest)) = line.split_once("acknowledged ") else { return false };
        let mut words = rest.split(' ');
        let mut word = || words.next().expect("three words");
        let (key, put, write) = (word().to_owned(), word(), word());
        acknowledged.insert(key, (put.parse().expect("a number"), write.parse().expect("a number")));
        true
    };
    let mut seen = 0;
    while seen < 1 + round % 7 {
        let line = lines.next().expect("the writer writes for ever").expect("its output");
        seen += u32::from(note(&line));
    }
    // Another moment of a write each time. It waits for nothing: whenever the kill comes, the promise holds.
    let moment = Duration::from_micros(u64::from(round) * 97 % 4000);
    let began = Instant::now();
    while began.elapsed() < moment {
        std::hint::spin_loop();
    }
    child.kill().expect("it runs");
    child.wait().expect("it was killed");
    for line in lines.map_while(Result::ok) {
        note(&line);
    }
}

/// Puts and renews until it is killed; says each that is done.
async fn write_forever(told: &Path) {
    let told = told.to_str().expect("text");
    let (folder, first) = told.rsplit_once('?').expect("a folder and a number");
    let (cache, _) = Cache::open(Some(Path::new(folder)));
    for number in first.parse::<u64>().expect("a number").. {
        let key = (mixed(number) % KEYS).to_string();
        let header = |put: u64| Meta {
            etag: Some(put.to_string()),
            last_modified: Some(number.to_string()),
            ..meta(&key)
        };
        let known = cache.meta(&key).filter(|_| mixed(number).is_multiple_of(5));
        let put = known.map_or(number, |known| numbers(&known).0);
        let done = if put == number {
            cache.put(header(put), body(put)).await
        } else {
            cache.renew(header(put)).await
        };
        assert!(done, "a write failed");
        let mut out = std::io::stdout().lock();
        writeln!(out, "\nacknowledged {key} {put} {number}")
            .and_then(|()| out.flush())
            .expect("the test listens");
    }
}

/// Up to 300 kB that no other number has.
fn body(number: u64) -> Bytes {
    let length = usize::try_from(mixed(number ^ 0x55) % 300_000).expect("it is small");
    let words = (0..length as u64 / 8 + 1).flat_map(|at| mixed(number.wrapping_add(at << 40)).to_be_bytes());
    words.take(length).collect::<Vec<u8>>().into()
}

/// SplitMix64.
fn mixed(number: u64) -> u64 {
    let number = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}
