//! TLS handshakes with real servers on loopback.
#![allow(clippy::unwrap_used)]

mod tls_server;

use std::path::PathBuf;
use std::time::Duration;

use closedpath_core::config::TrustAnchor;
use closedpath_core::failure::{Code, Step};
use closedpath_core::observation::{NameCheck, PathCheck, TlsObservation};
use closedpath_net::{TlsClient, connect};
use tls_server::{
    Authority, ClientAuth, Identity, Settings, TlsServer, intermediate, leaf, root, self_signed,
};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;

const TIMEOUT: Duration = Duration::from_secs(5);
const NOW: (i32, i32) = (2020, 2098);

/// A PEM file that goes away with the test.
struct PemFile(PathBuf);

impl PemFile {
    fn new(test: &str, text: &str) -> Self {
        let path = std::env::temp_dir().join(format!("closedpath-{test}-{}.pem", std::process::id()));
        std::fs::write(&path, text).unwrap();
        Self(path)
    }
}

impl Drop for PemFile {
    fn drop(&mut self) {
        std::fs::remove_file(&self.0).unwrap();
    }
}

fn client(test: &str, anchor: &Authority) -> TlsClient {
    let file = PemFile::new(test, &anchor.pem());
    TlsClient::new(&[TrustAnchor::Pem(file.0.clone())]).unwrap()
}

async fn probe(client: &TlsClient, server: &TlsServer, host: &str) -> (TlsObservation, bool) {
    let (stream, _) = connect(server.address, TIMEOUT).await.unwrap();
    let (observation, stream) = client.handshake(stream, host, TIMEOUT).await;
    (observation, stream.is_some())
}

async fn seen(test: &str, anchor: &Authority, identity: Identity, host: &str) -> TlsObservation {
    let server = TlsServer::start(identity, Settings::default()).await;
    let (observation, complete) = probe(&client(test, anchor), &server, host).await;
    assert!(complete, "{observation:?}");
    observation
}

#[tokio::test]
async fn a_good_handshake_tells_everything_that_was_agreed_and_shown() {
    let root = root("Root");
    let middle = intermediate("Issuing", &root);
    let identity = leaf(&["a.example"], NOW, &middle, &[&middle]);
    let chain: Vec<Vec<u8>> = identity.chain.iter().map(|der| der.to_vec()).collect();
    let settings = Settings { staple: vec![0x30, 0x03, 0x0a, 0x01, 0x00], ..Settings::default() };
    let server = TlsServer::start(identity, settings).await;
    let (observation, complete) = probe(&client("good", &root), &server, "a.example").await;
    assert!(complete);
    assert_eq!(observation.failure, None);
    assert_eq!(observation.version.as_deref(), Some("TLSv1.3"));
    assert_eq!(observation.cipher.as_deref(), Some("TLS_AES_128_GCM_SHA256"));
    assert_eq!(observation.group.as_deref(), Some("x25519"));
    assert_eq!(observation.alpn.as_deref(), Some("h2"));
    assert_eq!(observation.chain, chain);
    assert_eq!(observation.staple, Some(vec![0x30, 0x03, 0x0a, 0x01, 0x00]));
    assert_eq!(observation.path, Some(PathCheck::Trusted));
    assert_eq!(observation.name, Some(NameCheck::Match));
    assert!(!observation.client_certificate_required);
    assert!(!observation.took.is_zero());
}

#[tokio::test]
async fn tls_1_2_is_told_as_such() {
    let root = root("Root");
    let settings = Settings { versions: vec![&rustls::version::TLS12], ..Settings::default() };
    let server = TlsServer::start(leaf(&["a.example"], NOW, &root, &[]), settings).await;
    let (observation, complete) = probe(&client("tls12", &root), &server, "a.example").await;
    assert!(complete);
    assert_eq!(observation.version.as_deref(), Some("TLSv1.2"));
    assert_eq!(observation.cipher.as_deref(), Some("TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"));
}

