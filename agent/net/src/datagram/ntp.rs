//! Whether something answers as an NTP server (RFC 5905). The time in the answer is not used.

use std::net::SocketAddr;
use std::time::Duration;

use closedpath_core::observation::Contact;

use super::exchange::{Question, exchange, open_udp};
use crate::random;

/// Length of a packet without extensions (RFC 5905 §7.3).
const LENGTH: usize = 48;

/// Sends one client packet to `to`. A kiss-o'-death (§7.4) is an answer too.
pub async fn ntp_ping(to: SocketAddr, timeout: Duration) -> Contact {
    // A random transmit timestamp: the server only echoes it, and it tells nothing about our clock.
    let stamp: [u8; 8] = random::bytes();
    let mut request = [0; LENGTH];
    // Leap indicator 0, version 4, mode 3 (client).
    request[0] = 4 << 3 | 3;
    request[40..].copy_from_slice(&stamp);
    let question = Question { protocol: "NTP", to, bytes: &request };
    match exchange(open_udp(to), &question, timeout, |bytes| read_ntp_reply(bytes, stamp)).await {
        Ok((contacted, _)) => Contact::Made(contacted),
        Err(failure) => Contact::Failed(failure),
    }
}

/// The stratum in a server's reply (mode 4) to the request with this transmit timestamp; 0 is a kiss-o'-death.
pub fn read_ntp_reply(bytes: &[u8], stamp: [u8; 8]) -> Option<u8> {
    let (packet, _) = bytes.split_first_chunk::<LENGTH>()?;
    let (mode, version) = (packet[0] & 7, packet[0] >> 3 & 7);
    let ours = packet[24..32] == stamp;
    (mode == 4 && matches!(version, 3 | 4) && ours).then_some(packet[1])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(first: u8, stratum: u8, origin: [u8; 8]) -> Vec<u8> {
        let mut bytes = vec![0; LENGTH];
        (bytes[0], bytes[1]) = (first, stratum);
        bytes[24..32].copy_from_slice(&origin);
        bytes
    }

    #[test]
    fn only_a_servers_reply_that_echoes_our_stamp_counts() {
        let stamp = *b"ourstamp";
        assert_eq!(read_ntp_reply(&reply(0x24, 2, stamp), stamp), Some(2));
        assert_eq!(read_ntp_reply(&reply(0xe4, 0, stamp), stamp), Some(0), "kiss-o'-death");
        assert_eq!(read_ntp_reply(&reply(0x23, 2, stamp), stamp), None, "our own request, reflected");
        assert_eq!(read_ntp_reply(&reply(0x24, 2, *b"another!"), stamp), None);
        assert_eq!(read_ntp_reply(&reply(0x24, 2, stamp)[..47], stamp), None);
    }
}
