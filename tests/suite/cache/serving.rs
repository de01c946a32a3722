//! The fetcher against a server: each URL once, conditions where something is at hand, and little at a time.

use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use closedpath::cache::Cache;
use closedpath::fetcher::{Ask, Fetched, Fetcher, Validity};
use closedpath_net::{Method, TlsClient};
use futures_util::future::join_all;

use super::Folder;
use super::server::{CHANGED, LOCAL, Seen, Server};

/// Another address of this host, where nobody listens.
const CLOSED: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(127, 0, 0, 9));
const VALID: Duration = Duration::from_secs(7 * 24 * 3600);

fn fetcher(folder: Option<&Path>) -> Fetcher {
    let tls = TlsClient::new(&[]).expect("the system's trust anchors");
    Fetcher::new(Duration::from_secs(5), Cache::open(folder).0, Arc::new(tls))
}

fn ask(url: &str) -> Ask {
    Ask { key: url.into(), url: url.into(), method: Method::Get, accept_cached: true, via: None }
}

/// Valid for a week around now.
fn valid() -> Validity {
    let now = SystemTime::now();
    Validity { this_update: Some(now - VALID), next_update: Some(now + VALID) }
}

/// What is asked for again at once.
fn expired() -> Validity {
    let now = SystemTime::now();
    Validity { this_update: Some(now - VALID), next_update: Some(now - Duration::from_secs(1)) }
}

fn text(fetched: &Fetched) -> &str {
    std::str::from_utf8(fetched.body.as_ref().expect("a body")).expect("text")
}

fn asked(server: &Server) -> Vec<String> {
    server.seen().into_iter().map(|seen| seen.asked).collect()
}

#[tokio::test]
async fn a_thousand_asks_for_twelve_urls_are_twelve_requests() {
    let server = Server::start(None).await;
    let fetcher = fetcher(None);
    let urls: Vec<String> = (0..12).map(|number| server.url("crl.example", &format!("/{number}"))).collect();
    let asks: Vec<Ask> = urls.iter().map(|url| ask(url)).collect();
    let all = join_all((0..1000).map(|number| fetcher.fetch(&asks[number % 12], LOCAL))).await;
    for (number, fetched) in all.iter().enumerate() {
        assert_eq!(text(fetched), format!("GET /{} 0", number % 12));
        assert_eq!(fetched.seen.body, b"");
    }
    assert_eq!(server.seen().len(), 12);
    fetcher.begin_round();
    fetcher.fetch(&asks[0], LOCAL).await;
    assert_eq!(server.seen().len(), 13, "what nobody judged genuine is asked for again in the next round");
}

#[tokio::test]
async fn what_was_kept_is_not_asked_for_again_also_after_a_restart() {
    let (server, folder) = (Server::start(None).await, Folder::new());
    let asked_for = ask(&server.url("crl.example", "/a"));
    let fetcher_before = fetcher(Some(&folder));
    let first = fetcher_before.fetch(&asked_for, LOCAL).await;
    fetcher_before.keep(&asked_for, &first, valid()).await;
    let fetcher_after = fetcher(Some(&folder));
    // Whatever the address: it is the same body.
    let again = fetcher_after.fetch(&asked_for, CLOSED).await;
    assert!(again.cached && !first.cached);
    assert_eq!(again, Fetched { cached: true, ..first });
    fetcher_after.keep(&asked_for, &again, valid_as(&folder, &asked_for)).await;
    assert_eq!(server.seen().len(), 1);
    let fresh = fetcher_after.fetch(&Ask { accept_cached: false, ..asked_for }, LOCAL).await;
    assert!(!fresh.cached);
    assert_eq!(server.seen()[1], Seen { asked: "GET /a".into(), etag: None, since: None });
}

/// The validity that was kept, so that keeping it again changes nothing.
fn valid_as(folder: &Folder, ask: &Ask) -> Validity {
    let meta = Cache::open(Some(folder)).0.meta(&ask.key).expect("it was kept");
    Validity { this_update: meta.this_update, next_update: meta.next_update }
}

