//! The calls that no crate wraps: the error queue (`ip(7)`, `IP_RECVERR`), `TCP_INFO` (`tcp(7)`), options of sockets, and one
//! parameter of the allocator.
//!
//! In: an open socket. Out: plain values. The only module with `unsafe`; it parses what the kernel wrote with safe code
//! and decides nothing.
#![allow(unsafe_code)]

use std::io;
use std::mem;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::fd::{AsRawFd, RawFd};
use std::time::Duration;

use closedpath_core::observation::TcpInfo;

/// Who reported an error on a socket (`SO_EE_ORIGIN_*`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// This host's own kernel.
    Local,
    /// An ICMP message (RFC 792).
    Icmp,
    /// An ICMPv6 message (RFC 4443).
    Icmp6,
    /// Another source.
    Other(u8),
}

/// One entry of a socket's error queue: `struct sock_extended_err` and the offender's address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SocketError {
    /// The errno the kernel made of it.
    pub errno: i32,
    /// Who reported it.
    pub origin: Origin,
    /// ICMP type.
    pub kind: u8,
    /// ICMP code.
    pub code: u8,
    /// What else the message says: the MTU of the next link in "packet too big" and "fragmentation needed".
    pub info: u32,
    /// Who sent the ICMP message.
    pub from: Option<IpAddr>,
}

/// Has blocks of 1 MiB and more mapped each on its own, so that the room of a large body goes back to the system with it
/// (`mallopt(3)`). glibc otherwise raises that bound to the largest block that was ever freed, and keeps the room in one of
/// its arenas: after a CRL of 25 MB, up to three times that. To be called once, before there are threads.
pub fn give_large_blocks_back() {
    #[cfg(target_env = "gnu")]
    // SAFETY: it takes two numbers and sets a parameter of the allocator.
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, 1024 * 1024);
    }
}

/// Switches the error queue of a socket on or off; off also empties it.
pub(crate) fn report_errors(socket: &impl AsRawFd, ipv6: bool, on: bool) -> io::Result<()> {
    let (level, name) =
        if ipv6 { (libc::IPPROTO_IPV6, libc::IPV6_RECVERR) } else { (libc::IPPROTO_IP, libc::IP_RECVERR) };
    set_int(socket.as_raw_fd(), level, name, libc::c_int::from(on))
}

/// Takes one entry from the error queue; `None` when it is empty or cannot be read.
pub(crate) fn take_error(socket: &impl AsRawFd) -> Option<SocketError> {
    take_quote(socket, &mut [0; 64]).map(|(error, _)| error)
}

/// The same with what came back of the packet that it is about, without the IP header and, for UDP, without that of UDP.
pub(crate) fn take_quote<'a>(socket: &impl AsRawFd, data: &'a mut [u8]) -> Option<(SocketError, &'a [u8])> {
    // Room for both address families' messages and a time stamp; a truncated message is simply not understood.
    let mut control = [0_u8; 256];
    let (quoted, used) = receive_error(socket.as_raw_fd(), data, &mut control).ok()?;
    Some((control.get(..used).and_then(parse_control)?, data.get(..quoted)?))
}

/// Forbids fragments on the way, and lets packets leave that are larger than the path MTU that the kernel assumes
/// (`IP_PMTUDISC_PROBE`, ip(7)).
pub(crate) fn never_fragment(socket: &impl AsRawFd, ipv6: bool) -> io::Result<()> {
    let (level, name, value) = if ipv6 {
        (libc::IPPROTO_IPV6, libc::IPV6_MTU_DISCOVER, libc::IPV6_PMTUDISC_PROBE)
    } else {
        (libc::IPPROTO_IP, libc::IP_MTU_DISCOVER, libc::IP_PMTUDISC_PROBE)
    };
    set_int(socket.as_raw_fd(), level, name, value)
}

/// Lets only ICMP errors through to a raw socket (`ICMP_FILTER`, raw(7); RFC 3542 §3.2).
pub(crate) fn only_icmp_errors(socket: &impl AsRawFd, ipv6: bool) -> io::Result<()> {
    /// `linux/icmp.h`: the level SOL_RAW, and its option; a set bit blocks its type.
    const SOL_RAW: libc::c_int = 255;
    const FILTER: libc::c_int = 1;
    let socket = socket.as_raw_fd();
    if ipv6 {
        // Types 1 to 4 of 256.
        let blocked: [u32; 8] = [!0b1_1110, !0, !0, !0, !0, !0, !0, !0];
        set(socket, libc::IPPROTO_ICMPV6, FILTER, &blocked)
    } else {
        let blocked: u32 = !(1 << 3 | 1 << 11 | 1 << 12);
        set(socket, SOL_RAW, FILTER, &blocked)
    }
}

