//! Raw sockets that hear every ICMP error for this host, and tell each waiting probe of its own (CAP_NET_RAW).
//!
//! For kernels that do not show routers' answers to a connecting socket. A late answer to an earlier probe of the same flow
//! cannot be told from one to the next; the wait for a hop makes that rare, and the router is on the way in either case.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::UdpSocket;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::quoted::{Quoted, read_icmp_error};
use crate::kernel::{self, Origin, SocketError};

/// Messages kept for one probe; more about one packet say nothing new.
const KEPT: usize = 4;

/// Protocol, source port and destination of a flow.
type Key = (u8, u16, SocketAddr);
/// What was said, and to which of our addresses' packet.
type Said = (SocketError, IpAddr);
type Waiting = Mutex<HashMap<Key, mpsc::Sender<Said>>>;

/// The sockets and the tasks that read them.
#[derive(Debug)]
pub struct IcmpListener {
    waiting: Arc<Waiting>,
    _readers: JoinSet<()>,
}

impl IcmpListener {
    /// Opens the sockets; to be called inside a tokio runtime. A host without IPv6 hears IPv4 only.
    pub fn open() -> io::Result<Self> {
        let waiting = Arc::new(Waiting::default());
        let mut readers = JoinSet::new();
        readers.spawn(read(open(Domain::IPV4, Protocol::ICMPV4)?, waiting.clone()));
        match open(Domain::IPV6, Protocol::ICMPV6) {
            Ok(socket) => {
                readers.spawn(read(socket, waiting.clone()));
            }
            Err(error) if error.raw_os_error() == Some(libc::EAFNOSUPPORT) => {}
            Err(error) => return Err(error),
        }
        Ok(Self { waiting, _readers: readers })
    }

    /// From now on, what is said of packets from this port to `to` is kept.
    pub(super) fn expect(&self, protocol: libc::c_int, port: u16, to: SocketAddr) -> Wanted {
        let (sender, said) = mpsc::channel(KEPT);
        let key = (u8::try_from(protocol).unwrap_or_default(), port, plain(to));
        if let Ok(mut waiting) = self.waiting.lock() {
            waiting.insert(key, sender);
        }
        Wanted { waiting: self.waiting.clone(), key, said }
    }
}

/// One probe in flight; dropped, nobody waits for it any more.
pub(super) struct Wanted {
    waiting: Arc<Waiting>,
    key: Key,
    said: mpsc::Receiver<Said>,
}

impl Wanted {
    /// What is said of a packet from `source`; waits for ever where nothing is.
    pub async fn said(&mut self, source: Option<IpAddr>) -> SocketError {
        loop {
            match self.said.recv().await {
                Some((said, from)) if source.is_none_or(|source| source.to_canonical() == from) => {
                    return said;
                }
                Some(_) => {}
                None => std::future::pending().await,
            }
        }
    }
}

impl Drop for Wanted {
    fn drop(&mut self) {
        if let Ok(mut waiting) = self.waiting.lock() {
            waiting.remove(&self.key);
        }
    }
}

fn open(domain: Domain, protocol: Protocol) -> io::Result<UdpSocket> {
    let socket = Socket::new(domain, Type::RAW.nonblocking().cloexec(), Some(protocol))?;
    kernel::only_icmp_errors(&socket, domain == Domain::IPV6)?;
    UdpSocket::from_std(socket.into())
}

async fn read(socket: UdpSocket, waiting: Arc<Waiting>) {
    let mut buffer = [0; 2048];
    loop {
        // An error of such a socket is about packets that others sent, and spent with this call.
        let Ok((length, sender)) = socket.recv_from(&mut buffer).await else { continue };
        let Some(quoted) = read_icmp_error(&buffer[..length]) else { continue };
        let key = (quoted.protocol, quoted.ports.0, SocketAddr::new(quoted.destination, quoted.ports.1));
        let sender_of = |waiting: &Waiting| waiting.lock().ok()?.get(&key).cloned();
        if let Some(probe) = sender_of(&waiting) {
            // Full: it has heard enough.
            let _ = probe.try_send((as_error(&quoted, sender.ip()), quoted.source));
        }
    }
}

/// What the error queue would have held.
fn as_error(quoted: &Quoted, sender: IpAddr) -> SocketError {
    let origin = if quoted.destination.is_ipv6() { Origin::Icmp6 } else { Origin::Icmp };
    let from = (sender != IpAddr::V4(Ipv4Addr::UNSPECIFIED) && sender != IpAddr::V6(Ipv6Addr::UNSPECIFIED))
        .then_some(sender);
    SocketError { errno: libc::EHOSTUNREACH, origin, kind: quoted.kind, code: quoted.code, info: 0, from }
}

/// Without scope and flow label, as packets show it.
fn plain(to: SocketAddr) -> SocketAddr {
    SocketAddr::new(to.ip().to_canonical(), to.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_said_of_a_packet_from_another_of_our_addresses_is_passed_over() {
        let waiting = Arc::new(Waiting::default());
        let (sender, said) = mpsc::channel(KEPT);
        let key = (6, 40000, "203.0.113.9:443".parse().unwrap());
        waiting.lock().unwrap().insert(key, sender.clone());
        let mut wanted = Wanted { waiting: waiting.clone(), key, said };
        let quoted = |source: &str| Quoted {
            kind: 11,
            code: 0,
            protocol: 6,
            source: source.parse().unwrap(),
            destination: "203.0.113.9".parse().unwrap(),
            ports: (40000, 443),
        };
        for (source, router) in [("192.0.2.8", "198.51.100.8"), ("192.0.2.7", "198.51.100.7")] {
            let quoted = quoted(source);
            sender.try_send((as_error(&quoted, router.parse().unwrap()), quoted.source)).unwrap();
        }
        let heard = wanted.said(Some("192.0.2.7".parse().unwrap())).await;
        assert_eq!(heard.from, Some("198.51.100.7".parse().unwrap()));
        drop(wanted);
        assert!(waiting.lock().unwrap().is_empty(), "nobody waits any more");
    }
}
