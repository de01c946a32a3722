//! The edges of one agent: performs what the closure asks for, and remembers traces between rounds.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use closedpath_core::attribution::is_onprem;
use closedpath_core::closure::{Outcome, Work};
use closedpath_core::config::{Plan, Topology};
use closedpath_core::failure::{Code, Failure, Step};
use closedpath_core::observation::{
    AddressObservation, Contact, FetchObservation, RouteObservation, TlsObservation, TraceObservation,
};
use closedpath_core::target::{EndpointKey, Probe};
use closedpath_net::{
    FetchLimits, FetchRequest, NetError, Patience, Resolvers, RouteTable, TlsClient, TraceSettings, confirm,
    connect, connect_through, dns_ping, fetch, icmp_ping, ntp_ping, stun_ping, trace, tracing_works,
};
use ipnet::IpNet;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;

/// Bodies of CRLs, OCSP responses and certificates are read up to this many bytes.
const MAX_BODY: usize = 32 * 1024 * 1024;
/// Bodies under way at once, so that hostile hosts cannot fill the memory.
const FETCHES: usize = 16;
/// What was served is asked for again after this.
const FETCH_INTERVAL: Duration = Duration::from_secs(3600);
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
    tls: TlsClient,
    routes: RouteTable,
    timeout: Duration,
    trace_interval: Duration,
    proxies: Vec<closedpath_core::config::Proxy>,
    /// What shows a link, so that a trace may stop asking.
    proofs: Arc<[IpNet]>,
    topology: Topology,
    no_tracing: Option<String>,
    traces: Semaphore,
    remembered: Mutex<HashMap<SocketAddr, Remembered>>,
    patience: Mutex<Arc<Patience>>,
    fetches: Semaphore,
    served: Mutex<HashMap<(String, IpAddr), (Instant, FetchObservation)>>,
}

/// A trace of an earlier round, with the route it was made under.
struct Remembered {
    trace: TraceObservation,
    route: Option<RouteObservation>,
    made: Instant,
}

impl Edges {
    /// Opens everything a plan needs; must be called inside the runtime.
    pub fn open(plan: &Plan) -> Result<Self, NetError> {
        let links = plan.topology.links.iter();
        let msee = links.clone().flat_map(|link| link.msee.iter().copied().map(IpNet::from));
        let hops = links.flat_map(|link| link.hops.iter().copied());
        let tunnels = plan.topology.tunnels.iter().flat_map(|tunnel| tunnel.hops.iter().copied());
        Ok(Self {
            resolvers: Resolvers::new(&plan.resolvers, plan.probe.timeout)?,
            tls: TlsClient::new(&plan.agent.trust_anchors)?,
            routes: RouteTable::open()?,
            timeout: plan.probe.timeout,
            trace_interval: plan.probe.trace_interval,
            proxies: plan.proxies.clone(),
            proofs: msee.chain(hops).chain(tunnels).collect(),
            topology: plan.topology.clone(),
            no_tracing: tracing_works().err(),
            traces: Semaphore::new(TRACES),
            remembered: Mutex::new(HashMap::new()),
            fetches: Semaphore::new(FETCHES),
            served: Mutex::new(HashMap::new()),
            patience: Mutex::new(Arc::new(patience(plan.probe.timeout))),
        })
    }

    /// To be called before each round: silent routers are asked again with new patience.
    pub fn begin_round(&self) {
        if let Ok(mut shared) = self.patience.lock() {
            *shared = Arc::new(patience(self.timeout));
        }
    }

    /// The resolvers' real addresses.
    pub fn servers(&self) -> Vec<(String, SocketAddr)> {
        self.resolvers.servers()
    }

    /// What these edges cannot do here, in words.
    pub fn lost(&self) -> Vec<String> {
        self.no_tracing.iter().cloned().collect()
    }

    /// Does one thing. Nothing that a peer does makes this fail.
    pub async fn perform(&self, work: Work) -> Outcome {
        match work {
            Work::Resolve { name } => Outcome::Resolved(self.resolvers.observe(&name).await),
            Work::Probe { key, ip } => {
                let seen = Box::new(self.probe(&key, ip).await);
                Outcome::Probed { key, seen }
            }
            Work::Fetch { url, ip } => Outcome::Fetched(self.fetch(url, ip).await),
        }
    }

    /// One GET; what was served a while ago is not asked for again, since CA hosts serve everybody.
    async fn fetch(&self, url: String, ip: IpAddr) -> FetchObservation {
        let key = (url, ip);
        if let Ok(served) = self.served.lock() {
            let fresh = served.get(&key).filter(|(at, _)| at.elapsed() < FETCH_INTERVAL);
            if let Some((_, seen)) = fresh {
                return seen.clone();
            }
        }
        // A permit cannot be refused: the semaphore is never closed.
        let _turn = self.fetches.acquire().await;
        let limits = FetchLimits { timeout: self.timeout, max_body: MAX_BODY };
        let mut seen = fetch(&FetchRequest::get(&key.0), ip, limits, Some(&self.tls)).await;
        // What the body says is not judged by this version, and bodies of CRLs are large.
        seen.body = Vec::new();
        let worked = seen.failure.is_none() && seen.status.is_some_and(|status| status < 400);
        if worked && let Ok(mut served) = self.served.lock() {
            served.retain(|_, (at, _)| at.elapsed() < FETCH_INTERVAL);
            served.insert(key, (Instant::now(), seen.clone()));
        }
        seen
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
        AddressObservation { ip, at, contact, tls, route, traces }
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
        if self.no_tracing.is_some() || to.ip().is_loopback() {
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

fn patience(timeout: Duration) -> Patience {
    Patience::new(PATIENCE.max(timeout * 3))
}
