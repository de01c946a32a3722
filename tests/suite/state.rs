//! What `run` keeps in its state folder, over violent ends: the cache of CRLs and OCSP responses, and the chains seen.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use closedpath::cache::Cache;
use closedpath_lab::Lab;

use crate::daemon::Daemon;
use crate::lab;

/// The agent is killed so often, each time when it has written some more.
const KILLS: usize = 20;

fn files(folder: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}

fn ready(daemon: &Daemon) {
    daemon.until("readiness", |daemon| (daemon.get("/-/ready").0 == 200).then_some(()));
}

fn log(lab: &Lab) -> String {
    fs::read_to_string(lab.dir().join("run.log")).expect("the agent's words")
}

#[test]
fn an_agent_that_was_killed_at_any_moment_starts_again_with_a_valid_cache() {
    let lab = lab::build();
    let cache = lab.state_dir().expect("a folder").join("cache");
    let mut most = 0;
    for kill in 0..KILLS {
        // What was kept is not written again.
        let _ = fs::remove_dir_all(&cache);
        let mut daemon = Daemon::activated(&lab);
        let written = kill % 10;
        daemon.until("files in the cache", |_| (files(&cache).len() > written).then_some(()));
        daemon.child.kill().expect("it lives");
        daemon.child.wait().expect("it ends");
        let whole = |name: &&String| name.len() == 64;
        let before = files(&cache);
        let (opened, notes) = Cache::open(Some(&cache));
        assert_eq!(notes, Vec::<String>::new());
        drop(opened);
        let after = files(&cache);
        assert_eq!(
            before.iter().filter(whole).collect::<Vec<_>>(),
            after.iter().collect::<Vec<_>>(),
            "kill {kill}"
        );
        most = most.max(after.len());
    }
    assert!(most > 5, "it was killed late enough to have written something: {most}");
    ready(&Daemon::activated(&lab));
    assert!(!log(&lab).contains("discarded"), "{}", log(&lab));
}

#[test]
fn one_flipped_bit_in_a_cache_file_is_discarded_with_its_reason_and_the_chains_are_remembered() {
    let lab = lab::build();
    let state = lab.state_dir().expect("a folder");
    let daemon = Daemon::activated(&lab);
    ready(&daemon);
    drop(daemon);
    assert!(fs::read_to_string(state.join("chains.json")).expect("the chains").contains("crl.pki.example"));
    let cache = state.join("cache");
    let name = files(&cache).into_iter().next().expect("a cached file");
    let mut bytes = fs::read(cache.join(&name)).expect("the file");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(cache.join(&name), &bytes).expect("written");
    let daemon = Daemon::activated(&lab);
    ready(&daemon);
    let words = log(&lab);
    let line = words
        .lines()
        .find(|line| line.contains(&name))
        .unwrap_or_else(|| panic!("no word on {name}: {words}"));
    assert!(line.contains("WARN") && line.contains("discard"), "{line}");
    let report = daemon.next_report();
    let lost = report["not_tested"].as_array().expect("a list");
    assert!(!lost.iter().any(|words| words.as_str().is_some_and(|words| words.contains("F36"))), "{lost:?}");
}
