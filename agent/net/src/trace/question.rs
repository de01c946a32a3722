//! What a datagram of a trace asks, so that the destination answers it as it answers any client.
//!
//! Each probe asks with another number, so that what comes too late for one is not taken for an answer to the next. An echo
//! keeps its checksum nevertheless: ECMP may hash it as it hashes ports.

use closedpath_core::target::Probe;

use crate::datagram::{echo_request, is_echo};
use crate::random;

/// One question.
#[derive(Debug)]
pub(super) enum Question {
    /// Over UDP.
    Udp(Vec<u8>),
    /// An echo request, and its sequence number.
    Echo(Vec<u8>, u16),
}

impl Question {
    /// The `number`th question of a flow to a server of this kind; `identifier` counts for raw ICMP sockets only.
    pub fn new(probe: Probe, ipv6: bool, identifier: u16, number: u16) -> Self {
        match probe {
            Probe::Stun => {
                // A Binding request without attributes, the magic cookie, the transaction (RFC 8489 §5).
                let transaction: [u8; 12] = random::bytes();
                Self::Udp([&[0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42][..], &transaction].concat())
            }
            Probe::UdpDns => {
                // RD; one question: the root, NS, IN (RFC 1035 §4.1).
                let id: [u8; 2] = random::bytes();
                Self::Udp([&id[..], &[1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 1]].concat())
            }
            Probe::Ntp => {
                // Version 4, mode 3; the transmit timestamp comes back (RFC 5905 §7.3).
                let mut packet = vec![0; 40];
                packet[0] = 0x23;
                packet.extend(random::bytes::<8>());
                Self::Udp(packet)
            }
            Probe::Icmp | Probe::Tls | Probe::Tcp | Probe::Http | Probe::Https => {
                // Number and complement add up to the same for every number (RFC 1071).
                let balance = (!number).to_be_bytes();
                Self::Echo(echo_request(ipv6, identifier, number, &balance), number)
            }
        }
    }

    /// As it is sent.
    pub fn bytes(&self) -> &[u8] {
        match self {
            Self::Udp(bytes) | Self::Echo(bytes, _) => bytes,
        }
    }

    /// Whether an ICMP error may be about this question; routers need not quote more than eight bytes behind the IP header
    /// (RFC 792), of a UDP question thus nothing.
    pub fn quoted_by(&self, quote: &[u8]) -> bool {
        match self {
            Self::Udp(bytes) => bytes.starts_with(&quote[..quote.len().min(bytes.len())]),
            Self::Echo(_, number) => quote.get(6..8).is_none_or(|quoted| quoted == number.to_be_bytes()),
        }
    }

    /// Whether a datagram from the destination answers it; over UDP every one does, whatever it says.
    pub fn answered_by(&self, bytes: &[u8], ipv6: bool) -> bool {
        match self {
            Self::Udp(_) => true,
            Self::Echo(request, number) => is_echo(bytes, ipv6, |reply| {
                reply.get(6..8) == Some(&number.to_be_bytes()[..]) && reply.get(8..) == request.get(8..)
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_echo_of_a_flow_has_the_same_checksum() {
        let checksum = |number| Question::new(Probe::Icmp, false, 7, number).bytes()[2..4].to_vec();
        assert_eq!(checksum(1), checksum(2));
        assert_eq!(checksum(1), checksum(0xfffe));
    }

    #[test]
    fn an_error_about_an_earlier_question_is_not_about_this_one() {
        for probe in [Probe::Stun, Probe::UdpDns, Probe::Ntp, Probe::Icmp] {
            let (first, second) = (Question::new(probe, false, 7, 1), Question::new(probe, false, 7, 2));
            assert!(first.quoted_by(first.bytes()) && !second.quoted_by(first.bytes()), "{probe}");
            assert!(second.quoted_by(&[]), "a router that quotes nothing of it");
        }
    }

    #[test]
    fn an_echo_reply_answers_its_own_request_only() {
        let question = Question::new(Probe::Icmp, false, 7, 2);
        let mut reply = question.bytes().to_vec();
        assert!(!question.answered_by(&reply, false), "the request itself, as loopback shows it");
        reply[0] = 0;
        assert!(question.answered_by(&reply, false));
        assert!(!Question::new(Probe::Icmp, false, 7, 3).answered_by(&reply, false));
    }
}
