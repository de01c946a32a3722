//! A flow of SYNs: ordinary connects with a small TTL, one at a time.

use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::answer::{Answer, failed, judge};
use super::listener::Wanted;
use super::reading::Reading;
use crate::connect::{Dial, dial};
use crate::{egress, kernel};

/// After the connect has failed, the raw socket's copy of the router's message is there, but perhaps not yet read.
const COPY: Duration = Duration::from_millis(50);

/// A reserved source port.
#[derive(Debug)]
pub(super) struct SynFlow {
    to: SocketAddr,
    port: u16,
    reading: Reading,
    _holder: Socket,
}

impl SynFlow {
    /// Reserves a port. The holder never connects, so the kernel gives the port to nobody else meanwhile.
    pub fn reserve(to: SocketAddr, port: Option<u16>, reading: Reading) -> io::Result<Self> {
        let holder =
            Socket::new(Domain::for_address(to), Type::STREAM.nonblocking().cloexec(), Some(Protocol::TCP))?;
        holder.set_reuse_address(true)?;
        egress::prepare(&holder, to, Some(port.unwrap_or(0)))?;
        let port = holder.local_addr()?.as_socket().map_or(0, |address| address.port());
        Ok(Self { to, port, reading, _holder: holder })
    }

    /// Sends one SYN.
    pub async fn probe(&self, ttl: u8, wait: Duration) -> (Answer, Option<SocketAddr>) {
        // Heard from before the SYN leaves.
        let wanted = match &self.reading {
            Reading::ErrorQueue => None,
            Reading::Raw(listener) => Some(listener.expect(libc::IPPROTO_TCP, self.port, self.to)),
        };
        let began = Instant::now();
        let stream = match dial(self.to, &Dial { ttl: Some(ttl), port: Some(self.port) }) {
            Ok(stream) => stream,
            Err(error) => return (failed(self.to, &error), None),
        };
        let local = stream.local_addr().ok();
        let answer = match wanted {
            None => match timeout(wait, stream.writable()).await {
                Err(_) => Answer::Silence,
                Ok(Err(error)) => failed(self.to, &error),
                Ok(Ok(())) => match kernel::take_error(&stream) {
                    Some(said) => judge(&said, self.to, local, began.elapsed()),
                    None => self.outcome(&stream),
                },
            },
            Some(wanted) => self.listen(&stream, wanted, began, wait).await,
        };
        (answer, local)
    }

    /// Waits for the connect or for what the raw socket hears, whichever comes first.
    async fn listen(&self, stream: &TcpStream, mut wanted: Wanted, began: Instant, wait: Duration) -> Answer {
        let local = stream.local_addr().ok();
        let source = local.map(|local| local.ip());
        let first = async {
            tokio::select! {
                said = wanted.said(source) => Some(judge(&said, self.to, local, began.elapsed())),
                ready = stream.writable() => ready.err().map(|error| failed(self.to, &error)),
            }
        };
        match timeout(wait, first).await {
            Err(_) => return Answer::Silence,
            Ok(Some(answer)) => return answer,
            Ok(None) => {}
        }
        let rtt = began.elapsed();
        match self.outcome(stream) {
            Answer::Failed(failure) => match timeout(COPY, wanted.said(source)).await {
                Ok(said) => judge(&said, self.to, local, rtt),
                Err(_) => Answer::Failed(failure),
            },
            answer => answer,
        }
    }

    /// What became of the connect itself.
    fn outcome(&self, stream: &TcpStream) -> Answer {
        match stream.take_error() {
            Ok(None) if stream.peer_addr().is_ok() => Answer::Destination { refused: false },
            Ok(None) => Answer::Silence,
            Ok(Some(error)) if error.raw_os_error() == Some(libc::ECONNREFUSED) => {
                Answer::Destination { refused: true }
            }
            Ok(Some(error)) if error.raw_os_error() == Some(libc::ETIMEDOUT) => Answer::Silence,
            Ok(Some(error)) | Err(error) => failed(self.to, &error),
        }
    }
}
