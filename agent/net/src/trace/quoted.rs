//! Reads ICMP errors as a raw socket hears them: whose packet they are about.
//!
//! In: an IPv4 packet with an ICMP message (RFC 792), or an ICMPv6 message (RFC 4443), as raw(7) gives each. Out: type, code and
//! the flow of the quoted packet. No bytes make it panic. Lengths and extensions of RFC 4884 stand behind what is read here,
//! or in octets that older routers leave as they are, and are not looked at.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// An ICMP error and the packet that it is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quoted {
    /// ICMP type.
    pub kind: u8,
    /// ICMP code.
    pub code: u8,
    /// The IP protocol of the quoted packet: TCP, UDP, ICMP or ICMPv6.
    pub protocol: u8,
    /// Who had sent it.
    pub source: IpAddr,
    /// Where it was to go.
    pub destination: IpAddr,
    /// Source and destination port; identifier and sequence number of an echo.
    pub ports: (u16, u16),
}

const ICMP: u8 = 1;
const TCP: u8 = 6;
const UDP: u8 = 17;
const ICMP_V6: u8 = 58;
const ECHO: u8 = 8;
const ECHO_V6: u8 = 128;

/// An error message and what it quotes; `None` for everything else.
pub fn read_icmp_error(bytes: &[u8]) -> Option<Quoted> {
    match bytes.first()? {
        0x40..=0x4f => {
            let (_, protocol, message) = split_v4(bytes)?;
            // Destination unreachable, time exceeded, parameter problem.
            (protocol == ICMP && matches!(message.first()?, 3 | 11 | 12)).then(|| read_v4(message)).flatten()
        }
        // Destination unreachable, packet too big, time exceeded, parameter problem (RFC 4443 §3).
        1..=4 => read_v6(bytes),
        _ => None,
    }
}

fn read_v4(message: &[u8]) -> Option<Quoted> {
    let (addresses, protocol, packet) = split_v4(message.get(8..)?)?;
    let ports = ports(protocol, packet, ICMP, ECHO)?;
    let [kind, code] = *message.first_chunk()?;
    let [source, destination] = addresses.map(IpAddr::V4);
    Some(Quoted { kind, code, protocol, source, destination, ports })
}

fn read_v6(message: &[u8]) -> Option<Quoted> {
    let quoted = message.get(8..)?;
    let (header, packet) = quoted.split_first_chunk::<40>()?;
    if header[0] >> 4 != 6 {
        return None;
    }
    let address = |at: usize| {
        let octets: [u8; 16] = header.get(at..at + 16)?.try_into().ok()?;
        Some(IpAddr::V6(Ipv6Addr::from(octets)))
    };
    let protocol = header[6];
    let ports = ports(protocol, packet, ICMP_V6, ECHO_V6)?;
    let [kind, code] = *message.first_chunk()?;
    Some(Quoted { kind, code, protocol, source: address(8)?, destination: address(24)?, ports })
}

/// Addresses, protocol and payload of an IPv4 packet that is no later fragment.
fn split_v4(packet: &[u8]) -> Option<([Ipv4Addr; 2], u8, &[u8])> {
    let header = packet.first_chunk::<20>()?;
    let length = usize::from(header[0] & 0x0f) * 4;
    let fragment = u16::from_be_bytes([header[6], header[7]]) & 0x1fff;
    if header[0] >> 4 != 4 || length < 20 || fragment != 0 {
        return None;
    }
    let address = |at: usize| Ipv4Addr::new(header[at], header[at + 1], header[at + 2], header[at + 3]);
    Some(([address(12), address(16)], header[9], packet.get(length..)?))
}

