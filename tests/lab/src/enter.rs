//! Makes root of an ordinary user, in a user namespace of its own.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;

use anyhow::{Context, Result, bail};

use crate::tools::command;

/// Kernel settings that forbid user namespaces: key under `/proc/sys`, the value that forbids, the remedy.
const OBSTACLES: [(&str, &str, &str); 3] = [
    ("user/max_user_namespaces", "0", "sudo sysctl user.max_user_namespaces=15000"),
    ("kernel/unprivileged_userns_clone", "0", "sudo sysctl kernel.unprivileged_userns_clone=1"),
    (
        "kernel/apparmor_restrict_unprivileged_userns",
        "1",
        "sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0",
    ),
];

/// Makes sure that this process may make network namespaces.
///
/// As root it returns at once. As an ordinary user it *replaces the process* by itself, same arguments, inside a
/// user namespace where it is root; call it first thing in `main` or in a test, before anything worth keeping.
/// The process stays in the machine's own network, so it can still listen on 127.0.0.1 there.
///
/// # Errors
/// The kernel does not allow it; the message says which setting stands in the way.
pub fn enter() -> Result<()> {
    let mut probe = command("unshare");
    let allowed =
        probe.args(["--net", "--mount", "true"]).output().context("cannot run `unshare` (util-linux)")?;
    if allowed.status.success() {
        return Ok(());
    }
    let mut probe = command("unshare");
    let probe = probe.args(["--user", "--map-root-user", "unshare", "--net", "--mount", "true"]).output()?;
    if !probe.status.success() {
        bail!(refusal(String::from_utf8_lossy(&probe.stderr).trim()));
    }
    let program = std::env::current_exe().context("cannot tell which program this is")?;
    let failed = command("unshare")
        .args(["--user", "--map-root-user", "--"])
        .arg(program)
        .args(std::env::args_os().skip(1))
        .exec();
    Err(failed).context("cannot run this program again inside a user namespace")
}

/// Whether this is root of the machine (or of a container), not of a user namespace with a single user.
pub fn is_root() -> bool {
    let maps = fs::read_to_string("/proc/self/uid_map").unwrap_or_default();
    let root = fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0);
    root && maps.lines().any(|line| line.split_whitespace().nth(2).is_some_and(|count| count != "1"))
}

fn refusal(said: &str) -> String {
    let mut text =
        format!("network namespaces need root or a user namespace, and this machine allows neither: {said}");
    for (key, forbids, remedy) in OBSTACLES {
        if fs::read_to_string(format!("/proc/sys/{key}")).is_ok_and(|value| value.trim() == forbids) {
            text += &format!("\n  /proc/sys/{key} is {forbids}: run `{remedy}`, or run this as root");
        }
    }
    if !text.contains('\n') {
        text +=
            "\n  no setting in /proc/sys explains it (a container without CAP_SYS_ADMIN?): run this as root";
    }
    text
}