#[tokio::test]
async fn path_and_name_are_judged_each_on_its_own_when_both_fail() {
    let stranger = root("Stranger");
    let identity = leaf(&["b.example", "*.c.example", "192.0.2.7"], NOW, &stranger, &[]);
    let observation = seen("both", &root("Root"), identity, "a.example").await;
    assert_eq!(observation.path, Some(PathCheck::UnknownIssuer));
    let names = ["b.example", "*.c.example", "192.0.2.7"].map(ToOwned::to_owned).to_vec();
    assert_eq!(observation.name, Some(NameCheck::Mismatch(names)));
}

#[tokio::test]
async fn dates_do_not_enter_the_path() {
    let root = root("Root");
    for years in [(2001, 2002), (2097, 2098)] {
        let identity = leaf(&["a.example"], years, &root, &[]);
        let observation = seen("dates", &root, identity, "a.example").await;
        assert_eq!(observation.path, Some(PathCheck::Trusted), "{years:?}");
        let stranger = tls_server::root("Stranger");
        let identity = leaf(&["a.example"], years, &stranger, &[]);
        let observation = seen("dates-unknown", &root, identity, "a.example").await;
        assert_eq!(observation.path, Some(PathCheck::UnknownIssuer), "{years:?}");
    }
}

#[tokio::test]
async fn a_missing_intermediate_is_an_unknown_issuer() {
    let root = root("Root");
    let middle = intermediate("Issuing", &root);
    let identity = leaf(&["a.example"], NOW, &middle, &[]);
    let observation = seen("missing", &root, identity, "a.example").await;
    assert_eq!(observation.path, Some(PathCheck::UnknownIssuer));
    assert_eq!(observation.name, Some(NameCheck::Match));
}

#[tokio::test]
async fn a_self_signed_ca_certificate_as_leaf_has_no_known_issuer_unless_it_is_an_anchor_itself() {
    let observation = seen("self", &root("Root"), self_signed("a.example"), "a.example").await;
    assert_eq!(observation.path, Some(PathCheck::UnknownIssuer));
    assert_eq!(observation.name, Some(NameCheck::Match));
    let authority = root("a.example");
    let identity = Identity {
        chain: vec![authority.der().clone()],
        key: authority.key().serialize_der().try_into().unwrap(),
    };
    let observation = seen("self-anchor", &authority, identity, "a.example").await;
    assert_eq!(observation.path, Some(PathCheck::Trusted));
}

#[tokio::test]
async fn an_address_is_checked_against_the_address_names() {
    let root = root("Root");
    let identity = leaf(&["127.0.0.1", "a.example"], NOW, &root, &[]);
    let server = TlsServer::start(identity, Settings::default()).await;
    let client = client("address", &root);
    assert_eq!(probe(&client, &server, "127.0.0.1").await.0.name, Some(NameCheck::Match));
    let names = vec!["127.0.0.1".to_owned(), "a.example".to_owned()];
    let (observation, _) = probe(&client, &server, "[2001:db8::1]").await;
    assert_eq!(observation.name, Some(NameCheck::Mismatch(names)));
}

#[tokio::test]
async fn a_remembered_chain_gives_the_same_result_for_the_same_name_only() {
    let root = root("Root");
    let server = TlsServer::start(leaf(&["a.example"], NOW, &root, &[]), Settings::default()).await;
    let client = client("memo", &root);
    for _ in 0..2 {
        let (observation, _) = probe(&client, &server, "a.example").await;
        assert_eq!((observation.path, observation.name), (Some(PathCheck::Trusted), Some(NameCheck::Match)));
        let (observation, _) = probe(&client, &server, "b.example").await;
        assert!(matches!(observation.name, Some(NameCheck::Mismatch(_))));
    }
}

#[tokio::test]
async fn a_demanded_client_certificate_is_noticed_in_both_versions_with_the_chain_seen() {
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let root = root("Root");
        let settings =
            Settings { versions: vec![version], client_auth: ClientAuth::Required, ..Settings::default() };
        let server = TlsServer::start(leaf(&["a.example"], NOW, &root, &[]), settings).await;
        let (observation, complete) = probe(&client("required", &root), &server, "a.example").await;
        let failure = observation.failure.unwrap();
        assert!(!complete);
        assert!(observation.client_certificate_required, "{version:?}");
        assert_eq!((failure.step, failure.code), (Step::Tls, Code::ClientCertificateRequired));
        assert!(failure.text.contains("the server sent the alert"), "{}", failure.text);
        assert_eq!(observation.chain.len(), 1);
        assert_eq!(observation.path, Some(PathCheck::Trusted));
    }
}

