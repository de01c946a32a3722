//! Hops of TTL-limited probes as evidence (E6).
//!
//! In: the traces of a flow. Out: evidence, and the ways that declared hops prove. Silence says nothing.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::{Duration, SystemTime};

use super::evidence::{Evidence, Plane, Strength};
use super::ways::{self, Vote, Way, Ways};
use crate::config::Topology;
use crate::observation::{AddressObservation, Protocol, TraceObservation};

/// Hop and reflexive evidence older than this is dropped (DOMAIN §3.2 d).
pub(super) const EVIDENCE_LIMIT: Duration = Duration::from_secs(15 * 60);

/// E6: hops of TTL-limited probes. Within one trace every declared hop decides; several flows may take several links, and
/// the first vote names all that were taken.
pub(super) fn ask<'a>(
    seen: &AddressObservation,
    topology: &'a Topology,
    ip: IpAddr,
    now: SystemTime,
    evidence: &mut Vec<Evidence>,
) -> Vec<Vote<'a>> {
    let mut taken = Ways::new();
    let mut contradictory = false;
    for trace in fresh_traces(seen, now) {
        let proven = proven(trace, topology, ip);
        evidence.push(describe(trace, &proven));
        contradictory |= proven.len() > 1;
        taken.extend(proven.iter().map(|(_, _, way)| way.name()));
    }
    let vote = |ways| Vote { ways, plane: Plane::Data, decides: true };
    let mut votes = Vec::new();
    if !taken.is_empty() {
        votes.push(vote(taken));
    }
    if contradictory {
        // No link fits a flow that passes hops of two.
        votes.push(vote(Ways::new()));
    }
    votes
}

/// All ways that the flows to an address took, each by its own hops alone.
pub(super) fn taken<'a>(
    seen: &AddressObservation,
    topology: &'a Topology,
    ip: IpAddr,
    now: SystemTime,
) -> Ways<'a> {
    let proven = fresh_traces(seen, now).map(|trace| proven(trace, topology, ip));
    proven.filter(|proven| proven.len() == 1).flatten().map(|(_, _, way)| way.name()).collect()
}

/// Routers that a flow which was followed to a declared hop met first.
pub(super) fn followed(
    seen: &AddressObservation,
    topology: &Topology,
    ip: IpAddr,
    now: SystemTime,
) -> BTreeSet<IpAddr> {
    let proven = fresh_traces(seen, now).filter(|trace| !proven(trace, topology, ip).is_empty());
    proven.filter_map(|trace| Some(trace.hops.first()?.from?.to_canonical())).collect()
}

/// The ways that one flow's hops prove, each with its first hop.
fn proven<'a>(trace: &TraceObservation, topology: &'a Topology, ip: IpAddr) -> Vec<(u8, IpAddr, Way<'a>)> {
    let mut proven: Vec<(u8, IpAddr, Way<'_>)> = Vec::new();
    for hop in &trace.hops {
        let Some(from) = hop.from.map(|from| from.to_canonical()).filter(|from| *from != ip) else {
            continue;
        };
        let Some(way) = ways::by_hop(topology, from) else { continue };
        if proven.iter().all(|(_, _, known)| known.name() != way.name()) {
            proven.push((hop.ttl, from, way));
        }
    }
    proven
}

/// Traces that still count (DOMAIN §3.2 d).
pub(super) fn fresh_traces(
    seen: &AddressObservation,
    now: SystemTime,
) -> impl Iterator<Item = &TraceObservation> {
    let fresh = move |at: SystemTime| now.duration_since(at).unwrap_or_default() <= EVIDENCE_LIMIT;
    seen.traces.iter().filter(move |trace| fresh(trace.at))
}

fn describe(trace: &TraceObservation, proven: &[(u8, IpAddr, Way<'_>)]) -> Evidence {
    let hops: Vec<String> =
        trace.hops.iter().map(|hop| hop.from.map_or("*".to_string(), |from| from.to_string())).collect();
    let path = if hops.is_empty() { "no hop answered".to_string() } else { hops.join(" → ") };
    let (strength, meaning) = if proven.is_empty() {
        (Strength::C, "no declared hop among them, which says nothing".to_string())
    } else {
        let words: Vec<String> =
            proven.iter().map(|(ttl, from, way)| format!("hop {ttl} is {from} of {}", way.name())).collect();
        (Strength::A, words.join(", then "))
    };
    Evidence {
        id: "E6".into(),
        plane: Plane::Data,
        strength,
        says: format!("{} probes to {}: {path}; {meaning}", protocol(trace.protocol), trace.destination),
        at: trace.at,
    }
}

fn protocol(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Tcp => "TCP",
        Protocol::Udp => "UDP",
        Protocol::Icmp => "ICMP",
    }
}
