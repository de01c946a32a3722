//! Fetches data files: directly or through a proxy, following a few redirects, never where a fetched URL may not lead.

use std::net::SocketAddr;
use std::time::Duration;

use closedpath_core::closure::refusal;
use closedpath_core::config::Plan;
use closedpath_net::{FetchLimits, FetchRequest, NetError, Peer, Resolvers, TlsClient, download};
use url::Url;

use super::file::LARGEST;

/// Redirects of one file.
const REDIRECTS: usize = 5;
/// A file comes from far: each phase may take longer than a probe's.
const TIMEOUT: Duration = Duration::from_secs(20);

/// A forward proxy.
#[derive(Clone)]
pub struct ForwardProxy {
    /// A name or an address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// The connection to it is TLS.
    pub tls: bool,
    /// User and password; never shown.
    pub credentials: Option<(String, String)>,
}

/// What came.
#[derive(Debug)]
pub struct Download {
    /// Where it was in the end.
    pub url: Url,
    /// Last-Modified, as sent.
    pub last_modified: Option<String>,
    /// The body.
    pub body: Vec<u8>,
}

/// Fetches with the plan's resolvers and trust anchors.
pub struct Client<'a> {
    plan: &'a Plan,
    resolvers: Resolvers,
    tls: TlsClient,
    proxy: Option<ForwardProxy>,
    /// A host that the operator named: it may be any address.
    named: Option<String>,
}

/// Why nothing came.
#[derive(Debug, thiserror::Error)]
#[error("{url}: {why}")]
pub struct DownloadError {
    url: String,
    why: String,
}

impl<'a> Client<'a> {
    /// Must be called inside the runtime.
    pub fn new(plan: &'a Plan, proxy: Option<ForwardProxy>, named: Option<String>) -> Result<Self, NetError> {
        let resolvers = Resolvers::new(&plan.resolvers, plan.probe.timeout)?;
        let tls = TlsClient::new(&plan.agent.trust_anchors)?;
        Ok(Self { plan, resolvers, tls, proxy, named })
    }

    /// Fetches one file.
    pub async fn get(&self, url: &Url) -> Result<Download, DownloadError> {
        let mut url = url.clone();
        for _ in 0..=REDIRECTS {
            let seen = self.exchange(&url).await?;
            let wrong = |why: String| DownloadError { url: shown(&url), why };
            match seen.status {
                Some(200) => return Ok(Download { url, last_modified: seen.last_modified, body: seen.body }),
                Some(301 | 302 | 303 | 307 | 308) => {
                    let to = seen.location.as_deref().and_then(|to| url.join(to).ok());
                    let to = to.ok_or_else(|| wrong("a redirect to nowhere".to_owned()))?;
                    if url.scheme() == "https" && to.scheme() != "https" {
                        return Err(wrong(format!("it redirects from https to {}", shown(&to))));
                    }
                    url = to;
                }
                Some(status) => return Err(wrong(format!("the server answers {status}"))),
                None => return Err(wrong("there was no answer".to_owned())),
            }
        }
        Err(DownloadError { url: shown(&url), why: format!("more than {REDIRECTS} redirects") })
    }

    /// Tries the addresses in turn, until one answers.
    async fn exchange(
        &self,
        url: &Url,
    ) -> Result<closedpath_core::observation::FetchObservation, DownloadError> {
        let wrong = |why: String| DownloadError { url: shown(url), why };
        let host = url.host_str().unwrap_or_default();
        let request = FetchRequest::get(url.as_str());
        let limits =
            FetchLimits { timeout: TIMEOUT, max_body: usize::try_from(LARGEST).unwrap_or(usize::MAX) };
        let (name, port) = match &self.proxy {
            Some(proxy) => (proxy.host.as_str(), proxy.port),
            None => (host, 0),
        };
        let mut why = Vec::new();
        for ip in self.addresses(name).await.map_err(wrong)? {
            let peer = match &self.proxy {
                Some(proxy) => Peer::Proxy(closedpath_net::ForwardProxy {
                    at: SocketAddr::new(ip, port),
                    tls: proxy.tls.then_some((name, &self.tls)),
                    credentials: proxy.credentials.as_ref(),
                }),
                None => {
                    let refused =
                        refusal(self.plan, host, ip).filter(|_| self.named.as_deref() != Some(host));
                    if let Some(refused) = refused {
                        why.push(format!("{refused}, where no vendor's file is"));
                        continue;
                    }
                    Peer::Server(ip)
                }
            };
            let seen = Box::pin(download(&request, peer, limits, &self.tls)).await;
            match seen.failure {
                None => return Ok(seen),
                Some(failure) => why.push(failure.text),
            }
        }
        why.dedup();
        Err(wrong(why.join("; ")))
    }

    async fn addresses(&self, host: &str) -> Result<Vec<std::net::IpAddr>, String> {
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let seen = self.resolvers.observe(bare).await;
        let mut found = Vec::new();
        for answer in seen.views.iter().flat_map(|view| &view.answers) {
            if !found.contains(&answer.ip) {
                found.push(answer.ip);
            }
        }
        if found.is_empty() { Err(format!("no resolver has an address of {bare}")) } else { Ok(found) }
    }
}

/// A URL without user and password.
fn shown(url: &Url) -> String {
    let mut url = url.clone();
    let _ = url.set_password(None);
    let _ = url.set_username("");
    url.to_string()
}
