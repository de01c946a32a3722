//! The programs the lab is made with: which are missing, and how the others are started.

use std::path::Path;
use std::process::Command;

/// Where system programs live; ordinary users often lack the `sbin` directories.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Each program with the Debian package it comes from.
const TOOLS: [(&str, &str); 12] = [
    ("ip", "iproute2"),
    ("nft", "nftables"),
    ("sysctl", "procps"),
    ("unshare", "util-linux"),
    ("nsenter", "util-linux"),
    ("setpriv", "util-linux"),
    ("unbound", "unbound"),
    ("unbound-control", "unbound"),
    ("nginx", "nginx-light"),
    ("openssl", "openssl"),
    ("squid", "squid-openssl"),
    ("turnserver", "coturn"),
];

/// A program that is not installed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Missing {
    /// The program, e.g. `unbound`.
    pub program: &'static str,
    /// The Debian package that has it.
    pub package: &'static str,
}

/// The programs the lab needs and this machine lacks.
pub fn missing_tools() -> Vec<Missing> {
    TOOLS
        .iter()
        .filter(|(program, _)| !PATH.split(':').any(|dir| Path::new(dir).join(program).exists()))
        .map(|&(program, package)| Missing { program, package })
        .collect()
}

/// A command with the `sbin` directories in its search path and the caller's own directories before them.
pub(crate) fn command(program: &str) -> Command {
    let mut command = Command::new(program);
    let path = std::env::var("PATH").map_or(PATH.to_owned(), |own| format!("{own}:{PATH}"));
    command.env("PATH", path);
    command
}
