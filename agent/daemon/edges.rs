//! The edges of one agent: performs what the closure asks for, and remembers traces between rounds.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use closedpath_core::attribution::is_onprem;
use closedpath_core::closure::{Outcome, Work};
use closedpath_core::config::{Plan, Topology};
use closedpath_core::failure::{Code, Failure, Step};
use closedpath_core::observation::{
    AddressObservation, Contact, RouteObservation, TlsObservation, TraceObservation,
};
use closedpath_core::pki::Trust;
use closedpath_core::target::{EndpointKey, Probe};
use closedpath_net::{
    NetError, Patience, Resolvers, RouteTable, TlsClient, TraceSettings, confirm, connect, connect_through,
    dns_ping, icmp_ping, ntp_ping, stun_ping, trace, tracing_works,
};
use ipnet::IpNet;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;

use crate::cache::Cache;
use crate::fetcher::Fetcher;
use crate::inquiries::Inquiries;

/// Traces under way at once: they share the routers' ICMP limits.
const TRACES: usize = 64;
/// One hop answers within this, or is silent.
const HOP_TIMEOUT: Duration = Duration::from_millis(500);

/// A trace may take this long at least, however short the timeout of a step is.
const MIN_TRACE: Duration = Duration::from_secs(3);
/// A round asks silent routers again for this long at most, however many answers it still brings.
const PATIENCE: Duration = Duration::from_secs(10);

/// Sockets, resolvers and trust anchors.
pub struct Edges {
    resolvers: Resolvers,
    tls: Arc<TlsClient>,
    routes: RouteTable,
    timeout: Duration,
    trace_interval: Duration,
    proxies: Vec<closedpath_core::config::Proxy>,
    /// What shows a link, so that a trace may stop asking.
    proofs: Arc<[IpNet]>,
    topology: Topology,
    no_tracing: bool,
    lost: Vec<String>,
    traces: Semaphore,
    remembered: Mutex<HashMap<SocketAddr, Remembered>>,
    patience: Mutex<Arc<Patience>>,
    inquiries: Inquiries,
    trust: Arc<Trust>,
}

/// A trace of an earlier round, with the route it was made under.
struct Remembered {
    trace: TraceObservation,
    route: Option<RouteObservation>,
    made: Instant,
}

impl Edges {
    /// Opens everything a plan needs; must be called inside the runtime. `memory` is the folder for what is remembered
    /// between rounds and runs; without one, each round asks anew.
    pub fn open(plan: &Plan, memory: Option<&Path>) -> Result<Self, NetError> {
        let tls = Arc::new(TlsClient::new(&plan.agent.trust_anchors)?);
        let folder = memory.map(|folder| folder.join("cache"));
        let (cache, lost) = Cache::open(folder.as_deref());
        let links = plan.topology.links.iter();
        let msee = links.clone().flat_map(|link| link.msee.iter().copied().map(IpNet::from));
        let hops = links.flat_map(|link| link.hops.iter().copied());
        let tunnels = plan.topology.tunnels.iter().flat_map(|tunnel| tunnel.hops.iter().copied());
        Ok(Self {
            resolvers: Resolvers::new(&plan.resolvers, plan.probe.timeout)?,
            routes: RouteTable::open()?,
            timeout: plan.probe.timeout,
            trace_interval: plan.probe.trace_interval,
            proxies: plan.proxies.clone(),
            proofs: msee.chain(hops).chain(tunnels).collect(),
            topology: plan.topology.clone(),
            no_tracing: tracing_works().is_err(),
            lost: tracing_works().err().into_iter().chain(lost).collect(),
            traces: Semaphore::new(TRACES),
            remembered: Mutex::new(HashMap::new()),
            inquiries: Inquiries::new(Fetcher::new(plan.probe.timeout, cache, tls.clone()), memory.is_some()),
            trust: Arc::new(trust(plan, &tls)?),
            tls,
            patience: Mutex::new(Arc::new(patience(plan.probe.timeout))),
        })
    }

    /// To be called before each round: silent routers are asked again with new patience.
    pub fn begin_round(&self) {
        self.inquiries.begin_round();
        if let Ok(mut shared) = self.patience.lock() {
            *shared = Arc::new(patience(self.timeout));
        }
    }

    /// What the site trusts.
    pub fn trust(&self) -> Arc<Trust> {
        self.trust.clone()
    }

    /// The resolvers' real addresses.
    pub fn servers(&self) -> Vec<(String, SocketAddr)> {
        self.resolvers.servers()
    }

    /// What these edges cannot do here, in words.
    pub fn lost(&self) -> Vec<String> {
        self.lost.clone()
    }

    /// Does one thing. Nothing that a peer does makes this fail.
    pub async fn perform(&self, work: Work) -> Outcome {
        match work {
            Work::Resolve { name } => Outcome::Resolved(self.resolvers.observe(&name).await),
            Work::Probe { key, ip } => {
                let seen = Box::new(self.probe(&key, ip).await);
                Outcome::Probed { key, seen }
            }
            Work::Fetch { key, url, ip, ask } => self.inquiries.ask(key, url, ip, ask).await,
        }
    }

