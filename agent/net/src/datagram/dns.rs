//! Whether something answers as a DNS server (RFC 1035): the servers of the root are asked for, which every server has an
//! answer or a refusal for; either counts.

use std::net::SocketAddr;
use std::time::Duration;

use closedpath_core::observation::Contact;
use hickory_proto::op::{Message, MessageType};

use super::exchange::{Question, exchange, open_udp};
use crate::random;

/// Asks `to` once for the root's name servers.
pub async fn dns_ping(to: SocketAddr, timeout: Duration) -> Contact {
    let id: [u8; 2] = random::bytes();
    // Header with RD, one question: the root, NS, IN.
    let rest = [1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 1];
    let query = [&id[..], &rest].concat();
    let question = Question { protocol: "DNS", to, bytes: &query };
    let read = |bytes: &[u8]| {
        let reply = Message::from_vec(bytes).ok()?;
        let ours = reply.metadata.id == u16::from_be_bytes(id);
        (ours && reply.metadata.message_type == MessageType::Response).then_some(())
    };
    match exchange(open_udp(to), &question, timeout, read).await {
        Ok((contacted, ())) => Contact::Made(contacted),
        Err(failure) => Contact::Failed(failure),
    }
}
