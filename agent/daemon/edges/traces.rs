//! Traces, made under the routers' limits and remembered between rounds.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use closedpath_core::attribution::is_onprem;
use closedpath_core::config::{Plan, Topology};
use closedpath_core::observation::{RouteObservation, TraceObservation};
use closedpath_net::{Patience, TraceSettings, confirm, trace, tracing_works};
use ipnet::IpNet;
use tokio::sync::Semaphore;

/// Traces under way at once: they share the routers' ICMP limits.
const TRACES: usize = 64;
/// One hop answers within this, or is silent.
const HOP_TIMEOUT: Duration = Duration::from_millis(500);
/// A trace may take this long at least, however short the timeout of a step is.
const MIN_TRACE: Duration = Duration::from_secs(3);
/// A round asks silent routers again for this long at most, however many answers it still brings.
const PATIENCE: Duration = Duration::from_secs(10);

/// The traces of one agent.
pub struct Traces {
    timeout: Duration,
    interval: Duration,
    /// What shows a link, so that a trace may stop asking.
    proofs: Arc<[IpNet]>,
    topology: Topology,
    impossible: bool,
    turns: Semaphore,
    remembered: Mutex<HashMap<SocketAddr, Remembered>>,
    patience: Mutex<Arc<Patience>>,
}

/// A trace of an earlier round, with the route it was made under.
struct Remembered {
    trace: TraceObservation,
    route: Option<RouteObservation>,
    made: Instant,
}

impl Traces {
    /// For a plan; beside it, what is lost where this host cannot trace.
    pub fn new(plan: &Plan) -> (Self, Option<String>) {
        let links = plan.topology.links.iter();
        let msee = links.clone().flat_map(|link| link.msee.iter().copied().map(IpNet::from));
        let hops = links.flat_map(|link| link.hops.iter().copied());
        let tunnels = plan.topology.tunnels.iter().flat_map(|tunnel| tunnel.hops.iter().copied());
        let lost = tracing_works().err();
        let traces = Self {
            timeout: plan.probe.timeout,
            interval: plan.probe.trace_interval,
            proofs: msee.chain(hops).chain(tunnels).collect(),
            topology: plan.topology.clone(),
            impossible: lost.is_some(),
            turns: Semaphore::new(TRACES),
            remembered: Mutex::new(HashMap::new()),
            patience: Mutex::new(Arc::new(patience(plan.probe.timeout))),
        };
        (traces, lost)
    }

    /// Silent routers are asked again with new patience.
    pub fn begin_round(&self) {
        if let Ok(mut shared) = self.patience.lock() {
            *shared = Arc::new(patience(self.timeout));
        }
    }

    /// A trace: the remembered one while its route stands and its proof still answers, else a new one.
    pub async fn to(
        &self,
        to: SocketAddr,
        reachable: bool,
        route: Option<&RouteObservation>,
    ) -> Vec<TraceObservation> {
        if self.impossible || to.ip().is_loopback() {
            return Vec::new();
        }
        let Ok(_turn) = self.turns.acquire().await else { return Vec::new() };
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
            all.retain(|_, remembered| remembered.made.elapsed() < self.interval * 2);
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
            let fresh = remembered.made.elapsed() < self.interval;
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
