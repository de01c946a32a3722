//! A connection through a forward proxy: HTTP CONNECT (RFC 9110 §9.3.6).
//!
//! In: an address of the proxy, whether it speaks TLS itself, the target as host and port, credentials. Out: the stream to the
//! target, or why not; a refusal of the proxy is told apart from one of the target. A proxy that speaks TLS must prove its name
//! before it is asked.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant, SystemTime};

use base64::Engine;
use closedpath_core::failure::{Code, Failure, Step};
use closedpath_core::observation::Contacted;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use crate::download::distrust;
use crate::{TlsClient, connect};

/// The response head may have this many bytes.
const HEAD: usize = 8 * 1024;

/// Whom to ask, and how.
#[derive(Clone, Copy)]
pub struct ForwardProxy<'a> {
    /// One of its addresses.
    pub at: SocketAddr,
    /// Where the connection to it is TLS: the name that it must prove, and who checks it.
    pub tls: Option<(&'a str, &'a TlsClient)>,
    /// User and password.
    pub credentials: Option<&'a (String, String)>,
}

impl ForwardProxy<'_> {
    /// The value of Proxy-Authorization, by the Basic scheme (RFC 7617).
    pub(crate) fn authorization(&self) -> Option<String> {
        let (user, password) = self.credentials?;
        let token = base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}"));
        Some(format!("Basic {token}"))
    }
}

/// Asks the proxy to connect to `host:port`; each step may take `timeout`.
pub async fn connect_through(
    proxy: ForwardProxy<'_>,
    host: &str,
    port: u16,
    timeout: Duration,
) -> Result<(Tunnel, Contacted), Failure> {
    let began = Instant::now();
    let (mut stream, contacted) = open(proxy, timeout).await?;
    ask(&mut stream, proxy, host, port, timeout).await?;
    Ok((stream, Contacted { took: began.elapsed(), ..contacted }))
}

/// A connection to the proxy itself.
pub(crate) async fn open(proxy: ForwardProxy<'_>, timeout: Duration) -> Result<(Tunnel, Contacted), Failure> {
    let (stream, contacted) = connect(proxy.at, timeout).await.map_err(|failure| {
        let text = format!("the proxy cannot be reached: {}", failure.text);
        Failure { step: Step::ProxyConnect, text, ..failure }
    })?;
    let stream = match proxy.tls {
        None => Tunnel::Plain(stream),
        Some((name, client)) => Tunnel::Tls(Box::new(prove(stream, name, client, timeout).await?)),
    };
    Ok((stream, contacted))
}

/// The handshake with the proxy itself. What it is asked, credentials among it, is for nobody else.
async fn prove(
    stream: TcpStream,
    name: &str,
    client: &TlsClient,
    timeout: Duration,
) -> Result<TlsStream<TcpStream>, Failure> {
    let (handshake, stream) = client.handshake_for_http1(stream, name, timeout).await;
    if let Some(failure) = handshake.failure {
        let text = format!("the TLS handshake with the proxy {name} failed: {}", failure.text);
        return Err(Failure { step: Step::ProxyConnect, text, ..failure });
    }
    if let Some(why) = distrust(&handshake, SystemTime::now()) {
        return Err(failed(Code::Other, format!("the proxy does not prove to be {name}: {why}")));
    }
    stream.ok_or_else(|| failed(Code::Other, format!("the handshake with {name} gave no connection")))
}

async fn ask(
    stream: &mut Tunnel,
    proxy: ForwardProxy<'_>,
    host: &str,
    port: u16,
    timeout: Duration,
) -> Result<(), Failure> {
    let authority = if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") };
    let authorization = proxy.authorization().map(|value| format!("Proxy-Authorization: {value}\r\n"));
    let authorization = authorization.unwrap_or_default();
    let request = format!("CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n{authorization}\r\n");
    let exchange = async {
        stream.write_all(request.as_bytes()).await?;
        stream.flush().await?;
        read_head(stream).await
    };
    let proxy = proxy.at;
    let head = match tokio::time::timeout(timeout, exchange).await {
        Err(_) => {
            return Err(failed(Code::Timeout, format!("{proxy} did not answer CONNECT within {timeout:?}")));
        }
        Ok(Err(error)) => return Err(failed(Code::Closed, format!("{proxy} ended the connection: {error}"))),
        Ok(Ok(head)) => head,
    };
    match status(&head) {
        Some(200..=299) => Ok(()),
        Some(407) => Err(failed(Code::ProxyAuthentication, format!("{proxy} demands credentials (407)"))),
        Some(code @ (502..=504)) => {
            Err(failed(Code::ProxyUpstream, format!("{proxy} could not reach {authority} ({code})")))
        }
        Some(code) => {
            Err(failed(Code::ProxyDenied, format!("{proxy} refused to connect to {authority} ({code})")))
        }
        None => Err(failed(Code::Protocol, format!("{proxy} does not answer as an HTTP proxy"))),
    }
}

/// A way to the target: through a proxy, whose connection may itself be TLS, or a plain connection.
#[derive(Debug)]
pub enum Tunnel {
    /// TCP.
    Plain(TcpStream),
    /// TLS to the proxy.
    Tls(Box<TlsStream<TcpStream>>),
}

impl Tunnel {
    /// The TCP connection, to the target or to the proxy.
    pub fn tcp(&self) -> &TcpStream {
        match self {
            Self::Plain(stream) => stream,
            Self::Tls(stream) => stream.get_ref().0,
        }
    }
}

impl AsyncRead for Tunnel {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(context, into),
            Self::Tls(stream) => Pin::new(stream).poll_read(context, into),
        }
    }
}

impl AsyncWrite for Tunnel {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(context, bytes),
            Self::Tls(stream) => Pin::new(stream).poll_write(context, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(context),
            Self::Tls(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(context),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }
}

/// Byte by byte, since what follows the head belongs to the target.
async fn read_head(stream: &mut Tunnel) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() >= HEAD {
            return Err(io::Error::other("the response head is too long"));
        }
        head.push(stream.read_u8().await?);
    }
    Ok(head)
}

/// The status code of a response head.
fn status(head: &[u8]) -> Option<u16> {
    let line = std::str::from_utf8(head.split(|byte| *byte == b'\r').next()?).ok()?;
    let mut words = line.split(' ');
    words.next().filter(|version| version.starts_with("HTTP/1."))?;
    words.next()?.parse().ok()
}

fn failed(code: Code, text: String) -> Failure {
    Failure::new(Step::ProxyConnect, code, text)
}

#[cfg(test)]
mod tests {
    use super::status;

    #[test]
    fn the_status_of_a_proxys_answer_is_read_and_nothing_else_is_taken_for_one() {
        assert_eq!(status(b"HTTP/1.1 200 Connection established\r\n\r\n"), Some(200));
        assert_eq!(status(b"HTTP/1.0 403\r\n\r\n"), Some(403));
        assert_eq!(status(b"SSH-2.0-OpenSSH\r\n\r\n"), None);
        assert_eq!(status(b"HTTP/1.1 \xff\r\n\r\n"), None);
        assert_eq!(status(b"\r\n\r\n"), None);
    }
}
