//! The rules of the layers, applied to the paths of one file.
//!
//! In: where the file stands and its text. Out: breaches as `line: what`.

use std::path::Path;

use super::scan::{Named, named};

/// Core's modules from low to high (DESIGN §2): a module imports only those before it.
pub(super) const ORDER: [&str; 16] = [
    "failure",
    "target",
    "observation",
    "rib",
    "config",
    "pac",
    "catalog",
    "tables",
    "eligibility",
    "planning",
    "pki",
    "closure",
    "attribution",
    "findings",
    "verdict",
    "report",
];

/// What core may not name: `A::B` is a path that holds these neighbours, `A!` a macro.
const OUTSIDE: [(&[&str], &str); 22] = [
    (&["std", "fs"], "core reads no files: take the text as an argument"),
    (&["std", "env"], "core knows no environment: take the value as an argument"),
    (&["std", "process"], "core starts nothing"),
    (&["std", "thread"], "core has no threads"),
    (&["std", "io"], "core does no input or output: take and give values"),
    (&["net", "TcpStream"], "sockets belong to closedpath-net"),
    (&["net", "TcpListener"], "sockets belong to the daemon"),
    (&["net", "UdpSocket"], "sockets belong to closedpath-net"),
    (&["net", "ToSocketAddrs"], "resolution belongs to closedpath-net"),
    (&["SystemTime", "now"], "core has no clock: take `now` as an argument"),
    (&["UNIX_EPOCH", "elapsed"], "core has no clock: take `now` as an argument"),
    (&["Instant"], "core has no clock: take durations as arguments"),
    (&["SystemRandom"], "core is not random: take the number as an argument"),
    (&["tokio"], "core is not asynchronous"),
    (&["log"], "core never logs: return what should be said"),
    (&["tracing"], "core never logs: return what should be said"),
    (&["print!"], "core never prints"),
    (&["println!"], "core never prints"),
    (&["eprint!"], "core never prints"),
    (&["eprintln!"], "core never prints"),
    (&["unsafe"], "core has no unsafe code"),
    (&["dbg!"], "core never prints"),
];

/// What one file of core names but may not. `file` is relative to core's `src`.
pub(super) fn core_breaches(file: &Path, text: &str) -> Vec<String> {
    let module = modules(file);
    let mut breaches = Vec::new();
    if let Some(own) = module.first()
        && place(own).is_none()
    {
        breaches.push(format!("1: module {own} is not in the order of the layers"));
    }
    for path in named(text) {
        if let Some(what) = upward(&module, &path) {
            breaches.push(format!("{}: {what}", path.line));
        }
        for (names, why) in OUTSIDE {
            if holds(&path, names) {
                breaches.push(format!("{}: {}: {why}", path.line, names.join("::")));
            }
        }
    }
    breaches
}

/// What one file of net names but may not.
pub(super) fn net_breaches(text: &str) -> Vec<String> {
    let daemons = ["closedpath", "clap", "prometheus", "tracing", "tracing_subscriber", "anyhow"];
    let upward = named(text)
        .into_iter()
        .filter(|path| path.segments.len() > 1 && daemons.contains(&path.segments[0].as_str()));
    upward.map(|path| format!("{}: {} belongs to the daemon", path.line, path.segments[0])).collect()
}

fn place(layer: &str) -> Option<usize> {
    ORDER.iter().position(|known| *known == layer)
}

/// Module names from the crate's root to the file: `a/mod.rs` and `a.rs` are `[a]`, `a/b.rs` is `[a, b]`, `lib.rs` is `[]`.
fn modules(file: &Path) -> Vec<String> {
    let stem = file.with_extension("");
    let names = stem.iter().map(|name| name.to_string_lossy().into_owned());
    names.filter(|name| name != "mod" && name != "lib").collect()
}

/// Says which layer a path reaches that is not below the file's own.
fn upward(module: &[String], path: &Named) -> Option<String> {
    let own = module.first()?;
    // `super` as often as the file is deep leads to the root, just as `crate` does.
    let supers = path.segments.iter().take_while(|segment| *segment == "super").count();
    let next = match path.segments.first()?.as_str() {
        "crate" => path.segments.get(1)?,
        "super" if supers >= module.len() => path.segments.get(supers)?,
        _ => return None,
    };
    if next == own || supers > 0 && place(next).is_none() {
        return None;
    }
    match place(next) {
        Some(to) if Some(to) < place(own) => None,
        Some(_) => Some(format!("{own} imports {next}, which is above it")),
        None => Some(format!("{own} imports {next}, which is not in the order of the layers")),
    }
}

/// Whether the names stand side by side in the path. A single name counts where a path begins or is part of `std`.
fn holds(path: &Named, names: &[&str]) -> bool {
    let single = names.len() == 1 && !matches!(path.segments[0].as_str(), "std");
    if single {
        let crate_name = names[0].chars().next().is_some_and(char::is_lowercase) && !names[0].ends_with('!');
        // `log` and `tracing` are crates where something follows; alone they may be a variable's name.
        return path.segments[0] == names[0]
            && (!crate_name || names[0] == "unsafe" || path.segments.len() > 1);
    }
    path.segments.windows(names.len()).any(|part| part.iter().zip(names).all(|(a, b)| a == b))
}