#[tokio::test]
async fn an_optional_client_certificate_is_no_demand_and_costs_no_waiting() {
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let root = root("Root");
        let settings =
            Settings { versions: vec![version], client_auth: ClientAuth::Optional, ..Settings::default() };
        let server = TlsServer::start(leaf(&["a.example"], NOW, &root, &[]), settings).await;
        let client = client("optional", &root);
        let began = std::time::Instant::now();
        let (observation, complete) = probe(&client, &server, "a.example").await;
        assert!(began.elapsed() < Duration::from_millis(250));
        assert!(complete && !observation.client_certificate_required && observation.failure.is_none());
    }
}

/// Answers one connection with `bytes` after the ClientHello, then closes.
async fn answer_with(bytes: &'static [u8]) -> TlsObservation {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let to = listener.local_addr().unwrap();
    let server = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut hello = [0; 4096];
        tokio::io::AsyncReadExt::read(&mut stream, &mut hello).await.unwrap();
        stream.write_all(bytes).await.unwrap();
    };
    let client = TlsClient::new(&[]).unwrap();
    let probe = async {
        let (stream, _) = connect(to, TIMEOUT).await.unwrap();
        client.handshake(stream, "a.example", TIMEOUT).await.0
    };
    let (observation, ()) = tokio::join!(probe, server);
    observation
}

#[tokio::test]
async fn a_server_that_speaks_something_else_is_not_tls() {
    for bytes in [&b"HTTP/1.1 400 Bad Request\r\n\r\n"[..], b"SSH-2.0-OpenSSH_9.2\r\n", b"220 mail ESMTP\r\n"]
    {
        let failure = answer_with(bytes).await.failure.unwrap();
        assert_eq!((failure.step, failure.code), (Step::Tls, Code::NotTls), "{}", failure.text);
    }
}

#[tokio::test]
async fn an_alert_keeps_its_name() {
    // A fatal handshake_failure in a TLS 1.2 record (RFC 5246 §7.2).
    let failure = answer_with(&[21, 3, 3, 0, 2, 2, 40]).await.failure.unwrap();
    assert_eq!(failure.code, Code::TlsAlert);
    assert_eq!(failure.text, "the server sent the alert handshake_failure (40)");
}

#[tokio::test]
async fn a_close_and_silence_are_told_apart() {
    assert_eq!(answer_with(b"").await.failure.unwrap().code, Code::Closed);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (stream, _) = connect(listener.local_addr().unwrap(), TIMEOUT).await.unwrap();
    let client = TlsClient::new(&[]).unwrap();
    let (observation, stream) = client.handshake(stream, "a.example", Duration::from_millis(50)).await;
    assert!(stream.is_none());
    assert_eq!(observation.failure.unwrap().code, Code::Timeout);
    assert_eq!((observation.path, observation.name), (None, None));
}

#[test]
fn a_file_without_a_certificate_and_a_missing_one_are_errors_that_name_it() {
    let empty = PemFile::new("empty", "nothing here\n");
    let error = TlsClient::new(&[TrustAnchor::Pem(empty.0.clone())]).unwrap_err().to_string();
    assert!(error.starts_with(&format!("no certificate in {}", empty.0.display())), "{error}");
    let error = TlsClient::new(&[TrustAnchor::Pem("/nonexistent/ca.pem".into())]).unwrap_err().to_string();
    assert!(
        error.starts_with("cannot read the trust anchors in /nonexistent/ca.pem: No such file"),
        "{error}"
    );
}

#[test]
fn an_anchor_given_twice_counts_once() {
    let file = PemFile::new("twice", &root("Root").pem().repeat(2));
    let anchors = [TrustAnchor::Pem(file.0.clone()), TrustAnchor::Pem(file.0.clone())];
    assert_eq!(TlsClient::new(&anchors).unwrap().certificates().len(), 1);
}
