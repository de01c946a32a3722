//! Makes handshakes.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use closedpath_core::config::TrustAnchor;
use closedpath_core::failure::{Code, Failure, Step};
use closedpath_core::observation::{NameCheck, PathCheck, TlsObservation};
use rustls::crypto::{CryptoProvider, ring};
use rustls::{CipherSuite, ClientConfig, ProtocolVersion};
use rustls_pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncBufRead, AsyncRead, AsyncWrite};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::anchors::Anchors;
use super::failure::{certificate_required, failure};
use super::recorder::{Recorder, Seen};
use super::verify::Verifier;
use crate::NetError;

/// What probes offer by ALPN.
const PROBE: &[&[u8]] = &[b"h2", b"http/1.1"];

/// What is offered where HTTP/1.1 will be spoken.
const HTTP1: &[&[u8]] = &[b"http/1.1"];

/// The least wait for the refusal of a server that asked for a client certificate.
const REFUSAL_WAIT: Duration = Duration::from_millis(300);

/// Makes TLS handshakes and checks what servers present; shared by all probes.
#[derive(Debug)]
pub struct TlsClient {
    provider: Arc<CryptoProvider>,
    base: ClientConfig,
    verifier: Verifier,
}

impl TlsClient {
    /// Loads the trust anchors.
    pub fn new(anchors: &[TrustAnchor]) -> Result<Self, NetError> {
        let provider = Arc::new(provider());
        let verifier = Verifier::new(Anchors::load(anchors)?, provider.signature_verification_algorithms);
        let mut base = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| NetError::Tls { why: error.to_string() })?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Recorder::new(Arc::clone(&provider))))
            .with_no_client_auth();
        // Every probe is a full handshake, so that the certificate is always seen.
        base.resumption = rustls::client::Resumption::disabled();
        Ok(Self { provider, base, verifier })
    }

    /// The trust anchors that were loaded, as certificates (DER).
    pub fn certificates(&self) -> &[Vec<u8>] {
        self.verifier.certificates()
    }

    /// What the checks of a presented chain say: whether it leads to a trust anchor, and whether its leaf is for `host`.
    /// A chain that was seen before is looked up, not verified again. `None` where there is nothing to check.
    pub fn verify(&self, chain: &[Vec<u8>], host: &str) -> Option<(PathCheck, Option<NameCheck>)> {
        let chain: Vec<CertificateDer<'_>> =
            chain.iter().map(|der| CertificateDer::from(der.as_slice())).collect();
        self.verifier.check(&chain, &ServerName::try_from(host).ok()?)
    }

    /// One handshake with `host` (a name, or an address: then without SNI, RFC 6066 §3) over `stream`, within `timeout`.
    ///
    /// The stream comes back when the handshake is complete, whatever the certificate is worth.
    pub async fn handshake<S>(
        &self,
        stream: S,
        host: &str,
        timeout: Duration,
    ) -> (TlsObservation, Option<TlsStream<S>>)
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        self.run(stream, host, PROBE, timeout).await
    }

    /// The same, offering HTTP/1.1 alone.
    pub(crate) async fn handshake_for_http1<S>(
        &self,
        stream: S,
        host: &str,
        timeout: Duration,
    ) -> (TlsObservation, Option<TlsStream<S>>)
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        self.run(stream, host, HTTP1, timeout).await
    }

    async fn run<S>(
        &self,
        stream: S,
        host: &str,
        alpn: &[&[u8]],
        limit: Duration,
    ) -> (TlsObservation, Option<TlsStream<S>>)
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
        let Ok(name) = ServerName::try_from(bare.to_owned()) else {
            let text = format!("\"{host}\" is neither a domain name nor an address");
            return (failed(Failure::new(Step::Tls, Code::Other, text)), None);
        };
        let recorder = Arc::new(Recorder::new(Arc::clone(&self.provider)));
        let connector = TlsConnector::from(Arc::new(self.config_for(&recorder, alpn)));
        let began = Instant::now();
        let outcome = timeout(limit, connector.connect(name.clone(), stream)).await;
        let took = began.elapsed();
        let mut observation = TlsObservation { took, ..empty() };
        let mut stream = None;
        match outcome {
            Ok(Ok(mut connected)) => {
                describe(&connected, &mut observation);
                let tls13 = connected.get_ref().1.protocol_version() == Some(ProtocolVersion::TLSv1_3);
                if tls13 && recorder.asked() {
                    let wait = (took * 3).max(REFUSAL_WAIT).min(limit);
                    observation.failure = refused(&mut connected, wait).await;
                }
                stream = observation.failure.is_none().then_some(connected);
            }
            Ok(Err(error)) => observation.failure = Some(why(&error, &recorder)),
            Err(_) => {
                let words = format!("the handshake was not complete within {} s", limit.as_secs_f32());
                observation.failure = Some(Failure::new(Step::Tls, Code::Timeout, words));
            }
        }
        self.add_seen(recorder.take(), &name, &mut observation);
        (observation, stream)
    }

    fn config_for(&self, recorder: &Arc<Recorder>, alpn: &[&[u8]]) -> ClientConfig {
        let mut config = self.base.clone();
        config.alpn_protocols = alpn.iter().map(|protocol| protocol.to_vec()).collect();
        config.dangerous().set_certificate_verifier(Arc::clone(recorder) as _);
        config.client_auth_cert_resolver = Arc::clone(recorder) as _;
        config
    }

    fn add_seen(&self, seen: Seen, name: &ServerName<'_>, observation: &mut TlsObservation) {
        if let Some((path, name)) = self.verifier.check(&seen.chain, name) {
            observation.path = Some(path);
            observation.name = name;
        }
        observation.version = observation.version.take().or_else(|| seen.version.map(ToOwned::to_owned));
        observation.chain = seen.chain.iter().map(|certificate| certificate.to_vec()).collect();
        observation.staple = seen.staple;
        observation.client_certificate_required = observation
            .failure
            .as_ref()
            .is_some_and(|failure| failure.code == Code::ClientCertificateRequired);
    }
}

