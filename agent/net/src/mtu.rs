//! The search for the path MTU (E10): echoes of growing size that no router may fragment (RFC 8899 in spirit, RFC 1191 and
//! RFC 8201 for what routers say).
//!
//! In: an address. Out: the largest whole IP packet that was answered and the smallest that was not, and who said so. A large
//! reply that is lost on its way back looks like a large request that was lost. It decides nothing.

use std::io;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use closedpath_core::observation::PathMtu;
use tokio::io::Interest;
use tokio::net::UdpSocket;
use tokio::time::timeout;

use crate::datagram::{echo_request, is_echo, open_ping};
use crate::kernel::{self, Origin, SocketError};
use crate::random;

/// Fits everywhere; who does not answer it answers no other.
const SMALL: u32 = 128;
/// Ethernet; what ExpressRoute is documented to carry; what IPv6 demands; common tunnels below.
const PLATEAUS: [u32; 5] = [1500, 1400, 1280, 1024, 576];
/// A packet counts as lost after so many tries.
const TRIES: usize = 2;
/// An answer is waited for this long at least.
const MIN_WAIT: Duration = Duration::from_millis(250);

/// Searches between this host and `to`; `timeout` is for the first echo. `None`: this host may send no echoes, or `to`
/// answers not even a small one.
pub async fn path_mtu(to: IpAddr, timeout: Duration) -> Option<PathMtu> {
    let socket = open_ping(to, None).ok()?;
    kernel::never_fragment(&socket, to.is_ipv6()).ok()?;
    let mut search = Search {
        socket,
        to,
        identifier: u16::from_be_bytes(random::bytes()),
        number: 0,
        wait: timeout,
        bounds: Bounds::default(),
    };
    let began = Instant::now();
    let Fate::Answered = search.send(SMALL).await else { return None };
    search.wait = (began.elapsed() * 4).max(MIN_WAIT).min(timeout);
    while let Some(size) = search.bounds.next() {
        match search.send(size).await {
            Fate::Answered => search.bounds.answered(size),
            Fate::TooBig { by, mtu } => search.bounds.lost(size, by, mtu),
            Fate::Lost => search.bounds.lost(size, None, 0),
            Fate::Refused => break,
        }
    }
    let Bounds { largest, lost, told_by, .. } = search.bounds;
    Some(PathMtu { largest: Some(largest), lost, told_by })
}

/// What became of one packet.
enum Fate {
    Answered,
    TooBig {
        by: Option<IpAddr>,
        mtu: u32,
    },
    Lost,
    /// This host did not send it, or somebody says the destination is gone.
    Refused,
}

/// What is known so far.
#[derive(Debug)]
struct Bounds {
    largest: u32,
    lost: Option<u32>,
    told_by: Option<IpAddr>,
    /// The MTU that was told with the smallest lost packet.
    told: u32,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { largest: SMALL, lost: None, told_by: None, told: 0 }
    }
}

impl Bounds {
    /// The size to try next; `None` when nothing is between the bounds.
    fn next(&self) -> Option<u32> {
        let Some(lost) = self.lost else {
            return PLATEAUS.first().copied().filter(|size| *size > self.largest);
        };
        let open = |size: &u32| *size > self.largest && *size < lost;
        let said = [self.told, self.told.saturating_add(1)].into_iter().find(open);
        let plateau = || PLATEAUS.into_iter().find(open).filter(|_| self.largest == SMALL);
        let middle = || Some(u32::midpoint(self.largest, lost)).filter(open);
        said.or_else(plateau).or_else(middle)
    }

    fn answered(&mut self, size: u32) {
        self.largest = size;
    }

    fn lost(&mut self, size: u32, by: Option<IpAddr>, mtu: u32) {
        (self.lost, self.told_by) = (Some(size), by);
        if mtu > 0 {
            self.told = mtu;
        }
    }
}

struct Search {
    socket: UdpSocket,
    to: IpAddr,
    identifier: u16,
    number: u16,
    wait: Duration,
    bounds: Bounds,
}

