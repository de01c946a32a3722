//! The paths of tunnels' outer packets (A3): where an endpoint is at a tunnel's outer peer, its path is that of the tunnel.
//!
//! In: the paths to those endpoints. Out: what is known of each tunnel's outer path, and what follows for a flow that may take it.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::SystemTime;

use super::evidence::{Evidence, Plane, Strength};
use super::ways::Ways;
use super::{Confidence, Path};
use crate::config::Topology;
use crate::failure::label;

/// The paths to each outer peer, as far as they were looked at.
#[derive(Debug, Default)]
pub struct Outer {
    of: BTreeMap<IpAddr, Vec<Path>>,
}

impl Outer {
    /// All outer peers, with no path yet.
    pub(super) fn peers(topology: &Topology) -> Self {
        let peers = topology.tunnels.iter().flat_map(|tunnel| &tunnel.outer_peer);
        Self { of: peers.map(|peer| (peer.to_canonical(), Vec::new())).collect() }
    }

    /// Adds the path to an address, if it is an outer peer.
    pub(super) fn add(&mut self, ip: IpAddr, path: impl FnOnce() -> Path) {
        if let Some(paths) = self.of.get_mut(&ip.to_canonical()) {
            paths.push(path());
        }
    }
}

/// What is known of the outer paths of the ways that remain for a flow.
#[derive(Debug, Default)]
pub(super) struct Beneath {
    /// Each way is a tunnel, and the paths to all of its outer peers are confirmed.
    pub(super) confirmed: bool,
    /// An outer path takes another edge than the declared one.
    pub(super) contradicted: bool,
    pub(super) says: Vec<Evidence>,
}

/// What the outer paths say of the ways that remain.
pub(super) fn beneath(outer: &Outer, remaining: &Ways<'_>, topology: &Topology, now: SystemTime) -> Beneath {
    let mut beneath = Beneath { confirmed: !remaining.is_empty(), ..Beneath::default() };
    for name in remaining {
        let Some(tunnel) = topology.tunnels.iter().find(|tunnel| tunnel.name == *name) else {
            beneath.confirmed = false;
            continue;
        };
        // Of a peer that nobody declares no path is known.
        beneath.confirmed &= !tunnel.outer_peer.is_empty();
        for peer in tunnel.outer_peer.iter().map(IpAddr::to_canonical) {
            let paths = outer.of.get(&peer).map(Vec::as_slice).unwrap_or_default();
            let known: Vec<&Path> = paths.iter().filter(|path| path.edge.is_some()).collect();
            beneath.contradicted |= known.iter().any(|path| path.edge != Some(tunnel.over));
            let sure = |path: &&Path| path.confidence == Confidence::Confirmed;
            beneath.confirmed &= known.iter().any(sure);
            let (strength, says) = match known.iter().max_by_key(|path| path.confidence) {
                Some(path) => (
                    Strength::B,
                    format!(
                        "{peer}, outer peer of {name}, is reached {} ({})",
                        label(&path.class),
                        label(&path.confidence)
                    ),
                ),
                None => (
                    Strength::D,
                    format!(
                        "the path to {peer}, outer peer of {name}, was not looked at: make it a [[target]]"
                    ),
                ),
            };
            beneath.says.push(Evidence { id: "E6".into(), plane: Plane::Data, strength, says, at: now });
        }
    }
    beneath
}
