//! Traces, made under the routers' limits and remembered between rounds.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use closedpath_core::attribution::is_onprem;
use closedpath_core::config::{Plan, Topology};
use closedpath_core::observation::{NextHop, Protocol, RouteObservation, TraceObservation};
use closedpath_core::target::Probe;
use closedpath_net::{Patience, Reading, TraceSettings, confirm, trace};
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
/// Flows by which the members of an equal-cost group are looked for.
const FLOWS: usize = 8;

/// The traces of one agent.
pub struct Traces {
    timeout: Duration,
    interval: Duration,
    /// What shows a link, so that a trace may stop asking.
    proofs: Arc<[IpNet]>,
    topology: Topology,
    /// How routers' answers to TCP are read; `None` where they cannot be.
    reading: Option<Reading>,
    turns: Semaphore,
    remembered: Mutex<HashMap<(Protocol, SocketAddr), Remembered>>,
    groups: Mutex<HashMap<Group, Spread>>,
    patience: Mutex<Arc<Patience>>,
}

/// The traces to one address of an earlier round, with the route they were made under.
struct Remembered {
    traces: Vec<TraceObservation>,
    route: Option<RouteObservation>,
    made: Instant,
    /// Several flows were looked at.
    spread: bool,
}

/// Addresses that routers on the way treat alike, as far as can be guessed: the ways out of this host, and the network.
type Group = (Vec<NextHop>, IpNet);

/// Whether the flows to a group go several ways.
struct Spread {
    since: Instant,
    several: bool,
}

