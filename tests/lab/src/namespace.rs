//! One network namespace, held open by a process that ends when this process does.
//!
//! Namespaces have no names in `/run/netns`: the kernel removes one when its last process ends, so a test that
//! is killed leaves nothing behind, and no privilege over `/run` is needed.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use anyhow::{Context, Result, bail};

use crate::nursery;
use crate::tools::command;

/// Written inside the new namespace before anything else: no duplicate address detection, errors sent from the
/// interface a packet came in by, no rate limits, servers on any address of a local prefix (IPv6 wants to be told), the
/// ports in the hash that chooses among several next hops. The kernel's own limits are printed first.
const PREPARE: &str = r#"
cd /proc/sys/net
for key in $LIMITS; do [ -e $key ] && echo "$key $(cat $key)"; done
set_to() { [ ! -e "$2" ] || echo "$1" > "$2"; }
set_to 1 ipv4/icmp_errors_use_inbound_ifaddr
set_to 0 ipv4/conf/all/rp_filter; set_to 0 ipv4/conf/default/rp_filter
set_to 0 ipv6/conf/all/disable_ipv6; set_to 0 ipv6/conf/default/disable_ipv6
set_to 0 ipv6/conf/default/accept_dad; set_to 0 ipv6/conf/all/accept_dad
set_to 0 ipv6/conf/default/accept_ra; set_to 1 ipv6/conf/all/keep_addr_on_down
set_to 1 ipv6/ip_nonlocal_bind
set_to 1 ipv4/fib_multipath_hash_policy; set_to 1 ipv6/fib_multipath_hash_policy
set_to 0 ipv4/icmp_ratelimit; set_to 0 ipv6/icmp/ratelimit
set_to 1000000 ipv4/icmp_msgs_per_sec; set_to 100000 ipv4/icmp_msgs_burst
set_to "$FORWARD" ipv4/ip_forward; set_to "$FORWARD" ipv6/conf/all/forwarding
set_to "0 2147483647" ipv4/ping_group_range 2>/dev/null || set_to "0 0" ipv4/ping_group_range
ip link set lo up
echo ready
exec cat
"#;

/// The keys under `/proc/sys/net` that limit how many ICMP errors a node sends.
const LIMITS: &str = "ipv4/icmp_ratelimit ipv4/icmp_msgs_per_sec ipv4/icmp_msgs_burst ipv6/icmp/ratelimit";

/// A network namespace. Dropping it ends its holder; the kernel does the rest once the servers in it are gone.
#[derive(Debug)]
pub(crate) struct Namespace {
    name: &'static str,
    mark: PathBuf,
    holder: Child,
    limits: Vec<(String, String)>,
}

impl Namespace {
    /// Starts making a namespace; [`Namespace::ready`] must follow. Two steps so that many are made at once.
    /// `mark` tells the lab's processes from others: it is the `CLOSEDPATH_LAB` of their environment.
    pub(crate) fn start(name: &'static str, forwards: bool, mark: &Path) -> Result<Self> {
        let mut unshare = command("unshare");
        unshare.args(["--net", "--", "sh", "-c", PREPARE]);
        unshare.env("LIMITS", LIMITS).env("FORWARD", if forwards { "1" } else { "0" });
        unshare.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let holder = nursery::spawn(unshare).context("cannot start `unshare`")?;
        Ok(Self { name, mark: mark.to_owned(), holder, limits: Vec::new() })
    }

    /// Waits until the namespace is there and remembers the kernel's default limits.
    pub(crate) fn ready(&mut self) -> Result<()> {
        let stdout = self.holder.stdout.take().context("the holder has no output")?;
        for line in BufReader::new(stdout).lines() {
            let line = line?;
            match line.split_once(' ') {
                None if line == "ready" => return Ok(()),
                Some((key, value)) => self.limits.push((key.to_owned(), value.to_owned())),
                None => break,
            }
        }
        let mut why = String::new();
        if let Some(stderr) = &mut self.holder.stderr {
            stderr.read_to_string(&mut why)?;
        }
        bail!(
            "cannot make the network namespace of `{}`: {}\n  run as root, or call closedpath_lab::enter() first",
            self.name,
            why.trim()
        );
    }

    /// The process that holds the namespace: `nsenter --net=/proc/PID/ns/net`.
    pub(crate) fn pid(&self) -> u32 {
        self.holder.id()
    }

    /// The kernel's default ICMP limits as (key under `/proc/sys/net`, value).
    pub(crate) fn kernel_limits(&self) -> &[(String, String)] {
        &self.limits
    }

    /// A command that runs inside and dies with the thread that starts it. No process stays in between: the child is the
    /// program itself.
    pub(crate) fn command(&self, argv: &[&str]) -> Command {
        let mut mortal = command("setpriv");
        mortal.args(["--pdeathsig", "KILL", "--", "nsenter"]);
        mortal.arg(format!("--net=/proc/{}/ns/net", self.pid())).arg("--").args(argv);
        mortal.env("CLOSEDPATH_LAB", &self.mark);
        mortal
    }

    /// Runs `argv` inside with `input`; a failure carries what it said.
    pub(crate) fn feed(&self, argv: &[&str], input: &str) -> Result<Output> {
        let mut command = self.command(argv);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = nursery::spawn(command).with_context(|| format!("cannot start {argv:?}"))?;
        if let Some(mut stdin) = child.stdin.take() {
            // A program that fails early closes its input; its own words are the better error.
            let _ = stdin.write_all(input.as_bytes());
        }
        let output = child.wait_with_output()?;
        if !output.status.success() {
            let why = String::from_utf8_lossy(&output.stderr);
            bail!("{argv:?} in `{}` failed: {}\n--- its input\n{input}", self.name, why.trim());
        }
        Ok(output)
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        // Both fail only when it has ended already, which is what is wanted.
        let _ = self.holder.kill();
        let _ = self.holder.wait();
    }
}
