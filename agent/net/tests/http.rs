//! HTTP exchanges with servers on loopback, some of which behave oddly.
#![allow(clippy::unwrap_used)]

mod tls_server;

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use closedpath_core::failure::{Code, Step};
use closedpath_core::observation::FetchObservation;
use closedpath_net::{FetchLimits, FetchRequest, Method, TlsClient, fetch};
use tls_server::{Settings, TlsServer, leaf, root};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const LOCAL: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const LIMITS: FetchLimits = FetchLimits { timeout: Duration::from_secs(5), max_body: 1000 };

/// One exchange with a server that reads the request head and then does `then`; gives the request as well.
async fn exchange<F: Future<Output = ()>>(
    path: &str,
    limits: FetchLimits,
    then: impl FnOnce(TcpStream) -> F,
) -> (FetchObservation, String, u16) {
    ask(FetchRequest::get(path), limits, then).await
}

/// The same with any request, whose URL is only a path; a body of the length that its head says is read too.
async fn ask<F: Future<Output = ()>>(
    mut asked: FetchRequest,
    limits: FetchLimits,
    then: impl FnOnce(TcpStream) -> F,
) -> (FetchObservation, String, u16) {
    let listener = TcpListener::bind((LOCAL, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let serve = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\n") {
            request.push(stream.read_u8().await.unwrap());
        }
        let head = String::from_utf8(request.clone()).unwrap();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        for _ in 0..length.map_or(0, |length| length.parse().unwrap()) {
            request.push(stream.read_u8().await.unwrap());
        }
        then(stream).await;
        String::from_utf8(request).unwrap()
    };
    asked.url = format!("http://crl.example:{port}{}", asked.url);
    let (observation, request) = tokio::join!(fetch(&asked, LOCAL, limits, None), serve);
    (observation, request, port)
}

async fn answered(response: &'static str) -> FetchObservation {
    let serve = |mut stream: TcpStream| async move { stream.write_all(response.as_bytes()).await.unwrap() };
    exchange("/", LIMITS, serve).await.0
}

#[tokio::test]
async fn the_request_carries_the_host_of_the_url_and_says_who_asks() {
    let serve = |mut stream: TcpStream| async move {
        stream
            .write_all(
                b"HTTP/1.1 200 OK\r\nContent-Type: application/pkix-crl\r\nContent-Length: 3\r\n\r\nabc",
            )
            .await
            .unwrap();
    };
    let (observation, request, port) = exchange("/a/b.crl?x=1#part", LIMITS, serve).await;
    assert!(request.starts_with("GET /a/b.crl?x=1 HTTP/1.1\r\n"), "{request}");
    assert!(request.contains(&format!("\r\nhost: crl.example:{port}\r\n")), "{request}");
    for absent in ["accept-encoding", "content-length", "if-none-match", "if-modified-since"] {
        assert!(!request.contains(absent), "{request}");
    }
    assert!(request.contains(concat!("\r\nuser-agent: closedpath/", env!("CARGO_PKG_VERSION"), "\r\n")));
    assert_eq!((observation.status, observation.failure), (Some(200), None));
    assert_eq!(observation.content_type.as_deref(), Some("application/pkix-crl"));
    assert_eq!(observation.body, b"abc");
}

#[tokio::test]
async fn an_ocsp_request_is_posted_with_its_type_and_length() {
    let method =
        Method::Post { content_type: "application/ocsp-request", body: b"0\x03\x02\x01\x05".to_vec() };
    let post = FetchRequest { method, ..FetchRequest::get("/ocsp") };
    let serve = |mut stream: TcpStream| async move {
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await.unwrap();
    };
    let (observation, request, _) = ask(post, LIMITS, serve).await;
    assert!(request.starts_with("POST /ocsp HTTP/1.1\r\n"), "{request}");
    assert!(request.contains("\r\ncontent-type: application/ocsp-request\r\n"), "{request}");
    assert!(request.contains("\r\ncontent-length: 5\r\n"), "{request}");
    assert!(request.ends_with("\r\n\r\n0\x03\x02\x01\x05"), "{request}");
    assert_eq!((observation.body.as_slice(), observation.failure), (&b"ok"[..], None));
}

