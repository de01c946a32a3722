//! Makes a trace: one TTL after another in one flow, then the silent ones again, paced.
//!
//! One after another because one flow cannot carry two SYNs at once; paced because routers limit ICMP per destination
//! (Linux: six at once, then one a second), so that a router silent now may answer a moment later.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use closedpath_core::failure::Step;
use closedpath_core::observation::{Hop, Protocol, TraceEnd, TraceObservation};
use closedpath_core::target::Probe;
use ipnet::IpNet;
use tokio::time::{Instant, sleep};

use super::answer::Answer;
use super::flow::Flow;
use super::patience::Patience;
use super::reading::Reading;
use crate::datagram::{closed, is_closed};
use crate::{classify, random};

/// Silent hops in a row after which an unreachable destination is given up.
const GIVE_UP: usize = 4;

/// Pauses before the rounds over silent hops, in milliseconds; the last one repeats.
const PAUSES: [u64; 3] = [300, 600, 1000];

/// How far and how long a trace goes.
#[derive(Debug, Clone)]
pub struct TraceSettings {
    /// The wait for one hop.
    pub hop_timeout: Duration,
    /// For the whole trace; rounds over silent hops go on until it is spent.
    pub budget: Duration,
    /// The largest TTL.
    pub max_ttl: u8,
    /// The TTL at which the destination answered last time: a trace to a silent destination goes at least that far.
    pub expect: Option<u8>,
    /// Hops of which one is enough: once one has answered, silent hops are not asked again. `None`: all are wanted.
    pub enough: Option<Arc<[IpNet]>>,
    /// Shared with the other traces of a round; without it, the budget alone bounds how long silent hops are asked again.
    pub patience: Option<Arc<Patience>>,
    /// The source port, or the identifier of the echoes; `None`: the kernel chooses.
    pub port: Option<u16>,
    /// How routers' answers to SYNs are read.
    pub reading: Reading,
}

impl Default for TraceSettings {
    fn default() -> Self {
        Self {
            hop_timeout: Duration::from_millis(500),
            budget: Duration::from_secs(10),
            max_ttl: 30,
            expect: None,
            enough: None,
            patience: None,
            port: None,
            reading: Reading::ErrorQueue,
        }
    }
}

/// Traces a flow to `to` by packets of the kind that the probe sends: SYNs, questions of its protocol over UDP, or echo
/// requests. `reachable`: contact has just been made or refused, so silence on the way is worth asking again. Routers beyond
/// the destination are never probed, and the destination itself is not a hop.
pub async fn trace(
    to: SocketAddr,
    probe: Probe,
    reachable: bool,
    settings: &TraceSettings,
) -> TraceObservation {
    // An echo has no port.
    let to = if probe == Probe::Icmp { SocketAddr::new(to.ip(), 0) } else { to };
    let seen = follow(to, probe, settings.port, reachable, settings).await;
    // A port that is still taken (TIME_WAIT, RFC 9293 §3.6.1, or by somebody else) is no reason not to look.
    let unsent = seen.hops.is_empty() && matches!(seen.end, TraceEnd::Failed(_));
    if unsent && settings.port.is_some() {
        return follow(to, probe, None, reachable, settings).await;
    }
    seen
}

async fn follow(
    to: SocketAddr,
    probe: Probe,
    port: Option<u16>,
    reachable: bool,
    settings: &TraceSettings,
) -> TraceObservation {
    let mut walk = Walk::new(reachable, settings);
    match Flow::reserve(to, probe, port, &settings.reading) {
        Ok(flow) => {
            walk.first_pass(&flow).await;
            walk.ask_again(&flow).await;
        }
        Err(error) if probe == Probe::Icmp && is_closed(&error) => {
            walk.end = TraceEnd::Failed(closed(Step::Trace, &error));
        }
        Err(error) => walk.end = TraceEnd::Failed(classify::os_error(Step::Trace, to, &error)),
    }
    TraceObservation {
        protocol: Protocol::of(probe),
        destination: to,
        source: walk.source,
        hops: walk.hops,
        end: walk.end,
        at: SystemTime::now(),
    }
}

/// What came of one packet of a flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Glimpse {
    /// Who answered, a router or the destination itself.
    pub from: Option<IpAddr>,
    /// The flow's source port.
    pub port: Option<u16>,
}

/// Who answers at one TTL now, and from which source port it was asked: a new one where the settings name none, so another ECMP
/// member may be followed than the one that was traced.
pub async fn confirm(to: SocketAddr, probe: Probe, ttl: u8, settings: &TraceSettings) -> Glimpse {
    let Ok(flow) = Flow::reserve(to, probe, settings.port, &settings.reading) else {
        return Glimpse { from: None, port: None };
    };
    let (answer, source) = flow.probe(ttl, settings.hop_timeout).await;
    let from = match answer {
        Answer::Hop(from, _) => from,
        Answer::Destination { .. } => Some(to.ip()),
        Answer::Unreachable { .. } | Answer::Silence | Answer::Failed(_) => None,
    };
    Glimpse { from, port: source.map(|source| source.port()) }
}

