//! The messages of ICMP echo (RFC 792, RFC 4443 §4), and sockets for them, through a ping socket where the system allows it, else a raw one with CAP_NET_RAW.

use std::cell::Cell;
use std::io;
use std::net::{IpAddr, SocketAddr};

use closedpath_core::failure::{Code, Failure, Step};
use socket2::{Protocol, Type};
use tokio::net::UdpSocket;

use super::exchange::open;

const ECHO_REQUEST: u8 = 8;
const ECHO_REPLY: u8 = 0;
const ECHO_REQUEST_V6: u8 = 128;
const ECHO_REPLY_V6: u8 = 129;

/// Bytes that make an echo ours.
pub(super) type Token = [u8; 16];

/// The sequence number of the echo with this token that these bytes are the reply to; raw IPv4 sockets put the IP header before it.
pub fn read_echo_reply(bytes: &[u8], ipv6: bool, token: Token) -> Option<u16> {
    let number = Cell::new(None);
    let ours = |reply: &[u8]| {
        number.set(reply.get(6..8).map(|number| u16::from_be_bytes([number[0], number[1]])));
        reply.get(8..) == Some(&token[..])
    };
    is_echo(bytes, ipv6, ours).then(|| number.get()).flatten()
}

/// Whether these bytes are an echo reply that is `ours`; raw IPv4 sockets put the IP header before it.
pub(crate) fn is_echo(bytes: &[u8], ipv6: bool, ours: impl Fn(&[u8]) -> bool) -> bool {
    let reply = if ipv6 { ECHO_REPLY_V6 } else { ECHO_REPLY };
    let is_reply = |message: &[u8]| message.starts_with(&[reply, 0]) && ours(message);
    if is_reply(bytes) {
        return true;
    }
    let Some(first) = bytes.first() else { return false };
    let header = usize::from(first & 0x0f) * 4;
    !ipv6 && first >> 4 == 4 && bytes.get(header..).is_some_and(is_reply)
}

/// A socket for echoes to `to`; `port` is the identifier of a ping socket's echoes.
pub(crate) fn open_ping(to: IpAddr, port: Option<u16>) -> io::Result<UdpSocket> {
    let protocol = if to.is_ipv6() { Protocol::ICMPV6 } else { Protocol::ICMPV4 };
    let to = SocketAddr::new(to, 0);
    match open(to, port, Type::DGRAM, protocol) {
        Err(error) if is_closed(&error) => open(to, None, Type::RAW, protocol),
        other => other,
    }
}

/// Header and payload. The kernel fills in the identifier of a ping socket and every ICMPv6
/// checksum.
pub(crate) fn echo_request(ipv6: bool, identifier: u16, number: u16, payload: &[u8]) -> Vec<u8> {
    let kind = if ipv6 { ECHO_REQUEST_V6 } else { ECHO_REQUEST };
    let mut message = vec![kind, 0, 0, 0];
    message.extend(identifier.to_be_bytes());
    message.extend(number.to_be_bytes());
    message.extend(payload);
    let sum = checksum(&message).to_be_bytes();
    message[2..4].copy_from_slice(&sum);
    message
}

/// RFC 1071; an odd octet is the upper half of a word.
fn checksum(message: &[u8]) -> u16 {
    let words = message
        .chunks(2)
        .map(|pair| u32::from(u16::from_be_bytes([pair[0], pair.get(1).copied().unwrap_or(0)])));
    let sum: u32 = words.sum();
    let folded = (sum & 0xffff) + (sum >> 16);
    let folded = (folded & 0xffff) + (folded >> 16);
    !u16::try_from(folded).unwrap_or_default()
}

/// Whether this process may not send echoes.
pub(crate) fn is_closed(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EACCES | libc::EPERM))
}

/// Nothing was sent, so this says nothing about the network.
pub(crate) fn closed(step: Step, error: &io::Error) -> Failure {
    let text = format!(
        "ICMP echo could not be sent, so nothing is known about the destination: ping sockets are closed to this group and \
         CAP_NET_RAW is missing ({error}); widen net.ipv4.ping_group_range or give the service AmbientCapabilities=CAP_NET_RAW"
    );
    Failure::new(step, Code::NotPermitted, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: Token = *b"0123456789abcdef";

    #[test]
    fn the_checksum_is_the_one_of_rfc_1071() {
        // The example of RFC 1071 §3: the sum is ddf2, its complement 220d.
        assert_eq!(checksum(&[0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7]), 0x220d);
        assert_eq!(checksum(&[0x00, 0x01, 0xf2]), checksum(&[0x00, 0x01, 0xf2, 0x00]));
        let request = echo_request(false, 7, 1, &TOKEN);
        assert_eq!(checksum(&request), 0, "a message with its checksum sums to zero");
    }

    #[test]
    fn a_reply_counts_with_and_without_the_ip_header_and_only_with_our_token() {
        let reply = [&[0, 0, 0, 0, 1, 2, 0, 3][..], &TOKEN].concat();
        assert_eq!(read_echo_reply(&reply, false, TOKEN), Some(3));
        assert_eq!(read_echo_reply(&reply, false, [0; 16]), None);
        let mut raw = vec![0x45];
        raw.resize(20, 0);
        raw.extend(&reply);
        assert_eq!(read_echo_reply(&raw, false, TOKEN), Some(3));
        assert_eq!(read_echo_reply(&raw, true, TOKEN), None);
        let request = echo_request(false, 7, 1, &TOKEN);
        assert_eq!(read_echo_reply(&request, false, TOKEN), None, "our own request on loopback");
        for length in 0..raw.len() {
            assert_eq!(read_echo_reply(&raw[..length], false, TOKEN), None);
        }
    }
}
