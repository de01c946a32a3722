//! Downloads from TLS servers on loopback: only one that proves its name is asked at all.
#![allow(clippy::unwrap_used)]

mod tls_server;

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use closedpath_core::config::TrustAnchor;
use closedpath_core::failure::Step;
use closedpath_core::observation::FetchObservation;
use closedpath_net::{FetchLimits, FetchRequest, Peer, TlsClient, download};
use tls_server::{Identity, Settings, TlsServer, intermediate, leaf, root};

const LOCAL: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const LIMITS: FetchLimits = FetchLimits { timeout: Duration::from_secs(5), max_body: 1000 };

/// What `https://a.example/` at a server with this identity gives a client that trusts `anchor`.
async fn got(identity: Identity, anchor: &tls_server::Authority, test: &str) -> FetchObservation {
    let file = std::env::temp_dir().join(format!("closedpath-download-{}-{test}.pem", std::process::id()));
    std::fs::write(&file, anchor.pem()).unwrap();
    let client = TlsClient::new(&[TrustAnchor::Pem(file.clone())]).unwrap();
    std::fs::remove_file(&file).unwrap();
    let settings =
        Settings { reply: b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok".to_vec(), ..Settings::default() };
    let server = TlsServer::start(identity, settings).await;
    let url = format!("https://a.example:{}/", server.address.port());
    download(&FetchRequest::get(&url), Peer::Server(LOCAL), LIMITS, &client).await
}

#[tokio::test]
async fn a_server_that_proves_its_name_is_asked() {
    let root = root("Root");
    let issuing = intermediate("Issuing", &root);
    let seen = got(leaf(&["a.example"], (2001, 2090), &issuing, &[&issuing]), &root, "good").await;
    assert_eq!((seen.status, seen.failure), (Some(200), None));
    assert_eq!(seen.body, b"ok");
}

#[tokio::test]
async fn another_name_another_issuer_and_an_old_certificate_are_refused_before_anything_is_asked() {
    let (ours, other) = (root("Ours"), root("Other"));
    for (identity, test, why) in [
        (leaf(&["b.example"], (2001, 2090), &ours, &[]), "name", "its certificate is for b.example"),
        (leaf(&["a.example"], (2001, 2090), &other, &[]), "issuer", "leads to none of agent.trust_anchors"),
        (leaf(&["a.example"], (2001, 2002), &ours, &[]), "old", "has expired or is not valid yet"),
        (leaf(&["a.example"], (2089, 2090), &ours, &[]), "early", "has expired or is not valid yet"),
    ] {
        let seen = got(identity, &ours, test).await;
        let failure = seen.failure.unwrap();
        assert_eq!((failure.step, seen.status, seen.body.len()), (Step::Tls, None, 0), "{test}");
        assert!(failure.text.starts_with("the server does not prove to be a.example: "), "{}", failure.text);
        assert!(failure.text.ends_with(why), "{}", failure.text);
    }
}