/// The two numbers that tell a flow, out of the first eight octets of its header.
fn ports(protocol: u8, packet: &[u8], icmp: u8, echo: u8) -> Option<(u16, u16)> {
    let octets = packet.first_chunk::<8>()?;
    let pair = |at: usize| {
        (
            u16::from_be_bytes([octets[at], octets[at + 1]]),
            u16::from_be_bytes([octets[at + 2], octets[at + 3]]),
        )
    };
    match protocol {
        TCP | UDP => Some(pair(0)),
        _ if protocol == icmp && octets[0] == echo => Some(pair(4)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// "Time exceeded" of 198.51.100.1 for a SYN from 192.0.2.7:40000 to 203.0.113.9:443, eight octets of it.
    fn v4() -> Vec<u8> {
        let mut bytes = vec![0x45, 0, 0, 56, 0, 0, 0, 0, 64, 1, 0, 0, 198, 51, 100, 1, 192, 0, 2, 7];
        bytes.extend([11, 0, 0, 0, 0, 0, 0, 0]);
        bytes.extend([0x45, 0, 0, 60, 0, 0, 0x40, 0, 1, 6, 0, 0, 192, 0, 2, 7, 203, 0, 113, 9]);
        bytes.extend([0x9c, 0x40, 0x01, 0xbb, 1, 2, 3, 4]);
        bytes
    }

    /// "Packet too big" for an echo request from 2001:db8::7 to 2001:db8::9, identifier 7, number 2.
    fn v6() -> Vec<u8> {
        let address =
            |last| [&[0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0][..], &[last]].concat();
        let mut bytes = vec![2, 0, 0, 0, 0, 0, 5, 0];
        bytes.extend([0x60, 0, 0, 0, 0, 8, 58, 1]);
        bytes.extend(address(7));
        bytes.extend(address(9));
        bytes.extend([128, 0, 0, 0, 0, 7, 0, 2]);
        bytes
    }

    #[test]
    fn the_quoted_flow_is_told_in_both_families() {
        let syn = Quoted {
            kind: 11,
            code: 0,
            protocol: 6,
            source: "192.0.2.7".parse().unwrap(),
            destination: "203.0.113.9".parse().unwrap(),
            ports: (40000, 443),
        };
        assert_eq!(read_icmp_error(&v4()), Some(syn));
        let echo = Quoted {
            kind: 2,
            code: 0,
            protocol: 58,
            source: "2001:db8::7".parse().unwrap(),
            destination: "2001:db8::9".parse().unwrap(),
            ports: (7, 2),
        };
        assert_eq!(read_icmp_error(&v6()), Some(echo));
    }

    #[test]
    fn options_in_either_header_lengths_and_extensions_change_nothing() {
        let plain = v4();
        // Router alert in the outer header, four octets of no-operation in the quoted one.
        let mut long = plain.clone();
        long[0] = 0x46;
        long.splice(20..20, [0x94, 4, 0, 0]);
        long[32] = 0x46;
        long.splice(52..52, [1, 1, 1, 1]);
        assert_eq!(read_icmp_error(&long), read_icmp_error(&plain));
        // RFC 4884: 32 words, zeroes up to them, an extension structure with an MPLS label.
        let mut extended = plain.clone();
        extended[25] = 32;
        extended.resize(28 + 128, 0);
        extended.extend([0x20, 0, 0, 0, 0, 8, 1, 1, 0, 0x10, 1, 1]);
        assert_eq!(read_icmp_error(&extended), read_icmp_error(&plain));
    }

    #[test]
    fn what_is_no_error_about_a_flow_is_nothing() {
        let changed = |at: usize, to: u8| {
            let mut bytes = v4();
            bytes[at] = to;
            read_icmp_error(&bytes)
        };
        assert_eq!(changed(9, 17), None, "UDP that looks like ICMP");
        assert_eq!(changed(20, 0), None, "an echo reply");
        assert_eq!(changed(20, 5), None, "a redirect");
        assert_eq!(changed(28, 0x44), None, "a header of four words");
        assert_eq!(changed(28, 0x65), None, "IPv6 within IPv4");
        assert_eq!(changed(35, 1), None, "a later fragment has no ports");
        assert_eq!(changed(37, 47), None, "GRE");
    }

    #[test]
    fn no_truncation_or_bit_flip_makes_the_reader_panic() {
        for whole in [v4(), v6()] {
            for length in 0..whole.len() {
                assert_eq!(read_icmp_error(&whole[..length]), None, "{length}");
                for bit in 0..8 {
                    let mut flipped = whole.clone();
                    flipped[length] ^= 1 << bit;
                    let _ = read_icmp_error(&flipped);
                }
            }
        }
    }
}
