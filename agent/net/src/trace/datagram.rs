//! A flow of UDP datagrams or echo requests: one connected socket for all TTLs.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

use closedpath_core::target::Probe;
use tokio::io::Interest;
use tokio::net::UdpSocket;
use tokio::time::timeout;

use super::answer::{Answer, failed, judge};
use super::question::Question;
use crate::connect::limit_hops;
use crate::datagram::{open_ping, open_udp_from};
use crate::kernel::{self, Origin};
use crate::random;

/// A socket whose port, or whose echo identifier, is the constant half of the flow.
#[derive(Debug)]
pub(super) struct DatagramFlow {
    to: SocketAddr,
    probe: Probe,
    socket: UdpSocket,
    identifier: u16,
    number: AtomicU16,
}

impl DatagramFlow {
    pub fn open(to: SocketAddr, probe: Probe, port: Option<u16>) -> io::Result<Self> {
        let socket = match probe {
            Probe::Icmp => open_ping(to.ip(), port)?,
            _ => open_udp_from(port, to)?,
        };
        // Counts where the socket is a raw one; in a ping socket the kernel puts the socket's port in its place.
        let identifier = port.unwrap_or_else(|| u16::from_be_bytes(random::bytes()));
        Ok(Self { to, probe, socket, identifier, number: AtomicU16::new(0) })
    }

    /// Sends one question.
    pub async fn probe(&self, ttl: u8, wait: Duration) -> (Answer, Option<SocketAddr>) {
        let local = self.socket.local_addr().ok();
        let number = self.number.fetch_add(1, Ordering::Relaxed);
        let question = Question::new(self.probe, self.to.is_ipv6(), self.identifier, number);
        if let Err(error) = limit_hops(&self.socket, self.to, ttl) {
            return (failed(self.to, &error), local);
        }
        // An earlier error that came late would make the send fail in place of itself.
        while kernel::take_error(&self.socket).is_some() {}
        let began = Instant::now();
        let sent = match self.socket.send(question.bytes()).await {
            // Either that error after all, now spent, or one that comes again.
            Err(_) => self.socket.send(question.bytes()).await,
            sent => sent,
        };
        if let Err(error) = sent {
            return (failed(self.to, &error), local);
        }
        let answer = timeout(wait, self.answer(&question, local, began)).await;
        (answer.unwrap_or(Answer::Silence), local)
    }

    /// What comes back for this question; late answers to earlier ones are passed over.
    async fn answer(&self, question: &Question, local: Option<SocketAddr>, began: Instant) -> Answer {
        loop {
            if let Err(error) = self.socket.ready(Interest::READABLE | Interest::ERROR).await {
                return failed(self.to, &error);
            }
            let mut quote = [0; 64];
            let said = self.socket.try_io(Interest::ERROR, || {
                kernel::take_quote(&self.socket, &mut quote).ok_or_else(|| io::ErrorKind::WouldBlock.into())
            });
            if let Ok((said, quote)) = said
                && matches!(said.origin, Origin::Icmp | Origin::Icmp6)
                && question.quoted_by(quote)
            {
                return judge(&said, self.to, local, began.elapsed());
            }
            let mut buffer = [0; 2048];
            if let Ok(length) = self.socket.try_recv(&mut buffer)
                && question.answered_by(&buffer[..length], self.to.is_ipv6())
            {
                return Answer::Destination { refused: false };
            }
        }
    }
}
