//! STUN binding (RFC 8489): whether the server answers, and which source address it saw (E8).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use closedpath_core::observation::Contact;

use super::exchange::{Question, exchange, open_udp};
use crate::random;

/// RFC 8489 §5.
const COOKIE: [u8; 4] = [0x21, 0x12, 0xa4, 0x42];
const BINDING_REQUEST: u16 = 0x0001;
const BINDING_SUCCESS: u16 = 0x0101;
const BINDING_ERROR: u16 = 0x0111;

/// RFC 8489 §14.1 and §14.2.
const MAPPED_ADDRESS: u16 = 0x0001;
const XOR_MAPPED_ADDRESS: u16 = 0x0020;

/// A server's answer to our request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StunReply {
    /// Our address as the server saw it; `None` in an error response.
    pub mapped: Option<SocketAddr>,
}

/// Sends a binding request to `to`; beside the contact, our address as the server saw it.
pub async fn stun_ping(to: SocketAddr, timeout: Duration) -> (Contact, Option<SocketAddr>) {
    let transaction: [u8; 12] = random::bytes();
    let request = [&BINDING_REQUEST.to_be_bytes()[..], &[0, 0], &COOKIE, &transaction].concat();
    let question = Question { protocol: "STUN", to, bytes: &request };
    let read = |bytes: &[u8]| read_stun_reply(bytes, transaction);
    match exchange(open_udp(to), &question, timeout, read).await {
        Ok((contacted, reply)) => (Contact::Made(contacted), reply.mapped),
        Err(failure) => (Contact::Failed(failure), None),
    }
}

/// Reads a binding response with our transaction; everything else is `None`. XOR-MAPPED-ADDRESS goes before
/// MAPPED-ADDRESS, which address translators are known to rewrite (§14.2).
pub fn read_stun_reply(bytes: &[u8], transaction: [u8; 12]) -> Option<StunReply> {
    let (header, body) = bytes.split_first_chunk::<20>()?;
    let kind = u16::from_be_bytes([header[0], header[1]]);
    let length = usize::from(u16::from_be_bytes([header[2], header[3]]));
    let ours = header[4..8] == COOKIE && header[8..] == transaction;
    if !ours || length != body.len() {
        return None;
    }
    match kind {
        BINDING_ERROR => Some(StunReply { mapped: None }),
        BINDING_SUCCESS => {
            let mapped = attribute(body, XOR_MAPPED_ADDRESS)
                .and_then(|value| address(value, transaction))
                .or_else(|| attribute(body, MAPPED_ADDRESS).and_then(plain_address));
            Some(StunReply { mapped })
        }
        _ => None,
    }
}

/// The value of the first attribute of a type (§14: type, length, value, padding to four bytes).
fn attribute(mut body: &[u8], wanted: u16) -> Option<&[u8]> {
    loop {
        let (head, rest) = body.split_first_chunk::<4>()?;
        let kind = u16::from_be_bytes([head[0], head[1]]);
        let length = usize::from(u16::from_be_bytes([head[2], head[3]]));
        let value = rest.get(..length)?;
        if kind == wanted {
            return Some(value);
        }
        body = rest.get(length.next_multiple_of(4)..)?;
    }
}

/// A value whose port and address are combined with the cookie and the transaction.
fn address(value: &[u8], transaction: [u8; 12]) -> Option<SocketAddr> {
    let mask = [&COOKIE[..], &transaction].concat();
    let (head, rest) = value.split_first_chunk::<4>()?;
    if rest.len() > mask.len() {
        return None;
    }
    let port = [head[2] ^ COOKIE[0], head[3] ^ COOKIE[1]];
    let plain: Vec<u8> = rest.iter().zip(&mask).map(|(byte, mask)| byte ^ mask).collect();
    plain_address(&[&[head[0], head[1]], &port[..], &plain].concat())
}

