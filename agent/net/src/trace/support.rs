//! Whether this kernel shows routers' answers to TCP probes without privilege.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};

use super::probe::Flow;
use crate::connect::{Dial, dial};

/// Since this version ICMP errors for a connecting TCP socket reach its error queue.
const NEEDED: (u32, u32) = (5, 11);

const LOST: &str = "routers on the way will stay silent, so no path can be confirmed by its hops (E6); everything else works";

/// Looks at the kernel's version and tries the socket options; an error says in one sentence what is missing and lost.
///
/// To be called inside a tokio runtime.
pub fn tracing_works() -> Result<(), String> {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").map_err(|error| {
        format!("cannot read the kernel's version from /proc/sys/kernel/osrelease ({error}); {LOST}")
    })?;
    judge_release(release.trim())?;
    let to = SocketAddr::from((Ipv4Addr::LOCALHOST, 9));
    let tried = Flow::reserve(to).and_then(|_| dial(to, &Dial { ttl: Some(1), port: Some(0) }));
    match tried {
        Err(error) if error.raw_os_error() != Some(libc::ECONNREFUSED) => {
            Err(format!("the kernel refuses a TCP probe with a limited TTL ({error}); {LOST}"))
        }
        Ok(_) | Err(_) => Ok(()),
    }
}

/// An unreadable version is not held against the kernel.
fn judge_release(release: &str) -> Result<(), String> {
    let mut numbers =
        release.split(|letter: char| !letter.is_ascii_digit()).map_while(|part| part.parse().ok());
    match (numbers.next(), numbers.next()) {
        (Some(major), Some(minor)) if (major, minor) < NEEDED => Err(format!(
            "Linux {release} hides routers' answers to TCP probes from unprivileged users (5.11 shows them); {LOST}"
        )),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kernels_before_5_11_are_named_with_what_is_lost() {
        for release in ["4.18.0-553.el8_10.x86_64", "5.10.0-28-amd64", "3.10.0"] {
            let words = judge_release(release).unwrap_err();
            assert!(words.starts_with(&format!("Linux {release} hides")), "{words}");
            assert!(words.contains("(E6)"), "{words}");
        }
    }

    #[test]
    fn later_kernels_and_unreadable_versions_pass() {
        for release in ["5.11.0", "5.14.0-427.el9", "6.18.44", "10.0", "custom"] {
            assert_eq!(judge_release(release), Ok(()), "{release}");
        }
    }

    #[tokio::test]
    async fn this_machine_can_trace() {
        assert_eq!(tracing_works(), Ok(()));
    }
}
