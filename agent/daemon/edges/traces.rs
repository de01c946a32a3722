//! Traces, made under the routers' limits and remembered between rounds.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use closedpath_core::attribution::{Group, group, is_onprem};
use closedpath_core::config::{Plan, Topology};
use closedpath_core::observation::{Hop, Protocol, RouteObservation, TraceEnd, TraceObservation};
use closedpath_core::target::Probe;
use closedpath_net::{Glimpse, Patience, Reading, TraceSettings, confirm, trace};
use futures_util::future::join_all;
use ipnet::IpNet;
use tokio::sync::{OnceCell, Semaphore};
use tokio::time::sleep;

/// Traces under way at once: they share the routers' ICMP limits.
const TRACES: usize = 64;
/// One hop answers within this, or is silent.
const HOP_TIMEOUT: Duration = Duration::from_millis(500);
/// A trace may take this long at least, however short the timeout of a step is.
const MIN_TRACE: Duration = Duration::from_secs(3);
/// A round asks silent routers again for this long at most, however many answers it still brings.
const PATIENCE: Duration = Duration::from_secs(10);
/// Flows by which the members of an equal-cost group are looked for on the way. The more, the rarer is a way that takes few of them
/// missed: one flow in eight, by one look in seventy. A router's limit answers but some; another router has a limit of its own.
const FLOWS: usize = 32;
/// The same where this host itself has several ways out, until each was seen: that one of two is missed is no chance then.
const FLOWS_OF_HOST: usize = 16;
/// Linux' routers answer one packet more after this (icmp_ratelimit, ip-sysctl).
const REFILL: Duration = Duration::from_millis(1_100);
/// Beside the traced one, so many must have met the same router before it is said that there is one way: eight in all (DOMAIN §3.4).
const FEWEST: usize = 7;
/// Flows that met other routers and are followed.
const FOLLOWED: usize = 4;

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
    /// By group, and the hop that proved the first flow: what goes apart is looked at apart.
    groups: Mutex<HashMap<(Group, Option<IpAddr>), Spread>>,
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

/// Whether the flows to a group go several ways; told by the first of its addresses that can be followed, while the others
/// wait.
struct Spread {
    since: Instant,
    several: Arc<OnceCell<bool>>,
    /// Flows beside the traced one that met the same router, over all of its addresses.
    alike: Arc<AtomicUsize>,
}

/// What one more flow showed; with its source port.
#[derive(Debug, Clone)]
enum Look {
    /// Nothing could be sent.
    Unsent,
    /// The same router.
    Same,
    /// Another one.
    Apart(u16, Hop),
    /// Nobody: a router's limit, or another way whose routers keep silent.
    Silent(u16),
}

impl Look {
    fn apart(&self) -> Option<(u16, Hop)> {
        if let Self::Apart(port, hop) = self { Some((*port, hop.clone())) } else { None }
    }