/// With TLS 1.2 the refusal of a client without a certificate ends the handshake itself.
fn why(error: &io::Error, recorder: &Recorder) -> Failure {
    let failure = failure(error, recorder.hello_seen());
    let gave_up = matches!(failure.code, Code::TlsAlert | Code::Closed | Code::Reset);
    if recorder.asked() && gave_up { certificate_required(Some(error)) } else { failure }
}

/// ring, with AES-128-GCM before AES-256-GCM: ring has no fast SHA-384 everywhere, and the suite proves nothing here.
fn provider() -> CryptoProvider {
    let mut provider = ring::default_provider();
    provider.cipher_suites.sort_by_key(|suite| match suite.suite() {
        CipherSuite::TLS13_AES_128_GCM_SHA256 => 0,
        suite if is_tls13(suite) => 1,
        CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256
        | CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 => 2,
        _ => 3,
    });
    provider
}

fn is_tls13(suite: CipherSuite) -> bool {
    suite.as_str().is_some_and(|name| name.starts_with("TLS13_"))
}

fn describe<S>(stream: &TlsStream<S>, observation: &mut TlsObservation) {
    let (_, session) = stream.get_ref();
    observation.version = session.protocol_version().map(|version| match version {
        ProtocolVersion::TLSv1_2 => "TLSv1.2".to_owned(),
        ProtocolVersion::TLSv1_3 => "TLSv1.3".to_owned(),
        other => format!("{other:?}"),
    });
    observation.cipher = session.negotiated_cipher_suite().map(|suite| {
        // The library marks TLS 1.3 suites; IANA does not.
        format!("{:?}", suite.suite()).replacen("TLS13_", "TLS_", 1)
    });
    observation.group = session
        .negotiated_key_exchange_group()
        .map(|group| format!("{:?}", group.name()).to_ascii_lowercase());
    observation.alpn = session.alpn_protocol().map(|name| String::from_utf8_lossy(name).into_owned());
}

/// Whether the server takes no client without a certificate. TLS 1.3 says so only after the handshake (RFC 8446 §4.4.2.4),
/// so one look at what comes next is needed; a session ticket or data means that we are taken.
async fn refused<S>(stream: &mut TlsStream<S>, wait: Duration) -> Option<Failure>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let look = poll_fn(|context| {
        let ended = Pin::new(&mut *stream).poll_fill_buf(context).map_ok(<[u8]>::is_empty);
        match ended {
            Poll::Ready(Ok(true)) => Poll::Ready(Some(certificate_required(None))),
            Poll::Ready(Ok(false)) => Poll::Ready(None),
            Poll::Ready(Err(error)) => Poll::Ready(Some(certificate_required(Some(&error)))),
            Poll::Pending if stream.get_ref().1.tls13_tickets_received() > 0 => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    });
    timeout(wait, look).await.unwrap_or(None)
}

fn failed(failure: Failure) -> TlsObservation {
    TlsObservation { failure: Some(failure), ..empty() }
}

fn empty() -> TlsObservation {
    TlsObservation {
        failure: None,
        version: None,
        cipher: None,
        group: None,
        alpn: None,
        chain: Vec::new(),
        staple: None,
        path: None,
        name: None,
        client_certificate_required: false,
        took: Duration::ZERO,
    }
}