impl Search {
    /// Sends an IP packet of `size` bytes, again where nothing comes back.
    async fn send(&mut self, size: u32) -> Fate {
        let headers = if self.to.is_ipv6() { 40 + 8 } else { 20 + 8 };
        let token: [u8; 16] = random::bytes();
        let mut payload = token.to_vec();
        payload.resize((size as usize).saturating_sub(headers), 0);
        for _ in 0..TRIES {
            self.number = self.number.wrapping_add(1);
            let request = echo_request(self.to.is_ipv6(), self.identifier, self.number, &payload);
            while kernel::take_error(&self.socket).is_some() {}
            let mut sent = self.socket.send(&request).await;
            if sent.as_ref().is_err_and(|error| error.raw_os_error() != Some(libc::EMSGSIZE)) {
                // An error of an earlier packet, now spent, or one that comes again.
                sent = self.socket.send(&request).await;
            }
            match sent {
                Ok(_) => {}
                Err(error) if error.raw_os_error() == Some(libc::EMSGSIZE) => return self.too_big_here(),
                Err(_) => return Fate::Refused,
            }
            if let Ok(fate) = timeout(self.wait, self.fate(&token)).await {
                return fate;
            }
        }
        Fate::Lost
    }

    /// The first link is this host's own; the kernel says its MTU.
    fn too_big_here(&self) -> Fate {
        let mtu = kernel::take_error(&self.socket).map_or(0, |said| said.info);
        Fate::TooBig { by: self.socket.local_addr().ok().map(|local| local.ip()), mtu }
    }

    async fn fate(&self, token: &[u8; 16]) -> Fate {
        let ipv6 = self.to.is_ipv6();
        loop {
            if self.socket.ready(Interest::READABLE | Interest::ERROR).await.is_err() {
                return Fate::Refused;
            }
            let mut quote = [0; 64];
            let said = self.socket.try_io(Interest::ERROR, || {
                kernel::take_quote(&self.socket, &mut quote).ok_or_else(|| io::ErrorKind::WouldBlock.into())
            });
            if let Ok((said, quote)) = said
                && quote.get(6..8).is_none_or(|number| number == self.number.to_be_bytes())
            {
                return read(&said);
            }
            let mut buffer = [0; 2048];
            let ours = |reply: &[u8]| reply.get(8..24) == Some(&token[..]);
            if let Ok(length) = self.socket.try_recv(&mut buffer)
                && is_echo(&buffer[..length], ipv6, ours)
            {
                return Fate::Answered;
            }
        }
    }
}

/// Fragmentation needed (RFC 1191 §4), packet too big (RFC 8201 §4), or something else that ends the search.
fn read(said: &SocketError) -> Fate {
    match (said.origin, said.kind, said.code) {
        (Origin::Icmp, 3, 4) | (Origin::Icmp6, 2, _) => Fate::TooBig { by: said.from, mtu: said.info },
        _ => Fate::Refused,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The sizes that are tried where packets above `limit` are lost and `told` is said of them.
    fn tried(limit: u32, told: u32) -> (Vec<u32>, Bounds) {
        let (mut bounds, mut sizes) = (Bounds::default(), Vec::new());
        while let Some(size) = bounds.next() {
            sizes.push(size);
            if size <= limit { bounds.answered(size) } else { bounds.lost(size, None, told) }
        }
        (sizes, bounds)
    }

    #[test]
    fn what_a_router_says_is_tried_at_once_and_one_byte_more() {
        assert_eq!(tried(1400, 1400).0, [1500, 1400, 1401]);
        assert_eq!(tried(1500, 0).0, [1500]);
    }

    #[test]
    fn a_black_hole_is_bisected_to_the_byte() {
        for limit in [128, 400, 576, 1279, 1372, 1400, 1499] {
            let (sizes, bounds) = tried(limit, 0);
            assert_eq!((bounds.largest, bounds.lost), (limit, Some(limit + 1)), "{sizes:?}");
            assert!(sizes.len() <= 14, "{sizes:?}");
        }
        assert_eq!(tried(1399, 0).0[..4], [1500, 1400, 1280, 1340]);
    }

    #[test]
    fn a_router_that_lies_makes_no_endless_search() {
        assert_eq!(tried(1300, 1400).1.largest, 1300);
        assert_eq!(tried(1300, 900).1.largest, 1300);
        assert_eq!(tried(1300, u32::MAX).1.largest, 1300);
    }
}
