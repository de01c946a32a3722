//! Fetching like a citizen: CA hosts serve everybody, so what is at hand is not asked for again, and little at a time.
//!
//! In: what is wanted, and the address to ask. Out: what was seen, and the body. It neither judges a body nor keeps one by
//! itself: a captive portal's page must never be cached, so the caller says what is genuine ([`Fetcher::keep`]).
//!
//! * `fresh`: until when a cached body may be used
//! * `keyed`: one lock or semaphore per key, gone with its last user
//! * `shared`: what was fetched in this round
//! * `silent`: hosts that are not waited for again in this round

mod fresh;
mod keyed;
mod shared;
mod silent;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use closedpath_core::config::Proxy;
use closedpath_core::failure::{Code, Failure, Step};
use closedpath_core::observation::FetchObservation;
use closedpath_net::{FetchLimits, FetchRequest, ForwardProxy, Method, TlsClient, fetch, fetch_through};
use tokio::sync::{Mutex, Semaphore};
use url::Url;

use crate::cache::format::{Header, sha256};
use crate::cache::{Cache, Meta};
pub use fresh::{MAX_AGE, fresh, fresh_until};
use keyed::Keyed;
use shared::Shared;
use silent::Silent;

/// Bodies of CRLs, OCSP responses and certificates are read up to this many bytes.
pub const MAX_BODY: usize = 32 * 1024 * 1024;
/// Exchanges under way at once, so that hostile hosts cannot fill the memory.
pub const AT_ONCE: usize = 16;
/// Exchanges under way at once with one host name.
pub const PER_HOST: usize = 2;
/// A smaller body is hashed where it is.
const SMALL: usize = 64 * 1024;

/// What is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ask {
    /// What the cache knows it by: for a GET the URL; for OCSP also what is asked about.
    pub key: String,
    /// Where it is served.
    pub url: String,
    /// How it is asked for.
    pub method: Method,
    /// Whether a body of an earlier round will do.
    pub accept_cached: bool,
    /// The forward proxy to ask through; the key tells it from the same without one.
    pub via: Option<String>,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// The exchange; its body is left empty. Without one, the last exchange as remembered. A 304 shows as the 200 that it stands for.
    pub seen: FetchObservation,
    /// The whole body of a 200, and nothing else.
    pub body: Option<Bytes>,
    /// SHA-256 of the body.
    pub digest: [u8; 32],
    /// Whether the body was used without asking anybody.
    pub cached: bool,
    /// When the exchange began.
    pub asked_at: SystemTime,
}

/// When a body's content is valid, as it says itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Validity {
    /// From when: thisUpdate (RFC 5280 §5.1.2.4, RFC 6960 §4.2.2.1).
    pub this_update: Option<SystemTime>,
    /// Until when newer content will be available: nextUpdate.
    pub next_update: Option<SystemTime>,
}

/// Fetches, shares, remembers.
#[derive(Debug)]
pub struct Fetcher {
    timeout: Duration,
    cache: Cache,
    tls: Arc<TlsClient>,
    proxies: Vec<Proxy>,
    shared: Shared,
    flights: Keyed<Mutex<()>>,
    hosts: Keyed<Semaphore>,
    silent: Silent,
    all: Semaphore,
}

impl Fetcher {
    /// `timeout` is for each phase of an exchange.
    pub fn new(timeout: Duration, cache: Cache, tls: Arc<TlsClient>) -> Self {
        Self {
            timeout,
            cache,
            tls,
            proxies: Vec::new(),
            shared: Shared::default(),
            flights: Keyed::new(|| Mutex::new(())),
            hosts: Keyed::new(|| Semaphore::new(PER_HOST)),
            silent: Silent::default(),
            all: Semaphore::new(AT_ONCE),
        }
    }

    /// The proxies that may be asked through.
    #[must_use]
    pub fn with_proxies(mut self, proxies: &[Proxy]) -> Self {
        self.proxies = proxies.to_vec();
        self
    }

    /// To be called before each round: what was fetched in the last one, and not kept, is asked for again.
    pub fn begin_round(&self) {
        self.shared.clear();
        self.silent.clear();
    }

    /// Brings what is asked for, from this round, the cache or `ip`. Whoever asks for the same meanwhile waits for it.
    pub async fn fetch(&self, ask: &Ask, ip: IpAddr) -> Fetched {
        let flight = self.flights.of(&ask.key);
        let _alone = flight.lock().await;
        if let Some(fetched) = self.shared.find(ask, ip) {
            return fetched;
        }
        let fetched = self.obtain(ask, ip).await;
        self.shared.put(ask, ip, &fetched);
        fetched
    }

    /// Keeps a body that was judged genuine. What is kept already costs nothing.
    pub async fn keep(&self, ask: &Ask, fetched: &Fetched, validity: Validity) {
        let Some(body) = &fetched.body else { return };
        let seen = &fetched.seen;
        let meta = Meta {
            key: ask.key.clone(),
            url: seen.url.clone(),
            ip: seen.ip,
            content_type: seen.content_type.clone(),
            etag: seen.etag.clone(),
            last_modified: seen.last_modified.clone(),
            fetched_at: fetched.asked_at,
            took: seen.took,
            this_update: validity.this_update,
            next_update: validity.next_update,
        };
        let there = self.cache.header(&ask.key);
        if there.is_none_or(|header| header.meta != meta || header.digest != fetched.digest) {
            self.cache.put(meta, body.clone()).await;
        }
    }

    /// Drops a cached body that turned out not to be what it should be.
    pub async fn forget(&self, ask: &Ask) {
        self.shared.remove(ask);
        self.cache.remove(&ask.key).await;
    }

