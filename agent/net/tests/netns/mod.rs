//! Network namespaces made for one test and removed with it. Needs root and `ip`, `sysctl`, `setpriv`.
//!
//! The test body runs in a child process (this same test binary) inside one namespace, without any capability: a test asks
//! [`inside`] first, and builds and enters the namespaces when it is not there yet.
#![allow(dead_code, clippy::unwrap_used)]

use std::io::Write;
use std::process::{Command, Stdio};

const MARK: &str = "CLOSEDPATH_NET_TEST_INSIDE";

/// Whether this process is the child inside the namespace.
pub fn inside() -> bool {
    std::env::var_os(MARK).is_some()
}

/// Namespaces of one test.
pub struct Namespaces {
    prefix: String,
    names: Vec<String>,
}

impl Namespaces {
    pub fn new(tag: &str, names: &[&str]) -> Self {
        let mut made = Self { prefix: format!("cpnet-{}-{tag}-", std::process::id()), names: Vec::new() };
        for name in names {
            let full = made.full(name);
            run("ip", &["netns", "add", &full], "");
            made.names.push(full);
            made.ip(name, "link set lo up");
        }
        made
    }

    /// Runs lines of `ip` commands in one namespace.
    pub fn ip(&self, name: &str, lines: &str) {
        run("ip", &["-netns", &self.full(name), "-batch", "-"], lines);
    }

    pub fn sysctl(&self, name: &str, setting: &str) {
        run("ip", &["netns", "exec", &self.full(name), "sysctl", "-qw", setting], "");
    }

    pub fn nft(&self, name: &str, rules: &str) {
        run("ip", &["netns", "exec", &self.full(name), "nft", "-f", "-"], rules);
    }

    /// A cable between two namespaces, both ends up.
    pub fn cable(&self, left: (&str, &str), right: (&str, &str)) {
        let (left_ns, right_ns) = (self.full(left.0), self.full(right.0));
        let line =
            format!("link add {} netns {left_ns} type veth peer name {} netns {right_ns}\n", left.1, right.1);
        run("ip", &["-batch", "-"], &line);
        self.ip(left.0, &format!("link set {} up\n", left.1));
        self.ip(right.0, &format!("link set {} up\n", right.1));
    }

    /// Starts a program in a namespace; it ends with the value returned.
    pub fn start(&self, name: &str, program: &[&str]) -> Running {
        let full = self.full(name);
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &full]).args(program);
        Running(command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap())
    }

    /// Runs `test` of this binary in a namespace, without any capability, and fails with it.
    pub fn run_test(&self, name: &str, test: &str) {
        let exe = std::env::current_exe().unwrap();
        let status = Command::new("ip")
            .args(["netns", "exec", &self.full(name)])
            .args(["setpriv", "--bounding-set", "-all", "--inh-caps", "-all"])
            .arg(exe)
            .args(["--exact", test, "--nocapture", "--test-threads", "1"])
            .env(MARK, "1")
            .status()
            .unwrap();
        assert!(status.success(), "{test} failed inside the namespace");
    }

    fn full(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }
}

impl Drop for Namespaces {
    fn drop(&mut self) {
        for name in &self.names {
            run("ip", &["netns", "del", name], "");
        }
    }
}

/// A child process that is ended with this value.
pub struct Running(pub std::process::Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn run(program: &str, arguments: &[&str], input: &str) {
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{program}: {error}"));
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {arguments:?} (needs root): {words}\n{input}");
}