#[tokio::test]
async fn keeping_again_what_is_kept_writes_nothing_and_a_later_exchange_is_noted() {
    let (server, folder) = (Server::start(None).await, Folder::new());
    let (asked_for, fetcher) = (ask(&server.url("crl.example", "/a")), fetcher(Some(&folder)));
    let validity = expired();
    let file =
        || std::os::unix::fs::MetadataExt::ino(&std::fs::metadata(folder.join(&folder.names()[0])).unwrap());
    let first = fetcher.fetch(&asked_for, LOCAL).await;
    fetcher.keep(&asked_for, &first, validity).await;
    // Held open, so that its number is not given to another file.
    let _held = std::fs::File::open(folder.join(&folder.names()[0])).unwrap();
    let before = file();
    fetcher.keep(&asked_for, &first, validity).await;
    assert_eq!(file(), before);
    fetcher.begin_round();
    let renewed = fetcher.fetch(&asked_for, LOCAL).await;
    fetcher.keep(&asked_for, &renewed, validity).await;
    assert_ne!(file(), before);
    let (cache, _) = Cache::open(Some(&folder));
    assert_eq!(cache.meta(&asked_for.key).expect("it was kept").fetched_at, renewed.asked_at);
}

#[tokio::test]
async fn a_stale_body_is_revalidated_and_a_changed_one_replaced() {
    let (server, folder) = (Server::start(None).await, Folder::new());
    for path in ["/tagged", "/dated"] {
        let (asked_for, fetcher) = (ask(&server.url("crl.example", path)), fetcher(Some(&folder)));
        let first = fetcher.fetch(&asked_for, LOCAL).await;
        fetcher.keep(&asked_for, &first, expired()).await;
        fetcher.begin_round();
        let same = fetcher.fetch(&asked_for, LOCAL).await;
        let etag = (path == "/tagged").then(|| "\"0\"".to_owned());
        let conditions =
            Seen { asked: format!("GET {path}"), etag: etag.clone(), since: Some(CHANGED.into()) };
        assert_eq!(server.seen().last(), Some(&conditions));
        assert_eq!((text(&same), same.digest, same.seen.status), (text(&first), first.digest, Some(200)));
        assert_eq!((same.cached, &same.seen.etag), (false, &etag), "the server was asked");
        assert!(same.asked_at > first.asked_at);
    }
    server.change();
    for path in ["/tagged", "/dated"] {
        let (asked_for, fetcher) = (ask(&server.url("crl.example", path)), fetcher(Some(&folder)));
        assert_eq!(text(&fetcher.fetch(&asked_for, LOCAL).await), format!("GET {path} 1"));
    }
    assert_eq!(server.seen().len(), 6);
}

#[tokio::test]
async fn a_304_about_a_body_that_is_damaged_is_asked_again_without_conditions() {
    let (server, folder) = (Server::start(None).await, Folder::new());
    let (asked_for, fetcher) = (ask(&server.url("crl.example", "/a")), fetcher(Some(&folder)));
    let first = fetcher.fetch(&asked_for, LOCAL).await;
    fetcher.keep(&asked_for, &first, expired()).await;
    fetcher.begin_round();
    let file = folder.join(&folder.names()[0]);
    let mut bytes = std::fs::read(&file).unwrap();
    *bytes.last_mut().expect("a body") ^= 1;
    std::fs::write(&file, bytes).unwrap();
    assert_eq!(text(&fetcher.fetch(&asked_for, LOCAL).await), "GET /a 0");
    let conditions: Vec<_> = server.seen().into_iter().map(|seen| seen.etag).collect();
    assert_eq!(conditions, [None, Some("\"0\"".into()), None]);
    assert!(!file.exists());
}