    async fn obtain(&self, ask: &Ask, ip: IpAddr) -> Fetched {
        let known =
            self.cache.header(&ask.key).filter(|header| ask.accept_cached && header.meta.url == ask.url);
        if let Some(known) = &known
            && fresh(&known.meta, SystemTime::now())
            && let Some((meta, body, digest)) = self.cached(known).await
        {
            return remembered(meta, body, digest);
        }
        // RFC 9110 §13.1.2: the conditions are about GET; a POST asks anew.
        let known = known.filter(|_| ask.method == Method::Get).filter(|known| {
            let meta = &known.meta;
            meta.etag.is_some() || meta.last_modified.is_some()
        });
        let mut request = FetchRequest {
            url: ask.url.clone(),
            method: ask.method.clone(),
            etag: known.as_ref().and_then(|known| known.meta.etag.clone()),
            last_modified: known.as_ref().and_then(|known| known.meta.last_modified.clone()),
        };
        let asked_at = SystemTime::now();
        let seen = self.exchange(&request, ask.via.as_deref(), ip).await;
        let Some(known) = known.filter(|_| seen.status == Some(304) && seen.failure.is_none()) else {
            return arrived(seen, asked_at).await;
        };
        if let Some((meta, body, digest)) = self.cached(&known).await {
            return renewed(seen, meta, body, digest, asked_at);
        }
        // What the server said is unchanged is no longer whole here.
        (request.etag, request.last_modified) = (None, None);
        arrived(self.exchange(&request, ask.via.as_deref(), ip).await, asked_at).await
    }

    /// The body of this very entry, checked.
    async fn cached(&self, known: &Header) -> Option<(Meta, Bytes, [u8; 32])> {
        let (meta, body, digest) = self.cache.get(&known.meta.key).await?;
        (meta == known.meta && digest == known.digest).then_some((meta, body, digest))
    }

    async fn exchange(&self, request: &FetchRequest, via: Option<&str>, ip: IpAddr) -> FetchObservation {
        let name = host(&request.url);
        let host = self.hosts.of(&name);
        // The host's turn first: who waits for a slow host must not take a place from others. No semaphore is ever closed.
        let _turn = host.acquire().await;
        if let Some(seen) = self.silent.instead(&request.url, &name, ip) {
            return seen;
        }
        let _place = self.all.acquire().await;
        let limits = FetchLimits { timeout: self.timeout, max_body: MAX_BODY };
        let seen = match via {
            None => fetch(request, ip, limits, Some(&self.tls)).await,
            Some(via) => match forward(&self.proxies, via, ip, &self.tls) {
                Ok(proxy) => fetch_through(request, proxy, limits, &self.tls).await,
                Err(failure) => {
                    FetchObservation { failure: Some(failure), ..FetchObservation::of(&request.url, ip) }
                }
            },
        };
        self.silent.note(&name, &seen);
        seen
    }
}

/// The declared proxy of this name, at one of its addresses.
pub fn forward<'a>(
    proxies: &'a [Proxy],
    name: &str,
    ip: IpAddr,
    tls: &'a TlsClient,
) -> Result<ForwardProxy<'a>, Failure> {
    let Some(proxy) = proxies.iter().find(|proxy| proxy.name == name) else {
        return Err(Failure::new(Step::ProxyConnect, Code::Other, format!("no proxy is named {name}")));
    };
    Ok(ForwardProxy {
        at: SocketAddr::new(ip, proxy.port),
        tls: proxy.tls.then_some((proxy.host.as_str(), tls)),
        credentials: proxy.credentials.as_ref(),
    })
}

/// The host a URL names; one that names none is not dialled anyway.
fn host(url: &str) -> String {
    Url::parse(url).ok().and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default()
}

async fn arrived(mut seen: FetchObservation, asked_at: SystemTime) -> Fetched {
    let bytes = Bytes::from(std::mem::take(&mut seen.body));
    let body = (seen.status == Some(200) && seen.failure.is_none()).then_some(bytes);
    let digest = match body.clone() {
        Some(large) if large.len() > SMALL => tokio::task::spawn_blocking(move || sha256(&large)).await,
        small => Ok(sha256(&small.unwrap_or_default())),
    };
    // The task cannot fail: it neither panics nor is it cancelled while the runtime lives.
    let digest = digest.unwrap_or_default();
    Fetched { seen, body, digest, cached: false, asked_at }
}

fn remembered(meta: Meta, body: Bytes, digest: [u8; 32]) -> Fetched {
    let seen = FetchObservation {
        url: meta.url,
        ip: meta.ip,
        status: Some(200),
        location: None,
        content_type: meta.content_type,
        etag: meta.etag,
        last_modified: meta.last_modified,
        body: Vec::new(),
        failure: None,
        took: meta.took,
    };
    Fetched { seen, body: Some(body), digest, cached: true, asked_at: meta.fetched_at }
}

/// RFC 9111 §4.3.4: what the 304 says replaces what was remembered.
fn renewed(
    mut seen: FetchObservation,
    meta: Meta,
    body: Bytes,
    digest: [u8; 32],
    asked_at: SystemTime,
) -> Fetched {
    seen.status = Some(200);
    seen.body = Vec::new();
    seen.content_type = seen.content_type.or(meta.content_type);
    seen.etag = seen.etag.or(meta.etag);
    seen.last_modified = seen.last_modified.or(meta.last_modified);
    Fetched { seen, body: Some(body), digest, cached: false, asked_at }
}
