//! One TTL-limited SYN and what came back for it.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use closedpath_core::failure::{Code, Failure, Step};
use socket2::{Domain, Protocol, Socket, Type};
use tokio::time::timeout;

use crate::classify::{self, Icmp, read_icmp};
use crate::connect::{Dial, any_address, dial};
use crate::kernel::{self, SocketError};

/// What came back for one SYN.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Answer {
    /// A router said "time exceeded".
    Hop(Option<IpAddr>, Duration),
    /// The destination answered.
    Destination { refused: bool },
    /// A router said that the destination cannot be reached.
    Unreachable { from: Option<IpAddr>, text: String },
    /// Nothing.
    Silence,
    /// The SYN could not be sent.
    Failed(Failure),
}

/// A source port held for the time of a trace, so that every SYN belongs to one flow.
#[derive(Debug)]
pub(super) struct Flow {
    to: SocketAddr,
    port: u16,
    _holder: Socket,
}

impl Flow {
    /// Reserves a port. The holder never connects, so the kernel gives the port to nobody else meanwhile.
    pub fn reserve(to: SocketAddr) -> io::Result<Self> {
        let holder =
            Socket::new(Domain::for_address(to), Type::STREAM.nonblocking().cloexec(), Some(Protocol::TCP))?;
        holder.set_reuse_address(true)?;
        holder.bind(&SocketAddr::new(any_address(to), 0).into())?;
        let port = holder.local_addr()?.as_socket().map_or(0, |address| address.port());
        Ok(Self { to, port, _holder: holder })
    }

    /// Sends one SYN that lives for `ttl` hops and waits; also gives our side of the flow.
    pub async fn probe(&self, ttl: u8, wait: Duration) -> (Answer, Option<SocketAddr>) {
        let began = Instant::now();
        let stream = match dial(self.to, &Dial { ttl: Some(ttl), port: Some(self.port) }) {
            Ok(stream) => stream,
            Err(error) => return (self.failed(&error), None),
        };
        let local = stream.local_addr().ok();
        let ready = timeout(wait, stream.writable()).await;
        let rtt = began.elapsed();
        let answer = match ready {
            Err(_) => Answer::Silence,
            Ok(Err(error)) => self.failed(&error),
            Ok(Ok(())) => match kernel::take_error(&stream) {
                Some(said) => self.read(&said, local, rtt),
                None => match stream.take_error() {
                    Ok(None) if stream.peer_addr().is_ok() => Answer::Destination { refused: false },
                    Ok(None) => Answer::Silence,
                    Ok(Some(error)) if error.raw_os_error() == Some(libc::ECONNREFUSED) => {
                        Answer::Destination { refused: true }
                    }
                    Ok(Some(error)) if error.raw_os_error() == Some(libc::ETIMEDOUT) => Answer::Silence,
                    Ok(Some(error)) | Err(error) => self.failed(&error),
                },
            },
        };
        (answer, local)
    }

    fn read(&self, said: &SocketError, local: Option<SocketAddr>, rtt: Duration) -> Answer {
        if read_icmp(said) == Icmp::TimeExceeded {
            return Answer::Hop(said.from, rtt);
        }
        let failure = classify::icmp_failure(Step::Trace, said, self.to.ip(), local.map(|local| local.ip()));
        match failure.code {
            Code::Refused => Answer::Destination { refused: true },
            _ => Answer::Unreachable { from: said.from, text: failure.text },
        }
    }

    fn failed(&self, error: &io::Error) -> Answer {
        Answer::Failed(classify::os_error(Step::Trace, self.to, error))
    }
}