/// What the kernel knows of a TCP connection. Right after the connect, `rtt` is that of the SYN.
pub(crate) fn tcp_info(socket: &impl AsRawFd) -> Option<TcpInfo> {
    // SAFETY: `tcp_info` is plain old data, for which all zeroes is a valid value.
    let mut info: libc::tcp_info = unsafe { mem::zeroed() };
    let mut length = size_of::<libc::tcp_info>() as libc::socklen_t;
    // SAFETY: the pointer and the length describe `info`, which outlives the call; the kernel writes at most `length`.
    let result = unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            libc::IPPROTO_TCP,
            libc::TCP_INFO,
            (&raw mut info).cast(),
            &raw mut length,
        )
    };
    let known = TcpInfo {
        rtt: Duration::from_micros(u64::from(info.tcpi_rtt)),
        mss: info.tcpi_snd_mss,
        path_mtu: info.tcpi_pmtu,
        retransmits: info.tcpi_total_retrans,
    };
    (result == 0).then_some(known)
}

/// Reads a control buffer as `recvmsg(2)` filled it: `cmsghdr`s, of which one holds the error.
///
/// Never panics, whatever the bytes.
pub fn parse_control(mut control: &[u8]) -> Option<SocketError> {
    const WORD: usize = size_of::<usize>();
    const HEADER: usize = WORD + 8;
    loop {
        let length = usize::from_ne_bytes(control.get(..WORD)?.try_into().ok()?);
        let level = i32::from_ne_bytes(control.get(WORD..WORD + 4)?.try_into().ok()?);
        let name = i32::from_ne_bytes(control.get(WORD + 4..HEADER)?.try_into().ok()?);
        let payload = control.get(HEADER..length)?;
        let wanted = matches!(
            (level, name),
            (libc::IPPROTO_IP, libc::IP_RECVERR) | (libc::IPPROTO_IPV6, libc::IPV6_RECVERR)
        );
        if wanted {
            return parse_extended_error(payload);
        }
        control = control.get(length.checked_next_multiple_of(WORD)?..)?;
    }
}

/// `struct sock_extended_err` (16 bytes) followed by the offender's `sockaddr` (`linux/errqueue.h`).
fn parse_extended_error(bytes: &[u8]) -> Option<SocketError> {
    let (fixed, offender) = bytes.split_at_checked(16)?;
    let origin = match fixed[4] {
        libc::SO_EE_ORIGIN_LOCAL => Origin::Local,
        libc::SO_EE_ORIGIN_ICMP => Origin::Icmp,
        libc::SO_EE_ORIGIN_ICMP6 => Origin::Icmp6,
        other => Origin::Other(other),
    };
    Some(SocketError {
        errno: i32::from_ne_bytes(fixed[..4].try_into().ok()?),
        origin,
        kind: fixed[5],
        code: fixed[6],
        info: u32::from_ne_bytes(fixed[8..12].try_into().ok()?),
        from: parse_address(offender),
    })
}

/// The address in a `sockaddr_in` or `sockaddr_in6`; an IPv4 address mapped into IPv6 is given as IPv4.
fn parse_address(bytes: &[u8]) -> Option<IpAddr> {
    let family = u16::from_ne_bytes(bytes.get(..2)?.try_into().ok()?);
    match i32::from(family) {
        libc::AF_INET => {
            let octets: [u8; 4] = bytes.get(4..8)?.try_into().ok()?;
            Some(Ipv4Addr::from(octets).into())
        }
        libc::AF_INET6 => {
            let octets: [u8; 16] = bytes.get(8..24)?.try_into().ok()?;
            Some(IpAddr::V6(Ipv6Addr::from(octets)).to_canonical())
        }
        _ => None,
    }
}

fn set_int(socket: RawFd, level: libc::c_int, name: libc::c_int, value: libc::c_int) -> io::Result<()> {
    set(socket, level, name, &value)
}

