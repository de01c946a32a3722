//! The one place where errors of the system and of routers become a [`Failure`].
//!
//! In: an errno, or an ICMP message from the error queue. Out: step, code and words. It decides nothing about paths.
//! An ICMP "unreachable" speaks for whoever sent it: only the destination itself can refuse; the same message from
//! another address is a packet filter on the way (`reject` rules send "port unreachable" by default).

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::AsRawFd;
use std::time::Duration;

use closedpath_core::failure::{Code, Failure, Step};

use crate::kernel::{self, Origin, SocketError};

/// ICMP "time exceeded" (RFC 792) and its ICMPv6 twin (RFC 4443 §3.3).
const TIME_EXCEEDED: u8 = 11;
const TIME_EXCEEDED_V6: u8 = 3;

/// What an ICMP message says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Icmp {
    /// The TTL or hop limit ended here.
    TimeExceeded,
    /// The destination cannot be reached, for this reason.
    Unreachable(Code, &'static str),
    /// Port or protocol unreachable: a refusal if the destination sent it.
    Rejected(&'static str),
    /// Anything else.
    Unknown,
}

/// Why a socket failed: the error queue names the router where there is one, the errno speaks otherwise.
pub(crate) fn socket_error(
    step: Step,
    socket: &impl AsRawFd,
    to: SocketAddr,
    local: Option<SocketAddr>,
    error: &io::Error,
) -> Failure {
    match kernel::take_error(socket) {
        Some(said) if matches!(said.origin, Origin::Icmp | Origin::Icmp6) => {
            icmp_failure(step, &said, to.ip(), local.map(|local| local.ip()))
        }
        _ => os_error(step, to, error),
    }
}

/// A failure from an errno alone.
pub(crate) fn os_error(step: Step, to: SocketAddr, error: &io::Error) -> Failure {
    let family = if to.is_ipv6() { "IPv6" } else { "IPv4" };
    let (code, meaning) = match error.raw_os_error() {
        Some(libc::ECONNREFUSED) => (Code::Refused, "nothing listens there".to_owned()),
        Some(libc::ECONNRESET | libc::ENETRESET | libc::ECONNABORTED) => {
            (Code::Reset, "the connection was reset".to_owned())
        }
        Some(libc::EPIPE) => (Code::Closed, "the other side had closed".to_owned()),
        Some(libc::ETIMEDOUT) => (Code::Timeout, "nothing came back".to_owned()),
        Some(libc::EHOSTUNREACH | libc::EHOSTDOWN) => {
            (Code::HostUnreachable, "the host cannot be reached".to_owned())
        }
        Some(libc::ENETUNREACH | libc::ENETDOWN | libc::ENONET) => {
            (Code::NetUnreachable, format!("this host has no route to {}", to.ip()))
        }
        Some(libc::EACCES | libc::EPERM) => {
            (Code::Prohibited, "this host's packet filter or routing table forbids it".to_owned())
        }
        Some(libc::EADDRNOTAVAIL | libc::EAFNOSUPPORT) => (
            Code::AddressUnavailable,
            format!("this host has no {family} address, or no free source port, to reach it from"),
        ),
        Some(libc::EPROTO) => (Code::Protocol, "the protocol was broken".to_owned()),
        // What connect(2) says of a blackhole route.
        Some(libc::EINVAL) if step == Step::Connect => {
            (Code::NetUnreachable, format!("this host's routing table drops what is for {}", to.ip()))
        }
        Some(_) => (Code::Other, "the system says no".to_owned()),
        None => return stream_error(step, error),
    };
    Failure::new(step, code, format!("{to}: {meaning}: {error}"))
}

/// A failure of an established stream, where the error may also be one of the library's own.
pub(crate) fn stream_error(step: Step, error: &io::Error) -> Failure {
    let code = match error.kind() {
        io::ErrorKind::UnexpectedEof | io::ErrorKind::BrokenPipe | io::ErrorKind::WriteZero => Code::Closed,
        io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted => Code::Reset,
        io::ErrorKind::TimedOut => Code::Timeout,
        io::ErrorKind::HostUnreachable => Code::HostUnreachable,
        io::ErrorKind::NetworkUnreachable | io::ErrorKind::NetworkDown => Code::NetUnreachable,
        io::ErrorKind::InvalidData => Code::Protocol,
        _ => Code::Other,
    };
    Failure::new(step, code, error.to_string())
}

/// Nothing came back within the time given.
pub(crate) fn silence(step: Step, to: SocketAddr, waited: Duration) -> Failure {
    let waited = waited.as_secs_f32();
    Failure::new(step, Code::Timeout, format!("{to}: no answer within {waited} s"))
}

/// A failure from an ICMP message that came for a packet to `to`.
pub(crate) fn icmp_failure(step: Step, said: &SocketError, to: IpAddr, local: Option<IpAddr>) -> Failure {
    let by_destination = said.from == Some(to);
    let who = match said.from {
        Some(from) if Some(from) == local => format!("{from} (this host)"),
        Some(from) if by_destination => format!("{from} (the destination)"),
        Some(from) => from.to_string(),
        None => "an unnamed router".to_owned(),
    };
    let (code, words) = match read_icmp(said) {
        Icmp::TimeExceeded => (Code::HostUnreachable, "time to live exceeded in transit (a routing loop?)"),
        Icmp::Unreachable(code, words) => (code, words),
        Icmp::Rejected(words) if by_destination => (Code::Refused, words),
        Icmp::Rejected(words) => (Code::Prohibited, words),
        Icmp::Unknown => (Code::Other, "an unusual message"),
    };
    let (kind, number) = (said.kind, said.code);
    Failure::new(step, code, format!("{to}: {who} answered \"{words}\" (ICMP type {kind} code {number})"))
}

/// What the type and code of an error queue entry mean (RFC 792, RFC 1812 §5.2.7.1, RFC 4443 §3.1 and §3.3).
pub fn read_icmp(said: &SocketError) -> Icmp {
    use Code::{HostUnreachable, NetUnreachable, Prohibited};
    match (said.origin, said.kind, said.code) {
        (Origin::Icmp, TIME_EXCEEDED, _) | (Origin::Icmp6, TIME_EXCEEDED_V6, _) => Icmp::TimeExceeded,
        (Origin::Icmp, 3, 0 | 6 | 11) => Icmp::Unreachable(NetUnreachable, "network unreachable"),
        (Origin::Icmp, 3, 1 | 5 | 7 | 8 | 12) => Icmp::Unreachable(HostUnreachable, "host unreachable"),
        (Origin::Icmp, 3, 2) => Icmp::Rejected("protocol unreachable"),
        (Origin::Icmp, 3, 3) | (Origin::Icmp6, 1, 4) => Icmp::Rejected("port unreachable"),
        (Origin::Icmp, 3, 9 | 10 | 13 | 14 | 15) | (Origin::Icmp6, 1, 1) => {
            Icmp::Unreachable(Prohibited, "communication administratively prohibited")
        }
        (Origin::Icmp6, 1, 0) => Icmp::Unreachable(NetUnreachable, "no route to destination"),
        (Origin::Icmp6, 1, 2) => Icmp::Unreachable(NetUnreachable, "beyond scope of source address"),
        (Origin::Icmp6, 1, 3) => Icmp::Unreachable(HostUnreachable, "address unreachable"),
        (Origin::Icmp6, 1, 5) => Icmp::Unreachable(Prohibited, "source address failed policy"),
        (Origin::Icmp6, 1, 6) => Icmp::Unreachable(Prohibited, "reject route to destination"),
        _ => Icmp::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(origin: Origin, kind: u8, code: u8, from: &str) -> SocketError {
        SocketError { errno: 111, origin, kind, code, info: 0, from: Some(from.parse().unwrap()) }
    }

    fn code_of(said: &SocketError, to: &str) -> Code {
        icmp_failure(Step::Connect, said, to.parse().unwrap(), None).code
    }

    #[test]
    fn port_unreachable_from_the_destination_is_a_refusal() {
        assert_eq!(code_of(&said(Origin::Icmp, 3, 3, "203.0.113.9"), "203.0.113.9"), Code::Refused);
        assert_eq!(code_of(&said(Origin::Icmp6, 1, 4, "2001:db8::9"), "2001:db8::9"), Code::Refused);
    }

    #[test]
    fn port_unreachable_from_a_router_is_a_packet_filter_and_no_answer_of_the_destination() {
        let failure = icmp_failure(
            Step::Connect,
            &said(Origin::Icmp, 3, 3, "198.51.100.1"),
            "203.0.113.9".parse().unwrap(),
            None,
        );
        assert_eq!(failure.code, Code::Prohibited);
        assert!(!failure.is_refusal());
        assert!(failure.text.contains("198.51.100.1 answered \"port unreachable\""), "{}", failure.text);
    }

    #[test]
    fn administratively_prohibited_is_told_from_unreachable() {
        assert_eq!(code_of(&said(Origin::Icmp, 3, 13, "198.51.100.1"), "203.0.113.9"), Code::Prohibited);
        assert_eq!(code_of(&said(Origin::Icmp, 3, 1, "198.51.100.1"), "203.0.113.9"), Code::HostUnreachable);
        assert_eq!(code_of(&said(Origin::Icmp, 3, 0, "198.51.100.1"), "203.0.113.9"), Code::NetUnreachable);
        assert_eq!(code_of(&said(Origin::Icmp6, 1, 1, "2001:db8::1"), "2001:db8::9"), Code::Prohibited);
    }

    #[test]
    fn an_errno_keeps_the_systems_words() {
        let to = "203.0.113.9:443".parse().unwrap();
        let failure = os_error(Step::Connect, to, &io::Error::from_raw_os_error(libc::ENETUNREACH));
        assert_eq!(failure.code, Code::NetUnreachable);
        assert_eq!(
            failure.text,
            "203.0.113.9:443: this host has no route to 203.0.113.9: Network is unreachable (os error 101)"
        );
    }

    #[test]
    fn a_missing_ipv6_address_is_said_in_words() {
        let to = "[2001:db8::9]:443".parse().unwrap();
        let failure = os_error(Step::Connect, to, &io::Error::from_raw_os_error(libc::EADDRNOTAVAIL));
        assert_eq!(failure.code, Code::AddressUnavailable);
        assert!(failure.text.contains("no IPv6 address"), "{}", failure.text);
    }
}
