//! Updates from servers on loopback: what is taken, what is refused, and what is left as it was.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use closedpath_core::config::parse;
use closedpath_core::tables::Tables;

use super::{Client, ForwardProxy, Job, Kind, Store, Url, Vendors};
use crate::commands::runtime;

const TAGS: &str = r#"{"changeNumber": 400, "cloud": "Public", "values": [
  {"name": "AzureCloud", "properties": {"addressPrefixes": ["203.0.113.0/24"]}}]}"#;
const M365: &str = r#"[{"id": 1, "serviceArea": "Exchange", "urls": ["a.example"], "expressRoute": true}]"#;

/// A server that answers by path, and writes down what it was asked for. A `CONNECT` is answered and then taken for itself.
struct Server {
    port: u16,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Server {
    fn start(pages: impl Fn(u16) -> Vec<(&'static str, String)>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let pages: BTreeMap<&str, String> = pages(port).into_iter().collect();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let log = asked.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let _ = answer(stream, &pages, &log);
            }
        });
        Self { port, asked }
    }

    fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().expect("nothing panics with it").clone()
    }
}

fn answer(
    stream: TcpStream,
    pages: &BTreeMap<&str, String>,
    log: &Mutex<Vec<String>>,
) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut stream = stream;
    loop {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if reader.read_line(&mut head)? == 0 {
                return Ok(());
            }
        }
        let line = head.lines().next().unwrap_or_default();
        let mut words = line.split(' ');
        let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        log.lock().expect("nothing panics with it").push(format!("{method} {target}"));
        if method == "CONNECT" {
            stream.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")?;
            continue;
        }
        // In absolute form, a proxy is asked (RFC 9112 §3.2.2).
        let relayed = target.strip_prefix("http://mirror.invalid").unwrap_or(target);
        let path = relayed.split('?').next().unwrap_or_default();
        let empty = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n".to_owned();
        stream.write_all(pages.get(path).unwrap_or(&empty).as_bytes())?;
    }
}

fn page(body: &str) -> String {
    dated(body, "X-Nothing: 1")
}

fn dated(body: &str, header: &str) -> String {
    format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n{header}\r\n\r\n{body}", body.len())
}

fn moved(to: &str) -> String {
    format!("HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n")
}

struct Folder(PathBuf);

