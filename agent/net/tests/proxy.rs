//! Connections through a proxy that speaks TLS itself: small servers on loopback, and squid in a namespace of its own.
#![allow(clippy::unwrap_used)]

mod netns;
mod tls_server;

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use closedpath_core::config::TrustAnchor;
use closedpath_core::failure::{Code, Failure, Step};
use closedpath_net::{
    FetchLimits, FetchRequest, ForwardProxy, TlsClient, connect_through, fetch_through, http_ping_through,
};
use netns::Namespaces;
use tls_server::{Authority, Identity, Settings, TlsServer, intermediate, leaf, root};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const TIMEOUT: Duration = Duration::from_secs(5);
const LIMITS: FetchLimits = FetchLimits { timeout: TIMEOUT, max_body: 1024 };
const YEARS: (i32, i32) = (2001, 2090);

/// A folder that goes away with the test.
struct Folder(PathBuf);

impl Folder {
    fn new(test: &str) -> Self {
        let path = std::env::temp_dir().join(format!("closedpath-proxy-{}-{test}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.join(name);
        std::fs::write(&path, text).unwrap();
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).unwrap();
    }
}

fn client(folder: &Folder, anchor: &Authority) -> TlsClient {
    TlsClient::new(&[TrustAnchor::Pem(folder.write("anchor.pem", &anchor.pem()))]).unwrap()
}

/// What comes of asking a TLS proxy with this identity, which grants everything.
async fn asked(test: &str, identity: Identity, anchor: &Authority, name: &str) -> Result<(), Failure> {
    let folder = Folder::new(test);
    let client = client(&folder, anchor);
    let settings = Settings { reply: b"HTTP/1.1 200 go\r\n\r\n".to_vec(), ..Settings::default() };
    let server = TlsServer::start(identity, settings).await;
    let proxy = ForwardProxy { at: server.address, tls: Some((name, &client)), credentials: None };
    connect_through(proxy, "a.example", 443, TIMEOUT).await.map(|_| ())
}

#[tokio::test]
async fn a_tls_proxy_that_proves_its_name_is_asked() {
    let root = root("Root");
    let issuing = intermediate("Issuing", &root);
    let identity = leaf(&["proxy.example"], YEARS, &issuing, &[&issuing]);
    asked("good", identity, &root, "proxy.example").await.unwrap();
}

#[tokio::test]
async fn a_tls_proxy_that_does_not_is_asked_nothing_and_it_is_the_proxys_failure() {
    let (ours, other) = (root("Ours"), root("Other"));
    for (identity, test, why) in [
        (leaf(&["b.example"], YEARS, &ours, &[]), "name", "its certificate is for b.example"),
        (leaf(&["proxy.example"], YEARS, &other, &[]), "issuer", "leads to none of agent.trust_anchors"),
        (leaf(&["proxy.example"], (2001, 2002), &ours, &[]), "old", "has expired or is not valid yet"),
    ] {
        let failure = asked(test, identity, &ours, "proxy.example").await.unwrap_err();
        assert_eq!((failure.step, failure.code), (Step::ProxyConnect, Code::Other), "{test}");
        assert!(
            failure.text.starts_with("the proxy does not prove to be proxy.example: "),
            "{}",
            failure.text
        );
        assert!(failure.text.ends_with(why), "{}", failure.text);
    }
}

#[tokio::test]
async fn a_proxy_that_speaks_no_tls_fails_at_the_proxy() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    let folder = Folder::new("plain");
    let client = client(&folder, &root("Root"));
    let serve = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
        stream
    };
    let proxy = ForwardProxy { at, tls: Some(("proxy.example", &client)), credentials: None };
    let (outcome, _) = tokio::join!(connect_through(proxy, "a.example", 443, TIMEOUT), serve);
    let failure = outcome.unwrap_err();
    assert_eq!((failure.step, failure.code), (Step::ProxyConnect, Code::NotTls));
}

/// A squid that demands a user, on 3128 and with TLS on 3129, until dropped.
struct Squid(Child, Option<std::thread::JoinHandle<()>>);