impl Traces {
    /// For a plan; beside it, what is lost where this host cannot trace.
    pub fn new(plan: &Plan) -> (Self, Option<String>) {
        let links = plan.topology.links.iter();
        let msee = links.clone().flat_map(|link| link.msee.iter().copied().map(IpNet::from));
        let hops = links.flat_map(|link| link.hops.iter().copied());
        let tunnels = plan.topology.tunnels.iter().flat_map(|tunnel| tunnel.hops.iter().copied());
        let (reading, lost) = match Reading::choose() {
            Ok(reading) => (Some(reading), None),
            Err(lost) => (None, Some(lost)),
        };
        let traces = Self {
            timeout: plan.probe.timeout,
            interval: plan.probe.trace_interval,
            proofs: msee.chain(hops).chain(tunnels).collect(),
            topology: plan.topology.clone(),
            reading,
            turns: Semaphore::new(TRACES),
            remembered: Mutex::default(),
            groups: Mutex::default(),
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

    /// The traces by which a probe's packets were followed: the remembered ones while their route stands and their proof still
    /// answers, else new ones.
    pub async fn to(
        &self,
        to: SocketAddr,
        probe: Probe,
        reachable: bool,
        route: Option<&RouteObservation>,
    ) -> Vec<TraceObservation> {
        let protocol = Protocol::of(probe);
        if to.ip().is_loopback() || (protocol == Protocol::Tcp && self.reading.is_none()) {
            return Vec::new();
        }
        let Ok(_turn) = self.turns.acquire().await else { return Vec::new() };
        if let Some(traces) = self.still_true(to, probe, reachable, route).await {
            return traces;
        }
        let settings = self.settings(to);
        let mut traces = vec![trace(to, probe, reachable, &settings).await];
        let group = group(to, route);
        let spread = reachable && self.must_spread(&group);
        if spread {
            self.spread(to, probe, route, &settings, &mut traces).await;
            self.note(group, traces.len() > 1);
        }
        let made = Instant::now();
        let remembered = Remembered { traces: traces.clone(), route: route.cloned(), made, spread };
        if let Ok(mut all) = self.remembered.lock() {
            all.retain(|_, remembered| remembered.made.elapsed() < self.interval * 2);
            all.insert((protocol, to), remembered);
        }
        traces
    }

    fn settings(&self, to: SocketAddr) -> TraceSettings {
        let onprem = is_onprem(&self.topology, to.ip().to_canonical());
        let enough: Arc<[IpNet]> = if onprem { Arc::new([]) } else { self.proofs.clone() };
        TraceSettings {
            hop_timeout: HOP_TIMEOUT.min(self.timeout),
            budget: self.timeout.max(MIN_TRACE),
            enough: Some(enough),
            patience: self.patience.lock().ok().map(|shared| shared.clone()),
            reading: self.reading.clone().unwrap_or_default(),
            ..TraceSettings::default()
        }
    }

    /// Whether an address is the first of its group in this interval, or the group is known to go several ways.
    fn must_spread(&self, group: &Group) -> bool {
        let Ok(mut groups) = self.groups.lock() else { return false };
        groups.retain(|_, spread| spread.since.elapsed() < self.interval);
        match groups.get(group) {
            Some(spread) => spread.several,
            None => {
                groups.insert(group.clone(), Spread { since: Instant::now(), several: false });
                true
            }
        }
    }

    fn note(&self, group: Group, several: bool) {
        if several && let Ok(mut groups) = self.groups.lock() {
            let spread = groups.entry(group).or_insert(Spread { since: Instant::now(), several });
            spread.several = true;
        }
    }

    /// Looks for the other members of an equal-cost group. Where this host has several ways out, by whole traces until each
    /// has been seen; else by one packet of each flow to the distance of the declared hop, and a trace where another router
    /// answers there.
    async fn spread(
        &self,
        to: SocketAddr,
        probe: Probe,
        route: Option<&RouteObservation>,
        settings: &TraceSettings,
        traces: &mut Vec<TraceObservation>,
    ) {
        let ways = route.map_or(&[][..], |route| &route.next_hops);
        let gateways: Vec<IpAddr> = ways.iter().filter_map(|way| way.gateway).collect();
        let proven = traces.first().and_then(|first| self.proven(first));
        for _ in 1..FLOWS {
            let port = if ways.len() > 1 {
                if gateways
                    .iter()
                    .all(|gateway| traces.iter().any(|trace| first_hop(trace) == Some(*gateway)))
                {
                    return;
                }
                None
            } else {
                let Some((ttl, from)) = proven else { return };
                // Silence here is more often a router's limit than another way.
                let Some((now, port)) = confirm(to, probe, ttl, settings).await else { return };
                if now == from {
                    continue;
                }
                Some(port)
            };
            let seen = trace(to, probe, true, &TraceSettings { port, ..settings.clone() }).await;
            if !traces.iter().any(|known| same_way(known, &seen)) {
                traces.push(seen);
            }
        }
    }

    /// The remembered traces, if a hop that proved its link answers at its place again; one packet instead of many.
    async fn still_true(
        &self,
        to: SocketAddr,
        probe: Probe,
        reachable: bool,
        route: Option<&RouteObservation>,
    ) -> Option<Vec<TraceObservation>> {
        let (mut traces, spread) = {
            let all = self.remembered.lock().ok()?;
            let remembered = all.get(&(Protocol::of(probe), to))?;
            let fresh = remembered.made.elapsed() < self.interval;
            (reachable && fresh && remembered.route.as_ref() == route)
                .then(|| (remembered.traces.clone(), remembered.spread))?
        };
        // The group's first address has shown since that flows go several ways.
        if !spread && self.goes_several_ways(&group(to, route)) {
            return None;
        }
        let (ttl, _) = traces.iter().find_map(|trace| self.proven(trace))?;
        let (now, _) = confirm(to, probe, ttl, &self.settings(to)).await?;
        let at = SystemTime::now();
        for trace in &mut traces {
            trace.at = at;
        }
        let known =
            |trace: &TraceObservation| trace.hops.iter().any(|hop| hop.ttl == ttl && hop.from == Some(now));
        traces.iter().any(known).then_some(traces)
    }

    fn goes_several_ways(&self, group: &Group) -> bool {
        self.groups.lock().is_ok_and(|groups| groups.get(group).is_some_and(|spread| spread.several))
    }

    /// The nearest hop that shows a link, and its distance.
    fn proven(&self, trace: &TraceObservation) -> Option<(u8, IpAddr)> {
        let proves = |from: IpAddr| self.proofs.iter().any(|net| net.contains(&from.to_canonical()));
        trace.hops.iter().find_map(|hop| Some((hop.ttl, hop.from.filter(|from| proves(*from))?)))
    }
}

fn group(to: SocketAddr, route: Option<&RouteObservation>) -> Group {
    let ip = to.ip().to_canonical();
    let network = IpNet::new(ip, if ip.is_ipv4() { 24 } else { 48 }).map_or(ip.into(), |net| net.trunc());
    (route.map(|route| route.next_hops.clone()).unwrap_or_default(), network)
}

fn first_hop(trace: &TraceObservation) -> Option<IpAddr> {
    trace.hops.first().and_then(|hop| hop.from)
}

/// Whether two flows may have met the same routers: silence fits every router.
fn same_way(left: &TraceObservation, right: &TraceObservation) -> bool {
    let fits = left
        .hops
        .iter()
        .zip(&right.hops)
        .all(|(left, right)| left.from.zip(right.from).is_none_or(|(left, right)| left == right));
    fits && left.hops.len() == right.hops.len() && left.end == right.end
}

fn patience(timeout: Duration) -> Patience {
    Patience::new(PATIENCE.max(timeout * 3))
}

#[cfg(test)]
mod tests;

#[cfg(test)]
#[path = "../../net/tests/netns/mod.rs"]
mod netns;
