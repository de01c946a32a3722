//! What came back for one TTL-limited probe.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use closedpath_core::failure::{Code, Failure, Step};

use crate::classify::{self, Icmp, read_icmp};
use crate::kernel::SocketError;

/// What came back for one probe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Answer {
    /// A router said "time exceeded".
    Hop(Option<IpAddr>, Duration),
    /// The destination answered.
    Destination { refused: bool },
    /// A router said that the destination cannot be reached.
    Unreachable { from: Option<IpAddr>, text: String },
    /// Nothing.
    Silence,
    /// The probe could not be sent.
    Failed(Failure),
}

/// What an ICMP error for a probe to `to` means.
pub(super) fn judge(said: &SocketError, to: SocketAddr, local: Option<SocketAddr>, rtt: Duration) -> Answer {
    if read_icmp(said) == Icmp::TimeExceeded {
        return Answer::Hop(said.from, rtt);
    }
    let failure = classify::icmp_failure(Step::Trace, said, to.ip(), local.map(|local| local.ip()));
    match failure.code {
        Code::Refused => Answer::Destination { refused: true },
        _ => Answer::Unreachable { from: said.from, text: failure.text },
    }
}

/// The system refused the probe.
pub(super) fn failed(to: SocketAddr, error: &io::Error) -> Answer {
    Answer::Failed(classify::os_error(Step::Trace, to, error))
}
