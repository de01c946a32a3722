//! The lab against its own plan: paths, switches, names, certificates, and that nothing is left of it.
//!
//! Run as root or as an ordinary user; `traceroute`, `dig` and `curl` come with `tests/install`.

mod isolation;
mod paths;
mod servers;

use std::process::Output;

use closedpath_lab::Lab;

/// A lab; an ordinary user becomes root of a user namespace first.
fn lab() -> Lab {
    closedpath_lab::enter().expect("network namespaces are needed");
    Lab::build().expect("the lab builds")
}

/// What a command in a node prints.
fn said(lab: &Lab, node: &str, line: &str) -> String {
    let argv: Vec<&str> = line.split(' ').collect();
    let Output { stdout, stderr, .. } = lab.exec(node, &argv).expect("the command starts");
    String::from_utf8_lossy(&stdout).into_owned() + &String::from_utf8_lossy(&stderr)
}