impl Squid {
    /// Has to be called in the namespace that it is to be in.
    fn start(folder: &Folder, identity: &Identity) -> Self {
        // squid gives up root before it reads them.
        let mut chain = String::new();
        for der in &identity.chain {
            chain += &pem("CERTIFICATE", der);
        }
        let chain = folder.write("squid.pem", &chain);
        let key = folder.write("squid.key", &pem("PRIVATE KEY", identity.key.secret_der()));
        let config = folder.write(
            "squid.conf",
            &format!(
                "http_port 127.0.0.1:3128\nhttps_port 127.0.0.1:3129 tls-cert={} tls-key={}\n\
                 auth_param basic program /usr/lib/squid/basic_fake_auth\nauth_param basic children 1 startup=1\n\
                 acl known proxy_auth joe\nacl forbidden dstdomain -n denied.example\nacl web dst 127.0.0.2\n\
                 http_access deny !known\nhttp_access deny forbidden\nhttp_access deny CONNECT web\nhttp_access allow all\n\
                 access_log none\ncache_log /dev/null\npid_filename none\ncache deny all\nnetdb_filename none\n\
                 pinger_enable off\ndebug_options ALL,1 5,5\nshutdown_lifetime 0 seconds\nvisible_hostname proxy.example\n",
                chain.display(),
                key.display()
            ),
        );
        let mut child = Command::new("squid")
            // Its shared memory is named so: two of them do not meet.
            .args(["-n", &format!("closedpath{}", std::process::id()), "-N", "-d", "5", "-f"])
            .arg(config)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("squid: {error}; run tests/install"));
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let (mut said, mut listening) = (String::new(), Vec::new());
        let ready = lines.by_ref().map_while(Result::ok).any(|line| {
            said += &line;
            // It says "accepting" before it listens; then it selects what it listens on.
            let number = |words: &str| {
                let after = line.split_once(words)?.1;
                after.split(|c: char| !c.is_ascii_digit()).next().map(str::to_owned)
            };
            if line.contains("| Accepting HTTP") {
                listening.push((number(" FD ").unwrap(), false));
            } else if line.contains(", type=1, handler=1") {
                let selected = number("SetSelect: FD ");
                listening.iter_mut().for_each(|(fd, ready)| *ready |= selected.as_ref() == Some(fd));
            }
            listening.len() == 2 && listening.iter().all(|(_, ready)| *ready)
        });
        assert!(ready, "{said}");
        // What it says later has nobody to read it, and must not block it.
        let reader = std::thread::Builder::new().spawn(move || lines.for_each(drop)).unwrap();
        Self(child, Some(reader))
    }
}

impl Drop for Squid {
    fn drop(&mut self) {
        // Not SIGKILL: it has shared memory to remove.
        let pid = rustix::process::Pid::from_child(&self.0);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        self.0.wait().unwrap();
        self.1.take().into_iter().for_each(|reader| reader.join().unwrap());
    }
}

fn pem(label: &str, der: &[u8]) -> String {
    use base64::Engine;
    let text = base64::engine::general_purpose::STANDARD.encode(der);
    let lines: Vec<&str> =
        text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}

#[test]
fn squid_connects_by_tls_for_a_user_it_knows_and_the_targets_handshake_is_inside() {
    let spaces = Namespaces::new("squid", &["site"]);
    let folder = Folder::new("squid");
    spaces.within("site", || {
        let root = root("Root");
        let squid = Squid::start(&folder, &leaf(&["proxy.example"], YEARS, &root, &[]));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(through_squid(&folder, &root));
        drop(squid);
    });
}

async fn through_squid(folder: &Folder, root: &Authority) {
    let client = client(folder, root);
    let joe = ("joe".to_owned(), "p@ss:w".to_owned());
    let at = |port: u16| SocketAddr::from(([127, 0, 0, 1], port));
    let target = TlsServer::start(
        leaf(&["127.0.0.1"], YEARS, root, &[]),
        Settings { reply: b"inside".to_vec(), ..Settings::default() },
    )
    .await;
    let port = target.address.port();
    let plain = ForwardProxy { at: at(3128), tls: None, credentials: Some(&joe) };
    let tls = ForwardProxy { at: at(3129), tls: Some(("proxy.example", &client)), ..plain };
    for proxy in [plain, tls] {
        let (stream, made) = connect_through(proxy, "127.0.0.1", port, TIMEOUT).await.unwrap();
        assert_eq!(stream.tcp().peer_addr().unwrap(), proxy.at);
        assert_eq!(made.local, Some(stream.tcp().local_addr().unwrap()));
        let (handshake, stream) = client.handshake(stream, "127.0.0.1", TIMEOUT).await;
        assert_eq!((handshake.failure, handshake.version.as_deref()), (None, Some("TLSv1.3")));
        let mut stream = stream.unwrap();
        stream.write_all(b"hello").await.unwrap();
        stream.flush().await.unwrap();
        let mut said = [0; 6];
        stream.read_exact(&mut said).await.unwrap();
        assert_eq!(&said, b"inside");

        let unknown = ForwardProxy { credentials: None, ..proxy };
        let failure = connect_through(unknown, "127.0.0.1", port, TIMEOUT).await.unwrap_err();
        assert_eq!((failure.step, failure.code), (Step::ProxyConnect, Code::ProxyAuthentication));
        let failure = connect_through(proxy, "denied.example", 443, TIMEOUT).await.unwrap_err();
        assert_eq!((failure.step, failure.code), (Step::ProxyConnect, Code::ProxyDenied));
        // Port 1 of loopback is closed.
        let failure = connect_through(proxy, "127.0.0.1", 1, TIMEOUT).await.unwrap_err();
        assert_eq!((failure.step, failure.code), (Step::ProxyConnect, Code::ProxyUpstream));
    }
    for proxy in [plain, tls] {
        relayed_by_squid(proxy, &client).await;
    }
    let elsewhere = ForwardProxy { tls: Some(("other.example", &client)), ..tls };
    let failure = connect_through(elsewhere, "127.0.0.1", port, TIMEOUT).await.unwrap_err();
    assert_eq!((failure.step, failure.code), (Step::ProxyConnect, Code::Other));
}

