//! One TCP connection to one address.
//!
//! In: where to and how long. Out: the stream with our side of it (E2) and the time it took, or why not.

use std::io;
use std::net::SocketAddr;
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use closedpath_core::failure::{Failure, Step};
use closedpath_core::observation::{Contacted, TcpInfo};
use socket2::{Domain, Protocol, SockRef, Socket, Type};
use tokio::net::TcpStream;

use crate::{classify, egress, kernel};

/// Connects to `to` within `timeout`.
///
/// `Contacted::took` is the round-trip time of the handshake as the kernel measured it, and the clock's where the kernel
/// has none it can stand by (a SYN had to be sent again).
pub async fn connect(to: SocketAddr, timeout: Duration) -> Result<(TcpStream, Contacted), Failure> {
    let began = Instant::now();
    let stream = dial(to, &Dial::default()).map_err(|error| classify::os_error(Step::Connect, to, &error))?;
    // A connecting socket becomes writable when it is connected or has failed.
    match tokio::time::timeout(timeout, stream.writable()).await {
        Err(_) => return Err(classify::silence(Step::Connect, to, timeout)),
        Ok(Err(error)) => return Err(classify::os_error(Step::Connect, to, &error)),
        Ok(Ok(())) => {}
    }
    let clock = began.elapsed();
    let local = stream.local_addr().ok();
    match stream.take_error() {
        Ok(None) => {}
        Ok(Some(error)) | Err(error) => {
            return Err(classify::socket_error(Step::Connect, &stream, to, local, &error));
        }
    }
    // On an established connection the queue would turn passing ICMP errors into failures of reads.
    kernel::report_errors(&stream, to.is_ipv6(), false)
        .map_err(|error| classify::os_error(Step::Connect, to, &error))?;
    let took = kernel::tcp_info(&stream)
        .filter(|info| info.retransmits == 0 && !info.rtt.is_zero() && info.rtt <= clock)
        .map_or(clock, |info| info.rtt);
    Ok((stream, Contacted { local, took }))
}

/// What the kernel knows of a connection by now.
pub fn tcp_info(stream: &TcpStream) -> Option<TcpInfo> {
    kernel::tcp_info(stream)
}

/// Has a connection end by a reset, so that its port is free for a trace of the same flow at once.
pub fn free_port_at_close(stream: &TcpStream) {
    // Where that is refused, the trace takes another port.
    let _ = SockRef::from(stream).set_linger(Some(Duration::ZERO));
}

/// How a connection is to be made.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Dial {
    /// IPv4 TTL or IPv6 hop limit instead of the system's.
    pub ttl: Option<u8>,
    /// A fixed source port, and a reset instead of an orderly close so that it is free again at once.
    pub port: Option<u16>,
}

/// Starts a non-blocking connect with the error queue on; the stream is writable once it is connected or has failed.
pub(crate) fn dial(to: SocketAddr, how: &Dial) -> io::Result<TcpStream> {
    let socket =
        Socket::new(Domain::for_address(to), Type::STREAM.nonblocking().cloexec(), Some(Protocol::TCP))?;
    kernel::report_errors(&socket, to.is_ipv6(), true)?;
    if let Some(ttl) = how.ttl {
        limit_hops(&socket, to, ttl)?;
    }
    if how.port.is_some() {
        socket.set_reuse_address(true)?;
        socket.set_linger(Some(Duration::ZERO))?;
    }
    egress::prepare(&socket, to, how.port)?;
    match socket.connect(&to.into()) {
        Ok(()) => {}
        Err(error) if error.raw_os_error() == Some(libc::EINPROGRESS) => {}
        Err(error) => return Err(error),
    }
    TcpStream::from_std(socket.into())
}

/// Lets packets live for `ttl` hops.
pub(crate) fn limit_hops(socket: &impl AsFd, to: SocketAddr, ttl: u8) -> io::Result<()> {
    let socket = SockRef::from(socket);
    if to.is_ipv6() { socket.set_unicast_hops_v6(ttl.into()) } else { socket.set_ttl_v4(ttl.into()) }
}