#[tokio::test]
async fn only_a_200_has_a_body_and_other_answers_are_of_their_address_alone() {
    let (server, fetcher) = (Server::start(None).await, fetcher(None));
    for (path, status) in [("/moved", 302), ("/missing", 404)] {
        let asked_for = ask(&server.url("crl.example", path));
        let first = fetcher.fetch(&asked_for, LOCAL).await;
        assert_eq!((first.seen.status, &first.body), (Some(status), &None));
        assert_eq!(fetcher.fetch(&asked_for, LOCAL).await, first);
        fetcher.keep(&asked_for, &first, valid()).await;
        fetcher.begin_round();
        assert!(!fetcher.fetch(&asked_for, LOCAL).await.cached);
    }
    assert_eq!(asked(&server), ["GET /moved", "GET /moved", "GET /missing", "GET /missing"]);
    // A failure at one address does not keep another from being asked.
    let asked_for = ask(&server.url("crl.example", "/a"));
    assert!(fetcher.fetch(&asked_for, CLOSED).await.seen.failure.is_some());
    assert_eq!(text(&fetcher.fetch(&asked_for, LOCAL).await), "GET /a 0");
}

#[tokio::test]
async fn posts_to_one_url_are_told_apart_by_their_keys_and_carry_no_conditions() {
    let (server, fetcher) = (Server::start(None).await, fetcher(None));
    let post = |serial: &str| Ask {
        key: format!("ocsp {serial}"),
        method: Method::Post { content_type: "application/ocsp-request", body: serial.as_bytes().to_vec() },
        ..ask(&server.url("ocsp.example", "/ocsp"))
    };
    for serial in ["one", "two", "one"] {
        let fetched = fetcher.fetch(&post(serial), LOCAL).await;
        assert_eq!(text(&fetched), format!("POST /ocsp {serial} 0"));
        fetcher.keep(&post(serial), &fetched, expired()).await;
    }
    fetcher.begin_round();
    fetcher.fetch(&post("one"), LOCAL).await;
    assert_eq!(asked(&server), ["POST /ocsp one", "POST /ocsp two", "POST /ocsp one"]);
    assert!(server.seen().iter().all(|seen| seen.etag.is_none() && seen.since.is_none()));
}

#[tokio::test]
async fn what_was_forgotten_is_asked_for_whole() {
    let (server, fetcher) = (Server::start(None).await, fetcher(None));
    let asked_for = ask(&server.url("crl.example", "/a"));
    let first = fetcher.fetch(&asked_for, LOCAL).await;
    fetcher.keep(&asked_for, &first, valid()).await;
    fetcher.forget(&asked_for).await;
    assert!(!fetcher.fetch(&asked_for, LOCAL).await.cached);
    assert_eq!((server.seen().len(), server.seen()[1].etag.clone()), (2, None));
}

/// The server answers only when two are under way at once, so two there must be; a third would be seen.
#[tokio::test]
async fn one_host_is_asked_two_things_at_once_and_never_three() {
    let (server, fetcher) = (Server::start(Some(2)).await, fetcher(None));
    // The same host, however it is written.
    let host = |number| if number % 2 == 0 { "crl.example" } else { "user@CRL.example" };
    let asks: Vec<Ask> =
        (0..12).map(|number| ask(&server.url(host(number), &format!("/{number}")))).collect();
    let all = join_all(asks.iter().map(|ask| fetcher.fetch(ask, LOCAL))).await;
    assert!(all.iter().all(|fetched| fetched.body.is_some()), "{all:#?}");
    assert_eq!((server.most("crl.example"), server.seen().len()), (2, 12));
}

#[tokio::test]
async fn sixteen_hosts_are_asked_at_once_and_never_seventeen() {
    let (server, fetcher) = (Server::start(Some(16)).await, fetcher(None));
    let asks: Vec<Ask> = (0..48)
        .map(|number| ask(&server.url(&format!("crl{}.example", number % 24), &format!("/{number}"))))
        .collect();
    let all = join_all(asks.iter().map(|ask| fetcher.fetch(ask, LOCAL))).await;
    assert!(all.iter().all(|fetched| fetched.body.is_some()), "{all:#?}");
    assert_eq!((server.most(""), server.seen().len()), (16, 48));
}
