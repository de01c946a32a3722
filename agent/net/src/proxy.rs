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
use hyper::StatusCode;
use hyper::header::HeaderMap;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use crate::tls::distrust;
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

/// Whether the proxy speaks in the server's place: by the status, or because it says so (RFC 9209, Squid's own header).
pub(crate) fn refused(proxy: SocketAddr, status: StatusCode, headers: &HeaderMap) -> Option<Failure> {
    let names = |name: &str, what: &str| {
        let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
        values.into_iter().any(|value| value.contains(what))
    };
    let own = names("x-squid-error", "ERR_") || names("proxy-status", "error=");
    let (code, what) = match status.as_u16() {
        407 => (Code::ProxyAuthentication, "demands credentials"),
        502..=504 => (Code::ProxyUpstream, "could not reach the server"),
        403 if own => (Code::ProxyDenied, "refused to relay the request"),
        _ if own => (Code::ProxyUpstream, "could not relay the request"),
        _ => return None,
    };
    Some(Failure::new(Step::ProxyConnect, code, format!("{proxy} {what} ({})", status.as_u16())))
}

fn failed(code: Code, text: String) -> Failure {
    Failure::new(Step::ProxyConnect, code, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_status_of_a_proxys_answer_is_read_and_nothing_else_is_taken_for_one() {
        assert_eq!(status(b"HTTP/1.1 200 Connection established\r\n\r\n"), Some(200));
        assert_eq!(status(b"HTTP/1.0 403\r\n\r\n"), Some(403));
        assert_eq!(status(b"SSH-2.0-OpenSSH\r\n\r\n"), None);
        assert_eq!(status(b"HTTP/1.1 \xff\r\n\r\n"), None);
        assert_eq!(status(b"\r\n\r\n"), None);
    }

    #[test]
    fn a_proxys_own_words_are_told_from_the_servers() {
        let at = SocketAddr::from(([192, 0, 2, 1], 3128));
        let code = |status: u16, headers: &[(&'static str, &'static str)]| {
            let headers =
                headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
            refused(at, StatusCode::from_u16(status).unwrap(), &headers).map(|failure| failure.code)
        };
        assert_eq!(code(407, &[]), Some(Code::ProxyAuthentication));
        assert_eq!(code(503, &[]), Some(Code::ProxyUpstream));
        assert_eq!(code(403, &[("x-squid-error", "ERR_ACCESS_DENIED 0")]), Some(Code::ProxyDenied));
        assert_eq!(
            code(404, &[("proxy-status", "gw; error=destination_not_found")]),
            Some(Code::ProxyUpstream)
        );
        // Content networks answer 403 for a page that is not there.
        assert_eq!(code(403, &[("via", "1.1 squid")]), None);
        assert_eq!(code(200, &[("proxy-status", "gw; received-status=200")]), None);
        assert_eq!(code(500, &[]), None);
    }
}
