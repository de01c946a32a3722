//! One HTTP/1.1 exchange with one address: a CRL, an OCSP responder, a caIssuers file, an echo, or the page behind a target.
//!
//! In: URL, method, validators, the address to dial, bounds. Out: status, the headers that matter, the body, or why not. It
//! follows no redirect, decompresses nothing, and judges neither status nor certificate; whether the address may be dialled
//! was decided before.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use closedpath_core::failure::{Code, Failure, Step};
use closedpath_core::observation::FetchObservation;
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::header::{
    ACCEPT, CONTENT_ENCODING, CONTENT_TYPE, ETAG, HOST, HeaderMap, HeaderName, IF_MODIFIED_SINCE,
    IF_NONE_MATCH, LAST_MODIFIED, LOCATION, USER_AGENT,
};
use hyper::{Request, Response, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;
use tokio_rustls::client::TlsStream;
use url::Url;

use crate::proxy::refused;
use crate::{TlsClient, classify, connect};

/// Room for a response's status line and headers.
const HEAD: usize = 32 * 1024;

/// A body may take this many times the bound of a phase, as long as something comes within each such bound.
const BODY_PHASES: u32 = 6;

/// A longer ETag or Last-Modified is not worth sending back.
const VALIDATOR: usize = 256;

/// A Content-Length is believed, and room made for all of it, when this much of the body has come.
const BELIEVED: usize = 256 * 1024;

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FetchRequest {
    /// An http or https URL; its fragment is not sent.
    pub url: String,
    /// How it is asked for.
    pub method: Method,
    /// Sent as If-None-Match (RFC 9110 §13.1.2): the ETag of a body that is at hand.
    pub etag: Option<String>,
    /// Sent as If-Modified-Since (RFC 9110 §13.1.3): the Last-Modified of a body that is at hand.
    pub last_modified: Option<String>,
}

impl FetchRequest {
    /// A plain GET.
    pub fn get(url: impl Into<String>) -> Self {
        Self { url: url.into(), method: Method::Get, etag: None, last_modified: None }
    }
}

/// The methods that are used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Method {
    /// GET.
    Get,
    /// POST, as OCSP requests are sent (RFC 6960 appendix A.1).
    Post {
        /// The Content-Type of the request.
        content_type: &'static str,
        /// The request's body.
        body: Vec<u8>,
    },
}

/// Bounds of one exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FetchLimits {
    /// For each phase: connect, TLS, response head, each part of the body.
    pub timeout: Duration,
    /// Bytes of the body.
    pub max_body: usize,
}

/// Asks `ip`; https needs `tls`.
pub async fn fetch(
    request: &FetchRequest,
    ip: IpAddr,
    limits: FetchLimits,
    tls: Option<&TlsClient>,
) -> FetchObservation {
    let began = Instant::now();
    let mut observation = FetchObservation {
        url: request.url.clone(),
        ip,
        status: None,
        location: None,
        content_type: None,
        etag: None,
        last_modified: None,
        body: Vec::new(),
        failure: None,
        took: Duration::ZERO,
    };
    observation.failure = exchange(request, &mut observation, limits, tls).await.err();
    observation.took = began.elapsed();
    observation
}

async fn exchange(
    request: &FetchRequest,
    observation: &mut FetchObservation,
    limits: FetchLimits,
    tls: Option<&TlsClient>,
) -> Result<(), Failure> {
    let Prepared { secure, host, port, request, .. } = prepare(request)?;
    let (stream, _) = connect(SocketAddr::new(observation.ip, port), limits.timeout).await?;
    if !secure {
        return speak(stream, request, observation, limits, None).await;
    }
    let Some(tls) = tls else { return Err(other("an https URL where only http is expected".to_owned())) };
    let stream = finish_tls(stream, &host, limits, tls).await?;
    speak(stream, request, observation, limits, None).await
}

/// The handshake before an https exchange; what the server presents is judged elsewhere.
pub(crate) async fn finish_tls<S>(
    stream: S,
    host: &str,
    limits: FetchLimits,
    tls: &TlsClient,
) -> Result<TlsStream<S>, Failure>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let (handshake, stream) = tls.handshake_for_http1(stream, host, limits.timeout).await;
    let without = || Failure::new(Step::Tls, Code::Other, "the handshake gave no connection");
    stream.ok_or_else(|| handshake.failure.unwrap_or_else(without))
}

/// A request, and whom it is for.
pub(crate) struct Prepared {
    pub secure: bool,
    pub host: String,
    pub port: u16,
    pub request: Request<Full<Bytes>>,
    /// The request target in absolute form, for a proxy.
    pub absolute: Uri,
}