impl Folder {
    fn make(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("closedpath-update-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a folder");
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// What an update says, and the store it worked on.
fn updated<T>(
    folder: &Folder,
    vendors: Vendors,
    named: bool,
    proxy: Option<u16>,
    work: impl AsyncFnOnce(&Job<'_>) -> T,
) -> (T, Store) {
    let text = format!("[agent]\nstate_dir = \"{}\"\ntrust_anchors = []\n", folder.0.display());
    let plan = parse("t.toml", &text.replace("trust_anchors = []\n", ""), &[]).expect("it is right");
    let tables = Tables::builtin().expect("the built-in tables parse");
    let proxy =
        proxy.map(|port| ForwardProxy { host: "127.0.0.1".into(), port, tls: false, credentials: None });
    let store = Store::of(&plan.agent.state_dir);
    let said = runtime().expect("a runtime").block_on(async {
        let named = named.then(|| "127.0.0.1".to_owned());
        let client = Client::new(&plan, proxy, named).expect("a client");
        let (plan, tables, store) = (&plan, &tables, store.clone());
        work(&Job { client, plan, tables, store, vendors, dry_run: false }).await
    });
    (said, store)
}

fn vendors(server: &Server) -> Vendors {
    Vendors { service_tags: server.url("/page"), m365: server.url("/"), asn: server.url("/asn.tsv.gz") }
}

#[test]
fn the_file_that_the_page_names_is_taken_and_the_one_before_is_kept() {
    let server = Server::start(|port| {
        let to = |date| format!("http://127.0.0.1:{port}/f/ServiceTags_Public_{date}.json");
        let link = format!("<a href=\"{}\">", to("20991231"));
        vec![("/page", page(&link)), ("/f/ServiceTags_Public_20991231.json", page(TAGS))]
    });
    let folder = Folder::make("tags");
    let update = async |job: &Job<'_>| job.vendor(Kind::ServiceTags).await.expect("it is taken");
    let (said, store) = updated(&folder, vendors(&server), true, None, update);
    assert_eq!(
        said,
        "Azure service tags (Public) 400 of 2099-12-31: 1 tags, 1 prefixes; in force from the next check on"
    );
    assert_eq!(
        store.head(Kind::ServiceTags).map(|head| head.name).as_deref(),
        Some("ServiceTags_Public_20991231.json")
    );
    assert!(!store.previous(Kind::ServiceTags).exists());
    updated(&folder, vendors(&server), true, None, update);
    assert!(store.previous(Kind::ServiceTags).exists());
}

#[test]
fn the_web_service_is_asked_for_its_version_first_and_not_again_within_the_hour() {
    let server = Server::start(|_| {
        let version = r#"{"instance": "Worldwide", "latest": "2099010100"}"#;
        vec![("/version/Worldwide", page(version)), ("/endpoints/Worldwide", page(M365))]
    });
    let folder = Folder::make("m365");
    let update = async |job: &Job<'_>| job.vendor(Kind::M365).await.expect("it is taken");
    let (said, store) = updated(&folder, vendors(&server), true, None, update);
    // Its words on the changes are not to be had here: the tables are compared.
    assert!(
        said.starts_with(
            "Microsoft 365 endpoints 2099010100 of 2099-01-01: 1 endpoint sets; in force from the next check on\n\
             changes since 2024073100: sets: 0 added, 67 removed, 1 changed\n"
        ),
        "{said}"
    );
    let client = store.asked().expect("it is remembered").client;
    let expected = ["version/Worldwide", "endpoints/Worldwide", "changes/Worldwide/2024073100"]
        .map(|what| format!("GET /{what}?clientrequestid={client}"));
    assert_eq!(server.asked(), expected);
    let (said, _) = updated(&folder, vendors(&server), true, None, update);
    assert!(said.starts_with("not asked: the web service wants one question an hour; again in "), "{said}");
    assert_eq!(server.asked(), expected);
}

#[test]
fn the_web_services_words_on_the_changes_are_told() {
    let server = Server::start(|_| {
        let version = r#"{"instance": "Worldwide", "latest": "2099010100"}"#;
        let changes = include_str!("../../../../../tests/data/m365_changes.json");
        vec![
            ("/version/Worldwide", page(version)),
            ("/endpoints/Worldwide", page(M365)),
            ("/changes/Worldwide/2024073100", page(changes)),
        ]
    });
    let folder = Folder::make("changes");
    let update = async |job: &Job<'_>| job.vendor(Kind::M365).await.expect("it is taken");
    let (said, _) = updated(&folder, vendors(&server), true, None, update);
    assert!(
        said.contains(
            "\nchanges since 2024073100, in the web service's words: 0 sets added, 2 changed, 0 removed\n  set  32  "
        ),
        "{said}"
    );
    assert!(!said.contains("67 removed"), "{said}");
}

#[test]
fn what_is_broken_undated_old_or_a_web_page_changes_nothing() {
    let server = Server::start(|_| {
        vec![
            ("/ServiceTags_Public_20991231.json", page(&TAGS[..100])),
            ("/ServiceTags_Public_20990101.json", page("<html>please sign in</html>")),
            ("/ServiceTags_Public_20200101.json", page(TAGS)),
            ("/tags.json", page(TAGS)),
            ("/dated.json", dated(TAGS, "Last-Modified: Fri, 01 Jan 2021 00:00:00 GMT")),
        ]
    });
    let folder = Folder::make("refused");
    let (mut said, store) = updated(&folder, vendors(&server), true, None, async |job| {
        let mut said = Vec::new();
        for path in [
            "/ServiceTags_Public_20991231.json",
            "/ServiceTags_Public_20990101.json",
            "/ServiceTags_Public_20200101.json",
            "/tags.json",
            "/dated.json",
            "/none.json",
        ] {
            let url = Url::parse(&server.url(path)).expect("a URL");
            let done = job.file(&url, Some(Kind::ServiceTags)).await;
            said.push(done.unwrap_or_else(|error| format!("{error:#}")));
        }
        said
    });
    let last = said.pop().expect("six");
    assert_eq!(last, format!("{}: the server answers 404", server.url("/none.json")));
    assert_eq!(
        said,
        [
            "ServiceTags_Public_20991231.json: EOF while parsing a string at line 2 column 47",
            "ServiceTags_Public_20990101.json: it is a web page: a sign-in or an error instead of the file",
            "not taken: what is in force is newer than Azure service tags (Public) 400 of 2020-01-01: 1 tags, 1 prefixes",
            "nothing tells how old tags.json is: it needs a date in its name, or a Last-Modified header",
            "not taken: what is in force is newer than Azure service tags (Public) 400 of 2021-01-01: 1 tags, 1 prefixes",
        ]
    );
    assert!(!store.path(Kind::ServiceTags).exists());
}

#[test]
fn a_vendors_name_may_not_lead_to_loopback_and_redirects_are_bounded() {
    let server = Server::start(|_| {
        vec![("/a", moved("/b")), ("/b", moved("/a")), ("/l", moved("http://127.0.0.2/x"))]
    });
    let folder = Folder::make("guard");
    let get = async |job: &Job<'_>| {
        let mut said = Vec::new();
        for path in ["/a", "/l"] {
            let url = Url::parse(&server.url(path)).expect("a URL");
            said.push(job.client.get(&url).await.expect_err("it is refused").to_string());
        }
        said
    };
    let (said, _) = updated(&folder, vendors(&server), false, None, get);
    assert!(said[0].contains("127.0.0.1 is a loopback"), "{said:?}");
    assert_eq!(server.asked(), Vec::<String>::new());
    let (said, _) = updated(&folder, vendors(&server), true, None, get);
    assert!(said[0].ends_with(": more than 5 redirects"), "{said:?}");
    assert!(said[1].contains("127.0.0.2 is a loopback"), "{said:?}");
    assert_eq!(server.asked().len(), 7);
}

#[test]
fn a_proxy_is_asked_to_relay_and_the_name_is_its_to_resolve() {
    let server = Server::start(|_| vec![("/ServiceTags_Public_20991231.json", page(TAGS))]);
    let folder = Folder::make("proxy");
    let (said, _) = updated(&folder, vendors(&server), false, Some(server.port), async |job| {
        let url = Url::parse("http://mirror.invalid/ServiceTags_Public_20991231.json").expect("a URL");
        job.file(&url, None).await
    });
    assert!(said.expect("it is taken").contains("in force"));
    assert_eq!(server.asked(), ["GET http://mirror.invalid/ServiceTags_Public_20991231.json"]);
}