    fn silent(&self) -> Option<u16> {
        if let Self::Silent(port) = self { Some(*port) } else { None }
    }
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
    /// answers, else new ones, the first of which follows the flow from `port`.
    pub async fn to(
        &self,
        to: SocketAddr,
        probe: Probe,
        reachable: bool,
        route: Option<&RouteObservation>,
        port: Option<u16>,
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
        let own = TraceSettings { port, ..settings.clone() };
        let mut traces = vec![trace(to, probe, reachable, &own).await];
        let mut spread = false;
        if reachable {
            let proven = self.proven(&traces[0]).map(|(_, from)| from);
            let (told, alike) = self.told((group(to.ip(), route), proven));
            let first = told.get_or_try_init(|| async {
                spread = true;
                self.spread(to, probe, route, &settings, &mut traces, &alike).await.ok_or(())
            });
            let several = first.await.is_ok_and(|several| *several);
            if several && !spread {
                spread = true;
                self.spread(to, probe, route, &settings, &mut traces, &alike).await;
            }
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

    /// What is told of a group in this interval, or will be.
    fn told(&self, group: (Group, Option<IpAddr>)) -> (Arc<OnceCell<bool>>, Arc<AtomicUsize>) {
        let Ok(mut groups) = self.groups.lock() else { return Default::default() };
        groups.retain(|_, spread| spread.since.elapsed() < self.interval);
        let fresh = || Spread { since: Instant::now(), several: Arc::default(), alike: Arc::default() };
        let spread = groups.entry(group).or_insert_with(fresh);
        (spread.several.clone(), spread.alike.clone())
    }

    /// Looks for the other members of an equal-cost group. Where this host has several ways out, by whole traces until each
    /// has been seen; else by a packet or two of each flow to the distance of the declared hop, and a trace where another router
    /// answers there. Whether there are several; `None` where that cannot be told.
    async fn spread(
        &self,
        to: SocketAddr,
        probe: Probe,
        route: Option<&RouteObservation>,
        settings: &TraceSettings,
        traces: &mut Vec<TraceObservation>,
        alike: &AtomicUsize,
    ) -> Option<bool> {
        let ways = route.map_or(&[][..], |route| &route.next_hops);
        if ways.len() > 1 {
            let gateways: Vec<IpAddr> = ways.iter().filter_map(|way| way.gateway).collect();
            let seen = |traces: &[TraceObservation], gateway: &IpAddr| {
                traces.iter().any(|trace| first_hop(trace) == Some(*gateway))
            };
            for _ in 1..FLOWS_OF_HOST {
                if gateways.iter().all(|gateway| seen(traces, gateway)) {
                    break;
                }
                add(traces, trace(to, probe, true, settings).await);
            }
            return Some(traces.len() > 1);
        }
        let first = traces.first()?.clone();
        let proven = self.proven(&first)?;
        let look = |port| self.look(to, probe, &first, proven, TraceSettings { port, ..settings.clone() });
        let mut looks = join_all((1..FLOWS).map(|_| look(None))).await;
        let same = |looks: &[Look]| looks.iter().filter(|look| matches!(look, Look::Same)).count();
        let mut met = same(&looks);
        let silent: Vec<u16> = looks.iter().filter_map(Look::silent).collect();
        if looks.iter().all(|look| look.apart().is_none()) && !silent.is_empty() {
            // Each router has an answer again, so that one that keeps the others' silence may be heard.
            sleep(REFILL).await;
            looks = join_all(silent.into_iter().map(|port| look(Some(port)))).await;
            met += same(&looks);
        }
        for (port, hop) in looks.iter().filter_map(Look::apart).take(FOLLOWED) {
            let settings = TraceSettings { port: Some(port), ..settings.clone() };
            add(traces, trace(to, probe, true, &settings).await);
            // Some routers part packets of one flow, too: what was seen once was on a way.
            let passes = |trace: &TraceObservation| {
                trace.hops.iter().any(|known| (known.ttl, known.from) == (hop.ttl, hop.from))
            };
            if !traces.iter().any(passes) {
                traces.push(glimpsed(&first, &hop));
            }
        }
        // Too few have answered yet to tell that there is one way: the next address of the group looks as well.
        let enough = alike.fetch_add(met, Ordering::Relaxed) + met >= FEWEST;
        (traces.len() > 1 || enough).then_some(traces.len() > 1)
    }

    /// Who answers a packet of a flow at the distance of the declared hop, and where nobody does, whether another declared one
    /// answers behind it.
    async fn look(
        &self,
        to: SocketAddr,
        probe: Probe,
        first: &TraceObservation,
        (ttl, from): (u8, IpAddr),
        settings: TraceSettings,
    ) -> Look {
        let Glimpse { from: now, port } = confirm(to, probe, ttl, &settings).await;
        match (now, port) {
            (_, None) => Look::Unsent,
            (Some(now), Some(_)) if now == from => Look::Same,
            (Some(_), Some(port)) => Look::Apart(port, Hop { ttl, from: now, rtt: None }),
            (None, Some(port)) => {
                let same = TraceSettings { port: Some(port), ..settings };
                let ttl = ttl.saturating_add(1);
                let behind = confirm(to, probe, ttl, &same).await.from;
                let known = |behind| first.hops.iter().any(|hop| hop.from == Some(behind));
                match behind {
                    Some(from) if self.proves(from) && !known(from) => {
                        Look::Apart(port, Hop { ttl, from: behind, rtt: None })
                    }
                    _ => Look::Silent(port),
                }
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
        let group = (
            group(to.ip(), route),
            traces.first().and_then(|first| self.proven(first)).map(|(_, from)| from),
        );
        if !spread && self.goes_several_ways(&group) {
            return None;
        }
        let (ttl, _) = traces.iter().find_map(|trace| self.proven(trace))?;
        let now = confirm(to, probe, ttl, &self.settings(to)).await.from?;
        let at = SystemTime::now();
        for trace in &mut traces {
            trace.at = at;
        }
        let known =
            |trace: &TraceObservation| trace.hops.iter().any(|hop| hop.ttl == ttl && hop.from == Some(now));
        traces.iter().any(known).then_some(traces)
    }

    fn goes_several_ways(&self, group: &(Group, Option<IpAddr>)) -> bool {
        self.groups
            .lock()
            .is_ok_and(|groups| groups.get(group).is_some_and(|spread| spread.several.get() == Some(&true)))
    }

    /// The nearest hop that shows a link, and its distance.
    fn proven(&self, trace: &TraceObservation) -> Option<(u8, IpAddr)> {
        trace.hops.iter().find_map(|hop| Some((hop.ttl, hop.from.filter(|from| self.proves(*from))?)))
    }

    /// Whether an address shows a link.
    fn proves(&self, from: IpAddr) -> bool {
        self.proofs.iter().any(|net| net.contains(&from.to_canonical()))
    }
}

/// What a single packet to where `first` went has shown.
fn glimpsed(first: &TraceObservation, hop: &Hop) -> TraceObservation {
    let unseen = (1..hop.ttl).map(|ttl| Hop { ttl, from: None, rtt: None });
    let hops = unseen.chain([hop.clone()]).collect();
    TraceObservation { source: None, hops, end: TraceEnd::Silent, at: SystemTime::now(), ..first.clone() }
}

/// Adds a way that is not among them yet.
fn add(traces: &mut Vec<TraceObservation>, seen: TraceObservation) {
    if !traces.iter().any(|known| same_way(known, &seen)) {
        traces.push(seen);
    }
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