/// Zero, family, port, address (§14.1).
fn plain_address(value: &[u8]) -> Option<SocketAddr> {
    let (head, rest) = value.split_first_chunk::<4>()?;
    let port = u16::from_be_bytes([head[2], head[3]]);
    let ip: IpAddr = match (head[1], rest.len()) {
        (1, 4) => Ipv4Addr::from(<[u8; 4]>::try_from(rest).ok()?).into(),
        (2, 16) => Ipv6Addr::from(<[u8; 16]>::try_from(rest).ok()?).into(),
        _ => return None,
    };
    Some(SocketAddr::new(ip, port))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The transaction of RFC 5769, whose sample responses follow.
    const TRANSACTION: [u8; 12] = [0xb7, 0xe7, 0xa7, 0x01, 0xbc, 0x34, 0xd6, 0x86, 0xfa, 0x87, 0xdf, 0xae];

    fn response(kind: u16, attributes: &[&[u8]]) -> Vec<u8> {
        let body = attributes.concat();
        let length = u16::try_from(body.len()).unwrap().to_be_bytes();
        [&kind.to_be_bytes()[..], &length, &COOKIE, &TRANSACTION, &body].concat()
    }

    /// SOFTWARE "test vector", padded (RFC 5769 §2.2).
    const SOFTWARE: &[u8] = b"\x80\x22\x00\x0btest vector ";
    const XOR_V4: &[u8] = &[0x00, 0x20, 0x00, 0x08, 0x00, 0x01, 0xa1, 0x47, 0xe1, 0x12, 0xa6, 0x43];
    const XOR_V6: &[u8] = &[
        0x00, 0x20, 0x00, 0x14, 0x00, 0x02, 0xa1, 0x47, 0x01, 0x13, 0xa9, 0xfa, 0xa5, 0xd3, 0xf1, 0x79, 0xbc,
        0x25, 0xf4, 0xb5, 0xbe, 0xd2, 0xb9, 0xd9,
    ];

    #[test]
    fn the_sample_responses_of_rfc_5769_are_read() {
        let reply = read_stun_reply(&response(BINDING_SUCCESS, &[SOFTWARE, XOR_V4]), TRANSACTION);
        assert_eq!(reply.unwrap().mapped, Some("192.0.2.1:32853".parse().unwrap()));
        let reply = read_stun_reply(&response(BINDING_SUCCESS, &[SOFTWARE, XOR_V6]), TRANSACTION);
        let v6 = "[2001:db8:1234:5678:11:2233:4455:6677]:32853";
        assert_eq!(reply.unwrap().mapped, Some(v6.parse().unwrap()));
    }

    #[test]
    fn the_xored_address_goes_before_the_plain_one() {
        let plain = [0, 1, 0, 8, 0, 1, 0, 80, 198, 51, 100, 7];
        let reply = read_stun_reply(&response(BINDING_SUCCESS, &[&plain, XOR_V4]), TRANSACTION);
        assert_eq!(reply.unwrap().mapped, Some("192.0.2.1:32853".parse().unwrap()));
        let reply = read_stun_reply(&response(BINDING_SUCCESS, &[&plain]), TRANSACTION);
        assert_eq!(reply.unwrap().mapped, Some("198.51.100.7:80".parse().unwrap()));
    }

    #[test]
    fn an_address_that_is_too_long_is_none() {
        let long = [&[0x00, 0x20, 0x00, 0x15][..], &XOR_V6[4..], &[0; 4]].concat();
        let reply = read_stun_reply(&response(BINDING_SUCCESS, &[&long]), TRANSACTION);
        assert_eq!(reply, Some(StunReply { mapped: None }));
    }

    #[test]
    fn another_transaction_a_request_and_a_wrong_length_are_no_answer() {
        let good = response(BINDING_SUCCESS, &[XOR_V4]);
        assert_eq!(read_stun_reply(&good, [0; 12]), None);
        assert_eq!(read_stun_reply(&response(BINDING_REQUEST, &[]), TRANSACTION), None);
        assert_eq!(read_stun_reply(&good[..good.len() - 1], TRANSACTION), None);
        let error = read_stun_reply(&response(BINDING_ERROR, &[]), TRANSACTION);
        assert_eq!(error, Some(StunReply { mapped: None }));
    }

    #[test]
    fn no_change_of_a_byte_makes_the_reader_panic() {
        let good = response(BINDING_SUCCESS, &[SOFTWARE, XOR_V6]);
        for index in 0..good.len() {
            for value in [0, 1, 0x7f, 0xff] {
                let mut bytes = good.clone();
                bytes[index] = value;
                let _ = read_stun_reply(&bytes, TRANSACTION);
            }
        }
    }
}