pub(crate) fn prepare(request: &FetchRequest) -> Result<Prepared, Failure> {
    let url = Url::parse(&request.url).map_err(|error| other(format!("not a URL: {error}")))?;
    let (host, port) = match (url.host_str(), url.port_or_known_default()) {
        (Some(host), Some(port)) if matches!(url.scheme(), "http" | "https") => (host.to_owned(), port),
        _ => return Err(other("neither an http nor an https URL".to_owned())),
    };
    let request =
        head(request, &url, &host).map_err(|error| other(format!("not a usable request: {error}")))?;
    let absolute = url[..url::Position::AfterQuery]
        .parse()
        .map_err(|error| other(format!("not a usable request target: {error}")))?;
    Ok(Prepared { secure: url.scheme() == "https", host, port, request, absolute })
}

fn head(request: &FetchRequest, url: &Url, host: &str) -> Result<Request<Full<Bytes>>, hyper::http::Error> {
    let path = &url[url::Position::BeforePath..url::Position::AfterQuery];
    // RFC 9110 §7.2: the port is left out where it is the scheme's own, as `Url::port` does.
    let authority = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
    // No Accept-Encoding: what is signed is wanted as it is, and nothing here decompresses.
    let head = Request::builder()
        .uri(path)
        .header(HOST, authority)
        .header(USER_AGENT, concat!("closedpath/", env!("CARGO_PKG_VERSION")))
        .header(ACCEPT, "*/*");
    match &request.method {
        Method::Get => {
            let validators = [(IF_NONE_MATCH, &request.etag), (IF_MODIFIED_SINCE, &request.last_modified)];
            let sent = validators.into_iter().filter_map(|(name, value)| Some((name, value.as_ref()?)));
            sent.fold(head.method("GET"), |head, (name, value)| head.header(name, value))
                .body(Full::default())
        }
        Method::Post { content_type, body } => {
            let body = Full::new(Bytes::copy_from_slice(body));
            head.method("POST").header(CONTENT_TYPE, *content_type).body(body)
        }
    }
}

/// Drives the connection and the exchange together, so that no task outlives this call. Where a proxy relays, what it says in the
/// server's place is a failure.
pub(crate) async fn speak<S>(
    stream: S,
    request: Request<Full<Bytes>>,
    observation: &mut FetchObservation,
    limits: FetchLimits,
    relay: Option<SocketAddr>,
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
        read(response, observation, limits, relay).await
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
    relay: Option<SocketAddr>,
) -> Result<(), Failure> {
    let header = |name: HeaderName| {
        response.headers().get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
    };
    let status = response.status();
    observation.status = Some(status.as_u16());
    if let Some(failure) = relay.and_then(|proxy| refused(proxy, status, response.headers())) {
        return Err(failure);
    }
    observation.location = header(LOCATION);
    observation.content_type = header(CONTENT_TYPE);
    observation.etag = validator(response.headers(), &ETAG);
    observation.last_modified = validator(response.headers(), &LAST_MODIFIED);
    unencoded(status, response.headers())?;
    let body = read_body(response.into_body(), &mut observation.body, limits);
    let whole = limits.timeout * BODY_PHASES;
    timeout(whole, body).await.unwrap_or_else(|_| Err(silent("the body was not complete", whole)))
}

fn validator(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    let value = headers.get(name)?.to_str().ok()?;
    (!value.is_empty() && value.len() <= VALIDATOR).then(|| value.to_owned())
}

/// Refuses a body that something on the way has compressed: a small answer could become a huge one. A redirect's body is
/// not of interest, and a 304 has none.
fn unencoded(status: StatusCode, headers: &HeaderMap) -> Result<(), Failure> {
    let encodings = headers.get_all(CONTENT_ENCODING).iter();
    let mut encodings = encodings.map(|value| String::from_utf8_lossy(value.as_bytes()).trim().to_owned());
    let encoded = encodings.find(|coding| !coding.is_empty() && !coding.eq_ignore_ascii_case("identity"));
    match encoded {
        Some(coding) if !status.is_redirection() => {
            let shown: String = coding.chars().take(40).collect();
            let text = format!("the body has the Content-Encoding \"{shown}\", which was not asked for");
            Err(Failure::new(Step::Http, Code::Protocol, text))
        }
        _ => Ok(()),
    }
}

/// Collects the body. It must not cost much more than its size, so the buffer never doubles: room is made for what the
/// header said, once enough has come to believe it, and else for an eighth more each time.
async fn read_body(mut body: Incoming, into: &mut Vec<u8>, limits: FetchLimits) -> Result<(), Failure> {
    let declared = body.size_hint().exact().and_then(|size| usize::try_from(size).ok()).unwrap_or(0);
    loop {
        let frame = timeout(limits.timeout, body.frame())
            .await
            .map_err(|_| silent("nothing more of the body came", limits.timeout))?;
        let Some(frame) = frame else { return Ok(()) };
        let Ok(data) = frame.map_err(|error| http_failure(&error))?.into_data() else { continue };
        let taken = data.len().min(limits.max_body - into.len());
        let needed = into.len() + taken;
        if needed > into.capacity() {
            let believed = if needed <= BELIEVED { declared.min(BELIEVED) } else { declared };
            let room = believed.min(limits.max_body).max(needed + needed / 8);
            into.reserve_exact(room - into.len());
        }
        into.extend_from_slice(&data[..taken]);
        if data.len() > taken {
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