#[tokio::test]
async fn validators_are_sent_and_a_304_is_told() {
    let etag = Some("W/\"5f-2\"".to_owned());
    let last_modified = Some("Mon, 23 Nov 2026 10:00:00 GMT".to_owned());
    let conditional = FetchRequest { etag, last_modified, ..FetchRequest::get("/a.crl") };
    let serve = |mut stream: TcpStream| async move {
        stream.write_all(b"HTTP/1.1 304 Not Modified\r\nETag: W/\"5f-2\"\r\n\r\n").await.unwrap();
    };
    let (observation, request, _) = ask(conditional, LIMITS, serve).await;
    assert!(request.contains("\r\nif-none-match: W/\"5f-2\"\r\n"), "{request}");
    assert!(request.contains("\r\nif-modified-since: Mon, 23 Nov 2026 10:00:00 GMT\r\n"), "{request}");
    assert_eq!((observation.status, observation.failure), (Some(304), None));
    assert_eq!(observation.etag.as_deref(), Some("W/\"5f-2\""));
}

#[tokio::test]
async fn a_validator_that_could_not_be_sent_does_not_reach_the_wire() {
    let split =
        FetchRequest { etag: Some("\"a\"\r\nX: y".to_owned()), ..FetchRequest::get("http://a.example/") };
    let failure = fetch(&split, LOCAL, LIMITS, None).await.failure.unwrap();
    assert_eq!((failure.step, failure.code), (Step::Http, Code::Other));
}

#[tokio::test]
async fn validators_are_kept_when_printable_and_short() {
    let head = |etag: &str| format!("HTTP/1.1 200 OK\r\nETag: {etag}\r\nContent-Length: 0\r\n");
    let longest = format!("\"{}\"", "e".repeat(254));
    for (etag, kept) in [
        ("\"a\"", true),
        (&longest, true),
        (&format!("\"{}\"", "e".repeat(255)), false),
        ("\"é\"", false),
        ("", false),
    ] {
        let response = head(etag) + "Last-Modified: Mon, 23 Nov 2026 10:00:00 GMT\r\n\r\n";
        let serve =
            |mut stream: TcpStream| async move { stream.write_all(response.as_bytes()).await.unwrap() };
        let (observation, ..) = exchange("/", LIMITS, serve).await;
        assert_eq!(observation.etag.as_deref(), kept.then_some(etag), "{etag}");
        assert_eq!(observation.last_modified.as_deref(), Some("Mon, 23 Nov 2026 10:00:00 GMT"));
    }
}

#[tokio::test]
async fn a_compressed_body_is_refused_in_words_and_identity_is_none() {
    let refused = answered("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc").await;
    let failure = refused.failure.unwrap();
    assert_eq!((failure.step, failure.code), (Step::Http, Code::Protocol));
    assert_eq!(failure.text, "the body has the Content-Encoding \"gzip\", which was not asked for");
    assert_eq!((refused.status, refused.body.len()), (Some(200), 0));
    let second =
        "HTTP/1.1 200 OK\r\nContent-Encoding: identity\r\nContent-Encoding: br\r\nContent-Length: 0\r\n\r\n";
    assert_eq!(answered(second).await.failure.unwrap().code, Code::Protocol);
    let plain =
        answered("HTTP/1.1 200 OK\r\nContent-Encoding: Identity\r\nContent-Length: 3\r\n\r\nabc").await;
    assert_eq!((plain.body.as_slice(), plain.failure), (&b"abc"[..], None));
    let moved = "HTTP/1.1 301 Moved\r\nLocation: /b\r\nContent-Encoding: gzip\r\nContent-Length: 0\r\n\r\n";
    assert_eq!(answered(moved).await.failure, None);
}

#[tokio::test]
async fn a_large_body_takes_at_most_a_fifth_more_than_its_size() {
    const SIZE: usize = 24_500_000;
    const LARGE: FetchLimits = FetchLimits { timeout: Duration::from_secs(5), max_body: 32 * 1024 * 1024 };
    for head in [format!("Content-Length: {SIZE}"), "Connection: close".to_owned()] {
        let head = format!("HTTP/1.1 200 OK\r\n{head}\r\n\r\n");
        let serve = |mut stream: TcpStream| async move {
            stream.write_all(head.as_bytes()).await.unwrap();
            stream.write_all(&vec![b'x'; SIZE]).await.unwrap();
        };
        let (observation, ..) = exchange("/", LARGE, serve).await;
        assert_eq!((observation.failure, observation.body.len()), (None, SIZE));
        assert!(observation.body.capacity() <= SIZE / 10 * 12, "{}", observation.body.capacity());
    }
}

#[tokio::test]
async fn no_room_is_made_for_a_length_that_is_only_claimed() {
    let limits = FetchLimits { max_body: 32 * 1024 * 1024, ..LIMITS };
    let serve = |mut stream: TcpStream| async move {
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 30000000\r\n\r\nabc").await.unwrap();
    };
    let (observation, ..) = exchange("/", limits, serve).await;
    assert_eq!(observation.failure.unwrap().code, Code::Closed);
    assert_eq!(observation.body, b"abc");
    assert!(observation.body.capacity() <= 256 * 1024, "{}", observation.body.capacity());
}