    async fn probe(&self, key: &EndpointKey, ip: IpAddr) -> AddressObservation {
        let at = SystemTime::now();
        let route = self.routes.lookup(ip).await;
        let (to, contact, stream) = self.contact(key, ip).await;
        let reachable = contact.answered();
        let handshake = async {
            let stream = stream.filter(|_| key.probe.uses_tls())?;
            Some(self.tls.handshake(stream, &key.host, self.timeout).await.0)
        };
        let (tls, traces): (Option<TlsObservation>, _) =
            tokio::join!(handshake, self.traced(to, reachable, route.as_ref()));
        AddressObservation { tls, route, traces, ..AddressObservation::new(ip, at, contact) }
    }

    /// Makes contact; tells also which address and port a trace must go to.
    async fn contact(&self, key: &EndpointKey, ip: IpAddr) -> (SocketAddr, Contact, Option<TcpStream>) {
        // An ICMP target has no port; the trace to it needs one.
        let to = SocketAddr::new(ip, if key.port == 0 { 443 } else { key.port });
        if let Some(via) = &key.via {
            let Some(proxy) = self.proxies.iter().find(|proxy| proxy.name == *via) else {
                let text = format!("no proxy is named {via}");
                return (to, Contact::Failed(Failure::new(Step::ProxyConnect, Code::Other, text)), None);
            };
            let at = SocketAddr::new(ip, proxy.port);
            if proxy.tls {
                let text = "this version cannot speak TLS to a proxy: give the proxy's http port".to_string();
                return (at, Contact::Failed(Failure::new(Step::ProxyConnect, Code::Other, text)), None);
            }
            let credentials = proxy.credentials.as_ref();
            return match connect_through(at, credentials, &key.host, key.port, self.timeout).await {
                Ok((stream, made)) => (at, Contact::Made(made), Some(stream)),
                Err(failure) => (at, Contact::Failed(failure), None),
            };
        }
        let contact = match key.probe {
            Probe::Tls | Probe::Tcp | Probe::Http | Probe::Https => {
                return match connect(to, self.timeout).await {
                    Ok((stream, made)) => (to, Contact::Made(made), Some(stream)),
                    Err(failure) => (to, Contact::Failed(failure), None),
                };
            }
            Probe::Icmp => icmp_ping(ip, self.timeout).await,
            Probe::Stun => stun_ping(to, self.timeout).await.0,
            Probe::UdpDns => dns_ping(to, self.timeout).await,
            Probe::Ntp => ntp_ping(to, self.timeout).await,
        };
        (to, contact, None)
    }

    /// A trace: the remembered one while its route stands and its proof still answers, else a new one.
    async fn traced(
        &self,
        to: SocketAddr,
        reachable: bool,
        route: Option<&RouteObservation>,
    ) -> Vec<TraceObservation> {
        if self.no_tracing || to.ip().is_loopback() {
            return Vec::new();
        }
        let Ok(_turn) = self.traces.acquire().await else { return Vec::new() };
        if let Some(trace) = self.still_true(to, reachable, route).await {
            return vec![trace];
        }
        let onprem = is_onprem(&self.topology, to.ip().to_canonical());
        let enough: Arc<[IpNet]> = if onprem { Arc::new([]) } else { self.proofs.clone() };
        let settings = TraceSettings {
            hop_timeout: HOP_TIMEOUT.min(self.timeout),
            budget: self.timeout.max(MIN_TRACE),
            enough: Some(enough),
            patience: self.patience.lock().ok().map(|shared| shared.clone()),
            ..TraceSettings::default()
        };
        let made = trace(to, reachable, &settings).await;
        let remembered = Remembered { trace: made.clone(), route: route.cloned(), made: Instant::now() };
        if let Ok(mut all) = self.remembered.lock() {
            all.retain(|_, remembered| remembered.made.elapsed() < self.trace_interval * 2);
            all.insert(to, remembered);
        }
        vec![made]
    }

    /// The remembered trace, if the hop that proved its link answers at its place again; one packet instead of many.
    async fn still_true(
        &self,
        to: SocketAddr,
        reachable: bool,
        route: Option<&RouteObservation>,
    ) -> Option<TraceObservation> {
        let mut trace = {
            let all = self.remembered.lock().ok()?;
            let remembered = all.get(&to)?;
            let fresh = remembered.made.elapsed() < self.trace_interval;
            (reachable && fresh && remembered.route.as_ref() == route).then(|| remembered.trace.clone())?
        };
        let proves = |from: IpAddr| self.proofs.iter().any(|net| net.contains(&from.to_canonical()));
        let (ttl, from) =
            trace.hops.iter().find_map(|hop| Some((hop.ttl, hop.from.filter(|from| proves(*from))?)))?;
        let now = confirm(to, ttl, HOP_TIMEOUT.min(self.timeout)).await?;
        trace.at = SystemTime::now();
        (now == from).then_some(trace)
    }
}

/// The anchors of the agent's store, the roots that everybody has, and the site's inspection CA.
fn trust(plan: &Plan, tls: &TlsClient) -> Result<Trust, NetError> {
    let inspection = match &plan.agent.inspection_ca {
        Some(file) => closedpath_net::certificates_in(file)?,
        None => Vec::new(),
    };
    let public = webpki_root_certs::TLS_SERVER_ROOT_CERTS;
    Ok(Trust::new(tls.certificates()).with_public(public).with_inspection(inspection))
}

fn patience(timeout: Duration) -> Patience {
    Patience::new(PATIENCE.max(timeout * 3))
}
