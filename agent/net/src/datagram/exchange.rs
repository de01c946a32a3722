//! One request datagram, repeated while there is no answer, and the first answer that is understood.

use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use closedpath_core::failure::{Code, Failure, Step};
use closedpath_core::observation::Contacted;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::UdpSocket;
use tokio::time::timeout;

use crate::{classify, egress, kernel};

/// The first wait before sending again; it doubles each time (RFC 8489 §6.2.1).
const FIRST_WAIT: Duration = Duration::from_millis(500);

/// A question as it is sent, and its protocol's name.
pub(super) struct Question<'a> {
    pub protocol: &'static str,
    pub to: SocketAddr,
    pub bytes: &'a [u8],
}

/// Opens a connected UDP socket with the error queue on.
pub(super) fn open_udp(to: SocketAddr) -> io::Result<UdpSocket> {
    open_udp_from(None, to)
}

/// The same from `port`, or from one of the kernel's choice.
pub(crate) fn open_udp_from(port: Option<u16>, to: SocketAddr) -> io::Result<UdpSocket> {
    open(to, port, Type::DGRAM, Protocol::UDP)
}

/// Opens a connected datagram-like socket with the error queue on.
pub(super) fn open(
    to: SocketAddr,
    port: Option<u16>,
    kind: Type,
    protocol: Protocol,
) -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::for_address(to), kind.nonblocking().cloexec(), Some(protocol))?;
    kernel::report_errors(&socket, to.is_ipv6(), true)?;
    egress::prepare(&socket, to, port)?;
    socket.connect(&to.into())?;
    UdpSocket::from_std(socket.into())
}

/// Sends the question until `read` understands an answer, an error comes, or the time is over.
pub(super) async fn exchange<T>(
    socket: io::Result<UdpSocket>,
    question: &Question<'_>,
    limit: Duration,
    read: impl Fn(&[u8]) -> Option<T>,
) -> Result<(Contacted, T), Failure> {
    let to = question.to;
    let socket = socket.map_err(|error| classify::os_error(Step::Datagram, to, &error))?;
    let local = socket.local_addr().ok();
    let failed = |error: io::Error| classify::socket_error(Step::Datagram, &socket, to, local, &error);
    let began = Instant::now();
    let mut wait = FIRST_WAIT;
    let mut strange = 0;
    loop {
        let left = limit.saturating_sub(began.elapsed());
        if left.is_zero() {
            return Err(nothing(question, limit, strange));
        }
        socket.send(question.bytes).await.map_err(failed)?;
        match timeout(wait.min(left), receive(&socket, &read, &mut strange)).await {
            Ok(Ok(answer)) => return Ok((Contacted { local, took: began.elapsed() }, answer)),
            Ok(Err(error)) => return Err(failed(error)),
            Err(_) => wait *= 2,
        }
    }
}

/// Waits for an answer that is understood and counts the others.
async fn receive<T>(
    socket: &UdpSocket,
    read: impl Fn(&[u8]) -> Option<T>,
    strange: &mut usize,
) -> io::Result<T> {
    let mut buffer = [0; 2048];
    loop {
        let length = socket.recv(&mut buffer).await?;
        match read(&buffer[..length]) {
            Some(answer) => return Ok(answer),
            None => *strange += 1,
        }
    }
}

fn nothing(question: &Question<'_>, limit: Duration, strange: usize) -> Failure {
    if strange == 0 {
        return classify::silence(Step::Datagram, question.to, limit);
    }
    let (to, protocol) = (question.to, question.protocol);
    let text = format!("{to}: what came back ({strange} datagrams) does not answer our {protocol} question");
    Failure::new(Step::Datagram, Code::Protocol, text)
}