/// Sets an option whose value is plain numbers.
fn set<T: Copy>(socket: RawFd, level: libc::c_int, name: libc::c_int, value: &T) -> io::Result<()> {
    // SAFETY: the pointer and the length describe `value`, which outlives the call; the kernel only reads it.
    let result = unsafe {
        libc::setsockopt(
            socket,
            level,
            name,
            std::ptr::from_ref(value).cast(),
            size_of::<T>() as libc::socklen_t,
        )
    };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Fills the two buffers from the error queue and says how much of each was used.
fn receive_error(socket: RawFd, data: &mut [u8], control: &mut [u8]) -> io::Result<(usize, usize)> {
    let mut part = libc::iovec { iov_base: data.as_mut_ptr().cast(), iov_len: data.len() };
    // SAFETY: `msghdr` is plain old data, for which all zeroes is a valid value.
    let mut message: libc::msghdr = unsafe { mem::zeroed() };
    message.msg_iov = &raw mut part;
    message.msg_iovlen = 1;
    message.msg_control = control.as_mut_ptr().cast();
    message.msg_controllen = control.len() as _;
    // SAFETY: every pointer in `message` is to a buffer that outlives the call, with its true length; the kernel asks
    // for no alignment of the control buffer because it copies into it.
    let result = unsafe { libc::recvmsg(socket, &raw mut message, libc::MSG_ERRQUEUE | libc::MSG_DONTWAIT) };
    match usize::try_from(result) {
        Ok(quoted) => Ok((quoted, message.msg_controllen as usize)),
        Err(_) => Err(io::Error::last_os_error()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn control(level: i32, name: i32, payload: &[u8]) -> Vec<u8> {
        let mut bytes = (16 + payload.len()).to_ne_bytes().to_vec();
        bytes.extend(level.to_ne_bytes());
        bytes.extend(name.to_ne_bytes());
        bytes.extend(payload);
        bytes.resize(bytes.len().next_multiple_of(8), 0);
        bytes
    }

    fn time_exceeded_v4() -> Vec<u8> {
        let mut payload = 113_i32.to_ne_bytes().to_vec();
        payload.extend([libc::SO_EE_ORIGIN_ICMP, 11, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        payload.extend((libc::AF_INET as u16).to_ne_bytes());
        payload.extend([0, 0, 203, 0, 113, 2, 0, 0, 0, 0, 0, 0, 0, 0]);
        payload
    }

    #[test]
    fn an_icmp_error_gives_its_type_and_sender() {
        let expected = SocketError {
            errno: 113,
            origin: Origin::Icmp,
            kind: 11,
            code: 0,
            info: 0,
            from: Some("203.0.113.2".parse().unwrap()),
        };
        let bytes = control(libc::IPPROTO_IP, libc::IP_RECVERR, &time_exceeded_v4());
        assert_eq!(parse_control(&bytes), Some(expected));
    }

    #[test]
    fn other_control_messages_before_the_error_are_skipped() {
        let mut bytes = control(libc::SOL_SOCKET, libc::SO_TIMESTAMP, &[7; 13]);
        bytes.extend(control(libc::IPPROTO_IP, libc::IP_RECVERR, &time_exceeded_v4()));
        assert_eq!(parse_control(&bytes).and_then(|error| error.from), Some("203.0.113.2".parse().unwrap()));
    }

    #[test]
    fn an_icmpv6_error_gives_its_sender() {
        let mut payload = 113_i32.to_ne_bytes().to_vec();
        payload.extend([libc::SO_EE_ORIGIN_ICMP6, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        payload.extend((libc::AF_INET6 as u16).to_ne_bytes());
        payload.extend([0; 6]);
        payload.extend("2001:db8::7".parse::<Ipv6Addr>().unwrap().octets());
        payload.extend([0; 4]);
        let error = parse_control(&control(libc::IPPROTO_IPV6, libc::IPV6_RECVERR, &payload)).unwrap();
        assert_eq!((error.origin, error.kind), (Origin::Icmp6, 3));
        assert_eq!(error.from, Some("2001:db8::7".parse().unwrap()));
    }

    #[test]
    fn no_truncation_or_bit_flip_makes_the_parser_panic() {
        let bytes = control(libc::IPPROTO_IP, libc::IP_RECVERR, &time_exceeded_v4());
        for length in 0..bytes.len() {
            let _ = parse_control(&bytes[..length]);
            for bit in 0..8 {
                let mut flipped = bytes.clone();
                flipped[length] ^= 1 << bit;
                let _ = parse_control(&flipped);
            }
        }
        assert_eq!(parse_control(&[0xff; 64]), None);
        assert_eq!(parse_control(&[0; 64]), None);
    }
}
