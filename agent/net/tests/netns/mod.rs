//! Network namespaces made for one test and removed with it. Needs root and `ip`, `sysctl`, `setpriv`.
//!
//! The test body runs in a child process (this same test binary) inside one namespace, without any capability: a test asks
//! [`inside`] first, and builds and enters the namespaces when it is not there yet.
#![allow(dead_code, clippy::unwrap_used, clippy::disallowed_types)]

use std::fs::File;
use std::io::Write;
use std::net::{TcpListener, UdpSocket};
use std::os::fd::AsFd;
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
            // Addresses are usable at once.
            made.sysctl(name, "net.ipv6.conf.default.accept_dad=0");
        }
        made
    }

    /// Runs lines of `ip` commands in one namespace; all of IPv6 where `-6` stands before them.
    pub fn ip(&self, name: &str, lines: &str) {
        let (family, lines) = match lines.strip_prefix("-6 ") {
            Some(lines) => (Some("-6"), lines),
            None => (None, lines),
        };
        let full = self.full(name);
        let arguments: Vec<&str> = family.into_iter().chain(["-netns", &full, "-batch", "-"]).collect();
        run("ip", &arguments, lines);
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

    /// Makes routers of these namespaces, for both families.
    pub fn forward(&self, names: &[&str]) {
        for name in names {
            self.sysctl(name, "net.ipv4.ip_forward=1");
            self.sysctl(name, "net.ipv6.conf.all.forwarding=1");
            self.sysctl(name, "net.ipv4.conf.all.rp_filter=0");
            self.sysctl(name, "net.ipv4.conf.default.rp_filter=0");
        }
    }

    /// A listener in a namespace; the kernel completes the connections, nobody accepts them.
    pub fn listen(&self, name: &str, address: &'static str) -> TcpListener {
        self.within(name, || TcpListener::bind(address).unwrap())
    }

    /// Does something in a namespace; processes that it starts are in there too.
    pub fn within<T: Send>(&self, name: &str, act: impl FnOnce() -> T + Send) -> T {
        let space = File::open(format!("/run/netns/{}", self.full(name))).unwrap();
        // A thread of its own, because entering a namespace cannot be taken back for the one that did.
        let enter = move || {
            let kind = Some(rustix::thread::LinkNameSpaceType::Network);
            rustix::thread::move_into_link_name_space(space.as_fd(), kind).unwrap();
            act()
        };
        std::thread::scope(|scope| scope.spawn(enter).join().unwrap())
    }

    /// A UDP server in a namespace that sends back what it gets, until this process ends.
    #[allow(
        clippy::disallowed_methods,
        reason = "it serves the tests in other processes as long as this one lives"
    )]
    pub fn echo(&self, name: &str, address: &'static str) {
        let space = File::open(format!("/run/netns/{}", self.full(name))).unwrap();
        let enter = move || {
            let kind = Some(rustix::thread::LinkNameSpaceType::Network);
            rustix::thread::move_into_link_name_space(space.as_fd(), kind).unwrap();
            UdpSocket::bind(address).unwrap()
        };
        let socket = std::thread::scope(|scope| scope.spawn(enter).join().unwrap());
        std::thread::spawn(move || {
            let mut buffer = [0; 2048];
            while let Ok((length, from)) = socket.recv_from(&mut buffer) {
                let _ = socket.send_to(&buffer[..length], from);
            }
        });
    }

    /// Runs `test` of this binary in a namespace, without any capability, and fails with it.
    pub fn run_test(&self, name: &str, test: &str) {
        self.run_test_with(name, test, "-all");
    }

    /// The same with these capabilities, as `setpriv --bounding-set` takes them.
    pub fn run_test_with(&self, name: &str, test: &str, capabilities: &str) {
        let exe = std::env::current_exe().unwrap();
        let status = Command::new("ip")
            .args(["netns", "exec", &self.full(name)])
            .args(["setpriv", "--bounding-set", capabilities, "--inh-caps", "-all"])
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