/// An http server where this squid allows no CONNECT, as many proxies do beside port 443.
async fn relayed_by_squid(proxy: ForwardProxy<'_>, client: &TlsClient) {
    let server = TcpListener::bind(("127.0.0.2", 0)).await.unwrap();
    let port = server.local_addr().unwrap().port();
    let denied = connect_through(proxy, "127.0.0.2", port, TIMEOUT).await.unwrap_err();
    assert_eq!(denied.code, Code::ProxyDenied);
    let url = format!("http://127.0.0.2:{port}/a.crl?b=c");
    let (request, answer) = (FetchRequest::get(&url), "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nCRL");
    let (seen, asked) =
        tokio::join!(Box::pin(fetch_through(&request, proxy, LIMITS, client)), answer_once(&server, answer));
    assert_eq!((seen.failure, seen.status, seen.body.as_slice()), (None, Some(200), &b"CRL"[..]));
    assert!(asked.starts_with("GET /a.crl?b=c HTTP/1.1\r\n"), "{asked}");
    assert!(
        !asked.to_lowercase().contains("proxy-authorization"),
        "credentials are for the proxy alone: {asked}"
    );
    let missing = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n";
    let (made, _) = tokio::join!(
        Box::pin(http_ping_through(proxy, "127.0.0.2", port, TIMEOUT)),
        answer_once(&server, missing)
    );
    assert_eq!(made.unwrap().local.unwrap().ip(), proxy.at.ip(), "whatever it says, it is there");
    drop(server);
    let closed = http_ping_through(proxy, "127.0.0.2", port, TIMEOUT).await.unwrap_err();
    assert_eq!((closed.step, closed.code), (Step::ProxyConnect, Code::ProxyUpstream));
    let unknown = ForwardProxy { credentials: None, ..proxy };
    let seen = fetch_through(&request, unknown, LIMITS, client).await;
    assert_eq!(seen.failure.unwrap().code, Code::ProxyAuthentication);
    let seen = fetch_through(&FetchRequest::get("http://denied.example/"), proxy, LIMITS, client).await;
    assert_eq!(seen.failure.unwrap().code, Code::ProxyDenied);
}

/// Gives the next connection this answer; the head of what was asked.
async fn answer_once(server: &TcpListener, answer: &str) -> String {
    let (mut stream, _) = server.accept().await.unwrap();
    let head = read_head(&mut stream).await;
    stream.write_all(answer.as_bytes()).await.unwrap();
    head
}

async fn read_head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    String::from_utf8(head).unwrap()
}

#[tokio::test]
async fn a_proxy_that_relays_nothing_is_asked_for_a_connection_to_an_http_server() {
    for refusal in ["HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 0\r\n\r\n", ""] {
        let proxy = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let at = proxy.local_addr().unwrap();
        let serve = async {
            assert!(answer_once(&proxy, refusal).await.starts_with("GET http://a.example/ HTTP/1.1\r\n"));
            let (mut stream, _) = proxy.accept().await.unwrap();
            assert!(read_head(&mut stream).await.starts_with("CONNECT a.example:80 HTTP/1.1\r\n"));
            stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
            assert!(read_head(&mut stream).await.starts_with("GET / HTTP/1.1\r\n"));
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi").await.unwrap();
        };
        let proxy = ForwardProxy { at, tls: None, credentials: None };
        let (made, ()) = tokio::join!(Box::pin(http_ping_through(proxy, "a.example", 80, TIMEOUT)), serve);
        made.unwrap();
    }
}
