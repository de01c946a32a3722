//! How this kernel shows routers' answers to TCP probes.

use std::fs;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use super::listener::IcmpListener;
use crate::connect::{Dial, dial};

/// Since this version ICMP errors for a connecting TCP socket reach its error queue.
const NEEDED: (u32, u32) = (5, 11);

const LOST: &str = "routers on the way of TCP connections will stay silent, so their path cannot be confirmed by hops (E6) and \
                    rests on interfaces and routing tables (E1, E7); everything else works";

/// How answers to SYNs are read. Datagrams need no choice: their error queue works everywhere.
#[derive(Debug, Clone, Default)]
pub enum Reading {
    /// From the socket's own error queue, without any capability.
    #[default]
    ErrorQueue,
    /// From a raw socket, with CAP_NET_RAW.
    Raw(Arc<IcmpListener>),
}

impl Reading {
    /// Looks at the kernel's version and tries what it offers; an error says in one sentence what is missing and lost.
    ///
    /// To be called inside a tokio runtime.
    pub fn choose() -> Result<Self, String> {
        let release = fs::read_to_string("/proc/sys/kernel/osrelease").map_err(|error| {
            format!("cannot read the kernel's version from /proc/sys/kernel/osrelease ({error}); {LOST}")
        })?;
        let release = release.trim();
        if shows_answers(release) {
            return tried().map(|()| Self::ErrorQueue);
        }
        Self::raw().map_err(|error| hidden(release, &error))
    }

    /// By raw sockets, whatever the kernel's version.
    pub fn raw() -> io::Result<Self> {
        Ok(Self::Raw(Arc::new(IcmpListener::open()?)))
    }
}

fn tried() -> Result<(), String> {
    let to = SocketAddr::from((Ipv4Addr::LOCALHOST, 9));
    match dial(to, &Dial { ttl: Some(1), port: Some(0) }) {
        Err(error) if error.raw_os_error() != Some(libc::ECONNREFUSED) => {
            Err(format!("the kernel refuses a TCP probe with a limited TTL ({error}); {LOST}"))
        }
        Ok(_) | Err(_) => Ok(()),
    }
}

fn hidden(release: &str, error: &io::Error) -> String {
    format!(
        "Linux {release} hides routers' answers to TCP probes from unprivileged users (5.11 shows them), and CAP_NET_RAW is \
         missing to hear them otherwise ({error}): give the service AmbientCapabilities=CAP_NET_RAW; {LOST}"
    )
}

/// An unreadable version is not held against the kernel.
fn shows_answers(release: &str) -> bool {
    let mut numbers =
        release.split(|letter: char| !letter.is_ascii_digit()).map_while(|part| part.parse().ok());
    match (numbers.next(), numbers.next()) {
        (Some(major), Some(minor)) => (major, minor) >= NEEDED,
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kernels_before_5_11_need_a_raw_socket_and_say_what_is_missing_and_lost() {
        for release in ["4.18.0-553.el8_10.x86_64", "5.10.0-28-amd64", "3.10.0"] {
            assert!(!shows_answers(release), "{release}");
            let words = hidden(release, &io::Error::from_raw_os_error(libc::EPERM));
            assert!(words.starts_with(&format!("Linux {release} hides")), "{words}");
            assert!(words.contains("CAP_NET_RAW") && words.contains("(E6)"), "{words}");
        }
    }

    #[test]
    fn later_kernels_and_unreadable_versions_need_nothing() {
        for release in ["5.11.0", "5.14.0-427.el9", "6.18.44", "10.0", "custom"] {
            assert!(shows_answers(release), "{release}");
        }
    }

    #[tokio::test]
    async fn this_machine_can_trace_without_a_capability() {
        assert!(matches!(Reading::choose(), Ok(Reading::ErrorQueue)));
    }
}