#[tokio::test]
async fn a_redirect_is_told_and_not_followed() {
    let observation =
        answered("HTTP/1.1 301 Moved\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n").await;
    assert_eq!((observation.status, observation.failure), (Some(301), None));
    assert_eq!(observation.location.as_deref(), Some("/elsewhere"));
}

#[tokio::test]
async fn a_body_that_ends_with_the_connection_is_complete() {
    let observation = answered("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nwhole").await;
    assert_eq!((observation.body.as_slice(), observation.failure), (&b"whole"[..], None));
}

#[tokio::test]
async fn a_body_above_the_bound_is_cut_and_said_to_be_too_large() {
    let serve = |mut stream: TcpStream| async move {
        let head = b"HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n";
        stream.write_all(&[&head[..], &[b'x'; 1001]].concat()).await.unwrap();
    };
    let (observation, ..) = exchange("/", LIMITS, serve).await;
    let failure = observation.failure.unwrap();
    assert_eq!((failure.step, failure.code), (Step::Http, Code::TooLarge));
    assert_eq!(observation.body.len(), 1000);
}

#[tokio::test]
async fn a_body_cut_short_is_a_close_and_keeps_what_came() {
    let observation = answered("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc").await;
    assert_eq!(observation.failure.unwrap().code, Code::Closed);
    assert_eq!(observation.body, b"abc");
}

#[tokio::test]
async fn garbage_and_endless_headers_break_the_protocol() {
    assert_eq!(answered("220 mail ESMTP\r\n\r\n").await.failure.unwrap().code, Code::Protocol);
    let serve = |mut stream: TcpStream| async move {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n").await;
        while stream.write_all(b"X-Filler: 0123456789012345678901234567890123456789\r\n").await.is_ok() {}
    };
    let (observation, ..) = exchange("/", LIMITS, serve).await;
    assert_eq!(observation.failure.unwrap().code, Code::Protocol);
}

#[tokio::test]
async fn silence_and_a_dripping_body_end_in_time() {
    let limits = FetchLimits { timeout: Duration::from_millis(100), ..LIMITS };
    let wait = |mut stream: TcpStream| async move { drop(stream.read(&mut [0; 1]).await) };
    let (observation, ..) = exchange("/", limits, wait).await;
    let failure = observation.failure.unwrap();
    assert_eq!((failure.code, failure.text.as_str()), (Code::Timeout, "no response within 0.1 s"));
    let stall = |mut stream: TcpStream| async move {
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc").await.unwrap();
        drop(stream.read(&mut [0; 1]).await);
    };
    let (observation, ..) = exchange("/", limits, stall).await;
    assert_eq!(observation.failure.unwrap().code, Code::Timeout);
    assert_eq!(observation.status, Some(200));
}

#[tokio::test]
async fn https_speaks_http_1_1_whatever_else_the_server_can() {
    let settings =
        Settings { reply: b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok".to_vec(), ..Settings::default() };
    let server = TlsServer::start(leaf(&["a.example"], (2001, 2002), &root("Root"), &[]), settings).await;
    let client = TlsClient::new(&[]).unwrap();
    let url = format!("https://a.example:{}/", server.address.port());
    let observation = fetch(&FetchRequest::get(&url), LOCAL, LIMITS, Some(&client)).await;
    assert_eq!((observation.status, observation.failure), (Some(200), None));
    assert_eq!(observation.body, b"ok");
    let failure = fetch(&FetchRequest::get(&url), LOCAL, LIMITS, None).await.failure.unwrap();
    assert_eq!((failure.step, failure.code), (Step::Http, Code::Other));
}

#[tokio::test]
async fn other_schemes_and_nonsense_are_not_dialled() {
    for url in ["ldap://crl.example/x", "file:///etc/passwd", "nonsense", "http://"] {
        let failure = fetch(&FetchRequest::get(url), LOCAL, LIMITS, None).await.failure.unwrap();
        assert_eq!((failure.step, failure.code), (Step::Http, Code::Other), "{url}");
    }
}

#[tokio::test]
async fn a_closed_port_fails_at_the_connect() {
    let port = TcpListener::bind((LOCAL, 0)).await.unwrap().local_addr().unwrap().port();
    let failure = fetch(&FetchRequest::get(format!("http://a.example:{port}/")), LOCAL, LIMITS, None)
        .await
        .failure
        .unwrap();
    assert_eq!((failure.step, failure.code), (Step::Connect, Code::Refused));
}
