//! The order of the layers (DESIGN §2): who may import whom, and what the pure part may not touch.
//!
//! In: sources and manifests as they stand in the repository, and cargo's own dependency tree. Out: every line that breaks
//! the order. A wrong import is mended at the import, not here.

mod rules;
mod samples;
mod scan;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use rules::{core_breaches, net_breaches};

/// Crates that do input or output, keep time or log: none may come into core, not even through another crate.
const IMPURE: [&str; 12] = [
    "async-std",
    "hickory-proto",
    "hickory-resolver",
    "hyper",
    "log",
    "mio",
    "rustls",
    "smol",
    "socket2",
    "tokio",
    "tokio-rustls",
    "tracing",
];

/// Crates that belong to the daemon alone: command line, export, logging.
const DAEMON_ONLY: [&str; 6] =
    ["anyhow", "clap", "closedpath", "prometheus", "tracing", "tracing-subscriber"];

#[test]
fn core_imports_downward_only_and_touches_nothing_outside_itself() {
    let breaches = over_sources("agent/core/src", core_breaches);
    assert!(breaches.is_empty(), "agent/core breaks its order:\n{}", breaches.join("\n"));
}

#[test]
fn net_knows_core_and_not_the_daemon() {
    let breaches = over_sources("agent/net/src", |_, text| net_breaches(text));
    assert!(breaches.is_empty(), "agent/net reaches upward:\n{}", breaches.join("\n"));
    let wrong = among(&manifest("agent/net/Cargo.toml"), &DAEMON_ONLY);
    assert!(wrong.is_empty(), "agent/net/Cargo.toml names what belongs to the daemon: {wrong:?}");
}

#[test]
fn core_depends_on_no_crate_that_does_input_or_output() {
    let wrong = among(&manifest("agent/core/Cargo.toml"), &IMPURE);
    assert!(wrong.is_empty(), "agent/core/Cargo.toml names {wrong:?}");
    let tree = tree_of("closedpath-core");
    assert!(tree.iter().any(|name| name == "serde"), "cargo tree shows no dependencies: {tree:?}");
    let wrong = among(&tree, &IMPURE);
    assert!(
        wrong.is_empty(),
        "{wrong:?} come into core through other crates: cargo tree -p closedpath-core -i NAME"
    );
}

#[test]
fn core_depends_on_nothing_of_ours_and_net_on_core_alone() {
    let ours = |manifest: Vec<String>| -> Vec<String> {
        manifest.into_iter().filter(|name| name.starts_with("closedpath")).collect()
    };
    assert_eq!(ours(manifest("agent/core/Cargo.toml")), Vec::<String>::new());
    assert_eq!(ours(manifest("agent/net/Cargo.toml")), ["closedpath-core"]);
}

/// Every breach in every source below a folder, as `file:line: what`.
fn over_sources(folder: &str, breaches: impl Fn(&Path, &str) -> Vec<String>) -> Vec<String> {
    let root = repository().join(folder);
    let mut files = Vec::new();
    sources(&root, &mut files);
    assert!(!files.is_empty(), "{} has no sources", root.display());
    files.sort();
    let mut all = Vec::new();
    for file in files {
        let text = fs::read_to_string(&file).expect("a source of the repository is readable");
        let inside = file.strip_prefix(&root).expect("found below the folder");
        all.extend(
            breaches(inside, &text).iter().map(|what| format!("{folder}/{}:{what}", inside.display())),
        );
    }
    all
}

fn sources(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder of the repository is readable") {
        let path = entry.expect("a folder of the repository is readable").path();
        if path.is_dir() {
            sources(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            into.push(path);
        }
    }
}

/// Names in `[dependencies]`, `[build-dependencies]` and their `target` forms. Those of tests do not count.
fn manifest(path: &str) -> Vec<String> {
    let text = fs::read_to_string(repository().join(path)).expect("a manifest of the repository is readable");
    let table: toml::Table = text.parse().expect("cargo has read it already");
    let targets = table.get("target").and_then(toml::Value::as_table);
    let places = targets.into_iter().flat_map(|all| all.values().filter_map(toml::Value::as_table));
    let mut names = Vec::new();
    for place in places.chain([&table]) {
        for kind in ["dependencies", "build-dependencies"] {
            let listed = place.get(kind).and_then(toml::Value::as_table);
            names.extend(listed.into_iter().flat_map(|listed| listed.keys().cloned()));
        }
    }
    names
}

/// All crates that come into one package, by cargo's own account.
fn tree_of(package: &str) -> Vec<String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| env!("CARGO").into());
    let arguments = ["tree", "--offline", "--edges", "normal,build", "--prefix", "none", "--format", "{p}"];
    let output = Command::new(cargo)
        .args(arguments)
        .args(["--package", package])
        .current_dir(repository())
        .output()
        .expect("cargo runs the tests, so it can be started");
    assert!(output.status.success(), "cargo tree: {}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.lines().filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect()
}

fn among(names: &[String], wanted: &[&str]) -> Vec<String> {
    names.iter().filter(|name| wanted.contains(&name.as_str())).cloned().collect()
}

fn repository() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}