/// A trace in the making.
struct Walk<'a> {
    settings: &'a TraceSettings,
    reachable: bool,
    deadline: Instant,
    source: Option<SocketAddr>,
    hops: Vec<Hop>,
    end: TraceEnd,
}

impl<'a> Walk<'a> {
    fn new(reachable: bool, settings: &'a TraceSettings) -> Self {
        let deadline = Instant::now() + settings.budget;
        let source = None;
        Self { settings, reachable, deadline, source, hops: Vec::new(), end: TraceEnd::Silent }
    }

    async fn first_pass(&mut self, flow: &Flow) {
        for ttl in 1..=self.settings.max_ttl {
            if self.left().is_zero() || self.hopeless(ttl) {
                return;
            }
            match self.probe(flow, ttl).await {
                Answer::Hop(from, rtt) => {
                    self.note(ttl, from);
                    self.hops.push(Hop { ttl, from, rtt: Some(rtt) });
                }
                Answer::Silence => self.hops.push(Hop { ttl, from: None, rtt: None }),
                Answer::Destination { refused } => {
                    self.end = TraceEnd::Destination { ttl, refused };
                    return;
                }
                Answer::Unreachable { from, text } => {
                    self.end = TraceEnd::Unreachable { from, text };
                    return;
                }
                Answer::Failed(failure) => {
                    self.end = TraceEnd::Failed(failure);
                    return;
                }
            }
        }
    }

    /// Tells the other traces at what distance a declared router was found.
    fn note(&self, ttl: u8, from: Option<IpAddr>) {
        let (Some(shared), Some(nets), Some(from)) = (&self.settings.patience, &self.settings.enough, from)
        else {
            return;
        };
        if nets.iter().any(|net| net.contains(&from.to_canonical())) {
            shared.note(ttl);
        }
    }

    fn left_to_ask_again(&self) -> Duration {
        self.settings.patience.as_ref().map_or(self.left(), |shared| shared.left())
    }

    fn has_one_of(&self, nets: &[IpNet]) -> bool {
        let answered = self.hops.iter().filter_map(|hop| hop.from);
        answered.into_iter().any(|from| nets.iter().any(|net| net.contains(&from.to_canonical())))
    }

    /// Asks only the silent TTLs again, in rounds, until they have answered or the budget is spent.
    async fn ask_again(&mut self, flow: &Flow) {
        let mut round = 0;
        while self.worth_asking() {
            let pause = jittered(PAUSES[round.min(PAUSES.len() - 1)]);
            if pause >= self.left_to_ask_again() {
                return;
            }
            sleep(pause).await;
            round += 1;
            for index in 0..self.hops.len() {
                let silent = self.hops.get(index).filter(|hop| hop.rtt.is_none()).map(|hop| hop.ttl);
                let favours =
                    |ttl: &u8| self.settings.patience.as_ref().is_none_or(|shared| shared.favours(*ttl));
                let Some(ttl) = silent.filter(favours) else {
                    continue;
                };
                if self.left_to_ask_again().is_zero() {
                    return;
                }
                match self.probe(flow, ttl).await {
                    Answer::Hop(from, rtt) => {
                        self.note(ttl, from);
                        if let Some(shared) = &self.settings.patience {
                            shared.reward();
                        }
                        self.hops[index] = Hop { ttl, from, rtt: Some(rtt) };
                    }
                    Answer::Destination { refused } => {
                        // It is nearer than the first pass could see: what was probed beyond it was not on the way.
                        self.hops.truncate(index);
                        self.end = TraceEnd::Destination { ttl, refused };
                    }
                    Answer::Silence | Answer::Unreachable { .. } | Answer::Failed(_) => {}
                }
            }
        }
    }

    fn worth_asking(&self) -> bool {
        if self.settings.enough.as_ref().is_some_and(|nets| nets.is_empty() || self.has_one_of(nets)) {
            return false;
        }
        let alive = match self.end {
            TraceEnd::Destination { .. } => true,
            TraceEnd::Silent => self.reachable,
            TraceEnd::Unreachable { .. } | TraceEnd::Failed(_) => false,
        };
        alive && self.hops.iter().any(|hop| hop.rtt.is_none())
    }

    /// Whether so many hops were silent that a destination nobody has reached will not answer either.
    fn hopeless(&self, ttl: u8) -> bool {
        let silent = self.hops.iter().rev().take_while(|hop| hop.rtt.is_none()).count();
        !self.reachable && silent >= GIVE_UP && ttl > self.settings.expect.unwrap_or(0)
    }

    async fn probe(&mut self, flow: &Flow, ttl: u8) -> Answer {
        let left = if self.left().is_zero() { self.left_to_ask_again() } else { self.left() };
        let wait = self.settings.hop_timeout.min(left);
        let (answer, source) = flow.probe(ttl, wait).await;
        self.source = self.source.or(source);
        answer
    }

    fn left(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }
}

/// Up to a quarter more, so that traces begun together do not ask a router together again.
fn jittered(milliseconds: u64) -> Duration {
    let [byte] = random::bytes::<1>();
    Duration::from_millis(milliseconds + milliseconds * u64::from(byte) / 1024)
}
