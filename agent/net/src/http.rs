//! One HTTP/1.1 exchange with one address: a CRL, an OCSP responder, a caIssuers file, an echo, or the page behind a target.
//!
//! In: URL, the address to dial, bounds. Out: status, the headers that matter, the body, or why not. It follows no redirect
//! and judges neither status nor certificate; whether the address may be dialled was decided before.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use closedpath_core::failure::{Code, Failure, Step};
use closedpath_core::observation::FetchObservation;
use http_body_util::{BodyExt, Empty};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::header::{ACCEPT, CONTENT_TYPE, HOST, HeaderName, LOCATION, USER_AGENT};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;
use url::Url;

use crate::{TlsClient, classify, connect};

/// Room for a response's status line and headers.
const HEAD: usize = 32 * 1024;

/// A body may take this many times the bound of a phase, as long as something comes within each such bound.
const BODY_PHASES: u32 = 6;

/// Bounds of one exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FetchLimits {
    /// For each phase: connect, TLS, response head, each part of the body.
    pub timeout: Duration,
    /// Bytes of the body.
    pub max_body: usize,
}

/// GETs `url` from `ip`; https needs `tls`.
pub async fn fetch(url: &str, ip: IpAddr, limits: FetchLimits, tls: Option<&TlsClient>) -> FetchObservation {
    let began = Instant::now();
    let mut observation = FetchObservation {
        url: url.to_owned(),
        ip,
        status: None,
        location: None,
        content_type: None,
        body: Vec::new(),
        failure: None,
        took: Duration::ZERO,
    };
    observation.failure = exchange(&mut observation, limits, tls).await.err();
    observation.took = began.elapsed();
    observation
}

async fn exchange(
    observation: &mut FetchObservation,
    limits: FetchLimits,
    tls: Option<&TlsClient>,
) -> Result<(), Failure> {
    let url = Url::parse(&observation.url).map_err(|error| other(format!("not a URL: {error}")))?;
    let (host, port) = match (url.host_str(), url.port_or_known_default()) {
        (Some(host), Some(port)) if matches!(url.scheme(), "http" | "https") => (host, port),
        _ => return Err(other("neither an http nor an https URL".to_owned())),
    };
    let request = request(&url, host).map_err(|error| other(format!("not a usable URL: {error}")))?;
    let (stream, _) = connect(SocketAddr::new(observation.ip, port), limits.timeout).await?;
    if url.scheme() == "http" {
        return speak(stream, request, observation, limits).await;
    }
    let Some(tls) = tls else { return Err(other("an https URL where only http is expected".to_owned())) };
    let (handshake, stream) = tls.handshake_for_http1(stream, host, limits.timeout).await;
    match (stream, handshake.failure) {
        (Some(stream), _) => speak(stream, request, observation, limits).await,
        (None, Some(failure)) => Err(failure),
        (None, None) => Err(Failure::new(Step::Tls, Code::Other, "the handshake gave no connection")),
    }
}

fn request(url: &Url, host: &str) -> Result<Request<Empty<Bytes>>, hyper::http::Error> {
    let path = &url[url::Position::BeforePath..url::Position::AfterQuery];
    // RFC 9110 §7.2: the port is left out where it is the scheme's own, as `Url::port` does.
    let authority = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
    Request::get(path)
        .header(HOST, authority)
        .header(USER_AGENT, concat!("closedpath/", env!("CARGO_PKG_VERSION")))
        .header(ACCEPT, "*/*")
        .body(Empty::new())
}

/// Drives the connection and the exchange together, so that no task outlives this call.
async fn speak<S>(
    stream: S,
    request: Request<Empty<Bytes>>,
    observation: &mut FetchObservation,
    limits: FetchLimits,
) -> Result<(), Failure>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let (mut sender, connection) = http1::Builder::new()
        .max_buf_size(HEAD)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(|error| http_failure(&error))?;
    let dialogue = async {
        let response = timeout(limits.timeout, sender.send_request(request))
            .await
            .map_err(|_| silent("no response", limits.timeout))?
            .map_err(|error| http_failure(&error))?;
        read(response, observation, limits).await
    };
    let mut dialogue = std::pin::pin!(dialogue);
    tokio::select! {
        outcome = &mut dialogue => outcome,
        // The connection is over before the body was taken: what has arrived is still to be read.
        _ = connection => dialogue.await,
    }
}

async fn read(
    response: Response<Incoming>,
    observation: &mut FetchObservation,
    limits: FetchLimits,
) -> Result<(), Failure> {
    let header = |name: HeaderName| {
        response.headers().get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
    };
    observation.status = Some(response.status().as_u16());
    observation.location = header(LOCATION);
    observation.content_type = header(CONTENT_TYPE);
    let body = read_body(response.into_body(), &mut observation.body, limits);
    let whole = limits.timeout * BODY_PHASES;
    timeout(whole, body).await.unwrap_or_else(|_| Err(silent("the body was not complete", whole)))
}

async fn read_body(mut body: Incoming, into: &mut Vec<u8>, limits: FetchLimits) -> Result<(), Failure> {
    loop {
        let frame = timeout(limits.timeout, body.frame())
            .await
            .map_err(|_| silent("nothing more of the body came", limits.timeout))?;
        let Some(frame) = frame else { return Ok(()) };
        let Ok(data) = frame.map_err(|error| http_failure(&error))?.into_data() else { continue };
        let room = limits.max_body - into.len();
        into.extend_from_slice(&data[..data.len().min(room)]);
        if data.len() > room {
            let text = format!("the body is larger than {} bytes", limits.max_body);
            return Err(Failure::new(Step::Http, Code::TooLarge, text));
        }
    }
}

fn http_failure(error: &hyper::Error) -> Failure {
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        if let Some(io) = inner.downcast_ref::<io::Error>() {
            return classify::stream_error(Step::Http, io);
        }
        cause = inner.source();
    }
    let (code, text) = if error.is_incomplete_message() || error.is_closed() || error.is_canceled() {
        (Code::Closed, "the server closed the connection before the response was complete".to_owned())
    } else if error.is_parse() {
        (Code::Protocol, format!("the response is not HTTP/1.1: {error}"))
    } else {
        (Code::Other, error.to_string())
    };
    Failure::new(Step::Http, code, text)
}

fn silent(what: &str, waited: Duration) -> Failure {
    Failure::new(Step::Http, Code::Timeout, format!("{what} within {} s", waited.as_secs_f32()))
}

fn other(text: String) -> Failure {
    Failure::new(Step::Http, Code::Other, text)
}
