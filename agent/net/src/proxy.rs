//! A connection through a forward proxy: HTTP CONNECT (RFC 9110 §9.3.6).
//!
//! In: an address of the proxy, the target as host and port, credentials. Out: the stream to the target, or why not; a
//! refusal of the proxy is told apart from one of the target.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use base64::Engine;
use closedpath_core::failure::{Code, Failure, Step};
use closedpath_core::observation::Contacted;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::connect;

/// The response head may have this many bytes.
const HEAD: usize = 8 * 1024;

/// Asks the proxy at `proxy` to connect to `host:port`; each of the two steps may take `timeout`.
pub async fn connect_through(
    proxy: SocketAddr,
    credentials: Option<&(String, String)>,
    host: &str,
    port: u16,
    timeout: Duration,
) -> Result<(TcpStream, Contacted), Failure> {
    let began = Instant::now();
    let (mut stream, contacted) = connect(proxy, timeout).await.map_err(|failure| {
        let text = format!("the proxy cannot be reached: {}", failure.text);
        Failure { step: Step::ProxyConnect, text, ..failure }
    })?;
    let authority = if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") };
    let authorization = credentials.map(|(user, password)| {
        let token = base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}"));
        format!("Proxy-Authorization: Basic {token}\r\n")
    });
    let authorization = authorization.unwrap_or_default();
    let request = format!("CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n{authorization}\r\n");
    let exchange = async {
        stream.write_all(request.as_bytes()).await?;
        read_head(&mut stream).await
    };
    let head = match tokio::time::timeout(timeout, exchange).await {
        Err(_) => {
            return Err(failed(Code::Timeout, format!("{proxy} did not answer CONNECT within {timeout:?}")));
        }
        Ok(Err(error)) => return Err(failed(Code::Closed, format!("{proxy} ended the connection: {error}"))),
        Ok(Ok(head)) => head,
    };
    match status(&head) {
        Some(200..=299) => Ok((stream, Contacted { took: began.elapsed(), ..contacted })),
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

/// Byte by byte, since what follows the head belongs to the target.
async fn read_head(stream: &mut TcpStream) -> std::io::Result<Vec<u8>> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() >= HEAD {
            return Err(std::io::Error::other("the response head is too long"));
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
