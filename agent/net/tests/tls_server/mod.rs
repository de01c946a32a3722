//! Certificate authorities and TLS servers on loopback. In: what the certificates and the server are to be like.
#![allow(dead_code, clippy::unwrap_used)]

use std::net::SocketAddr;
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};
use rustls::ServerConfig;
use rustls::server::WebPkiClientVerifier;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

pub type Authority = CertifiedIssuer<'static, KeyPair>;

/// A certificate and its key.
pub struct Identity {
    pub chain: Vec<CertificateDer<'static>>,
    pub key: PrivateKeyDer<'static>,
}

pub fn root(name: &str) -> Authority {
    CertifiedIssuer::self_signed(ca_params(name), KeyPair::generate().unwrap()).unwrap()
}

pub fn intermediate(name: &str, issuer: &Authority) -> Authority {
    CertifiedIssuer::signed_by(ca_params(name), KeyPair::generate().unwrap(), issuer).unwrap()
}

/// A leaf for `names`, valid in these years, and below it the certificates given.
pub fn leaf(names: &[&str], years: (i32, i32), issuer: &Authority, above: &[&Authority]) -> Identity {
    let mut params =
        CertificateParams::new(names.iter().map(ToString::to_string).collect::<Vec<_>>()).unwrap();
    params.not_before = date_time_ymd(years.0, 1, 1);
    params.not_after = date_time_ymd(years.1, 1, 1);
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let key = KeyPair::generate().unwrap();
    let certificate = params.signed_by(&key, issuer).unwrap();
    let mut chain = vec![certificate.der().clone()];
    chain.extend(above.iter().map(|authority| authority.der().clone()));
    Identity { chain, key: PrivateKeyDer::try_from(key.serialize_der()).unwrap() }
}

/// A self-signed certificate as `openssl req -x509` makes it: a CA's.
pub fn self_signed(name: &str) -> Identity {
    let mut params = ca_params(name);
    params.subject_alt_names = CertificateParams::new(vec![name.to_owned()]).unwrap().subject_alt_names;
    let key = KeyPair::generate().unwrap();
    let certificate = params.self_signed(&key).unwrap();
    Identity {
        chain: vec![certificate.der().clone()],
        key: PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
    }
}

fn ca_params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.not_before = date_time_ymd(2000, 1, 1);
    params.not_after = date_time_ymd(2099, 1, 1);
    params
}

/// Whether the server asks for a client certificate.
#[derive(Clone, Copy, PartialEq)]
pub enum ClientAuth {
    No,
    Optional,
    Required,
}

/// The settings of a server.
pub struct Settings {
    pub versions: Vec<&'static rustls::SupportedProtocolVersion>,
    pub client_auth: ClientAuth,
    pub staple: Vec<u8>,
    pub alpn: Vec<Vec<u8>>,
    /// Bytes sent after the handshake and the first request.
    pub reply: Vec<u8>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            versions: vec![&rustls::version::TLS12, &rustls::version::TLS13],
            client_auth: ClientAuth::No,
            staple: Vec::new(),
            alpn: vec![b"h2".to_vec(), b"http/1.1".to_vec()],
            reply: Vec::new(),
        }
    }
}

/// Serves until it is dropped.
pub struct TlsServer {
    pub address: SocketAddr,
    _tasks: JoinSet<()>,
}

impl TlsServer {
    pub async fn start(identity: Identity, settings: Settings) -> Self {
        let acceptor = TlsAcceptor::from(Arc::new(config(identity, &settings)));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let reply = Arc::new(settings.reply);
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, reply) = (acceptor.clone(), Arc::clone(&reply));
                connections.spawn(async move {
                    let Ok(mut tls) = acceptor.accept(stream).await else { return };
                    let mut request = [0; 4096];
                    if tls.read(&mut request).await.is_ok_and(|length| length > 0) {
                        let _ = tls.write_all(&reply).await;
                        let _ = tls.shutdown().await;
                    }
                });
            }
        });
        Self { address, _tasks: tasks }
    }
}

fn config(identity: Identity, settings: &Settings) -> ServerConfig {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(&settings.versions)
        .unwrap();
    let builder = if settings.client_auth == ClientAuth::No {
        builder.with_no_client_auth()
    } else {
        let mut roots = rustls::RootCertStore::empty();
        roots.add(root("Clients").der().clone()).unwrap();
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
        let verifier = if settings.client_auth == ClientAuth::Optional {
            verifier.allow_unauthenticated()
        } else {
            verifier
        };
        builder.with_client_cert_verifier(verifier.build().unwrap())
    };
    let mut config =
        builder.with_single_cert_with_ocsp(identity.chain, identity.key, settings.staple.clone()).unwrap();
    config.alpn_protocols.clone_from(&settings.alpn);
    config
}
