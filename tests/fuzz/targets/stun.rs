//! A STUN server's answer (RFC 8489): only a whole message with our transaction counts, and the address in it is read as a
//! second reader sees it.
#![no_main]

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use closedpath_net::datagram::read_stun_reply;
use libfuzzer_sys::fuzz_target;

const COOKIE: u32 = 0x2112_a442;

fuzz_target!(|data: &[u8]| {
    assert_eq!(read_stun_reply(data, [0x5a; 12]).filter(|_| data.get(8..20) != Some(&[0x5a; 12])), None);
    let Some(transaction) = data.get(8..20).and_then(|id| <[u8; 12]>::try_from(id).ok()) else {
        return assert_eq!(read_stun_reply(data, [0; 12]), None);
    };
    let number = |at: usize| u16::from_be_bytes([data[at], data[at + 1]]);
    let cookie = u32::from(number(4)) << 16 | u32::from(number(6));
    let whole = usize::from(number(2)) == data.len() - 20;
    let seen = read_stun_reply(data, transaction);
    match (number(0), whole && cookie == COOKIE) {
        (0x0111, true) => assert_eq!(seen.map(|reply| reply.mapped), Some(None)),
        (0x0101, true) => {
            let mapped = seen.expect("a success response").mapped;
            let value =
                |wanted| attributes(data).into_iter().find(|(kind, _)| *kind == wanted).map(|(_, v)| v);
            let xored = value(0x0020).and_then(|value| address(value, Some(&data[4..20])));
            assert_eq!(mapped, xored.or_else(|| value(0x0001).and_then(|value| address(value, None))));
        }
        _ => assert_eq!(seen, None),
    }
});

/// Type and value of each attribute, up to the first that is cut short.
fn attributes(data: &[u8]) -> Vec<(u16, &[u8])> {
    let mut found = Vec::new();
    let mut at = 20;
    while at + 4 <= data.len() {
        let length = usize::from(u16::from_be_bytes([data[at + 2], data[at + 3]]));
        let Some(value) = data.get(at + 4..at + 4 + length) else { break };
        found.push((u16::from_be_bytes([data[at], data[at + 1]]), value));
        at += 4 + length.div_ceil(4) * 4;
    }
    found
}

/// By whole numbers, where the reader goes byte by byte; `mask` is cookie and transaction (§14.2).
fn address(value: &[u8], mask: Option<&[u8]>) -> Option<SocketAddr> {
    let mask = mask.map_or(0, |mask| u128::from_be_bytes(mask.try_into().expect("sixteen")));
    let port = u16::from_be_bytes([*value.get(2)?, *value.get(3)?]) ^ (mask >> 112) as u16;
    let ip: IpAddr = match (value[1], value[4..].len()) {
        (1, 4) => {
            let bits = u32::from_be_bytes(value[4..].try_into().expect("four"));
            Ipv4Addr::from_bits(bits ^ (mask >> 96) as u32).into()
        }
        (2, 16) => {
            let bits = u128::from_be_bytes(value[4..].try_into().expect("sixteen"));
            Ipv6Addr::from_bits(bits ^ mask).into()
        }
        _ => return None,
    };
    Some(SocketAddr::new(ip, port))
}
